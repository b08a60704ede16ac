package ledger

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fxamacker/cbor/v2"
	"go.etcd.io/bbolt"

	"coldstation/sync/circ"
	"coldstation/sync/ledger/journal"
)

// What a record is hidden for.
const (
	patronUse = "patron" // patronRecord, under the patron's own identifier
	cardUse   = "card"   // the patron's identifier, under that of another card
	proxyUse  = "proxy"  // proxyRecord, under the agent's identifier
)

// padding is what hidden records are filled to a multiple of, in bytes.
const padding = 64

type patronRecord struct {
	FirstName string   `cbor:"1,keyasint,omitempty"`
	Policy    string   `cbor:"2,keyasint,omitempty"`
	Staff     bool     `cbor:"3,keyasint,omitempty"`
	Blocked   bool     `cbor:"4,keyasint,omitempty"`
	Language  string   `cbor:"5,keyasint,omitempty"`
	Cards     []string `cbor:"6,keyasint,omitempty"`
	Picture   string   `cbor:"7,keyasint,omitempty"`
	Recalls   bool     `cbor:"8,keyasint,omitempty"`
	Secret    string   `cbor:"9,keyasint,omitempty"`
}

func recordOf(p circ.Patron) patronRecord {
	return patronRecord{p.FirstName, p.Policy, p.Staff, p.Blocked, p.Language, p.Cards, p.Picture, p.Recalls, p.Secret}
}

// patron is the record of who is called id.
func (r patronRecord) patron(id circ.PatronID) circ.Patron {
	return circ.Patron{ID: id, FirstName: r.FirstName, Policy: r.Policy, Staff: r.Staff, Blocked: r.Blocked,
		Language: r.Language, Cards: r.Cards, Picture: r.Picture, Recalls: r.Recalls, Secret: r.Secret}
}

type proxyRecord struct {
	ID        string      `cbor:"1,keyasint"`
	Principal string      `cbor:"2,keyasint"`
	Scopes    circ.Scopes `cbor:"3,keyasint,omitempty"`
	Once      bool        `cbor:"4,keyasint,omitempty"`
	From      time.Time   `cbor:"5,keyasint,omitzero"`
	To        time.Time   `cbor:"6,keyasint,omitzero"`
}

