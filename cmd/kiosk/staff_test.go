package main

import (
	"testing"

	"coldstation/kiosk/flow"
	"coldstation/sync/circ"
)

// The staff receive a book and count the shelf by touch, with the real programs.
func TestStaffByTouch(t *testing.T) {
	th := open(t)
	k, err := th.Kiosk(th.ctx, "maple-house", th.screen.Env(), "--window", "1280x800", "--languages", "en,fi")
	th.must(err)
	finnish := func(a flow.Action) string { return words()["fi"].Show(flow.Phrase{Key: string(a)}) }
	m := newMirror(func(*flow.Rules) {})
	shown := func(screen string) func() error { return func() error { return k.Logged("show", "screen="+screen) } }
	recorded := func(kind string) func() error { return func() error { return k.Logged("kind=" + kind) } }
	press := func(a flow.Action) flow.View { return m.send(flow.Pressed{Action: a}) }
	sinuhe := book("999N00001003", "Sinuhe egyptiläinen")

	th.must(k.Pad.Put("outi"))
	staffing := m.send(flow.CardSeen{Token: "card", Ref: circ.Ref{1}, Known: true, Patron: circ.Patron{FirstName: "Outi", Staff: true, Language: "fi"}})
	th.logged(k, 1, "show", "screen=staffing")
	th.touch(staffing, finnish(flow.Receive), shown("receiving"))
	press(flow.Receive)
	m.send(flow.DeskRead{Page: flow.Receiving})
	th.must(k.Pad.Put("sinuhe"))
	th.logged(k, 1, "kind=Placed")
	th.touch(m.send(sinuhe), finnish(flow.Accept), recorded("ConsignmentChecked"))
	done := press(flow.Accept)
	th.touch(done, finnish(flow.Back), times(k, 2, "show", "screen=staffing"))

	staffing = press(flow.Back)
	th.touch(staffing, finnish(flow.CountShelf), shown("shelving"))
	th.must(k.Pad.Put("palmu"))
	press(flow.CountShelf)
	m.send(flow.DeskRead{Page: flow.Shelving})
	shelving := m.send(book("999N00001004", "Komisario Palmun erehdys"), flow.CountNoted{Item: "999N00001004"})
	th.touch(shelving, finnish(flow.AllCounted), shown("shelf-whole"))
	th.touch(press(flow.AllCounted), finnish(flow.PartShelf), shown("shelf-result"))
	th.touch(press(flow.PartShelf), finnish(flow.SendCount), recorded("ShelfCounted"))
}
