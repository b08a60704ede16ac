package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"coldstation/sync/circ"
	"coldstation/sync/wire"
)

// The keys of told.
const (
	toldItem        = 'i' // item → circ.Item
	toldPolicy      = 'g' // policy → circ.Policy
	toldPatron      = 'p' // patron reference → sealed patron
	toldCard        = 'a' // card reference → patron reference, sealed identifier
	toldTile        = 't' // patron reference → sealed patron, for everybody's eyes at the station
	toldProxy       = 'x' // proxy → proxy
	toldAgent       = 'y' // agent reference, proxy
	toldLoan        = 'o' // item → word
	toldConsignment = 'c' // consignment → items
	toldRecall      = 'r' // recall → items
	toldPicks       = 'k' // name → items
	toldMessage     = 'w' // message → words
	toldSettings    = 's' // circ.SettingsPut
	toldCommand     = 'n' // number of the notice → name, and where there is one a zero byte and its ID
	toldCardFilter  = 'f' // circ.CardFilterPut
	toldTitle       = 'd' // consignment → what the library calls it
)

// What may be wrong with notices.
var (
	// ErrOver is a stream of notices that a later one has replaced.
	ErrOver = errors.New("ledger: the stream of notices is over")
	// ErrGap is notices that do not join what was taken.
	ErrGap = errors.New("ledger: notices are missing in between")
	// ErrForked is notices whose running hash is not what they say.
	ErrForked = errors.New("ledger: the notices' running hash does not fit")
)

// word is what the hub said of an item's loan, and how many of our events it
// kept when we took it in.
type word struct {
	Patron circ.Ref  `cbor:"1,keyasint,omitzero"`
	At     time.Time `cbor:"2,keyasint,omitzero"`
	Due    time.Time `cbor:"3,keyasint,omitzero"`
	Gone   bool      `cbor:"4,keyasint,omitempty"`
	After  uint64    `cbor:"5,keyasint,omitempty"`
}

// verdict is what the library system made of an event.
type verdict struct {
	Refused bool      `cbor:"1,keyasint,omitempty"`
	Due     time.Time `cbor:"2,keyasint,omitzero"`
}

type proxy struct {
	Principal circ.Ref  `cbor:"1,keyasint"`
	Agent     circ.Ref  `cbor:"2,keyasint"`
	Sealed    []byte    `cbor:"3,keyasint"`          // proxyRecord, for the agent's card
	Fresh     time.Time `cbor:"4,keyasint,omitzero"` // when the hub last said so
}

// Notices is where the ledger stands in a stream of notices: 0 and the zero
// chain for one that is new, ErrOver for one that was replaced.
func (l *Ledger) Notices(stream uuid.UUID) (cursor uint64, chain wire.Chain, err error) {
	err = l.view(func(tx *bbolt.Tx) error {
		var err error
		_, cursor, chain, err = stand(tx, stream)
		return err
	})
	return cursor, chain, err
}

// NoticeCursor is the present stream of notices, uuid.Nil for none yet, and how
// far it was taken.
func (l *Ledger) NoticeCursor() (stream uuid.UUID, cursor uint64, chain wire.Chain, err error) {
	err = l.view(func(tx *bbolt.Tx) error {
		copy(stream[:], tx.Bucket(metaBucket).Get(metaStream))
		var err error
		_, cursor, chain, err = stand(tx, stream)
		return err
	})
	return stream, cursor, chain, err
}

func stand(tx *bbolt.Tx, stream uuid.UUID) (fresh bool, cursor uint64, chain wire.Chain, err error) {
	m := tx.Bucket(metaBucket)
	if string(m.Get(metaStream)) != string(stream[:]) {
		if m.Get(append(metaOver[:len(metaOver):len(metaOver)], stream[:]...)) != nil {
			err = ErrOver
		}
		return true, 0, chain, err
	}
	if b := m.Get(metaCursor); len(b) == 8 {
		cursor = binary.BigEndian.Uint64(b)
	}
	copy(chain[:], m.Get(metaChain))
	return false, cursor, chain, nil
}

