package ui

import (
	"math"

	"coldstation/kiosk/flow"

	"fyne.io/fyne/v2"
)

// key works the screen by a keyboard or a keypad of arrows, OK and back. The
// first arrow chooses the main button.
func (s *sheet) key(name fyne.KeyName) {
	switch name {
	case fyne.KeyUp:
		s.choose(0, -1)
	case fyne.KeyDown:
		s.choose(0, 1)
	case fyne.KeyLeft:
		s.choose(-1, 0)
	case fyne.KeyRight:
		s.choose(1, 0)
	case fyne.KeyReturn, fyne.KeyEnter, fyne.KeySpace:
		if s.chosen >= 0 {
			s.act(s.page.targets[s.chosen])
		} else if !s.press(flow.Pressed{Action: flow.Enter}) {
			s.send(flow.Touched{})
		}
	case fyne.KeyEscape:
		s.press(flow.Pressed{Action: flow.Back})
	case fyne.KeyBackspace:
		if !s.press(flow.Pressed{Action: flow.Erase}) {
			s.press(flow.Pressed{Action: flow.Back})
		}
	case fyne.Key0, fyne.Key1, fyne.Key2, fyne.Key3, fyne.Key4, fyne.Key5, fyne.Key6, fyne.Key7, fyne.Key8, fyne.Key9:
		if s.press(flow.Pressed{Action: flow.Digit, Digit: name[0]}) {
			s.chosen = -1 // OK is Enter now, whatever the arrows had chosen
			s.draw()
			return
		}
		s.send(flow.Touched{})
	default:
		s.send(flow.Touched{})
	}
}

// press does what a target of the screen would, and reports whether there is one.
func (s *sheet) press(want flow.Pressed) bool {
	for _, t := range s.page.targets {
		if t.msg == want {
			s.send(want)
			return true
		}
	}
	return false
}

// choose moves to another target, and tells where that has led.
func (s *sheet) choose(dx, dy float32) {
	if s.chosen = s.nearest(dx, dy); s.chosen >= 0 {
		s.send(flow.Reached{Means: s.page.targets[s.chosen].msg})
	}
	s.draw()
}

// nearest is the nearest target in a direction, from centre to centre; what lies
// off the line counts double.
func (s *sheet) nearest(dx, dy float32) int {
	if s.chosen < 0 {
		return s.first()
	}
	centre := func(t target) (x, y float32) { return t.x + t.w/2, t.y + t.h/2 }
	best, least := s.chosen, float32(math.Inf(1))
	x0, y0 := centre(s.page.targets[s.chosen])
	for i, t := range s.page.targets {
		x, y := centre(t)
		along := (x-x0)*dx + (y-y0)*dy
		across := float32(math.Abs(float64((x-x0)*dy + (y-y0)*dx)))
		if far := along + 2*across; i != s.chosen && along > 1 && far < least {
			best, least = i, far
		}
	}
	return best
}

// first is the main button, or else any beside the rail.
func (s *sheet) first() int {
	best := -1
	for i, t := range s.page.targets {
		if t.main {
			if _, language := t.msg.(flow.LanguageChosen); !language {
				return i
			}
		}
		if _, pressed := t.msg.(flow.Pressed); pressed && best < 0 {
			best = i
		}
	}
	return best
}
