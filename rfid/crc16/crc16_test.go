package crc16_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"coldstation/rfid/crc16"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCheckValues(t *testing.T) {
	for _, tt := range []struct {
		name string
		sum  func([]byte) uint16
		want uint16
	}{
		{"MCRF4XX", crc16.MCRF4XX, 0x6F91},
		{"X25", crc16.X25, 0x906E},
		{"GENIBUS", crc16.GENIBUS, 0xD64E},
		{"CCITTFalse", crc16.CCITTFalse, 0x29B1},
	} {
		if got := tt.sum([]byte("123456789")); got != tt.want {
			t.Errorf("%s of 123456789 = %04X, want %04X", tt.name, got, tt.want)
		}
	}
}

// Frames of each protocol, the check at the end in the order of the wire.
func TestFrames(t *testing.T) {
	low := func(c uint16) [2]byte { return [2]byte{byte(c), byte(c >> 8)} }
	high := func(c uint16) [2]byte { return [2]byte{byte(c >> 8), byte(c)} }
	for _, tt := range []struct {
		name, frame string
		sum         func([]byte) uint16
		order       func(uint16) [2]byte
	}{
		{"FEIG inventory", "07 FF B0 01 00 1C 56", crc16.MCRF4XX, low},
		{"FEIG RF reset", "05 FF 69 89 01", crc16.MCRF4XX, low},
		{"RL866 write AFI, LEN to INF", "0B FF 00 34 01 03 06 00 C2 CE DF", crc16.MCRF4XX, low},
		{"15693 inventory, one slot", "26 01 00 F6 0A", crc16.X25, low},
		{"15693 inventory, 16 slots", "06 01 00 CD 09", crc16.X25, low},
		{"15693 answer without error", "00 78 F0", crc16.X25, low},
		{"15693 EAS alarm of ICODE SLI", "00 2FB36270D5A7907FE8B18038D281497682DA9A866FAF8BB0F19CD112A57237EF 50 85", crc16.X25, low},
		{"15693 answer of a locked block", "01 12 0C 25", crc16.X25, low},
		{"3M version, LEN to data", "00 03 11 64 20", crc16.GENIBUS, high},
		{"3M write AFI, LEN to data", "00 0C 09 E004010012345678 C2 6F 0B", crc16.GENIBUS, high},
		{"Danish model's reference", hex.EncodeToString([]byte("RFID tag data model")) + "1AEE", crc16.CCITTFalse, high},
		{"Danish model, a block of zeros", strings.Repeat("00", 32) + "4CF1", crc16.CCITTFalse, low},
	} {
		b := unhex(t, tt.frame)
		body, want := b[:len(b)-2], [2]byte(b[len(b)-2:])
		if got := tt.order(tt.sum(body)); got != want {
			t.Errorf("%s: check = % X, want % X", tt.name, got, want)
		}
	}
}

func TestUpdateInPieces(t *testing.T) {
	b := []byte("123456789")
	for i := range b {
		if got, want := ^crc16.UpdateReflected(crc16.UpdateReflected(crc16.Init, b[:i]), b[i:]), crc16.X25(b); got != want {
			t.Errorf("X25 cut at %d = %04X, want %04X", i, got, want)
		}
		if got, want := crc16.Update(crc16.Update(crc16.Init, b[:i]), b[i:]), crc16.CCITTFalse(b); got != want {
			t.Errorf("CCITTFalse cut at %d = %04X, want %04X", i, got, want)
		}
	}
}

func TestResidue(t *testing.T) {
	b := unhex(t, "26 01 00 F6 0A")
	if got := crc16.UpdateReflected(crc16.Init, b); got != crc16.Residue {
		t.Errorf("register after a checked frame = %04X, want %04X", got, crc16.Residue)
	}
	b = unhex(t, "05 FF 69 89 01")
	if got := crc16.MCRF4XX(b); got != 0 {
		t.Errorf("MCRF4XX over a checked frame = %04X, want 0", got)
	}
}
