package sim

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/crc16"
)

// RL866 is a reader of the RL866, RL8600 and M201 family. The frames are drawn in
// package rl866's comment. What it does beyond our own driver's needs:
//
//   - answers the configuration blocks of a real reader
//   - takes all parameters of an inventory: antennas, air protocols, stop trigger
//   - connects in addressed, non-addressed and selected mode
//   - carries out several operations of one access
//   - reads and writes single blocks, with and without lock states
//   - splits long answers into blocks that go on, and takes such requests
//
// Source: exchanges recorded by the Lainuri project and the remarks and error
// codes in its sources. Ours are: that the blocks of a long answer are sent at
// once with the request's sequence number; which status belongs to which mistake;
// that an alarm that sounds has no data; that a read of more blocks than the tag
// has brings what there is, as Lainuri relies on.
type RL866 struct {
	Address byte // of the node, 01; a request to FF means any
	Buffer  int  // tags found in one round of an inventory
	Strict  bool // refuse an unexpected sequence number; a repeated request is answered again, not carried out
	Polite  bool // send the blocks of a long answer one by one, when asked

	table   *Table
	config  [7][14]byte
	handles map[byte]connection
	more    []rfid.Tag // found, not yet reported
	request []byte     // the part received of a request that goes on
	answer  []byte     // the part not yet sent of one
	next    byte       // sequence bit expected
	last    [2][]byte  // request and answer
}

// connection is what a handle stands for.
type connection struct {
	mode byte
	uid  rfid.UID
}

// Control bytes, commands, address modes and operations.
const (
	rlResync, rlResynced, rlMore, rlSequence = 0xC0, 0xE0, 0x20, 0x40

	rlConfig, rlInventory, rlConnect, rlDisconnect, rlAccess = 0x01, 0x31, 0x32, 0x33, 0x34

	rlAny, rlAddressed, rlSelected = 0, 1, 2

	rlReady, rlSelect, rlRead, rlWrite, rlAFI = 0x0001, 0x0002, 0x0003, 0x0004, 0x0006
	rlInfo, rlEASOn, rlEASOff, rlAlarm        = 0x000A, 0x000C, 0x000D, 0x000F
	rlReadBlock, rlWriteBlock                 = 0x004F, 0x0050

	rlMostInfo = 250 // bytes of INF in one block
)

// Statuses.
const (
	rlNotSupported = 0x003
	rlMemory       = 0x005
	rlArguments    = 0x00B
	rlUnknown      = 0x103
	rlOutOfStep    = 0x104
	rlParameter    = 0x105
	rlNoConfig     = 0x121
	rlNoAir        = 0x122
	rlHandle       = 0x415
	rlCollision    = 0x419
	rlLocked       = 0x41B
	rlNoBlock      = 0x41C
	rlNoTag        = 0x420
)

// NewRL866 is a reader that sees the table.
func NewRL866(t *Table) *RL866 {
	r := &RL866{Address: 0x01, Buffer: 16, table: t}
	r.config = [7][14]byte{ // as a real reader's
		{0x01, 0x02, 0x02, 0x00, 0x03, 0x01, 0x64},
		{0x00, 0x09, 0x00, 0xFF, 0x00, 0x10, 0x07, 0x13, 0x01, 0x0E, 0x08, 0x09, 0x0B},
		{0x00, 0x00, 0x00, 0xE8, 0x03, 0x00, 0x00, 0x00, 0x00, 0x43, 0x83},
		{}, {},
		{0x01, 0x00, 0x03, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01},
		{0x00, 0x00, 0x00, 0x00, 0x06},
	}
	r.Reset()
	return r
}

var rl866Choices = choices[*RL866]{
	"strict": func(r *RL866) { r.Strict = true },
	"polite": func(r *RL866) { r.Polite = true },
}

// Choices and Choose implement Chooser.
func (r *RL866) Choices() []string       { return rl866Choices.list() }
func (r *RL866) Choose(word string) bool { return rl866Choices.choose(r, word) }

