package kiosk

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"

	"coldstation/kiosk/flow"
	"coldstation/rfid"
	"coldstation/sync/circ"
	"coldstation/sync/ledger"
)

// Screen draws views. Show is called from one goroutine, with every view that
// differs from the one before, and must return soon.
type Screen interface{ Show(flow.View) }

// Voice speaks views. Say ends what is being said.
type Voice interface {
	Say(flow.View)
	Hush()
}

// Printer prints receipts, in its own time.
type Printer interface{ Print(flow.Print) }

// Blobs are what the hub sent beside its notices. Read answers an error for one
// that is not here.
type Blobs interface {
	Read(circ.BlobID) ([]byte, error)
}

// Parts are what a station is assembled from. Readers and scanners are closed by
// whoever opened them.
type Parts struct {
	Settings Settings
	Ledger   Ledger
	Clock    Clock
	Screen   Screen
	Readers  []rfid.Reader
	Sought   []Sought
	Trays    []rfid.Reader // what comes onto one was read in the house
	Scanners []rfid.Scanner
	Voice    Voice                     // nil: silent
	Printer  Printer                   // nil: none
	Blobs    Blobs                     // nil: none
	Rescale  func(scale float64) error // keeps the screen's scale; nil: it is not kept
	Remote   Remote
	Log      *slog.Logger
}

// Sought is a reader that is to be found by asking.
type Sought struct {
	Cards bool // it is for cards, beside the pad
	// Find asks once. It is called again and again until it finds the reader.
	Find func() (rfid.Reader, error)
}

// Station is one station, assembled.
type Station struct {
	settings Settings
	ledger   Ledger
	clock    Clock
	screen   Screen
	sought   []Sought
	trays    []rfid.Reader
	scanners []rfid.Scanner
	voice    Voice
	printer  Printer
	blobs    Blobs
	rescale  func(float64) error
	log      *slog.Logger

	inbox chan any // flow.Msg, []sighting, gone, fault, rfid.Reader, checked, told or asked
	done  chan struct{}

	session uint64    // before this one
	newest  time.Time // the wall time of the newest event then

	// Owned by Run.
	readers   []rfid.Reader
	faults    []string // raised
	state     flow.State
	view      flow.View
	shown     map[circ.Ref]circ.PatronID // who is here and whom they act for
	locks     map[circ.Ref]lock          // theirs
	spent     map[string]bool            // authorisations for once that this visit used
	tries     map[circ.Ref]tries         // of secret numbers, as far as this run asked
	comparing bool                       // a secret number, aside
	timers    map[flow.Timer]*time.Timer
	lying     map[flow.Token]sighting    // on any of the pads, as it was seen last
	pads      map[flow.Token][]*pad      // that see it
	wishes    map[flow.Token]flow.SetTag // which none of those is able to write
	broken    bool                       // the ledger takes nothing more
	valids    valids
	remote    remote
	contact   Contact
	anew      bool // the staff want the program to be started again
}

// fault is something that is wrong, or well again.
type fault struct {
	name   string
	detail string
	raised bool
}

// New assembles a station. Run starts it.
func New(p Parts) (*Station, error) {
	if err := p.Settings.Validate(); err != nil {
		return nil, fmt.Errorf("assemble station: %w", err)
	}
	if p.Log == nil {
		p.Log = slog.Default()
	}
	s := &Station{
		settings: p.Settings, ledger: p.Ledger, clock: p.Clock, screen: p.Screen,
		readers: p.Readers, sought: p.Sought, trays: p.Trays, scanners: p.Scanners,
		voice: p.Voice, printer: p.Printer, blobs: p.Blobs, rescale: p.Rescale,
		log:   p.Log.With("station", p.Settings.Rules.Station),
		inbox: make(chan any, 64), done: make(chan struct{}),
		shown: map[circ.Ref]circ.PatronID{}, locks: map[circ.Ref]lock{}, spent: map[string]bool{}, tries: map[circ.Ref]tries{}, timers: map[flow.Timer]*time.Timer{}, lying: map[flow.Token]sighting{}, pads: map[flow.Token][]*pad{}, wishes: map[flow.Token]flow.SetTag{},
	}
	s.remote.Remote = p.Remote
	rules := &s.settings.Rules
	rules.Speech = p.Voice != nil
	rules.Printer = p.Printer != nil
	rules.Scanner = len(p.Scanners) > 0
	last, err := lastVisit(p.Ledger)
	if err != nil {
		return nil, fmt.Errorf("assemble station: %w", err)
	}
	if s.session, err = p.Ledger.Session(); err != nil {
		return nil, fmt.Errorf("assemble station: %w", err)
	}
	newest, err := p.Ledger.LastStamp()
	if err != nil {
		return nil, fmt.Errorf("assemble station: %w", err)
	}
	s.newest = newest.Wall
	if s.faults, err = p.Ledger.Faults(); err != nil {
		return nil, fmt.Errorf("assemble station: %w", err)
	}
	s.state = flow.New(*rules, last)
	s.state.Rules.Tags = rules.Tags && s.canWrite()
	return s, nil
}

