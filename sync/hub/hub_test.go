package hub_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub"
	"coldstation/sync/hub/store"
	"coldstation/sync/identity"
	"coldstation/sync/link"
	"coldstation/sync/wire"
)

var collection = store.Collection{
	Items:    []circ.Item{{ID: "1", Title: "Sommarboken"}, {ID: "2", Title: "Is"}},
	Patrons:  []circ.Patron{{ID: circ.NewPatronID("999A1"), FirstName: "Helmi", Policy: "adult"}},
	Policies: []circ.Policy{{ID: "adult", LoanDays: 28}},
	Proxies:  []circ.Proxy{{ID: "p1", Principal: circ.NewPatronID("999A1"), Agent: circ.NewPatronID("999A2"), Scopes: circ.MayBorrow}},
}

// library is a hub that can be stopped and started again on its store.
type library struct {
	t      *testing.T
	keys   identity.Library
	path   string
	dial   dialer
	store  store.Store
	hub    *hub.Hub
	cancel func()
	done   chan error
	said   bytes.Buffer
	log    *slog.Logger // of the hub and of all stations

	writes   atomic.Int64 // of the store, that the hub asked for
	mu       sync.Mutex
	expelled []circ.StationID
}

func newLibrary(t *testing.T, dial dialer) *library {
	keys, err := identity.NewLibrary()
	if err != nil {
		t.Fatal(err)
	}
	l := &library{t: t, keys: keys, path: filepath.Join(t.TempDir(), "hub.db"), dial: dial}
	l.log = slog.New(slog.NewTextHandler(&l.said, nil))
	l.start()
	if _, err := l.hub.Import(t.Context(), collection); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *library) start() {
	l.t.Helper()
	var err error
	if l.store, err = store.OpenSQLite(l.path); err != nil {
		l.t.Fatal(err)
	}
	l.hub, err = hub.Open(hub.Settings{
		Store: counted{l.store, &l.writes}, Library: l.keys, Version: "test", Dial: l.dial, Log: l.log, Expel: func(id circ.StationID) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.expelled = append(l.expelled, id)
		},
	})
	if err != nil {
		l.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel, l.done = cancel, make(chan error, 1)
	go func() { l.done <- l.hub.Run(ctx) }()
}

func (l *library) stop() {
	l.t.Helper()
	l.cancel()
	if err := <-l.done; err != nil {
		l.t.Error(err)
	}
	if err := l.store.Close(); err != nil {
		l.t.Error(err)
	}
}

// enrol makes a station as "hub station add" does.
func (l *library) enrol(id circ.StationID) *house {
	l.t.Helper()
	file, kept, err := l.keys.Enrol(id, "mqtt://localhost")
	if err != nil {
		l.t.Fatal(err)
	}
	if err := l.store.Enrol(l.t.Context(), kept, time.Now()); err != nil {
		l.t.Fatal(err)
	}
	return newHouse(l.t, file, l.dial, l.log)
}

