package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"coldstation/sync/circ"
)

// Reports are what librarians ask for. None of them names a patron.
type Reports interface {
	// Figures count what happened, without what was taken back. A group in which
	// nothing happened is left out.
	Figures(ctx context.Context, q FigureQuery) ([]Figure, error)
	// Unmoved is how many items are on a station's shelf, or on all, since before
	// from and were not lent from there between from and to.
	Unmoved(ctx context.Context, station circ.StationID, from, to time.Time) (int, error)
	// Stock finds items, by title.
	Stock(ctx context.Context, q StockQuery) ([]Item, error)
	// Places counts a station's items by where they were last.
	Places(ctx context.Context, station circ.StationID) (map[string]int, error)
	// ItemEvents is what happened to an item anywhere, the last first.
	ItemEvents(ctx context.Context, item circ.ItemID, limit int) ([]ItemEvent, error)
}

// FigureQuery says what to count: from From to before To, at a station or ("") at
// all.
type FigureQuery struct {
	Station  circ.StationID
	From, To time.Time
	By       FigureBy
	Steps    []time.Time    // ByStep: where each begins, in order
	Place    *time.Location // ByHour: whose hours; nil is UTC
}

// FigureBy is what figures are grouped by.
type FigureBy byte

// The groups of figures.
const (
	ByNothing FigureBy = iota
	ByStation
	ByHour // of the day, 0 to 23
	ByStep // counted from 0
)

// Figure is one group's figures.
type Figure struct {
	Station  circ.StationID // ByStation
	Index    int            // ByHour, ByStep
	Loans    int
	Returns  int
	Renewals int
	ReadHere int
	House    int
	Cards    int // distinct ones that borrowed, renewed or returned; one card at two stations is one
}

func (s *base) Figures(ctx context.Context, q FigureQuery) ([]Figure, error) {
	group := "''"
	switch q.By {
	case ByStation:
		group = "e.station"
	case ByHour:
		group = "((e.at + " + q.offset() + ") / 3600000) % 24"
	case ByStep:
		group = "0"
		for i, at := range q.Steps {
			group = fmt.Sprintf("CASE WHEN e.at >= %d THEN %d ELSE %s END", millis(at), i, group)
		}
	}
	kind := func(name string) string { return "COUNT(CASE WHEN e.kind = '" + name + "' THEN 1 END)" }
	// From stations on, so that each is read by its own index on time.
	return collect(ctx, s.read, func(scan func(...any) error) (f Figure, err error) {
		var by any = new(string)
		switch q.By {
		case ByStation:
			by = &f.Station
		case ByHour, ByStep:
			by = &f.Index
		}
		err = scan(by, &f.Loans, &f.Returns, &f.Renewals, &f.ReadHere, &f.House, &f.Cards)
		return f, err
	}, `SELECT `+group+`, `+strings.Join([]string{kind("CheckedOut"), kind("CheckedIn"), kind("Renewed"), kind("ReadHere"), kind("LentToHouse")}, ", ")+`,
		COUNT(DISTINCT CASE WHEN e.patron <> '' THEN COALESCE(r.patron, e.station || '/' || e.patron) END)
		FROM stations s JOIN events e ON e.station = s.id AND e.at >= ? AND e.at < ?
		LEFT JOIN refs r ON r.station = e.station AND r.ref = e.patron
		WHERE (s.id = ? OR ? = '') AND e.undone = 0 AND e.kind IN ('CheckedOut', 'CheckedIn', 'Renewed', 'ReadHere', 'LentToHouse')
		GROUP BY 1 ORDER BY 1`, millis(q.From), millis(q.To), q.Station, q.Station)
}

// offset is the place's distance from UTC in milliseconds at e.at: clocks are put
// forward and back within the time asked for.
func (q FigureQuery) offset() string {
	if q.Place == nil {
		return "0"
	}
	var cases strings.Builder
	at := q.From.In(q.Place)
	for {
		_, seconds := at.Zone()
		_, end := at.ZoneBounds()
		if end.IsZero() || !end.Before(q.To) {
			if cases.Len() == 0 {
				return fmt.Sprint(seconds * 1000)
			}
			return fmt.Sprintf("CASE%s ELSE %d END", cases.String(), seconds*1000)
		}
		fmt.Fprintf(&cases, " WHEN e.at < %d THEN %d", millis(end), seconds*1000)
		at = end
	}
}

func (s *base) Unmoved(ctx context.Context, station circ.StationID, from, to time.Time) (n int, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM places p WHERE p.place = 'shelf' AND (p.station = ? OR ? = '')
		AND EXISTS (SELECT 1 FROM events b WHERE b.item = p.item AND b.station = p.station AND b.at < ?)
		AND NOT EXISTS (SELECT 1 FROM events e WHERE e.item = p.item AND e.at >= ? AND e.at < ? AND e.station = p.station AND e.undone = 0
			AND e.kind IN ('CheckedOut', 'LentToHouse', 'ReadHere'))`, station, station, millis(from), millis(from), millis(to)).Scan(&n)
	return n, err
}
