package wire

import (
	"crypto/sha256"
	"encoding/hex"
)

// Chain is the running hash of a log: it stands for all events up to one.
type Chain [sha256.Size]byte

// Next is the chain after one more event, given its encoding.
func (c Chain) Next(raw []byte) Chain {
	h := sha256.New()
	h.Write(c[:])
	h.Write(raw)
	return Chain(h.Sum(nil))
}

// After is the chain after several more events.
func (c Chain) After(events [][]byte) Chain {
	for _, raw := range events {
		c = c.Next(raw)
	}
	return c
}

// String is the first eight hexadecimal digits, enough to tell two apart.
func (c Chain) String() string { return hex.EncodeToString(c[:4]) }
