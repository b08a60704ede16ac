package sim

import (
	"io"
	"os"
	"sync"
	"time"

	"coldstation/rfid"
)

// Pipe is a line with buffers at both ends, as a serial line has them: unlike
// net.Pipe, a Write does not wait for a Read. Both ends are rfid.Ports. Closing
// one end lets the other read what is left, then io.EOF.
func Pipe() (host, reader rfid.Port) {
	a, b := &lane{wake: make(chan struct{}, 1)}, &lane{wake: make(chan struct{}, 1)}
	return &end{in: a, out: b}, &end{in: b, out: a}
}

// lane is one direction.
type lane struct {
	mu     sync.Mutex
	buf    []byte
	closed bool // by the writer
	wake   chan struct{}
}

func (l *lane) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

type end struct {
	in, out  *lane
	mu       sync.Mutex
	closed   bool
	deadline time.Time
}

func (e *end) state() (closed bool, deadline time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed, e.deadline
}

func (e *end) Read(p []byte) (int, error) {
	timer := (*time.Timer)(nil)
	for {
		closed, deadline := e.state()
		e.in.mu.Lock()
		n := copy(p, e.in.buf)
		e.in.buf = e.in.buf[:copy(e.in.buf, e.in.buf[n:])]
		far := e.in.closed
		e.in.mu.Unlock()
		switch {
		case closed:
			return 0, os.ErrClosed
		case n > 0:
			return n, nil
		case far:
			return 0, io.EOF
		case deadline.IsZero():
			<-e.in.wake
			continue
		}
		wait := time.Until(deadline)
		if wait <= 0 {
			return 0, os.ErrDeadlineExceeded
		}
		if timer == nil {
			timer = time.NewTimer(wait)
			defer timer.Stop()
		} else {
			timer.Reset(wait)
		}
		select {
		case <-e.in.wake:
		case <-timer.C:
		}
	}
}

func (e *end) Write(p []byte) (int, error) {
	if closed, _ := e.state(); closed {
		return 0, os.ErrClosed
	}
	e.out.mu.Lock()
	defer e.out.mu.Unlock()
	e.out.buf = append(e.out.buf, p...)
	e.out.poke()
	return len(p), nil
}

func (e *end) SetReadDeadline(t time.Time) error {
	e.mu.Lock()
	e.deadline = t
	closed := e.closed
	e.mu.Unlock()
	if closed {
		return os.ErrClosed
	}
	e.in.poke()
	return nil
}

func (e *end) Close() error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.out.mu.Lock()
	e.out.closed = true
	e.out.mu.Unlock()
	e.out.poke()
	e.in.poke()
	return nil
}
