package courier

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/wire"
)

// Source carries out what a sender asks for: it has the log and the link.
type Source interface {
	// Greet sends a Hello, with boot, clocks and program filled in.
	Greet(ctx context.Context, h wire.Hello) error
	// Read sends the events from one on as a batch, and answers the last of them.
	Read(ctx context.Context, from uint64) (last uint64, err error)
	// Mark keeps how far the receiver is.
	Mark(ctx context.Context, m Mark) error
	// Stand hears that the stream's condition changed.
	Stand(ctx context.Context, s Standing) error
}

// Sink carries out what a receiver asks for: it keeps what came.
type Sink interface {
	// Find is where the sink stands in a stream.
	Find(ctx context.Context, stream uuid.UUID) (Found, error)
	// Commit keeps events and answers where the sink then stands. With an error
	// that is wire.ErrNewer or wire.ErrMalformed it has kept what comes before the
	// first event that it cannot read.
	Commit(ctx context.Context, c Commit) (Committed, error)
	// Answer sends an Ack, with the wall clock filled in.
	Answer(ctx context.Context, a wire.Ack) error
	// Stand hears that a stream's condition changed.
	Stand(ctx context.Context, s Standing) error
}

// Send gives s an input and all that follows from it, and has source do what s
// asks for. The errors are the source's; what was lost with them is asked for
// again.
func Send(ctx context.Context, s *Sender, clock func() time.Duration, source Source, in SenderInput) error {
	var faults []error
	for inputs := []SenderInput{in}; len(inputs) > 0; {
		next, effects := s.Step(clock(), inputs[0])
		*s, inputs = next, inputs[1:]
		for _, effect := range effects {
			var err error
			switch effect := effect.(type) {
			case Greet:
				err = source.Greet(ctx, effect.Hello)
			case Read:
				var last uint64
				if last, err = source.Read(ctx, effect.From); err == nil {
					inputs = append(inputs, Sent{effect.From, last})
				}
			case Mark:
				err = source.Mark(ctx, effect)
			case Standing:
				err = source.Stand(ctx, effect)
			}
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// Receive gives r an input and all that follows from it, and has sink do what r
// asks for. The errors are the sink's; that something newer came is none, but a
// Standing.
func Receive(ctx context.Context, r *Receiver, sink Sink, in ReceiverInput) error {
	var faults []error
	for inputs := []ReceiverInput{in}; len(inputs) > 0; {
		next, effects := r.Step(inputs[0])
		*r, inputs = next, inputs[1:]
		for _, effect := range effects {
			var err error
			switch effect := effect.(type) {
			case Find:
				var found Found
				if found, err = sink.Find(ctx, effect.Stream); err == nil {
					inputs = append(inputs, found)
				} else {
					inputs = append(inputs, Failed{})
				}
			case Commit:
				var done Committed
				done, err = sink.Commit(ctx, effect)
				inputs = append(inputs, outcome(effect, done, err)...)
				if errors.Is(err, wire.ErrNewer) {
					err = nil
				}
			case Answer:
				err = sink.Answer(ctx, effect.Ack)
			case Standing:
				err = sink.Stand(ctx, effect)
			}
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// outcome is what a receiver is told of a commit.
func outcome(asked Commit, done Committed, err error) []ReceiverInput {
	switch unread := errors.Is(err, wire.ErrNewer) || errors.Is(err, wire.ErrMalformed); {
	case err == nil:
		return []ReceiverInput{done}
	case unread && done.Cursor > asked.From:
		return []ReceiverInput{done, TooNew{asked.Stream}}
	case unread:
		return []ReceiverInput{TooNew{asked.Stream}}
	}
	return []ReceiverInput{Failed{}}
}
