package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/wire"
)

// Posts is what is kept of events on their way to a library system.
type Posts interface {
	// Queue queues what was taken in since the last time: loans, returns,
	// renewals, what undoes them, and what implies a return. At most about limit
	// events are read; more tells that there are others.
	Queue(ctx context.Context, q Queue) (more bool, err error)
	// Preview is what Queue would add to what waits, and changes nothing.
	Preview(ctx context.Context, q Queue) ([]Posting, error)
	// Postings are those that wait for an outcome and were queued after a place,
	// in that order.
	Postings(ctx context.Context, ils string, after uint64, limit int) ([]Posting, error)
	// SavePostings keeps outcomes and tells the stations, all or nothing but for
	// the stale: those that changed since they were read are left as they are, and
	// their keys come back. The others' Rev is one higher from now on.
	SavePostings(ctx context.Context, changed []Posting) (stale []PostingKey, err error)
	// LastPosted is the last posting of an item that the library system has done.
	LastPosted(ctx context.Context, ils string, item circ.ItemID) (Posting, bool, error)
	// DueDates are the library system's due dates of loans now, where they are not
	// what was promised, to half a day.
	DueDates(ctx context.Context, ils string) (map[circ.ItemID]time.Time, error)
	// PostingsNow counts them by state, and those that need a person.
	PostingsNow(ctx context.Context, ils string) (map[PostingState]int, int, error)

	// Decisions are the postings that need a person, oldest first.
	Decisions(ctx context.Context, ils string, limit int) ([]Posting, error)
	// Decide applies what a person decided and keeps who and when. ErrNoDecision
	// when none is wanted (any more); ErrLater when something later was posted
	// about the item, so that it cannot be sent again.
	Decide(ctx context.Context, d Decision) error
	// Decided are the decisions about an event, oldest first.
	Decided(ctx context.Context, key PostingKey) ([]Decision, error)
}

// What a caller of Decide tells apart.
var (
	ErrNoDecision = errors.New("store: no decision is wanted there")
	ErrLater      = errors.New("store: something later was posted about the item")
)

// Queue is a wish to queue.
type Queue struct {
	ILS   string
	Since time.Time // what happened before is never posted
	House bool      // what is lent to the house is posted as a loan to its card
	Limit int       // events; 0 for 1000
}

// PostingKey is an event on its way to a library system.
type PostingKey struct {
	ILS     string
	Station circ.StationID
	Ledger  uuid.UUID
	Seq     uint64
}

// Posting is an event on its way to a library system, and what became of it.
type Posting struct {
	PostingKey
	Place    uint64
	Rev      uint64
	Op       PostingOp
	Item     circ.ItemID
	Patron   circ.PatronID // zero: nobody, or nobody knows who
	WasWith  circ.PatronID // whose loan it was as the station knew
	At       time.Time
	Err      time.Duration // how far off At may be, either way
	Sorts    time.Time     // the order of an item's postings, before Place
	Due      time.Time
	Target   uint64        // of an undo: the event that is undone
	Undoes   PostingOp     // what that was
	UndoesOf circ.PatronID // and whose it was
	Undone   PostingState  // and how it stood when this was read
	Later    bool          // something later was sent about the item when this was read

	State    PostingState
	Step     PostingStep
	Evidence bool // a person says that the item was there: physical evidence wins
	Tries    int
	Sends    int
	Changed  time.Time
	Again    time.Time // not before
	Before   time.Time
	Renewals int
	Acted    PostingOp
	ILSDue   time.Time
	Rule     string // as package ils has them
	Words    string // the library system's own; may be personal data
	Note     string
	Route    string // where an item that came back should go
	Person   bool   // needs one
	Title    string // of the item, in Decisions
}

// PostingOp is what a library system is asked for.
type PostingOp string

// The operations. An undo becomes the contrary of what it undoes.
const (
	PostLend     PostingOp = "lend"
	PostTakeBack PostingOp = "take back"
	PostRenew    PostingOp = "renew"
	PostHouse    PostingOp = "lend to the house"
	PostUndo     PostingOp = "undo"
)

// Act is what the library system is to do: of an undo the contrary, where there
// is one.
func (p Posting) Act() PostingOp {
	switch {
	case p.Op == PostHouse:
		return PostLend
	case p.Op != PostUndo:
		return p.Op
	case p.Undoes == PostLend, p.Undoes == PostHouse:
		return PostTakeBack
	case p.Undoes == PostTakeBack:
		return PostLend
	}
	return ""
}

