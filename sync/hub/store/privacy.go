package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"time"

	"coldstation/sync/circ"
)

// Privacy is what is kept of people, shown to them and forgotten.
type Privacy interface {
	// Person is all that the hub knows of one, by a card or their number; ErrNoPerson.
	Person(ctx context.Context, card string) (Person, error)
	// Erase forgets one: their particulars, cards and authorisations at once, at the
	// stations as soon as these hear of it, and which of what happened was theirs.
	// Counts of whole months in a place stay. ErrStillLent while they have a loan or one of theirs is on its way
	// to the library system; ErrNoPerson.
	Erase(ctx context.Context, card string, at time.Time, place *time.Location) error
	// Unlink forgets whose loans were that ended before a time, and of which the library
	// system knows all, and answers of how many events. In which months a card was at a
	// station is kept under a random mark, so that figures of whole months stay as they
	// are. Meant for once a day.
	Unlink(ctx context.Context, before time.Time, place *time.Location) (int, error)
	// Proxies are the authorisations after one, by their names.
	Proxies(ctx context.Context, after string, limit int) ([]circ.Proxy, error)
}

// What a caller of Privacy tells apart.
var (
	ErrNoPerson  = errors.New("store: nobody is known by that number")
	ErrStillLent = errors.New("store: something is still on loan, or on its way to the library system")
)

// Person is all that the hub knows of one.
type Person struct {
	ID        string
	FirstName string
	Policy    string
	Language  string
	Picture   string
	Station   circ.StationID // where they belong
	Staff     bool
	Blocked   bool
	Recalls   bool // wants to be told what they had before
	Secret    bool // has a secret number
	Cards     []string
	Proxies   []circ.Proxy
	Stations  []PersonStation
	Loans     []Loan
	Events    []ItemEvent
	Pending   int // on their way to the library system
}

// PersonStation is a station that knows somebody.
type PersonStation struct {
	ID   circ.StationID
	Seen time.Time // they borrowed or brought back there last; zero: not known
}

// theirs are the references of one at the stations: columns station and ref, of a
// number and its cards, given twice.
const theirs = `SELECT station, ref FROM refs WHERE patron = ? OR patron IN (SELECT card FROM cards WHERE patron = ?)`

func (s *base) Person(ctx context.Context, card string) (Person, error) {
	return person(ctx, s.read, card)
}

func person(ctx context.Context, q queryer, card string) (p Person, err error) {
	var known bool
	err = q.QueryRowContext(ctx, `SELECT COALESCE((SELECT id FROM patrons WHERE id = ?), (SELECT patron FROM cards WHERE card = ? ORDER BY patron LIMIT 1), ?)`, card, card, card).Scan(&p.ID)
	if err != nil {
		return p, err
	}
	err = q.QueryRowContext(ctx, `SELECT first_name, policy, language, picture, station, staff, blocked, recalls, secret <> '' FROM patrons WHERE id = ?`, p.ID).
		Scan(&p.FirstName, &p.Policy, &p.Language, &p.Picture, &p.Station, &p.Staff, &p.Blocked, &p.Recalls, &p.Secret)
	known = err == nil
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return p, err
	}
	if p.Cards, err = collect(ctx, q, scanText, `SELECT card FROM cards WHERE patron = ? ORDER BY card`, p.ID); err != nil {
		return p, err
	}
	if p.Proxies, err = proxies(ctx, q, `WHERE principal = ? OR agent = ? ORDER BY id`, p.ID, p.ID); err != nil {
		return p, err
	}
	if p.Stations, err = collect(ctx, q, func(scan func(...any) error) (at PersonStation, err error) {
		var seen int64
		err = scan(&at.ID, &seen)
		at.Seen = fromMillis(seen)
		return at, err
	}, `SELECT station, MAX(seen) FROM (SELECT station, seen FROM refs WHERE patron = ? OR patron IN (SELECT card FROM cards WHERE patron = ?)
		UNION ALL SELECT station, 0 FROM needs WHERE kind = ? AND key = ? AND want = 1) AS k GROUP BY station ORDER BY station`, p.ID, p.ID, needPatron, p.ID); err != nil {
		return p, err
	}
	if p.Loans, err = collect(ctx, q, func(scan func(...any) error) (l Loan, err error) {
		var at, due int64
		err = scan(&l.Item, &l.Title, &l.Station, &at, &due, &l.Renewed)
		l.Since, l.Due = fromMillis(at), fromMillis(due)
		return l, err
	}, `SELECT l.item, COALESCE(i.title, ''), l.station, l.at, l.due, l.renewed FROM loans l LEFT JOIN items i ON i.id = l.item
		WHERE (l.station, l.patron) IN (`+theirs+`) ORDER BY l.at`, p.ID, p.ID); err != nil {
		return p, err
	}
	if p.Events, err = collect(ctx, q, func(scan func(...any) error) (e ItemEvent, err error) {
		var at int64
		err = scan(&e.Station, &e.Kind, &at, &e.Item, &e.Title, &e.Undone)
		e.At = fromMillis(at)
		return e, err
	}, `SELECT e.station, e.kind, e.at, e.item, COALESCE(i.title, ''), e.undone FROM (`+theirs+`) AS r
		JOIN events e ON e.station = r.station AND (e.patron = r.ref OR e.acted = r.ref) LEFT JOIN items i ON i.id = e.item ORDER BY e.at DESC`, p.ID, p.ID); err != nil {
		return p, err
	}
	err = q.QueryRowContext(ctx, `SELECT COUNT(*) FROM postings p WHERE (p.state IN ('pending', 'sent', 'unknown') OR p.person = 1)
		AND ((p.station, p.patron) IN (`+theirs+`) OR (p.station, p.was_with) IN (`+theirs+`))`, p.ID, p.ID, p.ID, p.ID).Scan(&p.Pending)
	if err == nil && !known && len(p.Proxies)+len(p.Stations)+len(p.Loans)+len(p.Events) == 0 {
		err = ErrNoPerson
	}
	return p, err
}

