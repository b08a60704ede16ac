package store

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
)

var (
	ten   = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	boots = []uuid.UUID{{1}, {2}, {3}, {4}}
)

// at is an event of a run, that many minutes after its start, by a clock.
func at(run, minutes int, clock circ.Clock, wall time.Time) reading {
	return reading{Stamp: circ.Stamp{Boot: boots[run], Uptime: time.Duration(minutes) * time.Minute, Clock: clock, Wall: wall}, received: ten.Add(10 * time.Hour)}
}

// after is so many minutes after ten.
func after(minutes float64) time.Time { return ten.Add(time.Duration(minutes * float64(time.Minute))) }

// TestBest: when each event happened, to how much, in minutes after ten.
func TestBest(t *testing.T) {
	y1970, y2036 := time.Unix(100, 0).UTC(), time.Date(2036, 2, 7, 6, 28, 16, 0, time.UTC)
	heard := func(run int, minutes, off float64) map[uuid.UUID]start {
		return map[uuid.UUID]start{boots[run]: {guess{after(minutes), time.Duration(off * float64(time.Minute))}, 0}}
	}
	const sure = 2.0 / 60
	for name, tt := range map[string]struct {
		all      []reading
		starts   map[uuid.UUID]start
		before   *guess
		want     []float64
		off      []float64
		learned  int
		received float64
	}{
		"a clock that is kept":           {all: []reading{at(0, 1, circ.ClockNTP, after(1)), at(0, 2, circ.ClockHub, after(2))}, want: []float64{1, 2}, off: []float64{sure, sure}, learned: 1},
		"a battery's":                    {all: []reading{at(0, 1, circ.ClockRTC, after(1))}, want: []float64{1}, off: []float64{10}},
		"1970 and never heard":           {all: []reading{at(0, 1, circ.ClockUnset, y1970), at(0, 31, circ.ClockUnset, y1970)}, want: []float64{0, 30}, off: []float64{570, 570}},
		"2036 and never heard":           {all: []reading{at(0, 1, circ.ClockUnset, y2036), at(0, 31, circ.ClockUnset, y2036)}, want: []float64{570, 600}, off: []float64{570, 570}},
		"1970, and the run is heard":     {all: []reading{at(0, 1, circ.ClockUnset, y1970), at(0, 31, circ.ClockUnset, y1970)}, starts: heard(0, 50, 0.01), want: []float64{51, 81}, off: []float64{0.01, 0.01}},
		"2036, and the run is heard":     {all: []reading{at(0, 1, circ.ClockRTC, y2036)}, starts: heard(0, 50, 0.01), want: []float64{51}, off: []float64{0.01}},
		"2036 by a time service":         {all: []reading{at(0, 1, circ.ClockNTP, y2036), at(0, 2, circ.ClockNTP, y2036)}, starts: heard(0, 50, 0.01), want: []float64{51, 52}, off: []float64{0.01, 0.01}},
		"1970, then a time service":      {all: []reading{at(0, 1, circ.ClockUnset, y1970), at(0, 31, circ.ClockNTP, after(80))}, want: []float64{50, 80}, off: []float64{2 * sure, sure}, learned: 1},
		"a run nobody heard in between":  {all: []reading{at(0, 1, circ.ClockNTP, after(1)), at(1, 5, circ.ClockUnset, y1970), at(1, 25, circ.ClockUnset, y1970), at(2, 1, circ.ClockNTP, after(61))}, want: []float64{1, 1, 21, 61}, off: []float64{sure, 40, 40, sure}, learned: 2},
		"and its clock inside":           {all: []reading{at(0, 1, circ.ClockNTP, after(1)), at(1, 5, circ.ClockUnset, after(6)), at(1, 25, circ.ClockUnset, after(26)), at(2, 1, circ.ClockNTP, after(61))}, want: []float64{1, 6, 26, 61}, off: []float64{sure, 35, 35, sure}, learned: 2},
		"and its clock after the next":   {all: []reading{at(0, 1, circ.ClockNTP, after(1)), at(1, 5, circ.ClockUnset, y2036), at(1, 25, circ.ClockUnset, y2036), at(2, 1, circ.ClockNTP, after(61))}, want: []float64{1, 41, 61, 61}, off: []float64{sure, 40, 40, sure}, learned: 2},
		"three runs that nobody heard":   {all: []reading{at(0, 1, circ.ClockNTP, after(1)), at(1, 1, circ.ClockUnset, y1970), at(2, 1, circ.ClockUnset, y2036), at(3, 1, circ.ClockNTP, after(61))}, want: []float64{1, 1, 61, 61}, off: []float64{sure, 60, 60, sure}, learned: 2},
		"after what is known":            {all: []reading{at(1, 1, circ.ClockUnset, y1970)}, before: &guess{after(5), 0}, want: []float64{5}, off: []float64{595}},
		"two clocks that differ":         {all: []reading{at(0, 1, circ.ClockNTP, after(500))}, starts: heard(0, 50, 0.01), want: []float64{51}, off: []float64{0.01}},
		"a receipt before what is known": {all: []reading{at(1, 1, circ.ClockUnset, y1970)}, before: &guess{after(700), 0}, want: []float64{600}, off: []float64{0}},
	} {
		t.Run(name, func(t *testing.T) {
			by := near{floor: ten}
			if tt.before != nil {
				by.before = &reading{guess: *tt.before}
			}
			learned := best(tt.all, by, tt.starts)
			if len(learned) != tt.learned {
				t.Errorf("learned of %d runs, want %d", len(learned), tt.learned)
			}
			for i, r := range tt.all {
				if off := r.at.Sub(after(tt.want[i])); off.Abs() > 5*time.Second {
					t.Errorf("event %d happened %v after ten, want %v min", i, r.at.Sub(ten), tt.want[i])
				}
				if got := r.err.Minutes() - tt.off[i]; got > 0.1 || got < -0.1 {
					t.Errorf("event %d is off by %v at most, want %v min", i, r.err, tt.off[i])
				}
				if i > 0 && r.at.Before(tt.all[i-1].at) || r.at.After(r.received) {
					t.Errorf("event %d happened %v after ten: before the one before it, or after its receipt", i, r.at.Sub(ten))
				}
			}
		})
	}
}

// TestDrift: a clock that nobody mends goes astray, and a later trip that took longer
// may then tell more than the first.
func TestDrift(t *testing.T) {
	first := start{guess{ten, time.Second}, time.Hour}
	if off := first.off(time.Hour + 100*24*time.Hour); off < 400*time.Second || off > 500*time.Second {
		t.Errorf("after a hundred days it is off by %v", off)
	}
	for after, want := range map[time.Duration]bool{time.Hour: false, 30 * 24 * time.Hour: true} {
		if got := (start{guess{ten, 3 * time.Second}, time.Hour + after}).better(first); got != want {
			t.Errorf("%v later a trip of six seconds is better: %t, want %t", after, got, want)
		}
	}
}
