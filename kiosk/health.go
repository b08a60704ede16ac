package kiosk

import (
	"slices"
	"time"

	"coldstation/kiosk/flow"
	"coldstation/sync/circ"
	"coldstation/sync/ledger"
)

// Contact is how the station stands with the library.
type Contact struct {
	Online bool
	Last   time.Time // when it last was; zero: never since the program began
}

// silent is how old the oldest event may be that the library has not heard of, before
// the staff are told that something waits.
const silent = time.Hour

// Contact notes that the library can be reached from now on, or no longer.
func (s *Station) Contact(online bool) { s.send(Contact{Online: online}) }

// met takes note of a contact that came or went.
func (s *Station) met(c Contact) {
	if c.Online || s.contact.Online {
		c.Last = s.now().Wall
	} else {
		c.Last = s.contact.Last
	}
	s.contact = c
	s.tendHealth()
}

// tendHealth shows the staff what has changed while they look.
func (s *Station) tendHealth() {
	if s.state.Page == flow.Healthy || s.state.Page == flow.Opened {
		s.step(s.health())
	}
}

// health is how the parts that this station has are.
func (s *Station) health() flow.HealthRead {
	var m flow.HealthRead
	add := func(has bool, c flow.Condition) {
		c.Ill = c.Ill || slices.Contains(s.faults, string(c.Part))
		if has {
			m.Parts = append(m.Parts, c)
		}
	}
	cards := slices.ContainsFunc(s.sought, func(sought Sought) bool { return sought.Cards })
	pads := len(s.readers) > 0 || len(s.sought) > 0
	add(pads, flow.Condition{Part: flow.PadPart, Ill: s.state.Resting})
	add(cards, flow.Condition{Part: flow.CardPart})
	add(len(s.trays) > 0, flow.Condition{Part: flow.TrayPart})
	add(s.printer != nil, flow.Condition{Part: flow.PrinterPart})
	add(s.voice != nil, flow.Condition{Part: flow.SpeechPart})
	add(true, flow.Condition{Part: flow.ContactPart, Ill: !s.contact.Online, Day: s.contact.Last})
	add(true, s.queue())
	add(true, flow.Condition{Part: flow.DiskPart, Ill: s.broken})
	add(true, flow.Condition{Part: flow.ClockPart, Ill: s.now().Clock == circ.ClockUnset})
	return m
}

// queue is how many events the library has not heard of; ill when the oldest is old.
func (s *Station) queue() flow.Condition {
	c := flow.Condition{Part: flow.QueuePart}
	heard, err := s.ledger.Mark(ledger.Hub)
	_, last, err2 := s.ledger.Bounds()
	if !s.answered(err) || !s.answered(err2) || last <= heard {
		return c
	}
	c.N = int(last - heard)
	for e, err := range s.ledger.Events(heard + 1) {
		if s.answered(err) {
			now := s.now()
			other := e.Stamp.Boot != s.clock.Boot() // it has waited over a start of the machine
			c.Ill, c.Day = other || now.Up-e.Stamp.Uptime > silent, e.Stamp.Wall
		}
		break
	}
	return c
}

// try tries a part out, as far as that can be seen or heard. What comes of it shows in
// the faults, at once or a little later.
func (s *Station) try(e flow.TestPart) flow.Msg {
	switch e.Part {
	case flow.PrinterPart:
		if s.printer != nil {
			s.printer.Print(flow.Print{Language: s.state.Look.Language, Lines: []flow.Line{{Words: flow.Phrase{Key: "part.printer"}}}})
		}
	case flow.SpeechPart:
		if s.voice != nil {
			if e.Say.Look.Volume == flow.Silent {
				e.Say.Look.Volume = flow.Usual
			}
			s.voice.Say(e.Say)
		}
	}
	s.step(s.health())
	return flow.PartTested{Part: e.Part}
}
