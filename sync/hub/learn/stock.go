package learn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/koha"
	"coldstation/sync/hub/marc"
	"coldstation/sync/hub/store"
)

// titles are the MARC records met, since a title has several items.
type titles struct {
	api   *koha.API
	known map[int64]marc.Record
}

func (t *titles) of(ctx context.Context, biblio int64) (marc.Record, error) {
	if record, found := t.known[biblio]; found {
		return record, nil
	}
	record, err := t.api.Record(ctx, biblio)
	if err == nil {
		if len(t.known) >= 1000 {
			clear(t.known)
		}
		t.known[biblio] = record
	}
	return record, err
}

func (p *pass) titles() *titles { return &titles{p.set.API, make(map[int64]marc.Record)} }

func (p *pass) items(ctx context.Context) error {
	known, err := p.set.Store.Learned(ctx, p.set.Name, store.LearnedItem)
	if err != nil {
		return err
	}
	titles := p.titles()
	err = p.parts(ctx, 2*len(p.set.Libraries), func(part int) error {
		of := koha.ItemsOf{Since: p.since(), After: p.After}
		if library := p.set.Libraries[part/2]; part%2 == 0 {
			of.Home = library
		} else {
			of.Holding = library
		}
		return walk(ctx, p, p.set.API.Items(ctx, of), func(i koha.Item) int64 { return i.Number }, func(batch []koha.Item) error {
			return p.stock(ctx, batch, known, titles)
		})
	})
	if errors.Is(err, koha.ErrNotFound) { // as in 19.06
		slog.Warn("the library system tells no items; bring them in as a file", "err", err)
		p.Odd = true
		return nil
	}
	return err
}

// stock takes in a batch of items.
func (p *pass) stock(ctx context.Context, batch []koha.Item, known map[int64]store.Learned, titles *titles) error {
	var c store.Collection
	var some []store.Learned
	var gone []int64
	for _, k := range batch {
		item, err := p.item(ctx, k, titles)
		switch {
		case err != nil && !odd(err):
			return err
		case err == nil:
			c.Items = append(c.Items, item)
			some = append(some, store.Learned{Number: k.Number, ID: string(item.ID), Note: home{item.Home, k.Biblio}.note(), Pass: p.Count})
		case k.Barcode == "" && known[k.Number].Number != 0:
			gone = append(gone, k.Number) // it has lost its barcode
		case k.Barcode != "":
			// Its title cannot be read now: what was known of it stays.
			p.told.Odd++
			if before := known[k.Number]; before.Number != 0 {
				before.Pass = p.Count
				some = append(some, before)
			}
		}
	}
	did, err := p.set.Store.Import(ctx, c)
	if err != nil {
		return err
	}
	p.told.Items += did.Items
	p.told.Removed += len(gone)
	if err := p.set.Store.Learn(ctx, p.set.Name, store.LearnedItem, some, gone); err != nil {
		return err
	}
	note(known, some, gone)
	return nil
}

func odd(err error) bool { return errors.Is(err, koha.ErrRecord) || errors.Is(err, koha.ErrNotFound) }

func (p *pass) item(ctx context.Context, k koha.Item, titles *titles) (circ.Item, error) {
	if k.Barcode == "" {
		return circ.Item{}, koha.ErrRecord
	}
	record, err := titles.of(ctx, k.Biblio)
	if err != nil {
		return circ.Item{}, err
	}
	item, err := p.set.API.Circ(k, record)
	if err == nil && !fits(circ.ItemPut{Item: item}) {
		err = koha.ErrRecord
	}
	return item, err
}

// lending is what the stages about loans know.
type lending struct {
	*pass
	patrons, items, loans map[int64]store.Learned
	titles                *titles
	streams               map[circ.StationID]store.Stream
}

func (p *pass) lending(ctx context.Context) (l lending, err error) {
	l = lending{pass: p, titles: p.titles()}
	for kind, to := range map[store.LearnedKind]*map[int64]store.Learned{store.LearnedPatron: &l.patrons, store.LearnedItem: &l.items, store.LearnedLoan: &l.loans} {
		if *to, err = p.set.Store.Learned(ctx, p.set.Name, kind); err != nil {
			return l, err
		}
	}
	l.streams, err = p.set.Store.Streams(ctx)
	return l, err
}

