package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/net/html"

	"coldstation/assets"
	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

const hostile = `"><script>alert('x')</script>&{{.}}` + "\u202e<img src=x onerror=y>"

var now = time.Date(2026, 11, 24, 13, 40, 0, 0, time.UTC)

// source is a hub whose every word is hostile.
type source struct {
	fail     error
	decided  func(store.Decision) error
	recalled func(...store.Recall) error
	told     func(circ.StationID, ...circ.NoticeBody) error
}

func (s source) Stations(context.Context) ([]store.Station, error) {
	ledger := uuid.UUID{1}
	return []store.Station{
		{ID: "birch-house"},
		{ID: "maple-house", Title: "Maple House " + hostile, Online: true, Heard: now.Add(-2 * time.Minute), LastEvent: now.Add(-26 * time.Hour), Ledger: ledger, Cursor: 7, Reported: 9,
			BehindSince: now.Add(-20 * time.Minute), Told: 5, Taken: 3, PendingSince: now.Add(-16 * time.Minute), Loans: 2, Version: hostile,
			Conditions: []store.Condition{{Name: "fault-reader", Detail: hostile, Since: now}, {Name: "fault-" + hostile, Since: now}, {Name: store.ConditionNewer, Since: now}}},
		{ID: "willow-house", Heard: now.Add(-30 * 24 * time.Hour), Cursor: 1, Reported: 1},
	}, s.fail
}

func (s source) Station(ctx context.Context, id circ.StationID) (store.Station, error) {
	all, err := s.Stations(ctx)
	for _, st := range all {
		if st.ID == id {
			return st, err
		}
	}
	return store.Station{}, store.ErrNoStation
}

func (s source) Loans(context.Context, circ.StationID) ([]store.Loan, error) {
	return []store.Loan{
		{Item: "1", Title: hostile, Station: "maple-house", Since: now.Add(-time.Hour), Due: now.AddDate(0, 0, 28)},
		{Item: hostile, Station: "maple-house", Since: now.AddDate(0, -2, 0), Due: now.AddDate(0, -1, 0), Renewed: 1},
		{Item: "3", Title: "Is", Station: "maple-house", Since: now.AddDate(0, 0, -1), House: true},
	}, s.fail
}

func (s source) Stock(_ context.Context, q store.StockQuery) ([]store.Item, error) {
	limit := q.Limit
	items := []store.Item{{Item: circ.Item{ID: hostile, Title: hostile, Author: hostile, Year: 1972, Language: "sv", Marks: 7, Subject: hostile}, Station: "maple-house", Place: "shelf"}}
	for len(items) < limit {
		items = append(items, store.Item{Item: circ.Item{ID: "x", Title: "X", Language: hostile}})
	}
	return items, s.fail
}

func (s source) Events(_ context.Context, _ circ.StationID, before store.Position, limit int) ([]store.Event, error) {
	var events []store.Event
	for i, kind := range kinds {
		at := now.Add(-time.Duration(i) * 3 * time.Hour)
		events = append(events, store.Event{Position: store.Position{At: at, Ledger: uuid.UUID{1}, Seq: uint64(1000 - i)}, Kind: kind, Received: at,
			Clock: circ.Clock(i % 4), Err: []time.Duration{0, 5 * time.Minute, 110 * time.Minute, 72 * time.Hour}[i%4], Item: "1", Title: hostile, Patron: true, Note: hostile, Undone: i%5 == 1})
	}
	for len(events) < limit {
		events = append(events, store.Event{Kind: "FromTheFuture", Position: store.Position{At: now.AddDate(-1, 0, 0)}})
	}
	return events[:limit], s.fail
}

func (s source) PostingsNow(context.Context, string) (map[store.PostingState]int, int, error) {
	return map[store.PostingState]int{store.PostPending: 2, store.PostUnknown: 1, store.PostConfirmed: 9}, len(rules) + 2, s.fail
}

func (s source) DueDates(context.Context, string) (map[circ.ItemID]time.Time, error) {
	return map[circ.ItemID]time.Time{"1": now.AddDate(0, 0, 21)}, s.fail
}

