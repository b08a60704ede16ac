package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"coldstation/sync/circ"
)

// BenchmarkAppend measures what a durable loan costs beside the least that bbolt
// can do: one transaction that puts 300 bytes. Rounds of both alternate, so that
// a disk that is slow for a while is slow for both; the ratio is that of the
// medians, since a single flush may take a hundred times as long.
func BenchmarkAppend(b *testing.B) {
	b.Run("alone", func(b *testing.B) { benchmarkAppend(b, "ledger-append", false) })
	b.Run("journal", func(b *testing.B) { benchmarkAppend(b, "ledger-append-journal", true) })
}

func benchmarkAppend(b *testing.B, name string, journal bool) {
	l := newLender(b)
	l.options.Journal = journal
	l.reopen()
	l.lend("first", anna)
	bare, err := bbolt.Open(filepath.Join(b.TempDir(), "bare"), 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType})
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	bucket, value := []byte("event"), bytes.Repeat([]byte{7}, 300)
	if err := bare.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket(bucket); return err }); err != nil {
		b.Fatal(err)
	}
	var ours, theirs []time.Duration
	n := uint64(0)
	who, ref := []circ.PatronID{anna}, l.Ref(anna)
	lend := func() {
		_, err := l.Append(noon, who, circ.CheckedOut{Visit: 1, Item: circ.ItemID("167N" + strconv.FormatUint(n%2000, 10)), Patron: ref, By: ref, Due: due})
		if err != nil {
			b.Fatal(err)
		}
	}
	put := func() {
		err := bare.Update(func(tx *bbolt.Tx) error {
			t := tx.Bucket(bucket)
			t.FillPercent = 1
			return t.Put(number(n), value)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	timed := func(to *[]time.Duration, fn func()) {
		start := time.Now()
		fn()
		*to = append(*to, time.Since(start))
	}
	for b.Loop() {
		for range 50 { // each goes first every other time: who follows a flush may find the disk busy
			n++
			timed(&ours, lend)
			timed(&theirs, put)
			n++
			timed(&theirs, put)
			timed(&ours, lend)
		}
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	mine, bareOne := ours[len(ours)/2], theirs[len(theirs)/2]
	b.ReportMetric(float64(time.Second/mine), "appends/s")
	b.ReportMetric(float64(ours[len(ours)*99/100])/1e6, "p99-ms")
	fmt.Printf("\nratio %s %.2f\n", name, float64(bareOne)/float64(mine))
}

// BenchmarkOpen measures a station's start with a million events, which reads and
// checks all of them, beside bare bbolt that opens the same file and reads the marks.
// OPEN_EVENTS is another number of events.
func BenchmarkOpen(b *testing.B) {
	events := uint64(1_000_000)
	if n, err := strconv.ParseUint(os.Getenv("OPEN_EVENTS"), 10, 64); err == nil {
		events = n
	}
	l := newLender(b)
	l.grow(events)
	if err := l.SetMark(Hub, events/2); err != nil {
		b.Fatal(err)
	}
	l.close()
	var ours, bare []time.Duration
	for b.Loop() {
		began := time.Now()
		l.open()
		ours = append(ours, time.Since(began))
		l.close()
		began = time.Now()
		db, err := bbolt.Open(l.path, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType})
		if err != nil {
			b.Fatal(err)
		}
		err = db.View(func(tx *bbolt.Tx) error {
			return tx.Bucket(markBucket).ForEach(func(_, _ []byte) error { return nil })
		})
		bare = append(bare, time.Since(began))
		if err := errors.Join(err, db.Close()); err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(ours)
	slices.Sort(bare)
	mine, least := ours[len(ours)/2], bare[len(bare)/2]
	b.ReportMetric(float64(mine)/1e6, "open-ms")
	b.ReportMetric(float64(least)/1e6, "bare-ms")
	fmt.Printf("\nratio open %.2f\n", float64(mine)/float64(least))
	l.open()
}

// grow records events of visits until there are so many.
func (l *lender) grow(events uint64) {
	l.t.Helper()
	who, ref := []circ.PatronID{anna}, l.Ref(anna)
	_, last, err := l.Bounds()
	for err == nil && last < events {
		bodies := make([]circ.EventBody, 0, 1000)
		for n := last; n < min(events, last+1000); n += 2 {
			item := circ.ItemID("167N" + strconv.FormatUint(n%4000, 10))
			bodies = append(bodies, circ.CheckedOut{Visit: 1, Item: item, Patron: ref, By: ref, Due: due}, circ.CheckedIn{Visit: 1, Item: item, Patron: ref})
		}
		if _, err = l.Append(noon, who, bodies...); err == nil {
			_, last, err = l.Bounds()
		}
	}
	if err != nil {
		l.t.Fatal(err)
	}
}
