package hub

import (
	"container/heap"
	"maps"
	"slices"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/ils"
	"coldstation/sync/hub/store"
)

// posts are the postings on their way to a library system, as a step function:
// no clock, no goroutine, no store. Of one item only the first is under way, so
// that a return always goes before the next loan; different items go side by
// side, and what one comes to holds up no other.
//
//	pending ─ ask ─┬─ keep sent ─ send ─┬─ keep confirmed
//	               │                    ├─ keep refused
//	               │                    └─ keep unknown ─ wait ─ ask ─ …
//	               └─ keep confirmed, refused: nothing need be sent, or can be
//
// What is to be sent is kept as sent before it is, so that a crash leaves what
// may have been done, and never what was. Nothing is sent without having asked.
type posts struct {
	PostRules
	items map[circ.ItemID]*postLine
	lanes map[circ.StationID]*postLane
	sleep map[circ.ItemID]time.Time // those whose first waits for a time
	soon  sleepers                  // the same by time, and some that were woken since
}

// PostRules are how long a poster waits and how much it dares. Zero fields are
// the defaults.
type PostRules struct {
	Hold     time.Duration // a station can undo so long after it happened; 2 min
	Settle   time.Duration // a library system may be at a request so long after its reply was lost; 2 min
	Evidence time.Duration // what lay on a pad is believed so long against a loan of unknown age; 24 h
	Sends    int           // of one request, each after having asked, the return it implies among them; 4
	Ahead    int           // postings of one station under way, most of them waiting for the store or for their turn; 64
	First    time.Duration // wait for a library system that is out of reach, doubled each time; 1 s
	Last     time.Duration // at most; 5 min
	Late     bool          // the library system dates a loan when it is posted, which tells nothing of our own
}

func (r PostRules) withDefaults() PostRules {
	or := func(d *time.Duration, otherwise time.Duration) {
		if *d == 0 {
			*d = otherwise
		}
	}
	or(&r.Hold, 2*time.Minute)
	or(&r.Settle, 2*time.Minute)
	or(&r.Evidence, 24*time.Hour)
	or(&r.First, time.Second)
	or(&r.Last, 5*time.Minute)
	if r.Sends == 0 {
		r.Sends = 4
	}
	if r.Ahead == 0 {
		r.Ahead = 64
	}
	return r
}

// postLine is the postings of one item, in the order in which they happened.
type postLine struct {
	waiting  []store.Posting
	phase    phase // of the first
	ready    bool  // it stands in its lane
	before   store.Posting
	standing ils.Standing
	expected bool      // it is with whom the station knew it to be
	started  time.Time // the last that was sent or done happened then
}

// phase is what the first of a line is waiting for.
type phase byte

const (
	idle       phase = iota // its time, or room in its lane
	asking                  // how the item stands
	askingWas               // whether it is with whom the station knew it to be
	keepsSent               // the store, before it is sent
	sending                 // the reply
	keeps                   // the store, which keeps the outcome
	keepsAgain              // the store; then it is asked for once more
)

// postLane is what is under way for one station, which is one account and one
// conversation.
type postLane struct {
	ready []circ.ItemID // whose first waits for room
	busy  int
	fails int // one after the other
	until time.Time
}

// postMsg is what a poster is told.
type postMsg interface{ postMsg() }

type (
	postLoaded struct{ postings []store.Posting }
	postStands struct {
		item     circ.ItemID
		standing ils.Standing
		err      error
	}
	postReplied struct {
		item    circ.ItemID
		receipt ils.Receipt
		err     error
	}
	postKept struct {
		item  circ.ItemID
		stale bool // it changed meanwhile: another has it
	}
	postTick struct{}
)

func (postLoaded) postMsg()  {}
func (postStands) postMsg()  {}
func (postReplied) postMsg() {}
func (postKept) postMsg()    {}
func (postTick) postMsg()    {}

// postEffect is what a poster wants done. Each of an item is answered by one
// message before there is another.
type postEffect interface{ postEffect() }

type (
	postAsk struct { // answered by postStands
		store.Posting
		patron circ.PatronID
	}
	postSend struct { // answered by postReplied
		store.Posting
		op store.PostingOp
	}
	postSave struct{ store.Posting } // answered by postKept
)

func (postAsk) postEffect()  {}
func (postSend) postEffect() {}
func (postSave) postEffect() {}

func newPosts(r PostRules) *posts {
	return &posts{r.withDefaults(), make(map[circ.ItemID]*postLine), make(map[circ.StationID]*postLane), make(map[circ.ItemID]time.Time), nil}
}

// sleepers are a heap by time.
type sleepers []sleeper

