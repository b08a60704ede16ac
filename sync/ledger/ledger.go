package ledger

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"coldstation/sync/circ"
	"coldstation/sync/ledger/journal"
	"coldstation/sync/wire"
)

const (
	magic   = "coldstation ledger"
	version = 1
)

// The buckets.
var (
	metaBucket    = []byte("meta")
	eventBucket   = []byte("event")
	hereBucket    = []byte("here")
	aliasBucket   = []byte("alias")
	markBucket    = []byte("mark")
	toldBucket    = []byte("told")
	verdictBucket = []byte("verdict")
	baseBucket    = []byte("base") // not in ledgers that never let an event go
)

// What stands in meta.
var (
	metaMagic   = []byte("magic")
	metaVersion = []byte("version")
	// The version twice, so that a bit that rots makes nothing of a newer version;
	// ledgers made before 2026-12 have it once.
	metaVersionAgain = []byte("version-again")
	metaStation      = []byte("station")
	metaLedger       = []byte("ledger")
	metaKey          = []byte("key")
	metaStream       = []byte("stream")
	metaCursor       = []byte("cursor")
	metaChain        = []byte("chain")
	metaOver         = []byte("over ") // and the stream's id
	metaHere         = []byte("here")  // number of the event that the bucket here is as of
	metaBase         = []byte("base")  // number and chain of the last event that was let go
)

// ErrBroken is a ledger whose last write failed. Only opening it anew tells what
// the disk has.
var ErrBroken = errors.New("ledger: a write failed; open it anew")

// Options are what a ledger needs to know.
type Options struct {
	Station  circ.StationID
	Key      []byte        // the station's key: 32 bytes
	Sealer   *wire.Sealer  // hides identifiers in events
	Timeout  time.Duration // how long to wait for another process; 0: one second
	ReadOnly bool          // look only: nothing is created or written, no key is needed
	Journal  bool          // keep a second copy of the events in plain files beside the ledger
	Reserve  int64         // bytes held back for the day the disk is full; 0: the disk is not watched

	faults *faults // for tests: what goes wrong
}

// faults stand in for a disk's.
type faults struct {
	bolt    func(*bbolt.DB)
	journal journal.Disk
	free    func() (uint64, error)
}

// Ledger is one station's ledger. It may be used by several goroutines.
type Ledger struct {
	db      *bbolt.DB
	path    string
	options Options
	id      uuid.UUID
	station circ.StationID

	broken atomic.Pointer[failure]
	down   chan struct{} // closed when broken

	// What follows from the events and is not in the bucket yet, in step with what is
	// committed: held while a commit changes both, and by who reads.
	step  sync.RWMutex
	since map[string][]byte

	writing sync.Mutex
	now     map[string][]byte // what follows from the present transaction's
	journal *journal.Writer   // nil for none
	batch   journal.Batch     // what the present transaction writes
	mended  string            // what was wrong with the journal
}

// failure is why a ledger takes no more.
type failure struct{ error }

// Open opens the ledger at path, and makes one where there is no file yet. All of
// it is read and checked: a damaged ledger is better found at the start than in
// the middle of a visit. The errors to tell apart are ErrForeign, ErrNewer,
// ErrInUse and ErrCorrupt; after ErrCorrupt [Rescue] makes what it can.
//
// With a journal the two copies are compared. What only the journal has, since the
// power went between the one write and the other, is taken in from there. A journal
// that is damaged, or does not go with the ledger, is set aside and begun anew.
func Open(path string, o Options) (l *Ledger, err error) {
	if o.Timeout == 0 {
		o.Timeout = time.Second
	}
	if !o.ReadOnly {
		if err := o.check(); err != nil {
			return nil, fmt.Errorf("open ledger: %w", err)
		}
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			if err := begin(path, o); err != nil {
				return nil, fmt.Errorf("create ledger %s: %w", path, unwritable(err))
			}
		}
	}
	db, err := openFile(path, o.Timeout, o.ReadOnly)
	if err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", path, disowned(path, o, err))
	}
	l = &Ledger{db: db, path: path, options: o, down: make(chan struct{})}
	err = guard(func() error { return db.View(l.recognise) })
	if err == nil {
		err = guard(func() error { return db.View(l.catchUp) })
	}
	if err == nil && !o.ReadOnly {
		err = l.ready()
	}
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("open ledger %s: %w", path, disowned(path, o, err))
	}
	return l, nil
}

