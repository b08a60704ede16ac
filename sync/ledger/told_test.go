package ledger

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"coldstation/sync/circ"
	"coldstation/sync/wire"
)

func TestPatronsOpenWithTheirCards(t *testing.T) {
	l := newLender(t)
	stream := uuid.New()
	told := circ.Patron{ID: anna, FirstName: "Anneli", Policy: "special", Language: "fi", Cards: []string{"E0040150AAAA0001"}}
	l.tell(stream, circ.PolicyPut{Policy: circ.Policy{ID: "special", LoanDays: 28, FeeFree: true}}, circ.PatronPut{Patron: told})
	l.reopen()
	for _, card := range []circ.PatronID{anna, circ.NewPatronID("E0040150AAAA0001")} {
		got, ref, known, err := l.Patron(card)
		if err != nil || !known || ref != l.Ref(anna) || !reflect.DeepEqual(got, told) {
			t.Errorf("patron with %v: %+v, %v, %v, %v", card, got, ref, known, err)
		}
	}
	if got, ref, known, err := l.Patron(eino); err != nil || known || ref != l.Ref(eino) || got.ID != eino {
		t.Errorf("somebody unknown: %+v, %v, %v, %v", got, ref, known, err)
	}
	if p, known, err := l.Policy("special"); err != nil || !known || p.LoanDays != 28 {
		t.Errorf("policy %+v, %v, %v", p, known, err)
	}

	l.append([]circ.PatronID{anna, staff}, circ.AliasLinked{Patron: l.Ref(anna), Alias: circ.NewPatronID("BAND-7"), By: l.Ref(staff)})
	if got, ref, known, err := l.Patron(circ.NewPatronID("BAND-7")); err != nil || !known || ref != l.Ref(anna) || got.FirstName != "Anneli" {
		t.Errorf("a wristband: %+v, %v, %v, %v", got, ref, known, err)
	}
	if _, err := l.Append(noon, nil, circ.AliasLinked{Patron: l.Ref(anna), Alias: circ.NewPatronID("BAND-8")}); !errors.Is(err, ErrStranger) {
		t.Errorf("a wristband without the card: %v, want %v", err, ErrStranger)
	}

	l.append([]circ.PatronID{anna, staff}, circ.AliasLinked{Patron: l.Ref(anna), Alias: circ.NewPatronID("BAND-7"), By: l.Ref(staff), Ended: true},
		circ.AliasLinked{Patron: l.Ref(anna), Alias: circ.NewPatronID("E0040150AAAA0001"), By: l.Ref(staff), Ended: true})
	for _, ended := range []string{"BAND-7", "E0040150AAAA0001"} {
		if _, ref, known, err := l.Patron(circ.NewPatronID(ended)); err != nil || known || ref == l.Ref(anna) {
			t.Errorf("%s still opens the account after its link was ended: %v, %v", ended, known, err)
		}
	}
	l.append([]circ.PatronID{anna, staff}, circ.AliasLinked{Patron: l.Ref(anna), Alias: circ.NewPatronID("E0040150AAAA0001"), By: l.Ref(staff)})
	if _, ref, known, err := l.Patron(circ.NewPatronID("E0040150AAAA0001")); err != nil || !known || ref != l.Ref(anna) {
		t.Errorf("a card linked again: %v, %v", known, err)
	}
	l.append([]circ.PatronID{anna, staff}, circ.AliasLinked{Patron: l.Ref(anna), Alias: circ.NewPatronID("E0040150AAAA0001"), By: l.Ref(staff), Ended: true})

	told.Cards = []string{"E0040150AAAA0002"}
	l.tell(stream, circ.PatronPut{Patron: told})
	if _, ref, known, _ := l.Patron(circ.NewPatronID("E0040150AAAA0001")); known || ref == l.Ref(anna) {
		t.Error("a card that was taken away still opens the account")
	}
	l.tell(stream, circ.PatronGone{ID: anna})
	if _, _, known, err := l.Patron(anna); err != nil || known {
		t.Errorf("a patron who is gone: %v, %v", known, err)
	}
	if _, _, known, err := l.Patron(circ.NewPatronID("E0040150AAAA0002")); err != nil || known {
		t.Errorf("the card of a patron who is gone: %v, %v", known, err)
	}
	l.verify()
}

