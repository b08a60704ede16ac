package store

import (
	"slices"
	"time"

	"coldstation/sync/circ"
)

// standing is what the events about one item add up to.
type standing struct {
	loan  *loan
	place string
	at    time.Time // of the last event that said so
	where circ.StationID
}

type loan struct {
	station circ.StationID
	ledger  string
	seq     uint64
	patron  string
	acted   string
	at, due time.Time
	renewed int
	house   bool
}

// entry is an event in columns.
type entry struct {
	station  circ.StationID
	ledger   string
	seq      uint64
	kind     string
	at       time.Time
	item     circ.ItemID
	patron   string
	acted    string
	due      time.Time
	note     string
	undoes   uint64
	counted  []circ.ItemID // seen on the shelf besides item
	boxed    []circ.ItemID // seen with a consignment
	received time.Time
}

// about are the items whose standing the event changes by itself.
func (e entry) about() []circ.ItemID {
	if e.item != "" {
		return []circ.ItemID{e.item}
	}
	return e.counted
}

// after is s after e. What lies on a pad is physical evidence: a loan to another
// account, or at another station, ends when the item is lent or returned
// elsewhere. An event that reaches the hub late tells of the past and changes
// nothing that happened since at another station.
func (s standing) after(e entry) standing {
	if e.at.Before(s.at) && e.station != s.where {
		return s
	}
	switch e.kind {
	case "CheckedOut", "LentToHouse":
		s.loan = &loan{e.station, e.ledger, e.seq, e.patron, e.acted, e.at, e.due, 0, e.kind == "LentToHouse"}
		s.place = "loan"
		if s.loan.house {
			s.place = "house"
		}
	case "CheckedIn":
		s.loan, s.place = nil, "shelf"
		if e.note == "box" {
			s.place = "box"
		}
	case "Renewed":
		if s.loan == nil { // made elsewhere: the renewal is evidence of it
			s.loan = &loan{e.station, e.ledger, e.seq, e.patron, e.acted, e.at, e.due, 0, false}
		}
		extended := *s.loan
		extended.due, extended.renewed = e.due, extended.renewed+1
		s.loan, s.place = &extended, "loan"
	case "Placed", "ReadHere":
		s.loan, s.place = nil, "shelf"
	case "TakenOut":
		s.loan, s.place = nil, "away"
	case "ShelfCounted": // seen on the shelf, lent or not: a person decides
		s.place = "shelf"
	default:
		return s
	}
	s.at, s.where = e.at, e.station
	return s
}

// enter puts an event into columns.
func enter(e circ.Event) entry {
	n := entry{seq: e.Seq}
	switch b := e.Body.(type) {
	case circ.PatronMet:
		n.kind, n.patron = "PatronMet", ref(b.Ref)
	case circ.CheckedOut:
		n.kind, n.item, n.patron, n.acted, n.due = "CheckedOut", b.Item, ref(b.Patron), ref(b.By), b.Due
	case circ.CheckedIn:
		n.kind, n.item, n.patron = "CheckedIn", b.Item, ref(b.Patron)
		if !b.Belongs {
			n.note = "box"
		}
	case circ.Renewed:
		n.kind, n.item, n.patron, n.acted, n.due = "Renewed", b.Item, ref(b.Patron), ref(b.By), b.Due
	case circ.Undone:
		n.kind, n.undoes = "Undone", b.Seq
	case circ.LentToHouse:
		n.kind, n.item = "LentToHouse", b.Item
	case circ.ReadHere:
		n.kind, n.item = "ReadHere", b.Item
	case circ.Placed:
		n.kind, n.item, n.acted, n.note = "Placed", b.Item, ref(b.By), b.Consignment
	case circ.TakenOut:
		n.kind, n.item, n.acted, n.note = "TakenOut", b.Item, ref(b.By), b.Consignment
	case circ.ConsignmentChecked:
		n.kind, n.acted, n.note, n.boxed = "ConsignmentChecked", ref(b.By), b.Consignment, slices.Concat(b.Seen, b.Extra)
	case circ.ShelfCounted:
		n.kind, n.acted, n.counted = "ShelfCounted", ref(b.By), b.Seen
		if b.Whole {
			n.note = "whole"
		}
	case circ.TagSecured:
		n.kind, n.item, n.note = "TagSecured", b.Item, b.UID
	case circ.TagUnsecured:
		n.kind, n.item, n.note = "TagUnsecured", b.Item, b.UID
	case circ.TagFailed:
		n.kind, n.item, n.note = "TagFailed", b.Item, b.UID
	case circ.AliasLinked:
		n.kind, n.patron, n.acted = "AliasLinked", ref(b.Patron), ref(b.By)
	case circ.HelpAsked:
		n.kind, n.note = "HelpAsked", b.Screen
	case circ.FaultRaised:
		n.kind, n.note = "FaultRaised", b.Fault
	case circ.FaultCleared:
		n.kind, n.note = "FaultCleared", b.Fault
	case circ.Started:
		n.kind, n.note = "Started", b.Version
	case circ.SettingsApplied:
		n.kind = "SettingsApplied"
	case circ.NoticeTaken:
		n.kind, n.note = "NoticeTaken", b.Note
	case circ.LogSent:
		n.kind, n.note = "LogSent", b.Command
	}
	return n
}
