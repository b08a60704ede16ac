package flow

import (
	"time"

	"coldstation/sync/circ"
)

// View is one screen, complete: whoever draws it decides nothing. All text in
// it is Phrases, to be looked up in the words of Look.Language.
type View struct {
	Screen    Screen
	Title     Phrase   // the one large sentence
	Text      []Phrase // what to do next; at most two
	Message   string   // the library's own words, at rest only
	Lines     []Line   // the items of this visit, in the order they came
	Buttons   []Button // the main ones, in order; their places do not move
	Back      bool     // same place on every screen
	Help      bool     // same place on every screen
	Look      Look
	Languages []string // to be named in their own language, one touch away
}

// Screen is which screen it is.
type Screen uint8

// The screens of a resident.
const (
	Welcome    Screen = iota // at rest: nothing personal
	Visiting                 // the items and what happened to them
	Leftover                 // books lie here from the visit before
	StillThere               // is somebody there?
	Undoing                  // which one was not meant?
	Helping                  // how it goes, and who to ask
	Resting                  // the pad does not answer
)

// Phrase is a key of the words files and what stands in its braces.
type Phrase struct {
	Key   string
	Name  string    // {name}: a first name
	Title string    // {title}; empty: the language's word for a book without one
	N     int       // {n}; also chooses between one and many
	Day   time.Time // {day}: weekday and date in words
}

// Line is one item of a visit.
type Line struct {
	Item    circ.Item // Title may be empty
	Fate    Fate
	Words   Phrase // the state in a few words, beside the title
	Again   bool   // it was put down again and the answer is the same
	PutBack bool   // it was lifted too early: its tag wants a moment on the pad
	Button  Button // beside the item; zero: none
}

// Fate is what became of an item.
type Fate uint8

// The fates of an item.
const (
	Waiting  Fate = iota // for a card
	Saving               // being made durable; claims nothing yet
	Borrowed             // on loan, durably
	Returned             // back, durably; it stays on this shelf
	Boxed                // back, durably; it goes into the box
	Undone               // as before the visit
	AskStaff             // this card does not borrow here by the station's rule
	Keep                 // nothing could be saved: keep it and tell the staff
	Unread               // a thing on the pad that nobody can read
	Left                 // from the visit before
)

// Button is something to touch. The zero button is none.
type Button struct {
	Action Action
	Item   circ.ItemID // to be sent back in Pressed
	Words  Phrase
	Main   bool // the one to see first
}

// Action is what a button asks for.
type Action string

// The actions of a resident. Each is also the key of its words.
const (
	Back      Action = "action.back"
	Help      Action = "action.help"
	Undo      Action = "action.undo"     // "I did not mean this": choose which
	UndoThis  Action = "action.undothis" // this one
	Redo      Action = "action.redo"     // what was undone, after all
	BorrowIt  Action = "action.borrow"   // returned before the card came: borrow it
	Continue  Action = "action.continue" // seen the books from before
	StillHere Action = "action.here"
	SayAgain  Action = "action.again"
	Receipt   Action = "action.receipt"
	Finish    Action = "action.finish" // nothing lies on the pad: end now
)

// Look is how the screen looks and sounds. It follows the person and goes back
// to the station's own after the visit.
type Look struct {
	Language string
	Size     TextSize
	Contrast bool
}

// TextSize is one of three steps.
type TextSize uint8

// The text sizes.
const (
	Normal TextSize = iota
	Large
	Largest
)

var screens = [...]string{"welcome", "visiting", "leftover", "still-there", "undoing", "helping", "resting"}

func (s Screen) String() string { return screens[s] }

var fates = [...]string{"waiting", "saving", "borrowed", "returned", "boxed", "undone", "ask-staff", "keep", "unread", "left"}

func (f Fate) String() string { return fates[f] }
