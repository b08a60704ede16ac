package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// Alerting is what the pages of alerts read and change: a part of store.Store.
type Alerting interface {
	store.Alerts
	store.Subscriptions
}

// Telling is how people and programs can be told.
type Telling struct {
	Mail  bool     // by mail
	Hooks []string // the names of hooks
	// Conditions are what a rule may speak of; Library which of them are the library's
	// own, and of no station.
	Conditions, Library []string
	// Try is the letters that try out a rule.
	Try func(store.AlertRule, time.Time) []store.Letter
}

const alertsOfPage = 100

// alertLine is an alert as a page shows it.
type alertLine struct {
	ID, What, Where, Since, Told, Seen, Ended, ISO string
	Station                                        circ.StationID
	Lasts, May                                     bool
}

// failure is a place where nothing arrives.
type failure struct {
	Way, Target, What, Why string
}

func (s *site) alertsPage(r *http.Request, w *words) (string, any, error) {
	page := struct {
		frame
		Open, Past []alertLine
		Failures   []failure
		Older      string
	}{frame: s.frame(r, w, "alerts")}
	before, err := alertPosition(r.URL.Query().Get("before"))
	if err != nil {
		return "", nil, err
	}
	all, err := s.Alerting.Alerts(r.Context(), before, alertsOfPage+1)
	if err != nil {
		return "", nil, err
	}
	if len(all) > alertsOfPage {
		all = all[:alertsOfPage]
		page.Older = "?before=" + url.QueryEscape(formatAlert(all[alertsOfPage-1]))
	}
	names, err := s.names(r)
	if err != nil {
		return "", nil, err
	}
	for _, a := range all {
		if !asking(r).may(store.Viewer, a.Station) {
			continue
		}
		line := s.alertLine(w, a, names)
		line.May = asking(r).may(store.Librarian, a.Station)
		if line.Lasts {
			page.Open = append(page.Open, line)
		} else {
			page.Past = append(page.Past, line)
		}
	}
	if page.MayAll(store.Administrator) {
		page.Failures, err = s.failures(r, w)
	}
	return "alerts", page, err
}

// names are what people call the stations.
func (s *site) names(r *http.Request) (map[circ.StationID]string, error) {
	stations, err := s.source(r).Stations(r.Context())
	names := make(map[circ.StationID]string, len(stations))
	for _, st := range stations {
		names[st.ID] = cmp.Or(st.Title, string(st.ID))
	}
	return names, err
}

func (s *site) alertLine(w *words, a store.Alert, names map[circ.StationID]string) alertLine {
	now := s.Now()
	line := alertLine{ID: a.ID, What: s.conditionName(w, a.Condition), Where: cmp.Or(names[a.Station], string(a.Station), w.T("alert.library")), Station: a.Station,
		Since: w.when(now, a.Since, s.Place), Told: w.when(now, a.Told, s.Place), ISO: iso(a.Since), Lasts: a.Ended.IsZero()}
	if !a.Seen.IsZero() {
		line.Seen = w.T("alert.seen", s.who(w, a.SeenBy), w.when(now, a.Seen, s.Place))
	}
	if !a.Ended.IsZero() {
		line.Ended = w.when(now, a.Ended, s.Place)
	}
	return line
}

// who is a name as decisions and the trail have it.
func (s *site) who(w *words, name string) string {
	if name == atHub {
		return w.T("account.machine")
	}
	return name
}

// conditionName is a condition as a sentence.
func (s *site) conditionName(w *words, condition string) string {
	switch {
	case condition == store.FaultPrefix:
		return w.T("alert.fault")
	case slices.Contains(s.Telling.Library, condition):
		return w.T("alert.of." + condition)
	}
	return w.T(w.or("condition."+condition, "condition."), strings.TrimPrefix(condition, store.FaultPrefix))
}

// An alert's place in the history is written 1764000000000.ID.
func formatAlert(a store.Alert) string { return fmt.Sprintf("%d.%s", a.Told.UnixMilli(), a.ID) }

