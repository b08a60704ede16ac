package sip2_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/sync/hub/sip2"
	"coldstation/sync/hub/sip2/sip2test"
)

// TestExactlyOnce posts loans and returns through faults and cuts at random, by
// the rule of this package: ask before anything is sent a second time. Each must
// have been done once, and nothing else.
func TestExactlyOnce(t *testing.T) {
	const seeds, items = 60, 6
	for _, name := range systems {
		t.Run(name, func(t *testing.T) {
			told := make(map[sip2.Outcome]int)
			for seed := range uint64(seeds) {
				synctest.Test(t, func(t *testing.T) {
					r := rand.New(rand.NewPCG(seed, 1))
					s := library(t, name)
					for i := range items {
						s.AddItem(sip2test.Item{Barcode: fmt.Sprintf("n%d", i), Title: "T"})
					}
					c := sip2.New(sip2.Settings{Timeout: 5 * time.Second, Dial: func(ctx context.Context) (net.Conn, error) {
						switch r.IntN(3) {
						case 0:
							s.Cut(r.IntN(400), -1)
						case 1:
							s.Cut(-1, r.IntN(400))
						default:
							s.Cut(-1, -1)
						}
						return s.Dial(ctx)
					}}, station)
					defer c.Close()
					for i := range items {
						item := fmt.Sprintf("n%d", i)
						for _, out := range []bool{true, false} {
							if r.IntN(2) == 0 {
								s.Fail(sip2test.Fault{
									On: "11", Kind: sip2test.Kind(1 + r.IntN(int(sip2test.AskAgainAfter))), Bytes: r.IntN(60), Delay: time.Duration(r.IntN(10)) * time.Second,
									Line: "noise\r", Fields: []string{"AA", "AB"},
								})
							}
							settle(t, c, item, out, told)
						}
					}
					var done []string
					for _, x := range s.History() {
						done = append(done, fmt.Sprint(x.Code, x.Item, x.Renewal))
					}
					for i := range items {
						for j, code := range []string{"11", "09"} {
							if want := fmt.Sprintf("%sn%dfalse", code, i); len(done) != 2*items || done[2*i+j] != want {
								t.Fatalf("seed %d: got %v, want each once", seed, done)
							}
						}
					}
					time.Sleep(time.Minute)
				})
			}
			if told[sip2.Unknown] < 20 || told[sip2.Done] < seeds*items || told[sip2.Unread] < 5 {
				t.Errorf("got %v: too little went wrong", told)
			}
		})
	}
}

// settle sends one change until it is done: again after NotSent, and after
// anything else only when the library system says that it is not done.
func settle(t *testing.T, c *sip2.Conn, item string, out bool, told map[sip2.Outcome]int) {
	t.Helper()
	for range 100 {
		var err error
		if out {
			_, err = c.Checkout(t.Context(), checkout("p1", item))
		} else {
			_, err = c.Checkin(t.Context(), checkin(item))
		}
		outcome := sip2.OutcomeOf(err)
		told[outcome]++
		switch outcome {
		case sip2.Done:
			return
		case sip2.Refused:
			t.Fatalf("%s: %v", item, err)
		case sip2.NotSent:
			continue
		}
		time.Sleep(time.Second) // of the bubble: what was cut may still be acted on, and is by then
		for range 100 {
			reply, err := c.Item(t.Context(), sip2.ItemRequest{Item: item})
			if err != nil {
				continue
			}
			if (reply.Circulation == sip2.CirculationCharged) == out {
				return
			}
			break
		}
	}
	t.Fatalf("%s: never done", item)
}
