package registry

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/identity"
	"coldstation/sync/identity/enrol"
)

// office is a hub where stations enrol, and a clock to turn.
type office struct {
	t *testing.T
	Registry
	store store.Store
	place string

	mu  sync.Mutex
	now time.Time
}

func (o *office) clock() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now
}

func (o *office) wait(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now = o.now.Add(d)
}

func (o *office) ok(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	folder := t.TempDir()
	var err error
	o.store, err = store.OpenSQLite(filepath.Join(folder, "hub.db"))
	o.ok(err)
	library, err := identity.NewLibrary()
	o.ok(err)
	authority, err := identity.LoadAuthority(folder, o.now)
	o.ok(err)
	o.Registry = Registry{Store: o.store, Library: library, Authority: authority, Names: []string{"127.0.0.1"},
		Broker: "mqtts://127.0.0.1:8883", Now: o.clock, Log: slog.New(slog.DiscardHandler)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	o.ok(err)
	o.place = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- o.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := o.store.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

// offer is a code for a station, as "hub station add" makes one.
func (o *office) offer(id circ.StationID) enrol.Code {
	o.t.Helper()
	if err := o.store.Enrol(o.t.Context(), identity.Enrolled{Station: id}, o.now); err != nil && !errors.Is(err, store.ErrKnown) {
		o.t.Fatal(err)
	}
	c, err := enrol.NewCode(o.place)
	o.ok(err)
	o.ok(o.store.Offer(o.t.Context(), store.Code{ID: c.ID(), Secret: c.Key(), Station: id, Expires: o.clock().Add(time.Hour)}))
	return c
}

func (o *office) ask(c enrol.Code) (identity.Station, *identity.Pass, error) {
	s, cert, err := enrol.Ask(o.t.Context(), c, o.clock)
	if err != nil {
		return s, nil, err
	}
	p, err := s.NewPass(filepath.Join(o.t.TempDir(), "station.crt"), cert)
	return s, p, err
}

func (o *office) refused(what string, err error, want enrol.Reason) {
	o.t.Helper()
	var no *enrol.Refusal
	if !errors.As(err, &no) || no.Reason != want {
		o.t.Errorf("%s: %v, want %s", what, err, want)
	}
}

// TestEnrol: a code makes a station once, and the hub then knows it by its key.
func TestEnrol(t *testing.T) {
	o := newOffice(t)
	code := o.offer("maple-house")
	s, pass, err := o.ask(code)
	o.ok(err)
	if s.Station != "maple-house" || s.Broker != "mqtts://127.0.0.1:8883" || s.Hub != o.place || s.Password != "" ||
		!ed25519.PublicKey(s.Library).Equal(o.Library.SigningKey().Public()) || string(s.Authority) != string(o.Authority.Certificate().Raw) {
		t.Errorf("the station is %+v", s)
	}
	known, err := o.store.Enrolled(t.Context(), "maple-house")
	o.ok(err)
	cert, err := pass.TLS("", o.clock).GetClientCertificate(nil)
	o.ok(err)
	if !known.CertifiedBy(cert.Leaf) || known.Admits("") {
		t.Errorf("the hub knows %+v, which is not who was enrolled", known)
	}
	_, _, err = o.ask(code)
	o.refused("the code once more", err, enrol.Used)

	// A replacement leaves the old key good until its code is used.
	next := o.offer("maple-house")
	if again, err := o.store.Enrolled(t.Context(), "maple-house"); err != nil || !again.CertifiedBy(cert.Leaf) {
		t.Errorf("a new code has locked out the station: %v", err)
	}
	_, _, err = o.ask(next)
	o.ok(err)
	if again, err := o.store.Enrolled(t.Context(), "maple-house"); err != nil || again.CertifiedBy(cert.Leaf) {
		t.Errorf("the old key still opens, %v", err)
	}
	o.refused("renewing the old one", enrol.Renew(t.Context(), s, pass, o.clock), enrol.Revoked)
}

// TestRefused: each way not to get in has its own sentence.
func TestRefused(t *testing.T) {
	o := newOffice(t)
	first := o.offer("maple-house")
	late := o.offer("birch-house")
	o.offer("maple-house")
	_, _, err := o.ask(first)
	o.refused("a code that another replaced", err, enrol.Unknown)
	o.wait(time.Hour)
	_, _, err = o.ask(late)
	o.refused("an hour late", err, enrol.Expired)
	_, _, err = o.ask(o.offer("maple-house"))
	o.ok(err)

	revoked := o.offer("birch-house")
	o.ok(o.store.Revoke(t.Context(), "birch-house", o.clock()))
	_, _, err = o.ask(revoked)
	o.refused("of a revoked station", err, enrol.Used)

	stranger, err := enrol.NewCode(o.place)
	o.ok(err)
	for range 3 {
		_, _, err = o.ask(stranger)
		o.refused("a code of nobody's", err, enrol.Unknown)
	}
	good := o.offer("willow-house")
	_, _, err = o.ask(good)
	o.refused("after five wrong ones", err, enrol.Limited)
	o.wait(10 * time.Minute)
	_, _, err = o.ask(good)
	o.ok(err)
}

// TestBetween: somebody between station and hub, who passes on what they say, or
// answers himself, gets nothing, and the code is still good.
func TestBetween(t *testing.T) {
	o := newOffice(t)
	other := newOffice(t) // has an authority of its own
	l, err := net.Listen("tcp", "127.0.0.1:0")
	o.ok(err)
	defer l.Close()
	config := other.Authority.ServerTLS([]string{"127.0.0.1"}, tls.NoClientCert, o.clock)
	config.NextProtos = []string{enrol.Protocol}
	passed := make(chan string, 10)
	hub := o.place
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			near := tls.Server(conn, config)
			far, err := tls.Dial("tcp", hub, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{enrol.Protocol}})
			if err == nil {
				var q enrol.Question
				var a enrol.Answer
				err = errors.Join(enrol.Read(near, &q), enrol.Write(far, q), enrol.Read(far, &a))
				passed <- string(a.Refused)
				if a.Refused != "" { // then he says yes himself
					a = enrol.Answer{Grant: []byte(`{"station":"maple-house"}`), Proof: make([]byte, 32)}
				}
				err = errors.Join(err, enrol.Write(near, a))
				far.Close()
			}
			if err != nil {
				passed <- err.Error()
			}
			near.Close()
		}
	}()
	o.place = l.Addr().String() // where he has the station look for the hub
	code := o.offer("maple-house")
	o.place = hub
	if _, _, err = o.ask(code); err == nil || !strings.Contains(err.Error(), "not the library's hub") {
		t.Errorf("enrolled by somebody in between: %v", err)
	}
	if got := <-passed; got != string(enrol.Unknown) {
		t.Errorf("the hub answered him %q, want unknown", got)
	}
	if c, err := o.store.Code(t.Context(), code.ID()); err != nil || c.Used {
		t.Errorf("the code is %+v, %v, want it good", c, err)
	}
}

