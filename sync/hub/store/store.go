// Package store keeps what the hub knows: the stations' events as they came,
// what they add up to (loans, places, conditions), the library's collection and
// people, and the notices on their way down.
//
// An event is taken in together with everything it changes and with the mark
// that says so, in one transaction, or not at all; the mark moves by
// compare-and-set, so two hubs that take in the same batch cost work and never
// a double loan. Nothing that was taken in is ever overwritten.
//
// The store never sees a station's seal: it is given events already opened.
package store

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/identity"
	"coldstation/sync/wire"
)

// Store is a hub's memory. All of it may be called by several at once.
type Store interface {
	// Enrol makes a station known; ErrKnown when it is. Without keys it is one
	// that a code is to be offered for.
	Enrol(ctx context.Context, station identity.Enrolled, at time.Time) error
	// Rekey gives a known station new keys and ends what the old ones opened,
	// and a revocation; ErrNoStation.
	Rekey(ctx context.Context, station identity.Enrolled, at time.Time) error
	// Revoke turns a station away, with its certificates and codes, until it is
	// given new keys; ErrNoStation.
	Revoke(ctx context.Context, id circ.StationID, at time.Time) error
	// SetTitle says what people call a station; ErrNoStation.
	SetTitle(ctx context.Context, id circ.StationID, title string) error
	// Enrolled is what the hub keeps of a station, ErrNoStation; AllEnrolled of
	// all, by name.
	Enrolled(ctx context.Context, id circ.StationID) (identity.Enrolled, error)
	AllEnrolled(ctx context.Context) ([]identity.Enrolled, error)

	// Offer keeps a one-time code in place of the station's earlier ones;
	// ErrNoStation. Code is the one with an id, used and expired ones too; ErrNoCode.
	Offer(ctx context.Context, c Code) error
	Code(ctx context.Context, id []byte) (Code, error)
	// Redeem uses up a code, gives its station keys as Rekey does, and notes its
	// certificate, all or nothing. ErrNoCode when it is used or expired.
	Redeem(ctx context.Context, code []byte, station identity.Enrolled, c Certificate, at time.Time) error
	// Issue notes a certificate; Revoked are those that were revoked and would
	// otherwise be good at a time.
	Issue(ctx context.Context, c Certificate) error
	Revoked(ctx context.Context, at time.Time) ([]Certificate, error)

	// SetFact leaves a word for another program; Fact is it, "" for none.
	SetFact(ctx context.Context, name, value string) error
	Fact(ctx context.Context, name string) (string, error)
	// Stations are all of them by name; Station is one, ErrNoStation.
	Stations(ctx context.Context) ([]Station, error)
	Station(ctx context.Context, id circ.StationID) (Station, error)

	// Seen notes a station's presence. The end of another session than the last
	// one born changes nothing and answers false: an old will kills nobody.
	Seen(ctx context.Context, p Presence) (bool, error)
	// Find is where a station's ledger stands here. A ledger not known yet is
	// opened and the station's other one closed: it is never continued by force
	// and never overwritten. Its stream of notices begins anew with it, since
	// whatever the station was told is gone with the old one.
	Find(ctx context.Context, id circ.StationID, ledger uuid.UUID, at time.Time) (Ledger, error)
	// Report notes what a station says of its ledger and its clock; ErrNoLedger.
	Report(ctx context.Context, r Report) error
	// Quarantine stops a ledger whose history is not the one taken in, and
	// raises the condition.
	Quarantine(ctx context.Context, id circ.StationID, ledger uuid.UUID, at time.Time) error
	// TakeIn takes in a batch and answers where the ledger now stands, which for
	// a batch already taken in is where it stood. *Gap, ErrForked,
	// ErrQuarantined, ErrClosed, ErrNoLedger.
	TakeIn(ctx context.Context, b Batch) (Ledger, error)

	// Raise and Clear set and end a condition of a station.
	Raise(ctx context.Context, id circ.StationID, c Condition) error
	Clear(ctx context.Context, id circ.StationID, name string) error

	// NewStream begins a station's stream of notices anew: all that it needs to know,
	// then what it was told otherwise, and what it was to be told once and has not
	// taken. They wait for their numbers; see Draw.
	NewStream(ctx context.Context, id circ.StationID, stream uuid.UUID) error
	// Tell has notices wait for a station, each in place of what waits on the same
	// topic; ErrNoStream. What is of the collection or the people comes by itself.
	Tell(ctx context.Context, id circ.StationID, bodies ...circ.NoticeBody) error
	// Notices are at most limit encoded notices of a stream from seq on, of those
	// that have a number and were not taken long since.
	Notices(ctx context.Context, id circ.StationID, stream uuid.UUID, from uint64, limit int) ([][]byte, error)
	// NoticeChain is the running hash of a stream up to seq, zero at 0 and where
	// the stream does not reach.
	NoticeChain(ctx context.Context, id circ.StationID, stream uuid.UUID, seq uint64) (wire.Chain, error)
	// Streams are the streams of all stations that have one: a look so light that
	// it can be taken every few seconds.
	Streams(ctx context.Context) (map[circ.StationID]Stream, error)
	// NoticesTaken sets the mark up to which the station has its stream: forward, and
	// back too when the station went back.
	NoticesTaken(ctx context.Context, id circ.StationID, stream uuid.UUID, mark uint64, back bool) error

	// Import takes in what a library exported. What is new or changed waits for the
	// stations that need it, in the same transaction.
	Import(ctx context.Context, c Collection) (Imported, error)

	// Loans are the loans now, of one station or ("") of all, oldest first.
	Loans(ctx context.Context, id circ.StationID) ([]Loan, error)
	// Events are a station's events, the last first, at most limit of those
	// before the position; the zero Position begins at the end.
	Events(ctx context.Context, id circ.StationID, before Position, limit int) ([]Event, error)
	// Log gives each of a station's events as it was taken in, ledger by ledger in
	// the order of their numbers, for whoever compares them with the station's own.
	Log(ctx context.Context, id circ.StationID, each func(Kept) error) error

	Needs
	Posts
	Reports
	Afar
	Clocks
	Blobs
	Accounts
	Learns
	Alerts
	Subscriptions
	Privacy
	Consignments
	Recalls
	Counts
	Rotations

	Close() error
}

