package ui

import (
	"coldstation/kiosk/flow"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

// pad is where a finger can land: a target of the page, by its place, or with
// -1 everything beside the targets. It is invisible; the face below it is what
// one sees.
//
// It acts when the finger is let go, however far it slid within, and only on
// what it stood for when the finger came down: a screen that changes under a
// finger must not turn one answer into another.
type pad struct {
	widget.BaseWidget
	sheet *sheet
	place int
	meant *target // since the finger came down
}

var (
	_ fyne.Tappable      = (*pad)(nil)
	_ desktop.Mouseable  = (*pad)(nil)
	_ desktop.Hoverable  = (*pad)(nil)
	_ desktop.Cursorable = (*pad)(nil)
)

func newPad(s *sheet, place int) *pad {
	p := &pad{sheet: s, place: place}
	p.ExtendBaseWidget(p)
	return p
}

func (p *pad) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(&fyne.Container{})
}

func (p *pad) target() *target {
	if p.place < 0 || p.place >= len(p.sheet.page.targets) {
		return nil
	}
	return &p.sheet.page.targets[p.place]
}

// MouseDown is the finger coming down.
func (p *pad) MouseDown(*desktop.MouseEvent) {
	if t := p.target(); t != nil {
		meant := *t
		p.meant = &meant
		p.hold(p.place)
	}
}

// MouseUp is the finger let go; Tapped follows if it is still here.
func (p *pad) MouseUp(*desktop.MouseEvent) { p.hold(-1) }

// MouseOut is the finger slid off: nothing will happen, and nothing looks as if.
func (p *pad) MouseOut() {
	p.meant = nil
	p.hold(-1)
}

// MouseIn and MouseMoved mean nothing to a finger.
func (p *pad) MouseIn(*desktop.MouseEvent)    {}
func (p *pad) MouseMoved(*desktop.MouseEvent) {}

// Tapped is a finger let go where it came down.
func (p *pad) Tapped(*fyne.PointEvent) {
	meant, now := p.meant, p.target()
	p.meant = nil
	switch {
	case now == nil:
		p.sheet.send(flow.Touched{})
	case meant != nil && meant.msg == now.msg:
		p.sheet.act(*now)
	}
}

// Cursor hides the pointer where there is only a finger.
func (p *pad) Cursor() desktop.Cursor {
	if p.sheet.hidden {
		return desktop.HiddenCursor
	}
	return desktop.DefaultCursor
}

func (p *pad) hold(place int) {
	s := p.sheet
	if s.held != place && (place >= 0 || s.held == p.place) {
		s.held = place
		s.draw()
	}
}
