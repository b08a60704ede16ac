package link

import "sync"

// inbox holds events for a reader that may be slow. Messages beyond its limit
// are dropped and counted; an Up or a Down always finds room.
type inbox struct {
	limit int
	out   chan Event
	more  chan struct{} // holds one token when events came
	done  chan struct{}

	mu      sync.Mutex
	events  []Event
	dropped uint64

	generation uint64  // of the connection whose messages count
	up         bool    // its Up was put
	early      []Event // its messages before that
}

func newInbox(limit int) *inbox {
	in := &inbox{limit: limit, out: make(chan Event), more: make(chan struct{}, 1), done: make(chan struct{})}
	go in.pump()
	return in
}

// begin starts the next connection and returns its generation.
func (in *inbox) begin() uint64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.generation++
	in.up, in.early = false, nil
	return in.generation
}

// opened puts the Up of generation g and what came before it.
func (in *inbox) opened(g uint64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if g != in.generation || in.up {
		return
	}
	in.up = true
	in.put(Up{g})
	for _, e := range in.early {
		in.put(e)
	}
	in.early = nil
}

// lost puts the Down of generation g, if it ever was up.
func (in *inbox) lost(g uint64, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if g != in.generation || !in.up {
		return
	}
	in.up = false
	in.generation++ // stragglers of g count no more
	in.put(Down{g, err})
}

// message puts a message of generation m.Generation.
func (in *inbox) message(m Message) {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case m.Generation != in.generation:
	case len(in.events)+len(in.early) >= in.limit:
		in.dropped++
	case in.up:
		in.put(m)
	default:
		in.early = append(in.early, m)
	}
}

func (in *inbox) put(e Event) {
	in.events = append(in.events, e)
	select {
	case in.more <- struct{}{}:
	default:
	}
}

// close ends the pump; what was not read is gone. Call it once.
func (in *inbox) close() { close(in.done) }

func (in *inbox) drops() uint64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.dropped
}

// pump moves events to the reader until closed.
func (in *inbox) pump() {
	defer close(in.out)
	for {
		in.mu.Lock()
		for len(in.events) > 0 {
			e := in.events[0]
			in.mu.Unlock()
			select {
			case in.out <- e:
			case <-in.done:
				return
			}
			in.mu.Lock()
			in.events[0] = nil
			in.events = in.events[1:]
		}
		in.mu.Unlock()
		select {
		case <-in.more:
		case <-in.done:
			return
		}
	}
}
