package flow

import (
	"strings"
	"testing"
	"time"

	"coldstation/sync/circ"
)

// Each test is named after a rule of the resident's screen.

func TestOrderNeverMatters(t *testing.T) {
	orders := map[string]func(d *desk){
		"card first":  func(d *desk) { d.show("Helmi").put("A", "B") },
		"books first": func(d *desk) { d.put("A", "B").show("Helmi") },
		"card between": func(d *desk) {
			d.put("A").show("Helmi").put("B")
		},
		"card tapped only": func(d *desk) { d.show("Helmi").take("Helmi").put("A", "B") },
	}
	for name, order := range orders {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			order(d)
			d.wantSees("visiting, A borrowed, B borrowed").
				wantStory("A to Helmi, B to Helmi").
				wantTag("A", Unsecured).wantTag("B", Unsecured)
		})
	}
	t.Run("own loan", func(t *testing.T) {
		newDesk(t).lent("A", "Helmi").show("Helmi").put("A").wantStory("A back from Helmi")
		newDesk(t).lent("A", "Helmi").put("A").show("Helmi").wantStory("A back from Helmi").wantSees("visiting, A returned")
	})
}

func TestVisitIsBoundToThePad(t *testing.T) {
	d := newDesk(t).show("Helmi").put("A")
	d.wait(72 * time.Hour).wantSees("visiting, A borrowed") // no timeout while something lies there
	d.lift("A").wait(72 * time.Hour).wantSees("visiting, A borrowed")
	d.take("Helmi").wait(11 * time.Second).wantSees("visiting, A borrowed")
	d.wait(time.Second).wantSees("welcome")
}

func TestWithoutACard(t *testing.T) {
	newDesk(t).lent("A", "Helmi").put("A").wantSees("visiting, A returned").wantTitle("returned").
		wantStory("A back from Helmi").wantTag("A", Secured)
	// At home and not on loan: it waits for a card, or goes back to the shelf.
	d := newDesk(t).put("A").wantSees("visiting, A waiting").wantTitle("showcard")
	d.wait(time.Hour).wantSees("visiting, A waiting")
	d.lift("A").wantSees("welcome").wantStory("")
}

func TestSavedBeforeSaid(t *testing.T) {
	d := newDesk(t).show("Helmi")
	d.hold = true
	d.put("A").wantSees("visiting, A saving").wantTitle("moment")
	if len(d.tags) != 0 {
		t.Errorf("the tag was written before the loan was saved")
	}
	d.release().wantSees("visiting, A borrowed").wantTitle("borrowed").wantTag("A", Unsecured)
}

func TestTimeoutLosesNothing(t *testing.T) {
	d := newDesk(t).show("Helmi")
	d.hold = true
	d.put("A").lift("A").take("Helmi").wait(time.Hour).wantSees("welcome")
	d.release().wantStory("A to Helmi")
	if failed, ok := d.events[1].(circ.TagFailed); !ok || failed.Secured {
		t.Errorf("the unready tag is noted as %v", d.events[1:])
	}
}

func TestNothingIsClaimedThatIsNotSaved(t *testing.T) {
	d := newDesk(t)
	d.full = true
	d.show("Helmi").put("A").wantSees("visiting, A keep").wantTitle("keep").wantStory("")
	if len(d.tags) != 0 {
		t.Errorf("the tag was written for a loan that was not saved")
	}
	d.lift("A").take("Helmi").wait(time.Minute).wantTitle("keep") // it is not wiped away in seconds
	d.full = false
	d.put("A").wantSees("visiting, A borrowed").wantStory("A to Helmi")

	d.full = true
	d.press(Undo).press(UndoThis, "A").wantSees("visiting, A borrowed").wantTitle("unchanged").wantTag("A", Unsecured)
}

func TestSameItemTwiceIsTheSameHappyMessage(t *testing.T) {
	d := newDesk(t).show("Helmi").put("A")
	first := d.s.View()
	d.lift("A").wait(3 * time.Second).put("A").wantSees("visiting, A borrowed again").wantStory("A to Helmi")
	if again := d.s.View(); again.Title != first.Title {
		t.Errorf("said %v the second time, and %v the first", again.Title, first.Title)
	}
	// Also in a new visit within the undo time; later it is a return.
	d.lift("A").take("Helmi").wait(20 * time.Second).wantSees("welcome").
		show("Helmi").put("A").wantSees("visiting, A borrowed again").wantStory("A to Helmi")
	d.lift("A").take("Helmi").wait(5 * time.Minute).
		show("Helmi").put("A").wantSees("visiting, A returned").wantStory("A to Helmi, A back from Helmi")
	d.lift("A").put("A").wantSees("visiting, A returned again").wantStory("A to Helmi, A back from Helmi")
}

