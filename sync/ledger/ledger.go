package ledger

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"coldstation/sync/circ"
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
)

// What stands in meta.
var (
	metaMagic   = []byte("magic")
	metaVersion = []byte("version")
	metaStation = []byte("station")
	metaLedger  = []byte("ledger")
	metaKey     = []byte("key")
	metaStream  = []byte("stream")
	metaCursor  = []byte("cursor")
	metaChain   = []byte("chain")
	metaOver    = []byte("over ") // and the stream's id
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
}

// Ledger is one station's ledger. It may be used by several goroutines.
type Ledger struct {
	db      *bbolt.DB
	options Options
	id      uuid.UUID
	station circ.StationID

	writing sync.Mutex
	broken  atomic.Pointer[failure]
}

// failure is why a ledger takes no more.
type failure struct{ error }

// Open opens the ledger at path, and makes one where there is no file yet. The
// errors to tell apart are ErrForeign, ErrNewer, ErrInUse and ErrCorrupt.
func Open(path string, o Options) (*Ledger, error) {
	if o.Timeout == 0 {
		o.Timeout = time.Second
	}
	if !o.ReadOnly {
		if !o.Station.Valid() || len(o.Key) != 32 {
			return nil, fmt.Errorf("open ledger: station %q with a key of %d bytes, want a station's name and 32", o.Station, len(o.Key))
		}
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			if err := create(path, func(tx *bbolt.Tx) error { return found(tx, o) }); err != nil {
				return nil, fmt.Errorf("create ledger: %w", err)
			}
		}
	}
	db, err := openFile(path, o.Timeout, o.ReadOnly)
	if err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", path, err)
	}
	l := &Ledger{db: db, options: o}
	if err := guard(func() error { return db.View(l.recognise) }); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("open ledger %s: %w", path, err)
	}
	return l, nil
}

// found lays out a new ledger.
func found(tx *bbolt.Tx, o Options) error {
	for _, name := range [][]byte{metaBucket, eventBucket, hereBucket, aliasBucket, markBucket, toldBucket, verdictBucket} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	id := uuid.New()
	m := tx.Bucket(metaBucket)
	return errors.Join(
		m.Put(metaMagic, []byte(magic)),
		m.Put(metaVersion, number(version)),
		m.Put(metaStation, []byte(o.Station)),
		m.Put(metaLedger, id[:]),
		m.Put(metaKey, keyCheck(o.Key)),
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
	var before wire.Chain
	if last > 1 {
		if key, value = c.Prev(); key == nil {
			return nil // older events were let go
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

// entry is one record of the event bucket.
func entry(key, value []byte) (seq uint64, chain wire.Chain, raw []byte, err error) {
	if len(key) != 8 || len(value) <= len(chain) {
		return 0, chain, nil, fmt.Errorf("%w: event record of %d bytes", ErrCorrupt, len(value))
	}
	return binary.BigEndian.Uint64(key), wire.Chain(value[:len(chain)]), value[len(chain):], nil
}

// Close closes the file.
func (l *Ledger) Close() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.broken.CompareAndSwap(nil, &failure{fmt.Errorf("%w: closed", ErrBroken)})
	return guard(l.db.Close)
}

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
	return guard(func() error { return l.db.View(fn) })
}

// update runs fn in one durable transaction. An error of fn's leaves everything
// as it was; an error after that, or a panic, breaks the ledger.
func (l *Ledger) update(fn func(*bbolt.Tx) error) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if f := l.broken.Load(); f != nil {
		return f.error
	}
	refused := false
	err := guard(func() error {
		return l.db.Update(func(tx *bbolt.Tx) error {
			err := fn(tx)
			refused = err != nil
			return err
		})
	})
	if err != nil && (!refused || errors.Is(err, ErrCorrupt)) {
		err = fmt.Errorf("%w: %w", ErrBroken, err)
		l.broken.Store(&failure{err})
	}
	return err
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func key(kind byte, parts ...[]byte) []byte {
	return append([]byte{kind}, bytes.Join(parts, nil)...)
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
