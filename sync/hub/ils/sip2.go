package ils

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/sip2"
)

// SIP2Settings are how a library system is reached by SIP2.
type SIP2Settings struct {
	Name      string
	Line      sip2.Settings
	Abilities Abilities
	Account   sip2.Account               // of stations that have none of their own
	Branch    string                     // AP of their returns; "" for the login's
	Stations  map[circ.StationID]Counter // those that have
	Most      int                        // connections at rest that are kept; 0: no limit
	NoDue     time.Duration              // the due date told for a loan without one, since one must be; 0 for a year
}

// Counter is who a station is to the library system.
type Counter struct {
	Account sip2.Account
	Branch  string // AP of returns
}

// SIP2 is a library system spoken to by SIP2.
type SIP2 struct {
	SIP2Settings
	pool *sip2.Pool
}

var _ ILS = (*SIP2)(nil)

// NewSIP2 dials nobody yet.
func NewSIP2(s SIP2Settings) *SIP2 {
	s.NoDue = cmp.Or(s.NoDue, 365*24*time.Hour)
	s.Line.Zone = cmp.Or(s.Line.Zone, time.Local)
	return &SIP2{s, sip2.NewPool(s.Line, s.Most)}
}

// Name as it was set.
func (s *SIP2) Name() string { return s.SIP2Settings.Name }

// Abilities as they were set.
func (s *SIP2) Abilities() Abilities { return s.SIP2Settings.Abilities }

// Close ends all conversations, each after its request under way.
func (s *SIP2) Close() error { return s.pool.Close() }

// counter is the station's account and its conversation.
func (s *SIP2) counter(station circ.StationID) (*sip2.Conn, Counter, error) {
	c, own := s.Stations[station]
	if !own {
		if s.SIP2Settings.Abilities.AccountEach && len(s.Stations) > 0 {
			return nil, c, &Error{Op: "login", Outcome: Later, Err: fmt.Errorf("station %s: %w", station, ErrAccount)}
		}
		c = Counter{s.Account, s.Branch}
	}
	conn, err := s.pool.Conn(c.Account)
	if err != nil {
		return nil, c, &Error{Op: "login", Outcome: Later, Err: err}
	}
	return conn, c, nil
}

// Standing asks 17, and 63 when there is a patron. In 63's list the item is
// found even where 18 does not say that it is lent.
func (s *SIP2) Standing(ctx context.Context, at circ.StationID, item circ.ItemID, patron circ.PatronID) (Standing, error) {
	st := Standing{With: Nobody, Renewals: -1}
	conn, _, err := s.counter(at)
	if err != nil {
		return st, err
	}
	i, err := conn.Item(ctx, sip2.ItemRequest{Item: string(item)})
	if err != nil {
		return st, question(err)
	}
	st.Title = i.Title
	st.Known = i.Title != "" || i.Circulation > sip2.CirculationOther
	st.Lost = i.Circulation == sip2.CirculationLost || i.Circulation == sip2.CirculationMissing
	st.Claimed = i.Circulation == sip2.CirculationClaimedReturned
	switch i.Circulation {
	case sip2.CirculationCharged, sip2.CirculationChargedNoRecall, sip2.CirculationRecalled, sip2.CirculationClaimedReturned:
		st.With = Somebody
		st.Due, _ = i.Due.Time(s.Line.Zone)
	}
	if patron.IsZero() {
		return st, nil
	}
	p, err := conn.Patron(ctx, sip2.PatronRequest{Patron: patron.Plaintext(), Summary: sip2.ChargedItems})
	if err != nil {
		return st, question(err)
	}
	st.Card = CardGood
	switch {
	case p.Valid == sip2.No || p.Valid != sip2.Yes && p.Name == "":
		st.Card = CardUnknown
	case p.Flags.Has(sip2.CheckoutDenied):
		st.Card = CardBlocked
	}
	theirs := slices.ContainsFunc(p.Charged, func(id string) bool { return strings.EqualFold(strings.TrimSpace(id), string(item)) })
	switch {
	case theirs:
		st.With = Them
	case st.With == Somebody && (s.SIP2Settings.Abilities.Lists || p.Counts.Charged == 0):
		st.With = Another
	}
	return st, nil
}