func TestOnLoanToSomebodyElse(t *testing.T) {
	newDesk(t).lent("A", "Veikko").show("Helmi").put("A").
		wantSees("visiting, A borrowed").wantStory("A to Helmi from Veikko")
	// Brought before the card came, it is returned, and borrowed only when asked for.
	d := newDesk(t).lent("A", "Veikko").put("A").show("Helmi").
		wantSees("visiting, A returned").wantStory("A back from Veikko")
	if !d.has(BorrowIt) {
		t.Error("the returned book is not offered")
	}
	d.press(BorrowIt, "A").wantSees("visiting, A borrowed").wantStory("A back from Veikko, A to Helmi")
	d.press(Undo).press(UndoThis, "A").wantSees("visiting, A returned").wantStory("A back from Veikko, A to Helmi, undo 3").wantTag("A", Secured)
	// Or when its finder puts it down again.
	newDesk(t).lent("A", "Veikko").put("A").show("Helmi").lift("A").put("A").wantStory("A back from Veikko, A to Helmi")
}

func TestEveryReturnedBookIsAccepted(t *testing.T) {
	foreign := ItemSeen{Token: "tag F", Item: circ.Item{ID: "F"}, Foreign: true, Security: Unsecured}
	unknown := ItemSeen{Token: "tag U", Item: circ.Item{ID: "U"}, Security: Unsecured}
	elsewhere := ItemSeen{Token: "tag E", Item: circ.Item{ID: "E", Home: "oak-house"}, Known: true, Security: Secured}
	for _, m := range []ItemSeen{foreign, unknown, elsewhere} {
		id := string(m.Item.ID)
		newDesk(t).send(m).wantSees("visiting, " + id + " boxed").wantTitle("boxed").wantStory(id + " back from nobody to the box")
	}
	d := newDesk(t).send(foreign)
	if len(d.tags) != 0 {
		t.Error("another library's tag was written")
	}
	newDesk(t).show("Helmi").send(foreign).wantStory("F back from nobody to the box")
	// Unknown, with a card: it may have come to the shelf while the hub was away.
	d = newDesk(t).show("Helmi").send(unknown).wantStory("U to Helmi")
	if out := d.events[0].(circ.CheckedOut); out.Flags != circ.UnknownItem {
		t.Errorf("flags %b, want UnknownItem", out.Flags)
	}
	d.press(Undo).press(UndoThis, "U").wantSees("visiting, U boxed").wantStory("U to Helmi, undo 1, U back from nobody to the box")
	// What nobody can read is no reason to scold either.
	newDesk(t).show("Helmi").send(StrangeSeen{"tag A"}).wantTitle("unread").put("A").wantSees("visiting, A borrowed")
	newDesk(t).send(StrangeSeen{"x"}).wantSees("visiting,  unread").wantTitle("unread").send(Lifted{Token: "x"}).wantSees("welcome")
}

// What the library asks for is lent like any other, since nobody is sent away for a
// book, and goes into the box when it comes back.
func TestWanted(t *testing.T) {
	wanted := ItemSeen{Token: "tag W", Item: circ.Item{ID: "W", Title: "The W", Home: station}, Known: true, Security: Secured, Wanted: true}
	newDesk(t).send(wanted).show("Helmi").wantSees("visiting, W borrowed").wantStory("W to Helmi")
	out := wanted
	out.OnLoan, out.Loan, out.Security = true, circ.Loan{Item: "W", Patron: ref("Veikko")}, Unsecured
	newDesk(t).send(out).wantSees("visiting, W boxed").wantTitle("boxed").wantStory("W back from Veikko to the box").wantTag("W", Secured)
	newDesk(t).show("Helmi").send(out).wantSees("visiting, W borrowed").wantStory("W to Helmi from Veikko")
}

