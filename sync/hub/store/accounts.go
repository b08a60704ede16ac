package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"coldstation/sync/circ"
)

// Accounts are who may use the pages, and what they did there. Hashes are of what
// a visitor shows: the store could not say what that is.
type Accounts interface {
	// AnyAccount reports whether anybody has one.
	AnyAccount(ctx context.Context) (bool, error)
	// Accounts are all of them, by name. Account is one, AccountOf that of a subject
	// elsewhere; ErrNoAccount.
	Accounts(ctx context.Context) ([]Account, error)
	Account(ctx context.Context, name string) (Account, error)
	AccountOf(ctx context.Context, subject string) (Account, error)
	// AddAccount makes one; ErrKnownAccount when its name or subject is taken.
	AddAccount(ctx context.Context, a Account) error
	// SetGrants exchanges somebody's roles; ErrNoAccount, ErrLastAdministrator.
	SetGrants(ctx context.Context, name string, grants []Grant) error
	// SetPassword exchanges a password and ends the sessions but one, by its hash;
	// ErrNoAccount.
	SetPassword(ctx context.Context, name, password string, but []byte) error
	// RemoveAccount removes one with all that it opened; ErrNoAccount,
	// ErrLastAdministrator.
	RemoveAccount(ctx context.Context, name string) error

	// OfferLink lets somebody choose a password, once, and ends all that opened the
	// account: its password, sessions, tokens, and other links; ErrNoAccount.
	OfferLink(ctx context.Context, l Link) error
	// LinkOf is whose a link is, UseLink uses it up for a password; ErrNoLink when it
	// is used or expired.
	LinkOf(ctx context.Context, hash []byte, at time.Time) (Account, error)
	UseLink(ctx context.Context, hash []byte, password string, at time.Time) (Account, error)

	// BeginSession keeps a session and notes that its account signed in;
	// ErrNoAccount.
	BeginSession(ctx context.Context, s Session) error
	// SessionOf is a session with its account as it is now, ErrNoSession: how old it
	// may be is for the caller to say. SawSession notes that it was used.
	SessionOf(ctx context.Context, hash []byte) (Session, Account, error)
	SawSession(ctx context.Context, hash []byte, at time.Time) error
	// Sessions are somebody's, the last used first.
	Sessions(ctx context.Context, name string) ([]Session, error)
	// EndSession ends one, by its id; EndSessions all of somebody but one, by its
	// hash. ErrNoSession when none was there to end.
	EndSession(ctx context.Context, name, id string) error
	EndSessions(ctx context.Context, name string, but []byte) error
	// ForgetSessions drops those that began, or were last used, before.
	ForgetSessions(ctx context.Context, begun, seen time.Time) error

	// AddToken keeps a token; ErrNoAccount. TokenOf is one with its account,
	// ErrNoToken when it has expired; UsedToken notes that it was used.
	AddToken(ctx context.Context, t Token) error
	TokenOf(ctx context.Context, hash []byte, at time.Time) (Token, Account, error)
	UsedToken(ctx context.Context, hash []byte, at time.Time) error
	// Tokens are somebody's, by title; RemoveToken ends one, ErrNoToken.
	Tokens(ctx context.Context, name string) ([]Token, error)
	RemoveToken(ctx context.Context, name, id string) error

	// Note adds to the trail. Trail is what a query finds, the last first.
	Note(ctx context.Context, d Deed) error
	Trail(ctx context.Context, q TrailQuery) ([]Deed, error)
	// ForgetTrail drops what is older than a time.
	ForgetTrail(ctx context.Context, before time.Time) error
}

// What a caller of Accounts tells apart.
var (
	ErrNoAccount         = errors.New("store: no such account")
	ErrKnownAccount      = errors.New("store: there is such an account already")
	ErrLastAdministrator = errors.New("store: nobody else could see to the accounts")
	ErrNoLink            = errors.New("store: no such link")
	ErrNoSession         = errors.New("store: no such session")
	ErrNoToken           = errors.New("store: no such token")
)

