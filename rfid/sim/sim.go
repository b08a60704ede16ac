// Package sim plays the far end of a reader's line: chips lying on a table, and
// readers that see them and answer in real frames of their protocols, at the
// speed of a real line if asked, and with every fault a line can have.
//
//	Table    chips and cards, on the pad or beside it
//	Device   one reader's protocol: a whole request in, an answer out
//	Line     the bytes between a Device and its host: framing, pace, faults
//
// A Device follows its maker's manual and the behaviour observed on real
// hardware, also where our own drivers do not need it: other programs talk to it.
package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"coldstation/rfid"
)

// A Device is a simulated reader without its line. A Line calls it from one
// goroutine.
type Device interface {
	// Frame looks at the bytes received so far. It returns the length of the
	// request they begin with, 0 when more bytes are needed, and a negative number
	// when no request begins like this: the reader is then deaf until the line has
	// been quiet for its gap.
	Frame(b []byte) int

	// Answer carries out one request and appends the answer to dst; nothing
	// appended is silence. It returns how long the chips and the reader take.
	Answer(dst, request []byte, m Moment) ([]byte, time.Duration)

	// Writes names the chip that a request would change, the zero UID if none.
	Writes(request []byte) rfid.UID

	// Reset puts the reader back to where it is after power-on.
	Reset()

	// Foreign is a frame, whole and valid, that nobody asked for.
	Foreign() []byte

	// MoveLength damages the length field of an answer in place.
	MoveLength(answer []byte)
}

// A Talker is a Device that also sends what nobody asked for just then: a reader
// that only pushes, or one that answers when a card comes.
type Talker interface {
	Device

	// Speak appends what the reader sends now, nothing if it is silent, and
	// returns when to ask it next; the zero time means after the next request.
	Speak(dst []byte, now time.Time) (out []byte, next time.Time)
}

// An Unhurried Device may wait for the rest of a request however long it takes,
// since it is written for people at a terminal too.
type Unhurried interface {
	Device

	// Unhurried says whether it does, as it is set up now.
	Unhurried() bool
}

// A Chooser is a Device that can be set up in more ways than one.
type Chooser interface {
	Device

	// Choices lists the words that Choose knows.
	Choices() []string

	// Choose sets one thing up, and says whether there is such a choice.
	Choose(word string) bool
}

// choices are the ways in which a device can be set up, by name.
type choices[D any] map[string]func(D)

func (c choices[D]) list() []string { return slices.Sorted(maps.Keys(c)) }

func (c choices[D]) choose(d D, word string) bool {
	set, ok := c[word]
	if ok {
		set(d)
	}
	return ok
}

// Choices lists the words with which a protocol's device can be set up.
func Choices(protocol string) []string {
	if p, ok := Protocols[protocol]; ok {
		if c, ok := p.Device(NewTable()).(Chooser); ok {
			return c.Choices()
		}
	}
	return nil
}

// Choose sets the line's device up.
func (l *Line) Choose(words ...string) error {
	c, ok := l.Device.(Chooser)
	if !ok && len(words) > 0 {
		return fmt.Errorf("set up %q: this reader has no choices", words[0])
	}
	for _, word := range words {
		if !c.Choose(word) {
			return fmt.Errorf("set up %q: no such choice; there are %s", word, strings.Join(c.Choices(), ", "))
		}
	}
	return nil
}

// Moment is what else happens while a request is carried out.
type Moment struct {
	Done   <-chan struct{} // closed when nobody waits for the answer any more
	Lifted Half            // the chip is lifted while it is being written
}

// Half says how much of a write is done when the chip is lifted.
type Half uint8

const (
	Whole  Half = iota // it is not lifted
	Before             // nothing was written yet
	Middle             // the first half was written
	After              // all was written, and the chip's answer is lost
)

// Protocol is a kind of simulated reader.
type Protocol struct {
	Baud   int           // default speed of its line
	Bits   int           // bits a byte takes on the line, with start, parity and stop bits
	Gap    time.Duration // longest silence inside a request
	Single bool          // takes no request before it has answered the last
	Device func(*Table) Device
}

// Protocols are the readers this package can play, by name.
var Protocols = map[string]Protocol{
	"feig":   {Baud: 38400, Bits: 11, Gap: 12 * time.Millisecond, Device: func(t *Table) Device { return NewFeig(t) }},
	"3m":     {Baud: 19200, Bits: 10, Gap: 50 * time.Millisecond, Single: true, Device: func(t *Table) Device { return NewM3(t) }},
	"rl866":  {Baud: 38400, Bits: 11, Gap: 50 * time.Millisecond, Device: func(t *Table) Device { return NewRL866(t) }},
	"pn532":  {Baud: 115200, Bits: 10, Gap: 50 * time.Millisecond, Device: func(t *Table) Device { return NewPN532(t) }},
	"twn4":   {Baud: 115200, Bits: 10, Gap: 50 * time.Millisecond, Device: func(t *Table) Device { return NewTWN4(t) }},
	"em4100": {Baud: 9600, Bits: 10, Gap: 20 * time.Millisecond, Device: func(t *Table) Device { return NewEM4100(t) }},
	"line":   {Baud: 9600, Bits: 10, Gap: 50 * time.Millisecond, Device: func(t *Table) Device { return NewScanner(t) }},
	"id12":   {Baud: 9600, Bits: 10, Gap: 20 * time.Millisecond, Device: func(t *Table) Device { return NewID12(t) }},
}

// Names lists the protocols.
func Names() []string { return slices.Sorted(maps.Keys(Protocols)) }

// NewLine is a line to a reader of the named protocol that sees the table.
func NewLine(protocol string, t *Table) (*Line, error) {
	p, ok := Protocols[protocol]
	if !ok {
		return nil, fmt.Errorf("simulate %q: no such protocol; there are %s", protocol, strings.Join(Names(), ", "))
	}
	return &Line{Device: p.Device(t), Table: t, Bits: p.Bits, Gap: p.Gap, Single: p.Single}, nil
}
