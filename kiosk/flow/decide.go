package flow

import (
	"time"

	"coldstation/sync/circ"
)

// decide says what an item means that lies here and is not settled; the table
// stands in the package comment.
func (t *turn) decide(e *Entry) {
	card, account, loan := t.Visit.Card, t.Visit.For, e.Seen.Loan
	nobody := card == nil && account == nil
	switch {
	case e.Seen.Foreign:
		t.giveBack(e)
	case e.Seen.OnLoan && (nobody || t.ours(loan.Patron)):
		young := t.since(loan.At)
		unready := t.Rules.Tags && (e.Seen.Security == Secured || e.Seen.Unready)
		if card != nil && young < t.Rules.Undo || unready && young < t.Rules.Finish {
			t.still(e, young)
		} else {
			t.giveBack(e)
		}
	case nobody && (e.Seen.Housed || !t.belongs(*e)):
		t.giveBack(e)
	case account == nil:
		e.Fate = Waiting
		t.secure(e)
	case e.Seen.OnLoan && (!account.Lend || e.Seen.Missing > 0):
		t.giveBack(e)
	case account.Lend && e.Seen.Missing > 0:
		e.Fate = Waiting
		t.secure(e)
	case account.Lend:
		t.borrow(e)
	default:
		e.Fate = AskStaff
		t.secure(e)
	}
}

// since is how long ago a wall time was; for ever when it lies in the future,
// as after a clock was set.
func (t *turn) since(at time.Time) time.Duration {
	if d := t.Now.Wall.Sub(at); d >= 0 && !at.IsZero() {
		return d
	}
	return 1<<63 - 1
}

// belongs reports whether an item stays on this shelf.
func (s State) belongs(e Entry) bool {
	home := e.Seen.Item.Home
	return e.Seen.Known && !e.Seen.Foreign && (home == "" || home == s.Rules.Station)
}

// still: the loan was made minutes ago and is the same.
func (t *turn) still(e *Entry, young time.Duration) {
	loan := e.Seen.Loan
	e.Fate, e.Made, e.Again = Borrowed, Borrowed, true
	e.Seq, e.At = loan.Seq, t.Now.Up-young
	e.Due, e.Clock = loan.Due, t.Now.Clock
	if a := t.Visit.For; a != nil {
		e.Days, e.Easy = a.Policy.LoanDays, a.Policy.FeeFree
	}
	t.secure(e)
}

func (t *turn) borrow(e *Entry) {
	a, card := t.Visit.For, t.Visit.Card
	if e.Seen.OnLoan && e.Made == Waiting {
		e.From = e.Seen.Loan.Patron
	}
	if a.Ref.IsZero() {
		t.useHere(e)
		return
	}
	out := circ.CheckedOut{
		Visit: t.Visit.ID, Item: e.Seen.Item.ID, Patron: a.Ref, By: card.Own.Ref,
		Due: a.Policy.Due(t.Now.Wall), Flags: a.Flags,
	}
	if card.Staff && a.Ref != card.Own.Ref {
		out.Flags |= circ.ByStaff
	}
	if !e.Back && !e.From.IsZero() {
		out.From = e.From
		out.Flags |= circ.ImpliedReturn
	}
	if !e.Seen.Known {
		out.Flags |= circ.UnknownItem
	}
	if limit := a.Policy.Limit; limit > 0 && t.loans() >= limit {
		out.Flags |= circ.OverLimit
	}
	e.Due, e.Days, e.Easy, e.Clock = out.Due, a.Policy.LoanDays, a.Policy.FeeFree, t.Now.Clock
	t.save(e, Borrowed, out)
}

// useHere takes an item into use in the house. On loan to somebody, it has come
// back first.
func (t *turn) useHere(e *Entry) {
	var bodies []circ.EventBody
	if !e.Back && !e.From.IsZero() {
		in, _ := t.checkedIn(*e)
		bodies = append(bodies, in)
	}
	t.save(e, Housed, append(bodies, circ.LentToHouse{Visit: t.Visit.ID, Item: e.Seen.Item.ID})...)
}

// loans are those of the visit's account by now.
func (t *turn) loans() int {
	n := t.Visit.For.Loans
	for _, e := range t.Visit.Entries {
		fate := e.Fate
		if fate == Saving {
			fate = e.next
		}
		mine := e.Seen.OnLoan && e.Seen.Loan.Patron == t.Visit.For.Ref
		switch {
		case fate == Borrowed && !mine:
			n++
		case (fate == Returned || fate == Boxed) && mine:
			n--
		}
	}
	return n
}

func (t *turn) giveBack(e *Entry) {
	if e.Seen.OnLoan {
		e.From = e.Seen.Loan.Patron
	}
	e.Orphan = t.Visit.For == nil
	in, fate := t.checkedIn(*e)
	t.save(e, fate, in)
}

