package koha_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/koha"
	"coldstation/sync/hub/koha/kohatest"
)

func golden(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "v1", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestGolden: each answer comes out as what it means.
func TestGolden(t *testing.T) {
	at := func(text string) time.Time {
		t.Helper()
		for _, layout := range []string{time.RFC3339, time.DateOnly} {
			if at, err := time.ParseInLocation(layout, text, zone); err == nil {
				return at.In(zone)
			}
		}
		t.Fatalf("%q is no time", text)
		return time.Time{}
	}
	s := library(kohatest.Newer, 0)
	a := open(t, s, nil)
	ctx := t.Context()
	answer := func(path, name string) {
		s.Fail(kohatest.Fault{Kind: kohatest.Other, On: path, Status: 200, Body: golden(t, name)})
	}

	answer("GET /patrons", "patrons-24.05")
	got := all(t, a.Patrons(ctx, koha.PatronsOf{}))
	same(t, got, []koha.Patron{
		{Number: 12, Card: circ.NewPatronID("2960000012"), UserID: circ.NewPatronID("aino.virtanen"), FirstName: "Aino", Category: "ERI", Library: "STN",
			Language: "fi-FI", Expires: at("2028-01-15"), Changed: at("2026-11-20T09:30:00+02:00")},
		{Number: 13, FirstName: "Matti", Category: "PT", Library: "STN", Language: "default", Restricted: true, CardLost: true, Changed: at("2026-11-21T23:59:59+02:00")},
	})
	answer("GET /patrons", "patrons-19.06")
	same(t, all(t, a.Patrons(ctx, koha.PatronsOf{})), []koha.Patron{
		{Number: 14, Card: circ.NewPatronID("2960000014"), UserID: circ.NewPatronID("aino.virtanen"), FirstName: "Kaarlo", Category: "L", Library: "STN",
			Language: "default", Expires: at("2019-12-31"), Guarantor: 12, Relationship: "mother", Changed: at("2019-06-28T10:11:12+03:00")},
	})
	answer("GET /items", "items-24.05")
	items := all(t, a.Items(ctx, koha.ItemsOf{}))
	same(t, items, []koha.Item{
		{Number: 901, Biblio: 123, Barcode: "30100000901", CallNumber: "84.2 LIN", Home: "KIRJ", Holding: "STN", Type: "BK", Collection: "KAUNO", Location: "LS",
			CheckedOut: at("2026-11-02"), Seen: at("2026-11-02T14:05:09+02:00"), Changed: at("2026-11-02T14:05:09+02:00")},
		{Number: 902, Biblio: 124, Type: "CD", NotForLoan: -1, Lost: 1, Damaged: 1, Withdrawn: 1, Restricted: 2, Changed: at("2026-11-03T00:00:00+02:00")},
	})
	answer("GET /biblios/123", "biblio-24.05")
	biblio, err := a.Biblio(ctx, 123)
	same(t, []any{biblio, err}, []any{koha.Biblio{Number: 123, Title: "Tuntematon sotilas /", Author: "Linna, Väinö", ISBN: "9789510431900", Year: "2009", Type: "BK", Changed: at("2026-01-07T08:00:00+02:00")}, nil})
	answer("GET /biblios/123", "marc-24.05")
	record, err := a.Record(ctx, 123)
	if err != nil {
		t.Fatal(err)
	}
	item, err := a.Circ(items[0], record)
	same(t, []any{item, err}, []any{circ.Item{ID: "30100000901", Title: "Tuntematon sotilas", Author: "Väinö Linna", Year: 2009, Language: "fi", Subject: "jatkosota",
		Marks: circ.LargePrint, Parts: 1, Home: "koivikko"}, nil})
	if _, err := a.Circ(items[1], record); !errors.Is(err, koha.ErrRecord) || !strings.Contains(err.Error(), "item 902") {
		t.Errorf("item without a barcode: got %v, want it named", err)
	}
	answer("GET /biblios/123/items", "items-transfer-24.05")
	items = all(t, a.InTransit(ctx, 123))
	same(t, *items[0].Transfer, koha.Transfer{From: "KIRJ", To: "STN", Requested: at("2026-11-22T09:00:00+02:00"), Sent: at("2026-11-23T10:00:00+02:00"), Reason: "StockrotationAdvance"})

	answer("GET /checkouts", "checkouts-24.05")
	same(t, all(t, a.Checkouts(ctx, koha.CheckoutsOf{Patron: 12})), []koha.Checkout{{Number: 77, Patron: 12, Item: 901, Library: "STN", At: at("2026-11-02T14:05:09+02:00"),
		Due: at("2026-11-30T23:59:00+02:00"), Renewed: at("2026-11-09T10:00:00+02:00"), Renewals: 1, Changed: at("2026-11-09T10:00:00+02:00")}})
	answer("GET /checkouts", "checkouts-19.06")
	same(t, all(t, a.Checkouts(ctx, koha.CheckoutsOf{})), []koha.Checkout{{Number: 77, Patron: 12, Item: 901, Library: "CPL", At: at("2019-06-28T10:11:12+03:00"),
		Due: at("2019-07-12T23:59:00+03:00"), Renewals: 2, Changed: at("2019-06-28T10:11:12+03:00")}})
	answer("GET /checkouts/availability", "availability-24.05")
	may, err := a.Availability(ctx, 12, 901)
	same(t, []any{may, err}, []any{koha.Availability{Confirms: []string{"ISSUED_TO_ANOTHER"}, Warnings: []string{"PREVISSUE"}, Token: "eyJhbGciOiJIUzI1NiJ9.e30.c2ln"}, nil})
	answer("GET /checkouts/77/allows_renewal", "renewable-24.05")
	renewable, err := a.Renewable(ctx, 77)
	same(t, []any{renewable, err}, []any{koha.Renewable{Most: 2, Made: 2, Why: "too_many"}, nil})
	answer("GET /holds", "holds-24.05")
	same(t, all(t, a.Holds(ctx, koha.HoldsOf{})), []koha.Hold{{Number: 8, Patron: 12, Biblio: 123, Item: 901, Library: "STN", Status: koha.HoldWaiting, Placed: at("2026-11-20"),
		Waiting: at("2026-11-22"), Expires: at("2026-11-29"), Changed: at("2026-11-22T10:00:00+02:00")}})
	answer("GET /libraries", "libraries-24.05")
	same(t, all(t, a.Libraries(ctx)), []koha.Library{{ID: "STN", Name: "Palvelutalo Koivikko", City: "Tampere", PickUp: true}})
	answer("GET /patron_categories", "categories-24.05")
	same(t, all(t, a.Categories(ctx)), []koha.Category{{ID: "HENK", Name: "Henkilökunta", Type: "S"}})
	answer("GET /transfer_limits", "limits-24.05")
	same(t, all(t, a.TransferLimits(ctx)), []koha.TransferLimit{{Number: 1, From: "KIRJ", To: "STN", Type: "DVD"}})
	for _, name := range []string{"rules-object", "rules-list"} {
		answer("GET /circulation_rules", name)
		rules, err := a.Rules(ctx, "STN", "ERI", "BK")
		policy, lends := rules.Policy("ERI")
		same(t, []any{policy, lends, err}, []any{circ.Policy{ID: "ERI", LoanDays: 28, Limit: 10, Renewals: 2}, true, nil})
	}
}

// same compares values field by field, plain text and all.
func same(t *testing.T, got, want any) {
	t.Helper()
	if g, w := plainly(got), plainly(want); g != w {
		t.Errorf("got  %s\nwant %s", g, w)
	}
}

// plainly is a value with all that is in it. A patron hides itself from fmt and is
// opened; identifiers print as digests, the same for the same one.
func plainly(value any) string {
	patrons, are := value.([]koha.Patron)
	if !are {
		return fmt.Sprintf("%+v", value)
	}
	var all []string
	for _, p := range patrons {
		type open koha.Patron
		all = append(all, fmt.Sprintf("%+v", open(p)))
	}
	return strings.Join(all, "; ")
}

// TestGoldenErrors: each refusal is told apart.
func TestGoldenErrors(t *testing.T) {
	s := library(kohatest.Newer, 0)
	a := open(t, s, nil)
	for name, want := range map[string]struct {
		err       error
		text      string
		temporary bool
	}{
		"400-query":          {nil, "POST /checkouts: 400 Bad Request: /query/nonsense", false},
		"400-validation":     {nil, "POST /checkouts: 400 Bad Request: /body/patron_id", false},
		"400-operator":       {nil, "POST /checkouts: 400 Bad Request: invalid_query", false},
		"401-token":          {koha.ErrCredentials, "POST /checkouts: 401 Unauthorized: koha: API key not accepted", false},
		"403-permission":     {koha.ErrForbidden, "POST /checkouts: 403 Forbidden: circulate: circulate_remaining_permissions: koha: permission missing", false},
		"403-permissions":    {koha.ErrForbidden, "POST /checkouts: 403 Forbidden: borrowers: list_borrowers: borrowers: edit_borrowers: koha: permission missing", false},
		"403-checkout":       {koha.ErrRefused, "POST /checkouts: 403 Forbidden: DEBT: TOO_MANY: koha: refused", false},
		"403-checkout-other": {koha.ErrRefused, "POST /checkouts: 403 Forbidden: ISSUED_TO_ANOTHER: koha: refused", false},
		"403-renewal":        {koha.ErrRefused, "POST /checkouts: 403 Forbidden: on_reserve: koha: refused", false},
		"404-patron":         {koha.ErrNotFound, "POST /checkouts: 404 Not Found: not_found: koha: not found", false},
		"409-item":           {koha.ErrRefused, "POST /checkouts: 409 Conflict: ITEM_NOT_FOUND: koha: refused", false},
		"412-confirm":        {koha.ErrRefused, "POST /checkouts: 412 Precondition Failed: koha: refused", false},
		"500":                {nil, "POST /checkouts: 500 Internal Server Error: internal_server_error: it may have been done", true},
		"503-maintenance":    {nil, "POST /checkouts: 503 Service Unavailable: it may have been done", true},
	} {
		status, err := strconv.Atoi(name[:3])
		if err != nil {
			t.Fatal(err)
		}
		f := kohatest.Fault{Kind: kohatest.Other, On: "POST /checkouts", Status: status, Body: golden(t, "error-"+name)}
		s.Fail(f)
		if status == 401 {
			s.Fail(f)
		}
		_, err = a.Checkout(t.Context(), 5, 1, "")
		e, is := errors.AsType[*koha.Error](err)
		if !is || err.Error() != want.text || !errors.Is(err, want.err) && want.err != nil || e.Temporary() != want.temporary || e.Status != status {
			t.Errorf("%s:\ngot  %v, temporary %v\nwant %v, temporary %v", name, err, is && e.Temporary(), want.text, want.temporary)
		}
		if is && e.Text == "" {
			t.Errorf("%s: Koha's own words are gone", name)
		}
	}
}

// TestTwin: the rows of kohatest have the fields that Koha's have, and no others.
func TestTwin(t *testing.T) {
	for name, row := range map[string]kohatest.Row{
		"patrons-24.05":    kohatest.Person(1, "c", "s", "f", "PT", "STN"),
		"items-24.05":      kohatest.Thing(1, 1, "b", "KIRJ", "STN"),
		"checkouts-24.05":  kohatest.Loan(1, 1, 1, "STN"),
		"libraries-24.05":  kohatest.Branch("STN", "n"),
		"categories-24.05": kohatest.Group("PT", "n", "A"),
	} {
		var rows []map[string]any
		if err := json.Unmarshal([]byte(golden(t, name)), &rows); err != nil {
			t.Fatal(err)
		}
		for _, field := range slices.Sorted(maps.Keys(row)) {
			if _, found := rows[0][field]; !found {
				t.Errorf("%s: %s is no field of Koha's", name, field)
			}
		}
	}
}
