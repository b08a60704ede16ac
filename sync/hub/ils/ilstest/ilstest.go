// Package ilstest is the contract of a library system as package ils has it. What
// was done is judged by the library's own rows and not by its replies.
package ilstest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/ils"
)

// The library that a contract needs: two patrons who may borrow, one who may not,
// and three items, none of them on loan.
var (
	Aino    = circ.NewPatronID("2960001")
	Matti   = circ.NewPatronID("2960015")
	Blocked = circ.NewPatronID("2960051")
	Nobody  = circ.NewPatronID("2969999")
)

// Items of that library, and one that is not.
const (
	First, Second, Third circ.ItemID = "30100001", "30100002", "30100003"
	Unknown              circ.ItemID = "30199999"
)

// Station that lends.
const Station circ.StationID = "maple-house"

// Now is when the contract's story happens.
var Now = time.Now().Truncate(time.Second)

// Library is a system under test.
type Library struct {
	ils.ILS
	// Loans are the open ones as the library's rows have them.
	Loans func() []ils.Loan
	// Posted notes what was done, as the hub does after each success; nil where
	// the library has a memory of its own.
	Posted func(l ils.Loan, out bool)
	// Open: it knows every item and every card.
	Open bool
	// Lose makes the next change be done and its reply get lost; Vanish makes the
	// library be out of reach until the function it answers is called. Nil where
	// nothing is sent.
	Lose   func()
	Vanish func() (back func())
}

// Run tests a library system. open gives one that is full and untouched.
func Run(t *testing.T, open func(t *testing.T) *Library) {
	for name, test := range map[string]func(*testing.T, *Library){
		"a loan and its return": roundTrip, "who has it": who, "strangers": strangers, "a blocked card": blocked,
		"lost replies": lost, "out of reach": away, "renewal": renewal, "nobody is named": discreet,
		"given up": givenUp,
	} {
		t.Run(name, func(t *testing.T) {
			l := open(t)
			defer func() {
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			}()
			if l.Name() == "" {
				t.Error("it has no name")
			}
			test(t, l)
		})
	}
}

// Lent is a loan made two days ago.
func Lent(item circ.ItemID, patron circ.PatronID) ils.Loan {
	return ils.Loan{Station: Station, Item: item, Patron: patron, At: Now.AddDate(0, 0, -2), Due: Now.AddDate(0, 0, 26)}
}

// back is its return yesterday.
func back(item circ.ItemID) ils.Return {
	return ils.Return{Station: Station, Item: item, At: Now.AddDate(0, 0, -1)}
}

func (l *Library) lend(t *testing.T, loan ils.Loan) ils.Receipt {
	t.Helper()
	r, err := l.Lend(t.Context(), loan)
	if err != nil {
		t.Fatal(err)
	}
	l.posted(loan, true)
	return r
}

func (l *Library) posted(loan ils.Loan, out bool) {
	if l.Posted != nil {
		l.Posted(loan, out)
	}
}

func (l *Library) stand(t *testing.T, item circ.ItemID, patron circ.PatronID, want ils.With) ils.Standing {
	t.Helper()
	s, err := l.Standing(t.Context(), Station, item, patron)
	if err != nil {
		t.Fatal(err)
	}
	if s.With != want || !s.Known {
		t.Errorf("%s stands %+v, want it known and with %s", item, s, want)
	}
	return s
}

func (l *Library) wantLoans(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for _, loan := range l.Loans() {
		who := "another"
		if loan.Patron == Aino {
			who = "Aino"
		}
		got = append(got, string(loan.Item)+" "+who)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the library has lent %v, want %v", got, want)
	}
}

func sameDay(a, b time.Time) bool {
	return a.Local().Format(time.DateOnly) == b.Local().Format(time.DateOnly)
}

func roundTrip(t *testing.T, l *Library) {
	l.stand(t, First, Aino, ils.Nobody)
	loan := Lent(First, Aino)
	r := l.lend(t, loan)
	l.wantLoans(t, string(First)+" Aino")
	open := l.Loans()[0]
	if r.Due.IsZero() || !sameDay(r.Due, open.Due) {
		t.Errorf("it said due %s, its rows %s", r.Due, open.Due)
	}
	if a := l.Abilities(); a.KeepsDue && !sameDay(open.Due, loan.Due) || a.KeepsTime && !open.At.Equal(loan.At) {
		t.Errorf("able to %+v, it made %+v of %+v", a, open, loan)
	}
	s := l.stand(t, First, Aino, ils.Them)
	if !s.Due.IsZero() && !sameDay(s.Due, open.Due) {
		t.Errorf("it stands due %s, its rows say %s", s.Due, open.Due)
	}
	back := back(First)
	if _, err := l.TakeBack(t.Context(), back); err != nil {
		t.Fatal(err)
	}
	l.posted(loan, false)
	l.wantLoans(t)
	l.stand(t, First, Aino, ils.Nobody)
	l.lend(t, Lent(First, Matti)) // and out again
	l.wantLoans(t, string(First)+" another")
}

func who(t *testing.T, l *Library) {
	l.lend(t, Lent(First, Aino))
	l.lend(t, Lent(Second, Matti))
	l.stand(t, First, Aino, ils.Them)
	l.stand(t, First, Matti, ils.Another)
	l.stand(t, Second, Aino, ils.Another)
	l.stand(t, Third, Aino, ils.Nobody)
	if s, err := l.Standing(t.Context(), Station, First, circ.PatronID{}); err != nil || !s.With.Out() || s.With == ils.Them || s.Card != ils.CardNotAsked {
		t.Errorf("asked about nobody: %+v, %v, want it out", s, err)
	}
}

