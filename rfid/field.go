package rfid

import "time"

// Event is a change on the table.
type Event struct {
	Kind EventKind
	Tag  Tag   // of Arrived and Left
	Tags int   // how many tags lie in the field now
	Err  error // of Failing
}

// EventKind says what changed.
type EventKind uint8

const (
	Arrived EventKind = iota + 1 // a tag came into the field
	Left                         // a tag has been away long enough to be called gone
	Settled                      // nothing has come or gone for a while: the stack is complete
	Failing                      // the reader has failed several rounds running; tags stay as they were
	Working                      // and it answers again
)

func (k EventKind) String() string {
	return [...]string{"none", "arrived", "left", "settled", "failing", "working"}[k]
}

// Patience is how long a Field waits before it believes what it sees. The zero
// Patience is replaced by DefaultPatience.
type Patience struct {
	Arrive int           // rounds in which a tag must be seen before it has arrived, at least 1
	Rounds int           // rounds a tag must be missing before it has left,
	Away   time.Duration // and the time it must have been missing
	Settle time.Duration // quiet time after which the field has settled
	Fail   int           // failed rounds in a row before the reader counts as failing
}

// DefaultPatience suits a pad asked several times a second: a tag at the edge of
// the field is missed in one round of three or four.
var DefaultPatience = Patience{Arrive: 1, Rounds: 3, Away: 400 * time.Millisecond, Settle: 600 * time.Millisecond, Fail: 3}

// Field turns successive inventories into events. It is a pure step: it has no
// clock and no goroutine, and the same rounds give the same events. The zero
// Field is an empty table with DefaultPatience.
//
// Tags keep the order in which they arrived. A UID named twice in one round
// counts once, a UID no chip can have not at all. A failed round says nothing
// about the tags. A Step that changes nothing allocates nothing.
type Field struct {
	patience Patience
	tags     []Tag      // in the field, in order of arrival
	marks    []sighting // of the same tags
	coming   []Tag      // seen in too few rounds yet
	came     []sighting
	round    uint64
	changed  time.Time // of the last arrival or departure
	settled  bool
	failed   int
}

type sighting struct {
	at     time.Time // last seen
	round  uint64    // last seen
	rounds int       // seen in a row (coming), or missed in a row (in the field)
}

// NewField is an empty table.
func NewField(p Patience) *Field { return &Field{patience: p, settled: true} }

// Tags are those in the field, in order of arrival. The slice is valid until the
// next Step.
func (f *Field) Tags() []Tag { return f.tags }

// Has tells whether a chip is in the field.
func (f *Field) Has(u UID) bool { return index(f.tags, u) >= 0 }

// Step takes one round: the tags an inventory saw at the time now, or the error
// it failed with. It appends what changed to dst: first what left, then what
// arrived, each in order, then at most one Settled.
func (f *Field) Step(dst []Event, seen []Tag, err error, now time.Time) []Event {
	if f.patience == (Patience{}) {
		f.patience = DefaultPatience
		f.settled = true
	}
	if err != nil {
		f.failed++
		if f.failed == max(1, f.patience.Fail) {
			dst = append(dst, Event{Kind: Failing, Tags: len(f.tags), Err: err})
		}
		return dst
	}
	if f.failed >= max(1, f.patience.Fail) {
		dst = append(dst, Event{Kind: Working, Tags: len(f.tags)})
	}
	f.failed = 0
	f.round++
	for _, t := range seen {
		f.see(t, now)
	}
	before := len(dst)
	dst = f.leave(dst, now)
	dst = f.arrive(dst, now)
	switch {
	case len(dst) > before:
		f.changed, f.settled = now, false
	case !f.settled && now.Sub(f.changed) >= f.patience.Settle:
		f.settled = true
		dst = append(dst, Event{Kind: Settled, Tags: len(f.tags)})
	}
	return dst
}

func (f *Field) see(t Tag, now time.Time) {
	if !t.Plausible() {
		return
	}
	if i := index(f.tags, t.UID); i >= 0 {
		f.tags[i] = t
		f.marks[i] = sighting{at: now, round: f.round}
		return
	}
	i := index(f.coming, t.UID)
	if i < 0 {
		f.coming = append(f.coming, t)
		f.came = append(f.came, sighting{at: now, round: f.round, rounds: 1})
		return
	}
	if f.came[i].round != f.round {
		f.came[i].rounds++
	}
	f.came[i].at, f.came[i].round = now, f.round
}

func (f *Field) leave(dst []Event, now time.Time) []Event {
	kept := 0
	for i, m := range f.marks {
		if m.round != f.round {
			m.rounds++
			if m.rounds >= f.patience.Rounds && now.Sub(m.at) >= f.patience.Away {
				dst = append(dst, Event{Kind: Left, Tag: f.tags[i]})
				continue
			}
		}
		f.tags[kept], f.marks[kept] = f.tags[i], m
		kept++
	}
	gone := len(f.tags) - kept
	f.tags, f.marks = f.tags[:kept], f.marks[:kept]
	for i := range gone {
		dst[len(dst)-1-i].Tags = kept + i
	}
	return dst
}

func (f *Field) arrive(dst []Event, now time.Time) []Event {
	kept := 0
	for i, m := range f.came {
		switch {
		case m.round != f.round: // a single sighting that did not last
		case m.rounds >= f.patience.Arrive:
			f.tags = append(f.tags, f.coming[i])
			f.marks = append(f.marks, sighting{at: now, round: f.round})
			dst = append(dst, Event{Kind: Arrived, Tag: f.coming[i], Tags: len(f.tags)})
		default:
			f.coming[kept], f.came[kept] = f.coming[i], m
			kept++
		}
	}
	f.coming, f.came = f.coming[:kept], f.came[:kept]
	return dst
}

func index(tags []Tag, u UID) int {
	for i := range tags {
		if tags[i].UID == u {
			return i
		}
	}
	return -1
}
