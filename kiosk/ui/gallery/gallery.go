// Package gallery makes a picture of every screen, so that a designer or a
// librarian can look at them all without a station.
package gallery

import (
	"embed"
	"fmt"
	"html/template"
	"image/png"
	"os"
	"path/filepath"
	"regexp"

	"coldstation/kiosk/flow"
	"coldstation/kiosk/phrase"
	"coldstation/kiosk/ui"
	"coldstation/kiosk/ui/scene"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
	"fyne.io/fyne/v2/driver/software"
)

// Display is a screen that a station may have.
type Display struct {
	Name          string
	Width, Height int // pixels
	ui.Display
}

const inch = 25.4

// Displays are those that every screen must hold on: on a wall or a stand they
// are read from farther away than on a table.
var Displays = []Display{
	{"15.6-inch", 1366, 768, ui.Display{Diagonal: 15.6 * inch, Distance: 450}},
	{"21.5-inch", 1920, 1080, ui.Display{Diagonal: 21.5 * inch, Distance: 600}},
	{"21.5-inch-upright", 1080, 1920, ui.Display{Diagonal: 21.5 * inch, Distance: 600}},
	{"10-inch", 1280, 800, ui.Display{Diagonal: 10.1 * inch, Distance: 450}},
}

// Series is a row of the gallery: every scene in one look on one display.
type Series struct {
	Display  Display
	Look     flow.Look
	Pictures []Picture
}

// Picture is one screen in a file beside the index.
type Picture struct{ Scene, File string }

//go:embed index.html
var pages embed.FS

var index = template.Must(template.ParseFS(pages, "index.html"))

// Write puts the pictures and index.html into dir: every language and theme on
// the first display, every display and text size in the first language. With only,
// it makes the pictures whose file names match, of all languages, themes, displays
// and text sizes.
func Write(dir string, book phrase.Book, languages []string, displays []Display, only *regexp.Regexp) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if fyne.CurrentApp() == nil {
		app.NewWithID("coldstation.gallery")
	}
	canvas := software.NewCanvas()
	canvas.SetPadded(false)
	var all []Series
	series := func(d Display, look flow.Look) error {
		s := Series{Display: d, Look: look}
		for _, sc := range scene.All(inFront(look.Language, languages)...) {
			sc.View.Look, sc.View.Languages = look, languages
			name := file(d, look, sc.Name)
			if only != nil && !only.MatchString(name) {
				continue
			}
			canvas.SetContent(ui.Still(book, d.Display, sc.View))
			canvas.Resize(fyne.NewSize(float32(d.Width), float32(d.Height)))
			to, err := os.Create(filepath.Join(dir, name))
			if err != nil {
				return err
			}
			err = (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(to, canvas.Capture())
			if closed := to.Close(); err == nil {
				err = closed
			}
			if err != nil {
				return fmt.Errorf("write picture %s: %w", name, err)
			}
			s.Pictures = append(s.Pictures, Picture{sc.Name, name})
		}
		if len(s.Pictures) > 0 {
			all = append(all, s)
		}
		return nil
	}
	for i, d := range displays {
		for _, language := range languages {
			for size := flow.Normal; size <= flow.Largest; size++ {
				for _, contrast := range []bool{false, true} {
					usual := i == 0 && size == flow.Normal || language == languages[0] && !contrast
					if !usual && only == nil {
						continue
					}
					if err := series(d, flow.Look{Language: language, Size: size, Contrast: contrast}); err != nil {
						return err
					}
				}
			}
		}
	}
	page, err := os.Create(filepath.Join(dir, "index.html"))
	if err != nil {
		return err
	}
	err = index.Execute(page, all)
	if closed := page.Close(); err == nil {
		err = closed
	}
	return err
}

// file is the name of a picture.
func file(d Display, look flow.Look, scene string) string {
	name := fmt.Sprintf("%s-%s-%s", d.Name, look.Language, scene)
	if look.Size != flow.Normal {
		name += fmt.Sprintf("-size%d", look.Size+1)
	}
	if look.Contrast {
		name += "-contrast"
	}
	return name + ".png"
}

// inFront is all with one of them first: a station has its own language first,
// and the library's message comes in it.
func inFront(one string, all []string) []string {
	first := []string{one}
	for _, other := range all {
		if other != one {
			first = append(first, other)
		}
	}
	return first
}
