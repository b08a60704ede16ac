package ui

import (
	"slices"
	"strings"

	"coldstation/kiosk/cover"
	"coldstation/kiosk/flow"
	"coldstation/sync/circ"

	"fyne.io/fyne/v2"
)

// body puts the large sentence, what to do next, and either the items or the
// pictograms into what rail and footer leave.
func (c *composer) body(area box) {
	area = area.below(area.y + c.mm(1))
	if area.w < c.mm(40) || area.h < c.mm(20) {
		c.page.fits = false
		return
	}
	switch {
	case len(c.view.Lines) > 0:
		rest := c.heading(area)
		switch c.items {
		case tiles, slim:
			c.tiles(rest)
		case covers:
			c.covers(rest)
		}
	case len(c.view.Choices) > 0:
		c.choices(c.heading(area))
	case len(c.view.Rows) > 0:
		c.rows(c.heading(area))
	case len(c.view.Signs) > 0:
		c.signs(area)
	case slices.ContainsFunc(c.view.Buttons, besideDigits):
		c.number(c.heading(area))
	case c.view.Screen == flow.Measuring:
		c.card(area)
	default:
		c.scene(area)
	}
}

// sentences are the title and the text below it, broken to a width.
func (c *composer) sentences(wide float32) (blocks []block, height float32) {
	add := func(b block) {
		if b.wide > wide+1 {
			c.page.fits = false
		}
		if len(blocks) > 0 {
			height += c.mm(3)
		}
		blocks = append(blocks, b)
		height += b.height()
	}
	title := c.view.Title
	title.Title = brief(title.Title)
	add(set(c.show(title), c.letter()*c.head, true, wide))
	for i, p := range c.view.Text {
		p.Title = brief(p.Title)
		if i < c.said {
			add(set(c.show(p), c.letter(), false, wide))
		}
	}
	return blocks, height
}

// brief is a title cut between words, for a sentence; its tile shows more of it.
func brief(title string) string {
	const most = 48
	runes := []rune(title)
	if len(runes) <= most {
		return title
	}
	cut := string(runes[:most])
	if i := strings.LastIndexByte(cut, ' '); i > 0 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " ,.:;") + "…"
}

func (c *composer) heading(area box) box {
	y := area.y
	blocks, height := c.sentences(area.w)
	if height > area.h {
		c.page.fits = false
	}
	for i, b := range blocks {
		if i > 0 {
			y += c.mm(3)
		}
		c.page.write(b, box{area.x, y, area.w, b.height()}, ink, paper, fyne.TextAlignLeading)
		y += b.height()
	}
	return area.below(y + c.gap())
}

// scene is a screen without items: pictograms above the sentences, all centred,
// and the library's own words below.
func (c *composer) scene(area box) {
	var notice block
	foot := area
	if c.view.Message != "" {
		notice = set(c.view.Message, c.letter(), false, area.w-c.mm(12))
		if notice.wide > area.w-c.mm(12)+1 {
			c.page.fits = false
		}
		foot.h -= notice.height() + c.mm(8) + c.gap()
	}
	names := pictograms[c.view.Screen]
	if c.said < 2 {
		names = nil
	}
	blocks, height := c.sentences(area.w)
	for i, b := range blocks {
		blocks[i] = b.balanced()
	}
	space := foot.h - height
	const least, most = 24, 80
	n := float32(len(names))
	side := min(space-c.gap(), (area.w-(n-1)*c.gap())/max(1, n), c.mm(most))
	if cramped := side < c.mm(1.7*least) && (c.head > 1.35 || c.grow > c.m.step); n > 0 && (cramped || side < c.mm(least)) {
		c.page.fits = false
		return
	}
	if n == 0 {
		side = -c.gap()
	}
	y := foot.y + max(0, (foot.h-height-side-c.gap())/2)
	x := area.x + (area.w-n*side-(n-1)*c.gap())/2
	for _, name := range names {
		at := box{x, y, side, side}
		c.page.face(face{at, card, nothing, 0, c.mm(6)})
		c.page.pictures = append(c.page.pictures, picture{box: at.inset(side * 0.1), icon: name, ink: ink, back: card, extra: accent})
		x += side + c.gap()
	}
	y += side + c.gap()
	for i, b := range blocks {
		if i > 0 {
			y += c.mm(3)
		}
		c.page.write(b, box{area.x, y, area.w, b.height()}, ink, paper, fyne.TextAlignCenter)
		y += b.height()
	}
	if len(notice.lines) > 0 {
		at := box{area.x, area.bottom() - notice.height() - c.mm(8), area.w, notice.height() + c.mm(8)}
		c.page.face(face{at, card, edge, max(2, c.mm(0.5)), c.mm(4)})
		c.page.write(notice, box{at.x + c.mm(6), at.y + c.mm(4), at.w - c.mm(12), notice.height()}, ink, card, fyne.TextAlignCenter)
	}
}

