package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
	"fyne.io/fyne/v2/canvas"

	"coldstation/assets"
	"coldstation/cmd/internal/stage"
	"coldstation/kiosk"
	"coldstation/kiosk/flow"
	"coldstation/kiosk/phrase"
	"coldstation/kiosk/ui"
	"coldstation/sync/circ"
	"coldstation/sync/identity"
	"coldstation/sync/ledger"
)

// bin holds the real programs, built once for all tests of this package.
var bin string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	folder, err := os.MkdirTemp("", "coldstation-bin")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	build := exec.Command("go", "build", "-tags", "gles", "-o", folder+"/", "coldstation/cmd/hub", "coldstation/cmd/kiosk", "coldstation/cmd/ledger", "coldstation/cmd/readersim")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the programs: %v\n%s", err, out)
		return 1
	}
	bin = folder
	return m.Run()
}

// theatre is a library on a stage with a screen and a broker of Debian's.
type theatre struct {
	*testing.T
	*stage.Library
	ctx    context.Context
	screen *stage.Screen
	broker *stage.Program
}

// newStage is a stage for the real programs, whose logs a failing test shows.
func newStage(t *testing.T) (*stage.Stage, context.Context) {
	t.Helper()
	if testing.Short() {
		t.Skip("the real programs take a minute; make test runs them")
	}
	for _, program := range []string{"Xvfb", "xdotool", "/usr/sbin/mosquitto"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("REAL") != "" {
				t.Fatal(err)
			}
			t.Skipf("no %s here; make setup brings it", program)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	s := &stage.Stage{Dir: t.TempDir(), Bin: bin}
	t.Cleanup(func() {
		s.Close()
		cancel()
		if t.Failed() {
			logs, _ := filepath.Glob(filepath.Join(s.Dir, "*.log"))
			for _, log := range logs {
				text, _ := os.ReadFile(log)
				t.Logf("%s:\n%s", filepath.Base(log), text[max(0, len(text)-4000):])
			}
		}
	})
	return s, ctx
}

func open(t *testing.T) *theatre {
	t.Helper()
	s, ctx := newStage(t)
	th := &theatre{T: t, ctx: ctx}
	addr, err := stage.FreeAddr()
	th.must(err)
	th.broker, err = s.Mosquitto(ctx, addr)
	th.must(err)
	th.screen, err = s.Screen(ctx, 1280, 800)
	th.must(err)
	th.Library, err = s.Library(ctx, addr)
	th.must(err)
	return th
}

func (th *theatre) must(err error) {
	th.Helper()
	if err != nil {
		if th.screen != nil && os.Getenv("SCREENSHOT") != "" {
			_ = th.screen.Save(context.Background(), os.Getenv("SCREENSHOT"))
		}
		th.Fatal(err)
	}
}

// loans waits until the hub knows exactly these items on loan.
func (th *theatre) loans(items ...string) {
	th.Helper()
	th.must(stage.Until(th.ctx, "the hub's loans", func() error {
		loans, err := th.Loans()
		if err != nil {
			return err
		}
		var got []string
		for _, loan := range loans {
			got = append(got, loan.Item)
		}
		if len(got) != len(items) {
			return fmt.Errorf("the hub has %v on loan, want %v", got, items)
		}
		for _, item := range items {
			if !strings.Contains(strings.Join(got, " "), item) {
				return fmt.Errorf("the hub has %v on loan, want %v", got, items)
			}
		}
		return nil
	}))
}

// afi waits until the item's tag on the simulated pad carries the AFI.
func (th *theatre) afi(k *stage.Kiosk, name, want string) {
	th.Helper()
	th.must(stage.Until(th.ctx, "the tag of "+name, func() error {
		list, err := th.Library.Run("readersim", "list", "--control", k.Pad.Control)
		if err != nil {
			return err
		}
		for line := range strings.Lines(list) {
			if fields := strings.Fields(line); slices.Contains(fields, name) {
				if fields[len(fields)-1] == want {
					return nil
				}
				return fmt.Errorf("it is %q, want AFI %s", strings.TrimSpace(line), want)
			}
		}
		return fmt.Errorf("no %s among\n%s", name, list)
	}))
}

// A visit through the real programs: the network is there, goes with the broker,
// and comes back; the loan reaches the hub once and in order.
func TestLoanReachesTheLibrary(t *testing.T) {
	th := open(t)
	k, err := th.Kiosk(th.ctx, "maple-house", th.screen.Env(), "--window", "1280x800")
	th.must(err)

	th.must(k.Pad.Put("helmi", "sinuhe"))
	th.loans("999N00001003")
	th.afi(k, "sinuhe", "C2")
	th.logged(k, 1, "kind=TagUnsecured") // written, and read back
	th.must(k.Pad.Lift("helmi", "sinuhe"))
	th.must(stage.Until(th.ctx, "the visit's end", func() error { return k.Logged("visit over") }))

	// The broker dies; a book is brought back and another one lent meanwhile.
	th.broker.Kill()
	th.must(k.Pad.Put("sinuhe"))
	th.must(stage.Until(th.ctx, "the return", func() error { return k.Logged("kind=CheckedIn") }))
	th.afi(k, "sinuhe", "07")
	th.logged(k, 1, "kind=TagSecured")
	th.must(k.Pad.Lift("sinuhe"))
	th.must(k.Pad.Put("helmi", "palmu"))
	th.afi(k, "palmu", "C2")
	th.logged(k, 2, "kind=TagUnsecured")
	th.must(k.Pad.Lift("helmi", "palmu"))

	_, err = th.Mosquitto(th.ctx, th.MQTT)
	th.must(err)
	th.loans("999N00001004")

	station, err := th.Station("maple-house")
	th.must(err)
	if station.Queue != 0 {
		t.Errorf("the hub still misses %d events", station.Queue)
	}
}

// A second station on the same hub, and a book borrowed at one and returned at
// the other.
func TestTwoStations(t *testing.T) {
	th := open(t)
	maple, err := th.Kiosk(th.ctx, "maple-house", th.screen.Env(), "--window", "1280x800")
	th.must(err)
	birch, err := th.Kiosk(th.ctx, "birch-house", th.screen.Env(), "--window", "1280x800")
	th.must(err)
	th.must(errors.Join(maple.Pad.Put("helmi", "sinuhe"), birch.Pad.Put("veikko", "palmu")))
	th.loans("999N00001003", "999N00001004")
	th.logged(maple, 1, "kind=TagUnsecured")
	th.logged(birch, 1, "kind=TagUnsecured")
	th.must(errors.Join(maple.Pad.Lift("helmi", "sinuhe"), birch.Pad.Lift("veikko", "palmu")))
	th.must(stage.Until(th.ctx, "both visits' end", func() error { return errors.Join(maple.Logged("visit over"), birch.Logged("visit over")) }))
	th.must(birch.Pad.Put("sinuhe"))
	th.loans("999N00001004")
}

// The kiosk is killed in the middle of a visit, and started again as systemd does. It
// is in the same visit within three seconds, of which systemd waits one, and what it
// said it had noted is there: it can be undone, and reaches the library once.
func TestKilledInTheMiddle(t *testing.T) {
	const allowed = 2 * time.Second
	th := open(t)
	k, err := th.Kiosk(th.ctx, "maple-house", th.screen.Env(), "--window", "1280x800", "--languages", "en,fi")
	th.must(err)
	k.Cable.Cut()
	th.must(k.Pad.Put("gunnar", "sinuhe"))
	th.must(stage.Until(th.ctx, "the loan", func() error { return k.Logged("kind=CheckedOut") }))
	k.Kill()
	took := allowed + 1
	for try := 0; try < 3 && took > allowed; try++ { // another program may have the machine just then
		if try > 0 {
			k.Kill()
		}
		before, _ := os.ReadFile(filepath.Join(th.Dir, "kiosk.log"))
		began := time.Now()
		k.Program, err = th.Start("kiosk", th.screen.Env(), k.Args...)
		th.must(err)
		ctx, cancel := context.WithTimeout(th.ctx, 20*time.Second)
		err = stage.Until(ctx, "the same visit", func() error {
			log, err := os.ReadFile(k.Log)
			if now := string(log[min(len(before), len(log)):]); err == nil && !(strings.Contains(now, "screen=visiting") && strings.Contains(now, "first frame")) {
				err = fmt.Errorf("the log says %s", now)
			}
			return errors.Join(k.Alive(), err)
		})
		cancel()
		took = time.Since(began)
		th.must(err)
	}
	if took > allowed {
		t.Errorf("the visit was back after %s, want %s", took, allowed)
	}
	th.must(k.Cable.Heal())
	th.loans("999N00001003")

	m := newMirror(func(*flow.Rules) {})
	sinuhe := book("999N00001003", "Sinuhe egyptiläinen")
	again := sinuhe
	again.Found = true
	visiting := m.send(flow.Resumed{Visit: 1, Done: []flow.Done{{Item: sinuhe.Item, Known: true, Fate: flow.Borrowed, Seq: 3, At: m.at.Up}}},
		flow.CardSeen{Token: "card", Ref: circ.Ref{1}, Known: true, Patron: circ.Patron{FirstName: "Gunnar"}, Policy: circ.Policy{LoanDays: 56, FeeFree: true}}, again)
	th.touch(visiting, english(flow.Undo), func() error { return k.Logged("show", "screen=undoing") })
	th.touch(m.send(flow.Pressed{Action: flow.Undo}), english(flow.UndoThis), func() error { return k.Logged("kind=Undone") })
	th.loans()
	k.Stop()
	out, err := th.Library.Run("ledger", "export", filepath.Join(th.Dir, k.ID, "ledger.db"))
	th.must(err)
	if n := strings.Count(out, `"CheckedOut"`); n != 1 {
		t.Errorf("the ledger has %d loans, want the one from before", n)
	}
}

// What was borrowed nine days ago is brought back with the card: the own book is
// thanked for, and stays on the shelf; with the same card another person's book is
// borrowed, and its loan is over.
func TestBroughtBackWithTheCard(t *testing.T) {
	th := open(t)
	k, err := th.Kiosk(th.ctx, "maple-house", th.screen.Env(), "--window", "1280x800", "--languages", "en,fi")
	th.must(err)
	k.Stop()
	th.lend(k, map[circ.ItemID]string{"999N00001003": "999A00000101", "999N00001004": "999A00000102"})
	k.Program, err = th.Start("kiosk", th.screen.Env(), k.Args...)
	th.must(err)
	th.loans("999N00001003", "999N00001004")

	th.must(k.Pad.Put("helmi", "sinuhe"))
	th.logged(k, 1, "msg=recorded", "kind=CheckedIn")
	th.loans("999N00001004")
	th.afi(k, "sinuhe", "07")
	th.must(k.Pad.Put("palmu"))
	th.logged(k, 1, "msg=recorded", "kind=CheckedOut")
	th.loans("999N00001004")
	th.afi(k, "palmu", "C2")

	k.Stop()
	out, err := th.Library.Run("ledger", "export", filepath.Join(th.Dir, k.ID, "ledger.db"))
	th.must(err)
	borrowed := map[string][]any{} // by whom, in order
	for line := range strings.Lines(out) {
		var e struct {
			Kind string
			Body map[string]any
		}
		th.must(json.Unmarshal([]byte(line), &e))
		if item, _ := e.Body["item"].(string); e.Kind == "CheckedOut" {
			borrowed[item] = append(borrowed[item], e.Body["patron"])
		}
	}
	if of := borrowed["999N00001004"]; len(of) != 2 || of[0] == of[1] || of[1] != borrowed["999N00001003"][0] {
		t.Errorf("the loans are %v, want the second book to have gone from its holder to the first one's", borrowed)
	}
}

// lend writes loans of nine days ago into the ledger of a station that is stopped.
func (th *theatre) lend(k *stage.Kiosk, loans map[circ.ItemID]string) {
	th.Helper()
	clock, err := kiosk.NewMachineClock()
	th.must(err)
	who, err := identity.LoadStation(filepath.Join(th.Dir, k.ID+".station"))
	th.must(err)
	data := filepath.Join(th.Dir, k.ID)
	a := &assembly{clock: clock, settings: settings{identity: who, key: filepath.Join(data, "station.key"), ledger: filepath.Join(data, "ledger.db"), keep: ledger.Retention}}
	l, err := a.openLedger()
	th.must(err)
	then := a.moment()
	then.Wall, then.Clock = then.Wall.AddDate(0, 0, -9), circ.ClockNTP
	then.Boot[0]++ // the machine was switched off since
	for item, card := range loans {
		patron := circ.NewPatronID(card)
		_, err = l.Append(then, []circ.PatronID{patron}, circ.CheckedOut{Visit: 1, Item: item, Patron: l.Ref(patron), By: l.Ref(patron), Due: then.Wall.AddDate(0, 0, 28)})
		th.must(err)
	}
	th.must(l.Close())
}

// logged waits until the station has written n lines with all words.
func (th *theatre) logged(k *stage.Kiosk, n int, words ...string) {
	th.Helper()
	th.must(stage.Until(th.ctx, strings.Join(words, " "), times(k, n, words...)))
}

// times asks whether so many lines of a kiosk's log have all the words.
func times(k *stage.Kiosk, n int, words ...string) func() error {
	return func() error {
		log, err := os.ReadFile(k.Log)
		if err != nil {
			return err
		}
		found := 0
		for line := range strings.Lines(string(log)) {
			if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
				found++
			}
		}
		if found < n {
			return errors.Join(k.Alive(), fmt.Errorf("%d of %d times", found, n))
		}
		return nil
	}
}

