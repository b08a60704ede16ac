package touch

import (
	"slices"
	"time"
)

// Contact is something that lies on the glass.
type Contact struct {
	ID    int32 // the panel's number for it, for as long as it lies there
	X, Y  int32 // in units of the panel
	Major int32 // the longer axis of what it covers, in the same units; 0: the panel does not say
	Palm  bool  // the panel knows it as one
}

// Frame is all that lies on the glass at one moment.
type Frame struct {
	At       time.Duration // since any moment, always the same
	Contacts []Contact
	Lost     bool // reports before this one were lost: nothing may be made of what went
}

// Act is what the one finger does.
type Act uint8

// The acts, in the order in which they come.
const (
	Down Act = iota
	Move
	Up
)

// Stroke is one act of the one finger, somewhere.
type Stroke struct {
	Act  Act
	X, Y int32
}

// Rules tell a finger from a hand.
type Rules struct {
	Palm   int32         // covers so much or more, in units of the panel; 0: the panel does not say how much
	Still  int32         // what moves less rests
	Rest   time.Duration // what rested so long gives way to another contact
	Long   time.Duration // what rested so long taps nothing when it is lifted
	AsideX int32         // where nothing can be touched: a finger that is
	AsideY int32         // taken back leaves the glass there
}

// State is what is known of the glass. The zero value is an empty one.
type State struct {
	hands []hand // in the order in which they came
}

// hand is a contact and what it counts as.
type hand struct {
	Contact
	restX, restY int32
	since        time.Duration // it rests there
	part         part
}

type part uint8

const (
	waits part = iota // came while another was the finger
	finger
	rests // is nothing, for as long as it lies there
)

// Step takes what lies on the glass and answers what the one finger does.
//
// The first contact is the finger at once, so that a button looks pressed. It gives
// way to one that comes later when it is large, or has rested: then it was a hand. What
// comes while a finger is busy waits, and is nothing once the finger has tapped.
func Step(s State, r Rules, f Frame) (State, []Stroke) {
	var strokes []Stroke
	draw := func(a Act, x, y int32) { strokes = append(strokes, Stroke{a, x, y}) }
	takeBack := func(h *hand) {
		draw(Move, r.AsideX, r.AsideY)
		draw(Up, r.AsideX, r.AsideY)
		h.part = rests
	}
	next := State{hands: slices.Clone(s.hands)}
	for _, c := range f.Contacts {
		i := slices.IndexFunc(next.hands, func(h hand) bool { return h.ID == c.ID })
		if i < 0 {
			next.hands = append(next.hands, hand{Contact: c, restX: c.X, restY: c.Y, since: f.At})
			continue
		}
		h := &next.hands[i]
		moved := h.X != c.X || h.Y != c.Y
		h.Contact = c
		if away(c.X, h.restX) > r.Still || away(c.Y, h.restY) > r.Still {
			h.restX, h.restY, h.since = c.X, c.Y, f.At
		}
		if h.part == finger && moved {
			draw(Move, c.X, c.Y)
		}
	}
	for i := range next.hands {
		h := &next.hands[i]
		large := h.Palm || r.Palm > 0 && h.Major >= r.Palm
		if large && h.part == finger {
			takeBack(h)
		} else if large {
			h.part = rests
		}
	}
	gone := func(h hand) bool {
		return !slices.ContainsFunc(f.Contacts, func(c Contact) bool { return c.ID == h.ID })
	}
	next.giveWay(func(h *hand) bool { return f.At-h.since >= r.Rest }, takeBack, draw)
	for i := range next.hands {
		h := &next.hands[i]
		if h.part != finger || !gone(*h) {
			continue
		}
		if f.Lost || f.At-h.since >= r.Long {
			takeBack(h)
			continue
		}
		draw(Up, h.X, h.Y)
		for j := range next.hands {
			next.hands[j].part = rests // who waited came with the finger
		}
	}
	next.hands = slices.DeleteFunc(next.hands, gone)
	return next, strokes
}

// giveWay makes the first who waits the finger, if there is none or it rested.
func (s *State) giveWay(rested func(*hand) bool, takeBack func(*hand), draw func(Act, int32, int32)) {
	now := slices.IndexFunc(s.hands, func(h hand) bool { return h.part == finger })
	next := slices.IndexFunc(s.hands, func(h hand) bool { return h.part == waits })
	if next < 0 || now >= 0 && !rested(&s.hands[now]) {
		return
	}
	if now >= 0 {
		takeBack(&s.hands[now])
	}
	h := &s.hands[next]
	h.part = finger
	draw(Down, h.X, h.Y)
}

func away(a, b int32) int32 { return max(a-b, b-a) }
