// Package storetest is the contract of a hub's store: what every
// implementation keeps, whatever database it stands on.
package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/identity"
	"coldstation/sync/wire"
)

// Start is when the contract's story begins.
var Start = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// Run tests a store. open gives an empty one; reopen gives the same one again
// after its Close, as after a restart.
func Run(t *testing.T, open func(t *testing.T) (s store.Store, reopen func() store.Store)) {
	for name, test := range map[string]func(*testing.T, *place){
		"stations": stations, "presence": presence, "take in": takeIn, "duplicates": duplicates, "gaps": gaps,
		"forks": forks, "ledgers": ledgers, "undo": undo, "evidence": evidence, "late news": late, "races": races,
		"time": clocks, "retime": retime, "order": order, "conditions": conditions, "notices": notices, "import": imports, "views": views,
		"enrolment": enrolment, "log": kept, "waiting": waiting, "posting": posting, "undone postings": undonePostings, "outcomes": outcomes, "decisions": decisions, "figures": figures, "lost": lost, "stock": stock, "afar": afar,
		"blobs": blobs, "card filters": cardFilters, "learned": learned, "expected": expected,
		"alerts": alerts, "subscriptions": subscriptions,
		"unlinked": unlinked, "erased": erased,
		"accounts": accounts, "sessions": sessions, "links": links, "tokens": tokens, "trail": trail,
		"needed items": neededItems, "needed people": neededPeople, "proxies": proxies, "compaction": compaction, "long streams": longStreams,
		"consignments": consignments, "matching": matching, "recalls": recalls, "counting": counting, "rotation": rotation,
	} {
		t.Run(name, func(t *testing.T) {
			s, reopen := open(t)
			p := &place{t: t, Store: s, reopen: reopen}
			defer func() {
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			}()
			p.enrol("maple-house")
			p.enrol("birch-house")
			test(t, p)
		})
	}
}

// place is a store and the stations that write to it.
type place struct {
	store.Store
	t      *testing.T
	reopen func() store.Store
}

func (p *place) restart() {
	p.t.Helper()
	p.ok(p.Close())
	p.Store = p.reopen()
}

func (p *place) ok(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) enrol(id circ.StationID) {
	p.t.Helper()
	p.ok(p.Enrol(p.t.Context(), identity.Enrolled{Station: id, Password: []byte("hash of " + id), Signing: make([]byte, 32)}, Start))
}

// Log is a station's ledger for tests: it numbers, chains and encodes events.
type Log struct {
	Station circ.StationID
	ID      uuid.UUID
	Boot    uuid.UUID
	Began   time.Time
	events  []store.Taken
	chains  []wire.Chain
}

// NewLog is an empty ledger of a station.
func NewLog(id circ.StationID) *Log {
	return &Log{Station: id, ID: uuid.New(), Boot: uuid.New(), Began: Start, chains: make([]wire.Chain, 1)}
}

// Add appends what happened a minute after the event before.
func (l *Log) Add(bodies ...circ.EventBody) *Log {
	for _, body := range bodies {
		uptime := time.Duration(len(l.events)+1) * time.Minute
		l.AddAt(circ.Stamp{Wall: l.Began.Add(uptime), Clock: circ.ClockNTP, Boot: l.Boot, Uptime: uptime}, body)
	}
	return l
}

// AddAt appends what happened at a stamp.
func (l *Log) AddAt(stamp circ.Stamp, body circ.EventBody) *Log {
	return l.AddRaw(circ.Event{Stamp: stamp, Body: body}, fmt.Appendf(nil, "%s %d %T", l.ID, len(l.events)+1, body))
}

// AddRaw appends an event with its encoding.
func (l *Log) AddRaw(e circ.Event, raw []byte) *Log {
	e.Seq = uint64(len(l.events) + 1)
	l.events = append(l.events, store.Taken{Event: e, Raw: raw})
	l.chains = append(l.chains, l.chains[len(l.chains)-1].Next(raw))
	return l
}

// Batch is the events first to last.
func (l *Log) Batch(first, last uint64) store.Batch {
	return store.Batch{Station: l.Station, Ledger: l.ID, First: first, Events: l.events[first-1 : last], Chain: l.chains[last], At: l.Began.Add(time.Hour)}
}

