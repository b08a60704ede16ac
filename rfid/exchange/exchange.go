// Package exchange is the host's end of a line on which a request is sent and its
// answer waited for: what the drivers of such readers have in common, whatever
// their frames look like.
//
//	Step   brings a disturbed line into step: what comes before a sure answer is old
//	Send   forgets what came before, and sends a request
//	Rest   is what has come and was not taken yet: decode it, and Take the frame,
//	More   or wait for the rest of it,
//	Spoil  or give up, when what came is no frame
//
// No byte inside an answer may be late by more than Gap; how long the first may
// take is up to the driver. All waiting of a driver happens here.
package exchange

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"coldstation/rfid"
)

const (
	// Gap is the longest silence inside an answer; USB adapters hold bytes back.
	Gap = 100 * time.Millisecond

	quiet = 25 * time.Millisecond // after which a disturbed line counts as silent
)

// ErrMute is a reader that does not even answer what needs no tag.
var ErrMute = errors.New("reader is mute")

// Passing tells whether asking again may help.
func Passing(err error) bool {
	return errors.Is(err, rfid.ErrBroken) || errors.Is(err, rfid.ErrTimeout) && !errors.Is(err, ErrMute)
}

// Away tells whether the reader itself did not answer.
func Away(err error) bool {
	return errors.Is(err, rfid.ErrTimeout) || errors.Is(err, rfid.ErrGone) || errors.Is(err, rfid.ErrClosed)
}

// Line is a port with what has been received from it. One goroutine at a time may
// use it; Close may come from any.
type Line struct {
	Heard time.Time // when the last byte came

	port   rfid.Port
	closed atomic.Bool
	in     []byte
	used   int // bytes of in that were taken
	chunk  [512]byte
}

// On is the line on a port, which it owns from now on.
func On(p rfid.Port) *Line { return &Line{port: p} }

// Close releases the port and whoever waits for an answer.
func (l *Line) Close() error {
	l.closed.Store(true)
	return l.port.Close()
}

// Closed is rfid.ErrClosed after Close.
func (l *Line) Closed() error {
	if l.closed.Load() {
		return rfid.ErrClosed
	}
	return nil
}

// Send forgets what has come, and sends a request.
func (l *Line) Send(request []byte) error {
	l.in, l.used = l.in[:0], 0
	return l.Write(request)
}

// Write sends what belongs to the exchange that is under way.
func (l *Line) Write(b []byte) error {
	_, err := l.port.Write(b)
	return l.cause(err)
}

// Rest is what has come and was not taken, valid until the next call.
func (l *Line) Rest() []byte { return l.in[l.used:] }

// Take takes the first n bytes of Rest.
func (l *Line) Take(n int) { l.used += n }

// More adds to Rest what comes next. A reader that says nothing at all until the
// given time gives rfid.ErrTimeout, one that stops inside a frame ErrBroken.
func (l *Line) More(until time.Time) error {
	part := len(l.Rest())
	if part > 0 {
		until = Soon(until)
	}
	err := l.receive(until)
	if errors.Is(err, rfid.ErrTimeout) && part > 0 {
		l.in, l.used = l.in[:0], 0
		return fmt.Errorf("%w: it ends after %d bytes", rfid.ErrBroken, part)
	}
	return err
}

// Soon is the end of a Gap that begins now, but no later than the given time.
func Soon(until time.Time) time.Time {
	if soon := time.Now().Add(Gap); soon.Before(until) {
		return soon
	}
	return until
}

// Spoil gives up an answer that cannot be one, and says so.
func (l *Line) Spoil(why error) error {
	l.Drain()
	return fmt.Errorf("%w: %w", rfid.ErrBroken, why)
}

// Drain throws away what comes until the line is quiet; one that never is will be
// used all the same.
func (l *Line) Drain() {
	for end := time.Now().Add(10 * quiet); time.Now().Before(end); l.in = l.in[:0] {
		if l.receive(time.Now().Add(quiet)) != nil {
			break
		}
	}
	l.in, l.used = l.in[:0], 0
}

// Step asks what needs no tag until it is answered, at most the given number of
// times, each on a quiet line: whatever came before the answer is old. When as
// many questions as silent allows have gone by and the last met silence, the
// reader is mute.
func (l *Line) Step(silent, times int, ask func() error) error {
	for n := 1; ; n++ {
		l.Drain()
		err := ask()
		switch {
		case err == nil:
			return nil
		case errors.Is(err, rfid.ErrTimeout) && n >= silent:
			return fmt.Errorf("%w: %w", ErrMute, err)
		case !Passing(err), n == times:
			return err
		}
	}
}

// receive adds what comes before the given time.
func (l *Line) receive(until time.Time) error {
	if err := l.port.SetReadDeadline(until); err != nil {
		return l.cause(err)
	}
	n, err := l.port.Read(l.chunk[:])
	if n > 0 {
		l.in = append(l.in, l.chunk[:n]...)
		l.Heard = time.Now()
		return nil
	}
	if err == nil {
		err = rfid.ErrTimeout
	}
	return l.cause(err)
}

// cause is a port's error in our words; after Close, whatever failed is that.
func (l *Line) cause(err error) error {
	if err != nil && l.closed.Load() {
		return rfid.ErrClosed
	}
	return rfid.PortError(err)
}
