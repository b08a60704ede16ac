package koha_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/koha"
	"coldstation/sync/hub/koha/kohatest"
)

// TestWalkUnderChange: while the items are walked, some go and some come, before
// every page.
func TestWalkUnderChange(t *testing.T) {
	s := library(kohatest.Newer, 60)
	var page int64
	for range 6 {
		s.Fail(kohatest.Fault{On: "GET /items", Before: func() {
			page++
			s.Delete(kohatest.Items, 2*page-1) // met already, or not yet
			s.Delete(kohatest.Items, 61-page)  // not met yet
			n := 200 + page                    // to be met, at the end
			s.Put(kohatest.Items, kohatest.Thing(n, 101, fmt.Sprint("302", n), "KIRJ", "STN"))
		}})
	}
	a := open(t, s, nil)
	met := make(map[int64]int)
	for _, item := range all(t, a.Items(t.Context(), koha.ItemsOf{})) {
		met[item.Number]++
	}
	for _, row := range s.Rows(kohatest.Items) {
		n := row["item_id"].(int64)
		if met[n] != 1 {
			t.Errorf("item %d was met %d times, want once", n, met[n])
		}
	}
}

// TestWalkByNumber: where there is no q, a row that goes draws later ones forward,
// and they are met all the same.
func TestWalkByNumber(t *testing.T) {
	s := library(kohatest.Older, 0)
	for i := int64(1); i <= 45; i++ {
		s.Put(kohatest.Holds, kohatest.Row{"hold_id": i, "patron_id": 5, "biblio_id": 100 + i, "pickup_library_id": "STN"})
	}
	a := open(t, s, nil)
	s.Fail(
		kohatest.Fault{On: "GET /holds", Pass: 2, Before: func() { s.Delete(kohatest.Holds, 3); s.Delete(kohatest.Holds, 4) }},
		kohatest.Fault{On: "GET /holds", Pass: 2, Before: func() { s.Delete(kohatest.Holds, 11) }},
	)
	var met []int64
	for _, hold := range all(t, a.Holds(t.Context(), koha.HoldsOf{})) {
		met = append(met, hold.Number)
	}
	slices.Sort(met)
	for n := int64(1); n <= 45; n++ {
		if gone := n == 3 || n == 4 || n == 11; !gone && !slices.Contains(met, n) {
			t.Errorf("hold %d was not met", n)
		}
	}
	if dup := slices.Compact(slices.Clone(met)); len(dup) != len(met) {
		t.Errorf("met %d holds, %d of them different", len(met), len(dup))
	}
}

// TestWalkAgain: a row that comes in before the page that is read makes the walk
// start over, and nothing is met twice.
func TestWalkAgain(t *testing.T) {
	s := library(kohatest.Newer, 0)
	for i := range 23 {
		s.Put(kohatest.Libraries, kohatest.Branch(fmt.Sprintf("L%02d", i), "Kirjasto"))
	}
	s.Fail(kohatest.Fault{On: "GET /libraries", Pass: 1, Before: func() { s.Put(kohatest.Libraries, kohatest.Branch("AAA", "Uusi")) }})
	var met []string
	for _, l := range all(t, open(t, s, nil).Libraries(t.Context())) {
		met = append(met, l.ID)
	}
	slices.Sort(met)
	if n := len(met); n != 26 || met[0] != "AAA" || len(slices.Compact(met)) != n {
		t.Errorf("met %v, want 26 with AAA, each once", met)
	}
}

// TestNarrow: where there is no q, one patron is asked for and not all whose card
// contains the number.
func TestNarrow(t *testing.T) {
	s := library(kohatest.Older, 0)
	for i := int64(100); i < 150; i++ {
		s.Put(kohatest.Patrons, kohatest.Person(i, fmt.Sprint("77", i), "N", "N", "PT", "STN"))
	}
	s.Put(kohatest.Patrons, kohatest.Person(200, "77", "N", "N", "PT", "STN"))
	p, err := open(t, s, nil).PatronOf(t.Context(), circ.NewPatronID("77"))
	if err != nil || p.Number != 200 {
		t.Errorf("got %v, %v, want patron 200", p, err)
	}
	equal(t, "requests, the first of them refused", len(s.Requests()), 2)
}

