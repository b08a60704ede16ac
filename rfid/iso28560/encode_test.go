package iso28560

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// The published examples, written from their labels and parts.
func TestEncodeReproduces(t *testing.T) {
	label := Label{Item: "1000000056", ISIL: "DK-718500", Parts: 1, Part: 1, Usage: Circulation}
	got, err := EncodePart3(label, Layout{Block: 4, Room: 112})
	if want := golden(t, "annex-b1")[:36]; err != nil || !bytes.Equal(got, want) {
		t.Errorf("annex B.1\n got % X, %v\nwant % X", got, err, want)
	}

	want := golden(t, "annex-b2")
	b := readBasic(want, false)
	b.extensions = []Extension{
		{ID: LibraryBlock, Payload: []byte{0x01}},
		{ID: AcquisitionBlock, Payload: []byte("Bogvognen\x001234567890\x00\x00a789656c")},
	}
	b.crc = b.sum()
	for i := range b.extensions {
		b.extensions[i].seal()
	}
	b.rest = []byte{0}
	if got := b.appendTo(nil); !bytes.Equal(got, want) {
		t.Errorf("annex B.2\n got % X\nwant % X", got, want)
	}

	want = golden(t, "part2-example")
	var r record
	for _, o := range []struct {
		oid   int
		text  string
		block int
	}{{OIDItem, "123456789012", 4}, {OIDContent, "", 0}, {OIDSet, "1203", 0}, {6, "QA268.L55", 0}, {OIDOwner, "US-InU-Mu", 4}} {
		object := Object{OID: o.oid}
		switch o.oid {
		case OIDContent:
			object.Data = indexOf([]Object{{OID: OIDSet}, {OID: 6}, {OID: OIDOwner}})
		case OIDOwner:
			object.Data, _ = packISIL(o.text)
		default:
			object.Scheme, object.Data, _ = compact(o.text)
		}
		object.align(o.block)
		r.objects = append(r.objects, object)
	}
	if got := r.appendTo(nil); !bytes.Equal(got, want) {
		t.Errorf("example of part 2\n got % X\nwant % X", got, want)
	}
}

func TestEncodePart2(t *testing.T) {
	for _, tt := range []struct {
		name  string
		label Label
		lay   Layout
		want  string
	}{
		{"the item alone", Label{Item: "123456789012", Usage: Unstated}, Layout{}, "11 05 1C BE 99 1A 14 00"},
		{"to whole blocks", Label{Item: "123456789012", Usage: Unstated}, Layout{Block: 4}, "91 00 05 1C BE 99 1A 14 00 00 00 00"},
		{"all the room", Label{Item: "123456789012", Usage: Unstated}, Layout{Block: 4, Room: 8}, "91 00 05 1C BE 99 1A 14"},
		{"part 2 of 5", Label{Item: "123456789012", Parts: 5, Part: 2, Usage: Circulation}, Layout{}, "11 05 1C BE 99 1A 14 02 01 60 14 01 34 05 01 10 00"},
		{"part 3 of 12", Label{Item: "99", Parts: 12, Part: 3, Usage: Unstated}, Layout{}, "11 01 63 02 01 40 14 02 04 B3 00"},
		{"a title", Label{Item: "99", Title: "Pöytä", Usage: Unstated}, Layout{}, "11 01 63 02 02 00 02 6F 02 05 50 F6 79 74 E4 00"},
	} {
		want := unhex(t, tt.want)
		got, err := EncodePart2(tt.label, tt.lay)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s\n got % X, %v\nwant % X", tt.name, got, err, want)
		}
	}
}