var rules = []string{"route item", "item lost", "claims returned", "item not found", "card not found", "card blocked", "open circulation exists",
	"too many renewals", "superseded by later change", "not on loan", "outcome unknown", "order unsure", "another rule", hostile}

// card is one that no page may show.
const card = "2940001234567"

func (s source) Decisions(context.Context, string, int) ([]store.Posting, error) {
	var all []store.Posting
	for i, rule := range append(rules, "card blocked") {
		all = append(all, store.Posting{PostingKey: store.PostingKey{ILS: "koha", Station: "maple-house", Ledger: uuid.UUID{1}, Seq: uint64(i + 1)},
			Op: []store.PostingOp{store.PostLend, store.PostTakeBack, store.PostRenew, store.PostUndo}[i%4], Item: "1", Title: hostile, At: now, Rule: rule,
			Patron: circ.NewPatronID(card), WasWith: circ.NewPatronID(card), Words: card + " is Helmi", Route: hostile, State: store.PostRefused, Person: true})
	}
	return all, s.fail
}

func (s source) Decide(_ context.Context, d store.Decision) error {
	if s.decided == nil {
		return store.ErrNoDecision
	}
	return s.decided(d)
}

// Uses are of a library with one station that three people use.
func (s source) Uses(_ context.Context, q store.UseQuery) (store.Uses, error) {
	u := store.Uses{Use: store.Use{Loans: 61, Returns: 50, Renewals: 4, ReadHere: 2, House: 1, Cards: 61, New: 12}, Before: store.Use{Loans: 40, Cards: 40, New: 38},
		By:       map[circ.StationID]store.Use{"maple-house": {Loans: 50, Cards: 50}, "birch-house": {Loans: 3, Cards: 3}, "willow-house": {Loans: 9, Cards: 9}},
		ByBefore: map[circ.StationID]store.Use{"maple-house": {Loans: 40, Cards: 40}}, Unmoved: 7,
		Items: map[circ.StationID]int{"maple-house": 20}, Lost: map[circ.StationID]int{"maple-house": 2}, Steps: make([]store.Use, len(q.Steps))}
	u.Hours[9], u.Hours[11] = store.Use{Loans: 3}, store.Use{Loans: 6}
	if q.Station != "" {
		u.Use, u.Before = u.By[q.Station], u.ByBefore[q.Station]
	}
	if len(u.Steps) > 0 {
		u.Steps[0] = u.Use
	}
	return u, s.fail
}

func (s source) ItemEvents(ctx context.Context, _ circ.ItemID, limit int) (all []store.ItemEvent, err error) {
	events, err := s.Events(ctx, "", store.Position{}, limit)
	for _, e := range events {
		all = append(all, store.ItemEvent{Event: e, Station: "maple-house"})
	}
	return all, err
}

func (s source) RecallsNow(context.Context) ([]store.Recall, error) {
	return []store.Recall{{Item: circ.Item{ID: hostile}, For: hostile, Station: "maple-house"}}, s.fail
}

func (s source) Recall(_ context.Context, all ...store.Recall) error {
	if s.recalled != nil {
		return s.recalled(all...)
	}
	return s.fail
}

func (s source) EndRecall(context.Context, circ.ItemID, time.Time) error { return s.fail }

func (s source) Places(context.Context, circ.StationID) (map[string]int, error) {
	return map[string]int{"shelf": 18, "loan": 2, "box": 1}, s.fail
}

func (s source) Standing(context.Context, circ.StationID) ([]store.Stands, error) {
	return []store.Stands{{Body: circ.MessagePut{ID: "desk", Words: map[string]string{"fi": hostile, "sv": "Hej"}}, Had: true},
		{Body: circ.SettingsPut{Version: 3, Values: map[string]string{"house": "on", "undo": "1m0s", "languages": hostile}}}}, s.fail
}

func (s source) SentLog(context.Context, circ.StationID) (store.SentLog, error) {
	return store.SentLog{LogSent: circ.LogSent{Lines: packed(hostile + "\n")}, Received: now.Add(-time.Hour)}, s.fail
}

func packed(text string) []byte {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err) // no option is wrong
	}
	return z.EncodeAll([]byte(text), nil)
}

