package hub_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/hub"
	"coldstation/sync/hub/ils"
	"coldstation/sync/hub/sip2"
	"coldstation/sync/hub/sip2/sip2test"
	"coldstation/sync/hub/store"
	"coldstation/sync/link"
)

// branch is a library with a library system behind it, from a station's pad to
// the system's rows.
type branch struct {
	*library
	system *sip2test.System
	away   atomic.Bool
	house  circ.PatronID
	poster *hub.Poster
	stop   func()
}

func newBranch(t *testing.T, quirks string) *branch {
	q, err := sip2test.Named(quirks)
	if err != nil {
		t.Fatal(err)
	}
	b := &branch{library: newLibrary(t, memory(link.NewMemory(1))), system: sip2test.New(q)}
	for _, p := range []sip2test.Patron{{Card: "999A1", Name: "Helmi"}, {Card: "999A2", Name: "Eino"}, {Card: "999A3", Name: "Impi", Restricted: true}} {
		b.system.AddPatron(p)
	}
	for _, item := range []string{"1", "2", "3"} {
		b.system.AddItem(sip2test.Item{Barcode: item, Title: "Is"})
	}
	b.post()
	return b
}

// post starts a poster; stop ends it.
func (b *branch) post() {
	system := ils.NewSIP2(ils.SIP2Settings{
		Name: "branch", Abilities: ils.Kinds["koha24"], Account: sip2.Account{Name: "station", Password: "secret", Institution: "main"},
		Line: sip2.Settings{Zone: time.UTC, Dial: func(ctx context.Context) (net.Conn, error) {
			if b.away.Load() {
				return nil, errors.New("nobody there")
			}
			return b.system.Dial(ctx)
		}},
	})
	p := hub.NewPoster(hub.PosterSettings{Store: b.store, Stations: b.store, ILS: system, House: b.house, Log: b.log, PostRules: hub.PostRules{Evidence: 10 * time.Minute}, Look: 5 * time.Second})
	b.poster = p
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	b.stop = func() {
		b.t.Helper()
		cancel()
		if err := errors.Join(<-done, system.Close()); err != nil {
			b.t.Error(err)
		}
	}
}

// did is what the system did: "11 1 999A1", in order.
func (b *branch) did(want ...string) func() error {
	return func() error {
		var got []string
		for _, d := range b.system.History() {
			word := fmt.Sprint(d.Code, " ", d.Item, " ", d.Patron)
			if d.Renewal {
				word += " renewed"
			}
			got = append(got, word)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			return fmt.Errorf("the library system did %q, want %q", got, want)
		}
		return nil
	}
}

// settled is that nothing waits, with so many decisions for people.
func (b *branch) settled(people int) func() error {
	return func() error {
		count, n, err := b.store.PostingsNow(b.t.Context(), "branch")
		if err != nil {
			b.t.Fatal(err)
		}
		if open := count[store.PostPending] + count[store.PostSent] + count[store.PostUnknown]; open > 0 || n != people {
			return fmt.Errorf("%d wait and %d are for people, want 0 and %d", open, n, people)
		}
		return nil
	}
}

func (b *branch) knows(s *house, item circ.ItemID, want circ.LoanState) func() error {
	return func() error {
		loan, open, err := s.Loan(item)
		if err != nil || !open || loan.State != want {
			return errors.Join(err, fmt.Errorf("the station's loan of %s: %+v, %v, want state %d", item, loan, open, want))
		}
		return nil
	}
}

func (h *house) bring(item circ.ItemID, card string) {
	h.t.Helper()
	h.do(circ.CheckedIn{Item: item, Patron: h.Ref(circ.NewPatronID(card)), Belongs: true})
}

