package storetest

import (
	"fmt"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// figures: each thing counts once, where and when it happened, and a card once
// however many stations know it.
func figures(t *testing.T, p *place) {
	ctx := t.Context()
	maple := NewLog("maple-house").Add(met(1, "A"), met(2, "B"), circ.Placed{Item: "7"}, out("1", 1), out("2", 2), circ.Undone{Seq: 5}, out("3", 1), in("1"),
		circ.Renewed{Item: "3", Patron: circ.Ref{1}, Due: Start}, circ.LentToHouse{Item: "4"}, circ.ReadHere{Item: "5"})
	birch := NewLog("birch-house")
	birch.Began = Start.Add(2 * time.Hour)
	birch.Add(met(9, "A"), out("6", 9), circ.CheckedIn{Item: "6", Patron: circ.Ref{9}, Belongs: true})
	for _, l := range []*Log{maple, birch} {
		p.find(l)
		p.take(l.All())
	}
	helsinki, err := time.LoadLocation("Europe/Helsinki")
	p.ok(err)
	day := store.Span{From: Start, To: Start.Add(24 * time.Hour)}
	mapleUse, birchUse := store.Use{Loans: 2, Returns: 1, Renewals: 1, ReadHere: 1, House: 1, Cards: 1}, store.Use{Loans: 1, Returns: 1, Cards: 1}
	by := map[circ.StationID]store.Use{"maple-house": mapleUse, "birch-house": birchUse}
	for _, tt := range []struct {
		name string
		q    store.UseQuery
		want store.Uses
	}{
		{"all", store.UseQuery{Span: day}, store.Uses{Use: store.Use{Loans: 3, Returns: 2, Renewals: 1, ReadHere: 1, House: 1, Cards: 1, New: 1}, By: by}},
		{"one station, and each by itself", store.UseQuery{Span: day, Station: "birch-house"}, store.Uses{Use: store.Use{Loans: 1, Returns: 1, Cards: 1, New: 1}, By: by}},
		{"among some", store.UseQuery{Span: day, Among: []circ.StationID{"birch-house"}},
			store.Uses{Use: store.Use{Loans: 1, Returns: 1, Cards: 1, New: 1}, By: map[circ.StationID]store.Use{"birch-house": birchUse}}},
		{"among none", store.UseQuery{Span: day, Among: []circ.StationID{}}, store.Uses{}},
		{"a time before", store.UseQuery{Span: store.Span{From: Start.Add(time.Hour), To: Start.Add(24 * time.Hour)}, Before: store.Span{From: Start, To: Start.Add(time.Hour)}},
			store.Uses{Use: birchUse, Before: store.Use{Loans: 2, Returns: 1, Renewals: 1, ReadHere: 1, House: 1, Cards: 1, New: 1}, By: map[circ.StationID]store.Use{"birch-house": birchUse}}},
		{"by step", store.UseQuery{Span: day, Steps: []time.Time{Start, Start.Add(5 * time.Minute), Start.Add(time.Hour)}},
			store.Uses{Use: store.Use{Loans: 3, Returns: 2, Renewals: 1, ReadHere: 1, House: 1, Cards: 1, New: 1}, By: by,
				Steps: []store.Use{{Loans: 1, Cards: 1, New: 1}, {Loans: 1, Returns: 1, Renewals: 1, ReadHere: 1, House: 1, Cards: 1}, {Loans: 1, Returns: 1, Cards: 1}}}},
		{"nothing yet", store.UseQuery{Span: store.Span{From: Start, To: Start.Add(time.Minute)}}, store.Uses{}},
	} {
		got, err := p.Uses(ctx, tt.q)
		p.ok(err)
		if fmt.Sprint(got.Use, got.Before, got.Steps, got.By) != fmt.Sprint(tt.want.Use, tt.want.Before, tt.want.Steps, tt.want.By) {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
	for _, from := range []time.Time{Start, Start.AddDate(-1, 0, 0)} { // clocks are put forward and back in a year
		got, err := p.Uses(ctx, store.UseQuery{Span: store.Span{From: from, To: day.To}, Place: helsinki})
		p.ok(err)
		if eleven, one := got.Hours[11].Loans, got.Hours[13].Loans; eleven != 2 || one != 1 {
			t.Errorf("loans by the hour since %v: %v, want 2 at 11 and 1 at 13", from, got.Hours)
		}
	}
	for station, want := range map[circ.StationID]string{"": "1 map[birch-house:1 maple-house:5]", "maple-house": "1 map[maple-house:5]", "birch-house": "0 map[birch-house:1]"} { // 7: seen before, and never lent
		got, err := p.Uses(ctx, store.UseQuery{Station: station, Span: store.Span{From: Start.Add(210 * time.Second), To: day.To}})
		p.ok(err)
		if fmt.Sprint(got.Unmoved, got.Items) != want {
			t.Errorf("unmoved at %q: %d, and items %v, want %s", station, got.Unmoved, got.Items, want)
		}
	}
}

// lost: what a count of the shelf did not see is missing from then on, until it turns up.
func lost(t *testing.T, p *place) {
	l := NewLog("maple-house").Add(circ.Placed{Item: "1"}, circ.Placed{Item: "2"}, circ.Placed{Item: "3"}, out("3", 1))
	counted := Start.Add(72 * time.Hour)
	l.AddAt(circ.Stamp{Wall: counted, Clock: circ.ClockNTP, Boot: l.Boot, Uptime: 72 * time.Hour}, circ.ShelfCounted{Seen: []circ.ItemID{"1"}})
	p.find(l)
	b := l.All()
	b.At = counted.Add(time.Hour)
	p.take(b)
	for name, tt := range map[string]struct {
		q    store.UseQuery
		want int
	}{
		"a time with the count":  {store.UseQuery{Span: store.Span{From: Start, To: counted.Add(time.Hour)}}, 1},
		"a time before it":       {store.UseQuery{Span: store.Span{From: Start, To: counted}}, 0},
		"a time after it":        {store.UseQuery{Span: store.Span{From: counted.Add(time.Hour), To: counted.Add(2 * time.Hour)}}, 0},
		"that station":           {store.UseQuery{Station: "maple-house", Span: store.Span{From: Start, To: counted.Add(time.Hour)}}, 1},
		"another, never counted": {store.UseQuery{Station: "birch-house", Span: store.Span{From: Start, To: counted.Add(time.Hour)}}, 0},
	} {
		got, err := p.Uses(t.Context(), tt.q)
		p.ok(err)
		if got.Lost["maple-house"] != tt.want {
			t.Errorf("%s: lost %v, want %d at maple-house", name, got.Lost, tt.want)
		}
	}
}

func stock(t *testing.T, p *place) {
	ctx := t.Context()
	_, err := p.Import(ctx, collection)
	p.ok(err)
	l := NewLog("maple-house").Add(circ.Placed{Item: "1"}, circ.Placed{Item: "2"}, out("1", 1), circ.CheckedOut{Item: "1", Patron: circ.Ref{2}}, circ.Undone{Seq: 4})
	p.find(l)
	p.take(l.All())
	for _, tt := range []struct {
		name string
		q    store.StockQuery
		want string
	}{
		{"all", store.StockQuery{}, "[2 1]"},
		{"words in any order", store.StockQuery{Find: "waltari  SINUHE"}, "[1]"},
		{"the beginning of a word", store.StockQuery{Find: "sinu egyp"}, "[1]"},
		{"without its accents", store.StockQuery{Find: "egyptilainen"}, "[1]"},
		{"with ä where there is a", store.StockQuery{Find: "wältari"}, "[]"},
		{"the middle of a word", store.StockQuery{Find: "gyptil"}, "[1]"},
		{"what full text takes for its own", store.StockQuery{Find: `sinuhe" OR NOT * ( ^waltari:`}, "[]"},
		{"not all of the words", store.StockQuery{Find: "waltari absent"}, "[]"},
		{"a sign that means something to a database", store.StockQuery{Find: "%"}, "[2]"},
		{"one", store.StockQuery{ID: "1"}, "[1]"},
		{"at a station", store.StockQuery{Station: "maple-house"}, "[2 1]"},
		{"at another", store.StockQuery{Station: "birch-house"}, "[]"},
		{"on a shelf", store.StockQuery{Station: "maple-house", Place: "shelf"}, "[2]"},
		{"not seen since, and not on loan", store.StockQuery{Unseen: Start.Add(time.Hour)}, "[2]"},
		{"all seen since", store.StockQuery{Unseen: Start}, "[]"},
		{"the second page", store.StockQuery{Skip: 1}, "[1]"},
	} {
		tt.q.Limit = 10
		items, err := p.Stock(ctx, tt.q)
		p.ok(err)
		got := []circ.ItemID{}
		for _, i := range items {
			got = append(got, i.ID)
		}
		if fmt.Sprint(got) != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, got, tt.want)
		}
	}
	if places, err := p.Places(ctx, "maple-house"); err != nil || places["shelf"] != 1 || places["loan"] != 1 || len(places) != 2 {
		t.Errorf("places %v, %v", places, err)
	}
	past, err := p.ItemEvents(ctx, "1", 10)
	p.ok(err)
	if len(past) != 3 || past[0].Kind != "CheckedOut" || !past[0].Undone || past[2].Kind != "Placed" || past[2].Station != "maple-house" || past[2].Title != "Sinuhe egyptiläinen" || past[1].Patron {
		t.Errorf("history %+v", past)
	}
	if past, err = p.ItemEvents(ctx, "", 10); err != nil || len(past) != 0 {
		t.Errorf("history of no item: %+v, %v", past, err)
	}
}
