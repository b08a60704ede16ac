package station

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"coldstation/sync/courier"
	"coldstation/sync/ledger"
	"coldstation/sync/wire"
)

// down is the log as the courier's sink.
type down struct{ *Station }

var _ courier.Sink = down{}

func (d down) Find(_ context.Context, stream uuid.UUID) (courier.Found, error) {
	cursor, chain, err := d.Log.Notices(stream)
	if errors.Is(err, ledger.ErrOver) {
		return courier.Found{Stream: stream, Condition: courier.Foreign}, nil
	}
	return courier.Found{Stream: stream, Cursor: cursor, Chain: chain}, err
}

func (d down) Commit(_ context.Context, c courier.Commit) (courier.Committed, error) {
	cursor, chain, err := d.Log.TakeNotices(d.Moment(), c.Stream, c.From+1, c.Events, c.Chain)
	if cursor > c.From {
		d.Appended() // whose loan is told of may have been introduced to the log
		d.Told()
		d.lookSoon(soonWanted)
	}
	return courier.Committed{Stream: c.Stream, Cursor: cursor, Chain: chain}, err
}

func (d down) Answer(_ context.Context, ack wire.Ack) error {
	at := d.Moment()
	ack.Wall = at.Wall.UnixMilli()
	if ack.Uptime != 0 { // the hub measures our clock by it
		ack.Boot, ack.Now = d.Boot, uint64(at.Uptime.Milliseconds())
	}
	return d.publish(ack)
}

func (d down) Stand(_ context.Context, s courier.Standing) error {
	d.Logger.Warn("notices down", "condition", s.Condition, "cursor", s.Cursor)
	return nil
}
