package sim

import (
	"strings"
	"testing"
	"time"
)

// Item "annex" carries the label of Annex B.1 of the Danish data model.
const shown = `{"cards": [{"name": "anna", "uid": "A1B2C3D4"}, {"name": "ella", "uid": "04112233445566", "barcode": "21234000010066"}],
  "items": [{"name": "annex", "uid": "E004015000000001", "memory": "11010131303030303030303536000000000000` + `98A4444B373138353030"},
            {"name": "paper", "uid": "E004015000000002", "barcode": "167N01010101"},
            {"name": "isbn", "uid": "E004015000000003", "barcode": "9780306406157"},
            {"name": "blank", "uid": "E004015000000004"}]}`

func TestScannerSpeaks(t *testing.T) {
	for _, c := range []struct{ choices, put, want string }{
		{"", "annex", "1000000056\r"},
		{"", "paper", "167N01010101\r"},
		{"", "anna", "A1B2C3D4\r"},
		{"", "ella", "21234000010066\r"},
		{"", "blank", ""},
		{"lf", "annex", "1000000056\n"},
		{"crlf", "annex", "1000000056\r\n"},
		{"tab", "annex", "1000000056\t"},
		{"none", "annex", "1000000056"},
		{"stx,none", "annex", "\x021000000056\x03"},
		{"stx", "annex", "\x021000000056\x03\r"},
		{"aim", "annex", "]C01000000056\r"},
		{"aim", "isbn", "]E09780306406157\r"},
		{"aim,codabar", "ella", "]F0A21234000010066B\r"},
		{"codabar", "ella", "A21234000010066B\r"},
		{"codabar", "paper", "167N01010101\r"},
		{"codabar,aim", "anna", "A1B2C3D4\r"}, // typed by an RFID reader: no barcode
		{"uid", "ella", "04112233445566\r"},
		{"uid", "annex", "E004015000000001\r"},
		{"uid", "blank", "E004015000000004\r"},
		{"uid,lower", "anna", "a1b2c3d4\r"},
		{"uid,reversed", "anna", "D4C3B2A1\r"},
		{"uid,decimal", "anna", "2712847316\r"},
		{"uid,reversed-decimal,crlf", "anna", "3569595041\r\n"},
		{"trigger", "annex", ""},
	} {
		table := read(t, shown)
		s, now := NewScanner(table), time.Now()
		if err := (&Line{Device: s}).Choose(strings.FieldsFunc(c.choices, func(r rune) bool { return r == ',' })...); err != nil {
			t.Fatal(err)
		}
		for round := range 2 { // shown again, it is read again
			_ = table.Put(c.put)
			got, next := s.Speak(nil, now)
			if string(got) != c.want || !next.After(now) {
				t.Errorf("%s of %s, %d: got %q, next in %v, want %q", c.choices, c.put, round, got, next.Sub(now), c.want)
			}
			if got, next = s.Speak(nil, next); len(got) > 0 {
				t.Errorf("%s of %s: got %q too", c.choices, c.put, got)
			}
			now = next
		}
	}
}

func TestChoices(t *testing.T) {
	for _, name := range Names() {
		line, err := NewLine(name, NewTable())
		if err != nil {
			t.Fatal(err)
		}
		if err := line.Choose(Choices(name)...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := line.Choose("loud"); err == nil || !strings.Contains(err.Error(), `"loud"`) {
			t.Errorf("%s: a choice that is none: got %v", name, err)
		}
	}
	line, _ := NewLine("twn4", NewTable())
	if err := line.Choose("binary", "crc"); err != nil {
		t.Fatal(err)
	}
	request := []byte{0x05, 0x00, 0x00, 0x04, 0xFF, 0x00, 0x00} // with a wrong check
	if r := line.Device.(*TWN4); !r.Binary || !r.CRC || r.Frame(request) != len(request) {
		t.Errorf("binary with CRC: got %+v", r)
	}
}

// Two things shown at once are two lines, with the pause of a hand between them.
func TestScannerTakesTurns(t *testing.T) {
	table := read(t, shown)
	s, now := NewScanner(table), time.Now()
	_, _ = table.Put("isbn"), table.Put("paper")
	first, next := s.Speak(nil, now)
	again, _ := s.Speak(nil, now.Add(scanPeriod))
	second, _ := s.Speak(nil, next)
	if string(first) != "167N01010101\r" || len(again) > 0 || string(second) != "9780306406157\r" {
		t.Errorf("got %q, %q, %q", first, again, second)
	}
}

func TestScannerTrigger(t *testing.T) {
	table := read(t, shown)
	s, now := NewScanner(table), time.Now()
	_ = s.Choose("trigger")
	_ = table.Put("paper")
	for _, c := range []struct{ send, want string }{
		{"", ""}, {"\x16T\r", "167N01010101\r"}, {"", ""}, // one code to a trigger
		{"\x16T\r\x16U\r", ""}, {"\x16X\r", ""}, {"T\r", ""}, {"\x16\x16T\r", "167N01010101\r"},
	} {
		_ = table.Put("paper")
		for b := []byte(c.send); len(b) > 0; {
			n := s.Frame(b)
			if n <= 0 {
				t.Fatalf("%q: got length %d", b, n)
			}
			if out, _ := s.Answer(nil, b[:n], Moment{}); len(out) > 0 {
				t.Errorf("%q: got answer %q", b, out)
			}
			b = b[n:]
		}
		now = now.Add(time.Second)
		if got, _ := s.Speak(nil, now); string(got) != c.want {
			t.Errorf("after %q: got %q, want %q", c.send, got, c.want)
		}
	}
	if n := s.Frame([]byte{0x16}); n != 0 {
		t.Errorf("half a command: got length %d, want to wait", n)
	}
}
