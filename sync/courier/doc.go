// Package courier delivers a log from where it is written to where it is kept,
// in order and exactly once in effect, over a pipe that may lose, double, delay
// and reorder. It serves both directions: a station's events up, the hub's
// notices down.
//
// # The promise
//
//   - The log is the only queue. The pipe is asked for nothing but presence: a
//     broker's acknowledgement says that bytes left, not that they are kept.
//   - Only the receiver's Ack, sent after its commit, moves the sender's mark.
//   - What the receiver holds is a prefix of what the sender wrote: no gap, no
//     double, no other order.
//   - A log that was cloned or rolled back is noticed by its running hash, or by
//     being shorter than what the receiver holds. Nothing is overwritten; the
//     stream stands still and a person is told.
//
// # The protocol
//
//		sender                                receiver
//		Hello{stream, first, last, ...}  ──▶
//		                                 ◀──  Ack{stream, cursor, chain}
//		Batch{stream, cursor+1, ...}     ──▶
//		Batch, Batch, Batch              ──▶  commit, compare-and-set on the cursor
//		                                 ◀──  Ack{stream, cursor, chain}
//
//	 1. The sender sends nothing before the first Ack of this connection has told
//	    it where the receiver stands.
//	 2. At most [Window] batches of at most [MaxEvents] events or [MaxBytes] are
//	    under way.
//	 3. The receiver takes a batch if its first event is at most one past the
//	    cursor, drops what it already has, commits the rest together with the
//	    cursor, and answers after the commit. A batch further ahead is answered
//	    with the cursor as it stands.
//	 4. An Ack is cumulative and idempotent: losing, doubling or delaying one is
//	    harmless. The mark goes back only by the answer to a Hello that was sent
//	    since it was set, which an Ack says by that Hello's number: then the
//	    receiver itself went back.
//	 5. A first repeat of the cursor makes the sender go back to it at once.
//	    Silence makes it say Hello again, after 3 s, then twice as long each time
//	    up to 60 s, each with jitter.
//	 6. An idle sender says Hello every few minutes, so that a receiver restored
//	    from an old backup is found even when nothing new is written.
//
// Both ends are step functions over plain values ([Sender.Step],
// [Receiver.Step]): no clock, no goroutine, no broker, so that a simulator can
// drive stations and hubs through ten thousand bad days in seconds. [Send] and
// [Receive] feed them and have a [Source] and a [Sink] do what they ask for; the
// loops around those are package station and the desks of package hub.
package courier
