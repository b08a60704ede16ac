package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"coldstation/sync/circ"
	"coldstation/sync/ledger/journal"
	"coldstation/sync/wire"
)

// ErrNothing is a ledger of which there is neither a journal nor anything to read.
var ErrNothing = errors.New("ledger: nothing is left of it")

// LedgerFault is raised when a ledger was rescued, or its journal begun anew.
const LedgerFault = "ledger"

// Saved is what a rescue made.
type Saved struct {
	Ledger  uuid.UUID // of the ledger it made
	Was     uuid.UUID // of the one that was damaged; the same if nothing is missing
	Events  uint64    // in the new file
	Last    uint64    // the newest of the damaged ledger that joins without a gap
	Missing []uint64  // first and last, first and last, of events that cannot be read
	Kept    string    // where the damaged file is; "" for none
	Why     []string  // what is wrong with the journal
}

// Whole reports whether nothing is missing: then the ledger is the same, and goes
// on.
func (s Saved) Whole() bool { return s.Ledger == s.Was }

// String says in plain words what was saved.
func (s Saved) String() string {
	var b strings.Builder
	switch {
	case s.Was == uuid.Nil:
		fmt.Fprintf(&b, "nothing can be read of the ledger, a new one begins")
	case s.Whole():
		fmt.Fprintf(&b, "all events up to %d were saved", s.Last)
	default:
		fmt.Fprintf(&b, "%d events that the library may not have were saved, in a new ledger %s after %s", s.Events, s.Ledger, s.Was)
	}
	for i := 0; i+1 < len(s.Missing); i += 2 {
		fmt.Fprintf(&b, "; events %d to %d cannot be read", s.Missing[i], s.Missing[i+1])
	}
	if s.Kept != "" {
		fmt.Fprintf(&b, "; the damaged file is kept as %s", filepath.Base(s.Kept))
	}
	for _, why := range s.Why {
		fmt.Fprintf(&b, "; %s", why)
	}
	text := strings.ToValidUTF8(b.String(), "?")
	return text[:min(len(text), circ.MaxWords)]
}

// Rescue makes a ledger in the place of one that is damaged or gone, from the
// journal and from what can be read of the damaged file. That is kept beside it.
//
// If the events join without a gap up to all that the hub is known to have, it is
// the same ledger again, and what follows from the events with it; what the hub
// told is asked for again. Else it is a new ledger, with the events that the hub
// may not have: the hub has the others, and tells of the loans among them. Either
// way a fault "ledger" is raised in it, with Saved in plain words.
//
// A file that is not this station's, or a newer version's, or in use, is refused
// untouched; so is a ledger that is in order, with fs.ErrExist. Where nothing is left
// a new ledger begins.
func Rescue(at circ.Stamp, path string, o Options) (saved Saved, err error) {
	if err := o.check(); err != nil {
		return saved, fmt.Errorf("rescue ledger: %w", err)
	}
	lost, err := seizeDamaged(path, o)
	if err != nil {
		return saved, fmt.Errorf("rescue ledger %s: %w", path, err)
	}
	if lost != nil {
		defer lost.Close()
	}
	w, err := gather(path)
	if err == nil && !w.ours(o) {
		err = fmt.Errorf("%w: it is %q's", ErrForeign, w.station)
	}
	if err != nil {
		return saved, fmt.Errorf("rescue ledger %s: %w", path, err)
	}
	w.station, w.check = o.Station, keyCheck(o.Key)
	if removed := thin(path); removed != "" {
		w.saved.Why = append(w.saved.Why, removed)
	}
	if lost != nil {
		w.saved.Kept = path + aside(at.Wall)
		for n := 2; exists(w.saved.Kept); n++ {
			w.saved.Kept = fmt.Sprintf("%s%s-%d", path, aside(at.Wall), n)
		}
	}
	draft, err := w.draw(path, at)
	if errors.Is(err, syscall.ENOSPC) && os.Remove(path+reserveName) == nil {
		draft, err = w.draw(path, at)
	}
	if err != nil {
		return saved, fmt.Errorf("rescue ledger %s: %w", path, unwritable(err))
	}
	if lost != nil {
		// Both names first: there is a file at path at any instant.
		if err := os.Link(path, w.saved.Kept); err != nil {
			return saved, fmt.Errorf("rescue ledger: keep the damaged file: %w", err)
		}
	}
	if err := errors.Join(os.Rename(draft, path), syncDir(path)); err != nil {
		return saved, fmt.Errorf("rescue ledger: %w", err)
	}
	return w.saved, nil
}

