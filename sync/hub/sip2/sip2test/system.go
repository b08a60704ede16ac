// Package sip2test is a library system for tests: it speaks SIP2 with the quirks
// of the systems that were watched, lends from an in-memory library as they do,
// and goes wrong in the ways they go wrong, on order. Its reading and writing of
// messages are its own, so that package sip2 is not tested against itself.
package sip2test

import (
	"cmp"
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"coldstation/sync/hub/sip2"
)

// Patron of the library.
type Patron struct {
	Card, Userid, Password, Name  string
	Expired, Restricted, LostCard bool
	Fines                         string // "" for none
	Screen                        []string
}

func (p *Patron) blocked() bool { return p.Expired || p.Restricted || p.LostCard || p.Fines != "" }

// Item of the library.
type Item struct {
	Barcode, Title string
	Branch         string // where it belongs
	Current        string // where it is
	Transit        string // the branch it was last sent to
	Hold, HoldAt   string // a patron's card, and where the item is wanted
	Captured       bool   // it waits for that patron
}

// Loan that is open.
type Loan struct {
	Patron, Item string // card, barcode
	At           time.Time
	Due          time.Time
	Renewals     int
}

// Transaction is one thing that was done, in order.
type Transaction struct {
	Code         sip2.Code
	Renewal      bool
	Patron, Item string
	At           time.Time // as it was recorded
	Account      string
}

// System is a library system. The fields are set before it is spoken to.
type System struct {
	Quirks
	Institution string
	Accounts    map[string]string // passwords by name
	Zone        *time.Location    // nil for UTC
	Now         func() time.Time  // nil for time.Now

	mu      sync.Mutex
	patrons []*Patron
	items   map[string]*Item
	loans   map[string]*Loan
	history []Transaction
	faults  []Fault
	cuts    []cut
	last    string // the last reply to anybody, as Evergreen keeps it
	heard   []string
	open    map[net.Conn]bool
}

// New library system, with no patron and no item, and one account "station" with
// the password "secret".
func New(q Quirks) *System {
	return &System{
		Quirks: q, Institution: "main", Accounts: map[string]string{"station": "secret"},
		items: make(map[string]*Item), loans: make(map[string]*Loan), open: make(map[net.Conn]bool),
	}
}

// AddPatron and AddItem fill the library.
func (s *System) AddPatron(p Patron) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.patrons = append(s.patrons, &p)
}

// AddAccount adds one, or changes its password.
func (s *System) AddAccount(name, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Accounts[name] = password
}

func (s *System) AddItem(i Item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i.Branch = cmp.Or(i.Branch, s.Institution)
	i.Current = cmp.Or(i.Current, i.Branch)
	s.items[i.Barcode] = &i
}

// Loans that are open, by item.
func (s *System) Loans() []Loan {
	s.mu.Lock()
	defer s.mu.Unlock()
	var loans []Loan
	for _, l := range s.loans {
		loans = append(loans, *l)
	}
	slices.SortFunc(loans, func(a, b Loan) int { return strings.Compare(a.Item, b.Item) })
	return loans
}

// History is everything that was done.
func (s *System) History() []Transaction {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.history)
}

// Item as it is now; false when there is none.
func (s *System) Item(barcode string) (Item, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.items[barcode]; i != nil {
		return *i, true
	}
	return Item{}, false
}

// Heard are all requests that were read, without their ends.
func (s *System) Heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.heard)
}

// HangUp drops all connections.
func (s *System) HangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		c.Close()
	}
}

// Serve answers every connection until the listener is closed.
func (s *System) Serve(l net.Listener) error {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go s.Talk(c)
	}
}

// Dial is a connection through a net.Pipe: for sip2.Settings.
func (s *System) Dial(context.Context) (net.Conn, error) {
	station, system := net.Pipe()
	go s.Talk(system)
	return station, nil
}

func (s *System) now() time.Time {
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	return now().In(s.zone())
}

func (s *System) zone() *time.Location { return cmp.Or(s.Zone, time.UTC) }

// patron by card, or as the quirks have it. Non-ASCII identifiers are not found,
// since requests are read as Latin-1 (run, Koha).
func (s *System) patron(id string) *Patron {
	for _, p := range s.patrons {
		if p.Card == id || s.AnyCase && id != "" && (strings.EqualFold(p.Card, id) || strings.EqualFold(p.Userid, id)) {
			return p
		}
	}
	return nil
}
