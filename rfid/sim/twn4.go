package sim

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/crc16"
)

// TWN4 is an Elatec TWN4 MultiTech on its Simple Protocol. The messages are drawn
// in package twn4's comment. It looks for the types of tags it is told to, finds
// one at a time, and works on the one it found last.
//
// Source: Elatec, TWN4 Simple Protocol, DocRev17; function numbers from Elatec's
// twn4.sys.h. The version text, and that sizes in the system information count
// from 0 as on the air, are ours. The generic ISO 15693 command, whose parameters
// are not described, fails.
type TWN4 struct {
	Binary, CRC bool
	FromOne     bool // sizes in the system information count from 1

	table  *Table
	lf, hf uint32 // types looked for
	found  lyingCard
	login  struct { // MIFARE
		sector int
		b, ok  bool
	}
	outputs byte
	started time.Time
}

const (
	twnLongest = 600
	twnVersion = "TWN4/B1.64/CCF4.51/PRS1.04"

	twnUnknown, twnMissing, twnUnused, twnParser = 1, 2, 3, 5
)

// NewTWN4 is a reader as delivered with the Simple Protocol: ASCII, no check.
func NewTWN4(t *Table) *TWN4 {
	r := &TWN4{table: t}
	r.Reset()
	return r
}

var twn4Choices = choices[*TWN4]{
	"binary":   func(r *TWN4) { r.Binary = true },
	"crc":      func(r *TWN4) { r.CRC = true },
	"from-one": func(r *TWN4) { r.FromOne = true },
}

// Choices and Choose implement Chooser.
func (r *TWN4) Choices() []string       { return twn4Choices.list() }
func (r *TWN4) Choose(word string) bool { return twn4Choices.choose(r, word) }

// Reset is a restart: it looks for all types again.
func (r *TWN4) Reset() {
	*r = TWN4{Binary: r.Binary, CRC: r.CRC, FromOne: r.FromOne, table: r.table, lf: 0xFFFFFFFF, hf: 0xFFFFFFFF, started: time.Now()}
}

// Frame implements Device.
func (r *TWN4) Frame(b []byte) int {
	if !r.Binary {
		empty := len(b) - len(bytes.TrimLeft(b, "\r")) // lines before it that are empty
		n := bytes.IndexByte(b[empty:], '\r')
		switch {
		case n >= 0:
			return empty + n + 1
		case len(b) > 2*twnLongest:
			return -1
		}
		return 0
	}
	if len(b) < 2 {
		return 0
	}
	n := 2 + int(binary.LittleEndian.Uint16(b))
	switch {
	case n > twnLongest:
		return -1
	case len(b) < n:
		return 0
	}
	return n
}

// Unhurried implements Unhurried: a line may be typed by hand; a binary
// message has nothing but its length to tell where it ends.
func (r *TWN4) Unhurried() bool { return !r.Binary }

// MoveLength implements Device. ASCII messages have no length field: the CR is
// lost.
func (r *TWN4) MoveLength(answer []byte) {
	if r.Binary {
		answer[0] += 3
	} else {
		answer[len(answer)-1] = '0'
	}
}

// Foreign implements Device: a version nobody asked for.
func (r *TWN4) Foreign() []byte {
	return r.frame(nil, append([]byte{0, byte(len(twnVersion))}, twnVersion...))
}

// frame appends an answer.
func (r *TWN4) frame(dst, message []byte) []byte {
	if r.CRC {
		message = binary.LittleEndian.AppendUint16(message, crc16.MCRF4XX(message))
	}
	if r.Binary {
		return append(binary.LittleEndian.AppendUint16(dst, uint16(len(message))), message...)
	}
	return append(bytes.ToUpper(hex.AppendEncode(dst, message)), '\r')
}

// open takes a request apart.
func (r *TWN4) open(request []byte) (message []byte, ok bool) {
	if r.Binary {
		message = request[2:]
	} else {
		var err error
		if message, err = hex.DecodeString(string(bytes.Trim(request, "\r"))); err != nil {
			return nil, false
		}
	}
	if r.CRC {
		if len(message) < 2 || crc16.MCRF4XX(message) != 0 {
			return nil, false
		}
		message = message[:len(message)-2]
	}
	return message, true
}

// Writes implements Device.
func (r *TWN4) Writes(request []byte) rfid.UID {
	if message, ok := r.open(request); ok && len(message) > 2 {
		if fn := binary.BigEndian.Uint16(message); fn == 0x0D07 || fn == 0x0B02 {
			return r.found.uid
		}
	}
	return rfid.UID{}
}

