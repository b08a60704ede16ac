package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"go.etcd.io/bbolt"

	"coldstation/sync/circ"
	"coldstation/sync/courier"
	"coldstation/sync/ledger/journal"
	"coldstation/sync/wire"
)

// sector is what a disk writes whole or not at all, in bytes.
const sector = 512

// recorder writes down what goes to a disk: each write, each flush, and each
// answer that something is recorded, in one order.
//
// bbolt's writes are seen where it makes them. Its flushes are not, so they are put
// where it makes them: between its pages and its meta page, and after that. That it
// does make them is for TestPowerCutExt4 to see.
type recorder struct {
	path  string
	start map[string][]byte // the files when it began
	ops   []op
}

type op struct {
	file  string
	at    int64
	bytes []byte // nil: a flush, or an answer
	flush bool
	size  int64  // of the file, which bbolt flushes as it grows
	said  uint64 // recorded up to here
}

func (r *recorder) bolt(db *bbolt.DB) {
	field := reflect.ValueOf(db).Elem().FieldByName("ops").FieldByName("writeAt")
	write := (*func([]byte, int64) (int, error))(unsafe.Pointer(field.UnsafeAddr()))
	real := *write
	*write = func(b []byte, at int64) (int, error) {
		meta := at < 2*int64(os.Getpagesize())
		if meta {
			r.ops = append(r.ops, op{file: r.path, flush: true})
		}
		info, err := os.Stat(r.path)
		if err != nil {
			return 0, err
		}
		r.ops = append(r.ops, op{file: r.path, at: at, bytes: bytes.Clone(b), size: info.Size()})
		if meta {
			r.ops = append(r.ops, op{file: r.path, flush: true})
		}
		return real(b, at)
	}
}

// journal is a journal.Disk. A file that is opened to be written through is flushed
// by each write.
func (r *recorder) journal(name string, flag int) (journal.File, error) {
	f, err := journal.OS(name, flag)
	return recorded{f, r, name, flag&os.O_SYNC != 0 || flag&journalThrough != 0}, err
}

type recorded struct {
	journal.File
	*recorder
	name    string
	through bool
}

func (f recorded) WriteAt(b []byte, at int64) (int, error) {
	f.ops = append(f.ops, op{file: f.name, at: at, bytes: bytes.Clone(b)})
	if f.through {
		f.ops = append(f.ops, op{file: f.name, flush: true})
	}
	return f.File.WriteAt(b, at)
}

func (f recorded) Sync() error {
	f.recorder.ops = append(f.recorder.ops, op{file: f.name, flush: true})
	return f.File.Sync()
}

// image is what a disk may hold when the power goes before operation n: all that was
// flushed, and of the rest each sector with probability keep. A disk that lies has
// flushed nothing of the last lies operations.
func (r *recorder) image(random *rand.Rand, n, lies int, keep float64) map[string][]byte {
	disk := map[string][]byte{}
	for name, content := range r.start {
		disk[name] = bytes.Clone(content)
	}
	flushed := map[string]int{} // operations up to the last flush that was one
	for i, o := range r.ops[:max(0, n-lies)] {
		if o.flush {
			flushed[o.file] = i
		}
	}
	for i, o := range r.ops[:n] {
		if o.bytes == nil {
			continue
		}
		content := disk[o.file]
		if grown := max(o.size, o.at+int64(len(o.bytes))); grown > int64(len(content)) {
			content = append(content, make([]byte, grown-int64(len(content)))...)
		}
		for from := o.at; from < o.at+int64(len(o.bytes)); {
			to := min((from/sector+1)*sector, o.at+int64(len(o.bytes)))
			if i < flushed[o.file] || random.Float64() < keep {
				copy(content[from:to], o.bytes[from-o.at:to-o.at])
			}
			from = to
		}
		disk[o.file] = content
	}
	return disk
}

// said is what the ledger had answered to be recorded before operation n.
func (r *recorder) said(n int) (last uint64) {
	for _, o := range r.ops[:n] {
		last = max(last, o.said)
	}
	return last
}

