package courier_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/courier"
	"coldstation/sync/hub"
	"coldstation/sync/hub/broker"
	"coldstation/sync/hub/store"
	"coldstation/sync/identity"
	"coldstation/sync/ledger"
	"coldstation/sync/link"
	"coldstation/sync/station"
	"coldstation/sync/wire"
)

const (
	backlog = 10_000 // events: a month offline of a busy station
	visit   = 10     // events of one visit
)

// BenchmarkDrain is how fast a station's backlog goes from its ledger into the
// hub's store and is acknowledged back, over the embedded broker.
//
// It is held against paho alone on the same broker: the same batches, sealed
// beforehand, published with QoS 1 and as many under way at a time, until each is
// acknowledged by the broker and has come to a subscriber who is connected as the
// hub is and throws it away. Both clocks start with everybody connected. The bare
// side reads no ledger and opens, checks and keeps nothing; since a batch is some
// hundreds of events, the ratio mostly says how much dearer it is to keep an event
// in a database than to carry it there. What the database itself allows is
// BenchmarkTakeIn's to say.
func BenchmarkDrain(b *testing.B) {
	quiet := slog.New(slog.DiscardHandler)
	library, err := identity.NewLibrary()
	check(b, err)
	file, enrolled, err := library.Enrol("maple-house", "mqtt://localhost:1883")
	check(b, err)
	pipe, err := broker.Start(b.Context(), broker.Options{Folder: b.TempDir(), Log: quiet, Authenticate: func(v broker.Visitor) (broker.Role, bool) {
		return broker.Role{Hub: v.Name == "hub", Station: file.Station}, true
	}})
	check(b, err)
	defer pipe.Close()
	dial := func(name string) func(link.Options) (link.Link, error) {
		return func(o link.Options) (link.Link, error) {
			o.Broker, o.Username = "mqtt://"+pipe.Addr(), name
			return link.Open(o)
		}
	}
	var drained, bare time.Duration
	var events, batches, size int
	for b.Loop() {
		b.StopTimer()
		key, err := file.SealingKey()
		check(b, err)
		log, err := ledger.Open(filepath.Join(b.TempDir(), "ledger"), ledger.Options{Station: file.Station, Key: make([]byte, 32), Sealer: &wire.Sealer{Key: key}})
		check(b, err)
		s, err := store.OpenSQLite(filepath.Join(b.TempDir(), "hub.db"))
		check(b, err)
		check(b, s.Enrol(b.Context(), enrolled, time.Now()))
		h, err := hub.Open(hub.Settings{Store: s, Library: library, Dial: dial("hub"), Log: quiet})
		check(b, err)
		st, err := station.New(station.Settings{Log: log, Identity: file, Boot: uuid.New(), Dial: dial("maple-house"), Moment: func() circ.Stamp { return moment(0) }, Logger: quiet})
		check(b, err)
		ctx, stop := context.WithCancel(b.Context())
		ended := make(chan error, 2)
		go func() { ended <- h.Run(ctx) }()
		go func() { ended <- st.Run(ctx) }()
		_, err = log.Append(moment(0), nil, circ.Started{Version: "test"})
		check(b, err)
		st.Appended()
		arrived(b, log) // everybody is connected
		write(b, log)
		b.StartTimer()
		began := time.Now()
		st.Appended()
		arrived(b, log)
		drained += time.Since(began)
		b.StopTimer()
		stop()
		check(b, <-ended)
		check(b, <-ended)
		payloads, n := sealed(b, file, log)
		bare += publish(b, pipe.Addr(), file.Station, payloads)
		events, batches = events+n, batches+len(payloads)
		for _, p := range payloads {
			size += len(p)
		}
		check(b, s.Close())
		check(b, log.Close())
		b.StartTimer()
	}
	b.ReportMetric(float64(events)/drained.Seconds(), "events/s")
	b.ReportMetric(float64(events)/bare.Seconds(), "bare-events/s")
	b.ReportMetric(float64(batches)/bare.Seconds(), "bare-batches/s")
	b.ReportMetric(float64(size)/float64(batches), "B/batch")
	b.ReportMetric(float64(size)/float64(events), "wire-B/event")
	fmt.Printf("\nratio drain %.4f\n", bare.Seconds()/drained.Seconds())
	fmt.Printf("ratio wire-bytes %.2f\n", float64(size)/float64(events)/40) // of the 40 that one event may cost in bulk
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// moment is a stamp so long after the first.
func moment(after time.Duration) circ.Stamp {
	return circ.Stamp{Wall: time.Date(2026, 10, 24, 9, 0, 0, 0, time.UTC).Add(after), Clock: circ.ClockNTP, Boot: uuid.UUID{1}, Uptime: time.Hour + after}
}

// arrived waits until the hub has acknowledged all of log.
func arrived(b *testing.B, log *ledger.Ledger) {
	b.Helper()
	_, last, err := log.Bounds()
	check(b, err)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		mark, err := log.Mark(ledger.Hub)
		check(b, err)
		if mark == last {
			return
		}
		if time.Now().After(deadline) {
			b.Fatalf("%d of %d arrived in a minute", mark, last)
		}
	}
}