// A record that only its own card could have opened, damaged, is mended by the next
// word about that patron, and stops nothing.
func TestDamagedPatronIsMended(t *testing.T) {
	l := newLender(t)
	stream := uuid.New()
	told := circ.Patron{ID: anna, FirstName: "Anna", Cards: []string{"E0040150AAAA0001"}}
	l.tell(stream, circ.PatronPut{Patron: told})
	ref := l.Ref(anna)
	err := l.update(func(tx *bbolt.Tx) error {
		sealed := bytes.Clone(tx.Bucket(toldBucket).Get(key(toldPatron, ref[:])))
		sealed[20] ^= 1
		return tx.Bucket(toldBucket).Put(key(toldPatron, ref[:]), sealed)
	})
	if err != nil {
		t.Fatal(err)
	}
	l.reopen()
	if _, _, _, err := l.Patron(anna); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a damaged record: %v, want %v", err, ErrCorrupt)
	}
	told.Cards = nil
	l.tell(stream, circ.PatronPut{Patron: told})
	if p, _, known, err := l.Patron(anna); err != nil || !known || p.FirstName != "Anna" {
		t.Errorf("told again: %+v, %v, %v", p, known, err)
	}
	if _, _, known, err := l.Patron(circ.NewPatronID("E0040150AAAA0001")); err != nil || known {
		t.Errorf("the card that was taken away: %v, %v", known, err)
	}
}

func TestProxies(t *testing.T) {
	l := newLender(t)
	stream := uuid.New()
	p := circ.Proxy{ID: "p1", Principal: anna, Agent: eino, Scopes: circ.MayBorrow | circ.MayRenew, From: noon.Wall, To: noon.Wall.AddDate(1, 0, 0)}
	l.tell(stream, circ.ProxyPut{Proxy: p}, circ.ProxyPut{Proxy: circ.Proxy{ID: "p2", Principal: staff, Agent: eino}})
	got, err := l.Proxies(eino)
	if err != nil || len(got) != 2 || got[0].Principal != anna || got[0].Scopes != p.Scopes || !got[0].To.Equal(p.To) {
		t.Errorf("proxies %+v, %v, want %+v and another", got, err, p)
	}
	if used, err := l.ProxyUsed("p1"); err != nil || used {
		t.Errorf("used before it was: %v, %v", used, err)
	}
	if err := l.UseProxy("p1"); err != nil {
		t.Fatal(err)
	}
	p.Agent, p.Fresh = staff, noon.Wall
	l.tell(stream, circ.ProxyPut{Proxy: p}, circ.ProxyCancelled{ID: "p2"})
	if got, err := l.Proxies(eino); err != nil || len(got) != 0 {
		t.Errorf("an agent no more: %+v, %v", got, err)
	}
	if got, err := l.Proxies(staff); err != nil || len(got) != 1 || !got[0].Fresh.Equal(noon.Wall) {
		t.Errorf("the new agent: %+v, %v", got, err)
	}
	l.tell(uuid.New(), circ.ProxyPut{Proxy: p})
	if used, err := l.ProxyUsed("p1"); err != nil || !used {
		t.Errorf("used, and told again in another stream: %v, %v", used, err)
	}
	// Lending on the principal's account needs no card of theirs: the record tells who they are.
	l.append([]circ.PatronID{anna, staff}, circ.CheckedOut{Item: "1", Patron: l.Ref(anna), By: l.Ref(staff)})
	l.verify()
}

// TestCommandsOnce: what was carried out is not told again by a later stream, and what
// is carried out late ends only itself there.
func TestCommandsOnce(t *testing.T) {
	l := newLender(t)
	restart, logs, census := circ.NewCommand(circ.Restart), circ.NewCommand(circ.SendLog), circ.NewCommand(circ.Census)
	waits := func(want ...circ.Command) {
		t.Helper()
		all, err := l.Commands()
		var got []circ.Command
		for _, n := range all {
			got = append(got, n.Body.(circ.Command))
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("to be carried out: %v, %v, want %v", got, err, want)
		}
	}
	l.tell(uuid.New(), restart, logs)
	waits(restart, logs)
	l.append(nil, circ.NoticeTaken{Notice: 1, Command: restart.ID})
	waits(logs)
	l.tell(uuid.New(), census, restart, logs)
	waits(census, logs)
	l.append(nil, circ.NoticeTaken{Notice: 2, Command: logs.ID}) // 2 in the stream before
	waits(census)
	l.append(nil, circ.NoticeTaken{Notice: 1, Command: "nobody's"})
	waits(census)
	l.verify()
}

