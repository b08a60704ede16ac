package ui

import (
	"slices"

	"coldstation/kiosk/flow"
	"coldstation/kiosk/phrase"

	"fyne.io/fyne/v2"
)

// composer lays out one view.
type composer struct {
	view  flow.View
	book  phrase.Book
	words *phrase.Words
	m     metrics
	size  box
	sheet int // which sheet of items is wanted

	// Under trial.
	grow  float32 // of all text but the rail's, from the person's step down to 1
	head  float32 // the title's size by that of the text
	items shape
	terse bool // one sentence below the title, not two
	spare box  // what the footer leaves free: room for turning sheets

	page page
}

// shape is how the items are shown.
type shape uint8

const (
	tiles  shape = iota
	slim         // low tiles; one with a button is a button as a whole
	covers       // a row of covers with their signs, below a large sentence
	none
)

// titles are the sizes to try for a title, by that of the text below it.
var titles = []float32{1.9, 1.6, 1.35, 1.15, 1}

// compose lays a view out on a screen of size pixels, as large as it fits. What
// is given up first, on a screen too small for all of it: a very large title,
// high tiles, words beside the covers, some of the text size, the second sentence
// (it is still spoken), the covers. Of titles that fit, the one is taken that leaves
// the items on the fewest sheets.
func compose(view flow.View, book phrase.Book, d Display, size fyne.Size, sheet int) page {
	c := composer{view: view, book: book, words: book[view.Look.Language], sheet: sheet,
		m: d.metrics(size.Width, size.Height, view.Look.Size), size: box{0, 0, size.Width, size.Height}}
	shapes := []shape{tiles, slim}
	if len(view.Lines) > 0 && !slices.ContainsFunc(view.Lines, func(l flow.Line) bool { return l.Button.Action != "" }) {
		shapes = append(shapes, covers)
	}
	for _, c.terse = range []bool{false, true} {
		const smaller = 1.0 / 8
		for c.grow = c.m.step * roomy; ; c.grow = max(1, c.grow-smaller) {
			for _, c.items = range shapes {
				best, ok := c.tryTitles()
				// Text larger than asked for must cost nothing.
				if free := c.items == tiles && best.sheets == 1; ok && (free || c.grow <= c.m.step) {
					return best
				}
			}
			if c.grow == 1 {
				break
			}
		}
	}
	c.items, c.head = none, 1
	c.lay()
	return c.page
}

// roomy is how much larger than asked the text may be where there is room.
const roomy = 1.25

func (c *composer) tryTitles() (best page, ok bool) {
	for _, c.head = range titles {
		c.lay()
		if c.page.fits && (!ok || c.page.sheets < best.sheets) {
			best, ok = c.page, true
		}
		if ok && best.sheets == 1 {
			break
		}
	}
	return best, ok
}

func (c *composer) mm(v float32) float32 { return v * c.m.mm }
func (c *composer) letter() float32      { return c.m.base * c.grow }
func (c *composer) gap() float32         { return c.mm(6) }

// lay lays the whole screen out with the sizes under trial.
func (c *composer) lay() {
	c.page = page{size: c.size, fits: true, sheets: 1}
	c.page.face(face{box: c.size, fill: paper})
	rest := c.rail()
	rest = c.footer(rest)
	c.body(rest)
	for _, t := range c.page.texts {
		if !c.size.holds(t.box) {
			c.page.fits = false
		}
	}
}

// label is the words of a button and the sign before them.
type label struct {
	words string
	sign  string
	size  float32
	lines int
	high  float32 // the least height
}

func (c *composer) label(words, sign string, size float32, lines int, high float32) label {
	return label{words, sign, size, lines, max(c.mm(high), float32(lines)*size*leading+c.mm(4))}
}

// wide is the least width of a button.
func (c *composer) wide(l label) float32 {
	w := narrow(l.words, l.size, true, l.lines) + c.mm(8)
	if l.sign != "" {
		w += l.size*1.3 + c.mm(2)
	}
	return max(w, l.high)
}

