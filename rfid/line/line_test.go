package line

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"coldstation/rfid"
)

// heard is what a scanner's bytes are read as; "|" is half a second of silence.
func heard(t *testing.T, o Options, sent string) (lines []string) {
	t.Helper()
	host, far := net.Pipe()
	r := New(host, o)
	defer r.Close()
	go func() {
		for i, part := range strings.Split(sent, "|") {
			if i > 0 {
				time.Sleep(500 * time.Millisecond)
			}
			_, _ = far.Write([]byte(part))
		}
		time.Sleep(time.Second)
		far.Close()
	}()
	for {
		text, err := r.Scan()
		if err != nil {
			if !errors.Is(err, rfid.ErrGone) {
				t.Errorf("%q: ended with %v", sent, err)
			}
			return lines
		}
		lines = append(lines, text)
	}
}

func TestLines(t *testing.T) {
	long := strings.Repeat("7", 257)
	for _, c := range []struct {
		name, sent string
		want       []string
		opts       Options
	}{
		{"CR", "1620154429\r", []string{"1620154429"}, Options{}},
		{"LF", "1620154429\n", []string{"1620154429"}, Options{}},
		{"CR LF is one end", "167N01010101\r\n167N01010102\r\n", []string{"167N01010101", "167N01010102"}, Options{}},
		{"tab", "123\t456\t", []string{"123", "456"}, Options{}},
		{"no suffix", "123|456|", []string{"123", "456"}, Options{}},
		{"no suffix, at the end", "123", []string{"123"}, Options{}},
		{"pieces", "12|34\r", []string{"1234"}, Options{Flush: -1}},
		{"pause inside a line", "12|34\r", []string{"1234"}, Options{Flush: time.Second}},
		{"STX and ETX", "\x02123\x03\x02456\x03", []string{"123", "456"}, Options{}},
		{"STX, CR LF, ETX", "\x02123\r\n\x03", []string{"123"}, Options{}},
		{"STX alone", "\x02123\x02456|", []string{"123", "456"}, Options{}},
		{"empty lines", "\r\n\r\n \r\n", nil, Options{}},
		{"outer spaces", "  123 \r", []string{"123"}, Options{}},
		{"NUL spoils its line only", "12\x0034\r567\r", []string{"567"}, Options{}},
		{"NUL, then silence", "12\x0034|567\r", []string{"567"}, Options{}},
		{"control character", "12\x1b34\r567\r", []string{"567"}, Options{}},
		{"GS1 separator", "0112\x1d21\r", []string{"0112\x1d21"}, Options{}},
		{"wrong speed", "\xfe\x80\xc3\r567\r", []string{"567"}, Options{}},
		{"UTF-8", "Äiti\r", []string{"Äiti"}, Options{}},
		{"too long", long + "\r567\r", []string{"567"}, Options{}},
		{"just long enough", long[1:] + "\r", []string{long[1:]}, Options{}},
		{"AIM", "]C11620154429\r]E09789510\r", []string{"1620154429", "9789510"}, Options{AIM: true}},
		{"AIM, not configured", "]C1123\r", []string{"]C1123"}, Options{}},
		{"AIM and no text", "]C1\r", []string{"]C1"}, Options{AIM: true}},
		{"not AIM", "]12345\r", []string{"]12345"}, Options{AIM: true}},
		{"Codabar", "A30234000517861B\ra123d\r", []string{"30234000517861", "123"}, Options{Codabar: true}},
		{"Codabar, one end", "A30234000517861\r30234000517861B\r", []string{"A30234000517861", "30234000517861B"}, Options{Codabar: true}},
		{"Codabar, letters inside", "AB12CD\r", []string{"AB12CD"}, Options{Codabar: true}},
		{"Codabar, not configured", "A123B\r", []string{"A123B"}, Options{}},
		{"Codabar by AIM", "]F0A123B\r]A0A123B\r", []string{"123", "A123B"}, Options{AIM: true, Codabar: true}},
		{"a UID", "E004010012345678\r", []string{"E004010012345678"}, Options{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := heard(t, c.opts, c.sent); !slices.Equal(got, c.want) {
					t.Errorf("%q: got %q, want %q", c.sent, got, c.want)
				}
			})
		})
	}
}

