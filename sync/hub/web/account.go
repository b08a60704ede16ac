package web

import (
	"cmp"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/hub/store"
)

// A visitor's own account.

// roleLine is a grant as a page shows it.
type roleLine struct {
	store.Grant
	Name, Where string
}

func (s *site) roleLines(w *words, grants []store.Grant) (all []roleLine) {
	for _, g := range grants {
		line := roleLine{g, w.T("role." + string(g.Role)), string(g.Station)}
		if g.Station == "" {
			line.Where = w.T("role.whole")
		}
		all = append(all, line)
	}
	return all
}

type sessionLine struct {
	store.Session
	Device string
	Now    bool
	Age    string
	Begun  string
}

func (s *site) sessionLines(r *http.Request, w *words, name string) (all []sessionLine, err error) {
	sessions, err := s.Accounts.Sessions(r.Context(), name)
	now := s.Now()
	for _, session := range sessions {
		if now.Sub(session.Begun) >= s.Longest || now.Sub(session.Seen) >= s.Idle {
			continue
		}
		all = append(all, sessionLine{session, device(session.Agent), session.ID == asking(r).session.ID, w.age(now, session.Seen), w.when(now, session.Begun, s.Place)})
	}
	return all, err
}

// device is a browser and its system as people call them, from the line by which it
// names itself. The first that fits is the right one: each claims to be those after it.
func device(agent string) string {
	first := func(names ...string) string {
		for _, name := range names {
			mark, called, _ := strings.Cut(name, "=")
			if strings.Contains(agent, mark) {
				return cmp.Or(called, mark)
			}
		}
		return ""
	}
	browser := first("Edg/=Edge", "OPR/=Opera", "Firefox", "Chrome", "Safari")
	system := first("Android", "iPhone", "iPad", "Windows", "Mac OS=Mac", "CrOS=ChromeOS", "Linux")
	return strings.Join(slices.DeleteFunc([]string{browser, system}, func(s string) bool { return s == "" }), ", ")
}

type accountPage struct {
	frame
	Account  store.Account
	Roles    []roleLine
	Sessions []sessionLine
	Done     string
}

// own is the visitor's account. Whoever is at the hub's own machine has none, and
// is shown where to make one.
func (s *site) own(r *http.Request) (store.Account, error) {
	v := asking(r)
	if v.machine {
		return store.Account{Name: v.name, Title: v.name, Grants: v.grants}, nil
	}
	return s.Accounts.Account(r.Context(), v.name)
}

func (s *site) accountPage(r *http.Request, w *words) (string, any, error) {
	page := accountPage{frame: s.frame(r, w, "account")}
	var err error
	if page.Account, err = s.own(r); err != nil {
		return "", nil, err
	}
	page.Roles = s.roleLines(w, page.Account.Grants)
	if done := r.URL.Query().Get("done"); done == "password" || done == "sessions" {
		page.Done = w.T("account.done." + done)
	}
	page.Sessions, err = s.sessionLines(r, w, page.Account.Name)
	return "account", page, err
}

func (s *site) changePassword(_ http.ResponseWriter, r *http.Request) (string, error) {
	ctx, v := r.Context(), asking(r)
	account, err := s.Accounts.Account(ctx, v.name)
	if err != nil {
		return "", err
	}
	if account.Subject != "" {
		return "", errAsked
	}
	if s.tries.take(account.Name, v.address, s.Now()) > 0 {
		return "", complaint{"old": "signin.wait"}
	}
	right, err := s.opens(ctx, r.PostForm.Get("old"), account.Password)
	if err != nil {
		return "", err
	}
	if !right {
		return "", complaint{"old": "password.old.wrong"}
	}
	s.tries.right(account.Name, v.address, s.Now())
	hash, err := s.chosen(r, account)
	if err != nil {
		return "", err
	}
	return "/account?done=password", s.Accounts.SetPassword(ctx, account.Name, hash, v.session.Hash)
}

