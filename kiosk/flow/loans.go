package flow

import (
	"slices"
	"time"

	"coldstation/sync/circ"
)

// renewal is one that is being made durable; no ticket: none is.
type renewal struct {
	ticket uint64
	item   circ.ItemID
	due    time.Time
}

// listable reports whether these hands may see the account's loans.
func (s State) listable() bool {
	a := s.Visit.For
	return a != nil && !a.Ref.IsZero() && a.Scopes&circ.MaySeeLoans != 0
}

// renewable is until when a loan may go on; the zero time when it may not.
func (s State) renewable(o Owned) time.Time {
	a := s.Visit.For
	if a == nil || a.Scopes&circ.MayRenew == 0 || o.Loan.Due.IsZero() || o.Loan.Renewed >= a.Policy.Renewals {
		return time.Time{}
	}
	if due := a.Policy.Due(s.Now.Wall); due.After(o.Loan.Due) {
		return due
	}
	return time.Time{}
}

func (t *turn) renew(id circ.ItemID) {
	v := &t.Visit
	i := slices.IndexFunc(v.Owned, func(o Owned) bool { return o.Item.ID == id })
	if t.Page != Listing || i < 0 || v.Renewal.ticket != 0 {
		return
	}
	due := t.renewable(v.Owned[i])
	if due.IsZero() {
		return
	}
	ticket := t.record(circ.Renewed{Visit: v.ID, Item: id, Patron: v.For.Ref, By: t.hands(), Due: due})
	v.Renewal = renewal{ticket, id, due}
}

// renewed shows the new date once it is durable; until then, and when it could not
// be saved, the old one stands.
func (t *turn) renewed(m Recorded) {
	v := &t.Visit
	i := slices.IndexFunc(v.Owned, func(o Owned) bool { return o.Item.ID == v.Renewal.item })
	if !m.Failed && i >= 0 {
		v.Owned = slices.Clone(v.Owned)
		loan := &v.Owned[i].Loan
		loan.Due, loan.State = v.Renewal.due, circ.NotedHere
		loan.Renewed++
	}
	v.Renewal = renewal{}
}

// owned is the account's loans as lines.
func (s State) owned() (lines []Line) {
	for _, o := range s.Visit.Owned {
		e := Entry{Seen: ItemSeen{Item: o.Item}, Due: o.Loan.Due, Clock: circ.ClockHub, Easy: s.Visit.For != nil && s.Visit.For.Policy.FeeFree}
		line := Line{Item: o.Item, Fate: Held, Words: e.due("fate.due"), Note: Phrase{Key: knowing[o.Loan.State]}}
		if !s.renewable(o).IsZero() && !e.Easy {
			line.Button = Button{Action: Renew, Item: o.Item.ID}
		}
		lines = append(lines, line)
	}
	return lines
}

// knowing is how far a loan is known, in a resident's words.
var knowing = [...]string{
	circ.NotedHere: "loan.noted", circ.Received: "loan.received", circ.Confirmed: "loan.confirmed", circ.Refused: "loan.refused",
}
