// Package line reads what scanners type: barcode scanners, and card readers that
// send a number as text and cannot be asked anything.
//
//	[STX] [AIM id] text [ETX] [CR] [LF]       or text alone, then silence
//
// A line ends with CR, LF, tab, ETX, the start of the next STX, or, for scanners
// set to send no suffix, when nothing follows for 100 ms. Empty lines are none.
// Most scanners run at 9600 baud, 8N1.
//
// A line that holds a NUL, another control character or broken UTF-8, or that is
// longer than any code, is noise or was sent at another speed, and is dropped as
// a whole: a byte with a parity error arrives as NUL. The separator of GS1 codes
// (1D) is kept.
//
// AIM identifiers (ISO/IEC 15424) are three characters before the text: ], the
// code's letter, a modifier: ]A Code 39, ]C Code 128, ]E EAN, ]F Codabar, ]Q QR,
// ]d Data Matrix. Codabar codes may come with their start and stop letters, A to D.
package line

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"coldstation/rfid"
)

var _ rfid.Scanner = (*Reader)(nil)

// Options adapt the reader to a scanner. The zero Options suit most.
type Options struct {
	Flush   time.Duration // silence that ends a line without suffix; 0 means 100 ms, negative never
	Longest int           // bytes in a line; 0 means 256
	AIM     bool          // the scanner sends AIM identifiers: strip them
	Codabar bool          // strip Codabar start and stop letters, when both are there

	TriggerOn, TriggerOff []byte // what makes the scanner read and stop; see Trigger
}

// The trigger commands that Honeywell and Datalogic scanners share, in their
// serial trigger mode: SYN, T or U, CR.
//
// Source: Datalogic 7000 series manual, page 10-5.
var (
	TriggerOn  = []byte{0x16, 'T', '\r'}
	TriggerOff = []byte{0x16, 'U', '\r'}
)

// Reader is a scanner on a port.
type Reader struct {
	port rfid.Port
	opts Options
	mu   sync.Mutex // one Scan at a time
	cut  cutter
	in   []byte // received, not yet looked at
	buf  [512]byte

	closing sync.Mutex
	closed  bool
}

// New is a scanner on p, which it owns from now on.
func New(p rfid.Port, o Options) *Reader {
	if o.Flush == 0 {
		o.Flush = 100 * time.Millisecond
	}
	if o.Longest == 0 {
		o.Longest = 256
	}
	return &Reader{port: p, opts: o, cut: cutter{longest: o.Longest}}
}

// Scan implements rfid.Scanner. After any error but ErrClosed it may be called
// again; a line that was under way is then lost.
func (r *Reader) Scan() (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		for len(r.in) > 0 {
			b := r.in[0]
			r.in = r.in[1:]
			if text, ok := r.cut.step(b); ok {
				return r.opts.strip(text), nil
			}
		}
		var limit time.Time
		if r.cut.begun() && r.opts.Flush > 0 {
			limit = time.Now().Add(r.opts.Flush)
		}
		err := r.port.SetReadDeadline(limit)
		n := 0
		if err == nil {
			n, err = r.port.Read(r.buf[:])
		}
		r.in = r.buf[:n]
		switch {
		case n > 0:
		case errors.Is(err, os.ErrDeadlineExceeded):
			if text, ok := r.cut.end(); ok {
				return r.opts.strip(text), nil
			}
		case err != nil:
			r.cut.reset()
			return "", &rfid.Error{Op: "scan", Err: r.cause(err)}
		}
	}
}

// Trigger makes the scanner read, or stop, if Options say how.
func (r *Reader) Trigger(on bool) error {
	op, command := "trigger off", r.opts.TriggerOff
	if on {
		op, command = "trigger on", r.opts.TriggerOn
	}
	if len(command) == 0 {
		return &rfid.Error{Op: op, Err: fmt.Errorf("%w: the settings name no command", rfid.ErrUnsupported)}
	}
	if _, err := r.port.Write(command); err != nil {
		return &rfid.Error{Op: op, Err: r.cause(err)}
	}
	return nil
}

// Close releases the port and a Scan that waits.
func (r *Reader) Close() error {
	r.closing.Lock()
	r.closed = true
	r.closing.Unlock()
	return r.port.Close()
}

func (r *Reader) cause(err error) error {
	r.closing.Lock()
	defer r.closing.Unlock()
	if r.closed {
		return rfid.ErrClosed
	}
	return rfid.PortError(err)
}

// strip takes off what the settings say is not part of the code.
func (o Options) strip(text string) string {
	codabar := o.Codabar
	if o.AIM && len(text) > 3 && text[0] == ']' && letter(text[1]) && (letter(text[2]) || digit(text[2])) {
		codabar = codabar && text[1] == 'F'
		text = text[3:]
	}
	if n := len(text); codabar && n > 2 && startStop(text[0]) && startStop(text[n-1]) && strings.Trim(text[1:n-1], "0123456789-$:/.+") == "" {
		text = text[1 : n-1]
	}
	return text
}

func letter(c byte) bool    { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func digit(c byte) bool     { return c >= '0' && c <= '9' }
func startStop(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'd' }

// cutter cuts a stream of bytes into lines; a pure step.
type cutter struct {
	longest int
	line    []byte
	spoilt  bool // drop everything up to the end of this line
}

const (
	stx, etx = 0x02, 0x03
	gs       = 0x1D
)

// step takes one byte and returns a line if that ends one.
func (c *cutter) step(b byte) (string, bool) {
	switch {
	case b == '\r', b == '\n', b == '\t', b == etx, b == stx:
		return c.end()
	case b < ' ' && b != gs, b == 0x7F, len(c.line) >= c.longest:
		c.spoilt = true
	case !c.spoilt:
		c.line = append(c.line, b)
	}
	return "", false
}

// begun tells whether a line is under way.
func (c *cutter) begun() bool { return len(c.line) > 0 || c.spoilt }

// end ends the line under way.
func (c *cutter) end() (string, bool) {
	text, whole := strings.TrimSpace(string(c.line)), !c.spoilt
	c.reset()
	return text, whole && text != "" && utf8.ValidString(text)
}

func (c *cutter) reset() { c.line, c.spoilt = c.line[:0], false }
