package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"coldstation/sync/circ"
)

// What a station says of a consignment is never applied as it comes: each time that
// something is said of it, what became of the consignment is worked out anew from all
// that was said and not taken back. So it does not matter in what order that came, how
// late, or how often, nor by what name the station knew the box.

// sighting is that an item was at a station.
type sighting struct {
	item    circ.ItemID
	station circ.StationID
	at      time.Time
}

// voice is what a station said of one box: what carries its name, or one check
// without a name that is known.
type voice struct {
	named   string // as the station said
	at      time.Time
	checked bool
	here    []circ.ItemID // seen with it
}

// settle works out what became of consignments, keeps that, and tells their stations.
func settle(ctx context.Context, tx *sql.Tx, ids []string, at time.Time) error {
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		c, err := readConsignment(ctx, tx, id)
		if err != nil {
			return err
		}
		if c.State == Packing {
			continue
		}
		if err := settleOne(ctx, tx, c, at); err != nil {
			return err
		}
	}
	return nil
}

func settleOne(ctx context.Context, tx *sql.Tx, c Consignment, at time.Time) error {
	seen, err := sightings(ctx, tx, c)
	if err != nil {
		return err
	}
	voices, err := voicesOf(ctx, tx, c)
	if err != nil {
		return err
	}
	extra, err := extras(ctx, tx, c, voices)
	if err != nil {
		return err
	}
	was := c
	c.settled(seen, voices, extra, at)
	if err := keepLines(ctx, tx, was, c); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE consignments SET state = ?, received = ?, resolved = ? WHERE id = ?`, c.State, millis(c.Received), millis(c.Resolved), c.ID); err != nil {
		return err
	}
	return tellConsignment(ctx, tx, c)
}

// settled is what became of c: seen is where its items were, voices what was said of
// it, and extra what came with it.
func (c *Consignment) settled(seen map[circ.ItemID]sighting, voices []voice, extra []circ.ItemID, at time.Time) {
	done := !c.Closed.IsZero()
	c.Received = time.Time{}
	for _, v := range voices {
		done = done || v.checked
		c.Received = latest(c.Received, v.at)
	}
	var lines []Line
	waits, arrived := 0, len(voices) > 0
	for _, l := range c.Lines {
		if l.Packed.IsZero() {
			if l.Outcome != "" || slices.Contains(extra, l.ID) {
				lines = append(lines, l)
			}
			continue
		}
		s, found := seen[l.ID]
		l.Seen, l.Station = s.at, s.station
		switch {
		case found && s.station == c.Station:
			l.State, arrived = LineSeen, true
			c.Received = latest(c.Received, s.at)
		case l.MovedTo != "" || found:
			l.State = LineMoved
		default:
			l.State = LinePacked
			waits++
		}
		lines = append(lines, l)
	}
	for _, item := range extra {
		if !slices.ContainsFunc(lines, func(l Line) bool { return l.ID == item }) {
			lines = append(lines, Line{Item: circ.Item{ID: item}, State: LineExtra, Station: c.Station, Seen: c.Received})
		}
	}
	c.Lines, c.Counts, c.Open = lines, make(map[LineState]int), 0
	done = done || waits == 0
	for i, l := range lines {
		if done && l.State == LinePacked {
			lines[i].State = LineMissing
		}
		c.add(lines[i])
	}
	switch {
	case done && c.Open == 0:
		c.State = Resolved
		if c.Resolved.IsZero() {
			c.Resolved = at
		}
		return
	case done:
		c.State = Checked
	case arrived:
		c.State = Receiving
	default:
		c.State = Sent
	}
	c.Resolved = time.Time{}
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// sightings are where the items of c were since they were packed: at its station if
// ever there, else where they were last. What names c counts whatever the station's
// clock said.
func sightings(ctx context.Context, tx *sql.Tx, c Consignment) (map[circ.ItemID]sighting, error) {
	const bounds = ` l.consignment = ? AND l.packed > 0 AND e.undone = 0 AND (l.moved = 0 OR e.at < l.moved) AND (e.at + e.err >= l.packed OR e.station = ? AND e.note = ?)`
	all, err := collect(ctx, tx, func(scan func(...any) error) (s sighting, err error) {
		var at int64
		err = scan(&s.item, &s.station, &at)
		s.at = fromMillis(at)
		return s, err
	}, `SELECT l.item, e.station, e.at FROM consigned l JOIN events e ON e.item = l.item AND e.item <> ''
			WHERE e.kind IN ('Placed', 'TakenOut', 'CheckedOut', 'CheckedIn', 'LentToHouse', 'ReadHere') AND`+bounds+`
		UNION ALL SELECT l.item, e.station, e.at FROM consigned l JOIN listings k ON k.item = l.item AND k.how <> 'missing'
			JOIN events e ON e.station = k.station AND e.ledger = k.ledger AND e.seq = k.seq WHERE`+bounds,
		c.ID, c.Station, c.ID, c.ID, c.Station, c.ID)
	found := make(map[circ.ItemID]sighting, len(all))
	for _, s := range all {
		before, known := found[s.item]
		here, wasHere := s.station == c.Station, before.station == c.Station
		if !known || here && (!wasHere || s.at.Before(before.at)) || !here && !wasHere && s.at.After(before.at) {
			found[s.item] = s
		}
	}
	return found, err
}

// voicesOf are what its station said of c: under its name, or, where the name means
// nothing there, of more of its items than of any other's.
func voicesOf(ctx context.Context, tx *sql.Tx, c Consignment) ([]voice, error) {
	said := make(map[string]*voice)
	_, err := collect(ctx, tx, func(scan func(...any) error) (none struct{}, err error) {
		var ledger, kind, note, how string
		var seq uint64
		var at int64
		var item circ.ItemID
		if err := scan(&ledger, &seq, &kind, &note, &at, &item, &how); err != nil {
			return none, err
		}
		key := note
		if note == "" {
			key = fmt.Sprint(ledger, " ", seq)
		}
		v := said[key]
		if v == nil {
			v = &voice{named: note}
			said[key] = v
		}
		v.at, v.checked = latest(v.at, fromMillis(at)), v.checked || kind == "ConsignmentChecked"
		if how != "missing" && item != "" {
			v.here = append(v.here, item)
		}
		return none, nil
	}, `SELECT e.ledger, e.seq, e.kind, e.note, e.at, COALESCE(k.item, e.item), COALESCE(k.how, 'seen')
		FROM events e LEFT JOIN listings k ON k.station = e.station AND k.ledger = e.ledger AND k.seq = e.seq
		WHERE e.station = ? AND e.undone = 0 AND (e.kind = 'ConsignmentChecked' OR e.kind = 'Placed' AND e.note <> '') AND (e.note = ? OR e.at + e.err >= ?)
		ORDER BY e.ledger, e.seq`, c.Station, c.ID, millis(c.Sent))
	if err != nil || len(said) == 0 {
		return nil, err
	}
	boxes, known, err := boxesAt(ctx, tx, c.Station)
	if err != nil {
		return nil, err
	}
	var own []voice
	for _, key := range slices.Sorted(maps.Keys(said)) {
		v := *said[key]
		slices.Sort(v.here)
		v.here = slices.Compact(v.here)
		if v.named == c.ID || !known[v.named] && v.of(boxes) == c.ID {
			own = append(own, v)
		}
	}
	return own, nil
}

// of is the box that most of what was seen is in; of two the first.
func (v voice) of(boxes map[circ.ItemID][]string) (best string) {
	count := make(map[string]int)
	for _, item := range v.here {
		for _, box := range boxes[item] {
			count[box]++
		}
	}
	for _, box := range slices.Sorted(maps.Keys(count)) {
		if best == "" || count[box] > count[best] {
			best = box
		}
	}
	return best
}

// boxesAt are the consignments to a station, and which of them has what.
func boxesAt(ctx context.Context, tx *sql.Tx, station circ.StationID) (boxes map[circ.ItemID][]string, known map[string]bool, err error) {
	boxes, known = make(map[circ.ItemID][]string), make(map[string]bool)
	_, err = collect(ctx, tx, func(scan func(...any) error) (none struct{}, err error) {
		var item circ.ItemID
		var box string
		err = scan(&box, &item)
		boxes[item], known[box] = append(boxes[item], box), true
		return none, err
	}, `SELECT l.consignment, l.item FROM consigned l JOIN consignments c ON c.id = l.consignment
		WHERE c.station = ? AND c.state <> 'packing' AND l.packed > 0 AND l.moved = 0 ORDER BY c.sent, c.id`, station)
	return boxes, known, err
}

// extras are what was seen with c, belongs neither in it nor at its station, and is
// not looked for in another consignment.
func extras(ctx context.Context, tx *sql.Tx, c Consignment, voices []voice) (extra []circ.ItemID, err error) {
	packed := make(map[circ.ItemID]bool, len(c.Lines))
	for _, l := range c.Lines {
		packed[l.ID] = !l.Packed.IsZero()
	}
	var ask []any
	for _, v := range voices {
		for _, item := range v.here {
			if !packed[item] {
				ask = append(ask, item)
			}
		}
	}
	explained := make(map[circ.ItemID]bool)
	for some := range chunks(ask) {
		known, err := collect(ctx, tx, func(scan func(...any) error) (item circ.ItemID, err error) {
			err = scan(&item)
			return item, err
		}, `SELECT id FROM items WHERE home = ? AND id IN (`+marksFor(some)+`)
			UNION SELECT l.item FROM consigned l JOIN consignments o ON o.id = l.consignment WHERE o.id <> ? AND o.state <> 'packing' AND l.packed > 0
				AND l.moved_to = '' AND l.state IN ('packed', 'missing', 'moved') AND l.item IN (`+marksFor(some)+`)`,
			slices.Concat([]any{c.Station}, some, []any{c.ID}, some)...)
		if err != nil {
			return nil, err
		}
		for _, item := range known {
			explained[item] = true
		}
	}
	for _, v := range ask {
		if item := v.(circ.ItemID); !explained[item] {
			extra = append(extra, item)
		}
	}
	slices.Sort(extra)
	return slices.Compact(extra), nil
}

// keepLines writes what differs from before.
func keepLines(ctx context.Context, tx *sql.Tx, was, now Consignment) error {
	before := make(map[circ.ItemID]Line, len(was.Lines))
	for _, l := range was.Lines {
		before[l.ID] = l
	}
	for _, l := range now.Lines {
		old, found := before[l.ID]
		delete(before, l.ID)
		if found && old.State == l.State && old.Station == l.Station && old.Seen.Equal(l.Seen) {
			continue
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO consigned (consignment, item, state, seen, station) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (consignment, item) DO UPDATE SET state = excluded.state, seen = excluded.seen, station = excluded.station`,
			now.ID, l.ID, l.State, millis(l.Seen), l.Station); err != nil {
			return err
		}
		if l.State == LineSeen && old.State != LineSeen {
			if err := arrived(ctx, tx, l.ID, now.Station, l.Seen); err != nil {
				return err
			}
		}
	}
	for _, item := range slices.Sorted(maps.Keys(before)) {
		if _, err := tx.ExecContext(ctx, `DELETE FROM consigned WHERE consignment = ? AND item = ?`, now.ID, item); err != nil {
			return err
		}
	}
	return nil
}

