package koha_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/koha"
	"coldstation/sync/hub/koha/kohatest"
)

var zone = time.FixedZone("", 2*3600)

// open is an API of s, without waits between requests.
func open(t *testing.T, s *kohatest.System, change func(*koha.Settings)) *koha.API {
	t.Helper()
	set := koha.Settings{
		URL: s.Serve(t), ID: kohatest.ID, Secret: kohatest.Secret, Zone: zone, PerPage: 10, Rate: 1e6, Burst: 1000, Attempts: 2,
		Stations: map[string]circ.StationID{"STN": "koivikko"},
		Marks:    map[string]circ.Marks{"ISO": circ.LargePrint, "CDK": circ.Audio},
	}
	if change != nil {
		change(&set)
	}
	a, err := koha.New(set)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func library(release kohatest.Release, items int) *kohatest.System {
	s := kohatest.New(release)
	s.Fill(items)
	return s
}

// all are the rows of a walk; errors about single rows are counted.
func all[T any](t *testing.T, rows iter.Seq2[T, error]) (got []T) {
	t.Helper()
	for row, err := range rows {
		if err != nil {
			t.Fatalf("after %d rows: %v", len(got), err)
		}
		got = append(got, row)
	}
	return got
}

// end is the error that ends a walk.
func end[T any](rows iter.Seq2[T, error]) (n int, last error) {
	for _, err := range rows {
		if err != nil {
			last = err
			continue
		}
		n++
	}
	return n, last
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestPatrons(t *testing.T) {
	for name, release := range map[string]kohatest.Release{"newer": kohatest.Newer, "older": kohatest.Older} {
		t.Run(name, func(t *testing.T) {
			s := library(release, 0)
			s.Put(kohatest.Patrons, kohatest.Person(7, "2960007", "Niemi", "Kaarlo", "PT", "STN").With("preferred_name", " Kalle ", "expiry_date", "2026-11-23"))
			a := open(t, s, nil)
			ctx := t.Context()
			var cards []string
			for _, p := range all(t, a.Patrons(ctx, koha.PatronsOf{Library: "STN"})) {
				cards = append(cards, p.Card.Plaintext())
			}
			slices.Sort(cards)
			equal(t, "cards at STN", fmt.Sprint(cards), "[2960001 2960007 2960015]")
			equal(t, "all", len(all(t, a.Patrons(ctx, koha.PatronsOf{}))), 4)
			equal(t, "of a category", len(all(t, a.Patrons(ctx, koha.PatronsOf{Category: "HENK"}))), 1)

			categories := make(map[string]koha.Category)
			for _, c := range all(t, a.Categories(ctx)) {
				categories[c.ID] = c
			}
			equal(t, "categories", len(categories), 3)
			day := time.Date(2026, 11, 24, 12, 0, 0, 0, zone)

			p, err := a.PatronOf(ctx, circ.NewPatronID("2960001"))
			if err != nil {
				t.Fatal(err)
			}
			got := p.Circ(day, categories)
			want := circ.Patron{ID: circ.NewPatronID("2960001"), FirstName: "Aino", Policy: "ERI", Language: "sv"}
			if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
				t.Errorf("Circ: got %+v, want %+v", got, want)
			}
			if p, err = a.Patron(ctx, 51); err != nil || !p.Circ(day, categories).Staff {
				t.Errorf("patron 51: got %v, %v, want staff", p, err)
			}
			if p, err = a.Patron(ctx, 7); err != nil || !p.Circ(day, nil).Blocked || p.Circ(day.AddDate(0, 0, -1), nil).Blocked || p.FirstName != "Kalle" {
				t.Errorf("patron 7: got %q, %v, want Kalle, blocked from the day after the last", p.FirstName, err)
			}
			for card, request := range map[string]string{"29600": "GET /patrons", "nobody": "GET /patrons", "": "GET /patrons"} {
				_, err := a.PatronOf(ctx, circ.NewPatronID(card))
				e, is := errors.AsType[*koha.Error](err)
				if !is || !errors.Is(err, koha.ErrNotFound) || e.Request != request || e.Temporary() {
					t.Errorf("PatronOf(%q): got %v, want %s: not found", card, err, request)
				}
			}
			if _, err := a.Patron(ctx, 99); !errors.Is(err, koha.ErrNotFound) {
				t.Errorf("patron 99: got %v, want not found", err)
			}
		})
	}
}

func TestBlocked(t *testing.T) {
	day := time.Date(2026, 11, 24, 8, 0, 0, 0, zone)
	for name, p := range map[string]koha.Patron{
		"restricted": {Restricted: true}, "card lost": {CardLost: true}, "address": {BadAddress: true},
		"debarred": {Debarred: time.Date(2026, 11, 24, 0, 0, 0, 0, zone)}, "for ever": {Debarred: time.Date(9999, 12, 31, 0, 0, 0, 0, zone)},
		"expired": {Expires: time.Date(2026, 11, 23, 0, 0, 0, 0, zone)},
	} {
		if !p.Circ(day, nil).Blocked {
			t.Errorf("%s: got free, want blocked", name)
		}
	}
	free := koha.Patron{Expires: time.Date(2026, 11, 24, 0, 0, 0, 0, zone), Debarred: time.Date(2026, 11, 23, 0, 0, 0, 0, zone)}
	if free.Circ(day, nil).Blocked {
		t.Error("expires today, debarred until yesterday: got blocked, want free")
	}
}

func TestItems(t *testing.T) {
	s := library(kohatest.Newer, 25)
	s.Put(kohatest.Items, kohatest.Thing(90, 101, "30190000", "KIRJ", "KIRJ").With("collection_code", "CDK"),
		kohatest.Thing(91, 102, "30191000", "STN", "STN").With("effective_item_type_id", nil, "item_type_id", "ISO", "checked_out_date", "2026-11-02"))
	s.PutRecord(102, kohatest.MARC("Tuntematon sotilas /", "Linna, Väinö,", "041", "finswe", "655", "selkokirjat", "650", "sodat.", "852", "gone", "952", "gone too"))
	a := open(t, s, nil)
	ctx := t.Context()
	equal(t, "held at STN", len(all(t, a.Items(ctx, koha.ItemsOf{Holding: "STN"}))), 26)
	equal(t, "of STN", len(all(t, a.Items(ctx, koha.ItemsOf{Home: "STN"}))), 1)
	equal(t, "all", len(all(t, a.Items(ctx, koha.ItemsOf{}))), 27)

	item, err := a.ItemOf(ctx, "30191000")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "checked out", item.CheckedOut, time.Date(2026, 11, 2, 0, 0, 0, 0, zone))
	record, err := a.Record(ctx, item.Biblio)
	if err != nil {
		t.Fatal(err)
	}
	got, err := a.Circ(item, record)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "Circ", got, circ.Item{ID: "30191000", Title: "Tuntematon sotilas", Author: "Väinö Linna", Year: 2009, Language: "fi", Subject: "sodat",
		Marks: circ.LargePrint | circ.EasyLanguage, Parts: 1, Home: "koivikko"})
	if item, err = a.Item(ctx, 90); err != nil {
		t.Fatal(err)
	}
	if got, err = a.Circ(item, record); err != nil || got.Marks != circ.Audio|circ.EasyLanguage || got.Home != "" {
		t.Errorf("item 90: got %+v, %v, want audio by its collection, and no station", got, err)
	}
	if _, err = a.ItemOf(ctx, "301"); !errors.Is(err, koha.ErrNotFound) {
		t.Errorf("part of a barcode: got %v, want not found", err)
	}
	biblio, err := a.Biblio(ctx, 101)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "biblio", biblio, koha.Biblio{Number: 101, Title: "Kirja 1", Author: "Linna, Väinö", Year: "2009", Type: "BK"})
}

