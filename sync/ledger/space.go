package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"coldstation/sync/circ"
)

// ErrFull is a disk without room. It comes with ErrBroken: what was to be written
// is not there, and opened anew the ledger has the room it held back.
var ErrFull = errors.New("ledger: the disk is full")

// lowDisk is when the library is told that the disk fills up, in bytes left.
const lowDisk = 256 << 20

// diskFault is raised while the disk is low.
const diskFault = "disk"

const reserveName = ".reserve" // after the ledger's own

func (l *Ledger) reserve() string { return l.path + reserveName }

// hold sets room aside while there is plenty.
func (l *Ledger) hold() {
	if l.options.Reserve <= 0 {
		return
	}
	free, err := l.free()
	if err != nil || free < lowDisk+uint64(l.options.Reserve) {
		return
	}
	if info, err := os.Stat(l.reserve()); err == nil && info.Size() >= l.options.Reserve {
		return
	}
	// Written out, since a hole in a file holds nothing back. That it fails harms nobody.
	if err := os.WriteFile(l.reserve(), make([]byte, l.options.Reserve), 0o600); err != nil {
		l.spare()
	}
}

// spare gives the room that was held back free, and answers whether there was any.
func (l *Ledger) spare() bool { return os.Remove(l.reserve()) == nil }

func (l *Ledger) free() (uint64, error) {
	if l.options.faults != nil && l.options.faults.free != nil {
		return l.options.faults.free()
	}
	return free(filepath.Dir(l.path))
}

// full says of a write's error that the disk is full, if it is that.
func (l *Ledger) full(err error) error {
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return err
	}
	l.spare()
	return fmt.Errorf("%w: %w", ErrFull, err)
}

// watch raises a fault while there is still room, and clears it when there is
// again; a moment's change does neither. What was held back is given free before
// a write would fail for want of it.
func (p *pen) watch() error {
	if p.options.Reserve <= 0 {
		return nil
	}
	free, err := p.free()
	if err != nil {
		return nil // a disk that does not tell may still write
	}
	if free < uint64(p.options.Reserve) {
		p.spare()
	}
	raised := p.here.Get(key(hereFault, []byte(diskFault))) != nil
	switch {
	case free < lowDisk && !raised:
		return p.write(circ.FaultRaised{Fault: diskFault, Detail: fmt.Sprintf("%d MB left", free>>20)})
	case free >= 2*lowDisk && raised:
		return p.write(circ.FaultCleared{Fault: diskFault})
	}
	return nil
}

// unwritable makes plain why a file cannot be opened to write.
func unwritable(err error) error {
	switch {
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("the disk takes no writes; it is mounted read-only, as after an error of the file system: %w", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("this account may not write there: %w", err)
	}
	return err
}
