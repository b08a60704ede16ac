package flow

import (
	"flag"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"coldstation/sync/circ"
)

// TestWalk lets cards, books, fingers, slow disks and bad luck do anything in
// any order. Whatever happens: an event follows only evidence, a book is shown
// as lent or back only when the ledger says so, nothing personal stays on the
// screen at rest, and every screen has a way home. A run takes more and longer walks
// than rapid's own hundred, which miss one fault in two.
func TestWalk(t *testing.T) { walking(t, "1000", walk) }

func walking(t *testing.T, checks string, walk func(*rapid.T)) {
	for name, want := range map[string]string{"rapid.checks": checks, "rapid.steps": "60"} {
		if f := flag.Lookup(name); f.Value.String() == f.DefValue {
			if err := flag.Set(name, want); err != nil {
				t.Fatal(err)
			}
			defer flag.Set(name, f.DefValue)
		}
	}
	rapid.Check(t, walk)
}

func walk(t *rapid.T) {
	d := newDesk(t, func(r *Rules) {
		r.House, r.Secret, r.Tiles = true, rapid.Bool().Draw(t, "secret"), Tiles(rapid.IntRange(0, 2).Draw(t, "tiles"))
	})
	d.numbers[ref("Helmi")] = "25"
	d.tiles("Helmi", "Veikko")
	books := []circ.ItemID{"A", "B", "C"}
	people := []string{"Helmi", "Veikko", "stranger"}
	lay := map[circ.ItemID]circ.VisitID{} // the last visit in which the book lay here
	checked := 0
	steps := map[string]func(*rapid.T){
		"put":  func(t *rapid.T) { d.put(rapid.SampledFrom(books).Draw(t, "book")) },
		"lift": func(t *rapid.T) { d.lift(rapid.SampledFrom(books).Draw(t, "book")) },
		"show": func(t *rapid.T) {
			c := card(rapid.SampledFrom(people).Draw(t, "person"))
			c.Known = c.Ref != ref("stranger")
			d.send(c)
		},
		"show an agent": func(t *rapid.T) {
			c := agent(circ.Scopes(rapid.IntRange(0, 31).Draw(t, "scopes")))
			c.Secret, c.Recalls = rapid.Bool().Draw(t, "number"), rapid.Bool().Draw(t, "recalls")
			d.send(c)
		},
		"show staff": func(*rapid.T) { d.send(nurse()) },
		"take staff": func(*rapid.T) { d.take("Nurse") },
		"choose": func(t *rapid.T) {
			if choices := d.s.View().Choices; len(choices) > 0 {
				c := rapid.SampledFrom(choices).Draw(t, "choice")
				d.send(Pressed{Action: c.Action, Who: c.Who, List: c.List})
			}
		},
		"digit": func(t *rapid.T) {
			d.send(Pressed{Action: Digit, Digit: rapid.SampledFrom([]byte("25x")).Draw(t, "digit")})
		},
		"look": func(t *rapid.T) {
			if rows := d.s.View().Rows; len(rows) > 0 {
				row := rapid.SampledFrom(rows).Draw(t, "row")
				d.send(LookChosen{rapid.SampledFrom(row.Options).Draw(t, "option").Look})
			}
		},
		"answer late": func(t *rapid.T) {
			d.send(rapid.SampledFrom([]Msg{
				Unlocked{Ref: ref("Helmi"), Right: true}, LoansRead{Ref: ref("Veikko")}, Recalled{"A", true}, Recorded{Ticket: 999},
			}).Draw(t, "answer"))
		},
		"take": func(t *rapid.T) { d.take(rapid.SampledFrom(people).Draw(t, "person")) },
		"foreign": func(*rapid.T) {
			d.send(ItemSeen{Token: "tag F", Item: circ.Item{ID: "F"}, Foreign: true})
		},
		"put a part": func(t *rapid.T) {
			m := d.book("S")
			m.Missing = rapid.IntRange(0, 2).Draw(t, "missing")
			m.Token = rapid.SampledFrom([]Token{"tag S", "tag S2"}).Draw(t, "part")
			d.send(m)
		},
		"lift a part": func(t *rapid.T) {
			d.send(Lifted{rapid.SampledFrom([]Token{"tag S", "tag S2"}).Draw(t, "part"), rapid.IntRange(0, 2).Draw(t, "missing")})
		},
		"lift foreign": func(*rapid.T) { d.lift("F") },
		"strange":      func(*rapid.T) { d.send(StrangeSeen{"x"}) },
		"lift strange": func(*rapid.T) { d.send(Lifted{Token: "x"}) },
		"touch": func(t *rapid.T) {
			v := d.s.View()
			buttons := slices.Clone(v.Buttons)
			for _, l := range v.Lines {
				buttons = append(buttons, l.Button)
			}
			buttons = append(buttons, Button{Action: Back}, Button{Action: Help}, Button{Action: "nonsense"}, Button{Action: UndoThis, Item: "C"},
				Button{Action: Looks}, Button{Action: Measure}, Button{Action: ForHouse}, Button{Action: NoCard}, Button{Action: MyLoans})
			b := rapid.SampledFrom(buttons).Draw(t, "button")
			d.send(Pressed{Action: b.Action, Item: b.Item})
		},
		"language": func(*rapid.T) { d.send(LanguageChosen{"sv"}) },
		"wait":     func(t *rapid.T) { d.wait(time.Duration(rapid.IntRange(1, 200).Draw(t, "seconds")) * time.Second) },
		"moment":   func(t *rapid.T) { d.wait(time.Duration(rapid.IntRange(1, 900).Draw(t, "ms")) * time.Millisecond) },
		"slow":     func(*rapid.T) { d.hold, d.slow = true, true },
		"release":  func(*rapid.T) { d.release() },
		"disk":     func(t *rapid.T) { d.full = rapid.Bool().Draw(t, "full") },
		"edge":     func(t *rapid.T) { d.far = rapid.Bool().Draw(t, "far") },
		"unplug":   func(*rapid.T) { d.send(PadLost{}) },
		"plug":     func(*rapid.T) { d.send(PadBack{}) },
		"":         func(t *rapid.T) { look(t, d, lay, &checked) },
	}
	t.Repeat(steps)

	// A way home from wherever this is: the pad cleared, and nobody there.
	d.full, d.far = false, false
	d.release().send(PadBack{})
	for len(d.s.Pad) > 0 {
		d.send(Lifted{Token: d.s.Pad[0].Token})
	}
	d.wait(10 * time.Minute)
	if v := d.s.View(); v.Screen != Welcome || d.s.Look != d.s.Rules.Look || len(d.s.Past) > 0 {
		t.Fatalf("ten minutes after everybody left the screen is %s, the look %v, unsaved %d", v.Screen, d.s.Look, len(d.s.Past))
	}
}

