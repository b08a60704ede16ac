package enrol

import (
	"context"
	"crypto/hmac"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"coldstation/sync/identity"
	"coldstation/sync/wire"
)

const patience = 30 * time.Second // for all of one exchange

// Ask trades a code for an identity and its first certificate. The station's key
// is made here. The error is a *Refusal when the hub said no.
func Ask(ctx context.Context, c Code, now func() time.Time) (identity.Station, []byte, error) {
	station := identity.NewStation()
	request, err := station.Request()
	if err != nil {
		return station, nil, fmt.Errorf("enrol: %w", err)
	}
	// Nothing is known yet of who answers: the proof will tell.
	conn, err := dial(ctx, c.place, &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true})
	if err != nil {
		return station, nil, fmt.Errorf("enrol at %s: %w", c.place, err)
	}
	defer conn.Close()
	state := conn.ConnectionState()
	proof, err := Proof(c.Key(), ByStation, state, request)
	if err != nil {
		return station, nil, err
	}
	answer, err := exchange(conn, Question{Code: c.ID(), Proof: proof, Request: request})
	if err != nil {
		return station, nil, fmt.Errorf("enrol at %s: %w", c.place, err)
	}
	want, err := Proof(c.Key(), ByHub, state, answer.Grant)
	if err != nil {
		return station, nil, err
	}
	if !hmac.Equal(answer.Proof, want) {
		return station, nil, fmt.Errorf("enrol at %s: whoever answers there does not know the code: it is not the library's hub", c.place)
	}
	var grant Grant
	if err := json.Unmarshal(answer.Grant, &grant); err != nil {
		return station, nil, fmt.Errorf("enrol at %s: %w", c.place, err)
	}
	authority, err := x509.ParseCertificate(grant.Authority)
	if err != nil {
		return station, nil, fmt.Errorf("enrol at %s: the library's authority: %w", c.place, err)
	}
	host, _, err := net.SplitHostPort(c.place)
	if err == nil {
		err = identity.Vouched(authority, state, host, now())
	}
	if err != nil {
		return station, nil, fmt.Errorf("enrol at %s: its certificate: %w", c.place, err)
	}
	station.Station, station.Broker, station.Hub = grant.Station, grant.Broker, c.place
	station.Library, station.Sealing, station.Authority = grant.Library, grant.Sealing, grant.Authority
	if err := station.Validate(); err != nil {
		return station, nil, fmt.Errorf("enrol at %s: %w", c.place, err)
	}
	if grant.Shard != wire.Shard(station.Station) {
		return station, nil, fmt.Errorf("enrol at %s: the hub deals stations to other topics (%d, not %d): update the older program of the two", c.place, grant.Shard, wire.Shard(station.Station))
	}
	return station, grant.Certificate, nil
}

// Renew asks for another certificate for the station's key, and has pass take
// it. The error is a *Refusal when the hub said no.
func Renew(ctx context.Context, s identity.Station, pass *identity.Pass, now func() time.Time) error {
	if pass == nil || s.Hub == "" {
		return errors.New("renew: this station was not enrolled by a code")
	}
	request, err := s.Request()
	if err != nil {
		return fmt.Errorf("renew: %w", err)
	}
	conn, err := dial(ctx, s.Hub, pass.TLS(s.Hub, now))
	if err != nil {
		return fmt.Errorf("renew at %s: %w", s.Hub, err)
	}
	defer conn.Close()
	answer, err := exchange(conn, Question{Request: request})
	if err != nil {
		return fmt.Errorf("renew at %s: %w", s.Hub, err)
	}
	var grant Grant
	if err := json.Unmarshal(answer.Grant, &grant); err != nil {
		return fmt.Errorf("renew at %s: %w", s.Hub, err)
	}
	return pass.Replace(grant.Certificate)
}

func dial(ctx context.Context, place string, config *tls.Config) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	config.NextProtos = []string{Protocol}
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", place)
	if err != nil {
		return nil, err
	}
	c := conn.(*tls.Conn) // as tls.Dialer promises
	if got := c.ConnectionState().NegotiatedProtocol; got != Protocol {
		c.Close()
		return nil, errors.New("something else than a hub listens there")
	}
	return c, c.SetDeadline(time.Now().Add(patience))
}

func exchange(conn *tls.Conn, q Question) (Answer, error) {
	var a Answer
	if err := Write(conn, q); err != nil {
		return a, err
	}
	if err := Read(conn, &a); err != nil {
		return a, fmt.Errorf("read the answer: %w", err)
	}
	if a.Refused != "" {
		return a, &Refusal{a.Refused}
	}
	return a, nil
}
