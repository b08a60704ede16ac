// Package journal is a ledger's second copy: the same events in plain files that
// need no tree, no free list and no memory map to be read, so that a disk that
// lies about flushing, and damages the one, leaves the other.
//
// # The files
//
// Beside a ledger at PATH lie PATH.journal-000001, -000002 and so on. A file is
//
//	"CSJRNL" 0x00 0x01   magic and version
//	frame, frame, ...
//	zeros                room for more, if any
//
// and a frame, numbers being big endian,
//
//	length(4)  of kind and body; 0: no more frames
//	sum(4)     CRC-32C (Castagnoli) of kind and body
//	kind(1)    1 head, 2 record, 3 batch
//	body
//
// The first frame of a file is its head, CBOR (RFC 8949, 4.2.1):
//
//	{1: station, 2: ledger UUID, 3: key check, 4: number of the file,
//	 5: after, 6: chain, 7: whole}
//
// Its batches begin with event after+1, and chain is the running hash at after. A
// whole file supersedes all files of lower numbers: it says in records what the
// events up to after had led to. A record is
//
//	bucket(1) size(2) key value
//
// A batch is one transaction of the ledger, in one frame, so that it is there or
// not:
//
//	first(8) mark(8) before(32) count(4) { size(4) event }... record...
//
// mark is how far the hub was known to keep the events, before the running hash
// before the first event, an event what package wire writes, and a record here is
// preceded by its size(4). No card number stands in a journal: patrons are
// references and sealed identifiers, as in the ledger itself.
//
// # Damage
//
// Each batch proves by its sum that it is whole and by before where it belongs. A
// reader that meets a frame that is not whole looks byte by byte for the next one
// that is. If none follows, and no later file, then a write was cut short, which
// is no damage: nobody was told that it had succeeded.
package journal
