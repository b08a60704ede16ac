package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/wire"
)

// clocks are those of one station, as a ledger of it tells of them.
type clocks struct {
	tx      *sql.Tx
	by      taking
	station circ.StationID
	ledger  uuid.UUID
}

// Clocks is what is kept of the stations' clocks.
type Clocks interface {
	// Timed notes when a station was asked for its clock and what it answered, and
	// tells anew when what happened in that run of its computer happened.
	Timed(ctx context.Context, t Trip) error
}

// Trip is a station's clock, asked for and answered.
type Trip struct {
	Station circ.StationID
	Boot    uuid.UUID
	Uptime  time.Duration // as it answered
	At      time.Time     // received
	Took    time.Duration // since it was asked
}

func (s *base) Timed(ctx context.Context, t Trip) error {
	return s.change(ctx, "hear the clock of "+string(t.Station), func(tx *sql.Tx) error {
		var ledger string
		if err := tx.QueryRowContext(ctx, `SELECT ledger FROM stations WHERE id = ?`, t.Station).Scan(&ledger); err != nil {
			return err
		}
		half := t.Took / 2
		return clocks{tx, s.taking, t.Station, fromID(ledger)}.hear(ctx, t.Boot, start{guess{t.At.Add(-half - t.Uptime), half}, t.Uptime})
	})
}

// start is the run's that a message tells which nobody asked for. Only that it
// was not later is known: the quickest message errs least.
func (r Report) start() start { return start{guess{r.At.Add(-r.Uptime), oneWay}, r.Uptime} }

// hear keeps when a run began if that is news, and tells anew when what happened
// in that run happened.
func (c clocks) hear(ctx context.Context, boot uuid.UUID, told start) error {
	old, known, err := c.start(ctx, boot)
	switch {
	case err != nil:
		return err
	case !known:
	case told.err == oneWay && (old.err < oneWay || !told.at.Before(old.at)), !told.better(old):
		return nil
	}
	if err := c.learn(ctx, boot, told); err != nil || known && old.err < oneWay {
		return err
	}
	return c.again(ctx, boot)
}

func (c clocks) learn(ctx context.Context, boot uuid.UUID, s start) error {
	_, err := c.tx.ExecContext(ctx, `INSERT INTO boots (station, boot, began, err, heard) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (station, boot) DO UPDATE SET began = excluded.began, err = excluded.err, heard = excluded.heard`,
		c.station, id(boot), millis(s.at), s.err.Milliseconds(), s.heard.Milliseconds())
	return err
}

func (c clocks) start(ctx context.Context, boot uuid.UUID) (s start, known bool, err error) {
	var began, off, heard int64
	err = c.tx.QueryRowContext(ctx, `SELECT began, err, heard FROM boots WHERE station = ? AND boot = ?`, c.station, id(boot)).Scan(&began, &off, &heard)
	if errors.Is(err, sql.ErrNoRows) {
		return s, false, nil
	}
	return start{guess{fromMillis(began), ms(off)}, ms(heard)}, err == nil, err
}

// starts are those known of the runs in which events were written.
func (c clocks) starts(ctx context.Context, all []reading) (map[uuid.UUID]start, error) {
	starts := make(map[uuid.UUID]start)
	var last uuid.UUID
	for i, r := range all {
		if i > 0 && r.Boot == last {
			continue
		}
		last = r.Boot
		s, known, err := c.start(ctx, r.Boot)
		if err != nil {
			return nil, err
		}
		if known {
			starts[r.Boot] = s
		}
	}
	return starts, nil
}

// read is when events happened that follow one which was taken in.
func (c clocks) read(ctx context.Context, cursor uint64, fresh []Taken, received time.Time) ([]reading, error) {
	all := make([]reading, len(fresh))
	for i, e := range fresh {
		all[i] = reading{Stamp: e.Stamp, received: received}
	}
	by, err := c.near(ctx, cursor, 0, all)
	if err != nil {
		return nil, err
	}
	return all, c.best(ctx, all, by)
}

// best sets when events happened, and keeps what they teach of their runs.
func (c clocks) best(ctx context.Context, all []reading, by near) error {
	starts, err := c.starts(ctx, all)
	if err != nil {
		return err
	}
	for boot, s := range best(all, by, starts) {
		if err := c.learn(ctx, boot, s); err != nil {
			return err
		}
	}
	return nil
}

// near is what is known beside events: those with the numbers before and after, and
// of a ledger's first that nobody had a key for it before the station was enrolled.
// A hub that is new knows a station only since, and believes its older clock.
func (c clocks) near(ctx context.Context, before, after uint64, all []reading) (by near, err error) {
	if by.before, err = c.one(ctx, before); err != nil || by.before != nil {
		if err == nil {
			by.after, err = c.one(ctx, after)
		}
		return by, err
	}
	var enrolled int64
	if err := c.tx.QueryRowContext(ctx, `SELECT enrolled FROM stations WHERE id = ?`, c.station).Scan(&enrolled); err != nil {
		return by, err
	}
	by.floor = fromMillis(enrolled)
	for _, r := range all {
		if early := r.Wall.Add(-kept); r.Clock >= circ.ClockHub && early.Before(by.floor) {
			by.floor = early
		}
	}
	by.after, err = c.one(ctx, after)
	return by, err
}

const readingColumns = `SELECT seq, boot, uptime, wall, clock, received, at, err FROM events WHERE station = ? AND ledger = ? AND `

