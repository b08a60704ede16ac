package sim

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"coldstation/rfid/crc16"
)

// Requests as they go through the air, with their checks, to an ICODE SLI that
// holds 00, 01, 02 … in its memory, one after the other. The checks were computed
// with a routine that five answers of ST's data sheets confirm.
func TestAir(t *testing.T) {
	memory := make([]byte, 112)
	for i := range memory {
		memory[i] = byte(i)
	}
	table := read(t, `{"items": [{"name": "sli", "uid": "E004010012345678", "dsfid": "3E", "afi": "07", "locked": [7], "on": true,
	  "memory": "`+hex.EncodeToString(memory)+`"}]}`)
	const uid = "78 56 34 12 00 01 04 E0"
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(strings.ReplaceAll(strings.ReplaceAll(s, "UID", uid), " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, c := range []struct{ name, request, answer string }{ // the request with its check
		{"stay quiet", "22 02 UID B8 2C", ""},
		{"read single 0", "22 20 UID 00 6C 3D", "00 00010203"},
		{"read multiple 0 to 7", "22 23 UID 00 07 23 D3", "00 " + hex.EncodeToString(memory[:32])},
		{"write single 5", "22 21 UID 05 01 02 03 04 2E 16", "00"},
		{"AFI C2", "22 27 UID C2 87 1C", "00"},
		{"system information", "22 2B UID B6 E9", "00 0F UID 3E C2 1B 03 01"},
		{"AFI 07", "22 27 UID 07 26 8D", "00"},
		{"set EAS", "22 A2 04 UID 55 0F", "00"},
		{"EAS alarm", "22 A5 04 UID A0 CB", "00 2FB36270D5A7907FE8B18038D281497682DA9A866FAF8BB0F19CD112A57237EF"},
		{"reset EAS", "22 A3 04 UID 72 23", "00"},
		{"EAS alarm when it is off", "22 A5 04 UID A0 CB", ""},
		{"lock AFI", "22 28 UID B1 3F", "00"},
		{"AFI C2, locked", "22 27 UID C2 87 1C", "01 12"},
		{"lock AFI again", "22 28 UID B1 3F", "01 11"},
	} {
		b := unhex(c.request)
		body := b[:len(b)-2]
		if sum := crc16.X25(body); b[len(b)-2] != byte(sum) || b[len(b)-1] != byte(sum>>8) {
			t.Errorf("%s: check: got %02X %02X, want % X", c.name, byte(sum), byte(sum>>8), b[len(b)-2:])
		}
		if got, _ := air(table, body); !bytes.Equal(got, unhex(c.answer)) {
			t.Errorf("%s: got % X, want % X", c.name, got, unhex(c.answer))
		}
	}
	for _, c := range []struct{ name, request, answer string }{
		{"write a locked block", "22 21 UID 07 01 02 03 04", "01 12"},
		{"read past the end", "22 23 UID 1A 07", "01 10"},
		{"read with security", "62 20 UID 07", "00 01 1C1D1E1F"},
		{"no such command", "22 3F UID", ""},
		{"another chip", "22 2B 79 56 34 12 00 01 04 E0", ""},
		{"too short", "22 2B 78", ""},
	} {
		if got, _ := air(table, unhex(c.request)); !bytes.Equal(got, unhex(c.answer)) {
			t.Errorf("%s: got % X, want % X", c.name, got, unhex(c.answer))
		}
	}
}
