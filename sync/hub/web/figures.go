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

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// period is a time that figures are of, in whole days of the library's place, and the
// one they are compared with.
type period struct {
	Kind          string // month, quarter, year, free
	Compare       string // before, year
	Step          string // day, week, month
	store.Span           // until now, where it is not over
	before        store.Span
	last          time.Time // its last day
	earlier, next time.Time // where the periods beside it begin; next is zero when that is yet to come
}

// periods and what they may be compared with and divided into.
var (
	periodKinds  = []string{"month", "quarter", "year", "free"}
	comparisons  = []string{"before", "year"}
	stepKinds    = []string{"day", "week", "month"}
	longestSteps = map[string]time.Duration{"day": 93 * 24 * time.Hour, "week": 2 * 366 * 24 * time.Hour}
)

const longestPeriod = 10 * 366 * 24 * time.Hour

// periodOf is the period that an address asks for: ?period=, ?from= a day in it, or
// the first day of a free one, ?to= the last, ?compare=, ?step=.
func (s *site) periodOf(asked url.Values) (p period, err error) {
	p = period{Kind: cmp.Or(asked.Get("period"), "quarter"), Compare: cmp.Or(asked.Get("compare"), "before"), Step: asked.Get("step")}
	if !slices.Contains(periodKinds, p.Kind) || !slices.Contains(comparisons, p.Compare) || p.Step != "" && !slices.Contains(stepKinds, p.Step) {
		return p, errAsked
	}
	day, err := s.dayOf(asked.Get("from"))
	if err != nil {
		return p, err
	}
	last, err := s.dayOf(asked.Get("to"))
	if err != nil {
		return p, err
	}
	now := s.Now().In(s.Place)
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, s.Place)
	if p.Kind == "free" {
		p.To = cmpTime(last, today).AddDate(0, 0, 1)
		p.From = cmpTime(day, p.To.AddDate(0, -1, 0))
		if !p.From.Before(p.To) || p.To.Sub(p.From) > longestPeriod {
			return p, errAsked
		}
		days := int(p.To.Sub(p.From).Round(24*time.Hour) / (24 * time.Hour))
		p.earlier, p.next = p.From.AddDate(0, 0, -days), p.To
	} else {
		p.From, p.To = p.around(cmpTime(day, today))
		p.earlier, _ = p.around(p.From.AddDate(0, 0, -1))
		p.next = p.To
	}
	p.last = p.To.AddDate(0, 0, -1)
	p.before = store.Span{From: p.earlier, To: p.From}
	if p.Compare == "year" {
		p.before = store.Span{From: p.From.AddDate(-1, 0, 0), To: p.To.AddDate(-1, 0, 0)}
	}
	if p.next.After(now) {
		p.next = time.Time{}
	}
	if p.To.After(now) { // as far as it goes, and no further than that in the other one
		p.To = now
		if end := p.before.From.Add(now.Sub(p.From)); end.Before(p.before.To) {
			p.before.To = end
		}
	}
	p.Step = p.step()
	return p, nil
}

func cmpTime(t, otherwise time.Time) time.Time {
	if t.IsZero() {
		return otherwise
	}
	return t
}

// around is the month, quarter or year that a day is in.
func (p period) around(day time.Time) (from, to time.Time) {
	month, months := day.Month(), 1
	switch p.Kind {
	case "quarter":
		month, months = month-(month-1)%3, 3
	case "year":
		month, months = time.January, 12
	}
	from = time.Date(day.Year(), month, 1, 0, 0, 0, 0, day.Location())
	return from, from.AddDate(0, months, 0)
}

// step is how it is divided: as asked, unless that would be very long.
func (p period) step() string {
	step := p.Step
	if step == "" {
		step = map[string]string{"month": "week", "free": "week"}[p.Kind]
	}
	if most, limited := longestSteps[step]; step == "" || limited && p.To.Sub(p.From) > most {
		return "month"
	}
	return step
}

