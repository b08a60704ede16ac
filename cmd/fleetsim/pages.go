package main

import (
	"context"
	"fmt"
	"net/url"

	"github.com/google/uuid"

	"coldstation/cmd/internal/stage"
	"coldstation/kiosk/fleet"
	"coldstation/sync/circ"
)

// pages is a hub that shows what it has to scripts.
type pages struct{ address string }

var _ fleet.Hub = pages{}

// Log asks for a station's events, page by page, the last first.
func (p pages) Log(_ context.Context, station circ.StationID) (all []fleet.Kept, err error) {
	const most = 1000
	before := ""
	for {
		var page []struct {
			Position string      `json:"position"`
			Ledger   uuid.UUID   `json:"ledger"`
			Seq      uint64      `json:"seq"`
			Kind     string      `json:"kind"`
			Item     circ.ItemID `json:"item"`
		}
		query := url.Values{"station": {string(station)}, "limit": {fmt.Sprint(most)}, "before": {before}}
		if err := stage.Get(p.address+"/api/events?"+query.Encode(), &page); err != nil {
			return nil, err
		}
		for _, e := range page {
			all = append(all, fleet.Kept{Ledger: e.Ledger, Seq: e.Seq, Kind: e.Kind, Item: e.Item})
			before = e.Position
		}
		if len(page) < most {
			return all, nil
		}
	}
}

func (p pages) Loans(_ context.Context, station circ.StationID) (all []circ.ItemID, err error) {
	var loans []struct {
		Item circ.ItemID `json:"item"`
	}
	err = stage.Get(p.address+"/api/loans?"+url.Values{"station": {string(station)}}.Encode(), &loans)
	for _, l := range loans {
		all = append(all, l.Item)
	}
	return all, err
}
