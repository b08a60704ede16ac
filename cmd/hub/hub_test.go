package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"coldstation/cmd/internal/stage"
	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/identity"
	"coldstation/sync/identity/enrol"
	"coldstation/sync/ledger"
	"coldstation/sync/link"
	"coldstation/sync/station"
	"coldstation/sync/wire"
)

// TestClear: nothing is said in the clear beyond this machine, unless that is
// asked for.
func TestClear(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"", ""},
		{"--mqtt localhost:1883", ""},
		{"--mqtt [::1]:1883", ""},
		{"--mqtt 0.0.0.0:1883", "give --names"},
		{"--mqtt :1883", "give --names"},
		{"--mqtt 192.0.2.7:1883", "give --names"},
		{"--mqtt hub.example:1883", "give --names"},
		{"--mqtt 0.0.0.0:1883 --without-tls", ""},
		{"--mqtt 0.0.0.0:8883 --names hub.example", ""},
		{"--mqtt 0.0.0.0:8883 --names hub.example --without-tls", "one of the two"},
		{"--broker mqtt://127.0.0.1:1883", ""},
		{"--broker mqtt://broker.example:1883", "use mqtts://"},
		{"--broker mqtt://broker.example:1883 --without-tls", ""},
		{"--broker mqtts://broker.example:8883", ""},
		{"--broker mqtts://a.example:8883,mqtts://b.example:8883", ""},
		{"--broker mqtts://a.example:8883,mqtt://b.example:1883", "use mqtts://"},
		{"--broker mqtt://127.0.0.1:1883,mqtt://127.0.0.1:1884", ""},
		{"--broker mqtt://127.0.0.1:1883 --names hub.example", "need a broker that speaks it"},
		{"stations", "is no command"},
	} {
		_, err := parseServe(strings.Fields(tt.args))
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("hub %s: %v, want %q", tt.args, err, tt.want)
		}
	}
}

// TestKnownStation: nobody's keys are replaced by mistake, and no file is left of
// an identity that opens nothing.
func TestKnownStation(t *testing.T) {
	data := t.TempDir()
	add := func(name string, more ...string) (string, error) {
		out := filepath.Join(data, name)
		return out, runStation(t, append([]string{"add", "--data", data, "--out", out}, append(more, "maple-house")...)...)
	}
	if _, err := add("first"); err != nil {
		t.Fatal(err)
	}
	out, err := add("second")
	if err == nil || !strings.Contains(err.Error(), "--replace") {
		t.Errorf("adding it again: %v, want to be told of --replace", err)
	}
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its file: %v, want none", err)
	}
	if _, err := add("third", "--replace", "--title", "Maple House"); err != nil {
		t.Fatal(err)
	}
	third, err := identity.LoadStation(filepath.Join(data, "third"))
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := open(data)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if e, err := s.Enrolled(t.Context(), "maple-house"); err != nil || !e.Admits(third.Password) {
		t.Errorf("%v; the new keys do not open", err)
	}
	if st, err := s.Station(t.Context(), "maple-house"); err != nil || st.Title != "Maple House" {
		t.Errorf("%+v, %v, want its title", st, err)
	}
	if err := runStation(t, "title", "--data", data, "maple-house", "The House"); err != nil {
		t.Error(err)
	}
	if st, err := s.Station(t.Context(), "maple-house"); err != nil || st.Title != "The House" {
		t.Errorf("%+v, %v, want its new title", st, err)
	}
	for what, args := range map[string][]string{
		"a code where nobody can enrol": {"add", "--data", data, "birch-house"},
		"no station":                    {"revoke", "--data", data, "nowhere"},
		"no command":                    {"remove", "--data", data, "maple-house"},
		"no name":                       {"revoke", "--data", data},
	} {
		if err := runStation(t, args...); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

func runStation(t *testing.T, args ...string) error { return stations(t.Context(), args) }

// secure is a hub that speaks TLS, as the program runs it, and its store as
// another program sees it.
type secure struct {
	t     *testing.T
	data  string
	web   string // address of its pages
	store store.Store
}

func newSecure(t *testing.T) *secure {
	t.Helper()
	h := &secure{t: t, data: t.TempDir()}
	args := []string{"--data", h.data, "--names", "127.0.0.1"}
	for _, name := range []string{"--web", "--mqtt", "--enrol"} {
		address, err := stage.FreeAddr()
		h.ok(err)
		args = append(args, name, address)
	}
	h.web = args[5]
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serve(ctx, args) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	h.until("the hub", func() error { return errors.Join(stage.Listens(args[len(args)-1]), stage.Listens(h.web)) })
	var err error
	h.store, _, err = open(h.data)
	h.ok(err)
	t.Cleanup(func() { h.store.Close() })
	return h
}

func (h *secure) ok(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *secure) until(what string, check func() error) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 30*time.Second)
	defer cancel()
	h.ok(stage.Until(ctx, what, check))
}

