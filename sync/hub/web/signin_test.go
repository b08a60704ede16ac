package web

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"coldstation/sync/hub/store"
)

func in(name, password string, more ...string) url.Values {
	form := url.Values{"name": {name}, "password": {password}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

// cookie is the session's, as the browser would send it again.
func (r reply) cookie(name string) (set *http.Cookie) {
	for _, c := range (&http.Response{Header: r.Header}).Cookies() {
		if c.Name == name {
			set = c
		}
	}
	return set
}

func TestSignIn(t *testing.T) {
	o := newPeople(t, Settings{})
	for _, tt := range []struct {
		name   string
		form   url.Values
		status int
		want   string // where to, or what is said
	}{
		{"right", in("librarian", password), 303, "/"},
		{"with another's way of writing it", in(" Librarian ", password), 303, "/"},
		{"on to the page they wanted", in("librarian", password, "next", "/loans?station=maple-house"), 303, "/loans?station=maple-house"},
		{"on to another site", in("librarian", password, "next", "//evil.example/"), 303, "/"},
		{"on to another site, slyly", in("librarian", password, "next", `/\evil.example`), 303, "/"},
		{"on to another site, outright", in("librarian", password, "next", "https://evil.example/"), 303, "/"},
		{"with a header inside", in("librarian", password, "next", "/x\r\nSet-Cookie: y"), 303, "/"},
		{"wrong", in("librarian", "something else"), 422, "do not go together"},
		{"nobody", in("no-such-one", password), 422, "do not go together"},
		{"no name that can be one", in("<script>", password), 422, "do not go together"},
		{"no name", in("", password), 422, "Write the name"},
		{"no password yet", in("waiting", ""), 422, "do not go together"},
	} {
		_ = o.store.AddAccount(t.Context(), store.Account{Name: "waiting"})
		r := post(o.h, "/sign-in", tt.form)
		said := r.text
		if r.StatusCode == 303 {
			said = r.Header.Get("Location")
		}
		set := r.cookie("session")
		if r.StatusCode != tt.status || r.StatusCode == 303 && said != tt.want || !strings.Contains(said, tt.want) || (set != nil) != (tt.status == 303) {
			t.Errorf("%s: %d %q, cookie %v; want %d %q", tt.name, r.StatusCode, said, set, tt.status, tt.want)
		}
		if strings.Contains(r.text, password) {
			t.Errorf("%s: the page shows the password", tt.name)
		}
		checkHeaders(t, tt.name, r.Header)
	}
	if r := post(o.h, "/sign-in", in("Viewer", "wrong", "next", "/loans")); !strings.Contains(r.text, `value="Viewer"`) || !strings.Contains(r.text, `value="/loans"`) {
		t.Error("what was typed is gone")
	}
	if r := post(o.h, "/sign-in", in("viewer", password), "Origin", "https://evil.example"); r.StatusCode != 403 {
		t.Errorf("a form of another site signs in: %d", r.StatusCode)
	}
}

// TestSessionIsNew: a session that somebody planted in the browser opens nothing,
// and the one before ends.
func TestSessionIsNew(t *testing.T) {
	o := newPeople(t, Settings{})
	planted := "session=planted"
	first := post(o.h, "/sign-in", in("viewer", password), "Cookie", planted).cookie("session")
	if first == nil || first.Value == "planted" || len(first.Value) < 26 {
		t.Fatalf("signed in with %v", first)
	}
	if get(o.h, "/", "Cookie", planted).StatusCode != 303 {
		t.Error("the planted session opens the pages")
	}
	cookie := "session=" + first.Value
	if get(o.h, "/", "Cookie", cookie).StatusCode != 200 {
		t.Fatal("the session opens nothing")
	}
	second := post(o.h, "/sign-in", in("librarian", password), "Cookie", cookie).cookie("session")
	if second == nil || second.Value == first.Value || get(o.h, "/", "Cookie", cookie).StatusCode != 303 {
		t.Error("the session before goes on")
	}
	if !first.HttpOnly || first.SameSite != http.SameSiteLaxMode || first.Path != "/" || first.Secure || first.Domain != "" {
		t.Errorf("cookie without TLS: %+v", first)
	}
	r := post(o.h, "/sign-out", nil, "Cookie", "session="+second.Value)
	if gone := r.cookie("session"); r.StatusCode != 303 || gone == nil || gone.MaxAge >= 0 || get(o.h, "/", "Cookie", "session="+second.Value).StatusCode != 303 {
		t.Errorf("signing out: %d, %v", r.StatusCode, gone)
	}
}

// TestBehindProxy: what a proxy of our own machine says is believed, and nobody
// else.
func TestBehindProxy(t *testing.T) {
	s := &site{Settings: Settings{Hosts: []string{"hub.example"}}}
	for _, tt := range []struct {
		name, peer, forwarded, proto, url string
		address                           string
		secure                            bool
	}{
		{"our proxy", "127.0.0.1:5", "203.0.113.9", "https", "", "203.0.113.9", true},
		{"our proxy, told lies before", "127.0.0.1:5", "198.51.100.1, 203.0.113.9", "https", "", "203.0.113.9", true},
		{"our proxy, in the clear", "[::1]:5", "2001:db8::1", "http", "", "2001:db8::1", false},
		{"our proxy, with nonsense", "127.0.0.1:5", "nonsense", "", "", "127.0.0.1", false},
		{"somebody else", "198.51.100.1:5", "203.0.113.9", "https", "", "198.51.100.1", false},
		{"a proxy elsewhere, and an address with TLS", "198.51.100.1:5", "", "", "https://hub.example/", "198.51.100.1", true},
	} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://hub.example/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.RemoteAddr, s.URL = tt.peer, tt.url
		r.Header.Set("X-Forwarded-For", tt.forwarded)
		r.Header.Set("X-Forwarded-Proto", tt.proto)
		if got := s.address(r); got != tt.address || s.secure(r) != tt.secure {
			t.Errorf("%s: from %s, secure %v; want %s, %v", tt.name, got, s.secure(r), tt.address, tt.secure)
		}
		if name, want := s.cookieName(r), map[bool]string{true: "__Host-session", false: "session"}[tt.secure]; name != want {
			t.Errorf("%s: cookie %s, want %s", tt.name, name, want)
		}
	}
}

// TestSessionsEnd: by themselves when nobody is there, though a page keeps itself
// fresh; and in any case after a while.
func TestSessionsEnd(t *testing.T) {
	o := newPeople(t, Settings{})
	cookie := o.session("viewer", o.now, o.now)
	open := func(headers ...string) bool {
		return get(o.h, "/", append(headers, "Cookie", cookie)...).StatusCode == 200
	}
	for range 6 {
		o.now = o.now.Add(119 * time.Minute)
		if !open() {
			t.Fatalf("signed out at %s though they were there", o.now)
		}
	}
	o.now = now.Add(12 * time.Hour)
	if open() {
		t.Error("signed in for ever")
	}
	cookie = o.session("viewer", o.now, o.now.Add(-time.Minute))
	for range 4 {
		o.now = o.now.Add(30 * time.Minute)
		open("Sec-Fetch-Dest", "empty")
	}
	if open() {
		t.Error("an open page keeps somebody signed in")
	}
}

// TestTries tells of who waits after wrong passwords, and who need not.
func TestTries(t *testing.T) {
	var tr tries
	at := now
	many := func(n int, account, address string) (let int) {
		for i := range n {
			if tr.take(strings.ReplaceAll(account, "#", fmt.Sprint(i)), strings.ReplaceAll(address, "#", fmt.Sprint(i)), at) == 0 {
				let++
			}
		}
		return let
	}
	check := func(what string, got, want int) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %d let through, want %d", what, got, want)
		}
	}
	check("one account from one address", many(9, "maija", "203.0.113.1"), 5)
	check("the account from elsewhere", many(1, "maija", "203.0.113.2"), 1)
	check("another account from there", many(1, "kalle", "203.0.113.1"), 1)
	at = at.Add(15 * time.Minute)
	check("after a quarter of an hour", many(9, "maija", "203.0.113.1"), 5)
	check("one address, many accounts", many(99, "name-#", "203.0.113.3"), 30)
	check("another address meanwhile", many(1, "aino", "203.0.113.4"), 1)
	check("a proxy that does not say who", many(99, "name-#", "127.0.0.1"), 99)
	at = at.Add(15 * time.Minute)
	tr.take("maija", "198.51.100.1", at)
	tr.right("maija", "198.51.100.1", at)
	check("an account from everywhere", many(250, "maija", "10.0.0.#"), 100)
	check("its holder, where they were before", many(1, "maija", "198.51.100.1"), 1)
	check("another account meanwhile", many(1, "kalle", "10.0.0.1"), 1)
	check("one network of the new kind", many(9, "kalle", "2001:db8::#"), 5)
	at = at.Add(15 * time.Minute)
	for range 9 {
		check("right ones do not count", many(1, "sanna", "203.0.113.9"), 1)
		tr.right("sanna", "203.0.113.9", at)
	}
}

