package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

const decisionsOfPage = 200

// pending is a decision that is wanted. It shows neither whose card it was nor
// the library system's own words, which may name somebody.
type pending struct {
	Key, Title, Evidence, Route string
	Item                        circ.ItemID
	Station                     standing
	Proposals                   []proposal
	May                         bool // the visitor may decide it
}

// proposal is what may be done, as a button and what comes of it.
type proposal struct {
	Action    store.Action
	Do, Means string
}

// alike are decisions of one kind, for which the same may be done.
type alike struct {
	What      string
	Pending   []pending
	Proposals []proposal
	Bulk      bool // several may be decided at once
	kind      string
}

func (s *site) decisions(r *http.Request, w *words) (string, any, error) {
	query := r.URL.Query()
	page := struct {
		frame
		System       bool
		Groups       []alike
		Total        int
		Done, Failed string
	}{frame: s.frame(r, w, "decisions"), System: s.ILS != ""}
	if n, err := strconv.ParseUint(query.Get("done"), 10, 16); err == nil && n > 0 {
		page.Done = w.N("decide.done", n)
	}
	if n, err := strconv.ParseUint(query.Get("failed"), 10, 16); err == nil && n > 0 {
		page.Failed = w.N("decide.failed", n)
	}
	if !page.System {
		return "decisions", page, nil
	}
	all, err := s.source(r).Decisions(r.Context(), s.ILS, decisionsOfPage)
	if err != nil {
		return "", nil, err
	}
	if _, page.Total, err = s.source(r).PostingsNow(r.Context(), s.ILS); err != nil {
		return "", nil, err
	}
	stations, err := s.source(r).Stations(r.Context())
	if err != nil {
		return "", nil, err
	}
	known := make(map[circ.StationID]standing, len(stations))
	for _, st := range stations {
		known[st.ID] = s.standing(w, st)
	}
	for _, p := range all {
		at, found := known[p.Station]
		if !found {
			at = s.standing(w, store.Station{ID: p.Station})
		}
		one := pending{Key: formatKey(p.PostingKey), Title: p.Title, Item: p.Item, Station: at, May: asking(r).may(store.Librarian, p.Station)}
		if one.Title == "" {
			one.Title = string(p.Item)
		}
		one.Evidence = w.T("evidence."+string(p.Op), at.When(p.At))
		if p.Route != "" {
			one.Route = w.T("evidence.route", p.Route)
		}
		kind := p.Rule
		for _, action := range s.Propose(p) {
			means := w.or("means."+p.Rule+"."+string(action), "means."+string(action))
			one.Proposals = append(one.Proposals, proposal{action, w.T("action." + string(action)), w.T(means)})
			kind += "\n" + string(action)
		}
		i := slices.IndexFunc(page.Groups, func(g alike) bool { return g.kind == kind })
		if i < 0 {
			i = len(page.Groups)
			page.Groups = append(page.Groups, alike{What: w.T(w.or("rule."+p.Rule, "rule.")), Proposals: one.Proposals, kind: kind})
		}
		group := &page.Groups[i]
		group.Bulk = group.Bulk || one.May && slices.ContainsFunc(group.Pending, func(p pending) bool { return p.May })
		group.Pending = append(group.Pending, one)
	}
	return "decisions", page, nil
}

// decide applies one action to one case ("one": ACTION KEY) or to all that are
// ticked ("all": ACTION, "key": each). One that cannot be is left for later and
// counted; the others are done.
func (s *site) decide(_ http.ResponseWriter, r *http.Request) (string, error) {
	if s.ILS == "" {
		return "", errMissing
	}
	action, keys := r.PostForm.Get("all"), r.PostForm["key"]
	if one := r.PostForm.Get("one"); one != "" {
		name, key, found := strings.Cut(one, " ")
		if !found {
			return "", errAsked
		}
		action, keys = name, []string{key}
	}
	if !slices.Contains([]store.Action{store.Retry, store.Return, store.Accept, store.Leave}, store.Action(action)) {
		return "", errAsked
	}
	if len(keys) > decisionsOfPage {
		return "", errAsked
	}
	note := strings.TrimSpace(r.PostForm.Get("note"))
	if len(note) > circ.MaxText {
		return "", errAsked
	}
	done, failed, v := 0, 0, asking(r)
	for _, text := range keys {
		key, err := parseKey(text)
		if err != nil {
			return "", err
		}
		key.ILS = s.ILS
		err = s.source(r).Decide(r.Context(), store.Decision{PostingKey: key, Action: store.Action(action), By: v.name, At: s.Now(), Note: note})
		switch {
		case err == nil:
			done++
			v.about = append(v.about, formatKey(key))
		case errors.Is(err, store.ErrNoDecision), errors.Is(err, store.ErrLater):
			failed++
		default:
			return "", err
		}
	}
	return "/decisions?" + url.Values{"done": {strconv.Itoa(done)}, "failed": {strconv.Itoa(failed)}}.Encode(), nil
}

// A posting's key is written STATION.LEDGER.SEQ; a station's name has no dot.
func formatKey(k store.PostingKey) string {
	return string(k.Station) + "." + k.Ledger.String() + "." + strconv.FormatUint(k.Seq, 10)
}

func parseKey(text string) (k store.PostingKey, err error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return k, errAsked
	}
	ledger, err1 := uuid.Parse(parts[1])
	seq, err2 := strconv.ParseUint(parts[2], 10, 63)
	k = store.PostingKey{Station: circ.StationID(parts[0]), Ledger: ledger, Seq: seq}
	if err1 != nil || err2 != nil || !k.Station.Valid() {
		return k, errAsked
	}
	return k, nil
}
