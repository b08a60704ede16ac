package ledger

import (
	"encoding/binary"
	"maps"
	"slices"

	"go.etcd.io/bbolt"

	"coldstation/sync/circ"
)

// whole is what is known of one item from both sources.
type whole struct {
	place Place
	loan  *circ.Loan
}

// item joins what our events and what the hub say of an item. Of two that
// contradict each other the later one counts: the hub's word is later than our
// event if the hub had the event when we took the word in.
func (l *Ledger) item(tx *bbolt.Tx, id circ.ItemID) (w whole, err error) {
	here, err := get[spot](l.here(tx), key(hereItem, []byte(id)))
	if err != nil {
		return w, err
	}
	told, err := get[word](tx.Bucket(toldBucket), key(toldLoan, []byte(id)))
	if err != nil {
		return w, err
	}
	if here != nil {
		w.place = here.Place
		if here.Loan != nil {
			o := here.Loan
			w.loan = &circ.Loan{Item: id, Patron: o.Patron, Seq: o.Seq, At: o.At, Due: o.Due, Renewed: o.Renewed}
		}
	}
	switch {
	case told == nil:
	case here != nil && here.Made > told.After:
		if w.loan != nil && w.loan.Seq == 0 && w.loan.Patron == told.Patron { // a loan from elsewhere, renewed here
			w.loan.At = told.At
		}
	case told.Gone:
		w.loan = nil
		if w.place == Lent {
			w.place = Unknown
		}
	case w.loan != nil && w.loan.Patron == told.Patron: // the hub says of our own loan what we know
		w.loan.Due = told.Due
		if w.loan.Seq == 0 {
			w.loan.At = told.At
		}
	default:
		w.place, w.loan = Lent, &circ.Loan{Item: id, Patron: told.Patron, At: told.At, Due: told.Due}
	}
	if w.loan == nil {
		return w, nil
	}
	verdicts := tx.Bucket(verdictBucket)
	begun, err := get[verdict](verdicts, number(w.loan.Seq))
	if err != nil {
		return w, err
	}
	switch {
	case w.loan.Seq == 0:
		w.loan.State = circ.Confirmed
	case begun != nil && begun.Refused:
		w.loan.State = circ.Refused
	case begun != nil:
		w.loan.State = circ.Confirmed
	case w.loan.Seq <= mark(tx, Hub):
		w.loan.State = circ.Received
	}
	if here == nil {
		return w, nil
	}
	// The due date that counts is that of the newest event: the loan's or its
	// last renewal's.
	newest := begun
	if here.Made != w.loan.Seq {
		if newest, err = get[verdict](verdicts, number(here.Made)); err != nil {
			return w, err
		}
	}
	if newest != nil && !newest.Due.IsZero() {
		w.loan.Due = newest.Due
	}
	return w, nil
}

// Loan is the open loan of an item, if it is on loan.
func (l *Ledger) Loan(id circ.ItemID) (loan circ.Loan, open bool, err error) {
	err = l.view(func(tx *bbolt.Tx) error {
		w, err := l.item(tx, id)
		if err == nil && w.loan != nil {
			loan, open = *w.loan, true
		}
		return err
	})
	return loan, open, err
}

// Loans are the open loans of an account, by item. There is no index of accounts:
// a shelf's few thousand items are read in less time than keeping one would add
// to every loan's flush.
func (l *Ledger) Loans(patron circ.Ref) ([]circ.Loan, error) {
	all, err := l.OpenLoans()
	return slices.DeleteFunc(all, func(loan circ.Loan) bool { return loan.Patron != patron }), err
}

// OpenLoans are all open loans known here, by item.
func (l *Ledger) OpenLoans() (all []circ.Loan, err error) {
	err = l.view(func(tx *bbolt.Tx) error {
		names := map[circ.ItemID]bool{}
		gather := func(rest, _ []byte) error { names[circ.ItemID(rest)] = true; return nil }
		if err := l.here(tx).under(key(hereItem), gather); err != nil {
			return err
		}
		if err := under(tx.Bucket(toldBucket), key(toldLoan), gather); err != nil {
			return err
		}
		for _, id := range slices.Sorted(maps.Keys(names)) {
			w, err := l.item(tx, id)
			if err != nil {
				return err
			}
			if w.loan != nil {
				all = append(all, *w.loan)
			}
		}
		return nil
	})
	return all, err
}

// Place is where an item is, as far as is known.
func (l *Ledger) Place(id circ.ItemID) (place Place, err error) {
	err = l.view(func(tx *bbolt.Tx) error {
		w, err := l.item(tx, id)
		place = w.place
		return err
	})
	return place, err
}

// Shelf are the items on this station's shelf, in order of their names.
func (l *Ledger) Shelf() ([]circ.ItemID, error) { return l.At(Shelf) }

// At are the items at a place, in order of their names.
func (l *Ledger) At(place Place) (all []circ.ItemID, err error) {
	err = l.view(func(tx *bbolt.Tx) error {
		return l.here(tx).under(key(hereItem), func(rest, _ []byte) error {
			id := circ.ItemID(rest)
			w, err := l.item(tx, id)
			if err == nil && w.place == place {
				all = append(all, id)
			}
			return err
		})
	})
	return all, err
}