// All is the whole ledger in one batch.
func (l *Log) All() store.Batch { return l.Batch(1, uint64(len(l.events))) }

func (p *place) find(l *Log) store.Ledger {
	p.t.Helper()
	found, err := p.Find(p.t.Context(), l.Station, l.ID, Start)
	p.ok(err)
	return found
}

func (p *place) take(b store.Batch) store.Ledger {
	p.t.Helper()
	l, err := p.TakeIn(p.t.Context(), b)
	p.ok(err)
	return l
}

// onLoan is "item@station" of all loans, in order.
func (p *place) onLoan() (all []string) {
	p.t.Helper()
	loans, err := p.Loans(p.t.Context(), "")
	p.ok(err)
	for _, l := range loans {
		all = append(all, fmt.Sprintf("%s@%s", l.Item, l.Station))
	}
	slices.Sort(all)
	return all
}

func (p *place) wantLoans(want ...string) {
	p.t.Helper()
	if got := p.onLoan(); !slices.Equal(got, want) {
		p.t.Errorf("on loan: %v, want %v", got, want)
	}
}

func out(item circ.ItemID, card byte) circ.CheckedOut {
	return circ.CheckedOut{Item: item, Patron: circ.Ref{card}, By: circ.Ref{card}, Due: Start.AddDate(0, 0, 28)}
}

func in(item circ.ItemID) circ.CheckedIn { return circ.CheckedIn{Item: item, Belongs: true} }

func stations(t *testing.T, p *place) {
	all, err := p.Stations(t.Context())
	p.ok(err)
	if len(all) != 2 || all[0].ID != "birch-house" || !all[1].Enrolled.Equal(Start) {
		t.Errorf("stations %+v, want birch-house and maple-house, enrolled at the start", all)
	}
	p.restart()
	e, err := p.Enrolled(t.Context(), "maple-house")
	if err != nil || string(e.Password) != "hash of maple-house" || len(e.Signing) != 32 {
		t.Errorf("enrolled %+v, %v", e, err)
	}
	if _, err := p.Enrolled(t.Context(), "nowhere"); !errors.Is(err, store.ErrNoStation) {
		t.Errorf("an unknown station: %v, want ErrNoStation", err)
	}
	if _, err := p.Station(t.Context(), "nowhere"); !errors.Is(err, store.ErrNoStation) {
		t.Errorf("an unknown station: %v, want ErrNoStation", err)
	}
	if _, err := p.Find(t.Context(), "nowhere", uuid.New(), Start); !errors.Is(err, store.ErrNoStation) {
		t.Errorf("a ledger of an unknown station: %v, want ErrNoStation", err)
	}
}

func presence(t *testing.T, p *place) {
	a, b := uuid.New(), uuid.New()
	for i, tt := range []struct {
		name    string
		boot    uuid.UUID
		session uint64
		online  bool
		current bool // it is taken
		after   bool // online afterwards
	}{
		{"a birth", a, 1, true, true, true},
		{"the next start", a, 2, true, true, true},
		{"the will of the start before", a, 1, false, false, true},
		{"a start that does not count on", a, 1, true, true, true},
		{"the will before that", a, 2, false, false, true},
		{"a farewell", a, 1, false, true, false},
		{"a birth after a reboot, the ledger new", b, 1, true, true, true},
		{"the will of the boot before", a, 2, false, false, true},
		{"its own will", b, 1, false, true, false},
	} {
		at := Start.Add(time.Duration(i+1) * time.Minute)
		current, err := p.Seen(t.Context(), store.Presence{Station: "maple-house", Online: tt.online, Boot: tt.boot, Session: tt.session, At: at, Old: !tt.online})
		p.ok(err)
		s, err := p.Station(t.Context(), "maple-house")
		p.ok(err)
		if current != tt.current || s.Online != tt.after {
			t.Errorf("%s: taken %v and online %v, want %v and %v", tt.name, current, s.Online, tt.current, tt.after)
		}
		if heard := s.Heard.Equal(at); heard != (tt.online && tt.current) {
			t.Errorf("%s: heard at %v; only a station's own word is hearing from it", tt.name, s.Heard)
		}
	}
	if _, err := p.Seen(t.Context(), store.Presence{Station: "nowhere", Online: true}); !errors.Is(err, store.ErrNoStation) {
		t.Errorf("presence of an unknown station: %v, want ErrNoStation", err)
	}
}

