package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"coldstation/sync/circ"
	"coldstation/sync/courier"
	"coldstation/sync/disktest"
	"coldstation/sync/wire"
)

// spend has a station live its life on a disk.
func spend(t *testing.T, disk *disktest.Disk) {
	t.Helper()
	self := exec.CommandContext(t.Context(), os.Args[0])
	self.Env = append(os.Environ(), "LEDGER_ON_A_DISK="+filepath.Join(disk.Place, "ledger"))
	if out, err := self.CombinedOutput(); err != nil {
		t.Fatalf("the station's life: %v: %s", err, out)
	}
}

// lay puts an image on a disk that works.
func lay(t *testing.T, image map[string][]byte) (path string) {
	t.Helper()
	dir := folder(t)
	disktest.Lay(t, dir, image)
	return filepath.Join(dir, "ledger")
}

// history is all events of a ledger, as they stand there.
func history(t *testing.T, l *Ledger) (all [][]byte) {
	t.Helper()
	for {
		raw, _, err := l.Read(uint64(len(all))+1, wire.MaxEvents, wire.MaxBytes)
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) == 0 {
			return all
		}
		all = append(all, raw...)
	}
}

// outcome of starting a station after a power cut.
type outcome struct {
	last    uint64
	rescued bool
	told    string // what a person is told
	renewed bool   // as a new ledger, which the hub tells a person
}

// startFrom lays an image on a disk, starts the station's ledger there as a kiosk does,
// and compares what is there with the truth.
func startFrom(t *testing.T, image map[string][]byte, truth [][]byte) (o outcome, err error) {
	path := lay(t, image)
	defer os.RemoveAll(filepath.Dir(path))
	opened, err := Open(path, killed)
	if errors.Is(err, ErrCorrupt) {
		o.rescued = true
		var saved Saved
		if saved, err = Rescue(noon, path, killed); err != nil {
			return o, err
		}
		o.told, o.renewed = fmt.Sprint(saved), !saved.Whole()
		opened, err = Open(path, killed)
	}
	if err != nil {
		return o, err
	}
	defer opened.Close()
	if o.told == "" {
		o.told = opened.Mended()
	}
	if _, err := opened.Verify(); err != nil || o.renewed {
		return o, err
	}
	all := history(t, opened)
	if o.rescued { // the last is the fault that this raised
		all = all[:len(all)-1]
	}
	for i, event := range all {
		if i >= len(truth) || !bytes.Equal(event, truth[i]) {
			return o, fmt.Errorf("event %d was never written so", i+1)
		}
	}
	o.last = uint64(len(all))
	return o, nil
}

