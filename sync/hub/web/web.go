// Package web is the librarians' pages and the hub's JSON, rendered here,
// complete without JavaScript. A page asks the hub once more when
// something changed, told by Server-Sent Events.
//
// No page and no answer names a patron, and none says to whom an item is lent, but for
// what an administrator asks for of one person, and the list of authorisations.
//
//	GET /                      today: what needs a person
//	GET /stations              all; ?q= finds, ?unwell=1 keeps those that need a
//	                           look, ?sort= name, heard, queue, loans
//	GET /stations/{id}/manage  what may be done there; POST /stations/{id}/... does it
//	GET /stations/{id}/log     the log that it sent last
//	GET /add-station           a new one; POST makes it known
//	GET /decisions             what the library system would not take; POST decides
//	GET /stations/{id}         one station and its timeline; ?before= goes back
//	GET /loans                 what is on loan; ?station= at one station
//	GET /items                 the stock; ?q= finds, ?station=, ?place=, ?unseen= days,
//	                           ?skip= pages; /items/{item} one, and its past
//	GET /figures               how much was used; ?station=, ?period= month, quarter,
//	                           year, free, ?from=, ?to=, ?compare= before, year,
//	                           ?step= day, week, month; /figures.csv the same
//	GET /consignments          what goes to stations in boxes; /consignments/{box} packs
//	                           one, or shows what became of it, and its /list prints
//	GET /shelves               how full they are; /stations/{id}/count what the last
//	                           count found; /recalls, /losses
//	GET /rotation              what should move; /rotas the rounds that items go on
//	GET /live                  text/event-stream: "change" with a station's name
//	GET /sign-in               name and password, or elsewhere; POST signs in
//	GET /welcome/{code}        a one-time link: choose a password
//	GET /account               one's own: password, sessions; tokens beside it
//	GET /accounts              everybody's, for administrators
//	GET /trail                 what was done, and by whom; /trail.csv the same
//	GET /alerts                what people were told of; /alerts/rules who is told
//	GET /privacy               one person's data, for administrators
//	GET /api/...               the same for scripts: see docs/openapi.yaml
//	GET /static/...            style, script, icon
//
// The table in routes.go says who may ask for what. Somebody signs in with a
// password or at an OpenID Connect provider, and is then known by a cookie with a
// random word of which the store keeps the hash; a script shows a token. Whoever is
// at the hub's own machine may do everything as long as nobody has an account.
//
// Every page takes ?lang=, which is then remembered in a cookie that holds the
// language and nothing else.
package web

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"coldstation/assets"
	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// Source is what the pages read: a part of store.Store.
type Source interface {
	Stations(ctx context.Context) ([]store.Station, error)
	Station(ctx context.Context, id circ.StationID) (store.Station, error)
	Loans(ctx context.Context, id circ.StationID) ([]store.Loan, error)
	Stock(ctx context.Context, q store.StockQuery) ([]store.Item, error)
	ItemEvents(ctx context.Context, item circ.ItemID, limit int) ([]store.ItemEvent, error)
	RecallsNow(ctx context.Context) ([]store.Recall, error)
	Recall(ctx context.Context, all ...store.Recall) error
	EndRecall(ctx context.Context, item circ.ItemID, at time.Time) error
	Events(ctx context.Context, id circ.StationID, before store.Position, limit int) ([]store.Event, error)
	PostingsNow(ctx context.Context, ils string) (map[store.PostingState]int, int, error)
	DueDates(ctx context.Context, ils string) (map[circ.ItemID]time.Time, error)
	Decisions(ctx context.Context, ils string, limit int) ([]store.Posting, error)
	Decide(ctx context.Context, d store.Decision) error
	Uses(ctx context.Context, q store.UseQuery) (store.Uses, error)
	Places(ctx context.Context, id circ.StationID) (map[string]int, error)
	Standing(ctx context.Context, id circ.StationID) ([]store.Stands, error)
	SentLog(ctx context.Context, id circ.StationID) (store.SentLog, error)
	Tell(ctx context.Context, id circ.StationID, bodies ...circ.NoticeBody) error
	SetTitle(ctx context.Context, id circ.StationID, title string) error
	Clear(ctx context.Context, id circ.StationID, condition string) error
	Revoke(ctx context.Context, id circ.StationID, at time.Time) error
}

