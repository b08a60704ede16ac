package courier

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/wire"
)

var stream = uuid.MustParse("6f1f7a52-7c59-4c0f-9d0c-5a7f6c1f2e10")

// written is a log of n events and its running hash after each.
func written(n int) (events [][]byte, chains []wire.Chain) {
	chains = make([]wire.Chain, 1)
	for i := range n {
		events = append(events, fmt.Appendf(nil, "event %d", i+1))
		chains = append(chains, chains[i].Next(events[i]))
	}
	return events, chains
}

// told writes effects as a person would tell them.
func told[E any](effects []E) string {
	var s []string
	for _, e := range effects {
		switch e := any(e).(type) {
		case Greet:
			s = append(s, fmt.Sprintf("hello %d-%d told %d", e.First, e.Last, e.Acked))
		case Read:
			s = append(s, fmt.Sprintf("read %d", e.From))
		case Mark:
			s = append(s, fmt.Sprintf("mark %d", e.To)+map[bool]string{true: " back"}[e.Back])
		case Find:
			s = append(s, "find")
		case Commit:
			s = append(s, fmt.Sprintf("commit %d after %d", len(e.Events), e.From))
		case Answer:
			s = append(s, fmt.Sprintf("ack %d", e.Cursor))
		case Standing:
			s = append(s, e.Condition.String())
		}
	}
	return strings.Join(s, ", ")
}

