package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/wire"
)

const system = "koha"

// Written appends what happened a minute after the event before, encoded as a
// station does, but for identifiers, which are sealed there.
func (l *Log) Written(bodies ...circ.EventBody) *Log {
	for _, body := range bodies {
		uptime := time.Duration(len(l.events)+1) * time.Minute
		e := circ.Event{Stamp: circ.Stamp{Wall: l.Began.Add(uptime), Clock: circ.ClockNTP, Boot: l.Boot, Uptime: uptime}, Body: body}
		raw, err := wire.AppendEvent(nil, e, nil)
		if _, sealed := body.(circ.PatronMet); sealed {
			raw, err = []byte("sealed"), nil
		}
		if err != nil {
			panic(err) // a test's own event
		}
		l.AddRaw(e, raw)
	}
	return l
}

func (p *place) queue() {
	p.t.Helper()
	for more := true; more; {
		var err error
		more, err = p.Queue(p.t.Context(), store.Queue{ILS: system, Limit: 3})
		p.ok(err)
	}
}

// waiting are the postings that wait, as "op item patron".
func (p *place) postings() (all []store.Posting) {
	p.t.Helper()
	all, err := p.Postings(p.t.Context(), system, 0, 1000)
	p.ok(err)
	return all
}

func (p *place) wantPostings(want ...string) []store.Posting {
	p.t.Helper()
	all := p.postings()
	var got []string
	for _, o := range all {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s", o.Op, o.Item, o.Patron.Plaintext())))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		p.t.Fatalf("waiting: %q, want %q", got, want)
	}
	return all
}

func met(card byte, id string) circ.PatronMet {
	return circ.PatronMet{Ref: circ.Ref{card}, ID: circ.NewPatronID(id)}
}

func posting(t *testing.T, p *place) {
	maple, birch := NewLog("maple-house"), NewLog("birch-house")
	maple.Written(met(1, "A"), out("1", 1), circ.ShelfCounted{}, circ.Renewed{Item: "1", Patron: circ.Ref{1}, Due: Start.AddDate(0, 0, 30)}, in("1"), circ.Placed{Item: "1"})
	birch.Written(met(1, "B"), out("2", 1), circ.Placed{Item: "2"}, circ.TakenOut{Item: "2"}, out("9", 7), circ.LentToHouse{Item: "3"})
	p.find(maple)
	p.find(birch)
	p.take(maple.All())
	p.take(birch.All())
	preview, err := p.Preview(t.Context(), store.Queue{ILS: system})
	p.ok(err)
	if len(preview) != 6 || len(p.postings()) != 0 {
		t.Errorf("previewed %d, want 6, and nothing kept", len(preview))
	}
	p.queue()
	p.restart()
	p.queue()                                                                                          // nothing twice
	all := p.wantPostings("lend 2 B", "take back 2", "lend 9", "lend 1 A", "renew 1 A", "take back 1") // three events at a time
	if l := all[3]; !l.At.Equal(Start.Add(2*time.Minute)) || !l.Due.Equal(Start.AddDate(0, 0, 28)) || l.Seq != 2 || l.Ledger != maple.ID || l.State != store.PostPending || l.Later {
		t.Errorf("the loan is %+v", l)
	}
	if r := all[5]; r.WasWith.Plaintext() != "" || !r.Sorts.Equal(r.At) {
		t.Errorf("the return is %+v", r)
	}
	if others, err := p.Postings(t.Context(), "another", 0, 10); err != nil || len(others) != 0 {
		t.Errorf("another library system: %v, %v, want nothing", others, err)
	}
	if _, err := p.Queue(t.Context(), store.Queue{ILS: "late", Since: Start.Add(5 * time.Minute)}); err != nil {
		t.Fatal(err)
	}
	late, err := p.Postings(t.Context(), "late", 0, 10)
	p.ok(err)
	if len(late) != 2 {
		t.Errorf("a system that began later gets %d, want the 2 since", len(late))
	}
}

func undonePostings(t *testing.T, p *place) {
	maple := NewLog("maple-house")
	maple.Written(met(1, "A"), out("1", 1), circ.Undone{Seq: 2}, out("2", 1), circ.ReadHere{Item: "5"}, circ.Undone{Seq: 5})
	p.find(maple)
	p.take(maple.All())
	p.queue()
	sent := p.wantPostings("lend 2 A")[0]
	sent.State, sent.Sends = store.PostSent, 1
	p.save(sent)
	maple.Written(circ.Undone{Seq: 4})
	p.take(maple.Batch(7, 7))
	p.queue()
	if u := p.wantPostings("lend 2 A", "undo 2")[1]; u.Undoes != store.PostLend || u.UndoesOf.Plaintext() != "A" || u.Undone != store.PostSent || u.Act() != store.PostTakeBack {
		t.Errorf("the undo is %+v", u)
	}
}

// save keeps postings and wants none to be stale.
func (p *place) save(changed ...store.Posting) {
	p.t.Helper()
	stale, err := p.SavePostings(p.t.Context(), changed)
	p.ok(err)
	if len(stale) > 0 {
		p.t.Errorf("stale: %v", stale)
	}
}