// Reset implements Device: handles and sequence numbers are forgotten.
func (r *RL866) Reset() {
	r.handles, r.more = map[byte]connection{}, nil
	r.resync()
}

func (r *RL866) resync() { r.request, r.answer, r.next, r.last = nil, nil, 0, [2][]byte{} }

// Frame implements Device: FA, then the length. The reader waits for FA, whatever
// comes before it.
func (r *RL866) Frame(b []byte) int {
	i := bytes.IndexByte(b, 0xFA)
	switch {
	case i < 0 && len(b) > 4096:
		return -1
	case i < 0 || len(b) < i+2:
		return 0
	case b[i+1] < 5:
		return -1
	case len(b) < i+1+int(b[i+1]):
		return 0
	}
	return i + 1 + int(b[i+1])
}

// MoveLength implements Device.
func (r *RL866) MoveLength(answer []byte) { answer[1] += 3 }

// Foreign implements Device: the answer to a RESYNC.
func (r *RL866) Foreign() []byte { return r.frame(nil, rlResynced, nil) }

func (r *RL866) frame(dst []byte, pcb byte, info []byte) []byte {
	start := len(dst)
	dst = append(append(dst, 0xFA, byte(len(info)+5), r.Address, pcb), info...)
	return binary.LittleEndian.AppendUint16(dst, crc16.MCRF4XX(dst[start+1:]))
}

// open takes a request apart. ok is false when it is broken or not for us.
func (r *RL866) open(request []byte) (pcb byte, info []byte, ok bool) {
	request = request[bytes.IndexByte(request, 0xFA)+1:]
	if crc16.MCRF4XX(request) != 0 || request[1] != 0xFF && request[1] != r.Address {
		return 0, nil, false
	}
	return request[2], request[3 : len(request)-2], true
}

// Writes implements Device.
func (r *RL866) Writes(request []byte) rfid.UID {
	pcb, info, ok := r.open(request)
	if !ok || pcb&0x80 != 0 || len(info) < 5 || info[0] != rlAccess {
		return rfid.UID{}
	}
	switch binary.LittleEndian.Uint16(info[3:]) {
	case rlWrite, rlWriteBlock, rlAFI, rlEASOn, rlEASOff:
		return r.handles[info[1]].uid
	}
	return rfid.UID{}
}

// Answer implements Device.
func (r *RL866) Answer(dst, request []byte, m Moment) ([]byte, time.Duration) {
	pcb, info, ok := r.open(request)
	switch {
	case !ok:
		return dst, 0
	case pcb == rlResync:
		r.resync()
		return r.frame(dst, rlResynced, nil), 0
	case pcb&0x80 != 0: // an acknowledgement; other special blocks are not known to do anything
		if pcb&0xC0 == 0x80 && len(r.answer) > 0 {
			return r.send(dst, r.next^rlSequence), 0
		}
		return dst, 0
	case pcb&rlMore != 0:
		r.request = append(r.request, info...)
		return r.frame(dst, 0x80|(pcb&rlSequence^rlSequence)>>2, nil), 0
	}
	seq := pcb & rlSequence
	info = append(r.request, info...)
	r.request = nil
	if len(info) == 0 {
		return dst, 0
	}
	if r.Strict && seq != r.next {
		if bytes.Equal(request, r.last[0]) {
			return append(dst, r.last[1]...), 0
		}
		return r.frame(dst, seq, []byte{info[0], rlOutOfStep & 0xFF, rlOutOfStep >> 8}), 0
	}
	r.next = seq ^ rlSequence
	status, out, air := r.carryOut(info[0], info[1:], m)
	r.answer = append(binary.LittleEndian.AppendUint16([]byte{info[0]}, status), out...)
	start := len(dst)
	dst = r.send(dst, seq)
	r.last = [2][]byte{slices.Clone(request), slices.Clone(dst[start:])}
	return dst, air
}

