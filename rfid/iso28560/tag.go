package iso28560

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxMemory is the most memory Decode looks at; the largest ISO 15693 tags have
// 8 KiB.
const MaxMemory = 8192

// NoDSFID stands for a DSFID that was not read.
const NoDSFID = -1

// DSFIDs registered for library tags. Hints only.
const (
	DSFIDPart2 = 0x06
	DSFIDPart3 = 0x3E
)

var (
	// ErrUnknown: the memory follows no format of this package. Leave it alone.
	ErrUnknown = errors.New("iso28560: not understood")
	// ErrCRC: the layout of part 3, but its check does not match. The fields are
	// filled in for a person to look at, and must not decide anything.
	ErrCRC = errors.New("iso28560: wrong CRC")
	// ErrRoom: the label does not fit the layout or the tag.
	ErrRoom = errors.New("iso28560: does not fit")
	// ErrText: the label has a character that the layout cannot hold.
	ErrText = errors.New("iso28560: cannot be written")
)

// Format is how a tag's memory is laid out.
type Format uint8

const (
	Unknown     Format = iota // follows no format of this package
	Empty                     // never written
	NDEF                      // NFC Forum Type 5, written by a phone
	Part3                     // ISO 28560-3, 34-byte basic block
	Part3Short                // ISO 28560-3, all of a 32-byte tag
	Finland2005               // the Finnish model of 2005: a 32-byte basic block, others behind it
	Part2                     // ISO 28560-2
	Legacy3M                  // 3M's layout from before the standard
)

var formats = [...]string{"unknown", "empty", "ndef", "iso28560-3", "iso28560-3/32", "finland-2005", "iso28560-2", "3m-legacy"}

func (f Format) String() string {
	if int(f) < len(formats) {
		return formats[f]
	}
	return fmt.Sprintf("format %d", uint8(f))
}

// MayOverwrite reports whether a station may write a label over the memory: it is
// empty or was a library's. What we do not understand belongs to somebody else.
func (f Format) MayOverwrite() bool { return f != Unknown && f != NDEF }

// Usage is the type of usage, ISO 28560-1 4.2.5: 0 to 15, or Unstated.
type Usage int8

const (
	Unstated       Usage = -1 // the tag does not say
	Acquisition    Usage = 0
	Circulation    Usage = 1
	NotCirculating Usage = 2
	NoInformation  Usage = 6
	Discarded      Usage = 7
	PatronCard     Usage = 8 // not an item at all
	Equipment      Usage = 9
)

// Label is what a library says of an item, whatever the format.
type Label struct {
	Item  string // primary item identifier, the ILS's barcode
	ISIL  string // owner, as FI-He; empty when not stated
	Parts int    // 0 when not stated, which means one part
	Part  int    // 1 to Parts; 0 when not stated
	Usage Usage
	Title string
}

// text checks that what is to be written will be read back as it is.
func (l Label) text() error {
	for i, s := range [...]string{l.Item, l.ISIL, l.Title} {
		if !graphic(s) || strings.TrimSpace(s) != s { // the value may name a person: leave it out
			return fmt.Errorf("%s has controls, broken UTF-8 or outer spaces: %w", [...]string{"item", "ISIL", "title"}[i], ErrText)
		}
	}
	if l.Item == "" {
		return fmt.Errorf("no item identifier: %w", ErrText)
	}
	return nil
}

// Check is what a tag's own CRC says.
type Check uint8

const (
	NoCheck Check = iota // the format has none
	Good
	Bad // see ErrCRC
)

// Tag is a tag's memory, understood.
type Tag struct {
	Label
	Format Format
	Check  Check
	Note   string // a remark for people, such as how the tag was written; may be empty
	body   body
}

// body is memory taken apart so that it can be put together again, unchanged.
type body interface {
	appendTo([]byte) []byte
}

// Encode returns the memory that was decoded, byte for byte.
func (t Tag) Encode() []byte {
	if t.body == nil {
		return nil
	}
	return t.body.appendTo(nil)
}

// Objects returns the objects of a Part2 tag in their order, null bytes included.
func (t Tag) Objects() []Object {
	if r, ok := t.body.(*record); ok {
		return r.objects
	}
	return nil
}

// Extensions returns the extension blocks of a part 3 tag.
func (t Tag) Extensions() []Extension {
	if b, ok := t.body.(*basic); ok {
		return b.extensions
	}
	return nil
}

