package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/ledger/journal"
	"coldstation/sync/wire"
)

// newKeeper is a lender with a journal.
func newKeeper(t testing.TB) *lender {
	l := newLender(t)
	l.options.Journal = true
	l.reopen()
	return l
}

// fill gives the ledger some of everything.
func (l *lender) fill(loans int) {
	l.t.Helper()
	l.append(nil, circ.Started{Version: "1", Session: 7}, circ.Placed{Item: "shelf"})
	for i := range loans {
		l.lend(circ.ItemID(fmt.Sprint("item-", i)), []circ.PatronID{anna, eino}[i%2])
	}
	l.append([]circ.PatronID{anna, staff}, circ.AliasLinked{Patron: l.Ref(anna), Alias: circ.NewPatronID("BAND-7777"), By: l.Ref(staff)})
	l.append(nil, circ.Undone{Seq: l.lend("undone", anna)})
}

// state is all that follows from the events, and they.
func (l *lender) state() (state shadow) {
	l.t.Helper()
	state = shadow{}
	first, _, err := l.Bounds()
	if err != nil {
		l.t.Fatal(err)
	}
	for e, err := range l.Events(first) {
		if err != nil {
			l.t.Fatal(err)
		}
		if f, is := e.Body.(circ.FaultRaised); !is || f.Fault != LedgerFault {
			state[fmt.Sprint("event ", e.Seq)] = fmt.Append(nil, e)
		}
	}
	loans, err := l.OpenLoans()
	if err != nil {
		l.t.Fatal(err)
	}
	shelf, err := l.Shelf()
	if err != nil {
		l.t.Fatal(err)
	}
	session, err := l.Session()
	if err != nil {
		l.t.Fatal(err)
	}
	state["loans"], state["shelf"], state["session"] = fmt.Append(nil, loans), fmt.Append(nil, shelf), fmt.Append(nil, session)
	own, _, _, err := l.Patron(circ.NewPatronID("BAND-7777"))
	if err != nil {
		l.t.Fatal(err)
	}
	state["band"] = []byte(own.ID.Plaintext())
	return state
}

func (l *lender) wantState(want shadow) {
	l.t.Helper()
	got := l.state()
	for k := range want {
		if !bytes.Equal(got[k], want[k]) {
			l.t.Fatalf("%s: got %s, want %s", k, got[k], want[k])
		}
	}
	if len(got) != len(want) {
		l.t.Fatalf("%d things known, want %d", len(got), len(want))
	}
}

func (l *lender) wantJournal(files int, faults ...string) {
	l.t.Helper()
	r, err := l.VerifyJournal()
	if err != nil {
		l.t.Fatal(err)
	}
	if _, last, _ := l.Bounds(); r.Files != files || len(r.Faults) != len(faults) || len(faults) == 0 && r.Last != last {
		l.t.Fatalf("journal: %+v, want %d files up to %d and faults %q", r, files, last, faults)
	}
	for i, want := range faults {
		if !strings.Contains(r.Faults[i], want) {
			l.t.Errorf("journal: %s, want %s", r.Faults[i], want)
		}
	}
}

func TestJournalKeepsPace(t *testing.T) {
	l := newKeeper(t)
	l.fill(20)
	l.wantJournal(1)
	l.tell(uuid.New(), circ.LoanPut{Item: "9", Patron: circ.NewPatronID("20000000000099"), Due: due}) // meets somebody
	l.wantJournal(1)
	if _, err := l.Append(noon, nil, circ.CheckedOut{Item: "1", Patron: circ.Ref{1}}); !errors.Is(err, ErrStranger) {
		t.Fatal(err)
	}
	l.wantJournal(1)
	l.reopen()
	l.lend("after", anna)
	l.wantJournal(1)
	raw, err := os.ReadFile(l.path + ".journal-000001")
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{anna.Plaintext(), eino.Plaintext(), "20000000000099", "BAND-7777"} {
		if bytes.Contains(raw, []byte(secret)) {
			t.Errorf("the journal names %s", secret)
		}
	}
	if !bytes.Contains(raw, []byte("item-19")) {
		t.Error("the journal does not even name an item: the search is broken")
	}
}

