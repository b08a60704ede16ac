package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/secret"
)

// permitted is who may ask for what: a role, at some station, at the station of the
// path ("there") or in the whole library. A route that has no line here fails.
var permitted = map[string]string{
	"GET /{$}": "viewer", "GET /stations": "viewer", "GET /stations/{id}": "viewer there", "GET /decisions": "viewer", "GET /loans": "viewer",
	"GET /items": "viewer", "GET /live": "viewer", "GET /items/{item}": "viewer", "POST /items/{item}/recall": "librarian there", // where the item is

	"GET /stations/{id}/manage": "librarian there", "GET /stations/{id}/log": "librarian there", "POST /stations/{id}/message": "librarian there",
	"POST /stations/{id}/settings": "administrator there", "POST /stations/{id}/title": "administrator there", "POST /stations/{id}/settle": "librarian there",
	"POST /stations/{id}/revoke": "administrator there", "POST /stations/{id}/code": "administrator there",
	"GET /add-station": "administrator whole", "POST /add-station": "administrator whole",
	"POST /stations/{id}/restart": "librarian there", "POST /stations/{id}/pause": "librarian there", "POST /stations/{id}/resume": "librarian there",
	"POST /stations/{id}/census": "librarian there", "POST /stations/{id}/logs": "librarian there", "POST /stations/{id}/identify": "librarian there",
	"POST /stations/{id}/unlock": "librarian there",
	"GET /figures":               "viewer", "GET /figures.csv": "viewer", "GET /api/figures": "viewer", "POST /decisions": "librarian",
	"GET /consignments": "viewer", "POST /consignments": "librarian", "GET /consignments/{box}": "viewer", "GET /consignments/{box}/list": "viewer",
	"POST /consignments/{box}/pack": "librarian", "POST /consignments/{box}/unpack": "librarian", "POST /consignments/{box}/send": "librarian",
	"POST /consignments/{box}/drop": "librarian", "POST /consignments/{box}/close": "librarian", "POST /consignments/{box}/resolve": "librarian",
	"GET /shelves": "viewer", "POST /shelves": "librarian", "GET /stations/{id}/count": "viewer there", "POST /stations/{id}/count": "librarian there",
	"GET /recalls": "viewer", "POST /recalls": "librarian whole", "GET /losses": "viewer", "GET /rotation": "viewer whole", "POST /rotation": "librarian whole",
	"GET /rotas": "viewer whole", "POST /rotas": "librarian whole", "GET /rotas/{rota}": "viewer whole", "POST /rotas/{rota}": "librarian whole",
	"POST /rotas/{rota}/items": "librarian whole", "POST /rotas/{rota}/remove": "librarian whole",
	"GET /sign-in": "everybody", "POST /sign-in": "everybody", "GET /sign-in/elsewhere": "everybody", "GET /sign-in/back": "everybody",
	"GET /welcome/{code}": "everybody", "POST /welcome/{code}": "everybody", "POST /sign-out": "everybody",
	"GET /account": "viewer", "POST /account/password": "viewer", "POST /account/sessions": "viewer",
	"GET /account/tokens": "viewer", "POST /account/tokens": "viewer", "POST /account/tokens/end": "viewer",
	"GET /accounts": "administrator whole", "POST /accounts": "administrator whole", "GET /accounts/{name}": "administrator whole",
	"POST /accounts/{name}/role": "administrator whole", "POST /accounts/{name}/reset": "administrator whole",
	"POST /accounts/{name}/sessions": "administrator whole", "POST /accounts/{name}/remove": "administrator whole",
	"GET /trail": "administrator whole", "GET /trail.csv": "administrator whole",
	"GET /api/stations": "viewer", "GET /api/loans": "viewer", "GET /api/events": "viewer",
	"GET /alerts": "viewer", "POST /alerts/seen": "librarian", "POST /alerts/drop": "administrator whole", "GET /alerts/rules": "administrator whole", "GET /alerts/rules/{rule}": "administrator whole",
	"POST /alerts/rules/{rule}": "administrator whole", "POST /alerts/rules/{rule}/try": "administrator whole", "POST /alerts/rules/{rule}/remove": "administrator whole",
	"GET /api/stations/{id}": "viewer there", "GET /api/items": "viewer", "GET /api/decisions": "viewer", "POST /api/decisions": "librarian", "GET /api/alerts": "viewer", "POST /api/alerts/{alert}/seen": "librarian",
	"GET /api/alert-rules": "administrator whole", "GET /api/alert-rules/{rule}": "administrator whole", "PUT /api/alert-rules/{rule}": "administrator whole", "DELETE /api/alert-rules/{rule}": "administrator whole",
	"GET /api/subscriptions": "administrator whole", "POST /api/subscriptions": "administrator whole", "DELETE /api/subscriptions/{subscription}": "administrator whole",
	"GET /api/accounts": "administrator whole", "GET /api/authorisations": "administrator whole", "GET /api/openapi.yaml": "everybody",
	"GET /privacy": "administrator whole", "POST /privacy/show": "administrator whole", "POST /privacy/export": "administrator whole", "POST /privacy/erase": "administrator whole",
	"POST /subscriptions": "administrator whole", "POST /subscriptions/end": "administrator whole",
	"GET /static/{name}": "everybody", "GET /": "everybody",
}

