package sim

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/rfid/crc16"
)

const threeSLI = `{"items": [
  {"name": "a", "uid": "E00401003F3827A7", "on": true}, {"name": "b", "uid": "E00401003F382624", "on": true},
  {"name": "c", "uid": "E00401003F3825A4", "on": true}]}`

// A simulated reader with the same tags answers as the real one did, but for the
// sequence number, which the recording did not keep with its request.
func TestRL866AnswersAsRecorded(t *testing.T) {
	r := NewRL866(read(t, threeSLI))
	answered := 0
	for _, x := range exchanges(t, "../rl866/testdata/rl866.hex") {
		got, _ := r.Answer(nil, x[0], Moment{})
		if len(x[1]) == 0 {
			continue
		}
		answered++
		if len(got) < 6 || !bytes.Equal(got[4:len(got)-2], x[1][4:len(x[1])-2]) || got[3]&^rlSequence != x[1][3]&^rlSequence || got[2] != x[1][2] {
			t.Errorf("% X: got % X, want % X", x[0], got, x[1])
		}
	}
	if answered != 8 {
		t.Errorf("answers compared: got %d, want 8", answered)
	}
}

// sealRL866 is a request to any reader.
func sealRL866(pcb byte, hexadecimal string) []byte {
	info, _ := hex.DecodeString(strings.ReplaceAll(hexadecimal, " ", ""))
	b := append([]byte{0xFA, byte(len(info) + 5), 0xFF, pcb}, info...)
	return binary.LittleEndian.AppendUint16(b, crc16.MCRF4XX(b[1:]))
}

// askRL866 sends a block and returns all blocks of the answer, PCB and INF each.
func askRL866(r *RL866, pcb byte, info string) string {
	b := sealRL866(pcb, info)
	if n := r.Frame(b); n != len(b) {
		return fmt.Sprintf("length %d", n)
	}
	a, _ := r.Answer(nil, b, Moment{})
	var blocks []string
	for len(a) > 0 {
		n := int(a[1]) + 1
		if n > len(a) || a[0] != 0xFA || a[2] != 1 || crc16.MCRF4XX(a[1:n]) != 0 {
			return fmt.Sprintf("broken: % X", a)
		}
		blocks = append(blocks, fmt.Sprintf("%02X:%X", a[3], a[4:n-2]))
		a = a[n:]
	}
	return strings.Join(blocks, " ")
}

