package koha

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// pace is a bucket of tokens: each request takes one, and waits while there is
// none. Instead of counting it keeps the time at which the bucket would be full
// again.
type pace struct {
	every time.Duration // between tokens
	depth time.Duration // of the bucket

	mu   sync.Mutex
	full time.Time
}

func newPace(rate float64, burst int) *pace {
	every := time.Duration(float64(time.Second) / rate)
	return &pace{every: every, depth: every * time.Duration(burst)}
}

// wait takes a token.
func (p *pace) wait(ctx context.Context) error {
	p.mu.Lock()
	now := time.Now()
	if p.full.Before(now) {
		p.full = now
	}
	p.full = p.full.Add(p.every)
	delay := p.full.Add(-p.depth).Sub(now)
	p.mu.Unlock()
	return rest(ctx, delay)
}

// hold leaves the bucket empty for a time: Koha has asked for it, and it means
// everybody who asks.
func (p *pace) hold(delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if full := time.Now().Add(delay + p.depth - p.every); full.After(p.full) {
		p.full = full
	}
}

// rest sleeps, unless there is nothing to wait for.
func rest(ctx context.Context, delay time.Duration) error {
	if err := ctx.Err(); err != nil || delay <= 0 {
		return err
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// backOff is the wait before a further attempt, the first being 0: anything up to
// half a second, doubled each time, at most 30 s. The spread keeps many hubs that
// failed together from coming back together.
func backOff(attempt int) time.Duration {
	most := min(500*time.Millisecond<<min(attempt, 10), 30*time.Second)
	return rand.N(most) + 1
}

// retryAfter is the header of that name, in seconds or as a date.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
