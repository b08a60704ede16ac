package hub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/courier"
	"coldstation/sync/hub/store"
	"coldstation/sync/identity"
	"coldstation/sync/wire"
)

// desk serves one station: a loop around the receiver of its events and the
// sender of its notices. A message that it has no room for is lost, as on any
// link, and asked for again.
type desk struct {
	*Hub
	station  identity.Enrolled
	inbox    chan deskMsg
	receiver courier.Receiver
	sender   *courier.Sender // nil until the station has a stream
	stream   store.Stream    // of the sender
	up       bool
	hears    bool // the station takes the stream, as far as we know
	flagged  bool // the store may hold conditions that the next commit settles
	refused  bool // the store may hold that the station refuses its notices
	renewed  time.Duration
	greeted  time.Duration // when it was asked last how its clock stands
	ledger   uuid.UUID     // that spoke last
	swaps    allowance     // of one ledger for another
	costly   allowance     // of messages that make the store write and bring nothing new
	pieces   allowance     // of blobs
	knows    uint64        // the station's Hello.Knows
	leave    context.CancelFunc
}

type deskMsg interface{ deskMsg() }

type (
	deskUp      struct{} // the link is up
	deskDown    struct{}
	deskNotices struct{} // there may be more notices for the station
	deskMessage struct {
		way      wire.Direction
		payload  []byte
		retained bool
	}
)

func (deskUp) deskMsg()      {}
func (deskDown) deskMsg()    {}
func (deskNotices) deskMsg() {}
func (deskMessage) deskMsg() {}

const inboxRoom = 4 * courier.Window

func newDesk(h *Hub, station identity.Enrolled) *desk {
	return &desk{Hub: h, station: station, inbox: make(chan deskMsg, inboxRoom), flagged: true, refused: true,
		swaps: allowance{most: 3, each: time.Minute}, costly: allowance{most: 20, each: time.Second / 2},
		pieces: allowance{most: circ.MaxBlob / wire.MaxPiece, each: time.Second / 20}}
}

// tell hands the desk something that happened, without waiting. When there is no
// room a message is dropped; the link's state, and that there are notices, push
// out what has waited longest.
func (d *desk) tell(m deskMsg) {
	for {
		select {
		case d.inbox <- m:
			return
		default:
		}
		if _, is := m.(deskMessage); is {
			d.Log.Warn("a station is faster than the store", "station", d.station.Station)
			return
		}
		select {
		case <-d.inbox:
		default:
		}
	}
}

func (d *desk) run(ctx context.Context) {
	wake := time.NewTimer(0)
	defer wake.Stop()
	for {
		d.alarm(wake)
		select {
		case <-ctx.Done():
			return
		case m := <-d.inbox:
			if err := d.serve(ctx, m); err != nil && ctx.Err() == nil {
				d.Log.Error("serve a station", "station", d.station.Station, "err", err)
			}
		case <-wake.C:
			if err := d.send(ctx, courier.Tick{}); err != nil && ctx.Err() == nil {
				d.Log.Error("tell a station", "station", d.station.Station, "err", err)
			}
		}
	}
}

// alarm sets the timer for the sender's next tick.
func (d *desk) alarm(wake *time.Timer) {
	wake.Stop()
	if d.sender != nil {
		if due, waits := d.sender.Wake(); waits {
			wake.Reset(max(0, due-d.clock()))
		}
	}
}

// clock is the steady clock of the senders.
func (h *Hub) clock() time.Duration { return time.Since(h.began) }

func (d *desk) serve(ctx context.Context, m deskMsg) error {
	switch m := m.(type) {
	case deskUp:
		d.up = true
		if err := d.openStream(ctx); err != nil {
			return err
		}
		return d.send(ctx, courier.Up{})
	case deskDown:
		d.up, d.hears = false, false
		return d.send(ctx, courier.Down{})
	case deskNotices:
		return d.moreNotices(ctx)
	case deskMessage:
		defer d.feed.changed(d.station.Station)
		message, err := d.open(ctx, m.payload)
		if errors.Is(err, wire.ErrNewer) {
			return d.raise(ctx, store.ConditionNewer, "")
		}
		if err != nil {
			return err
		}
		return d.read(ctx, m, message)
	}
	return nil
}

// open checks a message against the station's key, and once more against the
// store's, since a station may have been given a new one.
func (d *desk) open(ctx context.Context, payload []byte) (wire.Message, error) {
	channel := wire.Channel{Station: d.station.Station, Way: wire.Up}
	message, err := channel.Open(d.station.Signing, payload)
	if !errors.Is(err, wire.ErrForged) {
		return message, err
	}
	enrolled, err := d.Store.Enrolled(ctx, d.station.Station)
	if err != nil {
		return nil, err
	}
	if enrolled.Revoked {
		return nil, fmt.Errorf("a message of a revoked station: %w", wire.ErrForged)
	}
	d.station = enrolled
	return channel.Open(d.station.Signing, payload)
}

