package web

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"coldstation/docs"
	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// send asks with JSON.
func send(h http.Handler, method, path, body string, headers ...string) reply {
	r := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return reply{w.Code, w.Header(), w.Body.String()}
}

// described is the document, loaded and sound.
func described(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(docs.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestOpenAPI: what the table of routes has under /api the document describes, and
// nothing else; and what is answered is as it says.
func TestOpenAPI(t *testing.T) {
	doc := described(t)
	described := make(map[string]*openapi3.Operation)
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			described[method+" "+path] = operation
		}
	}
	for _, rt := range (&site{}).routes() {
		key := rt.method + " " + rt.pattern
		if !strings.HasPrefix(rt.pattern, "/api/") {
			continue
		}
		operation := described[key]
		if operation == nil {
			t.Errorf("%s is not described", key)
			continue
		}
		if rt.scope != "" && operation.Description != "Scope "+rt.scope+"; the role of a "+string(rt.least)+"." {
			t.Errorf("%s: %q does not say the scope %s and the role %s", key, operation.Description, rt.scope, rt.least)
		}
		delete(described, key)
	}
	for key := range described {
		t.Errorf("%s is described and not there", key)
	}

	o := newPeople(t, Settings{})
	o.troubled()
	_, err := o.store.Import(t.Context(), store.Collection{Proxies: []circ.Proxy{{ID: "paper-1", Principal: circ.NewPatronID("1"), Agent: circ.NewPatronID("2"), Scopes: circ.MayBorrow | circ.MaySeeLoans, From: now}}})
	o.ok(err)
	cookie := o.session("administrator", now, now)
	good := `{"title":"Night","conditions":["silent"],"stations":["maple-house"],"delay":900,"quiet_from":"22:00","quiet_to":"07:00","loud":[],"mail":["maija@library.example"],"hook":"chat","language":"fi"}`
	for _, ask := range []struct {
		method, path, body, header, is string
		status                         int
		as                             string // the path as it is described
	}{
		{"GET", "/api/stations", "", "", "", 200, ""},
		{"GET", "/api/stations/maple-house", "", "", "", 200, "/api/stations/{id}"},
		{"GET", "/api/stations/nowhere", "", "", "", 404, "/api/stations/{id}"},
		{"GET", "/api/loans", "", "", "", 200, ""},
		{"GET", "/api/items?limit=2", "", "", "", 200, ""},
		{"GET", "/api/items?limit=x", "", "", "", 400, ""},
		{"GET", "/api/events?station=maple-house", "", "", "", 200, ""},
		{"GET", "/api/events", "", "", "", 400, ""},
		{"GET", "/api/figures", "", "", "", 200, ""},
		{"GET", "/api/decisions", "", "", "", 200, ""},
		{"POST", "/api/decisions", `{"action":"retry","keys":["maple-house.01000000-0000-0000-0000-000000000000.1"]}`, "", "", 200, ""},
		{"POST", "/api/decisions", `{"action":"retry","keys":[],"more":1}`, "", "", 400, ""},
		{"GET", "/api/alerts", "", "", "", 200, ""},
		{"POST", "/api/alerts/1/seen", "", "", "", 200, "/api/alerts/{alert}/seen"},
		{"POST", "/api/alerts/x/seen", "", "", "", 404, "/api/alerts/{alert}/seen"},
		{"GET", "/api/accounts", "", "", "", 200, ""},
		{"POST", "/api/subscriptions", `{"hook":"figures","kinds":["CheckedOut"],"stations":["maple-house"]}`, "", "", 200, ""},
		{"POST", "/api/subscriptions", `{"hook":"http://169.254.169.254/","kinds":[],"stations":[]}`, "", "", 422, ""},
		{"GET", "/api/subscriptions", "", "", "", 200, ""},
		{"DELETE", "/api/subscriptions/s", "", "", "", 200, "/api/subscriptions/{subscription}"},
		{"DELETE", "/api/subscriptions/s", "", "", "", 404, "/api/subscriptions/{subscription}"},
		{"GET", "/api/authorisations", "", "", "", 200, ""},
		{"GET", "/api/alert-rules/x", "", "", "", 404, "/api/alert-rules/{rule}"},
		{"PUT", "/api/alert-rules/night", good, "", "", 428, "/api/alert-rules/{rule}"},
		{"PUT", "/api/alert-rules/night", good, "If-None-Match", "*", 200, "/api/alert-rules/{rule}"},
		{"PUT", "/api/alert-rules/night", good, "If-None-Match", "*", 412, "/api/alert-rules/{rule}"},
		{"GET", "/api/alert-rules/night", "", "", "", 200, "/api/alert-rules/{rule}"},
		{"GET", "/api/alert-rules", "", "", "", 200, ""},
		{"PUT", "/api/alert-rules/night", strings.Replace(good, "maija@", "maija", 1), "If-Match", `"1"`, 422, "/api/alert-rules/{rule}"},
		{"PUT", "/api/alert-rules/night", good, "If-Match", `"1"`, 200, "/api/alert-rules/{rule}"},
		{"PUT", "/api/alert-rules/night", good, "If-Match", `"1"`, 412, "/api/alert-rules/{rule}"},
		{"DELETE", "/api/alert-rules/night", "", "If-Match", `"1"`, 412, "/api/alert-rules/{rule}"},
		{"DELETE", "/api/alert-rules/night", "", "If-Match", `"2"`, 200, "/api/alert-rules/{rule}"},
	} {
		what := ask.method + " " + ask.path
		r := send(o.h, ask.method, ask.path, ask.body, "Cookie", cookie, ask.header, ask.is)
		if r.StatusCode != ask.status {
			t.Errorf("%s with %s %s: %d, want %d: %s", what, ask.header, ask.is, r.StatusCode, ask.status, r.text)
			continue
		}
		as, _, _ := strings.Cut(ask.path, "?")
		if ask.as != "" {
			as = ask.as
		}
		response := doc.Paths.Value(as).GetOperation(ask.method).Responses.Status(ask.status)
		if response == nil {
			t.Errorf("%s: an answer of %d is not described", what, ask.status)
			continue
		}
		kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
		content := response.Value.Content.Get(kind)
		if content == nil {
			t.Errorf("%s: an answer in %s is not described", what, kind)
			continue
		}
		var value any
		o.ok(json.Unmarshal([]byte(r.text), &value))
		if err := content.Schema.Value.VisitJSON(value, openapi3.EnableJSONSchema2020()); err != nil {
			t.Errorf("%s: %d is not as described: %v", what, ask.status, err)
		}
		if response.Value.Headers["ETag"] != nil && r.Header.Get("ETag") == "" {
			t.Errorf("%s has no ETag", what)
		}
	}
	if r := get(o.h, "/api/items?limit=2", "Cookie", cookie); r.Header.Get("Link") != `</api/items?after=2&limit=2>; rel="next"` {
		t.Errorf("the next page is at %q", r.Header.Get("Link"))
	}
	if r := get(o.h, "/api/openapi.yaml"); r.StatusCode != 200 || r.text != string(docs.OpenAPI) {
		t.Errorf("the document: %d", r.StatusCode)
	}
}

