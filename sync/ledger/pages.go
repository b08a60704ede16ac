package ledger

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// inspect walks the pages of a bbolt file by itself, and refuses with ErrCorrupt
// what bbolt would fall over. A page whose kind or count is damaged sends bbolt's
// cursor round in a circle until the memory is used up, and no recover helps
// against that; so this runs before bbolt is asked anything.
//
// A page is: id(8) flags(2) count(2) overflow(4), then count elements of 16 bytes:
//
//	branch  pos(4) keysize(4) page(8)
//	leaf    flags(4) pos(4) keysize(4) valuesize(4)
//
// pos counts from the element itself. A leaf element with flag 1 is a bucket:
// root page(8) sequence(8), and, if root is 0, a leaf page in the value. The
// numbers are in the machine's own byte order. Source: go.etcd.io/bbolt v1.5,
// internal/common.
func inspect(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	f := pages{file: file, seen: map[uint64]bool{0: true, 1: true}}
	root, free, err := f.metas(info.Size())
	if err != nil {
		return err
	}
	if err := f.tree(root, 0, nil, nil); err != nil {
		return err
	}
	return f.freelist(free)
}

type pages struct {
	file io.ReaderAt
	size int64  // of a page
	end  uint64 // the first page number beyond the used part of the file
	seen map[uint64]bool
}

var native = binary.NativeEndian

const (
	pageHead    = 16
	elementSize = 16
	branchPage  = 0x01
	leafPage    = 0x02
	freePage    = 0x10
	bucketFlag  = 0x01
	maxDepth    = 32 // of nested pages; a full tree of 4 KiB pages needs 6 for a billion events
)

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrCorrupt}, args...)...)
}

// metas reads the newer of the two meta pages that are whole.
func (f *pages) metas(length int64) (root, free uint64, err error) {
	var newest uint64
	for _, at := range []int64{0, int64(os.Getpagesize()), 4096, 1024, 2048, 8192, 16384, 32768, 65536} {
		m := make([]byte, 64)
		if _, err := f.file.ReadAt(m, at+pageHead); err != nil {
			continue
		}
		sum := fnv.New64a()
		sum.Write(m[:56])
		size, id := int64(native.Uint32(m[8:])), native.Uint64(m[48:])
		if native.Uint32(m) != 0xED0CDAED || native.Uint64(m[56:]) != sum.Sum64() || at != 0 && at != size {
			continue
		}
		if f.size == 0 || id > newest {
			newest, f.size = id, size
			root, free, f.end = native.Uint64(m[16:]), native.Uint64(m[32:]), native.Uint64(m[40:])
		}
	}
	switch {
	case f.size == 0:
		return 0, 0, damaged("neither meta page is whole")
	case f.end > uint64(length/f.size):
		return 0, 0, damaged("%d bytes, want %d pages of %d", length, f.end, f.size)
	}
	return root, free, nil
}

// page reads one page with its overflow, once.
func (f *pages) page(id uint64) (content []byte, err error) {
	if id < 2 || id >= f.end {
		return nil, damaged("page %d of %d", id, f.end)
	}
	head := make([]byte, pageHead)
	if _, err := f.file.ReadAt(head, int64(id)*f.size); err != nil {
		return nil, err
	}
	overflow := uint64(native.Uint32(head[12:]))
	if native.Uint64(head) != id || overflow >= f.end-id {
		return nil, damaged("page %d says it is page %d with %d more", id, native.Uint64(head), overflow)
	}
	for i := id; i <= id+overflow; i++ {
		if f.seen[i] {
			return nil, damaged("page %d is used twice", i)
		}
		f.seen[i] = true
	}
	content = make([]byte, int64(overflow+1)*f.size)
	_, err = f.file.ReadAt(content, int64(id)*f.size)
	return content, err
}