func alertPosition(text string) (a store.Alert, err error) {
	if text == "" {
		return a, nil
	}
	var told int64
	if n, err := fmt.Sscanf(text, "%d.%s", &told, &a.ID); n != 2 || err != nil || told <= 0 {
		return a, errAsked
	}
	a.Told = time.UnixMilli(told)
	return a, nil
}

// tardy is from when on it is told that something does not arrive.
const tardy = 5 * time.Minute

// failures are where letters and events do not arrive, each place once.
func (s *site) failures(r *http.Request, w *words) (all []failure, err error) {
	letters, err := s.Alerting.Undelivered(r.Context(), s.Now().Add(-tardy))
	if err != nil {
		return nil, err
	}
	since := func(t time.Time) string { return w.when(s.Now(), t, s.Place) }
	known := make(map[string]bool)
	for _, l := range letters {
		if at := string(l.Way) + l.Target; !known[at] {
			known[at] = true
			all = append(all, failure{string(l.Way), l.Target, w.T("alert.failed."+string(l.Way), l.Target, since(l.Made)), l.Why})
		}
	}
	subscriptions, err := s.Alerting.Subscriptions(r.Context())
	for _, n := range subscriptions {
		if !n.Failing.IsZero() && s.Now().Sub(n.Failing) >= tardy {
			all = append(all, failure{What: w.T("alert.failed.events", n.Hook, since(n.Failing)), Why: n.Why})
		}
	}
	return all, err
}

// undelivered are those failures as what needs a person; nothing for who sees few
// stations.
func (s *site) undelivered(r *http.Request, w *words) (all []matter, err error) {
	if s.Alerting == nil || !asking(r).may(store.Viewer, "") {
		return nil, nil
	}
	failures, err := s.failures(r, w)
	for _, f := range failures {
		all = append(all, matter{sentence: sentence{f.What, w.T("alert.failed.do")}})
	}
	return all, err
}

func (s *site) seeAlert(_ http.ResponseWriter, r *http.Request) (string, error) {
	v, id := asking(r), r.PostForm.Get("id")
	return "/alerts", s.alertSeen(r, v, id)
}

func (s *site) alertSeen(r *http.Request, v *visitor, id string) error {
	open, err := s.Alerting.OpenAlerts(r.Context())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(open, func(a store.Alert) bool { return a.ID == id })
	if i < 0 || !v.may(store.Librarian, open[i].Station) {
		return errMissing
	}
	v.about = []string{string(open[i].Station)}
	return s.Alerting.AlertSeen(r.Context(), id, v.name, s.Now())
}

func (s *site) dropLetters(_ http.ResponseWriter, r *http.Request) (string, error) {
	way, target := store.Way(r.PostForm.Get("way")), r.PostForm.Get("target")
	if way != store.ByMail && way != store.ByHook {
		return "", errAsked
	}
	return "/alerts", s.Alerting.DropLetters(r.Context(), way, target)
}

// ruleLine is a rule as the list shows it.
type ruleLine struct{ ID, Title, What, Where, Delay, Quiet, To string }

type subscriptionLine struct{ ID, Hook, What, Where, State string }

type rulesPage struct {
	frame
	Rules         []ruleLine
	Subscriptions []subscriptionLine
	Hooks         []choiceLine
	Done          string
}

