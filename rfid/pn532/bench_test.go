package pn532_test

import (
	"fmt"
	"testing"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/pn532"
	"coldstation/rfid/sim"
)

// echo answers a command at once from memory, without allocating.
type echo struct {
	device *sim.PN532
	ready  []byte
	fixed  bool // answer as the last time
}

func (e *echo) Write(p []byte) (int, error) {
	size := len(p)
	for n := 0; !e.fixed && len(p) > 0; p = p[n:] {
		if n = e.device.Frame(p); n <= 0 {
			break
		}
		e.ready, _ = e.device.Answer(e.ready[:0], p[:n], sim.Moment{})
	}
	return size, nil
}
func (e *echo) Read(p []byte) (int, error)      { return copy(p, e.ready), nil }
func (e *echo) SetReadDeadline(time.Time) error { return nil }
func (e *echo) Close() error                    { return nil }

func TestInventoryAllocatesNothing(t *testing.T) {
	table := sim.NewTable()
	if err := table.Add(card(1)); err != nil {
		t.Fatal(err)
	}
	e := &echo{device: sim.NewPN532(table)}
	r := pn532.New(e, pn532.Options{})
	tags := make([]rfid.Tag, 0, 2)
	round := func() {
		var err error
		if tags, err = r.Inventory(tags[:0]); err != nil || len(tags) != 1 {
			t.Fatalf("got %d tags, %v", len(tags), err)
		}
	}
	round()
	e.fixed = true
	if allocs := testing.AllocsPerRun(20, round); allocs != 0 {
		t.Errorf("an inventory: got %v allocations, want 0", allocs)
	}
}

// BenchmarkInventory prints the time of a round divided by what its bytes and the
// cards need.
func BenchmarkInventory(b *testing.B) {
	for _, n := range []int{1, 2} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			table := sim.NewTable()
			for i := range n {
				_ = table.Add(card(i + 1))
			}
			line, _ := sim.NewLine("pn532", table)
			line.Baud = 115200
			air := &airtime{PN532: line.Device.(*sim.PN532)}
			line.Device = air
			host, far := sim.Pipe()
			served := make(chan struct{})
			go func() { line.Serve(far); close(served) }()
			port := &clocked{Port: host}
			r := pn532.New(port, pn532.Options{})
			tags := make([]rfid.Tag, 0, n)
			if _, err := r.Inventory(tags); err != nil {
				b.Fatal(err)
			}
			port.bytes, air.total = 0, 0
			for b.Loop() {
				var err error
				if tags, err = r.Inventory(tags[:0]); err != nil || len(tags) != n {
					b.Fatalf("got %d tags, %v", len(tags), err)
				}
			}
			took := b.Elapsed()
			r.Close()
			<-served
			least := time.Duration(port.bytes*10)*time.Second/115200 + air.total
			if n > 1 { // the field is off for 6 ms
				least += time.Duration(b.N) * 6 * time.Millisecond
			}
			ratio := float64(took) / float64(least)
			b.ReportMetric(ratio, "ratio")
			if b.N > 1 {
				fmt.Printf("ratio inventory-pn532-%d %.3f\n", n, ratio)
			}
		})
	}
}

// airtime adds up what the simulated chip says its answers take.
type airtime struct {
	*sim.PN532
	total time.Duration
}

func (a *airtime) Answer(dst, request []byte, m sim.Moment) ([]byte, time.Duration) {
	out, air := a.PN532.Answer(dst, request, m)
	a.total += air
	return out, air
}

// clocked counts the bytes that pass a port.
type clocked struct {
	rfid.Port
	bytes int
}

func (c *clocked) Write(p []byte) (int, error) {
	c.bytes += len(p)
	return c.Port.Write(p)
}

func (c *clocked) Read(p []byte) (int, error) {
	n, err := c.Port.Read(p)
	c.bytes += n
	return n, err
}
