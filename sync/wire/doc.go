// Package wire is the one encoding of events, notices and messages, at rest in
// a station's ledger and the hub's store, and in transit between them.
//
// # Events and notices
//
// Deterministic CBOR (RFC 8949, section 4.2.1). An event is an array of four:
//
//	[version = 1, kind, stamp, body]
//	stamp = [wall: ms since 1970, clock: 0..3, boot: 16 bytes, uptime: ms]
//	body  = map of field number to value, absent fields zero
//
// A notice is an array of three: [version = 1, kind, body]. The kinds are the
// tables eventKinds and noticeKinds; the fields are numbered by the tags in
// package circ. Times are whole seconds since 1970. The sequence number is not
// part of the encoding: it is the place in the log.
//
// Both ends refuse what goes beyond the limits of package circ (identifiers of
// items 255 bytes, of patrons 127, names 255, lists 4096), so that nothing is sent
// that a station could never keep.
//
// A reader passes over field numbers it does not know. A version or a kind that
// it does not know is ErrNewer: it must be held, never dropped.
//
// # Identifiers of patrons
//
// Events refer to a patron by a circ.Ref. The identifier itself stands only in
// PatronMet (field 2) and AliasLinked (field 4), sealed with HPKE (RFC 9180, base
// mode, DHKEM X25519 HKDF-SHA256, HKDF-SHA256, ChaCha20-Poly1305) to the
// library's key: 32 bytes of encapsulated key, then the ciphertext of one length
// byte, the identifier, and zeros up to a multiple of 32. The info string is
// "coldstation/1 patron " and the Ref, so that a sealed identifier cannot be moved
// to another person. Notices carry identifiers plain: they travel inside the
// connection's TLS and a station never stores them so.
//
// # The running hash
//
// Chain 0 is all zeros; Chain n is SHA-256 of Chain n-1 and the encoding of
// event n. Two logs with the same Chain at n agree in all that came before.
//
// # Messages
//
// Topics are cs/v1/SHARD/STATION/up, down and state, and cs/v1/hub/state; the
// shard is the CRC-32 (IEEE) of the station's name modulo 64, in decimal. The
// payload is an array of five:
//
//	[version = 1, type, packing, body, signature]
//
// type is 1 Hello, 2 Ack, 3 Batch, 4 State, 5 Want, 6 Piece; packing 0 plain, 1 zstd (used above
// 1 KiB when it is shorter; never more than 1 MiB unpacked); body the bytes of
// the message's CBOR map; signature Ed25519 over
//
//	"coldstation/1 " direction " " station "\n" type packing body
//
// with direction "up" or "down", type and packing one byte each. A broker can
// therefore lose, double, delay and reorder, but neither alter nor invent, and
// not turn what one station said into another's words.
//
// # Blobs
//
// What is too long for a notice is a blob, named by the SHA-256 of its bytes. A
// notice names it; a station that lacks it asks by Want, and the hub answers each
// Want with one Piece. Package blob says how a station asks. A station from before
// there were blobs never asks, and a hub never sends a Piece unasked.
//
// A notice of a kind that a station does not know would keep everything behind it
// waiting, so a Hello says the highest kind that its sender knows (field 12), and
// a kind from 18 on is told only to who knows it.
package wire
