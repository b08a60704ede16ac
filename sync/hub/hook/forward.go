package hook

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// Source is where events and subscriptions are: a part of store.Store.
type Source interface {
	Subscriptions(ctx context.Context) ([]store.Subscription, error)
	Outgoing(ctx context.Context, n store.Subscription, limit int) ([]store.Outgoing, error)
	Forwarded(ctx context.Context, subscription string, o store.Outgoing) error
	SubscriptionFails(ctx context.Context, id string, since time.Time, why string) error
}

// Forwarder tells subscribers of events: those of a ledger in their order, each at
// least once, and of nobody whose they were.
//
//	{"type": "events", "station": "maple-house", "ledger": "…", "events": [
//	  {"id": "…", "seq": 7, "kind": "CheckedOut", "at": "…", "item": "…", "title": "…"}]}
//
// An event's id is the same at every try and in every subscription.
type Forwarder struct {
	Source Source
	Hooks  []Hook
	Now    func() time.Time
	Log    *slog.Logger

	waits map[string]wait
}

type wait struct {
	tries int
	until time.Time
}

type told struct {
	Type    string         `json:"type"`
	Station circ.StationID `json:"station"`
	Ledger  string         `json:"ledger"`
	Events  []toldEvent    `json:"events"`
}

type toldEvent struct {
	ID     string      `json:"id"`
	Seq    uint64      `json:"seq"`
	Kind   string      `json:"kind"`
	At     time.Time   `json:"at"`
	Item   circ.ItemID `json:"item,omitempty"`
	Title  string      `json:"title,omitempty"`
	Note   string      `json:"note,omitempty"`
	Undoes string      `json:"undoes,omitempty"` // the id of the event that this one takes back
}

const (
	look  = 2 * time.Second
	batch = 100
)

// Run forwards until ctx ends.
func (f *Forwarder) Run(ctx context.Context) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		more, err := f.Once(ctx)
		if err != nil && ctx.Err() == nil {
			f.Log.Warn("forward events", "err", err)
		}
		if more && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Once sends at most one batch of each ledger to each subscriber who is not waited
// for; more tells that something was sent, so that there may be more.
func (f *Forwarder) Once(ctx context.Context) (more bool, err error) {
	all, err := f.Source.Subscriptions(ctx)
	if f.waits == nil {
		f.waits = make(map[string]wait)
	}
	for _, n := range all {
		if err != nil || f.Now().Before(f.waits[n.ID].until) {
			continue
		}
		var some []store.Outgoing
		if some, err = f.Source.Outgoing(ctx, n, batch); err != nil {
			break
		}
		failed := false
		for _, o := range some {
			if why := f.send(ctx, n, o); why != nil {
				failed = true
				err = f.failed(ctx, n, why)
				break
			}
			more = true
			if err = f.Source.Forwarded(ctx, n.ID, o); err != nil {
				break
			}
		}
		if err == nil && !failed && !n.Failing.IsZero() {
			delete(f.waits, n.ID)
			err = f.Source.SubscriptionFails(ctx, n.ID, time.Time{}, "")
		}
	}
	return more, err
}

// failed has a subscriber wait.
func (f *Forwarder) failed(ctx context.Context, n store.Subscription, why error) error {
	w := f.waits[n.ID]
	f.waits[n.ID] = wait{w.tries + 1, f.Now().Add(Wait(w.tries))}
	since := n.Failing
	if since.IsZero() {
		since = f.Now()
	}
	return f.Source.SubscriptionFails(ctx, n.ID, since, why.Error())
}

func (f *Forwarder) send(ctx context.Context, n store.Subscription, o store.Outgoing) error {
	if len(o.Events) == 0 {
		return nil
	}
	h, err := Named(f.Hooks, n.Hook)
	if err != nil {
		return err
	}
	body := told{"events", o.Station, o.Ledger.String(), nil}
	for _, e := range o.Events {
		one := toldEvent{circ.EventID(o.Ledger, e.Seq).String(), e.Seq, e.Kind, e.At.UTC(), e.Item, e.Title, e.Note, ""}
		if e.Undoes > 0 {
			one.Undoes = circ.EventID(o.Ledger, e.Undoes).String()
		}
		body.Events = append(body.Events, one)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	// The first event and how many there are: the same batch has the same id.
	return h.Send(ctx, n.ID+"."+body.Events[0].ID+"."+body.Events[len(body.Events)-1].ID, text, f.Now())
}
