package link

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

const (
	answer    = 10 * time.Second // for a broker to answer a subscription
	dial      = 15 * time.Second
	farewell  = 2 * time.Second
	qos       = 1
	refusal   = 0x80 // SUBACK return code, MQTT 3.1.1 section 3.9.3
	halfOpen  = 45 * time.Second
	lingering = 250 // ms, for the last bytes to leave
)

// broker is a link over a real broker.
//
// Each connection has a fresh paho client that never reconnects by itself:
// paho 1.5.1's own reconnecting completes tokens of messages that were never
// acknowledged, and a clean session with its retrying deletes what was
// published before the first connection (eclipse-paho/paho.mqtt.golang 458,
// 563). A file store is not flushed and panics on a full disk (681): the log
// above is the store.
type broker struct {
	options Options
	ways    []*url.URL // to the broker, at least one
	inbox   *inbox
	cancel  context.CancelFunc
	done    chan struct{}

	mu     sync.Mutex
	client mqtt.Client // nil when down
}

var _ Link = (*broker)(nil)

// secure are the schemes of a broker that speaks TLS.
var secure = map[string]bool{"mqtts": true, "ssl": true, "tls": true}

// Open makes a link to a broker and goes on trying for as long as it is open.
// Only options that cannot work are an error.
func Open(o Options) (Link, error) {
	o = o.filled()
	ways, err := parse(o.Broker)
	switch {
	case err != nil:
		return nil, err
	case o.ClientID == "":
		return nil, errors.New("open link: no client id")
	case o.KeepAlive%time.Second != 0:
		return nil, fmt.Errorf("open link: keep-alive of %v: MQTT counts whole seconds", o.KeepAlive)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &broker{options: o, ways: ways, inbox: newInbox(o.Inbox), cancel: cancel, done: make(chan struct{})}
	go l.run(ctx)
	return l, nil
}

// parse reads a list of addresses.
func parse(list string) (ways []*url.URL, err error) {
	for text := range strings.SplitSeq(list, ",") {
		u, err := url.Parse(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("open link: %w", err)
		}
		if u.Scheme != "mqtt" && !secure[u.Scheme] || u.Port() == "" {
			return nil, fmt.Errorf("open link to %q: want mqtt://host:port, or mqtts://host:port with TLS", text)
		}
		ways = append(ways, u)
	}
	return ways, nil
}

func (l *broker) Events() <-chan Event { return l.inbox.out }
func (l *broker) Dropped() uint64      { return l.inbox.drops() }

func (l *broker) Close() error {
	l.cancel()
	<-l.done
	return nil
}

func (l *broker) Publish(topic string, payload []byte, retain bool) error {
	l.mu.Lock()
	client := l.client
	l.mu.Unlock()
	if client == nil || !client.IsConnectionOpen() {
		return fmt.Errorf("publish to %s: %w", topic, ErrDown)
	}
	// The token says at best that a broker had it, and that is worth nothing here.
	client.Publish(topic, qos, retain, payload)
	return nil
}

// run connects again and again, with full jitter so that many stations that
// lost one broker do not come back in one instant.
func (l *broker) run(ctx context.Context) {
	defer close(l.done)
	defer l.inbox.close()
	o := l.options
	wait := o.FirstRetry
	for n := 0; ; n++ {
		way := l.ways[n%len(l.ways)]
		began := time.Now()
		err := l.session(ctx, way)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > o.LastRetry {
			wait = o.FirstRetry
		}
		pause := rand.N(wait)
		o.Log.Info("no connection to the broker", "broker", way, "again", pause, "err", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		if (n+1)%len(l.ways) == 0 {
			wait = min(2*wait, o.LastRetry)
		}
	}
}

// session is one connection from its beginning to its end.
func (l *broker) session(ctx context.Context, way *url.URL) error {
	o := l.options
	generation := l.inbox.begin()
	lost := make(chan error, 1)
	c := mqtt.NewClient(l.paho(way, generation, lost))
	defer c.Disconnect(0)
	if err := within(ctx, c.Connect(), dial+answer); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if err := subscribe(ctx, c, o.Subscriptions); err != nil {
		return err
	}
	l.announce(c, Online, generation)
	l.set(c)
	l.inbox.opened(generation)
	select {
	case err := <-lost:
		l.set(nil)
		l.inbox.lost(generation, err)
		return fmt.Errorf("connection lost: %w", err)
	case <-ctx.Done():
		l.set(nil)
		if t := l.announce(c, Asleep, generation); t != nil {
			t.WaitTimeout(farewell)
		}
		c.Disconnect(lingering)
		l.inbox.lost(generation, ctx.Err())
		return ctx.Err()
	}
}

func (l *broker) set(c mqtt.Client) {
	l.mu.Lock()
	l.client = c
	l.mu.Unlock()
}

func (l *broker) announce(c mqtt.Client, p Phase, generation uint64) mqtt.Token {
	if l.options.Presence.Topic == "" {
		return nil
	}
	return c.Publish(l.options.Presence.Topic, qos, true, l.options.Presence.State(p, generation))
}

// paho are paho's options for one connection. Protocol version 4 is said
// outright, since paho otherwise tries version 3 after any refusal.
func (l *broker) paho(way *url.URL, generation uint64, lost chan<- error) *mqtt.ClientOptions {
	o := l.options
	if secure[way.Scheme] && o.TLS == nil {
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	}
	if o.TLS != nil && o.TLS.ServerName == "" { // behind a proxy, paho does not
		o.TLS = o.TLS.Clone()
		o.TLS.ServerName = way.Hostname()
	}
	p := mqtt.NewClientOptions().AddBroker(way.String()).SetClientID(o.ClientID).SetProtocolVersion(4).
		SetUsername(o.Username).SetPassword(o.Password).SetTLSConfig(o.TLS).
		SetCleanSession(true).SetStore(mqtt.NewOrderedMemoryStore()).
		SetAutoReconnect(false).SetConnectRetry(false).SetResumeSubs(false).
		SetConnectTimeout(dial).SetKeepAlive(o.KeepAlive).SetPingTimeout(o.PingTimeout).SetWriteTimeout(o.WriteTimeout).
		SetDialer(&net.Dialer{Timeout: dial, KeepAlive: 30 * time.Second, Control: userTimeout(halfOpen)}).
		SetOrderMatters(true).
		// Runs on paho's reading goroutine: to publish or to wait here would
		// deadlock (eclipse-paho/paho.mqtt.golang 474, 509), so it only enqueues.
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
			l.inbox.message(Message{generation, m.Topic(), m.Payload(), m.Retained()})
		}).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err })
	if s := o.Presence; s.Topic != "" {
		p.SetBinaryWill(s.Topic, s.State(Offline, generation), qos, true)
	}
	return p
}

func subscribe(ctx context.Context, c mqtt.Client, subscriptions []Subscription) error {
	if len(subscriptions) == 0 {
		return nil
	}
	filters := make(map[string]byte)
	for _, s := range subscriptions {
		filters[s.Filter] = s.QoS
	}
	t := c.SubscribeMultiple(filters, nil)
	err := within(ctx, t, answer)
	if s, ok := t.(*mqtt.SubscribeToken); ok {
		for filter, code := range s.Result() {
			if code == refusal {
				return fmt.Errorf("subscribe to %s: %w", filter, ErrDenied)
			}
		}
	}
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	return nil
}

// within waits for a token.
func within(ctx context.Context, t mqtt.Token, d time.Duration) error {
	late := time.NewTimer(d)
	defer late.Stop()
	select {
	case <-t.Done():
		return t.Error()
	case <-ctx.Done():
		return ctx.Err()
	case <-late.C:
		return fmt.Errorf("no answer within %v", d)
	}
}