// Answer implements Device.
func (r *TWN4) Answer(dst, request []byte, m Moment) ([]byte, time.Duration) {
	message, ok := r.open(request)
	switch {
	case !ok:
		return r.frame(dst, []byte{twnParser}), 0
	case len(message) < 2:
		return r.frame(dst, []byte{twnMissing}), 0
	}
	fn := binary.BigEndian.Uint16(message)
	if fn == 0x0001 {
		r.Reset()
		return dst, 0
	}
	f, known := twnFunctions[fn]
	if !known {
		return r.frame(dst, []byte{twnUnknown}), 0
	}
	p := message[2:]
	want := f.parameters
	if f.variable && len(p) >= want { // the last parameter is a length
		want += int(p[want-1]) + f.after
	}
	switch {
	case len(p) < want:
		return r.frame(dst, []byte{twnMissing}), 0
	case len(p) > want:
		return r.frame(dst, []byte{twnUnused}), 0
	}
	out, air := f.do(r, p, m)
	return r.frame(dst, append([]byte{0}, out...)), air
}

// twnFunction is a function, and the bytes its parameters have; variable says
// that the last of them is the length of more, after which some may follow.
type twnFunction struct {
	parameters int
	variable   bool
	after      int
	do         func(*TWN4, []byte, Moment) ([]byte, time.Duration)
}

var twnFunctions map[uint16]twnFunction

func init() {
	now := func(f func(r *TWN4, p []byte) []byte) func(*TWN4, []byte, Moment) ([]byte, time.Duration) {
		return func(r *TWN4, p []byte, _ Moment) ([]byte, time.Duration) { return f(r, p), 0 }
	}
	silent := now(func(*TWN4, []byte) []byte { return nil })
	no := now(func(*TWN4, []byte) []byte { return []byte{0} })
	ticks := now(func(r *TWN4, _ []byte) []byte {
		return binary.LittleEndian.AppendUint32(nil, uint32(time.Since(r.started).Milliseconds()))
	})
	types := func(lf, hf uint32) []byte {
		return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, lf), hf)
	}
	out := func(change func(now, bits byte) byte) func(*TWN4, []byte, Moment) ([]byte, time.Duration) {
		return now(func(r *TWN4, p []byte) []byte { r.outputs = change(r.outputs, p[0]); return nil })
	}
	twnFunctions = map[uint16]twnFunction{
		0x0003: {0, false, 0, ticks},
		0x0004: {1, false, 0, now(func(_ *TWN4, p []byte) []byte {
			text := twnVersion[:min(len(twnVersion), int(p[0]))]
			return append([]byte{byte(len(text))}, text...)
		})},
		0x0005: {0, false, 0, now(func(*TWN4, []byte) []byte { return []byte{1} })},              // USB CDC
		0x0006: {0, false, 0, now(func(*TWN4, []byte) []byte { return []byte{11} })},             // MIFARE NFC
		0x0008: {0, false, 0, now(func(*TWN4, []byte) []byte { return []byte("simulated123") })}, // its own UID
		0x000A: {0, false, 0, now(func(*TWN4, []byte) []byte { return make([]byte, 4) })},        // last error
		0x0400: {3, false, 0, silent}, 0x0401: {2, false, 0, silent},
		0x0402: {1, false, 0, out(func(now, bits byte) byte { return now | bits })},
		0x0403: {1, false, 0, out(func(now, bits byte) byte { return now &^ bits })},
		0x0404: {1, false, 0, out(func(now, bits byte) byte { return now ^ bits })},
		0x0405: {5, false, 0, silent},
		0x0406: {1, false, 0, now(func(r *TWN4, p []byte) []byte { return yes(r.outputs&p[0] != 0) })},
		0x0407: {7, false, 0, silent}, // beep
		0x0408: {0, false, 0, silent}, 0x0409: {0, false, 0, silent}, 0x040A: {0, false, 0, silent}, 0x040B: {0, false, 0, no},
		0x0500: {1, false, 0, (*TWN4).search},
		0x0501: {0, false, 0, now(func(r *TWN4, _ []byte) []byte { r.found = lyingCard{}; return nil })},
		0x0502: {8, false, 0, now(func(r *TWN4, p []byte) []byte {
			r.lf, r.hf = binary.LittleEndian.Uint32(p), binary.LittleEndian.Uint32(p[4:])
			return nil
		})},
		0x0503: {0, false, 0, now(func(r *TWN4, _ []byte) []byte { return types(r.lf, r.hf) })},
		0x0504: {0, false, 0, now(func(*TWN4, []byte) []byte { return types(1, 0b101) })},
		0x0B00: {8, false, 0, (*TWN4).logIn},
		0x0B01: {1, false, 0, (*TWN4).readCard},
		0x0B02: {17, false, 0, (*TWN4).writeCard},
		0x0D00: {3, true, 1, no},
		0x0D01: {0, false, 0, (*TWN4).info}, 0x0D02: {0, false, 0, (*TWN4).info},
		0x0D05: {3, false, 0, (*TWN4).readBlock}, 0x0D06: {3, false, 0, (*TWN4).readBlock},
		0x0D07: {3, true, 0, (*TWN4).writeBlock}, 0x0D08: {3, true, 0, (*TWN4).writeBlock},
		0x1204: {0, false, 0, (*TWN4).atqa},
		0x1205: {0, false, 0, (*TWN4).sak},
	}
}

func yes(is bool) []byte {
	if is {
		return []byte{1}
	}
	return []byte{0}
}

