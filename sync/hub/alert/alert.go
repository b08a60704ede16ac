// Package alert tells people of conditions that last, by mail and by hook.
//
// A condition that a rule speaks of is told once it has lasted the rule's delay, so a
// blip wakes nobody, and once more when it is over. In quiet hours nobody is told but of
// what is loud; what still lasts when they end is told then. What begins at the same
// look is one message.
//
// Step decides, without clock or store. What it decided is kept with the letters that
// tell it in one transaction, so a restart neither forgets nor repeats; a letter is
// sent at least once, under an id that stays the same.
//
// No alert has a patron in it: a condition knows none.
package alert

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// The library's own conditions, of no station.
const (
	Away      = "away"      // the library system does not answer
	Decisions = "decisions" // a person must decide
)

// Names are the conditions that a rule may speak of, besides every fault
// (store.FaultPrefix).
var Names = []string{
	store.ConditionSilent, "behind", "untaken", "expiring", store.ConditionRevoked, store.FaultPrefix,
	store.ConditionQuarantined, store.ConditionRefilled, store.ConditionReturned, store.ConditionMissing, store.ConditionUnreadable,
	store.ConditionNewer, store.ConditionRefuses, store.ConditionUnfit, store.ConditionAccount, Away, Decisions,
}

// Matter is a condition somewhere.
type Matter struct {
	Station   circ.StationID // "" for the library's own
	Condition string
}

// Moment is what holds at a time, each matter with when it began.
type Moment struct {
	At    time.Time
	Place *time.Location // of quiet hours
	Holds map[Matter]time.Time
}

// Told is that people are to be told of alerts, all that began or all that are over.
type Told struct {
	Rule   store.AlertRule
	Alerts []store.Alert
	Over   bool
	// After is when quiet hours end, of what is over then; else the moment.
	After time.Time
}

// Step is what a moment changes: alerts that begin or end, and what is to be told.
// open are the alerts that last.
func Step(rules []store.AlertRule, open []store.Alert, now Moment) (changed []store.Alert, told []Told) {
	for _, rule := range rules {
		mine := make(map[Matter]bool)
		over := Told{Rule: rule, Over: true, After: now.after(rule)}
		for _, a := range open {
			m := Matter{a.Station, a.Condition}
			if a.Rule != rule.ID {
				continue
			}
			_, holds := now.Holds[m]
			if holds && rule.Holds(m.Station, m.Condition) {
				mine[m] = true
				continue
			}
			a.Ended = now.At
			changed = append(changed, a)
			if !holds { // otherwise the rule was changed, and it is not over
				over.Alerts = append(over.Alerts, a)
			}
		}
		begun := Told{Rule: rule, After: now.At}
		for m, since := range now.Holds {
			if mine[m] || !rule.Holds(m.Station, m.Condition) || now.At.Sub(since) < rule.Delay || now.quiet(rule) && !rule.IsLoud(m.Condition) {
				continue
			}
			begun.Alerts = append(begun.Alerts, begin(rule, m, since, now.At))
		}
		slices.SortFunc(begun.Alerts, func(a, b store.Alert) int {
			return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Station, b.Station), cmp.Compare(a.Condition, b.Condition))
		})
		changed = append(changed, begun.Alerts...)
		for _, t := range []Told{begun, over} {
			if len(t.Alerts) > 0 {
				told = append(told, t)
			}
		}
	}
	return changed, told
}

// begin is an alert. Its id is made of what it is about, so that the same one is not
// kept twice.
func begin(rule store.AlertRule, m Matter, since, at time.Time) store.Alert {
	name := strings.Join([]string{"alert", rule.ID, string(m.Station), m.Condition, at.UTC().Format(time.RFC3339Nano)}, "\n")
	return store.Alert{ID: uuid.NewSHA1(uuid.NameSpaceOID, []byte(name)).String(), Rule: rule.ID, Station: m.Station, Condition: m.Condition, Since: since, Told: at}
}

// quiet reports whether the moment is in a rule's quiet hours, which may go past
// midnight.
func (m Moment) quiet(rule store.AlertRule) bool {
	at := m.At.In(m.Place)
	of := time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute + time.Duration(at.Second())*time.Second
	if rule.QuietFrom <= rule.QuietTo {
		return rule.QuietFrom <= of && of < rule.QuietTo
	}
	return of >= rule.QuietFrom || of < rule.QuietTo
}

// after is the end of the quiet hours that the moment is in, or the moment.
func (m Moment) after(rule store.AlertRule) time.Time {
	if !m.quiet(rule) {
		return m.At
	}
	at := m.At.In(m.Place)
	end := time.Date(at.Year(), at.Month(), at.Day(), 0, int(rule.QuietTo/time.Minute), 0, 0, m.Place)
	if !end.After(at) {
		end = time.Date(at.Year(), at.Month(), at.Day()+1, 0, int(rule.QuietTo/time.Minute), 0, 0, m.Place)
	}
	return end.UTC()
}
