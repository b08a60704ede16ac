package store

import (
	"context"
	"strings"
	"time"
	"unicode"

	"coldstation/sync/circ"
)

// StockQuery says which items: all that hold of it.
type StockQuery struct {
	ID circ.ItemID
	// Find keeps those of which a word of title, author or identifier begins with each
	// of its words, accents apart: but å, ä and ö where they are typed. Where there are
	// none, each of its words is somewhere in them.
	Find    string
	Station circ.StationID
	Place   string
	// Unseen keeps those that were last seen before it. What is on loan is not
	// missed.
	Unseen      time.Time
	Skip, Limit int
}

// ItemEvent is an event of an item, and where.
type ItemEvent struct {
	Event
	Station circ.StationID
}

func (s *base) Stock(ctx context.Context, q StockQuery) ([]Item, error) {
	match := matching(q.Find)
	all, err := s.stock(ctx, q, match)
	if err == nil && len(all) == 0 && match != "" {
		all, err = s.stock(ctx, q, "")
	}
	return all, err
}

// matching is what a search for words is in SQLite's full text; "" where there is a
// word without letters and figures.
func matching(find string) string {
	var all []string
	for _, word := range strings.Fields(strings.ToLower(find)) {
		if !strings.ContainsFunc(word, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }) {
			return ""
		}
		all = append(all, `"`+strings.ReplaceAll(word, `"`, `""`)+`"*`)
	}
	return strings.Join(all, " ")
}

func (s *base) stock(ctx context.Context, q StockQuery, match string) ([]Item, error) {
	where, args := []string{"1 = 1"}, []any{}
	add := func(condition string, values ...any) {
		where, args = append(where, condition), append(args, values...)
	}
	if match != "" {
		add("i.id IN (SELECT item FROM item_numbers WHERE n IN (SELECT rowid FROM item_words WHERE item_words MATCH ?))", match)
	}
	for _, word := range strings.Fields(q.Find) {
		if match == "" || strings.ContainsAny(strings.ToLower(word), "åäö") {
			add("i.search LIKE ? ESCAPE '!'", like(word))
		}
	}
	if q.ID != "" {
		add("i.id = ?", q.ID)
	}
	if q.Station != "" {
		add("p.station = ?", q.Station)
	}
	if q.Place != "" {
		add("p.place = ?", q.Place)
	}
	if !q.Unseen.IsZero() {
		add("p.at < ? AND p.place NOT IN ('loan', 'away', 'lost')", millis(q.Unseen))
	}
	return collect(ctx, s.read, func(scan func(...any) error) (i Item, err error) {
		var seen int64
		err = scan(&i.ID, &i.Title, &i.Author, &i.Year, &i.Language, &i.Subject, &i.Marks, &i.Parts, &i.Home, blobColumn{&i.Cover}, &i.Station, &i.Place, &seen)
		i.Seen = fromMillis(seen)
		return i, err
	}, `SELECT `+itemColumns+`, COALESCE(p.station, ''), COALESCE(p.place, ''), COALESCE(p.at, 0) FROM items i LEFT JOIN places p ON p.item = i.id
		WHERE `+strings.Join(where, " AND ")+` ORDER BY i.title, i.id LIMIT ? OFFSET ?`, append(args, q.Limit, q.Skip)...)
}

func (s *base) Places(ctx context.Context, station circ.StationID) (map[string]int, error) {
	all := make(map[string]int)
	_, err := collect(ctx, s.read, func(scan func(...any) error) (none struct{}, err error) {
		var place string
		var n int
		err = scan(&place, &n)
		all[place] = n
		return none, err
	}, `SELECT place, COUNT(*) FROM places WHERE station = ? GROUP BY place`, station)
	return all, err
}

func (s *base) ItemEvents(ctx context.Context, item circ.ItemID, limit int) ([]ItemEvent, error) {
	return collect(ctx, s.read, func(scan func(...any) error) (e ItemEvent, err error) {
		var at, received int64
		err = scan(&e.Station, &e.Seq, &e.Kind, &at, &received, &e.Clock, &e.Item, &e.Title, &e.Note, &e.Undone)
		e.At, e.Received = fromMillis(at), fromMillis(received)
		return e, err
	}, `SELECT e.station, e.seq, e.kind, e.at, e.received, e.clock, e.item, COALESCE(i.title, ''), e.note, e.undone
		FROM events e LEFT JOIN items i ON i.id = e.item WHERE e.item = ? AND e.item <> '' ORDER BY e.at DESC, e.received DESC, e.seq DESC LIMIT ?`, item, limit)
}
