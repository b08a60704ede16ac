package sim

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"

	"coldstation/rfid"
)

// PN532 is NXP's chip on its high speed UART. The frames are drawn in package
// pn532's comment. It answers as version 1.6 does, as far as libnfc and its tools
// can tell. What it does beyond our own driver's needs:
//
//   - acknowledges a command before it carries it out, repeats its last answer on
//     a NACK, breaks off on an ACK
//   - keeps silent about frames with a wrong sum, and answers what it does not
//     know with the error frame
//   - waits for a card without end if RFConfiguration says so, as it does after
//     power-on
//   - finds no card that InDeselect, InRelease or a wrong key has halted until
//     the field has been off, and at most two cards
//   - sleeps after PowerDown until bytes wake it
//
// Source: NXP, PN532 User Manual, UM0701-02 rev. 02; libnfc 1.8.0 as a client.
// Register values after reset are ours.
type PN532 struct {
	table     *Table
	asleep    bool
	field     bool
	retries   byte // MxRtyPassiveActivation; FF is without end
	settings  byte // SetParameters
	registers map[uint16]byte
	halted    map[rfid.UID]int // by visit
	targets   []lyingCard      // at most two; Tg is the place, from 1
	auth      struct {         // MIFARE
		tg, sector int
		b          bool
	}
	waiting *waiting // a command not answered yet
	last    []byte   // answer, for NACK
}

// lyingCard is a card and the visit in which it was found.
type lyingCard struct {
	uid   rfid.UID
	visit int
}

// waiting is a command that is answered when a card comes, or when time is up.
type waiting struct {
	cmd     byte
	until   time.Time // zero: without end
	max     int       // cards
	uid     []byte    // only this card, if any
	types   []byte    // of InAutoPoll
	forever bool      // nothing ever answers it
}

// Commands.
const (
	pnDiagnose, pnFirmware, pnStatus                   = 0x00, 0x02, 0x04
	pnReadRegister, pnWriteRegister                    = 0x06, 0x08
	pnReadGPIO, pnWriteGPIO                            = 0x0C, 0x0E
	pnBaud, pnParameters, pnSAM, pnPowerDown           = 0x10, 0x12, 0x14, 0x16
	pnRF                                               = 0x32
	pnExchange, pnThrough, pnDeselect                  = 0x40, 0x42, 0x44
	pnList, pnATR, pnPSL                               = 0x4A, 0x50, 0x4E
	pnRelease, pnSelect, pnJumpDEP, pnJumpPSL, pnPoll  = 0x52, 0x54, 0x56, 0x46, 0x60
	pnTarget                                           = 0x8C
	pnOK, pnTimeout, pnRFProtocol, pnAuth, pnWrongTask = 0x00, 0x01, 0x0B, 0x14, 0x27
)

// pollEvery is how often a waiting chip looks for a card.
const pollEvery = 10 * time.Millisecond

var (
	pnACK   = []byte{0x00, 0x00, 0xFF, 0x00, 0xFF, 0x00}
	pnError = []byte{0x00, 0x00, 0xFF, 0x01, 0xFF, 0x7F, 0x81, 0x00}
)

// NewPN532 is a chip after power-on that sees the table.
func NewPN532(t *Table) *PN532 {
	p := &PN532{table: t}
	p.Reset()
	return p
}

// Reset is power-on.
func (p *PN532) Reset() {
	*p = PN532{table: p.table, retries: 0xFF, settings: 0x14, registers: map[uint16]byte{}, halted: map[rfid.UID]int{}}
}

// pnStart is where the start code 00 FF stands in b, or -1.
func pnStart(b []byte) int { return bytes.Index(b, []byte{0x00, 0xFF}) }

