// Package identity is who speaks: the library's keys, a station's keys, and the
// files that hold them.
//
// The files, each readable by its owner alone where it holds a secret:
//
//	library.json  at the hub: an Ed25519 seed that signs what goes down, and an
//	              X25519 private key (RFC 9180, DHKEM) that opens what stations seal
//	authority.*   at the hub: the key and the certificate of the library's own
//	              certificate authority
//	station.json  at a station: its name, the broker, an Ed25519 seed that signs
//	              what goes up and proves in TLS who it is, and the public halves
//	              of the library's keys
//	station.crt   at a station: its certificate, which is no secret
//	station.key   at a station, made by the station: 32 bytes that no other
//	              machine ever learns; patrons are hidden under it
//
// One key signs a station's messages and its TLS handshakes. The two cannot be
// taken for each other: TLS 1.3 signs 64 spaces and a line of its own (RFC 8446,
// section 4.4.3), a message begins with "coldstation/1". And there is one thing
// to make, to renew and to revoke.
//
// A station's file is a secret like a key to the front door: who has it can
// speak as that station until it is revoked at the hub, and learns nothing from
// it about people.
package identity

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"coldstation/sync/circ"
)

const version = 1

// ErrOpen is a key file that others than its owner may read.
var ErrOpen = errors.New("identity: others may read it; chmod 600")

// ErrDamaged is a file whose keys are not those that were written into it.
var ErrDamaged = errors.New("identity: damaged: its keys are not what they were; take it from a backup, or enrol the station anew")

// ErrNewer is a file written by a later version of this program.
var ErrNewer = errors.New("identity: written by a newer version")

// Library is the hub's own identity.
type Library struct {
	Version int    `json:"version"`
	Signing []byte `json:"signing"` // Ed25519 seed, 32 bytes
	Sealing []byte `json:"sealing"` // X25519 private key, 32 bytes
}

// Station is a station's identity.
type Station struct {
	Version  int            `json:"version"`
	Station  circ.StationID `json:"station"`
	Broker   string         `json:"broker"`             // mqtt://host:port or mqtts://host:port
	Password string         `json:"password,omitempty"` // none where a certificate opens
	Signing  []byte         `json:"signing"`            // Ed25519 seed, 32 bytes
	Library  []byte         `json:"library"`            // Ed25519 public key that signs what comes down
	Sealing  []byte         `json:"sealing"`            // X25519 public key that identifiers are sealed to

	// Of a library that speaks TLS: the certificate that vouches for its broker,
	// in DER, and where certificates are renewed, host:port.
	Authority []byte `json:"authority,omitempty"`
	Hub       string `json:"hub,omitempty"`
}

// Enrolled is what a hub keeps of a station: enough to know it again, nothing
// to speak as it.
type Enrolled struct {
	Station  circ.StationID
	Password []byte            // SHA-256; the password is 32 random bytes, so no slower hash is needed
	Signing  ed25519.PublicKey // verifies what comes up
	Revoked  bool              // it is turned away
}

// kem is the key encapsulation that identifiers are sealed with.
func kem() hpke.KEM { return hpke.DHKEM(ecdh.X25519()) }

// NewLibrary makes a library's keys.
func NewLibrary() (Library, error) {
	sealing, err := kem().GenerateKey()
	if err != nil {
		return Library{}, fmt.Errorf("make the library's keys: %w", err)
	}
	private, err := sealing.Bytes()
	if err != nil {
		return Library{}, fmt.Errorf("make the library's keys: %w", err)
	}
	return Library{Version: version, Signing: random(ed25519.SeedSize), Sealing: private}, nil
}

// SigningKey signs what goes down.
func (l Library) SigningKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(l.Signing) }

// SealingKey opens what stations sealed.
func (l Library) SealingKey() (hpke.PrivateKey, error) { return kem().NewPrivateKey(l.Sealing) }

// Enrol makes a station's identity and what the hub keeps of it.
func (l Library) Enrol(id circ.StationID, broker string) (Station, Enrolled, error) {
	if !id.Valid() {
		return Station{}, Enrolled{}, fmt.Errorf("enrol %q: a station's name is 1 to 32 characters of a-z, 0-9 and '-'", id)
	}
	sealing, err := l.SealingKey()
	if err != nil {
		return Station{}, Enrolled{}, fmt.Errorf("enrol %s: %w", id, err)
	}
	s := Station{
		Version:  version,
		Station:  id,
		Broker:   broker,
		Password: base64.RawURLEncoding.EncodeToString(random(32)),
		Signing:  random(ed25519.SeedSize),
		Library:  l.SigningKey().Public().(ed25519.PublicKey),
		Sealing:  sealing.PublicKey().Bytes(),
	}
	password := sha256.Sum256([]byte(s.Password))
	return s, Enrolled{Station: id, Password: password[:], Signing: s.SigningKey().Public().(ed25519.PublicKey)}, nil
}

