package flow

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"coldstation/sync/circ"
)

// readDesk is what a station would tell a page of the staff: of consignments, what its
// events say.
func (d *desk) readDesk(page Screen) DeskRead {
	m := DeskRead{Page: page}
	checked := map[string]bool{}
	placed := map[string][]circ.ItemID{}
	for _, body := range d.events {
		switch b := body.(type) {
		case circ.Placed:
			placed[b.Consignment] = append(placed[b.Consignment], b.Item)
		case circ.ConsignmentChecked:
			checked[b.Consignment] = true
		}
	}
	for _, c := range d.consignments {
		if checked[c.ID] {
			continue
		}
		for _, id := range placed[c.ID] {
			if c.holds(id) {
				c.Seen = append(c.Seen, id)
			} else {
				c.Extra = append(c.Extra, d.book(id).Item)
			}
		}
		m.Consignments = append(m.Consignments, c)
	}
	for _, w := range d.wanted {
		if !slices.ContainsFunc(d.events, func(body circ.EventBody) bool {
			out, is := body.(circ.TakenOut)
			return is && out.Item == w.Item.ID
		}) {
			_, w.Lent = d.loans[w.Item.ID]
			m.Wanted = append(m.Wanted, w)
		}
	}
	for _, id := range d.counted {
		m.Counted = append(m.Counted, d.book(id))
	}
	m.Shelf = d.shelf
	for _, body := range d.events {
		if in, is := body.(circ.CheckedIn); is && !in.Belongs {
			m.Boxed = append(m.Boxed, circ.Item{ID: in.Item, Home: "birch-house"})
		}
	}
	return m
}

// on tells of a consignment.
func (d *desk) on(id string, items ...circ.ItemID) *desk {
	c := Consignment{ID: id}
	for _, item := range items {
		c.Items = append(c.Items, d.book(item).Item)
	}
	d.consignments = append(d.consignments, c)
	return d
}

func (d *desk) want(list string, items ...circ.ItemID) *desk {
	for _, id := range items {
		d.wanted = append(d.wanted, Wanted{Item: d.book(id).Item, List: list})
	}
	return d
}

// nursing is a station at which the nurse's card lies.
func nursing(t *testing.T) *desk { return newDesk(t).send(nurse()).wantSees("staffing") }

// astray is a book of another house.
func (d *desk) astray(id circ.ItemID) *desk {
	d.t.Helper()
	m := d.book(id)
	m.Item.Home = "birch-house"
	return d.send(m)
}

// chose presses a choice.
func (d *desk) chose(m Pressed) *desk {
	d.t.Helper()
	if !slices.ContainsFunc(d.s.View().Choices, func(c Choice) bool { return c.Action == m.Action && c.List == m.List }) {
		d.t.Errorf("%s does not offer %+v", d.s.View().Screen, m)
	}
	return d.wait(time.Second).send(m)
}