// raw is memory with no structure known to us.
type raw []byte

func (r raw) appendTo(b []byte) []byte { return append(b, r...) }

// Decode takes a tag's memory apart, from byte 0 on, in the order of the package
// comment. dsfid is the tag's DSFID, or NoDSFID. mem may be only the beginning of
// the memory: see Need.
//
// A Tag is returned in any case, so that nothing on it is lost; with ErrUnknown
// or ErrCRC its Item must not be trusted. A nil error still allows an empty Item:
// an Empty or NDEF tag has none.
func Decode(mem []byte, dsfid int) (Tag, error) {
	if len(mem) > MaxMemory {
		return Tag{Label: Label{Usage: Unstated}, Note: "more memory than any tag has", body: raw(bytes.Clone(mem))},
			fmt.Errorf("decode %d bytes, more than any tag has: %w", len(mem), ErrUnknown)
	}
	mem = bytes.Clone(mem)
	switch {
	case blank(mem):
		return Tag{Label: Label{Usage: Unstated}, Format: Empty, Note: "nothing is written on the tag", body: raw(mem)}, nil
	case len(mem) >= 4 && (mem[0] == 0xE1 || mem[0] == 0xE2) && mem[1]>>4 == 4:
		return Tag{Label: Label{Usage: Unstated}, Format: NDEF, Note: "written by a phone (NFC Forum Type 5), not a library tag", body: raw(mem)}, nil
	}
	if b := checkedBasic(mem); b != nil {
		return b.tag(Good), nil
	}
	two := parseRecord(mem)
	if shaped := shapedBasic(mem); shaped != nil && !two.certain(dsfid) {
		return shaped.tag(Bad), fmt.Errorf("decode part 3: computed %04X, tag has %04X: %w", shaped.sum(), shaped.crc, ErrCRC)
	}
	if two.credible(dsfid) {
		return two.tag(), nil
	}
	if l := parseLegacy(mem); l != nil {
		return l.tag(), nil
	}
	why := "not a library tag that we know"
	if len(mem) < shortLen {
		why = "too little memory to tell what is on the tag"
	}
	return Tag{Label: Label{Usage: Unstated}, Note: why, body: raw(mem)},
		fmt.Errorf("decode %d bytes: %w", len(mem), ErrUnknown)
}

// counterAt is where an ICODE SLIX2 keeps a counter, in the last of its 80 blocks.
//
// Source: NXP, SL2S2602 data sheet, counter block.
const counterAt, slix2Len = 79 * 4, 80 * 4

func blank(mem []byte) bool {
	if len(mem) == slix2Len {
		mem = mem[:counterAt]
	}
	if len(mem) == 0 || mem[0] != 0x00 && mem[0] != 0x55 {
		return false
	}
	for _, c := range mem {
		if c != mem[0] {
			return false
		}
	}
	return true
}

// First is how many bytes to read before the first Decode: nine blocks of four,
// enough for the basic block of part 3 and for most of part 2.
const First = 36

// Need tells, from the beginning of a tag's memory, how many bytes from byte 0
// Decode wants: item to know the identifier, all to know the whole label. It is
// satisfied when they are no more than len(mem), or than the tag has. An answer
// looks at most one object, 386 bytes, ahead, so ask again after reading more.
func Need(mem []byte, dsfid int) (item, all int) {
	if len(mem) < First {
		return First, First
	}
	tag, err := Decode(mem, dsfid)
	if err != nil { // or is it part 2, and its end would show it?
		if r := parseRecord(mem[:min(len(mem), MaxMemory)]); r != nil && r.cut {
			return r.need()
		}
		return First, First
	}
	switch b := tag.body.(type) {
	case *basic:
		item, all = b.size(), b.need()
		if b.item[0] == 0 {
			item = all
		}
		return item, all
	case *record:
		return b.need()
	}
	return First, First
}

// text reads a field that ends at its first 00 or its end, and may be filled with
// spaces. ok is false for bytes that no library would show: controls, broken UTF-8.
func text(field []byte) (s string, ok bool) {
	if i := bytes.IndexByte(field, 0); i >= 0 {
		field = field[:i]
	}
	s = strings.TrimRight(string(field), " ")
	return s, graphic(s)
}

func graphic(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// note adds a remark to others.
func note(to *string, format string, args ...any) {
	if *to != "" {
		*to += "; "
	}
	*to += fmt.Sprintf(format, args...)
}
