package sim

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// nfc is a table of cards on a simulated PN532 behind a pseudo-terminal.
type nfc struct {
	*Table
	path string
	chip *watchedPN532
}

// watchedPN532 lifts all cards after some requests that found one there.
type watchedPN532 struct {
	*PN532
	patience atomic.Int64 // 0: for ever
}

func (w *watchedPN532) Answer(dst, request []byte, m Moment) ([]byte, time.Duration) {
	if len(w.targets) > 0 && w.patience.Load() > 0 && w.patience.Add(-1) == 0 {
		for _, c := range w.table.Chips() {
			_ = w.table.Lift(c.Name)
		}
	}
	return w.PN532.Answer(dst, request, m)
}

func newNFC(t *testing.T, table string) nfc {
	t.Helper()
	n := nfc{Table: read(t, table)}
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	n.path = fmt.Sprintf("/dev/pts/%d", number)
	master := os.NewFile(uintptr(fd), "/dev/ptmx")
	slave, err := os.OpenFile(n.path, os.O_RDWR|unix.O_NOCTTY, 0) // held open, so that a tool may come and go
	if err != nil {
		t.Fatal(err)
	}
	settings, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	settings.Iflag, settings.Oflag, settings.Lflag = 0, 0, 0
	if err := unix.IoctlSetTermios(int(slave.Fd()), unix.TCSETS, settings); err != nil {
		t.Fatal(err)
	}
	line, err := NewLine("pn532", n.Table)
	if err != nil {
		t.Fatal(err)
	}
	n.chip = &watchedPN532{PN532: line.Device.(*PN532)}
	line.Device = n.chip
	served := make(chan struct{})
	go func() { line.Serve(master); close(served) }()
	t.Cleanup(func() { slave.Close(); master.Close(); <-served })
	return n
}

// run runs one of libnfc's tools. They are in the Debian packages libnfc-bin and
// libnfc-examples; with REAL=1 they must be there.
func (n nfc) run(t *testing.T, tool string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		if os.Getenv("REAL") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, path, args...)
	c.Env = append(os.Environ(), "LIBNFC_DEVICE=pn532_uart:"+n.path)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", tool, err, out)
	}
	return string(out)
}

const nfcCards = `{"cards": [
  {"name": "plain", "uid": "A1B2C3D4"},
  {"name": "ultralight", "uid": "04A1B2C3D4E5F6"},
  {"name": "phone", "uid": "08112233"},
  {"name": "ten", "uid": "31323334353637383930"},
  {"name": "em4100", "uid": "0102030405"}]}`

// put lays exactly the named cards on the reader.
func (n nfc) put(t *testing.T, names string) {
	t.Helper()
	for _, c := range n.Chips() {
		if err := n.Set(c.Name, strings.Contains(names, c.Name)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNFCList(t *testing.T) {
	n := newNFC(t, nfcCards)
	for _, c := range []struct {
		lie  string
		want []string
	}{
		{"", nil},
		{"em4100", nil},
		{"plain", []string{"1 ISO14443A passive target(s) found", "ATQA (SENS_RES): 00  04", "UID (NFCID1): a1  b2  c3  d4", "SAK (SEL_RES): 08"}},
		{"ultralight", []string{"1 ISO14443A passive target(s) found", "ATQA (SENS_RES): 00  44", "UID (NFCID1): 04  a1  b2  c3  d4  e5  f6"}},
		{"phone", []string{"UID (NFCID3): 08  11  22  33", "SAK (SEL_RES): 20", "ATS: 78  80  70  02"}},
		{"ten", []string{"UID (NFCID1): 31  32  33  34  35  36  37  38  39  30"}},
		{"plain ultralight", []string{"2 ISO14443A passive target(s) found", "UID (NFCID1): a1  b2  c3  d4", "UID (NFCID1): 04  a1  b2  c3  d4  e5  f6"}},
		{"plain ultralight ten", []string{"3 ISO14443A passive target(s) found"}},
		{"", nil},
	} {
		n.put(t, c.lie)
		got := n.run(t, "nfc-list", "-v")
		if !strings.Contains(got, "device opened") || c.want == nil && !strings.Contains(got, "0 ISO14443A passive target(s) found") {
			t.Errorf("%q: got\n%s", c.lie, got)
		}
		for _, want := range c.want {
			if !strings.Contains(strings.Join(strings.Fields(got), " "), strings.Join(strings.Fields(want), " ")) {
				t.Errorf("%q: want %q, got\n%s", c.lie, want, got)
			}
		}
	}
}

func TestNFCPoll(t *testing.T) {
	n := newNFC(t, nfcCards)
	n.put(t, "plain")
	n.chip.patience.Store(5) // nfc-poll waits for the card to be removed again
	got := n.run(t, "nfc-poll", "-v")
	if !strings.Contains(got, "a1  b2  c3  d4") || !strings.Contains(got, "done") {
		t.Errorf("got\n%s", got)
	}
}

func TestNFCMifareClassic(t *testing.T) {
	n := newNFC(t, `{"cards": [{"name": "card", "uid": "A1B2C3D4", "on": true, "sector1": "61083230303030303031"}]}`)
	dump := filepath.Join(t.TempDir(), "card.mfd")
	out := n.run(t, "nfc-mfclassic", "r", "A", "u", dump)
	got, err := os.ReadFile(dump)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := n.Chips()[0].Card
	if len(got) != len(want) {
		t.Fatalf("dump: got %d bytes, want %d\n%s", len(got), len(want), out)
	}
	for block := range len(want) / 16 {
		g, w := got[block*16:block*16+16], want[block*16:block*16+16]
		if block%4 == 3 {
			g, w = g[:10], w[:10] // the tool puts in the keys it knows, A only
		}
		if !bytes.Equal(g, w) {
			t.Errorf("block %d: got % X, want % X", block, g, w)
		}
	}
	copy(got[2*64:], "from libnfc tool")
	if err := os.WriteFile(dump, got, 0o600); err != nil {
		t.Fatal(err)
	}
	out = n.run(t, "nfc-mfclassic", "w", "A", "u", dump, dump)
	if card := n.Chips()[0].Card; !bytes.HasPrefix(card[2*64:], []byte("from libnfc tool")) {
		t.Errorf("written: got % X\n%s", card[2*64:2*64+16], out)
	}
}
