package fleet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"coldstation/kiosk/flow"
	"coldstation/rfid"
	"coldstation/rfid/sim"
	"coldstation/sync/circ"
)

// come is all visits that are left, and then waiting until the house is to rest.
// A visit in which the station's program ended is over too.
func (v *visitor) come(ctx context.Context) error {
	err := v.informed(ctx)
	if err == nil {
		err = v.looks(ctx, 1)
	}
	if err == nil { // what lay on the pad when the program ended is taken away
		err = v.leave(ctx)
	}
	for err == nil && v.Over < v.Visits {
		v.random = rand.New(rand.NewPCG(v.crew.Seed, uint64(v.Number)<<32|uint64(v.Over)))
		script := draw(v.random)
		if err = script.play(v, ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("visit %d, %s: %w", v.Over, script.name, err)
		}
		v.Over++
		if err := v.tell(); err != nil {
			return err
		}
	}
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("between visits: %w", err)
	}
	select {
	case <-v.crew.rest:
	case <-ctx.Done():
	}
	return nil
}

// informed waits until the library has told everything; an authorisation is its
// last word.
func (v *visitor) informed(ctx context.Context) error {
	if !v.Told {
		return nil
	}
	var fault error
	err := v.wait(ctx, 5*forbearance, "the library to tell of its books and people", func() bool {
		proxies, err := v.log.Proxies(patronID(0))
		fault = err
		return err != nil || len(proxies) > 0
	})
	return errors.Join(err, fault)
}

// tell says where the ledger stands after a visit. Whatever happens to the program
// now, this is to be found.
func (v *visitor) tell() error {
	_, last, err := v.log.Bounds()
	if err != nil {
		return err
	}
	chain, err := v.log.Chain(last)
	if err == nil {
		v.crew.mouth.say(word{Station: v.Number, Visits: v.Over, Seq: last, Chain: chain[:]})
	}
	return err
}

// script is a kind of visit.
type script struct {
	name   string
	weight int
	play   func(*visitor, context.Context) error
}

var scripts = []script{
	{"borrows one", 6, func(v *visitor, ctx context.Context) error { return v.borrow(ctx, 1, v.somebody()) }},
	{"borrows many", 4, func(v *visitor, ctx context.Context) error {
		return v.borrow(ctx, 2+v.random.IntN(shelf-1), v.somebody())
	}},
	{"a stranger borrows", 2, func(v *visitor, ctx context.Context) error { return v.borrow(ctx, 1, stranger) }},
	{"brings one", 4, func(v *visitor, ctx context.Context) error { return v.bring(ctx, 1) }},
	{"brings many", 3, func(v *visitor, ctx context.Context) error { return v.bring(ctx, stock) }},
	{"borrows what another brings", 2, (*visitor).handOver},
	{"did not mean it", 4, (*visitor).undo},
	{"puts it down twice", 3, (*visitor).twice},
	{"brings another library's", 2, (*visitor).bringForeign},
	{"only looks", 2, (*visitor).look},
	{"asks for help", 1, (*visitor).help},
}

func draw(random *rand.Rand) script {
	sum := 0
	for _, s := range scripts {
		sum += s.weight
	}
	n := random.IntN(sum)
	for _, s := range scripts {
		if n -= s.weight; n < 0 {
			return s
		}
	}
	panic("the weights do not add up")
}

func (v *visitor) somebody() int { return v.random.IntN(people) }

// some are at most n items that are on loan, or are not, drawn from the first of
// the stock.
func (v *visitor) some(first, n int, lent bool) (items []circ.ItemID, err error) {
	for _, i := range v.random.Perm(first) {
		id := itemID(v.Number, i)
		_, open, err := v.log.Loan(id)
		if err != nil {
			return nil, err
		}
		if open == lent && len(items) < n {
			items = append(items, id)
		}
	}
	return items, nil
}

// borrow borrows, card first or books first. Who finds an empty shelf brings
// everything back.
func (v *visitor) borrow(ctx context.Context, n, card int) error {
	items, err := v.out(ctx, n, card)
	if err != nil || len(items) == 0 {
		return err
	}
	return v.depart(ctx, items)
}

// out is borrow without going.
func (v *visitor) out(ctx context.Context, n, card int) ([]circ.ItemID, error) {
	kinds := shelf
	cardFirst := v.random.IntN(2) == 0 || !v.Told
	if cardFirst {
		kinds = untold + 1 // without a card an unknown book is one that comes back
	}
	items, err := v.some(kinds, n, false)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, v.bring(ctx, stock)
	}
	show := func() error { return v.put(cardName(card)) }
	lay := func() error { return v.put(names(items)...) }
	if cardFirst {
		if err = show(); err == nil {
			err = v.screen(ctx, flow.Visiting, flow.Asking)
		}
		if err == nil {
			err = lay()
		}
	} else {
		if err = lay(); err == nil {
			err = v.fates(ctx, items, flow.Waiting)
		}
		if err == nil {
			err = show()
		}
	}
	if err != nil {
		return nil, err
	}
	return items, v.fates(ctx, items, flow.Borrowed)
}