// steps are where its parts begin: weeks on Mondays, and the first with the period.
func (p period) steps() (all []time.Time) {
	for at := p.From; at.Before(p.To); {
		all = append(all, at)
		switch p.Step {
		case "day":
			at = at.AddDate(0, 0, 1)
		case "week":
			at = at.AddDate(0, 0, 7-(int(at.Weekday())+6)%7)
		default:
			at = time.Date(at.Year(), at.Month()+1, 1, 0, 0, 0, 0, at.Location())
		}
	}
	return all
}

// useLine is a line of figures: of a station, or of a step.
type useLine struct {
	store.Use
	Name     string
	Station  circ.StationID
	From     time.Time // of a step
	people   headcount
	first    headcount
	Items    int
	Lost     int
	Bar      string // how long, as a percentage of the longest
	Turnover string
}

// Cards and New are numbers of people, as far as they are shown.
func (l useLine) Cards() string { return l.people.text() }
func (l useLine) New() string   { return l.first.text() }

// figures are what is told of a period.
type figures struct {
	period
	Station   circ.StationID
	Sum, Then useLine
	Steps     []useLine
	Stations  []useLine // of all, the most lent first
	Hours     []useLine
	Unmoved   int
}

// gatherFigures asks the store for figures and hides what is too small.
func (s *site) gatherFigures(r *http.Request, w *words) (f figures, all []store.Station, err error) {
	asked := r.URL.Query()
	if f.period, err = s.periodOf(asked); err != nil {
		return f, nil, err
	}
	if all, err = s.source(r).Stations(r.Context()); err != nil {
		return f, nil, err
	}
	f.Station = circ.StationID(asked.Get("station"))
	if f.Station != "" && !slices.ContainsFunc(all, func(st store.Station) bool { return st.ID == f.Station }) {
		return f, nil, store.ErrNoStation
	}
	q := store.UseQuery{Station: f.Station, Span: f.Span, Before: f.before, Steps: f.steps(), Place: s.Place}
	u, err := s.source(r).Uses(r.Context(), q)
	if err != nil {
		return f, nil, err
	}
	f.Unmoved = u.Unmoved
	f.stations(s.Fewest, all, u)
	f.Sum, f.Then = f.total(s.Fewest, u.Use, u.By, u), f.total(s.Fewest, u.Before, u.ByBefore, u)
	f.divide(w, s.Fewest, q.Steps, u)
	f.hours(w, u)
	return f, all, nil
}

// total is the line of everything. A station's cards are hidden where the table of all
// stations hides them.
func (f *figures) total(fewest int, use store.Use, by map[circ.StationID]store.Use, u store.Uses) useLine {
	line := useLine{Use: use, people: counted(fewest, use.Cards)[0]}
	if f.Station != "" {
		var numbers []int
		here := 0
		for station, use := range by {
			if station == f.Station {
				here = len(numbers)
			}
			numbers = append(numbers, use.Cards)
		}
		if groups := mask(fewest, counted(fewest, numbers...)); len(groups) > 0 {
			line.people.hidden = line.people.hidden || groups[here].hidden
		}
	}
	line.first = part(fewest, line.people, use.New)
	for _, n := range u.Items {
		line.Items += n
	}
	for _, n := range u.Lost {
		line.Lost += n
	}
	line.Turnover = turnover(use.Loans, line.Items)
	return line
}

func (f *figures) stations(fewest int, all []store.Station, u store.Uses) {
	var numbers []int
	for _, st := range all {
		use, used := u.By[st.ID]
		if !used && u.Items[st.ID] == 0 && f.Station != st.ID {
			continue
		}
		f.Stations = append(f.Stations, useLine{Use: use, Station: st.ID, Name: cmp.Or(st.Title, string(st.ID)), Items: u.Items[st.ID], Lost: u.Lost[st.ID], Turnover: turnover(use.Loans, u.Items[st.ID])})
		numbers = append(numbers, use.Cards)
	}
	for i, p := range mask(fewest, counted(fewest, numbers...)) {
		f.Stations[i].people = p
	}
	slices.SortStableFunc(f.Stations, func(a, b useLine) int { return cmp.Compare(b.Loans, a.Loans) })
	bars(f.Stations)
}

