package link

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
)

// Memory is a broker inside the process: a pipe that can lose, double, reorder
// and cut. Without such faults it delivers at once, on the publisher's goroutine.
type Memory struct {
	mu       sync.Mutex
	random   *rand.Rand
	faults   Faults
	cut      bool
	links    []*memory
	retained map[string][]byte
	late     []delivery // overtaken, until another message has passed
}

// Faults are chances from 0 to 1 that a message is lost, doubled, or overtaken
// by the next.
type Faults struct{ Lose, Double, Reorder float64 }

type delivery struct {
	to *memory
	m  Message
}

// NewMemory makes a broker whose faults follow from seed.
func NewMemory(seed uint64) *Memory {
	return &Memory{random: rand.New(rand.NewPCG(seed, 0)), retained: make(map[string][]byte)}
}

// Fail sets the faults from now on.
func (b *Memory) Fail(f Faults) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = f
}

// Cut takes every link down until Mend. Presences become Offline.
func (b *Memory) Cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cut = true
	for _, l := range b.links {
		b.drop(l, errCut)
	}
}

// Mend lets every link up again.
func (b *Memory) Mend() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cut = false
	for _, l := range b.links {
		b.lift(l)
	}
}

var errCut = errors.New("cut")

// Open makes a link to b. Of two links with one client id the newer one stays.
func (b *Memory) Open(o Options) Link {
	o = o.filled()
	l := &memory{broker: b, options: o, inbox: newInbox(o.Inbox)}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, other := range b.links {
		if other.options.ClientID == o.ClientID {
			b.drop(other, errors.New("another link has this client id"))
		}
	}
	b.links = append(b.links, l)
	b.lift(l)
	return l
}

func (b *Memory) lift(l *memory) {
	if b.cut || l.generation != 0 {
		return
	}
	l.generation = l.inbox.begin()
	l.inbox.opened(l.generation)
	for topic, payload := range b.retained {
		if l.wants(topic) {
			l.inbox.message(Message{l.generation, topic, slices.Clone(payload), true})
		}
	}
	b.announce(l, Online)
}

func (b *Memory) drop(l *memory, err error) {
	if l.generation == 0 {
		return
	}
	l.inbox.lost(l.generation, err)
	b.announce(l, Offline)
	l.generation = 0
}

func (b *Memory) announce(l *memory, p Phase) {
	if s := l.options.Presence; s.Topic != "" {
		b.publish(s.Topic, s.State(p, l.generation), true)
	}
}

func (b *Memory) publish(topic string, payload []byte, retain bool) {
	if retain {
		b.retained[topic] = payload
	}
	for _, l := range b.links {
		if l.generation == 0 || !l.wants(topic) {
			continue
		}
		m := Message{l.generation, topic, slices.Clone(payload), false}
		switch chance := b.random.Float64(); {
		case chance < b.faults.Lose:
			continue
		case chance < b.faults.Lose+b.faults.Double:
			l.inbox.message(m)
		case chance < b.faults.Lose+b.faults.Double+b.faults.Reorder:
			b.late = append(b.late, delivery{l, m})
			continue
		}
		l.inbox.message(m)
		b.late = slices.DeleteFunc(b.late, func(d delivery) bool {
			if d.to == l {
				l.inbox.message(d.m)
			}
			return d.to == l
		})
	}
}

// memory is a link to a Memory.
type memory struct {
	broker     *Memory
	options    Options
	inbox      *inbox
	generation uint64 // 0 when down
	closed     bool
}

var _ Link = (*memory)(nil)

func (l *memory) Events() <-chan Event { return l.inbox.out }
func (l *memory) Dropped() uint64      { return l.inbox.drops() }

func (l *memory) Publish(topic string, payload []byte, retain bool) error {
	l.broker.mu.Lock()
	defer l.broker.mu.Unlock()
	if l.generation == 0 {
		return ErrDown
	}
	l.broker.publish(topic, payload, retain)
	return nil
}

func (l *memory) Close() error {
	b := l.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	if l.generation != 0 {
		b.announce(l, Asleep)
	}
	b.links = slices.DeleteFunc(b.links, func(o *memory) bool { return o == l })
	l.inbox.close()
	return nil
}

func (l *memory) wants(topic string) bool {
	return slices.ContainsFunc(l.options.Subscriptions, func(s Subscription) bool { return matches(s.Filter, topic) })
}

// matches is MQTT 3.1.1 section 4.7: '+' is one level, '#' all that remain.
func matches(filter, topic string) bool {
	f, t := strings.Split(filter, "/"), strings.Split(topic, "/")
	for i, level := range f {
		switch {
		case level == "#":
			return true
		case i >= len(t), level != "+" && level != t[i]:
			return false
		}
	}
	return len(f) == len(t)
}
