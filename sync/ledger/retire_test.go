package ledger

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/wire"
)

// What goes, by how far the hub is and by the date; all else stays.
func TestHorizon(t *testing.T) {
	day := func(n int) circ.Stamp { s := noon; s.Wall = s.Wall.AddDate(0, 0, n); return s }
	unset := circ.Stamp{Wall: time.Unix(0, 0)} // a computer that woke up in 1970
	for _, try := range []struct {
		hub    uint64
		before int // day
		least  uint64
		want   uint64
	}{
		{11, 0, 1, 0},  // nothing is older
		{11, 1, 1, 5},  // the first day
		{11, 2, 1, 6},  // not 7: that it is so old is not known
		{11, 3, 1, 7},  // 8 is undone by 9, which stays
		{11, 4, 1, 10}, // the newest stays
		{6, 4, 1, 6},   // the hub has no more
		{0, 4, 1, 0},
		{11, 4, 11, 0}, // not worth it
		{11, 400, 1, 10},
	} {
		t.Run(fmt.Sprint(try), func(t *testing.T) {
			l := newKeeper(t)
			say := func(s circ.Stamp, bodies ...circ.EventBody) {
				t.Helper()
				if _, err := l.Append(s, []circ.PatronID{anna}, bodies...); err != nil {
					t.Fatal(err)
				}
			}
			out := func(item circ.ItemID) circ.EventBody {
				return circ.CheckedOut{Item: item, Patron: l.Ref(anna), Due: due}
			}
			say(day(0), circ.Started{Session: 3}, circ.Placed{Item: "1"}) // 1, 2
			say(day(0), out("1"), out("2"))                               // anna met: 3, then 4, 5
			say(day(1), circ.CheckedIn{Item: "2", Belongs: true})         // 6
			say(unset, out("3"))                                          // 7
			say(day(2), out("4"))                                         // 8
			say(day(3), circ.Undone{Seq: 8}, out("5"))                    // 9, 10
			say(unset, out("6"))                                          // 11
			stream := uuid.New()
			l.tell(stream, circ.ItemPut{Item: circ.Item{ID: "1"}}, circ.LoanConfirmed{Seq: 4}, circ.LoanConfirmed{Seq: 6}, circ.LoanRefused{Seq: 11})
			if err := l.SetMark(Hub, try.hub); err != nil {
				t.Fatal(err)
			}
			if err := l.NoteHad(anna, "Sinuhe"); err != nil {
				t.Fatal(err)
			}
			want, before := l.state(), l.verify()
			chain, err := l.Chain(try.want)
			if err != nil {
				t.Fatal(err)
			}
			l.close()
			gone, err := Retire(l.path, l.options, day(try.before).Wall.Add(-time.Hour), try.least)
			if err != nil || gone != try.want {
				t.Fatalf("%d events gone, %v, want %d", gone, err, try.want)
			}
			l.open()
			l.wantJournal(1)
			for n := range gone {
				delete(want, fmt.Sprint("event ", n+1))
			}
			l.wantState(want)
			after := l.verify()
			if after.Last != before.Last || after.Chain != before.Chain || after.Hub != before.Hub || after.Events != before.Events-gone {
				t.Errorf("after it %+v, before %+v", after, before)
			}
			if first, last, err := l.Bounds(); err != nil || first != gone+1 || last != 11 {
				t.Errorf("bounds %d to %d, %v, want %d to 11", first, last, err, gone+1)
			}
			// The hub may stand where the log now begins, and not before.
			if got, err := l.Chain(gone); err != nil || got != chain {
				t.Errorf("chain at %d: %s, %v, want %s", gone, got, err, chain)
			}
			if gone > 1 {
				if _, err := l.Chain(gone - 1); !errors.Is(err, ErrGone) {
					t.Errorf("chain before: %v, want %v", err, ErrGone)
				}
				if _, _, err := l.Read(gone, 1, wire.MaxBytes); !errors.Is(err, ErrGone) {
					t.Errorf("an event that went: %v, want %v", err, ErrGone)
				}
			}
			if had, err := l.Had(anna, "Sinuhe"); !had || err != nil {
				t.Errorf("what Anna has had is forgotten: %v", err)
			}
			if _, cursor, _, err := l.NoticeCursor(); err != nil || cursor != 4 {
				t.Errorf("notices taken up to %d, %v, want 4", cursor, err)
			}
			l.append(nil, circ.CheckedIn{Item: "1"}, circ.Undone{Seq: 12})
			l.wantLoan("1", "anna confirmed 22.12.")
			l.reopen()
			l.verify()
			l.wantJournal(1)
		})
	}
}

// Wherever a copying is cut short, the ledger is there.
func TestRetireCutShort(t *testing.T) {
	l := newKeeper(t)
	l.fill(10)
	if err := l.SetMark(Hub, 12); err != nil {
		t.Fatal(err)
	}
	want := l.state()
	l.close()
	l.overwrite(l.path+".new", []byte("the power went"))
	l.open()
	l.wantState(want)
	l.close()
	if gone, err := Retire(l.path, l.options, noon.Wall.AddDate(0, 0, 1), 1); err != nil || gone != 12 {
		t.Fatalf("%d gone, %v", gone, err)
	}
	// The ledger was renamed and the journal not yet begun anew.
	l.open()
	l.wantJournal(1)
	l.verify()
	l.close()
	// One that is damaged is not copied.
	raw := l.content(l.path)
	l.flip(l.path, len(raw)/2)
	if _, err := Retire(l.path, l.options, noon.Wall.AddDate(0, 0, 1), 1); err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("a damaged one: %v", err)
	}
	if gone, err := Retire(l.path+"x", l.options, noon.Wall, 1); gone != 0 || err != nil {
		t.Errorf("none: %d, %v", gone, err)
	}
	l.overwrite(l.path, raw)
	l.open()
	if _, err := Retire(l.path, Options{Station: "maple-house", Key: l.options.Key, Timeout: time.Millisecond}, noon.Wall, 1); !errors.Is(err, ErrInUse) {
		t.Errorf("one that is open: %v, want %v", err, ErrInUse)
	}
	if _, err := os.Stat(l.path + ".new"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a draft is left: %v", err)
	}
}
