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
	Asked   time.Duration // when StillThere was asked; 0: it is not
	Look    Look
	Chosen  bool // Look was chosen by touch; a card does not overrule it
	Resting bool
	Message map[string]string
	Past    []Entry // of ended visits: still being saved

	LastVisit circ.VisitID
	Ticket    uint64
	Quiet     time.Duration // since when nothing has moved
	Touched   bool          // by a finger, since the pad became empty
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
	Tags         bool // the station writes tags for a gate
	Printer      bool
	Speech       bool

	Linger time.Duration // an empty pad ends a visit in which all is done
	Part   time.Duration // after so long on an empty pad another item is somebody else's
	Gather time.Duration // books wait this long for their card
	Undo   time.Duration // "I did not mean this one"
	Finish time.Duration // a loan this young with an unready tag is not a return
	Ask    time.Duration // ask whether somebody is there
	Clear  time.Duration // and clear the screen this much later
	Deaf   time.Duration // after a press, and after another screen, touches are ignored
}

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
		Undo:      2 * time.Minute,
		Finish:    10 * time.Minute,
		Ask:       90 * time.Second,
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

// Card is whose visit it is.
type Card struct {
	Token  Token
	Ref    circ.Ref
	Patron circ.Patron
	Lend   bool       // the station lends to it
	Flags  circ.Flags // of every loan made with it
	Policy circ.Policy
	Loans  int // before this visit
}

// Visit is one stay at the pad.
type Visit struct {
	ID      circ.VisitID
	Card    *Card // nil while none was shown; never written through
	Scanned bool  // something was scanned: an empty pad says little
	Passed  bool  // the books from before were pointed out and passed over
	Entries []Entry
	Last    circ.ItemID   // that something happened to
	Arrived time.Duration // when the latest book came
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
	Made    Fate          // Borrowed, Returned or Boxed: what Redo repeats; Waiting: nothing was made yet
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
	return State{Rules: rules, Look: look, LastVisit: last}
}
