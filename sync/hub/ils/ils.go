// Package ils speaks with the library system, in the words of circulation: how
// does an item stand, lend it, take it back, renew it.
//
// What is told has happened already, at a station, perhaps days ago: so loans go
// with the time and the due date that they had, and not as a question. What a
// library system makes of that differs, and is a setting of it: see [Abilities].
//
// Three systems satisfy [ILS]: [SIP2], which every library system speaks; [Koha],
// read through its REST API and written to through its offline service, which
// alone keeps the true time of a loan; and [None], a library without one. Each
// passes ilstest.Run.
//
// # Never twice
//
// A repeated checkout is a renewal on every system watched, and a connection that
// was closed does not mean that nothing was done. So nothing here is ever sent a
// second time. After [Unsure], wait until the system cannot be at it any more,
// ask for the item's [Standing], and decide then.
package ils

import (
	"context"
	"errors"
	"fmt"
	"time"

	"coldstation/sync/circ"
)

// ILS is one library system. Its methods may be called from several goroutines;
// requests of one station may take turns. Their errors are an [*Error] and name
// nobody.
type ILS interface {
	// Name tells it from another one that the hub has posted to before.
	Name() string
	Abilities() Abilities

	// Standing is how an item stands, and whether it is with a patron; the zero
	// patron is nobody in particular. What is not known is no error.
	Standing(ctx context.Context, at circ.StationID, item circ.ItemID, patron circ.PatronID) (Standing, error)

	// Lend, TakeBack and Renew are each sent once. The receipt of a refusal tells
	// what was done all the same.
	Lend(ctx context.Context, l Loan) (Receipt, error)
	TakeBack(ctx context.Context, r Return) (Receipt, error)
	Renew(ctx context.Context, l Loan) (Receipt, error)

	Close() error
}

// Abilities are what a library system makes of what has already happened. None
// of them can be found out without lending something, so that they are settings;
// the defaults of [Kinds] are what was seen.
type Abilities struct {
	NoBlock     bool // a loan that has happened is taken, whatever the rules say of the patron
	KeepsDue    bool // the due date promised stands
	KeepsTime   bool // a loan begins when it did, and not when it is posted
	Returned    Precision
	Lists       bool // a patron's loans are listed by item identifier
	AccountEach bool // a loan belongs to the account's branch: each station needs its own
}

// Precision is how much is kept of when an item came back.
type Precision string

// The precisions.
const (
	ReturnedNow  Precision = "now" // nothing: the time of posting
	ReturnedDay  Precision = "day"
	ReturnedTime Precision = "time"
)

// Loan is a loan or a renewal that happened.
type Loan struct {
	Station circ.StationID
	Item    circ.ItemID
	Patron  circ.PatronID
	At      time.Time
	Due     time.Time // what was promised; zero: as long as they like
}

// Return is a return that happened.
type Return struct {
	Station circ.StationID
	Item    circ.ItemID
	At      time.Time
}

// Standing is how an item stands.
type Standing struct {
	Known    bool
	Title    string
	With     With
	Lost     bool // or missing
	Claimed  bool // its patron says that they returned it
	Since    time.Time
	Due      time.Time
	Renewals int // -1: not told
	Card     Card
}

// With is whom an item is with.
type With string

// Whom an item may be with. Some systems do not say to whom it is lent.
const (
	Nobody   With = "nobody"
	Them     With = "them" // the patron who was asked about
	Another  With = "another"
	Somebody With = "somebody" // not told who
)

// Out reports whether the item is on loan.
func (w With) Out() bool { return w == Them || w == Another || w == Somebody }

// Card is what is known of the patron who was asked about.
type Card string

// What a card may be.
const (
	CardNotAsked Card = ""
	CardUnknown  Card = "unknown"
	CardGood     Card = "good"
	CardBlocked  Card = "blocked" // expired, restricted, owing: the systems do not tell them apart
)

// Receipt is what a library system says of what it has done.
type Receipt struct {
	Due   time.Time // of the loan; zero: not told, or none
	Route Route
	Words []string // its own, for a librarian; they may name a patron
}

// Route is where an item that came back should go.
type Route struct {
	Hold bool   // somebody waits for it
	To   string // the library it should go to; "" for here
}

// IsZero reports whether the item may stay.
func (r Route) IsZero() bool { return r == Route{} }

// ErrAccount is behind the error of a station whose account the library system refuses,
// or that has none where each needs its own. It concerns no other station.
var ErrAccount = errors.New("ils: no account that the library system takes")

// Outcome is what became of a request that was not simply done.
type Outcome int

const (
	Done    Outcome = iota
	Later           // certainly not done: it may be sent again when what caused it is over
	Unread          // answered that it could not be read: most likely it never will
	Refused         // answered, and not done
	Unsure          // it may have been done
)

func (o Outcome) String() string {
	return [...]string{"done", "not now", "not read", "refused", "outcome unknown"}[o]
}

// Error is what a request came to, unless it was done.
type Error struct {
	Op      string
	Outcome Outcome
	Rule    Rule     // of a refusal, where the system tells it; "" otherwise
	Words   []string // of a refusal; they may name a patron, so they are not in Error()
	Err     error    // why
}

func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %s", e.Op, e.Outcome)
	}
	return fmt.Sprintf("%s: %s: %v", e.Op, e.Outcome, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// OutcomeOf is the outcome behind an error of an [ILS]; Done for nil. Any other
// error is Unsure.
func OutcomeOf(err error) Outcome {
	if err == nil {
		return Done
	}
	if e, is := errors.AsType[*Error](err); is {
		return e.Outcome
	}
	return Unsure
}

// Rule is why a librarian is needed.
type Rule string

// The rules, in the words by which the hub keeps them.
const (
	RouteItem       Rule = "route item"
	ItemLost        Rule = "item lost"
	ClaimsReturned  Rule = "claims returned"
	ItemNotFound    Rule = "item not found"
	CardNotFound    Rule = "card not found"
	CardRefused     Rule = "card blocked"
	OpenCirculation Rule = "open circulation exists"
	TooManyRenewals Rule = "too many renewals"
	Superseded      Rule = "superseded by later change"
	NotOnLoan       Rule = "not on loan"
	OrderUnsure     Rule = "order unsure" // of what two stations tell of an item
	NoAnswer        Rule = "outcome unknown"
	OtherRule       Rule = "another rule" // the library system's words say which
)

// Kinds are the abilities of systems that were watched or read, by a name for
// settings. Sources: Koha 19.06 and Evergreen's SIPServer were run; newer Koha
// (bug 38486; 24.05.08, 24.11.02) and OpenILS::SIP were read.
var Kinds = map[string]Abilities{
	"koha":      {Returned: ReturnedTime, Lists: true, AccountEach: true},
	"koha24":    {NoBlock: true, KeepsDue: true, Returned: ReturnedTime, Lists: true, AccountEach: true},
	"evergreen": {Returned: ReturnedDay, Lists: true},
	"other":     {Returned: ReturnedNow, Lists: true},
}