func TestUnknownAndBlockedCards(t *testing.T) {
	stranger := CardSeen{Token: "card stranger", Ref: ref("stranger"), Policy: circ.Policy{LoanDays: 28}}
	valid := stranger
	valid.Valid = true
	blocked := card("Veikko")
	blocked.Patron.Blocked = true
	tests := map[string]struct {
		card  CardSeen
		rules func(*Rules)
		flags circ.Flags
		sees  string
	}{
		"unknown, lend and flag":            {stranger, func(*Rules) {}, circ.UnknownPatron, "visiting, A borrowed"},
		"blocked, lend and flag":            {blocked, func(*Rules) {}, circ.BlockedPatron, "visiting, A borrowed"},
		"unknown, ask the staff":            {stranger, func(r *Rules) { r.UnknownCards = AskTheStaff }, 0, "visiting, A ask-staff"},
		"unknown, and valid in the network": {valid, func(r *Rules) { r.UnknownCards = AskTheStaff }, circ.UnknownPatron, "visiting, A borrowed"},
		"blocked, ask the staff":            {blocked, func(r *Rules) { r.BlockedCards = AskTheStaff }, 0, "visiting, A ask-staff"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, test.rules).send(test.card).put("A").wantSees(test.sees)
			if test.flags == 0 {
				d.wantStory("").lent("B", "Helmi").put("B").wantStory("B back from Helmi")
			} else if got := d.events[0].(circ.CheckedOut).Flags; got != test.flags {
				t.Errorf("flags %b, want %b", got, test.flags)
			}
		})
	}
}

func TestLimitIsFlaggedNotEnforced(t *testing.T) {
	full := card("Helmi")
	full.Loans = 19
	d := newDesk(t).send(full).put("A", "B").wantStory("A to Helmi, B to Helmi")
	var flags []circ.Flags
	for _, body := range d.events {
		if out, ok := body.(circ.CheckedOut); ok {
			flags = append(flags, out.Flags)
		}
	}
	if flags[0] != 0 || flags[1] != circ.OverLimit {
		t.Errorf("flags %v, want the second alone to be over the limit", flags)
	}
}

func TestUndoForTwoMinutes(t *testing.T) {
	d := newDesk(t).show("Helmi").put("A")
	d.press(Undo).wantSees("undoing, A borrowed").press(Back).wantSees("visiting, A borrowed")
	d.press(Undo).press(UndoThis, "A").wantSees("visiting, A undone").wantStory("A to Helmi, undo 1").wantTag("A", Secured)
	d.press(Redo, "A").wantSees("visiting, A borrowed").wantTag("A", Unsecured)

	d = newDesk(t).show("Helmi").put("A").wait(119 * time.Second)
	if !d.has(Undo) {
		t.Error("undo is gone before two minutes")
	}
	d.send(Pressed{Action: Undo}).wantSees("undoing, A borrowed")
	d.wait(time.Second).wantSees("visiting, A borrowed")
	if d.has(Undo) {
		t.Error("undo is offered after two minutes")
	}

	newDesk(t).lent("A", "Helmi").put("A").press(Undo).press(UndoThis, "A").
		wantSees("visiting, A undone").wantStory("A back from Helmi, undo 1").wantTag("A", Unsecured)
	// A loan that ended another one: the book did lie here, so that one stays ended.
	newDesk(t).lent("A", "Veikko").show("Helmi").put("A").press(Undo).press(UndoThis, "A").
		wantSees("visiting, A returned").wantStory("A to Helmi from Veikko, undo 1, A back from Veikko").wantTag("A", Secured)
	// Taken away already: it is undone, and its tag is asked back.
	newDesk(t).show("Helmi").put("A").lift("A").press(Undo).press(UndoThis, "A").
		wantSees("visiting, A undone put back").put("A").wantSees("visiting, A undone again").wantTag("A", Secured).
		wantStory("A to Helmi, undo 1")
}

