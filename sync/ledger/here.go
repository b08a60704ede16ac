package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.etcd.io/bbolt"

	"coldstation/sync/wire"
)

// lag is how many records of here may wait to be written. What follows from the
// events can be had from them again at any time, so the bucket here is written now
// and then, and what has changed since is kept in memory: each transaction then
// touches the pages of one bucket instead of two. The mark metaHere, written with
// it, is the event that the bucket is as of; from there on the events are folded
// again when the ledger is opened.
const lag = 64

// hereTable is here as of the newest event: the bucket, and over it what changed
// since and what the present transaction changes. A nil value is a record that went.
type hereTable struct {
	bucket *bbolt.Bucket
	since  map[string][]byte
	now    map[string][]byte // nil while reading
}

func (l *Ledger) here(tx *bbolt.Tx) hereTable {
	t := hereTable{bucket: tx.Bucket(hereBucket), since: l.since}
	if tx.Writable() {
		t.now = l.now
	}
	return t
}

func (t hereTable) Get(k []byte) []byte {
	if v, is := t.now[string(k)]; is {
		return v
	}
	if v, is := t.since[string(k)]; is {
		return v
	}
	return t.bucket.Get(k)
}

func (t hereTable) Put(k, v []byte) error {
	t.now[string(k)] = append(make([]byte, 0, len(v)), v...)
	return nil
}

func (t hereTable) Delete(k []byte) error {
	t.now[string(k)] = nil
	return nil
}

// under calls fn with what follows prefix in each key that begins with it, in order.
func (t hereTable) under(prefix []byte, fn func(rest, value []byte) error) error {
	over := maps.Clone(t.since)
	if over == nil {
		over = map[string][]byte{}
	}
	maps.Copy(over, t.now)
	var keys []string
	for k := range over {
		if bytes.HasPrefix([]byte(k), prefix) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	say := func(k string) error {
		if v := over[k]; v != nil {
			return fn([]byte(k[len(prefix):]), v)
		}
		return nil
	}
	err := under(t.bucket, prefix, func(rest, value []byte) error {
		k := string(prefix) + string(rest)
		for len(keys) > 0 && keys[0] < k {
			if err := say(keys[0]); err != nil {
				return err
			}
			keys = keys[1:]
		}
		if _, is := over[k]; is {
			return nil // its turn comes with the next one
		}
		return fn(rest, value)
	})
	for _, k := range keys {
		if err == nil {
			err = say(k)
		}
	}
	return err
}

// settle writes into the bucket what has changed since it was written.
func (t hereTable) settle(tx *bbolt.Tx) error {
	over := maps.Clone(t.now)
	for k, v := range t.since {
		if _, later := over[k]; !later {
			over[k] = v
		}
	}
	for _, k := range slices.Sorted(maps.Keys(over)) {
		var err error
		if v := over[k]; v != nil {
			err = t.bucket.Put([]byte(k), v)
		} else {
			err = t.bucket.Delete([]byte(k))
		}
		if err != nil {
			return err
		}
	}
	last, _, err := end(tx)
	return errors.Join(err, tx.Bucket(metaBucket).Put(metaHere, number(last)))
}

// asOf is the event that the bucket here is as of.
func asOf(tx *bbolt.Tx) (uint64, error) {
	oldest, _ := base(tx)
	last, _, err := end(tx)
	if err != nil {
		return 0, err
	}
	mark := tx.Bucket(metaBucket).Get(metaHere)
	if mark == nil { // an earlier version wrote it with each event
		return last, nil
	}
	at := decode(mark)
	if at < oldest || at > last {
		return 0, fmt.Errorf("%w: what follows from the events is as of %d, and they are %d to %d", ErrCorrupt, at, oldest+1, last)
	}
	return at, nil
}

// catchUp folds the events that the bucket here is not as of.
func (l *Ledger) catchUp(tx *bbolt.Tx) error {
	at, err := asOf(tx)
	if err != nil {
		return err
	}
	events := tx.Bucket(eventBucket)
	t := hereTable{bucket: tx.Bucket(hereBucket), now: map[string][]byte{}}
	before := lookup(events)
	c := events.Cursor()
	for k, v := c.Seek(number(at + 1)); k != nil; k, v = c.Next() {
		seq, _, raw, err := entry(k, v)
		if err != nil {
			return err
		}
		e, err := wire.ParseEvent(raw, nil)
		if errors.Is(err, wire.ErrNewer) {
			// A bit that rots may make a newer version of it; then its hash tells.
			if _, found := verify(tx); found != nil {
				return found
			}
			return err
		}
		e.Seq = seq
		if err == nil {
			err = fold(t, e, before)
		}
		if err != nil {
			return fmt.Errorf("%w: event %d: %w", ErrCorrupt, seq, err)
		}
	}
	l.since = t.now
	return nil
}