func takeIn(t *testing.T, p *place) {
	l := NewLog("maple-house").Add(circ.PatronMet{Ref: circ.Ref{1}, ID: circ.NewPatronID("123")}, out("1", 1), out("2", 1), in("1"), circ.LentToHouse{Item: "3"})
	if found := p.find(l); !found.New || found.Cursor != 0 || found.Chain != (wire.Chain{}) || found.State != store.LedgerOK {
		t.Errorf("a new ledger: %+v", found)
	}
	p.ok(p.Report(t.Context(), store.Report{Station: l.Station, Ledger: l.ID, Last: 7, At: Start}))
	got := p.take(l.Batch(1, 3))
	if got.Cursor != 3 || got.Chain != l.chains[3] {
		t.Errorf("after 1 to 3: %+v", got)
	}
	p.wantLoans("1@maple-house", "2@maple-house")
	p.restart()
	if found := p.find(l); found.New || found.Cursor != 3 || found.Chain != l.chains[3] {
		t.Errorf("after a restart: %+v", found)
	}
	p.take(l.Batch(4, 5))
	p.wantLoans("2@maple-house", "3@maple-house")
	s, err := p.Station(t.Context(), "maple-house")
	p.ok(err)
	if s.Cursor != 5 || s.Queue() != 2 || !s.BehindSince.Equal(Start) || s.Loans != 2 || !s.LastEvent.Equal(Start.Add(5*time.Minute)) {
		t.Errorf("station %+v", s)
	}
	l.Add(in("2"), in("3"))
	p.take(l.Batch(6, 7))
	if s, err = p.Station(t.Context(), "maple-house"); err != nil || s.Queue() != 0 || !s.BehindSince.IsZero() {
		t.Errorf("caught up: %+v, %v", s, err)
	}
	p.wantLoans()
}

// What was taken in stands there as it came, once, and only its station's.
func kept(t *testing.T, p *place) {
	l := NewLog("maple-house").Add(out("1", 1), out("2", 1), circ.Undone{Seq: 2}, in("1"))
	other := NewLog("birch-house").Add(out("3", 1))
	for _, l := range []*Log{l, other} {
		p.find(l)
		p.take(l.All())
	}
	p.take(l.Batch(2, 4)) // again
	all := l.All()
	n := 0
	p.ok(p.Log(t.Context(), l.Station, func(k store.Kept) error {
		n++
		if n > len(all.Events) {
			t.Fatalf("more than %d events: %+v", len(all.Events), k)
		}
		e := all.Events[n-1]
		if k.Ledger != l.ID || k.Seq != uint64(n) || string(k.Raw) != string(e.Raw) || k.Chain != l.chains[n] || k.Undone != (n == 2) || !k.Received.Equal(all.At) {
			t.Errorf("event %d: %+v", n, k)
		}
		return nil
	}))
	if n != len(all.Events) {
		t.Errorf("%d events, want %d", n, len(all.Events))
	}
	stop := errors.New("enough")
	if err := p.Log(t.Context(), l.Station, func(store.Kept) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("stopped: %v", err)
	}
}

func duplicates(t *testing.T, p *place) {
	l := NewLog("maple-house").Add(out("1", 1), in("1"), out("1", 2), out("2", 2))
	p.find(l)
	p.take(l.Batch(1, 3))
	for _, b := range []store.Batch{l.Batch(1, 3), l.Batch(1, 1), l.Batch(2, 3)} {
		if got := p.take(b); got.Cursor != 3 || got.Chain != l.chains[3] {
			t.Errorf("again from %d: %+v, want it to stand at 3", b.First, got)
		}
	}
	if got := p.take(l.Batch(2, 4)); got.Cursor != 4 {
		t.Errorf("an overlap: %+v, want 4", got)
	}
	p.wantLoans("1@maple-house", "2@maple-house")
	events, err := p.Events(t.Context(), "maple-house", store.Position{}, 100)
	if err != nil || len(events) != 4 {
		t.Errorf("%d events, %v, want 4", len(events), err)
	}
}

