package kohatest

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// The librarian whom the offline service takes.
const (
	Librarian = "hub"
	Password  = "f00-password"
)

const service = "/cgi-bin/koha/offline_circ/service.pl"

// ServeStaff is Serve with the offline service beside the REST API, as on Koha's
// staff host. Faults on "POST " + its path befall it too.
func (s *System) ServeStaff(t testing.TB) string {
	mux := http.NewServeMux()
	mux.Handle("/", s)
	mux.HandleFunc("POST "+service, s.offline)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// offline answers as 19.06 was seen to.
func (s *System) offline(w http.ResponseWriter, r *http.Request) {
	fault := s.next("POST " + service)
	if fault.early(w, r) {
		return
	}
	text := answer{status: http.StatusOK, header: http.Header{"Content-Type": {"text/plain"}}}
	if r.PostFormValue("userid") != Librarian || r.PostFormValue("password") != Password {
		text.status, text.body = http.StatusUnauthorized, []byte("Authentication failed.")
	} else {
		text.body = []byte(s.happened(r) + "\n")
	}
	if !fault.late(w, r, text) {
		text.write(w)
	}
}

func (s *System) happened(r *http.Request) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, "POST "+service+" "+r.PostFormValue("action"))
	at, err := time.ParseInLocation(time.DateTime, r.PostFormValue("timestamp"), time.UTC)
	if err != nil {
		return "Wrong timestamp."
	}
	at = at.In(s.Zone)
	item := s.by(Items, "external_id", r.PostFormValue("barcode"))
	switch r.PostFormValue("action") {
	case "issue":
		patron := s.by(Patrons, "cardnumber", r.PostFormValue("cardnumber"))
		if patron == nil {
			return "Borrower not found."
		}
		if item == nil {
			return "Barcode not found."
		}
		if loan := s.loan(item); loan != nil && word(loan["patron_id"]) == word(patron["patron_id"]) {
			s.prolong(loan)
			return "Success."
		}
		s.end(item, at)
		s.last++
		y, m, d := at.AddDate(0, 0, 28).Date()
		s.put(Checkouts, Loan(s.last, 0, 0, r.PostFormValue("branchcode")).With(
			"patron_id", patron["patron_id"], "item_id", item["item_id"],
			"checkout_date", at.Format(time.RFC3339), "due_date", time.Date(y, m, d, 23, 59, 0, 0, s.Zone).Format(time.RFC3339)))
		return "Success."
	case "return":
		if item == nil {
			return "Item not found."
		}
		if !s.end(item, at) {
			return "Item not issued."
		}
		return "Success."
	}
	return "Unknown action."
}

// end takes an item back from whoever has it.
func (s *System) end(item Row, at time.Time) bool {
	loan := s.loan(item)
	if loan == nil {
		return false
	}
	s.delete(Checkouts, word(loan["checkout_id"]))
	loan = maps.Clone(loan)
	loan["checkin_date"] = at.Format(time.RFC3339)
	s.put(Returned, loan)
	return true
}

func (s *System) by(table, field, value string) Row {
	for _, row := range s.tables[table] {
		if value != "" && word(row[field]) == value {
			return row
		}
	}
	return nil
}
