// Package env sets what Fyne reads from the environment, before Fyne reads it.
//
// Fyne takes FYNE_CACHE while its packages are initialised, so setting it in main
// is too late. Packages are initialised in the order of their import paths as
// soon as what they import is ready, and this one imports only os, which Fyne
// needs too. Source: Go specification, "Program initialization", since Go 1.21.
package env

import (
	"os"
	"strings"
)

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
	name(os.Getenv, os.Setenv)
}

// name gives the messages a language where the locale names none, of which Fyne
// complains; the machine's own locale says nothing about a station. LC_ALL goes
// before LC_MESSAGES, and that before LANG: locale(7).
func name(get func(string) string, set func(name, value string) error) {
	all, messages := get("LC_ALL"), get("LC_MESSAGES")
	switch {
	case nameless(all) && all != "":
		_ = set("LC_CTYPE", all)
		_ = set("LC_ALL", "")
	case all != "" || !nameless(messages) || messages == "" && !nameless(get("LANG")):
		return
	}
	_ = set("LC_MESSAGES", "en")
}

func nameless(locale string) bool {
	return locale == "" || locale == "C" || locale == "POSIX" || strings.HasPrefix(locale, "C.")
}
