package sim

import (
	"encoding/binary"
	"slices"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/crc16"
)

// M3 is a 3M (Bibliotheca) reader model 210 or 810. The frames are drawn in
// package m3's comment. What it does beyond our own driver's needs:
//
//   - answers the probe and the request for parameters of 3M's own software
//   - filters an inventory by AFI, with and without UIDs and DSFIDs
//   - reads in the old form with block numbers and in both new forms
//   - keeps a quieted tag out of inventories until it leaves the field
//   - hands raw ISO 15693 requests to the tags
//
// Its line must be Single, since it ignores what comes before it has answered.
//
// Source: 3M, RFID Reader Model 210 Protocol Specification 1.0.0; exchanges
// recorded from a model 810 with hardware version 10.5.0.2. Ours are: the code
// for a wrong length (32), what 13 answers beyond the four parameters recorded,
// and that a raw request is taken with or without its check and answered without.
type M3 struct {
	Version [4]byte // vendor, major, minor, build
	Twice   bool    // list the first tag twice, as the second poll does at times
	Read    int     // most blocks in one read

	table *Table
	quiet map[rfid.UID]int // by visit
}

// Commands.
const (
	m3Quiet, m3Read, m3CheckEAS, m3Write, m3WriteBlock = 0x01, 0x02, 0x03, 0x04, 0x05
	m3LockAFI, m3WriteLock, m3Lock, m3WriteAFI, m3AFI  = 0x06, 0x07, 0x08, 0x09, 0x0A
	m3WriteDSFID, m3EAS, m3Info, m3LockDSFID, m3DSFID  = 0x0B, 0x0C, 0x0D, 0x0E, 0x0F
	m3Version, m3Parameters, m3Raw, m3Inventory        = 0x11, 0x13, 0x14, 0xFE
)

// Error codes.
const (
	m3OK             = 0x00
	m3NotImplemented = 0x02
	m3NoTag          = 0x06
	m3Unknown        = 0x0F
	m3NoMemory       = 0x11
	m3Locked         = 0x12
	m3NotSupported   = 0x30
	m3Option         = 0x31
	m3Parameter      = 0x32
)

// NewM3 is a reader that sees the table.
func NewM3(t *Table) *M3 {
	r := &M3{table: t, Version: [4]byte{0x0A, 5, 0, 2}, Read: 255}
	r.Reset()
	return r
}

var m3Choices = choices[*M3]{"twice": func(r *M3) { r.Twice = true }}

// Choices and Choose implement Chooser.
func (r *M3) Choices() []string       { return m3Choices.list() }
func (r *M3) Choose(word string) bool { return m3Choices.choose(r, word) }

// Reset implements Device: the field drops.
func (r *M3) Reset() { r.quiet = map[rfid.UID]int{} }

// Frame implements Device: D6 or D5, then two bytes of length. The reader waits
// for a first byte, whatever comes before it.
func (r *M3) Frame(b []byte) int {
	whole := m3Start(b)
	if len(whole) < 3 && len(b) < 4096 {
		return 0
	}
	n := 3
	if len(whole) >= 3 {
		n += int(binary.BigEndian.Uint16(whole[1:]))
	}
	switch {
	case n < 6 || n > 4096:
		return -1
	case len(whole) < n:
		return 0
	}
	return len(b) - len(whole) + n
}

// m3Start cuts what comes before a frame's first byte.
func m3Start(b []byte) []byte {
	i := slices.IndexFunc(b, func(c byte) bool { return c == 0xD6 || c == 0xD5 })
	if i < 0 {
		return nil
	}
	return b[i:]
}

// MoveLength implements Device.
func (r *M3) MoveLength(answer []byte) { answer[2] += 3 }

// Foreign implements Device: a version.
func (r *M3) Foreign() []byte {
	return r.frame(nil, 0xD6, m3Version, m3OK, r.Version[:])
}

func (r *M3) frame(dst []byte, start, cmd, code byte, data []byte) []byte {
	dst = append(dst, start)
	from := len(dst)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(data)+4))
	dst = append(append(dst, cmd, code), data...)
	return binary.BigEndian.AppendUint16(dst, crc16.GENIBUS(dst[from:]))
}