func (s *site) rulesPage(r *http.Request, w *words) (string, any, error) {
	page := rulesPage{frame: s.frame(r, w, "rules")}
	if r.URL.Query().Get("done") == "try" {
		page.Done = w.T("alert.try.done")
	}
	rules, err := s.Alerting.AlertRules(r.Context())
	if err != nil {
		return "", nil, err
	}
	names, err := s.names(r)
	if err != nil {
		return "", nil, err
	}
	for _, rule := range rules {
		page.Rules = append(page.Rules, s.ruleLine(w, rule, names))
	}
	subscriptions, err := s.Alerting.Subscriptions(r.Context())
	for _, n := range subscriptions {
		line := subscriptionLine{n.ID, n.Hook, w.T("subscription.all"), stationsNamed(w, n.Stations, names), w.T("subscription.well")}
		if len(n.Kinds) > 0 {
			line.What = strings.Join(n.Kinds, ", ")
		}
		if !n.Failing.IsZero() {
			line.State = w.T("alert.failed.events", n.Hook, w.when(s.Now(), n.Failing, s.Place))
		}
		page.Subscriptions = append(page.Subscriptions, line)
	}
	for _, name := range s.Telling.Hooks {
		page.Hooks = append(page.Hooks, choiceLine{name, name, r.PostForm.Get("hook") == name})
	}
	return "rules", page, err
}

func stationsNamed(w *words, stations []circ.StationID, names map[circ.StationID]string) string {
	if len(stations) == 0 {
		return w.T("role.whole")
	}
	var all []string
	for _, id := range stations {
		all = append(all, cmp.Or(names[id], string(id)))
	}
	return strings.Join(all, ", ")
}

func (s *site) ruleLine(w *words, rule store.AlertRule, names map[circ.StationID]string) ruleLine {
	line := ruleLine{ID: rule.ID, Title: rule.Title, What: w.T("alert.all"), Where: stationsNamed(w, rule.Stations, names), Delay: w.span(rule.Delay)}
	if len(rule.Conditions) > 0 {
		var what []string
		for _, condition := range rule.Conditions {
			what = append(what, s.conditionName(w, condition))
		}
		line.What = strings.Join(what, " ")
	}
	if rule.QuietFrom != rule.QuietTo {
		line.Quiet = w.T("alert.quiet.from", hhmm(rule.QuietFrom), hhmm(rule.QuietTo))
	}
	to := slices.Clone(rule.Mail)
	if rule.Hook != "" {
		to = append(to, rule.Hook)
	}
	line.To = strings.Join(to, ", ")
	return line
}

// span is a length of time.
func (w *words) span(d time.Duration) string {
	switch {
	case d == 0:
		return w.T("alert.atonce")
	case d%time.Hour == 0:
		return w.T("span.hour", int(d/time.Hour))
	}
	return w.T("span.minute", int(d/time.Minute))
}

// hhmm is a time of day as forms have it.
func hhmm(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(d/time.Hour), int(d/time.Minute)%60)
}

func minuteOf(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	at, err := time.Parse("15:04", text)
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute, err
}

// delays are those that a form offers.
var delays = []time.Duration{0, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 4 * time.Hour, 12 * time.Hour, 24 * time.Hour}

type rulePage struct {
	frame
	ID                     string // "new" for none yet
	Conditions, Loud       []scope
	Delays, Hooks, Tongues []choiceLine
	Mail                   bool
}

func (s *site) rulePage(r *http.Request, w *words) (string, any, error) {
	page := rulePage{frame: s.frame(r, w, "rules"), ID: r.PathValue("rule"), Mail: s.Telling.Mail}
	if r.Method != http.MethodPost {
		rule := store.AlertRule{Delay: 15 * time.Minute, Language: w.code}
		if page.ID != "new" {
			var err error
			if rule, err = s.rule(r); err != nil {
				return "", nil, err
			}
		}
		page.typed = formOf(rule)
	}
	for _, name := range s.Telling.Conditions {
		title := s.conditionName(w, name)
		page.Conditions = append(page.Conditions, scope{name, title, slices.Contains(page.typed["condition"], name)})
		page.Loud = append(page.Loud, scope{name, title, slices.Contains(page.typed["loud"], name)})
	}
	offered := slices.Clone(delays)
	if d, err := time.ParseDuration(page.Typed("delay")); err == nil && d >= 0 && !slices.Contains(offered, d) {
		offered = append(offered, d)
		slices.Sort(offered)
	}
	for _, d := range offered {
		page.Delays = append(page.Delays, choiceLine{d.String(), w.span(d), d.String() == page.Typed("delay")})
	}
	for _, name := range s.Telling.Hooks {
		page.Hooks = append(page.Hooks, choiceLine{name, name, name == page.Typed("hook")})
	}
	for _, other := range s.tongues.all {
		page.Tongues = append(page.Tongues, choiceLine{other.code, other.T("name"), other.code == page.Typed("language")})
	}
	return "rule", page, nil
}