const password = "seven quiet moose walk"

var passwordHash = secret.Hash(password, "salt of tests")

// people of every kind, by what they may do, besides nobody.
var people = []store.Account{
	{Name: "viewer", Grants: []store.Grant{{Role: store.Viewer}}},
	{Name: "librarian", Grants: []store.Grant{{Role: store.Librarian}}},
	{Name: "administrator", Title: "Maija", Grants: []store.Grant{{Role: store.Administrator}}},
	{Name: "viewer-maple", Grants: []store.Grant{{Role: store.Viewer, Station: "maple-house"}}},
	{Name: "librarian-maple", Grants: []store.Grant{{Role: store.Librarian, Station: "maple-house"}}},
	{Name: "administrator-maple", Grants: []store.Grant{{Role: store.Administrator, Station: "maple-house"}}},
	{Name: "librarian-birch", Grants: []store.Grant{{Role: store.Librarian, Station: "birch-house"}}},
	{Name: "administrator-birch", Grants: []store.Grant{{Role: store.Administrator, Station: "birch-house"}}},
	{Name: "nothing"},
}

// office is pages where people of every kind have accounts, and one of them, spare,
// to do things with.
type office struct {
	t     *testing.T
	h     http.Handler
	store store.Store
	now   time.Time
}

func newPeople(t *testing.T, settings Settings) *office {
	t.Helper()
	o := &office{t: t, now: now}
	settings.Now = func() time.Time { return o.now }
	if settings.Source == nil {
		settings.Source = source{}
	}
	o.h, o.store, _ = newOffice(t, settings)
	for _, a := range append(people, store.Account{Name: "spare"}) {
		a.Password = passwordHash
		o.ok(o.store.AddAccount(t.Context(), a))
	}
	return o
}

