package sim

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"coldstation/rfid/crc16"
)

// askTWN4 sends a message and returns the answering one, in hexadecimal.
func askTWN4(r *TWN4, message string) string {
	m, _ := hex.DecodeString(strings.ReplaceAll(message, " ", ""))
	if r.CRC {
		crc := crc16.MCRF4XX(m)
		m = append(m, byte(crc), byte(crc>>8))
	}
	b := fmt.Appendf(nil, "%X\r", m)
	if r.Binary {
		b = append([]byte{byte(len(m)), byte(len(m) >> 8)}, m...)
	}
	if n := r.Frame(b); n != len(b) {
		return fmt.Sprintf("length %d of %d", n, len(b))
	}
	a, _ := r.Answer(nil, b, Moment{})
	if len(a) == 0 {
		return "silence"
	}
	if r.Binary {
		if int(a[0])+2 != len(a) {
			return "bad length"
		}
		a = fmt.Appendf(nil, "%X\r", a[2:])
	}
	text := strings.TrimSuffix(string(a), "\r")
	if r.CRC {
		all, _ := hex.DecodeString(text)
		if crc16.MCRF4XX(all) != 0 {
			return "bad check"
		}
		text = text[:len(text)-4]
	}
	return text
}

func TestTWN4Conversation(t *testing.T) {
	for _, v := range []struct{ binary, crc bool }{{false, false}, {false, true}, {true, false}, {true, true}} {
		r := NewTWN4(read(t, `{"cards": [{"name": "card", "uid": "A1B2C3D4", "key_a": "A0A1A2A3A4A5", "sector1": "61023132"}, {"name": "em", "uid": "14008EC793"}],
		  "items": [{"name": "book", "uid": "E004015012345678", "dsfid": "3E", "afi": "07", "memory": "11010131", "locked": [3], "on": true}]}`))
		r.Binary, r.CRC = v.binary, v.crc
		for _, c := range []struct{ name, put, request, want string }{
			{"version", "", "0004 FF", "00 1A" + fmt.Sprintf("%X", twnVersion)},
			{"version, cut", "", "0004 04", "00 04 54574E34"},
			{"USB type", "", "0005", "00 01"},
			{"unknown", "", "0099", "01"},
			{"unknown API", "", "7701", "01"},
			{"no function", "", "05", "02"},
			{"parameter missing", "", "0500", "02"},
			{"too many", "", "0500 10 10", "03"},
			{"item", "", "0500 10", "00 01 82 40 08 E004015012345678"},
			{"item, short ID", "", "0500 04", "00 01 82 40 04 E0040150"},
			{"system information", "", "0D01", "00 01 0F E004015012345678 3E 07 03 1B00 01"},
			{"read", "", "0D05 0000 20", "00 01 04 11010131"},
			{"read into too little", "", "0D05 0000 03", "00 00"},
			{"read past the end", "", "0D05 1C00 20", "00 00"},
			{"write", "", "0D07 0500 04 01020304", "00 01"},
			{"written", "", "0D05 0500 20", "00 01 04 01020304"},
			{"write, locked", "", "0D07 0300 04 01020304", "00 00"},
			{"write, wrong size", "", "0D07 0500 03 010203", "00 00"},
			{"write, data missing", "", "0D07 0500 04 010203", "02"},
			{"generic", "", "0D00 22 27 01 C2 20", "00 00"},
			{"generic, cut", "", "0D00 22 27 01 C2", "02"},
			{"tag types", "", "0503", "00 FFFFFFFF FFFFFFFF"},
			{"no ISO 15693", "", "0502 01000000 01000000", "00"},
			{"tag types now", "", "0503", "00 01000000 01000000"},
			{"none", "", "0500 10", "00 00"},
			{"nothing selected", "", "0D05 0000 20", "00 00"},
			{"card", "card", "0500 10", "00 01 80 20 04 A1B2C3D4"},
			{"ATQA", "", "1204", "00 01 0400"},
			{"SAK", "", "1205", "00 01 08"},
			{"card has no such blocks", "", "0D05 0000 20", "00 00"},
			{"not logged in", "", "0B01 04", "00 00"},
			{"log in", "", "0B00 A0A1A2A3A4A5 00 01", "00 01"},
			{"read sector", "", "0B01 04", "00 01 61023132 000000000000000000000000"},
			{"another sector", "", "0B01 08", "00 00"},
			{"wrong key", "", "0B00 010203040506 00 01", "00 00"},
			{"logged out", "", "0B01 04", "00 00"},
			{"field off", "", "0501", "00"},
			{"lamps", "", "0402 03", "00"},
			{"lamp is on", "", "0406 02", "00 01"},
			{"beep", "", "0407 55 D007 8000 8000", "00"},
			{"reset", "", "0001", "silence"},
			{"types again", "", "0503", "00 FFFFFFFF FFFFFFFF"},
		} {
			if c.put != "" {
				if err := r.table.Put(c.put); err != nil {
					t.Fatal(err)
				}
				_ = r.table.Lift("book")
			}
			got := askTWN4(r, c.request)
			if want := strings.ReplaceAll(c.want, " ", ""); got != want {
				t.Errorf("%+v, %s: got %s, want %s", v, c.name, got, want)
			}
		}
		_ = r.table.Lift("card")
		_ = r.table.Put("em")
		if got := askTWN4(r, "0500 10"); got != "0001402805"+"14008EC793" {
			t.Errorf("EM4102: got %s", got)
		}
	}
}

func TestTWN4Frames(t *testing.T) {
	ascii, binary := NewTWN4(NewTable()), NewTWN4(NewTable())
	binary.Binary, binary.CRC = true, true
	for _, c := range []struct {
		r       *TWN4
		b, want string
	}{
		{ascii, "0005\r", "0001\r"},
		{ascii, "\r0005\r", "0001\r"},
		{ascii, "00x5\r", "05\r"},
		{ascii, "005\r", "05\r"},
		{ascii, "0005", ""},
		{ascii, "\r", ""},
		{binary, "\x04\x00\x00\x05\x15\xA7", "\x04\x00\x00\x01\x31\xE1"},
		{binary, "\x04\x00\x00\x05\x15\xA8", "\x03\x00\x05\x2A\x8A"},
		{binary, "\x04\x00\x00\x05", ""},
	} {
		got := ""
		if n := c.r.Frame([]byte(c.b)); n > 0 {
			out, _ := c.r.Answer(nil, []byte(c.b)[:n], Moment{})
			got = string(out)
		}
		if got != c.want && !(c.want != "" && c.want[0] == 3 && len(got) == 5 && got[:3] == c.want[:3] && crc16.MCRF4XX([]byte(got[2:])) == 0) {
			t.Errorf("%q: got %q, want %q", c.b, got, c.want)
		}
	}
	if n := ascii.Frame(make([]byte, 3*twnLongest)); n != -1 {
		t.Errorf("no end: got %d, want to give up", n)
	}
	if n := binary.Frame([]byte("\r0005\r")); n != -1 {
		t.Errorf("too long: got %d, want to give up", n)
	}
}