func (s source) Tell(_ context.Context, id circ.StationID, bodies ...circ.NoticeBody) error {
	if s.told != nil {
		return s.told(id, bodies...)
	}
	return s.fail
}

func (s source) SetTitle(context.Context, circ.StationID, string) error  { return s.fail }
func (s source) Clear(context.Context, circ.StationID, string) error     { return s.fail }
func (s source) Revoke(context.Context, circ.StationID, time.Time) error { return s.fail }

func propose(store.Posting) []store.Action {
	return []store.Action{store.Retry, store.Return, store.Accept, store.Leave}
}

var kinds = []string{"PatronMet", "CheckedOut", "CheckedIn", "Renewed", "Undone", "LentToHouse", "ReadHere", "Placed", "TakenOut", "ConsignmentChecked",
	"ShelfCounted", "TagSecured", "TagUnsecured", "TagFailed", "AliasLinked", "HelpAsked", "FaultRaised", "FaultCleared", "Started", "SettingsApplied", "NoticeTaken", "LogSent"}

// newSite is the pages of a hub that nobody but its own machine reaches, where nobody
// has an account.
func newSite(t *testing.T, s source, watch func(context.Context) <-chan circ.StationID) (http.Handler, *bytes.Buffer) {
	t.Helper()
	h, _, log := newOffice(t, Settings{Source: s, Watch: watch})
	return h, log
}

// newOffice is pages with settings, a store of accounts, and a log.
func newOffice(t *testing.T, settings Settings) (http.Handler, store.Store, *bytes.Buffer) {
	t.Helper()
	place, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := store.OpenSQLite(filepath.Join(t.TempDir(), "hub.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := accounts.Close(); err != nil {
			t.Error(err)
		}
	})
	log := new(bytes.Buffer)
	settings.Hosts, settings.Place, settings.Log = []string{"hub.library.example"}, place, slog.New(slog.NewTextHandler(log, nil))
	settings.Alerting, settings.Telling, settings.Privacy = accounts, telling, accounts
	settings.Restock = accounts
	settings.Accounts, settings.ILS, settings.Propose, settings.Local = accounts, "koha", propose, true
	if settings.Now == nil {
		settings.Now = func() time.Time { return now }
	}
	handler, err := New(settings)
	if err != nil {
		t.Fatal(err)
	}
	return handler, accounts, log
}

// reply is what came back, read to its end.
type reply struct {
	StatusCode int
	Header     http.Header
	text       string
}

