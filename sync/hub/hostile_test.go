package hub_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"

	"coldstation/sync/circ"
	"coldstation/sync/courier"
	"coldstation/sync/hub/store"
	"coldstation/sync/link"
	"coldstation/sync/wire"
)

// foe publishes whatever it likes, as an enrolled station that turned hostile.
func foe(t *testing.T, b *link.Memory) func(topic string, payload []byte) {
	l := b.Open(link.Options{ClientID: "foe"})
	t.Cleanup(func() { l.Close() })
	return func(topic string, payload []byte) {
		t.Helper()
		if err := l.Publish(topic, payload, false); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
	}
}

// TestRefuses: that a station does not take what it is told is a condition for
// as long as it says so.
func TestRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := link.NewMemory(1)
		l := newLibrary(t, memory(b))
		defer l.stop()
		maple := l.enrol("maple-house")
		stop := maple.start()
		until(t, knows(maple, snapshot...))
		until(t, l.shows("maple-house", "told", func(s store.Station) bool { return s.Told > 0 && s.Pending() == 0 }))
		stop()
		say := foe(t, b)
		stream := l.view("maple-house").Stream
		say(wire.Topic("maple-house", wire.Up), maple.seal(wire.Ack{Stream: uuid.New(), Condition: uint8(courier.Foreign)}))
		if s := l.view("maple-house"); len(s.Conditions) > 0 {
			t.Fatalf("of another stream: conditions %+v", s.Conditions)
		}
		say(wire.Topic("maple-house", wire.Up), maple.seal(wire.Ack{Stream: stream, Condition: uint8(courier.Newer)}))
		want := func(c store.Condition) bool { return c.Name == store.ConditionRefuses && c.Detail == "newer" }
		if s := l.view("maple-house"); !slices.ContainsFunc(s.Conditions, want) {
			t.Fatalf("conditions %+v, want refuses: newer", s.Conditions)
		}
		defer maple.start()()
		until(t, l.shows("maple-house", "well again", func(s store.Station) bool { return len(s.Conditions) == 0 }))
	})
}

// TestRevoked: a revoked station is expelled and not listened to; with new keys
// it is back.
func TestRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := link.NewMemory(1)
		l := newLibrary(t, memory(b))
		defer l.stop()
		maple, birch := l.enrol("maple-house"), l.enrol("birch-house")
		defer maple.start()()
		defer birch.start()()
		until(t, l.shows("maple-house", "there", online))
		if err := l.store.Revoke(t.Context(), "maple-house", time.Now()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second) // longer than until the hub looks
		l.mu.Lock()
		if !slices.Contains(l.expelled, "maple-house") {
			t.Errorf("expelled: %v, want maple-house among them", l.expelled)
		}
		l.mu.Unlock()
		maple.lend("1", "999A1")
		birch.lend("2", "999A7")
		until(t, l.lent("2@birch-house"))
		time.Sleep(10 * time.Minute)
		if err := l.lent("2@birch-house")(); err != nil {
			t.Error(err)
		}
		kept, err := l.store.Enrolled(t.Context(), "maple-house")
		if err != nil {
			t.Fatal(err)
		}
		if err := l.store.Rekey(t.Context(), kept, time.Now()); err != nil {
			t.Fatal(err)
		}
		until(t, l.lent("1@maple-house 2@birch-house"))
	})
}