// endSession ends the session "id", or all but this one.
func (s *site) endSession(_ http.ResponseWriter, r *http.Request) (string, error) {
	v := asking(r)
	var err error
	if id := r.PostForm.Get("id"); id != "" {
		err = s.Accounts.EndSession(r.Context(), v.name, id)
	} else {
		err = s.Accounts.EndSessions(r.Context(), v.name, v.session.Hash)
	}
	if errors.Is(err, store.ErrNoSession) { // it ended by itself meanwhile
		err = nil
	}
	return "/account?done=sessions", err
}

type tokenLine struct {
	store.Token
	Scopes     []string
	Until, Use string
	Over       bool
}

type scope struct {
	Name, Title string
	On          bool
}

type tokensPage struct {
	frame
	Tokens  []tokenLine
	Scopes  []scope
	Days    []int
	Day     string
	Shown   string // the new token, once
	Machine bool
}

// tokenDays are how long a token may live.
var tokenDays = []int{30, 90, 365}

// tokenMark begins every token, so that it is known for one where it does not belong.
const tokenMark = "coldstation_"

func (s *site) tokensPage(r *http.Request, w *words) (string, any, error) {
	page := tokensPage{frame: s.frame(r, w, "account"), Days: tokenDays, Day: cmp.Or(r.PostForm.Get("days"), "90"), Machine: asking(r).machine}
	for _, name := range s.scopes() {
		page.Scopes = append(page.Scopes, scope{name, w.T("scope." + name), slices.Contains(r.PostForm["scope"], name)})
	}
	tokens, err := s.Accounts.Tokens(r.Context(), asking(r).name)
	for _, t := range tokens {
		line := tokenLine{Token: t, Until: w.Day(t.Expires.In(s.Place)), Use: w.T("never"), Over: !t.Expires.After(s.Now())}
		for _, name := range t.Scopes {
			line.Scopes = append(line.Scopes, w.T("scope."+name))
		}
		if !t.Used.IsZero() {
			line.Use = w.age(s.Now(), t.Used)
		}
		page.Tokens = append(page.Tokens, line)
	}
	return "tokens", page, err
}

func (s *site) makeToken(r *http.Request, w *words) (string, any, error) {
	v := asking(r)
	if v.machine {
		return "", nil, errAsked
	}
	wrong := complaint{}
	title, days := strings.TrimSpace(r.PostForm.Get("title")), r.PostForm.Get("days")
	if title == "" || len(title) > 100 {
		wrong["title"] = "token.notitle"
	}
	n, err := strconv.Atoi(days)
	if err != nil || !slices.Contains(tokenDays, n) {
		wrong["days"] = "token.nodays"
	}
	var scopes []string
	for _, name := range s.scopes() {
		if slices.Contains(r.PostForm["scope"], name) {
			scopes = append(scopes, name)
		}
	}
	if len(scopes) == 0 {
		wrong["scope"] = "token.noscope"
	}
	if len(wrong) > 0 {
		return "", nil, wrong
	}
	now, shown := s.Now(), tokenMark+rand.Text()
	token := store.Token{Hash: hashOf(shown), ID: uuid.NewString(), Account: v.name, Title: title, Scopes: scopes, Made: now, Expires: now.Add(time.Duration(n) * 24 * time.Hour)}
	if err := s.Accounts.AddToken(r.Context(), token); err != nil {
		return "", nil, err
	}
	v.about = []string{v.name}
	r.PostForm = nil // a fresh form beside the new token
	name, content, err := s.tokensPage(r, w)
	if page, is := content.(tokensPage); is {
		page.Shown = shown
		content = page
	}
	return name, content, err
}

func (s *site) endToken(_ http.ResponseWriter, r *http.Request) (string, error) {
	v := asking(r)
	err := s.Accounts.RemoveToken(r.Context(), v.name, r.PostForm.Get("id"))
	if errors.Is(err, store.ErrNoToken) {
		err = nil
	}
	v.about = []string{v.name}
	return "/account/tokens", err
}
