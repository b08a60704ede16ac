package rl866

import (
	"encoding/binary"
	"errors"
	"fmt"

	"coldstation/rfid"
	"coldstation/rfid/crc16"
)

const (
	startByte = 0xFA
	anyNode   = 0xFF

	resync, resynced = 0xC0, 0xE0 // PCB
	special          = 0x80       // neither of these two bits in an information block
	sequence         = 0x40
	chained          = 0x20
	acknowledge      = 0x80

	cmdInventory  = 0x31
	cmdConnect    = 0x32
	cmdDisconnect = 0x33
	cmdAccess     = 0x34

	goOn     = 0x08 // inventory flag
	all      = 0x00 // handle
	iso15693 = 0x01
	icodeSLI = 0x01 // tag type

	opRead   uint16 = 0x0003
	opWrite  uint16 = 0x0004
	opAFI    uint16 = 0x0006
	opInfo   uint16 = 0x000A
	opEASOn  uint16 = 0x000C
	opEASOff uint16 = 0x000D
	opAlarm  uint16 = 0x000F
)

// frame is a block of either direction.
type frame struct {
	Node byte
	PCB  byte
	Info []byte // a part of the decoded slice
}

var (
	errCut    = errors.New("frame is not complete")
	errStart  = errors.New("no frame starts like this")
	errLength = errors.New("length is shorter than any frame")
	errCheck  = errors.New("wrong checksum")
)

// decode reads one frame from the start of b and returns its length. errCut
// means that more bytes are needed; the length is then 0.
func decode(b []byte) (f frame, n int, err error) {
	switch {
	case len(b) > 0 && b[0] != startByte:
		return f, 0, errStart
	case len(b) < 2:
		return f, 0, errCut
	case b[1] < 5:
		return f, 0, errLength
	}
	n = 1 + int(b[1])
	switch {
	case len(b) < n:
		return f, 0, errCut
	case crc16.MCRF4XX(b[1:n]) != 0:
		return f, 0, errCheck
	}
	return frame{Node: b[2], PCB: b[3], Info: b[4 : n-2]}, n, nil
}

// open begins a frame in dst; seal ends it. Between them INF is appended.
func open(dst []byte, pcb byte) []byte { return append(dst, startByte, 0, anyNode, pcb) }

// seal fills in the length and appends the check.
func seal(b []byte) []byte {
	b[1] = byte(len(b) + 1)
	return binary.LittleEndian.AppendUint16(b, crc16.MCRF4XX(b[1:]))
}

// encode is the inverse of decode.
func encode(f frame) []byte {
	b := open(nil, f.PCB)
	b[2] = f.Node
	return seal(append(b, f.Info...))
}

// result takes the INF of an answer apart. A refusal is an error.
func result(info []byte) ([]byte, error) {
	if len(info) < 3 {
		return nil, fmt.Errorf("%w: answer of %d bytes", rfid.ErrBroken, len(info))
	}
	return info[3:], refusal(Status(binary.LittleEndian.Uint16(info[1:])))
}

// Status is the reader's verdict on a request.
type Status uint16

// Statuses that show reader and driver out of step.
const (
	outOfStep   Status = 0x104
	wrongHandle Status = 0x415
)