// Resident puts the house's card where the house has the item: no station knows it.
func (p *Posting) Resident(house circ.PatronID) {
	switch {
	case p.Op == PostHouse:
		p.Patron = house
	case p.Op == PostUndo && p.Undoes == PostHouse:
		p.UndoesOf = house
	}
}

// PostingState is what is known of a posting.
type PostingState string

// The states of a posting.
const (
	PostPending   PostingState = "pending"
	PostSent      PostingState = "sent"    // about to be sent, or sent: nobody knows after a crash
	PostUnknown   PostingState = "unknown" // the reply was lost
	PostConfirmed PostingState = "confirmed"
	PostRefused   PostingState = "refused"
	PostWithdrawn PostingState = "withdrawn" // undone before it was sent
)

// Open reports whether there is more to come.
func (s PostingState) Open() bool { return s == PostPending || s == PostSent || s == PostUnknown }

// PostingStep is what was sent last of a posting.
type PostingStep string

// The steps of a posting.
const (
	StepNone   PostingStep = ""
	StepReturn PostingStep = "return" // of the loan that was still open
	StepMain   PostingStep = "main"
)

// Decision is what a person decided.
type Decision struct {
	PostingKey
	Action Action
	By     string
	At     time.Time
	Note   string
	Rule   string // what it was about; set by Decide
}

// Action is what a decision does.
type Action string

// The actions.
const (
	Retry  Action = "retry"  // send it again
	Return Action = "return" // the item was there: take it back from whoever has it, then go on
	Accept Action = "accept" // it is done at the library system, by whatever hands
	Leave  Action = "leave"  // let it be
)

const postingColumns = `SELECT p.station, p.ledger, p.seq, p.place, p.rev, p.op, p.item, COALESCE(r.patron, ''), COALESCE(w.patron, ''), p.at, p.err, p.sorts, p.due, p.target,
	COALESCE(t.op, ''), COALESCE(tr.patron, ''), COALESCE(t.state, ''),
	EXISTS (SELECT 1 FROM postings n WHERE n.ils = p.ils AND n.item = p.item AND n.sorts > p.sorts AND (n.sends > 0 OR n.state = 'confirmed')),
	p.state, p.step, p.evidence, p.tries, p.sends, p.changed, p.again, p.before, p.renewals, p.acted, p.ils_due, p.rule, p.words, p.note, p.route, p.person, COALESCE(i.title, '')
	FROM postings p
	LEFT JOIN refs r ON r.station = p.station AND r.ref = p.patron
	LEFT JOIN refs w ON w.station = p.station AND w.ref = p.was_with
	LEFT JOIN postings t ON t.ils = p.ils AND t.station = p.station AND t.ledger = p.ledger AND t.seq = p.target
	LEFT JOIN refs tr ON tr.station = t.station AND tr.ref = t.patron
	LEFT JOIN items i ON i.id = p.item `

func readPostings(ctx context.Context, q queryer, ils, where string, args ...any) ([]Posting, error) {
	return collect(ctx, q, func(scan func(...any) error) (p Posting, err error) {
		var ledger, patron, with, undoesOf string
		var at, off, sorts, due, changed, again, before, ilsDue int64
		err = scan(&p.Station, &ledger, &p.Seq, &p.Place, &p.Rev, &p.Op, &p.Item, &patron, &with, &at, &off, &sorts, &due, &p.Target,
			&p.Undoes, &undoesOf, &p.Undone, &p.Later,
			&p.State, &p.Step, &p.Evidence, &p.Tries, &p.Sends, &changed, &again, &before, &p.Renewals, &p.Acted, &ilsDue, &p.Rule, &p.Words, &p.Note, &p.Route, &p.Person, &p.Title)
		p.ILS, p.Ledger, p.Err = ils, fromID(ledger), ms(off)
		p.Patron, p.WasWith, p.UndoesOf = circ.NewPatronID(patron), circ.NewPatronID(with), circ.NewPatronID(undoesOf)
		p.At, p.Sorts, p.Due, p.Changed, p.Again, p.Before, p.ILSDue = fromMillis(at), fromMillis(sorts), fromMillis(due),
			fromMillis(changed), fromMillis(again), fromMillis(before), fromMillis(ilsDue)
		return p, err
	}, postingColumns+where, append([]any{ils}, args...)...)
}