func (d *desk) read(ctx context.Context, m deskMessage, message wire.Message) error {
	if _, is := message.(wire.State); is != (m.way == wire.Birth) {
		return fmt.Errorf("a %T on topic %s: %w", message, m.way, wire.ErrMalformed)
	}
	if d.dear(message) && !d.costly.take(d.clock()) {
		d.Log.Debug("a station asks too often", "station", d.station.Station)
		return nil
	}
	switch message := message.(type) {
	case wire.Hello:
		if err := d.receive(ctx, courier.Greeted{Hello: message}); err != nil {
			return err
		}
		return errors.Join(d.report(ctx, message), d.meet(ctx, message))
	case wire.State:
		return d.presence(ctx, message, m.retained)
	case wire.Want:
		return d.give(ctx, message)
	case wire.Batch:
		return d.receive(ctx, courier.Arrived{Batch: message})
	case wire.Ack:
		return d.acked(ctx, message)
	}
	return fmt.Errorf("a %T: %w", message, wire.ErrMalformed)
}

// dear reports whether a message makes the store write without taking anything
// in. An honest station sends such a one now and then; one that sends nothing
// else must not keep the store from the others.
func (d *desk) dear(message wire.Message) bool {
	switch message := message.(type) {
	case wire.Hello, wire.State:
		return true
	case wire.Batch:
		return d.flagged // the last one was not taken
	case wire.Ack:
		return courier.Condition(message.Condition) != courier.Sound
	}
	return false
}

// refuses keeps in the store whether the station takes what it is told, as its
// own Ack says. One of a stream that we have given up says nothing.
func (d *desk) refuses(ctx context.Context, ack wire.Ack) error {
	if d.sender == nil || ack.Stream != d.stream.ID {
		return nil
	}
	if c := courier.Condition(ack.Condition); c != courier.Sound {
		d.refused = true
		return d.Store.Raise(ctx, d.station.Station, store.Condition{Name: store.ConditionRefuses, Detail: c.String(), Since: d.Now()})
	}
	if !d.refused {
		return nil
	}
	d.refused = false
	return d.Store.Clear(ctx, d.station.Station, store.ConditionRefuses)
}

// presence notes a birth, a farewell or a will. After a birth the station waits
// for what it has not been told.
func (d *desk) presence(ctx context.Context, state wire.State, retained bool) error {
	current, err := d.Store.Seen(ctx, store.Presence{
		Station: d.station.Station, Online: state.Presence == wire.Online, Boot: state.Boot, Session: state.Session,
		At: d.Now(), Old: retained || state.Presence == wire.Offline,
	})
	if err != nil || !current {
		return err
	}
	if state.Presence != wire.Online || !d.up {
		d.hears = false
		return nil
	}
	return d.send(ctx, courier.Up{})
}

// lifetime is how long no machine runs: who says more says nothing of its clock.
const lifetime = 100 * 365 * 24 * time.Hour

// timed takes in how the station's clock stands, from its answer to our last Hello.
// The one of another hub, or to an earlier one, tells nothing of how long it took.
func (d *desk) timed(ctx context.Context, ack wire.Ack) error {
	if ack.Boot == uuid.Nil || ack.Uptime == 0 || ack.Uptime != uint64(d.greeted.Milliseconds()) || ack.Now > uint64(lifetime.Milliseconds()) {
		return nil
	}
	took := d.clock() - d.greeted
	d.greeted = 0 // a second answer would only seem slow
	return d.Store.Timed(ctx, store.Trip{
		Station: d.station.Station, Boot: ack.Boot, Uptime: time.Duration(ack.Now) * time.Millisecond, At: d.Now(), Took: took,
	})
}

func (d *desk) report(ctx context.Context, hello wire.Hello) error {
	if hello.Uptime > uint64(lifetime.Milliseconds()) {
		hello.Boot = uuid.Nil
	}
	err := d.Store.Report(ctx, store.Report{
		Station: d.station.Station, Ledger: hello.Stream, Last: hello.Last,
		Boot: hello.Boot, Uptime: time.Duration(hello.Uptime) * time.Millisecond, At: d.Now(),
	})
	if errors.Is(err, store.ErrNoLedger) { // the receiver did not take it, and said why
		return nil
	}
	return err
}

func (d *desk) raise(ctx context.Context, name, detail string) error {
	d.flagged = true
	return d.Store.Raise(ctx, d.station.Station, store.Condition{Name: name, Detail: detail, Since: d.Now()})
}

// settle ends the conditions that hold only while nothing is taken in.
func (d *desk) settle(ctx context.Context) error {
	if !d.flagged {
		return nil
	}
	for _, name := range []string{store.ConditionMissing, store.ConditionNewer, store.ConditionUnreadable} {
		if err := d.Store.Clear(ctx, d.station.Station, name); err != nil {
			return err
		}
	}
	d.flagged = false
	return nil
}

// publish seals a message and sends it down. A link that is down is no fault:
// whatever it would have carried is asked for again.
func (d *desk) publish(message wire.Message) error {
	channel := wire.Channel{Station: d.station.Station, Way: wire.Down}
	payload, err := channel.Seal(d.Library.SigningKey(), message)
	if err != nil {
		return err
	}
	if err := d.link.Publish(wire.Topic(d.station.Station, wire.Down), payload, false); err != nil {
		d.Log.Debug("publish", "station", d.station.Station, "err", err)
	}
	return nil
}