func TestSender(t *testing.T) {
	_, chain := written(5000)
	ack := func(cursor uint64) Acked {
		return Acked{wire.Ack{Stream: stream, Cursor: cursor, Chain: chain[cursor]}, chain[cursor]}
	}
	// answer is an Ack that answers the last Hello, or one before that.
	answer := func(cursor, before uint64) Acked {
		a := ack(cursor)
		a.Hello = 1 + before
		return a
	}
	const far = time.Hour
	type step struct {
		after time.Duration
		in    SenderInput
		want  string
	}
	for name, steps := range map[string][]step{
		"nothing goes out before the first ack": {
			{0, Appended{1, 3}, ""}, {0, Up{}, "hello 1-3 told 0"}, {0, Appended{1, 4}, ""}, {0, ack(0), "read 1"},
		},
		"four batches, then one for each that is kept": {
			{0, Appended{1, 3000}, ""}, {0, Up{}, "hello 1-3000 told 0"}, {0, ack(0), "read 1"},
			{0, Sent{1, 500}, "read 501"}, {0, Sent{501, 1000}, "read 1001"}, {0, Sent{1001, 1500}, "read 1501"}, {0, Sent{1501, 2000}, ""},
			{0, ack(500), "mark 500, read 2001"}, {0, Sent{2001, 2500}, ""},
			{0, ack(2500), "mark 2500, read 2501"}, {0, Sent{2501, 3000}, ""}, {0, ack(3000), "mark 3000"},
		},
		"a repeated cursor goes back once": {
			{0, Appended{1, 900}, ""}, {0, Up{}, "hello 1-900 told 0"}, {0, ack(0), "read 1"}, {0, Sent{1, 300}, "read 301"}, {0, Sent{301, 900}, ""},
			{0, ack(300), "mark 300"}, {0, ack(300), "read 301"}, {0, Sent{301, 900}, ""}, {0, ack(300), ""}, {0, ack(900), "mark 900"},
		},
		"an old ack changes nothing": {
			{0, Appended{1, 9}, ""}, {0, Up{}, "hello 1-9 told 0"}, {0, ack(5), "mark 5, read 6"}, {0, Sent{6, 9}, ""}, {0, ack(2), ""}, {0, ack(9), "mark 9"},
		},
		"silence: hello again, and go on where the answer says": {
			{0, Appended{1, 9}, ""}, {0, Up{}, "hello 1-9 told 0"}, {far, Tick{}, "hello 1-9 told 0"}, {0, ack(0), "read 1"}, {0, Sent{1, 9}, ""},
			{time.Second, Tick{}, ""}, {far, Tick{}, "hello 1-9 told 0"}, {0, ack(4), "mark 4, read 5"},
		},
		"a receiver restored from a backup is sent again what it lacks": {
			{0, Appended{1, 9}, ""}, {0, Up{}, "hello 1-9 told 0"}, {0, ack(9), "mark 9"}, {far, Tick{}, "hello 1-9 told 9"}, {0, answer(3, 0), "mark 3 back, read 4"},
		},
		"so slow a receiver that it answers the Hello before": {
			{0, Appended{1, 9}, ""}, {0, Up{}, "hello 1-9 told 0"}, {0, ack(9), "mark 9"}, {far, Tick{}, "hello 1-9 told 9"}, {far, Tick{}, "hello 1-9 told 9"}, {0, answer(3, 1), "mark 3 back, read 4"},
		},
		"one from before Hellos had numbers": {
			{0, Appended{1, 9}, ""}, {0, Up{}, "hello 1-9 told 0"}, {0, ack(9), "mark 9"}, {far, Tick{}, "hello 1-9 told 9"},
			{0, Acked{wire.Ack{Stream: stream, Cursor: 3, Chain: chain[3], Uptime: 1}, chain[3]}, "mark 3 back, read 4"},
		},
		"a late ack after a new connection takes nothing back": {
			{0, Appended{1, 9}, ""}, {0, Up{}, "hello 1-9 told 0"}, {0, ack(5), "mark 5, read 6"}, {0, Up{}, "hello 1-9 told 5"}, {0, ack(3), ""}, {0, answer(3, 1), ""}, {0, answer(5, 0), "read 6"},
		},
		"a receiver that holds more: stop and say so": {
			{0, Appended{1, 9}, ""}, {0, Up{}, "hello 1-9 told 0"}, {0, ack(12), "hello 1-9 told 12, ahead"}, {0, ack(12), ""}, {0, Appended{1, 10}, ""},
		},
		"a batch that reaches beyond what was said to be there: nobody is ahead": {
			{0, Appended{1, 3}, ""}, {0, Up{}, "hello 1-3 told 0"}, {0, ack(0), "read 1"}, {0, Sent{1, 5}, ""}, {0, ack(5), "mark 5"},
			{0, Appended{1, 6}, "read 6"},
		},
		"a receiver that holds another history: stop and say so": {
			{0, Appended{1, 9}, ""}, {0, Up{}, "hello 1-9 told 0"}, {0, Acked{wire.Ack{Stream: stream, Cursor: 5, Chain: wire.Chain{1}}, chain[5]}, "hello 1-9 told 5, forked"},
		},
		"a receiver that asks for what is gone: stop, until it does not": {
			{0, Appended{7, 9}, ""}, {0, Up{}, "hello 7-9 told 0"}, {0, Acked{wire.Ack{Stream: stream, Cursor: 3, Chain: chain[3]}, wire.Chain{}}, "hello 7-9 told 3, missing"},
			{0, ack(6), "mark 6, sound, read 7"}, {0, Up{}, "hello 7-9 told 6"},
		},
		"an ack for another stream": {
			{0, Appended{1, 9}, ""}, {0, Up{}, "hello 1-9 told 0"}, {0, Acked{wire.Ack{Stream: uuid.Max, Cursor: 9}, wire.Chain{}}, ""},
		},
		"no connection, no word": {
			{0, Appended{1, 9}, ""}, {0, Up{}, "hello 1-9 told 0"}, {0, Down{}, ""}, {0, ack(0), ""}, {far, Tick{}, ""}, {0, Up{}, "hello 1-9 told 0"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, now := NewSender(stream, 1, 0, 0, wire.Chain{}, 1), time.Duration(0)
			for i, step := range steps {
				now += step.after
				var effects []SenderEffect
				in := step.in
				if a, is := in.(Acked); is && a.Hello != 0 {
					a.Hello = s.asked + 1 - a.Hello
					in = a
				}
				s, effects = s.Step(now, in)
				if got := told(effects); got != step.want {
					t.Fatalf("step %d, %T%v: %q, want %q", i, step.in, step.in, got, step.want)
				}
			}
		})
	}
}

func TestSilenceGrows(t *testing.T) {
	s, now := NewSender(stream, 1, 5, 0, wire.Chain{}, 7), time.Duration(0)
	s, _ = s.Step(now, Up{})
	want := firstRTO
	for range 8 {
		due, ok := s.Wake()
		if wait := due - now; !ok || wait < want || wait > want*3/2 {
			t.Fatalf("waits %v (%v), want %v to %v", due-now, ok, want, want*3/2)
		}
		now, want = due, min(2*want, lastRTO)
		s, _ = s.Step(now, Tick{})
	}
}

