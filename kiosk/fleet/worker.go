package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"sync"
)

// worker is a part that is started again after it was killed.
type worker struct {
	role, name string
	spawn      Spawn
	orders     func(life int) any // the first
	hear       func(word)
	ended      func(name, why string) // nobody killed it

	failing sync.Mutex // one killing at a time

	mu     sync.Mutex
	life   int
	part   *Part // nil: there is none
	killed bool
	gone   chan struct{} // closed when the part's last word was heard
}

func (w *worker) start() error {
	part, err := w.spawn(w.role)
	if err != nil {
		return fmt.Errorf("start %s: %w", w.name, err)
	}
	w.mu.Lock()
	life, gone := w.life, make(chan struct{})
	w.life, w.part, w.gone, w.killed = life+1, &part, gone, false
	w.mu.Unlock()
	go w.listen(part, gone)
	w.tell(w.orders(life))
	return nil
}

func (w *worker) listen(part Part, gone chan struct{}) {
	in := json.NewDecoder(part.Words)
	var last string
	for {
		var said word
		if in.Decode(&said) != nil { // io.EOF, or cut off in the middle of a word
			break
		}
		if said.Err != "" {
			last = said.Err
		}
		w.hear(said)
	}
	w.mu.Lock()
	killed := w.killed
	w.mu.Unlock()
	if !killed {
		w.ended(w.name, last)
	}
	close(gone)
}

// tell gives an order. One to a part that is gone is lost.
func (w *worker) tell(order any) {
	w.mu.Lock()
	part := w.part
	w.mu.Unlock()
	if part != nil {
		_ = json.NewEncoder(part.Orders).Encode(order)
	}
}

// kill ends the part at once.
func (w *worker) kill() {
	w.mu.Lock()
	part, gone := w.part, w.gone
	w.part, w.killed = nil, true
	w.mu.Unlock()
	if part != nil {
		part.Kill()
		part.Orders.Close()
		<-gone
	}
}

// stop lets the part end in its own way.
func (w *worker) stop() {
	w.mu.Lock()
	part, gone := w.part, w.gone
	w.part = nil
	w.mu.Unlock()
	if part != nil {
		part.Orders.Close()
		<-gone
	}
}

// wait reports whether the part ended by itself before ctx did.
func (w *worker) wait(ctx context.Context) bool {
	w.mu.Lock()
	gone := w.gone
	w.mu.Unlock()
	select {
	case <-gone:
		return true
	case <-ctx.Done():
		return false
	}
}

// split takes a broker's address apart.
func split(address string) (scheme, host string, err error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", "", fmt.Errorf("%q is no broker's address: want mqtt://host:port", address)
	}
	return u.Scheme, u.Host, nil
}
