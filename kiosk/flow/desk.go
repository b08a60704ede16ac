package flow

import (
	"slices"

	"coldstation/sync/circ"
)

// Desk is a task of the staff that is under way. It is part of the visit of a staff
// card: nothing but such a card, with its secret number where it has one, leads here,
// and the desk closes with the visit. While it is open, what comes onto the pad or from
// the scanner goes to the task and is no visit's. Another card ends it, and so does
// time; what was seen is durable by then.
//
//	page                 what comes goes to
//	Receiving            consignment.go: a consignment is received
//	TakingOut            takeout.go: the library's lists are taken out
//	Shelving and its     shelf.go: the shelf is counted
//	  questions
//	Boxes, DeskDone      nothing; it lies there
type Desk struct {
	Page   Screen
	Read   bool       // the station has told what the task needs
	Items  []Handled  // that were dealt with, oldest first
	early  []ItemSeen // came before Read
	ticket uint64     // of what ends the task, while it is being made durable; 0: nothing is
	Failed bool       // it could not be made durable
	Done   Phrase     // what DeskDone says
	Boxing Boxing
	Wanted []Wanted    // of TakingOut
	Shelf  []circ.Item // what should stand on it, as far as is known
	Whole  bool        // all of the shelf was counted
	Group  Action      // of the count's result, as ShelfGroup lists it
	Boxed  []circ.Item // what is in the box
}

// Handled is an item that the staff deals with.
type Handled struct {
	Seen ItemSeen // at its latest arrival
	Fate Fate
	List string // the consignment or recall that it is counted to; "" for none

	ticket uint64 // while Saving
	next   Fate   // it becomes this when saved
}

// staffed reports whether the staff side is open, locked or not: neither a person's
// account nor the house was chosen.
func (s State) staffed() bool {
	return s.Visit.Card != nil && s.Visit.Card.Staff && s.Visit.For == nil
}

// openDesk opens a task from the staff's page. What lies there from this visit goes to
// it: the stack often comes before the finger.
func (t *turn) openDesk(page Screen) {
	if t.screen() != Staffing {
		return
	}
	t.Desk = &Desk{Page: page}
	for _, e := range t.Visit.Entries {
		switch {
		case e.Fate == Saving:
			t.Past = append(t.Past, e)
		case e.Seen.Scanned || t.lying(e.Seen.Item.ID) > 0:
			seen := e.Seen
			seen.OnLoan = seen.OnLoan && !e.Back
			t.Desk.early = append(t.Desk.early, seen)
		}
	}
	t.Visit.Entries = nil
	t.emit(ReadDesk{page})
}

// atDesk takes what an open desk takes, and reports whether it did.
func (t *turn) atDesk(m Msg) bool {
	d := t.Desk
	switch m := m.(type) {
	case ItemSeen:
		t.moved()
		t.deskSees(m)
	case BoxSeen:
		t.moved()
		if d.Page == Receiving {
			t.chooseConsignment(m.Consignment)
		}
	case DeskRead:
		if !d.Read && m.Page == d.Page {
			t.deskRead(m)
		}
	case CountNoted:
		if h := d.item(m.Item); h != nil && h.Fate == Saving && h.ticket == 0 {
			t.settleItem(h, m.Failed)
		}
	case Recorded:
		return t.deskRecorded(m)
	case Pressed:
		return t.deskAnswers(m.Action) && t.deskPressed(m)
	default:
		return false
	}
	return true
}

// deskAnswers reports whether an action is the desk's, or none that may lead past it.
func (t *turn) deskAnswers(a Action) bool {
	return a != Help && a != Looks && a != SayAgain && a != StillHere && (a != Back || t.Page == Welcome)
}

func (t *turn) deskRead(m DeskRead) {
	d := t.Desk
	d.Read = true
	switch d.Page {
	case Receiving:
		t.consignmentsRead(m.Consignments)
	case TakingOut:
		d.Wanted = m.Wanted
	case Shelving:
		d.Shelf = m.Shelf
		for _, seen := range m.Counted {
			d.Items = append(d.Items, Handled{Seen: seen, Fate: t.shelfFate(seen)})
		}
	case Boxes:
		d.Boxed = m.Boxed
	}
	for _, seen := range d.early {
		t.handle(seen)
	}
	d.early = nil
}

// deskSees takes an item in that came onto the pad or was scanned.
func (t *turn) deskSees(m ItemSeen) {
	if t.understood(m.Token) {
		return
	}
	t.Page = Welcome
	if !m.Scanned {
		thing := Thing{Token: m.Token, Item: m.Item, Tag: m.Security}
		if m.Unready {
			thing.Tag = NoSecurity
		}
		t.Pad = append(t.Pad, thing)
	}
	if !t.Desk.Read {
		t.Desk.early = append(t.Desk.early, m)
		return
	}
	t.handle(m)
}

// handle has the task deal with an item. One that it has dealt with is the same item
// again, whatever was put down twice; what could not be saved is tried once more.
func (t *turn) handle(m ItemSeen) {
	d := t.Desk
	h := d.item(m.Item.ID)
	switch {
	case h == nil:
		d.Items = append(d.Items, Handled{Seen: m})
		h = &d.Items[len(d.Items)-1]
	case h.Fate == Keep:
		h.Seen = m
	default:
		h.Seen.Token, h.Seen.Scanned, h.Seen.Security, h.Seen.Unready = m.Token, m.Scanned, m.Security, m.Unready
		if h.Fate == Arrived || h.Fate == Present {
			t.protect(*h)
		}
		return
	}
	switch d.Page {
	case Receiving:
		t.receive(h)
	case TakingOut:
		t.takeOut(h)
	case Shelving, ShelfWhole, ShelfResult, ShelfGroup:
		d.Page = Shelving // there was one more
		t.countItem(h)
	default:
		d.Items = d.Items[:len(d.Items)-1]
	}
}

