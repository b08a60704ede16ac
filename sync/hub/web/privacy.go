package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// What the library knows of one person: shown when asked for by their card, saved, and
// forgotten. A card is asked for in a form and never in an address, which logs keep.

// personPage is the page of one; Known is nil until somebody was asked for.
type personPage struct {
	frame
	Known  *personLines
	Erased bool
}

// personLines is what is known of one, as sentences.
type personLines struct {
	store.Person
	Facts    []factLine
	Proxies  []string
	Stations []string
	Loans    []string
	Events   []string
}

type factLine struct{ Name, Value string }

func (s *site) privacyPage(r *http.Request, w *words) (string, any, error) {
	return "privacy", personPage{frame: s.frame(r, w, "privacy")}, nil
}

// person is who a form asks for, noted in the trail.
func (s *site) person(r *http.Request) (store.Person, error) {
	card := strings.TrimSpace(r.PostForm.Get("card"))
	if card == "" || len(card) > circ.MaxKey {
		return store.Person{}, complaint{"card": "privacy.nocard"}
	}
	p, err := s.Privacy.Person(r.Context(), card)
	if errors.Is(err, store.ErrNoPerson) {
		err = complaint{"card": "privacy.nobody"}
	}
	if err == nil {
		asking(r).about = []string{p.ID}
	}
	return p, err
}

func (s *site) showPerson(r *http.Request, w *words) (string, any, error) {
	p, err := s.person(r)
	if err != nil {
		return "", nil, err
	}
	lines, err := s.personLines(r, w, p)
	return "privacy", personPage{frame: s.frame(r, w, "privacy"), Known: lines}, err
}

func (s *site) personLines(r *http.Request, w *words, p store.Person) (*personLines, error) {
	names, err := s.names(r)
	if err != nil {
		return nil, err
	}
	name := func(id circ.StationID) string {
		if names[id] != "" {
			return names[id]
		}
		return string(id)
	}
	lines := &personLines{Person: p}
	fact := func(key, value string) {
		if value != "" {
			lines.Facts = append(lines.Facts, factLine{w.T("privacy." + key), value})
		}
	}
	fact("id", p.ID)
	fact("firstname", p.FirstName)
	fact("cards", strings.Join(p.Cards, ", "))
	fact("policy", p.Policy)
	fact("language", p.Language)
	fact("picture", p.Picture)
	fact("belongs", name(p.Station))
	for key, yes := range map[string]bool{"staff": p.Staff, "blocked": p.Blocked, "recalls": p.Recalls, "secret": p.Secret} {
		if yes {
			fact(key, w.T("privacy.yes"))
		}
	}
	for _, x := range p.Proxies {
		lines.Proxies = append(lines.Proxies, w.T("privacy.proxy", x.ID, x.Principal.Plaintext(), x.Agent.Plaintext()))
	}
	for _, at := range p.Stations {
		text := name(at.ID)
		if !at.Seen.IsZero() {
			text = w.T("privacy.seen", text, w.when(s.Now(), at.Seen, s.Place))
		}
		lines.Stations = append(lines.Stations, text)
	}
	for _, l := range p.Loans {
		lines.Loans = append(lines.Loans, w.T("privacy.loan", titled(l.Title, l.Item), name(l.Station), w.when(s.Now(), l.Since, s.Place)))
	}
	for _, e := range p.Events {
		lines.Events = append(lines.Events, w.T("privacy.event", w.when(s.Now(), e.At, s.Place), name(e.Station), w.event(e.Event)))
	}
	return lines, nil
}

func titled(title string, item circ.ItemID) string {
	if title == "" {
		return string(item)
	}
	return title
}

// savedPerson is what is known of one for another program, or for themselves.
type savedPerson struct {
	ID        string         `json:"id"`
	FirstName string         `json:"first_name,omitempty"`
	Cards     []string       `json:"cards"`
	Policy    string         `json:"policy,omitempty"`
	Language  string         `json:"language,omitempty"`
	Picture   string         `json:"picture,omitempty"`
	Station   circ.StationID `json:"station,omitempty"`
	Staff     bool           `json:"staff"`
	Blocked   bool           `json:"blocked"`
	Recalls   bool           `json:"recalls"`
	Secret    bool           `json:"has_secret_number"`
	Proxies   []apiProxy     `json:"authorisations"`
	Stations  []savedStation `json:"stations"`
	Loans     []apiLoan      `json:"loans"`
	Events    []savedEvent   `json:"events"`
}

