package flow

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"coldstation/sync/circ"
)

// desk plays a station around the state: a ledger that numbers what it is
// given, a pad that writes tags, timers that fire.
type desk struct {
	t      failer
	s      State
	at     Moment
	timers map[Timer]time.Duration
	events []circ.EventBody // events[i] has sequence number i+1
	loans  map[circ.ItemID]circ.Loan
	tags   map[Token]Security
	full   bool // the ledger's disk
	hold   bool // the ledger takes its time: answers gather in held
	held   []Msg
	slow   bool // it has taken its time
	queue  []Msg
	far    bool // tags at the edge of the field: no write succeeds
	said   []View
	prints []Print

	numbers    map[circ.Ref]string // secret
	wrong      int
	had        map[circ.ItemID]bool // by Helmi
	remembered map[circ.Ref]Look
	scale      float64

	consignments []Consignment
	wanted       []Wanted
	shelf        []circ.Item
	counted      []circ.ItemID

	when    []time.Duration // each of events was recorded, as Moment.Up
	housed  map[circ.ItemID]bool
	shown   []shownIn             // every card that was taken in
	answers map[answered]bool     // to the question for whom
	opened  map[circ.VisitID]bool // the secret number was right
}

// shownIn is a card, keyring or tile that was taken in, and the visit then.
type shownIn struct {
	visit circ.VisitID
	card  CardSeen
}

// answered is a person, or nobody for the house, who was chosen in a visit.
type answered struct {
	visit circ.VisitID
	who   circ.Ref
}

// failer is a test of either kind.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
}

const station circ.StationID = "maple-house"

func newDesk(t failer, change ...func(*Rules)) *desk {
	rules := DefaultRules(station, "fi", "sv", "en")
	for _, c := range change {
		c(&rules)
	}
	return &desk{
		t: t, s: New(rules, 40), numbers: map[circ.Ref]string{}, had: map[circ.ItemID]bool{}, remembered: map[circ.Ref]Look{}, timers: map[Timer]time.Duration{}, housed: map[circ.ItemID]bool{}, answers: map[answered]bool{}, opened: map[circ.VisitID]bool{}, loans: map[circ.ItemID]circ.Loan{}, tags: map[Token]Security{},
		at: Moment{Up: time.Hour, Wall: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC), Clock: circ.ClockNTP},
	}
}

// send has the effects of each message carried out before what answers them is
// taken in, as a station does.
func (d *desk) send(msgs ...Msg) *desk {
	d.t.Helper()
	d.queue = append(d.queue, msgs...)
	for len(d.queue) > 0 {
		m := d.queue[0]
		d.queue = d.queue[1:]
		before := d.s
		var effects []Effect
		d.s, effects = Step(d.s, d.at, m)
		d.witness(before, m)
		for _, e := range effects {
			d.carryOut(e)
		}
	}
	return d
}

// witness remembers what may be evidence for an event of the visit.
func (d *desk) witness(before State, m Msg) {
	visit := d.s.Visit.ID
	if visit != before.Visit.ID { // a card that waited has its turn
		for _, s := range d.shown {
			if d.s.thing(s.card.Token) {
				d.shown = append(d.shown, shownIn{visit, s.card})
			}
		}
	}
	switch m := m.(type) {
	case CardSeen:
		if !before.thing(m.Token) { // what lies there already is not looked at again
			d.shown = append(d.shown, shownIn{visit, m})
		}
	case Pressed:
		switch m.Action {
		case ForThem:
			d.answers[answered{visit, m.Who}] = true
		case ForHouse:
			d.answers[answered{visit, circ.Ref{}}] = true
		case ForMyself:
			d.answers[answered{visit, before.hands()}] = true
		}
	case Lifted: // who takes the book along and answers nothing means themselves
		d.answers[answered{visit, before.hands()}] = true
	case Unlocked:
		d.opened[visit] = d.opened[visit] || m.Right && m.Ref == before.hands()
	}
}

