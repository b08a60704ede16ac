package line

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/number"
	"coldstation/rfid/sim"
)

// Ten thousand codes are shown to a scanner whose line fails in every way. A line
// has no check of its own, so what counts is what the library's rules make of it:
// never a number that was not shown.
func TestStorm(t *testing.T) {
	rules, err := number.Parse(`item line 3\d{13} check=luhn`)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				table := sim.NewTable()
				codes := map[string]string{}
				for n := range 20 {
					code := luhn(t, fmt.Sprintf("31234%08d", n*1234567))
					uid, _ := rfid.ParseUID(fmt.Sprintf("E0040150%08X", n))
					c := sim.Chip{Name: fmt.Sprint(n), Barcode: code, Tag: rfid.Tag{UID: uid, Kind: rfid.ISO15693}}
					if err := table.Add(c); err != nil {
						t.Fatal(err)
					}
					codes[code] = c.Name
				}
				line, err := sim.NewLine("line", table)
				if err != nil {
					t.Fatal(err)
				}
				line.Faults = sim.NewSchedule(seed, 0.1, sim.NoRequest, sim.NoAnswer, sim.Late, sim.Split, sim.Noise,
					sim.BadCRC, sim.BadLength, sim.Unsolicited, sim.Reset, sim.Hang)
				done := make(chan struct{})
				line.Done = done
				host, far := sim.Pipe()
				served := make(chan struct{})
				go func() { line.Serve(far); close(served) }()
				r := New(host, Options{})
				scanned := make(chan string)
				go func() {
					defer close(scanned)
					for {
						text, err := r.Scan()
						if err != nil {
							return
						}
						scanned <- text
					}
				}()
				good := 0
				for n := range 10_000 {
					name := fmt.Sprint(n % 20)
					_ = table.Put(name)
					for limit := time.After(250 * time.Millisecond); limit != nil; {
						select {
						case text := <-scanned:
							got, ok := rules.Find(number.Line, text)
							if ok && codes[got.ID] == "" {
								t.Fatalf("seed %d, scan %d: got %s, which nobody showed", seed, n, got.ID)
							}
							if ok {
								good++
							}
						case <-limit:
							limit = nil
						}
					}
				}
				if good < 5_000 || good > 10_000 {
					t.Errorf("seed %d: got %d of 10000 codes", seed, good)
				}
				r.Close()
				for range scanned {
				}
				close(done)
				far.Close()
				<-served
			})
		})
	}
}

func luhn(t *testing.T, code string) string {
	t.Helper()
	rules, err := number.Parse(`item line \d+ add=luhn`)
	if err != nil {
		t.Fatal(err)
	}
	n, _ := rules.Find(number.Line, code)
	return n.ID
}