// The network is away from the first visit to the last: books are lent card first
// and book first, and another library's book is taken in.
func TestWithoutNetwork(t *testing.T) {
	th := open(t)
	th.must(strangers(th.Stage))
	k, err := th.Kiosk(th.ctx, "maple-house", th.screen.Env(), "--window", "1280x800", "--owners", "FI-Demo")
	th.must(err)
	k.Cable.Cut()

	th.must(k.Pad.Put("sinuhe"))
	th.logged(k, 1, "show", "screen=visiting")
	th.must(k.Pad.Put("helmi"))
	th.afi(k, "sinuhe", "C2")
	th.logged(k, 1, "kind=TagUnsecured")
	th.must(k.Pad.Lift("sinuhe", "helmi"))
	th.logged(k, 1, "visit over")

	th.must(k.Pad.Put("foreign"))
	th.logged(k, 1, "kind=CheckedIn")
	th.must(k.Pad.Lift("foreign"))
	th.logged(k, 2, "visit over")

	th.must(k.Pad.Put("veikko", "palmu"))
	th.afi(k, "palmu", "C2")
	th.logged(k, 2, "kind=TagUnsecured")
	th.must(k.Pad.Lift("palmu", "veikko"))
	th.logged(k, 3, "visit over")
	th.afi(k, "foreign", "C2") // it is not ours to write
	th.loans()

	th.must(k.Cable.Heal())
	th.loans("999N00001003", "999N00001004")
	th.must(stage.Until(th.ctx, "all that happened", func() error {
		station, err := th.Station("maple-house")
		if err == nil && (station.Queue != 0 || !station.Online) {
			err = fmt.Errorf("the station is %+v", station)
		}
		return err
	}))
}