func get(h http.Handler, path string, headers ...string) reply {
	r := httptest.NewRequest("GET", "http://localhost"+path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return reply{w.Code, w.Header(), w.Body.String()}
}

// pages is a path for each route that shows a page or answers a script; a new
// route without one fails the test below.
var pages = map[string][]string{
	"/{$}":                    {"/"},
	"/stations":               {"/stations", "/stations?q=MAPLE&sort=loans&unwell=1", "/stations?sort=x&q=%22%3E%3Cscript%3E"},
	"/decisions":              {"/decisions", "/decisions?done=2&failed=1", "/decisions?done=x"},
	"/stations/{id}":          {"/stations/maple-house", "/stations/birch-house", "/stations/willow-house", "/stations/maple-house?before=1764000000000.01000000-0000-0000-0000-000000000000.5"},
	"/loans":                  {"/loans", "/loans?station=maple-house"},
	"/items":                  {"/items", "/items?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&skip=100&place=shelf&unseen=60&station=maple-house"},
	"/stations/{id}/manage":   {"/stations/maple-house/manage", "/stations/maple-house/manage?done=settings", "/stations/maple-house/manage?trouble=nostream&preview=1&words-fi=%3Cscript%3E"},
	"/stations/{id}/log":      {"/stations/maple-house/log"},
	"/items/{item}":           {"/items/" + url.PathEscape(hostile), "/items/1"},
	"/add-station":            {"/add-station"},
	"/figures":                {"/figures", "/figures?station=maple-house&period=month&compare=year&step=day", "/figures?period=free&from=2026-01-01&to=2026-11-20&step=week&skip=1"},
	"/figures.csv":            {"/figures.csv", "/figures.csv?station=birch-house"},
	"/api/figures":            {"/api/figures", "/api/figures?period=year"},
	"/api/stations":           {"/api/stations"},
	"/api/stations/{id}":      {"/api/stations/maple-house"},
	"/api/items":              {"/api/items", "/api/items?q=x&limit=1&after=1"},
	"/api/decisions":          {"/api/decisions"},
	"/api/alerts":             {"/api/alerts?limit=1"},
	"/api/alert-rules":        {"/api/alert-rules"},
	"/api/alert-rules/{rule}": nil, // TestOpenAPI
	"/api/accounts":           {"/api/accounts"},
	"/api/authorisations":     {"/api/authorisations"},
	"/api/subscriptions":      {"/api/subscriptions"},
	"/api/openapi.yaml":       nil, // TestOpenAPI
	"/api/loans":              {"/api/loans", "/api/loans?station=maple-house"},
	"/api/events":             {"/api/events?station=maple-house&limit=30"},
	"/static/{name}":          {"/static/style.css", "/static/live.js", "/static/icon.svg"},
	"/live":                   nil, // TestLive

	"/consignments":            {"/consignments"},
	"/consignments/{box}":      nil, // TestRestock
	"/consignments/{box}/list": nil,
	"/shelves":                 {"/shelves"},
	"/stations/{id}/count":     {"/stations/maple-house/count"},
	"/recalls":                 {"/recalls", "/recalls?done=1"},
	"/losses":                  {"/losses"},
	"/rotation":                {"/rotation", "/rotation?days=30"},
	"/rotas":                   {"/rotas"},
	"/rotas/{rota}":            nil,

	"/sign-in":             {"/sign-in", "/sign-in?next=/loans&trouble=role", "/sign-in?out=1&trouble=x&next=//evil.example"},
	"/sign-in/elsewhere":   nil, // TestElsewhere
	"/sign-in/back":        nil,
	"/welcome/{code}":      nil, // TestWelcome
	"/account":             {"/account", "/account?done=password"},
	"/account/tokens":      {"/account/tokens"},
	"/accounts":            {"/accounts"},
	"/accounts/{name}":     nil, // TestHostileAccounts
	"/trail":               {"/trail", "/trail?q=%22%3E%3Cscript%3E&what=decide&from=2026-11-01&to=2026-11-24"},
	"/alerts":              {"/alerts", "/alerts?before=1764000000000.x"},
	"/privacy":             {"/privacy"},
	"/alerts/rules":        {"/alerts/rules", "/alerts/rules?done=try"},
	"/alerts/rules/{rule}": {"/alerts/rules/new"},
	"/trail.csv":           {"/trail.csv"},
	"/":                    nil, // TestFaults
}

func TestRoutesAreTested(t *testing.T) {
	for _, rt := range (&site{}).routes() {
		if _, found := pages[rt.pattern]; !found && rt.method == "GET" {
			t.Errorf("no test asks for %s", rt.pattern)
		}
	}
}

// TestHostile asks for every page in every language while every title, name and
// note is an attack: each page is well-formed, in its language, without a phrase
// missing, and runs nothing but our own script.
func TestHostile(t *testing.T) {
	h, _ := newSite(t, source{}, nil)
	for _, paths := range pages {
		for _, path := range paths {
			for _, lang := range []string{"en", "fi", "sv"} {
				r := get(h, path, "Accept-Language", lang)
				text := r.text
				if r.StatusCode != http.StatusOK {
					t.Errorf("%s: %d", path, r.StatusCode)
				}
				checkHeaders(t, path, r.Header)
				if strings.Contains(text, card) || strings.Contains(text, "Helmi") {
					t.Errorf("%s names a patron", path)
				}
				kind := r.Header.Get("Content-Type")
				switch {
				case strings.HasPrefix(kind, "text/html"):
					checkPage(t, path+" "+lang, lang, text)
				case strings.HasPrefix(kind, "application/json"):
					if !json.Valid([]byte(text)) || strings.Contains(text, "<script") {
						t.Errorf("%s: not JSON, or not safe inside a page: %s", path, text)
					}
				case !strings.HasPrefix(path, "/static/") && !strings.HasPrefix(kind, "text/csv"):
					t.Errorf("%s: Content-Type %q", path, kind)
				}
			}
		}
	}
}

func checkHeaders(t *testing.T, path string, header http.Header) {
	t.Helper()
	policy := header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
		t.Errorf("%s: Content-Security-Policy %q", path, policy)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
		if got := header.Get(name); got != want {
			t.Errorf("%s: %s %q, want %q", path, name, got, want)
		}
	}
	if got := header.Get("Cache-Control"); got != "no-store" && !strings.HasPrefix(path, "/static/") {
		t.Errorf("%s: Cache-Control %q, want no-store", path, got)
	}
}