// heard are the streams of the stations that are told of loans.
func (l lending) heard() string {
	var all []string
	for _, station := range l.set.Stations {
		all = append(all, fmt.Sprint(station, ":", l.streams[station].ID))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func (p *pass) loans(ctx context.Context) error {
	l, err := p.lending(ctx)
	if err != nil {
		return err
	}
	if heard := l.heard(); heard != p.Heard {
		p.Heard, p.Again, p.After = heard, true, 0
	}
	since := p.since()
	if p.Again {
		since = time.Time{}
	}
	rows := p.set.API.Checkouts(ctx, koha.CheckoutsOf{Since: since, After: p.After})
	number := func(c koha.Checkout) int64 { return c.Number }
	if err := walk(ctx, p, rows, number, func(batch []koha.Checkout) error { return l.lent(ctx, batch) }); err != nil {
		return err
	}
	p.Again = false
	if !p.Whole || p.Odd {
		return nil
	}
	var ended []int64
	for n, loan := range l.loans {
		if loan.Pass != p.Count {
			ended = append(ended, n)
		}
	}
	return l.end(ctx, ended)
}

// returns ends loans that a lesser pass finds among those that came back. 19.06 has
// no such list.
func (p *pass) returns(ctx context.Context) error {
	if p.Whole {
		return nil
	}
	l, err := p.lending(ctx)
	if err != nil {
		return err
	}
	rows := p.set.API.Checkouts(ctx, koha.CheckoutsOf{Since: p.since(), After: p.After, Returned: true})
	err = walk(ctx, p, rows, func(c koha.Checkout) int64 { return c.Number }, func(batch []koha.Checkout) error {
		var ended []int64
		for _, c := range batch {
			if _, told := l.loans[c.Number]; told {
				ended = append(ended, c.Number)
			} else if err := l.back(ctx, c); err != nil {
				return err
			}
		}
		return l.end(ctx, ended)
	})
	if refused, is := errors.AsType[*koha.Error](err); is && refused.Status == 400 {
		return nil
	}
	return err
}

// back ends a loan that a station made and that came back elsewhere, unless the item is
// out again by now.
func (l lending) back(ctx context.Context, c koha.Checkout) error {
	patron, item := l.patrons[int64(c.Patron)], l.items[c.Item]
	if patron.ID == "" || item.ID == "" || c.Returned.IsZero() {
		return nil
	}
	if elsewhere, err := l.set.Store.Elsewhere(ctx, circ.ItemID(item.ID)); err != nil || elsewhere {
		return err
	}
	now, err := l.set.API.Item(ctx, c.Item)
	if err != nil || !now.CheckedOut.IsZero() {
		if odd(err) {
			err = nil
		}
		return err
	}
	ended, err := l.set.Store.ReturnedElsewhere(ctx, l.set.Name, circ.ItemID(item.ID), circ.NewPatronID(patron.ID), c.Returned)
	if ended {
		l.told.Loans++
	}
	return err
}

// lent tells of loans that no station made.
func (l lending) lent(ctx context.Context, batch []koha.Checkout) error {
	var some []store.Learned
	for _, c := range batch {
		patron := l.patrons[int64(c.Patron)]
		if patron.ID == "" {
			continue
		}
		item, err := l.thing(ctx, c.Item)
		if err != nil {
			return err
		}
		if item.ID == "" {
			continue
		}
		if elsewhere, err := l.set.Store.Elsewhere(ctx, circ.ItemID(item.ID)); err != nil || !elsewhere {
			if err != nil {
				return err
			}
			continue
		}
		stations := l.stations(patron, item)
		told := store.Learned{Number: c.Number, ID: item.ID, Pass: l.Count, Note: l.note(c, patron, stations)}
		if l.loans[c.Number].Note != told.Note {
			put := circ.LoanPut{Item: circ.ItemID(item.ID), Patron: circ.NewPatronID(patron.ID), At: c.At, Due: c.Due}
			if err := l.tell(ctx, stations, put); err != nil {
				return err
			}
			l.told.Loans++
		}
		some = append(some, told)
	}
	if err := l.set.Store.Learn(ctx, l.set.Name, store.LearnedLoan, some, nil); err != nil {
		return err
	}
	note(l.loans, some, nil)
	return nil
}

// thing is an item, learned now when it is of a library that was not named.
func (l lending) thing(ctx context.Context, number int64) (store.Learned, error) {
	known := l.items[number]
	if known.Number != 0 && (known.Pass == l.Count || !l.Whole) || number == 0 {
		return known, nil
	}
	item, err := l.set.API.Item(ctx, number)
	if err == nil {
		err = l.stock(ctx, []koha.Item{item}, l.items, l.titles)
	}
	if err != nil && !odd(err) {
		return known, err
	}
	return l.items[number], nil
}

// stations are where the patron and the item belong.
func (l lending) stations(patron, item store.Learned) (all []circ.StationID) {
	for _, station := range []circ.StationID{l.set.Stations[patron.Note], homeOf(item).station} {
		if station != "" && !slices.Contains(all, station) {
			all = append(all, station)
		}
	}
	return all
}

// note is what stations were told of a loan: whoever has another stream since must be
// told again.
func (l lending) note(c koha.Checkout, patron store.Learned, stations []circ.StationID) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s", patron.Number, c.Due.UTC().Format(time.RFC3339))
	for _, station := range stations {
		fmt.Fprintf(&b, " %s:%s", station, l.streams[station].ID)
	}
	return b.String()
}

func (l lending) tell(ctx context.Context, stations []circ.StationID, body circ.NoticeBody) error {
	for _, station := range stations {
		err := l.set.Store.Tell(ctx, station, body)
		if err != nil && !errors.Is(err, store.ErrNoStream) && !errors.Is(err, store.ErrNoStation) {
			return err
		}
	}
	return nil
}

// end tells the stations of loans that no longer run.
func (l lending) end(ctx context.Context, ended []int64) error {
	for _, n := range ended {
		loan := l.loans[n]
		var stations []circ.StationID
		for _, word := range strings.Fields(loan.Note)[2:] {
			station, _, _ := strings.Cut(word, ":")
			stations = append(stations, circ.StationID(station))
		}
		if err := l.tell(ctx, stations, circ.LoanGone{Item: circ.ItemID(loan.ID)}); err != nil {
			return err
		}
		l.told.Loans++
	}
	if err := l.set.Store.Learn(ctx, l.set.Name, store.LearnedLoan, nil, ended); err != nil {
		return err
	}
	note(l.loans, nil, ended)
	return nil
}
