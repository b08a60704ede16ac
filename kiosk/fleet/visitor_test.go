package fleet

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"coldstation/kiosk/flow"
	"coldstation/sync/circ"
	"coldstation/sync/identity"
	"coldstation/sync/ledger"
	"coldstation/sync/wire"
)

// A screen that says what is not in the ledger is caught, and not by waiting.
func TestSavedBeforeSaid(t *testing.T) {
	library, err := identity.NewLibrary()
	if err != nil {
		t.Fatal(err)
	}
	station, _, err := library.Enrol("fleet-000", "")
	if err != nil {
		t.Fatal(err)
	}
	sealing, err := station.SealingKey()
	if err != nil {
		t.Fatal(err)
	}
	log, err := ledger.Open(filepath.Join(t.TempDir(), "ledger.db"), ledger.Options{Station: station.Station, Key: make([]byte, 32), Sealer: &wire.Sealer{Key: sealing}})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	who := patronID(0)
	if _, err := log.Append(circ.Stamp{}, []circ.PatronID{who}, circ.CheckedOut{Visit: 1, Item: "lent", Patron: log.Ref(who), By: log.Ref(who)}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		item circ.ItemID
		fate flow.Fate
		true bool
	}{
		{"lent", flow.Borrowed, true}, {"lent", flow.Returned, false}, {"lent", flow.Boxed, false},
		{"here", flow.Borrowed, false}, {"here", flow.Returned, true}, {"here", flow.Saving, true}, {"lent", flow.Undone, true},
	} {
		v := &visitor{log: log, news: make(chan struct{}, 1)}
		v.Show(flow.View{Lines: []flow.Line{{Item: circ.Item{ID: c.item}, Fate: c.fate}}})
		err := v.until(context.Background(), "nothing", func() bool { return true })
		if (err == nil) != c.true || err != nil && !strings.Contains(err.Error(), "the screen says") {
			t.Errorf("%s %v: %v, want it taken for true: %v", c.item, c.fate, err, c.true)
		}
	}
}
