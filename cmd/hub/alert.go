package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"coldstation/sync/hub/alert"
	"coldstation/sync/hub/hook"
	"coldstation/sync/hub/store"
	"coldstation/sync/hub/web"
)

// alertSettings are how people and programs are told.
type alertSettings struct {
	hooksFile    string
	mail         alert.Mail
	passwordFile string
	hooks        []hook.Hook
}

func (s *alertSettings) flags(set *flag.FlagSet) {
	set.StringVar(&s.mail.Host, "mail", "", "`host` or host:port where mail is handed over; without it no mail is sent")
	set.StringVar(&s.mail.Secure, "mail-by", "starttls", "`how`: starttls, tls from the start, or none, for this machine alone")
	set.StringVar(&s.mail.From, "mail-from", "", "`address` that alerts come from")
	set.StringVar(&s.mail.Account, "mail-account", "", "the hub's `name` there")
	set.StringVar(&s.passwordFile, "mail-password-file", "", "`file` with the hub's password there")
	set.StringVar(&s.hooksFile, "hooks", "", "`file` of programs that may be told of alerts and events, each line NAME URL SECRET-FILE")
}

// read reads the files that are named, and says what does not go together.
func (s *alertSettings) read() (err error) {
	if s.hooksFile != "" {
		if s.hooks, err = hook.Read(s.hooksFile); err != nil {
			return fmt.Errorf("--hooks: %w", err)
		}
	}
	if s.mail.Host == "" {
		return nil
	}
	if err := s.mail.Check(); err != nil {
		return fmt.Errorf("--mail: %w", err)
	}
	if s.passwordFile != "" {
		password, err := os.ReadFile(s.passwordFile)
		if err != nil {
			return fmt.Errorf("--mail-password-file: %w", err)
		}
		s.mail.Password = strings.TrimSpace(string(password))
	}
	return nil
}

// alerting is what tells people and programs, and what the pages must know of it.
type alerting struct {
	watch   *alert.Watch
	forward *hook.Forwarder
}

func (s *alertSettings) open(from store.Store, patience store.Patience, ils, url string, away func() time.Time) (alerting, error) {
	say, err := web.Phrases()
	if err != nil {
		return alerting{}, err
	}
	a := alerting{
		&alert.Watch{Source: from, Patience: patience, ILS: ils, Away: away, Voice: alert.Voice{Say: say, Place: time.Local, URL: url}, Hooks: s.hooks, Now: time.Now, Log: slog.Default()},
		&hook.Forwarder{Source: from, Hooks: s.hooks, Now: time.Now, Log: slog.Default()},
	}
	if s.mail.Host != "" {
		a.watch.Mail = &s.mail
	}
	return a, nil
}

func (a alerting) telling() web.Telling {
	return web.Telling{Mail: a.watch.Mail != nil, Hooks: hook.Names(a.watch.Hooks), Conditions: alert.Names, Library: []string{alert.Away, alert.Decisions}, Try: a.watch.Voice.Try}
}

// run tells until ctx ends.
func (a alerting) run(ctx context.Context) error {
	return together(ctx, a.watch.Run, a.forward.Run)
}
