package stage

import (
	"io"
	"net"
	"sync"
)

// Cable is a network connection that can be pulled: it carries TCP from its own
// address to another, and when it is cut every connection dies and new ones
// are refused, as when a router loses power.
type Cable struct {
	addr, to string

	mu    sync.Mutex
	open  net.Listener
	conns map[net.Conn]bool
}

// Connect lays a cable from a free loopback address to the address to.
func Connect(to string) (*Cable, error) {
	addr, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	c := &Cable{addr: addr, to: to, conns: make(map[net.Conn]bool)}
	return c, c.Heal()
}

// Addr is the cable's near end.
func (c *Cable) Addr() string { return c.addr }

// Heal plugs the cable in.
func (c *Cable) Heal() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open != nil {
		return nil
	}
	l, err := net.Listen("tcp", c.addr)
	if err != nil {
		return err
	}
	c.open = l
	go c.accept(l)
	return nil
}

// Cut pulls the cable.
func (c *Cable) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open != nil {
		c.open.Close()
		c.open = nil
	}
	for conn := range c.conns {
		conn.Close()
	}
	clear(c.conns)
}

func (c *Cable) accept(l net.Listener) {
	for {
		near, err := l.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", c.to)
		if err != nil {
			near.Close()
			continue
		}
		c.mu.Lock()
		if c.open != l {
			c.mu.Unlock()
			near.Close()
			far.Close()
			return
		}
		c.conns[near], c.conns[far] = true, true
		c.mu.Unlock()
		go c.carry(near, far)
		go c.carry(far, near)
	}
}

func (c *Cable) carry(from, to net.Conn) {
	io.Copy(to, from) //nolint:errcheck // a connection that breaks is what a cable is for
	from.Close()
	to.Close()
	c.mu.Lock()
	delete(c.conns, from)
	delete(c.conns, to)
	c.mu.Unlock()
}
