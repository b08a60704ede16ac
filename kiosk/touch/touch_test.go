package touch

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// events are those of testdata/NAME.hex, one a line.
func events(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".hex"))
	if err != nil {
		t.Fatal(err)
	}
	var b []byte
	for line := range strings.Lines(string(text)) {
		words, _, _ := strings.Cut(line, "#")
		raw, err := hex.DecodeString(strings.Join(strings.Fields(words), ""))
		if err != nil {
			t.Fatalf("%s: %q: %v", name, line, err)
		}
		b = append(b, raw...)
	}
	return b
}

// heard are the frames in the events of a panel.
func heard(from io.Reader, want int) (all []Frame, err error) {
	var seen slots
	var raw [bytesOfEvent]byte
	for len(all) < want {
		if _, err := io.ReadFull(from, raw[:]); err != nil {
			return all, err
		}
		if f, whole := seen.take(readEvent(raw)); whole {
			f.At = 0
			all = append(all, f)
		}
	}
	return all, nil
}

// TestPass: from the bytes of a panel on which a palm lies to those of one finger.
func TestPass(t *testing.T) {
	var out bytes.Buffer
	r := Rules{Palm: 250, Still: 60, Rest: 700 * time.Millisecond, Long: 5 * time.Second}
	if err := pass(bytes.NewReader(events(t, "palm-and-tap")), &out, r); !errors.Is(err, io.EOF) {
		t.Errorf("ended with %v", err)
	}
	got, err := heard(&out, 10)
	if !errors.Is(err, io.EOF) {
		t.Errorf("read with %v", err)
	}
	want := []Frame{{Contacts: []Contact{{ID: 1, X: 1500, Y: 800}}}, {Contacts: []Contact{{ID: 1, X: 1510, Y: 804}}}, {}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("let through %+v, want %+v", got, want)
	}
}

// FuzzPass: whatever a panel says, what comes out is whole reports of one finger.
func FuzzPass(f *testing.F) {
	f.Add(events(f, "palm-and-tap"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var out bytes.Buffer
		_ = pass(bytes.NewReader(in), &out, Rules{Palm: 250, Still: 60, Rest: time.Second, Long: 5 * time.Second})
		if out.Len()%bytesOfEvent != 0 {
			t.Fatalf("%d bytes are no events", out.Len())
		}
		frames, err := heard(&out, 1<<20)
		if !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		for _, f := range frames {
			if len(f.Contacts) > 1 {
				t.Fatalf("two fingers: %+v", f)
			}
		}
	})
}

// TestDropped: what the kernel had no room for makes no tap.
func TestDropped(t *testing.T) {
	var s slots
	say := func(kind, code uint16, value int32) (Frame, bool) {
		return s.take(event{kind: kind, code: code, value: value})
	}
	say(evAbs, absID, 7)
	say(evAbs, absMTX, 100)
	if f, whole := say(evSyn, synReport, 0); !whole || !slices.Equal(f.Contacts, []Contact{{ID: 7, X: 100}}) || f.Lost {
		t.Errorf("at first %+v", f)
	}
	say(evSyn, synDropped, 0)
	say(evAbs, absMTX, 300)
	if f, whole := say(evSyn, synReport, 0); !whole || len(f.Contacts) > 0 || !f.Lost {
		t.Errorf("after a drop %+v", f)
	}
	say(evAbs, absID, 8)
	if f, _ := say(evSyn, synReport, 0); f.Lost || len(f.Contacts) != 1 {
		t.Errorf("at last %+v", f)
	}
}

// TestRules: sizes are in mm where the panel says what a millimetre is.
func TestRules(t *testing.T) {
	x, plain := axis{Max: 4095, Resolution: 12}, axis{Max: 4095}
	for _, c := range []struct {
		name           string
		x, major       axis
		palm, stillest int32
	}{
		{"in mm", x, axis{Max: 255}, 25 * 12, 6 * 12},
		{"its own", x, axis{Max: 255, Resolution: 2}, 25 * 2, 6 * 12},
		{"no sizes", x, axis{}, 0, 6 * 12},
		{"no millimetres", plain, axis{Max: 255}, 0, 81},
	} {
		if r := rules(c.x, plain, c.major); r.Palm != c.palm || r.Still != c.stillest {
			t.Errorf("%s: palm %d, still %d, want %d, %d", c.name, r.Palm, r.Still, c.palm, c.stillest)
		}
	}
}

// TestKernel: a panel of the kernel's is grabbed, and one finger comes through.
// Whether there is uinput is for the kernel and who runs it to say, not for setup.
func TestKernel(t *testing.T) {
	wide := axis{Max: 4095}
	made, hardware, err := prepare("Coldstation, for a test", wide, wide, 10)
	if err != nil {
		t.Skipf("no panel can be made here: %v", err)
	}
	defer hardware.Close()
	if err := unix.IoctlSetInt(made, create, 0); err != nil {
		t.Fatal(err)
	}
	device := named(t, "Coldstation, for a test")
	_, bystander, err := open(device, unix.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	defer bystander.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan struct{})
	go func() { Keep(ctx, device); close(ended) }()
	_, through, err := open(named(t, oneFinger), unix.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	defer through.Close()

	say := func(events ...event) {
		t.Helper()
		for _, e := range append(events, event{kind: evSyn, code: synReport}) {
			if _, err := hardware.Write(e.bytes()); err != nil {
				t.Fatal(err)
			}
		}
	}
	abs := func(code uint16, value int32) event { return event{kind: evAbs, code: code, value: value} }
	// Two fingers at once, of which the first taps; then another tap.
	say(abs(absSlot, 0), abs(absID, 1), abs(absMTX, 1000), abs(absMTY, 500), abs(absSlot, 1), abs(absID, 2), abs(absMTX, 3000), abs(absMTY, 900))
	say(abs(absSlot, 0), abs(absID, -1))
	say(abs(absSlot, 1), abs(absID, -1))
	say(abs(absSlot, 0), abs(absID, 3), abs(absMTX, 1200))
	say(abs(absID, -1))
	if err := through.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	got, err := heard(through, 4)
	want := []Frame{{Contacts: []Contact{{ID: 1, X: 1000, Y: 500}}}, {}, {Contacts: []Contact{{ID: 2, X: 1200, Y: 500}}}, {}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("let through %+v, %v, want %+v", got, err, want)
	}
	if err := bystander.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if frames, err := heard(bystander, 1); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a bystander heard %+v, %v", frames, err)
	}
	cancel()
	<-ended
}

// named waits for the device of a name.
func named(t *testing.T, name string) string {
	t.Helper()
	for start := time.Now(); time.Since(start) < 5*time.Second; time.Sleep(10 * time.Millisecond) {
		names, _ := filepath.Glob("/sys/class/input/event*/device/name")
		for _, file := range names {
			text, err := os.ReadFile(file)
			device := "/dev/input/" + filepath.Base(filepath.Dir(filepath.Dir(file)))
			if _, gone := os.Stat(device); err == nil && gone == nil && strings.TrimSpace(string(text)) == name {
				return device
			}
		}
	}
	t.Fatalf("no device %q", name)
	return ""
}
