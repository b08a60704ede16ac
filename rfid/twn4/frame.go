package twn4

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"coldstation/rfid"
	"coldstation/rfid/crc16"
)

// Format is how messages travel.
type Format uint8

// Formats. Auto finds out which of the others the reader speaks.
const (
	Auto Format = iota
	ASCII
	ASCIIWithCRC
	Binary
	BinaryWithCRC
)

func (f Format) String() string {
	return [...]string{"auto", "ASCII", "ASCII with CRC", "binary", "binary with CRC"}[f]
}

// Checked tells whether messages carry a check.
func (f Format) Checked() bool { return f == ASCIIWithCRC || f == BinaryWithCRC }

func (f Format) ascii() bool { return f == ASCII || f == ASCIIWithCRC }

// longest is a message with its check, in bytes.
const longest = 600

var (
	errCut    = errors.New("message is not complete")
	errDigit  = errors.New("not a hexadecimal digit")
	errLength = errors.New("wrong length")
	errCheck  = errors.New("wrong checksum")
)

// decode reads one message from the start of b into dst, and returns the message
// and how many bytes of b it took; on an error other than errCut, how many to
// pass over.
func decode(dst, b []byte, f Format) (message []byte, n int, err error) {
	if f.ascii() {
		n = bytes.IndexByte(b, '\r')
		switch {
		case n < 0 && len(b) > 2*longest:
			return nil, len(b), errLength
		case n < 0:
			return nil, 0, errCut
		}
		digits := b[:n]
		n++
		if len(digits)%2 != 0 || len(digits) == 0 || len(digits) > 2*longest {
			return nil, n, errLength
		}
		for i := 0; i < len(digits); i += 2 {
			hi, lo := digit(digits[i]), digit(digits[i+1])
			if hi < 0 || lo < 0 {
				return nil, n, errDigit
			}
			dst = append(dst, byte(hi<<4|lo))
		}
	} else {
		if len(b) < 2 {
			return nil, 0, errCut
		}
		size := int(binary.LittleEndian.Uint16(b))
		switch {
		case size == 0 || size > longest:
			return nil, 1, errLength
		case len(b) < 2+size:
			return nil, 0, errCut
		}
		n = 2 + size
		dst = append(dst, b[2:n]...)
	}
	if f.Checked() {
		size := len(dst) - 2
		if size < 1 {
			return nil, n, errLength
		}
		if crc16.MCRF4XX(dst) != 0 {
			return nil, n, errCheck
		}
		dst = dst[:size]
	}
	return dst, n, nil
}

// digit is the value of a hexadecimal digit of either case, or -1.
func digit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// encode appends a message in a format; it is the inverse of decode.
func encode(dst, message []byte, f Format) []byte {
	const digits = "0123456789ABCDEF"
	crc := crc16.MCRF4XX(message)
	check := [2]byte{byte(crc), byte(crc >> 8)}
	size := len(message)
	if f.Checked() {
		size += 2
	}
	if !f.ascii() {
		dst = append(binary.LittleEndian.AppendUint16(dst, uint16(size)), message...)
		return append(dst, check[:size-len(message)]...)
	}
	for i := range size {
		v := check[max(0, i-len(message))&1]
		if i < len(message) {
			v = message[i]
		}
		dst = append(dst, digits[v>>4], digits[v&15])
	}
	return append(dst, '\r')
}

// code is the error byte of an answer.
type code byte

func (c code) Error() string {
	text := "unknown error"
	if c < 6 {
		text = [...]string{"no error", "unknown function", "parameter missing", "too many parameters", "invalid function", "cannot be parsed"}[c]
	}
	return fmt.Sprintf("error %02X, %s", byte(c), text)
}

// refusal is an answer that says no.
func refusal(c code) error {
	switch {
	case c == 0:
		return nil
	case c == 1:
		return fmt.Errorf("%w: %w", rfid.ErrUnsupported, c)
	case c < 6:
		return fmt.Errorf("%w: %w", rfid.ErrRefused, c)
	}
	return fmt.Errorf("%w: %w", rfid.ErrBroken, c)
}

// result reads the yes or no that begins the results of most functions.
func result(data []byte) (yes bool, rest []byte, err error) {
	if len(data) == 0 || data[0] > 1 || data[0] == 0 && len(data) > 1 {
		return false, nil, fmt.Errorf("%w: result % X", rfid.ErrBroken, data[:min(len(data), 8)])
	}
	return data[0] == 1, data[1:], nil
}

// Tag types.
const (
	typeEM4102   = 0x40
	typeISO14443 = 0x80
	typeB        = 0x81
	typeISO15693 = 0x82
)

// parseTag reads the results of a search. found is false when nothing lies
// there.
func parseTag(data []byte) (t rfid.Tag, found bool, err error) {
	found, rest, err := result(data)
	if !found || err != nil {
		return t, false, err
	}
	if len(rest) < 3 || len(rest) != 3+int(rest[2]) || int(rest[1]+7)/8 != int(rest[2]) || rest[2] == 0 || rest[2] > rfid.MaxUID {
		return t, false, fmt.Errorf("%w: tag of %d bytes", rfid.ErrBroken, len(rest))
	}
	t = rfid.Tag{UID: rfid.MakeUID(rest[3:])}
	switch rest[0] {
	case typeEM4102:
		t.Kind = rfid.EM4100
	case typeISO14443:
		t.Kind = rfid.ISO14443A
	case typeB:
		t.Kind = rfid.ISO14443B
	case typeISO15693:
		if t.Kind = rfid.ISO15693; rest[3] != 0xE0 {
			t.UID = t.UID.Reversed()
		}
	}
	return t, true, nil
}

// parseInfo reads the system information of a chip whose blocks have the given
// size.
func parseInfo(data []byte, uid rfid.UID, size int) (info rfid.Info, err error) {
	if len(data) != 15 {
		return info, fmt.Errorf("%w: system information of %d bytes, want 15", rfid.ErrBroken, len(data))
	}
	if u := rfid.MakeUID(data[1:9]); u != uid && u != uid.Reversed() {
		return info, fmt.Errorf("%w: system information of %s", rfid.ErrBroken, u)
	}
	info = rfid.Info{UID: uid, BlockSize: size, Blocks: int(binary.LittleEndian.Uint16(data[12:])), ICRef: data[14]}
	if data[0]&0x01 != 0 {
		info.DSFID = rfid.DSFID(data[9])
	}
	if data[0]&0x02 != 0 {
		info.AFI = rfid.AFI(data[10])
	}
	switch int(data[11]) {
	case size:
	case size - 1: // both count from 0
		info.Blocks++
	default:
		return rfid.Info{}, fmt.Errorf("%w: blocks of %d bytes, said to have %d", rfid.ErrBroken, size, data[11])
	}
	if data[0]&0x04 == 0 || info.Blocks == 0 || info.Blocks > 256 {
		return rfid.Info{}, fmt.Errorf("%w: tag does not tell its memory", rfid.ErrUnsupported)
	}
	return info, nil
}
