// Package cover has a picture of every item, so that people who cannot read
// a title at arm's length can still tell one book from another: the library's own
// where it sent one, else one that is drawn.
//
// In what is drawn nothing is copied from a real cover: the pattern comes from the subject, the
// colours from the subject and the title, and the title and author are set in
// the station's own typeface. The same item always gets the same picture, on
// every machine.
package cover

import (
	"hash/fnv"
	"image"
	"image/color"
	"strings"
	"sync"

	"coldstation/assets"
	"coldstation/sync/circ"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// Aspect is the width of a cover divided by its height.
const Aspect = 0.7

// inks are two colours that belong together: a deep one that carries white text
// at 7:1 or more, and a light one for the pattern on it.
type inks struct{ deep, light color.NRGBA }

var paper = color.NRGBA{0xFF, 0xFB, 0xF2, 0xFF}

func rgb(v uint32) color.NRGBA {
	return color.NRGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 0xFF}
}

// families are the colours to choose from, by family; a title picks within one.
var families = [][]inks{
	{{rgb(0x12405C), rgb(0x6FB3D6)}, {rgb(0x0B4A55), rgb(0x6CC3C8)}, {rgb(0x263C7A), rgb(0x90A9EA)}}, // blue
	{{rgb(0x1D4D2B), rgb(0x86C38D)}, {rgb(0x3A4A12), rgb(0xB9C96A)}, {rgb(0x0F4D43), rgb(0x76C7B2)}}, // green
	{{rgb(0x7A1F24), rgb(0xEA9A8C)}, {rgb(0x7A2B0C), rgb(0xF0A56F)}, {rgb(0x6E1A44), rgb(0xE796B9)}}, // red
	{{rgb(0x5B3410), rgb(0xE2B273)}, {rgb(0x5A4300), rgb(0xE6C75A)}, {rgb(0x6A2E16), rgb(0xE5A27F)}}, // brown
	{{rgb(0x4A2467), rgb(0xC29BE0)}, {rgb(0x5F1E5C), rgb(0xDF9AD8)}, {rgb(0x38306F), rgb(0xABA2E8)}}, // violet
	{{rgb(0x2B3238), rgb(0xA9B6BF)}, {rgb(0x3B2F2F), rgb(0xC8B1A6)}, {rgb(0x1F2F3F), rgb(0x94B2CC)}}, // grey
}

// styles are the subjects we know; any other subject gets a style by its letters.
var styles = map[string]struct {
	family  int
	pattern pattern
}{
	"sea":      {0, waves},
	"nature":   {1, leaves},
	"love":     {2, hearts},
	"history":  {3, arches},
	"folklore": {4, diamonds},
	"crime":    {5, slats},
	"humour":   {3, confetti},
	"children": {0, stars},
	"family":   {2, houses},
	"war":      {1, chevrons},
}

// Draw is the cover of an item, width by height pixels.
func Draw(item circ.Item, width, height int) *image.RGBA {
	style, known := styles[item.Subject]
	if !known {
		h := hash(item.Subject)
		style.family, style.pattern = int(h%uint32(len(families))), patterns[h/7%uint32(len(patterns))]
	}
	h := hash(item.Title + "\x00" + item.Author + "\x00" + string(item.ID))
	// A shelf holds many books on few subjects, so the title also chooses between
	// two families.
	family := families[(style.family+int(h/5%2)*3)%len(families)]
	colours := family[h%uint32(len(family))]

	p := newPen(width, height)
	w, ht := p.w, p.h
	p.fill(colours.deep, rectangle(0, 0, w, ht))
	p.inside(image.Rect(int(w*0.07), int(ht*0.55), width, int(ht*0.86)), func(area box) {
		p.fill(colours.light, rectangle(area.x, area.y, area.w, area.h))
		style.pattern(p, area, colours.deep, h/3)
	})
	p.fill(shade(colours.deep, 0.7), rectangle(0, 0, w*0.07, ht))

	left, wide := w*0.13, w*0.80
	bold, regular := faces()
	top := ht * 0.05
	if item.Marks != 0 {
		side := ht * 0.13
		x := w*0.95 - side
		for _, mark := range []circ.Marks{circ.Audio, circ.LargePrint, circ.EasyLanguage} {
			if item.Marks.Has(mark) {
				p.mark(mark, x, top, side, colours.deep)
				x -= side * 1.15
			}
		}
		top += side * 1.1
	}
	if item.Title != "" {
		p.write(bold, item.Title, box{left, top, wide, ht*0.53 - top}, ht*0.14, ht*0.05)
	}
	if item.Author != "" {
		p.write(regular, item.Author, box{left, ht * 0.875, wide, ht * 0.11}, ht*0.065, ht*0.03)
	}
	return p.to
}

func hash(s string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(s))
	return h.Sum32()
}

func shade(c color.NRGBA, by float64) color.NRGBA {
	return color.NRGBA{uint8(float64(c.R) * by), uint8(float64(c.G) * by), uint8(float64(c.B) * by), 0xFF}
}

// faces are the embedded typefaces, parsed once; they are part of the program,
// so one that cannot be parsed is our own fault.
var faces = sync.OnceValues(func() (bold, regular *opentype.Font) {
	parse := func(ttf []byte) *opentype.Font {
		f, err := opentype.Parse(ttf)
		if err != nil {
			panic("cover: " + err.Error())
		}
		return f
	}
	return parse(assets.Bold), parse(assets.Regular)
})

// write sets text into b from its top, as large as it fits between most and
// least; a text too long even so loses its end.
func (p *pen) write(f *opentype.Font, text string, b box, most, least float64) {
	for size := most; ; size *= 0.93 {
		last := size*0.93 < least
		face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72})
		if err != nil {
			panic("cover: " + err.Error())
		}
		leading := size * 1.12
		lines, fits := wrap(face, text, b.w)
		most := max(1, int(b.h/leading))
		if (!fits || len(lines) > most) && !last {
			continue
		}
		to := font.Drawer{Dst: p.to, Src: image.NewUniform(paper), Face: face}
		for i, line := range lines[:min(len(lines), most)] {
			to.Dot = fixed.Point26_6{X: fixed.Int26_6(b.x * 64), Y: fixed.Int26_6((b.y + leading*float64(i) + size*0.85) * 64)}
			to.DrawString(line)
		}
		return
	}
}

// wrap breaks text between words; it does not fit when one word is too wide.
func wrap(face font.Face, text string, width float64) (lines []string, fits bool) {
	measure := func(s string) float64 { return float64(font.MeasureString(face, s)) / 64 }
	fits = true
	var line string
	for _, word := range strings.Fields(text) {
		if line != "" && measure(line+" "+word) <= width {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		line = word
		fits = fits && measure(word) <= width
	}
	return append(lines, line), fits
}
