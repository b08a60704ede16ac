package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/wire"
)

// draw numbers all that waits for a station and gives its stream.
func (p *place) draw(id circ.StationID) store.Stream {
	p.t.Helper()
	for {
		before, err := p.Stream(p.t.Context(), id)
		p.ok(err)
		now, err := p.Draw(p.t.Context(), id, before, 2, Start)
		p.ok(err)
		if now.Told == before.Told {
			return now
		}
	}
}

// told is what a station is told from now on, in words: "item 1", "no patron H".
func (p *place) told(id circ.StationID) (all []string) {
	p.t.Helper()
	before, err := p.Stream(p.t.Context(), id)
	p.ok(err)
	now := p.draw(id)
	raw, err := p.Notices(p.t.Context(), id, now.ID, before.Told+1, 10_000)
	p.ok(err)
	for _, r := range raw {
		n, err := wire.ParseNotice(r)
		p.ok(err)
		all = append(all, inWords(n.Body))
	}
	return all
}

func inWords(body circ.NoticeBody) string {
	switch b := body.(type) {
	case circ.PolicyPut:
		return "policy " + b.Policy.ID
	case circ.ItemPut:
		return "item " + string(b.Item.ID)
	case circ.ItemGone:
		return "no item " + string(b.ID)
	case circ.PatronPut:
		return strings.TrimSpace("patron " + b.Patron.ID.Plaintext() + " " + b.Patron.Picture)
	case circ.PatronGone:
		return "no patron " + b.ID.Plaintext()
	case circ.ProxyPut:
		return "proxy " + b.Proxy.ID
	case circ.ProxyCancelled:
		return "no proxy " + b.ID
	case circ.LoanPut:
		return "loan " + string(b.Item)
	case circ.LoanConfirmed:
		return fmt.Sprint("confirmed ", b.Seq)
	case circ.LoanRefused:
		return fmt.Sprint("refused ", b.Seq)
	case circ.LoanGone:
		return "loan gone " + string(b.Item)
	case circ.ConsignmentPut:
		return fmt.Sprint("consignment ", b.Title, " ", b.Items)
	case circ.RecallPut:
		return fmt.Sprint("recall ", b.Items)
	case circ.MessagePut:
		return "message " + b.Words["en"]
	case circ.Command:
		return "command " + b.Name
	}
	return fmt.Sprintf("%T", body)
}

// hears fails the test unless a station is told just so from now on.
func (p *place) hears(id circ.StationID, want ...string) {
	p.t.Helper()
	if got := p.told(id); !slices.Equal(got, want) {
		p.t.Errorf("%s is told %q, want %q", id, got, want)
	}
}

func (p *place) bring(c store.Collection) {
	p.t.Helper()
	_, err := p.Import(p.t.Context(), c)
	p.ok(err)
}

func (p *place) review(at time.Time) {
	p.t.Helper()
	p.ok(p.Review(p.t.Context(), at))
}

func patron(id string, home circ.StationID) circ.Patron {
	return circ.Patron{ID: circ.NewPatronID(id), Home: home}
}

// begin gives both stations a ledger and a stream.
func (p *place) begin() (maple, birch *Log) {
	p.t.Helper()
	maple, birch = NewLog("maple-house"), NewLog("birch-house")
	p.find(maple)
	p.find(birch)
	return maple, birch
}

func (p *place) reach(r store.Reach) {
	p.t.Helper()
	_, err := p.SetReach(p.t.Context(), r)
	p.ok(err)
}

