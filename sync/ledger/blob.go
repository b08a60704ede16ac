package ledger

import (
	"go.etcd.io/bbolt"

	"coldstation/sync/circ"
)

// CardFilter is the blob that tells which cards are valid, if the hub told of one.
func (l *Ledger) CardFilter() (circ.BlobID, bool, error) {
	put, told, err := record[circ.CardFilterPut](l, key(toldCardFilter))
	return put.Filter, told, err
}

// Blobs are the blobs that the hub told of and this station has a use for: the
// card filter, then the covers of what belongs here or was seen here.
func (l *Ledger) Blobs() (all []circ.BlobID, err error) {
	err = l.view(func(tx *bbolt.Tx) error {
		told := tx.Bucket(toldBucket)
		filter, err := get[circ.CardFilterPut](told, key(toldCardFilter))
		if err != nil {
			return err
		}
		if filter != nil {
			all = append(all, filter.Filter)
		}
		items, err := records[circ.Item](told, toldItem)
		if err != nil {
			return err
		}
		for _, item := range items {
			if item.Cover.IsZero() {
				continue
			}
			here := item.Home == "" || item.Home == l.options.Station
			if !here {
				at, err := l.item(tx, item.ID)
				if err != nil {
					return err
				}
				here = at.place != Unknown
			}
			if here {
				all = append(all, item.Cover)
			}
		}
		return nil
	})
	return all, err
}
