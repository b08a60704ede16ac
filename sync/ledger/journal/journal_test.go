package journal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"

	"coldstation/sync/wire"
)

// add writes vectors for what has none yet. One that is there is never written
// again: stations in the field hold such files. If it fails, the code is wrong.
var add = flag.Bool("add", false, "add missing vectors to testdata/v1")

var ours = Head{Station: "maple-house", Ledger: uuid.MustParse("d5f1a3c2-7e04-4b6b-9d6e-2f0a4c1b8e77"), Key: []byte{1, 2, 3, 4, 5, 6, 7, 8}}

// story is a journal that was begun after event 2 and went on.
var story = []Batch{
	{First: 3, Mark: 1, Before: wire.Chain{9}, Events: [][]byte{[]byte("three"), []byte("four")}},
	{First: 5, Mark: 2, Events: [][]byte{[]byte("five")}, Records: []Record{{'a', []byte("card"), []byte("whose")}}},
	{First: 6, Mark: 5, Events: [][]byte{[]byte("six")}},
}

func init() {
	chain := story[0].Before
	for i := range story {
		story[i].Before = chain
		chain = chain.After(story[i].Events)
	}
}

func tell(t *testing.T, path string) *Writer {
	t.Helper()
	h := ours
	h.After, h.Chain = 2, story[0].Before
	w, err := Begin(path, OS, h, []Record{{'h', []byte("item"), []byte("lent")}}, func(write func(Batch) error) error { return write(story[0]) })
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range story[1:] {
		if err := w.Append(b); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func read(t *testing.T, path string) *Content {
	t.Helper()
	c, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// events are those that join, in words.
func (c *Content) events() string {
	var all []string
	_, _, _ = c.Run(func(seq uint64, _ wire.Chain, raw []byte) error {
		all = append(all, fmt.Sprintf("%d %s", seq, raw))
		return nil
	})
	return strings.Join(all, ", ")
}

const whole = "3 three, 4 four, 5 five, 6 six"

func TestGolden(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	if err := tell(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(name(path, 1))
	if err != nil {
		t.Fatal(err)
	}
	got = bytes.TrimRight(got, "\x00")
	vector := filepath.Join("testdata", "v1", "journal.hex")
	text, err := os.ReadFile(vector)
	if errors.Is(err, os.ErrNotExist) && *add {
		text = []byte(hex.Dump(got))
		err = os.WriteFile(vector, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if hex.Dump(got) != string(text) {
		t.Errorf("got\n%swant\n%s", hex.Dump(got), text)
	}
	c := read(t, path)
	if got := c.events(); got != whole {
		t.Errorf("reads %s, want %s", got, whole)
	}
	want := []Record{{'h', []byte("item"), []byte("lent")}, story[1].Records[0]}
	if !reflect.DeepEqual(c.Records, want) || c.Mark != 5 || c.Ledger != ours.Ledger || c.Station != ours.Station || len(c.Faults) != 0 {
		t.Errorf("reads %+v, want records %q, mark 5, no faults", c, want)
	}
}

// unflushed is a disk for tests that write often and lose no power.
func unflushed(name string, flag int) (File, error) {
	f, err := OS(name, flag)
	return volatile{f}, err
}

type volatile struct{ File }

func (volatile) Sync() error { return nil }

// Wherever the end of a file is missing, what remains is read, nothing is called
// damage, and the journal goes on.
func TestCutShort(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger")
	if err := tell(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(name(path, 1))
	if err != nil {
		t.Fatal(err)
	}
	raw = bytes.TrimRight(raw, "\x00")
	var first int // where the batches begin
	for at := len(magic); ; {
		kind, _, size := frame(raw[at:])
		if kind == batchKind {
			first = at
			break
		}
		at += size
	}
	for n := first; n < len(raw); n++ {
		for _, rest := range [][]byte{nil, make([]byte, 300), bytes.Repeat([]byte{0xA5}, 40)} { // never written; preallocated; half a sector
			if err := os.WriteFile(name(path, 1), append(raw[:n:n], rest...), 0o600); err != nil {
				t.Fatal(err)
			}
			c := read(t, path)
			events := c.events()
			if !strings.HasPrefix(whole, events) || len(c.Faults) != 0 {
				t.Fatalf("cut at %d: %q, faults %v", n, events, c.Faults)
			}
			w, err := c.Continue(path, unflushed)
			if err != nil {
				t.Fatal(err)
			}
			last, chain, _ := c.Run(func(uint64, wire.Chain, []byte) error { return nil })
			if err := errors.Join(w.Append(Batch{First: last + 1, Before: chain, Events: [][]byte{[]byte("more")}}), w.Close()); err != nil {
				t.Fatal(err)
			}
			if c := read(t, path); len(c.Faults) != 0 || strings.Trim(c.events(), ", ") != strings.Trim(fmt.Sprintf("%s, %d more", events, last+1), ", ") {
				t.Fatalf("cut at %d, gone on: %q, faults %v", n, c.events(), c.Faults)
			}
		}
	}
}

// Every single bit that flips in what was written is noticed, and costs no more
// than the frame it is in.
func TestFlippedBits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	if err := tell(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(name(path, 1))
	if err != nil {
		t.Fatal(err)
	}
	written := len(bytes.TrimRight(good, "\x00"))
	_, _, last := frame(good[written-lastFrame(good):])
	for bit := range 8 * written {
		raw := bytes.Clone(good)
		raw[bit/8] ^= 1 << (bit % 8)
		c := scan("it", 1, raw)
		n := 0
		for _, b := range c.Batches {
			n += len(b.Events)
		}
		switch {
		case len(c.Faults) == 0 && !c.torn:
			t.Fatalf("bit %d: not noticed", bit)
		case len(c.Faults) == 0 && bit/8 < written-last:
			t.Fatalf("bit %d: called a write that was cut short", bit)
		case n < 2: // of four events, two are in one frame
			t.Fatalf("bit %d: costs %d events", bit, 4-n)
		}
	}
}

// lastFrame is the size of the last frame.
func lastFrame(raw []byte) (size int) {
	for at := len(magic); ; at += size {
		_, _, next := frame(raw[at:])
		if next == 0 {
			return size
		}
		size = next
	}
}

func TestFilesFollowOneAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	w, err := Begin(path, OS, ours, nil, func(func(Batch) error) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	b := Batch{First: 1, Events: [][]byte{bytes.Repeat([]byte("x"), 1<<20)}}
	for ; b.First <= 12; b.First++ {
		if err := w.Append(b); err != nil {
			t.Fatal(err)
		}
		b.Before = b.Before.After(b.Events)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	c := read(t, path)
	if last, chain, _ := c.Run(func(uint64, wire.Chain, []byte) error { return nil }); last != 12 || chain != b.Before || len(c.Files) != 3 || len(c.Faults) != 0 {
		t.Fatalf("up to %d in %d files, faults %v, want 12 in 3", last, len(c.Files), c.Faults)
	}
	// One in the middle that is gone is a hole, and what follows is still there.
	if err := os.Remove(name(path, 2)); err != nil {
		t.Fatal(err)
	}
	c = read(t, path)
	if last, _, _ := c.Run(func(uint64, wire.Chain, []byte) error { return nil }); last >= 12 || c.Newest() != 12 {
		t.Errorf("up to %d of %d, want a hole before 12", last, c.Newest())
	}
	// A whole file supersedes all others, also before they are removed.
	again, err := Begin(filepath.Join(t.TempDir(), "ledger"), OS, ours, nil, func(write func(Batch) error) error { return write(Batch{First: 1, Events: [][]byte{{1}}}) })
	if err != nil {
		t.Fatal(err)
	}
	newer, err := os.ReadFile(name(again.path, 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name(path, 4), newer, 0o600); err != nil {
		t.Fatal(err)
	}
	if c := read(t, path); len(c.Faults) == 0 {
		t.Error("a file under another file's number passes")
	}
	w, err = Begin(path, OS, ours, nil, func(write func(Batch) error) error { return write(Batch{First: 1, Events: [][]byte{{1}}}) })
	if err != nil {
		t.Fatal(err)
	}
	if names, numbers, err := files(path); err != nil || len(names) != 1 || numbers[0] != 5 {
		t.Errorf("files %v, %v, want the fifth", names, err)
	}
	if c := read(t, path); len(c.Faults) != 0 || len(c.Batches) != 1 {
		t.Errorf("begun anew: %d batches, faults %v", len(c.Batches), c.Faults)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func FuzzScan(f *testing.F) {
	raw, err := appendHead([]byte(magic), ours)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(appendBatch(appendRecord(raw, Record{'h', []byte("k"), []byte("v")}), story[1]))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c := scan("it", 1, raw)
		for _, b := range c.Batches {
			at := bytes.Index(raw, appendBatch(nil, b))
			if at < 0 {
				t.Errorf("batch %+v does not stand there", b)
			}
		}
	})
}