func TestRL866Conversation(t *testing.T) {
	const moomin, slix2, away = "78563412000104E0", "12CBB909080104E0", "99999999000104E0"
	r := NewRL866(read(t, library))
	seq := byte(0)
	for _, c := range []struct{ name, request, want string }{
		{"unknown command", "77", "77 0301"},
		{"configuration, no such block", "01 09 01", "01 2101"},
		{"configuration, last", "01 07 05", "01 0000 01 0000000006000000000000000000"},
		{"inventory", "31 00", "31 0000 00 0100 01 0E010109" + moomin + "00"},
		{"inventory goes on without more", "31 08", "31 0000 00 0000 00"},
		{"inventory, its antenna", "31 01 01 01", "31 0000 00 0100 01 0E010109" + moomin + "00"},
		{"inventory, another antenna", "31 01 02 02", "31 0000 00 0000 00"},
		{"inventory, ISO 15693", "31 02 01 01 00 00", "31 0000 00 0100 01 0E010109" + moomin + "00"},
		{"inventory, other air", "31 02 01 02 00 01 AA", "31 0000 00 0000 00"},
		{"inventory, stop trigger", "31 04 02 E8030000 0500", "31 0000 00 0100 01 0E010109" + moomin + "00"},
		{"inventory, cut trigger", "31 04 02 E803", "31 0501"},
		{"inventory, no flags", "31", "31 0501"},
		{"inventory, unknown flag", "31 40", "31 0501"},
		{"access without connection", "34 01 02 0A00", "34 1504"},
		{"connect", "32 00 01 01 09 01" + moomin, "32 0000 01"},
		{"connect again", "32 00 01 01 09 01" + moomin, "32 0000 01"},
		{"connect another, away", "32 00 01 01 09 01" + away, "32 0000 02"},
		{"connect and select, away", "32 00 01 01 09 02" + slix2, "32 2004"},
		{"connect without address", "32 00 01 01 01 00", "32 0000 03"},
		{"connect a card", "32 00 02 01 01 00", "32 2201"},
		{"connect, wrong length", "32 00 01 01 08 01" + moomin, "32 0501"},
		{"system information", "34 01 02 0A00", "34 0000 11 0A00 01 0F" + moomin + "3E 07 1B 03 01"},
		{"of the only tag", "34 03 02 0A00", "34 0000 11 0A00 01 0F" + moomin + "3E 07 1B 03 01"},
		{"away", "34 02 02 0A00", "34 0000 05 0A00 00 2004"},
		{"read", "34 01 07 0300 00 0000 0200", "34 0000 0D 0300 01 0200 11010131 30303030"},
		{"read with locks", "34 01 07 0300 01 0000 0200", "34 0000 0F 0300 01 0200 00 11010131 01 30303030"},
		{"read past the end", "34 01 07 0300 00 1A00 0001", "34 0000 0D 0300 01 0200 00000000 00000000"},
		{"read behind the end", "34 01 07 0300 00 1C00 0100", "34 0000 05 0300 00 1C04"},
		{"read none", "34 01 07 0300 00 0000 0000", "34 0000 05 0300 00 0501"},
		{"read, wrong length", "34 01 06 0300 00 0000 02", "34 0000 05 0300 00 0B00"},
		{"read one", "34 01 05 4F00 00 0000", "34 0000 07 4F00 01 11010131"},
		{"read one with lock", "34 01 05 4F00 01 0100", "34 0000 08 4F00 01 01 30303030"},
		{"write", "34 01 0A 0400 0200 0100 01020304", "34 0000 03 0400 01"},
		{"write one", "34 01 08 5000 0300 05060708", "34 0000 03 5000 01"},
		{"written", "34 01 07 0300 00 0200 0200", "34 0000 0D 0300 01 0200 01020304 05060708"},
		{"write to a locked block", "34 01 0A 0400 0100 0100 01020304", "34 0000 05 0400 00 1B04"},
		{"write behind the end", "34 01 0A 0400 1C00 0100 01020304", "34 0000 05 0400 00 1B04"},
		{"write too little", "34 01 0A 0400 0200 0200 01020304", "34 0000 05 0400 00 0B00"},
		{"write AFI", "34 01 03 0600 C2", "34 0000 03 0600 01"},
		{"two operations", "34 01 03 0600 07 02 0A00", "34 0000 03 0600 01 11 0A00 01 0F" + moomin + "3E 07 1B 03 01"},
		{"alarm off", "34 01 02 0F00", "34 0000 05 0F00 00 2004"},
		{"EAS on", "34 01 02 0C00", "34 0000 03 0C00 01"},
		{"alarm", "34 01 02 0F00", "34 0000 03 0F00 01"},
		{"EAS off", "34 01 02 0D00", "34 0000 03 0D00 01"},
		{"select", "34 01 02 0200", "34 0000 03 0200 01"},
		{"reset to ready", "34 01 02 0100", "34 0000 03 0100 01"},
		{"unknown operation", "34 01 02 9900", "34 0000 05 9900 00 0300"},
		{"operation cut", "34 01 05 0A00", "34 0501"},
		{"disconnect", "33 01", "33 0000"},
		{"disconnect again", "33 01", "33 1504"},
		{"disconnect all", "33 00", "33 0000"},
		{"gone", "34 02 02 0A00", "34 1504"},
	} {
		want := fmt.Sprintf("%02X:%s", seq, strings.ReplaceAll(c.want, " ", ""))
		if got := askRL866(r, seq, c.request); got != want {
			t.Errorf("%s: got %s, want %s", c.name, got, want)
		}
		seq ^= rlSequence
	}
}