func outcomes(t *testing.T, p *place) {
	maple := NewLog("maple-house")
	maple.Written(met(1, "A"), out("1", 1), out("2", 1), out("3", 1), in("3"))
	p.find(maple)
	p.ok(p.NewStream(t.Context(), "maple-house", uuid.New()))
	p.take(maple.All())
	p.queue()
	all := p.wantPostings("lend 1 A", "lend 2 A", "lend 3 A", "take back 3")
	sent := all[0]
	sent.State, sent.Step, sent.Sends, sent.Changed, sent.Again = store.PostSent, store.StepMain, 1, Start, Start.Add(time.Minute)
	p.save(sent)
	stale, err := p.SavePostings(t.Context(), []store.Posting{sent})
	if err != nil || len(stale) != 1 || stale[0] != sent.PostingKey {
		t.Errorf("kept by another meanwhile: %v, %v, want it stale", stale, err)
	}
	p.restart()
	got := p.postings()[0]
	sent.Rev++
	if got != sent {
		t.Errorf("kept %+v, want %+v", got, sent)
	}
	sent.State, sent.ILSDue, sent.Acted = store.PostConfirmed, Start.AddDate(0, 0, 21), store.PostLend
	refused := all[1]
	refused.State, refused.Rule, refused.Words, refused.Person, refused.Changed = store.PostRefused, "item not found", "Invalid Item", true, Start
	moved := all[3]
	moved.State, moved.Acted, moved.Route, moved.Person, moved.Changed = store.PostConfirmed, store.PostTakeBack, "main", true, Start.Add(time.Second)
	p.save(sent, refused, moved)
	last, found, err := p.LastPosted(t.Context(), system, "1")
	if err != nil || !found || last.Acted != store.PostLend || last.Patron.Plaintext() != "A" || !last.ILSDue.Equal(sent.ILSDue) {
		t.Errorf("the last of item 1: %+v, %v, %v", last, found, err)
	}
	if _, found, err := p.LastPosted(t.Context(), system, "2"); err != nil || found {
		t.Errorf("the last of item 2: %v, %v, want none", found, err)
	}
	if !p.postings()[0].Later {
		t.Error("a loan whose return is confirmed does not know that something later was posted")
	}
	count, people, err := p.PostingsNow(t.Context(), system)
	if err != nil || count[store.PostConfirmed] != 2 || count[store.PostRefused] != 1 || count[store.PostPending] != 1 || people != 2 {
		t.Errorf("counted %v and %d, %v", count, people, err)
	}
	p.draw("maple-house")
	st, err := p.Station(t.Context(), "maple-house")
	p.ok(err)
	raw, err := p.Notices(t.Context(), "maple-house", st.Stream, 1, 10)
	p.ok(err)
	var told []string
	for _, r := range raw {
		n, err := wire.ParseNotice(r)
		p.ok(err)
		switch b := n.Body.(type) {
		case circ.LoanConfirmed:
			told = append(told, fmt.Sprint("confirmed ", b.Seq, " ", b.Due.Equal(sent.ILSDue)))
		case circ.LoanRefused:
			told = append(told, fmt.Sprint("refused ", b.Seq))
		}
	}
	if want := "[confirmed 2 true refused 3]"; fmt.Sprint(told) != want {
		t.Errorf("the station was told %v, want %s", told, want)
	}
	// Another ledger's numbers mean something else.
	again := NewLog("maple-house")
	p.find(again)
	p.ok(p.Report(t.Context(), store.Report{Station: "maple-house", Ledger: again.ID, At: Start}))
	third := all[2]
	third.State = store.PostConfirmed
	p.save(third)
	if now, err := p.Station(t.Context(), "maple-house"); err != nil || now.Told != st.Told {
		t.Errorf("told %d, %v, want nothing about a ledger that is gone", now.Told, err)
	}
}

func decisions(t *testing.T, p *place) {
	maple := NewLog("maple-house")
	maple.Written(met(1, "A"), out("1", 1), out("2", 1), out("3", 1), in("3"))
	p.find(maple)
	p.take(maple.All())
	p.queue()
	all := p.postings()
	for i := range all[:3] {
		all[i].State, all[i].Rule, all[i].Person, all[i].Sends, all[i].Changed = store.PostRefused, "card blocked", true, 1, Start.Add(time.Duration(i)*time.Second)
	}
	all[3].State, all[3].Acted, all[3].Sends = store.PostConfirmed, store.PostTakeBack, 1
	p.save(all...)
	list, err := p.Decisions(t.Context(), system, 10)
	if err != nil || len(list) != 3 || list[0].Item != "1" || list[2].Item != "3" {
		t.Fatalf("decisions: %+v, %v, want three", list, err)
	}
	decide := func(i int, a store.Action) error {
		return p.Decide(t.Context(), store.Decision{PostingKey: all[i].PostingKey, Action: a, By: "librarian", At: Start.Add(time.Hour), Note: "looked"})
	}
	p.ok(decide(0, store.Return))
	p.ok(decide(1, store.Accept))
	if err := decide(2, store.Retry); !errors.Is(err, store.ErrLater) {
		t.Errorf("a loan whose return is posted, again: %v, want ErrLater", err)
	}
	p.ok(decide(2, store.Leave))
	for i := range all[:3] {
		if err := decide(i, store.Leave); !errors.Is(err, store.ErrNoDecision) {
			t.Errorf("decided twice: %v, want ErrNoDecision", err)
		}
	}
	p.restart()
	again := p.wantPostings("lend 1 A")[0]
	if !again.Evidence || again.Sends != 0 || again.Person || again.Place <= all[3].Place {
		t.Errorf("sent again: %+v, want evidence, in a new place", again)
	}
	if last, found, err := p.LastPosted(t.Context(), system, "2"); err != nil || !found || last.Acted != store.PostLend {
		t.Errorf("accepted: %+v, %v, %v", last, found, err)
	}
	done, err := p.Decided(t.Context(), all[1].PostingKey)
	if err != nil || len(done) != 1 || done[0].By != "librarian" || done[0].Rule != "card blocked" || done[0].Action != store.Accept || !done[0].At.Equal(Start.Add(time.Hour)) || done[0].Note != "looked" {
		t.Errorf("kept of the decision: %+v, %v", done, err)
	}
}