// The reader is unplugged in the middle of a visit, and plugged in again; which
// one it is the station finds out by itself.
func TestUnplugged(t *testing.T) {
	th := open(t)
	k, err := th.Kiosk(th.ctx, "maple-house", th.screen.Env(), "--window", "1280x800", "--reader-protocol", "auto")
	th.must(err)
	cable := func(how string) {
		_, err := th.Library.Run("readersim", how, "--control", k.Pad.Control)
		th.must(err)
	}
	th.must(k.Pad.Put("helmi", "sinuhe"))
	th.afi(k, "sinuhe", "C2")
	cable("unplug")
	th.logged(k, 1, "show", "screen=resting")
	th.logged(k, 1, "kind=FaultRaised")
	cable("plug")
	th.logged(k, 2, "show", "screen=visiting")
	th.logged(k, 1, "kind=FaultCleared")
	th.must(k.Pad.Put("palmu"))
	th.loans("999N00001003", "999N00001004")
	th.logged(k, 2, "kind=TagUnsecured")
	th.must(k.Pad.Lift("helmi", "sinuhe", "palmu"))
	th.logged(k, 1, "visit over")
}

// A finger on the screen takes a loan back.
func TestUndoByTouch(t *testing.T) {
	th := open(t)
	k, err := th.Kiosk(th.ctx, "maple-house", th.screen.Env(), "--window", "1280x800", "--languages", "en,fi")
	th.must(err)
	th.must(k.Pad.Put("gunnar", "sinuhe"))
	th.loans("999N00001003")

	visiting, undoing := screens(false)
	th.touch(visiting, english(flow.Undo), func() error { return k.Logged("show", "screen=undoing") })
	th.touch(undoing, english(flow.UndoThis), func() error { return k.Logged("kind=Undone") })
	th.loans()
	th.afi(k, "sinuhe", "07")
}

