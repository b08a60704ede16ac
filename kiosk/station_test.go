package kiosk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"coldstation/assets"
	"coldstation/kiosk/flow"
	"coldstation/rfid"
	"coldstation/rfid/feig"
	"coldstation/rfid/iso28560"
	"coldstation/rfid/line"
	"coldstation/rfid/m3"
	"coldstation/rfid/number"
	"coldstation/rfid/pn532"
	"coldstation/rfid/sim"
	"coldstation/sync/blob"
	"coldstation/sync/circ"
	"coldstation/sync/filter"
	"coldstation/sync/identity"
	"coldstation/sync/ledger"
	"coldstation/sync/wire"
)

const maple circ.StationID = "maple-house"

// The cards and books of the demo table that the tests use.
var (
	helmi     = circ.Patron{ID: circ.NewPatronID("999A00000101"), FirstName: "Helmi", Policy: "adult", Language: "fi", Cards: []string{"045E216A401180"}}
	gunnar    = circ.Patron{ID: circ.NewPatronID("999A00000105"), FirstName: "Gunnar", Policy: "adult", Language: "sv", Cards: []string{"045E2D6A441180"}}
	sinuhe    = circ.Item{ID: "999N00001003", Title: "Sinuhe egyptiläinen", Home: maple}
	sinuheTag = rfid.MakeUID([]byte{0xE0, 0x04, 0x01, 0x50, 0x3A, 0x10, 0x0E, 0x01})
	palmu     = circ.Item{ID: "999N00001004", Title: "Komisario Palmun erehdys", Home: maple}
)

// clock is the bubble's.
type clock struct {
	start time.Time
	boots byte
}

func (c *clock) Now() flow.Moment {
	up := time.Since(c.start)
	return flow.Moment{Up: time.Hour + up, Wall: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC).Add(up), Clock: circ.ClockNTP}
}

func (c *clock) Boot() uuid.UUID { return uuid.UUID{15: 7 + c.boots} }

// screen remembers what was shown.
type screen struct {
	mu    sync.Mutex
	views []flow.View
	watch func(flow.View) // nil: nobody looks over its shoulder
}

func (s *screen) Show(v flow.View) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watch != nil {
		s.watch(v)
	}
	s.views = append(s.views, v)
}

func (s *screen) all() []flow.View {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]flow.View(nil), s.views...)
}

// desk is a station with a simulated pad and a ledger on a real disk, in a bubble.
type desk struct {
	t       testing.TB
	table   *sim.Table
	line    *plug
	screen  *screen
	ledger  *ledger.Ledger
	parts   Parts
	open    func(rfid.Port) rfid.Reader // on line
	found   []rfid.Reader
	station *Station
	clock   *clock
	ended   chan error
	cancel  context.CancelFunc
	log     *bytes.Buffer
}

// change is what a test wants otherwise.
type change func(*Parts, *desk)

func protocol(name string, tune func(sim.Device), open func(rfid.Port) rfid.Reader) change {
	return func(p *Parts, d *desk) {
		d.line = &plug{t: d.t, table: d.table, protocol: name, tune: tune, faults: sim.NewSchedule(1, 0)}
		d.open = open
	}
}

// newDesk is a station's parts, without a reader.
func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{t: t, table: demo(t), screen: &screen{}, clock: &clock{start: time.Now()}, ended: make(chan error, 1), log: &bytes.Buffer{}}
	d.ledger = openLedger(t)
	d.tell(
		circ.PolicyPut{Policy: circ.Policy{ID: "adult", LoanDays: 28, Limit: 20}},
		circ.PatronPut{Patron: helmi}, circ.PatronPut{Patron: gunnar},
		circ.ItemPut{Item: sinuhe}, circ.ItemPut{Item: palmu},
	)
	settings := DefaultSettings(maple, "fi", "sv", "en")
	settings.Numbers = rules(t, "item any 999N\\d{8}\npatron any 999A\\d{8}")
	settings.Owners = []string{"FI-Demo"}
	d.parts = Parts{Settings: settings, Ledger: d.ledger, Clock: d.clock, Screen: d.screen,
		Log: slog.New(slog.NewTextHandler(d.log, nil))}
	return d
}

func start(t *testing.T, changes ...change) *desk {
	t.Helper()
	d := newDesk(t)
	parts := d.parts
	for _, c := range changes {
		c(&parts, d)
	}
	if d.line == nil {
		protocol("feig", nil, func(p rfid.Port) rfid.Reader { return feig.New(p, feig.Options{}) })(&parts, d)
	}
	d.parts = parts
	d.run()
	t.Cleanup(func() {
		d.stop()
		for _, s := range parts.Scanners {
			s.Close()
		}
		synctest.Wait()
	})
	return d.wait(time.Second)
}

