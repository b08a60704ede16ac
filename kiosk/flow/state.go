package flow

import (
	"time"

	"coldstation/sync/circ"
)

// State is a station's screen side, whole. Make one by New.
type State struct {
	Rules   Rules
	Now     Moment // of the last message
	Pad     []Thing
	Visit   Visit // ID 0: nobody is here
	Page    Screen
	Desk    *Desk         // a task of the staff; nil: none is open. Never written through
	Asked   time.Duration // when StillThere was asked; 0: it is not
	Look    Look
	Chosen  bool // Look was chosen by touch; a card does not overrule it
	Resting bool
	Message map[string]string
	Remote  Remote
	Health  Health
	Tiles   []Tile
	Scale   float64 // of the screen, as it is tried out at Measuring
	Past    []Entry // of ended visits: still being saved

	LastVisit circ.VisitID
	Ticket    uint64
	Quiet     time.Duration // since when nothing has moved
	Touched   bool          // by a finger, since the pad became empty
	Press     Pressed       // the last that counted
	PressedAt time.Duration
	ChangedAt time.Duration // when the screen last became another
}

// Rules are a station's choices. All times have a default in DefaultRules.
type Rules struct {
	Station      circ.StationID
	Languages    []string // the first is the station's own
	Look         Look     // of the station; an empty language is the first
	UnknownCards Rule
	BlockedCards Rule
	Tiles        Tiles
	Secret       bool    // who has a secret number is asked for it
	House        bool    // books may be in use in the house
	Tags         bool    // the station writes tags for a gate
	Scanner      bool    // there is one to read a book's stripes with
	Scale        float64 // of the screen, as the staff measured it; 0: 1
	Printer      bool
	Speech       bool

	Linger time.Duration // an empty pad ends a visit in which all is done
	Part   time.Duration // after so long on an empty pad another item is somebody else's
	Gather time.Duration // books wait this long for their card
	Stack  time.Duration // books that come within this of each other came together
	Undo   time.Duration // "I did not mean this one"
	Finish time.Duration // a loan this young with an unready tag is not a return
	Ask    time.Duration // ask whether somebody is there
	Idle   time.Duration // the same of the staff, while something lies on the pad
	Clear  time.Duration // and clear the screen this much later
	Deaf   time.Duration // after a press, and after another screen, touches are ignored
}

// Tiles is who may touch a name instead of showing a card.
type Tiles uint8

// The rules for tiles.
const (
	NoTiles    Tiles = iota
	StaffTiles       // the staff, for a person who stands there
	OpenTiles        // who agreed to it, and the staff
)

// Rule is what a station does with a card that it cannot vouch for.
type Rule uint8

// The rules for cards.
const (
	LendAndFlag Rule = iota // lend, and let the library know
	AskTheStaff
)

// DefaultRules are the rules of a station that nobody has set.
func DefaultRules(station circ.StationID, languages ...string) Rules {
	return Rules{
		Station:   station,
		Languages: languages,
		Tags:      true,
		Linger:    12 * time.Second,
		Part:      4 * time.Second,
		Gather:    90 * time.Second,
		Stack:     1500 * time.Millisecond,
		Undo:      2 * time.Minute,
		Finish:    10 * time.Minute,
		Ask:       90 * time.Second,
		Idle:      10 * time.Minute,
		Clear:     30 * time.Second,
		Deaf:      500 * time.Millisecond,
	}
}

// Thing is what lies on the pad: a card, an item or something strange.
type Thing struct {
	Token Token
	Card  *Card     // never written through
	Item  circ.Item // no ID: a card, or something strange
	Left  bool      // from the visit before; it is bound to nobody
	Tag   Security  // that it holds, or was last asked to take on
}

// Card is who is here: whose hands.
type Card struct {
	Token    Token
	Staff    bool
	Secret   bool // a number goes with it
	Shut     bool // too many were wrong before
	Recalls  bool
	Language string
	Look     *Look
	Own      Account
	Others   []Account // to act for; never written through
}

// Account is whose loans they are.
type Account struct {
	Ref     circ.Ref // nobody's: the house
	Name    string
	Picture string
	Lend    bool       // the station lends to it
	Flags   circ.Flags // of every loan made on it
	Policy  circ.Policy
	Loans   int         // before this visit
	Scopes  circ.Scopes // what these hands may do
}

// everything is what one may do for oneself.
const everything = circ.MayBorrow | circ.MayRenew | circ.MayCollect | circ.MaySeeLoans | circ.MaySeeHistory

// house is the account of what is in use in the house.
var house = Account{Lend: true, Scopes: circ.MayBorrow}

// Visit is one stay at the pad.
type Visit struct {
	ID      circ.VisitID
	Card    *Card    // nil while none was shown; never written through
	For     *Account // nil while it is not known for whom; never written through
	Whom    bool     // it is to be asked again for whom
	Locked  bool     // the secret number is yet to come
	Number  string   // as far as it was entered
	Wrong   bool     // the last one was
	Shut    bool     // too many were
	Scanned bool     // something was scanned: an empty pad says little
	Passed  bool     // the books from before were pointed out and passed over
	Entries []Entry
	Owned   []Owned       // the account's loans, as they were last read
	Renewal renewal       // being saved
	Last    circ.ItemID   // that something happened to
	Arrived time.Duration // when the latest book came
	Stack   int           // how many came together with it
	Counted bool          // they are as many as the person put down, or it was said that they are not
	Emptied time.Duration // when the pad last became empty
}

// Entry is one item of a visit and what became of it.
type Entry struct {
	Seen    ItemSeen // at its latest arrival
	Fate    Fate
	Again   bool
	Failed  bool          // an undo could not be saved
	Seq     uint64        // of the event that made the fate; 0: none that can be undone
	At      time.Duration // when it was recorded
	From    circ.Ref      // the account it was on loan to before this visit
	Back    bool          // its return in this visit is in force, also under a loan made after it
	Orphan  bool          // it was returned before any card came
	Made    Fate          // Borrowed, Housed, Returned or Boxed: what Redo repeats; Waiting: nothing was made yet
	Had     bool          // the person has had it before
	Due     time.Time
	Days    int        // the loan time behind Due
	Clock   circ.Clock // when Due was reckoned
	Easy    bool       // the account knows no pressure of dates
	Unready []Token    // tags to be written yet; never written through

	ticket uint64 // while Saving
	before Fate   // it falls back to this when saving fails
	next   Fate   // it becomes this when saved
	made   bool   // the last body of the record makes next; else it takes something back
	offset uint64 // of that body, from the first of the record
}

// New is a station at rest. last is the number of the last visit in its ledger.
func New(rules Rules, last circ.VisitID) State {
	look := rules.Look
	if look.Language == "" && len(rules.Languages) > 0 {
		look.Language = rules.Languages[0]
	}
	rules.Look = look
	if rules.Scale == 0 {
		rules.Scale = 1
	}
	return State{Rules: rules, Look: look, Scale: rules.Scale, LastVisit: last}
}
