package ledger

import (
	"errors"
	"fmt"
	"iter"

	"go.etcd.io/bbolt"

	"coldstation/sync/circ"
	"coldstation/sync/wire"
)

// ErrStranger is an event about a patron whom the log has not met and whose
// identifier was not given.
var ErrStranger = errors.New("ledger: refers to a patron that was not introduced")

// ErrGone is an event that the ledger does not hold, or no longer.
var ErrGone = errors.New("ledger: no such event")

// Append writes what happened, all or nothing, and answers the number of the
// first of bodies. When it returns without error all is on the disk.
//
// People are those whom bodies refer to, as far as their cards are at hand:
// whoever of them is new to the log is introduced first, by a PatronMet of the
// ledger's own. An event about somebody who is neither met nor among people is
// refused with ErrStranger. An error other than ErrBroken leaves the ledger as
// it was and fit for use.
func (l *Ledger) Append(s circ.Stamp, people []circ.PatronID, bodies ...circ.EventBody) (first uint64, err error) {
	if len(bodies) == 0 {
		return 0, errors.New("append: nothing to append")
	}
	err = l.update(func(tx *bbolt.Tx) error {
		p, err := l.pen(tx, s, people)
		if err != nil {
			return err
		}
		for _, who := range p.people {
			for _, body := range bodies {
				if mentions(body, who.ref) {
					if err := p.meet(who.ref, who.id); err != nil {
						return err
					}
					break
				}
			}
		}
		first = p.seq + 1
		for _, body := range bodies {
			if err := p.write(body); err != nil {
				return err
			}
		}
		return p.watch()
	})
	if err != nil {
		return 0, fmt.Errorf("append: %w", err)
	}
	return first, nil
}

// pen writes events at the end of the log within one transaction.
type pen struct {
	*Ledger
	tx     *bbolt.Tx
	events *bbolt.Bucket
	here   hereTable
	stamp  circ.Stamp
	people []person
	seq    uint64
	chain  wire.Chain
}

// person is somebody whose card is at hand.
type person struct {
	ref circ.Ref
	id  circ.PatronID
}

func (l *Ledger) pen(tx *bbolt.Tx, s circ.Stamp, people []circ.PatronID) (*pen, error) {
	p := &pen{stamp: s}
	for _, id := range people {
		p.people = append(p.people, person{l.Ref(id), id})
	}
	return p, l.start(p, tx)
}

// start puts p to the end of the log.
func (l *Ledger) start(p *pen, tx *bbolt.Tx) (err error) {
	if l.now == nil {
		l.now = map[string][]byte{}
	}
	p.Ledger, p.tx, p.events, p.here = l, tx, tx.Bucket(eventBucket), l.here(tx)
	p.events.FillPercent = 1
	p.seq, p.chain, err = end(tx)
	l.batch.First, l.batch.Before = p.seq+1, p.chain
	return err
}

// meet introduces a patron who is new to the log.
func (p *pen) meet(ref circ.Ref, id circ.PatronID) error {
	if ref.IsZero() || p.met(ref) {
		return nil
	}
	return p.write(circ.PatronMet{Ref: ref, ID: id})
}

func (p *pen) met(ref circ.Ref) bool { return p.here.Get(key(hereMet, ref[:])) != nil }

func (p *pen) write(body circ.EventBody) error {
	if met, is := body.(circ.PatronMet); !is {
		var before circ.Ref
		for _, ref := range refs(body) {
			if ref != before && !ref.IsZero() && !p.met(ref) {
				return fmt.Errorf("%T: %w", body, ErrStranger)
			}
			before = ref
		}
	} else if met.Ref != p.Ref(met.ID) || met.Ref.IsZero() {
		return fmt.Errorf("%T: the reference is not the patron's", body)
	}
	raw, err := wire.AppendEvent(nil, circ.Event{Stamp: p.stamp, Body: body}, p.options.Sealer)
	if err != nil {
		return err
	}
	if err := p.record(raw); err != nil {
		return fmt.Errorf("%T: %w", body, err)
	}
	if b, is := body.(circ.AliasLinked); is {
		return p.link(b)
	}
	return nil
}

// record takes in an event as it is written. What follows is drawn from that, not
// from what was meant; and what cannot be read back is not written.
func (p *pen) record(raw []byte) error {
	e, err := wire.ParseEvent(raw, nil)
	if err != nil {
		return err
	}
	e.Seq, p.chain = p.seq+1, p.chain.Next(raw)
	value := append(append(make([]byte, 0, len(p.chain)+len(raw)), p.chain[:]...), raw...)
	if err := p.events.Put(number(e.Seq), value); err != nil {
		return err
	}
	if err := fold(p.here, e, lookup(p.events)); err != nil {
		return err
	}
	p.seq = e.Seq
	p.batch.Events = append(p.batch.Events, raw)
	if b, is := e.Body.(circ.NoticeTaken); is {
		return answered(p.tx.Bucket(toldBucket), b)
	}
	return nil
}

