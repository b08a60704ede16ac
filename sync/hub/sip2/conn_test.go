package sip2_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/sync/hub/sip2"
	"coldstation/sync/hub/sip2/sip2test"
)

func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := library(t, "koha")
		c := sip2.New(sip2.Settings{Dial: s.Dial, Timeout: 5 * time.Second}, station)
		defer c.Close()
		s.Fail(sip2test.Fault{Kind: sip2test.Late, On: "11", Delay: time.Hour})
		start := time.Now()
		_, err := c.Checkout(t.Context(), checkout("p1", "i1"))
		if took := time.Since(start); took != 5*time.Second || !errors.Is(err, sip2.ErrSilent) || sip2.OutcomeOf(err) != sip2.Unknown {
			t.Errorf("got %v after %s", err, took)
		}
		// The line with the late reply on it is not used again.
		if r, err := c.Item(t.Context(), sip2.ItemRequest{Item: "i1"}); err != nil || r.Circulation != sip2.CirculationCharged {
			t.Errorf("got %+v, %v", r, err)
		}
		time.Sleep(2 * time.Hour)
	})
}

func TestSilenceAtOtherMoments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deaf := func(ctx context.Context) (net.Conn, error) { // nobody reads
			station, _ := net.Pipe()
			return station, nil
		}
		mute := func(ctx context.Context) (net.Conn, error) { // nobody answers
			station, system := net.Pipe()
			go io.Copy(io.Discard, system)
			return station, nil
		}
		absent := func(ctx context.Context) (net.Conn, error) { // nobody is there
			<-ctx.Done()
			return nil, ctx.Err()
		}
		for name, dial := range map[string]func(context.Context) (net.Conn, error){"deaf": deaf, "mute": mute, "absent": absent} {
			c := sip2.New(sip2.Settings{Dial: dial, Timeout: 5 * time.Second, Connect: 3 * time.Second}, station)
			start := time.Now()
			_, err := c.Checkout(t.Context(), checkout("p1", "i1"))
			if took := time.Since(start); sip2.OutcomeOf(err) != sip2.NotSent || took > 5*time.Second || took < 3*time.Second {
				t.Errorf("%s: got %v after %s, want %s", name, err, took, sip2.NotSent)
			}
			c.Close()
		}
	})
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := library(t, "koha")
		c := sip2.New(sip2.Settings{Dial: s.Dial}, station)
		defer c.Close()
		s.Fail(sip2test.Fault{Kind: sip2test.Late, On: "11", Delay: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var waiting sync.WaitGroup
		waiting.Go(func() { // while the first waits for its reply, another waits for its turn
			synctest.Wait()
			_, err := c.Checkout(ctx, checkout("p1", "i2"))
			if sip2.OutcomeOf(err) != sip2.NotSent || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("second: got %v, want %s", err, sip2.NotSent)
			}
		})
		_, err := c.Checkout(ctx, checkout("p1", "i1"))
		if sip2.OutcomeOf(err) != sip2.Unknown || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("first: got %v, want %s", err, sip2.Unknown)
		}
		waiting.Wait()
		if got := len(s.History()); got != 1 {
			t.Errorf("got %d transactions, want 1", got)
		}
		time.Sleep(time.Hour)
	})
}

// A library system that hangs up between messages costs nothing: the next request
// goes over a new connection, once.
func TestHangUpBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := library(t, "evergreen")
		c := sip2.New(sip2.Settings{Dial: s.Dial}, station)
		defer c.Close()
		for i, item := range []string{"i1", "i2", "i3"} {
			if _, err := c.Checkout(t.Context(), checkout("p1", item)); err != nil {
				t.Fatal(err)
			}
			s.HangUp()
			synctest.Wait()
			if got := len(s.History()); got != i+1 {
				t.Errorf("got %d transactions, want %d", got, i+1)
			}
		}
	})
}

