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
)

// BenchmarkTagToScreen prints the time from a book's touching the pad to its title's
// being shown, divided by the least that the line allows:
//
//	half an interval     until the reader next looks, on average
//	bytes                of the inventory that sees one tag, of asking the tag what
//	                     it is, and of reading its label, at 38400 baud, 8E1: 11 bits
//	air                  what the reader and the tag take for these
//	5 ms each request    that the reader wants to be left alone
//
// The field's reset at the beginning of a round is over when the reader looks.
//
// They are put down at sixteen moments, evenly spread over an interval.
func BenchmarkTagToScreen(b *testing.B) { putToScreen(b, "tag-to-screen", "sinuhe", sinuhe.Title) }

// BenchmarkCardToGreeting is the same for a card, until its holder's name is shown. A
// card's number is all that is asked of it.
func BenchmarkCardToGreeting(b *testing.B) {
	putToScreen(b, "card-to-greeting", "helmi", helmi.FirstName)
}

func putToScreen(b *testing.B, figure, name, says string) {
	const moments = 16
	d := newDesk(b)
	shown := make(titles, 64)
	line, far := paced(b, d.table)
	reader := feig.New(line, feig.Options{})
	d.parts.Readers, d.parts.Screen = []rfid.Reader{reader}, shown
	// A visit is over with what lies on the pad.
	d.parts.Settings.Rules.Ask, d.parts.Settings.Rules.Clear = time.Millisecond, time.Millisecond
	station, err := New(d.parts)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- station.Run(ctx) }()
	shown.wait(b, "")
	time.Sleep(time.Second) // what lies there when the station wakes up would be nobody's

	var took time.Duration
	puts := 0
	for b.Loop() {
		for i := range moments {
			time.Sleep(d.parts.Settings.Every * time.Duration(2*i+1) / (2 * moments))
			start := time.Now()
			if err := d.table.Put(name); err != nil {
				b.Fatal(err)
			}
			took += shown.wait(b, says).Sub(start)
			puts++
			if err := d.table.Lift(name); err != nil {
				b.Fatal(err)
			}
			shown.wait(b, "")
		}
	}
	cancel()
	if err := <-ended; err != nil {
		b.Error(err)
	}
	reader.Close()
	<-far

	least := d.parts.Settings.Every/2 + exchange(b, d.table, name)
	ratio := float64(took) / float64(puts) / float64(least)
	b.ReportMetric(ratio, "ratio")
	fmt.Printf("ratio %s %.3f\n", figure, ratio)
}

// exchange is the least time in which a reader tells what a card's number is, or what
// is written on a book.
func exchange(b *testing.B, table *sim.Table, name string) time.Duration {
	if err := table.Put(name); err != nil {
		b.Fatal(err)
	}
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
	var info rfid.Info
	tags, err := reader.Inventory(nil)
	if err == nil && len(tags) == 1 && tags[0].Kind == rfid.ISO15693 {
		if info, err = reader.Info(tags[0].UID); err == nil {
			_, err = reader.ReadBlocks(tags[0].UID, 0, iso28560.First/info.BlockSize, nil)
		}
	}
	reader.Close()
	<-served
	if err != nil || len(tags) != 1 {
		b.Fatalf("%d tags, %v", len(tags), err)
	}
	return spent.total
}

// paced is a FEIG pad at the speed of its line, and what is closed when it ends.
func paced(b *testing.B, table *sim.Table) (rfid.Port, <-chan struct{}) {
	host, far := sim.Pipe()
	line, err := sim.NewLine("feig", table)
	if err != nil {
		b.Fatal(err)
	}
	line.Baud = 38400
	served := make(chan struct{})
	go func() { line.Serve(far); close(served) }()
	return host, served
}

// titles is a screen that tells which title or name it shows, and since when.
type titles chan titled

type titled struct {
	title string
	at    time.Time
}

func (t titles) Show(v flow.View) {
	now := titled{title: v.Title.Name, at: time.Now()}
	if len(v.Lines) > 0 {
		now.title = v.Lines[0].Item.Title
	}
	t <- now
}

func (t titles) wait(b *testing.B, title string) time.Time {
	b.Helper()
	limit := time.After(10 * time.Second)
	for {
		select {
		case now := <-t:
			if now.title == title {
				return now.at
			}
		case <-limit:
			b.Fatalf("%q was never shown", title)
		}
	}
}

// spent adds up what a simulated reader's requests take.
type spent struct {
	sim.Device
	bits  int
	total time.Duration
}

func (s *spent) Answer(dst, request []byte, m sim.Moment) ([]byte, time.Duration) {
	out, air := s.Device.Answer(dst, request, m)
	const rfReset = 0x69
	if request[2] != rfReset {
		s.total += time.Duration((len(request)+len(out)-len(dst))*s.bits)*time.Second/38400 + air + 5*time.Millisecond
	}
	return out, air
}