func (o *office) ok(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// session is a cookie of somebody who signed in at a time.
func (o *office) session(name string, begun, seen time.Time) string {
	o.t.Helper()
	shown := fmt.Sprint(name, begun.Unix(), seen.Unix())
	err := o.store.BeginSession(o.t.Context(), store.Session{Hash: hashOf(shown), ID: shown, Account: name, Begun: begun, Seen: seen, Address: "192.0.2.1", Agent: hostile})
	o.ok(err)
	return "session=" + shown
}

// token is the header of a script of somebody's.
func (o *office) token(name string, scopes ...string) string {
	o.t.Helper()
	shown := tokenMark + name + strings.Join(scopes, "-")
	o.ok(o.store.AddToken(o.t.Context(), store.Token{Hash: hashOf(shown), ID: shown, Account: name, Title: hostile, Scopes: scopes, Made: now, Expires: now.Add(time.Hour)}))
	return "Bearer " + shown
}

// inPath is what stands for the names in patterns.
var inPath = strings.NewReplacer("{item}", "1", "{$}", "", "{id}", "maple-house", "{name}", "spare", "{code}", "x", "{rule}", "new", "{box}", "none", "{rota}", "1", "{alert}", "x", "{subscription}", "x")

func (o *office) ask(rt route, headers ...string) reply {
	path := inPath.Replace(rt.pattern)
	switch rt.pattern {
	case "/api/events":
		path += "?station=maple-house"
	case "/static/{name}":
		path = "/static/style.css"
	case "/":
		path = "/nothing"
	}
	if rt.method == "PUT" || rt.method == "DELETE" {
		return send(o.h, rt.method, path, "{}", headers...)
	}
	if rt.method == "POST" {
		return post(o.h, path, url.Values{"role": {"viewer"}, "id": {"x"}}, headers...)
	}
	return get(o.h, path, headers...)
}

// turned reports whether somebody was turned away, and how: to sign in, or for good.
func turned(rt route, r reply) string {
	switch {
	case r.StatusCode == http.StatusUnauthorized, r.StatusCode == http.StatusSeeOther && strings.HasPrefix(r.Header.Get("Location"), "/sign-in") && !strings.HasPrefix(rt.pattern, "/sign-"):
		return "who?"
	case r.StatusCode == http.StatusForbidden:
		return "no"
	}
	return "yes"
}

// expected is what the table of this test says of somebody.
func expected(rule string, grants []store.Grant, known bool) string {
	least, reach, _ := strings.Cut(rule, " ")
	if least == "everybody" {
		return "yes"
	}
	if !known {
		return "who?"
	}
	ranks := map[store.Role]int{"viewer": 1, "librarian": 2, "administrator": 3}
	for _, g := range grants {
		here := g.Station == "" || reach == "" || reach == "there" && g.Station == "maple-house"
		if here && ranks[g.Role] >= ranks[store.Role(least)] {
			return "yes"
		}
	}
	return "no"
}

// TestEveryRouteForEverybody asks for each route as each kind of person, as nobody,
// with sessions that are over, and with tokens.
func TestEveryRouteForEverybody(t *testing.T) {
	routes := (&site{}).routes()
	var missing []string
	for _, rt := range routes {
		if permitted[rt.method+" "+rt.pattern] == "" {
			missing = append(missing, rt.method+" "+rt.pattern)
		}
	}
	if len(missing) > 0 || len(routes) != len(permitted) {
		t.Fatalf("%d routes, %d lines in the table; without one: %v", len(routes), len(permitted), missing)
	}
	closed := make(chan circ.StationID)
	close(closed)
	o := newPeople(t, Settings{Watch: watching(closed)})
	asks := 0
	check := func(rt route, who, want string, headers ...string) {
		t.Helper()
		asks++
		if got := turned(rt, o.ask(rt, headers...)); got != want {
			t.Errorf("%s asks for %s %s: %s, want %s", who, rt.method, rt.pattern, got, want)
		}
	}
	for _, rt := range routes {
		rule := permitted[rt.method+" "+rt.pattern]
		check(rt, "nobody", expected(rule, nil, false))
		check(rt, "a stranger with a cookie", expected(rule, nil, false), "Cookie", "session=invented")
		check(rt, "one with another's kind of cookie", expected(rule, nil, false), "Cookie", "__Host-"+o.session("administrator", now, now.Add(-time.Second)))
		check(rt, "an administrator who was away", expected(rule, nil, false), "Cookie", o.session("administrator", now.Add(-3*time.Hour), now.Add(-2*time.Hour)))
		check(rt, "an administrator of yesterday", expected(rule, nil, false), "Cookie", o.session("administrator", now.Add(-12*time.Hour), now))
		o.ok(o.store.ForgetSessions(t.Context(), now.Add(time.Hour), now))
		for _, a := range people {
			cookie := o.session(a.Name, now, now)
			check(rt, a.Name, expected(rule, a.Grants, true), "Cookie", cookie)
			o.ok(o.store.ForgetSessions(t.Context(), now.Add(time.Hour), now))
			o.restore()
		}
		forged := expected(rule, nil, false)
		check(rt, "a forged token", forged, "Authorization", "Bearer coldstation_forged")
		for _, a := range people {
			header := o.token(a.Name, "stations", "other")
			want := forged // a token opens no page
			if rt.scope != "" {
				if want = "no"; rt.scope == "stations" {
					want = expected(rule, a.Grants, true)
				}
			}
			check(rt, "a script of "+a.Name, want, "Authorization", header)
			_ = o.store.RemoveToken(t.Context(), a.Name, strings.TrimPrefix(header, "Bearer ")) // gone where that was asked for
		}
	}
	t.Logf("%d routes, %d requests", len(routes), asks)
}

// restore puts back what a route did.
func (o *office) restore() {
	o.t.Helper()
	_ = o.store.AddAccount(o.t.Context(), store.Account{Name: "spare", Password: passwordHash}) // known, where it was not removed
}

// TestStationsOfOthers: somebody for one station sees nothing of another, and
// changes nothing there.
func TestStationsOfOthers(t *testing.T) {
	var decided []store.Decision
	o := newPeople(t, Settings{Source: source{decided: func(d store.Decision) error { decided = append(decided, d); return nil }}})
	cookie := o.session("librarian-birch", now, now)
	for _, path := range []string{"/", "/stations", "/loans", "/decisions", "/items", "/figures", "/figures.csv", "/api/figures", "/api/stations", "/api/loans"} {
		if r := get(o.h, path, "Cookie", cookie); r.StatusCode != 200 || strings.Contains(r.text, "maple-house") || strings.Contains(r.text, "willow") {
			t.Errorf("%s: %d, or it tells of another's station", path, r.StatusCode)
		}
	}
	for path, want := range map[string]int{"/stations/maple-house": 403, "/stations/birch-house": 200, "/loans?station=maple-house": 404, "/figures?station=maple-house": 404, "/api/figures?station=maple-house": 404, "/api/loans?station=maple-house": 404, "/api/events?station=maple-house": 404} {
		if r := get(o.h, path, "Cookie", cookie); r.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, r.StatusCode, want)
		}
	}
	at := func(station string) url.Values {
		return url.Values{"one": {"retry " + station + ".01000000-0000-0000-0000-000000000000.1"}}
	}
	post(o.h, "/decisions", at("maple-house"), "Cookie", cookie)
	post(o.h, "/decisions", at("birch-house"), "Cookie", cookie)
	if len(decided) != 1 || decided[0].Station != "birch-house" || decided[0].By != "librarian-birch" {
		t.Errorf("decided %+v, want one at birch-house by librarian-birch", decided)
	}
	cookie = o.session("viewer", now, now)
	if text := get(o.h, "/decisions", "Cookie", cookie).text; strings.Contains(text, `name="one"`) || !strings.Contains(text, "the role of a librarian") {
		t.Error("a page offers what it will refuse, or does not say why not")
	}
}

