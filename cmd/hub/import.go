package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"coldstation/assets"
	"coldstation/cmd/internal/conf"
	"coldstation/sync/circ"
	"coldstation/sync/hub/collection"
	"coldstation/sync/hub/store"
)

// importFiles brings in files that a library exported: all of them or nothing.
func importFiles(ctx context.Context, args []string) error {
	set := flag.NewFlagSet("hub import", flag.ContinueOnError)
	data := dataFlag(set)
	var terms collection.Terms
	set.Func("holdings", "where MARC records keep an item: the `field`, and the subfields of its barcode, its branch and its type, as \"949 i l t\"; several are tried in turn (default: 952 p a y, then 852 p b)", func(text string) error {
		h, err := collection.ParseHoldings(text)
		terms.Holdings = append(terms.Holdings, h)
		return err
	})
	set.Func("station", "`BRANCH=NAME`: the station at a branch of those records, once for each", func(text string) error {
		branch, name, _ := strings.Cut(text, "=")
		if station := circ.StationID(name); branch == "" || !station.Valid() {
			return errors.New("want a branch's code, = and a station's name, as MAPLE=maple-house")
		}
		put(&terms.Stations, branch, circ.StationID(name))
		return nil
	})
	set.Func("type-marks", "`TYPE=MARKS`: what an item type of those records means, as LP=large print; marks are large print, audio and easy language, separated by ';'", func(text string) error {
		name, words, _ := strings.Cut(text, "=")
		marks, err := collection.ParseMarks(words)
		put(&terms.Marks, name, marks)
		return err
	})
	if err := conf.Parse(set, args); err != nil {
		return err
	}
	if set.NArg() == 0 {
		return errors.New("name the files to bring in; see hub import --help")
	}
	files, covers, err := sorted(set.Args())
	if err != nil {
		return err
	}
	var c store.Collection
	for _, path := range files {
		content, err := os.ReadFile(path)
		var notes []string
		if err == nil {
			notes, err = read(&c, content, terms)
		}
		if err != nil {
			return fmt.Errorf("%s: %w\nNothing was brought in", path, err)
		}
		tellNotes(path, notes)
	}
	return bring(ctx, *data, c, covers...)
}

// tellNotes prints the first few of what was noticed in a file, and their number.
func tellNotes(path string, notes []string) {
	const few = 20
	for _, note := range notes[:min(few, len(notes))] {
		fmt.Printf("%s: note: %s\n", path, note)
	}
	if len(notes) > few {
		fmt.Printf("%s: and %d more notes\n", path, len(notes)-few)
	}
}

func put[V any](m *map[string]V, key string, value V) {
	if *m == nil {
		*m = make(map[string]V)
	}
	(*m)[key] = value
}

// demo brings in the demo library, or prints the table of its cards and tags
// for a simulated reader.
func demo(ctx context.Context, args []string) error {
	set := flag.NewFlagSet("hub demo", flag.ContinueOnError)
	data := dataFlag(set)
	table := set.Bool("table", false, "print the cards and tags for readersim --table, and do nothing else")
	if err := conf.Parse(set, args); err != nil {
		return err
	}
	if *table {
		content, err := assets.Demo.ReadFile("demo/table.json")
		if err != nil {
			return err
		}
		_, err = os.Stdout.Write(content)
		return err
	}
	var c store.Collection
	for _, name := range []string{"collection.xml", "patrons.csv", "policies.csv", "proxies.csv"} {
		content, err := assets.Demo.ReadFile("demo/" + name)
		if err == nil {
			_, err = read(&c, content, collection.Terms{})
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return bring(ctx, *data, c)
}

func read(c *store.Collection, content []byte, terms collection.Terms) (notes []string, err error) {
	f, err := collection.Read(content, terms)
	c.Items = append(c.Items, f.Items...)
	c.Patrons = append(c.Patrons, f.Patrons...)
	c.Policies = append(c.Policies, f.Policies...)
	c.Proxies = append(c.Proxies, f.Proxies...)
	return f.Notes, err
}

func bring(ctx context.Context, data string, c store.Collection, covers ...string) error {
	s, _, err := open(data)
	if err != nil {
		return err
	}
	defer s.Close()
	notes, err := addCovers(ctx, s, &c, covers)
	if err != nil {
		return fmt.Errorf("%w\nNothing was brought in", err)
	}
	tellNotes("covers", notes)
	did, err := s.Import(ctx, c)
	if err != nil {
		return err
	}
	fmt.Printf("New or changed: %d items, %d patrons, %d policies, %d proxies.\n", did.Items, did.Patrons, did.Policies, did.Proxies)
	if len(covers) > 0 {
		fmt.Printf("Covers: %d.\n", len(covers)-len(notes))
	}
	return nil
}
