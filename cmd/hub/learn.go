package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"coldstation/cmd/internal/conf"
	"coldstation/sync/circ"
	"coldstation/sync/hub/collection"
	"coldstation/sync/hub/learn"
	"coldstation/sync/hub/store"
)

// learnFile is what the file of the library system says about learning from it.
type learnFile struct {
	libraries []string
	rules     string
	every     time.Duration
	whole     time.Duration
	holds     time.Duration
	mostGone  int
	rate      float64
	marks     map[string]circ.Marks
}

func (f *learnFile) flags(set *flag.FlagSet) {
	set.Func("learn", "Koha `library` whose people and items are learned, once for each; none: nothing is", func(code string) error {
		f.libraries = append(f.libraries, strings.Fields(code)...)
		return nil
	})
	set.StringVar(&f.rules, "learn-rules", "", "Koha `library` whose circulation rules become the policies; none: they come as a file")
	set.DurationVar(&f.every, "learn-every", time.Minute, "`pause` between looks at what changed")
	set.DurationVar(&f.whole, "learn-whole", 24*time.Hour, "`pause` between whole passes, which find what was removed")
	set.DurationVar(&f.holds, "learn-holds", 15*time.Minute, "`pause` between looks at who waits for what at other libraries, which is then to be put into the box; 0s: none are looked at")
	set.IntVar(&f.mostGone, "learn-most-gone", 20, "`percent` of people or items that a whole pass may remove; more, and it removes none")
	set.Float64Var(&f.rate, "learn-rate", 5, "`requests` a second, over time")
	set.Func("type-marks", "`TYPE=MARKS`: what an item type or collection code means, as LP=large print; once for each", func(text string) error {
		name, words, _ := strings.Cut(text, "=")
		marks, err := collection.ParseMarks(words)
		put(&f.marks, strings.TrimSpace(name), marks)
		return err
	})
}

// learner is what learns from the library system; nil when that is not wanted.
func (s *ilsSettings) learner(kept store.Store) (*learn.Learner, func(), error) {
	f, err := readILS(s.file)
	if err != nil || len(f.learn.libraries) == 0 {
		return nil, func() {}, err
	}
	if s.kind != "koha" {
		return nil, nil, fmt.Errorf("--ils-config %s: learn: only from Koha, --ils koha", s.file)
	}
	api, err := f.api()
	if err != nil {
		return nil, nil, fmt.Errorf("--ils-config %s: %w", s.file, err)
	}
	l, err := learn.New(learn.Settings{Name: f.name, API: api, Store: kept, Libraries: f.learn.libraries, Stations: f.branches(),
		Rules: f.learn.rules, Poll: f.learn.every, Whole: f.learn.whole, Holds: f.learn.holds, MostGone: f.learn.mostGone})
	return l, api.Close, err
}

// ilsLearn makes one pass and says what it did.
func ilsLearn(ctx context.Context, out io.Writer, args []string) error {
	set := flag.NewFlagSet("hub ils learn", flag.ContinueOnError)
	var s ilsSettings
	data := dataFlag(set)
	s.flags(set)
	if err := conf.Parse(set, args); err != nil {
		return err
	}
	kept, _, err := open(*data)
	if err != nil {
		return err
	}
	defer kept.Close()
	l, done, err := s.learner(kept)
	if err != nil {
		return err
	}
	defer done()
	if l == nil {
		return errors.New("name the libraries to learn from in --ils-config, as: learn MAPLE")
	}
	told, err := l.Pass(ctx)
	if err != nil {
		return err
	}
	what := "What changed since the last time"
	if told.Whole {
		what = "Everything"
	}
	fmt.Fprintf(out, "%s was looked at. New or changed: %d patrons, %d items, %d policies, %d loans, %d that are waited for. Removed: %d.\n", what, told.Patrons, told.Items, told.Policies, told.Loans, told.Holds, told.Removed)
	if told.Odd > 0 {
		fmt.Fprintf(out, "%d records made no sense and were left as they were.\n", told.Odd)
	}
	if told.Kept > 0 {
		fmt.Fprintf(out, "%d are missing there, which is more than learn-most-gone allows: nothing was removed. Look whether the API key still has its permissions.\n", told.Kept)
	}
	return nil
}
