package sim

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"
)

// askPN532 sends a command, after the bytes before it, and returns the answer
// after the ACK: its data, "silence", "error" or "waits".
func askPN532(p *PN532, before, command string) string {
	data, _ := hex.DecodeString(strings.ReplaceAll(command, " ", ""))
	b, _ := hex.DecodeString(strings.ReplaceAll(before, " ", ""))
	b = append(b, 0x00, 0x00, 0xFF, byte(len(data)+1), -byte(len(data)+1), 0xD4)
	total := byte(0xD4)
	for _, c := range data {
		total += c
	}
	b = append(append(b, data...), -total, 0x00)
	if n := p.Frame(b); n != len(b) {
		return fmt.Sprintf("length %d of %d", n, len(b))
	}
	a, _ := p.Answer(nil, b, Moment{})
	switch {
	case len(a) == 0:
		return "silence"
	case string(a) == string(pnACK):
		return "waits"
	case string(a) == string(pnACK)+string(pnError):
		return "error"
	}
	return pnData(a[len(pnACK):], data[0])
}

// pnData is the data of an answer to cmd.
func pnData(a []byte, cmd byte) string {
	total := byte(0)
	for _, c := range a[5 : len(a)-1] {
		total += c
	}
	if total != 0 || a[5] != 0xD5 || a[6] != cmd+1 || int(a[3])+7 != len(a) {
		return fmt.Sprintf("broken: % X", a)
	}
	return fmt.Sprintf("%X", a[7:len(a)-2])
}

func TestPN532Conversation(t *testing.T) {
	const wake = "5555 0000 0000 0000"
	p := NewPN532(read(t, `{"cards": [{"name": "a", "uid": "A1B2C3D4", "on": true, "sector1": "61023132", "key_a": "A0A1A2A3A4A5"},
	  {"name": "b", "uid": "04A1B2C3D4E5F6", "on": true}, {"name": "c", "uid": "08112233"}]}`))
	const a, b = "0004 08 04 A1B2C3D4", "0044 00 07 04A1B2C3D4E5F6"
	for _, c := range []struct{ name, before, command, want string }{
		{"SAMConfiguration", wake, "14 01 14 01", ""},
		{"SAMConfiguration as libnfc sends it", wake, "14 01", ""},
		{"SAMConfiguration, mode 5", "", "14 05", "error"},
		{"firmware", "", "02", "32010607"},
		{"echo", "", "00 00 6C69626E6663", "00 6C69626E6663"},
		{"ROM test", "", "00 01", "00"},
		{"test that does not exist", "", "00 09", "error"},
		{"status", "", "04", "00 00 00 00"},
		{"write a register", "", "08 63 02 80", ""},
		{"read registers", "", "06 63 02 63 03", "80 00"},
		{"half a register", "", "06 63 02 63", "error"},
		{"parameters", "", "12 14", ""},
		{"unknown command", "", "99", "error"},
		{"retries", "", "32 05 00 01 02", ""},
		{"retries, short", "", "32 05 00 01", "error"},
		{"item that does not exist", "", "32 09 00", "error"},
		{"one card", "", "4A 01 00", "01 01" + a},
		{"and again", "", "4A 01 00", "01 01" + a},
		{"halt it", "", "44 00", "00"},
		{"the other", "", "4A 01 00", "01 01" + b},
		{"halt it too", "", "44 01", "00"},
		{"none", "", "4A 02 00", "00"},
		{"no target 2", "", "44 02", "27"},
		{"field off", "", "32 01 00", ""},
		{"status, no field", "", "04", "00 00 00 00"},
		{"both", "", "4A 02 00", "02 01" + a + "02" + b},
		{"status, two targets", "", "04", "00 01 02 01 00 00 10 02 00 00 10 00"},
		{"the first was halted for the second", "", "4A 02 00", "01 01" + b},
		{"field off again", "", "32 01 00", ""},
		{"only this one", "", "4A 01 00 88 04A1B2 C3D4E5F6", "01 01" + b},
		{"only that one", "", "4A 01 00 A1B2C3D4", "01 01" + a},
		{"only a stranger", "", "4A 01 00 01020304", "00"},
		{"three cards", "", "4A 03 00", "error"},
		{"type B", "", "4A 01 03 00", "00"},
		{"FeliCa", "", "4A 01 01 00 FFFF 00 00", "00"},
		{"list it", "", "4A 01 00", "01 01" + a},
		{"read without a key", "", "40 01 30 04", "14"},
		{"key A", "", "40 01 60 04 A0A1A2A3A4A5 A1B2C3D4", "00"},
		{"read", "", "40 01 30 04", "00 61023132 000000000000000000000000"},
		{"another sector", "", "40 01 30 08", "14"},
		{"trailer, without key A", "", "40 01 30 07", "00 000000000000 FF078069 FFFFFFFFFFFF"},
		{"write", "", "40 01 A0 05 000102030405060708090A0B0C0D0E0F", "00"},
		{"written", "", "40 01 30 05", "00 000102030405060708090A0B0C0D0E0F"},
		{"block that does not exist", "", "40 01 30 40", "01"},
		{"wrong key", "", "40 01 60 04 010203040506 A1B2C3D4", "14"},
		{"has halted the card", "", "4A 01 00", "01 01" + b},
		{"no sectors", "", "40 01 60 04 FFFFFFFFFFFF D3D4E5F6", "01"},
		{"no such target", "", "40 02 30 04", "27"},
		{"raw", "", "42 50 00", "01"},
		{"release", "", "52 00", "00"},
		{"power down", "", "16 F0", "00"},
		{"asleep", "", "02", "silence"},
		{"power down again", "", "16 F0", "00"},
		{"woken by bytes before", wake, "02", "32010607"},
	} {
		if got, want := askPN532(p, c.before, c.command), strings.ReplaceAll(c.want, " ", ""); got != want {
			t.Errorf("%s: got %s, want %s", c.name, got, want)
		}
	}
}