// write fills log with a backlog of visits: each brings some items back and takes
// others, at a time of its own, on one of 300 cards.
func write(b *testing.B, log *ledger.Ledger) {
	b.Helper()
	random := rand.New(rand.NewPCG(1, 1))
	for n := 0; n < backlog; n += visit {
		patron := circ.NewPatronID(fmt.Sprintf("2%013d", random.IntN(300)*7919))
		ref := log.Ref(patron)
		at := time.Duration(n)*time.Minute/4 + time.Duration(random.IntN(60_000))*time.Millisecond
		var bodies []circ.EventBody
		for range visit / 2 {
			bodies = append(bodies,
				circ.CheckedIn{Visit: circ.VisitID(n), Item: item(random), Patron: ref, Belongs: true},
				circ.CheckedOut{Visit: circ.VisitID(n), Item: item(random), Patron: ref, By: ref, Due: moment(at).Wall.AddDate(0, 0, 28).Truncate(24 * time.Hour)})
		}
		_, err := log.Append(moment(at), []circ.PatronID{patron}, bodies...)
		check(b, err)
	}
}

func item(random *rand.Rand) circ.ItemID {
	return circ.ItemID(fmt.Sprintf("3%013d", random.IntN(2000)*104_729))
}

// sealed are the batches that a station makes of log after its first event, and
// how many events they hold.
func sealed(b *testing.B, file identity.Station, log *ledger.Ledger) (payloads [][]byte, events int) {
	b.Helper()
	_, last, err := log.Bounds()
	check(b, err)
	for next := uint64(2); next <= last; {
		raw, chain, err := log.Read(next, wire.MaxEvents, wire.MaxBytes)
		check(b, err)
		payload, err := wire.Channel{Station: file.Station, Way: wire.Up}.Seal(file.SigningKey(), wire.Batch{Stream: log.ID(), First: next, Events: raw, Chain: chain})
		check(b, err)
		payloads = append(payloads, payload)
		next, events = next+uint64(len(raw)), events+len(raw)
	}
	return payloads, events
}

// publish sends payloads as one station would, with paho and nothing else, Window
// at a time, and waits until the broker has acknowledged and a subscriber got all.
func publish(b *testing.B, address string, name circ.StationID, payloads [][]byte) time.Duration {
	b.Helper()
	topic := wire.Topic(name, wire.Up)
	came := make(chan int, len(payloads))
	wait := func(t mqtt.Token) { t.Wait(); check(b, t.Error()) }
	connect := func(id, name string) mqtt.Client {
		c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("mqtt://" + address).SetClientID(id).SetUsername(name).
			SetProtocolVersion(4).SetCleanSession(true).SetAutoReconnect(false))
		wait(c.Connect())
		return c
	}
	to, from := connect("bare-hub", "hub"), connect("bare", string(name))
	defer to.Disconnect(0)
	defer from.Disconnect(0)
	wait(to.Subscribe(wire.AnyTopic(-1, wire.Up), 1, func(_ mqtt.Client, m mqtt.Message) { came <- len(m.Payload()) }))
	began := time.Now()
	var flight []mqtt.Token
	for _, payload := range payloads {
		if len(flight) == courier.Window {
			wait(flight[0])
			flight = flight[1:]
		}
		flight = append(flight, from.Publish(topic, 1, false, payload))
	}
	for _, t := range flight {
		wait(t)
	}
	for i := range payloads {
		select {
		case <-came:
		case <-time.After(time.Minute):
			b.Fatalf("%d of %d came to the subscriber", i, len(payloads))
		}
	}
	return time.Since(began)
}
