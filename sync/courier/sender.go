package courier

import (
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/wire"
)

// The limits of what is under way, and the clock of doing it again.
const (
	Window   = 4 // batches sent and not acknowledged
	firstRTO = 3 * time.Second
	lastRTO  = 60 * time.Second
	idle     = 5 * time.Minute
)

// Sender is the writing end of one stream: a value that [Sender.Step] replaces.
type Sender struct {
	stream      uuid.UUID
	first, last uint64     // the oldest and newest event that the log holds; first = last+1 when it holds none
	mark        uint64     // the receiver has all up to here
	chain       wire.Chain // our running hash at mark
	kept        uint64     // the mark that the source keeps: another only while held
	asked       uint64     // the number of the last Hello
	fresh       uint64     // Hellos from this number on were said since the mark was set

	phase     phase
	next      uint64         // the next event to read
	flight    [Window]uint64 // the last event of each batch under way
	flying    int            // how many of flight are in use
	reading   bool           // a Read is not answered yet
	back      bool           // went back to mark+1 already since the last progress
	rto       time.Duration
	due       time.Duration // when silence becomes too long; 0: never
	condition Condition
	random    rand.PCG
}

type phase uint8

const (
	apart    phase = iota // no connection
	greeting              // said Hello, waiting for the first Ack
	flowing               // sending
	held                  // a person must decide
)

// NewSender returns the sender of a stream whose log holds first to last and
// whose receiver was last known to have all up to mark; chain is the running
// hash there. The seed is another at each start: it spreads retries of many stations
// over time, and tells the answers to this sender's Hellos from those to an earlier one's.
func NewSender(stream uuid.UUID, first, last, mark uint64, chain wire.Chain, seed uint64) Sender {
	s := Sender{stream: stream, first: first, last: last, mark: mark, chain: chain, kept: mark,
		rto: firstRTO, random: *rand.NewPCG(seed, 0)}
	s.asked = s.random.Uint64() >> 1
	s.fresh = s.asked + 1
	return s
}

// SenderInput is what can happen to a sender.
type SenderInput interface{ senderInput() }

type (
	// Up: there is a connection, or the peer came back on it.
	Up struct{}
	// Down: there is none.
	Down struct{}
	// Appended: the log now holds First to Last.
	Appended struct{ First, Last uint64 }
	// Sent answers a Read: the events First to Last went out as one batch.
	Sent struct{ First, Last uint64 }
	// Acked: an Ack came. Own is the log's own running hash at Ack.Cursor, zero
	// when the log does not reach there.
	Acked struct {
		wire.Ack
		Own wire.Chain
	}
	// Tick: time has passed.
	Tick struct{}
)

func (Up) senderInput()       {}
func (Down) senderInput()     {}
func (Appended) senderInput() {}
func (Sent) senderInput()     {}
func (Acked) senderInput()    {}
func (Tick) senderInput()     {}

// SenderEffect is what a sender asks for: [Greet], [Read], [Mark] or [Standing].
type SenderEffect interface{ senderEffect() }

type (
	// Greet asks for a Hello to be sent. Boot, clocks and program are for who
	// sends it to fill in.
	Greet struct{ wire.Hello }
	// Read asks for a batch beginning with event From, within wire.MaxEvents and
	// wire.MaxBytes, to be read and sent; answered by Sent.
	Read struct{ From uint64 }
	// Mark: the receiver holds all up to To. Back: it went back itself, restored from
	// a backup. Without it a mark that is further already stays where it is.
	Mark struct {
		To   uint64
		Back bool
	}
)

func (Greet) senderEffect()    {}
func (Read) senderEffect()     {}
func (Mark) senderEffect()     {}
func (Standing) senderEffect() {}

// Wake is when the next Tick is wanted, on the clock of Step; false for never.
func (s Sender) Wake() (time.Duration, bool) { return s.due, s.due != 0 }

// Backlog is how many events the receiver is not known to have.
func (s Sender) Backlog() uint64 { return s.last - min(s.mark, s.last) }

// Step takes one input at now, a monotonic reading, and returns the sender as
// it is then and what it asks for, in order.
func (s Sender) Step(now time.Duration, in SenderInput) (Sender, []SenderEffect) {
	switch in := in.(type) {
	case Up:
		s.rto = firstRTO
		return s.greet(now)
	case Down:
		s.phase, s.due, s.rto = apart, 0, firstRTO
	case Appended:
		s.first, s.last = in.First, in.Last
		return s.fill(now)
	case Sent:
		if s.phase != flowing || !s.reading || in.First != s.next {
			break
		}
		s.flight[s.flying], s.flying = in.Last, s.flying+1
		s.next, s.reading = in.Last+1, false
		s.last = max(s.last, in.Last) // the log grew before anybody said so
		return s.fill(now)
	case Acked:
		if s.phase != apart && in.Stream == s.stream {
			return s.acked(now, in)
		}
	case Tick:
		switch {
		case s.due == 0 || now < s.due:
		case s.phase == flowing && !s.waiting():
			return s.greet(now) // idle
		default:
			s.rto = min(2*s.rto, lastRTO)
			return s.greet(now)
		}
	}
	return s, nil
}

