package rfidtest

import (
	"testing"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/sim"
)

// Inventory is a round to measure: a driver against its simulated reader on a
// line of real speed.
type Inventory struct {
	Driver
	Baud int // 0 means the protocol's own
	Tags int // on the pad

	// Pause is what the protocol demands for each request, Round for each round,
	// besides the bytes' time and the chips'.
	Pause, Round time.Duration
}

// BenchInventory is the time of a round divided by the least it can take: what
// its bytes need on the line, the chips on the air, and the pauses that the
// protocol demands. The first round, which brings the line into step, does not
// count.
func BenchInventory(b *testing.B, v Inventory) (ratio float64) {
	line, err := sim.NewLine(v.Protocol, v.table(b, v.Tags))
	if err != nil {
		b.Fatal(err)
	}
	if v.Tune != nil {
		v.Tune(line.Device)
	}
	if v.Baud == 0 {
		v.Baud = sim.Protocols[v.Protocol].Baud
	}
	air := &airtime{Device: line.Device}
	if talker, ok := line.Device.(sim.Talker); ok {
		line.Device = struct {
			*airtime
			speaker
		}{air, talker}
	} else {
		line.Device = air
	}
	line.Baud = v.Baud
	host, far := sim.Pipe()
	served := make(chan struct{})
	go func() { line.Serve(far); close(served) }()
	port := &clocked{Port: host}
	r := v.New(port)
	tags := make([]rfid.Tag, 0, v.Tags)
	round := func() {
		if tags, err = r.Inventory(tags[:0]); err != nil || len(tags) != v.Tags {
			b.Fatalf("got %d tags, %v", len(tags), err)
		}
	}
	round()
	port.bytes, port.requests, air.total = 0, 0, 0
	for b.Loop() {
		round()
	}
	took := b.Elapsed()
	r.Close()
	<-served
	least := time.Duration(port.bytes*line.Bits)*time.Second/time.Duration(v.Baud) + air.total +
		time.Duration(port.requests)*v.Pause + time.Duration(b.N)*v.Round
	ratio = float64(took) / float64(least)
	b.ReportMetric(ratio, "ratio")
	return ratio
}

// clocked counts the bytes and the requests that pass a port.
type clocked struct {
	rfid.Port
	bytes, requests int
}

func (c *clocked) Write(p []byte) (int, error) {
	c.bytes += len(p)
	c.requests++
	return c.Port.Write(p)
}

func (c *clocked) Read(p []byte) (int, error) {
	n, err := c.Port.Read(p)
	c.bytes += n
	return n, err
}

// airtime adds up what a simulated reader says its answers take.
type airtime struct {
	sim.Device
	total time.Duration
}

func (a *airtime) Answer(dst, request []byte, m sim.Moment) ([]byte, time.Duration) {
	out, air := a.Device.Answer(dst, request, m)
	a.total += air
	return out, air
}

// speaker is what makes a Device a sim.Talker.
type speaker interface {
	Speak(dst []byte, now time.Time) ([]byte, time.Time)
}

// Echo is a port whose far end answers at once, and from its second round on from
// memory, so that what a round allocates is the driver's alone.
type Echo struct {
	Device sim.Device

	answers map[string][]byte
	ready   []byte
}

// Write carries out what it is sent, or finds the answer given before to the same.
func (e *Echo) Write(p []byte) (int, error) {
	if answer, known := e.answers[string(p)]; known {
		e.ready = answer
		return len(p), nil
	}
	if e.answers == nil {
		e.answers = map[string][]byte{}
	}
	var answer []byte
	for rest := p; len(rest) > 0; {
		n := e.Device.Frame(rest)
		if n <= 0 {
			break
		}
		answer, _ = e.Device.Answer(answer, rest[:n], sim.Moment{})
		rest = rest[n:]
	}
	e.answers[string(p)], e.ready = answer, answer
	return len(p), nil
}

func (e *Echo) Read(p []byte) (n int, err error) {
	if len(e.ready) == 0 {
		return 0, rfid.ErrTimeout
	}
	n = copy(p, e.ready)
	e.ready = e.ready[n:]
	return n, nil
}

func (e *Echo) SetReadDeadline(time.Time) error { return nil }
func (e *Echo) Close() error                    { return nil }

// AllocatesNothing demands that an inventory of that many tags costs no memory
// once the reader has been used.
func AllocatesNothing(t *testing.T, r rfid.Reader, want int) {
	t.Helper()
	tags := make([]rfid.Tag, 0, want)
	round := func() {
		for range 2 { // a protocol may count its requests by turns
			var err error
			if tags, err = r.Inventory(tags[:0]); err != nil || len(tags) != want {
				t.Fatalf("got %d tags, %v, want %d", len(tags), err, want)
			}
		}
	}
	round()
	if allocs := testing.AllocsPerRun(20, round); allocs != 0 {
		t.Errorf("an inventory: got %v allocations, want 0", allocs/2)
	}
}