// Settings of the pages. Only Source and Watch are required.
type Settings struct {
	Source Source
	// Watch is a feed of stations that something changed at, until ctx ends. It
	// may leave out repeats of a station that was not read yet.
	Watch func(ctx context.Context) <-chan circ.StationID
	// Hosts are the names that the pages may be asked for by, beside localhost
	// and bare addresses: a page elsewhere that points its own name at us gets
	// nothing.
	Hosts []string
	Place *time.Location   // of the times shown; nil for the machine's
	Now   func() time.Time // nil for time.Now
	Log   *slog.Logger     // nil for slog.Default
	// Silent and Behind are how long a station may be unheard, and its events or
	// what it is told may wait, until that is a condition; 0 for 10 and 15 minutes.
	Silent, Behind time.Duration
	// ILS is the library system that is posted to, as package ils names it; "" for
	// none. Propose is what may be done about a posting that needs a person, the
	// best first.
	ILS     string
	Propose func(store.Posting) []store.Action
	// Away is since when the library system answers nothing, zero when it does; nil
	// for one that cannot be away. Unanswered is from when on that is told; 0 for 15
	// minutes.
	Away       func() time.Time
	Unanswered time.Duration
	// Damaged is since when the store is known to be damaged, zero while it is not;
	// nil for one that nobody looks at.
	Damaged func() time.Time
	// Fewest is how many people there must be for their number to be told; 0 for 5.
	Fewest int
	// Enrol makes a station known, if it is not, and offers a one-time code for it, or
	// with replace for one that has keys already; ErrNoPlace, ErrKeys. Nil where that
	// is done elsewhere.
	Enrol func(ctx context.Context, id circ.StationID, replace bool) (Enrolment, error)
	// Accounts are who may sign in, and the trail of what they do.
	Accounts store.Accounts
	// Restock is what moves: consignments, recalls, counts and rotas.
	Restock Restock
	// Local says that nobody but this machine reaches the pages. Then, as long as
	// nobody has an account, whoever does is an administrator.
	Local bool
	// URL is the pages' own address as people reach them, for links that are sent;
	// "" for the one by which somebody asks.
	URL string
	// Idle and Longest are when a session ends that nobody uses, and any; 0 for two
	// and twelve hours.
	Idle, Longest time.Duration
	// Slowest is how long somebody may take to send a form; 0 for half a minute.
	Slowest time.Duration
	// Elsewhere is where people sign in beside here; nil for nowhere.
	Elsewhere *Elsewhere
	// Alerting are the alerts, and Telling how they are told.
	Alerting Alerting
	Telling  Telling
	Privacy  store.Privacy // of the people the library knows
}

type site struct {
	Settings
	tongues   tongues
	pages     map[string]*template.Template
	static    map[string]asset
	tries     tries
	reckoning chan struct{} // as many at once as have room
}

type asset struct {
	content []byte
	kind    string
	tag     string
}

