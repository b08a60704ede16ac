package cover

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	"coldstation/sync/circ"

	"golang.org/x/image/vector"
)

// box is a rectangle in pixels.
type box struct{ x, y, w, h float64 }

type point struct{ x, y float64 }

// shape is a closed outline.
type shape []point

// pen draws shapes with smooth edges.
type pen struct {
	to   *image.RGBA
	w, h float64
	ink  *vector.Rasterizer
}

func newPen(width, height int) *pen {
	return &pen{image.NewRGBA(image.Rect(0, 0, width, height)), float64(width), float64(height), vector.NewRasterizer(width, height)}
}

func (p *pen) fill(c color.Color, shapes ...shape) {
	bounds := p.to.Bounds()
	p.ink.Reset(bounds.Dx(), bounds.Dy())
	for _, s := range shapes {
		for i, at := range s {
			x, y := float32(at.x)-float32(bounds.Min.X), float32(at.y)-float32(bounds.Min.Y)
			if i == 0 {
				p.ink.MoveTo(x, y)
			} else {
				p.ink.LineTo(x, y)
			}
		}
		p.ink.ClosePath()
	}
	p.ink.Draw(p.to, bounds, image.NewUniform(c), image.Point{})
}

// inside keeps what f draws within r; a cover too small for r goes without.
func (p *pen) inside(r image.Rectangle, f func(box)) {
	if r.Empty() {
		return
	}
	whole := p.to
	p.to = image.NewRGBA(r)
	f(box{float64(r.Min.X), float64(r.Min.Y), float64(r.Dx()), float64(r.Dy())})
	draw.Draw(whole, r, p.to, r.Min, draw.Over)
	p.to = whole
}

func rectangle(x, y, w, h float64) shape {
	return shape{{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}}
}

func circle(x, y, r float64) shape { return arc(x, y, r, 0, 2*math.Pi) }

// arc is a slice of a circle's rim, from one angle to another, clockwise from
// the right; closed by its chord.
func arc(x, y, r, from, to float64) shape {
	n := max(12, int(r*2))
	s := make(shape, 0, n+1)
	for i := range n + 1 {
		a := from + (to-from)*float64(i)/float64(n)
		s = append(s, point{x + r*math.Cos(a), y + r*math.Sin(a)})
	}
	return s
}

// backwards turns a shape around, so that it cuts a hole.
func backwards(s shape) shape {
	out := make(shape, len(s))
	for i, at := range s {
		out[len(s)-1-i] = at
	}
	return out
}

// mark draws a sign a hand's breadth wide that can be told without reading:
// headphones, a large A, or three short lines.
func (p *pen) mark(m circ.Marks, x, y, side float64, ink color.Color) {
	r := side / 2
	cx, cy := x+r, y+r
	p.fill(paper, circle(cx, cy, r))
	switch m {
	case circ.Audio:
		band := append(arc(cx, cy+0.10*side, 0.32*side, math.Pi, 2*math.Pi), backwards(arc(cx, cy+0.10*side, 0.24*side, math.Pi, 2*math.Pi))...)
		p.fill(ink, band)
		p.fill(ink, rectangle(cx-0.34*side, cy+0.06*side, 0.17*side, 0.24*side), rectangle(cx+0.17*side, cy+0.06*side, 0.17*side, 0.24*side))
	case circ.LargePrint:
		t := 0.12 * side
		top, base := cy-0.32*side, cy+0.28*side
		p.fill(ink, shape{{cx - t/2, top}, {cx + t/2, top}, {cx + 0.32*side, base}, {cx + 0.32*side - t, base}, {cx, top + t}, {cx - 0.32*side + t, base}, {cx - 0.32*side, base}})
		p.fill(ink, rectangle(cx-0.17*side, cy+0.04*side, 0.34*side, 0.10*side))
	case circ.EasyLanguage:
		for i, wide := range []float64{0.56, 0.38, 0.50} {
			p.fill(ink, rectangle(cx-0.28*side, cy+(-0.27+0.21*float64(i))*side, wide*side, 0.11*side))
		}
	}
}
