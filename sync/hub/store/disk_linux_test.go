package store_test

import (
	"bytes"
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

	"coldstation/sync/circ"
	"coldstation/sync/disktest"
	"coldstation/sync/hub/store"
	"coldstation/sync/hub/store/storetest"
	"coldstation/sync/wire"
)

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

// TestDamaged flips a bit in each block of a hub's files, or DAMAGE bits in turn, and
// cuts them off after each block, those of a hub that was closed and those of one that
// was not: the hub says that its file is damaged, or has a true beginning of what was
// sent, whose rest the stations send again, and where the file itself was whole, all.
func TestDamaged(t *testing.T) {
	random := disktest.Chance(t)
	tries := 2
	if n, err := strconv.Atoi(os.Getenv("DAMAGE")); err == nil {
		tries = min(n, 20)
	}
	disk := spend(t, nil)
	last := disk.Ops() // its close, before which all was said
	for disk.Kept(last-1) == 3*batches && len(disk.Image(random, disktest.Cut{Before: last, Keep: 1})["hub.db-wal"]) == 0 {
		last--
	}
	left := disk.Image(random, disktest.Cut{Before: last, Keep: 1})
	delete(left, "hub.db-shm")
	if len(left["hub.db-wal"]) == 0 {
		t.Fatalf("no hub that was not closed: %v", slices.Sorted(maps.Keys(left)))
	}
	closed := map[string][]byte{"hub.db": disk.Files()["hub.db"]}
	for name, image := range map[string]map[string][]byte{"closed": closed, "left": left} {
		for file, whole := range image {
			t.Run(name+" "+file, func(t *testing.T) {
				count := map[string]int{}
				try := func(what string, content []byte) {
					damaged := maps.Clone(image)
					damaged[file] = content
					switch kept, err := found(t, damaged); {
					case errors.Is(err, store.ErrDamaged):
						count["the hub says so"]++
					case err != nil && strings.Contains(err.Error(), "hub.db"):
						count["not opened: "+strings.SplitN(err.Error(), "hub.db: ", 2)[1]]++
					case err != nil:
						t.Errorf("%s: %v", what, err)
					case kept == 3*batches:
						count["nothing lost"]++
					case len(content) == 0:
						count["a new hub, without stations"]++
					case file == "hub.db" && name == "closed":
						t.Errorf("%s: %d events of %d, and nobody says so", what, kept, 3*batches)
					default:
						count["lost: the stations send it again"]++
					}
				}
				for from := 0; from < len(whole); from += 4096 {
					try(fmt.Sprintf("cut off at %d", from), whole[:from])
					for range tries {
						flipped := bytes.Clone(whole)
						at := from + random.IntN(min(4096, len(whole)-from))
						flipped[at] ^= 1 << random.IntN(8)
						try(fmt.Sprintf("a bit of byte %d flipped", at), flipped)
					}
				}
				t.Log(count)
			})
		}
	}
}
