package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"coldstation/sync/circ"
)

// Consignments are what goes to a station in a box. One is packed at the library,
// sent, and received at the station; what its staff say is held against what was
// packed as it is taken in, however late and in whatever order it comes. What differs
// then waits until a person has resolved it.
type Consignments interface {
	// Begin begins a consignment for a station, under a name that no other has;
	// ErrNoStation.
	Begin(ctx context.Context, station circ.StationID, title, by string, at time.Time) (Consignment, error)
	// Consignment is one with its lines; ErrNoConsignment. Consignments are at most
	// limit, without lines, of a station or ("") of all: those that want something
	// first, each the last begun first.
	Consignment(ctx context.Context, id string) (Consignment, error)
	Consignments(ctx context.Context, station circ.StationID, limit int) ([]Consignment, error)
	// Pack puts an item into a consignment that is being packed; ErrNotPacking. What
	// lies in the box is there: it is packed whatever was thought of it, unless
	// nothing is known of it or it is in another box already.
	Pack(ctx context.Context, id string, item circ.ItemID, by string, at time.Time) (Packed, error)
	// Unpack takes an item out again; ErrNotPacking. Drop gives up a consignment that
	// is being packed; ErrNotPacking.
	Unpack(ctx context.Context, id string, item circ.ItemID) error
	Drop(ctx context.Context, id string) error
	// Send sends a consignment off: its station is told, and its items belong there
	// from now on. What was planned and is not in it stays behind. ErrNotPacking,
	// ErrEmpty.
	Send(ctx context.Context, id, by string, at time.Time) error
	// CloseConsignment says that nothing more will come of a consignment that was sent: what was
	// not seen is missing. ErrNotSent.
	CloseConsignment(ctx context.Context, id string, at time.Time) error
	// Resolve says what became of a difference; ErrNoDifference when there is none
	// (any more) or it cannot be resolved so.
	Resolve(ctx context.Context, id string, item circ.ItemID, o Outcome, by string, at time.Time) error
	// Losses are the items that were given up, the last first, of a station or ("")
	// of all.
	Losses(ctx context.Context, station circ.StationID, limit int) ([]Loss, error)

	// Shelves are how full the stations are; SetCapacity says how much one holds,
	// 0 for not known; ErrNoStation.
	Shelves(ctx context.Context) ([]Shelf, error)
	SetCapacity(ctx context.Context, station circ.StationID, items int) error
}

// What a caller tells apart.
var (
	ErrNoConsignment = errors.New("store: no such consignment")
	ErrNotPacking    = errors.New("store: the consignment is not being packed")
	ErrNotSent       = errors.New("store: the consignment is not on its way")
	ErrEmpty         = errors.New("store: nothing is packed")
	ErrNoDifference  = errors.New("store: there is nothing to resolve")
)

// ConsignmentState is how far a consignment has come.
type ConsignmentState string

// The states of a consignment, in their order. Evidence that is taken back leads
// back too.
const (
	Packing   ConsignmentState = "packing"
	Sent      ConsignmentState = "sent"
	Receiving ConsignmentState = "receiving" // some of it was seen at the station
	Checked   ConsignmentState = "received"  // the station is done with it, or all was seen
	Resolved  ConsignmentState = "resolved"  // nothing differs any more
)

// Consignment is one with its lines, or without them and their counts alone.
type Consignment struct {
	ID         string // letters of the hub and a number: K7Q2-0001
	Station    circ.StationID
	Title      string
	State      ConsignmentState
	Made       time.Time
	MadeBy     string
	Sent       time.Time
	SentBy     string
	Received   time.Time // when the station last had a hand in it
	Closed     time.Time // by a person, who says that nothing more will come
	Resolved   time.Time
	ResolvedBy string // "" when there was nothing to resolve
	Lines      []Line
	Counts     map[LineState]int
	Open       int // differences that want a person
}

// LineState is what became of an item of a consignment.
type LineState string

// The states of a line.
const (
	LinePlanned LineState = "planned" // to be packed when it comes
	LinePacked  LineState = "packed"
	LineSeen    LineState = "seen"    // at the consignment's station
	LineMissing LineState = "missing" // not seen there
	LineExtra   LineState = "extra"   // seen with it, and not packed
	LineMoved   LineState = "moved"   // into another consignment, or seen at another station
)