// New is the handler of all pages.
func New(settings Settings) (http.Handler, error) {
	s := &site{Settings: settings, pages: make(map[string]*template.Template), static: make(map[string]asset), reckoning: make(chan struct{}, 2)}
	if s.Place == nil {
		s.Place = time.Local
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Log == nil {
		s.Log = slog.Default()
	}
	if s.Silent == 0 {
		s.Silent = 10 * time.Minute
	}
	if s.Behind == 0 {
		s.Behind = 15 * time.Minute
	}
	if s.Unanswered == 0 {
		s.Unanswered = 15 * time.Minute
	}
	if s.Fewest == 0 {
		s.Fewest = 5
	}
	if s.Idle == 0 {
		s.Idle = 2 * time.Hour
	}
	if s.Slowest == 0 {
		s.Slowest = 30 * time.Second
	}
	if s.Longest == 0 {
		s.Longest = 12 * time.Hour
	}
	var err error
	if s.tongues, err = readTongues(assets.Pages); err != nil {
		return nil, err
	}
	for _, name := range []string{"today", "stations", "decisions", "station", "loans", "items", "item", "figures", "manage", "add-station", "log", "fault",
		"consignments", "packing", "packing-list", "consignment", "shelves", "count", "recalls", "losses", "rotation", "rotas",
		"sign-in", "welcome", "account", "tokens", "accounts", "one", "trail",
		"alerts", "rules", "rule", "privacy"} {
		if s.pages[name], err = template.ParseFS(assets.Pages, "pages/frame.html", "pages/standing.html", "pages/field.html", "pages/restock.html", "pages/"+name+".html"); err != nil {
			return nil, fmt.Errorf("page %s: %w", name, err)
		}
	}
	for _, name := range []string{"style.css", "live.js", "scan.js", "icon.svg"} {
		content, err := assets.Pages.ReadFile("pages/" + name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(content)
		s.static[name] = asset{content, mime.TypeByExtension(path.Ext(name)), `W/"` + hex.EncodeToString(sum[:8]) + `"`}
	}
	mux, err := s.mux()
	if err != nil {
		return nil, err
	}
	answers, err := compressed(mux)
	if err != nil {
		return nil, err
	}
	return s.guard(http.NewCrossOriginProtection().Handler(answers)), nil
}

// compressed answers in gzip where that is understood, but for the live feed, which
// goes out word by word. Padding at random keeps an answer's length from telling what
// else is in it.
func compressed(next http.Handler) (http.Handler, error) {
	wrap, err := gzhttp.NewWrapper(gzhttp.RandomJitter(32, 0, false),
		gzhttp.ContentTypes([]string{"text/html", "text/css", "text/javascript", "text/csv", "application/json", "image/svg+xml"}))
	if err != nil {
		return nil, err
	}
	small := wrap(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/live" {
			next.ServeHTTP(w, r)
			return
		}
		small.ServeHTTP(w, r)
	}), nil
}

// guard sets what holds for every answer, and turns away requests by a name
// that is not ours, as DNS rebinding makes.
func (s *site) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		if !s.named(r.Host) {
			http.Error(w, "this name is not one of the hub's; see its setting for names", http.StatusMisdirectedRequest)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			// Who sends a form byte by byte holds no connection for long. Not every writer
			// has a deadline. A page that stays open reads nothing, and has none.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.Slowest))
		}
		next.ServeHTTP(w, r)
	})
}

func (s *site) named(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	return host == "localhost" || net.ParseIP(host) != nil || slices.Contains(s.Hosts, host)
}

func (s *site) serveStatic(w http.ResponseWriter, r *http.Request) {
	a, found := s.static[r.PathValue("name")]
	if !found {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", a.tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.content))
}

// What a page answers when it has nothing to show.
var (
	errMissing = errors.New("no such page")
	errAsked   = errors.New("the address is not understood")
)

// frame is what every page has around its content.
type frame struct {
	*words
	Lang      string
	At        string // which page
	Only      circ.StationID
	Now       time.Time
	Languages []choice
	Still     bool // not exchanged when something changes: it is a form, or for once
	visitor   *visitor
	typed     url.Values
	wrong     complaint
}

// May reports whether the visitor has a role somewhere, MayAll in the whole library.
func (f frame) May(role store.Role) bool    { return f.visitor.somewhere(role) }
func (f frame) MayAll(role store.Role) bool { return f.visitor.may(role, "") }

// Who is what people call the visitor, "" for nobody.
func (f frame) Who() string {
	if f.visitor.machine {
		return f.T("account.machine")
	}
	return cmp.Or(f.visitor.title, f.visitor.name)
}

// Typed is what stood in a field of the form that this page answers; Wrong is what
// must be changed there.
func (f frame) Typed(field string) string { return f.typed.Get(field) }
func (f frame) Wrong(field string) string {
	if key := f.wrong[field]; key != "" {
		return f.T(key)
	}
	return ""
}

// field is a line of a form.
type field struct{ Name, Label, Hint, Type, Fill, Value, Wrong, Described string }

// Field is one with what was typed, if that is no secret, and what is wrong with it.
// Its label is a phrase; label and ".hint" is one, where there is something to say.
func (f frame) Field(name, label, kind, fill string) field {
	line := field{Name: name, Label: f.T(label), Type: kind, Fill: fill, Wrong: f.Wrong(name)}
	if kind != "password" {
		line.Value = f.Typed(name)
	}
	var described []string
	if key := label + ".hint"; f.T(key) != key {
		line.Hint = f.T(key)
		described = append(described, name+"-hint")
	}
	if line.Wrong != "" {
		described = append(described, name+"-wrong")
	}
	line.Described = strings.Join(described, " ")
	return line
}

// OnMachine reports whether the visitor is at the hub's own machine, and nobody has
// an account.
func (f frame) OnMachine() bool { return f.visitor.machine }

// Refused reports whether anything must be changed.
func (f frame) Refused() bool { return len(f.wrong) > 0 }

type choice struct {
	Code, Name, Href string
	Now              bool
}

// still are the pages that are not exchanged while somebody looks at them.
var still = map[string]bool{"": false, "figures": true, "manage": true, "add-station": true, "log": true, "sign-in": true, "welcome": true, "account": true, "accounts": true, "trail": true, "rules": true, "privacy": true}

// pagePath is the page that a form's answer stands for, which alone can be asked for
// again.
func pagePath(r *http.Request) string {
	if r.Method == http.MethodGet || r.Method == http.MethodHead || strings.HasPrefix(r.URL.Path, "/welcome/") {
		return r.URL.Path
	}
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/rotas/"):
		return strings.TrimSuffix(path, "/items")
	case strings.HasPrefix(path, "/account/tokens"):
		return "/account/tokens"
	case strings.HasPrefix(path, "/privacy/"):
		return "/privacy"
	case strings.HasPrefix(path, "/subscriptions"):
		return "/alerts/rules"
	case strings.HasPrefix(path, "/items/"):
		return strings.TrimSuffix(path, "/recall")
	case strings.HasPrefix(path, "/stations/"):
		return path[:strings.LastIndex(path, "/")] + "/manage"
	case strings.HasPrefix(path, "/accounts/"):
		return strings.TrimSuffix(path, path[strings.LastIndex(path, "/"):])
	case strings.HasPrefix(path, "/account/"):
		return "/account"
	default:
		return path
	}
}