func scanText(scan func(...any) error) (text string, err error) {
	err = scan(&text)
	return text, err
}

func (s *base) Proxies(ctx context.Context, after string, limit int) ([]circ.Proxy, error) {
	return proxies(ctx, s.read, `WHERE id > ? ORDER BY id LIMIT ?`, after, limit)
}

func proxies(ctx context.Context, q queryer, where string, args ...any) ([]circ.Proxy, error) {
	return collect(ctx, q, func(scan func(...any) error) (x circ.Proxy, err error) {
		var principal, agent string
		var from, to int64
		err = scan(&x.ID, &principal, &agent, &x.Scopes, &x.Once, &from, &to)
		x.Principal, x.Agent, x.From, x.To = circ.NewPatronID(principal), circ.NewPatronID(agent), fromMillis(from), fromMillis(to)
		return x, err
	}, `SELECT id, principal, agent, scopes, once, begins, ends FROM proxies `+where, args...)
}

func (s *base) Erase(ctx context.Context, card string, at time.Time, place *time.Location) error {
	return s.change(ctx, "erase a person", func(tx *sql.Tx) error {
		p, err := person(ctx, tx, card)
		switch {
		case err != nil:
			return err
		case len(p.Loans) > 0 || p.Pending > 0:
			return ErrStillLent
		}
		for _, x := range p.Proxies {
			if err := cancelProxy(ctx, tx, x.ID, at); err != nil {
				return err
			}
		}
		unlinking, err := linked(ctx, tx, `JOIN (`+theirs+`) AS t ON t.station = e.station AND (t.ref = e.patron OR t.ref = e.acted)`, p.ID, p.ID)
		if err != nil {
			return err
		}
		if err := unlinking.do(ctx, tx, place); err != nil {
			return err
		}
		two, one := []any{p.ID, p.ID}, []any{p.ID}
		for _, statement := range []struct {
			text string
			args []any
		}{
			{`UPDATE postings SET patron = '', words = '' WHERE (station, patron) IN (` + theirs + `)`, two},
			{`UPDATE postings SET was_with = '', words = '' WHERE (station, was_with) IN (` + theirs + `)`, two},
			{`DELETE FROM marks WHERE card = ? OR card IN (SELECT card FROM cards WHERE patron = ?)`, two},
			{`DELETE FROM learned WHERE kind = 'patron' AND (id = ? OR id IN (SELECT card FROM cards WHERE patron = ?))`, two},
			{`DELETE FROM refs WHERE patron = ? OR patron IN (SELECT card FROM cards WHERE patron = ?)`, two},
			{`DELETE FROM cards WHERE patron = ?`, one},
			{`DELETE FROM patrons WHERE id = ?`, one},
		} {
			if _, err := tx.ExecContext(ctx, statement.text, statement.args...); err != nil {
				return err
			}
		}
		return unneed(ctx, tx, needPatron, p.ID)
	})
}