// Repairs are the tags that wait to be seen again, by item.
func (l *Ledger) Repairs() (all []Repair, err error) {
	err = l.view(func(tx *bbolt.Tx) error {
		t := l.here(tx)
		return t.under(key(hereRepair), func(rest, _ []byte) error {
			r, err := get[Repair](t, key(hereRepair, rest))
			if err == nil {
				all = append(all, *r)
			}
			return err
		})
	})
	return all, err
}

// Repair is what an item's tag waits for, if it does.
func (l *Ledger) Repair(id circ.ItemID) (r Repair, waits bool, err error) {
	err = l.view(func(tx *bbolt.Tx) error {
		found, err := get[Repair](l.here(tx), key(hereRepair, []byte(id)))
		if found != nil {
			r, waits = *found, true
		}
		return err
	})
	return r, waits, err
}

// Session is the number of the last start, 0 before the first.
func (l *Ledger) Session() (n uint64, err error) {
	err = l.view(func(tx *bbolt.Tx) error {
		n = decode(l.here(tx).Get(key(hereSession)))
		return nil
	})
	return n, err
}

// Faults are the faults that were raised and not cleared.
func (l *Ledger) Faults() (names []string, err error) {
	err = l.view(func(tx *bbolt.Tx) error {
		return l.here(tx).under(key(hereFault), func(rest, _ []byte) error {
			names = append(names, string(rest))
			return nil
		})
	})
	return names, err
}

// Item is what the hub told of an item, if it did.
func (l *Ledger) Item(id circ.ItemID) (circ.Item, bool, error) {
	return record[circ.Item](l, key(toldItem, []byte(id)))
}

// Items are all items that the hub told of, by identifier.
func (l *Ledger) Items() (all []circ.Item, err error) {
	err = l.view(func(tx *bbolt.Tx) error {
		all, err = records[circ.Item](tx.Bucket(toldBucket), toldItem)
		return err
	})
	return all, err
}

// Policy is how a customer group borrows, if the hub told.
func (l *Ledger) Policy(id string) (circ.Policy, bool, error) {
	return record[circ.Policy](l, key(toldPolicy, []byte(id)))
}

// Settings are what the hub set last, if it did.
func (l *Ledger) Settings() (circ.SettingsPut, bool, error) {
	return record[circ.SettingsPut](l, key(toldSettings))
}

// Applied is what the last SettingsApplied said; the zero value before.
func (l *Ledger) Applied() (applied circ.SettingsApplied, err error) {
	err = l.view(func(tx *bbolt.Tx) error {
		last, err := get[circ.SettingsApplied](l.here(tx), key(hereSettings))
		if last != nil {
			applied = *last
		}
		return err
	})
	return applied, err
}

// Messages are the words for the idle screen, by language, by message.
func (l *Ledger) Messages() (map[string]map[string]string, error) {
	return named[map[string]string](l, toldMessage)
}

// Consignments are those on their way, in the order of their names.
func (l *Ledger) Consignments() (all []circ.ConsignmentPut, err error) {
	items, err := named[[]circ.ItemID](l, toldConsignment)
	if err != nil {
		return nil, err
	}
	titles, err := named[string](l, toldTitle)
	for _, id := range slices.Sorted(maps.Keys(items)) {
		all = append(all, circ.ConsignmentPut{ID: id, Items: items[id], Title: titles[id]})
	}
	return all, err
}

// Recalls are the lists of items to be taken out, by recall.
func (l *Ledger) Recalls() (map[string][]circ.ItemID, error) {
	return named[[]circ.ItemID](l, toldRecall)
}

// Picks are librarians' suggestions, by name.
func (l *Ledger) Picks() (map[string][]circ.ItemID, error) {
	return named[[]circ.ItemID](l, toldPicks)
}

// Commands are what the hub asked for and no NoticeTaken has answered, in order.
func (l *Ledger) Commands() (all []circ.Notice, err error) {
	err = l.view(func(tx *bbolt.Tx) error {
		return under(tx.Bucket(toldBucket), key(toldCommand), func(rest, value []byte) error {
			all = append(all, circ.Notice{Seq: binary.BigEndian.Uint64(rest), Body: command(value)})
			return nil
		})
	})
	return all, err
}

func record[T any](l *Ledger, k []byte) (value T, found bool, err error) {
	err = l.view(func(tx *bbolt.Tx) error {
		r, err := get[T](tx.Bucket(toldBucket), k)
		if r != nil {
			value, found = *r, true
		}
		return err
	})
	return value, found, err
}

func records[T any](b *bbolt.Bucket, kind byte) (all []T, err error) {
	err = under(b, []byte{kind}, func(rest, _ []byte) error {
		r, err := get[T](b, key(kind, rest))
		if err == nil {
			all = append(all, *r)
		}
		return err
	})
	return all, err
}

func named[T any](l *Ledger, kind byte) (all map[string]T, err error) {
	all = map[string]T{}
	err = l.view(func(tx *bbolt.Tx) error {
		b := tx.Bucket(toldBucket)
		return under(b, []byte{kind}, func(rest, _ []byte) error {
			r, err := get[T](b, key(kind, rest))
			if err == nil {
				all[string(rest)] = *r
			}
			return err
		})
	})
	return all, err
}
