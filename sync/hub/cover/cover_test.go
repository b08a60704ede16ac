package cover

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"runtime"
	"testing"
)

// painted is a picture of so many pixels, of which nothing is the same as the next.
func painted(width, height int) image.Image {
	to := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			to.SetNRGBA(x, y, color.NRGBA{uint8(x), uint8(y), uint8(x * y), 255})
		}
	}
	return to
}

func asPNG(t testing.TB, of image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, of); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// exif is a JPEG with words in it that are not the picture.
func exif(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, painted(500, 500), nil); err != nil {
		t.Fatal(err)
	}
	said := append([]byte{0xFF, 0xD8, 0xFF, 0xE1, 0, 2 + 20}, "Exif\x00\x00Maple Street 7"...)
	return append(said, out.Bytes()[2:]...)
}

func TestCover(t *testing.T) {
	for name, tt := range map[string]struct {
		raw  []byte
		want image.Point
	}{
		"tall":           {asPNG(t, painted(400, 2000)), image.Pt(92, 460)},
		"wide":           {asPNG(t, painted(2000, 400)), image.Pt(320, 64)},
		"as large as is": {asPNG(t, painted(320, 460)), image.Pt(320, 460)},
		"small":          {asPNG(t, painted(20, 30)), image.Pt(20, 30)},
		"a line":         {asPNG(t, painted(9000, 1)), image.Pt(320, 1)},
		"a camera's":     {exif(t), image.Pt(320, 320)},
		"a transparent":  {asPNG(t, image.NewNRGBA(image.Rect(0, 0, 10, 10))), image.Pt(10, 10)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Make(bytes.NewReader(tt.raw))
			if err != nil {
				t.Fatal(err)
			}
			again, err := Make(bytes.NewReader(tt.raw))
			if err != nil || !bytes.Equal(got, again) {
				t.Errorf("a second time: other bytes, %v", err)
			}
			if bytes.Contains(got, []byte("Maple Street")) || bytes.Contains(got, []byte("Exif")) {
				t.Error("what the camera noted stands in it")
			}
			shown, err := jpeg.Decode(bytes.NewReader(got))
			if err != nil || shown.Bounds().Size() != tt.want {
				t.Fatalf("%v, %v, want %v", shown.Bounds(), err, tt.want)
			}
			if name == "a transparent" {
				if r, _, _, _ := shown.At(5, 5).RGBA(); r>>8 < 250 {
					t.Errorf("behind what lets through is %v, want white", shown.At(5, 5))
				}
			}
		})
	}
}

func TestRefused(t *testing.T) {
	good := asPNG(t, painted(50, 50))
	var animated bytes.Buffer
	if err := gif.Encode(&animated, painted(5, 5), nil); err != nil {
		t.Fatal(err)
	}
	// A heading that promises 2^31 pixels a side; what follows need not be there.
	bomb := bytes.Clone(good)
	copy(bomb[16:], []byte{0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF})
	flat := asPNG(t, image.NewPaletted(image.Rect(0, 0, 9_000, 9_000), color.Palette{color.White}))
	for name, raw := range map[string][]byte{
		"nothing": nil, "text": []byte("hello"), "a GIF": animated.Bytes(), "half": good[:len(good)/2],
		"too many bytes": append(bytes.Clone(good), make([]byte, MaxBytes)...), "a bomb": bomb, "too many pixels": flat,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Make(bytes.NewReader(raw))
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v, want %v", name, err, ErrRefused)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 8*MaxBytes {
			t.Errorf("%s of %d bytes took %d bytes of memory", name, len(raw), took)
		}
	}
}

func FuzzCover(f *testing.F) {
	f.Add(asPNG(f, painted(5, 5)))
	f.Add(exif(f))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := Make(bytes.NewReader(raw))
		if err != nil {
			return
		}
		is, err := jpeg.DecodeConfig(bytes.NewReader(got))
		if err != nil || is.Width > Width || is.Height > Height {
			t.Fatalf("%d by %d, %v", is.Width, is.Height, err)
		}
	})
}
