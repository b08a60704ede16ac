package touch

import (
	"encoding/binary"
	"slices"
	"time"
)

// event is one of the kernel's.
type event struct {
	at    time.Duration
	kind  uint16
	code  uint16
	value int32
}

// Types, codes and values of linux/input-event-codes.h and input.h.
const (
	evSyn, evKey, evAbs         = 0, 1, 3
	synReport, synDropped       = 0, 3
	btnTouch                    = 0x14a
	absX, absY                  = 0x00, 0x01
	absSlot, absMajor           = 0x2f, 0x30
	absMTX, absMTY              = 0x35, 0x36
	absToolType, absID          = 0x37, 0x39
	toolPalm              int32 = 2
	bytesOfEvent                = 24
)

// readEvent takes the bytes of one event.
func readEvent(b [bytesOfEvent]byte) event {
	order := binary.NativeEndian
	seconds, micros := time.Duration(order.Uint64(b[0:])), time.Duration(order.Uint64(b[8:]))
	return event{seconds*time.Second + micros*time.Microsecond, order.Uint16(b[16:]), order.Uint16(b[18:]), int32(order.Uint32(b[20:]))}
}

// bytes are those of an event to be written; the kernel sets the time.
func (e event) bytes() []byte {
	b := make([]byte, bytesOfEvent)
	order := binary.NativeEndian
	order.PutUint16(b[16:], e.kind)
	order.PutUint16(b[18:], e.code)
	order.PutUint32(b[20:], uint32(e.value))
	return b
}

// slots gathers events into frames.
type slots struct {
	now     int // the slot that is spoken of
	all     [64]slot
	dropped bool // since the last report the kernel had no room
	lost    bool // the next frame has to say so
}

type slot struct {
	Contact
	lies bool
}

// take takes an event and answers a frame when it was a report's last. What comes
// from a slot beyond the last is none of ours.
func (s *slots) take(e event) (f Frame, whole bool) {
	switch {
	case e.kind == evSyn && e.code == synDropped:
		s.dropped, s.lost = true, true
	case e.kind == evSyn && e.code == synReport && s.dropped:
		// What lies there now is known again when it is touched anew.
		s.dropped = false
		s.all = [len(s.all)]slot{}
		return s.frame(e.at), true
	case e.kind == evSyn && e.code == synReport:
		return s.frame(e.at), true
	case e.kind == evAbs && !s.dropped:
		s.abs(e.code, e.value)
	}
	return Frame{}, false
}

func (s *slots) abs(code uint16, value int32) {
	if code == absSlot {
		s.now = int(value)
	}
	if s.now < 0 || s.now >= len(s.all) {
		return
	}
	c := &s.all[s.now]
	switch code {
	case absID:
		if value < 0 {
			c.lies = false
			return
		}
		// A place that did not change is not told again, not even of a new contact.
		*c = slot{Contact{ID: value, X: c.X, Y: c.Y, Major: c.Major}, true}
	case absMTX:
		c.X = value
	case absMTY:
		c.Y = value
	case absMajor:
		c.Major = value
	case absToolType:
		c.Palm = value == toolPalm
	}
}

func (s *slots) frame(at time.Duration) Frame {
	f := Frame{At: at, Lost: s.lost}
	s.lost = false
	for _, c := range s.all {
		if c.lies {
			f.Contacts = append(f.Contacts, c.Contact)
		}
	}
	slices.SortFunc(f.Contacts, func(a, b Contact) int { return int(a.ID) - int(b.ID) })
	return f
}
