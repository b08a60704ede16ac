// Command gallery makes a picture of every screen of a station in every language
// and theme, and a page to look at them.
package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"coldstation/assets"
	"coldstation/kiosk/phrase"
	"coldstation/kiosk/ui/gallery"
)

func main() {
	out := flag.String("out", "build/gallery", "folder to write to")
	only := flag.String("only", "", "only the pictures whose names match the `expression`, of all languages, themes, displays and text sizes, as 10-inch-sv-asking")
	flag.Parse()
	if err := run(*out, *only); err != nil {
		fmt.Fprintln(os.Stderr, "gallery:", err)
		os.Exit(1)
	}
	fmt.Println("Look at", filepath.Join(*out, "index.html"))
}

func run(out, only string) error {
	var some *regexp.Regexp
	if only != "" {
		var err error
		if some, err = regexp.Compile(only); err != nil {
			return err
		}
	}
	words, err := fs.Sub(assets.Words, "words")
	if err != nil {
		return err
	}
	book, err := phrase.Load(words)
	if err != nil {
		return err
	}
	return gallery.Write(out, book, []string{"fi", "fi-simple", "sv", "en"}, gallery.Displays, some)
}