func gaps(t *testing.T, p *place) {
	l := NewLog("maple-house").Add(out("1", 1), in("1"), out("2", 1), in("2"))
	if _, err := p.TakeIn(t.Context(), l.All()); !errors.Is(err, store.ErrNoLedger) {
		t.Errorf("a ledger that was not found first: %v, want ErrNoLedger", err)
	}
	p.find(l)
	p.take(l.Batch(1, 1))
	var gap *store.Gap
	if _, err := p.TakeIn(t.Context(), l.Batch(3, 4)); !errors.As(err, &gap) || gap.Cursor != 1 {
		t.Errorf("a gap: %v, want one after 1", err)
	}
	misnumbered := l.Batch(2, 3)
	misnumbered.Events = slices.Clone(misnumbered.Events)
	misnumbered.Events[1].Seq = 9
	if _, err := p.TakeIn(t.Context(), misnumbered); !errors.As(err, &gap) {
		t.Errorf("an event with another number: %v, want a gap", err)
	}
	p.wantLoans("1@maple-house")
	p.take(l.Batch(2, 4))
	p.wantLoans()
}

func forks(t *testing.T, p *place) {
	for name, last := range map[string]uint64{"told again otherwise": 2, "goes on from another past": 4} {
		l := NewLog("maple-house").Add(out("1", 1), out("2", 1))
		other := *l
		l.Add(out("3", 1))
		p.find(l)
		p.take(l.Batch(1, 3))
		other.events, other.chains = other.events[:1:1], other.chains[:2:2]
		other.Add(in("1"), in("1"), out("4", 9))
		if _, err := p.TakeIn(t.Context(), other.Batch(last, last)); !errors.Is(err, store.ErrForked) {
			t.Errorf("%s: %v, want ErrForked", name, err)
		}
		p.restart()
		if found := p.find(l); found.State != store.LedgerQuarantined || found.Cursor != 3 {
			t.Errorf("%s: %+v, want quarantined at 3", name, found)
		}
		if _, err := p.TakeIn(t.Context(), l.Add(in("3")).Batch(4, 4)); !errors.Is(err, store.ErrQuarantined) {
			t.Errorf("%s: then the right one: %v, want ErrQuarantined", name, err)
		}
		s, err := p.Station(t.Context(), "maple-house")
		p.ok(err)
		if !slices.ContainsFunc(s.Conditions, func(c store.Condition) bool {
			return c.Name == store.ConditionQuarantined && c.Detail == l.ID.String()
		}) {
			t.Errorf("%s: conditions %+v, want quarantined", name, s.Conditions)
		}
		p.wantLoans("1@maple-house", "2@maple-house", "3@maple-house")
	}
}

func ledgers(t *testing.T, p *place) {
	first := NewLog("maple-house").Add(out("1", 1), out("2", 1))
	p.find(first)
	p.take(first.All())
	second := NewLog("maple-house").Add(in("1"))
	if found := p.find(second); !found.New || found.Cursor != 0 {
		t.Errorf("a second ledger: %+v", found)
	}
	if _, err := p.TakeIn(t.Context(), first.Add(in("2")).Batch(3, 3)); !errors.Is(err, store.ErrClosed) {
		t.Errorf("the first ledger goes on: %v, want ErrClosed", err)
	}
	p.take(second.All())
	p.wantLoans("2@maple-house")
	s, err := p.Station(t.Context(), "maple-house")
	p.ok(err)
	if len(s.Conditions) != 1 || s.Conditions[0].Name != store.ConditionRefilled {
		t.Errorf("conditions %+v, want refilled", s.Conditions)
	}
	defer func() { // the first one is back: somebody must know
		s, err := p.Station(t.Context(), "maple-house")
		p.ok(err)
		if !slices.ContainsFunc(s.Conditions, func(c store.Condition) bool {
			return c.Name == store.ConditionReturned && c.Detail == first.ID.String()
		}) {
			t.Errorf("conditions %+v, want returned with the first ledger's name", s.Conditions)
		}
	}()
	if found := p.find(first); found.State != store.LedgerOK || found.Cursor != 2 {
		t.Errorf("the first one is back: %+v, want ok at 2", found)
	}
	p.take(first.Batch(3, 3))
	p.wantLoans()

	// Another station that claims the same ledger gets one of its own.
	thief := *first
	thief.Station = "birch-house"
	if found := p.find(&thief); found.Cursor != 0 || !found.New {
		t.Errorf("the ledger at another station: %+v, want a new one", found)
	}
}

