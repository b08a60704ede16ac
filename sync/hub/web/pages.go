package web

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// standing is a station as a page shows it.
type standing struct {
	*words
	store.Station
	HeardSentence   string
	QueueSentence   string
	PendingSentence string
	Sentences       []sentence
	now             time.Time
	place           *time.Location
}

// Name is what people call the station.
func (v standing) Name() string {
	if v.Title != "" {
		return v.Title
	}
	return string(v.ID)
}

// sentence is a condition: what is the matter, and what to do.
type sentence struct{ What, Do string }

func (s *site) standing(w *words, st store.Station) standing {
	now := s.Now()
	v := standing{words: w, Station: st, now: now, place: s.Place}
	switch {
	case st.Heard.IsZero():
		v.HeardSentence = w.T("heard.never")
	case !st.Online:
		v.HeardSentence = w.T("heard.asleep", w.age(now, st.Heard))
	default:
		v.HeardSentence = w.T("heard", w.age(now, st.Heard))
	}
	v.QueueSentence = w.T("station.queue.none")
	if st.Queue() > 0 {
		v.QueueSentence = w.N("station.queue", st.Queue(), w.age(now, st.BehindSince))
	}
	if st.Pending() > 0 {
		v.PendingSentence = w.N("station.pending", st.Pending(), w.age(now, st.PendingSince))
	}
	for _, c := range s.conditions(st) {
		key := w.or("condition."+c.Name, "condition.")
		detail := strings.TrimPrefix(c.Name, store.FaultPrefix)
		v.Sentences = append(v.Sentences, sentence{w.T(key, detail), w.T(key + ".do")})
	}
	return v
}

// conditions are those of a station now.
func (s *site) conditions(st store.Station) []store.Condition {
	return store.Patience{Silent: s.Silent, Behind: s.Behind}.Conditions(st, s.Now())
}

// When is a time today as its hour, any other with its day.
func (v standing) When(t time.Time) string { return v.when(v.now, t, v.place) }

// ISO is a time for machines.
func (v standing) ISO(t time.Time) string { return iso(t) }

func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func (w *words) when(now, t time.Time, place *time.Location) string {
	t = t.In(place)
	if name, near := w.near(now.In(place), t); near {
		return w.T("clock", name, t.Format(w.T("hhmm")))
	}
	return w.Clock(t)
}

// near is today's and yesterday's name.
func (w *words) near(now, t time.Time) (string, bool) {
	switch t.Format(time.DateOnly) {
	case now.Format(time.DateOnly):
		return w.T("today"), true
	case now.AddDate(0, 0, -1).Format(time.DateOnly):
		return w.T("yesterday"), true
	}
	return "", false
}

// orders are the ways to sort stations; without one, what needs a look is first.
var orders = map[string]func(a, b standing) int{
	"name":  func(a, b standing) int { return cmp.Compare(strings.ToLower(a.Name()), strings.ToLower(b.Name())) },
	"heard": func(a, b standing) int { return a.Heard.Compare(b.Heard) },
	"queue": func(a, b standing) int { return cmp.Compare(b.Queue(), a.Queue()) },
	"loans": func(a, b standing) int { return cmp.Compare(b.Loans, a.Loans) },
}

func (s *site) stations(r *http.Request, w *words) (string, any, error) {
	query := r.URL.Query()
	page := struct {
		frame
		Find, Sort  string
		OnlyUnwell  bool
		Stations    []standing
		All, Unwell int
	}{frame: s.frame(r, w, "stations"), Find: strings.TrimSpace(query.Get("q")), Sort: query.Get("sort"), OnlyUnwell: query.Get("unwell") != ""}
	all, err := s.source(r).Stations(r.Context())
	find := strings.ToLower(page.Find)
	for _, st := range all {
		v := s.standing(w, st)
		page.All++
		if len(v.Sentences) > 0 {
			page.Unwell++
		}
		if page.OnlyUnwell && len(v.Sentences) == 0 || !strings.Contains(strings.ToLower(v.Title+" "+string(v.ID)), find) {
			continue
		}
		page.Stations = append(page.Stations, v)
	}
	slices.SortStableFunc(page.Stations, func(a, b standing) int {
		if order := orders[page.Sort]; order != nil {
			return order(a, b)
		}
		return cmp.Compare(bool01(len(b.Sentences) > 0), bool01(len(a.Sentences) > 0))
	})
	return "stations", page, err
}

// line is an event of a timeline; day is those of one day.
type line struct {
	ISO, Time, Sentence string
	Rough               string // how far off the time may be; "" when it is known well
	Undone              bool
}

type day struct {
	Date, Name string
	Events     []line
}

const eventsOfPage = 100

func (s *site) station(r *http.Request, w *words) (string, any, error) {
	id := circ.StationID(r.PathValue("id"))
	before, err := position(r.URL.Query().Get("before"))
	if err != nil {
		return "", nil, err
	}
	st, err := s.source(r).Station(r.Context(), id)
	if err != nil {
		return "", nil, err
	}
	events, err := s.source(r).Events(r.Context(), id, before, eventsOfPage+1)
	if err != nil {
		return "", nil, err
	}
	page := struct {
		frame
		Station standing
		Places  []placeLine
		Loans   []store.Loan // the oldest
		Drift   string
		Days    []day
		Older   string
	}{frame: s.frame(r, w, ""), Station: s.standing(w, st)}
	page.Only = id
	if before == (store.Position{}) {
		if len(events) > 0 {
			page.Drift = w.clock(events[0])
		}
		if page.Places, page.Loans, err = s.shelf(r, w, id); err != nil {
			return "", nil, err
		}
	}
	if len(events) > eventsOfPage {
		events = events[:eventsOfPage]
		page.Older = "?before=" + url.QueryEscape(formatPosition(events[eventsOfPage-1].Position))
	}
	for _, e := range events {
		at := e.At.In(s.Place)
		date := at.Format(time.DateOnly)
		if n := len(page.Days); n == 0 || page.Days[n-1].Date != date {
			name, near := w.near(s.Now().In(s.Place), at)
			if !near {
				name = w.Day(at)
			}
			page.Days = append(page.Days, day{Date: date, Name: name})
		}
		today := &page.Days[len(page.Days)-1]
		today.Events = append(today.Events, line{iso(e.At), at.Format(w.T("hhmm")), w.event(e), w.rough(e.Err), e.Undone})
	}
	return "station", page, nil
}

