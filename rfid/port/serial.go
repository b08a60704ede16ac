package port

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"

	"coldstation/rfid"
)

// lastFD is the highest descriptor the serial library can wait for; it needs
// three after ours.
const lastFD = unix.FD_SETSIZE - 4

// device is a serial port together with a second descriptor of the same device,
// which carries our lock and frees a stuck write.
type device struct {
	serial.Port
	lock int
	once sync.Once
}

func (d *device) Close() error {
	err := d.Port.Close()
	d.once.Do(func() { unix.Close(d.lock) })
	return err
}

// passing tells whether a write may be continued.
func passing(err error) bool { return errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) }

func settings(m Mode) *serial.Mode {
	mode := &serial.Mode{BaudRate: m.Baud, DataBits: 8, Parity: serial.NoParity, StopBits: serial.OneStopBit}
	if m.Baud == 0 {
		mode.BaudRate = 9600
	}
	if m.Stop == 2 {
		mode.StopBits = serial.TwoStopBits
	}
	switch m.Parity {
	case Even:
		mode.Parity = serial.EvenParity
	case Odd:
		mode.Parity = serial.OddParity
	}
	return mode
}

// openSerial locks and opens a device. The lock comes first: it is on the device
// file, since the exclusive mode of terminals does not bind root.
func openSerial(path string, m Mode) (*stream, error) {
	fail := func(cause, err error) (*stream, error) { return nil, fmt.Errorf("open %s: %w: %w", path, cause, err) }
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fail(rfid.ErrGone, err)
	}
	lock, err := unix.Open(real, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	switch {
	case errors.Is(err, unix.EBUSY):
		return fail(ErrBusy, err)
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV), errors.Is(err, unix.EIO):
		return fail(rfid.ErrGone, err)
	case err != nil:
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := unix.Flock(lock, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		unix.Close(lock)
		return fail(ErrBusy, err)
	}
	if lock > lastFD {
		unix.Close(lock)
		return nil, fmt.Errorf("open %s: descriptor %d: %w", path, lock, os.ErrInvalid)
	}
	p, err := serial.Open(real, settings(m))
	if err != nil {
		unix.Close(lock)
		var known *serial.PortError
		if errors.As(err, &known) && known.Code() == serial.PortBusy {
			return fail(ErrBusy, err)
		}
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	d := &device{Port: p, lock: lock}
	return newStream(path, d, d.free), nil
}

// free throws away what is not sent yet, and wakes the write that waits for room
// by stopping and starting the output: throwing away alone wakes nobody.
func (d *device) free() {
	const off, on = 0, 1 // TCOOFF, TCOON
	_ = unix.IoctlSetInt(d.lock, unix.TCFLSH, unix.TCOFLUSH)
	_ = unix.IoctlSetInt(d.lock, unix.TCXONC, off)
	_ = unix.IoctlSetInt(d.lock, unix.TCXONC, on)
}