// TestTooMuch: no route that changes something reads more than a form's worth, whoever
// sends it.
func TestTooMuch(t *testing.T) {
	o := newPeople(t, Settings{})
	cookie := o.session("administrator", now, now)
	for _, rt := range (&site{}).routes() {
		if rt.method == "GET" {
			continue
		}
		body := &bomb{left: 8 << 20}
		r := httptest.NewRequest(rt.method, "http://localhost"+inPath.Replace(rt.pattern), body)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Cookie", cookie)
		r.Header.Set("If-None-Match", "*")
		w := httptest.NewRecorder()
		o.h.ServeHTTP(w, r)
		if body.read > 2*formSize || w.Code < 300 {
			t.Errorf("%s %s: %d after %d bytes", rt.method, rt.pattern, w.Code, body.read)
		}
	}
}

// bomb is a body without end, nearly.
type bomb struct{ left, read int }

func (c *bomb) Read(p []byte) (int, error) {
	n := min(len(p), c.left)
	for i := range p[:n] {
		p[i] = 'a'
	}
	c.left, c.read = c.left-n, c.read+n
	return n, nil
}

// TestHostilePaths: what stands in a path or an address becomes neither a header nor a
// way out.
func TestHostilePaths(t *testing.T) {
	o := newPeople(t, Settings{})
	cookie := o.session("administrator", now, now)
	for _, path := range []string{"/static/..%2f..%2fgo.mod", "/static/%2e%2e/hub.db", "/accounts/..%2ftrail", "/stations/..%2f..%2fetc", "/alerts/rules/%0d%0aSet-Cookie:x=y", "/api/stations/%0d%0aX-Evil:%201",
		"/sign-in?next=%0d%0aX-Evil:%201", "/loans?lang=%0d%0aX-Evil:%201", "/alerts?before=1.%0d%0aX-Evil:%201", "/api/items?q=%0d%0aX-Evil:1&limit=1&after=1"} {
		r := get(o.h, path, "Cookie", cookie)
		if r.StatusCode >= 500 || r.Header.Get("X-Evil") != "" {
			t.Errorf("%s: %d, %v", path, r.StatusCode, r.Header)
		}
		for name, values := range r.Header {
			for _, value := range values {
				if strings.ContainsAny(value, "\r\n") {
					t.Errorf("%s: %s is %q", path, name, value)
				}
			}
		}
		if strings.Contains(r.text, "module coldstation") {
			t.Errorf("%s leads out", path)
		}
	}
	for _, next := range []string{"//evil.example", "https://evil.example", "/\\evil.example", "/%2f/evil.example\t", "javascript:alert(1)", "/\r\n/evil.example"} {
		if ours(next) {
			t.Errorf("%q is taken for a page of ours", next)
		}
	}
}

// TestSlowForm: who sends a form byte by byte is not waited for.
func TestSlowForm(t *testing.T) {
	o := newPeople(t, Settings{Slowest: 50 * time.Millisecond})
	server := httptest.NewServer(o.h)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	o.ok(err)
	defer conn.Close()
	_, err = io.WriteString(conn, "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nname=m")
	o.ok(err)
	o.ok(conn.SetReadDeadline(time.Now().Add(20 * time.Second)))
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400") {
		t.Errorf("%v: %.40q, want that it is turned away", err, answer)
	}
}
