package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"coldstation/sync/circ"
)

// Reports are what librarians ask for. None of them names a patron.
type Reports interface {
	// Uses counts what happened, without what was taken back.
	Uses(ctx context.Context, q UseQuery) (Uses, error)
	// Stock finds items, by title.
	Stock(ctx context.Context, q StockQuery) ([]Item, error)
	// Places counts a station's items by where they were last.
	Places(ctx context.Context, station circ.StationID) (map[string]int, error)
	// ItemEvents is what happened to an item anywhere, the last first.
	ItemEvents(ctx context.Context, item circ.ItemID, limit int) ([]ItemEvent, error)
}

// UseQuery says what to count.
type UseQuery struct {
	Station circ.StationID   // "" for all
	Among   []circ.StationID // which are all; nil for every one
	Span
	Before Span           // to compare with; zero for nothing
	Steps  []time.Time    // where each begins, in order; none before From
	Place  *time.Location // whose hours; nil is UTC
}

// Span is from From to before To.
type Span struct{ From, To time.Time }

func (s Span) has(at int64) bool { return at >= millis(s.From) && at < millis(s.To) }

// Use is how much something was used.
type Use struct {
	Loans, Returns, Renewals, ReadHere, House int
	Cards                                     int // distinct ones that borrowed, renewed or returned; one card at two stations is one
	New                                       int // of the cards: used there for the first time
}

// Uses are figures of a station or of all.
type Uses struct {
	Use
	Before Use
	Steps  []Use
	Hours  [24]Use // of the day, without cards
	// By and ByBefore are those of all stations where anything happened, whichever was
	// asked for; without New.
	By, ByBefore map[circ.StationID]Use
	Items        map[circ.StationID]int // that are there or on loan from there now
	Unmoved      int                    // on the shelf since before From, and not lent or read since
	Lost         map[circ.StationID]int // should be on the shelf, and were not seen when it was last counted, which was in the time
}

// counting is how a card is known in one group: who they are, at one of the steps or
// stations, or everywhere.
type counting struct {
	use   *Use
	cards map[string]bool
}

func (c counting) add(kind, card string) {
	switch kind {
	case "CheckedOut":
		c.use.Loans++
	case "CheckedIn":
		c.use.Returns++
	case "Renewed":
		c.use.Renewals++
	case "ReadHere":
		c.use.ReadHere++
	case "LentToHouse":
		c.use.House++
	}
	if card != "" && c.cards != nil && !c.cards[card] {
		c.cards[card] = true
		c.use.Cards++
	}
}

func counted(use *Use) counting { return counting{use, make(map[string]bool)} }

// Uses reads each event once, since a card counts once in each of the groups that
// overlap.
func (s *base) Uses(ctx context.Context, q UseQuery) (u Uses, err error) {
	u.Steps, u.By, u.ByBefore = make([]Use, len(q.Steps)), make(map[circ.StationID]Use), make(map[circ.StationID]Use)
	now, before := counted(&u.Use), counted(&u.Before)
	steps := make([]counting, len(q.Steps))
	for i := range steps {
		steps[i] = counted(&u.Steps[i])
	}
	err = s.eachUse(ctx, q, q.Span, u.By, func(at, till int64, kind, card string) {
		now.add(kind, card)
		if i := q.step(at); i >= 0 && i == q.step(till) {
			steps[i].add(kind, card)
		}
		counting{use: &u.Hours[q.hour(at)]}.add(kind, "")
	})
	if err != nil {
		return u, err
	}
	if err := s.eachUse(ctx, q, q.Before, u.ByBefore, func(_, _ int64, kind, card string) { before.add(kind, card) }); err != nil {
		return u, err
	}
	if err := s.firstUses(ctx, q, now, before, steps); err != nil {
		return u, err
	}
	return u, s.shelves(ctx, q, &u)
}

// step is the one at a time, -1 for before the first.
func (q UseQuery) step(at int64) int {
	i, found := slices.BinarySearchFunc(q.Steps, at, func(t time.Time, at int64) int { return int(millis(t) - at) })
	if !found {
		i--
	}
	return i
}

func (q UseQuery) hour(at int64) int {
	place := q.Place
	if place == nil {
		place = time.UTC
	}
	return time.UnixMilli(at).In(place).Hour()
}

// among limits a query to the stations asked for: a condition on a column of their
// names, which may be empty.
func (q UseQuery) among(column string, args *[]any) string {
	if q.Station != "" {
		*args = append(*args, q.Station)
		return " AND " + column + " = ?"
	}
	if q.Among == nil {
		return ""
	}
	some := make([]any, len(q.Among))
	for i, station := range q.Among {
		some[i] = station
	}
	*args = append(*args, some...)
	return " AND " + column + " IN (" + marksFor(some) + ")"
}

// whose is the card of an event e, whose reference is r; "" for none.
const whose = `CASE WHEN e.patron = '' THEN '' ELSE COALESCE(r.patron, e.station || '/' || e.patron) END`

