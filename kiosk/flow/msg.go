package flow

import (
	"time"

	"coldstation/sync/circ"
)

// Moment is when a message came. Up orders and measures; Wall only dates.
type Moment struct {
	Up    time.Duration // since the machine started, never jumping
	Wall  time.Time     // in the station's place
	Clock circ.Clock    // how far Wall is to be trusted
}

// Token names one thing on the pad or under the scanner for as long as it is
// there: a chip's UID or a scanned line. It says nothing about an item.
type Token string

// Msg is something that happened: exactly one of the types in this file.
type Msg interface{ msg() }

// CardSeen: a card, keyring or wristband came onto the pad.
type CardSeen struct {
	Token   Token
	Scanned bool // by a line scanner or a touch: it does not lie on the pad
	Ref     circ.Ref
	Patron  circ.Patron // FirstName, Language, Blocked and so on; the zero value when not Known
	Known   bool
	Valid   bool        // when not Known: the library network says that it is one of its valid cards
	Policy  circ.Policy // of the patron's group, or the station's own for an unknown card
	Loans   int         // open loans of the account
	Tile    bool        // no card: a name was touched, and Recognise asked whose it is
	Secret  bool        // there is a secret number to compare with
	Shut    bool        // too many were wrong: it is not asked for now
	Recalls bool        // the person wants to hear what they have had before
	Look    *Look       // as the person left it here, never written through; nil: never seen
	Others  []Other     // for whom the person may act
}

// Other is an account that an agent may act for.
type Other struct {
	Ref     circ.Ref
	Name    string // first name
	Picture string
	Known   bool
	Valid   bool // when not Known: as of CardSeen
	Blocked bool
	Policy  circ.Policy
	Loans   int
	Scopes  circ.Scopes
}

// Tile is a person who may be recognised by a touch, as they agreed to.
type Tile struct {
	Ref     circ.Ref
	Name    string
	Picture string
}

// ItemSeen: an item's tag or barcode was read. A set has several tags with one
// item identifier.
type ItemSeen struct {
	Token    Token
	Scanned  bool
	Found    bool      // it lay on the pad when the station woke up: nobody knows since when
	Item     circ.Item // only ID when not Known
	Known    bool
	Foreign  bool // the tag names another library as its owner; it is never written
	OnLoan   bool
	Loan     circ.Loan // valid when OnLoan
	Housed   bool      // it was in use in the house
	Wanted   bool      // the library asks for it: when it comes back it goes into the box
	Security Security  // as read from the tag
	Missing  int       // parts of its set that do not lie on the pad
	Unready  bool      // the ledger knows of a tag of it that could not be written
}

// Security is what a gate would make of a tag.
type Security uint8

// The securities of a tag. NoSecurity is a barcode, or a tag nobody could ask.
const (
	NoSecurity Security = iota
	Secured
	Unsecured
)

// StrangeSeen: something with a chip lies on the pad and cannot be understood.
type StrangeSeen struct{ Token Token }

// Lifted: a thing that lay on the pad is gone.
type Lifted struct {
	Token   Token
	Missing int // parts of its item's set that do not lie on the pad now
}

// TagWritten: the tag was written and read back.
type TagWritten struct {
	Token   Token
	Item    circ.ItemID
	Secured bool
}

// TagFailed: the tag could not be written, or it was gone.
type TagFailed struct {
	Token   Token
	Item    circ.ItemID
	Secured bool // what it should have become
}

// TagUnable: no reader that sees the tag can write it. The library is told, so that
// another reader makes it good; nobody is asked to bring it back for that.
type TagUnable struct {
	Token   Token
	Item    circ.ItemID
	Secured bool // what it should have become
}

// Recorded answers a Record effect.
type Recorded struct {
	Ticket uint64
	Seq    uint64 // of the first body
	Failed bool   // nothing of it is durable
}

// Pressed: a button of the view was touched and let go.
type Pressed struct {
	Action Action
	Item   circ.ItemID // for buttons that stand beside an item
	Who    circ.Ref    // for choices of a person
	Digit  byte        // '0' to '9', for Digit
	List   string      // for choices of a list
}

// Touched: the screen was touched beside any button.
type Touched struct{}

// Turned: another sheet is shown of what does not fit on one; By is 1 or -1.
type Turned struct{ By int }

// Reached: a keypad has led to a button, which sends Means when it is pressed.
type Reached struct{ Means Msg }

// BoxSeen: the label on a consignment's box was scanned.
type BoxSeen struct{ Consignment string }

// DeskRead answers ReadDesk with what that page needs.
type DeskRead struct {
	Page         Screen
	Consignments []Consignment // on their way, or begun
	Wanted       []Wanted      // by the lists of the library, in order of their titles
	Shelf        []circ.Item   // should stand on the shelf
	Counted      []ItemSeen    // in a count that is not over, as they are known now
	Boxed        []circ.Item   // lie in the box
}

// CountNoted answers NoteCounted.
type CountNoted struct {
	Item   circ.ItemID
	Failed bool
}

// LanguageChosen: a language of View.Languages was touched.
type LanguageChosen struct{ Language string }

// LookChosen: an option of View.Rows was touched.
type LookChosen struct{ Look Look }

// Unlocked answers Unlock.
type Unlocked struct {
	Ref   circ.Ref
	Right bool
	Shut  bool // too many were wrong: not now
}

// LoansRead answers ReadLoans.
type LoansRead struct {
	Ref   circ.Ref
	Loans []Owned
}

// Owned is an open loan and its item.
type Owned struct {
	Item circ.Item
	Loan circ.Loan
}

// Recalled answers Recall.
type Recalled struct {
	Item circ.ItemID
	Had  bool
}

// TilesSet: the people who may be recognised by a touch.
type TilesSet struct{ Tiles []Tile }

// Resumed: the station was cut off moments ago in the middle of a visit, whose
// items were settled as Done says. It comes before anything is seen.
type Resumed struct {
	Visit circ.VisitID
	Done  []Done
}

// Done is what the ledger says of one item in a visit that was cut off.
type Done struct {
	Item  circ.Item
	Known bool
	Fate  Fate          // Borrowed, Housed, Returned or Boxed
	Seq   uint64        // of the event that made it
	At    time.Duration // when, as Moment.Up
	From  circ.Ref      // the account it was on loan to before
	Due   time.Time
	Easy  bool
}

// Fired: a started timer ran out. A late one that was stopped does no harm.
type Fired struct{ Timer Timer }

// PadLost: the pad does not answer.
type PadLost struct{}

// PadBack: it answers again; whatever lies on it is seen anew.
type PadBack struct{}

// MessageSet: the library's words for the screen at rest, by language.
type MessageSet struct{ Words map[string]string }

func (CardSeen) msg()       {}
func (ItemSeen) msg()       {}
func (StrangeSeen) msg()    {}
func (Lifted) msg()         {}
func (TagWritten) msg()     {}
func (TagFailed) msg()      {}
func (TagUnable) msg()      {}
func (Recorded) msg()       {}
func (Pressed) msg()        {}
func (Touched) msg()        {}
func (Turned) msg()         {}
func (Reached) msg()        {}
func (LanguageChosen) msg() {}
func (LookChosen) msg()     {}
func (Fired) msg()          {}
func (PadLost) msg()        {}
func (PadBack) msg()        {}
func (MessageSet) msg()     {}
func (Unlocked) msg()       {}
func (LoansRead) msg()      {}
func (Recalled) msg()       {}
func (TilesSet) msg()       {}
func (Resumed) msg()        {}
func (BoxSeen) msg()        {}
func (DeskRead) msg()       {}
func (CountNoted) msg()     {}
