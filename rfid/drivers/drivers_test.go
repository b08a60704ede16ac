package drivers_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/drivers"
	"coldstation/rfid/sim"
)

// Every probe, in order, on a line to every reader, as if speed and parity told
// none of them apart: the first that answers is the reader's own, and the probes
// before it have not spoilt it.
func TestProbesDoNotDisturb(t *testing.T) {
	own := map[string]string{"id12": "em4100"}
	for _, protocol := range sim.Names() {
		want := protocol
		if name, ok := own[protocol]; ok {
			want = name
		}
		driver, err := drivers.Named(want)
		if err != nil {
			continue // a scanner, which no probe finds
		}
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				table, err := sim.ReadTable(strings.NewReader(`{"cards": [{"name": "em", "uid": "14008EC793", "on": true},
				  {"name": "mifare", "uid": "A1B2C3D4", "on": true}], "items": [{"name": "book", "uid": "E004015012345678", "afi": "07", "on": true}]}`))
				if err != nil {
					t.Fatal(err)
				}
				line, err := sim.NewLine(protocol, table)
				if err != nil {
					t.Fatal(err)
				}
				host, far := sim.Pipe()
				served := make(chan struct{})
				go func() { line.Serve(far); close(served) }()
				found := ""
				for _, d := range drivers.All {
					if protocol == "id12" { // it tells of a card once
						_ = table.Lift("em")
						time.Sleep(100 * time.Millisecond)
						_ = table.Put("em")
					}
					if _, err := d.Probe(host); err == nil {
						found = d.Name
						break
					}
				}
				if found != want {
					t.Errorf("got %q, want %q", found, want)
				}
				r := driver.New(host, drivers.Options{})
				_ = table.Lift("em")
				time.Sleep(100 * time.Millisecond)
				_ = table.Put("em")
				time.Sleep(100 * time.Millisecond)
				if tags, err := r.Inventory(nil); err != nil || len(tags) == 0 {
					t.Errorf("inventory after all probes: got %v, %v", tags, err)
				}
				r.Close()
				<-served
				for _, c := range table.Chips() {
					if c.Kind == rfid.ISO15693 && c.AFI != rfid.InLibrary {
						t.Errorf("%s: AFI is %s after the probes", c.Name, c.AFI)
					}
				}
			})
		})
	}
}