// tiles shows the view's items.
func (c *composer) tiles(area box) {
	lines := c.view.Lines
	c.grid(area, len(lines), 4, c.tallest, func(least float32) float32 {
		switch {
		case c.items == slim:
			return least
		case len(lines) == 1:
			return max(least*1.4, c.mm(90))
		}
		return max(least*1.4, c.mm(62))
	}, func(at box, i int) { c.tile(at, lines[i]) })
}

// grid puts as many of n tiles as fit side by side and leaves the others to
// further sheets. tallest is the least height of a tile of a width, most the
// greatest that it takes where there is room.
func (c *composer) grid(area box, n, widest int, tallest func(wide float32) (float32, bool), most func(least float32) float32, tile func(at box, i int)) {
	gap := c.gap()
	best, rows, least := 0, 0, float32(0)
	try := func(area box) (capacity int) {
		best = 0
		for columns := 1; columns <= widest; columns++ {
			wide := (area.w - float32(columns-1)*gap) / float32(columns)
			high, ok := tallest(wide)
			if !ok {
				break
			}
			fit := int((area.h + gap) / (high + gap))
			if columns*fit > capacity && (capacity < n || best == 0) {
				capacity, best, rows, least = columns*fit, columns, fit, high
			}
		}
		return capacity
	}
	capacity := try(area)
	if capacity == 0 {
		c.page.fits = false
		return
	}
	if capacity < n {
		var row box
		row, area = c.turnerRow(area)
		if capacity = try(area); capacity == 0 {
			c.page.fits = false
			return
		}
		c.turner(row, (n+capacity-1)/capacity)
	} else {
		rows = (n + best - 1) / best
	}
	wide := (area.w - float32(best-1)*gap) / float32(best)
	high := max(least, min((area.h-float32(rows-1)*gap)/float32(rows), most(least)))
	// The last sheet is full too: it begins with items of the one before.
	first := min(c.sheetOf(c.page.sheets)*capacity, max(0, n-capacity))
	for i := range min(n-first, capacity) {
		tile(box{area.x + float32(i%best)*(wide+gap), area.y + float32(i/best)*(high+gap), wide, high}, first+i)
	}
}

// turnerRow is where the buttons that turn the sheets stand, and what they leave
// of an area: between those of the footer, if there is room, or below. Beside
// choices on a low screen they stand one above the other.
func (c *composer) turnerRow(area box) (row, rest box) {
	_, _, wide := c.turnLabels(false)
	if c.spare.w >= 2*wide+c.gap() {
		return c.spare, area
	}
	if len(c.view.Choices) > 0 && c.size.h < c.mm(low) {
		area.w -= wide + c.gap()
		return box{area.right() + c.gap(), area.y, wide, area.h}, area
	}
	high := c.mm(turnHigh)
	area.h -= high + c.gap()
	return box{area.x, area.bottom() + c.gap(), area.w, high}, area
}

// turnHigh is the height in mm of a button that turns the sheets.
const turnHigh = 20

// turnLabels are the words of the buttons that turn the sheets, with arrows or
// without, and the width that serves both.
func (c *composer) turnLabels(arrows bool) (before, more label, wide float32) {
	before = c.label(c.show(flow.Phrase{Key: flow.TurnBefore}), "back", c.m.base, 1, turnHigh)
	more = c.label(c.show(flow.Phrase{Key: flow.TurnMore}), "next", c.m.base, 1, turnHigh)
	if !arrows {
		before.sign, more.sign = "", ""
	}
	return before, more, max(c.wide(before), c.wide(more))
}

// sheetOf is the wanted sheet of n, the last one for -1.
func (c *composer) sheetOf(n int) int {
	c.page.sheets = n
	c.page.sheet = c.sheet
	if c.sheet < 0 || c.sheet >= n {
		c.page.sheet = n - 1
	}
	return c.page.sheet
}

