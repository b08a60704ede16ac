package ils

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/koha"
)

// KohaSettings are how a Koha is read and written to.
type KohaSettings struct {
	Name    string
	API     *koha.API
	Offline *koha.Offline
	// SIP2 takes returns, which also captures holds and makes transfers; the
	// offline service only ends the loan. Nil: the offline service, all the same.
	SIP2 *SIP2
	// Loans by SIP2 too, where the offline service is shut: their true time is
	// lost then.
	LoansBySIP2 bool
	Branches    map[circ.StationID]string // of stations, for the offline service
	Branch      string                    // of the others
}

// Koha is one that is read through its REST API, which tells who has an item and
// since when. Loans go through the offline service, which keeps the time they
// were made; returns by SIP2, which does all that a return means at a desk.
type Koha struct{ KohaSettings }

var _ ILS = Koha{}

// Name as it was set.
func (k Koha) Name() string { return k.KohaSettings.Name }

// Abilities of the ways it is written to.
func (k Koha) Abilities() Abilities {
	a := Abilities{NoBlock: true, KeepsTime: true, Returned: ReturnedTime, Lists: true}
	if k.LoansBySIP2 {
		by := k.SIP2.Abilities()
		a.NoBlock, a.KeepsTime, a.KeepsDue, a.AccountEach = by.NoBlock, by.KeepsTime, by.KeepsDue, by.AccountEach
	}
	return a
}

// Close ends what is open.
func (k Koha) Close() error {
	k.API.Close()
	if k.SIP2 != nil {
		return k.SIP2.Close()
	}
	return nil
}

// Standing asks for the item, who has it, and who the patron is.
func (k Koha) Standing(ctx context.Context, _ circ.StationID, item circ.ItemID, patron circ.PatronID) (Standing, error) {
	st, _, err := k.standing(ctx, item, patron)
	return st, err
}

func (k Koha) standing(ctx context.Context, item circ.ItemID, patron circ.PatronID) (Standing, koha.Checkout, error) {
	st := Standing{With: Nobody, Renewals: -1}
	var loan koha.Checkout
	var who koha.PatronNumber
	if !patron.IsZero() {
		p, err := k.API.PatronOf(ctx, patron)
		switch {
		case errors.Is(err, koha.ErrNotFound):
			st.Card = CardUnknown
		case err != nil:
			return st, loan, asked(err)
		case p.Circ(time.Now(), nil).Blocked:
			st.Card, who = CardBlocked, p.Number
		default:
			st.Card, who = CardGood, p.Number
		}
	}
	i, err := k.API.ItemOf(ctx, item)
	if errors.Is(err, koha.ErrNotFound) {
		return st, loan, nil
	}
	if err != nil {
		return st, loan, asked(err)
	}
	st.Known, st.Lost = true, i.Lost != 0
	if b, err := k.API.Biblio(ctx, i.Biblio); err == nil {
		st.Title = b.Title
	}
	for c, err := range k.API.Checkouts(ctx, koha.CheckoutsOf{Item: i.Number}) {
		if err != nil {
			return st, loan, asked(err)
		}
		loan = c
		st.With, st.Since, st.Due, st.Renewals = Another, c.At, c.Due, c.Renewals
		if who != 0 && c.Patron == who {
			st.With = Them
		}
	}
	return st, loan, nil
}

// Lend is the offline service's "issue"; what it made of the due date is asked for
// afterwards, and a due date not told is no fault.
func (k Koha) Lend(ctx context.Context, l Loan) (Receipt, error) {
	if k.LoansBySIP2 {
		return k.SIP2.Lend(ctx, l)
	}
	branch, err := k.branch(l.Station)
	if err != nil {
		return Receipt{}, err
	}
	words, err := k.Offline.Issue(ctx, branch, l.At, l.Item, l.Patron)
	r := Receipt{Words: words}
	if err != nil {
		return r, offline("checkout", words, err)
	}
	if st, err := k.Standing(ctx, l.Station, l.Item, l.Patron); err == nil && st.With == Them {
		r.Due = st.Due
	}
	return r, nil
}

// TakeBack is a SIP2 checkin, or the offline service's "return".
func (k Koha) TakeBack(ctx context.Context, r Return) (Receipt, error) {
	if k.SIP2 != nil {
		return k.SIP2.TakeBack(ctx, r)
	}
	branch, err := k.branch(r.Station)
	if err != nil {
		return Receipt{}, err
	}
	words, err := k.Offline.Return(ctx, branch, r.At, r.Item)
	return Receipt{Words: words}, offline("checkin", words, err)
}

// Renew is Koha's own, by its rules.
func (k Koha) Renew(ctx context.Context, l Loan) (Receipt, error) {
	st, loan, err := k.standing(ctx, l.Item, l.Patron)
	if err != nil {
		return Receipt{}, err
	}
	if st.With != Them {
		return Receipt{}, &Error{Op: "renew", Outcome: Refused, Rule: NotOnLoan}
	}
	done, err := k.API.Renew(ctx, loan.Number)
	if err != nil {
		return Receipt{}, changed(err)
	}
	return Receipt{Due: done.Due}, nil
}

// branch is the station's, without which the offline service takes nothing.
func (k Koha) branch(station circ.StationID) (string, error) {
	if b := cmp.Or(k.Branches[station], k.Branch); b != "" {
		return b, nil
	}
	return "", &Error{Op: "offline", Outcome: Later, Err: fmt.Errorf("station %s has no branch: %w", station, ErrAccount)}
}

// offline tells what the offline service's answers mean.
func offline(op string, words []string, err error) error {
	if err == nil {
		return nil
	}
	if !errors.Is(err, koha.ErrRefused) {
		e, _ := errors.AsType[*Error](changed(err))
		e.Op = op
		return e
	}
	e := &Error{Op: op, Outcome: Refused, Words: words, Err: err}
	switch said := strings.Join(words, " "); {
	case strings.HasPrefix(said, "Borrower not found"):
		e.Rule = CardNotFound
	case strings.HasPrefix(said, "Barcode not found"), strings.HasPrefix(said, "Item not found"):
		e.Rule = ItemNotFound
	case strings.HasPrefix(said, "Item not issued"):
		e.Rule = NotOnLoan
	}
	return e
}

// asked is the error of a question: ask again.
func asked(err error) error {
	e, _ := errors.AsType[*Error](changed(err))
	e.Op, e.Outcome = "ask", Later
	return e
}

// changed is the error of a request that changes something.
func changed(err error) error {
	e, is := errors.AsType[*koha.Error](err)
	if !is {
		return &Error{Op: "ask", Outcome: Unsure, Err: err}
	}
	out := &Error{Op: "renew", Outcome: Later, Err: err}
	switch {
	case e.Maybe:
		out.Outcome = Unsure
	case errors.Is(err, koha.ErrRefused):
		out.Outcome, out.Words = Refused, []string{e.Text}
		for _, reason := range e.Reasons {
			if strings.EqualFold(reason, "too_many") {
				out.Rule = TooManyRenewals
			}
		}
	}
	return out
}
