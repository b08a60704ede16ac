package ui

import "fyne.io/fyne/v2"

// A library card is one of ISO/IEC 7810, format ID-1, as every bank card is: in mm.
const (
	cardWide, cardHigh = 85.60, 53.98
	cardCorner         = 3.18
)

// card draws a card in its real size, as the screen is said to be measured, for a
// real one to be held against it. The words stand above it or beside it.
func (c *composer) card(area box) {
	scale := c.real
	if most := min(area.w/cardWide, area.h/2/cardHigh); scale > 2*c.m.mm {
		scale = min(scale, most) // twice too large: nobody takes it for a card any more
	}
	wide, high := cardWide*scale, cardHigh*scale
	gap := c.gap()
	blocks, tall := c.sentences(area.w)
	at := box{area.x + (area.w-wide)/2, area.y + tall + gap + max(0, (area.h-tall-gap-high)/2), wide, high}
	words := box{area.x, area.y, area.w, tall}
	align := fyne.TextAlignCenter
	if at.bottom() > area.bottom() {
		words.w = area.w - wide - gap
		blocks, tall = c.sentences(words.w)
		at.x, at.y = area.right()-wide, area.y+max(0, (area.h-high)/2)
		words.y = area.y + max(0, (area.h-tall)/2)
		align = fyne.TextAlignLeading
	}
	if !area.holds(at) || tall > area.h || words.w < c.mm(20) {
		c.page.fits = false
	}
	y := words.y
	for i, b := range blocks {
		if i > 0 {
			y += c.mm(3)
		}
		if align == fyne.TextAlignCenter {
			b = b.balanced()
		}
		c.page.write(b, box{words.x, y, words.w, b.height()}, ink, paper, align)
		y += b.height()
	}
	// The border lies within: the outer edge is the card's.
	real := func(mm float32) float32 { return mm * scale }
	inner := at.inset(real(0.6))
	c.page.face(face{box: at, fill: ink, radius: real(cardCorner)})
	c.page.face(face{box: inner, fill: card, radius: real(cardCorner - 0.6)})
	c.page.face(face{box: box{inner.x + real(7), inner.y + real(9), real(20), real(20)}, fill: accent, radius: real(2)})
	for i, long := range []float32{42, 32} {
		c.page.face(face{box: box{inner.x + real(33), inner.y + real(11) + float32(i)*real(8), real(long), real(3)}, fill: ink, radius: real(1.5)})
	}
	for i := range 24 { // stripes, as of a barcode
		c.page.face(face{box: box{inner.x + real(7) + float32(i)*real(2.2), inner.y + real(37), real([]float32{0.7, 1.3, 1}[i*i%3]), real(9)}, fill: ink})
	}
}
