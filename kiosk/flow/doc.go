// Package flow decides what happens at a station, as a pure state machine.
//
// [Step] takes a [State], a [Moment] and one [Msg] and answers the next state
// and the [Effect]s to carry out. It reads no clock, starts nothing and keeps
// nothing: time comes in with the message, timers go out as effects and come
// back as [Fired]. [State.View] is all that a screen needs to draw.
//
// # A visit
//
// A visit begins with the first thing on the pad, card or book, and ends by
// itself some seconds after the last one is gone. While anything lies on the
// pad there is no time limit at all. What a book on the pad means:
//
//	card          the book is            then
//	any           saved in this visit    the same happy message again
//	none          on loan                returned, thanked for
//	none          on loan since minutes  still borrowed: it lies here so that its
//	              with its tag unready   tag can be finished
//	none          not of this shelf      returned, into the box
//	none          at home here           waits: show a card to borrow it
//	theirs        on loan to them        returned; within the undo time: still
//	                                     borrowed, the same happy message
//	theirs        on loan to another     borrowed; the other loan ended, since
//	                                     the book is here
//	theirs        another library's      returned, into the box
//	theirs        anything else          borrowed
//
// Books that wait when a card comes are borrowed with it, so the order of card
// and books does not matter. A book that was returned before the card came
// stays returned and is offered: somebody else may have brought it. Books left
// lying from the visit before are pointed out and belong to no later card; who
// wants one lifts it and puts it down again.
//
// # Saved before said
//
// A book is shown as borrowed or returned only after [Recorded] says that its
// event is durable. When recording fails nothing is claimed: the person keeps
// the book and tells the staff.
package flow