// TestLine is a loan's whole way: from the pad to the library system's rows, and
// what came of it back to the pad; through a lost reply, a system out of reach and
// a hub that is started again.
func TestLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBranch(t, "koha24")
		maple, birch := b.enrol("maple-house"), b.enrol("birch-house")
		defer maple.start()()
		defer birch.start()()
		lent := time.Now()
		maple.lend("1", "999A1")
		until(t, b.knows(maple, "1", circ.Received))
		until(t, b.did("11 1 999A1"))
		if waited := time.Since(lent); waited < 2*time.Minute {
			t.Errorf("posted after %s, want not before the station can no longer undo it", waited)
		}
		until(t, b.knows(maple, "1", circ.Confirmed))

		b.system.Fail(sip2test.Fault{Kind: sip2test.HangUpAfter, On: "11"}) // done, and the reply lost
		birch.lend("2", "999A2")
		until(t, b.did("11 1 999A1", "11 2 999A2"))
		b.stop() // while it is unknown
		b.library.stop()
		b.library.start()
		b.post()
		time.Sleep(2 * time.Minute)
		until(t, b.knows(birch, "2", circ.Confirmed))
		if err := b.did("11 1 999A1", "11 2 999A2")(); err != nil {
			t.Error(err) // and not renewed
		}

		if since := b.poster.Away(); !since.IsZero() {
			t.Errorf("it is said to be away since %v", since)
		}
		b.away.Store(true)
		b.system.HangUp()
		left := time.Now()
		maple.bring("1", "999A1")
		maple.lend("1", "999A2")
		maple.bring("1", "999A2")
		birch.lend("3", "999A1")
		time.Sleep(10 * time.Minute)
		if err := b.did("11 1 999A1", "11 2 999A2")(); err != nil {
			t.Error(err)
		}
		if since := b.poster.Away(); since.Before(left) || since.After(left.Add(3*time.Minute)) {
			t.Errorf("it is said to be away since %v, want since the first attempt after %v", since, left)
		}
		b.away.Store(false)
		time.Sleep(6 * time.Minute)
		until(t, b.settled(0))
		if since := b.poster.Away(); !since.IsZero() {
			t.Errorf("it is back, and said to be away since %v", since)
		}
		last := map[string]string{}
		for _, d := range b.system.History()[2:] {
			last[d.Item] += fmt.Sprint(" ", d.Code, " ", d.Patron)
		}
		if last["1"] != " 09 999A1 11 999A2 09 999A2" || last["3"] != " 11 999A1" {
			t.Errorf("after it was away, the system did %v", last)
		}
		until(t, b.knows(birch, "3", circ.Confirmed))
		b.stop()
		b.library.stop()
		for _, secret := range []string{"999A1", "999A2", "Helmi"} {
			if strings.Contains(b.said.String(), secret) {
				t.Errorf("the log says %s:\n%s", secret, b.said.String())
			}
		}
	})
}

// TestDecisions: what the library system will not have waits for a person, holds
// up nothing else, and is sent again when they say so.
func TestDecisions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBranch(t, "koha") // which does not honour no block
		defer b.library.stop()
		defer func() { b.stop() }()
		maple := b.enrol("maple-house")
		defer maple.start()()
		maple.lend("9", "999A1") // an item it does not know
		maple.lend("1", "999A3") // a blocked card
		maple.lend("2", "999A9") // a card it does not know
		maple.lend("3", "999A2")
		time.Sleep(3 * time.Minute)
		until(t, b.settled(3))
		until(t, b.did("11 3 999A2"))
		until(t, b.knows(maple, "3", circ.Confirmed))
		until(t, b.knows(maple, "1", circ.Refused))
		list, err := b.store.Decisions(t.Context(), "branch", 10)
		if err != nil {
			t.Fatal(err)
		}
		rules := make(map[circ.ItemID]store.Posting)
		for _, p := range list {
			rules[p.Item] = p
			for _, o := range hub.Propose(p) {
				if o.Means == "" {
					t.Errorf("%s: %s without what comes of it", p.Rule, o.Action)
				}
			}
		}
		for item, want := range map[circ.ItemID]ils.Rule{"9": ils.ItemNotFound, "1": ils.CardRefused, "2": ils.CardNotFound} {
			if got := rules[item].Rule; got != string(want) {
				t.Errorf("item %s: %q, want %q", item, got, want)
			}
		}
		if got := rules["1"].Words; got != "Patron Blocked" {
			t.Errorf("the system's own words are %q", got)
		}
		b.system.AddItem(sip2test.Item{Barcode: "9", Title: "Sommarboken"})
		if err := b.store.Decide(t.Context(), store.Decision{PostingKey: rules["9"].PostingKey, Action: store.Retry, By: "librarian", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		until(t, b.did("11 3 999A2", "11 9 999A1"))
		until(t, b.knows(maple, "9", circ.Confirmed))
		if err := b.store.Decide(t.Context(), store.Decision{PostingKey: rules["1"].PostingKey, Action: store.Accept, By: "librarian", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		until(t, b.knows(maple, "1", circ.Confirmed))
		until(t, b.settled(1))
	})
}

// TestEvidence: what lay on a pad is not where the library system thinks it is.
func TestEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBranch(t, "koha24")
		defer b.library.stop()
		defer func() { b.stop() }()
		desk := sip2.New(sip2.Settings{Dial: b.system.Dial}, sip2.Account{Name: "station", Password: "secret"})
		defer desk.Close()
		atDesk := func(item, card string) {
			t.Helper()
			now := sip2.DateIn(time.Now(), time.UTC)
			if _, err := desk.Checkout(t.Context(), sip2.CheckoutRequest{At: now, Due: now, NoBlock: true, Patron: card, Item: item}); err != nil {
				t.Fatal(err)
			}
		}
		atDesk("1", "999A2")
		maple := b.enrol("maple-house")
		stop := maple.start()
		maple.lend("1", "999A1")
		until(t, b.did("11 1 999A2", "09 1 999A2", "11 1 999A1"))
		last, _, err := b.store.LastPosted(t.Context(), "branch", "1")
		if err != nil || last.Note != hub.NoteImplied {
			t.Errorf("noted %q, %v, want %q", last.Note, err, hub.NoteImplied)
		}
		until(t, b.settled(0))

		// A station that was away tells of a loan from before; the desk has
		// lent the item since. Nobody can know which is true.
		stop()
		maple.lend("2", "999A1")
		time.Sleep(15 * time.Minute)
		atDesk("2", "999A2")
		stop = maple.start()
		defer func() { stop() }()
		until(t, maple.delivered)
		until(t, b.settled(1))
		list, err := b.store.Decisions(t.Context(), "branch", 10)
		if err != nil || list[0].Rule != string(ils.OpenCirculation) || hub.Propose(list[0])[0].Action != store.Return {
			t.Fatalf("for a person: %+v, %v, want an open circulation", list, err)
		}
		if err := b.store.Decide(t.Context(), store.Decision{PostingKey: list[0].PostingKey, Action: store.Return, By: "librarian", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		until(t, b.did("11 1 999A2", "09 1 999A2", "11 1 999A1", "11 2 999A2", "09 2 999A2", "11 2 999A1"))
	})
}

