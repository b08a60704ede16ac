package station_test

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/courier"
	"coldstation/sync/identity"
	"coldstation/sync/ledger"
	"coldstation/sync/link"
	"coldstation/sync/station"
	"coldstation/sync/wire"
)

// The station and the real hub are tested together in package hub. Here the hub
// is a link and a key, and says what the real one never would.

// TestNotices: of a batch with a notice that this version cannot read, what comes
// before it is taken; of what is forged or does not fit, nothing is.
func TestNotices(t *testing.T) {
	item, err := wire.AppendNotice(nil, circ.Notice{Seq: 1, Body: circ.ItemPut{Item: circ.Item{ID: "1", Title: "Is"}}})
	if err != nil {
		t.Fatal(err)
	}
	newer := []byte{0x83, 0x02, 0x01, 0xA0} // [2, 1, {}]
	stream := uuid.New()
	hello := wire.Hello{Stream: stream, First: 1, Last: 2, Uptime: 1234}
	batch := wire.Batch{Stream: stream, First: 1, Events: [][]byte{item, newer}, Chain: wire.Chain{}.After([][]byte{item, newer})}
	for name, tt := range map[string]struct {
		forge bool
		say   []wire.Message
		want  wire.Ack // the last one
		items int
	}{
		"a hello":        {say: []wire.Message{hello}, want: wire.Ack{Stream: stream, Uptime: 1234}},
		"newer":          {say: []wire.Message{hello, batch}, want: wire.Ack{Stream: stream, Cursor: 1, Chain: wire.Chain{}.Next(item), Condition: uint8(courier.Newer)}, items: 1},
		"newer, again":   {say: []wire.Message{hello, batch, batch}, want: wire.Ack{Stream: stream, Cursor: 1, Chain: wire.Chain{}.Next(item), Condition: uint8(courier.Newer)}, items: 1},
		"forged":         {forge: true, say: []wire.Message{hello, batch}},
		"another story":  {say: []wire.Message{hello, wire.Batch{Stream: stream, First: 1, Events: [][]byte{item}}}, want: wire.Ack{Stream: stream, Condition: uint8(courier.Forked)}},
		"a gap":          {say: []wire.Message{hello, wire.Batch{Stream: stream, First: 2, Events: [][]byte{item}}}, want: wire.Ack{Stream: stream}},
		"a station's":    {say: []wire.Message{wire.State{Presence: wire.Online}}},
		"another ledger": {say: []wire.Message{wire.Ack{Stream: stream, Cursor: 7}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := begin(t)
				key := p.library.SigningKey()
				if tt.forge {
					key = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
				}
				for _, m := range tt.say {
					payload, err := wire.Channel{Station: "maple-house", Way: wire.Down}.Seal(key, m)
					if err != nil {
						t.Fatal(err)
					}
					if err := p.hub.Publish(wire.Topic("maple-house", wire.Down), payload, false); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
				}
				got := p.heard()
				if answers := got.Uptime != 0; answers != (got.Boot != uuid.Nil) {
					t.Errorf("the answer to a Hello tells the clock: %+v", got)
				}
				got.Wall, got.Boot, got.Now = 0, uuid.Nil, 0
				if got != tt.want {
					t.Errorf("the hub hears %+v, want %+v", got, tt.want)
				}
				if items, err := p.log.Items(); err != nil || len(items) != tt.items {
					t.Errorf("the station knows %d items, %v, want %d", len(items), err, tt.items)
				}
				if told := p.told; told != tt.items {
					t.Errorf("the kiosk was told %d times, want %d", told, tt.items)
				}
			})
		})
	}
}

// TestOnline: the kiosk hears when the link comes and goes.
func TestOnline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := begin(t)
		for _, want := range []bool{true, false, true} {
			if p.online != want {
				t.Errorf("online is %t, want %t", p.online, want)
			}
			if want {
				p.broker.Cut()
			} else {
				p.broker.Mend()
			}
			synctest.Wait()
		}
	})
}

// place is a station and the hub's end of its link.
type place struct {
	t       *testing.T
	broker  *link.Memory
	library identity.Library
	enrol   identity.Enrolled
	hub     link.Link
	log     *ledger.Ledger
	told    int
	online  bool
}

func begin(t *testing.T) *place {
	p := &place{t: t, broker: link.NewMemory(1)}
	ok := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	p.library, err = identity.NewLibrary()
	ok(err)
	file, enrolled, err := p.library.Enrol("maple-house", "mqtt://localhost")
	ok(err)
	p.enrol = enrolled
	key, err := file.SealingKey()
	ok(err)
	p.log, err = ledger.Open(filepath.Join(t.TempDir(), "ledger"), ledger.Options{Station: "maple-house", Key: make([]byte, 32), Sealer: &wire.Sealer{Key: key}})
	ok(err)
	p.hub = p.broker.Open(link.Options{ClientID: "hub", Subscriptions: []link.Subscription{{Filter: wire.AnyTopic(-1, wire.Up), QoS: 1}}})
	s, err := station.New(station.Settings{
		Log: p.log, Identity: file, Boot: uuid.New(), Session: 1,
		Dial:   func(o link.Options) (link.Link, error) { return p.broker.Open(o), nil },
		Moment: func() circ.Stamp { return circ.Stamp{} },
		Told:   func() { p.told++ },
		Online: func(is bool) { p.online = is },
		Logger: slog.New(slog.DiscardHandler),
	})
	ok(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		ok(<-ended)
		ok(p.hub.Close())
		ok(p.log.Close())
	})
	synctest.Wait()
	return p
}

// heard is the last Ack that the hub heard, zero when it heard none.
func (p *place) heard() (last wire.Ack) {
	p.t.Helper()
	for {
		synctest.Wait()
		select {
		case event := <-p.hub.Events():
			said, is := event.(link.Message)
			if !is {
				continue
			}
			m, err := wire.Channel{Station: "maple-house", Way: wire.Up}.Open(p.enrol.Signing, said.Payload)
			if err != nil {
				p.t.Fatal(err)
			}
			if ack, is := m.(wire.Ack); is {
				last = ack
			}
		default:
			return last
		}
	}
}
