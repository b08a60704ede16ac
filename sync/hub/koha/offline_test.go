package koha_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/koha"
	"coldstation/sync/hub/koha/kohatest"
)

func TestOffline(t *testing.T) {
	s := library(kohatest.Newer, 2)
	a, err := koha.New(koha.Settings{URL: s.ServeStaff(t), ID: kohatest.ID, Secret: kohatest.Secret, Zone: zone, Rate: 1e6, Burst: 100, Attempts: 1, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	o := koha.NewOffline(a, kohatest.Librarian, kohatest.Password)
	at := time.Date(2026, 11, 20, 14, 5, 9, 0, zone)
	aino, nobody := circ.NewPatronID("2960001"), circ.NewPatronID("2969999")
	for _, tt := range []struct {
		name  string
		do    func() ([]string, error)
		words string
		err   error
	}{
		{"a loan", func() ([]string, error) { return o.Issue(t.Context(), "STN", at, "30100001", aino) }, "Success.", nil},
		{"nobody's card", func() ([]string, error) { return o.Issue(t.Context(), "STN", at, "30100001", nobody) }, "Borrower not found.", koha.ErrRefused},
		{"no card", func() ([]string, error) { return o.Issue(t.Context(), "STN", at, "30100001", circ.PatronID{}) }, "", koha.ErrNotFound},
		{"no such item", func() ([]string, error) { return o.Issue(t.Context(), "STN", at, "9", aino) }, "Barcode not found.", koha.ErrRefused},
		{"a return", func() ([]string, error) { return o.Return(t.Context(), "STN", at.Add(time.Hour), "30100001") }, "Success.", nil},
		{"the same again", func() ([]string, error) { return o.Return(t.Context(), "STN", at.Add(time.Hour), "30100001") }, "Item not issued.", koha.ErrRefused},
		{"a return of no such item", func() ([]string, error) { return o.Return(t.Context(), "STN", at, "9") }, "Item not found.", koha.ErrRefused},
	} {
		words, err := tt.do()
		if got := strings.Join(words, " "); got != tt.words || !errors.Is(err, tt.err) {
			t.Errorf("%s: %q, %v, want %q, %v", tt.name, got, err, tt.words, tt.err)
		}
	}
	rows := s.Rows(kohatest.Returned)
	if len(rows) != 1 || rows[0]["checkout_date"] != "2026-11-20T14:05:09+02:00" || rows[0]["checkin_date"] != "2026-11-20T15:05:09+02:00" {
		t.Errorf("kept %v, want a loan with its true times", rows)
	}
	if _, err := koha.NewOffline(a, "hub", "wrong").Return(t.Context(), "STN", at, "30100001"); !errors.Is(err, koha.ErrCredentials) {
		t.Errorf("a wrong password: %v", err)
	}
	for _, f := range []struct {
		kohatest.Fault
		maybe bool
	}{
		{kohatest.Fault{Kind: kohatest.Lost}, true},
		{kohatest.Fault{Kind: kohatest.Hung}, true},
		{kohatest.Fault{Kind: kohatest.Down}, true},
		{kohatest.Fault{Kind: kohatest.TooMany}, false},
		{kohatest.Fault{Kind: kohatest.Other, Status: 200, Body: "<html>Log in to Koha</html>"}, true},
		{kohatest.Fault{Kind: kohatest.Other, Status: 302, Body: "away"}, false},
	} {
		s.Fail(f.Fault)
		_, err := o.Issue(t.Context(), "STN", at, "30100002", aino)
		e, is := errors.AsType[*koha.Error](err)
		if !is || e.Maybe != f.maybe || strings.Contains(err.Error(), "2960001") {
			t.Errorf("fault %d: %v, want that it may have been done: %v", f.Kind, err, f.maybe)
		}
	}
}