func TestReceive(t *testing.T) {
	for _, c := range []struct {
		name  string
		play  func(d *desk)
		story string
		sees  string
		title string
	}{
		{
			"all of it",
			func(d *desk) { d.on("K", "A", "B").press(Receive).put("A", "B") },
			`A placed with "K" by Nurse, B placed with "K" by Nurse`,
			"receiving, B arrived, A arrived", "receive.all",
		}, {
			"accepted with differences",
			func(d *desk) { d.on("K", "A", "B", "C").press(Receive).put("A", "B", "X").press(Accept) },
			`A placed with "K" by Nurse, B placed with "K" by Nurse, X placed with "K" by Nurse, "K" checked by Nurse: [A B] seen, [C] missing, [X] extra`,
			"desk-done", "receive.done",
		}, {
			"the stack before the finger",
			func(d *desk) { d.on("K", "A", "B").put("A", "B").press(Receive) },
			`A placed with "K" by Nurse, B placed with "K" by Nurse`,
			"receiving, B arrived, A arrived", "receive.all",
		}, {
			"the same stack twice",
			func(d *desk) {
				d.on("K", "A", "B").press(Receive).put("A").lift("A").put("A", "B").lift("A", "B").put("B")
			},
			`A placed with "K" by Nurse, B placed with "K" by Nurse`,
			"receiving, B arrived, A arrived", "receive.all",
		}, {
			"later, after another visit",
			func(d *desk) {
				d.on("K", "A", "B").press(Receive).put("A").lift("A").press(Back).take("Nurse").wait(5 * time.Minute).wantSees("welcome")
				d.send(nurse()).press(Receive).wantSees("receiving, B sought, A arrived").put("B").press(Accept)
			},
			`A placed with "K" by Nurse, B placed with "K" by Nurse, "K" checked by Nurse: [A B] seen, [] missing, [] extra`,
			"desk-done", "receive.done",
		}, {
			"two boxes mixed",
			func(d *desk) {
				d.on("K", "A", "B").on("L", "C", "D").press(Receive).wantSees("receiving").wantTitle("receive.which")
				d.put("A", "C", "B", "D").wantSees("receiving, D other-box, B arrived, C other-box, A arrived").press(Accept).wantTitle("receive.all").press(Accept)
			},
			`A placed with "K" by Nurse, C placed with "L" by Nurse, B placed with "K" by Nurse, D placed with "L" by Nurse, ` +
				`"K" checked by Nurse: [A B] seen, [] missing, [] extra, "L" checked by Nurse: [C D] seen, [] missing, [] extra`,
			"desk-done", "receive.done",
		}, {
			"the box is touched",
			func(d *desk) {
				d.on("K", "A").on("L", "B").press(Receive).chose(Pressed{Action: ThisBox, List: "L"}).put("B", "A")
			},
			`B placed with "L" by Nurse, A placed with "K" by Nurse`,
			"receiving, A other-box, B arrived", "receive.all",
		}, {
			"the box's label",
			func(d *desk) { d.on("K", "A").on("L", "B").press(Receive).send(BoxSeen{"L"}).put("B") },
			`B placed with "L" by Nurse`, "receiving, B arrived", "receive.all",
		}, {
			"the label at the staff's page",
			func(d *desk) { d.on("K", "A").on("L", "B").send(BoxSeen{"L"}).wantSees("receiving, B sought").put("B") },
			`B placed with "L" by Nurse`, "receiving, B arrived", "receive.all",
		}, {
			"a box that nobody told of",
			func(d *desk) { d.press(Receive).send(BoxSeen{"Z"}).put("A", "B").press(Accept) },
			`A placed with "Z" by Nurse, B placed with "Z" by Nurse, "Z" checked by Nurse: [A B] seen, [] missing, [] extra`,
			"desk-done", "receive.done",
		}, {
			"no label and nobody told",
			func(d *desk) {
				d.press(Receive).wantTitle("receive.open").put("A").wantTitle("receive.some").press(Accept)
			},
			`A placed with "" by Nurse, "" checked by Nurse: [A] seen, [] missing, [] extra`,
			"desk-done", "receive.done",
		}, {
			"a book that belongs elsewhere",
			func(d *desk) { d.on("K", "A").press(Receive).put("A").astray("E") },
			`A placed with "K" by Nurse, E back from nobody to the box`,
			"receiving, E astray, A arrived", "receive.seen",
		}, {
			"on loan here, and in the box",
			func(d *desk) { d.lent("A", "Helmi").on("K", "A").press(Receive).put("A").wantTag("A", Secured) },
			`A back from Helmi, A placed with "K" by Nurse`,
			"receiving, A arrived", "receive.all",
		}, {
			"on loan, here, and in no box",
			func(d *desk) {
				d.lent("X", "Helmi").on("K", "A").press(Receive).put("X").wantStory("").wantSees("receiving, X lent-here, A sought").press(Accept)
			},
			`"K" checked by Nurse: [] seen, [A] missing, [X] extra`, "desk-done", "receive.done",
		}, {
			"a full disk, and then not",
			func(d *desk) {
				d.full = true
				d.on("K", "A").press(Receive).put("A").wantSees("receiving, A keep").lift("A")
				d.full = false
				d.put("A").press(Accept)
				d.full = true
			},
			`A placed with "K" by Nurse, "K" checked by Nurse: [A] seen, [] missing, [] extra`, "desk-done", "receive.done",
		}, {
			"a full disk at the end",
			func(d *desk) {
				d.on("K", "A").press(Receive).put("A")
				d.full = true
				d.press(Accept)
			},
			`A placed with "K" by Nurse`, "receiving, A arrived", "desk.failed",
		}, {
			"a resident's card in the middle",
			func(d *desk) {
				d.on("K", "A", "B").press(Receive).put("A").show("Helmi").wantSees("leftover, A left")
				d.put("B")
			},
			`A placed with "K" by Nurse, B to Helmi`, "visiting, B borrowed, A left", "borrowed",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := nursing(t)
			c.play(d)
			d.wantStory(c.story).wantSees(c.sees).wantTitle(c.title)
		})
	}
}