func (l *library) view(id circ.StationID) store.Station {
	l.t.Helper()
	s, err := l.store.Station(l.t.Context(), id)
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

// loans are what the hub knows: "1@maple-house 2@birch-house".
func (l *library) loans() string {
	all, err := l.store.Loans(l.t.Context(), "")
	if err != nil {
		l.t.Fatal(err)
	}
	var words []string
	for _, loan := range all {
		words = append(words, fmt.Sprintf("%s@%s", loan.Item, loan.Station))
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

func (l *library) lent(want string) func() error {
	return func() error {
		if got := l.loans(); got != want {
			return fmt.Errorf("on loan: %q, want %q", got, want)
		}
		return nil
	}
}

func (l *library) shows(id circ.StationID, what string, ok func(store.Station) bool) func() error {
	return func() error {
		if s := l.view(id); !ok(s) {
			return fmt.Errorf("%s is not %s: %+v", id, what, s)
		}
		return nil
	}
}

func has(name string) func(store.Station) bool {
	return func(s store.Station) bool {
		return slices.ContainsFunc(s.Conditions, func(c store.Condition) bool { return c.Name == name })
	}
}

func online(s store.Station) bool  { return s.Online && s.Pending() == 0 }
func offline(s store.Station) bool { return !s.Online }

var snapshot = []string{"policy adult", "item Sommarboken", "item Is", "patron Helmi", "proxy p1"}

func knows(s *house, want ...string) func() error {
	return func() error {
		if got := s.told(); !slices.Equal(got, want) {
			return fmt.Errorf("%s was told %q, want %q", s.id.Station, got, want)
		}
		return nil
	}
}

// story is the main job on any broker: two stations lend, one is away for a
// while, the hub is away for a while, and nothing is lost or counted twice; blobs
// reach the one that keeps them.
func story(t *testing.T, dial dialer, cut, mend func()) {
	l := newLibrary(t, dial)
	maple, birch := l.enrol("maple-house"), l.enrol("birch-house")
	maple.keepBlobs()
	sleep := maple.start()
	defer birch.start()()
	maple.lend("1", "999A1")
	until(t, l.lent("1@maple-house"))
	until(t, l.shows("maple-house", "there", online))
	until(t, knows(maple, snapshot...))
	until(t, knows(birch, snapshot...))

	cut()
	maple.lend("2", "999A1")
	maple.do(circ.CheckedIn{Item: "1", Belongs: true})
	birch.lend("3", "999A7")
	mend()
	until(t, l.lent("2@maple-house 3@birch-house"))

	l.stop()
	birch.do(circ.CheckedIn{Item: "2"}) // lent at the other house
	l.start()
	until(t, l.lent("3@birch-house"))
	picture := noise(5 * wire.MaxPiece)
	cover, err := l.store.PutBlob(t.Context(), picture, time.Now())
	maple.ok(err)
	_, err = l.hub.Import(t.Context(), store.Collection{Items: []circ.Item{{ID: "1", Title: "Trollvinter", Cover: cover}}})
	maple.ok(err)
	for _, s := range []*house{maple, birch} {
		until(t, knows(s, "policy adult", "item Trollvinter", "item Is", "patron Helmi", "proxy p1"))
		until(t, s.delivered)
	}
	until(t, maple.holds(cover, picture))
	until(t, maple.cardsAt("+-", "999A1", "999A2")) // built when the hub came back
	sleep()
	until(t, l.shows("maple-house", "asleep", offline))
	l.stop()
	for word, secret := range map[string]string{"a card number": "999A1", "a name": "Helmi"} {
		if strings.Contains(l.said.String(), secret) {
			t.Errorf("the log names %s:\n%s", word, l.said.String())
		}
	}
}

func memory(b *link.Memory) dialer {
	return func(o link.Options) (link.Link, error) { return b.Open(o), nil }
}

func TestStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := link.NewMemory(1)
		story(t, memory(b), b.Cut, b.Mend)
	})
}

// TestBadPipe: the pipe loses, doubles and reorders for a long day.
func TestBadPipe(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := link.NewMemory(seed)
				l := newLibrary(t, memory(b))
				defer l.stop()
				maple := l.enrol("maple-house")
				defer maple.start()()
				b.Fail(link.Faults{Lose: 0.2, Double: 0.2, Reorder: 0.2})
				for i := range 100 {
					maple.lend(circ.ItemID(fmt.Sprint("item-", i)), "999A1")
					if i%2 == 0 {
						maple.do(circ.CheckedIn{Item: circ.ItemID(fmt.Sprint("item-", i)), Belongs: true})
					}
					time.Sleep(time.Duration(i%7) * time.Second)
				}
				b.Fail(link.Faults{})
				until(t, maple.delivered)
				s := l.view("maple-house")
				if s.Cursor != 151 || s.Loans != 50 || len(s.Conditions) != 0 {
					t.Errorf("took in %d events, %d loans, conditions %v, want 151, 50, none", s.Cursor, s.Loans, s.Conditions)
				}
				until(t, knows(maple, snapshot...))
			})
		})
	}
}