// run starts the station, as after the machine was switched on.
func (d *desk) run() {
	d.t.Helper()
	d.line.in()
	parts := d.parts
	if d.open != nil {
		parts.Readers = append([]rfid.Reader{d.open(d.line)}, parts.Readers...)
	}
	var err error
	if d.station, err = New(parts); err != nil {
		d.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(d.t.Context())
	d.cancel = func() {
		cancel()
		for _, r := range append(d.found, parts.Readers...) {
			r.Close()
		}
		d.line.out()
	}
	go func() { d.ended <- d.station.Run(ctx) }()
}

// stop ends the station.
func (d *desk) stop() {
	d.cancel()
	synctest.Wait()
}

// restart is a short power cut.
func (d *desk) restart() *desk {
	d.t.Helper()
	d.clock.boots++
	return d.crash()
}

// crash is the program's end and its being started again.
func (d *desk) crash() *desk {
	d.t.Helper()
	d.stop()
	<-d.ended
	d.run()
	return d.wait(time.Second)
}

func rules(t testing.TB, text string) number.Rules {
	t.Helper()
	rules, err := number.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// demo is the demo's table.
func demo(t testing.TB) *sim.Table {
	t.Helper()
	file, err := assets.Demo.Open("demo/table.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	table, err := sim.ReadTable(file)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func openLedger(t testing.TB) *ledger.Ledger {
	t.Helper()
	library, err := identity.NewLibrary()
	if err != nil {
		t.Fatal(err)
	}
	station, _, err := library.Enrol(maple, "mqtt://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	key, err := station.SealingKey()
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(filepath.Join(t.TempDir(), "station.ledger"), ledger.Options{
		Station: maple, Key: bytes.Repeat([]byte{9}, 32), Sealer: &wire.Sealer{Key: key}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// tell is the hub, telling.
func (d *desk) tell(bodies ...circ.NoticeBody) {
	d.t.Helper()
	stream, cursor, chain, err := d.ledger.NoticeCursor()
	if err != nil {
		d.t.Fatal(err)
	}
	if stream == uuid.Nil {
		stream = uuid.UUID{1}
	}
	var raw [][]byte
	for i, body := range bodies {
		b, err := wire.AppendNotice(nil, circ.Notice{Seq: cursor + 1 + uint64(i), Body: body})
		if err != nil {
			d.t.Fatal(err)
		}
		raw = append(raw, b)
	}
	if _, _, err := d.ledger.TakeNotices(circ.Stamp{}, stream, cursor+1, raw, chain.After(raw)); err != nil {
		d.t.Fatal(err)
	}
}

// plug is a reader's cable: out and in again.
type plug struct {
	t        testing.TB
	table    *sim.Table
	protocol string
	tune     func(sim.Device)
	faults   *sim.Schedule

	mu   sync.Mutex
	host rfid.Port
	gone bool
	till time.Time
	busy sync.WaitGroup
}

func (p *plug) in() {
	host, far := sim.Pipe()
	line, err := sim.NewLine(p.protocol, p.table)
	if err != nil {
		p.t.Fatal(err)
	}
	if p.tune != nil {
		p.tune(line.Device)
	}
	line.Faults = p.faults
	p.busy.Go(func() { line.Serve(far) })
	p.mu.Lock()
	defer p.mu.Unlock()
	p.host, p.gone = host, false
}

func (p *plug) out() {
	p.mu.Lock()
	p.gone = true
	p.host.Close()
	p.mu.Unlock()
	p.busy.Wait()
}

func (p *plug) line() (rfid.Port, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return nil, rfid.ErrGone
	}
	return p.host, p.host.SetReadDeadline(p.till)
}

func (p *plug) Read(b []byte) (int, error) {
	line, err := p.line()
	if err != nil {
		return 0, err
	}
	return line.Read(b)
}

func (p *plug) Write(b []byte) (int, error) {
	line, err := p.line()
	if err != nil {
		return 0, err
	}
	return line.Write(b)
}

func (p *plug) SetReadDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.till = t
	if p.gone {
		return nil
	}
	return p.host.SetReadDeadline(t)
}

func (p *plug) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.host.Close()
}

// wait lets time pass in the bubble.
func (d *desk) wait(long time.Duration) *desk {
	d.t.Helper()
	time.Sleep(long)
	synctest.Wait()
	return d
}

// until lets time pass until something is so.
func (d *desk) until(so func() bool) *desk {
	d.t.Helper()
	for range 1000 {
		if so() {
			return d
		}
		d.wait(time.Millisecond)
	}
	d.t.Fatal("it never came so far")
	return d
}

// fail makes the reader's next request meet a fault.
func (d *desk) fail(f sim.Fault) *desk {
	d.t.Helper()
	if err := d.line.faults.Fail(f); err != nil {
		d.t.Fatal(err)
	}
	return d
}

func (d *desk) put(names ...string) *desk  { d.t.Helper(); return d.set(true, names) }
func (d *desk) lift(names ...string) *desk { d.t.Helper(); return d.set(false, names) }

func (d *desk) set(on bool, names []string) *desk {
	d.t.Helper()
	for _, name := range names {
		if err := d.table.Set(name, on); err != nil {
			d.t.Fatal(err)
		}
	}
	return d.wait(2 * time.Second)
}

func (d *desk) press(a flow.Action) *desk { d.t.Helper(); return d.touch(flow.Pressed{Action: a}) }

// touch is a press of a button with what goes with it.
func (d *desk) touch(m flow.Pressed) *desk {
	d.t.Helper()
	d.wait(time.Second)
	d.station.Send(m)
	return d.wait(time.Second)
}

func (d *desk) view() flow.View {
	all := d.screen.all()
	return all[len(all)-1]
}

// sees is the screen and the fate of each item on it.
func (d *desk) sees(want string) *desk {
	d.t.Helper()
	v := d.view()
	words := []string{v.Screen.String()}
	for _, l := range v.Lines {
		words = append(words, strings.TrimSpace(string(l.Item.ID)+" "+l.Fate.String()))
	}
	if got := strings.Join(words, ", "); got != want {
		d.t.Errorf("the screen shows\n  %s\nwant\n  %s\nlog:\n%s", got, want, d.log)
	}
	return d
}

// story is the ledger's circulation and tag events.
func (d *desk) story(want ...string) *desk {
	d.t.Helper()
	names := map[circ.Ref]string{{}: "nobody", d.ledger.Ref(helmi.ID): "Helmi", d.ledger.Ref(gunnar.ID): "Gunnar"}
	var got []string
	for e, err := range d.ledger.Events(1) {
		if err != nil {
			d.t.Fatal(err)
		}
		switch b := e.Body.(type) {
		case circ.CheckedOut:
			name := names[b.Patron]
			if name == "" {
				name = "stranger"
			}
			got = append(got, fmt.Sprintf("%s to %s", b.Item, name))
		case circ.CheckedIn:
			got = append(got, fmt.Sprintf("%s back from %s", b.Item, names[b.Patron]))
		case circ.TagSecured:
			got = append(got, fmt.Sprintf("%s secured", b.Item))
		case circ.TagUnsecured:
			got = append(got, fmt.Sprintf("%s unsecured", b.Item))
		case circ.TagFailed:
			got = append(got, fmt.Sprintf("%s tag failed", b.Item))
		case circ.FaultRaised:
			got = append(got, b.Fault+" raised")
		case circ.FaultCleared:
			got = append(got, b.Fault+" cleared")
		}
	}
	if !reflect.DeepEqual(got, want) {
		d.t.Errorf("the ledger says\n  %s\nwant\n  %s\nlog:\n%s", strings.Join(got, ", "), strings.Join(want, ", "), d.log)
	}
	return d
}

// sounds wants the EAS bit of a tag.
func (d *desk) sounds(name string, want bool) *desk {
	d.t.Helper()
	for _, chip := range d.table.Chips() {
		if chip.Name == name && chip.EAS != want {
			d.t.Errorf("the tag of %s has EAS %v, want %v", name, chip.EAS, want)
		}
	}
	return d
}

func (d *desk) afi(name string, want rfid.AFI) *desk {
	d.t.Helper()
	for _, chip := range d.table.Chips() {
		if chip.Name == name && chip.AFI != want {
			d.t.Errorf("the tag of %s has AFI %s, want %s", name, chip.AFI, want)
		}
	}
	return d
}

// TestWholeVisit: borrow two and return one while the hub is away, so that the
// ledger alone knows.
func TestWholeVisit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t).sees("welcome")
		d.put("helmi").sees("visiting")
		if got := d.view().Title; got.Key != "hello" || got.Name != "Helmi" {
			t.Errorf("greeted with %v", got)
		}
		d.put("sinuhe", "palmu").sees("visiting, 999N00001003 borrowed, 999N00001004 borrowed").
			afi("sinuhe", rfid.OnLoan).afi("palmu", rfid.OnLoan)
		d.lift("sinuhe", "palmu", "helmi").wait(15 * time.Second).sees("welcome")
		d.put("sinuhe").sees("visiting, 999N00001003 returned").afi("sinuhe", rfid.InLibrary)
		d.lift("sinuhe").wait(15*time.Second).sees("welcome").story(
			"999N00001003 to Helmi", "999N00001004 to Helmi", "999N00001003 unsecured", "999N00001004 unsecured",
			"999N00001003 back from Helmi", "999N00001003 secured")
		if mark, err := d.ledger.Mark(ledger.Hub); err != nil || mark != 0 {
			t.Errorf("the hub is said to have %d events (%v)", mark, err)
		}
		for e, err := range d.ledger.Events(1) {
			if err != nil {
				t.Fatal(err)
			}
			if out, ok := e.Body.(circ.CheckedOut); ok {
				if want := time.Date(2026, 12, 22, 23, 59, 0, 0, time.UTC); !out.Due.Equal(want) || out.Visit != 1 {
					t.Errorf("lent in visit %d until %v, want visit 1 and %v", out.Visit, out.Due, want)
				}
			}
			if e.Stamp.Boot != (uuid.UUID{15: 7}) || e.Stamp.Clock != circ.ClockNTP || e.Stamp.Uptime < time.Hour {
				t.Errorf("event %d is stamped %v", e.Seq, e.Stamp)
			}
		}
	})
}

