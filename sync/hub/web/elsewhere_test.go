package web

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"coldstation/sync/hub/store"
)

func TestClaimRoles(t *testing.T) {
	for _, text := range []string{"", "staff", "=viewer", "staff=king", "staff=viewer@", "staff=viewer@../x"} {
		if c, err := ParseClaimRole(text); err == nil {
			t.Errorf("%q is %+v", text, c)
		}
	}
	e := &Elsewhere{Claim: "groups"}
	for _, text := range []string{"staff=librarian", "it=administrator", "cn=a=b,ou=c=viewer", "maple=viewer@maple-house", "maple-staff=librarian@maple-house"} {
		c, err := ParseClaimRole(text)
		if err != nil {
			t.Fatal(err)
		}
		e.Roles = append(e.Roles, c)
	}
	for _, tt := range []struct {
		name  string
		claim any
		want  []store.Grant
	}{
		{"none", nil, nil},
		{"a number", 7.0, nil},
		{"one, as text", "staff", []store.Grant{{Role: store.Librarian}}},
		{"one with the separator in it", "cn=a=b,ou=c", []store.Grant{{Role: store.Viewer}}},
		{"a list with the greater first", []any{"it", "staff", 7.0, "other"}, []store.Grant{{Role: store.Administrator}}},
		{"a list with the greater last", []any{"staff", "it"}, []store.Grant{{Role: store.Administrator}}},
		{"here and there", []any{"maple-staff", "staff", "maple"}, []store.Grant{{Role: store.Librarian}, {Role: store.Librarian, Station: "maple-house"}}},
		{"part of a name", []any{"staf", "staffs"}, nil},
	} {
		if got := e.grants(map[string]any{"groups": tt.claim}); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// provider is the OpenID Connect provider of github.com/zitadel/oidc, a certified
// implementation, with its example's sign-in page: a program of its own that the
// Makefile builds.
type provider struct{ issuer string }

func newProvider(t *testing.T, redirect string) *provider {
	t.Helper()
	programs, err := filepath.Glob("../../../build/tools/oidc-provider-*")
	if err != nil {
		t.Fatal(err)
	}
	if len(programs) == 0 {
		if os.Getenv("REAL") != "" {
			t.Fatal("no provider in build/tools: make test builds it")
		}
		t.Skip("no provider in build/tools; REAL=1 makes that a failure")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	users := filepath.Join(t.TempDir(), "users.json")
	const people = `{"1": {"ID": "1", "Username": "maija", "Password": "verysecure", "FirstName": "Maija", "LastName": "Meri", "Email": "maija@library.example"},
		"2": {"ID": "2", "Username": "stranger", "Password": "verysecure", "Email": "stranger@elsewhere.example"},
		"3": {"ID": "3", "Username": "viewer", "Password": "verysecure", "Email": "third@library.example"}}`
	if err := os.WriteFile(users, []byte(people), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	program := exec.CommandContext(ctx, programs[len(programs)-1])
	program.Env = append(os.Environ(), "PORT="+port, "USERS_FILE="+users, "REDIRECT_URI="+redirect)
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = program.Wait() // it was killed
	})
	p := &provider{"http://localhost:" + port + "/"}
	within, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	for {
		c, err := (&net.Dialer{}).DialContext(within, "tcp", "localhost:"+port)
		if err == nil {
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			return p
		}
		select {
		case <-within.Done():
			t.Fatal("the provider does not listen")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// browser follows redirects and keeps cookies, and remembers each address it was at.
type browser struct {
	t *testing.T
	http.Client
	been []string
}

func newBrowser(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, Client: http.Client{Jar: jar}}
	b.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		b.been = append(b.been, r.URL.String())
		return nil
	}
	return b
}

// arrival is where a browser came to in the end.
type arrival struct {
	status   int
	at, text string
}

func (b *browser) get(address string) arrival {
	b.t.Helper()
	answer, err := b.Get(address)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	return b.read(answer)
}

func (b *browser) read(answer *http.Response) arrival {
	b.t.Helper()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return arrival{answer.StatusCode, answer.Request.URL.String(), string(text)}
}

// signIn goes from the pages at address to the provider, signs in there, and comes back.
func (b *browser) signIn(address, name string) arrival {
	b.t.Helper()
	form := b.get(address)
	id := regexp.MustCompile(`name="id" value="([^"]+)"`).FindStringSubmatch(form.text)
	if id == nil {
		b.t.Fatalf("at %s there is no form to sign in by: %s", form.at, form.text)
	}
	answer, err := b.PostForm(form.at, url.Values{"id": {id[1]}, "username": {name}, "password": {"verysecure"}})
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	return b.read(answer)
}

// TestElsewhere signs in at a real provider.
func TestElsewhere(t *testing.T) {
	var h http.Handler
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) }))
	defer pages.Close()
	p := newProvider(t, pages.URL+"/sign-in/back")
	role, err := ParseClaimRole("maija@library.example=librarian@maple-house")
	if err != nil {
		t.Fatal(err)
	}
	third, err := ParseClaimRole("third@library.example=viewer")
	if err != nil {
		t.Fatal(err)
	}
	e := &Elsewhere{Title: "The municipality", Issuer: p.issuer, Client: "web", Secret: "secret", Claim: "email", Roles: []ClaimRole{role, third}}
	o := newPeople(t, Settings{Elsewhere: e, URL: pages.URL})
	h = o.h
	start := pages.URL + "/sign-in/elsewhere?next=" + url.QueryEscape("/loans?station=maple-house")

	b := newBrowser(t)
	if !strings.Contains(b.get(pages.URL+"/").text, "Sign in with The municipality") {
		t.Error("the page does not offer it")
	}
	b.been = nil
	came := b.signIn(start, "maija")
	if came.status != 200 || came.at != pages.URL+"/loans?station=maple-house" || !strings.Contains(came.text, "Maija Meri") {
		t.Fatalf("came to %s: %d", came.at, came.status)
	}
	asked, err := url.Parse(b.been[0])
	if err != nil {
		t.Fatal(err)
	}
	if q := asked.Query(); q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("nonce") == "" || q.Get("state") == "" || q.Get("response_type") != "code" {
		t.Errorf("asked without PKCE, state or nonce: %s", asked)
	}
	a, err := o.store.Account(t.Context(), "maija")
	if err != nil || a.Subject != p.issuer+" 1" || a.Title != "Maija Meri" || !slices.Equal(a.Grants, []store.Grant{role.Grant}) {
		t.Errorf("the account is %+v, %v", a, err)
	}
	if r := b.get(pages.URL + "/stations/birch-house"); r.status != 403 {
		t.Errorf("a station of others: %d", r.status)
	}
	if r := post(o.h, "/sign-in", in("maija", "")); r.StatusCode != 422 {
		t.Errorf("with no password at all: %d", r.StatusCode)
	}

	// What came back once opens nothing again, in this browser or another's.
	back := b.been[slices.IndexFunc(b.been, func(at string) bool { return strings.Contains(at, "/sign-in/back?") })]
	for name, other := range map[string]*browser{"the same": b, "another": newBrowser(t)} {
		if came := other.get(back); !strings.HasSuffix(came.at, "/sign-in?trouble=late") {
			t.Errorf("the same answer in %s browser: at %s", name, came.at)
		}
	}
	if came := newBrowser(t).signIn(start, "stranger"); !strings.HasSuffix(came.at, "/sign-in?trouble=role") {
		t.Errorf("who has no role: at %s", came.at)
	}
	if _, err := o.store.AccountOf(t.Context(), p.issuer+" 2"); err == nil {
		t.Error("a stranger has an account")
	}
	if came := newBrowser(t).signIn(start, "viewer"); !strings.HasSuffix(came.at, "/sign-in?trouble=taken") {
		t.Errorf("whose name is that of an account here: at %s", came.at)
	}

	// The roles are those that the claims give now.
	e.Roles[0].Role = store.Viewer
	if came := newBrowser(t).signIn(start, "maija"); came.status != 200 {
		t.Errorf("again, with another role: %d", came.status)
	}
	if a, err := o.store.Account(t.Context(), "maija"); err != nil || a.Grants[0].Role != store.Viewer {
		t.Errorf("the account is %+v, %v", a, err)
	}
	e.Roles[0].Value = "nobody"
	if came := newBrowser(t).signIn(start, "maija"); !strings.HasSuffix(came.at, "/sign-in?trouble=role") {
		t.Errorf("who has no role any more: at %s", came.at)
	}
	if r := b.get(pages.URL + "/loans"); r.status != 403 {
		t.Errorf("their session from before: %d, want no more than a refusal", r.status)
	}

	// A secret that is wrong, and a code that is invented, open nothing.
	e.Secret = "wrong"
	e.Roles[0].Value = "maija@library.example"
	if came := newBrowser(t).signIn(start, "maija"); !strings.HasSuffix(came.at, "/sign-in?trouble=elsewhere") {
		t.Errorf("with the wrong secret: at %s", came.at)
	}
}

// TestElsewhereIsDown: the page says so, and accounts here still open.
func TestElsewhereIsDown(t *testing.T) {
	o := newPeople(t, Settings{Elsewhere: &Elsewhere{Title: "Nowhere", Issuer: "http://127.0.0.1:1"}})
	if r := get(o.h, "/sign-in/elsewhere"); r.StatusCode != 303 || r.Header.Get("Location") != "/sign-in?trouble=elsewhere" {
		t.Errorf("%d to %q", r.StatusCode, r.Header.Get("Location"))
	}
	for _, path := range []string{"/sign-in/back", "/sign-in/back?state=&code=x", "/sign-in/back?state=x&code=x"} {
		if r := get(o.h, path, "Cookie", "away=nonsense%ZZ"); r.Header.Get("Location") != "/sign-in?trouble=late" {
			t.Errorf("%s: to %q", path, r.Header.Get("Location"))
		}
	}
	if r := post(o.h, "/sign-in", in("viewer", password)); r.StatusCode != 303 {
		t.Errorf("an account here: %d", r.StatusCode)
	}
}
