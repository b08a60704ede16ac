package main

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"coldstation/cmd/internal/stage"
)

// The library's own picture of a book, brought in while everything runs, reaches the
// station and stands on the screen when the book lies there.
func TestOwnCover(t *testing.T) {
	th := open(t)
	k, err := th.Kiosk(th.ctx, "maple-house", th.screen.Env(), "--window", "1280x800", "--languages", "en,fi")
	th.must(err)
	jacket := image.NewRGBA(image.Rect(0, 0, 640, 920))
	draw.Draw(jacket, jacket.Bounds(), image.NewUniform(color.RGBA{255, 0, 255, 255}), image.Point{}, draw.Src)
	folder := filepath.Join(th.Dir, "covers")
	th.must(os.Mkdir(folder, 0o700))
	to, err := os.Create(filepath.Join(folder, "999N00001003.jpg"))
	th.must(err)
	th.must(jpeg.Encode(to, jacket, nil))
	th.must(to.Close())
	_, err = th.Library.Run("hub", "import", "--data", "hub", folder)
	th.must(err)
	th.logged(k, 2, "a blob is here") // the cover, and the filter of cards
	th.must(k.Pad.Put("gunnar", "sinuhe"))
	th.loans("999N00001003")

	shot := filepath.Join(th.Dir, "screen.png")
	if named := os.Getenv("SCREENSHOT"); named != "" {
		shot = named
	}
	th.must(stage.Until(th.ctx, "the cover on the screen", func() error {
		if err := th.screen.Save(th.ctx, shot); err != nil {
			return err
		}
		n, err := pink(shot)
		if err == nil && n < 10_000 {
			err = fmt.Errorf("%d pixels of it", n)
		}
		return err
	}))
}

// pink counts the pixels of the colour that nothing else on the screen has.
func pink(path string) (n int, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	shot, err := png.Decode(file)
	if err != nil {
		return 0, err
	}
	for y := range shot.Bounds().Dy() {
		for x := range shot.Bounds().Dx() {
			if r, g, b, _ := shot.At(x, y).RGBA(); r > 0xE000 && g < 0x3000 && b > 0xE000 {
				n++
			}
		}
	}
	return n, nil
}
