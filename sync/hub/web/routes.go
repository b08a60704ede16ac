package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
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
	all := []route{
		{"GET", "/{$}", store.Viewer, some, "", "", s.page(s.today)},
		{"GET", "/stations", store.Viewer, some, "", "", s.page(s.stations)},
		{"GET", "/stations/{id}", store.Viewer, there, "", "", s.page(s.station)},
		{"GET", "/stations/{id}/manage", store.Librarian, there, "", "", s.page(s.managePage)},
		{"GET", "/stations/{id}/log", store.Librarian, there, "", "", s.page(s.logPage)},
		{"POST", "/stations/{id}/message", store.Librarian, there, "message", "", s.form(s.show, s.managePage)},
		{"POST", "/stations/{id}/settings", store.Administrator, there, "settings", "", s.form(s.set, s.managePage)},
		{"POST", "/stations/{id}/title", store.Administrator, there, "title", "", s.form(s.name, s.managePage)},
		{"POST", "/stations/{id}/settle", store.Librarian, there, "settle", "", s.form(s.settle, s.managePage)},
		{"POST", "/stations/{id}/revoke", store.Administrator, there, "revoke", "", s.form(s.revoke, s.managePage)},
		{"POST", "/stations/{id}/code", store.Administrator, there, "code", "", s.reveal(s.code, s.managePage)},
		{"GET", "/add-station", store.Administrator, whole, "", "", s.page(s.addStationPage)},
		{"POST", "/add-station", store.Administrator, whole, "code", "", s.reveal(s.addStation, s.addStationPage)},
		{"GET", "/decisions", store.Viewer, some, "", "", s.page(s.decisions)},
		{"POST", "/decisions", store.Librarian, some, "decide", "", s.form(s.decide, nil)},
		{"GET", "/loans", store.Viewer, some, "", "", s.page(s.loans)},
		{"GET", "/items", store.Viewer, some, "", "", s.page(s.items)},
		{"GET", "/items/{item}", store.Viewer, some, "", "", s.page(s.item)},
		{"POST", "/items/{item}/recall", store.Librarian, some, "recall", "", s.form(s.recallOne, s.item)},
		{"GET", "/figures", store.Viewer, some, "", "", s.page(s.figuresPage)},
		{"GET", "/figures.csv", store.Viewer, some, "", "", s.figuresCSV},
		{"GET", "/live", store.Viewer, some, "", "", s.live},

		{"GET", "/consignments", store.Viewer, some, "", "", s.page(s.consignmentsPage)},
		{"POST", "/consignments", store.Librarian, some, "consignment", "", s.form(s.beginConsignment, s.consignmentsPage)},
		{"GET", "/consignments/{box}", store.Viewer, some, "", "", s.page(s.boxPage)},
		{"GET", "/consignments/{box}/list", store.Viewer, some, "", "", s.page(s.boxList)},
		{"POST", "/consignments/{box}/pack", store.Librarian, some, "pack", "", s.form(s.pack, nil)},
		{"POST", "/consignments/{box}/unpack", store.Librarian, some, "pack", "", s.form(s.boxForm(s.unpack), nil)},
		{"POST", "/consignments/{box}/send", store.Librarian, some, "send", "", s.form(s.boxForm(s.sendBox), nil)},
		{"POST", "/consignments/{box}/drop", store.Librarian, some, "drop", "", s.form(s.boxForm(s.dropBox), nil)},
		{"POST", "/consignments/{box}/close", store.Librarian, some, "resolve", "", s.form(s.boxForm(s.closeBox), nil)},
		{"POST", "/consignments/{box}/resolve", store.Librarian, some, "resolve", "", s.form(s.boxForm(s.resolve), nil)},
		{"GET", "/shelves", store.Viewer, some, "", "", s.page(s.shelvesPage)},
		{"POST", "/shelves", store.Librarian, some, "capacity", "", s.form(s.setCapacity, s.shelvesPage)},
		{"GET", "/stations/{id}/count", store.Viewer, there, "", "", s.page(s.countPage)},
		{"POST", "/stations/{id}/count", store.Librarian, there, "judge", "", s.form(s.judge, nil)},
		{"GET", "/recalls", store.Viewer, some, "", "", s.page(s.recallsPage)},
		{"POST", "/recalls", store.Librarian, whole, "recall", "", s.form(s.recall, s.recallsPage)},
		{"GET", "/losses", store.Viewer, some, "", "", s.page(s.lossesPage)},
		{"GET", "/rotation", store.Viewer, whole, "", "", s.page(s.rotationPage)},
		{"POST", "/rotation", store.Librarian, whole, "rotate", "", s.form(s.rotate, s.rotationPage)},
		{"GET", "/rotas", store.Viewer, whole, "", "", s.page(s.rotasPage)},
		{"POST", "/rotas", store.Librarian, whole, "rota", "", s.form(s.saveRota, s.rotasPage)},
		{"GET", "/rotas/{rota}", store.Viewer, whole, "", "", s.page(s.rotaPage)},
		{"POST", "/rotas/{rota}", store.Librarian, whole, "rota", "", s.form(s.saveRota, s.rotaPage)},
		{"POST", "/rotas/{rota}/items", store.Librarian, whole, "rota", "", s.form(s.putOnRota, s.rotaPage)},
		{"POST", "/rotas/{rota}/remove", store.Librarian, whole, "rota", "", s.form(s.removeRota, nil)},

		{"GET", "/sign-in", everybody, some, "", "", s.page(s.signInPage)},
		{"POST", "/sign-in", everybody, some, "sign-in", "", s.form(s.signIn, s.signInPage)},
		{"GET", "/sign-in/elsewhere", everybody, some, "", "", s.leave},
		{"GET", "/sign-in/back", everybody, some, "", "", s.back},
		{"GET", "/welcome/{code}", everybody, some, "", "", s.page(s.welcomePage)},
		{"POST", "/welcome/{code}", everybody, some, "password", "", s.form(s.welcome, s.welcomePage)},
		{"POST", "/sign-out", everybody, some, "sign-out", "", s.form(s.signOut, nil)},

		{"GET", "/account", store.Viewer, some, "", "", s.page(s.accountPage)},
		{"POST", "/account/password", store.Viewer, some, "password", "", s.form(s.changePassword, s.accountPage)},
		{"POST", "/account/sessions", store.Viewer, some, "sessions", "", s.form(s.endSession, s.accountPage)},
		{"GET", "/account/tokens", store.Viewer, some, "", "", s.page(s.tokensPage)},
		{"POST", "/account/tokens", store.Viewer, some, "token", "", s.reveal(s.makeToken, s.tokensPage)},
		{"POST", "/account/tokens/end", store.Viewer, some, "token-end", "", s.form(s.endToken, s.tokensPage)},

		{"GET", "/accounts", store.Administrator, whole, "accounts-read", "", s.page(s.accountsPage)},
		{"POST", "/accounts", store.Administrator, whole, "account-add", "", s.reveal(s.addAccount, s.accountsPage)},
		{"GET", "/accounts/{name}", store.Administrator, whole, "accounts-read", "", s.page(s.onePage)},
		{"POST", "/accounts/{name}/role", store.Administrator, whole, "account-role", "", s.form(s.setRole, s.onePage)},
		{"POST", "/accounts/{name}/reset", store.Administrator, whole, "account-reset", "", s.reveal(s.resetAccount, s.onePage)},
		{"POST", "/accounts/{name}/sessions", store.Administrator, whole, "sessions", "", s.form(s.endTheirs, s.onePage)},
		{"POST", "/accounts/{name}/remove", store.Administrator, whole, "account-remove", "", s.form(s.removeAccount, s.onePage)},
		{"GET", "/trail", store.Administrator, whole, "trail-read", "", s.page(s.trailPage)},
		{"GET", "/trail.csv", store.Administrator, whole, "trail-export", "", s.trailCSV},

		{"GET", "/alerts", store.Viewer, some, "", "", s.page(s.alertsPage)},
		{"POST", "/alerts/seen", store.Librarian, some, "alert-seen", "", s.form(s.seeAlert, nil)},
		{"POST", "/alerts/drop", store.Administrator, whole, "alert-drop", "", s.form(s.dropLetters, nil)},
		{"GET", "/alerts/rules", store.Administrator, whole, "", "", s.page(s.rulesPage)},
		{"GET", "/alerts/rules/{rule}", store.Administrator, whole, "", "", s.page(s.rulePage)},
		{"POST", "/alerts/rules/{rule}", store.Administrator, whole, "alert-rule", "", s.form(s.setRule, s.rulePage)},
		{"POST", "/alerts/rules/{rule}/try", store.Administrator, whole, "alert-try", "", s.form(s.tryRule, nil)},
		{"POST", "/alerts/rules/{rule}/remove", store.Administrator, whole, "alert-remove", "", s.form(s.removeRule, nil)},
		{"GET", "/privacy", store.Administrator, whole, "", "", s.page(s.privacyPage)},
		{"POST", "/privacy/show", store.Administrator, whole, "person-read", "", s.reveal(s.showPerson, s.privacyPage)},
		{"POST", "/privacy/export", store.Administrator, whole, "person-export", "", s.exportPerson},
		{"POST", "/privacy/erase", store.Administrator, whole, "person-erase", "", s.reveal(s.erasePerson, s.privacyPage)},
		{"POST", "/subscriptions", store.Administrator, whole, "subscription", "", s.form(s.subscribe, s.rulesPage)},
		{"POST", "/subscriptions/end", store.Administrator, whole, "subscription-end", "", s.form(s.unsubscribe, nil)},

		{"GET", "/api/stations", store.Viewer, some, "", "stations", s.api(s.apiStations)},
		{"GET", "/api/stations/{id}", store.Viewer, there, "", "stations", s.api(s.apiStation)},
		{"GET", "/api/items", store.Viewer, some, "", "items", s.api(s.apiItems)},
		{"GET", "/api/decisions", store.Viewer, some, "", "decisions", s.api(s.apiDecisions)},
		{"POST", "/api/decisions", store.Librarian, some, "decide", "decide", s.api(s.apiDecide)},
		{"GET", "/api/alerts", store.Viewer, some, "", "alerts", s.api(s.apiAlerts)},
		{"POST", "/api/alerts/{alert}/seen", store.Librarian, some, "alert-seen", "alerts-change", s.api(s.apiAlertSeen)},
		{"GET", "/api/alert-rules", store.Administrator, whole, "", "alert-rules", s.api(s.apiRules)},
		{"GET", "/api/alert-rules/{rule}", store.Administrator, whole, "", "alert-rules", s.api(s.apiRule)},
		{"PUT", "/api/alert-rules/{rule}", store.Administrator, whole, "alert-rule", "alert-rules-change", s.api(s.apiSetRule)},
		{"DELETE", "/api/alert-rules/{rule}", store.Administrator, whole, "alert-remove", "alert-rules-change", s.api(s.apiRemoveRule)},
		{"GET", "/api/subscriptions", store.Administrator, whole, "", "subscriptions", s.api(s.apiSubscriptions)},
		{"POST", "/api/subscriptions", store.Administrator, whole, "subscription", "subscriptions-change", s.api(s.apiSubscribe)},
		{"DELETE", "/api/subscriptions/{subscription}", store.Administrator, whole, "subscription-end", "subscriptions-change", s.api(s.apiUnsubscribe)},
		{"GET", "/api/accounts", store.Administrator, whole, "accounts-read", "accounts", s.api(s.apiAccounts)},
		{"GET", "/api/authorisations", store.Administrator, whole, "authorisations-read", "authorisations", s.api(s.apiAuthorisations)},
		{"GET", "/api/openapi.yaml", everybody, some, "", "", s.openAPI},
		{"GET", "/api/loans", store.Viewer, some, "", "loans", s.api(s.apiLoans)},
		{"GET", "/api/figures", store.Viewer, some, "", "figures", s.api(s.apiFigures)},
		{"GET", "/api/events", store.Viewer, some, "", "events", s.api(s.apiEvents)},

		{"GET", "/static/{name}", everybody, some, "", "", s.serveStatic},
		{"GET", "/", everybody, some, "", "", s.page(func(*http.Request, *words) (string, any, error) { return "", nil, errMissing })},
	}
	for _, name := range commands {
		all = append(all, route{"POST", "/stations/{id}/" + name, store.Librarian, there, "station-" + name, "", s.form(s.command(name), s.managePage)})
	}
	return all
}