// TestKeptSettings: what is in force stays, whatever the hub tells next.
func TestKeptSettings(t *testing.T) {
	l := newLender(t)
	if kept, err := l.KeptSettings(); err != nil || kept.Version != 0 {
		t.Errorf("kept before any: %+v, %v", kept, err)
	}
	put := circ.SettingsPut{Version: 3, Values: map[string]string{"tiles": "open"}}
	l.tell(uuid.New(), put)
	if err := errors.Join(l.KeepSettings(put), l.PauseLending(true)); err != nil {
		t.Fatal(err)
	}
	l.append(nil, circ.SettingsApplied{Version: 3, Fixed: []string{"house"}})
	l.tell(uuid.New(), circ.SettingsPut{Version: 4, Values: map[string]string{"tiles": "all"}})
	if kept, err := l.KeptSettings(); err != nil || !reflect.DeepEqual(kept, put) {
		t.Errorf("kept: %+v, %v, want %+v", kept, err, put)
	}
	if applied, err := l.Applied(); err != nil || applied.Version != 3 || !slices.Equal(applied.Fixed, []string{"house"}) {
		t.Errorf("applied: %+v, %v", applied, err)
	}
	for _, want := range []bool{true, false} {
		if paused, err := l.Paused(); err != nil || paused != want {
			t.Errorf("paused: %t, %v, want %t", paused, err, want)
		}
		if err := l.PauseLending(false); err != nil {
			t.Fatal(err)
		}
	}
	l.verify()
}

func TestStandingNotices(t *testing.T) {
	l := newLender(t)
	stream := uuid.New()
	item := circ.Item{ID: "1", Title: "Kalevala", Marks: circ.LargePrint, Home: "maple-house"}
	l.tell(stream, circ.ItemPut{Item: item}, circ.ItemPut{Item: circ.Item{ID: "2"}}, circ.ItemGone{ID: "2"},
		circ.MessagePut{ID: "m", Words: map[string]string{"fi": "Suljettu"}}, circ.SettingsPut{Version: 3, Values: map[string]string{"volume": "5"}},
		circ.ConsignmentPut{ID: "c", Items: []circ.ItemID{"1"}, Title: "Thursday"}, circ.RecallPut{ID: "r", Items: []circ.ItemID{"1"}},
		circ.PicksPut{Name: "autumn", Items: []circ.ItemID{"1"}}, circ.Command{Name: "census"}, circ.Command{Name: "restart"})
	if got, known, err := l.Item("1"); err != nil || !known || got != item {
		t.Errorf("item %+v, %v, %v", got, known, err)
	}
	if got, err := l.Items(); err != nil || !reflect.DeepEqual(got, []circ.Item{item}) {
		t.Errorf("items %+v, %v", got, err)
	}
	if got, err := l.Messages(); err != nil || got["m"]["fi"] != "Suljettu" {
		t.Errorf("messages %v, %v", got, err)
	}
	if got, known, err := l.Settings(); err != nil || !known || got.Version != 3 || got.Values["volume"] != "5" {
		t.Errorf("settings %v, %v, %v", got, known, err)
	}
	for name, list := range map[string]func() (map[string][]circ.ItemID, error){"r": l.Recalls, "autumn": l.Picks} {
		if got, err := list(); err != nil || !reflect.DeepEqual(got, map[string][]circ.ItemID{name: {"1"}}) {
			t.Errorf("list %s: %v, %v", name, got, err)
		}
	}
	on := []circ.ConsignmentPut{{ID: "c", Items: []circ.ItemID{"1"}, Title: "Thursday"}}
	if got, err := l.Consignments(); err != nil || !reflect.DeepEqual(got, on) {
		t.Errorf("on their way %+v, %v, want %+v", got, err, on)
	}
	want := []circ.Notice{{Seq: 9, Body: circ.Command{Name: "census"}}, {Seq: 10, Body: circ.Command{Name: "restart"}}}
	if got, err := l.Commands(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("commands %v, %v, want %v", got, err, want)
	}
	l.append(nil, circ.NoticeTaken{Notice: 9})
	if got, err := l.Commands(); err != nil || !reflect.DeepEqual(got, want[1:]) {
		t.Errorf("commands %v, %v, want %v", got, err, want[1:])
	}
	l.tell(stream, circ.RecallPut{ID: "r"}, circ.MessagePut{ID: "m"}, circ.ConsignmentPut{ID: "c"})
	if got, err := l.Consignments(); err != nil || len(got) != 0 {
		t.Errorf("a consignment that is over: %v, %v", got, err)
	}
	if got, err := l.Recalls(); err != nil || len(got) != 0 {
		t.Errorf("a recall that is over: %v, %v", got, err)
	}
	l.verify()
}

