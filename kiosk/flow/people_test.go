package flow

import (
	"fmt"
	"testing"
	"time"

	"coldstation/sync/circ"
)

func TestForWhom(t *testing.T) {
	d := newDesk(t).send(agent(circ.MayBorrow)).put("A").wantSees("asking").wantStory("")
	choices := d.s.View().Choices
	if len(choices) != 2 || choices[0].Words.Key != "asking.myself" || choices[1].Words.Name != "Veikko" {
		t.Errorf("asks %v, want oneself and Veikko", choices)
	}
	d.pick(ForThem, "Veikko").wantSees("visiting, A borrowed").wantStory("A to Veikko by Helmi")
	d.put("B").wantStory("A to Veikko by Helmi, B to Veikko by Helmi") // once is enough
	d.press(Back).wantSees("asking").pick(ForThem, "Helmi").put("C").wantStory("A to Veikko by Helmi, B to Veikko by Helmi, C to Helmi")
	// Who takes the book along and answers nothing means themselves.
	newDesk(t).send(agent(circ.MayBorrow)).put("A").lift("A").wantStory("A to Helmi")
	// No one else is offered, and a scope that was not given is not taken.
	newDesk(t).send(agent(circ.MayBorrow)).put("A").pick(ForThem, "stranger").wantSees("asking").wantStory("")
	newDesk(t).send(agent(circ.MaySeeLoans)).put("A").pick(ForThem, "Veikko").wantSees("visiting, A ask-staff").wantStory("")
	// A card that acts for nobody is asked nothing.
	newDesk(t).show("Helmi").wantSees("visiting")
}

func TestReturningNeedsNoAuthorisation(t *testing.T) {
	// What Veikko has at home comes back from his agent's hands, unasked.
	newDesk(t).lent("A", "Veikko").lent("B", "Helmi").send(agent(circ.MayBorrow)).put("A", "B").
		wantStory("A back from Veikko, B back from Helmi").wantSees("visiting, A returned, B returned").
		put("C").wantSees("asking").pick(ForThem, "Veikko").wantStory("A back from Veikko, B back from Helmi, C to Veikko by Helmi")
}

func TestForTheHouse(t *testing.T) {
	house := func(r *Rules) { r.House = true }
	d := newDesk(t, house).put("A").press(ForHouse).wantStory("A to the house").wantSees("visiting, A housed").wantTag("A", Unsecured)
	d.press(Undo).press(UndoThis, "A").wantStory("A to the house, undo 1").wantSees("visiting, A undone").wantTag("A", Secured)
	// A book on loan that goes into use in the house has come back first.
	d = newDesk(t, house).send(agent(circ.MayBorrow)).lent("A", "stranger").put("A").wantSees("asking").press(ForHouse)
	d.wantStory("A back from stranger, A to the house")
	// What was in use in the house is thanked for.
	m := newDesk(t).book("A")
	m.Housed = true
	newDesk(t, house).send(m).wantStory("A back from nobody").wantSees("visiting, A returned")
	if newDesk(t).put("A").press(ForHouse).wantStory("").has(ForHouse) {
		t.Error("a station without a house rule offers it")
	}
}

func TestForgotCard(t *testing.T) {
	open := func(r *Rules) { r.Tiles = OpenTiles }
	d := newDesk(t, open).tiles("Helmi", "Veikko").put("A").press(NoCard).wantSees("naming")
	d.pick(IAm, "stranger").wantSees("naming").pick(IAm, "Veikko").wantSees("visiting, A borrowed").wantStory("A to Veikko")
	// With the book the visit is over, and the next book is the next person's.
	d.lift("A").wait(5 * time.Second).put("B").wantSees("visiting, B waiting").lift("B").wantSees("welcome")
	d.press(NoCard).pick(IAm, "Helmi").put("C").lift("C").wait(12 * time.Second).wantSees("welcome")
	// From the screen at rest too, and back again.
	d = newDesk(t, open).tiles("Helmi").press(NoCard).wantSees("naming").press(Back).wantSees("welcome")
	d.press(NoCard).wait(2 * time.Minute).wantSees("welcome")
	// Where only the staff vouch, nobody's name is shown to anybody else.
	d = newDesk(t, func(r *Rules) { r.Tiles = StaffTiles }).tiles("Helmi").press(NoCard).wantSees("welcome")
	if d.has(NoCard) {
		t.Error("names are offered where only the staff may choose them")
	}
	// Without an agreement there is no tile and no button.
	if newDesk(t, open).has(NoCard) {
		t.Error("names are offered, and there are none")
	}
}