// TakeNotices takes in notices as they are written, numbered from first, with
// the cursor and all that follows from them in one transaction; chain is the
// running hash after the last. What was taken before is passed over. A new
// stream replaces the old one and all that it said; loans made here stay.
//
// It answers where the ledger stands now, also with an error: ErrOver, ErrGap
// and ErrForked, which take nothing, and wire.ErrNewer, which stands for the
// first notice that was not taken; zero with ErrBroken.
//
// A notice that no version could take does not hold up those behind it. It is
// passed over, and in the same transaction a fault "notice" is raised, which goes
// to the hub as every event does, says which notice and why, and is cleared when
// a new stream begins.
//
// A patron whose loan is told of is introduced to the log, since events may have
// to refer to them while their card is not at hand; the stamp is for that.
func (l *Ledger) TakeNotices(s circ.Stamp, stream uuid.UUID, first uint64, raw [][]byte, chain wire.Chain) (cursor uint64, after wire.Chain, err error) {
	refused := map[uint64]error{}
	var held error
	for {
		var failed uint64
		err = l.update(func(tx *bbolt.Tx) error {
			failed, held = 0, nil
			var fresh bool
			var err error
			if fresh, cursor, after, err = stand(tx, stream); err != nil {
				return err
			}
			switch {
			case stream == uuid.Nil || first == 0:
				return errors.New("notices without a stream or a number")
			case first > cursor+1:
				return fmt.Errorf("%w: from %d, taken %d", ErrGap, first, cursor)
			case cursor+1-first >= uint64(len(raw)):
				return nil
			}
			raw := raw[cursor+1-first:]
			if after.After(raw) != chain {
				return ErrForked
			}
			t, err := l.taker(tx, s)
			if err != nil {
				return err
			}
			now, chain := cursor, after
			for _, r := range raw {
				n, err := wire.ParseNotice(r)
				if errors.Is(err, wire.ErrNewer) {
					held = fmt.Errorf("notice %d: %w", now+1, err)
					break
				}
				if fresh {
					if err := t.turn(stream); err != nil {
						return err
					}
					fresh = false
				}
				now, chain = now+1, chain.Next(r)
				switch {
				case err != nil:
					refused[now] = err
				case refused[now] == nil:
					if err := t.take(now, n.Body); err != nil {
						failed = now
						return fmt.Errorf("%T: %w", n.Body, err)
					}
				}
			}
			if now == cursor {
				return nil
			}
			if err := t.report(stream, refused); err != nil {
				return err
			}
			m := tx.Bucket(metaBucket)
			if err := errors.Join(m.Put(metaCursor, number(now)), m.Put(metaChain, chain[:])); err != nil {
				return err
			}
			cursor, after = now, chain
			return nil
		})
		if failed == 0 || errors.Is(err, ErrBroken) {
			break
		}
		refused[failed] = err // nothing of this attempt was kept; once more without it
	}
	switch {
	case err == nil:
		err = held
	case errors.Is(err, ErrBroken):
		cursor, after = 0, wire.Chain{} // nobody knows
	}
	if err != nil {
		return cursor, after, fmt.Errorf("take notices: %w", err)
	}
	return cursor, after, nil
}

// noticeFault is raised for notices that were passed over.
const noticeFault = "notice"

// report tells the hub, by an event, which notices were passed over.
func (t *taker) report(stream uuid.UUID, refused map[uint64]error) error {
	if len(refused) == 0 {
		return nil
	}
	detail := fmt.Sprintf("stream %s:", stream)
	for i, seq := range slices.Sorted(maps.Keys(refused)) {
		more := fmt.Sprintf(" notice %d: %v;", seq, refused[seq])
		if len(detail)+len(more) > circ.MaxWords-40 {
			detail += fmt.Sprintf(" and %d more", len(refused)-i)
			break
		}
		detail += more
	}
	return t.write(circ.FaultRaised{Fault: noticeFault, Detail: strings.ToValidUTF8(strings.TrimSuffix(detail, ";"), "?")})
}

// turn begins a new stream with nothing told.
func (t *taker) turn(stream uuid.UUID) error {
	m := t.tx.Bucket(metaBucket)
	if old := m.Get(metaStream); old != nil {
		if err := m.Put(append(metaOver[:len(metaOver):len(metaOver)], old...), nil); err != nil {
			return err
		}
	}
	if err := t.tx.DeleteBucket(toldBucket); err != nil {
		return err
	}
	var err error
	if t.told, err = t.tx.CreateBucket(toldBucket); err != nil {
		return err
	}
	if t.here.Get(key(hereFault, []byte(noticeFault))) != nil {
		if err := t.write(circ.FaultCleared{Fault: noticeFault}); err != nil {
			return err
		}
	}
	return m.Put(metaStream, stream[:])
}

// taker takes notices into told within one transaction.
type taker struct {
	*pen
	told *bbolt.Bucket
	sent uint64 // how many of our events the hub keeps
}

func (l *Ledger) taker(tx *bbolt.Tx, s circ.Stamp) (taker, error) {
	p, err := l.pen(tx, s, nil)
	return taker{p, tx.Bucket(toldBucket), mark(tx, Hub)}, err
}

