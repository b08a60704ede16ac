package sim

import (
	"encoding/binary"
	"slices"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/crc16"
)

// Feig is a FEIG OBID reader of the CPR and MR families on its ISO-Host
// protocol. The frames are drawn in package feig's comment. What it does beyond
// our own driver's needs:
//
//   - answers in the frame form it was asked in, standard or advanced, and in the
//     advanced form when the answer is longer than 255 bytes
//   - keeps silent about frames that are broken or meant for another address
//   - reports only new tags until an RF reset, unless CFG5.ONT or MODE allows
//   - splits an inventory that does not fit its buffer, with status 94
//   - obeys non-addressed and selected mode, quiet, select, reset to ready, locks
//
// Source: FEIG, "ID CPR.M02, .02, .04 and CPR40 system manual", H20800-16e-ID-B;
// frames recorded from an ID ISC.MR102 for the system information (3E … 01 03 4F
// 01). The values of the software version, and the place of ONT in CFG5 (byte
// 11), are ours.
type Feig struct {
	Address byte // COM-ADR, default 0; FF in a request means any
	TxBuf   int  // largest answer: 256 unless changed
	RxBuf   int  // largest request
	Read    int  // largest amount of data in one standard-frame read: 128 bytes

	table    *Table
	config   [64][14]byte // in force
	saved    [64][14]byte // in EEPROM
	off      bool         // RF
	quiet    map[rfid.UID]int
	selected rfid.UID
	more     []rfid.Tag // found, not yet reported
}

// Commands of the reader itself and of the ISO host command.
const (
	feigBaud, feigCPUReset, feigSystemReset, feigVersion, feigInfo = 0x52, 0x63, 0x64, 0x65, 0x66
	feigRFReset, feigRF                                            = 0x69, 0x6A
	feigReadCfg, feigWriteCfg, feigSaveCfg, feigDefaultCfg         = 0x80, 0x81, 0x82, 0x83
	feigISO, feigTransparent                                       = 0xB0, 0xBF

	isoInventory, isoQuiet                     = 0x01, 0x02
	isoLock, isoRead, isoWrite                 = 0x22, 0x23, 0x24
	isoSelect, isoReady                        = 0x25, 0x26
	isoAFI, isoLockAFI, isoDSFID, isoLockDSFID = 0x27, 0x28, 0x29, 0x2A
	isoInfo, isoSecurity                       = 0x2B, 0x2C
)

// Status bytes.
const (
	feigOK              = 0x00
	feigNoTag           = 0x01
	feigDataFalse       = 0x02
	feigWriteError      = 0x03
	feigWrongType       = 0x05
	feigParameter       = 0x11
	feigUnknown         = 0x80
	feigLength          = 0x81
	feigRFError         = 0x83
	feigMore            = 0x94
	feigTagError        = 0x95
	feigOnlyNew    byte = 0x01 // in CFG5.ONT
)

// NewFeig is a reader as delivered, that sees the table.
func NewFeig(t *Table) *Feig {
	f := &Feig{table: t, TxBuf: 256, RxBuf: 256, Read: 128}
	f.saved = feigDefaults
	f.Reset()
	return f
}

var feigDefaults = func() (c [64][14]byte) {
	c[1] = [14]byte{0x00, 0x00, 0x08, 0x01, 0, 0, 0x00, 0x0A} // address, -, 38400, 8E1, …, TR-RESPONSE-TIME 1 s
	c[5][11] = 0x05                                           // ONT
	return c
}()

// Reset is a restart: the field drops and the EEPROM's configuration holds.
func (f *Feig) Reset() {
	f.config = f.saved
	f.off = false
	f.drop()
}

// drop takes the power from all chips: they forget quiet and selection.
func (f *Feig) drop() {
	f.quiet, f.selected, f.more = map[rfid.UID]int{}, rfid.UID{}, nil
}

// Frame implements Device: standard frames begin with their length, 5 to 255;
// advanced ones with 02 and two bytes of length.
func (f *Feig) Frame(b []byte) int {
	n := int(b[0])
	switch {
	case n == 2 && len(b) < 3:
		return 0
	case n == 2:
		if n = int(b[1])<<8 | int(b[2]); n < 7 {
			return -1
		}
	case n < 5:
		return -1
	}
	if len(b) < n {
		return 0
	}
	return n
}

