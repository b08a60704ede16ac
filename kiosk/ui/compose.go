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
	shown map[flow.Phrase]string // by words, so far
	m     metrics
	real  float32 // pixels of a real mm, where m had to become smaller
	size  box
	sheet int // which sheet of items is wanted

	// Under trial.
	grow  float32 // of all text but the rail's, from the person's step down to 1
	head  float32 // the title's size by that of the text
	items shape
	said  int // sentences below the title: all 2, 1, or none
	spare box // what the footer leaves free: room for turning sheets
	frame frame

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

// low is the height in mm below which a screen has no room for a second row of
// anything that can stand in the first.
const low = 160

// titles are the sizes to try for a title, by that of the text below it.
var titles = []float32{1.9, 1.6, 1.35, 1.15, 1}

// compose lays a view out on a screen of size pixels, as large as it fits. What
// is given up first, on a screen too small for all of it: a very large title,
// high tiles, words beside the covers, some of the text size, the second sentence
// (it is still spoken) and before what is to be touched also the first, the covers. Of titles that fit, the one is taken that leaves
// the items on the fewest sheets. Only where nothing of that is enough, since the
// screen was measured as much larger than it is, everything becomes smaller.
func compose(view flow.View, book phrase.Book, d Display, size fyne.Size, sheet int) page {
	const smaller, least = 0.95, 0.3
	c := composer{view: view, book: book, words: book[view.Look.Language], shown: map[flow.Phrase]string{}, sheet: sheet,
		size: box{0, 0, size.Width, size.Height}}
	m := d.metrics(size.Width, size.Height, view.Look.Size).times(view.Scale)
	c.real = m.mm
	best := c.largest(m)
	for by := smaller; !best.fits && by > least; by *= smaller {
		if p := c.largest(m.times(by)); p.fits {
			return p
		}
	}
	return best
}

