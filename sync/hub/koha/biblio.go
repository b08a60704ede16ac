package koha

import (
	"context"
	"strconv"
	"time"

	"coldstation/sync/hub/marc"
)

// Biblio is what Koha's tables, rather than the MARC record, say of a title.
type Biblio struct {
	Number   int64
	Title    string
	Subtitle string
	Author   string
	ISBN     string
	Year     string // as catalogued
	Type     string // item type
	Changed  time.Time
}

func readBiblio(r *row) Biblio {
	return Biblio{
		Number:   r.number("biblio_id"),
		Title:    r.text("title"),
		Subtitle: r.text("subtitle"),
		Author:   r.text("author"),
		ISBN:     r.text("isbn"),
		Year:     r.text("copyright_date", "publication_year"),
		Type:     r.text("item_type"),
		Changed:  r.moment("timestamp"),
	}
}

// Biblio is the title with that number; ErrNotFound when there is none.
func (a *API) Biblio(ctx context.Context, number int64) (Biblio, error) {
	return get(ctx, a, biblio(number), readBiblio)
}

// Record is the MARC record of the title with that number; ErrNotFound when there
// is none.
func (a *API) Record(ctx context.Context, number int64) (marc.Record, error) {
	c := biblio(number)
	c.accept = "application/marc-in-json"
	return get(ctx, a, c, readRecord)
}

func biblio(number int64) call {
	return call{name: "/biblios/{id}", path: "/biblios/" + strconv.FormatInt(number, 10)}
}
