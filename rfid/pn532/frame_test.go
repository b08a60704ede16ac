package pn532

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"coldstation/rfid"
	"coldstation/rfid/rfidtest"
)

// each takes bytes apart into frames.
func each(t testing.TB, b []byte, f func(frame, []byte)) {
	t.Helper()
	for len(b) > 0 {
		d, n, err := decode(b)
		if err != nil {
			t.Errorf("% X: %v", b, err)
			return
		}
		f(d, b[:n])
		b = b[n:]
	}
}

func TestRecordedFrames(t *testing.T) {
	list, err := rfidtest.Load("testdata/libnfc.hex")
	if err != nil || len(list) < 8 {
		t.Fatalf("%d exchanges, %v", len(list), err)
	}
	for _, x := range list {
		for _, side := range [][]byte{x.Request, x.Answer} {
			each(t, side, func(f frame, b []byte) {
				if got := encode(nil, f); !bytes.Equal(got, b) {
					t.Errorf("%s: encoded again: got % X, want % X", x.Remark, got, b)
				}
				for i := range b {
					if _, n, err := decode(b[:i]); !errors.Is(err, errCut) || n != 0 {
						t.Errorf("%s: first %d bytes: got %d, %v, want %v", x.Remark, i, n, err, errCut)
					}
					for bit := range 8 {
						spoilt := bytes.Clone(b)
						spoilt[i] ^= 1 << bit
						if d, n, err := decode(spoilt); err == nil && n == len(b) {
							t.Errorf("%s: bit %d of byte %d changed: got %+v", x.Remark, bit, i, d)
						}
					}
				}
			})
		}
	}
}

func TestExtended(t *testing.T) {
	f := frame{TFI: fromChip, Data: bytes.Repeat([]byte{0x41}, 264)}
	b := encode(nil, f)
	if want := rfidtest.Hex(t, "0000FF FFFF 0109F6 D5 41"); !bytes.HasPrefix(b, want) {
		t.Errorf("head: got % X, want % X", b[:10], want)
	}
	got, n, err := decode(b)
	if err != nil || n != len(b) || !got.Extended || !bytes.Equal(got.Data, f.Data) {
		t.Errorf("got %d bytes in %d, %v", len(got.Data), n, err)
	}
}

func TestBrokenFrames(t *testing.T) {
	for text, want := range map[string]error{
		"":                                    errCut,
		"00 00 FF 02":                         errCut,
		"00 FF 02 FE D4 02 2A 00":             errStart,
		"55 00 00 FF":                         errStart,
		"00 00 FF 02 FD D4 02 2A 00":          errLength,
		"00 00 FF FF FF 01 09 F5 D5":          errLength,
		"00 00 FF FF FF 00 00 00 00 00":       errLength,
		"00 00 FF FF FF 01 0A F5 D5":          errLength, // 266
		"00 00 FF 02 FE D4 02 2B 00":          errCheck,
		"00 00 FF 02 FE D4 02 2A 01":          errEnd,
		"00 00 FF 00 FF 01":                   errEnd,
		"00 00 FF 00 00 00 00":                errLength,
		"00 00 FF FF FF 00 02 FE D4 02 2A 00": nil,
	} {
		if _, _, err := decode(rfidtest.Hex(t, text)); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", text, err, want)
		}
	}
}

func TestStart(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "00 00 FF 00": 0, "00 00 00 FF": 1, "55 55 00": 2, "55 00 00": 1, "01 02 03": 3, "FF 00 FF 00 00 FF": 3,
	} {
		if got := start(rfidtest.Hex(t, text)); got != want {
			t.Errorf("%s: got %d, want %d", text, got, want)
		}
	}
}

func TestTargets(t *testing.T) {
	for _, c := range []struct {
		name, data, want string
		broken           bool
	}{
		{"none", "00", "", false},
		{"Classic", "01 01 0004 08 04 DEADBEEF", "1:DEADBEEF/08", false},
		{"Ultralight", "01 01 0044 00 07 04A1B2C3D4E5F6", "1:04A1B2C3D4E5F6/00", false},
		{"ten bytes", "01 01 0084 20 0A 0102030405060708090A 05 78 80 70 02", "1:0102030405060708090A/20", false},
		{"a telephone and a card", "02 01 0004 20 04 08112233 05 78 80 70 02 02 0004 08 04 A1B2C3D4", "1:08112233/20 2:A1B2C3D4/08", false},
		{"no ATS at the end", "01 01 0004 20 04 08112233", "1:08112233/20", false},
		{"three", "03 01 0004 08 04 DEADBEEF", "", true},
		{"nothing", "", "", true},
		{"cut", "01 01 0004 08 04 DEADBE", "", true},
		{"odd UID", "01 01 0004 08 05 DEADBEEF00", "", true},
		{"too many bytes", "01 01 0004 08 04 DEADBEEF 00", "1:DEADBEEF/08", true},
		{"too few cards", "02 01 0004 08 04 DEADBEEF", "1:DEADBEEF/08", true},
		{"ATS of no bytes", "01 01 0004 20 04 08112233 00", "", true},
		{"ATS too long", "01 01 0004 20 04 08112233 06 78 80 70 02", "", true},
	} {
		list, err := appendTargets(nil, rfidtest.Hex(t, c.data))
		var got []string
		for _, x := range list {
			got = append(got, fmt.Sprintf("%d:%s/%02X", x.Number, x.UID, x.SAK))
		}
		if s := strings.Join(got, " "); s != c.want || errors.Is(err, rfid.ErrBroken) != c.broken {
			t.Errorf("%s: got %q, %v, want %q", c.name, s, err, c.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for status, want := range map[byte]error{
		0x00: nil, 0x40: nil, 0x01: rfid.ErrNoTag, 0x14: rfid.ErrKey, 0x27: rfid.ErrNoTag, 0x02: rfid.ErrBroken, 0x13: rfid.ErrBroken, 0x2F: rfid.ErrRefused,
	} {
		if got := refusal(status); !errors.Is(got, want) {
			t.Errorf("status %02X: got %v, want %v", status, got, want)
		}
	}
}

// Decode, or refuse; whatever decodes encodes back to the same bytes.
func FuzzDecode(f *testing.F) {
	list, err := rfidtest.Load("testdata/libnfc.hex")
	if err != nil {
		f.Fatal(err)
	}
	for _, x := range list {
		f.Add(x.Request)
		each(f, x.Answer, func(_ frame, b []byte) { f.Add(b) })
	}
	f.Add(encode(nil, frame{TFI: fromChip, Data: make([]byte, 264)}))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, n, err := decode(b)
		if err == nil && !bytes.Equal(encode(nil, d), b[:n]) {
			t.Errorf("% X: got % X when encoded again", b[:n], encode(nil, d))
		}
		if i := start(b); i < len(b) {
			if _, _, err := decode(b[i:]); errors.Is(err, errStart) {
				t.Errorf("% X: a frame may start at %d, and does not", b, i)
			}
		}
		list, _ := appendTargets(nil, b)
		for _, x := range list {
			if !(rfid.Tag{UID: x.UID, Kind: rfid.ISO14443A}).Plausible() && x.UID.Bytes()[0] != 0x88 {
				t.Errorf("% X: got UID %s", b, x.UID)
			}
		}
	})
}
