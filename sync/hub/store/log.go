package store

import (
	"context"

	"coldstation/sync/circ"
)

func (s *base) Log(ctx context.Context, station circ.StationID, each func(Kept) error) error {
	rows, err := s.read.QueryContext(ctx, `SELECT ledger, seq, kind, item, undone, received, chain, raw FROM events WHERE station = ? ORDER BY ledger, seq`, station)
	if err != nil {
		return damaged(err)
	}
	defer rows.Close()
	for rows.Next() {
		var k Kept
		var ledger string
		var received int64
		var chain []byte
		if err := rows.Scan(&ledger, &k.Seq, &k.Kind, &k.Item, &k.Undone, &received, &chain, &k.Raw); err != nil {
			return damaged(err)
		}
		k.Ledger, k.Received = fromID(ledger), fromMillis(received)
		copy(k.Chain[:], chain)
		if err := each(k); err != nil {
			return err
		}
	}
	return damaged(rows.Err())
}
