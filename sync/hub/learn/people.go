package learn

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/koha"
	"coldstation/sync/hub/store"
)

// walk takes rows in batches and keeps the number of the last one, as long as they
// come in order.
func walk[T any](ctx context.Context, p *pass, rows iter.Seq2[T, error], number func(T) int64, take func([]T) error) error {
	var batch []T
	last, ordered := p.After, true
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		if err := take(batch); err != nil {
			return err
		}
		batch = batch[:0]
		if !ordered {
			return nil
		}
		p.After = last
		return p.save(ctx, p.cursor)
	}
	for row, err := range rows {
		switch {
		case errors.Is(err, koha.ErrRecord):
			p.told.Odd++
			p.Odd = true
			continue
		case err != nil:
			return errors.Join(err, flush())
		}
		if n := number(row); n > last {
			last = n
		} else if ordered {
			ordered, p.After = false, 0
		}
		if batch = append(batch, row); len(batch) == p.set.Batch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

func (p *pass) patrons(ctx context.Context) error {
	all, err := p.categories(ctx)
	if err != nil {
		return err
	}
	categories := make(map[string]koha.Category)
	for _, category := range all {
		categories[category.ID] = category
	}
	known, err := p.set.Store.Learned(ctx, p.set.Name, store.LearnedPatron)
	if err != nil {
		return err
	}
	return p.parts(ctx, len(p.set.Libraries), func(part int) error {
		rows := p.set.API.Patrons(ctx, koha.PatronsOf{Library: p.set.Libraries[part], Since: p.since(), After: p.After})
		return walk(ctx, p, rows, func(k koha.Patron) int64 { return int64(k.Number) }, func(batch []koha.Patron) error {
			return p.people(ctx, batch, known, categories)
		})
	})
}

// people takes in a batch of patrons.
func (p *pass) people(ctx context.Context, batch []koha.Patron, known map[int64]store.Learned, categories map[string]koha.Category) error {
	have, err := p.set.Store.Collection(ctx)
	if err != nil {
		return err
	}
	own := make(map[string]circ.Patron)
	for _, patron := range have.Patrons {
		own[patron.ID.Plaintext()] = patron
	}
	var c store.Collection
	var some []store.Learned
	var gone []int64
	moved := make(map[circ.PatronID]circ.PatronID)
	for _, k := range batch {
		number := int64(k.Number)
		before := known[number]
		patron := k.Circ(time.Now(), categories)
		if patron.ID.IsZero() || !fits(circ.PatronPut{Patron: patron}) {
			if before.Number != 0 {
				gone = append(gone, number)
			}
			continue
		}
		patron.Home = p.set.Stations[k.Library]
		card := patron.ID.Plaintext()
		old, same := own[card]
		if before.ID != "" && before.ID != card {
			old, same = own[before.ID], false
			moved[circ.NewPatronID(before.ID)] = patron.ID
		}
		patron.Picture, patron.Recalls = old.Picture, old.Recalls
		patron.Cards = slices.DeleteFunc(slices.Clone(old.Cards), func(other string) bool { return other == card })
		if same {
			patron.Secret = old.Secret
		}
		c.Patrons = append(c.Patrons, patron)
		some = append(some, store.Learned{Number: number, ID: card, Note: k.Library, Pass: p.Count})
	}
	for _, proxy := range have.Proxies {
		principal, agent := moved[proxy.Principal], moved[proxy.Agent]
		if principal.IsZero() && agent.IsZero() {
			continue
		}
		if !principal.IsZero() {
			proxy.Principal = principal
		}
		if !agent.IsZero() {
			proxy.Agent = agent
		}
		c.Proxies = append(c.Proxies, proxy)
	}
	did, err := p.set.Store.Import(ctx, c)
	if err != nil {
		return err
	}
	p.told.Patrons += did.Patrons
	p.told.Removed += len(gone)
	if err := p.set.Store.Learn(ctx, p.set.Name, store.LearnedPatron, some, gone); err != nil {
		return err
	}
	note(known, some, gone)
	return nil
}

// note keeps what is known as the store has it.
func note(known map[int64]store.Learned, some []store.Learned, gone []int64) {
	for _, l := range some {
		known[l.Number] = l
	}
	for _, number := range gone {
		delete(known, number)
	}
}

// gone removes what a whole pass did not meet.
func (p *pass) gone(ctx context.Context) error {
	if !p.Whole || p.Odd {
		return nil
	}
	for _, kind := range []store.LearnedKind{store.LearnedPatron, store.LearnedItem} {
		known, err := p.set.Store.Learned(ctx, p.set.Name, kind)
		if err != nil {
			return err
		}
		var gone []int64
		for number, l := range known {
			if l.Pass != p.Count {
				gone = append(gone, number)
			}
		}
		const few = 5 // may always go
		if len(gone) > few && len(gone)*100 > len(known)*p.set.MostGone {
			p.told.Kept += len(gone)
			continue
		}
		if err := p.set.Store.Learn(ctx, p.set.Name, kind, nil, gone); err != nil {
			return err
		}
		p.told.Removed += len(gone)
	}
	return nil
}