func TestTakeOut(t *testing.T) {
	d := nursing(t).lent("C", "Helmi").want("R", "A", "B", "C").press(TakeOut).wantTitle("takeout").wantSees("taking-out, A sought, B sought, C away")
	d.put("A", "X").wantTitle("takeout.seen").wantSees("taking-out, X stays, B sought, C away, A removed")
	for _, l := range d.s.View().Lines {
		if l.Item.ID == "C" && (l.Words.Name != "" || l.Note.Name != "") {
			t.Errorf("says who has it: %+v", l)
		}
	}
	// Later on, and then the one that was on loan lies here too.
	d.press(EnoughOut).wantSees("desk-done").press(Back).press(TakeOut).wantSees("taking-out, B sought, C away")
	d.put("B").wantTitle("takeout.all").put("C").press(EnoughOut).press(Back).press(TakeOut).wantTitle("takeout.none")
	d.wantStory(`A taken out for "R" by Nurse, B taken out for "R" by Nurse, C back from Helmi, C taken out for "R" by Nurse`)
}

func TestCount(t *testing.T) {
	count := func(t *testing.T) *desk {
		d := nursing(t).lent("L", "Helmi")
		for _, id := range []circ.ItemID{"A", "B", "M"} {
			d.shelf = append(d.shelf, d.book(id).Item)
		}
		return d.press(CountShelf).wantTitle("shelf")
	}
	t.Run("the whole shelf", func(t *testing.T) {
		d := count(t).put("A", "B", "L").lift("A", "B", "L").astray("E").wantTitle("shelf.counted").press(AllCounted)
		d.chose(Pressed{Action: WholeShelf}).wantSees("shelf-result")
		var got []string
		for _, c := range d.s.View().Choices {
			got = append(got, fmt.Sprint(c.Action, " ", c.Words.N))
		}
		if want := []string{"action.missing 1", "action.lent 1", "action.astray 1"}; !slices.Equal(got, want) {
			t.Errorf("the result is %v, want %v", got, want)
		}
		d.chose(Pressed{Action: ShowMissing}).wantSees("shelf-group, M sought").press(Back)
		d.chose(Pressed{Action: ShowLent}).wantSees("shelf-group, L lent-here").press(Back)
		d.press(SendCount).wantSees("desk-done").wantStory("counted by Nurse: [A B E L], whole true")
		if d.counted != nil || len(d.loans) != 1 {
			t.Errorf("counted goes on with %v; loans %v, want the one", d.counted, d.loans)
		}
	})
	t.Run("taken back", func(t *testing.T) {
		d := count(t).put("L").press(AllCounted).chose(Pressed{Action: PartShelf}).chose(Pressed{Action: ShowLent})
		d.press(TakeBack, "L").wantSees("shelf-group, L returned").wantTag("L", Secured).press(Back).press(SendCount)
		d.wantStory("L back from Helmi, counted by Nurse: [L], whole false")
		if in := d.events[0].(circ.CheckedIn); in.Flags&circ.ByStaff == 0 || !in.Belongs {
			t.Errorf("taken back as %+v", in)
		}
	})
	t.Run("a pause", func(t *testing.T) {
		d := count(t).put("A").lift("A").take("Nurse").wait(5 * time.Minute).wantSees("welcome").wantStory("")
		d.send(nurse()).press(CountShelf).wantSees("shelving, A present").put("B").press(AllCounted).chose(Pressed{Action: WholeShelf}).press(SendCount)
		d.wantStory("counted by Nurse: [A B], whole true")
	})
	t.Run("one more after all", func(t *testing.T) {
		count(t).put("A").press(AllCounted).chose(Pressed{Action: WholeShelf}).put("B").wantSees("shelving, B present, A present")
	})
	t.Run("two thousand", func(t *testing.T) {
		d := count(t)
		for i := range 2000 {
			id := circ.ItemID(fmt.Sprintf("16201%06d", i))
			d.put(id)
			d.s.Pad = d.s.Pad[:1]
		}
		d.press(AllCounted).chose(Pressed{Action: PartShelf}).press(SendCount).wantSees("desk-done")
		if sent := d.events[0].(circ.ShelfCounted); len(sent.Seen) != 2000 || circ.CheckEvent(sent) != nil {
			t.Errorf("%d items were sent, %v", len(sent.Seen), circ.CheckEvent(sent))
		}
	})
}