func TestOrderOnThePad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t).put("sinuhe", "palmu").sees("visiting, 999N00001003 waiting, 999N00001004 waiting")
		d.put("gunnar").sees("visiting, 999N00001003 borrowed, 999N00001004 borrowed")
		if got := d.view().Look.Language; got != "sv" {
			t.Errorf("Gunnar reads %s, want sv", got)
		}
	})
}

// TestSavedBeforeSaid: at the moment when the screen says borrowed, the ledger has it.
func TestSavedBeforeSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t)
		said := 0
		d.screen.watch = func(v flow.View) {
			for _, l := range v.Lines {
				if l.Fate != flow.Borrowed {
					continue
				}
				said++
				if _, lent, err := d.ledger.Loan(l.Item.ID); !lent || err != nil {
					t.Errorf("the screen says that %s is borrowed and the ledger does not (%v)", l.Item.ID, err)
				}
			}
		}
		if d.put("helmi", "sinuhe"); said == 0 {
			t.Error("the screen never said that the book is borrowed")
		}
	})
}

// TestCardsAndItemsByContent: what a thing is does not depend on what is asked for.
func TestCardsAndItemsByContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		card, err := iso28560.EncodePart3(iso28560.Label{Item: "999A00000101", ISIL: "FI-Demo", Usage: iso28560.PatronCard}, iso28560.Layout{Block: 4})
		if err != nil {
			t.Fatal(err)
		}
		keyring, err := iso28560.EncodePart3(iso28560.Label{Item: "999A00000105", Usage: iso28560.Circulation}, iso28560.Layout{Block: 4})
		if err != nil {
			t.Fatal(err)
		}
		lines := newLines()
		d := start(t, func(p *Parts, _ *desk) { p.Scanners = []rfid.Scanner{lines} })
		for i, mem := range [][]byte{card, keyring} {
			chip := sim.Chip{Name: fmt.Sprint("vicinity-", i), Tag: rfid.Tag{UID: rfid.MakeUID([]byte{0xE0, 4, 1, 0x50, 9, 9, 9, byte(i)}), Kind: rfid.ISO15693}, BlockSize: 4, Memory: mem}
			if err := d.table.Add(chip); err != nil {
				t.Fatal(err)
			}
		}
		// A card with an item's kind of chip, by its usage.
		d.put("vicinity-0").sees("visiting")
		if got := d.view().Title.Name; got != "Helmi" {
			t.Errorf("greeted %q, want Helmi", got)
		}
		d.lift("vicinity-0").wait(3 * time.Minute)
		// And one that somebody labelled as an item, by its number.
		d.put("vicinity-1").sees("visiting")
		if got := d.view().Title.Name; got != "Gunnar" {
			t.Errorf("greeted %q, want Gunnar", got)
		}
		d.lift("vicinity-1").wait(3 * time.Minute).sees("welcome")
		// A book's barcode while the screen waits for a card, and a card's while it
		// waits for nothing.
		d.put("palmu").sees("visiting, 999N00001004 waiting")
		lines.scan("999N00001003")
		d.wait(time.Second).sees("visiting, 999N00001004 waiting, 999N00001003 waiting")
		lines.scan("something else")
		d.wait(time.Second).sees("visiting, 999N00001004 waiting, 999N00001003 waiting")
		lines.scan("04:5e:21:6a:40:11:80")
		d.wait(time.Second).sees("visiting, 999N00001004 borrowed, 999N00001003 borrowed")
		d.story("999N00001004 to Helmi", "999N00001003 to Helmi", "999N00001004 unsecured")
	})
}

