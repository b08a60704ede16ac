package kiosk

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/kiosk/flow"
	"coldstation/rfid"
	"coldstation/rfid/sim"
	"coldstation/sync/circ"
	"coldstation/sync/ledger"
)

// staffed has a nurse whose card asks for nothing, and a consignment on its way.
func staffed(t *testing.T, changes ...change) *desk {
	d := start(t, changes...)
	nurse := ritva
	nurse.Secret = ""
	d.tell(circ.PatronPut{Patron: nurse},
		circ.ConsignmentPut{ID: "K7Q2-0001", Items: []circ.ItemID{sinuhe.ID, palmu.ID, "999N00001011"}, Title: "Thursday"})
	return d.put("outi").sees("staffing")
}

// told is what the staff recorded.
func (d *desk) told(want ...string) *desk {
	d.t.Helper()
	var got []string
	for e, err := range d.ledger.Events(1) {
		if err != nil {
			d.t.Fatal(err)
		}
		by := func(ref circ.Ref) {
			if ref != d.ledger.Ref(ritva.ID) {
				d.t.Errorf("event %d is by %v, want Ritva", e.Seq, ref)
			}
		}
		switch b := e.Body.(type) {
		case circ.Placed:
			by(b.By)
			got = append(got, fmt.Sprintf("%s placed with %q", b.Item, b.Consignment))
		case circ.TakenOut:
			by(b.By)
			got = append(got, fmt.Sprintf("%s taken out for %q", b.Item, b.Consignment))
		case circ.ConsignmentChecked:
			by(b.By)
			got = append(got, fmt.Sprintf("%s checked: %d seen, %d missing, %d extra", b.Consignment, len(b.Seen), len(b.Missing), len(b.Extra)))
		case circ.ShelfCounted:
			by(b.By)
			got = append(got, fmt.Sprintf("counted %v", b.Seen))
		}
	}
	if !slices.Equal(got, want) {
		d.t.Errorf("the staff recorded\n  %s\nwant\n  %s\nlog:\n%s", strings.Join(got, "\n  "), strings.Join(want, "\n  "), d.log)
	}
	return d
}

// TestReceiveAtThePad: a box comes in two halves with a power cut between them, while
// no hub is there. Its tags sound at the gate, and an accepted box is not offered again.
func TestReceiveAtThePad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := staffed(t)
		for _, chip := range d.table.Chips() { // it comes as it was lent out elsewhere
			if chip.Name == "sinuhe" {
				d.table.With(chip.UID, func(c *sim.Chip) { c.AFI = rfid.OnLoan })
			}
		}
		d.press(flow.Receive).put("sinuhe", "palmu")
		if got := d.view().Title; got.Key != "receive.seen" || got.N != 2 || got.Of != 3 {
			t.Errorf("the title is %+v, want 2 of 3", got)
		}
		d.sees("receiving, 999N00001011 sought, 999N00001004 arrived, 999N00001003 arrived").afi("sinuhe", rfid.InLibrary)
		d.lift("sinuhe", "palmu", "outi").restart().put("outi").press(flow.Receive)
		d.sees("receiving, 999N00001011 sought, 999N00001004 arrived, 999N00001003 arrived")
		d.put("iris").press(flow.Accept).sees("desk-done")
		d.told(`999N00001003 placed with "K7Q2-0001"`, `999N00001004 placed with "K7Q2-0001"`, `999N00001030 placed with "K7Q2-0001"`,
			"K7Q2-0001 checked: 2 seen, 1 missing, 1 extra")
		d.press(flow.Back).press(flow.Receive).titled("receive.open")
	})
}