// TestUndoPosted: what is undone in time is never posted, and what is undone later
// is taken back.
func TestUndoPosted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBranch(t, "koha24")
		defer b.library.stop()
		defer func() { b.stop() }()
		maple := b.enrol("maple-house")
		defer maple.start()()
		maple.lend("1", "999A1") // 1: the patron, 2: the loan
		maple.do(circ.Undone{Seq: 2})
		maple.lend("2", "999A1") // 4
		until(t, b.did("11 2 999A1"))
		maple.do(circ.Undone{Seq: 4})
		until(t, b.did("11 2 999A1", "09 2 999A1"))
		until(t, b.settled(0))
	})
}

// TestRoute: a return that somebody waits for is done, and a person is told.
func TestRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBranch(t, "koha24")
		defer b.library.stop()
		defer func() { b.stop() }()
		maple := b.enrol("maple-house")
		defer maple.start()()
		maple.lend("1", "999A1")
		until(t, b.did("11 1 999A1"))
		b.system.AddItem(sip2test.Item{Barcode: "1", Title: "Is", Hold: "999A2", HoldAt: "elsewhere"})
		maple.bring("1", "999A1")
		until(t, b.did("11 1 999A1", "09 1 999A1"))
		until(t, b.settled(1))
		list, err := b.store.Decisions(t.Context(), "branch", 10)
		if err != nil || list[0].State != store.PostConfirmed || list[0].Rule != string(ils.RouteItem) || list[0].Route != "elsewhere" {
			t.Errorf("for a person: %+v, %v, want a confirmed return on its way elsewhere", list, err)
		}
	})
}

// TestNoSystem: a library without a library system confirms by its own books.
func TestNoSystem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary(t, memory(link.NewMemory(1)))
		defer l.stop()
		p := hub.NewPoster(hub.PosterSettings{Store: l.store, ILS: ils.None{Books: hub.Books{Store: l.store}}, Log: l.log})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()
		defer func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}()
		maple := l.enrol("maple-house")
		defer maple.start()()
		b := &branch{library: l}
		maple.lend("1", "999A1")
		maple.lend("2", "999A2")
		until(t, b.knows(maple, "1", circ.Confirmed))
		maple.lend("2", "999A1") // and so it came back from the other
		until(t, func() error {
			count, people, err := l.store.PostingsNow(t.Context(), "none")
			if err != nil || count[store.PostConfirmed] != 3 || people != 0 {
				return errors.Join(err, fmt.Errorf("%v, %d for people, want three confirmed", count, people))
			}
			return nil
		})
	})
}

