// Package enrol is how a computer becomes a station: the one-time code that a
// librarian hands over, what station and hub say to each other about it, and the
// station's end. The hub's end is package registry.
//
// # The code
//
//	8KQ2M-9XPFD-W3HTA-6RNBE@hub.library.example:8884
//
// Twenty signs of Crockford's base 32 (no I, L, O, U; lower case, and I, L and O
// for 1, 1 and 0, are read too; dashes and spaces are not), then where the hub
// listens. The first 16 signs are 80 random bits, the last 4 the first 20 bits
// of SHA-256 over "coldstation code ", those 16 signs, "@" and the place: a slip
// of the finger is noticed before anybody is asked. A QR code carries the same
// text.
//
// # Why a thief gains nothing
//
// The code works once, and for some hours. To guess it while it does, at the
// hub, is hopeless long before the hub's limit on wrong tries bites. What
// travels is useless to who sees it: the code's secret stays at both ends, and
// each proves to the other that it has it by a MAC over the TLS connection's own
// exported key (RFC 8446, section 7.5; RFC 9266). Somebody in between has two
// connections with two such keys, so he can pass neither proof on; what he saw
// lets him try 2^80 secrets at home, before the code expires. That is why there
// are 80 bits and no password-authenticated key exchange, and why the code need
// not hold the fingerprint of the hub's certificate besides: the hub's proof
// covers the library's authority, which must then have vouched for the very
// certificate that the connection was opened with.
//
// # What is said
//
// One TLS 1.3 connection with the protocol name (ALPN) coldstation-enrol/1. The
// station sends one line of JSON, a [Question]; the hub answers one, an [Answer],
// and closes. A line is at most 16 KiB. Bytes are base64, keys and certificates
// DER.
//
//	secret  = the 80 bits
//	id      = HKDF-SHA256(secret, no salt, "coldstation enrolment id")[:10]
//	key     = HKDF-SHA256(secret, no salt, "coldstation enrolment key")[:32]
//	channel = exported key, label "EXPORTER-coldstation-enrolment", no context, 32 bytes
//	proof of the station = HMAC-SHA256(key, "station" 0x00 channel request)
//	proof of the hub     = HMAC-SHA256(key, "hub" 0x00 channel grant)
//
// To enrol, the station sends id, proof and request: a PKCS #10 request for the
// Ed25519 key that it has just made and never shows. To renew, it sends only a
// request, of the same key, over a connection on which it showed its certificate
// and the hub one that the pinned authority vouches for. The hub's answer is a
// [Grant], and for a code its proof; or a word that says why not.
package enrol