// may reports whether something that happened in the visit allows the loan: the
// hands' own card, the right number where one is asked for, the answer for whom, and
// the scope that was granted.
func (d *desk) may(out circ.CheckedOut) bool {
	chose := d.answers[answered{out.Visit, out.Patron}]
	return slices.ContainsFunc(d.shown, func(s shownIn) bool {
		c := s.card
		asks := c.Patron.Staff || len(c.Others) > 0
		switch {
		case c.Ref != out.By || s.visit != out.Visit && !d.s.thing(c.Token):
			return false
		case d.s.Rules.Secret && c.Secret && !c.Patron.Staff && !d.opened[out.Visit]:
			return false
		case out.Patron == out.By:
			return !asks || chose
		case c.Patron.Staff:
			return slices.ContainsFunc(d.shown, func(s shownIn) bool {
				return s.card.Tile && s.card.Ref == out.Patron && s.visit == out.Visit
			})
		}
		return chose && slices.ContainsFunc(c.Others, func(o Other) bool { return o.Ref == out.Patron && o.Scopes&circ.MayBorrow != 0 })
	})
}

func (d *desk) carryOut(e Effect) {
	switch e := e.(type) {
	case Record:
		answer := Recorded{Ticket: e.Ticket, Seq: uint64(len(d.events) + 1), Failed: d.full}
		if !d.full {
			for _, body := range e.Bodies {
				d.apply(body)
			}
		}
		d.answer(answer)
	case SetTag:
		// Of events whose answers are late a later one may have changed the loan again.
		if _, lent := d.loans[e.Item]; !e.Secured && !lent && !d.housed[e.Item] && !d.hold && len(d.held) == 0 {
			d.t.Errorf("the gate is to let %s pass, which the ledger does not know to be out", e.Item)
		}
		if d.s.thing(e.Token) && !d.far {
			d.tags[e.Token] = Unsecured
			if e.Secured {
				d.tags[e.Token] = Secured
			}
			d.answer(TagWritten(e))
		} else {
			d.answer(TagFailed(e))
		}
	case StartTimer:
		d.timers[e.Timer] = d.at.Up + e.After
	case StopTimer:
		delete(d.timers, e.Timer)
	case Say:
		d.said = append(d.said, e.View)
	case Print:
		d.prints = append(d.prints, e)
	case Recognise:
		for _, name := range []string{"Helmi", "Veikko"} {
			if ref(name) == e.Ref {
				c := card(name)
				c.Token, c.Scanned, c.Tile = Token("tile "+name), true, true
				d.answer(c)
			}
		}
	case Unlock:
		right := d.numbers[e.Ref] == e.Number
		if !right {
			d.wrong++
		}
		d.answer(Unlocked{Ref: e.Ref, Right: right && d.wrong < 3, Shut: d.wrong >= 3})
	case ReadLoans:
		m := LoansRead{Ref: e.Ref}
		for _, id := range slices.Sorted(maps.Keys(d.loans)) {
			if loan := d.loans[id]; loan.Patron == e.Ref {
				m.Loans = append(m.Loans, Owned{circ.Item{ID: id, Title: "The " + string(id)}, loan})
			}
		}
		d.answer(m)
	case Recall:
		d.answer(Recalled{e.Item.ID, d.had[e.Item.ID]})
		d.had[e.Item.ID] = true
	case Forget:
		delete(d.had, e.Item.ID)
	case Remember:
		d.remembered[e.Ref] = e.Look
	case ReadDesk:
		d.answer(d.readDesk(e.Page))
	case NoteCounted:
		d.answer(CountNoted{e.Item, d.full})
		if !d.full && !slices.Contains(d.counted, e.Item) {
			d.counted = append(d.counted, e.Item)
		}
	case ForgetCount:
		d.counted = nil
	case Rescale:
		d.scale = e.Scale
	}
}

func (d *desk) answer(m Msg) {
	if d.hold {
		d.held = append(d.held, m)
		return
	}
	d.queue = append(d.queue, m)
}

// release lets the slow ledger answer.
func (d *desk) release() *desk {
	d.hold = false
	for len(d.held) > 0 {
		m := d.held[0]
		d.held = d.held[1:]
		d.send(m)
	}
	return d
}