func TestTagLiftedTooEarly(t *testing.T) {
	d := newDesk(t).show("Helmi")
	d.hold = true
	d.put("A").lift("A").release().wantSees("visiting, A borrowed put back").wantTitle("putback")
	d.put("A").wantSees("visiting, A borrowed again").wantTag("A", Unsecured).wantStory("A to Helmi")

	// Even after the visit ended, with and without the card.
	for _, with := range []bool{true, false} {
		d = newDesk(t).show("Helmi")
		d.hold = true
		d.put("A").lift("A").take("Helmi").release().wait(3 * time.Minute).wantSees("welcome")
		if with {
			d.show("Helmi")
		}
		d.put("A").wantSees("visiting, A borrowed again").wantTag("A", Unsecured).wantStory("A to Helmi")
	}
	// On the shelf with a tag that a gate would let pass: put right unasked.
	d = newDesk(t)
	d.tags["tag A"] = Unsecured
	d.put("A").wantSees("visiting, A waiting").wantTag("A", Secured)
}

func TestTagThatCannotBeWrittenBothersNobody(t *testing.T) {
	d := newDesk(t)
	d.far = true
	d.show("Helmi").put("A").wantSees("visiting, A borrowed").wantTitle("borrowed")
	if _, ok := d.events[1].(circ.TagFailed); !ok {
		t.Errorf("the library is not told: %v", d.events)
	}
}

func TestNextPersonsSafety(t *testing.T) {
	d := newDesk(t).show("Helmi").put("A").take("Helmi").wait(time.Hour)
	d.show("Veikko").wantSees("leftover, A left").put("B")
	d.wantStory("A to Helmi, B to Veikko").wantSees("visiting, B borrowed, A left")
	d.lift("A").wantSees("visiting, B borrowed")

	d = newDesk(t).show("Helmi").put("A").take("Helmi").show("Veikko").press(Continue).wantSees("visiting, A left")
	d.take("Veikko").wait(90 * time.Second).wantSees("still-there").wait(30 * time.Second).wantSees("welcome")

	// Helmi took her card and her book and went: the book that comes next is
	// somebody else's, who has yet to show a card.
	gone := func() *desk { return newDesk(t).show("Helmi").put("A").take("Helmi").lift("A").wait(4 * time.Second) }
	gone().put("B").wantSees("visiting, B waiting").wantStory("A to Helmi").show("Veikko").wantStory("A to Helmi, B to Veikko")
	// Within a breath, with her card here, or with the same book, it is still she.
	newDesk(t).show("Helmi").put("A").take("Helmi").lift("A").wait(3 * time.Second).put("B").wantStory("A to Helmi, B to Helmi")
	newDesk(t).show("Helmi").put("A").lift("A").wait(time.Minute).put("B").wantStory("A to Helmi, B to Helmi")
	gone().put("A").wantSees("visiting, A borrowed again").wantStory("A to Helmi")
	// Nobody's business is left unfinished by it: a tag that is not ready yet does
	// not keep Helmi's visit open for the next person's book.
	d = newDesk(t)
	d.far = true
	d.show("Helmi").put("A").take("Helmi").lift("A").wait(20 * time.Second)
	d.put("B").wantSees("visiting, B waiting").wantStory("A to Helmi")

	// Returned, and left lying: not the next person's.
	newDesk(t).lent("A", "Helmi").put("A").show("Veikko").wantStory("A back from Helmi")
	// Waiting for longer than it takes to find a card: the card is another person's.
	newDesk(t).put("A").wait(2 * time.Minute).show("Veikko").wantSees("leftover, A left").wantStory("").
		lift("A").put("A").wantStory("A to Veikko")
}

func TestOneCardAtATime(t *testing.T) {
	d := newDesk(t).show("Helmi").show("Veikko").put("A").wantStory("A to Helmi")
	if text := d.s.View().Text; text[len(text)-1].Key != "onecard" {
		t.Errorf("says %v, want that one card is enough", text)
	}
	d.take("Helmi").wantSees("leftover, A left").put("B").wantStory("A to Helmi, B to Veikko")
}

func TestTiming(t *testing.T) {
	d := newDesk(t).show("Helmi").take("Helmi").wait(89 * time.Second).wantSees("visiting")
	d.wait(time.Second).wantSees("still-there")
	for range 12 { // any touch extends, more than ten times
		d.wait(29 * time.Second).send(Touched{}).wantSees("visiting").wait(90 * time.Second).wantSees("still-there")
	}
	d.wait(30 * time.Second).wantSees("welcome")
	// A thing on the pad answers too.
	newDesk(t).show("Helmi").take("Helmi").wait(100 * time.Second).put("A").wantSees("visiting, A borrowed").wantStory("A to Helmi")
}

