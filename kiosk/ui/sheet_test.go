package ui

import (
	"reflect"
	"testing"
	"time"

	"coldstation/kiosk/flow"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/software"
)

// screen is a sheet on a canvas without a window, and what it sent.
type screen struct {
	*sheet
	sent   []flow.Msg
	canvas fyne.Canvas
}

func newScreen(t *testing.T, name string) *screen {
	t.Helper()
	s := blank()
	s.show(view(t, name))
	return s
}

func blank() *screen {
	s := &screen{}
	s.sheet = newSheet(book, displays[0].Display, func(m flow.Msg) { s.sent = append(s.sent, m) }, true)
	c := software.NewCanvas()
	c.SetPadded(false)
	c.SetContent(s.content)
	c.Resize(fyne.NewSize(displays[0].width, displays[0].height))
	s.canvas = c
	return s
}

func view(t *testing.T, name string) flow.View {
	t.Helper()
	for _, s := range scenes() {
		if s.Name == name {
			return s.View
		}
	}
	t.Fatalf("no scene %q", name)
	return flow.View{}
}

// pad is the one that stands for a message.
func (s *screen) pad(t *testing.T, msg flow.Msg) *pad {
	t.Helper()
	for i, target := range s.page.targets {
		if target.msg == msg {
			return s.targets.Objects[i].(*pad)
		}
	}
	t.Fatalf("nothing to touch for %v", msg)
	return nil
}

// expect compares what was sent since the last time.
func (s *screen) expect(t *testing.T, want ...flow.Msg) {
	t.Helper()
	if len(s.sent) != len(want) || len(want) > 0 && !reflect.DeepEqual(s.sent, want) {
		t.Errorf("sent %v, want %v", s.sent, want)
	}
	s.sent = nil
}

func TestTouch(t *testing.T) {
	undo := flow.Pressed{Action: flow.Undo}
	s := newScreen(t, "borrowed")
	p := s.pad(t, undo)

	p.MouseDown(nil)
	s.expect(t)
	if fill := s.faces.Objects[s.page.targets[p.place].face]; !sameColour(fill, calm[pressed]) {
		t.Error("a button under the finger looks as before")
	}
	p.MouseUp(nil)
	p.Tapped(nil)
	s.expect(t, undo)

	// Slid off: nothing happens, and it does not look pressed any more.
	p.MouseDown(nil)
	p.MouseOut()
	s.expect(t)
	if fill := s.faces.Objects[s.page.targets[p.place].face]; !sameColour(fill, calm[card]) {
		t.Error("a button that the finger left looks pressed")
	}
	p.Tapped(nil)
	s.expect(t)

	// The screen changed under the finger: what is there now was not meant.
	p.MouseDown(nil)
	s.show(view(t, "leftover"))
	p.MouseUp(nil)
	p.Tapped(nil)
	s.expect(t)

	// Beside every button.
	s.content.Objects[0].(*pad).Tapped(nil)
	s.expect(t, flow.Touched{})

	s.pad(t, flow.LanguageChosen{Language: "sv"}).MouseDown(nil)
	s.pad(t, flow.LanguageChosen{Language: "sv"}).Tapped(nil)
	s.expect(t, flow.LanguageChosen{Language: "sv"})
}

// TestTouchAnswers: whom one touches, which digit and which look is what is sent.
func TestTouchAnswers(t *testing.T) {
	for name, count := range map[string]int{"asking-house": 4, "naming": 4, "unlocking": 10, "looking": 5} {
		s := newScreen(t, name)
		answers := touches(s.view, true)
		if got := len(answers); got != count {
			t.Errorf("%s: %d answers, want %d", name, got, count)
		}
		for _, want := range answers {
			p := s.pad(t, want)
			p.MouseDown(nil)
			p.MouseUp(nil)
			p.Tapped(nil)
			s.expect(t, want)
		}
	}
}

func sameColour(o fyne.CanvasObject, want any) bool {
	return reflect.DeepEqual(reflect.ValueOf(o).Elem().FieldByName("FillColor").Interface(), want)
}

// TestKeys plays a visit to the undo page with a keypad of arrows, OK and back.
func TestKeys(t *testing.T) {
	s := newScreen(t, "undo")
	s.key(fyne.KeyReturn) // nothing is chosen yet: somebody is there, that is all
	s.expect(t, flow.Touched{})
	for _, line := range s.view.Lines[:2] {
		this := flow.Pressed{Action: flow.UndoThis, Item: line.Item.ID}
		s.key(fyne.KeyDown)
		s.key(fyne.KeyReturn)
		s.expect(t, flow.Reached{Means: this}, this)
	}
	if !s.mark.Visible() {
		t.Error("what the keys have chosen is not marked")
	}
	s.key(fyne.KeyEscape)
	s.expect(t, flow.Pressed{Action: flow.Back})
	s.show(view(t, "welcome"))
	if s.mark.Visible() {
		t.Error("another screen, and still marked")
	}
	s.key(fyne.KeyEscape) // there is no way back from here
	s.expect(t)
}