// A line without suffix is there as soon as the silence is long enough.
func TestFlushTakesNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, far := net.Pipe()
		r := New(host, Options{})
		defer r.Close()
		go func() { _, _ = far.Write([]byte("123")) }()
		start := time.Now()
		if got, err := r.Scan(); got != "123" || err != nil || time.Since(start) != 100*time.Millisecond {
			t.Errorf("got %q, %v after %v", got, err, time.Since(start))
		}
	})
}

func TestCloseEndsScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, _ := net.Pipe()
		r := New(host, Options{})
		failed := make(chan error)
		go func() { _, err := r.Scan(); failed <- err }()
		synctest.Wait()
		r.Close()
		if err := <-failed; !errors.Is(err, rfid.ErrClosed) {
			t.Errorf("got %v, want %v", err, rfid.ErrClosed)
		}
	})
}

func TestTrigger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, far := net.Pipe()
		r := New(host, Options{TriggerOn: TriggerOn, TriggerOff: TriggerOff})
		defer r.Close()
		go func() { _ = r.Trigger(true); _ = r.Trigger(false) }()
		got := make([]byte, 6)
		if _, err := io.ReadFull(far, got); err != nil || string(got) != "\x16T\r\x16U\r" {
			t.Errorf("got % X, %v", got, err)
		}
		if err := New(host, Options{}).Trigger(true); !errors.Is(err, rfid.ErrUnsupported) {
			t.Errorf("no command: got %v, want %v", err, rfid.ErrUnsupported)
		}
	})
}

// unplugged is a port that is lost in the middle of a line.
type unplugged struct {
	rfid.Port
	parts []string
}

func (u *unplugged) SetReadDeadline(time.Time) error { return nil }
func (u *unplugged) Read(p []byte) (int, error) {
	part := u.parts[0]
	u.parts = u.parts[1:]
	if part == "" {
		return 0, os.ErrDeadlineExceeded
	}
	if part == "!" {
		return 0, rfid.ErrGone
	}
	return copy(p, part), nil
}

func TestUnpluggedInTheMiddle(t *testing.T) {
	r := New(&unplugged{parts: []string{"123", "!", "456\r"}}, Options{})
	if _, err := r.Scan(); rfid.Cure(err) != rfid.Reattach {
		t.Errorf("got %v, want %v", err, rfid.ErrGone)
	}
	if got, err := r.Scan(); got != "456" || err != nil {
		t.Errorf("plugged in again: got %q, %v, want 456 and nothing of before", got, err)
	}
}

// Whatever comes, lines are whole, short and printable, and noise before a line
// end never changes the next line.
func FuzzCutter(f *testing.F) {
	for _, s := range []string{"1620154429\r\n", "\x02123\x03", "]C1A123B\r", "\x00\xff\r", strings.Repeat("x", 300)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o := Options{AIM: true, Codabar: true}
		c := cutter{longest: 40}
		check := func(text string) {
			if text == "" || len(text) > 40 || !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\r\n\x02\x03") {
				t.Errorf("%q: got line %q", b, text)
			}
			if o.strip(text) == "" {
				t.Errorf("%q: nothing left of %q", b, text)
			}
		}
		for _, x := range b {
			if text, ok := c.step(x); ok {
				check(text)
			}
		}
		if text, ok := c.end(); ok {
			check(text)
		}
		for _, x := range []byte("123") {
			c.step(x)
		}
		if text, ok := c.step('\r'); !ok || text != "123" {
			t.Errorf("%q, then 123: got %q, %v", b, text, ok)
		}
	})
}