func (t *turn) checkedIn(e Entry) (circ.CheckedIn, Fate) {
	in := circ.CheckedIn{Visit: t.Visit.ID, Item: e.Seen.Item.ID, Patron: e.From, Belongs: t.belongs(e) && !e.Seen.Wanted}
	if !e.Seen.Known {
		in.Flags |= circ.UnknownItem
	}
	if in.Belongs {
		return in, Returned
	}
	return in, Boxed
}

// offered reports whether a book that came back in this visit may be borrowed
// with its card. It is not done unasked: somebody else may have brought it.
func (s State) offered(e Entry) bool {
	a := s.Visit.For
	return a != nil && a.Lend && !e.Seen.Foreign && (e.From != a.Ref || a.Ref.IsZero()) &&
		(e.Fate == Returned || e.Fate == Boxed)
}

// lacking reports whether a set waits for parts of it, which is all that an item
// waits for once it is known for whom. It is borrowed without them when asked for.
func (s State) lacking(e Entry) bool { return e.Fate == Waiting && s.Visit.For != nil }

// undoable reports whether "I did not mean this one" still works.
func (s State) undoable(e Entry) bool {
	return e.Seq != 0 && s.Now.Up-e.At < s.Rules.Undo &&
		(e.Fate == Borrowed || e.Fate == Housed || e.Fate == Returned || e.Fate == Boxed)
}

// out reports whether an item leaves the shelf with a fate.
func (f Fate) out() bool { return f == Borrowed || f == Housed }

// undo takes the last event back. The book did lie here, so a loan to somebody
// else stays ended, and a book of another shelf goes into the box.
func (t *turn) undo(e *Entry) {
	bodies := []circ.EventBody{circ.Undone{Visit: t.Visit.ID, Seq: e.Seq}}
	t.Visit.Last = e.Seen.Item.ID
	e.Orphan = false
	in, back := t.checkedIn(*e)
	switch {
	case !e.Fate.out():
		t.save(e, Undone, bodies...)
	case e.Back:
		t.save(e, back, bodies...)
	case !e.From.IsZero() || !t.belongs(*e):
		t.save(e, back, append(bodies, in)...)
	default:
		t.save(e, Undone, bodies...)
	}
}

// redo does after all what was undone.
func (t *turn) redo(e *Entry) {
	t.Visit.Last = e.Seen.Item.ID
	if !e.Made.out() {
		in, fate := t.checkedIn(*e)
		t.save(e, fate, in)
	} else if t.Visit.For != nil && t.Visit.For.Lend {
		t.borrow(e)
	}
}

// save asks for bodies to be made durable; the item becomes next with them.
func (t *turn) save(e *Entry, next Fate, bodies ...circ.EventBody) {
	_, undone := bodies[len(bodies)-1].(circ.Undone)
	e.before, e.next, e.made, e.offset = e.Fate, next, !undone, uint64(len(bodies)-1)
	e.Fate, e.Again, e.Failed = Saving, false, false
	e.ticket = t.record(bodies...)
}

func (t *turn) record(bodies ...circ.EventBody) uint64 {
	t.Ticket++
	t.emit(Record{Ticket: t.Ticket, Bodies: bodies})
	return t.Ticket
}

func (t *turn) recorded(m Recorded) {
	for i := range t.Past {
		if e := t.Past[i]; e.ticket == m.Ticket {
			if !m.Failed {
				e.Fate = e.next
				t.secure(&e)
			}
			t.Past = append(t.Past[:i], t.Past[i+1:]...)
			return
		}
	}
	for i := range t.Visit.Entries {
		if e := &t.Visit.Entries[i]; e.Fate == Saving && e.ticket == m.Ticket {
			t.settle(e, m)
			return
		}
	}
	t.called(m)
	if r := t.Visit.Renewal; r.ticket == m.Ticket && r.ticket != 0 {
		t.renewed(m)
	}
}

func (t *turn) settle(e *Entry, m Recorded) {
	t.Quiet = t.Now.Up
	t.Visit.Last = e.Seen.Item.ID
	if m.Failed {
		if e.before.out() || e.before == Returned || e.before == Boxed || e.before == Undone {
			e.Fate, e.Failed = e.before, true
		} else {
			e.Fate = Keep
		}
		return
	}
	e.Fate, e.At, e.Seq = e.next, t.Now.Up, 0
	if e.made {
		e.Made, e.Seq = e.next, m.Seq+e.offset
	}
	switch e.Fate {
	case Returned, Boxed:
		e.Back = true
	case Undone:
		e.Back = false
	}
	t.recall(e)
	t.secure(e)
}

// recall keeps what its holder has had, for who wants that.
func (t *turn) recall(e *Entry) {
	card, a := t.Visit.Card, t.Visit.For
	switch {
	case card == nil || a == nil || !card.Recalls || a.Ref != card.Own.Ref:
	case e.Fate == Borrowed:
		t.emit(Recall{a.Ref, e.Seen.Item})
	case e.before == Borrowed && !e.Had:
		t.emit(Forget{a.Ref, e.Seen.Item})
	}
}
