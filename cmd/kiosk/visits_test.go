package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coldstation/cmd/internal/stage"
	"coldstation/kiosk/flow"
	"coldstation/rfid/iso28560"
	"coldstation/sync/circ"
)

// mirror is what a station shows, as a test follows it: it plays the same messages
// through package flow, so that a finger finds the real one's buttons.
type mirror struct {
	state flow.State
	at    flow.Moment
	seq   uint64
	full  bool // its disk: nothing can be recorded
}

func newMirror(change func(*flow.Rules)) *mirror {
	rules := flow.DefaultRules("maple-house", "en", "fi")
	change(&rules)
	return &mirror{state: flow.New(rules, 0), at: flow.Moment{Up: time.Hour}}
}

func (m *mirror) send(msgs ...flow.Msg) flow.View {
	for _, msg := range msgs {
		m.at.Up += time.Second
		for queue := []flow.Msg{msg}; len(queue) > 0; queue = queue[1:] {
			var effects []flow.Effect
			m.state, effects = flow.Step(m.state, m.at, queue[0])
			for _, e := range effects {
				if r, is := e.(flow.Record); is {
					queue = append(queue, flow.Recorded{Ticket: r.Ticket, Seq: m.seq + 1, Failed: m.full})
					m.seq += uint64(len(r.Bodies))
				}
			}
		}
	}
	return m.state.View()
}

func book(id, title string) flow.ItemSeen {
	return flow.ItemSeen{Token: flow.Token(id), Known: true, Item: circ.Item{ID: circ.ItemID(id), Title: title, Home: "maple-house"}}
}

// strangers are books that no list of the library has: another library's, and one of
// its own that nobody ever entered.
func strangers(s *stage.Stage) error {
	text, err := s.Run("hub", "demo", "--table")
	if err != nil {
		return err
	}
	var table struct {
		Cards []map[string]any `json:"cards"`
		Items []map[string]any `json:"items"`
	}
	if err := json.Unmarshal([]byte(text), &table); err != nil {
		return err
	}
	for name, label := range map[string]iso28560.Label{
		"foreign": {Item: "31234567", ISIL: "FI-Other", Usage: iso28560.Circulation},
		"unknown": {Item: "999N00009999", ISIL: "FI-Demo", Usage: iso28560.Circulation},
	} {
		memory, err := iso28560.EncodePart3(label, iso28560.Layout{Block: 4})
		if err != nil {
			return err
		}
		table.Items = append(table.Items, map[string]any{"name": name, "uid": fmt.Sprintf("E0040150%X", name[:4]),
			"dsfid": "3E", "afi": "C2", "memory": fmt.Sprintf("%X", memory)})
	}
	out, err := json.Marshal(table)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.Dir, "table.json"), out, 0o600)
}

// visits is one station through a morning.
type visits struct {
	*theatre
	k *stage.Kiosk
}

// recorded waits until the station has recorded n events of a kind.
func (v visits) recorded(n int, kind string) {
	v.Helper()
	v.logged(v.k, n, "msg=recorded", "kind="+kind)
}

// lent waits until n tags in all were written and read back for the gate to let pass: a
// tag that is lifted between the two is asked back.
func (v visits) lent(n int) {
	v.Helper()
	v.recorded(n, "TagUnsecured")
}

// leave lifts everything and waits until the visit is over.
func (v visits) leave(names ...string) {
	v.Helper()
	over := v.count("visit over")
	v.must(v.k.Pad.Lift(names...))
	v.logged(v.k, over+1, "visit over")
}

func (v visits) count(words string) int {
	v.Helper()
	log, err := os.ReadFile(v.k.Log)
	v.must(err)
	return strings.Count(string(log), words)
}

// shown waits until a screen is shown once more than it was.
func (v visits) shown(screen flow.Screen, n int) {
	v.Helper()
	v.logged(v.k, n, "msg=show", "screen="+screen.String())
}