// TestNotAnothers: an enrolled station can neither speak for another one nor say
// again what another one said.
func TestNotAnothers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := link.NewMemory(1)
		l := newLibrary(t, memory(b))
		defer l.stop()
		maple, birch := l.enrol("maple-house"), l.enrol("birch-house")
		ear := b.Open(link.Options{ClientID: "ear", Subscriptions: []link.Subscription{{Filter: wire.Topic("birch-house", wire.Up)}}})
		defer ear.Close()
		defer birch.start()()
		birch.lend("1", "999A1")
		until(t, l.lent("1@birch-house"))
		birch.do(circ.CheckedIn{Item: "1", Belongs: true})
		until(t, l.lent(""))
		before := l.view("birch-house")

		say := foe(t, b)
		replayed := 0
		for len(ear.Events()) > 0 || replayed == 0 {
			m, is := (<-ear.Events()).(link.Message)
			if !is {
				continue
			}
			replayed++
			say(wire.Topic("maple-house", wire.Up), m.Payload) // as its own
			say(wire.Topic("birch-house", wire.Up), m.Payload) // once more as birch's
		}
		raw, chain, err := birch.Read(1, 10, wire.MaxBytes)
		if err != nil {
			t.Fatal(err)
		}
		batch := wire.Batch{Stream: birch.ID(), First: 1, Events: raw, Chain: chain}
		forged, err := wire.Channel{Station: "birch-house", Way: wire.Up}.Seal(maple.id.SigningKey(), batch)
		if err != nil {
			t.Fatal(err)
		}
		say(wire.Topic("birch-house", wire.Up), forged)
		time.Sleep(time.Minute)
		if err := l.lent("")(); err != nil {
			t.Error(err)
		}
		after := l.view("birch-house")
		if after.Cursor != before.Cursor || len(after.Conditions) > 0 {
			t.Errorf("birch-house is %+v, want as before %+v", after, before)
		}
		if s := l.view("maple-house"); s.Cursor != 0 || !s.Heard.IsZero() {
			t.Errorf("maple-house is %+v, want unheard", s)
		}
		// Birch's events in a ledger of maple's own are maple's: birch's people are
		// not named by them, since their references are another station's.
		say(wire.Topic("maple-house", wire.Up), maple.seal(batch))
		if err := l.lent("")(); err != nil {
			t.Error(err)
		}
		if after := l.view("birch-house"); after.Cursor != before.Cursor || after.Ledger != before.Ledger || len(after.Conditions) > 0 {
			t.Errorf("birch-house is %+v, want as before %+v", after, before)
		}
	})
}

// TestManyLedgers: who names one new ledger after another does not have the hub
// write a snapshot for each.
func TestManyLedgers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := link.NewMemory(1)
		l := newLibrary(t, memory(b))
		defer l.stop()
		maple := l.enrol("maple-house")
		say := foe(t, b)
		streams := make(map[uuid.UUID]bool)
		for range 200 {
			say(wire.Topic("maple-house", wire.Up), maple.seal(wire.Hello{Stream: uuid.New(), First: 1}))
			streams[l.view("maple-house").Stream] = true
		}
		if len(streams) > 3 {
			t.Errorf("%d snapshots for 200 ledgers in no time, want at most 3", len(streams))
		}
		time.Sleep(5 * time.Minute) // then an honest one is heard again
		defer maple.start()()
		until(t, knows(maple, snapshot...))
	})
}

// counted is a store that counts what makes it write.
type counted struct {
	store.Store
	writes *atomic.Int64
}

func (c counted) Find(ctx context.Context, id circ.StationID, ledger uuid.UUID, at time.Time) (store.Ledger, error) {
	c.writes.Add(1)
	return c.Store.Find(ctx, id, ledger, at)
}

func (c counted) Report(ctx context.Context, r store.Report) error {
	c.writes.Add(1)
	return c.Store.Report(ctx, r)
}

func (c counted) Seen(ctx context.Context, p store.Presence) (bool, error) {
	c.writes.Add(1)
	return c.Store.Seen(ctx, p)
}

func (c counted) Raise(ctx context.Context, id circ.StationID, condition store.Condition) error {
	c.writes.Add(1)
	return c.Store.Raise(ctx, id, condition)
}

func (c counted) Clear(ctx context.Context, id circ.StationID, name string) error {
	c.writes.Add(1)
	return c.Store.Clear(ctx, id, name)
}

func (c counted) TakeIn(ctx context.Context, b store.Batch) (store.Ledger, error) {
	c.writes.Add(1)
	return c.Store.TakeIn(ctx, b)
}