func TestCirculation(t *testing.T) {
	s := library(kohatest.Newer, 3)
	a := open(t, s, nil)
	ctx := t.Context()
	loan, err := a.Checkout(ctx, 5, 1, "")
	if err != nil {
		t.Fatal(err)
	}
	if age := time.Since(loan.At); age < 0 || age > time.Minute || loan.Due.Sub(loan.At) < 27*24*time.Hour {
		t.Errorf("loan: got %v to %v, want from now, four weeks", loan.At, loan.Due)
	}
	ref := circ.NewRef([]byte("key"), circ.NewPatronID("2960001"))
	equal(t, "Loan", loan.Loan("30100001", ref), circ.Loan{Item: "30100001", Patron: ref, At: loan.At, Due: loan.Due, State: circ.Confirmed})

	// Number 5 is in 15 and 51: a parameter that means "contains" would find them.
	s.Put(kohatest.Checkouts, kohatest.Loan(2, 15, 2, "KIRJ"), kohatest.Loan(3, 51, 3, "STN"))
	got := all(t, a.Checkouts(ctx, koha.CheckoutsOf{Patron: 5}))
	if len(got) != 1 || got[0].Patron != 5 {
		t.Errorf("loans of patron 5: got %d, want the one", len(got))
	}
	equal(t, "loans of item 3", len(all(t, a.Checkouts(ctx, koha.CheckoutsOf{Item: 3}))), 1)
	equal(t, "loans of KIRJ", len(all(t, a.Checkouts(ctx, koha.CheckoutsOf{Library: "KIRJ"}))), 1)

	// To somebody else: to be confirmed, then given back and lent.
	may, err := a.Availability(ctx, 15, 1)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "confirms, without the other patron's data", fmt.Sprint(may.Blockers, may.Confirms), "[] [ISSUED_TO_ANOTHER]")
	_, err = a.Checkout(ctx, 15, 1, "")
	e, _ := errors.AsType[*koha.Error](err)
	if !errors.Is(err, koha.ErrRefused) || e.Status != http.StatusPreconditionFailed || e.Maybe {
		t.Errorf("not confirmed: got %v, want 412, refused", err)
	}
	if _, err = a.Checkout(ctx, 15, 1, may.Token); err != nil {
		t.Errorf("confirmed: got %v, want done", err)
	}
	equal(t, "loans that ended", len(all(t, a.Checkouts(ctx, koha.CheckoutsOf{Returned: true}))), 1)

	s.Put(kohatest.Patrons, kohatest.Person(15, "2960015", "Äijälä", "Matti", "PT", "STN").With("restricted", true, "patron_card_lost", true))
	_, err = a.Checkout(ctx, 15, 2, "")
	if e, is := errors.AsType[*koha.Error](err); !is || !errors.Is(err, koha.ErrRefused) || fmt.Sprint(e.Reasons) != "[CARD_LOST USERBLOCKEDNOENDDATE]" || e.Temporary() {
		t.Errorf("blocked: got %v, want 403 with both reasons", err)
	}
	if _, err = a.Checkout(ctx, 5, 999, ""); !errors.Is(err, koha.ErrRefused) || !strings.Contains(err.Error(), "ITEM_NOT_FOUND") {
		t.Errorf("no such item: got %v, want ITEM_NOT_FOUND", err)
	}
}

