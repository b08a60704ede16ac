package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"coldstation/kiosk"
	"coldstation/kiosk/flow"
	"coldstation/kiosk/phrase"
	"coldstation/rfid"
	"coldstation/rfid/drivers"
	"coldstation/rfid/line"
	"coldstation/rfid/port"
	"coldstation/sync/blob"
	"coldstation/sync/circ"
	"coldstation/sync/ledger"
	"coldstation/sync/link"
	"coldstation/sync/station"
)

const program = "coldstation-kiosk/0.1"

// assembly is the station's parts before and while they run.
type assembly struct {
	args     []string // of the command line
	own      settings // of this machine
	settings settings // in force: own, and over it what the library set
	clock    kiosk.MachineClock
	running  atomic.Pointer[kiosk.Station]
	online   atomic.Bool // the library can be reached
	words    phrase.Book
	blobs    *blob.Folder
	beside   []func(context.Context) // what runs with the station

	mu       sync.Mutex
	attached []io.Closer // readers and scanners
}

// assemble checks what a station needs beside its window, its readers and its ledger.
func assemble(args []string, s settings, words phrase.Book) (*assembly, error) {
	a := &assembly{args: args, own: s, settings: s, words: words}
	if err := a.worded(s); err != nil {
		return nil, err
	}
	var err error
	if a.clock, err = kiosk.NewMachineClock(); err != nil {
		return nil, err
	}
	if a.blobs, err = blob.OpenFolder(s.blobs, blob.Limit); err != nil {
		return nil, err
	}
	return a, nil
}

// deliver prepares delivery between the ledger and the hub.
func (a *assembly) deliver(l *ledger.Ledger) (*station.Station, error) {
	session, err := l.Session()
	if err != nil {
		return nil, err
	}
	return station.New(station.Settings{
		Blobs:    a.blobs,
		Wanted:   l.Blobs,
		Log:      l,
		Identity: a.settings.identity,
		Boot:     a.clock.Boot(),
		Session:  session + 1,
		Dial: func(o link.Options) (link.Link, error) {
			o.TLS = a.settings.pass.TLS(o.Broker, time.Now)
			return link.Open(o)
		},
		Moment:  a.moment,
		Program: program,
		Told:    a.told,
		Online:  a.met,
		QoS:     a.settings.qos,
	})
}

func (a *assembly) moment() circ.Stamp {
	now := a.clock.Now()
	return circ.Stamp{Wall: now.Wall, Clock: now.Clock, Boot: a.clock.Boot(), Uptime: now.Up}
}

// told passes on that the hub said something that the screen may show.
func (a *assembly) told() {
	if s := a.running.Load(); s != nil {
		s.Told()
	}
}

// met passes on that the library can be reached, or no longer.
func (a *assembly) met(online bool) {
	a.online.Store(online)
	if s := a.running.Load(); s != nil {
		s.Contact(online)
	}
}

// send passes on what a person did; before there is a station it is nothing.
func (a *assembly) send(m flow.Msg) {
	if s := a.running.Load(); s != nil {
		s.Send(m)
	}
}

// alive answers once the station's loop has come round. Between two stations, while
// the ledger is opened anew, there is none that could hang.
func (a *assembly) alive(ctx context.Context) error {
	if s := a.running.Load(); s != nil {
		return s.Alive(ctx)
	}
	return nil
}

