package sim

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/crc16"
)

const library = `{
  "cards": [{"name": "anna", "uid": "04A1B2C3D4E5F6", "on": true}, {"name": "short", "uid": "A1B2C3D4"}, {"name": "long", "uid": "0102030405060708090A"}],
  "items": [
    {"name": "moomin", "uid": "E004010012345678", "dsfid": "3E", "afi": "07", "memory": "1101013130303030", "on": true, "locked": [1]},
    {"name": "slix2", "uid": "E004010809B9CB12", "dsfid": "3E", "afi": "01"}]}`

func read(t testing.TB, text string) *Table {
	t.Helper()
	table, err := ReadTable(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// ask sends the middle of a frame, from ADR to the data, and returns the middle
// of the answer, "silence", or what is wrong with it.
func ask(f *Feig, advanced bool, middle string) string {
	b, _ := hex.DecodeString(strings.ReplaceAll(middle, " ", ""))
	if advanced {
		b = append([]byte{2, 0, byte(len(b) + 5)}, b...)
	} else {
		b = append([]byte{byte(len(b) + 3)}, b...)
	}
	b = binary.LittleEndian.AppendUint16(b, crc16.MCRF4XX(b))
	if n := f.Frame(b); n != len(b) {
		return fmt.Sprintf("length %d", n)
	}
	a, _ := f.Answer(nil, b, Moment{})
	switch {
	case len(a) == 0:
		return "silence"
	case crc16.MCRF4XX(a) != 0:
		return "bad check"
	case !advanced && int(a[0]) != len(a) || advanced && (a[0] != 2 || int(a[2])+int(a[1])<<8 != len(a)):
		return "bad length"
	case advanced:
		a = a[2:]
	}
	return fmt.Sprintf("%X", a[1:len(a)-2])
}

func TestFeigConversation(t *testing.T) {
	const moomin, slix2 = "E004010012345678", "E004010809B9CB12"
	const both = "00B00002" + "0400" + "00" + "04A1B2C3D4E5F6" + "033E" + moomin
	f := NewFeig(read(t, library))
	for i, c := range []struct{ ask, want string }{
		{"FF5200", "005200"},
		{"FF65", "00650001020000530018"},
		{"FF6600", "0066000102000053001801000100"},
		{"0065", "00650001020000530018"}, {"0765", "silence"}, // another reader's address

		{"FFB00100", both},
		{"FFB00100", "00B001"}, // only new tags are named
		{"FFB00120", both},     // unless the host asks whether they are still there
		{"FF69", "006900"}, {"FFB00100", both},
		{"lift moomin", ""}, {"put moomin", ""}, {"FFB00100", "00B00001033E" + moomin}, // it lost its power
		{"FF6A00", "006A00"}, {"FFB00100", "00B001"}, {"FF6A01", "006A00"}, {"FFB00100", both},
		{"FF63", "006300"}, {"FFB00100", both},

		{"FFB02301" + moomin + "0002", "00B000" + "0204" + "0031010111" + "0030303030"},
		{"FFB02309" + moomin + "0002", "00B000" + "0204" + "0031010111" + "0130303030"}, // with lock states
		{"FFB02301" + moomin + "0000", "00B011"},
		{"FFB02301" + moomin + "0021", "00B011"}, // more than 128 bytes
		{"FFB02301" + moomin + "1A03", "00B09510"},
		{"FFB02301" + slix2 + "0001", "00B001"}, // not on the pad
		{"FFB02C01" + moomin + "0003", "00B00003000100"},

		{"FFB02401" + moomin + "020104" + "04030201", "00B000"},
		{"FFB02301" + moomin + "0201", "00B000" + "0104" + "0004030201"},
		{"FFB02401" + moomin + "010104" + "04030201", "00B09512"},
		{"FFB02401" + moomin + "020204" + "04030201", "00B081"},
		{"FFB02401" + moomin + "1C0104" + "04030201", "00B09510"},
		{"FFB02401" + moomin + "020108" + "0403020104030201", "00B011"},

		{"FFB02B01" + moomin, "00B000" + "3E" + moomin + "07" + "031B" + "01"},
		{"FFB02701" + moomin + "C2", "00B000"},
		{"FFB02B01" + moomin, "00B000" + "3E" + moomin + "C2" + "031B" + "01"},
		{"FFB02801" + moomin, "00B000"}, {"FFB02701" + moomin + "07", "00B09512"}, {"FFB02801" + moomin, "00B09511"},
		{"FFB02901" + moomin + "06", "00B000"}, {"FFB02A01" + moomin, "00B000"}, {"FFB02901" + moomin + "3E", "00B09512"},
		{"FFB02201" + moomin + "0501", "00B000"}, {"FFB02401" + moomin + "050104" + "04030201", "00B09512"},

		{"FFB02B00", "00B001"}, {"FF69", "006900"}, // a tag named by an inventory is quiet
		{"FFB02B00", "00B000" + "06" + moomin + "C2" + "031B" + "01"}, // the only item: no address needed
		{"FFB02B02", "00B001"}, {"FFB02501" + moomin, "00B000"}, {"FFB02B02", "00B000" + "06" + moomin + "C2" + "031B" + "01"},
		{"put slix2", ""}, {"FFB02B00", "00B083"}, // two answer at once
		{"FFB02B01" + slix2, "00B000" + "3E" + slix2 + "01" + "034F" + "01"},
		{"FF69", "006900"}, {"FFB00201" + moomin, "00B000"}, // stay quiet
		{"FFB00100", "00B00002" + "0400" + "00" + "04A1B2C3D4E5F6" + "033E" + slix2},
		{"FFB02601" + moomin, "00B000"}, {"FFB00100", "00B00001" + "0306" + moomin}, // reset to ready

		{"FFB001", "00B081"}, {"FFB0010000", "00B081"}, {"FFB00140", "00B081"}, {"FF65FF", "006581"}, {"FF52", "005281"},
		{"FFB02101" + moomin + "00", "00B080"}, {"FF4711", "004780"}, {"FFB1", "00B180"},
		{"FFB02301" + moomin + "00", "00B081"}, {"FFB0270212", "00B001"},

		{"FF8005", "008000" + "0000000000000000000000050000"},
		{"FF8105" + "0000000000000000000000040000", "008100"}, // all tags, always
		{"FF69", "006900"}, {"lift slix2", ""}, {"FFB00100", strings.Replace(both, "033E", "0306", 1)}, {"FFB00100", strings.Replace(both, "033E", "0306", 1)},
		{"FF8305", "008300"}, {"FFB00100", strings.Replace(both, "033E", "0306", 1)}, {"FFB00100", "00B001"},

		{"put short", ""}, {"put long", ""}, {"FFB00100", "00B00002" + "040000" + "000000A1B2C3D4" + "040400" + "0102030405060708090A"},
		{"FFBF02" + "0008" + "021F" + "22A204" + "7856341200" + "0104E0", "00BF0000"}, // EAS on
		{"FFBF01" + "0108" + "021F" + "22A504" + "7856341200" + "0104E0", "00BF0000" + "2FB36270D5A7907FE8B18038D281497682DA9A866FAF8BB0F19CD112A57237EF"},
		{"FFBF02" + "0008" + "021F" + "22A304" + "7856341200" + "0104E0", "00BF0000"},
		{"FFBF01" + "0108" + "021F" + "22A504" + "7856341200" + "0104E0", "00BF01"},
	} {
		if name, ok := strings.CutPrefix(c.ask, "lift "); ok {
			_ = f.table.Lift(name)
			continue
		}
		if name, ok := strings.CutPrefix(c.ask, "put "); ok {
			_ = f.table.Put(name)
			continue
		}
		if got := ask(f, i%2 == 1, c.ask); got != c.want {
			t.Errorf("%d: %s: got %s, want %s", i, c.ask, got, c.want)
		}
	}
}

func TestFeigMoreData(t *testing.T) {
	table := NewTable()
	for n := range 30 {
		uid, _ := rfid.ParseUID(fmt.Sprintf("E0040150%08X", n))
		if err := table.Add(Chip{Name: fmt.Sprint(n), On: true, Tag: rfid.Tag{UID: uid, Kind: rfid.ISO15693}}); err != nil {
			t.Fatal(err)
		}
	}
	f := NewFeig(table)
	first, rest, none := ask(f, false, "FFB00100"), ask(f, false, "FFB00180"), ask(f, false, "FFB00180")
	if first[:8] != "00B09418" || len(first) != 8+24*20 {
		t.Errorf("first: got %d digits %s, want 24 tags and status 94", len(first), first[:8])
	}
	if rest[:8] != "00B00006" || none != "00B001" {
		t.Errorf("then: got %s and %s, want 6 tags and none", rest[:8], none)
	}
	f.Reset()
	if got := ask(f, true, "FFB00100"); got[:8] != "00B09418" {
		t.Errorf("advanced frame, 256 bytes of buffer: got %s", got[:8])
	}
}

func TestFeigReadsAllBlocksInAnAdvancedFrame(t *testing.T) {
	f := NewFeig(read(t, library))
	_ = f.table.Put("slix2")
	got := ask(f, true, "FFB02301"+"E004010809B9CB12"+"0050")
	if !strings.HasPrefix(got, "00B0005004") || len(got) != 10+80*10 {
		t.Errorf("got %d digits, %.20s…", len(got), got)
	}
}

func TestFeigNotifies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFeig(read(t, `{"items": [{"name": "moomin", "uid": "E004010012345678"}]}`))
		start := time.Now()
		if got := ask(f, false, "FFB0014005"); got != "00B001" || time.Since(start) != 500*time.Millisecond {
			t.Errorf("nothing comes: got %s after %v", got, time.Since(start))
		}
		start = time.Now()
		time.AfterFunc(300*time.Millisecond, func() { _ = f.table.Put("moomin") })
		if got := ask(f, false, "FFB001400A"); got != "00B000010300E004010012345678" || time.Since(start) != 300*time.Millisecond {
			t.Errorf("a tag comes: got %s after %v", got, time.Since(start))
		}
	})
}

