package assets

import _ "embed"

// The typeface of every screen and page: Atkinson Hyperlegible, drawn by the
// Braille Institute so that I l 1 and O 0 cannot be taken for each other. SIL
// Open Font License 1.1, in fonts/OFL.txt; the files are those of the npm
// package @expo-google-fonts/atkinson-hyperlegible 0.4.1.
//
// A capital is 0.668 of the size high, an em of 1000 units; a line takes 1.24.
var (
	//go:embed fonts/AtkinsonHyperlegible-Regular.ttf
	Regular []byte
	//go:embed fonts/AtkinsonHyperlegible-Bold.ttf
	Bold []byte
)
