package linktest

import (
	"net"
	"sync"
	"testing"
)

// Cable is a TCP proxy between links and a broker that can be cut, and left
// hanging: connected, and silent.
type Cable struct {
	listener net.Listener
	broker   string

	mu      sync.Mutex
	cut     bool
	hanging chan struct{} // closed when it hangs
	over    chan struct{} // closed when it is cut
	conns   map[net.Conn]bool
}

// NewCable lays a cable to the broker at host:port, until the test ends.
func NewCable(t *testing.T, broker string) *Cable {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cable{listener: l, broker: broker, hanging: make(chan struct{}), over: make(chan struct{}), conns: make(map[net.Conn]bool)}
	t.Cleanup(func() {
		l.Close()
		c.Cut()
	})
	go c.accept()
	return c
}

// URL is the near end, for link.Options.
func (c *Cable) URL() string { return "mqtt://" + c.listener.Addr().String() }

// Cut ends all connections and lets no more through.
func (c *Cable) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		return
	}
	c.cut = true
	close(c.over)
	for conn := range c.conns {
		conn.Close()
	}
	clear(c.conns)
}

// Mend lets connections through again, after Cut.
func (c *Cable) Mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut, c.hanging, c.over = false, make(chan struct{}), make(chan struct{})
}

// Hang stops all traffic, and keeps connections open until Cut.
func (c *Cable) Hang() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.hanging)
}

func (c *Cable) accept() {
	for {
		near, err := c.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", c.broker)
		if err != nil || !c.keep(near, far) {
			near.Close()
			if far != nil {
				far.Close()
			}
			continue
		}
		go c.carry(near, far)
		go c.carry(far, near)
	}
}

func (c *Cable) keep(conns ...net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range conns {
		if !c.cut {
			c.conns[conn] = true
		}
	}
	return !c.cut
}

func (c *Cable) carry(from, to net.Conn) {
	c.mu.Lock()
	hanging, over := c.hanging, c.over
	c.mu.Unlock()
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		select {
		case <-hanging:
			<-over // neither read nor closed until then
			return
		default:
		}
		if _, e := to.Write(buffer[:n]); e != nil || err != nil {
			return
		}
	}
}