func TestRenew(t *testing.T) {
	for name, release := range map[string]kohatest.Release{"newer": kohatest.Newer, "older": kohatest.Older} {
		t.Run(name, func(t *testing.T) {
			s := library(release, 1)
			s.Put(kohatest.Checkouts, kohatest.Loan(1, 5, 1, "STN"))
			a := open(t, s, nil)
			for i := 1; i <= 2; i++ {
				loan, err := a.Renew(t.Context(), 1)
				if err != nil || loan.Renewals != i || loan.Renewed.IsZero() {
					t.Fatalf("renewal %d: got %+v, %v", i, loan, err)
				}
			}
			may, err := a.Renewable(t.Context(), 1)
			if err != nil || may != (koha.Renewable{Most: 2, Made: 2, Why: "too_many"}) {
				t.Errorf("Renewable: got %+v, %v, want 2 of 2", may, err)
			}
			_, err = a.Renew(t.Context(), 1)
			if e, is := errors.AsType[*koha.Error](err); !is || !errors.Is(err, koha.ErrRefused) || fmt.Sprint(e.Reasons) != "[too_many]" {
				t.Errorf("once more: got %v, want refused, too_many", err)
			}
			if _, err := a.Renew(t.Context(), 9); !errors.Is(err, koha.ErrNotFound) {
				t.Errorf("no such loan: got %v, want not found", err)
			}
		})
	}
}