func TestPN532Waits(t *testing.T) {
	p := NewPN532(read(t, `{"cards": [{"name": "a", "uid": "A1B2C3D4"}]}`))
	now := time.Now()
	speak := func(after time.Duration, cmd byte) string {
		a, _ := p.Speak(nil, now.Add(after))
		if len(a) == 0 {
			return "silence"
		}
		return pnData(a, cmd)
	}
	lie := func(on bool) { _ = p.table.Set("a", on) }
	for _, c := range []struct {
		name, command string
		cmd           byte
		steps         func() []string
		want          string
	}{
		{"list without end", "4A 01 00", 0x4A, func() []string {
			s := []string{speak(0, 0x4A), speak(time.Hour, 0x4A)}
			lie(true)
			return append(s, speak(0, 0x4A), speak(0, 0x4A))
		}, "silence silence 0101000408 04A1B2C3D4 silence"},
		{"poll, nobody comes", "60 02 02 10", 0x60, func() []string {
			lie(false)
			return []string{speak(0, 0x60), speak(700*time.Millisecond, 0x60)}
		}, "silence 00"},
		{"poll", "60 FF 01 20 10", 0x60, func() []string {
			s := []string{speak(time.Hour, 0x60)}
			lie(true)
			return append(s, speak(0, 0x60))
		}, "silence 0110090100040804A1B2C3D4"},
		{"broken off", "8C 00 " + strings.Repeat("00", 36), 0x8C, func() []string {
			s := []string{speak(time.Hour, 0x8C)}
			if out, _ := p.Answer(nil, pnACK, Moment{}); len(out) > 0 {
				s = append(s, "ACK answered")
			}
			return append(s, askPN532(p, "", "02"))
		}, "silence 32010607"},
	} {
		if got := askPN532(p, "", c.command); got != "waits" {
			t.Errorf("%s: got %s, want to wait", c.name, got)
		}
		if got := strings.Join(c.steps(), " "); strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(c.want, " ", "") {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	if got, _ := p.Answer(nil, []byte{0, 0, 0xFF, 0xFF, 0, 0}, Moment{}); pnData(got, 0x02) != "32010607" {
		t.Errorf("NACK: got % X, want the last answer", got)
	}
}

func TestPN532Frames(t *testing.T) {
	p := NewPN532(NewTable())
	for text, want := range map[string]int{
		"5555":                        2,
		"5555 00":                     2,
		"00":                          0,
		"0000FF02FE":                  0,
		"0000FF02FED4022A":            8, // the last zero may be missing
		"0000FF02FED4022A00":          9,
		"00FF02FED4022A000000FF00FF":  8,
		"0000FF00FF00":                6,
		"0000FFFF0000":                6,
		"0000FF02FFD4022A00":          5, // wrong LCS: passed over
		"0000FFFFFF0002FED4022A00":    12,
		"0000FFFFFF0002FFD4022A00":    8,
		"5555000000FF03FDD414011700 ": 13,
	} {
		b, _ := hex.DecodeString(strings.TrimSpace(strings.ReplaceAll(text, " ", "")))
		if got := p.Frame(b); got != want {
			t.Errorf("%s: got %d, want %d", text, got, want)
		}
	}
	for _, broken := range []string{"0000FF02FED4022B00", "0000FF02FED5022900", "0000FF01FFD42C00"} {
		b, _ := hex.DecodeString(broken)
		if out, _ := p.Answer(nil, b, Moment{}); len(out) > 0 {
			t.Errorf("%s: got % X, want silence", broken, out)
		}
	}
}

// Access bits of a sector decide what a key may do.
func TestClassicAccess(t *testing.T) {
	c := Chip{Name: "card"}
	trailer := func(bits string) {
		b, _ := hex.DecodeString("A0A1A2A3A4A5" + bits + "00B0B1B2B3B4B5")
		if err := c.setSector(1, append(make([]byte, 48), b...), nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	data := make([]byte, 16)
	keyB := []byte{0xB0, 0xB1, 0xB2, 0xB3, 0xB4, 0xB5}
	for _, x := range []struct {
		name, bits                           string
		opensB, readA, readB, writeA, writeB bool
	}{
		{"as delivered", "FF0780", false, true, true, true, true},
		{"A reads, B writes", "787788", true, true, true, false, true},
		{"read only, 010", "0F078F", true, true, true, false, false},
	} {
		trailer(x.bits)
		if got := c.opens(4, true, keyB); got != x.opensB {
			t.Errorf("%s: key B opens: got %v (access of the trailer %03b)", x.name, got, c.access(7))
		}
		if got := c.readCard(4, false) != nil; got != x.readA {
			t.Errorf("%s: A reads: got %v", x.name, got)
		}
		if got := c.readCard(4, true) != nil; got != x.readB {
			t.Errorf("%s: B reads: got %v", x.name, got)
		}
		if got := c.writeCard(4, false, data); got != x.writeA {
			t.Errorf("%s: A writes: got %v", x.name, got)
		}
		if got := c.writeCard(4, true, data); got != x.writeB {
			t.Errorf("%s: B writes: got %v", x.name, got)
		}
	}
}