// TestBruteForce: the sixth wrong password from an address is not even looked at, and
// the holder, elsewhere, goes in.
func TestBruteForce(t *testing.T) {
	o := newPeople(t, Settings{})
	for range 5 {
		post(o.h, "/sign-in", in("viewer", "guess"))
	}
	if r := post(o.h, "/sign-in", in("viewer", password)); r.StatusCode != 422 || !strings.Contains(r.text, "quarter of an hour") {
		t.Errorf("the sixth try: %d", r.StatusCode)
	}
	if r := post(o.h, "/sign-in", in("librarian", password)); r.StatusCode != 303 {
		t.Errorf("somebody else: %d", r.StatusCode)
	}
	deeds, err := o.store.Trail(t.Context(), store.TrailQuery{What: "sign-in-failed", Limit: 10})
	if err != nil || len(deeds) != 5 || deeds[0].About != "viewer" || deeds[0].Who != "" {
		t.Errorf("the trail has %+v, %v", deeds, err)
	}
}

func TestPasswordFault(t *testing.T) {
	for password, want := range map[string]string{
		"short": "short", "elevensigns": "short", strings.Repeat("long ", 60): "long",
		"aaaaaaaaaaaa": "common", "123123123123": "common", "123456789012": "common", "abcdefghijkl": "common", "Password1234": "common", "passwordpassword": "common",
		"Salasana2026!": "common", "kirjasto-2026": "common", "qwertyuiop123": "common", "CorrectHorseBatteryStaple": "common", "coldstation12": "common",
		"maija.meri.12": "own", "MaijaMaija77!": "own",
		"seven quiet moose walk": "", "syksyllä sataa harvoin": "", "ÄÖÅäöå-12.qX": "", "the password of our cellar door": "",
	} {
		if got := strings.TrimPrefix(passwordFault(password, password, "maija.meri", "Maija Meri"), "password."); got != want {
			t.Errorf("%q: %q, want %q", password, got, want)
		}
	}
	if passwordFault("seven quiet moose walk", "seven quiet moose walks", "x", "") != "password.differs" {
		t.Error("two that differ")
	}
}

