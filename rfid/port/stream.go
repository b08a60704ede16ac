package port

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"coldstation/rfid"
)

// mostUnread is how far the far end may run ahead of our reading.
const mostUnread = 64 << 10

// piece is the most that is handed to the line at once. Freeing a stuck write
// makes room for more than this, so that it ends instead of sticking again.
const piece = 256

// stream makes an rfid.Port of a raw line whose reads wait for ever and whose
// writes may.
type stream struct {
	name  string
	raw   io.ReadWriteCloser
	free  func() // releases a stuck write, as far as the system can
	limit time.Duration

	mu       sync.Mutex
	buf      []byte
	err      error // why no more bytes will come
	closing  bool
	deadline time.Time
	wake     chan struct{} // one token: something changed for the reader
	room     chan struct{} // one token: the reader took something
	dead     chan struct{} // closed when err is set

	writing sync.Mutex // one write at a time
	work    chan []byte
	wrote   chan error
	jammed  bool // a write did not end; guarded by writing
	quit    chan struct{}
}

func newStream(name string, raw io.ReadWriteCloser, free func()) *stream {
	s := &stream{name: name, raw: raw, free: free, limit: writeLimit,
		wake: make(chan struct{}, 1), room: make(chan struct{}, 1), dead: make(chan struct{}),
		work: make(chan []byte), wrote: make(chan error, 1), quit: make(chan struct{})}
	go s.pump()
	go s.write()
	return s
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// pump moves bytes from the line to the buffer until the line ends.
func (s *stream) pump() {
	chunk := make([]byte, 4096)
	for {
		n, err := s.readRaw(chunk)
		s.mu.Lock()
		s.buf = append(s.buf, chunk[:n]...)
		full := len(s.buf) >= mostUnread
		if err != nil {
			s.err = fmt.Errorf("%s: %w: %w", s.name, rfid.ErrGone, err)
			if s.closing {
				s.err = os.ErrClosed
			}
			close(s.dead)
		}
		s.mu.Unlock()
		poke(s.wake)
		if err != nil {
			return
		}
		if full {
			select {
			case <-s.room:
			case <-s.quit:
			}
		}
	}
}

// readRaw turns a panic of the line into an error: the serial library selects on
// a set of 1024 descriptors.
func (s *stream) readRaw(p []byte) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			n, err = 0, fmt.Errorf("read: %v (more than 1023 files are open)", r)
		}
	}()
	return s.raw.Read(p)
}

func (s *stream) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	var timer *time.Timer
	for {
		s.mu.Lock()
		n := copy(p, s.buf)
		s.buf = s.buf[:copy(s.buf, s.buf[n:])]
		err, closing, deadline := s.err, s.closing, s.deadline
		s.mu.Unlock()
		switch {
		case closing:
			return 0, os.ErrClosed
		case n > 0:
			poke(s.room)
			return n, nil
		case err != nil:
			return 0, err
		case deadline.IsZero():
			<-s.wake
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
		case <-s.wake:
		case <-timer.C:
		}
	}
}

// SetReadDeadline also moves the deadline of a Read that waits.
func (s *stream) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return os.ErrClosed
	}
	s.deadline = t
	poke(s.wake)
	return nil
}

// write carries out writes, each to its end.
func (s *stream) write() {
	for {
		select {
		case p := <-s.work:
			s.wrote <- s.writeRaw(p)
		case <-s.quit:
			return
		}
	}
}

func (s *stream) writeRaw(p []byte) error {
	for len(p) > 0 {
		select {
		case <-s.quit: // the descriptor may be somebody else's by now
			return os.ErrClosed
		default:
		}
		n, err := s.raw.Write(p[:min(len(p), piece)])
		if err != nil && !passing(err) {
			return err
		}
		p = p[n:]
	}
	return nil
}

// Write gives up on a line that takes nothing for two seconds. Such a line is
// then treated as gone.
func (s *stream) Write(p []byte) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	err, closing := s.err, s.closing
	s.mu.Unlock()
	switch {
	case closing:
		return 0, os.ErrClosed
	case err != nil:
		return 0, err
	case s.jammed:
		return 0, fmt.Errorf("write %s: %w: an earlier write is stuck", s.name, rfid.ErrGone)
	}
	timer := time.NewTimer(s.limit)
	defer timer.Stop()
	select {
	case s.work <- append([]byte(nil), p...):
	case <-s.quit:
		return 0, os.ErrClosed
	}
	select {
	case err := <-s.wrote:
		switch {
		case err == nil:
			return len(p), nil
		case errors.Is(err, os.ErrClosed):
			return 0, os.ErrClosed
		}
		return 0, fmt.Errorf("write %s: %w: %w", s.name, rfid.ErrGone, err)
	case <-s.quit:
		return 0, os.ErrClosed
	case <-timer.C:
		s.jammed = true
		return 0, fmt.Errorf("write %s: %w: the line took nothing for %v", s.name, rfid.ErrGone, s.limit)
	}
}

// Close releases a Read and a Write that wait.
func (s *stream) Close() error {
	s.mu.Lock()
	already := s.closing
	s.closing = true
	s.mu.Unlock()
	if already {
		return nil
	}
	close(s.quit)
	s.free()
	err := s.raw.Close()
	poke(s.wake)
	return err
}