// divide fills the steps. Where the whole is hidden, so are its parts, from which it
// could be put together.
func (f *figures) divide(w *words, fewest int, at []time.Time, u store.Uses) {
	cards, first := make([]headcount, len(at)), make([]headcount, len(at))
	for i, use := range u.Steps {
		cards[i] = headcount{use.Cards, f.Sum.people.hidden || small(fewest, use.Cards)}
	}
	mask(fewest, cards)
	for i, use := range u.Steps {
		first[i] = part(fewest, cards[i], use.New)
		first[i].hidden = first[i].hidden || f.Sum.first.hidden
	}
	mask(fewest, first)
	for i, use := range u.Steps {
		f.Steps = append(f.Steps, useLine{Use: use, From: at[i], Name: w.step(f.Step, at[i]), people: cards[i], first: first[i]})
	}
	bars(f.Steps)
}

// hours are those of the day from the first to the last in which anything happened.
func (f *figures) hours(w *words, u store.Uses) {
	first, last := 24, -1
	for hour, use := range u.Hours {
		if use != (store.Use{}) {
			first, last = min(first, hour), hour
		}
	}
	for hour := first; hour <= last; hour++ {
		f.Hours = append(f.Hours, useLine{Use: u.Hours[hour], Name: w.T("figures.hour", fmt.Sprintf("%02d", hour), fmt.Sprintf("%02d", hour+1))})
	}
	bars(f.Hours)
}

// bars makes lines as long as their loans.
func bars(lines []useLine) {
	most := 1
	for _, l := range lines {
		most = max(most, l.Loans)
	}
	for i, l := range lines {
		lines[i].Bar = strconv.FormatFloat(100*float64(l.Loans)/float64(most), 'f', 1, 64) + "%"
	}
}

// turnover is how often each item was lent, "" where there is none.
func turnover(loans, items int) string {
	if items == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(loans)/float64(items), 'f', 2, 64)
}

// step names a part of a period.
func (w *words) step(kind string, from time.Time) string {
	switch kind {
	case "day":
		return w.short(from)
	case "week":
		_, week := from.ISOWeek()
		return w.T("figures.week", week, w.short(from))
	}
	return w.T("figures.month."+strconv.Itoa(int(from.Month())), from.Year())
}

// short is a date in figures.
func (w *words) short(t time.Time) string {
	return w.T("date.short", t.Day(), int(t.Month()), t.Year())
}

// figureLine is one of the headline figures.
type figureLine struct{ Name, Now, Was, Change string }

type figuresPage struct {
	frame
	figures
	Choices              []store.Station
	Kinds, Against, Into []choiceLine
	Title, When, Than    string
	Headline             []figureLine
	Hidden               bool
	Earlier, Later, CSV  string
	More                 string
	Fewest               int
	FromDay, ToDay       string
}

const stationsOfFigures = 100

func (s *site) figuresPage(r *http.Request, w *words) (string, any, error) {
	f, all, err := s.gatherFigures(r, w)
	if err != nil {
		return "", nil, err
	}
	page := figuresPage{frame: s.frame(r, w, "figures"), figures: f, Choices: all, Title: w.T("figures.all"), Fewest: s.Fewest,
		FromDay: f.From.Format(time.DateOnly), ToDay: f.last.Format(time.DateOnly)}
	page.When = w.T("figures.span", w.short(f.From), w.short(f.To.Add(-time.Millisecond)))
	page.Than = w.T("figures.span", w.short(f.before.From), w.short(f.before.To.Add(-time.Millisecond)))
	for _, st := range all {
		if st.ID == f.Station {
			page.Title = cmp.Or(st.Title, string(st.ID))
		}
	}
	page.Kinds, page.Against, page.Into = w.choices("period", periodKinds, f.Kind), w.choices("compare", comparisons, f.Compare), w.choices("step", stepKinds, f.Step)
	page.Headline = w.headline(f)
	asked := r.URL.Query()
	href := func(path string, set url.Values) string {
		query := url.Values{"period": {f.Kind}, "compare": {f.Compare}, "step": {f.Step}, "station": {string(f.Station)}, "from": {page.FromDay}}
		if f.Kind == "free" {
			query.Set("to", page.ToDay)
		}
		for key, value := range set {
			query[key] = value
		}
		return path + "?" + query.Encode()
	}
	beside := func(from time.Time) string {
		set := url.Values{"from": {from.Format(time.DateOnly)}}
		if f.Kind == "free" {
			set.Set("to", from.Add(f.last.Sub(f.From)).Format(time.DateOnly))
		}
		return href("/figures", set)
	}
	page.CSV, page.Earlier = href("/figures.csv", nil), beside(f.earlier)
	if !f.next.IsZero() {
		page.Later = beside(f.next)
	}
	for _, lines := range [][]useLine{{f.Sum, f.Then}, f.Steps, f.Stations} {
		page.Hidden = page.Hidden || slices.ContainsFunc(lines, func(l useLine) bool { return l.people.hidden || l.first.hidden })
	}
	skip, err := number(asked.Get("skip"))
	if err != nil {
		return "", nil, err
	}
	page.Stations = f.Stations[min(skip, len(f.Stations)):]
	if len(page.Stations) > stationsOfFigures {
		page.Stations, page.More = page.Stations[:stationsOfFigures], href("/figures", url.Values{"skip": {strconv.Itoa(skip + stationsOfFigures)}})
	}
	if f.Station != "" {
		page.Stations = nil
	}
	return "figures", page, nil
}

