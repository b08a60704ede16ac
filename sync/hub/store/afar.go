package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/wire"
)

// Afar is what librarians have stations be and do from afar. They tell it by Tell.
type Afar interface {
	// Standing is what a station was told last on each topic of its own, by topic: its
	// settings, what is on its screen, its lists; what it was told once, until it has
	// it. The library's collection and people are not in it.
	Standing(ctx context.Context, id circ.StationID) ([]Stands, error)
	// SentLog is the log that a station sent last; the zero one where it sent none.
	SentLog(ctx context.Context, id circ.StationID) (SentLog, error)
}

// Stands is a notice, and whether the station has it.
type Stands struct {
	Body circ.NoticeBody
	Had  bool
}

// SentLog is a station's log.
type SentLog struct {
	circ.LogSent
	Received time.Time
}

func (s *base) Standing(ctx context.Context, station circ.StationID) ([]Stands, error) {
	return collect(ctx, s.read, func(scan func(...any) error) (st Stands, err error) {
		var raw []byte
		if err = scan(&raw, &st.Had); err != nil {
			return st, err
		}
		n, err := wire.ParseNotice(raw)
		st.Body = n.Body
		return st, err
	}, `SELECT t.raw, t.turn = 0 AND t.seq > 0 AND t.seq <= s.taken FROM standing t JOIN stations s ON s.id = t.station
		WHERE t.station = ? AND t.ends = 0 AND t.topic NOT LIKE 'loan/%' AND t.topic NOT LIKE 'verdict/%' ORDER BY t.topic`, station)
}

func (s *base) SentLog(ctx context.Context, station circ.StationID) (l SentLog, err error) {
	var raw []byte
	var received int64
	err = s.read.QueryRowContext(ctx, `SELECT received, raw FROM events WHERE station = ? AND kind = 'LogSent' ORDER BY received DESC LIMIT 1`, station).Scan(&received, &raw)
	if errors.Is(err, sql.ErrNoRows) {
		return l, nil
	}
	if err != nil {
		return l, err
	}
	e, err := wire.ParseEvent(raw, nil)
	if err != nil {
		return l, fmt.Errorf("read a log of %s: %w", station, err)
	}
	l.LogSent, _ = e.Body.(circ.LogSent)
	l.Received = fromMillis(received)
	return l, nil
}