// TestEveryTimedScreenWaitsForWhoTouchesIt: no screen that time may take away goes
// while a finger lands on it now and then, anywhere, for as long as that takes.
func TestEveryTimedScreenWaitsForWhoTouchesIt(t *testing.T) {
	rich := func(r *Rules) {
		r.Tiles, r.Secret, r.House, r.Printer = OpenTiles, true, true, true
		r.Undo = 24 * time.Hour // a promise of its own, which no touch makes longer
	}
	locked := card("Helmi")
	locked.Secret = true
	tests := map[string]func(d *desk){
		"helping, at rest":  func(d *desk) { d.press(Help) },
		"looking, at rest":  func(d *desk) { d.press(Looks) },
		"naming, at rest":   func(d *desk) { d.press(NoCard) },
		"visiting, hello":   func(d *desk) { d.show("Helmi").take("Helmi") },
		"visiting, done":    func(d *desk) { d.show("Helmi").put("A").take("Helmi").lift("A") },
		"visiting, to keep": func(d *desk) { d.full = true; d.show("Helmi").put("A").take("Helmi").lift("A") },
		"asking":            func(d *desk) { d.send(agent(circ.MayBorrow)).take("Helmi") },
		"unlocking":         func(d *desk) { d.send(locked).take("Helmi") },
		"undoing":           func(d *desk) { d.show("Helmi").put("A").take("Helmi").lift("A").press(Undo) },
		"listing": func(d *desk) {
			owner := card("Helmi")
			owner.Loans = 1
			d.lent("B", "Helmi").send(owner).take("Helmi").press(MyLoans)
		},
		"staffing":  func(d *desk) { d.send(nurse()).take("Nurse") },
		"measuring": func(d *desk) { d.send(nurse()).take("Nurse").press(Measure) },
		"resting":   func(d *desk) { d.show("Helmi").put("A").send(PadLost{}) },
	}
	for name, come := range tests {
		d := newDesk(t, rich).tiles("Helmi", "Veikko")
		come(d)
		want := d.s.View()
		if screen, _, _ := strings.Cut(name, ","); want.Screen.String() != screen {
			t.Errorf("%s: it is %s to begin with", name, want.Screen)
		}
		for touch := range 30 {
			long := 85 * time.Second
			if touch == 0 {
				long = 11 * time.Second // an empty pad waits least
			}
			d.wait(long).send(Touched{})
			if got := d.s.View(); got.Screen != want.Screen || got.Title != want.Title {
				t.Errorf("%s: after %d touches it is %s, %s", name, touch+1, got.Screen, got.Title.Key)
				break
			}
		}
		// The question whether somebody is there leads back to it, too.
		if d.wait(95 * time.Second); d.s.View().Screen == StillThere {
			if got := d.send(Touched{}).s.View(); got.Screen != want.Screen || got.Title != want.Title {
				t.Errorf("%s: asked and answered, it is %s, %s", name, got.Screen, got.Title.Key)
			}
		}
	}
}

// TestHonestStatesOfALoan: a loan says how far it is known, and never more.
func TestHonestStatesOfALoan(t *testing.T) {
	for state, want := range map[circ.LoanState]string{
		circ.NotedHere: "loan.noted", circ.Received: "loan.received", circ.Confirmed: "loan.confirmed", circ.Refused: "loan.refused",
	} {
		d := newDesk(t)
		d.loans["A"] = circ.Loan{Item: "A", Patron: ref("Helmi"), State: state, At: d.at.Wall.AddDate(0, 0, -9)}
		owner := card("Helmi")
		owner.Loans = 1
		if got := d.send(owner).press(MyLoans).wantSees("listing, A held").s.View().Lines[0].Note.Key; got != want {
			t.Errorf("a loan that is %d says %s, want %s", state, got, want)
		}
	}
}