// Role is what somebody may do on the pages; each includes those before it.
type Role string

// The roles.
const (
	Viewer        Role = "viewer"        // sees stations, loans, the collection, figures
	Librarian     Role = "librarian"     // decides
	Administrator Role = "administrator" // sees to accounts, settings and what was done
)

// Roles are all of them, the least first.
var Roles = []Role{Viewer, Librarian, Administrator}

// Includes reports whether who has r may do what other allows. A role of no kind
// includes nothing and is included in nothing.
func (r Role) Includes(other Role) bool {
	have, want := slices.Index(Roles, r), slices.Index(Roles, other)
	return want >= 0 && have >= want
}

// Grant is a role at one station, or ("") in the whole library.
type Grant struct {
	Role    Role
	Station circ.StationID
}

// Account is somebody who may sign in.
type Account struct {
	Name     string // to sign in by
	Title    string // what people call them
	Password string // as package secret hashes it; "" when none opens it
	Subject  string // who they are elsewhere; "" when they sign in here
	Grants   []Grant
	Made     time.Time
	Signed   time.Time // in, last; zero: never
}

// Link is a one-time link for choosing a password.
type Link struct {
	Hash    []byte
	Account string
	Expires time.Time
}

// Session is somebody signed in with one browser.
type Session struct {
	Hash        []byte
	ID          string // for lists; opens nothing
	Account     string
	Begun, Seen time.Time
	Address     string
	Agent       string // as the browser names itself
}

// Token lets a script do a part of what its account may.
type Token struct {
	Hash    []byte
	ID      string // for lists; opens nothing
	Account string
	Title   string
	Scopes  []string
	Made    time.Time
	Expires time.Time
	Used    time.Time // last; zero: never
}

// Deed is one line of the trail: somebody did something.
type Deed struct {
	Place   int64 // in the trail; set by the store
	At      time.Time
	Who     string
	Address string
	What    string
	About   string // a patron or an item or an account or a station, never two
}

// TrailQuery finds deeds from From on, before To and before Place, where those are
// set, that have Find in who, about or address.
type TrailQuery struct {
	From, To time.Time
	Before   int64
	What     string // "" for all
	Find     string
	Limit    int
}

func (s *base) AnyAccount(ctx context.Context) (any bool, err error) {
	var n int
	err = s.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM accounts LIMIT 1) a`).Scan(&n)
	return n > 0, err
}

// accountColumns are an account with its roles as one text: "role station" by
// commas, which no name of a station has.
const accountColumns = `a.name, a.title, a.password, a.subject, a.made, a.signed,
	COALESCE((SELECT STRING_AGG(g.role || ' ' || g.station, ',') FROM grants g WHERE g.account = a.name), '')`

func scanAccount(scan func(...any) error, more ...any) (a Account, err error) {
	var made, signed int64
	var grants string
	err = scan(append([]any{&a.Name, &a.Title, &a.Password, &a.Subject, &made, &signed, &grants}, more...)...)
	a.Made, a.Signed = fromMillis(made), fromMillis(signed)
	for one := range strings.FieldsFuncSeq(grants, func(r rune) bool { return r == ',' }) {
		role, station, _ := strings.Cut(one, " ")
		a.Grants = append(a.Grants, Grant{Role(role), circ.StationID(station)})
	}
	slices.SortFunc(a.Grants, func(a, b Grant) int { return strings.Compare(string(a.Station), string(b.Station)) })
	return a, err
}

// found answers missing for no row.
func found(err, missing error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return missing
	}
	return err
}

func (s *base) Accounts(ctx context.Context) ([]Account, error) {
	return collect(ctx, s.read, func(scan func(...any) error) (Account, error) { return scanAccount(scan) },
		`SELECT `+accountColumns+` FROM accounts a ORDER BY a.name`)
}

func (s *base) Account(ctx context.Context, name string) (Account, error) {
	a, err := scanAccount(s.read.QueryRowContext(ctx, `SELECT `+accountColumns+` FROM accounts a WHERE a.name = ?`, name).Scan)
	return a, found(err, ErrNoAccount)
}

func (s *base) AccountOf(ctx context.Context, subject string) (Account, error) {
	a, err := scanAccount(s.read.QueryRowContext(ctx, `SELECT `+accountColumns+` FROM accounts a WHERE a.subject = ? AND a.subject <> ''`, subject).Scan)
	return a, found(err, ErrNoAccount)
}

func (s *base) AddAccount(ctx context.Context, a Account) error {
	return s.change(ctx, "add an account", func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `INSERT INTO accounts (name, title, password, subject, made) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			a.Name, a.Title, a.Password, a.Subject, millis(a.Made))
		if err := known(result, err, ErrKnownAccount); err != nil {
			return err
		}
		return grant(ctx, tx, a.Name, a.Grants)
	})
}

