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
//	card     the book is             then
//	any      settled in this visit   the same happy message again
//	any      another library's       returned, into the box
//	none     on loan                 returned, thanked for
//	none     on loan since minutes,  still borrowed: it was lifted too early and
//	         its tag not yet ready   lies here so that its tag can be finished
//	none     not of this shelf       returned, into the box
//	none     at home here            waits: show a card to borrow it
//	shown    on loan to its holder   returned; within the undo time: still
//	                                 borrowed, the same happy message
//	shown    on loan to another      borrowed; the other loan is over, since the
//	                                 book is here
//	shown    a set of which parts    waits for them; lent without them only when
//	         are missing             asked for; returned if it was on loan
//	shown    anything else           borrowed
//
// Where the station's rule lends nothing to the card, a book on loan is returned
// and any other waits for the staff.
//
// Books that wait when a card comes are borrowed with it, so the order of card
// and books does not matter. A book that was returned before the card came stays
// returned and is offered: somebody else may have brought it. Books left lying
// from the visit before, or long before the card came, are pointed out and bound
// to no later card; who wants one lifts it and puts it down again. While one card
// lies on the pad a second one waits. Once the pad has been empty for some seconds
// after a loan or a return, another book is another person's and waits for a card.
//
// # Saved before said
//
// A book is shown as borrowed or returned only after [Recorded] says that its
// event is durable. When recording fails nothing is claimed: the person keeps
// the book and tells the staff.
package flow
