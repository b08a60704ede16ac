package blob

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/wire"
)

func open(t *testing.T, path string, limit int64) *Folder {
	t.Helper()
	f, err := OpenFolder(path, limit)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// bring puts a whole blob into the folder.
func bring(f *Folder, content []byte) (id circ.BlobID, err error) {
	id = circ.NameBlob(content)
	for at := 0; at < len(content) && err == nil; at += wire.MaxPiece {
		err = f.Write(wire.Piece{Blob: id, Offset: uint64(at), Size: uint64(len(content)), Bytes: content[at:min(len(content), at+wire.MaxPiece)]})
	}
	if err == nil {
		err = f.Finish(id)
	}
	return id, err
}

func TestFolder(t *testing.T) {
	path := t.TempDir()
	if err := os.WriteFile(filepath.Join(path, "letter"), []byte("to a friend"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := open(t, path, Limit)
	whole := content(wire.MaxPiece + 7)
	id, err := bring(f, whole)
	if err != nil {
		t.Fatal(err)
	}
	for _, again := range []bool{false, true} {
		if again {
			f = open(t, path, Limit)
		}
		if got, err := f.Read(id); err != nil || !bytes.Equal(got, whole) || !f.Has(id) {
			t.Errorf("opened again %v: %d bytes, %v, has %v", again, len(got), err, f.Has(id))
		}
	}
	if lacking := f.Want([]circ.BlobID{id, {1}, {1}, {2}}); len(lacking) != 2 {
		t.Errorf("lacking %v, want the two that are not here", lacking)
	}
	if _, err := f.Read(circ.BlobID{1}); !errors.Is(err, ErrNone) {
		t.Errorf("what is not here: %v, want %v", err, ErrNone)
	}
	info, err := os.Stat(filepath.Join(path, id.String()))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its file: %v, %v, want it its owner's alone", info, err)
	}
	if text, err := os.ReadFile(filepath.Join(path, "letter")); err != nil || len(text) == 0 {
		t.Errorf("the letter: %q, %v", text, err)
	}
}

// A damaged file is found when it is read, and is lacking from then on.
func TestDamaged(t *testing.T) {
	path := t.TempDir()
	f := open(t, path, Limit)
	id, err := bring(f, content(1000))
	if err != nil {
		t.Fatal(err)
	}
	damaged := content(1000)
	damaged[500] ^= 1
	if err := os.WriteFile(filepath.Join(path, id.String()), damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read(id); !errors.Is(err, ErrWrong) {
		t.Fatalf("a damaged one: %v, want %v", err, ErrWrong)
	}
	if lacking := f.Want([]circ.BlobID{id}); len(lacking) != 1 {
		t.Error("it is not lacking")
	}
	if _, err := bring(f, content(1000)); err != nil {
		t.Errorf("brought anew: %v", err)
	}
	if _, err := f.Read(id); err != nil {
		t.Errorf("read anew: %v", err)
	}
}

// Wrong bytes never get the name, and nothing of them stays.
func TestWrong(t *testing.T) {
	f := open(t, t.TempDir(), Limit)
	id := circ.NameBlob([]byte("right"))
	if err := f.Write(wire.Piece{Blob: id, Size: 5, Bytes: []byte("wrong")}); err != nil {
		t.Fatal(err)
	}
	if err := f.Finish(id); !errors.Is(err, ErrWrong) || f.Has(id) {
		t.Errorf("%v, has it %v, want %v", err, f.Has(id), ErrWrong)
	}
	if have, err := f.Begin(id); have != 0 || err != nil {
		t.Errorf("%d bytes of it are left, %v", have, err)
	}
	if err := f.Write(wire.Piece{Blob: id, Offset: 3, Size: 5, Bytes: []byte("ht")}); err == nil {
		t.Error("a piece with a gap before it was taken")
	}
}

// The folder never holds more than it may: what is not wanted goes, the longest
// unused first; what is wanted stays, and then nothing more fits.
func TestLimit(t *testing.T) {
	path := t.TempDir()
	f := open(t, path, 3000)
	var ids []circ.BlobID
	for n := 1000; n < 1003; n++ {
		id, err := bring(f, content(n-3)) // 997, 998, 999
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
		long := time.Now().Add(-time.Duration(n-900) * 24 * time.Hour) // the last is the longest unused
		if err := os.Chtimes(filepath.Join(path, id.String()), long, long); err != nil {
			t.Fatal(err)
		}
	}
	f = open(t, path, 3000)
	f.Want(ids[1:2])
	if _, err := f.Read(ids[0]); err != nil { // used now
		t.Fatal(err)
	}
	fourth, err := bring(f, content(990))
	if err != nil {
		t.Fatal(err)
	}
	if !f.Has(ids[0]) || !f.Has(ids[1]) || f.Has(ids[2]) || !f.Has(fourth) {
		t.Errorf("here: %v %v %v %v, want all but the third", f.Has(ids[0]), f.Has(ids[1]), f.Has(ids[2]), f.Has(fourth))
	}
	f.Want([]circ.BlobID{ids[0], ids[1], fourth})
	if _, err := bring(f, content(500)); !errors.Is(err, ErrFull) {
		t.Errorf("one too many: %v, want %v", err, ErrFull)
	}
	entries, err := os.ReadDir(path)
	if err != nil || len(entries) != 3 {
		t.Errorf("%d files, %v, want 3", len(entries), err)
	}
}
