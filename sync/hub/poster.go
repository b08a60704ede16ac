package hub

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/ils"
	"coldstation/sync/hub/store"
)

// PosterSettings are those of a poster. Store and ILS are required.
type PosterSettings struct {
	Store store.Posts
	ILS   ils.ILS
	Since time.Time // what happened before is never posted
	// House is the card that what is lent to the house is posted to; zero: it is
	// not posted as a loan, and stays the hub's own.
	House circ.PatronID
	// Stations are told when the library system refuses a station's account, and when it
	// takes it again; nil: nobody is.
	Stations interface {
		Raise(ctx context.Context, station circ.StationID, c store.Condition) error
		Clear(ctx context.Context, station circ.StationID, name string) error
	}
	PostRules
	Look time.Duration    // how often the store is asked for what was taken in; 0 for 1 s
	Now  func() time.Time // nil for time.Now
	Log  *slog.Logger     // nil for slog.Default
}

// Poster posts to one library system what the hub takes in: see posts. Everything
// lasting is in the store, and one that is started again goes on from there. Two
// of them beside each other cost work and send nothing twice.
type Poster struct {
	PosterSettings
	posts   *posts
	after   uint64 // the place of the last posting taken up
	heard   chan postMsg
	running sync.WaitGroup
	saves   []store.Posting // to be kept together
	saving  bool
	rest    <-chan time.Time // until the next transaction; nil: at once
	kept    chan keptAll
	trouble string // of the library system, as logged last
	away    atomic.Pointer[time.Time]
	shut    sync.Map // by station: the kind of request for which its account is refused, or accountTaken
}

// Away is since when the library system has answered nothing; zero when it did at
// the last attempt. It may be asked from any goroutine.
func (p *Poster) Away() time.Time {
	if since := p.away.Load(); since != nil {
		return *since
	}
	return time.Time{}
}

type keptAll struct {
	saved []store.Posting
	stale []store.PostingKey
	err   error
}

