package iso28560

import (
	"bytes"
	"fmt"
	"strings"

	"coldstation/rfid/crc16"
)

const (
	basicLen = 34
	shortLen = 32
)

// basic is the memory of a part 3 tag.
type basic struct {
	head        byte // version and usage nibbles, as written
	parts, part byte
	item        [16]byte
	crc         uint16 // as written
	owner       [13]byte
	short       bool // the last two owner bytes are not on the tag
	reversed    bool // every whole 4-byte block of the memory is written backwards
	extensions  []Extension
	rest        []byte // from the end of the extensions on
}

// readBasic reads the fields from at least 34 bytes, or 32 if short.
func readBasic(mem []byte, short bool) basic {
	b := basic{head: mem[0], parts: mem[1], part: mem[2], crc: uint16(mem[19]) | uint16(mem[20])<<8, short: short}
	copy(b.item[:], mem[3:19])
	if short {
		copy(b.owner[:], mem[21:shortLen])
	} else {
		copy(b.owner[:], mem[21:basicLen])
	}
	return b
}

// sum computes the CRC; a short block counts as filled with 00.
func (b *basic) sum() uint16 {
	crc := crc16.Update(crc16.Init, []byte{b.head, b.parts, b.part})
	return crc16.Update(crc16.Update(crc, b.item[:]), b.owner[:])
}

// usage tells the type of usage and whether the nibbles are swapped; ok is false
// if no nibble is the version we know.
func (b *basic) usage() (u Usage, swapped, ok bool) {
	switch hi, lo := b.head>>4, b.head&0x0F; {
	case hi == 1:
		return Usage(lo), false, true
	case lo == 1:
		return Usage(hi), true, true
	}
	return Unstated, false, false
}

// checkedBasic finds the reading of mem that has a known version and a right CRC:
// straight before reversed, 34 bytes before 32. It is nil if there is none.
func checkedBasic(mem []byte) *basic {
	return findBasic(mem, func(b *basic) bool { return b.crc == b.sum() })
}

// shapedBasic finds the reading of mem that looks like part 3 to the eye, though
// the CRC was wrong already: a known usage, a part that is in its set, and either
// an identifier or an owner with a country, filled with 00 and nothing else.
func shapedBasic(mem []byte) *basic {
	return findBasic(mem, func(b *basic) bool {
		usage, _, _ := b.usage()
		item, okItem := filled(b.item[:])
		owner, okOwner := filled(b.owner[:])
		okItem = okItem && len(item) >= 6
		okOwner = okOwner && len(owner) > 3 && hyphenate(owner) != owner
		return usage <= Equipment && b.part <= b.parts && (okItem || okOwner)
	})
}

// filled is text that is followed by nothing but 00.
func filled(field []byte) (string, bool) {
	trimmed := bytes.TrimRight(field, "\x00")
	s, ok := text(trimmed)
	return s, ok && bytes.IndexByte(trimmed, 0) < 0
}

func findBasic(mem []byte, accept func(*basic) bool) *basic {
	for _, reversed := range [...]bool{false, true} {
		var head [First]byte
		n := copy(head[:], mem)
		if reversed {
			reverseBlocks(head[:n])
		}
		for _, short := range [...]bool{false, true} {
			if size := (basic{short: short}).size(); n < size {
				continue
			}
			b := readBasic(head[:], short)
			if _, _, ok := b.usage(); !ok || !accept(&b) {
				continue
			}
			b.reversed = reversed
			all := mem
			if reversed {
				all = bytes.Clone(mem)
				reverseBlocks(all)
			}
			b.extensions, b.rest = parseExtensions(all[b.size():], short)
			return &b
		}
	}
	return nil
}

func (b basic) size() int {
	if b.short {
		return shortLen
	}
	return basicLen
}

// reverseBlocks turns round every whole block of four bytes.
func reverseBlocks(mem []byte) {
	for ; len(mem) >= 4; mem = mem[4:] {
		mem[0], mem[1], mem[2], mem[3] = mem[3], mem[2], mem[1], mem[0]
	}
}

func (b *basic) appendTo(to []byte) []byte {
	start := len(to)
	to = append(to, b.head, b.parts, b.part)
	to = append(to, b.item[:]...)
	to = append(to, byte(b.crc), byte(b.crc>>8))
	to = append(to, b.owner[:b.size()-21]...)
	for _, e := range b.extensions {
		to = e.appendTo(to)
	}
	to = append(to, b.rest...)
	if b.reversed {
		reverseBlocks(to[start:])
	}
	return to
}

