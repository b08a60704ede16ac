package fleet

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"coldstation/sync/link"
)

// loose is a link on which messages are lost, doubled and overtaken in either
// direction, as at a broker that restarts or fails over, until it is calm.
type loose struct {
	link.Link
	events chan link.Event
	closed chan struct{}
	once   sync.Once

	mu sync.Mutex
	up luck
}

func loosen(l link.Link, calm *atomic.Bool, seed1, seed2 uint64) link.Link {
	s := &loose{Link: l, events: make(chan link.Event), closed: make(chan struct{}), up: luck{calm: calm, random: rand.New(rand.NewPCG(seed1, seed2))}}
	go s.pump(luck{calm: calm, random: rand.New(rand.NewPCG(seed2, seed1))})
	return s
}

func (s *loose) Events() <-chan link.Event { return s.events }

func (s *loose) Close() error {
	s.once.Do(func() { close(s.closed) })
	return s.Link.Close()
}

// Publish takes a link that is down for one more way to lose a message.
func (s *loose) Publish(topic string, payload []byte, retain bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.up.carry(func() { _ = s.Link.Publish(topic, slices.Clone(payload), retain) })
	return nil
}

// pump passes on what comes. The ups and downs of a link keep their place, and
// what was held up by then is lost.
func (s *loose) pump(down luck) {
	defer close(s.events)
	for e := range s.Link.Events() {
		give := func() {
			select {
			case s.events <- e:
			case <-s.closed:
			}
		}
		if _, is := e.(link.Message); is {
			down.carry(give)
		} else {
			down.late = nil
			give()
		}
	}
}

// luck is what becomes of messages that go one way.
type luck struct {
	calm   *atomic.Bool
	random *rand.Rand
	late   func() // carries the message that the next one overtakes
}

// The share of messages, of 100.
const (
	losing     = 1
	doubling   = 4
	overtaking = 4
)

func (l *luck) carry(message func()) {
	chance := l.random.IntN(100)
	late := l.late
	l.late = nil
	switch {
	case l.calm.Load():
		message()
	case chance < losing:
	case chance < losing+doubling:
		message()
		message()
	case chance < losing+doubling+overtaking && late == nil:
		l.late = message
	default:
		message()
	}
	if late != nil {
		late()
	}
}
