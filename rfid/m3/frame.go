package m3

import (
	"encoding/binary"
	"errors"
	"fmt"

	"coldstation/rfid"
	"coldstation/rfid/crc16"
)

const (
	startByte  = 0xD6
	probeStart = 0xD5

	cmdRead      = 0x02
	cmdCheckEAS  = 0x03
	cmdWrite     = 0x04
	cmdProbe     = 0x04 // after probeStart
	cmdWriteAFI  = 0x09
	cmdAFI       = 0x0A
	cmdEAS       = 0x0C
	cmdInfo      = 0x0D
	cmdVersion   = 0x11
	cmdInventory = 0xFE

	withUID, withDSFID = 0x01, 0x02 // options of cmdInventory
	findOption         = 0x04       // 3M's own software sets it always

	hasDSFID, hasAFI, hasMemory, hasIC = 0x01, 0x02, 0x04, 0x08 // mask of cmdInfo

	blockSize = 4
	longest   = 4096 // of a frame: 255 tags or 256 blocks need less
)

// frame is a request (without Code) or an answer.
type frame struct {
	Start   byte
	Command byte
	Code    Code   // of answers
	Data    []byte // a part of the decoded slice
}

var (
	errCut    = errors.New("frame is not complete")
	errStart  = errors.New("no frame starts like this")
	errLength = errors.New("length is not of any frame")
	errCheck  = errors.New("wrong checksum")
)

// decode reads one frame from the start of b and returns its length. errCut
// means that more bytes are needed; the length is then 0.
func decode(b []byte, answer bool) (f frame, n int, err error) {
	least := 3
	if answer {
		least++
	}
	switch {
	case len(b) > 0 && b[0] != startByte && b[0] != probeStart:
		return f, 0, errStart
	case len(b) < 3:
		return f, 0, errCut
	}
	length := int(binary.BigEndian.Uint16(b[1:]))
	n = 3 + length
	switch {
	case length < least || n > longest:
		return f, 0, errLength
	case len(b) < n:
		return f, 0, errCut
	case crc16.GENIBUS(b[1:n-2]) != binary.BigEndian.Uint16(b[n-2:]):
		return f, 0, errCheck
	}
	f.Start, f.Command, f.Data = b[0], b[3], b[4:n-2]
	if answer {
		f.Code, f.Data = Code(f.Data[0]), f.Data[1:]
	}
	return f, n, nil
}

// open begins a request in dst; seal ends it. Between them the data is appended.
func open(dst []byte, cmd byte) []byte { return append(dst, startByte, 0, 0, cmd) }

// seal fills in the length and appends the check.
func seal(b []byte) []byte {
	binary.BigEndian.PutUint16(b[1:], uint16(len(b)-1))
	return binary.BigEndian.AppendUint16(b, crc16.GENIBUS(b[1:]))
}

// encode is the inverse of decode.
func encode(f frame, answer bool) []byte {
	b := open(nil, f.Command)
	b[0] = f.Start
	if answer {
		b = append(b, byte(f.Code))
	}
	return seal(append(b, f.Data...))
}

// Code is the reader's verdict on a request.
type Code byte

// Codes the driver acts on.
const (
	ok        Code = 0x00
	parameter Code = 0x32
)

var verdicts = map[Code]struct {
	text  string
	cause error
}{
	0x02:      {"command not implemented", rfid.ErrUnsupported},
	0x06:      {"no transponder", rfid.ErrNoTag},
	0x0F:      {"unknown error", rfid.ErrRefused},
	0x11:      {"memory not available", rfid.ErrRange},
	0x12:      {"memory locked", rfid.ErrLocked},
	0x15:      {"not read", rfid.ErrBroken},
	0x16:      {"not written", rfid.ErrNotWritten},
	0x21:      {"tag error", rfid.ErrBroken},
	0x22:      {"tag error", rfid.ErrBroken},
	0x23:      {"tag error", rfid.ErrBroken},
	0x30:      {"not supported", rfid.ErrUnsupported},
	0x31:      {"option not supported", rfid.ErrUnsupported},
	parameter: {"wrong parameter", rfid.ErrRange},
	0xFD:      {"cancelled", rfid.ErrRefused},
	0xFE:      {"reader is out of memory", rfid.ErrRefused},
}