func TestReceiver(t *testing.T) {
	events, chain := written(1000)
	batch := func(first, last uint64) Arrived {
		return Arrived{wire.Batch{Stream: stream, First: first, Events: events[first-1 : last], Chain: chain[last]}}
	}
	found := func(cursor uint64) Found { return Found{stream, cursor, chain[cursor], Sound} }
	committed := func(cursor uint64) Committed { return Committed{stream, cursor, chain[cursor]} }
	hello := func(first, last, acked uint64) Greeted {
		return Greeted{wire.Hello{Stream: stream, First: first, Last: last, Acked: acked, Chain: chain[acked]}}
	}
	forged := batch(11, 12)
	forged.Chain = wire.Chain{1}
	type step struct {
		in   ReceiverInput
		want string
	}
	for name, steps := range map[string][]step{
		"in order": {
			{hello(1, 20, 0), "find"}, {found(0), "ack 0"}, {batch(1, 10), "commit 10 after 0"}, {committed(10), "ack 10"},
		},
		"a double is answered and not kept":  {{hello(1, 20, 0), "find"}, {found(10), "ack 10"}, {batch(1, 10), "ack 10"}},
		"an overlap is trimmed":              {{hello(1, 20, 0), "find"}, {found(10), "ack 10"}, {batch(8, 12), "commit 2 after 10"}, {committed(12), "ack 12"}},
		"a gap is answered with the cursor":  {{hello(1, 20, 0), "find"}, {found(10), "ack 10"}, {batch(12, 13), "ack 10"}},
		"another worker was faster":          {{hello(1, 20, 0), "find"}, {found(10), "ack 10"}, {batch(11, 12), "commit 2 after 10"}, {committed(15), "ack 15"}, {batch(16, 16), "commit 1 after 15"}},
		"a batch before any hello":           {{batch(3, 4), "find"}, {found(2), "ack 2"}, {batch(3, 4), "commit 2 after 2"}},
		"a commit that failed":               {{hello(1, 20, 0), "find"}, {found(10), "ack 10"}, {batch(11, 12), "commit 2 after 10"}, {Failed{}, ""}, {batch(11, 12), "find"}, {found(12), "ack 12"}},
		"a newer version is held, not lost":  {{hello(1, 20, 0), "find"}, {found(10), "ack 10"}, {TooNew{stream}, "newer, ack 10"}, {TooNew{stream}, "ack 10"}, {batch(11, 12), "commit 2 after 10"}, {committed(12), "sound, ack 12"}},
		"a broken history is not taken":      {{hello(1, 20, 0), "find"}, {found(10), "ack 10"}, {forged, "forked, ack 10"}, {batch(11, 12), "ack 10"}},
		"a sender that admits being behind":  {{hello(1, 5, 10), "find"}, {found(10), "ahead, ack 10"}, {batch(11, 12), "ack 10"}},
		"a sender that admits to differ":     {{Greeted{wire.Hello{Stream: stream, First: 1, Last: 20, Acked: 10, Chain: wire.Chain{1}}}, "find"}, {found(10), "forked, ack 10"}},
		"a late hello says nothing":          {{hello(1, 5, 0), "find"}, {found(10), "ack 10"}},
		"a sender that lacks what is needed": {{hello(15, 20, 10), "find"}, {found(10), "missing, ack 10"}, {batch(15, 16), "ack 10"}, {batch(11, 12), "commit 2 after 10"}, {committed(12), "sound, ack 12"}},
		"a stream that is over":              {{hello(1, 5, 0), "find"}, {Found{stream, 0, wire.Chain{}, Foreign}, "foreign, ack 0"}, {batch(1, 2), ""}, {TooNew{stream}, ""}, {hello(1, 5, 0), "find"}, {Found{stream, 0, wire.Chain{}, Foreign}, "foreign, ack 0"}},
		"batches that cannot be":             {{hello(1, 20, 0), "find"}, {found(0), "ack 0"}, {Arrived{wire.Batch{Stream: stream, First: 0, Events: events[:2], Chain: chain[2]}}, "ack 0"}, {Arrived{wire.Batch{Stream: stream, First: 1, Events: nil, Chain: wire.Chain{}}}, "ack 0"}, {batch(1, 501), "ack 0"}, {Arrived{wire.Batch{Stream: stream, First: 1<<64 - 1, Events: events[:2], Chain: chain[2]}}, "ack 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			var r Receiver
			for i, step := range steps {
				var effects []ReceiverEffect
				r, effects = r.Step(step.in)
				if got := told(effects); got != step.want {
					t.Fatalf("step %d, %T: %q, want %q", i, step.in, got, step.want)
				}
			}
		})
	}
}
