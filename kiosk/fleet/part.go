package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// Part is a piece of the fleet that runs by itself and can be killed. It is given
// orders and answers words, each a line of JSON. It ends by itself after the last
// order, and when its orders are closed.
type Part struct {
	Orders io.WriteCloser
	Words  io.Reader // io.EOF when the part has ended
	Kill   func()    // as a power cut does; when it returns the part is gone
}

// Spawn starts a part that plays a role.
type Spawn func(role string) (Part, error)

// The roles.
const (
	crewRole = "crew"
	hubRole  = "hub"
)

// Play plays a role until it is over or ctx ends.
func Play(ctx context.Context, role string, orders io.Reader, words io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in, out := json.NewDecoder(orders), &mouth{to: json.NewEncoder(words)}
	var err error
	switch role {
	case crewRole:
		err = playCrew(ctx, cancel, in, out)
	case hubRole:
		err = playHub(ctx, cancel, in, out)
	default:
		err = fmt.Errorf("play %q: there is no such role", role)
	}
	if err != nil && ctx.Err() == nil {
		out.say(word{Err: err.Error()})
	}
	return err
}

// Inside spawns parts in this process. What is killed there ends in the middle of
// whatever it does, but it does close its files.
func Inside(role string) (Part, error) {
	ordersOut, ordersIn := io.Pipe()
	wordsOut, wordsIn := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = Play(ctx, role, ordersOut, wordsIn) // it was said as a word
		ordersOut.Close()
		wordsIn.Close()
	}()
	return Part{ordersIn, wordsOut, func() { cancel(); <-done }}, nil
}

// word is something that a part says.
type word struct {
	Ready   bool   `json:",omitempty"` // it has begun
	Station int    `json:",omitempty"`
	Visits  int    `json:",omitempty"` // the station's, that are over
	Seq     uint64 `json:",omitempty"` // of its last event then
	Chain   []byte `json:",omitempty"` // the running hash there
	Err     string `json:",omitempty"`
}

// mouth says words, several at once one after another.
type mouth struct {
	mu sync.Mutex
	to *json.Encoder
}

func (m *mouth) say(w word) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_ = m.to.Encode(w) // who no longer listens has killed us
}
