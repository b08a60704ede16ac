package web

import (
	"net/netip"
	"sync"
	"time"
)

// tries counts wrong sign-ins, so that nobody can guess for long, and nobody can
// lock out everybody. Three things wait for a quarter of an hour after too many:
//
//	5    one account from one address
//	30   one address, whatever the account; not the hub's own machine, behind whose
//	     address a proxy may hide everybody
//	100  one account, whatever the address, except from where it was opened before
//
// What is counted is in memory: it ends with the program, and each of several hubs
// counts for itself.
type tries struct {
	mu   sync.Mutex
	of   map[try]count
	good map[try]time.Time
}

// try is an account and where from; one of the two may be empty.
type try struct{ account, address string }

type count struct {
	n     int
	began time.Time
}

const (
	triesWindow = 15 * time.Minute
	triesKept   = 100_000 // of counts, so that a flood of names cannot fill the memory
	knownFor    = 90 * 24 * time.Hour
)

func most(t try) int {
	switch {
	case t.account == "":
		return 30
	case t.address == "":
		return 100
	}
	return 5
}

// add counts a try in the window that it falls into.
func (c count) add(now time.Time) count {
	if now.Sub(c.began) >= triesWindow {
		return count{n: 1, began: now}
	}
	c.n++
	return c
}

// waits is how long nothing is let through after most tries; 0 when it is.
func (c count) waits(now time.Time, most int) time.Duration {
	if c.n < most {
		return 0
	}
	return max(0, triesWindow-now.Sub(c.began))
}

// network is what somebody with an address can change at will, made one.
func network(address string) string {
	if ip, err := netip.ParseAddr(address); err == nil && ip.Is6() && !ip.Is4In6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.String()
		}
	}
	return address
}

// keys are what a try counts against.
func (t *tries) keys(account, address string, now time.Time) []try {
	from := network(address)
	keys := []try{{account, from}}
	if !loopback(address) {
		keys = append(keys, try{"", from})
	}
	if at, opened := t.good[try{account, from}]; !opened || now.Sub(at) > knownFor {
		keys = append(keys, try{account, ""})
	}
	return keys
}

// take counts a try as a wrong one before it is known to be, so that many at once
// gain nothing, and answers how long it must wait; then it did not count.
func (t *tries) take(account, address string, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil || len(t.of) > triesKept {
		t.forget(now)
	}
	keys := t.keys(account, address, now)
	for _, key := range keys {
		if wait := t.of[key].waits(now, most(key)); wait > 0 {
			return wait
		}
	}
	for _, key := range keys {
		t.of[key] = t.of[key].add(now)
	}
	return 0
}

// right says that the try was right after all.
func (t *tries) right(account, address string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, key := range t.keys(account, address, now) {
		c := t.of[key]
		c.n = max(0, c.n-1)
		t.of[key] = c
	}
	pair := try{account, network(address)}
	delete(t.of, pair)
	t.good[pair] = now
}

// forget drops what is over.
func (t *tries) forget(now time.Time) {
	kept := make(map[try]count)
	for key, c := range t.of {
		if now.Sub(c.began) < triesWindow && len(kept) < triesKept/2 {
			kept[key] = c
		}
	}
	good := make(map[try]time.Time)
	for key, at := range t.good {
		if now.Sub(at) < knownFor {
			good[key] = at
		}
	}
	t.of, t.good = kept, good
}
