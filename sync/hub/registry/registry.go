// Package registry is the hub's end of enrolment: it trades one-time codes for
// certificates, and old certificates for new ones. What is said, and why it is
// safe, stands in package enrol.
package registry

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/identity"
	"coldstation/sync/identity/enrol"
	"coldstation/sync/wire"
)

// Store is what the registry needs of the hub's store.
type Store interface {
	Code(ctx context.Context, id []byte) (store.Code, error)
	Redeem(ctx context.Context, code []byte, station identity.Enrolled, c store.Certificate, at time.Time) error
	Enrolled(ctx context.Context, id circ.StationID) (identity.Enrolled, error)
	Issue(ctx context.Context, c store.Certificate) error
}

// Registry answers stations that want to enrol or to renew. All but the last
// two fields are required.
type Registry struct {
	Store     Store
	Library   identity.Library
	Authority *identity.Authority
	Names     []string // that the hub is reached by
	Broker    string   // where stations find the broker, mqtts://host:port

	Now func() time.Time // nil for time.Now
	Log *slog.Logger     // nil for slog.Default
}

const (
	patience = 20 * time.Second // for one question and its answer
	most     = 64               // open connections
	mostEach = 4                // of them from one place
)

// Serve answers on l until ctx ends, and closes l.
func (r Registry) Serve(ctx context.Context, l net.Listener) error {
	if r.Now == nil {
		r.Now = time.Now
	}
	if r.Log == nil {
		r.Log = slog.Default()
	}
	config := r.Authority.ServerTLS(r.Names, tls.VerifyClientCertIfGiven, r.Now)
	config.NextProtos = []string{enrol.Protocol}
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	who := newGuard()
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("listen for stations that enrol: %w", err)
		}
		from := placeOf(conn.RemoteAddr())
		if !who.enter(from) {
			conn.Close()
			continue
		}
		go func() {
			defer who.leave(from)
			defer conn.Close()
			if err := r.answer(ctx, tls.Server(conn, config), who, from); err != nil {
				r.Log.Info("a question about enrolment came to nothing", "from", from, "err", err)
			}
		}()
	}
}

// answer reads one question and answers it.
func (r Registry) answer(ctx context.Context, conn *tls.Conn, who *guard, from string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		return err
	}
	state := conn.ConnectionState()
	if state.NegotiatedProtocol != enrol.Protocol {
		return errors.New("it speaks another protocol")
	}
	var q enrol.Question
	if err := enrol.Read(conn, &q); err != nil {
		return errors.Join(err, enrol.Write(conn, enrol.Answer{Refused: enrol.Strange}))
	}
	var a enrol.Answer
	var err error
	switch {
	case len(q.Code) == 0:
		a, err = r.renew(ctx, q, state)
	case who.limited(from, r.Now()):
		err = &enrol.Refusal{Reason: enrol.Limited}
	default:
		a, err = r.enrol(ctx, q, state)
	}
	var no *enrol.Refusal
	switch {
	case errors.As(err, &no):
		a = enrol.Answer{Refused: no.Reason}
		if len(q.Code) > 0 && no.Reason != enrol.Limited && no.Reason != enrol.Strange {
			who.wrong(from, r.Now())
		}
	case err != nil:
		r.Log.Error("answer about enrolment", "from", from, "err", err)
		a = enrol.Answer{Refused: enrol.Failed}
	}
	return errors.Join(err, enrol.Write(conn, a), conn.CloseWrite())
}

func refuse(why enrol.Reason) error { return &enrol.Refusal{Reason: why} }

