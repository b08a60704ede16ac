package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
)

func (s *base) Find(ctx context.Context, station circ.StationID, which uuid.UUID, at time.Time) (l Ledger, err error) {
	err = s.change(ctx, "find the ledger of "+string(station), func(tx *sql.Tx) error {
		if err := exists(ctx, tx, station); err != nil {
			return err
		}
		l, err = ledger(ctx, tx, station, which)
		switch {
		case errors.Is(err, ErrNoLedger):
			if l, err = openLedger(ctx, tx, station, which, at); err == nil {
				err = errors.Join(forgetVerdicts(ctx, tx, station), newStream(ctx, tx, station, uuid.New()))
			}
		case err == nil && l.State == LedgerClosed: // an earlier disk is back: it goes on where it was
			l.State = LedgerOK
			err = errors.Join(current(ctx, tx, station, which), forgetVerdicts(ctx, tx, station), raise(ctx, tx, station, Condition{Name: ConditionReturned, Detail: id(which), Since: at}))
		}
		return err
	})
	return l, err
}

// forgetVerdicts lets go of what is told of a ledger's events: their numbers mean
// something else in another one.
func forgetVerdicts(ctx context.Context, tx *sql.Tx, station circ.StationID) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM standing WHERE station = ? AND topic LIKE 'verdict/%'`, station)
	return err
}

// openLedger begins a ledger before its first event and closes the one before.
func openLedger(ctx context.Context, tx *sql.Tx, station circ.StationID, which uuid.UUID, at time.Time) (Ledger, error) {
	l := Ledger{ID: which, State: LedgerOK, New: true}
	var before int
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM ledgers WHERE station = ?`, station).Scan(&before); err != nil {
		return l, err
	}
	if before > 0 {
		if err := raise(ctx, tx, station, Condition{Name: ConditionRefilled, Since: at}); err != nil {
			return l, err
		}
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO ledgers (station, ledger, chain, state, opened) VALUES (?, ?, ?, 'ok', ?)`,
		station, id(which), l.Chain[:], millis(at)); err != nil {
		return l, err
	}
	return l, current(ctx, tx, station, which)
}

func (s *base) Report(ctx context.Context, r Report) error {
	return s.change(ctx, "hear "+string(r.Station), func(tx *sql.Tx) error {
		l, err := ledger(ctx, tx, r.Station, r.Ledger)
		if err != nil {
			return err
		}
		if r.Boot != uuid.Nil {
			if err := (clocks{tx, s.taking, r.Station, r.Ledger}).hear(ctx, r.Boot, r.start()); err != nil {
				return err
			}
		}
		return reported(ctx, tx, r.Station, r.Ledger, r.Last, l.Cursor, r.At)
	})
}

func (s *base) Quarantine(ctx context.Context, station circ.StationID, which uuid.UUID, at time.Time) error {
	return s.change(ctx, "quarantine the ledger of "+string(station), func(tx *sql.Tx) error {
		return quarantine(ctx, tx, station, which, at)
	})
}

// current makes a ledger the station's own and closes the others.
func current(ctx context.Context, tx *sql.Tx, station circ.StationID, which uuid.UUID) error {
	_, err := tx.ExecContext(ctx, `UPDATE ledgers SET state = CASE WHEN ledger = ? THEN 'ok' ELSE 'closed' END WHERE station = ? AND state <> 'quarantined'`, id(which), station)
	return err
}

func quarantine(ctx context.Context, tx *sql.Tx, station circ.StationID, which uuid.UUID, at time.Time) error {
	if _, err := tx.ExecContext(ctx, `UPDATE ledgers SET state = 'quarantined' WHERE station = ? AND ledger = ?`, station, id(which)); err != nil {
		return err
	}
	return raise(ctx, tx, station, Condition{Name: ConditionQuarantined, Detail: id(which), Since: at})
}

// reported notes how many events the station says it has, and since when that
// is more than we have.
func reported(ctx context.Context, tx *sql.Tx, station circ.StationID, which uuid.UUID, last, cursor uint64, at time.Time) error {
	since := int64(0)
	if last > cursor {
		since = millis(at)
	}
	_, err := tx.ExecContext(ctx, `UPDATE stations SET ledger = ?, reported = ?,
		behind_since = CASE WHEN ? = 0 THEN 0 WHEN behind_since > 0 AND ledger = ? THEN behind_since ELSE ? END WHERE id = ?`,
		id(which), last, since, id(which), since, station)
	return errors.Join(err, heard(ctx, tx, station, at))
}

func (s *base) TakeIn(ctx context.Context, b Batch) (l Ledger, err error) {
	var forked bool
	err = s.change(ctx, fmt.Sprintf("take in %s from %d", b.Station, b.First), func(tx *sql.Tx) error {
		// The transaction ends with ctx. A watcher for each statement besides
		// costs a tenth of the whole.
		ctx := context.WithoutCancel(ctx)
		if l, err = ledger(ctx, tx, b.Station, b.Ledger); err != nil {
			return err
		}
		switch {
		case l.State == LedgerQuarantined:
			return ErrQuarantined
		case l.State == LedgerClosed:
			return ErrClosed
		case b.First == 0 || b.First > l.Cursor+1:
			return &Gap{l.Cursor}
		}
		fresh, err := b.trim(ctx, tx, l)
		if errors.Is(err, ErrForked) {
			forked = true
			return quarantine(ctx, tx, b.Station, b.Ledger, b.At)
		}
		if err != nil || len(fresh) == 0 {
			return errors.Join(err, heard(ctx, tx, b.Station, b.At))
		}
		if err := b.apply(ctx, tx, s.taking, l, fresh); err != nil {
			return err
		}
		from := l.Cursor
		l.Cursor, l.Chain = from+uint64(len(fresh)), b.Chain
		result, err := tx.ExecContext(ctx, `UPDATE ledgers SET cursor = ?, chain = ? WHERE station = ? AND ledger = ? AND cursor = ?`,
			l.Cursor, l.Chain[:], b.Station, id(b.Ledger), from)
		if err := known(result, err, &Gap{from}); err != nil {
			return err
		}
		var last uint64
		if err := tx.QueryRowContext(ctx, `SELECT reported FROM stations WHERE id = ?`, b.Station).Scan(&last); err != nil {
			return err
		}
		return reported(ctx, tx, b.Station, b.Ledger, max(last, l.Cursor), l.Cursor, b.At)
	})
	if err == nil && forked {
		l.State = LedgerQuarantined
		err = fmt.Errorf("take in %s from %d: %w", b.Station, b.First, ErrForked)
	}
	return l, err
}

// trim is what of b is new, after a check that the rest is what was taken in
// before and that the chain holds: a copied disk tells another story from some
// event on.
func (b Batch) trim(ctx context.Context, q queryer, l Ledger) ([]Taken, error) {
	have := min(l.Cursor+1-b.First, uint64(len(b.Events)))
	if have > 0 {
		var raw, chain []byte
		last := b.Events[have-1]
		if err := q.QueryRowContext(ctx, `SELECT raw, chain FROM events WHERE station = ? AND ledger = ? AND seq = ?`,
			b.Station, id(b.Ledger), b.First+have-1).Scan(&raw, &chain); err != nil {
			return nil, err
		}
		// Of what is not linked any more the chain alone is left: see Privacy.
		if len(raw) > 0 && !bytes.Equal(raw, last.Raw) || have == uint64(len(b.Events)) && !bytes.Equal(chain, b.Chain[:]) {
			return nil, ErrForked
		}
	}
	fresh := b.Events[have:]
	chain := l.Chain
	for _, e := range fresh {
		chain = chain.Next(e.Raw)
	}
	if len(fresh) > 0 && chain != b.Chain {
		return nil, ErrForked
	}
	return fresh, nil
}

// apply writes fresh events and what they change.
func (b Batch) apply(ctx context.Context, tx *sql.Tx, by taking, l Ledger, fresh []Taken) error {
	c := clocks{tx, by, b.Station, b.Ledger}
	when, err := c.read(ctx, l.Cursor, fresh, b.At)
	if err != nil {
		return err
	}
	entries := make([]entry, len(fresh))
	changed := items{tx, by, make(map[circ.ItemID]*history)}
	var about []circ.ItemID
	for i, e := range fresh {
		if e.Seq != l.Cursor+1+uint64(i) {
			return fmt.Errorf("event %d stands at %d: %w", e.Seq, l.Cursor+1+uint64(i), &Gap{l.Cursor})
		}
		n := enter(e.Event)
		n.station, n.ledger, n.received = b.Station, id(b.Ledger), b.At
		n.at = when[i].at
		n.due = promised(n.due, e.Stamp.Wall, n.at)
		entries[i] = n
		about = append(about, n.about()...)
	}
	if err := changed.read(ctx, about); err != nil {
		return err
	}
	rows := make([]any, 0, len(fresh)*by.events.width)
	chain := l.Chain
	for i, e := range fresh {
		n := entries[i]
		chain = chain.Next(e.Raw)
		rows = append(rows, n.station, n.ledger, n.seq, n.kind, millis(e.Stamp.Wall), e.Stamp.Clock, id(e.Stamp.Boot),
			e.Stamp.Uptime.Milliseconds(), millis(b.At), millis(n.at), n.item, n.patron, n.acted, millis(n.due), n.note, slices.Clone(chain[:]), e.Raw, when[i].err.Milliseconds())
		if n.kind == "Undone" { // of what is in the table
			if err := by.events.exec(ctx, tx, rows); err != nil {
				return err
			}
			rows = rows[:0]
			if err := changed.undo(ctx, n); err != nil {
				return err
			}
		}
		for _, item := range n.about() {
			h := changed.of[item]
			h.now = h.now.after(n)
		}
		if err := b.stand(ctx, tx, e.Body, n); err != nil {
			return err
		}
	}
	if err := errors.Join(by.events.exec(ctx, tx, rows), changed.write(ctx), b.turnedUp(ctx, tx, changed, entries), b.received(ctx, tx, entries)); err != nil {
		return err
	}
	return c.before(ctx, l.Cursor, when[0].err)
}

// stand keeps what an event says of its station and of who is who.
func (b Batch) stand(ctx context.Context, tx *sql.Tx, body circ.EventBody, n entry) error {
	switch e := body.(type) {
	case circ.PatronMet:
		if e.ID.IsZero() {
			return nil
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO refs (station, ref, patron) VALUES (?, ?, ?) ON CONFLICT (station, ref) DO UPDATE SET patron = excluded.patron`,
			b.Station, n.patron, e.ID.Plaintext())
		return err
	case circ.ConsignmentChecked: // what is said twice of an item is said in this order
		return errors.Join(b.listed(ctx, tx, n, "seen", e.Seen), b.listed(ctx, tx, n, "extra", e.Extra), b.listed(ctx, tx, n, "missing", e.Missing))
	case circ.ShelfCounted:
		return b.listed(ctx, tx, n, "seen", e.Seen)
	case circ.FaultRaised:
		return raise(ctx, tx, b.Station, Condition{FaultPrefix + e.Fault, e.Detail, n.at})
	case circ.FaultCleared:
		return clear(ctx, tx, b.Station, FaultPrefix+e.Fault)
	case circ.Started:
		_, err := tx.ExecContext(ctx, `UPDATE stations SET version = ? WHERE id = ?`, e.Version, b.Station)
		return err
	}
	return nil
}