// talk writes pieces with pauses between them to a line, and returns all that
// came back a second later.
func talk(t *testing.T, l *Line, pause time.Duration, pieces ...string) []byte {
	t.Helper()
	host, far := Pipe()
	served := make(chan struct{})
	go func() { l.Serve(far); close(served) }()
	for _, p := range pieces {
		b, _ := hex.DecodeString(strings.ReplaceAll(p, " ", ""))
		if _, err := host.Write(b); err != nil {
			t.Fatal(err)
		}
		time.Sleep(pause)
	}
	time.Sleep(time.Second)
	var got []byte
	buf := make([]byte, 999)
	_ = host.SetReadDeadline(time.Now())
	if n, err := host.Read(buf); err == nil {
		got = slices.Clone(buf[:n])
	} else if !os.IsTimeout(err) {
		t.Error(err)
	}
	host.Close()
	<-served
	return got
}

func TestLineKeepsSilence(t *testing.T) {
	const version, answer = "05FF65E5CB", "0D00650001020000530018"
	for _, c := range []struct {
		name   string
		pause  time.Duration
		pieces []string
		want   int // answers
	}{
		{"whole", 0, []string{version}, 1},
		{"two at once", 0, []string{version + version}, 2},
		{"in pieces within 12 ms", 10 * time.Millisecond, []string{"05", "FF65", "E5CB"}, 1},
		{"in pieces too slow", 20 * time.Millisecond, []string{"05", "FF65E5CB"}, 0},
		{"wrong check", 0, []string{"05FF65E5CC"}, 0},
		{"wrong check, then right", 20 * time.Millisecond, []string{"05FF65E5CC", version}, 1},
		{"noise, quiet, then right", 20 * time.Millisecond, []string{"0001", version}, 1},
		{"noise without quiet", 0, []string{"00" + version}, 0},
		{"cut, quiet, then right", 20 * time.Millisecond, []string{"10FFB027", version}, 1},
		{"advanced, too short", 20 * time.Millisecond, []string{"020006FF", version}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, err := NewLine("feig", NewTable())
				if err != nil {
					t.Fatal(err)
				}
				got := talk(t, l, c.pause, c.pieces...)
				if n := bytes.Count(got, must(answer)); n != c.want || len(got) != n*13 {
					t.Errorf("got % X, want %d answers", got, c.want)
				}
			})
		})
	}
}