// Lend sends 11, always with no block and a due date: newer Koha takes the one
// from the other's being there.
func (s *SIP2) Lend(ctx context.Context, l Loan) (Receipt, error) {
	conn, _, err := s.counter(l.Station)
	if err != nil {
		return Receipt{}, err
	}
	r, err := conn.Checkout(ctx, s.CheckoutRequest(l))
	return s.receipt(r.Due, r.Screen), change(err)
}

// CheckoutRequest is the message that Lend sends.
func (s *SIP2) CheckoutRequest(l Loan) sip2.CheckoutRequest {
	return sip2.CheckoutRequest{NoBlock: true, At: s.date(l.At), Due: s.due(l), Patron: l.Patron.Plaintext(), Item: string(l.Item)}
}

// TakeBack sends 09, with the station's branch for where the item is.
func (s *SIP2) TakeBack(ctx context.Context, r Return) (Receipt, error) {
	conn, _, err := s.counter(r.Station)
	if err != nil {
		return Receipt{}, err
	}
	reply, err := conn.Checkin(ctx, s.CheckinRequest(r))
	receipt := Receipt{Words: reply.Screen}
	if reply.Alert == sip2.Yes || reply.AlertType != "" {
		switch reply.AlertType {
		case sip2.AlertHoldHere, sip2.AlertHoldElsewhere, sip2.AlertIllHold:
			receipt.Route = Route{Hold: true, To: reply.Destination}
		case sip2.AlertOtherBranch:
			receipt.Route = Route{To: cmp.Or(reply.Destination, reply.Permanent)}
		}
	}
	return receipt, change(err)
}

// CheckinRequest is the message that TakeBack sends.
func (s *SIP2) CheckinRequest(r Return) sip2.CheckinRequest {
	branch := s.Branch
	if c, own := s.Stations[r.Station]; own {
		branch = c.Branch
	}
	return sip2.CheckinRequest{NoBlock: true, At: s.date(r.At), Returned: s.date(r.At), Current: branch, Item: string(r.Item)}
}

// Renew sends 29: a renewal by a second 11 would work too, and could not be told
// from a loan that was sent twice.
func (s *SIP2) Renew(ctx context.Context, l Loan) (Receipt, error) {
	conn, _, err := s.counter(l.Station)
	if err != nil {
		return Receipt{}, err
	}
	r, err := conn.Renew(ctx, s.RenewRequest(l))
	return s.receipt(r.Due, r.Screen), change(err)
}

// RenewRequest is the message that Renew sends.
func (s *SIP2) RenewRequest(l Loan) sip2.RenewRequest {
	return sip2.RenewRequest{NoBlock: true, At: s.date(l.At), Due: s.due(l), Patron: l.Patron.Plaintext(), Item: string(l.Item)}
}

func (s *SIP2) date(t time.Time) sip2.Date { return sip2.DateIn(t, s.Line.Zone) }

func (s *SIP2) due(l Loan) sip2.Date {
	if l.Due.IsZero() {
		return s.date(l.At.Add(s.NoDue))
	}
	return s.date(l.Due)
}

func (s *SIP2) receipt(due sip2.Date, words []string) Receipt {
	r := Receipt{Words: words}
	r.Due, _ = due.Time(s.Line.Zone)
	return r
}

// question is the error of one that changes nothing: ask again.
func question(err error) error {
	e, _ := errors.AsType[*Error](change(err))
	if e.Outcome == Unsure {
		e.Outcome = Later
	}
	return e
}

// change is the error of a request that changes something. What cannot be said
// in SIP2 can never be.
func change(err error) error {
	if err == nil {
		return nil
	}
	e, is := errors.AsType[*sip2.Error](err)
	if !is {
		return &Error{Op: "ask", Outcome: Unsure, Err: err}
	}
	out := &Error{Op: e.Op, Words: e.Screen, Err: e.Err}
	switch e.Outcome {
	case sip2.NotSent:
		out.Outcome = Later
		if errors.Is(e.Err, sip2.ErrLogin) {
			out.Err = fmt.Errorf("%w: %w", ErrAccount, e.Err)
		}
		if f, unfit := errors.AsType[*sip2.FieldError](e.Err); unfit {
			out.Outcome = Refused
			switch f.Field {
			case "AA":
				out.Rule = CardNotFound
			case "AB":
				out.Rule = ItemNotFound
			}
		}
	case sip2.Unread:
		out.Outcome = Unread
	case sip2.Refused:
		out.Outcome = Refused
	default:
		out.Outcome = Unsure
	}
	return out
}
