package ui

import (
	"image"
	"image/color"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"coldstation/kiosk/cover"
	"coldstation/kiosk/flow"
	"coldstation/kiosk/phrase"
	"coldstation/sync/circ"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
)

// sheet is the whole screen: a stock of objects that are moved to where the
// page says. Its stock only grows, to what the fullest page needed.
type sheet struct {
	book    phrase.Book
	display Display
	send    func(flow.Msg)
	ground  *ground // is of paper; nil: paper is drawn

	view     flow.View
	page     page
	turned   int // the wanted sheet of items; -1: where the newest is
	atTurn   time.Time
	now      func() time.Time
	chosen   int                     // the target that the keys have chosen; -1: none
	held     int                     // the target under the finger; -1: none
	covers   Covers                  // nil: all covers are drawn
	drawings map[drawing]image.Image // covers for as long as a visit lasts, icons for longer

	content  *fyne.Container // of the layers, from back to front
	faces    *fyne.Container
	pictures *fyne.Container
	texts    *fyne.Container
	targets  *fyne.Container
	mark     *canvas.Rectangle
	hidden   bool // no mouse pointer
}

func newSheet(book phrase.Book, d Display, send func(flow.Msg), hidePointer bool) *sheet {
	s := &sheet{book: book, display: d, send: send, turned: -1, chosen: -1, held: -1, now: time.Now,
		drawings: map[drawing]image.Image{}, hidden: hidePointer}
	layer := func() *fyne.Container { return &fyne.Container{Layout: placed{}} }
	s.faces, s.pictures, s.texts, s.targets = layer(), layer(), layer(), layer()
	s.mark = canvas.NewRectangle(color.Transparent)
	s.mark.Hide()
	s.content = &fyne.Container{Layout: whole{s}, Objects: []fyne.CanvasObject{
		newPad(s, -1), s.faces, s.pictures, s.texts, s.mark, s.targets,
	}}
	return s
}

// placed leaves the objects of a layer where the page put them. Their size is no
// reason to lay out anything: without this Fyne lays the screen out once more
// whenever a line of text has become longer, and paints it twice.
type placed struct{}

func (placed) Layout([]fyne.CanvasObject, fyne.Size) {}
func (placed) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(1, 1) }

// whole gives every layer, and the pad behind them, the whole screen and lays
// the page out anew.
type whole struct{ sheet *sheet }

func (w whole) Layout(layers []fyne.CanvasObject, size fyne.Size) {
	for _, layer := range layers {
		if _, layered := layer.(*fyne.Container); layered || layer == layers[0] {
			layer.Resize(size)
		}
	}
	w.sheet.lay()
}

func (w whole) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(1, 1) }

// show replaces the view.
func (s *sheet) show(v flow.View) {
	if v.Screen != s.view.Screen || len(v.Lines) != len(s.view.Lines) {
		s.turned = opened(v)
	}
	if v.Screen != s.view.Screen {
		s.chosen = -1
	}
	if v.Screen == flow.Welcome {
		maps.DeleteFunc(s.drawings, func(d drawing, _ image.Image) bool { return d.icon == "" }) // nothing of the last visit is kept
		measures.forget()
	}
	s.view = v
	s.lay()
}

// opened is the sheet that a screen opens at: where the newest is in a visit, and
// else at the beginning.
func opened(v flow.View) int {
	if v.Screen == flow.Visiting {
		return -1
	}
	return 0
}

// lay lays the view out and draws it. Before the first view there is nothing.
func (s *sheet) lay() {
	size := s.content.Size()
	if s.view.Look.Language == "" || size.Width < 2 || size.Height < 2 {
		return
	}
	s.page = compose(s.view, s.book, s.display, size, s.turned)
	if s.chosen >= len(s.page.targets) {
		s.chosen = -1
	}
	s.draw()
}

// turn shows another sheet of the items.
func (s *sheet) turn(by int) {
	const deaf = 500 * time.Millisecond // a shaking hand turns one sheet, not two
	now := s.now()
	if now.Sub(s.atTurn) < deaf {
		return
	}
	s.atTurn = now
	s.turned = s.page.sheet + by
	s.send(flow.Turned{By: by})
	var was flow.Msg
	if s.chosen >= 0 {
		was = s.page.targets[s.chosen].msg
	}
	s.chosen = -1
	s.lay()
	if was != nil { // the keys stay on what they had chosen, wherever it stands now
		s.chosen = slices.IndexFunc(s.page.targets, func(t target) bool { return t.msg == was })
		s.drawMark(paletteOf(s.view.Look.Contrast))
	}
}

// act does what a target means.
func (s *sheet) act(t target) {
	if turned, is := t.msg.(flow.Turned); is {
		s.turn(turned.By)
		return
	}
	s.send(t.msg)
}

