// Package cover makes covers for stations of the pictures that a library has:
// small, alike in size and kind, and without anything but the picture itself.
//
// A picture comes from anywhere, so it is measured before it is decoded: at most
// [MaxBytes] bytes, [MaxSide] pixels a side and [MaxPixels] in all. Whatever else
// stands in its file, as where and when it was taken, is left behind, which
// includes the note of a camera that it was held sideways: turn such a picture
// before.
package cover

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	_ "image/png" // the other kind that is taken
	"io"

	"golang.org/x/image/draw"
)

// The most that a cover is, in pixels; it keeps its own shape within.
const (
	Width  = 320
	Height = 460
)

// The most that a picture may be.
const (
	MaxBytes  = 16 << 20
	MaxSide   = 10_000
	MaxPixels = 40_000_000
)

// quality keeps a cover at some 30 KB.
const quality = 80

// ErrRefused is a picture that no cover is made of; its text says why, and what to do.
var ErrRefused = errors.New("no cover can be made of it")

// Make makes a JPEG of what raw, a JPEG or a PNG, shows. The same picture gives the
// same bytes.
func Make(from io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(from, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > MaxBytes {
		return nil, fmt.Errorf("%w: it has more than %d MB; make it smaller", ErrRefused, MaxBytes>>20)
	}
	is, kind, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil || kind != "jpeg" && kind != "png" {
		return nil, fmt.Errorf("%w: it is neither JPEG nor PNG; save it as one of them", ErrRefused)
	}
	if is.Width < 1 || is.Height < 1 || is.Width > MaxSide || is.Height > MaxSide || is.Width*is.Height > MaxPixels {
		return nil, fmt.Errorf("%w: it is %d by %d pixels, at most %d a side and %d million in all are taken; make it smaller", ErrRefused, is.Width, is.Height, MaxSide, MaxPixels/1_000_000)
	}
	full, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("%w: it is damaged; copy it again", ErrRefused)
	}
	small := image.NewRGBA(image.Rectangle{Max: within(full.Bounds().Size(), Width, Height)})
	draw.Draw(small, small.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src) // behind what lets through
	draw.CatmullRom.Scale(small, small.Bounds(), full, full.Bounds(), draw.Over, nil)
	var out bytes.Buffer
	err = jpeg.Encode(&out, small, &jpeg.Options{Quality: quality})
	return out.Bytes(), err
}

// within is the largest size of the same shape that fits; a small picture stays small.
func within(size image.Point, width, height int) image.Point {
	if size.X > width {
		size = image.Pt(width, max(1, size.Y*width/size.X))
	}
	if size.Y > height {
		size = image.Pt(max(1, size.X*height/size.Y), height)
	}
	return size
}
