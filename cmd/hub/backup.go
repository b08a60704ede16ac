package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"coldstation/cmd/internal/conf"
	"coldstation/sync/hub/archive"
	"coldstation/sync/hub/store"
	"coldstation/sync/identity"
)

const database = "hub.db"

// keys are the files beside the database that make a hub; the authority's are
// there only where TLS is spoken.
var keys = []string{"library.json", "authority.key", "authority.crt"}

// backup writes all that makes a hub into one new file, beside a hub that runs.
func backup(ctx context.Context, args []string) error {
	set := flag.NewFlagSet("hub backup", flag.ContinueOnError)
	data := dataFlag(set)
	if err := conf.Parse(set, args); err != nil {
		return err
	}
	if set.NArg() != 1 {
		return errors.New("usage: hub backup FILE")
	}
	out := set.Arg(0)
	stage, err := os.MkdirTemp(*data, ".backup-")
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer os.RemoveAll(stage)
	if err := store.CopySQLite(ctx, filepath.Join(*data, database), filepath.Join(stage, database)); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := store.CheckSQLite(ctx, filepath.Join(stage, database)); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	var names []string
	for _, name := range keys {
		err := os.Link(filepath.Join(*data, name), filepath.Join(stage, name))
		if errors.Is(err, fs.ErrNotExist) && name != keys[0] {
			continue
		}
		if err != nil {
			return fmt.Errorf("backup: %w", err)
		}
		names = append(names, name)
	}
	draft := out + ".new"
	file, err := os.OpenFile(draft, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer os.Remove(draft)
	err = archive.Write(file, stage, append(names, database), time.Now())
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := os.Link(draft, out); err != nil { // never over an earlier one
		return fmt.Errorf("backup: %w", err)
	}
	if err := syncFolder(filepath.Dir(out)); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	fmt.Printf("Written: %s. It holds the library's keys: keep it where keys are kept.\n", out)
	return nil
}

// restore makes a hub of a backup. Nothing is touched before all of it was
// checked, and what was there is kept aside.
func restore(ctx context.Context, args []string) error {
	set := flag.NewFlagSet("hub restore", flag.ContinueOnError)
	data := dataFlag(set)
	replace := set.Bool("replace", false, "set aside the hub that is there")
	if err := conf.Parse(set, args); err != nil {
		return err
	}
	if set.NArg() != 1 {
		return errors.New("usage: hub restore [--replace] FILE")
	}
	if err := os.MkdirAll(*data, 0o700); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	var there []string
	for _, name := range append(keys[:len(keys):len(keys)], database, database+"-wal", database+"-shm") {
		if _, err := os.Lstat(filepath.Join(*data, name)); err == nil {
			there = append(there, name)
		}
	}
	if len(there) > 0 && !*replace {
		return fmt.Errorf("restore: there is a hub in %s: say --replace to set it aside", *data)
	}
	stage, err := os.MkdirTemp(*data, ".restore-")
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer os.RemoveAll(stage)
	names, stations, err := prepare(ctx, set.Arg(0), stage)
	if err != nil {
		return fmt.Errorf("restore %s: nothing was changed: %w", set.Arg(0), err)
	}
	if err := store.ReleaseSQLite(filepath.Join(*data, database)); errors.Is(err, store.ErrInUse) {
		return fmt.Errorf("restore: stop the hub first: %w", err)
	} // what else is wrong with it is why it is replaced
	if len(there) > 0 {
		aside := filepath.Join(*data, "before-restore-"+time.Now().UTC().Format("20060102T150405.000"))
		if err := errors.Join(os.Mkdir(aside, 0o700), move(*data, aside, there)); err != nil {
			return fmt.Errorf("restore: %w", err)
		}
		fmt.Printf("What was there is in %s.\n", aside)
	}
	if err := move(stage, *data, names); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	fmt.Printf(`Restored, with %d stations. Start the hub: stations send again what it lacks and are
told everything anew. What the backup cannot know is for you to do again: revoke
stations that were revoked since, enrol those that were enrolled since, import the
collection, and remove or reset accounts that were removed or reset since. One-time
codes and links, sessions and tokens that were open work no more.
`, stations)
	return nil
}

// prepare puts what is in an archive into stage, looks at all of it, and makes the
// store one that may go on.
func prepare(ctx context.Context, path, stage string) (names []string, stations int, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	if names, err = archive.Extract(file, stage); err != nil {
		return nil, 0, err
	}
	known := map[string]bool{database: true}
	for _, name := range keys {
		known[name] = true
	}
	for _, name := range names {
		if !known[name] {
			return nil, 0, fmt.Errorf("%w: a file named %q", archive.ErrForeign, name)
		}
		delete(known, name)
	}
	if known[database] || known[keys[0]] || known[keys[1]] != known[keys[2]] {
		return nil, 0, fmt.Errorf("%w: only %v in it", archive.ErrForeign, names)
	}
	if err := store.CheckSQLite(ctx, filepath.Join(stage, database)); err != nil {
		return nil, 0, err
	}
	if !known[keys[1]] {
		if _, err := identity.LoadAuthority(stage, time.Now()); err != nil {
			return nil, 0, err
		}
	}
	s, _, err := open(stage)
	if err != nil {
		return nil, 0, err
	}
	stations, err = store.Restored(ctx, s)
	if err = errors.Join(err, s.Close()); err == nil {
		err = store.ReleaseSQLite(filepath.Join(stage, database))
	}
	return names, stations, err
}

// move takes files from one folder to another of the same disk, in order.
func move(from, to string, names []string) error {
	for _, name := range names {
		if err := os.Rename(filepath.Join(from, name), filepath.Join(to, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return errors.Join(syncFolder(to), syncFolder(from))
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
