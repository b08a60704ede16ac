package ledger

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/fxamacker/cbor/v2"
	"go.etcd.io/bbolt"

	"coldstation/sync/circ"
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

// pour writes it all, in order, into a bucket that is new.
func (s shadow) pour(b *bbolt.Bucket) error {
	for _, k := range slices.Sorted(maps.Keys(s)) {
		if err := b.Put([]byte(k), s[k]); err != nil {
			return err
		}
	}
	return nil
}

// Verify reads the whole ledger: that its pages hang together, that the events have
// no gap, that each is readable and its running hash follows from the one before,
// that folding them anew gives what stands in here, and that cards, marks and what
// the hub told are readable and point at what there is. The error is ErrCorrupt, or
// wire.ErrNewer for an event that only a later version can judge.
func (l *Ledger) Verify() (r Report, err error) {
	l.writing.Lock() // the file stands still
	err = inspect(l.path)
	l.writing.Unlock()
	if err != nil {
		return r, err
	}
	err = l.view(func(tx *bbolt.Tx) (err error) { r, err = verify(tx); return err })
	return r, err
}

func verify(tx *bbolt.Tx) (r Report, err error) {
	at, err := asOf(tx)
	if err != nil {
		return r, err
	}
	here, err := based(tx)
	if err != nil {
		return r, err
	}
	events := tx.Bucket(eventBucket)
	before := lookup(events)
	r.Last, r.Chain = base(tx)
	if r.Last == at {
		if err := compare(here, tx.Bucket(hereBucket)); err != nil {
			return r, err
		}
	}
	err = events.ForEach(func(k, v []byte) error {
		seq, after, raw, err := entry(k, v)
		if err != nil {
			return err
		}
		chain := r.Chain.Next(raw)
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
		if err := fold(here, e, before); err != nil {
			return fmt.Errorf("%w: event %d: %w", ErrCorrupt, seq, err)
		}
		r.Events, r.Last, r.Chain = r.Events+1, seq, chain
		if seq == at {
			return compare(here, tx.Bucket(hereBucket))
		}
		return nil
	})
	if err != nil {
		return r, err
	}
	err = tx.Bucket(aliasBucket).ForEach(func(k, v []byte) error {
		if len(k) != 16 || len(v) < 16 || here.Get(key(hereMet, v[:16])) == nil {
			return fmt.Errorf("%w: a card of nobody", ErrCorrupt)
		}
		return nil
	})
	if err != nil {
		return r, err
	}
	if err := readable(tx.Bucket(toldBucket)); err != nil {
		return r, err
	}
	err = tx.Bucket(verdictBucket).ForEach(func(k, _ []byte) error {
		_, err := get[verdict](tx.Bucket(verdictBucket), k)
		return err
	})
	if err != nil {
		return r, err
	}
	if r.Hub = mark(tx, Hub); r.Hub > r.Last {
		return r, fmt.Errorf("%w: the hub's mark is %d, the newest event %d", ErrCorrupt, r.Hub, r.Last)
	}
	return r, nil
}

// based is what the events that were let go had led to.
func based(tx *bbolt.Tx) (shadow, error) {
	here := shadow{}
	b := tx.Bucket(baseBucket)
	if b == nil {
		return here, nil
	}
	return here, b.ForEach(here.Put)
}

// readable checks what the hub told as far as it can be read without anybody's
// card.
func readable(told *bbolt.Bucket) error {
	return told.ForEach(func(k, v []byte) error {
		var record any
		switch k[0] {
		case toldItem:
			record = new(circ.Item)
		case toldPolicy:
			record = new(circ.Policy)
		case toldProxy:
			record = new(proxy)
		case toldLoan:
			record = new(word)
		case toldConsignment, toldRecall, toldPicks:
			record = new([]circ.ItemID)
		case toldMessage:
			record = new(map[string]string)
		case toldSettings:
			record = new(circ.SettingsPut)
		case toldTitle:
			record = new(string)
		case toldCardFilter:
			record = new(circ.CardFilterPut)
		case toldPatron, toldCard, toldTile, toldAgent, toldCommand:
			return nil
		default:
			return fmt.Errorf("%w: a record of no kind", ErrCorrupt)
		}
		if err := cbor.Unmarshal(v, record); err != nil {
			return fmt.Errorf("%w: record %q: %w", ErrCorrupt, k[:1], err)
		}
		return nil
	})
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
