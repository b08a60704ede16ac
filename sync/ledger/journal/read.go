package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"coldstation/sync/wire"
)

// Content is what the journal beside a ledger holds, as far as it can be read.
type Content struct {
	Head    // of the newest file that has one; After and Chain are where the batches begin
	Files   []string
	Records []Record // what the events up to After had led to, and since then what comes with batches
	Batches []Batch  // in the order of the files
	Mark    uint64   // the furthest
	Faults  []Fault

	old  []string // files that others supersede
	last string   // the file that goes on
	end  int64    // where its next frame belongs
	size int64    // how long it is
	torn bool     // something stands there: a write that was cut short
}

// Fault is a stretch of a file that cannot be read.
type Fault struct {
	File string
	At   int64
	What string
}

func (f Fault) String() string {
	return fmt.Sprintf("%s, byte %d: %s", filepath.Base(f.File), f.At, f.What)
}

// files are the journal's files beside the ledger at path, oldest first.
func files(path string) (names []string, numbers []uint64, err error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, nil, err
	}
	for _, entry := range entries {
		digits, is := strings.CutPrefix(entry.Name(), filepath.Base(path)+".journal-")
		number, err := strconv.ParseUint(digits, 10, 64)
		if !is || err != nil || number == 0 || filepath.Base(name(path, number)) != entry.Name() {
			continue
		}
		at, _ := slices.BinarySearch(numbers, number)
		names = slices.Insert(names, at, name(path, number))
		numbers = slices.Insert(numbers, at, number)
	}
	return names, numbers, nil
}

func name(path string, number uint64) string { return fmt.Sprintf("%s.journal-%06d", path, number) }

// Read reads the journal beside the ledger at path. One that is not there is nil.
// The error is that of a disk that does not answer; what it answers wrongly is in
// Content.Faults.
func Read(path string) (*Content, error) {
	names, numbers, err := files(path)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	c := &Content{}
	for i := len(names) - 1; i >= 0; i-- { // from the newest file back to one that is whole
		raw, err := os.ReadFile(names[i])
		if err != nil {
			return nil, err
		}
		part := scan(names[i], numbers[i], raw)
		if i == len(names)-1 {
			c.last, c.end, c.size, c.torn = names[i], part.end, int64(len(raw)), part.torn
		} else if part.torn {
			part.Faults = append(part.Faults, Fault{names[i], part.end, "the end is missing"})
		}
		if c.Head.Ledger == [16]byte{} {
			c.Head = part.Head
		}
		if part.Head.Ledger != [16]byte{} {
			if part.Ledger != c.Ledger {
				part.Faults = append(part.Faults, Fault{names[i], 0, "it is another ledger's"})
				part.Batches, part.Records = nil, nil
			}
			c.After, c.Chain, c.Whole = part.After, part.Chain, part.Whole
		}
		c.Files = append([]string{names[i]}, c.Files...)
		c.Records = append(part.Records, c.Records...)
		c.Batches = append(part.Batches, c.Batches...)
		c.Faults = append(part.Faults, c.Faults...)
		c.Mark = max(c.Mark, part.Mark)
		if part.Whole {
			c.old = names[:i]
			return c, nil
		}
	}
	c.Faults = append(c.Faults, Fault{c.Files[0], 0, "no file says how it began"})
	if len(c.Batches) > 0 && c.Batches[0].First == 1 {
		c.After, c.Chain = 0, wire.Chain{}
	}
	return c, nil
}

// scan reads one file.
func scan(file string, number uint64, raw []byte) (c Content) {
	fault := func(at int, format string, args ...any) {
		c.Faults = append(c.Faults, Fault{file, int64(at), fmt.Sprintf(format, args...)})
	}
	at := 0
	if bytes.HasPrefix(raw, []byte(magic)) {
		at = len(magic)
	} else {
		fault(0, "it does not begin as a journal does")
	}
	for first := true; ; first = false {
		kind, body, size := frame(raw[at:])
		if size == 0 {
			rest := raw[at:]
			if len(bytes.TrimLeft(rest, "\x00")) == 0 {
				break
			}
			skip := resync(rest)
			if skip == 0 {
				c.torn = true
				break
			}
			fault(at, "%d bytes that are no frame", skip)
			at += skip
			continue
		}
		var err error
		switch kind {
		case headKind:
			var h Head
			if h, err = parseHead(body); err == nil && h.Number != number {
				err = errors.New("it says that it is another file")
			}
			if err == nil {
				c.Head = h
			}
		case recordKind:
			var r Record
			r, err = parseRecord(body)
			c.Records = append(c.Records, r)
		case batchKind:
			var b Batch
			if b, err = parseBatch(body); err == nil {
				c.Batches = append(c.Batches, b)
				c.Records = append(c.Records, b.Records...)
				c.Mark = max(c.Mark, b.Mark)
			}
		}
		if err == nil && first && kind != headKind {
			err = errors.New("it has no head")
		}
		if err != nil {
			fault(at, "%v", err)
		}
		at += size
	}
	if c.Ledger == [16]byte{} {
		fault(0, "it does not say whose it is")
	}
	c.end = int64(at)
	return c
}

// resync is how many bytes to pass over to the next frame that is whole, 0 if there
// is none.
func resync(raw []byte) int {
	for at := 1; at+frameHead <= len(raw); at++ {
		if raw[at] != 0 { // the length of a frame is below 2^24
			continue
		}
		if _, _, size := frame(raw[at:]); size > 0 {
			return at
		}
	}
	return 0
}

// Run calls yield with the events that follow from After without a gap, each with
// its number and the running hash after it, and answers those of the last.
func (c *Content) Run(yield func(seq uint64, chain wire.Chain, raw []byte) error) (last uint64, chain wire.Chain, err error) {
	last, chain = c.After, c.Chain
	for _, b := range c.Batches {
		if b.First != last+1 || b.Before != chain {
			continue
		}
		for _, raw := range b.Events {
			last, chain = last+1, chain.Next(raw)
			if err := yield(last, chain, raw); err != nil {
				return last, chain, err
			}
		}
	}
	return last, chain, nil
}

// Tells reports whether the events that join have the running hash chain at seq.
func (c *Content) Tells(seq uint64, chain wire.Chain) (does bool) {
	if seq == c.After {
		return chain == c.Chain
	}
	_, _, _ = c.Run(func(at uint64, here wire.Chain, _ []byte) error {
		does = does || at == seq && here == chain
		return nil
	})
	return does
}

// Newest is the number of the newest event that can be read, joined or not.
func (c *Content) Newest() uint64 {
	newest := c.After
	for _, b := range c.Batches {
		newest = max(newest, b.First+uint64(len(b.Events))-1)
	}
	return newest
}