func TestTouches(t *testing.T) {
	d := newDesk(t).show("Helmi").put("A").press(Help).wantSees("helping")
	d.wait(499 * time.Millisecond).send(Pressed{Action: Back}).wantSees("helping") // aimed at the screen before
	d.wait(time.Millisecond).send(Pressed{Action: Back}).wantSees("visiting, A borrowed")

	d = newDesk(t, func(r *Rules) { r.Printer = true }).show("Helmi").put("A").press(Receipt)
	d.wait(300 * time.Millisecond).send(Pressed{Action: Receipt}) // a shaking finger
	d.wait(300 * time.Millisecond).send(Pressed{Action: Receipt})
	if len(d.prints) != 2 {
		t.Errorf("printed %d receipts, want 2", len(d.prints))
	}
}

func TestHelpIsCounted(t *testing.T) {
	d := newDesk(t).press(Help).wantSees("helping")
	if asked, ok := d.events[0].(circ.HelpAsked); !ok || asked.Screen != "welcome" {
		t.Errorf("recorded %v, want help asked at welcome", d.events)
	}
	d.wait(90 * time.Second).wantSees("welcome")
}

func TestLookFollowsThePersonAndGoes(t *testing.T) {
	swedish := card("Helmi")
	swedish.Patron.Language = "sv"
	d := newDesk(t).send(swedish)
	if got := d.s.View().Look.Language; got != "sv" {
		t.Errorf("a Swedish reader's card shows %s", got)
	}
	d.wait(time.Second).send(LanguageChosen{"en"}, LanguageChosen{"xx"})
	d.wait(time.Second).send(LookChosen{Look{Size: Largest, Contrast: true}})
	if got, want := d.s.View().Look, (Look{Language: "en", Size: Largest, Contrast: true}); got != want {
		t.Errorf("looks %v, want %v", got, want)
	}
	d.take("Helmi").wait(3 * time.Minute)
	if got, want := d.s.View().Look, (Look{Language: "fi"}); got != want {
		t.Errorf("after the visit it looks %v, want %v", got, want)
	}
	// Chosen before the card, it is not overruled.
	d.send(LanguageChosen{"en"}, swedish)
	if got := d.s.View().Look.Language; got != "en" {
		t.Errorf("English was chosen and the card made it %s", got)
	}
}

func TestDates(t *testing.T) {
	due := func(d *desk) string { return d.s.View().Text[0].Key }
	if got := due(newDesk(t).show("Helmi").put("A")); got != "due.day" {
		t.Errorf("an ordinary loan says %s", got)
	}
	special := card("Helmi")
	special.Policy = circ.Policy{FeeFree: true}
	if got := due(newDesk(t).send(special).put("A")); got != "due.free" {
		t.Errorf("a loan without a date says %s", got)
	}
	special.Policy.LoanDays = 28
	if got := due(newDesk(t).send(special).put("A")); got != "due.easy" {
		t.Errorf("a special customer reads %s", got)
	}
	d := newDesk(t)
	d.at.Clock, d.at.Wall = circ.ClockUnset, time.Unix(0, 0)
	if got := due(d.show("Helmi").put("A")); got != "due.weeks" {
		t.Errorf("a station that does not know the date says %s", got)
	}
}

func TestSetHasOneLine(t *testing.T) {
	d := newDesk(t).show("Helmi").put("A")
	second := d.book("A")
	second.Token, second.Security = "tag A2", Secured
	d.send(second).wantSees("visiting, A borrowed").wantStory("A to Helmi").wantTag("A", Unsecured)
	if d.tags["tag A2"] != Unsecured {
		t.Error("the set's second tag was not written")
	}
}

func TestScannedThingsNeedNoPad(t *testing.T) {
	c := card("Helmi")
	c.Scanned = true
	d := newDesk(t)
	m := d.book("A")
	m.Scanned, m.Security = true, NoSecurity
	d.send(m, c).wantSees("visiting, A borrowed").wantStory("A to Helmi").wait(time.Minute).wantSees("visiting, A borrowed")
	d.press(Finish).wantSees("welcome")
}

func TestPadThatDoesNotAnswer(t *testing.T) {
	d := newDesk(t).show("Helmi").put("A").send(PadLost{}).wantSees("resting")
	d.wait(time.Minute).send(PadBack{}).wantSees("visiting, A borrowed")
	d.send(d.book("A")).wantStory("A to Helmi") // seen anew
	// Away for long: the visit is over, and what lay there is left over.
	d.send(PadLost{}).wait(time.Hour).send(PadBack{}).wantSees("welcome").show("Veikko").wantSees("leftover, A left")
}