// tellConsignment has the consignment on its station's list as long as something is
// expected of it there.
func tellConsignment(ctx context.Context, tx *sql.Tx, c Consignment) error {
	var told bool
	if err := tx.QueryRowContext(ctx, `SELECT told FROM consignments WHERE id = ?`, c.ID).Scan(&told); err != nil {
		return err
	}
	if want := c.State != Resolved; want == told {
		return nil
	}
	put := circ.ConsignmentPut{ID: c.ID, Title: c.Title}
	if !told {
		for _, l := range c.Lines {
			if !l.Packed.IsZero() {
				put.Items = append(put.Items, l.ID)
			}
		}
		slices.Sort(put.Items)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE consignments SET told = ? WHERE id = ?`, bit(!told), c.ID); err != nil {
		return err
	}
	return tell(ctx, tx, c.Station, []circ.NoticeBody{put})
}

// listed keeps the items of an event that is about many.
func (b Batch) listed(ctx context.Context, tx *sql.Tx, n entry, how string, items []circ.ItemID) error {
	for _, item := range items {
		if _, err := tx.ExecContext(ctx, `INSERT INTO listings (station, ledger, seq, item, how) VALUES (?, ?, ?, ?, ?) ON CONFLICT (station, ledger, seq, item) DO NOTHING`,
			n.station, n.ledger, n.seq, item, how); err != nil {
			return err
		}
	}
	return nil
}

// received settles the consignments and recalls that a batch says something of.
func (b Batch) received(ctx context.Context, tx *sql.Tx, entries []entry) error {
	var seen, undone, names []any
	check := false
	for _, n := range entries {
		switch n.kind {
		case "Placed", "TakenOut", "CheckedOut", "CheckedIn", "LentToHouse", "ReadHere":
			seen = append(seen, n.item)
		case "ConsignmentChecked":
			check = true
		case "Undone":
			items, kind, err := b.undid(ctx, tx, n)
			if err != nil {
				return err
			}
			undone, check = append(undone, items...), check || kind == "ConsignmentChecked" || kind == "Placed"
		}
		for _, item := range slices.Concat(n.counted, n.boxed) {
			seen = append(seen, item)
		}
		if n.note != "" && (n.kind == "Placed" || n.kind == "ConsignmentChecked") {
			names = append(names, n.note)
			check = true
		}
	}
	ids := make(map[string]bool)
	find := func(query string, args []any, values []any) error {
		for some := range chunks(values) {
			all, err := collect(ctx, tx, func(scan func(...any) error) (id string, err error) {
				err = scan(&id)
				return id, err
			}, query+` (`+marksFor(some)+`)`, append(slices.Clone(args), some...)...)
			if err != nil {
				return err
			}
			for _, id := range all {
				ids[id] = true
			}
		}
		return nil
	}
	// An item that was seen where it should is not asked about again: it circulates.
	if err := find(`SELECT DISTINCT consignment FROM consigned WHERE packed > 0 AND state IN ('packed', 'missing', 'moved') AND item IN`, nil, seen); err != nil {
		return err
	}
	if err := find(`SELECT DISTINCT consignment FROM consigned WHERE item IN`, nil, undone); err != nil {
		return err
	}
	if err := find(`SELECT id FROM consignments WHERE id IN`, nil, names); err != nil {
		return err
	}
	if check { // a name that is not known may mean any of these
		if err := find(`SELECT id FROM consignments WHERE state NOT IN ('packing', 'resolved') AND station IN`, nil, []any{b.Station}); err != nil {
			return err
		}
	}
	if err := settle(ctx, tx, slices.Collect(maps.Keys(ids)), b.At); err != nil {
		return err
	}
	return follow(ctx, tx, append(seen, undone...))
}

// undid are the items of what an event undoes.
func (b Batch) undid(ctx context.Context, tx *sql.Tx, n entry) (items []any, kind string, err error) {
	items, err = collect(ctx, tx, func(scan func(...any) error) (item any, err error) {
		var of circ.ItemID
		err = scan(&of, &kind)
		return of, err
	}, `SELECT COALESCE(k.item, e.item), e.kind FROM events e LEFT JOIN listings k ON k.station = e.station AND k.ledger = e.ledger AND k.seq = e.seq
		WHERE e.station = ? AND e.ledger = ? AND e.seq = ?`, n.station, n.ledger, n.undoes)
	return items, kind, err
}