func TestStaffVouch(t *testing.T) {
	d := newDesk(t, func(r *Rules) { r.Tiles = StaffTiles }).tiles("Helmi", "Veikko").send(nurse()).wantSees("staffing")
	d.press(ForOther).wantSees("naming").pick(IAm, "Helmi").put("A").wantStory("A to Helmi by Nurse of the staff")
	d.press(Back).wantSees("staffing").press(ForOther).pick(IAm, "Veikko").put("B")
	d.wantStory("A to Helmi by Nurse of the staff, B to Veikko by Nurse of the staff")
	d.press(Back).press(ForMyself).put("C").wantStory("A to Helmi by Nurse of the staff, B to Veikko by Nurse of the staff, C to Nurse")
	d.take("Nurse").lift("A", "B", "C").wait(3 * time.Minute).wantSees("welcome")
}

func TestSecretNumber(t *testing.T) {
	secret := func(r *Rules) { r.Secret = true }
	helmi := card("Helmi")
	helmi.Secret = true
	locked := func() *desk {
		d := newDesk(t, secret)
		d.numbers[ref("Helmi")] = "2580"
		return d.send(helmi).put("A").wantSees("unlocking").wantStory("")
	}
	locked().key("2580").wantSees("visiting, A borrowed").wantStory("A to Helmi")
	locked().key("2581").wantSees("unlocking").wantTitle("secret.wrong").key("2580").wantStory("A to Helmi")
	// Too many: kindly to the staff, and the right one does not help any more.
	d := locked().key("1").key("2").key("3").wantTitle("secret.shut").key("2580").wantSees("unlocking").wantStory("")
	d.lift("A").take("Helmi").wait(10 * time.Minute).wantSees("welcome")
	// A digit pressed twice by a shaking hand is one; different ones may be fast.
	d = locked().wait(time.Second)
	for _, digit := range []byte("225") {
		d.send(Pressed{Action: Digit, Digit: digit}).wait(100 * time.Millisecond)
	}
	if got := d.s.View().Digits; got != 2 {
		t.Errorf("2, 2 and 5 within a moment are %d digits, want 2", got)
	}
	if d.press(Erase); d.s.View().Digits != 1 {
		t.Errorf("after erasing one of two there are %d", d.s.View().Digits)
	}
	// Bringing back needs no number.
	locked().lent("B", "Helmi").put("B").wantStory("B back from Helmi")
	// Nobody is asked where the station does not want it, nor who has none.
	newDesk(t).send(helmi).put("A").wantStory("A to Helmi")
	newDesk(t, secret).show("Veikko").put("A").wantStory("A to Veikko")
	locked().press(Back).wantSees("welcome")
}

func TestHadThisOne(t *testing.T) {
	helmi := card("Helmi")
	helmi.Recalls = true
	d := newDesk(t)
	d.had["B"] = true
	d.send(helmi).put("A", "B").wantStory("A to Helmi, B to Helmi")
	for i, want := range []string{"", "note.had"} {
		if got := d.s.View().Lines[i].Note.Key; got != want {
			t.Errorf("line %d notes %q, want %q", i, got, want)
		}
	}
	// Undone, it was never had.
	if d.press(Undo).press(UndoThis, "A"); d.had["A"] || !d.had["B"] {
		t.Errorf("after undoing A, %v was had", d.had)
	}
	// Nothing is kept about who did not agree.
	d = newDesk(t).show("Veikko").put("A")
	if len(d.had) > 0 {
		t.Errorf("kept %v about Veikko", d.had)
	}
}