// lived is a disk after a station's whole life, and what truly happened.
func lived(t *testing.T) (disk *disktest.Disk, l *Ledger, truth [][]byte) {
	t.Helper()
	disk = disktest.Mount(t)
	spend(t, disk)
	l, err := Open(lay(t, disk.Files()), killed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if truth = history(t, l); len(truth) < 3*visits || len(disk.Said()) > 0 {
		t.Fatalf("%d events, and it said %q", len(truth), disk.Said())
	}
	return disk, l, truth
}

// TestPowerCut cuts the power before each write and flush of a station's life, from
// when its ledger is made, on a disk that until it has flushed keeps any of the sectors
// and names and loses the others: what was said to be recorded is there, nothing else
// is, and nobody has to mend it.
func TestPowerCut(t *testing.T) {
	random := disktest.Chance(t)
	disk, _, truth := lived(t)
	cuts, rescues := 0, 0
	for n := range disk.Ops() + 1 {
		for _, keep := range []float64{0, 0.5, 0.9} {
			said := disk.Kept(n)
			o, err := startFrom(t, disk.Image(random, disktest.Cut{Before: n, Keep: keep}), truth)
			if err != nil || o.last < said || o.renewed {
				t.Fatalf("cut before %d of %d, %v kept: %v; %+v, and %d was said to be recorded", n, disk.Ops(), keep, err, o, said)
			}
			if o.rescued {
				rescues++
			}
			cuts++
		}
	}
	t.Logf("%d cuts through %d writes and flushes, %d events, %d rescued", cuts, disk.Ops(), len(truth), rescues)
	if disk.Ops() < 100 || rescues > 0 {
		t.Errorf("%d operations, %d rescues; an honest disk leaves nothing to rescue", disk.Ops(), rescues)
	}
}

// TestLyingDisk is the same on a disk that says it has flushed and has not. Whatever
// it then holds, no event is there that was not written so; and if something that the
// hub has is missing, a person is told: by the ledger, or by the hub, to which the
// station is behind itself.
func TestLyingDisk(t *testing.T) {
	random := disktest.Chance(t)
	disk, l, truth := lived(t)
	count := map[string]int{}
	for range 600 {
		c := disktest.Cut{Before: 1 + random.IntN(disk.Ops()), Lies: 1 + random.IntN(60), Keep: []float64{0, 0.5, 0.9}[random.IntN(3)]}
		said := disk.Kept(c.Before)
		o, err := startFrom(t, disk.Image(random, c), truth)
		switch {
		case errors.Is(err, ErrForeign): // not even the mark by which it knows its own files
			count["nothing begun: the station says so and waits for a person"]++
		case err != nil:
			t.Fatalf("%+v: %v; %+v", c, err, o)
		case o.renewed:
			count["a new ledger: told by both"]++
		case o.last >= said && o.told == "":
			count["nothing lost"]++
		case o.last >= said:
			count["nothing lost, mended: told by the ledger"]++
		default:
			if o.told != "" {
				count["lost: told by the ledger"]++
			} else {
				count["lost: told by the hub, if it has it"]++
			}
			// The hub has what was said.
			chain := wire.Chain{}.After(truth[:said])
			s, _ := courier.NewSender(l.ID(), 1, o.last, 0, wire.Chain{}, 1).Step(0, courier.Up{})
			_, effects := s.Step(0, courier.Acked{Ack: wire.Ack{Stream: l.ID(), Cursor: said, Chain: chain}})
			ahead := false
			for _, e := range effects {
				stand, is := e.(courier.Standing)
				ahead = ahead || is && stand.Condition == courier.Ahead
			}
			if !ahead {
				t.Fatalf("the hub has %d, the station %d, and nobody says so: %v", said, o.last, effects)
			}
		}
	}
	t.Log(count)
	if count["nothing lost"] == 600 {
		t.Error("the disk lied and nothing came of it: the test cuts nothing")
	}
}

// TestDiskFails has every fourth write, flush and naming of a station's life fail in
// turn, or every EVERY-th: once, or, as where a disk is full or read-only, with those
// that follow. The station says what is wrong, goes on in the same process once the disk
// is well, and has all that it said and nothing by half.
func TestDiskFails(t *testing.T) {
	random := disktest.Chance(t)
	spared := disktest.Mount(t)
	spend(t, spared)
	step := disktest.Every(4)
	for _, with := range []syscall.Errno{syscall.EIO, syscall.ENOSPC, syscall.EROFS} {
		hit := map[string]bool{}
		for n := 1 + random.IntN(step); n <= spared.Ops(); n += step {
			t.Run(fmt.Sprint(with, " ", n), func(t *testing.T) {
				disk := disktest.Mount(t)
				disk.Fail(n, with, with != syscall.EIO || random.IntN(2) == 0)
				spend(t, disk)
				what, failed := disk.Failed()
				hit[what] = true
				said := strings.Join(disk.Said(), "\n")
				if said != "" && (failed == 0 || !strings.Contains(said, with.Error())) {
					t.Errorf("%s failed %d times, and it said %q", what, failed, said)
				}
				o, err := Open(lay(t, disk.Files()), killed)
				if err != nil {
					t.Fatalf("%s failed: %v", what, err)
				}
				defer o.Close()
				r, err := o.Verify()
				if err != nil || o.Mended() != "" || r.Last < disk.Kept(disk.Ops()) {
					t.Errorf("%s failed: %v, mended %q; %d events, %d said", what, err, o.Mended(), r.Last, disk.Kept(disk.Ops()))
				}
				if j, err := o.VerifyJournal(); err != nil || len(j.Faults) > 0 || j.Last != r.Last {
					t.Errorf("%s failed: the journal is %+v, %v, want all %d", what, j, err, r.Last)
				}
				visit := map[circ.ItemID]string{}
				for e, err := range o.Events(1) {
					switch b := e.Body.(type) {
					case circ.CheckedOut:
						visit[b.Item] += "lent "
					case circ.Placed:
						visit[b.Item] += "placed "
					case circ.ReadHere:
						visit[b.Item] += "read"
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				for item, got := range visit {
					if got != "lent placed read" {
						t.Errorf("%s failed: of %s there is %q", what, item, got)
					}
				}
				// Only room that is made ahead may fail and harm nobody.
				if len(visit) < visits-1 || said == "" && len(visit) < visits {
					t.Errorf("%s failed: %d visits of %d, and it said %q", what, len(visit), visits, said)
				}
			})
		}
		t.Log(with, "met", slices.Sorted(maps.Keys(hit)))
		if len(hit) < 5 {
			t.Errorf("%v met too little", with)
		}
	}
}