// run runs the station on screen until ctx ends. A ledger that takes nothing more, or
// cannot be opened just now, is opened anew, at first after a second and then ever
// more seldom; meanwhile the screen rests, and is never black.
func (a *assembly) run(ctx context.Context, screen kiosk.Screen) error {
	const soon, seldom, steady = time.Second, time.Minute, 10 * time.Minute
	for wait := soon; ; wait = min(2*wait, seldom) {
		began := time.Now()
		err := a.once(ctx, screen)
		if errors.Is(err, kiosk.ErrSettings) && ctx.Err() == nil {
			slog.Info("other settings are in force")
			wait = soon
			continue
		}
		if ctx.Err() != nil || !passes(err) {
			return err
		}
		if time.Since(began) > steady {
			wait = soon
		}
		slog.Error("the ledger wants to be opened anew", "err", err, "in", wait)
		rests := flow.New(a.settings.station.Rules, 0)
		rests.Resting = true
		screen.Show(rests.View())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// once runs the station as long as its ledger lasts.
func (a *assembly) once(ctx context.Context, screen kiosk.Screen) error {
	l, err := a.openLedger()
	if err != nil {
		return err
	}
	delivery, err := a.deliver(l)
	if err == nil {
		err = a.adopt(l)
	}
	if err == nil {
		err = a.runOn(ctx, screen, l, delivery)
	}
	return errors.Join(err, l.Close())
}

func (a *assembly) runOn(ctx context.Context, screen kiosk.Screen, l *ledger.Ledger, delivery *station.Station) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	delivered := make(chan error, 1)
	go func() { delivered <- delivery.Run(ctx) }()
	go renew(ctx, a.settings.identity, a.settings.pass)
	go func() { // so that the station learns of a write that failed in delivery
		select {
		case <-ctx.Done():
		case <-l.Broken():
			a.fault(ledger.LedgerFault, "a write failed", true)
		}
	}()

	parts := kiosk.Parts{
		Settings: a.settings.station,
		Ledger:   &recorder{l, delivery},
		Clock:    a.clock,
		Screen:   &narrator{Screen: screen},
		Rescale:  a.settings.scale.keep,
		Blobs:    a.blobs,
		Remote:   a.remote(),
	}
	a.beside = nil
	err := errors.Join(a.attach(&parts), a.outfit(&parts))
	a.beside = append(a.beside, func(context.Context) {
		lost := a.settings.pass != nil && a.settings.pass.Expires().IsZero()
		a.fault("certificate", "it cannot be read", lost)
	})
	if err == nil {
		err = a.serve(ctx, parts)
	}
	err = errors.Join(err, a.detach())
	cancel()
	return errors.Join(err, <-delivered)
}

func (a *assembly) serve(ctx context.Context, parts kiosk.Parts) error {
	s, err := kiosk.New(parts)
	if err != nil {
		return err
	}
	a.running.Store(s)
	defer a.running.Store(nil)
	go s.Contact(a.online.Load()) // it may have been told to nobody
	var beside sync.WaitGroup
	defer beside.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, run := range a.beside {
		beside.Go(func() { run(ctx) })
	}
	return s.Run(ctx)
}

// attach opens the readers, and has those sought whose protocol is not said.
func (a *assembly) attach(to *kiosk.Parts) error {
	for _, r := range a.settings.readers {
		if r.protocol == "auto" {
			to.Sought = append(to.Sought, kiosk.Sought{Cards: r.cards, Find: func() (rfid.Reader, error) { return a.find(r.port) }})
			continue
		}
		driver, err := drivers.Named(r.protocol)
		if err != nil {
			return err
		}
		to.Readers = append(to.Readers, a.reader(r.port, driver))
	}
	for _, tray := range a.settings.trays {
		driver, err := drivers.Named(tray.protocol)
		if err != nil {
			return fmt.Errorf("the tray: %w", err)
		}
		to.Trays = append(to.Trays, a.reader(tray.port, driver))
	}
	if a.settings.scanner != "" {
		scanner := line.New(port.Keep(a.settings.scanner, port.Mode{Baud: 9600}), a.settings.adds)
		a.keep(scanner)
		to.Scanners = append(to.Scanners, scanner)
	}
	return nil
}

// find asks once which reader is on a port.
func (a *assembly) find(spec string) (rfid.Reader, error) {
	driver, what, err := drivers.Find(spec)
	if err != nil {
		return nil, err
	}
	slog.Info("found a reader", "port", spec, "reader", driver.Name, "says", what)
	return a.reader(spec, driver), nil
}

func (a *assembly) reader(spec string, driver drivers.Driver) rfid.Reader {
	eas := a.settings.station.Gate&kiosk.EASGate != 0
	reader := driver.New(port.Keep(spec, driver.Mode), drivers.Options{EAS: eas, Keys: a.settings.keys})
	a.keep(reader)
	return reader
}

func (a *assembly) keep(c io.Closer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.attached = append(a.attached, c)
}

// detach closes what attach opened.
func (a *assembly) detach() (err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.attached {
		err = errors.Join(err, c.Close())
	}
	a.attached = nil
	return err
}

// recorder tells delivery, and the log, what was recorded. The log names kinds
// and numbers and nobody.
type recorder struct {
	*ledger.Ledger
	delivery *station.Station
}

func (r *recorder) Append(at circ.Stamp, people []circ.PatronID, bodies ...circ.EventBody) (uint64, error) {
	first, err := r.Ledger.Append(at, people, bodies...)
	if err == nil {
		for _, body := range bodies {
			slog.Info("recorded", "kind", strings.TrimPrefix(fmt.Sprintf("%T", body), "circ."))
		}
		r.delivery.Appended()
	}
	return first, err
}

// narrator tells the log which screen is shown and when a visit is over.
type narrator struct {
	kiosk.Screen
	last flow.Screen
}

func (n *narrator) Show(v flow.View) {
	if v.Screen != n.last {
		slog.Info("show", "screen", v.Screen)
		if v.Screen == flow.Welcome {
			slog.Info("visit over")
		}
		n.last = v.Screen
	}
	n.Screen.Show(v)
}
