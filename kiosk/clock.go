package kiosk

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"coldstation/kiosk/flow"
	"coldstation/sync/circ"
)

// Clock is the machine's idea of time.
type Clock interface {
	Now() flow.Moment
	Boot() uuid.UUID
}

// MachineClock reads Linux's clocks: CLOCK_BOOTTIME, which counts sleep and
// never jumps, and the wall clock, which does.
type MachineClock struct{ boot uuid.UUID }

// NewMachineClock learns which boot this is.
func NewMachineClock() (MachineClock, error) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return MachineClock{}, fmt.Errorf("read boot id: %w", err)
	}
	boot, err := uuid.Parse(strings.TrimSpace(string(text)))
	if err != nil {
		return MachineClock{}, fmt.Errorf("read boot id: %w", err)
	}
	return MachineClock{boot}, nil
}

// Boot is /proc/sys/kernel/random/boot_id, new each time the machine starts.
func (c MachineClock) Boot() uuid.UUID { return c.boot }

// Now reads both clocks.
func (MachineClock) Now() flow.Moment {
	var up unix.Timespec
	// Fails only for a clock that the kernel lacks; Linux has this one since 2.6.39.
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &up)
	wall := time.Now()
	return flow.Moment{Up: time.Duration(up.Nano()), Wall: wall, Clock: trust(wall)}
}

// built is before any wall clock that is right.
var built = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// trust says where the wall clock came from: the kernel knows whether a time
// service keeps it, and a clock before this program was written was never set.
func trust(wall time.Time) circ.Clock {
	if wall.Before(built) {
		return circ.ClockUnset
	}
	var state unix.Timex
	if _, err := unix.Adjtimex(&state); err == nil && state.Status&unix.STA_UNSYNC == 0 {
		return circ.ClockNTP
	}
	return circ.ClockRTC
}

// stamp is m as an event keeps it.
func stamp(m flow.Moment, boot uuid.UUID) circ.Stamp {
	return circ.Stamp{Wall: m.Wall.Truncate(time.Millisecond), Clock: m.Clock, Boot: boot, Uptime: m.Up.Truncate(time.Millisecond)}
}
