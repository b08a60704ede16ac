package ils_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/ils"
	"coldstation/sync/hub/ils/ilstest"
	"coldstation/sync/hub/koha"
	"coldstation/sync/hub/koha/kohatest"
	"coldstation/sync/hub/sip2"
	"coldstation/sync/hub/sip2/sip2test"
)

var errAway = errors.New("nobody there")

func TestSIP2(t *testing.T) {
	abilities := map[string]ils.Abilities{"strict": {NoBlock: true, KeepsDue: true, KeepsTime: true, Returned: ils.ReturnedTime, Lists: true}}
	for _, name := range []string{"koha", "koha24", "evergreen", "strict"} {
		a, special := abilities[name]
		if !special {
			a = ils.Kinds[name]
		}
		t.Run(name, func(t *testing.T) {
			ilstest.Run(t, func(t *testing.T) *ilstest.Library {
				s := sip2System(t, name)
				var gone atomic.Bool
				system := ils.NewSIP2(ils.SIP2Settings{
					Name: name, Abilities: a, Account: sip2.Account{Name: "station", Password: "secret", Institution: "main"}, Branch: "main",
					Line: sip2.Settings{Zone: time.UTC, Dial: func(ctx context.Context) (net.Conn, error) {
						if gone.Load() {
							return nil, errAway
						}
						return s.Dial(ctx)
					}},
				})
				return &ilstest.Library{
					ILS: system,
					Loans: func() (all []ils.Loan) {
						for _, l := range s.Loans() {
							all = append(all, ils.Loan{Item: circ.ItemID(l.Item), Patron: circ.NewPatronID(l.Patron), At: l.At, Due: l.Due})
						}
						return all
					},
					Lose: func() {
						s.Fail(sip2test.Fault{Kind: sip2test.HangUpAfter, On: "11"}, sip2test.Fault{Kind: sip2test.HangUpAfter, On: "09"})
					},
					Vanish: func() func() {
						gone.Store(true)
						s.HangUp()
						return func() { gone.Store(false) }
					},
				}
			})
		})
	}
}

func sip2System(t *testing.T, name string) *sip2test.System {
	t.Helper()
	q, err := sip2test.Named(name)
	if err != nil {
		t.Fatal(err)
	}
	s := sip2test.New(q)
	for _, p := range []sip2test.Patron{{Card: "2960001", Name: "Aino Virtanen"}, {Card: "2960015", Name: "Matti Äijälä"}, {Card: "2960051", Name: "Liisa Korhonen", Restricted: true}} {
		s.AddPatron(p)
	}
	for _, item := range []circ.ItemID{ilstest.First, ilstest.Second, ilstest.Third} {
		s.AddItem(sip2test.Item{Barcode: string(item), Title: "Tuntematon sotilas"})
	}
	return s
}

