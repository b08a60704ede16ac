package twn4_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/rfidtest"
	"coldstation/rfid/sim"
	"coldstation/rfid/twn4"
)

// echo answers a request at once, from memory once it is fixed.
type echo struct {
	device *sim.TWN4
	ready  []byte
	fixed  bool
}

func (e *echo) Write(p []byte) (int, error) {
	if !e.fixed {
		e.ready = e.ready[:0]
		if n := e.device.Frame(p); n > 0 {
			e.ready, _ = e.device.Answer(e.ready, p[:n], sim.Moment{})
		}
	}
	return len(p), nil
}
func (e *echo) Read(p []byte) (int, error)      { return copy(p, e.ready), nil }
func (e *echo) SetReadDeadline(time.Time) error { return nil }
func (e *echo) Close() error                    { return nil }

func TestInventoryAllocatesNothing(t *testing.T) {
	for _, v := range variants[:4] {
		e := &echo{device: sim.NewTWN4(rfidtest.Table(t, 1))}
		e.device.Binary, e.device.CRC = v.binary, v.crc
		r := twn4.New(e, twn4.Options{Format: v.format})
		tags := make([]rfid.Tag, 0, 1)
		round := func() {
			var err error
			if tags, err = r.Inventory(tags[:0]); err != nil || len(tags) != 1 {
				t.Fatalf("%v: got %d tags, %v", v.format, len(tags), err)
			}
		}
		round()
		e.fixed = true
		if allocs := testing.AllocsPerRun(20, round); allocs != 0 {
			t.Errorf("%v: an inventory: got %v allocations, want 0", v.format, allocs)
		}
	}
}

// BenchmarkInventory prints the time of a round divided by what its bytes and the
// tag need, on a serial line: over USB there is no such minimum.
func BenchmarkInventory(b *testing.B) {
	const baud = 9600
	for _, v := range variants[:4] {
		b.Run(v.format.String(), func(b *testing.B) {
			line, _ := sim.NewLine("twn4", rfidtest.Table(b, 1))
			device := line.Device.(*sim.TWN4)
			device.Binary, device.CRC = v.binary, v.crc
			air := &airtime{TWN4: device}
			line.Device, line.Baud = air, baud
			host, far := sim.Pipe()
			served := make(chan struct{})
			go func() { line.Serve(far); close(served) }()
			port := &clocked{Port: host}
			r := twn4.New(port, twn4.Options{Format: v.format})
			tags := make([]rfid.Tag, 0, 1)
			if _, err := r.Inventory(tags); err != nil {
				b.Fatal(err)
			}
			port.bytes, air.total = 0, 0
			for b.Loop() {
				var err error
				if tags, err = r.Inventory(tags[:0]); err != nil || len(tags) != 1 {
					b.Fatalf("got %d tags, %v", len(tags), err)
				}
			}
			took := b.Elapsed()
			r.Close()
			<-served
			least := time.Duration(port.bytes*10)*time.Second/baud + air.total
			ratio := float64(took) / float64(least)
			b.ReportMetric(ratio, "ratio")
			if b.N > 1 {
				fmt.Printf("ratio inventory-twn4-1-%s %.3f\n", strings.ReplaceAll(strings.ToLower(v.format.String()), " ", "-"), ratio)
			}
		})
	}
}

// airtime adds up what the simulated reader says its answers take.
type airtime struct {
	*sim.TWN4
	total time.Duration
}

func (a *airtime) Answer(dst, request []byte, m sim.Moment) ([]byte, time.Duration) {
	out, air := a.TWN4.Answer(dst, request, m)
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
