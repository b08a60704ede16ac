package rfid

import "fmt"

// Tag is what an inventory says of one chip in the field.
type Tag struct {
	UID   UID
	Kind  Kind
	DSFID DSFID // only ISO 15693 chips have one; a hint about the memory's format, never a promise
}

// Plausible tells whether the UID has a shape its kind allows. A reader that
// mishears a tag in a crowded field may report a UID that no chip can have.
//
// Source: ISO/IEC 15693-3 clause 4.1 (E0, maker, 48 bits); ISO/IEC 14443-3
// clause 6.5.4 (4, 7 or 10 bytes; a first byte of 88 is the cascade tag).
func (t Tag) Plausible() bool {
	u := t.UID
	switch t.Kind {
	case ISO15693:
		return u.n == 8 && u.b[0] == 0xE0
	case ISO14443A:
		return (u.n == 4 || u.n == 7 || u.n == 10) && u.b[0] != 0x88
	case ISO14443B:
		return u.n == 4 || u.n == 8
	case EM4100:
		return u.n == 5
	}
	return u.n > 0
}

// Passing tells whether the UID is drawn anew each time the chip is powered, as
// many bank cards and telephones do: it recognises nobody.
//
// Source: ISO/IEC 14443-3 clause 6.5.4: single-size UIDs with first byte 08.
func (t Tag) Passing() bool {
	return t.Kind == ISO14443A && t.UID.n == 4 && t.UID.b[0] == 0x08
}

// Kind is the air protocol a chip speaks.
type Kind uint8

// Kinds of chips. Unknown serves readers that print a number and no more.
const (
	Unknown   Kind = iota
	ISO15693       // 13.56 MHz vicinity: library items
	ISO14443A      // 13.56 MHz proximity: MIFARE, most cards
	ISO14443B      // 13.56 MHz proximity, type B
	EM4100         // 125 kHz, read only
)

var kinds = [...]string{"unknown", "ISO15693", "ISO14443A", "ISO14443B", "EM4100"}

func (k Kind) String() string {
	if int(k) < len(kinds) {
		return kinds[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// AFI is a tag's application family identifier: one byte that a gate can read
// without selecting the tag, and by which it decides whether to sound.
//
// C2 is registered for items on loan; stock on the shelf carries 07. Older
// collections use other pairs (3M: D7 secured, DA not), so a station takes its
// pair from settings.
//
// Source: ISO/IEC 15961-2 and -3, as summarised at biblstandard.dk/rfid/afi.htm.
type AFI byte

// The registered pair.
const (
	InLibrary AFI = 0x07
	OnLoan    AFI = 0xC2
)

func (a AFI) String() string { return fmt.Sprintf("%02X", byte(a)) }

// DSFID is a tag's data storage format identifier. 06 announces ISO 28560-2 and
// 3E ISO 28560-3, but many tags in use carry 00 whatever they hold.
//
// Source: ISO/IEC 15962.
type DSFID byte

func (d DSFID) String() string { return fmt.Sprintf("%02X", byte(d)) }

// Info is what an ISO 15693 chip says of itself.
//
// Source: ISO/IEC 15693-3, Get System Information.
type Info struct {
	UID       UID
	DSFID     DSFID
	AFI       AFI
	Blocks    int // user memory, in blocks: 28 for an ICODE SLIX, 80 for a SLIX2
	BlockSize int // bytes in a block, 1 to 32: almost always 4
	ICRef     byte
}

// Size is the user memory in bytes.
func (i Info) Size() int { return i.Blocks * i.BlockSize }
