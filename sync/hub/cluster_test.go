package hub_test

import (
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/sync/hub/broker"
	"coldstation/sync/hub/broker/brokertest"
	"coldstation/sync/link"
	"coldstation/sync/link/linktest"
)

// TestEmbedded is the story on the hub's own broker, at the end of a cable.
func TestEmbedded(t *testing.T) {
	b, err := broker.Start(t.Context(), broker.Options{Folder: t.TempDir(),
		Authenticate: func(broker.Visitor) (broker.Role, bool) { return broker.Role{Hub: true}, true }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	cable := linktest.NewCable(t, b.Addr())
	story(t, func(o link.Options) (link.Link, error) {
		o.Broker, o.LastRetry = cable.URL(), time.Second
		return link.Open(o)
	}, cable.Cut, cable.Mend)
}

// overPipes plays a story in a bubble, over a pipe in memory, and over the hub's own
// broker at the clock's own pace. settle is how long nothing must come of what was
// said last.
func overPipes(t *testing.T, play func(t *testing.T, dial dialer, settle time.Duration)) {
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { play(t, memory(link.NewMemory(1)), 10*time.Minute) })
	})
	t.Run("broker", func(t *testing.T) {
		b, err := broker.Start(t.Context(), broker.Options{Folder: t.TempDir(),
			Authenticate: func(broker.Visitor) (broker.Role, bool) { return broker.Role{Hub: true}, true }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { b.Close() })
		play(t, func(o link.Options) (link.Link, error) {
			o.Broker, o.LastRetry = "mqtt://"+b.Addr(), time.Second
			return link.Open(o)
		}, 5*time.Second)
	})
}

// TestNATS is the story on three nodes of NATS. The one that everybody is connected
// to is killed in the middle of it and does not come back.
func TestNATS(t *testing.T) {
	c := brokertest.NewCluster(t)
	story(t, func(o link.Options) (link.Link, error) {
		o.Broker, o.LastRetry = c.URLs(0), time.Second
		o.Subscriptions = slices.Clone(o.Subscriptions)
		for i := range o.Subscriptions {
			o.Subscriptions[i].QoS = 0
		}
		return link.Open(o)
	}, func() {
		c.Kill(0)
		if conn, err := net.Dial("tcp", c.Addr(0)); err == nil {
			conn.Close()
			t.Error("the node is still there")
		}
	}, func() {})
}
