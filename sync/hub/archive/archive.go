// Package archive is a hub's backup: all that makes a library's hub, in one file
// that tells whether it is whole.
//
//	line   "coldstation backup 1\n"; the number is the version
//	body   gzip (RFC 1952) of a tar of regular files
//	sum    SHA-256 of all that comes before it, 32 bytes
//
// It holds the library's keys: who has it can open who borrowed. What holds no
// secret without it does with it, so it belongs in the safe and not on a share.
package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	family = "coldstation backup "
	head   = family + "1\n"
)

// What may be wrong with an archive.
var (
	ErrForeign = errors.New("archive: not a hub's backup")
	ErrNewer   = errors.New("archive: written by a newer version")
	ErrDamaged = errors.New("archive: damaged or cut short")
)

// Write writes an archive of files of a folder. Whatever is wrong leaves to
// without its sum.
func Write(to io.Writer, folder string, names []string, at time.Time) error {
	sum := sha256.New()
	all := io.MultiWriter(to, sum)
	if _, err := io.WriteString(all, head); err != nil {
		return err
	}
	packed, err := gzip.NewWriterLevel(all, gzip.BestSpeed)
	if err != nil {
		return err
	}
	body := tar.NewWriter(packed)
	for _, name := range names {
		if err := add(body, folder, name, at); err != nil {
			return fmt.Errorf("archive %s: %w", name, err)
		}
	}
	if err := errors.Join(body.Close(), packed.Close()); err != nil {
		return err
	}
	_, err = to.Write(sum.Sum(nil))
	return err
}

func add(to *tar.Writer, folder, name string, at time.Time) error {
	file, err := os.Open(filepath.Join(folder, name))
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if err := to.WriteHeader(&tar.Header{Name: name, Mode: int64(info.Mode().Perm()), Size: info.Size(), ModTime: at}); err != nil {
		return err
	}
	_, err = io.Copy(to, file)
	return err
}

// Extract checks all of an archive, and only then writes its files into folder,
// flushed, each readable as it was. ErrForeign, ErrNewer, ErrDamaged.
func Extract(from io.ReadSeeker, folder string) (names []string, err error) {
	end, err := verify(from)
	if err != nil {
		return nil, err
	}
	if _, err := from.Seek(int64(len(head)), io.SeekStart); err != nil {
		return nil, err
	}
	packed, err := gzip.NewReader(io.LimitReader(from, end-int64(len(head))))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	body := tar.NewReader(packed)
	for {
		h, err := body.Next()
		switch {
		case err == io.EOF:
			return names, nil
		case err != nil:
			return names, fmt.Errorf("%w: %w", ErrDamaged, err)
		case h.Typeflag != tar.TypeReg || h.Name != filepath.Base(h.Name) || strings.HasPrefix(h.Name, "."):
			return names, fmt.Errorf("%w: a file named %q", ErrForeign, h.Name)
		}
		if err := extract(filepath.Join(folder, h.Name), h, body); err != nil {
			return names, err
		}
		names = append(names, h.Name)
	}
}

func extract(path string, h *tar.Header, body io.Reader) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, os.FileMode(h.Mode)&0o700|0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, body)
	if err = errors.Join(err, file.Chmod(os.FileMode(h.Mode).Perm()), file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("extract %s: %w", h.Name, err)
	}
	return nil
}

// verify answers where the sum begins.
func verify(from io.ReadSeeker) (end int64, err error) {
	size, err := from.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	start := make([]byte, len(head))
	if _, err := io.ReadFull(from, start); err != nil || !bytes.HasPrefix(start, []byte(family)) {
		return 0, ErrForeign
	}
	if string(start) != head {
		return 0, fmt.Errorf("%w: %q", ErrNewer, bytes.TrimSpace(start[len(family):]))
	}
	if end = size - sha256.Size; end < int64(len(head)) {
		return 0, ErrDamaged
	}
	sum, want := sha256.New(), make([]byte, sha256.Size)
	sum.Write(start)
	if _, err := io.CopyN(sum, from, end-int64(len(head))); err != nil {
		return 0, err
	}
	if _, err := io.ReadFull(from, want); err != nil {
		return 0, err
	}
	if !bytes.Equal(sum.Sum(nil), want) {
		return 0, ErrDamaged
	}
	return end, nil
}