// neededItems: of a large collection a station is told of what belongs there, what
// turned up there, what is lent from there and what a list names, each once, and
// forgets it when that is over.
func neededItems(t *testing.T, p *place) {
	maple, birch := p.begin()
	p.reach(store.Reach{Items: 4})
	items := []circ.Item{{ID: "1", Title: "Is", Home: "maple-house"}, {ID: "2", Title: "Vind", Home: "birch-house"}, {ID: "3", Title: "Hav"}, {ID: "4", Title: "Sol"}, {ID: "5", Title: "Sten"}, {ID: "6", Title: "Eld", Home: "main"}}
	p.bring(store.Collection{Items: items, Policies: []circ.Policy{{ID: "adult"}}})
	p.hears("maple-house", "policy adult", "item 1")
	p.hears("birch-house", "policy adult", "item 2")
	// Whatever turns up is known at once, whether it was lent or brought back.
	maple.Add(out("3", 1), circ.CheckedIn{Item: "2"}, circ.LentToHouse{Item: "77"})
	p.take(maple.Batch(1, 3))
	p.hears("maple-house", "item 2", "item 3")
	p.hears("birch-house")
	p.ok(p.Tell(t.Context(), "birch-house", circ.RecallPut{ID: "r", Items: []circ.ItemID{"4", "88"}}))
	p.hears("birch-house", "item 4", "recall [4 88]")
	// One that was not known and is now goes to where it was seen, and to nobody else.
	p.bring(store.Collection{Items: []circ.Item{{ID: "77", Title: "Snö"}, {ID: "88", Title: "Regn"}}})
	p.hears("maple-house", "item 77")
	p.hears("birch-house", "item 88")
	// A change goes to who has it.
	items[2].Title = "Havet"
	p.bring(store.Collection{Items: items})
	p.hears("maple-house", "item 3")
	p.hears("birch-house")
	// It moved on: forgotten with the next review, and not before.
	birch.Add(circ.CheckedIn{Item: "3", Belongs: true})
	p.take(birch.All())
	p.hears("birch-house", "item 3")
	p.hears("maple-house")
	p.review(Start)
	p.hears("maple-house", "no item 3")
	p.ok(p.Tell(t.Context(), "birch-house", circ.RecallPut{ID: "r"}))
	p.review(Start)
	p.hears("birch-house", "recall []", "no item 4", "no item 88")
	p.review(Start)
	p.hears("maple-house")
	p.hears("birch-house")
	p.ok(p.NewStream(t.Context(), "maple-house", uuid.New()))
	p.hears("maple-house", "policy adult", "item 1", "item 2", "item 77")
	// A collection that became small enough is told whole.
	p.reach(store.Reach{Items: 100})
	p.review(Start)
	p.hears("maple-house", "item 3", "item 4", "item 5", "item 6", "item 88")
}

// neededPeople: who belongs to a station, who was there of late and who has a loan
// there is known there, with whom they act for and who acts for them; staff
// everywhere.
func neededPeople(t *testing.T, p *place) {
	maple, birch := p.begin()
	p.reach(store.Reach{Visits: 100 * 24 * time.Hour})
	helmi, veikko, sirpa := patron("H", "maple-house"), patron("V", "birch-house"), patron("S", "")
	helmi.Picture, veikko.Cards = "boat", []string{"04AA"}
	staff := patron("W", "")
	staff.Staff = true
	proxies := []circ.Proxy{{ID: "x", Principal: helmi.ID, Agent: sirpa.ID, Scopes: circ.MayBorrow}}
	p.bring(store.Collection{Patrons: []circ.Patron{helmi, veikko, sirpa, patron("N", ""), staff}, Proxies: proxies})
	p.hears("maple-house", "patron H boat", "patron S", "patron W", "proxy x")
	p.hears("birch-house", "patron V", "patron W")
	// Who borrows elsewhere is known there too, by whichever card; a tile hangs only
	// where they belong.
	maple.Add(circ.PatronMet{Ref: circ.Ref{5}, ID: circ.NewPatronID("04AA")}, out("1", 5))
	p.take(maple.All())
	p.hears("maple-house", "patron V")
	birch.Add(circ.PatronMet{Ref: circ.Ref{6}, ID: helmi.ID}, circ.CheckedIn{Item: "2", Patron: circ.Ref{6}})
	p.take(birch.All())
	p.hears("birch-house", "patron H", "patron S", "proxy x")
	// To be introduced is not to have been there: a name tile does that.
	birch.Add(circ.PatronMet{Ref: circ.Ref{7}, ID: circ.NewPatronID("N")})
	p.take(birch.Batch(3, 3))
	p.hears("birch-house")
	// A new authorisation brings its people along.
	p.bring(store.Collection{Proxies: []circ.Proxy{{ID: "y", Principal: circ.NewPatronID("N"), Agent: veikko.ID, Scopes: circ.MayRenew}}})
	p.hears("birch-house", "patron N", "proxy y")
	p.hears("maple-house", "patron N", "proxy y")
	// A move, and a long time in which Helmi did not come to birch-house.
	helmi.Home = "birch-house"
	p.bring(store.Collection{Patrons: []circ.Patron{helmi}})
	p.hears("birch-house", "patron H boat")
	p.hears("maple-house", "patron H")
	later := Start.AddDate(0, 0, 101)
	p.review(later)
	p.hears("maple-house", "no patron H", "no patron S", "no proxy x", "proxy y") // Veikko has a loan
	maple.Add(circ.CheckedIn{Item: "1", Patron: circ.Ref{5}})
	p.take(maple.Batch(3, 3))
	p.review(later)
	p.hears("maple-house", "no patron N", "no patron V", "no proxy y")
	p.ok(p.NewStream(t.Context(), "maple-house", uuid.New()))
	p.hears("maple-house", "patron W")
}

