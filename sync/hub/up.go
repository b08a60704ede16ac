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

// up is the station's ledger here, as the courier's sink.
type up struct{ *desk }

var _ courier.Sink = up{}

func (d *desk) receive(ctx context.Context, in courier.ReceiverInput) error {
	return courier.Receive(ctx, &d.receiver, up{d}, in)
}

// Find opens the station's ledger. A new one means a new disk, and that all is to
// be told again. A disk is seldom changed, and a snapshot costs much: who goes on
// naming other ledgers is made to wait.
func (u up) Find(ctx context.Context, stream uuid.UUID) (courier.Found, error) {
	if stream != u.ledger {
		if !u.swaps.take(u.clock()) {
			return courier.Found{}, fmt.Errorf("ledger %s: the station changes its ledger too often", stream)
		}
		u.ledger = stream
	}
	l, err := u.Store.Find(ctx, u.station.Station, stream, u.Now())
	if err == nil && l.New {
		err = u.takeUpStream(ctx)
	}
	found := courier.Found{Stream: stream, Cursor: l.Cursor, Chain: l.Chain}
	if l.State == store.LedgerQuarantined {
		found.Condition = courier.Forked
	}
	return found, err
}

// Commit takes a run of events in.
func (u up) Commit(ctx context.Context, c courier.Commit) (courier.Committed, error) {
	l, err := u.Store.Find(ctx, u.station.Station, c.Stream, u.Now())
	if err != nil || l.Cursor != c.From { // another hub was here
		return committed(l), err
	}
	batch := store.Batch{Station: u.station.Station, Ledger: c.Stream, First: c.From + 1, Chain: l.Chain, At: u.Now()}
	var held error
	for i, raw := range c.Events {
		event, err := wire.ParseEvent(raw, u.opener)
		if err != nil {
			held = fmt.Errorf("event %d: %w", batch.First+uint64(i), err)
			break
		}
		event.Seq = batch.First + uint64(i)
		batch.Events = append(batch.Events, store.Taken{Event: event, Raw: raw})
		batch.Chain = batch.Chain.Next(raw)
	}
	if len(batch.Events) > 0 {
		l, err = u.Store.TakeIn(ctx, batch)
		var gap *store.Gap
		if errors.As(err, &gap) { // another hub was quicker
			l, err = u.Store.Find(ctx, u.station.Station, c.Stream, u.Now())
		}
		if err != nil {
			return committed(l), err
		}
	}
	switch {
	case held == nil:
		return committed(l), u.settle(ctx)
	case errors.Is(held, wire.ErrNewer):
		return committed(l), held
	}
	return committed(l), errors.Join(held, u.raise(ctx, store.ConditionUnreadable, ""))
}

func committed(l store.Ledger) courier.Committed {
	return courier.Committed{Stream: l.ID, Cursor: l.Cursor, Chain: l.Chain}
}

func (u up) Answer(_ context.Context, ack wire.Ack) error {
	ack.Wall = u.Now().UnixMilli()
	return u.publish(ack)
}

// Stand makes a stream's condition one that a person sees.
func (u up) Stand(ctx context.Context, s courier.Standing) error {
	u.Log.Info("ledger", "station", u.station.Station, "ledger", s.Stream, "condition", s.Condition, "cursor", s.Cursor, "last", s.Last)
	switch s.Condition {
	case courier.Ahead, courier.Forked:
		return u.Store.Quarantine(ctx, u.station.Station, s.Stream, u.Now())
	case courier.Missing:
		return u.raise(ctx, store.ConditionMissing, "")
	case courier.Newer:
		return u.raise(ctx, store.ConditionNewer, "")
	case courier.Sound:
		return u.settle(ctx)
	}
	return nil
}
