package hub

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/hub/ils"
	"coldstation/sync/hub/store"
)

// world is a poster, its store and a library system, in made-up time from one
// seed. The library system refuses, forgets, answers late and dies; the poster
// crashes before and after any commit.
type world struct {
	t      *testing.T
	r      *rand.Rand
	now    time.Time
	agenda []chore // by time
	count  int     // of chores, which breaks ties
	epoch  int     // of the poster: what an earlier one waited for is lost

	poster *posts
	kept   map[store.PostingKey]store.Posting
	place  uint64

	loans   map[circ.ItemID]ils.Loan
	done    []deed
	down    time.Time // out of reach until then
	crashes int
	lost    int
	faults  bool
}

type chore struct {
	at    time.Time
	order int
	do    func()
}

// deed is what the library system did.
type deed struct {
	store.PostingKey
	op      store.PostingOp
	item    circ.ItemID
	renewal bool // by a repeated checkout: what must never be
}

var began = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, r: rand.New(rand.NewPCG(seed, 2)), now: began, kept: make(map[store.PostingKey]store.Posting), loans: make(map[circ.ItemID]ils.Loan), faults: true}
	w.start()
	return w
}

// after does something later. With own it is the poster's and dies with it.
func (w *world) after(d time.Duration, own bool, do func()) {
	epoch := w.epoch
	w.count++
	c := chore{w.now.Add(d), w.count, func() {
		if !own || epoch == w.epoch {
			do()
		}
	}}
	i, _ := slices.BinarySearchFunc(w.agenda, c, func(a, b chore) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.order, b.order)) })
	w.agenda = slices.Insert(w.agenda, i, c)
}

func (w *world) some(most time.Duration) time.Duration {
	return time.Duration(w.r.Int64N(int64(most))) + 1
}

func (w *world) chance(p float64) bool { return w.faults && w.r.Float64() < p }

// start begins a poster on what the store has.
func (w *world) start() {
	w.epoch++
	w.poster = newPosts(PostRules{})
	var open []store.Posting
	for _, p := range w.kept {
		if p.State.Open() {
			open = append(open, w.read(p))
		}
	}
	slices.SortFunc(open, func(a, b store.Posting) int { return cmp.Compare(a.Place, b.Place) })
	w.step(postLoaded{open})
}

// read is a posting as the store gives it, with how others stand.
func (w *world) read(p store.Posting) store.Posting {
	for _, o := range w.kept {
		p.Later = p.Later || o.Item == p.Item && o.Sorts.After(p.Sorts) && (o.Sends > 0 || o.State == store.PostConfirmed)
		if p.Op == store.PostUndo && o.Seq == p.Target && o.Station == p.Station {
			p.Undoes, p.UndoesOf, p.Undone = o.Op, o.Patron, o.State
		}
	}
	return p
}

func (w *world) crash() {
	w.crashes++
	w.epoch++
	w.after(w.some(time.Minute), false, w.start)
}

func (w *world) step(m postMsg) {
	for _, e := range w.poster.step(w.now, m) {
		switch e := e.(type) {
		case postSave:
			w.after(w.some(20*time.Millisecond), true, func() { w.commit(e.Posting) })
		case postAsk:
			w.after(w.some(time.Second), true, func() { w.answer(e) })
		case postSend:
			w.send(e)
		}
	}
	if at, waits := w.poster.wake(); waits {
		w.after(max(0, at.Sub(w.now)), true, func() { w.step(postTick{}) })
	}
}

func (w *world) commit(p store.Posting) {
	if w.chance(0.01) {
		w.crash()
		return
	}
	was := w.kept[p.PostingKey]
	stale := was.Rev != p.Rev
	if !stale {
		p.Rev++
		w.kept[p.PostingKey] = p
	}
	if w.chance(0.01) {
		w.crash()
		return
	}
	w.step(postKept{p.Item, stale})
}

func (w *world) away() bool {
	if w.now.Before(w.down) {
		return true
	}
	if w.chance(0.01) {
		w.down = w.now.Add(w.some(10 * time.Minute))
		return true
	}
	return false
}

var errScript = errors.New("as the script says")

func failed(o ils.Outcome) error { return &ils.Error{Op: "scripted", Outcome: o, Err: errScript} }

func (w *world) answer(e postAsk) {
	if w.away() {
		w.step(postStands{e.Item, ils.Standing{}, failed(ils.Later)})
		return
	}
	st := ils.Standing{Known: true, With: ils.Nobody, Renewals: -1, Card: ils.CardGood}
	if e.Item == "unknown" {
		st.Known = false
	}
	if l, out := w.loans[e.Item]; out {
		st.With, st.Due = ils.Another, l.Due
		if l.Patron == e.patron {
			st.With = ils.Them
		}
	}
	w.step(postStands{e.Item, st, nil})
}