// code is what "hub station add" prints for a person to type.
func (h *secure) code(replace bool) enrol.Code {
	h.t.Helper()
	var said bytes.Buffer
	h.ok(byCode(h.t.Context(), &said, h.store, "maple-house", h.data, time.Hour, replace))
	line := regexp.MustCompile(`(?m)^    kiosk enrol (\S+)$`).FindStringSubmatch(said.String())
	if line == nil || !strings.Contains(said.String(), "▄▄▄▄▄") {
		h.t.Fatalf("no code, or no picture of it, in\n%s", said.String())
	}
	c, err := enrol.Parse(line[1])
	h.ok(err)
	return c
}

func (h *secure) loans(want string) func() error {
	return func() error {
		loans, err := h.store.Loans(h.t.Context(), "")
		got := make([]string, len(loans))
		for i, l := range loans {
			got[i] = string(l.Item)
		}
		if strings.Join(got, " ") != want {
			err = errors.Join(err, fmt.Errorf("on loan: %v, want %s", got, want))
		}
		return err
	}
}

// TestSecure is a station's life with a hub that speaks TLS: a code, a loan, a
// renewed certificate, turned away, and back by another code with the ledger it
// had.
func TestSecure(t *testing.T) {
	h := newSecure(t)
	who, cert, err := enrol.Ask(t.Context(), h.code(false), time.Now)
	h.ok(err)
	if err := byCode(t.Context(), &bytes.Buffer{}, h.store, "maple-house", h.data, time.Hour, false); err == nil || !strings.Contains(err.Error(), "--replace") {
		t.Errorf("another code for it: %v, want to be told of --replace", err)
	}
	pass, err := who.NewPass(filepath.Join(t.TempDir(), "station.crt"), cert)
	h.ok(err)
	sealing, err := who.SealingKey()
	h.ok(err)
	log, err := ledger.Open(filepath.Join(t.TempDir(), "ledger"), ledger.Options{Station: "maple-house", Key: make([]byte, 32), Sealer: &wire.Sealer{Key: sealing}})
	h.ok(err)
	defer log.Close()
	boot := uuid.New()
	moment := func() circ.Stamp {
		return circ.Stamp{Wall: time.Now(), Clock: circ.ClockNTP, Boot: boot, Uptime: time.Minute}
	}
	session := uint64(0)
	start := func(who identity.Station, pass *identity.Pass) (online chan bool, lend func(circ.ItemID), stop func()) {
		session++
		online = make(chan bool, 100)
		delivery, err := station.New(station.Settings{
			Log: log, Identity: who, Boot: boot, Session: session, Moment: moment, Program: "test",
			Online: func(up bool) { online <- up }, Logger: slog.New(slog.DiscardHandler),
			Dial: func(o link.Options) (link.Link, error) {
				o.TLS, o.FirstRetry, o.LastRetry = pass.TLS(o.Broker, time.Now), 10*time.Millisecond, 100*time.Millisecond
				return link.Open(o)
			},
		})
		h.ok(err)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- delivery.Run(ctx) }()
		lend = func(item circ.ItemID) {
			_, err := log.Append(moment(), nil, circ.LentToHouse{Item: item})
			h.ok(err)
			delivery.Appended()
		}
		return online, lend, func() {
			cancel()
			h.ok(<-done)
		}
	}
	await := func(online chan bool, want bool) {
		t.Helper()
		select {
		case got := <-online:
			if got != want {
				t.Fatalf("online: %v, want %v", got, want)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("waited in vain to be online: %v", want)
		}
	}
	online, lend, stop := start(who, pass)
	await(online, true)
	lend("1")
	h.until("the loan", h.loans("1"))
	before := pass.Expires()
	h.until("a certificate of another second", func() error {
		h.ok(enrol.Renew(t.Context(), who, pass, time.Now))
		if !pass.Expires().After(before) {
			return errors.New("the same")
		}
		return nil
	})

	h.ok(runStation(t, "revoke", "--data", h.data, "maple-house"))
	await(online, false)
	lend("2")
	if err := enrol.Renew(t.Context(), who, pass, time.Now); err == nil {
		t.Error("a revoked station renewed its certificate")
	}
	select {
	case up := <-online:
		t.Errorf("a revoked station is online: %v", up)
	case <-time.After(time.Second): // ten tries of its own
	}
	h.ok(h.loans("1")())
	stop()

	again, cert, err := enrol.Ask(t.Context(), h.code(true), time.Now)
	h.ok(err)
	pass, err = again.NewPass(filepath.Join(t.TempDir(), "station.crt"), cert)
	h.ok(err)
	online, _, stop = start(again, pass)
	defer stop()
	await(online, true)
	h.until("what it kept meanwhile", h.loans("1 2"))
}
