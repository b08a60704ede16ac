package circ

import (
	"fmt"
	"slices"
	"testing"
)

// TestCountShelf: a census of any size is events that all fit, whose parts make the
// whole again in order.
func TestCountShelf(t *testing.T) {
	usual := func(i int) ItemID { return ItemID(fmt.Sprintf("16201%09d", i)) }
	long := func(i int) ItemID { return ItemID(fmt.Sprintf("%0255d", i)) }
	for _, c := range []struct {
		name  string
		n     int
		id    func(int) ItemID
		parts int
	}{
		{"nothing", 0, usual, 1}, {"a care home's", 300, usual, 1}, {"a large one", 2000, usual, 1},
		{"more than a list holds", 5000, usual, 2}, {"the longest names", 2000, long, 11},
	} {
		t.Run(c.name, func(t *testing.T) {
			var seen, got []ItemID
			for i := range c.n {
				seen = append(seen, c.id(i))
			}
			all := CountShelf(seen, true, Ref{1})
			if len(all) != c.parts {
				t.Errorf("%d events, want %d", len(all), c.parts)
			}
			for i, body := range all {
				b := body.(ShelfCounted)
				if err := CheckEvent(b); err != nil || !b.Whole || b.By != (Ref{1}) {
					t.Errorf("part %d: %v, whole %v, by %v", i+1, err, b.Whole, b.By)
				}
				if c.parts > 1 && (b.Part != i+1 || b.Parts != c.parts) {
					t.Errorf("part %d of %d, want %d of %d", b.Part, b.Parts, i+1, c.parts)
				}
				size := 0
				for _, id := range b.Seen {
					size += len(id) + 3
				}
				if size > 60<<10 {
					t.Errorf("part %d takes %d bytes", i+1, size)
				}
				got = append(got, b.Seen...)
			}
			if !slices.Equal(got, seen) {
				t.Errorf("the parts make %d items, want %d", len(got), len(seen))
			}
		})
	}
}

func TestIsConsignmentID(t *testing.T) {
	for line, want := range map[string]bool{
		"K7Q2-0001": true, "2026-12345678": true, "": false, "K7Q2": false, "k7q2-0001": false, "K7Q2-000": false,
		"999A00000101": false, "9789510000001": false, "K7Q2-0001 ": false,
	} {
		if got := IsConsignmentID(line); got != want {
			t.Errorf("%q: %v, want %v", line, got, want)
		}
	}
}