// lines is a scanner that a test types on.
type lines struct {
	typed  chan string
	closed chan struct{}
	once   sync.Once
}

func newLines() *lines { return &lines{typed: make(chan string), closed: make(chan struct{})} }

func (l *lines) scan(line string) { l.typed <- line }

func (l *lines) Scan() (string, error) {
	select {
	case line := <-l.typed:
		return line, nil
	case <-l.closed:
		return "", rfid.ErrClosed
	}
}

func (l *lines) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func TestUnknownCardAndItem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t).put("stranger", "tuntematon").sees("visiting, 999N00001001 borrowed")
		d.story("999N00001001 to stranger", "999N00001001 unsecured")
		for e := range d.ledger.Events(1) {
			if out, ok := e.Body.(circ.CheckedOut); ok && out.Flags != circ.UnknownPatron|circ.UnknownItem {
				t.Errorf("flags %b", out.Flags)
			}
		}
		if strings.Contains(d.log.String(), "04C0FFEE123480") {
			t.Error("the log names a card")
		}
	})
}

// blobs are kept in memory.
type blobs map[circ.BlobID][]byte

func (b blobs) Read(id circ.BlobID) ([]byte, error) {
	content, is := b[id]
	if !is {
		return nil, blob.ErrNone
	}
	return content, nil
}

// TestValidCards: where unknown cards are left to the staff, one that is valid in
// the library network borrows, by whichever form of its number; without a filter, or
// with one that cannot be read, nobody is any better known than before.
func TestValidCards(t *testing.T) {
	const lent, left = "visiting, 999N00001003 borrowed", "visiting, 999N00001003 ask-staff"
	for name, tt := range map[string]struct {
		cards []string
		told  bool
		raw   []byte
		sees  string
	}{
		"in it":                     {[]string{"04C0FFEE123480"}, true, nil, lent},
		"in it as library has it":   {[]string{"999A1", "803412eeffc004"}, true, nil, lent},
		"not in it":                 {[]string{"999A1"}, true, nil, left},
		"no filter yet":             {[]string{"04C0FFEE123480"}, false, nil, left},
		"a filter that is none":     {nil, true, []byte("hello"), left},
		"a filter that is not here": {nil, true, []byte{}, left},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var cards []circ.PatronID
				for _, card := range tt.cards {
					cards = append(cards, circ.NewPatronID(card))
				}
				raw := tt.raw
				if raw == nil {
					var err error
					if raw, err = filter.Build(cards); err != nil {
						t.Fatal(err)
					}
				}
				kept := blobs{}
				if len(raw) > 0 {
					kept[circ.NameBlob(raw)] = raw
				}
				d := start(t, func(p *Parts, _ *desk) {
					p.Blobs = kept
					p.Settings.Rules.UnknownCards = flow.AskTheStaff
				})
				if tt.told {
					d.tell(circ.CardFilterPut{Filter: circ.NameBlob(raw)})
				}
				d.put("stranger", "sinuhe").sees(tt.sees)
			})
		})
	}
}

// TestNumbers: rules make of what was read what the library system writes.
func TestNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := newLines()
		d := start(t, func(p *Parts, _ *desk) {
			p.Settings.Numbers = rules(t, `
				patron chip 045E21\w+             last=8 before=C   # 6A401180
				patron line P\d+                 prefix=P before=999A
				item   line \d{8}\$             suffix=$ before=999N
				item   tag  999N\d{8}`)
			p.Scanners = []rfid.Scanner{lines}
		})
		d.tell(circ.PatronPut{Patron: circ.Patron{ID: circ.NewPatronID("C6A401180"), FirstName: "Liisa", Policy: "adult"}})
		// The form that the rule gives is the only one: her card is not Helmi's.
		d.put("helmi").sees("visiting")
		if got := d.view().Title.Name; got != "Liisa" {
			t.Errorf("greeted %q, want Liisa", got)
		}
		d.lift("helmi").wait(3 * time.Minute).sees("welcome")
		lines.scan("P00000105")
		d.wait(time.Second)
		if got := d.view().Title.Name; got != "Gunnar" {
			t.Errorf("greeted %q, want Gunnar", got)
		}
		lines.scan("00001003$")
		d.wait(time.Second).sees("visiting, 999N00001003 borrowed")
		lines.scan("00001004") // no rule takes it, and the ledger does not know it
		d.wait(time.Second).sees("visiting, 999N00001003 borrowed").story("999N00001003 to Gunnar")
		// A chip that no rule takes is looked for in the usual forms.
		d.wait(5 * time.Minute).put("gunnar")
		if got := d.view().Title.Name; got != "Gunnar" {
			t.Errorf("greeted %q, want Gunnar", got)
		}
	})
}