// turner are the two buttons that turn the sheets, side by side or one above the
// other; their places do not change from sheet to sheet.
func (c *composer) turner(b box, sheets int) {
	c.sheetOf(sheets)
	before, more, wide := c.turnLabels(false)
	if b.w < 2*wide+c.gap() {
		high := min(c.mm(25), (b.h-c.gap())/2)
		if high < c.mm(turnHigh) {
			c.page.fits = false
		}
		c.turn(box{b.x, b.y, b.w, high}, before, -1)
		c.turn(box{b.x, b.bottom() - high, b.w, high}, more, +1)
		return
	}
	if b2, m2, w2 := c.turnLabels(true); b.w >= 2*w2+c.gap() {
		before, more, wide = b2, m2, w2
	}
	x := b.x + (b.w-2*wide-c.gap())/2
	c.turn(box{x, b.y, wide, b.h}, before, -1)
	c.turn(box{x + wide + c.gap(), b.y, wide, b.h}, more, +1)
}

// turn is a button that leads to another sheet, if there is one there.
func (c *composer) turn(b box, l label, by int) {
	if to := c.page.sheet + by; to >= 0 && to < c.page.sheets {
		c.button(b, l, flow.Turned{By: by}, false)
	}
}

// tileParts are the pieces of an item's tile, measured.
type tileParts struct {
	title, author, state, note block
	until                      block // in a low tile that is a button
	sign                       float32
	button                     label
	cover                      float32 // its width
	textWide                   float32
	buttonBeside               bool
	high                       float32
}

// text is the height of all words of a low tile.
func (t tileParts) text() float32 {
	return t.title.height() + t.until.height() + t.state.height() + t.note.height()
}

// measure fits an item's words into a tile of a width.
func (c *composer) measure(wide float32, line flow.Line) (t tileParts, ok bool) {
	if c.items == slim {
		return c.measureSlim(wide, line)
	}
	pad := c.mm(4)
	size := c.letter()
	t.cover = min(c.mm(34), wide*0.22)
	if len(c.view.Lines) == 1 {
		t.cover = min(c.mm(56), wide*0.25)
	}
	if t.cover < c.mm(15) {
		return t, false
	}
	t.textWide = wide - 3*pad - t.cover
	t.sign = size * 1.2
	button := line.Button.Action != ""
	var buttonWide float32
	if button {
		t.button = c.label(c.show(line.Button.Words), signs[line.Button.Action], size, 1, 20)
		buttonWide = c.wide(t.button)
		if t.textWide-buttonWide-c.gap() > size*7.5 {
			t.buttonBeside = true
			t.textWide -= buttonWide + c.gap()
		} else if buttonWide > t.textWide {
			t.button.lines = 2
			t.button.high = max(c.mm(20), 2*size*leading+c.mm(4))
			if buttonWide = c.wide(t.button); buttonWide > t.textWide {
				return t, false
			}
		}
	}
	if t.textWide < size*6 {
		return t, false
	}
	t.title = set(line.Item.Title, size*1.1, true, t.textWide).short(2, t.textWide)
	t.author = set(line.Item.Author, size, false, t.textWide).short(1, t.textWide)
	if line.Item.Author == "" {
		t.author = block{}
	}
	if line.Item.Title == "" {
		t.title = block{}
	}
	stateWide := t.textWide - t.sign - c.mm(2)
	t.state = set(c.show(line.Words), size, true, stateWide)
	const calm = 2 // lines; a date on five is no date
	if t.state.wide > stateWide+1 || len(t.state.lines) > calm && len(c.view.Lines) > 1 {
		return t, false
	}
	if c.said > 1 {
		t.note = set(c.show(line.Note), size, false, t.textWide)
		if t.note.wide > t.textWide+1 {
			return t, false
		}
	}
	t.high = t.title.height() + t.state.height() + t.note.height() + c.mm(2)
	if button && !t.buttonBeside {
		t.high += t.button.high + c.mm(4)
	}
	t.high = max(t.high, c.mm(24), t.button.high) + 2*pad
	return t, true
}

