package circ

import (
	"crypto/sha256"
	"encoding/hex"
)

// MaxBlob is the longest blob, in bytes.
const MaxBlob = 4 << 20

// BlobID names a blob, a run of bytes that travels beside the notices: it is the
// SHA-256 of those bytes, so that whoever has them knows that they are the right
// ones. The zero BlobID names none.
type BlobID [sha256.Size]byte

// NameBlob is the name of a blob.
func NameBlob(content []byte) BlobID { return sha256.Sum256(content) }

// String is the whole name, in hexadecimal digits.
func (b BlobID) String() string { return hex.EncodeToString(b[:]) }

// IsZero reports whether b names no blob.
func (b BlobID) IsZero() bool { return b == BlobID{} }

// ParseBlobID reads a name as String writes it; false for anything else.
func ParseBlobID(text string) (b BlobID, ok bool) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(b) {
		return b, false
	}
	return BlobID(raw), true
}