// MoveLength implements Device.
func (f *Feig) MoveLength(answer []byte) {
	if answer[0] == 2 {
		answer[2] += 3
	} else {
		answer[0] += 3
	}
}

// Foreign implements Device: what a reader in scan mode sends by itself, framed.
func (f *Feig) Foreign() []byte {
	return f.frame(nil, false, feigVersion, feigOK, []byte{1, 2, 0, 0, 0x53, 0, 8})
}

// frame appends an answer.
func (f *Feig) frame(dst []byte, advanced bool, cmd, status byte, data []byte) []byte {
	start := len(dst)
	if n := 6 + len(data); !advanced && n <= 255 {
		dst = append(dst, byte(n))
	} else {
		n += 2
		dst = append(dst, 2, byte(n>>8), byte(n))
	}
	dst = append(append(dst, f.Address, cmd, status), data...)
	return binary.LittleEndian.AppendUint16(dst, crc16.MCRF4XX(dst[start:]))
}

// open takes a request apart. ok is false when it is broken or not for us.
func (f *Feig) open(request []byte) (advanced bool, cmd byte, data []byte, ok bool) {
	if crc16.MCRF4XX(request) != 0 || len(request) > f.RxBuf {
		return false, 0, nil, false
	}
	body := request[1 : len(request)-2]
	if advanced = request[0] == 2; advanced {
		body = body[2:]
	}
	if len(body) < 2 || body[0] != 0xFF && body[0] != f.Address {
		return false, 0, nil, false
	}
	return advanced, body[1], body[2:], true
}

// Writes implements Device.
func (f *Feig) Writes(request []byte) rfid.UID {
	_, cmd, data, ok := f.open(request)
	if !ok || cmd != feigISO || len(data) < 10 || data[1]&7 != 1 {
		return rfid.UID{}
	}
	switch data[0] {
	case isoWrite, isoLock, isoAFI, isoLockAFI, isoDSFID, isoLockDSFID:
		return rfid.MakeUID(data[2:10])
	}
	return rfid.UID{}
}

// Answer implements Device.
func (f *Feig) Answer(dst, request []byte, m Moment) ([]byte, time.Duration) {
	advanced, cmd, data, ok := f.open(request)
	if !ok {
		return dst, 0
	}
	var status byte
	var out []byte
	var air time.Duration
	switch cmd {
	case feigISO:
		status, out, air = f.iso(data, advanced, m)
	case feigTransparent:
		status, out, air = f.transparent(data)
	default:
		status, out, air = f.system(cmd, data)
	}
	return f.frame(dst, advanced, cmd, status, out), air
}

// system is the reader's own commands.
func (f *Feig) system(cmd byte, data []byte) (byte, []byte, time.Duration) {
	// For each command the lengths its data may have.
	lengths := map[byte][]int{feigBaud: {1}, feigCPUReset: {0}, feigSystemReset: {0, 1}, feigVersion: {0}, feigInfo: {1},
		feigRFReset: {0}, feigRF: {1}, feigReadCfg: {1}, feigWriteCfg: {15}, feigSaveCfg: {1}, feigDefaultCfg: {1}}[cmd]
	version := []byte{0x01, 0x02, 0x00, 0x00, 0x53, 0x00, 0x18} // software, hardware revisions, CPR, 15693 and 14443A
	switch {
	case lengths == nil:
		return feigUnknown, nil, 0
	case !slices.Contains(lengths, len(data)):
		return feigLength, nil, 0
	}
	switch cmd {
	case feigCPUReset, feigSystemReset:
		f.Reset()
	case feigVersion:
		return feigOK, version, 0
	case feigInfo:
		if data[0] != 0 {
			return feigParameter, nil, 0
		}
		out := binary.BigEndian.AppendUint16(version, uint16(f.RxBuf))
		return feigOK, binary.BigEndian.AppendUint16(out, uint16(f.TxBuf)), 0
	case feigRFReset:
		f.drop()
		return feigOK, nil, 15 * time.Millisecond
	case feigRF:
		if data[0] > 1 {
			return feigParameter, nil, 0
		}
		if f.off = data[0] == 0; f.off {
			f.drop()
		}
	case feigReadCfg, feigWriteCfg, feigSaveCfg, feigDefaultCfg:
		return f.configure(cmd, data)
	}
	return feigOK, nil, 0
}

