package storetest

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/wire"
)

// blobs: what is kept under its name comes back in pieces, and goes only when
// nothing names it.
func blobs(t *testing.T, p *place) {
	ctx := t.Context()
	content := bytes.Repeat([]byte("0123456789"), 20_000)
	big, err := p.PutBlob(ctx, content, Start)
	p.ok(err)
	if big != circ.NameBlob(content) {
		t.Errorf("it is called %s", big)
	}
	_, err = p.PutBlob(ctx, content, Start)
	p.ok(err)
	cover, err := p.PutBlob(ctx, []byte("a picture"), Start)
	p.ok(err)
	filter, err := p.PutBlob(ctx, []byte("a filter"), Start)
	p.ok(err)
	late, err := p.PutBlob(ctx, []byte("an older filter"), Start.Add(time.Hour))
	p.ok(err)
	for _, tooMuch := range [][]byte{nil, make([]byte, circ.MaxBlob+1)} {
		if id, err := p.PutBlob(ctx, tooMuch, Start); err == nil {
			t.Errorf("a blob of %d bytes was kept as %s", len(tooMuch), id)
		}
	}
	p.restart()
	for _, tt := range []struct {
		offset uint64
		want   string
	}{{0, "01234"}, {199_998, "89"}, {200_000, ""}, {1 << 63, ""}} {
		piece, size, err := p.BlobPiece(ctx, big, tt.offset, 5)
		if err != nil || string(piece) != tt.want || size != 200_000 {
			t.Errorf("from %d: %q of %d, %v, want %q", tt.offset, piece, size, err, tt.want)
		}
	}
	if _, _, err := p.BlobPiece(ctx, circ.BlobID{1}, 0, 5); !errors.Is(err, store.ErrNoBlob) {
		t.Errorf("another: %v, want %v", err, store.ErrNoBlob)
	}

	item := circ.Item{ID: "1", Title: "Is", Cover: cover}
	_, err = p.Import(ctx, store.Collection{Items: []circ.Item{item}})
	p.ok(err)
	item.Cover, item.Title = circ.BlobID{}, "Is, 2nd"
	n, err := p.Import(ctx, store.Collection{Items: []circ.Item{item}})
	p.ok(err)
	item.Cover = cover
	if items, err := p.Stock(ctx, store.StockQuery{Limit: 9}); err != nil || len(items) != 1 || items[0].Item != item || n.Items != 1 {
		t.Errorf("imported anew without its cover: %+v, %v, want %+v", items, err, item)
	}
	if stock, err := p.Stock(ctx, store.StockQuery{ID: "1", Limit: 9}); err != nil || len(stock) != 1 || stock[0].Item != item {
		t.Errorf("in stock: %+v, %v, want %+v", stock, err, item)
	}
	p.ok(p.SetCardFilter(ctx, store.CardFilter{Blob: filter, Cards: "x"}))
	dropped, err := p.SweepBlobs(ctx, Start.Add(time.Minute))
	p.ok(err)
	for id, want := range map[circ.BlobID]bool{big: false, cover: true, filter: true, late: true} {
		if _, _, err := p.BlobPiece(ctx, id, 0, 5); (err == nil) != want || dropped != 1 {
			t.Errorf("after sweeping %d away: %s is here %v, want %v", dropped, id, err == nil, want)
		}
	}
}

// cardFilters: who may borrow is in the list, and a station is told once of each
// filter and of none but the last, in each stream.
func cardFilters(t *testing.T, p *place) {
	ctx := t.Context()
	_, err := p.Import(ctx, store.Collection{Patrons: []circ.Patron{
		{ID: circ.NewPatronID("B"), Cards: []string{"E004", "KEY-1"}}, {ID: circ.NewPatronID("A")}, {ID: circ.NewPatronID("C"), Blocked: true, Cards: []string{"KEY-2"}}}})
	p.ok(err)
	cards, err := p.ValidCards(ctx)
	p.ok(err)
	var want []circ.PatronID
	for _, id := range []string{"A", "B", "E004", "KEY-1"} {
		want = append(want, circ.NewPatronID(id))
	}
	if !slices.Equal(cards, want) {
		t.Errorf("%d valid cards, want %d", len(cards), len(want))
	}

	// told are the filters in the station's stream.
	told := func() (all []circ.BlobID) {
		t.Helper()
		p.draw("maple-house")
		station, err := p.Station(ctx, "maple-house")
		p.ok(err)
		raw, err := p.Notices(ctx, "maple-house", station.Stream, 1, 100)
		p.ok(err)
		for _, r := range raw {
			n, err := wire.ParseNotice(r)
			p.ok(err)
			if put, is := n.Body.(circ.CardFilterPut); is {
				all = append(all, put.Filter)
			}
		}
		return all
	}
	if f, err := p.CardFilter(ctx); err != nil || f != (store.CardFilter{}) {
		t.Errorf("before there is one: %+v, %v", f, err)
	}
	first, second := circ.NameBlob([]byte("1")), circ.NameBlob([]byte("2"))
	p.ok(p.SetCardFilter(ctx, store.CardFilter{Blob: first, Cards: "x"}))
	p.ok(p.TellCardFilter(ctx, "maple-house")) // it has no stream yet
	p.ok(p.NewStream(ctx, "maple-house", uuid.New()))
	if got := told(); got != nil {
		t.Errorf("unasked it was told %v", got)
	}
	for range 2 {
		p.ok(p.TellCardFilter(ctx, "maple-house"))
		p.draw("maple-house")
	}
	p.ok(p.SetCardFilter(ctx, store.CardFilter{Blob: second, Cards: "y"}))
	p.ok(p.TellCardFilter(ctx, "maple-house"))
	if got := told(); !slices.Equal(got, []circ.BlobID{first, second}) {
		t.Errorf("it was told %v, want %v once each", got, []circ.BlobID{first, second})
	}
	p.restart()
	if f, err := p.CardFilter(ctx); err != nil || f != (store.CardFilter{Blob: second, Cards: "y"}) {
		t.Errorf("the filter is %+v, %v", f, err)
	}
	p.ok(p.NewStream(ctx, "maple-house", uuid.New()))
	p.ok(p.TellCardFilter(ctx, "maple-house"))
	if got := told(); !slices.Equal(got, []circ.BlobID{second}) {
		t.Errorf("in a new stream it was told %v, want %v", got, second)
	}
}
