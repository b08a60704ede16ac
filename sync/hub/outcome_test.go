package hub_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/link"
)

// These are outcomes of docs/delivery.md that no other test has.

// TestCloned: a disk was copied and both copies are in use under one identity, at
// once. What came of the first is kept, nothing more of either is, and a person is
// told.
func TestCloned(t *testing.T) {
	overPipes(t, func(t *testing.T, dial dialer, settle time.Duration) {
		l := newLibrary(t, dial)
		defer l.stop()
		maple := l.enrol("maple-house")
		maple.lend("1", "999A1")
		stop := maple.start()
		until(t, maple.delivered)
		stop()
		image := maple.copy()
		stop = maple.start()
		maple.do(circ.LentToHouse{Item: "2"})
		until(t, l.lent("1@maple-house 2@maple-house"))
		until(t, maple.delivered)

		clone := newHouse(t, maple.id, l.dial, l.log)
		clone.swap(image)
		clone.do(circ.LentToHouse{Item: "8"}, circ.LentToHouse{Item: "9"})
		defer clone.start()()
		until(t, l.shows("maple-house", "quarantined", has(store.ConditionQuarantined)))
		maple.do(circ.LentToHouse{Item: "3"})
		time.Sleep(settle)
		if err := l.lent("1@maple-house 2@maple-house")(); err != nil {
			t.Error(err)
		}
		stop()
	})
}

// TestStationRestored: an old image of a station's disk is put back and nothing has
// happened there since, so that all it says is true and too little.
func TestStationRestored(t *testing.T) {
	overPipes(t, func(t *testing.T, dial dialer, _ time.Duration) {
		l := newLibrary(t, dial)
		defer l.stop()
		maple := l.enrol("maple-house")
		maple.lend("1", "999A1")
		image := maple.copy()
		stop := maple.start()
		maple.do(circ.LentToHouse{Item: "2"})
		until(t, maple.delivered)
		stop()
		maple.swap(image)
		defer maple.start()()
		until(t, l.shows("maple-house", "quarantined", has(store.ConditionQuarantined)))
		if err := l.lent("1@maple-house 2@maple-house")(); err != nil {
			t.Error(err)
		}
	})
}

