package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// before is when the library packed what the stations' logs tell of.
var before = Start.Add(-24 * time.Hour)

// books brings in items 1 to n that belong to the library.
func (p *place) books(n int) {
	p.t.Helper()
	var items []circ.Item
	for i := range n {
		items = append(items, circ.Item{ID: circ.ItemID(fmt.Sprint(i + 1)), Title: fmt.Sprintf("Book %02d", i+1), Home: "main"})
	}
	p.bring(store.Collection{Items: items})
}

// box sends a consignment of items to a station.
func (p *place) box(station circ.StationID, items ...circ.ItemID) string {
	p.t.Helper()
	c, err := p.Begin(p.t.Context(), station, "Box", "maija", before)
	p.ok(err)
	p.pack(c.ID, items...)
	p.ok(p.Send(p.t.Context(), c.ID, "maija", before))
	return c.ID
}

func (p *place) pack(id string, items ...circ.ItemID) {
	p.t.Helper()
	for _, item := range items {
		packed, err := p.Pack(p.t.Context(), id, item, "maija", before)
		p.ok(err)
		if !packed.Done {
			p.t.Fatalf("pack %s: %s", item, packed.Finding)
		}
	}
}

// stands is a consignment in words: "received 1=seen 2=missing/lost 3=extra".
func (p *place) stands(id string) string {
	p.t.Helper()
	c, err := p.Consignment(p.t.Context(), id)
	p.ok(err)
	all := []string{string(c.State)}
	for _, l := range c.Lines {
		line := fmt.Sprintf("%s=%s", l.ID, l.State)
		if l.State == store.LineMoved && l.MovedTo == "" {
			line += "@" + string(l.Station)
		}
		if l.Outcome != "" {
			line += "/" + string(l.Outcome)
		}
		all = append(all, line)
	}
	slices.Sort(all[1:])
	return strings.Join(all, " ")
}

func (p *place) wantBox(id, want string) {
	p.t.Helper()
	if got := p.stands(id); got != want {
		p.t.Errorf("%s: %s, want %s", id, got, want)
	}
}

func checked(name string, seen, missing, extra string) circ.ConsignmentChecked {
	list := func(text string) (items []circ.ItemID) {
		for item := range strings.FieldsSeq(text) {
			items = append(items, circ.ItemID(item))
		}
		return items
	}
	return circ.ConsignmentChecked{Consignment: name, Seen: list(seen), Missing: list(missing), Extra: list(extra)}
}

func placed(name string, items ...circ.ItemID) (all []circ.EventBody) {
	for _, item := range items {
		all = append(all, circ.Placed{Item: item, Consignment: name})
	}
	return all
}

