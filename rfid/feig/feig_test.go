package feig_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/feig"
	"coldstation/rfid/rfidtest"
	"coldstation/rfid/sim"
)

func driver(o feig.Options) rfidtest.Driver {
	return rfidtest.Driver{Protocol: "feig", New: func(p rfid.Port) rfid.Reader { return feig.New(p, o) },
		Limit: 2 * time.Second, Cards: true}
}

func TestReader(t *testing.T) {
	t.Run("standard", func(t *testing.T) { rfidtest.Run(t, driver(feig.Options{})) })
	t.Run("advanced", func(t *testing.T) { rfidtest.Run(t, driver(feig.Options{Advanced: true})) })
	t.Run("small buffer", func(t *testing.T) {
		d := driver(feig.Options{})
		d.Tune = func(dev sim.Device) { dev.(*sim.Feig).TxBuf = 40 }
		rfidtest.Run(t, d)
	})
}

func TestStorm(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { rfidtest.Storm(t, driver(feig.Options{}), seed, 10_000) })
	}
}

func TestEAS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := rfidtest.Table(t, 1)
		uid := rfidtest.Item(1).UID
		p := rfidtest.Lay(t, driver(feig.Options{EAS: true}), table, nil)
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
		q := rfidtest.Lay(t, driver(feig.Options{}), table, nil)
		if err := q.Reader.(rfid.Alarm).SetEAS(uid, true); !errors.Is(err, rfid.ErrUnsupported) {
			t.Errorf("switched off: got %v, want %v", err, rfid.ErrUnsupported)
		}
	})
}

func TestProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, far := sim.Pipe()
		line, _ := sim.NewLine("feig", sim.NewTable())
		served := make(chan struct{})
		go func() { line.Serve(far); close(served) }()
		if got, err := feig.Probe(host); err != nil || got != "FEIG OBID, software 1.2, hardware 00, type 53" {
			t.Errorf("got %q, %v", got, err)
		}
		host.Close()
		<-served
		mute, _ := sim.Pipe()
		start := time.Now()
		if _, err := feig.Probe(mute); !errors.Is(err, rfid.ErrTimeout) || time.Since(start) > time.Second {
			t.Errorf("nobody there: got %v after %v", err, time.Since(start))
		}
	})
}
