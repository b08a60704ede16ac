package hub

import (
	"context"
	"errors"
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
	d.sender = nil
	if err := d.openStream(ctx); err != nil || !d.up {
		return err
	}
	return d.send(ctx, courier.Up{})
}

// openStream takes up the station's stream where the store has it, if it has one.
func (d *desk) openStream(ctx context.Context) error {
	st, err := d.Store.Station(ctx, d.station.Station)
	if err != nil {
		return err
	}
	if st.Stream == uuid.Nil || d.sender != nil && d.stream.ID == st.Stream {
		return nil
	}
	chain, err := d.Store.NoticeChain(ctx, d.station.Station, st.Stream, st.Taken)
	if err != nil {
		return err
	}
	d.stream = store.Stream{ID: st.Stream, Told: st.Told, Taken: st.Taken}
	sender := courier.NewSender(st.Stream, 1, st.Told, st.Taken, chain, d.seed())
	d.sender = &sender
	return nil
}

// told takes up notices that came into the store since.
func (d *desk) told(ctx context.Context) error {
	before := d.stream.ID
	if err := d.openStream(ctx); err != nil || d.sender == nil {
		return err
	}
	if d.stream.ID != before && d.up {
		return d.send(ctx, courier.Up{})
	}
	st, err := d.Store.Station(ctx, d.station.Station)
	if err != nil || st.Told == d.stream.Told {
		return err
	}
	d.stream.Told = st.Told
	return d.send(ctx, courier.Appended{First: 1, Last: st.Told})
}

// send steps the sender and carries out what it asks for.
func (d *desk) send(ctx context.Context, in courier.SenderInput) error {
	if d.sender == nil {
		return nil
	}
	inputs := []courier.SenderInput{in}
	var faults []error
	for len(inputs) > 0 {
		next, effects := d.sender.Step(d.clock(), inputs[0])
		*d.sender, inputs = next, inputs[1:]
		for _, effect := range effects {
			var err error
			switch effect := effect.(type) {
			case courier.Greet:
				err = d.greet(effect.Hello)
			case courier.Read:
				var sent courier.Sent
				if sent, err = d.batch(ctx, effect.From); err == nil {
					inputs = append(inputs, sent)
				}
			case courier.Mark:
				err = d.Store.NoticesTaken(ctx, d.station.Station, d.stream.ID, effect.To)
			case courier.Standing:
				d.Log.Info("notices", "station", d.station.Station, "condition", effect.Condition, "taken", effect.Cursor, "told", effect.Last)
				// The two of us remember different streams, as after a restore on
				// either side. The snapshot says everything again, but not all
				// day long to a station that will not have it.
				if now := d.clock(); effect.Condition.Held() && (d.renewed == 0 || now-d.renewed > time.Minute) {
					d.renewed = now
					return errors.Join(append(faults, d.newStream(ctx))...)
				}
			}
			if err != nil {
				faults = append(faults, err)
			}
		}
	}
	return errors.Join(faults...)
}

func (d *desk) greet(hello wire.Hello) error {
	now := d.Now()
	hello.Boot, hello.Uptime, hello.Wall, hello.Program = d.boot, uint64(d.clock().Milliseconds()), now.UnixMilli(), d.Version
	return d.publish(hello)
}

// batch sends the notices from seq on, as many as one batch may carry.
func (d *desk) batch(ctx context.Context, from uint64) (courier.Sent, error) {
	raw, err := d.Store.Notices(ctx, d.station.Station, d.stream.ID, from, wire.MaxEvents)
	if err != nil {
		return courier.Sent{}, err
	}
	size, n := 0, 0
	for n < len(raw) && (n == 0 || size+len(raw[n]) <= wire.MaxBytes) {
		size += len(raw[n])
		n++
	}
	if n == 0 {
		return courier.Sent{}, store.ErrNoStream
	}
	last := from + uint64(n) - 1
	chain, err := d.Store.NoticeChain(ctx, d.station.Station, d.stream.ID, last)
	if err != nil {
		return courier.Sent{}, err
	}
	return courier.Sent{First: from, Last: last}, d.publish(wire.Batch{Stream: d.stream.ID, First: from, Events: raw[:n], Chain: chain})
}
