package ui

import (
	"coldstation/kiosk/flow"

	"fyne.io/fyne/v2"
)

// rows are what can be chosen about the look: the name of the thing, and beside it
// or above it what it can be. The one that is so now is filled and has a tick.
func (c *composer) rows(area box) {
	var names float32
	for _, row := range c.view.Rows {
		names = max(names, width(c.show(row.Words), c.letter(), true))
	}
	beside, n := c.rowSheets(area, names+c.gap())
	if above, m := c.rowSheets(area, 0); n == 0 || m > 0 && m < n {
		beside, n = above, m
	}
	if n == 0 {
		c.page.fits = false
		return
	}
	if n > 1 {
		row, _ := c.turnerRow(area)
		c.turner(row, n)
	}
	for _, r := range beside {
		if r.sheet == c.page.sheet {
			c.row(r)
		}
	}
}

// rowAt is a row of the look, laid out.
type rowAt struct {
	flow.Row
	sheet   int
	name    box
	options []box
	labels  []label
}

// rowSheets lays the rows out on as many sheets as they need, with their names in
// a column of a width, or with 0 above them. No sheets: it cannot be done.
func (c *composer) rowSheets(area box, names float32) (all []rowAt, sheets int) {
	const high = 20
	line := c.letter() * leading
	try := func(area box) (ok bool) {
		all, sheets = nil, 1
		y := area.y
		for _, row := range c.view.Rows {
			r := rowAt{Row: row, name: box{area.x, 0, max(names, area.w), line}}
			var tall, x, top float32
			if names == 0 {
				top = line + c.mm(1)
			} else {
				r.name.w = names
			}
			for _, option := range row.Options {
				l := c.label(c.show(option.Words), "done", c.letter(), 1, high)
				w := c.wide(l)
				if x > 0 && names+x+w > area.w {
					x, top = 0, top+l.high+c.gap()
				}
				if names+x+w > area.w+0.5 {
					return false
				}
				r.options = append(r.options, box{area.x + names + x, top, w, l.high})
				r.labels = append(r.labels, l)
				x += w + c.gap()
				tall = top + l.high
			}
			if y+tall > area.bottom()+0.5 {
				if y == area.y {
					return false
				}
				y = area.y
				sheets++
			}
			r.sheet = sheets - 1
			r.name.y = y
			if names > 0 {
				r.name.y = y + (r.options[0].h-line)/2
			}
			for i := range r.options {
				r.options[i].y += y
			}
			y += tall + c.gap()
			all = append(all, r)
		}
		return true
	}
	ok := try(area)
	if ok && sheets > 1 {
		_, area = c.turnerRow(area)
		ok = try(area)
	}
	if !ok {
		return nil, 0
	}
	return all, sheets
}

func (c *composer) row(r rowAt) {
	c.page.write(set(c.show(r.Words), c.letter(), true, r.name.w+1), r.name, ink, paper, fyne.TextAlignLeading)
	for i, option := range r.Options {
		l := r.labels[i]
		if !option.Chosen {
			l.sign = ""
		}
		c.button(r.options[i], l, flow.LookChosen{Look: option.Look}, option.Chosen)
	}
}