// disowned tells a file that is not ours from one that only says so, being damaged:
// its journal is ours, and what in it still names a ledger names the same.
func disowned(path string, o Options, err error) error {
	if !errors.Is(err, ErrForeign) || !o.Journal {
		return err
	}
	c, unread := journal.Read(path)
	if unread != nil || c == nil || c.Ledger == uuid.Nil || !o.owns(c) {
		return err
	}
	// A torn page leaves half a name, or none; then it must at least be bbolt's, or,
	// where the pages are lost by which that is known, hold events.
	left := salvage(path)
	named := bytes.Equal(left.id[:8], c.Ledger[:8]) || bytes.Equal(left.id[8:], c.Ledger[8:])
	if !named && (left.id != uuid.Nil || sniff(path) != nil && len(left.events) == 0) {
		return err
	}
	return fmt.Errorf("%w: it does not say that it is ours, and its journal does", ErrCorrupt)
}

func (o Options) check() error {
	if !o.Station.Valid() || len(o.Key) != 32 {
		return fmt.Errorf("station %q with a key of %d bytes, want a station's name and 32", o.Station, len(o.Key))
	}
	return nil
}

// begin makes a new ledger, unless its journal says that there was one.
func begin(path string, o Options) error {
	if o.Journal {
		switch c, err := journal.Read(path); {
		case err != nil:
			return err
		case c != nil && (c.Head.Ledger == uuid.Nil || o.owns(c)):
			return fmt.Errorf("%w: it is gone, and its journal is there", ErrCorrupt)
		}
	}
	return create(path, func(tx *bbolt.Tx) error { return found(tx, o.Station, keyCheck(o.Key), uuid.New()) })
}

// ready makes a ledger that was opened fit to be written.
func (l *Ledger) ready() error {
	var r Report
	err := guard(func() error {
		return l.db.View(func(tx *bbolt.Tx) (err error) { r, err = verify(tx); return err })
	})
	if err == nil && l.options.Journal {
		err = l.attach(r)
	}
	if err == nil && l.options.faults != nil && l.options.faults.bolt != nil {
		l.options.faults.bolt(l.db)
	}
	if err == nil {
		l.hold()
	}
	return err
}

// found lays out a new ledger.
func found(tx *bbolt.Tx, station circ.StationID, check []byte, id uuid.UUID) error {
	for _, name := range [][]byte{metaBucket, eventBucket, hereBucket, aliasBucket, markBucket, toldBucket, verdictBucket, baseBucket} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	m := tx.Bucket(metaBucket)
	return errors.Join(
		m.Put(metaMagic, []byte(magic)),
		m.Put(metaVersion, number(version)),
		m.Put(metaVersionAgain, number(version)),
		m.Put(metaStation, []byte(station)),
		m.Put(metaLedger, id[:]),
		m.Put(metaKey, check),
		m.Put(metaHere, number(0)),
	)
}

// keyCheck tells one station's key from another's and says nothing about it.
func keyCheck(key []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("ledger key check"))
	return mac.Sum(nil)[:8]
}