// refusal is an answer that says no.
func refusal(f frame) error {
	if f.Code == ok {
		return nil
	}
	v, known := verdicts[f.Code]
	if !known {
		v.text, v.cause = "unknown code", rfid.ErrRefused
	}
	return fmt.Errorf("%w (error %02X, %s)", v.cause, byte(f.Code), v.text)
}

// appendTags appends the tags of an inventory answer, each UID once.
func appendTags(dst []rfid.Tag, data []byte) ([]rfid.Tag, error) {
	if len(data) < 3 {
		return dst, fmt.Errorf("%w: inventory of %d bytes", rfid.ErrBroken, len(data))
	}
	options, count, rows := data[1], int(data[2]), data[3:]
	width := 8
	if options&withDSFID != 0 {
		width = 9
	}
	if options&withUID == 0 || len(rows) != count*width {
		return dst, fmt.Errorf("%w: inventory of %d tags in %d bytes, options %02X", rfid.ErrBroken, count, len(rows), options)
	}
	for ; len(rows) > 0; rows = rows[width:] {
		t := rfid.Tag{UID: rfid.MakeUID(rows[width-8 : width]), Kind: rfid.ISO15693}
		if width == 9 {
			t.DSFID = rfid.DSFID(rows[0])
		}
		if !has(dst, t.UID) {
			dst = append(dst, t)
		}
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

// parseInfo reads what follows the UID in an answer to cmdInfo. A reader may know
// less than it was asked; a chip without a known memory is of no use.
func parseInfo(data []byte) (info rfid.Info, err error) {
	short := fmt.Errorf("%w: tag information of %d bytes", rfid.ErrBroken, len(data))
	if len(data) == 0 {
		return info, short
	}
	mask, rest := data[0], data[1:]
	take := func(bit byte, n int) (b []byte) {
		if mask&bit == 0 || err != nil {
			return nil
		}
		if len(rest) < n {
			err = short
			return nil
		}
		b, rest = rest[:n], rest[n:]
		return b
	}
	if b := take(hasDSFID, 1); b != nil {
		info.DSFID = rfid.DSFID(b[0])
	}
	if b := take(hasAFI, 1); b != nil {
		info.AFI = rfid.AFI(b[0])
	}
	if b := take(hasMemory, 2); b != nil {
		info.BlockSize, info.Blocks = int(b[0]&0x1F)+1, int(b[1])+1
	}
	if b := take(hasIC, 2); b != nil {
		info.ICRef = b[1]
	}
	switch {
	case err != nil:
		return rfid.Info{}, err
	case len(rest) > 0:
		return rfid.Info{}, short
	case mask&hasMemory == 0:
		return rfid.Info{}, fmt.Errorf("%w: tag does not tell its memory", rfid.ErrUnsupported)
	}
	return info, nil
}

// appendBlocks appends the blocks that follow the UID in an answer to cmdRead
// without options.
func appendBlocks(dst, data []byte, first, count int) ([]byte, error) {
	const row = 2 + blockSize
	if len(data) != 1+count*row || int(data[0]) != count {
		return dst, fmt.Errorf("%w: %d bytes of blocks, want %d blocks", rfid.ErrBroken, len(data), count)
	}
	out := dst
	for i, b := 0, data[1:]; len(b) > 0; i, b = i+1, b[row:] {
		if int(b[0]) != first+i {
			return dst, fmt.Errorf("%w: block %d in the place of block %d", rfid.ErrBroken, b[0], first+i)
		}
		out = append(out, b[2:row]...)
	}
	return out, nil
}
