package ui

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"coldstation/assets"
	"coldstation/kiosk/flow"
	"coldstation/kiosk/phrase"
	"coldstation/kiosk/ui/scene"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
)

var book phrase.Book

func TestMain(m *testing.M) {
	words, err := fs.Sub(assets.Words, "words")
	if err == nil {
		book, err = phrase.Load(words)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if program := programs[os.Getenv("UI_TEST_PROGRAM")]; program != nil {
		program()
		return
	}
	test.NewApp()
	os.Exit(m.Run())
}

// scenes are all of them; nobody writes to them.
var scenes = sync.OnceValue(func() []scene.Scene { return scene.All(languages...) })

var languages = []string{"fi", "fi-simple", "sv", "en"}

var displays = []struct {
	name          string
	width, height float32
	Display
}{
	{"15.6 inch", 1366, 768, Display{Diagonal: 15.6 * 25.4, Distance: 450}},
	{"21.5 inch", 1920, 1080, Display{Diagonal: 21.5 * 25.4, Distance: 600}},
	{"21.5 inch upright", 1080, 1920, Display{Diagonal: 21.5 * 25.4, Distance: 600}},
	{"10 inch", 1280, 800, Display{Diagonal: 10.1 * 25.4, Distance: 450}},
}

// laid is one page as a person would meet it.
type laid struct {
	name string
	view flow.View
	page page
	m    metrics
}

// pages are every scene on every display, in every language and size.
var pages = sync.OnceValue(func() (all []laid) {
	rows := make([][]laid, len(displays))
	var working sync.WaitGroup
	for i, d := range displays {
		working.Go(func() {
			for _, language := range languages {
				for size := flow.Normal; size <= flow.Largest; size++ {
					for _, s := range scenes() {
						v := s.View
						v.Look = flow.Look{Language: language, Size: size}
						rows[i] = append(rows[i], laid{
							fmt.Sprintf("%s on %s in %s size %d", s.Name, d.name, language, size+1), v,
							compose(v, book, d.Display, fyne.NewSize(d.width, d.height), -1), d.metrics(d.width, d.height, size).times(v.Scale)})
					}
				}
			}
		})
	}
	working.Wait()
	all = slices.Concat(rows...)
	return all
})

func everyPage(t *testing.T, f func(t *testing.T, name string, v flow.View, p page, m metrics)) {
	for _, l := range pages() {
		f(t, l.name, l.view, l.page, l.m)
	}
}

func overlap(a, b box) bool {
	const touch = 1 // pixel
	return a.x < b.right()-touch && b.x < a.right()-touch && a.y < b.bottom()-touch && b.y < a.bottom()-touch
}

// TestNothingCut: every text is whole, inside the screen and clear of others.
func TestNothingCut(t *testing.T) {
	everyPage(t, func(t *testing.T, name string, v flow.View, p page, m metrics) {
		if !p.fits {
			t.Errorf("%s: does not fit", name)
			return
		}
		for i, a := range p.texts {
			if !p.size.holds(a.box) {
				t.Errorf("%s: %q at %v leaves the screen", name, a.words, a.box)
			}
			if w := width(a.words, a.size, a.bold); w > a.w+1.5 {
				t.Errorf("%s: %q is %.0f wide in a box of %.0f", name, a.words, w, a.w)
			}
			for _, b := range p.texts[:i] {
				if overlap(a.box, b.box) {
					t.Errorf("%s: %q and %q overlap", name, a.words, b.words)
				}
			}
			for _, b := range p.targets {
				if overlap(a.box, b.box) && !b.holds(a.box) {
					t.Errorf("%s: %q runs over the edge of a button", name, a.words)
				}
			}
			for _, b := range p.pictures {
				if overlap(a.box, b.box) {
					t.Errorf("%s: %q and a picture overlap", name, a.words)
				}
			}
		}
		for _, b := range p.pictures {
			if !p.size.holds(b.box) {
				t.Errorf("%s: a picture at %v leaves the screen", name, b.box)
			}
		}
	})
}

// TestSizes: capitals, targets and the gaps between them have their millimetres.
func TestSizes(t *testing.T) {
	everyPage(t, sizes)
}

// TestScale: a screen that was measured with a card has its millimetres by that.
func TestScale(t *testing.T) {
	for _, s := range scenes() {
		for _, d := range displays[:3] {
			for _, scale := range []float64{0.85, 1.08} {
				v := s.View
				v.Scale = scale
				p := compose(v, book, d.Display, fyne.NewSize(d.width, d.height), -1)
				if !p.fits {
					t.Errorf("%s on %s at %.2f: does not fit", s.Name, d.name, scale)
				}
				sizes(t, fmt.Sprintf("%s on %s at %.2f", s.Name, d.name, scale), v, p, d.metrics(d.width, d.height, v.Look.Size).times(scale))
			}
		}
	}
}

func sizes(t *testing.T, name string, v flow.View, p page, m metrics) {
	const rounding = 0.05 // mm
	for _, a := range p.texts {
		if got, want := a.size, m.base; got < want-0.01 {
			t.Errorf("%s: %q is set in %.1f px, want %.1f or more", name, a.words, got, want)
		}
	}
	for i, a := range p.targets {
		want := float32(20)
		switch pressed, _ := a.msg.(flow.Pressed); pressed.Action {
		case "", flow.Looks, flow.Digit, flow.Erase: // an option, a language, a turn of the sheet; many side by side
		default:
			if pressed.Item == "" {
				want = 25
			}
		}
		if got := min(a.w, a.h) / m.mm; got < want-rounding {
			t.Errorf("%s: target for %v is %.1f mm, want %.0f", name, a.msg, got, want)
		}
		if !p.size.holds(a.box) {
			t.Errorf("%s: target for %v leaves the screen", name, a.msg)
		}
		for _, b := range p.targets[:i] {
			dx := max(a.x-b.right(), b.x-a.right())
			dy := max(a.y-b.bottom(), b.y-a.bottom())
			if gap := max(dx, dy) / m.mm; gap < 6-rounding {
				t.Errorf("%s: targets for %v and %v are %.1f mm apart, want 6", name, a.msg, b.msg, gap)
			}
		}
	}
}

// TestEverythingShown: every button, language and item of the view is on the
// page, or on another sheet that a button leads to.
func TestEverythingShown(t *testing.T) {
	everyPage(t, func(t *testing.T, name string, v flow.View, p page, m metrics) {
		got := map[flow.Msg]bool{}
		turns := map[int]bool{}
		for _, target := range p.targets {
			if turned, is := target.msg.(flow.Turned); is {
				turns[turned.By] = true
				continue
			}
			got[target.msg] = true
		}
		want := touches(v, p.sheets == 1)
		for _, b := range v.Buttons {
			want = append(want, flow.Pressed{Action: b.Action, Item: b.Item})
		}
		for _, language := range v.Languages {
			want = append(want, flow.LanguageChosen{Language: language})
		}
		if v.Back {
			want = append(want, flow.Pressed{Action: flow.Back})
		}
		if v.Help {
			want = append(want, flow.Pressed{Action: flow.Help})
		}
		for _, msg := range want {
			if !got[msg] {
				t.Errorf("%s: no button for %v", name, msg)
			}
		}
		for _, sign := range v.Signs {
			if words := book[v.Look.Language].Show(sign.Words); !strings.Contains(said(p), words) {
				t.Errorf("%s: nowhere is %q", name, words)
			}
		}
		shown := 0
		for _, picture := range p.pictures {
			if picture.item != nil {
				shown++
			}
		}
		if len(v.Lines) > 0 && shown == 0 {
			t.Errorf("%s: none of %d items is shown", name, len(v.Lines))
		}
		for _, line := range v.Lines[max(0, len(v.Lines)-shown):] {
			if b := line.Button; b.Action != "" && !got[flow.Pressed{Action: b.Action, Item: b.Item}] {
				t.Errorf("%s: no button for %v of item %s", name, b.Action, b.Item)
			}
		}
		if p.sheets > 1 && !turns[-1] {
			t.Errorf("%s: the last of %d sheets has no way back", name, p.sheets)
		}
	})
}

// touches are what a view offers beside its lines, its languages and the chrome:
// those on any sheet only when they are asked for.
func touches(v flow.View, sheets bool) (all []flow.Msg) {
	for _, c := range v.Choices {
		if sheets {
			all = append(all, flow.Pressed{Action: c.Action, Who: c.Who, List: c.List})
		}
	}
	for _, row := range v.Rows {
		for _, option := range row.Options {
			if sheets {
				all = append(all, flow.LookChosen{Look: option.Look})
			}
		}
	}
	if v.Screen == flow.Unlocking && len(v.Buttons) > 1 {
		for digit := byte('0'); digit <= '9'; digit++ {
			all = append(all, flow.Pressed{Action: flow.Digit, Digit: digit})
		}
	}
	return all
}

// said is all that a page says, from its top to its bottom in the order it was laid.
func said(p page) string {
	var lines []string
	for _, t := range p.texts {
		lines = append(lines, t.words)
	}
	return strings.Join(lines, " ")
}

// TestSheets: turning through the sheets shows every item, person and option.
func TestSheets(t *testing.T) {
	for _, s := range scenes() {
		want := map[any]bool{}
		for _, line := range s.View.Lines {
			want[line.Item.ID] = true
		}
		for _, msg := range touches(s.View, true) {
			want[msg] = true
		}
		if len(want) < 4 {
			continue
		}
		for _, d := range displays {
			seen := map[any]bool{}
			for sheet, sheets := 0, 1; sheet < sheets; sheet++ {
				p := compose(s.View, book, d.Display, fyne.NewSize(d.width, d.height), sheet)
				if p.sheet != sheet {
					t.Fatalf("%s on %s: asked for sheet %d, got %d", s.Name, d.name, sheet, p.sheet)
				}
				sheets = p.sheets
				for _, picture := range p.pictures {
					if picture.item != nil {
						seen[picture.item.ID] = true
					}
				}
				for _, target := range p.targets {
					seen[target.msg] = true
				}
			}
			for what := range want {
				if !seen[what] {
					t.Errorf("%s on %s: %v is on no sheet", s.Name, d.name, what)
				}
			}
		}
	}
}

// TestChosen: what is so now looks different by more than its colour.
func TestChosen(t *testing.T) {
	everyPage(t, func(t *testing.T, name string, v flow.View, p page, m metrics) {
		for _, target := range p.targets {
			look, is := target.msg.(flow.LookChosen)
			if !is {
				continue
			}
			ticked := slices.ContainsFunc(p.pictures, func(picture picture) bool { return picture.icon == "done" && target.holds(picture.box) })
			if chosen := look.Look == lookOf(v); ticked != chosen {
				t.Errorf("%s: %+v ticked %v, want %v", name, look.Look, ticked, chosen)
			}
		}
	})
}

// lookOf is the look that the view's rows were made for.
func lookOf(v flow.View) (look flow.Look) {
	for _, row := range v.Rows {
		for _, option := range row.Options {
			if option.Chosen {
				return option.Look
			}
		}
	}
	return look
}

// TestPortraits: beside every picture of a choice stand its words; a person has the
// picture they chose, or else the first letter of their name.
func TestPortraits(t *testing.T) {
	everyPage(t, func(t *testing.T, name string, v flow.View, p page, m metrics) {
		for _, choice := range v.Choices {
			for _, target := range p.targets {
				if target.msg != (flow.Pressed{Action: choice.Action, Who: choice.Who, List: choice.List}) {
					continue
				}
				var words, icons []string
				for _, text := range p.texts {
					if target.holds(text.box) {
						words = append(words, text.words)
					}
				}
				for _, picture := range p.pictures {
					if target.holds(picture.box) {
						icons = append(icons, picture.icon)
					}
				}
				full := book[v.Look.Language].Show(choice.Words)
				got := strings.ReplaceAll(strings.Join(words, " "), "- ", "-")
				want := full
				switch {
				case choice.Picture != "":
					if !slices.Equal(icons, []string{"person-" + choice.Picture}) {
						t.Errorf("%s: %s has %v, want %s", name, full, icons, choice.Picture)
					}
				case choice.Words.Name != "":
					want = full[:1] + " " + full
				case len(icons) != 1:
					t.Errorf("%s: %s has %v, want one sign", name, full, icons)
				}
				if got != want {
					t.Errorf("%s: %q stands there, want %q", name, got, want)
				}
				if high := target.h / m.mm; high < 25-0.05 {
					t.Errorf("%s: %s is %.1f mm high, want 25", name, full, high)
				}
			}
		}
	})
}

// TestCard: the card of Measuring is as large as a real one, whatever the scale;
// a scale that is far off leaves everything on the screen.
func TestCard(t *testing.T) {
	for _, d := range displays {
		for _, scale := range []float64{0.5, 0.9, 1, 1.1, 1.6, 2.5} {
			v := view(t, "measuring")
			v.Scale = scale
			p := compose(v, book, d.Display, fyne.NewSize(d.width, d.height), -1)
			real := d.metrics(d.width, d.height, flow.Normal).mm * float32(scale)
			found := slices.ContainsFunc(p.faces, func(f face) bool {
				near := func(got, want float32) bool { return math.Abs(float64(got-want)) < 0.01 }
				return near(f.w, 85.60*real) && near(f.h, 53.98*real) && near(f.radius, 3.18*real)
			})
			room := d.metrics(d.width, d.height, flow.Normal).mm * 1.15
			if !found && real < room {
				t.Errorf("%s at %.1f: no card of %.0f by %.0f px", d.name, scale, 85.60*real, 53.98*real)
			}
			if !p.fits && real < room {
				t.Errorf("%s at %.1f: does not fit", d.name, scale)
			}
			for _, target := range p.targets {
				if !p.size.holds(target.box) {
					t.Errorf("%s at %.1f: target for %v leaves the screen", d.name, scale, target.msg)
				}
			}
		}
	}
}

// TestWidth: widths are reckoned from one measure for all sizes, as Fyne would
// measure them.
func TestWidth(t *testing.T) {
	for _, words := range []string{"Kiitos, palautit kirjan", "AVATo", "Åke Öberg 0123"} {
		for _, heavy := range []bool{false, true} {
			for _, size := range []float32{20, 32.7, 41, 60.3, 87} {
				s, _ := fyne.CurrentApp().Driver().RenderedTextSize(words, size, fyne.TextStyle{Bold: heavy}, typeface(heavy))
				if got, want := width(words, size, heavy), s.Width; math.Abs(float64(got-want)) > 0.5 {
					t.Errorf("%q in %.1f is %.2f wide, want %.2f", words, size, got, want)
				}
			}
		}
	}
}

// TestChrome: what is on every screen is at the same place on every screen,
// whatever else it shows and whatever the text size.
func TestChrome(t *testing.T) {
	places := map[string]box{}
	everyPage(t, func(t *testing.T, name string, v flow.View, p page, m metrics) {
		for _, target := range p.targets {
			key := ""
			switch msg := target.msg.(type) {
			case flow.LanguageChosen:
				key = fmt.Sprint(p.size, msg)
			case flow.Pressed:
				if msg.Action == flow.Help || msg.Action == flow.Back || msg.Action == flow.Looks {
					key = fmt.Sprint(p.size, v.Look.Language, msg.Action)
				}
			}
			if key == "" {
				continue
			}
			if at, known := places[key]; known && at != target.box {
				t.Errorf("%s: %v moved from %v to %v", name, target.msg, at, target.box)
			}
			places[key] = target.box
		}
	})
}

// TestStepHonoured: on the displays of a table a larger step makes larger text.
func TestStepHonoured(t *testing.T) {
	small := map[string]float32{} // the largest of what is not bold, at the normal step
	everyPage(t, func(t *testing.T, name string, v flow.View, p page, m metrics) {
		if strings.Contains(name, "10 inch") {
			return
		}
		var most float32
		for _, text := range p.texts {
			if !text.bold {
				most = max(most, text.size)
			}
		}
		name, _, _ = strings.Cut(name, " size ")
		switch v.Look.Size {
		case flow.Normal:
			small[name] = most
		case flow.Largest:
			if most < small[name]*1.2 && most > 0 && small[name] < 1.25*m.base {
				t.Errorf("%s: text is %.0f px at the largest step and %.0f at the normal one", name, most, small[name])
			}
		}
	})
}

func TestMetrics(t *testing.T) {
	for _, c := range []struct {
		name          string
		d             Display
		width, height float32
		perMM, letter float64
	}{
		{"at 450 mm", Display{Diagonal: 15.6 * 25.4, Distance: 450}, 1366, 768, 3.955, 5.5},
		{"at 600 mm", Display{Diagonal: 21.5 * 25.4, Distance: 600}, 1920, 1080, 4.034, 7.33},
		{"by a measured bar", Display{PerMM: 5, Distance: 450}, 1280, 800, 5, 5.5},
		{"nothing known", Display{}, 1366, 768, 3.955, 5.5},
	} {
		m := c.d.metrics(c.width, c.height, flow.Normal)
		if got := float64(m.mm); math.Abs(got-c.perMM) > 0.01 {
			t.Errorf("%s: %.3f pixels per mm, want %.3f", c.name, got, c.perMM)
		}
		if got := float64(m.base*capital) / c.perMM; math.Abs(got-c.letter) > 0.01 {
			t.Errorf("%s: capitals of %.2f mm, want %.2f", c.name, got, c.letter)
		}
	}
}
