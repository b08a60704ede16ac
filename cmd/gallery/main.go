// Command gallery makes a picture of every screen of a station in every language
// and theme, and a page to look at them.
package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"coldstation/assets"
	"coldstation/kiosk/phrase"
	"coldstation/kiosk/ui/gallery"
)

func main() {
	out := flag.String("out", "build/gallery", "folder to write to")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "gallery:", err)
		os.Exit(1)
	}
	fmt.Println("Look at", filepath.Join(*out, "index.html"))
}

func run(out string) error {
	words, err := fs.Sub(assets.Words, "words")
	if err != nil {
		return err
	}
	book, err := phrase.Load(words)
	if err != nil {
		return err
	}
	return gallery.Write(out, book, []string{"fi", "fi-simple", "sv", "en"}, gallery.Displays)
}