func undo(t *testing.T, p *place) {
	l := NewLog("maple-house").Add(out("1", 1), circ.Undone{Seq: 1}, out("2", 1), in("2"))
	p.find(l)
	p.take(l.All())
	p.wantLoans()
	l.Add(circ.Undone{Seq: 4}) // the return did not happen: the loan stands, from when it stood
	p.take(l.Batch(5, 5))
	p.wantLoans("2@maple-house")
	loans, err := p.Loans(t.Context(), "maple-house")
	p.ok(err)
	if !loans[0].Since.Equal(Start.Add(3*time.Minute)) || !loans[0].Due.Equal(Start.AddDate(0, 0, 28)) {
		t.Errorf("the loan that stands again: %+v", loans[0])
	}
	due := Start.AddDate(0, 0, 56)
	l.Add(circ.Renewed{Item: "2", Patron: circ.Ref{1}, Due: due}, circ.Undone{Seq: 6}, circ.Undone{Seq: 99})
	p.take(l.Batch(6, 8))
	if loans, err = p.Loans(t.Context(), ""); err != nil || loans[0].Renewed != 0 || !loans[0].Due.Equal(Start.AddDate(0, 0, 28)) {
		t.Errorf("a renewal taken back: %+v, %v", loans, err)
	}
	events, err := p.Events(t.Context(), "maple-house", store.Position{}, 100)
	p.ok(err)
	for _, e := range events {
		if want := e.Seq == 1 || e.Seq == 4 || e.Seq == 6; e.Undone != want {
			t.Errorf("event %d undone %v, want %v", e.Seq, e.Undone, want)
		}
	}
}

// What lies on a pad is where it is, whatever the books say.
func evidence(t *testing.T, p *place) {
	maple := NewLog("maple-house").Add(out("1", 1), circ.CheckedOut{Item: "1", Patron: circ.Ref{2}, From: circ.Ref{1}, Flags: circ.ImpliedReturn}, out("2", 1), in("never lent"),
		circ.Renewed{Item: "3", Patron: circ.Ref{1}, Due: Start.AddDate(0, 0, 28)})
	p.find(maple)
	p.take(maple.All())
	p.wantLoans("1@maple-house", "2@maple-house", "3@maple-house")
	birch := NewLog("birch-house")
	birch.Began = Start.Add(24 * time.Hour)
	birch.Add(circ.CheckedIn{Item: "2"}, out("1", 3))
	p.find(birch)
	p.take(birch.All())
	p.wantLoans("1@birch-house", "3@maple-house")
}

// A station that was away tells of the past. What happened since elsewhere stands.
func late(t *testing.T, p *place) {
	birch := NewLog("birch-house")
	birch.Began = Start.Add(24 * time.Hour)
	birch.Add(out("1", 3), out("2", 3), in("2"))
	p.find(birch)
	p.take(birch.All())
	maple := NewLog("maple-house").Add(out("1", 1), in("1"), out("2", 1))
	p.find(maple)
	p.take(maple.All())
	p.wantLoans("1@birch-house")
}

