package circ

import (
	"time"

	"github.com/google/uuid"
)

// Stamp is when an event was recorded, as far as the station could know.
//
// Order is never taken from a stamp; the sequence number is the order. A small
// computer may wake up in 1970, so every reading is kept with what it is worth
// and the hub works out the best time.
type Stamp struct {
	Wall   time.Time     `cbor:"1,keyasint,omitzero"` // the station's clock, as it stood; millisecond precision
	Clock  Clock         `cbor:"2,keyasint,omitzero"` // how far Wall is to be trusted
	Boot   uuid.UUID     `cbor:"3,keyasint,omitzero"` // /proc/sys/kernel/random/boot_id
	Uptime time.Duration `cbor:"4,keyasint,omitzero"` // CLOCK_BOOTTIME: counts sleep too, never jumps
}

// Clock is where the station's wall time came from.
type Clock uint8

// The sources of wall time, from worst to best.
const (
	ClockUnset Clock = iota // not set since power-on; not before the last event
	ClockRTC                // a battery-backed clock
	ClockHub                // set from the hub
	ClockNTP                // kept by a time service
)

// Event is one thing that happened at one station. Station and ledger are
// those of the log it stands in.
type Event struct {
	Seq   uint64 // from 1, without gaps
	Stamp Stamp
	Body  EventBody
}

// EventID is the event's identity everywhere: derived from the ledger and the
// sequence number, so that it costs no bytes and any reader computes the same.
// It is a version 5 UUID (RFC 9562) in the ledger's namespace over the decimal
// sequence number.
func EventID(ledger uuid.UUID, seq uint64) uuid.UUID {
	return uuid.NewSHA1(ledger, appendUint(nil, seq))
}

func appendUint(b []byte, n uint64) []byte {
	if n >= 10 {
		b = appendUint(b, n/10)
	}
	return append(b, byte('0'+n%10))
}

// EventBody is what happened: exactly one of the types in this file.
//
// Their tags number the fields for package wire. A number, once used, keeps its
// meaning for ever; a new field takes the next one.
type EventBody interface{ event() }

// PatronMet introduces a patron to the log before the first event that refers
// to them: from here on Ref stands for ID. It is the only event that carries an
// identifier, sealed so that the library can open it and the station cannot.
type PatronMet struct {
	Ref Ref      `cbor:"1,keyasint,omitzero"`
	ID  PatronID `cbor:"-"` // zero in a log read back without the library's key
}

// CheckedOut: an item went on loan. Patron is whose account, By whose hands.
type CheckedOut struct {
	Visit  VisitID   `cbor:"1,keyasint,omitzero"`
	Item   ItemID    `cbor:"2,keyasint,omitzero"`
	Patron Ref       `cbor:"3,keyasint,omitzero"`
	By     Ref       `cbor:"4,keyasint,omitzero"`
	Due    time.Time `cbor:"5,keyasint,omitzero"` // the station's promise; zero: as long as you like
	From   Ref       `cbor:"6,keyasint,omitzero"` // the account it was on loan to; the loan implied its return
	Flags  Flags     `cbor:"7,keyasint,omitzero"`
}

// Flags are what a librarian may want to know about an accepted event.
type Flags uint8

// The flags of a circulation event.
const (
	ImpliedReturn Flags = 1 << iota // it was on loan to another account and lay on the pad
	UnknownPatron                   // the card was not known here
	BlockedPatron                   // the card is blocked and the station's rule lends
	UnknownItem                     // the item was not known here
	OverLimit                       // the group's limit was passed
	ByStaff                         // staff did it for the person
)

// CheckedIn: an item came back. Patron is the account it was on loan to, the
// zero Ref when it was on loan to nobody known here.
type CheckedIn struct {
	Visit   VisitID `cbor:"1,keyasint,omitzero"`
	Item    ItemID  `cbor:"2,keyasint,omitzero"`
	Patron  Ref     `cbor:"3,keyasint,omitzero"`
	Flags   Flags   `cbor:"4,keyasint,omitzero"`
	Belongs bool    `cbor:"5,keyasint,omitzero"` // it stays on this shelf; false: it goes into the box
}

