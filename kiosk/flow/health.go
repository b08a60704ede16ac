package flow

import (
	"slices"
	"strings"
	"time"

	"coldstation/sync/circ"
)

// Part is a part of the station that may be well or ill, by its fault's name where it
// has one.
type Part string

// The parts of a station, in the order in which the staff see them.
const (
	PadPart     Part = "reader"
	CardPart    Part = "card reader"
	TrayPart    Part = "tray"
	PrinterPart Part = PrinterFault
	SpeechPart  Part = "speech"
	ContactPart Part = "contact" // with the library
	QueuePart   Part = "queue"   // of what the library does not know yet
	DiskPart    Part = "disk"
	ClockPart   Part = "clock"
)

// Parts are all of them.
var Parts = []Part{PadPart, CardPart, TrayPart, PrinterPart, SpeechPart, ContactPart, QueuePart, DiskPart, ClockPart}

// Condition is how a part is.
type Condition struct {
	Part Part
	Ill  bool
	N    int       // of QueuePart: how many wait
	Day  time.Time // of ContactPart and QueuePart: since when it is ill; zero: nobody knows
}

// Health is what the staff see of the station, and what of it is open.
type Health struct {
	Parts   []Condition // never written through
	Open    Part
	Tried   bool // Open was tested since it was opened
	Calling uint64
	Wiped   time.Duration // until then the screen does not answer; 0: it does
}

// HealthRead answers ReadHealth, and comes by itself when something changes: the parts
// that this station has.
type HealthRead struct{ Parts []Condition }

// PartTested answers TestPart; HealthRead has come before it.
type PartTested struct{ Part Part }

// ReadHealth asks for HealthRead.
type ReadHealth struct{}

// TestPart asks for a part to be tried out, as far as can be seen or heard at once;
// PartTested answers. Say is what a voice tries itself with.
type TestPart struct {
	Part Part
	Say  View
}

// StartAgain asks for the program to be ended and started again.
type StartAgain struct{}

func (HealthRead) msg() {}
func (PartTested) msg() {}

func (ReadHealth) effect() {}
func (TestPart) effect()   {}
func (StartAgain) effect() {}

// The actions of who looks after the station. Each is also the key of its words; so is
// what Part.action makes.
const (
	Wellbeing  Action = "action.health" // open Healthy
	Try        Action = "action.try"    // test the part that is open
	Call       Action = "action.call"   // the library
	StartAnew  Action = "action.anew"
	Wipe       Action = "action.wipe" // clean the screen
	partPrefix        = "part."
	illSuffix         = ".ill"
	wiping            = 30 * time.Second
)

// Key is what the words of a part begin with.
func (p Part) Key() string { return partPrefix + strings.ReplaceAll(string(p), " ", "-") }

// PartAction opens a part; it is the key of the sentence that says how the part is.
func PartAction(p Part, ill bool) Action {
	if ill {
		return Action(p.Key() + illSuffix)
	}
	return Action(p.Key())
}

// sentence says how a part is.
func (c Condition) sentence() Phrase {
	return Phrase{Key: string(PartAction(c.Part, c.Ill)), N: c.N}
}

// tended reports whether the staff are at a page of the station's health.
func (s State) tended() bool {
	return s.Page == Healthy || s.Page == Opened || s.Page == Called
}

// tend takes what the staff press about the station itself.
func (t *turn) tend(a Action) {
	switch {
	case a == Wellbeing && t.screen() == Staffing:
		t.Page, t.Health.Parts = Healthy, nil
		t.emit(ReadHealth{})
	case a == Wipe && t.screen() == Staffing:
		t.Page, t.Health.Wiped = Wiping, t.Now.Up+wiping
	case a == Call && t.tended():
		t.Health.Calling = t.record(circ.HelpAsked{Screen: t.screen().String(), Staff: true})
	case a == StartAnew && t.Page == Healthy:
		t.emit(StartAgain{})
	case a == Try && t.Page == Opened:
		t.emit(TestPart{t.Health.Open, t.View()})
	case t.Page == Healthy && strings.HasPrefix(string(a), partPrefix):
		for _, c := range t.Health.Parts {
			if a == PartAction(c.Part, false) || a == PartAction(c.Part, true) {
				t.Page, t.Health.Open, t.Health.Tried = Opened, c.Part, false
			}
		}
	}
}

// called: the library's message is durable, and will be sent.
func (t *turn) called(m Recorded) {
	if t.Health.Calling != 0 && m.Ticket == t.Health.Calling {
		if t.Health.Calling = 0; !m.Failed && t.tended() {
			t.Page = Called
		}
	}
}

// wiped reports whether a hand that wipes the screen is to be overlooked.
func (s State) wiped(m Msg) bool {
	if s.Page != Wiping {
		return false
	}
	switch m.(type) {
	case Pressed, Touched, Turned, Reached, LanguageChosen, LookChosen:
		return true
	}
	return false
}

func (s State) showHealth(v *View) {
	switch v.Screen {
	case Healthy:
		v.Title = Phrase{Key: "health"}
		for _, c := range s.Health.Parts {
			v.Choices = append(v.Choices, Choice{Action: PartAction(c.Part, c.Ill), Words: c.sentence()})
		}
		if slices.ContainsFunc(s.Health.Parts, func(c Condition) bool { return c.Ill }) {
			v.Title.Key = "health.ill"
		}
		v.Choices = append(v.Choices, Choice{Action: Call, Words: Phrase{Key: string(Call)}}, Choice{Action: StartAnew, Words: Phrase{Key: string(StartAnew)}})
	case Opened:
		i := slices.IndexFunc(s.Health.Parts, func(c Condition) bool { return c.Part == s.Health.Open })
		if i < 0 {
			v.Title = Phrase{Key: "moment"}
			break
		}
		c := s.Health.Parts[i]
		how := Phrase{Key: "health.well"}
		switch {
		case c.Ill:
			how.Key = c.Part.Key() + ".how"
		case s.Health.Tried:
			how.Key = "health.tried"
		}
		v.Title, v.Text = c.sentence(), []Phrase{how}
		if c.Ill && !c.Day.IsZero() {
			v.Text = append(v.Text, Phrase{Key: "health.since", Day: c.Day})
		}
		v.Choices = []Choice{{Action: Try, Words: Phrase{Key: string(Try)}}}
		if c.Ill {
			v.Choices = append(v.Choices, Choice{Action: Call, Words: Phrase{Key: string(Call)}})
		}
	case Called:
		v.Title = Phrase{Key: "called"}
	case Wiping:
		v.Title, v.Text = Phrase{Key: "wipe"}, []Phrase{{Key: "wipe.how"}}
		v.Back, v.Help = false, false
	}
}
