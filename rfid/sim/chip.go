package sim

import "coldstation/rfid"

// Chip is a tag or a card as it lies on the table or beside it.
type Chip struct {
	Name string
	rfid.Tag
	On      bool   // in the field
	Barcode string // printed on it; empty: none, or what its memory says

	AFI       rfid.AFI
	ICRef     byte
	BlockSize int
	Memory    []byte // whole blocks
	Locked    []bool // by block
	Exact     bool   // Memory is all it has, and not filled up to what a chip of its UID has
	AFILock   bool
	DSFIDLock bool
	EAS       bool // NXP: the gate sounds

	Card []byte // MIFARE Classic 1K: its 1024 bytes, keys included; nil for other cards

	visit int // counts the times it came into the field, since a chip that loses power forgets
}

// Error codes of ISO/IEC 15693-3, table 6. OK is no error.
const (
	OK            byte = 0x00
	NotSupported  byte = 0x01
	NotRecognised byte = 0x02
	NoBlock       byte = 0x10
	AlreadyLocked byte = 0x11
	BlockLocked   byte = 0x12
	NotProgrammed byte = 0x13
)

// Blocks is the number of blocks of user memory.
func (c *Chip) Blocks() int {
	if c.BlockSize == 0 {
		return 0
	}
	return len(c.Memory) / c.BlockSize
}

// NXP tells whether the chip knows NXP's own commands, EAS among them.
func (c *Chip) NXP() bool { b := c.UID.Bytes(); return c.Kind == rfid.ISO15693 && b[1] == 0x04 }

// Block is one block's bytes, nil outside the memory.
func (c *Chip) Block(n int) []byte {
	if n < 0 || n >= c.Blocks() {
		return nil
	}
	return c.Memory[n*c.BlockSize : (n+1)*c.BlockSize]
}

// WriteBlock stores one block.
func (c *Chip) WriteBlock(n int, data []byte) byte {
	b := c.Block(n)
	switch {
	case b == nil:
		return NoBlock
	case c.Locked[n]:
		return BlockLocked
	case len(data) != len(b):
		return NotRecognised
	}
	copy(b, data)
	return OK
}

// LockBlock locks one block for ever.
func (c *Chip) LockBlock(n int) byte {
	switch {
	case c.Block(n) == nil:
		return NoBlock
	case c.Locked[n]:
		return AlreadyLocked
	}
	c.Locked[n] = true
	return OK
}

// WriteAFI stores the AFI.
func (c *Chip) WriteAFI(afi rfid.AFI) byte {
	if c.AFILock {
		return BlockLocked
	}
	c.AFI = afi
	return OK
}

// WriteDSFID stores the DSFID.
func (c *Chip) WriteDSFID(d rfid.DSFID) byte {
	if c.DSFIDLock {
		return BlockLocked
	}
	c.DSFID = d
	return OK
}

// lock sets a lock bit once.
func lock(bit *bool) byte {
	if *bit {
		return AlreadyLocked
	}
	*bit = true
	return OK
}

// LockAFI and LockDSFID lock for ever.
func (c *Chip) LockAFI() byte   { return lock(&c.AFILock) }
func (c *Chip) LockDSFID() byte { return lock(&c.DSFIDLock) }

// size is the memory of a chip with this UID, in blocks of 4 bytes, when the
// table does not ask for more.
//
// Source: NXP data sheets; the model is in bits 37 and 36 of an E00401 UID: 00
// ICODE SLI, 10 SLIX (both 28 blocks), 01 SLIX2 (80); E00402 are the 40 blocks of
// SLI-S and SLIX-S. Other makers' chips are given 28.
func size(u rfid.UID) (blocks int) {
	b := u.Bytes()
	switch {
	case b[1] == 0x04 && b[2] == 0x02:
		return 40
	case b[1] == 0x04 && b[2] == 0x01 && b[3]>>3&3 == 1:
		return 80
	}
	return 28
}