// send lets the request be lost on its way or on its way back, be done late, or
// be answered.
func (w *world) send(e postSend) {
	reply := func(r ils.Receipt, err error) { w.step(postReplied{e.Item, r, err}) }
	if w.away() {
		w.after(w.some(time.Second), true, func() { reply(ils.Receipt{}, failed(ils.Later)) })
		return
	}
	switch {
	case w.chance(0.05): // never arrives
		w.lost++
		w.after(w.some(30*time.Second), true, func() { reply(ils.Receipt{}, failed(ils.Unsure)) })
	case w.chance(0.05): // done, but the reply is lost
		w.lost++
		w.after(w.some(time.Second), false, func() { _, _ = w.does(e) })
		w.after(w.some(30*time.Second), true, func() { reply(ils.Receipt{}, failed(ils.Unsure)) })
	case w.chance(0.05): // done long after it was given up
		w.lost++
		w.after(30*time.Second+w.some(89*time.Second), false, func() { _, _ = w.does(e) })
		w.after(30*time.Second, true, func() { reply(ils.Receipt{}, failed(ils.Unsure)) })
	case w.chance(0.02):
		w.after(w.some(time.Second), true, func() { reply(ils.Receipt{}, failed(ils.Unread)) })
	default: // it is done even when the poster has died meanwhile
		epoch := w.epoch
		w.after(w.some(time.Second), false, func() {
			r, err := w.does(e)
			if epoch == w.epoch {
				reply(r, err)
			}
		})
	}
}

// does is what the library system does of a request.
func (w *world) does(e postSend) (ils.Receipt, error) {
	l, out := w.loans[e.Item]
	d := deed{e.PostingKey, e.op, e.Item, false}
	patron := who(e.Posting)
	switch e.op {
	case store.PostLend:
		if e.Item == "blocked" || out && l.Patron != patron {
			return ils.Receipt{}, failed(ils.Refused)
		}
		d.renewal = out
		w.loans[e.Item] = ils.Loan{Item: e.Item, Patron: patron, Due: e.Due}
		w.done = append(w.done, d)
		return ils.Receipt{Due: e.Due}, nil
	case store.PostTakeBack:
		if !out {
			return ils.Receipt{}, failed(ils.Refused)
		}
		delete(w.loans, e.Item)
		w.done = append(w.done, d)
		return ils.Receipt{}, nil
	}
	if !out || l.Patron != patron {
		return ils.Receipt{}, failed(ils.Refused)
	}
	l.Due = e.Due
	w.loans[e.Item] = l
	w.done = append(w.done, d)
	return ils.Receipt{Due: e.Due}, nil
}

var stationLedger = map[circ.StationID]uuid.UUID{"maple-house": uuid.New(), "birch-house": uuid.New()}

// happens is one event taken in.
func (w *world) happens(seq uint64, item circ.ItemID, op store.PostingOp, patron, with string, undoes uint64) {
	station := circ.StationID("maple-house")
	w.place++
	p := store.Posting{
		PostingKey: store.PostingKey{ILS: "script", Station: station, Ledger: stationLedger[station], Seq: seq},
		Place:      w.place, Op: op, Item: item, Patron: circ.NewPatronID(patron), WasWith: circ.NewPatronID(with),
		At: w.now, Sorts: w.now, Target: undoes, State: store.PostPending, Renewals: -1,
	}
	if op == store.PostLend || op == store.PostRenew {
		p.Due = w.now.AddDate(0, 0, 28).Add(time.Duration(seq) * time.Hour)
	}
	w.kept[p.PostingKey] = p
	w.step(postLoaded{[]store.Posting{w.read(p)}})
	if w.r.IntN(4) == 0 {
		w.after(w.some(3*time.Minute), false, func() { w.retime(p.PostingKey) })
	}
}

// retime gives an event another time, in the same order, as the store does when the
// station's clock becomes known. What was sent is sent.
func (w *world) retime(key store.PostingKey) {
	p := w.kept[key]
	if p.State != store.PostPending || p.Sends > 0 {
		return
	}
	w.place++
	p.Place, p.Rev, p.Sorts = w.place, p.Rev+1, p.Sorts.Add(time.Millisecond)
	w.kept[key] = p
	w.step(postLoaded{[]store.Posting{w.read(p)}})
}

