package m3

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"coldstation/rfid"
	"coldstation/rfid/rfidtest"
)

func TestRecordedFrames(t *testing.T) {
	for _, x := range rfidtest.Recordings(t, 3) {
		both(t, x.Remark, x.Request, false)
		if len(x.Answer) > 0 {
			both(t, x.Remark, x.Answer, true)
		}
	}
}

// both decodes a frame and encodes it again; no byte of it may change or lack.
func both(t *testing.T, name string, b []byte, answer bool) {
	t.Helper()
	f, n, err := decode(b, answer)
	if err != nil || n != len(b) {
		t.Errorf("%s: got length %d, %v", name, n, err)
	} else if got := encode(f, answer); !bytes.Equal(got, b) {
		t.Errorf("%s: encoded again: got % X, want % X", name, got, b)
	}
	for i := range b {
		spoilt := bytes.Clone(b)
		spoilt[i] ^= 0x10
		if _, _, err := decode(spoilt, answer); err == nil {
			t.Errorf("%s: byte %d changed: got no error", name, i)
		}
		if _, n, err := decode(b[:i], answer); !errors.Is(err, errCut) || n != 0 {
			t.Errorf("%s: first %d bytes: got %d, %v, want %v", name, i, n, err, errCut)
		}
	}
}

// The driver's own operations, against what a real reader was asked and answered.
func TestRecordedOperations(t *testing.T) {
	list, err := rfidtest.Load("testdata/810.hex")
	if err != nil {
		t.Fatal(err)
	}
	item, _ := rfid.ParseUID("E004010031269117")
	card, _ := rfid.ParseUID("E00401001F77FB98")
	what, err := Probe(rfidtest.Play(list[:1]))
	if want := "3M 210 or 810, software 5.0.2"; err != nil || what != want {
		t.Errorf("probe: got %q, %v, want %q", what, err, want)
	}
	port := rfidtest.Play(list[2:])
	r := New(port, Options{})
	for _, c := range []struct {
		uid  rfid.UID
		want string
	}{
		{item, "04110001 31333032 30393939 39390000 00000000 00000000 00000000 00000000"},
		{card, "04110000 32303030 30303030 30303432 00000000 00000000 00000000 00000000"},
	} {
		if got, err := r.afi(c.uid); err != nil || got != 0xDA {
			t.Errorf("AFI of %s: got %s, %v, want DA", c.uid, got, err)
		}
		if got, err := r.ReadBlocks(c.uid, 0, 8, nil); err != nil || !bytes.Equal(got, rfidtest.Hex(t, c.want)) {
			t.Errorf("blocks of %s: got % X, %v, want %s", c.uid, got, err, c.want)
		}
	}
	if port.Left() != 0 {
		t.Errorf("exchanges left: got %d, want 0", port.Left())
	}
}

func TestRequests(t *testing.T) {
	uid, _ := rfid.ParseUID("E004010012345678")
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"version", open(nil, cmdVersion), "D6 00 03 11 64 20"},
		{"inventory", append(open(nil, cmdInventory), 0, withUID|withDSFID|findOption), "D6 00 05 FE 00 07 DA 02"},
		{"AFI C2", append(uid.Append(open(nil, cmdWriteAFI)), 0xC2), "D6 00 0C 09 E004010012345678 C2 6F 0B"},
		{"AFI 07", append(uid.Append(open(nil, cmdWriteAFI)), 0x07), "D6 00 0C 09 E004010012345678 07 E6 E2"},
	} {
		if got, want := seal(c.got), rfidtest.Hex(t, c.want); !bytes.Equal(got, want) {
			t.Errorf("%s: got % X, want % X", c.name, got, want)
		}
	}
	probe := encode(frame{Start: probeStart, Command: cmdProbe, Data: []byte{0, cmdVersion}}, false)
	if want := rfidtest.Hex(t, "D5 00 05 04 00 11 8C 66"); !bytes.Equal(probe, want) {
		t.Errorf("probe: got % X, want % X", probe, want)
	}
}

