package ledger

import (
	"bytes"
	"crypto/hmac"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"coldstation/sync/ledger/journal"
	"coldstation/sync/wire"
)

// The buckets of which the journal keeps records.
const (
	baseRecord  = 'h' // base
	aliasRecord = 'a' // alias
)

func (o Options) owns(c *journal.Content) bool {
	return c.Station == string(o.Station) && hmac.Equal(c.Key, keyCheck(o.Key))
}

func (o Options) disk() journal.Disk {
	if o.faults != nil && o.faults.journal != nil {
		return o.faults.journal
	}
	return journal.OS
}

// attach takes up the journal, after what only it has was taken in; r is what the
// ledger itself has.
func (l *Ledger) attach(r Report) error {
	c, err := journal.Read(l.path)
	if err != nil {
		return err
	}
	if c != nil {
		if l.misnamed(c, r.Last, r.Chain) {
			return fmt.Errorf("%w: it says it is ledger %s, and its journal %s, of the same events", ErrCorrupt, l.id, c.Ledger)
		}
		if l.mended = l.misfit(c); l.mended == "" {
			if err := l.follow(c, r); err != nil || l.journal != nil {
				return err
			}
		}
		if l.mended != "" {
			if removed := thin(l.path); removed != "" {
				l.mended += "; " + removed
			}
			if err := c.Aside(aside(time.Now())); err != nil {
				return err
			}
		}
	}
	l.journal, err = l.journalAnew()
	return err
}

// misnamed reports whether the ledger bears another's name: the journal is ours and of
// the same events.
func (l *Ledger) misnamed(c *journal.Content, last uint64, chain wire.Chain) bool {
	return c.Ledger != l.id && c.Ledger != uuid.Nil && l.options.owns(c) && last > 0 && c.Tells(last, chain)
}

// misfit is why the journal cannot be this ledger's second copy, in plain words.
func (l *Ledger) misfit(c *journal.Content) string {
	switch {
	case len(c.Faults) > 1:
		return fmt.Sprintf("%s, and %d more", c.Faults[0], len(c.Faults)-1)
	case len(c.Faults) > 0:
		return c.Faults[0].String()
	case c.Ledger != l.id || !l.options.owns(c):
		return "the journal is another ledger's"
	}
	return ""
}

// follow goes on with the journal, after each copy was given what only the other has;
// unless it tells another story, or begins so early that it has outlived its
// retention.
func (l *Ledger) follow(c *journal.Content, r Report) error {
	if c.After > r.Last {
		return fmt.Errorf("%w: it ends at event %d, before its journal begins", ErrCorrupt, r.Last)
	}
	var more [][]byte
	last, chain, _ := c.Run(func(seq uint64, _ wire.Chain, raw []byte) error {
		if seq > r.Last {
			more = append(more, raw)
		}
		return nil
	})
	if c.Newest() > last {
		l.mended = fmt.Sprintf("the journal has a hole after event %d", last)
		return nil
	}
	astray, err := l.astray(c.Records)
	if err != nil {
		return err
	}
	if len(more) > 0 || astray {
		switch err := l.update(func(tx *bbolt.Tx) error { return l.replay(tx, more, c.Records) }); {
		case errors.Is(err, ErrBroken), errors.Is(err, wire.ErrNewer):
			return err
		case err != nil:
			l.mended = err.Error()
			return nil
		}
	}
	ours, err := l.Chain(last)
	if err != nil && !errors.Is(err, ErrGone) {
		return err
	}
	if ours != chain {
		l.mended = fmt.Sprintf("the journal tells another story up to event %d", last)
		return nil
	}
	return l.view(func(tx *bbolt.Tx) error {
		if oldest, _ := base(tx); c.After != oldest {
			return nil
		}
		w, err := c.Continue(l.path, l.options.disk())
		if err != nil {
			return err
		}
		l.journal = w
		return copyEvents(tx, last, chain, w.Append)
	})
}

// astray reports whether a card stands for somebody else than the journal says. What
// the ledger says of a card opens only with that card, so it is damage that nothing
// else would show; the journal's records have sums.
func (l *Ledger) astray(records []journal.Record) (is bool, err error) {
	last := map[string][]byte{}
	for _, r := range records {
		if r.Bucket == aliasRecord {
			last[string(r.Key)] = r.Value
		}
	}
	err = l.view(func(tx *bbolt.Tx) error {
		for card, value := range last {
			is = is || !bytes.Equal(tx.Bucket(aliasBucket).Get([]byte(card)), value)
		}
		return nil
	})
	return is, err
}

