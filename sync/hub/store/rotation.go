package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"coldstation/sync/circ"
)

// Rotations are the moving of items from shelf to shelf. A rota is a round of stages,
// each so many days at a station; an item is on one rota at most. Beside that moves
// are proposed from use: what nobody borrowed here goes where its like is borrowed.
//
// A move that is accepted becomes a recall where the item is and a line of a
// consignment that is being packed for where it goes.
type Rotations interface {
	// Rotas are all of them, by title. SaveRota makes one, or changes the one with
	// its ID, and answers its ID; ErrNoRota. RemoveRota lets go of one and its items;
	// ErrNoRota.
	Rotas(ctx context.Context) ([]Rota, error)
	SaveRota(ctx context.Context, r Rota) (int64, error)
	RemoveRota(ctx context.Context, id int64) error
	// PutOnRota puts items on a rota, at the stage of the station where they are or
	// else before the first, in place of the one that they were on; 0 takes them off
	// theirs. It answers how many of the items are known; ErrNoRota.
	PutOnRota(ctx context.Context, id int64, items []circ.ItemID, at time.Time) (int, error)
	// Propose says what should move, the most urgent first, always the same from the
	// same figures.
	Propose(ctx context.Context, q MoveQuery) ([]Move, error)
	// Rotate accepts moves: it recalls the items and plans them in a consignment for
	// each station that they go to, under a title. It answers the consignments.
	Rotate(ctx context.Context, moves []Move, title, by string, at time.Time) ([]string, error)
}

// ErrNoRota is that there is no such rota.
var ErrNoRota = errors.New("store: no such rota")

// Rota is a round that items go on.
type Rota struct {
	ID       int64
	Title    string
	Cyclical bool // after the last stage comes the first
	Active   bool
	Stages   []Stage
	Items    int
}

// Stage is a rota's stay at a station.
type Stage struct {
	Station circ.StationID
	Days    int
	Items   int // there now
}

// MoveQuery is how moves are proposed.
type MoveQuery struct {
	At    time.Time
	Idle  int // days without a loan after which an item may go; 0 for 90
	Least int // loans of its like that a station must have had in those days; 0 for 3
	Limit int // 0 for 200
}

// Move is an item that should go from a station to another, and why.
type Move struct {
	circ.Item
	From, To circ.StationID
	// Rota is the round on which the item's time is up after Days there; "" for a move
	// from use: not lent at From for Days, while its like, as Like says, had Loans at
	// To in that time, where Shelf of it are on the shelf.
	Rota  string
	Days  int
	Like  Likeness
	Loans int
	Shelf int
}

// Likeness is what makes items alike: one of these.
type Likeness struct {
	Mark     circ.Marks
	Subject  string
	Language string
}

func (s *base) Rotas(ctx context.Context) ([]Rota, error) {
	all, err := collect(ctx, s.read, func(scan func(...any) error) (r Rota, err error) {
		err = scan(&r.ID, &r.Title, &r.Cyclical, &r.Active, &r.Items)
		return r, err
	}, `SELECT r.id, r.title, r.cyclical, r.active, (SELECT COUNT(*) FROM rotating o WHERE o.rota = r.id) FROM rotas r ORDER BY r.title, r.id`)
	for i := range all {
		if err != nil {
			break
		}
		all[i].Stages, err = stagesOf(ctx, s.read, all[i].ID)
	}
	return all, err
}

func stagesOf(ctx context.Context, q queryer, rota int64) ([]Stage, error) {
	return collect(ctx, q, func(scan func(...any) error) (g Stage, err error) {
		err = scan(&g.Station, &g.Days, &g.Items)
		return g, err
	}, `SELECT g.station, g.days, (SELECT COUNT(*) FROM rotating o WHERE o.rota = g.rota AND o.position = g.position AND o.since > 0) FROM stages g WHERE g.rota = ? ORDER BY g.position`, rota)
}