// largest is the page with these metrics.
func (c *composer) largest(m metrics) page {
	c.m = m
	shapes := []shape{tiles}
	if lines := c.view.Lines; len(lines) > 0 {
		shapes = append(shapes, slim)
		if c.view.Screen != flow.Listing && !slices.ContainsFunc(lines, func(l flow.Line) bool { return l.Button.Action != "" }) {
			shapes = append(shapes, covers)
		}
	}
	sentences := []int{2, 1}
	if v := c.view; len(v.Choices)+len(v.Rows)+len(v.Signs) > 0 || v.Screen == flow.Unlocking || v.Screen == flow.Measuring {
		sentences = append(sentences, 0) // the title says enough of what is to be touched
	}
	for _, c.said = range sentences {
		const smaller = 1.0 / 8
		for c.grow = c.m.step * roomy; ; c.grow = max(1, c.grow-smaller) {
			var best page
			for _, c.items = range shapes {
				// Low tiles of loans hide what can be touched, and covers say nothing in words.
				if best.fits && (c.items == covers && best.sheets < 3 || c.view.Screen == flow.Listing) {
					break
				}
				p := c.tryTitles()
				if small := c.items == covers && best.fits && p.least() < c.mm(25); p.betters(best) && !small {
					best = p
				}
			}
			// Text larger than asked for must cost nothing.
			free := best.sheets == 1 && best.head >= grand && best.items == tiles
			many := len(c.view.Choices) > 0 && best.sheets > c.calmSheets() && c.said > 0
			if best.fits && (free || c.grow <= c.m.step) && !many {
				return best
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

// calmSheets is how many sheets of choices are no trouble: up to so many a large
// question and large words are worth more than fewer sheets. One's own name is looked
// for on a few; the answers to a question are best seen together.
func (c *composer) calmSheets() int {
	if c.view.Screen == flow.Naming {
		return 3
	}
	return 2
}

// grand is a title that nobody overlooks, by the size of the text.
const grand = 1.35

// betters reports whether a page is to be taken rather than another that fits: for
// fewer sheets, and then for a title that is not small.
func (p page) betters(best page) bool {
	switch {
	case !p.fits || !best.fits:
		return p.fits
	case p.sheets != best.sheets:
		return p.sheets < best.sheets
	}
	return min(p.head, grand) > min(best.head, grand)
}

// tryTitles is the page with the largest title of those on the fewest sheets.
func (c *composer) tryTitles() (best page) {
	for _, c.head = range titles {
		c.lay()
		if c.page.fits && (!best.fits || c.page.sheets < best.sheets) {
			best = c.page
		}
		if best.fits && (best.sheets == 1 || len(c.view.Choices) > 0 && best.sheets <= c.calmSheets()) {
			break
		}
	}
	return best
}

// show is a phrase as it stands on the screen.
func (c *composer) show(p flow.Phrase) string {
	words, known := c.shown[p]
	if !known {
		words = c.words.Show(p)
		c.shown[p] = words
	}
	return words
}

func (c *composer) mm(v float32) float32 { return v * c.m.mm }
func (c *composer) letter() float32      { return c.m.base * c.grow }
func (c *composer) gap() float32         { return c.mm(6) }

// pad is what a button leaves free at each side of its words.
func (c *composer) pad() float32 {
	if c.size.h < c.mm(low) {
		return c.mm(2.5)
	}
	return c.mm(4)
}

// lay lays the whole screen out with the sizes under trial.
func (c *composer) lay() {
	if c.frame.grow != c.grow || c.frame.m != c.m {
		c.page = page{size: c.size, fits: true, sheets: 1}
		c.page.face(face{box: c.size, fill: paper})
		c.frame = frame{grow: c.grow, m: c.m}
		c.frame.rest = c.footer(c.rail())
		c.frame.page, c.frame.spare = c.page, c.spare
	}
	c.page, c.spare = c.frame.page.clipped(), c.frame.spare
	c.page.head, c.page.items = c.head, c.items
	if c.items != none && !c.page.fits {
		return
	}
	c.body(c.frame.rest)
	for _, t := range c.page.texts {
		if !c.size.holds(t.box) {
			c.page.fits = false
		}
	}
}

// frame is rail and footer: they are the same for every title and shape.
type frame struct {
	grow  float32
	m     metrics
	page  page
	rest  box // of the screen
	spare box
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
	w := narrow(l.words, l.size, true, l.lines) + 2*c.pad()
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
	inner := b.inset(c.pad())
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
	look := c.label(c.show(flow.Phrase{Key: string(flow.Looks)}), signs[flow.Looks], c.m.base, 1, high)
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
		if besideDigits(b) {
			continue
		}
		row = append(row, wanted{c.label(c.show(b.Words), signs[b.Action], c.letter(), 2, high), b})
	}
	tall := c.label("", "", c.m.base, 1, high).high
	for _, r := range row {
		tall = max(tall, r.high)
	}
	fixed := func(a flow.Action) (label, float32) {
		l := c.label(c.show(flow.Phrase{Key: string(a)}), signs[a], c.m.base, 1, high)
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
	full := len(c.view.Lines)+len(c.view.Choices)+len(c.view.Rows) > 0 // and sheets may have to be turned
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
			if full && c.size.h < c.mm(low) {
				extra = 0
			}
			x := b.x
			if len(c.view.Lines)+len(c.view.Choices) == 0 && !c.view.Back {
				x = max(x, c.centre(area)-(sum+extra*float32(len(row)))/2)
				x = min(x, b.right()-sum-extra*float32(len(row))-c.gap()*float32(len(row)-1))
			}
			for i, r := range row {
				c.button(box{x, b.y, wides[i] + extra, b.h}, r.label, flow.Pressed{Action: r.Action, Item: r.Item}, r.Main)
				x += wides[i] + extra + c.gap()
			}
			if left := b.right() - x; left > c.spare.w {
				c.spare = box{x, b.y, left, b.h}
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
	if c.size.h < c.mm(low) {
		attempts = append(attempts, attempt{0, false})
	}
	for above := (len(row) + 1) / 2; above <= len(row); above++ {
		attempts = append(attempts, attempt{above, true}, attempt{above, false})
	}
	for _, a := range attempts {
		mark := c.page
		c.spare = box{}
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
