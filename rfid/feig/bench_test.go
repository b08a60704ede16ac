package feig_test

import (
	"fmt"
	"testing"
	"time"

	"coldstation/rfid/feig"
	"coldstation/rfid/rfidtest"
	"coldstation/rfid/sim"
)

func BenchmarkInventory(b *testing.B) {
	for _, n := range []int{1, 5, 20} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			ratio := rfidtest.BenchInventory(b, rfidtest.Inventory{Driver: driver(feig.Options{}), Tags: n, Pause: 5 * time.Millisecond})
			fmt.Printf("ratio inventory-feig-%d %.3f\n", n, ratio)
		})
	}
}

func TestInventoryAllocatesNothing(t *testing.T) {
	rfidtest.AllocatesNothing(t, feig.New(&rfidtest.Echo{Device: sim.NewFeig(rfidtest.Table(t, 5))}, feig.Options{}), 5)
}
