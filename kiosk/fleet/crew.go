package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"coldstation/kiosk"
	"coldstation/kiosk/flow"
	"coldstation/sync/circ"
	"coldstation/sync/identity"
	"coldstation/sync/link"
)

// crewOrders are what a crew begins with: the stations of one machine.
type crewOrders struct {
	Seed   uint64
	Faults bool
	QoS    byte
	Life   int // how often it was begun before
	Houses []houseOrders
}

type houseOrders struct {
	Number   int
	Identity identity.Station
	Folder   string
	Told     bool // the library tells of our books and people
	Visits   int
	Over     int // of the visits, already
}

// crewOrder follows: one station's program is to crash, or all are to rest.
type crewOrder struct {
	Crash int  `json:",omitempty"` // the house's place among the crew's, from 1
	Rest  bool `json:",omitempty"` // no more visits and faults: deliver what is left and end
}

// crew is the houses that a machine runs.
type crew struct {
	crewOrders
	clock clock
	calm  atomic.Bool
	rest  chan struct{}
	mouth *mouth
}

func playCrew(ctx context.Context, cancel context.CancelFunc, in *json.Decoder, out *mouth) error {
	machine, err := kiosk.NewMachineClock()
	if err != nil {
		return err
	}
	c := &crew{rest: make(chan struct{}), mouth: out}
	if err := in.Decode(&c.crewOrders); err != nil {
		return err
	}
	c.calm.Store(!c.Faults)
	c.clock = clock{MachineClock: machine, boot: uuid.New(), lost: c.Faults && c.Life%3 == 2}
	if c.Faults && c.Life%3 == 1 {
		c.clock.calm = &c.calm
	}
	houses := make([]*house, len(c.Houses))
	for i, orders := range c.Houses {
		if houses[i], err = newHouse(c, orders); err != nil {
			return err
		}
	}
	go func() {
		for {
			var o crewOrder
			if in.Decode(&o) != nil { // whoever gave orders is gone
				cancel()
				return
			}
			switch {
			case o.Rest:
				c.calm.Store(true)
				close(c.rest)
			case o.Crash > 0 && o.Crash <= len(houses):
				houses[o.Crash-1].crash()
			}
		}
	}()
	out.say(word{Ready: true})
	faults := make([]error, len(houses))
	var living sync.WaitGroup
	for i, h := range houses {
		living.Go(func() {
			if faults[i] = h.live(ctx); faults[i] != nil {
				cancel()
			}
		})
	}
	living.Wait()
	if err := errors.Join(faults...); err != nil {
		out.say(word{Err: err.Error()})
		return err
	}
	return ctx.Err()
}

// clock is a machine's. One that has lost its time wakes up in 1970 and says so. One
// that is not calm jumps, ahead and back, while connections are open, and does not know.
type clock struct {
	kiosk.MachineClock
	boot uuid.UUID
	lost bool
	calm *atomic.Bool // nil for one that goes as it should
}

// jumps are how far off a clock is, for each in turn: the last is in 2036, when no
// certificate is good any more.
var jumps = []time.Duration{0, -time.Hour, 26 * time.Hour, -3 * 365 * 24 * time.Hour, 10 * 365 * 24 * time.Hour}

func (c clock) Boot() uuid.UUID { return c.boot }

func (c clock) Now() flow.Moment {
	m := c.MachineClock.Now()
	if c.lost {
		m.Wall, m.Clock = time.Unix(0, 0).Add(m.Up), circ.ClockUnset
	}
	if c.calm != nil && !c.calm.Load() {
		m.Wall = m.Wall.Add(jumps[int(m.Up/(700*time.Millisecond))%len(jumps)])
	}
	return m
}

// dial opens a link that tries again soon and notices soon when it is dead.
func dial(o link.Options) (link.Link, error) {
	o.FirstRetry, o.LastRetry = 100*time.Millisecond, 2*time.Second
	o.KeepAlive, o.PingTimeout, o.WriteTimeout = 5*time.Second, 5*time.Second, 10*time.Second
	o.Log = quiet
	return link.Open(o)
}

// quiet drops what is to be expected in bad weather. What is wrong shows in what
// is compared afterwards.
var quiet = slog.New(slog.DiscardHandler)