// open takes a request apart. ok is false when it is broken.
func (r *M3) open(request []byte) (start, cmd byte, data []byte, ok bool) {
	request = m3Start(request)
	body := request[1 : len(request)-2]
	if crc16.GENIBUS(body) != binary.BigEndian.Uint16(request[len(request)-2:]) {
		return 0, 0, nil, false
	}
	return request[0], body[2], body[3:], true
}

// Writes implements Device.
func (r *M3) Writes(request []byte) rfid.UID {
	start, cmd, data, ok := r.open(request)
	if !ok || start != 0xD6 || len(data) < 8 {
		return rfid.UID{}
	}
	switch cmd {
	case m3Write, m3WriteBlock, m3WriteLock, m3Lock, m3WriteAFI, m3LockAFI, m3WriteDSFID, m3LockDSFID, m3EAS:
		return rfid.MakeUID(data[:8])
	}
	return rfid.UID{}
}

// Answer implements Device.
func (r *M3) Answer(dst, request []byte, m Moment) ([]byte, time.Duration) {
	start, cmd, data, ok := r.open(request)
	if !ok {
		return dst, 0
	}
	if start == 0xD5 {
		if cmd != 0x04 || !slices.Equal(data, []byte{0x00, m3Version}) {
			return dst, 0
		}
		return r.frame(dst, 0xD5, cmd, 0x00, append([]byte{m3Version}, r.Version[:]...)), 0
	}
	var code byte
	var out []byte
	var air time.Duration
	switch cmd {
	case m3Inventory:
		code, out, air = r.inventory(data)
	case m3Version:
		if code = m3Parameter; len(data) == 0 {
			code, out = m3OK, r.Version[:]
		}
	case m3Parameters:
		code, out = r.parameters(data)
	case m3Raw:
		code, out, air = r.raw(data)
	default:
		code, out, air = r.addressed(cmd, data, m)
	}
	return r.frame(dst, 0xD6, cmd, code, out), air
}

// parameters answers 13: a count, then that many numbers of two bytes, low byte
// first; two bytes come back for each.
func (r *M3) parameters(data []byte) (byte, []byte) {
	if len(data) == 0 || len(data) != 1+2*int(data[0]) {
		return m3Parameter, nil
	}
	recorded := map[byte][2]byte{1: {0x02, 0x01}, 2: {0x01, 0x03}, 3: {0x02, 0x02}, 4: {0x03, 0x00}}
	var out []byte
	for i := 1; i < len(data); i += 2 {
		value := recorded[data[i]]
		out = append(out, value[:]...)
	}
	return m3OK, out
}

// Options of an inventory.
const (
	m3WithUID, m3WithDSFID, m3OnePoll, m3WithProtocols = 0x01, 0x02, 0x20, 0x40
)

func (r *M3) inventory(data []byte) (byte, []byte, time.Duration) {
	if len(data) < 2 || len(data) != 2+int(data[1]&m3WithProtocols>>6) {
		return m3Parameter, nil, 0
	}
	afi, options := data[0], data[1]
	air := 10 * time.Millisecond
	out := []byte{afi, options, 0}
	list := func(c *Chip) {
		if options&m3WithDSFID != 0 {
			out = append(out, byte(c.DSFID))
		}
		if options&m3WithUID != 0 {
			out = c.UID.Append(out)
		}
		out[2]++
	}
	r.table.Each(func(c *Chip) bool {
		visit, hushed := r.quiet[c.UID]
		if c.Kind != rfid.ISO15693 || hushed && visit == c.visit || !family(afi, byte(c.AFI)) {
			return true
		}
		list(c)
		if r.Twice && out[2] == 1 && options&m3OnePoll == 0 {
			list(c)
		}
		air += 8 * time.Millisecond
		return out[2] < 255
	})
	if options&m3OnePoll == 0 {
		air += 10 * time.Millisecond
	}
	return m3OK, out, air
}

