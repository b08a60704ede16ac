package receipt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"coldstation/kiosk/flow"
	"coldstation/kiosk/phrase"
)

// Options are what a printer is made of.
type Options struct {
	Words   phrase.Book
	Address string            // a device file, as /dev/usb/lp0 or /dev/ttyS0, or tcp:HOST:PORT
	Baud    int               // of a serial port
	Width   int               // dots in a row: 576 on paper of 80 mm, 384 on 58 mm
	Closing map[string]string // the station's last sentence by language; none: that of the words
	// Fault hears, from Run, once whether the printer is well, and then whenever
	// that changes.
	Fault func(name, detail string, raised bool)
}

// Printer prints receipts one after the other, in its own time.
type Printer struct {
	Options
	queue chan job
	pace  pace

	// Owned by Run.
	torn   bool    // it may wait for the rest of a band
	health *string // as it was told; nil: not yet
}

// job is a receipt that somebody waits for.
type job struct {
	flow.Print
	at time.Time
}

// pace is how patient a printer is.
type pace struct {
	answer time.Duration // for the answer to a question
	stall  time.Duration // while it takes nothing
	retry  time.Duration // before a receipt is tried again
	stale  time.Duration // after so long nobody waits for a receipt, and the next person would get it
	look   time.Duration // between questions how it is
}

// chunk is how much must be taken within pace.stall: half a second at 9600 baud.
const chunk = 512

// New makes a printer that prints while Run runs.
func New(o Options) (*Printer, error) {
	if o.Width < 320 || o.Width > 1024 || o.Width%8 != 0 {
		return nil, fmt.Errorf("%d dots a row: want 320 to 1024, in eights; paper of 80 mm has 576, of 58 mm 384", o.Width)
	}
	if speeds[o.Baud] == 0 {
		return nil, fmt.Errorf("%d baud: want 9600, 19200, 38400, 57600 or 115200", o.Baud)
	}
	return &Printer{Options: o, queue: make(chan job, 4), pace: pace{
		answer: 300 * time.Millisecond, stall: 10 * time.Second,
		retry: 2 * time.Second, stale: 30 * time.Second, look: 30 * time.Second,
	}}, nil
}

// Print asks for a receipt and returns at once. Of too many the oldest is dropped.
func (p *Printer) Print(receipt flow.Print) {
	for {
		select {
		case p.queue <- job{receipt, time.Now()}:
			return
		default:
		}
		select {
		case <-p.queue:
		default:
		}
	}
}

// Run prints until ctx ends.
func (p *Printer) Run(ctx context.Context) {
	look := time.NewTicker(p.pace.look)
	defer look.Stop()
	for ctx.Err() == nil {
		p.note(ctx, p.session(ctx, nil))
		select {
		case job := <-p.queue:
			p.deliver(ctx, job)
		case <-look.C:
		case <-ctx.Done():
		}
	}
}

// deliver prints a receipt while somebody waits for it.
func (p *Printer) deliver(ctx context.Context, j job) {
	words := p.Words[j.Language]
	if words == nil || len(j.Lines) == 0 {
		return
	}
	stream := encode(draw(words, j.Lines, p.Closing[j.Language], p.Width))
	for time.Since(j.at) < p.pace.stale {
		err := p.session(ctx, stream)
		p.note(ctx, err)
		if err == nil {
			return
		}
		select {
		case <-time.After(p.pace.retry):
		case <-ctx.Done():
			return
		}
	}
}

// session opens the printer, asks how it is, and sends a stream unless that is
// nil. The printer is opened anew each time, so that one that was unplugged and
// comes back needs nothing else.
func (p *Printer) session(ctx context.Context, stream []byte) (err error) {
	d, err := dial(ctx, p.Address, p.Baud)
	if err != nil {
		return err
	}
	defer func() { finish(d, err != nil) }()
	s := session{d, ctx, p.pace}
	defer context.AfterFunc(ctx, func() { _ = d.SetDeadline(time.Unix(1, 0)) })()
	if err := s.ask(); err != nil || stream == nil {
		return err
	}
	if p.torn {
		stream = append(owed(p.Width), stream...)
	}
	p.torn = true
	if err := s.send(stream); err != nil {
		return err
	}
	p.torn = false
	return nil
}

// note tells how the printer is, when that is news.
func (p *Printer) note(ctx context.Context, err error) {
	detail := ""
	if err != nil {
		detail = err.Error()
	}
	if ctx.Err() != nil || p.health != nil && *p.health == detail {
		return
	}
	p.health = &detail
	p.Fault(flow.PrinterFault, detail, err != nil)
}

// session is a printer that is open.
type session struct {
	device
	ctx  context.Context
	pace pace
}

func (s session) send(stream []byte) error {
	for len(stream) > 0 {
		n := min(len(stream), chunk)
		// A file that knows no deadline does not block.
		if err := s.SetWriteDeadline(time.Now().Add(s.pace.stall)); err != nil && !errors.Is(err, os.ErrNoDeadline) {
			return err
		}
		if err := s.ctx.Err(); err != nil {
			return err
		}
		_, err := s.Write(stream[:n])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("it took nothing for %v", s.pace.stall)
		}
		if err != nil {
			return err
		}
		stream = stream[n:]
	}
	return nil
}

// ask is how the printer is. One that does not answer is taken to be well.
func (s session) ask() error {
	for range askPaper {
		s.read(s.pace.answer / 10) // the late answer to an earlier question
	}
	var answers [askPaper + 1]byte
	// The cause before what follows from it: it may be mended in between.
	for _, n := range []byte{askOffline, askPaper, askPrinter} {
		if err := s.send([]byte{dle, eot, n}); err != nil {
			return err
		}
		if answers[n] = s.read(s.pace.answer); answers[n] == 0 {
			return nil
		}
	}
	return condition(answers[askPrinter], answers[askOffline], answers[askPaper])
}

// read is the next answer, or 0 when none comes in time.
func (s session) read(within time.Duration) byte {
	if s.SetReadDeadline(time.Now().Add(within)) != nil || s.ctx.Err() != nil {
		return 0
	}
	for b := make([]byte, 1); ; {
		if n, err := s.Read(b); n == 0 || err != nil {
			return 0
		}
		if answers(b[0]) {
			return b[0]
		}
	}
}
