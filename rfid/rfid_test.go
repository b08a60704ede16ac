package rfid_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/rfid"
)

func TestUID(t *testing.T) {
	for _, s := range []string{"E004010012345678", "04A1B2C3", "04112233445566", "62E3086CED", "0102030405060708090A"} {
		u, err := rfid.ParseUID(strings.ToLower(s))
		if err != nil || u.String() != s || u.Len() != len(s)/2 {
			t.Errorf("ParseUID(%q): got %v, %v", s, u, err)
		}
		if back := u.Reversed().Reversed(); back != u || rfid.MakeUID(u.Bytes()) != u {
			t.Errorf("%s: reversed twice: got %v", s, back)
		}
	}
	for _, s := range []string{"", "E", "XY", "0102030405060708090A0B", "E0 04"} {
		if u, err := rfid.ParseUID(s); err == nil || !u.IsZero() {
			t.Errorf("ParseUID(%q): got %v, want an error", s, u)
		}
	}
	if n := testing.AllocsPerRun(10, func() { _ = rfid.MakeUID([]byte{1, 2, 3, 4}).Reversed() }); n != 0 {
		t.Errorf("MakeUID: got %v allocations, want 0", n)
	}
}

func TestPlausible(t *testing.T) {
	for _, c := range []struct {
		uid  string
		kind rfid.Kind
		want bool
	}{
		{"E004010012345678", rfid.ISO15693, true},
		{"E104010012345678", rfid.ISO15693, false},
		{"E0040100123456", rfid.ISO15693, false},
		{"04112233445566", rfid.ISO14443A, true},
		{"88112233", rfid.ISO14443A, false},
		{"0102030405", rfid.ISO14443A, false},
		{"62E3086CED", rfid.EM4100, true},
		{"62E3086C", rfid.EM4100, false},
	} {
		u, _ := rfid.ParseUID(c.uid)
		if got := (rfid.Tag{UID: u, Kind: c.kind}).Plausible(); got != c.want {
			t.Errorf("%s %v: got %v, want %v", c.uid, c.kind, got, c.want)
		}
	}
}

// item is a tag numbered n.
func item(n int) rfid.Tag {
	u, _ := rfid.ParseUID(fmt.Sprintf("E0040100%08X", n))
	return rfid.Tag{UID: u, Kind: rfid.ISO15693}
}

func items(numbers ...int) (tags []rfid.Tag) {
	for _, n := range numbers {
		tags = append(tags, item(n))
	}
	return tags
}

// told is events as words: "+1" arrived, "-1" left, "=2" settled with two.
func told(events []rfid.Event) string {
	var words []string
	for _, e := range events {
		n := 0
		if !e.Tag.UID.IsZero() {
			fmt.Sscanf(e.Tag.UID.String()[8:], "%X", &n)
		}
		words = append(words, map[rfid.EventKind]string{
			rfid.Arrived: fmt.Sprintf("+%d", n), rfid.Left: fmt.Sprintf("-%d", n),
			rfid.Settled: fmt.Sprintf("=%d", e.Tags), rfid.Failing: "failing", rfid.Working: "working"}[e.Kind])
	}
	return strings.Join(words, " ")
}

