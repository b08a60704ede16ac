package port

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"coldstation/rfid"
)

// retry is the pause between attempts to open a line: a reader that is plugged
// in again answers well within two seconds.
const retry = 200 * time.Millisecond

// Kept is a Port that opens its line again whenever it is lost, also under a new
// name if a spec of USB ids finds it there. While the line is away a Write fails
// with rfid.ErrGone at once, and a Read waits for the line until its deadline.
//
// A driver on a Kept port sees an error once, and may go on with its next
// request.
type Kept struct {
	spec string
	open func() (*stream, error)

	mu       sync.Mutex
	line     *stream
	err      error // why there is no line
	closed   bool
	deadline time.Time
	changed  chan struct{} // closed and replaced when any of these changes
	quit     chan struct{}
	done     chan struct{}
}

// Keep opens the line that spec names now or as soon as it is there.
func Keep(spec string, m Mode) *Kept {
	return keep(spec, func() (*stream, error) { return open(spec, m) })
}

func keep(spec string, open func() (*stream, error)) *Kept {
	k := &Kept{spec: spec, open: open, changed: make(chan struct{}), quit: make(chan struct{}), done: make(chan struct{}),
		err: fmt.Errorf("%s: %w", spec, rfid.ErrGone)}
	go k.run()
	return k
}

func (k *Kept) run() {
	defer close(k.done)
	for {
		line, err := k.open()
		if !k.set(line, err) {
			if line != nil {
				line.Close()
			}
			return
		}
		if err == nil {
			select {
			case <-line.dead:
			case <-k.quit:
			}
			if errors.Is(k.lose(line, rfid.ErrGone), os.ErrClosed) {
				return
			}
			continue
		}
		select {
		case <-time.After(retry):
		case <-k.quit:
			return
		}
	}
}

// set tells all who wait that the line came or went; false if k is closed.
func (k *Kept) set(line *stream, err error) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return false
	}
	if err != nil && !errors.Is(err, rfid.ErrGone) {
		err = fmt.Errorf("%w: %w", rfid.ErrGone, err)
	}
	k.line, k.err = line, err
	k.change()
	return true
}

func (k *Kept) change() {
	close(k.changed)
	k.changed = make(chan struct{})
}

// Connected is nil when the line is open, and otherwise why it is not.
func (k *Kept) Connected() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.err
}

func (k *Kept) state() (line *stream, deadline time.Time, changed chan struct{}, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil, k.deadline, k.changed, os.ErrClosed
	}
	return k.line, k.deadline, k.changed, k.err
}

func (k *Kept) Read(p []byte) (int, error) {
	for {
		line, deadline, changed, err := k.state()
		if line != nil {
			_ = line.SetReadDeadline(deadline)
			n, err := line.Read(p)
			if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				err = k.lose(line, err)
			}
			return n, err
		}
		if errors.Is(err, os.ErrClosed) {
			return 0, err
		}
		if deadline.IsZero() {
			<-changed
			continue
		}
		timer := time.NewTimer(time.Until(deadline))
		select {
		case <-changed:
			timer.Stop()
		case <-timer.C:
			return 0, err
		}
	}
}

func (k *Kept) Write(p []byte) (int, error) {
	line, _, _, err := k.state()
	if line == nil {
		return 0, err
	}
	n, err := line.Write(p)
	if err != nil {
		err = k.lose(line, err) // a stuck line is as good as gone
	}
	return n, err
}

// lose gives a failed line up, so that run opens it anew, and returns why it
// failed as far as the caller is concerned.
func (k *Kept) lose(line *stream, err error) error {
	line.Close()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return os.ErrClosed
	}
	if !errors.Is(err, rfid.ErrGone) {
		err = fmt.Errorf("%s: %w", k.spec, rfid.ErrGone)
	}
	if k.line == line {
		k.line, k.err = nil, err
		k.change()
	}
	return err
}

func (k *Kept) SetReadDeadline(t time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return os.ErrClosed
	}
	k.deadline = t
	if k.line != nil {
		_ = k.line.SetReadDeadline(t)
	} else {
		k.change()
	}
	return nil
}

// Close releases the line and all who wait for it.
func (k *Kept) Close() error {
	k.mu.Lock()
	if k.closed {
		k.mu.Unlock()
		return nil
	}
	k.closed = true
	line := k.line
	k.change()
	k.mu.Unlock()
	close(k.quit)
	if line != nil {
		line.Close()
	}
	<-k.done
	return nil
}
