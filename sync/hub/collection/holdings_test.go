package collection

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"coldstation/sync/circ"
)

// TestHoldings: other systems' fields, branches and types, by settings.
func TestHoldings(t *testing.T) {
	record := func(fields string) string {
		return "<collection>" + marcHead + `<datafield tag="245"><subfield code="a">Title</subfield></datafield>` + fields + "</record></collection>"
	}
	field := func(tag string, subs ...string) string {
		var b strings.Builder
		for i := 0; i < len(subs); i += 2 {
			fmt.Fprintf(&b, `<subfield code="%s">%s</subfield>`, subs[i], subs[i+1])
		}
		return `<datafield tag="` + tag + `">` + b.String() + "</datafield>"
	}
	sierra, err := ParseHoldings("945 i l t")
	if err != nil {
		t.Fatal(err)
	}
	terms := Terms{
		Holdings: []Holdings{sierra, {Tag: "949", Barcode: "a"}},
		Stations: map[string]circ.StationID{"MAPLE": "maple-house"},
		Marks:    map[string]circ.Marks{"LP": circ.LargePrint},
	}
	one := circ.Item{ID: "B1", Title: "Title", Parts: 1}
	for _, tt := range []struct {
		name, file string
		terms      Terms
		want       []circ.Item
		notes      int
	}{
		{"Koha's", record(field("952", "p", "B1", "a", "MAPLE", "y", "LP")), Terms{Stations: terms.Stations, Marks: terms.Marks},
			[]circ.Item{{ID: "B1", Title: "Title", Parts: 1, Home: "maple-house", Marks: circ.LargePrint}}, 0},
		{"one of two settings", record(field("945", "i", "B1", "l", "MAPLE", "t", "LP") + field("945", "i", "B2", "l", "OAK", "t", "BK")), terms,
			[]circ.Item{{ID: "B1", Title: "Title", Parts: 1, Home: "maple-house", Marks: circ.LargePrint}, {ID: "B2", Title: "Title", Parts: 1}}, 0},
		{"the other", record(field("949", "a", "B1")), terms, []circ.Item{one}, 0},
		{"an item on order", record(field("952", "o", "84.2") + field("952", "p", "B1")), Terms{}, []circ.Item{one}, 1},
		{"a record without items", strings.Replace(record(field("952", "p", "B1")), "</collection>", marcHead+"</record></collection>", 1), Terms{}, []circ.Item{one}, 1},
		{"a deleted one", strings.Replace(record(field("952", "p", "B1")), "</collection>", strings.Replace(marcHead, "00000nam", "00000dam", 1)+"</record></collection>", 1), Terms{}, []circ.Item{one}, 1},
	} {
		f, err := Read([]byte(tt.file), tt.terms)
		if err != nil || !reflect.DeepEqual(f.Items, tt.want) || len(f.Notes) != tt.notes {
			t.Errorf("%s: got %+v, notes %q, %v, want %+v and %d notes", tt.name, f.Items, f.Notes, err, tt.want, tt.notes)
		}
	}
	for _, text := range []string{"", "949", "94 i", "949 it", "949 i l t x"} {
		if h, err := ParseHoldings(text); err == nil {
			t.Errorf("%q: taken as %+v", text, h)
		}
	}
}