func (d *desk) apply(body circ.EventBody) {
	d.events, d.when = append(d.events, body), append(d.when, d.at.Up)
	switch b := body.(type) {
	case circ.CheckedOut:
		d.loans[b.Item] = circ.Loan{Item: b.Item, Patron: b.Patron, Seq: uint64(len(d.events)), At: d.at.Wall, Due: b.Due}
	case circ.LentToHouse:
		d.housed[b.Item] = true
	case circ.CheckedIn:
		delete(d.loans, b.Item)
		delete(d.housed, b.Item)
	case circ.Renewed:
		loan := d.loans[b.Item]
		loan.Due = b.Due
		loan.Renewed++
		d.loans[b.Item] = loan
	case circ.Undone:
		if out, ok := d.events[b.Seq-1].(circ.CheckedOut); ok {
			delete(d.loans, out.Item)
		}
		if out, ok := d.events[b.Seq-1].(circ.LentToHouse); ok {
			delete(d.housed, out.Item)
		}
		if in, ok := d.events[b.Seq-1].(circ.CheckedIn); ok && !in.Patron.IsZero() {
			d.loans[in.Item] = circ.Loan{Item: in.Item, Patron: in.Patron, At: d.at.Wall.AddDate(0, 0, -9)}
		}
	}
}

func (s State) thing(token Token) bool {
	return slices.ContainsFunc(s.Pad, func(thing Thing) bool { return thing.Token == token })
}

// wait lets time pass; timers fire when they are due.
func (d *desk) wait(long time.Duration) *desk {
	d.t.Helper()
	until := d.at.Up + long
	for {
		timer, due := Timer(0), until+1
		for t, at := range d.timers {
			if at < due {
				timer, due = t, at
			}
		}
		if due > until {
			d.at.Wall, d.at.Up = d.at.Wall.Add(until-d.at.Up), until
			return d
		}
		d.at.Wall, d.at.Up = d.at.Wall.Add(due-d.at.Up), due
		delete(d.timers, timer)
		d.send(Fired{timer})
	}
}

// press waits as long as a person needs to see the button.
func (d *desk) press(a Action, item ...circ.ItemID) *desk {
	d.t.Helper()
	d.wait(time.Second)
	p := Pressed{Action: a}
	if len(item) > 0 {
		p.Item = item[0]
	}
	return d.send(p)
}

func ref(name string) circ.Ref { return circ.NewRef([]byte("key"), circ.NewPatronID(name)) }

// card is the card of a known person, in Finnish, with a loan time of 28 days.
func card(name string) CardSeen {
	return CardSeen{
		Token: Token("card " + name), Ref: ref(name), Known: true,
		Patron: circ.Patron{ID: circ.NewPatronID(name), FirstName: name, Policy: "adult"},
		Policy: circ.Policy{ID: "adult", LoanDays: 28, Limit: 20},
	}
}

// book is an item of this shelf as the desk's ledger and tags stand.
func (d *desk) book(id circ.ItemID) ItemSeen {
	token := Token("tag " + id)
	m := ItemSeen{Token: token, Item: circ.Item{ID: id, Title: "The " + string(id), Home: station}, Known: true, Security: Secured}
	if s, ok := d.tags[token]; ok {
		m.Security = s
	}
	m.Loan, m.OnLoan = d.loans[id], !d.loans[id].Patron.IsZero()
	return m
}

func (d *desk) put(ids ...circ.ItemID) *desk {
	d.t.Helper()
	for _, id := range ids {
		d.send(d.book(id))
	}
	return d
}

func (d *desk) lift(ids ...circ.ItemID) *desk {
	d.t.Helper()
	for _, id := range ids {
		d.send(Lifted{Token: Token("tag " + id)})
	}
	return d
}

// pick touches a choice of a person.
func (d *desk) pick(a Action, name string) *desk {
	d.t.Helper()
	d.wait(time.Second)
	return d.send(Pressed{Action: a, Who: ref(name)})
}

// key enters a secret number.
func (d *desk) key(digits string) *desk {
	d.t.Helper()
	d.wait(time.Second)
	for _, digit := range []byte(digits) {
		d.wait(600 * time.Millisecond).send(Pressed{Action: Digit, Digit: digit})
	}
	return d.press(Enter)
}

// tiles are of people who agreed to be known by a touch.
func (d *desk) tiles(names ...string) *desk {
	var m TilesSet
	for _, name := range names {
		m.Tiles = append(m.Tiles, Tile{Ref: ref(name), Name: name})
	}
	return d.send(m)
}

func nurse() CardSeen {
	c := card("Nurse")
	c.Patron.Staff = true
	return c
}

// agent is Helmi's card; she acts for Veikko within scopes.
func agent(scopes circ.Scopes) CardSeen {
	c := card("Helmi")
	v := card("Veikko")
	c.Others = []Other{{Ref: v.Ref, Name: "Veikko", Known: true, Policy: v.Policy, Scopes: scopes}}
	return c
}

