package ledger

import (
	"crypto/hmac"
	"crypto/sha256"
	"time"

	"go.etcd.io/bbolt"

	"coldstation/sync/circ"
)

// The bucket of what the station keeps for a person's sake and tells nobody, and of
// what is in force from the library's wishes. It comes into being with the first of it.
var keptBucket = []byte("kept")

// The keys of kept.
const (
	keptLook = 'l' // patron reference → what Remember was given
	keptHad  = 'h' // hash of a patron's identifier and a work → nothing
	keptUsed = 'u' // proxy that was for once → nothing

	keptSettings = 's' // circ.SettingsPut, as it is in force
	keptPause    = 'z' // there while nothing is lent
	keptTries    = 'p' // patron reference → what KeepTries was given
	keptCount    = 'n' // item → when it was counted
)

// Remember keeps a few bytes for a patron's next visit, instead of those from
// before. An empty look is forgotten.
func (l *Ledger) Remember(patron circ.Ref, look []byte) error {
	if len(look) == 0 {
		return l.keep(func(b *bbolt.Bucket) error { return b.Delete(key(keptLook, patron[:])) })
	}
	return l.keep(func(b *bbolt.Bucket) error { return b.Put(key(keptLook, patron[:]), look) })
}

// Remembered is what was kept for a patron; nil for nothing.
func (l *Ledger) Remembered(patron circ.Ref) (look []byte, err error) {
	err = l.kept(func(b *bbolt.Bucket) error {
		look = append(look, b.Get(key(keptLook, patron[:]))...)
		return nil
	})
	return look, err
}

// NoteHad keeps that a patron has had a work, for those who want that. Only who
// holds their card can ask for it: what is kept is a hash under the station's key
// and the card's identifier, and nothing in it tells whose it is.
func (l *Ledger) NoteHad(id circ.PatronID, work string) error {
	return l.keep(func(b *bbolt.Bucket) error { return b.Put(l.hadKey(id, work), nil) })
}

// ForgetHad takes NoteHad back.
func (l *Ledger) ForgetHad(id circ.PatronID, work string) error {
	return l.keep(func(b *bbolt.Bucket) error { return b.Delete(l.hadKey(id, work)) })
}

// Had reports whether a patron has had a work.
func (l *Ledger) Had(id circ.PatronID, work string) (had bool, err error) {
	err = l.kept(func(b *bbolt.Bucket) error {
		had = b.Get(l.hadKey(id, work)) != nil
		return nil
	})
	return had, err
}

// UseProxy keeps that an authorisation for once was used here, whatever the hub says
// of it until it has heard so.
func (l *Ledger) UseProxy(id string) error {
	return l.keep(func(b *bbolt.Bucket) error { return b.Put(key(keptUsed, []byte(id)), nil) })
}

// ProxyUsed reports whether UseProxy was called.
func (l *Ledger) ProxyUsed(id string) (used bool, err error) {
	err = l.kept(func(b *bbolt.Bucket) error {
		used = b.Get(key(keptUsed, []byte(id))) != nil
		return nil
	})
	return used, err
}

// KeepSettings keeps the settings that are in force from now on, whatever the hub
// tells next; KeptSettings are they.
func (l *Ledger) KeepSettings(s circ.SettingsPut) error {
	return l.keep(func(b *bbolt.Bucket) error { return put(b, key(keptSettings), s) })
}

// KeptSettings are those of KeepSettings; the zero value before.
func (l *Ledger) KeptSettings() (s circ.SettingsPut, err error) {
	err = l.kept(func(b *bbolt.Bucket) error {
		kept, err := get[circ.SettingsPut](b, key(keptSettings))
		if kept != nil {
			s = *kept
		}
		return err
	})
	return s, err
}

// PauseLending keeps whether the library has stopped lending here; Paused tells.
func (l *Ledger) PauseLending(paused bool) error {
	return l.keep(func(b *bbolt.Bucket) error {
		if paused {
			return b.Put(key(keptPause), nil)
		}
		return b.Delete(key(keptPause))
	})
}

// Paused reports whether lending is paused.
func (l *Ledger) Paused() (paused bool, err error) {
	err = l.kept(func(b *bbolt.Bucket) error {
		paused = b.Get(key(keptPause)) != nil
		return nil
	})
	return paused, err
}

// KeepTries keeps a few bytes about wrong secret numbers of a patron, so that nobody
// gets new tries by pulling a plug. None are forgotten.
func (l *Ledger) KeepTries(patron circ.Ref, tries []byte) error {
	return l.keep(func(b *bbolt.Bucket) error {
		if len(tries) == 0 {
			return b.Delete(key(keptTries, patron[:]))
		}
		return b.Put(key(keptTries, patron[:]), tries)
	})
}

// Tries is what was kept by KeepTries; nil for nothing.
func (l *Ledger) Tries(patron circ.Ref) (tries []byte, err error) {
	err = l.kept(func(b *bbolt.Bucket) error {
		tries = append(tries, b.Get(key(keptTries, patron[:]))...)
		return nil
	})
	return tries, err
}

// ForgetTries forgets all of KeepTries.
func (l *Ledger) ForgetTries() error { return l.forgetKept(keptTries) }

// NoteCounted keeps that an item was seen at a time in a count of the shelf that is
// not over yet.
func (l *Ledger) NoteCounted(id circ.ItemID, at time.Time) error {
	return l.keep(func(b *bbolt.Bucket) error {
		return b.Put(key(keptCount, []byte(id)), number(uint64(max(0, at.Unix()))))
	})
}

// Counted are the items of NoteCounted.
func (l *Ledger) Counted() (all map[circ.ItemID]time.Time, err error) {
	all = map[circ.ItemID]time.Time{}
	err = l.kept(func(b *bbolt.Bucket) error {
		return under(b, key(keptCount), func(rest, value []byte) error {
			all[circ.ItemID(rest)] = time.Unix(int64(decode(value)), 0)
			return nil
		})
	})
	return all, err
}

// ForgetCount begins a new count.
func (l *Ledger) ForgetCount() error { return l.forgetKept(keptCount) }

// forgetKept forgets all of one kind.
func (l *Ledger) forgetKept(kind byte) error {
	return l.keep(func(b *bbolt.Bucket) error {
		c := b.Cursor()
		for k, _ := c.Seek(key(kind)); len(k) > 0 && k[0] == kind; k, _ = c.Seek(key(kind)) {
			if err := b.Delete(k); err != nil {
				return err
			}
		}
		return nil
	})
}

func (l *Ledger) hadKey(id circ.PatronID, work string) []byte {
	mac := hmac.New(sha256.New, l.options.Key)
	mac.Write([]byte("had\x00" + id.Plaintext() + "\x00" + work))
	return key(keptHad, mac.Sum(nil)[:16])
}

func (l *Ledger) keep(fn func(*bbolt.Bucket) error) error {
	return l.update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(keptBucket)
		if err != nil {
			return err
		}
		return fn(b)
	})
}

func (l *Ledger) kept(fn func(*bbolt.Bucket) error) error {
	return l.view(func(tx *bbolt.Tx) error {
		if b := tx.Bucket(keptBucket); b != nil {
			return fn(b)
		}
		return nil
	})
}
