package storetest

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// learned: a card or an item goes with the last number that had it, and what names
// the card goes too; nothing else does.
func learned(t *testing.T, p *place) {
	ctx := t.Context()
	a, b, c := circ.NewPatronID("A"), circ.NewPatronID("B"), circ.NewPatronID("C")
	_, err := p.Import(ctx, store.Collection{
		Patrons: []circ.Patron{{ID: a, Policy: "adult"}, {ID: b, Policy: "adult"}, {ID: c, Policy: "adult"}},
		Items:   []circ.Item{{ID: "1", Title: "One"}, {ID: "2", Title: "Two"}},
		Proxies: []circ.Proxy{{ID: "ab", Principal: a, Agent: b, Scopes: circ.MayBorrow}, {ID: "bc", Principal: b, Agent: c, Scopes: circ.MayBorrow}},
	})
	p.ok(err)
	p.ok(p.NewStream(ctx, "maple-house", uuid.New()))
	learn := func(kind store.LearnedKind, some []store.Learned, gone ...int64) {
		t.Helper()
		p.ok(p.Learn(ctx, "koha", kind, some, gone))
	}
	learn(store.LearnedPatron, []store.Learned{{Number: 1, ID: "A", Note: "STN", Pass: 1}, {Number: 2, ID: "B", Pass: 1}})
	learn(store.LearnedItem, []store.Learned{{Number: 1, ID: "1", Pass: 1}})
	learn(store.LearnedItem, []store.Learned{{Number: 2, ID: "1", Pass: 1}})
	want := func(patrons, items, proxies int) {
		t.Helper()
		all, err := p.Collection(ctx)
		p.ok(err)
		if got := []int{len(all.Patrons), len(all.Items), len(all.Proxies)}; !reflect.DeepEqual(got, []int{patrons, items, proxies}) {
			t.Errorf("%v patrons, items, proxies, want %d, %d, %d", got, patrons, items, proxies)
		}
	}
	learn(store.LearnedItem, nil, 1)
	want(3, 2, 2) // the other number has it
	learn(store.LearnedItem, nil, 2, 7)
	want(3, 1, 2)
	// Two swap cards: both are still somebody's.
	learn(store.LearnedPatron, []store.Learned{{Number: 1, ID: "B", Pass: 2}, {Number: 2, ID: "A", Pass: 2}})
	want(3, 1, 2)
	learn(store.LearnedPatron, []store.Learned{{Number: 2, ID: "D", Pass: 2}})
	want(2, 1, 1)
	known, err := p.Learned(ctx, "koha", store.LearnedPatron)
	p.ok(err)
	if got := map[int64]store.Learned{1: {Number: 1, ID: "B", Pass: 2}, 2: {Number: 2, ID: "D", Pass: 2}}; !reflect.DeepEqual(known, got) {
		t.Errorf("got %v, want %v", known, got)
	}
	if other, err := p.Learned(ctx, "other", store.LearnedPatron); err != nil || len(other) != 0 {
		t.Errorf("of another system %v, %v", other, err)
	}
	log := NewLog("maple-house").Written(met(1, "B"), out("2", 1))
	p.find(log)
	p.take(log.All())
	for item, want := range map[circ.ItemID]bool{"2": false, "1": true} {
		if got, err := p.Elsewhere(ctx, item); got != want || err != nil {
			t.Errorf("item %s elsewhere: %v, %v, want %v", item, got, err, want)
		}
	}
	back := func(name string, ils string, card circ.PatronID, at time.Time, want bool) {
		t.Helper()
		if got, err := p.ReturnedElsewhere(ctx, ils, "2", card, at); got != want || err != nil {
			t.Errorf("%s: ended %v, %v, want %v", name, got, err, want)
		}
	}
	later := Start.Add(time.Hour)
	back("before its event is queued", system, b, later, false)
	p.queue()
	back("while it is on its way", system, b, later, false)
	for _, o := range p.postings() {
		o.State, o.Acted = store.PostConfirmed, store.PostLend
		_, err := p.SavePostings(ctx, []store.Posting{o})
		p.ok(err)
	}
	back("to another", system, a, later, false)
	back("begun since", system, b, Start, false)
	p.wantLoans("2@maple-house")
	back("returned", system, b, later, true)
	back("twice", system, b, later, false)
	p.wantLoans()
	// What was written into a file keeps its note.
	_, err = p.Queue(ctx, store.Queue{ILS: "koc"})
	p.ok(err)
	waits, err := p.Postings(ctx, "koc", 0, 10)
	p.ok(err)
	if len(waits) != 1 {
		t.Fatalf("%d wait, want 1", len(waits))
	}
	waits[0].State, waits[0].Note, waits[0].Acted, waits[0].Changed = store.PostConfirmed, "file 1", store.PostLend, time.Now()
	_, err = p.SavePostings(ctx, waits)
	p.ok(err)
	if written, err := p.Written(ctx, "koc", "file 1"); err != nil || len(written) != 1 || written[0].Item != "2" {
		t.Errorf("written %v, %v", written, err)
	}
}

// expected: a station is told of what is on its way to it, even where it is told of
// little else, and forgets at the next review what is not any more.
func expected(t *testing.T, p *place) {
	p.begin()
	p.reach(store.Reach{Items: -1})
	p.bring(store.Collection{Items: []circ.Item{{ID: "1", Title: "Is"}, {ID: "2", Title: "Vind"}}})
	expect := func(items ...circ.ItemID) {
		t.Helper()
		p.ok(p.Expect(t.Context(), "maple-house", items))
	}
	expect("1", "9") // one that nobody knows
	p.hears("maple-house", "item 1")
	expect("9", "1")
	p.hears("maple-house")
	expect("2")
	p.review(time.Now())
	p.hears("maple-house", "item 2", "no item 1")
	p.hears("birch-house")
	if err := p.Expect(t.Context(), "nowhere", []circ.ItemID{"2"}); !errors.Is(err, store.ErrNoStation) {
		t.Errorf("at no station: %v", err)
	}
}
