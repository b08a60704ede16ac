//go:build linux

package disktest

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// put puts a file on the disk, and flushes it and the folder if asked.
func (d *Disk) put(t *testing.T, name, content string, flush bool) {
	t.Helper()
	f, err := os.Create(filepath.Join(d.Place, name))
	if err == nil {
		_, err = f.WriteString(content)
	}
	if err == nil && flush {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestImage: what is flushed stays, and the rest is as luck has it.
func TestImage(t *testing.T) {
	d := Mount(t)
	random := rand.New(rand.NewPCG(1, 2))
	long := strings.Repeat("0123456789abcdef", 200)
	d.put(t, "flushed", long, true)
	d.put(t, "loose", long, false)
	if err := os.Rename(filepath.Join(d.Place, "flushed"), filepath.Join(d.Place, "renamed")); err != nil {
		t.Fatal(err)
	}
	if got := d.Files(); string(got["renamed"]) != long || string(got["loose"]) != long || len(got) != 2 {
		t.Errorf("a program sees %d files", len(got))
	}
	whole := d.Image(random, Cut{Before: d.Ops()})
	if string(whole["flushed"]) != long || len(whole) != 1 {
		t.Errorf("flushed is only one file under its old name, and there are %d", len(whole))
	}
	if lost := d.Image(random, Cut{Before: d.Ops(), Lies: d.Ops()}); len(lost) > 0 {
		t.Errorf("a disk that lied from the first has %d files", len(lost))
	}
	torn, short, renamed := 0, 0, 0
	for range 200 {
		image := d.Image(random, Cut{Before: d.Ops(), Keep: 0.5})
		if loose, there := image["loose"]; there && len(loose) == len(long) && string(loose) != long {
			torn++
		} else if len(loose) < len(long) {
			short++
		}
		if string(image["renamed"]) == long {
			renamed++
		} else if string(image["flushed"]) != long {
			t.Fatal("what was flushed is gone")
		}
	}
	if torn == 0 || short == 0 || renamed == 0 || renamed == 200 {
		t.Errorf("of 200 files %d are torn, %d short, %d renamed", torn, short, renamed)
	}
}

// TestFail: one write fails, half done, and the next does not.
func TestFail(t *testing.T) {
	d := Mount(t)
	d.put(t, "one", "........", true)
	f, err := os.OpenFile(filepath.Join(d.Place, "one"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d.Fail(1, syscall.EIO, false)
	if _, err := f.WriteAt([]byte("abcdefgh"), 0); !errors.Is(err, syscall.EIO) {
		t.Errorf("the write: %v, want %v", err, syscall.EIO)
	}
	if what, n := d.Failed(); what != "write one" || n != 1 || string(d.Files()["one"]) != "abcd...." {
		t.Errorf("%q failed %d times, and there is %q", what, n, d.Files()["one"])
	}
	if _, err := f.WriteAt([]byte("ABCDEFGH"), 0); err != nil || f.Sync() != nil {
		t.Error(err)
	}
	d.Fail(2, syscall.ENOSPC, true)
	if _, err := f.WriteAt([]byte("x"), 0); err != nil {
		t.Error("it fails one too early:", err)
	}
	for range 2 {
		if _, err := f.WriteAt([]byte("y"), 1); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("a full disk: %v", err)
		}
	}
	if err := f.Sync(); err != nil {
		t.Error("a full disk does not flush:", err)
	}
	words, err := os.OpenFile(filepath.Join(d.Place, Words), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer words.Close()
	if _, err := words.WriteString("kept 3\nfailed: full\nkept 5\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("z"), 1); err != nil {
		t.Error("it was said and not mended:", err)
	}
	if said := d.Said(); len(said) != 1 || said[0] != "failed: full" || d.Kept(d.Ops()) != 5 || d.Kept(0) != 0 {
		t.Errorf("it said %q and kept %d", said, d.Kept(d.Ops()))
	}
}
