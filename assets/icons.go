package assets

import "embed"

// Icons are SVG drawings in three colours that a screen replaces by its own:
// #000000 (or no fill) is ink, #ffffff is what lies behind, #ff0000 is the accent.
// Those with a viewBox of 24 are Material icons, rounded, from the npm package
// @material-design-icons/svg 0.14.15, Apache License 2.0 in icons/LICENSE; those
// of 96 are the project's own, under its licence; among them person-*, of which
// people choose one to be recognised by (circ.Patron.Picture is the name after
// "person-").
//
//go:embed icons
var Icons embed.FS
