package fleet

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"coldstation/kiosk"
	"coldstation/rfid"
	"coldstation/rfid/drivers"
	"coldstation/rfid/sim"
	"coldstation/sync/circ"
	"coldstation/sync/identity"
	"coldstation/sync/ledger"
	"coldstation/sync/link"
	"coldstation/sync/station"
	"coldstation/sync/wire"
)

// house is where a station stands: its table with books and cards, its disk, and
// who comes there.
type house struct {
	houseOrders
	crew  *crew
	key   []byte
	pass  *identity.Pass // nil: it goes without TLS
	table *sim.Table     // nil until the first life
	lives int

	mu  sync.Mutex
	end context.CancelFunc // of the present life
}

func newHouse(c *crew, orders houseOrders) (*house, error) {
	key, err := identity.LoadStationKey(filepath.Join(orders.Folder, "station.key"))
	if err != nil {
		return nil, err
	}
	pass, err := orders.Identity.LoadPass(passFile(orders.Folder))
	return &house{houseOrders: orders, crew: c, key: key, pass: pass, end: func() {}}, err
}

func ledgerFile(folder string) string { return filepath.Join(folder, "ledger.db") }

func passFile(folder string) string { return filepath.Join(folder, "station.pem") }

// crash ends the station's program in the middle of whatever it does.
func (h *house) crash() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.end()
}

// live has the station's program start again whenever it ends, until the house is
// at rest.
func (h *house) live(ctx context.Context) error {
	for {
		over, err := h.life(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", h.Identity.Station, err)
		}
		if over || ctx.Err() != nil {
			return nil
		}
	}
}

// life is the program's run from its start to its end.
func (h *house) life(ctx context.Context) (over bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	h.mu.Lock()
	h.end = cancel
	h.mu.Unlock()
	h.lives++

	sealing, err := h.Identity.SealingKey()
	if err != nil {
		return false, err
	}
	log, err := ledger.Open(ledgerFile(h.Folder), ledger.Options{Station: h.Identity.Station, Key: h.key, Sealer: &wire.Sealer{Key: sealing}, Timeout: 30 * time.Second, Journal: true})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if h.table == nil {
		h.table, err = table(h.Number, func(id circ.ItemID) bool {
			_, lent, e := log.Loan(id)
			err = errors.Join(err, e)
			return lent
		})
		if err != nil {
			return false, err
		}
	}
	v := &visitor{house: h, log: log, news: make(chan struct{}, 1)}
	session, err := log.Session()
	if err != nil {
		return false, err
	}
	var running atomic.Pointer[kiosk.Station]
	r := &record{Ledger: log, visitor: v}
	r.delivery, err = station.New(station.Settings{
		Log: r, Identity: h.Identity, Boot: h.crew.clock.boot, Session: session + 1, Dial: h.dial, Moment: h.moment,
		Program: program, QoS: h.crew.QoS, Logger: quiet,
		Told: func() {
			if s := running.Load(); s != nil {
				s.Told()
			}
		},
	})
	if err != nil {
		return false, err
	}
	delivering, stop := context.WithCancel(context.WithoutCancel(ctx))
	delivered := make(chan error, 1)
	go func() { delivered <- r.delivery.Run(delivering) }()
	defer func() { stop(); err = errors.Join(err, <-delivered) }()

	if err := h.serve(ctx, v, r, &running); err != nil || ctx.Err() != nil {
		return false, err
	}
	return h.drain(ctx, r, v) // the rest is on its way, and nothing is added
}

