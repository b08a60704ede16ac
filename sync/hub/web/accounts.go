package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// The accounts of others, for administrators.

type accountLine struct {
	store.Account
	Roles  []roleLine
	Signed string
	State  string
}

func (s *site) accountLine(w *words, a store.Account) accountLine {
	line := accountLine{Account: a, Roles: s.roleLines(w, a.Grants), Signed: w.T("never")}
	if !a.Signed.IsZero() {
		line.Signed = w.age(s.Now(), a.Signed)
	}
	switch {
	case a.Subject != "":
		line.State = w.T("account.elsewhere")
	case a.Password == "":
		line.State = w.T("account.waiting")
	}
	return line
}

type choiceLine struct {
	Value, Name string
	Now         bool
}

// roleChoices are the roles of a form, and the stations to choose from.
func roleChoices(w *words, now string) (all []choiceLine) {
	for _, role := range store.Roles {
		all = append(all, choiceLine{string(role), w.T("role."+string(role)) + " – " + w.T("role."+string(role)+".means"), string(role) == now})
	}
	return all
}

type accountsPage struct {
	frame
	Accounts []accountLine
	Choices  []choiceLine
	Stations []store.Station
	Machine  bool
	Link     *link
}

// link is a one-time link, shown once.
type link struct{ URL, Name, Until string }

func (s *site) accountsPage(r *http.Request, w *words) (string, any, error) {
	page := accountsPage{frame: s.frame(r, w, "accounts"), Choices: roleChoices(w, r.PostForm.Get("role")), Machine: asking(r).machine}
	accounts, err := s.Accounts.Accounts(r.Context())
	if err != nil {
		return "", nil, err
	}
	for _, a := range accounts {
		page.Accounts = append(page.Accounts, s.accountLine(w, a))
	}
	page.Stations, err = s.source(r).Stations(r.Context())
	return "accounts", page, err
}

// granted is the role and the station of a form.
func (s *site) granted(r *http.Request) (store.Grant, error) {
	g := store.Grant{Role: store.Role(r.PostForm.Get("role")), Station: circ.StationID(strings.TrimSpace(r.PostForm.Get("station")))}
	if !slices.Contains(store.Roles, g.Role) {
		return g, complaint{"role": "account.norole"}
	}
	if g.Station != "" {
		if _, err := s.Source.Station(r.Context(), g.Station); errors.Is(err, store.ErrNoStation) {
			return g, complaint{"station": "account.nostation"}
		} else if err != nil {
			return g, err
		}
	}
	return g, nil
}

func (s *site) addAccount(r *http.Request, w *words) (string, any, error) {
	name, is := AccountName(r.PostForm.Get("name"))
	if !is {
		return "", nil, complaint{"name": "account.noname"}
	}
	title := strings.TrimSpace(r.PostForm.Get("title"))
	if len(title) > 200 {
		return "", nil, complaint{"title": "account.notitle"}
	}
	g, err := s.granted(r)
	if err != nil {
		return "", nil, err
	}
	if asking(r).machine && (g.Role != store.Administrator || g.Station != "") {
		return "", nil, complaint{"role": "account.first"} // or nobody could add another
	}
	err = s.Accounts.AddAccount(r.Context(), store.Account{Name: name, Title: title, Grants: []store.Grant{g}, Made: s.Now()})
	if errors.Is(err, store.ErrKnownAccount) {
		return "", nil, complaint{"name": "account.known"}
	}
	if err != nil {
		return "", nil, err
	}
	return s.offer(r, w, name)
}

// offer shows a one-time link for an account.
func (s *site) offer(r *http.Request, w *words, name string) (string, any, error) {
	path, l := NewLink(name, s.Now())
	if err := s.Accounts.OfferLink(r.Context(), l); err != nil {
		return "", nil, err
	}
	asking(r).about = []string{name}
	r.PostForm = nil // a fresh form beside the link
	template, content, err := s.accountsPage(r, w)
	if page, is := content.(accountsPage); is {
		page.Link = &link{s.base(r) + path, name, w.Clock(l.Expires.In(s.Place))}
		content = page
	}
	return template, content, err
}

type onePage struct {
	frame
	Account  accountLine
	Self     bool
	Choices  []choiceLine
	Stations []store.Station
	Sessions []sessionLine
	Path     string
}

// them is the account that the path names.
func (s *site) them(r *http.Request) (store.Account, error) {
	a, err := s.Accounts.Account(r.Context(), r.PathValue("name"))
	if errors.Is(err, store.ErrNoAccount) {
		return a, errMissing
	}
	asking(r).about = []string{a.Name}
	return a, err
}

func pathOf(a store.Account) string { return "/accounts/" + url.PathEscape(a.Name) }

func (s *site) onePage(r *http.Request, w *words) (string, any, error) {
	a, err := s.them(r)
	if err != nil {
		return "", nil, err
	}
	page := onePage{frame: s.frame(r, w, "accounts"), Account: s.accountLine(w, a), Self: a.Name == asking(r).name, Choices: roleChoices(w, r.PostForm.Get("role")), Path: pathOf(a)}
	if page.Sessions, err = s.sessionLines(r, w, a.Name); err != nil {
		return "", nil, err
	}
	page.Stations, err = s.source(r).Stations(r.Context())
	return "one", page, err
}

// setRole gives somebody a role at a station or in the whole library, or ("end":
// the station) takes it away.
func (s *site) setRole(_ http.ResponseWriter, r *http.Request) (string, error) {
	a, err := s.them(r)
	if err != nil {
		return "", err
	}
	if a.Subject != "" {
		return "", errAsked // their roles come from elsewhere, at each sign-in
	}
	var g store.Grant
	end := r.PostForm.Has("end")
	if end {
		g.Station = circ.StationID(r.PostForm.Get("end"))
	} else if g, err = s.granted(r); err != nil {
		return "", err
	}
	grants := slices.DeleteFunc(a.Grants, func(old store.Grant) bool { return old.Station == g.Station })
	if !end {
		grants = append(grants, g)
	}
	err = s.Accounts.SetGrants(r.Context(), a.Name, grants)
	if errors.Is(err, store.ErrLastAdministrator) {
		return "", complaint{"role": "account.last"}
	}
	return pathOf(a), err
}

func (s *site) resetAccount(r *http.Request, w *words) (string, any, error) {
	a, err := s.them(r)
	if err == nil && a.Subject != "" {
		err = errAsked
	}
	if err != nil {
		return "", nil, err
	}
	return s.offer(r, w, a.Name)
}

func (s *site) endTheirs(_ http.ResponseWriter, r *http.Request) (string, error) {
	a, err := s.them(r)
	if err != nil {
		return "", err
	}
	err = s.Accounts.EndSessions(r.Context(), a.Name, nil)
	if errors.Is(err, store.ErrNoSession) {
		err = nil
	}
	return pathOf(a), err
}

func (s *site) removeAccount(_ http.ResponseWriter, r *http.Request) (string, error) {
	a, err := s.them(r)
	if err != nil {
		return "", err
	}
	err = s.Accounts.RemoveAccount(r.Context(), a.Name)
	if errors.Is(err, store.ErrLastAdministrator) {
		return "", complaint{"remove": "account.last"}
	}
	return "/accounts", err
}