// twnTypes are the tag types by kind.
var twnTypes = map[rfid.Kind]byte{rfid.EM4100: 0x40, rfid.ISO14443A: 0x80, rfid.ISO14443B: 0x81, rfid.ISO15693: 0x82}

// search finds the first chip of a type it looks for.
func (r *TWN4) search(p []byte, _ Moment) ([]byte, time.Duration) {
	r.found, r.login.ok = lyingCard{}, false
	out := []byte{0}
	r.table.Each(func(c *Chip) bool {
		kind, mask := twnTypes[c.Kind], r.hf
		if kind < 0x80 {
			mask = r.lf
		}
		if kind == 0 || mask>>(kind&0x1F)&1 == 0 {
			return true
		}
		r.found = lyingCard{c.UID, c.visit}
		id := c.UID.Bytes()
		id = id[:min(len(id), int(p[0]))]
		out = append([]byte{1, kind, byte(8 * c.UID.Len()), byte(len(id))}, id...)
		return false
	})
	if len(out) == 1 {
		return out, 60 * time.Millisecond // it has tried all types
	}
	return out, 20 * time.Millisecond
}

// on works on the chip found last, if it still lies there.
func (r *TWN4) on(kind rfid.Kind, f func(*Chip) []byte) (out []byte, air time.Duration) {
	out = []byte{0}
	r.table.With(r.found.uid, func(c *Chip) {
		if c.visit == r.found.visit && c.Kind == kind {
			out = f(c)
		}
	})
	return out, 8 * time.Millisecond
}

func (r *TWN4) info(_ []byte, _ Moment) ([]byte, time.Duration) {
	return r.on(rfid.ISO15693, func(c *Chip) []byte {
		size, blocks := c.BlockSize-1, c.Blocks()-1
		if r.FromOne {
			size, blocks = size+1, blocks+1
		}
		out := c.UID.Append([]byte{1, 0x0F})
		return append(out, byte(c.DSFID), byte(c.AFI), byte(size), byte(blocks), byte(blocks>>8), c.ICRef)
	})
}

func (r *TWN4) readBlock(p []byte, _ Moment) ([]byte, time.Duration) {
	return r.on(rfid.ISO15693, func(c *Chip) []byte {
		b := c.Block(int(binary.LittleEndian.Uint16(p)))
		if b == nil || len(b) > int(p[2]) {
			return []byte{0}
		}
		return append([]byte{1, byte(len(b))}, b...)
	})
}

func (r *TWN4) writeBlock(p []byte, m Moment) ([]byte, time.Duration) {
	out, air := r.on(rfid.ISO15693, func(c *Chip) []byte {
		if m.Lifted == Before || m.Lifted == Middle { // a chip stores a block whole or not at all
			return []byte{0}
		}
		return yes(c.WriteBlock(int(binary.LittleEndian.Uint16(p)), p[3:]) == OK)
	})
	if m.Lifted != Whole {
		r.table.LiftUID(r.found.uid)
		out = []byte{0}
	}
	return out, air
}

// logIn, readCard and writeCard are of MIFARE Classic.
func (r *TWN4) logIn(p []byte, _ Moment) ([]byte, time.Duration) {
	r.login.ok = false
	return r.on(rfid.ISO14443A, func(c *Chip) []byte {
		r.login.sector, r.login.b = int(p[7]), p[6] == 1
		r.login.ok = p[6] <= 1 && c.opens(int(p[7])*4, p[6] == 1, p[:6])
		if !r.login.ok {
			r.found = lyingCard{} // halted, it must be searched again
		}
		return yes(r.login.ok)
	})
}

func (r *TWN4) readCard(p []byte, _ Moment) ([]byte, time.Duration) {
	return r.on(rfid.ISO14443A, func(c *Chip) []byte {
		if !r.login.ok || r.login.sector != int(p[0])/4 {
			return []byte{0}
		}
		b := c.readCard(int(p[0]), r.login.b)
		if b == nil {
			return []byte{0}
		}
		return append([]byte{1}, b...)
	})
}

func (r *TWN4) writeCard(p []byte, m Moment) ([]byte, time.Duration) {
	out, air := r.on(rfid.ISO14443A, func(c *Chip) []byte {
		if !r.login.ok || r.login.sector != int(p[0])/4 || m.Lifted == Before || m.Lifted == Middle {
			return []byte{0}
		}
		return yes(c.writeCard(int(p[0]), r.login.b, p[1:]))
	})
	if m.Lifted != Whole {
		r.table.LiftUID(r.found.uid)
		out = []byte{0}
	}
	return out, air
}

func (r *TWN4) atqa(_ []byte, _ Moment) ([]byte, time.Duration) {
	return r.on(rfid.ISO14443A, func(c *Chip) []byte {
		atqa, _, _ := c.proximity()
		return []byte{1, atqa[1], atqa[0]}
	})
}

func (r *TWN4) sak(_ []byte, _ Moment) ([]byte, time.Duration) {
	return r.on(rfid.ISO14443A, func(c *Chip) []byte {
		_, sak, _ := c.proximity()
		return []byte{1, sak}
	})
}