var phraseKey = regexp.MustCompile(`>\s*[a-z]+(\.[A-Za-z-]+)+\s*<|\{[0-9]\}`)

func checkPage(t *testing.T, path, lang, text string) {
	t.Helper()
	page, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	ids, h1 := make(map[string]bool), 0
	for n := range page.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "html":
			if got := attribute(n, "lang"); got != lang {
				t.Errorf("%s: in language %q, want %q", path, got, lang)
			}
		case "h1":
			h1++
		case "script":
			if src := attribute(n, "src"); src != "/static/live.js" && src != "/static/scan.js" || n.FirstChild != nil {
				t.Errorf("%s: a script of %q", path, attribute(n, "src"))
			}
		case "img", "iframe", "object", "style", "base":
			t.Errorf("%s: a %s crept in", path, n.Data)
		}
		for _, a := range n.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "style":
				t.Errorf("%s: %s has %s=%q", path, n.Data, a.Key, a.Val)
			case a.Key == "href", a.Key == "src", a.Key == "action":
				if !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "?") && !strings.HasPrefix(a.Val, "#") || strings.HasPrefix(a.Val, "//") {
					t.Errorf("%s: a link to %q", path, a.Val)
				}
			case a.Key == "id":
				if ids[a.Val] {
					t.Errorf("%s: two elements are %q", path, a.Val)
				}
				ids[a.Val] = true
			}
		}
	}
	if h1 != 1 {
		t.Errorf("%s: %d headings of the first rank, want 1", path, h1)
	}
	if found := phraseKey.FindString(text); found != "" {
		t.Errorf("%s: shows %q, which is no phrase", path, found)
	}
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// TestPhrases: every language has every phrase, and takes the same arguments.
func TestPhrases(t *testing.T) {
	tongues, err := readTongues(assets.Pages)
	if err != nil {
		t.Fatal(err)
	}
	english := tongues.named("en")
	arguments := regexp.MustCompile(`\{[0-9]\}`)
	gaps := func(text string) []string {
		found := arguments.FindAllString(text, -1)
		slices.Sort(found)
		return found
	}
	for _, w := range tongues.all {
		for key, text := range english.phrases {
			if strings.TrimSpace(w.phrases[key]) == "" {
				t.Errorf("%s has no %s", w.code, key)
			}
			if !slices.Equal(gaps(w.phrases[key]), gaps(text)) {
				t.Errorf("%s %s: %q takes other arguments than %q", w.code, key, w.phrases[key], text)
			}
		}
		if len(w.phrases) != len(english.phrases) {
			t.Errorf("%s has %d phrases, English %d", w.code, len(w.phrases), len(english.phrases))
		}
		for _, kind := range kinds {
			if _, found := w.phrases["event."+kind]; !found {
				t.Errorf("%s has no sentence for %s", w.code, kind)
			}
		}
	}
	text := ""
	files, err := fs.Glob(assets.Pages, "pages/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		page, err := assets.Pages.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text += string(page)
	}
	for _, found := range regexp.MustCompile(`\.T "([^"]+)"`).FindAllStringSubmatch(text, -1) {
		if _, has := english.phrases[found[1]]; !has {
			t.Errorf("the pages want %s, which is no phrase", found[1])
		}
	}
}