// serve runs the station with its readers, and visits until the house is to rest.
func (h *house) serve(ctx context.Context, v *visitor, r *record, running *atomic.Pointer[kiosk.Station]) error {
	var readers []rfid.Reader
	var serving sync.WaitGroup
	defer serving.Wait()
	for i, protocol := range desks[h.Number%len(desks)] {
		driver, err := drivers.Named(protocol)
		if err != nil {
			return err
		}
		line, err := sim.NewLine(protocol, h.table)
		if err != nil {
			return err
		}
		if h.crew.Faults {
			line.Faults = sim.NewSchedule(h.crew.Seed+uint64(h.Number), 0.01,
				sim.NoRequest, sim.NoAnswer, sim.Split, sim.Noise, sim.BadCRC, sim.BadLength, sim.Unsolicited, sim.Reset)
		}
		host, far := sim.Pipe()
		serving.Go(func() { line.Serve(far) })
		reader := v.watched(driver.New(host, drivers.Options{}), i)
		defer reader.Close()
		readers = append(readers, reader)
	}

	s, err := kiosk.New(kiosk.Parts{Settings: settings(h.Identity.Station), Ledger: r, Clock: h.crew.clock, Screen: v, Readers: readers, Log: quiet})
	if err != nil {
		return err
	}
	v.station = s
	running.Store(s)
	defer running.Store(nil)
	on, off := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(on) }()
	err = v.come(ctx)
	off()
	if e := <-ended; err == nil {
		err = e
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// desks are the readers that stations have, by turns: one that reads books and
// cards, or one for each. A TWN4 beside another would see the books too and cannot
// write what the gate listens for.
var desks = [][]string{{"feig"}, {"3m", "pn532"}, {"rl866", "pn532"}, {"feig"}}

// drain waits until the hub has said that it keeps everything.
func (h *house) drain(ctx context.Context, r *record, v *visitor) (over bool, err error) {
	for {
		_, last, err := r.Bounds()
		if err != nil {
			return false, err
		}
		mark, err := r.Mark(ledger.Hub)
		if err != nil || mark == last {
			return err == nil, err
		}
		select {
		case <-v.news:
		case <-ctx.Done():
			return false, nil
		}
	}
}

func (h *house) moment() circ.Stamp {
	now := h.crew.clock.Now()
	return circ.Stamp{Wall: now.Wall, Clock: now.Clock, Boot: h.crew.clock.boot, Uptime: now.Up}
}

func (h *house) dial(o link.Options) (link.Link, error) {
	o.TLS = h.pass.TLS(o.Broker, func() time.Time { return h.moment().Wall })
	l, err := dial(o)
	if err == nil && h.crew.Faults {
		l = loosen(l, &h.crew.calm, h.crew.Seed, uint64(h.Number)<<32|uint64(h.crew.Life)<<16|uint64(h.lives))
	}
	return l, err
}

// settings are the station's own, in a hurry: whoever waits here waits for
// something to happen and never for a time.
func settings(name circ.StationID) kiosk.Settings {
	s := kiosk.DefaultSettings(name, "en", "fi", "sv")
	s.Version, s.Owners = program, []string{owner}
	s.Every = 40 * time.Millisecond
	s.Patience = rfid.Patience{Arrive: 1, Rounds: patience, Away: time.Millisecond, Settle: 2 * s.Every, Fail: 3}
	s.Rules.Linger, s.Rules.Part = 60*time.Millisecond, 30*time.Millisecond
	s.Rules.Ask, s.Rules.Clear, s.Rules.Deaf = 5*time.Second, time.Second, 0
	return s
}

// patience is in how many rounds a tag must be missing before it has left.
const patience = 2

// record is the ledger, as the station and delivery use it. It tells delivery
// what is new, and the visitor what happened.
type record struct {
	*ledger.Ledger
	delivery *station.Station
	visitor  *visitor
}

func (r *record) Append(at circ.Stamp, who []circ.PatronID, bodies ...circ.EventBody) (uint64, error) {
	first, err := r.Ledger.Append(at, who, bodies...)
	if err == nil {
		r.delivery.Appended()
		r.visitor.noted(bodies)
	}
	return first, err
}

func (r *record) SetMark(name string, seq uint64) error {
	defer r.visitor.poke()
	return r.Ledger.SetMark(name, seq)
}

func (r *record) TakeNotices(at circ.Stamp, stream uuid.UUID, first uint64, raw [][]byte, chain wire.Chain) (uint64, wire.Chain, error) {
	defer r.visitor.poke()
	return r.Ledger.TakeNotices(at, stream, first, raw, chain)
}

// watched is a reader that tells the visitor of each round.
func (v *visitor) watched(r rfid.Reader, which int) rfid.Reader {
	inventory := func(dst []rfid.Tag) ([]rfid.Tag, error) {
		tags, err := r.Inventory(dst)
		if err == nil {
			v.round(which)
		}
		return tags, err
	}
	v.rounds = append(v.rounds, 0)
	switch r := r.(type) {
	case bookReader:
		return watchedBooks{r, inventory}
	case rfid.CardMemory:
		return watchedCards{r, inventory}
	}
	return watchedAny{r, inventory}
}

type bookReader interface {
	rfid.Memory
	rfid.Securer
}

type round func(dst []rfid.Tag) ([]rfid.Tag, error)

type watchedBooks struct {
	bookReader
	round round
}

type watchedCards struct {
	rfid.CardMemory
	round round
}

type watchedAny struct {
	rfid.Reader
	round round
}

func (w watchedBooks) Inventory(dst []rfid.Tag) ([]rfid.Tag, error) { return w.round(dst) }
func (w watchedCards) Inventory(dst []rfid.Tag) ([]rfid.Tag, error) { return w.round(dst) }
func (w watchedAny) Inventory(dst []rfid.Tag) ([]rfid.Tag, error)   { return w.round(dst) }