// TestNewer: what a later version wrote waits at the station, and what came
// before it does not.
func TestNewer(t *testing.T) {
	for name, tt := range map[string]struct {
		raw       []byte
		condition string
	}{
		"a newer event":   {[]byte{0x84, 0x02, 0x01, 0x80, 0xA0}, store.ConditionNewer}, // [2, 1, [], {}]
		"no event at all": {[]byte("hello"), store.ConditionUnreadable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLibrary(t, memory(link.NewMemory(1)))
				maple := l.enrol("maple-house")
				maple.later = &later{maple.Ledger, 2, tt.raw}
				maple.do(circ.LentToHouse{Item: "1"}, circ.ReadHere{Item: "9"}, circ.LentToHouse{Item: "2"})
				stop := maple.start()
				until(t, l.shows("maple-house", "held", has(tt.condition)))
				time.Sleep(10 * time.Minute)
				if s := l.view("maple-house"); s.Cursor != 1 || s.Queue() != 2 || l.loans() != "1@maple-house" {
					t.Errorf("took in %d, queue %d, loans %s, want 1, 2, item 1", s.Cursor, s.Queue(), l.loans())
				}
				// A new version of the hub reads it: here, the event becomes one.
				stop()
				l.stop()
				maple.later = nil
				l.start()
				defer l.stop()
				defer maple.start()()
				until(t, l.lent("1@maple-house 2@maple-house"))
				until(t, l.shows("maple-house", "well again", func(s store.Station) bool { return len(s.Conditions) == 0 }))
			})
		})
	}
}

// TestDisks: a new disk is a new history and gets a new snapshot with the loans
// of the old one; an old image of a disk is quarantined.
func TestDisks(t *testing.T) {
	overPipes(t, func(t *testing.T, dial dialer, settle time.Duration) {
		l := newLibrary(t, dial)
		defer l.stop()
		maple := l.enrol("maple-house")
		stop := maple.start()
		maple.lend("1", "999A1")
		until(t, maple.delivered)
		stop()
		maple.wipe()
		stop = maple.start()
		until(t, knows(maple, append(slices.Clone(snapshot), "loan 1")...))
		until(t, l.shows("maple-house", "refilled", has(store.ConditionRefilled)))
		until(t, maple.delivered)
		stop()
		yesterday := maple.copy()
		stop = maple.start()
		maple.do(circ.CheckedIn{Item: "1", Belongs: true}, circ.LentToHouse{Item: "2"})
		until(t, l.lent("2@maple-house"))
		until(t, maple.delivered)
		stop()

		maple.swap(yesterday) // it is put back, and lived on
		maple.do(circ.LentToHouse{Item: "7"}, circ.LentToHouse{Item: "8"}, circ.LentToHouse{Item: "9"})
		stop = maple.start()
		defer stop()
		until(t, l.shows("maple-house", "quarantined", has(store.ConditionQuarantined)))
		time.Sleep(settle)
		if err := l.lent("2@maple-house")(); err != nil {
			t.Error(err)
		}
	})
}

// TestBackup: a library put back to yesterday's backup asks every station again
// for what it lost.
func TestBackup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary(t, memory(link.NewMemory(1)))
		maple := l.enrol("maple-house")
		defer maple.start()()
		maple.lend("1", "999A1")
		until(t, maple.delivered)
		l.stop()
		backup, err := os.ReadFile(l.path)
		if err != nil {
			t.Fatal(err)
		}
		l.start()
		maple.lend("2", "999A1")
		until(t, l.lent("1@maple-house 2@maple-house"))
		until(t, maple.delivered)
		l.stop()
		if err := os.WriteFile(l.path, backup, 0o600); err != nil {
			t.Fatal(err)
		}
		l.start()
		defer l.stop()
		if err := l.lent("1@maple-house")(); err != nil {
			t.Fatal(err)
		}
		until(t, l.lent("1@maple-house 2@maple-house"))
		until(t, maple.delivered)
		until(t, l.shows("maple-house", "well", func(s store.Station) bool { return len(s.Conditions) == 0 }))
	})
}

