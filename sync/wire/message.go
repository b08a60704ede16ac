package wire

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"

	"coldstation/sync/circ"
)

// The limits of what one message may carry.
const (
	MaxEvents  = 500       // events in a batch
	MaxBytes   = 64 << 10  // bytes of a batch's events; one longer event goes alone
	MaxMessage = 256 << 10 // bytes of a payload on the wire
	maxBody    = 1 << 20   // bytes of a body when unpacked
	packFrom   = 1 << 10   // a body shorter than this is not worth packing
	MaxPiece   = 64 << 10  // bytes of a blob in one piece; all but the last have as many
)

// ErrForged is a message whose signature is not that of who should have sent it.
var ErrForged = errors.New("wire: not signed by who should have sent it")

// Message is one of Hello, Ack, Batch, State, Want and Piece.
type Message interface{ message() }

// Hello says what a log holds and asks where the receiver stands.
type Hello struct {
	Stream  uuid.UUID `cbor:"1,keyasint"`           // the ledger, or the stream of notices
	First   uint64    `cbor:"2,keyasint"`           // the oldest event that the sender still holds
	Last    uint64    `cbor:"3,keyasint"`           // the newest; First-1 when it holds none
	Acked   uint64    `cbor:"4,keyasint,omitzero"`  // where it was last told that the receiver stands
	Chain   Chain     `cbor:"5,keyasint,omitzero"`  // its own running hash there
	Boot    uuid.UUID `cbor:"6,keyasint,omitzero"`  // the sender's machine since it was switched on
	Session uint64    `cbor:"7,keyasint,omitzero"`  // counts the sender's starts
	Uptime  uint64    `cbor:"8,keyasint,omitzero"`  // ms since it was switched on
	Wall    int64     `cbor:"9,keyasint,omitzero"`  // ms since 1970 by the sender's clock
	Clock   uint8     `cbor:"10,keyasint,omitzero"` // circ.Clock
	Program string    `cbor:"11,keyasint,omitzero"` // its version
	Knows   uint64    `cbor:"12,keyasint,omitzero"` // the highest kind of notice that it knows; 0: it is from before there was a field for it
	Number  uint64    `cbor:"13,keyasint,omitzero"` // its own, for the Ack that answers it; 0: it is from before there was a field for it
}

// Ack says where the receiver stands in a stream: it keeps all up to Cursor.
type Ack struct {
	Stream    uuid.UUID `cbor:"1,keyasint"`
	Cursor    uint64    `cbor:"2,keyasint"`
	Chain     Chain     `cbor:"3,keyasint,omitzero"` // the running hash at Cursor
	Condition uint8     `cbor:"4,keyasint,omitzero"` // courier.Condition: why it stands still
	Uptime    uint64    `cbor:"5,keyasint,omitzero"` // of the Hello this answers, for the round trip; 0: it answers a Batch
	Wall      int64     `cbor:"6,keyasint,omitzero"` // ms since 1970 by the receiver's clock
	Boot      uuid.UUID `cbor:"7,keyasint,omitzero"` // of a station that answers a Hello: its machine since it was switched on
	Now       uint64    `cbor:"8,keyasint,omitzero"` // ms since then, when it answered
	Hello     uint64    `cbor:"9,keyasint,omitzero"` // Number of the Hello this answers
}

// Batch carries events or notices, in their encoding, numbered from First.
type Batch struct {
	Stream uuid.UUID `cbor:"1,keyasint"`
	First  uint64    `cbor:"2,keyasint"`
	Events [][]byte  `cbor:"3,keyasint"`
	Chain  Chain     `cbor:"4,keyasint"` // the running hash after the last
}

// State is presence. Session and Boot tell an old will from a new birth.
type State struct {
	Presence Presence  `cbor:"1,keyasint"`
	Boot     uuid.UUID `cbor:"2,keyasint"`
	Session  uint64    `cbor:"3,keyasint"` // counts connections of this boot
}

// Presence is whether somebody is there.
type Presence uint8

// The presences. A will is an Offline that the broker sends.
const (
	Offline Presence = iota
	Online
	Sleeping // it said good night
)

// Want asks for the piece of a blob that begins at Offset.
type Want struct {
	Blob   circ.BlobID `cbor:"1,keyasint"`
	Offset uint64      `cbor:"2,keyasint,omitzero"`
}

// Piece answers a Want. Size is the whole blob's length in bytes; 0: there is no
// such blob.
type Piece struct {
	Blob   circ.BlobID `cbor:"1,keyasint"`
	Offset uint64      `cbor:"2,keyasint,omitzero"`
	Size   uint64      `cbor:"3,keyasint,omitzero"`
	Bytes  []byte      `cbor:"4,keyasint,omitempty"`
}