func (s *Station) canWrite() bool {
	for _, reader := range s.readers {
		_, afi := reader.(rfid.Securer)
		_, eas := reader.(rfid.Alarm)
		if afi && s.settings.Gate&AFIGate != 0 || eas && s.settings.Gate&EASGate != 0 {
			return true
		}
	}
	return false
}

// Send passes on what a person did at the screen, or anything else that flow
// knows. Messages are taken in their order; after Run has ended they are lost.
func (s *Station) Send(m flow.Msg) { s.send(m) }

// Fault notes that something is wrong with a part of the station that is not its
// own, or well again. Name is a short constant.
func (s *Station) Fault(name, detail string, raised bool) { s.send(fault{name, detail, raised}) }

func (s *Station) send(m any) {
	select {
	case s.inbox <- m:
	case <-s.done:
	}
}

// Alive answers once the station's own loop has come round; a loop that hangs gives
// ctx's error. A station that has ended hangs no more.
func (s *Station) Alive(ctx context.Context) error {
	round := make(asked)
	select {
	case s.inbox <- round:
	case <-s.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the station's loop: %w", ctx.Err())
	}
	select {
	case <-round:
		return nil
	case <-s.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the station's loop: %w", ctx.Err())
	}
}

// asked is closed when its turn comes.
type asked chan struct{}

// Told has the station look at what the hub told: tiles, messages, and what it asks for.
func (s *Station) Told() { s.send(told{}) }

type told struct{}

// Run runs the station until ctx ends. It may be called once. It ends with
// ledger.ErrBroken, at rest and not in its first minute, when the ledger wants to
// be opened anew, and at rest with ErrRestart or ErrSettings.
func (s *Station) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var working sync.WaitGroup
	defer working.Wait()
	defer close(s.done)
	defer cancel()

	started := s.now().Up
	resumed := s.cutOff()
	// A station whose disk is full still says so kindly: append keeps the fault.
	_, _ = s.append(circ.Started{Version: s.settings.Version, Session: s.session + 1})
	if resumed != nil {
		s.step(resumed)
	}
	s.take(told{})
	for _, reader := range s.readers {
		working.Go(func() { s.newPad(reader).watch(ctx) })
	}
	for _, reader := range s.trays {
		working.Go(func() { s.newTray(reader).watch(ctx) })
	}
	for _, sought := range s.sought {
		working.Go(func() { s.newPad(nil).seek(ctx, sought) })
	}
	for _, scanner := range s.scanners {
		// A scan is ended by closing the scanner, which is not ours to do.
		go s.scan(ctx, scanner)
	}
	defer s.stopTimers()
	var mend <-chan time.Time // for a broken ledger, on which nobody may come by
	for {
		if s.anew {
			return fmt.Errorf("run station: %w", ErrRestart)
		}
		if err := s.obey(); err != nil {
			return fmt.Errorf("run station: %w", err)
		}
		if s.broken && mend == nil {
			mend = time.Tick(time.Second)
		}
		select {
		case in := <-s.inbox:
			s.take(in)
		case <-mend:
		case <-ctx.Done():
			return nil
		}
		if s.broken && s.state.Visit.ID == 0 && s.now().Up-started > time.Minute {
			return fmt.Errorf("run station: %w", ledger.ErrBroken)
		}
	}
}

// now is the clock's reading. A battery-backed clock that shows less than the
// ledger's newest event has lost its time.
func (s *Station) now() flow.Moment {
	m := s.clock.Now()
	if m.Clock == circ.ClockRTC && m.Wall.Before(s.newest) {
		m.Clock = circ.ClockUnset
	}
	return m
}