// recognise checks that the file is ours, and that the end of the log is whole.
func (l *Ledger) recognise(tx *bbolt.Tx) error {
	m := tx.Bucket(metaBucket)
	if m == nil || string(m.Get(metaMagic)) != magic {
		return ErrForeign
	}
	v := m.Get(metaVersion)
	switch {
	case len(v) != 8:
		return fmt.Errorf("%w: no version", ErrCorrupt)
	case decode(v) > 1<<8, decode(v) > version && m.Get(metaVersionAgain) != nil && decode(m.Get(metaVersionAgain)) <= version:
		return fmt.Errorf("%w: version %d", ErrCorrupt, decode(v))
	case binary.BigEndian.Uint64(v) > version:
		return fmt.Errorf("version %d: %w", binary.BigEndian.Uint64(v), ErrNewer)
	}
	id, err := uuid.FromBytes(m.Get(metaLedger))
	if err != nil {
		return fmt.Errorf("%w: no ledger id", ErrCorrupt)
	}
	l.id, l.station = id, circ.StationID(m.Get(metaStation))
	for _, name := range [][]byte{eventBucket, hereBucket, aliasBucket, markBucket, toldBucket, verdictBucket} {
		if tx.Bucket(name) == nil {
			return fmt.Errorf("%w: no bucket %s", ErrCorrupt, name)
		}
	}
	if !l.options.ReadOnly {
		if l.station != l.options.Station {
			return fmt.Errorf("%w: it is %q's", ErrForeign, l.station)
		}
		if !hmac.Equal(m.Get(metaKey), keyCheck(l.options.Key)) {
			return fmt.Errorf("%w: it was written under another station key", ErrForeign)
		}
	}
	c := tx.Bucket(eventBucket).Cursor()
	key, value := c.Last()
	if key == nil {
		return nil
	}
	last, chain, raw, err := entry(key, value)
	if err != nil {
		return err
	}
	at, before := base(tx)
	if last > at+1 {
		if key, value = c.Prev(); key == nil {
			return fmt.Errorf("%w: event %d stands alone", ErrCorrupt, last)
		}
		if _, before, _, err = entry(key, value); err != nil {
			return err
		}
	}
	if before.Next(raw) != chain {
		return fmt.Errorf("%w: event %d does not follow from the one before", ErrCorrupt, last)
	}
	return nil
}

// base is the number of the last event that was let go, and the running hash there.
func base(tx *bbolt.Tx) (seq uint64, chain wire.Chain) {
	if b := tx.Bucket(metaBucket).Get(metaBase); len(b) == 8+len(chain) {
		seq = binary.BigEndian.Uint64(b)
		copy(chain[:], b[8:])
	}
	return seq, chain
}

// end is the newest event's number and the running hash there.
func end(tx *bbolt.Tx) (seq uint64, chain wire.Chain, err error) {
	key, value := tx.Bucket(eventBucket).Cursor().Last()
	if key == nil {
		seq, chain = base(tx)
		return seq, chain, nil
	}
	seq, chain, _, err = entry(key, value)
	return seq, chain, err
}

// entry is one record of the event bucket.
func entry(key, value []byte) (seq uint64, chain wire.Chain, raw []byte, err error) {
	if len(key) != 8 || len(value) <= len(chain) {
		return 0, chain, nil, fmt.Errorf("%w: event record of %d bytes", ErrCorrupt, len(value))
	}
	return binary.BigEndian.Uint64(key), wire.Chain(value[:len(chain)]), value[len(chain):], nil
}

// Close closes the files.
func (l *Ledger) Close() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.fail(fmt.Errorf("%w: closed", ErrBroken))
	var err error
	if l.journal != nil {
		err, l.journal = l.journal.Close(), nil
	}
	return errors.Join(err, guard(l.db.Close))
}

// fail has the ledger take nothing more.
func (l *Ledger) fail(err error) {
	if l.broken.CompareAndSwap(nil, &failure{err}) {
		close(l.down)
	}
}

// Broken is closed when a write has failed, or the ledger was closed.
func (l *Ledger) Broken() <-chan struct{} { return l.down }

// ID is the ledger's own identity: the stream that its events are.
func (l *Ledger) ID() uuid.UUID { return l.id }