// Line is an item of a consignment.
type Line struct {
	circ.Item
	State     LineState
	Packed    time.Time
	PackedBy  string
	MovedTo   string // the consignment that it was packed into since
	Seen      time.Time
	Station   circ.StationID // where it was seen
	Outcome   Outcome
	OutcomeAt time.Time
	OutcomeBy string
}

// Differs reports whether the line wants a person.
func (l Line) Differs() bool { return l.Outcome == "" && len(l.Outcomes()) > 0 }

// Outcomes are what may be said of the line, the likeliest first.
func (l Line) Outcomes() []Outcome {
	switch {
	case l.State == LineMissing:
		return []Outcome{OutcomeLost, OutcomeFound, OutcomeBox}
	case l.State == LineExtra, l.State == LineMoved && l.MovedTo == "":
		return []Outcome{OutcomeStays, OutcomeBack}
	}
	return nil
}

// Outcome is what a person says of a difference.
type Outcome string

// The outcomes.
const (
	OutcomeLost  Outcome = "lost"  // in transit, or from the shelf
	OutcomeFound Outcome = "found" // somebody has it
	OutcomeBox   Outcome = "box"   // it is still in the box
	OutcomeStays Outcome = "stays" // it belongs where it was seen, from now on
	OutcomeBack  Outcome = "back"  // it is to be sent back
	OutcomeHere  Outcome = "here"  // it came back: it lay on the shelf
	OutcomeLeave Outcome = "leave" // let it be until the next count
)

// Packed is what came of packing an item.
type Packed struct {
	Item    circ.Item
	Done    bool
	Finding PackFinding
	Other   string         // the other consignment
	Station circ.StationID // where it was thought to be
}

// PackFinding is what is strange about an item that is packed.
type PackFinding string

// The findings. The first three keep it from being packed.
const (
	PackUnknown PackFinding = "unknown" // no item has this barcode
	PackTwice   PackFinding = "twice"   // it is in this consignment
	PackTaken   PackFinding = "taken"   // it is in another one that is being packed
	PackLent    PackFinding = "lent"    // it is on loan
	PackShelved PackFinding = "shelved" // it was on a station's shelf
	PackSent    PackFinding = "sent"    // it went off in another consignment and was not seen there
)

// Loss is an item that was given up.
type Loss struct {
	circ.Item
	Station     circ.StationID
	Consignment string // in which it was lost; "" from the shelf
	At          time.Time
	By          string
	// Seen is where and when it turned up since; zero when it did not.
	Seen   time.Time
	SeenAt circ.StationID
}

// Shelf is how full a station is.
type Shelf struct {
	Station  circ.StationID
	Title    string
	Capacity int // 0: not known
	Here     int // on the shelf
	Lent     int // on loan from there, and coming back
	Coming   int // in consignments on their way or being packed
}

// letters are those that nobody takes for another or for a digit.
const letters = "CDFHJKLMNPQRTVWXY"

func (s *base) Begin(ctx context.Context, station circ.StationID, title, by string, at time.Time) (c Consignment, err error) {
	err = s.change(ctx, "begin a consignment", func(tx *sql.Tx) error {
		if err := exists(ctx, tx, station); err != nil {
			return err
		}
		id, err := begin(ctx, tx, station, title, by, at)
		if err != nil {
			return err
		}
		c, err = readConsignment(ctx, tx, id)
		return err
	})
	return c, err
}

