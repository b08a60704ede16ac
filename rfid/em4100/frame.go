package em4100

import "errors"

const (
	stx, etx = 0x02, 0x03
	shortest = 14
	longest  = 16
)

// frame is what a reader sends.
type frame struct {
	UID   [5]byte // version first
	Lined bool    // CR and LF before the end, as an ID-12LA sends
}

var (
	errCut   = errors.New("frame is not complete")
	errStart = errors.New("no frame starts like this")
	errDigit = errors.New("not a digit")
	errCheck = errors.New("wrong checksum")
	errEnd   = errors.New("frame does not end where it should")
)

// decode reads one frame from the start of b and returns its length. errCut
// means that more bytes are needed; the length is then 0.
func decode(b []byte) (f frame, n int, err error) {
	if len(b) == 0 {
		return f, 0, errCut
	}
	if b[0] != stx {
		return f, 0, errStart
	}
	var check byte
	for i := range 6 {
		for j := 1 + 2*i; j < 3+2*i; j++ {
			if j >= len(b) {
				return f, 0, errCut
			}
			if digit(b[j]) < 0 {
				return f, 0, errDigit
			}
		}
		v := byte(digit(b[1+2*i])<<4 | digit(b[2+2*i]))
		if check ^= v; i < 5 {
			f.UID[i] = v
		}
	}
	if check != 0 {
		return f, 0, errCheck
	}
	end := b[shortest-1:]
	switch {
	case len(end) == 0:
		return f, 0, errCut
	case end[0] == etx:
		return f, shortest, nil
	}
	f.Lined = true
	for i, want := range []byte{'\r', '\n', etx} {
		if i >= len(end) {
			return f, 0, errCut
		}
		if end[i] != want {
			return f, 0, errEnd
		}
	}
	return f, longest, nil
}

// digit is the value of an upper-case hexadecimal digit, or -1.
func digit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// encode is the inverse of decode.
func encode(dst []byte, f frame) []byte {
	const digits = "0123456789ABCDEF"
	dst = append(dst, stx)
	var check byte
	for i := range 6 {
		v := check
		if i < 5 {
			v = f.UID[i]
			check ^= v
		}
		dst = append(dst, digits[v>>4], digits[v&15])
	}
	if f.Lined {
		dst = append(dst, '\r', '\n')
	}
	return append(dst, etx)
}
