package pn532_test

import (
	"fmt"
	"testing"
	"time"

	"coldstation/rfid/pn532"
	"coldstation/rfid/rfidtest"
	"coldstation/rfid/sim"
)

func BenchmarkInventory(b *testing.B) {
	for _, n := range []int{1, 2} {
		v := rfidtest.Inventory{Driver: driver(pn532.Options{}), Tags: n}
		if n > 1 {
			v.Round = 6 * time.Millisecond // the field is off
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			ratio := rfidtest.BenchInventory(b, v)
			fmt.Printf("ratio inventory-pn532-%d %.3f\n", n, ratio)
		})
	}
}

func TestInventoryAllocatesNothing(t *testing.T) {
	table := sim.NewTable()
	if err := table.Add(card(1)); err != nil {
		t.Fatal(err)
	}
	rfidtest.AllocatesNothing(t, pn532.New(&rfidtest.Echo{Device: sim.NewPN532(table)}, pn532.Options{}), 1)
}