// TestWalkEnds: lists that would not.
func TestWalkEnds(t *testing.T) {
	row := func(n int) string { return fmt.Sprintf(`{"item_id":%d,"external_id":"b%d"}`, n, n) }
	rows := func(from, to int) string {
		var all []string
		for n := from; n < to; n++ {
			all = append(all, row(n))
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	next := http.Header{"Link": {`<http://x/?_page=2>; rel="next"`}}
	page := func(body string, header http.Header) kohatest.Fault {
		return kohatest.Fault{Kind: kohatest.Other, On: "GET /items", Status: 200, Body: body, Header: header}
	}
	t.Run("the same page for ever", func(t *testing.T) {
		s := library(kohatest.Newer, 0)
		for range 10 {
			s.Fail(page(rows(1, 11), next))
		}
		if n, err := end(open(t, s, nil).Items(t.Context(), koha.ItemsOf{})); n != 10 || !errors.Is(err, koha.ErrPaging) || len(s.Requests()) > 0 {
			t.Errorf("got %d items, %v, want 10 and a paging error", n, err)
		}
	})
	t.Run("a list that grows as it is read", func(t *testing.T) {
		s := library(kohatest.Newer, 0)
		for i := range 50 {
			s.Fail(page(rows(10*i+1, 10*i+11), http.Header{"X-Total-Count": {"20"}}))
		}
		if n, err := end(open(t, s, nil).Items(t.Context(), koha.ItemsOf{})); n > 200 || !errors.Is(err, koha.ErrPaging) {
			t.Errorf("got %d items, %v, want a paging error within 200", n, err)
		}
	})
	t.Run("empty pages with a next one", func(t *testing.T) {
		s := library(kohatest.Newer, 0)
		s.Fail(page("[]", next))
		if n, err := end(open(t, s, nil).Items(t.Context(), koha.ItemsOf{})); n != 0 || err != nil {
			t.Errorf("got %d items, %v, want none", n, err)
		}
	})
	t.Run("pages smaller than asked for", func(t *testing.T) {
		s := library(kohatest.Newer, 0)
		s.Fail(page(rows(1, 6), next), page(rows(6, 8), http.Header{"Link": {`<http://x/>; rel="first"`}}))
		if n, err := end(open(t, s, nil).Items(t.Context(), koha.ItemsOf{})); n != 7 || err != nil {
			t.Errorf("got %d items, %v, want 7", n, err)
		}
	})
	t.Run("categories beyond the only page", func(t *testing.T) {
		s := library(kohatest.Older, 0)
		s.Fail(kohatest.Fault{Kind: kohatest.Other, On: "GET /patron_categories", Pass: 2, Status: 200,
			Body: `[{"patron_category_id":"PT"}]`, Header: http.Header{"X-Total-Count": {"30"}}})
		if n, err := end(open(t, s, nil).Categories(t.Context())); n != 1 || !errors.Is(err, koha.ErrPaging) {
			t.Errorf("got %d categories, %v, want 1 and a paging error", n, err)
		}
	})
	t.Run("whoever asks has had enough", func(t *testing.T) {
		s := library(kohatest.Newer, 30)
		for range open(t, s, nil).Items(t.Context(), koha.ItemsOf{}) {
			break
		}
		equal(t, "requests", len(s.Requests()), 1)
	})
}

// TestTokenExpiresMidway: a token that is too old in the middle of a walk is
// replaced, and the walk goes on where it was.
func TestTokenExpiresMidway(t *testing.T) {
	s := library(kohatest.Newer, 35)
	s.Fail(kohatest.Fault{Kind: kohatest.Expired, On: "GET /items", Pass: 2})
	a := open(t, s, nil)
	equal(t, "items", len(all(t, a.Items(t.Context(), koha.ItemsOf{}))), 35)
	equal(t, "requests", len(s.Requests()), 5)
	// One that changes something is made again too: Koha did not look at it.
	s.Fail(kohatest.Fault{Kind: kohatest.Expired, On: "POST /checkouts"})
	if _, err := a.Checkout(t.Context(), 5, 1, ""); err != nil {
		t.Error(err)
	}
	equal(t, "loans", len(s.Rows(kohatest.Checkouts)), 1)
	// A key that is no longer accepted is not asked about again and again.
	s.Fail(kohatest.Fault{Kind: kohatest.Expired, On: "GET /items"}, kohatest.Fault{Kind: kohatest.Expired, On: "GET /items"})
	if _, err := a.Item(t.Context(), 1); !errors.Is(err, koha.ErrCredentials) || koha.Temporary(err) {
		t.Errorf("two in a row: got %v, want credentials not accepted", err)
	}
}

// TestRecords: a row that makes no sense is told of, and the others are met.
func TestRecords(t *testing.T) {
	s := library(kohatest.Newer, 0)
	good := func(n int64) kohatest.Row { return kohatest.Person(n, fmt.Sprint("c", n), "N", "N", "PT", "STN") }
	for i := int64(1); i <= 23; i++ {
		s.Put(kohatest.Patrons, good(i))
	}
	s.Put(kohatest.Patrons, good(3).With("restricted", kohatest.Row{}), good(4).With("preferred_name", nil, "firstname", []any{1}), good(5).With("expiry_date", "soon"),
		good(6).With("cardnumber", nil), good(7).With("updated_on", nil, "lang", nil, "restricted", "0", "incorrect_address", 1, "expiry_date", "0000-00-00"),
		good(8).With("cardnumber", 4711))
	a := open(t, s, nil)
	bad, met := 0, make(map[koha.PatronNumber]koha.Patron)
	for p, err := range a.Patrons(t.Context(), koha.PatronsOf{Library: "STN"}) {
		switch {
		case errors.Is(err, koha.ErrRecord):
			bad++
		case err != nil:
			t.Fatal(err)
		default:
			met[p.Number] = p
		}
	}
	if bad != 3 || len(met) != 20 {
		t.Errorf("got %d bad rows and %d patrons, want 3 and 20", bad, len(met))
	}
	if !met[6].Card.IsZero() || !met[6].Circ(time.Now(), nil).ID.IsZero() {
		t.Error("patron 6 has no card: got one")
	}
	if p := met[7].Circ(time.Now(), nil); !p.Blocked || met[7].Restricted || !met[7].Expires.IsZero() {
		t.Errorf("patron 7: got %+v, want blocked by the address alone", p)
	}
	equal(t, "card of patron 8", met[8].Card, circ.NewPatronID("4711"))
	// A row without a number cannot be told from others.
	s.Fail(kohatest.Fault{Kind: kohatest.Other, On: "GET /items", Status: 200, Body: `[{"item_id":"x"},17,null,{"external_id":"1"},{"item_id":"5","withdrawn":"1"}]`})
	n, err := end(a.Items(t.Context(), koha.ItemsOf{}))
	if n != 1 || !errors.Is(err, koha.ErrRecord) {
		t.Errorf("got %d items, %v, want one, and errors about rows", n, err)
	}
}
