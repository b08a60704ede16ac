package rl866_test

import (
	"fmt"
	"testing"

	"coldstation/rfid/rfidtest"
	"coldstation/rfid/rl866"
	"coldstation/rfid/sim"
)

func BenchmarkInventory(b *testing.B) {
	for _, n := range []int{1, 5, 20} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			ratio := rfidtest.BenchInventory(b, rfidtest.Inventory{Driver: driver(rl866.Options{}), Tags: n})
			fmt.Printf("ratio inventory-rl866-%d %.3f\n", n, ratio)
		})
	}
}

func TestInventoryAllocatesNothing(t *testing.T) {
	rfidtest.AllocatesNothing(t, rl866.New(&rfidtest.Echo{Device: sim.NewRL866(rfidtest.Table(t, 5))}, rl866.Options{}), 5)
}
