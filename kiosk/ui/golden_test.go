package ui

import (
	"bytes"
	"flag"
	"image"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"coldstation/kiosk/flow"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/software"
)

var update = flag.Bool("update", false, "draw the pictures in testdata/golden anew")

// TestGolden: the main screens look as they did when somebody last looked at them.
// Whoever changes them on purpose draws them anew with -update, and looks.
func TestGolden(t *testing.T) {
	d := displays[0]
	canvas := software.NewCanvas()
	canvas.SetPadded(false)
	for _, g := range []struct {
		scene    string
		contrast bool
	}{
		{"welcome", false}, {"welcome", true}, {"borrowed-three", false}, {"borrowed-three", true}, {"returned", false},
		{"show-card", false}, {"stack", false}, {"asking", false}, {"undo", false}, {"unlocking", false},
		{"listing", false}, {"help", false}, {"looking-voice", false}, {"measuring", false}, {"unhealthy", false},
		{"staffing", false}, {"receiving-38", false}, {"taking-out-some", false}, {"shelving-300", false}, {"shelf-result", false}, {"shelf-lent", false},
	} {
		name := g.scene
		if g.contrast {
			name += "-contrast"
		}
		v := view(t, g.scene)
		v.Look = flow.Look{Language: "fi", Contrast: g.contrast}
		canvas.SetContent(Still(book, d.Display, v))
		canvas.Resize(fyne.NewSize(d.width, d.height))
		got := canvas.Capture()
		path := filepath.Join("testdata", "golden", name+".png")
		if *update {
			write(t, path, got)
			continue
		}
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := png.Decode(bytes.NewReader(file))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if n, first := differing(got, want); n > 0 {
			seen := filepath.Join(os.TempDir(), name+".png")
			write(t, seen, got)
			t.Errorf("%s: %d pixels differ, the first at %v; see %s", path, n, first, seen)
		}
	}
}

// differing counts the pixels that are not the same: arm64 rounds otherwise than
// amd64, and a channel may be off by 2 of 255.
func differing(a, b image.Image) (n int, first image.Point) {
	const slack = 2
	if a.Bounds().Size() != b.Bounds().Size() {
		return a.Bounds().Dx() * a.Bounds().Dy(), first
	}
	x, y := plain(a), plain(b)
	for i := 0; i < len(x.Pix); i += 4 {
		for channel := range 3 {
			if p, q := x.Pix[i+channel], y.Pix[i+channel]; max(p, q)-min(p, q) > slack {
				if n == 0 {
					first = image.Pt(i%x.Stride/4, i/x.Stride)
				}
				n++
				break
			}
		}
	}
	return n, first
}

func plain(from image.Image) *image.RGBA {
	to := image.NewRGBA(image.Rectangle{Max: from.Bounds().Size()})
	draw.Draw(to, to.Bounds(), from, from.Bounds().Min, draw.Src)
	return to
}

func write(t *testing.T, path string, picture image.Image) {
	t.Helper()
	var file bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&file, picture); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, file.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestDiffering: the comparison sees what it should and nothing else.
func TestDiffering(t *testing.T) {
	a, b := image.NewNRGBA(image.Rect(0, 0, 4, 4)), image.NewNRGBA(image.Rect(0, 0, 4, 4))
	for i := range a.Pix {
		a.Pix[i], b.Pix[i] = 200, 200
		if i%4 == 3 {
			a.Pix[i], b.Pix[i] = 255, 255
		}
	}
	b.Pix[b.PixOffset(1, 2)] = 202
	if n, at := differing(a, b); n != 0 {
		t.Errorf("off by 2: %d pixels differ, the first at %v", n, at)
	}
	b.Pix[b.PixOffset(3, 2)+1] = 197
	if n, at := differing(a, b); n != 1 || at != image.Pt(3, 2) {
		t.Errorf("off by 3: %d pixels differ, the first at %v, want one at (3,2)", n, at)
	}
}
