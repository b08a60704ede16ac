package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"coldstation/cmd/internal/stage"
	"coldstation/sync/hub/sip2/sip2test"
)

// From the pad to the library system: what lay on the pad is in its tables as what
// happened, a loan and its return made while the hub was away among them.
func TestFromThePadToTheLibrarySystem(t *testing.T) {
	s, ctx := newStage(t)
	th := &theatre{T: t, ctx: ctx}
	q, err := sip2test.Named("koha24")
	th.must(err)
	system := sip2test.New(q)
	system.AddPatron(sip2test.Patron{Card: "999A00000101", Name: "Helmi"})
	for _, item := range []string{"999N00001003", "999N00001004"} {
		system.AddItem(sip2test.Item{Barcode: item, Title: item})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	th.must(err)
	defer l.Close()
	go system.Serve(l)
	defer system.HangUp()
	password, config := filepath.Join(s.Dir, "sip"), filepath.Join(s.Dir, "ils.conf")
	th.must(os.WriteFile(password, []byte("secret\n"), 0o600))
	th.must(os.WriteFile(config, fmt.Appendf(nil, "system koha24\naddress %s\naccount station\npassword-file %s\ninstitution main\nbranch main\nwait 1s\n", l.Addr(), password), 0o600))

	th.screen, err = s.Screen(ctx, 1280, 800)
	th.must(err)
	th.Library, err = s.Library(ctx, "", "--ils", "sip2", "--ils-config", config)
	th.must(err)
	k, err := th.Kiosk(ctx, "maple-house", th.screen.Env(), "--window", "1280x800")
	th.must(err)
	rows := func(want ...sip2test.Loan) {
		t.Helper()
		th.must(stage.Until(ctx, "the library system's loans", func() error {
			loans := system.Loans()
			for i, l := range loans {
				if len(loans) != len(want) || l.Item != want[i].Item || l.Patron != want[i].Patron {
					return fmt.Errorf("it has %+v", loans)
				}
			}
			if len(loans) != len(want) {
				return fmt.Errorf("it has %+v", loans)
			}
			return nil
		}))
	}
	sinuhe, palmu := sip2test.Loan{Item: "999N00001003", Patron: "999A00000101"}, sip2test.Loan{Item: "999N00001004", Patron: "999A00000101"}

	th.must(k.Pad.Put("helmi", "sinuhe"))
	rows(sinuhe)
	th.logged(k, 1, "kind=TagUnsecured")
	th.must(k.Pad.Lift("helmi", "sinuhe"))
	th.must(stage.Until(ctx, "the visit's end", func() error { return k.Logged("visit over") }))

	k.Cable.Cut()
	th.must(k.Pad.Put("sinuhe"))
	th.logged(k, 1, "kind=TagSecured")
	th.must(k.Pad.Lift("sinuhe"))
	th.must(k.Pad.Put("helmi", "palmu"))
	th.logged(k, 2, "kind=TagUnsecured")
	rows(sinuhe)
	th.must(k.Cable.Heal())
	rows(palmu)
	if n := len(system.History()); n != 3 {
		t.Errorf("the library system did %d things, want a loan, its return and another loan: %+v", n, system.History())
	}
}
