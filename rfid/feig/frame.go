package feig

import (
	"encoding/binary"
	"errors"
	"fmt"

	"coldstation/rfid"
	"coldstation/rfid/crc16"
)

// Commands.
const (
	cmdBaud        = 0x52
	cmdVersion     = 0x65
	cmdRFReset     = 0x69
	cmdISO         = 0xB0
	cmdTransparent = 0xBF

	isoInventory  = 0x01
	isoRead       = 0x23
	isoWrite      = 0x24
	isoAFI        = 0x27
	isoSystemInfo = 0x2B

	modeAddressed = 0x01
	modeMore      = 0x80
	anyReader     = 0xFF
)

// frame is a request (without Status) or an answer.
type frame struct {
	Advanced bool
	Address  byte
	Command  byte
	Status   Status // of answers
	Data     []byte // a part of the decoded slice
}

var (
	errCut   = errors.New("frame is not complete")
	errShort = errors.New("length is shorter than any frame")
	errCheck = errors.New("wrong checksum")
)

// decode reads one frame from the start of b and returns its length. errCut
// means that more bytes are needed; the length is then 0.
func decode(b []byte, answer bool) (f frame, n int, err error) {
	if len(b) == 0 {
		return f, 0, errCut
	}
	n, head := int(b[0]), 1
	if n == 2 {
		if len(b) < 3 {
			return f, 0, errCut
		}
		f.Advanced, head = true, 3
		n = int(binary.BigEndian.Uint16(b[1:]))
	}
	least := head + 4
	if answer {
		least++
	}
	switch {
	case n < least:
		return f, 0, errShort
	case len(b) < n:
		return f, 0, errCut
	case crc16.MCRF4XX(b[:n]) != 0:
		return f, 0, errCheck
	}
	f.Address, f.Command, f.Data = b[head], b[head+1], b[head+2:n-2]
	if answer {
		f.Status, f.Data = Status(f.Data[0]), f.Data[1:]
	}
	return f, n, nil
}

// open begins a request in dst; seal ends it. Between them the data is appended.
func open(dst []byte, advanced bool, cmd byte) []byte {
	if advanced {
		return append(dst, 2, 0, 0, anyReader, cmd)
	}
	return append(dst, 0, anyReader, cmd)
}

// seal fills in the length and appends the check.
func seal(b []byte) []byte {
	n := len(b) + 2
	if b[0] == 2 {
		binary.BigEndian.PutUint16(b[1:], uint16(n))
	} else {
		b[0] = byte(n)
	}
	return binary.LittleEndian.AppendUint16(b, crc16.MCRF4XX(b))
}

// encode is the inverse of decode.
func encode(f frame, answer bool) []byte {
	b := open(nil, f.Advanced, f.Command)
	b[len(b)-2] = f.Address
	if answer {
		b = append(b, byte(f.Status))
	}
	return seal(append(b, f.Data...))
}

// Status is the reader's verdict on a request.
type Status byte

// Statuses the driver acts on.
const (
	ok         Status = 0x00
	noTag      Status = 0x01
	parameter  Status = 0x11
	moreData   Status = 0x94
	tagRefused Status = 0x95 // the tag's own error code follows
)

var verdicts = map[Status]struct {
	text  string
	cause error
}{
	noTag:      {"no transponder", rfid.ErrNoTag},
	0x02:       {"data false", rfid.ErrBroken},
	0x03:       {"write error", rfid.ErrNotWritten},
	0x04:       {"address error", rfid.ErrRange},
	0x05:       {"wrong transponder type", rfid.ErrUnsupported},
	0x08:       {"authentication error", rfid.ErrRefused},
	0x0E:       {"general error", rfid.ErrRefused},
	0x10:       {"EEPROM failure", rfid.ErrRefused},
	parameter:  {"parameter out of range", rfid.ErrRange},
	0x80:       {"unknown command", rfid.ErrUnsupported},
	0x81:       {"wrong length", rfid.ErrRefused},
	0x82:       {"not available, the reader is in scan mode", rfid.ErrRefused},
	0x83:       {"disturbed answer from the tag", rfid.ErrBroken},
	0x93:       {"buffer overflow", rfid.ErrRefused},
	tagRefused: {"tag refused", rfid.ErrRefused},
	0x96:       {"ISO 14443 error", rfid.ErrRefused},
	0xF1:       {"hardware failure", rfid.ErrRefused},
}

