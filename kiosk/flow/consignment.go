package flow

import (
	"slices"

	"coldstation/sync/circ"
)

// Consignment is a box on its way here, or one that came and is not accepted yet.
type Consignment struct {
	ID    string
	Title string        // what the library calls it; may be empty
	Items []circ.Item   // that should be in it; none: nobody has told of it yet
	Seen  []circ.ItemID // of which the ledger says that they came with it
	Extra []circ.Item   // the same of what is not in Items
}

func (c Consignment) holds(id circ.ItemID) bool {
	return slices.ContainsFunc(c.Items, func(item circ.Item) bool { return item.ID == id })
}

// Boxing is what Receiving knows.
type Boxing struct {
	All    []Consignment // never written through
	Chosen string        // the one that is being received; "": none yet, or one without a name
	Named  bool          // Chosen was said, by its label or a touch
}

// consignmentsRead goes on where the staff left. Of one consignment it is clear which
// it is, and of several of which one is begun.
func (t *turn) consignmentsRead(all []Consignment) {
	d := t.Desk
	d.Boxing.All = all
	for _, c := range all {
		for _, item := range c.Items {
			if slices.Contains(c.Seen, item.ID) {
				d.Items = append(d.Items, Handled{Seen: ItemSeen{Item: item, Known: true}, Fate: Arrived, List: c.ID})
			}
		}
		for _, item := range c.Extra {
			h := Handled{Seen: ItemSeen{Item: item}, Fate: Arrived, List: c.ID}
			if len(c.Items) > 0 {
				h.Fate = Extra
			}
			d.Items = append(d.Items, h)
		}
	}
	if d.Boxing.Named {
		return // its label was quicker
	}
	if len(all) == 1 {
		d.Boxing.Chosen = all[0].ID
	} else if len(d.Items) > 0 {
		d.Boxing.Chosen = d.Items[0].List
	}
}

// chooseConsignment takes the name on a box's label, or the one that was touched. What
// nobody has told of is received under its name, and matched at the library.
func (t *turn) chooseConsignment(id string) {
	b := &t.Desk.Boxing
	b.Chosen, b.Named = id, true
}

// chosen is the consignment that is being received; without Items for one that is not
// known.
func (b Boxing) chosen() Consignment {
	c, _ := b.consignment(b.Chosen)
	c.ID = b.Chosen
	return c
}

func (b Boxing) consignment(id string) (Consignment, bool) {
	i := slices.IndexFunc(b.All, func(c Consignment) bool { return c.ID == id })
	if i < 0 {
		return Consignment{}, false
	}
	return b.All[i], true
}

// choosing reports whether it is to be asked which of several boxes it is.
func (b Boxing) choosing() bool { return len(b.All) > 1 && b.Chosen == "" && !b.Named }

// listOf is the consignment that an item came with: the chosen one, or else any that
// should hold it.
func (b Boxing) listOf(id circ.ItemID) (string, bool) {
	if b.chosen().holds(id) {
		return b.Chosen, true
	}
	for _, c := range b.All {
		if c.holds(id) {
			return c.ID, true
		}
	}
	return "", false
}

// receive deals with an item from a box.
//
//	the item is                                then
//	in a consignment                           placed with it, whichever it is; on loan
//	                                           here, it has come back first
//	another library's, or at home elsewhere    into the box for those
//	on loan here                               the library decides
//	in none, and the chosen one is known       placed, as one more than expected
//	in none, and nobody told of the box        placed under the box's name
func (t *turn) receive(h *Handled) {
	d, m := t.Desk, h.Seen
	list, listed := d.Boxing.listOf(m.Item.ID)
	told := len(d.Boxing.chosen().Items) > 0 || d.Boxing.choosing()
	if listed && d.Boxing.Chosen == "" && !d.Boxing.Named {
		d.Boxing.Chosen = list // the first book says which box it is
	}
	placed := circ.Placed{Item: m.Item.ID, Consignment: d.Boxing.Chosen, By: t.hands()}
	h.List = d.Boxing.Chosen
	switch {
	case listed:
		h.List, placed.Consignment = list, list
		if m.OnLoan {
			t.saveItem(h, Arrived, t.broughtBack(m), placed)
			return
		}
		t.saveItem(h, Arrived, placed)
	case m.Foreign || told && m.Known && !t.belongs(Entry{Seen: m}):
		in := t.broughtBack(m)
		in.Belongs = false
		t.saveItem(h, Astray, in)
	case m.OnLoan:
		h.Fate = LentHere
	case told:
		t.saveItem(h, Extra, placed)
	default:
		t.saveItem(h, Arrived, placed)
	}
}

// tally is how the chosen consignment stands.
type tally struct {
	seen, missing, extra []circ.ItemID
}

func (d *Desk) tally() (n tally) {
	c := d.Boxing.chosen()
	for _, h := range d.Items {
		switch {
		case h.Fate == Arrived && h.List == c.ID:
			n.seen = append(n.seen, h.Seen.Item.ID)
		case h.Fate == Extra, h.Fate == Astray, h.Fate == LentHere:
			n.extra = append(n.extra, h.Seen.Item.ID)
		}
	}
	for _, item := range c.Items {
		if !slices.Contains(n.seen, item.ID) {
			n.missing = append(n.missing, item.ID)
		}
	}
	return n
}

// accept takes the consignment as it is. It waits for what is still being saved.
func (t *turn) accept() {
	d := t.Desk
	if d.Page != Receiving || !d.acceptable() {
		return
	}
	n := d.tally()
	t.saveTask(circ.ConsignmentChecked{Consignment: d.Boxing.Chosen, Seen: n.seen, Missing: n.missing, Extra: n.extra, By: t.hands()})
}

func (d *Desk) acceptable() bool {
	n := d.tally()
	return d.Read && len(n.seen)+len(n.extra) > 0 && !d.saving()
}

func (d *Desk) saving() bool {
	return d.ticket != 0 || slices.ContainsFunc(d.Items, func(h Handled) bool { return h.Fate == Saving })
}

// accepted: the consignment is received. When another one's books came with it, that
// one is next.
func (t *turn) accepted() {
	d := t.Desk
	c := d.Boxing.chosen()
	n := len(d.tally().seen)
	d.Boxing.All = slices.DeleteFunc(slices.Clone(d.Boxing.All), func(other Consignment) bool { return other.ID == c.ID })
	d.Items = slices.DeleteFunc(d.Items, func(h Handled) bool {
		return h.Fate == Extra || h.Fate == Astray || h.Fate == LentHere || h.Fate == Arrived && h.List == c.ID
	})
	d.Boxing.Chosen, d.Boxing.Named = "", false
	for _, h := range d.Items {
		if h.Fate == Arrived {
			d.Boxing.Chosen = h.List
			return
		}
	}
	d.Page, d.Done = DeskDone, Phrase{Key: "receive.done", N: n}
}
