package m3_test

import (
	"fmt"
	"testing"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/m3"
	"coldstation/rfid/rfidtest"
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
			line, _ := sim.NewLine("3m", rfidtest.Table(b, n))
			air := &airtime{Device: line.Device}
			line.Device, line.Baud = air, 19200
			host, far := sim.Pipe()
			served := make(chan struct{})
			go func() { line.Serve(far); close(served) }()
			port := &clocked{Port: host}
			r := m3.New(port, m3.Options{})
			tags := make([]rfid.Tag, 0, n)
			for b.Loop() {
				var err error
				if tags, err = r.Inventory(tags[:0]); err != nil || len(tags) != n {
					b.Fatalf("got %d tags, %v", len(tags), err)
				}
			}
			took := b.Elapsed()
			r.Close()
			<-served
			least := time.Duration(port.bytes*line.Bits)*time.Second/19200 + air.total
			ratio := float64(took) / float64(least)
			b.ReportMetric(ratio, "ratio")
			if b.N > 1 {
				fmt.Printf("ratio inventory-3m-%d %.3f\n", n, ratio)
			}
		})
	}
}

// echo answers every request at once from memory, without allocating.
type echo struct {
	rfid.Port
	answer, ready []byte
}

func (e *echo) Write(p []byte) (int, error)     { e.ready = e.answer; return len(p), nil }
func (e *echo) Read(p []byte) (int, error)      { return copy(p, e.ready), nil }
func (e *echo) SetReadDeadline(time.Time) error { return nil }

func TestInventoryAllocatesNothing(t *testing.T) {
	request := []byte{0xD6, 0x00, 0x05, 0xFE, 0x00, 0x07, 0xDA, 0x02}
	answer, _ := sim.NewM3(rfidtest.Table(t, 5)).Answer(nil, request, sim.Moment{})
	r := m3.New(&echo{answer: answer}, m3.Options{})
	tags := make([]rfid.Tag, 0, 8)
	allocs := testing.AllocsPerRun(20, func() {
		var err error
		if tags, err = r.Inventory(tags[:0]); err != nil || len(tags) != 5 {
			t.Fatalf("got %d tags, %v", len(tags), err)
		}
	})
	if allocs != 0 {
		t.Errorf("an inventory: got %v allocations, want 0", allocs)
	}
}