// tree walks the pages below one, whose keys must be from low on and before high, nil
// being no bound: a branch that says otherwise leads a search astray.
func (f *pages) tree(id uint64, depth int, low, high []byte) error {
	content, err := f.page(id)
	if err != nil {
		return err
	}
	if depth == maxDepth {
		return damaged("pages nested deeper than %d", maxDepth)
	}
	switch flags := native.Uint16(content[8:]); flags {
	case leafPage:
		return f.leaf(content, id, depth, low, high)
	case branchPage:
	default:
		return damaged("page %d is of no kind that belongs there", id)
	}
	elements, err := split(content, id)
	if err != nil {
		return err
	}
	if len(elements) == 0 {
		return damaged("page %d leads nowhere", id)
	}
	keys := make([][]byte, len(elements), len(elements)+1)
	for i, at := range elements {
		if keys[i], err = cut(content, at, native.Uint32(content[at:]), native.Uint32(content[at+4:])); err != nil {
			return err
		}
	}
	if !ordered(keys, low, high) {
		return damaged("keys out of order on page %d", id)
	}
	keys = append(keys, high)
	for i, at := range elements {
		if err := f.tree(native.Uint64(content[at+8:]), depth+1, keys[i], keys[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// ordered reports whether keys rise, from low on and before high.
func ordered(keys [][]byte, low, high []byte) bool {
	for i, key := range keys {
		if bytes.Compare(key, low) < 0 || high != nil && bytes.Compare(key, high) >= 0 || i > 0 && bytes.Compare(keys[i-1], key) >= 0 {
			return false
		}
	}
	return true
}

func (f *pages) leaf(content []byte, id uint64, depth int, low, high []byte) error {
	elements, err := split(content, id)
	if err != nil {
		return err
	}
	keys := make([][]byte, 0, len(elements))
	for _, at := range elements {
		flags, pos, keySize, size := native.Uint32(content[at:]), native.Uint32(content[at+4:]), native.Uint32(content[at+8:]), native.Uint32(content[at+12:])
		key, err := cut(content, at, pos, keySize)
		if err != nil {
			return err
		}
		value, err := cut(content, at, pos+keySize, size)
		if err != nil || pos+keySize < pos {
			return damaged("a value beyond page %d", id)
		}
		keys = append(keys, key)
		switch {
		case flags == 0:
		case flags != bucketFlag, len(value) < 16:
			return damaged("an element of no kind on page %d", id)
		default:
			if err := f.bucket(value, id, depth); err != nil {
				return err
			}
		}
	}
	if !ordered(keys, low, high) {
		return damaged("keys out of order on page %d", id)
	}
	return nil
}

func (f *pages) bucket(value []byte, id uint64, depth int) error {
	root := native.Uint64(value)
	if root != 0 {
		return f.tree(root, depth+1, nil, nil)
	}
	inline := value[16:]
	if len(inline) < pageHead || native.Uint16(inline[8:]) != leafPage || depth == maxDepth {
		return damaged("a small bucket on page %d", id)
	}
	return f.leaf(inline, id, depth+1, nil, nil)
}

// split is where the elements of a page begin.
func split(content []byte, id uint64) (at []int, err error) {
	count := int(native.Uint16(content[10:]))
	if pageHead+count*elementSize > len(content) {
		return nil, damaged("page %d says it holds %d elements", id, count)
	}
	for i := range count {
		at = append(at, pageHead+i*elementSize)
	}
	return at, nil
}

func cut(content []byte, at int, pos, size uint32) ([]byte, error) {
	from := uint64(at) + uint64(pos)
	to := from + uint64(size)
	if to > uint64(len(content)) {
		return nil, damaged("an element of %d bytes at %d", size, from)
	}
	return content[from:to], nil
}

// freelist checks that no page that is in use is also free, since the next write
// would go there.
func (f *pages) freelist(id uint64) error {
	content, err := f.page(id)
	if err != nil {
		return err
	}
	if native.Uint16(content[8:]) != freePage {
		return damaged("page %d is no list of free pages", id)
	}
	count, list := uint64(native.Uint16(content[10:])), content[pageHead:]
	if count == 0xFFFF {
		count, list = native.Uint64(list), list[8:]
	}
	if count > uint64(len(list)/8) {
		return damaged("%d free pages do not fit their list", count)
	}
	for i := range count {
		free := native.Uint64(list[i*8:])
		if free < 2 || free >= f.end || f.seen[free] {
			return damaged("page %d is both free and in use", free)
		}
		f.seen[free] = true
	}
	return nil
}