// Station is whose ledger it is.
func (l *Ledger) Station() circ.StationID { return l.station }

// Ref is how the patron whose card reads id is called here.
func (l *Ledger) Ref(id circ.PatronID) circ.Ref { return circ.NewRef(l.options.Key, id) }

// view runs fn on a steady picture of the ledger.
func (l *Ledger) view(fn func(*bbolt.Tx) error) error {
	if f := l.broken.Load(); f != nil {
		return f.error
	}
	l.step.RLock()
	defer l.step.RUnlock()
	return guard(func() error { return l.db.View(fn) })
}

// update runs fn in one durable transaction. An error of fn's leaves everything
// as it was; an error after that, or a panic, breaks the ledger. The events that fn
// wrote are flushed to the journal before bbolt has anything on the disk: whatever
// ends a write in between, the journal is never behind.
func (l *Ledger) update(fn func(*bbolt.Tx) error) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if f := l.broken.Load(); f != nil {
		return f.error
	}
	refused := false
	err := guard(func() error {
		tx, err := l.db.Begin(true)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // of no effect after a commit
		l.batch.Events, l.batch.Records = l.batch.Events[:0], l.batch.Records[:0]
		clear(l.now)
		if err := fn(tx); err != nil {
			refused = true
			return err
		}
		if l.journal != nil && len(l.batch.Events) > 0 {
			l.batch.Mark = mark(tx, Hub)
			if err := l.journal.Append(l.batch); err != nil {
				return err
			}
		}
		return l.commit(tx)
	})
	if err != nil && (!refused || errors.Is(err, ErrCorrupt)) {
		err = fmt.Errorf("%w: %w", ErrBroken, l.full(err))
		l.fail(err)
	}
	return err
}

// commit commits tx together with what follows from its events.
func (l *Ledger) commit(tx *bbolt.Tx) error {
	if len(l.now) == 0 {
		return tx.Commit()
	}
	settled := len(l.since)+len(l.now) >= lag
	if settled {
		if err := l.here(tx).settle(tx); err != nil {
			return err
		}
	}
	l.step.Lock()
	defer l.step.Unlock()
	if err := tx.Commit(); err != nil {
		return err
	}
	if settled {
		clear(l.since)
	} else {
		maps.Copy(l.since, l.now)
	}
	return nil
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// decode reads what number wrote; 0 is none.
func decode(b []byte) uint64 {
	if len(b) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

func key(kind byte, parts ...[]byte) []byte {
	n := 1
	for _, part := range parts {
		n += len(part)
	}
	k := append(make([]byte, 0, n), kind)
	for _, part := range parts {
		k = append(k, part...)
	}
	return k
}

var encoding = func() cbor.EncMode {
	options := cbor.CoreDetEncOptions()
	options.Time = cbor.TimeUnix
	mode, err := options.EncMode()
	if err != nil {
		panic(err)
	}
	return mode
}()

// table is a bucket, or a map that stands in for one.
type table interface {
	Get(key []byte) []byte
	Put(key, value []byte) error
	Delete(key []byte) error
}

func put(t table, key []byte, record any) error {
	raw, err := encoding.Marshal(record)
	if err != nil {
		return err
	}
	return t.Put(key, raw)
}

// get reads the record at key; nil when there is none.
func get[T any](t table, key []byte) (*T, error) {
	raw := t.Get(key)
	if raw == nil {
		return nil, nil
	}
	record := new(T)
	if err := cbor.Unmarshal(raw, record); err != nil {
		return nil, fmt.Errorf("%w: record %q: %w", ErrCorrupt, key[:1], err)
	}
	return record, nil
}

// under calls fn with what follows prefix in each key that begins with it.
func under(b *bbolt.Bucket, prefix []byte, fn func(rest, value []byte) error) error {
	c := b.Cursor()
	for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
		if err := fn(k[len(prefix):], v); err != nil {
			return err
		}
	}
	return nil
}