// Salvage does what Rescue does, into a file of its own, and touches nothing else.
// It needs no key: the station is whose the journal or the file says.
func Salvage(at circ.Stamp, path, to string) (saved Saved, err error) {
	if exists(to) {
		return saved, fmt.Errorf("salvage ledger: %s: %w", to, fs.ErrExist)
	}
	w, err := gather(path)
	if err == nil && (w.nothing() || !w.station.Valid() || len(w.check) != 8) {
		err = ErrNothing
	}
	if err != nil {
		return saved, fmt.Errorf("salvage ledger %s: %w", path, err)
	}
	draft, err := w.draw(to, at)
	if err == nil {
		err = errors.Join(os.Rename(draft, to), syncDir(to))
	}
	if err != nil {
		return saved, fmt.Errorf("salvage ledger %s: %w", path, err)
	}
	return w.saved, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// seizeDamaged holds the damaged file, nil if it is gone, after it was made sure that
// it is damaged and ours, as far as it still tells.
func seizeDamaged(path string, o Options) (*os.File, error) {
	if !exists(path) {
		return nil, nil
	}
	l, err := Open(path, Options{Station: o.Station, Key: o.Key, Sealer: o.Sealer, Timeout: o.Timeout})
	switch {
	case err == nil:
		sound, err := l.sound()
		if err = errors.Join(err, l.Close()); err == nil && sound {
			err = fmt.Errorf("it is in order: %w", fs.ErrExist)
		}
		if err != nil {
			return nil, err
		}
	case !errors.Is(disowned(path, o, err), ErrCorrupt) && !errors.Is(err, wire.ErrMalformed):
		return nil, err
	}
	return seize(path)
}

// sound reports whether the ledger is also what its journal says: not older than that,
// and not by another name.
func (l *Ledger) sound() (bool, error) {
	c, err := journal.Read(l.path)
	if err != nil || c == nil {
		return true, err
	}
	_, last, err := l.Bounds()
	if err != nil {
		return false, err
	}
	chain, err := l.Chain(last)
	return last >= c.After && !l.misnamed(c, last, chain), err
}

// wreck is what is left of a ledger.
type wreck struct {
	station circ.StationID
	check   []byte
	journal *journal.Content // nil for none
	file    salvaged

	after  uint64     // where the events begin that join
	chain  wire.Chain // there
	run    [][]byte   // they
	sent   uint64     // how far the hub is known to be
	strays map[uint64][]byte
	saved  Saved
}

// ours reports whether it is o's: the journal proves it; a file that is damaged may
// be mistaken in one of the two things it says.
func (w *wreck) ours(o Options) bool {
	if w.journal != nil {
		return o.owns(w.journal)
	}
	return w.station == "" || w.station == o.Station || bytes.Equal(w.check, keyCheck(o.Key))
}

// nothing reports whether nothing is left at all.
func (w *wreck) nothing() bool { return w.saved.Was == uuid.Nil }

// gather reads all there is.
func gather(path string) (*wreck, error) {
	w := &wreck{file: salvage(path), strays: map[uint64][]byte{}}
	w.station, w.check, w.saved.Was = w.file.station, w.file.check, w.file.id
	c, err := journal.Read(path)
	if err != nil {
		return nil, err
	}
	if c != nil {
		for _, f := range c.Faults {
			w.saved.Why = append(w.saved.Why, f.String())
		}
		if c.Ledger == uuid.Nil || w.file.id != uuid.Nil && w.file.id != c.Ledger && !w.file.alike(c) {
			w.saved.Why = append(w.saved.Why, "the journal is another ledger's")
			c = nil
		}
	}
	if w.journal = c; c != nil {
		w.station, w.check, w.saved.Was = circ.StationID(c.Station), c.Key, c.Ledger
		w.after, w.chain, w.sent = c.After, c.Chain, c.Mark
	}
	w.join()
	return w, nil
}

// join puts the events together that follow from one another, of whichever copy, and
// finds out what is missing.
func (w *wreck) join() {
	at := map[uint64]candidate{} // from the journal
	if w.journal != nil {
		for _, b := range w.journal.Batches {
			chain := b.Before
			for i, raw := range b.Events {
				chain = chain.Next(raw)
				at[b.First+uint64(i)] = candidate{chain, raw}
			}
		}
	}
	seq, chain := w.after, w.chain
	for {
		c, found := at[seq+1]
		if !found || chain.Next(c.raw) != c.chain {
			if c, found = w.file.follows(seq+1, chain); !found {
				break
			}
		}
		seq, chain = seq+1, c.chain
		w.run = append(w.run, c.raw)
	}
	w.saved.Last = seq
	// What stands behind a gap: of the journal all, since each proves itself; of the
	// file what follows from its neighbour.
	for n, c := range at {
		if n > seq {
			w.strays[n] = c.raw
		}
	}
	newest := max(seq, slices.Max(append(slices.Collect(maps.Keys(w.strays)), 0)))
	for n, candidates := range w.file.events {
		if _, known := w.strays[n]; n <= seq || known {
			continue
		}
		for _, c := range candidates {
			if _, follows := w.file.follows(n+1, c.chain); follows || n <= newest+1 {
				w.strays[n] = c.raw
				break
			}
		}
	}
	newest = max(newest, slices.Max(append(slices.Collect(maps.Keys(w.strays)), 0)))
	// A mark that no event comes near is damage itself.
	if w.file.hub <= 2*newest+1000 {
		newest = max(newest, w.file.hub)
		if w.journal == nil {
			w.sent = w.file.hub
		}
	}
	newest = max(newest, w.sent)
	for n := seq + 1; n <= newest; n++ {
		if _, known := w.strays[n]; known {
			continue
		}
		if m := len(w.saved.Missing); m > 0 && w.saved.Missing[m-1] == n-1 {
			w.saved.Missing[m-1] = n
		} else {
			w.saved.Missing = append(w.saved.Missing, n, n)
		}
	}
}

// draw makes the new ledger's file beside path.
func (w *wreck) draw(path string, at circ.Stamp) (draft string, err error) {
	whole := !w.nothing() && len(w.saved.Missing) == 0 && len(w.strays) == 0 && w.begun()
	w.saved.Ledger = w.saved.Was
	if !whole {
		w.saved.Ledger = uuid.New()
	}
	return draw(path, func(tx *bbolt.Tx) error {
		if err := found(tx, w.station, w.check, w.saved.Ledger); err != nil {
			return err
		}
		l := &Ledger{options: Options{Station: w.station}, id: w.saved.Ledger, station: w.station}
		p := &pen{stamp: at}
		fill := w.again
		if !whole {
			fill = w.anew
		}
		if err := fill(l, p, tx); err != nil {
			return err
		}
		w.saved.Events = p.seq
		if whole {
			w.saved.Events -= w.after
		}
		if err := p.write(circ.FaultRaised{Fault: LedgerFault, Detail: w.saved.String()}); err != nil {
			return err
		}
		return p.here.settle(tx)
	})
}

// begun reports whether what the first of the events follow from is known.
func (w *wreck) begun() bool {
	return w.after == 0 || w.journal != nil && w.journal.Whole && len(w.journal.Faults) == 0
}

// again fills the same ledger.
func (w *wreck) again(l *Ledger, p *pen, tx *bbolt.Tx) error {
	var records []journal.Record
	if w.journal != nil {
		records = w.journal.Records
	}
	if w.after > 0 {
		if err := tx.Bucket(metaBucket).Put(metaBase, append(number(w.after), w.chain[:]...)); err != nil {
			return err
		}
	}
	for _, r := range records {
		if r.Bucket == baseRecord {
			if err := errors.Join(tx.Bucket(baseBucket).Put(r.Key, r.Value), tx.Bucket(hereBucket).Put(r.Key, r.Value)); err != nil {
				return err
			}
		}
	}
	if err := l.start(p, tx); err != nil {
		return err
	}
	for _, raw := range w.run {
		if err := p.record(raw); err != nil {
			return fmt.Errorf("event %d: %w", p.seq+1, err)
		}
	}
	return errors.Join(w.aliases(p), tx.Bucket(markBucket).Put([]byte(Hub), number(min(w.sent, p.seq))))
}

func (w *wreck) aliases(p *pen) error {
	if w.journal == nil {
		return nil
	}
	for _, r := range w.journal.Records {
		if r.Bucket == aliasRecord && len(r.Value) >= 16 && p.met(circ.Ref(r.Value[:16])) {
			if err := p.tx.Bucket(aliasBucket).Put(r.Key, r.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

// anew fills a new ledger with what the hub may not have, and what that refers to.
func (w *wreck) anew(l *Ledger, p *pen, tx *bbolt.Tx) error {
	if err := l.start(p, tx); err != nil {
		return err
	}
	all := maps.Clone(w.strays)
	for i, raw := range w.run {
		all[w.after+1+uint64(i)] = raw
	}
	var session uint64
	met := map[circ.Ref][]byte{}
	var unsent []uint64
	for _, seq := range slices.Sorted(maps.Keys(all)) {
		e, err := wire.ParseEvent(all[seq], nil)
		if err != nil {
			return fmt.Errorf("event %d: %w", seq, err)
		}
		switch b := e.Body.(type) {
		case circ.Started:
			session = max(session, b.Session)
		case circ.PatronMet:
			met[b.Ref] = all[seq]
		}
		if seq > w.sent {
			unsent = append(unsent, seq)
		}
	}
	if w.journal != nil { // a start that was let go
		for _, r := range w.journal.Records {
			if r.Bucket == baseRecord && bytes.Equal(r.Key, key(hereSession)) {
				session = max(session, decode(r.Value))
			}
		}
	}
	if session > 0 { // sessions never go back, or the hub takes a birth for an old one
		if err := p.write(circ.Started{Version: "rescued", Session: session}); err != nil {
			return err
		}
	}
	now := map[uint64]uint64{} // old numbers to new ones
	for _, seq := range unsent {
		raw := all[seq]
		e, err := wire.ParseEvent(raw, nil)
		if err != nil {
			return err
		}
		switch b := e.Body.(type) {
		case circ.PatronMet:
			if p.met(b.Ref) {
				continue
			}
		case circ.Undone:
			if now[b.Seq] == 0 {
				w.saved.Why = append(w.saved.Why, fmt.Sprintf("event %d undoes event %d, which only the library has", seq, b.Seq))
				continue
			}
			b.Seq = now[b.Seq]
			if raw, err = wire.AppendEvent(nil, circ.Event{Stamp: e.Stamp, Body: b}, nil); err != nil {
				return err
			}
		}
		for _, ref := range refs(e.Body) {
			if !ref.IsZero() && !p.met(ref) && met[ref] != nil {
				if err := p.record(met[ref]); err != nil {
					return err
				}
			}
		}
		if err := p.record(raw); err != nil {
			return fmt.Errorf("event %d: %w", seq, err)
		}
		now[seq] = p.seq
	}
	return w.aliases(p)
}