// send appends the next block of the answer, or all that are left.
func (r *RL866) send(dst []byte, seq byte) []byte {
	for {
		n := min(len(r.answer), rlMostInfo)
		pcb := seq
		if n < len(r.answer) {
			pcb |= rlMore
		}
		dst = r.frame(dst, pcb, r.answer[:n])
		r.answer = r.answer[n:]
		if len(r.answer) == 0 || r.Polite {
			return dst
		}
	}
}

// carryOut is one whole command.
func (r *RL866) carryOut(cmd byte, data []byte, m Moment) (status uint16, out []byte, air time.Duration) {
	switch cmd {
	case rlConfig:
		if len(data) != 2 {
			return rlParameter, nil, 0
		}
		first := int(data[0]&0x3F) - 1 // b7 chooses between RAM and ROM, which hold the same here
		if first < 0 || first >= len(r.config) || data[1] == 0 {
			return rlNoConfig, nil, 0
		}
		n := min(int(data[1]), len(r.config)-first)
		out = []byte{byte(n)}
		for _, block := range r.config[first : first+n] {
			out = append(out, block[:]...)
		}
		return 0, out, 0
	case rlInventory:
		return r.inventory(data)
	case rlConnect:
		return r.connect(data)
	case rlDisconnect:
		return r.disconnect(data), nil, 0
	case rlAccess:
		return r.access(data, m)
	}
	return rlUnknown, nil, 0
}

// Flags of an inventory.
const (
	rlAntennas = 0x01
	rlAirs     = 0x02
	rlTrigger  = 0x04
	rlGoOn     = 0x08
)

// inventory finds all ISO 15693 tags and reports as many as the buffer holds.
func (r *RL866) inventory(data []byte) (uint16, []byte, time.Duration) {
	if len(data) == 0 {
		return rlParameter, nil, 0
	}
	wanted, ok := inventoryParameters(data)
	if !ok {
		return rlParameter, nil, 0
	}
	air := 10 * time.Millisecond
	if data[0]&rlGoOn == 0 {
		r.more = nil
		r.table.Each(func(c *Chip) bool {
			if wanted && c.Kind == rfid.ISO15693 {
				r.more = append(r.more, c.Tag)
			}
			return true
		})
	}
	n := min(len(r.more), r.Buffer, 255)
	out := []byte{0, byte(n), byte(n >> 8), byte(n)}
	if n < len(r.more) {
		out[0] = 1
	}
	for _, t := range r.more[:n] {
		out = append(out, 0x0E, 0x01, rlType(t.UID), 9)
		out = append(t.UID.Reversed().Append(out), 0)
	}
	r.more = r.more[n:]
	return 0, out, air + time.Duration(n)*8*time.Millisecond
}

// inventoryParameters tells whether the reader's one antenna and ISO 15693 are
// among what the flags' parameters ask for.
func inventoryParameters(data []byte) (wanted, ok bool) {
	flags, rest := data[0], data[1:]
	wanted = true
	if flags&rlAntennas != 0 {
		if len(rest) == 0 || len(rest) < 1+(int(rest[0])+7)/8 {
			return false, false
		}
		n := (int(rest[0]) + 7) / 8
		wanted = n > 0 && rest[1]&1 != 0
		rest = rest[1+n:]
	}
	if flags&rlAirs != 0 {
		if len(rest) == 0 {
			return false, false
		}
		count, found := int(rest[0]), false
		rest = rest[1:]
		for range count {
			if len(rest) < 3 {
				return false, false
			}
			length, n := lengthEBV(rest[2:])
			if n == 0 || len(rest) < 2+n+length {
				return false, false
			}
			found = found || rest[0] == 0x01
			rest = rest[2+n+length:]
		}
		wanted = wanted && found
	}
	if flags&rlTrigger != 0 {
		const size = 1 + 4 + 2 // type, timeout, value
		if len(rest) < size || rest[0] > 3 {
			return false, false
		}
		rest = rest[size:]
	}
	return wanted, len(rest) == 0 && flags&^(rlAntennas|rlAirs|rlTrigger|rlGoOn) == 0
}

