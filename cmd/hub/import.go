package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"coldstation/assets"
	"coldstation/cmd/internal/conf"
	"coldstation/sync/hub/collection"
	"coldstation/sync/hub/store"
)

// importFiles brings in files that a library exported: all of them or nothing.
func importFiles(ctx context.Context, args []string) error {
	set := flag.NewFlagSet("hub import", flag.ContinueOnError)
	data := dataFlag(set)
	if err := conf.Parse(set, args); err != nil {
		return err
	}
	if set.NArg() == 0 {
		return errors.New("name the files to bring in; see hub import --help")
	}
	var c store.Collection
	for _, path := range set.Args() {
		content, err := os.ReadFile(path)
		if err == nil {
			err = read(&c, content)
		}
		if err != nil {
			return fmt.Errorf("%s: %w\nNothing was brought in", path, err)
		}
	}
	return bring(ctx, *data, c)
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
			err = read(&c, content)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return bring(ctx, *data, c)
}

func read(c *store.Collection, content []byte) error {
	f, err := collection.Read(content)
	c.Items = append(c.Items, f.Items...)
	c.Patrons = append(c.Patrons, f.Patrons...)
	c.Policies = append(c.Policies, f.Policies...)
	c.Proxies = append(c.Proxies, f.Proxies...)
	return err
}

func bring(ctx context.Context, data string, c store.Collection) error {
	s, _, err := open(data)
	if err != nil {
		return err
	}
	defer s.Close()
	did, err := s.Import(ctx, c)
	if err != nil {
		return err
	}
	fmt.Printf("New or changed: %d items, %d patrons, %d policies, %d proxies.\n", did.Items, did.Patrons, did.Policies, did.Proxies)
	return nil
}
