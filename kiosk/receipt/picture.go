package receipt

import (
	"image"
	"image/color"
	"regexp"
	"strings"
	"sync"
	"unicode"

	"coldstation/assets"
	"coldstation/kiosk/flow"
	"coldstation/kiosk/phrase"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/norm"
)

// dpi is what thermal printers have: 8 dots a millimetre.
const dpi = 203

// Sizes in points of 1/72 inch: 16 points are 45 dots.
const (
	small = 16
	due   = 18
	title = 20
)

// dots are a picture of black and white: rows of stride bytes, the high bit at the
// left, 1 is black.
type dots struct {
	stride int
	bits   []byte
}

func (d dots) ColorModel() color.Model { return color.GrayModel }

func (d dots) Bounds() image.Rectangle { return image.Rect(0, 0, d.stride*8, len(d.bits)/d.stride) }

func (d dots) At(x, y int) color.Color {
	if d.bits[y*d.stride+x/8]&(0x80>>(x%8)) != 0 {
		return color.Black
	}
	return color.White
}

// draw is the receipt of what was borrowed, width dots wide. An empty closing is
// the one of the words.
func draw(w *phrase.Words, lines []flow.Line, closing string, width int) dots {
	if closing == "" {
		closing = w.Show(flow.Phrase{Key: "receipt.closing"})
	}
	s := sheet{width: width}
	s.text(w.Show(flow.Phrase{Key: "receipt.heading"}), regular, small)
	for _, line := range lines {
		s.rule()
		// A catalogue sets title and subtitle apart by a lone colon.
		name := strings.ReplaceAll(clean(line.Item.Title), " : ", ": ")
		if name == "" || !bold.has(name) {
			name = w.Show(flow.Phrase{Key: "receipt.untitled"})
		}
		s.text(name, bold, title)
		s.space(6)
		s.text(number.ReplaceAllString(w.Show(line.Words), "$1\u00A0"), regular, due)
	}
	s.rule()
	s.text(clean(closing), regular, small)
	return s.dots()
}

// number is one that stands on the same line as what it counts: 23. joulukuuta.
var number = regexp.MustCompile(`(\d\.?) `)

// clean is text in composed letters, without control characters.
func clean(text string) string {
	return strings.Join(strings.FieldsFunc(norm.NFC.String(text), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
}

// typeface is the station's own, and one for the letters which that lacks: the Go
// fonts also know Greek and Cyrillic.
type typeface struct{ own, other func() *sfnt.Font }

var (
	regular = typeface{parsed(assets.Regular), parsed(goregular.TTF)}
	bold    = typeface{parsed(assets.Bold), parsed(gobold.TTF)}
)

func parsed(ttf []byte) func() *sfnt.Font {
	return sync.OnceValue(func() *sfnt.Font {
		f, err := opentype.Parse(ttf)
		if err != nil {
			panic(err) // embedded
		}
		return f
	})
}

func covers(f *sfnt.Font, text string) bool {
	for _, r := range text {
		if glyph, err := f.GlyphIndex(nil, r); err != nil || glyph == 0 {
			return false
		}
	}
	return true
}

func (t typeface) has(text string) bool { return covers(t.own(), text) || covers(t.other(), text) }

// face is one typeface for the whole text: a word of two looks broken.
func (t typeface) face(text string, points float64) font.Face {
	f := t.own()
	if !covers(f, text) && covers(t.other(), text) {
		f = t.other()
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: points, DPI: dpi, Hinting: font.HintingNone})
	if err != nil {
		panic(err) // embedded
	}
	return face
}

// sheet is a receipt being written, from the top down.
type sheet struct {
	width, height int
	rows          []row
}

// row is a line of text, or a black rule without a face.
type row struct {
	text string
	face font.Face
	y    int // of the baseline, or of the rule's top
}

const (
	margin    = 8 // at the left and the right of all text
	thickness = 3 // of a rule
)

func (s *sheet) space(dots int) { s.height += dots }

func (s *sheet) rule() {
	s.space(16)
	s.rows = append(s.rows, row{y: s.height})
	s.space(thickness + 16)
}

func (s *sheet) text(text string, t typeface, points float64) {
	face := t.face(text, points)
	m := face.Metrics()
	for _, line := range wrap(text, face, s.width-2*margin) {
		s.rows = append(s.rows, row{line, face, s.height + m.Ascent.Ceil()})
		s.height += m.Height.Ceil()
	}
}

// wrap breaks text at its spaces, and within a word only where one alone is wider
// than the paper.
func wrap(text string, face font.Face, width int) (lines []string) {
	fits := func(s string) bool { return font.MeasureString(face, s).Ceil() <= width }
	var line string
	for _, word := range strings.Split(text, " ") {
		if line != "" && fits(line+" "+word) {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for !fits(word) {
			head := []rune(word)
			for len(head) > 1 && !fits(string(head)+"-") {
				head = head[:len(head)-1]
			}
			lines = append(lines, string(head)+"-")
			word = word[len(string(head)):]
		}
		line = word
	}
	return append(lines, line)
}

func (s *sheet) dots() dots {
	picture := image.NewGray(image.Rect(0, 0, s.width, s.height))
	for _, row := range s.rows {
		if row.face == nil {
			rule := picture.Pix[row.y*picture.Stride:][:thickness*picture.Stride]
			for i := range rule {
				rule[i] = 0xFF
			}
			continue
		}
		d := font.Drawer{Dst: picture, Src: image.White, Face: row.face, Dot: fixed.P(margin, row.y)}
		d.DrawString(row.text)
	}
	out := dots{stride: s.width / 8, bits: make([]byte, s.width/8*s.height)}
	for i, ink := range picture.Pix { // its rows have no gaps
		if ink >= 0x80 {
			out.bits[i/8] |= 0x80 >> (i % 8)
		}
	}
	return out
}