// rlType is the reader's number for a type of tag.
func rlType(u rfid.UID) byte {
	b := u.Bytes()
	switch {
	case b[1] == 0x04 && b[2] == 0x02:
		return 12 // ICODE SLIX-S
	case b[1] == 0x04:
		return [4]byte{1, 10, 7, 1}[b[3]>>3&3] // ICODE SLI, SLIX2, SLIX
	case b[1] == 0x07:
		return 2 // TI HF-I Plus
	case b[1] == 0x02:
		return 3 // ST M24LR
	case b[1] == 0x08:
		return 4 // Fujitsu MB89R118C
	}
	return 0
}

// connect takes antenna, air protocol, tag type, and a length with as many bytes
// of parameters: the address mode, and the UID unless it needs none.
func (r *RL866) connect(data []byte) (uint16, []byte, time.Duration) {
	const mostHandles = 16
	if len(data) < 5 || len(data) != 4+int(data[3]) {
		return rlParameter, nil, 0
	}
	if data[1] > 1 {
		return rlNoAir, nil, 0
	}
	c := connection{mode: data[4]}
	switch {
	case c.mode > rlSelected, c.mode == rlAny && data[3] != 1, c.mode != rlAny && data[3] != 9:
		return rlParameter, nil, 0
	case c.mode != rlAny:
		c.uid = rfid.MakeUID(data[5:13]).Reversed()
	}
	if c.mode == rlSelected && !r.table.With(c.uid, func(*Chip) {}) {
		return rlNoTag, nil, 5 * time.Millisecond
	}
	for h := byte(1); h <= mostHandles; h++ {
		if held, taken := r.handles[h]; !taken || held == c {
			r.handles[h] = c
			return 0, []byte{h}, 0
		}
	}
	return rlMemory, nil, 0
}

func (r *RL866) disconnect(data []byte) uint16 {
	if len(data) != 1 {
		return rlParameter
	}
	if data[0] == 0 {
		clear(r.handles)
		return 0
	}
	if _, known := r.handles[data[0]]; !known {
		return rlHandle
	}
	delete(r.handles, data[0])
	return 0
}

// lengthEBV reads a length of 7 bits to a byte; n is its own length, 0 if cut.
func lengthEBV(b []byte) (value, n int) {
	for i, c := range b[:min(len(b), 2)] {
		if value = value<<7 | int(c&0x7F); c&0x80 == 0 {
			return value, i + 1
		}
	}
	return 0, 0
}

// access carries out operations until one cannot be read.
func (r *RL866) access(data []byte, m Moment) (uint16, []byte, time.Duration) {
	if len(data) < 2 {
		return rlParameter, nil, 0
	}
	c, known := r.handles[data[0]]
	if !known {
		return rlHandle, nil, 0
	}
	var out []byte
	var air time.Duration
	for rest := data[1:]; len(rest) > 0; {
		length, n := lengthEBV(rest)
		if n == 0 || length < 2 || len(rest) < n+length {
			return rlParameter, nil, 0
		}
		op := rest[n : n+length]
		rest = rest[n+length:]
		status, data, took := r.operate(c, binary.LittleEndian.Uint16(op), op[2:], m)
		air += took
		done := byte(1)
		if status != 0 {
			done, data = 0, []byte{byte(status), byte(status >> 8)}
		}
		if size := 3 + len(data); size < 0x80 {
			out = append(out, byte(size))
		} else {
			out = append(out, 0x80|byte(size>>7), byte(size&0x7F))
		}
		out = append(append(out, op[0], op[1], done), data...)
	}
	return 0, out, air
}

