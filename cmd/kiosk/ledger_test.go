package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"coldstation/kiosk"
	"coldstation/kiosk/flow"
	"coldstation/sync/circ"
	"coldstation/sync/identity"
	"coldstation/sync/ledger"
)

func aStation(t *testing.T) *assembly {
	t.Helper()
	library, err := identity.NewLibrary()
	if err != nil {
		t.Fatal(err)
	}
	who, _, err := library.Enrol("maple-house", "mqtt://localhost")
	if err != nil {
		t.Fatal(err)
	}
	clock, err := kiosk.NewMachineClock()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return &assembly{clock: clock, settings: settings{identity: who, key: filepath.Join(dir, "station.key"), ledger: filepath.Join(dir, "ledger.db"),
		keep: ledger.Retention, reserve: 1 << 16}}
}

// A ledger that is damaged costs the station nothing, and the library hears of it
// until it has heard.
func TestDamagedLedger(t *testing.T) {
	a := aStation(t)
	open := func() *ledger.Ledger {
		t.Helper()
		l, err := a.openLedger()
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	faults := func(l *ledger.Ledger, want ...string) {
		t.Helper()
		if got, err := l.Faults(); err != nil || !slices.Equal(got, want) {
			t.Errorf("faults %q, %v, want %q", got, err, want)
		}
	}
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	l := open()
	id := l.ID()
	anna := circ.NewPatronID("20000000000017")
	_, err := l.Append(a.moment(), []circ.PatronID{anna}, circ.CheckedOut{Item: "1620154429", Patron: l.Ref(anna)})
	ok(errors.Join(err, l.Close()))
	ok(os.WriteFile(a.settings.ledger, bytes.Repeat([]byte{0}, 30000), 0o600))

	l = open()
	if loan, open, err := l.Loan("1620154429"); err != nil || !open || loan.Patron != l.Ref(anna) || l.ID() != id {
		t.Errorf("the loan is %+v, %t, %v, want it as it was", loan, open, err)
	}
	faults(l, ledger.LedgerFault)
	ok(l.Close())
	l = open()
	faults(l, ledger.LedgerFault) // the library has not heard
	_, last, err := l.Bounds()
	ok(errors.Join(err, l.SetMark(ledger.Hub, last), l.Close()))
	l = open()
	faults(l)
	ok(l.Close())

	ok(os.WriteFile(a.settings.ledger+".journal-000001", []byte("Dear Sir or Madam"), 0o600))
	l = open()
	faults(l, ledger.LedgerFault)
	ok(l.Close())

	ok(os.WriteFile(a.settings.ledger, []byte("Dear Sir or Madam"), 0o600))
	if _, err := a.openLedger(); !errors.Is(err, ledger.ErrForeign) || passes(err) {
		t.Errorf("a letter: %v, want %v, for good", err, ledger.ErrForeign)
	}
}

// At the start, what has outlived its retention goes, if it is worth the copying.
func TestOldEventsGo(t *testing.T) {
	a := aStation(t)
	l, err := a.openLedger()
	if err != nil {
		t.Fatal(err)
	}
	then := a.moment()
	then.Wall, then.Clock = then.Wall.Add(-a.settings.keep-time.Hour), circ.ClockNTP
	bodies := make([]circ.EventBody, worthwhile+1)
	for i := range bodies {
		bodies[i] = circ.ReadHere{Item: "1"}
	}
	_, err = l.Append(then, nil, bodies...)
	if err := errors.Join(err, l.SetMark(ledger.Hub, worthwhile+1), l.Close()); err != nil {
		t.Fatal(err)
	}
	if l, err = a.openLedger(); err != nil {
		t.Fatal(err)
	}
	want := uint64(worthwhile + 1)
	if a.moment().Clock == circ.ClockUnset {
		want = 1 // a clock that nobody set decides nothing
	}
	if first, last, err := l.Bounds(); err != nil || first != want || last != worthwhile+1 {
		t.Errorf("events %d to %d, %v, want from %d", first, last, err, want)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestPasses(t *testing.T) {
	for err, want := range map[error]bool{
		nil: false, ledger.ErrForeign: false, ledger.ErrNewer: false, errors.New("no words"): false,
		ledger.ErrBroken: true, ledger.ErrInUse: true, ledger.ErrCorrupt: true,
		&os.PathError{Op: "open", Path: "ledger.db", Err: syscall.EROFS}: true, errors.Join(syscall.EIO, nil): true,
	} {
		if got := passes(err); got != want {
			t.Errorf("%v passes: %t, want %t", err, got, want)
		}
	}
}

// shown is a screen that is looked at.
type shown chan flow.View

func (s shown) Show(v flow.View) { s <- v }

// While the ledger cannot be opened the screen says so kindly.
func TestScreenRestsMeanwhile(t *testing.T) {
	a := aStation(t)
	a.settings.station = kiosk.DefaultSettings("maple-house", "fi")
	a.settings.ledger = filepath.Join(t.TempDir(), "not mounted", "ledger.db")
	ctx, cancel := context.WithCancel(t.Context())
	screen, ended := make(shown), make(chan error, 1)
	go func() { ended <- a.run(ctx, screen) }()
	for range 2 {
		if v := <-screen; v.Screen != flow.Resting {
			t.Errorf("the screen shows %v, want it to rest", v.Screen)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