func TestBox(t *testing.T) {
	d := newDesk(t).astray("E").lift("E").wait(time.Minute).wantStory("E back from nobody to the box")
	d.send(nurse()).press(SortBox).wantSees("boxes, E astray").press(BoxEmptied).wantSees("desk-done")
	d.wantStory(`E back from nobody to the box, E taken out for "" by Nurse`)
}

// TestStaffTouches counts what a task needs beside the books.
func TestStaffTouches(t *testing.T) {
	for _, c := range []struct {
		name string
		most int
		play func(d *desk, press func(Action))
	}{
		{"receive", 3, func(d *desk, press func(Action)) {
			d.on("K", "A", "B", "C").on("L", "D")
			press(Receive)
			d.put("A", "B", "X")
			press(Accept)
		}},
		{"take out", 3, func(d *desk, press func(Action)) {
			d.want("R", "A", "B")
			press(TakeOut)
			d.put("A")
			press(EnoughOut)
		}},
		{"count", 4, func(d *desk, press func(Action)) {
			d.lent("L", "Helmi")
			press(CountShelf)
			d.put("A", "B", "L")
			press(AllCounted)
			press(WholeShelf)
			press(SendCount)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, n := nursing(t), 0
			c.play(d, func(a Action) { n++; d.press(a) })
			if d.wantSees("desk-done"); n > c.most {
				t.Errorf("%d touches, at most %d", n, c.most)
			}
		})
	}
}

// TestLeftOpen: a staff side that was left open closes, with the card on the pad or
// without, and with whatever lies there; what was counted is kept.
func TestLeftOpen(t *testing.T) {
	for name, leave := range map[string]func(d *desk){
		"all lies there":  func(*desk) {},
		"only the card":   func(d *desk) { d.lift("A") },
		"only the book":   func(d *desk) { d.take("Nurse") },
		"nothing":         func(d *desk) { d.lift("A").take("Nurse") },
		"asked and mute":  func(d *desk) { d.wait(10 * time.Minute).wantSees("still-there") },
		"at its question": func(d *desk) { d.press(AllCounted) },
	} {
		t.Run(name, func(t *testing.T) {
			d := nursing(t).press(CountShelf).put("A")
			leave(d)
			d.wait(11 * time.Minute).wantSees("welcome")
			if d.s.Desk != nil || !slices.Equal(d.counted, []circ.ItemID{"A"}) {
				t.Errorf("left behind: %+v, counted %v", d.s.Desk, d.counted)
			}
			d.press(AllCounted).press(SendCount).wantStory("")
		})
	}
	t.Run("somebody is there", func(t *testing.T) {
		d := nursing(t).press(CountShelf).put("A").wait(10 * time.Minute).wantSees("still-there")
		d.wait(20 * time.Second).send(Touched{}).wait(5 * time.Minute).wantSees("shelving, A present")
	})
}