// greet says Hello and forgets what is under way: the answer tells where to go on.
func (s Sender) greet(now time.Duration) (Sender, []SenderEffect) {
	if s.phase != held {
		s.phase = greeting
	}
	s.flying, s.reading, s.back = 0, false, false
	s.due = now + s.jitter(s.rto)
	s.asked++
	return s, []SenderEffect{Greet{wire.Hello{Stream: s.stream, First: s.first, Last: s.last, Acked: s.mark, Chain: s.chain, Number: s.asked}}}
}

func (s Sender) acked(now time.Duration, in Acked) (Sender, []SenderEffect) {
	if in.Cursor < max(s.mark, s.kept) && (s.phase == flowing || !s.answered(in.Ack)) {
		return s, nil // late, or a receiver gone back: then a Hello will tell
	}
	if Condition(in.Condition) == Foreign {
		return s.hold(now, in, Foreign)
	}
	if c := s.judge(in); c != Sound {
		return s.hold(now, in, c)
	}
	progress := in.Cursor > s.mark
	var out []SenderEffect
	if in.Cursor != s.kept {
		out = append(out, Mark{in.Cursor, in.Cursor < s.kept})
		s.kept, s.fresh = in.Cursor, s.asked+1
	}
	if s.condition != Sound {
		s.condition = Sound
		out = append(out, Standing{s.stream, Sound, in.Cursor, s.last})
	}
	switch {
	case s.phase != flowing:
		s.phase, s.next = flowing, in.Cursor+1
		s.flying, s.reading, s.back = 0, false, false
	case progress:
		n := 0
		for _, last := range s.flight[:s.flying] {
			if last > in.Cursor {
				s.flight[n], n = last, n+1
			}
		}
		s.flying, s.back = n, false
		if s.next <= in.Cursor {
			s.next, s.reading = in.Cursor+1, false
		}
	case s.flying > 0 && !s.back:
		s.next, s.flying, s.reading, s.back = in.Cursor+1, 0, false, true
	default:
		return s, out
	}
	if progress || in.Cursor == s.last {
		s.rto = firstRTO
	}
	s.mark, s.chain, s.due = in.Cursor, in.Own, 0
	s, more := s.fill(now)
	return s, append(out, more...)
}

// answered reports whether an Ack answers a Hello that was said since the mark was
// set, so that one which stands further back tells of a receiver that went back, and
// is no late word of an earlier day. A receiver from before Hellos had numbers gives
// back their uptime alone.
func (s Sender) answered(a wire.Ack) bool {
	return a.Hello >= s.fresh && a.Hello <= s.asked || a.Hello == 0 && a.Uptime != 0
}

// judge compares what the receiver holds with what we hold. Only the sender can
// do so safely: an old Ack tells of an old cursor, and of nothing false.
func (s Sender) judge(in Acked) Condition {
	switch {
	case in.Cursor > s.last:
		return Ahead
	case in.Cursor+1 < s.first:
		return Missing
	case in.Chain != in.Own:
		return Forked
	}
	return Sound
}

// hold stops, and tells the receiver by a Hello that carries what it said
// beside what we hold. From then on we only ask, seldom, whether it changed.
func (s Sender) hold(now time.Duration, in Acked, c Condition) (Sender, []SenderEffect) {
	if s.phase == held && s.condition == c && s.mark == in.Cursor {
		return s, nil
	}
	s.phase, s.rto, s.condition = held, lastRTO, c
	s.mark, s.chain, s.fresh = in.Cursor, in.Own, s.asked+1
	s, out := s.greet(now)
	return s, append(out, Standing{s.stream, c, in.Cursor, s.last})
}

// fill asks for the next batch while there is room, and sets the clock.
func (s Sender) fill(now time.Duration) (Sender, []SenderEffect) {
	if s.phase != flowing {
		return s, nil
	}
	var out []SenderEffect
	idling := !s.waiting()
	if !s.reading && s.flying < Window && s.next <= s.last {
		s.reading = true
		out = append(out, Read{s.next})
	}
	switch {
	case s.waiting() && (s.due == 0 || idling):
		s.due = now + s.jitter(s.rto)
	case s.due == 0:
		s.due = now + s.jitter(idle)
	}
	return s, out
}

func (s Sender) waiting() bool { return s.flying > 0 || s.reading }

// jitter is d to one and a half d.
func (s *Sender) jitter(d time.Duration) time.Duration {
	return d + time.Duration(rand.New(&s.random).Int64N(int64(d/2)))
}