// proxies: what is cancelled stays so, whatever comes before or after; what is for
// once ends with its use; what stands is told again while it does.
func proxies(t *testing.T, p *place) {
	ctx := t.Context()
	maple, _ := p.begin()
	people := []circ.Patron{patron("H", ""), patron("S", "")}
	grant := func(id string, once bool) circ.Proxy {
		return circ.Proxy{ID: id, Principal: people[0].ID, Agent: people[1].ID, Scopes: circ.MayBorrow, Once: once}
	}
	p.bring(store.Collection{Patrons: people, Proxies: []circ.Proxy{grant("x", false)}})
	p.hears("maple-house", "patron H", "patron S", "proxy x")
	p.review(Start.AddDate(0, 0, 6))
	p.hears("maple-house")
	p.review(Start.AddDate(0, 0, 7))
	p.hears("maple-house", "proxy x")
	// Cancelled while it waits, before it comes, and after.
	p.ok(p.CancelProxy(ctx, "y", Start))
	p.bring(store.Collection{Proxies: []circ.Proxy{grant("y", false), grant("z", false)}})
	p.ok(p.CancelProxy(ctx, "z", Start))
	p.hears("maple-house")
	p.ok(p.CancelProxy(ctx, "x", Start))
	p.bring(store.Collection{Proxies: []circ.Proxy{grant("x", false)}})
	p.hears("maple-house", "no proxy x")
	p.restart()
	p.bring(store.Collection{Proxies: []circ.Proxy{grant("x", false)}})
	p.ok(p.NewStream(ctx, "maple-house", uuid.New()))
	p.hears("maple-house", "patron H", "patron S")
	// For once: several items are one use. With a standing one beside it nothing ends.
	p.bring(store.Collection{Proxies: []circ.Proxy{grant("o1", true), grant("o2", true)}})
	p.hears("maple-house", "proxy o1", "proxy o2")
	act := func(item circ.ItemID) circ.EventBody {
		return circ.CheckedOut{Item: item, Patron: circ.Ref{1}, By: circ.Ref{2}}
	}
	maple.Add(circ.PatronMet{Ref: circ.Ref{1}, ID: people[0].ID}, circ.PatronMet{Ref: circ.Ref{2}, ID: people[1].ID}, act("1"), act("2"))
	p.take(maple.Batch(1, 4))
	p.hears("maple-house", "no proxy o1")
	p.bring(store.Collection{Proxies: []circ.Proxy{grant("w", false), grant("o1", true)}})
	p.hears("maple-house", "proxy w")
	maple.Add(act("3"), circ.CheckedIn{Item: "1", Patron: circ.Ref{1}})
	p.take(maple.Batch(5, 6))
	p.hears("maple-house")
	stream, err := p.Stream(ctx, "maple-house")
	p.ok(err)
	raw, err := p.Notices(ctx, "maple-house", stream.ID, stream.Told, 1)
	p.ok(err)
	n, err := wire.ParseNotice(raw[0])
	p.ok(err)
	if put, is := n.Body.(circ.ProxyPut); !is || !put.Proxy.Fresh.Equal(Start) {
		t.Errorf("the grant is %v fresh, want %v", n.Body, Start)
	}
}

