package flow

import (
	"slices"

	"coldstation/sync/circ"
)

// View is what the station shows.
func (s State) View() View {
	v := View{
		Screen:    s.screen(),
		Look:      s.Look,
		Languages: s.Rules.Languages,
		Help:      true,
		Scale:     s.Scale,
	}
	v.Back = v.Screen != Welcome && v.Screen == s.Page || v.Screen == Visiting && s.changeable() || v.Screen == Unlocking
	switch v.Screen {
	case Receiving, TakingOut, Shelving, ShelfWhole, ShelfResult, ShelfGroup, Boxes, DeskDone:
		s.showDesk(&v)
	case Welcome:
		v.Title, v.Text = Phrase{Key: "welcome"}, []Phrase{{Key: "welcome.how"}}
		if s.Remote.Paused {
			v.Text = []Phrase{{Key: "paused"}}
		}
		if n := len(s.left()); n > 0 {
			v.Text = append(v.Text, Phrase{Key: "leftover.how", N: n})
		}
		v.Message = s.Message[s.Look.Language]
		if s.nameable() {
			v.Buttons = append(v.Buttons, Button{Action: NoCard})
		}
	case Visiting:
		s.showVisit(&v)
	case Leftover:
		v.Lines = s.left()
		n := len(v.Lines)
		v.Title, v.Text = Phrase{Key: "leftover", N: n}, []Phrase{{Key: "leftover.how", N: n}}
		v.Buttons = []Button{{Action: Continue, Main: true}}
	case StillThere:
		v.Title, v.Text = Phrase{Key: "still"}, []Phrase{{Key: "still.how"}}
		v.Buttons = []Button{{Action: StillHere, Main: true}}
	case Undoing:
		v.Title = Phrase{Key: "undo"}
		for _, e := range s.Visit.Entries {
			if s.undoable(e) {
				line := s.line(e)
				line.Button = Button{Action: UndoThis, Item: e.Seen.Item.ID, Main: true}
				v.Lines = append(v.Lines, line)
			}
		}
	case Helping:
		v.Title, v.Text, v.Help = Phrase{Key: "help"}, []Phrase{{Key: "help.staff"}}, false
		for _, step := range []string{"card", "books", "done"} {
			v.Signs = append(v.Signs, Sign{step, Phrase{Key: "help." + step}})
		}
	case Resting:
		v.Title, v.Text = Phrase{Key: "resting"}, []Phrase{{Key: "resting.how"}}
	case Asking:
		s.showAsking(&v)
	case Naming:
		v.Title, v.Text = Phrase{Key: "naming"}, []Phrase{{Key: "naming.how"}}
		for _, tile := range s.Tiles {
			v.Choices = append(v.Choices, Choice{Action: IAm, Who: tile.Ref, Words: Phrase{Key: "action.iam", Name: tile.Name}, Picture: tile.Picture})
		}
	case Unlocking:
		s.showUnlocking(&v)
	case Listing:
		v.Lines = s.owned()
		v.Title = Phrase{Key: "loans", N: len(v.Lines)}
		if len(v.Lines) == 0 {
			v.Title = Phrase{Key: "loans.none"}
		}
	case Counting:
		v.Title, v.Text = Phrase{Key: "counting"}, []Phrase{{Key: "counting.how"}}
		if s.Rules.Scanner {
			v.Text = append(v.Text, Phrase{Key: "counting.scan"})
		}
		s.showEntries(&v)
	case Looking:
		v.Title, v.Rows = Phrase{Key: "look"}, s.rows()
	case Staffing:
		v.Title, v.Text = Phrase{Key: "staff"}, []Phrase{{Key: "staff.how"}}
		if s.Remote.Census {
			v.Text = []Phrase{{Key: "staff.census"}}
		}
		if s.Rules.Tiles != NoTiles && len(s.Tiles) > 0 {
			v.Choices = append(v.Choices, Choice{Action: ForOther, Words: Phrase{Key: string(ForOther)}})
		}
		for _, a := range []Action{Receive, TakeOut, CountShelf, SortBox} {
			v.Choices = append(v.Choices, Choice{Action: a, Words: Phrase{Key: string(a)}})
		}
		v.Choices = append(v.Choices,
			Choice{Action: ForMyself, Words: Phrase{Key: string(ForMyself)}},
			Choice{Action: Wellbeing, Words: Phrase{Key: string(Wellbeing)}},
			Choice{Action: Wipe, Words: Phrase{Key: string(Wipe)}},
			Choice{Action: Measure, Words: Phrase{Key: string(Measure)}})
	case Measuring:
		v.Title, v.Text = Phrase{Key: "measure"}, []Phrase{{Key: "measure.how"}}
		v.Buttons = []Button{{Action: Smaller}, {Action: Larger}, {Action: Fits, Main: true}}
	case Healthy, Opened, Called, Wiping:
		s.showHealth(&v)
	case Identifying:
		v.Title, v.Text = Phrase{Key: "identify", Name: string(s.Rules.Station)}, []Phrase{{Key: "identify.how"}}
	}
	if s.Rules.Speech && v.Screen != Measuring && v.Screen != Wiping && !s.tended() && v.Screen != Looking {
		v.Buttons = append(v.Buttons, Button{Action: SayAgain})
	}
	for i := range v.Buttons {
		v.Buttons[i].Words = Phrase{Key: string(v.Buttons[i].Action)}
	}
	for i := range v.Lines {
		if b := &v.Lines[i].Button; b.Action != "" {
			b.Words = Phrase{Key: string(b.Action)}
		}
	}
	return v
}