func (s *site) frame(r *http.Request, w *words, at string) frame {
	f := frame{words: w, Lang: w.code, At: at, Now: s.Now().In(s.Place), visitor: asking(r), typed: r.PostForm, wrong: complaints(r), Still: still[at]}
	for _, other := range s.tongues.all {
		query := r.URL.Query()
		query.Set("lang", other.code)
		f.Languages = append(f.Languages, choice{other.code, other.T("name"), (&url.URL{Path: pagePath(r), RawQuery: query.Encode()}).String(), other == w})
	}
	return f
}

// page renders what make gathers. The template's name is "" with an error only.
func (s *site) page(gather gather) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		words := s.tongues.of(r)
		w.Header().Add("Vary", "Accept-Language, Cookie")
		w.Header().Set("Content-Language", words.code)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if chosen := r.URL.Query().Get("lang"); s.tongues.named(chosen) != nil {
			http.SetCookie(w, &http.Cookie{Name: "lang", Value: chosen, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode})
		}
		status := http.StatusOK
		if len(complaints(r)) > 0 {
			status = http.StatusUnprocessableEntity
		}
		name, content, err := gather(r, words)
		if err != nil {
			if status = statusOf(err); status == http.StatusInternalServerError {
				s.Log.Error("make a page", "path", r.URL.Path, "err", err)
			}
			name = "fault"
			content = struct {
				frame
				Fault, Remedy string
			}{s.frame(r, words, ""), words.T(fmt.Sprintf("fault.%d", status)), words.T(fmt.Sprintf("fault.%d.do", status))}
		}
		var out bytes.Buffer
		if err := s.pages[name].ExecuteTemplate(&out, "frame.html", content); err != nil {
			s.Log.Error("render a page", "page", name, "err", err)
			http.Error(w, "the page could not be made", http.StatusInternalServerError)
			return
		}
		w.WriteHeader(status)
		_, _ = out.WriteTo(w) // a reader who left needs no answer
	}
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, errMissing), errors.Is(err, store.ErrNoStation), errors.Is(err, store.ErrNoConsignment):
		return http.StatusNotFound
	case errors.Is(err, errNobody):
		return http.StatusUnauthorized
	case errors.Is(err, errClosed):
		return http.StatusForbidden
	case errors.Is(err, errGone):
		return http.StatusGone
	case errors.Is(err, errAsked):
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}