// configure reads and writes configuration blocks. The address byte: b7 EEPROM
// instead of RAM, b6 all blocks, b5…0 block.
func (f *Feig) configure(cmd byte, data []byte) (byte, []byte, time.Duration) {
	eeprom, all, page := data[0]&0x80 != 0, data[0]&0x40 != 0, data[0]&0x3F
	store := &f.config
	if eeprom {
		store = &f.saved
	}
	switch cmd {
	case feigReadCfg:
		return feigOK, slices.Clone(store[page][:]), 0
	case feigWriteCfg:
		copy(store[page][:], data[1:])
		if eeprom {
			f.config[page] = store[page]
		}
	case feigSaveCfg:
		if all {
			f.saved = f.config
		} else {
			f.saved[page] = f.config[page]
		}
	case feigDefaultCfg:
		for i := range store {
			if all || i == int(page) {
				store[i] = feigDefaults[i]
			}
		}
	}
	return feigOK, nil, 0
}

// iso is the ISO host command: sub-command, MODE, and in addressed mode the UID.
func (f *Feig) iso(data []byte, advanced bool, m Moment) (byte, []byte, time.Duration) {
	if len(data) < 2 {
		return feigLength, nil, 0
	}
	sub, mode, rest := data[0], data[1], data[2:]
	if sub == isoInventory {
		return f.inventory(mode, rest, advanced, m)
	}
	fixed, known := map[byte]int{isoQuiet: 0, isoLock: 2, isoRead: 2, isoWrite: 3, isoSelect: 0, isoReady: 0, isoAFI: 1,
		isoLockAFI: 0, isoDSFID: 1, isoLockDSFID: 0, isoInfo: 0, isoSecurity: 2}[sub]
	if !known {
		return feigUnknown, nil, 0
	}
	addressed := mode&7 == 1
	if addressed {
		fixed += 8
	}
	if len(rest) < fixed || len(rest) > fixed && sub != isoWrite {
		return feigLength, nil, 0
	}
	var uid rfid.UID
	switch mode & 7 {
	case 0:
		var status byte
		if uid, status = f.alone(); status != feigOK && !(sub == isoReady && status == feigRFError) {
			return status, nil, 5 * time.Millisecond
		}
	case 1:
		uid, rest = rfid.MakeUID(rest[:8]), rest[8:]
	case 2:
		if uid = f.selected; uid.IsZero() {
			return feigNoTag, nil, 5 * time.Millisecond
		}
	default:
		return feigParameter, nil, 0
	}
	if sub == isoReady && !addressed {
		f.quiet, f.selected = map[rfid.UID]int{}, rfid.UID{}
		return feigOK, nil, 5 * time.Millisecond
	}
	status, out, air := byte(feigNoTag), []byte(nil), 5*time.Millisecond
	if f.off || m.Lifted == Before {
		f.liftIf(m, uid)
		return status, nil, air
	}
	f.table.With(uid, func(c *Chip) {
		if c.Kind != rfid.ISO15693 {
			status = feigWrongType
			return
		}
		status, out, air = f.chip(c, sub, mode, rest, advanced, m)
	})
	if m.Lifted != Whole {
		f.liftIf(m, uid)
		return feigNoTag, nil, air
	}
	return status, out, air
}

func (f *Feig) liftIf(m Moment, uid rfid.UID) {
	if m.Lifted != Whole {
		f.table.LiftUID(uid)
	}
}

// alone is the only chip that would answer an unaddressed command.
func (f *Feig) alone() (uid rfid.UID, status byte) {
	status = feigNoTag
	f.table.Each(func(c *Chip) bool {
		if c.Kind == rfid.ISO15693 && !f.off && !f.isQuiet(c) {
			if status == feigOK {
				status = feigRFError
				return false
			}
			uid, status = c.UID, feigOK
		}
		return true
	})
	return uid, status
}

func (f *Feig) isQuiet(c *Chip) bool {
	visit, ok := f.quiet[c.UID]
	return ok && visit == c.visit
}

