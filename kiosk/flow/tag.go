package flow

import (
	"slices"

	"coldstation/sync/circ"
)

// secure brings an item's tags to what its fate asks for, unless the tag was
// read to be so already. Of an item that nothing has happened to yet only a tag is
// written that is known to be wrong.
func (t *turn) secure(e *Entry) {
	right := Secured
	if e.Fate.out() || e.Fate == Undone && !e.Made.out() && !e.From.IsZero() {
		right = Unsecured
	}
	settled := e.Fate != Waiting && e.Fate != AskStaff
	if len(e.Unready) > 0 || e.Seen.Unready || e.Seen.Security != right && (settled || e.Seen.Security != NoSecurity) {
		t.want(e, right)
	}
}

// mend has the tag of an item that lay here when the station woke up written as
// the ledger's loan asks, when it could not be written before.
func (t *turn) mend(m ItemSeen) {
	cut := m.OnLoan && m.Security == Secured && t.since(m.Loan.At) < t.Rules.Finish
	if t.Rules.Tags && !m.Foreign && (m.Unready || cut) {
		t.emit(SetTag{Token: m.Token, Item: m.Item.ID, Secured: !m.OnLoan})
	}
}

// want has every tag of the item that lies here written, but for those that are
// right or asked already. When none lies here, it was lifted too early: that is
// noted, and made good when it is seen again.
func (t *turn) want(e *Entry, right Security) {
	if !t.Rules.Tags || e.Seen.Foreign || e.Seen.Scanned {
		return
	}
	id := e.Seen.Item.ID
	var unready []Token
	lies := false
	for i := range t.Pad {
		thing := &t.Pad[i]
		if thing.Card != nil || thing.Item.ID != id {
			continue
		}
		lies = true
		if thing.Tag != right {
			thing.Tag = right
			t.emit(SetTag{Token: thing.Token, Item: id, Secured: right == Secured})
		} else if !slices.Contains(e.Unready, thing.Token) {
			continue
		}
		unready = append(unready, thing.Token)
	}
	if !lies {
		unready = []Token{e.Seen.Token}
		t.record(circ.TagFailed{Item: id, UID: string(e.Seen.Token), Secured: right == Secured})
	}
	e.Unready = unready
}

func (t *turn) tagWritten(m TagWritten) {
	if m.Secured {
		t.record(circ.TagSecured{Item: m.Item, UID: string(m.Token)})
	} else {
		t.record(circ.TagUnsecured{Item: m.Item, UID: string(m.Token)})
	}
	if e := t.entry(m.Item); e != nil {
		e.Seen.Security, e.Seen.Unready = Unsecured, false
		if m.Secured {
			e.Seen.Security = Secured
		}
		e.Unready = slices.DeleteFunc(slices.Clone(e.Unready), func(token Token) bool { return token == m.Token })
	}
}

// tagFailed keeps the tag unready: a tag that was lifted is asked back, and one
// that cannot be written though it lies here is the library's business alone.
// TagWritten may still follow.
func (t *turn) tagFailed(m TagFailed) {
	if thing := t.thing(m.Token); thing != nil {
		thing.Tag = NoSecurity
	}
	t.record(circ.TagFailed{Item: m.Item, UID: string(m.Token), Secured: m.Secured})
}

// tagUnable keeps the tag as it was asked for: asking again is in vain.
func (t *turn) tagUnable(m TagUnable) {
	e := t.entry(m.Item)
	if e == nil || !e.Seen.Unready { // else the library knows
		t.record(circ.TagFailed{Item: m.Item, UID: string(m.Token), Secured: m.Secured})
	}
	if e != nil {
		e.Unready = slices.DeleteFunc(slices.Clone(e.Unready), func(token Token) bool { return token == m.Token })
	}
}

// putBack reports whether a tag of the item was lifted before it was ready.
func (s State) putBack(e Entry) bool {
	return slices.ContainsFunc(e.Unready, func(token Token) bool {
		return !slices.ContainsFunc(s.Pad, func(thing Thing) bool { return thing.Token == token })
	})
}