// consignments: from the first item packed to the last difference resolved.
func consignments(t *testing.T, p *place) {
	ctx := t.Context()
	maple, _ := p.begin()
	p.books(6)
	p.told("maple-house")
	if _, err := p.Begin(ctx, "nowhere", "", "maija", before); !errors.Is(err, store.ErrNoStation) {
		t.Errorf("for no station: %v", err)
	}
	c, err := p.Begin(ctx, "maple-house", "Winter", "maija", before)
	p.ok(err)
	next, err := p.Begin(ctx, "birch-house", "Other", "maija", before)
	p.ok(err)
	letters, number, _ := strings.Cut(c.ID, "-")
	if len(letters) != 4 || number != "0001" || next.ID != letters+"-0002" || c.State != store.Packing || c.MadeBy != "maija" {
		t.Errorf("names %s and %s, %+v", c.ID, next.ID, c)
	}
	if err := p.Send(ctx, c.ID, "maija", before); !errors.Is(err, store.ErrEmpty) {
		t.Errorf("an empty box: %v, want ErrEmpty", err)
	}
	p.pack(c.ID, "1", "2", "3", "6")
	for _, tt := range []struct {
		id   string
		item circ.ItemID
		want store.PackFinding
	}{{c.ID, "404", store.PackUnknown}, {c.ID, "1", store.PackTwice}, {next.ID, "1", store.PackTaken}} {
		if got, err := p.Pack(ctx, tt.id, tt.item, "maija", before); err != nil || got.Done || got.Finding != tt.want {
			t.Errorf("pack %s: %+v, %v, want %s", tt.item, got, err, tt.want)
		}
	}
	p.ok(p.Unpack(ctx, c.ID, "6"))
	p.ok(p.Unpack(ctx, c.ID, "404"))
	p.hears("maple-house")
	p.ok(p.Send(ctx, c.ID, "maija", before))
	p.hears("maple-house", "item 1", "item 2", "item 3", "consignment Winter [1 2 3]")
	p.restart()
	p.wantBox(c.ID, "sent 1=packed 2=packed 3=packed")
	if _, err := p.Pack(ctx, c.ID, "6", "maija", before); !errors.Is(err, store.ErrNotPacking) {
		t.Errorf("into a box that was sent: %v", err)
	}
	if err := p.Drop(ctx, c.ID); !errors.Is(err, store.ErrNotPacking) {
		t.Errorf("drop a box that was sent: %v", err)
	}
	maple.Add(placed(c.ID, "1", "9")...).Add(checked(c.ID, "1", "2 3", "9"))
	p.take(maple.Batch(1, 1))
	p.wantBox(c.ID, "receiving 1=seen 2=packed 3=packed")
	p.take(maple.All())
	p.wantBox(c.ID, "received 1=seen 2=missing 3=missing 9=extra")
	all, err := p.Consignments(ctx, "maple-house", 10)
	p.ok(err)
	if len(all) != 1 || all[0].Open != 3 || all[0].Counts[store.LineMissing] != 2 || !all[0].Received.Equal(Start.Add(3*time.Minute)) {
		t.Errorf("listed as %+v", all)
	}
	p.ok(p.SetCapacity(ctx, "maple-house", 40))
	if shelves, err := p.Shelves(ctx); err != nil || len(shelves) != 2 || shelves[1].Here != 2 || shelves[1].Capacity != 40 || shelves[1].Coming != 0 {
		t.Errorf("shelves %+v, %v", shelves, err)
	}
	later := Start.Add(2 * time.Hour)
	if err := p.Resolve(ctx, c.ID, "2", store.OutcomeStays, "maija", later); !errors.Is(err, store.ErrNoDifference) {
		t.Errorf("what is missing stays: %v", err)
	}
	p.told("maple-house")
	p.ok(p.Resolve(ctx, c.ID, "2", store.OutcomeLost, "maija", later))
	p.ok(p.Resolve(ctx, c.ID, "9", store.OutcomeBack, "maija", later))
	p.hears("maple-house", "recall [9]")
	if err := p.Resolve(ctx, c.ID, "2", store.OutcomeFound, "maija", later); !errors.Is(err, store.ErrNoDifference) {
		t.Errorf("resolved twice: %v", err)
	}
	p.wantBox(c.ID, "received 1=seen 2=missing/lost 3=missing 9=extra/back")
	p.ok(p.Resolve(ctx, c.ID, "3", store.OutcomeBox, "maija", later))
	p.wantBox(c.ID, "resolved 1=seen 2=missing/lost 3=missing/box 9=extra/back")
	p.hears("maple-house", "consignment Winter []")
	lost, err := p.Losses(ctx, "", 10)
	p.ok(err)
	if len(lost) != 1 || lost[0].ID != "2" || lost[0].Consignment != c.ID || lost[0].By != "maija" || !lost[0].Seen.IsZero() {
		t.Errorf("losses %+v", lost)
	}
	// It turns up.
	maple.Began = later.Add(time.Hour)
	maple.Add(in("2"))
	p.take(maple.All())
	p.wantBox(c.ID, "resolved 1=seen 2=seen/lost 3=missing/box 9=extra/back")
	if lost, err = p.Losses(ctx, "maple-house", 10); err != nil || len(lost) != 1 || lost[0].SeenAt != "maple-house" {
		t.Errorf("losses after it turned up %+v, %v", lost, err)
	}
	// What an export says of before its sending changes nothing; news does.
	p.books(6)
	home := func(want circ.StationID) {
		t.Helper()
		if items, err := p.Stock(ctx, store.StockQuery{ID: "1", Limit: 1}); err != nil || items[0].Home != want {
			t.Errorf("belongs to %+v, %v, want %s", items, err, want)
		}
	}
	home("maple-house")
	p.bring(store.Collection{Items: []circ.Item{{ID: "1", Title: "Book 01", Home: "branch"}}})
	home("branch")
	p.books(6)
	home("main")
}

