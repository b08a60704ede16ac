package ledger

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"coldstation/sync/circ"
)

// What follows from the events is the same whether it stands in the bucket or waits
// to be written, for who asks, for who opens the file anew or only looks at it, and
// when the process ends without a word.
func TestHereAtAnyMoment(t *testing.T) {
	l := newLender(t)
	written := func() (n int, at uint64) {
		t.Helper()
		err := l.view(func(tx *bbolt.Tx) (err error) {
			n = tx.Bucket(hereBucket).Stats().KeyN
			at, err = asOf(tx)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n, at
	}
	behind := map[bool]int{}
	for i := range 3 * lag {
		item := circ.ItemID(fmt.Sprintf("%03d", i*7%100))
		switch i % 5 {
		case 4:
			l.append(nil, circ.CheckedIn{Item: item, Belongs: true}, circ.TagSecured{Item: item})
		case 3:
			l.append(nil, circ.Undone{Seq: l.lend(item, anna)})
		default:
			l.append([]circ.PatronID{anna}, circ.CheckedOut{Item: item, Patron: l.Ref(anna), Due: due}, circ.TagFailed{Item: item})
		}
		n, at := written()
		_, last, err := l.Bounds()
		if err != nil {
			t.Fatal(err)
		}
		behind[at < last]++
		if i%17 != 0 {
			continue
		}
		want := l.state()
		copied := filepath.Join(t.TempDir(), "copy") // as it would be if the process ended now
		if err := os.WriteFile(copied, l.content(l.path), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, o := range []Options{l.options, {ReadOnly: true}} {
			c, err := Open(copied, o)
			if err != nil {
				t.Fatal(err)
			}
			other := &lender{Ledger: c, t: t}
			if o.ReadOnly { // which cannot tell whose the band is
				want["band"] = other.state()["band"]
			}
			other.wantState(want)
			if _, err := c.Verify(); err != nil {
				t.Errorf("as of %d of %d, %d records: %v", at, last, n, err)
			}
			a, err := l.Repairs()
			b, err2 := c.Repairs()
			if err != nil || err2 != nil || fmt.Sprint(a) != fmt.Sprint(b) || len(a) == 0 && i > 0 {
				t.Errorf("repairs %v and %v, %v %v", a, b, err, err2)
			}
			other.close()
		}
	}
	if behind[true] < lag || behind[false] == 0 {
		t.Errorf("behind and not: %v, want it written now and then", behind)
	}
	l.reopen()
	l.verify()
}
