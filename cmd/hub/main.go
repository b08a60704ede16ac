// Command hub is the library's side: it takes in what stations recorded, tells
// them what they must know, and shows it all on a web page.
//
//	hub                        serve stations and librarians until stopped
//	hub station add NAME       make a station known and print its one-time code
//	hub station revoke NAME    turn a station away at once
//	hub station title NAME T   what people call it, for the pages
//	hub station settle NAME    what was noticed about its records is looked into
//	hub account add NAME       make an account for the pages; list, role, reset, remove
//	hub import FILE...         bring in items, patrons, policies, proxies
//	hub export WHAT            items, people, loans, events, or a file for Koha
//	hub demo                   bring in the demo library
//	hub backup FILE            all that makes a hub, in one new file
//	hub restore FILE           a hub from a backup
//	hub mosquitto              write keys for a Mosquitto that is to carry it all
//	hub ils check CARD ITEM    how the library system answers; hub ils post --dry-run
//
// All but the first and a restore may run beside it: it notices within seconds.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"coldstation/cmd/internal/conf"
	"coldstation/sync/hub/store"
	"coldstation/sync/identity"
)

var commands = map[string]func(context.Context, []string) error{
	"station":   stations,
	"account":   accounts,
	"import":    importFiles,
	"export":    export,
	"demo":      demo,
	"mosquitto": mosquitto,
	"backup":    backup,
	"restore":   restore,
	"ils":       libraryCommand,
}

const usage = `usage: hub [settings]              serve stations and librarians until stopped
       hub station add NAME        make a station known and print its one-time code
       hub station revoke NAME     turn a station away at once
       hub station title NAME TEXT what people call it, for the pages
       hub station settle NAME     what was noticed about its records is looked into
       hub account add NAME        make an account for the pages; list, role, reset, remove
       hub import FILE...          bring in items, patrons, policies, proxies, covers
       hub export WHAT             items, people, loans, events, or a file for Koha
       hub demo                    bring in the demo library
       hub backup FILE             all that makes a hub, in one new file
       hub restore FILE            a hub from a backup
       hub mosquitto               write keys for a Mosquitto that is to carry it all
       hub ils check CARD ITEM     how the library system answers; changes nothing
       hub ils post --dry-run      what would be posted to it
       hub ils learn               learn people, items and rules from Koha, once

Each command tells its own settings with --help. Those of a hub that serves:

`

func main() {
	conf.Log()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run, args := serve, os.Args[1:]
	if len(args) == 1 && args[0] == "--version" {
		fmt.Println(program)
		return
	}
	if len(args) > 0 && commands[args[0]] != nil {
		run, args = commands[args[0]], args[1:]
	}
	switch err := run(ctx, args); {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "hub:", err)
		os.Exit(1)
	}
}

// dataFlag is where a hub keeps everything: hub.db, its keys, broker/.
func dataFlag(set *flag.FlagSet) *string {
	return set.String("data", "/var/lib/coldstation-hub", "`folder` of the hub's data and keys")
}

// open opens the store and the library's keys in folder, making both at first: the
// store before the keys, so that an empty store beside keys is one that lost all it
// had, store.ErrDamaged.
func open(folder string) (store.Store, identity.Library, error) {
	if err := errors.Join(conf.Own(folder), os.MkdirAll(folder, 0o700)); err != nil {
		return nil, identity.Library{}, err
	}
	keys, file := filepath.Join(folder, keys[0]), filepath.Join(folder, database)
	_, known := os.Stat(keys)
	switch info, err := os.Stat(file); {
	case known != nil:
	case err == nil && info.Size() == 0:
		return nil, identity.Library{}, fmt.Errorf("%w: %s is empty, and there are the keys of a library that had one", store.ErrDamaged, file)
	case errors.Is(err, fs.ErrNotExist):
		slog.Warn("there are the keys of a library and no store: a new one begins, which knows no station", "file", file)
	}
	s, err := store.OpenSQLite(file)
	if err != nil {
		return nil, identity.Library{}, err
	}
	library, err := identity.LoadLibrary(keys)
	if err != nil {
		return nil, identity.Library{}, errors.Join(err, s.Close())
	}
	return s, library, nil
}
