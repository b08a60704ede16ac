package iso28560

// Description is one line about a tag for people and scripts, as JSON. It has the
// item even if the CRC is wrong: that is what somebody looking at a tag wants.
type Description struct {
	Format string `json:"format"` // a name of the package comment
	Item   string `json:"item"`
	ISIL   string `json:"isil"`
	Parts  int    `json:"parts"` // 0 when the tag does not say
	Part   int    `json:"part"`  // 0 when the tag does not say
	Usage  *Usage `json:"usage"` // null when the tag does not say
	Title  string `json:"title"`
	CRC    *bool  `json:"crc_ok"` // null when the format has none
	Note   string `json:"note"`
}

// Describe decodes a tag's memory; dsfid may be NoDSFID.
func Describe(mem []byte, dsfid int) Description {
	t, _ := Decode(mem, dsfid) // the error is in the format, the check and the note
	d := Description{
		Format: t.Format.String(),
		Item:   t.Item, ISIL: t.ISIL, Parts: t.Parts, Part: t.Part, Title: t.Title, Note: t.Note,
	}
	if t.Usage != Unstated {
		d.Usage = &t.Usage
	}
	if t.Check != NoCheck {
		good := t.Check == Good
		d.CRC = &good
	}
	return d
}
