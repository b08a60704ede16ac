// Package linktest is the contract of a link: what package link promises, and
// what presence needs from a broker, in a form that every broker can be held to.
package linktest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"coldstation/sync/link"
)

// Broker is one to be tested: how to open a link to it, over a cable that can
// be cut.
type Broker struct {
	// Open makes a link that may publish and subscribe below cs/v1/. Options come
	// without broker, name and password.
	Open func(t *testing.T, o link.Options) link.Link
	// Cut ends all connections at once and keeps them down until Mend.
	Cut, Mend func()
}

// patience is how long an event of a real broker may take.
const patience = 20 * time.Second

// Run holds a broker to the contract.
func Run(t *testing.T, start func(t *testing.T) Broker) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Broker)
	}{
		{"to each who asked, whole, and to nobody else", testDelivery},
		{"in order on a good day", testOrder},
		{"large", testLarge},
		{"a retained message is for those who come later", testRetained},
		{"birth, will and sleep", testPresence},
		{"comes back after a cut", testComesBack},
		{"a slow reader loses messages and nothing else", testSlow},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, start(t)) })
	}
}

// open opens a link that is closed with the test, and waits until it is up.
func (b Broker) open(t *testing.T, id string, o link.Options, filters ...string) link.Link {
	t.Helper()
	o.ClientID = id
	o.FirstRetry, o.LastRetry = 20*time.Millisecond, 200*time.Millisecond
	for _, f := range filters {
		o.Subscriptions = append(o.Subscriptions, link.Subscription{Filter: f})
	}
	l := b.Open(t, o)
	t.Cleanup(func() { l.Close() })
	Next[link.Up](t, l)
	return l
}

// Next is the next event of a link, which must be an E.
func Next[E link.Event](t *testing.T, l link.Link) E {
	t.Helper()
	select {
	case e, ok := <-l.Events():
		if got, is := e.(E); ok && is {
			return got
		}
		var want E
		t.Fatalf("event %T %+v, want a %T", e, e, want)
	case <-time.After(patience):
		t.Fatalf("no event in %v", patience)
	}
	panic("not reached")
}

func publish(t *testing.T, l link.Link, topic, payload string, retain bool) {
	t.Helper()
	if err := l.Publish(topic, []byte(payload), retain); err != nil {
		t.Fatal(err)
	}
}

// expect is that the next event is a message.
func expect(t *testing.T, l link.Link, topic, payload string) link.Message {
	t.Helper()
	m := Next[link.Message](t, l)
	if m.Topic != topic || string(m.Payload) != payload {
		t.Fatalf("%s %q, want %s %q", m.Topic, m.Payload, topic, payload)
	}
	return m
}

func testDelivery(t *testing.T, b Broker) {
	one := b.open(t, "cs-one", link.Options{}, "cs/v1/1/a/down")
	all := b.open(t, "cs-all", link.Options{}, "cs/v1/+/+/down", "cs/v1/+/+/up")
	from := b.open(t, "cs-from", link.Options{})
	publish(t, from, "cs/v1/1/b/down", "\x00\xff", false)
	publish(t, from, "cs/v1/1/a/up", "up", false)
	publish(t, from, "cs/v1/1/a/down", "", false)
	publish(t, from, "cs/v1/1/a/down", "last", false)
	expect(t, one, "cs/v1/1/a/down", "")
	expect(t, one, "cs/v1/1/a/down", "last")
	expect(t, all, "cs/v1/1/b/down", "\x00\xff")
	expect(t, all, "cs/v1/1/a/up", "up")
	expect(t, all, "cs/v1/1/a/down", "")
	expect(t, all, "cs/v1/1/a/down", "last")
}

func testOrder(t *testing.T, b Broker) {
	to := b.open(t, "cs-to", link.Options{}, "cs/v1/1/a/up")
	from := b.open(t, "cs-from", link.Options{})
	for i := range 200 {
		publish(t, from, "cs/v1/1/a/up", fmt.Sprint(i), false)
	}
	for i := range 200 {
		expect(t, to, "cs/v1/1/a/up", fmt.Sprint(i))
	}
}

func testLarge(t *testing.T, b Broker) {
	to := b.open(t, "cs-to", link.Options{}, "cs/v1/1/a/up")
	from := b.open(t, "cs-from", link.Options{})
	payload := bytes.Repeat([]byte{0, 1, 2, 255}, 64<<10)
	publish(t, from, "cs/v1/1/a/up", string(payload), false)
	if m := Next[link.Message](t, to); !bytes.Equal(m.Payload, payload) {
		t.Fatalf("%d bytes, want %d", len(m.Payload), len(payload))
	}
}

