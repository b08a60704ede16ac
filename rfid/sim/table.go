package sim

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"coldstation/rfid"
)

// Table is the chips a simulated reader may see. It is safe for use by several
// goroutines; the order of the file is the order in which a reader finds them.
//
// A table file is JSON, bytes in hexadecimal:
//
//	{"cards": [{"name": "anna", "uid": "04A1B2C3D4E5F6", "on": false}],
//	 "items": [{"name": "moomin", "uid": "E004010012345678", "dsfid": "00",
//	            "afi": "07", "memory": "110101…", "on": true}]}
//
// A card's UID has 4, 7 or 10 bytes (ISO 14443A) or 5 (EM4100). One of 4 bytes is
// a MIFARE Classic 1K as delivered, one that begins with 08 a telephone. A card
// may have "sector1", which makes it a MIFARE Classic with that data, and for it
// "key_a" and "key_b". An item may also have "blocksize" (4), "locked" (a list of
// block numbers), "afi_locked" and "eas". A memory shorter than the chip's is
// filled with zeros. Either may have "barcode", the text printed on it.
type Table struct {
	mu      sync.Mutex
	chips   []*Chip
	changed chan struct{} // closed and replaced when a chip comes or goes
}

// NewTable is an empty table.
func NewTable() *Table { return &Table{changed: make(chan struct{})} }

// hexBytes is bytes as hexadecimal text.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

type cardRow struct {
	Name string   `json:"name"`
	UID  rfid.UID `json:"uid"`
	On   bool     `json:"on"`

	Barcode string   `json:"barcode"`
	Sector1 hexBytes `json:"sector1"`
	KeyA    hexBytes `json:"key_a"`
	KeyB    hexBytes `json:"key_b"`
}

type itemRow struct {
	Name      string   `json:"name"`
	UID       rfid.UID `json:"uid"`
	On        bool     `json:"on"`
	Barcode   string   `json:"barcode"`
	DSFID     hexBytes `json:"dsfid"`
	AFI       hexBytes `json:"afi"`
	Memory    hexBytes `json:"memory"`
	BlockSize int      `json:"blocksize"`
	Locked    []int    `json:"locked"`
	AFILocked bool     `json:"afi_locked"`
	EAS       bool     `json:"eas"`
}

// LoadTable reads a table file.
func LoadTable(path string) (*Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("load table: %w", err)
	}
	defer f.Close()
	t, err := ReadTable(f)
	if err != nil {
		return nil, fmt.Errorf("load table %s: %w", path, err)
	}
	return t, nil
}

// ReadTable reads a table as JSON.
func ReadTable(r io.Reader) (*Table, error) {
	var rows struct {
		Cards []cardRow `json:"cards"`
		Items []itemRow `json:"items"`
	}
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&rows); err != nil {
		return nil, err
	}
	t := NewTable()
	for _, row := range rows.Cards {
		kind := rfid.ISO14443A
		if row.UID.Len() == 5 {
			kind = rfid.EM4100
		}
		c := Chip{Name: row.Name, On: row.On, Barcode: row.Barcode, Tag: rfid.Tag{UID: row.UID, Kind: kind}}
		if row.Sector1 != nil || row.KeyA != nil || row.KeyB != nil {
			if kind != rfid.ISO14443A {
				return nil, fmt.Errorf("card %q: an EM4100 has no sectors", row.Name)
			}
			if err := c.setSector(rfid.LibrarySector, row.Sector1, row.KeyA, row.KeyB); err != nil {
				return nil, err
			}
		}
		if err := t.Add(c); err != nil {
			return nil, err
		}
	}
	for _, row := range rows.Items {
		c := Chip{Name: row.Name, On: row.On, Barcode: row.Barcode, BlockSize: row.BlockSize, Memory: row.Memory, EAS: row.EAS, AFILock: row.AFILocked,
			Tag: rfid.Tag{UID: row.UID, Kind: rfid.ISO15693}}
		if len(row.DSFID) > 1 || len(row.AFI) > 1 {
			return nil, fmt.Errorf("item %q: dsfid and afi are one byte each", row.Name)
		}
		if len(row.DSFID) == 1 {
			c.DSFID = rfid.DSFID(row.DSFID[0])
		}
		if len(row.AFI) == 1 {
			c.AFI = rfid.AFI(row.AFI[0])
		}
		for _, n := range row.Locked {
			if n < 0 || n > 255 {
				return nil, fmt.Errorf("item %q: locked block %d: a chip has at most 256", row.Name, n)
			}
			c.Locked = append(c.Locked, make([]bool, max(0, n+1-len(c.Locked)))...)
			c.Locked[n] = true
		}
		if err := t.Add(c); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Add brings a chip to the table. Its name and its UID must be new; a memory
// shorter than a chip of that UID has is filled with zeros.
func (t *Table) Add(c Chip) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !c.Plausible() {
		return fmt.Errorf("chip %q: %s is no UID of kind %v", c.Name, c.UID, c.Kind)
	}
	for _, other := range t.chips {
		if other.Name == c.Name || other.UID == c.UID {
			return fmt.Errorf("chip %q: name or UID %s is already on the table", c.Name, c.UID)
		}
	}
	if c.Kind == rfid.ISO15693 {
		if c.BlockSize == 0 {
			c.BlockSize = 4
		}
		if c.BlockSize < 1 || c.BlockSize > 32 {
			return fmt.Errorf("chip %q: block size %d: want 1 to 32", c.Name, c.BlockSize)
		}
		n := max((len(c.Memory)+c.BlockSize-1)/c.BlockSize, size(c.UID)*4/c.BlockSize, len(c.Locked))
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

// Put lays the named chip on the pad.
func (t *Table) Put(name string) error { return t.Set(name, true) }

// Lift takes the named chip off the pad.
func (t *Table) Lift(name string) error { return t.Set(name, false) }

// Set lays the named chip on the pad or takes it off.
func (t *Table) Set(name string, on bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.chips {
		if c.Name == name {
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
