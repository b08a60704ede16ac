package kiosk

import (
	"errors"
	"iter"
	"slices"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/ledger"
)

// Ledger is what the station remembers and what it has been told; package ledger
// keeps one. Its methods may be called from any goroutine.
type Ledger interface {
	// Append makes bodies durable, all or none, in their order, and answers the
	// number of the first. People are those whose cards are at hand. The error to
	// tell apart is ledger.ErrBroken.
	Append(stamp circ.Stamp, people []circ.PatronID, bodies ...circ.EventBody) (first uint64, err error)

	Item(circ.ItemID) (item circ.Item, known bool, err error)
	Loan(circ.ItemID) (loan circ.Loan, open bool, err error)
	Loans(circ.Ref) ([]circ.Loan, error)
	Repair(circ.ItemID) (wanted ledger.Repair, waits bool, err error)
	Policy(id string) (policy circ.Policy, known bool, err error)
	// Patron finds a patron by any identifier on a card, keyring or wristband.
	Patron(circ.PatronID) (patron circ.Patron, ref circ.Ref, known bool, err error)
	Proxies(agent circ.PatronID) ([]circ.Proxy, error)
	UseProxy(id string) error // one for once was used
	ProxyUsed(id string) (bool, error)
	Place(circ.ItemID) (ledger.Place, error)
	Recalls() (map[string][]circ.ItemID, error)
	Tiles() ([]ledger.Tile, error)
	Messages() (map[string]map[string]string, error)
	// CardFilter is the blob that tells which cards are valid in the library network.
	CardFilter() (filter circ.BlobID, told bool, err error)

	// What is kept for a person's sake and told nobody.
	Remember(patron circ.Ref, look []byte) error
	Remembered(patron circ.Ref) (look []byte, err error)
	NoteHad(id circ.PatronID, work string) error
	ForgetHad(id circ.PatronID, work string) error
	Had(id circ.PatronID, work string) (bool, error)

	// Wrong secret numbers of a person, as the station counts them.
	KeepTries(patron circ.Ref, tries []byte) error
	Tries(patron circ.Ref) (tries []byte, err error)
	ForgetTries() error

	// What the staff's tasks go by.
	Consignments() ([]circ.ConsignmentPut, error)
	Items() ([]circ.Item, error)
	At(ledger.Place) ([]circ.ItemID, error)
	NoteCounted(id circ.ItemID, at time.Time) error
	Counted() (map[circ.ItemID]time.Time, error)
	ForgetCount() error

	Faults() ([]string, error) // raised and not cleared

	// What the library asks for from afar.
	Commands() ([]circ.Notice, error) // not yet answered by a NoticeTaken
	Settings() (told circ.SettingsPut, is bool, err error)
	KeepSettings(circ.SettingsPut) error
	KeptSettings() (circ.SettingsPut, error) // that are in force
	Applied() (circ.SettingsApplied, error)
	PauseLending(bool) error
	Paused() (bool, error)

	Session() (uint64, error) // of the last Started
	LastStamp() (circ.Stamp, error)
	Bounds() (first, last uint64, err error)
	Mark(name string) (seq uint64, err error) // ledger.Hub: what the library has heard of
	Events(from uint64) iter.Seq2[circ.Event, error]
}

var _ Ledger = (*ledger.Ledger)(nil)

// append records bodies and answers the number of the first.
func (s *Station) append(bodies ...circ.EventBody) (uint64, error) {
	var people []circ.PatronID
	for _, id := range s.shown {
		if !id.IsZero() {
			people = append(people, id)
		}
	}
	first, err := s.ledger.Append(stamp(s.now(), s.clock.Boot()), people, bodies...)
	if err != nil {
		s.broken = s.broken || errors.Is(err, ledger.ErrBroken)
		s.log.Error("nothing was recorded", "err", err)
	}
	return first, err
}

// lastVisit looks from the end of the log for the number of the last visit that
// left something in it.
func lastVisit(l Ledger) (circ.VisitID, error) {
	const stride = 64
	first, end, err := l.Bounds()
	if err != nil {
		return 0, err
	}
	for end >= first {
		from := max(first, end-min(end, stride)+1)
		var last circ.VisitID
		for e, err := range l.Events(from) {
			if err != nil {
				return 0, err
			}
			if e.Seq > end {
				break
			}
			last = max(last, visit(e.Body))
		}
		if last != 0 {
			return last, nil
		}
		end = from - 1
	}
	return 0, nil
}

func visit(body circ.EventBody) circ.VisitID {
	switch b := body.(type) {
	case circ.CheckedOut:
		return b.Visit
	case circ.CheckedIn:
		return b.Visit
	case circ.Renewed:
		return b.Visit
	case circ.Undone:
		return b.Visit
	case circ.LentToHouse:
		return b.Visit
	}
	return 0
}

// What the ledger cannot answer is not known: a visit goes on without it.

func (s *Station) knownItem(id circ.ItemID) (circ.Item, bool) {
	item, known, err := s.ledger.Item(id)
	return item, s.answered(err) && known
}

// knownPatron is also how an unknown patron is called: by what the card reads, or
// by whose card it was linked to here.
func (s *Station) knownPatron(id circ.PatronID) (circ.Patron, circ.Ref, bool) {
	patron, ref, known, err := s.ledger.Patron(id)
	return patron, ref, s.answered(err) && known
}

func (s *Station) loan(id circ.ItemID) (circ.Loan, bool) {
	loan, known, err := s.ledger.Loan(id)
	return loan, s.answered(err) && known
}

func (s *Station) unready(id circ.ItemID) bool {
	_, waits, err := s.ledger.Repair(id)
	return s.answered(err) && waits
}

func (s *Station) loans(ref circ.Ref) []circ.Loan {
	loans, err := s.ledger.Loans(ref)
	s.answered(err)
	return loans
}

func (s *Station) policy(id string) circ.Policy {
	if policy, known, err := s.ledger.Policy(id); s.answered(err) && known {
		return policy
	}
	return s.settings.Policy
}

func (s *Station) answered(err error) bool {
	if err != nil {
		s.log.Error("the ledger does not answer", "err", err)
	}
	return err == nil
}

// raise records that something is wrong, or well again, unless that is known.
func (s *Station) raise(f fault) {
	known := slices.Index(s.faults, f.name)
	switch {
	case f.raised && known < 0:
		if _, err := s.append(circ.FaultRaised{Fault: f.name, Detail: f.detail}); err == nil {
			s.faults = append(s.faults, f.name)
		}
	case !f.raised && known >= 0:
		if _, err := s.append(circ.FaultCleared{Fault: f.name}); err == nil {
			s.faults = slices.Delete(s.faults, known, known+1)
		}
	}
}
