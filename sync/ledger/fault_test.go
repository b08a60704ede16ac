package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"go.etcd.io/bbolt"

	"coldstation/sync/circ"
	"coldstation/sync/ledger/journal"
)

// watchWrites puts fn before every write of bbolt's to its file; an error of fn's is
// the disk's. bbolt keeps the function it writes with in a field of its own, for
// just that, and offers no way to set it.
func watchWrites(fn func(at int64) error) func(*bbolt.DB) {
	return func(db *bbolt.DB) {
		field := reflect.ValueOf(db).Elem().FieldByName("ops").FieldByName("writeAt")
		write := (*func([]byte, int64) (int, error))(unsafe.Pointer(field.UnsafeAddr()))
		real := *write
		*write = func(b []byte, at int64) (int, error) {
			if err := fn(at); err != nil {
				n, _ := real(b[:len(b)/2], at) // half of it is there
				return n, err
			}
			return real(b, at)
		}
	}
}

// disk fails at one write or flush.
type disk struct {
	in   int // writes until then; negative: not at all
	with error
	hit  string
}

func (d *disk) step(what string) error {
	if d.in--; d.in == 0 {
		d.hit = what
		return d.with
	}
	return nil
}

type failing struct {
	journal.File
	*disk
}

func (f failing) WriteAt(b []byte, at int64) (int, error) {
	if err := f.step("journal write"); err != nil {
		n, _ := f.File.WriteAt(b[:len(b)/2], at)
		return n, err
	}
	return f.File.WriteAt(b, at)
}

func (f failing) Sync() error {
	if err := f.step("journal flush"); err != nil {
		return err
	}
	return f.File.Sync()
}

// TestFailedWrites has each write of a visit fail in turn, half of it done: what was
// said to be recorded is there afterwards, and of the rest all or nothing.
func TestFailedWrites(t *testing.T) {
	for _, with := range []error{syscall.ENOSPC, syscall.EIO, syscall.EROFS} {
		hit := map[string]bool{}
		for in := 1; ; in++ {
			l := newKeeper(t)
			l.lend("first", anna)
			d := &disk{in: -1, with: with}
			l.options.Reserve = 1 << 16
			l.options.faults = &faults{
				journal: func(name string, flag int) (journal.File, error) {
					f, err := journal.OS(name, flag)
					return failing{f, d}, err
				},
				bolt: watchWrites(func(at int64) error {
					if at < 2*int64(os.Getpagesize()) {
						return d.step("ledger meta page")
					}
					return d.step("ledger page")
				}),
			}
			l.reopen()
			d.in = in
			said := map[circ.ItemID]bool{"first": true}
			var failed circ.ItemID
			for i := range 3 {
				item := circ.ItemID(fmt.Sprint(i))
				both := []circ.EventBody{circ.CheckedOut{Item: item, Patron: l.Ref(eino), Due: due}, circ.ReadHere{Item: item}}
				_, err := l.Append(noon, []circ.PatronID{eino}, both...)
				if err == nil {
					said[item] = true
					continue
				}
				if !errors.Is(err, ErrBroken) || !errors.Is(err, with) || errors.Is(err, ErrFull) != errors.Is(with, syscall.ENOSPC) {
					t.Fatalf("write %d, %s: %v", in, d.hit, err)
				}
				failed = item
				if _, err := l.Append(noon, nil, circ.ReadHere{Item: "later"}); !errors.Is(err, ErrBroken) {
					t.Errorf("write %d, %s: after it %v, want %v", in, d.hit, err, ErrBroken)
				}
				break
			}
			d.in = -1
			l.options.faults = nil
			l.reopen()
			l.verify()
			l.wantJournal(1)
			if l.Mended() != "" {
				t.Errorf("write %d, %s: the journal was mended: %s", in, d.hit, l.Mended())
			}
			read := map[circ.ItemID]int{}
			for e, err := range l.Events(1) {
				if err != nil {
					t.Fatal(err)
				}
				switch b := e.Body.(type) {
				case circ.ReadHere:
					read[b.Item]++
				case circ.CheckedOut:
					read[b.Item]++
				}
			}
			for item := range said {
				if item != "first" && read[item] != 2 || item == "first" && read[item] != 1 {
					t.Errorf("write %d, %s: %s was said to be recorded, and %d events are there", in, d.hit, item, read[item])
				}
			}
			if n := read[failed]; failed != "" && n != 0 && n != 2 {
				t.Errorf("write %d, %s: %d of 2 events of one transaction", in, d.hit, n)
			}
			l.lend("after", anna)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if d.hit == "" {
				break
			}
			hit[d.hit] = true
		}
		if !hit["journal write"] || !hit["ledger page"] || !hit["ledger meta page"] {
			t.Errorf("%v: only %v failed", with, hit)
		}
	}
}

func TestUnwritable(t *testing.T) {
	for err, want := range map[error]string{
		&os.PathError{Op: "open", Path: "ledger.db", Err: syscall.EROFS}:  "mounted read-only",
		&os.PathError{Op: "open", Path: "ledger.db", Err: syscall.EACCES}: "may not write there",
		syscall.EIO: "input/output error",
	} {
		if got := unwritable(err); !strings.Contains(got.Error(), want) || !errors.Is(got, err) {
			t.Errorf("%v says %v, want %q in it", err, got, want)
		}
	}
}

func FuzzSalvage(f *testing.F) {
	l := newLender(f)
	l.lend("1", anna)
	if err := l.Close(); err != nil {
		f.Fatal(err)
	}
	raw := l.content(l.path)
	for at := 0; at+4096 <= len(raw) && at < 1<<16; at += 4096 {
		f.Add(raw[at : at+4096])
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s := salvaged{events: map[uint64][]candidate{}}
		s.leaf(raw, 0)
		if len(raw) < 4096 {
			return
		}
		g := pages{file: bytes.NewReader(raw), size: 4096, end: uint64(len(raw) / 4096), seen: map[uint64]bool{}}
		_ = g.leaf(raw[:4096], 2, 0, nil, nil)
	})
}

func TestDiskFillsUp(t *testing.T) {
	l := newKeeper(t)
	left := uint64(lowDisk + 1<<20)
	l.options.Reserve = 1 << 20
	l.options.faults = &faults{free: func() (uint64, error) { return left, nil }}
	l.reopen()
	if info, err := os.Stat(l.path + ".reserve"); err != nil || info.Size() != 1<<20 {
		t.Fatalf("nothing is held back: %v", err)
	}
	faults := func() string {
		t.Helper()
		names, err := l.Faults()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(names, " ")
	}
	for _, step := range []struct {
		left uint64
		held bool
		want string
	}{
		{lowDisk + 1, true, ""}, {lowDisk - 1, true, "disk"}, {lowDisk + 1, true, "disk"}, {5000, false, "disk"},
		{lowDisk - 1, false, "disk"}, {2 * lowDisk, false, ""}, {lowDisk + 1, false, ""},
	} {
		left = step.left
		first, err := l.Append(noon, nil, circ.ReadHere{Item: "1"})
		if err != nil {
			t.Fatal(err)
		}
		if l.event(first) == nil || faults() != step.want || exists(l.path+".reserve") != step.held {
			t.Errorf("%d left: faults %q, held %t; want %q, %t", step.left, faults(), exists(l.path+".reserve"), step.want, step.held)
		}
	}
	left = 2 * lowDisk
	l.reopen()
	if !exists(l.path + ".reserve") {
		t.Error("with room again nothing is held back again")
	}
	l.verify()
}
