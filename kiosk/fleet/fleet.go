// Package fleet is many stations in one go, without windows: each is the real
// thing below its screen, with a simulated reader that answers in real frames, a
// ledger on the disk, and delivery over a real broker. Scripted visitors come, and
// everything that can fail does, as follows from one seed. When all is quiet
// again an independent reader compares what the stations wrote with what the
// library has.
//
//	Run      the fleet: a library, cables, crews, faults, and the comparison
//	crew     a machine with several stations; a part that can be killed
//	house    one station: its table, its disk, its program's lives
//	visitor  who comes there: a screen, and hands
//
// Visitors never wait for a time to pass, but for what should follow on the screen.
// What they draw and which faults come after how many visits is the seed's; how
// these meet is the machine's.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/identity"
)

// Options are what a fleet is and what it meets.
type Options struct {
	Stations int
	Visits   int // at each station
	Faults   bool
	Kills    int // with faults: of machines and of the hub, by turns, besides
	Seed     uint64
	Folder   string        // where everything is kept; empty at first
	Crews    int           // machines that run the stations; 0: as many as suit
	Spawn    Spawn         // of crews and the hub; nil: Inside
	Patience time.Duration // for what is left to be delivered once all is quiet; 0: three minutes
	Log      *slog.Logger  // of faults; nil: none

	// A library that runs elsewhere.
	Broker     string             // mqtt:// or tls:// address; "": one of our own
	QoS        byte               // of subscriptions there
	Hub        Hub                // that is asked in the end; nil: one of our own
	Identities []identity.Station // as the hub elsewhere enrolled them; they are the stations

	// Certificates are those of stations that go there by TLS, in DER. A library of
	// our own makes them itself.
	Certificates map[circ.StationID][]byte
}

// Summary is how a run ended.
type Summary struct {
	Stations   int     `json:"stations"`
	Events     uint64  `json:"events"`       // in the stations' ledgers
	Delivered  uint64  `json:"delivered"`    // of these, at the hub
	Lost       uint64  `json:"lost"`         // of these, not at the hub
	Duplicated uint64  `json:"duplicated"`   // at the hub once more than at the station
	OutOfOrder uint64  `json:"out_of_order"` // at the hub, and not in their place
	Seconds    float64 `json:"seconds"`      // from the first visit until all was delivered
	PerSecond  float64 `json:"events_per_s"`
	Seed       uint64  `json:"seed"`
}

// Sound reports whether nothing was lost, doubled or moved.
func (s Summary) Sound() bool { return s.Lost == 0 && s.Duplicated == 0 && s.OutOfOrder == 0 }

// fleet is a run.
type fleet struct {
	Options
	names      []circ.StationID
	identities []identity.Station
	library    *library // nil: its broker and hub are elsewhere
	cables     []*cable // one for each station
	hub        *worker  // nil: it is elsewhere
	hubCable   *cable
	crews      []*worker
	fail       context.CancelCauseFunc

	mu      sync.Mutex
	over    []int  // visits, by station
	sum     int    // of them
	proofs  []word // the last that each station said
	resting bool
	changed chan struct{} // closed and replaced when a visit is over
}

// Run runs a fleet from beginning to end. The error says what was wrong besides
// what the summary counts, or kept it from being counted.
func Run(ctx context.Context, o Options) (Summary, error) {
	if o.Spawn == nil {
		o.Spawn = Inside
	}
	if o.Patience == 0 {
		o.Patience = 3 * time.Minute
	}
	if o.Log == nil {
		o.Log = quiet
	}
	if o.Hub != nil {
		o.Stations = len(o.Identities)
	}
	if o.Stations < 1 || o.Visits < 0 || o.Hub != nil && o.Broker == "" {
		return Summary{}, fmt.Errorf("run a fleet of %d stations with %d visits: a fleet has a station, and a hub elsewhere a broker", o.Stations, o.Visits)
	}
	if o.Crews == 0 {
		o.Crews = min(4, o.Stations)
	}
	whole := ctx
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	f := &fleet{Options: o, fail: fail, over: make([]int, o.Stations), proofs: make([]word, o.Stations), changed: make(chan struct{})}
	defer f.close()
	if err := f.build(ctx); err != nil {
		return Summary{}, fmt.Errorf("build the fleet: %w", err)
	}
	began := time.Now()
	for _, c := range f.crews {
		if err := c.start(); err != nil {
			return Summary{}, fmt.Errorf("begin a crew: %w", err)
		}
	}
	lived := f.live(ctx)
	rested := f.rest(ctx)
	took := time.Since(began).Seconds()
	if whole.Err() != nil {
		return Summary{}, whole.Err()
	}
	s, err := f.check(whole) // also of what went wrong
	s.Seconds, s.PerSecond = took, float64(s.Events)/took
	return s, errors.Join(lived, rested, err)
}

