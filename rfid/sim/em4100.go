package sim

import (
	"fmt"
	"time"

	"coldstation/rfid"
)

// EM4100 is a 125 kHz reader that only sends. It hears nothing. The frames are
// drawn in package em4100's comment.
//
// Source: Tasmota's RDM6300 driver; ID-Innovations, ID-12LA data sheet.
type EM4100 struct {
	Once bool // tell of a card when it comes and not again, with CR and LF, as an ID-12LA does

	table *Table
	next  time.Time // to speak
	told  lyingCard
}

const (
	rdmPeriod  = 65 * time.Millisecond
	id12Period = 20 * time.Millisecond // in which it notices a card
)

// NewEM4100 is an RDM6300 that sees the table's EM4100 cards.
func NewEM4100(t *Table) *EM4100 { return &EM4100{table: t} }

// NewID12 is an ID-12LA that sees them.
func NewID12(t *Table) *EM4100 { return &EM4100{table: t, Once: true} }

// Reset is power-on.
func (e *EM4100) Reset() { e.next, e.told = time.Time{}, lyingCard{} }

// Frame implements Device: whatever is sent to it is lost.
func (e *EM4100) Frame(b []byte) int { return len(b) }

// Answer implements Device: there is none.
func (e *EM4100) Answer(dst, _ []byte, _ Moment) ([]byte, time.Duration) { return dst, 0 }

// Writes implements Device: nothing can be written.
func (e *EM4100) Writes([]byte) rfid.UID { return rfid.UID{} }

// Foreign implements Device: a line of text, as another module on the same line
// may send.
func (e *EM4100) Foreign() []byte { return []byte("READY\r\n") }

// MoveLength implements Device. Frames have no length field; their end is lost.
func (e *EM4100) MoveLength(answer []byte) { answer[len(answer)-1] = '0' }

// Speak implements Talker: a frame while a card lies there, the first on the
// table if there are several.
func (e *EM4100) Speak(dst []byte, now time.Time) ([]byte, time.Time) {
	if now.Before(e.next) {
		return dst, e.next
	}
	var found lyingCard
	e.table.Each(func(c *Chip) bool {
		if c.Kind == rfid.EM4100 {
			found = lyingCard{c.UID, c.visit}
		}
		return found.uid.IsZero()
	})
	again := found == e.told
	e.told = found
	if e.next = now.Add(rdmPeriod); e.Once {
		e.next = now.Add(id12Period)
	}
	if found.uid.IsZero() || e.Once && again {
		return dst, e.next
	}
	end := "\x03"
	if e.Once {
		end = "\r\n\x03"
	}
	b := found.uid.Bytes()
	return fmt.Appendf(dst, "\x02%X%02X%s", b, b[0]^b[1]^b[2]^b[3]^b[4], end), e.next
}
