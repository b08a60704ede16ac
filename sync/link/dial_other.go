//go:build !linux

package link

import (
	"syscall"
	"time"
)

// userTimeout is for Linux; elsewhere the write time-out alone must do.
func userTimeout(time.Duration) func(network, address string, c syscall.RawConn) error { return nil }
