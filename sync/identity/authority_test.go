package identity

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

func clock(at time.Time) func() time.Time { return func() time.Time { return at } }

func newTestAuthority(t *testing.T) *Authority {
	t.Helper()
	a, err := LoadAuthority(t.TempDir(), start)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// newTestStation is a station of a's library with its certificate.
func newTestStation(t *testing.T, a *Authority) (Station, *Pass) {
	t.Helper()
	s := NewStation()
	s.Station, s.Authority = "maple-house", a.Certificate().Raw
	cert, err := a.Station(s.Station, s.SigningKey().Public().(ed25519.PublicKey), start)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.NewPass(filepath.Join(t.TempDir(), "station.crt"), cert.Raw)
	if err != nil {
		t.Fatal(err)
	}
	return s, p
}

func TestAuthorityIsMadeOnce(t *testing.T) {
	folder := t.TempDir()
	first, err := LoadAuthority(folder, start)
	if err != nil {
		t.Fatal(err)
	}
	second, err := LoadAuthority(folder, start.AddDate(5, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.PEM(), second.PEM()) {
		t.Error("another authority: stations would trust nobody")
	}
	key := filepath.Join(folder, "authority.key")
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key is %v, %v, want it to be its owner's alone", info.Mode(), err)
	}
	if err := os.Chmod(key, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadAuthority(folder, start); !errors.Is(err, ErrOpen) {
		t.Errorf("a key that others may read: %v, want ErrOpen", err)
	}
	if err := os.WriteFile(key, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(key, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadAuthority(folder, start); err == nil {
		t.Error("an authority of no key")
	}
}

// talk shakes hands over loopback and answers what each end thought of it.
func talk(t *testing.T, hub, station *tls.Config) (hubErr, stationErr error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			done <- err
			return
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		server := tls.Server(conn, hub)
		if err = server.Handshake(); err == nil {
			_, err = server.Write([]byte{1})
		}
		done <- err
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	client := tls.Client(conn, station)
	if err = client.Handshake(); err == nil { // in TLS 1.3 a server's refusal comes with the first read
		_, err = client.Read(make([]byte, 1))
	}
	conn.Close()
	return <-done, err
}

// TestTLS: who lets whom in.
func TestTLS(t *testing.T) {
	ours, theirs := newTestAuthority(t), newTestAuthority(t)
	_, pass := newTestStation(t, ours)
	_, stranger := newTestStation(t, theirs)
	names := []string{"hub.library.example", "192.0.2.7"}
	hub := func(a *Authority, at time.Time) *tls.Config {
		return a.ServerTLS(names, tls.RequireAndVerifyClientCert, clock(at))
	}
	later := start.AddDate(0, 6, 0)
	stationAsHub := func() *tls.Config { // its certificate is none of a broker
		c := hub(ours, start)
		c.GetCertificate = nil
		mine, err := pass.TLS("hub.library.example:1", clock(start)).GetClientCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Certificates = []tls.Certificate{*mine}
		return c
	}()
	old := hub(ours, start)
	old.MaxVersion, old.MinVersion = tls.VersionTLS12, tls.VersionTLS12
	expired := hub(ours, start)
	expired.Time = clock(start.AddDate(1, 0, 1))
	for _, tt := range []struct {
		name    string
		hub     *tls.Config
		station *tls.Config
		want    string // "" for both content, "hub" or "station" for who refuses
	}{
		{"both ours", hub(ours, start), pass.TLS("mqtts://hub.library.example:8883", clock(start)), ""},
		{"by address", hub(ours, start), pass.TLS("mqtts://192.0.2.7:8883", clock(start)), ""},
		{"by loopback", hub(ours, start), pass.TLS("127.0.0.1:8884", clock(start)), ""},
		{"months on", hub(ours, later), pass.TLS("mqtts://hub.library.example:8883", clock(later)), ""},
		{"a clock in 1970", hub(ours, later), pass.TLS("mqtts://hub.library.example:8883", clock(time.Unix(0, 0))), ""},
		{"a clock in 2036", hub(ours, later), pass.TLS("mqtts://hub.library.example:8883", clock(time.Date(2036, 2, 7, 6, 28, 16, 0, time.UTC))), "station"},
		{"the hub's clock in 1970", hub(ours, time.Unix(0, 0)), pass.TLS("mqtts://hub.library.example:8883", clock(start)), "station"},
		{"another name", hub(ours, start), pass.TLS("mqtts://hub.elsewhere.example:8883", clock(start)), "station"},
		{"another address", hub(ours, start), pass.TLS("mqtts://192.0.2.8:8883", clock(start)), "station"},
		{"another library's hub", hub(theirs, start), pass.TLS("mqtts://hub.library.example:8883", clock(start)), "station"},
		{"another library's station", hub(ours, start), func() *tls.Config {
			c := stranger.TLS("mqtts://hub.library.example:8883", clock(start))
			c.VerifyConnection = nil // it does not care whom it talks to
			return c
		}(), "hub"},
		{"a station that shows nothing", hub(ours, start), &tls.Config{InsecureSkipVerify: true}, "hub"},
		{"a station as the hub", stationAsHub, pass.TLS("mqtts://hub.library.example:8883", clock(start)), "station"},
		{"an old TLS", old, pass.TLS("mqtts://hub.library.example:8883", clock(start)), "hub"},
		{"a certificate that has run out", expired, pass.TLS("mqtts://hub.library.example:8883", clock(start)), "hub"},
		{"a hub whose certificate has run out", hub(ours, start), pass.TLS("mqtts://hub.library.example:8883", clock(later)), "station"},
	} {
		hubErr, stationErr := talk(t, tt.hub, tt.station)
		switch {
		case tt.want == "" && (hubErr != nil || stationErr != nil),
			tt.want != "" && hubErr == nil && stationErr == nil,
			tt.want == "hub" && strings.Contains(hubErr.Error(), "remote error"),
			tt.want == "station" && strings.Contains(stationErr.Error(), "remote error"):
			t.Errorf("%s: the hub says %v, the station %v; want a refusal by %q", tt.name, hubErr, stationErr, tt.want)
		}
	}
}

// TestHubRenews: the hub's own certificate is young whenever one asks.
func TestHubRenews(t *testing.T) {
	now := start
	c := newTestAuthority(t).ServerTLS([]string{"hub"}, tls.NoClientCert, func() time.Time { return now })
	serials := make(map[string]bool)
	for ; now.Before(start.AddDate(1, 0, 0)); now = now.AddDate(0, 0, 1) {
		cert, err := c.GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		if left := cert.Leaf.NotAfter.Sub(now); left < serverLife/4 {
			t.Fatalf("on %v it is good for %v only", now, left)
		}
		serials[cert.Leaf.SerialNumber.String()] = true
	}
	if len(serials) < 5 || len(serials) > 8 {
		t.Errorf("%d certificates in a year, want one in two months", len(serials))
	}
}

// TestPass: a station takes only its own certificates, keeps them, and knows
// when to ask for another.
func TestPass(t *testing.T) {
	a := newTestAuthority(t)
	s, p := newTestStation(t, a)
	other, _ := newTestStation(t, a)
	if none, err := (Station{}).LoadPass("nowhere"); none != nil || err != nil || none.TLS("", nil) != nil {
		t.Errorf("a station without TLS: %v, %v, want nothing", none, err)
	}
	made := func(a *Authority, name string, of Station) []byte {
		cert, err := a.Station("maple-house", of.SigningKey().Public().(ed25519.PublicKey), start)
		if name != "maple-house" {
			cert, err = a.Station("birch-house", of.SigningKey().Public().(ed25519.PublicKey), start)
		}
		if err != nil {
			t.Fatal(err)
		}
		return cert.Raw
	}
	for name, der := range map[string][]byte{
		"another key":       made(a, "maple-house", other),
		"another name":      made(a, "birch-house", s),
		"another authority": made(newTestAuthority(t), "maple-house", s),
		"no certificate":    []byte("hello"),
		"nothing":           nil,
	} {
		if err := p.Replace(der); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	day := func(n int) time.Time { return start.AddDate(0, 0, n) }
	for n, want := range map[int]bool{0: false, 200: false, 240: false, 250: true, 400: true} {
		if got := p.Due(day(n)); got != want {
			t.Errorf("due after %d days: %v, want %v", n, got, want)
		}
	}
	cert, err := a.Station(s.Station, s.SigningKey().Public().(ed25519.PublicKey), day(250))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Replace(cert.Raw); err != nil {
		t.Fatal(err)
	}
	again, err := s.LoadPass(p.path)
	if err != nil || again.Due(day(400)) || !again.Expires().Equal(p.Expires()) {
		t.Errorf("after a restart: %v, expires %v, want %v", err, again.Expires(), p.Expires())
	}
	for _, path := range []string{p.path, p.path + copyName} {
		if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.LoadPass(p.path); err == nil {
		t.Error("a damaged certificate was read")
	}
}

// TestCertifiedBy: a certificate opens only for who the hub knows by that name
// and key now.
func TestCertifiedBy(t *testing.T) {
	a := newTestAuthority(t)
	s, p := newTestStation(t, a)
	other, _ := newTestStation(t, a)
	known := Enrolled{Station: "maple-house", Signing: s.SigningKey().Public().(ed25519.PublicKey)}
	for name, tt := range map[string]struct {
		enrolled Enrolled
		want     bool
	}{
		"as known":     {known, true},
		"revoked":      {Enrolled{Station: known.Station, Signing: known.Signing, Revoked: true}, false},
		"new keys":     {Enrolled{Station: known.Station, Signing: other.SigningKey().Public().(ed25519.PublicKey)}, false},
		"another name": {Enrolled{Station: "birch-house", Signing: known.Signing}, false},
		"no keys yet":  {Enrolled{Station: known.Station}, false},
	} {
		if got := tt.enrolled.CertifiedBy(p.cert); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	hub, err := a.Hub(start)
	if err != nil {
		t.Fatal(err)
	}
	if (Enrolled{Station: HubName}).CertifiedBy(hub.Leaf) {
		t.Error("the hub's certificate is a station's")
	}
	if (Enrolled{Station: "maple-house", Password: make([]byte, 32), Revoked: true}).Admits("") || (Enrolled{}).Admits("") {
		t.Error("no password admits")
	}
}

func TestRevocationList(t *testing.T) {
	a := newTestAuthority(t)
	text, err := a.RevocationList([]*big.Int{big.NewInt(7), big.NewInt(9)}, start)
	if err != nil {
		t.Fatal(err)
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "X509 CRL" || len(rest) > 0 {
		t.Fatalf("%s", text)
	}
	list, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if err := list.CheckSignatureFrom(a.Certificate()); err != nil || len(list.RevokedCertificateEntries) != 2 || list.NextUpdate.Before(start.AddDate(0, 11, 0)) {
		t.Errorf("%v: %+v", err, list)
	}
}

func TestFingerprint(t *testing.T) {
	got := Fingerprint(&x509.Certificate{Raw: []byte("abc")})
	if want := "BA78 16BF 8F01 CFEA 4141 40DE 5DAE 2223 B003 61A3 9617 7A9C B410 FF61 F200 15AD"; got != want { // SHA-256 of abc (FIPS 180-2)
		t.Errorf("got %s, want %s", got, want)
	}
}
