package ledger

import (
	"bytes"
	"fmt"
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
