package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// Fault is something that goes wrong with one request or its answer.
type Fault string

// Faults. Each happens to one request, but a hang lasts.
const (
	NoFault     Fault = ""
	NoRequest   Fault = "no-request"  // the request is lost on the way
	NoAnswer    Fault = "no-answer"   // it is carried out, and the answer is lost
	Late        Fault = "late"        // the answer comes after 0.2 to 3 seconds
	Split       Fault = "split"       // it comes in pieces with pauses
	Noise       Fault = "noise"       // bytes nobody sent come before it
	BadCRC      Fault = "bad-crc"     // one of its bits is turned
	BadLength   Fault = "bad-length"  // its length field is wrong, or its end is missing
	Unsolicited Fault = "unsolicited" // another frame comes before it
	Reset       Fault = "reset"       // the reader restarts instead of answering
	Hang        Fault = "hang"        // it says nothing for 2 to 5 seconds, whatever is asked
	Lift        Fault = "lift"        // the tag is lifted in the middle of a write
	Move        Fault = "move"        // a tag comes or goes before the request
)

// Faults lists every fault.
var Faults = []Fault{NoRequest, NoAnswer, Late, Split, Noise, BadCRC, BadLength, Unsolicited, Reset, Hang, Lift, Move}

// FaultNames lists them for people.
func FaultNames() string {
	names := make([]string, len(Faults))
	for i, f := range Faults {
		names[i] = string(f)
	}
	return strings.Join(names, ", ")
}

// Schedule decides which request meets which fault. The same seed and the same
// requests give the same run. A nil Schedule is a line without faults.
type Schedule struct {
	mu    sync.Mutex
	rnd   *rand.Rand
	rate  float64
	kinds []Fault
	next  []Fault
}

// NewSchedule spoils the given share of requests, 0 to 1, with the given faults
// or, without any, with all of them.
func NewSchedule(seed uint64, rate float64, kinds ...Fault) *Schedule {
	if len(kinds) == 0 {
		kinds = Faults
	}
	s := &Schedule{rate: rate, kinds: kinds}
	s.Seed(seed)
	return s
}

// Seed begins the run that belongs to a seed.
func (s *Schedule) Seed(seed uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rnd = rand.New(rand.NewPCG(seed, 0x5157))
}

// Fail makes the next request meet a fault. Several wait in a row.
func (s *Schedule) Fail(f Fault) error {
	if !slices.Contains(Faults, f) {
		return fmt.Errorf("no fault is called %q; there are %s", f, FaultNames())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = append(s.next, f)
	return nil
}

// take is the fault of the next request. A lift waits for a write.
func (s *Schedule) take(write bool) Fault {
	if s == nil {
		return NoFault
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.next, func(f Fault) bool { return f != Lift || write }); i >= 0 {
		f := s.next[i]
		s.next = slices.Delete(s.next, i, i+1)
		return f
	}
	if s.rate > 0 && s.rnd.Float64() < s.rate {
		return s.kinds[s.rnd.IntN(len(s.kinds))]
	}
	return NoFault
}

// dice is a number below n.
func (s *Schedule) dice(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rnd.IntN(n)
}

// between is a time from a to b.
func (s *Schedule) between(a, b time.Duration) time.Duration {
	return a + time.Duration(s.dice(int(b-a)))
}

// Calm ends all faults that have not begun.
func (s *Schedule) Calm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rate, s.next = 0, nil
}
