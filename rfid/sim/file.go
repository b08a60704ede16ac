package sim

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"coldstation/rfid"
)

// LoadTable reads a table from a file.
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

// ReadTable reads a table, JSON with bytes in hexadecimal:
//
//	{"cards": [{"name": "anna", "uid": "04A1B2C3D4E5F6", "on": false}],
//	 "items": [{"name": "moomin", "uid": "E004010012345678", "dsfid": "00",
//	            "afi": "07", "memory": "110101…", "on": true}]}
//
// A card's UID has 4, 7 or 10 bytes (ISO 14443A) or 5 (EM4100). One of 4 bytes is
// a MIFARE Classic 1K as delivered, one that begins with 08 a telephone. A card
// may have "sector1", which makes it a MIFARE Classic with that data, and for it
// "key_a" and "key_b". An item may also have "blocksize" (4), "blocks" (what a
// chip of its UID has, 28 at least), "locked" (a list of block numbers),
// "afi_locked" and "eas". A memory shorter than the chip's is filled with zeros. Either may have "barcode", the text printed on it. Only "uid"
// must be there; what has no name is called by it. Errors name the
// entry and the field.
func ReadTable(r io.Reader) (*Table, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	text = bytes.TrimPrefix(text, []byte("\uFEFF")) // editors on Windows put it there
	var lists map[string]json.RawMessage
	if err := json.Unmarshal(text, &lists); err != nil {
		return nil, misread(err, text)
	}
	t := NewTable()
	for _, list := range []struct {
		name, entry string
		read        func(entry) (Chip, error)
	}{{"cards", "card", entry.card}, {"items", "item", entry.item}} {
		var entries []json.RawMessage
		if raw, given := lists[list.name]; given && json.Unmarshal(raw, &entries) != nil {
			return nil, fmt.Errorf("%q: want a list, [{…}, {…}]", list.name)
		}
		delete(lists, list.name)
		for n, raw := range entries {
			e := entry{name: fmt.Sprintf("%s %d", list.entry, n+1)}
			if json.Unmarshal(raw, &e.fields) != nil {
				return nil, fmt.Errorf("%s: want an object, {\"uid\": …}", e.name)
			}
			chip, err := list.read(e)
			if err == nil {
				err = t.Add(chip)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", e.name, err)
			}
		}
	}
	for name := range lists {
		return nil, fmt.Errorf("%q: want \"cards\" or \"items\"", name)
	}
	return t, nil
}

// misread says where a text is no JSON.
func misread(err error, text []byte) error {
	var bad *json.SyntaxError
	switch {
	case len(strings.TrimSpace(string(text))) == 0:
		return errors.New("the file is empty")
	case errors.As(err, &bad):
		line := 1 + strings.Count(string(text[:min(int(bad.Offset), len(text))]), "\n")
		return fmt.Errorf("line %d: no JSON: %w", line, err)
	}
	return errors.New(`want an object, {"cards": […], "items": […]}`)
}

// entry is a card or an item as the file has it.
type entry struct {
	name   string
	fields map[string]json.RawMessage
}

// hexBytes is bytes as hexadecimal text, with or without spaces.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(strings.ReplaceAll(string(text), " ", ""))
	return err
}

// hexByte is one, 00 if it is left empty.
type hexByte byte

func (h *hexByte) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	switch {
	case err != nil:
		return err
	case len(b) > 1:
		return errors.New("not one byte")
	}
	for _, only := range b {
		*h = hexByte(only)
	}
	return nil
}

// fill stores each field where into says, and names one that does not fit.
func (e entry) fill(into map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(e.fields)) {
		to, known := into[name]
		if !known {
			return fmt.Errorf("%q: no such field; there are %s", name, strings.Join(slices.Sorted(maps.Keys(into)), ", "))
		}
		if err := json.Unmarshal(e.fields[name], to); err != nil {
			want := "text in quotes"
			switch to.(type) {
			case *bool:
				want = "true or false"
			case *int:
				want = "a number"
			case *[]int:
				want = "a list of block numbers, [0, 1]"
			case *hexByte:
				want = "one byte, two hexadecimal digits in quotes"
			case *hexBytes:
				want = "bytes, two hexadecimal digits each, in quotes"
			case *rfid.UID:
				want = fmt.Sprintf("1 to %d bytes, two hexadecimal digits each, in quotes", rfid.MaxUID)
			}
			return fmt.Errorf("%q: %s: want %s", name, short(e.fields[name]), want)
		}
	}
	return nil
}

// short is the beginning of a value, to find it by.
func short(value []byte) string {
	const most = 40
	if len(value) > most {
		return string(value[:most]) + "…"
	}
	return string(value)
}

// common are the fields that cards and items share.
func (c *Chip) common() map[string]any {
	return map[string]any{"name": &c.Name, "uid": &c.UID, "on": &c.On, "barcode": &c.Barcode}
}

func (c *Chip) named() Chip {
	if c.Name == "" {
		c.Name = c.UID.String()
	}
	return *c
}

func (e entry) card() (Chip, error) {
	var c Chip
	var data, keyA, keyB hexBytes
	into := c.common()
	into["sector1"], into["key_a"], into["key_b"] = &data, &keyA, &keyB
	if err := e.fill(into); err != nil {
		return c, err
	}
	if c.Kind = rfid.ISO14443A; c.UID.Len() == 5 {
		c.Kind = rfid.EM4100
	}
	if data != nil || keyA != nil || keyB != nil {
		if c.Kind != rfid.ISO14443A {
			return c, errors.New("an EM4100 has no sectors")
		}
		if err := c.setSector(rfid.LibrarySector, data, keyA, keyB); err != nil {
			return c, err
		}
	}
	return c.named(), nil
}

func (e entry) item() (Chip, error) {
	c := Chip{Tag: rfid.Tag{Kind: rfid.ISO15693}}
	var dsfid, afi hexByte
	var memory hexBytes
	var locked []int
	var blocks int
	into := c.common()
	into["dsfid"], into["afi"], into["memory"], into["locked"] = &dsfid, &afi, &memory, &locked
	into["blocks"], into["blocksize"], into["afi_locked"], into["eas"] = &blocks, &c.BlockSize, &c.AFILock, &c.EAS
	if err := e.fill(into); err != nil {
		return c, err
	}
	c.DSFID, c.AFI, c.Memory = rfid.DSFID(dsfid), rfid.AFI(afi), memory
	if _, c.Exact = e.fields["blocks"]; c.Exact {
		room := blocks * cmp.Or(c.BlockSize, 4)
		if blocks < 1 || blocks > 256 || len(memory) > room {
			return c, fmt.Errorf("\"blocks\": %d: want 1 to 256, and room for the memory of %d bytes", blocks, len(memory))
		}
		c.Memory = append(memory, make([]byte, room-len(memory))...)
	}
	for _, n := range locked {
		if n < 0 || n > 255 {
			return c, fmt.Errorf("\"locked\": block %d: a chip has at most 256, from 0", n)
		}
		c.Locked = append(c.Locked, make([]bool, max(0, n+1-len(c.Locked)))...)
		c.Locked[n] = true
	}
	return c.named(), nil
}
