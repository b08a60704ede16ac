package flow

import (
	"slices"

	"coldstation/sync/circ"
)

// countItem notes that an item stands on the shelf. What is noted outlasts a power cut.
func (t *turn) countItem(h *Handled) {
	h.Fate, h.next = Saving, t.shelfFate(h.Seen)
	t.emit(NoteCounted{h.Seen.Item.ID})
}

// shelfFate is what an item on the shelf is: at home, on loan though it stands here, or
// at home elsewhere. A return is not concluded from it: a person decides.
func (t *turn) shelfFate(m ItemSeen) Fate {
	switch {
	case m.OnLoan:
		return LentHere
	case !t.belongs(Entry{Seen: m}):
		return Astray
	}
	return Present
}

// missing are the items that should stand on the shelf and were not seen. Of a part of
// a shelf nobody can say.
func (d *Desk) missing() (all []circ.Item) {
	if !d.Whole {
		return nil
	}
	seen := map[circ.ItemID]bool{}
	for _, h := range d.Items {
		seen[h.Seen.Item.ID] = true
	}
	for _, item := range d.Shelf {
		if !seen[item.ID] {
			all = append(all, item)
		}
	}
	return all
}

// among counts the items with a fate.
func (d *Desk) among(fate Fate) (n int) {
	for _, h := range d.Items {
		if h.Fate == fate {
			n++
		}
	}
	return n
}

// shelfPressed leads from the count to its result and to the library.
func (t *turn) shelfPressed(a Action) {
	d := t.Desk
	switch {
	case a == AllCounted && d.Page == Shelving && d.countable():
		d.Page = ShelfWhole
	case (a == WholeShelf || a == PartShelf) && d.Page == ShelfWhole:
		d.Page, d.Whole = ShelfResult, a == WholeShelf
	case (a == ShowMissing || a == ShowLent || a == ShowAstray) && d.Page == ShelfResult:
		d.Page, d.Group = ShelfGroup, a
	case a == SendCount && d.Page == ShelfResult && d.countable():
		var seen []circ.ItemID
		for _, h := range d.Items {
			if h.Fate != Keep {
				seen = append(seen, h.Seen.Item.ID)
			}
		}
		slices.Sort(seen)
		t.saveTask(circ.CountShelf(seen, d.Whole, t.hands())...)
	}
}

func (d *Desk) countable() bool { return d.Read && len(d.Items) > 0 && !d.saving() }