func (s State) screen() Screen {
	switch {
	case s.Page == Helping && s.Asked == 0:
		return Helping
	case s.Resting:
		return Resting
	case s.Asked != 0:
		return StillThere
	case s.Page != Welcome:
		return s.Page
	case s.Visit.ID == 0:
		return Welcome
	case s.Desk != nil:
		return s.Desk.Page
	case s.asking() && s.Visit.Locked:
		return Unlocking
	case s.asking() && s.Visit.Card.Staff:
		return Staffing
	case s.asking():
		return Asking
	case !s.Visit.Passed && len(s.Visit.Entries) == 0 && len(s.left()) > 0:
		return Leftover
	}
	return Visiting
}

func (s State) left() (lines []Line) {
	for _, thing := range s.Pad {
		if thing.Left && thing.Card == nil {
			lines = append(lines, Line{Item: thing.Item, Fate: Left, Words: Phrase{Key: "fate.left"}})
		}
	}
	return lines
}

// showAsking puts oneself first, then the others by the order of their grants.
func (s State) showAsking(v *View) {
	card := s.Visit.Card
	v.Title, v.Text = Phrase{Key: "asking"}, []Phrase{{Key: "asking.how"}}
	v.Choices = append(v.Choices, Choice{Action: ForThem, Who: card.Own.Ref, Words: Phrase{Key: "asking.myself"}, Picture: card.Own.Picture})
	for _, a := range card.Others {
		v.Choices = append(v.Choices, Choice{Action: ForThem, Who: a.Ref, Words: Phrase{Key: string(ForThem), Name: a.Name}, Picture: a.Picture})
	}
	if s.houses() {
		v.Choices = append(v.Choices, Choice{Action: ForHouse, Words: Phrase{Key: string(ForHouse)}})
	}
}

func (s State) showUnlocking(v *View) {
	v.Digits = len(s.Visit.Number)
	v.Title, v.Text = Phrase{Key: "secret", Name: s.Visit.Card.Own.Name}, []Phrase{{Key: "secret.how"}}
	switch {
	case s.Visit.Shut:
		v.Title, v.Text = Phrase{Key: "secret.shut"}, []Phrase{{Key: "secret.shut.how"}}
		return
	case s.Visit.Wrong:
		v.Title, v.Text = Phrase{Key: "secret.wrong"}, []Phrase{{Key: "secret.wrong.how"}}
	}
	v.Buttons = []Button{{Action: Erase}, {Action: Enter, Main: true}}
}

func (s State) showEntries(v *View) {
	for _, e := range s.Visit.Entries {
		line := s.line(e)
		switch id := e.Seen.Item.ID; {
		case s.offered(e), s.lacking(e):
			line.Button = Button{Action: BorrowIt, Item: id}
		case e.Fate == Undone && (!e.Made.out() || s.Visit.For != nil && s.Visit.For.Lend):
			line.Button = Button{Action: Redo, Item: id}
		}
		v.Lines = append(v.Lines, line)
	}
}