// Renewed: a loan goes on until Due.
type Renewed struct {
	Visit  VisitID   `cbor:"1,keyasint,omitzero"`
	Item   ItemID    `cbor:"2,keyasint,omitzero"`
	Patron Ref       `cbor:"3,keyasint,omitzero"`
	By     Ref       `cbor:"4,keyasint,omitzero"`
	Due    time.Time `cbor:"5,keyasint,omitzero"`
}

// Undone: the event Seq of the same ledger did not happen after all.
type Undone struct {
	Visit VisitID `cbor:"1,keyasint,omitzero"`
	Seq   uint64  `cbor:"2,keyasint,omitzero"`
}

// LentToHouse: an item is in use in the house, without personal data.
type LentToHouse struct {
	Visit VisitID `cbor:"1,keyasint,omitzero"`
	Item  ItemID  `cbor:"2,keyasint,omitzero"`
}

// ReadHere: an item was found read and left on the tray.
type ReadHere struct {
	Item ItemID `cbor:"1,keyasint,omitzero"`
}

// Placed: staff put an item on the shelf.
type Placed struct {
	Item        ItemID `cbor:"1,keyasint,omitzero"`
	Consignment string `cbor:"2,keyasint,omitzero"`
	By          Ref    `cbor:"3,keyasint,omitzero"`
}

// TakenOut: staff took an item off the shelf.
type TakenOut struct {
	Item        ItemID `cbor:"1,keyasint,omitzero"`
	Consignment string `cbor:"2,keyasint,omitzero"`
	By          Ref    `cbor:"3,keyasint,omitzero"`
}

// ConsignmentChecked: a consignment was received as far as it goes.
type ConsignmentChecked struct {
	Consignment string   `cbor:"1,keyasint,omitzero"`
	Seen        []ItemID `cbor:"2,keyasint,omitzero"`
	Missing     []ItemID `cbor:"3,keyasint,omitzero"`
	Extra       []ItemID `cbor:"4,keyasint,omitzero"`
	By          Ref      `cbor:"5,keyasint,omitzero"`
}

// ShelfCounted: a census. One of more items than fit in an event is several of them,
// one after the other in the log and recorded together: parts 1, 2 … of Parts.
type ShelfCounted struct {
	Seen  []ItemID `cbor:"1,keyasint,omitzero"`
	Whole bool     `cbor:"2,keyasint,omitzero"` // false: a part of the shelf
	By    Ref      `cbor:"3,keyasint,omitzero"`
	Part  int      `cbor:"4,keyasint,omitzero"` // from 1; 0: all of it is here
	Parts int      `cbor:"5,keyasint,omitzero"`
}

// CountShelf is a census as events that fit. At the limit of an identifier's length
// some hundred items fill one; of usual ones, thousands.
func CountShelf(seen []ItemID, whole bool, by Ref) []EventBody {
	const fits, overhead = 48 << 10, 3 // bytes of identifiers in one event, and around each
	var parts [][]ItemID
	first, size := 0, 0
	for i, id := range seen {
		if size += len(id) + overhead; size > fits || i-first == MaxList {
			parts = append(parts, seen[first:i])
			first, size = i, len(id)+overhead
		}
	}
	parts = append(parts, seen[first:])
	if len(parts) == 1 {
		return []EventBody{ShelfCounted{Seen: seen, Whole: whole, By: by}}
	}
	var all []EventBody
	for i, part := range parts {
		all = append(all, ShelfCounted{Seen: part, Whole: whole, By: by, Part: i + 1, Parts: len(parts)})
	}
	return all
}

