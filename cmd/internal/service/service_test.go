package service

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// manager listens as the service manager does.
func manager(t *testing.T, name string) *net.UnixConn {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	t.Setenv("NOTIFY_SOCKET", name)
	return c
}

func heard(t *testing.T, c *net.UnixConn) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 64)
	n, err := c.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(text[:n])
}

func TestTell(t *testing.T) {
	for name, socket := range map[string]string{"path": filepath.Join(t.TempDir(), "notify"), "abstract": "@coldstation-service-test"} {
		t.Run(name, func(t *testing.T) {
			c := manager(t, socket)
			for want, say := range map[string]func() error{"READY=1": Ready, "STOPPING=1": Stopping} {
				if err := say(); err != nil {
					t.Fatal(err)
				}
				if got := heard(t, c); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "1000")
	if err := Ready(); err != nil {
		t.Error(err)
	}
	if got := Patience(); got != 0 {
		t.Errorf("got a patience of %s without a manager, want none", got)
	}
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone"))
	if err := Ready(); err == nil {
		t.Error("a manager that is gone was told without an error")
	}
}

// TestWatch: a sign of life comes after each nil, and none after an error.
func TestWatch(t *testing.T) {
	c := manager(t, filepath.Join(t.TempDir(), "notify"))
	t.Setenv("WATCHDOG_USEC", "30000")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asked, ended := make(chan error), make(chan struct{})
	go func() {
		Watch(ctx, func(context.Context) error { return <-asked })
		close(ended)
	}()
	asked <- nil
	if got := heard(t, c); got != "WATCHDOG=1" {
		t.Errorf("got %q, want a sign of life", got)
	}
	asked <- errors.New("stuck")
	// When it is asked again, what it did about the error lies behind it.
	asked <- errors.New("still stuck")
	if err := Stopping(); err != nil {
		t.Fatal(err)
	}
	if got := heard(t, c); got != "STOPPING=1" {
		t.Errorf("got %q from a program that is stuck, want only what the test says", got)
	}
	cancel()
	select {
	case asked <- nil:
	case <-ended:
	}
	<-ended
}
