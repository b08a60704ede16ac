package flow

// Keys are those of every phrase that a view may have. The words of a language
// must have them all.
var Keys = []string{
	"welcome", "welcome.how", "hello", "hello.how", "moment",
	"borrowed", "due.day", "due.free", "due.easy", "due.weeks",
	"returned", "returned.how", "boxed", "boxed.how",
	"more", "more.back", "bye", "onecard", "showcard", "showcard.how", "parts", "parts.how",
	"putback", "putback.how", "keep", "keep.how", "unchanged", "unchanged.how",
	"askstaff", "askstaff.how", "unread", "unread.how",
	"leftover", "leftover.how", "still", "still.how",
	"undo", "undone.borrow", "undone.borrow.how", "undone.return",
	"help", "help.how", "help.staff", "resting", "resting.how",

	"fate.waiting", "fate.parts", "fate.saving", "fate.due.day", "fate.due.free", "fate.due.easy", "fate.due.weeks",
	"fate.returned", "fate.boxed", "fate.undone.borrow", "fate.undone.return",
	"fate.ask-staff", "fate.keep", "fate.unread", "fate.left", "fate.putback",

	string(Back), string(Help), string(Undo), string(UndoThis), string(Redo), string(BorrowIt),
	string(Continue), string(StillHere), string(SayAgain), string(Receipt), string(Finish),
}
