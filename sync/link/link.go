// Package link sends and receives small messages over MQTT 3.1.1, and says
// when it can and when it cannot.
//
// A link promises little, so that everything above it promises enough: a
// message may be lost, doubled, delayed or overtaken, and no error tells. What
// it does promise:
//
//   - Events come in one order: an [Up], then the messages of that connection,
//     then its [Down]; each connection has a higher generation than the last.
//   - Up means connected, every subscription granted, and presence announced.
//   - A reader that is too slow loses messages, which are counted, and never
//     stalls the connection or loses an Up or a Down.
//   - A connection that died silently is noticed within about a minute.
//   - It comes back by itself, after a random wait of up to a second, then up to
//     twice as long each time, at most a minute. With several addresses it goes on
//     to the next each time, and waits longer after each round.
//
// [Open] makes a link to a broker, [Memory] is a broker inside the process for
// tests, and linktest is the contract that both keep.
package link

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"time"
)

// ErrDown is a Publish without a connection. Wait for the next Up; whatever was
// sent before a Down may or may not have arrived.
var ErrDown = errors.New("link: down")

// ErrDenied is a subscription that the broker does not grant.
var ErrDenied = errors.New("link: subscription denied")

// Link is one client of a broker. Its methods may be called from any goroutine.
type Link interface {
	// Publish hands a message to the broker, without waiting for it to arrive.
	// The link owns payload from then on. A retained message is given to every
	// later subscriber until another replaces it.
	Publish(topic string, payload []byte, retain bool) error
	// Events is where everything comes; closed by Close.
	Events() <-chan Event
	// Dropped counts messages lost because Events was read too slowly.
	Dropped() uint64
	// Close announces sleep where presence is announced, and ends the link.
	Close() error
}

// Event is an [Up], a [Down] or a [Message].
type Event interface{ event() }

type (
	// Up: the link is connected and subscribed.
	Up struct{ Generation uint64 }
	// Down: it is no longer, and Err says why.
	Down struct {
		Generation uint64
		Err        error
	}
	// Message came in on a subscription.
	Message struct {
		Generation uint64
		Topic      string
		Payload    []byte // the reader owns it
		Retained   bool   // it was kept from before, and may be old
	}
)

func (Up) event()      {}
func (Down) event()    {}
func (Message) event() {}

// Options are how a link connects. Zero durations and sizes mean what the field says.
type Options struct {
	// Broker is mqtt://host:port, or mqtts://host:port with TLS (ssl:// and tls://
	// are the same); several, by commas, are the ways into one cluster, and are tried
	// in turn.
	Broker        string
	ClientID      string // one per running program: two links of one name cast each other out
	Username      string
	Password      string
	TLS           *tls.Config // of a broker that speaks TLS; nil for the system's roots; its certificates are asked for at each connection
	Subscriptions []Subscription
	Presence      Presence // announced while connected; none when its topic is empty

	FirstRetry   time.Duration // the longest first wait before connecting again; 1 s
	LastRetry    time.Duration // the longest wait; 60 s
	KeepAlive    time.Duration // whole seconds; 30 s
	PingTimeout  time.Duration // from a ping to giving up; 10 s
	WriteTimeout time.Duration // 64 KiB in 30 s is a line of 2 KB/s; 30 s
	Inbox        int           // messages held for a slow reader; 1024
	Log          *slog.Logger  // slog.Default
}

// Subscription asks for the messages of a topic filter. QoS is 1 for most
// brokers; on NATS a subscription of QoS 1 is a replicated consumer and costs
// its cluster dearly, so stations there ask for 0.
type Subscription struct {
	Filter string
	QoS    byte
}

// Presence is how a link shows others whether it is there: one retained message
// on Topic, written by itself when it connects and when it goes to sleep, and by
// the broker, as a will, when it vanishes. State makes the message; session is
// the link's generation, so that a late will of an old connection is told from
// the truth about a new one.
type Presence struct {
	Topic string
	State func(p Phase, session uint64) []byte
}

// Phase is what a presence says.
type Phase uint8

// The phases of a presence.
const (
	Offline Phase = iota // vanished: said by the broker
	Online               // connected and subscribed
	Asleep               // went away on purpose
)

func (o Options) filled() Options {
	fill := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	fill(&o.FirstRetry, time.Second)
	fill(&o.LastRetry, time.Minute)
	fill(&o.KeepAlive, 30*time.Second)
	fill(&o.PingTimeout, 10*time.Second)
	fill(&o.WriteTimeout, 30*time.Second)
	if o.Inbox == 0 {
		o.Inbox = 1024
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}