// Of two copies that differ the one that has more is believed.
func TestTwoCopies(t *testing.T) {
	for name, try := range map[string]struct {
		between func(l *lender, early, earlyJournal []byte)
		mended  string
	}{
		"both whole":                    {func(*lender, []byte, []byte) {}, ""},
		"the ledger is an hour older":   {func(l *lender, early, _ []byte) { l.overwrite(l.path, early) }, ""},
		"the journal is an hour older":  {func(l *lender, _, early []byte) { l.overwrite(l.path+".journal-000001", early) }, ""},
		"no journal":                    {func(l *lender, _, _ []byte) { l.remove(l.path + ".journal-000001") }, ""},
		"the journal of another ledger": {func(l *lender, _, _ []byte) { l.overwrite(l.path+".journal-000001", another(l)) }, "another ledger's"},
		"a journal of zeros":            {func(l *lender, _, _ []byte) { l.overwrite(l.path+".journal-000001", make([]byte, 4096)) }, "begin"},
		"a letter for a journal":        {func(l *lender, _, _ []byte) { l.overwrite(l.path+".journal-000001", []byte("Dear Sir")) }, "begin"},
		"a draft that was left lying":   {func(l *lender, _, _ []byte) { l.overwrite(l.path+".journal-new", []byte("CSJRNL")) }, ""},
		"a bit that fell over":          {func(l *lender, _, _ []byte) { l.flip(l.path+".journal-000001", 700) }, "byte "},
		"no journal for a while, by will": {func(l *lender, _, early []byte) {
			l.options.Journal = false
			l.open()
			l.lend("x", anna)
			l.close()
			l.options.Journal = true
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := newKeeper(t)
			l.fill(5)
			l.close()
			early, earlyJournal := l.content(l.path), l.content(l.path+".journal-000001")
			l.open()
			l.fill(5)
			l.close()
			try.between(l, early, earlyJournal)
			l.open()
			if got := l.Mended(); got != "" != (try.mended != "") || !strings.Contains(got, try.mended) {
				t.Errorf("mended %q, want %q", got, try.mended)
			}
			if r := l.verify(); r.Last < 23 {
				t.Errorf("%d events", r.Last)
			}
			l.lend("1", eino)
			l.wantJournal(1)
			kept, err := filepath.Glob(l.path + ".journal-*.damaged-*")
			if err != nil || (len(kept) == 1) != (try.mended != "") {
				t.Errorf("kept aside: %q", kept)
			}
		})
	}
}

func (l *lender) close() {
	l.t.Helper()
	if err := l.Close(); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lender) content(path string) []byte {
	l.t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		l.t.Fatal(err)
	}
	return raw
}

func (l *lender) overwrite(path string, raw []byte) {
	l.t.Helper()
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lender) remove(path string) {
	l.t.Helper()
	if err := os.Remove(path); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lender) flip(path string, at int) {
	raw := l.content(path)
	raw[at] ^= 0x10
	l.overwrite(path, raw)
}

func another(l *lender) []byte {
	o := newKeeper(l.t)
	o.fill(1)
	o.close()
	return o.content(o.path + ".journal-000001")
}

// rescue is what the kiosk does when a ledger does not open.
func (l *lender) rescue() (saved Saved) {
	l.t.Helper()
	saved, err := Rescue(noon, l.path, l.options)
	if err != nil {
		l.t.Fatal(err)
	}
	l.open()
	return saved
}