// TestShutDesk: nothing but the staff's card, with its number, opens anything.
func TestShutDesk(t *testing.T) {
	actions := []Action{Receive, TakeOut, CountShelf, SortBox, Accept, EnoughOut, AllCounted, WholeShelf, SendCount, TakeBack, BoxEmptied, ThisBox}
	try := func(d *desk) {
		for _, a := range actions {
			d.wait(time.Second).send(Pressed{Action: a, Item: "A"})
		}
		d.send(BoxSeen{"K"})
		if d.s.Desk != nil {
			d.t.Errorf("the desk is open: %+v", d.s.Desk)
		}
	}
	d := newDesk(t).on("K", "A")
	try(d)
	try(d.put("A"))
	try(d.show("Helmi"))
	try(d.take("Helmi").wait(time.Minute))
	locked := nurse()
	locked.Secret = true
	d = newDesk(t).on("K", "A")
	d.numbers[ref("Nurse")] = "4711"
	try(d.send(locked).wantSees("unlocking"))
	try(d.key("1234").wantTitle("secret.wrong"))
	d.key("4711").wantSees("staffing").press(Receive).wantSees("receiving, A sought")
}

// TestStaffWalk lets the staff, residents, books, boxes, slow and full disks do anything
// in any order. Whatever happens: nothing of the staff's is recorded unless their card
// opened the desk; an item is shown as received, taken out or counted only when that is
// durable; a consignment's check holds what was placed; and all leads home.
func TestStaffWalk(t *testing.T) { walking(t, "300", staffWalk) }

func staffWalk(t *rapid.T) {
	d := newDesk(t, func(r *Rules) { r.House, r.Tiles, r.Speech = true, StaffTiles, rapid.Bool().Draw(t, "speech") })
	d.numbers[ref("Nurse")] = "25"
	secret := rapid.Bool().Draw(t, "number")
	d.tiles("Helmi")
	d.lent("C", "Helmi")
	d.on("K", "A", "B", "C").on("L", "D").want("R", "B", "E", "C")
	for _, id := range []circ.ItemID{"A", "E", "F"} {
		d.shelf = append(d.shelf, d.book(id).Item)
	}
	books := []circ.ItemID{"A", "B", "C", "D", "E", "F"}
	checked, opened := 0, false
	staff := []Action{Receive, TakeOut, CountShelf, SortBox, Accept, EnoughOut, AllCounted, WholeShelf, PartShelf, SendCount, ShowLent, BoxEmptied, Back, Help}
	t.Repeat(map[string]func(*rapid.T){
		"put":  func(t *rapid.T) { d.put(rapid.SampledFrom(books).Draw(t, "book")) },
		"lift": func(t *rapid.T) { d.lift(rapid.SampledFrom(books).Draw(t, "book")) },
		"scan": func(t *rapid.T) {
			m := d.book(rapid.SampledFrom(books).Draw(t, "book"))
			m.Token, m.Scanned, m.Security = "line "+m.Token, true, NoSecurity
			d.send(m)
		},
		"astray": func(*rapid.T) { d.astray("X") },
		"label":  func(t *rapid.T) { d.send(BoxSeen{rapid.SampledFrom([]string{"K", "L", "Z"}).Draw(t, "box")}) },
		"staff": func(*rapid.T) {
			c := nurse()
			c.Secret = secret
			d.send(c)
		},
		"number":     func(*rapid.T) { d.key("25") },
		"take staff": func(*rapid.T) { d.take("Nurse") },
		"resident":   func(*rapid.T) { d.show("Helmi") },
		"take":       func(*rapid.T) { d.take("Helmi") },
		"touch": func(t *rapid.T) {
			d.press(rapid.SampledFrom(staff).Draw(t, "action"))
		},
		"offered": func(t *rapid.T) {
			v := d.s.View()
			var all []Pressed
			for _, c := range v.Choices {
				all = append(all, Pressed{Action: c.Action, Who: c.Who, List: c.List})
			}
			for _, b := range v.Buttons {
				all = append(all, Pressed{Action: b.Action})
			}
			for _, l := range v.Lines {
				all = append(all, Pressed{Action: l.Button.Action, Item: l.Button.Item})
			}
			if len(all) > 0 {
				d.wait(time.Second).send(rapid.SampledFrom(all).Draw(t, "offered"))
			}
		},
		"wait":    func(t *rapid.T) { d.wait(time.Duration(rapid.IntRange(1, 900).Draw(t, "seconds")) * time.Second) },
		"slow":    func(*rapid.T) { d.hold, d.slow = true, true },
		"release": func(*rapid.T) { d.release() },
		"disk":    func(t *rapid.T) { d.full = rapid.Bool().Draw(t, "full") },
		"edge":    func(t *rapid.T) { d.far = rapid.Bool().Draw(t, "far") },
		"unplug":  func(*rapid.T) { d.send(PadLost{}) },
		"plug":    func(*rapid.T) { d.send(PadBack{}) },
		"": func(t *rapid.T) {
			opened = opened || d.s.Desk != nil
			for ; checked < len(d.events); checked++ {
				staffEvidence(t, d, checked, opened)
			}
			if d.s.Desk != nil && (d.s.Visit.Locked || !d.s.staffed()) {
				t.Fatal("a desk without its staff")
			}
			for _, l := range d.s.View().Lines {
				durable(t, d, l)
			}
			if v := d.s.View(); len(v.Text) > 2 {
				t.Fatalf("%s says %d sentences below its title", v.Screen, len(v.Text))
			} else {
				for _, p := range phrases(v) {
					if !slices.Contains(Keys, p.Key) {
						t.Fatalf("%s is no key of Keys", p.Key)
					}
				}
			}
			wayHome(t, d.s, d.at)
			impersonal(t, d.s)
			if d.s.Visit.ID != 0 && (d.s.staffed() || !d.s.occupied()) && !d.s.Resting && len(d.timers) == 0 {
				t.Fatal("a staff side that no timer closes")
			}
		},
	})
}

