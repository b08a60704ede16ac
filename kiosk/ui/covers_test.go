package ui

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"slices"
	"testing"

	"coldstation/sync/circ"

	"fyne.io/fyne/v2/canvas"
)

// photos are a library's pictures, of which each reading is counted.
type photos struct {
	of    map[circ.BlobID][]byte
	reads int
}

func (p *photos) Has(id circ.BlobID) bool { _, has := p.of[id]; return has }

func (p *photos) Read(id circ.BlobID) ([]byte, error) {
	p.reads++
	if raw := p.of[id]; len(raw) > 0 {
		return raw, nil
	}
	return nil, errors.New("damaged")
}

// red is a picture of one colour, and whether an image is it in the middle.
func red(t *testing.T) []byte {
	t.Helper()
	of := image.NewRGBA(image.Rect(0, 0, 320, 460))
	draw.Draw(of, of.Bounds(), image.NewUniform(color.RGBA{220, 0, 0, 255}), image.Point{}, draw.Src)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, of, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func isRed(of image.Image) bool {
	if of == nil {
		return false
	}
	middle := of.Bounds().Max.Div(2)
	r, g, b, _ := of.At(middle.X, middle.Y).RGBA()
	return r > 0xC000 && g < 0x2000 && b < 0x2000
}

// TestOwnCovers: the library's picture takes the place of the drawn one where words
// stand beside it, when it is here and whole; it is read once a visit, and nothing
// of it stays.
func TestOwnCovers(t *testing.T) {
	here, damaged, away := circ.BlobID{1}, circ.BlobID{2}, circ.BlobID{3}
	for name, tt := range map[string]struct {
		cover circ.BlobID
		own   bool
		reads int
	}{"here": {here, true, 1}, "damaged": {damaged, false, 1}, "not here yet": {away, false, 0}, "none": {circ.BlobID{}, false, 0}} {
		t.Run(name, func(t *testing.T) {
			s := newScreen(t, "welcome")
			p := &photos{of: map[circ.BlobID][]byte{here: red(t), damaged: nil}}
			s.covers = p
			v := view(t, "borrowed")
			v.Lines = slices.Clone(v.Lines)
			v.Lines[0].Item.Cover = tt.cover
			for range 3 {
				s.show(v)
			}
			own := false
			for i, pic := range s.page.pictures {
				if pic.item != nil {
					own = own || isRed(s.pictures.Objects[i].(*canvas.Image).Image)
				}
			}
			if own != tt.own || p.reads != tt.reads {
				t.Errorf("the library's own: %v, read %d times, want %v, %d", own, p.reads, tt.own, tt.reads)
			}
			s.show(view(t, "welcome"))
			for d := range s.drawings {
				if d.icon == "" {
					t.Error("a cover is kept after the visit")
				}
			}
		})
	}
}

// TestManyOwnCovers: however many covers pass by, few are kept.
func TestManyOwnCovers(t *testing.T) {
	s := newScreen(t, "welcome")
	p := &photos{of: map[circ.BlobID][]byte{}}
	s.covers = p
	v := view(t, "borrowed")
	for n := range 400 {
		v.Lines = slices.Clone(v.Lines)
		id := circ.BlobID{byte(n), byte(n >> 8), 1}
		p.of[id] = red(t)
		v.Lines[0].Item.Cover = id
		s.show(v)
	}
	if got := len(s.drawings); got > 200 || p.reads < 400 {
		t.Errorf("%d drawings kept of %d read", got, p.reads)
	}
}
