package rfid

import (
	"encoding/hex"
	"fmt"
)

// MaxUID is the longest UID of any kind of tag, in bytes: ISO/IEC 14443A with
// three cascade levels.
const MaxUID = 10

// UID is a chip's own number, most significant byte first, as printed by
// readers and data sheets. It names a chip and never an item. UIDs are
// comparable, serve as map keys and hold no pointer. The zero UID is no UID.
//
// On the air an ISO/IEC 15693 UID travels least significant byte first: see
// Reversed.
type UID struct {
	n uint8
	b [MaxUID]byte
}

// MakeUID copies b, of 1 to MaxUID bytes, most significant first. Any other
// length gives the zero UID.
func MakeUID(b []byte) (u UID) {
	if len(b) > MaxUID {
		return UID{}
	}
	u.n = uint8(copy(u.b[:], b))
	return u
}

// ParseUID reads 2 to 20 hexadecimal digits of either case.
func ParseUID(s string) (UID, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) == 0 || len(b) > MaxUID {
		return UID{}, fmt.Errorf("parse UID %q: want 1 to %d bytes in hexadecimal", s, MaxUID)
	}
	return MakeUID(b), nil
}

// Len is the UID's length in bytes: 8 for ISO/IEC 15693, 4, 7 or 10 for 14443A,
// 4 for 14443B, 5 for EM4100; 0 for the zero UID.
func (u UID) Len() int { return int(u.n) }

// IsZero tells whether u is no UID at all.
func (u UID) IsZero() bool { return u.n == 0 }

// Bytes is a copy of the UID, most significant byte first.
func (u UID) Bytes() []byte { return u.Append(nil) }

// Append appends the UID's bytes to dst, most significant first.
func (u UID) Append(dst []byte) []byte { return append(dst, u.b[:u.n]...) }

// Reversed is the same number with its bytes in the opposite order.
func (u UID) Reversed() UID {
	r := UID{n: u.n}
	for i := range u.n {
		r.b[i] = u.b[u.n-1-i]
	}
	return r
}

// String is the UID in upper-case hexadecimal without separators.
func (u UID) String() string { return fmt.Sprintf("%X", u.b[:u.n]) }

// MarshalText and UnmarshalText use the form of String.
func (u UID) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

func (u *UID) UnmarshalText(text []byte) (err error) {
	*u, err = ParseUID(string(text))
	return err
}