func TestLoansToldAndLoansMade(t *testing.T) {
	elsewhere := circ.LoanPut{Item: "1", Patron: eino, At: noon.Wall.AddDate(0, 0, -7), Due: due.AddDate(0, 0, -7)}
	stream := uuid.New()
	for _, story := range []struct {
		name string
		play func(*lender)
		want string
	}{
		{"told", func(l *lender) { l.tell(stream, elsewhere) }, "eino confirmed 15.12."},
		{"told; told gone", func(l *lender) { l.tell(stream, elsewhere, circ.LoanGone{Item: "1"}) }, "none"},
		{"told; returned here", func(l *lender) {
			l.tell(stream, elsewhere)
			l.append(nil, circ.CheckedIn{Item: "1", Patron: l.Ref(eino)})
		}, "none"},
		{"told; returned here; undone", func(l *lender) {
			l.tell(stream, elsewhere)
			l.append(nil, circ.Undone{Seq: l.append(nil, circ.CheckedIn{Item: "1", Patron: l.Ref(eino)})})
		}, "eino confirmed 15.12."},
		{"told; renewed here", func(l *lender) {
			l.tell(stream, elsewhere)
			l.append([]circ.PatronID{eino}, circ.Renewed{Item: "1", Patron: l.Ref(eino), Due: due})
		}, "eino confirmed 22.12."},
		{"told; lent here to another", func(l *lender) {
			l.tell(stream, elsewhere)
			l.append([]circ.PatronID{anna}, circ.CheckedOut{Item: "1", Patron: l.Ref(anna), From: l.Ref(eino), Due: due})
		}, "anna noted 22.12."},
		{"lent here, the hub not knowing says gone", func(l *lender) {
			l.lend("1", anna)
			l.tell(stream, circ.LoanGone{Item: "1"})
		}, "anna noted 22.12."},
		{"lent here, the hub knowing says gone", func(l *lender) {
			if err := l.SetMark(Hub, l.lend("1", anna)); err != nil {
				l.t.Fatal(err)
			}
			l.tell(stream, circ.LoanGone{Item: "1"})
		}, "none"},
		{"lent here, and told of it with another date", func(l *lender) {
			if err := l.SetMark(Hub, l.lend("1", anna)); err != nil {
				l.t.Fatal(err)
			}
			l.tell(stream, circ.LoanPut{Item: "1", Patron: anna, Due: due.AddDate(0, 0, 2)})
		}, "anna received 24.12."},
	} {
		t.Run(story.name, func(t *testing.T) {
			l := newLender(t)
			story.play(l)
			l.wantLoan("1", story.want)
			l.reopen()
			l.wantLoan("1", story.want)
			l.verify()
			all, err := l.OpenLoans()
			if want := story.want != "none"; err != nil || (len(all) == 1) != want {
				t.Errorf("open loans %+v, %v", all, err)
			}
			listed := 0
			for _, id := range []circ.PatronID{anna, eino} {
				loans, err := l.Loans(l.Ref(id))
				if err != nil {
					t.Fatal(err)
				}
				listed += len(loans)
			}
			if listed != len(all) {
				t.Errorf("accounts list %d loans, want %d", listed, len(all))
			}
		})
	}
}

func TestANewStreamReplacesTheOld(t *testing.T) {
	l := newLender(t)
	old, fresh := uuid.New(), uuid.New()
	l.lend("1", anna)
	l.tell(old, circ.ItemPut{Item: circ.Item{ID: "1"}}, circ.ItemPut{Item: circ.Item{ID: "2"}}, circ.LoanPut{Item: "2", Patron: eino, Due: due}, circ.LoanConfirmed{Seq: 2})
	raw := encode(t, circ.ItemPut{Item: circ.Item{ID: "3"}})
	if _, _, err := l.TakeNotices(noon, fresh, 2, raw, wire.Chain{}.After(raw)); !errors.Is(err, ErrGap) {
		t.Errorf("a new stream from its middle: %v, want %v", err, ErrGap)
	}
	l.tell(fresh, circ.ItemPut{Item: circ.Item{ID: "3"}})
	if got, err := l.Items(); err != nil || len(got) != 1 || got[0].ID != "3" {
		t.Errorf("items %+v, %v, want only 3", got, err)
	}
	l.wantLoan("1", "anna confirmed 22.12.")
	l.wantLoan("2", "none")
	if _, _, err := l.TakeNotices(noon, old, 1, raw, wire.Chain{}.After(raw)); !errors.Is(err, ErrOver) {
		t.Errorf("the old stream, said again: %v, want %v", err, ErrOver)
	}
	if _, _, err := l.Notices(old); !errors.Is(err, ErrOver) {
		t.Errorf("the old stream, asked for: %v, want %v", err, ErrOver)
	}
	l.reopen()
	if stream, cursor, _, err := l.NoticeCursor(); err != nil || stream != fresh || cursor != 1 {
		t.Errorf("stands at %s %d, %v, want %s 1", stream, cursor, err, fresh)
	}
	l.verify()
}

