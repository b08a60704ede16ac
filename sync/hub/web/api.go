package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// The JSON for scripts, as docs/openapi.yaml describes it. A list is an array, and what
// is more than a page is where the header Link says. A time is RFC 3339 in UTC and left
// out where there is none. A fault is a problem (RFC 9457).
type apiStation struct {
	ID             circ.StationID `json:"id"`
	Title          string         `json:"title,omitempty"` // what people call it
	Online         bool           `json:"online"`          // as far as the broker knows
	Heard          *time.Time     `json:"heard,omitempty"`
	LastEvent      *time.Time     `json:"last_event,omitempty"`
	Ledger         string         `json:"ledger,omitempty"`
	LastSeq        uint64         `json:"last_seq"` // what the hub has of the station's ledger
	Queue          uint64         `json:"queue"`    // what it knows to be missing
	QueueSince     *time.Time     `json:"queue_since,omitempty"`
	NoticesPending uint64         `json:"notices_pending"`         // what the station has not taken yet
	NoticesSince   *time.Time     `json:"notices_since,omitempty"` // since when it took none of them
	Loans          int            `json:"loans"`
	Version        string         `json:"version,omitempty"`
	Conditions     []apiCondition `json:"conditions"`
}

type apiCondition struct {
	Name  string     `json:"name"`
	Since *time.Time `json:"since,omitempty"`
	What  string     `json:"what"` // a sentence, in the language asked for
	Do    string     `json:"do,omitempty"`
}

type apiLoan struct {
	Station circ.StationID `json:"station"`
	Item    circ.ItemID    `json:"item"`
	Title   string         `json:"title,omitempty"`
	Since   *time.Time     `json:"since"`
	Due     *time.Time     `json:"due,omitempty"` // left out: as long as they like
	Renewed int            `json:"renewed"`
	House   bool           `json:"house"`
}

type apiEvent struct {
	Position string      `json:"position"`
	Ledger   string      `json:"ledger"`
	Seq      uint64      `json:"seq"`
	Kind     string      `json:"kind"`
	At       *time.Time  `json:"at"`
	Received *time.Time  `json:"received"`
	Item     circ.ItemID `json:"item,omitempty"`
	Title    string      `json:"title,omitempty"`
	Note     string      `json:"note,omitempty"`
	Undone   bool        `json:"undone,omitempty"`
}

func apiLoanOf(l store.Loan) apiLoan {
	return apiLoan{l.Station, l.Item, l.Title, moment(l.Since), moment(l.Due), l.Renewed, l.House}
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func (s *site) api(gather func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		value, err := gather(r)
		more, is := value.(answer)
		switch {
		case err != nil:
			fault := s.problem(r, err)
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(fault.Status)
			value = fault
		case is:
			value = more.value
			if more.tag != "" {
				w.Header().Set("ETag", more.tag)
			}
			if more.next != "" {
				w.Header().Set("Link", "<"+more.next+`>; rel="next"`)
			}
		}
		if err := json.NewEncoder(w).Encode(value); err != nil {
			s.Log.Debug("answer a script", "path", r.URL.Path, "err", err)
		}
	}
}

func (s *site) apiStations(r *http.Request) (any, error) {
	stations, err := s.source(r).Stations(r.Context())
	all := make([]apiStation, 0, len(stations))
	words := s.tongues.of(r)
	for _, st := range stations {
		all = append(all, s.apiStationOf(words, st))
	}
	return all, err
}

func (s *site) apiStationOf(words *words, st store.Station) apiStation {
	a := apiStation{st.ID, st.Title, st.Online, moment(st.Heard), moment(st.LastEvent), "", st.Cursor, st.Queue(), moment(st.BehindSince), st.Pending(), moment(st.PendingSince), st.Loans, st.Version, []apiCondition{}}
	if st.Ledger != [16]byte{} {
		a.Ledger = st.Ledger.String()
	}
	v := s.standing(words, st)
	for i, c := range s.conditions(st) {
		a.Conditions = append(a.Conditions, apiCondition{c.Name, moment(c.Since), v.Sentences[i].What, v.Sentences[i].Do})
	}
	return a
}

func (s *site) apiLoans(r *http.Request) (any, error) {
	only := circ.StationID(r.URL.Query().Get("station"))
	if only != "" {
		if _, err := s.source(r).Station(r.Context(), only); err != nil {
			return nil, err
		}
	}
	loans, err := s.source(r).Loans(r.Context(), only)
	all := make([]apiLoan, 0, len(loans))
	for _, l := range loans {
		all = append(all, apiLoanOf(l))
	}
	return all, err
}

func (s *site) apiEvents(r *http.Request) (any, error) {
	query := r.URL.Query()
	limit, err := limitOf(query)
	if err != nil {
		return nil, err
	}
	before, err := position(query.Get("before"))
	if err != nil {
		return nil, fmt.Errorf("before is the position of an event: %w", err)
	}
	station := circ.StationID(query.Get("station"))
	if station == "" {
		return nil, fmt.Errorf("station is missing: %w", errAsked)
	}
	var events []store.Event
	if events, err = s.source(r).Events(r.Context(), station, before, limit+1); err != nil {
		return nil, err
	}
	all := make([]apiEvent, 0, len(events))
	for _, e := range events {
		all = append(all, apiEvent{formatPosition(e.Position), e.Ledger.String(), e.Seq, e.Kind, moment(e.At), moment(e.Received), e.Item, e.Title, e.Note, e.Undone})
	}
	return paged(r, all, limit, "before", func(e apiEvent) string { return e.Position }), nil
}