// TestHouse: what is lent to the house is a loan to the house's card, if it has one,
// and otherwise stays the hub's own.
func TestHouse(t *testing.T) {
	for name, tt := range map[string]struct{ card, want string }{
		"a card": {"999A2", "11 1 999A2, 09 1 999A2, 11 2 999A1, 09 2 999A1, 11 2 999A2, 09 2 999A2"},
		"none":   {"", "11 2 999A1, 09 2 999A1"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBranch(t, "koha24")
				defer b.library.stop()
				b.stop()
				b.house = circ.NewPatronID(tt.card)
				b.post()
				defer func() { b.stop() }()
				maple := b.enrol("maple-house")
				defer maple.start()()
				maple.do(circ.LentToHouse{Item: "1"}) // 1
				time.Sleep(5 * time.Minute)
				maple.do(circ.Undone{Seq: 1})
				time.Sleep(5 * time.Minute)
				maple.lend("2", "999A1") // somebody's, and then the house's
				time.Sleep(5 * time.Minute)
				maple.do(circ.LentToHouse{Item: "2"})
				time.Sleep(5 * time.Minute)
				maple.do(circ.CheckedIn{Item: "2", Belongs: true})
				time.Sleep(5 * time.Minute)
				until(t, b.settled(0))
				until(t, b.did(strings.Split(tt.want, ", ")...))
			})
		})
	}
}

// TestUnsureReturn: an item was lent at one station and brought back at another that
// did not know the time, and was switched off before it met the hub. The return is
// posted after the loan, with a time that is not before it; and when the item was
// lent again meanwhile, it is the earlier loan's and undoes nothing.
func TestUnsureReturn(t *testing.T) {
	for name, tt := range map[string]struct {
		again bool
		want  []string
	}{
		"brought back":                 {false, []string{"11 1 999A1", "09 1 999A1"}},
		"brought back, and lent again": {true, []string{"11 1 999A1", "09 1 999A1", "11 1 999A2"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBranch(t, "koha24")
				defer b.library.stop()
				defer func() { b.stop() }()
				maple, birch := b.enrol("maple-house"), b.enrol("birch-house")
				defer birch.start()()
				maple.lend("3", "999A1") // whom it meets by a clock that was right then
				time.Sleep(time.Hour)
				lent := time.Now()
				birch.lend("1", "999A1")
				time.Sleep(time.Hour)
				maple.boot, maple.began = uuid.New(), time.Now()
				time.Sleep(time.Minute)
				at := circ.Stamp{Wall: time.Unix(60, 0), Boot: maple.boot, Uptime: time.Minute}
				if _, err := maple.Append(at, nil, circ.CheckedIn{Item: "1", Patron: maple.Ref(circ.NewPatronID("999A1")), Belongs: true}); err != nil {
					t.Fatal(err)
				}
				if time.Sleep(time.Hour); tt.again {
					birch.lend("1", "999A2")
				}
				time.Sleep(time.Hour)
				maple.boot, maple.began = uuid.New(), time.Now()
				defer maple.start()()
				until(t, maple.delivered)
				time.Sleep(10 * time.Minute)
				until(t, b.settled(0))
				var got []string
				for _, d := range b.system.History() {
					if d.Item == "1" {
						got = append(got, fmt.Sprint(d.Code, " ", d.Item, " ", d.Patron))
						if d.At.Before(lent.Truncate(time.Second)) || d.At.After(time.Now()) {
							t.Errorf("%s is dated %v, and the first loan %v", d.Code, d.At, lent)
						}
					}
				}
				if fmt.Sprint(got) != fmt.Sprint(tt.want) {
					t.Errorf("the library system did %q, want %q", got, tt.want)
				}
			})
		})
	}
}

