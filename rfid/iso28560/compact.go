package iso28560

import (
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Scheme is a compaction of ISO/IEC 15962: how text became an object's data.
type Scheme uint8

const (
	Application Scheme = iota // what it means depends on the OID
	Integer                   // 2-19 digits, no leading 0
	Numeric                   // digits, a nibble each
	FiveBit                   // 41-5F
	SixBit                    // 20-5F
	SevenBit                  // 00-7E
	Octets                    // ISO 8859-1
	UTF8
)

// compact chooses the shortest scheme for s, in the order of the standard, and
// applies it. ok is false for the empty text and for what is not text.
func compact(s string) (scheme Scheme, data []byte, ok bool) {
	if s == "" || !graphic(s) {
		return 0, nil, false
	}
	low, high := rune(0x10FFFF), rune(0)
	for _, r := range s {
		low, high = min(low, r), max(high, r)
	}
	n := len(s)
	switch {
	case low >= '0' && high <= '9' && n >= 2 && n <= 19 && s[0] != '0':
		v, _ := strconv.ParseUint(s, 10, 64) // 19 digits are below 2⁶⁴
		for shift := (bits.Len64(v) - 1) / 8 * 8; shift >= 0; shift -= 8 {
			data = append(data, byte(v>>shift))
		}
		return Integer, data, true
	case low >= '0' && high <= '9' && n >= 2:
		var p packer
		for i := range n {
			p.add(s[i]-'0', 4)
		}
		return Numeric, p.fill(0xF, 4), true
	case low >= 0x41 && high <= 0x5F && n >= 3:
		return FiveBit, pack(s, 5, 0), true
	// The fill of six bits is a space; a text that needs none must not end in one.
	case low >= 0x20 && high <= 0x5F && n >= 4 && s[n-1] != ' ':
		return SixBit, pack(s, 6, 0x20), true
	case high <= 0x7E && n >= 8:
		return SevenBit, pack(s, 7, 0x7F), true
	case high <= 0xFF:
		for _, r := range s {
			data = append(data, byte(r))
		}
		return Octets, data, true
	}
	return UTF8, []byte(s), true
}

// expand turns an object's data back into text. ok is false for data that the
// scheme cannot have made, and for Application.
func expand(scheme Scheme, data []byte) (s string, ok bool) {
	if len(data) == 0 {
		return "", false
	}
	var b strings.Builder
	switch scheme {
	case Integer:
		if len(data) > 8 {
			return "", false
		}
		var v uint64
		for _, c := range data {
			v = v<<8 | uint64(c)
		}
		return strconv.FormatUint(v, 10), v >= 10 && v < 1e19
	case Numeric:
		for i := range 2 * len(data) {
			d := data[i/2] >> (4 * (1 - i%2)) & 0xF
			if d == 0xF && i == 2*len(data)-1 {
				break
			}
			if d > 9 {
				return "", false
			}
			b.WriteByte('0' + d)
		}
	case FiveBit:
		u := unpacker{data: data}
		for u.left() >= 5 {
			c := u.take(5)
			if c == 0 {
				u.back(5)
				break
			}
			b.WriteByte(0x40 | c)
		}
		if !u.rest(0x00) {
			return "", false
		}
	case SixBit:
		u := unpacker{data: data}
		for u.left() >= 6 {
			c := u.take(6)
			if c == 0x20 && u.left() == 0 { // a whole fill, which alone would read as a space
				break
			}
			if c < 0x20 {
				c |= 0x40
			}
			b.WriteByte(c)
		}
		if n := u.left(); n > 0 && u.take(n) != 0x20>>(6-n) {
			return "", false
		}
	case SevenBit:
		u := unpacker{data: data}
		for u.left() >= 7 {
			c := u.take(7)
			if c == 0x7F {
				u.back(7)
				break
			}
			b.WriteByte(c)
		}
		if !u.rest(0xFF) {
			return "", false
		}
	case Octets:
		for _, c := range data {
			b.WriteRune(rune(c))
		}
	case UTF8:
		if !utf8.Valid(data) {
			return "", false
		}
		b.Write(data)
	default:
		return "", false
	}
	return b.String(), b.Len() > 0 && graphic(b.String())
}

// pack writes the low bits of each character of s, filled from the top of fill.
func pack(s string, width int, fill byte) []byte {
	var p packer
	for i := range len(s) {
		p.add(s[i]&(1<<width-1), width)
	}
	return p.fill(fill, width)
}

// packer lays bits one after the other, highest first.
type packer struct {
	data []byte
	used int // bits in the last byte, 0 if it is full
}

func (p *packer) add(v byte, width int) {
	for i := width - 1; i >= 0; i-- {
		if p.used == 0 {
			p.data = append(p.data, 0)
		}
		p.data[len(p.data)-1] |= v >> i & 1 << (7 - p.used)
		p.used = (p.used + 1) % 8
	}
}

// fill ends the last byte with the first bits of v, which is width bits wide and
// holds at least as many as are missing unless they are all the same.
func (p *packer) fill(v byte, width int) []byte {
	for i := width - 1; p.used != 0; i = max(i-1, 0) {
		p.add(v>>i&1, 1)
	}
	return p.data
}

// unpacker takes bits in the order that packer laid them.
type unpacker struct {
	data []byte
	pos  int // in bits
}

func (u *unpacker) left() int { return 8*len(u.data) - u.pos }

// take reads width bits, at most 8; there must be as many left.
func (u *unpacker) take(width int) (v byte) {
	for range width {
		v = v<<1 | u.data[u.pos/8]>>(7-u.pos%8)&1
		u.pos++
	}
	return v
}

func (u *unpacker) back(width int) { u.pos -= width }

// rest reports whether all that is left is the same bit as in fill, and is less
// than a byte, for nobody fills a whole byte.
func (u *unpacker) rest(fill byte) bool {
	n := u.left()
	return n < 8 && u.take(n) == fill&(1<<n-1)
}