// enrol trades a code. Whether it is expired or used is told only to who has it.
func (r Registry) enrol(ctx context.Context, q enrol.Question, state tls.ConnectionState) (enrol.Answer, error) {
	code, err := r.Store.Code(ctx, q.Code)
	switch {
	case errors.Is(err, store.ErrNoCode):
		return enrol.Answer{}, refuse(enrol.Unknown)
	case err != nil:
		return enrol.Answer{}, err
	case code.Used: // then its secret is gone; who can name its id has, or had, the code
		return enrol.Answer{}, refuse(enrol.Used)
	}
	want, err := enrol.Proof(code.Secret, enrol.ByStation, state, q.Request)
	if err != nil {
		return enrol.Answer{}, err
	}
	now := r.Now()
	switch {
	case !hmac.Equal(q.Proof, want):
		return enrol.Answer{}, refuse(enrol.Unknown)
	case !now.Before(code.Expires):
		return enrol.Answer{}, refuse(enrol.Expired)
	}
	key, err := identity.ParseRequest(q.Request)
	if err != nil {
		return enrol.Answer{}, errors.Join(err, refuse(enrol.Strange))
	}
	certificate, cert, err := r.certificate(code.Station, key, now)
	if err != nil {
		return enrol.Answer{}, err
	}
	sealing, err := r.Library.SealingKey()
	if err != nil {
		return enrol.Answer{}, err
	}
	grant, err := json.Marshal(enrol.Grant{
		Station:     code.Station,
		Certificate: certificate,
		Broker:      r.Broker,
		Authority:   r.Authority.Certificate().Raw,
		Library:     r.Library.SigningKey().Public().(ed25519.PublicKey),
		Sealing:     sealing.PublicKey().Bytes(),
		Shard:       wire.Shard(code.Station),
	})
	if err != nil {
		return enrol.Answer{}, err
	}
	proof, err := enrol.Proof(code.Secret, enrol.ByHub, state, grant)
	if err != nil {
		return enrol.Answer{}, err
	}
	switch err := r.Store.Redeem(ctx, code.ID, identity.Enrolled{Station: code.Station, Signing: key}, cert, now); {
	case errors.Is(err, store.ErrNoCode): // somebody was quicker
		return enrol.Answer{}, refuse(enrol.Used)
	case err != nil:
		return enrol.Answer{}, err
	}
	r.Log.Info("a station was enrolled", "station", code.Station, "expires", cert.Expires)
	return enrol.Answer{Grant: grant, Proof: proof}, nil
}

// renew gives a station that came with a good certificate, for the key that it
// is known by, another one.
func (r Registry) renew(ctx context.Context, q enrol.Question, state tls.ConnectionState) (enrol.Answer, error) {
	if len(state.VerifiedChains) == 0 {
		return enrol.Answer{}, refuse(enrol.Strange)
	}
	shown := state.VerifiedChains[0][0]
	station := circ.StationID(identity.Name(shown))
	enrolled, err := r.Store.Enrolled(ctx, station)
	if errors.Is(err, store.ErrNoStation) || err == nil && !enrolled.CertifiedBy(shown) {
		return enrol.Answer{}, refuse(enrol.Revoked)
	}
	if err != nil {
		return enrol.Answer{}, err
	}
	key, err := identity.ParseRequest(q.Request)
	if err != nil || !key.Equal(enrolled.Signing) {
		return enrol.Answer{}, errors.Join(err, refuse(enrol.Strange))
	}
	certificate, cert, err := r.certificate(station, key, r.Now())
	if err != nil {
		return enrol.Answer{}, err
	}
	if err := r.Store.Issue(ctx, cert); err != nil {
		return enrol.Answer{}, err
	}
	grant, err := json.Marshal(enrol.Grant{Station: station, Certificate: certificate, Shard: wire.Shard(station)})
	if err != nil {
		return enrol.Answer{}, err
	}
	r.Log.Info("a station's certificate was renewed", "station", station, "expires", cert.Expires)
	return enrol.Answer{Grant: grant}, nil
}

func (r Registry) certificate(station circ.StationID, key ed25519.PublicKey, now time.Time) ([]byte, store.Certificate, error) {
	c, err := r.Authority.Station(station, key, now)
	if err != nil {
		return nil, store.Certificate{}, err
	}
	return c.Raw, store.Certificate{Serial: c.SerialNumber, Station: station, Expires: c.NotAfter}, nil
}
