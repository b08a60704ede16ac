package flow

import (
	"slices"

	"coldstation/sync/circ"
)

// secure brings an item's tags to what its fate asks for, unless the tag was
// read to be so already. Of an item that nothing has happened to yet only a tag is
// written that is known to be wrong.
func (t *turn) secure(e *Entry) {
	secured := true
	switch e.Fate {
	case Borrowed:
		secured = false
	case Undone:
		secured = e.Made == Borrowed || e.From.IsZero()
	}
	right := Unsecured
	if secured {
		right = Secured
	}
	settled := e.Fate != Waiting && e.Fate != AskStaff
	if len(e.Unready) > 0 || e.Seen.Unready || e.Seen.Security != right && (settled || e.Seen.Security != NoSecurity) {
		t.want(e, secured)
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

// want has every tag of the item written that lies here. When none does, it was
// lifted too early: that is noted, and made good when it is seen again.
func (t *turn) want(e *Entry, secured bool) {
	if !t.Rules.Tags || e.Seen.Foreign || e.Seen.Scanned {
		return
	}
	id := e.Seen.Item.ID
	var tokens []Token
	for _, thing := range t.Pad {
		if thing.Card == nil && thing.Item.ID == id {
			tokens = append(tokens, thing.Token)
			t.emit(SetTag{Token: thing.Token, Item: id, Secured: secured})
		}
	}
	if tokens == nil {
		tokens = []Token{e.Seen.Token}
		t.record(circ.TagFailed{Item: id, UID: string(e.Seen.Token), Secured: secured})
	}
	e.Unready = tokens
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
	t.record(circ.TagFailed{Item: m.Item, UID: string(m.Token), Secured: m.Secured})
}

// putBack reports whether a tag of the item was lifted before it was ready.
func (s State) putBack(e Entry) bool {
	return slices.ContainsFunc(e.Unready, func(token Token) bool {
		return !slices.ContainsFunc(s.Pad, func(thing Thing) bool { return thing.Token == token })
	})
}
