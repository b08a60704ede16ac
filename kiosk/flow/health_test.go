package flow

import (
	"testing"
	"time"

	"coldstation/sync/circ"
)

// TestHealth: two touches lead the staff to how the station is, a third to a part, with
// what to do; the library is called only once that is written down. Nobody else gets
// there.
func TestHealth(t *testing.T) {
	parts := []Condition{{Part: PadPart}, {Part: PrinterPart, Ill: true}, {Part: ContactPart, Ill: true, Day: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)}}
	press := func(s State, up time.Duration, a Action) (State, []Effect) {
		return Step(s, Moment{Up: up}, Pressed{Action: a})
	}
	rules := DefaultRules("maple-house", "fi")
	s, _ := Step(New(rules, 0), Moment{Up: time.Hour}, CardSeen{Token: "c", Ref: circ.Ref{1}, Known: true})
	for _, a := range []Action{Wellbeing, Wipe, Call, StartAnew, Try, PartAction(PadPart, false)} {
		if after, effects := press(s, time.Hour+time.Minute, a); after.Page != Welcome || len(effects) > 0 {
			t.Errorf("a resident's %s leads to %v, %v", a, after.Page, effects)
		}
	}

	s, _ = Step(New(rules, 0), Moment{Up: time.Hour}, CardSeen{Token: "c", Ref: circ.Ref{1}, Known: true, Patron: circ.Patron{Staff: true}})
	up := time.Hour
	var effects []Effect
	touch := func(a Action) {
		t.Helper()
		up += 2 * time.Second
		s, effects = press(s, up, a)
	}
	touch(Wellbeing)
	if len(effects) == 0 || effects[0] != (Effect)(ReadHealth{}) || s.View().Screen != Healthy {
		t.Fatalf("the page is %v, %v", s.View().Screen, effects)
	}
	s, _ = Step(s, Moment{Up: up}, HealthRead{parts})
	if v := s.View(); v.Title.Key != "health.ill" || len(v.Choices) != len(parts)+2 || v.Choices[1].Words.Key != "part.printer.ill" {
		t.Errorf("the page says %+v", v)
	}
	touch(PartAction(PrinterPart, true))
	if v := s.View(); v.Screen != Opened || v.Text[0].Key != "part.printer.how" {
		t.Errorf("the part says %+v", v)
	}
	touch(Try)
	if try, is := effects[0].(TestPart); !is || try.Part != PrinterPart {
		t.Errorf("the test is %v", effects)
	}
	s, _ = Step(s, Moment{Up: up}, HealthRead{[]Condition{{Part: PrinterPart}}})
	s, _ = Step(s, Moment{Up: up}, PartTested{PrinterPart})
	if v := s.View(); v.Title.Key != "part.printer" || v.Text[0].Key != "health.tried" {
		t.Errorf("after the test it says %+v", v)
	}
	for _, failed := range []bool{true, false} {
		touch(Call)
		record, is := effects[0].(Record)
		if !is || record.Bodies[0] != (circ.EventBody)(circ.HelpAsked{Screen: "opened", Staff: true}) {
			t.Fatalf("the call is %v", effects)
		}
		if s.View().Screen == Called {
			t.Error("it is claimed before it is written down")
		}
		s, _ = Step(s, Moment{Up: up}, Recorded{Ticket: record.Ticket, Failed: failed})
		if got := s.View().Screen == Called; got == failed {
			t.Errorf("called: %t, and writing it down failed: %t", got, failed)
		}
	}
	touch(Back)
	touch(StartAnew)
	if effects[0] != (Effect)(StartAgain{}) {
		t.Errorf("starting again is %v", effects)
	}
	touch(Back)
	touch(Wipe)
	until := up + wiping
	for _, m := range []Msg{Pressed{Action: Back}, Pressed{Action: Help}, LanguageChosen{"fi"}, Touched{}, Pressed{Action: Looks}} {
		up += 2 * time.Second
		if s, effects = Step(s, Moment{Up: up}, m); s.Page != Wiping || len(effects) > 0 {
			t.Errorf("a cloth's %+v leads to %v, %v", m, s.Page, effects)
		}
	}
	if s, _ = Step(s, Moment{Up: until}, Fired{WipeTimer}); s.View().Screen != Staffing {
		t.Errorf("half a minute later it shows %v", s.View().Screen)
	}
}
