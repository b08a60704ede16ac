package rfid

import (
	"io"
	"time"
)

// Port carries bytes to and from one reader. net.Conn, the ends of net.Pipe and
// *os.File are Ports.
//
// After SetReadDeadline a Read that waits past the time fails with an error that
// wraps os.ErrDeadlineExceeded; it never returns 0 bytes without an error. The
// zero time means no deadline. Close releases a waiting Read and a waiting
// Write. A Port whose far end is gone fails with ErrGone or io.EOF.
//
// One goroutine may read while another writes; a driver does both from one.
type Port interface {
	io.ReadWriteCloser
	SetReadDeadline(t time.Time) error
}
