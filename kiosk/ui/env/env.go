// Package env sets what Fyne reads from the environment, before Fyne reads it.
//
// Fyne takes FYNE_CACHE while its packages are initialised, so setting it in main
// is too late. Packages are initialised in the order of their import paths as
// soon as what they import is ready, and this one imports only os, which Fyne
// needs too. Source: Go specification, "Program initialization", since Go 1.21.
package env

import "os"

func init() {
	for name, value := range map[string]string{
		"FYNE_SCALE":                 "1", // a unit is a pixel: all sizes are ours
		"FYNE_DISABLE_DPI_DETECTION": "1",
		"FYNE_CACHE":                 "15s", // what is out of sight is soon forgotten: a station runs for weeks
	} {
		if os.Getenv(name) == "" {
			os.Setenv(name, value)
		}
	}
	// The machine's own locale says nothing about a station, and Fyne complains
	// of one that names no language.
	if os.Getenv("LC_ALL") == "" && os.Getenv("LC_MESSAGES") == "" {
		switch os.Getenv("LANG") {
		case "", "C", "POSIX", "C.UTF-8":
			os.Setenv("LC_MESSAGES", "en")
		}
	}
}