// TestWelcome: a link opens an account once, for who chooses a good password.
func TestWelcome(t *testing.T) {
	o := newPeople(t, Settings{})
	path, link := NewLink("spare", now)
	o.ok(o.store.OfferLink(t.Context(), link))
	choose := func(new, again string) reply { return post(o.h, path, url.Values{"new": {new}, "again": {again}}) }
	if r := get(o.h, path); r.StatusCode != 200 || !strings.Contains(r.text, "spare") {
		t.Errorf("the page: %d", r.StatusCode)
	} else {
		checkPage(t, path, "en", r.text)
	}
	if r := choose("short", "short"); r.StatusCode != 422 || !strings.Contains(r.text, `id="new-wrong"`) || !strings.Contains(r.text, `aria-describedby="new-hint new-wrong"`) {
		t.Errorf("a short one: %d", r.StatusCode)
	}
	if r := choose("nine grey herons wait", "nine"); r.StatusCode != 422 || !strings.Contains(r.text, `id="again-wrong"`) {
		t.Errorf("two that differ: %d", r.StatusCode)
	}
	r := choose("nine grey herons wait", "nine grey herons wait")
	if r.StatusCode != 303 || r.Header.Get("Location") != "/" || r.cookie("session") == nil {
		t.Errorf("a good one: %d to %q", r.StatusCode, r.Header.Get("Location"))
	}
	for what, r := range map[string]reply{"used": get(o.h, path), "used, to choose": choose("ten grey herons wait", "ten grey herons wait"), "invented": get(o.h, "/welcome/x")} {
		if r.StatusCode != http.StatusGone {
			t.Errorf("a link that is %s: %d, want 410", what, r.StatusCode)
		}
	}
	if r := post(o.h, "/sign-in", in("spare", "nine grey herons wait")); r.StatusCode != 303 {
		t.Errorf("signing in with it: %d", r.StatusCode)
	}
	late, link := NewLink("spare", now.Add(-LinkLife))
	o.ok(o.store.OfferLink(t.Context(), link))
	if r := get(o.h, late); r.StatusCode != http.StatusGone {
		t.Errorf("a link of the day before yesterday: %d, want 410", r.StatusCode)
	}
}