var verdicts = map[Status]struct {
	text  string
	cause error
}{
	0x001:       {"unknown error", rfid.ErrRefused},
	0x002:       {"invalid argument", rfid.ErrRange},
	0x003:       {"not supported", rfid.ErrUnsupported},
	0x004:       {"timeout", rfid.ErrBroken},
	0x005:       {"out of memory", rfid.ErrRefused},
	0x006:       {"not set up", rfid.ErrUnsupported},
	0x007:       {"overflow", rfid.ErrRefused},
	0x009:       {"SPI failure", rfid.ErrBroken},
	0x00A:       {"random number needed first", rfid.ErrRefused},
	0x00B:       {"wrong length of parameters", rfid.ErrRange},
	0x100:       {"wrong node", rfid.ErrBroken},
	0x101:       {"wrong checksum", rfid.ErrBroken},
	0x102:       {"wrong length", rfid.ErrBroken},
	0x103:       {"unknown command", rfid.ErrUnsupported},
	outOfStep:   {"out of step", rfid.ErrBroken},
	0x105:       {"wrong parameter", rfid.ErrRange},
	0x106:       {"wrong kind of block", rfid.ErrBroken},
	0x121:       {"no such configuration block", rfid.ErrRange},
	0x122:       {"unknown air protocol", rfid.ErrUnsupported},
	0x400:       {"wrong data from the radio chip", rfid.ErrBroken},
	0x401:       {"exchange with the tag failed", rfid.ErrBroken},
	0x402:       {"exchange with the tag failed", rfid.ErrBroken},
	0x403:       {"radio chip overflow", rfid.ErrBroken},
	0x404:       {"collision", rfid.ErrBroken},
	0x405:       {"wrong checksum from the tag", rfid.ErrBroken},
	0x406:       {"wrong parity from the tag", rfid.ErrBroken},
	0x407:       {"wrong frame from the tag", rfid.ErrBroken},
	0x408:       {"no data from the tag", rfid.ErrNoTag},
	0x409:       {"frame from the tag too short", rfid.ErrBroken},
	0x40A:       {"exchange with the tag failed", rfid.ErrBroken},
	wrongHandle: {"wrong handle", rfid.ErrBroken},
	0x416:       {"authentication failed", rfid.ErrRefused},
	0x417:       {"radio chip is dead", rfid.ErrRefused},
	0x418:       {"radio chip EEPROM failure", rfid.ErrRefused},
	0x419:       {"collision", rfid.ErrBroken},
	0x41A:       {"wrong address mode", rfid.ErrRefused},
	0x41B:       {"block is locked or does not exist", rfid.ErrLocked},
	0x41C:       {"block does not exist", rfid.ErrRange},
	0x41D:       {"password missing or locked", rfid.ErrLocked},
	0x41E:       {"not authenticated", rfid.ErrLocked},
	0x420:       {"no tag", rfid.ErrNoTag},
	0x421:       {"unknown type of tag", rfid.ErrUnsupported},
	0x422:       {"tag refused", rfid.ErrRefused},
	0x423:       {"wrong data from the tag", rfid.ErrBroken},
	0x424:       {"wrong UID from the tag", rfid.ErrBroken},
}

// denied is a status that is not 0.
type denied struct {
	status Status
	cause  error
	text   string
}

func (d *denied) Error() string {
	return fmt.Sprintf("%v (status %03X, %s)", d.cause, uint16(d.status), d.text)
}
func (d *denied) Unwrap() error { return d.cause }

// lost tells whether after this answer the reader has to be brought into step.
func lost(err error) bool {
	if err == nil {
		return false
	}
	var d *denied
	return !errors.As(err, &d) || d.status == outOfStep || d.status == wrongHandle
}

func refusal(s Status) error {
	if s == 0 {
		return nil
	}
	v, known := verdicts[s]
	if !known {
		v.text, v.cause = "unknown status", rfid.ErrRefused
	}
	return &denied{s, v.cause, v.text}
}

// ebv reads a length. n is its own length in bytes, 0 when it is cut or absurd.
func ebv(b []byte) (value, n int) {
	for i, c := range b {
		if i > 2 {
			break
		}
		value = value<<7 | int(c&0x7F)
		if c&0x80 == 0 {
			return value, i + 1
		}
	}
	return 0, 0
}

// outcome takes the result of one operation of a cmdAccess apart.
func outcome(data []byte, code uint16) ([]byte, error) {
	length, n := ebv(data)
	switch {
	case n == 0 || length != len(data)-n || length < 3:
		return nil, fmt.Errorf("%w: result of %d bytes", rfid.ErrBroken, len(data))
	case binary.LittleEndian.Uint16(data[n:]) != code:
		return nil, fmt.Errorf("%w: result of %04X", rfid.ErrBroken, binary.LittleEndian.Uint16(data[n:]))
	}
	done, rest := data[n+2], data[n+3:]
	switch {
	case done == 1:
		return rest, nil
	case done != 0 || len(rest) != 2 || rest[0] == 0 && rest[1] == 0:
		return nil, fmt.Errorf("%w: result % X", rfid.ErrBroken, data[n:])
	}
	return nil, refusal(Status(binary.LittleEndian.Uint16(rest)))
}

// round is what an inventory answer says besides its tags.
type round struct {
	more   bool // the reader's memory was full
	total  int  // found
	listed int  // in this answer
}

