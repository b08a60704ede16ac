package alert

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"coldstation/sync/hub/hook"
	"coldstation/sync/hub/store"
	"coldstation/sync/identity"
)

// office is a mail server that keeps what it is given.
type office struct {
	mu      sync.Mutex
	letters []string // their headers, and their text
	account string   // who handed over the last one
	refuses bool
	address string
	trust   *x509.CertPool
}

func (o *office) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{o: o}, nil }

type session struct {
	o    *office
	to   string
	open bool
}

func (*session) AuthMechanisms() []string { return []string{sasl.Plain} }
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, name, password string) error {
		if name != "coldstation" || password != "its password" {
			return errors.New("no")
		}
		s.open, s.o.account = true, name
		return nil
	}), nil
}
func (s *session) Mail(string, *smtp.MailOptions) error {
	if !s.open {
		return smtp.ErrAuthRequired
	}
	return nil
}
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	return nil
}
func (s *session) Data(r io.Reader) error {
	s.o.mu.Lock()
	defer s.o.mu.Unlock()
	if s.o.refuses {
		return &smtp.SMTPError{Code: 451, Message: "later"}
	}
	letter, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(quotedprintable.NewReader(letter.Body))
	s.o.letters = append(s.o.letters, fmt.Sprintf("To %s\n%q\n%s", s.to, letter.Header, text))
	return err
}
func (*session) Reset()        {}
func (*session) Logout() error { return nil }

// newOffice is one on the loopback: STARTTLS, or TLS from the start.
func newOffice(t *testing.T, fromStart bool) *office {
	t.Helper()
	o := &office{trust: x509.NewCertPool()}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	o.trust.AddCert(certificate)
	server := smtp.NewServer(o)
	server.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	server.Domain = "mail.library.example"
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.address = l.Addr().String()
	if fromStart {
		l = tls.NewListener(l, server.TLSConfig)
	}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return o
}

func (o *office) refuse(yes bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refuses = yes
}

func (o *office) got() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.letters...)
}

func (o *office) mail(secure string) *Mail {
	return &Mail{Host: o.address, Secure: secure, Account: "coldstation", Password: "its password", From: "hub@library.example", TLS: &tls.Config{RootCAs: o.trust, ServerName: "127.0.0.1"}}
}

func TestMail(t *testing.T) {
	send := func(m *Mail, subject string) error {
		return m.Send(t.Context(), "maija@library.example", subject, "Hei Äiti\n", "id-1", nine)
	}
	for _, secure := range []string{"starttls", "tls"} {
		o := newOffice(t, secure == "tls")
		if err := send(o.mail(secure), "Väärä\r\nBcc: everybody@library.example"); err != nil {
			t.Errorf("%s: %v", secure, err)
			continue
		}
		got := strings.Join(o.got(), "\n")
		if !strings.Contains(got, "To maija@library.example\n") || !strings.Contains(got, "Hei Äiti") || !strings.Contains(got, "<id-1@coldstation>") || !strings.Contains(got, `"Auto-Submitted":["auto-generated"]`) {
			t.Errorf("%s: %s", secure, got)
		}
		if strings.Contains(got, `"Bcc":`) {
			t.Errorf("%s: a title became a header: %s", secure, got)
		}
		wrong := o.mail(secure)
		wrong.Password = "another"
		if err := send(wrong, "x"); err == nil {
			t.Errorf("%s: a wrong password handed something over", secure)
		}
		strange := o.mail(secure)
		strange.TLS = nil
		if err := send(strange, "x"); err == nil {
			t.Errorf("%s: a certificate that nobody vouches for is believed", secure)
		}
	}
	// Who does not offer STARTTLS gets neither password nor letter.
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(&office{})
	server.AllowInsecureAuth = true
	go func() { _ = server.Serve(plain) }()
	defer server.Close()
	if err := send(&Mail{Host: plain.Addr().String(), Secure: "starttls", Account: "coldstation", Password: "its password", From: "hub@library.example"}, "x"); err == nil {
		t.Error("mail was handed over in the clear")
	}
	for name, m := range map[string]Mail{
		"in the clear to others": {Host: "mail.library.example", Secure: "none", From: "hub@library.example"},
		"no sender":              {Host: "mail.library.example", Secure: "tls"},
		"another way":            {Host: "mail.library.example", Secure: "ssl", From: "hub@library.example"},
	} {
		if m.Check() == nil {
			t.Errorf("%s is no mistake", name)
		}
	}
	if host, port := (Mail{Host: "mail.library.example", Secure: "tls"}).where(); host != "mail.library.example" || port != 465 {
		t.Errorf("TLS from the start at %s:%d", host, port)
	}
}

// say answers a phrase with itself and its arguments.
func say(_, key string, args ...any) string {
	text := "the words of " + key
	for _, arg := range args {
		if s, is := arg.(string); is {
			text += " [" + s + "]"
		}
	}
	return text
}

