package em4100

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"coldstation/rfid/rfidtest"
)

var recordings = []string{"testdata/rdm6300.hex", "testdata/id12la.hex"}

func TestRecordedFrames(t *testing.T) {
	for _, path := range recordings {
		list, err := rfidtest.Load(path)
		if err != nil || len(list) != 2 {
			t.Fatalf("%s: %d frames, %v", path, len(list), err)
		}
		for _, x := range list {
			b := x.Request
			f, n, err := decode(b)
			if got := fmt.Sprintf("%X", f.UID); err != nil || n != len(b) || got != x.Remark || f.Lined != strings.Contains(path, "id12") {
				t.Errorf("%s: got %s in %d bytes, %v, want %s", path, got, n, err, x.Remark)
			}
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
					if f, _, err := decode(spoilt); err == nil {
						t.Errorf("%s: bit %d of byte %d changed: got %X", x.Remark, bit, i, f.UID)
					}
				}
			}
		}
	}
}

func TestBrokenFrames(t *testing.T) {
	for text, want := range map[string]error{
		"":                           errCut,
		"x":                          errStart,
		"\x0214008ec793CE\x03":       errDigit,
		"\x0214008EC793CF\x03":       errCheck,
		"\x0214008EC793CE\r\x03":     errEnd,
		"\x0214008EC793CE\r\n\n":     errEnd,
		"\x0214008EC793CE\x0214":     errEnd,
		"\x0214008\x0214008EC793CE":  errDigit,
		"\x0214008EC793CE\r\n":       errCut,
		"\x0214008EC793CE\r\n\x03":   nil,
		"\x0214008EC793CE\x03\x0214": nil,
	} {
		if _, _, err := decode([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", text, err, want)
		}
	}
}

// However the stream is cut, the same frames come out.
func TestSplitter(t *testing.T) {
	const stream = "noise\x0214008EC793CE\x03\x02140\x0262E3086CED08\r\n\x03\x0214008EC793CF\x03\r\n\x0214008EC793CE\x03"
	for size := 1; size <= len(stream); size++ {
		var s splitter
		var got []string
		for rest := stream; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			for f, ok := s.add([]byte(rest[:min(size, len(rest))])); ok; f, ok = s.add(nil) {
				got = append(got, fmt.Sprintf("%X", f.UID))
			}
		}
		if got, want := strings.Join(got, " "), "14008EC793 62E3086CED 14008EC793"; got != want {
			t.Errorf("in pieces of %d: got %s, want %s", size, got, want)
		}
	}
}

// Decode, or refuse; whatever decodes encodes back to the same bytes.
func FuzzDecode(f *testing.F) {
	for _, path := range recordings {
		list, err := rfidtest.Load(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, x := range list {
			f.Add(x.Request)
			f.Add(append(x.Request, x.Request[:7]...))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, n, err := decode(b)
		if err == nil && !bytes.Equal(encode(nil, d), b[:n]) {
			t.Errorf("% X: got % X when encoded again", b[:n], encode(nil, d))
		}
		var s splitter
		for f, ok := s.add(b); ok; f, ok = s.add(nil) {
			if !bytes.Contains(b, encode(nil, f)) {
				t.Errorf("% X: got %X, which is not in it", b, f.UID)
			}
		}
		if len(s.b) >= longest {
			t.Errorf("% X: %d bytes are kept, want fewer than a frame", b, len(s.b))
		}
	})
}