// tagErrors are the causes behind a tag's own error codes.
//
// Source: ISO/IEC 15693-3, error codes.
var tagErrors = map[byte]error{
	0x01: rfid.ErrUnsupported, 0x02: rfid.ErrUnsupported, 0x03: rfid.ErrUnsupported,
	0x10: rfid.ErrRange, 0x11: rfid.ErrLocked, 0x12: rfid.ErrLocked,
	0x13: rfid.ErrNotWritten, 0x14: rfid.ErrNotWritten,
}

// refusal is an answer that says no.
func refusal(f frame) error {
	if f.Status == ok || f.Status == moreData {
		return nil
	}
	v, known := verdicts[f.Status]
	if !known {
		v.text, v.cause = "unknown status", rfid.ErrRefused
	}
	if f.Status == tagRefused && len(f.Data) > 0 {
		cause := tagErrors[f.Data[0]]
		if cause == nil {
			cause = rfid.ErrRefused
		}
		return fmt.Errorf("%w (status 95, tag error %02X)", cause, f.Data[0])
	}
	return fmt.Errorf("%w (status %02X, %s)", v.cause, byte(f.Status), v.text)
}

// appendTags appends the records of an inventory answer, each UID once. Records
// of other kinds than 15693 and 14443A are passed over.
func appendTags(dst []rfid.Tag, data []byte) ([]rfid.Tag, error) {
	if len(data) == 0 {
		return dst, fmt.Errorf("%w: inventory without a count", rfid.ErrBroken)
	}
	count, rows := int(data[0]), data[1:]
	for range count {
		width := 10
		if len(rows) > 1 && rows[0] == 0x04 && rows[1]&0x04 != 0 {
			width = 13
		}
		if len(rows) < width {
			return dst, fmt.Errorf("%w: inventory of %d records ends early", rfid.ErrBroken, count)
		}
		var t rfid.Tag
		switch rows[0] {
		case 0x03:
			t = rfid.Tag{UID: rfid.MakeUID(rows[2:10]), Kind: rfid.ISO15693, DSFID: rfid.DSFID(rows[1])}
		case 0x04:
			uid := rows[3:width]
			if width == 10 && uid[0] == 0 && uid[1] == 0 && uid[2] == 0 {
				uid = uid[3:]
			}
			t = rfid.Tag{UID: rfid.MakeUID(uid), Kind: rfid.ISO14443A}
		}
		rows = rows[width:]
		if !t.UID.IsZero() && !has(dst, t.UID) {
			dst = append(dst, t)
		}
	}
	if len(rows) > 0 {
		return dst, fmt.Errorf("%w: %d bytes after %d records", rfid.ErrBroken, len(rows), count)
	}
	return dst, nil
}

func has(tags []rfid.Tag, u rfid.UID) bool {
	for i := range tags {
		if tags[i].UID == u {
			return true
		}
	}
	return false
}

// parseInfo reads an answer to get system information.
func parseInfo(data []byte) (rfid.Info, error) {
	if len(data) != 13 {
		return rfid.Info{}, fmt.Errorf("%w: system information of %d bytes, want 13", rfid.ErrBroken, len(data))
	}
	return rfid.Info{
		DSFID: rfid.DSFID(data[0]), UID: rfid.MakeUID(data[1:9]), AFI: rfid.AFI(data[9]),
		BlockSize: int(data[10]&0x1F) + 1, Blocks: int(data[11]) + 1, ICRef: data[12],
	}, nil
}

// appendBlocks appends the blocks of a read answer, their bytes put right.
func appendBlocks(dst, data []byte, count int) (out []byte, size int, err error) {
	if len(data) < 2 {
		return dst, 0, fmt.Errorf("%w: read answer of %d bytes", rfid.ErrBroken, len(data))
	}
	n, size := int(data[0]), int(data[1])
	if n != count || size == 0 || size > 32 || len(data) != 2+n*(1+size) {
		return dst, 0, fmt.Errorf("%w: %d blocks of %d in %d bytes, want %d blocks", rfid.ErrBroken, n, size, len(data)-2, count)
	}
	for row := data[2:]; len(row) > 0; row = row[1+size:] {
		dst = appendReversed(dst, row[1:1+size])
	}
	return dst, size, nil
}

func appendReversed(dst, block []byte) []byte {
	for i := len(block) - 1; i >= 0; i-- {
		dst = append(dst, block[i])
	}
	return dst
}