// box is the cipher of what opens only while the card that reads id is at hand.
func (l *Ledger) box(use string, id circ.PatronID) (cipher.AEAD, error) {
	k, err := hkdf.Key(sha256.New, l.options.Key, nil, "coldstation/1 "+use+"\x00"+id.Plaintext(), 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(k)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (l *Ledger) hide(use string, id circ.PatronID, record any) ([]byte, error) {
	if id.IsZero() {
		return nil, errors.New("no identifier")
	}
	box, err := l.box(use, id)
	if err != nil {
		return nil, err
	}
	plain, err := encoding.Marshal(record)
	if err != nil {
		return nil, err
	}
	plain = append(plain, 0x80)
	plain = append(plain, make([]byte, -len(plain)&(padding-1))...)
	return box.Seal(nil, nil, plain, []byte(use)), nil
}

func reveal[T any](l *Ledger, use string, id circ.PatronID, sealed []byte) (record T, err error) {
	box, err := l.box(use, id)
	if err != nil {
		return record, err
	}
	plain, err := box.Open(nil, nil, sealed, []byte(use))
	if err != nil {
		return record, fmt.Errorf("%w: a %s record does not open", ErrCorrupt, use)
	}
	plain = bytes.TrimRight(plain, "\x00")
	if len(plain) == 0 {
		return record, fmt.Errorf("%w: an empty %s record", ErrCorrupt, use)
	}
	if err := cbor.Unmarshal(plain[:len(plain)-1], &record); err != nil {
		return record, fmt.Errorf("%w: a %s record: %w", ErrCorrupt, use, err)
	}
	return record, nil
}

func (t taker) putPatron(p circ.Patron) error {
	if err := t.dropPatron(p.ID); err != nil {
		return err
	}
	sealed, err := t.hide(patronUse, p.ID, recordOf(p))
	if err != nil {
		return err
	}
	ref := t.Ref(p.ID)
	for _, c := range p.Cards {
		card := circ.NewPatronID(c)
		if card.IsZero() || card == p.ID {
			continue
		}
		entry, err := t.card(card, p.ID)
		if err != nil {
			return err
		}
		r := t.Ref(card)
		if err := t.told.Put(key(toldCard, r[:]), entry); err != nil {
			return err
		}
	}
	if err := t.putTile(p); err != nil {
		return err
	}
	return t.told.Put(key(toldPatron, ref[:]), sealed)
}

// card is what stands under a further card: whose it is, and, for who has it in
// hand, the patron's identifier.
func (l *Ledger) card(card, patron circ.PatronID) ([]byte, error) {
	sealed, err := l.hide(cardUse, card, patron.Plaintext())
	ref := l.Ref(patron)
	return append(ref[:], sealed...), err
}

// dropPatron forgets a patron and the cards that stood for them.
func (t taker) dropPatron(id circ.PatronID) error {
	ref := t.Ref(id)
	sealed := t.told.Get(key(toldPatron, ref[:]))
	if sealed == nil {
		return nil
	}
	var cards [][]byte
	if old, err := reveal[patronRecord](t.Ledger, patronUse, id, sealed); err == nil {
		for _, c := range old.Cards {
			r := t.Ref(circ.NewPatronID(c))
			if k := key(toldCard, r[:]); bytes.HasPrefix(t.told.Get(k), ref[:]) {
				cards = append(cards, k)
			}
		}
	} else {
		// Damage that only this card could show, and that what is told now mends.
		err := under(t.told, key(toldCard), func(card, whose []byte) error {
			if bytes.HasPrefix(whose, ref[:]) {
				cards = append(cards, key(toldCard, card))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, k := range cards {
		if err := t.told.Delete(k); err != nil {
			return err
		}
	}
	return errors.Join(t.told.Delete(key(toldTile, ref[:])), t.told.Delete(key(toldPatron, ref[:])))
}

// link lets a wristband or key tag stand for a patron, whose own card must be
// among the people of this transaction, or ends that. An end is kept too, as whose it
// was without the sealed rest: it beats what the hub told before it heard.
func (p *pen) link(b circ.AliasLinked) error {
	i := slices.IndexFunc(p.people, func(who person) bool { return who.ref == b.Patron })
	if i < 0 || b.Alias.IsZero() {
		return fmt.Errorf("%T: %w", b, ErrStranger)
	}
	entry, err := p.card(b.Alias, p.people[i].id)
	if err != nil {
		return err
	}
	if b.Ended {
		entry = b.Patron[:]
	}
	ref := p.Ref(b.Alias)
	p.batch.Records = append(p.batch.Records, journal.Record{Bucket: aliasRecord, Key: ref[:], Value: entry})
	return p.tx.Bucket(aliasBucket).Put(ref[:], entry)
}

// Patron is whose card reads id: what the hub told of them, and how they are
// called in events. A card linked to a patron gives that patron, with the
// identifier of their own. Known is false for somebody the hub never told of.
func (l *Ledger) Patron(id circ.PatronID) (p circ.Patron, ref circ.Ref, known bool, err error) {
	err = l.view(func(tx *bbolt.Tx) error {
		told := tx.Bucket(toldBucket)
		p.ID = id
		ref = l.Ref(id)
		sealed := told.Get(key(toldPatron, ref[:]))
		if sealed == nil {
			entry, here := told.Get(key(toldCard, ref[:])), tx.Bucket(aliasBucket).Get(ref[:])
			if entry == nil || len(here) == len(ref) && bytes.HasPrefix(entry, here) {
				entry = here
			}
			if len(entry) <= len(ref) { // nobody's, or no longer anybody's
				return nil
			}
			own, err := reveal[string](l, cardUse, id, entry[len(ref):])
			if err != nil {
				return err
			}
			p.ID, ref = circ.NewPatronID(own), circ.Ref(entry[:len(ref)])
			if sealed = told.Get(key(toldPatron, ref[:])); sealed == nil {
				return nil
			}
		}
		r, err := reveal[patronRecord](l, patronUse, p.ID, sealed)
		if err != nil {
			return err
		}
		known = true
		p = r.patron(p.ID)
		return nil
	})
	return p, ref, known, err
}

// Proxies are the authorisations of the agent whose own card reads agent, in
// the order of their ids. Whether they are in force is for the caller's clock, and
// whether one for once was used is for ProxyUsed.
func (l *Ledger) Proxies(agent circ.PatronID) (all []circ.Proxy, err error) {
	ref := l.Ref(agent)
	err = l.view(func(tx *bbolt.Tx) error {
		told := tx.Bucket(toldBucket)
		return under(told, key(toldAgent, ref[:]), func(id, _ []byte) error {
			p, err := get[proxy](told, key(toldProxy, id))
			if err != nil {
				return err
			}
			if p == nil {
				return fmt.Errorf("%w: an agent's list names a proxy that is not there", ErrCorrupt)
			}
			r, err := reveal[proxyRecord](l, proxyUse, agent, p.Sealed)
			if err != nil {
				return err
			}
			all = append(all, circ.Proxy{ID: r.ID, Principal: circ.NewPatronID(r.Principal), Agent: agent,
				Scopes: r.Scopes, Once: r.Once, From: r.From, To: r.To, Fresh: p.Fresh})
			return nil
		})
	})
	return all, err
}
