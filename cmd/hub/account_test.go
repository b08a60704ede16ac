package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"coldstation/sync/hub/store"
)

func TestAccountCommands(t *testing.T) {
	data := t.TempDir()
	if err := runStation(t, "add", "--data", data, "--out", filepath.Join(data, "out"), "maple-house"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ args, want string }{
		{"add maija", "--role administrator"},
		{"add --role administrator --station maple-house maija", "--role administrator"},
		{"add --role administrator Ma/ija", "small letters"},
		{"add --role king maija", "a role is one of"},
		{"add --role administrator --title Maija maija", ""},
		{"add --role administrator maija", "already"},
		{"add --role librarian --station nowhere kalle", "no such station"},
		{"add --role librarian --station maple-house Kalle", ""},
		{"role kalle viewer", ""},
		{"role --station maple-house kalle none", ""},
		{"role nobody viewer", "no such account"},
		{"role maija viewer", "nobody else"},
		{"reset kalle", ""},
		{"reset nobody", "no such account"},
		{"remove maija", "nobody else"},
		{"remove nobody", "no such account"},
		{"add aino", ""},
		{"remove aino", ""},
		{"list", ""},
		{"list everybody", "usage"},
		{"add", "usage"},
		{"burn maija", "usage"},
		{"", "usage"},
	} {
		args := strings.Fields(tt.args)
		if len(args) > 0 {
			args = slices.Insert(args, 1, "--data", data)
		}
		err := accounts(t.Context(), args)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("hub account %s: %v, want %q", tt.args, err, tt.want)
		}
	}
	s, _, err := open(data)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var got []string
	all, err := s.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		for _, g := range a.Grants {
			got = append(got, a.Name+" "+string(g.Role)+"@"+string(g.Station))
		}
	}
	if want := []string{"kalle viewer@", "maija administrator@"}; !slices.Equal(got, want) {
		t.Errorf("accounts %v, want %v", got, want)
	}
	deeds, err := s.Trail(t.Context(), store.TrailQuery{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var done []string
	for _, d := range deeds {
		if d.Who != "at the hub" {
			t.Errorf("the trail says %+v", d)
		}
		done = append(done, d.What+" "+d.About)
	}
	if got, want := strings.Join(done, ", "), "account-remove aino, account-add aino, account-reset kalle, account-role kalle, account-role kalle, account-add kalle, account-add maija"; got != want {
		t.Errorf("the trail, last first: %s, want %s", got, want)
	}
}

func TestSignInSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	oidc := "--oidc-issuer https://login.example --oidc-client hub --oidc-secret-file " + file + " --web-url https://hub.example --oidc-roles "
	for _, tt := range []struct{ args, want string }{
		{"--web-url http://hub.example", "https://host"},
		{"--web-url hub.example", "https://host"},
		{"--web-url http://localhost:8080", ""},
		{"--session-idle 1s", "a minute or more"},
		{"--session-idle 3h --session-longest 2h", "no less"},
		{"--trail-keep 1h", "a day or more"},
		{"--oidc-client hub", "--oidc-issuer"},
		{"--oidc-issuer https://login.example", "needs"},
		{"--oidc-issuer http://login.example", "https://host"},
		{oidc + "staff", "VALUE=ROLE"},
		{oidc + "staff=librarian;it=king", "a role is one of"},
		{oidc + "staff=librarian;it=administrator;maple=viewer@maple-house", ""},
	} {
		_, err := parseServe(strings.Fields(tt.args))
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("hub %s: %v, want %q", tt.args, err, tt.want)
		}
	}
	s, err := parseServe(strings.Fields(oidc + "staff=librarian;maple=viewer@maple-house --oidc-scopes groups,roles"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.signIn.elsewhere()
	if err != nil || e.Secret != "s3cret" || e.Title != "login.example" || len(e.Roles) != 2 || e.Roles[1].Station != "maple-house" || !slices.Equal(e.Scopes, []string{"groups", "roles"}) {
		t.Errorf("%+v, %v", e, err)
	}
}

// TestFirstAccount: with the first account, made beside the running hub, its pages are
// closed, and the link opens them.
func TestFirstAccount(t *testing.T) {
	h := newSecure(t)
	ask := func(r *http.Request, err error) (status, cookies int) {
		t.Helper()
		h.ok(err)
		answer, err := http.DefaultTransport.RoundTrip(r)
		h.ok(err)
		h.ok(answer.Body.Close())
		return answer.StatusCode, len(answer.Cookies())
	}
	get := func(path string) int {
		status, _ := ask(http.NewRequestWithContext(t.Context(), "GET", "http://"+h.web+path, nil))
		return status
	}
	if got := get("/accounts"); got != 200 {
		t.Errorf("a first try: %d, want 200", got)
	}
	var said bytes.Buffer
	c := clerk{Store: h.store, out: &said, url: "http://" + h.web + "/", now: time.Now()}
	h.ok(c.AddAccount(t.Context(), store.Account{Name: "maija", Grants: []store.Grant{{Role: store.Administrator}}}))
	h.ok(c.offer(t.Context(), "maija"))
	if got := get("/accounts"); got != 303 {
		t.Errorf("with an account: %d, want to be asked who", got)
	}
	link := regexp.MustCompile(`http://\S+/welcome/\S+`).FindString(said.String())
	r, err := http.NewRequestWithContext(t.Context(), "POST", link, strings.NewReader("new=seven+quiet+moose+walk&again=seven+quiet+moose+walk"))
	h.ok(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if status, cookies := ask(r, nil); status != 303 || cookies != 1 {
		t.Errorf("%s: %d with %d cookies", link, status, cookies)
	}
}
