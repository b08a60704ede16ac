package store

import (
	"cmp"
	"context"
	"database/sql"
	"maps"
	"slices"
	"time"

	"coldstation/sync/circ"
)

// Recalls are what stations are asked to take out. An item is recalled once, and asked
// for where it is: when it turns up at another station, that one is told instead.
type Recalls interface {
	// Recall asks for items, each in place of an earlier recall of it. One whose List
	// is empty is on RecallLibrary.
	Recall(ctx context.Context, all ...Recall) error
	// EndRecall asks for an item no longer.
	EndRecall(ctx context.Context, item circ.ItemID, at time.Time) error
	// RecallsNow are those that are open, or that a station took out and that have not
	// come to the library yet.
	RecallsNow(ctx context.Context) ([]Recall, error)
}

// RecallLibrary is the list of what no consignment waits for.
const RecallLibrary = "library"

// Recall is an item that is asked for.
type Recall struct {
	circ.Item
	List    string // the consignment that waits for it, or RecallLibrary
	For     string // what for, as the station's staff see it
	At      time.Time
	By      string
	Station circ.StationID // who is asked; "" when it is at none
	Lent    bool           // it is on loan
	Taken   time.Time      // when it was taken out; zero: it was not yet
}

func (s *base) Recall(ctx context.Context, all ...Recall) error {
	return s.change(ctx, "recall", func(tx *sql.Tx) error {
		for _, r := range all {
			if err := recall(ctx, tx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func recall(ctx context.Context, tx *sql.Tx, r Recall) error {
	if r.List == "" {
		r.List = RecallLibrary
	}
	if err := circ.CheckNotice(circ.RecallPut{ID: r.List, Items: []circ.ItemID{r.ID}, Title: r.For}); err != nil {
		return err
	}
	before, err := toldOf(ctx, tx, []any{r.ID})
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO recalls (item, list, title, at, who) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (item) DO UPDATE SET list = excluded.list, title = excluded.title, at = excluded.at, who = excluded.who, told = '', taken = 0, ended = 0`,
		r.ID, r.List, r.For, millis(r.At), r.By); err != nil {
		return err
	}
	return refollow(ctx, tx, before, []any{r.ID})
}

func (s *base) EndRecall(ctx context.Context, item circ.ItemID, at time.Time) error {
	return s.change(ctx, "end a recall", func(tx *sql.Tx) error { return endRecalls(ctx, tx, []circ.ItemID{item}, at) })
}

func endRecalls(ctx context.Context, tx *sql.Tx, items []circ.ItemID, at time.Time) error {
	var values []any
	for _, item := range items {
		values = append(values, item)
	}
	for some := range chunks(values) {
		if _, err := tx.ExecContext(ctx, `UPDATE recalls SET ended = ? WHERE ended = 0 AND item IN (`+marksFor(some)+`)`, append([]any{millis(at)}, some...)...); err != nil {
			return err
		}
	}
	return follow(ctx, tx, values)
}

// slip is a list of one station.
type slip struct {
	station circ.StationID
	list    string
}

// toldOf are the lists on which items stand.
func toldOf(ctx context.Context, tx *sql.Tx, items []any) (map[slip]bool, error) {
	on := make(map[slip]bool)
	for some := range chunks(items) {
		if _, err := collect(ctx, tx, func(scan func(...any) error) (none struct{}, err error) {
			var l slip
			err = scan(&l.station, &l.list)
			on[l] = true
			return none, err
		}, `SELECT told, list FROM recalls WHERE told <> '' AND item IN (`+marksFor(some)+`)`, some...); err != nil {
			return nil, err
		}
	}
	return on, nil
}

// follow looks where recalled items are now, and whether they were taken out.
func follow(ctx context.Context, tx *sql.Tx, items []any) error {
	before, err := toldOf(ctx, tx, items)
	if err != nil {
		return err
	}
	return refollow(ctx, tx, before, items)
}

// refollow tells the stations whose lists changed; before are those on which the items
// stood.
func refollow(ctx context.Context, tx *sql.Tx, before map[slip]bool, items []any) error {
	changed, known := before, false
	for some := range chunks(items) {
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM recalls WHERE item IN (`+marksFor(some)+`))`, some...).Scan(&known); err != nil {
			return err
		}
		if !known {
			continue
		}
		// Taken out: said by a station after it was asked, as far as clocks can tell.
		if _, err := tx.ExecContext(ctx, `UPDATE recalls SET taken = COALESCE((SELECT MAX(e.at) FROM events e WHERE e.item = recalls.item AND e.item <> '' AND e.kind = 'TakenOut' AND e.undone = 0 AND e.at + e.err >= recalls.at), 0)
			WHERE item IN (`+marksFor(some)+`)`, some...); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE recalls SET told = CASE WHEN taken > 0 OR ended > 0 THEN '' ELSE COALESCE(
			(SELECT p.station FROM places p WHERE p.item = recalls.item AND p.place NOT IN ('away', 'lost')),
			(SELECT l.station FROM loans l WHERE l.item = recalls.item),
			(SELECT i.home FROM items i WHERE i.id = recalls.item AND NOT EXISTS (SELECT 1 FROM places p WHERE p.item = i.id)), '') END
			WHERE item IN (`+marksFor(some)+`)`, some...); err != nil {
			return err
		}
		after, err := toldOf(ctx, tx, some)
		if err != nil {
			return err
		}
		maps.Copy(changed, after)
	}
	lists := slices.SortedFunc(maps.Keys(changed), func(a, b slip) int {
		return cmp.Or(cmp.Compare(a.station, b.station), cmp.Compare(a.list, b.list))
	})
	for _, l := range lists {
		if err := tellRecall(ctx, tx, l); err != nil {
			return err
		}
	}
	return nil
}

// tellRecall tells a station a list as it stands, if that is news.
func tellRecall(ctx context.Context, tx *sql.Tx, l slip) error {
	put := circ.RecallPut{ID: l.list}
	var err error
	put.Items, err = collect(ctx, tx, func(scan func(...any) error) (item circ.ItemID, err error) {
		err = scan(&item, &put.Title)
		return item, err
	}, `SELECT item, title FROM recalls WHERE told = ? AND list = ? ORDER BY item`, l.station, l.list)
	if err != nil {
		return err
	}
	var known bool
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM stations WHERE id = ?)`, l.station).Scan(&known); err != nil || !known {
		return err
	}
	on, err := collect(ctx, tx, func(scan func(...any) error) (item circ.ItemID, err error) {
		err = scan(&item)
		return item, err
	}, `SELECT item FROM listed WHERE station = ? AND topic = ? ORDER BY item`, l.station, topicOf(put, 0).name)
	if err != nil || slices.Equal(on, put.Items) {
		return err
	}
	return tell(ctx, tx, l.station, []circ.NoticeBody{put})
}

func (s *base) RecallsNow(ctx context.Context) ([]Recall, error) {
	return collect(ctx, s.read, func(scan func(...any) error) (r Recall, err error) {
		var at, taken int64
		err = scan(&r.ID, &r.Title, &r.Author, &r.List, &r.For, &at, &r.By, &r.Station, &taken, &r.Lent)
		r.At, r.Taken = fromMillis(at), fromMillis(taken)
		return r, err
	}, `SELECT r.item, COALESCE(i.title, ''), COALESCE(i.author, ''), r.list, r.title, r.at, r.who, r.told, r.taken, EXISTS (SELECT 1 FROM loans l WHERE l.item = r.item)
		FROM recalls r LEFT JOIN items i ON i.id = r.item WHERE r.ended = 0 ORDER BY r.told, i.title, r.item`)
}