func TestEncodeRoundTrip(t *testing.T) {
	for _, l := range []Label{
		{Item: "1620154429", ISIL: "FI-Tku", Parts: 1, Part: 1, Usage: Circulation},
		{Item: "167N01010101", ISIL: "FI-He", Parts: 12, Part: 3, Usage: NotCirculating, Title: "Sinuhe egyptiläinen"},
		{Item: "0000000000000007", ISIL: "FI-Kajaani", Parts: 255, Part: 255, Usage: PatronCard, Title: "Война и мир"},
		{Item: "a-very-long-identifier/2026", ISIL: "US-InU-Mu", Parts: 2, Part: 1, Usage: Acquisition},
		{Item: "x", ISIL: "D-B", Parts: 3, Part: 0, Usage: Equipment},
		{Item: "Tunniste Ä", ISIL: "FI-Kirjasto12345", Parts: 1, Part: 1, Usage: Discarded},
	} {
		for name, encode := range map[string]func(Label, Layout) ([]byte, error){"part 2": EncodePart2, "part 3": EncodePart3} {
			for _, lay := range []Layout{{}, {Block: 4}, {Block: 4, Room: 112}, {Block: 8, Room: 320}} {
				mem, err := encode(l, lay)
				if err != nil {
					t.Errorf("%s of %+v: %v", name, l, err)
					continue
				}
				if lay.Block > 0 && len(mem)%lay.Block != 0 {
					t.Errorf("%s of %+v: %d bytes do not fill blocks of %d", name, l, len(mem), lay.Block)
				}
				old := append(mem, bytes.Repeat([]byte{0xA5}, 8)...) // of an older, longer label
				tag, err := Decode(old, NoDSFID)
				if err != nil || tag.Label != l {
					t.Errorf("%s of %+v reads %+v, %v", name, l, tag.Label, err)
				}
			}
		}
	}
	short := Label{Item: "1620154429", ISIL: "FI-Kajaani", Parts: 1, Part: 1, Usage: Circulation}
	got, err := EncodePart3(short, Layout{Short: true, Room: 32, Block: 4})
	if want := golden(t, "part3-32"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("short block\n got % X, %v\nwant % X", got, err, want)
	}
}

func TestEncodeRefuses(t *testing.T) {
	ok := Label{Item: "1620154429", ISIL: "FI-Tku", Usage: Circulation}
	with := func(change func(*Label)) Label { l := ok; change(&l); return l }
	for _, tt := range []struct {
		name         string
		label        Label
		lay          Layout
		part2, part3 error
	}{
		{"no item", with(func(l *Label) { l.Item = "" }), Layout{}, ErrText, ErrText},
		{"control in item", with(func(l *Label) { l.Item = "1\x002" }), Layout{}, ErrText, ErrText},
		{"space behind item", with(func(l *Label) { l.Item += " " }), Layout{}, ErrText, ErrText},
		{"broken UTF-8 in title", with(func(l *Label) { l.Title = "\xff" }), Layout{}, ErrText, ErrText},
		{"letter no ISIL has", with(func(l *Label) { l.ISIL = "FI-Åbo" }), Layout{}, ErrText, nil},
		{"part beyond the set", with(func(l *Label) { l.Parts, l.Part = 2, 3 }), Layout{}, ErrRoom, ErrRoom},
		{"set of 300", with(func(l *Label) { l.Parts, l.Part = 300, 3 }), Layout{}, nil, ErrRoom},
		{"set of 1000", with(func(l *Label) { l.Parts, l.Part = 1000, 3 }), Layout{}, ErrRoom, ErrRoom},
		{"usage 16", with(func(l *Label) { l.Usage = 16 }), Layout{}, ErrRoom, ErrRoom},
		{"too little room", ok, Layout{Room: 8}, ErrRoom, ErrRoom},
		{"title into 32 bytes", with(func(l *Label) { l.Title = "Kalevala" }), Layout{Short: true}, nil, ErrRoom},
		{"long item into 32 bytes", with(func(l *Label) { l.Item = strings.Repeat("7", 17) }), Layout{Short: true}, nil, ErrRoom},
		{"long owner into 32 bytes", with(func(l *Label) { l.ISIL = "FI-Kirjasto123" }), Layout{Short: true}, nil, ErrRoom},
		{"endless title", with(func(l *Label) { l.Title = strings.Repeat("a", 300) }), Layout{}, ErrRoom, ErrRoom},
	} {
		if mem, err := EncodePart2(tt.label, tt.lay); !errors.Is(err, tt.part2) {
			t.Errorf("%s: part 2 = % X, %v; want %v", tt.name, mem, err, tt.part2)
		}
		if mem, err := EncodePart3(tt.label, tt.lay); !errors.Is(err, tt.part3) {
			t.Errorf("%s: part 3 = % X, %v; want %v", tt.name, mem, err, tt.part3)
		}
	}
}

// A person's card number does not get into an error.
func TestErrorsNameNobody(t *testing.T) {
	card := Label{Item: "30234000517861\x00", Usage: PatronCard}
	for _, encode := range []func(Label, Layout) ([]byte, error){EncodePart2, EncodePart3} {
		if _, err := encode(card, Layout{}); err == nil || strings.Contains(err.Error(), "3023") {
			t.Errorf("error = %v, want one without the number", err)
		}
	}
	_, err := Decode(golden(t, "part3-bad-crc"), NoDSFID)
	if err == nil || strings.Contains(err.Error(), "10000") {
		t.Errorf("error = %v, want one without the item", err)
	}
}
