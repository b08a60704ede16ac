package store

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"time"

	"coldstation/sync/circ"
)

// Learns is what is kept of a library system that the hub learns from, so that what
// is gone there, or has another number on its card, is so here too.
type Learns interface {
	// Collection is all that was imported.
	Collection(ctx context.Context) (Collection, error)
	// Learned is what is kept of a kind, by the library system's own numbers.
	Learned(ctx context.Context, ils string, kind LearnedKind) (map[int64]Learned, error)
	// Learn keeps some and lets go of the numbers that are gone. A card or an item that
	// no number is of any more is removed in the same transaction, with the
	// authorisations that name the card, and stations forget it.
	Learn(ctx context.Context, ils string, kind LearnedKind, some []Learned, gone []int64) error
	// Written are the postings with that note, in the order they happened.
	Written(ctx context.Context, ils, note string) ([]Posting, error)
	// Elsewhere reports whether none of the stations has the item on loan.
	Elsewhere(ctx context.Context, item circ.ItemID) (bool, error)
	// ReturnedElsewhere ends a station's loan of an item to that card, begun before a
	// time, since the item came back where no station saw it, and tells the station. It
	// changes nothing, and answers false, while anything about the item is on its way to
	// the library system: then what came back there may be an earlier loan.
	ReturnedElsewhere(ctx context.Context, ils string, item circ.ItemID, card circ.PatronID, at time.Time) (bool, error)
	// Expect has a station told of items that are on their way to it, in place of those
	// of the last time.
	Expect(ctx context.Context, station circ.StationID, items []circ.ItemID) error
}

// LearnedKind is what a number is of.
type LearnedKind string

// The kinds.
const (
	LearnedPatron LearnedKind = "patron"
	LearnedItem   LearnedKind = "item"
	LearnedLoan   LearnedKind = "loan"
)

// Learned is a number at a library system and what it is here.
type Learned struct {
	Number int64
	ID     string // a card or an item
	Note   string
	Pass   int64
}

func (s *base) Collection(ctx context.Context) (c Collection, err error) {
	if c.Items, err = itemPart.all(ctx, s.read); err != nil {
		return c, err
	}
	if c.Patrons, err = patronPart.all(ctx, s.read); err != nil {
		return c, err
	}
	if c.Policies, err = policyPart.all(ctx, s.read); err != nil {
		return c, err
	}
	c.Proxies, err = proxyPart.all(ctx, s.read)
	return c, err
}

func (s *base) Learned(ctx context.Context, ils string, kind LearnedKind) (map[int64]Learned, error) {
	all, err := collect(ctx, s.read, func(scan func(...any) error) (l Learned, err error) {
		err = scan(&l.Number, &l.ID, &l.Note, &l.Pass)
		return l, err
	}, `SELECT number, id, note, pass FROM learned WHERE ils = ? AND kind = ?`, ils, kind)
	known := make(map[int64]Learned, len(all))
	for _, l := range all {
		known[l.Number] = l
	}
	return known, err
}