// TagSecured: the item's tag sounds at a gate again. UID is the chip's.
type TagSecured struct {
	Item ItemID `cbor:"1,keyasint,omitzero"`
	UID  string `cbor:"2,keyasint,omitzero"`
}

// TagUnsecured: the item's tag passes a gate.
type TagUnsecured struct {
	Item ItemID `cbor:"1,keyasint,omitzero"`
	UID  string `cbor:"2,keyasint,omitzero"`
}

// TagFailed: the tag's security could not be changed; it is repaired when the
// tag is seen again.
type TagFailed struct {
	Item    ItemID `cbor:"1,keyasint,omitzero"`
	UID     string `cbor:"2,keyasint,omitzero"`
	Secured bool   `cbor:"3,keyasint,omitzero"` // what it should have become
}

// AliasLinked: a wristband or key tag stands for a patron's card from now on, or
// does so no longer.
type AliasLinked struct {
	Patron Ref      `cbor:"1,keyasint,omitzero"`
	Alias  PatronID `cbor:"-"` // sealed like PatronMet.ID; its number is 4
	By     Ref      `cbor:"3,keyasint,omitzero"`
	Ended  bool     `cbor:"5,keyasint,omitzero"` // it was lost or given back
}

// HelpAsked: somebody pressed help, or staff called the library.
type HelpAsked struct {
	Screen string `cbor:"1,keyasint,omitzero"`
	Staff  bool   `cbor:"2,keyasint,omitzero"`
}

// FaultRaised: something is wrong with the station. Fault is a short constant
// name: "reader", "card reader", "tray", "printer", "speech", "disk", "clock", "ledger",
// "certificate".
type FaultRaised struct {
	Fault  string `cbor:"1,keyasint,omitzero"`
	Detail string `cbor:"2,keyasint,omitzero"`
}

// FaultCleared: it is well again.
type FaultCleared struct {
	Fault string `cbor:"1,keyasint,omitzero"`
}

// Started: the kiosk began to run.
type Started struct {
	Version string `cbor:"1,keyasint,omitzero"`
	Session uint64 `cbor:"2,keyasint,omitzero"` // counts starts of this ledger; orders births and wills
}

// SettingsApplied: settings sent by the hub are in force, except those that are
// fixed at the station. Settings that do not go together are refused whole: then a
// fault "settings" is raised instead, and those from before stay.
type SettingsApplied struct {
	Version uint64   `cbor:"1,keyasint,omitzero"`
	Fixed   []string `cbor:"2,keyasint,omitempty"` // names that no hub changes here
}

// NoticeTaken: a notice that somebody waits for was carried out, or cannot be, as the
// note says.
type NoticeTaken struct {
	Notice  uint64 `cbor:"1,keyasint,omitzero"`
	Note    string `cbor:"2,keyasint,omitzero"`
	Command string `cbor:"3,keyasint,omitzero"` // Command.ID
}

// LogSent: the newest lines of the station's log, as the hub asked for. They name
// nobody.
type LogSent struct {
	Command string `cbor:"1,keyasint,omitzero"`  // Command.ID
	Lines   []byte `cbor:"2,keyasint,omitempty"` // UTF-8 text, one zstd frame, at most MaxLog bytes
}

func (PatronMet) event()          {}
func (CheckedOut) event()         {}
func (CheckedIn) event()          {}
func (Renewed) event()            {}
func (Undone) event()             {}
func (LentToHouse) event()        {}
func (ReadHere) event()           {}
func (Placed) event()             {}
func (TakenOut) event()           {}
func (ConsignmentChecked) event() {}
func (ShelfCounted) event()       {}
func (TagSecured) event()         {}
func (TagUnsecured) event()       {}
func (TagFailed) event()          {}
func (AliasLinked) event()        {}
func (HelpAsked) event()          {}
func (FaultRaised) event()        {}
func (FaultCleared) event()       {}
func (Started) event()            {}
func (SettingsApplied) event()    {}
func (NoticeTaken) event()        {}
func (LogSent) event()            {}
