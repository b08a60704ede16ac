package rfid

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// CardMemory is a Reader that reaches the memory of MIFARE Classic cards.
//
// Finnish libraries keep their data in sector 1, in the form of ISO 28560-2. What
// is printed on the card is the primary item identifier found there, not the
// chip's UID.
//
// Source: recommendation of the Finnish libraries of 1 February 2015 (kiwi.fi).
type CardMemory interface {
	Reader

	// ReadSector appends the 48 bytes of user data of a sector, 0 to 31, to dst,
	// using the first of the reader's keys that opens it. ErrKey says that none
	// does, ErrNoTag that the card left, ErrUnsupported that it is of another make.
	ReadSector(uid UID, sector int, dst []byte) ([]byte, error)
}

// LibrarySector is where Finnish library cards carry their data.
const LibrarySector = 1

// SectorSize is the user data in a sector of a MIFARE Classic card: three blocks
// of 16 bytes. The fourth block holds the keys.
const SectorSize = 48

// ErrKey is a card that none of the reader's keys opens.
var ErrKey = errors.New("rfid: no key opens the card")

// Key opens a sector of a MIFARE Classic card. It prints without its secret.
type Key struct {
	B      bool // key B instead of key A
	Secret [6]byte
}

// DefaultKeys are public: as delivered by the chip's maker, of the MIFARE
// application directory, and of NFC Forum data.
//
// Source: NXP, MF1S50 data sheet; AN10787; AN1304.
var DefaultKeys = []Key{
	{Secret: [6]byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}},
	{Secret: [6]byte{0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5}},
	{Secret: [6]byte{0xD3, 0xF7, 0xD3, 0xF7, 0xD3, 0xF7}},
}

// ParseKey reads "A:A0A1A2A3A4A5" or "B:…"; without a letter it is key A. The
// error does not repeat the text.
func ParseKey(s string) (k Key, err error) {
	which, digits, found := strings.Cut(s, ":")
	if !found {
		which, digits = "A", s
	}
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != len(k.Secret) || which != "A" && which != "B" {
		return Key{}, errors.New("parse key: want A: or B: and 12 hexadecimal digits")
	}
	k.B = which == "B"
	copy(k.Secret[:], b)
	return k, nil
}

func (k Key) String() string {
	if k.B {
		return "key B"
	}
	return "key A"
}

// Format keeps the secret out of every verb.
func (k Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.String()) }

// Classic tells whether a card that answered with this SAK is a MIFARE Classic,
// or behaves as one.
//
// Source: NXP AN10833, MIFARE type identification procedure: bit 4 of SAK.
func Classic(sak byte) bool { return sak&0x08 != 0 }
