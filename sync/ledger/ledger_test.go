package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"coldstation/sync/circ"
	"coldstation/sync/identity"
	"coldstation/sync/wire"
)

var (
	anna  = circ.NewPatronID("20000000000017")
	eino  = circ.NewPatronID("20000000000025")
	staff = circ.NewPatronID("20000000000033")

	noon = circ.Stamp{Wall: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), Clock: circ.ClockNTP,
		Boot: uuid.MustParse("8c7bd0a1-5e0e-4b8e-9f51-0f3f3e6d2a11"), Uptime: time.Hour}
	due = time.Date(2026, 12, 22, 23, 59, 0, 0, time.UTC)
)

// lender is a ledger in a folder of its own, and the library that can open what
// it seals.
type lender struct {
	*Ledger
	t       testing.TB
	path    string
	options Options
	opener  *wire.Opener
}

func newLender(t testing.TB) *lender {
	t.Helper()
	library, err := identity.NewLibrary()
	if err != nil {
		t.Fatal(err)
	}
	private, err := library.SealingKey()
	if err != nil {
		t.Fatal(err)
	}
	l := &lender{t: t, path: filepath.Join(folder(t), "ledger"), opener: &wire.Opener{Key: private}}
	l.options = Options{Station: "maple-house", Key: bytes.Repeat([]byte{7}, 32), Sealer: &wire.Sealer{Key: private.PublicKey()}}
	l.open()
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// folder is in memory where there is such a disk: what is tested is which writes are
// made and in which order, and thousands of flushes only wait. Figures are taken on
// the real disk.
func folder(t testing.TB) string {
	if _, figures := t.(*testing.B); !figures {
		if dir, err := os.MkdirTemp("/dev/shm", "ledger"); err == nil {
			t.Cleanup(func() { _ = os.RemoveAll(dir) })
			return dir
		}
	}
	return t.TempDir()
}

func (l *lender) open() {
	l.t.Helper()
	var err error
	if l.Ledger, err = Open(l.path, l.options); err != nil {
		l.t.Fatal(err)
	}
}

// reopen is a process that ended without a word and another that began.
func (l *lender) reopen() {
	l.t.Helper()
	if err := l.Close(); err != nil {
		l.t.Fatal(err)
	}
	l.open()
}

func (l *lender) append(people []circ.PatronID, bodies ...circ.EventBody) uint64 {
	l.t.Helper()
	first, err := l.Append(noon, people, bodies...)
	if err != nil {
		l.t.Fatal(err)
	}
	return first
}

func (l *lender) lend(item circ.ItemID, to circ.PatronID) uint64 {
	l.t.Helper()
	return l.append([]circ.PatronID{to}, circ.CheckedOut{Visit: 1, Item: item, Patron: l.Ref(to), By: l.Ref(to), Due: due})
}

// tell takes notices in, on a stream that goes on where it stands.
func (l *lender) tell(stream uuid.UUID, bodies ...circ.NoticeBody) {
	l.t.Helper()
	cursor, chain, err := l.Notices(stream)
	if err != nil {
		l.t.Fatal(err)
	}
	raw := encode(l.t, bodies...)
	got, after, err := l.TakeNotices(noon, stream, cursor+1, raw, chain.After(raw))
	if err != nil {
		l.t.Fatal(err)
	}
	if want := cursor + uint64(len(bodies)); got != want || after != chain.After(raw) {
		l.t.Fatalf("notices taken up to %d, want %d", got, want)
	}
}

func encode(t testing.TB, bodies ...circ.NoticeBody) (raw [][]byte) {
	t.Helper()
	for _, body := range bodies {
		r, err := wire.AppendNotice(nil, circ.Notice{Body: body})
		if err != nil {
			t.Fatal(err)
		}
		raw = append(raw, r)
	}
	return raw
}

func (l *lender) verify() Report {
	l.t.Helper()
	r, err := l.Verify()
	if err != nil {
		l.t.Fatal(err)
	}
	return r
}

// loan is an item's loan in a few words: "anna noted", "none".
func (l *lender) loan(item circ.ItemID) string {
	l.t.Helper()
	loan, open, err := l.Loan(item)
	if err != nil {
		l.t.Fatal(err)
	}
	if !open {
		return "none"
	}
	who := "somebody"
	for name, id := range map[string]circ.PatronID{"anna": anna, "eino": eino} {
		if loan.Patron == l.Ref(id) {
			who = name
		}
	}
	return who + " " + []string{"noted", "received", "confirmed", "refused"}[loan.State] + " " + loan.Due.UTC().Format("2.1.")
}

func (l *lender) wantLoan(item circ.ItemID, want string) {
	l.t.Helper()
	if got := l.loan(item); got != want {
		l.t.Errorf("loan of %s: %s, want %s", item, got, want)
	}
}

func (l *lender) wantPlace(item circ.ItemID, want Place) {
	l.t.Helper()
	got, err := l.Place(item)
	if err != nil || got != want {
		l.t.Errorf("place of %s: %d, %v, want %d", item, got, err, want)
	}
}

func TestAppendIsThereAfterReopening(t *testing.T) {
	l := newLender(t)
	id := l.ID()
	first := l.lend("1620154429", anna)
	if first != 2 {
		t.Errorf("the first loan is event %d, want 2, after the patron was met", first)
	}
	if again := l.lend("1620154430", anna); again != 3 {
		t.Errorf("the second loan is event %d, want 3: a patron is met once", again)
	}
	before := l.verify()
	l.reopen()
	if got := l.verify(); got != before || got.Last != 3 {
		t.Errorf("after reopening %+v, want %+v", got, before)
	}
	if l.ID() != id {
		t.Errorf("ledger id %s, want %s", l.ID(), id)
	}
	l.wantLoan("1620154429", "anna noted 22.12.")
	raw, chain, err := l.Read(1, 10, wire.MaxBytes)
	if err != nil || len(raw) != 3 || chain != before.Chain {
		t.Fatalf("read %d events, chain %s, %v; want 3, %s", len(raw), chain, err, before.Chain)
	}
	met, err := wire.ParseEvent(raw[0], l.opener)
	if want := (circ.PatronMet{Ref: l.Ref(anna), ID: anna}); err != nil || met.Body != want {
		t.Errorf("event 1 is %v, %v, want %v", met.Body, err, want)
	}
	loans, err := l.Loans(l.Ref(anna))
	if err != nil || len(loans) != 2 || loans[0].Seq != 2 || !loans[0].At.Equal(noon.Wall) {
		t.Errorf("loans %+v, %v, want two, the first by event 2 at %s", loans, err, noon.Wall)
	}
}

func TestAppendAllOrNothing(t *testing.T) {
	l := newLender(t)
	l.lend("1", anna)
	before := l.verify()
	for name, try := range map[string]struct {
		bodies []circ.EventBody
		want   error
	}{
		"a stranger":           {[]circ.EventBody{circ.CheckedOut{Item: "2", Patron: l.Ref(anna)}, circ.CheckedOut{Item: "3", Patron: l.Ref(eino)}}, ErrStranger},
		"an item without name": {[]circ.EventBody{circ.CheckedIn{Item: "1"}, circ.CheckedIn{}}, circ.ErrLimit},
		"a name too long":      {[]circ.EventBody{circ.CheckedIn{Item: circ.ItemID(strings.Repeat("9", 300))}}, circ.ErrLimit},
		"text that is no text": {[]circ.EventBody{circ.CheckedIn{Item: "1"}, circ.ReadHere{Item: "\xff"}}, circ.ErrLimit},
		"somebody else's ref":  {[]circ.EventBody{circ.PatronMet{Ref: circ.Ref{1}, ID: eino}}, nil},
		"nothing":              {nil, nil},
	} {
		_, err := l.Append(noon, nil, try.bodies...)
		if err == nil || try.want != nil && !errors.Is(err, try.want) || errors.Is(err, ErrBroken) {
			t.Errorf("%s: %v, want %v", name, err, try.want)
		}
	}
	if got := l.verify(); got != before {
		t.Errorf("after refusals %+v, want %+v", got, before)
	}
	l.lend("2", eino)
	l.verify()
}

func TestReadKeepsItsLimits(t *testing.T) {
	l := newLender(t)
	for range 20 {
		l.append(nil, circ.ReadHere{Item: "1"})
	}
	all, _, err := l.Read(1, 100, wire.MaxBytes)
	if err != nil || len(all) != 20 {
		t.Fatalf("%d events, %v, want 20", len(all), err)
	}
	for _, try := range []struct {
		from      uint64
		max, size int
		want      int
	}{{1, 5, wire.MaxBytes, 5}, {18, 5, wire.MaxBytes, 3}, {1, 5, len(all[0]), 1}, {1, 5, 1, 1}, {1, 5, 2*len(all[0]) + 1, 2}, {21, 5, 100, 0}} {
		got, chain, err := l.Read(try.from, try.max, try.size)
		if err != nil || len(got) != try.want {
			t.Errorf("Read(%d, %d, %d): %d events, %v, want %d", try.from, try.max, try.size, len(got), err, try.want)
		}
		if len(got) > 0 {
			if want, err := l.Chain(try.from + uint64(len(got)) - 1); err != nil || chain != want {
				t.Errorf("Read(%d, %d, %d): chain %s, want %s, %v", try.from, try.max, try.size, chain, want, err)
			}
		}
	}
	if _, _, err := l.Read(0, 5, 100); !errors.Is(err, ErrGone) {
		t.Errorf("Read(0): %v, want %v", err, ErrGone)
	}
	if _, err := l.Chain(21); !errors.Is(err, ErrGone) {
		t.Errorf("Chain(21): %v, want %v", err, ErrGone)
	}
	n := uint64(0)
	for e, err := range l.Events(1) {
		if n++; err != nil || e.Seq != n || e.Body != (circ.ReadHere{Item: "1"}) {
			t.Fatalf("event %d is %+v, %v", n, e, err)
		}
	}
	if n != 20 {
		t.Errorf("walked over %d events, want 20", n)
	}
}

func TestUndo(t *testing.T) {
	l := newLender(t)
	undo := func(seq uint64) { t.Helper(); l.append(nil, circ.Undone{Seq: seq}); l.verify() }

	l.append(nil, circ.Placed{Item: "1"})
	out := l.lend("1", anna)
	undo(out)
	l.wantLoan("1", "none")
	l.wantPlace("1", Shelf)

	out = l.lend("1", anna)
	in := l.append(nil, circ.CheckedIn{Item: "1", Patron: l.Ref(anna)})
	l.wantPlace("1", Box)
	undo(out) // the return came later
	l.wantLoan("1", "none")
	undo(in)
	l.wantLoan("1", "anna noted 22.12.")
	undo(in) // twice is once
	l.wantLoan("1", "anna noted 22.12.")
	undo(out) // and now the loan is the newest again
	l.wantLoan("1", "none")
	l.wantPlace("1", Shelf)

	out = l.lend("1", anna)
	renewed := l.append([]circ.PatronID{anna}, circ.Renewed{Item: "1", Patron: l.Ref(anna), Due: due.AddDate(0, 0, 28)})
	l.wantLoan("1", "anna noted 19.1.")
	undo(renewed)
	l.wantLoan("1", "anna noted 22.12.")

	other := l.append([]circ.PatronID{eino}, circ.CheckedOut{Item: "1", Patron: l.Ref(eino), From: l.Ref(anna), Flags: circ.ImpliedReturn, Due: due})
	if loans, err := l.Loans(l.Ref(anna)); err != nil || len(loans) != 0 {
		t.Errorf("loans of the account it was on: %v, %v, want none", loans, err)
	}
	undo(other)
	l.wantLoan("1", "anna noted 22.12.")
	if loans, err := l.Loans(l.Ref(anna)); err != nil || len(loans) != 1 || loans[0].Seq != out {
		t.Errorf("loans of the account it was on: %+v, %v, want event %d", loans, err, out)
	}
	l.append(nil, circ.Undone{Seq: 9999}, circ.Undone{Seq: 0}) // nonsense changes nothing
	l.wantLoan("1", "anna noted 22.12.")
	l.verify()
}

func TestTagsFaultsAndSessions(t *testing.T) {
	l := newLender(t)
	l.append(nil, circ.Started{Version: "1", Session: 4}, circ.TagFailed{Item: "1", UID: "E004015012345678"},
		circ.TagFailed{Item: "2", Secured: true}, circ.FaultRaised{Fault: "printer"}, circ.FaultRaised{Fault: "disk"})
	l.append(nil, circ.TagSecured{Item: "2"}, circ.FaultCleared{Fault: "disk"})
	l.reopen()
	l.verify()
	if got, err := l.Repairs(); err != nil || !reflect.DeepEqual(got, []Repair{{Item: "1", UID: "E004015012345678"}}) {
		t.Errorf("repairs %+v, %v", got, err)
	}
	if got, err := l.Faults(); err != nil || !reflect.DeepEqual(got, []string{"printer"}) {
		t.Errorf("faults %v, %v", got, err)
	}
	if got, err := l.Session(); err != nil || got != 4 {
		t.Errorf("session %d, %v, want 4", got, err)
	}
	if got, err := l.LastStamp(); err != nil || got != noon {
		t.Errorf("last stamp %+v, %v, want %+v", got, err, noon)
	}
}

func TestMarks(t *testing.T) {
	l := newLender(t)
	l.lend("1", anna)
	steps := []struct {
		do   func() error
		want uint64
	}{
		{func() error { return l.SetMark(Hub, 2) }, 2},
		{func() error { return l.SetMark(Hub, 1) }, 2},
		{func() error { return l.TurnBack(Hub, 1) }, 1},
	}
	for i, step := range steps {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if got, err := l.Mark(Hub); err != nil || got != step.want {
			t.Errorf("step %d: mark %d, %v, want %d", i, got, err, step.want)
		}
	}
	if err := l.SetMark(Hub, 3); !errors.Is(err, ErrGone) {
		t.Errorf("a mark beyond the newest event: %v, want %v", err, ErrGone)
	}
	l.wantLoan("1", "anna noted 22.12.")
	if err := l.SetMark(Hub, 2); err != nil {
		t.Fatal(err)
	}
	l.reopen()
	l.wantLoan("1", "anna received 22.12.")
	stream := uuid.New()
	l.tell(stream, circ.LoanConfirmed{Seq: 2, Due: due.AddDate(0, 0, 1)})
	l.wantLoan("1", "anna confirmed 23.12.")
	l.tell(stream, circ.LoanRefused{Seq: 2})
	l.wantLoan("1", "anna refused 22.12.")
	l.tell(stream, circ.LoanConfirmed{Seq: 2})
	l.append(nil, circ.Renewed{Item: "1", Patron: l.Ref(anna), By: l.Ref(anna), Due: due.AddDate(0, 0, 28)}) // 3
	l.wantLoan("1", "anna confirmed 19.1.")
	l.tell(stream, circ.LoanRefused{Seq: 3, Due: due})
	l.wantLoan("1", "anna confirmed 22.12.")
}

func TestFilesThatAreNotOurs(t *testing.T) {
	l := newLender(t)
	for i := range 200 {
		l.lend(circ.ItemID(fmt.Sprint(i)), anna)
	}
	if _, err := Open(l.path, Options{Station: "maple-house", Key: l.options.Key, Timeout: time.Millisecond}); !errors.Is(err, ErrInUse) {
		t.Errorf("a ledger that is open: %v, want %v", err, ErrInUse)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile(l.path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	altered := func(name string, change func(*bbolt.Tx) error) string {
		path := file(name, ours)
		db, err := bbolt.Open(path, 0o600, nil)
		if err == nil {
			err = errors.Join(db.Update(change), db.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	empty := filepath.Join(dir, "bolt")
	db, err := bbolt.Open(empty, 0o600, nil)
	if err != nil || db.Close() != nil {
		t.Fatal(err)
	}
	otherKey, otherStation := l.options, l.options
	otherKey.Key = bytes.Repeat([]byte{8}, 32)
	otherStation.Station = "birch-house"
	for _, try := range []struct {
		name, path string
		options    Options
		want       error
	}{
		{"a letter", file("letter", []byte("Dear Sir or Madam")), l.options, ErrForeign},
		{"an empty file", file("empty", nil), l.options, ErrCorrupt},
		{"zeros", file("zeros", make([]byte, 32768)), l.options, ErrCorrupt},
		{"a folder", dir, l.options, ErrForeign},
		{"somebody else's bbolt file", empty, l.options, ErrForeign},
		{"another station's", file("a", ours), otherStation, ErrForeign},
		{"another key's", file("b", ours), otherKey, ErrForeign},
		{"a later version's", altered("c", func(tx *bbolt.Tx) error {
			m := tx.Bucket(metaBucket)
			return errors.Join(m.Put(metaVersion, number(2)), m.Put(metaVersionAgain, number(2)))
		}), l.options, ErrNewer},
		{"one event altered", altered("d", func(tx *bbolt.Tx) error {
			b := tx.Bucket(eventBucket)
			value := bytes.Clone(b.Get(number(7)))
			value[len(value)-1] ^= 1
			return b.Put(number(7), value)
		}), l.options, ErrCorrupt},
		{"cut to a page", file("e", ours[:4096]), l.options, ErrCorrupt},
		{"cut in the middle", file("f", ours[:len(ours)/2]), l.options, ErrCorrupt},
	} {
		before, _ := os.ReadFile(try.path)
		got, err := Open(try.path, try.options)
		if err == nil {
			_, err = got.Verify()
			_ = got.Close()
		}
		if !errors.Is(err, try.want) {
			t.Errorf("%s: %v, want %v", try.name, err, try.want)
		}
		if after, _ := os.ReadFile(try.path); errors.Is(try.want, ErrForeign) && !bytes.Equal(before, after) {
			t.Errorf("%s was written to", try.name)
		}
	}
}

// Any single damaged page is either harmless or reported; nothing ends the process.
func TestDamagedPages(t *testing.T) {
	l := newLender(t)
	for i := range 50 {
		l.lend(circ.ItemID("item-"+strings.Repeat("x", i)), anna)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile(l.path)
	if err != nil {
		t.Fatal(err)
	}
	reported := 0
	for page := 0; page < len(ours); page += os.Getpagesize() {
		for _, at := range []int{0, 8, 9, 10, 11, 12, 15, 16, 17, 18, 20, 24, 28, 30, 31, 39, 47, 63, 100, 500, 2000, 4000} {
			damaged := bytes.Clone(ours)
			damaged[page+at] ^= 0xA5
			path := filepath.Join(t.TempDir(), "ledger")
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			d, err := Open(path, l.options)
			if err == nil {
				_, err = d.Verify()
				_ = d.Close()
			}
			switch {
			case err == nil:
			case errors.Is(err, ErrCorrupt), errors.Is(err, ErrForeign), errors.Is(err, ErrNewer), errors.Is(err, wire.ErrMalformed), errors.Is(err, wire.ErrNewer):
				reported++
			default:
				t.Errorf("byte %d of page %d: %v, want it called damaged", at, page/os.Getpagesize(), err)
			}
		}
	}
	if reported == 0 {
		t.Error("no damage was reported")
	}
}

func TestBrokenAfterAFailedWrite(t *testing.T) {
	l := newLender(t)
	l.lend("1", anna)
	// The disk is pulled: what bbolt wants to write, the file no longer takes.
	err := l.update(func(tx *bbolt.Tx) error {
		pull(t, l.path)
		return tx.Bucket(markBucket).Put([]byte(Hub), number(1))
	})
	if !errors.Is(err, ErrBroken) {
		t.Fatalf("a failed write: %v, want %v", err, ErrBroken)
	}
	if _, err := l.Append(noon, nil, circ.ReadHere{Item: "1"}); !errors.Is(err, ErrBroken) {
		t.Errorf("append after it: %v, want %v", err, ErrBroken)
	}
	if _, _, err := l.Loan("1"); !errors.Is(err, ErrBroken) {
		t.Errorf("a question after it: %v, want %v", err, ErrBroken)
	}
	l.reopen()
	l.wantLoan("1", "anna noted 22.12.")
	l.verify()
}

func TestHalfCreatedIsMadeAgain(t *testing.T) {
	l := newLender(t)
	path := filepath.Join(t.TempDir(), "ledger")
	if err := os.WriteFile(path+".new", []byte("the power went"), 0o600); err != nil {
		t.Fatal(err)
	}
	fresh, err := Open(path, l.options)
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	if _, err := os.Stat(path + ".new"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the draft is still there: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
}

// pull makes writing to the open file at path fail, as a disk does that is gone:
// the process's descriptor is replaced by one that only reads.
func pull(t testing.TB, path string) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err != nil || target != path {
			continue
		}
		fd, err := strconv.Atoi(filepath.Base(link))
		if err != nil {
			t.Fatal(err)
		}
		reader, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		if err := syscall.Dup3(int(reader.Fd()), fd, syscall.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("%s is not open", path)
}
