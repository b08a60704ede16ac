package iso28560

import (
	"bytes"
	"testing"
)

func TestSetInformation(t *testing.T) {
	for _, tt := range []struct {
		text        string
		parts, part int
		ok          bool
	}{
		{"1203", 12, 3, true}, {"52", 5, 2, true}, {"11", 1, 1, true}, {"0201", 2, 1, true},
		{"120003", 120, 3, true}, {"203", 0, 0, false}, {"", 0, 0, false}, {"1A03", 0, 0, false},
		{"12340001", 0, 0, false}, {"-1+2", 0, 0, false},
	} {
		parts, part, ok := splitSet(tt.text)
		if parts != tt.parts || part != tt.part || ok != tt.ok {
			t.Errorf("set %q = %d, %d, %v; want %d, %d, %v", tt.text, parts, part, ok, tt.parts, tt.part, tt.ok)
		}
	}
}

func TestPart2(t *testing.T) {
	for _, tt := range []struct {
		name, mem string
		dsfid     int
		want      Label
		note      string
	}{
		{"null bytes between objects", "11 05 1C BE 99 1A 14 80 02 01 10 80 80 06 01 FF 00 11", NoDSFID,
			Label{Item: "123456789012", Usage: Unstated}, ""},
		{"objects of all kinds and a local one",
			"61 02 34 37 02 03 F8 08 10  05 01 10  06 01 AA 0F 00 02 FF 00  0F 0B 01 31", NoDSFID,
			Label{Item: "47", Usage: Circulation}, ""},
		{"offset, then a far OID, as the index says", "11 01 63 02 02 00 02 EF 01 02 01 41 00 00", NoDSFID,
			Label{Item: "99", Usage: Unstated, Title: "A"}, ""},
		{"a far OID, then offset, as the index says", "11 01 63 02 02 00 02 EF 02 01 01 41 00 00", NoDSFID,
			Label{Item: "99", Usage: Unstated, Title: "A"}, ""},
		{"an object cut off behind the index", "11 01 63 02 01 80 03 07 AC C0", NoDSFID,
			Label{Item: "99", Usage: Unstated}, "the last object was not read to its end"},
		{"a hint for what is in doubt", "11 05 1C BE 99 1A 14 30 31 32", DSFIDPart2,
			Label{Item: "123456789012", Usage: Unstated}, "3 bytes behind the label are not understood and are kept"},
		{"null bytes before the index, junk behind", "11 01 63 80 80 02 01 20 05 01 10 30 31 32", NoDSFID,
			Label{Item: "99", Usage: Circulation}, "3 bytes behind the label are not understood and are kept"},
		{"values that cannot be read", "11 01 63 02 02 20 02 15 01 0A 6F 02 01 07 00", NoDSFID,
			Label{Item: "99", Usage: Unstated}, "the type of usage cannot be read; the title cannot be read"},
		{"a second identifier behind the index", "11 01 63 02 01 20 11 01 62 05 01 10 00", NoDSFID,
			Label{Item: "99", Usage: Circulation}, "a second item identifier is ignored"},
		{"an owner and no index", "11 01 63 03 04 32 40 8E 97 00", NoDSFID,
			Label{Item: "99", ISIL: "FI-He", Usage: Unstated}, ""},
		{"an identifier alone", "11 01 63 00 00 00", NoDSFID,
			Label{Item: "99", Usage: Unstated}, ""},
		{"odd set information", "11 01 63 02 01 40 14 01 CB 00", NoDSFID,
			Label{Item: "99", Usage: Unstated}, "the set information cannot be read"},
		{"an owner without its fill", "11 01 63 02 01 80 03 04 32 40 8E 90 00", NoDSFID,
			Label{Item: "99", Usage: Unstated}, "the owner cannot be read"},
		{"text under compaction 0, with an index", "01 04 41 42 31 32 02 01 60 04 02 33 31 05 01 10 00", NoDSFID,
			Label{Item: "AB12", Parts: 3, Part: 1, Usage: Circulation}, "the item identifier is written as it is, without a compaction"},
		{"text under compaction 0, with a hint", "01 04 41 42 31 32 00 00", DSFIDPart2,
			Label{Item: "AB12", Usage: Unstated}, "the item identifier is written as it is, without a compaction"},
		{"a title under compaction 0", "11 01 63 02 02 00 02 0F 02 03 E4 69 74 00", NoDSFID, // ä of ISO 8859-1 is no UTF-8
			Label{Item: "99", Usage: Unstated}, "the title cannot be read"},
		{"old data behind the end", "11 01 63 02 01 20 05 01 21 00 11 22 33", NoDSFID,
			Label{Item: "99", Usage: NotCirculating}, ""},
	} {
		mem := unhex(t, tt.mem)
		tag, err := Decode(mem, tt.dsfid)
		if err != nil || tag.Format != Part2 || tag.Label != tt.want || tag.Note != tt.note {
			t.Errorf("%s\n got %v %+v %q, %v\nwant %+v %q", tt.name, tag.Format, tag.Label, tag.Note, err, tt.want, tt.note)
		}
		if got := tag.Encode(); !bytes.Equal(got, mem) {
			t.Errorf("%s: Encode = % X, want % X", tt.name, got, mem)
		}
	}
}

