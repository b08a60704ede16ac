package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"coldstation/sync/circ"
)

// Needs is what of the library each station is told: its policies, the items that
// belong there or turned up there, and its people.
//
// An item is needed where it belongs, where it was seen last unless it was taken
// out, where it is on loan from, and where a list names it. A patron is needed where
// they belong, where they borrowed or brought back within [Reach.Visits], where they
// have a loan, and, with their authorisation, where the other one of it is needed;
// staff everywhere. A small library is told whole, as [Reach] says.
type Needs interface {
	// SetReach says how far telling goes, from the next review on, and answers whether
	// that is news.
	SetReach(ctx context.Context, r Reach) (changed bool, err error)
	// Review looks at what every station needs: what it no longer needs it is to
	// forget. Authorisations that it was told long enough ago are told again, since
	// they end there when nobody does. Meant for once a day.
	Review(ctx context.Context, at time.Time) error
	// CancelProxy ends an authorisation for good, known or not: what a file says of
	// it before or after changes nothing.
	CancelProxy(ctx context.Context, proxy string, at time.Time) error
	// Stream is how far a station's stream goes; ErrNoStation.
	Stream(ctx context.Context, id circ.StationID) (Stream, error)
	// Draw numbers at most limit of the notices that wait for a station and answers
	// how far its stream goes then. What was numbered stays as it is; what waits is
	// replaced by what comes later about the same. A notice that no station could
	// take is passed over and raises ConditionUnfit. ErrNoStream for another stream
	// than the present one.
	Draw(ctx context.Context, id circ.StationID, stream Stream, limit int, at time.Time) (Stream, error)
}

// Reach is how far telling goes. What is zero is left as it is.
type Reach struct {
	Items  int           // a collection of at most so many is told to every station; -1 for none
	People int           // the same of people, while none of them names a station
	Visits time.Duration // for how long somebody who was at a station belongs to it
}

// refresh is how old an authorisation may be at a station before it is told again.
const refresh = 7 * 24 * time.Hour

// The kinds of what a station needs, in the order they are told: a policy before the
// patrons that refer to it.
const (
	needPolicy = iota
	needItem
	needPatron
	needProxy
)

func (s *base) SetReach(ctx context.Context, r Reach) (changed bool, err error) {
	err = s.change(ctx, "set how far telling goes", func(tx *sql.Tx) error {
		var was Reach
		var visits int64
		if err := tx.QueryRowContext(ctx, `SELECT items, people, visits FROM reach`).Scan(&was.Items, &was.People, &visits); err != nil {
			return err
		}
		was.Visits = time.Duration(visits) * time.Millisecond
		now := Reach{cmp.Or(r.Items, was.Items), cmp.Or(r.People, was.People), cmp.Or(r.Visits, was.Visits)}
		changed = now != was
		_, err := tx.ExecContext(ctx, `UPDATE reach SET items = ?, people = ?, visits = ?`, now.Items, now.People, now.Visits.Milliseconds())
		return err
	})
	return changed, err
}

func (s *base) Review(ctx context.Context, at time.Time) error {
	var stations []circ.StationID
	err := s.change(ctx, "begin a review", func(tx *sql.Tx) (err error) {
		if _, err := tx.ExecContext(ctx, `UPDATE reach SET since = ? - visits`, millis(at)); err != nil {
			return err
		}
		stations, err = collect(ctx, tx, func(scan func(...any) error) (id circ.StationID, err error) {
			err = scan(&id)
			return id, err
		}, `SELECT id FROM stations WHERE stream <> '' ORDER BY id`) // one without gets all in its snapshot
		return err
	})
	for _, station := range stations { // one at a time: others write too
		if err != nil {
			break
		}
		err = s.change(ctx, "review what "+string(station)+" needs", func(tx *sql.Tx) error {
			turn, err := nextTurn(ctx, tx)
			if err != nil {
				return err
			}
			if err := review(ctx, tx, station, turn); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `UPDATE needs SET turn = ? WHERE station = ? AND kind = ? AND want = 1 AND had = 1 AND turn = 0 AND at <= ?`,
				turn, station, needProxy, millis(at.Add(-refresh))); err != nil {
				return err
			}
			return wake(ctx, tx, station, turn)
		})
	}
	return err
}

