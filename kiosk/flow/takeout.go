package flow

import (
	"slices"

	"coldstation/sync/circ"
)

// Wanted is an item that the library wants taken out.
type Wanted struct {
	Item circ.Item
	List string // of the library, on which it stands
	Lent bool   // it is on loan; to whom is nobody's business
}

// takeOut deals with an item from the shelf: what is on a list is taken out, and any
// other goes back. One on loan that lies here has come back first.
func (t *turn) takeOut(h *Handled) {
	i := slices.IndexFunc(t.Desk.Wanted, func(w Wanted) bool { return w.Item.ID == h.Seen.Item.ID })
	if i < 0 {
		h.Fate = Stays
		return
	}
	h.List = t.Desk.Wanted[i].List
	out := circ.TakenOut{Item: h.Seen.Item.ID, Consignment: h.List, By: t.hands()}
	if h.Seen.OnLoan {
		t.saveItem(h, Removed, t.broughtBack(h.Seen), out)
		return
	}
	t.saveItem(h, Removed, out)
}

// sought are the wanted items that were not taken out, those on loan apart.
func (d *Desk) sought() (here, lent []Wanted) {
	for _, w := range d.Wanted {
		h := d.item(w.Item.ID)
		switch {
		case h != nil && h.Fate == Removed:
		case w.Lent:
			lent = append(lent, w)
		default:
			here = append(here, w)
		}
	}
	return here, lent
}

func (d *Desk) removed() (n int) {
	for _, h := range d.Items {
		if h.Fate == Removed {
			n++
		}
	}
	return n
}

// enoughOut: what was found is durable already; the rest stays on the list.
func (t *turn) enoughOut() {
	d := t.Desk
	if n := d.removed(); n > 0 {
		d.Page, d.Done = DeskDone, Phrase{Key: "takeout.done", N: n}
		return
	}
	t.Desk = nil
}
