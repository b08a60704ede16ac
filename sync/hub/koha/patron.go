package koha

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"coldstation/sync/circ"
)

// PatronNumber is Koha's own number for a patron, patron_id. It prints as a digest.
type PatronNumber int64

// String is a digest, different in every process.
func (n PatronNumber) String() string {
	return circ.NewPatronID("patron_id " + strconv.FormatInt(int64(n), 10)).String()
}

// Format keeps the number out of fmt, whatever the verb.
func (n PatronNumber) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, n.String()) }

// LogValue keeps it out of slog.
func (n PatronNumber) LogValue() slog.Value { return slog.StringValue(n.String()) }

// Patron is a person as Koha knows them, as far as lending needs it.
type Patron struct {
	Number    PatronNumber
	Card      circ.PatronID // zero for a patron without a card
	UserID    circ.PatronID // what they log in with
	FirstName string        // as they prefer to be called
	Category  string
	Library   string
	Language  string    // as Koha has it: "default", "fi-FI"
	Expires   time.Time // the first instant of the last day; zero: never

	Restricted   bool      // by a restriction that is in force
	Debarred     time.Time // older Koha: until this day; the year 9999 is for ever
	CardLost     bool
	BadAddress   bool         // the library has no address that works
	Guarantor    PatronNumber // 19.06 only
	Relationship string       // 19.06 only: how the guarantor is related

	Changed time.Time
}

// String names nobody.
func (p Patron) String() string { return p.Card.String() }

// Format keeps the person out of fmt, whatever the verb.
func (p Patron) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, p.String()) }

// LogValue keeps the person out of slog.
func (p Patron) LogValue() slog.Value { return slog.StringValue(p.String()) }

func readPatron(r *row) Patron {
	p := Patron{
		Number:       PatronNumber(r.number("patron_id")),
		Card:         circ.NewPatronID(strings.TrimSpace(r.text("cardnumber"))),
		UserID:       circ.NewPatronID(r.text("userid")),
		Category:     r.text("category_id"),
		Library:      r.text("library_id"),
		Language:     r.text("lang"),
		Expires:      r.moment("expiry_date"),
		Restricted:   r.flag("restricted"),
		Debarred:     r.moment("debarred"),
		CardLost:     r.flag("patron_card_lost"),
		BadAddress:   r.flag("incorrect_address"),
		Guarantor:    PatronNumber(r.number("guarantor_id")),
		Relationship: r.text("relationship_type"),
		Changed:      r.moment("updated_on"),
	}
	if p.FirstName = strings.TrimSpace(r.text("preferred_name")); p.FirstName == "" {
		p.FirstName = r.text("firstname")
	}
	if p.Number <= 0 && r.err == nil {
		r.err = fmt.Errorf("%w: patron_id is missing", ErrRecord)
	}
	return p
}

// Circ is the patron as a station knows them, on a day. The categories tell who is
// staff; without them nobody is. A patron whose ID is zero has no card and cannot
// come to a station.
func (p Patron) Circ(day time.Time, categories map[string]Category) circ.Patron {
	ended := func(last time.Time) bool { return !last.IsZero() && !day.Before(last.AddDate(0, 0, 1)) }
	id := p.Card
	if len(id.Plaintext()) > circ.MaxPatronID {
		id = circ.PatronID{}
	}
	return circ.Patron{
		ID:        id,
		FirstName: clip(p.FirstName, circ.MaxText),
		Policy:    clip(p.Category, circ.MaxKey),
		Staff:     categories[p.Category].Staff(),
		Blocked: p.Restricted || p.CardLost || p.BadAddress || ended(p.Expires) ||
			!p.Debarred.IsZero() && !ended(p.Debarred),
		Language: language(p.Language),
	}
}

// language is "fi" from "fi-FI".
func language(tag string) string {
	short, _, _ := strings.Cut(strings.ToLower(tag), "-")
	if len(short) != 2 || strings.Trim(short, "abcdefghijklmnopqrstuvwxyz") != "" {
		return ""
	}
	return short
}

// PatronsOf asks for patrons. Empty fields ask for all.
type PatronsOf struct {
	Library  string
	Category string
	Since    time.Time // changed at or after this, less Settings.Overlap
	After    int64     // go on after this patron_id, where the walk is by key; it may begin anew
}

// Patrons are those that ask for, in no order.
func (a *API) Patrons(ctx context.Context, of PatronsOf) iter.Seq2[Patron, error] {
	return walk(ctx, a, list[Patron]{
		path: "/patrons", id: "patron_id", read: readPatron, after: of.After,
		plain: filled("library_id", of.Library, "category_id", of.Category),
		since: a.since(a.set.Changed.Patrons, of.Since),
		keep: func(p Patron) bool {
			return either(of.Library, p.Library) && either(of.Category, p.Category) && a.changed(p.Changed, of.Since)
		},
	})
}

// PatronOf is the patron whose card reads card; ErrNotFound when there is none. As
// in Koha, capitals do not matter; as in Koha's SIP server, a userid does not count.
func (a *API) PatronOf(ctx context.Context, card circ.PatronID) (Patron, error) {
	const request = "GET /patrons"
	number := card.Plaintext()
	if number == "" {
		return Patron{}, &Error{Request: request, Err: ErrNotFound}
	}
	return only(request, walk(ctx, a, list[Patron]{
		path: "/patrons", id: "patron_id", read: readPatron,
		plain: map[string]string{"cardnumber": number},
		keep:  func(p Patron) bool { return strings.EqualFold(p.Card.Plaintext(), number) },
	}))
}

// Patron is the patron with that number; ErrNotFound when there is none.
func (a *API) Patron(ctx context.Context, n PatronNumber) (Patron, error) {
	return get(ctx, a, call{name: "/patrons/{id}", path: "/patrons/" + strconv.FormatInt(int64(n), 10)}, readPatron)
}

// Category is a patron category: a customer group.
type Category struct {
	ID   string
	Name string
	Type string // A adult, C child, I organisation, P professional, S staff, X statistical
}

// Staff reports whether its patrons are the library's own people.
func (c Category) Staff() bool { return c.Type == "S" }

func readCategory(r *row) Category {
	return Category{ID: r.text("patron_category_id", "category_id"), Name: r.text("name"), Type: r.text("category_type")}
}

// Categories are the patron categories.
func (a *API) Categories(ctx context.Context) iter.Seq2[Category, error] {
	return walk(ctx, a, list[Category]{
		path: "/patron_categories", id: "patron_category_id", text: true, way: ordered,
		read: readCategory, keep: func(Category) bool { return true },
	})
}

// filled are the pairs of field and value whose value is not empty.
func filled(pairs ...string) map[string]string {
	fields := make(map[string]string)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fields[pairs[i]] = pairs[i+1]
		}
	}
	return fields
}

// either: a filter that is empty, or that fits.
func either(want, got string) bool { return want == "" || strings.EqualFold(want, got) }

// digits is a number in a path or a filter; "" for 0.
func digits[N ~int64](n N) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(int64(n), 10)
}
