package hub_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/sync/blob"
	"coldstation/sync/circ"
	"coldstation/sync/filter"
	"coldstation/sync/hub/store"
	"coldstation/sync/link"
	"coldstation/sync/wire"
)

// noise is n bytes that nothing makes shorter.
func noise(n int) []byte {
	random := rand.New(rand.NewPCG(uint64(n), 3))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}

// covered gives the library a cover and an item with it.
func (l *library) covered(content []byte) circ.BlobID {
	l.t.Helper()
	id, err := l.store.PutBlob(l.t.Context(), content, time.Now())
	if err != nil {
		l.t.Fatal(err)
	}
	if _, err := l.hub.Import(l.t.Context(), store.Collection{Items: []circ.Item{{ID: "1", Title: "Sommarboken", Cover: id}}}); err != nil {
		l.t.Fatal(err)
	}
	return id
}

func (h *house) keepBlobs() {
	h.t.Helper()
	var err error
	h.blobs, err = blob.OpenFolder(h.t.TempDir(), blob.Limit)
	h.ok(err)
}

func (h *house) holds(id circ.BlobID, want []byte) func() error {
	return func() error {
		got, err := h.blobs.Read(id)
		if err == nil && !bytes.Equal(got, want) {
			err = fmt.Errorf("blob %s is %d other bytes", id, len(got))
		}
		return err
	}
}

// TestBlobs: a cover that a notice names reaches the station, in many pieces, over a
// broker that loses and reorders; a station that keeps none is left alone.
func TestBlobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := link.NewMemory(7)
		l := newLibrary(t, memory(b))
		defer l.stop()
		maple, birch := l.enrol("maple-house"), l.enrol("birch-house")
		maple.keepBlobs()
		stop := maple.start()
		defer birch.start()()
		want := noise(20*wire.MaxPiece + 9)
		b.Fail(link.Faults{Lose: 0.2, Double: 0.2, Reorder: 0.2})
		id := l.covered(want)
		until(t, func() error { // it is cut off in the middle
			if have, err := maple.blobs.Begin(id); err != nil || have < 3*wire.MaxPiece {
				return fmt.Errorf("%d bytes, %w", have, err)
			}
			return nil
		})
		stop()
		b.Fail(link.Faults{Double: 0.2, Reorder: 0.2}) // whoever loses again and again waits longer than this test
		defer maple.start()()
		until(t, maple.holds(id, want))
		until(t, l.shows("birch-house", "told", func(s store.Station) bool { return s.Told > 0 && s.Pending() == 0 }))
	})
}

// TestHostileWants: a station that asks without end for pieces, and for blobs that
// are not there, gets no more than its allowance, and nobody else waits for it.
func TestHostileWants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := link.NewMemory(1)
		l := newLibrary(t, memory(b))
		defer l.stop()
		maple, birch := l.enrol("maple-house"), l.enrol("birch-house")
		id := l.covered(noise(2 * wire.MaxPiece))
		defer birch.start()()
		until(t, l.shows("birch-house", "there", online))
		ear := b.Open(link.Options{ClientID: "ear", Subscriptions: []link.Subscription{{Filter: wire.Topic("maple-house", wire.Down)}}})
		defer ear.Close()
		say := foe(t, b)
		before := l.writes.Load()
		for n := range 2000 {
			want := wire.Want{Blob: id, Offset: uint64(n%2) * wire.MaxPiece}
			if n%3 == 0 {
				want.Blob[0]++
			}
			say(wire.Topic("maple-house", wire.Up), maple.seal(want))
		}
		answers := 0
		for more := true; more; {
			synctest.Wait()
			select {
			case event := <-ear.Events():
				if _, is := event.(link.Message); is {
					answers++
				}
			default:
				more = false
			}
		}
		if most := circ.MaxBlob/wire.MaxPiece + 1; answers == 0 || answers > most {
			t.Errorf("2000 questions at once were answered %d times, want at most %d", answers, most)
		}
		if wrote := l.writes.Load() - before; wrote > 10 {
			t.Errorf("the store wrote %d times", wrote)
		}
		birch.lend("2", "999A7")
		until(t, l.lent("2@birch-house"))
	})
}

// cardsAt is whether the station's filter has each of the cards; "none" without one.
func (h *house) cardsAt(want string, cards ...string) func() error {
	return func() error {
		id, told, err := h.CardFilter()
		if err != nil || !told {
			return fmt.Errorf("told of a filter: %v, %w", told, err)
		}
		raw, err := h.blobs.Read(id)
		if err != nil {
			return err
		}
		f, err := filter.Parse(raw)
		if err != nil {
			return err
		}
		got := ""
		for _, card := range cards {
			got += map[bool]string{true: "+", false: "-"}[f.Has(circ.NewPatronID(card))]
		}
		if got != want {
			return fmt.Errorf("of %v it has %s, want %s", cards, got, want)
		}
		return nil
	}
}

// TestCards: every station that keeps blobs has the one of all valid cards, and
// a new one when the cards change, but not at once and not for nothing; one that does
// not is told nothing and is not held up.
func TestCards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := link.NewMemory(1)
		l := newLibrary(t, memory(b))
		defer l.stop()
		maple, birch := l.enrol("maple-house"), l.enrol("birch-house")
		maple.keepBlobs()
		stop := maple.start()
		defer birch.start()()
		cards := []string{"999A1", "KEY-1", "999A3"}
		time.Sleep(15 * time.Minute) // the cards may have come after the first look
		until(t, maple.cardsAt("+--", cards...))
		first, _, err := maple.CardFilter()
		maple.ok(err)

		people := []circ.Patron{{ID: circ.NewPatronID("999A1"), FirstName: "Helmi", Policy: "adult", Blocked: true}, {ID: circ.NewPatronID("999A3"), Cards: []string{"KEY-1"}}}
		_, err = l.hub.Import(t.Context(), store.Collection{Patrons: people})
		maple.ok(err)
		time.Sleep(time.Minute)
		if err := maple.cardsAt("+--", cards...)(); err != nil {
			t.Errorf("a minute later, when it is not to be built yet: %v", err)
		}
		time.Sleep(15 * time.Minute)
		until(t, maple.cardsAt("-++", cards...))

		stop()
		maple.wipe() // a new ledger, and so a new stream
		defer maple.start()()
		until(t, maple.cardsAt("-++", cards...))
		told := l.view("maple-house").Told
		time.Sleep(time.Hour)
		if s := l.view("maple-house"); s.Told != told {
			t.Errorf("for nothing it was told %d notices more", s.Told-told)
		}
		if _, told, err := birch.CardFilter(); err != nil || told {
			t.Errorf("one that keeps no blobs was told of one: %v, %v", told, err)
		}
		if _, _, err := l.store.BlobPiece(t.Context(), first, 0, 1); err != nil {
			t.Errorf("the first filter, which somebody may be fetching: %v", err)
		}
		time.Sleep(25 * time.Hour)
		if _, _, err := l.store.BlobPiece(t.Context(), first, 0, 1); !errors.Is(err, store.ErrNoBlob) {
			t.Errorf("the first filter a day later: %v, want %v", err, store.ErrNoBlob)
		}
		until(t, l.shows("birch-house", "told the rest", func(s store.Station) bool { return s.Told > 0 && s.Pending() == 0 && len(s.Conditions) == 0 }))
	})
}
