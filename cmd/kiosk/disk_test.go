package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"coldstation/kiosk/flow"
	"coldstation/sync/circ"
)

// smallDisk gives a station's data a disk of its own, of a few megabytes.
func (th *theatre) smallDisk(id string) string {
	th.Helper()
	dir := filepath.Join(th.Dir, id)
	th.must(os.Mkdir(dir, 0o700))
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=24m", "coldstation-test", dir).CombinedOutput()
	if err != nil {
		th.Skipf("this machine lets nobody mount a disk in memory, and no package brings that: %s", out)
	}
	th.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			th.Error(err)
		}
	})
	return dir
}

// fill writes to a disk until nothing more fits.
func fill(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	block := make([]byte, 1<<12)
	for {
		if _, err := file.Write(block); errors.Is(err, syscall.ENOSPC) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// TestDiskFull: the disk is full, and no room was held back. The person is asked
// kindly to keep the book and tell the staff; nothing is claimed that did not happen,
// neither on the screen, nor to the gate, nor to the library. With room again, the
// same book is lent.
func TestDiskFull(t *testing.T) {
	th := open(t)
	disk := th.smallDisk("maple-house")
	k, err := th.Kiosk(th.ctx, "maple-house", th.screen.Env(), "--window", "1280x800", "--languages", "en,fi", "--reserve-mb", "0")
	th.must(err)
	ballast := filepath.Join(disk, "ballast")
	th.must(fill(ballast))

	th.must(k.Pad.Put("gunnar", "sinuhe"))
	th.logged(k, 1, "nothing was recorded")
	if shot := os.Getenv("SCREENSHOT"); shot != "" {
		th.must(th.screen.Save(th.ctx, shot))
	}
	th.afi(k, "sinuhe", "07")
	th.loans()
	if err := k.Logged("kind=CheckedOut"); err == nil {
		t.Error("a loan was recorded, on a full disk")
	}
	th.must(errors.Join(k.Alive(), k.Pad.Lift("gunnar", "sinuhe")))
	th.must(os.Remove(ballast))

	// "I am finished". The station then opens its ledger anew by itself.
	m := newMirror(func(*flow.Rules) {})
	m.full = true
	kept := m.send(flow.CardSeen{Token: "card", Ref: circ.Ref{1}, Known: true, Patron: circ.Patron{FirstName: "Gunnar"}},
		book("999N00001003", "Sinuhe egyptiläinen"), flow.Lifted{Token: "card"}, flow.Lifted{Token: "999N00001003"})
	th.touch(kept, english(flow.Finish), func() error { return k.Logged("visit over") })
	// Of what it was writing when the disk was full, all may be there or nothing: either
	// way the book, put down once more, is on loan.
	th.logged(k, 2, "kind=Started")
	th.must(k.Pad.Put("gunnar", "sinuhe"))
	th.loans("999N00001003")
	th.afi(k, "sinuhe", "C2")
}
