package kiosk

import (
	"math/big"
	"regexp"
	"slices"
	"strings"

	"coldstation/kiosk/flow"
	"coldstation/rfid"
	"coldstation/rfid/iso28560"
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
// What is written on it decides first, then the patterns of the library's
// numbers, then what the ledger knows. A chip's own number is only ever a card:
// items have their number inside.
func (s *Station) identify(see sighting) flow.Msg {
	id := see.label.Item
	if see.line != "" {
		id = see.line
	}
	switch {
	case see.strange:
	case id == "":
		if see.tag.Passing() {
			break
		}
		if who, known := s.byUID(see.tag.UID); known || see.tag.Kind != rfid.ISO15693 {
			return s.card(see, who)
		}
	case see.label.Usage == iso28560.PatronCard && see.line == "":
		return s.card(see, circ.NewPatronID(id))
	default:
		return s.byNumber(see, id)
	}
	return flow.StrangeSeen{Token: see.token}
}

// byNumber tells a card from an item by its number.
func (s *Station) byNumber(see sighting, id string) flow.Msg {
	item := matches(s.settings.Items, id)
	patron := matches(s.settings.Patrons, id)
	_, knownItem := s.knownItem(circ.ItemID(id))
	who := circ.NewPatronID(id)
	_, _, knownPatron := s.knownPatron(who)
	switch {
	case patron && !item, knownPatron && !knownItem && !item:
		return s.card(see, who)
	case item, knownItem:
		return s.item(see, circ.ItemID(id))
	case see.line == "":
		return s.item(see, circ.ItemID(id)) // a library wrote it into the tag as an item's
	}
	uid, err := rfid.ParseUID(strings.NewReplacer(":", "", " ", "", "-", "").Replace(id))
	if err == nil && uid.Len() >= 4 {
		if who, known := s.byUID(uid); known {
			return s.card(see, who)
		}
	}
	// An unknown line that looks like nothing of ours might be a person's number:
	// it must not go into the log as an item's.
	return nil
}

func matches(p *regexp.Regexp, id string) bool { return p != nil && p.MatchString(id) }

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
		Item: item, Known: known, OnLoan: onLoan, Loan: loan, Security: see.secured,
		Foreign: !known && owner != "" && len(s.settings.Owners) > 0 && !slices.Contains(s.settings.Owners, owner),
	}
}

func (s *Station) card(see sighting, id circ.PatronID) flow.CardSeen {
	patron, ref, known := s.knownPatron(id)
	s.shown[ref] = patron.ID
	return flow.CardSeen{
		Token: see.token, Scanned: see.line != "",
		Ref: ref, Patron: patron, Known: known, Policy: s.policy(patron.Policy), Loans: s.loans(ref),
	}
}

// byUID looks for a patron under every form in which readers and library systems
// write a chip's number. A card that none knows goes by the first form.
func (s *Station) byUID(uid rfid.UID) (id circ.PatronID, known bool) {
	forms := uidForms(uid)
	for _, form := range forms {
		id := circ.NewPatronID(form)
		if _, _, known := s.knownPatron(id); known {
			return id, true
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
