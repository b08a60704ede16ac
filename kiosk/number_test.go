package kiosk

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/kiosk/flow"
	"coldstation/sync/circ"
	"coldstation/sync/secret"
)

// ritva works at the house. Her card is one of the demo table's.
var ritva = circ.Patron{ID: circ.NewPatronID("999A00000109"), FirstName: "Ritva", Policy: "adult", Staff: true,
	Cards: []string{"045E396A481180"}, Secret: secret.Hash("4711", "ritva")}

func (d *desk) key(digits string) *desk {
	d.t.Helper()
	for _, digit := range []byte(digits) {
		d.touch(flow.Pressed{Action: flow.Digit, Digit: digit})
	}
	return d.press(flow.Enter)
}

// TestStaffNumber: the staff's card opens nothing without its number, though the
// station asks no resident for theirs.
func TestStaffNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t)
		d.tell(circ.PatronPut{Patron: ritva})
		d.put("outi").sees("unlocking")
		for _, a := range []flow.Action{flow.ForMyself, flow.ForOther, flow.Measure} {
			d.press(a).sees("unlocking")
		}
		d.key("4712").titled("secret.wrong").key("4711").sees("staffing")
		d.lift("outi").wait(5 * time.Minute).sees("welcome").put("outi").sees("unlocking")
	})
}

// TestStaffNumberBruteForce: whoever found the staff's card tries number after number
// for eight hours, and pulls the plug whenever they have to wait. They get ten tries, and
// then the right one opens no more either, until the library sets a new one.
func TestStaffNumberBruteForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t)
		d.tell(circ.PatronPut{Patron: ritva})
		ref, tried := d.ledger.Ref(ritva.ID), 0
		for visit := range 24 {
			d.put("outi")
			for d.view().Screen == flow.Unlocking && d.view().Title.Key != "secret.shut" {
				d.key(fmt.Sprintf("%04d", tried))
				tried++
			}
			if d.view().Screen == flow.Staffing {
				t.Fatalf("opened after %d tries", tried)
			}
			d.lift("outi").wait(2 * time.Minute)
			if visit%3 == 0 {
				d.restart()
			}
			d.wait(18 * time.Minute)
		}
		if tried != staffWrong {
			t.Errorf("%d numbers could be tried in eight hours, want %d", tried, staffWrong)
		}
		d.put("outi").titled("secret.shut").key("4711").titled("secret.shut").lift("outi").wait(time.Hour)
		if raw, err := d.ledger.Tries(ref); err != nil || raw == nil {
			t.Errorf("the tries are kept as %s (%v)", raw, err)
		}
		// Told the same once more, nothing is forgiven; a new number is a new beginning.
		d.tell(circ.PatronPut{Patron: ritva})
		d.put("outi").titled("secret.shut").lift("outi").wait(time.Hour)
		d.stop()
		<-d.ended
		d.station.forgive()
		d.run()
		d.wait(time.Second).put("outi").titled("secret").lift("outi").wait(time.Hour)
		changed := ritva
		changed.Secret = secret.Hash("2580", "ritva")
		d.tell(circ.PatronPut{Patron: changed})
		d.put("outi").key("4711").titled("secret.wrong").key("2580").sees("staffing")
		if raw, err := d.ledger.Tries(ref); err != nil || raw != nil {
			t.Errorf("the right number leaves tries %s (%v)", raw, err)
		}
	})
}

// TestNumberInHaste: numbers that come faster than one is compared are not compared.
func TestNumberInHaste(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t)
		d.tell(circ.PatronPut{Patron: ritva})
		d.put("outi")
		ref := d.ledger.Ref(ritva.ID)
		d.stop()
		<-d.ended
		d.station.locks[ref] = newLock(ritva)
		for range 100 {
			d.station.unlock(flow.Unlock{Ref: ref, Number: "1"})
		}
		synctest.Wait()
		if n := len(d.station.inbox); n > 1 {
			t.Errorf("%d numbers were compared at once", n)
		}
		d.run()
	})
}
