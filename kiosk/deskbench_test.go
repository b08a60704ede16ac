package kiosk

import (
	"context"
	"fmt"
	"testing"
	"time"

	"coldstation/kiosk/flow"
	"coldstation/rfid"
	"coldstation/rfid/feig"
	"coldstation/rfid/iso28560"
	"coldstation/rfid/sim"
	"coldstation/sync/circ"
)

// BenchmarkReceive40 prints the time from the first stack's touching the pad until the
// last of forty books is said to be here, in four stacks of ten that follow each other
// as soon as the one before was seen, divided by what the reader itself takes for the
// same: one inventory of each stack, and of each book what its tag is and what its label
// says, at the speed of its line. Each book is recorded on the disk meanwhile.
func BenchmarkReceive40(b *testing.B) {
	const stacks, high = 4, 10
	d := newDesk(b)
	nurse := ritva
	nurse.Secret = ""
	var names []string
	var ids []circ.ItemID
	for i := range stacks * high {
		id := fmt.Sprintf("999N%08d", 70000+i)
		memory, err := iso28560.EncodePart3(iso28560.Label{Item: id, ISIL: "FI-Demo"}, iso28560.Layout{Block: 4})
		if err != nil {
			b.Fatal(err)
		}
		chip := sim.Chip{Name: id, Tag: rfid.Tag{UID: rfid.MakeUID([]byte{0xE0, 4, 1, 0x50, 7, 7, 7, byte(i)}), Kind: rfid.ISO15693}, BlockSize: 4, Memory: memory, AFI: rfid.InLibrary}
		if err := d.table.Add(chip); err != nil {
			b.Fatal(err)
		}
		names, ids = append(names, id), append(ids, circ.ItemID(id))
	}
	set := func(stack int, on bool) {
		for _, name := range names[stack*high : (stack+1)*high] {
			if err := d.table.Set(name, on); err != nil {
				b.Fatal(err)
			}
		}
	}
	// What the reader takes by itself.
	set(0, true)
	least := stacks * exchanges(b, d.table)
	set(0, false)

	shown := make(counts, 256)
	line, far := paced(b, d.table)
	reader := feig.New(line, feig.Options{})
	d.parts.Readers, d.parts.Screen = []rfid.Reader{reader}, shown
	d.tell(circ.PatronPut{Patron: nurse})
	station, err := New(d.parts)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- station.Run(ctx) }()
	time.Sleep(time.Second)
	if err := d.table.Put("outi"); err != nil {
		b.Fatal(err)
	}
	var took time.Duration
	rounds := 0
	for b.Loop() {
		d.tell(circ.ConsignmentPut{ID: fmt.Sprintf("K7Q2-%04d", rounds), Items: ids})
		time.Sleep(time.Second)
		station.Send(flow.Pressed{Action: flow.Receive})
		shown.wait(b, flow.Receiving, 0)
		start := time.Now()
		for i := range stacks {
			set(i, true)
			shown.wait(b, flow.Receiving, (i+1)*high)
			if i == stacks-1 {
				took += time.Since(start)
			}
			set(i, false)
		}
		time.Sleep(time.Second)
		station.Send(flow.Pressed{Action: flow.Accept})
		shown.wait(b, flow.DeskDone, stacks*high)
		time.Sleep(time.Second)
		station.Send(flow.Pressed{Action: flow.Back})
		rounds++
	}
	cancel()
	if err := <-ended; err != nil {
		b.Error(err)
	}
	reader.Close()
	<-far
	ratio := float64(took) / float64(rounds) / float64(least)
	b.ReportMetric(ratio, "ratio")
	fmt.Printf("ratio receive-40 %.3f\n", ratio)
}

// exchanges is the least time in which a reader tells what is written on all that lies
// there.
func exchanges(b *testing.B, table *sim.Table) time.Duration {
	host, far := sim.Pipe()
	line, err := sim.NewLine("feig", table)
	if err != nil {
		b.Fatal(err)
	}
	spent := &spent{Device: line.Device, bits: line.Bits}
	line.Device = spent
	served := make(chan struct{})
	go func() { line.Serve(far); close(served) }()
	reader := feig.New(host, feig.Options{})
	tags, err := reader.Inventory(nil)
	for _, tag := range tags {
		var info rfid.Info
		if info, err = reader.Info(tag.UID); err == nil {
			_, err = reader.ReadBlocks(tag.UID, 0, iso28560.First/info.BlockSize, nil)
		}
		if err != nil {
			break
		}
	}
	reader.Close()
	<-served
	if err != nil || len(tags) != 10 {
		b.Fatalf("%d tags, %v", len(tags), err)
	}
	return spent.total
}

// counts is a screen that tells which page it shows, and the number in its title.
type counts chan flow.View

func (c counts) Show(v flow.View) { c <- v }

func (c counts) wait(b *testing.B, page flow.Screen, n int) {
	b.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case v := <-c:
			if v.Screen == page && (n == 0 || v.Title.N == n && v.Title.Key != "receive") {
				return
			}
		case <-limit:
			b.Fatalf("%v with %d was never shown", page, n)
		}
	}
}
