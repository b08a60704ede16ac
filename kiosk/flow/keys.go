package flow

// The words of the buttons that turn the sheets of what does not fit on one.
const (
	TurnMore   = "turn.more"
	TurnBefore = "turn.before"
)

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
	"help", "help.card", "help.books", "help.done", "help.staff", "resting", "resting.how",

	"fate.waiting", "fate.parts", "fate.saving", "fate.due.day", "fate.due.free", "fate.due.easy", "fate.due.weeks",
	"fate.returned", "fate.boxed", "fate.undone.borrow", "fate.undone.return",
	"fate.ask-staff", "fate.keep", "fate.unread", "fate.left", "fate.putback",
	"fate.housed", "note.had",

	"asking", "asking.how", "asking.myself", "hello.for", "hello.house", "more.for", "housed", "housed.how",
	"naming", "naming.how", "secret", "secret.how", "secret.wrong", "secret.wrong.how", "secret.shut", "secret.shut.how",
	"loans", "loans.none", "loan.noted", "loan.received", "loan.confirmed", "loan.refused",
	"stack", "stack.how", "counting", "counting.how", "counting.scan",
	"borrowed.all", "due.all.day", "due.all.free", "due.all.easy", "due.all.weeks", "housed.all", "returned.all", "returned.all.how", "mixed", "mixed.how", "mixed.boxed", "mixed.boxed.all",
	"look", "look.size", "look.size.normal", "look.size.large", "look.size.largest", "look.colour", "look.colour.calm", "look.colour.strong",
	"look.voice", "look.voice.silent", "look.voice.softer", "look.voice.usual", "look.voice.louder", "look.voice.loudest",
	"look.pace", "look.pace.usual", "look.pace.slow",
	"health", "health.ill", "health.well", "health.tried", "health.since", "called", "wipe", "wipe.how",
	string(Wellbeing), string(Try), string(Call), string(StartAnew), string(Wipe),
	"part.reader", "part.reader.ill", "part.reader.how",
	"part.card-reader", "part.card-reader.ill", "part.card-reader.how",
	"part.tray", "part.tray.ill", "part.tray.how",
	"part.printer", "part.printer.ill", "part.printer.how",
	"part.speech", "part.speech.ill", "part.speech.how",
	"part.contact", "part.contact.ill", "part.contact.how",
	"part.queue", "part.queue.ill", "part.queue.how",
	"part.disk", "part.disk.ill", "part.disk.how",
	"part.clock", "part.clock.ill", "part.clock.how",
	"paused", "paused.how", "fate.paused", "staff.census", "identify", "identify.how",
	"staff", "staff.how", "measure", "measure.how", TurnMore, TurnBefore, "receipt.said",

	string(Back), string(Help), string(Undo), string(UndoThis), string(Redo), string(BorrowIt),
	string(Continue), string(StillHere), string(SayAgain), string(Receipt), string(Finish),
	string(ForThem), string(ForHouse), string(NoCard), string(IAm), string(Erase), string(Enter), string(MyLoans), string(Renew),
	"receive", "receive.how", "receive.open", "receive.which", "receive.which.how", "receive.seen", "receive.missing", "receive.extra",
	"receive.some", "receive.some.how", "receive.all", "receive.all.how", "receive.done",
	"takeout", "takeout.how", "takeout.seen", "takeout.all", "takeout.none", "takeout.lent", "takeout.done",
	"shelf", "shelf.how", "shelf.counted", "shelf.whole", "shelf.result", "shelf.result.how", "shelf.result.right", "shelf.lent.how", "shelf.astray.how", "shelf.sent",
	"boxes", "boxes.how", "boxes.none", "boxes.emptied", "desk.done.how", "desk.failed", "desk.failed.how",
	"fate.arrived", "fate.extra", "fate.other-box", "fate.astray", "fate.astray.home", "fate.lent-here", "fate.sought", "fate.away",
	"fate.removed", "fate.stays", "fate.present", "fate.unsaved",
	string(Receive), string(TakeOut), string(CountShelf), string(SortBox), string(ThisBox), string(Accept), string(EnoughOut),
	string(AllCounted), string(WholeShelf), string(PartShelf), string(ShowMissing), string(ShowLent), string(ShowAstray),
	string(SendCount), string(TakeBack), string(BoxEmptied),

	string(AllSeen), string(NotAll), string(Looks), string(ForOther), string(ForMyself), string(Measure), string(Larger), string(Smaller), string(Fits),
}
