package sip2

import (
	"slices"
	"sync"
)

// Pool has one conversation for each account, so that each station is itself to
// the library system and its requests keep their order.
type Pool struct {
	settings Settings
	most     int

	mu     sync.Mutex
	conns  []*Conn // the last asked for first
	closed bool
}

// NewPool makes an empty one. Of more than most accounts, those not asked for
// longest hang up, if they are at rest, and dial again for their next request:
// library systems keep a process for each connection. 0 is no limit.
func NewPool(s Settings, most int) *Pool {
	return &Pool{settings: s, most: most}
}

// Conn is the account's conversation: the same one each time, until something of
// the account other than its name changes. Do not close it. Error: [ErrClosed].
func (p *Pool) Conn(a Account) (*Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	i := slices.IndexFunc(p.conns, func(c *Conn) bool { return c.account == a || a.Name != "" && c.account.Name == a.Name })
	var c *Conn
	if i >= 0 {
		c = p.conns[i]
		p.conns = slices.Delete(p.conns, i, i+1)
	}
	if c != nil && c.account != a {
		go c.Close() // it may be waiting for a reply
		c = nil
	}
	if c == nil {
		c = New(p.settings, a)
	}
	p.conns = slices.Insert(p.conns, 0, c)
	if p.most > 0 {
		for _, old := range p.conns[min(p.most, len(p.conns)):] {
			old.rest()
		}
	}
	return c, nil
}

// Close ends all conversations, each after its request under way.
func (p *Pool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.conns {
		c.Close()
	}
	return nil
}
