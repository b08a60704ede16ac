package pn532

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"coldstation/rfid"
)

const (
	fromHost = 0xD4
	fromChip = 0xD5
	tfiError = 0x7F

	cmdDiagnose = 0x00
	cmdFirmware = 0x02
	cmdSAM      = 0x14
	cmdRF       = 0x32
	cmdExchange = 0x40
	cmdList     = 0x4A

	rfField   = 0x01
	rfRetries = 0x05

	mifareAuthA = 0x60
	mifareAuthB = 0x61
	mifareRead  = 0x30

	longest = 265 // TFI and data of an extended frame
)

// kind of a frame.
type kind uint8

const (
	info kind = iota
	ack
	nack
)

// frame is what either side sends. The error frame is an info frame with TFI 7F
// and no data.
type frame struct {
	Kind     kind
	Extended bool
	TFI      byte
	Data     []byte // the command first; a part of the decoded slice
}

var (
	errCut    = errors.New("frame is not complete")
	errStart  = errors.New("no frame starts like this")
	errLength = errors.New("wrong length")
	errCheck  = errors.New("wrong checksum")
	errEnd    = errors.New("no zero after the frame")

	startCode = []byte{0x00, 0x00, 0xFF}
	ackFrame  = []byte{0x00, 0x00, 0xFF, 0x00, 0xFF, 0x00}
)

// start is where a frame may begin in b: at its start code, or where b ends in a
// part of one.
func start(b []byte) int {
	if i := bytes.Index(b, startCode); i >= 0 {
		return i
	}
	for n := min(2, len(b)); n > 0; n-- {
		if bytes.HasSuffix(b, startCode[:n]) {
			return len(b) - n
		}
	}
	return len(b)
}

// decode reads one frame from the start of b and returns its length. errCut
// means that more bytes are needed; the length is then 0.
func decode(b []byte) (f frame, n int, err error) {
	head := startCode[:min(len(b), 3)]
	switch {
	case !bytes.HasPrefix(b, head):
		return f, 0, errStart
	case len(b) < 5:
		return f, 0, errCut
	}
	size, at := int(b[3]), 5
	switch {
	case b[3] == 0x00 && b[4] == 0xFF:
		f.Kind = ack
	case b[3] == 0xFF && b[4] == 0x00:
		f.Kind, size = nack, 0
	case b[3] == 0xFF && b[4] == 0xFF:
		if len(b) < 8 {
			return f, 0, errCut
		}
		if b[5]+b[6]+b[7] != 0 {
			return f, 0, errLength
		}
		f.Extended, size, at = true, int(binary.BigEndian.Uint16(b[5:])), 8
		if size == 0 || size > longest {
			return f, 0, errLength
		}
	case b[3]+b[4] != 0 || size == 0:
		return f, 0, errLength
	}
	if f.Kind == info {
		n = at + size + 2
	} else {
		n = at + 1
	}
	switch {
	case len(b) < n:
		return f, 0, errCut
	case f.Kind == info && sum(b[at:at+size+1]) != 0:
		return f, 0, errCheck
	case b[n-1] != 0:
		return f, 0, errEnd
	}
	if f.Kind == info {
		f.TFI, f.Data = b[at], b[at+1:at+size]
	}
	return f, n, nil
}

func sum(b []byte) (s byte) {
	for _, c := range b {
		s += c
	}
	return s
}

// encode appends a frame; it is the inverse of decode.
func encode(dst []byte, f frame) []byte {
	size := 1 + len(f.Data)
	dst = append(dst, startCode...)
	switch {
	case f.Kind == ack:
		return append(dst, 0x00, 0xFF, 0x00)
	case f.Kind == nack:
		return append(dst, 0xFF, 0x00, 0x00)
	case f.Extended || size > 255:
		dst = append(dst, 0xFF, 0xFF, byte(size>>8), byte(size), -byte(size>>8)-byte(size))
	default:
		dst = append(dst, byte(size), -byte(size))
	}
	body := len(dst)
	dst = append(append(dst, f.TFI), f.Data...)
	return append(dst, -sum(dst[body:]), 0x00)
}

// target is one card of a list.
type target struct {
	Number byte // Tg, by which it is then addressed
	SAK    byte
	UID    rfid.UID
}

// nextTarget reads the first target of b and returns what follows it.
func nextTarget(b []byte) (t target, rest []byte, err error) {
	if len(b) < 5 || len(b) < 5+int(b[4]) {
		return t, nil, fmt.Errorf("%w: card ends after %d bytes", rfid.ErrBroken, len(b))
	}
	n := int(b[4])
	t = target{Number: b[0], SAK: b[3], UID: rfid.MakeUID(b[5 : 5+n])}
	if n != 4 && n != 7 && n != 10 {
		return t, nil, fmt.Errorf("%w: UID of %d bytes", rfid.ErrBroken, n)
	}
	if rest = b[5+n:]; t.SAK&0x20 != 0 && len(rest) > 0 {
		ats := int(rest[0])
		if ats == 0 || ats > len(rest) {
			return t, nil, fmt.Errorf("%w: ATS of %d bytes in %d", rfid.ErrBroken, ats, len(rest))
		}
		rest = rest[ats:]
	}
	return t, rest, nil
}

// appendTargets appends the cards of a list, each UID once. The array may be
// kept: it tells targets apart by their number, 1 and 2.
func appendTargets(dst []target, data []byte) ([]target, error) {
	if len(data) == 0 || data[0] > 2 {
		return dst, fmt.Errorf("%w: list of cards of %d bytes", rfid.ErrBroken, len(data))
	}
	count, rest := int(data[0]), data[1:]
	for range count {
		var t target
		var err error
		if t, rest, err = nextTarget(rest); err != nil {
			return dst, err
		}
		dst = append(dst, t)
	}
	if len(rest) > 0 {
		return dst, fmt.Errorf("%w: %d bytes after %d cards", rfid.ErrBroken, len(rest), count)
	}
	return dst, nil
}

// statuses of commands that reach a card.
const (
	statusOK      = 0x00
	statusTimeout = 0x01
	statusAuth    = 0x14
)

// refusal is a status that says no. Its upper bits are flags.
//
// Source: UM0701-02, 7.1 error handling.
func refusal(status byte) error {
	switch status &= 0x3F; status {
	case statusOK:
		return nil
	case statusTimeout, 0x0A, 0x27, 0x29, 0x2B: // no answer, no field, wrong context, released, gone
		return fmt.Errorf("%w (status %02X)", rfid.ErrNoTag, status)
	case statusAuth:
		return fmt.Errorf("%w (status 14)", rfid.ErrKey)
	case 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x09, 0x0B, 0x13: // CRC, parity, bit count, framing, collision, buffer, protocol
		return fmt.Errorf("%w: disturbed answer from the card (status %02X)", rfid.ErrBroken, status)
	}
	return fmt.Errorf("%w (status %02X)", rfid.ErrRefused, status)
}