// TestOwnAccount: a password is changed by who knows it, and ends all other sessions.
func TestOwnAccount(t *testing.T) {
	o := newPeople(t, Settings{})
	here, there := o.session("viewer", now, now), o.session("viewer", now, now.Add(-time.Second))
	another := o.session("librarian", now, now)
	change := func(old, new string) reply {
		return post(o.h, "/account/password", url.Values{"old": {old}, "new": {new}, "again": {new}}, "Cookie", here)
	}
	if r := change("wrong", "nine grey herons wait"); r.StatusCode != 422 || !strings.Contains(r.text, `id="old-wrong"`) {
		t.Errorf("the wrong old one: %d", r.StatusCode)
	}
	if r := change(password, "viewerviewer1"); r.StatusCode != 422 || !strings.Contains(r.text, "Your own name") {
		t.Errorf("their own name: %d", r.StatusCode)
	}
	text := get(o.h, "/account", "Cookie", here).text
	if ids := regexp.MustCompile(`name="id" value="([^"]+)"`).FindAllString(text, -1); len(ids) != 1 {
		t.Errorf("sessions to end: %v, want the other one", ids)
	}
	if r := post(o.h, "/account/sessions", url.Values{"id": {strings.TrimPrefix(another, "session=")}}, "Cookie", here); r.StatusCode != 303 || get(o.h, "/", "Cookie", another).StatusCode != 200 {
		t.Error("somebody ended another's session")
	}
	if r := change(password, "nine grey herons wait"); r.StatusCode != 303 {
		t.Errorf("a good one: %d", r.StatusCode)
	}
	if get(o.h, "/", "Cookie", here).StatusCode != 200 || get(o.h, "/", "Cookie", there).StatusCode != 303 {
		t.Error("want this session to go on and the other to end")
	}
	for range 5 {
		change("guess", "nine grey herons wait")
	}
	if r := change("guess", "x"); !strings.Contains(r.text, "quarter of an hour") {
		t.Error("a session lets somebody guess the password")
	}
}

