package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/broker"
	"coldstation/sync/hub/registry"
	"coldstation/sync/hub/store"
	"coldstation/sync/identity"
	"coldstation/sync/link"
)

// enrolPlace is the fact by which a hub that serves tells "hub station add"
// where stations with a code find it.
const enrolPlace = "enrol"

// network is all by which stations reach the hub: its own broker or one that
// runs elsewhere, and the place where they enrol.
type network struct {
	settings  serveSettings
	store     store.Store
	library   identity.Library
	authority *identity.Authority // nil when nothing speaks TLS
	broker    *broker.Broker      // nil when it runs elsewhere
	registry  net.Listener        // nil when nobody can enrol
	pipe      link.Options        // how the hub itself goes to the broker
}

// open starts to listen. A network that did not open whole is closed again.
func (n *network) open(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			n.close()
		}
	}()
	s := n.settings
	if len(s.names) > 0 || s.broker != "" && !s.plain() {
		if n.authority, err = identity.LoadAuthority(s.data, time.Now()); err != nil {
			return err
		}
	}
	if s.broker == "" {
		err = n.ownBroker(ctx)
	} else {
		err = n.brokerElsewhere()
	}
	if err != nil {
		return err
	}
	place := ""
	if len(s.names) > 0 {
		if n.registry, err = net.Listen("tcp", s.enrol); err != nil {
			return err
		}
		place = net.JoinHostPort(s.names[0], portOf(n.registry.Addr().String()))
		slog.Info("stations enrol", "at", place, "authority", identity.Fingerprint(n.authority.Certificate()))
	}
	return n.store.SetFact(ctx, enrolPlace, place)
}

func (n *network) ownBroker(ctx context.Context) (err error) {
	s := n.settings
	n.pipe.Username, n.pipe.Password = identity.HubName, rand.Text() // no station has that name
	o := broker.Options{Listen: s.mqtt, Folder: filepath.Join(s.data, "broker")}
	if n.authority == nil {
		o.Authenticate = n.byPassword
	} else {
		o.Authenticate = n.byCertificate
		o.TLS = n.authority.ServerTLS(s.names, tls.RequireAndVerifyClientCert, time.Now)
	}
	if n.broker, err = broker.Start(ctx, o); err != nil {
		return err
	}
	n.pipe.Broker = "mqtt://" + n.broker.Addr()
	if n.authority != nil {
		n.pipe.Broker = "mqtts://" + net.JoinHostPort("localhost", portOf(n.broker.Addr()))
		if host, _, _ := net.SplitHostPort(n.broker.Addr()); host != "" && !net.ParseIP(host).IsUnspecified() {
			n.pipe.Broker = "mqtts://" + n.broker.Addr()
		}
		n.pipe.TLS = n.authority.HubTLS(nil, time.Now)
		n.pipe.TLS.ServerName = "localhost" // one of its names, however it is reached
	}
	return nil
}

func (n *network) brokerElsewhere() error {
	s := n.settings
	n.pipe.Broker, n.pipe.Username = s.broker, s.user
	if s.passwordFile != "" {
		secret, err := os.ReadFile(s.passwordFile)
		if err != nil {
			return err
		}
		n.pipe.Password = strings.TrimSpace(string(secret))
	}
	if s.plain() {
		return nil
	}
	var roots *x509.CertPool
	if s.ca != "" {
		text, err := os.ReadFile(s.ca)
		if err != nil {
			return err
		}
		if roots = x509.NewCertPool(); !roots.AppendCertsFromPEM(text) {
			return fmt.Errorf("--broker-ca %s: no certificate in PEM", s.ca)
		}
	}
	n.pipe.TLS = n.authority.HubTLS(roots, time.Now)
	return nil
}

// stationsBroker is where stations find the broker.
func (n *network) stationsBroker() (string, error) {
	if n.settings.stationsBroker != "" {
		return n.settings.stationsBroker, nil
	}
	u, err := url.Parse(n.pipe.Broker)
	if err != nil {
		return "", err
	}
	return "mqtts://" + net.JoinHostPort(n.settings.names[0], u.Port()), nil
}