// lookup gives the bodies of events; of one that is no longer held, nil.
func lookup(events table) func(uint64) (circ.EventBody, error) {
	return func(seq uint64) (circ.EventBody, error) {
		k := number(seq)
		value := events.Get(k)
		if value == nil {
			return nil, nil
		}
		_, _, raw, err := entry(k, value)
		if err != nil {
			return nil, err
		}
		e, err := wire.ParseEvent(raw, nil)
		if errors.Is(err, wire.ErrNewer) {
			return nil, nil
		}
		return e.Body, err
	}
}

// refs are the patrons that an event refers to.
func refs(body circ.EventBody) []circ.Ref {
	switch b := body.(type) {
	case circ.CheckedOut:
		return []circ.Ref{b.Patron, b.By, b.From}
	case circ.CheckedIn:
		return []circ.Ref{b.Patron}
	case circ.Renewed:
		return []circ.Ref{b.Patron, b.By}
	case circ.Placed:
		return []circ.Ref{b.By}
	case circ.TakenOut:
		return []circ.Ref{b.By}
	case circ.ConsignmentChecked:
		return []circ.Ref{b.By}
	case circ.ShelfCounted:
		return []circ.Ref{b.By}
	case circ.AliasLinked:
		return []circ.Ref{b.Patron, b.By}
	}
	return nil
}

func mentions(body circ.EventBody, ref circ.Ref) bool {
	for _, r := range refs(body) {
		if r == ref {
			return true
		}
	}
	return false
}

// Bounds are the numbers of the oldest and the newest event held; first is
// last+1 when there is none.
func (l *Ledger) Bounds() (first, last uint64, err error) {
	err = l.view(func(tx *bbolt.Tx) error {
		at, _ := base(tx)
		var err error
		last, _, err = end(tx)
		first = at + 1
		return err
	})
	return first, last, err
}

// Chain is the running hash at seq, zero at 0. The error is ErrGone for an event
// that is not held.
func (l *Ledger) Chain(seq uint64) (chain wire.Chain, err error) {
	if seq == 0 {
		return chain, nil
	}
	err = l.view(func(tx *bbolt.Tx) error {
		k := number(seq)
		value := tx.Bucket(eventBucket).Get(k)
		if value == nil {
			var at uint64
			if at, chain = base(tx); at == seq {
				return nil
			}
			chain = wire.Chain{}
			return fmt.Errorf("event %d: %w", seq, ErrGone)
		}
		var err error
		_, chain, _, err = entry(k, value)
		return err
	})
	return chain, err
}

// Read gives events as they are written, from number from on: at most max of
// them and at most size bytes, but one at least if there is one; and the chain
// after the last. The slices are the caller's.
func (l *Ledger) Read(from uint64, max, size int) (raw [][]byte, chain wire.Chain, err error) {
	err = l.view(func(tx *bbolt.Tx) error {
		c := tx.Bucket(eventBucket).Cursor()
		next := from
		for k, v := c.Seek(number(from)); k != nil && len(raw) < max; k, v = c.Next() {
			seq, after, event, err := entry(k, v)
			if err != nil {
				return err
			}
			if seq != next {
				return fmt.Errorf("event %d: %w", next, ErrGone)
			}
			if size -= len(event); size < 0 && len(raw) > 0 {
				return nil
			}
			raw, chain, next = append(raw, append([]byte(nil), event...)), after, seq+1
		}
		return nil
	})
	return raw, chain, err
}

// Events gives the events from number from on, decoded. The walk ends with the
// first error; events written meanwhile are given too.
func (l *Ledger) Events(from uint64) iter.Seq2[circ.Event, error] {
	return func(yield func(circ.Event, error) bool) {
		for {
			raw, _, err := l.Read(from, wire.MaxEvents, wire.MaxBytes)
			if err != nil {
				yield(circ.Event{}, err)
				return
			}
			for _, event := range raw {
				e, err := wire.ParseEvent(event, nil)
				e.Seq = from
				if !yield(e, err) || err != nil {
					return
				}
				from++
			}
			if len(raw) == 0 {
				return
			}
		}
	}
}

// LastStamp is when the newest event was recorded: no clock of this station may
// honestly show less. The zero Stamp for an empty log.
func (l *Ledger) LastStamp() (s circ.Stamp, err error) {
	err = l.view(func(tx *bbolt.Tx) error {
		key, value := tx.Bucket(eventBucket).Cursor().Last()
		if key == nil {
			return nil
		}
		_, _, raw, err := entry(key, value)
		if err != nil {
			return err
		}
		e, err := wire.ParseEvent(raw, nil)
		s = e.Stamp
		return err
	})
	return s, err
}