// number is one of an address; 0 where there is none.
func number(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 {
		return 0, errAsked
	}
	return int(n), nil
}

func (w *words) choices(kind string, values []string, now string) (all []choiceLine) {
	for _, value := range values {
		all = append(all, choiceLine{value, w.T("figures." + kind + "." + value), value == now})
	}
	return all
}

// headline is the figures one below the other.
func (w *words) headline(f figures) (all []figureLine) {
	add := func(key string, now, was int) {
		all = append(all, figureLine{w.T(key), strconv.Itoa(now), strconv.Itoa(was), change(now, was)})
	}
	add("figures.loans", f.Sum.Loans, f.Then.Loans)
	add("figures.returns", f.Sum.Returns, f.Then.Returns)
	add("figures.renewals", f.Sum.Renewals, f.Then.Renewals)
	add("figures.readhere", f.Sum.ReadHere, f.Then.ReadHere)
	add("figures.house", f.Sum.House, f.Then.House)
	for _, p := range []struct {
		key      string
		now, was headcount
	}{{"figures.cards", f.Sum.people, f.Then.people}, {"figures.new", f.Sum.first, f.Then.first}} {
		line := figureLine{Name: w.T(p.key), Now: p.now.text(), Was: p.was.text()}
		if !p.now.hidden && !p.was.hidden {
			line.Change = change(p.now.n, p.was.n)
		}
		all = append(all, line)
	}
	one := func(key, now string) { all = append(all, figureLine{Name: w.T(key), Now: now}) }
	one("figures.items", strconv.Itoa(f.Sum.Items))
	one("figures.turnover", cmp.Or(w.Decimal(f.Sum.Turnover), "–"))
	one("figures.unmoved", strconv.Itoa(f.Unmoved))
	one("figures.lost", strconv.Itoa(f.Sum.Lost))
	return all
}

// Decimal is a number as the language writes it.
func (w *words) Decimal(text string) string { return strings.Replace(text, ".", w.T("decimal"), 1) }

// change is by how many percent something grew, "" where there was nothing.
func change(now, was int) string {
	if was == 0 {
		return ""
	}
	percent := (200*(now-was) + was*sign(now-was)) / (2 * was)
	if percent == 0 {
		return "0 %"
	}
	return fmt.Sprintf("%+d %%", percent)
}

func sign(n int) int { return cmp.Compare(n, 0) }