type sleeper struct {
	at   time.Time
	item circ.ItemID
}

func (s sleepers) Len() int           { return len(s) }
func (s sleepers) Less(i, j int) bool { return s[i].at.Before(s[j].at) }
func (s sleepers) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *sleepers) Push(x any)        { *s = append(*s, x.(sleeper)) }
func (s *sleepers) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}

// first is the sleeper that is to be woken first.
func (s *posts) first() (sleeper, bool) {
	for len(s.soon) > 0 {
		if first := s.soon[0]; s.sleep[first.item].Equal(first.at) {
			return first, true
		}
		heap.Pop(&s.soon)
	}
	return sleeper{}, false
}

// wake is when there is something to do without being told; false for never.
func (s *posts) wake() (at time.Time, waits bool) {
	first, waits := s.first()
	at = first.at
	for _, l := range s.lanes {
		if len(l.ready) > 0 && l.busy < s.Ahead && (!waits || l.until.Before(at)) {
			at, waits = l.until, true
		}
	}
	return at, waits
}

func (s *posts) step(now time.Time, m postMsg) (out []postEffect) {
	switch m := m.(type) {
	case postLoaded:
		for _, p := range m.postings {
			s.join(p)
		}
		for _, p := range m.postings {
			s.next(now, p.Item, &out)
		}
	case postTick:
		for first, waits := s.first(); waits && !first.at.After(now); first, waits = s.first() {
			s.next(now, first.item, &out)
		}
		for _, station := range slices.Sorted(maps.Keys(s.lanes)) {
			s.room(now, s.lanes[station], &out)
		}
	case postStands:
		s.stands(now, m, &out)
	case postReplied:
		s.replied(now, m, &out)
	case postKept:
		s.kept(now, m, &out)
	}
	return out
}

// join puts a posting in its place, which is never before one under way.
func (s *posts) join(p store.Posting) {
	l := s.items[p.Item]
	if l == nil {
		l = new(postLine)
		s.items[p.Item] = l
	}
	if p.State != store.PostPending { // we do not know what became of it
		p.Again = later(p.Again, p.Changed.Add(s.Settle))
	}
	first := 0
	if l.phase != idle {
		first = 1
	}
	// One that comes again has another place since it was read, by what its station
	// told later.
	l.waiting = slices.Concat(l.waiting[:first], slices.DeleteFunc(slices.Clone(l.waiting[first:]), func(o store.Posting) bool { return o.PostingKey == p.PostingKey }))
	i := len(l.waiting)
	for i > first && before(p, l.waiting[i-1]) {
		i--
	}
	l.waiting = slices.Insert(l.waiting, i, p)
}