func (s *base) Postings(ctx context.Context, ils string, after uint64, limit int) ([]Posting, error) {
	return readPostings(ctx, s.read, ils, `WHERE p.ils = ? AND p.place > ? AND p.state IN ('pending', 'sent', 'unknown') ORDER BY p.place LIMIT ?`, after, limit)
}

func (s *base) Decisions(ctx context.Context, ils string, limit int) ([]Posting, error) {
	return readPostings(ctx, s.read, ils, `WHERE p.ils = ? AND p.person = 1 ORDER BY p.changed, p.place LIMIT ?`, limit)
}

func (s *base) LastPosted(ctx context.Context, ils string, item circ.ItemID) (Posting, bool, error) {
	all, err := readPostings(ctx, s.read, ils, `WHERE p.ils = ? AND p.item = ? AND p.state = 'confirmed' AND p.acted <> '' ORDER BY p.sorts DESC, p.place DESC LIMIT 1`, item)
	if err != nil || len(all) == 0 {
		return Posting{}, false, err
	}
	return all[0], true, nil
}

func (s *base) DueDates(ctx context.Context, ils string) (map[circ.ItemID]time.Time, error) {
	all := make(map[circ.ItemID]time.Time)
	_, err := collect(ctx, s.read, func(scan func(...any) error) (none struct{}, err error) {
		var item circ.ItemID
		var theirs, ours int64
		err = scan(&item, &theirs, &ours)
		delete(all, item) // of a loan and its renewals the last counts
		if theirs != 0 && ours != 0 && ms(theirs-ours).Abs() >= 12*time.Hour {
			all[item] = fromMillis(theirs)
		}
		return none, err
	}, `SELECT l.item, p.ils_due, l.due FROM loans l JOIN postings p ON p.ils = ? AND p.item = l.item AND p.station = l.station AND p.ledger = l.ledger AND p.seq >= l.seq
		WHERE p.state = 'confirmed' AND p.acted IN ('lend', 'renew') ORDER BY p.sorts, p.place`, ils)
	return all, err
}

func (s *base) PostingsNow(ctx context.Context, ils string) (map[PostingState]int, int, error) {
	count, people := make(map[PostingState]int), 0
	_, err := collect(ctx, s.read, func(scan func(...any) error) (none struct{}, err error) {
		var state PostingState
		var n, person int
		err = scan(&state, &n, &person)
		count[state] = n
		people += person
		return none, err
	}, `SELECT state, COUNT(*), SUM(person) FROM postings WHERE ils = ? GROUP BY state`, ils)
	return count, people, err
}

