package exchange_test

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/exchange"
)

const ms = time.Millisecond

// piece is what the far end sends after a pause.
type piece struct {
	after time.Duration
	bytes string
}

// with runs a test in a bubble, on a line whose far end swallows what it is sent
// and sends the pieces.
func with(t *testing.T, pieces []piece, f func(t *testing.T, l *exchange.Line)) {
	synctest.Test(t, func(t *testing.T) {
		host, far := net.Pipe()
		over := make(chan struct{})
		go func() {
			for _, p := range pieces {
				select {
				case <-time.After(p.after):
				case <-over:
					return
				}
				_, _ = far.Write([]byte(p.bytes))
			}
		}()
		go func() {
			var b [16]byte
			for {
				if _, err := far.Read(b[:]); err != nil {
					return
				}
			}
		}()
		l := exchange.On(host)
		f(t, l)
		close(over)
		_ = l.Close()
		_ = far.Close()
	})
}

func TestMore(t *testing.T) {
	for _, c := range []struct {
		name   string
		pieces []piece
		rest   string // when More has failed, or enough has come
		err    error
		took   time.Duration
	}{
		{"at once", []piece{{0, "abcd"}}, "abcd", nil, 0},
		{"byte by byte", []piece{{50 * ms, "a"}, {99 * ms, "b"}, {99 * ms, "c"}, {99 * ms, "d"}}, "abcd", nil, 347 * ms},
		{"never", nil, "", rfid.ErrTimeout, 1000 * ms},
		{"breaks off", []piece{{50 * ms, "abc"}}, "", rfid.ErrBroken, 150 * ms},
		{"goes on too late", []piece{{50 * ms, "ab"}, {101 * ms, "cd"}}, "", rfid.ErrBroken, 150 * ms},
		{"breaks off at the end of the time", []piece{{950 * ms, "a"}}, "", rfid.ErrBroken, 1000 * ms},
	} {
		t.Run(c.name, func(t *testing.T) {
			with(t, c.pieces, func(t *testing.T, l *exchange.Line) {
				start := time.Now()
				var err error
				for err == nil && len(l.Rest()) < 4 {
					err = l.More(start.Add(1000 * ms))
				}
				if took := time.Since(start); string(l.Rest()) != c.rest || !errors.Is(err, c.err) || took != c.took {
					t.Errorf("got %q, %v after %v, want %q, %v after %v", l.Rest(), err, took, c.rest, c.err, c.took)
				}
			})
		})
	}
}

func TestTakeAndSend(t *testing.T) {
	with(t, []piece{{0, "abcd"}}, func(t *testing.T, l *exchange.Line) {
		if err := l.More(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if l.Take(3); string(l.Rest()) != "d" {
			t.Errorf("rest: got %q, want %q", l.Rest(), "d")
		}
		if err := l.Send([]byte("ask")); err != nil || len(l.Rest()) > 0 {
			t.Errorf("after the next request: got %q, %v, want nothing", l.Rest(), err)
		}
	})
}

func TestDrain(t *testing.T) {
	noise := make([]piece, 200)
	for i := range noise {
		noise[i] = piece{10 * ms, "x"}
	}
	for _, c := range []struct {
		name   string
		pieces []piece
		took   time.Duration
	}{
		{"a quiet line", nil, 25 * ms},
		{"an old answer", []piece{{10 * ms, "old"}, {20 * ms, "old"}}, 55 * ms},
		{"a line that is never quiet", noise, 250 * ms},
	} {
		with(t, c.pieces, func(t *testing.T, l *exchange.Line) {
			start := time.Now()
			why := errors.New("why")
			err := l.Spoil(why)
			if took := time.Since(start); took != c.took || len(l.Rest()) > 0 {
				t.Errorf("%s: got %q after %v, want nothing after %v", c.name, l.Rest(), took, c.took)
			}
			if !errors.Is(err, rfid.ErrBroken) || !errors.Is(err, why) {
				t.Errorf("%s: got %v, want %v with its cause", c.name, err, rfid.ErrBroken)
			}
		})
	}
}

func TestStep(t *testing.T) {
	silence, junk, gone := rfid.ErrTimeout, rfid.ErrBroken, rfid.ErrGone
	for _, c := range []struct {
		name    string
		answers []error
		asked   int
		err     error
	}{
		{"answered", []error{nil}, 1, nil},
		{"one answer was lost", []error{silence, nil}, 2, nil},
		{"mute", []error{silence, silence, nil}, 2, exchange.ErrMute},
		{"disturbed, then silent", []error{junk, silence, nil}, 2, exchange.ErrMute},
		{"disturbed", []error{junk, junk, nil}, 3, nil},
		{"never in step", []error{junk, junk, junk, nil}, 3, junk},
		{"unplugged", []error{gone, nil}, 1, gone},
	} {
		with(t, nil, func(t *testing.T, l *exchange.Line) {
			asked := 0
			err := l.Step(2, 3, func() error { asked++; return c.answers[asked-1] })
			if !errors.Is(err, c.err) || asked != c.asked {
				t.Errorf("%s: got %v after %d questions, want %v after %d", c.name, err, asked, c.err, c.asked)
			}
			if errors.Is(err, exchange.ErrMute) && (exchange.Passing(err) || !exchange.Away(err)) {
				t.Errorf("%s: asking a mute reader again: got yes", c.name)
			}
		})
	}
}

func TestClose(t *testing.T) {
	with(t, nil, func(t *testing.T, l *exchange.Line) {
		if err := l.Closed(); err != nil {
			t.Errorf("before: got %v", err)
		}
		failed := make(chan error)
		go func() { failed <- l.More(time.Now().Add(time.Hour)) }()
		synctest.Wait()
		_ = l.Close()
		for _, err := range []error{<-failed, l.Closed(), l.Send([]byte("x")), l.More(time.Now().Add(time.Hour))} {
			if !errors.Is(err, rfid.ErrClosed) {
				t.Errorf("got %v, want %v", err, rfid.ErrClosed)
			}
		}
	})
}