// replay takes in events as they were written, and the cards that go with them.
func (l *Ledger) replay(tx *bbolt.Tx, events [][]byte, records []journal.Record) error {
	var p pen
	if err := l.start(&p, tx); err != nil {
		return err
	}
	for _, raw := range events {
		if err := p.record(raw); err != nil {
			return fmt.Errorf("event %d of the journal: %w", p.seq+1, err)
		}
	}
	for _, r := range records {
		if r.Bucket == aliasRecord {
			if err := tx.Bucket(aliasBucket).Put(r.Key, r.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

// journalAnew begins a journal with all that the ledger holds.
func (l *Ledger) journalAnew() (w *journal.Writer, err error) {
	err = l.view(func(tx *bbolt.Tx) (err error) {
		h := journal.Head{Station: string(l.station), Ledger: l.id, Key: keyCheck(l.options.Key)}
		h.After, h.Chain = base(tx)
		var records []journal.Record
		for _, b := range []struct {
			kind   byte
			bucket *bbolt.Bucket
		}{{baseRecord, tx.Bucket(baseBucket)}, {aliasRecord, tx.Bucket(aliasBucket)}} {
			if b.bucket == nil {
				continue
			}
			err := b.bucket.ForEach(func(k, v []byte) error {
				records = append(records, journal.Record{Bucket: b.kind, Key: k, Value: v})
				return nil
			})
			if err != nil {
				return err
			}
		}
		w, err = journal.Begin(l.path, l.options.disk(), h, records, func(write func(journal.Batch) error) error {
			return copyEvents(tx, h.After, h.Chain, write)
		})
		return err
	})
	return w, err
}

// copyEvents writes the events after one, which has the running hash chain, in
// batches.
func copyEvents(tx *bbolt.Tx, after uint64, chain wire.Chain, write func(journal.Batch) error) error {
	b := journal.Batch{First: after + 1, Before: chain, Mark: mark(tx, Hub)}
	c := tx.Bucket(eventBucket).Cursor()
	for k, v := c.Seek(number(after + 1)); k != nil; k, v = c.Next() {
		_, next, raw, err := entry(k, v)
		if err != nil {
			return err
		}
		if len(b.Events) == wire.MaxEvents {
			if err := write(b); err != nil {
				return err
			}
			b.First, b.Before, b.Events = b.First+wire.MaxEvents, chain, b.Events[:0]
		}
		b.Events, chain = append(b.Events, raw), next
	}
	if len(b.Events) == 0 {
		return nil
	}
	return write(b)
}

// Mended is what was wrong with the journal when the ledger was opened, in plain
// words; "" for nothing. What was wrong is kept beside it.
func (l *Ledger) Mended() string { return l.mended }

// JournalReport is what VerifyJournal found.
type JournalReport struct {
	Files  int
	Last   uint64   // of the events that join without a gap
	Faults []string // what cannot be read or does not fit, in plain words
}

// VerifyJournal compares the journal beside the ledger with it, and changes nothing.
// A ledger without a journal has no files.
func (l *Ledger) VerifyJournal() (r JournalReport, err error) {
	c, err := journal.Read(l.path)
	if err != nil || c == nil {
		return r, err
	}
	r.Files = len(c.Files)
	for _, f := range c.Faults {
		r.Faults = append(r.Faults, f.String())
	}
	fault := func(format string, args ...any) { r.Faults = append(r.Faults, fmt.Sprintf(format, args...)) }
	if c.Ledger != l.id || c.Ledger == uuid.Nil {
		fault("the journal is another ledger's, %s", c.Ledger)
		return r, nil
	}
	err = l.view(func(tx *bbolt.Tx) error {
		events := tx.Bucket(eventBucket)
		newest, _, err := end(tx)
		if err != nil {
			return err
		}
		oldest, _ := base(tx)
		other := uint64(0)
		r.Last, _, _ = c.Run(func(seq uint64, chain wire.Chain, _ []byte) error {
			if v := events.Get(number(seq)); other == 0 && v != nil {
				if _, ours, _, err := entry(number(seq), v); err != nil || ours != chain {
					other = seq
				}
			}
			return nil
		})
		switch {
		case other != 0:
			fault("event %d is not the ledger's", other)
		case c.After > oldest:
			fault("the journal begins with event %d, the ledger with %d", c.After+1, oldest+1)
		case c.Newest() > r.Last:
			fault("the journal has a hole after event %d", r.Last)
		case r.Last < newest:
			fault("the journal ends at event %d, the ledger at %d", r.Last, newest)
		case r.Last > newest:
			fault("the ledger ends at event %d, the journal at %d; the kiosk takes in the rest when it starts", newest, r.Last)
		}
		return nil
	})
	return r, err
}
