package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/disktest"
	"coldstation/sync/hub/store"
	"coldstation/sync/hub/store/storetest"
	"coldstation/sync/identity"
)

func TestMain(m *testing.M) {
	for name, live := range map[string]func(string) error{"HUB_ON_A_DISK": takeInAll, "HUB_TO_KILL": takeInForEver} {
		if path := os.Getenv(name); path != "" {
			if err := live(path); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

// takeInForEver takes in batches of three events, and says each number once it is
// acknowledged.
func takeInForEver(path string) error {
	ctx := context.Background()
	fmt.Println(0)
	s, err := store.OpenSQLite(path)
	if err != nil {
		return err
	}
	l := told()
	stands, err := s.Find(ctx, station, l.ID, storetest.Start)
	for ; err == nil; fmt.Println(stands.Cursor) {
		b := store.Batch{Station: station, Ledger: l.ID, First: stands.Cursor + 1, Chain: stands.Chain, At: storetest.Start}
		for i := range uint64(3) {
			seq := b.First + i
			e := circ.Event{Seq: seq, Body: circ.Placed{Item: circ.ItemID(strconv.FormatUint(seq%50, 10))},
				Stamp: circ.Stamp{Wall: storetest.Start, Boot: l.Boot, Uptime: time.Duration(seq) * time.Second}}
			b.Events = append(b.Events, store.Taken{Event: e, Raw: fmt.Appendf(nil, "event %d", seq)})
			b.Chain = b.Chain.Next(b.Events[i].Raw)
		}
		stands, err = s.TakeIn(ctx, b)
	}
	return err
}

// TestKilled kills a hub that takes in, at any instant, a hundred times, or KILLS
// times: what it acknowledged is there, and no batch by half.
func TestKilled(t *testing.T) {
	random := disktest.Chance(t)
	rounds := 100
	if n, err := strconv.Atoi(os.Getenv("KILLS")); err == nil {
		rounds = n
	}
	path := filepath.Join(t.TempDir(), "hub.db")
	s, err := store.OpenSQLite(path)
	if err == nil {
		err = s.Enrol(t.Context(), identity.Enrolled{Station: station, Signing: make([]byte, 32)}, storetest.Start)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var said uint64
	for round := range rounds {
		said = max(said, disktest.Kill(t, random, "HUB_TO_KILL="+path))
		if err := store.CheckSQLite(t.Context(), path); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if s, err = store.OpenSQLite(path); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		stands, err := s.Find(t.Context(), station, told().ID, storetest.Start)
		if err != nil || stands.Cursor < said || stands.Cursor%3 != 0 {
			t.Fatalf("round %d: %d was acknowledged, and it stands at %d: %v", round, said, stands.Cursor, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d events acknowledged through %d kills", said, rounds)
}