// tag is an ISO 15693 tag with the number that the reader has for its type.
type tag struct {
	uid  rfid.UID
	kind byte
}

// appendReports appends the ISO 15693 tags of an inventory answer, each UID once.
func appendReports(dst []tag, data []byte) ([]tag, round, error) {
	if len(data) < 4 || data[0] > 1 {
		return dst, round{}, fmt.Errorf("%w: inventory of %d bytes", rfid.ErrBroken, len(data))
	}
	r := round{more: data[0] == 1, total: int(binary.LittleEndian.Uint16(data[1:])), listed: int(data[3])}
	rest := data[4:]
	for i := range r.listed {
		t, n := report(rest)
		if n == 0 {
			return dst, r, fmt.Errorf("%w: report %d of %d cannot be read", rfid.ErrBroken, i+1, r.listed)
		}
		rest = rest[n:]
		if !t.uid.IsZero() && !has(dst, t.uid) {
			dst = append(dst, t)
		}
	}
	if len(rest) > 0 {
		return dst, r, fmt.Errorf("%w: %d bytes after %d reports", rfid.ErrBroken, len(rest), r.listed)
	}
	return dst, r, nil
}

// report reads one report and returns its length, 0 when it cannot be read.
// Another air protocol than ISO 15693 leaves the zero UID.
func report(b []byte) (t tag, n int) {
	if len(b) == 0 || b[0]&0x60 != 0 {
		return t, 0
	}
	flags, air := b[0], byte(iso15693)
	n = 1
	one := func(bit byte) (v byte) {
		if flags&bit == 0 || n == 0 {
			return 0
		}
		if n >= len(b) {
			n = 0
			return 0
		}
		n++
		return b[n-1]
	}
	skip := func(size int) {
		if n += size; n > len(b) {
			n = 0
		}
	}
	one(0x01)
	if flags&0x02 != 0 {
		air = one(0x02)
	}
	t.kind = one(0x04)
	if length := int(one(0x08)); length > 0 && n > 0 {
		at := n
		if skip(length); n > 0 && air == iso15693 && length >= 8 {
			t.uid = rfid.MakeUID(b[at : at+8]).Reversed()
		}
	}
	if flags&0x10 != 0 && n > 0 {
		if low, high := one(0x10), one(0x10); n > 0 {
			skip((int(high)<<8 + int(low) + 7) / 8)
		}
	}
	if flags&0x80 != 0 && n > 0 {
		length, own := ebv(b[n:])
		if own == 0 {
			return tag{}, 0
		}
		skip(own + length)
	}
	if n == 0 {
		return tag{}, 0
	}
	return t, n
}

func has(tags []tag, u rfid.UID) bool {
	for i := range tags {
		if tags[i].uid == u {
			return true
		}
	}
	return false
}

// parseInfo reads the data of an opInfo.
func parseInfo(data []byte) (rfid.Info, error) {
	const hasMemory = 0x04
	switch {
	case len(data) != 14:
		return rfid.Info{}, fmt.Errorf("%w: system information of %d bytes, want 14", rfid.ErrBroken, len(data))
	case data[0]&hasMemory == 0:
		return rfid.Info{}, fmt.Errorf("%w: tag does not tell its memory", rfid.ErrUnsupported)
	}
	return rfid.Info{
		UID: rfid.MakeUID(data[1:9]).Reversed(), DSFID: rfid.DSFID(data[9]), AFI: rfid.AFI(data[10]),
		Blocks: int(data[11]) + 1, BlockSize: int(data[12]&0x1F) + 1, ICRef: data[13],
	}, nil
}

// appendBlocks appends the data of an opRead without security bytes. There may be
// fewer blocks than asked for.
func appendBlocks(dst, data []byte, asked int) (out []byte, count, size int, err error) {
	if len(data) >= 2 {
		count = int(binary.LittleEndian.Uint16(data))
		data = data[2:]
	}
	if count == 0 || count > asked || len(data)%count != 0 || len(data) == 0 || len(data)/count > 32 {
		return dst, 0, 0, fmt.Errorf("%w: %d blocks in %d bytes, want %d", rfid.ErrBroken, count, len(data), asked)
	}
	return append(dst, data...), count, len(data) / count, nil
}
