package web

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// Elsewhere is an OpenID Connect provider at which people sign in: authorization
// code with PKCE (RFC 7636, S256), state and nonce. It says who somebody is, and by
// a claim what they may do; both are looked at again at each sign-in.
type Elsewhere struct {
	Title  string // on the button
	Issuer string
	Client string // the hub's name there
	Secret string
	// Claim is the one that Roles speak of, a text or a list of texts, in the ID
	// token or the provider's userinfo.
	Claim  string
	Scopes []string // beside openid, profile and email
	Roles  []ClaimRole

	mu       sync.Mutex
	provider *oidc.Provider
}

// ClaimRole is what who has a value of the claim may do.
type ClaimRole struct {
	Value string
	store.Grant
}

// ParseClaimRole reads VALUE=ROLE or VALUE=ROLE@STATION.
func ParseClaimRole(text string) (ClaimRole, error) {
	at := strings.LastIndex(text, "=")
	if at < 1 {
		return ClaimRole{}, fmt.Errorf("%q is not VALUE=ROLE or VALUE=ROLE@STATION", text)
	}
	role, station, limited := strings.Cut(text[at+1:], "@")
	c := ClaimRole{text[:at], store.Grant{Role: store.Role(role), Station: circ.StationID(station)}}
	if !slices.Contains(store.Roles, c.Role) {
		return c, fmt.Errorf("%q: a role is one of %v", text, store.Roles)
	}
	if limited && !c.Station.Valid() {
		return c, fmt.Errorf("%q: %q is no name of a station", text, station)
	}
	return c, nil
}

// grants are the roles that claims give: at each place the greatest.
func (e *Elsewhere) grants(claims map[string]any) (all []store.Grant) {
	var values []string
	switch claim := claims[e.Claim].(type) {
	case string:
		values = []string{claim}
	case []any:
		for _, one := range claim {
			if text, is := one.(string); is {
				values = append(values, text)
			}
		}
	}
	best := make(map[circ.StationID]store.Role)
	for _, c := range e.Roles {
		if slices.Contains(values, c.Value) && c.Role.Includes(cmp.Or(best[c.Station], store.Viewer)) {
			best[c.Station] = c.Role
		}
	}
	for station, role := range best {
		all = append(all, store.Grant{Role: role, Station: station})
	}
	slices.SortFunc(all, func(a, b store.Grant) int { return cmp.Compare(a.Station, b.Station) })
	return all
}

// outside is how the hub reaches the provider.
var outside = &http.Client{Timeout: 15 * time.Second}

// open asks the provider where everything is, once it answers.
func (e *Elsewhere) open(ctx context.Context) (*oidc.Provider, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.provider != nil {
		return e.provider, nil
	}
	// The provider keeps the context for its keys, beyond this request.
	provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), outside), e.Issuer)
	if err == nil {
		e.provider = provider
	}
	return provider, err
}

func (s *site) dance(r *http.Request, p *oidc.Provider) *oauth2.Config {
	e := s.Elsewhere
	return &oauth2.Config{ClientID: e.Client, ClientSecret: e.Secret, Endpoint: p.Endpoint(), RedirectURL: s.base(r) + "/sign-in/back",
		Scopes: append([]string{oidc.ScopeOpenID, "profile", "email"}, e.Scopes...)}
}

// away is what the browser keeps while somebody signs in elsewhere: state, nonce,
// PKCE's verifier, and where to go on to, as a query.
const awayLife = 10 * time.Minute

func (s *site) awayCookie(r *http.Request) string {
	return strings.Replace(s.cookieName(r), "session", "away", 1)
}

// leave sends somebody to the provider.
func (s *site) leave(w http.ResponseWriter, r *http.Request) {
	if s.Elsewhere == nil {
		s.refuse(w, r, errMissing)
		return
	}
	provider, err := s.Elsewhere.open(r.Context())
	if err != nil {
		s.trouble(w, r, "elsewhere", err)
		return
	}
	away := url.Values{"state": {rand.Text()}, "nonce": {rand.Text()}, "verifier": {oauth2.GenerateVerifier()}}
	if next := r.URL.Query().Get("next"); ours(next) {
		away.Set("next", next)
	}
	s.setCookie(w, r, s.awayCookie(r), url.QueryEscape(away.Encode()), awayLife)
	http.Redirect(w, r, s.dance(r, provider).AuthCodeURL(away.Get("state"), oidc.Nonce(away.Get("nonce")), oauth2.S256ChallengeOption(away.Get("verifier"))), http.StatusSeeOther)
}