// matching: what stations say of boxes comes to the same however it comes.
func matching(t *testing.T, p *place) {
	maple, birch := p.begin()
	p.books(40)
	first, second, theirs := p.box("maple-house", "1", "2", "3"), p.box("maple-house", "4", "5", "6"), p.box("birch-house", "7", "8")
	unknown, unnamed, mixed := p.box("maple-house", "11", "12", "13"), p.box("maple-house", "14", "15"), p.box("maple-house", "16", "17")
	undone, byAll, stray := p.box("maple-house", "21", "22"), p.box("maple-house", "23", "24"), p.box("maple-house", "25", "26")
	for _, b := range [][]circ.EventBody{
		placed(first, "1", "2", "4"), // 4 is of the second box, which lay beside it
		placed(second, "3", "5"),     //
		{checked(first, "1 2", "3", "4"), checked(second, "3 5", "4 6", "")},              //
		placed("ABCD-0009", "11", "12", "31"), {checked("ABCD-0009", "", "", "11 12 31")}, // a box whose name nobody knows
		{checked("", "14", "", "15 32")},                       // no name, and nothing was placed by itself
		placed(mixed, "16"), {checked(mixed, "16", "17", "7")}, // a book of another station's box
		placed(undone, "21", "22", "33"),
		{circ.ShelfCounted{Seen: []circ.ItemID{"23"}}, out("24", 1)}, // nobody said anything of the box
		placed(stray, "25"),
	} {
		maple.Add(b...)
	}
	n := uint64(len(maple.All().Events))
	maple.Add(circ.Undone{Seq: n - 4}, circ.Undone{Seq: n - 3}, circ.Placed{Item: "22", Consignment: undone}) // 22 and 33 are taken back, 22 done again
	maple.Add(checked(undone, "21 22", "", ""))
	birch.Add(placed(theirs, "8")...).Add(checked(theirs, "8", "7", ""), circ.CheckedIn{Item: "26"})
	p.take(birch.All())
	all := uint64(len(maple.All().Events))
	for at := uint64(1); at <= all; { // in pieces, some of them twice
		to := min(all, at+rand.Uint64N(5))
		p.take(maple.Batch(max(1, at-min(at, rand.Uint64N(3))), to))
		at = to + 1
	}
	p.restart()
	for id, want := range map[string]string{
		first:   "resolved 1=seen 2=seen 3=seen",
		second:  "received 4=seen 5=seen 6=missing",
		theirs:  "received 7=moved@maple-house 8=seen",
		unknown: "received 11=seen 12=seen 13=missing 31=extra",
		unnamed: "received 14=seen 15=seen 32=extra",
		mixed:   "received 16=seen 17=missing",
		undone:  "resolved 21=seen 22=seen",
		byAll:   "resolved 23=seen 24=seen",
		stray:   "received 25=seen 26=moved@birch-house",
	} {
		p.wantBox(id, want)
	}
	// A check that is taken back leaves the box open; nothing more will come, a person
	// says; the rest comes all the same.
	maple.Add(circ.Undone{Seq: all})
	p.take(maple.All())
	p.wantBox(undone, "resolved 21=seen 22=seen")
	p.ok(p.CloseConsignment(t.Context(), p.box("birch-house", "27"), Start))
	open := p.box("birch-house", "28", "29")
	p.wantBox(open, "sent 28=packed 29=packed")
	p.ok(p.CloseConsignment(t.Context(), open, Start.Add(time.Hour)))
	p.wantBox(open, "received 28=missing 29=missing")
	if err := p.CloseConsignment(t.Context(), open, Start); !errors.Is(err, store.ErrNotSent) {
		t.Errorf("closed twice: %v", err)
	}
	birch.Add(placed("", "28", "29")...)
	p.take(birch.All())
	p.wantBox(open, "resolved 28=seen 29=seen")
	// What was missed lies at the library after all, and goes in another box.
	again := p.box("birch-house", "6")
	p.wantBox(second, "resolved 4=seen 5=seen 6=moved")
	p.wantBox(again, "sent 6=packed")
}

