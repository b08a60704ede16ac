package sim

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/rfid/crc16"
)

// exchanges reads a driver's recording: pairs of a request and its answer.
func exchanges(t *testing.T, path string) (list [][2][]byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		b := must(strings.ReplaceAll(line[1:], " ", ""))
		if line[0] == '>' {
			list = append(list, [2][]byte{b})
		} else {
			list[len(list)-1][1] = b
		}
	}
	return list
}

// A simulated reader with the same tags answers as the real one did.
func TestM3AnswersAsRecorded(t *testing.T) {
	for path, tables := range map[string]string{
		"../m3/testdata/810.hex": `{"items": [
		  {"name": "item", "uid": "E004010031269117", "afi": "DA", "on": true, "memory": "0411000131333032303939393939"},
		  {"name": "card", "uid": "E00401001F77FB98", "afi": "DA", "on": true, "memory": "0411000032303030303030303030343200"}]}`,
		"../m3/testdata/portmon.hex": `{"items": [
		  {"name": "E00401003123AA26", "uid": "E00401003123AA26", "memory": "041100013132333435363738"},
		  {"name": "E0040100017C0C38", "uid": "E0040100017C0C38"}, {"name": "E00401003123AA28", "uid": "E00401003123AA28"}]}`,
		"../m3/testdata/spec.hex": `{"items": []}`,
	} {
		r := NewM3(read(t, tables))
		for _, x := range exchanges(t, path) {
			if strings.Contains(path, "portmon") {
				lie(r.table, x[0], x[1])
			}
			got, _ := r.Answer(nil, x[0], Moment{})
			if len(x[1]) > 0 && !bytes.Equal(got, x[1]) {
				t.Errorf("%s: % X: got % X, want % X", path, x[0], got, x[1])
			}
		}
	}
}

// lie puts on the pad the tags that the recording had on it: those an answer
// names, or the one a request names.
func lie(table *Table, request, answer []byte) {
	for _, c := range table.Chips() {
		uid := c.UID.Bytes()
		_ = table.Set(c.Name, bytes.Contains(answer, uid) || bytes.Contains(request, uid))
	}
}

// askM3 sends a command with its data and returns code and data of the answer.
func askM3(r *M3, hexadecimal string) string {
	body, _ := hex.DecodeString(strings.ReplaceAll(hexadecimal, " ", ""))
	b := append([]byte{0xD6, 0, byte(len(body) + 2)}, body...)
	b = binary.BigEndian.AppendUint16(b, crc16.GENIBUS(b[1:]))
	if n := r.Frame(b); n != len(b) {
		return fmt.Sprintf("length %d", n)
	}
	a, _ := r.Answer(nil, b, Moment{})
	switch {
	case len(a) == 0:
		return "silence"
	case crc16.GENIBUS(a[1:len(a)-2]) != binary.BigEndian.Uint16(a[len(a)-2:]):
		return "bad check"
	case int(a[2])+3 != len(a) || a[3] != body[0]:
		return "bad head"
	}
	return fmt.Sprintf("%X", a[4:len(a)-2])
}

