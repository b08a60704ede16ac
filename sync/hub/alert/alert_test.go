package alert

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

var nine = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// story is rules followed over time: what begins and ends, by the minute.
type story struct {
	rules []store.AlertRule
	open  []store.Alert
	told  []string
}

func (s *story) step(at time.Time, holds map[Matter]time.Time) {
	changed, told := Step(s.rules, s.open, Moment{at, time.UTC, holds})
	for _, a := range changed {
		if a.Ended.IsZero() {
			s.open = append(s.open, a)
			continue
		}
		for i := range s.open {
			if s.open[i].ID == a.ID {
				s.open = append(s.open[:i], s.open[i+1:]...)
				break
			}
		}
	}
	for _, t := range told {
		text := at.Format("15:04")
		for _, a := range t.Alerts {
			text += fmt.Sprintf(" %s %s", a.Station, a.Condition)
		}
		if t.Over {
			text += " over"
		}
		if t.After.After(at) {
			text += " at " + t.After.Format("15:04")
		}
		s.told = append(s.told, text)
	}
}

func TestStep(t *testing.T) {
	type span struct {
		station    circ.StationID
		condition  string
		from, till time.Duration // after nine
	}
	rule := store.AlertRule{ID: "r", Delay: 10 * time.Minute}
	with := func(change func(*store.AlertRule)) store.AlertRule {
		r := rule
		change(&r)
		return r
	}
	night := with(func(r *store.AlertRule) {
		r.QuietFrom, r.QuietTo, r.Loud = 22*time.Hour, 7*time.Hour, []string{store.FaultPrefix}
	})
	for name, test := range map[string]struct {
		rule  store.AlertRule
		spans []span
		want  string
	}{
		"a blip wakes nobody":      {rule, []span{{"a", "silent", 0, 9 * time.Minute}}, ""},
		"what lasts is told once":  {rule, []span{{"a", "silent", 0, time.Hour}}, "09:10 a silent; 10:00 a silent over"},
		"twice":                    {rule, []span{{"a", "silent", 0, time.Hour}, {"a", "silent", 2 * time.Hour, 3 * time.Hour}}, "09:10 a silent; 10:00 a silent over; 11:10 a silent; 12:00 a silent over"},
		"several at once":          {rule, []span{{"b", "silent", 0, time.Hour}, {"a", "silent", 0, time.Hour}}, "09:10 a silent b silent; 10:00 a silent b silent over"},
		"another station":          {with(func(r *store.AlertRule) { r.Stations = []circ.StationID{"b"} }), []span{{"a", "silent", 0, time.Hour}}, ""},
		"another condition":        {with(func(r *store.AlertRule) { r.Conditions = []string{"behind"} }), []span{{"a", "silent", 0, time.Hour}}, ""},
		"every fault":              {with(func(r *store.AlertRule) { r.Conditions = []string{store.FaultPrefix} }), []span{{"a", "fault-reader", 0, time.Hour}, {"a", "faulty", 0, time.Hour}}, "09:10 a fault-reader; 10:00 a fault-reader over"},
		"at night nobody":          {night, []span{{"a", "silent", 14 * time.Hour, 20 * time.Hour}}, ""},
		"in the morning":           {night, []span{{"a", "silent", 14 * time.Hour, 23 * time.Hour}}, "07:00 a silent; 08:00 a silent over"},
		"at night what is loud":    {night, []span{{"a", "fault-reader", 14 * time.Hour, 15 * time.Hour}}, "23:10 a fault-reader; 00:00 a fault-reader over at 07:00"},
		"quiet hours of one day":   {with(func(r *store.AlertRule) { r.QuietFrom, r.QuietTo = 9*time.Hour, 10*time.Hour }), []span{{"a", "silent", 0, 2 * time.Hour}}, "10:00 a silent; 11:00 a silent over"},
		"before quiet hours begin": {night, []span{{"a", "silent", 12 * time.Hour, 14 * time.Hour}}, "21:10 a silent; 23:00 a silent over at 07:00"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &story{rules: []store.AlertRule{test.rule}}
			for minute := range 24 * 60 {
				after := time.Duration(minute) * time.Minute
				holds := make(map[Matter]time.Time)
				for _, sp := range test.spans {
					if sp.from <= after && after < sp.till {
						holds[Matter{sp.station, sp.condition}] = nine.Add(sp.from)
					}
				}
				s.step(nine.Add(after), holds)
			}
			if got := strings.Join(s.told, "; "); got != test.want {
				t.Errorf("told %q, want %q", got, test.want)
			}
		})
	}
}

// TestRuleChanges: what a rule no longer speaks of is not over, and nobody is told so.
func TestRuleChanges(t *testing.T) {
	holds := map[Matter]time.Time{{"a", "silent"}: nine.Add(-time.Hour)}
	s := &story{rules: []store.AlertRule{{ID: "r"}}}
	s.step(nine, holds)
	s.rules[0].Conditions = []string{"behind"}
	s.step(nine.Add(time.Minute), holds)
	if got := strings.Join(s.told, "; "); got != "09:00 a silent" || len(s.open) != 0 {
		t.Errorf("told %q, %d last", got, len(s.open))
	}
}

// TestQuietHoursEnd over the change of clocks.
func TestQuietHoursEnd(t *testing.T) {
	place, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		t.Fatal(err)
	}
	rule := store.AlertRule{QuietFrom: 22 * time.Hour, QuietTo: 7*time.Hour + 30*time.Minute}
	for at, want := range map[string]string{
		"2026-10-24T23:00:00+03:00": "2026-10-25T07:30:00+02:00", // put back that night
		"2026-10-25T05:00:00+02:00": "2026-10-25T07:30:00+02:00",
		"2026-11-24T12:00:00+02:00": "2026-11-24T12:00:00+02:00",
	} {
		begin, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := (Moment{At: begin, Place: place}).after(rule); got.In(place).Format(time.RFC3339) != want {
			t.Errorf("after %s: %s, want %s", at, got.In(place).Format(time.RFC3339), want)
		}
	}
}