// items are the items that a batch touches, read once and written once.
type items struct {
	tx *sql.Tx
	by taking
	of map[circ.ItemID]*history
}

// history is how an item stands in the tables and how it should.
type history struct{ was, now standing }

// read takes up how items stand in the tables.
func (c items) read(ctx context.Context, all []circ.ItemID) error {
	var values []any
	for _, item := range all {
		if c.of[item] == nil {
			c.of[item] = &history{}
			values = append(values, item)
		}
	}
	if err := c.by.where.query(ctx, c.tx, values, func(scan func(...any) error) error {
		var item circ.ItemID
		var at int64
		var s standing
		err := scan(&item, &s.where, &s.place, &at)
		s.at = fromMillis(at)
		c.of[item] = &history{s, s}
		return err
	}); err != nil {
		return err
	}
	return c.by.lent.query(ctx, c.tx, values, func(scan func(...any) error) error {
		var item circ.ItemID
		var at, due int64
		var o loan
		err := scan(&item, &o.station, &o.ledger, &o.seq, &o.patron, &o.acted, &at, &due, &o.renewed, &o.house)
		o.at, o.due = fromMillis(at), fromMillis(due)
		c.of[item].was.loan, c.of[item].now.loan = &o, &o
		return err
	})
}

// undo takes an event out of the history.
func (c items) undo(ctx context.Context, n entry) error {
	var item circ.ItemID
	err := c.tx.QueryRowContext(ctx, `UPDATE events SET undone = 1 WHERE station = ? AND ledger = ? AND seq = ? AND seq < ? RETURNING item`,
		n.station, n.ledger, n.undoes, n.seq).Scan(&item)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	about := []circ.ItemID{item}
	if item == "" {
		if about, err = collect(ctx, c.tx, func(scan func(...any) error) (item circ.ItemID, err error) {
			err = scan(&item)
			return item, err
		}, `SELECT item FROM listings WHERE station = ? AND ledger = ? AND seq = ?`, n.station, n.ledger, n.undoes); err != nil {
			return err
		}
	}
	for _, item := range about {
		if err := c.again(ctx, item); err != nil {
			return err
		}
	}
	return nil
}

