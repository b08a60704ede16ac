package courier

import (
	"crypto/sha256"

	"github.com/google/uuid"
)

// Chain is the running hash of a stream after one of its events; zero before
// the first.
type Chain [32]byte

// Next is the chain after one more event.
func (c Chain) Next(event []byte) Chain {
	return sha256.Sum256(append(c[:], event...))
}

// Hello says where a sender stands, and asks where the receiver does.
type Hello struct {
	Stream      uuid.UUID
	First, Last uint64 // the events the sender can still send
	Acked       uint64 // the cursor it was last told
	Chain       Chain  // its own running hash there, zero when it has not got that far
}

// Ack says where a receiver stands: it keeps all up to Cursor, whose running
// hash is Chain.
type Ack struct {
	Stream uuid.UUID
	Cursor uint64
	Chain  Chain
}

// Batch carries events numbered from First; Chain is the running hash after
// the last of them.
type Batch struct {
	Stream uuid.UUID
	First  uint64
	Events [][]byte
	Chain  Chain
}
