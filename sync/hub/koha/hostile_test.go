package koha_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"coldstation/sync/hub/koha"
	"coldstation/sync/hub/koha/kohatest"
)

// TestFaults: what goes wrong once, goes well the second time, if it changes
// nothing.
func TestFaults(t *testing.T) {
	for name, kind := range map[string]kohatest.Kind{
		"429": kohatest.TooMany, "500": kohatest.Broken, "503": kohatest.Down, "cut": kohatest.Cut, "half": kohatest.Half, "lost": kohatest.Lost,
	} {
		t.Run(name, func(t *testing.T) {
			s := library(kohatest.Newer, 15)
			a := open(t, s, nil)
			s.Fail(kohatest.Fault{Kind: kind, On: "GET /items", Pass: 1})
			equal(t, "items", len(all(t, a.Items(t.Context(), koha.ItemsOf{}))), 15)
			for range 6 { // net/http itself repeats what was lost on a connection used before
				s.Fail(kohatest.Fault{Kind: kind, On: "GET /items"})
			}
			if _, err := a.Item(t.Context(), 1); !koha.Temporary(err) {
				t.Errorf("twice: got %v, want a temporary error", err)
			}
		})
	}
}

// TestMaybe: a checkout whose answer is lost is not made twice, and says that it
// may have been made.
func TestMaybe(t *testing.T) {
	for name, test := range map[string]struct {
		fault       kohatest.Fault
		maybe, done bool
		loans       int
	}{
		"429":         {kohatest.Fault{Kind: kohatest.TooMany}, false, true, 1},
		"500":         {kohatest.Fault{Kind: kohatest.Broken}, true, false, 0},
		"503":         {kohatest.Fault{Kind: kohatest.Down}, true, false, 0},
		"cut":         {kohatest.Fault{Kind: kohatest.Cut}, true, false, 1},
		"half":        {kohatest.Fault{Kind: kohatest.Half}, true, false, 1},
		"lost":        {kohatest.Fault{Kind: kohatest.Lost}, true, false, 1},
		"hung":        {kohatest.Fault{Kind: kohatest.Hung}, true, false, 1},
		"wrong kinds": {kohatest.Fault{Kind: kohatest.Other, Status: 201, Body: `{"checkout_id":{}}`}, true, false, 0},
		"forbidden":   {kohatest.Fault{Kind: kohatest.Forbidden}, false, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := library(kohatest.Newer, 1)
			a := open(t, s, func(set *koha.Settings) { set.Timeout = 500 * time.Millisecond })
			test.fault.On = "POST /checkouts"
			s.Fail(test.fault)
			_, err := a.Checkout(t.Context(), 5, 1, "")
			e, _ := errors.AsType[*koha.Error](err)
			if (err == nil) != test.done || err != nil && e.Maybe != test.maybe {
				t.Errorf("got %v, want done %v, maybe %v", err, test.done, test.maybe)
			}
			equal(t, "loans", len(s.Rows(kohatest.Checkouts)), test.loans)
			if name == "forbidden" && (!errors.Is(err, koha.ErrForbidden) || e.Reasons[0] != "borrowers: list_borrowers") {
				t.Errorf("got %v, want the permission that is missing", err)
			}
		})
	}
	t.Run("no way there", func(t *testing.T) {
		a, err := koha.New(koha.Settings{URL: "http://127.0.0.1:1", ID: "a", Secret: "b", Attempts: 1})
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.Checkout(t.Context(), 5, 1, "")
		if e, is := errors.AsType[*koha.Error](err); !is || e.Maybe || !e.Temporary() {
			t.Errorf("got %v, want a temporary error, certainly not done", err)
		}
	})
}

// TestHuge: an answer of a gigabyte is cut at the limit, and memory with it.
func TestHuge(t *testing.T) {
	s := library(kohatest.Newer, 1)
	a := open(t, s, func(set *koha.Settings) { set.MaxBody = 1 << 20 })
	s.Fail(kohatest.Fault{Kind: kohatest.Huge, On: "GET /items", Size: 1 << 30})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := end(a.Items(t.Context(), koha.ItemsOf{}))
	runtime.ReadMemStats(&after)
	if !errors.Is(err, koha.ErrTooLarge) || koha.Temporary(err) {
		t.Errorf("got %v, want too large, for good", err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
		t.Errorf("%d MB were used for an answer that may have 1", used>>20)
	}
}

func TestHostile(t *testing.T) {
	deep := strings.Repeat(`[`, 200_000)
	for name, test := range map[string]struct {
		fault kohatest.Fault
		want  error
	}{
		"deep":                        {kohatest.Fault{Body: deep + strings.Repeat(`]`, 200_000)}, koha.ErrAnswer},
		"deep, unfinished":            {kohatest.Fault{Body: deep}, koha.ErrAnswer},
		"deep in a row":               {kohatest.Fault{Body: `[{"item_id":1,"timestamp":` + strings.Repeat(`[`, 9000) + strings.Repeat(`]`, 9000) + `}]`}, koha.ErrRecord},
		"an object":                   {kohatest.Fault{Body: `{"items":[]}`}, koha.ErrAnswer},
		"a page of a proxy":           {kohatest.Fault{Body: `<html>Please log in</html>`}, koha.ErrAnswer},
		"nothing":                     {kohatest.Fault{}, koha.ErrAnswer},
		"null":                        {kohatest.Fault{Body: `null`}, nil},
		"a number as large as can be": {kohatest.Fault{Body: `[{"item_id":99999999999999999999}]`}, koha.ErrRecord},
		"a fraction":                  {kohatest.Fault{Body: `[{"item_id":1.5}]`}, koha.ErrRecord},
		"a way elsewhere":             {kohatest.Fault{Status: http.StatusFound, Header: http.Header{"Location": {"http://127.0.0.1:1/"}}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := library(kohatest.Newer, 1)
			f := test.fault
			f.Kind, f.On = kohatest.Other, "GET /items"
			if f.Status == 0 {
				f.Status = http.StatusOK
			}
			s.Fail(f, f)
			n, err := end(open(t, s, nil).Items(t.Context(), koha.ItemsOf{}))
			switch {
			case n != 0, test.want != nil && !errors.Is(err, test.want):
				t.Errorf("got %d items, %v, want %v", n, err, test.want)
			case name == "a way elsewhere" && (err == nil || koha.Temporary(err) || !strings.Contains(err.Error(), "302")):
				t.Errorf("got %v, want 302, for good", err)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	s := library(kohatest.Newer, 25)
	a := open(t, s, nil)
	ctx, cancel := context.WithCancel(t.Context())
	s.Fail(kohatest.Fault{Kind: kohatest.Hung, On: "GET /items", Pass: 1, Before: cancel})
	n, err := end(a.Items(ctx, koha.ItemsOf{}))
	if n != 10 || !errors.Is(err, context.Canceled) || koha.Temporary(err) {
		t.Errorf("got %d items, %v, want 10, and cancelled", n, err)
	}
	if _, err := a.Item(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("after: got %v, want cancelled", err)
	}
}

func TestCredentials(t *testing.T) {
	s := library(kohatest.Newer, 1)
	a := open(t, s, func(set *koha.Settings) { set.Secret = "wrong" })
	if _, err := a.Item(t.Context(), 1); !errors.Is(err, koha.ErrCredentials) || koha.Temporary(err) {
		t.Errorf("wrong secret: got %v, want credentials not accepted", err)
	}
	equal(t, "requests", len(s.Requests()), 0)
	a = open(t, s, nil)
	s.Fail(kohatest.Fault{Kind: kohatest.Other, On: "POST /oauth/token", Status: 400, Body: `{"error":"Unimplemented grant type"}`})
	_, err := a.Item(t.Context(), 1)
	if e, is := errors.AsType[*koha.Error](err); !is || !errors.Is(err, koha.ErrCredentials) || e.Text != "Unimplemented grant type" || e.Maybe {
		t.Errorf("RESTOAuth2ClientCredentials off: got %v, want Koha's words", err)
	}
	for _, body := range []string{`{}`, `{"access_token":null}`, `{"access_token":"a b"}`, `{"access_token":"a","token_type":"mac"}`, `[]`, `{"access_token":"a","expires_in":{}}`} {
		s.Fail(kohatest.Fault{Kind: kohatest.Other, On: "POST /oauth/token", Status: 200, Body: body})
		if _, err := a.Item(t.Context(), 1); !errors.Is(err, koha.ErrAnswer) {
			t.Errorf("token %s: got %v, want an answer that makes no sense", body, err)
		}
	}
	if _, err := a.Item(t.Context(), 1); err != nil {
		t.Errorf("at last: %v", err)
	}
}
