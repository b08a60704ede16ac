package flow

import "coldstation/sync/circ"

// View is what the station shows.
func (s State) View() View {
	v := View{
		Screen:    s.screen(),
		Look:      s.Look,
		Languages: s.Rules.Languages,
		Help:      true,
	}
	switch v.Screen {
	case Welcome:
		v.Title, v.Text = Phrase{Key: "welcome"}, []Phrase{{Key: "welcome.how"}}
		if n := len(s.left()); n > 0 {
			v.Text = append(v.Text, Phrase{Key: "leftover.how", N: n})
		}
		v.Message = s.Message[s.Look.Language]
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
		v.Title, v.Back = Phrase{Key: "undo"}, true
		for _, e := range s.Visit.Entries {
			if s.undoable(e) {
				line := s.line(e)
				line.Button = Button{Action: UndoThis, Item: e.Seen.Item.ID, Main: true}
				v.Lines = append(v.Lines, line)
			}
		}
	case Helping:
		v.Title, v.Text = Phrase{Key: "help"}, []Phrase{{Key: "help.how"}, {Key: "help.staff"}}
		v.Back, v.Help = true, false
	case Resting:
		v.Title, v.Text = Phrase{Key: "resting"}, []Phrase{{Key: "resting.how"}}
	}
	if s.Rules.Speech {
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
	case s.Visit.ID == 0:
		return Welcome
	case s.Asked != 0:
		return StillThere
	case s.Page != Welcome:
		return s.Page
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

func (s State) showVisit(v *View) {
	for _, e := range s.Visit.Entries {
		line := s.line(e)
		switch id := e.Seen.Item.ID; {
		case s.offered(e), s.lacking(e):
			line.Button = Button{Action: BorrowIt, Item: id}
		case e.Fate == Undone && (e.Made != Borrowed || s.Visit.Card != nil && s.Visit.Card.Lend):
			line.Button = Button{Action: Redo, Item: id}
		}
		v.Lines = append(v.Lines, line)
	}
	for _, thing := range s.Pad {
		if thing.Card == nil && thing.Item.ID == "" && !thing.Left {
			v.Lines = append(v.Lines, Line{Fate: Unread, Words: Phrase{Key: "fate.unread"}})
		}
	}
	v.Title, v.Text = s.headline(v.Lines)
	v.Lines = append(v.Lines, s.left()...)

	for _, e := range s.Visit.Entries {
		if s.undoable(e) {
			v.Buttons = append(v.Buttons, Button{Action: Undo})
			break
		}
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
	case s.Visit.Card == nil:
		more = Phrase{Key: "more.back"} // nothing is to be taken along
	}
	for _, thing := range s.Pad {
		if owner := s.Visit.Card; thing.Card != nil && owner != nil && thing.Card.Ref != owner.Ref && !thing.Left {
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
		return p, []Phrase{{Key: "askstaff.how"}}
	}
	if n := len(lines); n > 0 && lines[n-1].Fate == Unread {
		return Phrase{Key: "unread"}, []Phrase{{Key: "unread.how"}}
	}
	for _, e := range s.Visit.Entries {
		if e.Seen.Item.ID != s.Visit.Last {
			continue
		}
		title := e.Seen.Item.Title
		switch e.Fate {
		case Borrowed:
			return Phrase{Key: "borrowed", Title: title}, []Phrase{e.due("due"), more}
		case Returned:
			return Phrase{Key: "returned", Title: title}, []Phrase{{Key: "returned.how"}, more}
		case Boxed:
			return Phrase{Key: "boxed", Title: title}, []Phrase{{Key: "boxed.how"}, more}
		case Undone:
			if e.Made == Borrowed {
				return Phrase{Key: "undone.borrow", Title: title}, []Phrase{{Key: "undone.borrow.how"}, more}
			}
			return Phrase{Key: "undone.return", Title: title}, []Phrase{more}
		}
	}
	hello := Phrase{Key: "hello"}
	if card := s.Visit.Card; card != nil {
		hello.Name = card.Patron.FirstName
	}
	if more.Key != "onecard" {
		more = Phrase{Key: "hello.how"}
	}
	return hello, []Phrase{more}
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
	switch {
	case line.PutBack:
		line.Words = Phrase{Key: "fate.putback"}
	case s.lacking(e):
		line.Words = Phrase{Key: "fate.parts", N: e.Seen.Missing}
	case e.Fate == Borrowed:
		line.Words = e.due("fate.due")
	case e.Fate == Undone && e.Made == Borrowed:
		line.Words = Phrase{Key: "fate.undone.borrow"}
	case e.Fate == Undone:
		line.Words = Phrase{Key: "fate.undone.return"}
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
