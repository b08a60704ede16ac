package koha

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"time"
)

// Library is a branch. A station is one.
type Library struct {
	ID     string
	Name   string
	City   string
	PickUp bool // holds may be picked up there
}

func readLibrary(r *row) Library {
	l := Library{ID: r.text("library_id"), Name: r.text("name"), City: r.text("city"), PickUp: r.flag("pickup_location")}
	if l.ID == "" && r.err == nil {
		r.err = fmt.Errorf("%w: library_id is missing", ErrRecord)
	}
	return l
}

// Libraries are the branches.
func (a *API) Libraries(ctx context.Context) iter.Seq2[Library, error] {
	return walk(ctx, a, list[Library]{
		path: "/libraries", id: "library_id", text: true, way: ordered,
		read: readLibrary, keep: func(Library) bool { return true },
	})
}

// Transfer is an item's way from one library to another.
type Transfer struct {
	From, To  string    // libraries
	Requested time.Time // zero when it is not known
	Sent      time.Time // zero: it has not left
	Arrived   time.Time // zero: it is on its way
	Reason    string    // as "Manual" or "StockrotationAdvance"
}

// readTransfer takes the names of the table beside those of the API, which only
// some versions map.
func readTransfer(r *row) Transfer {
	return Transfer{
		From:      r.text("from_library_id", "from_library", "frombranch"),
		To:        r.text("to_library_id", "to_library", "tobranch"),
		Requested: r.moment("date_requested", "daterequested"),
		Sent:      r.moment("date_sent", "datesent"),
		Arrived:   r.moment("date_arrived", "datearrived"),
		Reason:    r.text("reason"),
	}
}

// InTransit are the items of a title, each with its transfer if it is on its way.
// Not in 19.06.
func (a *API) InTransit(ctx context.Context, biblio int64) iter.Seq2[Item, error] {
	return walk(ctx, a, list[Item]{
		path: "/biblios/" + strconv.FormatInt(biblio, 10) + "/items", name: "/biblios/{id}/items",
		id: "item_id", embed: "transfer", read: readItem,
		way:  numbered, // joined with transfers, item_id would be ambiguous
		keep: func(Item) bool { return true },
	})
}

// TransferLimit forbids a way between libraries to a type of items.
type TransferLimit struct {
	Number     int64
	From, To   string // libraries
	Type       string // item type, or
	Collection string // collection code, as the library chose
}

func readTransferLimit(r *row) TransferLimit {
	return TransferLimit{
		Number: r.number("limit_id"), From: r.text("from_library_id"), To: r.text("to_library_id"),
		Type: r.text("item_type"), Collection: r.text("collection_code"),
	}
}

// TransferLimits are all of them. Not in 19.06.
func (a *API) TransferLimits(ctx context.Context) iter.Seq2[TransferLimit, error] {
	return walk(ctx, a, list[TransferLimit]{
		path: "/transfer_limits", id: "limit_id",
		read: readTransferLimit, keep: func(TransferLimit) bool { return true },
	})
}