// Frame implements Device. What stands before a frame belongs to it; it may wake
// the chip, also alone.
func (p *PN532) Frame(b []byte) int {
	i := pnStart(b)
	switch {
	case i < 0 && b[len(b)-1] == 0:
		return len(b) - 1 // the last may begin a start code; 0 if it is all there is
	case i < 0:
		return len(b)
	}
	head := b[i+2:]
	if len(head) < 2 {
		return 0
	}
	size, at := int(head[0]), 2
	switch {
	case head[0] == 0xFF && head[1] == 0xFF:
		if len(head) < 5 {
			return 0
		}
		if size, at = int(head[2])<<8|int(head[3]), 5; head[2]+head[3]+head[4] != 0 || size > 265 {
			return i + 7
		}
	case head[0] == 0x00 && head[1] == 0xFF, head[0] == 0xFF && head[1] == 0x00:
		size = -1
	case head[0]+head[1] != 0:
		return i + 4
	}
	n := i + 2 + at + size + 1
	switch {
	case len(b) < n:
		return 0
	case len(b) > n && b[n] == 0:
		n++
	}
	return n
}

// MoveLength implements Device. The answer begins with an ACK.
func (p *PN532) MoveLength(answer []byte) {
	if len(answer) > len(pnACK)+3 && bytes.HasPrefix(answer, pnACK) {
		answer = answer[len(pnACK):]
	}
	answer[3] += 3
}

// Foreign implements Device: an answer to GetFirmwareVersion.
func (p *PN532) Foreign() []byte {
	return pnFrame(nil, pnFirmware, []byte{0x32, 0x01, 0x06, 0x07})
}

// pnFrame appends an answer.
func pnFrame(dst []byte, cmd byte, data []byte) []byte {
	size := len(data) + 2
	dst = append(dst, 0x00, 0x00, 0xFF)
	if size <= 255 {
		dst = append(dst, byte(size), -byte(size))
	} else {
		dst = append(dst, 0xFF, 0xFF, byte(size>>8), byte(size), -byte(size>>8)-byte(size))
	}
	total := byte(0xD5) + cmd + 1
	for _, b := range data {
		total += b
	}
	return append(append(append(dst, 0xD5, cmd+1), data...), -total, 0x00)
}

// open takes a request apart. kind is 'A' for ACK, 'N' for NACK, 'C' for a
// command, 0 for none.
func (p *PN532) open(request []byte) (kind, cmd byte, data []byte) {
	i := pnStart(request)
	if i < 0 || len(request) < i+4 {
		return 0, 0, nil
	}
	head := request[i+2:]
	switch {
	case head[0] == 0x00 && head[1] == 0xFF:
		return 'A', 0, nil
	case head[0] == 0xFF && head[1] == 0x00:
		return 'N', 0, nil
	}
	size, at := int(head[0]), 2
	if head[0] == 0xFF && head[1] == 0xFF && len(head) >= 5 {
		size, at = int(head[2])<<8|int(head[3]), 5
	}
	if len(head) < at+size+1 || size < 2 || head[at] != 0xD4 {
		return 0, 0, nil
	}
	total := byte(0)
	for _, b := range head[at : at+size+1] {
		total += b
	}
	if total != 0 {
		return 0, 0, nil
	}
	return 'C', head[at+1], head[at+2 : at+size]
}

// Writes implements Device: the card that a MIFARE write is for.
func (p *PN532) Writes(request []byte) rfid.UID {
	kind, cmd, data := p.open(request)
	if kind == 'C' && cmd == pnExchange && len(data) == 19 && data[1] == 0xA0 {
		if tg := int(data[0]); tg >= 1 && tg <= len(p.targets) {
			return p.targets[tg-1].uid
		}
	}
	return rfid.UID{}
}

// Answer implements Device.
func (p *PN532) Answer(dst, request []byte, m Moment) ([]byte, time.Duration) {
	if i := pnStart(request); p.asleep {
		if i >= 0 && i <= 1 { // a frame alone wakes it and is lost
			p.asleep = false
			return dst, 0
		}
		p.asleep = false
	}
	kind, cmd, data := p.open(request)
	switch kind {
	case 'A':
		p.waiting = nil
		return dst, 0
	case 'N':
		return append(dst, p.last...), 0
	case 0:
		return dst, 0
	}
	p.waiting = nil
	dst = append(dst, pnACK...)
	out, known, air := p.do(cmd, data, m)
	switch {
	case !known:
		p.last = pnError
	case p.waiting != nil:
		return dst, 0
	default:
		p.last = pnFrame(nil, cmd, out)
	}
	return append(dst, p.last...), air
}

