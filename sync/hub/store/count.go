package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
)

// Counts are what stations found when their shelves were counted. A count is what a
// station said of its shelf within half a day, up to where it said that the whole was
// seen: parts of it may come as they like.
type Counts interface {
	// LastCounts are the last count of each station that was counted, the last
	// first, at most limit of them after skip, without what they found.
	LastCounts(ctx context.Context, skip, limit int) ([]Count, error)
	// Counted is a station's last count and what it found that nobody has judged
	// since; the zero Count when there was none.
	Counted(ctx context.Context, station circ.StationID) (Count, error)
	// Judge says what is to become of something that a station's last count found,
	// and does it; ErrNoDifference when it was not found, or was judged. What lay on
	// the shelf while it was lent is taken back from whoever has it, at the library
	// system ils ("" for none) too: physical evidence.
	Judge(ctx context.Context, j Judgement) error
}

// Count is a count of a shelf.
type Count struct {
	Station  circ.StationID
	Begun    time.Time // its first part
	At       time.Time // its last part
	Whole    bool
	Seen     int
	Findings []Finding
}

// FindingKind is what is the matter with an item.
type FindingKind string

// The kinds of findings.
const (
	FoundMissing FindingKind = "missing" // it should be on the shelf and was not seen in the last whole count
	FoundLent    FindingKind = "lent"    // it was seen and is on loan
	FoundForeign FindingKind = "foreign" // it was seen and belongs elsewhere
	FoundUnknown FindingKind = "unknown" // it was seen and nothing is known of it
)

// Finding is something that a count found.
type Finding struct {
	circ.Item
	Kind   FindingKind
	Since  time.Time      // when it was last seen, or lent
	Missed int            // in how many whole counts it was missed
	Lender circ.StationID // where it was lent
}

// GivenUp is in how many whole counts an item must be missed before it is proposed to
// give it up.
const GivenUp = 2

// Outcomes are what may be done about the finding, the best first.
func (f Finding) Outcomes() []Outcome {
	switch {
	case f.Kind == FoundMissing && f.Missed >= GivenUp:
		return []Outcome{OutcomeLost, OutcomeFound, OutcomeLeave}
	case f.Kind == FoundMissing:
		return []Outcome{OutcomeLeave, OutcomeFound, OutcomeLost}
	case f.Kind == FoundLent:
		return []Outcome{OutcomeHere, OutcomeLeave}
	case f.Kind == FoundForeign:
		return []Outcome{OutcomeBack, OutcomeStays, OutcomeLeave}
	}
	return []Outcome{OutcomeLeave}
}

// Judgement is what a person says of a finding.
type Judgement struct {
	Station circ.StationID
	Item    circ.ItemID
	Outcome Outcome
	ILS     string
	By      string
	At      time.Time
}

const (
	countLasts = 12 * time.Hour   // parts of a count
	countParts = 10 * time.Minute // parts that all say that they end it
	// countBefore is how long before a count something seen on the shelf is not
	// missed: it came while people counted.
	countBefore = time.Hour
)

// countPart is one ShelfCounted.
type countPart struct {
	station circ.StationID
	ledger  string
	seq     uint64
	guess
	whole bool
}

// counts puts parts, the first first, together.
func counts(parts []countPart) (all [][]countPart) {
	for _, p := range parts {
		if n := len(all); n > 0 {
			last := all[n-1][len(all[n-1])-1]
			if gap := p.at.Sub(last.at); gap <= countParts || gap <= countLasts && !last.whole {
				all[n-1] = append(all[n-1], p)
				continue
			}
		}
		all = append(all, []countPart{p})
	}
	return all
}

func (s *base) LastCounts(ctx context.Context, skip, limit int) ([]Count, error) {
	return collect(ctx, s.read, func(scan func(...any) error) (c Count, err error) {
		var at int64
		err = scan(&c.Station, &at)
		c.At = fromMillis(at)
		return c, err
	}, `SELECT station, MAX(at) FROM events WHERE kind = 'ShelfCounted' AND undone = 0 GROUP BY station ORDER BY 2 DESC, 1 LIMIT ? OFFSET ?`, limit, skip)
}