// family tells whether a tag with an AFI answers an inventory for another: 00
// means all, X0 all of family X.
//
// Source: ISO/IEC 15693-3, application family identifier.
func family(wanted, afi byte) bool {
	return wanted == 0 || wanted == afi || wanted&0x0F == 0 && wanted&0xF0 == afi&0xF0
}

// addressed is the commands that begin with a UID; so do their answers.
func (r *M3) addressed(cmd byte, data []byte, m Moment) (byte, []byte, time.Duration) {
	const air = 8 * time.Millisecond
	// For each command the bytes that follow the UID.
	lengths, known := map[byte][]int{m3Quiet: {0}, m3Read: {2, 3}, m3CheckEAS: {0}, m3WriteBlock: {5}, m3LockAFI: {0},
		m3WriteLock: {5}, m3Lock: {1}, m3WriteAFI: {1}, m3AFI: {0}, m3WriteDSFID: {1}, m3EAS: {1}, m3Info: {1},
		m3LockDSFID: {0}, m3DSFID: {0}, m3Write: nil}[cmd]
	switch {
	case !known:
		return m3NotImplemented, nil, 0
	case len(data) < 8:
		return m3Parameter, nil, 0
	}
	uid, rest := rfid.MakeUID(data[:8]), data[8:]
	head := uid.Bytes()
	if cmd == m3Write {
		if len(rest) < 3 || rest[1] == 0 || len(rest) != 3+4*int(rest[1]) {
			return m3Parameter, head, 0
		}
	} else if !slices.Contains(lengths, len(rest)) {
		return m3Parameter, head, 0
	}
	code, out, took := byte(m3NoTag), absent(cmd, rest), air
	if m.Lifted != Before {
		r.table.With(uid, func(c *Chip) {
			if c.Kind == rfid.ISO15693 {
				code, out, took = r.chip(c, cmd, rest, m)
			}
		})
	}
	if m.Lifted != Whole {
		r.table.LiftUID(uid)
		code, out = m3NoTag, absent(cmd, rest)
	}
	return code, append(head, out...), took
}

// absent is what stands after the UID when no tag answered: the number of blocks
// read, or the block that could not be written.
func absent(cmd byte, rest []byte) []byte {
	switch {
	case cmd == m3Read && len(rest) == 3 && rest[2]&0x04 != 0:
		return []byte{rest[0], 0}
	case cmd == m3Read:
		return []byte{0}
	case cmd == m3Write:
		return []byte{rest[0]}
	}
	return nil
}

// chip is a command that one chip carries out.
func (r *M3) chip(c *Chip, cmd byte, rest []byte, m Moment) (byte, []byte, time.Duration) {
	const air = 8 * time.Millisecond
	half := m.Lifted == Middle
	switch cmd {
	case m3Quiet:
		r.quiet[c.UID] = c.visit
		return m3OK, nil, air
	case m3Read:
		return r.read(c, rest)
	case m3Write:
		return r.write(c, rest, half)
	case m3AFI:
		return m3OK, []byte{byte(c.AFI)}, air
	case m3DSFID:
		return m3OK, []byte{byte(c.DSFID)}, air
	case m3Info:
		return m3OK, r.info(c, rest[0]), air
	case m3CheckEAS:
		if !c.NXP() || !c.EAS {
			return m3NoTag, nil, air // the tag keeps silent
		}
		return m3OK, []byte{1}, air
	case m3EAS:
		switch {
		case rest[0] > 1:
			return m3Parameter, nil, 0
		case !c.NXP():
			return m3NoTag, nil, air // a command it does not know
		case !half:
			c.EAS = rest[0] == 1
		}
		return m3OK, nil, air
	}
	if half {
		return m3NoTag, nil, air
	}
	e := OK
	switch cmd {
	case m3WriteBlock, m3WriteLock:
		if c.BlockSize != 4 {
			return m3NotSupported, nil, 0
		}
		if e = c.WriteBlock(int(rest[0]), rest[1:]); e == OK && cmd == m3WriteLock {
			e = c.LockBlock(int(rest[0]))
		}
	case m3Lock:
		e = c.LockBlock(int(rest[0]))
	case m3WriteAFI:
		e = c.WriteAFI(rfid.AFI(rest[0]))
	case m3LockAFI:
		e = c.LockAFI()
	case m3WriteDSFID:
		e = c.WriteDSFID(rfid.DSFID(rest[0]))
	case m3LockDSFID:
		e = c.LockDSFID()
	}
	return m3Code(e), nil, air
}