// chip is a sub-command that one chip carries out.
func (f *Feig) chip(c *Chip, sub, mode byte, rest []byte, advanced bool, m Moment) (byte, []byte, time.Duration) {
	const ms = time.Millisecond
	switch sub {
	case isoQuiet:
		f.quiet[c.UID] = c.visit
		if f.selected == c.UID {
			f.selected = rfid.UID{}
		}
		return feigOK, nil, 2 * ms
	case isoSelect:
		f.selected = c.UID
		delete(f.quiet, c.UID)
		return feigOK, nil, 5 * ms
	case isoReady:
		delete(f.quiet, c.UID)
		if f.selected == c.UID {
			f.selected = rfid.UID{}
		}
		return feigOK, nil, 5 * ms
	case isoInfo:
		out := c.UID.Append([]byte{byte(c.DSFID)})
		return feigOK, append(out, byte(c.AFI), byte(c.BlockSize-1), byte(c.Blocks()-1), c.ICRef), 7 * ms
	case isoRead, isoSecurity:
		return f.read(c, sub, mode, int(rest[0]), int(rest[1]), advanced)
	case isoWrite:
		return f.write(c, rest, m)
	case isoLock:
		for n := range int(rest[1]) {
			if e := c.LockBlock(int(rest[0]) + n); e != OK {
				return feigTagError, []byte{e}, 6 * ms
			}
		}
		return feigOK, nil, time.Duration(rest[1]) * 6 * ms
	}
	e := NotSupported
	switch sub {
	case isoAFI:
		if m.Lifted == Middle {
			return feigNoTag, nil, 6 * ms
		}
		e = c.WriteAFI(rfid.AFI(rest[0]))
	case isoLockAFI:
		e = c.LockAFI()
	case isoDSFID:
		e = c.WriteDSFID(rfid.DSFID(rest[0]))
	case isoLockDSFID:
		e = c.LockDSFID()
	}
	if e != OK {
		return feigTagError, []byte{e}, 6 * ms
	}
	return feigOK, nil, 6 * ms
}

// read is blocks with their security byte, each block's bytes in reverse order
// (manual, annex F). Without MODE 08 the security byte is always 0.
func (f *Feig) read(c *Chip, sub, mode byte, first, count int, advanced bool) (byte, []byte, time.Duration) {
	air := 3*time.Millisecond + time.Duration(count)*2*time.Millisecond
	size, most := c.BlockSize, f.Read
	if sub == isoSecurity {
		size = 0
	}
	if advanced {
		most = 1 << 16 // the node client reads 80 blocks of an MR102 at once
	}
	if count == 0 || count*size > most {
		return feigParameter, nil, 0
	}
	out := []byte{byte(count)}
	if sub == isoRead {
		out = append(out, byte(size))
	}
	for n := first; n < first+count; n++ {
		block := c.Block(n)
		if block == nil {
			return feigTagError, []byte{NoBlock}, air
		}
		sec := byte(0)
		if c.Locked[n] && (mode&0x08 != 0 || sub == isoSecurity) {
			sec = 1
		}
		out = append(out, sec)
		for i := size - 1; i >= 0; i-- {
			out = append(out, block[i])
		}
	}
	return feigOK, out, air
}

// write stores whole blocks, whose bytes come in reverse order.
func (f *Feig) write(c *Chip, rest []byte, m Moment) (byte, []byte, time.Duration) {
	first, count, size, data := int(rest[0]), int(rest[1]), int(rest[2]), rest[3:]
	if len(data) != count*size {
		return feigLength, nil, 0
	}
	if count == 0 || size != c.BlockSize {
		return feigParameter, nil, 0
	}
	air := time.Duration(count) * 6 * time.Millisecond
	if m.Lifted == Middle {
		count /= 2
	}
	for n := range count {
		block := slices.Clone(data[n*size : (n+1)*size])
		slices.Reverse(block)
		if e := c.WriteBlock(first+n, block); e != OK {
			return feigTagError, []byte{e}, air
		}
	}
	return feigOK, nil, air
}

// Bits of an inventory's MODE.
const (
	modeMore     = 0x80 // continue the last inventory
	modeNotify   = 0x40 // wait for a tag, one more byte times 100 ms
	modePresence = 0x20 // all tags, also those reported before
)

