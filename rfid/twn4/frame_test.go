package twn4

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"coldstation/rfid"
	"coldstation/rfid/rfidtest"
)

var formats = []Format{ASCII, ASCIIWithCRC, Binary, BinaryWithCRC}

// The example of the document, in the four formats.
func TestDocumentedFrames(t *testing.T) {
	for _, c := range []struct {
		f               Format
		request, answer string
	}{
		{ASCII, "0005\r", "0001\r"},
		{ASCIIWithCRC, "000515A7\r", "000131E1\r"},
		{Binary, "\x02\x00\x00\x05", "\x02\x00\x00\x01"},
		{BinaryWithCRC, "\x04\x00\x00\x05\x15\xA7", "\x04\x00\x00\x01\x31\xE1"},
	} {
		for frame, message := range map[string]string{c.request: "\x00\x05", c.answer: "\x00\x01"} {
			if got := encode(nil, []byte(message), c.f); string(got) != frame {
				t.Errorf("%v: got %q, want %q", c.f, got, frame)
			}
			if got, n, err := decode(nil, []byte(frame), c.f); err != nil || n != len(frame) || string(got) != message {
				t.Errorf("%v: %q: got % X, %d, %v", c.f, frame, got, n, err)
			}
		}
	}
	if got, _, err := decode(nil, []byte("050010\r"), ASCII); err != nil || !bytes.Equal(got, []byte{5, 0, 0x10}) {
		t.Errorf("got % X, %v", got, err)
	}
}

func TestRecordedMessages(t *testing.T) {
	list, err := rfidtest.Load("testdata/docrev17.hex")
	if err != nil || len(list) < 8 {
		t.Fatalf("%d exchanges, %v", len(list), err)
	}
	for _, x := range list {
		for _, message := range [][]byte{x.Request, x.Answer} {
			for _, f := range formats {
				b := encode(nil, message, f)
				got, n, err := decode(nil, append(b, b...), f)
				if err != nil || n != len(b) || !bytes.Equal(got, message) {
					t.Errorf("%s, %v: got % X, %d, %v, want % X", x.Remark, f, got, n, err, message)
				}
				for i := range b {
					if _, n, err := decode(nil, b[:i], f); !errors.Is(err, errCut) || n != 0 {
						t.Errorf("%s, %v: first %d bytes: got %d, %v, want %v", x.Remark, f, i, n, err, errCut)
					}
					for bit := range 8 {
						spoilt := bytes.Clone(b)
						spoilt[i] ^= 1 << bit
						if got, n, err := decode(nil, spoilt, f); f.Checked() && err == nil && n == len(b) && !bytes.Equal(got, message) {
							t.Errorf("%s, %v: bit %d of byte %d changed: got % X", x.Remark, f, bit, i, got)
						}
					}
				}
			}
		}
	}
}

func TestBrokenFrames(t *testing.T) {
	for _, c := range []struct {
		f    Format
		b    string
		want error
	}{
		{ASCII, "", errCut}, {ASCII, "\r", errLength}, {ASCII, "000\r", errLength}, {ASCII, "00G1\r", errDigit}, {ASCII, "\n0001\r", errLength},
		{ASCII, strings.Repeat("0", 2*longest+1), errLength}, {ASCII, strings.Repeat("00", longest+1) + "\r", errLength}, {ASCII, "00ff\r", nil},
		{ASCIIWithCRC, "31E1\r", errLength}, {ASCIIWithCRC, "000131E0\r", errCheck}, {ASCIIWithCRC, "0001\r", errLength},
		{Binary, "\x00\x00", errLength}, {Binary, "\xFF\xFF\x00", errLength}, {Binary, "\x02\x00\x00", errCut},
		{BinaryWithCRC, "\x02\x00\x31\xE1", errLength}, {BinaryWithCRC, "\x04\x00\x00\x05\x15\xA8", errCheck},
	} {
		if _, _, err := decode(nil, []byte(c.b), c.f); !errors.Is(err, c.want) {
			t.Errorf("%v, %q: got %v, want %v", c.f, c.b[:min(len(c.b), 20)], err, c.want)
		}
	}
}