// NewStation is a station's key, made where it stays. Everything else of its
// identity is the hub's to say.
func NewStation() Station {
	return Station{Version: version, Signing: random(ed25519.SeedSize)}
}

// SigningKey signs what goes up.
func (s Station) SigningKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(s.Signing) }

// SealingKey is what identifiers are sealed to.
func (s Station) SealingKey() (hpke.PublicKey, error) { return kem().NewPublicKey(s.Sealing) }

// Admits reports whether password is the station's. One that was enrolled by a
// code has none.
func (e Enrolled) Admits(password string) bool {
	sum := sha256.Sum256([]byte(password))
	return !e.Revoked && subtle.ConstantTimeCompare(sum[:], e.Password) == 1
}

// Validate says what is wrong with a library's identity.
func (l Library) Validate() error {
	if len(l.Signing) != ed25519.SeedSize {
		return fmt.Errorf("signing seed is %d bytes, want %d", len(l.Signing), ed25519.SeedSize)
	}
	_, err := l.SealingKey()
	return err
}

// Validate says what is wrong with a station's identity.
func (s Station) Validate() error {
	switch {
	case !s.Station.Valid():
		return fmt.Errorf("%q is no station's name", s.Station)
	case len(s.Signing) != ed25519.SeedSize:
		return fmt.Errorf("signing seed is %d bytes, want %d", len(s.Signing), ed25519.SeedSize)
	case len(s.Library) != ed25519.PublicKeySize:
		return fmt.Errorf("the library's key is %d bytes, want %d", len(s.Library), ed25519.PublicKeySize)
	}
	_, err := s.SealingKey()
	return err
}

// LoadLibrary reads a library's identity, and makes one when there is none yet.
func LoadLibrary(path string) (Library, error) {
	l, err := load[Library](path)
	if !errors.Is(err, fs.ErrNotExist) {
		return l, err
	}
	if l, err = NewLibrary(); err != nil {
		return Library{}, err
	}
	return l, save(path, l)
}

// LoadStation reads a station's identity.
func LoadStation(path string) (Station, error) { return load[Station](path) }

// Save writes a station's identity to a new file.
func (s Station) Save(path string) error { return save(path, s) }

// LoadStationKey reads the 32 bytes that a station hides patrons under, and
// makes them when there are none yet.
func LoadStationKey(path string) ([]byte, error) {
	if err := private(path); errors.Is(err, fs.ErrNotExist) {
		key := random(32)
		return key, write(path, key)
	} else if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(key) != 32 {
		return nil, fmt.Errorf("read %s: %d bytes, want 32", path, len(key))
	}
	return key, nil
}

// identities are what an identity's file holds: what must be right in it, and what of
// it nobody would notice to be wrong.
type identities interface {
	Validate() error
	secrets() [][]byte
}

func (l Library) secrets() [][]byte { return [][]byte{l.Signing, l.Sealing} }

func (s Station) secrets() [][]byte {
	return [][]byte{[]byte(s.Station), []byte(s.Password), s.Signing, s.Library, s.Sealing, s.Authority}
}

// sum is how damage to an identity shows: any 32 bytes are a key. What a librarian may
// change by hand, such as the broker's address, is not in it.
func sum(value identities) string {
	h := sha256.New()
	for _, secret := range value.secrets() {
		fmt.Fprintf(h, "%d:%s", len(secret), secret)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func load[T identities](path string) (T, error) {
	var value, none T
	if err := private(path); err != nil {
		return none, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return none, err
	}
	var head struct {
		Version int    `json:"version"`
		Sum     string `json:"sum"` // none in files of the first versions
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return none, fmt.Errorf("read %s: %w", path, err)
	}
	if head.Version > version {
		return none, fmt.Errorf("read %s: version %d: %w", path, head.Version, ErrNewer)
	}
	if err := json.Unmarshal(text, &value); err != nil {
		return none, fmt.Errorf("read %s: %w", path, err)
	}
	if err := value.Validate(); err != nil {
		return none, fmt.Errorf("read %s: %w", path, err)
	}
	if head.Sum != "" && head.Sum != sum(value) {
		return none, fmt.Errorf("read %s: %w", path, ErrDamaged)
	}
	return value, nil
}

func private(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("read %s: %w", path, ErrOpen)
	}
	return nil
}

func save(path string, value identities) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return write(path, fmt.Appendf(bytes.TrimSuffix(text, []byte("\n}")), ",\n  \"sum\": %q\n}\n", sum(value)))
}

// write makes a new file, whole or not at all; an identity is never overwritten, since
// the old one may be the only one that opens what was sealed to it.
func write(path string, content []byte) error {
	file, err := draft(path, content, 0o600)
	if err != nil {
		return err
	}
	err = os.Link(file, path) // which, unlike a rename, replaces nothing
	return errors.Join(err, os.Remove(file), syncFolder(path))
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return b
}
