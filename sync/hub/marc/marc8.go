package marc

import (
	_ "embed"
	"encoding/hex"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

//go:embed marc8.txt
var tables string

// A set is a table of characters, named by the last byte of the escape sequence
// that chooses it.
type set byte

const (
	ascii        set = 'B'
	ansel        set = 'E'
	greekSymbols set = 'g'
	subscripts   set = 'b'
	superscripts set = 'p'
	eacc         set = '1'
)

// row is the beginning of a character: its set, and of EACC its first two bytes.
type row [3]byte

// rows are the tables, each from 20 on.
var rows = sync.OnceValue(func() map[row][]rune {
	all := make(map[row][]rune)
	for line := range strings.Lines(tables) {
		name, text, _ := strings.Cut(strings.TrimRight(line, "\n"), "\t")
		var r row
		_, _ = hex.Decode(r[:], []byte(name)) // the test reads every line
		all[r] = []rune(text)
	}
	return all
})

// at is the character of a row at a byte from 20 to 7F; false when there is none.
func (r row) at(b byte) (rune, bool) {
	if set(r[0]) == ascii {
		return rune(b), b < 0x7F
	}
	line := rows()[r]
	i := int(b) - ' '
	if i < 0 || i >= len(line) || line[i] == ' ' {
		return unicode.ReplacementChar, false
	}
	return line[i], true
}

// decode reads MARC-8, which begins anew with each text, into NFC. good counts the
// accents that became one with their letter, bad those that did not and what is no
// character at all, which becomes U+FFFD.
func decode(text []byte) (s string, good, bad int) {
	sets := [2]set{ascii, ansel}
	var out []rune
	var accents []rune // they stand before their letter
	put := func(r rune) {
		out = append(append(out, r), accents...)
		accents = accents[:0]
	}
	for len(text) > 0 {
		b := text[0]
		switch {
		case b == escape:
			var n int
			sets, n = choose(sets, text)
			text = text[n:]
			continue
		case b == 0x8D || b == 0x8E: // joins, and does not
			put('\u200D' - rune(b-0x8D))
		case b <= ' ':
			put(' ')
		case b > 0x7F && b <= 0xA0: // marks that sorting passes over
		default:
			in := sets[b>>7]
			r := row{byte(in)}
			size := 1
			if in == eacc {
				// One that is cut by an escape or by the end is no character.
				if len(text) >= 3 && text[1] > escape && text[2] > escape {
					size, r = 3, row{byte(in), b & 0x7F, text[1] & 0x7F}
				}
			}
			char, found := r.at(text[size-1] & 0x7F)
			text = text[size-1:]
			switch {
			case in == ansel && (b == 0xEC || b == 0xFB): // the second half of what spans two letters
			case !found:
				bad++
				put(unicode.ReplacementChar)
			case unicode.Is(unicode.Mn, char):
				accents = append(accents, char)
			default:
				put(char)
			}
		}
		text = text[1:]
	}
	if len(accents) > 0 { // nothing follows for them to stand on
		put(' ')
	}
	marks := func(s []rune) (n int) {
		for _, r := range s {
			if unicode.Is(unicode.Mn, r) && r != '\u0361' && r != '\u0360' {
				n++
			}
		}
		return n
	}
	s = norm.NFC.String(string(out))
	left := marks([]rune(s))
	return s, marks(out) - left, bad + left
}

// choose reads an escape sequence and its length:
//
//	ESC g | b | p       Greek symbols, subscripts, superscripts
//	ESC s               ASCII again
//	ESC [$] ( , ) - F   the set F below 80, or for ) and - above; ! before F is passed over
//	ESC $ F             the set F of three bytes a character, below 80
//
// An unknown one is passed over.
func choose(sets [2]set, text []byte) ([2]set, int) {
	i, half := 1, 0
	next := func() byte {
		if i < len(text) {
			return text[i]
		}
		return 0
	}
	switch b := set(next()); b {
	case greekSymbols, subscripts, superscripts:
		sets[0] = b
		return sets, 2
	case 's':
		sets[0] = ascii
		return sets, 2
	}
	if next() == '$' {
		i++
	}
	switch next() {
	case '(', ',':
		i++
	case ')', '-':
		half = 1
		i++
	}
	if next() == '!' {
		i++
	}
	f := set(next())
	if i == 1 || !strings.ContainsRune("BE1234NQS", rune(f)) {
		return sets, 1
	}
	sets[half] = f
	return sets, i + 1
}