// TestWatch: a station falls silent. Maija is told by mail and a program by hook, once,
// though the hub is restarted between any two steps and neither answers at first.
func TestWatch(t *testing.T) {
	ctx := t.Context()
	o := newOffice(t, false)
	var mu sync.Mutex
	var hooked []string
	status := http.StatusServiceUnavailable
	program := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if status == http.StatusOK {
			hooked = append(hooked, string(body))
		}
		w.WriteHeader(status)
	}))
	defer program.Close()

	file := filepath.Join(t.TempDir(), "hub.db")
	now := nine
	var w *Watch
	closed := func() {}
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	restart := func() {
		t.Helper()
		closed()
		s, err := store.OpenSQLite(file)
		ok(err)
		closed = func() { ok(s.Close()) }
		w = &Watch{Source: s, Patience: store.Patience{Silent: 10 * time.Minute, Behind: 15 * time.Minute}, Voice: Voice{say, time.UTC, "https://stations.library.example"},
			Mail: o.mail("starttls"), Hooks: []hook.Hook{{Name: "chat", URL: program.URL, Secret: []byte("a secret of many signs")}}, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}
	}
	restart()
	defer func() { closed() }()
	heard := func(s Source, at time.Time) {
		t.Helper()
		_, err := s.(store.Store).Seen(ctx, store.Presence{Station: "maple-house", Online: true, Session: uint64(at.Unix()), At: at})
		ok(err)
	}
	ok(w.Source.(store.Store).Enrol(ctx, identity.Enrolled{Station: "maple-house", Password: []byte("x"), Signing: make([]byte, 32)}, nine))
	ok(w.Source.SetAlertRule(ctx, store.AlertRule{ID: "r", Title: "Silence", Conditions: []string{"silent"}, Delay: 20 * time.Minute, Mail: []string{"maija@library.example"}, Hook: "chat", Language: "en"}))
	heard(w.Source, nine)
	o.refuse(true)
	look := func(after time.Duration) {
		t.Helper()
		now = nine.Add(after)
		for range 2 {
			restart()
			ok(w.Look(ctx))
			ok(w.Send(ctx))
		}
	}
	look(15 * time.Minute)
	if waiting, err := w.Source.Undelivered(ctx, now.Add(time.Hour)); err != nil || len(waiting) > 0 {
		t.Fatalf("a blip: %v, %v", waiting, err)
	}
	look(20 * time.Minute)
	waiting, err := w.Source.Undelivered(ctx, now.Add(time.Second))
	ok(err)
	if len(waiting) != 2 || waiting[0].Tries != 1 || waiting[0].Why == "" {
		t.Fatalf("undelivered: %+v", waiting)
	}
	o.refuse(false)
	mu.Lock()
	status = http.StatusOK
	mu.Unlock()
	look(21 * time.Minute)
	look(22 * time.Minute)
	heard(w.Source, now)
	look(23 * time.Minute)
	look(24 * time.Minute)
	letters := o.got()
	if len(letters) != 2 || !strings.Contains(letters[0], "alert.subject") || !strings.Contains(letters[0], "condition.silent") || !strings.Contains(letters[0], "https://stations.library.example/stations/maple-house") || !strings.Contains(letters[1], "alert.over") {
		t.Errorf("%d letters: %s", len(letters), strings.Join(letters, "\n---\n"))
	}
	mu.Lock()
	defer mu.Unlock()
	if len(hooked) != 2 || !strings.Contains(hooked[0], `"type":"alert.begun"`) || !strings.Contains(hooked[0], `"condition":"silent"`) || !strings.Contains(hooked[1], `"type":"alert.over"`) {
		t.Errorf("the program was told %v", hooked)
	}
	if waiting, err := w.Source.Undelivered(ctx, now.Add(time.Hour)); err != nil || len(waiting) > 0 {
		t.Errorf("undelivered in the end: %v, %v", waiting, err)
	}
}

// TestHubWasAway: while the hub was stopped it heard nobody; that is no silence of the
// stations.
func TestHubWasAway(t *testing.T) {
	w := &Watch{Source: silent{}, Patience: store.Patience{Silent: time.Minute}, Now: func() time.Time { return nine }, Voice: Voice{Place: time.UTC}, begun: nine.Add(-time.Minute)}
	m, _, err := w.moment(t.Context())
	if got := m.Holds[Matter{"maple-house", "silent"}]; err != nil || !got.Equal(w.begun) {
		t.Errorf("silent since %v, %v, want since the hub listens", got, err)
	}
}

type silent struct{ Source }

func (silent) Stations(context.Context) ([]store.Station, error) {
	return []store.Station{{ID: "maple-house", Heard: nine.Add(-24 * time.Hour)}}, nil
}

// TestGivesUp: a letter that nobody takes is tried for three days.
func TestGivesUp(t *testing.T) {
	w := &Watch{Now: func() time.Time { return nine }}
	if again := w.again(store.Letter{Made: nine.Add(-time.Hour), Tries: 2}); again.Sub(nine) != 2*time.Minute {
		t.Errorf("again at %v", again)
	}
	if again := w.again(store.Letter{Made: nine.Add(-73 * time.Hour), Tries: 80}); !again.IsZero() {
		t.Errorf("after three days: again at %v", again)
	}
}
