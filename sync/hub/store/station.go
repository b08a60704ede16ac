package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
)

const stationColumns = `SELECT s.id, s.title, s.enrolled, s.revoked, s.pending_since, s.online, s.heard, s.boot, s.session, s.ledger, s.reported, s.behind_since, s.version,
	s.stream, s.told + (SELECT COUNT(*) FROM needs n WHERE n.station = s.id AND n.turn > 0) + (SELECT COUNT(*) FROM standing n WHERE n.station = s.id AND n.turn > 0),
	s.taken, COALESCE(l.cursor, 0),
	COALESCE((SELECT MAX(e.at) FROM events e WHERE e.station = s.id), 0),
	(SELECT COUNT(*) FROM loans o WHERE o.station = s.id),
	COALESCE((SELECT MAX(c.expires) FROM certificates c WHERE c.station = s.id AND c.revoked = 0), 0)
	FROM stations s LEFT JOIN ledgers l ON l.station = s.id AND l.ledger = s.ledger`

func scanStation(scan func(...any) error) (st Station, err error) {
	var enrolled, revoked, pending, expires, heard, behind, last int64
	var boot, ledger, stream string
	err = scan(&st.ID, &st.Title, &enrolled, &revoked, &pending, &st.Online, &heard, &boot, &st.Session, &ledger, &st.Reported, &behind, &st.Version,
		&stream, &st.Told, &st.Taken, &st.Cursor, &last, &st.Loans, &expires)
	st.Enrolled, st.Heard, st.BehindSince, st.LastEvent = fromMillis(enrolled), fromMillis(heard), fromMillis(behind), fromMillis(last)
	st.Revoked, st.PendingSince, st.Expires = fromMillis(revoked), fromMillis(pending), fromMillis(expires)
	st.Boot, st.Ledger, st.Stream = fromID(boot), fromID(ledger), fromID(stream)
	return st, err
}

func (s *base) Stations(ctx context.Context) ([]Station, error) {
	all, err := collect(ctx, s.read, scanStation, stationColumns+` ORDER BY s.id`)
	if err != nil {
		return nil, err
	}
	type named struct {
		station circ.StationID
		Condition
	}
	conditions, err := collect(ctx, s.read, func(scan func(...any) error) (c named, err error) {
		var since int64
		err = scan(&c.station, &c.Name, &c.Detail, &since)
		c.Since = fromMillis(since)
		return c, err
	}, `SELECT station, name, detail, since FROM conditions ORDER BY since, name`)
	if err != nil {
		return nil, err
	}
	of := make(map[circ.StationID][]Condition)
	for _, c := range conditions {
		of[c.station] = append(of[c.station], c.Condition)
	}
	for i := range all {
		all[i].Conditions = of[all[i].ID]
	}
	return all, nil
}

func (s *base) Station(ctx context.Context, station circ.StationID) (Station, error) {
	st, err := scanStation(s.read.QueryRowContext(ctx, stationColumns+` WHERE s.id = ?`, station).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Station{}, ErrNoStation
	}
	if err != nil {
		return Station{}, err
	}
	st.Conditions, err = collect(ctx, s.read, func(scan func(...any) error) (c Condition, err error) {
		var since int64
		err = scan(&c.Name, &c.Detail, &since)
		c.Since = fromMillis(since)
		return c, err
	}, `SELECT name, detail, since FROM conditions WHERE station = ? ORDER BY since, name`, station)
	return st, err
}

func (s *base) Seen(ctx context.Context, p Presence) (current bool, err error) {
	err = s.change(ctx, "note presence of "+string(p.Station), func(tx *sql.Tx) error {
		if err := exists(ctx, tx, p.Station); err != nil {
			return err
		}
		// A birth is believed: it comes from a connection that was there. A will
		// or a farewell speaks for its own session and for no later one.
		where := ` WHERE id = ? AND (? OR boot = ? AND session = ?)`
		result, err := tx.ExecContext(ctx, `UPDATE stations SET online = ?, boot = ?, session = ?`+where,
			bit(p.Online), id(p.Boot), p.Session, p.Station, p.Online, id(p.Boot), p.Session)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		current = n > 0
		if err != nil || !current || p.Old {
			return err
		}
		return heard(ctx, tx, p.Station, p.At)
	})
	return current, err
}

func heard(ctx context.Context, tx *sql.Tx, station circ.StationID, at time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE stations SET heard = ? WHERE id = ? AND heard < ?`, millis(at), station, millis(at))
	return err
}

func exists(ctx context.Context, q queryer, station circ.StationID) error {
	var n int
	if err := q.QueryRowContext(ctx, `SELECT COUNT(*) FROM stations WHERE id = ?`, station).Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return ErrNoStation
	}
	return nil
}

func (s *base) Raise(ctx context.Context, station circ.StationID, c Condition) error {
	return s.change(ctx, "raise "+c.Name, func(tx *sql.Tx) error { return raise(ctx, tx, station, c) })
}

// raise keeps the time since when, when the condition holds already.
func raise(ctx context.Context, tx *sql.Tx, station circ.StationID, c Condition) error {
	if err := exists(ctx, tx, station); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO conditions (station, name, detail, since) VALUES (?, ?, ?, ?)
		ON CONFLICT (station, name) DO UPDATE SET detail = excluded.detail`, station, c.Name, c.Detail, millis(c.Since))
	return err
}

func (s *base) Clear(ctx context.Context, station circ.StationID, name string) error {
	return s.change(ctx, "clear "+name, func(tx *sql.Tx) error { return clear(ctx, tx, station, name) })
}

func clear(ctx context.Context, tx *sql.Tx, station circ.StationID, name string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM conditions WHERE station = ? AND name = ?`, station, name)
	return err
}

func ledger(ctx context.Context, q queryer, station circ.StationID, which uuid.UUID) (Ledger, error) {
	l := Ledger{ID: which}
	var chain []byte
	err := q.QueryRowContext(ctx, `SELECT cursor, chain, state FROM ledgers WHERE station = ? AND ledger = ?`, station, id(which)).Scan(&l.Cursor, &chain, &l.State)
	copy(l.Chain[:], chain)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoLedger
	}
	return l, err
}
