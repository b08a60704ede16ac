package learn_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/hub/koha"
	"coldstation/sync/hub/koha/kohatest"
	"coldstation/sync/hub/learn"
	"coldstation/sync/hub/store"
	"coldstation/sync/hub/store/storetest"
	"coldstation/sync/identity"
	"coldstation/sync/wire"
)

const station = circ.StationID("koivikko")

// place is a Koha, a hub's store and one station that listens.
type place struct {
	*testing.T
	koha   *kohatest.System
	store  store.Store
	stream uuid.UUID
	set    learn.Settings
}

func open(t *testing.T, release kohatest.Release, items int) *place {
	t.Helper()
	p := &place{T: t, koha: kohatest.New(release), stream: uuid.New()}
	p.koha.Fill(items)
	s, err := store.OpenSQLite(filepath.Join(t.TempDir(), "hub.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	p.store = s
	if err := s.Enrol(t.Context(), identity.Enrolled{Station: station, Signing: make([]byte, 32), Password: make([]byte, 32)}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.NewStream(t.Context(), station, p.stream); err != nil {
		t.Fatal(err)
	}
	stations := map[string]circ.StationID{"STN": station}
	api, err := koha.New(koha.Settings{URL: p.koha.Serve(t), ID: kohatest.ID, Secret: kohatest.Secret, Zone: p.koha.Zone, PerPage: 10, Rate: 1e6, Burst: 1000, Attempts: 1, Stations: stations})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(api.Close)
	p.set = learn.Settings{Name: "koha", API: api, Store: s, Libraries: []string{"STN"}, Stations: stations, Rules: "STN", Batch: 7}
	return p
}

func (p *place) pass(whole bool) learn.Told {
	p.Helper()
	set := p.set
	set.Whole = time.Hour
	if whole {
		set.Whole = time.Nanosecond
	}
	l, err := learn.New(set)
	if err != nil {
		p.Fatal(err)
	}
	told, err := l.Pass(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	return told
}

// knows is what the station knows by its notices.
type knows struct {
	patrons  map[string]circ.Patron
	items    map[circ.ItemID]circ.Item
	policies map[string]circ.Policy
	loans    map[circ.ItemID]circ.LoanPut
	proxies  map[string]circ.Proxy
	recalls  map[string]circ.RecallPut
}

func (p *place) told() knows {
	p.Helper()
	k := knows{make(map[string]circ.Patron), make(map[circ.ItemID]circ.Item), make(map[string]circ.Policy), make(map[circ.ItemID]circ.LoanPut), make(map[string]circ.Proxy), make(map[string]circ.RecallPut)}
	_, err := p.store.Draw(p.Context(), station, store.Stream{ID: p.stream}, 1<<20, time.Now())
	if err != nil {
		p.Fatal(err)
	}
	all, err := p.store.Notices(p.Context(), station, p.stream, 1, 1<<20)
	if err != nil {
		p.Fatal(err)
	}
	for _, raw := range all {
		n, err := wire.ParseNotice(raw)
		if err != nil {
			p.Fatal(err)
		}
		switch b := n.Body.(type) {
		case circ.PatronPut:
			k.patrons[b.Patron.ID.Plaintext()] = b.Patron
		case circ.PatronGone:
			delete(k.patrons, b.ID.Plaintext())
		case circ.ItemPut:
			k.items[b.Item.ID] = b.Item
		case circ.ItemGone:
			delete(k.items, b.ID)
		case circ.PolicyPut:
			k.policies[b.Policy.ID] = b.Policy
		case circ.LoanPut:
			k.loans[b.Item] = b
		case circ.LoanGone:
			delete(k.loans, b.Item)
		case circ.ProxyPut:
			k.proxies[b.Proxy.ID] = b.Proxy
		case circ.RecallPut:
			if k.recalls[b.ID] = b; len(b.Items) == 0 {
				delete(k.recalls, b.ID)
			}
		case circ.ProxyCancelled:
			delete(k.proxies, b.ID)
		}
	}
	return k
}

func (k knows) cards() string { return strings.Join(slices.Sorted(maps.Keys(k.patrons)), " ") }

// changed is when a row changes now.
func changed() string { return time.Now().Format(time.RFC3339) }

func TestWhole(t *testing.T) {
	p := open(t, kohatest.Newer, 25)
	p.koha.Put(kohatest.Checkouts, kohatest.Loan(900, 5, 3, "KIRJ"), kohatest.Loan(901, 51, 4, "KIRJ"))
	told := p.pass(true)
	if told.Patrons != 2 || told.Items != 25 || told.Policies != 3 || told.Loans != 1 || told.Odd != 0 {
		t.Errorf("told %+v", told)
	}
	k := p.told()
	if got := k.cards(); got != "2960001 2960015" {
		t.Errorf("cards %s, want those of STN", got)
	}
	if got := k.patrons["2960001"]; got.FirstName != "Aino" || got.Policy != "ERI" || got.Blocked || got.Staff || got.Language != "sv" {
		t.Errorf("got %+v of Aino", got)
	}
	if got, want := k.policies["ERI"], (circ.Policy{ID: "ERI", LoanDays: 28, Renewals: 2}); got != want {
		t.Errorf("policy %+v, want %+v", got, want)
	}
	want := circ.Item{ID: "30100001", Title: "Kirja 1", Author: "Väinö Linna", Year: 2009, Parts: 1, Home: station}
	if got := k.items["30100001"]; got != want {
		t.Errorf("item %+v, want %+v", got, want)
	}
	if loan := k.loans["30100003"]; len(k.loans) != 1 || loan.Patron.Plaintext() != "2960001" || loan.Due.Day() != 30 {
		t.Errorf("loans %v, want one of Aino's", k.loans)
	}
	if again := p.pass(true); again.Patrons+again.Items+again.Policies+again.Loans+again.Removed != 0 {
		t.Errorf("a second whole pass told %+v", again)
	}
}

// TestChanges: what people do at the library, as a station hears of it.
func TestChanges(t *testing.T) {
	p := open(t, kohatest.Newer, 12)
	p.koha.Put(kohatest.Patrons, kohatest.Person(16, "2960016", "Oja", "Pentti", "PT", "STN"), kohatest.Person(17, "2960017", "Oja", "Pentti", "PT", "STN"))
	p.pass(true)
	// What the library itself noted, and a file that says more of a policy.
	_, err := p.store.Import(t.Context(), store.Collection{
		Patrons: []circ.Patron{{ID: circ.NewPatronID("2960001"), FirstName: "Aino", Policy: "ERI", Language: "sv", Picture: "boat", Cards: []string{"04A1"}, Secret: "hash", Home: station},
			{ID: circ.NewPatronID("own"), FirstName: "Own", Policy: "PT", Home: station}},
		Policies: []circ.Policy{{ID: "ERI", LoanDays: 28, Renewals: 2, FeeFree: true, OverdueOK: true}},
		Proxies:  []circ.Proxy{{ID: "p1", Principal: circ.NewPatronID("2960001"), Agent: circ.NewPatronID("2960015"), Scopes: circ.MayBorrow}},
	})
	if err != nil {
		t.Fatal(err)
	}
	aino := kohatest.Person(5, "2960001", "Virtanen", "Aino", "ERI", "STN").With("lang", "sv-SE")
	for _, step := range []struct {
		name  string
		do    func()
		whole bool
		want  func(knows) bool
	}{
		{"restricted, so blocked", func() { p.koha.Put(kohatest.Patrons, aino.With("restricted", true, "updated_on", changed())) }, false, func(k knows) bool {
			a := k.patrons["2960001"]
			return a.Blocked && a.Picture == "boat" && a.Secret == "hash" && slices.Equal(a.Cards, []string{"04A1"})
		}},
		{"another card", func() { p.koha.Put(kohatest.Patrons, aino.With("cardnumber", "2960099", "updated_on", changed())) }, false, func(k knows) bool {
			a := k.patrons["2960099"]
			return k.cards() == "2960015 2960016 2960017 2960099 own" && !a.Blocked && a.Picture == "boat" && a.Secret == "" && k.proxies["p1"].Principal.Plaintext() == "2960099"
		}},
		{"two swap cards", func() {
			p.koha.Put(kohatest.Patrons, aino.With("cardnumber", "2960015", "updated_on", changed()),
				kohatest.Person(15, "2960099", "Äijälä", "Matti", "PT", "STN").With("updated_on", changed()))
		}, false, func(k knows) bool {
			return k.patrons["2960015"].FirstName == "Aino" && k.patrons["2960099"].FirstName == "Matti" && k.patrons["2960015"].Picture == "boat" &&
				k.proxies["p1"].Principal.Plaintext() == "2960015" && k.proxies["p1"].Agent.Plaintext() == "2960099"
		}},
		{"two merged", func() { p.koha.Delete(kohatest.Patrons, 17) }, true, func(k knows) bool { return k.cards() == "2960015 2960016 2960099 own" }},
		{"moved to a library that is not ours", func() {
			p.koha.Put(kohatest.Patrons, kohatest.Person(16, "2960016", "Oja", "Pentti", "PT", "KIRJ").With("updated_on", changed()))
		}, true, func(k knows) bool { return k.cards() == "2960015 2960099 own" }},
		{"removed", func() { p.koha.Delete(kohatest.Patrons, 15) }, true, func(k knows) bool { return k.cards() == "2960015 own" && len(k.proxies) == 0 }},
		{"a new title", func() {
			p.koha.Put(kohatest.Items, kohatest.Thing(40, 101, "30100040", "STN", "STN").With("timestamp", changed()))
		}, false, func(k knows) bool { return k.items["30100040"].Title == "Kirja 1" }},
		{"an item under another barcode", func() {
			p.koha.Put(kohatest.Items, kohatest.Thing(40, 101, "30100041", "STN", "STN").With("timestamp", changed()))
		}, false, func(k knows) bool { return k.items["30100041"].Title == "Kirja 1" && k.items["30100040"].ID == "" }},
		{"an item withdrawn from the catalogue", func() { p.koha.Delete(kohatest.Items, 40) }, true, func(k knows) bool { return len(k.items) == 12 }},
		{"a loan of another library's item", func() {
			p.koha.Put(kohatest.Items, kohatest.Thing(70, 102, "30100070", "KIRJ", "KIRJ"))
			p.koha.Put(kohatest.Checkouts, kohatest.Loan(950, 5, 70, "KIRJ").With("timestamp", changed()))
		}, false, func(k knows) bool {
			return k.loans["30100070"].Patron.Plaintext() == "2960015" && k.items["30100070"].Title == "Kirja 2"
		}},
		{"it stays while it is on loan", func() {}, true, func(k knows) bool { return len(k.loans) == 1 && len(k.items) == 13 }},
		{"renewed", func() {
			p.koha.Put(kohatest.Checkouts, kohatest.Loan(950, 5, 70, "KIRJ").With("timestamp", changed(), "due_date", "2026-12-20T23:59:00+02:00"))
		}, false, func(k knows) bool { return k.loans["30100070"].Due.Month() == time.December }},
		{"returned", func() {
			p.koha.Delete(kohatest.Checkouts, 950)
			p.koha.Put(kohatest.Returned, kohatest.Loan(950, 5, 70, "KIRJ").With("timestamp", changed(), "checkin_date", changed()))
		}, false, func(k knows) bool { return len(k.loans) == 0 }},
		{"and its item goes with the next whole pass", func() {}, true, func(k knows) bool { return len(k.items) == 12 }},
		{"what the library said of the policy stays", func() {}, true, func(k knows) bool { return k.policies["ERI"].FeeFree && k.policies["ERI"].OverdueOK }},
	} {
		step.do()
		p.pass(step.whole)
		if k := p.told(); !step.want(k) {
			t.Fatalf("%s: the station knows %+v", step.name, k)
		}
	}
}

// TestTooManyGone: a permission taken away looks like a library without people.
// TestHolds: what somebody waits for elsewhere is recalled from the station that it
// belongs to, until nobody waits; what comes to the station is told to it; what a
// librarian asks for stays theirs.
func TestHolds(t *testing.T) {
	p := open(t, kohatest.Newer, 6)
	p.koha.Put(kohatest.Items, kohatest.Thing(51, 101, "30200051", "KIRJ", "KIRJ"))
	p.set.Holds = time.Nanosecond
	p.pass(true)
	hold := func(number, biblio int64, item any, at, status string) {
		row := kohatest.Row{"hold_id": number, "patron_id": 3, "biblio_id": biblio, "item_id": item, "pickup_library_id": at, "priority": 1, "suspended": false}
		if status != "" {
			row["status"] = status
		}
		p.koha.Put(kohatest.Holds, row)
	}
	want := func(about string, lists map[string]string, coming bool) {
		t.Helper()
		told := p.pass(false)
		got := make(map[string]string)
		k := p.told()
		for id, r := range k.recalls {
			got[id] = fmt.Sprint(r.Items)
		}
		if fmt.Sprint(got) != fmt.Sprint(lists) {
			t.Errorf("%s: the station is to take out %v, want %v", about, got, lists)
		}
		if _, known := k.items["30200051"]; known != coming {
			t.Errorf("%s: the station knows what comes to it: %v, want %v", about, known, coming)
		}
		if again := p.pass(false); again.Holds != 0 {
			t.Errorf("%s: told %d, and once more %d", about, told.Holds, again.Holds)
		}
	}
	if err := p.store.Recall(t.Context(), store.Recall{Item: circ.Item{ID: "30100003"}, At: time.Now(), By: "anna"}); err != nil {
		t.Fatal(err)
	}
	hold(1, 101, nil, "KIRJ", "")
	hold(2, 102, int64(2), "KIRJ", "T")
	hold(3, 103, int64(3), "KIRJ", "")
	hold(4, 101, int64(51), "STN", "T")
	hold(5, 104, int64(4), "KIRJ", "W")
	want("placed", map[string]string{"hold KIRJ": "[30100001 30100002]", "library": "[30100003]"}, true)
	hold(2, 102, int64(2), "KIRJ", "W")
	want("one has arrived", map[string]string{"hold KIRJ": "[30100001]", "library": "[30100003]"}, true)
	p.koha.Delete(kohatest.Holds, 1)
	want("nobody waits", map[string]string{"library": "[30100003]"}, true)
}

// TestNewStream: a station whose disk is new hears of loans made elsewhere in the next
// pass, however little changed.
func TestNewStream(t *testing.T) {
	p := open(t, kohatest.Newer, 5)
	p.koha.Put(kohatest.Checkouts, kohatest.Loan(900, 5, 3, "KIRJ"))
	p.pass(true)
	if got := p.told().loans; len(got) != 1 {
		t.Fatalf("loans %v, want one", got)
	}
	if told := p.pass(false); told.Loans != 0 {
		t.Errorf("with nothing new, told %+v", told)
	}
	p.stream = uuid.New()
	if err := p.store.NewStream(t.Context(), station, p.stream); err != nil {
		t.Fatal(err)
	}
	for want := range 2 {
		if told := p.pass(false); told.Whole || told.Loans != 1-want {
			t.Errorf("told %+v, want %d loans", told, 1-want)
		}
	}
	if got := p.told().loans; len(got) != 1 {
		t.Errorf("the new disk was told of the loans %v, want one", got)
	}
}

func TestTooManyGone(t *testing.T) {
	p := open(t, kohatest.Newer, 20)
	p.pass(true)
	for n := range 10 {
		p.koha.Delete(kohatest.Items, n+1)
	}
	if told := p.pass(true); told.Kept != 10 || told.Removed != 0 || len(p.told().items) != 20 {
		t.Errorf("told %+v, the station has %d items, want all kept", told, len(p.told().items))
	}
	p.set.MostGone = 60
	if told := p.pass(true); told.Removed != 10 || len(p.told().items) != 10 {
		t.Errorf("told %+v, the station has %d items, want ten removed", told, len(p.told().items))
	}
}

// TestFaults: whatever the network and Koha do, the station ends up knowing the same,
// and what was learned is not asked for again.
func TestFaults(t *testing.T) {
	still := open(t, kohatest.Newer, 30)
	still.koha.Put(kohatest.Checkouts, kohatest.Loan(900, 5, 3, "KIRJ"))
	still.pass(true)
	want := still.told()
	whole := len(still.koha.Requests())
	for _, kind := range []kohatest.Kind{kohatest.Expired, kohatest.TooMany, kohatest.Broken, kohatest.Down, kohatest.Cut, kohatest.Lost, kohatest.Half} {
		for at := 0; at < whole; at += 9 {
			t.Run(fmt.Sprintf("%d at %d", kind, at), func(t *testing.T) {
				t.Parallel()
				p := open(t, kohatest.Newer, 30)
				p.koha.Put(kohatest.Checkouts, kohatest.Loan(900, 5, 3, "KIRJ"))
				p.koha.Fail(kohatest.Fault{Kind: kind, On: "GET", Pass: at})
				l, err := learn.New(p.set)
				if err != nil {
					t.Fatal(err)
				}
				tries := 0
				for _, err = l.Pass(t.Context()); err != nil; _, err = l.Pass(t.Context()) {
					if tries++; tries > 3 {
						t.Fatal(err)
					}
				}
				if got := p.told(); !reflect.DeepEqual(got, want) {
					t.Errorf("got %+v\nwant %+v", got, want)
				}
				if asked := len(p.koha.Requests()); asked > whole+14 {
					t.Errorf("%d requests, %d without faults: it began anew", asked, whole)
				}
			})
		}
	}
}

// TestInterrupted: a hub that stops anywhere in a pass goes on there.
func TestInterrupted(t *testing.T) {
	still := open(t, kohatest.Newer, 30)
	still.pass(true)
	want, whole := still.told(), len(still.koha.Requests())
	for at := 0; at < whole; at += 2 {
		p := open(t, kohatest.Newer, 30)
		ctx, stop := context.WithCancel(t.Context())
		p.koha.Fail(kohatest.Fault{On: "GET", Pass: at, Before: stop})
		l, err := learn.New(p.set)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Pass(ctx); err == nil && at < whole-1 {
			t.Errorf("stopped at %d: no error", at)
		}
		p.pass(false)
		if got := p.told(); !reflect.DeepEqual(got, want) {
			t.Errorf("stopped at %d: got %+v\nwant %+v", at, got, want)
		}
		if asked := len(p.koha.Requests()); asked > whole+16 {
			t.Errorf("stopped at %d: %d requests, %d without: it began anew", at, asked, whole)
		}
	}
}

// TestOlder: Koha 19.06 tells people and loans, and no items.
func TestOlder(t *testing.T) {
	p := open(t, kohatest.Older, 3)
	p.pass(true)
	p.koha.Put(kohatest.Patrons, kohatest.Person(5, "2960001", "Virtanen", "Aino", "ERI", "STN").With("restricted", true, "updated_on", changed()))
	p.pass(false)
	if k := p.told(); k.cards() != "2960001 2960015" || !k.patrons["2960001"].Blocked || len(k.items) != 0 {
		t.Errorf("the station knows %+v", k)
	}
}

// TestSettings: other libraries or stations than before are learned whole, and one
// that Koha does not have is named.
func TestSettings(t *testing.T) {
	p := open(t, kohatest.Newer, 3)
	p.pass(true)
	p.set.Libraries = []string{"STN", "KIRJ"}
	if told := p.pass(false); !told.Whole || told.Patrons != 1 {
		t.Errorf("a further library: told %+v, want a whole pass and its one patron", told)
	}
	p.set.Libraries = []string{"STM"}
	l, err := learn.New(p.set)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Pass(t.Context()); err == nil || !strings.Contains(err.Error(), `no library "STM"; it has KIRJ, STN`) {
		t.Errorf("a library that is not there: %v", err)
	}
	p.set.Libraries = nil
	if _, err := learn.New(p.set); err == nil {
		t.Error("no library: taken")
	}
}

// TestReturnedElsewhere: what was lent at the station and brought to the desk is no
// longer on loan at the station; what is on its way to Koha, or out again, is.
func TestReturnedElsewhere(t *testing.T) {
	for _, tt := range []struct {
		name   string
		posted bool
		out    any // since when it is out at Koha
		want   int
	}{
		{"returned at the desk", true, nil, 0},
		{"not posted yet", false, nil, 1},
		{"out again", true, "2026-11-24", 1},
	} {
		p := open(t, kohatest.Newer, 3)
		p.pass(true)
		ctx := t.Context()
		log := storetest.NewLog(station).Written(circ.PatronMet{Ref: circ.Ref{1}, ID: circ.NewPatronID("2960001")}, circ.CheckedOut{Item: "30100001", Patron: circ.Ref{1}})
		_, err := p.store.Find(ctx, station, log.ID, storetest.Start)
		if err == nil {
			_, err = p.store.TakeIn(ctx, log.All())
		}
		if err == nil && tt.posted {
			_, err = p.store.Queue(ctx, store.Queue{ILS: "koha"})
		}
		all, err2 := p.store.Postings(ctx, "koha", 0, 10)
		for i := range all {
			all[i].State, all[i].Acted = store.PostConfirmed, store.PostLend
		}
		_, err3 := p.store.SavePostings(ctx, all)
		if err := errors.Join(err, err2, err3); err != nil {
			t.Fatal(err)
		}
		p.koha.Put(kohatest.Items, kohatest.Thing(1, 101, "30100001", "KIRJ", "STN").With("checked_out_date", tt.out))
		p.koha.Put(kohatest.Returned, kohatest.Loan(700, 5, 1, "STN").With("timestamp", changed(), "checkin_date", changed()))
		p.pass(false)
		if loans, err := p.store.Loans(ctx, station); len(loans) != tt.want || err != nil {
			t.Errorf("%s: %d loans, %v, want %d", tt.name, len(loans), err, tt.want)
		}
	}
}

// TestRun: a hub that runs learns, goes on after a fault, and its log names nobody.
func TestRun(t *testing.T) {
	var log bytes.Buffer
	usual := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(usual)
	p := open(t, kohatest.Newer, 3)
	p.koha.Put(kohatest.Patrons, kohatest.Row{"patron_id": "x", "cardnumber": "2960077", "library_id": "STN"})
	p.koha.Fail(kohatest.Fault{Kind: kohatest.Broken, On: "GET /patrons"}, kohatest.Fault{Kind: kohatest.Broken, On: "GET /items"})
	p.set.Poll = time.Millisecond
	l, err := learn.New(p.set)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- l.Run(ctx) }()
	for len(p.told().items) < 3 {
		runtime.Gosched()
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := strings.Count(log.String(), "level=WARN"); n < 2 {
		t.Errorf("%d warnings, want one for each fault:\n%s", n, log.String())
	}
	for _, name := range []string{"Aino", "Virtanen", "Matti", "296", "301"} {
		if strings.Contains(log.String(), name) {
			t.Errorf("the log has %q:\n%s", name, log.String())
		}
	}
	var nobody *learn.Learner
	ended, end := context.WithCancel(t.Context())
	end()
	if err := nobody.Run(ended); err != nil {
		t.Error(err)
	}
}