// measureSlim fits an item into a low tile: its title on one line, and below it
// either what became of it or what the tile does when it is touched.
func (c *composer) measureSlim(wide float32, line flow.Line) (t tileParts, ok bool) {
	size, pad := c.letter(), c.mm(3)
	t.cover, t.sign = c.mm(14), size*1.2
	t.textWide = wide - 3*pad - t.cover
	if t.textWide < size*9 {
		return t, false
	}
	if line.Item.Title != "" {
		t.title = set(line.Item.Title, size, true, t.textWide).short(1, t.textWide)
	}
	words := c.show(line.Words)
	stateWide := t.textWide - t.sign - c.mm(2)
	if line.Button.Action != "" {
		if c.view.Screen == flow.Listing { // until when it is at home matters as much
			t.until = set(words, size, false, t.textWide)
			stateWide -= c.mm(4)
		}
		words = c.show(line.Button.Words)
	}
	t.state = set(words, size, true, stateWide)
	if c.said > 1 {
		t.note = set(c.show(line.Note), size, false, t.textWide)
	}
	t.high = max(t.text(), t.cover/cover.Aspect) + 2*pad
	return t, t.state.wide <= stateWide+1 && max(t.note.wide, t.until.wide) <= t.textWide+1
}

// slimTile is a low tile.
func (c *composer) slimTile(at box, line flow.Line) {
	t, _ := c.measureSlim(at.w, line)
	pad := c.mm(3)
	fill, on, down, border := card, ink, pressed, edge
	name, colour := fateSign(line)
	action := line.Button.Action
	if action != "" {
		name, colour = signs[action], ink
		if line.Button.Main {
			fill, on, down, border, colour = deed, onDeed, deedPressed, deed, onDeed
		}
	}
	f := c.page.face(face{at, fill, border, max(2, c.mm(0.4)), c.mm(4)})
	high := t.cover / cover.Aspect
	c.cover(box{at.x + pad, at.y + (at.h-high)/2, t.cover, high}, line.Item)
	x, y := at.x+2*pad+t.cover, at.y+(at.h-t.text())/2
	c.page.write(t.title, box{x, y, t.textWide, t.title.height()}, on, fill, fyne.TextAlignLeading)
	y += t.title.height()
	c.page.write(t.until, box{x, y, t.textWide, t.until.height()}, on, fill, fyne.TextAlignLeading)
	y += t.until.height()
	if t.until.lines != nil {
		c.page.write(t.note, box{x, y, t.textWide, t.note.height()}, on, fill, fyne.TextAlignLeading)
		y += t.note.height()
		t.note = block{}
	}
	behind := fill
	if t.until.lines != nil { // most of the tile tells something; this is what it does
		c.page.face(face{box: box{x, y, t.sign + t.state.wide + c.mm(6), t.state.height()}, fill: deed, radius: c.mm(2)})
		behind, on, colour = deed, onDeed, onDeed
		x += c.mm(2)
	}
	c.page.pictures = append(c.page.pictures, picture{box: box{x, y + (t.state.size*leading-t.sign)/2, t.sign, t.sign}, icon: name, ink: colour, back: behind, extra: colour})
	if action != "" {
		colour = on
	}
	c.page.write(t.state, box{x + t.sign + c.mm(2), y, t.state.wide, t.state.height()}, colour, behind, fyne.TextAlignLeading)
	c.page.write(t.note, box{x, y + t.state.height(), t.textWide, t.note.height()}, on, fill, fyne.TextAlignLeading)
	if action != "" {
		c.page.targets = append(c.page.targets, target{box: at, face: f, down: down, msg: flow.Pressed{Action: action, Item: line.Button.Item}, main: line.Button.Main})
	}
}

// tallest is the least height of a tile that serves every item.
func (c *composer) tallest(wide float32) (high float32, ok bool) {
	for _, line := range c.view.Lines {
		t, ok := c.measure(wide, line)
		if !ok {
			return 0, false
		}
		high = max(high, t.high)
	}
	return high, true
}

