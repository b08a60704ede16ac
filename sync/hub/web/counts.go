package web

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// shelfLine is how full a station is, and when it was counted.
type shelfLine struct {
	store.Shelf
	Name    string
	Fill    string // of a bar, in per cent; "" when it is not known how much it holds
	Counted string
}

func (s *site) shelvesPage(r *http.Request, w *words) (string, any, error) {
	page := struct {
		restocking
		Shelves []shelfLine
		WrongAt circ.StationID // whose number it is
	}{}
	var err error
	if page.restocking, err = s.restocking(r, w, "shelves"); err != nil {
		return "", nil, err
	}
	if page.Refused() {
		page.WrongAt = circ.StationID(r.PostForm.Get("station"))
	}
	shelves, err := s.Restock.Shelves(r.Context())
	if err != nil {
		return "", nil, err
	}
	counts, err := s.Restock.LastCounts(r.Context(), 0, len(shelves))
	if err != nil {
		return "", nil, err
	}
	for _, h := range shelves {
		if !page.visitor.may(store.Viewer, h.Station) {
			continue
		}
		line := shelfLine{Shelf: h, Name: cmp.Or(h.Title, string(h.Station))}
		if h.Capacity > 0 {
			line.Fill = strconv.Itoa(min(100, 100*h.Here/h.Capacity)) + "%"
		}
		if i := slices.IndexFunc(counts, func(c store.Count) bool { return c.Station == h.Station }); i >= 0 {
			line.Counted = page.When(counts[i].At)
		}
		page.Shelves = append(page.Shelves, line)
	}
	return "shelves", page, nil
}

func (s *site) setCapacity(_ http.ResponseWriter, r *http.Request) (string, error) {
	station := circ.StationID(r.PostForm.Get("station"))
	switch {
	case !station.Valid():
		return "", errAsked
	case !asking(r).may(store.Librarian, station):
		return "", errClosed
	}
	items, err := strconv.ParseUint(strings.TrimSpace(cmp.Or(r.PostForm.Get("capacity"), "0")), 10, 20)
	if err != nil {
		return "", complaint{"capacity": "shelf.wrong"}
	}
	asking(r).about = []string{string(station)}
	return "/shelves", s.Restock.SetCapacity(r.Context(), station, int(items))
}

// findingLine is something that a count found.
type findingLine struct {
	store.Finding
	Name, Evidence string
	Outcomes       []proposal
}

// findingGroup are those of one kind.
type findingGroup struct {
	What     string
	Findings []findingLine
}

type countPage struct {
	restocking
	Count   store.Count
	Title   string
	Groups  []findingGroup
	Trouble string
	Open    bool // the visitor may decide
}

func (s *site) countPage(r *http.Request, w *words) (string, any, error) {
	station := circ.StationID(r.PathValue("id"))
	if _, err := s.source(r).Station(r.Context(), station); err != nil {
		return "", nil, err
	}
	page := countPage{}
	var err error
	if page.restocking, err = s.restocking(r, w, "count"); err != nil {
		return "", nil, err
	}
	page.Title, page.Open, page.Still = page.places.Name(station), page.MayAt(station), false
	if r.URL.Query().Get("trouble") != "" {
		page.Trouble = w.T("box.trouble.state")
	}
	page.Count, err = s.Restock.Counted(r.Context(), station)
	for _, f := range page.Count.Findings {
		line := findingLine{Finding: f, Name: cmp.Or(f.Title, string(f.ID)), Evidence: page.evidence(f)}
		for _, o := range f.Outcomes() {
			means := w.or("outcome."+string(o)+".means."+string(f.Kind), "outcome."+string(o)+".means")
			line.Outcomes = append(line.Outcomes, proposal{store.Action(o), w.T(w.or("outcome."+string(o)+"."+string(f.Kind), "outcome."+string(o))), w.T(means)})
		}
		what := w.T("found." + string(f.Kind))
		i := slices.IndexFunc(page.Groups, func(g findingGroup) bool { return g.What == what })
		if i < 0 {
			i = len(page.Groups)
			page.Groups = append(page.Groups, findingGroup{What: what})
		}
		page.Groups[i].Findings = append(page.Groups[i].Findings, line)
	}
	return "count", page, err
}

// evidence is why something was found.
func (p countPage) evidence(f store.Finding) string {
	switch f.Kind {
	case store.FoundMissing:
		return p.T("found.missing.why", p.When(f.Since)) + " " + p.N("found.missed", f.Missed)
	case store.FoundLent:
		return p.T("found.lent.why", p.When(f.Since), p.places.Name(f.Lender))
	case store.FoundForeign:
		return p.T("found.foreign.why", p.places.Name(f.Home))
	}
	return p.T("found.unknown.why", f.ID)
}

// judge says of a finding ("one": OUTCOME ITEM) what becomes of it.
func (s *site) judge(_ http.ResponseWriter, r *http.Request) (string, error) {
	station := circ.StationID(r.PathValue("id"))
	outcome, item, found := strings.Cut(r.PostForm.Get("one"), " ")
	if !found {
		return "", errAsked
	}
	next := "/stations/" + string(station) + "/count"
	asking(r).about = []string{string(station)}
	err := s.Restock.Judge(r.Context(), store.Judgement{Station: station, Item: circ.ItemID(item), Outcome: store.Outcome(outcome), ILS: s.ILS, By: asking(r).name, At: s.Now()})
	if errors.Is(err, store.ErrNoDifference) {
		return next + "?trouble=1", nil
	}
	return next, err
}

// countedLine is a station whose last count wants a decision.
type countedLine struct {
	Station circ.StationID
	Name    string
}

// countsOfToday are how many of the last counts are looked at for the first page.
const countsOfToday = 20

// unresolved are how many consignments the visitor sees that have differences, and the
// stations that were counted lately and want a decision.
func (s *site) unresolved(r *http.Request, stations []store.Station) (boxes int, counts []countedLine, err error) {
	v := asking(r)
	all, err := s.Restock.Consignments(r.Context(), "", consignmentsOfPage)
	if err != nil {
		return 0, nil, err
	}
	for _, c := range all {
		if c.Open > 0 && v.may(store.Viewer, c.Station) {
			boxes++
		}
	}
	last, err := s.Restock.LastCounts(r.Context(), 0, countsOfToday)
	if err != nil {
		return 0, nil, err
	}
	for _, c := range last {
		at := slices.IndexFunc(stations, func(st store.Station) bool { return st.ID == c.Station })
		if at < 0 { // the visitor does not see it
			continue
		}
		if c, err = s.Restock.Counted(r.Context(), c.Station); err != nil {
			return 0, nil, err
		}
		if len(c.Findings) > 0 {
			counts = append(counts, countedLine{c.Station, cmp.Or(stations[at].Title, string(c.Station))})
		}
	}
	return boxes, counts, nil
}