func (s *base) Queue(ctx context.Context, q Queue) (more bool, err error) {
	// Mostly there is nothing, and a look costs less than a transaction that writes.
	var waits bool
	if err := s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM ledgers l LEFT JOIN post_marks m ON m.ils = ? AND m.station = l.station AND m.ledger = l.ledger
		WHERE l.cursor > COALESCE(m.seq, 0))`, q.ILS).Scan(&waits); err != nil || !waits {
		return false, err
	}
	err = s.change(ctx, "queue for "+q.ILS, func(tx *sql.Tx) error {
		more, err = queue(ctx, tx, q)
		return err
	})
	return more, err
}

func (s *base) Preview(ctx context.Context, q Queue) (all []Posting, err error) {
	undone := errors.New("undone")
	err = s.change(ctx, "preview for "+q.ILS, func(tx *sql.Tx) error {
		for more := true; more; {
			if more, err = queue(ctx, tx, q); err != nil {
				return err
			}
		}
		if all, err = readPostings(ctx, tx, q.ILS, `WHERE p.ils = ? AND p.state IN ('pending', 'sent', 'unknown') ORDER BY p.sorts, p.place`); err != nil {
			return err
		}
		return undone
	})
	if errors.Is(err, undone) {
		err = nil
	}
	return all, err
}

// queued is an event about to be queued.
type queued struct {
	PostingKey
	op           PostingOp
	item         circ.ItemID
	patron, with circ.Ref
	guess
	received time.Time
	sorts    time.Time
	due      time.Time
	target   uint64
	implied  bool // a return only if the item is out
}

// queue reads, ledger by ledger, the events after the mark, and moves the mark.
func queue(ctx context.Context, tx *sql.Tx, q Queue) (more bool, err error) {
	left := cmp.Or(q.Limit, 1000)
	type mark struct {
		PostingKey
		to    uint64
		sorts time.Time
	}
	marks, err := collect(ctx, tx, func(scan func(...any) error) (m mark, err error) {
		var ledger string
		var sorts int64
		err = scan(&m.Station, &ledger, &m.to, &m.Seq, &sorts)
		m.ILS, m.Ledger, m.sorts = q.ILS, fromID(ledger), fromMillis(sorts)
		return m, err
	}, `SELECT l.station, l.ledger, l.cursor, COALESCE(m.seq, 0), COALESCE(m.sorts, 0) FROM ledgers l
		LEFT JOIN post_marks m ON m.ils = ? AND m.station = l.station AND m.ledger = l.ledger
		WHERE l.cursor > COALESCE(m.seq, 0) ORDER BY l.station, l.ledger`, q.ILS)
	if err != nil {
		return false, err
	}
	var all []queued
	for _, m := range marks {
		if left == 0 {
			return true, add(ctx, tx, all)
		}
		read, err := collect(ctx, tx, func(scan func(...any) error) (e queued, err error) {
			var kind string
			var at, off, received int64
			var raw []byte
			if err := scan(&e.Seq, &kind, &at, &off, &received, &raw); err != nil {
				return e, err
			}
			key := m.PostingKey
			key.Seq = e.Seq
			e.PostingKey, e.guess, e.received = key, guess{fromMillis(at), ms(off)}, fromMillis(received)
			switch kind {
			case "CheckedOut", "CheckedIn", "Renewed", "Undone", "LentToHouse", "ReadHere", "Placed", "TakenOut":
				return e, e.fill(raw, q.House)
			}
			return e, nil
		}, `SELECT seq, kind, at, err, received, raw FROM events WHERE station = ? AND ledger = ? AND seq > ? ORDER BY seq LIMIT ?`, m.Station, id(m.Ledger), m.Seq, left)
		if err != nil {
			return false, err
		}
		for i := range read {
			read[i].sorts = later(m.sorts, read[i].at)
			if read[i].err <= Unsure {
				m.sorts = read[i].sorts
			}
			if read[i].op != "" && !read[i].at.Before(q.Since) {
				all = append(all, read[i])
			}
		}
		left -= len(read)
		last := read[len(read)-1].Seq
		more = more || last < m.to
		if _, err := tx.ExecContext(ctx, `INSERT INTO post_marks (ils, station, ledger, seq, sorts) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (ils, station, ledger) DO UPDATE SET seq = excluded.seq, sorts = excluded.sorts`,
			q.ILS, m.Station, id(m.Ledger), last, millis(m.sorts)); err != nil {
			return false, err
		}
	}
	return more, add(ctx, tx, all)
}

// fill reads what a library system is to be told. Columns do not hold all of it.
func (e *queued) fill(raw []byte, house bool) error {
	event, err := wire.ParseEvent(raw, nil)
	if err != nil {
		return fmt.Errorf("event %d of %s: %w", e.Seq, e.Station, err)
	}
	switch b := event.Body.(type) {
	case circ.CheckedOut:
		e.op, e.item, e.patron, e.with, e.due = PostLend, b.Item, b.Patron, b.From, b.Due
	case circ.CheckedIn:
		e.op, e.item, e.patron, e.with = PostTakeBack, b.Item, b.Patron, b.Patron
	case circ.Renewed:
		e.op, e.item, e.patron, e.with, e.due = PostRenew, b.Item, b.Patron, b.Patron, b.Due
	case circ.Undone:
		e.op, e.target = PostUndo, b.Seq
	case circ.LentToHouse:
		e.op, e.item, e.implied = PostTakeBack, b.Item, !house
		if house {
			e.op = PostHouse
		}
	case circ.ReadHere:
		e.op, e.item, e.implied = PostTakeBack, b.Item, true
	case circ.Placed:
		e.op, e.item, e.implied = PostTakeBack, b.Item, true
	case circ.TakenOut:
		e.op, e.item, e.implied = PostTakeBack, b.Item, true
	}
	return nil
}

// add puts events into the queue. An undo of what was not sent withdraws it.
func add(ctx context.Context, tx *sql.Tx, all []queued) error {
	if len(all) == 0 {
		return nil
	}
	slices.SortStableFunc(all, func(a, b queued) int { return a.sorts.Compare(b.sorts) })
	var place uint64
	if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(place), 0) FROM postings WHERE ils = ?`, all[0].ILS).Scan(&place); err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, `INSERT INTO postings (ils, station, ledger, seq, place, op, item, patron, was_with, at, err, sorts, due, target, again, note, state)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending')`)
	if err != nil {
		return err
	}
	defer insert.Close()
	for _, e := range all {
		if e.op == PostUndo {
			withdrawn, err := e.undo(ctx, tx)
			if err != nil || withdrawn {
				if err != nil {
					return err
				}
				continue
			}
		}
		if e.implied {
			out, err := e.out(ctx, tx)
			if err != nil {
				return err
			}
			if !out {
				continue
			}
		}
		put, err := e.put(ctx, tx)
		if err != nil {
			return err
		}
		place++
		if _, err := insert.ExecContext(ctx, e.ILS, e.Station, id(e.Ledger), e.Seq, place, e.op, e.item, ref(e.patron), ref(e.with),
			millis(put.at), e.err.Milliseconds(), millis(put.sorts), millis(e.due), e.target, millis(put.again), put.note); err != nil {
			return err
		}
	}
	return nil
}