// What a caller tells apart.
var (
	ErrNoStation   = errors.New("store: no such station")
	ErrKnown       = errors.New("store: the station is known already")
	ErrNoCode      = errors.New("store: no such code")
	ErrNoLedger    = errors.New("store: no such ledger")
	ErrNoStream    = errors.New("store: no such stream")
	ErrForked      = errors.New("store: the ledger's history is not the one taken in")
	ErrQuarantined = errors.New("store: the ledger is quarantined")
	ErrClosed      = errors.New("store: the ledger was followed by another")
	ErrNewer       = errors.New("store: written by a newer version")
)

// Gap is a batch that begins after the next event wanted.
type Gap struct{ Cursor uint64 }

func (g *Gap) Error() string { return fmt.Sprintf("store: gap after event %d", g.Cursor) }

// Code is a one-time code for a station, as the hub keeps it.
type Code struct {
	ID, Secret []byte // made from the code; no Secret once it is used
	Station    circ.StationID
	Expires    time.Time
	Used       bool
}

// Certificate is one that a station was given.
type Certificate struct {
	Serial  *big.Int
	Station circ.StationID
	Expires time.Time
	Revoked time.Time // zero: it is not
}

// Presence is a birth, a farewell or a last will.
type Presence struct {
	Station circ.StationID
	Online  bool
	Boot    uuid.UUID
	Session uint64 // tells one connection of a boot from the others
	At      time.Time
	Old     bool // kept or sent by the broker: the station was not heard now
}

// Report is what a station says of its ledger, and of its clock when it does:
// then Boot is set.
type Report struct {
	Station circ.StationID
	Ledger  uuid.UUID
	Last    uint64 // its last event
	Boot    uuid.UUID
	Uptime  time.Duration
	At      time.Time // received
}

// Ledger is where a station's ledger stands at the hub.
type Ledger struct {
	ID     uuid.UUID
	Cursor uint64     // the last event taken in
	Chain  wire.Chain // over all of them
	State  LedgerState
	New    bool // opened by this very call
}

// LedgerState says what may still come of a ledger.
type LedgerState string

// The states of a ledger.
const (
	LedgerOK          LedgerState = "ok"
	LedgerClosed      LedgerState = "closed"      // the station has another one since
	LedgerQuarantined LedgerState = "quarantined" // a copy or an old image of it is in use
)