// trouble goes back to signing in, with a sentence on what was the matter.
func (s *site) trouble(w http.ResponseWriter, r *http.Request, name string, err error) {
	if err != nil {
		s.Log.Warn("sign in elsewhere", "err", err)
	}
	http.Redirect(w, r, "/sign-in?trouble="+name, http.StatusSeeOther)
}

// back is where the provider sends people back to.
func (s *site) back(w http.ResponseWriter, r *http.Request) {
	if s.Elsewhere == nil {
		s.refuse(w, r, errMissing)
		return
	}
	var away url.Values
	if cookie, err := r.Cookie(s.awayCookie(r)); err == nil {
		if text, err := url.QueryUnescape(cookie.Value); err == nil {
			away, _ = url.ParseQuery(text) // of nonsense there is nothing in it
		}
	}
	s.setCookie(w, r, s.awayCookie(r), "", 0)
	asked := r.URL.Query()
	if state := away.Get("state"); state == "" || subtle.ConstantTimeCompare([]byte(state), []byte(asked.Get("state"))) != 1 {
		s.trouble(w, r, "late", nil)
		return
	}
	claims, err := s.claims(r, asked, away)
	if err != nil {
		s.trouble(w, r, "elsewhere", err)
		return
	}
	account, name, err := s.admitted(r, claims)
	if name != "" || err != nil {
		s.trouble(w, r, cmp.Or(name, "elsewhere"), err)
		return
	}
	if err := s.begin(w, r, account); err != nil {
		s.refuse(w, r, err)
		return
	}
	s.note(r, "sign-in")
	next := away.Get("next")
	if !ours(next) {
		next = "/"
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// claims are what the provider says of who comes back.
func (s *site) claims(r *http.Request, asked, away url.Values) (map[string]any, error) {
	if why := asked.Get("error"); why != "" {
		return nil, fmt.Errorf("the provider answers %q", why)
	}
	provider, err := s.Elsewhere.open(r.Context())
	if err != nil {
		return nil, err
	}
	ctx := oidc.ClientContext(r.Context(), outside)
	token, err := s.dance(r, provider).Exchange(ctx, asked.Get("code"), oauth2.VerifierOption(away.Get("verifier")))
	if err != nil {
		return nil, err
	}
	raw, is := token.Extra("id_token").(string)
	if !is {
		return nil, errors.New("the provider sent no ID token")
	}
	id, err := provider.Verifier(&oidc.Config{ClientID: s.Elsewhere.Client}).Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(away.Get("nonce"))) != 1 {
		return nil, errors.New("the ID token answers another question")
	}
	claims := make(map[string]any)
	if provider.UserInfoEndpoint() != "" {
		info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			return nil, err
		}
		if info.Subject != id.Subject { // OpenID Connect Core 1.0, 5.3.2
			return nil, errors.New("the provider tells of another subject")
		}
		if err := info.Claims(&claims); err != nil {
			return nil, err
		}
	}
	if err := id.Claims(&claims); err != nil { // signed ones count for more
		return nil, err
	}
	claims["iss"], claims["sub"] = id.Issuer, id.Subject
	return claims, nil
}

// admitted is the account of who the claims tell of, made at their first sign-in,
// with the roles that they have now; or the name of the trouble.
func (s *site) admitted(r *http.Request, claims map[string]any) (a store.Account, trouble string, err error) {
	ctx := r.Context()
	text := func(name string) string { value, _ := claims[name].(string); return value }
	subject := text("iss") + " " + text("sub")
	grants := s.Elsewhere.grants(claims)
	a, err = s.Accounts.AccountOf(ctx, subject)
	switch {
	case err == nil:
		asking(r).name = a.Name
		if !slices.Equal(a.Grants, grants) {
			s.note(r, "account-role", a.Name)
			err = s.Accounts.SetGrants(ctx, a.Name, grants)
		}
	case errors.Is(err, store.ErrNoAccount) && len(grants) > 0:
		a = store.Account{Title: text("name"), Subject: subject, Grants: grants, Made: s.Now()}
		for _, claim := range []string{"preferred_username", "email", "sub"} {
			if name, is := AccountName(text(claim)); is {
				a.Name = name
				break
			}
		}
		if a.Name == "" {
			return a, "elsewhere", errors.New("the provider gives no name that can be one here")
		}
		if err = s.Accounts.AddAccount(ctx, a); errors.Is(err, store.ErrKnownAccount) {
			return a, "taken", nil
		}
		asking(r).name = a.Name
		s.note(r, "account-add", a.Name)
	case errors.Is(err, store.ErrNoAccount):
		err = nil
	}
	if err == nil && len(grants) == 0 {
		trouble = "role"
	}
	return a, trouble, err
}