// A connection that died unheard, as behind a firewall that forgot it, is found
// out by a question, before a change is sent into the void.
func TestDeadLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := library(t, "koha")
		dials := 0
		c := sip2.New(sip2.Settings{Timeout: 10 * time.Second, Dial: func(ctx context.Context) (net.Conn, error) {
			dials++
			conn, err := s.Dial(ctx)
			if dials == 1 {
				return &mortal{Conn: conn}, err
			}
			return conn, err
		}}, station)
		defer c.Close()
		if _, err := c.Checkout(t.Context(), checkout("p1", "i1")); err != nil {
			t.Fatal(err)
		}
		deaf.Store(true)
		defer deaf.Store(false)
		time.Sleep(2 * time.Minute)
		if _, err := c.Checkout(t.Context(), checkout("p1", "i2")); err != nil {
			t.Errorf("got %v, want it done on a new connection", err)
		}
		if got := len(s.History()); got != 2 || dials != 2 {
			t.Errorf("got %d transactions and %d connections, want 2 and 2", got, dials)
		}
	})
}

var deaf atomic.Bool

// mortal swallows what is written once deaf is set.
type mortal struct{ net.Conn }

func (m *mortal) Write(p []byte) (int, error) {
	if deaf.Load() {
		return len(p), nil
	}
	return m.Conn.Write(p)
}

func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := library(t, "koha")
		var dials int
		c := sip2.New(sip2.Settings{Dial: func(ctx context.Context) (net.Conn, error) { dials++; return s.Dial(ctx) }}, station)
		defer c.Close()
		for _, c2 := range []struct {
			rest time.Duration
			want int
		}{{0, 1}, {30 * time.Second, 1}, {4 * time.Minute, 1}, {6 * time.Minute, 2}} {
			time.Sleep(c2.rest)
			if _, err := c.Item(t.Context(), sip2.ItemRequest{Item: "i1"}); err != nil || dials != c2.want {
				t.Errorf("after %s: got %d connections, %v, want %d", c2.rest, dials, err, c2.want)
			}
		}
	})
}

// What comes unasked is no reply to the next request.
func TestUnasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := library(t, "koha")
		var dials int
		c := sip2.New(sip2.Settings{Checks: sip2.ChecksOff, Dial: func(ctx context.Context) (net.Conn, error) {
			dials++
			return s.Dial(ctx)
		}}, station)
		defer c.Close()
		const item, lent = "1803020120261124    120000ABi1|AJT|\r", "121NUY20261124    120000AOmain|AAp1|ABi1|AJT|AH|\r"
		s.Fail(sip2test.Fault{Kind: sip2test.Garbage, On: "17", Line: item + lent})
		if r, err := c.Item(t.Context(), sip2.ItemRequest{Item: "i1"}); err != nil || r.Title != "T" {
			t.Errorf("got %+v, %v", r, err)
		}
		synctest.Wait()
		s.Fail(sip2test.Fault{Kind: sip2test.HangUpBefore, On: "11"})
		if _, err := c.Checkout(t.Context(), checkout("p1", "i1")); sip2.OutcomeOf(err) != sip2.Unknown || dials != 2 {
			t.Errorf("got %v on connection %d: a stray reply has confirmed a checkout", err, dials)
		}
	})
}

// A late reply meets nobody: not even a request that is sent meanwhile.
func TestLateReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := library(t, "koha")
		c := sip2.New(sip2.Settings{Dial: s.Dial, Timeout: 5 * time.Second}, station)
		defer c.Close()
		s.Fail(sip2test.Fault{Kind: sip2test.Late, On: "11", Delay: 9 * time.Second})
		if _, err := c.Checkout(t.Context(), checkout("p1", "i1")); sip2.OutcomeOf(err) != sip2.Unknown {
			t.Errorf("got %v, want %s", err, sip2.Unknown)
		}
		if _, err := c.Checkout(t.Context(), checkout("p1", "i2")); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
	})
}