// story plans what happens to the items, and returns the number of events.
func (w *world) story() uint64 {
	seq := uint64(0)
	for i := range 8 {
		item := circ.ItemID(fmt.Sprint("item-", i))
		if i == 0 {
			item = "unknown"
		} else if i == 1 {
			item = "blocked"
		}
		at := w.some(time.Hour)
		holder := ""
		var last uint64
		var lastOp store.PostingOp
		for range 2 + w.r.IntN(6) {
			at += w.some(20 * time.Minute)
			seq++
			n := seq
			plan := func(op store.PostingOp, patron, with string, undoes uint64) {
				w.after(at, false, func() { w.happens(n, item, op, patron, with, undoes) })
				last, lastOp = n, op
			}
			person := fmt.Sprint("p", w.r.IntN(3))
			switch {
			case lastOp == store.PostLend && w.r.IntN(6) == 0:
				target := last
				plan(store.PostUndo, "", "", target)
				holder = ""
			case holder == "" || w.r.IntN(4) == 0 && holder != person: // the second implies a return
				plan(store.PostLend, person, holder, 0)
				holder = person
			case w.r.IntN(3) == 0:
				plan(store.PostRenew, holder, holder, 0)
			default:
				plan(store.PostTakeBack, holder, holder, 0)
				holder = ""
			}
		}
	}
	return seq
}

func (w *world) run() {
	for steps := 0; len(w.agenda) > 0; steps++ {
		if steps > 500_000 {
			w.t.Fatal("it never comes to rest")
		}
		c := w.agenda[0]
		w.agenda = w.agenda[1:]
		if c.at.After(w.now) {
			w.now = c.at
		}
		if w.now.Sub(began) > 5*time.Hour {
			w.faults = false // a good day comes, in the end
		}
		c.do()
	}
}

// out reports whether the item was left on loan by what was done before a posting.
func (w *world) out(p store.Posting) (out bool) {
	for _, d := range w.done {
		if d.item == p.Item && before(w.kept[d.PostingKey], p) {
			out = d.op != store.PostTakeBack
		}
	}
	return out
}

// TestPosting: never twice, never out of order for an item, never dropped, through
// everything that may go wrong.
func TestPosting(t *testing.T) {
	runs := uint64(3000)
	if testing.Short() {
		runs = 300
	}
	var crashes, lost, people, confirmed int
	for seed := range runs {
		w := newWorld(t, seed)
		events := w.story()
		w.run()
		crashes, lost = crashes+w.crashes, lost+w.lost
		if uint64(len(w.kept)) != events {
			t.Fatalf("seed %d: %d postings of %d events", seed, len(w.kept), events)
		}
		did := make(map[store.PostingKey]map[store.PostingOp]int)
		last := make(map[circ.ItemID]store.Posting)
		for _, d := range w.done {
			if d.renewal {
				t.Fatalf("seed %d: event %d of %s was lent twice", seed, d.Seq, d.item)
			}
			if did[d.PostingKey] == nil {
				did[d.PostingKey] = make(map[store.PostingOp]int)
			}
			did[d.PostingKey][d.op]++
			p := w.kept[d.PostingKey]
			if before(p, last[d.item]) {
				t.Fatalf("seed %d: event %d of %s was done after event %d", seed, p.Seq, d.item, last[d.item].Seq)
			}
			last[d.item] = p
		}
		for key, p := range w.kept {
			what := fmt.Sprintf("seed %d: event %d, %s %s, %s %q %q, sent %d times, done %v", seed, key.Seq, p.Op, p.Item, p.State, p.Rule, p.Note, p.Sends, did[key])
			for op, n := range did[key] {
				if n > 1 {
					t.Fatalf("%s: %s twice", what, op)
				}
			}
			if p.State.Open() {
				t.Fatalf("%s: never settled", what)
			}
			if p.Person {
				people++
			}
			n := did[key][p.Act()]
			switch {
			case p.State == store.PostConfirmed:
				confirmed++
				if p.Acted != p.Act() || n == 0 && (p.Act() == store.PostTakeBack && w.out(p) || p.Act() != store.PostTakeBack && p.Note != NoteTheirs && p.Note != NoteAlreadyDue) {
					t.Fatalf("%s: confirmed and not done once", what)
				}
			case n != 0 && p.Rule != string(ils.NoAnswer):
				t.Fatalf("%s: done and not confirmed", what)
			case p.Rule == string(ils.Superseded):
				t.Fatalf("%s: nothing later was sent before it", what)
			case p.State == store.PostRefused && !p.Person:
				t.Fatalf("%s: refused and nobody is told", what)
			}
		}
	}
	t.Logf("%d runs: %d confirmed, %d for people, %d crashes, %d lost replies", runs, confirmed, people, crashes, lost)
	if crashes < int(runs) || lost < int(runs) || confirmed < 10*int(runs) || people > confirmed/2 {
		t.Errorf("too little went wrong, or too much came of it")
	}
}
