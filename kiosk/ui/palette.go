package ui

import "image/color"

// role is what a colour is for.
type role uint8

const (
	nothing role = iota
	paper        // behind everything
	margin       // behind the rail
	card         // behind an item, and a plain button
	pressed      // a plain button under the finger
	ink          // text
	edge         // borders
	deed         // the main button
	deedPressed
	onDeed
	good   // done
	care   // wants something from the person
	accent // the second colour of a pictogram
	ring   // around what the keys have chosen
	onHue  // the letter of a name, on
	hue1   // one of these
	hue2
	hue3
	hue4
	hue5
	hue6
	roles
)

// palette is the colours of one theme. Text is at 7:1 or more on what lies
// behind it, borders and signs at 4.5:1 (WCAG 2.2, 1.4.6 and 1.4.11).
type palette [roles]color.NRGBA

func rgb(v uint32) color.NRGBA {
	return color.NRGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 0xFF}
}

var calm = palette{
	paper: rgb(0xFBF5EA), margin: rgb(0xF0E6D4), card: rgb(0xFFFFFF), pressed: rgb(0xE7DCC6),
	ink: rgb(0x1F2A2C), edge: rgb(0x5A6360),
	deed: rgb(0x0D5447), deedPressed: rgb(0x083A31), onDeed: rgb(0xFFFFFF),
	good: rgb(0x0F5132), care: rgb(0x7A3300), accent: rgb(0x9C4016), ring: rgb(0x1D4ED8),
	onHue: rgb(0xFFFFFF),
	hue1:  rgb(0x12405C), hue2: rgb(0x1D4D2B), hue3: rgb(0x7A1F24), hue4: rgb(0x5B3410), hue5: rgb(0x4A2467), hue6: rgb(0x0B4A55),
}

var strong = palette{
	paper: rgb(0x000000), margin: rgb(0x000000), card: rgb(0x000000), pressed: rgb(0x333333),
	ink: rgb(0xFFFFFF), edge: rgb(0xFFFFFF),
	deed: rgb(0xFFE14D), deedPressed: rgb(0xD6B800), onDeed: rgb(0x000000),
	good: rgb(0x7DF0A0), care: rgb(0xFFC36B), accent: rgb(0xFFE14D), ring: rgb(0x6FD3FF),
	onHue: rgb(0x000000),
	hue1:  rgb(0x9AD0F5), hue2: rgb(0x9BE3A5), hue3: rgb(0xF5B0A8), hue4: rgb(0xE8C48A), hue5: rgb(0xD5B8F0), hue6: rgb(0x8FE0E0),
}

func paletteOf(contrast bool) *palette {
	if contrast {
		return &strong
	}
	return &calm
}
