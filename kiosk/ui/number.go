package ui

import (
	"slices"

	"coldstation/kiosk/flow"
)

// number is the pad for a secret number: the digits as on a telephone, and beside
// them a dot for each digit entered, Erase and Enter. Where there is no height for
// four rows the 0 stands beside the 9.
func (c *composer) number(area box) {
	const least, most, main = 20, 34, 25
	gap := c.gap()
	var buttons []flow.Button
	for _, b := range c.view.Buttons {
		if besideDigits(b) {
			buttons = append(buttons, b)
		}
	}
	const modest = 1.15 // the 0 keeps its place for as long as the title can give way
	for _, keys := range []struct{ columns, rows int }{{3, 4}, {4, 3}} {
		for _, words := range []struct {
			lines  int
			signed bool
		}{{1, true}, {2, true}, {2, false}} {
			if keys.rows < 4 && c.head > modest {
				break
			}
			side := c.mm(40)
			var actions []label
			for _, b := range buttons {
				sign, high := signs[b.Action], float32(least)
				if b.Main {
					high = main
				}
				if !words.signed {
					sign = ""
				}
				l := c.label(c.show(b.Words), sign, c.letter(), words.lines, high)
				side = max(side, c.wide(l))
				actions = append(actions, l)
			}
			columns, rows := float32(keys.columns), float32(keys.rows)
			high := min((area.h-(rows-1)*gap)/rows, c.mm(most))
			wide := min((area.w-side-columns*gap)/columns, c.mm(most)*1.25)
			field := rows*high + (rows-1)*gap
			for i := range actions {
				if keys.rows == 4 {
					actions[i].high = max(actions[i].high, high) // in the rows of the digits
				}
				field -= actions[i].high + gap
			}
			if high < c.mm(least) || wide < c.mm(least) || field < c.mm(10) {
				continue
			}
			for i := range 10 {
				at := box{area.x + float32(i%3)*(wide+gap), area.y + float32(i/3)*(high+gap), wide, high}
				switch {
				case i < 9:
				case keys.rows == 4:
					at.x = area.x + wide + gap
				default:
					at.x, at.y = area.x+3*(wide+gap), area.y+2*(high+gap)
				}
				digit := byte('0' + (i+1)%10)
				c.button(at, label{words: string(rune(digit)), size: max(c.m.base, high*0.5)}, flow.Pressed{Action: flow.Digit, Digit: digit}, false)
			}
			x, bottom := area.x+columns*(wide+gap), area.y+rows*high+(rows-1)*gap
			c.dots(box{x, area.y, side, min(field, high)})
			for i, b := range slices.Backward(buttons) {
				l := actions[i]
				bottom -= l.high
				c.button(box{x, bottom, side, l.high}, l, flow.Pressed{Action: b.Action}, b.Main)
				bottom -= gap
			}
			return
		}
	}
	c.page.fits = false
}

// besideDigits reports whether a button belongs to the digits, and not below them.
func besideDigits(b flow.Button) bool { return b.Action == flow.Erase || b.Action == flow.Enter }

// dots shows how many digits were entered, and never which.
func (c *composer) dots(b box) {
	c.page.face(face{b, card, edge, max(2, c.mm(0.5)), c.mm(2)})
	n := c.view.Digits
	step := min(c.mm(9), (b.w-c.mm(6))/float32(max(1, n)))
	side := step * 0.65
	x := b.x + (b.w-float32(n)*step)/2 + (step-side)/2
	for range n {
		c.page.face(face{box: box{x, b.y + (b.h-side)/2, side, side}, fill: ink, radius: side / 2})
		x += step
	}
}