// After a reply had to be asked for again, there may be one too many on its way:
// the next request goes over a new connection.
func TestRepeatedReply(t *testing.T) {
	const lent = "121NUY20261124    120000AOmain|AAp1|ABi1|AJT|AH|\r"
	for _, c := range []struct {
		name    string
		replies []string
		want    sip2.Outcome
	}{
		{"noise", []string{"941\r", "noise\r", lent}, sip2.Done},
		{"noise, and then the reply", []string{"941\r", "noise\r" + lent, lent}, sip2.Done},
		{"noise only", []string{"941\r", "noise\r", "noise\r", "noise\r"}, sip2.Unknown},
		{"noise, and 97 is not understood", []string{"941\r", "noise\r", "96\r"}, sip2.Unknown},
		{"noise, and 97 brings the login", []string{"941\r", "noise\r", "941\r"}, sip2.Unknown},
		{"noise, and silence", []string{"941\r", "noise\r"}, sip2.Unknown},
	} {
		synctest.Test(t, func(t *testing.T) {
			var dials int
			talk := script(t, c.replies...)
			conn := sip2.New(sip2.Settings{Checks: sip2.ChecksOff, Dial: func(ctx context.Context) (net.Conn, error) {
				if dials++; dials == 1 {
					return talk(ctx)
				}
				return script(t, "941\r", lent)(ctx)
			}}, station)
			defer conn.Close()
			_, err := conn.Checkout(t.Context(), checkout("p1", "i1"))
			if got := sip2.OutcomeOf(err); got != c.want {
				t.Errorf("%s: got %s, %v, want %s", c.name, got, err, c.want)
			}
			if _, err := conn.Checkout(t.Context(), checkout("p1", "i1")); err != nil || dials != 2 {
				t.Errorf("%s: next: got %v on connection %d, want 2", c.name, err, dials)
			}
		})
	}
}

// A question is asked again when the system hung up on a rested connection; a
// change never is, unless no byte of it left.
func TestAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := library(t, "koha")
		c := sip2.New(sip2.Settings{Dial: s.Dial}, station)
		defer c.Close()
		hangUp := sip2test.Fault{Kind: sip2test.HangUpBefore, On: "17"}
		s.Fail(hangUp)
		if _, err := c.Item(t.Context(), sip2.ItemRequest{Item: "i1"}); !errors.Is(err, sip2.ErrHungUp) {
			t.Errorf("on a new connection: got %v, want %v", err, sip2.ErrHungUp)
		}
		if _, err := c.Status(t.Context(), sip2.StatusRequest{}); err != nil {
			t.Fatal(err)
		}
		s.Fail(hangUp)
		if _, err := c.Item(t.Context(), sip2.ItemRequest{Item: "i1"}); err != nil {
			t.Errorf("on an old connection: got %v", err)
		}
	})
	for _, rested := range []bool{false, true} {
		s := library(t, "koha")
		var dials int
		stuck := &stuck{}
		c := sip2.New(sip2.Settings{Dial: func(ctx context.Context) (net.Conn, error) {
			conn, err := s.Dial(ctx)
			if dials++; dials == 1 {
				stuck.Conn, stuck.after = conn, 1
				if rested {
					stuck.after = 2
				}
				return stuck, err
			}
			return conn, err
		}}, station)
		if rested {
			if _, err := c.Item(t.Context(), sip2.ItemRequest{Item: "i1"}); err != nil {
				t.Fatal(err)
			}
		}
		want := sip2.NotSent
		if rested {
			want = sip2.Done
		}
		if _, err := c.Checkout(t.Context(), checkout("p1", "i1")); sip2.OutcomeOf(err) != want {
			t.Errorf("rested %t: got %v, want %s", rested, err, want)
		}
		if got := len(s.History()); got > 1 {
			t.Errorf("rested %t: done %d times", rested, got)
		}
		c.Close()
	}
}

// stuck takes so many messages and then not a byte.
type stuck struct {
	net.Conn
	after int
}

func (s *stuck) Write(p []byte) (int, error) {
	if s.after--; s.after < 0 {
		return 0, errors.New("no route to host")
	}
	return s.Conn.Write(p)
}