func (s *base) CancelProxy(ctx context.Context, proxy string, at time.Time) error {
	return s.change(ctx, "cancel a proxy", func(tx *sql.Tx) error { return cancelProxy(ctx, tx, proxy, at) })
}

func cancelProxy(ctx context.Context, tx *sql.Tx, proxy string, at time.Time) error {
	if err := circ.CheckNotice(circ.ProxyCancelled{ID: proxy}); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO cancellations (proxy, at) VALUES (?, ?) ON CONFLICT (proxy) DO NOTHING`, proxy, millis(at)); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM proxies WHERE id = ?`, proxy); err != nil {
		return err
	}
	return unneed(ctx, tx, needProxy, proxy)
}

// nextTurn counts what is to be told: what has a lower turn is told first.
func nextTurn(ctx context.Context, tx *sql.Tx) (turn int64, err error) {
	err = tx.QueryRowContext(ctx, `UPDATE reach SET turn = turn + 1 RETURNING turn`).Scan(&turn)
	return turn, err
}

// wake notes that a station, or ("") all that do, have something to be told since a
// turn.
func wake(ctx context.Context, tx *sql.Tx, station circ.StationID, turn int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE stations SET turn = ?, pending_since = CASE WHEN pending_since > 0 THEN pending_since ELSE ? END
		WHERE stream <> '' AND (? = '' OR id = ?) AND (EXISTS (SELECT 1 FROM needs n WHERE n.station = stations.id AND n.turn >= ?)
			OR EXISTS (SELECT 1 FROM standing n WHERE n.station = stations.id AND n.turn >= ?))`,
		turn, millis(time.Now()), station, station, turn, turn)
	return err
}

// review sets what one station needs, and what it no longer does.
func review(ctx context.Context, tx *sql.Tx, station circ.StationID, turn int64) error {
	need, err := asked(ctx, tx, station)
	if err != nil {
		return err
	}
	for kind, query := range need.all() {
		if err := query.insert(ctx, tx, kind, turn); err != nil {
			return err
		}
		args := append([]any{turn, station, kind}, query.args...)
		if _, err := tx.ExecContext(ctx, `UPDATE needs SET want = 0, turn = ? WHERE station = ? AND kind = ? AND want = 1
			AND key NOT IN (SELECT key FROM (`+query.text+`) AS wanted)`, args...); err != nil {
			return err
		}
	}
	return nil
}

// retell is told when something in the library changed: stations that have it are
// told again, and those that need it now are told of it. What changed is in the table
// changed.
func retell(ctx context.Context, tx *sql.Tx, turn int64) error {
	if _, err := tx.ExecContext(ctx, `UPDATE needs SET turn = ? WHERE turn = 0 AND (kind, key) IN (SELECT kind, key FROM changed)`, turn); err != nil {
		return err
	}
	need, err := asked(ctx, tx, "")
	if err != nil {
		return err
	}
	for kind, query := range need.all() {
		if err := query.insert(ctx, tx, kind, turn); err != nil {
			return err
		}
	}
	return wake(ctx, tx, "", turn)
}

// noteChanged begins the table changed anew with keys of each kind.
func noteChanged(ctx context.Context, tx *sql.Tx, keys [needProxy + 1][]string) error {
	if _, err := tx.ExecContext(ctx, `CREATE TEMPORARY TABLE IF NOT EXISTS changed (kind BIGINT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (kind, key))`); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM changed`); err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, `INSERT INTO changed (kind, key) VALUES (?, ?) ON CONFLICT (kind, key) DO NOTHING`)
	if err != nil {
		return err
	}
	defer insert.Close()
	for kind, some := range keys {
		for _, key := range some {
			if _, err := insert.ExecContext(ctx, kind, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// query is one that gives columns station and key.
type query struct {
	text string
	args []any
}

// insert makes what the query gives needed.
func (q query) insert(ctx context.Context, tx *sql.Tx, kind int, turn int64) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO needs (station, kind, key, want, had, turn) SELECT station, ?, key, 1, 0, ? FROM (`+q.text+`) AS wanted WHERE true
		ON CONFLICT (station, kind, key) DO UPDATE SET want = 1, turn = CASE WHEN needs.turn > 0 THEN needs.turn ELSE excluded.turn END WHERE needs.want = 0`,
		append([]any{kind, turn}, q.args...)...)
	return err
}

// asking makes the queries for what one station needs, or (station "") what is
// needed of what is in the table changed.
type asking struct {
	station   circ.StationID
	allItems  bool
	allPeople bool
	since     int64
}

func asked(ctx context.Context, tx *sql.Tx, station circ.StationID) (asking, error) {
	a := asking{station: station}
	var mostItems, mostPeople, items, people, named int
	if err := tx.QueryRowContext(ctx, `SELECT items, people, since FROM reach`).Scan(&mostItems, &mostPeople, &a.since); err != nil {
		return a, err
	}
	err := tx.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM items LIMIT ?) AS i), (SELECT COUNT(*) FROM (SELECT 1 FROM patrons LIMIT ?) AS p),
		(SELECT COUNT(*) FROM (SELECT 1 FROM patrons WHERE station <> '' LIMIT 1) AS n)`, mostItems+1, mostPeople+1).Scan(&items, &people, &named)
	if err != nil {
		return a, err
	}
	a.allItems = items <= mostItems
	a.allPeople = people <= mostPeople && named == 0
	return a, a.gather(ctx, tx)
}

// all are the queries by kind.
func (a asking) all() map[int]query {
	return map[int]query{needPolicy: a.whole("policies", needPolicy), needItem: a.items(), needPatron: a.patrons(), needProxy: a.proxies()}
}

// where limits a query to what is asked about.
func (a asking) where(q *query, station, key string, kind int) string {
	if a.station != "" {
		q.args = append(q.args, a.station)
		return station + " = ?"
	}
	q.args = append(q.args, kind)
	return key + " IN (SELECT key FROM changed WHERE kind = ?)"
}

// whole gives a table to every station.
func (a asking) whole(table string, kind int) (q query) {
	q.text = `SELECT s.id AS station, t.id AS key FROM stations s CROSS JOIN ` + table + ` t WHERE s.stream <> '' AND ` + a.where(&q, "s.id", "t.id", kind)
	return q
}

func (a asking) items() (q query) {
	if a.allItems {
		return a.whole("items", needItem)
	}
	q.text = `SELECT w.station AS station, w.item AS key FROM (
		SELECT home AS station, id AS item FROM items WHERE home <> '' AND ` + a.where(&q, "home", "id", needItem) + `
		UNION SELECT station, item FROM places WHERE place NOT IN ('away', 'lost') AND ` + a.where(&q, "station", "item", needItem) + `
		UNION SELECT station, item FROM loans WHERE ` + a.where(&q, "station", "item", needItem) + `
		UNION SELECT station, item FROM listed WHERE ` + a.where(&q, "station", "item", needItem) + `
		) AS w JOIN items i ON i.id = w.item JOIN stations s ON s.id = w.station AND s.stream <> ''`
	return q
}

// gather fills the table people with who belongs to which station of themselves, as
// far as it is asked about.
func (a asking) gather(ctx context.Context, tx *sql.Tx) error {
	if a.allPeople {
		return nil
	}
	for _, statement := range []string{
		`CREATE TEMPORARY TABLE IF NOT EXISTS people (station TEXT NOT NULL, patron TEXT NOT NULL, PRIMARY KEY (station, patron))`,
		`DELETE FROM people`,
		`CREATE TEMPORARY TABLE IF NOT EXISTS near (patron TEXT NOT NULL PRIMARY KEY)`,
		`DELETE FROM near`,
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	if a.station == "" { // whom a change may concern: those who changed, and the other ones of their authorisations
		for _, statement := range []string{
			`INSERT INTO near (patron) SELECT key FROM changed WHERE kind = 2`,
			`INSERT INTO near (patron) SELECT principal FROM proxies WHERE id IN (SELECT key FROM changed WHERE kind = 3) ON CONFLICT (patron) DO NOTHING`,
			`INSERT INTO near (patron) SELECT agent FROM proxies WHERE id IN (SELECT key FROM changed WHERE kind = 3) ON CONFLICT (patron) DO NOTHING`,
			`INSERT INTO near (patron) SELECT agent FROM proxies WHERE principal IN (SELECT key FROM changed WHERE kind = 2) ON CONFLICT (patron) DO NOTHING`,
			`INSERT INTO near (patron) SELECT principal FROM proxies WHERE agent IN (SELECT key FROM changed WHERE kind = 2) ON CONFLICT (patron) DO NOTHING`,
		} {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
	}
	q := query{}
	where := func(station, patron string) string {
		if a.station != "" {
			q.args = append(q.args, a.station)
			return station + " = ?"
		}
		return patron + " IN (SELECT patron FROM near)"
	}
	was := func() string {
		q.args = append(q.args, a.since)
		return `(r.seen > 0 AND r.seen >= ? OR EXISTS (SELECT 1 FROM loans l WHERE l.station = r.station AND l.patron = r.ref))`
	}
	q.text = `INSERT INTO people (station, patron)
		SELECT p.station, p.id FROM patrons p WHERE p.station <> '' AND ` + where("p.station", "p.id") + `
		UNION SELECT r.station, r.patron FROM refs r WHERE ` + was() + ` AND ` + where("r.station", "r.patron") + `
		UNION SELECT r.station, c.patron FROM refs r JOIN cards c ON c.card = r.patron WHERE ` + was() + ` AND ` + where("r.station", "c.patron")
	_, err := tx.ExecContext(ctx, q.text, q.args...)
	return err
}

func (a asking) patrons() (q query) {
	if a.allPeople {
		return a.whole("patrons", needPatron)
	}
	q.text = `SELECT w.station AS station, w.patron AS key FROM (
		SELECT station, patron FROM people
		UNION SELECT b.station, x.agent FROM people b JOIN proxies x ON x.principal = b.patron
		UNION SELECT b.station, x.principal FROM people b JOIN proxies x ON x.agent = b.patron
		UNION SELECT s.id, p.id FROM stations s CROSS JOIN patrons p WHERE p.staff = 1 AND ` + a.where(&q, "s.id", "p.id", needPatron) + `
		) AS w JOIN patrons p ON p.id = w.patron JOIN stations s ON s.id = w.station AND s.stream <> ''`
	return q
}

func (a asking) proxies() (q query) {
	if a.allPeople {
		return a.whole("proxies", needProxy)
	}
	q.text = `SELECT b.station AS station, x.id AS key FROM people b JOIN proxies x ON x.principal = b.patron JOIN stations s ON s.id = b.station AND s.stream <> ''
		UNION SELECT b.station, x.id FROM people b JOIN proxies x ON x.agent = b.patron JOIN stations s ON s.id = b.station AND s.stream <> ''`
	return q
}

// turnedUp makes the items needed that a batch was about and that were not seen at
// its station before, and the people who were there.
func (b Batch) turnedUp(ctx context.Context, tx *sql.Tx, changed items, entries []entry) error {
	var strange []any
	for item, h := range changed.of {
		if h.was.where != b.Station {
			strange = append(strange, item)
		}
	}
	met, err := b.met(ctx, tx, entries)
	if err != nil {
		return err
	}
	used, err := b.usedUp(ctx, tx, entries)
	if err != nil || len(strange) == 0 && len(met) == 0 && !used {
		return err
	}
	turn, err := nextTurn(ctx, tx)
	if err != nil {
		return err
	}
	for some := range chunks(strange) {
		q := query{`SELECT s.id AS station, i.id AS key FROM stations s CROSS JOIN items i WHERE s.id = ? AND s.stream <> '' AND i.id IN (` + marksFor(some) + `)`,
			append([]any{b.Station}, some...)}
		if err := q.insert(ctx, tx, needItem, turn); err != nil {
			return err
		}
	}
	if len(met) > 0 {
		if err := noteChanged(ctx, tx, [needProxy + 1][]string{needPatron: met}); err != nil {
			return err
		}
		need, err := asked(ctx, tx, "")
		if err != nil {
			return err
		}
		for kind, q := range map[int]query{needPatron: need.patrons(), needProxy: need.proxies()} {
			if err := q.insert(ctx, tx, kind, turn); err != nil {
				return err
			}
		}
	}
	return wake(ctx, tx, b.Station, turn)
}

// met notes who was at the station, once a day, and answers those for whom that was
// not noted.
func (b Batch) met(ctx context.Context, tx *sql.Tx, entries []entry) (patrons []string, err error) {
	var refs []any
	known := make(map[string]bool)
	var at time.Time
	for _, e := range entries {
		if e.kind == "PatronMet" {
			continue
		}
		for _, r := range []string{e.patron, e.acted} {
			if r != "" && !known[r] {
				known[r] = true
				refs = append(refs, r)
			}
		}
		if e.at.After(at) {
			at = e.at
		}
	}
	for some := range chunks(refs) {
		args := append([]any{millis(at), b.Station, millis(at.AddDate(0, 0, -1))}, some...)
		more, err := collect(ctx, tx, func(scan func(...any) error) (patron string, err error) {
			err = scan(&patron)
			return patron, err
		}, `UPDATE refs SET seen = ? WHERE station = ? AND seen < ? AND ref IN (`+marksFor(some)+`) RETURNING patron`, args...)
		if err != nil {
			return nil, err
		}
		patrons = append(patrons, more...)
		for _, patron := range more { // it may be a card of somebody's
			own, err := collect(ctx, tx, func(scan func(...any) error) (patron string, err error) {
				err = scan(&patron)
				return patron, err
			}, `SELECT patron FROM cards WHERE card = ?`, patron)
			if err != nil {
				return nil, err
			}
			patrons = append(patrons, own...)
		}
	}
	return patrons, nil
}

// usedUp cancels the authorisations for once by which somebody acted, unless another
// one allowed it too.
func (b Batch) usedUp(ctx context.Context, tx *sql.Tx, entries []entry) (any bool, err error) {
	done := make(map[[2]string]bool) // several items at once are one use
	for _, e := range entries {
		who := [2]string{e.patron, e.acted}
		scope := map[string]circ.Scopes{"CheckedOut": circ.MayBorrow, "Renewed": circ.MayRenew}[e.kind]
		if scope == 0 || e.acted == "" || e.patron == e.acted || done[who] {
			continue
		}
		done[who] = true
		var proxy string
		var once bool
		err := tx.QueryRowContext(ctx, `SELECT x.id, x.once FROM proxies x
			JOIN refs p ON p.station = ? AND p.ref = ? AND p.patron = x.principal JOIN refs a ON a.station = p.station AND a.ref = ? AND a.patron = x.agent
			WHERE x.scopes & ? <> 0 AND x.begins <= ? AND (x.ends = 0 OR x.ends > ?) ORDER BY x.once, x.id LIMIT 1`,
			b.Station, e.patron, e.acted, scope, millis(e.at), millis(e.at)).Scan(&proxy, &once)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return any, err
		}
		if once {
			any = true
			if err := cancelProxy(ctx, tx, proxy, e.at); err != nil {
				return any, err
			}
		}
	}
	return any, nil
}

// chunks are runs of values that fit into one statement.
func chunks(values []any) func(func([]any) bool) {
	const most = 200
	return func(yield func([]any) bool) {
		for ; len(values) > 0; values = values[min(most, len(values)):] {
			if !yield(values[:min(most, len(values))]) {
				return
			}
		}
	}
}

// marksFor are the places of values in a statement.
func marksFor(values []any) string {
	return strings.TrimSuffix(strings.Repeat("?, ", len(values)), ", ")
}