// take lets flow decide about one message and all that follows from it at once.
func (s *Station) take(in any) {
	switch in := in.(type) {
	case asked:
		close(in)
	case fault:
		if in.name == flow.PrinterFault { // a note that cannot be printed is not offered
			s.state.Rules.Printer = s.printer != nil && !in.raised
			s.show()
		}
		s.raise(in)
		s.tendHealth()
	case Contact:
		s.met(in)
	case rfid.Reader:
		s.readers = append(s.readers, in)
		s.state.Rules.Tags = s.settings.Rules.Tags && s.canWrite()
	case told:
		s.step(s.messages())
		s.step(s.tiles())
		s.listen()
	case checked:
		s.step(s.counted(in))
	case []sighting:
		in = slices.DeleteFunc(in, s.readHere)
		for _, see := range in {
			if see.pad != nil {
				s.over(see)
			}
		}
		for _, see := range in {
			if m := s.identify(see); m != nil {
				s.step(m)
			}
		}
	case gone:
		s.lifted(in)
	case flow.Msg:
		s.step(in)
	}
}

func (s *Station) step(m flow.Msg) {
	for queue := []flow.Msg{m}; len(queue) > 0; queue = queue[1:] {
		var effects []flow.Effect
		s.state, effects = flow.Step(s.state, s.now(), queue[0])
		for _, e := range effects {
			if answer := s.carryOut(e); answer != nil {
				queue = append(queue, answer)
			}
		}
	}
	s.show()
	if s.state.Visit.ID == 0 {
		clear(s.shown)
		clear(s.locks)
		clear(s.spent)
	}
}

// show shows the view when it has changed.
func (s *Station) show() {
	if view := s.state.View(); !reflect.DeepEqual(view, s.view) {
		s.view = view
		s.screen.Show(view)
	}
}

// carryOut answers what needs no waiting for; all else answers by itself, later or
// never.
func (s *Station) carryOut(e flow.Effect) flow.Msg {
	switch e := e.(type) {
	case flow.Record:
		seq, err := s.append(e.Bodies...)
		if err == nil {
			s.useGrants(e.Bodies)
			s.censusDone(e.Bodies)
		}
		return flow.Recorded{Ticket: e.Ticket, Seq: seq, Failed: err != nil}
	case flow.SetTag:
		return s.setTag(e)
	case flow.StartTimer:
		s.stopTimer(e.Timer)
		s.timers[e.Timer] = time.AfterFunc(e.After, func() { s.Send(flow.Fired{Timer: e.Timer}) })
	case flow.StopTimer:
		s.stopTimer(e.Timer)
	case flow.Say:
		if s.voice != nil {
			s.voice.Say(e.View)
		}
	case flow.Hush:
		if s.voice != nil {
			s.voice.Hush()
		}
	case flow.Print:
		if s.printer != nil {
			s.printer.Print(e)
		}
	case flow.Recognise:
		return s.recognise(e.Ref)
	case flow.Unlock:
		return s.unlock(e)
	case flow.ReadLoans:
		return s.owned(e.Ref)
	case flow.Recall:
		return s.recall(e)
	case flow.Forget:
		s.forget(e)
	case flow.Remember:
		s.remember(e)
	case flow.ReadDesk:
		return s.readDesk(e.Page)
	case flow.NoteCounted:
		err := s.ledger.NoteCounted(e.Item, s.now().Wall)
		return flow.CountNoted{Item: e.Item, Failed: !s.answered(err)}
	case flow.ForgetCount:
		s.answered(s.ledger.ForgetCount())
	case flow.ReadHealth:
		return s.health()
	case flow.TestPart:
		return s.try(e)
	case flow.StartAgain:
		s.anew = true
	case flow.Rescale:
		if s.rescale != nil {
			if err := s.rescale(e.Scale); err != nil {
				s.log.Error("the screen's scale was not kept", "err", err)
			}
		}
	}
	return nil
}

func (s *Station) stopTimer(t flow.Timer) {
	if timer := s.timers[t]; timer != nil {
		timer.Stop()
		delete(s.timers, t)
	}
}

func (s *Station) stopTimers() {
	for t := range s.timers {
		s.stopTimer(t)
	}
}