// TestSets: a set is one item, lent when all of it lies there.
func TestSets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t).put("helmi", "hurmaava", "hurmaava-3").sees("visiting, 999N00001017 waiting")
		if got := d.view().Title; got.Key != "parts" || got.N != 1 {
			t.Errorf("says %v, want one part missing", got)
		}
		if d.lift("hurmaava-3"); d.view().Title.N != 2 {
			t.Errorf("says %v, want two parts missing", d.view().Title)
		}
		d.put("hurmaava-3", "hurmaava-2").sees("visiting, 999N00001017 borrowed").
			afi("hurmaava", rfid.OnLoan).afi("hurmaava-2", rfid.OnLoan).afi("hurmaava-3", rfid.OnLoan)
	})
	synctest.Test(t, func(t *testing.T) {
		d := start(t).put("helmi")
		for _, name := range []string{"hurmaava", "hurmaava-2", "hurmaava-3"} {
			if err := d.table.Put(name); err != nil {
				t.Fatal(err)
			}
		}
		d.wait(2*time.Second).sees("visiting, 999N00001017 borrowed").
			afi("hurmaava", rfid.OnLoan).afi("hurmaava-2", rfid.OnLoan).afi("hurmaava-3", rfid.OnLoan).
			story("999N00001017 to Helmi", "999N00001017 unsecured", "999N00001017 unsecured", "999N00001017 unsecured")
		for _, v := range d.screen.all() {
			if v.Title.Key == "parts" {
				t.Error("a set that was put down at once was said to miss parts")
			}
		}
	})
}

// TestTwice: a reader that lists a tag twice in one inventory.
func TestTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		twice := protocol("3m", func(dev sim.Device) { dev.(*sim.M3).Twice = true }, func(p rfid.Port) rfid.Reader { return m3.New(p, m3.Options{}) })
		lines := newLines()
		d := start(t, twice, func(p *Parts, _ *desk) { p.Scanners = []rfid.Scanner{lines} })
		lines.scan("999A00000101")
		d.put("sinuhe").sees("visiting, 999N00001003 borrowed").story("999N00001003 to Helmi", "999N00001003 unsecured")
	})
}

func TestEmptyAndDamagedTags(t *testing.T) {
	for name, afi := range map[string]rfid.AFI{"blank": 0, "damaged": rfid.InLibrary} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := start(t).put(name).sees("visiting, unread").afi(name, afi).lift(name).sees("welcome").story()
				d.put("helmi", name, "sinuhe").sees("visiting, 999N00001003 borrowed, unread").lift(name).sees("visiting, 999N00001003 borrowed")
			})
		})
	}
}

func TestUnplugged(t *testing.T) {
	const lent, more = "999N00001003 to Helmi", "999N00001004 to Helmi"
	const ready, moreReady = "999N00001003 unsecured", "999N00001004 unsecured"
	t.Run("for a moment", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := start(t).put("helmi", "sinuhe").sees("visiting, 999N00001003 borrowed")
			shown := len(d.screen.all())
			d.line.out()
			d.wait(1500 * time.Millisecond).line.in()
			if d.wait(time.Second); len(d.screen.all()) != shown {
				t.Error("the screen moved")
			}
			d.put("palmu").sees("visiting, 999N00001003 borrowed, 999N00001004 borrowed").story(lent, ready, more, moreReady)
		})
	})
	t.Run("for long", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := start(t).put("helmi", "sinuhe")
			d.line.out()
			d.wait(5*time.Second).sees("resting").story(lent, ready)
			d.wait(time.Minute).sees("resting").story(lent, ready, "reader raised")
			if len(d.screen.all()) > 6 {
				t.Errorf("the screen changed %d times", len(d.screen.all()))
			}
			d.line.in()
			d.wait(2*time.Second).sees("visiting, 999N00001003 borrowed").story(lent, ready, "reader raised", "reader cleared")
			d.put("palmu").sees("visiting, 999N00001003 borrowed, 999N00001004 borrowed")
		})
	})
	t.Run("over a restart", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := start(t)
			d.line.out()
			d.wait(time.Minute).sees("resting").restart().sees("welcome").story("reader raised", "reader cleared")
		})
	})
}

// TestSought: a reader that is found late, and meanwhile is a fault.
func TestSought(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		d := start(t, func(p *Parts, d *desk) {
			protocol("feig", nil, nil)(p, d)
			p.Sought = []Sought{{Find: func() (rfid.Reader, error) {
				if time.Since(started) < time.Minute {
					return nil, errors.New("nothing answers\nfeig: silence\n3m: silence")
				}
				reader := feig.New(d.line, feig.Options{})
				d.found = append(d.found, reader)
				return reader, nil
			}}}
		})
		d.wait(5 * time.Second).sees("resting").story()
		d.wait(time.Minute).sees("welcome").story("reader raised", "reader cleared")
		for e := range d.ledger.Events(1) {
			if f, ok := e.Body.(circ.FaultRaised); ok && f.Detail != "nothing answers" {
				t.Errorf("the fault is %q", f.Detail)
			}
		}
		d.put("helmi", "sinuhe").sees("visiting, 999N00001003 borrowed").afi("sinuhe", rfid.OnLoan)
	})
}

