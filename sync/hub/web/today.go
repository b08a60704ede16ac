package web

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"coldstation/sync/hub/store"
)

// matter is a condition that several stations may share: one sentence, what to
// do, and where.
type matter struct {
	sentence
	At    []standing
	since time.Time
}

// today gathers what needs a person, and nothing else.
func (s *site) today(r *http.Request, w *words) (string, any, error) {
	page := struct {
		frame
		Decisions int
		Boxes     int // consignments with differences
		Counts    []countedLine
		Matters   []matter
		Stations  int
	}{frame: s.frame(r, w, "today")}
	stations, err := s.source(r).Stations(r.Context())
	if err != nil {
		return "", nil, err
	}
	if s.ILS != "" {
		var count map[store.PostingState]int
		if count, page.Decisions, err = s.source(r).PostingsNow(r.Context(), s.ILS); err != nil {
			return "", nil, err
		}
		page.Matters = s.away(w, count)
	}
	if page.Boxes, page.Counts, err = s.unresolved(r, stations); err != nil {
		return "", nil, err
	}
	page.Stations = len(stations)
	page.Matters = append(append(s.damaged(w), page.Matters...), s.matters(w, stations)...)
	undelivered, err := s.undelivered(r, w)
	page.Matters = append(page.Matters, undelivered...)
	return "today", page, err
}

// damaged is that the hub's own store is.
func (s *site) damaged(w *words) []matter {
	if s.Damaged == nil || s.Damaged().IsZero() {
		return nil
	}
	since := s.Damaged()
	return []matter{{sentence: sentence{w.T("damaged", w.when(s.Now().In(s.Place), since, s.Place)), w.T("damaged.do")}, since: since}}
}

// away is that the library system has not answered for long, and how much waits
// for it. A visitor who sees few stations is not told how much.
func (s *site) away(w *words, count map[store.PostingState]int) []matter {
	if s.Away == nil {
		return nil
	}
	now, since := s.Now(), s.Away()
	if since.IsZero() || now.Sub(since) < s.Unanswered {
		return nil
	}
	what := w.T("away", w.when(now.In(s.Place), since, s.Place))
	if waits := count[store.PostPending] + count[store.PostSent] + count[store.PostUnknown]; waits > 0 {
		what += " " + w.N("away.waits", waits)
	}
	return []matter{{sentence: sentence{what, w.T("away.do")}, since: since}}
}

// matters are the conditions of all stations, what lasts longest first.
func (s *site) matters(w *words, stations []store.Station) []matter {
	of := make(map[sentence]int)
	var all []matter
	for _, st := range stations {
		v := s.standing(w, st)
		for i, c := range s.conditions(st) {
			said := v.Sentences[i]
			at, found := of[said]
			if !found {
				at = len(all)
				of[said] = at
				all = append(all, matter{sentence: said, since: c.Since})
			}
			all[at].At = append(all[at].At, v)
			if c.Since.Before(all[at].since) {
				all[at].since = c.Since
			}
		}
	}
	slices.SortStableFunc(all, func(a, b matter) int { return cmp.Compare(a.since.UnixMilli(), b.since.UnixMilli()) })
	return all
}
