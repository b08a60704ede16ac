package twn4_test

import (
	"fmt"
	"strings"
	"testing"

	"coldstation/rfid/rfidtest"
	"coldstation/rfid/sim"
	"coldstation/rfid/twn4"
)

// BenchmarkInventory runs on a serial line: over USB there is no such minimum.
func BenchmarkInventory(b *testing.B) {
	for _, v := range variants[:4] {
		name := strings.ReplaceAll(strings.ToLower(v.format.String()), " ", "-")
		b.Run(name, func(b *testing.B) {
			d := driver(twn4.Options{Format: v.format}, v.binary, v.crc)
			ratio := rfidtest.BenchInventory(b, rfidtest.Inventory{Driver: d, Baud: 9600, Tags: 1})
			fmt.Printf("ratio inventory-twn4-1-%s %.3f\n", name, ratio)
		})
	}
}

func TestInventoryAllocatesNothing(t *testing.T) {
	for _, v := range variants[:4] {
		device := sim.NewTWN4(rfidtest.Table(t, 1))
		device.Binary, device.CRC = v.binary, v.crc
		t.Run(v.format.String(), func(t *testing.T) {
			rfidtest.AllocatesNothing(t, twn4.New(&rfidtest.Echo{Device: device}, twn4.Options{Format: v.format}), 1)
		})
	}
}