// TestThreeReaders: a pad that reads only items, a card reader and a scanner.
func TestThreeReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cardTable, scanTable := demo(t), demo(t)
		cards := &plug{t: t, table: cardTable, protocol: "pn532"}
		scanner := &plug{t: t, table: scanTable, protocol: "line"}
		cards.in()
		scanner.in()
		d := start(t, protocol("3m", nil, func(p rfid.Port) rfid.Reader { return m3.New(p, m3.Options{}) }), func(p *Parts, _ *desk) {
			p.Readers = []rfid.Reader{pn532.New(cards, pn532.Options{})}
			p.Scanners = []rfid.Scanner{line.New(scanner, line.Options{})}
		})
		defer func() {
			d.stop()
			d.parts.Scanners[0].Close()
			cards.out()
			scanner.out()
		}()
		place := func(table *sim.Table, name string, on bool) *desk {
			if err := table.Set(name, on); err != nil {
				t.Fatal(err)
			}
			return d.wait(time.Second)
		}
		d.put("sinuhe").sees("visiting, 999N00001003 waiting")
		place(cardTable, "gunnar", true).sees("visiting, 999N00001003 borrowed")
		place(scanTable, "palmu", true).sees("visiting, 999N00001003 borrowed, 999N00001004 borrowed")
		d.story("999N00001003 to Gunnar", "999N00001003 unsecured", "999N00001004 to Gunnar")
		// Without its card reader the station still takes books back.
		cards.out()
		d.wait(time.Minute).sees("visiting, 999N00001003 borrowed, 999N00001004 borrowed")
		cards.in()
		place(cardTable, "gunnar", false)
		d.lift("sinuhe").wait(3*time.Minute).sees("welcome").put("sinuhe").sees("visiting, 999N00001003 returned").
			story("999N00001003 to Gunnar", "999N00001003 unsecured", "999N00001004 to Gunnar", "card reader raised", "card reader cleared",
				"999N00001003 back from Gunnar", "999N00001003 secured")
	})
}

// eyes are a reader that writes nothing.
type eyes struct{ rfid.Memory }

// TestFieldsThatMeet: a book in the fields of two readers is written by the one that
// can, whichever saw it last, and is lifted when neither sees it. One that only a
// reader without hands sees is lent, the library is told, and nobody is asked to put
// it back.
func TestFieldsThatMeet(t *testing.T) {
	for name, test := range map[string]struct {
		one bool // both see the same things
		all []string
	}{
		"both see the book": {true, []string{"999N00001003 to Helmi", "999N00001003 unsecured"}},
		"only one sees it":  {false, []string{"999N00001003 to Helmi", "999N00001003 tag failed"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var second *plug
				d := start(t, protocol("feig", nil, func(p rfid.Port) rfid.Reader { return feig.New(p, feig.Options{}) }), func(p *Parts, d *desk) {
					table := d.table
					if !test.one {
						table = demo(t)
					}
					second = &plug{t: t, table: table, protocol: "feig"}
					second.in()
					p.Readers = append(p.Readers, eyes{feig.New(second, feig.Options{})})
				})
				defer func() { d.stop(); second.out() }()
				if err := second.table.Set("sinuhe", true); err != nil {
					t.Fatal(err)
				}
				d.wait(time.Second)
				d.put("helmi").wait(2 * time.Second).sees("visiting, 999N00001003 borrowed")
				if err := second.table.Set("sinuhe", false); err != nil {
					t.Fatal(err)
				}
				d.wait(5 * time.Second).story(test.all...)
				for _, line := range d.view().Lines {
					if line.PutBack {
						t.Error("the book is asked back")
					}
				}
			})
		})
	}
}

// edge is a reader whose writes fail at first, as at the edge of the field.
type edge struct {
	*feig.Reader
	mu   sync.Mutex
	fail int
}

func (e *edge) WriteAFI(uid rfid.UID, afi rfid.AFI) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fail > 0 {
		e.fail--
		return rfid.ErrNotWritten
	}
	return e.Reader.WriteAFI(uid, afi)
}

func TestTagAtTheEdge(t *testing.T) {
	tests := map[string]struct {
		fail int
		tail []string
	}{
		"tried again":               {4, []string{"999N00001003 unsecured"}},
		"noted, and done after all": {7, []string{"999N00001003 tag failed", "999N00001003 unsecured"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				at := protocol("feig", nil, func(p rfid.Port) rfid.Reader { return &edge{Reader: feig.New(p, feig.Options{}), fail: test.fail} })
				d := start(t, at).put("helmi", "sinuhe").sees("visiting, 999N00001003 borrowed")
				d.wait(3*time.Second).afi("sinuhe", rfid.OnLoan).story(append([]string{"999N00001003 to Helmi"}, test.tail...)...)
			})
		})
	}
}

