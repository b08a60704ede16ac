// Package brokertest runs a cluster of brokers in the process of a test: three nodes
// of NATS with JetStream, which MQTT needs for what is retained and for quality 1.
package brokertest

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Cluster is three nodes of NATS in this process, each with a door for MQTT.
type Cluster struct {
	nodes [3]*server.Server
	mqtt  [3]int // ports
}

// NewCluster starts a cluster that ends with the test, and waits until it is ready.
func NewCluster(t *testing.T) *Cluster {
	t.Helper()
	c := &Cluster{}
	var routes []string
	var ports [3]int
	for i := range ports {
		ports[i], c.mqtt[i] = freePort(t), freePort(t)
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", ports[i]))
	}
	for i := range c.nodes {
		s, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprint("node-", i), Host: "127.0.0.1", Port: server.RANDOM_PORT,
			NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(), JetStreamMaxMemory: 32 << 20, JetStreamMaxStore: 256 << 20,
			MaxPayload: 1 << 20,
			Cluster:    server.ClusterOpts{Name: "library", Host: "127.0.0.1", Port: ports[i]},
			Routes:     server.RoutesFromStr(strings.Join(routes, ",")),
			MQTT:       server.MQTTOpts{Host: "127.0.0.1", Port: c.mqtt[i], AckWait: 5 * time.Second, MaxAckPending: 1024},
		})
		if err != nil {
			t.Fatal(err)
		}
		c.nodes[i] = s
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		go s.Start()
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		leader, ready := 0, 0
		for _, s := range c.nodes {
			if s.ReadyForConnections(time.Second) && s.JetStreamIsCurrent() {
				ready++
			}
			if s.JetStreamIsLeader() {
				leader++
			}
		}
		if leader == 1 && ready == 3 {
			return c
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d nodes are ready, %d lead", ready, leader)
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Addr is where node i speaks MQTT, as host:port.
func (c *Cluster) Addr(i int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(c.mqtt[i]))
}

// URLs are the ways in, for link.Options, beginning with node first.
func (c *Cluster) URLs(first int) string {
	var all []string
	for i := range c.nodes {
		all = append(all, "mqtt://"+c.Addr((first+i)%len(c.nodes)))
	}
	return strings.Join(all, ",")
}

// Kill ends node i for good.
func (c *Cluster) Kill(i int) {
	c.nodes[i].Shutdown()
	c.nodes[i].WaitForShutdown()
}