// links are events that tell whose they were.
type links []link

type link struct {
	station circ.StationID
	ledger  string
	seq     uint64
	at      time.Time
	card    string // to be counted; "" for one that figures do not count
}

// oneUnlinking is how many events are changed in one transaction: others write too.
const oneUnlinking = 2000

func linked(ctx context.Context, q queryer, where string, args ...any) (links, error) {
	return collect(ctx, q, func(scan func(...any) error) (l link, err error) {
		var at int64
		err = scan(&l.station, &l.ledger, &l.seq, &at, &l.card)
		l.at = fromMillis(at)
		return l, err
	}, `SELECT e.station, e.ledger, e.seq, e.at, CASE WHEN e.undone = 0 AND e.kind IN ('CheckedOut', 'CheckedIn', 'Renewed', 'ReadHere', 'LentToHouse') THEN `+whose+` ELSE '' END
		FROM events e LEFT JOIN refs r ON r.station = e.station AND r.ref = e.patron `+where, args...)
}

// do forgets whose events were. What a station wrote tells it too, and goes with it:
// the chain still vouches for the ledger.
func (all links) do(ctx context.Context, tx *sql.Tx, place *time.Location) error {
	for _, l := range all {
		if l.card != "" {
			at := l.at.In(place)
			month := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, place)
			if _, err := tx.ExecContext(ctx, `INSERT INTO marks (card, mark) VALUES (?, ?) ON CONFLICT (card) DO NOTHING`, l.card, rand.Text()); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO visits (station, begins, ends, mark) SELECT ?, ?, ?, mark FROM marks WHERE card = ? ON CONFLICT DO NOTHING`,
				l.station, millis(month), millis(month.AddDate(0, 1, 0)), l.card); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `UPDATE events SET patron = '', acted = '', raw = x'' WHERE station = ? AND ledger = ? AND seq = ?`, l.station, l.ledger, l.seq); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE postings SET patron = '', was_with = '', words = '' WHERE station = ? AND ledger = ? AND seq = ?`, l.station, l.ledger, l.seq); err != nil {
			return err
		}
	}
	return nil
}

func (s *base) Unlink(ctx context.Context, before time.Time, place *time.Location) (n int, err error) {
	for more := true; more && err == nil; {
		var all links // read beside others: a look at all that happened takes a while
		if all, err = linked(ctx, s.read, `WHERE e.at < ? AND e.item <> '' AND (e.patron <> '' OR e.acted <> '')
			AND NOT EXISTS (SELECT 1 FROM loans l WHERE l.item = e.item AND l.at <= e.at)
			AND (e.kind = 'CheckedIn' OR e.undone = 1 OR EXISTS (SELECT 1 FROM events n WHERE n.item = e.item AND n.at >= e.at AND n.at < ? AND n.undone = 0
				AND n.kind IN ('CheckedIn', 'CheckedOut', 'LentToHouse', 'ReadHere', 'Placed', 'TakenOut') AND NOT (n.station = e.station AND n.ledger = e.ledger AND n.seq = e.seq)))
			AND e.item NOT IN (SELECT item FROM postings WHERE state IN ('pending', 'sent', 'unknown') OR person = 1)
			LIMIT ?`, millis(before), millis(before), oneUnlinking); err != nil {
			break
		}
		n += len(all)
		more = len(all) == oneUnlinking
		err = s.change(ctx, "forget whose loans were", func(tx *sql.Tx) error { return all.do(ctx, tx, place) })
	}
	if err != nil {
		return n, err
	}
	_, err = s.write.ExecContext(ctx, `UPDATE postings SET patron = '', was_with = '', words = '' WHERE at < ? AND (patron <> '' OR was_with <> '' OR words <> '')
		AND state NOT IN ('pending', 'sent', 'unknown') AND person = 0 AND item NOT IN (SELECT item FROM loans)`, millis(before))
	return n, err
}
