// Package port opens the lines that readers hang on, and keeps them open.
//
// A line is named by a text:
//
//	/dev/ttyUSB0          a serial port, a pseudo-terminal, or a link to one
//	usb:0403:6001         the USB serial port of this vendor and product, hexadecimal
//	usb:0403:6001:A5XK3   and of this serial number
//	tcp:10.0.0.7:10001    a reader on the network
//
// A port that Open returns keeps the promises of rfid.Port, which the serial
// library does not: there, a read that times out is 0 bytes and no error, a
// write to a stuck line is for ever and Close does not end it, setting the time
// limit races with reading, an unplugged port is told like one closed by
// ourselves, a file descriptor above 1023 panics, and root may open a port
// twice. So one goroutine reads into a buffer without a time limit, one writes
// under a watchdog, and a lock on the device file is ours.
package port

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"coldstation/rfid"
)

// ErrBusy is a device that is open elsewhere.
var ErrBusy = errors.New("port: in use by another program")

// Mode is how a serial line runs; sockets ignore it.
type Mode struct {
	Baud   int    // 0 means 9600
	Parity Parity // none unless set
	Stop   int    // stop bits, 1 or 2; 0 means 1
}

// Parity of the bytes on a serial line.
type Parity byte

const (
	None Parity = iota
	Even
	Odd
)

func (m Mode) String() string {
	return fmt.Sprintf("%d 8%c%d", max(m.Baud, 0), "NEO"[m.Parity], max(m.Stop, 1))
}

const (
	dialLimit  = 2 * time.Second
	writeLimit = 2 * time.Second // the longest request takes 0.3 s at 9600 baud
)

// Open opens the line that spec names. A device that is not there gives
// rfid.ErrGone, one in use ErrBusy.
func Open(spec string, m Mode) (rfid.Port, error) {
	p, err := open(spec, m)
	if err != nil {
		return nil, err
	}
	return p, nil
}

func open(spec string, m Mode) (*stream, error) {
	kind, rest, named := strings.Cut(spec, ":")
	switch {
	case named && kind == "usb":
		path, err := findUSB("/sys", rest)
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", spec, err)
		}
		return openSerial(path, m)
	case named && kind == "tcp":
		return dial(rest)
	case spec == "":
		return nil, errors.New("open port: no port is named")
	}
	return openSerial(spec, m)
}

func dial(address string) (*stream, error) {
	d := net.Dialer{Timeout: dialLimit, KeepAliveConfig: net.KeepAliveConfig{Enable: true,
		Idle: 2 * time.Second, Interval: time.Second, Count: 3}}
	c, err := d.Dial("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("open tcp:%s: %w: %w", address, rfid.ErrGone, err)
	}
	return newStream("tcp:"+address, c, func() { _ = c.SetWriteDeadline(time.Now()) }), nil
}