func TestTags(t *testing.T) {
	for _, c := range []struct {
		name, data, want string
		broken           bool
	}{
		{"none", "00", "", false},
		{"MIFARE", "01 80 20 04 A1B2C3D4", "ISO14443A A1B2C3D4", false},
		{"seven bytes", "01 80 38 07 04A1B2C3D4E5F6", "ISO14443A 04A1B2C3D4E5F6", false},
		{"type B", "01 81 20 04 01020304", "ISO14443B 01020304", false},
		{"item", "01 82 40 08 E004015012345678", "ISO15693 E004015012345678", false},
		{"item, as on the air", "01 82 40 08 78563412500104E0", "ISO15693 E004015012345678", false},
		{"EM4102", "01 40 28 05 14008EC793", "EM4100 14008EC793", false},
		{"26 bits", "01 49 1A 04 01020304", "unknown 01020304", false},
		{"nothing", "", "", true},
		{"none and more", "00 80", "", true},
		{"a version", "18 54574E34", "", true},
		{"cut", "01 80 20 04 A1B2C3", "", true},
		{"bits and bytes differ", "01 80 28 04 A1B2C3D4", "", true},
		{"no bytes", "01 80 00 00", "", true},
		{"too long", "01 80 58 0B 0102030405060708090A0B", "", true},
	} {
		tag, found, err := parseTag(rfidtest.Hex(t, c.data))
		got := ""
		if found {
			got = fmt.Sprintf("%v %s", tag.Kind, tag.UID)
		}
		if got != c.want || errors.Is(err, rfid.ErrBroken) != c.broken {
			t.Errorf("%s: got %q, %v, want %q", c.name, got, err, c.want)
		}
	}
}

func TestInfo(t *testing.T) {
	uid, _ := rfid.ParseUID("E004015012345678")
	for _, c := range []struct {
		name, data string
		blocks     int
		err        error
	}{
		{"from 0", "0F E004015012345678 3E 07 03 1B00 01", 28, nil},
		{"from 1", "0F E004015012345678 3E 07 04 1C00 01", 28, nil},
		{"as on the air", "0F 78563412500104E0 3E 07 03 1B00 01", 28, nil},
		{"256 blocks", "0F 78563412500104E0 3E 07 03 FF00 01", 256, nil},
		{"no memory", "0B E004015012345678 3E 07 03 0000 01", 0, rfid.ErrUnsupported},
		{"another size", "0F E004015012345678 3E 07 07 1B00 01", 0, rfid.ErrBroken},
		{"another tag", "0F E004015012345679 3E 07 03 1B00 01", 0, rfid.ErrBroken},
		{"short", "0F E0", 0, rfid.ErrBroken},
	} {
		got, err := parseInfo(rfidtest.Hex(t, c.data), uid, 4)
		if !errors.Is(err, c.err) || got.Blocks != c.blocks || err == nil && (got.AFI != 7 || got.DSFID != 0x3E || got.ICRef != 1 || got.UID != uid || got.BlockSize != 4) {
			t.Errorf("%s: got %+v, %v", c.name, got, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	for c, want := range map[code]error{0: nil, 1: rfid.ErrUnsupported, 2: rfid.ErrRefused, 5: rfid.ErrRefused, 6: rfid.ErrBroken, 0xE0: rfid.ErrBroken} {
		if got := refusal(c); !errors.Is(got, want) {
			t.Errorf("%v: got %v, want %v", c, got, want)
		}
	}
}

// Decode, or refuse; whatever decodes encodes back to the same bytes, but for
// the case of digits.
func FuzzDecode(f *testing.F) {
	list, err := rfidtest.Load("testdata/docrev17.hex")
	if err != nil {
		f.Fatal(err)
	}
	for _, x := range list {
		for i, format := range formats {
			f.Add(encode(nil, x.Request, format), uint8(i))
			f.Add(encode(nil, x.Answer, format), uint8(i))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, which uint8) {
		format := formats[which%4]
		message, n, err := decode(nil, b, format)
		again := encode(nil, message, format)
		want := b[:n]
		if format.ascii() {
			want = bytes.ToUpper(want)
		}
		if err == nil && !bytes.Equal(again, want) {
			t.Errorf("%v: % X: got % X when encoded again", format, b[:n], again)
		}
		if err != nil && !errors.Is(err, errCut) && n == 0 {
			t.Errorf("%v: % X: %v, and nothing to pass over", format, b, err)
		}
		if tag, found, err := parseTag(b); found && (err != nil || tag.UID.IsZero()) {
			t.Errorf("% X: got %v, %v", b, tag, err)
		}
		if info, err := parseInfo(b, rfid.MakeUID([]byte{0xE0, 4, 1, 0x50, 1, 2, 3, 4}), 4); err == nil && info.Size() > 1024 {
			t.Errorf("% X: got %+v", b, info)
		}
	})
}
