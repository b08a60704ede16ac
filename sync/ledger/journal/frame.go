package journal

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"

	"coldstation/sync/wire"
)

const magic = "CSJRNL\x00\x01"

// The kinds of frames.
const (
	headKind   = 1
	recordKind = 2
	batchKind  = 3
)

const (
	frameHead = 9         // bytes before a frame's body
	maxFrame  = 1<<24 - 1 // bytes of kind and body; a transaction is far smaller
)

// Head is what a file begins with.
type Head struct {
	Station string     `cbor:"1,keyasint"`
	Ledger  uuid.UUID  `cbor:"2,keyasint"`
	Key     []byte     `cbor:"3,keyasint"` // tells one station's key from another's
	Number  uint64     `cbor:"4,keyasint"`
	After   uint64     `cbor:"5,keyasint,omitzero"`
	Chain   wire.Chain `cbor:"6,keyasint,omitzero"`
	Whole   bool       `cbor:"7,keyasint,omitzero"`
}

// Record is one entry of one of the ledger's buckets.
type Record struct {
	Bucket     byte
	Key, Value []byte
}

// Batch is one transaction's events, and how far the hub was then.
type Batch struct {
	First   uint64
	Mark    uint64
	Before  wire.Chain
	Events  [][]byte
	Records []Record
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var encoding = func() cbor.EncMode {
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic(err)
	}
	return mode
}()

// seal fills in the length and the sum of a frame that begins at dst[at:].
func seal(dst []byte, at int) []byte {
	content := dst[at+8:]
	binary.BigEndian.PutUint32(dst[at:], uint32(len(content)))
	binary.BigEndian.PutUint32(dst[at+4:], crc32.Checksum(content, castagnoli))
	return dst
}

func open(dst []byte, kind byte) []byte { return append(dst, 0, 0, 0, 0, 0, 0, 0, 0, kind) }

func appendHead(dst []byte, h Head) ([]byte, error) {
	at := len(dst)
	body, err := encoding.Marshal(h)
	return seal(append(open(dst, headKind), body...), at), err
}

func appendRecord(dst []byte, r Record) []byte {
	at := len(dst)
	return seal(appendEntry(open(dst, recordKind), r), at)
}

func appendEntry(dst []byte, r Record) []byte {
	dst = binary.BigEndian.AppendUint16(append(dst, r.Bucket), uint16(len(r.Key)))
	return append(append(dst, r.Key...), r.Value...)
}

func appendBatch(dst []byte, b Batch) []byte {
	at := len(dst)
	dst = open(dst, batchKind)
	dst = binary.BigEndian.AppendUint64(dst, b.First)
	dst = binary.BigEndian.AppendUint64(dst, b.Mark)
	dst = append(dst, b.Before[:]...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(b.Events)))
	for _, event := range b.Events {
		dst = append(binary.BigEndian.AppendUint32(dst, uint32(len(event))), event...)
	}
	for _, r := range b.Records {
		dst = binary.BigEndian.AppendUint32(dst, uint32(3+len(r.Key)+len(r.Value)))
		dst = appendEntry(dst, r)
	}
	return seal(dst, at)
}

var errShape = errors.New("a frame whose sum fits and whose content does not")

// frame reads the frame at the beginning of b; size 0 is none that is whole.
func frame(b []byte) (kind byte, body []byte, size int) {
	if len(b) < frameHead {
		return 0, nil, 0
	}
	n := binary.BigEndian.Uint32(b)
	if n == 0 || n > maxFrame || uint64(n) > uint64(len(b)-8) || b[8] < headKind || b[8] > batchKind {
		return 0, nil, 0
	}
	content := b[8 : 8+n]
	if crc32.Checksum(content, castagnoli) != binary.BigEndian.Uint32(b[4:]) {
		return 0, nil, 0
	}
	return content[0], content[1:], int(8 + n)
}

func parseHead(body []byte) (h Head, err error) {
	err = cbor.Unmarshal(body, &h)
	return h, err
}

func parseRecord(body []byte) (r Record, err error) {
	if len(body) < 3 {
		return r, errShape
	}
	n := int(binary.BigEndian.Uint16(body[1:]))
	if n > len(body)-3 {
		return r, errShape
	}
	return Record{body[0], body[3 : 3+n], body[3+n:]}, nil
}

func parseBatch(body []byte) (b Batch, err error) {
	const fixed = 8 + 8 + len(b.Before) + 4
	if len(body) < fixed {
		return b, errShape
	}
	b.First, b.Mark = binary.BigEndian.Uint64(body), binary.BigEndian.Uint64(body[8:])
	copy(b.Before[:], body[16:])
	count, rest := binary.BigEndian.Uint32(body[fixed-4:]), body[fixed:]
	next := func() []byte {
		if len(rest) < 4 || uint64(binary.BigEndian.Uint32(rest)) > uint64(len(rest)-4) {
			err = errShape
			return nil
		}
		n := 4 + binary.BigEndian.Uint32(rest)
		piece := rest[4:n]
		rest = rest[n:]
		return piece
	}
	for ; count > 0 && err == nil; count-- {
		b.Events = append(b.Events, next())
	}
	for len(rest) > 0 && err == nil {
		if piece := next(); err == nil {
			var r Record
			r, err = parseRecord(piece)
			b.Records = append(b.Records, r)
		}
	}
	if err == nil && b.First+uint64(len(b.Events)) < b.First {
		err = errShape
	}
	return b, err
}