func (s *base) SaveRota(ctx context.Context, r Rota) (id int64, err error) {
	err = s.change(ctx, "keep a rota", func(tx *sql.Tx) error {
		id = r.ID
		if id == 0 {
			if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(id), 0) + 1 FROM rotas`).Scan(&id); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO rotas (id, title, cyclical, active) VALUES (?, '', 0, 0)`, id); err != nil {
				return err
			}
		}
		result, err := tx.ExecContext(ctx, `UPDATE rotas SET title = ?, cyclical = ?, active = ? WHERE id = ?`, r.Title, bit(r.Cyclical), bit(r.Active), id)
		if err := known(result, err, ErrNoRota); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM stages WHERE rota = ?`, id); err != nil {
			return err
		}
		for i, g := range r.Stages {
			if _, err := tx.ExecContext(ctx, `INSERT INTO stages (rota, position, station, days) VALUES (?, ?, ?, ?)`, id, i+1, g.Station, g.Days); err != nil {
				return err
			}
		}
		// What is on it stays where it is: its stage is the one of its station now.
		_, err = tx.ExecContext(ctx, `UPDATE rotating SET position = COALESCE((SELECT MIN(g.position) FROM stages g JOIN places p ON p.station = g.station WHERE p.item = rotating.item AND g.rota = rotating.rota), 0)
			WHERE rota = ?`, id)
		return err
	})
	return id, err
}

func (s *base) RemoveRota(ctx context.Context, id int64) error {
	return s.change(ctx, "remove a rota", func(tx *sql.Tx) error {
		for _, statement := range []string{`DELETE FROM rotating WHERE rota = ?`, `DELETE FROM stages WHERE rota = ?`} {
			if _, err := tx.ExecContext(ctx, statement, id); err != nil {
				return err
			}
		}
		result, err := tx.ExecContext(ctx, `DELETE FROM rotas WHERE id = ?`, id)
		return known(result, err, ErrNoRota)
	})
}

func (s *base) PutOnRota(ctx context.Context, rota int64, items []circ.ItemID, at time.Time) (n int, err error) {
	err = s.change(ctx, "put items on a rota", func(tx *sql.Tx) error {
		if rota != 0 {
			var there bool
			if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM rotas WHERE id = ?)`, rota).Scan(&there); err != nil {
				return err
			} else if !there {
				return ErrNoRota
			}
		}
		for _, item := range items {
			query, args := `DELETE FROM rotating WHERE item = ?`, []any{item}
			if rota != 0 {
				query, args = `INSERT INTO rotating (item, rota, position, since)
					SELECT i.id, ?, COALESCE(MIN(g.position), 0), CASE WHEN MIN(g.position) IS NULL THEN 0 ELSE ? END FROM items i
					LEFT JOIN places p ON p.item = i.id AND p.place NOT IN ('away', 'lost') LEFT JOIN stages g ON g.rota = ? AND g.station = p.station WHERE i.id = ? GROUP BY i.id
					ON CONFLICT (item) DO UPDATE SET rota = excluded.rota, position = excluded.position, since = excluded.since`, []any{rota, millis(at), rota, item}
			}
			result, err := tx.ExecContext(ctx, query, args...)
			if err != nil {
				return err
			}
			changed, err := result.RowsAffected()
			if err != nil {
				return err
			}
			n += int(changed)
		}
		return nil
	})
	return n, err
}

