package sim

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"coldstation/rfid"
)

// Table is the chips a simulated reader may see. It is safe for use by several
// goroutines; their order is the order in which a reader finds them.
type Table struct {
	mu      sync.Mutex
	chips   []*Chip
	changed chan struct{} // closed and replaced when a chip comes or goes
}

// NewTable is an empty table.
func NewTable() *Table { return &Table{changed: make(chan struct{})} }

// Add brings a chip to the table. Its name and its UID must be new; a memory
// shorter than a chip of that UID has is filled with zeros.
func (t *Table) Add(c Chip) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !c.Plausible() {
		return fmt.Errorf("chip %q: UID %q: %s", c.Name, c.UID, uidForms[c.Kind])
	}
	for _, other := range t.chips {
		switch {
		case other.Name == c.Name:
			return fmt.Errorf("chip %q: another has this name", c.Name)
		case other.UID == c.UID:
			return fmt.Errorf("chip %q: UID %s is that of %q", c.Name, c.UID, other.Name)
		}
	}
	if c.Kind == rfid.ISO15693 {
		if c.BlockSize == 0 {
			c.BlockSize = 4
		}
		if c.BlockSize < 1 || c.BlockSize > 32 {
			return fmt.Errorf("chip %q: block size %d: want 1 to 32", c.Name, c.BlockSize)
		}
		n := max((len(c.Memory)+c.BlockSize-1)/c.BlockSize, len(c.Locked))
		if !c.Exact {
			n = max(n, size(c.UID)*4/c.BlockSize)
		}
		if n > 256 {
			return fmt.Errorf("chip %q: %d blocks: a chip has at most 256", c.Name, n)
		}
		c.Memory = append(slices.Clone(c.Memory), make([]byte, n*c.BlockSize-len(c.Memory))...)
		c.Locked = append(slices.Clone(c.Locked), make([]bool, n-len(c.Locked))...)
		if c.ICRef == 0 {
			c.ICRef = 0x01
		}
	}
	if c.Kind == rfid.ISO14443A && c.UID.Len() == 4 && !c.Passing() && c.Card == nil {
		c.Card = newClassic(c.UID)
	}
	if c.Card != nil && len(c.Card) != classicSize {
		return fmt.Errorf("chip %q: memory of %d bytes: a MIFARE Classic has %d", c.Name, len(c.Card), classicSize)
	}
	c.Card = slices.Clone(c.Card)
	t.chips = append(t.chips, &c)
	t.change()
	return nil
}

// uidForms is what a UID must look like, by kind.
var uidForms = map[rfid.Kind]string{
	rfid.ISO15693:  "an item's has 8 bytes, the first of them E0",
	rfid.ISO14443A: "a card's has 4, 7 or 10 bytes (ISO 14443A) or 5 (EM4100)",
	rfid.EM4100:    "an EM4100's has 5 bytes",
}

// change wakes whoever waits for the table; the caller holds the lock.
func (t *Table) change() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// Changed is closed when the next chip comes or goes.
func (t *Table) Changed() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.changed
}

// Put lays a chip on the pad, Lift takes it off, by its name or its UID.
func (t *Table) Put(name string) error  { return t.Set(name, true) }
func (t *Table) Lift(name string) error { return t.Set(name, false) }

// Set is Put or Lift.
func (t *Table) Set(name string, on bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.chips {
		if c.Name == name || strings.EqualFold(c.UID.String(), name) {
			t.set(c, on)
			return nil
		}
	}
	return fmt.Errorf("no card or item is called %q", name)
}

func (t *Table) set(c *Chip, on bool) {
	if c.On == on {
		return
	}
	c.On = on
	if on {
		c.visit++
	}
	t.change()
}

// LiftUID takes the chip with this UID off the pad.
func (t *Table) LiftUID(u rfid.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c := t.find(u); c != nil {
		t.set(c, false)
	}
}

func (t *Table) find(u rfid.UID) *Chip {
	for _, c := range t.chips {
		if c.UID == u {
			return c
		}
	}
	return nil
}

// Chips are copies of all chips, in order.
func (t *Table) Chips() []Chip {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]Chip, len(t.chips))
	for i, c := range t.chips {
		list[i] = *c
		list[i].Memory, list[i].Locked = slices.Clone(c.Memory), slices.Clone(c.Locked)
		list[i].Card = slices.Clone(c.Card)
	}
	return list
}

// Chip is a copy of the chip with this UID, wherever it lies.
func (t *Table) Chip(u rfid.UID) (Chip, bool) {
	for _, c := range t.Chips() {
		if c.UID == u {
			return c, true
		}
	}
	return Chip{}, false
}

// Each calls f for every chip on the pad, in order, until it returns false. The
// table is locked meanwhile.
func (t *Table) Each(f func(*Chip) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.chips {
		if c.On && !f(c) {
			return
		}
	}
}

// With calls f with the chip that has this UID, if it lies on the pad, and says
// whether it does. The table is locked meanwhile.
func (t *Table) With(u rfid.UID, f func(*Chip)) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.find(u)
	if c == nil || !c.On {
		return false
	}
	f(c)
	return true
}
