package hub_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/courier"
	"coldstation/sync/identity"
	"coldstation/sync/link"
	"coldstation/sync/wire"
)

// station is a station without a screen or a disk: a log of events, a list of
// notices, and the courier's two ends around a link.
type station struct {
	t      *testing.T
	id     identity.Station
	dial   func(link.Options) link.Link
	ledger uuid.UUID
	boot   uuid.UUID
	began  time.Time
	key    []byte
	sealer *wire.Sealer

	mu      sync.Mutex
	log     [][]byte
	chains  []wire.Chain
	known   map[circ.Ref]bool
	stream  uuid.UUID // of notices
	notices [][]byte
	heard   wire.Chain // the chain over notices
	acked   uint64

	wake chan struct{}
}

func newStation(t *testing.T, id identity.Station, dial func(link.Options) link.Link) *station {
	key, err := id.SealingKey()
	if err != nil {
		t.Fatal(err)
	}
	s := &station{t: t, id: id, dial: dial, boot: uuid.New(), began: time.Now(), key: []byte(id.Station), sealer: &wire.Sealer{Key: key}}
	s.wipe()
	return s
}

// wipe gives the station a new disk.
func (s *station) wipe() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger, s.log, s.chains, s.known = uuid.New(), nil, make([]wire.Chain, 1), make(map[circ.Ref]bool)
	s.stream, s.notices, s.heard, s.acked = uuid.Nil, nil, wire.Chain{}, 0
	s.wake = make(chan struct{}, 1)
}

// start runs the station until the function it answers is called.
func (s *station) start(session uint64) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	l := s.dial(link.Options{
		ClientID:      string(s.id.Station),
		Subscriptions: []link.Subscription{{Filter: wire.Topic(s.id.Station, wire.Down), QoS: 1}},
		Presence: link.Presence{Topic: wire.Topic(s.id.Station, wire.Birth), State: func(p link.Phase, generation uint64) []byte {
			presence := []wire.Presence{link.Offline: wire.Offline, link.Online: wire.Online, link.Asleep: wire.Sleeping}[p]
			return s.seal(wire.State{Presence: presence, Boot: s.boot, Session: session<<32 | generation})
		}},
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.run(ctx, l)
		_ = l.Close()
	}()
	return func() { cancel(); <-done }
}

func (s *station) seal(m wire.Message) []byte {
	payload, err := wire.Channel{Station: s.id.Station, Way: wire.Up}.Seal(s.id.SigningKey(), m)
	if err != nil {
		s.t.Error(err)
	}
	return payload
}