// TestAnotherDue: the library system lends for as long as its own rules say. The
// station then shows that day, and the librarian both.
func TestAnotherDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBranch(t, "koha") // by its own rules
		defer b.library.stop()
		defer func() { b.stop() }()
		maple := b.enrol("maple-house")
		defer maple.start()()
		maple.lend("1", "999A1")
		promised, _, err := maple.Loan("1")
		maple.ok(err)
		until(t, b.knows(maple, "1", circ.Confirmed))
		theirs := b.system.Loans()[0].Due
		now, _, err := maple.Loan("1")
		maple.ok(err)
		if theirs.Sub(promised.Due).Abs() < 24*time.Hour || !now.Due.Equal(theirs) {
			t.Errorf("the station promised %v and shows %v, want %v, which is another day", promised.Due, now.Due, theirs)
		}
		differ, err := b.store.DueDates(t.Context(), "branch")
		if err != nil || len(differ) != 1 || !differ["1"].Equal(theirs) {
			t.Errorf("for the librarian: %v, %v, want item 1 until %v", differ, err, theirs)
		}
		last, _, err := b.store.LastPosted(t.Context(), "branch", "1")
		if err != nil || last.Note != hub.NoteAnotherDue {
			t.Errorf("noted %q, %v, want %q", last.Note, err, hub.NoteAnotherDue)
		}
		maple.bring("1", "999A1")
		until(t, b.did("11 1 999A1", "09 1 999A1"))
		if differ, err := b.store.DueDates(t.Context(), "branch"); err != nil || len(differ) != 0 {
			t.Errorf("brought back: %v, %v", differ, err)
		}
	})
}

// TestRefusedRenewal: a renewal that the library system refuses leaves the station with
// the day until which the loan runs there, and not with what it promised; one that a
// librarian counts as done leaves it with what was promised.
func TestRefusedRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBranch(t, "koha24")
		defer b.library.stop()
		defer func() { b.stop() }()
		maple := b.enrol("maple-house")
		defer maple.start()()
		maple.lend("1", "999A3") // who is blocked: what has happened is taken, and no renewal
		until(t, b.knows(maple, "1", circ.Confirmed))
		runs := b.system.Loans()[0].Due
		until(t, maple.due("1", runs))
		ref, promised := maple.Ref(circ.NewPatronID("999A3")), runs.AddDate(0, 0, 28)
		maple.do(circ.Renewed{Item: "1", Patron: ref, By: ref, Due: promised})
		until(t, maple.due("1", promised))
		until(t, b.settled(1))
		until(t, maple.due("1", runs))
		list, err := b.store.Decisions(t.Context(), "branch", 10)
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v, %v, want one", list, err)
		}
		if err := b.store.Decide(t.Context(), store.Decision{PostingKey: list[0].PostingKey, Action: store.Accept, By: "librarian", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		until(t, maple.due("1", promised))
		if differ, err := b.store.DueDates(t.Context(), "branch"); err != nil || len(differ) > 0 {
			t.Errorf("counted as done, and for the librarian due otherwise: %v, %v", differ, err)
		}
	})
}

func (h *house) due(item circ.ItemID, want time.Time) func() error {
	return func() error {
		loan, _, err := h.Loan(item)
		if err != nil || !loan.Due.Equal(want) {
			return errors.Join(err, fmt.Errorf("the station shows %v, want %v", loan.Due, want))
		}
		return nil
	}
}

// TestAccountRefused: the library system no longer takes the account. The station says
// so until it does; the system is not said to be away, and nothing is lost.
func TestAccountRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBranch(t, "koha24")
		defer b.library.stop()
		defer func() { b.stop() }()
		maple := b.enrol("maple-house")
		defer maple.start()()
		b.system.AddAccount("station", "another")
		maple.lend("1", "999A1")
		time.Sleep(time.Minute)
		until(t, b.shows("maple-house", "refused", has(store.ConditionAccount)))
		time.Sleep(10 * time.Minute)
		if since := b.poster.Away(); !since.IsZero() {
			t.Errorf("it is said to be away since %v", since)
		}
		b.system.AddAccount("station", "secret")
		time.Sleep(5 * time.Minute)
		until(t, b.did("11 1 999A1"))
		until(t, b.shows("maple-house", "well", func(s store.Station) bool { return !has(store.ConditionAccount)(s) }))
	})
}

// TestBacklog: a station that was away for longer than what lies on a pad is believed by
// itself, which is ten minutes here, tells of a loan and of the item's being
// put on the shelf. The loan that the second ends is the one just posted, so nobody is
// asked.
func TestBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBranch(t, "koha24")
		defer b.library.stop()
		defer func() { b.stop() }()
		maple := b.enrol("maple-house")
		maple.lend("1", "999A1")
		time.Sleep(20 * time.Minute)
		maple.do(circ.Placed{Item: "1"})
		time.Sleep(20 * time.Minute)
		defer maple.start()()
		until(t, b.did("11 1 999A1", "09 1 999A1"))
		until(t, b.settled(0))
	})
}
