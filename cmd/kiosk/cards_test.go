package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"coldstation/cmd/internal/stage"
	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// A station that leaves unknown cards to the staff lends to somebody of whom it was
// never told, since the network's filter of valid cards came down with the rest.
func TestValidCardOfTheNetwork(t *testing.T) {
	th := open(t)
	k, err := th.Kiosk(th.ctx, "maple-house", th.screen.Env(), "--window", "1280x800", "--unknown-cards", "staff")
	th.must(err)
	th.must(stage.Until(th.ctx, "the filter", func() error { return k.Logged("a blob is here") }))
	hub, err := store.OpenSQLite(filepath.Join(th.Dir, "hub", "hub.db"))
	th.must(err)
	th.must(errors.Join(hub.Tell(th.ctx, "maple-house", circ.PatronGone{ID: circ.NewPatronID("999A00000101")}), hub.Close()))
	th.must(stage.Until(th.ctx, "the station to forget Helmi", func() error {
		station, err := th.Station("maple-house")
		if err == nil && station.NoticesPending > 0 {
			err = fmt.Errorf("it is %+v", station)
		}
		return err
	}))
	k.Cable.Cut()
	th.must(k.Pad.Put("helmi", "sinuhe"))
	th.logged(k, 1, "kind=TagUnsecured")
	th.must(k.Cable.Heal())
	th.loans("999N00001003")
}
