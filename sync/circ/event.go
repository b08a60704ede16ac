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
	Wall   time.Time     // the station's clock, as it stood; millisecond precision
	Clock  Clock         // how far Wall is to be trusted
	Boot   uuid.UUID     // /proc/sys/kernel/random/boot_id
	Uptime time.Duration // CLOCK_BOOTTIME: counts sleep too, never jumps
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
type EventBody interface{ event() }

// PatronMet introduces a patron to the log before the first event that refers
// to them: from here on Ref stands for ID. It is the only event that carries an
// identifier, sealed so that the library can open it and the station cannot.
type PatronMet struct {
	Ref Ref
	ID  PatronID // zero in a log read back without the library's key
}

// CheckedOut: an item went on loan. Patron is whose account, By whose hands.
type CheckedOut struct {
	Visit  VisitID
	Item   ItemID
	Patron Ref
	By     Ref
	Due    time.Time // the station's promise; zero: as long as you like
	From   Ref       // the account it was on loan to; the loan implied its return
	Flags  Flags
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
	Visit   VisitID
	Item    ItemID
	Patron  Ref
	Flags   Flags
	Belongs bool // it stays on this shelf; false: it goes into the box
}

// Renewed: a loan goes on until Due.
type Renewed struct {
	Visit  VisitID
	Item   ItemID
	Patron Ref
	By     Ref
	Due    time.Time
}

// Undone: the event Seq of the same ledger did not happen after all.
type Undone struct {
	Visit VisitID
	Seq   uint64
}

// LentToHouse: an item is in use in the house, without personal data.
type LentToHouse struct {
	Visit VisitID
	Item  ItemID
}

// ReadHere: an item was found read and left on the tray.
type ReadHere struct{ Item ItemID }

// Placed: staff put an item on the shelf.
type Placed struct {
	Item        ItemID
	Consignment string
	By          Ref
}

// TakenOut: staff took an item off the shelf.
type TakenOut struct {
	Item        ItemID
	Consignment string
	By          Ref
}

// ConsignmentChecked: a consignment was received as far as it goes.
type ConsignmentChecked struct {
	Consignment string
	Seen        []ItemID
	Missing     []ItemID
	Extra       []ItemID
	By          Ref
}

// ShelfCounted: a census.
type ShelfCounted struct {
	Seen  []ItemID
	Whole bool // false: a part of the shelf
	By    Ref
}

// TagSecured: the item's tag sounds at a gate again. UID is the chip's.
type TagSecured struct {
	Item ItemID
	UID  string
}

// TagUnsecured: the item's tag passes a gate.
type TagUnsecured struct {
	Item ItemID
	UID  string
}

// TagFailed: the tag's security could not be changed; it is repaired when the
// tag is seen again.
type TagFailed struct {
	Item    ItemID
	UID     string
	Secured bool // what it should have become
}

// AliasLinked: a wristband or key tag stands for a patron's card from now on.
type AliasLinked struct {
	Patron Ref
	Alias  PatronID // sealed like PatronMet.ID
	By     Ref
}

// HelpAsked: somebody pressed help, or staff called the library.
type HelpAsked struct {
	Screen string
	Staff  bool
}

// FaultRaised: something is wrong with the station. Fault is a short constant
// name: "reader", "printer", "disk", "clock", "ledger".
type FaultRaised struct {
	Fault  string
	Detail string
}

// FaultCleared: it is well again.
type FaultCleared struct{ Fault string }

// Started: the kiosk began to run.
type Started struct {
	Version string
	Session uint64 // counts starts of this ledger; orders births and wills
}

// SettingsApplied: settings sent by the hub are in force.
type SettingsApplied struct{ Version uint64 }

// NoticeTaken: a notice that somebody waits for was carried out.
type NoticeTaken struct {
	Notice uint64
	Note   string
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
