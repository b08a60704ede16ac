package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"coldstation/rfid/number"
)

// tryNumber shows what a library's rules make of an example.
func tryNumber(args []string, out io.Writer) error {
	f := flags("number")
	path := f.String("rules", "", "")
	from := f.String("from", "line", "")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *path == "" || f.NArg() != 1 {
		return errors.New("number --rules FILE [--from line|tag|chip] EXAMPLE")
	}
	text, err := os.ReadFile(*path)
	if err != nil {
		return fmt.Errorf("number: %w", err)
	}
	rules, err := number.Parse(string(text))
	if err != nil {
		return err
	}
	place, err := number.ParseFrom(*from)
	if err != nil || place == number.Any {
		return fmt.Errorf("number: --from %q: want line, tag or chip", *from)
	}
	rules.Explain(out, place, f.Arg(0))
	return nil
}
