package sip2

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// line is one connection to the library system, from its dialling to its first
// fault: after that nothing that comes over it can be told from an old reply.
type line struct {
	net.Conn
	settings *Settings
	lines    chan []byte // replies as they come; closed when the reading ends
	fault    error       // why, once lines is closed
	quit     chan struct{}
	seq      byte
	guard    bool // requests carry AY and AZ
	heard    bool // a first reply has come
	used     time.Time
	buffer   []byte
	message  Message
	stale    bool // a reply may still be on its way: not for another request
}

func newLine(c net.Conn, s *Settings) *line {
	l := &line{Conn: c, settings: s, lines: make(chan []byte), quit: make(chan struct{}), guard: s.Checks != ChecksOff, used: time.Now()}
	go l.read()
	return l
}

// read is a goroutine, so that a library system that hangs up between requests
// is noticed before the next is sent.
func (l *line) read() {
	defer close(l.lines)
	for r := NewReader(l.Conn); ; {
		b, err := r.Next()
		if err != nil {
			l.fault = err
			return
		}
		select {
		case l.lines <- bytes.Clone(b):
		case <-l.quit:
			return
		}
	}
}

func (l *line) hangUp() {
	close(l.quit)
	l.Close()
}

// usable reports whether a request may be sent: nobody has hung up, and nothing
// has come that was not asked for.
func (l *line) usable() bool {
	select {
	case <-l.lines:
		return false
	default:
		return !l.stale
	}
}

// ask is one request and what may come back.
type ask struct {
	op      string
	code    Code // of the reply
	changes bool
	request interface {
		Append([]byte, Format) ([]byte, error)
	}
	parse func(*Message) error // the reply; an error when it answers something else
}

// exchange sends a request and takes its reply. A request that changes something
// is written once. Whatever leaves the line in doubt leaves it stale.
func (l *line) exchange(ctx context.Context, a ask) *Error {
	failed := func(o Outcome, err error) *Error {
		return &Error{Op: a.op, Outcome: o, Err: err}
	}
	format := Format{Encoding: l.settings.Encoding}
	if l.guard {
		format.Guard = Guard{Check: true, Seq: '0' + l.seq}
		l.seq = (l.seq + 1) % 10
	}
	out, err := a.request.Append(l.buffer[:0], format)
	if err != nil {
		return failed(NotSent, err)
	}
	out = append(out, l.settings.Terminator...)
	l.buffer = out

	l.stale = true // until all is well
	for sends := 0; ; sends++ {
		if n, err := l.send(ctx, out); err != nil {
			if n == 0 && sends == 0 {
				return failed(NotSent, err)
			}
			// A request without its end may be acted on when the line drops.
			return failed(Unknown, err)
		}
		resent, err := l.await(ctx, a, format.Guard)
		if err != nil {
			return failed(Unknown, err)
		}
		if l.message.Code == CodeResendReply {
			if resent { // it is our 97 that was not understood
				return failed(Unknown, ErrAgain)
			}
			if a.changes || sends == l.settings.Resends {
				l.stale = false
				return failed(Unread, ErrAgain)
			}
			continue
		}
		if err := a.parse(&l.message); err != nil {
			return failed(Unknown, err)
		}
		l.stale = resent
		l.used = time.Now()
		return nil
	}
}

// await takes replies until one can be read, asking for it again after a broken
// one, which does not do anything twice: the library system repeats what it said.
// resent tells that this was done, after which the line may hold a reply more.
func (l *line) await(ctx context.Context, a ask, sent Guard) (resent bool, err error) {
	for tries := 0; ; tries++ {
		b, err := l.receive(ctx)
		if err != nil {
			return resent, err
		}
		err = l.message.parse(b, l.settings.Encoding)
		if err == nil {
			err = l.fits(a, sent, resent)
		}
		if err == nil || errors.Is(err, ErrStray) {
			return resent, err
		}
		// What is repeated before anything was said here could be another station's.
		if !l.heard || tries == l.settings.Resends {
			return resent, err
		}
		resent = true
		again, _ := ResendRequest{}.Append(nil, Format{Guard: sent})
		if _, sendErr := l.send(ctx, append(again, l.settings.Terminator...)); sendErr != nil {
			return resent, err
		}
	}
}

// fits judges a reply that could be read. One that is resent carries no AY, or
// the wrong one.
func (l *line) fits(a ask, sent Guard, resent bool) error {
	m := &l.message
	if m.Code == CodeResendReply {
		return nil
	}
	if m.Code != a.code {
		return fmt.Errorf("%w: %s, not %s", ErrStray, m.Code, a.code)
	}
	first := !l.heard
	l.heard = true
	switch {
	case !m.Check && sent.Check && first && l.settings.Checks == ChecksAuto:
		l.guard = false
	case !m.Check && sent.Check:
		return fmt.Errorf("%w: none", ErrChecksum)
	case sent.Check && m.Seq != 0 && m.Seq != sent.Seq && !resent:
		return fmt.Errorf("%w: sequence number %c, not %c", ErrStray, m.Seq, sent.Seq)
	}
	return nil
}

func (l *line) send(ctx context.Context, b []byte) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := l.SetWriteDeadline(time.Now().Add(l.settings.Timeout)); err != nil {
		return 0, err
	}
	stop := context.AfterFunc(ctx, func() { _ = l.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	n, err := l.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return n, err
}

func (l *line) receive(ctx context.Context) ([]byte, error) {
	timer := time.NewTimer(l.settings.Timeout)
	defer timer.Stop()
	select {
	case b, ok := <-l.lines:
		if !ok {
			return nil, fmt.Errorf("%w: %w", ErrHungUp, l.fault)
		}
		return b, nil
	case <-timer.C:
		return nil, fmt.Errorf("%w: %s", ErrSilent, l.settings.Timeout)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