// kohaSystem is a Koha, its API and its offline service, which can be cut off.
func kohaSystem(t *testing.T) (*kohatest.System, *koha.API, *koha.Offline, *atomic.Bool) {
	t.Helper()
	s := kohatest.New(kohatest.Newer)
	s.Fill(3)
	s.Put(kohatest.Patrons, kohatest.Person(51, "2960051", "Korhonen", "Liisa", "PT", "KIRJ").With("restricted", true))
	gone := new(atomic.Bool)
	api, err := koha.New(koha.Settings{
		URL: s.ServeStaff(t), ID: kohatest.ID, Secret: kohatest.Secret, Zone: s.Zone, Rate: 1e6, Burst: 1000, Attempts: 1,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if gone.Load() {
				return nil, errAway
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, api, koha.NewOffline(api, kohatest.Librarian, kohatest.Password), gone
}

func TestKoha(t *testing.T) {
	ilstest.Run(t, func(t *testing.T) *ilstest.Library {
		s, api, service, gone := kohaSystem(t)
		return &ilstest.Library{
			ILS: ils.Koha{KohaSettings: ils.KohaSettings{Name: "koha", API: api, Offline: service, Branch: "STN"}},
			Loans: func() (all []ils.Loan) {
				for _, row := range s.Rows(kohatest.Checkouts) {
					all = append(all, kohaLoan(t, s, row))
				}
				slices.SortFunc(all, func(a, b ils.Loan) int { return strings.Compare(string(a.Item), string(b.Item)) })
				return all
			},
			Lose: func() {
				s.Fail(kohatest.Fault{Kind: kohatest.Lost, On: "POST /cgi-bin"})
			},
			Vanish: func() func() {
				gone.Store(true)
				api.Close()
				return func() { gone.Store(false) }
			},
		}
	})
}

func kohaLoan(t *testing.T, s *kohatest.System, row kohatest.Row) (l ils.Loan) {
	t.Helper()
	for _, p := range s.Rows(kohatest.Patrons) {
		if p["patron_id"] == row["patron_id"] {
			l.Patron = circ.NewPatronID(p["cardnumber"].(string))
		}
	}
	for _, i := range s.Rows(kohatest.Items) {
		if i["item_id"] == row["item_id"] {
			l.Item = circ.ItemID(i["external_id"].(string))
		}
	}
	for field, to := range map[string]*time.Time{"checkout_date": &l.At, "due_date": &l.Due} {
		at, err := time.Parse(time.RFC3339, row[field].(string))
		if err != nil {
			t.Fatal(err)
		}
		*to = at
	}
	return l
}

// TestKohaReturns: with SIP2 beside it, a return is one at the desk, and a loan
// still keeps its time.
func TestKohaReturns(t *testing.T) {
	s, api, service, _ := kohaSystem(t)
	desk := sip2System(t, "koha24")
	desk.AddItem(sip2test.Item{Barcode: string(ilstest.First), Title: "T", Hold: "2960015", HoldAt: "elsewhere"})
	k := ils.Koha{KohaSettings: ils.KohaSettings{Name: "koha", API: api, Offline: service, Branch: "STN", SIP2: ils.NewSIP2(ils.SIP2Settings{
		Line: sip2.Settings{Dial: desk.Dial}, Account: sip2.Account{Name: "station", Password: "secret"}, Abilities: ils.Kinds["koha24"],
		Stations: map[circ.StationID]ils.Counter{ilstest.Station: {Account: sip2.Account{Name: "station", Password: "secret"}, Branch: "STN"}},
	})}}
	defer k.Close()
	loan := ilstest.Lent(ilstest.First, ilstest.Aino)
	if _, err := k.Lend(t.Context(), loan); err != nil {
		t.Fatal(err)
	}
	if rows := s.Rows(kohatest.Checkouts); len(rows) != 1 || !kohaLoan(t, s, rows[0]).At.Equal(loan.At) {
		t.Errorf("lent %v, want one with its true time", rows)
	}
	r, err := k.TakeBack(t.Context(), ils.Return{Station: ilstest.Station, Item: ilstest.First, At: loan.At.Add(time.Hour)})
	if want := (ils.Route{Hold: true, To: "elsewhere"}); r.Route != want || ils.OutcomeOf(err) != ils.Refused {
		t.Errorf("taken back: %+v, %v, want the way to who waits for it and a refusal, since SIP2's own books have no loan", r, err)
	}
	if heard := strings.Join(desk.Heard(), "\n"); !strings.Contains(heard, "APSTN|") {
		t.Errorf("the desk heard %s, want the station's branch", heard)
	}
}

// books are those of a hub, in memory.
type books struct {
	mu    sync.Mutex
	loans map[circ.ItemID]ils.Loan
}

func (b *books) Lent(_ context.Context, item circ.ItemID) (ils.Loan, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l, out := b.loans[item]
	return l, out, nil
}

func TestNone(t *testing.T) {
	ilstest.Run(t, func(*testing.T) *ilstest.Library {
		b := &books{loans: make(map[circ.ItemID]ils.Loan)}
		return &ilstest.Library{
			ILS: ils.None{Books: b}, Open: true,
			Loans: func() (all []ils.Loan) {
				for _, l := range b.loans {
					all = append(all, l)
				}
				return all
			},
			Posted: func(l ils.Loan, out bool) {
				b.loans[l.Item] = l
				if !out {
					delete(b.loans, l.Item)
				}
			},
		}
	})
}

// TestAccounts: where each station needs its own, one that has none posts nothing.
func TestAccounts(t *testing.T) {
	s := sip2System(t, "koha")
	s.Accounts["maple"] = "maple's"
	system := ils.NewSIP2(ils.SIP2Settings{
		Name: "koha", Abilities: ils.Kinds["koha"], Line: sip2.Settings{Dial: s.Dial}, Account: sip2.Account{Name: "station", Password: "secret"},
		Stations: map[circ.StationID]ils.Counter{ilstest.Station: {Account: sip2.Account{Name: "maple", Password: "maple's"}}},
	})
	defer system.Close()
	loan := ilstest.Lent(ilstest.First, ilstest.Aino)
	if _, err := system.Lend(t.Context(), loan); err != nil {
		t.Fatal(err)
	}
	loan.Station, loan.Item = "birch-house", ilstest.Second
	if _, err := system.Lend(t.Context(), loan); ils.OutcomeOf(err) != ils.Later {
		t.Errorf("a station without an account: %v, want later", err)
	}
	if h := s.History(); len(h) != 1 || h[0].Account != "maple" {
		t.Errorf("done: %+v, want one by the station's own account", h)
	}
}

// TestNoBranch: the offline service needs a branch, and a station that has none sends
// nothing and is the only one that waits.
func TestNoBranch(t *testing.T) {
	k := ils.Koha{KohaSettings: ils.KohaSettings{Branches: map[circ.StationID]string{"birch-house": "BIRCH"}}}
	for _, err := range []error{
		func() error { _, err := k.Lend(t.Context(), ils.Loan{Station: "maple-house", Item: "1"}); return err }(),
		func() error {
			_, err := k.TakeBack(t.Context(), ils.Return{Station: "maple-house", Item: "1"})
			return err
		}(),
	} {
		if !errors.Is(err, ils.ErrAccount) || ils.OutcomeOf(err) != ils.Later {
			t.Errorf("%v, want %v, later", err, ils.ErrAccount)
		}
	}
}
