package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/wire"
)

// Subscriptions are the programs that are told of events, each ledger's in its order.
type Subscriptions interface {
	// Subscribe begins one with what is taken in from now on. Subscriptions are all,
	// the oldest first.
	Subscribe(ctx context.Context, n Subscription) error
	Subscriptions(ctx context.Context) ([]Subscription, error)
	// Unsubscribe ends one; ErrNoSubscription.
	Unsubscribe(ctx context.Context, id string) error
	// Outgoing are, for each ledger of which a subscription lacks something, the next
	// events, at most limit of each. Of what it does not ask for only the mark is told.
	Outgoing(ctx context.Context, n Subscription, limit int) ([]Outgoing, error)
	// Forwarded moves the mark of a ledger; never back.
	Forwarded(ctx context.Context, subscription string, o Outgoing) error
	// SubscriptionFails notes since when one cannot be told, and why; a zero time that
	// it can.
	SubscriptionFails(ctx context.Context, id string, since time.Time, why string) error
}

// ErrNoSubscription is that of a subscription nobody knows.
var ErrNoSubscription = errors.New("store: no such subscription")

// Subscription is a program that is told of events.
type Subscription struct {
	ID       string
	Hook     string // where, by its name
	Kinds    []string
	Stations []circ.StationID
	Made     time.Time
	Failing  time.Time // since; zero: it is not
	Why      string
}

// Outgoing are events of one ledger for a subscription.
type Outgoing struct {
	Station circ.StationID
	Ledger  uuid.UUID
	Mark    uint64 // that the subscription has then
	Events  []OutgoingEvent
}

// OutgoingEvent is one of them.
type OutgoingEvent struct {
	Event
	Undoes uint64 // the event that this one takes back
}

func (s *base) Subscribe(ctx context.Context, n Subscription) error {
	return s.change(ctx, "subscribe", func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO subscriptions (id, hook, kinds, stations, made) VALUES (?, ?, ?, ?, ?)`,
			n.ID, n.Hook, array(n.Kinds), array(n.Stations), millis(n.Made)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO subscription_marks (subscription, station, ledger, seq) SELECT ?, station, ledger, cursor FROM ledgers`, n.ID)
		return err
	})
}

func (s *base) Subscriptions(ctx context.Context) ([]Subscription, error) {
	return collect(ctx, s.read, func(scan func(...any) error) (n Subscription, err error) {
		var kinds, stations string
		var made, failing int64
		err = scan(&n.ID, &n.Hook, &kinds, &stations, &made, &failing, &n.Why)
		n.Kinds, n.Stations, n.Made, n.Failing = fromArray[string](kinds), fromArray[circ.StationID](stations), fromMillis(made), fromMillis(failing)
		return n, err
	}, `SELECT id, hook, kinds, stations, made, failing, why FROM subscriptions ORDER BY made, id`)
}

func (s *base) Unsubscribe(ctx context.Context, id string) error {
	return s.change(ctx, "unsubscribe", func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM subscription_marks WHERE subscription = ?`, id); err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, `DELETE FROM subscriptions WHERE id = ?`, id)
		return known(result, err, ErrNoSubscription)
	})
}

func (s *base) Outgoing(ctx context.Context, n Subscription, limit int) ([]Outgoing, error) {
	stations := array(n.Stations)
	all, err := collect(ctx, s.read, func(scan func(...any) error) (o Outgoing, err error) {
		var ledger string
		err = scan(&o.Station, &ledger, &o.Mark)
		o.Ledger = fromID(ledger)
		return o, err
	}, `SELECT l.station, l.ledger, COALESCE(m.seq, 0) FROM ledgers l LEFT JOIN subscription_marks m ON m.subscription = ? AND m.station = l.station AND m.ledger = l.ledger
		WHERE l.cursor > COALESCE(m.seq, 0) AND (? = '[]' OR l.station IN (SELECT value FROM json_each(?))) ORDER BY l.station, l.opened, l.ledger`, n.ID, stations, stations)
	for i := range all {
		if err == nil {
			err = s.next(ctx, n, &all[i], limit)
		}
	}
	return all, err
}

// next reads what follows the mark of a ledger, and moves the mark.
func (s *base) next(ctx context.Context, n Subscription, o *Outgoing, limit int) error {
	events, err := collect(ctx, s.read, func(scan func(...any) error) (e OutgoingEvent, err error) {
		var at, received int64
		var raw []byte
		err = scan(&e.Seq, &e.Kind, &at, &received, &e.Clock, &e.Item, &e.Title, &e.Note, &e.Undone, &raw)
		e.Ledger, e.At, e.Received = o.Ledger, fromMillis(at), fromMillis(received)
		if e.Kind == "Undone" {
			if event, err := wire.ParseEvent(raw, nil); err == nil {
				if undone, is := event.Body.(circ.Undone); is {
					e.Undoes = undone.Seq
				}
			}
		}
		return e, err
	}, `SELECT e.seq, e.kind, e.at, e.received, e.clock, e.item, COALESCE(i.title, ''), e.note, e.undone, CASE WHEN e.kind = 'Undone' THEN e.raw ELSE x'' END
		FROM events e LEFT JOIN items i ON i.id = e.item WHERE e.station = ? AND e.ledger = ? AND e.seq > ? ORDER BY e.seq LIMIT ?`, o.Station, id(o.Ledger), o.Mark, limit)
	for _, e := range events {
		o.Mark = e.Seq
		if len(n.Kinds) == 0 || named(n.Kinds, e.Kind) {
			o.Events = append(o.Events, e)
		}
	}
	return err
}

func (s *base) Forwarded(ctx context.Context, subscription string, o Outgoing) error {
	_, err := s.write.ExecContext(ctx, `INSERT INTO subscription_marks (subscription, station, ledger, seq) SELECT id, ?, ?, ? FROM subscriptions WHERE id = ?
		ON CONFLICT (subscription, station, ledger) DO UPDATE SET seq = excluded.seq WHERE subscription_marks.seq < excluded.seq`,
		o.Station, id(o.Ledger), o.Mark, subscription)
	return err
}

func (s *base) SubscriptionFails(ctx context.Context, id string, since time.Time, why string) error {
	_, err := s.write.ExecContext(ctx, `UPDATE subscriptions SET failing = ?, why = ? WHERE id = ?`, millis(since), why, id)
	return err
}
