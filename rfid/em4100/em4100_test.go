package em4100_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/em4100"
	"coldstation/rfid/rfidtest"
	"coldstation/rfid/sim"
)

const cards = `{"cards": [{"name": "anna", "uid": "14008EC793"}, {"name": "eino", "uid": "62E3086CED"}, {"name": "mifare", "uid": "A1B2C3D4", "on": true}]}`

func lay(t *testing.T, protocol string, faults *sim.Schedule) *rfidtest.Pad {
	t.Helper()
	table, err := sim.ReadTable(strings.NewReader(cards))
	if err != nil {
		t.Fatal(err)
	}
	d := rfidtest.Driver{Protocol: protocol, New: func(p rfid.Port) rfid.Reader { return em4100.New(p, em4100.Options{}) }}
	return rfidtest.Lay(t, d, table, faults)
}

// see takes an inventory after a while and returns the UIDs.
func see(t *testing.T, r rfid.Reader, after time.Duration) string {
	t.Helper()
	time.Sleep(after) // in the bubble
	tags, err := r.Inventory(nil)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, tag := range tags {
		if tag.Kind != rfid.EM4100 || !tag.Plausible() {
			t.Errorf("got %+v", tag)
		}
		list = append(list, tag.UID.String())
	}
	return strings.Join(list, " ")
}

func TestPresence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := lay(t, "em4100", nil)
		if got := see(t, p, time.Second); got != "" {
			t.Errorf("no card: got %s", got)
		}
		_ = p.Table.Put("anna")
		for n := range 100 {
			if got := see(t, p, 100*time.Millisecond); got != "14008EC793" {
				t.Fatalf("after %d00 ms: got %q", n+1, got)
			}
		}
		_ = p.Table.Lift("anna")
		if got := see(t, p, 100*time.Millisecond); got != "14008EC793" {
			t.Errorf("just lifted: got %q, want it held", got)
		}
		if got := see(t, p, 300*time.Millisecond); got != "" {
			t.Errorf("lifted: got %s", got)
		}
		_ = p.Table.Put("eino")
		if got := see(t, p, 100*time.Millisecond); got != "62E3086CED" {
			t.Errorf("another: got %q", got)
		}
	})
}

// A serial port may hold frames from before anybody listened.
func TestOldFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, far := sim.Pipe()
		for range 300 {
			_, _ = far.Write([]byte("\x0214008EC793CE\x03"))
		}
		r := em4100.New(host, em4100.Options{})
		if got := see(t, r, 100*time.Millisecond); got != "" {
			t.Errorf("frames kept by the system: got %s, want none", got)
		}
		_, _ = far.Write([]byte("\x0262E3086CED08\x03"))
		if got := see(t, r, 0); got != "" && got != "62E3086CED" {
			t.Errorf("a new frame: got %q", got)
		}
		if got := see(t, r, 50*time.Millisecond); got != "62E3086CED" {
			t.Errorf("a new frame, a little later: got %q", got)
		}
		r.Close()
		far.Close()
	})
}

// An ID-12LA tells of a card once.
func TestOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := lay(t, "id12", nil)
		time.Sleep(100 * time.Millisecond)
		for _, name := range []string{"anna", "eino", "anna"} {
			_ = p.Table.Put(name)
			if got := see(t, p, 100*time.Millisecond); got == "" {
				t.Errorf("%s: got no card", name)
			}
			if got := see(t, p, 400*time.Millisecond); got != "" {
				t.Errorf("%s, later: got %s", name, got)
			}
			_ = p.Table.Lift(name)
			time.Sleep(100 * time.Millisecond)
		}
	})
}

