//go:build linux

package disktest

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Words is the name of a file in every disk's folder, to which a program writes what
// it says: "kept 17" when it has answered that so much is recorded, and "failed"
// with the error when something was not.
const Words = "words"

// sector is what a disk writes whole or not at all, in bytes.
const sector = 512

// Disk is mounted at Place while its test runs.
type Disk struct {
	Place string

	mu     sync.Mutex
	ops    []op
	last   int // the newest file's number
	files  map[int]*[]byte
	in     int // until one fails; 0: none does
	with   syscall.Errno
	all    bool // that and each that follows
	failed int
	hit    string // what failed first
	words  []string
}

// op is something that reached the disk, in the order of all of them.
type op struct {
	file  int
	write []byte // at
	at    int64
	size  int64  // of the file afterwards; -1: as before
	name  string // that the file was given
	gone  string // a name that ended
	flush bool   // of a file; of the folder when file is 0
	kept  uint64 // the program said so
}

// Mount mounts an empty disk. Where there is no FUSE the test is over, and has failed
// with REAL=1.
func Mount(t testing.TB) *Disk {
	t.Helper()
	d := &Disk{Place: t.TempDir(), files: map[int]*[]byte{}}
	options := &fs.Options{MountOptions: fuse.MountOptions{DirectMount: true, FsName: "disktest", Name: "disktest"}}
	server, err := fs.Mount(d.Place, &folder{disk: d}, options)
	if err != nil {
		if os.Getenv("REAL") != "" {
			t.Fatal(err)
		}
		t.Skip("no FUSE here:", err)
	}
	t.Cleanup(func() {
		if err := server.Unmount(); err != nil {
			t.Errorf("unmount the disk: %v", err)
		}
	})
	return d
}

// Fail has operation n from now on fail, counted from 1, and if all is set those that
// follow too, until the program says that something failed. A full disk still
// flushes, and gives names up.
func (d *Disk) Fail(n int, with syscall.Errno, all bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.in, d.with, d.all, d.hit, d.failed = n, with, all, "", 0
}

// Failed is what failed first, "" for nothing, and how much did.
func (d *Disk) Failed() (what string, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.hit, d.failed
}

// Said is what the program said that was no more than a number.
func (d *Disk) Said() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.words)
}

// Ops is how many writes, flushes, namings and words there were.
func (d *Disk) Ops() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.ops)
}

// Kept is the most that the program had said to be recorded before operation n.
func (d *Disk) Kept(n int) (most uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, o := range d.ops[:n] {
		most = max(most, o.kept)
	}
	return most
}

// Cut is a power cut.
type Cut struct {
	Before int     // of the operations
	Lies   int     // so many before that nothing was flushed any more
	Keep   float64 // the share of sectors that are there though not flushed
}

// Image is what the disk may hold after a cut, by the names of files.
func (d *Disk) Image(random *rand.Rand, c Cut) map[string][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	ops := d.ops[:c.Before]
	flushed := map[int]int{} // up to the last flush that was one
	for i, o := range ops[:max(0, c.Before-c.Lies)] {
		if o.flush {
			flushed[o.file] = i
		}
	}
	noted := random.IntN(c.Before + 1) // up to where names and lengths are, though not flushed
	if c.Keep == 0 {
		noted = 0
	}
	names, content := map[string]int{}, map[int][]byte{}
	for i, o := range ops {
		stays := i < flushed[o.file]
		switch file := content[o.file]; {
		case o.write != nil:
			grown := o.at + int64(len(o.write))
			if o.size >= 0 && int64(len(file)) < grown && (stays || i < noted) {
				file = append(file, make([]byte, grown-int64(len(file)))...)
			}
			for from := o.at; from < grown && from < int64(len(file)); {
				to := min((from/sector+1)*sector, grown, int64(len(file)))
				if stays || random.Float64() < c.Keep {
					copy(file[from:to], o.write[from-o.at:])
				}
				from = to
			}
			content[o.file] = file
		case o.size >= 0 && (stays || i < noted):
			if more := o.size - int64(len(file)); more > 0 {
				file = append(file, make([]byte, more)...)
			}
			content[o.file] = file[:o.size]
		case (o.name != "" || o.gone != "") && (i < flushed[0] || i < noted || o.gone == "" && stays):
			delete(names, o.gone)
			if o.name != "" {
				names[o.name] = o.file
			}
		}
	}
	image := map[string][]byte{}
	for name, file := range names {
		image[name] = bytes.Clone(content[file])
	}
	return image
}

// Files are the files as a program sees them.
func (d *Disk) Files() map[string][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	names := map[string]int{}
	for _, o := range d.ops {
		delete(names, o.gone)
		if o.name != "" {
			names[o.name] = o.file
		}
	}
	all := map[string][]byte{}
	for name := range maps.Keys(names) {
		all[name] = bytes.Clone(*d.files[names[name]])
	}
	return all
}

// step is one more operation. It answers how it ends.
func (d *Disk) step(what string, o op) syscall.Errno {
	spared := d.with == syscall.ENOSPC && (o.flush || o.gone != "" && o.name == "")
	if d.in > 0 && !spared {
		if d.in > 1 {
			d.in--
		} else {
			if d.failed++; d.hit == "" {
				d.hit = strings.TrimSpace(what + " " + d.called(o.file))
			}
			if !d.all {
				d.in = 0
			}
			return d.with
		}
	}
	d.ops = append(d.ops, o)
	return 0
}

// called is the newest name that a file was given.
func (d *Disk) called(file int) (name string) {
	for _, o := range d.ops {
		if o.file == file && o.name != "" {
			name = o.name
		}
	}
	return name
}

// write is one at a place, of which half is done when it fails.
func (d *Disk) write(file int, b []byte, at int64) syscall.Errno {
	put := func(b []byte) op {
		content := d.files[file]
		o := op{file: file, write: bytes.Clone(b), at: at, size: -1}
		if end := at + int64(len(b)); end > int64(len(*content)) {
			*content = append(*content, make([]byte, end-int64(len(*content)))...)
			o.size = end
		}
		copy((*content)[at:], b)
		return o
	}
	// Asked first, so that what failed is not there as a whole.
	if fault := d.step("write", op{file: file, size: -1}); fault != 0 {
		if half := b[:len(b)/2]; len(half) > 0 && d.with != syscall.EROFS {
			d.ops = append(d.ops, put(half))
		}
		return fault
	}
	d.ops[len(d.ops)-1] = put(b)
	return 0
}

// hear takes what the program says.
func (d *Disk) hear(said string) {
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		if n, is := strings.CutPrefix(line, "kept "); is {
			if kept, err := strconv.ParseUint(n, 10, 64); err == nil {
				d.ops = append(d.ops, op{size: -1, kept: kept})
				continue
			}
		}
		if d.failed > 0 {
			d.in = 0
		}
		d.words = append(d.words, line)
	}
}