// Speak implements Talker: the answer to a command that has been waiting.
func (p *PN532) Speak(dst []byte, now time.Time) ([]byte, time.Time) {
	w := p.waiting
	if w == nil {
		return dst, time.Time{}
	}
	if !w.forever {
		out := p.found(w)
		if out[0] > 0 || !w.until.IsZero() && now.After(w.until) {
			p.waiting, p.last = nil, pnFrame(nil, w.cmd, out)
			return append(dst, p.last...), time.Time{}
		}
	}
	return dst, now.Add(pollEvery)
}

// found is the answer of a list or a poll as things lie now.
func (p *PN532) found(w *waiting) []byte {
	if w.cmd == pnList {
		return p.list(w.max, w.uid)
	}
	for _, kind := range w.types {
		if kind&^0x30 != 0x00 || kind == 0x30 { // only type A lies here: generic 00, MIFARE 10, 14443-4 20
			continue
		}
		listed := p.list(2, nil)
		if listed[0] == 0 {
			return listed
		}
		out := []byte{listed[0]}
		for tg := range p.targets {
			one := p.target(tg)
			kind := byte(0x10)
			if one[3]&0x20 != 0 {
				kind = 0x20
			}
			out = append(append(out, kind, byte(len(one))), one...)
		}
		return out
	}
	return []byte{0}
}

// do carries a command out. known is false if the error frame is the answer.
func (p *PN532) do(cmd byte, data []byte, m Moment) (out []byte, known bool, air time.Duration) {
	const ms = time.Millisecond
	none := []byte{}
	least := map[byte]int{pnDiagnose: 1, pnFirmware: 0, pnStatus: 0, pnReadRegister: 2, pnWriteRegister: 3, pnReadGPIO: 0,
		pnWriteGPIO: 2, pnBaud: 1, pnParameters: 1, pnSAM: 1, pnPowerDown: 1, pnRF: 1, pnExchange: 1, pnThrough: 0, pnDeselect: 1,
		pnList: 2, pnATR: 1, pnPSL: 3, pnRelease: 1, pnSelect: 1, pnJumpDEP: 3, pnJumpPSL: 3, pnPoll: 3, pnTarget: 1}
	if n, ok := least[cmd]; !ok || len(data) < n {
		return nil, false, 0
	}
	switch cmd {
	case pnDiagnose:
		return p.diagnose(data)
	case pnFirmware:
		return []byte{0x32, 0x01, 0x06, 0x07}, true, 0
	case pnStatus:
		out = []byte{0x00, 0x00, byte(len(p.targets))}
		if p.field {
			out[1] = 1
		}
		for tg := range p.targets {
			out = append(out, byte(tg+1), 0x00, 0x00, 0x10)
		}
		return append(out, 0x00), true, 0
	case pnReadRegister:
		for ; len(data) >= 2; data = data[2:] {
			out = append(out, p.registers[binary.BigEndian.Uint16(data)])
		}
		return out, len(data) == 0, 0
	case pnWriteRegister:
		for ; len(data) >= 3; data = data[3:] {
			p.registers[binary.BigEndian.Uint16(data)] = data[2]
		}
		return none, len(data) == 0, 0
	case pnReadGPIO:
		return []byte{0x3F, 0x04, 0x00}, true, 0
	case pnParameters:
		p.settings = data[0]
		return none, true, 0
	case pnSAM:
		return none, data[0] >= 1 && data[0] <= 4, 0
	case pnWriteGPIO, pnBaud:
		return none, true, 0
	case pnPowerDown:
		p.drop()
		p.field, p.asleep = false, true
		return []byte{pnOK}, true, 0
	case pnRF:
		return none, p.configure(data[0], data[1:]), 0
	case pnExchange:
		status, got := p.exchange(data, m)
		return append([]byte{status}, got...), true, 3 * ms
	case pnThrough:
		return []byte{pnTimeout}, true, 5 * ms
	case pnDeselect, pnRelease:
		return p.halt(int(data[0])), true, 1 * ms
	case pnSelect:
		status := byte(pnWrongTask)
		if tg := int(data[0]); tg >= 1 && tg <= len(p.targets) {
			if status = pnTimeout; p.lies(tg - 1) {
				status = pnOK
			}
		}
		return []byte{status}, true, 1 * ms
	case pnList, pnPoll:
		return p.search(cmd, data)
	case pnATR, pnPSL, pnJumpDEP, pnJumpPSL:
		return []byte{pnTimeout}, true, 5 * ms
	case pnTarget:
		p.waiting = &waiting{cmd: cmd, forever: true}
		return none, true, 0
	}
	return nil, false, 0
}

