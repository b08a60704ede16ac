package link_test

import (
	"testing"
	"time"

	"coldstation/sync/hub/broker/brokertest"
	"coldstation/sync/link"
	"coldstation/sync/link/linktest"
)

// TestNATS: three nodes keep the contract, entered by one of them.
func TestNATS(t *testing.T) {
	linktest.Run(t, func(t *testing.T) linktest.Broker {
		return over(linktest.NewCable(t, brokertest.NewCluster(t).Addr(1)))
	})
}

// TestNodeKilled: the node that a link is connected to is gone for good, and the
// link is back at another, where others are heard as before.
func TestNodeKilled(t *testing.T) {
	c := brokertest.NewCluster(t)
	o := func(id string, first int, filters ...string) link.Options {
		o := link.Options{Broker: c.URLs(first), ClientID: id, FirstRetry: 20 * time.Millisecond, LastRetry: 200 * time.Millisecond}
		for _, f := range filters {
			o.Subscriptions = append(o.Subscriptions, link.Subscription{Filter: f}) // 0, as stations on NATS
		}
		return o
	}
	hub := open(t, o("cs-hub", 2, "cs/v1/+/+/up"))
	linktest.Next[link.Up](t, hub)
	l := open(t, o("cs-a", 0, "cs/v1/1/a/down"))
	linktest.Next[link.Up](t, l)
	c.Kill(0)
	linktest.Next[link.Down](t, l)
	began := time.Now()
	linktest.Next[link.Up](t, l)
	t.Logf("back after %v", time.Since(began))
	for _, say := range []struct {
		from, to link.Link
		topic    string
	}{{l, hub, "cs/v1/1/a/up"}, {hub, l, "cs/v1/1/a/down"}} {
		heard := false
		for deadline := time.Now().Add(20 * time.Second); !heard; { // the two that are left may be choosing a leader
			if time.Now().After(deadline) {
				t.Fatalf("nothing on %s", say.topic)
			}
			if err := say.from.Publish(say.topic, []byte("here"), false); err != nil {
				t.Fatal(err)
			}
			select {
			case e := <-say.to.Events():
				m, is := e.(link.Message)
				if heard = is && m.Topic == say.topic; !heard {
					t.Fatalf("%T %+v", e, e)
				}
			case <-time.After(500 * time.Millisecond):
			}
		}
	}
}
