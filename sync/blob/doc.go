// Package blob brings blobs from the hub to a station: what is too long for a
// notice, as the card filter and covers, named by the SHA-256 of its bytes.
//
// # Asking
//
//		station                         hub
//		Want{blob, 0}              ──▶
//		                           ◀──  Piece{blob, 0, size, 64 KiB}
//		Want{blob, 64 KiB}, ...    ──▶
//		                           ◀──  Piece, Piece, ...
//
//	 1. The station asks for one blob at a time, for the first piece alone, and then
//	    for at most [Window] pieces at once. A Want is answered by one Piece or, when
//	    it comes too soon after others, not at all.
//	 2. Pieces are kept in their order as they come, so that a station that was cut
//	    off asks only for what it lacks. A piece out of its order is dropped, and
//	    once for each step ahead the station goes back to what it lacks. Silence
//	    makes it ask again, after 3 s, then twice as long each time up to 60 s.
//	 3. A whole blob is checked against its name. Wrong bytes are dropped, and the
//	    blob is put off: for a minute, then twice as long each time up to a day. So
//	    is one that the hub does not have and one that does not fit on the disk, and
//	    for a minute one of which nothing was heard for long; others are asked for
//	    meanwhile.
//
// [Asker.Step] is all of that, without a clock, a disk or a link; [Ask] feeds it.
//
// # Keeping
//
// A [Folder] keeps each blob in a file of its name, and one that is not whole yet
// beside it. A file gets its name when it is on the disk and was checked; it is
// checked again whenever it is read, and one that was damaged since is lacking
// again. The folder holds no more bytes than it may: what is no longer wanted goes
// first, the longest unused before the others, and what is wanted does not push out
// anything else that is.
package blob
