package registry

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	mostWrong  = 5                // wrong codes from one place
	forgetting = 10 * time.Minute // and how long they count
	mostPlaces = 4096             // that are remembered
)

// guard keeps those out who come too often or try one code after another. It is
// there to spare the hub work and its log; what keeps codes safe is their 80 bits.
type guard struct {
	mu    sync.Mutex
	open  int
	from  map[string]int   // open connections
	tries map[string]tries // wrong codes
}

type tries struct {
	wrong int
	since time.Time
}

func newGuard() *guard {
	return &guard{from: make(map[string]int), tries: make(map[string]tries)}
}

func (g *guard) enter(from string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open == most || g.from[from] == mostEach {
		return false
	}
	g.open++
	g.from[from]++
	return true
}

func (g *guard) leave(from string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	if g.from[from]--; g.from[from] == 0 {
		delete(g.from, from)
	}
}

func (g *guard) limited(from string, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.tries[from]
	return t.wrong >= mostWrong && now.Sub(t.since) < forgetting
}

func (g *guard) wrong(from string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.tries[from]
	if now.Sub(t.since) >= forgetting {
		t = tries{since: now}
	}
	t.wrong++
	if len(g.tries) >= mostPlaces { // of very many none is remembered, rather than all be kept out
		clear(g.tries)
	}
	g.tries[from] = t
}

// placeOf is an address as far as one person has it: an IPv6 network of 64 bits
// is one household's.
func placeOf(a net.Addr) string {
	address, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return a.String()
	}
	ip := address.Addr().Unmap()
	if ip.Is4() {
		return ip.String()
	}
	network, err := ip.Prefix(64)
	if err != nil {
		return ip.String()
	}
	return network.String()
}