func grant(ctx context.Context, tx *sql.Tx, name string, grants []Grant) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM grants WHERE account = ?`, name); err != nil {
		return err
	}
	for _, g := range grants {
		if _, err := tx.ExecContext(ctx, `INSERT INTO grants (account, station, role) VALUES (?, ?, ?)`, name, g.Station, g.Role); err != nil {
			return err
		}
	}
	return nil
}

// mustRemain answers ErrLastAdministrator when somebody who signs in here was an
// administrator of the whole library, and now none is left.
func mustRemain(ctx context.Context, tx *sql.Tx, name string, change func() error) error {
	count := func() (n int, err error) {
		err = tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM accounts a JOIN grants g ON g.account = a.name
			WHERE a.subject = '' AND g.station = '' AND g.role = ?`, Administrator).Scan(&n)
		return n, err
	}
	before, err := count()
	if err != nil {
		return err
	}
	var there int
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM accounts WHERE name = ?`, name).Scan(&there); err != nil {
		return err
	}
	if there == 0 {
		return ErrNoAccount
	}
	if err := change(); err != nil {
		return err
	}
	after, err := count()
	if err == nil && before > 0 && after == 0 {
		err = ErrLastAdministrator
	}
	return err
}

func (s *base) SetGrants(ctx context.Context, name string, grants []Grant) error {
	return s.change(ctx, "set roles", func(tx *sql.Tx) error {
		return mustRemain(ctx, tx, name, func() error { return grant(ctx, tx, name, grants) })
	})
}

func (s *base) SetPassword(ctx context.Context, name, password string, but []byte) error {
	return s.change(ctx, "set a password", func(tx *sql.Tx) error { return setPassword(ctx, tx, name, password, but) })
}

func setPassword(ctx context.Context, tx *sql.Tx, name, password string, but []byte) error {
	result, err := tx.ExecContext(ctx, `UPDATE accounts SET password = ? WHERE name = ?`, password, name)
	if err := known(result, err, ErrNoAccount); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM sessions WHERE account = ? AND hash <> ?`, name, hex.EncodeToString(but))
	return err
}

// opening are the tables of what opens an account, beside its password.
var opening = []string{"sessions", "tokens", "links"}

// shut ends everything that opens an account, beside its password.
func shut(ctx context.Context, tx *sql.Tx, name string) error {
	for _, table := range opening {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE account = ?`, name); err != nil {
			return err
		}
	}
	return nil
}

func (s *base) RemoveAccount(ctx context.Context, name string) error {
	return s.change(ctx, "remove an account", func(tx *sql.Tx) error {
		return mustRemain(ctx, tx, name, func() error {
			if err := errors.Join(shut(ctx, tx, name), grant(ctx, tx, name, nil)); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `DELETE FROM accounts WHERE name = ?`, name)
			return err
		})
	})
}

func (s *base) OfferLink(ctx context.Context, l Link) error {
	return s.change(ctx, "offer a link", func(tx *sql.Tx) error {
		if err := errors.Join(setPassword(ctx, tx, l.Account, "", nil), shut(ctx, tx, l.Account)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO links (hash, account, expires) VALUES (?, ?, ?)`, hex.EncodeToString(l.Hash), l.Account, millis(l.Expires))
		return err
	})
}

