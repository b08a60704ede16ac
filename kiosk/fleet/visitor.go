package fleet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"coldstation/kiosk"
	"coldstation/kiosk/flow"
	"coldstation/sync/circ"
	"coldstation/sync/ledger"
)

// visitor is everybody who comes to a house, one after another: a screen to the
// station, and hands on its table and its buttons.
type visitor struct {
	*house
	log     *ledger.Ledger
	station *kiosk.Station
	random  *rand.Rand // of the visit
	news    chan struct{}

	mu     sync.Mutex
	view   flow.View
	rounds []int                // of looking at the pad, by reader, but for those that failed
	tags   map[circ.ItemID]bool // written since the item was last dealt with
	broken error                // a promise of the station
}

var _ kiosk.Screen = (*visitor)(nil)

// Show holds the station to its word: what it says is done is in the ledger.
func (v *visitor) Show(view flow.View) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, line := range view.Lines {
		if slices.ContainsFunc(v.view.Lines, func(l flow.Line) bool { return l.Item.ID == line.Item.ID && l.Fate == line.Fate }) {
			continue
		}
		lent := line.Fate == flow.Borrowed
		if !lent && line.Fate != flow.Returned && line.Fate != flow.Boxed {
			continue
		}
		if _, open, err := v.log.Loan(line.Item.ID); err != nil || open != lent {
			v.broken = errors.Join(v.broken, err, fmt.Errorf("the screen says that %s is %v, the ledger does not", line.Item.ID, line.Fate))
		}
	}
	v.view = view
	v.poke()
}

// poke wakes whoever waits for something to happen.
func (v *visitor) poke() {
	select {
	case v.news <- struct{}{}:
	default:
	}
}

func (v *visitor) noted(bodies []circ.EventBody) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, body := range bodies {
		switch b := body.(type) {
		case circ.CheckedOut:
			delete(v.tags, b.Item)
		case circ.CheckedIn:
			delete(v.tags, b.Item)
		case circ.TagSecured:
			v.written(b.Item)
		case circ.TagUnsecured:
			v.written(b.Item)
		}
	}
	v.poke()
}

func (v *visitor) written(id circ.ItemID) {
	if v.tags == nil {
		v.tags = make(map[circ.ItemID]bool)
	}
	v.tags[id] = true
}

func (v *visitor) round(which int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.rounds[which]++
	v.poke()
}

// later answers whether every reader has looked n times more than now.
func (v *visitor) later(n int) func() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	from := slices.Clone(v.rounds)
	return func() bool {
		for i, before := range from {
			if v.rounds[i] < before+n {
				return false
			}
		}
		return true
	}
}

// forbearance is how long a visitor waits for what should follow at once.
const forbearance = time.Minute

// until waits for something to be so; what says it in a few words.
func (v *visitor) until(ctx context.Context, what string, so func() bool) error {
	return v.wait(ctx, forbearance, what, so)
}

func (v *visitor) wait(ctx context.Context, long time.Duration, what string, so func() bool) error {
	late := time.NewTimer(long)
	defer late.Stop()
	for {
		v.mu.Lock()
		is, broken, view := so(), v.broken, v.view
		v.mu.Unlock()
		switch {
		case broken != nil:
			return broken
		case is:
			return nil
		}
		select {
		case <-v.news:
		case <-ctx.Done():
			return ctx.Err()
		case <-late.C:
			return fmt.Errorf("waited %v in vain for %s; the screen shows %s", long, what, describe(view))
		}
	}
}

