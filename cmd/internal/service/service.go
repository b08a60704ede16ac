// Package service tells the service manager how a program fares, by the
// protocol of sd_notify(3): one datagram of NAME=value lines to the socket that
// NOTIFY_SOCKET names, a path or, after '@', an abstract name. A program that
// nobody watches, for want of that variable, says nothing.
package service

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"
)

// Ready tells that the program does its work from now on.
func Ready() error { return tell("READY=1") }

// Stopping tells that it ends, as it was asked to.
func Stopping() error { return tell("STOPPING=1") }

func tell(state string) error {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return nil
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("tell the service manager %s: %w", state, err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(state)); err != nil {
		return fmt.Errorf("tell the service manager %s: %w", state, err)
	}
	return nil
}

// Patience is how long the service manager waits for a sign of life before it
// starts the program anew (WatchdogSec=); 0: for ever. WATCHDOG_PID is not asked:
// in a kiosk's session it names the compositor, whose child the kiosk is.
func Patience() time.Duration {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return 0
	}
	us, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || us <= 0 {
		return 0
	}
	return time.Duration(us) * time.Microsecond
}

// Watch gives a sign of life, three times in the manager's patience, as long as
// alive answers nil within it, until ctx ends. Whoever is not alive gives none,
// and is started anew.
func Watch(ctx context.Context, alive func(context.Context) error) {
	patience := Patience()
	if patience == 0 {
		return
	}
	each := time.NewTicker(patience / 3)
	defer each.Stop()
	for {
		asked, cancel := context.WithTimeout(ctx, patience)
		err := alive(asked)
		cancel()
		if err == nil {
			err = tell("WATCHDOG=1")
		}
		if err != nil && ctx.Err() == nil {
			slog.Error("no sign of life", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-each.C:
		}
	}
}
