package sip2

import (
	"errors"
	"fmt"
)

// Outcome is what became of a request. Only Done says that the library system
// has confirmed it.
type Outcome int

const (
	Done    Outcome = iota
	NotSent         // no byte of it left: it may be tried again
	Unread          // answered 96: the library system says that it could not read it
	Refused         // answered, and not done
	Unknown         // it may have been done: ask, before it is tried again
)

func (o Outcome) String() string {
	switch o {
	case Done:
		return "done"
	case NotSent:
		return "never sent"
	case Unread:
		return "not read"
	case Refused:
		return "refused"
	}
	return "outcome unknown"
}

// Error is what a request came to, unless it was done.
//
// After NotSent, the same request may be sent when what caused it is over. Unread
// will most likely be unread again. Refused is for a librarian, who wants to see
// Screen. After Unknown wait as long as the library system may still be at it,
// and ask; of a request that changes nothing it means no more than to ask again.
type Error struct {
	Op      string // as "checkout"
	Outcome Outcome
	Screen  []string // AF of a refusal; it may name a patron, so it is not in Error()
	Err     error    // why
}

func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %s", e.Op, e.Outcome)
	}
	return fmt.Sprintf("%s: %s: %v", e.Op, e.Outcome, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// OutcomeOf is the outcome behind an error of a [Conn]; Done for nil. Any other
// error is Unknown.
func OutcomeOf(err error) Outcome {
	if err == nil {
		return Done
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Outcome
	}
	return Unknown
}

// What an [Error] may wrap, beside errors of the network and of contexts.
var (
	ErrLogin  = errors.New("sip2: login refused")
	ErrHungUp = errors.New("sip2: library system hung up")
	ErrSilent = errors.New("sip2: no reply in time")
	ErrStray  = errors.New("sip2: reply to something else")
	ErrAgain  = errors.New("sip2: asked to send again")
	ErrClosed = errors.New("sip2: closed")
)