func TestTags(t *testing.T) {
	for _, c := range []struct {
		name, data, want string
		broken           bool
	}{
		{"none", "00 07 00", "", false},
		{"without DSFID", "00 05 02 E004010031269117 E00401001F77FB98", "E004010031269117/00 E00401001F77FB98/00", false},
		{"with DSFID", "00 07 02 3E E004010031269117 06 E00401001F77FB98", "E004010031269117/3E E00401001F77FB98/06", false},
		{"listed twice", "00 07 03 3E E004010031269117 06 E00401001F77FB98 3E E004010031269117",
			"E004010031269117/3E E00401001F77FB98/06", false},
		{"count too high", "00 05 02 E004010031269117", "", true},
		{"count too low", "00 05 01 E004010031269117 E00401001F77FB98", "", true},
		{"cut", "00 05 01 E0040100312691", "", true},
		{"no UIDs", "00 02 01 3E", "", true},
		{"no count", "00 05", "", true},
	} {
		tags, err := appendTags(nil, rfidtest.Hex(t, c.data))
		var list []string
		for _, tag := range tags {
			list = append(list, tag.UID.String()+"/"+tag.DSFID.String())
		}
		if got := strings.Join(list, " "); got != c.want || errors.Is(err, rfid.ErrBroken) != c.broken {
			t.Errorf("%s: got %q, %v, want %q", c.name, got, err, c.want)
		}
	}
}

func TestInfo(t *testing.T) {
	for _, c := range []struct {
		data string
		want rfid.Info
		err  error
	}{
		{"0F 3E 07 03 1B 00 01", rfid.Info{DSFID: 0x3E, AFI: 7, BlockSize: 4, Blocks: 28, ICRef: 1}, nil},
		{"06 C2 03 4F", rfid.Info{AFI: 0xC2, BlockSize: 4, Blocks: 80}, nil},
		{"03 3E 07", rfid.Info{}, rfid.ErrUnsupported},
		{"0F 3E 07 03 1B 00", rfid.Info{}, rfid.ErrBroken},
		{"04 03 1B 00", rfid.Info{}, rfid.ErrBroken},
		{"", rfid.Info{}, rfid.ErrBroken},
	} {
		if got, err := parseInfo(rfidtest.Hex(t, c.data)); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%q: got %+v, %v, want %+v, %v", c.data, got, err, c.want, c.err)
		}
	}
}

func TestBlocks(t *testing.T) {
	got, err := appendBlocks([]byte{9}, rfidtest.Hex(t, "02 05 00 11223344 06 01 55667788"), 5, 2)
	if want := rfidtest.Hex(t, "09 11223344 55667788"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got % X, %v, want % X", got, err, want)
	}
	for _, bad := range []string{"", "02", "01 05 00 11223344", "02 06 00 11223344 07 00 55667788", "02 05 00 11223344 06 00 556677",
		"03 05 00 11223344 06 00 55667788"} {
		if got, err := appendBlocks(nil, rfidtest.Hex(t, bad), 5, 2); !errors.Is(err, rfid.ErrBroken) || len(got) > 0 {
			t.Errorf("%q: got % X, %v, want %v", bad, got, err, rfid.ErrBroken)
		}
	}
}

func TestRefusals(t *testing.T) {
	for code, want := range map[Code]error{0x00: nil, 0x02: rfid.ErrUnsupported, 0x06: rfid.ErrNoTag, 0x0F: rfid.ErrRefused,
		0x11: rfid.ErrRange, 0x12: rfid.ErrLocked, 0x15: rfid.ErrBroken, 0x16: rfid.ErrNotWritten, 0x22: rfid.ErrBroken,
		0x30: rfid.ErrUnsupported, 0x32: rfid.ErrRange, 0xFE: rfid.ErrRefused, 0x77: rfid.ErrRefused} {
		if got := refusal(frame{Code: code}); !errors.Is(got, want) {
			t.Errorf("code %02X: got %v, want %v", byte(code), got, want)
		}
	}
}

// Decode, or refuse; whatever decodes encodes back to the same bytes.
func FuzzDecode(f *testing.F) {
	for _, x := range rfidtest.Recordings(f, 3) {
		f.Add(x.Request, false)
		f.Add(x.Answer, true)
	}
	f.Add([]byte{0xD6, 0xFF, 0xFF}, true)
	f.Add([]byte{0xD6, 0, 3, 0x11}, true)
	f.Fuzz(func(t *testing.T, b []byte, answer bool) {
		d, n, err := decode(b, answer)
		if err == nil && !bytes.Equal(encode(d, answer), b[:n]) {
			t.Errorf("% X: got % X when encoded again", b[:n], encode(d, answer))
		}
		tags, _ := appendTags(nil, b)
		for i, tag := range tags {
			if has(tags[:i], tag.UID) {
				t.Errorf("% X: %s twice", b, tag.UID)
			}
		}
		_, _ = parseInfo(b)
		if out, err := appendBlocks(nil, b, 0, 3); err == nil && len(out) != 3*blockSize {
			t.Errorf("% X: got %d bytes in 3 blocks", b, len(out))
		}
	})
}
