package iso28560

// legacy is the memory of a tag in 3M's layout from before the standard.
type legacy struct {
	set     byte // part number in the high nibble, count in the low
	kind    byte // 01 book, 06 CD, …; kept
	barcode [16]byte
	rest    []byte // branch and custom bytes
}

// parseLegacy is nil if mem is not in this layout.
func parseLegacy(mem []byte) *legacy {
	if len(mem) < 20 || mem[0] != 0x04 || mem[2] != 0x00 {
		return nil
	}
	if s, ok := filled(mem[4:20]); !ok || s == "" {
		return nil
	}
	return &legacy{set: mem[1], kind: mem[3], barcode: [16]byte(mem[4:20]), rest: mem[20:]}
}

func (l *legacy) appendTo(to []byte) []byte {
	to = append(to, 0x04, l.set, 0x00, l.kind)
	to = append(to, l.barcode[:]...)
	return append(to, l.rest...)
}

func (l *legacy) tag() Tag {
	item, _ := text(l.barcode[:])
	return Tag{
		Label:  Label{Item: item, Part: int(l.set >> 4), Parts: int(l.set & 0x0F), Usage: Unstated},
		Format: Legacy3M,
		Note:   "3M's layout from before the standard",
		body:   l,
	}
}
