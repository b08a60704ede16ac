package circ

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"unique"
)

// PatronID identifies a patron to the library: the card number, SIP2 field AA.
//
// It prints as a short digest under a key that lives as long as the process,
// through fmt, slog, JSON and errors alike, so that no log line can name a
// person. Only the packages that speak to the library system, to the hub or to
// a librarian ask for the plain text, by Plaintext. It is held behind a handle,
// since fmt prints unexported fields, and with a wrong verb every field, without
// asking String.
type PatronID struct{ id unique.Handle[string] }

// NewPatronID is the patron whose card reads id. An empty id is nobody.
func NewPatronID(id string) PatronID {
	if id == "" {
		return PatronID{}
	}
	return PatronID{unique.Make(id)}
}

// Plaintext is the identifier itself. Never log it and never put it in an error.
func (p PatronID) Plaintext() string {
	if p.IsZero() {
		return ""
	}
	return p.id.Value()
}

// IsZero reports whether p is nobody.
func (p PatronID) IsZero() bool { return p == PatronID{} }

var digestKey = func() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return key
}()

// String is a digest of eight hexadecimal digits, different in every process.
func (p PatronID) String() string {
	if p.IsZero() {
		return "nobody"
	}
	mac := hmac.New(sha256.New, digestKey)
	mac.Write([]byte(p.Plaintext()))
	return "patron-" + hex.EncodeToString(mac.Sum(nil)[:4])
}

// GoString keeps the plain text out of %#v.
func (p PatronID) GoString() string { return p.String() }

// LogValue keeps the plain text out of slog.
func (p PatronID) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalText keeps the plain text out of JSON and every other text encoding.
func (p PatronID) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// Ref stands for a patron inside one station: HMAC-SHA-256 under the station's
// key, cut to 16 bytes. The same person has another Ref at every station, and
// without the key it says nothing. The zero Ref is nobody.
type Ref [16]byte

// NewRef is the reference of the patron whose card reads id, at the station
// that holds key.
func NewRef(key []byte, id PatronID) Ref {
	if id.IsZero() {
		return Ref{}
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("patron\x00"))
	mac.Write([]byte(id.Plaintext()))
	return Ref(mac.Sum(nil)[:16])
}

// IsZero reports whether r is nobody.
func (r Ref) IsZero() bool { return r == Ref{} }

// String is the first eight hexadecimal digits, enough to tell two apart in a log.
func (r Ref) String() string { return hex.EncodeToString(r[:4]) }