// staffEvidence wants an event of the staff's to follow from an open desk.
func staffEvidence(t *rapid.T, d *desk, i int, opened bool) {
	var by circ.Ref
	switch b := d.events[i].(type) {
	case circ.Placed:
		by = b.By
	case circ.TakenOut:
		by = b.By
	case circ.ShelfCounted:
		by = b.By
	case circ.ConsignmentChecked:
		by = b.By
		for _, id := range b.Seen {
			if !slices.Contains(d.events[:i], circ.EventBody(circ.Placed{Item: id, Consignment: b.Consignment, By: by})) {
				t.Fatalf("%s is said to have come with %q, and was never placed", id, b.Consignment)
			}
			if slices.Contains(b.Missing, id) || slices.Contains(b.Extra, id) {
				t.Fatalf("%s is seen and something else", id)
			}
		}
	default:
		return
	}
	if !opened || by != ref("Nurse") {
		t.Fatalf("%T by %v, opened %v", d.events[i], by, opened)
	}
}

// durable wants what a line claims to be in the ledger.
func durable(t *rapid.T, d *desk, l Line) {
	has := func(is func(circ.EventBody) bool) bool { return slices.ContainsFunc(d.events, is) }
	ok := true
	switch l.Fate {
	case Arrived, OtherBox, Extra:
		ok = has(func(b circ.EventBody) bool { p, is := b.(circ.Placed); return is && p.Item == l.Item.ID })
	case Removed:
		ok = has(func(b circ.EventBody) bool { p, is := b.(circ.TakenOut); return is && p.Item == l.Item.ID })
	case Present:
		ok = slices.Contains(d.counted, l.Item.ID)
	}
	if !ok {
		t.Fatalf("%s is shown as %s, and nothing says so: %s", l.Item.ID, l.Fate, strings.Join(strings.Split(d.story(), ", "), "\n"))
	}
}
