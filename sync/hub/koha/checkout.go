package koha

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"coldstation/sync/circ"
)

// Checkout is one loan, running or ended.
type Checkout struct {
	Number   int64
	Patron   PatronNumber // 0 when it was made nameless
	Item     int64        // 0 when the item is gone
	Library  string       // where it was made
	At       time.Time
	Due      time.Time
	Returned time.Time // zero: it runs
	Renewed  time.Time // last
	Renewals int
	Changed  time.Time
}

func readCheckout(r *row) Checkout {
	c := Checkout{
		Number:   r.number("checkout_id"),
		Patron:   PatronNumber(r.number("patron_id")),
		Item:     r.number("item_id"),
		Library:  r.text("library_id"),
		At:       r.moment("checkout_date"),
		Due:      r.moment("due_date"),
		Returned: r.moment("checkin_date"),
		Renewed:  r.moment("last_renewed_date"),
		Renewals: int(min(r.number("renewals_count", "renewals"), 1<<20)),
		Changed:  r.moment("timestamp"),
	}
	if c.Number <= 0 && r.err == nil {
		r.err = fmt.Errorf("%w: checkout_id is missing", ErrRecord)
	}
	return c
}

// Loan is the checkout as a station knows it. Koha tells numbers; the caller knows
// whose they are.
func (c Checkout) Loan(item circ.ItemID, patron circ.Ref) circ.Loan {
	return circ.Loan{Item: item, Patron: patron, At: c.At, Due: c.Due, State: circ.Confirmed, Renewed: c.Renewals}
}

// CheckoutsOf asks for checkouts. Empty fields ask for all.
type CheckoutsOf struct {
	Patron   PatronNumber
	Item     int64
	Library  string // where they were made
	Since    time.Time
	After    int64
	Returned bool // those that ended, instead of those that run; not in 19.06
}

// Checkouts are those that ask for, in no order.
func (a *API) Checkouts(ctx context.Context, of CheckoutsOf) iter.Seq2[Checkout, error] {
	l := list[Checkout]{
		path: "/checkouts", id: "checkout_id", read: readCheckout, after: of.After,
		plain: filled("patron_id", digits(of.Patron)),
		equal: make(map[string]any),
		since: a.since(a.set.Changed.Checkouts, of.Since),
		keep: func(c Checkout) bool {
			return (of.Patron == 0 || c.Patron == of.Patron) && (of.Item == 0 || c.Item == of.Item) &&
				either(of.Library, c.Library) && a.changed(c.Changed, of.Since)
		},
	}
	if of.Item != 0 {
		l.equal["item_id"] = of.Item
	}
	if of.Library != "" {
		l.equal["library_id"] = of.Library
	}
	if of.Returned {
		l.fixed = url.Values{"checked_in": {"true"}}
	}
	return walk(ctx, a, l)
}

// Availability is what Koha would say to a checkout. The words are Koha's own, as
// TOO_MANY or ISSUED_TO_ANOTHER.
type Availability struct {
	Blockers []string // it cannot be
	Confirms []string // somebody has to confirm it, with Token
	Warnings []string
	Token    string
}

func readAvailability(r *row) Availability {
	v := Availability{Blockers: r.words("blockers"), Confirms: r.words("confirms"), Warnings: r.words("warnings"), Token: r.text("confirmation_token")}
	for _, words := range [][]string{v.Blockers, v.Confirms, v.Warnings} {
		slices.Sort(words)
	}
	return v
}

// Availability asks whether the patron may borrow the item. Not in 19.06.
func (a *API) Availability(ctx context.Context, patron PatronNumber, item int64) (Availability, error) {
	return get(ctx, a, call{name: "/checkouts/availability", path: "/checkouts/availability", query: url.Values{
		"patron_id": {strconv.FormatInt(int64(patron), 10)}, "item_id": {strconv.FormatInt(item, 10)},
	}}, readAvailability)
}

// Checkout lends the item to the patron, from now and due by Koha's rules:
// whatever time is sent, Koha does not take it. The confirmation is the token of
// [API.Availability], or empty.
//
// ErrRefused: 403 with blockers, 409 when one of them is not found, 412 when it has
// to be confirmed. After an error that is Maybe ask [API.Checkouts] for the item.
// Not in 19.06.
func (a *API) Checkout(ctx context.Context, patron PatronNumber, item int64, confirmation string) (Checkout, error) {
	c := call{method: http.MethodPost, name: "/checkouts", path: "/checkouts", body: map[string]int64{"patron_id": int64(patron), "item_id": item}}
	if confirmation != "" {
		c.query = url.Values{"confirmation": {confirmation}}
	}
	return ask(ctx, a, c, readCheckout)
}

// Renew lets the checkout go on, by Koha's rules. ErrRefused: Reasons say why, as
// "too_many" or "on_reserve".
func (a *API) Renew(ctx context.Context, checkout int64) (Checkout, error) {
	renew := func(word string) (Checkout, error) {
		c := call{method: http.MethodPost, name: "/checkouts/{id}/" + word, path: "/checkouts/" + strconv.FormatInt(checkout, 10) + "/" + word}
		return ask(ctx, a, c, readCheckout)
	}
	a.mu.Lock()
	plain := a.plain
	a.mu.Unlock()
	if plain {
		return renew("renewal")
	}
	done, err := renew("renewals")
	if e, is := errors.AsType[*Error](err); is && e.Status == http.StatusNotFound {
		// No such checkout, or no such endpoint: the older one knows which.
		done, err = renew("renewal")
		if err == nil {
			a.mu.Lock()
			a.plain = true
			a.mu.Unlock()
		}
	}
	return done, err
}

// Renewable is whether a checkout may be renewed.
type Renewable struct {
	Allowed bool
	Most    int    // renewals by the rules
	Made    int    // renewals so far
	Why     string // not, as "too_many"
}

func readRenewable(r *row) Renewable {
	v := Renewable{
		Allowed: r.flag("allows_renewal"),
		Most:    int(min(r.number("max_renewals"), 1<<20)),
		Made:    int(min(r.number("current_renewals"), 1<<20)),
	}
	if why := r.text("error"); word.MatchString(why) {
		v.Why = why
	}
	return v
}

// Renewable asks whether the checkout may be renewed.
func (a *API) Renewable(ctx context.Context, checkout int64) (Renewable, error) {
	return get(ctx, a, call{name: "/checkouts/{id}/allows_renewal", path: "/checkouts/" + strconv.FormatInt(checkout, 10) + "/allows_renewal"}, readRenewable)
}
