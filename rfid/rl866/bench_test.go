package rl866_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/rfidtest"
	"coldstation/rfid/rl866"
	"coldstation/rfid/sim"
)

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

// BenchmarkInventory prints the time of a round divided by what its bytes and the
// chips need.
func BenchmarkInventory(b *testing.B) {
	for _, n := range []int{1, 5, 20} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			line, _ := sim.NewLine("rl866", rfidtest.Table(b, n))
			air := &airtime{Device: line.Device}
			line.Device, line.Baud = air, 38400
			host, far := sim.Pipe()
			served := make(chan struct{})
			go func() { line.Serve(far); close(served) }()
			port := &clocked{Port: host}
			r := rl866.New(port, rl866.Options{})
			tags := make([]rfid.Tag, 0, n)
			if _, err := r.Inventory(tags); err != nil { // brings the line into step
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
			least := time.Duration(port.bytes*line.Bits)*time.Second/38400 + air.total
			ratio := float64(took) / float64(least)
			b.ReportMetric(ratio, "ratio")
			if b.N > 1 {
				fmt.Printf("ratio inventory-rl866-%d %.3f\n", n, ratio)
			}
		})
	}
}

// echo hands each request to a simulated reader and keeps the answers of one
// session of two requests, so that it can give them again without allocating.
type echo struct {
	rfid.Port
	device  sim.Device
	answers map[byte][]byte // by PCB
	ready   []byte
}

func (e *echo) Write(p []byte) (int, error) {
	answer, known := e.answers[p[3]]
	if !known || p[4] != 0x31 {
		answer, _ = e.device.Answer(nil, p, sim.Moment{})
		if p[4] == 0x31 {
			e.answers[p[3]] = answer
		}
	}
	e.ready = answer
	return len(p), nil
}

func (e *echo) Read(p []byte) (n int, err error) {
	if len(e.ready) == 0 {
		return 0, os.ErrDeadlineExceeded
	}
	n, e.ready = copy(p, e.ready), nil
	return n, nil
}
func (e *echo) SetReadDeadline(time.Time) error { return nil }

func TestInventoryAllocatesNothing(t *testing.T) {
	r := rl866.New(&echo{device: sim.NewRL866(rfidtest.Table(t, 5)), answers: map[byte][]byte{}}, rl866.Options{})
	tags := make([]rfid.Tag, 0, 8)
	allocs := testing.AllocsPerRun(20, func() {
		for range 2 { // both sequence numbers
			var err error
			if tags, err = r.Inventory(tags[:0]); err != nil || len(tags) != 5 {
				t.Fatalf("got %d tags, %v", len(tags), err)
			}
		}
	})
	if allocs != 0 {
		t.Errorf("an inventory: got %v allocations, want 0", allocs)
	}
}