// TestTokens: shown once, good for what they were made for, and gone when revoked.
func TestTokens(t *testing.T) {
	o := newPeople(t, Settings{})
	cookie := o.session("viewer-maple", now, now)
	form := url.Values{"title": {"Figures " + hostile}, "days": {"30"}, "scope": {"loans"}}
	for field, value := range map[string]string{"title": "", "days": "9999", "scope": "everything"} {
		wrong := url.Values{"title": form["title"], "days": form["days"], "scope": form["scope"], field: {value}}
		if r := post(o.h, "/account/tokens", wrong, "Cookie", cookie); r.StatusCode != 422 || field != "title" && !strings.Contains(r.text, "Figures &#34;") {
			t.Errorf("%s %q: %d, or what was typed is gone", field, value, r.StatusCode)
		}
	}
	r := post(o.h, "/account/tokens", form, "Cookie", cookie)
	shown := regexp.MustCompile(tokenMark + `[A-Z2-7]{26}`).FindString(r.text)
	if r.StatusCode != 200 || shown == "" {
		t.Fatalf("a token: %d", r.StatusCode)
	}
	checkPage(t, "tokens", "en", r.text)
	if again := get(o.h, "/account/tokens", "Cookie", cookie).text; strings.Contains(again, shown) {
		t.Error("it is shown again")
	}
	ask := func(path string) int { return get(o.h, path, "Authorization", "Bearer "+shown).StatusCode }
	for path, want := range map[string]int{"/api/loans": 200, "/api/loans?station=birch-house": 404, "/api/stations": 403, "/loans": 303, "/account": 303} {
		if got := ask(path); got != want {
			t.Errorf("%s with it: %d, want %d", path, got, want)
		}
	}
	o.now = now.Add(30 * 24 * time.Hour)
	if got := ask("/api/loans"); got != 401 {
		t.Errorf("when it is over: %d, want 401", got)
	}
	o.now = now
	tokens, err := o.store.Tokens(t.Context(), "viewer-maple")
	if err != nil || len(tokens) != 1 || !tokens[0].Used.Equal(now) {
		t.Fatalf("kept as %+v, %v", tokens, err)
	}
	post(o.h, "/account/tokens/end", url.Values{"id": {tokens[0].ID}}, "Cookie", o.session("viewer", now, now))
	if ask("/api/loans") != 200 {
		t.Error("another revoked it")
	}
	post(o.h, "/account/tokens/end", url.Values{"id": {tokens[0].ID}}, "Cookie", cookie)
	if got := ask("/api/loans"); got != 401 {
		t.Errorf("revoked: %d, want 401", got)
	}
}

