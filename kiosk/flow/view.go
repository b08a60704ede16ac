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
	Choices   []Choice // of which one is to be touched
	Signs     []Sign   // how it goes, in order
	Rows      []Row    // of the look, at Looking
	Digits    int      // entered so far, at Unlocking
	Scale     float64  // of everything that is measured in mm; 1: as the display says
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
	Welcome     Screen = iota // at rest: nothing personal
	Visiting                  // the items and what happened to them
	Leftover                  // books lie here from the visit before
	StillThere                // is somebody there?
	Undoing                   // which one was not meant?
	Helping                   // how it goes, and who to ask
	Resting                   // the pad does not answer
	Asking                    // for whom?
	Naming                    // who are you, without a card?
	Unlocking                 // the person's secret number
	Listing                   // my loans
	Counting                  // not all was seen: one at a time
	Looking                   // how the screen looks and sounds
	Staffing                  // what the staff may want
	Measuring                 // the screen against a card
	Identifying               // which station this is, for who looks for it

	Receiving   // staff: a consignment
	TakingOut   // staff: the library's lists
	Shelving    // staff: the shelf is counted
	ShelfWhole  // staff: all of it, or a part?
	ShelfResult // staff: what came out
	ShelfGroup  // staff: which items those are
	Boxes       // staff: what is in the box
	DeskDone    // staff: it is done

	Healthy // how the station's parts are
	Opened  // one of them
	Called  // the library is told
	Wiping  // the screen does not answer, to be cleaned
)

// Phrase is a key of the words files and what stands in its braces.
type Phrase struct {
	Key   string
	Name  string    // {name}: a first name
	Title string    // {title}; empty: the language's word for a book without one
	N     int       // {n}; also chooses between one and many
	Of    int       // {of}: of so many
	Day   time.Time // {day}: weekday and date in words
}

// Line is one item of a visit.
type Line struct {
	Item    circ.Item // Title may be empty
	Fate    Fate
	Words   Phrase // the state in a few words, beside the title
	Note    Phrase // what else is worth saying; no Key: nothing
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
	Housed               // in use in the house, durably
	Held                 // on loan since before this visit; only in a list of loans

	// Of an item that the staff deals with.
	Arrived  // came with its consignment, durably
	Extra    // came with a consignment that it is not in, durably
	OtherBox // came with another consignment's, durably
	Astray   // belongs elsewhere
	LentHere // on loan, and here
	Sought   // not seen yet
	Away     // on loan
	Removed  // taken out, durably
	Stays    // is on no list, and goes back to the shelf
	Present  // counted on the shelf
)

// Choice is one answer of several: a person or a purpose, with a picture.
type Choice struct {
	Action  Action
	Who     circ.Ref // to be sent back in Pressed
	Words   Phrase   // the name
	Picture string   // that the person chose; empty: drawn from the name
	List    string   // to be sent back in Pressed
}

// Sign is one step of an explanation: a pictogram by its name, and its words.
type Sign struct {
	Picture string
	Words   Phrase
}

// Row is one thing about the look, and what it can be.
type Row struct {
	Words   Phrase
	Options []Option
}

// Option is a look with one thing as the row says.
type Option struct {
	Words  Phrase
	Look   Look // to be sent back in LookChosen
	Chosen bool
}

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

	ForThem   Action = "action.forthem"   // a choice of Asking
	ForHouse  Action = "action.house"     // in use in the house, without anybody's name
	NoCard    Action = "action.nocard"    // "I have no card with me"
	IAm       Action = "action.iam"       // a choice of Naming
	Digit     Action = "action.digit"     // one of the secret number
	Erase     Action = "action.erase"     // the last digit
	Enter     Action = "action.enter"     // the number is complete
	MyLoans   Action = "action.loans"     // what I have at home
	Renew     Action = "action.renew"     // a longer time with this one
	AllSeen   Action = "action.allseen"   // the stack is as the screen says
	NotAll    Action = "action.notall"    // it is not
	Looks     Action = "action.look"      // open Looking
	ForOther  Action = "action.forother"  // staff: help a resident
	ForMyself Action = "action.formyself" // staff: my own books
	Measure   Action = "action.measure"   // staff: open Measuring
	Larger    Action = "action.larger"    // at Measuring
	Smaller   Action = "action.smaller"
	Fits      Action = "action.fits" // at Measuring: it is as large as the card

	Receive     Action = "action.receive"  // staff: a consignment has come
	TakeOut     Action = "action.takeout"  // staff: what the library wants back
	CountShelf  Action = "action.count"    // staff: count the shelf
	SortBox     Action = "action.box"      // staff: what is in the box
	ThisBox     Action = "action.thisbox"  // at Receiving: a choice of the consignment
	Accept      Action = "action.accept"   // the consignment is as the screen says
	EnoughOut   Action = "action.enough"   // that is all that is taken out now
	AllCounted  Action = "action.counted"  // at Shelving: there are no more
	WholeShelf  Action = "action.whole"    // at ShelfWhole
	PartShelf   Action = "action.part"     // at ShelfWhole
	ShowMissing Action = "action.missing"  // at ShelfResult
	ShowLent    Action = "action.lent"     // at ShelfResult
	ShowAstray  Action = "action.astray"   // at ShelfResult
	SendCount   Action = "action.send"     // at ShelfResult: tell the library
	TakeBack    Action = "action.takeback" // an item on loan that is here has come back
	BoxEmptied  Action = "action.emptied"  // what was in the box is on its way
)

// Look is how the screen looks and sounds. It follows the person and goes back
// to the station's own after the visit.
type Look struct {
	Language string
	Size     TextSize
	Contrast bool
	Volume   Volume // of speech
	Slow     bool   // speech, for who needs time
}

// Volume is how loud speech is, in steps from the station's own.
type Volume int8

// The volumes.
const (
	Silent  Volume = -2
	Softer  Volume = -1
	Usual   Volume = 0
	Louder  Volume = 1
	Loudest Volume = 2
)

// TextSize is one of three steps.
type TextSize uint8

// The text sizes.
const (
	Normal TextSize = iota
	Large
	Largest
)

var screens = [...]string{"welcome", "visiting", "leftover", "still-there", "undoing", "helping", "resting",
	"asking", "naming", "unlocking", "listing", "counting", "looking", "staffing", "measuring", "identifying",
	"receiving", "taking-out", "shelving", "shelf-whole", "shelf-result", "shelf-group", "boxes", "desk-done",
	"healthy", "opened", "called", "wiping"}

func (s Screen) String() string { return screens[s] }

var fates = [...]string{"waiting", "saving", "borrowed", "returned", "boxed", "undone", "ask-staff", "keep", "unread", "left", "housed", "held",
	"arrived", "extra", "other-box", "astray", "lent-here", "sought", "away", "removed", "stays", "present"}

func (f Fate) String() string { return fates[f] }