func begin(ctx context.Context, tx *sql.Tx, station circ.StationID, title, by string, at time.Time) (id string, err error) {
	id, err = nameConsignment(ctx, tx)
	if err != nil {
		return "", err
	}
	if err := circ.CheckNotice(circ.ConsignmentPut{ID: id, Title: title}); err != nil {
		return "", err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO consignments (id, station, title, state, made, made_by) VALUES (?, ?, ?, 'packing', ?, ?)`, id, station, title, millis(at), by)
	return id, err
}

// nameConsignment is the next name. A hub chooses its letters once, so that a box of
// another one, or of an earlier life of this one, is not taken for its own.
func nameConsignment(ctx context.Context, tx *sql.Tx) (string, error) {
	var some string
	var number int
	if err := tx.QueryRowContext(ctx, `UPDATE consigning SET number = number + 1 RETURNING letters, number`).Scan(&some, &number); err != nil {
		return "", err
	}
	if some == "" {
		var random [4]byte
		if _, err := rand.Read(random[:]); err != nil {
			return "", err
		}
		const digits = "2346789"
		for i, b := range random {
			from := letters
			if i%2 == 1 {
				from = digits
			}
			random[i] = from[int(b)%len(from)]
		}
		some = string(random[:])
		if _, err := tx.ExecContext(ctx, `UPDATE consigning SET letters = ?`, some); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%s-%04d", some, number), nil
}

const consignmentColumns = `SELECT c.id, c.station, c.title, c.state, c.made, c.made_by, c.sent, c.sent_by, c.received, c.closed, c.resolved, c.resolved_by FROM consignments c `

func scanConsignment(scan func(...any) error) (c Consignment, err error) {
	var made, sent, received, closed, resolved int64
	err = scan(&c.ID, &c.Station, &c.Title, &c.State, &made, &c.MadeBy, &sent, &c.SentBy, &received, &closed, &resolved, &c.ResolvedBy)
	c.Made, c.Sent, c.Received, c.Closed, c.Resolved = fromMillis(made), fromMillis(sent), fromMillis(received), fromMillis(closed), fromMillis(resolved)
	c.Counts = make(map[LineState]int)
	return c, err
}

func (s *base) Consignment(ctx context.Context, id string) (Consignment, error) {
	return readConsignment(ctx, s.read, id)
}

func readConsignment(ctx context.Context, q queryer, id string) (c Consignment, err error) {
	c, err = scanConsignment(q.QueryRowContext(ctx, consignmentColumns+`WHERE c.id = ?`, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoConsignment
	}
	if err != nil {
		return c, err
	}
	c.Lines, err = collect(ctx, q, func(scan func(...any) error) (l Line, err error) {
		var packed, seen, at int64
		err = scan(&l.ID, &l.Title, &l.Author, &l.Year, &l.Language, &l.Subject, &l.Marks, &l.Parts, &l.Home,
			&l.State, &packed, &l.PackedBy, &l.MovedTo, &seen, &l.Station, &l.Outcome, &at, &l.OutcomeBy)
		l.Packed, l.Seen, l.OutcomeAt = fromMillis(packed), fromMillis(seen), fromMillis(at)
		c.add(l)
		return l, err
	}, `SELECT l.item, COALESCE(i.title, ''), COALESCE(i.author, ''), COALESCE(i.year, 0), COALESCE(i.language, ''), COALESCE(i.subject, ''), COALESCE(i.marks, 0), COALESCE(i.parts, 0), COALESCE(i.home, ''),
		l.state, l.packed, l.packed_by, l.moved_to, l.seen, l.station, l.outcome, l.outcome_at, l.outcome_by
		FROM consigned l LEFT JOIN items i ON i.id = l.item WHERE l.consignment = ? ORDER BY i.title, l.item`, id)
	return c, err
}

// add counts a line.
func (c *Consignment) add(l Line) {
	c.Counts[l.State]++
	if l.Differs() {
		c.Open++
	}
}

func (s *base) Consignments(ctx context.Context, station circ.StationID, limit int) ([]Consignment, error) {
	all, err := collect(ctx, s.read, scanConsignment, consignmentColumns+`WHERE c.station = ? OR ? = ''
		ORDER BY CASE c.state WHEN 'received' THEN 0 WHEN 'packing' THEN 1 WHEN 'receiving' THEN 2 WHEN 'sent' THEN 3 ELSE 4 END, c.made DESC, c.id DESC LIMIT ?`, station, station, limit)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	of := make(map[string]*Consignment, len(all))
	var ids []any
	for i := range all {
		of[all[i].ID] = &all[i]
		ids = append(ids, all[i].ID)
	}
	for some := range chunks(ids) {
		if _, err := collect(ctx, s.read, func(scan func(...any) error) (none struct{}, err error) {
			var id string
			var l Line
			err = scan(&id, &l.State, &l.MovedTo, &l.Outcome)
			of[id].add(l)
			return none, err
		}, `SELECT consignment, state, moved_to, outcome FROM consigned WHERE consignment IN (`+marksFor(some)+`)`, some...); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (s *base) Pack(ctx context.Context, id string, item circ.ItemID, by string, at time.Time) (p Packed, err error) {
	err = s.change(ctx, "pack", func(tx *sql.Tx) error {
		if err := isPacking(ctx, tx, id); err != nil {
			return err
		}
		p.Item, err = scanItem(tx.QueryRowContext(ctx, selectItems+` WHERE i.id = ?`, item).Scan)
		if errors.Is(err, sql.ErrNoRows) {
			p.Item.ID, p.Finding = item, PackUnknown
			return nil
		}
		if err != nil {
			return err
		}
		if err := p.find(ctx, tx, id); err != nil {
			return err
		}
		switch p.Finding {
		case PackTwice, PackTaken:
			return nil
		}
		p.Done = true
		return pack(ctx, tx, id, item, by, at)
	})
	return p, err
}

func isPacking(ctx context.Context, tx *sql.Tx, id string) error {
	c, err := scanConsignment(tx.QueryRowContext(ctx, consignmentColumns+`WHERE c.id = ?`, id).Scan)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ErrNoConsignment
	case err == nil && c.State != Packing:
		return ErrNotPacking
	}
	return err
}

// find is what is strange about an item that is to be packed into a consignment.
func (p *Packed) find(ctx context.Context, tx *sql.Tx, id string) error {
	type line struct {
		consignment string
		packing     bool
		state       LineState
	}
	lines, err := collect(ctx, tx, func(scan func(...any) error) (l line, err error) {
		err = scan(&l.consignment, &l.packing, &l.state)
		return l, err
	}, `SELECT c.id, CASE WHEN c.state = 'packing' THEN 1 ELSE 0 END, l.state FROM consigned l JOIN consignments c ON c.id = l.consignment
		WHERE l.item = ? AND l.packed > 0 AND l.state IN ('packed', 'missing') AND l.outcome = '' ORDER BY c.made`, p.Item.ID)
	if err != nil {
		return err
	}
	for _, l := range lines {
		switch {
		case l.consignment == id:
			p.Finding = PackTwice
			return nil
		case l.packing:
			p.Finding, p.Other = PackTaken, l.consignment
			return nil
		}
		p.Finding, p.Other = PackSent, l.consignment
	}
	if p.Finding != "" {
		return nil
	}
	var place string
	switch err := tx.QueryRowContext(ctx, `SELECT station FROM loans WHERE item = ?`, p.Item.ID).Scan(&p.Station); {
	case err == nil:
		p.Finding = PackLent
		return nil
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	err = tx.QueryRowContext(ctx, `SELECT station, place FROM places WHERE item = ?`, p.Item.ID).Scan(&p.Station, &place)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case place == "shelf":
		p.Finding = PackShelved
	default:
		p.Station = ""
	}
	return err
}

func pack(ctx context.Context, tx *sql.Tx, id string, item circ.ItemID, by string, at time.Time) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO consigned (consignment, item, state, packed, packed_by) VALUES (?, ?, 'packed', ?, ?)
		ON CONFLICT (consignment, item) DO UPDATE SET state = 'packed', packed = excluded.packed, packed_by = excluded.packed_by`, id, item, millis(at), by); err != nil {
		return err
	}
	others, err := collect(ctx, tx, func(scan func(...any) error) (other string, err error) {
		err = scan(&other)
		return other, err
	}, `UPDATE consigned SET moved = ?, moved_to = ? WHERE item = ? AND consignment <> ? AND packed > 0 AND moved = 0
		AND consignment IN (SELECT id FROM consignments WHERE state <> 'packing') RETURNING consignment`, millis(at), id, item, id)
	if err != nil {
		return err
	}
	if err := endRecalls(ctx, tx, []circ.ItemID{item}, at); err != nil {
		return err
	}
	return settle(ctx, tx, others, at)
}