// diagnose is the chip's self tests.
func (p *PN532) diagnose(data []byte) ([]byte, bool, time.Duration) {
	switch data[0] {
	case 0x00: // the line
		return slices.Clone(data), true, 0
	case 0x01, 0x02: // ROM, RAM
		return []byte{0x00}, true, 5 * time.Millisecond
	case 0x04: // polling a FeliCa target that is not there: 128 failures
		return []byte{0x80}, true, 100 * time.Millisecond
	case 0x06: // is the card still there
		if len(p.targets) > 0 && p.lies(0) {
			return []byte{pnOK}, true, 5 * time.Millisecond
		}
		return []byte{pnTimeout}, true, 5 * time.Millisecond
	case 0x07: // antenna
		return []byte{0x00}, true, 5 * time.Millisecond
	}
	return nil, false, 0
}

// configure is RFConfiguration; the analog settings are taken as they are.
func (p *PN532) configure(item byte, data []byte) bool {
	size, ok := map[byte]int{0x01: 1, 0x02: 3, 0x04: 1, 0x05: 3, 0x0A: 11, 0x0B: 8, 0x0C: 3, 0x0D: 9}[item]
	if !ok || len(data) != size {
		return false
	}
	switch item {
	case 0x01:
		if p.field = data[0]&1 != 0; !p.field {
			p.drop()
		}
	case 0x05:
		p.retries = data[2]
	}
	return true
}

// drop takes the power from all cards: they forget that they were halted.
func (p *PN532) drop() {
	p.targets, p.halted = nil, map[rfid.UID]int{}
	p.auth.tg = 0
}

// halt is InDeselect and InRelease of one target, or of all with 0.
func (p *PN532) halt(tg int) []byte {
	if tg > len(p.targets) {
		return []byte{pnWrongTask}
	}
	for i, c := range p.targets {
		if tg == 0 || tg == i+1 {
			p.halted[c.uid] = c.visit
		}
	}
	p.auth.tg = 0
	return []byte{pnOK}
}

// search begins InListPassiveTarget or InAutoPoll.
func (p *PN532) search(cmd byte, data []byte) ([]byte, bool, time.Duration) {
	w := &waiting{cmd: cmd}
	p.field = true
	if cmd == pnPoll {
		if len(data) > 17 || data[1] == 0 || data[1] > 15 {
			return nil, false, 0
		}
		w.types = slices.Clone(data[2:])
		if data[0] != 0xFF {
			w.until = time.Now().Add(time.Duration(data[0]) * time.Duration(data[1]) * 150 * time.Millisecond * time.Duration(len(w.types)))
		}
		p.waiting = w
		return nil, true, 0
	}
	if data[0] < 1 || data[0] > 2 || data[1] > 4 || data[1] == 4 && data[0] != 1 {
		return nil, false, 0
	}
	w.max, w.uid = int(data[0]), slices.Clone(data[2:])
	found := []byte{0}
	if data[1] == 0 { // 106 kbit/s type A; no other cards lie here
		found = p.list(w.max, w.uid)
	}
	if found[0] == 0 && p.retries == 0xFF {
		w.forever = data[1] != 0
		p.waiting = w
		return nil, true, 0
	}
	if found[0] == 0 {
		p.targets = nil
		return found, true, time.Duration(1+int(p.retries)) * 5 * time.Millisecond
	}
	return found, true, time.Duration(found[0]) * 8 * time.Millisecond
}