// build makes everything that runs before the crews.
func (f *fleet) build(ctx context.Context) (err error) {
	to := f.Broker
	if f.Hub != nil {
		f.identities = f.Identities
		for _, i := range f.identities {
			f.names = append(f.names, i.Station)
		}
	} else {
		for n := range f.Stations {
			f.names = append(f.names, circ.StationID(fmt.Sprintf("fleet-%03d", n)))
		}
		if f.library, f.identities, err = found(ctx, filepath.Join(f.Folder, "hub"), f.names); err != nil {
			return err
		}
		if f.Broker == "" {
			if f.Certificates, err = f.library.certify(f.identities); err != nil {
				return err
			}
		}
	}
	if to == "" {
		if err := f.library.open(ctx); err != nil {
			return err
		}
		to = "mqtts://" + f.library.listen
	}
	scheme, address, err := split(to)
	if err != nil {
		return err
	}
	for n := range f.identities {
		c, err := lay(address)
		if err != nil {
			return err
		}
		f.cables = append(f.cables, c)
		f.identities[n].Broker = scheme + "://" + c.addr()
		if err := os.MkdirAll(f.folder(n), 0o700); err != nil {
			return err
		}
		if certificate, is := f.Certificates[f.names[n]]; is {
			if _, err := f.identities[n].NewPass(passFile(f.folder(n)), certificate); err != nil {
				return err
			}
		}
	}
	if f.Hub == nil {
		if f.hubCable, err = lay(address); err != nil {
			return err
		}
		f.hub = &worker{role: hubRole, name: "the hub", spawn: f.Spawn, ended: f.ended, hear: func(word) {}, orders: func(life int) any {
			return hubOrders{Seed: f.Seed, Faults: f.Faults, Life: life, Folder: f.library.folder,
				Broker: scheme + "://" + f.hubCable.addr(), User: hubUser, Password: hubPassword}
		}}
		if err := f.hub.start(); err != nil {
			return err
		}
	}
	for c := range f.Crews {
		f.crews = append(f.crews, &worker{role: crewRole, name: fmt.Sprint("crew ", c), spawn: f.Spawn, ended: f.ended, hear: f.hear, orders: func(life int) any {
			o := crewOrders{Seed: f.Seed, Faults: f.Faults, QoS: f.QoS, Life: life}
			f.mu.Lock()
			defer f.mu.Unlock()
			for n := c; n < f.Stations; n += f.Crews {
				o.Houses = append(o.Houses, houseOrders{Number: n, Identity: f.identities[n], Folder: f.folder(n), Told: f.Hub == nil, Visits: f.Visits, Over: f.over[n]})
			}
			return o
		}})
	}
	return nil
}

func (f *fleet) folder(station int) string {
	return filepath.Join(f.Folder, string(f.names[station]))
}

// hear takes what a crew says.
func (f *fleet) hear(w word) {
	if w.Visits == 0 || w.Station >= f.Stations {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sum += w.Visits - f.over[w.Station]
	f.over[w.Station], f.proofs[w.Station] = w.Visits, w
	close(f.changed)
	f.changed = make(chan struct{})
}

// ended is called when a part ended that nobody killed.
func (f *fleet) ended(name, why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.resting || why != "" {
		f.fail(fmt.Errorf("%s ended: %s", name, why))
	}
}

// visits waits until so many visits are over in all.
func (f *fleet) visits(ctx context.Context, n int) error {
	for {
		f.mu.Lock()
		sum, changed := f.sum, f.changed
		f.mu.Unlock()
		if sum >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// live lets all visits happen, and all faults.
func (f *fleet) live(ctx context.Context) error {
	all := f.Stations * f.Visits
	var faults []fault
	if f.Faults {
		faults = plan(rand.New(rand.NewPCG(f.Seed, 0)), f, all)
	}
	var failing sync.WaitGroup
	defer failing.Wait()
	for _, one := range faults {
		if err := f.visits(ctx, one.after); err != nil {
			return err
		}
		f.Log.Info("fault", "after", one.after, "kind", one.kind, "who", one.who, "long", one.long)
		failing.Go(func() {
			if err := one.happen(ctx, f); err != nil {
				f.fail(fmt.Errorf("%s: %w", one.kind, err))
			}
		})
	}
	return f.visits(ctx, all)
}

// rest ends all faults and waits until everything is delivered. The error names
// the crews whose stations did not get so far.
func (f *fleet) rest(ctx context.Context) error {
	f.mu.Lock()
	f.resting = true
	f.mu.Unlock()
	for _, c := range f.cables {
		c.heal()
	}
	if f.hub != nil {
		f.hubCable.heal()
		f.hub.tell(crewOrder{Rest: true})
	}
	for _, c := range f.crews {
		c.tell(crewOrder{Rest: true})
	}
	late, cancel := context.WithTimeout(ctx, f.Patience)
	defer cancel()
	var faults []error
	for _, c := range f.crews {
		if !c.wait(late) {
			faults = append(faults, fmt.Errorf("%s was not done when its time was over", c.name))
			c.kill()
		}
	}
	if f.hub != nil {
		f.hub.stop()
	}
	return errors.Join(faults...)
}

// close ends what still runs.
func (f *fleet) close() {
	f.mu.Lock()
	f.resting = true
	f.mu.Unlock()
	for _, w := range append(slices.Clone(f.crews), f.hub) {
		if w != nil {
			w.kill()
		}
	}
	for _, c := range append(slices.Clone(f.cables), f.hubCable) {
		if c != nil {
			c.close()
		}
	}
	if f.library != nil && f.library.broker != nil {
		if err := f.library.close(); err != nil {
			f.Log.Error("close the broker", "err", err)
		}
	}
}