func (s State) showVisit(v *View) {
	s.showEntries(v)
	for _, thing := range s.Pad {
		if thing.Card == nil && thing.Item.ID == "" && !thing.Left {
			v.Lines = append(v.Lines, Line{Fate: Unread, Words: Phrase{Key: "fate.unread"}})
		}
	}
	v.Title, v.Text = s.headline(v.Lines)
	v.Lines = append(v.Lines, s.left()...)

	switch v.Title.Key {
	case "stack":
		v.Buttons = append(v.Buttons, Button{Action: AllSeen, Main: true}, Button{Action: NotAll})
		return
	case "showcard":
		if s.houses() && s.Visit.Card == nil {
			v.Buttons = append(v.Buttons, Button{Action: ForHouse})
		}
		if s.nameable() {
			v.Buttons = append(v.Buttons, Button{Action: NoCard})
		}
	}
	for _, e := range s.Visit.Entries {
		if s.undoable(e) {
			v.Buttons = append(v.Buttons, Button{Action: Undo})
			break
		}
	}
	if s.listable() && s.Visit.For.Loans > 0 {
		v.Buttons = append(v.Buttons, Button{Action: MyLoans})
	}
	if s.Rules.Printer && len(s.receipt()) > 0 {
		v.Buttons = append(v.Buttons, Button{Action: Receipt})
	}
	if !s.occupied() && !s.saving() {
		v.Buttons = append(v.Buttons, Button{Action: Finish, Main: true})
	}
}

// headline is the one thing to say now: first what the person must know, then
// what happened last, then what to do.
func (s State) headline(lines []Line) (Phrase, []Phrase) {
	more := Phrase{Key: "more"}
	switch {
	case !s.occupied():
		more = Phrase{Key: "bye"}
	case s.Visit.For == nil:
		more = Phrase{Key: "more.back"} // nothing is to be taken along
	case s.changeable() && s.Visit.For.Ref != s.Visit.Card.Own.Ref && !s.Visit.For.Ref.IsZero():
		more = Phrase{Key: "more.for", Name: s.Visit.For.Name}
	}
	for _, thing := range s.Pad {
		if owner := s.Visit.Card; thing.Card != nil && owner != nil && thing.Card.Own.Ref != owner.Own.Ref && !thing.Left {
			more = Phrase{Key: "onecard"}
		}
	}
	urgent := func(key string, is func(Entry) bool) (Phrase, bool) {
		for _, e := range s.Visit.Entries {
			if is(e) {
				return Phrase{Key: key, Title: e.Seen.Item.Title}, true
			}
		}
		return Phrase{}, false
	}
	if p, ok := urgent("keep", func(e Entry) bool { return e.Fate == Keep }); ok {
		return p, []Phrase{{Key: "keep.how"}}
	}
	if p, ok := urgent("unchanged", func(e Entry) bool { return e.Failed }); ok {
		return p, []Phrase{{Key: "unchanged.how"}}
	}
	if p, ok := urgent("putback", s.putBack); ok {
		return p, []Phrase{{Key: "putback.how"}}
	}
	if s.saving() {
		return Phrase{Key: "moment"}, nil
	}
	waiting := 0
	for _, e := range s.Visit.Entries {
		if s.lacking(e) {
			return Phrase{Key: "parts", N: e.Seen.Missing}, []Phrase{{Key: "parts.how"}}
		}
		if e.Fate == Waiting {
			waiting++
		}
	}
	if waiting > 0 {
		return Phrase{Key: "showcard", N: waiting}, []Phrase{{Key: "showcard.how", N: waiting}}
	}
	if p, ok := urgent("askstaff", func(e Entry) bool { return e.Fate == AskStaff }); ok {
		if s.Remote.Paused {
			return Phrase{Key: "paused"}, []Phrase{{Key: "paused.how"}}
		}
		return p, []Phrase{{Key: "askstaff.how"}}
	}
	if n := len(lines); n > 0 && lines[n-1].Fate == Unread {
		return Phrase{Key: "unread"}, []Phrase{{Key: "unread.how"}}
	}
	if together := s.together(); len(together) > 1 {
		return s.stackline(together, more)
	}
	for _, e := range s.Visit.Entries {
		if e.Seen.Item.ID != s.Visit.Last {
			continue
		}
		title := e.Seen.Item.Title
		switch e.Fate {
		case Borrowed:
			return Phrase{Key: "borrowed", Title: title}, []Phrase{e.due("due"), more}
		case Housed:
			return Phrase{Key: "housed", Title: title}, []Phrase{{Key: "housed.how"}, more}
		case Returned:
			return Phrase{Key: "returned", Title: title}, []Phrase{{Key: "returned.how"}, more}
		case Boxed:
			return Phrase{Key: "boxed", Title: title}, []Phrase{{Key: "boxed.how"}, more}
		case Undone:
			if e.Made.out() {
				return Phrase{Key: "undone.borrow", Title: title}, []Phrase{{Key: "undone.borrow.how"}, more}
			}
			return Phrase{Key: "undone.return", Title: title}, []Phrase{more}
		}
	}
	hello := Phrase{Key: "hello"}
	if a := s.Visit.For; a != nil && a.Ref.IsZero() {
		hello.Key = "hello.house"
	} else if a != nil {
		hello.Name = a.Name
		if s.changeable() && a.Ref != s.Visit.Card.Own.Ref {
			hello.Key = "hello.for"
		}
	}
	if more.Key != "onecard" {
		more = Phrase{Key: "hello.how"}
	}
	return hello, []Phrase{more}
}