// draw moves the stock to where the page says; what has not changed is not
// touched, so that nothing is painted twice.
func (s *sheet) draw() {
	colours := paletteOf(s.view.Look.Contrast)
	for i := range s.page.pictures {
		b := &s.page.pictures[i].box // on whole pixels
		b.x, b.y, b.w, b.h = round(b.x), round(b.y), round(b.w), round(b.h)
	}
	s.prepare(colours)
	if s.ground != nil {
		s.ground.paper = colours[paper]
	}
	fill(s.faces, len(s.page.faces), func() fyne.CanvasObject { return canvas.NewRectangle(color.Black) }, func(i int, o fyne.CanvasObject) {
		f := s.page.faces[i]
		r := o.(*canvas.Rectangle)
		fillRole := f.fill
		if s.held >= 0 && s.held < len(s.page.targets) && s.page.targets[s.held].face == i {
			fillRole = s.page.targets[s.held].down
		}
		paint := func(r role) color.Color {
			if r == nothing || i == 0 && s.ground != nil {
				return color.Transparent
			}
			return colours[r]
		}
		move(o, f.box)
		if fill, line := paint(fillRole), paint(f.line); r.FillColor != fill || r.StrokeColor != line || r.StrokeWidth != f.width || r.CornerRadius != f.radius {
			r.FillColor, r.StrokeColor, r.StrokeWidth, r.CornerRadius = fill, line, f.width, f.radius
			r.Refresh()
		}
	})
	fill(s.pictures, len(s.page.pictures), func() fyne.CanvasObject { return &canvas.Image{FillMode: canvas.ImageFillStretch} }, func(i int, o fyne.CanvasObject) {
		p := s.page.pictures[i]
		im := o.(*canvas.Image)
		move(o, p.box)
		now := s.drawings[drawingOf(p, colours)]
		if im.Image != now {
			im.Image = now
			im.Refresh()
		}
	})
	fill(s.texts, len(s.page.texts), func() fyne.CanvasObject { return canvas.NewText("", color.Black) }, func(i int, o fyne.CanvasObject) {
		t := s.page.texts[i]
		c := o.(*canvas.Text)
		move(o, t.box)
		if ink := colours[t.role]; c.Text != t.words || c.TextSize != t.size || c.TextStyle.Bold != t.bold || c.Color != ink || c.Alignment != t.align {
			c.Text, c.TextSize, c.TextStyle.Bold, c.Color, c.Alignment = t.words, t.size, t.bold, ink, t.align
			c.FontSource = typeface(t.bold)
			c.Refresh()
		}
	})
	fill(s.targets, len(s.page.targets), func() fyne.CanvasObject { return newPad(s, len(s.targets.Objects)) }, func(i int, o fyne.CanvasObject) {
		move(o, s.page.targets[i].box)
	})
	s.drawMark(colours)
	// Fyne does not know yet in which window an object is that was never shown,
	// and paints nothing for its sake; the pad behind has always been there.
	canvas.Refresh(s.content.Objects[0])
}

// drawMark puts the ring around what the keys have chosen.
func (s *sheet) drawMark(colours *palette) {
	if s.chosen < 0 {
		s.mark.Hide()
		return
	}
	t := s.page.targets[s.chosen]
	width := s.page.size.h * 0.008
	move(s.mark, t.inset(-width*1.5))
	s.mark.StrokeColor, s.mark.StrokeWidth, s.mark.CornerRadius = colours[ring], width, s.page.faces[t.face].radius+width
	s.mark.Show()
	s.mark.Refresh()
}

// drawing is a cover or an icon in a size and in colours.
type drawing struct {
	item          circ.Item // the zero value: an icon
	own           bool      // the library's picture of the item is here
	icon          string
	ink, back     color.NRGBA
	accent        color.NRGBA
	width, height int // pixels
}

// drawn is what a drawing shows. A library's own picture that turns out to be
// damaged is drawn like any other.
func (s *sheet) drawn(d drawing) image.Image {
	if d.icon != "" {
		return drawIcon(d)
	}
	if d.own {
		if raw, err := s.covers.Read(d.item.Cover); err == nil {
			if own, err := cover.Own(raw, d.width, d.height); err == nil {
				return own
			}
		}
	}
	return cover.Draw(d.item, d.width, d.height)
}

func drawingOf(p picture, colours *palette) drawing {
	d := drawing{width: max(1, int(p.w)), height: max(1, int(p.h))}
	if p.item != nil {
		d.item, d.own = *p.item, p.own
		return d
	}
	d.icon, d.ink, d.back, d.accent = p.icon, colours[p.ink], colours[p.back], colours[p.extra]
	return d
}

// prepare draws what the page needs and nobody has drawn yet, side by side:
// a stack of books comes all at once.
func (s *sheet) prepare(colours *palette) {
	const most = 128
	if len(s.drawings) > most {
		clear(s.drawings)
	}
	var missing []drawing
	for i := range s.page.pictures {
		p := &s.page.pictures[i]
		p.own = s.covers != nil && p.item != nil && s.covers.Has(p.item.Cover)
		if d := drawingOf(*p, colours); s.drawings[d] == nil && !slices.Contains(missing, d) {
			missing = append(missing, d)
		}
	}
	drawn := make([]image.Image, len(missing))
	var working sync.WaitGroup
	for i, d := range missing {
		working.Go(func() { drawn[i] = s.drawn(d) })
	}
	working.Wait()
	for i, d := range missing {
		s.drawings[d] = drawn[i]
	}
}

func round(v float32) float32 { return float32(math.Round(float64(v))) }

// fill shows the first n objects of a layer, after making those that lack, and
// hides the others.
func fill(layer *fyne.Container, n int, make func() fyne.CanvasObject, set func(int, fyne.CanvasObject)) {
	for len(layer.Objects) < n {
		layer.Objects = append(layer.Objects, make())
	}
	for i, o := range layer.Objects {
		if i >= n {
			if o.Visible() {
				o.Hide()
				empty(o)
			}
			continue
		}
		set(i, o)
		o.Show()
	}
}

// empty takes the words and pictures of a visit out of what is no longer seen.
func empty(o fyne.CanvasObject) {
	switch o := o.(type) {
	case *canvas.Text:
		o.Text = ""
	case *canvas.Image:
		o.Image = nil
	}
}

func move(o fyne.CanvasObject, b box) {
	o.Move(fyne.NewPos(b.x, b.y))
	o.Resize(fyne.NewSize(b.w, b.h))
}