// recalls: an item is asked for where it is.
func recalls(t *testing.T, p *place) {
	ctx := t.Context()
	maple, birch := p.begin()
	p.books(4)
	maple.Add(placed("", "1", "2")...)
	p.take(maple.All())
	p.told("maple-house")
	p.told("birch-house")
	r := func(item circ.ItemID) store.Recall {
		return store.Recall{Item: circ.Item{ID: item}, For: "Back", At: Start.Add(30 * time.Minute), By: "maija"}
	}
	p.ok(p.Recall(ctx, r("1"), r("2"), r("3")))
	p.hears("maple-house", "recall [1 2]")
	p.ok(p.Recall(ctx, r("1")))
	p.hears("maple-house") // it knows
	birch.Began = Start.Add(40 * time.Minute)
	birch.Add(circ.CheckedIn{Item: "1"}, out("3", 1)) // into the box there
	p.take(birch.All())
	p.hears("maple-house", "recall [2]")
	p.hears("birch-house", "recall [1 3]")
	maple.Began, maple.Boot = Start.Add(time.Hour), uuid.New()
	maple.Add(circ.TakenOut{Item: "2"})
	p.take(maple.All())
	p.hears("maple-house", "recall []")
	now, err := p.RecallsNow(ctx)
	p.ok(err)
	words := ""
	for _, r := range now {
		words += fmt.Sprintf("%s@%s taken %v lent %v; ", r.ID, r.Station, !r.Taken.IsZero(), r.Lent)
	}
	if want := "2@ taken true lent false; 1@birch-house taken false lent false; 3@birch-house taken false lent true; "; words != want {
		t.Errorf("recalls %s, want %s", words, want)
	}
	maple.Add(circ.Undone{Seq: 3})
	p.take(maple.All())
	p.hears("maple-house", "recall [2]")
	p.ok(p.EndRecall(ctx, "2", Start))
	p.hears("maple-house", "recall []")
	c, err := p.Begin(ctx, "maple-house", "", "maija", Start)
	p.ok(err)
	if packed, err := p.Pack(ctx, c.ID, "1", "maija", Start.Add(2*time.Hour)); err != nil || !packed.Done {
		t.Errorf("pack what was recalled: %+v, %v", packed, err)
	}
	p.hears("birch-house", "recall [3]")
}