func TestSettingsFollowThePerson(t *testing.T) {
	d := newDesk(t).show("Helmi").press(Looks).wantSees("looking")
	rows := d.s.View().Rows
	d.wait(time.Second).send(LookChosen{rows[0].Options[2].Look}).wait(time.Second).send(LookChosen{d.s.View().Rows[1].Options[1].Look})
	want := Look{Language: "fi", Size: Largest, Contrast: true}
	if got := d.remembered[ref("Helmi")]; got != want || d.s.View().Look != want {
		t.Errorf("remembers %v and shows %v, want %v", got, d.s.View().Look, want)
	}
	d.press(Back).wantSees("visiting").take("Helmi").wait(3 * time.Minute)
	if got := d.s.View().Look; got != (Look{Language: "fi"}) {
		t.Errorf("the next person sees %v", got)
	}
	helmi := card("Helmi")
	helmi.Look = &want
	if got := d.send(helmi).s.View().Look; got != want {
		t.Errorf("Helmi comes again and sees %v", got)
	}
	// Nonsense is not worn.
	d.wait(time.Second).send(LookChosen{Look{Size: 7}}).wait(time.Second).send(LookChosen{Look{Volume: 9}})
	if got := d.s.View().Look; got != want {
		t.Errorf("wears %v", got)
	}
}

func TestMyLoansAndRenewing(t *testing.T) {
	due := time.Date(2026, 12, 1, 23, 59, 0, 0, time.UTC)
	helmi := card("Helmi")
	helmi.Policy.Renewals, helmi.Loans = 1, 2
	start := func() *desk {
		d := newDesk(t)
		d.loans["A"] = circ.Loan{Item: "A", Patron: ref("Helmi"), Due: due, State: circ.Confirmed}
		d.loans["B"] = circ.Loan{Item: "B", Patron: ref("Helmi"), Due: due, State: circ.Received, Renewed: 1}
		d.loans["C"] = circ.Loan{Item: "C", Patron: ref("Veikko"), Due: due}
		return d.send(helmi).press(MyLoans)
	}
	d := start().wantSees("listing, A held, B held")
	lines := d.s.View().Lines
	if lines[0].Note.Key != "loan.confirmed" || lines[1].Note.Key != "loan.received" {
		t.Errorf("A is %s and B %s", lines[0].Note.Key, lines[1].Note.Key)
	}
	if lines[0].Button.Action != Renew || lines[1].Button.Action != "" {
		t.Errorf("A offers %q and B, renewed already, %q", lines[0].Button.Action, lines[1].Button.Action)
	}
	d.press(Renew, "B").wantStory("").press(Renew, "A").wantStory("A renewed by Helmi").wantSees("listing, A held, B held")
	if line := d.s.View().Lines[0]; line.Words.Day.Day() != 22 || line.Note.Key != "loan.noted" || line.Button.Action != "" {
		t.Errorf("after renewing the line says %v", line)
	}
	d.press(Renew, "A").wantStory("A renewed by Helmi").press(Back).wantSees("visiting")
	// What could not be saved is not claimed.
	d = start()
	d.full = true
	if line := d.press(Renew, "A").s.View().Lines[0]; !line.Words.Day.Equal(due) {
		t.Errorf("with a full disk the date moved to %v", line.Words.Day)
	}
	// An agent sees what the grant says.
	for scopes, want := range map[circ.Scopes]string{circ.MayBorrow: "visiting", circ.MayBorrow | circ.MaySeeLoans: "listing, C held"} {
		a := agent(scopes)
		a.Others[0].Loans = 1
		d := newDesk(t).lent("C", "Veikko").send(a).pick(ForThem, "Veikko").press(MyLoans).wantSees(want)
		d.press(Renew, "C").wantStory("")
	}
}