// TestAccounts: an administrator's day, and what stands in the trail of it.
func TestAccounts(t *testing.T) {
	o := newPeople(t, Settings{})
	cookie := o.session("administrator", now, now)
	do := func(path string, form url.Values) reply {
		t.Helper()
		return post(o.h, path, form, "Cookie", cookie)
	}
	for _, tt := range []struct {
		name, path string
		form       url.Values
		status     int
		want       string
	}{
		{"no name", "/accounts", url.Values{"name": {"Ma ija"}, "title": {"Kept " + hostile}, "role": {"viewer"}}, 422, "Kept &#34;"},
		{"a name that is taken", "/accounts", url.Values{"name": {"viewer"}, "role": {"viewer"}}, 422, "already"},
		{"no role", "/accounts", url.Values{"name": {"maija"}, "role": {"king"}}, 422, "Choose a role"},
		{"no station", "/accounts", url.Values{"name": {"maija"}, "role": {"viewer"}, "station": {"nowhere"}}, 422, "no such station"},
		{"a good one", "/accounts", url.Values{"name": {"maija@library.example"}, "role": {"librarian"}, "station": {"maple-house"}}, 200, "http://localhost/welcome/"},
		{"another role", "/accounts/maija@library.example/role", url.Values{"role": {"viewer"}}, 303, ""},
		{"a role less", "/accounts/maija@library.example/role", url.Values{"end": {"maple-house"}}, 303, ""},
		{"a role of no kind", "/accounts/maija@library.example/role", url.Values{"role": {""}}, 422, "Choose a role"},
		{"a new link", "/accounts/maija@library.example/reset", nil, 200, "/welcome/"},
		{"signing out", "/accounts/viewer/sessions", nil, 303, ""},
		{"removing", "/accounts/librarian/remove", nil, 303, ""},
		{"removing nobody", "/accounts/nobody/remove", nil, 404, ""},
		{"removing the last administrator", "/accounts/administrator/remove", nil, 422, "nobody could see to the accounts"},
		{"making them less", "/accounts/administrator/role", url.Values{"role": {"viewer"}}, 422, "nobody could see to the accounts"},
	} {
		r := do(tt.path, tt.form)
		if r.StatusCode != tt.status || !strings.Contains(r.text, tt.want) {
			t.Errorf("%s: %d, want %d with %q", tt.name, r.StatusCode, tt.status, tt.want)
		}
		if r.StatusCode != 303 && r.StatusCode != 404 {
			checkPage(t, tt.name, "en", r.text)
		}
	}
	a, err := o.store.Account(t.Context(), "maija@library.example")
	if err != nil || len(a.Grants) != 1 || a.Grants[0] != (store.Grant{Role: store.Viewer}) || a.Password != "" {
		t.Errorf("left is %+v, %v", a, err)
	}
	r := get(o.h, "/trail.csv", "Cookie", cookie)
	rows, err := csv.NewReader(strings.NewReader(r.text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var done []string
	for _, row := range rows[1:] {
		if row[1] != "administrator" || row[2] != "192.0.2.1" {
			t.Errorf("the trail has %v", row)
		}
		done = append(done, row[3]+" "+row[4])
	}
	want := "account-remove librarian,sessions viewer,account-reset maija@library.example,account-role maija@library.example,account-role maija@library.example,account-add maija@library.example"
	if got := strings.Join(done, ","); got != want {
		t.Errorf("the trail, last first:\n%s, want\n%s", got, want)
	}
	if text := get(o.h, "/trail?what=account-add&q=MAIJA", "Cookie", cookie).text; !strings.Contains(text, "maija@library.example") || strings.Contains(text, "<td data-label=\"About\">viewer") {
		t.Error("a search finds something else")
	}
	for _, path := range []string{"/trail?from=x", "/trail?to=2026-99-99", "/trail?before=x", "/trail.csv?before=-1"} {
		if r := get(o.h, path, "Cookie", cookie); r.StatusCode != 400 {
			t.Errorf("%s: %d, want 400", path, r.StatusCode)
		}
	}
	if got := cell("=1+1"); got != "'=1+1" {
		t.Errorf("a formula goes out as %q", got)
	}
}

// TestHostileAccounts: names that are attacks show as they are, in every language.
func TestHostileAccounts(t *testing.T) {
	o := newPeople(t, Settings{})
	o.ok(o.store.AddAccount(t.Context(), store.Account{Name: "evil", Title: hostile, Subject: hostile, Grants: []store.Grant{{Role: "king", Station: hostile}, {Role: store.Viewer}}}))
	o.ok(o.store.Note(t.Context(), store.Deed{At: now, Who: hostile, Address: hostile, What: hostile, About: hostile}))
	o.session("evil", now, now)
	o.token("administrator", "loans")
	cookie := o.session("administrator", now, now)
	for _, path := range []string{"/account", "/account/tokens", "/accounts", "/accounts/evil", "/accounts/administrator", "/trail", "/trail?q=%22%3E%3Cscript%3E", "/decisions"} {
		for _, lang := range []string{"en", "fi", "sv"} {
			r := get(o.h, path, "Cookie", cookie, "Accept-Language", lang)
			if r.StatusCode != 200 {
				t.Errorf("%s: %d", path, r.StatusCode)
			}
			checkPage(t, path+" "+lang, lang, r.text)
		}
	}
}