// TestThisMachine: whoever is at the hub's machine may do everything until somebody
// has an account, and nobody else ever.
func TestThisMachine(t *testing.T) {
	o := &office{t: t, now: now}
	o.h, o.store, _ = newOffice(t, Settings{Source: source{}})
	may := func(headers ...string) bool { return get(o.h, "/accounts", headers...).StatusCode == 200 }
	if !may() {
		t.Error("a first try needs an account")
	}
	if may("X-Forwarded-For", "127.0.0.1") || may("Via", "1.1 proxy") {
		t.Error("a proxy is taken for this machine")
	}
	if r := post(o.h, "/accounts", url.Values{"name": {"maija"}, "role": {"viewer"}}); r.StatusCode != 422 || !strings.Contains(r.text, "must be an administrator") {
		t.Errorf("a first account that cannot add others: %d", r.StatusCode)
	}
	made := post(o.h, "/accounts", url.Values{"name": {"maija"}, "role": {"administrator"}})
	if made.StatusCode != 200 || !strings.Contains(made.text, "http://localhost/welcome/") {
		t.Fatalf("the first account: %d, want its link", made.StatusCode)
	}
	if may() {
		t.Error("the machine opens everything though somebody has an account")
	}
	r := get(o.h, "/loans?station=maple-house")
	if r.StatusCode != 303 || r.Header.Get("Location") != "/sign-in?next=%2Floans%3Fstation%3Dmaple-house" {
		t.Errorf("then: %d to %q", r.StatusCode, r.Header.Get("Location"))
	}
	far, err := New(Settings{Source: source{}, Accounts: o.store})
	o.ok(err)
	if r := get(far, "/"); r.StatusCode != 303 {
		t.Errorf("pages that others reach: %d without signing in", r.StatusCode)
	}
}

// TestTableIsWhole: a line that forgets something is not served.
func TestTableIsWhole(t *testing.T) {
	for _, rt := range []route{
		{method: "GET", pattern: "/x"},
		{method: "GET", pattern: "/x", least: "king"},
		{method: "GET", pattern: "/x", least: store.Viewer, reach: there},
		{method: "POST", pattern: "/x", least: store.Viewer},
		{method: "GET", pattern: "/api/x", least: store.Viewer},
	} {
		if rt.check() == nil {
			t.Errorf("%+v is served", rt)
		}
	}
}

// TestDeedsHaveWords: all that the trail may say, and all that tokens may have, can be
// read in every language.
func TestDeedsHaveWords(t *testing.T) {
	o := newPeople(t, Settings{})
	for _, path := range []string{"/trail", "/account/tokens"} {
		for _, lang := range []string{"en", "fi", "sv"} {
			text := get(o.h, path, "Cookie", o.session("administrator", now, now.Add(time.Duration(len(path))*time.Second)), "Accept-Language", lang).text
			if strings.Contains(text, ">deed.") || strings.Contains(text, " scope.") {
				t.Errorf("%s in %s lacks a phrase", path, lang)
			}
			o.ok(o.store.ForgetSessions(t.Context(), now.Add(time.Hour), now))
		}
	}
}
