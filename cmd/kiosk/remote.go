package main

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"syscall"

	"coldstation/kiosk"
	"coldstation/sync/ledger"
	"coldstation/sync/setting"
)

// overlaid are the settings of this machine under those that the library set from afar,
// which beat all but what is fixed here. Each is the flag of its name.
func overlaid(args []string, own settings, values map[string]string) (settings, error) {
	if err := setting.Check(values); err != nil {
		return own, err
	}
	args = slices.Clone(args)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if slices.Contains(own.fixed, name) {
			continue
		}
		value := values[name]
		switch value { // of a flag that says yes or no
		case setting.On:
			value = "true"
		case setting.Off:
			value = "false"
		}
		args = append(args, "--"+name+"="+value)
	}
	return parse(args)
}

// judge says whether settings of the library's go together on this machine.
func (a *assembly) judge(values map[string]string) (fixed []string, err error) {
	s, err := overlaid(a.args, a.own, values)
	if err == nil {
		err = a.worded(s)
	}
	return a.own.fixed, err
}

// worded reports a language that there are no words of.
func (a *assembly) worded(s settings) error {
	for _, language := range s.station.Rules.Languages {
		if a.words[language] == nil {
			return fmt.Errorf("no words for language %q", language)
		}
	}
	return nil
}

// adopt takes the settings that are in force at the library's wish. They were judged
// before they were kept; where that was another version of this program, and its word no
// longer holds, the machine's own are in force.
func (a *assembly) adopt(l *ledger.Ledger) error {
	kept, err := l.KeptSettings()
	if err != nil {
		return err
	}
	s, err := overlaid(a.args, a.own, kept.Values)
	if err = errors.Join(err, a.worded(s)); err != nil {
		slog.Error("the library's settings do not go together here any more", "version", kept.Version, "err", err)
		s = a.own
	}
	a.settings = s
	return nil
}

// remote is what the library's wishes are carried out with.
func (a *assembly) remote() kiosk.Remote {
	return kiosk.Remote{Judge: a.judge, Recent: recent.Newest}
}

// again starts the program again, as the library asked: what systemd runs is started by
// it, screen and all, when it ends; else the program takes its own place.
func again() error {
	if os.Getenv("INVOCATION_ID") != "" {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("start again: %w", err)
	}
	return fmt.Errorf("start again: %w", syscall.Exec(self, os.Args, os.Environ()))
}