// again adds an item's events up anew, in the order they were taken in.
func (c items) again(ctx context.Context, item circ.ItemID) error {
	past, err := collect(ctx, c.tx, func(scan func(...any) error) (e entry, err error) {
		var at, due, received int64
		err = scan(&e.station, &e.ledger, &e.seq, &e.kind, &at, &e.item, &e.patron, &e.acted, &due, &e.note, &received)
		e.at, e.due = fromMillis(at), fromMillis(due)
		return e, err
	}, `SELECT station, ledger, seq, kind, at, item, patron, acted, due, note, received FROM events WHERE item = ? AND undone = 0
		UNION ALL SELECT e.station, e.ledger, e.seq, e.kind, e.at, e.item, e.patron, e.acted, e.due, e.note, e.received FROM listings k JOIN events e ON e.station = k.station AND e.ledger = k.ledger AND e.seq = k.seq
			WHERE k.item = ? AND e.kind = 'ShelfCounted' AND e.undone = 0 ORDER BY received, station, seq`, item, item)
	if err != nil {
		return err
	}
	s := standing{}
	for _, e := range past {
		s = s.after(e)
	}
	if err := c.read(ctx, []circ.ItemID{item}); err != nil {
		return err
	}
	c.of[item].now = s
	return nil
}

// write puts into the tables what changed, in the order of their keys.
func (c items) write(ctx context.Context) error {
	var places, noPlace, loans, noLoan []any
	for _, item := range slices.Sorted(maps.Keys(c.of)) {
		was, now := c.of[item].was, c.of[item].now
		switch {
		case now == was:
			continue
		case now.where != "":
			places = append(places, item, now.where, now.place, millis(now.at))
		case was.where != "":
			noPlace = append(noPlace, item)
		}
		switch o := now.loan; o {
		case was.loan:
		case nil:
			noLoan = append(noLoan, item)
		default:
			loans = append(loans, item, o.station, o.ledger, o.seq, o.patron, o.acted, millis(o.at), millis(o.due), o.renewed, bit(o.house))
		}
	}
	return errors.Join(
		c.by.places.exec(ctx, c.tx, places),
		c.by.noPlace.exec(ctx, c.tx, noPlace),
		c.by.loans.exec(ctx, c.tx, loans),
		c.by.noLoan.exec(ctx, c.tx, noLoan),
	)
}
