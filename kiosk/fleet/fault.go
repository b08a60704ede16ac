package fleet

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"time"
)

// fault is something that goes wrong once so many visits are over, and is well
// again a while later.
type fault struct {
	after int
	kind  kind
	who   int // a station, or a crew
	far   bool
	long  time.Duration
}

type kind string

// The kinds of faults.
const (
	cutOne    kind = "a station's cable is cut"
	hangOne   kind = "a station's cable carries nothing"
	halfOne   kind = "a station's cable carries one way"
	slowOne   kind = "a station's cable is slow"
	cutAll    kind = "all cables are cut"
	crashOne  kind = "a station's program crashes"
	killCrew  kind = "a machine with its stations is killed"
	killHub   kind = "the hub is killed"
	cutHub    kind = "the hub's cable is cut"
	hangHub   kind = "the hub's cable carries nothing"
	endBroker kind = "the broker is started again"
)

// plan draws the faults of a run: each kind once, then those of one station, of
// which there are more, and then as many killings as were asked for.
func plan(random *rand.Rand, f *fleet, visits int) []fault {
	single := []kind{cutOne, hangOne, halfOne, slowOne, crashOne}
	kinds := append([]kind{cutAll, killCrew}, single...)
	if f.hub != nil {
		kinds = append(kinds, killHub, cutHub, hangHub)
	}
	if f.library != nil && f.library.broker != nil {
		kinds = append(kinds, endBroker)
	}
	lethal := []kind{killCrew}
	if f.hub != nil {
		lethal = append(lethal, killHub)
	}
	usual := max(len(kinds), visits/10)
	all := make([]fault, usual+f.Kills)
	for i := range all {
		k := kinds[i%len(kinds)]
		switch {
		case i >= usual:
			k = lethal[i%len(lethal)]
		case i >= len(kinds):
			k = single[random.IntN(len(single))]
		}
		who := random.IntN(f.Stations)
		if k == killCrew {
			who = random.IntN(f.Crews)
		}
		long := 2000
		if i >= usual { // so that many find their time
			long = 200
		}
		all[i] = fault{after: random.IntN(visits*9/10 + 1), kind: k, who: who, far: random.IntN(2) == 0,
			long: time.Duration(20+random.IntN(long)) * time.Millisecond}
	}
	slices.SortFunc(all, func(a, b fault) int { return cmp.Compare(a.after, b.after) })
	return all
}

// happen lets the fault happen and be well again.
func (one fault) happen(ctx context.Context, f *fleet) error {
	switch cables := f.cables[one.who : one.who+1]; one.kind {
	case cutOne:
		one.lasts(ctx, cables, (*cable).pull)
	case hangOne:
		one.lasts(ctx, cables, func(c *cable) { c.stop(true, true) })
	case halfOne:
		one.lasts(ctx, cables, func(c *cable) { c.stop(one.far, !one.far) })
	case slowOne:
		one.lasts(ctx, cables, func(c *cable) { c.slow(one.long / 10) })
	case cutAll:
		one.lasts(ctx, append(slices.Clone(f.cables), f.hubCable), (*cable).pull)
	case crashOne: // its farewell must not get through
		one.lasts(ctx, cables, func(c *cable) {
			c.pull()
			f.crews[one.who%f.Crews].tell(crewOrder{Crash: one.who/f.Crews + 1})
		})
	case cutHub:
		one.lasts(ctx, []*cable{f.hubCable}, (*cable).pull)
	case hangHub:
		one.lasts(ctx, []*cable{f.hubCable}, func(c *cable) { c.stop(true, true) })
	case killHub:
		return one.kills(ctx, f.hub, []*cable{f.hubCable})
	case killCrew:
		var theirs []*cable
		for n := one.who; n < f.Stations; n += f.Crews {
			theirs = append(theirs, f.cables[n])
		}
		return one.kills(ctx, f.crews[one.who], theirs)
	case endBroker:
		f.library.restarting.Lock()
		defer f.library.restarting.Unlock()
		if err := f.library.close(); err != nil {
			return err
		}
		pause(ctx, one.long)
		return f.library.open(context.WithoutCancel(ctx))
	}
	return nil
}

// lasts lets something happen to cables, and heals them after a while.
func (one fault) lasts(ctx context.Context, cables []*cable, happens func(*cable)) {
	for _, c := range cables {
		if c != nil {
			happens(c)
		}
	}
	pause(ctx, one.long)
	for _, c := range cables {
		if c != nil {
			c.heal()
		}
	}
}

// kills kills a part so that nothing more of it gets through, and starts it again.
func (one fault) kills(ctx context.Context, w *worker, cables []*cable) error {
	w.failing.Lock()
	defer w.failing.Unlock()
	for _, c := range cables {
		c.pull()
	}
	w.kill()
	pause(ctx, one.long)
	for _, c := range cables {
		c.heal()
	}
	return w.start()
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