// figuresCSV is the same as a table: of what, loans, returns, renewals, read here,
// for the house, cards, first-time cards, items, loans of an item, missing. A number
// of people that is hidden is *.
func (s *site) figuresCSV(w http.ResponseWriter, r *http.Request) {
	words := s.tongues.of(r)
	f, _, err := s.gatherFigures(r, words)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	rows := [][]string{{"group", "name", "from", "to", "loans", "returns", "renewals", "read_here", "for_the_house", "cards", "first_time_cards", "items", "turnover", "never_moved", "missing"}}
	add := func(group, name string, span store.Span, l useLine, rest ...string) {
		day := func(t time.Time) string {
			if t.IsZero() {
				return ""
			}
			return t.In(s.Place).Format(time.DateOnly)
		}
		row := []string{group, cell(name), day(span.From), day(span.To.Add(-time.Millisecond))}
		for _, n := range []int{l.Loans, l.Returns, l.Renewals, l.ReadHere, l.House} {
			row = append(row, strconv.Itoa(n))
		}
		rows = append(rows, append(append(row, l.Cards(), l.New()), rest...))
	}
	add("period", string(f.Station), f.Span, f.Sum, strconv.Itoa(f.Sum.Items), f.Sum.Turnover, strconv.Itoa(f.Unmoved), strconv.Itoa(f.Sum.Lost))
	add("compared", string(f.Station), f.before, f.Then, "", "", "", "")
	for i, l := range f.Steps {
		end := f.To
		if i+1 < len(f.Steps) {
			end = f.Steps[i+1].From
		}
		add("step", l.Name, store.Span{From: l.From, To: end}, l, "", "", "", "")
	}
	if f.Station == "" {
		for _, l := range f.Stations {
			add("station", l.Name, f.Span, l, strconv.Itoa(l.Items), l.Turnover, "", strconv.Itoa(l.Lost))
			rows[len(rows)-1][10] = "" // not counted by station
		}
	}
	for _, l := range f.Hours {
		add("hour", l.Name, f.Span, l, "", "", "", "")
		rows[len(rows)-1][9], rows[len(rows)-1][10] = "", ""
	}
	s.sendCSV(w, "figures.csv", rows)
}

// apiUse is what was used. Cards are people: null where they are too few to be told.
type apiUse struct {
	Station  circ.StationID `json:"station,omitempty"`
	From     *time.Time     `json:"from,omitempty"`
	Hour     string         `json:"hour,omitempty"`
	Loans    int            `json:"loans"`
	Returns  int            `json:"returns"`
	Renewals int            `json:"renewals"`
	ReadHere int            `json:"read_here"`
	House    int            `json:"for_the_house"`
	Cards    *int           `json:"cards"`
	New      *int           `json:"first_time_cards"`
}

type apiFigures struct {
	From     *time.Time `json:"from"`
	To       *time.Time `json:"to"`
	Use      apiUse     `json:"use"`
	Before   apiUse     `json:"before"`
	Steps    []apiUse   `json:"steps"`
	Stations []apiUse   `json:"stations"`
	Hours    []apiUse   `json:"hours"`
	Items    int        `json:"items"`
	Unmoved  int        `json:"never_moved"`
	Lost     int        `json:"missing"`
}

func (l useLine) api() apiUse {
	a := apiUse{Station: l.Station, From: moment(l.From), Loans: l.Loans, Returns: l.Returns, Renewals: l.Renewals, ReadHere: l.ReadHere, House: l.House, Cards: l.people.shown(), New: l.first.shown()}
	return a
}

// apiFigures are the figures' page for scripts.
func (s *site) apiFigures(r *http.Request) (any, error) {
	f, _, err := s.gatherFigures(r, s.tongues.of(r))
	if err != nil {
		return nil, err
	}
	a := apiFigures{From: moment(f.From), To: moment(f.To), Use: f.Sum.api(), Before: f.Then.api(), Steps: []apiUse{}, Stations: []apiUse{}, Hours: []apiUse{}, Items: f.Sum.Items, Unmoved: f.Unmoved, Lost: f.Sum.Lost}
	for _, l := range f.Steps {
		a.Steps = append(a.Steps, l.api())
	}
	for _, l := range f.Stations {
		line := l.api()
		line.New = nil // not counted by station
		a.Stations = append(a.Stations, line)
	}
	for _, l := range f.Hours {
		line := l.api()
		line.Hour, line.Cards, line.New = l.Name, nil, nil
		a.Hours = append(a.Hours, line)
	}
	return a, nil
}
