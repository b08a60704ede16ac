// Package station is the station's end of delivery: it sends what the ledger
// holds up to the hub, and takes what the hub tells down into the ledger.
//
// One loop around a courier.Sender and a courier.Receiver. Everything lasting is
// in the ledger, so a loop that ends anywhere goes on where the ledger stands.
// The hub's counterpart is a desk of package hub.
package station

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/blob"
	"coldstation/sync/circ"
	"coldstation/sync/courier"
	"coldstation/sync/identity"
	"coldstation/sync/ledger"
	"coldstation/sync/link"
	"coldstation/sync/wire"
)

// Log is what is sent and where what is told goes; package ledger keeps one.
type Log interface {
	ID() uuid.UUID
	// Bounds are the oldest and the newest event held; first = last+1 for none.
	Bounds() (first, last uint64, err error)
	// Chain is the running hash at seq; ledger.ErrGone where the log does not reach.
	Chain(seq uint64) (wire.Chain, error)
	// Read answers events from seq on, at most max and size bytes but at least
	// one, and the running hash after the last of them.
	Read(from uint64, max, size int) (raw [][]byte, chain wire.Chain, err error)
	Mark(name string) (uint64, error)
	// SetMark moves a mark forward, TurnBack anywhere.
	SetMark(name string, seq uint64) error
	TurnBack(name string, seq uint64) error

	// Notices is where the log stands in a stream of notices: 0 in one that is
	// new, ledger.ErrOver for one that was replaced.
	Notices(stream uuid.UUID) (cursor uint64, chain wire.Chain, err error)
	// TakeNotices takes notices numbered from first, and their cursor, in one
	// transaction, and answers where the log then stands.
	TakeNotices(at circ.Stamp, stream uuid.UUID, first uint64, raw [][]byte, chain wire.Chain) (cursor uint64, after wire.Chain, err error)
}

// Settings of the station's end. Log, Identity, Boot and Dial are required.
type Settings struct {
	Log      Log
	Identity identity.Station
	Boot     uuid.UUID // this start of the machine
	Session  uint64    // counts starts of the kiosk; orders births and wills
	// Dial opens the link with the options the station needs; it adds where the
	// broker is and how it is reached.
	Dial    func(link.Options) (link.Link, error)
	Moment  func() circ.Stamp // the station's clocks
	Program string
	// Blobs is where blobs are kept; nil: none are asked for. Wanted are those that
	// the log's notices name, the most wanted first; required with Blobs.
	Blobs  *blob.Folder
	Wanted func() ([]circ.BlobID, error)
	// Told is called after notices were taken, from the loop; nil for nobody.
	Told func()
	// Online is called when the link comes and goes, from the loop; nil for nobody.
	Online func(bool)
	// QoS of the station's subscription: 1, and 0 on NATS.
	QoS    byte
	Logger *slog.Logger // nil for slog.Default
}

// Station is the station's end of delivery.
type Station struct {
	Settings
	link     link.Link
	wake     chan struct{}
	sender   courier.Sender
	receiver courier.Receiver
	asker    blob.Asker
	look     *time.Timer // for what is wanted; of Run
	began    time.Time
}

