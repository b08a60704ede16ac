// Package secret compares the short secret numbers of patrons and staff, which the
// library sets and a station checks without a network.
//
// What is kept of a number is an Argon2id hash in the string form of the PHC
// (github.com/P-H-C/phc-string-format):
//
//	$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>
//
// with 16 bytes of salt and 32 of hash in unpadded base64, and the second set of
// parameters that OWASP recommends (Password Storage Cheat Sheet: m = 19 MiB,
// t = 2, p = 1), about 30 ms on a small PC. Four digits are still only ten thousand
// tries for who holds the hash: whoever stores it seals it, and whoever checks one
// counts the tries.
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// ErrMalformed is a hash that this package did not make.
var ErrMalformed = errors.New("secret: no such hash")

// The parameters, and their largest that is checked: a hash comes over the network,
// and must not make a station run out of memory.
const (
	memory   = 19 * 1024 // KiB
	passes   = 2
	threads  = 1
	saltSize = 16
	hashSize = 32

	mostMemory = 64 * 1024
	mostPasses = 8
)

// Hash is what to keep of a number of who is called whose. It is the same every time,
// so that a list that is brought in again changes nothing.
func Hash(number, whose string) string {
	sum := sha256.Sum256([]byte("coldstation/1 secret\x00" + whose))
	salt := sum[:saltSize]
	return encode(memory, passes, salt, argon2.IDKey([]byte(number), salt, passes, memory, threads, hashSize))
}

func encode(m, t uint32, salt, hash []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, m, t, threads, b64(salt), b64(hash))
}

// Check reports whether a hash is the number's. The error is ErrMalformed.
func Check(number, hash string) (bool, error) {
	var version, p int
	var m, t uint32
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return false, ErrMalformed
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &m, &t, &p); err != nil {
		return false, ErrMalformed
	}
	salt, wrongSalt := base64.RawStdEncoding.DecodeString(parts[4])
	want, wrongHash := base64.RawStdEncoding.DecodeString(parts[5])
	fits := version == argon2.Version && m >= 8 && m <= mostMemory && t >= 1 && t <= mostPasses && p == threads &&
		wrongSalt == nil && wrongHash == nil && len(salt) == saltSize && len(want) == hashSize
	if !fits || encode(m, t, salt, want) != hash {
		return false, ErrMalformed
	}
	got := argon2.IDKey([]byte(number), salt, t, m, threads, hashSize)
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}
