package store

import (
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
)

// Unsure is from where on an event's time is told as "about".
const Unsure = time.Minute

const (
	// kept is how far off a clock is that a time service or the hub keeps.
	kept = 2 * time.Second
	// battery is how far off a clock is that only a battery keeps, when nothing
	// speaks against it: a guess, some seconds a day over some months.
	battery = 10 * time.Minute
	// oneWay is how long a message may have been on its way of which nobody knows:
	// a guess, a broker's patience with a broken line.
	oneWay = time.Minute
	// drifts is how far a quartz without a time service goes astray: 50 in a million.
	drifts = 50e-6
)

// guess is when something happened: at, or within err of it.
type guess struct {
	at  time.Time
	err time.Duration
}

// start is when a run of a station's computer began, as told when the computer had
// run for heard.
type start struct {
	guess
	heard time.Duration
}

// off is how far off a moment of the run may be.
func (s start) off(uptime time.Duration) time.Duration {
	return s.err + time.Duration(drifts*float64((uptime-s.heard).Abs()))
}

// better reports whether s tells more than old does by now.
func (s start) better(old start) bool { return s.err <= old.off(s.heard) }

// reading is a station's clocks at one event.
type reading struct {
	circ.Stamp
	received time.Time
	guess
}

// span is the earliest and the latest that something can have been.
type span struct{ from, to time.Time }

// meet narrows s to what o allows too; false, and s as it was, when they differ.
func (s *span) meet(o span) bool {
	if o.from.After(s.to) || o.to.Before(s.from) {
		return false
	}
	if o.from.After(s.from) {
		s.from = o.from
	}
	if o.to.Before(s.to) {
		s.to = o.to
	}
	return true
}

func (s span) clamp(t time.Time) time.Time {
	switch {
	case t.Before(s.from):
		return s.from
	case t.After(s.to):
		return s.to
	}
	return t
}

func around(g guess) span { return span{g.at.Add(-g.err), g.at.Add(g.err)} }

func (s span) shift(d time.Duration) span { return span{s.from.Add(d), s.to.Add(d)} }

// since is how long after o r was read, if in the same run.
func (r reading) since(o reading) (time.Duration, bool) {
	return r.Uptime - o.Uptime, r.Boot == o.Boot && r.Uptime >= o.Uptime
}

// near is what is known beside some events of a ledger: those before and after
// them, nil for none, and when the station's first can have been.
type near struct {
	before, after *reading
	floor         time.Time
}

// best sets when each of a ledger's events happened, as well as the hub can know.
// They are in their order. It answers the runs whose start is learned from a clock
// that is kept.
//
// No event is before the one before it, nor after its receipt. Events of one run
// are as far apart as its uptime says. Where the run's start is known by the hub's
// clock, or a clock was kept and does not contradict that, an event is tied down,
// and with it its run and the bounds of its neighbours. What is left, a clock that
// nobody set in a run that nobody heard, is believed as far as the bounds allow:
// 1970 is then the earliest possible, 2036 the latest.
func best(all []reading, by near, starts map[uuid.UUID]start) map[uuid.UUID]start {
	learned := make(map[uuid.UUID]start)
	bounds := make([]span, len(all))
	tied := make([]guess, len(all)) // zero: by nothing of its own
	last, prev := by.before, span{by.floor, by.floor}
	if last != nil {
		prev = around(last.guess)
	}
	for i := range all {
		r, b := &all[i], span{prev.from, all[i].received}
		if b.to.Before(b.from) { // the hub's own clock went back
			b.from = b.to
		}
		if last != nil {
			if step, same := r.since(*last); same {
				b.meet(prev.shift(step))
			}
		}
		if s, heard := starts[r.Boot]; heard {
			if g := (guess{s.at.Add(r.Uptime), s.off(r.Uptime)}); b.meet(around(g)) {
				tied[i] = g
			}
		}
		if r.Clock >= circ.ClockHub && b.meet(around(guess{r.Wall, kept})) {
			tied[i] = guess{r.Wall, kept}
			if old, have := starts[r.Boot]; !have || kept < old.off(r.Uptime) {
				learned[r.Boot] = start{guess{r.Wall.Add(-r.Uptime), kept}, r.Uptime}
			}
		}
		bounds[i], last, prev = b, r, b
	}
	for i := len(all) - 1; i >= 0; i-- {
		var next *reading
		var limit span
		switch {
		case i+1 < len(all):
			next, limit = &all[i+1], bounds[i+1]
		case by.after != nil:
			next, limit = by.after, around(by.after.guess)
		default:
			continue
		}
		if step, same := next.since(all[i]); same {
			bounds[i].meet(limit.shift(-step))
		}
		if !limit.to.Before(bounds[i].from) && limit.to.Before(bounds[i].to) {
			bounds[i].to = limit.to
		}
	}
	last = by.before
	for i := range all {
		all[i].guess = all[i].within(bounds[i], tied[i], last)
		last = &all[i]
	}
	return learned
}

// within is when it happened, between bounds: by what ties it down, by the event
// before it in the same run, or by the station's clock.
func (r reading) within(b span, tied guess, last *reading) (g guess) {
	wide := func(at time.Time) time.Duration { return max(at.Sub(b.from), b.to.Sub(at)) }
	if !tied.at.IsZero() {
		g.at = b.clamp(tied.at)
		g.err = min(tied.err, wide(g.at))
	} else {
		g.at = b.clamp(r.Wall)
		g.err = wide(g.at)
		if r.Clock == circ.ClockRTC && g.at.Equal(r.Wall) {
			g.err = min(g.err, battery)
		}
		if last != nil {
			if step, same := r.since(*last); same && last.err <= g.err {
				g.at = b.clamp(last.at.Add(step))
				g.err = min(wide(g.at), last.err)
			}
		}
	}
	if last != nil && g.at.Before(last.at) { // within both bounds
		g.at = b.clamp(last.at)
		g.err = max(g.err, wide(g.at))
	}
	return g
}

// promised is until when an item was lent, for who was told due by a clock that was
// a day or more off: as much later or earlier as that, in whole days, and in doubt
// the later one. Nobody is late because a station woke up in 1970.
func promised(due, wall, at time.Time) time.Time {
	const day = 24 * time.Hour
	off := at.Sub(wall)
	if due.IsZero() || off.Abs() < day {
		return due
	}
	days := off / day
	if off > days*day {
		days++
	}
	return due.AddDate(0, 0, int(days))
}
