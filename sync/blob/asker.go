package blob

import (
	"maps"
	"slices"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/wire"
)

// The limits of what is under way, and the clock of doing it again.
const (
	Window    = 4 // pieces asked for and not there
	firstRTO  = 3 * time.Second
	lastRTO   = 60 * time.Second
	firstRest = time.Minute // until a blob that was put off is asked for again
	lastRest  = 24 * time.Hour
)

// Asker asks for the blobs that a station lacks: a value that [Asker.Step]
// replaces. The zero Asker lacks nothing and has no connection.
type Asker struct {
	lacking []circ.BlobID // in the order in which they are asked for
	resting map[circ.BlobID]rest
	up      bool

	blob   circ.BlobID // asked for now; zero: none
	size   uint64      // 0: not known yet
	have   uint64      // bytes kept from its beginning
	next   uint64      // the next offset to ask for
	flying int         // pieces asked for
	back   bool        // went back to have already since the last progress
	rto    time.Duration
	due    time.Duration // when silence becomes too long; 0: never
}

// rest is how long a blob is put off.
type rest struct {
	long, until time.Duration
}

// Input is what can happen to an asker.
type Input interface{ input() }

type (
	// Up: there is a connection, or the hub came back on it.
	Up struct{}
	// Down: there is none.
	Down struct{}
	// Lacking says which blobs the station lacks now, the most wanted first.
	Lacking struct{ Blobs []circ.BlobID }
	// Arrived: a Piece came.
	Arrived struct{ wire.Piece }
	// Begun answers Begin.
	Begun struct {
		Blob circ.BlobID
		Have uint64 // bytes of it from an earlier time
	}
	// Done answers Finish: the blob is kept.
	Done struct{ Blob circ.BlobID }
	// Failed answers any effect that did not come about: of the blob nothing is
	// kept but perhaps its beginning.
	Failed struct{ Blob circ.BlobID }
	// Tick: time has passed.
	Tick struct{}
)

func (Up) input()      {}
func (Down) input()    {}
func (Lacking) input() {}
func (Arrived) input() {}
func (Begun) input()   {}
func (Done) input()    {}
func (Failed) input()  {}
func (Tick) input()    {}

// Effect is what an asker asks for: [Begin], [Send], [Write], [Finish] or [Drop].
type Effect interface{ effect() }

type (
	// Begin asks how much of a blob there is from an earlier time; answered by
	// Begun or Failed.
	Begin struct{ Blob circ.BlobID }
	// Send asks for a Want to be sent.
	Send struct{ wire.Want }
	// Write asks for a piece to be added to what there is, of which it is the
	// next; answered by Failed, or by nothing.
	Write struct{ wire.Piece }
	// Finish asks for the blob to be checked and kept; answered by Done or Failed.
	// Bytes that are wrong are dropped.
	Finish struct{ Blob circ.BlobID }
	// Drop asks for what there is of a blob to be dropped.
	Drop struct{ Blob circ.BlobID }
)

func (Begin) effect()  {}
func (Send) effect()   {}
func (Write) effect()  {}
func (Finish) effect() {}
func (Drop) effect()   {}

// Wake is when the next Tick is wanted, on the clock of Step; false for never.
func (a Asker) Wake() (time.Duration, bool) { return a.due, a.due != 0 }

// Step takes one input at now, a monotonic reading, and returns the asker as it is
// then and what it asks for, in order. The answer to an effect must be the next
// input.
func (a Asker) Step(now time.Duration, in Input) (Asker, []Effect) {
	switch in := in.(type) {
	case Up:
		a.up, a.rto = true, firstRTO
		return a.again(now)
	case Down:
		a.up, a.due = false, 0
	case Lacking:
		return a.lack(now, in.Blobs)
	case Begun:
		if in.Blob == a.blob {
			a.have = in.Have
			return a.again(now)
		}
	case Arrived:
		if in.Blob == a.blob && a.up {
			return a.arrived(now, in.Piece)
		}
	case Done:
		if in.Blob == a.blob {
			a.lacking = without(a.lacking, a.blob)
			a.resting = maps.Clone(a.resting)
			delete(a.resting, a.blob)
			a.blob = circ.BlobID{}
			return a.choose(now)
		}
	case Failed:
		if in.Blob == a.blob {
			return a.putOff(now, a.longer())
		}
	case Tick:
		switch {
		case a.due == 0 || now < a.due:
			return a, nil
		case a.blob.IsZero():
			return a.choose(now)
		case a.rto == lastRTO: // others may be answered
			return a.putOff(now, firstRest)
		}
		a.rto = min(2*a.rto, lastRTO)
		return a.again(now)
	}
	return a, nil
}

func without(all []circ.BlobID, one circ.BlobID) []circ.BlobID {
	return slices.DeleteFunc(slices.Clone(all), func(b circ.BlobID) bool { return b == one })
}

