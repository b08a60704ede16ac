package cover

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"testing"
)

// photo is a JPEG of one colour.
func photo(t *testing.T, width, height int) []byte {
	t.Helper()
	of := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(of, of.Bounds(), image.NewUniform(color.RGBA{200, 30, 30, 255}), image.Point{}, draw.Src)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, of, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestOwn: a picture keeps its shape, in the middle of paper.
func TestOwn(t *testing.T) {
	for name, tt := range map[string]struct {
		width, height int
		filled        image.Rectangle
	}{
		"as the place is": {70, 100, image.Rect(0, 0, 140, 200)},
		"tall":            {50, 100, image.Rect(20, 0, 120, 200)},
		"wide":            {100, 100, image.Rect(0, 30, 140, 170)},
		"a line":          {1000, 1, image.Rect(0, 99, 140, 100)},
	} {
		got, err := Own(photo(t, tt.width, tt.height), 140, 200)
		if err != nil || got.Bounds() != image.Rect(0, 0, 140, 200) {
			t.Errorf("%s: %v, %v", name, got.Bounds(), err)
			continue
		}
		for y := range 200 {
			for x := range 140 {
				if in, r := image.Pt(x, y).In(tt.filled), got.RGBAAt(x, y); in != (r.G < 100) || r.A != 255 {
					t.Fatalf("%s: at %d,%d it is %v, filled: %v", name, x, y, r, in)
				}
			}
		}
	}
	for name, raw := range map[string][]byte{"nothing": nil, "no picture": []byte("hello"), "half": photo(t, 50, 50)[:300], "too large": photo(t, 1025, 2)} {
		if got, err := Own(raw, 140, 200); err == nil {
			t.Errorf("%s: %v", name, got.Bounds())
		}
	}
	if got, err := Own(photo(t, 30, 40), 1, 1); err != nil || got.Bounds().Dx() != 1 {
		t.Errorf("of one pixel: %v, %v", got, err)
	}
}