// TestStrangers: who is not enrolled, or signs with another key, or speaks on
// another station's topic, changes nothing.
func TestStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := link.NewMemory(1)
		l := newLibrary(t, memory(b))
		defer l.stop()
		maple := l.enrol("maple-house")
		foe := b.Open(link.Options{ClientID: "foe"})
		defer foe.Close()
		forged, kept, err := l.keys.Enrol("maple-house", "")
		if err != nil {
			t.Fatal(err)
		}
		other := newHouse(t, forged, l.dial, l.log)
		hello := wire.Hello{Stream: maple.ID(), First: 1, Last: 9}
		for _, m := range []struct {
			topic   string
			payload []byte
		}{
			{wire.Topic("maple-house", wire.Up), other.seal(hello)},
			{wire.Topic("maple-house", wire.Up), []byte("hello")},
			{wire.Topic("maple-house", wire.Up), nil},
			{wire.Topic("maple-house", wire.Up), maple.seal(wire.State{Presence: wire.Online})},
			{wire.Topic("maple-house", wire.Birth), maple.seal(hello)},
			{wire.Topic("nobody", wire.Up), maple.seal(hello)},
			{"cs/v1/99/maple-house/up", maple.seal(hello)},
		} {
			if err := foe.Publish(m.topic, m.payload, false); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if s := l.view("maple-house"); s.Online || !s.Heard.IsZero() || s.Reported != 0 || !has(store.ConditionNewer)(s) && len(s.Conditions) > 0 {
			t.Errorf("the station is %+v, want untouched", s)
		}
		// The same key becomes the station's own when a librarian says so.
		if err := l.store.Rekey(t.Context(), kept, time.Now()); err != nil {
			t.Fatal(err)
		}
		defer other.start()()
		until(t, l.shows("maple-house", "there", online))
	})
}

// TestWill: the will of an old session kills no new one.
func TestWill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := link.NewMemory(1)
		l := newLibrary(t, memory(b))
		defer l.stop()
		maple := l.enrol("maple-house")
		defer maple.start()()
		until(t, l.shows("maple-house", "there", online))
		foe := b.Open(link.Options{ClientID: "broker"})
		defer foe.Close()
		will := maple.seal(wire.State{Presence: wire.Offline, Boot: maple.boot, Session: 1})
		if err := foe.Publish(wire.Topic("maple-house", wire.Birth), will, true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if err := l.shows("maple-house", "there", online)(); err != nil {
			t.Error(err)
		}
		b.Cut()
		b.Mend()
		until(t, l.shows("maple-house", "there", online))
	})
}

// TestWatch: a watcher hears of a change, and of many changes not many times.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary(t, memory(link.NewMemory(1)))
		defer l.stop()
		maple := l.enrol("maple-house")
		defer maple.start()()
		until(t, l.shows("maple-house", "there", online))
		ctx, cancel := context.WithCancel(t.Context())
		changes := l.hub.Watch(ctx)
		for range 50 {
			maple.lend("1", "999A1")
		}
		until(t, maple.delivered)
		time.Sleep(time.Minute)
		heard := 0
		for more := true; more; {
			select {
			case id := <-changes:
				if id != "maple-house" {
					t.Errorf("changed: %s", id)
				}
				heard++
				synctest.Wait()
			default:
				more = false
			}
		}
		if heard < 1 || heard > 2 {
			t.Errorf("heard %d times of 50 loans while not listening, want once or twice", heard)
		}
		cancel()
		for range changes {
		}
	})
}

// TestMosquitto is the story on a real broker.
func TestMosquitto(t *testing.T) {
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		program = "/usr/sbin/mosquitto"
	}
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("REAL") != "" {
			t.Fatal(err)
		}
		t.Skip("no mosquitto here; REAL=1 makes that a failure")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	settings := filepath.Join(t.TempDir(), "mosquitto.conf")
	if err := os.WriteFile(settings, fmt.Appendf(nil, "listener %d 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\npersistence false\n", port), 0o600); err != nil {
		t.Fatal(err)
	}
	var broker *exec.Cmd
	begin := func() {
		broker = exec.Command(program, "-c", settings)
		if err := broker.Start(); err != nil {
			t.Fatal(err)
		}
	}
	end := func() {
		_ = broker.Process.Kill()
		_ = broker.Wait()
	}
	begin()
	defer func() { end() }()
	dial := func(o link.Options) (link.Link, error) {
		o.Broker, o.LastRetry = fmt.Sprintf("mqtt://127.0.0.1:%d", port), time.Second
		return link.Open(o)
	}
	story(t, dial, end, begin)
}
