package koha

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"coldstation/sync/circ"
)

// Settings are what one library knows about its Koha. URL, ID and Secret must be
// given; everything else has a default.
type Settings struct {
	URL    string // the staff interface, as https://staff.library.example; http to this machine only
	ID     string // of the API key
	Secret Secret
	CA     []byte         // certificates that sign Koha's, PEM; nil: the system's
	Zone   *time.Location // Koha's own time zone; nil: time.Local

	PerPage  int           // rows asked for at a time; 100
	Timeout  time.Duration // for one request and its whole answer; 1 min
	Rate     float64       // requests a second, over time; 5
	Burst    int           // requests at once after a rest; 10
	Attempts int           // times a request is tried; 4
	Patience time.Duration // the longest wait that Koha may ask for; 2 min
	MaxBody  int64         // bytes of one answer, unpacked; 16 MiB
	Overlap  time.Duration // taken off Since; 10 min

	Changed  Changed
	Marks    map[string]circ.Marks     // by item type or collection code
	Stations map[string]circ.StationID // by library

	// Dial opens connections; nil: a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Changed names the fields that say when a row last changed. Empty ones are the
// defaults.
type Changed struct {
	Patrons   string // updated_on
	Items     string // timestamp
	Checkouts string // timestamp
}

// Secret is the API key's other half. It prints as nothing.
type Secret string

// Format keeps the secret out of fmt, whatever the verb.
func (Secret) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "secret") }

// LogValue keeps it out of slog.
func (Secret) LogValue() slog.Value { return slog.StringValue("secret") }

// MarshalText keeps it out of JSON.
func (Secret) MarshalText() ([]byte, error) { return []byte("secret"), nil }

// API is one Koha. Its methods may be called at the same time.
type API struct {
	set   Settings
	base  string // with /api/v1, without a slash at its end
	http  *http.Client
	pace  *pace
	token *token

	mu    sync.Mutex
	ways  map[string]way // of each list, as far as they had to be lowered
	plain bool           // renewal, not renewals
}

// Format keeps the settings out of fmt, which would look into them.
func (a *API) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, a.base) }

// New checks the settings. It asks Koha nothing.
func New(set Settings) (*API, error) {
	base, err := address(set.URL)
	if err != nil {
		return nil, fmt.Errorf("koha: URL: %w", err)
	}
	if set.ID == "" || set.Secret == "" {
		return nil, errors.New("koha: the API key's ID and secret are needed")
	}
	roots := (*x509.CertPool)(nil)
	if set.CA != nil {
		roots = x509.NewCertPool()
		if !roots.AppendCertsFromPEM(set.CA) {
			return nil, errors.New("koha: CA: no certificate in it")
		}
	}
	or(&set.Zone, time.Local)
	or(&set.PerPage, 100)
	or(&set.Timeout, time.Minute)
	or(&set.Rate, 5)
	or(&set.Burst, 10)
	or(&set.Attempts, 4)
	or(&set.Patience, 2*time.Minute)
	or(&set.MaxBody, 16<<20)
	or(&set.Overlap, 10*time.Minute)
	or(&set.Changed.Patrons, "updated_on")
	or(&set.Changed.Items, "timestamp")
	or(&set.Changed.Checkouts, "timestamp")
	if set.PerPage < 1 || set.Timeout < 0 || set.Rate <= 0 || set.Burst < 1 || set.Attempts < 1 || set.MaxBody < 1 {
		return nil, errors.New("koha: a setting is below zero")
	}
	if set.Dial == nil {
		set.Dial = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	}
	a := &API{set: set, base: base, pace: newPace(set.Rate, set.Burst), ways: make(map[string]way)}
	a.http = &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            set.Dial,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    10 * time.Second,
			MaxIdleConnsPerHost:    4,
			IdleConnTimeout:        time.Minute,
			MaxResponseHeaderBytes: 64 << 10,
			ForceAttemptHTTP2:      true,
		},
		// A token must not travel to wherever an answer points.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	a.token = newToken(a.fetch)
	return a, nil
}

// Close lets go of connections that are not in use.
func (a *API) Close() { a.http.CloseIdleConnections() }

func or[T comparable](value *T, otherwise T) {
	if *value == *new(T) {
		*value = otherwise
	}
}

// address is where the API is. Anything but https would show the secret and
// everybody's data to the network, so http goes to this machine only.
func address(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", errors.New("not a URL")
	}
	ip, err := netip.ParseAddr(u.Hostname())
	here := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	switch {
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("it should look like https://staff.library.example")
	case u.Scheme != "https" && (u.Scheme != "http" || !here):
		return "", errors.New("only https, or http to this machine")
	}
	base := strings.TrimRight(u.String(), "/")
	if !strings.HasSuffix(base, "/api/v1") {
		base += "/api/v1"
	}
	return base, nil
}
