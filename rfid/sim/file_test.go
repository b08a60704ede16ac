package sim

import (
	"strings"
	"testing"
)

// A person wrote the file: what is wrong with it must lead to the place.
func TestTableRefuses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{``, `the file is empty`},
		{`[`, `line 1: no JSON: unexpected end of JSON input`},
		{"{\n\"items\": [\n{]}", `line 3: no JSON: invalid character ']' looking for beginning of object key string`},
		{`{"items": []} x`, `line 1: no JSON: invalid character 'x' after top-level value`},
		{`[]`, `want an object, {"cards": […], "items": […]}`},
		{`{"itms": []}`, `"itms": want "cards" or "items"`},
		{`{"items": 1}`, `"items": want a list, [{…}, {…}]`},
		{`{"cards": [1]}`, `card 1: want an object, {"uid": …}`},
		{`{"items": [{"name": "a"}]}`, `item 1: chip "a": UID "": an item's has 8 bytes, the first of them E0`},
		{`{"items": [{"name": "a", "uid": "E0"}]}`, `item 1: chip "a": UID "E0": an item's has 8 bytes, the first of them E0`},
		{`{"items": [{"uid": "E00401001234567G"}]}`, `item 1: "uid": "E00401001234567G": want 1 to 10 bytes, two hexadecimal digits each, in quotes`},
		{`{"cards": [{"name": "c", "uid": "0102"}]}`, `card 1: chip "c": UID "0102": a card's has 4, 7 or 10 bytes (ISO 14443A) or 5 (EM4100)`},
		{`{"cards": [{"uid": "14008EC793", "key_a": "FFFFFFFFFFFF"}]}`, `card 1: an EM4100 has no sectors`},
		{`{"cards": [{"uid": "A1B2C3D4", "key_b": "FF"}]}`, `card 1: "key_b": 1 bytes: a key has 6`},
		{`{"cards": [{"uid": "A1B2C3D4", "sector1": "` + strings.Repeat("00", 65) + `"}]}`, `card 1: "sector1": 65 bytes: a sector has 48, or 64 with its keys`},
		{`{"cards": [{"uid": "A1B2C3D4", "memory": "00"}]}`, `card 1: "memory": no such field; there are barcode, key_a, key_b, name, on, sector1, uid`},
		{`{"items": [{"uid": "E004010012345678"}, {"uid": "E004010012345679", "memory": "1"}]}`, `item 2: "memory": "1": want bytes, two hexadecimal digits each, in quotes`},
		{`{"items": [{"uid": "E004010012345678", "memory": "` + strings.Repeat("0x", 99) + `"}]}`, `item 1: "memory": "0x0x0x0x0x0x0x0x0x0x0x0x0x0x0x0x0x0x0x0…: want bytes, two hexadecimal digits each, in quotes`},
		{`{"items": [{"uid": "E004010012345678", "afi": "0707"}]}`, `item 1: "afi": "0707": want one byte, two hexadecimal digits in quotes`},
		{`{"items": [{"uid": "E004010012345678", "afi": 7}]}`, `item 1: "afi": 7: want one byte, two hexadecimal digits in quotes`},
		{`{"items": [{"uid": "E004010012345678", "on": "yes"}]}`, `item 1: "on": "yes": want true or false`},
		{`{"items": [{"uid": "E004010012345678", "name": 1}]}`, `item 1: "name": 1: want text in quotes`},
		{`{"items": [{"uid": "E004010012345678", "locked": 3}]}`, `item 1: "locked": 3: want a list of block numbers, [0, 1]`},
		{`{"items": [{"uid": "E004010012345678", "locked": [-1]}]}`, `item 1: "locked": block -1: a chip has at most 256, from 0`},
		{`{"items": [{"uid": "E004010012345678", "blocksize": "4"}]}`, `item 1: "blocksize": "4": want a number`},
		{`{"items": [{"uid": "E004010012345678", "blocks": 0}]}`, `item 1: "blocks": 0: want 1 to 256, and room for the memory of 0 bytes`},
		{`{"items": [{"uid": "E004010012345678", "blocks": 1, "memory": "0102030405"}]}`, `item 1: "blocks": 1: want 1 to 256, and room for the memory of 5 bytes`},
		{`{"items": [{"name": "a", "uid": "E004010012345678", "blocksize": 33}]}`, `item 1: chip "a": block size 33: want 1 to 32`},
		{`{"items": [{"name": "a", "uid": "E004010012345678"}, {"name": "a", "uid": "E004010012345679"}]}`, `item 2: chip "a": another has this name`},
		{`{"items": [{"name": "a", "uid": "E004010012345678"}, {"name": "b", "uid": "E004010012345678"}]}`, `item 2: chip "b": UID E004010012345678 is that of "a"`},
	} {
		if _, err := ReadTable(strings.NewReader(c.text)); err == nil || err.Error() != c.want {
			t.Errorf("%.80s\n got %v\nwant %s", c.text, err, c.want)
		}
	}
	if err := read(t, library).Put("nobody"); err == nil {
		t.Error("put nobody: got no error")
	}
}

func TestTableIsLenient(t *testing.T) {
	table := read(t, "\uFEFF"+`{"items": [{"uid": "e004010012345678", "memory": "01 02 03", "afi": "", "dsfid": "3e"}, {"name": "b", "uid": "E004010012345679"}]}`)
	for _, name := range []string{"E004010012345678", "b", "e004010012345679"} {
		if err := table.Put(name); err != nil {
			t.Error(err)
		}
	}
	c := table.Chips()[0]
	if c.Name != "E004010012345678" || string(c.Memory[:4]) != "\x01\x02\x03\x00" || c.AFI != 0 || c.DSFID != 0x3E || !c.On {
		t.Errorf("got %+v", c)
	}
}

func TestChipSizes(t *testing.T) {
	for _, c := range []struct {
		fields              string
		blocks, size, bytes int
	}{
		{`"uid": "E004010012345678"`, 28, 4, 112},
		{`"uid": "E004010812345678"`, 80, 4, 320},
		{`"uid": "E004020012345678"`, 40, 4, 160},
		{`"uid": "E004010012345678", "blocks": 8`, 8, 4, 32},
		{`"uid": "E004010012345678", "blocks": 8, "memory": "0102"`, 8, 4, 32},
		{`"uid": "E007000012345678", "blocks": 256, "blocksize": 4`, 256, 4, 1024},
		{`"uid": "E008000012345678", "blocks": 10, "blocksize": 8`, 10, 8, 80},
		{`"uid": "E008000012345678", "blocksize": 8`, 14, 8, 112},
	} {
		chip := read(t, `{"items": [{`+c.fields+`}]}`).Chips()[0]
		if chip.Blocks() != c.blocks || chip.BlockSize != c.size || len(chip.Memory) != c.bytes || len(chip.Locked) != c.blocks {
			t.Errorf("%s: got %d blocks of %d, %d bytes, want %d of %d, %d", c.fields, chip.Blocks(), chip.BlockSize, len(chip.Memory), c.blocks, c.size, c.bytes)
		}
	}
}
