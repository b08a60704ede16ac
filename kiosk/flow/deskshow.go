package flow

import (
	"slices"

	"coldstation/sync/circ"
)

// mostLines is how many items a page of the staff lists: more than anybody turns
// through, and few enough to be laid out at once.
const mostLines = 120

// showDesk shows the staff's task.
func (s State) showDesk(v *View) {
	d := s.Desk
	v.Back = true
	switch {
	case !d.Read:
		v.Title = Phrase{Key: "moment"}
	case d.Page == Receiving:
		d.showReceiving(v)
	case d.Page == TakingOut:
		d.showTakingOut(v)
	case d.Page == Shelving:
		d.showShelving(v)
	case d.Page == ShelfWhole:
		v.Title = Phrase{Key: "shelf.whole"}
		v.Choices = []Choice{d.choice(WholeShelf, 0), d.choice(PartShelf, 0)}
	case d.Page == ShelfResult:
		d.showResult(v)
	case d.Page == ShelfGroup:
		d.showGroup(v)
	case d.Page == Boxes:
		d.showBoxes(v)
	case d.Page == DeskDone:
		v.Title, v.Text = d.Done, []Phrase{{Key: "desk.done.how"}}
	}
	if d.Failed {
		v.Title, v.Text = Phrase{Key: "desk.failed"}, []Phrase{{Key: "desk.failed.how"}}
	}
	v.Lines = v.Lines[:min(len(v.Lines), mostLines)]
}

func (d *Desk) choice(a Action, n int) Choice {
	return Choice{Action: a, Words: Phrase{Key: string(a), N: n}}
}

func (h Handled) line() Line {
	l := Line{Item: h.Seen.Item, Fate: h.Fate, Words: Phrase{Key: "fate." + h.Fate.String()}}
	switch h.Fate {
	case Keep:
		l.Words.Key = "fate.unsaved"
	case LentHere:
		l.Button = Button{Action: TakeBack, Item: h.Seen.Item.ID}
	}
	return l
}

// lines are the items of the desk with one of the fates, the newest first.
func (d *Desk) lines(fates ...Fate) (lines []Line) {
	for _, h := range slices.Backward(d.Items) {
		if slices.Contains(fates, h.Fate) {
			lines = append(lines, h.line())
		}
	}
	return lines
}

func withoutButtons(lines []Line) []Line {
	for i := range lines {
		lines[i].Button = Button{}
	}
	return lines
}

// untouched are items of a list that nobody has seen.
func untouched(items []circ.Item, fate Fate) (lines []Line) {
	for _, item := range items {
		lines = append(lines, Line{Item: item, Fate: fate, Words: Phrase{Key: "fate." + fate.String()}})
	}
	return lines
}

// showReceiving puts first what differs from the list, and then what came last.
func (d *Desk) showReceiving(v *View) {
	c, n := d.Boxing.chosen(), d.tally()
	if d.Boxing.choosing() && len(d.Items) == 0 {
		v.Title, v.Text = Phrase{Key: "receive.which"}, []Phrase{{Key: "receive.which.how"}}
		for _, c := range d.Boxing.All {
			choice := Choice{Action: ThisBox, List: c.ID, Words: Phrase{Key: string(ThisBox), Title: c.Title}}
			if c.Title == "" {
				choice.Words.Title = c.ID
			}
			v.Choices = append(v.Choices, choice)
		}
		return
	}
	switch {
	case len(n.seen)+len(n.extra) == 0:
		v.Title, v.Text = Phrase{Key: "receive", N: len(c.Items)}, []Phrase{{Key: "receive.how"}}
		if len(c.Items) == 0 {
			v.Title = Phrase{Key: "receive.open"}
		}
	case len(c.Items) == 0:
		v.Title, v.Text = Phrase{Key: "receive.some", N: len(n.seen)}, []Phrase{{Key: "receive.some.how"}}
	case len(n.missing) == 0 && len(n.extra) == 0:
		v.Title, v.Text = Phrase{Key: "receive.all", N: len(n.seen)}, []Phrase{{Key: "receive.all.how"}}
	default:
		v.Title = Phrase{Key: "receive.seen", N: len(n.seen), Of: len(c.Items)}
		if len(n.missing) > 0 {
			v.Text = append(v.Text, Phrase{Key: "receive.missing", N: len(n.missing)})
		}
		if len(n.extra) > 0 {
			v.Text = append(v.Text, Phrase{Key: "receive.extra", N: len(n.extra)})
		}
	}
	v.Lines = withoutButtons(d.lines(Keep, LentHere, Astray, Extra, Saving))
	var missing []circ.Item
	for _, item := range c.Items {
		if h := d.item(item.ID); h == nil {
			missing = append(missing, item)
		}
	}
	v.Lines = append(v.Lines, untouched(missing, Sought)...)
	for _, h := range slices.Backward(d.Items) {
		if h.Fate != Arrived {
			continue
		}
		l := h.line()
		if h.List != c.ID {
			l.Fate, l.Words = OtherBox, Phrase{Key: "fate." + OtherBox.String()}
		}
		v.Lines = append(v.Lines, l)
	}
	if d.acceptable() {
		v.Buttons = append(v.Buttons, Button{Action: Accept, Main: true})
	}
}

