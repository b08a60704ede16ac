package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/hub/store/storetest"
	"coldstation/sync/identity"
)

// BenchmarkNeeds measures what telling costs in a library of 500 stations, 100 000
// items of which each belongs to one of them, and 20 000 people: an import that changes
// 1000 items, a change of one, a review of all stations, and a new stream with all its
// notices. STATIONS gives another number of stations.
func BenchmarkNeeds(b *testing.B) {
	const items, people = 100_000, 20_000
	stations := 500
	if text := os.Getenv("STATIONS"); text != "" {
		if _, err := fmt.Sscan(text, &stations); err != nil {
			b.Fatal(err)
		}
	}
	ctx := b.Context()
	ok := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	path := filepath.Join(b.TempDir(), "hub.db")
	s, err := store.OpenSQLite(path)
	ok(err)
	defer s.Close()
	name := func(i int) circ.StationID { return circ.StationID(fmt.Sprintf("house-%03d", i%stations)) }
	began := time.Now()
	for i := range stations {
		ok(s.Enrol(ctx, identity.Enrolled{Station: name(i), Password: []byte{1}, Signing: make([]byte, 32)}, storetest.Start))
		_, err := s.Find(ctx, name(i), uuid.New(), storetest.Start)
		ok(err)
	}
	change := 0
	shelf := func(from, n int) (all []circ.Item) {
		change++
		for i := from; i < from+n; i++ {
			all = append(all, circ.Item{ID: circ.ItemID(fmt.Sprintf("3%013d", i)), Title: fmt.Sprintf("A book of an ordinary title, %d", change), Author: "Somebody Ordinary", Home: name(i)})
		}
		return all
	}
	var all store.Collection
	all.Items = shelf(0, items)
	for i := range people {
		all.Patrons = append(all.Patrons, circ.Patron{ID: circ.NewPatronID(fmt.Sprint("9", i)), FirstName: "Helmi", Policy: "adult", Home: name(i)})
	}
	_, err = s.Import(ctx, all)
	ok(err)
	b.Logf("the library was brought in after %v", time.Since(began))
	drain := func(id circ.StationID) uint64 {
		for {
			now, err := s.Stream(ctx, id)
			ok(err)
			next, err := s.Draw(ctx, id, now, 500, storetest.Start)
			ok(err)
			ok(s.NoticesTaken(ctx, id, next.ID, next.Told, false))
			if next.Told == now.Told {
				return now.Told
			}
		}
	}
	began = time.Now()
	for i := range stations {
		drain(name(i))
	}
	b.Logf("all stations were told after %v", time.Since(began))
	size := func() float64 {
		info, err := os.Stat(path)
		ok(err)
		return float64(info.Size()) / (1 << 20)
	}
	b.Run("import 1000", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			_, err := s.Import(ctx, store.Collection{Items: shelf(i*1000%items, 1000)})
			ok(err)
		}
	})
	b.Run("import 1", func(b *testing.B) {
		for b.Loop() {
			_, err := s.Import(ctx, store.Collection{Items: shelf(0, 1)})
			ok(err)
		}
	})
	b.Run("review", func(b *testing.B) {
		for b.Loop() {
			ok(s.Review(ctx, storetest.Start))
		}
	})
	b.Run("new stream", func(b *testing.B) {
		told := uint64(0)
		for i := 0; b.Loop(); i++ {
			ok(s.NewStream(ctx, name(i), uuid.New()))
			told = drain(name(i))
		}
		b.ReportMetric(float64(told), "notices")
	})
	b.ReportMetric(size(), "MB")
}
