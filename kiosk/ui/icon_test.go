package ui

import (
	"image/color"
	"strings"
	"testing"

	"coldstation/assets"
	"coldstation/kiosk/flow"
)

// TestIcons: every drawing shows something in the colours asked for, and every
// action, fate and pictogram has its drawing.
func TestIcons(t *testing.T) {
	entries, err := assets.Icons.ReadDir("icons")
	if err != nil {
		t.Fatal(err)
	}
	known, people := map[string]bool{}, 0
	for _, entry := range entries {
		name, svg := strings.CutSuffix(entry.Name(), ".svg")
		if !svg {
			continue
		}
		known[name] = true
		picture := drawIcon(drawing{icon: name, ink: calm[ink], back: calm[card], accent: calm[accent], width: 48, height: 48})
		seen := map[color.Color]int{}
		for y := range 48 {
			for x := range 48 {
				seen[color.NRGBAModel.Convert(picture.At(x, y))]++
			}
		}
		if strings.HasPrefix(name, "person-") {
			people++
			if seen[calm[accent]] < 20 {
				t.Errorf("%s: %d pixels of the second colour", name, seen[calm[accent]])
			}
		}
		if seen[calm[ink]] < 20 {
			t.Errorf("%s: %d pixels of ink", name, seen[calm[ink]])
		}
	}
	if people < 24 {
		t.Errorf("%d pictures for people to choose from, want 24", people)
	}
	for step, name := range stepSigns {
		if !known[name] {
			t.Errorf("%v: no icon %s", step, name)
		}
	}
	for action, name := range signs {
		if !known[name] {
			t.Errorf("%v: no icon %s", action, name)
		}
	}
	for fate := flow.Waiting; fate <= flow.Present; fate++ {
		if name := fateSigns[fate].name; !known[name] {
			t.Errorf("%v: no icon %q", fate, name)
		}
	}
	for screen, names := range pictograms {
		for _, name := range names {
			if !known[name] {
				t.Errorf("%v: no pictogram %s", screen, name)
			}
		}
	}
}
