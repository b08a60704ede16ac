package koha

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/marc"
)

// Item is a thing on a shelf. Numbers that say why it is not there or not lent are
// values of the library's own lists; 0 is none.
type Item struct {
	Number     int64
	Biblio     int64
	Barcode    circ.ItemID // empty: it cannot be lent
	CallNumber string
	Home       string // library
	Holding    string // library
	Type       string // item type, in force
	Collection string
	Location   string

	CheckedOut time.Time // the day it went on loan; zero: it is not
	NotForLoan int64
	Lost       int64
	Damaged    int64
	Withdrawn  int64
	Restricted int64

	Seen     time.Time // when its barcode was last read
	Changed  time.Time
	Transfer *Transfer // on its way; only as InTransit gives it
}

func readItem(r *row) Item {
	i := Item{
		Number:     r.number("item_id"),
		Biblio:     r.number("biblio_id"),
		Barcode:    circ.ItemID(strings.TrimSpace(r.text("external_id"))),
		CallNumber: r.text("callnumber"),
		Home:       r.text("home_library_id"),
		Holding:    r.text("holding_library_id"),
		Type:       r.text("effective_item_type_id", "item_type_id"),
		Collection: r.text("collection_code"),
		Location:   r.text("location"),
		CheckedOut: r.moment("checked_out_date"),
		NotForLoan: r.number("effective_not_for_loan_status", "not_for_loan_status"),
		Lost:       r.number("lost_status"),
		Damaged:    r.number("damaged_status"),
		Withdrawn:  r.number("withdrawn"),
		Restricted: r.number("restricted_status"),
		Seen:       r.moment("last_seen_date"),
		Changed:    r.moment("timestamp"),
	}
	if _, raw := r.find([]string{"transfer"}); raw != nil {
		transfer, err := decode(raw, r.zone, readTransfer)
		if err != nil && r.err == nil {
			r.err = fmt.Errorf("transfer: %w", err)
		}
		i.Transfer = &transfer
	}
	if i.Number <= 0 && r.err == nil {
		r.err = fmt.Errorf("%w: item_id is missing", ErrRecord)
	}
	return i
}

// ItemsOf asks for items. Empty fields ask for all.
type ItemsOf struct {
	Home    string // library
	Holding string // library
	Since   time.Time
	After   int64 // as in PatronsOf
}

// Items are those that ask for, in no order.
func (a *API) Items(ctx context.Context, of ItemsOf) iter.Seq2[Item, error] {
	equal := make(map[string]any)
	for field, value := range filled("home_library_id", of.Home, "holding_library_id", of.Holding) {
		equal[field] = value
	}
	return walk(ctx, a, list[Item]{
		path: "/items", id: "item_id", read: readItem, after: of.After,
		equal: equal, since: a.since(a.set.Changed.Items, of.Since),
		keep: func(i Item) bool {
			return either(of.Home, i.Home) && either(of.Holding, i.Holding) && a.changed(i.Changed, of.Since)
		},
	})
}

// ItemOf is the item with that barcode; ErrNotFound when there is none.
func (a *API) ItemOf(ctx context.Context, barcode circ.ItemID) (Item, error) {
	const request = "GET /items"
	if barcode == "" {
		return Item{}, &Error{Request: request, Err: ErrNotFound}
	}
	return only(request, walk(ctx, a, list[Item]{
		path: "/items", id: "item_id", read: readItem,
		plain: map[string]string{"external_id": string(barcode)},
		keep:  func(i Item) bool { return strings.EqualFold(string(i.Barcode), string(barcode)) },
	}))
}

// Item is the item with that number; ErrNotFound when there is none.
func (a *API) Item(ctx context.Context, number int64) (Item, error) {
	return get(ctx, a, call{name: "/items/{id}", path: "/items/" + strconv.FormatInt(number, 10)}, readItem)
}

// Circ is what a station knows of the item, described by its record and by the
// settings. The error says why it cannot be lent at a station.
func (a *API) Circ(item Item, record marc.Record) (circ.Item, error) {
	if item.Barcode == "" || len(item.Barcode) > circ.MaxItemID {
		return circ.Item{}, fmt.Errorf("%w: item %d: external_id, the barcode, is missing or too long", ErrRecord, item.Number)
	}
	// A record fetched here cannot be sent back: what makes no sense is left out.
	described, _ := record.Describe()
	if described.Title == "" {
		return circ.Item{}, fmt.Errorf("%w: item %d: the record has no title (245 subfield a)", ErrRecord, item.Number)
	}
	described.ID = item.Barcode
	described.Marks |= a.set.Marks[item.Type] | a.set.Marks[item.Collection]
	described.Home = a.set.Stations[item.Home]
	or(&described.Home, a.set.Stations[item.Holding])
	return described, nil
}
