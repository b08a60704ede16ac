package store

import (
	"slices"
	"time"
)

// Patience is how long something may last at a station until it is a condition.
type Patience struct {
	Silent time.Duration // nothing is heard of it
	Behind time.Duration // its events, or what it is told, wait
}

// expiring is when a certificate should long have been renewed: stations begin
// to ask four months before its end.
const expiring = 60 * 24 * time.Hour

// Conditions that only a clock sees.
const (
	ConditionSilent  = "silent"
	ConditionRevoked = "revoked"
)

// Conditions are those that the store knows of a station and those that only a clock
// sees. One that nothing is heard of is not late besides.
func (p Patience) Conditions(st Station, now time.Time) []Condition {
	all := slices.Clone(st.Conditions)
	late := func(waits uint64, since time.Time) bool { return waits > 0 && now.Sub(since) > p.Behind }
	switch {
	case !st.Revoked.IsZero():
		return append(all, Condition{Name: ConditionRevoked, Since: st.Revoked})
	case !st.Expires.IsZero() && st.Expires.Sub(now) < expiring:
		all = append(all, Condition{Name: "expiring", Since: st.Expires.Add(-expiring)})
	}
	switch {
	case st.Heard.IsZero():
		return all
	case now.Sub(st.Heard) > p.Silent:
		return append(all, Condition{Name: ConditionSilent, Since: st.Heard})
	}
	if late(st.Queue(), st.BehindSince) {
		all = append(all, Condition{Name: "behind", Since: st.BehindSince})
	}
	if late(st.Pending(), st.PendingSince) {
		all = append(all, Condition{Name: "untaken", Since: st.PendingSince})
	}
	return all
}