// scopes are what tokens may have, in the table's order.
func (s *site) scopes() (all []string) {
	for _, rt := range s.routes() {
		if rt.scope != "" && !slices.Contains(all, rt.scope) {
			all = append(all, rt.scope)
		}
	}
	return all
}

// mux is the table as a handler. A line that does not say who may ask is our
// mistake, and none is served.
func (s *site) mux() (*http.ServeMux, error) {
	mux := http.NewServeMux()
	for _, rt := range s.routes() {
		if err := rt.check(); err != nil {
			return nil, err
		}
		mux.HandleFunc(rt.method+" "+rt.pattern, s.admit(rt))
	}
	return mux, nil
}

// check is what a line lacks.
func (rt route) check() error {
	switch {
	case rt.least != everybody && !rt.least.Includes(store.Viewer):
		return fmt.Errorf("%s %s: nobody may ask for it", rt.method, rt.pattern)
	case rt.reach == there && !strings.Contains(rt.pattern, "{id}"):
		return fmt.Errorf("%s %s: at which station", rt.method, rt.pattern)
	case rt.method != "GET" && rt.trail == "":
		return fmt.Errorf("%s %s: a change is noted in the trail", rt.method, rt.pattern)
	case strings.HasPrefix(rt.pattern, "/api/") && rt.scope == "" && rt.least != everybody:
		return fmt.Errorf("%s %s: what must a token have", rt.method, rt.pattern)
	}
	return nil
}

