package receipt

import (
	"bytes"
	"errors"
)

const (
	esc = 0x1B
	gs  = 0x1D
	dle = 0x10
	eot = 0x04
)

// band is how many rows go with one command.
const band = 128

// encode is a receipt as a printer takes it.
func encode(d dots) []byte {
	var b bytes.Buffer
	b.Write([]byte{esc, '@'})
	for rows := disarm(d.bits); len(rows) > 0; {
		n := min(len(rows)/d.stride, band)
		b.Write([]byte{gs, 'v', '0', 0, byte(d.stride), byte(d.stride >> 8), byte(n), byte(n >> 8)})
		b.Write(rows[:n*d.stride])
		rows = rows[n*d.stride:]
	}
	// Past the edge where paper is torn where nothing cuts it.
	b.Write([]byte{esc, 'd', 4, gs, 'V', 66, 0})
	return b.Bytes()
}

// disarm sets a dot in what a printer would take for a real-time command.
func disarm(bits []byte) []byte {
	bits = bytes.Clone(bits)
	for i, b := range bits[:max(0, len(bits)-1)] {
		if next := bits[i+1]; b == dle && (next == eot || next == 0x05 || next == 0x14) {
			bits[i] |= 0x08
		}
	}
	return bits
}

// owed is what a printer that waits for the rest of a band is given.
func owed(width int) []byte { return make([]byte, 8+width/8*band) }

// The questions of DLE EOT n.
const (
	askPrinter = 1
	askOffline = 2
	askPaper   = 4
)

// answers reports whether b can be an answer to DLE EOT.
func answers(b byte) bool { return b&0x93 == 0x12 }

// What is wrong with a printer by its own account.
var (
	errPaper   = errors.New("out of paper")
	errCover   = errors.New("the cover is open")
	errFailure = errors.New("it reports an error of its own")
	errOffline = errors.New("it is offline")
)

// condition is what the answers to the three questions say.
func condition(printer, offline, paper byte) error {
	switch {
	case paper&0x60 != 0, offline&0x20 != 0:
		return errPaper
	case offline&0x04 != 0:
		return errCover
	case offline&0x40 != 0:
		return errFailure
	case printer&0x08 != 0:
		return errOffline
	}
	return nil
}