func TestHolds(t *testing.T) {
	a := open(t, library(kohatest.Newer, 2), nil)
	ctx := t.Context()
	placed, err := a.PlaceHold(ctx, 5, 101, 0, "STN")
	if err != nil || placed.Patron != 5 || placed.Biblio != 101 || placed.Item != 0 || placed.Status != koha.HoldQueued {
		t.Fatalf("PlaceHold: got %+v, %v", placed, err)
	}
	if _, err := a.PlaceHold(ctx, 15, 102, 2, "KIRJ"); err != nil {
		t.Fatal(err)
	}
	equal(t, "holds for STN", len(all(t, a.Holds(ctx, koha.HoldsOf{Library: "STN"}))), 1)
	equal(t, "holds of patron 15", len(all(t, a.Holds(ctx, koha.HoldsOf{Patron: 15}))), 1)
	equal(t, "holds on item 2", len(all(t, a.Holds(ctx, koha.HoldsOf{Item: 2}))), 1)
	if _, err := a.PlaceHold(ctx, 5, 101, 0, "STN"); !errors.Is(err, koha.ErrRefused) {
		t.Errorf("twice: got %v, want refused", err)
	}
	if err := a.CancelHold(ctx, placed.Number); err != nil {
		t.Error(err)
	}
	if err := a.CancelHold(ctx, placed.Number); !errors.Is(err, koha.ErrNotFound) {
		t.Errorf("cancelled twice: got %v, want not found", err)
	}
}

func TestLibrariesTransfersRules(t *testing.T) {
	s := library(kohatest.Newer, 2)
	s.Put(kohatest.Items, kohatest.Thing(1, 101, "30100001", "KIRJ", "KIRJ").With("transfer",
		kohatest.Row{"frombranch": "KIRJ", "tobranch": "STN", "datesent": "2026-11-23T10:00:00+02:00", "datearrived": nil, "reason": "Manual"}))
	s.Put(kohatest.Limits, kohatest.Row{"limit_id": 1, "from_library_id": "KIRJ", "to_library_id": "STN", "item_type": "DVD", "collection_code": nil})
	a := open(t, s, nil)
	ctx := t.Context()
	equal(t, "libraries", fmt.Sprint(all(t, a.Libraries(ctx))), "[{KIRJ Pääkirjasto Tampere true} {STN Palvelutalo Koivikko Tampere true}]")
	equal(t, "limits", fmt.Sprint(all(t, a.TransferLimits(ctx))), "[{1 KIRJ STN DVD }]")
	items := all(t, a.InTransit(ctx, 101))
	if len(items) != 1 || items[0].Transfer == nil || items[0].Transfer.To != "STN" || items[0].Transfer.Sent.IsZero() || !items[0].Transfer.Arrived.IsZero() {
		t.Errorf("in transit: got %+v, want one on its way to STN", items)
	}
	want := circ.Policy{ID: "ERI", LoanDays: 28, Renewals: 2}
	for name, answer := range map[string]string{
		"list": "", "object": `{"issuelength":28,"lengthunit":"days","maxissueqty":null,"renewalsallowed":2}`,
		"hours": `{"issuelength":"650","lengthunit":"hours","maxissueqty":"","renewalsallowed":"2"}`,
	} {
		if answer != "" {
			s.Fail(kohatest.Fault{Kind: kohatest.Other, On: "GET /circulation_rules", Status: 200, Body: answer})
		}
		rules, err := a.Rules(ctx, "STN", "ERI", "BK")
		if got, lends := rules.Policy("ERI"); err != nil || !lends || got != want {
			t.Errorf("rules as %s: got %+v, %v, %v, want %+v", name, got, lends, err, want)
		}
	}
	for name, answer := range map[string]string{"none": `{"issuelength":null}`, "not one": `{"issuelength":28,"maxissueqty":"0"}`, "nothing": `[]`, "no time": `{"issuelength":0}`} {
		s.Fail(kohatest.Fault{Kind: kohatest.Other, On: "GET /circulation_rules", Status: 200, Body: answer})
		if rules, err := a.Rules(ctx, "", "", ""); err != nil {
			t.Error(err)
		} else if got, lends := rules.Policy("ERI"); lends {
			t.Errorf("rules that lend %s: got %+v, want no policy", name, got)
		}
	}
	if _, err := a.Rules(ctx, "NONE", "", ""); err == nil || koha.Temporary(err) {
		t.Errorf("rules of no library: got %v, want an error for good", err)
	}
}