func TestWakingUp(t *testing.T) {
	// Power was away while a lent book lay there: that is no return.
	d := newDesk(t).lent("A", "Helmi")
	m := d.book("A")
	m.Found = true
	d.send(m).wantSees("welcome").wantStory("").show("Veikko").wantSees("leftover, A left")
	d.lift("A").put("A").wantStory("A to Veikko from Helmi")
}

func TestEarlyTimerIsStartedAgain(t *testing.T) {
	d := newDesk(t).show("Helmi").take("Helmi").wait(80 * time.Second)
	delete(d.timers, AskTimer)
	d.send(Fired{AskTimer}).wantSees("visiting").wait(10 * time.Second).wantSees("still-there")
}

func TestSpeech(t *testing.T) {
	d := newDesk(t, func(r *Rules) { r.Speech = true }).show("Helmi").put("A").press(SayAgain)
	var keys []string
	for _, v := range d.said {
		keys = append(keys, v.Title.Key)
	}
	if got, want := len(keys), 3; got != want || keys[0] != "hello" || keys[1] != "borrowed" || keys[2] != "borrowed" {
		t.Errorf("said %v", keys)
	}
}

// TestSets: all parts are counted before a set is lent.
func TestSets(t *testing.T) {
	// part is the nth tag of a set of three, n of which lie there with it.
	part := func(d *desk, n int) ItemSeen {
		m := d.book("S")
		m.Token, m.Missing = Token("part "+string(rune('0'+n))), 3-n
		return m
	}
	d := newDesk(t).show("Helmi")
	d.send(part(d, 1)).wantSees("visiting, S waiting").wantTitle("parts").wantStory("")
	d.send(part(d, 2)).wantTitle("parts")
	if v := d.s.View(); v.Title.N != 1 || v.Lines[0].Words != (Phrase{Key: "fate.parts", N: 1}) {
		t.Errorf("says %v, %v", v.Title, v.Lines[0].Words)
	}
	d.send(Lifted{"part 2", 2})
	if got := d.s.View().Title.N; got != 2 {
		t.Errorf("%d parts are said to be missing, want 2", got)
	}
	d.send(part(d, 2), part(d, 3)).wantSees("visiting, S borrowed").wantStory("S to Helmi")
	for _, token := range []Token{"part 1", "part 2", "part 3"} {
		if d.tags[token] != Unsecured {
			t.Errorf("the tag of %s is not ready", token)
		}
	}

	// A lost part keeps nobody from reading the rest.
	d = newDesk(t)
	d.send(part(d, 1)).wantTitle("showcard").show("Helmi").wantTitle("parts")
	d.press(BorrowIt, "S").wantSees("visiting, S borrowed").wantStory("S to Helmi")

	// What was not lent goes back to the shelf, and leaves nothing.
	d = newDesk(t).show("Helmi")
	d.send(part(d, 1), Lifted{"part 1", 0}).wantSees("visiting").wantStory("")

	// A set comes back as it is, whoever had it.
	d = newDesk(t).lent("S", "Veikko").show("Helmi")
	d.send(part(d, 1), part(d, 2), part(d, 3)).wantSees("visiting, S returned").wantStory("S back from Veikko")
	if !d.has(BorrowIt) {
		t.Error("the returned set is not offered")
	}
}

// TestTagsAreMadeGood: a tag that the ledger knows to be unready is written as the
// loan stands, whatever else happens to the item.
func TestTagsAreMadeGood(t *testing.T) {
	unready := func(d *desk, id circ.ItemID) ItemSeen {
		m := d.book(id)
		m.Security, m.Unready = NoSecurity, true
		return m
	}
	d := newDesk(t)
	d.send(unready(d, "A")).wantSees("visiting, A waiting").wantTag("A", Secured)
	d.lift("A").wantSees("welcome")

	d = newDesk(t, func(r *Rules) { r.UnknownCards = AskTheStaff })
	stranger := card("stranger")
	stranger.Known = false
	d.send(stranger, unready(d, "A")).wantSees("visiting, A ask-staff").wantTag("A", Secured)

	// A loan of minutes ago that may or may not have been written is no return.
	d = newDesk(t).show("Helmi").put("A").take("Helmi").lift("A").wait(5 * time.Minute)
	d.tags["tag A"] = NoSecurity
	d.send(unready(d, "A")).wantSees("visiting, A borrowed again").wantTag("A", Unsecured).wantStory("A to Helmi")

	// What lies there when the station wakes up is bound to nobody, and written.
	d = newDesk(t).lent("A", "Helmi")
	d.tags["tag A"] = NoSecurity
	found := unready(d, "A")
	found.Found = true
	shelf := unready(d, "B")
	shelf.Found = true
	alien := unready(d, "C")
	alien.Found, alien.Foreign = true, true
	d.send(found, shelf, alien).wantSees("welcome").wantTag("A", Unsecured).wantTag("B", Secured).wantTag("C", NoSecurity).wantStory("")
}