func (Hello) message() {}
func (Ack) message()   {}
func (Batch) message() {}
func (State) message() {}
func (Want) message()  {}
func (Piece) message() {}

var messageKinds = newKinds(map[uint64]Message{1: Hello{}, 2: Ack{}, 3: Batch{}, 4: State{}, 5: Want{}, 6: Piece{}})

// Channel is who speaks which way: what a signature binds a message to. A
// station's State goes Up.
type Channel struct {
	Station circ.StationID
	Way     Direction
}

type message struct {
	_         struct{} `cbor:",toarray"`
	Version   uint64
	Type      uint64
	Packing   uint8
	Body      []byte
	Signature []byte
}

const messageElements = 5

// The ways a body is packed.
const (
	plain uint8 = iota
	packed
)

var packer = func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	return e
}()

var unpacker = func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxBody), zstd.WithDecoderConcurrency(0))
	if err != nil {
		panic(err)
	}
	return d
}()

func (c Channel) signed(kind uint64, packing uint8, body []byte) []byte {
	text := fmt.Appendf(nil, "coldstation/1 %s %s\n", c.Way, c.Station)
	text = append(text, byte(kind), packing)
	return append(text, body...)
}

// Seal encodes and signs a message.
func (c Channel) Seal(key ed25519.PrivateKey, m Message) ([]byte, error) {
	kind, raw, err := messageKinds.encode(m)
	if err != nil {
		return nil, err
	}
	out := message{Version: version, Type: kind, Packing: plain, Body: raw}
	if len(raw) >= packFrom {
		if short := packer.EncodeAll(raw, nil); len(short) < len(raw) {
			out.Packing, out.Body = packed, short
		}
	}
	out.Signature = ed25519.Sign(key, c.signed(out.Type, out.Packing, out.Body))
	payload, err := encoding.Marshal(out)
	if err != nil {
		return nil, err
	}
	if len(payload) > MaxMessage {
		return nil, fmt.Errorf("seal a %T: %d bytes, at most %d fit", m, len(payload), MaxMessage)
	}
	return payload, nil
}

// Open checks and decodes a message. The error is ErrNewer, ErrForged or
// ErrMalformed.
func (c Channel) Open(key ed25519.PublicKey, payload []byte) (Message, error) {
	if len(payload) > MaxMessage {
		return nil, fmt.Errorf("a message of %d bytes: %w", len(payload), ErrMalformed)
	}
	if err := checkHead(payload, messageElements); err != nil {
		return nil, err
	}
	var in message
	if err := decoding.Unmarshal(payload, &in); err != nil {
		return nil, malformed(err)
	}
	if in.Type > 0xFF || len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, c.signed(in.Type, in.Packing, in.Body), in.Signature) {
		return nil, ErrForged
	}
	body := in.Body
	switch in.Packing {
	case plain:
	case packed:
		var err error
		if body, err = unpacker.DecodeAll(in.Body, nil); err != nil {
			return nil, malformed(err)
		}
	default:
		return nil, fmt.Errorf("packing %d: %w", in.Packing, ErrNewer)
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("a body of %d bytes: %w", len(body), ErrMalformed)
	}
	m, err := messageKinds.decode(in.Type, body)
	if err != nil {
		return nil, err
	}
	if checked, is := m.(interface{ check() error }); is {
		if err := checked.check(); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (b Batch) check() error {
	size := 0
	for _, raw := range b.Events {
		size += len(raw)
	}
	if len(b.Events) == 0 || len(b.Events) > MaxEvents || size > MaxBytes && len(b.Events) > 1 ||
		b.First == 0 || b.First+uint64(len(b.Events)) < b.First {
		return fmt.Errorf("a batch of %d events and %d bytes from %d: %w", len(b.Events), size, b.First, ErrMalformed)
	}
	return nil
}

func (w Want) check() error {
	if w.Blob.IsZero() || w.Offset >= circ.MaxBlob {
		return fmt.Errorf("blob %s wanted from %d: %w", w.Blob, w.Offset, ErrMalformed)
	}
	return nil
}

func (p Piece) check() error {
	end := p.Offset + uint64(len(p.Bytes))
	if p.Blob.IsZero() || p.Size > circ.MaxBlob || len(p.Bytes) > MaxPiece || p.Offset > p.Size || end > p.Size || (len(p.Bytes) == 0) != (p.Size == 0) {
		return fmt.Errorf("%d bytes from %d of a blob of %d: %w", len(p.Bytes), p.Offset, p.Size, ErrMalformed)
	}
	return nil
}

// WallTime is the receiver's clock when it answered.
func (a Ack) WallTime() time.Time { return time.UnixMilli(a.Wall).UTC() }
