package store

import (
	"time"

	"coldstation/sync/circ"
)

// moment is one reading of a station's clocks with the time it is now thought
// to have been.
type moment struct {
	boot   string
	uptime time.Duration
	at     time.Time
}

// best is when an event with this stamp happened, as well as the hub can know.
//
// A clock kept by a time service or by the hub is believed. Otherwise the
// uptime is, counted from when the station's computer started by the hub's
// clock (began; zero when it was never heard in that run), or from the event
// before it in the same run. What is left, a clock that nobody set in a run
// that nobody heard, is only kept between the event before and the receipt.
func best(s circ.Stamp, before moment, began, received time.Time) time.Time {
	at := s.Wall
	switch {
	case s.Clock >= circ.ClockHub:
	case !began.IsZero():
		at = began.Add(s.Uptime)
	case before.boot == s.Boot.String() && !before.at.IsZero():
		at = before.at.Add(s.Uptime - before.uptime)
	default:
		if at.Before(before.at) {
			at = before.at
		}
	}
	if at.After(received) {
		at = received
	}
	return at
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