// TestRenew: over the station's own certificate, for its own key, while it is
// good and not revoked.
func TestRenew(t *testing.T) {
	o := newOffice(t)
	s, pass, err := o.ask(o.offer("maple-house"))
	o.ok(err)
	before := pass.Expires()
	o.wait(250 * 24 * time.Hour)
	if !pass.Due(o.clock()) {
		t.Error("not due after 250 days of 365")
	}
	o.ok(enrol.Renew(t.Context(), s, pass, o.clock))
	if pass.Due(o.clock()) || !pass.Expires().After(before.AddDate(0, 8, 0)) {
		t.Errorf("renewed until %v", pass.Expires())
	}
	// A key of one's own is not renewed by another's certificate.
	thief := identity.NewStation()
	thief.Station, thief.Hub, thief.Authority = s.Station, s.Hub, s.Authority
	o.refused("another key", enrol.Renew(t.Context(), thief, pass, o.clock), enrol.Strange)
	if err := enrol.Renew(t.Context(), identity.Station{}, nil, o.clock); err == nil {
		t.Error("a station without a certificate renewed it")
	}
	o.ok(o.store.Revoke(t.Context(), "maple-house", o.clock()))
	o.refused("revoked", enrol.Renew(t.Context(), s, pass, o.clock), enrol.Revoked)
	list, err := o.store.Revoked(t.Context(), o.clock())
	if err != nil || len(list) != 2 || list[0].Serial.Cmp(big.NewInt(0)) <= 0 {
		t.Errorf("revoked certificates: %v, %v, want both", list, err)
	}
}

// TestHostile: who says nothing, too much or nonsense, or comes too often, holds
// up nobody.
func TestHostile(t *testing.T) {
	o := newOffice(t)
	config := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{enrol.Protocol}}
	for name, line := range map[string]string{
		"nonsense":   "hello\n",
		"too much":   strings.Repeat("x", 1<<20) + "\n",
		"no request": "{}\n",
		"no proof":   `{"code":"AAAA","request":"AAAA"}` + "\n",
	} {
		conn, err := tls.Dial("tcp", o.place, config)
		o.ok(err)
		o.ok(conn.SetDeadline(time.Now().Add(time.Minute)))
		go io.WriteString(conn, line)
		var a enrol.Answer
		if err := enrol.Read(conn, &a); err == nil && a.Refused == "" {
			t.Errorf("%s: answered %+v", name, a)
		}
		conn.Close()
	}
	if _, err := tls.Dial("tcp", o.place, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}); err == nil {
		t.Error("it speaks HTTP")
	}
	var silent []net.Conn
	for range 3 * mostEach {
		conn, err := net.Dial("tcp", o.place)
		o.ok(err)
		silent = append(silent, conn)
	}
	closed := 0
	for _, conn := range silent {
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := conn.Read(make([]byte, 1)); errors.Is(err, io.EOF) {
			closed++
		}
	}
	if held := len(silent) - closed; held > mostEach {
		t.Errorf("%d silent connections from one place are held open, want at most %d", held, mostEach)
	}
	for _, conn := range silent {
		conn.Close()
	}
	code := o.offer("maple-house")
	for end := time.Now().Add(30 * time.Second); ; {
		_, _, err := o.ask(code)
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func TestPlaces(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7:1": "192.0.2.7", "[::ffff:192.0.2.7]:1": "192.0.2.7", "[2001:db8:1:2:3:4:5:6]:1": "2001:db8:1:2::/64", "[2001:db8:1:2:7::1]:9": "2001:db8:1:2::/64",
	} {
		a, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if got := placeOf(a); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
	g := newGuard()
	now := time.Now()
	for i := range 3 * mostPlaces {
		g.wrong(fmt.Sprint(i), now)
	}
	if len(g.tries) > mostPlaces {
		t.Errorf("%d places are remembered, want at most %d", len(g.tries), mostPlaces)
	}
}
