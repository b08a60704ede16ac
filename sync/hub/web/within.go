package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// source is what the visitor may see of the hub, and do.
func (s *site) source(r *http.Request) Source {
	return within{s.Source, asking(r)}
}

// within is a Source that keeps to the stations of a visitor. It spells out every
// ability, so that a new one is not shown to everybody by oversight.
type within struct {
	of Source
	*visitor
}

func (w within) sees(station circ.StationID) bool { return w.may(store.Viewer, station) }

// limited reports whether there is anything that the visitor may not see.
func (w within) limited() bool { return !w.may(store.Viewer, "") }

func keep[T any](all []T, sees func(T) bool) []T {
	return slices.DeleteFunc(all, func(one T) bool { return !sees(one) })
}

func (w within) Stations(ctx context.Context) ([]store.Station, error) {
	all, err := w.of.Stations(ctx)
	return keep(all, func(s store.Station) bool { return w.sees(s.ID) }), err
}

func (w within) Station(ctx context.Context, id circ.StationID) (store.Station, error) {
	if !w.sees(id) {
		return store.Station{}, store.ErrNoStation
	}
	return w.of.Station(ctx, id)
}

func (w within) Loans(ctx context.Context, id circ.StationID) ([]store.Loan, error) {
	all, err := w.of.Loans(ctx, id)
	return keep(all, func(l store.Loan) bool { return w.sees(l.Station) }), err
}

// Stock is the whole library's: the collection is no secret, where a copy is may be.
// Who asks where is told of what they see.
func (w within) Stock(ctx context.Context, q store.StockQuery) ([]store.Item, error) {
	if w.limited() && q.Station == "" && (q.Place != "" || !q.Unseen.IsZero()) {
		return nil, nil // it would tell of stations that they do not see
	}
	if q.Station != "" && !w.sees(q.Station) {
		return nil, store.ErrNoStation
	}
	all, err := w.of.Stock(ctx, q)
	for i, item := range all {
		if !w.sees(item.Station) {
			all[i].Station, all[i].Place, all[i].Seen = "", "", time.Time{}
		}
	}
	return all, err
}

func (w within) ItemEvents(ctx context.Context, item circ.ItemID, limit int) ([]store.ItemEvent, error) {
	all, err := w.of.ItemEvents(ctx, item, limit)
	return keep(all, func(e store.ItemEvent) bool { return w.sees(e.Station) }), err
}

func (w within) RecallsNow(ctx context.Context) ([]store.Recall, error) {
	all, err := w.of.RecallsNow(ctx)
	return keep(all, func(r store.Recall) bool { return w.sees(r.Station) }), err
}

// Recall and EndRecall are checked against where an item is by who asks.
func (w within) Recall(ctx context.Context, all ...store.Recall) error {
	return w.of.Recall(ctx, all...)
}
func (w within) EndRecall(ctx context.Context, item circ.ItemID, at time.Time) error {
	return w.of.EndRecall(ctx, item, at)
}

func (w within) Events(ctx context.Context, id circ.StationID, before store.Position, limit int) ([]store.Event, error) {
	if !w.sees(id) {
		return nil, store.ErrNoStation
	}
	return w.of.Events(ctx, id, before, limit)
}

func (w within) PostingsNow(ctx context.Context, ils string) (map[store.PostingState]int, int, error) {
	if !w.limited() {
		return w.of.PostingsNow(ctx, ils)
	}
	mine, err := w.Decisions(ctx, ils, decisionsOfPage)
	return nil, len(mine), err
}

// DueDates are of loans anywhere, and shown only beside a loan that the visitor sees.
func (w within) DueDates(ctx context.Context, ils string) (map[circ.ItemID]time.Time, error) {
	return w.of.DueDates(ctx, ils)
}

// Decisions may be fewer than there are for somebody who sees few stations among
// very many.
func (w within) Decisions(ctx context.Context, ils string, limit int) ([]store.Posting, error) {
	most := limit
	if w.limited() {
		most *= 25
	}
	all, err := w.of.Decisions(ctx, ils, most)
	all = keep(all, func(p store.Posting) bool { return w.sees(p.Station) })
	return all[:min(limit, len(all))], err
}

func (w within) Decide(ctx context.Context, d store.Decision) error {
	if !w.may(store.Librarian, d.Station) {
		return store.ErrNoDecision
	}
	return w.of.Decide(ctx, d)
}

func (w within) Uses(ctx context.Context, q store.UseQuery) (store.Uses, error) {
	if w.limited() {
		if q.Station != "" && !w.sees(q.Station) {
			return store.Uses{}, store.ErrNoStation
		}
		q.Among = []circ.StationID{}
		for _, g := range w.grants {
			q.Among = append(q.Among, g.Station)
		}
	}
	return w.of.Uses(ctx, q)
}

func (w within) Places(ctx context.Context, id circ.StationID) (map[string]int, error) {
	if !w.sees(id) {
		return nil, store.ErrNoStation
	}
	return w.of.Places(ctx, id)
}

// at is the error of somebody who may not do something at a station.
func (w within) at(id circ.StationID, least store.Role) error {
	if !w.may(least, id) {
		return store.ErrNoStation
	}
	return nil
}

func (w within) Standing(ctx context.Context, id circ.StationID) ([]store.Stands, error) {
	if err := w.at(id, store.Librarian); err != nil {
		return nil, err
	}
	return w.of.Standing(ctx, id)
}

func (w within) SentLog(ctx context.Context, id circ.StationID) (store.SentLog, error) {
	if err := w.at(id, store.Librarian); err != nil {
		return store.SentLog{}, err
	}
	return w.of.SentLog(ctx, id)
}

func (w within) Tell(ctx context.Context, id circ.StationID, bodies ...circ.NoticeBody) error {
	if err := w.at(id, store.Librarian); err != nil {
		return err
	}
	return w.of.Tell(ctx, id, bodies...)
}

func (w within) SetTitle(ctx context.Context, id circ.StationID, title string) error {
	if err := w.at(id, store.Administrator); err != nil {
		return err
	}
	return w.of.SetTitle(ctx, id, title)
}

func (w within) Clear(ctx context.Context, id circ.StationID, condition string) error {
	if err := w.at(id, store.Librarian); err != nil {
		return err
	}
	return w.of.Clear(ctx, id, condition)
}

func (w within) Revoke(ctx context.Context, id circ.StationID, at time.Time) error {
	if err := w.at(id, store.Administrator); err != nil {
		return err
	}
	return w.of.Revoke(ctx, id, at)
}