// button draws one and makes it a target.
func (c *composer) button(b box, l label, msg flow.Msg, main bool) {
	fill, on, down, line := card, ink, pressed, edge
	if main {
		fill, on, down, line = deed, onDeed, deedPressed, deed
	}
	f := c.page.face(face{b, fill, line, max(2, c.mm(0.5)), c.mm(4)})
	inner := b.inset(c.mm(4))
	var sign float32
	if l.sign != "" {
		sign = l.size * 1.3
	}
	skip := sign
	if l.words != "" && sign > 0 {
		skip += c.mm(2)
	}
	bl := set(l.words, l.size, true, inner.w-skip+0.5)
	if l.words != "" && (bl.wide > inner.w-skip+1 || bl.height() > b.h) {
		c.page.fits = false
	}
	x := b.x + (b.w-bl.wide-skip)/2
	if sign > 0 {
		c.page.pictures = append(c.page.pictures, picture{box: box{x, b.y + (b.h-sign)/2, sign, sign}, icon: l.sign, ink: on, back: fill, extra: on})
	}
	c.page.write(bl, box{x + skip, b.y + (b.h-bl.height())/2, bl.wide, bl.height()}, on, fill, fyne.TextAlignLeading)
	c.page.targets = append(c.page.targets, target{box: b, face: f, down: down, msg: msg, main: main})
}

// rail puts the languages, and the way to text and colours, where they always are: down the left side, or across the top of an upright screen. It answers
// what is left of the screen.
func (c *composer) rail() box {
	const high = 20
	edgeGap := c.mm(4)
	var names []label
	widest := c.mm(2*high) + c.gap()
	for _, tag := range c.view.Languages {
		name := tag
		if words := c.book[tag]; words != nil {
			name = words.Name()
		}
		l := c.label(name, "", c.m.base, 1, high)
		names = append(names, l)
		widest = max(widest, c.wide(l))
	}
	look := c.label(c.words.Show(flow.Phrase{Key: string(flow.Looks)}), signs[flow.Looks], c.m.base, 1, high)
	widest = max(widest, c.wide(look))
	background := c.page.face(face{fill: margin})
	place := func(i int, b box) {
		tag := c.view.Languages[i]
		c.button(b, names[i], flow.LanguageChosen{Language: tag}, false)
		if tag == c.view.Look.Language {
			inner := b.inset(c.mm(2))
			c.page.face(face{box: box{inner.x, inner.bottom() - c.mm(1.4), inner.w, c.mm(1.4)}, fill: accent, radius: c.mm(0.7)})
		}
	}
	if c.size.w >= c.size.h {
		strip := box{0, 0, widest + 2*edgeGap, c.size.h}
		y := edgeGap
		for i := range names {
			place(i, box{edgeGap, y, widest, names[i].high})
			y += names[i].high + c.gap()
		}
		// What makes reading easier stands at the foot, apart from the languages.
		foot := c.size.h - edgeGap - look.high
		if foot < y-0.5 {
			c.page.fits = false
		}
		c.button(box{edgeGap, foot, widest, look.high}, look, flow.Pressed{Action: flow.Looks}, false)
		c.page.faces[background].box = strip
		return box{strip.w + c.gap(), edgeGap, c.size.w - strip.w - c.gap() - edgeGap, c.size.h - 2*edgeGap}
	}
	x, y := edgeGap, edgeGap
	for i, l := range names {
		w := c.wide(l)
		if x+w > c.size.w-edgeGap {
			x, y = edgeGap, y+l.high+c.gap()
		}
		place(i, box{x, y, w, l.high})
		x += w + c.gap()
	}
	w := c.wide(look)
	if x+w > c.size.w-edgeGap {
		y += look.high + c.gap()
	}
	c.button(box{c.size.w - edgeGap - w, y, w, look.high}, look, flow.Pressed{Action: flow.Looks}, false)
	strip := box{0, 0, c.size.w, y + look.high + edgeGap}
	c.page.faces[background].box = strip
	return box{edgeGap, strip.bottom() + edgeGap, c.size.w - 2*edgeGap, c.size.h - strip.bottom() - 2*edgeGap}
}

