package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"coldstation/docs"
	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// What a script's change lacks.
var (
	errStale    = errors.New("it was changed meanwhile: read it again")
	errUntagged = errors.New("say which state you change: If-Match, or If-None-Match: * for a new one")
)

// answer is one with more to it than its value.
type answer struct {
	value any
	tag   string // its ETag; "" for none
	next  string // where the next page is; "" for none
}

// problem is a fault as RFC 9457 has it.
type problem struct {
	Title  string            `json:"title"`
	Status int               `json:"status"`
	Detail string            `json:"detail"`
	Fields map[string]string `json:"fields,omitempty"` // what must be changed, by field
}

// problem is what a script is told of a fault.
func (s *site) problem(r *http.Request, err error) problem {
	status, detail := statusOf(err), err.Error()
	var fields map[string]string
	if about, is := errors.AsType[complaint](err); is {
		status, fields = http.StatusUnprocessableEntity, make(map[string]string)
		for field, key := range about {
			fields[field] = s.tongues.of(r).T(key)
		}
	}
	switch {
	case errors.Is(err, errStale):
		status = http.StatusPreconditionFailed
	case errors.Is(err, errUntagged):
		status = http.StatusPreconditionRequired
	case status == http.StatusInternalServerError:
		s.Log.Error("answer a script", "path", r.URL.Path, "err", err)
		detail = "the hub's log says why"
	}
	return problem{http.StatusText(status), status, detail, fields}
}

// asJSON reads what a script sends; nothing that is not asked for, and not too much.
func asJSON[T any](r *http.Request) (value T, err error) {
	text := json.NewDecoder(http.MaxBytesReader(nil, r.Body, formSize))
	text.DisallowUnknownFields()
	if err := text.Decode(&value); err != nil {
		return value, fmt.Errorf("the body is not the JSON that is asked for: %w", errAsked)
	}
	return value, nil
}