func TestRescueWhole(t *testing.T) {
	for name, damage := range map[string]func(*lender){
		"another id": func(l *lender) {
			raw := l.content(l.path)
			id := l.ID()
			for at := bytes.Index(raw, id[:]); at >= 0; at = bytes.Index(raw, id[:]) {
				raw[at+3] ^= 4
			}
			l.overwrite(l.path, raw)
		},
		"gone":          func(l *lender) { l.remove(l.path) },
		"zeros":         func(l *lender) { l.overwrite(l.path, make([]byte, 40000)) },
		"empty":         func(l *lender) { l.overwrite(l.path, nil) },
		"half":          func(l *lender) { l.overwrite(l.path, l.content(l.path)[:20000]) },
		"no meta pages": func(l *lender) { l.overwrite(l.path, append(make([]byte, 8192), l.content(l.path)[8192:]...)) },
		// What is left is events alone: neither bbolt's mark nor a ledger's name.
		"no first pages": func(l *lender) {
			raw := bytes.ReplaceAll(l.content(l.path), keyID(l), make([]byte, 16))
			for at := 16; at < 64<<10 && at+4 < len(raw); at += 1024 {
				if binary.NativeEndian.Uint32(raw[at:]) == 0xED0CDAED {
					clear(raw[at-16 : at+1008])
				}
			}
			l.overwrite(l.path, raw)
		},
		"another version": func(l *lender) {
			raw := l.content(l.path)
			for at := 0; ; at++ {
				next := bytes.Index(raw[at:], append([]byte("version"), number(version)...))
				if next < 0 {
					break
				}
				at += next
				raw[at+len("version")+7] ^= 4
			}
			l.overwrite(l.path, raw)
		},
		"a version far off": func(l *lender) {
			raw := bytes.ReplaceAll(l.content(l.path), append([]byte("version"), number(version)...), append([]byte("version"), number(version+256)...))
			l.overwrite(l.path, raw)
		},
		"after retention": func(l *lender) { l.overwrite(l.path, make([]byte, 40000)) },
	} {
		t.Run(name, func(t *testing.T) {
			l := newKeeper(t)
			l.fill(30)
			if err := l.SetMark(Hub, 20); err != nil {
				t.Fatal(err)
			}
			l.lend("last", anna)
			if name == "after retention" {
				l.retire(10)
			}
			id, want := l.ID(), l.state()
			l.close()
			damage(l)
			if _, err := Open(l.path, l.options); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("opened: %v, want %v", err, ErrCorrupt)
			}
			saved := l.rescue()
			if !saved.Whole() || l.ID() != id || len(saved.Missing) != 0 {
				t.Errorf("saved %s, want the same ledger", saved)
			}
			l.wantState(want)
			if faults, err := l.Faults(); err != nil || len(faults) != 1 || faults[0] != LedgerFault {
				t.Errorf("faults %q, %v, want the library told", faults, err)
			}
			if mark, err := l.Mark(Hub); err != nil || mark != 20 {
				t.Errorf("mark %d, %v, want 20", mark, err)
			}
			l.verify()
			l.lend("more", eino)
			l.reopen()
			l.wantJournal(1)
			if (saved.Kept != "") != (name != "gone") || saved.Kept != "" && !exists(saved.Kept) {
				t.Errorf("kept as %q", saved.Kept)
			}
		})
	}
}

func keyID(l *lender) []byte { id := l.ID(); return id[:] }

// retire lets the first events go, as if the hub had them for long.
func (l *lender) retire(n uint64) {
	l.t.Helper()
	mark, err := l.Mark(Hub)
	if err != nil {
		l.t.Fatal(err)
	}
	if err := l.TurnBack(Hub, n); err != nil {
		l.t.Fatal(err)
	}
	l.close()
	if gone, err := Retire(l.path, l.options, noon.Wall.AddDate(0, 0, 1), 1); err != nil || gone != n {
		l.t.Fatalf("%d events gone, %v, want %d", gone, err, n)
	}
	l.open()
	if err := l.SetMark(Hub, mark); err != nil {
		l.t.Fatal(err)
	}
	l.lend("last", anna) // carries the mark into the journal
}

// Where both copies have holes, what the hub may not have goes on in a new ledger.
func TestRescueWithHoles(t *testing.T) {
	l := newKeeper(t)
	l.fill(10) // 2 + 2 met + 10 ...
	if err := l.SetMark(Hub, 12); err != nil {
		t.Fatal(err)
	}
	lost := l.lend("lost", anna)
	l.lend("saved", eino)
	l.append(nil, circ.Undone{Seq: lost}, circ.ReadHere{Item: "read"})
	old := l.ID()
	l.close()
	raw := l.content(l.path + ".journal-000001")
	at := bytes.Index(raw, []byte("lost"))
	raw[at] ^= 1
	l.overwrite(l.path+".journal-000001", raw)
	l.overwrite(l.path, make([]byte, 8192))
	saved := l.rescue()
	if saved.Whole() || saved.Was != old || l.ID() == old || fmt.Sprint(saved.Missing) != fmt.Sprint([]uint64{lost, lost}) {
		t.Errorf("saved %s, want a new ledger and event %d missing", saved, lost)
	}
	l.verify()
	l.wantLoan("saved", "eino noted 22.12.")
	l.wantLoan("lost", "none")
	l.wantLoan("item-0", "none") // the hub has it, and will tell
	l.wantLoan("item-9", "eino noted 22.12.")
	if session, err := l.Session(); err != nil || session != 7 {
		t.Errorf("session %d, %v, want 7: births never go back", session, err)
	}
	if own, _, _, err := l.Patron(circ.NewPatronID("BAND-7777")); err != nil || own.ID != anna {
		t.Errorf("the wristband opens %v, %v", own.ID, err)
	}
	met, err := wire.ParseEvent(l.event(2), l.opener)
	if err != nil || met.Body != (circ.PatronMet{Ref: l.Ref(eino), ID: eino}) && met.Body != (circ.PatronMet{Ref: l.Ref(anna), ID: anna}) {
		t.Errorf("event 2 is %v, %v, want somebody introduced", met.Body, err)
	}
	var detail string
	for e, err := range l.Events(1) {
		if err != nil {
			t.Fatal(err)
		}
		if f, is := e.Body.(circ.FaultRaised); is {
			detail = f.Detail
		}
	}
	for _, want := range []string{old.String(), fmt.Sprintf("events %d to %d cannot be read", lost, lost), "undoes"} {
		if !strings.Contains(detail, want) {
			t.Errorf("the library is told %q, want %q in it", detail, want)
		}
	}
	// What was not readable is kept.
	if kept, err := filepath.Glob(l.path + "*.damaged-*"); err != nil || len(kept) != 2 {
		t.Errorf("kept %q, want both files", kept)
	}
}