// TestLiftedTooEarly: a tag that leaves in the middle of a write is asked back, and
// made good whenever it is seen again.
func TestLiftedTooEarly(t *testing.T) {
	const lent, returned, failed = "999N00001003 to Helmi", "999N00001003 back from Helmi", "999N00001003 tag failed"
	const secured, unsecured = "999N00001003 secured", "999N00001003 unsecured"
	again := map[string]func(*desk){
		"in the same visit": func(d *desk) {},
		"in the next visit": func(d *desk) { d.lift("helmi").wait(3 * time.Minute).sees("welcome") },
		"after a restart":   func(d *desk) { d.lift("helmi").restart().sees("welcome") },
	}
	for when, then := range again {
		for seed := range uint64(6) { // nothing, half or all of it is written
			t.Run(fmt.Sprintf("%s/%d", when, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := start(t)
					d.line.faults.Seed(seed)
					d.fail(sim.Lift).put("helmi", "sinuhe").sees("visiting, 999N00001003 borrowed").story(lent, failed)
					if got := d.view().Title.Key; got != "putback" {
						t.Errorf("says %s, want putback", got)
					}
					then(d)
					d.put("sinuhe").sees("visiting, 999N00001003 borrowed").afi("sinuhe", rfid.OnLoan).story(lent, failed, unsecured)
				})
			})
		}
	}
	// A return is made good on the shelf's next visitor's pad, silently.
	synctest.Test(t, func(t *testing.T) {
		d := start(t).put("helmi", "sinuhe").lift("helmi", "sinuhe").wait(15 * time.Minute)
		d.fail(sim.Lift).put("sinuhe").sees("visiting, 999N00001003 returned").story(lent, unsecured, returned, failed)
		d.wait(time.Hour).restart().put("sinuhe").sees("visiting, 999N00001003 waiting").
			afi("sinuhe", rfid.InLibrary).story(lent, unsecured, returned, failed, secured)
	})
	// And on nobody's: the station was switched off in the middle, and the book
	// still lies there when it wakes up.
	synctest.Test(t, func(t *testing.T) {
		at := protocol("feig", nil, func(p rfid.Port) rfid.Reader { return &edge{Reader: feig.New(p, feig.Options{}), fail: 1} })
		d := start(t, at).put("helmi")
		if err := d.table.Put("sinuhe"); err != nil {
			t.Fatal(err)
		}
		d.until(func() bool { return len(d.view().Lines) == 1 && d.view().Lines[0].Fate == flow.Borrowed })
		d.afi("sinuhe", rfid.InLibrary).story(lent).restart().wait(time.Second).sees("leftover, 999N00001003 left").
			afi("sinuhe", rfid.OnLoan).story(lent, unsecured)
	})
}

func TestGates(t *testing.T) {
	tests := map[string]struct {
		gate    Gate
		afi     rfid.AFI // of a book on loan
		alarm   bool     // of a book brought back
		written bool
	}{
		"afi":  {AFIGate, 0xDA, false, true},
		"eas":  {EASGate, rfid.InLibrary, true, true},
		"both": {AnyGate, 0xDA, true, true},
		"none": {NoGate, rfid.InLibrary, false, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate, err := ParseGate(name)
				if err != nil || gate != test.gate {
					t.Fatalf("%s is gate %b, %v", name, gate, err)
				}
				pad := protocol("feig", nil, func(p rfid.Port) rfid.Reader { return feig.New(p, feig.Options{EAS: gate&EASGate != 0}) })
				d := start(t, pad, func(p *Parts, d *desk) {
					p.Settings.Gate, p.Settings.Secured, p.Settings.Unsecured = gate, 0xD7, 0xDA
					d.table.With(sinuheTag, func(c *sim.Chip) { c.EAS = test.alarm })
				})
				out, in := []string{"999N00001003 to Helmi"}, []string{"999N00001003 back from Helmi"}
				if test.written {
					out, in = append(out, "999N00001003 unsecured"), append(in, "999N00001003 secured")
				}
				d.put("helmi", "sinuhe").afi("sinuhe", test.afi).sounds("sinuhe", false).story(out...)
				d.lift("helmi", "sinuhe").wait(15*time.Minute).put("sinuhe").sounds("sinuhe", test.alarm).story(append(out, in...)...)
				for _, chip := range d.table.Chips() {
					if chip.AFILock || slices.Contains(chip.Locked, true) {
						t.Errorf("%s is locked", chip.Name)
					}
				}
			})
		})
	}
	if _, err := ParseGate("AFI"); err == nil {
		t.Error("a gate was made of AFI")
	}
}

// TestOtherChip: a chip that has no EAS bit is written by its AFI.
func TestOtherChip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pad := protocol("feig", nil, func(p rfid.Port) rfid.Reader { return feig.New(p, feig.Options{EAS: true}) })
		d := start(t, pad, func(p *Parts, d *desk) {
			p.Settings.Gate = AnyGate
			chip, _ := d.table.Chip(sinuheTag)
			chip.Name, chip.UID = "other", rfid.MakeUID([]byte{0xE0, 0x07, 1, 2, 3, 4, 5, 6})
			if err := d.table.Add(chip); err != nil {
				t.Fatal(err)
			}
		})
		d.put("helmi", "other").sees("visiting, 999N00001003 borrowed").afi("other", rfid.OnLoan).story("999N00001003 to Helmi", "999N00001003 unsecured")
	})
}

// broken is a ledger whose disk takes nothing more.
type broken struct {
	*ledger.Ledger
	mu   sync.Mutex
	full bool
}

func (b *broken) Append(s circ.Stamp, people []circ.PatronID, bodies ...circ.EventBody) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.full {
		return 0, fmt.Errorf("append: no space left on device: %w", ledger.ErrBroken)
	}
	return b.Ledger.Append(s, people, bodies...)
}

func TestDiskFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &broken{}
		d := start(t, func(p *Parts, d *desk) {
			disk.Ledger = d.ledger
			p.Ledger = disk
		})
		disk.mu.Lock()
		disk.full = true
		disk.mu.Unlock()
		d.put("helmi", "sinuhe").sees("visiting, 999N00001003 keep").afi("sinuhe", rfid.InLibrary).story()
		if got := d.view().Title.Key; got != "keep" {
			t.Errorf("says %s, want keep", got)
		}
		// Once nobody is there, and though nobody comes, the station ends so that the
		// ledger is opened anew.
		d.lift("helmi", "sinuhe").press(flow.Finish).sees("welcome").wait(2 * time.Minute)
		select {
		case err := <-d.ended:
			if !errors.Is(err, ledger.ErrBroken) {
				t.Errorf("ended with %v, want %v", err, ledger.ErrBroken)
			}
		default:
			t.Error("the station goes on with a ledger that takes nothing")
		}
	})
}