func strangers(t *testing.T, l *Library) {
	if l.Open {
		l.lend(t, Lent(Unknown, Nobody))
		l.stand(t, Unknown, Nobody, ils.Them)
		return
	}
	s, err := l.Standing(t.Context(), Station, Unknown, Aino)
	if err != nil || s.Known || s.With.Out() || s.Card != ils.CardGood {
		t.Errorf("an unknown item: %+v, %v", s, err)
	}
	s, err = l.Standing(t.Context(), Station, First, Nobody)
	if err != nil || !s.Known || s.Card != ils.CardUnknown || s.With != ils.Nobody {
		t.Errorf("an unknown card: %+v, %v", s, err)
	}
	for _, loan := range []ils.Loan{Lent(First, Nobody), Lent(Unknown, Aino)} {
		if _, err := l.Lend(t.Context(), loan); ils.OutcomeOf(err) != ils.Refused {
			t.Errorf("lent what it does not know: %v, want a refusal", err)
		}
	}
	for _, loan := range []ils.Loan{Lent("", Aino), Lent(First, circ.PatronID{}), Lent("åäö", Aino), Lent("3|0", Aino)} {
		if _, err := l.Lend(t.Context(), loan); ils.OutcomeOf(err) == ils.Done {
			t.Error("lent with an identifier that is none")
		}
	}
	l.wantLoans(t)
}

func blocked(t *testing.T, l *Library) {
	if l.Open {
		t.Log("it blocks nobody")
		return
	}
	s, err := l.Standing(t.Context(), Station, First, Blocked)
	if err != nil || s.Card != ils.CardBlocked {
		t.Errorf("a blocked card: %+v, %v", s, err)
	}
	_, err = l.Lend(t.Context(), Lent(First, Blocked))
	want := ils.Refused
	if l.Abilities().NoBlock {
		want = ils.Done
	}
	if got := ils.OutcomeOf(err); got != want || (len(l.Loans()) == 1) != (want == ils.Done) {
		t.Errorf("a blocked card: %v, %d loans, want %s", err, len(l.Loans()), want)
	}
}

// lost: after Unsure the standing tells what was done.
func lost(t *testing.T, l *Library) {
	if l.Lose == nil {
		t.Log("it sends nothing")
		return
	}
	l.Lose()
	if _, err := l.Lend(t.Context(), Lent(First, Aino)); ils.OutcomeOf(err) != ils.Unsure {
		t.Errorf("a lost reply: %v, want to be unsure", err)
	}
	l.stand(t, First, Aino, ils.Them)
	l.wantLoans(t, string(First)+" Aino")
	l.Lose()
	if _, err := l.TakeBack(t.Context(), back(First)); ils.OutcomeOf(err) != ils.Unsure {
		t.Errorf("a lost reply: %v, want to be unsure", err)
	}
	l.stand(t, First, Aino, ils.Nobody)
	l.wantLoans(t)
}

func away(t *testing.T, l *Library) {
	if l.Vanish == nil {
		t.Log("it sends nothing")
		return
	}
	back := l.Vanish()
	if _, err := l.Standing(t.Context(), Station, First, Aino); ils.OutcomeOf(err) != ils.Later {
		t.Errorf("nobody there to ask: %v, want later", err)
	}
	if _, err := l.Lend(t.Context(), Lent(First, Aino)); ils.OutcomeOf(err) != ils.Later {
		t.Errorf("nobody there to lend: %v, want later", err)
	}
	back()
	l.lend(t, Lent(First, Aino))
	l.wantLoans(t, string(First)+" Aino")
}

func renewal(t *testing.T, l *Library) {
	l.lend(t, Lent(First, Aino))
	before := l.Loans()[0].Due
	renewed := Lent(First, Aino)
	renewed.At, renewed.Due = Now, Now.AddDate(0, 0, 60)
	r, err := l.Renew(t.Context(), renewed)
	if err != nil {
		t.Fatal(err)
	}
	l.posted(renewed, true)
	if open := l.Loans(); len(open) != 1 || open[0].Due.Equal(before) || !sameDay(open[0].Due, r.Due) {
		t.Errorf("renewed to %s: its rows say %+v, before %s", r.Due, open, before)
	}
	if l.Open {
		return
	}
	if _, err := l.Renew(t.Context(), Lent(Second, Aino)); ils.OutcomeOf(err) != ils.Refused {
		t.Errorf("renewed what is not on loan: %v", err)
	}
}

// discreet: no error names a patron.
func discreet(t *testing.T, l *Library) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var all []error
	for _, patron := range []circ.PatronID{Aino, Nobody, circ.NewPatronID("2960001|"), circ.NewPatronID("2960001å")} {
		for _, ctx := range []context.Context{t.Context(), ctx} {
			_, err1 := l.Standing(ctx, Station, First, patron)
			_, err2 := l.Lend(ctx, Lent(Unknown, patron))
			_, err3 := l.Renew(ctx, Lent(Second, patron))
			all = append(all, err1, err2, err3)
		}
	}
	if said := fmt.Sprintf("%v %+v %q", errors.Join(all...), all, all); strings.Contains(said, "2960001") || strings.Contains(said, "2969999") {
		t.Errorf("a card number stands in %s", said)
	}
}

// givenUp: what was given up before it was sent was not done.
func givenUp(t *testing.T, l *Library) {
	if l.Lose == nil {
		t.Log("it sends nothing")
		return
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Lend(ctx, Lent(First, Aino)); ils.OutcomeOf(err) != ils.Later {
		t.Errorf("given up before: %v, want later", err)
	}
	l.wantLoans(t)
}
