package ledger

import (
	"time"

	"coldstation/sync/circ"
)

// The keys of here.
const (
	hereItem    = 'i' // item → spot
	hereMet     = 'm' // patron reference → number of its PatronMet
	hereRepair  = 't' // item → repair
	hereSession = 's' // number of the last start
	hereFault   = 'f' // fault → number of its FaultRaised
	hereTaken   = 'n' // ID of a command → number of its NoticeTaken

	hereSettings = 'c' // circ.SettingsApplied, the last
)

// Place is where an item was left, as far as this station's events tell.
type Place uint8

// The places of an item.
const (
	Unknown Place = iota
	Shelf         // on this station's shelf
	Lent          // on loan
	House         // in use in the house
	Box           // came back and does not belong here
	Out           // taken off the shelf by staff
)

// spot is what the events say of one item.
type spot struct {
	Made  uint64 `cbor:"1,keyasint"` // the event that brought this about
	Place Place  `cbor:"2,keyasint,omitempty"`
	Loan  *loan  `cbor:"3,keyasint,omitempty"`
	Prev  *spot  `cbor:"4,keyasint,omitempty"` // as it was before Made, to be undone to
}

type loan struct {
	Patron  circ.Ref  `cbor:"1,keyasint"`
	Seq     uint64    `cbor:"2,keyasint,omitempty"` // the CheckedOut; 0: the loan was not begun here
	At      time.Time `cbor:"3,keyasint,omitzero"`
	Due     time.Time `cbor:"4,keyasint,omitzero"`
	Renewed int       `cbor:"5,keyasint,omitempty"`
}

// Repair is a tag whose security could not be changed yet.
type Repair struct {
	Item    circ.ItemID `cbor:"1,keyasint"`
	UID     string      `cbor:"2,keyasint,omitempty"`
	Secured bool        `cbor:"3,keyasint,omitempty"` // what it should become
}

// undos is how many changes of one item can be taken back one after another.
const undos = 3

// fold takes one event into here. It is the only place that changes here, and
// depends on nothing else; events gives the body of an earlier event.
func fold(here table, e circ.Event, events func(seq uint64) (circ.EventBody, error)) error {
	switch b := e.Body.(type) {
	case circ.PatronMet:
		return here.Put(key(hereMet, b.Ref[:]), number(e.Seq))
	case circ.CheckedOut:
		return change(here, e.Seq, b.Item, func(s *spot) {
			s.Place, s.Loan = Lent, &loan{Patron: b.Patron, Seq: e.Seq, At: e.Stamp.Wall, Due: b.Due}
		})
	case circ.CheckedIn:
		return change(here, e.Seq, b.Item, func(s *spot) {
			s.Place, s.Loan = Box, nil
			if b.Belongs {
				s.Place = Shelf
			}
		})
	case circ.Renewed:
		return change(here, e.Seq, b.Item, func(s *spot) {
			l := loan{Patron: b.Patron}
			if s.Loan != nil && s.Loan.Patron == b.Patron {
				l = *s.Loan
			}
			l.Due, l.Renewed = b.Due, l.Renewed+1
			s.Place, s.Loan = Lent, &l
		})
	case circ.LentToHouse:
		return change(here, e.Seq, b.Item, func(s *spot) { s.Place, s.Loan = House, nil })
	case circ.Placed:
		return change(here, e.Seq, b.Item, func(s *spot) { s.Place = Shelf })
	case circ.TakenOut:
		return change(here, e.Seq, b.Item, func(s *spot) { s.Place = Out })
	case circ.ConsignmentChecked:
		return seen(here, e.Seq, append(append([]circ.ItemID(nil), b.Seen...), b.Extra...))
	case circ.ShelfCounted:
		return seen(here, e.Seq, b.Seen)
	case circ.Undone:
		if b.Seq == 0 || b.Seq >= e.Seq {
			return nil
		}
		body, err := events(b.Seq)
		if err != nil {
			return err
		}
		return undo(here, b.Seq, body)
	case circ.TagFailed:
		return put(here, key(hereRepair, []byte(b.Item)), Repair(b))
	case circ.TagSecured:
		return here.Delete(key(hereRepair, []byte(b.Item)))
	case circ.TagUnsecured:
		return here.Delete(key(hereRepair, []byte(b.Item)))
	case circ.Started:
		return here.Put(key(hereSession), number(b.Session))
	case circ.FaultRaised:
		return here.Put(key(hereFault, []byte(b.Fault)), number(e.Seq))
	case circ.FaultCleared:
		return here.Delete(key(hereFault, []byte(b.Fault)))
	case circ.SettingsApplied:
		return put(here, key(hereSettings), b)
	case circ.NoticeTaken:
		if b.Command != "" {
			return here.Put(key(hereTaken, []byte(b.Command)), number(e.Seq))
		}
	}
	return nil // ReadHere, AliasLinked, HelpAsked, LogSent: nothing follows here
}

// change makes a new spot of item's, remembering the old one.
func change(here table, seq uint64, item circ.ItemID, to func(*spot)) error {
	old, err := get[spot](here, key(hereItem, []byte(item)))
	if err != nil {
		return err
	}
	next := spot{Made: seq}
	if old != nil {
		next.Place, next.Loan = old.Place, old.Loan
	}
	next.Prev = old
	to(&next)
	for s, depth := &next, 0; s != nil; s, depth = s.Prev, depth+1 {
		if depth == undos {
			s.Prev = nil
		}
	}
	return put(here, key(hereItem, []byte(item)), next)
}

// seen puts items that nobody has on loan onto the shelf, but for those that were put
// into the box: they are on their way elsewhere.
func seen(here table, seq uint64, items []circ.ItemID) error {
	for _, item := range items {
		err := change(here, seq, item, func(s *spot) {
			if s.Loan == nil && s.Place != Box {
				s.Place = Shelf
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// undo makes the spot of the item that body was about what it was before, unless
// something else has happened to it since.
func undo(here table, seq uint64, body circ.EventBody) error {
	var item circ.ItemID
	switch b := body.(type) {
	case circ.CheckedOut:
		item = b.Item
	case circ.CheckedIn:
		item = b.Item
	case circ.Renewed:
		item = b.Item
	case circ.LentToHouse:
		item = b.Item
	case circ.Placed:
		item = b.Item
	case circ.TakenOut:
		item = b.Item
	default:
		return nil
	}
	now, err := get[spot](here, key(hereItem, []byte(item)))
	if err != nil || now == nil || now.Made != seq {
		return err
	}
	if now.Prev == nil {
		return here.Delete(key(hereItem, []byte(item)))
	}
	return put(here, key(hereItem, []byte(item)), now.Prev)
}