// compaction: what waits is replaced by what comes later about the same; what has a
// number stays. What is to be done once is told until it was taken, in whichever
// stream, and never after; and what cannot be told holds up nothing.
func compaction(t *testing.T, p *place) {
	ctx := t.Context()
	maple, _ := p.begin()
	p.bring(store.Collection{Items: []circ.Item{{ID: "1", Title: "Is"}, {ID: "2", Title: "Vind"}}})
	first := p.draw("maple-house")
	if first.First != 1 || first.Told != 2 {
		t.Errorf("drawn %d to %d, want 1 to 2", first.First, first.Told)
	}
	for _, title := range []string{"a", "b", "c"} {
		p.bring(store.Collection{Items: []circ.Item{{ID: "1", Title: title}}})
		p.ok(p.Tell(ctx, "maple-house", circ.MessagePut{ID: "m", Words: map[string]string{"en": title}}))
	}
	if s, err := p.Station(ctx, "maple-house"); err != nil || s.Told != 4 || s.Pending() != 4 {
		t.Errorf("told %d, pending %d, %v, want 4 and 4", s.Told, s.Pending(), err)
	}
	p.hears("maple-house", "item 1", "message c")
	raw, err := p.Notices(ctx, "maple-house", first.ID, 3, 1)
	p.ok(err)
	if n, err := wire.ParseNotice(raw[0]); err != nil || n.Body.(circ.ItemPut).Item.Title != "c" {
		t.Errorf("item 1 is told as %+v, %v, want c", n.Body, err)
	}
	if _, err := p.Draw(ctx, "maple-house", store.Stream{ID: uuid.New()}, 9, Start); err == nil {
		p.ok(p.Tell(ctx, "maple-house", circ.Command{Name: "x"}))
		_, err = p.Draw(ctx, "maple-house", store.Stream{ID: uuid.New()}, 9, Start)
		if !errors.Is(err, store.ErrNoStream) {
			t.Errorf("drawn for another stream: %v, want ErrNoStream", err)
		}
	}
	p.draw("maple-house")
	stream := p.draw("maple-house")
	p.ok(p.NoticesTaken(ctx, "maple-house", stream.ID, stream.Told, false))

	// Once.
	p.ok(p.Tell(ctx, "maple-house", circ.Command{Name: "census"}, circ.LoanConfirmed{Seq: 4}, circ.Command{Name: "logs"}, circ.LoanConfirmed{Seq: 5}, circ.LoanRefused{Seq: 5}))
	p.hears("maple-house", "command census", "confirmed 4", "command logs", "refused 5")
	p.ok(p.NoticesTaken(ctx, "maple-house", stream.ID, stream.Told+2, false)) // the rest is on its way
	p.ok(p.NewStream(ctx, "maple-house", uuid.New()))
	p.hears("maple-house", "item 1", "item 2", "message c", "command logs", "refused 5")
	stream = p.draw("maple-house")
	p.ok(p.NoticesTaken(ctx, "maple-house", stream.ID, stream.Told, false))
	p.ok(p.Tell(ctx, "maple-house", circ.LoanConfirmed{Seq: 6}))
	p.ok(p.NewStream(ctx, "maple-house", uuid.New()))
	p.hears("maple-house", "item 1", "item 2", "message c", "confirmed 6")
	// Numbers of another ledger mean something else.
	maple.ID = uuid.New()
	p.find(maple)
	p.hears("maple-house", "item 1", "item 2", "message c")

	// An item that a station could not take: an older version brought it in.
	long := strings.Repeat("x", circ.MaxText+1)
	p.bring(store.Collection{Items: []circ.Item{{ID: "1", Title: long}, {ID: "3", Title: "Hav"}}})
	p.ok(p.Tell(ctx, "maple-house", circ.MessagePut{ID: "m", Words: map[string]string{"en": "d"}}))
	p.hears("maple-house", "item 3", "message d")
	p.ok(p.NewStream(ctx, "maple-house", uuid.New()))
	p.hears("maple-house", "item 2", "item 3", "message d")
	if s, err := p.Station(ctx, "maple-house"); err != nil || !slices.ContainsFunc(s.Conditions, func(c store.Condition) bool { return c.Name == store.ConditionUnfit }) {
		t.Errorf("conditions %v, %v, want %s", s.Conditions, err, store.ConditionUnfit)
	}
}

// longStreams: what a station has long since is not kept.
func longStreams(t *testing.T, p *place) {
	ctx := t.Context()
	p.begin()
	var items []circ.Item
	for i := range 1500 {
		items = append(items, circ.Item{ID: circ.ItemID(fmt.Sprintf("%04d", i))})
	}
	p.bring(store.Collection{Items: items})
	s, err := p.Stream(ctx, "maple-house")
	p.ok(err)
	for s.Told < 1500 {
		s, err = p.Draw(ctx, "maple-house", s, 400, Start)
		p.ok(err)
	}
	p.ok(p.NoticesTaken(ctx, "maple-house", s.ID, 1400, false))
	s, err = p.Stream(ctx, "maple-house")
	p.ok(err)
	if s.First != 401 || s.Told != 1500 || s.Taken != 1400 {
		t.Errorf("it keeps %d to %d of which %d are taken, want 401 to 1500, 1400", s.First, s.Told, s.Taken)
	}
	p.ok(p.NewStream(ctx, "maple-house", uuid.New()))
	if s, err = p.Stream(ctx, "maple-house"); err != nil || s.First != 1 || s.Told != 0 {
		t.Errorf("a new stream keeps %d to %d, %v, want none", s.First, s.Told, err)
	}
}
