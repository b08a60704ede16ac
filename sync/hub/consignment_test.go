package hub_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/link"
)

// TestConsignment: forty books from the library's table to the last difference
// resolved, with the network gone while the centre's staff receive them; then a shelf
// of three hundred is counted.
func TestConsignment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := link.NewMemory(1)
		l := newLibrary(t, memory(b))
		defer l.stop()
		maple := l.enrol("maple-house")
		defer maple.start()()
		ctx := t.Context()
		item := func(n int) circ.ItemID { return circ.ItemID(fmt.Sprint(1000 + n)) }
		span := func(from, to int) (items []circ.ItemID) {
			for n := from; n <= to; n++ {
				items = append(items, item(n))
			}
			return items
		}
		var books []circ.Item
		for n, id := range span(1, 310) {
			books = append(books, circ.Item{ID: id, Title: fmt.Sprint("Book ", n+1), Home: "main"})
		}
		_, err := l.hub.Import(ctx, store.Collection{Items: books})
		maple.ok(err)
		c, err := l.store.Begin(ctx, "maple-house", "Winter", "maija", time.Now())
		maple.ok(err)
		for _, id := range span(1, 40) {
			packed, err := l.store.Pack(ctx, c.ID, id, "maija", time.Now())
			if err != nil || !packed.Done {
				t.Fatalf("pack %s: %+v, %v", id, packed, err)
			}
		}
		maple.ok(l.store.Send(ctx, c.ID, "maija", time.Now()))
		stands := func(state store.ConsignmentState, seen, missing, extra int) func() error {
			return func() error {
				c, err := l.store.Consignment(ctx, c.ID)
				got := []int{c.Counts[store.LineSeen], c.Counts[store.LineMissing], c.Counts[store.LineExtra]}
				if err != nil || c.State != state || got[0] != seen || got[1] != missing || got[2] != extra {
					return fmt.Errorf("it is %s with seen, missing, extra %v, %w", c.State, got, err)
				}
				return nil
			}
		}
		listed := func(want int) func() error {
			return func() error {
				all, err := maple.Consignments()
				if err != nil || len(all) != min(want, 1) || want > 0 && len(all[0].Items) != want {
					return fmt.Errorf("the station has %d consignments, %w, want one of %d", len(all), err, want)
				}
				return nil
			}
		}
		until(t, listed(40))

		time.Sleep(time.Hour) // the van
		for _, id := range span(1, 10) {
			maple.do(circ.Placed{Item: id, Consignment: c.ID})
		}
		until(t, stands(store.Receiving, 10, 0, 0))
		b.Cut()
		for _, id := range append(span(11, 38), item(300)) {
			maple.do(circ.Placed{Item: id, Consignment: c.ID})
		}
		maple.do(circ.ConsignmentChecked{Consignment: c.ID, Seen: span(1, 38), Missing: span(39, 40), Extra: []circ.ItemID{item(300)}})
		time.Sleep(time.Hour)
		if err := stands(store.Receiving, 10, 0, 0)(); err != nil {
			t.Error(err)
		}
		b.Mend()
		until(t, stands(store.Checked, 38, 2, 1))
		for id, outcome := range map[circ.ItemID]store.Outcome{item(39): store.OutcomeLost, item(40): store.OutcomeBox, item(300): store.OutcomeBack} {
			maple.ok(l.store.Resolve(ctx, c.ID, id, outcome, "maija", time.Now()))
		}
		if err := stands(store.Resolved, 38, 2, 1)(); err != nil {
			t.Error(err)
		}
		until(t, listed(0))
		until(t, func() error {
			lists, err := maple.Recalls()
			if got := lists[store.RecallLibrary]; err != nil || len(got) != 1 || got[0] != item(300) {
				return fmt.Errorf("to be taken out: %v, %w", lists, err)
			}
			return nil
		})

		// The shelf fills: 297 of its own and three that belong to the library. Five are
		// lent and come back past the pad; two cannot be found.
		maple.do(circ.TakenOut{Item: item(300)})
		box, err := l.store.Begin(ctx, "maple-house", "More", "maija", time.Now())
		maple.ok(err)
		for _, id := range span(41, 299) {
			_, err := l.store.Pack(ctx, box.ID, id, "maija", time.Now())
			maple.ok(err)
		}
		maple.ok(l.store.Send(ctx, box.ID, "maija", time.Now()))
		for _, id := range append(span(41, 299), span(301, 303)...) {
			maple.do(circ.Placed{Item: id, Consignment: box.ID})
		}
		for _, id := range span(1, 5) {
			maple.lend(id, "999A1")
		}
		time.Sleep(2 * time.Hour)
		seen := append(span(1, 36), append(span(41, 299), append(span(301, 303), span(37, 38)...)...)...)
		seen = seen[:len(seen)-2] // 37 and 38 stand nowhere
		maple.do(circ.ShelfCounted{Seen: seen[:150]}, circ.ShelfCounted{Seen: seen[150:], Whole: true})
		kinds := func() (n map[store.FindingKind]int, whole bool, count int, err error) {
			found, err := l.store.Counted(ctx, "maple-house")
			n = make(map[store.FindingKind]int)
			for _, f := range found.Findings {
				n[f.Kind]++
			}
			return n, found.Whole, found.Seen, err
		}
		until(t, func() error {
			n, whole, count, err := kinds()
			if err != nil || !whole || count != len(seen) || n[store.FoundLent] != 5 || n[store.FoundForeign] != 3 || n[store.FoundMissing] != 2 {
				return fmt.Errorf("counted %d, whole %v, %v, %w", count, whole, n, err)
			}
			return nil
		})
		for _, id := range span(1, 5) {
			maple.ok(l.store.Judge(ctx, store.Judgement{Station: "maple-house", Item: id, Outcome: store.OutcomeHere, By: "maija", At: time.Now()}))
		}
		until(t, func() error {
			if loans, err := maple.OpenLoans(); err != nil || len(loans) != 0 {
				return fmt.Errorf("on loan at the station: %v, %w", loans, err)
			}
			return nil
		})
		if n, _, _, err := kinds(); err != nil || n[store.FoundLent] != 0 || l.loans() != "" {
			t.Errorf("after they came back: %v, %v, on loan %q", n, err, l.loans())
		}
	})
}
