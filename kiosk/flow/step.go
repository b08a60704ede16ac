package flow

import (
	"slices"
	"time"

	"coldstation/sync/circ"
)

// Step is the station's answer to a message: what it is from now on, and what
// is to be carried out, in order. It changes nothing that s refers to.
func Step(s State, at Moment, m Msg) (State, []Effect) {
	before := s
	s.Now = at
	s.Pad = slices.Clone(s.Pad)
	s.Past = slices.Clone(s.Past)
	s.Visit.Entries = slices.Clone(s.Visit.Entries)
	s.Desk = s.Desk.clone()
	t := turn{State: s}
	t.take(m)
	return t.close(before)
}

// turn is one step under way.
type turn struct {
	State
	effects []Effect
}

func (t *turn) emit(e Effect) { t.effects = append(t.effects, e) }

func (t *turn) take(m Msg) {
	if t.wiped(m) {
		return
	}
	if pressed, is := m.(Pressed); is && !t.touch(pressed) {
		return
	}
	if t.Desk != nil && t.atDesk(m) {
		return
	}
	switch m := m.(type) {
	case CardSeen:
		t.moved()
		t.cardSeen(m)
	case ItemSeen:
		t.moved()
		t.itemSeen(m)
	case StrangeSeen:
		t.moved()
		t.strangeSeen(m)
	case Lifted:
		t.lifted(m)
	case TagWritten:
		t.tagWritten(m)
	case TagFailed:
		t.tagFailed(m)
	case TagUnable:
		t.tagUnable(m)
	case Recorded:
		t.recorded(m)
	case Pressed:
		t.pressed(m)
	case Touched, Turned:
		t.touch(Pressed{})
	case Reached:
		t.moved()
		t.Touched = true
		if words := t.View().named(m.Means); t.Rules.Speech && words.Title.Key != "" {
			t.emit(Say{words})
		}
	case LanguageChosen:
		if t.touch(Pressed{}) && slices.Contains(t.Rules.Languages, m.Language) {
			look := t.Look
			look.Language = m.Language
			t.wear(look)
		}
	case LookChosen:
		if t.touch(Pressed{}) && m.Look.valid() {
			m.Look.Language = t.Look.Language
			t.wear(m.Look)
		}
	case BoxSeen:
		t.moved()
		if t.openDesk(Receiving); t.Desk != nil {
			t.chooseConsignment(m.Consignment)
		}
	case Unlocked:
		t.unlocked(m)
	case LoansRead:
		if a := t.Visit.For; a != nil && a.Ref == m.Ref {
			t.Visit.Owned, t.Page = m.Loans, Listing
		}
	case Recalled:
		if e := t.entry(m.Item); e != nil {
			e.Had = m.Had
		}
	case TilesSet:
		t.Tiles = m.Tiles
	case Resumed:
		t.resume(m)
	case Fired:
		t.fired(m.Timer)
	case PadLost:
		t.Resting, t.Quiet = true, t.Now.Up
	case PadBack:
		t.Resting, t.Quiet = false, t.Now.Up
	case MessageSet:
		t.Message = m.Words
	case RemoteSet:
		t.Remote = m.Remote
	case HealthRead:
		t.Health.Parts = m.Parts
	case PartTested:
		t.Health.Tried = t.Health.Tried || m.Part == t.Health.Open
	case Forgiven:
		t.Visit.Shut, t.Visit.Wrong = false, false
	case Identify:
		t.identify()
	}
}

// close compares the turn with what was before: timers follow from the state,
// and what changed on the screen is said.
func (t *turn) close(before State) (State, []Effect) {
	old, now := before.View(), t.View()
	if old.Screen != now.Screen {
		t.ChangedAt = t.Now.Up
	}
	was := before.deadlines()
	for timer, due := range t.deadlines() {
		switch due {
		case was[timer]:
		case 0:
			t.emit(StopTimer{Timer(timer)})
		default:
			t.emit(StartTimer{Timer(timer), due - t.Now.Up})
		}
	}
	t.speak(old, now)
	return t.State, t.effects
}

// speak says what the screen says when that has changed, and how a voice that was
// made louder or slower sounds. At rest nobody is spoken to, unless somebody asks for
// another language.
func (t *turn) speak(old, now View) {
	chosen := t.Chosen && now.Look != old.Look
	switch {
	case t.Desk != nil && now.Title.Key == old.Title.Key && !chosen: // a running count is not for the ear
	case !t.Rules.Speech || t.saving() || now.Title == old.Title && !chosen:
	case t.Look.Volume == Silent, now.Screen == Welcome && !chosen:
		t.emit(Hush{})
	default:
		t.emit(Say{now})
	}
}

// moved: something came or went, so somebody is there.
func (t *turn) moved() { t.Quiet, t.Asked = t.Now.Up, 0 }

// touch extends whatever time runs and reports whether the touch also counts
// as a press: a shaking finger touches twice, and what was aimed at another
// screen or answers the question whether somebody is there presses nothing.
// Different keys of the number pad may follow each other as fast as they come.
func (t *turn) touch(m Pressed) bool {
	up := t.Now.Up
	key := m.Action == Digit || m.Action == Erase || m.Action == Enter
	again := up-t.PressedAt < t.Rules.Deaf && (!key || m == t.Press)
	counts := t.Asked == 0 && !again && up-t.ChangedAt >= t.Rules.Deaf
	t.moved()
	t.Touched = true
	if counts {
		t.Press, t.PressedAt = m, up
	}
	return counts
}

