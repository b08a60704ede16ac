package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"coldstation/cmd/internal/stage"
	"coldstation/sync/circ"
	"coldstation/sync/hub/archive"
	"coldstation/sync/hub/store"
	"coldstation/sync/identity"
	"coldstation/sync/ledger"
	"coldstation/sync/link"
	"coldstation/sync/station"
	"coldstation/sync/wire"
)

// plainHub runs the program's hub on a folder until the function it answers is called.
func plainHub(t *testing.T, data, mqtt string) (stop func()) {
	t.Helper()
	web, err := stage.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- serve(ctx, []string{"--data", data, "--web", web, "--mqtt", mqtt}) }()
	wait(t, "the hub", func() error { return stage.Listens(mqtt) })
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func wait(t *testing.T, what string, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := stage.Until(ctx, what, check); err != nil {
		t.Fatal(err)
	}
}

// TestBackup: a hub is put back to a backup that was made while it ran, over MQTT
// and with a real station. What the backup lacks arrives again, once; what the
// station was told since is told anew.
func TestBackup(t *testing.T) {
	data, folder := t.TempDir(), t.TempDir()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	mqtt, err := stage.FreeAddr()
	ok(err)
	out := filepath.Join(folder, "station.json")
	ok(runStation(t, "add", "--data", data, "--out", out, "--broker", "mqtt://"+mqtt, "maple-house"))
	stop := plainHub(t, data, mqtt)

	who, err := identity.LoadStation(out)
	ok(err)
	sealing, err := who.SealingKey()
	ok(err)
	log, err := ledger.Open(filepath.Join(folder, "ledger"), ledger.Options{Station: "maple-house", Key: make([]byte, 32), Sealer: &wire.Sealer{Key: sealing}})
	ok(err)
	defer log.Close()
	boot, began := uuid.New(), time.Now()
	moment := func() circ.Stamp {
		return circ.Stamp{Wall: time.Now(), Clock: circ.ClockNTP, Boot: boot, Uptime: time.Since(began)}
	}
	delivery, err := station.New(station.Settings{Log: log, Identity: who, Boot: boot, Session: 1, Moment: moment, Program: "test", QoS: 1,
		Logger: slog.New(slog.DiscardHandler), Dial: func(o link.Options) (link.Link, error) {
			o.FirstRetry, o.LastRetry = 10*time.Millisecond, 100*time.Millisecond
			return link.Open(o)
		}})
	ok(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- delivery.Run(ctx) }()
	defer func() {
		cancel()
		ok(<-ended)
	}()
	lend := func(item circ.ItemID) {
		t.Helper()
		_, err := log.Append(moment(), nil, circ.LentToHouse{Item: item})
		ok(err)
		delivery.Appended()
	}
	delivered := func() error {
		_, last, err := log.Bounds()
		mark, err2 := log.Mark(ledger.Hub)
		if mark != last {
			return fmt.Errorf("%d of %d acknowledged", mark, last)
		}
		return errors.Join(err, err2)
	}
	tell := func(titles ...string) {
		t.Helper()
		var c store.Collection
		for i, title := range titles {
			c.Items = append(c.Items, circ.Item{ID: circ.ItemID(fmt.Sprint(i + 1)), Title: title})
		}
		ok(bring(t.Context(), data, c))
	}
	told := func(want ...string) func() error {
		return func() error {
			items, err := log.Items()
			var got []string
			for _, item := range items {
				got = append(got, item.Title)
			}
			if !slices.Equal(got, want) {
				err = errors.Join(err, fmt.Errorf("the station knows %q, want %q", got, want))
			}
			return err
		}
	}

	lend("1")
	tell("Is")
	wait(t, "the first notice", told("Is"))
	wait(t, "the first loan", delivered)
	stream, _, _, err := log.NoticeCursor()
	ok(err)
	file := filepath.Join(folder, "monday.backup")
	ok(backup(t.Context(), []string{"--data", data, file}))
	if err := backup(t.Context(), []string{"--data", data, file}); err == nil {
		t.Error("one backup was written over another")
	}

	lend("2")
	lend("3")
	tell("Is", "Trollvinter", "Sommarboken")
	wait(t, "later notices", told("Is", "Trollvinter", "Sommarboken"))
	wait(t, "later loans", delivered)

	args := []string{"--data", data, "--replace", file}
	if err := restore(t.Context(), args); !errors.Is(err, store.ErrInUse) {
		t.Fatalf("under a hub that runs: %v, want ErrInUse", err)
	}
	stop()
	if err := restore(t.Context(), []string{"--data", data, file}); err == nil || !strings.Contains(err.Error(), "--replace") {
		t.Errorf("over a hub: %v, want to be told of --replace", err)
	}
	content, err := os.ReadFile(file)
	ok(err)
	content[len(content)/2] ^= 1
	damaged := filepath.Join(folder, "damaged")
	ok(os.WriteFile(damaged, content, 0o600))
	if err := restore(t.Context(), []string{"--data", data, "--replace", damaged}); !errors.Is(err, archive.ErrDamaged) {
		t.Errorf("a damaged one: %v, want ErrDamaged", err)
	}
	for round := range 2 { // the second time from a backup older than the stream the station has
		ok(restore(t.Context(), args))
		s, _, err := open(data)
		ok(err)
		if st, err := s.Station(t.Context(), "maple-house"); err != nil || st.Cursor != 1 || st.Stream == stream {
			t.Errorf("restored: %+v, %v, want event 1 and a new stream", st, err)
		}
		// Told before the station is heard: these numbers it knows already, otherwise.
		tell("Is", fmt.Sprint("Kesäkirja ", round))
		ok(s.Close())
		stop = plainHub(t, data, mqtt)
		wait(t, "what is told anew", told("Is", fmt.Sprint("Kesäkirja ", round)))
		wait(t, "what was lacking", delivered)
		s, _, err = open(data)
		ok(err)
		loans, err := s.Loans(t.Context(), "")
		ok(err)
		st, err := s.Station(t.Context(), "maple-house")
		ok(err)
		events, err := s.Events(t.Context(), "maple-house", store.Position{}, 100)
		ok(err)
		if len(loans) != 3 || len(events) != 3 || st.Cursor != 3 || len(st.Conditions) != 0 {
			t.Errorf("%d loans, %d events, conditions %v, want 3, 3, none", len(loans), len(events), st.Conditions)
		}
		ok(s.Close())
		stop()
	}
	left, err := filepath.Glob(filepath.Join(data, "before-restore-*", "library.json"))
	if err != nil || len(left) != 2 {
		t.Errorf("set aside: %v, %v, want two", left, err)
	}
	if left, _ := filepath.Glob(filepath.Join(data, ".*-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	elsewhere := t.TempDir()
	ok(restore(t.Context(), []string{"--data", elsewhere, file}))
	before, err := os.ReadFile(filepath.Join(data, "library.json"))
	ok(err)
	after, err := os.ReadFile(filepath.Join(elsewhere, "library.json"))
	if err != nil || string(after) != string(before) {
		t.Errorf("another machine has other keys: %v", err)
	}
}
