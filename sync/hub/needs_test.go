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

// TestNeeds: of a library too large to be told whole, stations are told what belongs
// to them and what turns up, once what is newest, and forget what they no longer need;
// an authorisation is told again while it stands and never after it was cancelled.
func TestNeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary(t, memory(link.NewMemory(1)))
		defer l.stop()
		const day = 24 * time.Hour
		bring := func(c store.Collection) {
			t.Helper()
			if _, err := l.hub.Import(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := l.store.SetReach(t.Context(), store.Reach{Items: -1, Visits: day / 2}); err != nil {
			t.Fatal(err)
		}
		bring(store.Collection{
			Items:   []circ.Item{{ID: "1", Title: "Sommarboken", Home: "maple-house"}, {ID: "2", Title: "Is", Home: "birch-house"}},
			Patrons: []circ.Patron{{ID: circ.NewPatronID("999A1"), FirstName: "Helmi", Policy: "adult", Home: "birch-house"}},
		})
		maple, birch := l.enrol("maple-house"), l.enrol("birch-house")
		defer maple.start()()
		sleep := birch.start()
		until(t, knows(maple, "policy adult", "item Sommarboken"))
		until(t, knows(birch, "policy adult", "item Is", "patron Helmi", "proxy p1"))

		// A person and a book of birch-house are at maple-house.
		maple.lend("2", "999A1")
		until(t, knows(maple, "policy adult", "item Sommarboken", "item Is", "patron Helmi", "proxy p1"))

		// What changed many times while birch-house was away is told once.
		sleep()
		until(t, l.shows("birch-house", "asleep", offline))
		before := l.view("birch-house")
		for i := range 50 {
			bring(store.Collection{Items: []circ.Item{{ID: "2", Title: fmt.Sprint("Is ", i), Home: "birch-house"}}})
			time.Sleep(time.Minute)
		}
		if s := l.view("birch-house"); s.Told != before.Told+1 {
			t.Errorf("birch-house was told %d times of one book", s.Told-before.Told)
		}
		defer birch.start()()
		until(t, knows(birch, "policy adult", "item Is 49", "patron Helmi", "proxy p1"))

		// The visit is over, and long ago.
		maple.do(circ.CheckedIn{Item: "2", Patron: maple.Ref(circ.NewPatronID("999A1"))})
		until(t, maple.delivered)
		birch.do(circ.CheckedIn{Item: "2", Belongs: true})
		time.Sleep(day + 2*time.Hour) // the hub looks once a day
		until(t, knows(maple, "policy adult", "item Sommarboken"))
		until(t, knows(birch, "policy adult", "item Is 49", "patron Helmi", "proxy p1"))
		now := time.Now()
		if err := l.store.Review(t.Context(), now.Add(8*day)); err != nil {
			t.Fatal(err)
		}
		until(t, func() error {
			proxies, err := birch.Proxies(circ.NewPatronID("999A2"))
			if err != nil || len(proxies) != 1 || proxies[0].Fresh.Before(now.Truncate(time.Second)) {
				return fmt.Errorf("the grant is %+v, %w, want it said again since %v", proxies, err, now)
			}
			return nil
		})

		if err := l.store.CancelProxy(t.Context(), "p1", time.Now()); err != nil {
			t.Fatal(err)
		}
		bring(collection) // which has the grant, and Helmi without a home
		until(t, knows(birch, "policy adult", "item Is", "patron Helmi"))
	})
}
