package koha

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"strconv"
	"time"
)

// Hold is a patron waiting for a title or for one item.
type Hold struct {
	Number    int64
	Patron    PatronNumber
	Biblio    int64
	Item      int64      // 0: any of the title
	Library   string     // where it is picked up
	Status    HoldStatus // how far it is
	Priority  int64      // place in the queue; 0 when an item was found
	Placed    time.Time
	Waiting   time.Time // since
	Expires   time.Time
	Suspended bool
	Changed   time.Time
}

// HoldStatus is how far a hold is.
type HoldStatus string

// The statuses of a hold.
const (
	HoldQueued     HoldStatus = ""
	HoldWaiting    HoldStatus = "W" // for the patron, at Library
	HoldInTransit  HoldStatus = "T" // to Library
	HoldProcessing HoldStatus = "P"
)

func readHold(r *row) Hold {
	h := Hold{
		Number:    r.number("hold_id"),
		Patron:    PatronNumber(r.number("patron_id")),
		Biblio:    r.number("biblio_id"),
		Item:      r.number("item_id"),
		Library:   r.text("pickup_library_id"),
		Status:    HoldStatus(r.text("status")),
		Priority:  r.number("priority"),
		Placed:    r.moment("hold_date"),
		Waiting:   r.moment("waiting_date"),
		Expires:   r.moment("expiration_date"),
		Suspended: r.flag("suspended"),
		Changed:   r.moment("timestamp"),
	}
	if h.Number <= 0 && r.err == nil {
		r.err = fmt.Errorf("%w: hold_id is missing", ErrRecord)
	}
	return h
}

// HoldsOf asks for holds. Empty fields ask for all.
type HoldsOf struct {
	Patron  PatronNumber
	Item    int64
	Library string // where they are picked up
}

// Holds are those that ask for, in no order.
func (a *API) Holds(ctx context.Context, of HoldsOf) iter.Seq2[Hold, error] {
	return walk(ctx, a, list[Hold]{
		path: "/holds", id: "hold_id", read: readHold,
		plain: filled("patron_id", digits(of.Patron), "item_id", digits(of.Item), "pickup_library_id", of.Library),
		keep: func(h Hold) bool {
			return (of.Patron == 0 || h.Patron == of.Patron) && (of.Item == 0 || h.Item == of.Item) && either(of.Library, h.Library)
		},
	})
}

// PlaceHold puts the patron in the queue for a title, or for one item of it when
// that is not 0, to be picked up at library. ErrRefused: the rules do not let them.
func (a *API) PlaceHold(ctx context.Context, patron PatronNumber, biblio, item int64, library string) (Hold, error) {
	body := map[string]any{"patron_id": int64(patron), "biblio_id": biblio, "pickup_library_id": library}
	if item != 0 {
		body["item_id"] = item
	}
	return ask(ctx, a, call{method: http.MethodPost, name: "/holds", path: "/holds", body: body}, readHold)
}

// CancelHold takes a hold away. ErrNotFound: it is gone already.
func (a *API) CancelHold(ctx context.Context, hold int64) error {
	_, err := a.do(ctx, call{method: http.MethodDelete, name: "/holds/{id}", path: "/holds/" + strconv.FormatInt(hold, 10)})
	return err
}