func TestObjectsAreKept(t *testing.T) {
	tag, err := Decode(golden(t, "part2-example"), NoDSFID)
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, o := range tag.Objects() {
		got = append(got, o.OID)
	}
	if want := []int{1, 2, 4, 6, 3}; len(got) != len(want) || got[3] != 6 {
		t.Errorf("OIDs = %v, want %v", got, want)
	}
	if shelf, ok := tag.Objects()[3].Text(); shelf != "QA268.L55" || !ok {
		t.Errorf("shelf = %q %v, want QA268.L55", shelf, ok)
	}
	if tag.Extensions() != nil {
		t.Errorf("Extensions of part 2 = %v, want none", tag.Extensions())
	}
}

func TestExtensions(t *testing.T) {
	tag, err := Decode(golden(t, "part3-title"), NoDSFID)
	if err != nil || len(tag.Extensions()) != 2 {
		t.Fatalf("%d extensions, %v; want 2", len(tag.Extensions()), err)
	}
	if local := tag.Extensions()[1]; local.ID != 100 || !bytes.Equal(local.Payload, []byte("\xff\x00\x80x")) {
		t.Errorf("local block = %d % X, want 100, as written", local.ID, local.Payload)
	}
	// The check may stand in the other place than the layout says.
	title := []byte("Kalevala\x00")
	for _, last := range []bool{false, true} {
		e := Extension{ID: TitleBlock, Payload: title, CheckLast: last}
		e.seal()
		for _, expected := range []bool{false, true} {
			blocks, rest := parseExtensions(append(e.appendTo(nil), 0), expected)
			if len(blocks) != 1 || len(rest) != 1 {
				t.Fatalf("check last %v, expected %v: %d blocks, %d left", last, expected, len(blocks), len(rest))
			}
			if got := blocks[0].appendTo(nil); !bytes.Equal(got, e.appendTo(nil)) {
				t.Errorf("check last %v, expected %v: % X, want % X", last, expected, got, e.appendTo(nil))
			}
			if last == expected && blocks[0].fields()[0] != "Kalevala" {
				t.Errorf("check last %v: title %q", last, blocks[0].fields())
			}
		}
	}
	// When only one place makes text, that is the place: here the check is a control.
	for _, last := range []bool{false, true} {
		e := Extension{ID: TitleBlock, Payload: []byte("Pikku prinssi\x00"), CheckLast: last}
		e.seal()
		if e.Check == 0 || e.Check >= ' ' {
			t.Fatalf("check %02X is text", e.Check)
		}
		blocks, _ := parseExtensions(append(e.appendTo(nil), 0), false)
		if len(blocks) != 1 || blocks[0].CheckLast != last || blocks[0].fields()[0] != "Pikku prinssi" {
			t.Errorf("check last %v: %+v", last, blocks)
		}
	}
	e := Extension{ID: TitleBlock, Payload: title}
	e.seal()
	damaged := e.appendTo(nil)
	damaged[6] ^= 1
	if blocks, rest := parseExtensions(damaged, false); len(blocks) != 0 || !bytes.Equal(rest, damaged) {
		t.Errorf("damaged block: %d blocks, % X left; want all of it left", len(blocks), rest)
	}
}