// do records what happened; of a patron it tells who that is at first sight.
func (s *station) do(bodies ...circ.EventBody) {
	s.mu.Lock()
	for _, body := range bodies {
		s.append(body)
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *station) append(body circ.EventBody) {
	uptime := time.Since(s.began)
	raw, err := wire.AppendEvent(nil, circ.Event{Stamp: circ.Stamp{Wall: time.Now(), Clock: circ.ClockNTP, Boot: s.boot, Uptime: uptime}, Body: body}, s.sealer)
	if err != nil {
		s.t.Error(err)
	}
	s.put(raw)
}

func (s *station) put(raw []byte) {
	s.log = append(s.log, raw)
	s.chains = append(s.chains, s.chains[len(s.chains)-1].Next(raw))
}

func (s *station) lend(item circ.ItemID, card string) {
	ref := circ.NewRef(s.key, circ.NewPatronID(card))
	if !s.known[ref] {
		s.known[ref] = true
		s.do(circ.PatronMet{Ref: ref, ID: circ.NewPatronID(card)})
	}
	s.do(circ.CheckedOut{Item: item, Patron: ref, By: ref, Due: time.Now().AddDate(0, 0, 28).Truncate(time.Second)})
}

func (s *station) run(ctx context.Context, l link.Link) {
	s.mu.Lock()
	sender := courier.NewSender(s.ledger, 1, uint64(len(s.log)), s.acked, s.chains[s.acked], 1)
	s.mu.Unlock()
	var receiver courier.Receiver
	var echo wire.Hello
	publish := func(m wire.Message) { _ = l.Publish(wire.Topic(s.id.Station, wire.Up), s.seal(m), false) }
	send := func(in courier.SenderInput) {
		for queue := []courier.SenderInput{in}; len(queue) > 0; queue = queue[1:] {
			next, effects := sender.Step(time.Since(s.began), queue[0])
			sender = next
			for _, effect := range effects {
				switch e := effect.(type) {
				case courier.Greet:
					e.Boot, e.Uptime, e.Wall, e.Program = s.boot, uint64(time.Since(s.began).Milliseconds()), time.Now().UnixMilli(), "test"
					publish(e.Hello)
				case courier.Read:
					s.mu.Lock()
					last := min(e.From+20, uint64(len(s.log)))
					b := wire.Batch{Stream: s.ledger, First: e.From, Events: slices.Clone(s.log[e.From-1 : last]), Chain: s.chains[last]}
					s.mu.Unlock()
					publish(b)
					queue = append(queue, courier.Sent{First: b.First, Last: last})
				case courier.Mark:
					s.mu.Lock()
					s.acked = e.To
					s.mu.Unlock()
				}
			}
		}
	}
	receive := func(in courier.ReceiverInput) {
		for queue := []courier.ReceiverInput{in}; len(queue) > 0; queue = queue[1:] {
			next, effects := receiver.Step(queue[0])
			receiver = next
			for _, effect := range effects {
				s.mu.Lock()
				switch e := effect.(type) {
				case courier.Find:
					if e.Stream != s.stream {
						s.stream, s.notices, s.heard = e.Stream, nil, wire.Chain{}
					}
					queue = append(queue, courier.Found{Stream: s.stream, Cursor: uint64(len(s.notices)), Chain: s.heard})
				case courier.Commit:
					s.notices, s.heard = append(s.notices, e.Events...), e.Chain
					queue = append(queue, courier.Committed{Stream: s.stream, Cursor: uint64(len(s.notices)), Chain: s.heard})
				case courier.Answer:
					e.Uptime, echo = echo.Uptime, wire.Hello{}
					publish(e.Ack)
				}
				s.mu.Unlock()
			}
		}
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
			s.mu.Lock()
			last := uint64(len(s.log))
			s.mu.Unlock()
			send(courier.Appended{First: 1, Last: last})
		case <-tick.C:
			send(courier.Tick{})
		case event, open := <-l.Events():
			if !open {
				return
			}
			switch event := event.(type) {
			case link.Up:
				send(courier.Up{})
			case link.Down:
				send(courier.Down{})
			case link.Message:
				m, err := wire.Channel{Station: s.id.Station, Way: wire.Down}.Open(ed25519.PublicKey(s.id.Library), event.Payload)
				if err != nil {
					s.t.Errorf("%s: %v", s.id.Station, err)
				}
				switch m := m.(type) {
				case wire.Hello:
					echo = m
					receive(courier.Greeted{Hello: m})
				case wire.Batch:
					receive(courier.Arrived{Batch: m})
				case wire.Ack:
					s.mu.Lock()
					var own wire.Chain
					if m.Cursor < uint64(len(s.chains)) {
						own = s.chains[m.Cursor]
					}
					s.mu.Unlock()
					send(courier.Acked{Ack: m, Own: own})
				}
			}
		}
	}
}

// told is what the station knows from its notices: "item 1", "gone 1".
func (s *station) told() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, raw := range s.notices {
		n, err := wire.ParseNotice(raw)
		if err != nil {
			s.t.Error(err)
			continue
		}
		switch b := n.Body.(type) {
		case circ.ItemPut:
			all = append(all, "item "+b.Item.Title)
		case circ.PatronPut:
			all = append(all, "patron "+b.Patron.FirstName)
		case circ.PolicyPut:
			all = append(all, "policy "+b.Policy.ID)
		case circ.ProxyPut:
			all = append(all, "proxy "+b.Proxy.ID)
		case circ.LoanPut:
			all = append(all, fmt.Sprintf("loan %s to %s", b.Item, b.Patron.Plaintext()))
		default:
			all = append(all, fmt.Sprintf("%T", b))
		}
	}
	return all
}

// delivered reports as an error that the hub has not acknowledged all.
func (s *station) delivered() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.acked != uint64(len(s.log)) {
		return fmt.Errorf("%s: %d of %d acknowledged", s.id.Station, s.acked, len(s.log))
	}
	return nil
}

// until asks check again and again until it is content.
func until(t *testing.T, check func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); {
		if err = check(); err == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal(errors.Join(errors.New("waited in vain"), err))
}

// TestMain packs a message once: the packer makes its channels at first use, and
// channels made in one bubble of synctest must not be used in another.
func TestMain(m *testing.M) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	channel := wire.Channel{Station: "warm-up", Way: wire.Up}
	payload, err := channel.Seal(key, wire.Batch{Stream: uuid.New(), First: 1, Events: [][]byte{make([]byte, 8192)}})
	if err == nil {
		_, err = channel.Open(key.Public().(ed25519.PublicKey), payload)
	}
	if err != nil {
		panic(err)
	}
	m.Run()
}
