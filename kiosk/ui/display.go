package ui

import (
	"math"

	"coldstation/kiosk/flow"
)

// Display is the real screen in front of the person. The zero value is one of
// 15.6 inches, read at 450 mm.
type Display struct {
	Diagonal float64 // of what the window fills, in mm
	PerMM    float64 // pixels of a measured bar by its mm; 0: from Diagonal
	Distance float64 // from the eyes, in mm
}

// metrics are sizes in pixels.
type metrics struct {
	mm   float32
	base float32 // size of the smallest text
	step float32 // the person's text size: 1 or more
}

// capital is the height of a capital letter in our typeface, for a size of 1.
const capital = 0.668

// steps are the text sizes, each a factor of the one that everybody can read.
var steps = [...]float32{flow.Normal: 1, flow.Large: 1.25, flow.Largest: 1.5}

func (d Display) metrics(width, height float32, size flow.TextSize) metrics {
	const inch = 25.4
	if d.Diagonal == 0 {
		d.Diagonal = 15.6 * inch
	}
	if d.Distance == 0 {
		d.Distance = 450
	}
	perMM := d.PerMM
	if perMM == 0 {
		perMM = math.Hypot(float64(width), float64(height)) / d.Diagonal
	}
	letter := 2 * d.Distance * math.Tan(0.35*math.Pi/180) // mm
	return metrics{float32(perMM), float32(letter / capital * perMM), steps[min(int(size), len(steps)-1)]}
}

// times are the metrics of a screen that was measured as so much finer. 0 is 1.
func (m metrics) times(scale float64) metrics {
	if scale != 0 {
		m.mm *= float32(scale)
		m.base *= float32(scale)
	}
	return m
}
