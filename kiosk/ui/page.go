package ui

import (
	"slices"

	"coldstation/kiosk/flow"
	"coldstation/sync/circ"

	"fyne.io/fyne/v2"
)

// box is a rectangle in pixels.
type box struct{ x, y, w, h float32 }

func (b box) inset(by float32) box { return box{b.x + by, b.y + by, b.w - 2*by, b.h - 2*by} }
func (b box) right() float32       { return b.x + b.w }
func (b box) bottom() float32      { return b.y + b.h }
func (b box) below(y float32) box  { return box{b.x, y, b.w, b.bottom() - y} }
func (b box) holds(in box) bool {
	const rounding = 0.6
	return in.x >= b.x-rounding && in.y >= b.y-rounding && in.right() <= b.right()+rounding && in.bottom() <= b.bottom()+rounding
}

// page is one screen laid out: everything that is to be seen and touched.
type page struct {
	size     box
	faces    []face
	pictures []picture
	texts    []text
	targets  []target
	fits     bool    // nothing had to be cut
	sheets   int     // how many pages the items take
	sheet    int     // which of them this is, from 0
	head     float32 // how large the title is, by the text
	items    shape
}

// face is a filled rectangle.
type face struct {
	box
	fill, line role
	width      float32
	radius     float32
}

// picture is a cover or an icon.
type picture struct {
	box
	item             *circ.Item // its cover; nil: an icon
	own              bool       // the cover is the library's own, as prepare finds
	icon             string
	ink, back, extra role
}

// text is one line of text.
type text struct {
	box
	words    string
	size     float32
	bold     bool
	role, on role
	align    fyne.TextAlign
}

// target is what a finger can touch: its face, and what that means.
type target struct {
	box
	face int // in page.faces
	down role
	msg  flow.Msg
	main bool
}

func (p *page) face(f face) int {
	p.faces = append(p.faces, f)
	return len(p.faces) - 1
}

// least is the height of the lowest cover.
func (p page) least() float32 {
	least := p.size.h
	for _, picture := range p.pictures {
		if picture.item != nil {
			least = min(least, picture.h)
		}
	}
	return least
}

// clipped is the page to be added to without adding to p.
func (p page) clipped() page {
	p.faces, p.pictures = slices.Clip(p.faces), slices.Clip(p.pictures)
	p.texts, p.targets = slices.Clip(p.texts), slices.Clip(p.targets)
	return p
}
