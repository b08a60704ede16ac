package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// What may be wrong with a file.
var (
	// ErrForeign is a file that is not this station's ledger. It is left alone.
	ErrForeign = errors.New("ledger: not this station's ledger")
	// ErrNewer is a ledger that a later version of this program wrote.
	ErrNewer = errors.New("ledger: written by a newer version")
	// ErrInUse is a ledger that another process holds.
	ErrInUse = errors.New("ledger: in use")
	// ErrCorrupt is a ledger that was damaged, by a disk most likely.
	ErrCorrupt = errors.New("ledger: damaged")
)

// guard runs fn and turns a panic, or a fault in memory that maps the file, into
// ErrCorrupt: bbolt trusts its pages.
func guard(fn func() error) (err error) {
	before := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(before)
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("%w: %v", ErrCorrupt, fault)
		}
	}()
	return fn()
}

// openFile opens a file that is there. It is first held read-only, in which
// bbolt looks at no more than the meta pages, and inspected, so that nobody
// writes meanwhile.
func openFile(path string, timeout time.Duration, readOnly bool) (*bbolt.DB, error) {
	if err := sniff(path); err != nil {
		return nil, err
	}
	db, err := openBolt(path, timeout, true)
	if err != nil {
		return nil, err
	}
	if err := inspect(path); err != nil {
		_ = db.Close()
		return nil, err
	}
	if readOnly {
		return db, nil
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return openBolt(path, timeout, false)
}

func openBolt(path string, timeout time.Duration, readOnly bool) (db *bbolt.DB, err error) {
	err = guard(func() error {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout: timeout, FreelistType: bbolt.FreelistMapType, ReadOnly: readOnly,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				return os.OpenFile(name, flag&^os.O_CREATE, mode)
			},
		})
		return err
	})
	var onPath *fs.PathError
	switch {
	case err == nil:
		return db, nil
	case errors.Is(err, berrors.ErrTimeout):
		return nil, ErrInUse
	case errors.As(err, &onPath), errors.Is(err, ErrCorrupt):
		return nil, unwritable(err)
	}
	return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
}

// sniff tells a file that was never bbolt's from one that is damaged, before
// bbolt gets to see it. Both of bbolt's meta pages carry a magic number 16 bytes
// in; the second stands one page on.
func sniff(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return ErrForeign
	}
	start := make([]byte, 64<<10+32)
	n, err := io.ReadFull(file, start)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	start = start[:n]
	const magic = 0xED0CDAED
	for at := 0; at+20 <= len(start); at += 1024 {
		if binary.NativeEndian.Uint32(start[at+16:]) == magic {
			return nil
		}
	}
	for _, b := range start {
		if b != 0 {
			return ErrForeign
		}
	}
	return fmt.Errorf("%w: nothing but zeros", ErrCorrupt)
}

// create makes a whole new file beside path and then names it path, so that a
// power cut never leaves half a ledger under that name.
func create(path string, fill func(*bbolt.Tx) error) error {
	draft, err := draw(path, fill)
	if err != nil {
		return err
	}
	// A link, unlike a rename, never replaces a ledger that appeared meanwhile.
	if err := os.Link(draft, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := os.Remove(draft); err != nil {
		return err
	}
	return syncDir(path)
}

// draw makes a whole new file beside path, checks it, and answers its name.
func draw(path string, fill func(*bbolt.Tx) error) (draft string, err error) {
	draft = path + ".new"
	if err := os.Remove(draft); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return draft, err
	}
	db, err := bbolt.Open(draft, 0o600, &bbolt.Options{Timeout: time.Second, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return draft, err
	}
	err = db.Update(fill)
	if err == nil {
		err = db.View(func(tx *bbolt.Tx) error { _, err := verify(tx); return err })
	}
	if err = errors.Join(err, db.Close()); err == nil {
		err = inspect(draft)
	}
	return draft, err
}

func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
