package hub

import (
	"context"
	"errors"

	"coldstation/sync/hub/store"
	"coldstation/sync/wire"
)

// give answers a Want, but no faster than a line and the others bear: the station
// asks again.
func (d *desk) give(ctx context.Context, want wire.Want) error {
	if !d.pieces.take(d.clock()) {
		d.Log.Debug("a station asks for too many pieces", "station", d.station.Station)
		return nil
	}
	bytes, size, err := d.Store.BlobPiece(ctx, want.Blob, want.Offset, wire.MaxPiece)
	if err != nil && !errors.Is(err, store.ErrNoBlob) {
		return err
	}
	if len(bytes) == 0 {
		return d.publish(wire.Piece{Blob: want.Blob, Offset: 0})
	}
	return d.publish(wire.Piece{Blob: want.Blob, Offset: want.Offset, Size: size, Bytes: bytes})
}

// meet notes what a station knows, and tells it what it may be told for that.
func (d *desk) meet(ctx context.Context, hello wire.Hello) error {
	d.knows = hello.Knows
	return d.tellCards(ctx)
}

// tellCards tells the station of the card filter, once for each.
func (d *desk) tellCards(ctx context.Context) error {
	if d.knows < wire.KnowsCardFilter {
		return nil
	}
	if err := d.Store.TellCardFilter(ctx, d.station.Station); err != nil {
		return err
	}
	return d.catchUp(ctx)
}