func testRetained(t *testing.T, b Broker) {
	early := b.open(t, "cs-early", link.Options{}, "cs/v1/1/a/state")
	from := b.open(t, "cs-from", link.Options{})
	publish(t, from, "cs/v1/1/a/state", "old", true)
	publish(t, from, "cs/v1/1/a/state", "new", true)
	expect(t, early, "cs/v1/1/a/state", "old")
	if m := expect(t, early, "cs/v1/1/a/state", "new"); m.Retained {
		t.Error("a fresh message says it is an old one")
	}
	late := b.open(t, "cs-late", link.Options{}, "cs/v1/1/a/state")
	if m := expect(t, late, "cs/v1/1/a/state", "new"); !m.Retained {
		t.Error("a kept message says it is a fresh one")
	}
}

func state(p link.Phase, session uint64) []byte {
	return fmt.Appendf(nil, "%d in session %d", p, session)
}

func testPresence(t *testing.T, b Broker) {
	presence := link.Presence{Topic: "cs/v1/1/a/state", State: state}
	watch := b.open(t, "cs-watch", link.Options{}, "cs/v1/1/a/state")
	l := b.open(t, "cs-a", link.Options{Presence: presence})
	expect(t, watch, "cs/v1/1/a/state", "1 in session 1")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	expect(t, watch, "cs/v1/1/a/state", "2 in session 1")

	b.open(t, "cs-b", link.Options{Presence: presence})
	expect(t, watch, "cs/v1/1/a/state", "1 in session 1")
	b.Cut()
	b.Mend()
	// The will, if it comes before our own connection ends; the end and the new
	// beginning; then the will and the new birth, or the birth alone when it was
	// quicker.
	deadline := time.After(patience)
	for {
		select {
		case e := <-watch.Events():
			m, is := e.(link.Message)
			if !is {
				continue
			}
			var phase, session int
			if _, err := fmt.Sscanf(string(m.Payload), "%d in session %d", &phase, &session); err != nil || phase > 1 {
				t.Fatalf("presence %q", m.Payload)
			}
			if phase == 1 && session > 1 { // each attempt to connect is a session
				return
			}
		case <-deadline:
			t.Fatalf("no birth in %v", patience)
		}
	}
}

func testComesBack(t *testing.T, b Broker) {
	l := b.open(t, "cs-a", link.Options{}, "cs/v1/1/a/down")
	for last := uint64(1); last < 20; {
		b.Cut()
		down := Next[link.Down](t, l)
		if down.Err == nil {
			t.Error("down, and no reason")
		}
		if err := l.Publish("cs/v1/1/a/down", nil, false); !errors.Is(err, link.ErrDown) {
			t.Fatalf("publish while down: %v, want ErrDown", err)
		}
		b.Mend()
		up := Next[link.Up](t, l)
		if up.Generation <= down.Generation {
			t.Fatalf("generation %d after %d", up.Generation, down.Generation)
		}
		publish(t, l, "cs/v1/1/a/down", "here again", false)
		if m := expect(t, l, "cs/v1/1/a/down", "here again"); m.Generation != up.Generation {
			t.Errorf("a message of generation %d in %d", m.Generation, up.Generation)
		}
		last += 7
	}
}

func testSlow(t *testing.T, b Broker) {
	slow := b.open(t, "cs-slow", link.Options{Inbox: 10}, "cs/v1/1/a/up")
	probe := b.open(t, "cs-probe", link.Options{}, "cs/v1/1/a/up")
	from := b.open(t, "cs-from", link.Options{})
	for i := range 300 {
		publish(t, from, "cs/v1/1/a/up", fmt.Sprint(i), false)
	}
	for i := range 300 {
		expect(t, probe, "cs/v1/1/a/up", fmt.Sprint(i))
	}
	// Ten wait and one may be in the link's hands; what is still on its way would
	// fill the place of what is read below.
	for deadline := time.Now().Add(patience); slow.Dropped() < 289; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("300 messages, an inbox of 10, and %d dropped", slow.Dropped())
		}
	}
	b.Cut()
	n := 0
	for deadline := time.After(patience); ; {
		select {
		case e := <-slow.Events():
			if _, is := e.(link.Down); is {
				if n == 0 || n > 20 {
					t.Errorf("%d messages read of an inbox of 10", n)
				}
				b.Mend()
				Next[link.Up](t, slow)
				return
			}
			n++
		case <-deadline:
			t.Fatal("no Down")
		}
	}
}
