// Package ledger is what a station remembers: an append-only log of events in
// one file, what follows from them, and what the hub has told.
//
// # The promise
//
//   - [Ledger.Append] is one transaction: the events, their numbers, their
//     running hash and all that follows from them are on the disk together when
//     it returns, or none of it is.
//   - Numbers run from 1 without gaps. What is written is never changed.
//   - With a journal there are two copies, of which either is enough.
//   - After a failed write the ledger is broken: it refuses everything until it
//     is opened anew, because nobody knows what the disk has.
//   - A file that is not this station's is not touched.
//
// # The file
//
// A bbolt file (go.etcd.io/bbolt) of these buckets; numbers are 8 bytes, big
// endian, records are CBOR:
//
//	meta     magic, version, station, ledger (UUID), key check, notice stream,
//	         its cursor and chain, streams that are over, what here is as of,
//	         number and chain of the last event that was let go
//	event    number → chain(32) ‖ event as in package wire
//	here     what follows from the events, and from nothing else
//	base     what had followed from the events that were let go
//	alias    reference of a linked card → reference of its patron, sealed identifier
//	mark     name → number
//	told     what the notices of the present stream said
//	verdict  number → what the library system made of that event
//	kept     looks, and hashes of what was had: for a person's sake, and lost with
//	         the file
//
// Keys in here and told begin with a letter that says what they hold; see
// fold.go and told.go. bbolt is asked for durable single transactions only:
// never Batch, which waits, and never NoSync. Each page that a transaction
// touches is written at its flush, so there are few buckets and no indexes, and
// here is written only now and then; what it lacks is folded from the events when
// the ledger is opened. The event bucket fills its pages to the brim since it only
// grows at the end (299 MB against 603 MB for a million events).
//
// # Beside the file
//
//	PATH.journal-N    the second copy, see package journal
//	PATH.reserve      room held back for the day the disk is full
//	PATH.new          a new file until it is whole
//	*.damaged-TIME    what a rescue set aside; never read again. The first is kept, and the latest few
//
// A batch is flushed to the journal before bbolt has anything on the disk, so the
// journal is never behind, and each failed write leaves all or nothing. A cheap disk
// may lie about flushing; bbolt then panics, or walks in circles, on what it finds.
// So a file is first walked page by page without bbolt, then read as a whole, and
// bbolt runs under recover with faults of the memory map turned into panics: that
// was preferred to a child process, which costs a start and a pipe each time and
// does not help once the ledger is open. What is damaged is made anew by [Rescue];
// what has outlived its retention goes by [Retire].
//
// # Two sources, one answer
//
// Events and notices meet only when a question is asked. What the hub told of an
// item carries how far the hub had heard this station by then; a later event of
// the station's own counts for more, an earlier one for less. So here can at any
// time be folded from the events again and compared: [Ledger.Verify].
//
// # Privacy
//
// A card number stands nowhere in the file. A patron is a [circ.Ref], an HMAC
// under the station's key. What the hub told of a patron is sealed (AES-256-GCM)
// under a key derived from the station's key and the card's identifier (HKDF,
// SHA-256), so it opens only while the card is at hand, and nobody can list who
// is known. The file without the station's key tells nothing; with the key a
// thief can still only try card numbers one by one.
package ledger