func (s *base) Unpack(ctx context.Context, id string, item circ.ItemID) error {
	return s.change(ctx, "unpack", func(tx *sql.Tx) error {
		if err := isPacking(ctx, tx, id); err != nil {
			return err
		}
		var planned bool
		err := tx.QueryRowContext(ctx, `DELETE FROM consigned WHERE consignment = ? AND item = ? RETURNING CASE WHEN packed = 0 THEN 1 ELSE 0 END`, id, item).Scan(&planned)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil && planned {
			err = endRecalls(ctx, tx, []circ.ItemID{item}, time.Now())
		}
		return errors.Join(err, unmove(ctx, tx, id, item))
	})
}

// unmove gives items that are no longer in a consignment back to the one before.
func unmove(ctx context.Context, tx *sql.Tx, id string, item circ.ItemID) error {
	others, err := collect(ctx, tx, func(scan func(...any) error) (other string, err error) {
		err = scan(&other)
		return other, err
	}, `UPDATE consigned SET moved = 0, moved_to = '' WHERE moved_to = ? AND (item = ? OR ? = '') RETURNING consignment`, id, item, item)
	if err != nil {
		return err
	}
	return settle(ctx, tx, others, time.Now())
}

func (s *base) Drop(ctx context.Context, id string) error {
	return s.change(ctx, "drop a consignment", func(tx *sql.Tx) error {
		if err := isPacking(ctx, tx, id); err != nil {
			return err
		}
		if err := unmove(ctx, tx, id, ""); err != nil {
			return err
		}
		planned, err := collect(ctx, tx, func(scan func(...any) error) (item circ.ItemID, err error) {
			err = scan(&item)
			return item, err
		}, `SELECT item FROM recalls WHERE list = ? AND ended = 0`, id)
		if err == nil {
			err = endRecalls(ctx, tx, planned, time.Now())
		}
		if err != nil {
			return err
		}
		for _, statement := range []string{`DELETE FROM consigned WHERE consignment = ?`, `DELETE FROM consignments WHERE id = ?`} {
			if _, err := tx.ExecContext(ctx, statement, id); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *base) Send(ctx context.Context, id, by string, at time.Time) error {
	return s.change(ctx, "send a consignment", func(tx *sql.Tx) error {
		if err := isPacking(ctx, tx, id); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM consigned WHERE consignment = ? AND packed = 0`, id); err != nil {
			return err
		}
		c, err := readConsignment(ctx, tx, id)
		if err != nil {
			return err
		}
		if len(c.Lines) == 0 {
			return ErrEmpty
		}
		if _, err := tx.ExecContext(ctx, `UPDATE consignments SET state = 'sent', sent = ?, sent_by = ? WHERE id = ?`, millis(at), by, id); err != nil {
			return err
		}
		items := make([]circ.ItemID, len(c.Lines))
		for i, l := range c.Lines {
			items[i] = l.ID
		}
		if err := rehome(ctx, tx, c.Station, items); err != nil {
			return err
		}
		return settle(ctx, tx, []string{id}, at)
	})
}

// rehome has items belong to a station from now on, and the stations told.
func rehome(ctx context.Context, tx *sql.Tx, station circ.StationID, items []circ.ItemID) error {
	keys := make([]string, len(items))
	for i, item := range items {
		keys[i] = string(item)
		if _, err := tx.ExecContext(ctx, `INSERT INTO homes (item, station, was) SELECT id, ?, home FROM items WHERE id = ?
			ON CONFLICT (item) DO UPDATE SET station = excluded.station`, station, item); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE items SET home = ? WHERE id = ?`, station, item); err != nil {
			return err
		}
	}
	turn, err := nextTurn(ctx, tx)
	if err != nil {
		return err
	}
	if err := noteChanged(ctx, tx, [needProxy + 1][]string{needItem: keys}); err != nil {
		return err
	}
	return retell(ctx, tx, turn)
}

// rehomed has items of an export belong where they were sent since, until the export
// says something new of it.
func rehomed(ctx context.Context, tx *sql.Tx, all []circ.Item) ([]circ.Item, error) {
	type home struct {
		item    circ.ItemID
		station circ.StationID
		was     circ.StationID
	}
	homes, err := collect(ctx, tx, func(scan func(...any) error) (h home, err error) {
		err = scan(&h.item, &h.station, &h.was)
		return h, err
	}, `SELECT item, station, was FROM homes`)
	if err != nil || len(homes) == 0 {
		return all, err
	}
	of := make(map[circ.ItemID]home, len(homes))
	for _, h := range homes {
		of[h.item] = h
	}
	kept := make([]circ.Item, len(all))
	for i, item := range all {
		kept[i] = item
		switch h, sent := of[item.ID]; {
		case !sent:
		case item.Home == h.was || item.Home == h.station:
			kept[i].Home = h.station
		default:
			if _, err := tx.ExecContext(ctx, `DELETE FROM homes WHERE item = ?`, item.ID); err != nil {
				return nil, err
			}
		}
	}
	return kept, nil
}

func (s *base) CloseConsignment(ctx context.Context, id string, at time.Time) error {
	return s.change(ctx, "close a consignment", func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE consignments SET closed = ? WHERE id = ? AND state IN ('sent', 'receiving')`, millis(at), id)
		if err := known(result, err, ErrNotSent); err != nil {
			return err
		}
		return settle(ctx, tx, []string{id}, at)
	})
}

func (s *base) Resolve(ctx context.Context, id string, item circ.ItemID, o Outcome, by string, at time.Time) error {
	return s.change(ctx, "resolve a difference", func(tx *sql.Tx) error {
		c, err := readConsignment(ctx, tx, id)
		if err != nil {
			return err
		}
		line, found := c.line(item)
		if !found || !line.may(o) {
			return ErrNoDifference
		}
		if _, err := tx.ExecContext(ctx, `UPDATE consigned SET outcome = ?, outcome_at = ?, outcome_by = ? WHERE consignment = ? AND item = ?`, o, millis(at), by, id, item); err != nil {
			return err
		}
		where := line.Station
		if where == "" {
			where = c.Station
		}
		if err := carryOut(ctx, tx, deed{o, item, where, id, by, at}); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE consignments SET resolved_by = ? WHERE id = ?`, by, id); err != nil {
			return err
		}
		return settle(ctx, tx, []string{id}, at)
	})
}

func (c Consignment) line(item circ.ItemID) (Line, bool) {
	for _, l := range c.Lines {
		if l.ID == item {
			return l, true
		}
	}
	return Line{}, false
}

// may reports whether o can be said of the line now.
func (l Line) may(o Outcome) bool {
	if l.Outcome != "" {
		return false
	}
	for _, one := range l.Outcomes() {
		if one == o {
			return true
		}
	}
	return false
}

// deed is what a person decided of an item at a station.
type deed struct {
	Outcome
	item    circ.ItemID
	station circ.StationID
	source  string // a consignment; "" for a count
	by      string
	at      time.Time
}

// carryOut does what follows from it.
func carryOut(ctx context.Context, tx *sql.Tx, d deed) error {
	switch d.Outcome {
	case OutcomeLost:
		if _, err := tx.ExecContext(ctx, `INSERT INTO losses (item, station, source, at, who) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (item) DO UPDATE SET station = excluded.station, source = excluded.source, at = excluded.at, who = excluded.who`,
			d.item, d.station, d.source, millis(d.at), d.by); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO places (item, station, place, at) VALUES (?, ?, 'lost', ?)
			ON CONFLICT (item) DO UPDATE SET place = 'lost', at = excluded.at WHERE places.at < excluded.at`, d.item, d.station, millis(d.at))
		return err
	case OutcomeStays:
		if err := rehome(ctx, tx, d.station, []circ.ItemID{d.item}); err != nil {
			return err
		}
		return endRecalls(ctx, tx, []circ.ItemID{d.item}, d.at)
	case OutcomeBack:
		return recall(ctx, tx, Recall{Item: circ.Item{ID: d.item}, List: RecallLibrary, At: d.at, By: d.by})
	}
	return nil
}

func (s *base) Losses(ctx context.Context, station circ.StationID, limit int) ([]Loss, error) {
	return collect(ctx, s.read, func(scan func(...any) error) (l Loss, err error) {
		var at, seen int64
		err = scan(&l.ID, &l.Title, &l.Author, &l.Station, &l.Consignment, &at, &l.By, &seen, &l.SeenAt)
		l.At, l.Seen = fromMillis(at), fromMillis(seen)
		return l, err
	}, `SELECT l.item, COALESCE(i.title, ''), COALESCE(i.author, ''), l.station, l.source, l.at, l.who, COALESCE(p.at, 0), COALESCE(p.station, '')
		FROM losses l LEFT JOIN items i ON i.id = l.item LEFT JOIN places p ON p.item = l.item AND p.place <> 'lost'
		WHERE l.station = ? OR ? = '' ORDER BY l.at DESC, l.item LIMIT ?`, station, station, limit)
}

func (s *base) Shelves(ctx context.Context) ([]Shelf, error) {
	return collect(ctx, s.read, func(scan func(...any) error) (h Shelf, err error) {
		err = scan(&h.Station, &h.Title, &h.Capacity, &h.Here, &h.Lent, &h.Coming)
		return h, err
	}, `SELECT s.id, s.title, s.capacity,
		(SELECT COUNT(*) FROM places p WHERE p.station = s.id AND p.place = 'shelf'),
		(SELECT COUNT(*) FROM places p WHERE p.station = s.id AND p.place IN ('loan', 'house')),
		(SELECT COUNT(*) FROM consigned l JOIN consignments c ON c.id = l.consignment WHERE c.station = s.id AND c.state IN ('packing', 'sent', 'receiving') AND l.state IN ('planned', 'packed'))
		FROM stations s WHERE s.revoked = 0 ORDER BY s.id`)
}

func (s *base) SetCapacity(ctx context.Context, station circ.StationID, items int) error {
	return s.change(ctx, "set how much "+string(station)+" holds", func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE stations SET capacity = ? WHERE id = ?`, items, station)
		return known(result, err, ErrNoStation)
	})
}