// Batch is a run of events of one ledger, without gaps.
type Batch struct {
	Station circ.StationID
	Ledger  uuid.UUID
	First   uint64
	Events  []Taken
	Chain   wire.Chain // over the ledger up to the batch's last event
	At      time.Time
}

// Taken is an event opened and as it came.
type Taken struct {
	circ.Event
	Raw []byte
}

// Collection is what a library exports. A nil part is left as it is; the others
// add and change, and never remove.
type Collection struct {
	Items    []circ.Item
	Patrons  []circ.Patron
	Policies []circ.Policy
	Proxies  []circ.Proxy
}

// Imported says what an import changed.
type Imported struct{ Items, Patrons, Policies, Proxies int }

// Condition is something a librarian should know of a station. Name is a short
// constant, in which a page finds its sentence; Detail completes it.
type Condition struct {
	Name   string
	Detail string
	Since  time.Time
}

// The conditions the hub finds by itself. A fault that a station raises is
// "fault-" and its name.
const (
	ConditionNewer       = "newer"       // its program is newer than the hub
	ConditionQuarantined = "quarantined" // its ledger is
	ConditionRefilled    = "refilled"    // its ledger began anew
	ConditionMissing     = "missing"     // it no longer keeps events that we lack
	ConditionUnreadable  = "unreadable"  // it sends what no version wrote
	ConditionReturned    = "returned"    // a ledger that another followed is back
	ConditionRefuses     = "refuses"     // it does not take what it is told
	ConditionUnfit       = "unfit"       // something is kept here that no station could take
	ConditionAccount     = "account"     // the library system refuses its account, or it has none there
	FaultPrefix          = "fault-"
)

// Station is how a station stands.
type Station struct {
	ID          circ.StationID
	Title       string // what people call it; "" for its name
	Enrolled    time.Time
	Revoked     time.Time // zero: it is not
	Expires     time.Time // its certificate; zero: it has none
	Online      bool      // as far as the broker knows: show the age of Heard, not a lamp
	Heard       time.Time
	LastEvent   time.Time
	Boot        uuid.UUID
	Session     uint64
	Ledger      uuid.UUID
	Cursor      uint64
	Reported    uint64
	BehindSince time.Time // zero: not behind
	Version     string
	Stream      uuid.UUID // zero: none yet
	Told, Taken uint64    // told: with what waits for its number
	// PendingSince is since when it has taken none of what it was told: since it
	// last took something, or since there was something. Zero: nothing waits.
	PendingSince time.Time
	Loans        int
	Conditions   []Condition
}

// Queue is how many events the station has that the hub has not.
func (s Station) Queue() uint64 { return s.Reported - min(s.Reported, s.Cursor) }

// Pending is how many notices the station has not taken.
func (s Station) Pending() uint64 { return s.Told - min(s.Told, s.Taken) }

// Stream is how far a station's stream of notices goes.
type Stream struct {
	ID          uuid.UUID // zero: none yet
	First       uint64    // the oldest notice that is kept; Told+1 for none
	Told, Taken uint64    // the last that has a number, and the last that the station has
	Turn        int64     // rises when something more waits
}

// Loan is an item on loan. It says at which station and not to whom.
type Loan struct {
	Item    circ.ItemID
	Title   string
	Station circ.StationID
	Since   time.Time
	Due     time.Time // zero: as long as they like
	Renewed int
	House   bool // lent to the house, to nobody
}

// Item is an item and where it was last.
type Item struct {
	circ.Item
	Station circ.StationID // "" when it was never seen
	Place   string         // shelf, loan, house, box, away, lost; "" when it was never seen
	Seen    time.Time
}

// Event is an event as a page shows it: without whoever it was about.
type Event struct {
	Position
	Kind     string
	Received time.Time
	Wall     time.Time // by the station's own clock
	Clock    circ.Clock
	Err      time.Duration // how far off At may be, either way
	Item     circ.ItemID
	Title    string
	Patron   bool // it was about a patron
	Note     string
	Undone   bool
}

// Kept is an event as it was taken in.
type Kept struct {
	Ledger   uuid.UUID
	Seq      uint64
	Kind     string
	Item     circ.ItemID
	Undone   bool
	Received time.Time
	Chain    wire.Chain // over this event and all before it
	Raw      []byte     // as the station wrote it; the receiver's own
}

// Position is an event's place in its station's history.
type Position struct {
	At     time.Time // as well as we know
	Ledger uuid.UUID
	Seq    uint64
}
