package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"coldstation/cmd/internal/conf"
	"coldstation/sync/circ"
	"coldstation/sync/hub/collection"
	"coldstation/sync/hub/koc"
	"coldstation/sync/hub/store"
)

const exportUsage = `usage: hub export items|patrons|policies|proxies|loans|events [--format csv|json] [--station NAME] [--out FILE]
           writes what the hub knows; loans and events name nobody
       hub export koc [--from DAY] [--to DAY] [--station NAME,...] [--zone ZONE] --out FILE
           writes what was not written yet into a file for Koha's offline circulation
       hub export koc --again NUMBER --out FILE
           writes an earlier file once more

`

// export writes what the hub knows into a file or to standard output.
func export(ctx context.Context, args []string) error {
	set := flag.NewFlagSet("hub export", flag.ContinueOnError)
	set.Usage = func() {
		fmt.Fprint(set.Output(), exportUsage)
		set.PrintDefaults()
	}
	data := dataFlag(set)
	var e exporting
	set.StringVar(&e.format, "format", "csv", "`csv` or json")
	set.StringVar(&e.out, "out", "", "`file` to write; none: standard output, but for koc")
	stations := set.String("station", "", "`names` of stations, by commas; none: all")
	set.StringVar(&e.from, "from", "", "first `day`, as 2026-11-24")
	set.StringVar(&e.to, "to", "", "last `day`")
	set.StringVar(&e.zone, "zone", "Local", "the library's time `zone`, as Europe/Helsinki")
	set.IntVar(&e.again, "again", 0, "`number` of an earlier file of koc")
	what := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		what, args = args[0], args[1:]
	}
	if err := conf.Parse(set, args); err != nil {
		return err
	}
	if what == "" || set.NArg() > 0 {
		set.Usage()
		return errors.New("say what to export")
	}
	for _, name := range list(*stations) {
		e.stations = append(e.stations, circ.StationID(name))
	}
	s, _, err := open(*data)
	if err != nil {
		return err
	}
	defer s.Close()
	e.store = s
	if what == "koc" {
		return e.koc(ctx, os.Stdout)
	}
	sheet, err := e.sheet(ctx, what)
	if err != nil {
		return err
	}
	write := sheet.WriteCSV
	switch e.format {
	case "csv":
	case "json":
		write = sheet.WriteJSON
	default:
		return fmt.Errorf("--format %s: csv or json", e.format)
	}
	if e.out == "" {
		return write(os.Stdout)
	}
	return writeFile(e.out, write)
}

// exporting is what is asked for.
type exporting struct {
	store                       store.Store
	format, out, from, to, zone string
	stations                    []circ.StationID
	again                       int
}

