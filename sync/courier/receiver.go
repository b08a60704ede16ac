package courier

import (
	"github.com/google/uuid"

	"coldstation/sync/wire"
)

// Receiver is the keeping end of what one peer sends: a value that
// [Receiver.Step] replaces. It remembers the stream that spoke last; everything
// lasting is with the sink, so a new Receiver goes on where an old one stopped.
type Receiver struct {
	stream    uuid.UUID
	known     bool // cursor, chain and condition are those of stream
	cursor    uint64
	chain     wire.Chain
	condition Condition
	hello     wire.Hello // to be judged when the stream is found
}

// ReceiverInput is what can happen to a receiver.
type ReceiverInput interface{ receiverInput() }

type (
	// Greeted: a Hello came.
	Greeted struct{ wire.Hello }
	// Arrived: a Batch came.
	Arrived struct{ wire.Batch }
	// TooNew: a batch came that only a newer version can read.
	TooNew struct{ Stream uuid.UUID }
	// Found answers a Find: where the sink stands in the stream, Cursor 0 and the
	// zero Chain when it is new. Condition is Sound, or why it takes nothing:
	// whether a new stream is welcome is for the sink to decide.
	Found struct {
		Stream    uuid.UUID
		Cursor    uint64
		Chain     wire.Chain
		Condition Condition
	}
	// Committed answers a Commit: where the sink stands now, whether this commit
	// took it there or somebody else had done so before.
	Committed struct {
		Stream uuid.UUID
		Cursor uint64
		Chain  wire.Chain
	}
	// Failed answers a Find or a Commit that may or may not have happened.
	Failed struct{}
)

func (Greeted) receiverInput()   {}
func (Arrived) receiverInput()   {}
func (TooNew) receiverInput()    {}
func (Found) receiverInput()     {}
func (Committed) receiverInput() {}
func (Failed) receiverInput()    {}

// ReceiverEffect is what a receiver asks for: [Find], [Commit], [Answer] or [Standing].
type ReceiverEffect interface{ receiverEffect() }

type (
	// Find asks where the sink stands in a stream; answered by Found or Failed.
	Find struct{ Stream uuid.UUID }
	// Answer asks for an Ack to be sent. The clock is for who sends it to fill in.
	Answer struct{ wire.Ack }
	// Commit asks that Events, numbered from From+1, be kept together with their
	// cursor and Chain in one transaction, if the sink's cursor is From and the
	// stream is not held; that settles Missing and Newer too. Answered by
	// Committed or Failed.
	Commit struct {
		Stream uuid.UUID
		From   uint64
		Events [][]byte
		Chain  wire.Chain // after the last of Events
	}
)

func (Find) receiverEffect()     {}
func (Commit) receiverEffect()   {}
func (Answer) receiverEffect()   {}
func (Standing) receiverEffect() {}

// Step takes one input and returns the receiver as it is then and what it asks
// for, in order. The answer to a Find or a Commit must be the next input.
func (r Receiver) Step(in ReceiverInput) (Receiver, []ReceiverEffect) {
	switch in := in.(type) {
	case Greeted:
		// Always with a fresh look: another worker may have been here since, and
		// what is said of a stream must not be said from memory.
		return r.find(in.Stream, in.Hello)
	case Arrived:
		if r.known && in.Stream == r.stream {
			return r.arrived(in.Batch)
		}
		return r.find(in.Stream, wire.Hello{})
	case TooNew:
		if r.known && in.Stream == r.stream {
			if r.condition == Foreign {
				return r, nil
			}
			if r.condition.Held() {
				return r.ack(nil)
			}
			return r.ack(r.stand(Newer, 0))
		}
		return r.find(in.Stream, wire.Hello{})
	case Found:
		if in.Stream != r.stream {
			break
		}
		r.known, r.cursor, r.chain = true, in.Cursor, in.Chain
		out := r.stand(in.Condition, 0)
		if in.Condition == Foreign { // whoever goes on with it must begin another
			return r.ack(out)
		}
		if r.hello.Stream == r.stream {
			r, more := r.greeted(r.hello)
			return r, append(out, more...)
		}
		return r.ack(out)
	case Committed:
		if in.Stream != r.stream {
			break
		}
		r.cursor, r.chain = in.Cursor, in.Chain
		return r.ack(r.stand(Sound, 0))
	case Failed:
		r.known = false // ask again before the next word
	}
	return r, nil
}

func (r Receiver) find(stream uuid.UUID, hello wire.Hello) (Receiver, []ReceiverEffect) {
	return Receiver{stream: stream, hello: hello}, []ReceiverEffect{Find{stream}}
}

// greeted answers a Hello, and believes what a sender says against itself: that
// it was told a cursor it has not reached, or that its own history differs
// there. A Hello that is merely late says neither.
func (r Receiver) greeted(h wire.Hello) (Receiver, []ReceiverEffect) {
	var out []ReceiverEffect
	switch {
	case r.condition.Held() && r.condition != Missing:
	case h.Acked > h.Last:
		out = r.stand(Ahead, h.Last)
	case h.First > r.cursor+1: // then the sender has no hash to show for our cursor
		out = r.stand(Missing, h.Last)
	case h.Acked == r.cursor && h.Chain != r.chain:
		out = r.stand(Forked, h.Last)
	case r.condition == Missing, h.Last <= r.cursor:
		out = r.stand(Sound, h.Last)
	}
	if r.condition == Foreign {
		return r, out
	}
	return r.ack(out)
}

func (r Receiver) arrived(b wire.Batch) (Receiver, []ReceiverEffect) {
	last := b.First + uint64(len(b.Events)) - 1
	switch {
	case r.condition == Foreign:
		return r, nil
	case r.condition.Held() && r.condition != Missing,
		b.First == 0 || len(b.Events) == 0 || len(b.Events) > wire.MaxEvents || last < b.First,
		last <= r.cursor,
		b.First > r.cursor+1:
		return r.ack(nil)
	}
	events := b.Events[r.cursor+1-b.First:]
	chain := r.chain.After(events)
	if chain != b.Chain {
		return r.ack(r.stand(Forked, last))
	}
	return r, []ReceiverEffect{Commit{r.stream, r.cursor, events, chain}}
}

// stand moves to condition c and says so once.
func (r *Receiver) stand(c Condition, last uint64) []ReceiverEffect {
	if r.condition == c {
		return nil
	}
	r.condition = c
	return []ReceiverEffect{Standing{r.stream, c, r.cursor, last}}
}

func (r Receiver) ack(out []ReceiverEffect) (Receiver, []ReceiverEffect) {
	ack := wire.Ack{Stream: r.stream, Cursor: r.cursor, Chain: r.chain, Condition: uint8(r.condition), Uptime: r.hello.Uptime, Hello: r.hello.Number}
	r.hello = wire.Hello{} // answered
	return r, append(out, Answer{ack})
}
