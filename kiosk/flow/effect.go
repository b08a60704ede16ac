package flow

import (
	"time"

	"coldstation/sync/circ"
)

// Effect is something to carry out: exactly one of the types in this file.
type Effect interface{ effect() }

// Record asks for the bodies to be made durable, all or none, in this order;
// Recorded answers with the same ticket.
type Record struct {
	Ticket uint64
	Bodies []circ.EventBody
}

// SetTag asks for a tag's security to be written and read back, again and
// again while it lies there; TagWritten or TagFailed answers, or the one after the
// other, or TagUnable.
type SetTag struct {
	Token   Token
	Item    circ.ItemID
	Secured bool
}

// PrinterFault is the name of what keeps receipts from being printed.
const PrinterFault = "printer"

// Say asks for the view to be spoken, from its beginning; what is being said
// ends.
type Say struct{ View View }

// Hush ends what is being said.
type Hush struct{}

// Print asks for a receipt of the borrowed lines.
type Print struct {
	Language string
	Lines    []Line
}

// Recognise asks for CardSeen of the person behind a tile.
type Recognise struct{ Ref circ.Ref }

// Unlock asks whether the number is the account's; Unlocked answers. Nobody
// writes it down, shows it or says it.
type Unlock struct {
	Ref    circ.Ref
	Number string
}

// ReadLoans asks for the open loans of an account; LoansRead answers.
type ReadLoans struct{ Ref circ.Ref }

// Recall asks whether the account has had the item before, and notes that it has
// it now; Recalled answers.
type Recall struct {
	Ref  circ.Ref
	Item circ.Item
}

// Forget takes back what Recall noted.
type Forget struct {
	Ref  circ.Ref
	Item circ.Item
}

// Remember asks for the look to be there when the person comes again.
type Remember struct {
	Ref  circ.Ref
	Look Look
}

// ReadDesk asks for what a page of the staff needs; DeskRead answers.
type ReadDesk struct{ Page Screen }

// NoteCounted asks for it to be kept that an item stands on the shelf; CountNoted
// answers.
type NoteCounted struct{ Item circ.ItemID }

// ForgetCount asks for a count to be over.
type ForgetCount struct{}

// Rescale asks for the screen's scale to be kept.
type Rescale struct{ Scale float64 }

// StartTimer asks for Fired after a while. A timer that runs starts over.
type StartTimer struct {
	Timer Timer
	After time.Duration
}

// StopTimer takes a timer back.
type StopTimer struct{ Timer Timer }

// Timer names a timer; at most one of each runs.
type Timer uint8

// The timers of a station.
const (
	EndTimer   Timer = iota // the pad is empty and all is done: the visit ends
	AskTimer                // nobody has moved: ask whether somebody is there
	ClearTimer              // nobody answered: clear the screen
	UndoTimer               // the oldest undo is over
	WipeTimer               // the screen was wiped
	timers
)

func (Record) effect()      {}
func (SetTag) effect()      {}
func (Say) effect()         {}
func (Hush) effect()        {}
func (Print) effect()       {}
func (StartTimer) effect()  {}
func (StopTimer) effect()   {}
func (Recognise) effect()   {}
func (Unlock) effect()      {}
func (ReadLoans) effect()   {}
func (Recall) effect()      {}
func (Forget) effect()      {}
func (Remember) effect()    {}
func (Rescale) effect()     {}
func (ReadDesk) effect()    {}
func (NoteCounted) effect() {}
func (ForgetCount) effect() {}