// lack goes on with the blob that is under way, if it is still lacking.
func (a Asker) lack(now time.Duration, blobs []circ.BlobID) (Asker, []Effect) {
	a.lacking = slices.Clone(blobs)
	resting := make(map[circ.BlobID]rest)
	for _, b := range blobs {
		if r, is := a.resting[b]; is {
			resting[b] = r
		}
	}
	a.resting = resting
	if slices.Contains(blobs, a.blob) {
		return a, nil
	}
	a.blob = circ.BlobID{}
	return a.choose(now)
}

// choose begins with the first blob that is not put off, or waits for one.
func (a Asker) choose(now time.Duration) (Asker, []Effect) {
	a.size, a.have, a.next, a.flying, a.back, a.rto, a.due = 0, 0, 0, 0, false, firstRTO, 0
	if !a.up {
		return a, nil
	}
	for _, b := range a.lacking {
		r, is := a.resting[b]
		if !is || r.until <= now {
			a.blob = b
			return a, []Effect{Begin{b}}
		}
		if a.due == 0 || r.until < a.due {
			a.due = r.until
		}
	}
	return a, nil
}

// longer is how long the blob is put off when it went wrong once more.
func (a Asker) longer() time.Duration {
	return max(firstRest, min(2*a.resting[a.blob].long, lastRest))
}

func (a Asker) putOff(now, long time.Duration) (Asker, []Effect) {
	a.resting = maps.Clone(a.resting)
	if a.resting == nil {
		a.resting = make(map[circ.BlobID]rest)
	}
	a.resting[a.blob] = rest{long, now + long}
	a.blob = circ.BlobID{}
	return a.choose(now)
}

// again asks for what is lacking and forgets what is under way.
func (a Asker) again(now time.Duration) (Asker, []Effect) {
	if a.blob.IsZero() {
		return a.choose(now)
	}
	a.flying, a.next, a.back = 0, a.have, false
	return a.fill(now)
}

// fill asks for as many pieces as may be under way; for one before the size is
// known.
func (a Asker) fill(now time.Duration) (Asker, []Effect) {
	if !a.up {
		return a, nil
	}
	var out []Effect
	for a.flying < Window && (a.next < a.size || a.size == 0 && a.flying == 0) {
		out = append(out, Send{wire.Want{Blob: a.blob, Offset: a.next}})
		a.flying, a.next = a.flying+1, a.next+wire.MaxPiece
	}
	a.due = now + a.rto
	return a, out
}

func (a Asker) arrived(now time.Duration, p wire.Piece) (Asker, []Effect) {
	switch {
	case p.Size == 0, a.size != 0 && p.Size != a.size, a.have > p.Size:
		dropped := a.blob
		a, out := a.putOff(now, a.longer())
		return a, append([]Effect{Drop{dropped}}, out...)
	case p.Offset < a.have: // once more
		return a, nil
	case p.Offset > a.have:
		if a.back {
			return a, nil
		}
		a, out := a.again(now)
		a.back = true
		return a, out
	}
	a.size, a.have = p.Size, a.have+uint64(len(p.Bytes))
	a.flying, a.back, a.rto = max(0, a.flying-1), false, firstRTO
	out := []Effect{Write{p}}
	if a.have == a.size {
		a.due = 0
		return a, append(out, Finish{a.blob})
	}
	if len(p.Bytes) < wire.MaxPiece { // not where the next was asked for
		a.flying, a.next = 0, a.have
	}
	a, more := a.fill(now)
	return a, append(out, more...)
}

// Carrier carries out what an asker asks for.
type Carrier interface {
	Begin(blob circ.BlobID) (have uint64, err error)
	Send(wire.Want) error
	Write(wire.Piece) error
	Finish(blob circ.BlobID) error
	Drop(blob circ.BlobID) error
}

// Ask gives a an input and all that follows from it, and has the carrier do what a
// asks for. The error is the first that the carrier answered; what failed is asked
// for again.
func Ask(a *Asker, clock func() time.Duration, to Carrier, in Input) (fault error) {
	for inputs := []Input{in}; len(inputs) > 0; {
		next, effects := a.Step(clock(), inputs[0])
		*a, inputs = next, inputs[1:]
		for _, effect := range effects {
			answer, err := carry(to, effect)
			if err != nil && fault == nil {
				fault = err
			}
			if answer != nil {
				inputs = append(inputs, answer)
			}
			if _, is := answer.(Failed); is {
				break // what was to follow from it does not
			}
		}
	}
	return fault
}

func carry(to Carrier, effect Effect) (answer Input, err error) {
	switch effect := effect.(type) {
	case Begin:
		have, err := to.Begin(effect.Blob)
		if err != nil {
			return Failed(effect), err
		}
		return Begun{effect.Blob, have}, nil
	case Send:
		return nil, to.Send(effect.Want) // lost, like any other
	case Write:
		if err := to.Write(effect.Piece); err != nil {
			return Failed{effect.Blob}, err
		}
	case Finish:
		if err := to.Finish(effect.Blob); err != nil {
			return Failed(effect), err
		}
		return Done(effect), nil
	case Drop:
		return nil, to.Drop(effect.Blob)
	}
	return nil, nil
}
