package sip2

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Encoding is how text is written on the line. A library system sets it by
// account (Koha) or institution (Evergreen); it cannot be seen from outside.
type Encoding byte

const (
	UTF8   Encoding = iota // and ASCII
	Latin1                 // ISO 8859-1
)

// Guard is a message's protection: its checksum AZ and its sequence number AY.
type Guard struct {
	Check bool // with AZ
	Seq   byte // '0' to '9', or 0 for no AY; only with Check
}

// Format is how a message is put on the line.
type Format struct {
	Encoding Encoding
	Guard
}

// Field is one field of a message. Code has two printable characters; it is
// empty for a segment between bars that has not even those.
type Field struct{ Code, Value string }

// Message is one line taken apart, before anything is made of it.
type Message struct {
	Code   Code
	Fixed  string // exactly as wide as the code says, printable ASCII
	Fields []Field
	Guard
}

// Faults of a line. ErrChecksum means that it was changed on its way.
var (
	ErrChecksum = errors.New("sip2: wrong checksum")
	ErrFormat   = errors.New("sip2: not a message")
)

const (
	bar     = '|'
	escaped = "&#124;"
	maxText = 255 // characters of one value, by the specification
)

// Parse takes apart a line without its end. The message does not refer to line.
// Errors: [ErrChecksum], [ErrPayment], and [ErrFormat] for anything else.
func Parse(line []byte, e Encoding) (Message, error) {
	var m Message
	err := m.parse(line, e)
	if len(m.Fields) == 0 {
		m.Fields = nil // so that equal messages are equal
	}
	return m, err
}

// parse does so into a message whose Fields may be used again.
func (m *Message) parse(line []byte, e Encoding) error {
	*m = Message{Fields: m.Fields[:0]}
	if len(line) < 2 {
		return fmt.Errorf("%w: %d bytes", ErrFormat, len(line))
	}
	if code := Code(line[:2]); code == CodeFeePaid || code == CodeFeePaidReply {
		return ErrPayment
	}
	width, reply, known := Code(line[:2]).layout()
	if !known {
		return fmt.Errorf("%w: unknown code", ErrFormat)
	}
	width += 2
	body, err := m.unguard(line, width)
	if err != nil {
		return err
	}
	if len(body) < width {
		return fmt.Errorf("%w: %s: fixed part is %d of %d bytes", ErrFormat, line[:2], len(body)-2, width-2)
	}
	for i, b := range body {
		if b == '\r' || !reply && (b < ' ' || b == 0x7F) {
			return fmt.Errorf("%w: %s: control character at %d", ErrFormat, line[:2], i)
		}
		if i < width && (b < ' ' || b >= 0x7F || b == bar) {
			return fmt.Errorf("%w: %s: byte %02x in the fixed part", ErrFormat, line[:2], b)
		}
	}
	text := e.decode(body) // ASCII up to width, so that offsets stay
	m.Code, m.Fixed = Code(text[:2]), text[2:width]
	if fields := min(bytes.Count(body, []byte{bar}), 64); cap(m.Fields) < fields {
		m.Fields = make([]Field, 0, fields)
	}
	for segment := range strings.SplitSeq(text[width:], string(bar)) {
		if segment == "" {
			continue
		}
		if !hasCode(segment) {
			m.Fields = append(m.Fields, Field{Value: segment})
			continue
		}
		f := Field{segment[:2], segment[2:]}
		if reply {
			f.Value = strings.ReplaceAll(norm.NFC.String(f.Value), escaped, string(bar))
		}
		m.Fields = append(m.Fields, f)
	}
	return nil
}

// unguard takes AY and AZ off. With AY both are known by their place, as the
// servers do it, even after a field that was not ended; AZ alone only where a
// field could begin.
func (m *Message) unguard(line []byte, width int) ([]byte, error) {
	at := len(line) - 6
	if at < 2 || string(line[at:at+2]) != "AZ" {
		return line, nil
	}
	sum, err := strconv.ParseUint(string(line[at+2:]), 16, 16)
	if err != nil || line[at+2] == '+' {
		return line, nil
	}
	body, seq := line[:at], byte(0)
	if ay := at - 3; ay >= 2 && string(line[ay:ay+2]) == "AY" && line[ay+2] >= '0' && line[ay+2] <= '9' {
		body, seq = line[:ay], line[ay+2]
	} else if at != width && line[at-1] != bar {
		return line, nil
	}
	if Checksum(line[:at+2]) != uint16(sum) {
		return nil, ErrChecksum
	}
	m.Guard = Guard{Check: true, Seq: seq}
	return body, nil
}

// Checksum of all bytes through "AZ".
func Checksum(b []byte) uint16 {
	var sum uint16
	for _, c := range b {
		sum -= uint16(c)
	}
	return sum
}

// Append writes the message in canonical form, without the end of the line.
func (m *Message) Append(dst []byte, e Encoding) ([]byte, error) {
	c := encode(dst, m.Code, Format{e, m.Guard})
	c.fixed(m.Fixed)
	c.more(&m.Fields)
	return c.done()
}

// First is the first field of a code.
func (m *Message) First(code string) (string, bool) {
	for _, f := range m.Fields {
		if f.Code == code {
			return f.Value, true
		}
	}
	return "", false
}

// hasCode tells a field from an odd segment, which is kept as it came.
func hasCode(s string) bool {
	return len(s) >= 2 && s[0] > ' ' && s[0] < 0x7F && s[1] > ' ' && s[1] < 0x7F && s[0] != bar && s[1] != bar
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func (e Encoding) decode(b []byte) string {
	switch {
	case ascii(b):
		return string(b)
	case e == Latin1:
		runes := make([]rune, len(b))
		for i, c := range b {
			runes[i] = rune(c)
		}
		return string(runes)
	}
	return strings.ToValidUTF8(string(b), string(utf8.RuneError))
}

// appendText writes a value, or says why it cannot.
func appendText(dst []byte, text string, e Encoding, reply bool) ([]byte, string) {
	for i := 0; i < len(text); {
		b := text[i]
		switch {
		case b == '\r' || !reply && (b < ' ' || b == 0x7F):
			return dst, "control character"
		case b == bar && !reply:
			return dst, "the library system would read | as " + escaped
		case b == bar:
			dst = append(dst, escaped...)
		case b < utf8.RuneSelf:
			dst = append(dst, b)
		default:
			r, n := utf8.DecodeRuneInString(text[i:])
			switch {
			case r == utf8.RuneError && n == 1:
				return dst, "not UTF-8"
			case e == UTF8:
				dst = append(dst, text[i:i+n]...)
			case r > 0xFF:
				return dst, "not in Latin-1"
			default:
				dst = append(dst, byte(r))
			}
			i += n
			continue
		}
		i++
	}
	return dst, ""
}