// New prepares the station's end and opens its link. Run runs it.
func New(s Settings) (*Station, error) {
	if s.Logger == nil {
		s.Logger = slog.Default()
	}
	if s.Told == nil {
		s.Told = func() {}
	}
	if s.Online == nil {
		s.Online = func(bool) {}
	}
	st := &Station{Settings: s, wake: make(chan struct{}, 1), began: time.Now()}
	first, last, err := s.Log.Bounds()
	if err != nil {
		return nil, fmt.Errorf("open delivery: %w", err)
	}
	mark, err := s.Log.Mark(ledger.Hub)
	if err != nil {
		return nil, fmt.Errorf("open delivery: %w", err)
	}
	chain, err := chainAt(s.Log, mark)
	if err != nil {
		return nil, fmt.Errorf("open delivery: %w", err)
	}
	st.sender = courier.NewSender(s.Log.ID(), first, last, mark, chain, rand.Uint64())
	name := s.Identity.Station
	st.link, err = s.Dial(link.Options{
		ClientID:      identity.ClientID(name),
		Username:      string(name),
		Password:      s.Identity.Password,
		Broker:        s.Identity.Broker,
		Subscriptions: []link.Subscription{{Filter: wire.Topic(name, wire.Down), QoS: s.QoS}, {Filter: wire.HubState, QoS: s.QoS}},
		Presence:      link.Presence{Topic: wire.Topic(name, wire.Birth), State: st.state},
		Log:           s.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("open delivery: %w", err)
	}
	return st, nil
}

// chainAt is the running hash at seq, zero where the log does not reach: then
// the courier finds out that a disk was rolled back, or that events are gone.
func chainAt(log Log, seq uint64) (wire.Chain, error) {
	chain, err := log.Chain(seq)
	if errors.Is(err, ledger.ErrGone) {
		return wire.Chain{}, nil
	}
	return chain, err
}

// state is the station's presence. Sessions of one boot never repeat: the start
// counts above, the connection below, so an old will never ends a new session.
func (s *Station) state(phase link.Phase, generation uint64) []byte {
	presence := map[link.Phase]wire.Presence{link.Offline: wire.Offline, link.Online: wire.Online, link.Asleep: wire.Sleeping}[phase]
	payload, err := s.channel(wire.Up).Seal(s.Identity.SigningKey(), wire.State{Presence: presence, Boot: s.Boot, Session: s.Session<<32 | generation})
	if err != nil {
		s.Logger.Error("seal presence", "err", err)
	}
	return payload
}

func (s *Station) channel(way wire.Direction) wire.Channel {
	return wire.Channel{Station: s.Identity.Station, Way: way}
}

// Appended tells that the log has grown. It never waits and may be called from
// any goroutine.
func (s *Station) Appended() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run delivers until ctx ends, then says good night. A fault of the log or a
// strange message is logged and passed over: whatever was lost with it is asked
// for again.
func (s *Station) Run(ctx context.Context) error {
	tick := time.NewTimer(0)
	defer tick.Stop()
	asks := time.NewTimer(0)
	defer asks.Stop()
	s.look = time.NewTimer(0)
	defer s.look.Stop()
	if s.Blobs == nil {
		s.look.Stop()
	}
	for {
		s.alarm(tick, s.sender.Wake)
		s.alarm(asks, s.asker.Wake)
		var err error
		select {
		case <-ctx.Done():
			return s.link.Close()
		case <-s.wake:
			var first, last uint64
			if first, last, err = s.Log.Bounds(); err == nil {
				err = s.send(ctx, courier.Appended{First: first, Last: last})
			}
		case <-tick.C:
			err = s.send(ctx, courier.Tick{})
		case <-asks.C:
			err = s.ask(blob.Tick{})
		case <-s.look.C:
			err = s.lookWanted()
		case event, open := <-s.link.Events():
			if !open {
				return errors.New("delivery: the link was closed")
			}
			err = s.hear(ctx, event)
		}
		if err != nil {
			s.Logger.Error("deliver", "err", err)
		}
	}
}

// alarm sets a timer for when a tick is wanted.
func (s *Station) alarm(tick *time.Timer, wake func() (time.Duration, bool)) {
	tick.Stop()
	if due, waits := wake(); waits {
		tick.Reset(max(0, due-s.clock()))
	}
}

func (s *Station) hear(ctx context.Context, event link.Event) error {
	switch event := event.(type) {
	case link.Up:
		s.Online(true)
		return errors.Join(s.send(ctx, courier.Up{}), s.ask(blob.Up{}))
	case link.Down:
		s.Online(false)
		return errors.Join(s.send(ctx, courier.Down{}), s.ask(blob.Down{}))
	case link.Message:
		if event.Topic == wire.HubState {
			return s.hubState(ctx, event)
		}
		message, err := s.channel(wire.Down).Open(ed25519.PublicKey(s.Identity.Library), event.Payload)
		if err != nil {
			return err
		}
		switch message := message.(type) {
		case wire.Hello:
			return s.receive(ctx, courier.Greeted{Hello: message})
		case wire.Batch:
			return s.receive(ctx, courier.Arrived{Batch: message})
		case wire.Ack:
			own, err := chainAt(s.Log, message.Cursor)
			if err != nil {
				return err
			}
			return s.send(ctx, courier.Acked{Ack: message, Own: own})
		case wire.Piece:
			return s.ask(blob.Arrived{Piece: message})
		}
	}
	return nil
}

// hubState: a hub that comes back behind the same broker does not know us until
// we speak.
func (s *Station) hubState(ctx context.Context, event link.Message) error {
	message, err := wire.Channel{Way: wire.Down}.Open(ed25519.PublicKey(s.Identity.Library), event.Payload)
	if err != nil {
		return err
	}
	if state, is := message.(wire.State); is && state.Presence == wire.Online && !event.Retained {
		return errors.Join(s.send(ctx, courier.Up{}), s.ask(blob.Up{}))
	}
	return nil
}

// clock is the steady clock of the sender.
func (s *Station) clock() time.Duration { return time.Since(s.began) }

func (s *Station) send(ctx context.Context, in courier.SenderInput) error {
	return courier.Send(ctx, &s.sender, s.clock, up{s}, in)
}

func (s *Station) receive(ctx context.Context, in courier.ReceiverInput) error {
	return courier.Receive(ctx, &s.receiver, down{s}, in)
}

// publish seals a message and sends it up. A link that is down is no fault.
func (s *Station) publish(message wire.Message) error {
	payload, err := s.channel(wire.Up).Seal(s.Identity.SigningKey(), message)
	if err != nil {
		return err
	}
	if err := s.link.Publish(wire.Topic(s.Identity.Station, wire.Up), payload, false); err != nil {
		s.Logger.Debug("publish", "err", err)
	}
	return nil
}