func TestField(t *testing.T) {
	failed := []rfid.Tag{{}} // marks a round that failed
	type round struct {
		seen []rfid.Tag
		want string
	}
	patience := rfid.Patience{Arrive: 1, Rounds: 3, Away: 250 * time.Millisecond, Settle: 300 * time.Millisecond, Fail: 2}
	twice := patience
	twice.Arrive = 2
	for _, c := range []struct {
		name   string
		p      rfid.Patience
		rounds []round // 100 ms apart
	}{
		{"one comes, settles and goes", patience, []round{
			{items(1), "+1"}, {items(1), ""}, {items(1), ""}, {items(1), "=1"}, {items(1), ""},
			{nil, ""}, {nil, ""}, {nil, "-1"}, {nil, ""}, {nil, ""}, {nil, "=0"}, {nil, ""}}},
		{"at the edge of the field", patience, []round{
			{items(1), "+1"}, {nil, ""}, {items(1), ""}, {nil, "=1"}, {nil, ""}, {items(1), ""}, {nil, ""}, {nil, ""}, {items(1), ""}}},
		{"a stack, heard in any order", patience, []round{
			{items(3, 1), "+3 +1"}, {items(1, 2), "+2"}, {items(2, 3), ""}, {items(3, 2, 1), ""}, {items(1, 2, 3), "=3"}}},
		{"named twice", patience, []round{{items(1, 1, 2, 1), "+1 +2"}}},
		{"a UID no chip has", patience, []round{
			{[]rfid.Tag{{UID: rfid.MakeUID([]byte{1, 2, 3, 4, 5, 6, 7, 8}), Kind: rfid.ISO15693}}, ""}}},
		{"one swapped for another", patience, []round{
			{items(1), "+1"}, {items(2), "+2"}, {items(2), ""}, {items(2), "-1"}}},
		{"a failing reader loses nobody", patience, []round{
			{items(1), "+1"}, {failed, ""}, {failed, "failing"}, {failed, ""}, {failed, ""}, {items(1), "working =1"}}},
		{"one failed round is no news", patience, []round{{items(1), "+1"}, {failed, ""}, {items(1), ""}}},
		{"seen twice before believed", twice, []round{
			{items(1), ""}, {items(2, 2), ""}, {items(2), "+2"}, {items(1, 2), ""}, {items(1, 2), "+1"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, now := rfid.NewField(c.p), time.Unix(0, 0)
			for i, r := range c.rounds {
				var err error
				if len(r.seen) == 1 && r.seen[0].UID.IsZero() {
					err = rfid.ErrTimeout
				}
				if got := told(f.Step(nil, r.seen, err, now)); got != r.want {
					t.Fatalf("round %d: got %q, want %q", i+1, got, r.want)
				}
				now = now.Add(100 * time.Millisecond)
			}
		})
	}
}

// A stack of twenty at the edge of the field: each tag is heard in two rounds of
// three, some twice, in any order, with misheard ones among them. It settles once,
// with twenty, and nothing flickers.
func TestStackOfTwentySettles(t *testing.T) {
	for seed := range uint64(50) {
		dice := rand.New(rand.NewPCG(seed, 20))
		f, now := rfid.NewField(rfid.DefaultPatience), time.Unix(0, 0)
		var events []rfid.Event
		missed := make([]int, 20)
		for range 60 { // nine seconds
			var seen []rfid.Tag
			for _, n := range dice.Perm(20) {
				if missed[n] < 2 && dice.IntN(3) == 0 {
					missed[n]++
					continue
				}
				missed[n] = 0
				seen = append(seen, item(n+1))
				if dice.IntN(10) == 0 {
					seen = append(seen, item(n+1), rfid.Tag{UID: item(n + 1).UID.Reversed(), Kind: rfid.ISO15693})
				}
			}
			events = f.Step(events, seen, nil, now)
			now = now.Add(150 * time.Millisecond)
		}
		counts := map[rfid.EventKind]int{}
		for _, e := range events {
			counts[e.Kind]++
		}
		last := events[len(events)-1]
		if counts[rfid.Arrived] != 20 || counts[rfid.Left] != 0 || counts[rfid.Settled] != 1 || last.Kind != rfid.Settled || last.Tags != 20 {
			t.Errorf("seed %d: got %v, last %v with %d tags", seed, counts, last.Kind, last.Tags)
		}
	}
}

func TestFieldCountsDown(t *testing.T) {
	f, now := rfid.NewField(rfid.Patience{Arrive: 1, Rounds: 1}), time.Unix(0, 0)
	f.Step(nil, items(1, 2, 3), nil, now)
	var counts []int
	for _, e := range f.Step(nil, items(2), nil, now) {
		counts = append(counts, e.Tags)
	}
	if got, want := fmt.Sprint(counts), "[2 1]"; got != want {
		t.Errorf("tags left as they go: got %s, want %s", got, want)
	}
	if !f.Has(item(2).UID) || f.Has(item(1).UID) {
		t.Errorf("in the field: got %v", f.Tags())
	}
}

func TestFieldAllocatesNothing(t *testing.T) {
	var stack []rfid.Tag
	for n := range 20 {
		stack = append(stack, item(n))
	}
	f, now := rfid.NewField(rfid.DefaultPatience), time.Unix(0, 0)
	events := make([]rfid.Event, 0, 40)
	f.Step(events, stack, nil, now)
	if n := testing.AllocsPerRun(100, func() { now = now.Add(time.Second); events = f.Step(events[:0], stack, nil, now) }); n != 0 {
		t.Errorf("a round that changes nothing: got %v allocations, want 0", n)
	}
}

// script is a reader that has its answers written down.
type script struct {
	rounds [][]rfid.Tag
	n      int
}

func (s *script) Inventory(dst []rfid.Tag) ([]rfid.Tag, error) {
	if s.n == len(s.rounds) {
		return dst, fmt.Errorf("inventory: %w", rfid.ErrClosed)
	}
	s.n++
	return append(dst, s.rounds[s.n-1]...), nil
}
func (s *script) Close() error { return nil }

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &script{rounds: [][]rfid.Tag{items(1), items(1, 2), items(2), items(2), items(2), items(2), items(2)}}
		var got []rfid.Event
		for e := range rfid.Watch(context.Background(), r, 200*time.Millisecond, rfid.Patience{}) {
			got = append(got, e)
		}
		if got, want := told(got), "+1 +2 -1"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestWatchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		events := rfid.Watch(ctx, &script{rounds: [][]rfid.Tag{items(1, 2)}}, time.Hour, rfid.Patience{})
		<-events
		cancel() // while it waits for somebody to take the second event
		for range events {
		}
	})
}

func TestCure(t *testing.T) {
	uid := item(1).UID
	for _, c := range []struct {
		err  error
		want rfid.Remedy
	}{
		{nil, rfid.Nothing},
		{rfid.PortError(os.ErrDeadlineExceeded), rfid.Reattach},
		{rfid.PortError(io.EOF), rfid.Reattach},
		{rfid.PortError(io.ErrClosedPipe), rfid.GiveUp},
		{&rfid.Error{Op: "write AFI C2", UID: uid, Err: rfid.ErrNoTag}, rfid.PutBack},
		{&rfid.Error{Op: "inventory", Err: fmt.Errorf("%w: checksum", rfid.ErrBroken)}, rfid.Again},
		{rfid.ErrLocked, rfid.GiveUp},
	} {
		if got := rfid.Cure(c.err); got != c.want {
			t.Errorf("%v: got %v, want %v", c.err, got, c.want)
		}
	}
	err := error(&rfid.Error{Op: "write AFI C2", UID: uid, Err: rfid.ErrNoTag})
	if got, want := err.Error(), "write AFI C2 of E004010000000001: rfid: no answer from the tag"; got != want || !errors.Is(err, rfid.ErrNoTag) {
		t.Errorf("got %q, want %q", got, want)
	}
}
