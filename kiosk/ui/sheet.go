package ui

import (
	"image"
	"image/color"
	"math"
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

	view   flow.View
	page   page
	turned int // the wanted sheet of items; -1: where the newest is
	atTurn time.Time
	chosen int // the target that the keys have chosen; -1: none
	held   int // the target under the finger; -1: none
	covers map[coverKey]image.Image
	icons  map[iconKey]image.Image

	content  *fyne.Container // of the layers, from back to front
	faces    *fyne.Container
	pictures *fyne.Container
	texts    *fyne.Container
	targets  *fyne.Container
	mark     *canvas.Rectangle
	hidden   bool // no mouse pointer
}

type coverKey struct {
	item          circ.Item
	width, height int
}

func newSheet(book phrase.Book, d Display, send func(flow.Msg), hidePointer bool) *sheet {
	s := &sheet{book: book, display: d, send: send, turned: -1, chosen: -1, held: -1,
		covers: map[coverKey]image.Image{}, icons: map[iconKey]image.Image{}, hidden: hidePointer}
	layer := func(objects ...fyne.CanvasObject) *fyne.Container { return &fyne.Container{Objects: objects} }
	s.faces, s.pictures, s.texts, s.targets = layer(), layer(), layer(), layer()
	s.mark = canvas.NewRectangle(color.Transparent)
	s.mark.Hide()
	s.content = &fyne.Container{Layout: whole{s}, Objects: []fyne.CanvasObject{
		newPad(s, -1), s.faces, s.pictures, s.texts, s.mark, s.targets,
	}}
	return s
}

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
		s.turned = -1
		if v.Screen != flow.Visiting {
			s.turned = 0
		}
	}
	if v.Screen != s.view.Screen {
		s.chosen = -1
	}
	if v.Screen == flow.Welcome {
		clear(s.covers) // nothing of the last visit is kept
	}
	s.view = v
	s.lay()
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
	if time.Since(s.atTurn) < deaf {
		return
	}
	s.atTurn = time.Now()
	s.turned = s.page.sheet + by
	s.send(flow.Touched{})
	s.lay()
}

// act does what a target means.
func (s *sheet) act(t target) {
	if t.msg == nil {
		s.turn(t.turn)
		return
	}
	s.send(t.msg)
}

// draw moves the stock to where the page says; what has not changed is not
// touched, so that nothing is painted twice.
func (s *sheet) draw() {
	colours := paletteOf(s.view.Look.Contrast)
	fill(s.faces, len(s.page.faces), func() fyne.CanvasObject { return canvas.NewRectangle(color.Black) }, func(i int, o fyne.CanvasObject) {
		f := s.page.faces[i]
		r := o.(*canvas.Rectangle)
		fillRole := f.fill
		if s.held >= 0 && s.held < len(s.page.targets) && s.page.targets[s.held].face == i {
			fillRole = s.page.targets[s.held].down
		}
		paint := func(r role) color.Color {
			if r == nothing {
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
		p.x, p.y, p.w, p.h = round(p.x), round(p.y), round(p.w), round(p.h)
		move(o, p.box)
		now := s.picture(p, colours)
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
	// and paints nothing for its sake; the paper behind has always been there.
	canvas.Refresh(s.faces.Objects[0])
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

// picture draws a cover or an icon, once: covers for as long as a visit lasts,
// icons until there are too many of them.
func (s *sheet) picture(p picture, colours *palette) image.Image {
	width, height := max(1, int(p.w)), max(1, int(p.h))
	if p.item != nil {
		key := coverKey{*p.item, width, height}
		return once(s.covers, key, func() image.Image { return cover.Draw(key.item, width, height) })
	}
	key := iconKey{p.icon, colours[p.ink], colours[p.back], colours[p.extra], width, height}
	return once(s.icons, key, key.draw)
}

// once is what make made for a key, unless the map has grown too large since.
func once[K comparable](m map[K]image.Image, key K, make func() image.Image) image.Image {
	if m[key] == nil {
		const most = 128
		if len(m) >= most {
			clear(m)
		}
		m[key] = make()
	}
	return m[key]
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