func TestLogin(t *testing.T) {
	for _, name := range systems {
		s := library(t, name)
		c := sip2.New(sip2.Settings{Dial: s.Dial}, sip2.Account{Name: "station", Password: "wrong"})
		_, err := c.Checkout(t.Context(), checkout("p1", "i1"))
		if !errors.Is(err, sip2.ErrLogin) || sip2.OutcomeOf(err) != sip2.NotSent {
			t.Errorf("%s: got %v, want %v", name, err, sip2.ErrLogin)
		}
		if strings.Contains(fmt.Sprintf("%v %+v", err, sip2.Account{Name: "station", Password: "wrong"}), "wrong") {
			t.Errorf("%s: the password is shown", name)
		}
		for _, heard := range s.Heard() {
			if !strings.HasPrefix(heard, "93") {
				t.Errorf("%s: heard %q after a refused login", name, heard)
			}
		}
		c.Close()
	}
	// A broken first reply is not asked for again: what came could be another's.
	for _, a := range []sip2.Account{station, {}} {
		s := library(t, "evergreen")
		c := sip2.New(sip2.Settings{Dial: s.Dial}, a)
		s.Fail(sip2test.Fault{Kind: sip2test.Garbage, Line: "rubbish\r"})
		if _, err := c.Status(t.Context(), sip2.StatusRequest{}); sip2.OutcomeOf(err) != sip2.NotSent {
			t.Errorf("got %v, want %s", err, sip2.NotSent)
		}
		for _, heard := range s.Heard() {
			if strings.HasPrefix(heard, "97") {
				t.Error("97 was sent before a login")
			}
		}
		if _, err := c.Status(t.Context(), sip2.StatusRequest{}); err != nil {
			t.Errorf("afterwards: %v", err)
		}
		c.Close()
	}
}

func TestFeePaid(t *testing.T) {
	s := library(t, "koha")
	c := sip2.New(sip2.Settings{Dial: s.Dial}, station)
	defer c.Close()
	if err := c.FeePaid(t.Context(), sip2.FeePaidRequest{}); !errors.Is(err, sip2.ErrPayment) || sip2.OutcomeOf(err) != sip2.NotSent {
		t.Errorf("got %v, want %v", err, sip2.ErrPayment)
	}
	if got := s.Heard(); len(got) != 0 {
		t.Errorf("heard %q", got)
	}
}

// script is a library system that says what it is told, line by line.
func script(t *testing.T, replies ...string) func(context.Context) (net.Conn, error) {
	return func(context.Context) (net.Conn, error) {
		station, system := net.Pipe()
		go func() {
			defer system.Close()
			r := bufio.NewReader(system)
			for _, reply := range replies {
				if _, err := r.ReadString('\r'); err != nil {
					return
				}
				if _, err := system.Write([]byte(reply)); err != nil {
					return
				}
			}
			r.ReadString('\r')
		}()
		return station, nil
	}
}

func TestTerminators(t *testing.T) {
	const item = "1803020120261124    120000ABi1|AJone\ntwo|"
	for _, c := range []struct{ name, end, title string }{
		{"CR", "\r", "one\ntwo"},
		{"CRLF", "\r\n", "one\ntwo"},
		{"CR and stray feeds", "\r\n\n", "one\ntwo"},
		{"feeds first", "\r\n\r\n", "one\ntwo"},
	} {
		conn := sip2.New(sip2.Settings{Dial: script(t, "941"+c.end, item+c.end, item+c.end)}, station)
		for range 2 {
			r, err := conn.Item(t.Context(), sip2.ItemRequest{Item: "i1"})
			if err != nil || r.Title != c.title {
				t.Errorf("%s: got %q, %v, want %q", c.name, r.Title, err, c.title)
			}
		}
		conn.Close()
	}
	plain := strings.ReplaceAll(item, "\n", " ")
	conn := sip2.New(sip2.Settings{Dial: script(t, "941\n", plain+"\n", plain+"\n")}, station)
	defer conn.Close()
	for range 2 {
		if r, err := conn.Item(t.Context(), sip2.ItemRequest{Item: "i1"}); err != nil || r.Title != "one two" {
			t.Errorf("LF: got %q, %v", r.Title, err)
		}
	}
}

