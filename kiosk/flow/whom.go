package flow

import (
	"slices"

	"coldstation/sync/circ"
)

// greet makes the visit the card's. A look chosen by touch stays; else the
// person's own comes with the card.
func (t *turn) greet(card *Card) {
	t.Visit.Card, t.Visit.For, t.Visit.Whom = card, nil, false
	t.Visit.Locked = card.Secret && (card.Staff || t.Rules.Secret)
	t.Visit.Number, t.Visit.Wrong, t.Visit.Shut = "", false, t.Visit.Locked && card.Shut
	switch {
	case t.Chosen:
	case card.Look != nil && card.Look.valid() && slices.Contains(t.Rules.Languages, card.Look.Language):
		t.Look = *card.Look
	case slices.Contains(t.Rules.Languages, card.Language):
		t.Look.Language = card.Language
	}
	t.account()
}

// account is the card's own, unless there is something to ask.
func (t *turn) account() {
	if card := t.Visit.Card; !t.Visit.Locked && !card.Staff && len(card.Others) == 0 {
		t.choose(card.Own)
	}
}

// choose settles whose loans they are, and with it what waited.
func (t *turn) choose(a Account) {
	a.Lend = a.Lend && !t.Remote.Paused
	t.Visit.For, t.Visit.Whom, t.Page, t.Desk = &a, false, Welcome, nil
	for i := range t.Visit.Entries {
		if e := &t.Visit.Entries[i]; e.Fate == Waiting {
			t.decide(e)
		}
	}
}

// whom takes the answers to the questions who and for whom.
func (t *turn) whom(m Pressed) {
	card := t.Visit.Card
	staff := card != nil && card.Staff
	switch m.Action {
	case ForHouse:
		if t.houses() && t.Visit.ID != 0 && (card == nil || !staff && !t.Visit.Locked && t.Visit.For == nil) {
			t.choose(house)
		}
	case ForMyself:
		if staff && !t.Visit.Locked {
			t.choose(card.Own)
		}
	case ForThem:
		if card == nil || staff || t.Visit.Locked {
			return
		}
		for _, a := range append([]Account{card.Own}, card.Others...) {
			if a.Ref == m.Who {
				t.choose(a)
				return
			}
		}
	case NoCard:
		if t.nameable() {
			t.Page = Naming
		}
	case ForOther:
		if staff && !t.Visit.Locked && t.Rules.Tiles != NoTiles && len(t.Tiles) > 0 {
			t.Page = Naming
		}
	case IAm:
		if t.Page == Naming && slices.ContainsFunc(t.Tiles, func(tile Tile) bool { return tile.Ref == m.Who }) {
			t.emit(Recognise{m.Who})
		}
	}
}

// nameable reports whether somebody without a card may touch their name.
func (s State) nameable() bool {
	return s.Rules.Tiles == OpenTiles && len(s.Tiles) > 0 && s.Visit.Card == nil
}

// changeable reports whether the question for whom can be asked again.
func (s State) changeable() bool {
	v := s.Visit
	return v.For != nil && v.Card != nil && (v.Card.Staff || len(v.Card.Others) > 0)
}

// asking reports whether it is yet to be said for whom. Books that are only
// brought back do not wait for the answer.
func (s State) asking() bool {
	v := s.Visit
	return v.Card != nil && v.For == nil && (v.Card.Staff || v.Whom || len(v.Entries) == 0 ||
		slices.ContainsFunc(v.Entries, func(e Entry) bool { return e.Fate == Waiting }))
}

// whose reports whether an agent has not said yet for whom.
func (s State) whose() bool {
	v := s.Visit
	return v.Card != nil && v.For == nil && !v.Locked && !v.Card.Staff
}

// hands are whose they are; nobody's when something is taken into use in the house.
func (s State) hands() circ.Ref {
	if card := s.Visit.Card; card != nil {
		return card.Own.Ref
	}
	return circ.Ref{}
}

// ours reports whether a loan is on an account that these hands act for.
func (s State) ours(ref circ.Ref) bool {
	card := s.Visit.Card
	return card != nil && (card.Own.Ref == ref || s.Visit.For != nil && s.Visit.For.Ref == ref ||
		slices.ContainsFunc(card.Others, func(a Account) bool { return a.Ref == ref }))
}

// number takes the secret number, digit by digit. It leaves the state with the
// question whether it is right.
func (t *turn) number(m Pressed) {
	const longest = 8
	v := &t.Visit
	if !v.Locked || v.Shut {
		return
	}
	switch m.Action {
	case Digit:
		if len(v.Number) < longest && m.Digit >= '0' && m.Digit <= '9' {
			v.Number, v.Wrong = v.Number+string(rune(m.Digit)), false
		}
	case Erase:
		v.Number = v.Number[:max(0, len(v.Number)-1)]
	case Enter:
		if v.Number != "" {
			t.emit(Unlock{v.Card.Own.Ref, v.Number})
			v.Number = ""
		}
	}
}

func (t *turn) unlocked(m Unlocked) {
	v := &t.Visit
	if !v.Locked || v.Card.Own.Ref != m.Ref {
		return
	}
	v.Wrong, v.Shut = !m.Right, m.Shut
	if m.Right {
		v.Locked = false
		t.account()
	}
}

// card is who stands behind what was seen.
func (t *turn) card(m CardSeen) *Card {
	c := &Card{
		Token: m.Token, Staff: m.Known && m.Patron.Staff, Secret: m.Secret, Shut: m.Shut, Recalls: m.Recalls,
		Language: m.Patron.Language, Look: m.Look,
		Own: t.lendable(Other{Ref: m.Ref, Name: m.Patron.FirstName, Picture: m.Patron.Picture, Known: m.Known, Valid: m.Valid, Blocked: m.Patron.Blocked,
			Policy: m.Policy, Loans: m.Loans, Scopes: everything}),
	}
	for _, o := range m.Others {
		c.Others = append(c.Others, t.lendable(o))
	}
	return c
}

// lendable is an account by the station's rules.
func (t *turn) lendable(o Other) Account {
	a := Account{Ref: o.Ref, Name: o.Name, Picture: o.Picture, Lend: true, Policy: o.Policy, Loans: o.Loans, Scopes: o.Scopes}
	if !o.Known {
		a.Name = ""
		a.Flags |= circ.UnknownPatron
		a.Lend = o.Valid || t.Rules.UnknownCards == LendAndFlag
	}
	if o.Known && o.Blocked {
		a.Flags |= circ.BlockedPatron
		a.Lend = t.Rules.BlockedCards == LendAndFlag
	}
	a.Lend = a.Lend && o.Scopes&circ.MayBorrow != 0
	return a
}
