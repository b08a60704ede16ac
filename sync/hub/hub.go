// Package hub is the library's side of every station: it takes in their events
// over a link, keeps them in a store, acknowledges what it keeps, and tells them
// what they must know.
//
// One loop reads the link and hands each message to the desk of its station.
// A desk is a goroutine around two step functions, a courier.Receiver for events
// up and a courier.Sender for notices down, so that one station's trouble is no
// other's. Everything lasting is in the store: a hub that is started again, or a
// second one beside it, goes on where the store stands.
package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/identity"
	"coldstation/sync/link"
	"coldstation/sync/wire"
)

// Settings of a hub. Store, Library and Dial are required.
type Settings struct {
	Store   store.Store
	Library identity.Library
	// Dial opens the link with the options the hub needs; it adds the broker and
	// who we are there.
	Dial    func(link.Options) (link.Link, error)
	Version string
	// Expel is called for a station that was revoked or given new keys, so that
	// the broker ends what it has open under the old ones; nil for nobody.
	Expel func(circ.StationID)
	Now   func() time.Time // nil for time.Now
	Log   *slog.Logger     // nil for slog.Default
	// Look is how often the store is asked for notices that another program put
	// there; 0 for 3 s.
	Look time.Duration
	// Reach is how far telling goes; zero for as it was.
	Reach store.Reach
	// Cards is how often at most the filter of valid cards is built anew; 0 for 15 min.
	Cards time.Duration
}

// Hub is a library's side of all stations.
type Hub struct {
	Settings
	link    link.Link
	opener  *wire.Opener
	boot    uuid.UUID
	began   time.Time
	feed    feed
	up      bool // of the loop in Run
	desks   map[circ.StationID]*desk
	known   map[circ.StationID]identity.Enrolled // when last looked
	running sync.WaitGroup
}

