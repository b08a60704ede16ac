package gallery

import (
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"coldstation/assets"
	"coldstation/kiosk/flow"
	"coldstation/kiosk/phrase"
	"coldstation/kiosk/ui"
	"coldstation/kiosk/ui/scene"

	"fyne.io/fyne/v2/test"
)

// TestWrite: every scene has its picture in every language and theme, and in every
// size of text, and the index shows each.
func TestWrite(t *testing.T) {
	test.NewApp()
	words, err := fs.Sub(assets.Words, "words")
	if err != nil {
		t.Fatal(err)
	}
	book, err := phrase.Load(words)
	if err != nil {
		t.Fatal(err)
	}
	languages := []string{"fi", "en"}
	dir := t.TempDir()
	small := Display{"small", 137, 77, ui.Display{Diagonal: 15.6 * inch, Distance: 450}}
	if err := Write(dir, book, languages, []Display{small}, nil); err != nil {
		t.Fatal(err)
	}
	index, err := os.ReadFile(filepath.Join(dir, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	var looks []flow.Look
	for _, language := range languages {
		looks = append(looks, flow.Look{Language: language}, flow.Look{Language: language, Contrast: true})
	}
	looks = append(looks, flow.Look{Language: "fi", Size: flow.Large}, flow.Look{Language: "fi", Size: flow.Largest})
	seen := map[string]bool{}
	for _, look := range looks {
		for _, s := range scene.All(languages...) {
			name := file(small, look, s.Name)
			if seen[name] {
				t.Errorf("%s is there twice", name)
			}
			seen[name] = true
			picture, err := os.Open(filepath.Join(dir, name))
			if err != nil {
				t.Error(err)
				continue
			}
			head, err := png.DecodeConfig(picture)
			picture.Close()
			if err != nil || head.Width != small.Width || head.Height != small.Height {
				t.Errorf("%s is %d by %d: %v", name, head.Width, head.Height, err)
			}
			if got := strings.Count(string(index), `src="`+name+`"`); got != 1 {
				t.Errorf("the index shows %s %d times", name, got)
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.png"))
	if got, want := len(files), len(seen); got != want || err != nil {
		t.Errorf("%d pictures, want %d (%v)", got, want, err)
	}

	dir = t.TempDir()
	if err := Write(dir, book, languages, []Display{small}, regexp.MustCompile("en-welcome-size3-contrast")); err != nil {
		t.Fatal(err)
	}
	if files, err := filepath.Glob(filepath.Join(dir, "*.png")); len(files) != 1 || err != nil {
		t.Errorf("of one that was asked for there are %v (%v)", files, err)
	}
}