func TestNoticesOnceAndInOrder(t *testing.T) {
	l := newLender(t)
	stream := uuid.New()
	raw := encode(t, circ.ItemPut{Item: circ.Item{ID: "1"}}, circ.Command{Name: "census"}, circ.ItemPut{Item: circ.Item{ID: "2"}})
	newer := append([]byte(nil), raw[2]...)
	newer[1] = 2 // the version
	zero := wire.Chain{}
	for _, step := range []struct {
		name  string
		first uint64
		raw   [][]byte
		chain wire.Chain
		want  uint64
		err   error
	}{
		{"a gap", 2, raw[1:], zero.After(raw), 0, ErrGap},
		{"another chain", 1, raw[:2], wire.Chain{1}, 0, ErrForked},
		{"two", 1, raw[:2], zero.After(raw[:2]), 2, nil},
		{"the same two", 1, raw[:2], zero.After(raw[:2]), 2, nil},
		{"a newer one", 3, [][]byte{newer}, zero.After(raw[:2]).Next(newer), 2, wire.ErrNewer},
		{"all three", 1, raw, zero.After(raw), 3, nil},
		{"one, and a newer one", 4, [][]byte{raw[0], newer}, zero.After(raw).Next(raw[0]).Next(newer), 4, wire.ErrNewer},
	} {
		got, _, err := l.TakeNotices(noon, stream, step.first, step.raw, step.chain)
		if got != step.want || !errors.Is(err, step.err) {
			t.Errorf("%s: taken up to %d, %v, want %d, %v", step.name, got, err, step.want, step.err)
		}
	}
	if got, err := l.Commands(); err != nil || len(got) != 1 {
		t.Errorf("commands %v, %v, want one", got, err)
	}
}

// A notice that can never be taken, whatever is wrong with it, is reported to the
// hub and holds up nothing.
func TestRefusedNoticesHoldUpNothing(t *testing.T) {
	// [1, 3, {1: {1: 300 times "9"}}], as an earlier hub would have written it
	long := append([]byte{0x83, 0x01, 0x03, 0xA1, 0x01, 0xA1, 0x01, 0x79, 0x01, 0x2C}, bytes.Repeat([]byte("9"), 300)...)
	for name, poison := range map[string][]byte{
		"an item's name too long": long,
		"nonsense":                {1},
		"a loan to nobody":        {0x83, 0x01, 0x08, 0xA2, 0x01, 0x61, 0x31, 0x02, 0x60},
		"a card of nobody":        {0x83, 0x01, 0x01, 0xA1, 0x01, 0x60},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLender(t)
			stream := uuid.New()
			good := encode(t, circ.ItemPut{Item: circ.Item{ID: "1"}}, circ.LoanPut{Item: "2", Patron: anna, Due: due})
			raw := [][]byte{good[0], poison, good[1]}
			cursor, chain, err := l.TakeNotices(noon, stream, 1, raw, wire.Chain{}.After(raw))
			if err != nil || cursor != 3 || chain != (wire.Chain{}).After(raw) {
				t.Fatalf("taken up to %d, chain %s, %v, want 3", cursor, chain, err)
			}
			if items, err := l.Items(); err != nil || len(items) != 1 {
				t.Errorf("items %v, %v, want the one before the bad notice", items, err)
			}
			l.wantLoan("2", "anna confirmed 22.12.")
			var told []circ.FaultRaised
			for e, err := range l.Events(1) {
				if err != nil {
					t.Fatal(err)
				}
				if f, is := e.Body.(circ.FaultRaised); is {
					told = append(told, f)
				}
			}
			if len(told) != 1 || told[0].Fault != noticeFault || !strings.Contains(told[0].Detail, stream.String()+": notice 2: ") {
				t.Errorf("the hub is told %+v, want of notice 2", told)
			}
			// The same again is passed over in silence; a new stream clears it.
			if _, _, err := l.TakeNotices(noon, stream, 1, raw, wire.Chain{}.After(raw)); err != nil {
				t.Fatal(err)
			}
			_, last, err := l.Bounds()
			if err != nil || last != 2 {
				t.Errorf("%d events, %v, want anna met and a fault", last, err)
			}
			l.tell(uuid.New(), circ.ItemPut{Item: circ.Item{ID: "1"}})
			if faults, err := l.Faults(); err != nil || len(faults) != 0 {
				t.Errorf("faults %v, %v, want none", faults, err)
			}
			l.verify()
		})
	}
}

