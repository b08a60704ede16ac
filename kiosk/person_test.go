package kiosk

import (
	"testing"
	"testing/synctest"
	"time"

	"coldstation/kiosk/flow"
	"coldstation/rfid"
	"coldstation/rfid/feig"
	"coldstation/rfid/sim"
	"coldstation/sync/circ"
	"coldstation/sync/secret"
)

func (d *desk) titled(key string) *desk {
	d.t.Helper()
	if got := d.view().Title.Key; got != key {
		d.t.Errorf("the title is %s, want %s", got, key)
	}
	return d
}

func TestAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		grant := circ.Proxy{ID: "17", Principal: gunnar.ID, Agent: helmi.ID, Scopes: circ.MayBorrow, From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
		over := circ.Proxy{ID: "18", Principal: circ.NewPatronID("999A00000109"), Agent: helmi.ID, Scopes: circ.MayBorrow, To: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
		d := start(t)
		d.tell(circ.ProxyPut{Proxy: grant}, circ.ProxyPut{Proxy: over})
		d.put("helmi").sees("asking")
		if choices := d.view().Choices; len(choices) != 2 || choices[1].Words.Name != "Gunnar" {
			t.Errorf("asks %v, want Helmi herself and Gunnar; the other grant is over", choices)
		}
		d.touch(flow.Pressed{Action: flow.ForThem, Who: d.ledger.Ref(gunnar.ID)}).put("sinuhe").sees("visiting, 999N00001003 borrowed")
		d.story("999N00001003 to Gunnar", "999N00001003 unsecured")
		for e, err := range d.ledger.Events(1) {
			if out, is := e.Body.(circ.CheckedOut); err != nil || is && out.By != d.ledger.Ref(helmi.ID) {
				t.Errorf("by %v, want Helmi's hands (%v)", out.By, err)
			}
		}
		// Cancelled, it is no longer asked.
		d.tell(circ.ProxyCancelled{ID: "17"})
		d.lift("helmi", "sinuhe").wait(time.Minute).put("helmi").sees("visiting")
	})
}

// TestOnce: an authorisation for once lasts for one visit, though nobody at the library
// has heard of it yet.
func TestOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		grant := circ.Proxy{ID: "17", Principal: gunnar.ID, Agent: helmi.ID, Scopes: circ.MayBorrow, Once: true}
		forGunnar := func(d *desk) *desk {
			return d.touch(flow.Pressed{Action: flow.ForThem, Who: d.ledger.Ref(gunnar.ID)})
		}
		d := start(t)
		d.tell(circ.ProxyPut{Proxy: grant})
		forGunnar(d.put("helmi").sees("asking")).put("sinuhe").sees("visiting, 999N00001003 borrowed")
		d.lift("helmi").wait(time.Second).put("palmu")
		d.story("999N00001003 to Gunnar", "999N00001003 unsecured", "999N00001004 to Gunnar", "999N00001004 unsecured")
		d.lift("sinuhe", "palmu").wait(5 * time.Minute).put("helmi").sees("visiting")
		d.lift("helmi").wait(5 * time.Minute).restart()
		d.tell(circ.ProxyPut{Proxy: grant}) // by a hub that has not heard yet
		d.put("helmi").sees("visiting").lift("helmi").wait(5 * time.Minute)
		// Another one; and beside a standing one it is not used up.
		grant.ID = "18"
		standing := circ.Proxy{ID: "19", Principal: gunnar.ID, Agent: helmi.ID, Scopes: circ.MayBorrow}
		d.tell(circ.ProxyPut{Proxy: grant}, circ.ProxyPut{Proxy: standing})
		forGunnar(d.put("helmi").sees("asking")).put("sinuhe").lift("helmi", "sinuhe").wait(5 * time.Minute)
		d.tell(circ.ProxyCancelled{ID: "19"})
		d.put("helmi").sees("asking")
	})
}

// TestStale: an authorisation of which the library said nothing for long is not gone by.
func TestStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t)
		for _, tt := range []struct {
			days int // since the library said so
			want string
		}{{29, "asking"}, {31, "visiting"}, {0, "asking"}} {
			d.tell(circ.ProxyPut{Proxy: circ.Proxy{ID: "17", Principal: gunnar.ID, Agent: helmi.ID, Scopes: circ.MayBorrow, Fresh: d.station.now().Wall.AddDate(0, 0, -tt.days)}})
			d.put("helmi").sees(tt.want).lift("helmi").wait(5 * time.Minute)
		}
	})
}

func TestTileAndSecretNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t, func(p *Parts, d *desk) {
			p.Settings.Rules.Tiles, p.Settings.Rules.Secret = flow.OpenTiles, true
		})
		agreed := helmi
		agreed.Picture, agreed.Secret = "boat", secret.Hash("25", "helmi")
		d.tell(circ.PatronPut{Patron: agreed})
		d.station.Told()
		ref := d.ledger.Ref(helmi.ID)
		d.press(flow.NoCard).sees("naming").touch(flow.Pressed{Action: flow.IAm, Who: ref}).sees("unlocking")
		key := func(digits string) {
			for _, digit := range []byte(digits) {
				d.touch(flow.Pressed{Action: flow.Digit, Digit: digit})
			}
			d.press(flow.Enter)
		}
		key("26")
		d.titled("secret.wrong")
		key("25")
		d.put("sinuhe").sees("visiting, 999N00001003 borrowed").story("999N00001003 to Helmi", "999N00001003 unsecured")
		d.lift("sinuhe").wait(5 * time.Minute).sees("welcome")
		// Five wrong ones, and for a while the staff have to help.
		d.press(flow.NoCard).touch(flow.Pressed{Action: flow.IAm, Who: ref})
		for range 5 {
			key("1")
		}
		d.titled("secret.shut")
		d.wait(10 * time.Minute).press(flow.NoCard).touch(flow.Pressed{Action: flow.IAm, Who: ref})
		key("25")
		d.titled("secret.shut")
		d.wait(10 * time.Minute).press(flow.NoCard).touch(flow.Pressed{Action: flow.IAm, Who: ref})
		key("25")
		d.titled("hello")
	})
}

func TestWhatFollowsThePerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t)
		curious := helmi
		curious.Recalls = true
		d.tell(circ.PatronPut{Patron: curious})
		d.put("helmi", "sinuhe")
		if note := d.view().Lines[0].Note.Key; note != "" {
			t.Errorf("a new book notes %q", note)
		}
		want := flow.Look{Language: "sv", Size: flow.Largest, Contrast: true, Slow: true}
		d.wait(time.Second)
		d.station.Send(flow.LanguageChosen{Language: "sv"})
		d.wait(time.Second)
		d.station.Send(flow.LookChosen{Look: want})
		d.wait(time.Second).lift("helmi", "sinuhe").wait(5 * time.Minute)
		if got := d.view().Look; got != (flow.Look{Language: "fi"}) {
			t.Errorf("the next person sees %v", got)
		}
		d.put("sinuhe", "palmu").wait(time.Minute).lift("sinuhe", "palmu").wait(5 * time.Minute)
		d.restart().put("helmi", "sinuhe", "palmu")
		if got := d.view().Look; got != want {
			t.Errorf("Helmi comes again and sees %v, want %v", got, want)
		}
		for i, want := range []string{"note.had", ""} {
			if note := d.view().Lines[i].Note.Key; note != want {
				t.Errorf("line %d notes %q, want %q", i, note, want)
			}
		}
	})
}

func TestMyLoansAreTheLedgers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t)
		d.tell(circ.PolicyPut{Policy: circ.Policy{ID: "adult", LoanDays: 28, Renewals: 2}},
			circ.LoanPut{Item: sinuhe.ID, Patron: helmi.ID, Due: time.Date(2026, 11, 30, 23, 59, 0, 0, time.UTC)})
		d.put("helmi").press(flow.MyLoans).sees("listing, 999N00001003 held")
		d.touch(flow.Pressed{Action: flow.Renew, Item: sinuhe.ID})
		if line := d.view().Lines[0]; line.Words.Day.Day() != 22 || line.Item.Title != sinuhe.Title {
			t.Errorf("after renewing the line says %v", line)
		}
		if loan, _, err := d.ledger.Loan(sinuhe.ID); err != nil || loan.Due.Day() != 22 || loan.Renewed != 1 {
			t.Errorf("the ledger has %v, %v", loan, err)
		}
	})
}

// TestCrash: the program ends in the middle of a visit and starts again.
func TestCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t).put("helmi", "sinuhe", "palmu")
		d.press(flow.Undo).touch(flow.Pressed{Action: flow.UndoThis, Item: palmu.ID})
		told := []string{"999N00001003 to Helmi", "999N00001004 to Helmi", "999N00001003 unsecured", "999N00001004 unsecured", "999N00001004 secured"}
		d.story(told...)
		d.crash().sees("visiting, 999N00001003 borrowed, 999N00001004 left").story(told...)
		d.lift("palmu").put("palmu").sees("visiting, 999N00001003 borrowed, 999N00001004 borrowed")
		// After a long while, or another boot, it is nobody's visit any more.
		d.wait(time.Hour).crash().sees("leftover, 999N00001003 left, 999N00001004 left")
	})
}

func TestTray(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := demo(t)
		host, far := sim.Pipe()
		line, err := sim.NewLine("feig", table)
		if err != nil {
			t.Fatal(err)
		}
		go line.Serve(far)
		tray := feig.New(host, feig.Options{})
		d := start(t, func(p *Parts, _ *desk) { p.Trays = []rfid.Reader{tray} })
		t.Cleanup(func() { tray.Close(); far.Close() })
		for range 2 {
			for _, name := range []string{"sinuhe", "helmi"} {
				if err := table.Put(name); err != nil {
					t.Fatal(err)
				}
			}
			d.wait(5 * time.Second).sees("welcome")
			if err := table.Lift("sinuhe"); err != nil {
				t.Fatal(err)
			}
			d.wait(5 * time.Second)
		}
		read := 0
		for e, err := range d.ledger.Events(1) {
			if b, is := e.Body.(circ.ReadHere); err == nil && is && b.Item == sinuhe.ID {
				read++
			}
		}
		if read != 2 {
			t.Errorf("the book was on the tray twice and counted %d times", read)
		}
	})
}