// together are the books that came down with the last one and lie there, or have
// been said to be all: what became of one of them is no headline.
func (s State) together() []Entry {
	n := min(s.Visit.Stack, len(s.Visit.Entries))
	stack := s.Visit.Entries[len(s.Visit.Entries)-n:]
	if !slices.ContainsFunc(stack, func(e Entry) bool { return e.Seen.Item.ID == s.Visit.Last && e.Fate != Undone }) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(stack), func(e Entry) bool { return e.Fate == Undone })
}

// stackline asks about a stack that lies there and tells of it once it is known to
// be whole.
func (s State) stackline(together []Entry, more Phrase) (Phrase, []Phrase) {
	n := len(together)
	if !s.Visit.Counted && s.occupied() {
		return Phrase{Key: "stack", N: n}, []Phrase{{Key: "stack.how"}}
	}
	all := func(fate Fate) bool {
		return !slices.ContainsFunc(together, func(e Entry) bool { return e.Fate != fate })
	}
	switch {
	case all(Borrowed):
		return Phrase{Key: "borrowed.all", N: n}, []Phrase{together[0].due("due.all"), more}
	case all(Housed):
		return Phrase{Key: "housed.all", N: n}, []Phrase{{Key: "housed.how"}, more}
	case all(Returned):
		return Phrase{Key: "returned.all", N: n}, []Phrase{{Key: "returned.all.how"}, more}
	}
	var boxed []Entry
	for _, e := range together {
		if e.Fate == Boxed {
			boxed = append(boxed, e)
		}
	}
	how := Phrase{Key: "mixed.how"}
	switch len(boxed) { // the one thing that is asked for
	case 0:
	case 1:
		how = Phrase{Key: "mixed.boxed", Title: boxed[0].Seen.Item.Title}
	default:
		how = Phrase{Key: "mixed.boxed.all", N: len(boxed)}
	}
	return Phrase{Key: "mixed", N: n}, []Phrase{how, more}
}

// due says until when, as far as it may be promised: no date to a person who is
// not to be pressed by dates, and a length of time while the clock is not known.
func (e Entry) due(key string) Phrase {
	switch {
	case e.Due.IsZero():
		return Phrase{Key: key + ".free"}
	case e.Easy:
		return Phrase{Key: key + ".easy"}
	case e.Clock == circ.ClockUnset && e.Days > 0:
		return Phrase{Key: key + ".weeks", N: max(1, e.Days/7)}
	}
	return Phrase{Key: key + ".day", Day: e.Due}
}

func (s State) line(e Entry) Line {
	line := Line{Item: e.Seen.Item, Fate: e.Fate, Again: e.Again, PutBack: s.putBack(e)}
	if e.Had && e.Fate == Borrowed {
		line.Note = Phrase{Key: "note.had"}
	}
	switch {
	case line.PutBack:
		line.Words = Phrase{Key: "fate.putback"}
	case s.lacking(e):
		line.Words = Phrase{Key: "fate.parts", N: e.Seen.Missing}
	case e.Fate == Borrowed:
		line.Words = e.due("fate.due")
	case e.Fate == Undone && e.Made.out():
		line.Words = Phrase{Key: "fate.undone.borrow"}
	case e.Fate == Undone:
		line.Words = Phrase{Key: "fate.undone.return"}
	case e.Fate == AskStaff && s.Remote.Paused:
		line.Words = Phrase{Key: "fate.paused"}
	default:
		line.Words = Phrase{Key: "fate." + e.Fate.String()}
	}
	return line
}

// receipt is what is borrowed in this visit.
func (s State) receipt() (lines []Line) {
	for _, e := range s.Visit.Entries {
		if e.Fate == Borrowed {
			lines = append(lines, s.line(e))
		}
	}
	return lines
}
