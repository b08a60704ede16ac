package learn

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/koha"
	"coldstation/sync/hub/store"
)

// home is what is kept of an item beside its barcode: the station where it belongs and
// the number of its title.
type home struct {
	station circ.StationID
	title   int64
}

func (h home) note() string { return string(h.station) + " " + strconv.FormatInt(h.title, 10) }

func homeOf(item store.Learned) home {
	station, title, _ := strings.Cut(item.Note, " ")
	n, _ := strconv.ParseInt(title, 10, 64) // 0, which no title is: as it was kept earlier
	return home{circ.StationID(station), n}
}

// holds recalls what somebody waits for elsewhere, and has stations told of what is on
// its way to them.
func (p *pass) holds(ctx context.Context) error {
	if !p.Whole && (p.set.Holds == 0 || time.Since(p.Held) < p.set.Holds) {
		return nil
	}
	began := time.Now()
	l, err := p.lending(ctx)
	if err != nil {
		return err
	}
	wanted := make(map[circ.ItemID]store.Recall)
	coming := make(map[circ.StationID][]circ.ItemID)
	if p.set.Holds > 0 {
		all, told, err := p.queue(ctx)
		if err != nil || !told {
			return err
		}
		names, err := p.names(ctx)
		if err != nil {
			return err
		}
		if wanted, err = l.wanted(ctx, all, names, coming); err != nil {
			return err
		}
	}
	for _, station := range p.set.Stations {
		err := p.set.Store.Expect(ctx, station, coming[station])
		if err != nil && !errors.Is(err, store.ErrNoStation) {
			return err
		}
	}
	if err := p.recall(ctx, wanted); err != nil {
		return err
	}
	p.Held = began
	return nil
}

// queue is all who wait, those first who come first; false when Koha does not tell.
func (p *pass) queue(ctx context.Context) (all []koha.Hold, told bool, err error) {
	for h, err := range p.set.API.Holds(ctx, koha.HoldsOf{}) {
		switch {
		case errors.Is(err, koha.ErrRecord):
			p.told.Odd++
		case errors.Is(err, koha.ErrForbidden), errors.Is(err, koha.ErrNotFound):
			slog.Warn("the library system does not tell its holds", "err", err)
			return nil, false, nil
		case err != nil:
			return nil, false, err
		case !h.Suspended:
			all = append(all, h)
		}
	}
	slices.SortFunc(all, func(a, b koha.Hold) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Number, b.Number))
	})
	return all, true, nil
}

func (p *pass) names(ctx context.Context) (map[string]string, error) {
	names := make(map[string]string)
	for library, err := range p.set.API.Libraries(ctx) {
		if err != nil && !errors.Is(err, koha.ErrRecord) {
			return nil, err
		}
		names[library.ID] = library.Name
	}
	return names, nil
}

// wanted are the items of stations for which somebody waits and which are not where
// they wait; what is on its way to a station, or waits there, is added to coming. Who
// waits for a title may get any item of it, as whichever comes back first.
func (l lending) wanted(ctx context.Context, all []koha.Hold, names map[string]string, coming map[circ.StationID][]circ.ItemID) (map[circ.ItemID]store.Recall, error) {
	of := make(map[int64][]store.Learned)
	for _, item := range l.items {
		if h := homeOf(item); h.station != "" {
			of[h.title] = append(of[h.title], item)
		}
	}
	wanted := make(map[circ.ItemID]store.Recall)
	for _, h := range all {
		at, found := l.set.Stations[h.Library], h.Status == koha.HoldWaiting || h.Status == koha.HoldInTransit
		items := of[h.Biblio]
		if h.Item != 0 {
			item, err := l.thing(ctx, h.Item)
			if err != nil {
				return nil, err
			}
			items = []store.Learned{item}
		}
		for _, item := range items {
			id := circ.ItemID(item.ID)
			_, known := wanted[id]
			switch {
			case id == "" || known:
			case at != "" && found:
				coming[at] = append(coming[at], id)
			case h.Status == koha.HoldWaiting || homeOf(item).station == "":
			default:
				wanted[id] = store.Recall{Item: circ.Item{ID: id}, List: "hold " + h.Library, For: cmp.Or(names[h.Library], h.Library), At: time.Now(), By: l.set.Name}
			}
		}
	}
	return wanted, nil
}

// recall asks for what is wanted and no longer for what is not. What somebody else asks
// for is theirs.
func (p *pass) recall(ctx context.Context, wanted map[circ.ItemID]store.Recall) error {
	open, err := p.set.Store.RecallsNow(ctx)
	if err != nil {
		return err
	}
	for _, r := range open {
		w, still := wanted[r.ID]
		if still && (r.By != p.set.Name || r.List == w.List && r.For == w.For) {
			delete(wanted, r.ID)
		} else if !still && r.By == p.set.Name {
			if err := p.set.Store.EndRecall(ctx, r.ID, time.Now()); err != nil {
				return err
			}
			p.told.Holds++
		}
	}
	p.told.Holds += len(wanted)
	return p.set.Store.Recall(ctx, slices.Collect(maps.Values(wanted))...)
}
