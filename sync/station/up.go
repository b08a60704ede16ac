package station

import (
	"context"

	"coldstation/sync/courier"
	"coldstation/sync/ledger"
	"coldstation/sync/wire"
)

// up is the log as the courier's source.
type up struct{ *Station }

var _ courier.Source = up{}

func (u up) Greet(_ context.Context, hello wire.Hello) error {
	at := u.Moment()
	hello.Boot, hello.Session, hello.Program, hello.Knows = u.Boot, u.Session, u.Program, wire.LastNotice
	if u.Blobs == nil { // and no use for what names one
		hello.Knows = wire.KnowsCardFilter - 1
	}
	hello.Uptime, hello.Wall, hello.Clock = uint64(at.Uptime.Milliseconds()), at.Wall.UnixMilli(), uint8(at.Clock)
	return u.publish(hello)
}

func (u up) Read(_ context.Context, from uint64) (last uint64, err error) {
	raw, chain, err := u.Log.Read(from, wire.MaxEvents, wire.MaxBytes)
	if err == nil && len(raw) == 0 {
		err = ledger.ErrGone
	}
	if err != nil {
		return 0, err
	}
	return from + uint64(len(raw)) - 1, u.publish(wire.Batch{Stream: u.Log.ID(), First: from, Events: raw, Chain: chain})
}

// Mark moves the hub's mark: forward as a rule, back when the hub itself went
// back to a backup and asks again.
func (u up) Mark(_ context.Context, m courier.Mark) error {
	if m.Back {
		return u.Log.TurnBack(ledger.Hub, m.To)
	}
	return u.Log.SetMark(ledger.Hub, m.To)
}

func (u up) Stand(_ context.Context, s courier.Standing) error {
	u.Logger.Warn("events up", "condition", s.Condition, "cursor", s.Cursor, "last", s.Last)
	return nil
}
