package broker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/broker"
	"coldstation/sync/link"
	"coldstation/sync/link/linktest"
	"coldstation/sync/wire"
)

// door lets in the hub, and every station whose password is its name backwards.
func door(v broker.Visitor) (broker.Role, bool) {
	backwards := []byte(v.Name)
	for i, j := 0, len(backwards)-1; i < j; i, j = i+1, j-1 {
		backwards[i], backwards[j] = backwards[j], backwards[i]
	}
	ours := v.Name == "hub" || v.ClientID == "cs-"+v.Name
	return broker.Role{Hub: v.Name == "hub", Station: circ.StationID(v.Name)}, ours && v.Password == string(backwards)
}

func start(t *testing.T, folder string) *broker.Broker {
	t.Helper()
	b, err := broker.Start(t.Context(), broker.Options{Folder: folder, Authenticate: door, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// options are those of a link of the hub or a station to a broker at url.
func options(url, name, password string, filters ...string) link.Options {
	o := link.Options{Broker: url, ClientID: "cs-" + name, Username: name, Password: password,
		FirstRetry: 10 * time.Millisecond, LastRetry: 100 * time.Millisecond, Log: slog.New(slog.DiscardHandler)}
	for _, f := range filters {
		o.Subscriptions = append(o.Subscriptions, link.Subscription{Filter: f})
	}
	return o
}

func open(t *testing.T, o link.Options) link.Link {
	t.Helper()
	l, err := link.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func connect(t *testing.T, o link.Options) link.Link {
	t.Helper()
	l := open(t, o)
	linktest.Next[link.Up](t, l)
	return l
}

func publish(t *testing.T, l link.Link, topic, payload string, retain bool) {
	t.Helper()
	if err := l.Publish(topic, []byte(payload), retain); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, l link.Link, topic, payload string) {
	t.Helper()
	if m := linktest.Next[link.Message](t, l); m.Topic != topic || string(m.Payload) != payload {
		t.Fatalf("%s %q, want %s %q", m.Topic, m.Payload, topic, payload)
	}
}

// What a station says elsewhere than it may reaches nobody, not even later; and
// it stays connected, so that its next word, which it may say, follows.
func TestStationSpeaks(t *testing.T) {
	url := "mqtt://" + start(t, t.TempDir()).Addr()
	hub := connect(t, options(url, "hub", "buh", "cs/v1/#"))
	b := connect(t, options(url, "b", "b", wire.Topic("b", wire.Down), wire.HubState))
	a := connect(t, options(url, "a", "a"))
	for _, topic := range []string{
		wire.Topic("b", wire.Up), wire.Topic("b", wire.Birth), wire.Topic("b", wire.Down),
		wire.Topic("a", wire.Down), wire.HubState,
		"cs/v1/1/a/up", "cs/v1", "cs/v1/" + fmt.Sprint(wire.Shard("a")) + "/a/up/more",
		"$SYS/REQ/SERVER/PING", "$JS/API/STREAM/PURGE/$MQTT_rmsgs", "$MQTT/sub/x", "$MQTT/rmsgs/x", "x",
	} {
		publish(t, a, topic, "forbidden", false)
		publish(t, a, topic, "forbidden", true)
	}
	publish(t, a, wire.Topic("a", wire.Up), "event", false)
	publish(t, a, wire.Topic("a", wire.Birth), "here", true)
	expect(t, hub, wire.Topic("a", wire.Up), "event")
	expect(t, hub, wire.Topic("a", wire.Birth), "here")
	publish(t, hub, wire.Topic("b", wire.Down), "notice", false)
	publish(t, hub, wire.HubState, "hub here", true)
	expect(t, b, wire.Topic("b", wire.Down), "notice")
	expect(t, b, wire.HubState, "hub here")

	// What is kept is given to who comes later. The broker may miss to, when it was
	// kept within the same millisecond; who comes once more is given it then.
	want := map[string]string{wire.Topic("a", wire.Birth): "here", wire.HubState: "hub here"}
	got := map[string]string{}
	var l link.Link
	for i := 0; len(got) < len(want) && i < 20; i++ {
		late := options(url, "hub", "buh", "cs/v1/#")
		late.ClientID = fmt.Sprint("cs-late-", i)
		l = connect(t, late)
		publish(t, l, "cs/v1/mark", late.ClientID, false)
		for {
			m := linktest.Next[link.Message](t, l)
			if string(m.Payload) == late.ClientID { // what was kept comes before
				break
			}
			if m.Topic != "cs/v1/mark" {
				got[m.Topic] = string(m.Payload)
			}
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("kept: %v, want %v", got, want)
	}
	publish(t, hub, "cs/v1/end", "end", false)
	expect(t, l, "cs/v1/end", "end")
}

// A will is a publish like any other.
func TestStationsWill(t *testing.T) {
	b := start(t, t.TempDir())
	hub := connect(t, options("mqtt://"+b.Addr(), "hub", "buh", "cs/v1/#"))
	cable := linktest.NewCable(t, b.Addr())
	for _, c := range []struct {
		topic string
		heard bool
	}{{wire.Topic("b", wire.Birth), false}, {wire.Topic("a", wire.Birth), true}} {
		o := options(cable.URL(), "a", "a")
		o.Presence = link.Presence{Topic: c.topic, State: func(p link.Phase, _ uint64) []byte { return fmt.Append(nil, p) }}
		l := connect(t, o)
		if c.heard {
			expect(t, hub, c.topic, fmt.Sprint(link.Online))
		}
		cable.Cut()
		linktest.Next[link.Down](t, l)
		l.Close()
		cable.Mend()
		if c.heard {
			expect(t, hub, c.topic, fmt.Sprint(link.Offline))
		}
	}
}

// What a station may not hear it is refused, and the link says so rather than
// wait in silence.
func TestStationListens(t *testing.T) {
	url := "mqtt://" + start(t, t.TempDir()).Addr()
	for _, filter := range []string{
		"#", "cs/#", "cs/v1/+/+/down", "cs/v1/" + fmt.Sprint(wire.Shard("a")) + "/+/down",
		wire.Topic("b", wire.Down), wire.Topic("a", wire.Up), wire.Topic("b", wire.Up), "+/+/+/+/+",
		"$SYS/#", "$MQTT/#", "$MQTT/sub/+", "$JS/#",
	} {
		o := options(url, "a", "a", filter)
		refused := make(chan error, 10)
		o.Log = slog.New(faults{refused})
		l := open(t, o)
		for err, late := error(nil), time.After(20*time.Second); !errors.Is(err, link.ErrDenied); {
			select {
			case err = <-refused: // or an end of connection, when it came back too soon
			case e := <-l.Events():
				t.Fatalf("%s: %T, want no connection", filter, e)
			case <-late:
				t.Fatalf("%s: neither granted nor refused; last: %v", filter, err)
			}
		}
		l.Close()
	}
}

// faults are the errors that a link logs.
type faults struct{ to chan<- error }

func (f faults) Enabled(context.Context, slog.Level) bool { return true }
func (f faults) WithAttrs([]slog.Attr) slog.Handler       { return f }
func (f faults) WithGroup(string) slog.Handler            { return f }
func (f faults) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if err, is := a.Value.Any().(error); is {
			select {
			case f.to <- err:
			default:
			}
		}
		return true
	})
	return nil
}

// A payload over the limit ends its sender's connection and nobody else's.
func TestTooLarge(t *testing.T) {
	url := "mqtt://" + start(t, t.TempDir()).Addr()
	hub := connect(t, options(url, "hub", "buh", wire.AnyTopic(-1, wire.Up)))
	a := connect(t, options(url, "a", "a"))
	publish(t, a, wire.Topic("a", wire.Up), strings.Repeat("x", broker.MaxPayload), false)
	if m := linktest.Next[link.Message](t, hub); len(m.Payload) != broker.MaxPayload {
		t.Errorf("%d bytes, want %d", len(m.Payload), broker.MaxPayload)
	}
	publish(t, a, wire.Topic("a", wire.Up), strings.Repeat("x", broker.MaxPayload+16<<10), false)
	linktest.Next[link.Down](t, a)
	linktest.Next[link.Up](t, a)
	publish(t, a, wire.Topic("a", wire.Up), "small", false)
	expect(t, hub, wire.Topic("a", wire.Up), "small")
}

// A broker that is started again knows nothing of before, and takes everybody
// back.
func TestRestart(t *testing.T) {
	folder := t.TempDir()
	for i := range 3 {
		b := start(t, folder)
		url := "mqtt://" + b.Addr()
		hub := options(url, "hub", "buh")
		hub.Subscriptions = []link.Subscription{{Filter: wire.AnyTopic(-1, wire.Birth), QoS: 1}}
		here := connect(t, hub)
		a := connect(t, options(url, "a", "a"))
		publish(t, a, wire.Topic("a", wire.Birth), fmt.Sprint("state ", i), true)
		expect(t, here, wire.Topic("a", wire.Birth), fmt.Sprint("state ", i))
		if err := b.Close(); err != nil { // with everybody still there
			t.Fatal(err)
		}
		if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
			t.Fatalf("left behind: %v %v", left, err)
		}
	}
}

func TestNobodyToAsk(t *testing.T) {
	if b, err := broker.Start(t.Context(), broker.Options{}); err == nil {
		b.Close()
		t.Error("an open door by default")
	}
}

func TestPortTaken(t *testing.T) {
	b := start(t, t.TempDir())
	second, err := broker.Start(t.Context(), broker.Options{Listen: b.Addr(), Folder: t.TempDir(), Authenticate: door, Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		second.Close()
		t.Error("two brokers on one port")
	}
}