// NewPoster makes one. It is Run once.
func NewPoster(s PosterSettings) *Poster {
	if s.Look == 0 {
		s.Look = time.Second
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Log == nil {
		s.Log = slog.Default()
	}
	s.Late = !s.ILS.Abilities().KeepsTime
	return &Poster{PosterSettings: s, posts: newPosts(s.PostRules), heard: make(chan postMsg), kept: make(chan keptAll, 1)}
}

// grace is how long a poster that is to end waits for replies on their way: each
// spares a question.
const grace = 5 * time.Second

// Run posts until ctx ends, and then keeps what is still answered in time. The
// error is the store's.
func (p *Poster) Run(ctx context.Context) error {
	work, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	look := time.NewTicker(p.Look)
	defer look.Stop()
	wake := time.NewTimer(0)
	defer wake.Stop()
	if err := p.load(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	for ctx.Err() == nil {
		p.save(work)
		p.alarm(wake)
		select {
		case <-ctx.Done():
		case m := <-p.heard:
			p.do(work, m)
		case k := <-p.kept:
			if err := p.settle(work, k); err != nil {
				p.saves = nil
				return errors.Join(err, p.end(abort))
			}
		case <-p.rest:
			p.rest = nil
		case <-wake.C:
			p.do(work, postTick{})
		case <-look.C:
			if err := p.load(work); err != nil {
				p.Log.Error("look for what is to be posted", "err", err)
			}
		}
	}
	return p.end(abort)
}

// end waits for what is under way, keeps its outcome and starts nothing more.
func (p *Poster) end(abort func()) error {
	timer := time.AfterFunc(grace, abort)
	defer timer.Stop()
	idle := make(chan struct{})
	go func() {
		p.running.Wait()
		close(idle)
	}()
	for {
		select {
		case m := <-p.heard:
			if r, is := m.(postReplied); is {
				p.take(r)
			}
		case <-idle:
			var failed error
			if p.saving {
				failed = (<-p.kept).err
			}
			// What has not been sent need not be kept as if it were.
			p.saves = slices.DeleteFunc(p.saves, func(s store.Posting) bool { return s.State == store.PostSent })
			if failed == nil && len(p.saves) > 0 {
				_, failed = p.Store.SavePostings(context.Background(), p.saves)
			}
			return failed
		}
	}
}

func (p *Poster) alarm(wake *time.Timer) {
	wake.Stop()
	if at, waits := p.posts.wake(); waits {
		wake.Reset(max(0, at.Sub(p.Now())))
	}
}

// load queues what was taken in since, and takes up what was queued.
func (p *Poster) load(ctx context.Context) error {
	for more := true; more; {
		var err error
		if more, err = p.Store.Queue(ctx, store.Queue{ILS: p.ILS.Name(), Since: p.Since, House: !p.House.IsZero()}); err != nil {
			return err
		}
	}
	const page = 5000
	var all []store.Posting
	for {
		some, err := p.Store.Postings(ctx, p.ILS.Name(), p.after, page)
		if err != nil {
			return err
		}
		all = append(all, some...)
		if len(some) > 0 {
			p.after = some[len(some)-1].Place
		}
		if len(some) < page {
			break
		}
	}
	for i := range all {
		all[i].Resident(p.House)
	}
	if len(all) > 0 {
		p.do(ctx, postLoaded{all})
	}
	return nil
}

// do takes a message in and carries out what comes of it.
func (p *Poster) do(ctx context.Context, m postMsg) {
	for _, e := range p.take(m) {
		p.running.Go(func() {
			p.heard <- p.ask(ctx, e)
		})
	}
}

// note logs when the library system goes out of reach and when it is back, once.
func (p *Poster) note(m postMsg) {
	var err error
	var what string
	switch m := m.(type) {
	case postStands:
		what, err = "question", m.err
	case postReplied:
		what, err = "request", m.err
		if ils.OutcomeOf(err) == ils.Refused {
			err = nil
		}
	default:
		return
	}
	said := ""
	if err != nil {
		said = err.Error()
	}
	switch outcome := ils.OutcomeOf(err); {
	case errors.Is(err, ils.ErrAccount): // it answers, to others
	case outcome == ils.Later, outcome == ils.Unsure:
		if since := p.Now(); p.away.Load() == nil {
			p.away.Store(&since)
		}
	default:
		p.away.Store(nil)
	}
	switch said {
	case p.trouble:
	case "":
		p.Log.Info("the library system answers again", "ils", p.ILS.Name())
	default:
		p.Log.Warn("the library system", "ils", p.ILS.Name(), "on", what, "err", err)
	}
	p.trouble = said
}

// take takes a message in, notes what is to be kept, and answers what else is to be
// done.
func (p *Poster) take(m postMsg) (todo []postEffect) {
	p.note(m)
	for _, e := range p.posts.step(p.Now(), m) {
		if save, is := e.(postSave); is {
			p.saves = append(p.saves, save.Posting)
		} else {
			todo = append(todo, e)
		}
	}
	return todo
}

// ask speaks to the library system.
func (p *Poster) ask(ctx context.Context, e postEffect) postMsg {
	switch e := e.(type) {
	case postAsk:
		st, err := p.ILS.Standing(ctx, e.Station, e.Item, e.patron)
		p.account(ctx, e.Station, accountAsked, err)
		return postStands{e.Item, st, err}
	case postSend:
		loan := ils.Loan{Station: e.Station, Item: e.Item, Patron: who(e.Posting), At: e.At, Due: e.Due}
		var r ils.Receipt
		var err error
		switch e.op {
		case store.PostLend:
			r, err = p.ILS.Lend(ctx, loan)
		case store.PostRenew:
			r, err = p.ILS.Renew(ctx, loan)
		default:
			r, err = p.ILS.TakeBack(ctx, ils.Return{Station: e.Station, Item: e.Item, At: e.At})
		}
		p.account(ctx, e.Station, e.op, err)
		return postReplied{e.Item, r, err}
	}
	panic("post: an effect that nobody carries out") // our bug: every effect is above
}

// account notes when a station's account is refused, and when it is taken again by the
// same kind of request: others may go another way than by SIP2.
func (p *Poster) account(ctx context.Context, station circ.StationID, kind store.PostingOp, err error) {
	refused := errors.Is(err, ils.ErrAccount)
	if p.Stations == nil || err != nil && !refused {
		return
	}
	was, known := p.shut.Load(station)
	switch {
	case refused && known && was != accountTaken, !refused && known && was != kind:
		return
	case refused:
		p.shut.Store(station, kind)
		err = p.Stations.Raise(ctx, station, store.Condition{Name: store.ConditionAccount, Since: p.Now()})
	default:
		p.shut.Store(station, accountTaken)
		err = p.Stations.Clear(ctx, station, store.ConditionAccount)
	}
	if err != nil {
		p.shut.Delete(station) // note it the next time
		p.Log.Error("note a station's account", "station", station, "err", err)
	}
}

// What Poster.shut keeps beside what is sent.
const (
	accountTaken store.PostingOp = ""
	accountAsked store.PostingOp = "ask"
)

// gather is how long after the beginning of a transaction the next one begins at
// the earliest. What is under way of each station is many times that.
const gather = 20 * time.Millisecond

// save keeps, in one transaction, all that has come together since the one before:
// a flush costs more than a hundred rows.
func (p *Poster) save(ctx context.Context) {
	if p.saving || p.rest != nil || len(p.saves) == 0 {
		return
	}
	batch := p.saves
	p.saves, p.saving, p.rest = nil, true, time.After(gather)
	p.running.Go(func() {
		stale, err := p.Store.SavePostings(ctx, batch)
		p.kept <- keptAll{batch, stale, err}
	})
}

// settle goes on after a transaction. When it failed nothing is known to be kept,
// and the poster ends: what it was started with is in the store.
func (p *Poster) settle(ctx context.Context, k keptAll) error {
	p.saving = false
	if k.err != nil {
		return k.err
	}
	stale := make(map[store.PostingKey]bool, len(k.stale))
	for _, key := range k.stale {
		stale[key] = true
		p.Log.Warn("a posting was changed by another meanwhile", "station", key.Station, "seq", key.Seq)
	}
	for _, s := range k.saved {
		p.do(ctx, postKept{s.Item, stale[s.PostingKey]})
	}
	return nil
}

// Books are a hub's own, for a library without a library system.
type Books struct{ Store store.Posts }

var _ ils.Books = Books{}

// Lent is the last that was posted of an item, when that is a loan.
func (b Books) Lent(ctx context.Context, item circ.ItemID) (ils.Loan, bool, error) {
	p, found, err := b.Store.LastPosted(ctx, ils.None{}.Name(), item)
	if err != nil || !found || p.Acted == store.PostTakeBack {
		return ils.Loan{}, false, err
	}
	return ils.Loan{Station: p.Station, Item: p.Item, Patron: who(p), At: p.At, Due: later(p.ILSDue, p.Due)}, true, nil
}
