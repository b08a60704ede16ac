package iso28560

import "bytes"

// IDs of the structured extension blocks of part 3.
const (
	LibraryBlock     = 1
	AcquisitionBlock = 2
	SupplementBlock  = 3
	TitleBlock       = 4
	ILLBlock         = 5
)

// Extension is one extension block of a part 3 tag. Only library and title blocks
// are interpreted; the others are kept.
type Extension struct {
	ID        uint16
	Payload   []byte
	Check     byte // makes the XOR of the whole block 0
	CheckLast bool // the check stands behind the payload, as in the 2005 model
}

func (e Extension) size() int { return 4 + len(e.Payload) }

func (e Extension) appendTo(to []byte) []byte {
	to = append(to, byte(e.size()), byte(e.ID), byte(e.ID>>8))
	if !e.CheckLast {
		to = append(to, e.Check)
	}
	to = append(to, e.Payload...)
	if e.CheckLast {
		to = append(to, e.Check)
	}
	return to
}

func (e *Extension) seal() {
	e.Check = byte(e.size()) ^ byte(e.ID) ^ byte(e.ID>>8) ^ xor(e.Payload)
}

func xor(b []byte) (x byte) {
	for _, c := range b {
		x ^= c
	}
	return x
}

// parseExtensions reads blocks until a length of 00, or until one is not sound,
// and returns what follows. last is where to expect the check first.
func parseExtensions(mem []byte, last bool) (blocks []Extension, rest []byte) {
	for len(mem) > 0 && mem[0] >= 4 && int(mem[0]) <= len(mem) && xor(mem[:mem[0]]) == 0 {
		e := cutExtension(mem[:mem[0]], last)
		if !e.legible() {
			if other := cutExtension(mem[:mem[0]], !last); other.legible() {
				e = other
			}
		}
		blocks, mem = append(blocks, e), mem[mem[0]:]
	}
	return blocks, mem
}

func cutExtension(block []byte, last bool) Extension {
	e := Extension{ID: uint16(block[1]) | uint16(block[2])<<8, CheckLast: last}
	if end := len(block) - 1; last {
		e.Check, e.Payload = block[end], block[3:end]
	} else {
		e.Check, e.Payload = block[3], block[4:]
	}
	return e
}

// legible reports whether the block's text is text. A block that is not
// interpreted is legible as it is.
func (e Extension) legible() bool {
	return e.ID != LibraryBlock && e.ID != TitleBlock || len(e.Payload) == 0 || e.fields() != nil
}

// fields splits the text of a library or title block; nil if it is none.
func (e Extension) fields() []string {
	b := e.Payload
	if e.ID == LibraryBlock && len(b) > 0 {
		b = b[1:] // media format
	}
	fields := []string{}
	for len(b) > 0 {
		field, after, _ := bytes.Cut(b, []byte{0})
		s, ok := text(field)
		if !ok {
			return nil
		}
		fields, b = append(fields, s), after
	}
	return fields
}