func (s *base) Counted(ctx context.Context, station circ.StationID) (Count, error) {
	c, _, err := lastCount(ctx, s.read, station)
	return c, err
}

// lastCount is a station's last count, and its parts.
func lastCount(ctx context.Context, q queryer, station circ.StationID) (c Count, parts []countPart, err error) {
	const most = 200 // parts of counts that are looked at
	all, err := collect(ctx, q, func(scan func(...any) error) (p countPart, err error) {
		var at, off int64
		err = scan(&p.station, &p.ledger, &p.seq, &at, &off, &p.whole)
		p.guess = guess{fromMillis(at), ms(off)}
		return p, err
	}, `SELECT station, ledger, seq, at, err, CASE WHEN note = 'whole' THEN 1 ELSE 0 END FROM events
		WHERE kind = 'ShelfCounted' AND undone = 0 AND station = ? ORDER BY at DESC, seq DESC LIMIT ?`, station, most)
	if err != nil || len(all) == 0 {
		return c, nil, err
	}
	slices.Reverse(all)
	groups := counts(all)
	parts = groups[len(groups)-1]
	c = Count{Station: station, Begun: parts[0].at, At: parts[len(parts)-1].at, Whole: isWhole(parts)}
	if c.Seen, err = c.seen(ctx, q); err != nil {
		return c, nil, err
	}
	var wholes []time.Time // when each began, the last first
	for _, g := range slices.Backward(groups) {
		if isWhole(g) {
			wholes = append(wholes, g[0].at.Add(-countBefore))
		}
	}
	err = c.find(ctx, q, wholes)
	return c, parts, err
}

func isWhole(parts []countPart) bool {
	return slices.ContainsFunc(parts, func(p countPart) bool { return p.whole })
}

// inCount are the items of the count's parts, as a query, with its values.
func (c Count) inCount() (string, []any) {
	return `(SELECT DISTINCT k.item FROM listings k JOIN events e ON e.station = k.station AND e.ledger = k.ledger AND e.seq = k.seq
		WHERE k.station = ? AND e.kind = 'ShelfCounted' AND e.undone = 0 AND e.at >= ? AND e.at <= ?)`, []any{c.Station, millis(c.Begun), millis(c.At)}
}

func (c Count) seen(ctx context.Context, q queryer) (n int, err error) {
	in, args := c.inCount()
	err = q.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+in+` AS k`, args...).Scan(&n)
	return n, err
}