// item is what was dealt with under a name; nil for none.
func (d *Desk) item(id circ.ItemID) *Handled {
	i := slices.IndexFunc(d.Items, func(h Handled) bool { return h.Seen.Item.ID == id })
	if i < 0 {
		return nil
	}
	return &d.Items[i]
}

// saveItem asks for bodies to be made durable; the item becomes next with them.
func (t *turn) saveItem(h *Handled, next Fate, bodies ...circ.EventBody) {
	h.Fate, h.next = Saving, next
	h.ticket = t.record(bodies...)
}

func (t *turn) deskRecorded(m Recorded) bool {
	d := t.Desk
	if d.ticket != 0 && d.ticket == m.Ticket {
		d.ticket, d.Failed = 0, m.Failed
		if !m.Failed {
			t.taskRecorded()
		}
		return true
	}
	i := slices.IndexFunc(d.Items, func(h Handled) bool { return h.Fate == Saving && h.ticket == m.Ticket && m.Ticket != 0 })
	if i < 0 {
		return false
	}
	t.settleItem(&d.Items[i], m.Failed)
	return true
}

func (t *turn) settleItem(h *Handled, failed bool) {
	h.ticket = 0
	if failed {
		h.Fate = Keep
		return
	}
	h.Fate = h.next
	if h.Fate == Arrived || h.Fate == Present || h.Fate == Returned {
		t.protect(*h)
	}
}

// protect has the tags of an item that stays on the shelf sound at the gate again.
func (t *turn) protect(h Handled) {
	wrong := h.Seen.Security == Unsecured || h.Seen.Unready || h.Fate != Present && h.Seen.Security == NoSecurity
	if wrong {
		e := Entry{Seen: h.Seen}
		t.want(&e, Secured)
	}
}

// deskPressed takes a press of a button that is on the desk's page.
func (t *turn) deskPressed(m Pressed) bool {
	d := t.Desk
	if d.ticket != 0 && m.Action != Back {
		return true // one thing at a time
	}
	switch m.Action {
	case Back:
		t.deskBack()
	case ThisBox:
		if d.Page == Receiving {
			t.chooseConsignment(m.List)
		}
	case Accept:
		t.accept()
	case EnoughOut:
		if d.Page == TakingOut && d.Read {
			t.enoughOut()
		}
	case AllCounted, WholeShelf, PartShelf, SendCount, ShowMissing, ShowLent, ShowAstray:
		t.shelfPressed(m.Action)
	case TakeBack:
		if h := d.item(m.Item); h != nil && h.Fate == LentHere && d.Page == ShelfGroup {
			t.saveItem(h, Returned, t.broughtBack(h.Seen))
		}
	case BoxEmptied:
		t.emptyBox()
	}
	return true
}

// broughtBack is the return of an item on loan into the hands of the staff.
func (t *turn) broughtBack(m ItemSeen) circ.CheckedIn {
	in := circ.CheckedIn{Visit: t.Visit.ID, Item: m.Item.ID, Patron: m.Loan.Patron, Flags: circ.ByStaff, Belongs: t.belongs(Entry{Seen: m})}
	if !m.Known {
		in.Flags |= circ.UnknownItem
	}
	return in
}

// deskBack leads one page back, and in the end to the staff's page. Everything that was
// seen stays: who comes again goes on from there.
func (t *turn) deskBack() {
	d := t.Desk
	switch d.Page {
	case ShelfWhole, ShelfResult:
		d.Page = Shelving
	case ShelfGroup:
		d.Page = ShelfResult
	default:
		t.Desk = nil
	}
}

// taskRecorded: what ends the task is durable.
func (t *turn) taskRecorded() {
	d := t.Desk
	switch d.Page {
	case Receiving:
		t.accepted()
	case ShelfResult:
		t.emit(ForgetCount{})
		d.Page, d.Done = DeskDone, Phrase{Key: "shelf.sent", N: len(d.Items)}
	case Boxes:
		d.Page, d.Done = DeskDone, Phrase{Key: "boxes.emptied", N: len(d.Boxed)}
	}
}

// saveTask asks for what ends the task to be made durable.
func (t *turn) saveTask(bodies ...circ.EventBody) {
	t.Desk.Failed = false
	t.Desk.ticket = t.record(bodies...)
}

// emptyBox: what was in the box is on its way.
func (t *turn) emptyBox() {
	d := t.Desk
	if d.Page != Boxes || len(d.Boxed) == 0 {
		return
	}
	var bodies []circ.EventBody
	for _, item := range d.Boxed {
		bodies = append(bodies, circ.TakenOut{Item: item.ID, By: t.hands()})
	}
	t.saveTask(bodies...)
}

// clone is a desk that a step may write to.
func (d *Desk) clone() *Desk {
	if d == nil {
		return nil
	}
	next := *d
	next.Items, next.early = slices.Clone(d.Items), slices.Clone(d.early)
	return &next
}
