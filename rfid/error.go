package rfid

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
)

// Causes of failure. Drivers wrap them in an *Error that says what was asked of
// which chip.
var (
	ErrNoTag       = errors.New("rfid: no answer from the tag")        // it left the field, or keeps silent
	ErrNotWritten  = errors.New("rfid: tag holds another value")       // it answered, and the write is not there
	ErrLocked      = errors.New("rfid: locked")                        // by whoever made the tag, for ever
	ErrUnsupported = errors.New("rfid: not supported")                 // by the tag or by the reader
	ErrRange       = errors.New("rfid: outside the tag's memory")      // no such block
	ErrTimeout     = errors.New("rfid: no answer from the reader")     // silence until the deadline
	ErrBroken      = errors.New("rfid: broken answer from the reader") // bytes came, but no whole and fitting frame
	ErrRefused     = errors.New("rfid: reader refused")                // a whole frame that says no
	ErrGone        = errors.New("rfid: reader is not connected")       // unplugged, or the line is down
	ErrClosed      = errors.New("rfid: closed")                        // by our own Close
)

// Error says which operation failed, on which chip and where in it.
//
//	read blocks 4+8 of E004010012345678: rfid: no answer from the tag
type Error struct {
	Op  string // "inventory", "read blocks 4+8", "write AFI C2"
	UID UID    // zero when no single chip was meant
	Err error
}

func (e *Error) Error() string {
	if e.UID.IsZero() {
		return e.Op + ": " + e.Err.Error()
	}
	return fmt.Sprintf("%s of %s: %v", e.Op, e.UID, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Blame is an *Error about a chip; its Op is formatted as by fmt.Sprintf. No
// error stays none.
func Blame(err error, uid UID, op string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Error{Op: fmt.Sprintf(op, args...), UID: uid, Err: err}
}

// Remedy is what a caller can do about an error.
type Remedy uint8

const (
	Nothing  Remedy = iota // there was no error
	Again                  // the line hiccuped: ask again
	PutBack                // the chip left: ask again when an inventory shows it
	Reattach               // the reader is away or silent: wait for it, tell somebody if it lasts
	GiveUp                 // asking again gives the same answer
)

func (r Remedy) String() string {
	return [...]string{"nothing", "again", "put back", "reattach", "give up"}[r]
}

// Cure chooses the remedy for an error of any Reader.
func Cure(err error) Remedy {
	switch {
	case err == nil:
		return Nothing
	case errors.Is(err, ErrClosed):
		return GiveUp
	case errors.Is(err, ErrGone), errors.Is(err, ErrTimeout):
		return Reattach
	case errors.Is(err, ErrNoTag):
		return PutBack
	case errors.Is(err, ErrBroken), errors.Is(err, ErrNotWritten):
		return Again
	}
	return GiveUp
}

// PortError translates what a Port's Read or Write returned into the causes
// above, keeping the original in the chain. Drivers pass every port error
// through it.
func PortError(err error) error {
	switch {
	case err == nil, errors.Is(err, ErrGone), errors.Is(err, ErrClosed), errors.Is(err, ErrTimeout):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrClosed), errors.Is(err, io.ErrClosedPipe):
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
	return fmt.Errorf("%w: %w", ErrGone, err)
}