func limitOf(query url.Values) (int, error) {
	text := query.Get("limit")
	if text == "" {
		return 100, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 1000 {
		return 0, fmt.Errorf("limit is a number from 1 to 1000: %w", errAsked)
	}
	return n, nil
}

// paged cuts what is more than a page, and says where the next one begins.
func paged[T any](r *http.Request, all []T, limit int, parameter string, cursor func(T) string) answer {
	if len(all) <= limit {
		return answer{value: all}
	}
	all = all[:limit]
	query := r.URL.Query()
	query.Set(parameter, cursor(all[limit-1]))
	return answer{value: all, next: r.URL.Path + "?" + query.Encode()}
}

func (s *site) apiStation(r *http.Request) (any, error) {
	st, err := s.source(r).Station(r.Context(), circ.StationID(r.PathValue("id")))
	return s.apiStationOf(s.tongues.of(r), st), err
}

type apiItem struct {
	ID      circ.ItemID    `json:"id"`
	Title   string         `json:"title"`
	Author  string         `json:"author,omitempty"`
	Year    int            `json:"year,omitempty"`
	Home    circ.StationID `json:"home,omitempty"`
	Station circ.StationID `json:"station,omitempty"`
	Place   string         `json:"place,omitempty"`
	Seen    *time.Time     `json:"seen,omitempty"`
}

func (s *site) apiItems(r *http.Request) (any, error) {
	query := r.URL.Query()
	limit, err := limitOf(query)
	if err != nil {
		return nil, err
	}
	skip := 0
	if text := query.Get("after"); text != "" {
		if skip, err = strconv.Atoi(text); err != nil || skip < 0 {
			return nil, errAsked
		}
	}
	items, err := s.source(r).Stock(r.Context(), store.StockQuery{Find: query.Get("q"), Skip: skip, Limit: limit + 1})
	all := make([]apiItem, 0, len(items))
	for _, i := range items {
		all = append(all, apiItem{i.ID, i.Title, i.Author, i.Year, i.Home, i.Station, i.Place, moment(i.Seen)})
	}
	return paged(r, all, limit, "after", func(apiItem) string { return strconv.Itoa(skip + limit) }), err
}

// apiDecision is one that is wanted. It names neither a card nor the library system's
// own words.
type apiDecision struct {
	Key     string         `json:"key"`
	Station circ.StationID `json:"station"`
	Item    circ.ItemID    `json:"item"`
	Title   string         `json:"title,omitempty"`
	Asked   string         `json:"asked"` // of the library system: lend, take back, renew, undo
	At      *time.Time     `json:"at"`
	Rule    string         `json:"rule"`
	Route   string         `json:"route,omitempty"`
	Actions []store.Action `json:"actions"` // the best first
}

func (s *site) apiDecisions(r *http.Request) (any, error) {
	all := []apiDecision{}
	if s.ILS == "" {
		return all, nil
	}
	postings, err := s.source(r).Decisions(r.Context(), s.ILS, decisionsOfPage)
	for _, p := range postings {
		all = append(all, apiDecision{formatKey(p.PostingKey), p.Station, p.Item, p.Title, string(p.Op), moment(p.At), p.Rule, p.Route, append([]store.Action{}, s.Propose(p)...)})
	}
	return all, err
}

type apiDecide struct {
	Action store.Action `json:"action"`
	Keys   []string     `json:"keys"`
	Note   string       `json:"note"`
}

type apiDecided struct {
	Done   []string `json:"done"`
	Failed []string `json:"failed"` // wanted no more, or to be decided later
}

func (s *site) apiDecide(r *http.Request) (any, error) {
	asked, err := asJSON[apiDecide](r)
	switch {
	case err != nil:
		return nil, err
	case s.ILS == "":
		return nil, errMissing
	case len(asked.Keys) == 0 || len(asked.Keys) > decisionsOfPage || len(asked.Note) > circ.MaxText ||
		!slices.Contains([]store.Action{store.Retry, store.Return, store.Accept, store.Leave}, asked.Action):
		return nil, errAsked
	}
	v, out := asking(r), apiDecided{[]string{}, []string{}}
	for _, text := range asked.Keys {
		key, err := parseKey(text)
		if err != nil {
			return nil, err
		}
		key.ILS = s.ILS
		err = s.source(r).Decide(r.Context(), store.Decision{PostingKey: key, Action: asked.Action, By: v.name, At: s.Now(), Note: asked.Note})
		switch {
		case err == nil:
			out.Done = append(out.Done, text)
			v.about = append(v.about, text)
		case errors.Is(err, store.ErrNoDecision), errors.Is(err, store.ErrLater):
			out.Failed = append(out.Failed, text)
		default:
			return nil, err
		}
	}
	return out, nil
}

type apiAccount struct {
	Name   string     `json:"name"`
	Title  string     `json:"title,omitempty"`
	Roles  []apiRole  `json:"roles"`
	Signed *time.Time `json:"signed_in,omitempty"`
}

type apiRole struct {
	Role    store.Role     `json:"role"`
	Station circ.StationID `json:"station,omitempty"` // left out: the whole library
}

func (s *site) apiAccounts(r *http.Request) (any, error) {
	accounts, err := s.Accounts.Accounts(r.Context())
	all := make([]apiAccount, 0, len(accounts))
	for _, a := range accounts {
		one := apiAccount{a.Name, a.Title, []apiRole{}, moment(a.Signed)}
		for _, g := range a.Grants {
			one.Roles = append(one.Roles, apiRole{g.Role, g.Station})
		}
		all = append(all, one)
	}
	return all, err
}

func (s *site) apiAuthorisations(r *http.Request) (any, error) {
	limit, err := limitOf(r.URL.Query())
	if err != nil {
		return nil, err
	}
	proxies, err := s.Privacy.Proxies(r.Context(), r.URL.Query().Get("after"), limit+1)
	all := make([]apiProxy, 0, len(proxies))
	for _, x := range proxies {
		all = append(all, apiProxyOf(x))
	}
	return paged(r, all, limit, "after", func(x apiProxy) string { return x.ID }), err
}

type apiAlert struct {
	ID        string         `json:"id"`
	Rule      string         `json:"rule"`
	Station   circ.StationID `json:"station,omitempty"`
	Condition string         `json:"condition"`
	Since     *time.Time     `json:"since"`
	Told      *time.Time     `json:"told"`
	Seen      *time.Time     `json:"seen,omitempty"`
	SeenBy    string         `json:"seen_by,omitempty"`
	Ended     *time.Time     `json:"ended,omitempty"`
}

func (s *site) apiAlerts(r *http.Request) (any, error) {
	query := r.URL.Query()
	limit, err := limitOf(query)
	if err != nil {
		return nil, err
	}
	before, err := alertPosition(query.Get("before"))
	if err != nil {
		return nil, err
	}
	alerts, err := s.Alerting.Alerts(r.Context(), before, limit+1)
	page := paged(r, alerts, limit, "before", formatAlert)
	all := make([]apiAlert, 0, len(alerts))
	for _, a := range alerts[:min(limit, len(alerts))] {
		if asking(r).may(store.Viewer, a.Station) {
			all = append(all, apiAlert{a.ID, a.Rule, a.Station, a.Condition, moment(a.Since), moment(a.Told), moment(a.Seen), a.SeenBy, moment(a.Ended)})
		}
	}
	page.value = all
	return page, err
}

func (s *site) apiAlertSeen(r *http.Request) (any, error) {
	return map[string]bool{"seen": true}, s.alertSeen(r, asking(r), r.PathValue("alert"))
}

// apiRule is a rule for alerts; lengths of time are seconds, times of day "22:00".
type apiRule struct {
	ID         string           `json:"id"`
	Title      string           `json:"title"`
	Conditions []string         `json:"conditions"`
	Stations   []circ.StationID `json:"stations"`
	Delay      int              `json:"delay"`
	QuietFrom  string           `json:"quiet_from"`
	QuietTo    string           `json:"quiet_to"`
	Loud       []string         `json:"loud"`
	Mail       []string         `json:"mail"`
	Hook       string           `json:"hook"`
	Language   string           `json:"language"`
}

func apiRuleOf(rule store.AlertRule) apiRule {
	return apiRule{rule.ID, rule.Title, append([]string{}, rule.Conditions...), append([]circ.StationID{}, rule.Stations...), int(rule.Delay / time.Second),
		hhmm(rule.QuietFrom), hhmm(rule.QuietTo), append([]string{}, rule.Loud...), append([]string{}, rule.Mail...), rule.Hook, rule.Language}
}

func tagOf(rule store.AlertRule) string { return `"` + strconv.FormatInt(rule.Rev, 10) + `"` }

func (s *site) apiRules(r *http.Request) (any, error) {
	rules, err := s.Alerting.AlertRules(r.Context())
	all := make([]apiRule, 0, len(rules))
	for _, rule := range rules {
		all = append(all, apiRuleOf(rule))
	}
	return all, err
}

func (s *site) apiRule(r *http.Request) (any, error) {
	rule, err := s.rule(r)
	return answer{value: apiRuleOf(rule), tag: tagOf(rule)}, err
}

// matched is the revision that a change speaks of: of If-Match, or 0 of If-None-Match: *.
func (s *site) matched(r *http.Request) (int64, error) {
	if r.Header.Get("If-None-Match") == "*" {
		return 0, nil
	}
	tag := r.Header.Get("If-Match")
	if tag == "" {
		return 0, errUntagged
	}
	rule, err := s.rule(r)
	if err == nil && tag != tagOf(rule) {
		err = errStale
	}
	return rule.Rev, err
}

func (s *site) apiSetRule(r *http.Request) (any, error) {
	rev, err := s.matched(r)
	if err != nil {
		return nil, err
	}
	asked, err := asJSON[apiRule](r)
	if err != nil {
		return nil, err
	}
	rule := store.AlertRule{ID: r.PathValue("rule"), Title: asked.Title, Conditions: asked.Conditions, Stations: asked.Stations, Delay: time.Duration(asked.Delay) * time.Second,
		Loud: asked.Loud, Mail: asked.Mail, Hook: asked.Hook, Language: asked.Language, Rev: rev}
	wrong := complaint{}
	var err1, err2 error
	rule.QuietFrom, err1 = minuteOf(asked.QuietFrom)
	rule.QuietTo, err2 = minuteOf(asked.QuietTo)
	if err1 != nil || err2 != nil {
		wrong["quiet_from"] = "alert.noquiet"
	}
	if rule.ID == "new" || len(rule.ID) > 100 {
		return nil, errAsked
	}
	if err := s.checkRule(r, rule, wrong); err != nil {
		return nil, err
	}
	if err := s.Alerting.SetAlertRule(r.Context(), rule); err != nil {
		if errors.Is(err, store.ErrStale) {
			err = errStale
		}
		return nil, err
	}
	asking(r).about = []string{rule.Title}
	rule.Rev++
	return answer{value: apiRuleOf(rule), tag: tagOf(rule)}, nil
}

func (s *site) apiRemoveRule(r *http.Request) (any, error) {
	rule, err := s.rule(r)
	if err != nil {
		return nil, err
	}
	if _, err := s.matched(r); err != nil {
		return nil, err
	}
	asking(r).about = []string{rule.Title}
	return apiRuleOf(rule), s.Alerting.RemoveAlertRule(r.Context(), rule.ID, s.Now())
}

func (s *site) openAPI(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	if _, err := w.Write(docs.OpenAPI); err != nil {
		s.Log.Debug("send the document", "err", err)
	}
}

// apiSubscription is a program that is told of events.
type apiSubscription struct {
	ID       string           `json:"id,omitempty"`
	Hook     string           `json:"hook"`
	Kinds    []string         `json:"kinds"`    // none: all
	Stations []circ.StationID `json:"stations"` // none: all
	Failing  *time.Time       `json:"failing,omitempty"`
	Why      string           `json:"why,omitempty"`
}

func apiSubscriptionOf(n store.Subscription) apiSubscription {
	return apiSubscription{n.ID, n.Hook, append([]string{}, n.Kinds...), append([]circ.StationID{}, n.Stations...), moment(n.Failing), n.Why}
}

func (s *site) apiSubscriptions(r *http.Request) (any, error) {
	subscriptions, err := s.Alerting.Subscriptions(r.Context())
	all := make([]apiSubscription, 0, len(subscriptions))
	for _, n := range subscriptions {
		all = append(all, apiSubscriptionOf(n))
	}
	return all, err
}

func (s *site) apiSubscribe(r *http.Request) (any, error) {
	asked, err := asJSON[apiSubscription](r)
	if err != nil {
		return nil, err
	}
	n, err := s.subscriptionOf(r, asked.Hook, asked.Kinds, asked.Stations)
	if err != nil {
		return nil, err
	}
	asking(r).about = []string{n.Hook}
	return apiSubscriptionOf(n), s.Alerting.Subscribe(r.Context(), n)
}

func (s *site) apiUnsubscribe(r *http.Request) (any, error) {
	err := s.Alerting.Unsubscribe(r.Context(), r.PathValue("subscription"))
	if errors.Is(err, store.ErrNoSubscription) {
		err = errMissing
	}
	return map[string]bool{"ended": true}, err
}