// admits reports whether a visitor may have what is asked for.
func (rt route) admits(v *visitor, r *http.Request) bool {
	switch {
	case rt.least == everybody:
		return true
	case v.scopes != nil && !slices.Contains(v.scopes, rt.scope):
		return false
	case rt.reach == there:
		return v.may(rt.least, circ.StationID(r.PathValue("id")))
	case rt.reach == whole:
		return v.may(rt.least, "")
	}
	return v.somewhere(rt.least)
}

// admit lets in who may ask, and notes in the trail what they did.
func (s *site) admit(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := s.visitor(r, rt.scope)
		r = withVisitor(r, v)
		switch {
		case err != nil:
			s.refuse(w, r, err)
		case rt.admits(v, r):
			answer := &noticed{ResponseWriter: w, status: http.StatusOK}
			rt.answer(answer, r)
			if rt.trail != "" && answer.status < http.StatusBadRequest {
				s.note(r, rt.trail, v.about...)
			}
		case v.name != "":
			s.refuse(w, r, errClosed)
		case rt.scope != "" || rt.pattern == "/live":
			w.Header().Set("WWW-Authenticate", "Bearer")
			s.refuse(w, r, errNobody)
		default:
			s.askWho(w, r)
		}
	}
}

// noticed is an answer whose status is remembered.
type noticed struct {
	http.ResponseWriter
	status int
}

func (n *noticed) WriteHeader(status int) {
	n.status = status
	n.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the real one.
func (n *noticed) Unwrap() http.ResponseWriter { return n.ResponseWriter }

// askWho sends somebody to sign in, and then back to the page they wanted.
func (s *site) askWho(w http.ResponseWriter, r *http.Request) {
	target := "/sign-in"
	if next := r.URL.RequestURI(); r.Method == http.MethodGet && next != "/" && ours(next) {
		target += "?" + url.Values{"next": {next}}.Encode()
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// ours reports whether a place to go on to is a page of these, and not one of
// another site that looks like it.
func ours(next string) bool {
	u, err := url.Parse(next)
	return err == nil && strings.HasPrefix(next, "/") && !strings.HasPrefix(next, "//") && !strings.ContainsAny(next, "\\\r\n\t") &&
		u.Scheme == "" && u.Host == "" && !strings.HasPrefix(u.Path, "//")
}

// refuse answers with a fault, in the way that was asked.
func (s *site) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		s.api(func(*http.Request) (any, error) { return nil, err })(w, r)
		return
	}
	s.page(func(*http.Request, *words) (string, any, error) { return "", nil, err })(w, r)
}
