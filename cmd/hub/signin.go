package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"coldstation/sync/hub/store"
	"coldstation/sync/hub/web"
)

// signInSettings are how people sign in to the pages.
type signInSettings struct {
	url                      string
	idle, longest, trailKeep time.Duration
	linksKeep                time.Duration

	issuer, client, secretFile, title, claim, scopes, roles string // of a provider elsewhere
}

func (s *signInSettings) flags(set *flag.FlagSet) {
	set.StringVar(&s.url, "web-url", "", "the pages' own `address` as people reach them, https://host, for links and for signing in elsewhere")
	set.DurationVar(&s.idle, "session-idle", 2*time.Hour, "after how `long` somebody who does nothing is signed out")
	set.DurationVar(&s.longest, "session-longest", 12*time.Hour, "after how `long` anybody is signed out")
	set.DurationVar(&s.trailKeep, "trail-keep", 365*24*time.Hour, "how `long` it is kept who did what")
	set.DurationVar(&s.linksKeep, "links-keep", 90*24*time.Hour, "how `long` after it ended it is kept whose loan it was; then figures alone are left")
	set.StringVar(&s.issuer, "oidc-issuer", "", "`address` of an OpenID Connect provider at which people sign in")
	set.StringVar(&s.client, "oidc-client", "", "the hub's `name` there")
	set.StringVar(&s.secretFile, "oidc-secret-file", "", "`file` with the hub's secret there")
	set.StringVar(&s.title, "oidc-title", "", "what people call it, as `text` for the button (default: its host)")
	set.StringVar(&s.claim, "oidc-claim", "groups", "the `claim`, a text or a list of texts, that --oidc-roles speak of")
	set.StringVar(&s.scopes, "oidc-scopes", "", "further `scopes` to ask for, by commas, such as groups")
	set.StringVar(&s.roles, "oidc-roles", "", "by semicolons, what a value of the claim lets people do: `VALUE=ROLE` or VALUE=ROLE@STATION")
}

func (s *signInSettings) check() error {
	for name, address := range map[string]string{"--web-url": s.url, "--oidc-issuer": s.issuer} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Host) && u.Hostname() != "localhost")) {
			return fmt.Errorf("%s %s: it is https://host; http is for this machine alone", name, address)
		}
	}
	if s.idle < time.Minute || s.longest < s.idle {
		return errors.New("--session-idle is a minute or more, and --session-longest no less than that")
	}
	if s.trailKeep < 24*time.Hour {
		return errors.New("--trail-keep is a day or more")
	}
	if s.linksKeep < 24*time.Hour {
		return errors.New("--links-keep is a day or more")
	}
	if s.issuer == "" {
		if s.client+s.secretFile+s.roles != "" {
			return errors.New("--oidc-…: say --oidc-issuer too")
		}
		return nil
	}
	if s.client == "" || s.secretFile == "" || s.roles == "" || s.url == "" {
		return errors.New("--oidc-issuer needs --oidc-client, --oidc-secret-file, --oidc-roles and --web-url")
	}
	_, err := s.claimRoles()
	return err
}

func (s *signInSettings) claimRoles() (roles []web.ClaimRole, err error) {
	for text := range strings.SplitSeq(s.roles, ";") {
		role, err := web.ParseClaimRole(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("--oidc-roles: %w", err)
		}
		roles = append(roles, role)
	}
	return roles, nil
}

// elsewhere is where people sign in beside the hub itself; nil for nowhere.
func (s *signInSettings) elsewhere() (*web.Elsewhere, error) {
	if s.issuer == "" {
		return nil, nil
	}
	secret, err := os.ReadFile(s.secretFile)
	if err != nil {
		return nil, err
	}
	roles, err := s.claimRoles()
	if err != nil {
		return nil, err
	}
	title := s.title
	if u, err := url.Parse(s.issuer); title == "" && err == nil {
		title = u.Hostname()
	}
	return &web.Elsewhere{Title: title, Issuer: s.issuer, Client: s.client, Secret: strings.TrimSpace(string(secret)), Claim: s.claim, Scopes: list(s.scopes), Roles: roles}, nil
}

// tidied forgets sessions that are over and what is too old in the trail and of alerts, until ctx
// ends.
func (s *signInSettings) tidied(ctx context.Context, kept store.Store) error {
	hourly := time.NewTicker(time.Hour)
	defer hourly.Stop()
	var unlinked time.Time
	for {
		now := time.Now()
		if now.Sub(unlinked) >= 24*time.Hour {
			unlinked = now
			if _, err := kept.Unlink(ctx, now.Add(-s.linksKeep), time.Local); err != nil && ctx.Err() == nil {
				slog.Warn("forget whose loans were", "err", err)
			}
		}
		err := errors.Join(kept.ForgetSessions(ctx, now.Add(-s.longest), now.Add(-s.idle)), kept.ForgetTrail(ctx, now.Add(-s.trailKeep)), kept.ForgetAlerts(ctx, now.Add(-s.trailKeep)))
		if err != nil && ctx.Err() == nil {
			slog.Warn("forget what is old", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-hourly.C:
		}
	}
}