// TestLoanOfAnUnmetReader: a book lent elsewhere to somebody who never was here is
// taken back all the same.
func TestLoanOfAnUnmetReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t)
		d.tell(circ.LoanPut{Item: sinuhe.ID, Patron: gunnar.ID, At: time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)})
		d.put("sinuhe").sees("visiting, 999N00001003 returned")
	})
}

// TestWanted: a book that the library asks for goes into the box when it comes back.
func TestWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t)
		d.tell(circ.RecallPut{ID: "hold", Items: []circ.ItemID{sinuhe.ID}}, circ.LoanPut{Item: sinuhe.ID, Patron: gunnar.ID, At: time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)})
		d.put("sinuhe").sees("visiting, 999N00001003 boxed")
	})
}

// TestWakingUp: books that lie there when the station starts are nobody's.
func TestWakingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t, func(_ *Parts, d *desk) {
			if err := d.table.Put("sinuhe"); err != nil {
				t.Fatal(err)
			}
		})
		d.sees("welcome").put("helmi").sees("leftover, 999N00001003 left").story()
		d.lift("sinuhe").put("sinuhe").sees("visiting, 999N00001003 borrowed")
	})
}

func TestTimersAndTouches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t).put("helmi").lift("helmi").wait(95 * time.Second).sees("still-there")
		d.press(flow.StillHere).sees("visiting").wait(2 * time.Minute).wait(5 * time.Second).sees("welcome")
		d.press(flow.Help).sees("helping").press(flow.Back).sees("welcome")
	})
}

func TestStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t)
		d.cancel()
		if err := <-d.ended; err != nil {
			t.Errorf("ended with %v", err)
		}
		d.station.Send(flow.Touched{}) // after the end, nobody hangs
		session, err := d.ledger.Session()
		if err != nil || session != 1 {
			t.Errorf("session %d, %v; want 1", session, err)
		}
	})
}

func TestSettings(t *testing.T) {
	good := DefaultSettings(maple, "fi")
	if err := good.Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	bad := map[string]func(*Settings){
		"a name":     func(s *Settings) { s.Rules.Station = "Maple House" },
		"a language": func(s *Settings) { s.Rules.Languages = nil },
		"AFIs":       func(s *Settings) { s.Unsecured = s.Secured },
		"tries":      func(s *Settings) { s.Tries = 0 },
		"numbers":    func(s *Settings) { s.Numbers = rules(t, "item chip .*") },
	}
	for name, change := range bad {
		s := good
		change(&s)
		if s.Validate() == nil {
			t.Errorf("%s: bad settings pass", name)
		}
		if _, err := New(Parts{Settings: s}); err == nil {
			t.Errorf("%s: a station was made of bad settings", name)
		}
	}
}

func TestUIDForms(t *testing.T) {
	uid := rfid.MakeUID([]byte{0x04, 0x5E, 0x21, 0x6A})
	want := []string{"045E216A", "045e216a", "6A215E04", "6a215e04", "73277802", "1780571652"}
	if got := uidForms(uid); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// A 125 kHz card prints the decimal of its last four and last three bytes.
	forms := uidForms(rfid.MakeUID([]byte{0x14, 0x00, 0x8E, 0xC7, 0x93}))
	for _, want := range []string{"0009357203", "09357203"} {
		if !strings.Contains(strings.Join(forms, " "), want) {
			t.Errorf("%v lacks %s", forms, want)
		}
	}
}

func TestMachineClock(t *testing.T) {
	c, err := NewMachineClock()
	if err != nil {
		t.Fatal(err)
	}
	first := c.Now()
	second := c.Now()
	if c.Boot() == (uuid.UUID{}) || first.Up <= 0 || second.Up < first.Up {
		t.Errorf("boot %v, %v then %v", c.Boot(), first.Up, second.Up)
	}
	if got := trust(time.Unix(0, 0)); got != circ.ClockUnset {
		t.Errorf("1970 is trusted as %v", got)
	}
}

// TestAlive: a station answers while its loop comes round, and a loop that hangs
// does not.
func TestAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		d := start(t)
		alive := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			return d.station.Alive(ctx)
		}
		if err := alive(); err != nil {
			t.Error(err)
		}
		d.screen.mu.Lock()
		d.screen.watch = func(flow.View) { <-hang }
		d.screen.mu.Unlock()
		d.station.Send(flow.Pressed{Action: flow.Help})
		for range 3 { // the first may find room in the inbox
			if err := alive(); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a station that hangs says %v", err)
			}
		}
		close(hang)
		d.wait(time.Second)
		if err := alive(); err != nil {
			t.Error(err)
		}
		d.stop()
		if err := alive(); err != nil {
			t.Errorf("a station that has ended: %v", err)
		}
	})
}

// printing is a printer that prints nothing.
type printing struct{}

func (printing) Print(flow.Print) {}

// TestPrinterOutOfPaper: a note that cannot be printed is not offered, and all else
// goes on.
func TestPrinterOutOfPaper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t, func(p *Parts, _ *desk) { p.Printer = printing{} }).put("helmi", "sinuhe")
		offered := func(want bool) {
			t.Helper()
			if got := slices.ContainsFunc(d.view().Buttons, func(b flow.Button) bool { return b.Action == flow.Receipt }); got != want {
				t.Errorf("a note is offered: %t, want %t", got, want)
			}
		}
		offered(true)
		d.station.Fault(flow.PrinterFault, "out of paper", true)
		d.wait(time.Second).sees("visiting, 999N00001003 borrowed")
		offered(false)
		d.station.Fault(flow.PrinterFault, "", false)
		d.wait(time.Second)
		offered(true)
	})
}
