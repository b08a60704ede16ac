package ledger

import (
	"errors"
	"fmt"
	"os"
	"time"

	"go.etcd.io/bbolt"

	"coldstation/sync/circ"
	"coldstation/sync/wire"
)

// Retention is how long a station keeps events that the hub has, so that a hub
// that was restored from a backup can ask for them again.
const Retention = 90 * 24 * time.Hour

// Retire lets go of the events that the hub has and that were recorded before a
// date, if there are at least least of them, and answers how many went. What they
// had led to, numbers, running hash and marks stay.
//
// It copies what stays into a new file, since a bbolt file never shrinks and one
// full of free pages is slow, and puts that in the old one's place when it has been
// checked; wherever the power goes, one of them is there, whole. The ledger must not
// be open. The journal follows when the ledger is opened.
func Retire(path string, o Options, before time.Time, least uint64) (gone uint64, err error) {
	if err := o.check(); err != nil {
		return 0, fmt.Errorf("retire events: %w", err)
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if o.Timeout == 0 {
		o.Timeout = time.Second
	}
	db, err := openFile(path, o.Timeout, false)
	if err != nil {
		return 0, fmt.Errorf("retire events: %w", err)
	}
	l := &Ledger{db: db, path: path, options: o}
	err = guard(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			if err := l.recognise(tx); err != nil {
				return err
			}
			from, _ := base(tx)
			upTo, err := horizon(tx, before)
			if err != nil || upTo < from+max(least, 1) {
				return err
			}
			if _, err := verify(tx); err != nil {
				return err // damage is not to be copied
			}
			draft, err := draw(path, func(to *bbolt.Tx) error { return carry(tx, to, upTo) })
			if err == nil {
				err = os.Rename(draft, path)
			}
			gone = upTo - from
			return errors.Join(err, syncDir(path))
		})
	})
	if err = errors.Join(err, guard(db.Close)); err != nil {
		return 0, fmt.Errorf("retire events: %w", l.full(err))
	}
	return gone, nil
}

// horizon is the number of the last event that may go. The order of events is that of
// their numbers, so one whose time can be trusted dates all before it. The newest
// event always stays, and what one that stays undoes.
func horizon(tx *bbolt.Tx, before time.Time) (upTo uint64, err error) {
	upTo, _ = base(tx)
	from := upTo
	last, _, err := end(tx)
	if err != nil {
		return 0, err
	}
	most := min(mark(tx, Hub), max(last, 1)-1)
	c := tx.Bucket(eventBucket).Cursor()
	var undone [][2]uint64
	dated := false
	for k, v := c.First(); k != nil; k, v = c.Next() {
		seq, _, raw, err := entry(k, v)
		if err != nil {
			return 0, err
		}
		e, err := wire.ParseEvent(raw, nil)
		if err != nil {
			return 0, err
		}
		if u, is := e.Body.(circ.Undone); is {
			undone = append(undone, [2]uint64{seq, u.Seq})
		}
		if dated || e.Stamp.Clock == circ.ClockUnset {
			continue
		}
		if dated = !e.Stamp.Wall.Before(before); !dated && seq <= most {
			upTo = seq
		}
		if dated && upTo == from {
			break // the rule: nothing is old enough
		}
	}
	for i := len(undone) - 1; i >= 0; i-- {
		if by, what := undone[i][0], undone[i][1]; what > 0 && what <= upTo && by > upTo {
			upTo, i = what-1, len(undone)
		}
	}
	return max(upTo, from), nil
}

// carry copies a ledger without its events up to one.
func carry(from, to *bbolt.Tx, upTo uint64) error {
	for _, name := range [][]byte{metaBucket, eventBucket, hereBucket, aliasBucket, markBucket, toldBucket, verdictBucket, baseBucket} {
		if _, err := to.CreateBucket(name); err != nil {
			return err
		}
	}
	here, err := based(from)
	if err != nil {
		return err
	}
	events, kept := from.Bucket(eventBucket), to.Bucket(eventBucket)
	kept.FillPercent = 1
	var last uint64
	var chain wire.Chain
	before := lookup(events)
	err = events.ForEach(func(k, v []byte) error {
		seq, after, raw, err := entry(k, v)
		if err != nil {
			return err
		}
		e, err := wire.ParseEvent(raw, nil)
		if err != nil {
			return err
		}
		e.Seq, last = seq, seq
		if err := fold(here, e, before); err != nil {
			return err
		}
		if seq == upTo {
			chain = after
			return here.pour(to.Bucket(baseBucket))
		}
		if seq > upTo {
			return kept.Put(k, v)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := here.pour(to.Bucket(hereBucket)); err != nil {
		return err
	}
	for _, name := range [][]byte{metaBucket, aliasBucket, markBucket, toldBucket} {
		if err := from.Bucket(name).ForEach(to.Bucket(name).Put); err != nil {
			return err
		}
	}
	if kept := from.Bucket(keptBucket); kept != nil {
		copied, err := to.CreateBucket(keptBucket)
		if err != nil {
			return err
		}
		if err := kept.ForEach(copied.Put); err != nil {
			return err
		}
	}
	m := to.Bucket(metaBucket)
	if err := errors.Join(m.Put(metaBase, append(number(upTo), chain[:]...)), m.Put(metaHere, number(last))); err != nil {
		return err
	}
	return verdicts(from, to, upTo)
}

// verdicts copies what the library system made of the events that stay, and of those
// that an item's present state still goes back to.
func verdicts(from, to *bbolt.Tx, upTo uint64) error {
	wanted := map[uint64]bool{}
	here := to.Bucket(hereBucket)
	err := under(here, key(hereItem), func(rest, _ []byte) error {
		s, err := get[spot](here, key(hereItem, rest))
		for ; err == nil && s != nil; s = s.Prev {
			wanted[s.Made] = true
			if s.Loan != nil {
				wanted[s.Loan.Seq] = true
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	kept := to.Bucket(verdictBucket)
	return from.Bucket(verdictBucket).ForEach(func(k, v []byte) error {
		if seq := decode(k); seq > upTo || wanted[seq] {
			return kept.Put(k, v)
		}
		return nil
	})
}
