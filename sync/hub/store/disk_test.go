package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/hub/store/storetest"
	"coldstation/sync/identity"
)

const (
	batches = 20
	station = circ.StationID("maple-house")
)

// told is what the station sends: batches of three events.
func told() *storetest.Log {
	l := storetest.NewLog(station)
	l.ID, l.Boot = uuid.MustParse("8c7bd0a1-5e0e-4b8e-9f51-0f3f3e6d2a11"), uuid.MustParse("0b9b4e51-24be-4b9c-8c0c-d7c9a2ef6f3a")
	for i := range batches {
		item, before := circ.ItemID(fmt.Sprint("item-", i)), circ.ItemID(fmt.Sprint("item-", i/2))
		l.Add(circ.CheckedOut{Item: item, Due: storetest.Start.AddDate(0, 0, 28)}, circ.CheckedIn{Item: before}, circ.CheckedOut{Item: before, Due: storetest.Start.AddDate(0, 0, 28)})
	}
	return l
}

// takeInAll is a hub's life on a disk that ends by itself. It says how much of the
// station's ledger it has acknowledged. Like a station it sends again what failed, to the
// same store, which is opened anew only where it was not opened at all.
func takeInAll(path string) error {
	words, err := os.OpenFile(filepath.Join(filepath.Dir(path), "words"), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	again := func(what string, do func() error) (err error) {
		for range 10 {
			if err = do(); err == nil {
				return nil
			}
			fmt.Fprintf(words, "failed: %s: %v\n", what, err)
		}
		return fmt.Errorf("%s: %w", what, err)
	}
	var s store.Store
	if err := again("open", func() (err error) { s, err = store.OpenSQLite(path); return err }); err != nil {
		return err
	}
	ctx := context.Background()
	if err := again("enrol", func() error {
		err := s.Enrol(ctx, identity.Enrolled{Station: station, Signing: make([]byte, 32)}, storetest.Start)
		if errors.Is(err, store.ErrKnown) {
			return nil
		}
		return err
	}); err != nil {
		return err
	}
	l := told()
	if err := again("find", func() error { _, err := s.Find(ctx, station, l.ID, storetest.Start); return err }); err != nil {
		return err
	}
	for i := range uint64(batches) {
		if err := again("take in", func() error {
			kept, err := s.TakeIn(ctx, l.Batch(3*i+1, 3*i+3))
			if err == nil && kept.Cursor != 3*i+3 {
				err = fmt.Errorf("it stands at %d after event %d", kept.Cursor, 3*i+3)
			}
			return err
		}); err != nil {
			return err
		}
		fmt.Fprintf(words, "kept %d\n", 3*i+3)
	}
	return again("close", s.Close)
}
