package assets

import "embed"

// Words are what a station shows and says, a file for each language, in the
// folder words; package kiosk/phrase reads them and describes the format.
//
//go:embed words
var Words embed.FS