// TestVisits: whoever comes in a morning, with cards, without, for others, for the
// house, one book and many, by real frames and a real finger.
func TestVisits(t *testing.T) {
	th := open(t)
	th.must(strangers(th.Stage))
	k, err := th.Kiosk(th.ctx, "maple-house", th.screen.Env(), "--window", "1280x800", "--languages", "en,fi",
		"--owners", "FI-Demo", "--tiles", "open", "--secret-numbers", "--house")
	th.must(err)
	v := visits{th, k}
	here := func() *mirror {
		return newMirror(func(r *flow.Rules) { r.Tiles, r.Secret, r.House = flow.OpenTiles, true, true })
	}
	tiles := flow.TilesSet{}
	for _, name := range []string{"Birgitta", "Gunnar", "Helmi", "Veikko"} {
		picture := map[string]string{"Birgitta": "flower", "Gunnar": "tree", "Helmi": "boat", "Veikko": "cat"}[name]
		tiles.Tiles = append(tiles.Tiles, flow.Tile{Ref: circ.Ref{name[0]}, Name: name, Picture: picture})
	}

	// A special customer: nothing presses.
	th.must(k.Pad.Put("veikko", "sinuhe"))
	th.loans("999N00001003")
	if loans, err := th.Loans(); err != nil || loans[0].Due != "" {
		t.Errorf("a special customer's book is due %q, %v", loans[0].Due, err)
	}
	v.lent(1)
	v.leave("veikko", "sinuhe")

	// Five at once, counted; a finger that says no is shown them all, and comes back.
	th.must(k.Pad.Put("palmu", "kalevala", "puhdistus", "osa", "aurinko", "helmi"))
	v.recorded(6, "CheckedOut")
	v.lent(6)
	m := here()
	stack := m.send(tiles, book("999N00001004", "Komisario Palmun erehdys"), book("999N00001011", "Kalevala"), book("999N00001019", "Puhdistus"),
		book("999N00001022", "Ihmisen osa"), book("999N00001018", "Ennen päivänlaskua ei voi"),
		flow.CardSeen{Token: "card", Ref: circ.Ref{'H'}, Known: true, Patron: circ.Patron{FirstName: "Helmi"}, Policy: circ.Policy{LoanDays: 28}})
	th.touch(stack, english(flow.NotAll), func() error { return v.more("screen=counting", 0) })
	n := v.count("screen=visiting")
	th.touch(m.send(flow.Pressed{Action: flow.NotAll}), english(flow.Back), func() error { return v.more("screen=visiting", n) })
	v.leave("palmu", "kalevala", "puhdistus", "osa", "aurinko", "helmi")

	// A set waits for its third disc.
	th.must(k.Pad.Put("helmi", "hurmaava", "hurmaava-2"))
	v.shown(flow.Visiting, n+2)
	th.afi(k, "hurmaava", "07")
	if n := v.count("kind=CheckedOut"); n != 6 {
		t.Errorf("%d loans before the set was whole, want 6", n)
	}
	th.must(k.Pad.Put("hurmaava-3"))
	v.recorded(7, "CheckedOut")
	v.lent(9)
	v.leave("helmi", "hurmaava", "hurmaava-2", "hurmaava-3")

	// Brought back, by anybody: two people's books, and what nobody knows.
	th.must(k.Pad.Put("palmu", "sinuhe"))
	v.recorded(2, "CheckedIn")
	th.must(k.Pad.Put("foreign", "unknown"))
	v.recorded(4, "CheckedIn")
	v.recorded(3, "TagSecured") // two and the unknown one
	th.afi(k, "foreign", "C2")  // it is not ours to write
	v.leave("palmu", "sinuhe", "foreign", "unknown")

	// Sirpa acts for Aino.
	asked := here().send(flow.CardSeen{Token: "sirpa", Ref: circ.Ref{1}, Known: true, Patron: circ.Patron{FirstName: "Sirpa"},
		Others: []flow.Other{{Ref: circ.Ref{2}, Name: "Aino", Known: true, Scopes: circ.MayBorrow | circ.MayRenew | circ.MayCollect}}})
	th.must(k.Pad.Put("sirpa"))
	v.shown(flow.Asking, 1)
	n = v.count("screen=visiting")
	th.touch(asked, english(flow.ForThem, "Aino"), func() error {
		return v.more("screen=visiting", n)
	})
	th.must(k.Pad.Put("janis"))
	v.recorded(8, "CheckedOut")
	v.lent(10)
	v.leave("sirpa", "janis")

	// For the house, and nobody's name.
	m = here()
	n = v.count("screen=visiting")
	th.must(k.Pad.Put("myllari"))
	v.shown(flow.Visiting, n+1)
	th.touch(m.send(tiles, book("999N00001016", "Ulvova myllari")), english(flow.ForHouse), func() error { return k.Logged("kind=LentToHouse") })
	v.lent(11)
	v.leave("myllari")

	// Helmi has no card with her.
	m = here()
	n = v.count("screen=visiting")
	th.touch(m.send(tiles), english(flow.NoCard), func() error { return v.more("screen=naming", 0) })
	th.touch(m.send(flow.Pressed{Action: flow.NoCard}), english(flow.IAm, "Helmi"), func() error {
		return v.more("screen=visiting", n)
	})
	th.must(k.Pad.Put("syntinen"))
	v.recorded(9, "CheckedOut")
	v.lent(12)
	v.leave("syntinen")

	// A book is lifted before its tag is ready, and Birgitta goes. Whoever puts it down
	// next has it made good, and it stays her loan.
	_, err = th.Library.Run("readersim", "fail", "--control", k.Pad.Control, "lift")
	th.must(err)
	th.must(k.Pad.Put("birgitta", "katilo"))
	v.recorded(1, "TagFailed")
	over := v.count("visit over")
	th.must(k.Pad.Lift("birgitta"))
	early := here().send(tiles, flow.CardSeen{Token: "card", Ref: circ.Ref{'B'}, Known: true, Patron: circ.Patron{FirstName: "Birgitta"}},
		book("999N00001024", "Kätilö"), flow.Lifted{Token: "999N00001024"},
		flow.TagFailed{Token: "999N00001024", Item: "999N00001024"}, flow.Lifted{Token: "card"})
	th.touch(early, english(flow.Finish), func() error { return v.more("visit over", over) })
	th.must(k.Pad.Put("katilo"))
	v.lent(13)
	if n := v.count("kind=CheckedIn"); n != 4 {
		t.Errorf("%d returns, want the 4 from before: it is still her loan", n)
	}
	v.leave("katilo")

	// Margaret has a secret number.
	th.must(k.Pad.Put("margaret"))
	v.shown(flow.Unlocking, 1)
	pad := here().send(flow.CardSeen{Token: "margaret", Ref: circ.Ref{3}, Known: true, Secret: true, Patron: circ.Patron{FirstName: "Margaret"}})
	th.touches(pad, func() error { return v.more("screen=asking", 1) }, "2", "5", "8", "0", english(flow.Enter))

	k.Stop()
	th.told(k)
}

// told reads the station's ledger: whose account and whose hands.
func (th *theatre) told(k *stage.Kiosk) {
	th.Helper()
	out, err := th.Library.Run("ledger", "export", filepath.Join(th.Dir, k.ID, "ledger.db"))
	th.must(err)
	byOthers := 0
	for line := range strings.Lines(out) {
		var e struct {
			Kind string
			Body map[string]any
		}
		th.must(json.Unmarshal([]byte(line), &e))
		if e.Kind == "CheckedOut" && e.Body["patron"] != e.Body["by"] {
			byOthers++
		}
	}
	if byOthers != 1 {
		th.Errorf("%d loans by other hands than the account's, want Sirpa's one", byOthers)
	}
}

// more reports whether the log has words more often than n times.
func (v visits) more(words string, n int) error {
	if got := v.count(words); got <= n {
		return fmt.Errorf("%s: %d times", words, got)
	}
	return nil
}
