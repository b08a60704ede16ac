package identity

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// renewing keeps a certificate and makes another after two thirds of its life.
func renewing(now func() time.Time, make func(time.Time) (tls.Certificate, error)) func() (*tls.Certificate, error) {
	var mu sync.Mutex
	var current *tls.Certificate
	return func() (*tls.Certificate, error) {
		mu.Lock()
		defer mu.Unlock()
		if current == nil || due(current.Leaf, now()) {
			next, err := make(now())
			if err != nil {
				return nil, err
			}
			current = &next
		}
		return current, nil
	}
}

// due reports whether two thirds of a certificate's life are over.
func due(cert *x509.Certificate, now time.Time) bool {
	life := cert.NotAfter.Sub(cert.NotBefore)
	return now.After(cert.NotAfter.Add(-life / 3))
}

// Pass is the certificate by which a station goes to the broker, and the file
// that it lies in: no secret, and replaced when it is renewed.
type Pass struct {
	station   Station
	authority *x509.Certificate
	path      string

	mu   sync.Mutex
	cert *x509.Certificate
}

// LoadPass reads the station's certificate, of which two copies lie on the disk; one
// that is damaged or gone is made anew from the other. A station without an authority
// has none and needs none: nil. With an error there may be a Pass all the same: one
// that shows nobody a certificate.
func (s Station) LoadPass(path string) (*Pass, error) {
	if len(s.Authority) == 0 {
		return nil, nil
	}
	p, err := s.newPass(path)
	if err != nil {
		return nil, err
	}
	first, err := p.read(path)
	second, err2 := p.read(path + copyName)
	p.cert = first
	switch {
	case err != nil && err2 != nil:
		return p, err
	case err != nil:
		p.cert = second
		return p, p.write(path)
	case err2 != nil:
		return p, p.write(path + copyName)
	}
	return p, nil
}

// copyName is what the second copy's name adds.
const copyName = ".copy"

func (p *Pass) read(path string) (*x509.Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("read %s: no certificate in PEM", path)
	}
	cert, err := p.check(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return cert, nil
}

func (p *Pass) write(path string) error {
	return WriteFile(path, encode("CERTIFICATE", p.cert.Raw), 0o600)
}

// NewPass writes the station's first certificate.
func (s Station) NewPass(path string, der []byte) (*Pass, error) {
	p, err := s.newPass(path)
	if err != nil {
		return nil, err
	}
	return p, p.Replace(der)
}

func (s Station) newPass(path string) (*Pass, error) {
	authority, err := x509.ParseCertificate(s.Authority)
	if err != nil {
		return nil, fmt.Errorf("the library's authority: %w", err)
	}
	return &Pass{station: s, authority: authority, path: path}, nil
}

// Replace takes a newer certificate, here and on the disk; connections made from
// now on show it.
func (p *Pass) Replace(der []byte) error {
	cert, err := p.check(der)
	if err != nil {
		return fmt.Errorf("a new certificate: %w", err)
	}
	for _, path := range []string{p.path, p.path + copyName} {
		if err := WriteFile(path, encode("CERTIFICATE", der), 0o600); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cert = cert
	return nil
}

// check takes only what the library's authority made for this station's name and
// key. When it is good for is the hub's to judge, whose clock is right.
func (p *Pass) check(der []byte) (*x509.Certificate, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	key, is := cert.PublicKey.(ed25519.PublicKey)
	switch {
	case !is || !key.Equal(p.station.SigningKey().Public()):
		return nil, errors.New("it is for another key")
	case Name(cert) != string(p.station.Station):
		return nil, fmt.Errorf("it is for %q", Name(cert))
	}
	return cert, cert.CheckSignatureFrom(p.authority)
}

// Due reports whether it is time to renew: after two thirds of its life. Without a
// certificate none can be renewed.
func (p *Pass) Due(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cert != nil && due(p.cert, now)
}

// Expires is when it is good for nothing any more.
func (p *Pass) Expires() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cert == nil {
		return time.Time{}
	}
	return p.cert.NotAfter
}

// Request is what the authority is asked to make a certificate from (PKCS #10):
// the station's key, signed with it.
func (s Station) Request() ([]byte, error) {
	return x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: string(s.Station)}}, s.SigningKey())
}

// ParseRequest is the key that a request proves to be its sender's. The name in
// it is not believed.
func ParseRequest(der []byte) (ed25519.PublicKey, error) {
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, err
	}
	key, is := request.PublicKey.(ed25519.PublicKey)
	if !is {
		return nil, fmt.Errorf("a %s key, want Ed25519", request.PublicKeyAlgorithm)
	}
	return key, request.CheckSignature()
}

// TLS is how the station goes to a place of the library's, mqtts://host:port or
// host:port, or to any of several, by commas: TLS 1.3, with its certificate, to whom
// the pinned authority vouches for by one of their names. On a nil Pass it is nil.
func (p *Pass) TLS(places string, now func() time.Time) *tls.Config {
	if p == nil {
		return nil
	}
	var hosts []string
	for place := range strings.SplitSeq(places, ",") {
		hosts = append(hosts, hostOf(strings.TrimSpace(place)))
	}
	name := hosts[0]
	if len(hosts) > 1 {
		name = "" // that of the one it goes to
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		ServerName: name,
		// What this turns off is checked below, against a clock that may be wrong.
		InsecureSkipVerify: true,
		VerifyConnection: func(c tls.ConnectionState) (err error) {
			for _, host := range hosts {
				if err = Vouched(p.authority, c, host, now()); err == nil {
					break
				}
			}
			return err
		},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.cert == nil { // the far end says no, and so it should
				return &tls.Certificate{}, nil
			}
			return &tls.Certificate{Certificate: [][]byte{bytes.Clone(p.cert.Raw)}, PrivateKey: p.station.SigningKey(), Leaf: p.cert}, nil
		},
	}
}

func hostOf(place string) string {
	if _, after, is := strings.Cut(place, "://"); is {
		place = after
	}
	host, _, err := net.SplitHostPort(place)
	if err != nil {
		return place
	}
	return host
}

// Vouched checks that authority vouches for the far end of c under the name or
// address it was called by. A small computer can wake up in 1970 and set its clock only
// once it is connected, so a certificate that is not good yet is taken: whoever
// could make one had no need to date it ahead. An expired one is refused by any
// clock that is set.
func Vouched(authority *x509.Certificate, c tls.ConnectionState, host string, now time.Time) error {
	if len(c.PeerCertificates) == 0 {
		return errors.New("it shows no certificate")
	}
	leaf := c.PeerCertificates[0]
	if now.Before(leaf.NotBefore) {
		now = leaf.NotBefore
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots:       pool(authority),
		DNSName:     host,
		CurrentTime: now,
		KeyUsages:   []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	return err
}