func look(t *rapid.T, d *desk, lay map[circ.ItemID]circ.VisitID, checked *int) {
	for _, thing := range d.s.Pad {
		if thing.Card == nil && !thing.Left && d.s.Visit.ID != 0 {
			lay[thing.Item.ID] = d.s.Visit.ID
		}
	}
	for ; *checked < len(d.events); *checked++ {
		evidence(t, d, lay, *checked)
	}
	v := d.s.View()
	for _, l := range v.Lines {
		_, lent := d.loans[l.Item.ID]
		if l.Fate == Borrowed && !lent || (l.Fate == Returned || l.Fate == Boxed) && lent && !d.hold {
			t.Fatalf("%s is shown as %s and the ledger's loan is %v", l.Item.ID, l.Fate, lent)
		}
	}
	if len(v.Text) > 2 {
		t.Fatalf("%s says %d sentences below its title: that is not calm", v.Screen, len(v.Text))
	}
	for _, p := range phrases(v) {
		if !slices.Contains(Keys, p.Key) {
			t.Fatalf("%s is no key of Keys", p.Key)
		}
	}
	wayHome(t, d.s, d.at)
	impersonal(t, d.s)
	if d.s.Visit.ID != 0 && !d.s.occupied() && len(d.timers) == 0 {
		t.Fatal("a visit with nothing on the pad that no timer ends")
	}
	if d.s.occupied() {
		for timer := range d.timers {
			if timer != UndoTimer && timer != WipeTimer && !d.s.staffed() {
				t.Fatalf("timer %d runs while something lies on the pad", timer)
			}
		}
	}
}

