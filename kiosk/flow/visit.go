package flow

import (
	"slices"

	"coldstation/sync/circ"
)

func (t *turn) begin() {
	t.LastVisit++
	t.Visit = Visit{ID: t.LastVisit}
	t.Page, t.Touched = Welcome, false
}

// resume takes up a visit that was cut off. What was being decided then is
// forgotten: nobody was told of it.
func (t *turn) resume(m Resumed) {
	if t.Visit.ID != 0 || len(m.Done) == 0 {
		return
	}
	t.LastVisit = max(t.LastVisit, m.Visit)
	t.Visit = Visit{ID: m.Visit, Arrived: t.Now.Up, Emptied: t.Now.Up, Last: m.Done[len(m.Done)-1].Item.ID}
	for _, d := range m.Done {
		t.Visit.Entries = append(t.Visit.Entries, Entry{
			Seen: ItemSeen{Item: d.Item, Known: d.Known}, Fate: d.Fate, Made: d.Fate, Seq: d.Seq, At: d.At,
			From: d.From, Back: d.Fate == Returned || d.Fate == Boxed, Due: d.Due, Clock: t.Now.Clock, Easy: d.Easy,
		})
	}
	t.moved()
}

// end leaves nothing of a person on the screen. What still lies there is left
// over; what is still being saved is followed up unseen.
func (t *turn) end() {
	for i := range t.Pad {
		t.Pad[i].Left = true
	}
	for _, e := range t.Visit.Entries {
		if e.Fate == Saving {
			t.Past = append(t.Past, e)
		}
	}
	t.Visit, t.Desk = Visit{}, nil
	t.Page, t.Asked, t.Touched, t.Press = Welcome, 0, false, Pressed{}
	t.Scale = t.Rules.Scale
	t.Look, t.Chosen = t.Rules.Look, false
}

func (t *turn) cardSeen(m CardSeen) {
	if t.understood(m.Token) {
		return
	}
	card := t.card(m)
	owner := t.Visit.Card
	t.Page = Welcome
	switch {
	case m.Tile && owner != nil && owner.Staff && !t.Visit.Locked:
		t.choose(card.Own) // whom the staff vouches for
	case owner != nil && owner.Own.Ref == card.Own.Ref:
	case owner != nil && !m.Scanned && t.present(owner.Own.Ref) && (card.Staff || !t.staffed()):
	default:
		if owner != nil || t.stale() {
			t.end()
		}
		if t.Visit.ID == 0 {
			t.begin()
		}
		t.greet(card)
	}
	switch {
	case m.Tile: // what lies on the pad tells how long the visit lasts
	case m.Scanned:
		t.Visit.Scanned = true
	default:
		t.Pad = append(t.Pad, Thing{Token: m.Token, Card: card})
	}
}

// stale reports whether the books on the pad have lain there too long to be
// those of somebody who shows a card now.
func (t *turn) stale() bool {
	return t.Visit.ID != 0 && t.occupied() && t.Now.Up-t.Visit.Arrived > t.Rules.Gather
}

func (t *turn) itemSeen(m ItemSeen) {
	if t.understood(m.Token) {
		return
	}
	if m.Found && t.entry(m.Item.ID) == nil {
		t.Pad = append(t.Pad, Thing{Token: m.Token, Item: m.Item, Left: true})
		t.mend(m)
		return
	}
	if t.parted(m.Item.ID) {
		t.end()
	}
	if t.Visit.ID == 0 {
		t.begin()
	}
	if m.Scanned {
		t.Visit.Scanned = true
	} else {
		thing := Thing{Token: m.Token, Item: m.Item, Tag: m.Security}
		if m.Unready {
			thing.Tag = NoSecurity
		}
		t.Pad = append(t.Pad, thing)
	}
	t.Page = Welcome
	t.Visit.Last = m.Item.ID
	e := t.entry(m.Item.ID)
	if e == nil {
		t.count(m)
		t.Visit.Entries = append(t.Visit.Entries, Entry{Seen: m})
		t.decide(&t.Visit.Entries[len(t.Visit.Entries)-1])
		return
	}
	t.Visit.Arrived = t.Now.Up
	// A set's other tags arrive while the first still lies there.
	more := t.lying(m.Item.ID) > 1
	e.Seen.Token, e.Seen.Scanned, e.Seen.Missing = m.Token, m.Scanned, m.Missing
	e.Seen.Security, e.Seen.Unready = m.Security, m.Unready
	switch e.Fate {
	case Waiting, Keep, AskStaff:
		t.decide(e)
	case Borrowed, Returned, Boxed, Undone:
		if e.Orphan && t.offered(*e) && !more {
			t.borrow(e) // it was lifted and put down again before the card's holder
			return
		}
		e.Again = !more
		t.secure(e)
	}
}