func (l *lender) event(seq uint64) []byte {
	l.t.Helper()
	raw, _, err := l.Read(seq, 1, wire.MaxBytes)
	if err != nil || len(raw) != 1 {
		l.t.Fatalf("event %d: %v", seq, err)
	}
	return raw[0]
}

// A journal that ends before what the hub is known to have is not taken for all.
func TestRescueBehindTheHub(t *testing.T) {
	l := newKeeper(t)
	l.fill(5)
	l.close()
	early := l.content(l.path + ".journal-000001")
	l.open()
	_, before, _ := l.Bounds()
	l.fill(5)
	_, last, _ := l.Bounds()
	if err := l.SetMark(Hub, last); err != nil {
		t.Fatal(err)
	}
	old := l.ID()
	l.close()
	// Of the ledger only the page with the marks can be read.
	raw := l.content(l.path)
	for at := 8192; at+4096 <= len(raw); at += 4096 {
		page := salvaged{events: map[uint64][]candidate{}}
		if page.leaf(raw[at:at+4096], 0); page.hub == 0 || len(page.events) > 0 {
			clear(raw[at : at+4096])
		}
	}
	l.overwrite(l.path, raw)
	l.overwrite(l.path+".journal-000001", early)
	saved := l.rescue()
	if saved.Whole() || l.ID() == old || saved.Last != before {
		t.Errorf("saved %s of event %d, want a new ledger", saved, before)
	}
	l.verify()
}

func TestRescueWithoutAJournal(t *testing.T) {
	l := newLender(t)
	l.fill(60)
	want, id := l.state(), l.ID()
	delete(want, "band") // that was nowhere else
	l.close()
	raw := l.content(l.path)
	clear(raw[:8192])
	native.PutUint32(raw[16:], 0xED0CDAED) // it was a bbolt file
	l.overwrite(l.path, raw)
	saved := l.rescue()
	if !saved.Whole() || l.ID() != id {
		t.Errorf("saved %s, want the same ledger", saved)
	}
	got := l.state()
	for k := range want {
		if !bytes.Equal(got[k], want[k]) {
			t.Errorf("%s: got %s, want %s", k, got[k], want[k])
		}
	}
	l.verify()
}

func TestRescueRefuses(t *testing.T) {
	l := newKeeper(t)
	l.fill(3)
	if _, err := Rescue(noon, l.path, l.options); !errors.Is(err, ErrInUse) {
		t.Errorf("one that is open: %v, want %v", err, ErrInUse)
	}
	l.close()
	if _, err := Rescue(noon, l.path, l.options); !errors.Is(err, os.ErrExist) {
		t.Errorf("one in order: %v, want %v", err, os.ErrExist)
	}
	other := l.options
	other.Station, other.Key = "birch-house", bytes.Repeat([]byte{8}, 32)
	letter, ours := []byte("Dear Sir or Madam"), l.content(l.path)
	for name, content := range map[string][]byte{"another's": ours, "another's, damaged": append(make([]byte, 8192), ours[8192:]...), "a letter": letter} {
		l.overwrite(l.path, content)
		if _, err := Rescue(noon, l.path, other); !errors.Is(err, ErrForeign) {
			t.Errorf("%s: %v, want %v", name, err, ErrForeign)
		}
		if got := l.content(l.path); !bytes.Equal(got, content) {
			t.Errorf("%s was touched", name)
		}
	}
	if kept, _ := filepath.Glob(l.path + "*damaged*"); len(kept) != 0 {
		t.Errorf("set aside: %q", kept)
	}
	l.overwrite(l.path, ours)
	l.open()
}