func before(a, b store.Posting) bool {
	if !a.Sorts.Equal(b.Sorts) {
		return a.Sorts.Before(b.Sorts)
	}
	return a.Place < b.Place
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// next starts the first of an item's line, now or when its time has come.
func (s *posts) next(now time.Time, item circ.ItemID, out *[]postEffect) {
	l := s.items[item]
	delete(s.sleep, item)
	switch {
	case l == nil || l.phase != idle || l.ready:
		return
	case len(l.waiting) == 0:
		delete(s.items, item)
		return
	}
	p := l.waiting[0]
	at := p.Again
	if p.State == store.PostPending && p.Sends == 0 && p.Op != store.PostUndo {
		at = later(at, p.At.Add(s.Hold))
	}
	if at.After(now) {
		s.sleep[item] = at
		heap.Push(&s.soon, sleeper{at, item})
		return
	}
	lane := s.lanes[p.Station]
	if lane == nil {
		lane = new(postLane)
		s.lanes[p.Station] = lane
	}
	if !l.ready {
		l.ready = true
		lane.ready = append(lane.ready, item)
	}
	s.room(now, lane, out)
}

// room starts what waits in a lane as far as there is room.
func (s *posts) room(now time.Time, l *postLane, out *[]postEffect) {
	for len(l.ready) > 0 && l.busy < s.Ahead && !l.until.After(now) {
		item := l.ready[0]
		l.ready = l.ready[1:]
		q := s.items[item]
		q.ready = false
		l.busy++
		s.start(now, q, out)
	}
}

// start asks, or settles what needs no question.
func (s *posts) start(now time.Time, l *postLine, out *[]postEffect) {
	p := &l.waiting[0]
	if p.State == store.PostSent {
		p.State = store.PostUnknown
	}
	l.before, l.expected = *p, false
	if s.known(p, l.started) {
		s.keep(now, l, keeps, out)
		return
	}
	l.phase = asking
	*out = append(*out, postAsk{*p, who(*p)})
}

// who is the patron it is about.
func who(p store.Posting) circ.PatronID {
	if p.Op == store.PostUndo {
		return p.UndoesOf
	}
	return p.Patron
}

func (s *posts) keep(now time.Time, l *postLine, then phase, out *[]postEffect) {
	l.waiting[0].Changed = now
	l.phase = then
	*out = append(*out, postSave{l.waiting[0]})
}

// line is that of an item which is in a phase; nil when it is not, as when a late
// word reaches a poster that has given the posting up.
func (s *posts) line(item circ.ItemID, in ...phase) *postLine {
	if l := s.items[item]; l != nil && slices.Contains(in, l.phase) {
		return l
	}
	return nil
}

func (s *posts) stands(now time.Time, m postStands, out *[]postEffect) {
	l := s.line(m.item, asking, askingWas)
	if l == nil {
		return
	}
	p := &l.waiting[0]
	if m.err != nil { // nothing was sent: ask again
		s.fail(now, l, out)
		return
	}
	s.lanes[p.Station].fails = 0
	if l.phase == askingWas {
		l.expected = m.standing.With == ils.Them
	} else {
		l.standing = m.standing
	}
	v := s.judge(p, l.standing, l.expected || l.phase == askingWas, l.expected, now)
	switch v {
	case askWas:
		l.phase = askingWas
		*out = append(*out, postAsk{*p, p.WasWith})
	case settle:
		s.keep(now, l, keeps, out)
	case sendReturn, sendMain:
		p.Step = store.StepMain
		if v == sendReturn {
			p.Step = store.StepReturn
		}
		p.State, p.Sends, p.Again = store.PostSent, p.Sends+1, now.Add(s.Settle)
		p.Before, p.Renewals = l.standing.Due, l.standing.Renewals
		s.keep(now, l, keepsSent, out)
	}
}

// fail puts the first off: the library system is out of reach. All of the station
// wait, since they have the same conversation.
func (s *posts) fail(now time.Time, l *postLine, out *[]postEffect) {
	p := &l.waiting[0]
	p.Again = s.pause(now, p)
	l.phase = idle
	s.lanes[p.Station].busy--
	s.next(now, p.Item, out)
}

// pause is until when a posting's lane rests.
func (s *posts) pause(now time.Time, p *store.Posting) time.Time {
	lane := s.lanes[p.Station]
	p.Tries++
	lane.until = now.Add(min(s.First<<min(lane.fails, 20), s.Last))
	lane.fails++
	return lane.until
}

func (s *posts) replied(now time.Time, m postReplied, out *[]postEffect) {
	l := s.line(m.item, sending)
	if l == nil {
		return
	}
	p := &l.waiting[0]
	switch ils.OutcomeOf(m.err) {
	case ils.Later: // it was not sent after all
		p.State, p.Step, p.Sends = l.before.State, l.before.Step, l.before.Sends
		p.Again = s.pause(now, p)
		s.keep(now, l, keepsAgain, out)
	case ils.Unsure, ils.Unread: // it may have been done, or may yet be
		p.State, p.Again = store.PostUnknown, now.Add(s.Settle)
		s.keep(now, l, keepsAgain, out)
	default:
		s.lanes[p.Station].fails = 0
		if s.conclude(p, l.standing, m.receipt, m.err) {
			s.keep(now, l, keeps, out)
		} else { // what was in the way is gone: now the loan
			l.before = *p
			p.State, p.Step, p.Sends, p.Again = store.PostSent, store.StepMain, p.Sends+1, now.Add(s.Settle)
			s.keep(now, l, keepsSent, out)
		}
	}
}

func (s *posts) kept(now time.Time, m postKept, out *[]postEffect) {
	l := s.line(m.item, keepsSent, keeps, keepsAgain)
	if l == nil {
		return
	}
	p := &l.waiting[0]
	p.Rev++
	lane := s.lanes[p.Station]
	switch {
	case l.phase == keepsSent && !m.stale:
		l.phase = sending
		op := p.Act()
		if p.Step == store.StepReturn {
			op = store.PostTakeBack
		}
		*out = append(*out, postSend{*p, op})
		return
	case l.phase == keepsAgain && !m.stale:
	default: // it is done with, or it is another's
		if p.Sends > 0 || p.State == store.PostConfirmed {
			l.started = later(l.started, p.Sorts)
		}
		for i := range l.waiting[1:] {
			if u := &l.waiting[1+i]; u.Op == store.PostUndo && u.Ledger == p.Ledger && u.Target == p.Seq {
				u.Undone = p.State
			}
		}
		l.waiting = l.waiting[1:]
	}
	l.phase = idle
	lane.busy--
	s.next(now, m.item, out)
	s.room(now, lane, out)
}
