package web

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

var telling = Telling{Mail: true, Hooks: []string{"chat", "figures"}, Conditions: []string{"silent", "behind", store.FaultPrefix, "away"}, Library: []string{"away"},
	Try: func(rule store.AlertRule, at time.Time) []store.Letter {
		return []store.Letter{{ID: "try", Rule: rule.ID, Way: store.ByMail, Target: rule.Mail[0], Made: at, Again: at}}
	}}

// troubled is a store in which rules, alerts and failures are hostile.
func (o *office) troubled() {
	o.t.Helper()
	ctx := o.t.Context()
	o.ok(o.store.SetAlertRule(ctx, store.AlertRule{ID: "r", Title: hostile, Conditions: []string{"silent", store.FaultPrefix, hostile}, Stations: []circ.StationID{"maple-house", "gone"}, Delay: 7 * time.Minute,
		QuietFrom: 22 * time.Hour, QuietTo: 7 * time.Hour, Mail: []string{"maija@library.example"}, Hook: hostile, Language: "fi"}))
	o.ok(o.store.SaveAlerts(ctx, []store.Alert{
		{ID: "1", Rule: "r", Station: "maple-house", Condition: "silent", Since: now.Add(-3 * time.Hour), Told: now.Add(-2 * time.Hour)},
		{ID: "2", Rule: "r", Station: "birch-house", Condition: store.FaultPrefix + hostile, Since: now.Add(-30 * time.Hour), Told: now.Add(-29 * time.Hour), Ended: now.Add(-time.Hour)},
		{ID: "3", Rule: "r", Condition: "away", Since: now.Add(-30 * time.Minute), Told: now.Add(-15 * time.Minute)},
	}, []store.Letter{
		{ID: "a", Rule: "r", Way: store.ByMail, Target: hostile, Made: now.Add(-time.Hour), Again: now},
		{ID: "b", Rule: "r", Way: store.ByHook, Target: "chat", Made: now.Add(-time.Hour), Again: now},
		{ID: "c", Rule: "r", Way: store.ByHook, Target: "chat", Made: now.Add(-time.Minute), Again: now},
	}))
	for _, id := range []string{"a", "b", "c"} {
		o.ok(o.store.LetterFailed(ctx, id, hostile, now.Add(time.Hour)))
	}
	o.ok(o.store.AlertSeen(ctx, "2", "spare", now))
	o.ok(o.store.Subscribe(ctx, store.Subscription{ID: "s", Hook: hostile, Kinds: []string{hostile}, Stations: []circ.StationID{"maple-house"}, Made: now}))
	o.ok(o.store.SubscriptionFails(ctx, "s", now.Add(-time.Hour), hostile))
}

// TestAlertPages: what was told is seen by who sees the station, seen to by who decides
// there, and what does not arrive stands on Today.
func TestAlertPages(t *testing.T) {
	o := newPeople(t, Settings{})
	o.troubled()
	as := func(name string) string {
		o.ok(o.store.ForgetSessions(t.Context(), now.Add(time.Hour), now))
		return o.session(name, now, now)
	}
	for _, path := range []string{"/", "/alerts", "/alerts/rules", "/alerts/rules/r", "/alerts/rules/new"} {
		for _, lang := range []string{"en", "fi", "sv"} {
			r := get(o.h, path, "Cookie", as("administrator"), "Accept-Language", lang)
			if r.StatusCode != 200 {
				t.Errorf("%s: %d", path, r.StatusCode)
			}
			checkPage(t, path+" "+lang, lang, r.text)
		}
	}
	cookie := as("administrator")
	today := get(o.h, "/", "Cookie", cookie).text
	if !strings.Contains(today, "Alerts to chat do not arrive") || !strings.Contains(today, "Events to ") {
		t.Error("Today does not say what does not arrive")
	}
	post(o.h, "/alerts/drop", url.Values{"way": {"hook"}, "target": {"chat"}}, "Cookie", cookie)
	if text := get(o.h, "/", "Cookie", cookie).text; strings.Contains(text, "Alerts to chat") {
		t.Error("Today still says what was let go of")
	}

	maple := as("librarian-maple")
	text := get(o.h, "/alerts", "Cookie", maple).text
	if !strings.Contains(text, "Nothing heard for a while") || strings.Contains(text, "birch-house") || strings.Contains(text, "library system") || strings.Contains(text, "does not arrive") {
		t.Error("somebody for one station sees what concerns others, or not what concerns it")
	}
	see := func(id, cookie string) int {
		return post(o.h, "/alerts/seen", url.Values{"id": {id}}, "Cookie", cookie).StatusCode
	}
	if got := see("3", maple); got != 404 {
		t.Errorf("the library's own alert: %d for somebody of one station", got)
	}
	if got := see("1", maple); got != 303 {
		t.Errorf("their own alert: %d", got)
	}
	if text := get(o.h, "/alerts", "Cookie", maple).text; !strings.Contains(text, "librarian-maple sees to it") {
		t.Error("it is not said who sees to it")
	}
}

