package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coldstation/cmd/internal/stage"
	"coldstation/sync/identity"
	"coldstation/sync/identity/enrol"
)

// enrolled is a station that came by a code, over TLS.
func enrolled(t *testing.T) (*theatre, *stage.Kiosk) {
	t.Helper()
	s, ctx := newStage(t)
	th := &theatre{T: t, ctx: ctx}
	var err error
	th.screen, err = s.Screen(ctx, 1280, 800)
	th.must(err)
	th.Library, err = s.SecureLibrary(ctx)
	th.must(err)
	k, err := th.Kiosk(ctx, "maple-house", th.screen.Env(), "--window", "1280x800")
	th.must(err)
	return th, k
}

// TestEnrolledByCode is the real programs over TLS: a code from the hub makes
// this a station, a loan goes up, and once it is revoked nothing more does.
func TestEnrolledByCode(t *testing.T) {
	th, k := enrolled(t)
	th.must(k.Pad.Put("helmi", "sinuhe"))
	th.loans("999N00001003")
	th.must(k.Pad.Lift("helmi", "sinuhe"))
	th.must(stage.Until(th.ctx, "the visit's end", func() error { return k.Logged("visit over") }))

	if _, err := th.Library.Run("kiosk", "enrol", "--data", "maple-house", "8KQ2M-9XPFD-W3HTA-6RNBE@127.0.0.1"); err == nil {
		t.Error("a station was made anew without being asked twice")
	}
	_, err := th.Library.Run("hub", "station", "revoke", "--data", "hub", "maple-house")
	th.must(err)
	th.must(stage.Until(th.ctx, "the station to be cast out", func() error { return k.Logged("no connection to the broker") }))
	th.must(k.Pad.Put("veikko", "palmu"))
	th.must(stage.Until(th.ctx, "a loan without a library", func() error {
		log, err := os.ReadFile(k.Log)
		if err == nil && strings.Count(string(log), "kind=CheckedOut") < 2 {
			err = errors.New("it is not noted")
		}
		return errors.Join(k.Alive(), err)
	}))
	th.loans("999N00001003")
}

// TestCertificateLost: a station whose certificate cannot be read any more goes on, and
// says so when it can.
func TestCertificateLost(t *testing.T) {
	th, k := enrolled(t)
	k.Stop()
	for _, name := range []string{passFile, passFile + ".copy"} {
		th.must(os.WriteFile(filepath.Join(th.Dir, "maple-house", name), []byte("rotten"), 0o600))
	}
	var err error
	k.Program, err = th.Start("kiosk", th.screen.Env(), k.Args...)
	th.must(err)
	th.must(stage.Until(th.ctx, "a word of it", func() error { return k.Logged("the station's certificate is lost") }))
	th.must(stage.Until(th.ctx, "the fault", func() error { return k.Logged("kind=FaultRaised") }))
	th.must(k.Pad.Put("helmi", "sinuhe"))
	th.must(stage.Until(th.ctx, "a loan without a library", func() error { return errors.Join(k.Alive(), k.Logged("kind=CheckedOut")) }))
}

// TestEnrolTriesFirst: what can go wrong here does so before the code is spent.
func TestEnrolTriesFirst(t *testing.T) {
	code, err := enrol.NewCode("127.0.0.1:1") // where nobody listens
	if err != nil {
		t.Fatal(err)
	}
	taken := t.TempDir()
	if err := os.WriteFile(filepath.Join(taken, identityFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(taken, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, folder, code, want string }{
		{"a slip of the finger", t.TempDir(), "0" + code.Text(), "sign by sign"},
		{"a station already", taken, code.Text(), "say --replace"},
		{"no folder to write to", filepath.Join(file, "data"), code.Text(), "not a directory"},
		{"nobody there", t.TempDir(), code.Text(), "enrol at 127.0.0.1:1: "},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		_, err := enrolAs(ctx, tt.folder, tt.code, false)
		cancel()
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		if left, _ := filepath.Glob(filepath.Join(tt.folder, "*")); len(left) > 0 && tt.folder != taken {
			t.Errorf("%s: left %v behind", tt.name, left)
		}
	}
	if _, _, err := who("", t.TempDir(), ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no identity and no code: %v", err)
	}
	if s, p, err := who("", taken, ""); err == nil {
		t.Errorf("an empty identity: %v, %v", s, p)
	}
	if _, err := identity.LoadStation(filepath.Join(taken, identityFile)); err == nil {
		t.Error("the identity that was there is another")
	}
}
