package kiosk

import (
	"math/big"
	"slices"
	"strings"

	"coldstation/kiosk/flow"
	"coldstation/rfid"
	"coldstation/rfid/iso28560"
	"coldstation/rfid/number"
	"coldstation/sync/circ"
)

// sighting is a thing as a reader saw it, before the ledger says what it is.
type sighting struct {
	token   flow.Token
	pad     *pad           // on which it lies; nil for a line
	strange bool           // it cannot be read
	tag     rfid.Tag       // zero for a line
	line    string         // what a scanner read
	label   iso28560.Label // what is written inside; no Item: nothing that can be trusted
	secured flow.Security
	found   bool // it lay there when the station started
}

// identify says what a thing is: a card, an item, or something strange; nil when
// a line is nothing to a library.
//
// What is written on it decides first, then the rules of the library's numbers,
// then what the ledger knows. A chip's own number is only ever a card: items have
// their number inside.
func (s *Station) identify(see sighting) flow.Msg {
	switch {
	case see.strange:
	case see.line != "":
		return s.byLine(see)
	case see.label.Item != "":
		return s.byLabel(see)
	case see.tag.Passing():
	default:
		if who, ours := s.byUID(see.tag.UID); ours || see.tag.Kind != rfid.ISO15693 {
			return s.card(see, who)
		}
	}
	return flow.StrangeSeen{Token: see.token}
}

// byLabel tells a card from an item by what is written inside. What nothing else
// tells is an item's: a library wrote it there.
func (s *Station) byLabel(see sighting) flow.Msg {
	id := see.label.Item
	n, ruled := s.settings.Numbers.Find(number.Tag, id)
	switch {
	case ruled && n.Kind == number.Patron:
		return s.card(see, circ.NewPatronID(n.ID))
	case see.label.Usage == iso28560.PatronCard:
		return s.card(see, circ.NewPatronID(id))
	case ruled:
		return s.item(see, circ.ItemID(n.ID))
	case s.onlyPatron(id):
		return s.card(see, circ.NewPatronID(id))
	}
	return s.item(see, circ.ItemID(id))
}

// byLine tells what a scanner read. An unknown line that looks like nothing of ours
// might be a person's number: it must not go into the log as an item's.
func (s *Station) byLine(see sighting) flow.Msg {
	id := see.line
	if s.isBox(id) {
		return flow.BoxSeen{Consignment: id}
	}
	if n, ruled := s.settings.Numbers.Find(number.Line, id); ruled && n.Kind == number.Patron {
		return s.card(see, circ.NewPatronID(n.ID))
	} else if ruled {
		return s.item(see, circ.ItemID(n.ID))
	}
	if _, known := s.knownItem(circ.ItemID(id)); known {
		return s.item(see, circ.ItemID(id))
	}
	if s.onlyPatron(id) {
		return s.card(see, circ.NewPatronID(id))
	}
	uid, err := rfid.ParseUID(strings.NewReplacer(":", "", " ", "", "-", "").Replace(id))
	if err == nil && uid.Len() >= 4 {
		if who, ours := s.byUID(uid); ours {
			return s.card(see, who)
		}
	}
	return nil
}

// onlyPatron reports whether the ledger knows a number as a patron's and no item's.
func (s *Station) onlyPatron(id string) bool {
	_, item := s.knownItem(circ.ItemID(id))
	_, _, patron := s.knownPatron(circ.NewPatronID(id))
	return patron && !item
}

func (s *Station) item(see sighting, id circ.ItemID) flow.ItemSeen {
	item, known := s.knownItem(id)
	item.ID = id
	if item.Title == "" {
		item.Title = see.label.Title
	}
	loan, onLoan := s.loan(id)
	owner := see.label.ISIL
	return flow.ItemSeen{
		Token: see.token, Scanned: see.line != "", Found: see.found,
		Item: item, Known: known, OnLoan: onLoan, Loan: loan, Security: see.secured, Unready: see.line == "" && s.unready(id),
		Missing: s.missing(see.label), Housed: s.housed(id), Wanted: s.wanted(id),
		Foreign: !known && owner != "" && len(s.settings.Owners) > 0 && !slices.Contains(s.settings.Owners, owner),
	}
}

// wanted reports whether an item is on one of the library's lists of what is to be
// taken out.
func (s *Station) wanted(id circ.ItemID) bool {
	lists, err := s.ledger.Recalls()
	if !s.answered(err) {
		return false
	}
	for _, items := range lists {
		if slices.Contains(items, id) {
			return true
		}
	}
	return false
}

// missing counts the parts of a set that lie on none of the pads.
func (s *Station) missing(label iso28560.Label) int {
	var labels []iso28560.Label
	for _, see := range s.lying {
		if see.label.Item == label.Item && label.Item != "" {
			labels = append(labels, see.label)
		}
	}
	if len(labels) == 0 {
		return 0
	}
	return len(iso28560.Sets(labels)[0].Missing())
}

func (s *Station) card(see sighting, id circ.PatronID) flow.CardSeen {
	m := s.person(s.knownPatron(id))
	m.Token, m.Scanned = see.token, see.line != ""
	m.Valid = !m.Known && s.valid(id)
	return m
}

// byUID is whose card a chip is by its own number, and whether the library's rules
// or the ledger say that it is one. Where no rule takes it, it is looked for under
// every form in which readers and library systems write such a number; one that
// nobody knows goes by the first that is valid in the library network, else by the
// first. That it is valid makes no card of a chip that may be an item's: the filter
// is wrong too often for that.
func (s *Station) byUID(uid rfid.UID) (id circ.PatronID, ours bool) {
	if n, ruled := s.settings.Numbers.Find(number.Chip, uid.String()); ruled && n.Kind == number.Patron {
		return circ.NewPatronID(n.ID), true
	}
	forms := uidForms(uid)
	for _, form := range forms {
		id := circ.NewPatronID(form)
		if _, _, known := s.knownPatron(id); known {
			return id, true
		}
	}
	for _, form := range forms {
		if id := circ.NewPatronID(form); s.valid(id) {
			return id, false
		}
	}
	return circ.NewPatronID(forms[0]), false
}

// uidForms are the ways in which a chip's number is written: hexadecimal in
// either order of bytes and either case, and decimal in either order; of 125 kHz
// chips also what is printed on them, the decimal of the last four and of the
// last three bytes, to ten and to eight digits.
func uidForms(uid rfid.UID) []string {
	forward, back := uid.String(), uid.Reversed().String()
	decimal := func(u rfid.UID) string { return new(big.Int).SetBytes(u.Bytes()).String() }
	forms := []string{
		forward, strings.ToLower(forward), back, strings.ToLower(back),
		decimal(uid), decimal(uid.Reversed()),
	}
	if b := uid.Bytes(); len(b) == 5 {
		for _, last := range [][]byte{b[1:], b[2:]} {
			number := decimal(rfid.MakeUID(last))
			forms = append(forms, number, strings.Repeat("0", max(0, 2*len(last)+2-len(number)))+number)
		}
	}
	return forms
}
