package rl866_test

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/rfidtest"
	"coldstation/rfid/rl866"
	"coldstation/rfid/sim"
)

func driver(o rl866.Options) rfidtest.Driver {
	return rfidtest.Driver{Protocol: "rl866", New: func(p rfid.Port) rfid.Reader { return rl866.New(p, o) }, Limit: 3200 * time.Millisecond}
}

// tuned is a driver whose simulated reader is set up by f.
func tuned(f func(*sim.RL866)) rfidtest.Driver {
	d := driver(rl866.Options{})
	d.Tune = func(dev sim.Device) { f(dev.(*sim.RL866)) }
	return d
}

var kinds = map[string]rfidtest.Driver{
	"as delivered":             driver(rl866.Options{}),
	"strict, in small rounds":  tuned(func(r *sim.RL866) { r.Strict, r.Buffer = true, 2 }),
	"long answers":             tuned(func(r *sim.RL866) { r.Buffer = 100 }),
	"long answers, one by one": tuned(func(r *sim.RL866) { r.Buffer, r.Polite = 100, true }),
}

func TestReader(t *testing.T) {
	for name, d := range kinds {
		t.Run(name, func(t *testing.T) { rfidtest.Run(t, d) })
	}
}

func TestStorm(t *testing.T) {
	seed := uint64(0)
	for _, name := range []string{"as delivered", "strict, in small rounds", "long answers, one by one"} {
		seed++
		t.Run(name, func(t *testing.T) { rfidtest.Storm(t, kinds[name], seed, 10_000) })
	}
}

// The first request of a session is RESYNC; these meet the second.
func TestFaultsInStep(t *testing.T) {
	for _, f := range sim.Faults {
		if f == sim.Hang || f == sim.Late || f == sim.Move || f == sim.Lift {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			p := rfidtest.Lay(t, kinds["strict, in small rounds"], rfidtest.Table(t, 5), sim.NewSchedule(1, 0))
			for range 3 {
				if tags, err := p.Inventory(nil); err != nil || len(tags) != 5 {
					t.Errorf("%s: got %d tags, %v", f, len(tags), err)
				}
				_ = p.Faults.Fail(f)
			}
			if err := p.Reader.(rfid.Securer).WriteAFI(rfidtest.Item(1).UID, rfid.OnLoan); err != nil {
				t.Errorf("%s: %v", f, err)
			}
		})
	}
}

func TestEAS(t *testing.T) {
	rfidtest.EAS(t, driver(rl866.Options{EAS: true}), driver(rl866.Options{}))
}

// Tags with long blocks make answers of several frames and long lengths.
func TestLongBlocks(t *testing.T) {
	for name, d := range kinds {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				table := sim.NewTable()
				chip := rfidtest.Item(1)
				chip.BlockSize, chip.Memory = 32, bytes.Repeat([]byte("What is written here may be long."), 60)
				if err := table.Add(chip); err != nil {
					t.Fatal(err)
				}
				held, _ := table.Chip(chip.UID)
				m := rfidtest.Lay(t, d, table, nil).Reader.(rfid.Memory)
				if _, got, err := rfid.ReadMemory(m, chip.UID, 0, nil); err != nil || !bytes.Equal(got, held.Memory) {
					t.Errorf("got %d bytes, %v, want %d", len(got), err, len(held.Memory))
				}
				data := bytes.Repeat([]byte{7}, 32*5)
				if err := m.WriteBlocks(chip.UID, 1, 32, data); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestProbe(t *testing.T) {
	rfidtest.Probe(t, driver(rl866.Options{}), rl866.Probe, "RL866 family, node 01", "feig", "3m")
}

func Example() {
	host, far := sim.Pipe()
	table := sim.NewTable()
	_ = table.Add(rfidtest.Item(1))
	line, _ := sim.NewLine("rl866", table)
	go line.Serve(far)
	r := rl866.New(host, rl866.Options{})
	defer r.Close()
	tags, err := r.Inventory(nil)
	fmt.Println(tags[0].UID, err)
	// Output: E004015001010101 <nil>
}
