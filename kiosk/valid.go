package kiosk

import (
	"coldstation/sync/circ"
	"coldstation/sync/filter"
)

// valids are the valid cards of the library network, as a blob tells.
type valids struct {
	cards *filter.Filter // nil: nobody told yet
	blob  circ.BlobID    // that cards were read from
	bad   circ.BlobID    // that could not be read, and is not tried again
}

// valid reports whether a card that the ledger does not know is a valid one of the
// library network, as far as anybody told. While a newer filter is on its way the
// last one serves.
func (s *Station) valid(id circ.PatronID) bool {
	if s.blobs == nil {
		return false
	}
	blob, told, err := s.ledger.CardFilter()
	if !s.answered(err) || !told {
		return false
	}
	if v := &s.valids; v.blob != blob && v.bad != blob {
		raw, err := s.blobs.Read(blob)
		if err == nil {
			cards, err := filter.Parse(raw)
			if err == nil {
				v.cards, v.blob = cards, blob
			} else {
				v.bad = blob
				s.log.Error("the card filter cannot be read", "err", err)
			}
		}
	}
	return s.valids.cards != nil && s.valids.cards.Has(id)
}