// placeLine is how many items are at a kind of place.
type placeLine struct {
	Name, Href string
	N          int
}

const loansOfStation = 10

// shelf is what a station has, and what has been on loan from there for longest.
func (s *site) shelf(r *http.Request, w *words, id circ.StationID) (lines []placeLine, loans []store.Loan, err error) {
	places, err := s.source(r).Places(r.Context(), id)
	if err != nil {
		return nil, nil, err
	}
	for _, place := range []string{"shelf", "house", "box"} {
		if n := places[place]; n > 0 || place == "shelf" {
			lines = append(lines, placeLine{w.T("place.at." + place), "/items?" + url.Values{"station": {string(id)}, "place": {place}}.Encode(), n})
		}
	}
	loans, err = s.source(r).Loans(r.Context(), id)
	return lines, loans[:min(len(loans), loansOfStation)], err
}

// rough is how far off a time may be, rounded up.
func (w *words) rough(off time.Duration) string {
	if off <= store.Unsure {
		return ""
	}
	return w.about(off)
}

// about is a length of time, rounded up.
func (w *words) about(off time.Duration) string {
	up := func(unit time.Duration) int { return int((off + unit - 1) / unit) }
	switch {
	case off <= 90*time.Minute:
		return w.T("span.minute", up(time.Minute))
	case off <= 48*time.Hour:
		return w.T("span.hour", up(time.Hour))
	}
	return w.T("span.day", up(24*time.Hour))
}

// event is an event as a sentence: an item or a card, never both.
func (w *words) event(e store.Event) string {
	title := e.Title
	if title == "" {
		title = string(e.Item)
	}
	note := e.Note
	if key := "part." + note; w.T(key) != key { // a part of a station that has a word
		note = w.T(key)
	}
	return w.T(w.or("event."+e.Kind+"."+e.Note, "event."+e.Kind, "event."), title, note)
}

// A position in a timeline is written 1764000000000.LEDGER.SEQ.
func formatPosition(p store.Position) string {
	return fmt.Sprintf("%d.%s.%d", p.At.UnixMilli(), p.Ledger, p.Seq)
}

func position(text string) (p store.Position, err error) {
	if text == "" {
		return p, nil
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return p, errAsked
	}
	at, err1 := strconv.ParseInt(parts[0], 10, 64)
	ledger, err2 := uuid.Parse(parts[1])
	seq, err3 := strconv.ParseInt(parts[2], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil || at < 0 || seq < 0 {
		return p, errAsked
	}
	return store.Position{At: time.UnixMilli(at), Ledger: ledger, Seq: uint64(seq)}, nil
}

type loanLine struct {
	store.Loan
	Late     bool
	Promised time.Time // at the station, where the library system has another day; zero otherwise
}

type loansPage struct {
	frame
	Loans []loanLine
	place *time.Location
	names map[circ.StationID]string
}

// Name is what people call a station.
func (p loansPage) Name(id circ.StationID) string { return cmp.Or(p.names[id], string(id)) }

// ISO, When and Day are the page's times in its place.
func (p loansPage) ISO(t time.Time) string  { return iso(t) }
func (p loansPage) When(t time.Time) string { return p.when(p.Now, t, p.place) }
func (p loansPage) Day(t time.Time) string  { return p.words.Day(t.In(p.place)) }

func (s *site) loans(r *http.Request, w *words) (string, any, error) {
	page := loansPage{frame: s.frame(r, w, "loans"), place: s.Place, names: make(map[circ.StationID]string)}
	page.Only = circ.StationID(r.URL.Query().Get("station"))
	if page.Only != "" {
		if _, err := s.source(r).Station(r.Context(), page.Only); err != nil {
			return "", nil, err
		}
	}
	stations, err := s.source(r).Stations(r.Context())
	if err != nil {
		return "", nil, err
	}
	for _, st := range stations {
		page.names[st.ID] = st.Title
	}
	loans, err := s.source(r).Loans(r.Context(), page.Only)
	if err != nil {
		return "", nil, err
	}
	theirs := make(map[circ.ItemID]time.Time)
	if s.ILS != "" {
		if theirs, err = s.source(r).DueDates(r.Context(), s.ILS); err != nil {
			return "", nil, err
		}
	}
	for _, l := range loans {
		line := loanLine{Loan: l}
		if due, differs := theirs[l.Item]; differs {
			line.Promised, line.Due = l.Due, due
		}
		line.Late = !line.Due.IsZero() && line.Due.Before(page.Now)
		page.Loans = append(page.Loans, line)
	}
	return "loans", page, nil
}

var marks = []struct {
	mark circ.Marks
	name string
}{{circ.LargePrint, "large"}, {circ.Audio, "audio"}, {circ.EasyLanguage, "easy"}}
