package rfidtest

import (
	"encoding/hex"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/sim"
)

// EAS is the contract of an rfid.Alarm: one that the settings allow to write the
// bit, and the same reader where they do not.
func EAS(t *testing.T, allowed, not Driver) {
	synctest.Test(t, func(t *testing.T) {
		table := Table(t, 1)
		uid := Item(1).UID
		alarm := Lay(t, allowed, table, nil).Reader.(rfid.Alarm)
		for _, on := range []bool{true, false, true, true} {
			if err := alarm.SetEAS(uid, on); err != nil {
				t.Error(err)
			}
			if c, _ := table.Chip(uid); c.EAS != on {
				t.Errorf("EAS: got %v, want %v", c.EAS, on)
			}
		}
		_ = table.Lift("item-1")
		if err := alarm.SetEAS(uid, false); !errors.Is(err, rfid.ErrNoTag) {
			t.Errorf("tag away: got %v, want %v", err, rfid.ErrNoTag)
		}
		forbidden := Lay(t, not, table, nil).Reader.(rfid.Alarm)
		if err := forbidden.SetEAS(uid, true); !errors.Is(err, rfid.ErrUnsupported) {
			t.Errorf("switched off: got %v, want %v", err, rfid.ErrUnsupported)
		}
	})
}

// probeLimit is the longest a probe may take: a person waits for all of them.
const probeLimit = 1500 * time.Millisecond

// Probe is the contract of a driver's probe: it says want of its own reader, and
// nothing good, soon, of other protocols' and of a line on which nobody is.
func Probe(t *testing.T, d Driver, probe func(rfid.Port) (string, error), want string, others ...string) {
	synctest.Test(t, func(t *testing.T) {
		ask := func(name string, line *sim.Line) (string, error) {
			host, far := sim.Pipe()
			served := make(chan struct{})
			go func() {
				if line != nil {
					line.Serve(far)
				}
				close(served)
			}()
			start := time.Now()
			got, err := probe(host)
			if took := time.Since(start); took > probeLimit {
				t.Errorf("%s: got %q, %v after %v, want it within %v", name, got, err, took, probeLimit)
			}
			host.Close()
			<-served
			return got, err
		}
		for _, protocol := range append([]string{d.Protocol}, others...) {
			line, err := sim.NewLine(protocol, sim.NewTable())
			if err != nil {
				t.Fatal(err)
			}
			own := protocol == d.Protocol
			if own && d.Tune != nil {
				d.Tune(line.Device)
			}
			got, err := ask(protocol, line)
			if own && (err != nil || got != want) || !own && err == nil {
				t.Errorf("%s: got %q, %v, want %q of a %s only", protocol, got, err, want, d.Protocol)
			}
		}
		if got, err := ask("nobody", nil); !errors.Is(err, rfid.ErrTimeout) {
			t.Errorf("nobody there: got %q, %v, want %v", got, err, rfid.ErrTimeout)
		}
	})
}

// Hex is bytes as hexadecimal text, with spaces.
func Hex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Recordings are the exchanges of all files in testdata, of which there must be
// as many.
func Recordings(t testing.TB, files int) (list []Exchange) {
	t.Helper()
	paths, _ := filepath.Glob("testdata/*.hex")
	if len(paths) != files {
		t.Fatalf("recordings: got %v, want %d", paths, files)
	}
	for _, path := range paths {
		part, err := Load(path)
		if err != nil || len(part) == 0 {
			t.Fatalf("%s: %d exchanges, %v", path, len(part), err)
		}
		list = append(list, part...)
	}
	return list
}