func TestRL866InRounds(t *testing.T) {
	r := NewRL866(read(t, threeSLI))
	r.Buffer = 2
	got := askRL866(r, 0, "3100") + askRL866(r, rlSequence, "3108")
	want := "00:310000" + "010200" + "02" + "0E010109A727383F000104E000" + "0E0101092426383F000104E000" +
		"40:310000" + "000100" + "01" + "0E010109A425383F000104E000"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Blocks that go on, in both directions, and the reader that sends them one by one.
func TestRL866Chains(t *testing.T) {
	r := NewRL866(read(t, `{"items": [{"name": "slix2", "uid": "E004010809B9CB12", "on": true, "memory": "`+strings.Repeat("AB", 320)+`"}]}`))
	askRL866(r, 0, "32 00 01 0A 09 01 12CBB909080104E0")
	const request = "34 01 07 0300 00 0000 5000"
	head := "340000" + "8245" + "0300" + "01" + "5000"
	first, rest := head+strings.Repeat("AB", 250-len(head)/2), strings.Repeat("AB", 320-250+len(head)/2)
	if got, want := askRL866(r, rlSequence, request), "60:"+first+" 40:"+rest; got != want {
		t.Errorf("at once: got %s, want %s", got, want)
	}
	r.Polite = true
	if got, want := askRL866(r, rlSequence, request), "60:"+first; got != want {
		t.Errorf("first: got %s, want %s", got, want)
	}
	if got, want := askRL866(r, 0x80, ""), "40:"+rest; got != want {
		t.Errorf("second: got %s, want %s", got, want)
	}
	if got := askRL866(r, 0x90, ""); got != "" {
		t.Errorf("nothing left: got %s, want silence", got)
	}
	if got, want := askRL866(r, rlMore, "34 01 03"), "90:"; got != want {
		t.Errorf("half a request: got %s, want %s", got, want)
	}
	if got, want := askRL866(r, rlSequence, "0600 C2"), "40:3400000306"+"0001"; got != want {
		t.Errorf("the other half: got %s, want %s", got, want)
	}
}

func TestRL866Strict(t *testing.T) {
	r := NewRL866(read(t, library))
	r.Strict = true
	for i, c := range []struct {
		pcb           byte
		request, want string
	}{
		{0x40, "3300", "40:330401"},
		{0x00, "3300", "00:330000"},
		{0x00, "3300", "00:330000"}, // the same again: answered from memory
		{0x00, "3301", "00:330401"},
		{0x40, "3300", "40:330000"},
		{0xC0, "", "E0:"},
		{0x00, "3300", "00:330000"},
	} {
		if got := askRL866(r, c.pcb, c.request); got != c.want {
			t.Errorf("%d: %02X %s: got %s, want %s", i, c.pcb, c.request, got, c.want)
		}
	}
}

func TestRL866KeepsSilence(t *testing.T) {
	const resync, answer = "FA05FFC04239", "FA0501E058FE"
	for _, c := range []struct {
		name   string
		pieces []string
		want   int
	}{
		{"a request", []string{resync}, 1},
		{"in pieces", []string{"FA", "05FF", "C04239"}, 1},
		{"two at once", []string{resync + resync}, 2},
		{"to its own node", []string{fmt.Sprintf("%X", func() []byte {
			b := []byte{0xFA, 5, 1, 0xC0}
			return binary.LittleEndian.AppendUint16(b, crc16.MCRF4XX(b[1:]))
		}())}, 1},
		{"to another node", []string{fmt.Sprintf("%X", func() []byte {
			b := []byte{0xFA, 5, 2, 0xC0}
			return binary.LittleEndian.AppendUint16(b, crc16.MCRF4XX(b[1:]))
		}())}, 0},
		{"wrong check", []string{"FA05FFC04238"}, 0},
		{"after noise", []string{"0011", resync}, 1},
		{"length too small", []string{"FA04FFC042"}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			l, _ := NewLine("rl866", read(t, library))
			got := talk(t, l, time.Millisecond, c.pieces...)
			if n := bytes.Count(got, must(answer)); n != c.want || len(got) != 6*n {
				t.Errorf("%s: got % X, want %d answers", c.name, got, c.want)
			}
		})
	}
}
