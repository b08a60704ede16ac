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
	synctest.Test(t, func(t *testing.T) {
		table := rfidtest.Table(t, 1)
		uid := rfidtest.Item(1).UID
		p := rfidtest.Lay(t, driver(m3.Options{EAS: true}), table, nil)
		for _, on := range []bool{true, false, true, true} {
			if err := p.Reader.(rfid.Alarm).SetEAS(uid, on); err != nil {
				t.Error(err)
			}
			if c, _ := table.Chip(uid); c.EAS != on {
				t.Errorf("EAS: got %v, want %v", c.EAS, on)
			}
		}
		_ = table.Lift("item-1")
		if err := p.Reader.(rfid.Alarm).SetEAS(uid, false); !errors.Is(err, rfid.ErrNoTag) {
			t.Errorf("tag away: got %v, want %v", err, rfid.ErrNoTag)
		}
		q := rfidtest.Lay(t, driver(m3.Options{}), table, nil)
		if err := q.Reader.(rfid.Alarm).SetEAS(uid, true); !errors.Is(err, rfid.ErrUnsupported) {
			t.Errorf("switched off: got %v, want %v", err, rfid.ErrUnsupported)
		}
	})
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
	synctest.Test(t, func(t *testing.T) {
		for protocol, want := range map[string]string{"3m": "3M 210 or 810, software 5.0.2", "feig": ""} {
			host, far := sim.Pipe()
			line, _ := sim.NewLine(protocol, sim.NewTable())
			served := make(chan struct{})
			go func() { line.Serve(far); close(served) }()
			start := time.Now()
			got, err := m3.Probe(host)
			if got != want || (err == nil) != (want != "") || time.Since(start) > time.Second {
				t.Errorf("%s: got %q, %v after %v, want %q", protocol, got, err, time.Since(start), want)
			}
			host.Close()
			<-served
		}
	})
}