// Any damage to either file leaves a ledger that has every event, and what follows
// from them. DAMAGE=n tries n places in each block instead of three.
func TestDamageOfEitherFile(t *testing.T) {
	l := newKeeper(t)
	l.fill(40)
	want, id := l.state(), l.ID()
	l.close()
	names := []string{l.path, l.path + ".journal-000001"}
	good := [][]byte{l.content(names[0]), l.content(names[1])}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	l.path = filepath.Join(dir, "ledger")
	rescued, begun, harmless := 0, 0, 0
	try := func(which int, damaged []byte, what string) {
		t.Helper()
		old, _ := filepath.Glob(filepath.Join(dir, "*"))
		for _, name := range old {
			l.remove(name)
		}
		l.overwrite(l.path, good[0])
		l.overwrite(l.path+".journal-000001", good[1])
		l.overwrite([]string{l.path, l.path + ".journal-000001"}[which], damaged)
		var err error
		switch l.Ledger, err = Open(l.path, l.options); {
		case err == nil && l.Mended() != "":
			begun++
		case err == nil:
			harmless++
		case errors.Is(err, ErrCorrupt), errors.Is(err, wire.ErrMalformed), errors.Is(err, wire.ErrNewer):
			if saved, err := Rescue(noon, l.path, l.options); err != nil {
				t.Fatalf("%s: %v", what, err)
			} else if !saved.Whole() {
				t.Fatalf("%s: saved %s", what, saved)
			}
			rescued++
			l.open()
		default:
			t.Fatalf("%s: %v", what, err)
		}
		l.wantState(want)
		if l.ID() != id {
			t.Fatalf("%s: it is ledger %s, want %s", what, l.ID(), id)
		}
		l.verify()
		l.wantJournal(1)
		l.close()
	}
	tries, _ := strconv.Atoi(os.Getenv("DAMAGE"))
	for which, raw := range good {
		written := len(bytes.TrimRight(raw, "\x00"))
		for at := 0; at < written; at += 4096 {
			places := max(3, tries)
			for range places {
				place := min(at+random.IntN(4096), written-1)
				damaged := bytes.Clone(raw)
				damaged[place] ^= 1 << random.IntN(8)
				try(which, damaged, fmt.Sprintf("a bit of byte %d of file %d", place, which))
			}
			damaged := bytes.Clone(raw)
			clear(damaged[at:min(at+4096, len(raw))])
			try(which, damaged, fmt.Sprintf("file %d without the block at %d", which, at))
			try(which, raw[:at], fmt.Sprintf("file %d cut at %d", which, at))
		}
	}
	t.Logf("rescued %d, journal begun anew %d, harmless %d", rescued, begun, harmless)
	if rescued == 0 || begun == 0 {
		t.Error("no damage was noticed")
	}
	l.options.Journal = false
	l.open()
}

// The journal is flushed before the ledger has anything.
func TestJournalGoesFirst(t *testing.T) {
	l := newKeeper(t)
	l.lend("1", anna)
	var order []string
	l.options.faults = &faults{
		journal: func(name string, flag int) (journal.File, error) {
			f, err := journal.OS(name, flag)
			return spy{f, func(what string) { order = append(order, "journal "+what) }}, err
		},
		bolt: watchWrites(func(at int64) error { order = append(order, "ledger write"); return nil }),
	}
	l.reopen()
	order = nil
	l.lend("2", anna)
	said := strings.Join(order, ", ")
	if before, _, both := strings.Cut(said, "ledger write"); !both || !strings.Contains(before, "journal") || strings.Count(said, "journal") != strings.Count(before, "journal") {
		t.Errorf("order: %s", said)
	}
}

type spy struct {
	journal.File
	did func(string)
}

func (s spy) WriteAt(b []byte, at int64) (int, error) { s.did("write"); return s.File.WriteAt(b, at) }
func (s spy) Sync() error                             { s.did("sync"); return s.File.Sync() }