func TestLanguage(t *testing.T) {
	h, _ := newSite(t, source{}, nil)
	for _, tt := range []struct{ name, path, accept, cookie, want string }{
		{"nothing asked", "/", "", "", "en"},
		{"the browser's", "/", "sv-FI,sv;q=0.9,en;q=0.5", "", "sv"},
		{"one we do not have", "/", "de", "", "en"},
		{"nonsense", "/", ";;;", "", "en"},
		{"chosen before", "/", "sv", "lang=fi", "fi"},
		{"chosen now", "/?lang=en", "sv", "lang=fi", "en"},
		{"chosen, and not ours", "/?lang=xx", "sv", "lang=fi", "sv"},
		{"an attack", "/?lang=%0d%0aSet-Cookie:x", "fi", "", "fi"},
	} {
		r := get(h, tt.path, "Accept-Language", tt.accept, "Cookie", tt.cookie)
		if got := r.Header.Get("Content-Language"); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		cookies := r.Header.Values("Set-Cookie")
		if (len(cookies) == 1) != (tt.name == "chosen now") {
			t.Errorf("%s: cookies %v", tt.name, cookies)
		}
	}
}

// TestConditions: what only a clock sees, and what is no news beside something
// worse.
func TestConditions(t *testing.T) {
	s := &site{Settings: Settings{Now: func() time.Time { return now }, Silent: 10 * time.Minute, Behind: 15 * time.Minute}}
	late, soon, here := now.Add(-16*time.Minute), now.Add(-14*time.Minute), now.Add(-time.Minute)
	refuses := store.Condition{Name: store.ConditionRefuses}
	for _, tt := range []struct {
		name    string
		station store.Station
		want    []string
	}{
		{"never heard", store.Station{Told: 3, PendingSince: late}, nil},
		{"well", store.Station{Heard: here}, nil},
		{"silent", store.Station{Heard: now.Add(-11 * time.Minute), Reported: 1, BehindSince: late, Told: 1, PendingSince: late}, []string{"silent"}},
		{"behind", store.Station{Heard: here, Reported: 1, BehindSince: late}, []string{"behind"}},
		{"takes nothing", store.Station{Heard: here, Told: 1, PendingSince: late}, []string{"untaken"}},
		{"refuses", store.Station{Heard: here, Told: 1, PendingSince: soon, Conditions: []store.Condition{refuses}}, []string{"refuses"}},
		{"will take it soon", store.Station{Heard: here, Told: 1, PendingSince: soon}, nil},
		{"both ways", store.Station{Heard: here, Reported: 1, BehindSince: late, Told: 1, PendingSince: late}, []string{"behind", "untaken"}},
		{"its certificate was not renewed", store.Station{Heard: here, Expires: now.AddDate(0, 0, 59)}, []string{"expiring"}},
		{"nor was it heard", store.Station{Heard: now.Add(-11 * time.Minute), Expires: now.AddDate(0, 0, -1)}, []string{"expiring", "silent"}},
		{"it will be renewed", store.Station{Heard: here, Expires: now.AddDate(0, 0, 61)}, nil},
		{"turned away", store.Station{Heard: late, Revoked: here, Told: 1, PendingSince: late}, []string{"revoked"}},
	} {
		var got []string
		for _, c := range s.conditions(tt.station) {
			got = append(got, c.Name)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestWords: a station's page reads as a librarian would say it.
func TestWords(t *testing.T) {
	h, _ := newSite(t, source{}, nil)
	for path, want := range map[string][]string{
		"/decisions": {"16 decisions are waiting.", "The library system refuses the card", "Lift the block", "Lent Today, 15:40 at", "Accept as returned", "For all that are ticked"},
		"/":          {"16 decisions are waiting.", "Ask the house to check its cable.", "Heard 30 days ago"},
		"/stations": {"2 stations need a look.", "Heard 2 minutes ago", "Heard 30 days ago, not connected now", "Not heard yet", "2 events, first noticed 20 minutes ago", "2 messages, the last step 16 minutes ago", "Maple House", "What the library tells the station waits.",
			"The reader pad does not answer.", "Events wait at the station.", "Nothing heard for a while."},
		"/stations/maple-house": {"Update the hub", "Yesterday, 13:40", "A card was used here for the first time", "Today", "Yesterday", "The shelf was counted", "taken back", "Earlier", "about ", ", ± 5 min", ", ± 2 h", ", ± 3 days", "Maple House"},
		"/loans":                {"3 items", "as long as they like", "past the day", "in the house", "Maple House", "promised at the station: Tuesday 22 December 2026", "Tuesday 15 December 2026", "Tuesday 22 December 2026"},
		"/items":                {"large print", "audio", "easy language", "Swedish", "on the shelf", "Next"},
	} {
		text := get(h, path).text
		for _, phrase := range want {
			if !strings.Contains(text, phrase) {
				t.Errorf("%s does not say %q", path, phrase)
			}
		}
	}
	for path, want := range map[string]string{"/stations?lang=fi": "Kuultu 2 minuuttia sitten", "/loans?lang=fi": "tiistai 22. joulukuuta 2026", "/loans?lang=sv": "tisdag 22 december 2026"} {
		if text := get(h, path).text; !strings.Contains(text, want) {
			t.Errorf("%s does not say %q", path, want)
		}
	}
}

func TestFaults(t *testing.T) {
	h, log := newSite(t, source{}, nil)
	for path, want := range map[string]int{
		"/nothing": 404, "/stations/nowhere": 404, "/stations/": 404, "/loans?station=nowhere": 404, "/static/../web.go": 307, "/static/en.json": 404,
		"/stations/maple-house?before=x": 400, "/stations/maple-house?before=-1.x.1": 400, "/items?skip=-1": 400, "/items?place=x": 400, "/items?unseen=x": 400, "/items?skip=99999999999": 400,
		"/figures?period=x": 400, "/figures?skip=x": 400, "/figures?station=nowhere": 404, "/figures.csv?from=x": 400, "/api/figures?to=x": 400,
		"/api/events": 400, "/api/events?station=maple-house&limit=9999": 400, "/api/events?station=maple-house&before=x": 400, "/api/loans?station=nowhere": 404,
	} {
		r := get(h, path)
		if r.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, r.StatusCode, want)
		}
		checkHeaders(t, path, r.Header)
	}
	if log.Len() > 0 {
		t.Errorf("mistyped addresses are logged:\n%s", log)
	}
	broken, log := newSite(t, source{fail: errors.New("disk of secrets is full")}, nil)
	for _, path := range []string{"/", "/stations", "/decisions", "/stations/maple-house", "/loans", "/items", "/figures", "/figures.csv", "/api/figures", "/api/stations", "/api/loans", "/api/events?station=maple-house"} {
		r := get(broken, path)
		if text := r.text; r.StatusCode != 500 || strings.Contains(text, "secrets") {
			t.Errorf("%s: %d %s, want 500 and no word of why", path, r.StatusCode, text)
		}
	}
	if !strings.Contains(log.String(), "disk of secrets is full") {
		t.Error("the log does not say why")
	}
	r := httptest.NewRequest("POST", "http://localhost/", nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d, want 405", w.Code)
	}
}

// TestHosts: a page elsewhere that points its own name at this machine gets nothing.
func TestHosts(t *testing.T) {
	h, _ := newSite(t, source{}, nil)
	for host, want := range map[string]int{"localhost": 200, "localhost:8080": 200, "127.0.0.1:8080": 200, "[::1]:8080": 200, "HUB.library.example": 200, "evil.example": 421, "localhost.evil.example:80": 421, "": 421} {
		r := httptest.NewRequest("GET", "/api/loans", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("host %q: %d, want %d", host, w.Code, want)
		}
	}
}

func TestLive(t *testing.T) {
	changes := make(chan circ.StationID)
	gone := make(chan struct{})
	h, _ := newSite(t, source{}, func(ctx context.Context) <-chan circ.StationID {
		context.AfterFunc(ctx, func() { close(gone) })
		return changes
	})
	server := httptest.NewServer(h)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/live?station=maple-house", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if kind := answer.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("Content-Type %q", kind)
	}
	checkHeaders(t, "/live", answer.Header)
	lines := bufio.NewScanner(answer.Body)
	next := func() string {
		for lines.Scan() {
			if lines.Text() != "" {
				return lines.Text()
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return ""
	}
	if got := next(); got != "retry: 3000" {
		t.Errorf("began with %q", got)
	}
	changes <- "birch-house" // not asked for
	changes <- "maple-house"
	if event, data := next(), next(); event != "event: change" || data != "data: maple-house" {
		t.Errorf("got %q %q, want a change at maple-house", event, data)
	}
	cancel()
	<-gone // the watch ends with the reader
}

// watching is a feed that is there already.
func watching(changes chan circ.StationID) func(context.Context) <-chan circ.StationID {
	return func(context.Context) <-chan circ.StationID { return changes }
}

// TestAPI: scripts get what the pages show, under the names they know.
func TestAPI(t *testing.T) {
	h, _ := newSite(t, source{}, nil)
	var stations []struct {
		ID             string `json:"id"`
		Online         bool   `json:"online"`
		LastSeq        uint64 `json:"last_seq"`
		Queue          uint64 `json:"queue"`
		NoticesPending uint64 `json:"notices_pending"`
		Loans          int    `json:"loans"`
	}
	if err := json.Unmarshal([]byte(get(h, "/api/stations").text), &stations); err != nil {
		t.Fatal(err)
	}
	if s := stations[1]; s.ID != "maple-house" || !s.Online || s.LastSeq != 7 || s.Queue != 2 || s.NoticesPending != 2 || s.Loans != 2 {
		t.Errorf("station %+v", s)
	}
	var loans []struct{ Station, Item, Title, Due string }
	if err := json.Unmarshal([]byte(get(h, "/api/loans").text), &loans); err != nil {
		t.Fatal(err)
	}
	if l := loans[0]; l.Station != "maple-house" || l.Item != "1" || l.Title != hostile || l.Due != "2026-12-22T13:40:00Z" {
		t.Errorf("loan %+v", l)
	}
	var events []struct {
		Position, Kind string
		Seq            uint64
	}
	if err := json.Unmarshal([]byte(get(h, "/api/events?station=maple-house&limit=2").text), &events); err != nil {
		t.Fatal(err)
	}
	if len(events) != 2 || events[1].Kind != "CheckedOut" || events[1].Seq != 999 {
		t.Errorf("events %+v", events)
	}
	if p, err := position(events[1].Position); err != nil || p.Seq != 999 || formatPosition(p) != events[1].Position {
		t.Errorf("position %q: %+v, %v", events[1].Position, p, err)
	}
}

func TestStaticIsKept(t *testing.T) {
	h, _ := newSite(t, source{}, nil)
	first := get(h, "/static/style.css")
	again := get(h, "/static/style.css", "If-None-Match", first.Header.Get("ETag"))
	if first.Header.Get("ETag") == "" || again.StatusCode != http.StatusNotModified {
		t.Errorf("asked again: %d, want 304", again.StatusCode)
	}
}

// TestStoreDamaged: the first page says that the hub's own store is damaged, and what
// to do, in each language, and before all else.
func TestStoreDamaged(t *testing.T) {
	for language, words := range map[string]string{"en": "can no longer be read. It was found: Today, ", "sv": "går inte längre att läsa", "fi": "ei voi enää lukea"} {
		for _, since := range []time.Time{{}, now.Add(-time.Hour)} {
			h, _, _ := newOffice(t, Settings{Source: source{}, Damaged: func() time.Time { return since }, Away: func() time.Time { return now.Add(-time.Hour) }})
			page := get(h, "/", "Accept-Language", language).text
			if strings.Contains(page, words) == since.IsZero() || strings.Contains(page, "hub restore --replace") == since.IsZero() {
				t.Errorf("damaged since %v: in %s the page says so: %t", since, language, since.IsZero())
			}
		}
	}
}

// TestAway: the first page says that the library system has not answered for long,
// since when, and how much waits for it; and no longer when it answers.
func TestAway(t *testing.T) {
	for name, tt := range map[string]struct {
		since time.Time
		said  bool
	}{
		"it answers":   {},
		"for a moment": {now.Add(-14 * time.Minute), false},
		"for long":     {now.Add(-16 * time.Minute), true},
	} {
		h, _, _ := newOffice(t, Settings{Source: source{}, Away: func() time.Time { return tt.since }})
		page := get(h, "/").text
		for _, words := range []string{"has not answered since: Today, ", "3 loans and returns wait for it."} {
			if strings.Contains(page, words) != tt.said {
				t.Errorf("%s: the page says %q: %t, want %t", name, words, !tt.said, tt.said)
			}
		}
	}
}
