// Package circ is circulation: the nouns of lending, the events a station
// records, the notices a hub sends down, and the rules between them.
//
// Everything here is a plain value. Nothing here reads a clock, a file or a
// network, and nothing here knows how a value is written on a wire or a disk.
package circ

import "time"

// StationID names one station: 1 to 32 characters of a-z, 0-9 and '-', not
// beginning or ending with '-'. It is part of an MQTT topic and of a
// certificate, so nothing else is allowed in it.
type StationID string

// Valid reports whether s may name a station.
func (s StationID) Valid() bool {
	if len(s) == 0 || len(s) > 32 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return true
}

// ItemID identifies an item: the barcode, the tag's primary item identifier,
// SIP2 field AB. The chip's UID never identifies an item.
type ItemID string

// VisitID numbers the visits of one station since its ledger began; 0 is no visit.
type VisitID uint64

// Item is what a station knows of one item.
type Item struct {
	ID       ItemID    `cbor:"1,keyasint,omitzero"`
	Title    string    `cbor:"2,keyasint,omitzero"`
	Author   string    `cbor:"3,keyasint,omitzero"`
	Year     int       `cbor:"4,keyasint,omitzero"` // 0 when unknown
	Language string    `cbor:"5,keyasint,omitzero"` // ISO 639-1, "" when unknown
	Subject  string    `cbor:"6,keyasint,omitzero"` // one word of the library's choice; decides the drawn cover
	Marks    Marks     `cbor:"7,keyasint,omitzero"`
	Parts    int       `cbor:"8,keyasint,omitzero"` // physical parts that are lent together; 0 and 1 both mean one
	Home     StationID `cbor:"9,keyasint,omitzero"`
	Cover    BlobID    `cbor:"10,keyasint,omitzero"` // the library's own picture of it; zero: one is drawn
}

// Marks are what a reader chooses an item by before its title.
type Marks uint8

// The marks of an item.
const (
	LargePrint Marks = 1 << iota
	Audio
	EasyLanguage
)

// Has reports whether all marks of n are set in m.
func (m Marks) Has(n Marks) bool { return m&n == n }

// Policy is how one customer group borrows at a station.
type Policy struct {
	ID        string `cbor:"1,keyasint,omitzero"`
	LoanDays  int    `cbor:"2,keyasint,omitzero"` // days until due; 0: keep it as long as you like
	Limit     int    `cbor:"3,keyasint,omitzero"` // items at a time; 0: no limit
	Renewals  int    `cbor:"4,keyasint,omitzero"` // renewals of one loan
	FeeFree   bool   `cbor:"5,keyasint,omitzero"` // no fee word, no due-date pressure
	OverdueOK bool   `cbor:"6,keyasint,omitzero"` // an overdue loan does not stop the next one
}

// Due is the date a loan made at t is due by p, at the end of that day in t's
// place; the zero time when the policy sets none.
func (p Policy) Due(t time.Time) time.Time {
	if p.LoanDays == 0 {
		return time.Time{}
	}
	y, m, d := t.AddDate(0, 0, p.LoanDays).Date()
	return time.Date(y, m, d, 23, 59, 0, 0, t.Location())
}

// Patron is what a station knows of a person whose card lies on the pad.
type Patron struct {
	ID        PatronID
	FirstName string // what the screen calls them; "" for no name
	Policy    string // Policy.ID
	Staff     bool
	Blocked   bool      // the library would rather talk first; the station's rule decides
	Language  string    // words and speech; "" for the station's own
	Cards     []string  // further identifiers on cards, keyrings and wristbands, beside ID
	Picture   string    // by which they agreed to be recognised without a card; "": they did not
	Recalls   bool      // they want to be told what they have had before
	Secret    string    // what a secret number is compared with, as package secret makes it; "": none
	Home      StationID // where they belong; only the hub knows, and what it tells follows from it
}

// Loan is one item on loan as the station knows it.
type Loan struct {
	Item    ItemID
	Patron  Ref
	Seq     uint64    // the event that began it at this station; 0 when it came down from the hub
	At      time.Time // when it began
	Due     time.Time // zero: as long as you like
	State   LoanState
	Renewed int
}

// LoanState is how far a loan is known.
type LoanState uint8

// The states of a loan, in the order they come.
const (
	NotedHere LoanState = iota // durably in the station's ledger
	Received                   // the hub has it
	Confirmed                  // the library system has it
	Refused                    // the library system would not; a librarian decides
)