// What fails only while it is being taken, here for want of the library's key, is
// no different, and half of it is not kept.
func TestRefusedWhileTaken(t *testing.T) {
	l := newLender(t)
	l.options.Sealer = nil
	l.reopen()
	l.tell(uuid.New(), circ.ItemPut{Item: circ.Item{ID: "1"}}, circ.LoanPut{Item: "2", Patron: anna, Due: due},
		circ.LoanPut{Item: "3", Patron: eino, Due: due}, circ.ItemPut{Item: circ.Item{ID: "4"}})
	if items, err := l.Items(); err != nil || len(items) != 2 {
		t.Errorf("items %v, %v, want 1 and 4", items, err)
	}
	l.wantLoan("2", "none")
	if faults, err := l.Faults(); err != nil || !slices.Equal(faults, []string{noticeFault}) {
		t.Errorf("faults %v, %v", faults, err)
	}
	l.verify()
}

// What a thief gets who takes the disk: no card number, no name.
func TestNobodyIsNamedInTheFile(t *testing.T) {
	l := newLender(t)
	stream := uuid.New()
	secrets := []string{"20000000000017", "20000000000025", "20000000000033", "20000000000041", "Anneli-Maria", "Eino-Johannes", "E0040150AAAA0001", "BAND-7777"}
	l.tell(stream,
		circ.PatronPut{Patron: circ.Patron{ID: anna, FirstName: secrets[4], Policy: "special", Cards: []string{secrets[6]}}},
		circ.PatronPut{Patron: circ.Patron{ID: eino, FirstName: secrets[5]}},
		circ.ProxyPut{Proxy: circ.Proxy{ID: "p", Principal: anna, Agent: eino, Scopes: circ.MayBorrow}},
		circ.LoanPut{Item: "9", Patron: circ.NewPatronID(secrets[3]), Due: due})
	l.lend("1", anna)
	l.append([]circ.PatronID{anna, staff}, circ.AliasLinked{Patron: l.Ref(anna), Alias: circ.NewPatronID(secrets[7]), By: l.Ref(staff)})
	l.append(nil, circ.CheckedIn{Item: "1", Patron: l.Ref(anna)})
	l.tell(stream, circ.PatronPut{Patron: circ.Patron{ID: anna, FirstName: secrets[4]}}, circ.PatronGone{ID: eino})
	l.verify()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(l.path)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets {
		if bytes.Contains(content, []byte(secret)) {
			t.Errorf("the file names %q", secret)
		}
	}
	if !bytes.Contains(content, []byte("maple-house")) {
		t.Error("the file does not even name its station: the search is broken")
	}
}

func TestRecordsTellLittleByTheirLength(t *testing.T) {
	l := newLender(t)
	short, err := l.hide(patronUse, anna, patronRecord{FirstName: "Bo"})
	if err != nil {
		t.Fatal(err)
	}
	long, err := l.hide(patronUse, anna, patronRecord{FirstName: "Marja-Leena", Policy: "special", Language: "fi"})
	if err != nil {
		t.Fatal(err)
	}
	if len(short) != len(long) {
		t.Errorf("records of %d and %d bytes, want one length", len(short), len(long))
	}
	if _, err := reveal[patronRecord](l.Ledger, patronUse, eino, short); !errors.Is(err, ErrCorrupt) {
		t.Errorf("opened with another card: %v", err)
	}
}

// What the hub told is read again when the ledger is opened, and is no damage.
func TestToldIsNoDamage(t *testing.T) {
	l := newLender(t)
	l.tell(uuid.UUID{1}, circ.ItemPut{Item: circ.Item{ID: "1"}}, circ.SettingsPut{Version: 3}, circ.CardFilterPut{Filter: circ.BlobID{7}},
		circ.ConsignmentPut{ID: "c", Items: []circ.ItemID{"1"}, Title: "Thursday"})
	l.reopen()
}