// TestNumberByKeys enters a secret number with the digits of a keyboard.
func TestNumberByKeys(t *testing.T) {
	s := newScreen(t, "unlocking")
	s.key(fyne.KeyDown) // the main one: Enter
	s.key(fyne.KeyUp)
	s.key(fyne.Key4)
	s.key(fyne.Key0)
	s.key(fyne.KeyBackspace)
	if s.mark.Visible() {
		t.Error("a digit, and OK still means what the arrows chose")
	}
	s.key(fyne.KeyReturn)
	s.key(fyne.KeyEscape)
	s.expect(t, flow.Reached{Means: flow.Pressed{Action: flow.Enter}}, flow.Reached{Means: flow.Pressed{Action: flow.Erase}},
		flow.Pressed{Action: flow.Digit, Digit: '4'}, flow.Pressed{Action: flow.Digit, Digit: '0'},
		flow.Pressed{Action: flow.Erase}, flow.Pressed{Action: flow.Enter}, flow.Pressed{Action: flow.Back})
	s.show(view(t, "undo"))
	s.key(fyne.Key4) // no digits are asked for
	s.key(fyne.KeyBackspace)
	s.expect(t, flow.Touched{}, flow.Pressed{Action: flow.Back})
}

// TestDots: a dot for each digit and never the digit; none for one that was wrong.
func TestDots(t *testing.T) {
	dots := func(name string) (n int) {
		for _, f := range newScreen(t, name).page.faces {
			if f.fill == ink && f.radius == f.w/2 {
				n++
			}
		}
		return n
	}
	for name, want := range map[string]int{"unlocking": 0, "unlocking-three": 3, "unlocking-said": 4, "unlocking-wrong": 0} {
		if got := dots(name); got != want {
			t.Errorf("%s: %d dots, want %d", name, got, want)
		}
	}
}

// TestKeysReach: every target of every screen can be reached by arrows alone.
func TestKeysReach(t *testing.T) {
	d := displays[0]
	for _, sc := range scenes() {
		s := &sheet{page: compose(sc.View, book, d.Display, fyne.NewSize(d.width, d.height), 0), chosen: -1}
		first := s.nearest(0, 1)
		if first < 0 {
			t.Errorf("%s: nothing to begin with", sc.Name)
			continue
		}
		reached := map[int]bool{first: true}
		for queue := []int{first}; len(queue) > 0; queue = queue[1:] {
			for _, way := range [][2]float32{{0, -1}, {0, 1}, {-1, 0}, {1, 0}} {
				s.chosen = queue[0]
				if to := s.nearest(way[0], way[1]); !reached[to] {
					reached[to] = true
					queue = append(queue, to)
				}
			}
		}
		if got, want := len(reached), len(s.page.targets); got != want {
			t.Errorf("%s: the keys reach %d of %d targets", sc.Name, got, want)
		}
	}
}

// TestTurn: turning shows other items, and a new item shows itself.
func TestTurn(t *testing.T) {
	s := newScreen(t, "borrowed-many")
	now := time.Now()
	s.now = func() time.Time { return now }
	last := s.page.sheet
	if last == 0 || last != s.page.sheets-1 {
		t.Fatalf("sheet %d of %d, want the last of several", last, s.page.sheets)
	}
	s.turn(-1)
	if s.page.sheet != last-1 {
		t.Errorf("turned back to sheet %d, want %d", s.page.sheet, last-1)
	}
	s.turn(-1) // a trembling hand
	if s.page.sheet != last-1 {
		t.Errorf("a second touch at once turned to sheet %d", s.page.sheet)
	}
	s.expect(t, flow.Turned{By: -1})
	now = now.Add(time.Second)
	s.turn(1)
	if s.page.sheet != last {
		t.Errorf("turned on to sheet %d, want %d", s.page.sheet, last)
	}
	v := s.view
	v.Lines = append(v.Lines[:len(v.Lines):len(v.Lines)], v.Lines[0])
	s.show(v)
	if s.page.sheet != s.page.sheets-1 {
		t.Errorf("a new item, and sheet %d of %d", s.page.sheet, s.page.sheets)
	}
}

// TestStock: showing everything again and again makes no new objects, and the
// end of a visit leaves no cover behind.
func TestStock(t *testing.T) {
	s := newScreen(t, "welcome")
	count := func() int {
		n := 0
		for _, layer := range s.content.Objects {
			if c, is := layer.(*fyne.Container); is {
				n += len(c.Objects)
			}
		}
		return n
	}
	round := func() {
		for _, contrast := range []bool{false, true} {
			for _, sc := range scenes() {
				sc.View.Look.Contrast = contrast
				s.show(sc.View)
			}
		}
	}
	round()
	first := count()
	round()
	if got := count(); got != first {
		t.Errorf("%d objects after another round, want %d", got, first)
	}
	if got := len(s.drawings); got > 200 {
		t.Errorf("%d drawings kept", got)
	}
	s.show(view(t, "welcome"))
	for d := range s.drawings {
		if d.icon == "" {
			t.Errorf("the cover of %s is kept after the visit", d.item.ID)
		}
	}
}

// TestNothingPersonalAtRest: no text or cover of a visit stays in any object that a
// screen at rest shows.
func TestNothingPersonalAtRest(t *testing.T) {
	s := newScreen(t, "borrowed-many")
	s.show(view(t, "welcome"))
	for i, o := range s.pictures.Objects {
		if kept := o.(*canvas.Image).Image != nil; kept != (i < len(s.page.pictures)) {
			t.Errorf("picture %d of %d is kept: %v", i, len(s.page.pictures), kept)
		}
	}
	for _, o := range s.texts.Objects {
		words := reflect.ValueOf(o).Elem().FieldByName("Text").String()
		if o.Visible() == (words == "") {
			t.Errorf("text %q, visible %v", words, o.Visible())
		}
	}
}
