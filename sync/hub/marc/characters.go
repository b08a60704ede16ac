package marc

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
)

// characters reads the texts of one record.
type characters struct {
	utf8       bool // as the leader says
	good, bad  int  // accents that find their letter when the texts are MARC-8, and what does not
	escapes    bool // it chooses sets of MARC-8
	mixed      bool // there is UTF-8 with bytes in it that are not
	otherwise  map[string]bool
	unreadable int
}

const escape = 0x1B

// doubtful reports whether a text is neither ASCII nor UTF-8.
func doubtful(text []byte) bool { return bytes.IndexByte(text, escape) >= 0 || !utf8.Valid(text) }

// weigh takes note of what a text would be as MARC-8.
func (c *characters) weigh(text []byte) {
	if !doubtful(text) {
		return
	}
	c.escapes = c.escapes || bytes.IndexByte(text, escape) >= 0
	_, good, bad := decode(text)
	c.good, c.bad = c.good+good, c.bad+bad
	c.mixed = c.mixed || c.utf8 && multibyte(text)
}

// multibyte reports whether there is a character of UTF-8 beyond ASCII in a text.
func multibyte(text []byte) bool {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r != utf8.RuneError && size > 1 {
			return true
		}
		text = text[size:]
	}
	return false
}

// text is one text in NFC.
func (c *characters) text(raw []byte) string {
	ascii := bytes.IndexFunc(raw, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
	switch {
	case !doubtful(raw):
		if !ascii && !c.utf8 {
			c.note("marked as MARC-8 and in UTF-8")
		}
		return clean(norm.NFC.String(string(raw)))
	case c.mixed && !c.escapes:
		text := strings.ToValidUTF8(string(raw), "\uFFFD")
		c.unreadable += strings.Count(text, "\uFFFD")
		return clean(norm.NFC.String(text))
	case c.bad > 0 && c.bad >= c.good && !c.escapes:
		c.note("neither UTF-8 nor MARC-8, read as Windows-1252")
		text, _ := charmap.Windows1252.NewDecoder().Bytes(raw) // every byte is a character or U+FFFD
		c.unreadable += bytes.Count(text, []byte("\uFFFD"))
		return clean(norm.NFC.String(string(text)))
	}
	if c.utf8 {
		c.note("marked as UTF-8 and in MARC-8")
	}
	text, _, _ := decode(raw)
	c.unreadable += strings.Count(text, "\uFFFD")
	return clean(text)
}

// clean takes out control characters, which no title has.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7F && r < 0xA0 {
			return -1
		}
		return r
	}, text)
}

func (c *characters) note(text string) {
	if c.otherwise == nil {
		c.otherwise = make(map[string]bool)
	}
	c.otherwise[text] = true
}

func (c *characters) notes() (all []string) {
	for _, text := range []string{"marked as MARC-8 and in UTF-8", "marked as UTF-8 and in MARC-8", "neither UTF-8 nor MARC-8, read as Windows-1252"} {
		if c.otherwise[text] {
			all = append(all, text)
		}
	}
	if c.unreadable > 0 {
		all = append(all, "characters that could not be read became \uFFFD")
	}
	return all
}