// evidence wants an event to follow from what was seen and touched in its visit.
func evidence(t *rapid.T, d *desk, lay map[circ.ItemID]circ.VisitID, i int) {
	lain := func(what string, item circ.ItemID, visit circ.VisitID) {
		if lay[item] != visit {
			t.Fatalf("%s %s in visit %d and lay here in visit %d", item, what, visit, lay[item])
		}
	}
	switch b := d.events[i].(type) {
	case circ.CheckedOut:
		lain("was lent", b.Item, b.Visit)
		if b.Patron.IsZero() || b.By.IsZero() {
			t.Fatalf("%s was lent to nobody", b.Item)
		}
		if !d.may(b) {
			t.Fatalf("event %d: %s was lent to %v by %v, and nothing in the visit says that they may", i+1, b.Item, b.Patron, b.By)
		}
	case circ.LentToHouse:
		lain("went into use in the house", b.Item, b.Visit)
		if !d.answers[answered{b.Visit, circ.Ref{}}] {
			t.Fatalf("%s went into use in the house, and nobody asked for it", b.Item)
		}
	case circ.CheckedIn:
		lain("came back", b.Item, b.Visit)
	case circ.Renewed:
		if !slices.ContainsFunc(d.events[:i], func(body circ.EventBody) bool {
			out, is := body.(circ.CheckedOut)
			return is && out.Item == b.Item && out.Patron == b.Patron
		}) {
			t.Fatalf("%s was renewed for %v, who never had it", b.Item, b.Patron)
		}
	case circ.Undone:
		if b.Seq == 0 || b.Seq > uint64(i) {
			t.Fatalf("event %d undoes event %d", i+1, b.Seq)
		}
		// With a slow ledger the two minutes run from when it was said.
		if age := d.when[i] - d.when[b.Seq-1]; age >= d.s.Rules.Undo && !d.slow {
			t.Fatalf("event %d undoes one of %s before", i+1, age)
		}
		if slices.ContainsFunc(d.events[:i], func(body circ.EventBody) bool { return body == circ.EventBody(b) }) {
			t.Fatalf("event %d undoes once more what was undone", i+1)
		}
		switch d.events[b.Seq-1].(type) {
		case circ.CheckedOut, circ.CheckedIn, circ.LentToHouse:
		default:
			t.Fatalf("event %d undoes a %T", i+1, d.events[b.Seq-1])
		}
	}
}

// wayHome wants the screen to lead home: by Back from whatever was opened, and by
// itself once nothing lies there, though nothing is answered and nobody touches it.
func wayHome(t *rapid.T, s State, at Moment) {
	v := s.View()
	if opened := v.Screen == s.Page && v.Screen != Welcome && v.Screen != Wiping; opened && !v.Back { // a cloth would press it
		t.Fatalf("no Back on %s, which was opened by a touch", v.Screen)
	}
	later := func(by time.Duration) Moment {
		at.Up, at.Wall = at.Up+by, at.Wall.Add(by)
		return at
	}
	if v.Back {
		back, _ := Step(s, later(time.Second), Pressed{Action: Back})
		if now := back.View(); now.Screen == v.Screen {
			t.Fatalf("Back leads from %s to %s", v.Screen, now.Screen)
		}
	}
	s, _ = Step(s, later(time.Second), PadBack{})
	for len(s.Pad) > 0 {
		s, _ = Step(s, later(time.Second), Lifted{Token: s.Pad[0].Token})
	}
	for range 6 {
		for timer, due := range s.deadlines() {
			if due != 0 {
				s, _ = Step(s, later(max(0, due-at.Up)), Fired{Timer(timer)})
			}
		}
	}
	if now := s.View(); now.Screen != Welcome || s.Visit.ID != 0 {
		t.Fatalf("nobody is there any more, and %s leads to %s and no further", v.Screen, now.Screen)
	}
}

// impersonal wants nothing of a person where no visit is, nor where everybody may
// look: names are only those of who agreed to be found by theirs.
func impersonal(t *rapid.T, s State) {
	v := s.View()
	if s.Visit.ID == 0 && s.Desk != nil || s.Desk != nil && !s.staffed() {
		t.Fatalf("the desk is open, and no staff is there")
	}
	if s.Visit.ID == 0 && !reflect.DeepEqual(s.Visit, Visit{}) {
		t.Fatalf("a visit that is over leaves %+v", s.Visit)
	}
	if s.Visit.ID != 0 && v.Screen != Resting && v.Screen != StillThere || v.Screen == Naming {
		return
	}
	if len(v.Lines)+len(v.Choices) > 0 {
		t.Fatalf("%s shows %v", v.Screen, v)
	}
	for _, p := range phrases(v) {
		if p.Name != "" || p.Title != "" {
			t.Fatalf("%s shows %v", v.Screen, p)
		}
	}
}

func phrases(v View) []Phrase {
	all := append([]Phrase{v.Title}, v.Text...)
	for _, c := range v.Choices {
		all = append(all, c.Words)
	}
	for _, s := range v.Signs {
		all = append(all, s.Words)
	}
	for _, r := range v.Rows {
		all = append(all, r.Words)
		for _, o := range r.Options {
			all = append(all, o.Words)
		}
	}
	for _, b := range v.Buttons {
		all = append(all, b.Words)
	}
	for _, l := range v.Lines {
		all = append(all, l.Words)
		if l.Note.Key != "" {
			all = append(all, l.Note)
		}
		if l.Button.Action != "" {
			all = append(all, l.Button.Words)
		}
	}
	return all
}