// count counts the books that came down together.
func (t *turn) count(m ItemSeen) {
	v := &t.Visit
	if m.Scanned || v.Stack == 0 || t.Now.Up-v.Arrived > t.Rules.Stack {
		v.Stack = 0
	}
	v.Stack, v.Counted, v.Arrived = v.Stack+1, false, t.Now.Up
}

// understood reports whether what lies there is known already. Something strange
// makes room for what it turned out to be.
func (t *turn) understood(token Token) bool {
	thing := t.thing(token)
	if thing == nil {
		return false
	}
	if thing.Card != nil || thing.Item.ID != "" {
		return true
	}
	t.Pad = slices.DeleteFunc(t.Pad, func(thing Thing) bool { return thing.Token == token })
	return false
}

// parted reports whether an item comes from somebody else: whoever has dealt with
// their items and left the pad empty, card and all, has most likely gone. The item
// then waits for a card. A scanner's visit leaves the pad empty all the time.
func (t *turn) parted(id circ.ItemID) bool {
	return t.Visit.For != nil && !t.Visit.Scanned && !t.occupied() && !t.Resting &&
		len(t.Visit.Entries) > 0 && t.entry(id) == nil && t.Now.Up-t.Visit.Emptied >= t.Rules.Part
}

func (t *turn) strangeSeen(m StrangeSeen) {
	if t.thing(m.Token) != nil {
		return
	}
	if t.Visit.ID == 0 {
		t.begin()
	}
	t.Pad = append(t.Pad, Thing{Token: m.Token})
}

func (t *turn) lifted(m Lifted) {
	i := slices.IndexFunc(t.Pad, func(thing Thing) bool { return thing.Token == m.Token })
	if i < 0 {
		return
	}
	gone := t.Pad[i]
	t.Pad = slices.Delete(t.Pad, i, i+1)
	t.moved()
	if gone.Left || t.Visit.ID == 0 {
		return
	}
	if gone.Card != nil {
		t.next(gone.Card)
	} else if t.lying(gone.Item.ID) > 0 {
		if e := t.entry(gone.Item.ID); e != nil {
			e.Seen.Missing = m.Missing
		}
	} else {
		if e := t.entry(gone.Item.ID); e != nil && e.Fate == Waiting && t.whose() {
			t.choose(t.Visit.Card.Own) // who takes the book along and answers nothing means themselves
		}
		// It went back to the shelf, as the screen proposed.
		t.Visit.Entries = slices.DeleteFunc(t.Visit.Entries, func(e Entry) bool {
			return e.Seen.Item.ID == gone.Item.ID && (e.Fate == Waiting || e.Fate == AskStaff)
		})
	}
	if t.occupied() {
		return
	}
	t.Touched, t.Visit.Emptied = false, t.Now.Up
	if t.Visit.Card == nil && len(t.Visit.Entries) == 0 {
		t.end()
	}
}

// next begins the visit of a card that waited while another lay on the pad.
func (t *turn) next(gone *Card) {
	if owner := t.Visit.Card; owner == nil || owner.Own.Ref != gone.Own.Ref || t.present(owner.Own.Ref) {
		return
	}
	for i := range t.Pad {
		if card := t.Pad[i].Card; card != nil && !t.Pad[i].Left {
			t.end()
			t.begin()
			t.greet(card)
			t.Pad[i].Left = false
			return
		}
	}
}

// present reports whether a card of the account lies on the pad.
func (s State) present(ref circ.Ref) bool {
	return slices.ContainsFunc(s.Pad, func(thing Thing) bool {
		return thing.Card != nil && thing.Card.Own.Ref == ref && !thing.Left
	})
}

func (t *turn) thing(token Token) *Thing {
	i := slices.IndexFunc(t.Pad, func(thing Thing) bool { return thing.Token == token })
	if i < 0 {
		return nil
	}
	return &t.Pad[i]
}

// lying counts the tags of an item that lie on the pad in this visit.
func (s State) lying(id circ.ItemID) (n int) {
	for _, thing := range s.Pad {
		if thing.Item.ID == id && thing.Card == nil && !thing.Left {
			n++
		}
	}
	return n
}

func (t *turn) entry(id circ.ItemID) *Entry {
	i := slices.IndexFunc(t.Visit.Entries, func(e Entry) bool { return e.Seen.Item.ID == id })
	if i < 0 {
		return nil
	}
	return &t.Visit.Entries[i]
}
