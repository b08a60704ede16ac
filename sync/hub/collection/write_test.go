package collection

import (
	"bytes"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"coldstation/sync/circ"
)

// TestWrite: what is written reads back as the same, in both forms, whatever a
// spreadsheet would make of it.
func TestWrite(t *testing.T) {
	card := circ.NewPatronID
	want := File{
		Items: []circ.Item{{ID: "-1", Title: "=1+1", Author: "@Linna, \"Väinö\"\nJr.", Year: 1954, Language: "fi", Subject: "war", Marks: circ.LargePrint | circ.EasyLanguage, Parts: 3, Home: "maple-house"},
			{ID: "2", Title: "'n Boek", Parts: 1}, {ID: "3", Title: "+", Author: "'=", Marks: circ.Audio}},
		Patrons: []circ.Patron{{ID: card("999A1"), FirstName: "Helmi", Policy: "adult", Staff: true, Blocked: true, Language: "sv", Cards: []string{"04A1", "=2"}, Picture: "boat", Recalls: true, Home: "maple-house"},
			{ID: card("007"), Policy: "adult"}},
		Policies: []circ.Policy{{ID: "adult", LoanDays: 28, Limit: 5, Renewals: 2}, {ID: "special", FeeFree: true, OverdueOK: true}},
		Proxies: []circ.Proxy{{ID: "p1", Principal: card("999A1"), Agent: card("007"), Scopes: circ.MayBorrow | circ.MaySeeHistory, Once: true,
			From: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 12, 24, 23, 59, 59, 0, time.UTC)}},
	}
	for form, write := range map[string]func(Sheet, io.Writer) error{"CSV": Sheet.WriteCSV, "JSON": Sheet.WriteJSON} {
		var got File
		for _, sheet := range []Sheet{Items(want.Items), Patrons(want.Patrons), Policies(want.Policies), Proxies(want.Proxies)} {
			var b bytes.Buffer
			if err := write(sheet, &b); err != nil {
				t.Fatal(err)
			}
			f, err := Read(b.Bytes(), Terms{})
			if err != nil {
				t.Fatalf("%s of %s: %v\n%s", form, sheet.Name, err, b.String())
			}
			if form == "CSV" {
				for line := range strings.Lines(b.String()) {
					for cell := range strings.SplitSeq(line, ",") {
						if formula(strings.Trim(cell, `"`)) {
							t.Errorf("a spreadsheet calculates %q", cell)
						}
					}
				}
			}
			got.Items, got.Patrons = append(got.Items, f.Items...), append(got.Patrons, f.Patrons...)
			got.Policies, got.Proxies = append(got.Policies, f.Policies...), append(got.Proxies, f.Proxies...)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v\nwant %+v", form, got, want)
		}
	}
}
