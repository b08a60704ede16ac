package enrol

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base32"
	"errors"
	"fmt"
	"net"
	"strings"
)

// Code is a one-time code. It is a secret: only String shows it.
type Code struct {
	secret [secretSize]byte
	place  string // host:port of the hub, in lower case
}

const (
	secretSize = 10 // bytes
	signs      = 16 // that hold the secret
	check      = 4  // more that hold the checksum
	group      = 5  // between dashes
	alphabet   = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

	// Port is the hub's, where a code names none.
	Port = "8884"
)

var base = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

// ErrMistyped is a code that is none, whatever the hub knows.
var ErrMistyped = errors.New("enrol: this is no code: compare it sign by sign with what the library gave you, the hub's name after the @ too")

// NewCode makes a code for a hub at place, host:port.
func NewCode(place string) (Code, error) {
	if _, port, err := net.SplitHostPort(place); err != nil || port == "" {
		return Code{}, fmt.Errorf("make a code: %q is not host:port", place)
	}
	c := Code{place: strings.ToLower(place)}
	_, _ = rand.Read(c.secret[:]) // never fails (crypto/rand)
	return c, nil
}

// Parse reads a code as a person types it or a scanner reads it; ErrMistyped.
func Parse(text string) (Code, error) {
	typed, place, is := strings.Cut(strings.TrimSpace(text), "@")
	if !is || strings.ContainsAny(place, " \t@/") {
		return Code{}, ErrMistyped
	}
	c := Code{place: strings.ToLower(place)}
	if host, port, err := net.SplitHostPort(place); err != nil {
		c.place = net.JoinHostPort(strings.Trim(c.place, "[]"), Port)
	} else if host == "" || port == "" {
		return Code{}, ErrMistyped
	}
	typed = strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(typed))
	if len(typed) != signs+check {
		return Code{}, ErrMistyped
	}
	secret, err := base.DecodeString(typed[:signs])
	if err != nil {
		return Code{}, ErrMistyped
	}
	copy(c.secret[:], secret)
	if c.checksum() != typed[signs:] {
		return Code{}, ErrMistyped
	}
	return c, nil
}

// Text is the code as it is handed over.
func (c Code) Text() string {
	text := base.EncodeToString(c.secret[:]) + c.checksum()
	var groups []string
	for ; text != ""; text = text[group:] {
		groups = append(groups, text[:group])
	}
	return strings.Join(groups, "-") + "@" + c.place
}

// String hides the code from logs.
func (c Code) String() string { return "a code for " + c.place }

// GoString hides it from %#v.
func (c Code) GoString() string { return c.String() }

// Place is where the hub listens, host:port.
func (c Code) Place() string { return c.place }

func (c Code) checksum() string {
	sum := sha256.Sum256([]byte("coldstation code " + base.EncodeToString(c.secret[:]) + "@" + c.place))
	return base.EncodeToString(sum[:])[:check]
}

// ID is what the code is asked for by, and Key what proves that one has it. The
// hub keeps only these.
func (c Code) ID() []byte  { return c.derive("coldstation enrolment id", 10) }
func (c Code) Key() []byte { return c.derive("coldstation enrolment key", 32) }

func (c Code) derive(info string, size int) []byte {
	out, err := hkdf.Key(sha256.New, c.secret[:], nil, info, size)
	if err != nil {
		panic(err) // only for sizes beyond 8 KB
	}
	return out
}

// Who proves that it has a code's key.
const (
	ByStation = "station"
	ByHub     = "hub"
)

// Proof is what who, having key, says of a message on a connection.
func Proof(key []byte, who string, c tls.ConnectionState, message []byte) ([]byte, error) {
	channel, err := c.ExportKeyingMaterial("EXPORTER-coldstation-enrolment", nil, 32)
	if err != nil {
		return nil, fmt.Errorf("prove who speaks: %w", err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(who))
	mac.Write([]byte{0})
	mac.Write(channel)
	mac.Write(message)
	return mac.Sum(nil), nil
}