func TestChecks(t *testing.T) {
	const with, without = "941AY0AZFDFD\r", "941\r"
	const item, sum = "1803020120261124    120000ABi1|AJT|\r", "1803020120261124    120000ABi1|AJT|AY1AZ"
	right := fmt.Sprintf("%s%04X\r", sum, sip2.Checksum([]byte(sum)))
	other := strings.Replace(sum, "AY1", "AY2", 1)
	other = fmt.Sprintf("%s%04X\r", other, sip2.Checksum([]byte(other)))
	for _, c := range []struct {
		name    string
		checks  sip2.Checks
		replies []string
		want    sip2.Outcome
	}{
		{"auto, kept", sip2.ChecksAuto, []string{with, right}, sip2.Done},
		{"auto, none", sip2.ChecksAuto, []string{without, item}, sip2.Done},
		{"auto, lost on the way", sip2.ChecksAuto, []string{with, item, item, item}, sip2.Unknown},
		{"auto, another number", sip2.ChecksAuto, []string{with, other}, sip2.Unknown},
		{"auto, not understood", sip2.ChecksAuto, []string{"96\r", "96\r", "96\r", without, item}, sip2.Done},
		{"on, not understood", sip2.ChecksOn, []string{"96\r", "96\r", "96\r", without, item}, sip2.NotSent},
		{"on, kept", sip2.ChecksOn, []string{with, right}, sip2.Done},
		{"on, none", sip2.ChecksOn, []string{without}, sip2.NotSent},
		{"off", sip2.ChecksOff, []string{without, item}, sip2.Done},
		{"off, and the system insists", sip2.ChecksOff, []string{with, right}, sip2.Done},
	} {
		conn := sip2.New(sip2.Settings{Dial: script(t, c.replies...), Checks: c.checks, Timeout: time.Second}, station)
		_, err := conn.Item(t.Context(), sip2.ItemRequest{Item: "i1"})
		if got := sip2.OutcomeOf(err); got != c.want {
			t.Errorf("%s: got %s, %v, want %s", c.name, got, err, c.want)
		}
		conn.Close()
	}
}

func TestEncodings(t *testing.T) {
	for _, c := range []struct {
		text sip2test.Text
		take sip2.Encoding
		want string
	}{
		{sip2test.UTF8, sip2.UTF8, "Aino Äijälä Ж"},
		{sip2test.UTF8NFD, sip2.UTF8, "Aino Äijälä Ж"},
		{sip2test.Latin1, sip2.Latin1, "Aino Äijälä ?"},
		{sip2test.Latin1, sip2.UTF8, "Aino \ufffdij\ufffdl\ufffd ?"}, // set wrong, and still a reply
		{sip2test.ASCII, sip2.UTF8, "Aino Aijala "},
	} {
		s := library(t, "koha")
		s.Text = c.text
		s.AddPatron(sip2test.Patron{Card: "p3", Name: "Aino Äijälä Ж"})
		conn := sip2.New(sip2.Settings{Dial: s.Dial, Encoding: c.take}, station)
		r, err := conn.Patron(t.Context(), sip2.PatronRequest{Patron: "p3"})
		if err != nil || r.Name != c.want {
			t.Errorf("got %q, %v, want %q", r.Name, err, c.want)
		}
		conn.Close()
	}
}

// Questions carry the library's own time.
func TestZone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := library(t, "koha")
		c := sip2.New(sip2.Settings{Dial: s.Dial, Zone: time.FixedZone("EET", 2*60*60)}, station)
		defer c.Close()
		if _, err := c.Item(t.Context(), sip2.ItemRequest{Item: "i1"}); err != nil {
			t.Fatal(err)
		}
		heard := s.Heard()
		if got, want := heard[len(heard)-1], "1720000101    020000"; !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want it to begin with %q", got, want)
		}
	})
}

func TestPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := library(t, "koha")
		var open atomic.Int32
		p := sip2.NewPool(sip2.Settings{Dial: func(ctx context.Context) (net.Conn, error) {
			c, err := s.Dial(ctx)
			open.Add(1)
			return &counted{Conn: c, open: &open}, err
		}}, 2)
		for i := range 5 {
			s.Accounts[fmt.Sprint("station", i)] = "secret"
		}
		for round := range 2 {
			for i := range 5 {
				a := sip2.Account{Name: fmt.Sprint("station", i), Password: "secret", Institution: "main"}
				c, err := p.Conn(a)
				if err != nil {
					t.Fatal(err)
				}
				if again, _ := p.Conn(a); again != c {
					t.Error("an account has two conversations")
				}
				if _, err := c.Checkout(t.Context(), checkout("p1", fmt.Sprintf("i%d", i%3+1))); i < 3 && err != nil {
					t.Error(err)
				}
				if got := open.Load(); got > 2 {
					t.Errorf("round %d: got %d connections, want at most 2", round, got)
				}
			}
		}
		for i, done := range s.History()[:3] {
			if want := fmt.Sprint("station", i); done.Account != want {
				t.Errorf("got account %s, want %s", done.Account, want)
			}
		}
		old, _ := p.Conn(sip2.Account{Name: "station4", Password: "secret", Institution: "main"})
		changed, err := p.Conn(sip2.Account{Name: "station4", Password: "new", Institution: "main"})
		if err != nil || old == changed {
			t.Errorf("a changed account: got the same conversation, %v", err)
		}
		p.Close()
		synctest.Wait()
		if got := open.Load(); got != 0 {
			t.Errorf("closed: got %d connections, want none", got)
		}
		if _, err := p.Conn(station); !errors.Is(err, sip2.ErrClosed) {
			t.Errorf("got %v, want %v", err, sip2.ErrClosed)
		}
		if _, err := changed.Item(t.Context(), sip2.ItemRequest{Item: "i1"}); !errors.Is(err, sip2.ErrClosed) {
			t.Errorf("got %v, want %v", err, sip2.ErrClosed)
		}
	})
}

type counted struct {
	net.Conn
	open *atomic.Int32
	once sync.Once
}

func (c *counted) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}

// Many goroutines share a conversation; each gets its own reply.
func TestTurns(t *testing.T) {
	s := library(t, "evergreen")
	for i := range 50 {
		s.AddItem(sip2test.Item{Barcode: fmt.Sprint("n", i), Title: fmt.Sprint("Title ", i)})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	c := sip2.New(sip2.Settings{Address: l.Addr().String()}, station)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			r, err := c.Checkout(t.Context(), checkout("p1", fmt.Sprint("n", i)))
			if want := fmt.Sprint("Title ", i); err != nil || r.Title != want {
				t.Errorf("got %q, %v, want %q", r.Title, err, want)
			}
		})
	}
	all.Wait()
	if got := len(s.Loans()); got != 50 {
		t.Errorf("got %d loans, want 50", got)
	}
	c.Close()
	c.Close()
	l.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := library(t, "koha")
	go s.Serve(l)
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	c := sip2.New(sip2.Settings{Address: l.Addr().String(), TLS: &tls.Config{RootCAs: roots}}, station)
	defer c.Close()
	if r, err := c.Checkout(t.Context(), checkout("p1", "i1")); err != nil || !r.OK {
		t.Errorf("got %+v, %v", r, err)
	}
	stranger := sip2.New(sip2.Settings{Address: l.Addr().String(), TLS: &tls.Config{RootCAs: x509.NewCertPool()}}, station)
	defer stranger.Close()
	if _, err := stranger.Checkout(t.Context(), checkout("p1", "i2")); sip2.OutcomeOf(err) != sip2.NotSent {
		t.Errorf("unknown certificate: got %v, want %s", err, sip2.NotSent)
	}
}
