// Package kohatest is a Koha whose library is in memory: its REST API as far as
// package koha uses it, with the field names, pages, headers, dates and bodies of
// errors that Koha was seen or read to have, and faults on demand.
//
// Two releases behave differently. [Newer] is Koha of about 24.05: filters by q,
// RFC 3339 in them, plain parameters that mean "contains", items, records, rules,
// lending. [Older] is 19.06: none of these, and an unknown parameter or path is
// refused.
//
// The library's rows are as the API shows them; tests put in whatever they like.
package kohatest

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Release is which Koha it is.
type Release int

// The releases.
const (
	Newer Release = iota // about 24.05
	Older                // 19.06
)

// Row is one object as the API shows it. A row never changes: it is replaced.
type Row map[string]any

// The API key that is accepted.
const (
	ID     = "5d1dd1a2-hub"
	Secret = "f8f2c9e0-secret"
)

// System is one Koha. The exported fields are set before it is used.
type System struct {
	Release  Release
	Zone     *time.Location // its own
	Life     time.Duration  // of a token; Koha's is an hour
	PageSize int            // preference RESTdefaultPageSize

	mu       sync.Mutex
	tables   map[string][]Row
	records  map[int64]string // MARC-in-JSON
	tokens   map[string]time.Time
	faults   []Fault
	requests []string
	grants   int
	refusals int
	last     int64 // of the numbers given out
}

// New is a Koha with an empty library.
func New(release Release) *System {
	return &System{
		Release: release, Zone: time.FixedZone("", 2*3600), Life: time.Hour, PageSize: 20,
		tables: make(map[string][]Row), records: make(map[int64]string), tokens: make(map[string]time.Time), last: 1000,
	}
}

// Serve runs it on this machine until the test ends, and returns its URL.
func (s *System) Serve(t testing.TB) string {
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return server.URL
}

// The tables, named as in the paths.
const (
	Patrons    = "patrons"
	Categories = "patron_categories"
	Items      = "items"
	Biblios    = "biblios"
	Checkouts  = "checkouts"
	Returned   = "old_checkouts"
	Holds      = "holds"
	Libraries  = "libraries"
	Limits     = "transfer_limits"
	Rules      = "circulation_rules"
)

// keys are the fields that tell rows apart.
var keys = map[string]string{
	Patrons: "patron_id", Categories: "patron_category_id", Items: "item_id", Biblios: "biblio_id",
	Checkouts: "checkout_id", Returned: "checkout_id", Holds: "hold_id", Libraries: "library_id", Limits: "limit_id",
}

// Put adds rows to a table, or replaces those with the same key.
func (s *System) Put(table string, rows ...Row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, row := range rows {
		s.put(table, row)
	}
}

func (s *System) put(table string, row Row) {
	if made, found := row["renewals_count"]; found && table == Checkouts && s.Release == Older {
		row = row.With("renewals", made)
		delete(row, "renewals_count")
	}
	key := keys[table]
	i := slices.IndexFunc(s.tables[table], func(r Row) bool { return key != "" && word(r[key]) == word(row[key]) })
	if i < 0 {
		s.tables[table] = append(s.tables[table], row)
		return
	}
	s.tables[table] = slices.Clone(s.tables[table])
	s.tables[table][i] = row
}

// Delete takes the row with that key away.
func (s *System) Delete(table string, key any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delete(table, word(key))
}

func (s *System) delete(table, key string) bool {
	before := len(s.tables[table])
	s.tables[table] = slices.DeleteFunc(slices.Clone(s.tables[table]), func(r Row) bool { return word(r[keys[table]]) == key })
	return len(s.tables[table]) < before
}

// Rows are the rows of a table.
func (s *System) Rows(table string) []Row {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tables[table])
}

// PutRecord gives a title its MARC record, as MARC-in-JSON.
func (s *System) PutRecord(biblio int64, record string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records[biblio] = record
}

// Requests are those that came, as "GET /items", without the token's.
func (s *System) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Grants counts the tokens given out.
func (s *System) Grants() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.grants
}

// Refusals counts the requests whose token was not accepted.
func (s *System) Refusals() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refusals
}

func (s *System) find(table, key string) Row {
	for _, row := range s.tables[table] {
		if word(row[keys[table]]) == key {
			return row
		}
	}
	return nil
}

// word is a value as a parameter writes it.
func word(value any) string {
	if s, is := value.(string); is {
		return s
	}
	text, err := json.Marshal(value)
	if err != nil || string(text) == "null" {
		return ""
	}
	return string(text)
}

// ServeHTTP answers one request.
func (s *System) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, below := strings.CutPrefix(r.URL.Path, "/api/v1")
	if !below {
		http.NotFound(w, r)
		return
	}
	fault := s.next(r.Method + " " + path)
	if fault.Before != nil {
		fault.Before()
	}
	if fault.early(w, r) {
		return
	}
	a := s.answer(r, path, fault)
	if fault.late(w, r, a) {
		return
	}
	a.write(w)
}

// answer is a response before it is sent.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

func say(status int, value any) answer {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err) // a test's own row
	}
	return answer{status, http.Header{"Content-Type": {"application/json;charset=UTF-8"}}, body}
}

func refuse(status int, text string) answer { return say(status, Row{"error": text}) }

