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
	all := store.FigureQuery{From: Start, To: Start.Add(24 * time.Hour)}
	with := func(change func(*store.FigureQuery)) store.FigureQuery {
		q := all
		change(&q)
		return q
	}
	for _, tt := range []struct {
		name string
		q    store.FigureQuery
		want []store.Figure
	}{
		{"all", all, []store.Figure{{Loans: 3, Returns: 2, Renewals: 1, ReadHere: 1, House: 1, Cards: 1}}},
		{"one station", with(func(q *store.FigureQuery) { q.Station = "birch-house" }), []store.Figure{{Loans: 1, Returns: 1, Cards: 1}}},
		{"by station", with(func(q *store.FigureQuery) { q.By = store.ByStation }),
			[]store.Figure{{Station: "birch-house", Loans: 1, Returns: 1, Cards: 1}, {Station: "maple-house", Loans: 2, Returns: 1, Renewals: 1, ReadHere: 1, House: 1, Cards: 1}}},
		{"by hour there", with(func(q *store.FigureQuery) { q.By, q.Place = store.ByHour, helsinki }),
			[]store.Figure{{Index: 11, Loans: 2, Returns: 1, Renewals: 1, ReadHere: 1, House: 1, Cards: 1}, {Index: 13, Loans: 1, Returns: 1, Cards: 1}}},
		{"by hour over a change of clocks", with(func(q *store.FigureQuery) { q.From, q.By, q.Place = Start.AddDate(-1, 0, 0), store.ByHour, helsinki }),
			[]store.Figure{{Index: 11, Loans: 2, Returns: 1, Renewals: 1, ReadHere: 1, House: 1, Cards: 1}, {Index: 13, Loans: 1, Returns: 1, Cards: 1}}},
		{"by step", with(func(q *store.FigureQuery) {
			q.By, q.Steps = store.ByStep, []time.Time{Start, Start.Add(5 * time.Minute), Start.Add(time.Hour)}
		}), []store.Figure{{Index: 0, Loans: 1, Cards: 1}, {Index: 1, Loans: 1, Returns: 1, Renewals: 1, ReadHere: 1, House: 1, Cards: 1}, {Index: 2, Loans: 1, Returns: 1, Cards: 1}}},
		{"nothing yet", with(func(q *store.FigureQuery) { q.To, q.By = Start.Add(time.Minute), store.ByStation }), nil},
	} {
		got, err := p.Figures(ctx, tt.q)
		p.ok(err)
		if fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
	for station, want := range map[circ.StationID]int{"": 1, "maple-house": 1, "birch-house": 0} { // 7: seen before, and never lent
		if got, err := p.Unmoved(ctx, station, Start.Add(210*time.Second), Start.Add(24*time.Hour)); err != nil || got != want {
			t.Errorf("unmoved at %q: %d, %v, want %d", station, got, err, want)
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
