package m3_test

import (
	"fmt"
	"testing"

	"coldstation/rfid/m3"
	"coldstation/rfid/rfidtest"
	"coldstation/rfid/sim"
)

func BenchmarkInventory(b *testing.B) {
	for _, n := range []int{1, 5, 20} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			ratio := rfidtest.BenchInventory(b, rfidtest.Inventory{Driver: driver(m3.Options{}), Tags: n})
			fmt.Printf("ratio inventory-3m-%d %.3f\n", n, ratio)
		})
	}
}

func TestInventoryAllocatesNothing(t *testing.T) {
	rfidtest.AllocatesNothing(t, m3.New(&rfidtest.Echo{Device: sim.NewM3(rfidtest.Table(t, 5))}, m3.Options{}), 5)
}
