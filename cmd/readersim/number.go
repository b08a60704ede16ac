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
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	if *path == "" || len(words) != 1 {
		return errors.New("number --rules FILE [--from line|tag|chip] EXAMPLE")
	}
	rules, err := loadRules(*path)
	if err != nil {
		return err
	}
	place, err := number.ParseFrom(*from)
	if err != nil || place == number.Any {
		return fmt.Errorf("number: --from %q: want line, tag or chip", *from)
	}
	rules.Explain(out, place, words[0])
	return nil
}

// loadRules reads a file of rules; no path means no rules.
func loadRules(path string) (number.Rules, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	return number.Parse(string(text))
}
