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
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"coldstation/sync/circ"
	"coldstation/sync/wire"
)

// MaxPayload is the largest message that passes: a message of wire and its topic.
const MaxPayload = wire.MaxMessage

// Role is what a client that named itself rightly may do.
type Role struct {
	Hub     bool
	Station circ.StationID // when not Hub
}

// Options are how a broker runs.
type Options struct {
	Listen string // host:port; port 0 takes a free one; "" is 127.0.0.1:0
	// Folder holds what is retained, so that presence outlives a restart; "" is a
	// temporary folder, gone with the broker.
	Folder string
	// Authenticate tells who a client is; false turns it away. It is called from
	// several goroutines at once.
	Authenticate func(name, password string) (Role, bool)
	Log          *slog.Logger // slog.Default
}

// Broker is a running broker.
type Broker struct {
	server    *server.Server
	address   string
	temporary string
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
	b := &Broker{}
	if o.Folder == "" {
		if b.temporary, err = os.MkdirTemp("", "coldstation-broker-"); err != nil {
			return nil, fmt.Errorf("start broker: %w", err)
		}
		o.Folder = b.temporary
	}
	s, err := server.NewServer(&server.Options{
		ServerName:                 "coldstation", // MQTT wants a lasting one
		DontListen:                 true,          // NATS itself: nobody comes in that way
		JetStream:                  true,
		StoreDir:                   o.Folder,
		JetStreamMaxMemory:         16 << 20,
		JetStreamMaxStore:          256 << 20,
		MaxPayload:                 MaxPayload + 4<<10, // and its topic and headers
		MaxPending:                 16 << 20,           // for one slow reader, then it is cut off
		NoSigs:                     true,
		CustomClientAuthentication: &door{o},
		MQTT: server.MQTTOpts{
			Host: host, Port: port,
			AckWait:       5 * time.Second, // redelivery; the default is 30 s
			MaxAckPending: 1024,
		},
	})
	if err != nil {
		b.clean()
		return nil, fmt.Errorf("start broker: %w", err)
	}
	s.SetLoggerV2(&voice{o.Log}, false, false, false)
	b.server = s
	s.Start()
	wait := 10 * time.Second
	if t, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(t))
	}
	if !s.ReadyForConnections(wait) {
		b.Close()
		return nil, fmt.Errorf("start broker on %s: not ready within %v", o.Listen, wait)
	}
	address := s.MQTTAddr()
	if address == nil {
		b.Close()
		return nil, fmt.Errorf("start broker on %s: no MQTT listener", o.Listen)
	}
	b.address = address.String()
	return b, nil
}

// Addr is where the broker listens, as host:port.
func (b *Broker) Addr() string { return b.address }

// Close stops the broker and every connection.
func (b *Broker) Close() error {
	b.server.Shutdown()
	b.server.WaitForShutdown()
	return b.clean()
}

func (b *Broker) clean() error {
	if b.temporary == "" {
		return nil
	}
	return os.RemoveAll(b.temporary)
}