// formOf is a rule as its form has it.
func formOf(rule store.AlertRule) url.Values {
	var stations []string
	for _, id := range rule.Stations {
		stations = append(stations, string(id))
	}
	f := url.Values{"title": {rule.Title}, "condition": rule.Conditions, "stations": {strings.Join(stations, ", ")}, "delay": {rule.Delay.String()}, "loud": rule.Loud,
		"mail": {strings.Join(rule.Mail, ", ")}, "hook": {rule.Hook}, "language": {rule.Language}, "rev": {fmt.Sprint(rule.Rev)}}
	if rule.QuietFrom != rule.QuietTo {
		f["from"], f["to"] = []string{hhmm(rule.QuietFrom)}, []string{hhmm(rule.QuietTo)}
	}
	return f
}

// rule is the one that the path names.
func (s *site) rule(r *http.Request) (store.AlertRule, error) {
	rule, err := s.Alerting.AlertRule(r.Context(), r.PathValue("rule"))
	if errors.Is(err, store.ErrNoRule) {
		err = errMissing
	}
	return rule, err
}

// namesIn are the words of a text, by commas or spaces.
func namesIn(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \t\r\n;", r) })
}

// ruleOf is the rule of a form, once it is right.
func (s *site) ruleOf(r *http.Request) (store.AlertRule, error) {
	form, wrong := r.PostForm, complaint{}
	rule := store.AlertRule{ID: r.PathValue("rule"), Title: strings.TrimSpace(form.Get("title")), Conditions: form["condition"], Loud: form["loud"],
		Mail: namesIn(form.Get("mail")), Hook: form.Get("hook"), Language: form.Get("language")}
	for _, id := range namesIn(form.Get("stations")) {
		rule.Stations = append(rule.Stations, circ.StationID(id))
	}
	var err1, err2, err3 error
	rule.Delay, err1 = time.ParseDuration(form.Get("delay"))
	rule.QuietFrom, err2 = minuteOf(form.Get("from"))
	rule.QuietTo, err3 = minuteOf(form.Get("to"))
	if _, err := fmt.Sscan(cmp.Or(form.Get("rev"), "0"), &rule.Rev); err != nil || rule.Rev < 0 {
		return rule, errAsked
	}
	if err1 != nil {
		wrong["delay"] = "alert.nodelay"
	}
	if err2 != nil || err3 != nil {
		wrong["from"] = "alert.noquiet"
	}
	if rule.ID == "new" {
		rule.ID, rule.Rev = uuid.NewString(), 0
	} else if rule.Rev == 0 {
		return rule, errAsked
	}
	return rule, s.checkRule(r, rule, wrong)
}

// checkRule answers what must be changed in a rule, beside what is known already.
func (s *site) checkRule(r *http.Request, rule store.AlertRule, wrong complaint) error {
	if rule.Title == "" || len(rule.Title) > 100 {
		wrong["title"] = "alert.notitle"
	}
	if rule.Delay < 0 || rule.Delay > 30*24*time.Hour {
		wrong["delay"] = "alert.nodelay"
	}
	for _, name := range slices.Concat(rule.Conditions, rule.Loud) {
		if !slices.Contains(s.Telling.Conditions, name) {
			wrong["condition"] = "alert.nocondition"
		}
	}
	if len(rule.Mail) > 20 || slices.ContainsFunc(rule.Mail, func(address string) bool {
		a, err := mail.ParseAddress(address)
		return err != nil || a.Address != address
	}) {
		wrong["mail"] = "alert.nomail"
	}
	switch {
	case rule.Hook != "" && !slices.Contains(s.Telling.Hooks, rule.Hook):
		wrong["hook"] = "alert.nohook"
	case rule.Hook == "" && len(rule.Mail) == 0:
		wrong["mail"] = "alert.nobody"
	}
	if s.tongues.named(rule.Language) == nil {
		wrong["language"] = "alert.nolanguage"
	}
	known, err := s.known(r, rule.Stations)
	if err != nil {
		return err
	}
	if !known {
		wrong["stations"] = "account.nostation"
	}
	if len(wrong) > 0 {
		return wrong
	}
	return nil
}