// screens are the views after one book was lent: the visit, at a station with or
// without a voice and a printer, and which one was not meant.
func screens(outfit bool) (visiting, undoing flow.View) {
	m := newMirror(func(r *flow.Rules) { r.Printer, r.Speech = outfit, outfit })
	visiting = m.send(flow.CardSeen{Token: "card", Ref: circ.Ref{1}, Known: true, Patron: circ.Patron{FirstName: "Gunnar"}, Policy: circ.Policy{LoanDays: 56, FeeFree: true}},
		book("999N00001003", "Sinuhe egyptiläinen"))
	return visiting, m.send(flow.Pressed{Action: flow.Undo})
}

// words are the words of all languages.
var words = sync.OnceValue(func() phrase.Book {
	folder, err := fs.Sub(assets.Words, "words")
	if err != nil {
		panic(err)
	}
	book, err := phrase.Load(folder)
	if err != nil {
		panic(err)
	}
	return book
})

// english is what a button says.
func english(a flow.Action, name ...string) string {
	return words()["en"].Show(flow.Phrase{Key: string(a), Name: strings.Join(name, " ")})
}

// touch puts a finger on a text of the view until what it asks for is done.
func (th *theatre) touch(v flow.View, text string, done func() error) {
	th.Helper()
	th.touches(v, done, text)
}

