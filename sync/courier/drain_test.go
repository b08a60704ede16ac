package courier_test

import (
	"context"
	"fmt"
	"log/slog"
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
	visits  = 100    // events written at a time
)

// BenchmarkDrain is how fast a station's backlog goes from its ledger into the
// hub's store and is acknowledged back, over the embedded broker, against paho
// alone publishing the same sealed batches to the same broker, as many at a time.
func BenchmarkDrain(b *testing.B) {
	quiet := slog.New(slog.DiscardHandler)
	library, err := identity.NewLibrary()
	check(b, err)
	file, enrolled, err := library.Enrol("maple-house", "mqtt://localhost:1883")
	check(b, err)
	pipe, err := broker.Start(b.Context(), broker.Options{Folder: b.TempDir(), Log: quiet, Authenticate: func(name, _ string) (broker.Role, bool) {
		return broker.Role{Hub: name == "hub", Station: file.Station}, true
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
	for b.Loop() {
		b.StopTimer()
		log := written(b, file)
		s, err := store.OpenSQLite(filepath.Join(b.TempDir(), "hub.db"))
		check(b, err)
		check(b, s.Enrol(b.Context(), enrolled, time.Now()))
		h, err := hub.Open(hub.Settings{Store: s, Library: library, Dial: dial("hub"), Log: quiet})
		check(b, err)
		ctx, stop := context.WithCancel(b.Context())
		ended := make(chan error, 2)
		go func() { ended <- h.Run(ctx) }()
		st, err := station.New(station.Settings{Log: log, Identity: file, Boot: uuid.New(), Dial: dial("maple-house"), Moment: moment, Logger: quiet})
		check(b, err)
		b.StartTimer()
		began := time.Now()
		go func() { ended <- st.Run(ctx) }()
		_, last, err := log.Bounds()
		check(b, err)
		for deadline := began.Add(time.Minute); ; time.Sleep(time.Millisecond) {
			mark, err := log.Mark(ledger.Hub)
			check(b, err)
			if mark == last {
				break
			}
			if time.Now().After(deadline) {
				b.Fatalf("%d of %d arrived in a minute", mark, last)
			}
		}
		drained += time.Since(began)
		b.StopTimer()
		stop()
		check(b, <-ended)
		check(b, <-ended)
		bare += publish(b, pipe.Addr(), file, log)
		check(b, s.Close())
		check(b, log.Close())
		b.StartTimer()
	}
	b.ReportMetric(float64(b.N)*backlog/drained.Seconds(), "events/s")
	b.ReportMetric(float64(b.N)*backlog/bare.Seconds(), "bare-events/s")
	fmt.Printf("ratio drain %.4f\n", bare.Seconds()/drained.Seconds())
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func moment() circ.Stamp {
	return circ.Stamp{Wall: time.Now(), Clock: circ.ClockNTP, Boot: uuid.UUID{1}, Uptime: time.Hour}
}

// written is a ledger with a backlog of loans and returns.
func written(b *testing.B, file identity.Station) *ledger.Ledger {
	b.Helper()
	key, err := file.SealingKey()
	check(b, err)
	log, err := ledger.Open(filepath.Join(b.TempDir(), "ledger"), ledger.Options{Station: file.Station, Key: make([]byte, 32), Sealer: &wire.Sealer{Key: key}})
	check(b, err)
	patron := circ.NewPatronID("20000000000017")
	ref := circ.NewRef(make([]byte, 32), patron)
	for n := 0; n < backlog; n += visits {
		var bodies []circ.EventBody
		for i := range visits / 2 {
			item := circ.ItemID(fmt.Sprintf("3%013d", (n+i)%1000))
			bodies = append(bodies,
				circ.CheckedOut{Visit: circ.VisitID(n), Item: item, Patron: ref, By: ref, Due: moment().Wall.AddDate(0, 0, 28).Truncate(time.Second)},
				circ.CheckedIn{Visit: circ.VisitID(n), Item: item, Patron: ref, Belongs: true})
		}
		_, err := log.Append(moment(), []circ.PatronID{patron}, bodies...)
		check(b, err)
	}
	return log
}

// publish sends all of log as one station would, with paho and nothing else, and
// waits for the broker's acknowledgements, Window at a time.
func publish(b *testing.B, address string, file identity.Station, log *ledger.Ledger) time.Duration {
	b.Helper()
	var batches [][]byte
	_, last, err := log.Bounds()
	check(b, err)
	for next := uint64(1); next <= last; {
		raw, chain, err := log.Read(next, wire.MaxEvents, wire.MaxBytes)
		check(b, err)
		payload, err := wire.Channel{Station: file.Station, Way: wire.Up}.Seal(file.SigningKey(), wire.Batch{Stream: log.ID(), First: next, Events: raw, Chain: chain})
		check(b, err)
		batches = append(batches, payload)
		next += uint64(len(raw))
	}
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("mqtt://" + address).SetClientID("bare").SetUsername("maple-house").
		SetProtocolVersion(4).SetCleanSession(true).SetAutoReconnect(false))
	defer c.Disconnect(0)
	t := c.Connect()
	t.Wait()
	check(b, t.Error())
	topic := wire.Topic(file.Station, wire.Up)
	began := time.Now()
	var flight []mqtt.Token
	for _, payload := range batches {
		if len(flight) == courier.Window {
			flight[0].Wait()
			flight = flight[1:]
		}
		flight = append(flight, c.Publish(topic, 1, false, payload))
	}
	for _, t := range flight {
		t.Wait()
		check(b, t.Error())
	}
	return time.Since(began)
}