// Two hubs take in the same events at once: they count once.
func races(t *testing.T, p *place) {
	l := NewLog("maple-house")
	for range 40 {
		l.Add(out("1", 1), in("1"))
	}
	p.find(l)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for first := uint64(1); first <= 80; first += 10 {
				var gap *store.Gap
				if _, err := p.TakeIn(t.Context(), l.Batch(first, first+9)); err != nil && !errors.As(err, &gap) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if found := p.find(l); found.Cursor != 80 || found.Chain != l.chains[80] {
		t.Errorf("stands at %d, want 80", found.Cursor)
	}
	events, err := p.Events(t.Context(), "maple-house", store.Position{}, 200)
	if err != nil || len(events) != 80 {
		t.Errorf("%d events, %v, want 80", len(events), err)
	}
}

func clocks(t *testing.T, p *place) {
	l := NewLog("maple-house")
	heard, unheard := uuid.New(), uuid.New()
	l.AddAt(circ.Stamp{Wall: Start.Add(time.Minute), Clock: circ.ClockNTP, Boot: l.Boot, Uptime: time.Minute}, out("1", 1))
	l.AddAt(circ.Stamp{Wall: time.Unix(0, 0), Boot: l.Boot, Uptime: 2 * time.Minute}, out("2", 1))                         // the clock fell back
	l.AddAt(circ.Stamp{Wall: time.Unix(99, 0), Boot: unheard, Uptime: time.Hour}, out("3", 1))                             // a run nobody heard
	l.AddAt(circ.Stamp{Wall: Start.AddDate(9, 0, 0), Clock: circ.ClockRTC, Boot: heard, Uptime: 5 * time.Minute}, in("1")) // a clock that is years ahead
	p.find(l)
	// Two messages of that run: the quicker one says when it began.
	for _, slow := range []time.Duration{3 * time.Second, time.Second, 2 * time.Second} {
		p.ok(p.Report(t.Context(), store.Report{Station: l.Station, Ledger: l.ID, Last: 4, Boot: heard, Uptime: 10 * time.Minute, At: Start.Add(30*time.Minute + slow)}))
	}
	p.take(l.All())
	events, err := p.Events(t.Context(), "maple-house", store.Position{}, 10)
	p.ok(err)
	for _, e := range events {
		want := map[uint64]time.Duration{1: time.Minute, 2: 2 * time.Minute, 3: 2 * time.Minute, 4: 25*time.Minute + time.Second}[e.Seq]
		if !e.At.Equal(Start.Add(want)) {
			t.Errorf("event %d happened at %v, want %v after the start", e.Seq, e.At, want)
		}
	}
}

func conditions(t *testing.T, p *place) {
	l := NewLog("maple-house").Add(circ.Started{Version: "1.2", Session: 1}, circ.FaultRaised{Fault: "reader", Detail: "no answer"}, circ.FaultRaised{Fault: "reader", Detail: "unplugged"})
	p.find(l)
	p.take(l.All())
	p.ok(p.Raise(t.Context(), "maple-house", store.Condition{Name: store.ConditionNewer, Detail: "9", Since: Start}))
	p.ok(p.Raise(t.Context(), "maple-house", store.Condition{Name: store.ConditionNewer, Detail: "9", Since: Start.Add(time.Hour)}))
	s, err := p.Station(t.Context(), "maple-house")
	p.ok(err)
	want := []store.Condition{{Name: store.ConditionNewer, Detail: "9", Since: Start}, {Name: "fault-reader", Detail: "unplugged", Since: Start.Add(2 * time.Minute)}}
	if !slices.Equal(s.Conditions, want) || s.Version != "1.2" {
		t.Errorf("version %s, conditions %+v, want %+v", s.Version, s.Conditions, want)
	}
	p.take(l.Add(circ.FaultCleared{Fault: "reader"}).Batch(4, 4))
	p.ok(p.Clear(t.Context(), "maple-house", store.ConditionNewer))
	all, err := p.Stations(t.Context())
	if err != nil || len(all[1].Conditions) != 0 {
		t.Errorf("conditions %+v, %v, want none", all, err)
	}
	if err := p.Raise(t.Context(), "nowhere", want[0]); !errors.Is(err, store.ErrNoStation) {
		t.Errorf("a condition of an unknown station: %v, want ErrNoStation", err)
	}
}

var collection = store.Collection{
	Items:    []circ.Item{{ID: "1", Title: "Sinuhe egyptiläinen", Author: "Mika Waltari", Year: 1945, Language: "fi", Subject: "history", Parts: 1, Home: "maple-house"}, {ID: "2", Title: "100 % Is_ ÅÄÖ", Marks: circ.LargePrint}},
	Patrons:  []circ.Patron{{ID: circ.NewPatronID("123"), FirstName: "Helmi", Policy: "adult", Cards: []string{"04AA"}, Picture: "boat", Recalls: true, Secret: "$argon2id$"}},
	Policies: []circ.Policy{{ID: "adult", LoanDays: 28, Limit: 20, Renewals: 5, OverdueOK: true}},
	Proxies:  []circ.Proxy{{ID: "p", Principal: circ.NewPatronID("123"), Agent: circ.NewPatronID("456"), Scopes: circ.MayBorrow, From: Start}},
}

func notices(t *testing.T, p *place) {
	ctx := t.Context()
	l := NewLog("maple-house").Add(circ.PatronMet{Ref: circ.Ref{1}, ID: circ.NewPatronID("123")}, out("1", 1))
	_, err := p.Import(ctx, collection)
	p.ok(err)
	if err := p.Tell(ctx, "maple-house", circ.Command{Name: "census"}); !errors.Is(err, store.ErrNoStream) {
		t.Errorf("told without a stream: %v, want ErrNoStream", err)
	}
	// A stream begins with the ledger, in one transaction, and not again.
	p.find(l)
	begun, err := p.Station(ctx, "maple-house")
	if err != nil || begun.Stream == uuid.Nil || begun.Told != 5 {
		t.Errorf("with a new ledger: told %d in %v, %v, want 5", begun.Told, begun.Stream, err)
	}
	p.find(l)
	if s, err := p.Station(ctx, "maple-house"); err != nil || s.Stream != begun.Stream {
		t.Errorf("with a ledger that is known: stream %v, %v, want %v", s.Stream, err, begun.Stream)
	}
	p.take(l.All())
	stream := uuid.New()
	p.ok(p.NewStream(ctx, "maple-house", stream))
	p.ok(p.Tell(ctx, "maple-house", circ.Command{Name: "census"}, circ.MessagePut{ID: "m", Words: map[string]string{"en": "Hello"}}))
	const snapshot = 6 // a policy, two items, a patron, a proxy, a loan
	chain := func(stream uuid.UUID, want uint64) {
		t.Helper()
		p.draw("maple-house")
		raw, err := p.Notices(ctx, "maple-house", stream, 1, 100)
		p.ok(err)
		var c wire.Chain
		for i, one := range raw {
			c = c.Next(one)
			kept, err := p.NoticeChain(ctx, "maple-house", stream, uint64(i+1))
			if err != nil || kept != c {
				t.Errorf("chain at %d: %x, %v, want %x", i+1, kept, err, c)
			}
		}
		s, err := p.Station(ctx, "maple-house")
		if err != nil || s.Told != want || uint64(len(raw)) != want || s.Stream != stream {
			t.Errorf("told %d in %v and kept %d, %v, want %d in %v", s.Told, s.Stream, len(raw), err, want, stream)
		}
	}
	chain(stream, snapshot+2)
	if c, err := p.NoticeChain(ctx, "maple-house", stream, 0); err != nil || c != (wire.Chain{}) {
		t.Errorf("chain at 0: %x, %v, want zero", c, err)
	}
	p.ok(p.NoticesTaken(ctx, "maple-house", stream, snapshot, false))
	p.ok(p.NoticesTaken(ctx, "maple-house", stream, 99, false))
	p.ok(p.NoticesTaken(ctx, "maple-house", uuid.New(), 1, false))
	p.ok(p.NoticesTaken(ctx, "maple-house", stream, 1, false)) // late
	p.restart()
	if s, err := p.Station(ctx, "maple-house"); err != nil || s.Taken != snapshot || s.Pending() != 2 {
		t.Errorf("taken %d, pending %d, %v, want %d and 2", s.Taken, s.Pending(), err, snapshot)
	}
	streams, err := p.Streams(ctx)
	if want := (store.Stream{ID: stream, First: 1, Told: snapshot + 2, Taken: snapshot, Turn: streams["maple-house"].Turn}); err != nil || len(streams) != 1 || streams["maple-house"] != want {
		t.Errorf("streams %v, %v, want maple-house's alone, %v", streams, err, want)
	}
	some, err := p.Notices(ctx, "maple-house", stream, snapshot+1, 1)
	if err != nil || len(some) != 1 {
		t.Errorf("%d notices from %d, %v, want 1", len(some), snapshot+1, err)
	}
	p.ok(p.NoticesTaken(ctx, "maple-house", stream, 1, true))
	if s, err := p.Station(ctx, "maple-house"); err != nil || s.Taken != 1 {
		t.Errorf("taken %d, %v, want 1 of a station that went back", s.Taken, err)
	}
	p.ok(p.NoticesTaken(ctx, "maple-house", stream, snapshot, false))
	// A new stream: the snapshot again, and what was not taken of the rest.
	again := uuid.New()
	p.ok(p.NewStream(ctx, "maple-house", again))
	chain(again, snapshot+2)
	p.ok(p.NoticesTaken(ctx, "maple-house", again, snapshot+2, false))
	third := uuid.New()
	p.ok(p.NewStream(ctx, "maple-house", third))
	chain(third, snapshot+1) // the command was carried out; the message still hangs there
	if old, err := p.Notices(ctx, "maple-house", again, 1, 100); err != nil || len(old) != 0 {
		t.Errorf("%d notices of the stream before, %v, want none", len(old), err)
	}
}

func imports(t *testing.T, p *place) {
	ctx := t.Context()
	p.ok(p.NewStream(ctx, "maple-house", uuid.New()))
	n, err := p.Import(ctx, collection)
	if want := (store.Imported{Items: 2, Patrons: 1, Policies: 1, Proxies: 1}); err != nil || n != want {
		t.Errorf("import: %+v, %v, want %+v", n, err, want)
	}
	p.restart()
	if n, err = p.Import(ctx, collection); err != nil || n != (store.Imported{}) {
		t.Errorf("import of the same: %+v, %v, want no change", n, err)
	}
	p.draw("maple-house")
	changed := store.Collection{Items: slices.Clone(collection.Items), Patrons: slices.Clone(collection.Patrons)}
	changed.Items[1].Title = "Is"
	changed.Patrons[0].Cards = []string{"04AA", "04BB"}
	if n, err = p.Import(ctx, changed); err != nil || n != (store.Imported{Items: 1, Patrons: 1}) {
		t.Errorf("import of a change: %+v, %v, want an item and a patron", n, err)
	}
	for id, want := range map[circ.StationID]uint64{"maple-house": 5 + 2, "birch-house": 0} {
		if s, err := p.Station(ctx, id); err != nil || s.Told != want {
			t.Errorf("%s was told %d, %v, want %d", id, s.Told, err, want)
		}
	}
}

func views(t *testing.T, p *place) {
	ctx := t.Context()
	_, err := p.Import(ctx, collection)
	p.ok(err)
	l := NewLog("maple-house").Add(out("1", 1), circ.CheckedIn{Item: "2"}, circ.LentToHouse{Item: "9"}, circ.HelpAsked{Screen: "idle"})
	p.find(l)
	p.take(l.All())
	for find, want := range map[string]int{"": 2, "sinuhe": 1, "waltari": 1, "%": 1, "_": 1, "!": 0, "2": 1, "åäö": 1, "ÅÄ": 1, "absent": 0} {
		if got, err := p.Stock(ctx, store.StockQuery{Find: find, Limit: 10}); err != nil || len(got) != want {
			t.Errorf("find %q: %d items, %v, want %d", find, len(got), err, want)
		}
	}
	items, err := p.Stock(ctx, store.StockQuery{Skip: 1, Limit: 1})
	if err != nil || len(items) != 1 || items[0].Title != "Sinuhe egyptiläinen" || items[0].Place != "loan" || items[0].Station != "maple-house" || items[0].Year != 1945 {
		t.Errorf("the second item: %+v, %v", items, err)
	}
	if items, err = p.Stock(ctx, store.StockQuery{Find: "2", Limit: 1}); err != nil || items[0].Place != "box" || !items[0].Marks.Has(circ.LargePrint) {
		t.Errorf("item 2: %+v, %v", items, err)
	}
	loans, err := p.Loans(ctx, "maple-house")
	if err != nil || len(loans) != 2 || loans[0].Title != "Sinuhe egyptiläinen" || !loans[1].House || !loans[1].Due.IsZero() {
		t.Errorf("loans %+v, %v", loans, err)
	}
	if loans, err = p.Loans(ctx, "birch-house"); err != nil || len(loans) != 0 {
		t.Errorf("loans at birch-house %+v, %v, want none", loans, err)
	}
	var seen []uint64
	for at := (store.Position{}); ; {
		page, err := p.Events(ctx, "maple-house", at, 3)
		p.ok(err)
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			seen = append(seen, e.Seq)
		}
		at = page[len(page)-1].Position
	}
	if !slices.Equal(seen, []uint64{4, 3, 2, 1}) {
		t.Errorf("events by pages: %v, want 4 3 2 1", seen)
	}
	if _, err := p.Events(ctx, "nowhere", store.Position{}, 3); !errors.Is(err, store.ErrNoStation) {
		t.Errorf("events of an unknown station: %v, want ErrNoStation", err)
	}
}
