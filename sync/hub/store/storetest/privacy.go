package storetest

import (
	"reflect"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

var helsinki, _ = time.LoadLocation("Europe/Helsinki")

// months are the figures of November and December, whole and by month.
func (p *place) months() (november, both store.Uses) {
	p.t.Helper()
	day := func(month int) time.Time { return time.Date(2026, time.Month(month), 1, 0, 0, 0, 0, helsinki) }
	november, err := p.Uses(p.t.Context(), store.UseQuery{Span: store.Span{From: day(11), To: day(12)}, Place: helsinki})
	p.ok(err)
	both, err = p.Uses(p.t.Context(), store.UseQuery{Span: store.Span{From: day(11), To: day(13)}, Before: store.Span{From: day(10), To: day(11)}, Steps: []time.Time{day(11), day(12)}, Place: helsinki})
	p.ok(err)
	return november, both
}

var aino, eino = circ.NewPatronID("2940001"), circ.NewPatronID("2940002")

// lent is a story of two people at two stations: Aino borrowed and brought back at
// both, Eino has a book still.
func (p *place) lent() (maple, birch *Log) {
	p.t.Helper()
	p.bring(store.Collection{Items: []circ.Item{{ID: "1", Title: "One"}, {ID: "2", Title: "Two"}}, Policies: []circ.Policy{{ID: "resident", LoanDays: 28}},
		Patrons: []circ.Patron{{ID: aino, FirstName: "Aino", Policy: "resident", Cards: []string{"card-of-aino"}}, {ID: eino, FirstName: "Eino", Policy: "resident"}},
		Proxies: []circ.Proxy{{ID: "x", Principal: aino, Agent: eino, Scopes: circ.MayBorrow, From: Start}}})
	a, e := circ.Ref{1}, circ.Ref{2}
	maple = NewLog("maple-house").Add(circ.PatronMet{Ref: a, ID: aino}, circ.PatronMet{Ref: e, ID: eino},
		circ.CheckedOut{Item: "1", Patron: a}, circ.CheckedIn{Item: "1"}, circ.CheckedOut{Item: "2", Patron: e}, circ.CheckedOut{Item: "1", Patron: a}, circ.Renewed{Item: "1", Patron: a}, circ.CheckedIn{Item: "1"})
	birch = NewLog("birch-house").Add(circ.PatronMet{Ref: circ.Ref{3}, ID: aino}, circ.CheckedOut{Item: "3", Patron: circ.Ref{3}}, circ.CheckedIn{Item: "3"})
	for _, l := range []*Log{maple, birch} {
		p.find(l)
		p.take(l.All())
	}
	return maple, birch
}

// unlinked: whose loans were is forgotten once they ended and their time is over, and
// not before; the figures stay as they were.
func unlinked(t *testing.T, p *place) {
	ctx := t.Context()
	maple, _ := p.lent()
	november, both := p.months()
	if november.Cards != 2 || november.New != 2 {
		t.Fatalf("figures before: %+v", november.Use)
	}
	unlink := func(before time.Time, want int) {
		t.Helper()
		n, err := p.Unlink(ctx, before, helsinki)
		p.ok(err)
		equal(t, "events unlinked", n, want)
	}
	unlink(Start, 0)
	unlink(Start.Add(5*time.Minute), 2) // at maple-house the first loan, which ended by then; at birch-house its only one
	unlink(Start.AddDate(0, 0, 90), 2)
	unlink(Start.AddDate(1, 0, 0), 0) // Eino's lasts
	p.restart()
	after, bothAfter := p.months()
	if !reflect.DeepEqual(after, november) || !reflect.DeepEqual(bothAfter, both) {
		t.Errorf("figures changed: %+v, were %+v", after, november)
	}
	known, err := p.Person(ctx, aino.Plaintext())
	p.ok(err)
	for _, e := range known.Events {
		if e.Item != "" {
			t.Errorf("still linked: %+v", e)
		}
	}
	known, err = p.Person(ctx, eino.Plaintext())
	p.ok(err)
	if len(known.Loans) != 1 || known.Loans[0].Item != "2" {
		t.Errorf("a loan that lasts: %+v", known.Loans)
	}
	p.ok(p.Log(ctx, "maple-house", func(k store.Kept) error {
		if (len(k.Raw) == 0) != (k.Kind == "CheckedOut" && k.Item == "1" || k.Kind == "Renewed") {
			t.Errorf("event %d, %s of %s: %d bytes are kept", k.Seq, k.Kind, k.Item, len(k.Raw))
		}
		return nil
	}))
	if l := p.take(maple.Batch(2, 7)); l.Cursor != 8 { // sent again, as a station does
		t.Errorf("a batch sent again: %+v", l)
	}
	maple.Add(in("2"))
	if l := p.take(maple.Batch(7, 9)); l.Cursor != 9 || l.State != store.LedgerOK {
		t.Errorf("a batch that overlaps what is not linked: %+v", l)
	}
	p.wantLoans()
}

// erased: what is known of one is all shown, and gone when it is to be; their stations
// are told, the others' and the counts stay.
func erased(t *testing.T, p *place) {
	ctx := t.Context()
	p.lent()
	for _, station := range []circ.StationID{"maple-house", "birch-house"} {
		p.draw(station)
	}
	november, _ := p.months()
	known, err := p.Person(ctx, "card-of-aino")
	p.ok(err)
	if known.ID != aino.Plaintext() || known.FirstName != "Aino" || len(known.Cards) != 1 || len(known.Proxies) != 1 || len(known.Stations) != 2 || len(known.Events) != 6 {
		t.Errorf("what is known of Aino: %+v", known)
	}
	_, err = p.Person(ctx, "nobody")
	is(t, "nobody", err, store.ErrNoPerson)
	is(t, "somebody with a loan", p.Erase(ctx, eino.Plaintext(), Start, helsinki), store.ErrStillLent)
	is(t, "nobody erased", p.Erase(ctx, "nobody", Start, helsinki), store.ErrNoPerson)
	p.ok(p.Erase(ctx, "card-of-aino", Start, helsinki))
	p.restart()
	for _, number := range []string{aino.Plaintext(), "card-of-aino"} {
		_, err = p.Person(ctx, number)
		is(t, "somebody erased", err, store.ErrNoPerson)
	}
	after, _ := p.months()
	equal(t, "cards in November", after.Cards, november.Cards)
	equal(t, "loans in November", after.Loans, november.Loans)
	told := p.told("maple-house")
	var gone, cancelled bool
	for _, line := range told {
		gone = gone || line == "no patron "+aino.Plaintext()
		cancelled = cancelled || line == "no proxy x"
	}
	if !gone || !cancelled {
		t.Errorf("maple-house was told %q, want that Aino and the authorisation are gone", told)
	}
	others, err := p.Person(ctx, eino.Plaintext())
	p.ok(err)
	if others.FirstName != "Eino" || len(others.Loans) != 1 || len(others.Proxies) != 0 {
		t.Errorf("Eino: %+v", others)
	}
}
