package hub_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub"
	"coldstation/sync/hub/ils"
	"coldstation/sync/hub/sip2"
	"coldstation/sync/hub/store"
	"coldstation/sync/hub/store/storetest"
	"coldstation/sync/identity"
)

const (
	benchLines = 8                    // stations, each with its own account and connection
	benchDelay = 2 * time.Millisecond // of the library system, for each message
	benchItems = 250                  // of each station, lent and returned
)

// slow is a library system that answers every message two milliseconds after it
// came, one at a time on each connection: loans and returns in its memory.
type slow struct {
	mu    sync.Mutex
	loans map[string]string          // whose an item is
	of    map[string]map[string]bool // and a patron's items
	heard int
}

func (s *slow) dial(context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	go s.talk(far)
	return near, nil
}

func (s *slow) talk(c net.Conn) {
	defer c.Close()
	for r := bufio.NewReader(c); ; {
		line, err := r.ReadString('\r')
		if err != nil {
			return
		}
		due := time.Now().Add(benchDelay)
		reply := s.answer(line)
		time.Sleep(time.Until(due))
		if _, err := c.Write([]byte(reply + "\r")); err != nil {
			return
		}
	}
}

func (s *slow) answer(line string) string {
	const now = "20261124    120000"
	field := func(code string) string {
		_, rest, _ := strings.Cut(line[2:], code)
		value, _, _ := strings.Cut(rest, "|")
		return value
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard++
	item, patron := field("|AB"), field("|AA")
	if item == "" {
		item = field("AB")
	}
	switch line[:2] {
	case "93":
		return "941"
	case "17":
		if s.loans[item] != "" {
			return "18040201" + now + "AB" + item + "|AJT|"
		}
		return "18030201" + now + "AB" + item + "|AJT|"
	case "63":
		list := ""
		for item := range s.of[patron] {
			list += "AU" + item + "|"
		}
		return "64              000" + now + "000000000000000000000000AOmain|AA" + patron + "|AEN|BLY|" + list
	case "11":
		s.loans[item] = patron
		if s.of[patron] == nil {
			s.of[patron] = make(map[string]bool)
		}
		s.of[patron][item] = true
		return "121NUY" + now + "AOmain|AA" + patron + "|AB" + item + "|AJT|AH20261222    235900|"
	case "09":
		delete(s.of[s.loans[item]], item)
		delete(s.loans, item)
		return "101YUN" + now + "AOmain|AB" + item + "|AQmain|"
	}
	return "96"
}

// BenchmarkPosting measures how fast what was taken in gets to a library system
// that needs two milliseconds for a message, over eight connections: loans, each
// asked for by two messages before, and returns, asked for too; all kept in the
// store before it is sent and after. The bare limit is the same number of messages
// sent back to back over as many connections by whoever keeps nothing.
func BenchmarkPosting(b *testing.B) {
	ours, bare := 0.0, 0.0
	for b.Loop() {
		rate, messages := posting(b)
		limit := roundTrips(b, messages)
		ours, bare = max(ours, rate), max(bare, limit*2*benchItems*benchLines/float64(messages))
	}
	b.ReportMetric(ours, "events/s")
	b.ReportMetric(bare, "bare-events/s")
	fmt.Printf("\nratio posting %.2f\n", ours/bare)
}

// posting is the events a second, and how many messages they took.
func posting(b *testing.B) (rate float64, messages int) {
	ok := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	s, err := store.OpenSQLite(filepath.Join(b.TempDir(), "hub.db"))
	ok(err)
	defer s.Close()
	stations := make(map[circ.StationID]ils.Counter)
	for n := range benchLines {
		id := circ.StationID(fmt.Sprint("house-", n))
		stations[id] = ils.Counter{Account: sip2.Account{Name: string(id), Password: "x"}}
		ok(s.Enrol(ctx, identity.Enrolled{Station: id, Password: []byte{1}, Signing: make([]byte, 32)}, storetest.Start))
		log := storetest.NewLog(id)
		for i := range benchItems {
			item, ref := circ.ItemID(fmt.Sprintf("%d-%d", n, i)), circ.Ref{byte(i%50 + 1)}
			if i < 50 {
				log.Written(circ.PatronMet{Ref: ref, ID: circ.NewPatronID(fmt.Sprintf("9%d%02d", n, i))})
			}
			log.Written(circ.CheckedOut{Item: item, Patron: ref, By: ref, Due: storetest.Start.AddDate(0, 0, 28)}, circ.CheckedIn{Item: item, Patron: ref, Belongs: true})
		}
		_, err := s.Find(ctx, id, log.ID, storetest.Start)
		ok(err)
		_, err = s.TakeIn(ctx, log.All())
		ok(err)
	}
	for more := true; more; {
		more, err = s.Queue(ctx, store.Queue{ILS: "slow"})
		ok(err)
	}
	system := &slow{loans: make(map[string]string), of: make(map[string]map[string]bool)}
	line := ils.NewSIP2(ils.SIP2Settings{Name: "slow", Abilities: ils.Kinds["koha24"], Stations: stations, Line: sip2.Settings{Dial: system.dial, Zone: time.UTC, Checks: sip2.ChecksOff}})
	defer line.Close()
	// The contract's clock is long past the time to undo.
	now := func() time.Time { return storetest.Start.AddDate(0, 0, 1).Add(time.Since(benchBegan)) }
	p := hub.NewPoster(hub.PosterSettings{Store: s, ILS: line, Now: now, Look: time.Hour, Log: slog.New(slog.DiscardHandler)})
	done := make(chan error, 1)
	began := time.Now()
	go func() { done <- p.Run(ctx) }()
	const all = 2 * benchItems * benchLines
	for open := true; open; {
		time.Sleep(20 * time.Millisecond)
		waiting, err := s.Postings(ctx, "slow", 0, 1)
		ok(err)
		open = len(waiting) > 0
	}
	took := time.Since(began)
	cancel()
	ok(<-done)
	count, people, err := s.PostingsNow(b.Context(), "slow")
	ok(err)
	if count[store.PostConfirmed] != all || people > 0 {
		b.Fatalf("%v, and %d for people", count, people)
	}
	return all / took.Seconds(), system.heard
}

var benchBegan = time.Now()

// roundTrips is the messages a second of a bare conversation.
func roundTrips(b *testing.B, messages int) float64 {
	system := &slow{loans: make(map[string]string), of: make(map[string]map[string]bool)}
	var all sync.WaitGroup
	began := time.Now()
	for range benchLines {
		c, err := system.dial(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		all.Go(func() {
			defer c.Close()
			r := bufio.NewReader(c)
			for range messages / benchLines {
				if _, err := c.Write([]byte("1720261124    120000AOmain|ABx|AC|\r")); err != nil {
					b.Error(err)
					return
				}
				if _, err := r.ReadString('\r'); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return float64(messages) / time.Since(began).Seconds()
}