func (d *Desk) showTakingOut(v *View) {
	here, lent := d.sought()
	n := d.removed()
	v.Title = Phrase{Key: "takeout.seen", N: n, Of: n + len(here)}
	v.Text = []Phrase{{Key: "takeout.how"}}
	switch {
	case len(d.Wanted) == 0 && len(d.Items) == 0:
		v.Title, v.Text = Phrase{Key: "takeout.none"}, nil
	case len(here) == 0 && n > 0:
		v.Title, v.Text = Phrase{Key: "takeout.all", N: n}, nil
	case n == 0:
		v.Title = Phrase{Key: "takeout", N: len(here)}
	}
	if len(lent) > 0 && len(here) == 0 {
		v.Text = append(v.Text, Phrase{Key: "takeout.lent", N: len(lent)})
	}
	items := func(wanted []Wanted) (items []circ.Item) {
		for _, w := range wanted {
			if h := d.item(w.Item.ID); h == nil {
				items = append(items, w.Item)
			}
		}
		return items
	}
	v.Lines = append(d.lines(Keep, Saving, Stays), untouched(items(here), Sought)...)
	v.Lines = append(append(v.Lines, untouched(items(lent), Away)...), d.lines(Removed)...)
	if n > 0 {
		action := EnoughOut
		v.Buttons = append(v.Buttons, Button{Action: action, Main: true})
	}
}

// showShelving shows the newest of what was counted, below what somebody has to see.
func (d *Desk) showShelving(v *View) {
	const newest = 12
	n := len(d.Items) - d.among(Saving) - d.among(Keep)
	v.Title, v.Text = Phrase{Key: "shelf.counted", N: n}, []Phrase{{Key: "shelf.how"}}
	if n == 0 {
		v.Title = Phrase{Key: "shelf"}
	}
	v.Lines = withoutButtons(d.lines(Keep, LentHere, Astray)) // there is time for that in the end
	present := d.lines(Present, Saving, Returned)
	v.Lines = append(v.Lines, present[:min(len(present), newest)]...)
	if d.countable() {
		v.Buttons = append(v.Buttons, Button{Action: AllCounted, Main: true})
	}
}

func (d *Desk) showResult(v *View) {
	missing, lent, astray := len(d.missing()), d.among(LentHere), d.among(Astray)
	v.Title = Phrase{Key: "shelf.result", N: len(d.Items) - d.among(Keep)}
	v.Text = []Phrase{{Key: "shelf.result.how"}}
	for _, group := range []struct {
		action Action
		n      int
	}{{ShowMissing, missing}, {ShowLent, lent}, {ShowAstray, astray}} {
		if group.n > 0 {
			v.Choices = append(v.Choices, d.choice(group.action, group.n))
		}
	}
	if len(v.Choices) == 0 {
		v.Text = []Phrase{{Key: "shelf.result.right"}}
	}
	if d.countable() {
		v.Buttons = append(v.Buttons, Button{Action: SendCount, Main: true})
	}
}

func (d *Desk) showGroup(v *View) {
	switch d.Group {
	case ShowMissing:
		v.Lines = untouched(d.missing(), Sought)
	case ShowLent:
		v.Lines = d.lines(LentHere, Returned, Keep, Saving)
		v.Text = []Phrase{{Key: "shelf.lent.how"}}
	case ShowAstray:
		v.Lines = d.lines(Astray)
		v.Text = []Phrase{{Key: "shelf.astray.how"}}
	}
	v.Title = Phrase{Key: string(d.Group), N: len(v.Lines)}
}

// showBoxes says where each book in the box belongs, as far as that is known.
func (d *Desk) showBoxes(v *View) {
	v.Title, v.Text = Phrase{Key: "boxes", N: len(d.Boxed)}, []Phrase{{Key: "boxes.how"}}
	if len(d.Boxed) == 0 {
		v.Title, v.Text = Phrase{Key: "boxes.none"}, nil
		return
	}
	v.Lines = untouched(d.Boxed, Astray)
	for i := range v.Lines {
		if home := v.Lines[i].Item.Home; home != "" {
			v.Lines[i].Words = Phrase{Key: "fate.astray.home", Name: string(home)}
		}
	}
	if !d.saving() {
		v.Buttons = append(v.Buttons, Button{Action: BoxEmptied, Main: true})
	}
}