// Open makes a hub and opens its link. Close it by ending Run.
func Open(s Settings) (*Hub, error) {
	key, err := s.Library.SealingKey()
	if err != nil {
		return nil, fmt.Errorf("open hub: %w", err)
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Log == nil {
		s.Log = slog.Default()
	}
	if s.Expel == nil {
		s.Expel = func(circ.StationID) {}
	}
	if s.Look == 0 {
		s.Look = 3 * time.Second
	}
	if s.Cards == 0 {
		s.Cards = 15 * time.Minute
	}
	h := &Hub{Settings: s, opener: &wire.Opener{Key: key}, boot: uuid.New(), began: time.Now(), desks: make(map[circ.StationID]*desk), known: make(map[circ.StationID]identity.Enrolled)}
	h.link, err = s.Dial(link.Options{
		// Two hubs of one name would cast each other out for ever.
		ClientID: identity.HubClientID(h.boot.String()[:8]),
		Subscriptions: []link.Subscription{
			{Filter: wire.AnyTopic(-1, wire.Birth), QoS: 1},
			{Filter: wire.AnyTopic(-1, wire.Up), QoS: 1},
		},
		Presence: link.Presence{Topic: wire.HubState, State: h.state},
		Log:      s.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("open hub: %w", err)
	}
	return h, nil
}

// state is the hub's own presence, signed as what comes down is.
func (h *Hub) state(phase link.Phase, session uint64) []byte {
	presence := map[link.Phase]wire.Presence{link.Offline: wire.Offline, link.Online: wire.Online, link.Asleep: wire.Sleeping}[phase]
	payload, err := wire.Channel{Way: wire.Down}.Seal(h.Library.SigningKey(), wire.State{Presence: presence, Boot: h.boot, Session: session})
	if err != nil {
		h.Log.Error("seal the hub's presence", "err", err)
	}
	return payload
}

// Run serves the stations until ctx ends, then says good night.
func (h *Hub) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	look := time.NewTicker(h.Look)
	defer look.Stop()
	defer h.running.Wait()
	defer cancel()
	h.running.Go(func() { h.review(ctx) })
	told := make(map[circ.StationID]store.Stream)
	cards := make(chan struct{})
	h.running.Go(func() { h.keepCards(ctx, cards) })
	for {
		select {
		case <-ctx.Done():
			return h.link.Close()
		case event, open := <-h.link.Events():
			if !open {
				return errors.New("run hub: the link was closed")
			}
			h.hear(ctx, event)
		case <-cards:
			for _, d := range h.desks {
				d.tell(deskNotices{})
			}
		case <-look.C:
			h.look(ctx, told)
			h.lookWho(ctx)
		}
	}
}

func (h *Hub) hear(ctx context.Context, event link.Event) {
	switch event := event.(type) {
	case link.Up:
		h.up = true
		for _, d := range h.desks {
			d.tell(deskUp{})
		}
		h.Log.Info("broker connected")
	case link.Down:
		h.up = false
		for _, d := range h.desks {
			d.tell(deskDown{})
		}
		h.Log.Warn("broker lost", "err", event.Err)
	case link.Message:
		station, way, ok := wire.ParseTopic(event.Topic)
		if !ok {
			h.Log.Warn("a topic that is no station's", "topic", event.Topic)
			return
		}
		if d := h.desk(ctx, station); d != nil {
			d.tell(deskMessage{way, event.Payload, event.Retained})
		}
	}
}

// desk is the station's desk, opened at its first word; nil for a stranger.
func (h *Hub) desk(ctx context.Context, station circ.StationID) *desk {
	if d := h.desks[station]; d != nil {
		return d
	}
	if h.known[station].Revoked { // it may go on for long, by a broker elsewhere
		h.Log.Debug("a revoked station speaks", "station", station)
		return nil
	}
	enrolled, err := h.Store.Enrolled(ctx, station)
	if errors.Is(err, store.ErrNoStation) {
		h.Log.Warn("not an enrolled station", "station", station)
		return nil
	}
	if err != nil {
		h.Log.Error("look up a station", "station", station, "err", err)
		return nil
	}
	if enrolled.Revoked {
		h.Log.Warn("a revoked station speaks", "station", station)
		return nil
	}
	d := newDesk(h, enrolled)
	h.desks[station] = d
	ctx, d.leave = context.WithCancel(ctx)
	h.running.Go(func() { d.run(ctx) })
	if h.up {
		d.tell(deskUp{})
	}
	return d
}

// look finds what another program told a station through the store: an import
// or an enrolment at the command line.
func (h *Hub) look(ctx context.Context, told map[circ.StationID]store.Stream) {
	streams, err := h.Store.Streams(ctx)
	if err != nil {
		if ctx.Err() == nil {
			h.Log.Error("look for notices", "err", err)
		}
		return
	}
	for station, stream := range streams {
		if told[station] == stream {
			continue
		}
		told[station] = stream
		if d := h.desks[station]; d != nil {
			d.tell(deskNotices{})
		}
		h.feed.changed(station)
	}
}

// The store keeps when it was reviewed last, so that hubs that share it, or one that is
// started often, do it once a day.
const (
	reviewed   = "reviewed"
	reviewEach = 24 * time.Hour
)

// review looks once a day at what stations need, until ctx ends.
func (h *Hub) review(ctx context.Context) {
	again := time.NewTicker(time.Hour)
	defer again.Stop()
	changed, err := h.Store.SetReach(ctx, h.Reach)
	if err == nil && changed {
		err = h.Store.SetFact(ctx, reviewed, "")
	}
	for {
		if err == nil {
			err = h.reviewDue(ctx)
		}
		if err != nil && ctx.Err() == nil {
			h.Log.Error("review what stations need", "err", err)
		}
		err = nil
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}

func (h *Hub) reviewDue(ctx context.Context) error {
	text, err := h.Store.Fact(ctx, reviewed)
	if err != nil {
		return err
	}
	last, _ := time.Parse(time.RFC3339, text) // none, or none that we wrote: it is due
	if age := h.Now().Sub(last); age >= 0 && age < reviewEach {
		return nil
	}
	if err := h.Store.Review(ctx, h.Now()); err != nil {
		return err
	}
	return h.Store.SetFact(ctx, reviewed, h.Now().UTC().Format(time.RFC3339))
}

// lookWho finds who was revoked or given new keys since. Their desk is closed,
// to be opened at their next word if they still may speak, and what they have
// open at the broker is ended.
func (h *Hub) lookWho(ctx context.Context) {
	all, err := h.Store.AllEnrolled(ctx)
	if err != nil {
		if ctx.Err() == nil {
			h.Log.Error("look for revoked stations", "err", err)
		}
		return
	}
	for _, now := range all {
		before := h.known[now.Station]
		h.known[now.Station] = now
		fresh := len(before.Signing) == 0 // nothing is open under keys that it did not have
		if now.Revoked == before.Revoked && (fresh || now.Signing.Equal(before.Signing) && bytes.Equal(now.Password, before.Password)) {
			continue
		}
		h.Log.Info("a station's keys changed", "station", now.Station, "revoked", now.Revoked)
		if d := h.desks[now.Station]; d != nil {
			d.leave()
			delete(h.desks, now.Station)
		}
		h.Expel(now.Station)
		h.feed.changed(now.Station)
	}
}

// Import takes in what a library exported; stations are told at once of what
// changed.
func (h *Hub) Import(ctx context.Context, c store.Collection) (store.Imported, error) {
	return h.Store.Import(ctx, c)
}

// Watch is a feed of stations that something changed at, until ctx ends. A
// station that was not read yet is not repeated.
func (h *Hub) Watch(ctx context.Context) <-chan circ.StationID { return h.feed.watch(ctx) }
