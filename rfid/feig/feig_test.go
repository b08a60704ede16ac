package feig_test

import (
	"fmt"
	"testing"
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
	rfidtest.EAS(t, driver(feig.Options{EAS: true}), driver(feig.Options{}))
}

func TestProbe(t *testing.T) {
	rfidtest.Probe(t, driver(feig.Options{}), feig.Probe, "FEIG OBID, software 1.2, hardware 00, type 53", "3m", "rl866")
}
