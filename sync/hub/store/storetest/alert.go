package storetest

import (
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// alerts: a rule is changed by one at a time, and what was told is kept with the
// letters that tell it.
func alerts(t *testing.T, p *place) {
	ctx := t.Context()
	rule := store.AlertRule{ID: "r", Title: "Night", Conditions: []string{store.ConditionSilent, store.FaultPrefix}, Stations: []circ.StationID{"maple-house"}, Delay: 15 * time.Minute,
		QuietFrom: 22 * time.Hour, QuietTo: 7 * time.Hour, Loud: []string{"quarantined"}, Mail: []string{"maija@library.example"}, Hook: "chat", Language: "fi"}
	p.ok(p.SetAlertRule(ctx, rule))
	is(t, "a rule made twice", p.SetAlertRule(ctx, rule), store.ErrStale)
	rule.Rev = 1
	p.restart()
	got, err := p.AlertRule(ctx, "r")
	p.ok(err)
	equal(t, "rule", got, rule)
	rule.Title = "Day"
	p.ok(p.SetAlertRule(ctx, rule))
	is(t, "a change of what was changed", p.SetAlertRule(ctx, rule), store.ErrStale)
	_, err = p.AlertRule(ctx, "x")
	is(t, "no rule", err, store.ErrNoRule)

	first := store.Alert{ID: "1", Rule: "r", Station: "maple-house", Condition: "silent", Since: Start, Told: Start.Add(time.Hour)}
	second := store.Alert{ID: "2", Rule: "r", Condition: "away", Since: Start, Told: Start.Add(2 * time.Hour)}
	letter := store.Letter{ID: "l", Rule: "r", Way: store.ByHook, Target: "chat", Subject: "s", Body: "b", Made: Start, Again: Start.Add(time.Minute)}
	p.ok(p.SaveAlerts(ctx, []store.Alert{first, second}, []store.Letter{letter}))
	p.ok(p.SaveAlerts(ctx, []store.Alert{first}, []store.Letter{letter}))
	p.restart()
	open, err := p.OpenAlerts(ctx)
	p.ok(err)
	equal(t, "open", open, []store.Alert{first, second})
	p.ok(p.AlertSeen(ctx, "1", "maija", Start.Add(3*time.Hour)))
	p.ok(p.AlertSeen(ctx, "1", "kalle", Start.Add(4*time.Hour)))
	is(t, "no alert", p.AlertSeen(ctx, "x", "maija", Start), store.ErrNoAlert)
	over := first
	over.Ended = Start.Add(5 * time.Hour)
	p.ok(p.SaveAlerts(ctx, []store.Alert{over}, nil))
	over.Ended = Start.Add(6 * time.Hour)
	p.ok(p.SaveAlerts(ctx, []store.Alert{over}, nil))
	over.Seen, over.SeenBy, over.Ended = Start.Add(3*time.Hour), "maija", Start.Add(5*time.Hour)
	history, err := p.Alerts(ctx, store.Alert{}, 9)
	p.ok(err)
	equal(t, "history", history, []store.Alert{second, over})
	history, err = p.Alerts(ctx, second, 9)
	p.ok(err)
	equal(t, "before the second", history, []store.Alert{over})

	due := func(at time.Time) int {
		t.Helper()
		all, err := p.Letters(ctx, at, 9)
		p.ok(err)
		return len(all)
	}
	equal(t, "letters too early", due(Start), 0)
	equal(t, "letters", due(Start.Add(time.Minute)), 1)
	p.ok(p.LetterFailed(ctx, "l", "no answer", Start.Add(time.Hour)))
	equal(t, "letters before another try", due(Start.Add(time.Minute)), 0)
	failed, err := p.Undelivered(ctx, Start.Add(time.Second))
	p.ok(err)
	letter.Tries, letter.Why, letter.Again = 1, "no answer", Start.Add(time.Hour)
	equal(t, "undelivered", failed, []store.Letter{letter})
	p.ok(p.LetterFailed(ctx, "l", "no answer", time.Time{}))
	equal(t, "letters that were given up", due(Start.AddDate(1, 0, 0)), 0)
	p.ok(p.DropLetters(ctx, store.ByHook, "chat"))
	failed, err = p.Undelivered(ctx, Start.Add(time.Second))
	p.ok(err)
	equal(t, "undelivered and dropped", len(failed), 0)

	letter.ID = "m"
	p.ok(p.SaveAlerts(ctx, nil, []store.Letter{letter}))
	p.ok(p.LetterSent(ctx, "m", Start.Add(time.Hour)))
	equal(t, "letters that were sent", due(Start.AddDate(1, 0, 0)), 0)
	p.ok(p.ForgetAlerts(ctx, Start.Add(6*time.Hour)))
	history, err = p.Alerts(ctx, store.Alert{}, 9)
	p.ok(err)
	equal(t, "what lasts is not forgotten", history, []store.Alert{second})
	p.ok(p.RemoveAlertRule(ctx, "r", Start.AddDate(0, 0, 1)))
	is(t, "removed twice", p.RemoveAlertRule(ctx, "r", Start), store.ErrNoRule)
	open, err = p.OpenAlerts(ctx)
	p.ok(err)
	equal(t, "open without a rule", len(open), 0)
}

// subscriptions: each ledger's events come in their order from the subscription on,
// and again until their mark is moved.
func subscriptions(t *testing.T, p *place) {
	ctx := t.Context()
	maple := NewLog("maple-house").Add(out("1", 1))
	birch := NewLog("birch-house")
	p.find(maple)
	p.take(maple.All())
	all := store.Subscription{ID: "all", Hook: "figures", Made: Start}
	lent := store.Subscription{ID: "lent", Hook: "figures", Kinds: []string{"CheckedOut"}, Stations: []circ.StationID{"maple-house"}, Made: Start.Add(time.Second)}
	p.ok(p.Subscribe(ctx, all))
	p.ok(p.Subscribe(ctx, lent))
	maple.Add(in("1"), out("2", 1), out("3", 1))
	birch.Add(out("4", 1))
	p.take(maple.Batch(2, 4))
	p.find(birch)
	p.take(birch.All())
	p.restart()
	outgoing := func(n store.Subscription, limit int) (text string) {
		t.Helper()
		some, err := p.Outgoing(ctx, n, limit)
		p.ok(err)
		for _, o := range some {
			text += string(o.Station) + ":"
			for _, e := range o.Events {
				text += " " + string(e.Item)
			}
			text += ";"
			p.ok(p.Forwarded(ctx, n.ID, o))
		}
		return text
	}
	equal(t, "all", outgoing(all, 2), "birch-house: 4;maple-house: 1 2;")
	equal(t, "the rest", outgoing(all, 2), "maple-house: 3;")
	equal(t, "no more", outgoing(all, 2), "")
	equal(t, "what was lent", outgoing(lent, 9), "maple-house: 2 3;")
	p.ok(p.SubscriptionFails(ctx, "lent", Start, "no answer"))
	some, err := p.Subscriptions(ctx)
	p.ok(err)
	lent.Failing, lent.Why = Start, "no answer"
	equal(t, "subscriptions", some, []store.Subscription{all, lent})
	p.ok(p.Unsubscribe(ctx, "lent"))
	is(t, "ended twice", p.Unsubscribe(ctx, "lent"), store.ErrNoSubscription)
}
