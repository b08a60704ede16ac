package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/identity"
	"coldstation/sync/wire"
)

// Size is how large a library is that is made up.
type Size struct{ Stations, Events, Items int }

var (
	places  = []string{"Koivukoti", "Vaahterapiha", "Pajukoti", "Lehmuskartano", "Saarnirinne", "Kuusikoto", "Haapala", "Tammikoti"}
	titles  = []string{"Punainen viitta", "Talvi järvellä", "Äidin kirjeet", "Öinen juna", "Sinuhe egyptiläinen", "Kesän viimeinen päivä", "Saaristossa", "Hiljainen talo"}
	authors = []string{"Waltari, Mika", "Jansson, Tove", "Väisänen, Aino", "Östman, Åke", "Härkönen, Liisa"}
)

// NameOf is the name of a library's station.
func (z Size) NameOf(i int) circ.StationID {
	return circ.StationID(fmt.Sprintf("house-%04d", i%z.Stations))
}

// Fill makes up a library that was in use for the year before end: the same for the
// same size.
func (z Size) Fill(ctx context.Context, s store.Store, end time.Time) error {
	random := rand.New(rand.NewPCG(uint64(z.Stations), uint64(z.Events)))
	var all store.Collection
	for i := range z.Items {
		all.Items = append(all.Items, circ.Item{ID: z.item(i), Title: fmt.Sprintf("%s %d", titles[i%len(titles)], i), Author: authors[i%len(authors)], Year: 1950 + i%75, Language: []string{"fi", "sv", "en"}[i%3], Home: z.NameOf(i)})
	}
	if _, err := s.Import(ctx, all); err != nil {
		return err
	}
	for i := range z.Stations {
		if err := z.fill(ctx, s, random, i, end); err != nil {
			return fmt.Errorf("fill %s: %w", z.NameOf(i), err)
		}
	}
	return nil
}

func (z Size) item(i int) circ.ItemID { return circ.ItemID(fmt.Sprintf("3%013d", i)) }

// opening moves a time into the hours of the day in which a house is awake.
func opening(at time.Duration) time.Duration {
	const day = 24 * time.Hour
	return at - at%day + 7*time.Hour + at%day/2
}

const sizeOfBatch = 400

func (z Size) fill(ctx context.Context, s store.Store, random *rand.Rand, station int, end time.Time) error {
	id := z.NameOf(station)
	if err := s.Enrol(ctx, identity.Enrolled{Station: id, Password: []byte{1}, Signing: make([]byte, 32)}, end.AddDate(-1, 0, 0)); err != nil {
		return err
	}
	if err := s.SetTitle(ctx, id, fmt.Sprintf("%s %d", places[station%len(places)], station)); err != nil {
		return err
	}
	log := NewLog(id)
	log.Began = end.AddDate(-1, 0, 0)
	if _, err := s.Find(ctx, id, log.ID, log.Began); err != nil {
		return err
	}
	if _, err := s.Seen(ctx, store.Presence{Station: id, Online: true, Boot: uuid.New(), Session: 1, At: end.Add(-time.Duration(station%7) * time.Minute)}); err != nil {
		return err
	}
	events, own := z.Events/z.Stations, max(1, z.Items/z.Stations)
	met := make(map[byte]bool)
	uptime := time.Duration(0)
	var failed error
	add := func(body circ.EventBody) {
		e := circ.Event{Stamp: circ.Stamp{Wall: log.Began.Add(uptime), Clock: circ.ClockNTP, Boot: log.Boot, Uptime: uptime}, Body: body}
		written := e
		if _, sealed := body.(circ.PatronMet); sealed { // nobody has a key to open it with
			written.Body = circ.Started{Version: "1"}
		}
		raw, err := wire.AppendEvent(nil, written, nil)
		failed = errors.Join(failed, err)
		log.AddRaw(e, raw)
	}
	for n := 0; n < events; n++ {
		uptime = opening(time.Duration(n+1) * (365 * 24 * time.Hour) / time.Duration(events+1))
		item, card := z.item(station+z.Stations*random.IntN(own)), byte(1+random.IntN(3+station%20))
		if !met[card] {
			met[card] = true
			add(circ.PatronMet{Ref: circ.Ref{card}, ID: circ.NewPatronID(fmt.Sprint("9", station, card))})
			continue
		}
		switch k := random.IntN(20); {
		case n < own && n < events/4:
			add(circ.Placed{Item: z.item(station + z.Stations*n)})
		case k < 10:
			add(circ.CheckedOut{Item: item, Patron: circ.Ref{card}, By: circ.Ref{card}, Due: log.Began.Add(uptime).AddDate(0, 0, 28)})
		case k < 18:
			add(circ.CheckedIn{Item: item, Patron: circ.Ref{card}, Belongs: true})
		case k == 18:
			add(circ.ReadHere{Item: item})
		default:
			add(circ.LentToHouse{Item: item})
		}
	}
	if failed != nil {
		return failed
	}
	for first := uint64(1); first <= uint64(len(log.events)); first += sizeOfBatch {
		b := log.Batch(first, min(first+sizeOfBatch-1, uint64(len(log.events))))
		b.At = end
		if _, err := s.TakeIn(ctx, b); err != nil {
			return err
		}
	}
	return nil
}