// m3Code translates a tag's own error code.
func m3Code(e byte) byte {
	switch e {
	case OK:
		return m3OK
	case NotSupported, NotRecognised:
		return m3NotSupported
	case NoBlock:
		return m3NoMemory
	case AlreadyLocked, BlockLocked:
		return m3Locked
	}
	return m3Unknown
}

// read is blocks in one of three forms.
func (r *M3) read(c *Chip, rest []byte) (byte, []byte, time.Duration) {
	first, count, options := int(rest[0]), int(rest[1]), byte(0)
	if len(rest) == 3 {
		options = rest[2]
	}
	fresh, bare := options&0x04 != 0, options&0x0C == 0x0C
	switch {
	case c.BlockSize != 4:
		return m3NotSupported, absent(m3Read, rest), 0
	case bare != (options&0x08 != 0):
		return m3Option, absent(m3Read, rest), 0
	case count == 0 || count > r.Read:
		return m3Parameter, absent(m3Read, rest), 0
	case first+count > c.Blocks():
		return m3NoMemory, absent(m3Read, rest), 8 * time.Millisecond
	}
	out := []byte{byte(count)}
	if fresh {
		out = []byte{byte(first), byte(count)}
	}
	for n := first; n < first+count; n++ {
		if !fresh {
			out = append(out, byte(n))
		}
		if !bare {
			lock := byte(0)
			if c.Locked[n] {
				lock = 1
			}
			out = append(out, lock)
		}
		out = append(out, c.Block(n)...)
	}
	return m3OK, out, time.Duration(3+2*count) * time.Millisecond
}

// write stores blocks until one fails, and answers with the block after the last
// one written or with the one that failed.
func (r *M3) write(c *Chip, rest []byte, half bool) (byte, []byte, time.Duration) {
	first, count, data := int(rest[0]), int(rest[1]), rest[3:]
	if c.BlockSize != 4 {
		return m3NotSupported, rest[:1], 0
	}
	air := time.Duration(count) * 6 * time.Millisecond
	if half {
		count /= 2
	}
	for n := range count {
		if e := c.WriteBlock(first+n, data[4*n:4*n+4]); e != OK {
			return m3Code(e), []byte{byte(first + n)}, air
		}
	}
	return m3OK, []byte{byte(first + count)}, air
}

func (r *M3) info(c *Chip, mask byte) []byte {
	mask &= 0x0F
	out := []byte{mask}
	if mask&1 != 0 {
		out = append(out, byte(c.DSFID))
	}
	if mask&2 != 0 {
		out = append(out, byte(c.AFI))
	}
	if mask&4 != 0 {
		out = append(out, byte(c.BlockSize-1), byte(c.Blocks()-1))
	}
	if mask&8 != 0 {
		out = append(out, 0, c.ICRef)
	}
	return out
}

// raw hands a request to the air.
func (r *M3) raw(data []byte) (byte, []byte, time.Duration) {
	const head = 6
	if len(data) < head {
		return m3Parameter, nil, 0
	}
	size, control, req := int(binary.BigEndian.Uint16(data)), binary.BigEndian.Uint16(data[4:]), data[head:]
	if control&0x8000 != 0 && len(req) > 0 {
		req = req[1:] // flags of the field
	}
	if len(req) != size || size < 2 {
		return m3Parameter, nil, 0
	}
	if crc16.UpdateReflected(crc16.Init, req) == crc16.Residue {
		req = req[:len(req)-2]
	}
	out, took := air(r.table, req)
	if out == nil {
		return m3NoTag, []byte{0, 0, 0}, took
	}
	return m3OK, append([]byte{0, byte(len(out) >> 8), byte(len(out))}, out...), took
}