// inventory finds chips that were not reported since they came into the field.
func (f *Feig) inventory(mode byte, rest []byte, advanced bool, m Moment) (byte, []byte, time.Duration) {
	if want := int(mode & modeNotify >> 6); len(rest) != want {
		return feigLength, nil, 0
	}
	air := 10 * time.Millisecond
	if mode&modeMore == 0 {
		f.more = f.look(nil, mode)
		if mode&modeNotify != 0 {
			f.await(time.Duration(rest[0])*100*time.Millisecond, mode, m)
		}
		air += time.Duration(len(f.more)) * 8 * time.Millisecond
	}
	if len(f.more) == 0 {
		return feigNoTag, nil, air
	}
	room := f.TxBuf
	if !advanced {
		room = min(room, 255)
	}
	room -= 9 // the advanced frame around the data and the number of tags
	out := []byte{0}
	for len(f.more) > 0 {
		row := record(f.more[0])
		if len(out)-1+len(row) > room && out[0] > 0 || out[0] == 255 {
			return feigMore, out, air
		}
		out = append(out, row...)
		out[0]++
		f.report(f.more[0].UID)
		f.more = f.more[1:]
	}
	return feigOK, out, air
}

// look lists the chips that would answer now.
func (f *Feig) look(found []rfid.Tag, mode byte) []rfid.Tag {
	if f.off {
		return nil
	}
	f.table.Each(func(c *Chip) bool {
		if (c.Kind == rfid.ISO15693 || c.Kind == rfid.ISO14443A) && (mode&modePresence != 0 || !f.isQuiet(c)) {
			found = append(found, c.Tag)
		}
		return true
	})
	return found
}

// report puts a chip in Quiet once the host was told of it, if ONT says so.
func (f *Feig) report(u rfid.UID) {
	if f.config[5][11]&feigOnlyNew != 0 {
		f.table.With(u, func(c *Chip) { f.quiet[u] = c.visit })
	}
}

// await waits for a chip to come into the field.
func (f *Feig) await(limit time.Duration, mode byte, m Moment) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		changed := f.table.Changed()
		if f.more = f.look(nil, mode); len(f.more) > 0 {
			return
		}
		select {
		case <-changed:
		case <-timer.C:
			return
		case <-m.Done:
			return
		}
	}
}

// record is a tag in an inventory.
func record(t rfid.Tag) []byte {
	if t.Kind == rfid.ISO15693 {
		return t.UID.Append([]byte{0x03, byte(t.DSFID)})
	}
	info, width := byte(0), 7
	if t.UID.Len() > 7 {
		info, width = 0x04, 10
	}
	row := append([]byte{0x04, info, 0x00}, make([]byte, width-t.UID.Len())...)
	return t.UID.Append(row)
}

// transparent hands an ISO 15693 request to the air: MODE, length of the answer
// in bits (2), 02 1F, request without its check. Only NXP's EAS commands, which
// no ISO host command reaches, are answered.
func (f *Feig) transparent(data []byte) (byte, []byte, time.Duration) {
	if len(data) < 7 {
		return feigLength, nil, 0
	}
	const air = 12 * time.Millisecond
	req := data[5:]
	if f.off || len(req) != 11 || req[0]&0x27 != 0x22 || req[2] != 0x04 {
		return feigNoTag, nil, air // a chip keeps silent about what it does not know
	}
	status, out := byte(feigNoTag), []byte(nil)
	f.table.With(rfid.MakeUID(req[3:11]).Reversed(), func(c *Chip) {
		if !c.NXP() {
			return
		}
		switch req[1] {
		case 0xA2, 0xA3:
			c.EAS = req[1] == 0xA2
			status, out = feigOK, []byte{0}
		case 0xA5:
			if c.EAS {
				status, out = feigOK, append([]byte{0}, easSequence[:]...)
			}
		}
	})
	return status, out, air
}

// easSequence is the 256 bits an ICODE chip sends at a gate.
//
// Source: NXP SL2S2002 data sheet rev. 3.4, EAS alarm.
var easSequence = [32]byte{
	0x2F, 0xB3, 0x62, 0x70, 0xD5, 0xA7, 0x90, 0x7F, 0xE8, 0xB1, 0x80, 0x38, 0xD2, 0x81, 0x49, 0x76,
	0x82, 0xDA, 0x9A, 0x86, 0x6F, 0xAF, 0x8B, 0xB0, 0xF1, 0x9C, 0xD1, 0x12, 0xA5, 0x72, 0x37, 0xEF,
}
