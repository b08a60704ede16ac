package ui

import (
	"image/color"
	"sync"

	"coldstation/kiosk/flow"
	"coldstation/kiosk/phrase"
	"coldstation/sync/circ"

	// Before Fyne.
	_ "coldstation/kiosk/ui/env"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
)

// Options are how the window looks and where its touches go.
type Options struct {
	Words       phrase.Book
	Display     Display
	Send        func(flow.Msg) // called on the window's goroutine; it must not wait for Show to draw
	FullScreen  bool
	HidePointer bool
	Width       int    // in pixels, when not FullScreen; 0: 1280
	Height      int    // 0: 800
	Covers      Covers // the library's own; nil: all are drawn
	FirstFrame  func() // called once, when the first view is on the screen; may be nil
}

// Covers are the library's own pictures of items, as JPEG. They are read one at a
// time, when one is to be seen. They may be asked for by several at once.
type Covers interface {
	Has(circ.BlobID) bool
	Read(circ.BlobID) ([]byte, error)
}

// Window is the station's one window.
type Window struct {
	app    fyne.App
	window fyne.Window
	sheet  *sheet
	dot    fyne.CanvasObject // tells of the first frame; nil: nobody asked
	out    func(flow.Msg)

	shown chan struct{} // has one once there is a next
	mu    sync.Mutex
	next  *flow.View // to be drawn
}

// New opens the window; Run shows it. It belongs to the main goroutine, as Run
// does.
func New(o Options) *Window {
	a := app.NewWithID("coldstation.kiosk")
	w := &Window{app: a, window: a.NewWindow("Coldstation"), out: o.Send, shown: make(chan struct{}, 1)}
	w.sheet = newSheet(o.Words, o.Display, w.send, o.HidePointer)
	w.sheet.covers = o.Covers
	w.sheet.ground = &ground{Theme: theme.DefaultTheme()}
	a.Settings().SetTheme(w.sheet.ground)
	content := w.sheet.content
	if o.FirstFrame != nil {
		w.dot = frameWatch(o.FirstFrame)
		w.dot.Hide()
		content.Objects = append(content.Objects, w.dot)
	}
	w.window.SetPadded(false)
	w.window.SetContent(content)
	w.window.Canvas().SetOnTypedKey(func(e *fyne.KeyEvent) { w.sheet.key(e.Name) })
	w.window.SetCloseIntercept(func() {}) // nobody leaves the station by closing it
	w.window.SetMaster()
	width, height := o.Width, o.Height
	if width == 0 || height == 0 {
		width, height = 1280, 800
	}
	w.window.Resize(fyne.NewSize(float32(width), float32(height)))
	w.window.SetFullScreen(o.FullScreen)
	return w
}

// show draws a view, on the window's goroutine.
func (w *Window) show(v flow.View) {
	w.sheet.show(v)
	if w.dot != nil {
		w.dot.Show()
		w.dot = nil
	}
}

// Run shows the window until Close. Only the main goroutine may call it.
func (w *Window) Run() { w.window.ShowAndRun() }

// ground is the colour that the window is cleared to before each frame: paper drawn
// on top of it would be half of what a frame costs where there is no graphics card.
type ground struct {
	fyne.Theme
	paper color.NRGBA
}

// Color is called for every frame. Fyne divides by 255·255 where a colour has
// 65535 steps, and would clear to a lighter one.
//
// Source: fyne v2.7.4, internal/painter/gl, Clear.
func (g *ground) Color(name fyne.ThemeColorName, variant fyne.ThemeVariant) color.Color {
	if name == theme.ColorNameBackground {
		const full = 255
		return color.RGBA64{full * uint16(g.paper.R), full * uint16(g.paper.G), full * uint16(g.paper.B), full * full}
	}
	return g.Theme.Color(name, variant)
}

// frameWatch is a transparent dot that tells when it was first painted: Fyne
// asks a raster for its pixels while it paints.
func frameWatch(first func()) fyne.CanvasObject {
	var once sync.Once
	return canvas.NewRasterWithPixels(func(int, int, int, int) color.Color {
		once.Do(func() { afterFrame(first) })
		return color.Transparent
	})
}
