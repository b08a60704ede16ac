//go:build linux

package disktest

import (
	"context"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// folder is the only one of a disk.
type folder struct {
	fs.Inode
	disk *Disk
}

var (
	_ fs.NodeOnAdder  = (*folder)(nil)
	_ fs.NodeCreater  = (*folder)(nil)
	_ fs.NodeUnlinker = (*folder)(nil)
	_ fs.NodeRenamer  = (*folder)(nil)
	_ fs.NodeLinker   = (*folder)(nil)
	_ fs.NodeFsyncer  = (*folder)(nil)
	_ fs.NodeStatfser = (*folder)(nil)
)

func (f *folder) OnAdd(ctx context.Context) {
	words := f.NewPersistentInode(ctx, &mouth{disk: f.disk}, fs.StableAttr{Mode: syscall.S_IFREG})
	f.AddChild(Words, words, true)
}

func (f *folder) Create(ctx context.Context, name string, _, _ uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	d := f.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if fault := d.step("create "+name, op{file: d.last + 1, name: name, size: -1}); fault != 0 {
		return nil, nil, 0, fault
	}
	d.last++
	d.files[d.last] = new([]byte)
	one := &file{disk: d, number: d.last}
	one.attr(&out.Attr)
	return f.NewInode(ctx, one, fs.StableAttr{Mode: syscall.S_IFREG}), nil, fuse.FOPEN_KEEP_CACHE, 0
}

func (f *folder) Unlink(_ context.Context, name string) syscall.Errno {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.disk.step("remove "+name, op{file: f.number(name), gone: name, size: -1})
}

func (f *folder) Rename(_ context.Context, name string, to fs.InodeEmbedder, called string, flags uint32) syscall.Errno {
	if to.EmbeddedInode() != &f.Inode || flags != 0 {
		return syscall.ENOTSUP
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.disk.step("rename "+name, op{file: f.number(name), gone: name, name: called, size: -1})
}

func (f *folder) Link(_ context.Context, target fs.InodeEmbedder, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	one, is := target.(*file)
	if !is {
		return nil, syscall.ENOTSUP
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	one.attr(&out.Attr)
	return &one.Inode, f.disk.step("link "+name, op{file: one.number, name: name, size: -1})
}

func (f *folder) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.disk.step("flush the folder", op{flush: true, size: -1})
}

// Statfs tells of a disk with room, whatever fails: it fills up between two looks.
func (f *folder) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	*out = fuse.StatfsOut{Bsize: 4096, Frsize: 4096, Blocks: 1 << 22, Bfree: 1 << 22, Bavail: 1 << 22, NameLen: 255}
	return 0
}

func (f *folder) number(name string) int {
	if child := f.GetChild(name); child != nil {
		if one, is := child.Operations().(*file); is {
			return one.number
		}
	}
	return 0
}

// file is one by its number; names are the folder's.
type file struct {
	fs.Inode
	disk   *Disk
	number int
}

var (
	_ fs.NodeOpener    = (*file)(nil)
	_ fs.NodeReader    = (*file)(nil)
	_ fs.NodeWriter    = (*file)(nil)
	_ fs.NodeGetattrer = (*file)(nil)
	_ fs.NodeSetattrer = (*file)(nil)
	_ fs.NodeFsyncer   = (*file)(nil)
	_ fs.NodeAllocater = (*file)(nil)
)

func (f *file) Open(_ context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if d := f.disk; d.in == 1 && d.all && d.with == syscall.EROFS && flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		d.failed++
		return nil, 0, d.with
	}
	return nil, fuse.FOPEN_KEEP_CACHE, 0
}

func (f *file) Read(_ context.Context, _ fs.FileHandle, to []byte, at int64) (fuse.ReadResult, syscall.Errno) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	content := *f.disk.files[f.number]
	n := copy(to, content[min(at, int64(len(content))):])
	return fuse.ReadResultData(to[:n]), 0
}

// Write is one of a page or a few. Linux flushes after it where a file was opened to be
// written through.
func (f *file) Write(_ context.Context, _ fs.FileHandle, b []byte, at int64) (uint32, syscall.Errno) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if fault := f.disk.write(f.number, b, at); fault != 0 {
		return 0, fault
	}
	return uint32(len(b)), 0
}

func (f *file) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.attr(&out.Attr)
	return 0
}

func (f *file) attr(out *fuse.Attr) {
	out.Mode = syscall.S_IFREG | 0o600
	out.Nlink = 2 // Linux gives a file without names no further ones
	out.Size = uint64(len(*f.disk.files[f.number]))
	out.Blocks = (out.Size + sector - 1) / sector
}

func (f *file) Setattr(_ context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if size, is := in.GetSize(); is {
		if fault := f.resize("resize", int64(size)); fault != 0 {
			return fault
		}
	}
	f.attr(&out.Attr)
	return 0
}

func (f *file) resize(what string, size int64) syscall.Errno {
	if fault := f.disk.step(what, op{file: f.number, size: size}); fault != 0 {
		return fault
	}
	content := f.disk.files[f.number]
	if more := size - int64(len(*content)); more > 0 {
		*content = append(*content, make([]byte, more)...)
	}
	*content = (*content)[:size]
	return 0
}

func (f *file) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.disk.step("flush", op{file: f.number, flush: true, size: -1})
}

func (f *file) Allocate(_ context.Context, _ fs.FileHandle, at, size uint64, _ uint32) syscall.Errno {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.resize("allocate", max(int64(at+size), int64(len(*f.disk.files[f.number]))))
}

// mouth is the file that a program says its words to.
type mouth struct {
	fs.Inode
	disk *Disk
}

var (
	_ fs.NodeOpener    = (*mouth)(nil)
	_ fs.NodeWriter    = (*mouth)(nil)
	_ fs.NodeSetattrer = (*mouth)(nil)
)

func (m *mouth) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_DIRECT_IO, 0
}

func (m *mouth) Setattr(context.Context, fs.FileHandle, *fuse.SetAttrIn, *fuse.AttrOut) syscall.Errno {
	return 0
}

func (m *mouth) Write(_ context.Context, _ fs.FileHandle, b []byte, _ int64) (uint32, syscall.Errno) {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	m.disk.hear(string(b))
	return uint32(len(b)), 0
}
