package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/disktest"
	"coldstation/sync/hub/store"
	"coldstation/sync/hub/store/storetest"
	"coldstation/sync/identity"
	"coldstation/sync/wire"
)

func TestMain(m *testing.M) {
	if path := os.Getenv("HUB_ON_A_DISK"); path != "" {
		if err := takeInAll(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const (
	batches = 20
	station = circ.StationID("maple-house")
)

// told is what the station sends: batches of three events.
func told() *storetest.Log {
	l := storetest.NewLog(station)
	l.ID, l.Boot = uuid.MustParse("8c7bd0a1-5e0e-4b8e-9f51-0f3f3e6d2a11"), uuid.MustParse("0b9b4e51-24be-4b9c-8c0c-d7c9a2ef6f3a")
	for i := range batches {
		item, before := circ.ItemID(fmt.Sprint("item-", i)), circ.ItemID(fmt.Sprint("item-", i/2))
		l.Add(circ.CheckedOut{Item: item, Due: storetest.Start.AddDate(0, 0, 28)}, circ.CheckedIn{Item: before}, circ.CheckedOut{Item: before, Due: storetest.Start.AddDate(0, 0, 28)})
	}
	return l
}

// takeInAll is a hub's life on a disk that ends by itself. It says how much of the
// station's ledger it has acknowledged. Like a station it sends again what failed, to the
// same store, which is opened anew only where it was not opened at all.
func takeInAll(path string) error {
	words, err := os.OpenFile(filepath.Join(filepath.Dir(path), disktest.Words), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	again := func(what string, do func() error) (err error) {
		for range 10 {
			if err = do(); err == nil {
				return nil
			}
			fmt.Fprintf(words, "failed: %s: %v\n", what, err)
		}
		return fmt.Errorf("%s: %w", what, err)
	}
	var s store.Store
	if err := again("open", func() (err error) { s, err = store.OpenSQLite(path); return err }); err != nil {
		return err
	}
	ctx := context.Background()
	if err := again("enrol", func() error {
		err := s.Enrol(ctx, identity.Enrolled{Station: station, Signing: make([]byte, 32)}, storetest.Start)
		if errors.Is(err, store.ErrKnown) {
			return nil
		}
		return err
	}); err != nil {
		return err
	}
	l := told()
	if err := again("find", func() error { _, err := s.Find(ctx, station, l.ID, storetest.Start); return err }); err != nil {
		return err
	}
	for i := range uint64(batches) {
		if err := again("take in", func() error {
			kept, err := s.TakeIn(ctx, l.Batch(3*i+1, 3*i+3))
			if err == nil && kept.Cursor != 3*i+3 {
				err = fmt.Errorf("it stands at %d after event %d", kept.Cursor, 3*i+3)
			}
			return err
		}); err != nil {
			return err
		}
		fmt.Fprintf(words, "kept %d\n", 3*i+3)
	}
	return again("close", s.Close)
}

// spend mounts a disk and has a hub live its life there, with a fault if fail is set.
func spend(t *testing.T, fail func(*disktest.Disk)) *disktest.Disk {
	t.Helper()
	disk := disktest.Mount(t)
	if fail != nil {
		fail(disk)
	}
	self := exec.CommandContext(t.Context(), os.Args[0])
	self.Env = append(os.Environ(), "HUB_ON_A_DISK="+filepath.Join(disk.Place, "hub.db"))
	if out, err := self.CombinedOutput(); err != nil {
		what, n := disk.Failed()
		t.Fatalf("the hub's life, in which %q failed %d times: %v: %s; it said %q", what, n, err, out, disk.Said())
	}
	return disk
}

// found is what is in a hub's files: how much of the station's ledger, which must be a
// true beginning of it, with the loans that follow. The error wraps ErrDamaged when the
// hub itself says that its file is damaged.
func found(t *testing.T, image map[string][]byte) (kept uint64, err error) {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "hub")
	if err != nil {
		dir = t.TempDir()
	}
	defer os.RemoveAll(dir)
	disktest.Lay(t, dir, image)
	path := filepath.Join(dir, "hub.db")
	s, err := store.OpenSQLite(path)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	if err := store.CheckSQLite(t.Context(), path); err != nil {
		return 0, err
	}
	truth := told().All()
	lent := map[circ.ItemID]bool{}
	var chain wire.Chain
	if err := s.Log(t.Context(), station, func(k store.Kept) error {
		if k.Seq != kept+1 || k.Seq > uint64(len(truth.Events)) || !bytes.Equal(k.Raw, truth.Events[kept].Raw) {
			return fmt.Errorf("event %d after %d was never sent so", k.Seq, kept)
		}
		switch b := truth.Events[kept].Body.(type) {
		case circ.CheckedOut:
			lent[b.Item] = true
		case circ.CheckedIn:
			delete(lent, b.Item)
		}
		kept, chain = k.Seq, chain.Next(k.Raw)
		return nil
	}); err != nil {
		return 0, err
	}
	if l, err := s.Find(t.Context(), station, truth.Ledger, storetest.Start); err == nil && (l.Cursor != kept || l.Chain != chain) {
		return 0, fmt.Errorf("it stands at %d and has %d events", l.Cursor, kept)
	}
	loans, err := s.Loans(t.Context(), station)
	if err != nil {
		return 0, err
	}
	var got []circ.ItemID
	for _, l := range loans {
		got = append(got, l.Item)
	}
	if slices.Sort(got); !slices.Equal(got, slices.Sorted(maps.Keys(lent))) {
		return 0, fmt.Errorf("on loan are %v, want %v", got, lent)
	}
	return kept, nil
}

// TestPowerCut cuts the power at random between the writes and flushes of a hub's life,
// 300 times or CUTS times as often as ten: what it acknowledged is there, nothing else,
// and all that follows from it.
func TestPowerCut(t *testing.T) {
	random := disktest.Chance(t)
	disk := spend(t, nil)
	cuts := 300
	if n, err := strconv.Atoi(os.Getenv("CUTS")); err == nil {
		cuts = 30 * n
	}
	for range cuts {
		c := disktest.Cut{Before: random.IntN(disk.Ops() + 1), Keep: []float64{0, 0.5, 0.9}[random.IntN(3)]}
		kept, err := found(t, disk.Image(random, c))
		if err != nil || kept < disk.Kept(c.Before) {
			t.Fatalf("%+v of %d: %d events, and %d were acknowledged: %v", c, disk.Ops(), kept, disk.Kept(c.Before), err)
		}
	}
	t.Logf("%d cuts among %d writes and flushes", cuts, disk.Ops())
}

// TestLyingDisk is the same on a disk that says it has flushed and has not: nothing is
// there that was not sent, and a file that does not hold together is said to be damaged.
// What is missing of a whole beginning the stations send again.
func TestLyingDisk(t *testing.T) {
	random := disktest.Chance(t)
	disk := spend(t, nil)
	count := map[string]int{}
	for range 300 {
		c := disktest.Cut{Before: 1 + random.IntN(disk.Ops()), Lies: 1 + random.IntN(80), Keep: []float64{0, 0.5, 0.9}[random.IntN(3)]}
		switch kept, err := found(t, disk.Image(random, c)); {
		case errors.Is(err, store.ErrDamaged):
			count["damaged: the hub says so"]++
		case err != nil:
			t.Fatalf("%+v of %d: %v", c, disk.Ops(), err)
		case kept < disk.Kept(c.Before):
			count["lost: the stations send it again"]++
		default:
			count["nothing lost"]++
		}
	}
	t.Log(count)
	if count["nothing lost"] == 300 {
		t.Error("the disk lied and nothing came of it: the test cuts nothing")
	}
}

// TestDiskFails has every 24th write, flush and naming of a hub's life fail in turn, or
// every EVERY-th: the hub says what is wrong, unless it can do without, and takes the same
// batch once the disk is well, in the same process; all is there once.
func TestDiskFails(t *testing.T) {
	random := disktest.Chance(t)
	all := spend(t, nil).Ops()
	step := disktest.Every(24)
	for _, with := range []syscall.Errno{syscall.EIO, syscall.ENOSPC, syscall.EROFS} {
		hit := map[string]bool{}
		for n := 1 + random.IntN(step); n <= all; n += step {
			t.Run(fmt.Sprint(with, " ", n), func(t *testing.T) {
				disk := spend(t, func(d *disktest.Disk) { d.Fail(n, with, with != syscall.EIO || random.IntN(2) == 0) })
				what, failed := disk.Failed()
				hit[what] = true
				said := strings.Join(disk.Said(), "\n")
				if said != "" && failed == 0 {
					t.Errorf("nothing failed, and it said %q", said)
				}
				kept, err := found(t, disk.Files())
				if err != nil || kept != 3*batches {
					t.Errorf("%s failed %d times: %d events of %d: %v; it said %q", what, failed, kept, 3*batches, err, said)
				}
			})
		}
		t.Log(with, "met", slices.Sorted(maps.Keys(hit)))
	}
}
