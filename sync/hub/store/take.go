package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
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
			l, err = openLedger(ctx, tx, station, which, at)
		case err == nil && l.State == LedgerClosed: // an earlier disk is back: it goes on where it was
			l.State = LedgerOK
			err = current(ctx, tx, station, which)
		}
		return err
	})
	return l, err
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
			if err := boot(ctx, tx, r); err != nil {
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

// boot keeps the earliest start of the station's computer that its messages
// allow: the message that came quickest errs least.
func boot(ctx context.Context, tx *sql.Tx, h Report) error {
	if h.RoundTrip > 0 {
		if _, err := tx.ExecContext(ctx, `UPDATE stations SET round_trip = ? WHERE id = ? AND (round_trip = 0 OR round_trip > ?)`,
			h.RoundTrip.Milliseconds(), h.Station, h.RoundTrip.Milliseconds()); err != nil {
			return err
		}
	}
	began := h.At.Add(-h.Uptime)
	_, err := tx.ExecContext(ctx, `INSERT INTO boots (station, boot, began) VALUES (?, ?, ?)
		ON CONFLICT (station, boot) DO UPDATE SET began = excluded.began WHERE excluded.began < boots.began`,
		h.Station, id(h.Boot), millis(began))
	return err
}

func (s *base) TakeIn(ctx context.Context, b Batch) (l Ledger, err error) {
	var forked bool
	err = s.change(ctx, fmt.Sprintf("take in %s from %d", b.Station, b.First), func(tx *sql.Tx) error {
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
		if err := b.apply(ctx, tx, l, fresh); err != nil {
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
		if !bytes.Equal(raw, last.Raw) || have == uint64(len(b.Events)) && !bytes.Equal(chain, b.Chain[:]) {
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
func (b Batch) apply(ctx context.Context, tx *sql.Tx, l Ledger, fresh []Taken) error {
	insert, err := tx.PrepareContext(ctx, `INSERT INTO events (station, ledger, seq, kind, wall, clock, boot, uptime, received, at, item, patron, acted, due, note, chain, raw)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	defer insert.Close()
	before, err := b.before(ctx, tx, l)
	if err != nil {
		return err
	}
	began := make(map[uuid.UUID]time.Time)
	changed := items{tx: tx, standing: make(map[circ.ItemID]*standing)}
	chain := l.Chain
	for i, e := range fresh {
		if e.Seq != l.Cursor+1+uint64(i) {
			return fmt.Errorf("event %d stands at %d: %w", e.Seq, l.Cursor+1+uint64(i), &Gap{l.Cursor})
		}
		start, asked := began[e.Stamp.Boot]
		if !asked {
			if start, err = b.began(ctx, tx, e.Stamp.Boot); err != nil {
				return err
			}
			began[e.Stamp.Boot] = start
		}
		n := enter(e.Event)
		n.station, n.ledger, n.received = b.Station, id(b.Ledger), b.At
		n.at = best(e.Stamp, before, start, b.At)
		before = moment{e.Stamp.Boot.String(), e.Stamp.Uptime, n.at}
		chain = chain.Next(e.Raw)
		if _, err := insert.ExecContext(ctx, n.station, n.ledger, n.seq, n.kind, millis(e.Stamp.Wall), e.Stamp.Clock, id(e.Stamp.Boot),
			e.Stamp.Uptime.Milliseconds(), millis(b.At), millis(n.at), n.item, n.patron, n.acted, millis(n.due), n.note, chain[:], e.Raw); err != nil {
			return err
		}
		if err := changed.take(ctx, n); err != nil {
			return err
		}
		if err := b.stand(ctx, tx, e.Body, n); err != nil {
			return err
		}
	}
	return changed.flush(ctx)
}

// before is the moment of the last event taken in.
func (b Batch) before(ctx context.Context, q queryer, l Ledger) (moment, error) {
	var m moment
	var uptime, at int64
	err := q.QueryRowContext(ctx, `SELECT boot, uptime, at FROM events WHERE station = ? AND ledger = ? AND seq = ?`, b.Station, id(b.Ledger), l.Cursor).Scan(&m.boot, &uptime, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return m, nil
	}
	m.uptime, m.at = time.Duration(uptime)*time.Millisecond, fromMillis(at)
	return m, err
}

func (b Batch) began(ctx context.Context, q queryer, boot uuid.UUID) (time.Time, error) {
	var ms int64
	err := q.QueryRowContext(ctx, `SELECT began FROM boots WHERE station = ? AND boot = ?`, b.Station, id(boot)).Scan(&ms)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return fromMillis(ms), err
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
	tx       *sql.Tx
	standing map[circ.ItemID]*standing
}

func (c items) of(ctx context.Context, item circ.ItemID) (*standing, error) {
	if s := c.standing[item]; s != nil {
		return s, nil
	}
	s := &standing{}
	var at, since, due int64
	var o loan
	err := c.tx.QueryRowContext(ctx, `SELECT p.station, p.place, p.at,
		COALESCE(l.station, ''), COALESCE(l.ledger, ''), COALESCE(l.seq, 0), COALESCE(l.patron, ''), COALESCE(l.acted, ''), COALESCE(l.at, 0), COALESCE(l.due, 0), COALESCE(l.renewed, 0), COALESCE(l.house, 0)
		FROM places p LEFT JOIN loans l ON l.item = p.item WHERE p.item = ?`, item).
		Scan(&s.where, &s.place, &at, &o.station, &o.ledger, &o.seq, &o.patron, &o.acted, &since, &due, &o.renewed, &o.house)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	s.at, o.at, o.due = fromMillis(at), fromMillis(since), fromMillis(due)
	if o.station != "" {
		s.loan = &o
	}
	c.standing[item] = s
	return s, nil
}

// take applies an event to the items it is about.
func (c items) take(ctx context.Context, n entry) error {
	if n.kind == "Undone" {
		return c.undo(ctx, n)
	}
	about := n.counted
	if n.item != "" {
		about = []circ.ItemID{n.item}
	}
	for _, item := range about {
		s, err := c.of(ctx, item)
		if err != nil {
			return err
		}
		*s = s.after(n)
	}
	return nil
}

// undo takes an event out of the history and adds the item's events up again,
// in the order they were taken in.
func (c items) undo(ctx context.Context, n entry) error {
	var item circ.ItemID
	err := c.tx.QueryRowContext(ctx, `UPDATE events SET undone = 1 WHERE station = ? AND ledger = ? AND seq = ? AND seq < ? RETURNING item`,
		n.station, n.ledger, n.undoes, n.seq).Scan(&item)
	if errors.Is(err, sql.ErrNoRows) || err == nil && item == "" {
		return nil
	}
	if err != nil {
		return err
	}
	history, err := collect(ctx, c.tx, func(scan func(...any) error) (e entry, err error) {
		var at, due int64
		err = scan(&e.station, &e.ledger, &e.seq, &e.kind, &at, &e.item, &e.patron, &e.acted, &due, &e.note)
		e.at, e.due = fromMillis(at), fromMillis(due)
		return e, err
	}, `SELECT station, ledger, seq, kind, at, item, patron, acted, due, note FROM events WHERE item = ? AND undone = 0 ORDER BY received, station, seq`, item)
	if err != nil {
		return err
	}
	s := standing{}
	for _, e := range history {
		s = s.after(e)
	}
	c.standing[item] = &s
	return nil
}

func (c items) flush(ctx context.Context) error {
	for item, s := range c.standing {
		if s.where == "" {
			if _, err := c.tx.ExecContext(ctx, `DELETE FROM places WHERE item = ?`, item); err != nil {
				return err
			}
		} else if _, err := c.tx.ExecContext(ctx, `INSERT INTO places (item, station, place, at) VALUES (?, ?, ?, ?)
			ON CONFLICT (item) DO UPDATE SET station = excluded.station, place = excluded.place, at = excluded.at`,
			item, s.where, s.place, millis(s.at)); err != nil {
			return err
		}
		if s.loan == nil {
			if _, err := c.tx.ExecContext(ctx, `DELETE FROM loans WHERE item = ?`, item); err != nil {
				return err
			}
			continue
		}
		o := s.loan
		if _, err := c.tx.ExecContext(ctx, `INSERT INTO loans (item, station, ledger, seq, patron, acted, at, due, renewed, house) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (item) DO UPDATE SET station = excluded.station, ledger = excluded.ledger, seq = excluded.seq, patron = excluded.patron, acted = excluded.acted,
			at = excluded.at, due = excluded.due, renewed = excluded.renewed, house = excluded.house`,
			item, o.station, o.ledger, o.seq, o.patron, o.acted, millis(o.at), millis(o.due), o.renewed, bit(o.house)); err != nil {
			return err
		}
	}
	return nil
}
