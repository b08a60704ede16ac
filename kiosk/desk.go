package kiosk

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"coldstation/kiosk/flow"
	"coldstation/sync/circ"
	"coldstation/sync/ledger"
)

// countLasts is how long a count of the shelf may be paused: a shelf that people
// borrow from is another one after that, and is counted anew.
const countLasts = 3 * 24 * time.Hour

// readDesk is what a page of the staff needs.
func (s *Station) readDesk(page flow.Screen) flow.DeskRead {
	m := flow.DeskRead{Page: page}
	switch page {
	case flow.Receiving:
		m.Consignments = s.consignments()
	case flow.TakingOut:
		m.Wanted = s.toTakeOut()
	case flow.Shelving:
		m.Shelf, m.Counted = s.shelf(), s.countedSoFar()
	case flow.Boxes:
		m.Boxed = s.items(s.at(ledger.Box))
	}
	return m
}

// isBox reports whether a line is the label of a consignment's box: one that the hub
// told of, or one that looks like it.
func (s *Station) isBox(line string) bool {
	if circ.IsConsignmentID(line) {
		return true
	}
	all, err := s.ledger.Consignments()
	return s.answered(err) && slices.ContainsFunc(all, func(c circ.ConsignmentPut) bool { return c.ID == line })
}

// consignments are those on their way and those that were begun under a name that
// nobody told of. What came of them so far is in the log: every item was placed there
// under its consignment's name, and an accepted consignment is closed by its check.
func (s *Station) consignments() []flow.Consignment {
	told, err := s.ledger.Consignments()
	s.answered(err)
	placed := map[string][]circ.ItemID{}
	over := map[string]bool{}
	first, _, err := s.ledger.Bounds()
	if s.answered(err) {
		for e, err := range s.ledger.Events(first) {
			if !s.answered(err) {
				break
			}
			switch b := e.Body.(type) {
			case circ.Placed:
				if !slices.Contains(placed[b.Consignment], b.Item) {
					placed[b.Consignment] = append(placed[b.Consignment], b.Item)
				}
			case circ.ConsignmentChecked:
				over[b.Consignment] = true
			}
		}
	}
	delete(placed, "") // of a box without a name nothing is expected
	for _, c := range told {
		if placed[c.ID] == nil {
			placed[c.ID] = []circ.ItemID{}
		}
	}
	var all []flow.Consignment
	for _, id := range slices.Sorted(maps.Keys(placed)) {
		if over[id] {
			continue
		}
		c := flow.Consignment{ID: id}
		if i := slices.IndexFunc(told, func(c circ.ConsignmentPut) bool { return c.ID == id }); i >= 0 {
			c.Title, c.Items = told[i].Title, s.items(told[i].Items)
		}
		for _, item := range placed[id] {
			if slices.ContainsFunc(c.Items, func(known circ.Item) bool { return known.ID == item }) {
				c.Seen = append(c.Seen, item)
			} else {
				c.Extra = append(c.Extra, s.items([]circ.ItemID{item})...)
			}
		}
		all = append(all, c)
	}
	return all
}

// toTakeOut are the items on the library's lists that were neither taken out nor put into
// the box when they came back.
func (s *Station) toTakeOut() (all []flow.Wanted) {
	lists, err := s.ledger.Recalls()
	s.answered(err)
	out := append(s.at(ledger.Out), s.at(ledger.Box)...)
	known := map[circ.ItemID]bool{}
	for _, list := range slices.Sorted(maps.Keys(lists)) {
		for _, item := range s.items(lists[list]) {
			if known[item.ID] || slices.Contains(out, item.ID) {
				continue
			}
			known[item.ID] = true
			_, lent := s.loan(item.ID)
			all = append(all, flow.Wanted{Item: item, List: list, Lent: lent || s.housed(item.ID)})
		}
	}
	slices.SortStableFunc(all, func(a, b flow.Wanted) int { return cmp.Compare(a.Item.Title, b.Item.Title) })
	return all
}

// shelf are the items that should stand on the shelf, by their titles: what was seen
// there last, and what is at home here and was never seen anywhere.
func (s *Station) shelf() []circ.Item {
	shelf := s.items(s.at(ledger.Shelf))
	told, err := s.ledger.Items()
	s.answered(err)
	for _, item := range told {
		if item.Home != s.settings.Rules.Station {
			continue
		}
		place, err := s.ledger.Place(item.ID)
		if _, lent := s.loan(item.ID); s.answered(err) && place == ledger.Unknown && !lent {
			shelf = append(shelf, item)
		}
	}
	slices.SortStableFunc(shelf, func(a, b circ.Item) int { return cmp.Compare(a.Title, b.Title) })
	return shelf
}

// countedSoFar are the items of a count that was paused, as they are known now. One
// that was lent since was on the shelf then, and is not there though it should not be.
func (s *Station) countedSoFar() (all []flow.ItemSeen) {
	counted, err := s.ledger.Counted()
	s.answered(err)
	now := s.now().Wall
	byTime := func(a, b circ.ItemID) int { return cmp.Or(counted[a].Compare(counted[b]), cmp.Compare(a, b)) }
	for _, id := range slices.SortedFunc(maps.Keys(counted), byTime) {
		at := counted[id]
		if now.Sub(at) > countLasts {
			continue
		}
		m := s.item(sighting{token: flow.Token("counted " + id)}, id)
		if m.OnLoan && m.Loan.At.After(at) {
			continue
		}
		m.Scanned = true // it does not lie there
		all = append(all, m)
	}
	return all
}

func (s *Station) at(place ledger.Place) []circ.ItemID {
	all, err := s.ledger.At(place)
	s.answered(err)
	return all
}

// items is what is known of items; of one that nobody told of, its name.
func (s *Station) items(ids []circ.ItemID) []circ.Item {
	all := make([]circ.Item, 0, len(ids))
	for _, id := range ids {
		item, _ := s.knownItem(id)
		item.ID = id
		all = append(all, item)
	}
	return all
}