// TestReceiveByScanner: the label says which box it is, also one that nobody told of;
// the books are scanned.
func TestReceiveByScanner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		scanner := newLines()
		d := staffed(t, func(p *Parts, _ *desk) { p.Scanners = []rfid.Scanner{scanner} })
		for _, line := range []string{"ZZ99-0001", string(sinuhe.ID), string(palmu.ID)} {
			scanner.scan(line)
			d.wait(time.Second)
		}
		d.sees("receiving, 999N00001004 other-box, 999N00001003 other-box")
		scanner.scan("999N00001030")
		d.wait(time.Second).press(flow.Accept).titled("receive.seen")
		d.told(`999N00001003 placed with "K7Q2-0001"`, `999N00001004 placed with "K7Q2-0001"`, `999N00001030 placed with "ZZ99-0001"`,
			"ZZ99-0001 checked: 1 seen, 0 missing, 0 extra")
	})
}

// TestTakeOutAtThePad: what is on loan is said to be, and what was taken out is off the
// list, though the hub has not heard of it.
func TestTakeOutAtThePad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t).put("helmi", "palmu").lift("helmi", "palmu").wait(time.Minute)
		d.tell(circ.RecallPut{ID: "R", Items: []circ.ItemID{sinuhe.ID, palmu.ID}})
		nurse := ritva
		nurse.Secret = ""
		d.tell(circ.PatronPut{Patron: nurse})
		d.put("outi").press(flow.TakeOut).sees("taking-out, 999N00001003 sought, 999N00001004 away")
		d.put("sinuhe").sees("taking-out, 999N00001004 away, 999N00001003 removed").told(`999N00001003 taken out for "R"`)
		d.press(flow.Back).press(flow.TakeOut).sees("taking-out, 999N00001004 away")
	})
}

// TestCountAtThePad: a count goes on after a power cut, what is lent and here is no
// return, and one press sends it.
func TestCountAtThePad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := staffed(t)
		d.press(flow.CountShelf).put("sinuhe").sees("shelving, 999N00001003 present")
		d.lift("sinuhe", "outi").restart().told()
		d.put("outi").press(flow.CountShelf).sees("shelving, 999N00001003 present")
		d.press(flow.AllCounted).press(flow.WholeShelf).press(flow.ShowMissing).sees("shelf-group, 999N00001004 sought")
		d.press(flow.Back).press(flow.SendCount).sees("desk-done").told("counted [999N00001003]")
		if counted, err := d.ledger.Counted(); err != nil || len(counted) > 0 {
			t.Errorf("counted and sent, and still there: %v (%v)", counted, err)
		}
		if place, err := d.ledger.Place(sinuhe.ID); err != nil || place != ledger.Shelf {
			t.Errorf("the place of what was counted is %v (%v)", place, err)
		}
		d.press(flow.Back).press(flow.CountShelf).titled("shelf")
	})
}

// TestCountGoesStale: a count that was left for days begins anew.
func TestCountGoesStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := staffed(t)
		for age, want := range map[time.Duration]int{countLasts - time.Hour: 1, countLasts + time.Hour: 0} {
			if err := d.ledger.NoteCounted(sinuhe.ID, d.station.now().Wall.Add(-age)); err != nil {
				t.Fatal(err)
			}
			d.press(flow.CountShelf)
			if got := len(d.view().Lines); got != want {
				t.Errorf("of a count %v old %d items are left, want %d", age, got, want)
			}
			d.press(flow.Back)
		}
	})
}

// TestBoxAtThePad: what goes into the box is listed until it is emptied.
func TestBoxAtThePad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := staffed(t)
		astray := circ.Item{ID: "999N00001011", Title: "Kalevala", Home: "birch-house"}
		d.tell(circ.ItemPut{Item: astray})
		d.lift("outi").wait(5 * time.Minute).put("kalevala").sees("visiting, 999N00001011 boxed")
		d.lift("kalevala").wait(time.Minute).put("outi").press(flow.SortBox).sees("boxes, 999N00001011 astray")
		if words := d.view().Lines[0].Words; words.Key != "fate.astray.home" || words.Name != "birch-house" {
			t.Errorf("belongs to %+v", words)
		}
		d.press(flow.BoxEmptied).sees("desk-done").told(`999N00001011 taken out for ""`).press(flow.Back).press(flow.SortBox).titled("boxes.none")
	})
}
