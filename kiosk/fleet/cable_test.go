package fleet

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// echo answers whatever comes, until the test ends.
func echo(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn); conn.Close() }()
		}
	}()
	return l.Addr().String()
}

func TestCable(t *testing.T) {
	c, err := lay(echo(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	connect := func() net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", c.addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	talk := func(conn net.Conn, patience time.Duration) error {
		t.Helper()
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		_, err := conn.Write([]byte("x"))
		if err == nil {
			_, err = io.ReadFull(conn, make([]byte, 1))
		}
		return err
	}
	const soon, never = 10 * time.Second, 50 * time.Millisecond
	conn := connect()
	if err := talk(conn, soon); err != nil {
		t.Fatal(err)
	}
	for _, stopped := range [][2]bool{{true, true}, {true, false}, {false, true}} {
		c.stop(stopped[0], stopped[1])
		if err := talk(conn, never); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("stopped %v: %v, want silence", stopped, err)
		}
		c.heal() // and what was held up comes through
		if err := conn.SetDeadline(time.Now().Add(soon)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
			t.Errorf("stopped %v and healed: %v", stopped, err)
		}
	}
	c.slow(30 * time.Millisecond)
	began := time.Now()
	if err := talk(conn, soon); err != nil || time.Since(began) < 60*time.Millisecond {
		t.Errorf("there and back in %v, %v, want at least twice the delay", time.Since(began), err)
	}
	c.pull()
	if err := talk(conn, soon); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("pulled: %v, want the connection's end", err)
	}
	if err := talk(connect(), soon); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("pulled, a new connection: %v, want its end", err)
	}
	c.heal()
	if err := talk(connect(), soon); err != nil {
		t.Errorf("healed: %v", err)
	}
}

// Of a thousand messages some are lost, doubled and overtaken; when it is calm,
// none.
func TestLuck(t *testing.T) {
	var calm atomic.Bool
	for _, calmly := range []bool{false, true} {
		calm.Store(calmly)
		l := luck{calm: &calm, random: rand.New(rand.NewPCG(1, 2))}
		var got []int
		times := make(map[int]int)
		for n := range 1000 {
			l.carry(func() { got = append(got, n); times[n]++ })
		}
		doubled := 0
		for _, t := range times {
			if t == 2 {
				doubled++
			}
		}
		bad := len(times) < 1000 && doubled > 0 && !slices.IsSorted(got)
		good := len(got) == 1000 && len(times) == 1000 && slices.IsSorted(got)
		if calmly && !good || !calmly && !bad {
			t.Errorf("calm %v: %d messages, %d of them different, %d doubled, in order %v", calmly, len(got), len(times), doubled, slices.IsSorted(got))
		}
	}
}