// counting: what a shelf lacks, what lies there against the record, and what becomes
// of it.
func counting(t *testing.T, p *place) {
	ctx := t.Context()
	maple, _ := p.begin()
	p.books(9)
	p.box("maple-house", "1", "2", "3", "4", "5")
	maple.Written(met(1, "A")).Written(placed("", "1", "2", "3", "4", "5")...).Written(out("4", 1))
	p.take(maple.All())
	p.queue()
	find := func() string {
		t.Helper()
		c, err := p.Counted(ctx, "maple-house")
		p.ok(err)
		words := fmt.Sprintf("seen %d whole %v", c.Seen, c.Whole)
		for _, f := range c.Findings {
			words += fmt.Sprintf(" %s=%s:%s", f.ID, f.Kind, f.Outcomes()[0])
		}
		return words
	}
	count := func(day int, bodies ...circ.EventBody) {
		maple.Began, maple.Boot = Start.AddDate(0, 0, day), uuid.New()
		maple.Written(bodies...)
		b := maple.All()
		b.At = maple.Began.Add(time.Hour)
		p.take(b)
	}
	counted := func(whole bool, items ...circ.ItemID) circ.ShelfCounted {
		return circ.ShelfCounted{Seen: items, Whole: whole}
	}
	want := func(want string) {
		t.Helper()
		if got := find(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	want("seen 0 whole false")
	count(1, counted(false, "1", "4"))
	want("seen 2 whole false 4=lent:here")
	count(2, counted(false, "1", "2"), counted(true, "4", "8", "99"))
	want("seen 5 whole true 4=lent:here 99=unknown:leave 8=foreign:back 3=missing:leave 5=missing:leave")
	p.take(maple.All()) // again
	judge := func(item circ.ItemID, o store.Outcome, day int) error {
		return p.Judge(ctx, store.Judgement{Station: "maple-house", Item: item, Outcome: o, ILS: system, By: "maija", At: Start.AddDate(0, 0, day)})
	}
	if err := judge("1", store.OutcomeLost, 2); !errors.Is(err, store.ErrNoDifference) {
		t.Errorf("what was seen is lost: %v", err)
	}
	p.told("maple-house")
	p.ok(judge("4", store.OutcomeHere, 3))
	p.wantLoans()
	p.wantPostings("lend 4 A", "take back 4 A")
	p.ok(judge("8", store.OutcomeStays, 3))
	p.ok(judge("99", store.OutcomeLeave, 3))
	p.ok(judge("5", store.OutcomeLeave, 3))
	p.hears("maple-house", "loan gone 4", "item 8")
	want("seen 5 whole true 3=missing:leave")
	if err := judge("4", store.OutcomeHere, 3); !errors.Is(err, store.ErrNoDifference) {
		t.Errorf("taken back twice: %v", err)
	}
	count(9, counted(true, "1", "2", "4", "8"))
	want("seen 4 whole true 3=missing:lost 5=missing:lost") // missed twice
	p.ok(judge("3", store.OutcomeLost, 9))
	p.ok(judge("5", store.OutcomeFound, 9))
	want("seen 4 whole true")
	lost, err := p.Losses(ctx, "maple-house", 9)
	p.ok(err)
	if len(lost) != 1 || lost[0].ID != "3" || lost[0].Consignment != "" {
		t.Errorf("losses %+v", lost)
	}
	last, err := p.LastCounts(ctx, 0, 9)
	if err != nil || len(last) != 1 || last[0].Station != "maple-house" {
		t.Errorf("last counts %+v, %v", last, err)
	}
	// A count that is taken back was none; what it saw was seen before then.
	seq := uint64(len(maple.All().Events))
	count(10, circ.Undone{Seq: seq})
	if c, err := p.Counted(ctx, "maple-house"); err != nil || !c.Begun.Before(Start.AddDate(0, 0, 3)) {
		t.Errorf("after a count was taken back the last is %+v, %v", c, err)
	}
}

// rotation: moves are proposed for reasons, and accepted into recalls and boxes.
func rotation(t *testing.T, p *place) {
	ctx := t.Context()
	maple, birch := p.begin()
	large := func(id circ.ItemID) circ.Item {
		return circ.Item{ID: id, Title: "Large " + string(id), Marks: circ.LargePrint, Language: "fi"}
	}
	p.bring(store.Collection{Items: []circ.Item{large("1"), large("2"), large("3"), {ID: "4", Title: "Vind", Language: "sv", Subject: "poetry"}, {ID: "5", Title: "Talvi", Language: "fi", Subject: "poetry"},
		large("11"), large("12"), {ID: "13", Title: "Is", Language: "fi", Subject: "poetry"}, {ID: "21", Title: "Round", Language: "fi"}}})
	maple.Add(placed("", "1", "2", "3", "4", "5", "21")...)
	birch.Began = Start.AddDate(0, 0, 100)
	birch.Add(placed("", "11", "12", "13")...)
	for range 3 {
		birch.Add(out("11", 1), in("11"), out("13", 1), in("13"))
	}
	birch.Add(out("12", 1), in("12"))
	for _, l := range []*Log{maple, birch} {
		b := l.All()
		b.At = l.Began.Add(time.Hour)
		p.take(b)
	}
	now := Start.AddDate(0, 0, 120)
	moves := func() string {
		t.Helper()
		all, err := p.Propose(ctx, store.MoveQuery{At: now})
		p.ok(err)
		words := ""
		for _, m := range all {
			words += fmt.Sprintf("%s %s>%s %s%d %v %d/%d; ", m.ID, m.From, m.To, m.Rota, m.Days, m.Like, m.Loans, m.Shelf)
		}
		return words
	}
	want := func(want string) {
		t.Helper()
		if got := moves(); got != want {
			t.Errorf("proposed\n%s\nwant\n%s", got, want)
		}
	}
	// Large print was lent four times with two on the shelf: two go. Poetry three with
	// one: one goes, whichever is first by title.
	want("5 maple-house>birch-house 90 {0 poetry } 3/1; 1 maple-house>birch-house 90 {1  } 4/2; 2 maple-house>birch-house 90 {1  } 4/2; ")
	want(moves())
	p.ok(p.SetCapacity(ctx, "birch-house", 5))
	want("5 maple-house>birch-house 90 {0 poetry } 3/1; 1 maple-house>birch-house 90 {1  } 4/2; ")
	rota, err := p.SaveRota(ctx, store.Rota{Title: "Round", Cyclical: true, Active: true, Stages: []store.Stage{{Station: "birch-house", Days: 60}, {Station: "maple-house", Days: 30}}})
	p.ok(err)
	if n, err := p.PutOnRota(ctx, rota, []circ.ItemID{"21", "5", "404"}, Start); err != nil || n != 2 {
		t.Errorf("put %d on, %v, want 2", n, err)
	}
	if _, err := p.PutOnRota(ctx, 99, []circ.ItemID{"21"}, Start); !errors.Is(err, store.ErrNoRota) {
		t.Errorf("on no rota: %v", err)
	}
	if n, err := p.PutOnRota(ctx, 0, []circ.ItemID{"5"}, Start); err != nil || n != 1 {
		t.Errorf("taken off: %d, %v", n, err)
	}
	want("21 maple-house>birch-house Round120 {0  } 0/0; 5 maple-house>birch-house 90 {0 poetry } 3/1; ")
	p.told("maple-house")
	p.told("birch-house")
	all, err := p.Propose(ctx, store.MoveQuery{At: now})
	p.ok(err)
	ids, err := p.Rotate(ctx, all, "For Birch", "maija", now)
	p.ok(err)
	if len(ids) != 1 {
		t.Fatalf("consignments %v", ids)
	}
	p.hears("maple-house", "recall [21 5]")
	p.wantBox(ids[0], "packing 21=planned 5=planned")
	want("") // there is no more room
	p.ok(p.Unpack(ctx, ids[0], "5"))
	p.hears("maple-house", "recall [21]")
	if packed, err := p.Pack(ctx, ids[0], "21", "maija", now); err != nil || !packed.Done {
		t.Errorf("pack what came: %+v, %v", packed, err)
	}
	p.ok(p.Send(ctx, ids[0], "maija", now))
	p.hears("maple-house", "recall []", "item 21")
	p.hears("birch-house", "item 21", "consignment For Birch [21]")
	birch.Began = now
	birch.Add(placed(ids[0], "21")...)
	b := birch.All()
	b.At = now.Add(time.Hour)
	p.take(b)
	p.wantBox(ids[0], "resolved 21=seen")
	rotas, err := p.Rotas(ctx)
	p.ok(err)
	if len(rotas) != 1 || rotas[0].Items != 1 || len(rotas[0].Stages) != 2 || rotas[0].Stages[0].Items != 1 || rotas[0].Stages[1].Items != 0 {
		t.Errorf("rotas %+v", rotas)
	}
	p.ok(p.RemoveRota(ctx, rota))
	if err := p.RemoveRota(ctx, rota); !errors.Is(err, store.ErrNoRota) {
		t.Errorf("removed twice: %v", err)
	}
}
