package ils

import (
	"context"

	"coldstation/sync/circ"
)

// None is a library without a library system: what the hub keeps of what it has
// posted is the record. So lending is done when the hub has noted that it was,
// and nothing is ever refused.
type None struct{ Books Books }

// Books are what the hub has posted.
type Books interface {
	// Lent is the loan of an item as it was posted last; false when it is not on loan.
	Lent(ctx context.Context, item circ.ItemID) (Loan, bool, error)
}

var _ ILS = None{}

// Name is "none".
func (None) Name() string { return "none" }

// Abilities are all there are.
func (None) Abilities() Abilities {
	return Abilities{NoBlock: true, KeepsDue: true, KeepsTime: true, Returned: ReturnedTime, Lists: true}
}

// Standing is what the books say. They know every item and every card.
func (n None) Standing(ctx context.Context, _ circ.StationID, item circ.ItemID, patron circ.PatronID) (Standing, error) {
	s := Standing{Known: true, With: Nobody, Renewals: -1}
	if !patron.IsZero() {
		s.Card = CardGood
	}
	l, out, err := n.Books.Lent(ctx, item)
	if err != nil {
		return s, &Error{Op: "item", Outcome: Later, Err: err}
	}
	if out {
		s.With, s.Since, s.Due = Another, l.At, l.Due
		if l.Patron == patron && !patron.IsZero() {
			s.With = Them
		}
	}
	return s, nil
}

// Lend keeps what was promised.
func (None) Lend(_ context.Context, l Loan) (Receipt, error) { return Receipt{Due: l.Due}, nil }

// TakeBack has nothing to ask for.
func (None) TakeBack(context.Context, Return) (Receipt, error) { return Receipt{}, nil }

// Renew keeps what was promised.
func (None) Renew(_ context.Context, l Loan) (Receipt, error) { return Receipt{Due: l.Due}, nil }

// Close has nothing to close.
func (None) Close() error { return nil }
