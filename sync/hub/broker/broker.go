// Package broker is the MQTT broker inside the hub, so that a small library
// runs one program. It is a mere pipe: everything lasting is in the ledgers and
// the hub's store, and the broker may be restarted or replaced at any time.
//
// It runs nats-server, whose MQTT is version 3.1.1 (docs/decisions/0001).
//
// # Who may do what
//
//	station s   publish    cs/v1/SHARD/s/up, cs/v1/SHARD/s/state
//	            subscribe  cs/v1/SHARD/s/down, cs/v1/hub/state
//	hub         everything below cs/v1/
//
// A publish that is not allowed is dropped and logged; the connection stays and
// the publisher is not told. A subscription that is not allowed is refused.
// Stations ask for quality 0, since one of 1 is a stored consumer here; what the
// broker loses is sent again by those who have it.
package broker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"coldstation/sync/circ"
	"coldstation/sync/wire"
)

// patience is for a handshake over a slow line; the server's own is 2 s.
const patience = 15 * time.Second

// MaxPayload is the largest message that passes: a message of wire and its topic.
const MaxPayload = wire.MaxMessage

// Visitor is who asks to come in.
type Visitor struct {
	Name, Password string
	ClientID       string            // MQTT's, by which a newer connection casts out an older one
	Certificate    *x509.Certificate // as TLS checked it; nil without TLS
}

// Role is what a client that named itself rightly may do.
type Role struct {
	Hub     bool
	Station circ.StationID // when not Hub
}

// Options are how a broker runs.
type Options struct {
	Listen string // host:port; port 0 takes a free one; "" is 127.0.0.1:0
	// Folder is where the broker may keep scratch files, in a folder "mqtt" of its
	// own that each start empties; "" is the system's temporary folder.
	Folder string
	// TLS is how clients must come; nil lets them come in the clear.
	TLS *tls.Config
	// Authenticate tells who a client is; false turns it away. It is called from
	// several goroutines at once.
	Authenticate func(Visitor) (Role, bool)
	Log          *slog.Logger // slog.Default
}

// Broker is a running broker.
type Broker struct {
	server  *server.Server
	address string
	scratch string
	log     *slog.Logger
}

// Start runs a broker and returns when it takes connections.
func Start(ctx context.Context, o Options) (*Broker, error) {
	if o.Authenticate == nil {
		return nil, errors.New("start broker: nobody to ask who may come in")
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	host, number, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	port, err := strconv.Atoi(number)
	if err != nil {
		return nil, fmt.Errorf("start broker on %s: %w", o.Listen, err)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	b := &Broker{log: o.Log}
	if b.scratch, err = scratch(o.Folder); err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	options := &server.Options{
		ServerName:         "coldstation", // MQTT wants a lasting one
		DontListen:         true,          // NATS itself: nobody comes in that way
		JetStream:          true,
		StoreDir:           b.scratch,
		JetStreamMaxMemory: 16 << 20,
		JetStreamMaxStore:  256 << 20,
		MaxPayload:         MaxPayload + 4<<10, // and its topic and headers
		MaxPending:         16 << 20,           // for one slow reader, then it is cut off
		NoSigs:             true,
		MQTT: server.MQTTOpts{
			Host: host, Port: port,
			TLSConfig: o.TLS, TLSTimeout: patience.Seconds(), AuthTimeout: patience.Seconds(),
			AckWait:       5 * time.Second, // redelivery; the default is 30 s
			MaxAckPending: 1024,
		},
	}
	d := &door{options: o}
	options.CustomClientAuthentication = d
	s, err := server.NewServer(options)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start broker: %w", err), os.RemoveAll(b.scratch))
	}
	v := &voice{log: o.Log}
	s.SetLoggerV2(v, false, false, false)
	b.server, d.server = s, s
	s.Start()
	if v.fatal != nil {
		b.Close()
		return nil, fmt.Errorf("start broker on %s: %w", o.Listen, v.fatal)
	}
	wait := 10 * time.Second
	if t, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(t))
	}
	if !s.ReadyForConnections(wait) {
		b.Close()
		return nil, fmt.Errorf("start broker on %s: not ready within %v", o.Listen, wait)
	}
	b.address = net.JoinHostPort(host, strconv.Itoa(options.MQTT.Port)) // filled in by then
	return b, nil
}

// Addr is where the broker listens, as host:port.
func (b *Broker) Addr() string { return b.address }

// Expel ends the connections of a station; it may come back if it is let in.
func (b *Broker) Expel(station circ.StationID) error {
	open, err := b.server.Connz(&server.ConnzOptions{Username: true, User: string(station), Limit: 1 << 20})
	if err != nil {
		return fmt.Errorf("expel %s: %w", station, err)
	}
	for _, c := range open.Conns {
		if err := b.server.DisconnectClientByID(c.Cid); err != nil {
			b.log.Debug("expel", "station", station, "err", err) // it has just left
		}
	}
	return nil
}

// Close stops the broker and every connection.
func (b *Broker) Close() error {
	b.server.Shutdown()
	b.server.WaitForShutdown()
	return os.RemoveAll(b.scratch)
}

// scratch is an empty folder for the broker's files.
//
// Nothing survives a restart on purpose. Presence is announced anew by everybody
// who connects, and what was kept for subscribers that will never return under
// the same name would only pile up: nats-server leaves two stored consumers
// behind at each restart with a subscriber of quality 1.
func scratch(folder string) (string, error) {
	if folder == "" {
		return os.MkdirTemp("", "coldstation-mqtt-")
	}
	folder = filepath.Join(folder, "mqtt")
	if err := os.RemoveAll(folder); err != nil {
		return "", err
	}
	return folder, os.MkdirAll(folder, 0o700)
}
