package koha

import (
	"encoding/json"
	"fmt"

	"coldstation/sync/hub/marc"
)

// readRecord reads MARC-in-JSON. Koha leaves the item fields (952) out of it.
func readRecord(r *row) (record marc.Record) {
	text, err := json.Marshal(r.fields)
	if err == nil {
		err = json.Unmarshal(text, &record)
	}
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%w: %w", ErrRecord, err)
	}
	return record
}
