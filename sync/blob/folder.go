package blob

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/wire"
)

// What may be wrong with a blob.
var (
	ErrNone  = errors.New("blob: not here")
	ErrWrong = errors.New("blob: wrong bytes")
	ErrFull  = errors.New("blob: no room")
)

// Limit is how many bytes a station keeps: some thousands of covers and a filter.
const Limit = 256 << 20

// part is the end of the name of a blob that is not whole.
const part = ".part"

// Folder keeps blobs on a disk. All of it may be called by several at once.
type Folder struct {
	path  string
	limit int64

	mu     sync.Mutex
	files  map[circ.BlobID]file
	wanted map[circ.BlobID]bool
}

// file is a blob, whole or its beginning.
type file struct {
	size  int64
	whole bool
	used  time.Time
}

// OpenFolder opens a folder that keeps at most limit bytes, and makes it when
// there is none. Files that are no blobs are left as they are.
func OpenFolder(path string, limit int64) (*Folder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	f := &Folder{path: path, limit: limit, files: make(map[circ.BlobID]file)}
	for _, entry := range entries {
		id, is := circ.ParseBlobID(strings.TrimSuffix(entry.Name(), part))
		info, err := entry.Info()
		if !is || err != nil || !info.Mode().IsRegular() {
			continue
		}
		whole := !strings.HasSuffix(entry.Name(), part)
		if whole || !f.files[id].whole {
			f.files[id] = file{info.Size(), whole, info.ModTime()}
		}
	}
	return f, nil
}

func (f *Folder) name(id circ.BlobID) string { return filepath.Join(f.path, id.String()) }

// Has reports whether a blob is here, by its name alone.
func (f *Folder) Has(id circ.BlobID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.files[id].whole
}

// Read is a blob, checked: ErrNone, and ErrWrong for one that was damaged, which
// is lacking from then on.
func (f *Folder) Read(id circ.BlobID) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.files[id].whole {
		return nil, ErrNone
	}
	content, err := os.ReadFile(f.name(id))
	if err == nil && circ.NameBlob(content) != id {
		err = ErrWrong
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read blob %s: %w", id, err), f.drop(id))
	}
	now := time.Now()
	if is := f.files[id]; now.Sub(is.used) > time.Hour {
		is.used = now
		f.files[id] = is
		_ = os.Chtimes(f.name(id), now, now) // only for which goes first
	}
	return content, nil
}

// Want says which blobs are wanted from now on, and answers those that are
// lacking, in their order.
func (f *Folder) Want(ids []circ.BlobID) (lacking []circ.BlobID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wanted = make(map[circ.BlobID]bool, len(ids))
	for _, id := range ids {
		if !f.files[id].whole && !f.wanted[id] {
			lacking = append(lacking, id)
		}
		f.wanted[id] = true
	}
	return lacking
}

// Begin answers how much of a blob is here.
func (f *Folder) Begin(id circ.BlobID) (have uint64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	is := f.files[id]
	if is.size > circ.MaxBlob {
		return 0, f.drop(id)
	}
	return uint64(is.size), nil
}

// Write adds the next piece to a blob's beginning. ErrFull when the whole blob
// would not fit beside what is wanted.
func (f *Folder) Write(p wire.Piece) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	is := f.files[p.Blob]
	if is.whole || uint64(is.size) != p.Offset {
		return fmt.Errorf("write blob %s: %d bytes are here, the piece begins at %d", p.Blob, is.size, p.Offset)
	}
	if err := f.room(p.Blob, int64(p.Size)); err != nil {
		return fmt.Errorf("write blob %s: %w", p.Blob, err)
	}
	to, err := os.OpenFile(f.name(p.Blob)+part, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("write blob: %w", err)
	}
	// Whatever a write that failed left behind the beginning is written over.
	_, err = to.WriteAt(p.Bytes, is.size)
	if err = errors.Join(err, to.Close()); err != nil {
		return fmt.Errorf("write blob: %w", err)
	}
	f.files[p.Blob] = file{is.size + int64(len(p.Bytes)), false, time.Now()}
	return nil
}

// Finish checks a blob and gives it its name. ErrWrong drops it.
func (f *Folder) Finish(id circ.BlobID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	is := f.files[id]
	err := f.finish(id, is.size)
	if err != nil {
		return errors.Join(fmt.Errorf("keep blob %s: %w", id, err), f.drop(id))
	}
	f.files[id] = file{is.size, true, time.Now()}
	return nil
}

func (f *Folder) finish(id circ.BlobID, size int64) error {
	draft, err := os.OpenFile(f.name(id)+part, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	content := make([]byte, size)
	_, err = draft.ReadAt(content, 0)
	if err == nil && circ.NameBlob(content) != id {
		err = ErrWrong
	}
	if err = errors.Join(err, draft.Truncate(size), draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err := os.Rename(draft.Name(), f.name(id)); err != nil {
		return err
	}
	folder, err := os.Open(f.path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// room makes room for a blob of size bytes.
func (f *Folder) room(id circ.BlobID, size int64) error {
	total := size
	var idle []circ.BlobID
	for other, is := range f.files {
		if other == id {
			continue
		}
		total += is.size
		if !f.wanted[other] {
			idle = append(idle, other)
		}
	}
	slices.SortFunc(idle, func(a, b circ.BlobID) int {
		return cmp.Or(f.files[a].used.Compare(f.files[b].used), slices.Compare(a[:], b[:]))
	})
	for _, other := range idle {
		if total <= f.limit {
			break
		}
		total -= f.files[other].size
		if err := f.drop(other); err != nil {
			return err
		}
	}
	if total > f.limit {
		return ErrFull
	}
	return nil
}

// Drop forgets a blob, whole or not.
func (f *Folder) Drop(id circ.BlobID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.drop(id)
}

// drop is Drop for who holds the lock.
func (f *Folder) drop(id circ.BlobID) (err error) {
	for _, name := range []string{f.name(id), f.name(id) + part} {
		if gone := os.Remove(name); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	if err == nil {
		delete(f.files, id)
	}
	return err
}