func (d *desk) show(name string) *desk { d.t.Helper(); return d.send(card(name)) }
func (d *desk) take(name string) *desk {
	d.t.Helper()
	return d.send(Lifted{Token: Token("card " + name)})
}

// lent puts an item on loan to somebody long ago.
func (d *desk) lent(id circ.ItemID, name string) *desk {
	d.loans[id] = circ.Loan{Item: id, Patron: ref(name), At: d.at.Wall.AddDate(0, 0, -9)}
	d.tags[Token("tag "+id)] = Unsecured
	return d
}

// story is what the ledger holds, a word for each circulation event.
func (d *desk) story() string {
	names := map[circ.Ref]string{{}: "nobody"}
	for _, n := range []string{"Helmi", "Veikko", "Nurse", "stranger"} {
		names[ref(n)] = n
	}
	var words []string
	for _, body := range d.events {
		switch b := body.(type) {
		case circ.CheckedOut:
			word := fmt.Sprintf("%s to %s", b.Item, names[b.Patron])
			if b.By != b.Patron {
				word += " by " + names[b.By]
			}
			if b.Flags&circ.ByStaff != 0 {
				word += " of the staff"
			}
			if b.Flags&circ.ImpliedReturn != 0 {
				word += " from " + names[b.From]
			}
			words = append(words, word)
		case circ.CheckedIn:
			word := fmt.Sprintf("%s back from %s", b.Item, names[b.Patron])
			if !b.Belongs {
				word += " to the box"
			}
			words = append(words, word)
		case circ.LentToHouse:
			words = append(words, fmt.Sprintf("%s to the house", b.Item))
		case circ.Renewed:
			words = append(words, fmt.Sprintf("%s renewed by %s", b.Item, names[b.By]))
		case circ.Undone:
			words = append(words, fmt.Sprintf("undo %d", b.Seq))
		case circ.Placed:
			words = append(words, fmt.Sprintf("%s placed with %q by %s", b.Item, b.Consignment, names[b.By]))
		case circ.TakenOut:
			words = append(words, fmt.Sprintf("%s taken out for %q by %s", b.Item, b.Consignment, names[b.By]))
		case circ.ConsignmentChecked:
			words = append(words, fmt.Sprintf("%q checked by %s: %v seen, %v missing, %v extra", b.Consignment, names[b.By], b.Seen, b.Missing, b.Extra))
		case circ.ShelfCounted:
			words = append(words, fmt.Sprintf("counted by %s: %v, whole %v", names[b.By], b.Seen, b.Whole))
		}
	}
	return strings.Join(words, ", ")
}

// sees is the screen and the fate of each item on it.
func (d *desk) sees() string {
	v := d.s.View()
	words := []string{v.Screen.String()}
	for _, l := range v.Lines {
		word := fmt.Sprintf("%s %s", l.Item.ID, l.Fate)
		if l.Again {
			word += " again"
		}
		if l.PutBack {
			word += " put back"
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

func (d *desk) wantStory(want string) *desk {
	d.t.Helper()
	if got := d.story(); got != want {
		d.t.Errorf("the ledger says\n  %s\nwant\n  %s", got, want)
	}
	return d
}

func (d *desk) wantSees(want string) *desk {
	d.t.Helper()
	if got := d.sees(); got != want {
		d.t.Errorf("the screen shows\n  %s\nwant\n  %s", got, want)
	}
	return d
}

func (d *desk) wantTitle(key string) *desk {
	d.t.Helper()
	if got := d.s.View().Title.Key; got != key {
		d.t.Errorf("the title is %s, want %s", got, key)
	}
	return d
}

func (d *desk) wantTag(id circ.ItemID, want Security) *desk {
	d.t.Helper()
	if got := d.tags[Token("tag "+id)]; got != want {
		d.t.Errorf("the tag of %s has security %d, want %d", id, got, want)
	}
	return d
}

func (d *desk) has(a Action) bool {
	v := d.s.View()
	if slices.ContainsFunc(v.Buttons, func(b Button) bool { return b.Action == a }) {
		return true
	}
	return slices.ContainsFunc(v.Lines, func(l Line) bool { return l.Button.Action == a })
}
