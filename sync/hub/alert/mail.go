package alert

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"strconv"
	"time"

	smtp "github.com/wneessen/go-mail"
)

// Mail is where mail is handed over: SMTP (RFC 5321) with STARTTLS (RFC 3207), or with
// TLS from the first byte (RFC 8314).
type Mail struct {
	Host     string // HOST or HOST:PORT; without a port 587, or 465 with TLS from the start
	Secure   string // "starttls", "tls", or "none", which is for this machine alone
	Account  string // "" for none
	Password string
	From     string
	TLS      *tls.Config // nil for the usual
}

// Check says what is missing.
func (m Mail) Check() error {
	host, _ := m.where()
	switch m.Secure {
	case "starttls", "tls":
	case "none":
		ip, err := netip.ParseAddr(host)
		if host != "localhost" && (err != nil || !ip.IsLoopback()) {
			return errors.New("mail in the clear is for this machine alone: use starttls or tls")
		}
	default:
		return fmt.Errorf("mail is handed over by starttls, tls or none, and not by %q", m.Secure)
	}
	if _, err := mail.ParseAddress(m.From); err != nil {
		return fmt.Errorf("the sender %q is no address", m.From)
	}
	return nil
}

func (m Mail) where() (host string, port int) {
	host, text, err := net.SplitHostPort(m.Host)
	if err != nil {
		host, text = m.Host, ""
	}
	port, _ = strconv.Atoi(text)
	usual := 587
	if m.Secure == "tls" {
		usual = 465
	}
	return host, cmp.Or(port, usual)
}

// Send hands over one letter. Its id becomes the Message-ID, so that who gets it twice
// can tell.
func (m Mail) Send(ctx context.Context, to, subject, text, id string, at time.Time) error {
	letter := smtp.NewMsg(smtp.WithNoDefaultUserAgent())
	letter.Subject(subject)
	letter.SetMessageIDWithValue(id + "@coldstation")
	letter.SetDateWithValue(at)
	letter.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody's absence answers it
	letter.SetBodyString(smtp.TypeTextPlain, text)
	if err := errors.Join(letter.From(m.From), letter.To(to)); err != nil {
		return err
	}
	host, port := m.where()
	options := []smtp.Option{smtp.WithPort(port), smtp.WithTimeout(20 * time.Second), smtp.WithTLSPolicy(smtp.TLSMandatory)}
	switch m.Secure {
	case "tls":
		options = append(options, smtp.WithSSL())
	case "none":
		options = append(options, smtp.WithTLSPolicy(smtp.NoTLS))
	}
	if m.TLS != nil {
		options = append(options, smtp.WithTLSConfig(m.TLS))
	}
	if m.Account != "" {
		options = append(options, smtp.WithSMTPAuth(smtp.SMTPAuthAutoDiscover), smtp.WithUsername(m.Account), smtp.WithPassword(m.Password))
	}
	client, err := smtp.NewClient(host, options...)
	if err != nil {
		return err
	}
	return client.DialAndSendWithContext(ctx, letter)
}
