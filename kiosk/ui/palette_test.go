package ui

import (
	"image/color"
	"math"
	"testing"

	"coldstation/kiosk/flow"
)

// contrast is that of WCAG 2.2: relative luminances, each with 0.05 added.
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
	light, dark := luminance(a), luminance(b)
	if light < dark {
		light, dark = dark, light
	}
	return (light + 0.05) / (dark + 0.05)
}

func TestContrast(t *testing.T) {
	if got := contrast(rgb(0), rgb(0xFFFFFF)); math.Abs(got-21) > 0.01 {
		t.Fatalf("black on white is %.2f:1", got)
	}
	for name, p := range map[string]*palette{"calm": &calm, "strong": &strong} {
		check := func(what string, a, b role, want float64) {
			if got := contrast(p[a], p[b]); got < want {
				t.Errorf("%s: %s %d on %d is %.1f:1, want %.1f", name, what, a, b, got, want)
			}
		}
		for _, behind := range []role{paper, margin, card, pressed} {
			check("text", ink, behind, 7)
			check("border", edge, behind, 4.5)
			check("sign", accent, behind, 4.5)
			check("focus", ring, behind, 4.5)
		}
		for _, state := range []role{good, care} {
			check("state", state, card, 7)
		}
		for hue := hue1; hue <= hue6; hue++ {
			check("letter of a name", onHue, hue, 7)
			check("disc of a name", hue, card, 4.5)
		}
		check("main button", onDeed, deed, 7)
		check("main button under the finger", onDeed, deedPressed, 7)
		check("edge of the main button", deed, paper, 4.5)
	}
}

// TestContrastAsUsed: no page puts text on anything that was not checked above.
func TestContrastAsUsed(t *testing.T) {
	everyPage(t, func(t *testing.T, name string, v flow.View, p page, m metrics) {
		for _, text := range p.texts {
			for _, colours := range []*palette{&calm, &strong} {
				if got := contrast(colours[text.role], colours[text.on]); got < 7 {
					t.Errorf("%s: %q at %.1f:1", name, text.words, got)
				}
			}
			// The face behind the middle of the text is the last one drawn there.
			behind := nothing
			for _, f := range p.faces {
				if f.fill != nothing && f.holds(text.box.inset(text.h*0.3)) {
					behind = f.fill
				}
			}
			if behind != text.on {
				t.Errorf("%s: %q thinks it stands on %d and stands on %d", name, text.words, text.on, behind)
			}
		}
	})
}
