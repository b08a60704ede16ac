package circ

import (
	"regexp"
	"time"
)

// Notice is one thing the hub tells one station. Notices stand in a stream of
// their own, numbered from 1; a new or wiped station gets a new stream that
// begins with a snapshot.
type Notice struct {
	Seq  uint64
	Body NoticeBody
}

// NoticeBody is what is told: exactly one of the types in this file.
type NoticeBody interface{ notice() }

// PatronPut: this is what the station knows of the patron from now on.
type PatronPut struct {
	Patron Patron
}

// PatronGone: the station forgets the patron.
type PatronGone struct {
	ID PatronID
}

// ItemPut: this is what the station knows of the item from now on.
type ItemPut struct {
	Item Item `cbor:"1,keyasint,omitzero"`
}

// ItemGone: the station forgets the item.
type ItemGone struct {
	ID ItemID `cbor:"1,keyasint,omitzero"`
}

// PolicyPut: how one customer group borrows.
type PolicyPut struct {
	Policy Policy `cbor:"1,keyasint,omitzero"`
}

// ProxyPut: one person may act for another.
type ProxyPut struct {
	Proxy Proxy
}

// ProxyCancelled: no longer. It beats every grant that was cached before.
type ProxyCancelled struct {
	ID string `cbor:"1,keyasint,omitzero"`
}

// LoanPut: an item is on loan at the library, made elsewhere or long ago.
type LoanPut struct {
	Item   ItemID
	Patron PatronID
	At     time.Time
	Due    time.Time
}

// LoanGone: it is no longer on loan.
type LoanGone struct {
	Item ItemID `cbor:"1,keyasint,omitzero"`
}

// LoanConfirmed: the library system has the station's event Seq.
type LoanConfirmed struct {
	Seq uint64    `cbor:"1,keyasint,omitzero"`
	Due time.Time `cbor:"2,keyasint,omitzero"` // what the library system says; zero: as promised
}

// LoanRefused: the library system would not take the station's event Seq. A
// librarian decides; the resident is not told. Of a renewal, Due is until when the
// loan runs without it.
type LoanRefused struct {
	Seq uint64    `cbor:"1,keyasint,omitzero"`
	Due time.Time `cbor:"2,keyasint,omitzero"` // zero: not known, or no renewal
}

// ConsignmentPut: these items are on their way to the shelf; without items, it is
// done with. ID is what stands on the box, in words and as a bar code; it is used for
// one consignment only, since what a station has accepted it does not offer again.
type ConsignmentPut struct {
	ID    string   `cbor:"1,keyasint,omitzero"`
	Items []ItemID `cbor:"2,keyasint,omitzero"`
	Title string   `cbor:"3,keyasint,omitzero"` // what the library calls it
}

// consignmentID is what the hub's names of consignments look like.
var consignmentID = regexp.MustCompile(`^[A-Z0-9]{4}-[0-9]{4,8}$`)

// IsConsignmentID reports whether a bar code looks like a box's, so that a station knows
// one also when nobody has told it of the consignment yet.
func IsConsignmentID(line string) bool { return consignmentID.MatchString(line) }

// RecallPut: these items are to be taken out; without items, none are any more.
type RecallPut struct {
	ID    string   `cbor:"1,keyasint,omitzero"`
	Items []ItemID `cbor:"2,keyasint,omitzero"`
	Title string   `cbor:"3,keyasint,omitzero"` // what for, in the library's words
}

// PicksPut: librarians suggest these.
type PicksPut struct {
	Name  string   `cbor:"1,keyasint,omitzero"`
	Items []ItemID `cbor:"2,keyasint,omitzero"`
}

// MessagePut: words for the idle screen, by language; empty: take it down.
type MessagePut struct {
	ID    string            `cbor:"1,keyasint,omitzero"`
	Words map[string]string `cbor:"2,keyasint,omitzero"`
}

// SettingsPut: the station's settings, whole.
type SettingsPut struct {
	Version uint64            `cbor:"1,keyasint,omitzero"`
	Values  map[string]string `cbor:"2,keyasint,omitzero"`
}

// Command asks the station to do something once: Name is one of Commands. What has
// no ID is known by its number alone, in one stream; with one it is carried out once
// also when a new stream tells it again. Make one by NewCommand.
type Command struct {
	Name string `cbor:"1,keyasint,omitzero"`
	ID   string `cbor:"2,keyasint,omitzero"`
}

// CardFilterPut: this blob tells which cards are valid in the library network, as
// package filter reads it; it takes the place of the one before.
type CardFilterPut struct {
	Filter BlobID `cbor:"1,keyasint,omitzero"`
}

// Proxy is an authorisation: Agent may do Scopes on behalf of Principal.
type Proxy struct {
	ID        string
	Principal PatronID
	Agent     PatronID
	Scopes    Scopes
	Once      bool
	From      time.Time
	To        time.Time // zero: until further notice
	Fresh     time.Time // when the hub last said so, by its clock; zero where that is not known
}

// ProxyLife is how long a station goes by an authorisation that the hub has not told
// it again.
const ProxyLife = 30 * 24 * time.Hour

// Scopes are what an agent may do. Returning needs none.
type Scopes uint8

// The scopes of an authorisation.
const (
	MayBorrow Scopes = 1 << iota
	MayRenew
	MayCollect
	MaySeeLoans
	MaySeeHistory
)

func (PatronPut) notice()      {}
func (PatronGone) notice()     {}
func (ItemPut) notice()        {}
func (ItemGone) notice()       {}
func (PolicyPut) notice()      {}
func (ProxyPut) notice()       {}
func (ProxyCancelled) notice() {}
func (LoanPut) notice()        {}
func (LoanGone) notice()       {}
func (LoanConfirmed) notice()  {}
func (LoanRefused) notice()    {}
func (ConsignmentPut) notice() {}
func (RecallPut) notice()      {}
func (PicksPut) notice()       {}
func (MessagePut) notice()     {}
func (SettingsPut) notice()    {}
func (Command) notice()        {}
func (CardFilterPut) notice()  {}
