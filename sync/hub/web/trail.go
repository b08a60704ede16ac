package web

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"coldstation/sync/hub/store"
)

const (
	deedsOfPage   = 100
	deedsOfExport = 100_000
)

// deeds is everything that the trail may say was done.
func (s *site) deeds() []string {
	all := []string{"sign-in-failed"}
	for _, rt := range s.routes() {
		if rt.trail != "" && !slices.Contains(all, rt.trail) {
			all = append(all, rt.trail)
		}
	}
	return all
}

type deedLine struct {
	store.Deed
	ISO, When, What string
}

type trailPage struct {
	frame
	Query    store.TrailQuery
	From, To string
	Deeds    []deedLine
	Kinds    []choiceLine
	Older    string
	Export   string
}

// trailQuery is what an address asks of the trail; a day that is none asks nothing.
func (s *site) trailQuery(r *http.Request) (q store.TrailQuery, err error) {
	asked := r.URL.Query()
	q.Find, q.What = strings.TrimSpace(asked.Get("q")), asked.Get("what")
	if text := asked.Get("before"); text != "" {
		if q.Before, err = strconv.ParseInt(text, 10, 64); err != nil || q.Before < 1 {
			return q, errAsked
		}
	}
	if q.From, err = s.dayOf(asked.Get("from")); err != nil {
		return q, err
	}
	q.To, err = s.dayOf(asked.Get("to"))
	if !q.To.IsZero() {
		q.To = q.To.AddDate(0, 0, 1) // the day itself is meant too
	}
	return q, err
}

func (s *site) dayOf(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	day, err := time.ParseInLocation(time.DateOnly, text, s.Place)
	if err != nil {
		return day, errAsked
	}
	return day, nil
}

func (s *site) trailPage(r *http.Request, w *words) (string, any, error) {
	q, err := s.trailQuery(r)
	if err != nil {
		return "", nil, err
	}
	q.Limit = deedsOfPage + 1
	asked := r.URL.Query()
	page := trailPage{frame: s.frame(r, w, "trail"), Query: q, From: asked.Get("from"), To: asked.Get("to")}
	for _, kind := range s.deeds() {
		page.Kinds = append(page.Kinds, choiceLine{kind, w.T("deed." + kind), kind == q.What})
	}
	deeds, err := s.Accounts.Trail(r.Context(), q)
	href := func(before int64) string {
		query := url.Values{"q": {q.Find}, "what": {q.What}, "from": {page.From}, "to": {page.To}}
		if before > 0 {
			query.Set("before", strconv.FormatInt(before, 10))
		}
		return "?" + query.Encode()
	}
	page.Export = "/trail.csv" + href(0)
	if len(deeds) > deedsOfPage {
		deeds = deeds[:deedsOfPage]
		page.Older = href(deeds[deedsOfPage-1].Place)
	}
	for _, d := range deeds {
		if d.Who == atHub {
			d.Who = w.T("account.machine")
		}
		page.Deeds = append(page.Deeds, deedLine{d, iso(d.At), w.when(s.Now(), d.At, s.Place), w.T(w.or("deed."+d.What, "deed."))})
	}
	return "trail", page, err
}

// trailCSV is the trail for a table program: time (RFC 3339, UTC), who, address,
// what, about; the last first.
func (s *site) trailCSV(w http.ResponseWriter, r *http.Request) {
	q, err := s.trailQuery(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	q.Limit = deedsOfExport
	deeds, err := s.Accounts.Trail(r.Context(), q)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	rows := [][]string{{"time", "who", "address", "what", "about"}}
	for _, d := range deeds {
		rows = append(rows, []string{iso(d.At), cell(d.Who), cell(d.Address), cell(d.What), cell(d.About)})
	}
	s.sendCSV(w, "trail.csv", rows)
}

// sendCSV answers with a table. What people typed in it went through cell.
func (s *site) sendCSV(w http.ResponseWriter, name string, rows [][]string) {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	if err := csv.NewWriter(w).WriteAll(rows); err != nil {
		s.Log.Debug("send a table", "table", name, "err", err)
	}
}

// cell is text that no table program takes for a formula.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