func (t taker) take(seq uint64, body circ.NoticeBody) error {
	switch b := body.(type) {
	case circ.PatronPut:
		return t.putPatron(b.Patron)
	case circ.PatronGone:
		return t.dropPatron(b.ID)
	case circ.ItemPut:
		return put(t.told, key(toldItem, []byte(b.Item.ID)), b.Item)
	case circ.ItemGone:
		return t.told.Delete(key(toldItem, []byte(b.ID)))
	case circ.PolicyPut:
		return put(t.told, key(toldPolicy, []byte(b.Policy.ID)), b.Policy)
	case circ.ProxyPut:
		return t.putProxy(b.Proxy)
	case circ.ProxyCancelled:
		return t.dropProxy(b.ID)
	case circ.LoanPut:
		ref := t.Ref(b.Patron)
		if err := t.meet(ref, b.Patron); err != nil {
			return err
		}
		return put(t.told, key(toldLoan, []byte(b.Item)), word{Patron: ref, At: b.At, Due: b.Due, After: t.sent})
	case circ.LoanGone:
		return put(t.told, key(toldLoan, []byte(b.Item)), word{Gone: true, After: t.sent})
	case circ.LoanConfirmed:
		return put(t.tx.Bucket(verdictBucket), number(b.Seq), verdict{Due: b.Due})
	case circ.LoanRefused:
		return put(t.tx.Bucket(verdictBucket), number(b.Seq), verdict{Refused: true, Due: b.Due})
	case circ.ConsignmentPut:
		if len(b.Items) == 0 {
			b.Title = ""
		}
		return errors.Join(t.list(toldConsignment, b.ID, b.Items), t.putTitle(b.ID, b.Title))
	case circ.RecallPut:
		return t.list(toldRecall, b.ID, b.Items)
	case circ.PicksPut:
		return t.list(toldPicks, b.Name, b.Items)
	case circ.MessagePut:
		if len(b.Words) == 0 {
			return t.told.Delete(key(toldMessage, []byte(b.ID)))
		}
		return put(t.told, key(toldMessage, []byte(b.ID)), b.Words)
	case circ.SettingsPut:
		return put(t.told, key(toldSettings), b)
	case circ.Command:
		return t.putCommand(seq, b)
	case circ.CardFilterPut:
		return put(t.told, key(toldCardFilter), b)
	}
	return errors.New("nothing is known to follow from it")
}

// list keeps a named list of items; an empty one is over.
func (t taker) list(kind byte, name string, items []circ.ItemID) error {
	if len(items) == 0 {
		return t.told.Delete(key(kind, []byte(name)))
	}
	return put(t.told, key(kind, []byte(name)), items)
}

func (t taker) putTitle(consignment, title string) error {
	k := key(toldTitle, []byte(consignment))
	if title == "" {
		return t.told.Delete(k)
	}
	return put(t.told, k, title)
}

func (t taker) putProxy(p circ.Proxy) error {
	if err := t.dropProxy(p.ID); err != nil {
		return err
	}
	agent := t.Ref(p.Agent)
	sealed, err := t.hide(proxyUse, p.Agent, proxyRecord{p.ID, p.Principal.Plaintext(), p.Scopes, p.Once, p.From, p.To})
	if err != nil {
		return err
	}
	if err := t.told.Put(key(toldAgent, agent[:], []byte(p.ID)), nil); err != nil {
		return err
	}
	return put(t.told, key(toldProxy, []byte(p.ID)), proxy{t.Ref(p.Principal), agent, sealed, p.Fresh})
}

func (t taker) dropProxy(id string) error {
	old, err := get[proxy](t.told, key(toldProxy, []byte(id)))
	if err != nil || old == nil {
		return err
	}
	return errors.Join(
		t.told.Delete(key(toldAgent, old.Agent[:], []byte(id))),
		t.told.Delete(key(toldProxy, []byte(id))),
	)
}

// putCommand keeps what is to be done, unless it was done before this stream began.
func (t taker) putCommand(seq uint64, c circ.Command) error {
	value := c.Name
	if c.ID != "" {
		if t.here.Get(key(hereTaken, []byte(c.ID))) != nil {
			return nil
		}
		value += "\x00" + c.ID
	}
	return t.told.Put(key(toldCommand, number(seq)), []byte(value))
}

// command is what putCommand keeps.
func command(value []byte) circ.Command {
	name, id, _ := strings.Cut(string(value), "\x00")
	return circ.Command{Name: name, ID: id}
}

// answered forgets the command that was carried out, by its ID where it has one: the
// same number in another stream is another command's.
func answered(told *bbolt.Bucket, b circ.NoticeTaken) error {
	if b.Command == "" {
		return told.Delete(key(toldCommand, number(b.Notice)))
	}
	var done [][]byte
	err := under(told, key(toldCommand), func(rest, value []byte) error {
		if command(value).ID == b.Command {
			done = append(done, key(toldCommand, rest))
		}
		return nil
	})
	for _, k := range done {
		err = errors.Join(err, told.Delete(k))
	}
	return err
}
