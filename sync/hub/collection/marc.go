package collection

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"coldstation/sync/circ"
	"coldstation/sync/hub/marc"
)

// Terms are what a library's own words mean.
type Terms struct {
	Holdings []Holdings                // where records keep their items, the first that a record has; nil: Koha's 952, then 852
	Stations map[string]circ.StationID // by branch; a branch that is a station's name needs none
	Marks    map[string]circ.Marks     // by item type
}

// Holdings are a field that describes one item, by its subfields; those that a
// system does not have are "".
type Holdings struct{ Tag, Barcode, Home, Type string }

var usual = []Holdings{{"952", "p", "a", "y"}, {"852", "p", "b", ""}}

// ParseHoldings reads TAG BARCODE [HOME [TYPE]], as "949 i l t".
func ParseHoldings(text string) (h Holdings, err error) {
	words := append(strings.Fields(text), "", "")
	if len(words) < 4 || len(words) > 6 || len(words[0]) != 3 || strings.Trim(words[0], "0123456789") != "" {
		return h, fmt.Errorf("%q: want the field, the subfield of the barcode and, if there are any, those of the branch and the item type, as 949 i l t", text)
	}
	for _, code := range words[1:] {
		if len(code) > 1 {
			return h, fmt.Errorf("%q: a subfield is one character", code)
		}
	}
	return Holdings{words[0], words[1], words[2], words[3]}, nil
}

// ReadMARC reads items from MARC 21 bibliographic records, in MARCXML or ISO 2709;
// what of a record becomes what of an item, package marc tells. Records that say
// that they are deleted, those without items, and items without a barcode are
// passed over, and are in the notes, as is all that was read otherwise than it
// claims to be; unless there is nothing else. A record without a title is a fault:
// nobody could tell what was lent.
//
// Source: koha-community.org manual (items in 952).
func ReadMARC(r io.Reader, terms Terms) (items []circ.Item, notes []string, err error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, nil, err
	}
	if terms.Holdings == nil {
		terms.Holdings = usual
	}
	var faults []error
	seen := make(map[circ.ItemID]int)
	n := 0
	for record, err := range marc.Read(text) {
		n++
		switch {
		case errors.Is(err, marc.ErrNone):
			return nil, nil, err
		case err != nil:
			faults = append(faults, fmt.Errorf("record %d: %w", n, err))
			continue
		}
		one := one{place: place(n, record), terms: terms}
		one.read(record)
		for _, item := range one.items {
			if before := seen[item.ID]; before != 0 {
				one.fault("952", "barcode %s is also in record %d; an item has a barcode of its own", item.ID, before)
			}
			seen[item.ID] = n
		}
		items, notes, faults = append(items, one.items...), append(notes, one.notes...), append(faults, one.faults...)
	}
	if len(items) == 0 && len(faults) == 0 {
		faults = append(faults, fmt.Errorf("not one of %d records has an item with a barcode in field %s, subfield %s: export the records with their items, or say with --holdings where they are",
			n, terms.Holdings[0].Tag, terms.Holdings[0].Barcode))
	}
	if err := gather(faults); err != nil {
		return nil, nil, err
	}
	return items, notes, nil
}

// one is a record being read.
type one struct {
	place  string
	terms  Terms
	items  []circ.Item
	notes  []string
	faults []error
}

func (o *one) fault(tag, format string, args ...any) {
	o.faults = append(o.faults, fmt.Errorf("%s, field %s: %s", o.place, tag, fmt.Sprintf(format, args...)))
}

func (o *one) note(text string) { o.notes = append(o.notes, o.place+": "+text) }

func (o *one) read(record marc.Record) {
	for _, note := range record.Notes {
		o.note(note)
	}
	if record.Deleted() {
		o.note("it says that it is deleted; passed over")
		return
	}
	var fields []marc.Field
	var at Holdings
	for _, at = range o.terms.Holdings {
		if fields = record.All(at.Tag); len(fields) > 0 {
			break
		}
	}
	if len(fields) == 0 {
		o.note("it has no item; passed over")
		return
	}
	item, faults := record.Describe()
	for _, f := range faults {
		o.fault(f.Tag, "%s", f.Text)
	}
	described := item.Marks
	for _, f := range fields {
		item.ID = circ.ItemID(f.Sub(at.Barcode))
		if item.ID == "" {
			o.note("field " + at.Tag + ": an item without a barcode; passed over")
			continue
		}
		if len(item.ID) > circ.MaxItemID {
			o.fault(at.Tag, "subfield %s, the barcode: "+tooLong, at.Barcode, len(item.ID), circ.MaxItemID)
			continue
		}
		item.Home = o.terms.home(f.Sub(at.Home))
		item.Marks = described | o.terms.Marks[f.Sub(at.Type)]
		o.items = append(o.items, item)
	}
}

// home is the station of a branch, "" for one that has none.
func (t Terms) home(branch string) circ.StationID {
	if station, found := t.Stations[branch]; found {
		return station
	}
	if station := circ.StationID(branch); station.Valid() {
		return station
	}
	return ""
}

// place names a record by its number in the file and its own 001.
func place(n int, r marc.Record) string {
	if id := r.Number(); id != "" {
		return fmt.Sprintf("record %d (001 %s)", n, id)
	}
	return fmt.Sprintf("record %d", n)
}