// undo finds the item of what is undone. There is nothing to post when that was
// not sent, or never queued.
func (e *queued) undo(ctx context.Context, tx *sql.Tx) (withdrawn bool, err error) {
	result, err := tx.ExecContext(ctx, `UPDATE postings SET state = 'withdrawn', person = 0, rev = rev + 1, note = 'undone at the station'
		WHERE ils = ? AND station = ? AND ledger = ? AND seq = ? AND seq < ? AND (state = 'pending' AND sends = 0 OR state = 'refused')`,
		e.ILS, e.Station, id(e.Ledger), e.target, e.Seq)
	if err != nil {
		return false, err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return true, err
	}
	err = tx.QueryRowContext(ctx, `SELECT item FROM postings WHERE ils = ? AND station = ? AND ledger = ? AND seq = ? AND seq < ? AND state <> 'withdrawn'`,
		e.ILS, e.Station, id(e.Ledger), e.target, e.Seq).Scan(&e.item)
	if errors.Is(err, sql.ErrNoRows) {
		return true, nil
	}
	return false, err
}

// out reports whether the item is on loan by what was queued before, and keeps whose
// loan that was, if it is one of the same station.
func (e *queued) out(ctx context.Context, tx *sql.Tx) (bool, error) {
	var op PostingOp
	var station circ.StationID
	var patron string
	err := tx.QueryRowContext(ctx, `SELECT op, station, patron FROM postings WHERE ils = ? AND item = ? AND state <> 'withdrawn' ORDER BY sorts DESC, place DESC LIMIT 1`,
		e.ILS, e.item).Scan(&op, &station, &patron)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if station == e.Station {
		e.with = fromRef(patron)
	}
	return op != PostTakeBack, err
}

func (s *base) SavePostings(ctx context.Context, changed []Posting) (stale []PostingKey, err error) {
	err = s.change(ctx, "keep outcomes", func(tx *sql.Tx) error {
		ctx := context.WithoutCancel(ctx) // as in TakeIn
		save, err := tx.PrepareContext(ctx, `UPDATE postings SET rev = rev + 1, state = ?, step = ?, tries = ?, sends = ?, changed = ?, again = ?, before = ?, renewals = ?,
			acted = ?, ils_due = ?, rule = ?, words = ?, note = ?, route = ?, person = ? WHERE ils = ? AND station = ? AND ledger = ? AND seq = ? AND rev = ?`)
		if err != nil {
			return err
		}
		defer save.Close()
		tell := make(telling)
		for _, p := range changed {
			result, err := save.ExecContext(ctx, p.State, p.Step, p.Tries, p.Sends, millis(p.Changed), millis(p.Again), millis(p.Before), p.Renewals,
				p.Acted, millis(p.ILSDue), p.Rule, p.Words, p.Note, p.Route, bit(p.Person), p.ILS, p.Station, id(p.Ledger), p.Seq, p.Rev)
			if err != nil {
				return err
			}
			if n, err := result.RowsAffected(); err != nil {
				return err
			} else if n == 0 {
				stale = append(stale, p.PostingKey)
				continue
			}
			tell.about(p)
		}
		return tell.all(ctx, tx)
	})
	return stale, err
}

// telling is what stations are to be told of outcomes.
type telling map[PostingKey][]circ.NoticeBody // by station and ledger