// TestRules: a rule is made, changed by one at a time, tried and removed; what is wrong
// is said, and what was typed stays.
func TestRules(t *testing.T) {
	o := newPeople(t, Settings{})
	cookie := o.session("administrator", now, now)
	form := func(more ...string) url.Values {
		f := url.Values{"title": {"Night"}, "condition": {"silent"}, "stations": {"maple-house"}, "delay": {"30m0s"}, "from": {"22:00"}, "to": {"07:00"}, "loud": {store.FaultPrefix},
			"mail": {"maija@library.example, kalle@library.example"}, "hook": {"chat"}, "language": {"sv"}}
		for i := 0; i < len(more); i += 2 {
			f.Set(more[i], more[i+1])
		}
		return f
	}
	for field, value := range map[string]string{"title": "", "delay": "-1m", "from": "25:00", "mail": "maija", "hook": "http://169.254.169.254/", "stations": "nowhere", "language": "xx", "condition": "invented"} {
		r := post(o.h, "/alerts/rules/new", form(field, value), "Cookie", cookie)
		if r.StatusCode != 422 || !strings.Contains(r.text, `class="wrong"`) || field != "mail" && !strings.Contains(r.text, "kalle@library.example") {
			t.Errorf("%s %q: %d", field, value, r.StatusCode)
		}
	}
	for _, address := range []string{"Maija <maija@library.example>", "maija@library.example\r\nBcc: x@y.example"} {
		if r := post(o.h, "/alerts/rules/new", form("mail", address), "Cookie", cookie); r.StatusCode != 422 {
			t.Errorf("%q: %d", address, r.StatusCode)
		}
	}
	if r := post(o.h, "/alerts/rules/new", form(), "Cookie", cookie); r.StatusCode != 303 {
		t.Fatalf("a rule: %d", r.StatusCode)
	}
	rules, err := o.store.AlertRules(t.Context())
	o.ok(err)
	if len(rules) != 1 || rules[0].Delay != 30*time.Minute || rules[0].QuietFrom != 22*time.Hour || len(rules[0].Mail) != 2 || rules[0].Language != "sv" {
		t.Fatalf("%+v", rules)
	}
	path := "/alerts/rules/" + rules[0].ID
	if text := get(o.h, path, "Cookie", cookie).text; !strings.Contains(text, `value="22:00"`) || !strings.Contains(text, `value="30m0s" selected`) || !strings.Contains(text, `name="rev" value="1"`) {
		t.Error("the form does not show the rule")
	}
	if r := post(o.h, path, form("rev", "1", "title", "Day"), "Cookie", cookie); r.StatusCode != 303 {
		t.Errorf("a change: %d", r.StatusCode)
	}
	if r := post(o.h, path, form("rev", "1"), "Cookie", cookie); r.StatusCode != 422 || !strings.Contains(r.text, "Somebody else changed") {
		t.Errorf("a change of what was changed: %d", r.StatusCode)
	}
	post(o.h, path+"/try", nil, "Cookie", cookie)
	letters, err := o.store.Letters(t.Context(), now, 9)
	o.ok(err)
	if len(letters) != 1 || letters[0].Target != "maija@library.example" {
		t.Errorf("tried with %+v", letters)
	}
	if r := post(o.h, path+"/remove", nil, "Cookie", cookie); r.StatusCode != 303 {
		t.Errorf("removed: %d", r.StatusCode)
	}
	if r := get(o.h, path, "Cookie", cookie); r.StatusCode != 404 {
		t.Errorf("a rule that was removed: %d", r.StatusCode)
	}
	if r := post(o.h, "/subscriptions", url.Values{"hook": {"figures"}, "kinds": {"Invented"}}, "Cookie", cookie); r.StatusCode != 422 {
		t.Errorf("a subscription to what never happens: %d", r.StatusCode)
	}
	post(o.h, "/subscriptions", url.Values{"hook": {"figures"}, "kinds": {"CheckedOut, CheckedIn"}}, "Cookie", cookie)
	all, err := o.store.Subscriptions(t.Context())
	o.ok(err)
	if len(all) != 1 || len(all[0].Kinds) != 2 {
		t.Fatalf("subscriptions %+v", all)
	}
	post(o.h, "/subscriptions/end", url.Values{"id": {all[0].ID}}, "Cookie", cookie)
	if all, err := o.store.Subscriptions(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("ended: %+v, %v", all, err)
	}
}
