package kiosk

import (
	"encoding/json"
	"slices"
	"strings"

	"coldstation/kiosk/flow"
	"coldstation/sync/circ"
	"coldstation/sync/ledger"
)

// person is what the station knows of who shows a card or touches their name. The
// identifier of who only touched a name is not known.
func (s *Station) person(p circ.Patron, ref circ.Ref, known bool) flow.CardSeen {
	s.shown[ref] = p.ID
	s.locks[ref] = newLock(p)
	m := flow.CardSeen{
		Ref: ref, Patron: p, Known: known, Policy: s.policy(p.Policy), Loans: len(s.loans(ref)),
		Secret: p.Secret != "", Recalls: p.Recalls && !p.ID.IsZero(), Look: s.remembered(ref),
	}
	m.Shut = m.Secret && s.triesAt(s.locks[ref], ref).shut != 0
	if known && !p.ID.IsZero() {
		m.Others = s.others(p.ID)
	}
	return m
}

// others are the accounts that an agent may act for now, in the order of their
// grants. Several grants for one account count together.
func (s *Station) others(agent circ.PatronID) (all []flow.Other) {
	for _, proxy := range s.grants(agent) {
		p, ref, known := s.knownPatron(proxy.Principal)
		if i := slices.IndexFunc(all, func(o flow.Other) bool { return o.Ref == ref }); i >= 0 {
			all[i].Scopes |= proxy.Scopes
			continue
		}
		s.shown[ref] = p.ID
		all = append(all, flow.Other{Ref: ref, Name: p.FirstName, Picture: p.Picture, Known: known, Valid: !known && s.valid(proxy.Principal), Blocked: p.Blocked,
			Policy: s.policy(p.Policy), Loans: len(s.loans(ref)), Scopes: proxy.Scopes})
	}
	return all
}

// grants are an agent's authorisations that are in force now. One for once, that was
// used, lasts as long as the visit.
func (s *Station) grants(agent circ.PatronID) []circ.Proxy {
	proxies, err := s.ledger.Proxies(agent)
	if !s.answered(err) {
		return nil
	}
	return slices.DeleteFunc(proxies, func(p circ.Proxy) bool {
		if !s.inForce(p) {
			return true
		}
		if !p.Once || s.spent[p.ID] {
			return false
		}
		used, err := s.ledger.ProxyUsed(p.ID)
		return !s.answered(err) || used
	})
}

// useGrants notes which authorisations for once were used by what was recorded: the
// one by which somebody acted, unless another allowed it too.
func (s *Station) useGrants(bodies []circ.EventBody) {
	for _, body := range bodies {
		switch b := body.(type) {
		case circ.CheckedOut:
			s.useGrant(b.Patron, b.By, circ.MayBorrow)
		case circ.Renewed:
			s.useGrant(b.Patron, b.By, circ.MayRenew)
		}
	}
}

func (s *Station) useGrant(patron, by circ.Ref, scope circ.Scopes) {
	agent := s.shown[by]
	if agent.IsZero() || patron == by {
		return
	}
	var once string
	for _, p := range s.grants(agent) {
		if _, ref, _ := s.knownPatron(p.Principal); ref != patron || p.Scopes&scope == 0 {
			continue
		}
		if !p.Once || s.spent[p.ID] {
			return
		}
		if once == "" {
			once = p.ID
		}
	}
	if once != "" && s.answered(s.ledger.UseProxy(once)) {
		s.spent[once] = true
	}
}

// inForce judges a grant by the latest time that is known: a clock that has lost
// its time must not bring an expired grant back. One that the library has not told
// again for long is no longer in force, since nobody knows whether it was cancelled.
func (s *Station) inForce(p circ.Proxy) bool {
	now := s.now().Wall
	if s.newest.After(now) {
		now = s.newest
	}
	fresh := p.Fresh.IsZero() || now.Before(p.Fresh.Add(circ.ProxyLife))
	return fresh && !now.Before(p.From) && (p.To.IsZero() || now.Before(p.To))
}

// recognise is who touched their name; nil when they no longer agree.
func (s *Station) recognise(ref circ.Ref) flow.Msg {
	tiles, err := s.ledger.Tiles()
	if !s.answered(err) {
		return nil
	}
	for _, tile := range tiles {
		if tile.Ref == ref {
			m := s.person(tile.Patron, ref, true)
			m.Token, m.Scanned, m.Tile = flow.Token("tile "+ref.String()), true, true
			return m
		}
	}
	return nil
}

// tiles are those who may be recognised, by their names.
func (s *Station) tiles() (m flow.TilesSet) {
	tiles, err := s.ledger.Tiles()
	s.answered(err)
	for _, tile := range tiles {
		m.Tiles = append(m.Tiles, flow.Tile{Ref: tile.Ref, Name: tile.Patron.FirstName, Picture: tile.Patron.Picture})
	}
	slices.SortFunc(m.Tiles, func(a, b flow.Tile) int { return strings.Compare(a.Name+a.Picture, b.Name+b.Picture) })
	return m
}

// messages are the library's words for the screen at rest, by language.
func (s *Station) messages() flow.MessageSet {
	all, err := s.ledger.Messages()
	s.answered(err)
	words := make(map[string]string)
	for _, message := range all {
		for language, text := range message {
			words[language] = text
		}
	}
	return flow.MessageSet{Words: words}
}

// owned are an account's loans with their items.
func (s *Station) owned(ref circ.Ref) flow.LoansRead {
	m := flow.LoansRead{Ref: ref}
	for _, loan := range s.loans(ref) {
		item, _ := s.knownItem(loan.Item)
		item.ID = loan.Item
		m.Loans = append(m.Loans, flow.Owned{Item: item, Loan: loan})
	}
	return m
}

// work is what a person remembers of an item: not its number.
func work(i circ.Item) string {
	if i.Title == "" {
		return string(i.ID)
	}
	return strings.ToLower(i.Title + "\n" + i.Author)
}

func (s *Station) recall(e flow.Recall) flow.Msg {
	id := s.shown[e.Ref]
	if id.IsZero() {
		return nil
	}
	had, err := s.ledger.Had(id, work(e.Item))
	if s.answered(err) && !had {
		s.answered(s.ledger.NoteHad(id, work(e.Item)))
	}
	return flow.Recalled{Item: e.Item.ID, Had: had}
}

func (s *Station) forget(e flow.Forget) {
	if id := s.shown[e.Ref]; !id.IsZero() {
		s.answered(s.ledger.ForgetHad(id, work(e.Item)))
	}
}

// remembered is the look that a person left here; nil for none.
func (s *Station) remembered(ref circ.Ref) *flow.Look {
	text, err := s.ledger.Remembered(ref)
	if !s.answered(err) || text == nil {
		return nil
	}
	var look flow.Look
	if err := json.Unmarshal(text, &look); err != nil {
		s.log.Error("a look cannot be read", "err", err)
		return nil
	}
	return &look
}

func (s *Station) remember(e flow.Remember) {
	text, err := json.Marshal(e.Look)
	if err == nil {
		err = s.ledger.Remember(e.Ref, text)
	}
	s.answered(err)
}

// housed reports whether an item was in use in the house.
func (s *Station) housed(id circ.ItemID) bool {
	place, err := s.ledger.Place(id)
	return s.answered(err) && place == ledger.House
}
