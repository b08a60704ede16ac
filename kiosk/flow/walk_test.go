package flow

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"coldstation/sync/circ"
)

// TestWalk lets cards, books, fingers, slow disks and bad luck do anything in
// any order. Whatever happens: an event follows only evidence, a book is shown
// as lent or back only when the ledger says so, nothing personal stays on the
// screen at rest, and every screen has a way home.
func TestWalk(t *testing.T) { rapid.Check(t, walk) }

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
				d.send(Pressed{Action: c.Action, Who: c.Who})
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
		"slow":     func(*rapid.T) { d.hold = true },
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
		switch b := d.events[*checked].(type) {
		case circ.CheckedOut:
			if lay[b.Item] != b.Visit {
				t.Fatalf("%s was lent in visit %d and lay here in visit %d", b.Item, b.Visit, lay[b.Item])
			}
			if b.Patron.IsZero() || b.By.IsZero() {
				t.Fatalf("%s was lent to nobody", b.Item)
			}
			if b.By != b.Patron && b.Flags&circ.ByStaff == 0 && b.By != ref("Helmi") {
				t.Fatalf("%s was lent to another account by %v, who acts for nobody", b.Item, b.By)
			}
		case circ.CheckedIn:
			if lay[b.Item] != b.Visit {
				t.Fatalf("%s came back in visit %d and lay here in visit %d", b.Item, b.Visit, lay[b.Item])
			}
		case circ.Undone:
			if b.Seq == 0 || b.Seq > uint64(*checked) {
				t.Fatalf("event %d undoes event %d", *checked+1, b.Seq)
			}
			switch d.events[b.Seq-1].(type) {
			case circ.CheckedOut, circ.CheckedIn, circ.LentToHouse:
			default:
				t.Fatalf("event %d undoes a %T", *checked+1, d.events[b.Seq-1])
			}
		}
	}
	v := d.s.View()
	for _, l := range v.Lines {
		_, lent := d.loans[l.Item.ID]
		if l.Fate == Borrowed && !lent || (l.Fate == Returned || l.Fate == Boxed) && lent && !d.hold {
			t.Fatalf("%s is shown as %s and the ledger's loan is %v", l.Item.ID, l.Fate, lent)
		}
	}
	for _, p := range phrases(v) {
		if !slices.Contains(Keys, p.Key) {
			t.Fatalf("%s is no key of Keys", p.Key)
		}
	}
	if v.Screen == Welcome || v.Screen == Resting || v.Screen == StillThere {
		if len(v.Lines)+len(v.Choices) > 0 || v.Title.Name+v.Title.Title != "" {
			t.Fatalf("%s shows %v", v.Screen, v)
		}
	}
	home := v.Back || len(d.timers) > 0 || d.s.occupied() || v.Screen == Welcome || v.Screen == Resting
	if !home {
		t.Fatalf("no way home from %s", v.Screen)
	}
	if d.s.Visit.ID == 0 && (d.s.Visit.Number != "" || len(d.s.Visit.Owned) > 0) {
		t.Fatal("a number or loans of a visit that is over")
	}
	if d.s.Visit.ID != 0 && !d.s.occupied() && len(d.timers) == 0 {
		t.Fatal("a visit with nothing on the pad that no timer ends")
	}
	if d.s.occupied() {
		for timer := range d.timers {
			if timer != UndoTimer {
				t.Fatalf("timer %d runs while something lies on the pad", timer)
			}
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