// TestOlder: what 19.06 does not have is not found, and says so.
func TestOlder(t *testing.T) {
	s := library(kohatest.Older, 1)
	s.Put(kohatest.Checkouts, kohatest.Loan(1, 5, 1, "STN"), kohatest.Loan(2, 15, 2, "STN"), kohatest.Loan(3, 5, 3, "KIRJ"))
	a := open(t, s, nil)
	ctx := t.Context()
	equal(t, "loans of patron 5", len(all(t, a.Checkouts(ctx, koha.CheckoutsOf{Patron: 5}))), 2)
	before := len(s.Requests())
	equal(t, "loans of patron 5, at STN", len(all(t, a.Checkouts(ctx, koha.CheckoutsOf{Patron: 5, Library: "STN"}))), 1)
	equal(t, "requests, once the way is known", len(s.Requests())-before, 1)
	for name, call := range map[string]func() error{
		"items":        func() error { _, err := end(a.Items(ctx, koha.ItemsOf{})); return err },
		"record":       func() error { _, err := a.Record(ctx, 1); return err },
		"lending":      func() error { _, err := a.Checkout(ctx, 5, 1, ""); return err },
		"availability": func() error { _, err := a.Availability(ctx, 5, 1); return err },
		"rules":        func() error { _, err := a.Rules(ctx, "", "", ""); return err },
	} {
		if err := call(); !errors.Is(err, koha.ErrNotFound) {
			t.Errorf("%s: got %v, want not found", name, err)
		}
	}
}

func TestSince(t *testing.T) {
	for name, release := range map[string]kohatest.Release{"newer": kohatest.Newer, "older": kohatest.Older} {
		t.Run(name, func(t *testing.T) {
			s := library(release, 0)
			at := func(at time.Time) string { return at.In(s.Zone).Format(time.RFC3339) }
			mark := kohatest.Changed.Add(time.Hour)
			for i, change := range []time.Duration{-11 * time.Minute, -10 * time.Minute, 0, time.Hour} {
				s.Put(kohatest.Patrons, kohatest.Person(int64(100+i), fmt.Sprint("29601", i), "N", "N", "PT", "STN").With("updated_on", at(mark.Add(change))))
			}
			want := 3
			if release == kohatest.Older { // checked here: one that does not say when it changed may have
				s.Put(kohatest.Patrons, kohatest.Person(200, "2960200", "N", "N", "PT", "STN").With("updated_on", nil))
				want++
			}
			a := open(t, s, nil)
			equal(t, "changed since, with the overlap", len(all(t, a.Patrons(t.Context(), koha.PatronsOf{Since: mark.UTC()}))), want)
		})
	}
	s := library(kohatest.Newer, 3)
	s.Put(kohatest.Items, kohatest.Thing(2, 102, "30100002", "KIRJ", "STN").With("timestamp", "2026-11-24T08:00:00+02:00"))
	a := open(t, s, nil)
	got := all(t, a.Items(t.Context(), koha.ItemsOf{Since: time.Date(2026, 11, 24, 5, 0, 0, 0, time.UTC)}))
	if len(got) != 1 || got[0].Number != 2 {
		t.Errorf("items: got %v, want the second", got)
	}
	// A field that this Koha does not have: nothing is found, rather than everything.
	a = open(t, s, func(set *koha.Settings) { set.Changed.Items = "changed_on" })
	equal(t, "by another field", len(all(t, a.Items(t.Context(), koha.ItemsOf{Since: time.Date(2026, 11, 24, 5, 0, 0, 0, time.UTC)}))), 0)
}

func TestSettings(t *testing.T) {
	good := koha.Settings{URL: "https://staff.library.example/", ID: "a", Secret: "b"}
	for name, change := range map[string]func(*koha.Settings){
		"http to others":      func(s *koha.Settings) { s.URL = "http://staff.library.example" },
		"http to localhost's": func(s *koha.Settings) { s.URL = "http://localhost.example" },
		"no URL":              func(s *koha.Settings) { s.URL = "" },
		"a name in it":        func(s *koha.Settings) { s.URL = "https://me:pw@staff.library.example" },
		"a question in it":    func(s *koha.Settings) { s.URL = "https://staff.library.example/?a=b" },
		"another scheme":      func(s *koha.Settings) { s.URL = "file:///etc" },
		"no key":              func(s *koha.Settings) { s.ID = "" },
		"no secret":           func(s *koha.Settings) { s.Secret = "" },
		"a CA that is none":   func(s *koha.Settings) { s.CA = []byte("certificate") },
		"a rate below zero":   func(s *koha.Settings) { s.Rate = -1 },
	} {
		set := good
		change(&set)
		if _, err := koha.New(set); err == nil {
			t.Errorf("%s: got an API, want an error", name)
		} else if strings.Contains(err.Error(), "pw") {
			t.Errorf("%s: %v names the password", name, err)
		}
	}
	for _, address := range []string{"https://staff.library.example", "https://staff.library.example/api/v1", "http://localhost:8081", "http://127.0.0.1", "http://[::1]:80/koha"} {
		set := good
		set.URL = address
		if _, err := koha.New(set); err != nil {
			t.Errorf("%s: got %v, want an API", address, err)
		}
	}
}