// depart leaves, most people after the tags are written.
func (v *visitor) depart(ctx context.Context, items []circ.ItemID) error {
	if v.random.IntN(4) > 0 {
		if err := v.ready(ctx, items); err != nil {
			return err
		}
	}
	return v.leave(ctx)
}

// bring brings back what is on loan, without a card. A tag that was never made
// ready says that the book is only put back.
func (v *visitor) bring(ctx context.Context, n int) error {
	items, err := v.some(stock, n, true)
	if err != nil {
		return err
	}
	for _, id := range items {
		if err := v.put(string(id)); err != nil {
			return err
		}
		back := []flow.Fate{flow.Returned, flow.Boxed}
		if unready, err := v.unready(id); err != nil {
			return err
		} else if unready {
			back = append(back, flow.Borrowed)
		}
		if err := v.fates(ctx, []circ.ItemID{id}, back...); err != nil {
			return err
		}
	}
	return v.depart(ctx, items)
}

// unready reports whether a lent item's tag was not written, or may not have been.
func (v *visitor) unready(id circ.ItemID) (bool, error) {
	_, waits, err := v.log.Repair(id)
	secured := slices.ContainsFunc(v.table.Chips(), func(c sim.Chip) bool { return c.Name == string(id) && c.AFI == rfid.InLibrary })
	return waits || secured, err
}

// handOver borrows what somebody else still has.
func (v *visitor) handOver(ctx context.Context) error {
	items, err := v.some(shelf, 1, true)
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return v.borrow(ctx, 1, v.somebody())
	}
	if err := v.put(cardName(v.somebody())); err != nil {
		return err
	}
	if err := v.screen(ctx, flow.Visiting, flow.Asking); err != nil {
		return err
	}
	if err := v.put(names(items)...); err != nil {
		return err
	}
	if err := v.fates(ctx, items, flow.Borrowed); err != nil {
		return err
	}
	return v.depart(ctx, items)
}

// undo takes a loan back, and some change their minds again.
func (v *visitor) undo(ctx context.Context) error {
	items, err := v.out(ctx, 1, v.somebody())
	if err != nil || len(items) == 0 {
		return err
	}
	if err := v.press(ctx, flow.Undo, ""); err != nil {
		return err
	}
	if err := v.press(ctx, flow.UndoThis, items[0]); err != nil {
		return err
	}
	if err := v.fates(ctx, items, flow.Undone, flow.Returned, flow.Boxed); err != nil {
		return err
	}
	v.mu.Lock()
	undone := slices.ContainsFunc(v.view.Lines, func(l flow.Line) bool { return l.Item.ID == items[0] && l.Fate == flow.Undone })
	v.mu.Unlock()
	if undone && v.random.IntN(3) == 0 {
		if err := v.press(ctx, flow.Redo, items[0]); err != nil {
			return err
		}
		if err := v.fates(ctx, items, flow.Borrowed); err != nil {
			return err
		}
	}
	return v.depart(ctx, items)
}

// twice puts the same book down again, and hears the same.
func (v *visitor) twice(ctx context.Context) error {
	items, err := v.out(ctx, 1, v.somebody())
	if err != nil || len(items) == 0 {
		return err
	}
	id := items[0]
	if err := v.lift(ctx, string(id)); err != nil {
		return err
	}
	if err := v.put(string(id)); err != nil {
		return err
	}
	err = v.until(ctx, "the same to be said of "+string(id), func() bool {
		return slices.ContainsFunc(v.view.Lines, func(l flow.Line) bool {
			return l.Item.ID == id && l.Fate == flow.Borrowed && l.Again && !l.PutBack
		})
	})
	if err != nil {
		return err
	}
	return v.depart(ctx, items)
}

func (v *visitor) bringForeign(ctx context.Context) error {
	items := []circ.ItemID{itemID(v.Number, foreign)}
	if err := v.put(names(items)...); err != nil {
		return err
	}
	if err := v.fates(ctx, items, flow.Boxed); err != nil {
		return err
	}
	return v.leave(ctx)
}

// look lays a book down without a card and takes it away again.
func (v *visitor) look(ctx context.Context) error {
	items, err := v.some(shelf, 1, false)
	if err != nil || len(items) == 0 || !v.Told {
		return err
	}
	if err := v.put(names(items)...); err != nil {
		return err
	}
	if err := v.fates(ctx, items, flow.Waiting); err != nil {
		return err
	}
	return v.leave(ctx)
}

func (v *visitor) help(ctx context.Context) error {
	if err := v.press(ctx, flow.Help, ""); err != nil {
		return err
	}
	if err := v.screen(ctx, flow.Helping); err != nil {
		return err
	}
	if err := v.press(ctx, flow.Back, ""); err != nil {
		return err
	}
	return v.screen(ctx, flow.Welcome)
}