// run keeps what must be kept up to date, and serves stations that enrol.
func (n *network) run(ctx context.Context) error {
	services := []func(context.Context) error{n.listRevoked}
	if n.registry != nil {
		address, err := n.stationsBroker()
		if err != nil {
			return err
		}
		r := registry.Registry{Store: n.store, Library: n.library, Authority: n.authority, Names: n.settings.names, Broker: address}
		services = append(services, func(ctx context.Context) error { return r.Serve(ctx, n.registry) })
	}
	return together(ctx, services...)
}

func (n *network) close() {
	if n.registry != nil {
		_ = n.registry.Close() // Serve has closed it, if it ran
	}
	if n.broker != nil {
		if err := n.broker.Close(); err != nil {
			slog.Warn("close the broker", "err", err)
		}
	}
}

// byCertificate lets in who shows a certificate of ours: the hub, and stations
// as they are known now.
func (n *network) byCertificate(v broker.Visitor) (broker.Role, bool) {
	if v.Certificate == nil {
		return broker.Role{}, false
	}
	name := identity.Name(v.Certificate)
	if name == identity.HubName {
		return broker.Role{Hub: true}, identity.IsHubClient(v.ClientID)
	}
	e, ok := n.enrolled(name, v)
	return broker.Role{Station: e.Station}, ok && e.CertifiedBy(v.Certificate)
}

// byPassword lets in the hub by its password of this run, and stations by theirs.
func (n *network) byPassword(v broker.Visitor) (broker.Role, bool) {
	if v.Name == n.pipe.Username {
		return broker.Role{Hub: true}, subtle.ConstantTimeCompare([]byte(v.Password), []byte(n.pipe.Password)) == 1
	}
	e, ok := n.enrolled(v.Name, v)
	return broker.Role{Station: e.Station}, ok && e.Admits(v.Password)
}

// enrolled looks up a station that came by its own client id.
func (n *network) enrolled(name string, v broker.Visitor) (identity.Enrolled, bool) {
	id := circ.StationID(name)
	if !id.Valid() || v.ClientID != identity.ClientID(id) {
		return identity.Enrolled{}, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	e, err := n.store.Enrolled(ctx, id)
	if err != nil && !errors.Is(err, store.ErrNoStation) {
		slog.Error("look up a station at the broker's door", "station", id, "err", err)
	}
	return e, err == nil
}

// expel ends what a station has open at the broker. One that runs elsewhere is
// given the list of revoked certificates.
func (n *network) expel(id circ.StationID) {
	if n.broker != nil {
		if err := n.broker.Expel(id); err != nil {
			slog.Error("expel a station", "station", id, "err", err)
		}
	}
	n.writeRevoked(context.Background())
}

// listRevoked keeps the list from growing old.
func (n *network) listRevoked(ctx context.Context) error {
	daily := time.NewTicker(24 * time.Hour)
	defer daily.Stop()
	for {
		n.writeRevoked(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-daily.C:
		}
	}
}

func (n *network) writeRevoked(ctx context.Context) {
	if n.settings.revoked == "" || n.authority == nil {
		return
	}
	text, err := revokedList(ctx, n.store, n.authority)
	if err == nil {
		err = identity.WriteFile(n.settings.revoked, text, 0o644)
	}
	if err != nil && ctx.Err() == nil {
		slog.Error("list revoked certificates", "err", err)
	}
}

func revokedList(ctx context.Context, s store.Store, a *identity.Authority) ([]byte, error) {
	all, err := s.Revoked(ctx, time.Now())
	if err != nil {
		return nil, err
	}
	var serials []*big.Int
	for _, c := range all {
		serials = append(serials, c.Serial)
	}
	return a.RevocationList(serials, time.Now())
}

func portOf(address string) string {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	return port
}