func TestStack(t *testing.T) {
	d := newDesk(t).show("Helmi").put("A", "B", "C").wantTitle("stack").wantStory("A to Helmi, B to Helmi, C to Helmi")
	if n := d.s.View().Title.N; n != 3 {
		t.Errorf("sees %d books, want 3", n)
	}
	d.press(AllSeen).wantTitle("borrowed.all")
	// One alone is told of as ever, and a stack is asked about with the next.
	d.wait(5*time.Second).put("D").wantTitle("borrowed").wait(5*time.Second).put("E", "F").wantTitle("stack")
	// Not all: one at a time. What comes then goes on.
	d.press(NotAll).wantSees("counting, A borrowed, B borrowed, C borrowed, D borrowed, E borrowed, F borrowed")
	d.wait(5 * time.Second).put("G").wantTitle("borrowed")
	// Who answers nothing and takes the books has said enough.
	newDesk(t).show("Helmi").put("A", "B").take("Helmi").lift("A", "B").wantTitle("borrowed.all").wait(12 * time.Second).wantSees("welcome")
	newDesk(t).lent("A", "Helmi").lent("B", "Veikko").put("A", "B").wantTitle("stack").press(AllSeen).wantTitle("returned.all")
	newDesk(t).lent("A", "Helmi").show("Helmi").put("A", "B").press(AllSeen).wantTitle("mixed")
	// What belongs into the box is said in words, also among others.
	for n, want := range map[int]Phrase{1: {Key: "mixed.boxed", Title: "The F1"}, 2: {Key: "mixed.boxed.all", N: 2}} {
		d := newDesk(t).show("Helmi").put("A")
		for i := range n {
			id := circ.ItemID(fmt.Sprint("F", i+1))
			m := d.book(id)
			m.Foreign = true
			d.send(m)
		}
		if got := d.press(AllSeen).wantTitle("mixed").s.View().Text[0]; got != want {
			t.Errorf("of %d for the box it says %v, want %v", n, got, want)
		}
	}
	// Books that wait are counted by the sentence that asks for the card.
	newDesk(t).put("A", "B").wantTitle("showcard").show("Helmi").wantTitle("stack")
}

func TestResumedVisit(t *testing.T) {
	done := []Done{
		{Item: circ.Item{ID: "A", Title: "The A", Home: station}, Known: true, Fate: Borrowed, Seq: 1, At: time.Hour - 20*time.Second},
		{Item: circ.Item{ID: "B", Title: "The B", Home: station}, Known: true, Fate: Returned, Seq: 2, At: time.Hour - 10*time.Second},
	}
	begin := func() *desk {
		d := newDesk(t).lent("A", "Helmi")
		d.events = []circ.EventBody{circ.CheckedOut{Item: "A", Patron: ref("Helmi")}, circ.CheckedIn{Item: "B", Patron: ref("Helmi")}}
		return d.send(Resumed{Visit: 40, Done: done})
	}
	d := begin()
	for _, id := range []circ.ItemID{"A", "B"} {
		m := d.book(id)
		m.Found = true
		d.send(m)
	}
	d.show("Helmi").wantSees("visiting, A borrowed again, B returned again")
	if len(d.events) > 2 {
		t.Errorf("coming back recorded %v", d.events[2:])
	}
	d.press(Undo).press(UndoThis, "A").wantSees("visiting, A undone, B returned again")
	// With nothing left on the pad it ends as it would have.
	begin().wait(12 * time.Second).wantSees("welcome")
	// What lay there from before is still nobody's.
	d = begin()
	m := d.book("C")
	m.Found = true
	d.send(m).show("Veikko").wantSees("visiting, A borrowed, B returned, C left")
}

func TestMeasuring(t *testing.T) {
	d := newDesk(t).send(nurse()).press(Measure).wantSees("measuring").press(Larger).press(Larger).press(Smaller)
	if got := d.s.View().Scale; got < 1.0099 || got > 1.0101 {
		t.Errorf("two up and one down is %v", got)
	}
	if d.press(Back).wantSees("staffing"); d.s.View().Scale != 1 || d.scale != 0 {
		t.Errorf("given up, the scale is %v and %v was kept", d.s.View().Scale, d.scale)
	}
	if d.press(Measure).press(Smaller).press(Fits).wantSees("staffing"); d.scale != 1/1.01 || d.s.View().Scale != d.scale {
		t.Errorf("kept %v, and shows %v", d.scale, d.s.View().Scale)
	}
	newDesk(t).show("Helmi").press(Measure).wantSees("visiting") // it is the staff's
}
