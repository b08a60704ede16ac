package hub

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/courier"
	"coldstation/sync/hub/store"
	"coldstation/sync/wire"
)

// newStream begins the station's notices anew, with a snapshot.
func (d *desk) newStream(ctx context.Context) error {
	if err := d.Store.NewStream(ctx, d.station.Station, uuid.New()); err != nil {
		return err
	}
	return d.takeUpStream(ctx)
}

// takeUpStream leaves the stream there was for the one that the store has now.
func (d *desk) takeUpStream(ctx context.Context) error {
	d.sender = nil
	if err := d.openStream(ctx); err != nil || !d.up {
		return err
	}
	return d.send(ctx, courier.Up{})
}

// openStream takes up the station's stream where the store has it, if it has one.
func (d *desk) openStream(ctx context.Context) error {
	st, err := d.Store.Stream(ctx, d.station.Station)
	if err != nil {
		return err
	}
	if st.ID == uuid.Nil || d.sender != nil && d.stream.ID == st.ID {
		return nil
	}
	chain, err := d.Store.NoticeChain(ctx, d.station.Station, st.ID, st.Taken)
	if err != nil {
		return err
	}
	d.stream, d.hears = st, false
	sender := courier.NewSender(st.ID, st.First, st.Told, st.Taken, chain, rand.Uint64())
	d.sender = &sender
	return nil
}

// moreNotices takes up notices that came into the store since.
func (d *desk) moreNotices(ctx context.Context) error {
	return errors.Join(d.catchUp(ctx), d.tellCards(ctx))
}

// catchUp sends what the station's stream holds by now.
func (d *desk) catchUp(ctx context.Context) error {
	before := d.stream.ID
	if err := d.openStream(ctx); err != nil || d.sender == nil {
		return err
	}
	if d.stream.ID != before && d.up {
		return d.send(ctx, courier.Up{})
	}
	return d.draw(ctx)
}

// draw numbers notices that wait, while the station is there to take them and has
// taken most of those that have a number: until then a later one about the same takes
// their place.
func (d *desk) draw(ctx context.Context) error {
	if d.sender == nil || !d.hears || d.sender.Backlog() >= wire.MaxEvents {
		return nil
	}
	st, err := d.Store.Draw(ctx, d.station.Station, d.stream, wire.MaxEvents, d.Now())
	if errors.Is(err, store.ErrNoStream) { // another hub began it anew
		return d.takeUpStream(ctx)
	}
	if err != nil || st.ID != d.stream.ID || st.Told == d.stream.Told {
		return err
	}
	d.stream = st
	return d.send(ctx, courier.Appended{First: st.First, Last: st.Told})
}

// acked hears how far the station is. Whoever answers for the present stream is there.
func (d *desk) acked(ctx context.Context, ack wire.Ack) error {
	own, err := d.Store.NoticeChain(ctx, d.station.Station, ack.Stream, ack.Cursor)
	if err != nil {
		return err
	}
	err = errors.Join(d.timed(ctx, ack), d.send(ctx, courier.Acked{Ack: ack, Own: own}), d.refuses(ctx, ack))
	if d.sender != nil && ack.Stream == d.stream.ID && courier.Condition(ack.Condition) == courier.Sound {
		d.hears = true
	}
	return errors.Join(err, d.draw(ctx))
}

// send does nothing for a station that has no stream yet.
func (d *desk) send(ctx context.Context, in courier.SenderInput) error {
	if d.sender == nil {
		return nil
	}
	return courier.Send(ctx, d.sender, d.clock, down{d}, in)
}

// down is the station's stream of notices, as the courier's source.
type down struct{ *desk }

var _ courier.Source = down{}

func (n down) Greet(_ context.Context, hello wire.Hello) error {
	n.greeted = n.clock().Truncate(time.Millisecond)
	hello.Boot, hello.Uptime, hello.Wall, hello.Program = n.boot, uint64(n.greeted.Milliseconds()), n.Now().UnixMilli(), n.Version
	return n.publish(hello)
}

func (n down) Read(ctx context.Context, from uint64) (last uint64, err error) {
	raw, err := n.Store.Notices(ctx, n.station.Station, n.stream.ID, from, wire.MaxEvents)
	if err != nil {
		return 0, err
	}
	size, fit := 0, 0
	for fit < len(raw) && (fit == 0 || size+len(raw[fit]) <= wire.MaxBytes) {
		size += len(raw[fit])
		fit++
	}
	if fit == 0 {
		return 0, store.ErrNoStream
	}
	last = from + uint64(fit) - 1
	chain, err := n.Store.NoticeChain(ctx, n.station.Station, n.stream.ID, last)
	if err != nil {
		return 0, err
	}
	return last, n.publish(wire.Batch{Stream: n.stream.ID, First: from, Events: raw[:fit], Chain: chain})
}

func (n down) Mark(ctx context.Context, m courier.Mark) error {
	return n.Store.NoticesTaken(ctx, n.station.Station, n.stream.ID, m.To, m.Back)
}

// Stand begins the stream anew when the two of us remember different ones, as
// after a restore on either side. The snapshot says everything again, but not all
// day long to a station that will not have it.
func (n down) Stand(ctx context.Context, s courier.Standing) error {
	n.Log.Info("notices", "station", n.station.Station, "condition", s.Condition, "taken", s.Cursor, "told", s.Last)
	now := n.clock()
	if !s.Condition.Held() || n.renewed != 0 && now-n.renewed <= time.Minute {
		return nil
	}
	n.renewed = now
	return n.newStream(ctx)
}