func TestTLS(t *testing.T) {
	server := httptest.NewTLSServer(library(kohatest.Newer, 1))
	defer server.Close()
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	set := koha.Settings{URL: server.URL, ID: kohatest.ID, Secret: kohatest.Secret, CA: ca, Attempts: 1}
	a, err := koha.New(set)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	equal(t, "libraries", len(all(t, a.Libraries(t.Context()))), 2)
	set.CA = nil
	if a, err = koha.New(set); err != nil {
		t.Fatal(err)
	}
	if _, err = end(a.Libraries(t.Context())); err == nil || koha.Temporary(err) {
		t.Errorf("unknown CA: got %v, want an error for good", err)
	}
}

// TestSecrets: whatever goes wrong, and however it is printed, no identifier and no
// name is told.
func TestSecrets(t *testing.T) {
	s := library(kohatest.Newer, 1)
	a := open(t, s, nil)
	card := circ.NewPatronID("2960001")
	var said []string
	note := func(values ...any) {
		for _, v := range values {
			text, _ := json.Marshal(v)
			said = append(said, fmt.Sprintf("%v %+v %#v %s %d %x", v, v, v, v, v, v), slog.AnyValue(v).Resolve().String(), string(text))
		}
	}
	p, err := a.PatronOf(t.Context(), card)
	if err != nil {
		t.Fatal(err)
	}
	note(p.Number, koha.Secret(kohatest.Secret))
	said = append(said, fmt.Sprintf("%v %+v %#v %s %d", p, p, p, p, p), slog.AnyValue(p).Resolve().String(), fmt.Sprintf("%+v", koha.Settings{Secret: kohatest.Secret}),
		fmt.Sprintf("%v %+v %#v %d", a, a, a, a))
	dead, err := koha.New(koha.Settings{URL: "http://127.0.0.1", ID: "key", Secret: kohatest.Secret, Attempts: 1, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no way to 2960001")
	}})
	if err != nil {
		t.Fatal(err)
	}
	said = append(said, fmt.Sprint(second(dead.PatronOf(t.Context(), card))))
	for kind := kohatest.Expired; kind <= kohatest.Lost; kind++ {
		if kind == kohatest.Hung {
			continue // it would take its time
		}
		for range 4 {
			s.Fail(kohatest.Fault{Kind: kind, On: "GET /patrons", Delay: time.Millisecond})
		}
		said = append(said, fmt.Sprint(second(a.PatronOf(t.Context(), card))), fmt.Sprint(second(a.Patron(t.Context(), 5))))
		a = open(t, s, nil)
	}
	for _, body := range []string{
		`{"error":"Aino Virtanen 2960001","error_code":"2960001"}`, `{"errors":[{"message":"2960001","path":"/query/2960001"}]}`,
		`{"error":"Checkout not authorized (Virtanen issued_surname 2960001)"}`, `[{"message":"Aino","path":"/path/Virtanen"}]`,
		`{"error":"x","required_permissions":{"2960001":"Aino 1"}}`, `Virtanen`, `{"error":{"Aino":"Virtanen"}}`,
	} {
		s.Fail(kohatest.Fault{Kind: kohatest.Other, On: "POST /checkouts", Status: 403, Body: body})
		said = append(said, fmt.Sprint(second(a.Checkout(t.Context(), 5, 2960001, "2960001"))))
	}
	for _, body := range []string{`{"patron_id":"Virtanen"}`, `{"patron_id":2960001.5}`, `{"patron_id":5,"restricted":"Aino"}`, `{"patron_id":5,"updated_on":"2960001"}`, `[2960001]`} {
		s.Fail(kohatest.Fault{Kind: kohatest.Other, On: "GET /patrons/", Status: 200, Body: body})
		said = append(said, fmt.Sprint(second(a.Patron(t.Context(), 5))))
	}
	for _, text := range said {
		for _, secret := range []string{"2960001", "Aino", "Virtanen", "u2960001", kohatest.Secret, "patron_id 5", "patrons/5"} {
			if strings.Contains(text, secret) {
				t.Errorf("%q tells %q", text, secret)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }
