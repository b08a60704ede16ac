package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"coldstation/sync/hub/store"
)

func post(h http.Handler, path string, form url.Values, headers ...string) reply {
	r := httptest.NewRequest("POST", "http://localhost"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return reply{w.Code, w.Header(), w.Body.String()}
}

func TestDecide(t *testing.T) {
	ledger := uuid.UUID{1}
	key := func(seq int) string { return fmt.Sprintf("maple-house.%s.%d", ledger, seq) }
	for _, tt := range []struct {
		name    string
		form    url.Values
		headers []string
		status  int
		next    string
		want    []string // "action seq" as decided
	}{
		{"one", url.Values{"one": {"retry " + key(1)}}, nil, 303, "/decisions?done=1&failed=0", []string{"retry 1"}},
		{"one, though others are ticked", url.Values{"one": {"leave " + key(2)}, "key": {key(3)}}, nil, 303, "/decisions?done=1&failed=0", []string{"leave 2"}},
		{"all that are ticked", url.Values{"all": {"accept"}, "key": {key(1), key(3)}}, nil, 303, "/decisions?done=2&failed=0", []string{"accept 1", "accept 3"}},
		{"one of them was decided meanwhile", url.Values{"all": {"accept"}, "key": {key(1), key(9)}}, nil, 303, "/decisions?done=1&failed=1", []string{"accept 1"}},
		{"with a note", url.Values{"one": {"leave " + key(4)}, "note": {" It stood on the shelf "}}, nil, 303, "/decisions?done=1&failed=0", []string{"leave 4"}},
		{"none is ticked", url.Values{"all": {"accept"}}, nil, 303, "/decisions?done=0&failed=0", nil},
		{"an action of no kind", url.Values{"one": {"burn " + key(1)}}, nil, 400, "", nil},
		{"no case", url.Values{"one": {"retry"}}, nil, 400, "", nil},
		{"a case of no kind", url.Values{"one": {"retry ../x"}}, nil, 400, "", nil},
		{"a station of no kind", url.Values{"one": {"retry <b>." + ledger.String() + ".1"}}, nil, 400, "", nil},
		{"from another site", url.Values{"one": {"retry " + key(1)}}, []string{"Sec-Fetch-Site", "cross-site"}, 403, "", nil},
		{"from another origin", url.Values{"one": {"retry " + key(1)}}, []string{"Origin", "https://evil.example"}, 403, "", nil},
		{"by way of a proxy", url.Values{"one": {"retry " + key(1)}}, []string{"X-Forwarded-For", "203.0.113.9"}, 303, "/sign-in", nil},
		{"too large", url.Values{"one": {"retry " + key(1)}, "note": {strings.Repeat("x", 300<<10)}}, nil, 400, "", nil},
	} {
		var got []string
		h, _ := newSite(t, source{decided: func(d store.Decision) error {
			if d.Note != strings.TrimSpace(tt.form.Get("note")) {
				t.Errorf("%s: noted %q", tt.name, d.Note)
			}
			if d.ILS != "koha" || d.By == "" || !d.At.Equal(now) || d.Ledger != ledger {
				t.Errorf("%s: decided %+v", tt.name, d)
			}
			if d.Seq == 9 {
				return store.ErrNoDecision
			}
			got = append(got, fmt.Sprintf("%s %d", d.Action, d.Seq))
			return nil
		}}, nil)
		r := post(h, "/decisions", tt.form, tt.headers...)
		if r.StatusCode != tt.status || r.Header.Get("Location") != tt.next || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %d to %q, decided %v, want %d to %q, %v", tt.name, r.StatusCode, r.Header.Get("Location"), got, tt.status, tt.next, tt.want)
		}
		checkHeaders(t, tt.name, r.Header)
	}
}
