package sim

import (
	"fmt"

	"coldstation/rfid"
)

// A MIFARE Classic 1K is 16 sectors of 4 blocks of 16 bytes. The last block of a
// sector, its trailer, is key A, four bytes of access bits, key B. As delivered
// all keys are FF, and key A opens everything.
//
// Source: NXP, MF1S50 data sheet, chapter 8.

// classicSize is the memory of a MIFARE Classic 1K in bytes.
const classicSize = 1024

var factoryTrailer = [16]byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x80, 0x69, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}

// newClassic is the memory of a card as delivered.
func newClassic(uid rfid.UID) []byte {
	m := make([]byte, classicSize)
	copy(m, uid.Bytes())
	if uid.Len() == 4 {
		m[4] = m[0] ^ m[1] ^ m[2] ^ m[3]
		m[5], m[6], m[7] = 0x08, 0x04, 0x00
	}
	for sector := range 16 {
		copy(m[sector*64+48:], factoryTrailer[:])
	}
	return m
}

// setSector writes a sector's data, at most 48 bytes or 64 with its trailer, and
// its keys where they are given.
func (c *Chip) setSector(sector int, data, keyA, keyB []byte) error {
	switch {
	case len(data) > 64:
		return fmt.Errorf("\"sector%d\": %d bytes: a sector has 48, or 64 with its keys", sector, len(data))
	case len(keyA) != 0 && len(keyA) != 6:
		return fmt.Errorf("\"key_a\": %d bytes: a key has 6", len(keyA))
	case len(keyB) != 0 && len(keyB) != 6:
		return fmt.Errorf("\"key_b\": %d bytes: a key has 6", len(keyB))
	}
	if c.Card == nil {
		c.Card = newClassic(c.UID)
	}
	block := c.Card[sector*64:]
	copy(block, data)
	copy(block[48:], keyA)
	copy(block[58:], keyB)
	return nil
}

// access is C1, C2, C3 of a block as bits 4, 2, 1.
func (c *Chip) access(block int) byte {
	t, n := c.Card[(block|3)*16:], block&3
	return (t[7]>>(4+n)&1)<<2 | (t[8]>>n&1)<<1 | t[8]>>(4+n)&1
}

// opens tells whether a key is the sector's. A key B that can be read is data
// and no key.
func (c *Chip) opens(block int, b bool, key []byte) bool {
	if c.Card == nil || block < 0 || block >= len(c.Card)/16 {
		return false
	}
	trailer := c.Card[(block|3)*16:]
	if !b {
		return string(trailer[:6]) == string(key)
	}
	return string(trailer[10:16]) == string(key) && !readableB(c.access(block|3))
}

func readableB(access byte) bool { return access == 0b000 || access == 0b010 || access == 0b001 }

// readCard is a block as the card gives it to the holder of a key; nil if the
// access bits forbid it. Key A never leaves the card.
func (c *Chip) readCard(block int, b bool) []byte {
	out := append([]byte(nil), c.Card[block*16:block*16+16]...)
	access := c.access(block)
	if block&3 == 3 {
		clear(out[:6])
		if !readableB(access) {
			clear(out[10:])
		}
		return out
	}
	switch access {
	case 0b011, 0b101:
		if !b {
			return nil
		}
	case 0b111:
		return nil
	}
	return out
}

// writeCard stores a block if the access bits allow. Block 0 is the maker's.
func (c *Chip) writeCard(block int, b bool, data []byte) bool {
	to := c.Card[block*16 : block*16+16]
	access := c.access(block)
	if block == 0 || len(data) != 16 {
		return false
	}
	if block&3 != 3 {
		if access != 0b000 && !(b && (access == 0b100 || access == 0b110 || access == 0b011)) {
			return false
		}
		copy(to, data)
		return true
	}
	keys := !b && (access == 0b000 || access == 0b001) || b && (access == 0b100 || access == 0b011)
	bits := !b && access == 0b001 || b && (access == 0b011 || access == 0b101)
	if keys {
		copy(to[:6], data[:6])
		copy(to[10:], data[10:])
	}
	if bits {
		copy(to[6:10], data[6:10])
	}
	return keys || bits
}

// proximity is how an ISO 14443A card answers when it is found. A telephone, which
// draws its UID anew, is an ISO 14443-4 card; UIDs of 7 and 10 bytes without a
// memory of their own are of cards with little in them.
//
// Source: NXP AN10833; the ATS is of a telephone's card emulation.
func (c *Chip) proximity() (atqa [2]byte, sak byte, ats []byte) {
	atqa = [2]byte{0x00, 0x04}
	switch c.UID.Len() {
	case 7:
		atqa[1] = 0x44
	case 10:
		atqa[1] = 0x84
	}
	switch {
	case c.Passing():
		return atqa, 0x20, []byte{0x05, 0x78, 0x80, 0x70, 0x02}
	case c.Card != nil:
		return atqa, 0x08, nil
	}
	return atqa, 0x00, nil
}