func describe(view flow.View) string {
	words := []string{view.Screen.String(), view.Title.Key}
	for _, l := range view.Lines {
		word := string(l.Item.ID) + " " + l.Fate.String()
		if l.PutBack {
			word += " put back"
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

// looks waits until the pad was looked at so often, from now on.
func (v *visitor) looks(ctx context.Context, n int) error {
	return v.until(ctx, "the pad to be looked at", v.later(n))
}

func (v *visitor) put(names ...string) error { return v.set(true, names) }

// lift takes things off the pad and waits until the station has seen that. A look
// that had begun before may still see them.
func (v *visitor) lift(ctx context.Context, names ...string) error {
	if err := v.set(false, names); err != nil {
		return err
	}
	return v.looks(ctx, patience+2)
}

func (v *visitor) set(on bool, names []string) error {
	for _, name := range names {
		if err := v.table.Set(name, on); err != nil {
			return err
		}
	}
	return nil
}

// lying is what lies on the pad.
func (v *visitor) lying() (names []string) {
	for _, chip := range v.table.Chips() {
		if chip.On {
			names = append(names, chip.Name)
		}
	}
	return names
}

// press touches a button as soon as it is there.
func (v *visitor) press(ctx context.Context, action flow.Action, item circ.ItemID) error {
	err := v.until(ctx, "the button "+string(action), func() bool {
		there := func(b flow.Button) bool { return b.Action == action && b.Item == item }
		return action == flow.Help && v.view.Help || action == flow.Back && v.view.Back ||
			slices.ContainsFunc(v.view.Buttons, there) ||
			slices.ContainsFunc(v.view.Lines, func(l flow.Line) bool { return there(l.Button) })
	})
	if err == nil {
		v.station.Send(flow.Pressed{Action: action, Item: item})
	}
	return err
}

// screen waits for one of the screens.
func (v *visitor) screen(ctx context.Context, any ...flow.Screen) error {
	return v.until(ctx, fmt.Sprintf("the screen %v", any), func() bool { return slices.Contains(any, v.view.Screen) })
}

// fates waits until each item has one of the fates. Who is asked for whom they come
// says so.
func (v *visitor) fates(ctx context.Context, items []circ.ItemID, any ...flow.Fate) error {
	for {
		asked := false
		err := v.until(ctx, fmt.Sprintf("%v to be %v", items, any), func() bool {
			if asked = v.view.Screen == flow.Asking; asked {
				return true
			}
			return !slices.ContainsFunc(items, func(id circ.ItemID) bool {
				return !slices.ContainsFunc(v.view.Lines, func(l flow.Line) bool { return l.Item.ID == id && slices.Contains(any, l.Fate) })
			})
		})
		if err != nil || !asked {
			return err
		}
		if err := v.choose(ctx); err != nil {
			return err
		}
	}
}

// choose says for whom the visit is.
func (v *visitor) choose(ctx context.Context) error {
	v.mu.Lock()
	choices := slices.Clone(v.view.Choices)
	v.mu.Unlock()
	if len(choices) == 0 {
		return errors.New("asked for whom, with nobody to choose")
	}
	one := choices[v.random.IntN(len(choices))]
	v.station.Send(flow.Pressed{Action: one.Action, Who: one.Who})
	return v.until(ctx, "an answer to be taken", func() bool { return v.view.Screen != flow.Asking })
}

// leave takes everything off the pad and goes, unless the screen asks for a book
// once more.
func (v *visitor) leave(ctx context.Context) error {
	if err := v.lift(ctx, v.lying()...); err != nil {
		return err
	}
	const attempts = 50
	for range attempts {
		var back []circ.ItemID
		err := v.until(ctx, "the end of the visit", func() bool {
			for _, l := range v.view.Lines {
				if l.PutBack {
					back = append(back, l.Item.ID)
				}
			}
			return len(back) > 0 || v.view.Screen == flow.Welcome
		})
		if err != nil || len(back) == 0 {
			return err
		}
		if err := v.put(names(back)...); err != nil {
			return err
		}
		if err := v.ready(ctx, back); err != nil {
			return err
		}
		if err := v.lift(ctx, names(back)...); err != nil {
			return err
		}
	}
	return fmt.Errorf("put back %d times in vain: %s", attempts, describe(v.view))
}

// ready lets things lie until their tags are written, or for a while: those of
// some need not be.
func (v *visitor) ready(ctx context.Context, items []circ.ItemID) error {
	const while = 10
	late := v.later(while)
	return v.until(ctx, "tags to be written", func() bool {
		return late() || !slices.ContainsFunc(items, func(id circ.ItemID) bool { return !v.tags[id] })
	})
}

func names(items []circ.ItemID) (all []string) {
	for _, id := range items {
		all = append(all, string(id))
	}
	return all
}
