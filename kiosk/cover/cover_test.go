package cover

import (
	"flag"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"os"
	"testing"

	"coldstation/sync/circ"
)

var update = flag.Bool("update", false, "write the golden picture anew")

var shelf = []circ.Item{
	{ID: "1", Title: "Tuntematon sotilas", Author: "Väinö Linna", Subject: "war"},
	{ID: "2", Title: "Komisario Palmun erehdys", Author: "Mika Waltari", Subject: "crime", Marks: circ.LargePrint},
	{ID: "3", Title: "Trollvinter", Author: "Tove Jansson", Subject: "children", Marks: circ.Audio},
	{ID: "4", Title: "Kalevala selkosuomeksi", Author: "Pertti Rajala", Subject: "folklore", Marks: circ.EasyLanguage | circ.LargePrint},
	{ID: "5", Title: "Is", Author: "Ulla-Lena Lundberg", Subject: "sea"},
	{ID: "6", Title: "All Creatures Great and Small", Author: "James Herriot", Subject: "nature"},
	{ID: "7", Title: "Doktor Glas", Author: "Hjalmar Söderberg", Subject: "love"},
	{ID: "8", Title: "Sinuhe egyptiläinen", Author: "Mika Waltari", Subject: "history"},
	{ID: "9", Title: "Jäniksen vuosi", Author: "Arto Paasilinna", Subject: "humour"},
	{ID: "10", Title: "Utvandrarna", Author: "Vilhelm Moberg", Subject: "family"},
	{ID: "11", Title: "Lentokonesuihkuturbiinimoottoriapumekaanikkoaliupseerioppilas", Subject: "aviation"},
	{ID: "12"},
}

// TestGolden draws a shelf and compares it with the picture that people looked
// at. Machines differ by a shade at the edges, never by more.
func TestGolden(t *testing.T) {
	const width, height, gap, columns = 140, 200, 10, 6
	got := image.NewRGBA(image.Rect(0, 0, columns*(width+gap), 2*(height+gap)))
	for i, item := range shelf {
		at := image.Pt(i%columns*(width+gap), i/columns*(height+gap))
		draw.Draw(got, image.Rectangle{at, at.Add(image.Pt(width, height))}, Draw(item, width, height), image.Point{}, draw.Src)
	}
	const golden = "testdata/shelf.png"
	if *update {
		file, err := os.Create(golden)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if err := png.Encode(file, got); err != nil {
			t.Fatal(err)
		}
		return
	}
	file, err := os.Open(golden)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	want, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.Bounds() != want.Bounds() {
		t.Fatalf("drew %v, want %v", got.Bounds(), want.Bounds())
	}
	for y := range got.Bounds().Dy() {
		for x := range got.Bounds().Dx() {
			if d := distance(got.At(x, y), want.At(x, y)); d > 4 {
				t.Fatalf("pixel %d,%d is %v, want %v: look at the covers, then test with -update", x, y, got.At(x, y), want.At(x, y))
			}
		}
	}
}

func distance(a, b color.Color) int {
	r1, g1, b1, a1 := a.RGBA()
	r2, g2, b2, a2 := b.RGBA()
	far := 0.0
	for _, d := range []float64{float64(r1) - float64(r2), float64(g1) - float64(g2), float64(b1) - float64(b2), float64(a1) - float64(a2)} {
		far = math.Max(far, math.Abs(d)/257)
	}
	return int(far)
}

// TestDistinct: no two of a shelf look alike, even when the words cannot be read.
func TestDistinct(t *testing.T) {
	const width, height = 70, 100
	for i, a := range shelf {
		for _, b := range shelf[:i] {
			one, other := Draw(a, width, height), Draw(b, width, height)
			differ := 0
			for y := range height {
				for x := range width {
					if distance(one.At(x, y), other.At(x, y)) > 16 {
						differ++
					}
				}
			}
			if differ < width*height/10 {
				t.Errorf("covers of %q and %q differ in %d of %d pixels", a.Title, b.Title, differ, width*height)
			}
		}
	}
}

// TestReadable: the words stand on colours that carry them, 7:1 by WCAG 2.2.
func TestReadable(t *testing.T) {
	for i, family := range families {
		for j, pair := range family {
			if got := contrast(paper, pair.deep); got < 7 {
				t.Errorf("family %d colour %d: words at %.1f:1, want 7:1", i, j, got)
			}
		}
	}
}

func contrast(a, b color.NRGBA) float64 {
	luminance := func(c color.NRGBA) float64 {
		part := func(v uint8) float64 {
			s := float64(v) / 255
			if s <= 0.04045 {
				return s / 12.92
			}
			return math.Pow((s+0.055)/1.055, 2.4)
		}
		return 0.2126*part(c.R) + 0.7152*part(c.G) + 0.0722*part(c.B)
	}
	l, d := luminance(a), luminance(b)
	if l < d {
		l, d = d, l
	}
	return (l + 0.05) / (d + 0.05)
}

func TestSmallest(t *testing.T) {
	for _, item := range shelf {
		if got := Draw(item, 1, 1).Bounds().Size(); got != image.Pt(1, 1) {
			t.Errorf("a cover of one pixel is %v", got)
		}
	}
}