// answer finds out what to say. It holds the lock: Koha's database is one.
func (s *System) answer(r *http.Request, path string, fault Fault) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if path == "/oauth/token" && r.Method == http.MethodPost {
		return s.grant(r)
	}
	s.requests = append(s.requests, r.Method+" "+path)
	if fault.Kind == Expired {
		clear(s.tokens)
	}
	if !s.known(r) {
		s.refusals++
		return refuse(http.StatusUnauthorized, "Authentication failure.")
	}
	if fault.Kind == Forbidden {
		return say(http.StatusForbidden, Row{
			"error":                "Authorization failure. Missing required permission(s).",
			"required_permissions": Row{"borrowers": "list_borrowers"},
		})
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	table := parts[0]
	if s.Release == Older && !slices.Contains([]string{Patrons, Categories, Checkouts, Holds, Libraries}, table) {
		return refuse(http.StatusNotFound, "Not Found")
	}
	switch route := r.Method + " " + table + " " + strconv.Itoa(len(parts)); route {
	case "GET patrons 1", "GET patron_categories 1", "GET items 1", "GET holds 1", "GET libraries 1", "GET transfer_limits 1":
		return s.list(r, table, s.tables[table])
	case "GET checkouts 1":
		if r.URL.Query().Get("checked_in") == "true" {
			table = Returned
		}
		return s.list(r, Checkouts, s.tables[table])
	case "GET patrons 2", "GET items 2", "GET libraries 2":
		return s.one(table, parts[1])
	case "GET biblios 2":
		return s.biblio(r, parts[1])
	case "GET biblios 3":
		return s.itemsOf(r, parts[1])
	case "GET checkouts 2":
		if parts[1] == "availability" && s.Release != Older {
			return s.available(r)
		}
		return s.one(table, parts[1])
	case "POST checkouts 1":
		return s.lend(r)
	case "POST checkouts 3", "GET checkouts 3":
		return s.renewal(r.Method, parts[1], parts[2])
	case "POST holds 1":
		return s.hold(r)
	case "DELETE holds 2":
		if !s.delete(Holds, parts[1]) {
			return refuse(http.StatusNotFound, "Hold not found")
		}
		return answer{status: http.StatusNoContent}
	case "GET circulation_rules 1":
		return s.rules(r)
	}
	return refuse(http.StatusNotFound, "Not Found")
}

func (s *System) one(table, key string) answer {
	row := s.find(table, key)
	if row == nil && table == Checkouts {
		row = s.find(Returned, key)
	}
	if row == nil {
		return refuse(http.StatusNotFound, strings.ToUpper(table[:1])+table[1:len(table)-1]+" not found")
	}
	return say(http.StatusOK, row)
}

func (s *System) biblio(r *http.Request, key string) answer {
	row := s.find(Biblios, key)
	if row == nil {
		return refuse(http.StatusNotFound, "Bibliographic record not found")
	}
	switch r.Header.Get("Accept") {
	case "application/json":
		return say(http.StatusOK, row)
	case "application/marc-in-json":
		number, _ := strconv.ParseInt(key, 10, 64)
		return answer{http.StatusOK, http.Header{"Content-Type": {"application/marc-in-json"}}, []byte(s.records[number])}
	}
	return say(http.StatusNotAcceptable, []string{"application/json", "application/marcxml+xml", "application/marc-in-json", "application/marc", "text/plain"})
}

func (s *System) itemsOf(r *http.Request, biblio string) answer {
	var rows []Row
	for _, row := range s.tables[Items] {
		if word(row["biblio_id"]) != biblio {
			continue
		}
		if row = maps.Clone(row); r.Header.Get("x-koha-embed") != "transfer" {
			delete(row, "transfer")
		}
		rows = append(rows, row)
	}
	return s.list(r, Items, rows)
}

func (s *System) rules(r *http.Request) answer {
	for _, name := range []string{"library_id", "patron_category_id", "item_type_id"} {
		table := map[string]string{"library_id": Libraries, "patron_category_id": Categories}[name]
		if value := r.URL.Query().Get(name); value != "" && table != "" && s.find(table, value) == nil {
			return malformed("/query/"+name, "Invalid parameter value")
		}
	}
	return say(http.StatusOK, s.tables[Rules])
}

// grant is the token's endpoint.
func (s *System) grant(r *http.Request) answer {
	if r.PostFormValue("grant_type") != "client_credentials" {
		return refuse(http.StatusBadRequest, "Unimplemented grant type")
	}
	if r.PostFormValue("client_id") != ID || r.PostFormValue("client_secret") != Secret {
		return refuse(http.StatusForbidden, "unauthorized_client")
	}
	s.last++
	s.grants++
	token := "token-" + strconv.FormatInt(s.last, 10)
	s.tokens[token] = time.Now().Add(s.Life)
	return say(http.StatusOK, Row{"access_token": token, "token_type": "Bearer", "expires_in": int(s.Life.Seconds())})
}

func (s *System) known(r *http.Request) bool {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	until, found := s.tokens[token]
	return found && time.Now().Before(until)
}

// malformed is the body of a request that the specification does not allow.
func malformed(path, message string) answer {
	return say(http.StatusBadRequest, Row{"errors": []Row{{"message": message, "path": path}}, "status": 400})
}