// recordLife is a ledger's life of visits with every write of it, and its true history.
func recordLife(t *testing.T) (r *recorder, l *lender, truth [][]byte) {
	t.Helper()
	l = newKeeper(t)
	l.lend("first", anna)
	r = &recorder{path: l.path, start: map[string][]byte{}}
	l.options.faults = &faults{bolt: r.bolt, journal: r.journal}
	l.reopen()
	r.ops = nil
	names, err := filepath.Glob(l.path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		r.start[name] = l.content(name)
	}
	for i := range 24 {
		item := circ.ItemID(fmt.Sprint("item-", i))
		first := l.append([]circ.PatronID{eino},
			circ.CheckedOut{Item: item, Patron: l.Ref(eino), Due: due}, circ.Placed{Item: item}, circ.ReadHere{Item: circ.ItemID(strings.Repeat("9", 1+i))})
		_, last, err := l.Bounds()
		if err != nil || last <= first {
			t.Fatal(last, err)
		}
		r.ops = append(r.ops, op{said: last})
		if i%5 == 4 {
			if err := l.SetMark(Hub, first); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, last, err := l.Bounds()
	if err != nil {
		t.Fatal(err)
	}
	for from := uint64(1); from <= last; {
		raw, _, err := l.Read(from, wire.MaxEvents, wire.MaxBytes)
		if err != nil {
			t.Fatal(err)
		}
		truth, from = append(truth, raw...), from+uint64(len(raw))
	}
	l.options.faults = nil
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return r, l, truth
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
func (r *recorder) startFrom(t *testing.T, l *lender, image map[string][]byte, truth [][]byte) (o outcome, err error) {
	dir := t.TempDir()
	defer os.RemoveAll(dir)
	for name, content := range image {
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, filepath.Base(l.path))
	opened, err := Open(path, l.options)
	if errors.Is(err, ErrCorrupt) {
		o.rescued = true
		var saved Saved
		if saved, err = Rescue(noon, path, l.options); err != nil {
			return o, err
		}
		o.told, o.renewed = fmt.Sprint(saved), !saved.Whole()
		opened, err = Open(path, l.options)
	}
	if err != nil {
		return o, err
	}
	defer opened.Close()
	if o.told == "" {
		o.told = opened.Mended()
	}
	if _, err := opened.Verify(); err != nil {
		return o, err
	}
	first, last, err := opened.Bounds()
	if err != nil || o.renewed {
		return o, err
	}
	for from := first; from <= last; {
		raw, _, err := opened.Read(from, wire.MaxEvents, wire.MaxBytes)
		if err != nil {
			return o, err
		}
		for i, event := range raw {
			seq := from + uint64(i)
			if o.rescued && seq == last { // the fault that a rescue raises
				continue
			}
			if seq > uint64(len(truth)) || !bytes.Equal(event, truth[seq-1]) {
				return o, fmt.Errorf("event %d was never written so", seq)
			}
			o.last = seq
		}
		from += uint64(len(raw))
	}
	return o, nil
}

// chance is drawn from CUT_SEED, or from a seed that it says.
func chance(t *testing.T) *rand.Rand {
	seed, err := strconv.ParseUint(os.Getenv("CUT_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("CUT_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// TestPowerCut cuts the power before each write and flush of a station's life, on a
// disk that until it has flushed keeps any of the sectors and loses the others: what
// was said to be recorded is there, nothing else is, and nobody has to mend it.
func TestPowerCut(t *testing.T) {
	random := chance(t)
	r, l, truth := recordLife(t)
	cuts, rescues := 0, 0
	for n := range len(r.ops) + 1 {
		for _, keep := range []float64{0, 0.5, 0.9} {
			said := r.said(n)
			o, err := r.startFrom(t, l, r.image(random, n, 0, keep), truth)
			if err != nil || o.last < said || o.renewed {
				t.Fatalf("cut before %d of %d, %v kept: %v; %+v, and %d was said to be recorded", n, len(r.ops), keep, err, o, said)
			}
			if o.rescued {
				rescues++
			}
			cuts++
		}
	}
	t.Logf("%d cuts through %d writes and flushes, %d events, %d rescued", cuts, len(r.ops), len(truth), rescues)
	if len(r.ops) < 100 || rescues > 0 {
		t.Errorf("%d operations, %d rescues; an honest disk leaves nothing to rescue", len(r.ops), rescues)
	}
}

// TestLyingDisk is the same on a disk that says it has flushed and has not. Whatever
// it then holds, no event is there that was not written so; and if something that the
// hub has is missing, a person is told: by the ledger, or by the hub, to which the
// station is behind itself.
func TestLyingDisk(t *testing.T) {
	random := chance(t)
	r, l, truth := recordLife(t)
	count := map[string]int{}
	for range 600 {
		n := 1 + random.IntN(len(r.ops))
		lies, keep := 1+random.IntN(60), []float64{0, 0.5, 0.9}[random.IntN(3)]
		said := r.said(n)
		o, err := r.startFrom(t, l, r.image(random, n, lies, keep), truth)
		switch {
		case err != nil:
			t.Fatalf("cut before %d, %d of it not flushed, %v kept: %v; %+v", n, lies, keep, err, o)
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