func (s *base) Learn(ctx context.Context, ils string, kind LearnedKind, some []Learned, gone []int64) error {
	return s.change(ctx, "learn", func(tx *sql.Tx) error {
		left := make(map[string]bool)
		for _, l := range some {
			if err := leave(ctx, tx, ils, kind, l.Number, left); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO learned (ils, kind, number, id, note, pass) VALUES (?, ?, ?, ?, ?, ?)
				ON CONFLICT (ils, kind, number) DO UPDATE SET id = excluded.id, note = excluded.note, pass = excluded.pass`,
				ils, kind, l.Number, l.ID, l.Note, l.Pass); err != nil {
				return err
			}
		}
		for _, number := range gone {
			if err := leave(ctx, tx, ils, kind, number, left); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `DELETE FROM learned WHERE ils = ? AND kind = ? AND number = ?`, ils, kind, number); err != nil {
				return err
			}
		}
		for _, id := range slices.Sorted(maps.Keys(left)) {
			var has bool
			if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM learned WHERE kind = ? AND id = ?)`, kind, id).Scan(&has); err != nil {
				return err
			}
			if has {
				continue
			}
			if err := forget(ctx, tx, kind, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// leave takes note of what a number was of.
func leave(ctx context.Context, tx *sql.Tx, ils string, kind LearnedKind, number int64, left map[string]bool) error {
	var id string
	err := tx.QueryRowContext(ctx, `SELECT id FROM learned WHERE ils = ? AND kind = ? AND number = ?`, ils, kind, number).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	left[id] = true
	return err
}

// forget removes a card, with the authorisations that name it, or an item.
func forget(ctx context.Context, tx *sql.Tx, kind LearnedKind, id string) error {
	switch kind {
	case LearnedPatron:
		proxies, err := collect(ctx, tx, func(scan func(...any) error) (proxy string, err error) {
			err = scan(&proxy)
			return proxy, err
		}, `DELETE FROM proxies WHERE principal = ? OR agent = ? RETURNING id`, id, id)
		if err != nil {
			return err
		}
		for _, proxy := range proxies {
			if err := unneed(ctx, tx, needProxy, proxy); err != nil {
				return err
			}
		}
		for _, statement := range []string{`DELETE FROM cards WHERE patron = ?`, `DELETE FROM patrons WHERE id = ?`} {
			if _, err := tx.ExecContext(ctx, statement, id); err != nil {
				return err
			}
		}
		return unneed(ctx, tx, needPatron, id)
	case LearnedItem:
		if _, err := tx.ExecContext(ctx, `DELETE FROM items WHERE id = ?`, id); err != nil {
			return err
		}
		return unneed(ctx, tx, needItem, id)
	}
	return nil
}

// unneed has every station forget what is gone.
func unneed(ctx context.Context, tx *sql.Tx, kind int, key string) error {
	turn, err := nextTurn(ctx, tx)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE needs SET want = 0, turn = ? WHERE kind = ? AND key = ?`, turn, kind, key); err != nil {
		return err
	}
	return wake(ctx, tx, "", turn)
}

func (s *base) Written(ctx context.Context, ils, note string) ([]Posting, error) {
	return readPostings(ctx, s.read, ils, `WHERE p.ils = ? AND p.note = ? ORDER BY p.sorts, p.place`, note)
}

func (s *base) Elsewhere(ctx context.Context, item circ.ItemID) (bool, error) {
	var here bool
	err := s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM loans WHERE item = ?)`, item).Scan(&here)
	return !here, err
}

func (s *base) ReturnedElsewhere(ctx context.Context, ils string, item circ.ItemID, card circ.PatronID, at time.Time) (ended bool, err error) {
	err = s.change(ctx, "return "+string(item), func(tx *sql.Tx) error {
		var station circ.StationID
		err := tx.QueryRowContext(ctx, `DELETE FROM loans WHERE item = ? AND at < ? AND house = 0
			AND EXISTS (SELECT 1 FROM refs r WHERE r.station = loans.station AND r.ref = loans.patron AND r.patron = ?)
			AND NOT EXISTS (SELECT 1 FROM postings p WHERE p.ils = ? AND p.item = loans.item AND p.state IN ('pending', 'sent', 'unknown'))
			AND NOT EXISTS (SELECT 1 FROM events e LEFT JOIN post_marks m ON m.ils = ? AND m.station = e.station AND m.ledger = e.ledger
				WHERE e.item = loans.item AND e.seq > COALESCE(m.seq, 0))
			RETURNING station`, item, millis(at), card.Plaintext(), ils, ils).Scan(&station)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		ended = true
		if _, err := tx.ExecContext(ctx, `UPDATE places SET place = 'away', at = ? WHERE item = ? AND at < ?`, millis(at), item, millis(at)); err != nil {
			return err
		}
		var stream string
		if err := tx.QueryRowContext(ctx, `SELECT stream FROM stations WHERE id = ?`, station).Scan(&stream); err != nil || stream == "" {
			return err
		}
		return tell(ctx, tx, station, []circ.NoticeBody{circ.LoanGone{Item: item}})
	})
	return ended, err
}

func (s *base) Expect(ctx context.Context, station circ.StationID, items []circ.ItemID) error {
	const name = "expected"
	was, err := collect(ctx, s.read, func(scan func(...any) error) (item circ.ItemID, err error) {
		err = scan(&item)
		return item, err
	}, `SELECT item FROM listed WHERE station = ? AND topic = ? ORDER BY item`, station, name)
	if now := slices.Sorted(slices.Values(items)); err != nil || slices.Equal(was, slices.Compact(now)) {
		return err
	}
	return s.change(ctx, "expect items at "+string(station), func(tx *sql.Tx) error {
		if err := exists(ctx, tx, station); err != nil {
			return err
		}
		turn, err := nextTurn(ctx, tx)
		if err != nil {
			return err
		}
		if err := list(ctx, tx, station, topic{name: name, items: items}, turn); err != nil {
			return err
		}
		return wake(ctx, tx, station, turn)
	})
}