func (b *basic) tag(check Check) Tag {
	t := Tag{Format: Part3, Check: check, body: b}
	t.Parts, t.Part = int(b.parts), int(b.part)
	var swapped, ok bool
	t.Usage, swapped, _ = b.usage()
	if check == Bad {
		note(&t.Note, "the CRC does not match: do not trust the item")
	}
	if b.short && len(b.extensions) == 0 && len(b.rest) == 0 {
		t.Format = Part3Short
	} else if b.short {
		t.Format = Finland2005
	}
	if b.reversed {
		note(&t.Note, "written with the bytes of every block reversed")
	}
	if swapped {
		note(&t.Note, "written with version and usage swapped (%02X)", b.head)
	}
	if t.Item, ok = text(b.item[:]); !ok {
		t.Item = ""
		note(&t.Note, "the item identifier is not text")
	}
	if t.ISIL, ok = text(b.owner[:]); !ok {
		t.ISIL = ""
		note(&t.Note, "the owner is not text")
	}
	t.ISIL = hyphenate(t.ISIL)
	for _, e := range b.extensions {
		switch e.ID {
		case LibraryBlock:
			f := e.fields()
			if len(f) > 0 && b.item[0] == 0 {
				t.Item = f[0]
			}
			if len(f) > 1 && b.owner[0] == 0 {
				t.ISIL = f[1]
			}
		case TitleBlock:
			if f := e.fields(); len(f) > 0 {
				t.Title = f[0]
			}
		}
	}
	if len(b.rest) > 0 && b.rest[0] != 0 {
		note(&t.Note, "%d bytes behind the label are not understood and are kept", len(b.rest))
	}
	return t
}

// need is how many bytes hold the basic block, its extensions, and the 00 that
// ends them.
func (b *basic) need() int {
	n := b.size()
	for _, e := range b.extensions {
		n += e.size()
	}
	if len(b.rest) > 0 && b.rest[0] >= 4 && int(b.rest[0]) > len(b.rest) {
		n += int(b.rest[0])
	}
	return n + 1
}

// hyphenate puts back the hyphen that follows the two letters of the country.
func hyphenate(owner string) string {
	if len(owner) < 3 || !letter(owner[0]) || !letter(owner[1]) || owner[2] == '-' {
		return owner
	}
	return owner[:2] + "-" + owner[2:]
}

func letter(c byte) bool { return 'A' <= c&^0x20 && c&^0x20 <= 'Z' }

// Layout says how and where a label is to be written.
type Layout struct {
	Block int  // fill to a multiple of this many bytes; 0 does not fill
	Room  int  // bytes the tag has; 0 does not limit
	Short bool // part 3 only: the 32-byte block
}

// EncodePart3 writes a label as ISO 28560-3. An identifier above 16 bytes, an
// owner that does not fit, and a title go to extension blocks, so they need more
// than 32 bytes.
func EncodePart3(l Label, lay Layout) ([]byte, error) {
	if err := l.text(); err != nil {
		return nil, fmt.Errorf("encode part 3: %w", err)
	}
	if l.Parts < 0 || l.Parts > 255 || l.Part < 0 || l.Part > l.Parts || l.Usage < Unstated || l.Usage > 15 {
		return nil, fmt.Errorf("encode part 3: part %d of %d, usage %d: %w", l.Part, l.Parts, l.Usage, ErrRoom)
	}
	if l.Usage == Unstated {
		l.Usage = NoInformation
	}
	if l.Parts == 0 { // the layout cannot leave it out; one part is the default
		l.Parts, l.Part = 1, 1
	}
	b := basic{head: 0x10 | byte(l.Usage), parts: byte(l.Parts), part: byte(l.Part), short: lay.Short}
	var farItem, farISIL string
	if len(l.Item) <= len(b.item) {
		copy(b.item[:], l.Item)
	} else {
		farItem = l.Item
	}
	owner := strings.Replace(l.ISIL, "-", "", 1)
	if hyphenate(owner) == l.ISIL && len(owner) <= b.size()-21 {
		copy(b.owner[:], owner)
	} else {
		farISIL = l.ISIL
	}
	b.crc = b.sum()
	if farItem != "" || farISIL != "" {
		b.extensions = append(b.extensions, Extension{ID: LibraryBlock, Payload: []byte("\x00" + farItem + "\x00" + farISIL + "\x00")})
	}
	if l.Title != "" {
		b.extensions = append(b.extensions, Extension{ID: TitleBlock, Payload: []byte(l.Title + "\x00")})
	}
	for i := range b.extensions {
		if b.extensions[i].size() > 255 || b.short {
			return nil, fmt.Errorf("encode part 3: extension of %d bytes: %w", b.extensions[i].size(), ErrRoom)
		}
		b.extensions[i].seal()
	}
	mem, err := finish(b.appendTo(nil), lay)
	if err != nil {
		return nil, fmt.Errorf("encode part 3: %w", err)
	}
	return mem, nil
}

// finish ends the data with a 00, unless the tag ends there too, and fills it.
func finish(mem []byte, lay Layout) ([]byte, error) {
	if lay.Room > 0 && len(mem) > lay.Room {
		return nil, fmt.Errorf("%d bytes into %d: %w", len(mem), lay.Room, ErrRoom)
	}
	if !lay.Short && (lay.Room == 0 || len(mem) < lay.Room) {
		mem = append(mem, 0)
	}
	for lay.Block > 0 && len(mem)%lay.Block != 0 && (lay.Room == 0 || len(mem) < lay.Room) {
		mem = append(mem, 0)
	}
	return mem, nil
}