// eachUse gives what happened in a time where it was asked for, and counts it at each
// of all stations; and for whole months the cards of what is not linked any more. From
// stations on, so that each is read by its own index on time.
func (s *base) eachUse(ctx context.Context, q UseQuery, in Span, by map[circ.StationID]Use, each func(at, till int64, kind, card string)) error {
	if in == (Span{}) {
		return nil
	}
	all := q
	all.Station = ""
	args := []any{millis(in.From), millis(in.To)}
	groups := make(map[circ.StationID]counting)
	add := func(station circ.StationID, at, till int64, kind, card string) {
		group, found := groups[station]
		if !found {
			group = counted(new(Use))
			groups[station] = group
		}
		group.add(kind, card)
		if q.Station == "" || station == q.Station {
			each(at, till, kind, card)
		}
	}
	_, err := collect(ctx, s.read, func(scan func(...any) error) (none struct{}, err error) {
		var station circ.StationID
		var at int64
		var kind, card string
		err = scan(&station, &at, &kind, &card)
		add(station, at, at, kind, card)
		return none, err
	}, `SELECT e.station, e.at, e.kind, `+whose+` FROM stations s JOIN events e ON e.station = s.id AND e.at >= ? AND e.at < ?
		LEFT JOIN refs r ON r.station = e.station AND r.ref = e.patron
		WHERE e.undone = 0 AND e.kind IN ('CheckedOut', 'CheckedIn', 'Renewed', 'ReadHere', 'LentToHouse')`+all.among("s.id", &args), args...)
	if err != nil {
		return err
	}
	args = []any{millis(in.From), millis(in.To)}
	where := all.among("v.station", &args)
	_, err = collect(ctx, s.read, func(scan func(...any) error) (none struct{}, err error) {
		var station circ.StationID
		var begins, ends int64
		var card string
		err = scan(&station, &begins, &ends, &card)
		add(station, begins, ends-1, "", card)
		return none, err
	}, `SELECT v.station, v.begins, v.ends, COALESCE(m.card, v.mark) FROM visits v LEFT JOIN marks m ON m.mark = v.mark WHERE v.begins >= ? AND v.ends <= ?`+where, args...)
	for station, group := range groups {
		by[station] = *group.use
	}
	return err
}

// firstUses counts the cards that were met for the first time where it was asked for.
func (s *base) firstUses(ctx context.Context, q UseQuery, now, before counting, steps []counting) error {
	since := q.From
	if !q.Before.From.IsZero() && q.Before.From.Before(since) {
		since = q.Before.From
	}
	args := []any{}
	among := q.among("e.station", &args)
	_, err := collect(ctx, s.read, func(scan func(...any) error) (none struct{}, err error) {
		var card string
		var at int64
		if err = scan(&card, &at); err != nil {
			return none, err
		}
		if q.has(at) && now.cards[card] {
			now.use.New++
		}
		if q.Before.has(at) && before.cards[card] {
			before.use.New++
		}
		if i := q.step(at); q.has(at) && i >= 0 && steps[i].cards[card] {
			steps[i].use.New++
		}
		return none, nil
	}, `SELECT `+whose+`, MIN(e.at) FROM events e LEFT JOIN refs r ON r.station = e.station AND r.ref = e.patron
		WHERE e.kind = 'PatronMet'`+among+` GROUP BY 1 HAVING MIN(e.at) >= ?`, append(args, millis(since))...)
	return err
}

// oneCount is how long counting a shelf takes at most: what is seen in it is seen by
// the same count.
const oneCount = 12 * time.Hour

// shelves counts the items.
func (s *base) shelves(ctx context.Context, q UseQuery, u *Uses) error {
	number := func(query string, args ...any) (map[circ.StationID]int, error) {
		all := make(map[circ.StationID]int)
		_, err := collect(ctx, s.read, func(scan func(...any) error) (none struct{}, err error) {
			var station circ.StationID
			var n int
			err = scan(&station, &n)
			all[station] = n
			return none, err
		}, query, args...)
		return all, err
	}
	var args []any
	where := q.among("p.station", &args)
	var err error
	if u.Items, err = number(`SELECT p.station, COUNT(*) FROM places p WHERE p.place NOT IN ('away', 'lost')`+where+` GROUP BY p.station`, args...); err != nil {
		return err
	}
	args = []any{millis(q.From), millis(q.To), oneCount.Milliseconds()}
	where = q.among("p.station", &args)
	u.Lost, err = number(`SELECT p.station, COUNT(*) FROM (SELECT station, MAX(at) AS at FROM events WHERE kind = 'ShelfCounted' AND at >= ? AND at < ? GROUP BY station) AS c
		JOIN places p ON p.station = c.station AND p.place = 'shelf' AND p.at < c.at - ?`+where+` GROUP BY p.station`, args...)
	if err != nil {
		return err
	}
	args = []any{millis(q.From), millis(q.From), millis(q.To)}
	where = q.among("p.station", &args)
	err = s.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM places p WHERE p.place = 'shelf'
		AND EXISTS (SELECT 1 FROM events b WHERE b.item = p.item AND b.station = p.station AND b.at < ?)
		AND NOT EXISTS (SELECT 1 FROM events e WHERE e.item = p.item AND e.at >= ? AND e.at < ? AND e.station = p.station AND e.undone = 0
			AND e.kind IN ('CheckedOut', 'LentToHouse', 'ReadHere'))`+where, args...).Scan(&u.Unmoved)
	if err != nil {
		return fmt.Errorf("count what did not move: %w", err)
	}
	return nil
}
