package alert

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/hook"
	"coldstation/sync/hub/store"
)

// Source is what alerts are made of: a part of store.Store.
type Source interface {
	store.Alerts
	Stations(ctx context.Context) ([]store.Station, error)
	Decisions(ctx context.Context, ils string, limit int) ([]store.Posting, error)
}

// Watch looks at what holds, and sees to it that people are told.
type Watch struct {
	Source   Source
	Patience store.Patience
	ILS      string           // whose decisions wait; "" for none
	Away     func() time.Time // since when the library system does not answer, zero when it does; nil for never
	Voice    Voice
	Mail     *Mail // nil: no mail is sent
	Hooks    []hook.Hook
	Now      func() time.Time
	Log      *slog.Logger

	begun time.Time
}

const (
	look   = 5 * time.Second
	giveUp = 3 * 24 * time.Hour
)

// Run looks and sends until ctx ends.
func (w *Watch) Run(ctx context.Context) error {
	w.begun = w.Now()
	var both sync.WaitGroup
	for what, do := range map[string]func(context.Context) error{"look for alerts": w.Look, "send alerts": w.Send} {
		both.Go(func() { w.often(ctx, what, do) })
	}
	both.Wait()
	return nil
}

func (w *Watch) often(ctx context.Context, what string, do func(context.Context) error) {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			w.Log.Warn(what, "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Look takes one step.
func (w *Watch) Look(ctx context.Context) error {
	rules, err := w.Source.AlertRules(ctx)
	if err != nil || len(rules) == 0 {
		return err
	}
	open, err := w.Source.OpenAlerts(ctx)
	if err != nil {
		return err
	}
	now, titles, err := w.moment(ctx)
	if err != nil {
		return err
	}
	changed, told := Step(rules, open, now)
	if len(changed) == 0 {
		return nil
	}
	var letters []store.Letter
	for _, t := range told {
		letters = append(letters, w.Voice.compose(t, titles, now.At)...)
	}
	return w.Source.SaveAlerts(ctx, changed, letters)
}

// moment is what holds now.
func (w *Watch) moment(ctx context.Context) (Moment, map[circ.StationID]string, error) {
	now := Moment{At: w.Now(), Place: w.Voice.Place, Holds: make(map[Matter]time.Time)}
	titles := make(map[circ.StationID]string)
	stations, err := w.Source.Stations(ctx)
	if err != nil {
		return now, nil, err
	}
	for _, st := range stations {
		titles[st.ID] = st.Title
		for _, c := range w.Patience.Conditions(st, now.At) {
			since := c.Since
			// While the hub itself was away it heard nobody.
			if c.Name == store.ConditionSilent && since.Before(w.begun) {
				since = w.begun
			}
			now.Holds[Matter{st.ID, c.Name}] = since
		}
	}
	if w.Away != nil {
		if since := w.Away(); !since.IsZero() {
			now.Holds[Matter{"", Away}] = since
		}
	}
	if w.ILS != "" {
		waiting, err := w.Source.Decisions(ctx, w.ILS, 1)
		if err != nil {
			return now, nil, err
		}
		for _, p := range waiting {
			now.Holds[Matter{"", Decisions}] = p.Changed
		}
	}
	return now, titles, nil
}

// Send sends what waits. Where one fails, the others to the same place wait too.
func (w *Watch) Send(ctx context.Context) error {
	letters, err := w.Source.Letters(ctx, w.Now(), 200)
	if err != nil {
		return err
	}
	type place struct {
		way    store.Way
		target string
	}
	failed := make(map[place]bool)
	for _, l := range letters {
		at := place{l.Way, l.Target}
		if l.Way == store.ByMail {
			at.target = "" // all mail is handed over at one place
		}
		if failed[at] || ctx.Err() != nil {
			continue
		}
		if why := w.send(ctx, l); why != nil {
			failed[at] = l.Way == store.ByHook || l.Tries > 0
			err = errors.Join(err, w.Source.LetterFailed(ctx, l.ID, why.Error(), w.again(l)))
			continue
		}
		err = errors.Join(err, w.Source.LetterSent(ctx, l.ID, w.Now()))
	}
	return err
}

// again is when a letter that failed is tried once more; zero: never.
func (w *Watch) again(l store.Letter) time.Time {
	now := w.Now()
	if now.Sub(l.Made) > giveUp {
		return time.Time{}
	}
	return now.Add(hook.Wait(l.Tries))
}

func (w *Watch) send(ctx context.Context, l store.Letter) error {
	if l.Way == store.ByHook {
		h, err := hook.Named(w.Hooks, l.Target)
		if err != nil {
			return err
		}
		return h.Send(ctx, l.ID, []byte(l.Body), w.Now())
	}
	if w.Mail == nil {
		return errors.New("the hub has no setting for mail")
	}
	return w.Mail.Send(ctx, l.Target, l.Subject, l.Body, l.ID, w.Now())
}
