package feig

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"coldstation/rfid"
	"coldstation/rfid/rfidtest"
)

func TestRecordedFrames(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.hex")
	if len(files) < 2 {
		t.Fatalf("recordings: got %v", files)
	}
	for _, path := range files {
		list, err := rfidtest.Load(path)
		if err != nil || len(list) == 0 {
			t.Fatalf("%s: %d exchanges, %v", path, len(list), err)
		}
		for _, x := range list {
			f, n, err := decode(x.Request, false)
			if err != nil || n != len(x.Request) {
				t.Errorf("%s: %s: got length %d, %v", path, x.Remark, n, err)
			} else if got := encode(f, false); !bytes.Equal(got, x.Request) {
				t.Errorf("%s: %s: encoded again: got % X, want % X", path, x.Remark, got, x.Request)
			}
			for i := range x.Request {
				spoilt := bytes.Clone(x.Request)
				spoilt[i] ^= 0x10
				if _, _, err := decode(spoilt, false); err == nil {
					t.Errorf("%s: %s: byte %d changed: got no error", path, x.Remark, i)
				}
				if _, n, err := decode(x.Request[:i], false); !errors.Is(err, errCut) || n != 0 {
					t.Errorf("%s: %s: first %d bytes: got %d, %v, want %v", path, x.Remark, i, n, err, errCut)
				}
			}
		}
	}
}

// The driver's own requests, against the written-down ones.
func TestRequests(t *testing.T) {
	uid, _ := rfid.ParseUID("E004010012345678")
	mr, _ := rfid.ParseUID("E004010809B9CB12")
	fresh := func(advanced bool) *Reader { return New(nil, Options{Advanced: advanced}) } // each with a buffer of its own
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"inventory", seal(append(fresh(false).begin(cmdISO), isoInventory, 0)), "07 FF B0 01 00 1C 56"},
		{"more", seal(append(fresh(false).begin(cmdISO), isoInventory, modeMore)), "07 FF B0 01 80 14 D2"},
		{"RF reset", seal(fresh(false).begin(cmdRFReset)), "05 FF 69 89 01"},
		{"version", seal(fresh(false).begin(cmdVersion)), "05 FF 65 E5 CB"},
		{"speed", seal(append(fresh(false).begin(cmdBaud), 0)), "06 FF 52 00 0F 6E"},
		{"AFI C2", seal(append(fresh(false).address(uid, isoAFI), 0xC2)), "10 FF B0 27 01 E004010012345678 C2 79 4F"},
		{"AFI 07", seal(append(fresh(false).address(uid, isoAFI), 0x07)), "10 FF B0 27 01 E004010012345678 07 D8 DE"},
		{"read", seal(append(fresh(false).address(uid, isoRead), 0, 8)), "11 FF B0 23 01 E004010012345678 00 08 07 D6"},
		{"info, advanced", seal(fresh(true).address(mr, isoSystemInfo)), "02 00 11 FF B0 2B 01 E004010809B9CB12 0B 65"},
		{"write, advanced", seal(appendReversed(append(fresh(true).address(mr, isoWrite), 1, 1, 4), []byte("8765"))),
			"02 00 18 FF B0 24 01 E004010809B9CB12 01 01 04 35 36 37 38 3C 82"},
	} {
		if want := rfidtest.Hex(t, c.want); !bytes.Equal(c.got, want) {
			t.Errorf("%s: got % X, want % X", c.name, c.got, want)
		}
	}
}