// known reports whether all are stations of the library.
func (s *site) known(r *http.Request, stations []circ.StationID) (bool, error) {
	names, err := s.names(r)
	return !slices.ContainsFunc(stations, func(id circ.StationID) bool { return names[id] == "" }), err
}

func (s *site) setRule(_ http.ResponseWriter, r *http.Request) (string, error) {
	rule, err := s.ruleOf(r)
	if err != nil {
		return "", err
	}
	err = s.Alerting.SetAlertRule(r.Context(), rule)
	if errors.Is(err, store.ErrStale) {
		return "", complaint{"title": "alert.stale"}
	}
	asking(r).about = []string{rule.Title}
	return "/alerts/rules", err
}

func (s *site) removeRule(_ http.ResponseWriter, r *http.Request) (string, error) {
	rule, err := s.rule(r)
	if err != nil {
		return "", err
	}
	err = s.Alerting.RemoveAlertRule(r.Context(), rule.ID, s.Now())
	asking(r).about = []string{rule.Title}
	return "/alerts/rules", err
}

func (s *site) tryRule(_ http.ResponseWriter, r *http.Request) (string, error) {
	rule, err := s.rule(r)
	if err != nil {
		return "", err
	}
	asking(r).about = []string{rule.Title}
	return "/alerts/rules?done=try", s.Alerting.SaveAlerts(r.Context(), nil, s.Telling.Try(rule, s.Now()))
}

// subscriptionOf checks what a form or a script asks for.
func (s *site) subscriptionOf(r *http.Request, hook string, kinds []string, stations []circ.StationID) (store.Subscription, error) {
	n := store.Subscription{ID: uuid.NewString(), Hook: hook, Kinds: kinds, Stations: stations, Made: s.Now()}
	wrong := complaint{}
	if !slices.Contains(s.Telling.Hooks, hook) {
		wrong["hook"] = "alert.nohook"
	}
	if slices.ContainsFunc(kinds, func(kind string) bool {
		_, known := s.tongues.all[0].phrases["event."+kind]
		return kind == "" || !known
	}) {
		wrong["kinds"] = "subscription.nokind"
	}
	known, err := s.known(r, stations)
	if err == nil && !known {
		wrong["stations"] = "account.nostation"
	}
	if err == nil && len(wrong) > 0 {
		err = wrong
	}
	return n, err
}

func (s *site) subscribe(_ http.ResponseWriter, r *http.Request) (string, error) {
	var stations []circ.StationID
	for _, id := range namesIn(r.PostForm.Get("stations")) {
		stations = append(stations, circ.StationID(id))
	}
	n, err := s.subscriptionOf(r, r.PostForm.Get("hook"), namesIn(r.PostForm.Get("kinds")), stations)
	if err != nil {
		return "", err
	}
	asking(r).about = []string{n.Hook}
	return "/alerts/rules", s.Alerting.Subscribe(r.Context(), n)
}

func (s *site) unsubscribe(_ http.ResponseWriter, r *http.Request) (string, error) {
	err := s.Alerting.Unsubscribe(r.Context(), r.PostForm.Get("id"))
	if errors.Is(err, store.ErrNoSubscription) {
		err = nil
	}
	return "/alerts/rules", err
}
