package hub

import (
	"context"
	"fmt"
	"time"

	"coldstation/sync/filter"
	"coldstation/sync/hub/store"
)

// sweepAfter is how long a blob that nothing names stays for those who are fetching it.
const sweepAfter = 24 * time.Hour

// keepCards builds the filter of all valid cards anew when they changed, at most
// once in Settings.Cards, and says so on fresh, until ctx ends; it drops the blobs
// that nothing names any more. With several hubs
// more than one may do so at once: stations take what was built last.
func (h *Hub) keepCards(ctx context.Context, fresh chan<- struct{}) {
	look := time.NewTicker(h.Cards)
	defer look.Stop()
	for {
		changed, err := h.buildCards(ctx)
		if err == nil {
			_, err = h.Store.SweepBlobs(ctx, h.Now().Add(-sweepAfter))
		}
		if err != nil && ctx.Err() == nil {
			h.Log.Error("build the card filter", "err", err)
		}
		if changed {
			select {
			case fresh <- struct{}{}:
			case <-ctx.Done():
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

// buildCards builds the filter if the cards are others than those it was built of.
// A library that has no cards yet has no filter: its stations judge by their rule.
func (h *Hub) buildCards(ctx context.Context) (changed bool, err error) {
	cards, err := h.Store.ValidCards(ctx)
	if err != nil {
		return false, err
	}
	now, err := h.Store.CardFilter(ctx)
	if err != nil {
		return false, err
	}
	digest := store.CardsDigest(cards)
	if now.Cards == digest || now.Blob.IsZero() && len(cards) == 0 {
		return false, nil
	}
	content, err := filter.Build(cards)
	if err != nil {
		return false, err
	}
	id, err := h.Store.PutBlob(ctx, content, h.Now())
	if err != nil {
		return false, fmt.Errorf("a filter of %d cards: %w", len(cards), err)
	}
	if err := h.Store.SetCardFilter(ctx, store.CardFilter{Blob: id, Cards: digest}); err != nil {
		return false, err
	}
	h.Log.Info("built the card filter", "cards", len(cards), "bytes", len(content))
	return true, nil
}
