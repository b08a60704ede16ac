package receipt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// device is a printer's end of a cable: *os.File or net.Conn.
type device interface {
	io.ReadWriteCloser
	SetDeadline(time.Time) error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// speeds of serial ports.
var speeds = map[int]uint32{9600: unix.B9600, 19200: unix.B19200, 38400: unix.B38400, 57600: unix.B57600, 115200: unix.B115200}

// dial opens tcp:HOST:PORT or a device file.
func dial(ctx context.Context, address string, baud int) (device, error) {
	if host, network := strings.CutPrefix(address, "tcp:"); network {
		d := net.Dialer{Timeout: 5 * time.Second}
		return d.DialContext(ctx, "tcp", host)
	}
	// Without O_NONBLOCK a serial port waits for a carrier, and no deadline holds.
	f, err := os.OpenFile(address, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if err := control(f, func(fd int) error { return raw(fd, speeds[baud]) }); err != nil {
		f.Close()
		return nil, fmt.Errorf("set up %s: %w", address, err)
	}
	return f, nil
}

// raw makes a terminal pass bytes as they are, 8N1, without flow control. What is
// no terminal, as /dev/usb/lp0, is left alone.
func raw(fd int, speed uint32) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EINVAL) {
		return nil
	}
	if err != nil {
		return err
	}
	t.Iflag, t.Oflag, t.Lflag = unix.IGNBRK, 0, 0
	t.Cflag = unix.CS8 | unix.CREAD | unix.CLOCAL | speed
	t.Ispeed, t.Ospeed = speed, speed
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}

// control works on a file's descriptor and leaves it non-blocking, which Fd does
// not.
func control(f *os.File, do func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) { failed = do(int(fd)) })
	return errors.Join(err, failed)
}

// finish closes a device. After a failure nothing more goes out: a serial port
// would otherwise hold on to what the printer does not take.
func finish(d device, failed bool) {
	switch d := d.(type) {
	case *os.File:
		if failed {
			_ = control(d, func(fd int) error { return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCOFLUSH) })
		}
	case *net.TCPConn:
		// Closed with an answer unread, the connection would be reset, and what the
		// printer has not taken yet be lost.
		if !failed && d.CloseWrite() == nil && d.SetReadDeadline(time.Now().Add(time.Second)) == nil {
			_, _ = io.Copy(io.Discard, d)
		}
	}
	d.Close()
}