// operate is one operation on the tag of a connection.
func (r *RL866) operate(c connection, code uint16, p []byte, m Moment) (status uint16, out []byte, air time.Duration) {
	const ms = time.Millisecond
	// For each operation the least and the most bytes of its parameters.
	lengths, known := map[uint16][2]int{rlReady: {0, 0}, rlSelect: {0, 0}, rlRead: {5, 5}, rlWrite: {4, 1 << 16}, rlAFI: {1, 1},
		rlInfo: {0, 0}, rlEASOn: {0, 0}, rlEASOff: {0, 0}, rlAlarm: {0, 0}, rlReadBlock: {3, 3}, rlWriteBlock: {2, 1 << 16}}[code]
	switch {
	case !known:
		return rlNotSupported, nil, 0
	case len(p) < lengths[0] || len(p) > lengths[1]:
		return rlArguments, nil, 0
	}
	uid := c.uid
	if c.mode == rlAny {
		if uid, status = r.alone(); status != 0 {
			return status, nil, 5 * ms
		}
	}
	status, air = rlNoTag, 5*ms
	if m.Lifted != Before {
		r.table.With(uid, func(chip *Chip) {
			if chip.Kind == rfid.ISO15693 {
				status, out, air = rlChip(chip, code, p, m.Lifted == Middle)
			}
		})
	}
	if m.Lifted != Whole {
		r.table.LiftUID(uid)
		return rlNoTag, nil, air
	}
	return status, out, air
}

// alone is the only tag that would answer without an address.
func (r *RL866) alone() (uid rfid.UID, status uint16) {
	status = rlNoTag
	r.table.Each(func(c *Chip) bool {
		if c.Kind != rfid.ISO15693 {
			return true
		}
		if status == 0 {
			status = rlCollision
			return false
		}
		uid, status = c.UID, 0
		return true
	})
	return uid, status
}

// rlChip is an operation that one chip carries out, half of it when it is lifted
// meanwhile.
func rlChip(c *Chip, code uint16, p []byte, half bool) (status uint16, out []byte, air time.Duration) {
	const ms = time.Millisecond
	word := func(i int) int { return int(binary.LittleEndian.Uint16(p[i:])) }
	switch code {
	case rlReady, rlSelect:
		return 0, nil, 5 * ms
	case rlInfo:
		out = append(c.UID.Reversed().Append([]byte{0x0F}), byte(c.DSFID), byte(c.AFI), byte(c.Blocks()-1), byte(c.BlockSize-1), c.ICRef)
		return 0, out, 7 * ms
	case rlRead, rlReadBlock:
		first, n := word(1), 1
		if code == rlRead {
			n = min(word(3), c.Blocks()-first)
		}
		if p[0] > 1 || code == rlRead && word(3) == 0 {
			return rlParameter, nil, 0
		}
		if n < 1 || first >= c.Blocks() {
			return rlNoBlock, nil, 6 * ms
		}
		out = c.blocks(first, n, p[0] == 1, true)[1:]
		if code == rlRead {
			out = append([]byte{byte(n), byte(n >> 8)}, out...)
		}
		return 0, out, time.Duration(3+2*n) * ms
	case rlWrite, rlWriteBlock:
		first, n, data := word(0), 1, p[2:]
		if code == rlWrite {
			n, data = word(2), p[4:]
		}
		if n == 0 || len(data) < n*c.BlockSize {
			return rlArguments, nil, 0
		}
		air = time.Duration(n) * 6 * ms
		if half {
			n /= 2
		}
		for i := range n {
			if c.WriteBlock(first+i, data[i*c.BlockSize:(i+1)*c.BlockSize]) != OK {
				return rlLocked, nil, air // or no such block: one status for both
			}
		}
		return 0, nil, air
	case rlAFI:
		if !half && c.WriteAFI(rfid.AFI(p[0])) != OK {
			return rlLocked, nil, 6 * ms
		}
		return 0, nil, 6 * ms
	}
	switch {
	case !c.NXP():
		return rlNotSupported, nil, 0
	case code == rlAlarm && !c.EAS:
		return rlNoTag, nil, 12 * ms // the tag keeps silent
	case code != rlAlarm && !half:
		c.EAS = code == rlEASOn
	}
	return 0, nil, 12 * ms
}