// list finds up to max cards that are not halted, and halts the first when it
// goes for the second.
func (p *PN532) list(max int, only []byte) []byte {
	p.targets, p.auth.tg = nil, 0
	p.table.Each(func(c *Chip) bool {
		visit, halted := p.halted[c.UID]
		if c.Kind != rfid.ISO14443A || halted && visit == c.visit || len(only) > 0 && !bytes.Equal(only, cascaded(c.UID)) {
			return true
		}
		p.targets = append(p.targets, lyingCard{c.UID, c.visit})
		return len(p.targets) < max
	})
	if len(p.targets) == 2 {
		p.halted[p.targets[0].uid] = p.targets[0].visit
	}
	out := []byte{byte(len(p.targets))}
	for tg := range p.targets {
		out = append(out, p.target(tg)...)
	}
	return out
}

// cascaded is a UID as a host gives it to be selected: a cascade tag before each
// three bytes but the last four.
func cascaded(u rfid.UID) (out []byte) {
	b := u.Bytes()
	for ; len(b) > 4; b = b[3:] {
		out = append(append(out, 0x88), b[:3]...)
	}
	return append(out, b...)
}

// target is one card of a list.
func (p *PN532) target(tg int) []byte {
	c, _ := p.table.Chip(p.targets[tg].uid)
	atqa, sak, ats := c.proximity()
	out := []byte{byte(tg + 1), atqa[0], atqa[1], sak, byte(c.UID.Len())}
	out = c.UID.Append(out)
	if p.settings&0x10 != 0 { // automatic RATS
		out = append(out, ats...)
	}
	return out
}

// lies tells whether a target has been on the pad since it was found.
func (p *PN532) lies(tg int) (same bool) {
	t := p.targets[tg]
	p.table.With(t.uid, func(c *Chip) { same = c.visit == t.visit })
	return same
}

// exchange is InDataExchange: MIFARE Classic commands.
func (p *PN532) exchange(data []byte, m Moment) (status byte, out []byte) {
	tg, cmd := int(data[0]&0x3F), data[1:]
	switch {
	case tg < 1 || tg > len(p.targets):
		return pnWrongTask, nil
	case len(cmd) < 2 || !p.lies(tg-1):
		return pnTimeout, nil
	}
	status = pnTimeout
	t := p.targets[tg-1]
	p.table.With(t.uid, func(c *Chip) {
		if c.Card == nil || int(cmd[1]) >= len(c.Card)/16 {
			return
		}
		block, open := int(cmd[1]), p.auth.tg == tg && p.auth.sector == int(cmd[1])/4
		switch {
		case (cmd[0] == 0x60 || cmd[0] == 0x61) && len(cmd) == 12:
			b := c.UID.Bytes()
			if !bytes.Equal(cmd[8:], b[len(b)-4:]) || !c.opens(block, cmd[0] == 0x61, cmd[2:8]) {
				status = pnAuth
				p.halted[t.uid], p.auth.tg = t.visit, 0
				return
			}
			status = pnOK
			p.auth.tg, p.auth.sector, p.auth.b = tg, block/4, cmd[0] == 0x61
		case (cmd[0] == 0x30 || cmd[0] == 0xA0) && !open:
			status = pnAuth
		case cmd[0] == 0x30 && len(cmd) == 2:
			if status, out = pnOK, c.readCard(block, p.auth.b); out == nil {
				status = pnAuth
			}
		case cmd[0] == 0xA0 && len(cmd) == 18:
			if m.Lifted == Before || m.Lifted == Middle { // a card stores a block whole or not at all
				return
			}
			if status = pnOK; !c.writeCard(block, p.auth.b, cmd[2:]) {
				status = pnRFProtocol
			}
		}
	})
	if m.Lifted != Whole {
		p.table.LiftUID(t.uid)
		return pnTimeout, nil
	}
	return status, out
}
