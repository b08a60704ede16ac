package m3_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/m3"
	"coldstation/rfid/rfidtest"
	"coldstation/rfid/sim"
)

func driver(o m3.Options) rfidtest.Driver {
	return rfidtest.Driver{Protocol: "3m", New: func(p rfid.Port) rfid.Reader { return m3.New(p, o) }, Limit: 2700 * time.Millisecond}
}

func TestReader(t *testing.T) {
	t.Run("as delivered", func(t *testing.T) { rfidtest.Run(t, driver(m3.Options{})) })
	t.Run("tags listed twice, few blocks at once", func(t *testing.T) {
		d := driver(m3.Options{})
		d.Tune = func(dev sim.Device) { dev.(*sim.M3).Twice, dev.(*sim.M3).Read = true, 3 }
		rfidtest.Run(t, d)
	})
}

func TestStorm(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { rfidtest.Storm(t, driver(m3.Options{}), seed, 10_000) })
	}
}

func TestEAS(t *testing.T) {
	rfidtest.EAS(t, driver(m3.Options{EAS: true}), driver(m3.Options{}))
}

// A tag whose blocks are not of 4 bytes is refused, never misread.
func TestOtherBlockSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := sim.NewTable()
		chip := rfidtest.Item(1)
		chip.BlockSize = 8
		if err := table.Add(chip); err != nil {
			t.Fatal(err)
		}
		p := rfidtest.Lay(t, driver(m3.Options{}), table, nil)
		if got, err := p.Reader.(rfid.Memory).ReadBlocks(chip.UID, 0, 4, nil); !errors.Is(err, rfid.ErrUnsupported) || got != nil {
			t.Errorf("got % X, %v, want %v", got, err, rfid.ErrUnsupported)
		}
	})
}

func TestProbe(t *testing.T) {
	rfidtest.Probe(t, driver(m3.Options{}), m3.Probe, "3M 210 or 810, software 5.0.2", "feig", "rl866")
}
