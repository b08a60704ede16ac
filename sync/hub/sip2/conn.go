package sip2

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// Checks says whether requests carry AY and AZ. Library systems reply with them
// to those that do, message by message.
type Checks byte

const (
	ChecksAuto Checks = iota // send them, unless the first reply comes without
	ChecksOn                 // and take no reply without
	ChecksOff
)

// Settings are how a library system is spoken to. Encoding and Terminator cannot
// be found out by asking; the library knows them.
type Settings struct {
	Address    string      // host:port, usually port 6001
	TLS        *tls.Config // nil for plain TCP; its ServerName is taken from Address when empty
	Dial       func(ctx context.Context) (net.Conn, error)
	Encoding   Encoding
	Zone       *time.Location // the library's, for the dates of questions; nil for the process's
	Terminator string         // of requests: "" for CR; "\r\n" is taken by the systems watched, "\n" alone is not
	Checks     Checks

	Connect time.Duration // to have a connection and be logged in; 0 for 15 s
	Timeout time.Duration // for each reply; 0 for 30 s
	Probe   time.Duration // idle for longer, a line is asked its status before a change; 0 for 1 min
	Idle    time.Duration // idle for longer, a new one is made; 0 for 5 min (Koha hangs up after 10)
	Resends int           // how often 96 and 97 are heeded and sent for one request; 0 for 2
}

// Account is who a station is to the library system. Koha lends from the branch
// of the account and nothing in a checkout can change it, so that each station
// has its own.
type Account struct {
	Name, Password   string // CN, CO; no login without a name
	Location         string // CP
	Institution      string // AO of requests that have none
	TerminalPassword string // AC of requests that have none
}

// String is the name, so that no password gets into a log.
func (a Account) String() string { return a.Name }

// Conn is one account's conversation with the library system: a request, its
// reply, and only then the next. It connects and logs in when there is something
// to ask, and anew after a fault. Its methods may be called from several
// goroutines, which take turns.
type Conn struct {
	settings Settings
	account  Account
	turn     chan struct{} // holds one token; closed with the conversation
	line     *line         // nil when there is none
}

// New makes a conversation. Nothing is dialled yet.
func New(s Settings, a Account) *Conn {
	s.Terminator = cmp.Or(s.Terminator, "\r")
	s.Connect = cmp.Or(s.Connect, 15*time.Second)
	s.Timeout = cmp.Or(s.Timeout, 30*time.Second)
	s.Probe = cmp.Or(s.Probe, time.Minute)
	s.Idle = cmp.Or(s.Idle, 5*time.Minute)
	s.Resends = cmp.Or(s.Resends, 2)
	s.Zone = cmp.Or(s.Zone, time.Local)
	if s.Dial == nil {
		s.Dial = s.dial
	}
	c := &Conn{settings: s, account: a, turn: make(chan struct{}, 1)}
	c.turn <- struct{}{}
	return c
}

func (s Settings) dial(ctx context.Context) (net.Conn, error) {
	var plain net.Dialer
	if s.TLS == nil {
		return plain.DialContext(ctx, "tcp", s.Address)
	}
	return (&tls.Dialer{NetDialer: &plain, Config: s.TLS}).DialContext(ctx, "tcp", s.Address)
}

// Close hangs up, after the request under way, and ends the conversation.
func (c *Conn) Close() error {
	if _, ok := <-c.turn; ok {
		c.hangUp()
		close(c.turn)
	}
	return nil
}

func (c *Conn) hangUp() {
	if c.line != nil {
		c.line.hangUp()
		c.line = nil
	}
}

