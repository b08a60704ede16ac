package web

import (
	"fmt"
	"net/http"
	"strings"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// route is something that the pages answer, and who may ask for it.
type route struct {
	method, pattern string
	least           store.Role // or everybody
	reach           reach
	trail           string // as what it is noted in the trail; "" it is not
	scope           string // what a token must have; "" no token opens it
	answer          http.HandlerFunc
}

// everybody may ask: no session is needed.
const everybody store.Role = "everybody"

// reach is where the role is needed.
type reach byte

const (
	some  reach = iota // at some station: the page keeps to what source shows
	there              // at the station {id}
	whole              // in the whole library
)

// routes is the table of everything that answers. Each line is checked against
// every role by a test, which knows how to ask for it.
func (s *site) routes() []route {
	missing := s.page(func(*http.Request, *words) (string, any, error) { return "", nil, errMissing })
	return []route{
		{"GET", "/{$}", store.Viewer, some, "", "", s.page(s.today)},
		{"GET", "/stations", store.Viewer, some, "", "", s.page(s.stations)},
		{"GET", "/stations/{id}", store.Viewer, there, "", "", s.page(s.station)},
		{"GET", "/decisions", store.Viewer, some, "", "", s.page(s.decisions)},
		{"POST", "/decisions", store.Librarian, some, "decide", "", s.form(s.decide)},
		{"GET", "/loans", store.Viewer, some, "", "", s.page(s.loans)},
		{"GET", "/items", store.Viewer, some, "", "", s.page(s.items)},
		{"GET", "/live", store.Viewer, some, "", "", s.live},
		{"GET", "/api/stations", store.Viewer, some, "", "stations", s.api(s.apiStations)},
		{"GET", "/api/loans", store.Viewer, some, "", "loans", s.api(s.apiLoans)},
		{"GET", "/api/events", store.Viewer, some, "", "events", s.api(s.apiEvents)},
		{"GET", "/static/{name}", everybody, some, "", "", s.serveStatic},
		{"GET", "/", everybody, some, "", "", missing},
	}
}

// mux is the table as a handler. A line that does not say who may ask is our
// mistake, and none is served.
func (s *site) mux() (*http.ServeMux, error) {
	mux := http.NewServeMux()
	for _, rt := range s.routes() {
		switch {
		case rt.least != everybody && !rt.least.Includes(store.Viewer):
			return nil, fmt.Errorf("%s %s: nobody may ask for it", rt.method, rt.pattern)
		case rt.reach == there && !strings.Contains(rt.pattern, "{id}"):
			return nil, fmt.Errorf("%s %s: at which station", rt.method, rt.pattern)
		case rt.method != "GET" && rt.trail == "":
			return nil, fmt.Errorf("%s %s: a change is noted in the trail", rt.method, rt.pattern)
		case strings.HasPrefix(rt.pattern, "/api/") && rt.scope == "":
			return nil, fmt.Errorf("%s %s: what must a token have", rt.method, rt.pattern)
		}
		mux.HandleFunc(rt.method+" "+rt.pattern, s.admit(rt))
	}
	return mux, nil
}

// admits reports whether a visitor may have what is asked for.
func (rt route) admits(v *visitor, r *http.Request) bool {
	switch {
	case rt.least == everybody:
		return true
	case rt.reach == there:
		return v.may(rt.least, circ.StationID(r.PathValue("id")))
	case rt.reach == whole:
		return v.may(rt.least, "")
	}
	return v.somewhere(rt.least)
}

func (s *site) admit(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := s.visitor(r)
		r = withVisitor(r, v)
		if !rt.admits(v, r) {
			s.refuse(w, r, errClosed)
			return
		}
		rt.answer(w, r)
	}
}

// refuse answers with a fault, in the way that was asked.
func (s *site) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		s.api(func(*http.Request) (any, error) { return nil, err })(w, r)
		return
	}
	s.page(func(*http.Request, *words) (string, any, error) { return "", nil, err })(w, r)
}
