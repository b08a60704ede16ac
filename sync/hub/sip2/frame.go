package sip2

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// MaxLine is the longest line taken: a reply that lists a thousand items is
// shorter.
const MaxLine = 64 << 10

// ErrLine is a line longer than MaxLine.
var ErrLine = errors.New("sip2: line too long")

// Reader reads lines. They end at CR, and line feeds before the next one are
// passed over, so that CR and CRLF are one; but when the first line of all ends
// at LF, so do the others.
type Reader struct {
	r    *bufio.Reader
	end  byte // 0 until the first line has ended
	line []byte
}

// NewReader reads from r, which is not read further than one buffer ahead.
func NewReader(r io.Reader) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, 1<<10)}
}

// Next is the next line that is not empty, without its end, until the next call.
// Memory grows with what has arrived and ends at MaxLine. A line that was cut is
// io.ErrUnexpectedEOF, with what there was of it.
func (r *Reader) Next() ([]byte, error) {
	r.line = r.line[:0]
	for {
		b, err := r.r.ReadByte()
		if err != nil {
			if err == io.EOF && len(r.line) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return r.line, err
		}
		switch {
		case (b == '\r' || b == '\n') && len(r.line) == 0:
		case b == '\r' && r.end != '\n', b == '\n' && r.end != '\r':
			r.end = b
			return r.line, nil
		case b == '\r': // of CRLF where lines end at LF
		case len(r.line) == MaxLine:
			return nil, fmt.Errorf("%w: over %d bytes", ErrLine, MaxLine)
		default:
			r.line = append(r.line, b)
		}
	}
}
