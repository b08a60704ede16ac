package hub

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"coldstation/sync/courier"
	"coldstation/sync/hub/store"
	"coldstation/sync/wire"
)

// receive steps the receiver and carries out what it asks for.
func (d *desk) receive(ctx context.Context, in courier.ReceiverInput) error {
	inputs := []courier.ReceiverInput{in}
	var faults []error
	for len(inputs) > 0 {
		var effects []courier.ReceiverEffect
		d.receiver, effects = d.receiver.Step(inputs[0])
		inputs = inputs[1:]
		for _, effect := range effects {
			var answers []courier.ReceiverInput
			var err error
			switch effect := effect.(type) {
			case courier.Find:
				answers, err = d.find(ctx, effect.Stream)
			case courier.Commit:
				answers, err = d.commit(ctx, effect)
			case courier.Answer:
				err = d.answer(effect.Ack)
			case courier.Standing:
				err = d.stand(ctx, effect)
			}
			if err != nil {
				faults = append(faults, err)
			}
			inputs = append(inputs, answers...)
		}
	}
	return errors.Join(faults...)
}

// find opens the station's ledger. A new one means a new disk: whatever the
// station was told is gone with the old one.
func (d *desk) find(ctx context.Context, stream uuid.UUID) ([]courier.ReceiverInput, error) {
	failed := []courier.ReceiverInput{courier.Failed{}}
	l, err := d.Store.Find(ctx, d.station.Station, stream, d.Now())
	if err != nil {
		return failed, err
	}
	if l.New {
		if err := d.newStream(ctx); err != nil {
			return failed, err
		}
	}
	found := courier.Found{Stream: stream, Cursor: l.Cursor, Chain: l.Chain}
	if l.State == store.LedgerQuarantined {
		found.Condition = courier.Forked
	}
	return []courier.ReceiverInput{found}, nil
}

// commit takes a run of events in. Of a run with an event that this version
// cannot read, what comes before it is taken in and the rest is held.
func (d *desk) commit(ctx context.Context, c courier.Commit) ([]courier.ReceiverInput, error) {
	failed := []courier.ReceiverInput{courier.Failed{}}
	before, err := d.Store.Find(ctx, d.station.Station, c.Stream, d.Now())
	if err != nil {
		return failed, err
	}
	if before.Cursor != c.From { // another hub was here
		return []courier.ReceiverInput{courier.Committed{Stream: c.Stream, Cursor: before.Cursor, Chain: before.Chain}}, nil
	}
	batch := store.Batch{Station: d.station.Station, Ledger: c.Stream, First: c.From + 1, Chain: before.Chain, At: d.Now()}
	var held error
	for i, raw := range c.Events {
		event, err := wire.ParseEvent(raw, d.opener)
		if err != nil {
			held = fmt.Errorf("event %d: %w", batch.First+uint64(i), err)
			break
		}
		event.Seq = batch.First + uint64(i)
		batch.Events = append(batch.Events, store.Taken{Event: event, Raw: raw})
		batch.Chain = batch.Chain.Next(raw)
	}
	var answers []courier.ReceiverInput
	if len(batch.Events) > 0 {
		l, err := d.Store.TakeIn(ctx, batch)
		var gap *store.Gap
		if errors.As(err, &gap) { // another hub was quicker
			l, err = d.Store.Find(ctx, d.station.Station, c.Stream, d.Now())
		}
		if err != nil {
			return failed, err
		}
		answers = append(answers, courier.Committed{Stream: c.Stream, Cursor: l.Cursor, Chain: l.Chain})
	}
	if held == nil {
		return answers, d.settle(ctx)
	}
	answers = append(answers, courier.TooNew{Stream: c.Stream})
	if errors.Is(held, wire.ErrNewer) {
		return answers, nil
	}
	d.Log.Error("an event that no version wrote", "station", d.station.Station, "err", held)
	return answers, d.raise(ctx, store.ConditionUnreadable, "")
}

// answer sends an Ack, with what the station needs to set its clock by when it
// answers a Hello.
func (d *desk) answer(ack wire.Ack) error {
	ack.Wall = d.Now().UnixMilli()
	if d.hello.Stream == ack.Stream {
		ack.Uptime = d.hello.Uptime
	}
	d.hello = wire.Hello{}
	return d.publish(ack)
}

// stand makes a stream's condition one that a person sees.
func (d *desk) stand(ctx context.Context, s courier.Standing) error {
	d.Log.Info("ledger", "station", d.station.Station, "ledger", s.Stream, "condition", s.Condition, "cursor", s.Cursor, "last", s.Last)
	switch s.Condition {
	case courier.Ahead, courier.Forked:
		return d.Store.Quarantine(ctx, d.station.Station, s.Stream, d.Now())
	case courier.Missing:
		return d.raise(ctx, store.ConditionMissing, "")
	case courier.Newer:
		return d.raise(ctx, store.ConditionNewer, "")
	case courier.Sound:
		return d.settle(ctx)
	}
	return nil
}