// arrived moves an item on to the stage of the station where it was received.
func arrived(ctx context.Context, tx *sql.Tx, item circ.ItemID, station circ.StationID, at time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE rotating SET since = ?, position = (SELECT MIN(g.position) FROM stages g WHERE g.rota = rotating.rota AND g.station = ?)
		WHERE item = ? AND EXISTS (SELECT 1 FROM stages g WHERE g.rota = rotating.rota AND g.station = ?)`, millis(at), station, item, station)
	return err
}

// free is what may be moved: it stands on a shelf, nobody asked for it, and it is in
// no consignment.
const free = ` p.place = 'shelf' AND NOT EXISTS (SELECT 1 FROM recalls r WHERE r.item = p.item AND r.ended = 0)
	AND NOT EXISTS (SELECT 1 FROM consigned l JOIN consignments c ON c.id = l.consignment WHERE l.item = p.item AND c.state <> 'resolved' AND l.state IN ('planned', 'packed'))`

func (s *base) Propose(ctx context.Context, q MoveQuery) ([]Move, error) {
	q.Idle, q.Least, q.Limit = cmp.Or(q.Idle, 90), cmp.Or(q.Least, 3), cmp.Or(q.Limit, 200)
	moves, err := s.due(ctx, q)
	if err != nil {
		return nil, err
	}
	idle, err := s.idle(ctx, q)
	if err != nil {
		return nil, err
	}
	use, err := s.use(ctx, q)
	if err != nil {
		return nil, err
	}
	shelves, err := s.Shelves(ctx)
	if err != nil {
		return nil, err
	}
	moves = append(moves, propose(idle, use, room(shelves, moves), q)...)
	return moves[:min(len(moves), q.Limit)], nil
}

// room is how much more fits on each shelf that says how much it holds.
func room(shelves []Shelf, moves []Move) map[circ.StationID]int {
	left := make(map[circ.StationID]int)
	for _, h := range shelves {
		if h.Capacity > 0 {
			left[h.Station] = h.Capacity - h.Here - h.Coming
		}
	}
	for _, m := range moves {
		if _, known := left[m.To]; known {
			left[m.To]--
		}
	}
	return left
}

// due are the items whose time at their stage is up.
func (s *base) due(ctx context.Context, q MoveQuery) ([]Move, error) {
	return collect(ctx, s.read, func(scan func(...any) error) (m Move, err error) {
		var since int64
		err = scan(&m.ID, &m.Title, &m.Author, &m.From, &m.To, &m.Rota, &since)
		m.Days = int(q.At.Sub(fromMillis(since)) / (24 * time.Hour))
		return m, err
	}, `SELECT i.id, i.title, i.author, p.station, n.station, r.title, o.since
		FROM rotating o JOIN rotas r ON r.id = o.rota AND r.active = 1 JOIN stages g ON g.rota = o.rota AND g.position = o.position
		JOIN stages n ON n.rota = o.rota AND n.position = CASE WHEN EXISTS (SELECT 1 FROM stages x WHERE x.rota = o.rota AND x.position = o.position + 1) THEN o.position + 1
			WHEN r.cyclical = 1 THEN 1 ELSE 0 END
		JOIN items i ON i.id = o.item JOIN places p ON p.item = o.item
		WHERE o.since > 0 AND o.since + g.days * 86400000 <= ? AND n.station <> p.station AND`+free+` ORDER BY o.since + g.days * 86400000, i.title, i.id`, millis(q.At))
}

// standingStill is an item that nobody borrowed.
type standingStill struct {
	circ.Item
	at   circ.StationID
	been map[circ.StationID]bool
}

// idle are the items that stand on a shelf for q.Idle days and were not used there.
func (s *base) idle(ctx context.Context, q MoveQuery) ([]standingStill, error) {
	from := millis(q.At.AddDate(0, 0, -q.Idle))
	all, err := collect(ctx, s.read, func(scan func(...any) error) (i standingStill, err error) {
		err = scan(&i.ID, &i.Title, &i.Author, &i.Language, &i.Subject, &i.Marks, &i.at)
		i.been = map[circ.StationID]bool{i.at: true}
		return i, err
	}, `SELECT i.id, i.title, i.author, i.language, i.subject, i.marks, p.station FROM places p JOIN items i ON i.id = p.item
		WHERE`+free+` AND NOT EXISTS (SELECT 1 FROM rotating o WHERE o.item = p.item)
		AND EXISTS (SELECT 1 FROM events b WHERE b.item = p.item AND b.station = p.station AND b.at < ?)
		AND NOT EXISTS (SELECT 1 FROM events e WHERE e.item = p.item AND e.at >= ? AND e.undone = 0 AND (e.station <> p.station OR e.kind IN ('CheckedOut', 'Renewed', 'CheckedIn', 'LentToHouse', 'ReadHere', 'Placed', 'TakenOut')))
		ORDER BY i.title, i.id`, from, from)
	if err != nil {
		return nil, err
	}
	of := make(map[circ.ItemID]int, len(all))
	var items []any
	for n, i := range all {
		of[i.ID], items = n, append(items, i.ID)
	}
	for some := range chunks(items) {
		if _, err := collect(ctx, s.read, func(scan func(...any) error) (none struct{}, err error) {
			var item circ.ItemID
			var station circ.StationID
			err = scan(&item, &station)
			all[of[item]].been[station] = true
			return none, err
		}, `SELECT DISTINCT item, station FROM events WHERE at >= ? AND item IN (`+marksFor(some)+`)`, append([]any{millis(q.At.AddDate(-1, 0, 0))}, some...)...); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// usage is how the items of one likeness are used at one station.
type usage struct {
	station      circ.StationID
	like         Likeness
	loans, shelf int
}

// use is how items of each likeness were lent at each station, and how many stand
// there.
func (s *base) use(ctx context.Context, q MoveQuery) ([]usage, error) {
	of := make(map[string]*usage)
	read := func(add func(*usage, int), query string, args ...any) error {
		_, err := collect(ctx, s.read, func(scan func(...any) error) (none struct{}, err error) {
			var i circ.Item
			var station circ.StationID
			var n int
			if err := scan(&station, &i.Subject, &i.Language, &i.Marks, &n); err != nil {
				return none, err
			}
			for _, like := range likenesses(i) {
				key := fmt.Sprint(station, "\n", like)
				if of[key] == nil {
					of[key] = &usage{station: station, like: like}
				}
				add(of[key], n)
			}
			return none, nil
		}, query, args...)
		return err
	}
	err := errors.Join(
		read(func(u *usage, n int) { u.loans += n }, `SELECT e.station, i.subject, i.language, i.marks, COUNT(*) FROM stations s JOIN events e ON e.station = s.id AND e.at >= ? AND e.at < ?
			JOIN items i ON i.id = e.item WHERE e.undone = 0 AND e.kind IN ('CheckedOut', 'LentToHouse', 'ReadHere') AND s.revoked = 0 GROUP BY 1, 2, 3, 4`, millis(q.At.AddDate(0, 0, -q.Idle)), millis(q.At)),
		read(func(u *usage, n int) { u.shelf += n }, `SELECT p.station, i.subject, i.language, i.marks, COUNT(*) FROM places p JOIN items i ON i.id = p.item WHERE p.place = 'shelf' GROUP BY 1, 2, 3, 4`))
	var all []usage
	common := commonest(of)
	for _, u := range of {
		if u.loans >= q.Least && (u.like.Language == "" || u.like.Language != common) {
			all = append(all, *u)
		}
	}
	// Where most is lent for what stands there comes first.
	slices.SortFunc(all, func(a, b usage) int {
		return cmp.Or(cmp.Compare(b.loans*(a.shelf+1), a.loans*(b.shelf+1)), cmp.Compare(b.loans, a.loans), cmp.Compare(a.station, b.station), a.like.compare(b.like))
	})
	return all, err
}

// commonest is the language of most that is lent or stands anywhere: that is no reason
// to choose an item.
func commonest(of map[string]*usage) (best string) {
	count := make(map[string]int)
	for _, u := range of {
		count[u.like.Language] += u.loans + u.shelf
	}
	delete(count, "")
	for _, language := range slices.Sorted(maps.Keys(count)) {
		if best == "" || count[language] > count[best] {
			best = language
		}
	}
	return best
}

func (l Likeness) compare(o Likeness) int {
	return cmp.Or(cmp.Compare(o.Mark, l.Mark), cmp.Compare(l.Subject, o.Subject), cmp.Compare(l.Language, o.Language))
}

// likenesses are those of an item: what a reader chooses it by.
func likenesses(i circ.Item) (all []Likeness) {
	for _, mark := range []circ.Marks{circ.LargePrint, circ.Audio, circ.EasyLanguage} {
		if i.Marks.Has(mark) {
			all = append(all, Likeness{Mark: mark})
		}
	}
	if i.Subject != "" {
		all = append(all, Likeness{Subject: i.Subject})
	}
	if i.Language != "" {
		all = append(all, Likeness{Language: i.Language})
	}
	return all
}

// propose sends what stands still where its like is wanted most and it was not in the
// last year: at most half as many of a likeness as were lent there, and as there is
// room.
func propose(idle []standingStill, use []usage, room map[circ.StationID]int, q MoveQuery) (moves []Move) {
	taken := make(map[circ.ItemID]bool)
	for _, u := range use {
		most := max(1, u.loans/2)
		for _, i := range idle {
			left, limited := room[u.station]
			if most == 0 || limited && left <= 0 {
				break
			}
			if taken[i.ID] || i.been[u.station] || !slices.Contains(likenesses(i.Item), u.like) {
				continue
			}
			taken[i.ID] = true
			most--
			if limited {
				room[u.station]--
			}
			moves = append(moves, Move{Item: i.Item, From: i.at, To: u.station, Days: q.Idle, Like: u.like, Loans: u.loans, Shelf: u.shelf})
		}
	}
	return moves
}

func (s *base) Rotate(ctx context.Context, moves []Move, title, by string, at time.Time) (ids []string, err error) {
	err = s.change(ctx, "rotate", func(tx *sql.Tx) error {
		of := make(map[circ.StationID]string)
		for _, m := range moves {
			id := of[m.To]
			if id == "" {
				if err := exists(ctx, tx, m.To); err != nil {
					return err
				}
				if id, err = begin(ctx, tx, m.To, title, by, at); err != nil {
					return err
				}
				of[m.To], ids = id, append(ids, id)
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO consigned (consignment, item, state) VALUES (?, ?, 'planned') ON CONFLICT (consignment, item) DO NOTHING`, id, m.ID); err != nil {
				return err
			}
			if err := recall(ctx, tx, Recall{Item: circ.Item{ID: m.ID}, List: id, For: title, At: at, By: by}); err != nil {
				return err
			}
		}
		return nil
	})
	return ids, err
}