// TestFlood: who asks, announces, complains or sends what cannot be read over and
// over is answered now and then, and the station beside it is served.
func TestFlood(t *testing.T) {
	for name, message := range map[string]func(h *house, stream uuid.UUID, i int) (wire.Direction, wire.Message){
		"hellos": func(h *house, _ uuid.UUID, _ int) (wire.Direction, wire.Message) {
			return wire.Up, wire.Hello{Stream: h.ID(), First: 1}
		},
		"births": func(h *house, _ uuid.UUID, i int) (wire.Direction, wire.Message) {
			return wire.Birth, wire.State{Presence: wire.Online, Boot: h.boot, Session: uint64(i)}
		},
		"complaints": func(_ *house, stream uuid.UUID, i int) (wire.Direction, wire.Message) {
			return wire.Up, wire.Ack{Stream: stream, Condition: uint8(i%2) * uint8(courier.Newer)}
		},
		"no events": func(h *house, _ uuid.UUID, _ int) (wire.Direction, wire.Message) {
			raw := []byte("hello")
			return wire.Up, wire.Batch{Stream: h.ID(), First: 1, Events: [][]byte{raw}, Chain: wire.Chain{}.Next(raw)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := link.NewMemory(1)
				l := newLibrary(t, memory(b))
				defer l.stop()
				maple, birch := l.enrol("maple-house"), l.enrol("birch-house")
				say := foe(t, b)
				say(wire.Topic("maple-house", wire.Up), maple.seal(wire.Hello{Stream: maple.ID(), First: 1}))
				stream := l.view("maple-house").Stream
				before := l.writes.Load()
				for i := range 500 {
					way, m := message(maple, stream, i)
					say(wire.Topic("maple-house", way), maple.seal(m))
				}
				if n := l.writes.Load() - before; n > 100 {
					t.Errorf("500 messages made the store write %d times, want at most 20 messages heard", n)
				}
				defer birch.start()()
				birch.lend("2", "999A7")
				until(t, l.lent("2@birch-house"))
				time.Sleep(time.Minute) // then it is heard again
				defer maple.start()()
				maple.lend("1", "999A1")
				until(t, l.lent("1@maple-house 2@birch-house"))
			})
		})
	}
}

// TestBombs: what unpacks to more than it may, or claims to, is refused before
// it is made room for, and the station beside it is served.
func TestBombs(t *testing.T) {
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bomb := encoder.EncodeAll(make([]byte, 100<<20), nil)
	huge := append([]byte{0x28, 0xB5, 0x2F, 0xFD, 0xE0}, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 1, 0, 0) // a frame of 2^63 bytes
	events := append([]byte{0xA4, 0x01, 0x50}, make([]byte, 16)...)
	many := func(header ...byte) []byte { return append(append(slices.Clone(events), 0x02, 0x01, 0x03), header...) }
	synctest.Test(t, func(t *testing.T) {
		b := link.NewMemory(1)
		l := newLibrary(t, memory(b))
		defer l.stop()
		maple, birch := l.enrol("maple-house"), l.enrol("birch-house")
		defer birch.start()()
		until(t, l.shows("birch-house", "there", online))
		say := foe(t, b)
		const times = 20
		for name, m := range map[string]struct {
			packing byte
			body    []byte
		}{
			"a bomb":              {1, bomb},
			"a bomb of bombs":     {1, encoder.EncodeAll(bomb, nil)},
			"a frame of 2^63":     {1, huge},
			"2^63 events":         {0, many(0x9B, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)},
			"2^32 events":         {0, many(0x9A, 0xFF, 0xFF, 0xFF, 0xFF)},
			"an event of 2^63":    {0, many(0x81, 0x5B, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)},
			"endless events":      {0, many(0x9F)},
			"200,000 empty ones":  {0, append(many(0x9A, 0x00, 0x03, 0x0D, 0x40), make([]byte, 200_000)...)},
			"nested beyond sight": {0, many(slices.Repeat([]byte{0x81}, 100_000)...)},
		} {
			payload := signed(t, maple.id.SigningKey(), "maple-house", 3, m.packing, m.body)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range times {
				say(wire.Topic("maple-house", wire.Up), payload)
			}
			runtime.ReadMemStats(&after)
			if each := (after.TotalAlloc - before.TotalAlloc) / times; each > 4<<20+4*uint64(len(payload)) {
				t.Errorf("%s: %d bytes of memory for a message of %d", name, each, len(payload))
			}
		}
		birch.lend("2", "999A7")
		until(t, l.lent("2@birch-house"))
		if s := l.view("maple-house"); s.Cursor != 0 || s.Loans != 0 {
			t.Errorf("maple-house is %+v, want nothing taken", s)
		}
	})
}

// signed is a message of wire, made by hand.
func signed(t *testing.T, key ed25519.PrivateKey, station circ.StationID, kind, packing byte, body []byte) []byte {
	t.Helper()
	text := append(fmt.Appendf(nil, "coldstation/1 up %s\n", station), kind, packing)
	payload, err := cbor.Marshal([]any{1, kind, packing, body, ed25519.Sign(key, append(text, body...))})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := (wire.Channel{Station: station, Way: wire.Up}).Open(key.Public().(ed25519.PublicKey), payload); err == nil {
		t.Fatalf("this is a %T, and should be none", m)
	}
	return payload
}