// about is what the posting's station waits for: what became of a loan.
func (t telling) about(p Posting) {
	if p.Op != PostLend && p.Op != PostRenew {
		return
	}
	to := PostingKey{Station: p.Station, Ledger: p.Ledger}
	switch p.State {
	case PostConfirmed:
		due := p.ILSDue
		if due.Equal(p.Due) {
			due = time.Time{}
		}
		t[to] = append(t[to], circ.LoanConfirmed{Seq: p.Seq, Due: due})
	case PostRefused:
		refused := circ.LoanRefused{Seq: p.Seq}
		if p.Op == PostRenew {
			refused.Due = p.ILSDue
		}
		t[to] = append(t[to], refused)
	}
}

// all tells the stations that still have the ledger in which it happened: numbers
// of another one mean something else there.
func (t telling) all(ctx context.Context, tx *sql.Tx) error {
	keys := make([]PostingKey, 0, len(t))
	for to := range t {
		keys = append(keys, to)
	}
	slices.SortFunc(keys, func(a, b PostingKey) int {
		return strings.Compare(string(a.Station)+id(a.Ledger), string(b.Station)+id(b.Ledger))
	})
	for _, to := range keys {
		var ledger, stream string
		if err := tx.QueryRowContext(ctx, `SELECT ledger, stream FROM stations WHERE id = ?`, to.Station).Scan(&ledger, &stream); err != nil {
			return err
		}
		if ledger != id(to.Ledger) || stream == "" {
			continue
		}
		if err := tell(ctx, tx, to.Station, t[to]); err != nil {
			return err
		}
	}
	return nil
}

func (s *base) Decide(ctx context.Context, d Decision) error {
	if d.By == "" {
		return errors.New("decide: nobody is named who decides")
	}
	return s.change(ctx, "decide", func(tx *sql.Tx) error {
		found, err := readPostings(ctx, tx, d.ILS, `WHERE p.ils = ? AND p.station = ? AND p.ledger = ? AND p.seq = ? AND p.person = 1`, d.Station, id(d.Ledger), d.Seq)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return ErrNoDecision
		}
		p := found[0]
		tell := make(telling)
		place := p.Place
		switch d.Action {
		case Retry, Return:
			switch {
			case p.Later:
				return ErrLater
			case p.State != PostRefused:
				return ErrNoDecision
			}
			p.State, p.Step, p.Tries, p.Sends, p.Again = PostPending, StepNone, 0, 0, time.Time{}
			p.Evidence = p.Evidence || d.Action == Return
			if err := tx.QueryRowContext(ctx, `SELECT MAX(place) + 1 FROM postings WHERE ils = ?`, d.ILS).Scan(&place); err != nil {
				return err
			}
		case Accept:
			if p.State == PostRefused {
				p.State, p.Acted, p.ILSDue = PostConfirmed, p.Act(), time.Time{} // nobody told until when
				tell.about(p)
			}
		case Leave:
		default:
			return fmt.Errorf("%q: %w", d.Action, ErrNoDecision)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO decisions (ils, station, ledger, seq, at, who, rule, action, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			d.ILS, d.Station, id(d.Ledger), d.Seq, millis(d.At), d.By, p.Rule, d.Action, d.Note); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE postings SET rev = rev + 1, person = 0, state = ?, step = ?, tries = ?, sends = ?, again = ?, evidence = ?, acted = ?, ils_due = ?, place = ?, changed = ?
			WHERE ils = ? AND station = ? AND ledger = ? AND seq = ?`,
			p.State, p.Step, p.Tries, p.Sends, millis(p.Again), bit(p.Evidence), p.Acted, millis(p.ILSDue), place, millis(d.At), d.ILS, d.Station, id(d.Ledger), d.Seq); err != nil {
			return err
		}
		return tell.all(ctx, tx)
	})
}

func (s *base) Decided(ctx context.Context, key PostingKey) ([]Decision, error) {
	return collect(ctx, s.read, func(scan func(...any) error) (d Decision, err error) {
		var at int64
		err = scan(&at, &d.By, &d.Rule, &d.Action, &d.Note)
		d.PostingKey, d.At = key, fromMillis(at)
		return d, err
	}, `SELECT at, who, rule, action, note FROM decisions WHERE ils = ? AND station = ? AND ledger = ? AND seq = ? ORDER BY at, action`,
		key.ILS, key.Station, id(key.Ledger), key.Seq)
}