// touches puts a finger on texts of the view, one after the other, until what they ask
// for is done.
func (th *theatre) touches(v flow.View, done func() error, texts ...string) {
	th.Helper()
	var last time.Time
	shift := 0
	th.must(stage.Until(th.ctx, strings.Join(texts, ", "), func() error {
		err := done()
		if err == nil || time.Since(last) < time.Second { // the station ignores a touch that comes too soon
			return err
		}
		shift++ // xdotool waits for long for a pointer that need not move
		for _, text := range texts {
			x, y, lost := find(v, text)
			th.must(lost)
			err = errors.Join(err, th.screen.Touch(x+shift, y))
		}
		last = time.Now()
		return err
	}))
}

// find draws a view as the station does and answers where a text stands.
func find(v flow.View, text string) (x, y int, err error) {
	if fyne.CurrentApp() == nil {
		app.NewWithID("coldstation.e2e")
	}
	drawn := ui.Still(words(), ui.Display{Diagonal: 15.6 * 25.4, Distance: 450}, v)
	drawn.Resize(fyne.NewSize(1280, 800))
	var walk func(o fyne.CanvasObject, at fyne.Position) bool
	walk = func(o fyne.CanvasObject, at fyne.Position) bool {
		at = at.Add(o.Position())
		switch o := o.(type) {
		case *canvas.Text:
			if o.Visible() && o.Text != "" && strings.HasPrefix(text, o.Text) {
				x, y = int(at.X+o.Size().Width/2), int(at.Y+o.Size().Height/2)
				return true
			}
		case *fyne.Container:
			return slices.ContainsFunc(o.Objects, func(in fyne.CanvasObject) bool { return walk(in, at) })
		}
		return false
	}
	if !walk(drawn, fyne.Position{}) {
		return 0, 0, fmt.Errorf("no %q on the screen", text)
	}
	return x, y, nil
}