// TestClocks: a station wakes up in 1970, and in 2036, and lends before anybody
// tells it better. What comes is in the order it happened, at the times it
// happened, to within the way of a message.
func TestClocks(t *testing.T) {
	for name, year := range map[string]int{"1970": 1970, "2036": 2036} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLibrary(t, memory(link.NewMemory(1)))
				defer l.stop()
				maple := l.enrol("maple-house")
				maple.boot = uuid.New()
				patron := circ.NewPatronID("999A1")
				ref := maple.Ref(patron)
				wrong := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
				var truth []time.Time
				const days = 28
				for _, item := range []circ.ItemID{"1", "2", "1"} {
					time.Sleep(time.Hour)
					truth = append(truth, time.Now())
					at := circ.Stamp{Wall: wrong.Add(time.Since(maple.began)), Clock: circ.ClockUnset, Boot: maple.boot, Uptime: time.Since(maple.began)}
					if _, err := maple.Append(at, []circ.PatronID{patron}, circ.CheckedOut{Item: item, Patron: ref, By: ref, Due: at.Wall.AddDate(0, 0, days)}); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(time.Hour)
				defer maple.start()()
				until(t, l.lent("1@maple-house 2@maple-house"))
				until(t, maple.delivered)
				events, err := l.store.Events(t.Context(), "maple-house", store.Position{}, 10)
				if err != nil || len(events) != len(truth)+1 { // the patron was met
					t.Fatalf("%d events, %v, want %d", len(events), err, len(truth)+1)
				}
				for i, e := range events[:len(truth)] { // the last first
					want := truth[len(truth)-1-i]
					if off := e.At.Sub(want); e.Seq != uint64(len(events)-i) || off < 0 || off > time.Second || e.Err > store.Unsure {
						t.Errorf("event %d happened at %v ± %v, want %v", e.Seq, e.At, e.Err, want)
					}
				}
				loans, err := l.store.Loans(t.Context(), "maple-house")
				for _, loan := range loans {
					if now := time.Now(); loan.Since.After(now) || now.Sub(loan.Since) > 4*time.Hour {
						t.Errorf("%s is lent since %v, now is %v", loan.Item, loan.Since, now)
					}
					if promise := loan.Due.Sub(loan.Since); promise < days*24*time.Hour || promise > (days+1)*24*time.Hour {
						t.Errorf("%s is lent for %v, want %d days or a little more", loan.Item, promise, days)
					}
				}
				if err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestReboots: a station whose clock nobody sets is switched off and on again and
// again before it meets the hub. What happened in each run is between its neighbours,
// in order, with how far off that may be; the last run, which is heard, is known.
func TestReboots(t *testing.T) {
	for name, year := range map[string]int{"1970": 1970, "2036": 2036} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLibrary(t, memory(link.NewMemory(1)))
				defer l.stop()
				maple := l.enrol("maple-house")
				began := time.Now()
				const runs = 4
				var truth []time.Time
				for run := range runs {
					time.Sleep(3 * time.Hour) // it is off
					maple.boot, maple.began = uuid.New(), time.Now()
					for n := range 2 {
						time.Sleep(20 * time.Minute)
						truth = append(truth, time.Now())
						at := circ.Stamp{Wall: time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), Boot: maple.boot, Uptime: time.Since(maple.began)}
						if _, err := maple.Append(at, nil, circ.LentToHouse{Item: circ.ItemID(fmt.Sprint(run, n))}); err != nil {
							t.Fatal(err)
						}
					}
				}
				defer maple.start()()
				until(t, maple.delivered)
				events, err := l.store.Events(t.Context(), "maple-house", store.Position{}, 100)
				if err != nil || len(events) != len(truth) {
					t.Fatalf("%d events, %v, want %d", len(events), err, len(truth))
				}
				for i, want := range truth {
					e := events[len(events)-1-i] // the last first
					switch off := e.At.Sub(want).Abs(); {
					case e.Seq != uint64(i+1):
						t.Errorf("event %d stands at %d", e.Seq, i+1)
					case e.At.Before(began), e.At.After(time.Now()), off > e.Err:
						t.Errorf("event %d happened at %v ± %v, want %v", e.Seq, e.At, e.Err, want)
					case i >= len(truth)-2 && e.Err > store.Unsure, i < len(truth)-2 && e.Err <= store.Unsure:
						t.Errorf("event %d is off by %v at most", e.Seq, e.Err)
					case i%2 == 1 && e.At.Sub(events[len(events)-i].At) != 20*time.Minute:
						t.Errorf("event %d is %v after the one before it in its run, want 20 minutes", e.Seq, e.At.Sub(events[len(events)-i].At))
					}
				}
			})
		})
	}
}

// TestPutBack: a copy of the hub's file is put back by hand from before the stream of
// notices that a station now has. The station has given the old one up and says so,
// and the hub begins another.
func TestPutBack(t *testing.T) {
	overPipes(t, func(t *testing.T, dial dialer, _ time.Duration) {
		l := newLibrary(t, dial)
		maple := l.enrol("maple-house")
		defer maple.start()()
		knows := func(title string) func() error {
			return func() error {
				if told := maple.told(); !slices.Contains(told, "item "+title) {
					return fmt.Errorf("the station knows %q, want %s too", told, title)
				}
				return nil
			}
		}
		until(t, knows(collection.Items[0].Title))
		l.stop()
		image, err := os.ReadFile(l.path)
		if err != nil {
			t.Fatal(err)
		}
		l.start()
		old := l.view("maple-house").Stream
		maple.ok(l.store.NewStream(t.Context(), "maple-house", uuid.New()))
		until(t, func() error {
			if st := l.view("maple-house"); st.Stream == old || st.Taken < st.Told {
				return fmt.Errorf("the station has %d of %d of %v", st.Taken, st.Told, st.Stream)
			}
			return nil
		})
		l.stop()
		if err := errors.Join(os.Remove(l.path), os.WriteFile(l.path, image, 0o600)); err != nil {
			t.Fatal(err)
		}
		l.start()
		defer l.stop()
		if _, err := l.hub.Import(t.Context(), store.Collection{Items: []circ.Item{{ID: "77", Title: "Bildhuggarens dotter"}}}); err != nil {
			t.Fatal(err)
		}
		until(t, knows("Bildhuggarens dotter"))
		if st := l.view("maple-house"); st.Stream == old || len(st.Conditions) > 0 {
			t.Errorf("the station stands at %+v, want a new stream and no condition", st)
		}
	})
}