type savedStation struct {
	ID   circ.StationID `json:"id"`
	Seen *time.Time     `json:"seen,omitempty"`
}

type savedEvent struct {
	Station circ.StationID `json:"station"`
	Kind    string         `json:"kind"`
	At      *time.Time     `json:"at"`
	Item    circ.ItemID    `json:"item,omitempty"`
	Title   string         `json:"title,omitempty"`
	Undone  bool           `json:"undone,omitempty"`
}

// apiProxy is an authorisation.
type apiProxy struct {
	ID        string     `json:"id"`
	Principal string     `json:"principal"`
	Agent     string     `json:"agent"`
	Scopes    []string   `json:"scopes"`
	Once      bool       `json:"once"`
	From      *time.Time `json:"from,omitempty"`
	To        *time.Time `json:"to,omitempty"`
}

var proxyScopes = []struct {
	scope circ.Scopes
	name  string
}{{circ.MayBorrow, "borrow"}, {circ.MayRenew, "renew"}, {circ.MayCollect, "collect"}, {circ.MaySeeLoans, "see-loans"}, {circ.MaySeeHistory, "see-history"}}

func apiProxyOf(x circ.Proxy) apiProxy {
	a := apiProxy{x.ID, x.Principal.Plaintext(), x.Agent.Plaintext(), []string{}, x.Once, moment(x.From), moment(x.To)}
	for _, sc := range proxyScopes {
		if x.Scopes&sc.scope != 0 {
			a.Scopes = append(a.Scopes, sc.name)
		}
	}
	return a
}

func (s *site) exportPerson(w http.ResponseWriter, r *http.Request) {
	err := parsed(w, r)
	var p store.Person
	if err == nil {
		p, err = s.person(r)
	}
	if err != nil {
		s.amiss(w, r, err, s.privacyPage)
		return
	}
	out := savedPerson{ID: p.ID, FirstName: p.FirstName, Cards: append([]string{}, p.Cards...), Policy: p.Policy, Language: p.Language, Picture: p.Picture, Station: p.Station,
		Staff: p.Staff, Blocked: p.Blocked, Recalls: p.Recalls, Secret: p.Secret, Proxies: []apiProxy{}, Stations: []savedStation{}, Loans: []apiLoan{}, Events: []savedEvent{}}
	for _, x := range p.Proxies {
		out.Proxies = append(out.Proxies, apiProxyOf(x))
	}
	for _, at := range p.Stations {
		out.Stations = append(out.Stations, savedStation{at.ID, moment(at.Seen)})
	}
	for _, l := range p.Loans {
		out.Loans = append(out.Loans, apiLoanOf(l))
	}
	for _, e := range p.Events {
		out.Events = append(out.Events, savedEvent{e.Station, e.Kind, moment(e.At), e.Item, e.Title, e.Undone})
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="person.json"`)
	text := json.NewEncoder(w)
	text.SetIndent("", "  ")
	if err := text.Encode(out); err != nil {
		s.Log.Debug("send what is known of a person", "err", err)
	}
}

// erasePerson forgets one whose number was typed twice.
func (s *site) erasePerson(r *http.Request, w *words) (string, any, error) {
	if r.PostForm.Get("card") != strings.TrimSpace(r.PostForm.Get("again")) {
		return "", nil, complaint{"card": "privacy.differs"}
	}
	p, err := s.person(r)
	if err != nil {
		return "", nil, err
	}
	err = s.Privacy.Erase(r.Context(), p.ID, s.Now(), s.Place)
	if errors.Is(err, store.ErrStillLent) {
		return "", nil, complaint{"card": "privacy.lent"}
	}
	r.PostForm = nil // nothing of them stays on the page
	return "privacy", personPage{frame: s.frame(r, w, "privacy"), Erased: true}, err
}

// group is lines under a heading.
type group struct {
	Title string
	Lines []string
}

// Group is lines under a phrase.
func (p personPage) Group(key string, lines []string) group { return group{p.T(key), lines} }