// find finds what is the matter.
func (c *Count) find(ctx context.Context, q queryer, wholes []time.Time) error {
	in, args := c.inCount()
	unjudged := func(item string) string {
		args = append(args, c.Station, millis(c.At))
		return ` AND NOT EXISTS (SELECT 1 FROM judgements j WHERE j.station = ? AND j.item = ` + item + ` AND j.at >= ?)`
	}
	add := func(query string) error {
		some, err := collect(ctx, q, func(scan func(...any) error) (f Finding, err error) {
			var since int64
			err = scan(&f.Kind, &f.ID, &f.Title, &f.Author, &f.Home, &since, &f.Lender)
			f.Since = fromMillis(since)
			return f, err
		}, query+` ORDER BY 3, 2`, args...)
		c.Findings = append(c.Findings, some...)
		return err
	}
	const item = `COALESCE(i.title, ''), COALESCE(i.author, ''), COALESCE(i.home, '')`
	query := `SELECT 'lent', k.item, ` + item + `, l.at, l.station FROM ` + in + ` AS k JOIN loans l ON l.item = k.item LEFT JOIN items i ON i.id = k.item WHERE l.at < ?`
	args = append(args, millis(c.At))
	if err := add(query + unjudged("k.item")); err != nil {
		return err
	}
	in, args = c.inCount()
	query = `SELECT CASE WHEN i.id IS NULL THEN 'unknown' ELSE 'foreign' END, k.item, ` + item + `, 0, '' FROM ` + in + ` AS k LEFT JOIN items i ON i.id = k.item LEFT JOIN places p ON p.item = k.item
		WHERE (i.id IS NULL OR i.home NOT IN ('', ?)) AND p.station = ? AND p.place = 'shelf'
		AND NOT EXISTS (SELECT 1 FROM loans l WHERE l.item = k.item) AND NOT EXISTS (SELECT 1 FROM recalls r WHERE r.item = k.item AND r.told = ?)`
	args = append(args, c.Station, c.Station, c.Station)
	if err := add(query + unjudged("k.item")); err != nil {
		return err
	}
	if len(wholes) == 0 {
		return nil
	}
	args = []any{c.Station, millis(wholes[0])}
	if err := add(`SELECT 'missing', p.item, ` + item + `, p.at, '' FROM places p JOIN items i ON i.id = p.item
		WHERE p.station = ? AND p.place = 'shelf' AND p.at < ?` + unjudged("p.item")); err != nil {
		return err
	}
	for i, f := range c.Findings {
		if f.Kind != FoundMissing {
			continue
		}
		for _, whole := range wholes {
			if f.Since.Before(whole) {
				c.Findings[i].Missed++
			}
		}
	}
	return nil
}

func (s *base) Judge(ctx context.Context, j Judgement) error {
	return s.change(ctx, "judge what a count found", func(tx *sql.Tx) error {
		c, parts, err := lastCount(ctx, tx, j.Station)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(c.Findings, func(f Finding) bool { return f.ID == j.Item })
		if at < 0 || !slices.Contains(c.Findings[at].Outcomes(), j.Outcome) {
			return ErrNoDifference
		}
		f := c.Findings[at]
		if _, err := tx.ExecContext(ctx, `INSERT INTO judgements (station, item, what, outcome, at, who) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (station, item, what) DO UPDATE SET outcome = excluded.outcome, at = excluded.at, who = excluded.who`,
			j.Station, j.Item, f.Kind, j.Outcome, millis(latest(j.At, c.At)), j.By); err != nil {
			return err
		}
		switch j.Outcome {
		case OutcomeHere:
			return c.takeBack(ctx, tx, parts[len(parts)-1], f, j)
		case OutcomeFound:
			_, err := tx.ExecContext(ctx, `UPDATE places SET at = ? WHERE item = ? AND station = ? AND place = 'shelf'`, millis(latest(j.At, c.At)), j.Item, j.Station)
			return err
		}
		return carryOut(ctx, tx, deed{j.Outcome, j.Item, j.Station, "", j.By, j.At})
	})
}

// takeBack ends a loan of an item that lay on the shelf, where it was lent, here and
// at the library system.
func (c Count) takeBack(ctx context.Context, tx *sql.Tx, last countPart, f Finding, j Judgement) error {
	var o loan
	if err := tx.QueryRowContext(ctx, `DELETE FROM loans WHERE item = ? AND at < ? RETURNING station, patron`, f.ID, millis(c.At)).Scan(&o.station, &o.patron); err != nil {
		return err
	}
	if err := tell(ctx, tx, o.station, []circ.NoticeBody{circ.LoanGone{Item: f.ID}}); err != nil {
		return err
	}
	if j.ILS == "" {
		return nil
	}
	// No event of the station's says this. A ledger of its own for the item keeps it
	// apart from what the station wrote.
	ledger := uuid.NewSHA1(fromID(last.ledger), []byte("counted "+f.ID))
	e := queued{PostingKey: PostingKey{ILS: j.ILS, Station: o.station, Ledger: ledger, Seq: last.seq}, op: PostTakeBack, item: f.ID,
		patron: fromRef(o.patron), with: fromRef(o.patron), guess: last.guess, received: j.At, sorts: last.at}
	return add(ctx, tx, []queued{e})
}