// footer puts Back at the left and Help at the right, and the other buttons
// between them or, when they need more room, above them.
func (c *composer) footer(area box) box {
	const high = 25
	type wanted struct {
		label
		flow.Button
	}
	var row []wanted
	for _, b := range c.view.Buttons {
		row = append(row, wanted{c.label(c.words.Show(b.Words), signs[b.Action], c.letter(), 2, high), b})
	}
	tall := c.label("", "", c.m.base, 1, high).high
	for _, r := range row {
		tall = max(tall, r.high)
	}
	fixed := func(a flow.Action) (label, float32) {
		l := c.label(c.words.Show(flow.Phrase{Key: string(a)}), signs[a], c.m.base, 1, high)
		return l, c.wide(l)
	}
	back, backWide := fixed(flow.Back)
	help, helpWide := fixed(flow.Help)
	y := area.bottom() - tall
	between := box{area.x, y, area.w, tall}
	if c.view.Back {
		c.button(box{area.x, area.bottom() - back.high, backWide, back.high}, back, flow.Pressed{Action: flow.Back}, false)
		between.x += backWide + c.gap()
		between.w -= backWide + c.gap()
	}
	if c.view.Help {
		c.button(box{area.right() - helpWide, area.bottom() - help.high, helpWide, help.high}, help, flow.Pressed{Action: flow.Help}, false)
		between.w -= helpWide + c.gap()
	}
	c.spare = box{}
	if len(row) == 0 {
		c.spare = box{between.x, area.bottom() - back.high, between.w, back.high}
		if !c.view.Back && !c.view.Help {
			return area
		}
		return box{area.x, area.y, area.w, area.bottom() - back.high - c.gap() - area.y}
	}
	// draw puts buttons side by side, on one line of words each or else on two.
	draw := func(b box, row []wanted, signs bool) bool {
		room := b.w - float32(len(row)-1)*c.gap()
		wides := make([]float32, len(row))
		for lines := 1; lines <= 2; lines++ {
			var sum float32
			for i := range row {
				row[i].lines = lines
				if !signs {
					row[i].sign = ""
				}
				wides[i] = c.wide(row[i].label)
				sum += wides[i]
			}
			if sum > room {
				continue
			}
			// What is left over makes the buttons wider, within reason.
			extra := min((room-sum)/float32(len(row)), c.mm(30))
			x := b.x
			if len(c.view.Lines) == 0 && !c.view.Back {
				x = max(x, c.centre(area)-(sum+extra*float32(len(row)))/2)
				x = min(x, b.right()-sum-extra*float32(len(row))-c.gap()*float32(len(row)-1))
			}
			for i, r := range row {
				c.button(box{x, b.y, wides[i] + extra, b.h}, r.label, flow.Pressed{Action: r.Action, Item: r.Item}, r.Main)
				x += wides[i] + extra + c.gap()
			}
			return true
		}
		return false
	}
	// Signs are worth a second row of buttons only where there is height for it.
	type attempt struct {
		above int // how many stand above the others
		signs bool
	}
	attempts := []attempt{{0, true}}
	low := c.size.h < c.mm(160)
	if low {
		attempts = append(attempts, attempt{0, false})
	}
	for above := (len(row) + 1) / 2; above <= len(row); above++ {
		attempts = append(attempts, attempt{above, true}, attempt{above, false})
	}
	for _, a := range attempts {
		mark := c.page
		upper, lower := slices.Clone(row[:a.above]), slices.Clone(row[a.above:])
		top := y
		ok := len(lower) == 0 || draw(between, lower, a.signs)
		if ok && len(upper) > 0 {
			top -= c.gap() + tall
			ok = draw(box{area.x, top, area.w, tall}, upper, a.signs)
		}
		if ok {
			return box{area.x, area.y, area.w, top - c.gap() - area.y}
		}
		c.page = mark
	}
	c.page.fits = false
	return area
}

func (c *composer) centre(area box) float32 { return area.x + area.w/2 }