func must(s string) []byte { b, _ := hex.DecodeString(s); return b }

func TestLinePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := NewLine("feig", NewTable())
		l.Baud = 38400
		host, far := Pipe()
		served := make(chan struct{})
		go func() { l.Serve(far); close(served) }()
		start := time.Now()
		_, _ = host.Write(must("05FF698901"))
		buf := make([]byte, 99)
		n, err := host.Read(buf)
		// 5 and 6 bytes of 11 bits, and 15 ms without a field
		if want := 15*time.Millisecond + 11*11*time.Second/38400; n != 6 || err != nil || time.Since(start).Round(100*time.Microsecond) != want.Round(100*time.Microsecond) {
			t.Errorf("got %d bytes after %v, %v, want 6 after %v", n, time.Since(start), err, want)
		}
		host.Close()
		<-served
	})
}

func TestScheduleRepeats(t *testing.T) {
	run := func() (list []Fault) {
		s := NewSchedule(7, 0.5)
		for range 100 {
			list = append(list, s.take(true))
		}
		return list
	}
	if a, b := run(), run(); !slices.Equal(a, b) || !slices.Contains(a, Lift) || !slices.Contains(a, NoFault) {
		t.Errorf("got %v, then %v", a, b)
	}
	s := NewSchedule(1, 0)
	if err := s.Fail("flood"); err == nil {
		t.Error("unknown fault: got no error")
	}
	_ = s.Fail(Lift)
	if got := s.take(false); got != NoFault {
		t.Errorf("lift before a read: got %s", got)
	}
	if got := s.take(true); got != Lift {
		t.Errorf("lift before a write: got %s", got)
	}
}
