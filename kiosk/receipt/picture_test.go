package receipt

import (
	"bytes"
	"flag"
	"fmt"
	"image/png"
	"os"
	"strings"
	"testing"
	"time"

	"coldstation/kiosk/flow"
	"coldstation/kiosk/phrase"
	"coldstation/sync/circ"

	"golang.org/x/image/font"
)

var update = flag.Bool("update", false, "write the golden pictures anew")

func words(t testing.TB) phrase.Book {
	t.Helper()
	book, err := phrase.Load(os.DirFS("../../assets/words"))
	if err != nil {
		t.Fatal(err)
	}
	return book
}

func borrowed(title string, words flow.Phrase) flow.Line {
	return flow.Line{Item: circ.Item{ID: "30123400000017", Title: title, Author: "Mika Waltari"}, Fate: flow.Borrowed, Words: words}
}

var (
	byDay = flow.Phrase{Key: "fate.due.day", Day: time.Date(2026, 12, 23, 0, 0, 0, 0, time.UTC)}
	free  = flow.Phrase{Key: "fate.due.free"}
	two   = []flow.Line{borrowed("Täällä Pohjantähden alla", byDay), borrowed("Sinuhe egyptiläinen : viisitoista kirjaa lääkäri Sinuhen elämästä", free)}
)

// TestGolden: receipts look as somebody has looked at them.
func TestGolden(t *testing.T) {
	book := words(t)
	for name, test := range map[string]struct {
		language string
		lines    []flow.Line
		closing  string
		width    int
	}{
		"fi":        {"fi", two, "", 576},
		"fi-narrow": {"fi", two, "", 384},
		"sv":        {"sv", two[:1], "Välkommen till Björkgården.", 576},
		"en":        {"en", []flow.Line{borrowed("Emma", byDay), borrowed("", flow.Phrase{Key: "fate.due.weeks", N: 4})}, "", 576},
		"cyrillic":  {"en", []flow.Line{borrowed("Война и мир", free), borrowed("戦争と平和", free)}, "", 576},
	} {
		got := draw(book[test.language], test.lines, test.closing, test.width)
		golden := "testdata/" + name + ".png"
		if *update {
			var b bytes.Buffer
			if err := png.Encode(&b, got); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		file, err := os.Open(golden)
		if err != nil {
			t.Fatal(err)
		}
		want, err := png.Decode(file)
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		if got.Bounds() != want.Bounds() {
			t.Errorf("%s: %v, want %v: look at the receipt, then test with -update", name, got.Bounds(), want.Bounds())
			continue
		}
		differ := 0
		for y := range got.Bounds().Dy() {
			for x := range got.Bounds().Dx() {
				r, _, _, _ := want.At(x, y).RGBA()
				if g, _, _, _ := got.At(x, y).RGBA(); g != r {
					differ++
				}
			}
		}
		// Another processor rounds the edge of a letter otherwise here and there.
		if differ > got.Bounds().Dy()/50 {
			t.Errorf("%s: %d dots differ: look at the receipt, then test with -update", name, differ)
		}
	}
}

// TestLetters: no letter is smaller than 16 points, at 8 dots a millimetre.
func TestLetters(t *testing.T) {
	for _, points := range []float64{small, due, title} {
		for _, f := range []typeface{regular, bold} {
			// A capital of this typeface is 0.668 of its size high; 16 points are
			// 45.1 dots.
			bounds, _, ok := f.face("", points).GlyphBounds('H')
			if got := (bounds.Max.Y - bounds.Min.Y).Ceil(); !ok || got < 30 {
				t.Errorf("a capital of %v points is %d dots high, want 30", points, got)
			}
		}
	}
}

// TestNothingPersonal: a receipt depends on titles, days and words, and on nothing
// else that a line holds.
func TestNothingPersonal(t *testing.T) {
	w := words(t)["fi"]
	plain := borrowed("Emma", byDay)
	plain.Item = circ.Item{Title: "Emma"}
	full := borrowed("Emma", byDay)
	full.Item.Subject, full.Again, full.PutBack = "love", true, true
	full.Words.Name = "Helmi"
	if !bytes.Equal(draw(w, []flow.Line{plain}, "", 576).bits, draw(w, []flow.Line{full}, "", 576).bits) {
		t.Error("something else of an item or a person is on the receipt")
	}
}

func TestWrap(t *testing.T) {
	face := regular.face("", small)
	for _, text := range []string{"", "a", "Täällä Pohjantähden alla", strings.Repeat("kirja ", 60), strings.Repeat("lentokonesuihkuturbiini", 4), strings.Repeat("å", 300) + " b"} {
		var joined string
		for _, line := range wrap(strings.TrimSpace(text), face, 384) {
			if got := font.MeasureString(face, line).Ceil(); got > 384 {
				t.Errorf("%q is %d dots wide", line, got)
			}
			joined += strings.TrimSuffix(line, "-")
		}
		if want := strings.Join(strings.Fields(text), ""); strings.ReplaceAll(joined, " ", "") != want {
			t.Errorf("got %q, want %q", joined, want)
		}
	}
	if got, want := fmt.Sprint(wrap("Täällä Pohjantähden alla", bold.face("", title), 384)), "[Täällä Pohjantähden alla]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestComposed: letters that a catalogue writes as letter and accent are one.
func TestComposed(t *testing.T) {
	if got, want := clean("A\u030Aland \u0007 i\to\u0308st"), "Åland i öst"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
