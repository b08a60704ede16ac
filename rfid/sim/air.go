package sim

import (
	"time"

	"coldstation/rfid"
)

// air plays one addressed ISO 15693 request, without its check, to the chips on
// the pad: flags, command, [maker], UID low byte first, parameters. It returns
// the answer without its check, nil for silence. A chip keeps silent about what
// it does not know and never answers Stay Quiet.
//
// Source: ISO/IEC 15693-3; for EAS, NXP SL2S2002 data sheet rev. 3.4.
func air(t *Table, req []byte) (answer []byte, took time.Duration) {
	const ms = time.Millisecond
	at := 2
	if len(req) > 1 && req[1] >= 0xA0 {
		at = 3
	}
	if len(req) < at+8 || req[0]&0x27 != 0x22 {
		return nil, 5 * ms
	}
	cmd, rest := req[1], req[at+8:]
	t.With(rfid.MakeUID(req[at:at+8]).Reversed(), func(c *Chip) {
		if c.Kind != rfid.ISO15693 || at == 3 && (!c.NXP() || req[2] != 0x04) {
			return
		}
		wrote := func(e byte) {
			if answer = []byte{0}; e != OK {
				answer = []byte{1, e}
			}
		}
		short := map[byte]int{0x20: 1, 0x21: 1 + c.BlockSize, 0x22: 1, 0x23: 2, 0x27: 1, 0x29: 1, 0x2C: 2}[cmd]
		if len(rest) != short {
			wrote(NotRecognised)
			return
		}
		switch cmd {
		case 0x20, 0x23, 0x2C:
			first, count := int(rest[0]), 1
			if cmd != 0x20 {
				count += int(rest[1])
			}
			took = time.Duration(5+2*count) * ms
			answer = c.blocks(first, count, cmd == 0x2C || req[0]&0x40 != 0, cmd != 0x2C)
		case 0x21:
			wrote(c.WriteBlock(int(rest[0]), rest[1:]))
		case 0x22:
			wrote(c.LockBlock(int(rest[0])))
		case 0x25, 0x26:
			wrote(OK)
		case 0x27:
			wrote(c.WriteAFI(rfid.AFI(rest[0])))
		case 0x28:
			wrote(c.LockAFI())
		case 0x29:
			wrote(c.WriteDSFID(rfid.DSFID(rest[0])))
		case 0x2A:
			wrote(c.LockDSFID())
		case 0x2B:
			answer = append(c.UID.Reversed().Append([]byte{0, 0x0F}), byte(c.DSFID), byte(c.AFI), byte(c.Blocks()-1), byte(c.BlockSize-1), c.ICRef)
		case 0xA2, 0xA3:
			c.EAS = cmd == 0xA2
			wrote(OK)
		case 0xA5:
			if c.EAS {
				answer = append([]byte{0}, easSequence[:]...)
			}
		}
	})
	return answer, max(took, 6*ms)
}

// blocks is the answer to a read: security bytes, data, or both.
func (c *Chip) blocks(first, count int, security, data bool) []byte {
	out := []byte{0}
	for n := first; n < first+count; n++ {
		b := c.Block(n)
		if b == nil {
			return []byte{1, NoBlock}
		}
		if security {
			lock := byte(0)
			if c.Locked[n] {
				lock = 1
			}
			out = append(out, lock)
		}
		if data {
			out = append(out, b...)
		}
	}
	return out
}