// tile is one item: its cover, its title, what became of it, and its button.
func (c *composer) tile(at box, line flow.Line) {
	if c.items == slim {
		c.slimTile(at, line)
		return
	}
	t, _ := c.measure(at.w, line)
	pad := c.mm(4)
	frame := face{at, card, edge, max(2, c.mm(0.4)), c.mm(4)}
	c.page.face(frame)
	coverHigh := min(at.h-2*pad, t.cover/cover.Aspect)
	coverWide := coverHigh * cover.Aspect
	c.cover(box{at.x + pad + (t.cover-coverWide)/2, at.y + (at.h-coverHigh)/2, coverWide, coverHigh}, line.Item)

	x := at.x + 2*pad + t.cover
	if at.h-t.high < t.author.height() {
		t.author = block{}
	}
	text := t.title.height() + t.author.height() + c.mm(2) + t.state.height() + t.note.height()
	under := float32(0)
	if t.button.words != "" && !t.buttonBeside {
		under = t.button.high + c.mm(4)
	}
	y := at.y + (at.h-text-under)/2
	c.page.write(t.title, box{x, y, t.textWide, t.title.height()}, ink, card, fyne.TextAlignLeading)
	y += t.title.height()
	c.page.write(t.author, box{x, y, t.textWide, t.author.height()}, ink, card, fyne.TextAlignLeading)
	y += t.author.height() + c.mm(2)
	name, colour := fateSign(line)
	c.page.pictures = append(c.page.pictures, picture{box: box{x, y + (t.state.size*leading-t.sign)/2, t.sign, t.sign}, icon: name, ink: colour, back: card, extra: colour})
	c.page.write(t.state, box{x + t.sign + c.mm(2), y, t.textWide - t.sign - c.mm(2), t.state.height()}, colour, card, fyne.TextAlignLeading)
	y += t.state.height()
	c.page.write(t.note, box{x, y, t.textWide, t.note.height()}, ink, card, fyne.TextAlignLeading)
	y += t.note.height()
	if t.button.words == "" {
		return
	}
	b := box{x, y + c.mm(4), c.wide(t.button), t.button.high}
	if t.buttonBeside {
		b = box{at.right() - pad - b.w, at.y + (at.h-b.h)/2, b.w, b.h}
	}
	c.button(b, t.button, flow.Pressed{Action: line.Button.Action, Item: line.Button.Item}, line.Button.Main)
}

// cover is an item's picture, with an edge that shows on any background.
func (c *composer) cover(b box, item circ.Item) {
	c.page.face(face{box: b.inset(-max(1, c.mm(0.3))), fill: edge})
	c.page.pictures = append(c.page.pictures, picture{box: b, item: &item})
}

func fateSign(line flow.Line) (string, role) {
	if line.PutBack {
		return "pad-book", care
	}
	s := fateSigns[line.Fate]
	return s.name, s.role
}

// covers is what a small screen shows of the items below large sentences: a row
// of covers, each with its sign.
func (c *composer) covers(area box) {
	const least, most = 15, 60
	high := min(area.h, c.mm(most))
	if high < c.mm(least) {
		c.page.fits = false
		return
	}
	n := len(c.view.Lines)
	wide, gap := high*cover.Aspect, c.mm(4)
	sign := high * 0.36
	each := wide + sign*0.5 + gap
	capacity := max(1, int((area.w+gap)/each))
	x := area.x
	if capacity < n {
		// The buttons that turn stand in the row, one at each end.
		before, more, _ := c.turnLabels(false)
		if high < before.high {
			c.page.fits = false
			return
		}
		back, on := c.wide(before), c.wide(more)
		capacity = int((area.w - back - on - 2*c.gap()) / each)
		if capacity < 1 {
			c.page.fits = false
			return
		}
		sheets := (n + capacity - 1) / capacity
		c.sheetOf(sheets)
		y := area.y + (high-before.high)/2
		c.turn(box{area.x, y, back, before.high}, before, -1)
		c.turn(box{area.right() - on, y, on, more.high}, more, +1)
		x += back + c.gap()
	}
	first := min(c.page.sheet*capacity, max(0, n-capacity))
	for _, line := range c.view.Lines[first:min(n, first+capacity)] {
		item := line.Item
		item.Cover = circ.BlobID{} // no words stand beside it, and a drawn one bears them
		c.cover(box{x, area.y, wide, high}, item)
		at := box{x + wide - sign*0.6, area.y + high - sign, sign, sign}
		name, colour := fateSign(line)
		c.page.pictures = append(c.page.pictures,
			picture{box: at, icon: "disc", ink: paper, back: paper, extra: paper},
			picture{box: at.inset(sign * 0.06), icon: name, ink: colour, back: paper, extra: colour})
		x += each
	}
}