// back leads to where one came from, and in the end to the question for whom.
func (t *turn) back() {
	switch {
	case t.Page == Opened || t.Page == Called:
		t.Page = Healthy
	case t.Page != Welcome:
		t.Page, t.Scale = Welcome, t.Rules.Scale
	case t.Visit.Locked:
		t.end()
	case t.changeable():
		t.Visit.For, t.Visit.Whom = nil, true
	}
}

func (t *turn) pressed(m Pressed) {
	switch m.Action {
	case Back:
		t.back()
	case Help:
		if t.Page != Helping {
			t.record(circ.HelpAsked{Screen: t.View().Screen.String()})
			t.Page = Helping
		}
	case Undo:
		if slices.ContainsFunc(t.Visit.Entries, t.undoable) {
			t.Page = Undoing
		}
	case UndoThis:
		if e := t.entry(m.Item); e != nil && t.undoable(*e) {
			t.Page = Welcome
			t.undo(e)
		}
	case Redo:
		if e := t.entry(m.Item); e != nil && e.Fate == Undone {
			t.redo(e)
		}
	case BorrowIt:
		if e := t.entry(m.Item); e != nil && (t.offered(*e) || t.lacking(*e)) {
			t.borrow(e)
		}
	case Continue:
		t.Visit.Passed = true
	case SayAgain:
		t.emit(Say{t.View()})
	case Receipt:
		if lines := t.receipt(); t.Rules.Printer && len(lines) > 0 {
			t.emit(Print{Language: t.Look.Language, Lines: lines})
			if t.Rules.Speech && t.Look.Volume != Silent {
				t.emit(Say{View{Screen: Listing, Title: Phrase{Key: "receipt.said"}, Lines: lines, Look: t.Look}})
			}
		}
	case Looks:
		t.Page = Looking
	case AllSeen:
		t.Visit.Counted = true
	case NotAll:
		t.Visit.Counted, t.Page = true, Counting
	case ForThem, ForHouse, ForMyself, ForOther, NoCard, IAm:
		t.whom(m)
	case Digit, Erase, Enter:
		t.number(m)
	case MyLoans:
		if t.listable() {
			t.emit(ReadLoans{t.Visit.For.Ref})
		}
	case Renew:
		t.renew(m.Item)
	case Receive:
		t.openDesk(Receiving)
	case TakeOut:
		t.openDesk(TakingOut)
	case CountShelf:
		t.openDesk(Shelving)
	case SortBox:
		t.openDesk(Boxes)
	case Measure, Larger, Smaller, Fits:
		t.measure(m.Action)
	case Finish:
		if !t.occupied() && !t.saving() {
			t.end()
		}
	default:
		t.tend(m.Action)
	}
}

// fired believes a timer only when the state agrees that its time has come.
func (t *turn) fired(timer Timer) {
	if t.Page == Undoing && !slices.ContainsFunc(t.Visit.Entries, t.undoable) {
		t.Page = Welcome
	}
	if timer >= timers {
		return
	}
	due := t.deadlines()[timer]
	if due == 0 {
		return
	}
	if t.Now.Up < due {
		t.emit(StartTimer{timer, due - t.Now.Up})
		return
	}
	switch timer {
	case EndTimer, ClearTimer:
		t.end()
	case WipeTimer:
		t.Page, t.Health.Wiped = Welcome, 0
		t.moved()
	case AskTimer:
		if t.Visit.ID == 0 {
			t.end() // an open help page or a chosen language: nothing to ask about
		} else {
			t.Asked = t.Now.Up
		}
	}
}

// deadlines are the times, counted as Moment.Up, at which timers are to fire; 0
// is never. While anything of the visit lies on the pad there is none but undo's.
func (s State) deadlines() (due [timers]time.Duration) {
	open := s.Visit.ID != 0 || s.Page != Welcome || s.Look != s.Rules.Look
	switch {
	case !open:
	case s.occupied() && s.staffed() && s.Asked == 0:
		due[AskTimer] = s.Quiet + s.Rules.Idle
	case s.occupied() && !s.staffed():
	case s.Asked != 0:
		due[ClearTimer] = s.Asked + s.Rules.Clear
	case s.done():
		due[EndTimer] = s.Quiet + s.Rules.Linger
	default:
		due[AskTimer] = s.Quiet + s.Rules.Ask
	}
	if s.Page == Wiping {
		due[WipeTimer] = s.Health.Wiped
	}
	for _, e := range s.Visit.Entries {
		if over := e.At + s.Rules.Undo; s.undoable(e) && (due[UndoTimer] == 0 || over < due[UndoTimer]) {
			due[UndoTimer] = over
		}
	}
	return due
}

// occupied reports whether something of this visit lies on a pad that works.
func (s State) occupied() bool {
	return !s.Resting && slices.ContainsFunc(s.Pad, func(t Thing) bool { return !t.Left })
}

// done reports whether the visit has had its purpose and nobody is busy with
// the screen or asked for something.
func (s State) done() bool {
	return len(s.Visit.Entries) > 0 && !s.Visit.Scanned && !s.Touched && !s.Resting && s.Page == Welcome &&
		!slices.ContainsFunc(s.Visit.Entries, func(e Entry) bool {
			return e.Fate == Saving || e.Fate == Waiting || e.Fate == Keep || e.Failed || s.putBack(e)
		})
}

func (s State) saving() bool {
	return slices.ContainsFunc(s.Visit.Entries, func(e Entry) bool { return e.Fate == Saving })
}