// writeFile writes a file that only its owner reads, whole or not at all.
func writeFile(path string, write func(io.Writer) error) error {
	part := path + ".part"
	file, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = errors.Join(write(file), file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return nil
}

func (e exporting) sheet(ctx context.Context, what string) (s collection.Sheet, err error) {
	switch what {
	case "loans":
		return e.loans(ctx)
	case "events":
		return e.events(ctx)
	}
	c, err := e.store.Collection(ctx)
	if err != nil {
		return s, err
	}
	switch what {
	case "items":
		return collection.Items(c.Items), nil
	case "patrons":
		return collection.Patrons(c.Patrons), nil
	case "policies":
		return collection.Policies(c.Policies), nil
	case "proxies":
		return collection.Proxies(c.Proxies), nil
	}
	return s, fmt.Errorf("%q is nothing to export; it is items, patrons, policies, proxies, loans, events or koc", what)
}

// each are the stations asked for, by name.
func (e exporting) each(ctx context.Context) (all []circ.StationID, err error) {
	known, err := e.store.Stations(ctx)
	for _, s := range known {
		if len(e.stations) == 0 || slices.Contains(e.stations, s.ID) {
			all = append(all, s.ID)
		}
	}
	for _, id := range e.stations {
		if err == nil && !slices.Contains(all, id) {
			err = fmt.Errorf("--station %s: there is none of that name", id)
		}
	}
	return all, err
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func (e exporting) loans(ctx context.Context) (collection.Sheet, error) {
	s := collection.Sheet{Name: "loans", Columns: []string{"barcode", "title", "station", "since", "due", "renewed", "house"}}
	stations, err := e.each(ctx)
	for _, station := range stations {
		loans, err := e.store.Loans(ctx, station)
		if err != nil {
			return s, err
		}
		for _, l := range loans {
			s.Rows = append(s.Rows, []any{string(l.Item), l.Title, string(l.Station), moment(l.Since), moment(l.Due), l.Renewed, l.House})
		}
	}
	return s, err
}

func (e exporting) events(ctx context.Context) (collection.Sheet, error) {
	s := collection.Sheet{Name: "events", Columns: []string{"station", "at", "kind", "barcode", "title", "note", "undone", "received", "ledger", "seq"}}
	from, to, err := e.days()
	if err != nil {
		return s, err
	}
	stations, err := e.each(ctx)
	for _, station := range stations {
		before := store.Position{}
		for {
			some, err := e.store.Events(ctx, station, before, 1000)
			if err != nil {
				return s, err
			}
			for _, v := range some {
				if !v.At.Before(from) && (to.IsZero() || v.At.Before(to)) {
					s.Rows = append(s.Rows, []any{string(station), moment(v.At), v.Kind, string(v.Item), v.Title, v.Note, v.Undone, moment(v.Received), v.Ledger.String(), int(v.Seq)})
				}
			}
			if len(some) < 1000 {
				break
			}
			before = some[len(some)-1].Position
		}
	}
	return s, err
}

// days are the first moment of --from and that after --to.
func (e exporting) days() (from, to time.Time, err error) {
	zone, err := time.LoadLocation(e.zone)
	if err != nil {
		return from, to, fmt.Errorf("--zone: %w", err)
	}
	for name, day := range map[string]struct {
		text string
		to   *time.Time
		add  int
	}{"from": {e.from, &from, 0}, "to": {e.to, &to, 1}} {
		if day.text == "" {
			continue
		}
		at, err := time.ParseInLocation(time.DateOnly, day.text, zone)
		if err != nil {
			return from, to, fmt.Errorf("--%s %s: write it as 2026-11-24", name, day.text)
		}
		*day.to = at.AddDate(0, 0, day.add)
	}
	return from, to, nil
}

// kocName is what postings into files are queued as.
const kocName = "koc"

func kocNote(number int) string { return "file " + strconv.Itoa(number) }

// koc writes a file. First it is on the disk, then it is noted that it was written:
// what comes between is written once more by --again.
func (e exporting) koc(ctx context.Context, out io.Writer) error {
	if e.out == "" {
		return errors.New("give --out: the file that Koha is to be given; it names people and is nobody else's")
	}
	last, err := e.store.Fact(ctx, kocName)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(cmp.Or(last, "0"))
	if err != nil {
		return err
	}
	number++
	zone, err := time.LoadLocation(e.zone)
	if err != nil {
		return fmt.Errorf("--zone: %w", err)
	}
	version := strings.TrimPrefix(program, "coldstation-hub/")
	if e.again != 0 {
		all, err := e.store.Written(ctx, kocName, kocNote(e.again))
		if err == nil && len(all) == 0 {
			err = fmt.Errorf("--again %d: there is no such file; the last one was %d", e.again, number-1)
		}
		if err != nil {
			return err
		}
		rows := koc.Rows(all)
		fmt.Fprintf(out, "File %d once more: %d lines.\n", e.again, len(rows))
		return writeFile(e.out, func(w io.Writer) error { return koc.Write(w, version, rows, zone) })
	}
	all, asked, err := e.wait(ctx)
	if err != nil {
		return err
	}
	chosen, apart := koc.Plan(all, asked)
	now := time.Now()
	for i := range chosen {
		chosen[i].State, chosen[i].Note, chosen[i].Changed, chosen[i].Sends = store.PostConfirmed, kocNote(number), now, 1
	}
	rows := koc.Rows(chosen)
	if len(chosen) > 0 {
		if err := writeFile(e.out, func(w io.Writer) error { return koc.Write(w, version, rows, zone) }); err != nil {
			return err
		}
		// The number first: it is never given twice.
		if err := e.store.SetFact(ctx, kocName, strconv.Itoa(number)); err != nil {
			return err
		}
		stale, err := e.store.SavePostings(ctx, chosen)
		if err != nil {
			return fmt.Errorf("%s was written and could not be noted; do not bring it into Koha, and export again: %w", e.out, err)
		}
		if len(stale) > 0 {
			return fmt.Errorf("another export was under way: do not bring %s into Koha; write it anew with --again %d", e.out, number)
		}
		fmt.Fprintf(out, "File %d: %d lines, in %s.\n", number, len(rows), e.out)
	} else {
		fmt.Fprintln(out, "Nothing is there to be written; no file was made.")
	}
	if len(apart) == 0 {
		return nil
	}
	path := e.out + ".apart.csv"
	fmt.Fprintf(out, "%d are left out and wait, listed in %s with the reason.\n", len(apart), path)
	return writeFile(path, apartSheet(apart).WriteCSV)
}

func apartSheet(apart []koc.Apart) collection.Sheet {
	s := collection.Sheet{Name: "apart", Columns: []string{"at", "station", "what", "card", "barcode", "why"}}
	for _, a := range apart {
		s.Rows = append(s.Rows, []any{moment(a.At), string(a.Station), string(cmp.Or(a.Act(), a.Op)), koc.Card(a.Posting).Plaintext(), string(a.Item), a.Why})
	}
	return s
}

// wait are the postings that no file has, in the order they happened, and what is
// known of their cards and items.
func (e exporting) wait(ctx context.Context) (all []store.Posting, asked koc.Asked, err error) {
	if _, err := e.each(ctx); err != nil { // a name that is wrong would leave everything out
		return nil, asked, err
	}
	asked.Stations = e.stations
	if asked.From, asked.To, err = e.days(); err != nil {
		return nil, asked, err
	}
	for more := true; more; {
		if more, err = e.store.Queue(ctx, store.Queue{ILS: kocName}); err != nil {
			return nil, asked, err
		}
	}
	for after, more := uint64(0), true; more; {
		some, err := e.store.Postings(ctx, kocName, after, 1000)
		if err != nil {
			return nil, asked, err
		}
		if more = len(some) > 0; more {
			after = some[len(some)-1].Place
		}
		all = append(all, some...)
	}
	slices.SortStableFunc(all, func(a, b store.Posting) int {
		return cmp.Or(a.Sorts.Compare(b.Sorts), cmp.Compare(a.Place, b.Place))
	})
	c, err := e.store.Collection(ctx)
	if err != nil {
		return nil, asked, err
	}
	asked.Patrons, asked.Items = make(map[circ.PatronID]bool), make(map[circ.ItemID]bool)
	for _, p := range c.Patrons {
		asked.Patrons[p.ID] = true
	}
	for _, i := range c.Items {
		asked.Items[i.ID] = true
	}
	with := make(map[circ.ItemID]circ.PatronID)
	for _, p := range all {
		last, found, err := e.store.LastPosted(ctx, kocName, p.Item)
		if err != nil {
			return nil, asked, err
		}
		if found && last.Acted != store.PostTakeBack {
			with[p.Item] = koc.Card(last)
		} else if found {
			with[p.Item] = circ.PatronID{}
		}
	}
	asked.With = func(item circ.ItemID) (circ.PatronID, bool) {
		card, found := with[item]
		return card, found
	}
	return all, asked, nil
}
