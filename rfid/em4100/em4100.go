package em4100

import (
	"bytes"
	"errors"
	"sync"
	"time"

	"coldstation/rfid"
)

var _ rfid.Reader = (*Reader)(nil)

// Options adapt the driver to a site. The zero Options suit most readers.
type Options struct {
	Hold time.Duration // how long a card counts as lying there after its last frame; 0 means 300 ms
}

const (
	listen = 250 * time.Millisecond // a probe's wait for a frame
	rest   = 100 * time.Millisecond // after a failed read, before the next
	stale  = 50 * time.Millisecond  // in which the system hands over what it kept while nobody listened
)

// Reader is an RDM6300 or ID-12LA on a port. It sees one card at a time.
// Inventory answers at once from what has come in. A card on an ID-12LA, which
// tells of it once, leaves after Hold wherever it is.
type Reader struct {
	hold time.Duration
	port rfid.Port
	done chan struct{} // closed when listening has ended

	mu     sync.Mutex
	closed bool
	uid    rfid.UID
	at     time.Time // of its last frame
	err    error     // of the last read
}

// New is a reader on p, which it owns from now on. It listens until Close.
func New(p rfid.Port, o Options) *Reader {
	if o.Hold == 0 {
		o.Hold = 300 * time.Millisecond
	}
	r := &Reader{hold: o.Hold, port: p, done: make(chan struct{})}
	go r.listen()
	return r
}

// Close releases the port and ends the listening.
func (r *Reader) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	err := r.port.Close()
	<-r.done
	return err
}

// Probe listens on p, which should run at 9600 8N1, for a frame. It sends
// nothing, so it disturbs nobody and finds a reader only while a card lies on
// it.
func Probe(p rfid.Port) (string, error) {
	var s splitter
	var chunk [64]byte
	err := p.SetReadDeadline(time.Now().Add(listen))
	for err == nil {
		var n int
		n, err = p.Read(chunk[:])
		for f, ok := s.add(chunk[:n]); ok; f, ok = s.add(nil) {
			if f.Lined {
				return "125 kHz reader, frames as of an ID-12LA", nil
			}
			return "125 kHz reader, frames as of an RDM6300", nil
		}
	}
	return "", &rfid.Error{Op: "probe em4100", Err: rfid.PortError(err)}
}

// Inventory implements rfid.Reader.
func (r *Reader) Inventory(dst []rfid.Tag) ([]rfid.Tag, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.trouble(); err != nil {
		return dst, &rfid.Error{Op: "inventory", Err: err}
	}
	if !r.uid.IsZero() && time.Since(r.at) < r.hold {
		dst = append(dst, rfid.Tag{UID: r.uid, Kind: rfid.EM4100})
	}
	return dst, nil
}

// trouble is what keeps the reader from listening. A port that opens its line
// again by itself knows best, since no byte need come from a line that is back.
func (r *Reader) trouble() error {
	if r.closed {
		return rfid.ErrClosed
	}
	if p, ok := r.port.(interface{ Connected() error }); ok {
		return rfid.PortError(p.Connected())
	}
	return r.err
}

func (r *Reader) listen() {
	defer close(r.done)
	var s splitter
	var chunk [64]byte
	fresh := time.Now().Add(stale)
	for {
		err := r.port.SetReadDeadline(time.Time{})
		n := 0
		if err == nil {
			n, err = r.port.Read(chunk[:])
		}
		now := time.Now()
		r.mu.Lock()
		for f, ok := s.add(chunk[:n]); ok; f, ok = s.add(nil) {
			if now.After(fresh) {
				r.uid, r.at = rfid.MakeUID(f.UID[:]), now
			}
		}
		r.err = rfid.PortError(err)
		closed := r.closed
		r.mu.Unlock()
		switch {
		case closed || errors.Is(rfid.PortError(err), rfid.ErrClosed):
			return
		case err != nil:
			s = splitter{}
			time.Sleep(rest)
		}
	}
}

// splitter finds frames in a stream; a pure step.
type splitter struct {
	b []byte
}

// add takes bytes in and returns the next whole frame, if there is one.
func (s *splitter) add(b []byte) (frame, bool) {
	s.b = append(s.b, b...)
	for {
		i := bytes.IndexByte(s.b, stx)
		if i < 0 {
			i = len(s.b)
		}
		s.b = s.b[:copy(s.b, s.b[i:])]
		f, n, err := decode(s.b)
		if errors.Is(err, errCut) {
			return f, false
		}
		s.b = s.b[:copy(s.b, s.b[max(n, 1):])]
		if err == nil {
			return f, true
		}
	}
}