// Ten thousand looks at a line on which everything goes wrong: only cards that
// were there, none for long after it left, and what stays is seen.
func TestStorm(t *testing.T) {
	for _, protocol := range []string{"em4100", "id12"} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprint(protocol, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					rnd := rand.New(rand.NewPCG(seed, 2))
					kinds := []sim.Fault{sim.NoAnswer, sim.Late, sim.Split, sim.Noise, sim.BadCRC, sim.BadLength, sim.Unsolicited, sim.Reset, sim.Hang}
					faults := sim.NewSchedule(seed, 0.1, kinds...)
					p := lay(t, protocol, faults)
					names := map[string]string{"14008EC793": "anna", "62E3086CED": "eino"}
					left := map[string]time.Time{}
					seen, now := 0, ""
					for n := range 10_000 {
						if rnd.IntN(5) == 0 {
							if now != "" {
								_ = p.Table.Lift(now)
								left[now], now = time.Now(), ""
							} else {
								now = []string{"anna", "eino"}[rnd.IntN(2)]
								_ = p.Table.Put(now)
							}
						}
						got := see(t, p, time.Duration(rnd.IntN(300))*time.Millisecond)
						if got == "" {
							continue
						}
						seen++
						name, known := names[got]
						// A late answer comes up to 3 s after the card was there.
						if !known || name != now && time.Since(left[name]) > 3500*time.Millisecond {
							t.Fatalf("look %d: got %q, lying there: %q", n, got, now)
						}
					}
					if seen < 1000 {
						t.Errorf("cards seen: got %d of 10000 looks", seen)
					}
					faults.Calm()
					for _, name := range names {
						_ = p.Table.Lift(name)
					}
					time.Sleep(10 * time.Second)
					_ = p.Table.Put("anna")
					if got := see(t, p, 100*time.Millisecond); got != "14008EC793" {
						t.Errorf("when the faults are over: got %q", got)
					}
				})
			})
		}
	}
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := lay(t, "em4100", nil)
		p.Reader.Close()
		_, err := p.Inventory(nil)
		var e *rfid.Error
		if !errors.Is(err, rfid.ErrClosed) || !errors.As(err, &e) || e.Op != "inventory" {
			t.Errorf("got %v, want %v", err, rfid.ErrClosed)
		}
	})
}

// kept is a port whose line goes and comes back without a byte.
type kept struct {
	rfid.Port
	err error
}

func (k *kept) Connected() error { return k.err }

func TestLineGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host, far := sim.Pipe()
		r := em4100.New(host, em4100.Options{})
		far.Close()
		time.Sleep(time.Second)
		if _, err := r.Inventory(nil); !errors.Is(err, rfid.ErrGone) || !errors.Is(err, io.EOF) {
			t.Errorf("far end left: got %v, want %v", err, rfid.ErrGone)
		}
		r.Close()

		host, far = sim.Pipe()
		k := &kept{Port: host, err: os.ErrNotExist}
		r = em4100.New(k, em4100.Options{})
		if _, err := r.Inventory(nil); !errors.Is(err, rfid.ErrGone) {
			t.Errorf("line away: got %v, want %v", err, rfid.ErrGone)
		}
		k.err = nil
		if _, err := r.Inventory(nil); err != nil {
			t.Errorf("line back: %v", err)
		}
		r.Close()
		far.Close()
	})
}

func TestProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for protocol, want := range map[string]string{"em4100": "RDM6300", "id12": "ID-12LA"} {
			table, _ := sim.ReadTable(strings.NewReader(cards))
			host, far := sim.Pipe()
			line, _ := sim.NewLine(protocol, table)
			served := make(chan struct{})
			go func() { line.Serve(far); close(served) }()
			start := time.Now()
			if got, err := em4100.Probe(host); !errors.Is(err, rfid.ErrTimeout) || time.Since(start) > time.Second {
				t.Errorf("%s, no card: got %q, %v", protocol, got, err)
			}
			_ = table.Put("eino")
			if got, err := em4100.Probe(host); err != nil || !strings.Contains(got, want) {
				t.Errorf("%s: got %q, %v", protocol, got, err)
			}
			host.Close()
			<-served
		}
	})
}

func TestInventoryAllocatesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := lay(t, "em4100", nil)
		_ = p.Table.Put("anna")
		time.Sleep(100 * time.Millisecond)
		tags := make([]rfid.Tag, 0, 1)
		allocs := testing.AllocsPerRun(20, func() {
			var err error
			if tags, err = p.Inventory(tags[:0]); err != nil || len(tags) != 1 {
				t.Fatalf("got %d tags, %v", len(tags), err)
			}
		})
		if allocs != 0 {
			t.Errorf("an inventory: got %v allocations, want 0", allocs)
		}
	})
}
