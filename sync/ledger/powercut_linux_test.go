package ledger

import (
	"bufio"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"unsafe"
)

// shutdown is EXT4_IOC_SHUTDOWN, and noLogFlush its flag by which not even the file
// system's own journal reaches the disk any more (Linux, fs/ext4/ext4.h).
const (
	shutdown   = 0x8004587D
	noLogFlush = 2
)

// TestPowerCutExt4 has the kernel cut a real file system off from its disk while a
// process appends, CUTS times (10): what it said to be recorded is there. It needs
// root and a loop device; where the machine has none it says so and has shown
// nothing, which TestPowerCut does anywhere.
func TestPowerCutExt4(t *testing.T) {
	if os.Getuid() != 0 {
		t.Log("only root mounts a disk of its own, so nothing was cut here")
		return
	}
	dir := t.TempDir()
	disk, place := filepath.Join(dir, "disk"), filepath.Join(dir, "mounted")
	if err := errors.Join(os.WriteFile(disk, nil, 0o600), os.Truncate(disk, 1<<30), os.Mkdir(place, 0o700)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", disk).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	mount := func() error {
		out, err := exec.Command("mount", "-o", "loop", disk, place).CombinedOutput()
		if err != nil {
			return errors.Join(err, errors.New(string(out)))
		}
		return nil
	}
	unmount := func() {
		t.Helper()
		if out, err := exec.Command("umount", place).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if err := mount(); err != nil {
		t.Logf("this machine mounts no images, so nothing was cut here: %v", err)
		return
	}
	mounted := true
	t.Cleanup(func() {
		if mounted {
			_ = exec.Command("umount", place).Run()
		}
	})
	rounds := 10
	if n, err := strconv.Atoi(os.Getenv("CUTS")); err == nil {
		rounds = n
	}
	path := filepath.Join(place, "ledger")
	var all uint64
	for round := range rounds {
		self := exec.Command(os.Args[0])
		self.Env = append(os.Environ(), "LEDGER_TO_KILL="+path)
		out, err := self.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := self.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		var said uint64 // before the cut: what is said after it is not to be believed
		for range 2 + rand.IntN(40) {
			if !lines.Scan() {
				t.Fatalf("round %d: it ended by itself", round)
			}
			if said, err = strconv.ParseUint(lines.Text(), 10, 64); err != nil {
				t.Fatal(err)
			}
		}
		root, err := os.Open(place)
		if err != nil {
			t.Fatal(err)
		}
		flag := uint32(noLogFlush)
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, root.Fd(), shutdown, uintptr(unsafe.Pointer(&flag)))
		_ = root.Close()
		_ = self.Process.Kill()
		for lines.Scan() {
		}
		_ = self.Wait()
		if errno != 0 {
			t.Logf("this machine does not cut a file system off, so nothing was cut here: %v", errno)
			return
		}
		unmount()
		mounted = false
		if err := mount(); err != nil {
			t.Fatal(err)
		}
		mounted = true
		l, err := Open(path, killed)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		r, err := l.Verify()
		if err = errors.Join(err, l.Close()); err != nil || r.Last < said || r.Last%2 != 0 || l.Mended() != "" {
			t.Fatalf("round %d: %v; %d was said to be recorded, the newest is %d, mended %q", round, err, said, r.Last, l.Mended())
		}
		all = r.Last
	}
	t.Logf("%d events recorded through %d cuts", all, rounds)
}