// one is an event that was taken in; nil for none.
func (c clocks) one(ctx context.Context, seq uint64) (*reading, error) {
	if seq == 0 {
		return nil, nil
	}
	var r reading
	_, err := r.scan(c.tx.QueryRowContext(ctx, readingColumns+`seq = ?`, c.station, id(c.ledger), seq).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &r, err
}

func (r *reading) scan(scan func(...any) error) (seq uint64, err error) {
	var boot string
	var uptime, wall, received, at, off int64
	err = scan(&seq, &boot, &uptime, &wall, &r.Clock, &received, &at, &off)
	r.Boot, r.Uptime, r.Wall, r.received = fromID(boot), ms(uptime), time.UnixMilli(wall).UTC(), fromMillis(received)
	r.guess = guess{fromMillis(at), ms(off)}
	return seq, err
}

// stretch is a run of events that follow each other.
type stretch struct{ first, last uint64 }

// before tells anew when what came just before happened, once what follows is known
// better than that was.
func (c clocks) before(ctx context.Context, cursor uint64, off time.Duration) error {
	last, err := c.one(ctx, cursor)
	if err != nil || last == nil || last.err <= Unsure || off >= last.err {
		return err
	}
	unsure, err := c.unsure(ctx)
	if err != nil {
		return err
	}
	for _, s := range unsure {
		if s.first <= cursor && cursor <= s.last {
			return c.retime(ctx, stretch{s.first, cursor})
		}
	}
	return nil
}

// again tells anew when what happened in a run happened, and what bounds on it.
func (c clocks) again(ctx context.Context, boot uuid.UUID) error {
	unsure, err := c.unsure(ctx)
	if err != nil {
		return err
	}
	for _, s := range unsure {
		var touches bool
		if err := c.tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM events WHERE station = ? AND ledger = ? AND seq BETWEEN ? AND ? AND boot = ?)`,
			c.station, id(c.ledger), s.first, s.last+1, id(boot)).Scan(&touches); err != nil {
			return err
		}
		if touches {
			if err := c.retime(ctx, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// unsure are the stretches of events whose time is not known well.
func (c clocks) unsure(ctx context.Context) (all []stretch, err error) {
	seqs, err := collect(ctx, c.tx, func(scan func(...any) error) (seq uint64, err error) {
		err = scan(&seq)
		return seq, err
	}, `SELECT seq FROM events WHERE station = ? AND ledger = ? AND err > 60000 ORDER BY seq`, c.station, id(c.ledger))
	for _, seq := range seqs {
		if n := len(all); n > 0 && all[n-1].last+1 == seq {
			all[n-1].last = seq
		} else {
			all = append(all, stretch{seq, seq})
		}
	}
	return all, err
}

// retime works out once more when a stretch of events happened, and changes what
// came of the times they had: due dates, how items stand, and what waits to be
// posted.
func (c clocks) retime(ctx context.Context, s stretch) error {
	var seqs []uint64
	all, err := collect(ctx, c.tx, func(scan func(...any) error) (r reading, err error) {
		seq, err := r.scan(scan)
		seqs = append(seqs, seq)
		return r, err
	}, readingColumns+`seq BETWEEN ? AND ? ORDER BY seq`, c.station, id(c.ledger), s.first, s.last)
	if err != nil || len(all) == 0 {
		return err
	}
	was := make([]guess, len(all))
	for i, r := range all {
		was[i] = r.guess
	}
	by, err := c.near(ctx, s.first-1, s.last+1, all)
	if err != nil {
		return err
	}
	if err := c.best(ctx, all, by); err != nil {
		return err
	}
	changed := items{c.tx, c.by, make(map[circ.ItemID]*history)}
	about := make(map[circ.ItemID]bool)
	for i, r := range all {
		if r.guess == was[i] {
			continue
		}
		item, err := c.move(ctx, seqs[i], r)
		if err != nil {
			return err
		}
		if item != "" {
			about[item] = true
		}
	}
	for item := range about {
		if err := changed.again(ctx, item); err != nil {
			return err
		}
	}
	return changed.write(ctx)
}

// move gives an event another time, and answers its item.
func (c clocks) move(ctx context.Context, seq uint64, r reading) (item circ.ItemID, err error) {
	var raw []byte
	var due int64
	if err := c.tx.QueryRowContext(ctx, `SELECT item, due, raw FROM events WHERE station = ? AND ledger = ? AND seq = ?`, c.station, id(c.ledger), seq).Scan(&item, &due, &raw); err != nil {
		return "", err
	}
	if due != 0 && len(raw) > 0 { // as it was told there, as long as that is kept
		event, err := wire.ParseEvent(raw, nil)
		if err != nil {
			return "", fmt.Errorf("event %d of %s: %w", seq, c.station, err)
		}
		due = millis(promised(enter(event).due, r.Wall, r.at))
	}
	if _, err := c.tx.ExecContext(ctx, `UPDATE events SET at = ?, err = ?, due = ? WHERE station = ? AND ledger = ? AND seq = ?`,
		millis(r.at), r.err.Milliseconds(), due, c.station, id(c.ledger), seq); err != nil {
		return "", err
	}
	return item, requeue(ctx, c.tx, PostingKey{Station: c.station, Ledger: c.ledger, Seq: seq}, r.guess, fromMillis(due))
}
