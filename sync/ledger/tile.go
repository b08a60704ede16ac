package ledger

import (
	"fmt"

	"go.etcd.io/bbolt"

	"coldstation/sync/circ"
)

// Tile is a patron who agreed to be recognised at this station by their first name
// and a picture. ID is empty: no card is at hand.
type Tile struct {
	Ref    circ.Ref
	Patron circ.Patron
}

const tileUse = "tile" // patronRecord, under the station's key alone

// anybody stands where a card's identifier would: a tile opens without one.
var anybody = circ.NewPatronID("anybody")

// putTile keeps of a patron who agreed to it what a visit without a card needs,
// and introduces them to the log, since their number will not be at hand then. The
// cards they have stay hidden.
func (t taker) putTile(p circ.Patron) error {
	if p.Picture == "" {
		return nil
	}
	ref := t.Ref(p.ID)
	if err := t.meet(ref, p.ID); err != nil {
		return err
	}
	r := recordOf(p)
	r.Cards, r.Staff = nil, false
	sealed, err := t.hide(tileUse, anybody, r)
	if err != nil {
		return err
	}
	return t.told.Put(key(toldTile, ref[:]), sealed)
}

// Tiles are the patrons who may be recognised without a card, in no order that
// says anything.
func (l *Ledger) Tiles() (all []Tile, err error) {
	err = l.view(func(tx *bbolt.Tx) error {
		return under(tx.Bucket(toldBucket), key(toldTile), func(rest, sealed []byte) error {
			if len(rest) != len(circ.Ref{}) {
				return fmt.Errorf("%w: a tile's reference of %d bytes", ErrCorrupt, len(rest))
			}
			r, err := reveal[patronRecord](l, tileUse, anybody, sealed)
			all = append(all, Tile{circ.Ref(rest), r.patron(circ.PatronID{})})
			return err
		})
	})
	return all, err
}