func TestM3Conversation(t *testing.T) {
	const uid, slix2, away = "E004010012345678", "E004010809B9CB12", "E004010099999999"
	r := NewM3(read(t, library))
	for _, c := range []struct{ name, request, want string }{
		{"version", "11", "00 0A050002"},
		{"version, too long", "11 00", "32"},
		{"unknown command", "55", "02"},
		{"inventory, UIDs", "FE 00 05", "00 00 05 01" + uid},
		{"inventory, DSFIDs", "FE 00 07", "00 00 07 01 3E" + uid},
		{"inventory, count only", "FE 00 00", "00 00 00 01"},
		{"inventory, its AFI", "FE 07 05", "00 07 05 01" + uid},
		{"inventory, its family", "FE 00 25", "00 00 25 01" + uid},
		{"inventory, another AFI", "FE C2 05", "00 C2 05 00"},
		{"inventory, protocols", "FE 00 45 01", "00 00 45 01" + uid},
		{"inventory, protocols missing", "FE 00 45", "32"},
		{"inventory, cut", "FE 00", "32"},
		{"read, old form", "02" + uid + "00 02", "00" + uid + "02 00 00 11010131 01 01 30303030"},
		{"read, old form by option", "02" + uid + "00 01 00", "00" + uid + "01 00 00 11010131"},
		{"read, new form", "02" + uid + "00 02 04", "00" + uid + "00 02 00 11010131 01 30303030"},
		{"read, as Helsinki asks", "02" + uid + "00 01 05", "00" + uid + "00 01 00 11010131"},
		{"read, data only", "02" + uid + "01 01 0C", "00" + uid + "01 01 30303030"},
		{"read, option 08 alone", "02" + uid + "01 01 08", "31" + uid + "00"},
		{"read, past the end", "02" + uid + "1B 02", "11" + uid + "00"},
		{"read, none", "02" + uid + "00 00", "32" + uid + "00"},
		{"read, cut", "02" + uid + "00", "32" + uid},
		{"read, no UID", "02 E0 04", "32"},
		{"read, away", "02" + away + "00 02", "06" + away + "00"},
		{"read, beside the pad", "02" + slix2 + "00 02 04", "06" + slix2 + "00 00"},
		{"write", "04" + uid + "02 02 00 0102030405060708", "00" + uid + "04"},
		{"written", "02" + uid + "02 02 0C", "00" + uid + "02 02 0102030405060708"},
		{"write to a locked block", "04" + uid + "00 02 00 11010131 05060708", "12" + uid + "01"},
		{"write past the end", "04" + uid + "1B 02 00 0102030405060708", "11" + uid + "1C"},
		{"write, wrong length", "04" + uid + "02 02 00 01020304050607", "32" + uid},
		{"write, away", "04" + away + "02 01 00 01020304", "06" + away + "02"},
		{"write a block", "05" + uid + "05 AABBCCDD", "00" + uid},
		{"write and lock", "07" + uid + "06 AABBCCDD", "00" + uid},
		{"write a locked block", "05" + uid + "06 00000000", "12" + uid},
		{"lock it again", "08" + uid + "06", "12" + uid},
		{"lock another", "08" + uid + "05", "00" + uid},
		{"lock past the end", "08" + uid + "1C", "11" + uid},
		{"AFI", "0A" + uid, "00" + uid + "07"},
		{"write AFI", "09" + uid + "C2", "00" + uid},
		{"AFI now", "0A" + uid, "00" + uid + "C2"},
		{"AFI, away", "0A" + away, "06" + away},
		{"write AFI, no value", "09" + uid, "32" + uid},
		{"lock AFI", "06" + uid, "00" + uid},
		{"write locked AFI", "09" + uid + "07", "12" + uid},
		{"EAS is off", "03" + uid, "06" + uid},
		{"EAS on", "0C" + uid + "01", "00" + uid},
		{"EAS is on", "03" + uid, "00" + uid + "01"},
		{"EAS to 2", "0C" + uid + "02", "32" + uid},
		{"EAS off", "0C" + uid + "00", "00" + uid},
		{"DSFID", "0F" + uid, "00" + uid + "3E"},
		{"write DSFID", "0B" + uid + "06", "00" + uid},
		{"lock DSFID", "0E" + uid, "00" + uid},
		{"write locked DSFID", "0B" + uid + "3E", "12" + uid},
		{"tag information", "0D" + uid + "0F", "00" + uid + "0F 06 C2 031B 0001"},
		{"tag information, memory", "0D" + uid + "04", "00" + uid + "04 031B"},
		{"raw inventory of a block", "14 000B 0000 0000 2220 78563412000104E0 00", "00 00 0005 00 11010131"},
		{"raw with check", "14 000D 0000 0000 2220 78563412000104E0 00 6C3D", "00 00 0005 00 11010131"},
		{"raw, the tag refuses", "14 000B 0000 0000 2220 78563412000104E0 1C", "00 00 0002 01 10"},
		{"raw, silence", "14 000B 0000 0000 2220 99563412000104E0 00", "06 00 0000"},
		{"raw, wrong length", "14 000C 0000 0000 2220 78563412000104E0 00", "32"},
		{"quiet", "01" + uid, "00" + uid},
		{"inventory, quiet", "FE 00 05", "00 00 05 00"},
		{"AFI, quiet", "0A" + uid, "00" + uid + "C2"},
	} {
		if got, want := askM3(r, c.request), strings.ReplaceAll(c.want, " ", ""); got != want {
			t.Errorf("%s: got %s, want %s", c.name, got, want)
		}
	}
	_ = r.table.Lift("moomin")
	_ = r.table.Put("moomin")
	if got, want := askM3(r, "FE 00 05"), "00000501"+uid; got != want {
		t.Errorf("inventory, put down again: got %s, want %s", got, want)
	}
}

func TestM3KeepsSilence(t *testing.T) {
	const answer = "D6000811000A050002A151"
	for _, c := range []struct {
		name   string
		pieces []string
		want   string
	}{
		{"a request", []string{"D60003116420"}, answer},
		{"in pieces", []string{"D600", "0311", "6420"}, answer},
		{"wrong check", []string{"D60003116421"}, ""},
		{"after noise", []string{"AA", "00D60003116420"}, answer},
		{"noise only", []string{"AA", "00"}, ""},
		{"length too small", []string{"D600021164"}, ""},
		{"a second request before the answer", []string{"D60003116420D60005FE0005FA40"}, answer},
		{"another probe", []string{"D50005040012BC05"}, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			l, _ := NewLine("3m", read(t, library))
			if got := fmt.Sprintf("%X", talk(t, l, time.Millisecond, c.pieces...)); got != c.want {
				t.Errorf("%s: got %s, want %s", c.name, got, c.want)
			}
		})
	}
}
