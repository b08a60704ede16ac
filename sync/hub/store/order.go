package store

import (
	"context"
	"database/sql"
	"math"
	"time"

	"coldstation/sync/circ"
)

// NoteOrder is on a posting of which nobody knows whether it was before or after
// what another station tells of the item.
const NoteOrder = "order not certain"

// settles is how long an event of unsure time waits: what the station says next may
// tell better.
const settles = 2 * time.Minute

// spot is where a posting goes in the order of its item's, and the time it is
// posted with.
type spot struct {
	at, sorts, again time.Time
	note             string
}

// put finds the place of an event. One whose time is well known goes by that. Any
// other goes, as far as its time allows, where it makes sense beside what other
// stations tell: a return after the loan of the same patron, or after any loan; a
// loan after a return. Where several places make as much sense it goes by its best
// time, and a person is told. It is posted with a time in that place, which is never
// before what went before there and never after its receipt.
func (e queued) put(ctx context.Context, tx *sql.Tx) (spot, error) {
	p := spot{at: e.at, sorts: e.sorts}
	if e.err <= Unsure || e.item == "" {
		return p, nil
	}
	p.again = e.received.Add(settles)
	beside, err := e.beside(ctx, tx)
	if err != nil {
		return p, err
	}
	own, err := e.owner(ctx, tx)
	if err != nil {
		return p, err
	}
	from, to := 0, len(beside) // the places there are: before beside[n]
	for i, o := range beside {
		same := o.Station == e.Station && o.Ledger == e.Ledger
		if same && o.Seq < e.Seq || !same && o.Sorts.Add(o.Err).Before(e.at.Add(-e.err)) {
			from = i + 1
		}
	}
	for i := len(beside) - 1; i >= from; i-- {
		o := beside[i]
		same := o.Station == e.Station && o.Ledger == e.Ledger
		if same && o.Seq > e.Seq || !same && o.Sorts.Add(-o.Err).After(e.at.Add(e.err)) {
			to = i
		}
	}
	chosen, best, rivals := from, math.MinInt, 0
	nearest := func(n int) time.Duration { // how far the place is from the best time
		switch {
		case n > 0 && beside[n-1].Sorts.After(e.sorts):
			return beside[n-1].Sorts.Sub(e.sorts)
		case n < len(beside) && beside[n].Sorts.Before(e.sorts):
			return e.sorts.Sub(beside[n].Sorts)
		}
		return 0
	}
	for n := from; n <= to; n++ {
		switch sense := e.sense(beside, n, own); {
		case sense > best:
			chosen, best, rivals = n, sense, 0
		case sense == best:
			rivals++
			if nearest(n) < nearest(chosen) {
				chosen = n
			}
		}
	}
	if rivals > 0 {
		p.note = NoteOrder
	}
	if chosen > 0 {
		p.sorts = later(p.sorts, beside[chosen-1].Sorts.Add(time.Millisecond))
	}
	if chosen < len(beside) && !p.sorts.Before(beside[chosen].Sorts) {
		p.sorts = beside[chosen].Sorts.Add(-time.Millisecond)
	}
	p.at = p.sorts
	if p.at.After(e.received) {
		p.at = e.received
	}
	return p, nil
}

// sense is how much sense the event makes before beside[n], and how much more or
// less that one does then.
func (e queued) sense(beside []Posting, n int, own circ.PatronID) int {
	var last Posting
	if n > 0 {
		last = beside[n-1]
	}
	it := Posting{Op: e.op, Patron: own}
	sum := it.follows(last)
	if n < len(beside) {
		sum += beside[n].follows(it) - beside[n].follows(last)
	}
	return sum
}

// follows is how much sense p makes after what was last; zero: nothing was.
func (p Posting) follows(last Posting) int {
	out := last.Op != "" && last.Act() != PostTakeBack
	theirs := out && !p.Patron.IsZero() && p.Patron == last.Patron
	switch {
	case p.Act() == PostTakeBack && theirs:
		return 2
	case p.Act() == PostTakeBack && out, p.Act() == PostLend && !out, p.Act() == PostRenew && theirs:
		return 1
	}
	return 0
}

// beside are the postings of the event's item in their order, without itself.
func (e queued) beside(ctx context.Context, tx *sql.Tx) ([]Posting, error) {
	return readPostings(ctx, tx, e.ILS, `WHERE p.ils = ? AND p.item = ? AND p.state <> 'withdrawn' AND NOT (p.station = ? AND p.ledger = ? AND p.seq = ?) ORDER BY p.sorts, p.place`,
		e.item, e.Station, id(e.Ledger), e.Seq)
}

// owner is the patron whose loan it is, as far as the station knew.
func (e queued) owner(ctx context.Context, tx *sql.Tx) (circ.PatronID, error) {
	var patron string
	err := tx.QueryRowContext(ctx, `SELECT COALESCE((SELECT patron FROM refs WHERE station = ? AND ref = ?), '')`, e.Station, ref(e.patron)).Scan(&patron)
	return circ.NewPatronID(patron), err
}

// requeue puts what waits to be posted of an event where its new time belongs. What
// was sent is sent.
func requeue(ctx context.Context, tx *sql.Tx, key PostingKey, g guess, due time.Time) error {
	waiting, err := collect(ctx, tx, func(scan func(...any) error) (e queued, err error) {
		var patron, with string
		var received int64
		err = scan(&e.ILS, &e.op, &e.item, &patron, &with, &received)
		e.patron, e.with, e.received = fromRef(patron), fromRef(with), fromMillis(received)
		return e, err
	}, `SELECT p.ils, p.op, p.item, p.patron, p.was_with, e.received FROM postings p
		JOIN events e ON e.station = p.station AND e.ledger = p.ledger AND e.seq = p.seq
		WHERE p.station = ? AND p.ledger = ? AND p.seq = ? AND p.state = 'pending' AND p.sends = 0 AND p.op <> 'undo'`, key.Station, id(key.Ledger), key.Seq)
	if err != nil {
		return err
	}
	for _, e := range waiting {
		key.ILS = e.ILS
		e.PostingKey, e.guess, e.sorts, e.due = key, g, g.at, due
		put, err := e.put(ctx, tx)
		if err != nil {
			return err
		}
		// Who posts meanwhile finds that its own is stale, and the new one by its place.
		if _, err := tx.ExecContext(ctx, `UPDATE postings SET at = ?, err = ?, sorts = ?, due = ?, again = ?, note = ?, rev = rev + 1,
			place = (SELECT MAX(place) + 1 FROM postings WHERE ils = ?) WHERE ils = ? AND station = ? AND ledger = ? AND seq = ?`,
			millis(put.at), g.err.Milliseconds(), millis(put.sorts), millis(due), millis(put.again), put.note, e.ILS, e.ILS, e.Station, id(e.Ledger), e.Seq); err != nil {
			return err
		}
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
