package cover

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"

	"golang.org/x/image/draw"
)

// mostOwn is the greatest side of a library's own picture, in pixels: hubs make
// them smaller.
const mostOwn = 1024

// Own is a library's own picture of an item, a JPEG, as large as it fits into width
// by height pixels, on paper.
func Own(raw []byte, width, height int) (*image.RGBA, error) {
	is, err := jpeg.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	if is.Width < 1 || is.Height < 1 || is.Width > mostOwn || is.Height > mostOwn {
		return nil, errors.New("cover: a picture of no size that hubs make")
	}
	full, err := jpeg.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	wide, high := width, max(1, is.Height*width/is.Width)
	if high > height {
		wide, high = max(1, is.Width*height/is.Height), height
	}
	to := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(to, to.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	at := image.Pt((width-wide)/2, (height-high)/2)
	draw.BiLinear.Scale(to, image.Rectangle{at, at.Add(image.Pt(wide, high))}, full, full.Bounds(), draw.Src, nil)
	return to, nil
}
