package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// Hub is the mark up to which the hub has said that it keeps the events.
const Hub = "hub"

// Mark is the number that name stands at, 0 at first.
func (l *Ledger) Mark(name string) (seq uint64, err error) {
	err = l.view(func(tx *bbolt.Tx) error { seq = mark(tx, name); return nil })
	return seq, err
}

func mark(tx *bbolt.Tx, name string) uint64 {
	if b := tx.Bucket(markBucket).Get([]byte(name)); len(b) == 8 {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// SetMark moves name forward to seq, at most to the newest event; a lower seq
// moves nothing, so a late word does no harm.
func (l *Ledger) SetMark(name string, seq uint64) error { return l.setMark(name, seq, false) }

// TurnBack moves name to seq even if that is lower: the hub itself went back,
// restored from a backup, and what it lost is sent again.
func (l *Ledger) TurnBack(name string, seq uint64) error { return l.setMark(name, seq, true) }

func (l *Ledger) setMark(name string, seq uint64, back bool) error {
	if now, err := l.Mark(name); err != nil || seq == now || seq < now && !back {
		return err // spares the disk a write
	}
	err := l.update(func(tx *bbolt.Tx) error {
		last, _, err := end(tx)
		if err != nil {
			return err
		}
		switch now := mark(tx, name); {
		case name == "":
			return errors.New("a mark has a name")
		case seq > last:
			return fmt.Errorf("%w: %d, the newest is %d", ErrGone, seq, last)
		case seq < now && !back:
			return nil
		}
		return tx.Bucket(markBucket).Put([]byte(name), number(seq))
	})
	if err != nil {
		return fmt.Errorf("set mark %s: %w", name, err)
	}
	return nil
}