// TestVoiceFollowsTheLook: another language, a louder voice, and none.
func TestVoiceFollowsTheLook(t *testing.T) {
	d := newDesk(t, func(r *Rules) { r.Speech = true })
	said := func(want int, what string) {
		t.Helper()
		if len(d.said) != want {
			t.Errorf("%s: said %d screens, want %d", what, len(d.said), want)
		}
	}
	d.wait(time.Second).send(LanguageChosen{"sv"})
	said(1, "another language at rest")
	d.show("Helmi")
	said(2, "a card")
	d.press(Looks)
	said(3, "the look")
	louder := d.s.Look
	louder.Volume = Louder
	d.wait(time.Second).send(LookChosen{louder})
	said(4, "a louder voice")
	silent := louder
	silent.Volume = Silent
	d.wait(time.Second).send(LookChosen{silent}).press(Back).put("A")
	said(4, "no voice")
	d.press(SayAgain)
	said(5, "asked for all the same")
}

// TestReceiptIsSaid: what is printed is also heard, by who has a voice on.
func TestReceiptIsSaid(t *testing.T) {
	d := newDesk(t, func(r *Rules) { r.Speech, r.Printer = true, true }).show("Helmi").put("A").press(Receipt)
	last := d.said[len(d.said)-1]
	if last.Title.Key != "receipt.said" || len(last.Lines) != 1 || last.Lines[0].Words.Key != "fate.due.day" {
		t.Errorf("after printing it says %v", last)
	}
	silent := d.s.Look
	silent.Volume = Silent
	said := len(d.wait(time.Second).send(LookChosen{silent}).press(Receipt).said)
	if len(d.prints) != 2 || said != 3 { // hello, borrowed, the receipt
		t.Errorf("printed %d receipts, and said %d screens", len(d.prints), said)
	}
}

// TestWithoutSight: a keypad says where it has led.
func TestWithoutSight(t *testing.T) {
	d := newDesk(t, func(r *Rules) { r.Speech, r.Tiles = true, OpenTiles }).tiles("Helmi")
	heard := func(m Msg, language, want string) {
		t.Helper()
		n := len(d.said)
		d.send(Reached{m})
		if want == "" {
			if len(d.said) > n {
				t.Errorf("%v is said, %v", m, d.said[n].Title)
			}
			return
		}
		if len(d.said) != n+1 || d.said[n].Title.Key != want || d.said[n].Look.Language != language {
			t.Errorf("%v: heard %v, want %s in %s", m, d.said[n:], want, language)
		}
	}
	heard(Pressed{Action: Help}, "fi", string(Help))
	heard(LanguageChosen{"sv"}, "sv", "language.name")
	d.press(NoCard)
	heard(Pressed{Action: IAm, Who: ref("Helmi")}, "fi", string(IAm))
	d.press(Back).press(Looks)
	heard(LookChosen{d.s.View().Rows[1].Options[1].Look}, "fi", "look.colour.strong")
	d.press(Back).show("Helmi").put("A").press(Undo)
	heard(Pressed{Action: UndoThis, Item: "A"}, "fi", string(UndoThis))
	if last := d.said[len(d.said)-1]; len(last.Text) != 1 || last.Text[0].Title != "The A" {
		t.Errorf("which book is %v", last.Text)
	}
	heard(Turned{By: 1}, "fi", TurnMore)
	heard(Turned{By: -1}, "fi", TurnBefore)
	heard(Pressed{Action: Digit, Digit: '2'}, "", "")
	heard(nil, "", "")
}