func (s *base) LinkOf(ctx context.Context, hash []byte, at time.Time) (Account, error) {
	return linkOf(ctx, s.read, hash, at)
}

func linkOf(ctx context.Context, q queryer, hash []byte, at time.Time) (Account, error) {
	a, err := scanAccount(q.QueryRowContext(ctx, `SELECT `+accountColumns+` FROM links l JOIN accounts a ON a.name = l.account
		WHERE l.hash = ? AND l.expires > ?`, hex.EncodeToString(hash), millis(at)).Scan)
	return a, found(err, ErrNoLink)
}

func (s *base) UseLink(ctx context.Context, hash []byte, password string, at time.Time) (a Account, err error) {
	err = s.change(ctx, "use a link", func(tx *sql.Tx) error {
		if a, err = linkOf(ctx, tx, hash, at); err != nil {
			return err
		}
		if err := shut(ctx, tx, a.Name); err != nil {
			return err
		}
		return setPassword(ctx, tx, a.Name, password, nil)
	})
	return a, err
}

func (s *base) BeginSession(ctx context.Context, n Session) error {
	return s.change(ctx, "begin a session", func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE accounts SET signed = ? WHERE name = ?`, millis(n.Begun), n.Account)
		if err := known(result, err, ErrNoAccount); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO sessions (hash, id, account, begun, seen, address, agent) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			hex.EncodeToString(n.Hash), n.ID, n.Account, millis(n.Begun), millis(n.Seen), n.Address, n.Agent)
		return err
	})
}

const sessionColumns = `s.hash, s.id, s.account, s.begun, s.seen, s.address, s.agent`

// columns of a session, and what they make of it once they are read.
func (n *Session) columns() (into []any, done func()) {
	hash, begun, seen := new(string), new(int64), new(int64)
	return []any{hash, &n.ID, &n.Account, begun, seen, &n.Address, &n.Agent}, func() {
		n.Hash, _ = hex.DecodeString(*hash) // as it was encoded
		n.Begun, n.Seen = fromMillis(*begun), fromMillis(*seen)
	}
}

func (s *base) SessionOf(ctx context.Context, hash []byte) (n Session, a Account, err error) {
	into, done := n.columns()
	a, err = scanAccount(s.read.QueryRowContext(ctx, `SELECT `+accountColumns+`, `+sessionColumns+` FROM sessions s JOIN accounts a ON a.name = s.account
		WHERE s.hash = ?`, hex.EncodeToString(hash)).Scan, into...)
	done()
	return n, a, found(err, ErrNoSession)
}

func (s *base) SawSession(ctx context.Context, hash []byte, at time.Time) error {
	_, err := s.write.ExecContext(ctx, `UPDATE sessions SET seen = ? WHERE hash = ?`, millis(at), hex.EncodeToString(hash))
	return err
}

func (s *base) Sessions(ctx context.Context, name string) ([]Session, error) {
	return collect(ctx, s.read, func(scan func(...any) error) (n Session, err error) {
		into, done := n.columns()
		err = scan(into...)
		done()
		return n, err
	}, `SELECT `+sessionColumns+` FROM sessions s WHERE s.account = ? ORDER BY s.seen DESC, s.id`, name)
}

func (s *base) EndSession(ctx context.Context, name, id string) error {
	result, err := s.write.ExecContext(ctx, `DELETE FROM sessions WHERE account = ? AND id = ?`, name, id)
	return known(result, err, ErrNoSession)
}

func (s *base) EndSessions(ctx context.Context, name string, but []byte) error {
	result, err := s.write.ExecContext(ctx, `DELETE FROM sessions WHERE account = ? AND hash <> ?`, name, hex.EncodeToString(but))
	return known(result, err, ErrNoSession)
}

func (s *base) ForgetSessions(ctx context.Context, begun, seen time.Time) error {
	_, err := s.write.ExecContext(ctx, `DELETE FROM sessions WHERE begun < ? OR seen < ?`, millis(begun), millis(seen))
	return err
}

func (s *base) AddToken(ctx context.Context, t Token) error {
	return s.change(ctx, "add a token", func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `INSERT INTO tokens (hash, id, account, title, scopes, made, expires)
			SELECT ?, ?, name, ?, ?, ?, ? FROM accounts WHERE name = ?`,
			hex.EncodeToString(t.Hash), t.ID, t.Title, strings.Join(t.Scopes, " "), millis(t.Made), millis(t.Expires), t.Account)
		return known(result, err, ErrNoAccount)
	})
}

const tokenColumns = `t.hash, t.id, t.account, t.title, t.scopes, t.made, t.expires, t.used`

func (t *Token) columns() (into []any, done func()) {
	hash, scopes, made, expires, used := new(string), new(string), new(int64), new(int64), new(int64)
	return []any{hash, &t.ID, &t.Account, &t.Title, scopes, made, expires, used}, func() {
		t.Hash, _ = hex.DecodeString(*hash) // as it was encoded
		t.Scopes = strings.Fields(*scopes)
		t.Made, t.Expires, t.Used = fromMillis(*made), fromMillis(*expires), fromMillis(*used)
	}
}

func (s *base) TokenOf(ctx context.Context, hash []byte, at time.Time) (t Token, a Account, err error) {
	into, done := t.columns()
	a, err = scanAccount(s.read.QueryRowContext(ctx, `SELECT `+accountColumns+`, `+tokenColumns+` FROM tokens t JOIN accounts a ON a.name = t.account
		WHERE t.hash = ? AND t.expires > ?`, hex.EncodeToString(hash), millis(at)).Scan, into...)
	done()
	return t, a, found(err, ErrNoToken)
}

func (s *base) UsedToken(ctx context.Context, hash []byte, at time.Time) error {
	_, err := s.write.ExecContext(ctx, `UPDATE tokens SET used = ? WHERE hash = ?`, millis(at), hex.EncodeToString(hash))
	return err
}

func (s *base) Tokens(ctx context.Context, name string) ([]Token, error) {
	return collect(ctx, s.read, func(scan func(...any) error) (t Token, err error) {
		into, done := t.columns()
		err = scan(into...)
		done()
		return t, err
	}, `SELECT `+tokenColumns+` FROM tokens t WHERE t.account = ? ORDER BY t.title, t.id`, name)
}

func (s *base) RemoveToken(ctx context.Context, name, id string) error {
	result, err := s.write.ExecContext(ctx, `DELETE FROM tokens WHERE account = ? AND id = ?`, name, id)
	return known(result, err, ErrNoToken)
}

func (s *base) Note(ctx context.Context, d Deed) error {
	_, err := s.write.ExecContext(ctx, `INSERT INTO trail (place, at, who, address, what, about)
		SELECT COALESCE(MAX(place), 0) + 1, ?, ?, ?, ?, ? FROM trail`, millis(d.At), d.Who, d.Address, d.What, d.About)
	return err
}

func (s *base) Trail(ctx context.Context, q TrailQuery) ([]Deed, error) {
	find := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(q.Find) + "%"
	return collect(ctx, s.read, func(scan func(...any) error) (d Deed, err error) {
		var at int64
		err = scan(&d.Place, &at, &d.Who, &d.Address, &d.What, &d.About)
		d.At = fromMillis(at)
		return d, err
	}, `SELECT place, at, who, address, what, about FROM trail
		WHERE at >= ? AND (at < ? OR ? = 0) AND (place < ? OR ? = 0) AND (what = ? OR ? = '')
		AND (LOWER(who) LIKE LOWER(?) ESCAPE '\' OR LOWER(about) LIKE LOWER(?) ESCAPE '\' OR address LIKE ? ESCAPE '\')
		ORDER BY place DESC LIMIT ?`, millis(q.From), millis(q.To), millis(q.To), q.Before, q.Before, q.What, q.What, find, find, find, q.Limit)
}

func (s *base) ForgetTrail(ctx context.Context, before time.Time) error {
	_, err := s.write.ExecContext(ctx, `DELETE FROM trail WHERE at < ?`, millis(before))
	return err
}