func TestTags(t *testing.T) {
	for _, c := range []struct {
		name, data, want string
		broken           bool
	}{
		{"one item", "01 03 3E E004010809B9CB12", "E004010809B9CB12", false},
		{"an item and cards", "04 03 00 E004010012345678 04 00 00 000000A1B2C3D4 04 20 00 04112233445566 04 04 00 0102030405060708090A",
			"E004010012345678 A1B2C3D4 04112233445566 0102030405060708090A", false},
		{"named twice", "02 03 00 E004010012345678 03 00 E004010012345678", "E004010012345678", false},
		{"another kind between", "02 05 00 0000000000000000 03 00 E004010012345678", "E004010012345678", false},
		{"none", "00", "", false},
		{"count too high", "02 03 00 E004010012345678", "E004010012345678", true},
		{"count too low", "01 03 00 E004010012345678 03 00 E004010012345679", "E004010012345678", true},
		{"no count", "", "", true},
	} {
		tags, err := appendTags(nil, rfidtest.Hex(t, c.data))
		var uids []string
		for _, tag := range tags {
			uids = append(uids, tag.UID.String())
		}
		if got := strings.Join(uids, " "); got != c.want || errors.Is(err, rfid.ErrBroken) != c.broken {
			t.Errorf("%s: got %q, %v, want %q", c.name, got, err, c.want)
		}
	}
}

func TestInfo(t *testing.T) {
	// From an MR102: an ICODE SLIX2 of 80 blocks.
	info, err := parseInfo(rfidtest.Hex(t, "3E E004010809B9CB12 01 03 4F 01"))
	if err != nil || info.DSFID != 0x3E || info.AFI != 1 || info.Blocks != 80 || info.BlockSize != 4 || info.UID.String() != "E004010809B9CB12" {
		t.Errorf("got %+v, %v", info, err)
	}
	if _, err := parseInfo(rfidtest.Hex(t, "3E E0")); !errors.Is(err, rfid.ErrBroken) {
		t.Errorf("cut: got %v, want %v", err, rfid.ErrBroken)
	}
}

func TestBlocks(t *testing.T) {
	got, size, err := appendBlocks(nil, rfidtest.Hex(t, "02 04 00 31010111 01 34333231"), 2)
	if want := rfidtest.Hex(t, "11010131 31323334"); err != nil || size != 4 || !bytes.Equal(got, want) {
		t.Errorf("got % X, %d, %v, want % X", got, size, err, want)
	}
	for _, bad := range []string{"", "02", "02 04", "02 04 00 11010101 01 343332", "02 00 00 00", "01 04 00 11010101", "02 21"} {
		if _, _, err := appendBlocks(nil, rfidtest.Hex(t, bad), 2); !errors.Is(err, rfid.ErrBroken) {
			t.Errorf("%q: got %v, want %v", bad, err, rfid.ErrBroken)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		status Status
		data   []byte
		want   error
	}{
		{0x00, nil, nil}, {0x94, nil, nil}, {0x01, nil, rfid.ErrNoTag}, {0x83, nil, rfid.ErrBroken}, {0x11, nil, rfid.ErrRange},
		{0x82, nil, rfid.ErrRefused}, {0x80, nil, rfid.ErrUnsupported}, {0x77, nil, rfid.ErrRefused}, {0x95, nil, rfid.ErrRefused},
		{0x95, []byte{0x12}, rfid.ErrLocked}, {0x95, []byte{0x10}, rfid.ErrRange}, {0x95, []byte{0xA0}, rfid.ErrRefused},
		{0x03, []byte{5}, rfid.ErrNotWritten},
	} {
		if got := refusal(frame{Status: c.status, Data: c.data}); !errors.Is(got, c.want) {
			t.Errorf("status %02X: got %v, want %v", byte(c.status), got, c.want)
		}
	}
}

// Decode, or refuse; whatever decodes encodes back to the same bytes.
func FuzzDecode(f *testing.F) {
	for _, path := range []string{"testdata/reader.hex", "testdata/mr102.hex"} {
		list, err := rfidtest.Load(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, x := range list {
			f.Add(x.Request, false)
		}
	}
	f.Add(encode(frame{Command: cmdISO, Data: []byte{1, 3, 0, 0xE0, 4, 1, 0, 0x12, 0x34, 0x56, 0x78}}, true), true)
	f.Add([]byte{2, 0, 5}, true)
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
		if out, size, err := appendBlocks(nil, b, 3); err == nil && len(out) != 3*size {
			t.Errorf("% X: got %d bytes in 3 blocks of %d", b, len(out), size)
		}
	})
}
