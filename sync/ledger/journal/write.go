package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"coldstation/sync/wire"
)

// MaxFile is how long a file grows before the next one is begun, in bytes.
const MaxFile = 4 << 20

// File is what a journal is written through: an *os.File.
type File interface {
	WriteAt(b []byte, at int64) (int, error)
	Truncate(size int64) error
	Sync() error
	Close() error
}

// Disk opens files to be written. Tests put one in that fails.
type Disk func(name string, flag int) (File, error)

// OS is the disk there is.
func OS(name string, flag int) (File, error) {
	f, err := os.OpenFile(name, flag, 0o600)
	if err != nil {
		return nil, err
	}
	return flushed{f}, nil
}

// Writer writes at the end of a journal. After an error it writes no more. It is
// for one goroutine.
type Writer struct {
	path   string
	disk   Disk
	head   Head // of the present file
	file   File
	end    int64 // where the next frame belongs
	filled int64 // the file is this long, with zeros from end on
	buffer []byte
	err    error
}

// Begin begins a journal anew, in one whole file that supersedes all others: h
// says whose it is, records what the events up to h.After had led to, and each
// calls its argument with what came since. The files that are superseded are
// removed last.
func Begin(path string, disk Disk, h Head, records []Record, each func(func(Batch) error) error) (*Writer, error) {
	names, numbers, err := files(path)
	if err != nil {
		return nil, fmt.Errorf("begin journal: %w", err)
	}
	h.Whole, h.Number = true, 1
	if n := len(numbers); n > 0 {
		h.Number = numbers[n-1] + 1
	}
	w := &Writer{path: path, disk: disk, head: h}
	if err := w.create(records, each); err != nil {
		return nil, fmt.Errorf("begin journal: %w", err)
	}
	if err := remove(names); err != nil {
		return nil, fmt.Errorf("begin journal: %w", errors.Join(err, w.Close()))
	}
	return w, nil
}

// Continue goes on where c ends, which must be without fault. What a write that
// was cut short left there is wiped out first.
func (c *Content) Continue(path string, disk Disk) (*Writer, error) {
	w := &Writer{path: path, disk: disk, head: c.Head, end: c.end, filled: c.size}
	w.head.Whole = false
	var err error
	if w.file, err = disk(c.last, os.O_RDWR|through); err != nil {
		return nil, fmt.Errorf("continue journal: %w", err)
	}
	if c.torn {
		w.filled = c.end
		err = errors.Join(w.file.Truncate(c.end), w.file.Sync())
	}
	if err == nil {
		err = remove(c.old)
	}
	if err != nil {
		return nil, fmt.Errorf("continue journal: %w", errors.Join(err, w.Close()))
	}
	return w, nil
}

func remove(names []string) (err error) {
	for _, name := range names {
		if gone := os.Remove(name); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}

// Append writes a batch and flushes it. With an error nobody knows what the disk
// has, and the journal is to be read again.
func (w *Writer) Append(b Batch) error {
	if w.err != nil {
		return w.err
	}
	w.buffer = appendBatch(w.buffer[:0], b)
	if len(w.buffer) > maxFrame {
		return fmt.Errorf("journal: a transaction of %d bytes, at most %d fit", len(w.buffer), maxFrame)
	}
	if w.end > MaxFile {
		if w.err = w.next(b.First-1, b.Before); w.err != nil {
			return w.err
		}
	}
	if w.err = w.write(w.buffer); w.err == nil && through == 0 {
		w.err = w.file.Sync()
	}
	if w.err != nil {
		w.err = fmt.Errorf("journal: %w", w.err)
	}
	return w.err
}

// room is how far a file is filled with zeros ahead of what is written, at first
// and at most: overwriting takes the disk one flush less than growing.
const (
	firstRoom = 64 << 10
	lastRoom  = 1 << 20
)

var zeros [lastRoom]byte

func (w *Writer) write(b []byte) error {
	after := w.end + int64(len(b))
	if after > w.filled {
		// A disk too full for zeros may have room for what matters.
		if n, err := w.file.WriteAt(zeros[:min(max(w.end, firstRoom), lastRoom)], after); err == nil {
			w.filled = after + int64(n)
		} else {
			w.filled = after
		}
	}
	if _, err := w.file.WriteAt(b, w.end); err != nil {
		return err
	}
	w.end = after
	return nil
}

// next begins the next file of the same journal.
func (w *Writer) next(after uint64, chain wire.Chain) error {
	n := Writer{path: w.path, disk: w.disk, head: w.head, buffer: w.buffer}
	n.head.Number, n.head.After, n.head.Chain, n.head.Whole = w.head.Number+1, after, chain, false
	if err := n.create(nil, nil); err != nil {
		return fmt.Errorf("begin journal %d: %w", n.head.Number, err)
	}
	if err := w.file.Close(); err != nil {
		return errors.Join(err, n.file.Close())
	}
	*w = n
	return nil
}

// create makes a file under another name, and names it when it is whole.
func (w *Writer) create(records []Record, each func(func(Batch) error) error) (err error) {
	draft := w.path + ".journal-new"
	if w.file, err = w.disk(draft, os.O_RDWR|os.O_CREATE|os.O_TRUNC); err != nil {
		return err
	}
	w.end, w.filled = 0, 1<<62 // it is flushed once, at the end
	fill := func() error {
		raw, err := appendHead([]byte(magic), w.head)
		if err != nil {
			return err
		}
		for _, r := range records {
			if raw = appendRecord(raw, r); len(raw) > lastRoom {
				if err := w.write(raw); err != nil {
					return err
				}
				raw = raw[:0]
			}
		}
		if err := w.write(raw); err != nil || each == nil {
			return err
		}
		return each(func(b Batch) error { raw = appendBatch(raw[:0], b); return w.write(raw) })
	}
	if err = fill(); err == nil {
		err = w.file.Sync()
	}
	if err == nil {
		err = os.Rename(draft, name(w.path, w.head.Number))
	}
	if err == nil {
		err = syncDir(filepath.Dir(w.path))
	}
	if err = errors.Join(err, w.file.Close()); err != nil {
		return err
	}
	w.filled = w.end
	w.file, err = w.disk(name(w.path, w.head.Number), os.O_RDWR|through)
	return err
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Close closes the file.
func (w *Writer) Close() error {
	if w.err == nil {
		w.err = fs.ErrClosed
	}
	return w.file.Close()
}

// Aside renames the journal's files, so that they are kept and not read. The
// suffix tells when.
func (c *Content) Aside(suffix string) error {
	for _, file := range append(c.old[:len(c.old):len(c.old)], c.Files...) {
		if err := os.Rename(file, file+suffix); err != nil {
			return fmt.Errorf("set the journal aside: %w", err)
		}
	}
	return syncDir(filepath.Dir(c.Files[0]))
}
