package storetest

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/wire"
)

// woken appends what happened in a run of the computer, by a clock that nobody set.
func (l *Log) woken(boot uuid.UUID, uptime time.Duration, wall time.Time, body circ.EventBody) *Log {
	e := circ.Event{Stamp: circ.Stamp{Wall: wall, Boot: boot, Uptime: uptime}, Body: body}
	raw, err := wire.AppendEvent(nil, e, nil)
	if err != nil {
		panic(err) // a test's own event
	}
	return l.AddRaw(e, raw)
}

// happened is when each event of maple-house did, after the start, and how sure it is.
func (p *place) happened() (at, off map[uint64]time.Duration) {
	p.t.Helper()
	events, err := p.Events(p.t.Context(), "maple-house", store.Position{}, 100)
	p.ok(err)
	at, off = make(map[uint64]time.Duration), make(map[uint64]time.Duration)
	for _, e := range events {
		at[e.Seq], off[e.Seq] = e.At.Sub(Start), e.Err
	}
	return at, off
}

// retime: what was taken in before anybody knew when its run began is told anew
// when somebody does, with what came of it.
func retime(t *testing.T, p *place) {
	y1970 := time.Unix(0, 0).UTC()
	l := NewLog("maple-house")
	first, second := uuid.New(), uuid.New()
	due := y1970.AddDate(0, 0, 28)
	l.woken(first, time.Minute, y1970, circ.LentToHouse{Item: "0"}) // a run that nobody ever hears
	l.woken(second, 5*time.Minute, y1970, circ.CheckedOut{Item: "1", Patron: circ.Ref{1}, By: circ.Ref{1}, Due: due})
	l.woken(second, 15*time.Minute, y1970, circ.Renewed{Item: "1", Patron: circ.Ref{1}, By: circ.Ref{1}, Due: due})
	p.find(l)
	p.take(l.All())
	at, off := p.happened()
	if at[2] != 0 || off[2] < 30*time.Minute {
		t.Errorf("before: event 2 happened %v after the start, ± %v, want at once and not sure", at[2], off[2])
	}
	p.queue()
	p.ok(p.Report(t.Context(), store.Report{Station: l.Station, Ledger: l.ID, Last: 3, At: Start.Add(time.Hour)}))
	waits := p.postings()

	// It was switched on twenty minutes after the start, as a round trip of two seconds says.
	trip := store.Trip{Station: l.Station, Boot: second, Uptime: 40 * time.Minute, At: Start.Add(time.Hour + time.Second), Took: 2 * time.Second}
	p.ok(p.Timed(t.Context(), trip))
	at, off = p.happened()
	for seq, want := range map[uint64]time.Duration{2: 25 * time.Minute, 3: 35 * time.Minute} {
		if at[seq] != want || off[seq] > 10*time.Second {
			t.Errorf("event %d happened %v after the start, ± %v, want %v", seq, at[seq], off[seq], want)
		}
	}
	if at[1] > 20*time.Minute || off[1] > 26*time.Minute {
		t.Errorf("the run before: %v after the start, ± %v, want before the next began", at[1], off[1])
	}
	loans, err := p.Loans(t.Context(), "")
	p.ok(err)
	for _, lent := range loans {
		if lent.Item == "1" && (!lent.Since.Equal(Start.Add(25*time.Minute)) || lent.Due.Before(Start.AddDate(0, 0, 28)) || lent.Due.After(Start.AddDate(0, 0, 30)) || lent.Renewed != 1) {
			t.Errorf("the loan is %+v", lent)
		}
	}
	again := p.postings()
	if len(again) != len(waits) {
		t.Fatalf("%d wait to be posted, want %d", len(again), len(waits))
	}
	for i, o := range again[len(again)-2:] {
		if want := Start.Add(time.Duration(25+10*i) * time.Minute); !o.At.Equal(want) || !o.Sorts.Equal(want) || o.Place <= waits[len(waits)-1].Place || o.Rev == 0 || o.Due.Before(Start) {
			t.Errorf("waits to be posted: %+v, want at %v and behind all others", o, want)
		}
	}

	// A slower trip, another station's, and one that says the same again change nothing.
	trip.Took, trip.At = 20*time.Second, trip.At.Add(time.Minute)
	p.ok(p.Timed(t.Context(), trip))
	if now, _ := p.happened(); now[2] != at[2] {
		t.Errorf("a slow trip moved an event by %v", now[2]-at[2])
	}
}

// order: what a station tells of a time it did not know goes where it makes sense
// beside what another tells of the item.
func order(t *testing.T, p *place) {
	lost := uuid.New()
	birch := NewLog("birch-house").Written(met(1, "A"), met(2, "B"), out("1", 1), out("2", 1), in("2"), out("2", 2), out("3", 1))
	maple := NewLog("maple-house").Written(met(7, "A"), met(8, "B"))
	// Its clock woke up in 1970, so its best time is before all that birch tells.
	maple.woken(lost, time.Minute, time.Unix(0, 0), circ.CheckedIn{Item: "1", Patron: circ.Ref{7}})
	maple.woken(lost, 2*time.Minute, time.Unix(0, 0), circ.CheckedIn{Item: "2", Patron: circ.Ref{8}})
	maple.woken(lost, 3*time.Minute, time.Unix(0, 0), circ.CheckedOut{Item: "3", Patron: circ.Ref{8}, By: circ.Ref{8}, Due: Start.AddDate(0, 0, 28)})
	for _, l := range []*Log{birch, maple} {
		p.find(l)
		p.take(l.All())
	}
	p.queue()
	last := make(map[circ.ItemID]store.Posting)
	for _, o := range p.postings() {
		if was, seen := last[o.Item]; !seen || o.Sorts.After(was.Sorts) {
			last[o.Item] = o
		}
		if o.At.After(Start.Add(time.Hour)) {
			t.Errorf("%s of %s is posted at %v, after it was told", o.Op, o.Item, o.At)
		}
	}
	for item, was := range map[circ.ItemID]struct {
		station circ.StationID
		note    string
	}{
		"1": {"maple-house", ""},              // a return is of the loan there was
		"2": {"maple-house", ""},              // and that was the second
		"3": {"birch-house", store.NoteOrder}, // two loans: nobody knows
	} {
		o := last[item]
		if o.Station != was.station {
			t.Errorf("the last of item %s is %s at %s, want that of %s", item, o.Op, o.Station, was.station)
		}
		if item != "3" && o.At.Before(Start.Add(3*time.Minute)) {
			t.Errorf("the return of item %s is posted at %v, before its loan", item, o.At)
		}
	}
	for _, o := range p.postings() {
		if want := map[circ.ItemID]string{"3": store.NoteOrder}[o.Item]; o.Station == "maple-house" && o.Note != want {
			t.Errorf("%s of item %s is noted %q, want %q", o.Op, o.Item, o.Note, want)
		}
		if unsure := o.Station == "maple-house"; unsure != (o.Err > store.Unsure) || unsure == o.Again.IsZero() {
			t.Errorf("%s of %s at %s: ± %v, not before %v", o.Op, o.Item, o.Station, o.Err, o.Again)
		}
	}
}
