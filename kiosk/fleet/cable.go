package fleet

import (
	"net"
	"sync"
	"time"
)

// cable carries TCP from its own address to another. It can be cut; either way of
// it can be stopped, which its ends do not notice until they miss an answer; and
// it can be slow.
type cable struct {
	to       string
	listener net.Listener

	mu      sync.Mutex
	cut     bool
	stopped [2]bool // toward the far end, toward the near end
	delay   time.Duration
	changed chan struct{} // closed and replaced when any of these changes
	conns   map[net.Conn]bool
}

// lay lays a cable from a free loopback address.
func lay(to string) (*cable, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &cable{to: to, listener: l, changed: make(chan struct{}), conns: make(map[net.Conn]bool)}
	go c.accept()
	return c, nil
}

// addr is the near end, as host:port.
func (c *cable) addr() string { return c.listener.Addr().String() }

// close takes the cable away.
func (c *cable) close() {
	c.listener.Close()
	c.pull()
}

func (c *cable) change(to func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	to()
	close(c.changed)
	c.changed = make(chan struct{})
}

// pull cuts the cable: all connections die, and new ones too.
func (c *cable) pull() {
	c.change(func() {
		c.cut = true
		for conn := range c.conns {
			conn.Close()
		}
		clear(c.conns)
	})
}

// stop lets nothing more through in one way or both, and keeps all connections.
func (c *cable) stop(far, near bool) { c.change(func() { c.stopped = [2]bool{far, near} }) }

// slow holds everything up by d.
func (c *cable) slow(d time.Duration) { c.change(func() { c.delay = d }) }

// heal ends all faults. What was held up comes through.
func (c *cable) heal() {
	c.change(func() { c.cut, c.stopped, c.delay = false, [2]bool{}, 0 })
}

func (c *cable) accept() {
	for {
		near, err := c.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", c.to)
		if err != nil || !c.keep(near, far) {
			near.Close()
			if far != nil {
				far.Close()
			}
			continue
		}
		go c.carry(near, far, 0)
		go c.carry(far, near, 1)
	}
}

func (c *cable) keep(conns ...net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range conns {
		if !c.cut {
			c.conns[conn] = true
		}
	}
	return !c.cut
}

func (c *cable) carry(from, to net.Conn, way int) {
	defer func() {
		from.Close()
		to.Close()
		c.mu.Lock()
		delete(c.conns, from)
		delete(c.conns, to)
		c.mu.Unlock()
	}()
	buffer := make([]byte, 4<<10)
	for {
		n, err := from.Read(buffer)
		c.wait(way)
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// wait is how long a piece is held up: for the delay, and while its way is stopped.
func (c *cable) wait(way int) {
	var late time.Time
	for {
		c.mu.Lock()
		stopped, delay, changed := c.stopped[way] && !c.cut, c.delay, c.changed
		c.mu.Unlock()
		if !stopped && delay == 0 {
			return
		}
		if late.IsZero() {
			late = time.Now()
		}
		if stopped {
			<-changed
			continue
		}
		rest := time.NewTimer(time.Until(late.Add(delay)))
		select {
		case <-rest.C:
			return
		case <-changed:
			rest.Stop()
		}
	}
}
