package ledger

import (
	"bytes"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"coldstation/sync/wire"
)

// Report is what Verify found in order.
type Report struct {
	Events uint64     // held
	Last   uint64     // the number of the newest
	Chain  wire.Chain // the running hash there
	Hub    uint64     // the mark of what the hub keeps
}

// shadow is a table in memory.
type shadow map[string][]byte

func (s shadow) Get(k []byte) []byte   { return s[string(k)] }
func (s shadow) Put(k, v []byte) error { s[string(k)] = append([]byte{}, v...); return nil }
func (s shadow) Delete(k []byte) error { delete(s, string(k)); return nil }

// Verify reads the whole ledger: that its pages hang together, that the events have no gap, that each is
// readable and its running hash follows from the one before, that folding them
// anew gives what stands in here, and that cards, marks and the hub's word are
// readable and point at what there is. The error is ErrCorrupt, or wire.ErrNewer
// for an event that only a later version can judge.
func (l *Ledger) Verify() (r Report, err error) {
	l.writing.Lock() // the file stands still
	err = inspect(l.db.Path())
	l.writing.Unlock()
	if err != nil {
		return r, err
	}
	err = l.view(func(tx *bbolt.Tx) error {
		here := shadow{}
		events := tx.Bucket(eventBucket)
		var chain wire.Chain
		err := events.ForEach(func(k, v []byte) error {
			seq, after, raw, err := entry(k, v)
			if err != nil {
				return err
			}
			chain = chain.Next(raw)
			switch {
			case seq != r.Last+1:
				return fmt.Errorf("%w: event %d comes after %d", ErrCorrupt, seq, r.Last)
			case chain != after:
				return fmt.Errorf("%w: event %d does not follow from the one before", ErrCorrupt, seq)
			}
			e, err := wire.ParseEvent(raw, nil)
			if err != nil {
				return fmt.Errorf("event %d: %w", seq, err)
			}
			e.Seq = seq
			if err := fold(here, e, lookup(events)); err != nil {
				return fmt.Errorf("%w: event %d: %w", ErrCorrupt, seq, err)
			}
			r.Events, r.Last, r.Chain = r.Events+1, seq, chain
			return nil
		})
		if err != nil {
			return err
		}
		if err := compare(here, tx.Bucket(hereBucket)); err != nil {
			return err
		}
		err = tx.Bucket(aliasBucket).ForEach(func(k, v []byte) error {
			if len(k) != 16 || len(v) <= 16 || here.Get(key(hereMet, v[:16])) == nil {
				return fmt.Errorf("%w: a card of nobody", ErrCorrupt)
			}
			return nil
		})
		if err != nil {
			return err
		}
		err = under(tx.Bucket(toldBucket), key(toldLoan), func(rest, _ []byte) error {
			_, err := get[word](tx.Bucket(toldBucket), key(toldLoan, rest))
			return err
		})
		if err != nil {
			return err
		}
		if r.Hub = mark(tx, Hub); r.Hub > r.Last {
			return fmt.Errorf("%w: the hub's mark is %d, the newest event %d", ErrCorrupt, r.Hub, r.Last)
		}
		return nil
	})
	return r, err
}

func compare(want shadow, got *bbolt.Bucket) error {
	n := 0
	err := got.ForEach(func(k, v []byte) error {
		n++
		if w, there := want[string(k)]; !there || !bytes.Equal(w, v) {
			return fmt.Errorf("%w: record %q does not follow from the events", ErrCorrupt, k[:1])
		}
		return nil
	})
	if err != nil || n == len(want) {
		return err
	}
	kinds := map[string]bool{}
	for k := range want {
		if got.Get([]byte(k)) == nil {
			kinds[k[:1]] = true
		}
	}
	missing := make([]string, 0, len(kinds))
	for kind := range kinds {
		missing = append(missing, kind)
	}
	slices.Sort(missing)
	return fmt.Errorf("%w: %d records %q that follow from the events are not there", ErrCorrupt, len(want)-n, missing)
}