// wait for the turn.
func (c *Conn) wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case _, ok := <-c.turn:
		if !ok {
			return ErrClosed
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// rest hangs up unless a request is under way.
func (c *Conn) rest() {
	select {
	case _, ok := <-c.turn:
		if ok {
			c.hangUp()
			c.turn <- struct{}{}
		}
	default:
	}
}

// do carries out one request. Only one that changes nothing is tried again, once,
// when the library system hung up on a connection that had been resting.
func (c *Conn) do(ctx context.Context, a ask) error {
	// What cannot be written is refused before anybody is troubled.
	if _, err := a.request.Append(nil, Format{Encoding: c.settings.Encoding}); err != nil {
		return &Error{Op: a.op, Outcome: NotSent, Err: err}
	}
	if err := c.wait(ctx); err != nil {
		return &Error{Op: a.op, Outcome: NotSent, Err: err}
	}
	defer func() { c.turn <- struct{}{} }()
	for {
		fresh, err := c.connect(ctx, a.changes)
		if err != nil {
			return &Error{Op: a.op, Outcome: NotSent, Err: err}
		}
		failed := c.line.exchange(ctx, a)
		if c.line.stale {
			c.hangUp()
		}
		if failed == nil {
			return nil
		}
		if again := !fresh && ctx.Err() == nil && (failed.Outcome == NotSent || !a.changes && errors.Is(failed, ErrHungUp)); !again {
			return failed
		}
		c.hangUp()
	}
}

// connect makes sure of a line. A rested one is asked its status before a change,
// so that a connection that died unheard costs no doubt.
func (c *Conn) connect(ctx context.Context, changes bool) (fresh bool, err error) {
	if c.line != nil {
		rested := time.Since(c.line.used)
		if c.line.usable() && rested <= c.settings.Idle && (!changes || rested <= c.settings.Probe || c.hello(ctx, c.line) == nil) {
			return false, nil
		}
		c.hangUp()
	}
	ctx, cancel := context.WithTimeout(ctx, c.settings.Connect)
	defer cancel()
	conn, err := c.settings.Dial(ctx)
	if err != nil {
		return true, fmt.Errorf("connect: %w", err)
	}
	l := newLine(conn, &c.settings)
	if c.account.Name != "" {
		err = c.login(ctx, l)
		if l.guard && c.settings.Checks == ChecksAuto && OutcomeOf(err) == Unread {
			l.guard = false // perhaps it is AY and AZ that cannot be read
			err = c.login(ctx, l)
		}
	} else {
		err = c.hello(ctx, l) // says that 2.00 is spoken
	}
	if err != nil {
		l.hangUp()
		return true, err
	}
	c.line = l
	return true, nil
}

func (c *Conn) login(ctx context.Context, l *line) error {
	var reply LoginReply
	request := LoginRequest{Name: c.account.Name, Password: c.account.Password, Location: c.account.Location}
	if err := l.exchange(ctx, ask{op: "login", code: CodeLoginReply, request: request, parse: reply.Parse}); err != nil {
		return err
	}
	if !reply.OK {
		return ErrLogin
	}
	return nil
}

// hello asks the status; that it is answered at all is enough, with 96 too.
func (c *Conn) hello(ctx context.Context, l *line) error {
	var reply StatusReply
	err := l.exchange(ctx, ask{op: "status", code: CodeStatusReply, request: StatusRequest{}, parse: reply.Parse})
	if err != nil && (err.Outcome != Unread || l.stale) {
		return err
	}
	return nil
}

// fill completes a request from the account.
func (c *Conn) fill(institution, password *string) {
	*institution = cmp.Or(*institution, c.account.Institution)
	*password = cmp.Or(*password, c.account.TerminalPassword)
}

// now dates a question that has no date. A change must bring its own.
func (c *Conn) now(at *Date) {
	if *at == "" {
		*at = DateIn(time.Now(), c.settings.Zone)
	}
}

// Status (99, 98).
func (c *Conn) Status(ctx context.Context, r StatusRequest) (reply StatusReply, err error) {
	err = c.do(ctx, ask{op: "status", code: CodeStatusReply, request: r, parse: reply.Parse})
	return reply, err
}

// PatronStatus (23, 24).
func (c *Conn) PatronStatus(ctx context.Context, r PatronStatusRequest) (reply PatronStatusReply, err error) {
	c.fill(&r.Institution, &r.TerminalPassword)
	c.now(&r.At)
	err = c.do(ctx, ask{op: "patron status", code: CodePatronStatusReply, request: r, parse: reply.Parse})
	return reply, err
}

// Patron (63, 64). A patron who is not known comes back with Valid not Yes, which
// is no error.
func (c *Conn) Patron(ctx context.Context, r PatronRequest) (reply PatronReply, err error) {
	c.fill(&r.Institution, &r.TerminalPassword)
	c.now(&r.At)
	err = c.do(ctx, ask{op: "patron", code: CodePatronReply, request: r, parse: reply.Parse})
	return reply, err
}

// Item (17, 18). An item that is not known comes back without a title and as
// CirculationOther, which is no error.
func (c *Conn) Item(ctx context.Context, r ItemRequest) (reply ItemReply, err error) {
	c.fill(&r.Institution, &r.TerminalPassword)
	c.now(&r.At)
	err = c.do(ctx, ask{op: "item", code: CodeItemReply, request: r, parse: reply.Parse})
	return reply, err
}

// Checkout (11, 12). It is sent once; the error is nil only when the library
// system has said that the item is lent. A reply comes also with Refused.
func (c *Conn) Checkout(ctx context.Context, r CheckoutRequest) (reply CheckoutReply, err error) {
	c.fill(&r.Institution, &r.TerminalPassword)
	err = c.change(ctx, "checkout", CodeCheckoutReply, r, func(m *Message) error {
		if err := reply.Parse(m); err != nil {
			return err
		}
		return same(r.Item, reply.Item)
	}, &reply.OK, &reply.Screen)
	return reply, err
}

// Checkin (09, 10), as Checkout. Refused is common and may yet have done
// something: see [CheckinReply].
func (c *Conn) Checkin(ctx context.Context, r CheckinRequest) (reply CheckinReply, err error) {
	c.fill(&r.Institution, &r.TerminalPassword)
	err = c.change(ctx, "checkin", CodeCheckinReply, r, func(m *Message) error {
		if err := reply.Parse(m); err != nil {
			return err
		}
		return same(r.Item, reply.Item)
	}, &reply.OK, &reply.Screen)
	return reply, err
}

// Renew (29, 30), as Checkout.
func (c *Conn) Renew(ctx context.Context, r RenewRequest) (reply RenewReply, err error) {
	c.fill(&r.Institution, &r.TerminalPassword)
	err = c.change(ctx, "renew", CodeRenewReply, r, reply.Parse, &reply.OK, &reply.Screen)
	return reply, err
}

// EndSession (35, 36). Not ended is no error.
func (c *Conn) EndSession(ctx context.Context, r EndSessionRequest) (reply EndSessionReply, err error) {
	c.fill(&r.Institution, &r.TerminalPassword)
	c.now(&r.At)
	err = c.do(ctx, ask{op: "end session", code: CodeEndSessionReply, request: r, parse: reply.Parse})
	return reply, err
}

// FeePaid (37) is always refused, before anything is sent: see [ErrPayment].
func (c *Conn) FeePaid(ctx context.Context, r FeePaidRequest) error {
	return c.do(ctx, ask{op: "fee paid", code: CodeFeePaidReply, changes: true, request: r})
}

func (c *Conn) change(ctx context.Context, op string, code Code, request interface {
	Append([]byte, Format) ([]byte, error)
}, parse func(*Message) error, ok *bool, screen *[]string) error {
	if err := c.do(ctx, ask{op: op, code: code, changes: true, request: request, parse: parse}); err != nil {
		return err
	}
	if !*ok {
		return &Error{Op: op, Outcome: Refused, Screen: *screen}
	}
	return nil
}

// same holds a reply against its request, of which 10 and 12 echo the item. It may
// be missing; it may not be another.
func same(asked, echoed string) error {
	if echoed != "" && !strings.EqualFold(strings.TrimSpace(asked), strings.TrimSpace(echoed)) {
		return fmt.Errorf("%w: another item", ErrStray)
	}
	return nil
}
