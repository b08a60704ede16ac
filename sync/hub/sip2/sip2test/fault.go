package sip2test

import (
	"time"

	"coldstation/sync/hub/sip2"
)

// Kind of fault.
type Kind int

const (
	HangUpBefore  Kind = iota + 1 // the request is read and not acted on
	HangUpAfter                   // it is acted on; Bytes of the reply are sent
	Late                          // acted on, and answered after Delay
	Garbage                       // acted on, and Line comes instead of the reply; 97 gets the reply
	Missing                       // the reply comes without Fields
	WrongSum                      // the reply's checksum is wrong; 97 gets it right
	AskAgain                      // 96, not acted on
	AskAgainAfter                 // 96 though it was acted on: a lie that no system was seen to tell
)

// Fault is something that goes wrong once.
type Fault struct {
	Kind   Kind
	On     sip2.Code // of the request; "" for any
	Bytes  int
	Delay  time.Duration
	Line   string
	Fields []string // field codes; "AY" takes the checksum too
}

// Fail plans faults. Each waits for its request and is then used up; of those
// that wait for the same one, the first comes first.
func (s *System) Fail(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// Cut drops the next connection after so many bytes read and so many written; -1
// for never.
func (s *System) Cut(read, written int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cuts = append(s.cuts, cut{read, written})
}

type cut struct{ read, written int }

// fault is the next one for a request.
func (s *System) fault(code sip2.Code) Fault {
	for i, f := range s.faults {
		if f.On == "" || f.On == code {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
			return f
		}
	}
	return Fault{}
}
