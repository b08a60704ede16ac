package pn532_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/pn532"
	"coldstation/rfid/rfidtest"
	"coldstation/rfid/sim"
)

// card is the n-th test card; lengths of UIDs take turns.
func card(n int) sim.Chip {
	c := rfidtest.Card([]int{10, 4, 7}[n%3])
	c.Name = fmt.Sprintf("item-%d", n)
	return c
}

func driver(o pn532.Options) rfidtest.Driver {
	return rfidtest.Driver{Protocol: "pn532", New: func(p rfid.Port) rfid.Reader { return pn532.New(p, o) },
		Limit: time.Second, Most: 2, Chip: card}
}

func TestReader(t *testing.T) { rfidtest.Run(t, driver(pn532.Options{})) }

func TestStorm(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { rfidtest.Storm(t, driver(pn532.Options{}), seed, 10_000) })
	}
}

const cards = `{"cards": [
  {"name": "ten", "uid": "31323334353637383930"},
  {"name": "phone", "uid": "08112233"},
  {"name": "plain", "uid": "A1B2C3D4"},
  {"name": "other", "uid": "B1B2C3D4"},
  {"name": "ultralight", "uid": "04A1B2C3D4E5F6"},
  {"name": "library", "uid": "04010203040506", "key_a": "A0A1A2A3A4A5", "key_b": "B0B1B2B3B4B5",
   "sector1": "61083230303030303031000000000000000000000000000000000000000000000000000000000000000000000000EEFF"}
]}`

func lay(t *testing.T, o pn532.Options, faults *sim.Schedule, names ...string) *rfidtest.Pad {
	t.Helper()
	table, err := sim.ReadTable(strings.NewReader(cards))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := table.Put(name); err != nil {
			t.Fatal(err)
		}
	}
	return rfidtest.Lay(t, driver(o), table, faults)
}

func uids(tags []rfid.Tag) string {
	var list []string
	for _, tag := range tags {
		list = append(list, tag.UID.String())
	}
	return strings.Join(list, " ")
}

func TestCards(t *testing.T) {
	for _, c := range []struct{ lie, want string }{
		{"ten", "31323334353637383930"},
		{"phone", "08112233"},
		{"plain", "A1B2C3D4"},
		{"ultralight", "04A1B2C3D4E5F6"},
		{"phone plain", "08112233 A1B2C3D4"},
		{"ten library", "31323334353637383930 04010203040506"},
		{"plain other ultralight", "A1B2C3D4 B1B2C3D4"}, // no more than two
	} {
		synctest.Test(t, func(t *testing.T) {
			p := lay(t, pn532.Options{}, nil, strings.Fields(c.lie)...)
			for round := range 4 {
				got, err := p.Inventory(nil)
				if err != nil || uids(got) != c.want {
					t.Errorf("%s, round %d: got %s, %v, want %s", c.lie, round, uids(got), err, c.want)
				}
			}
		})
	}
}

// A telephone draws a new UID when the field has been off, so a round with one
// card must not turn it off.
func TestFieldStaysOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent bytes.Buffer
		table, _ := sim.ReadTable(strings.NewReader(cards))
		_ = table.Put("phone")
		d := driver(pn532.Options{})
		d.New = func(p rfid.Port) rfid.Reader {
			return pn532.New(rfidtest.Recorder{Port: p, To: &sent}, pn532.Options{})
		}
		p := rfidtest.Lay(t, d, table, nil)
		off := func() int { return strings.Count(sent.String(), "> 00 00 FF 04 FC D4 32 01 00") }
		for range 5 {
			if _, err := p.Inventory(nil); err != nil {
				t.Fatal(err)
			}
		}
		if got := off(); got != 1 {
			t.Errorf("field off with one card: got %d times, want once at the start", got)
		}
		_ = table.Put("plain")
		for range 5 {
			if got, err := p.Inventory(nil); err != nil || len(got) != 2 {
				t.Errorf("two cards: got %s, %v", uids(got), err)
			}
		}
		if got := off(); got != 5 {
			t.Errorf("field off with two cards: got %d times, want 5", got)
		}
	})
}

func TestSector(t *testing.T) {
	want := []byte{0x61, 0x08, '2', '0', '0', '0', '0', '0', '0', '1'}
	keyB, _ := rfid.ParseKey("B:B0B1B2B3B4B5")
	wrong, _ := rfid.ParseKey("A:010203040506")
	library, _ := rfid.ParseUID("04010203040506")
	plain, _ := rfid.ParseUID("A1B2C3D4")
	ultralight, _ := rfid.ParseUID("04A1B2C3D4E5F6")
	for _, c := range []struct {
		name string
		keys []rfid.Key
		uid  rfid.UID
		lie  string
		err  error
	}{
		{"default keys", nil, library, "library", nil},
		{"beside another", nil, library, "plain library", nil},
		{"a single key", []rfid.Key{rfid.DefaultKeys[1]}, library, "library", nil},
		{"key B", []rfid.Key{wrong, wrong, keyB}, library, "library", rfid.ErrKey}, // B is readable, hence no key
		{"wrong keys", []rfid.Key{wrong}, library, "library", rfid.ErrKey},
		{"not there", nil, library, "plain", rfid.ErrNoTag},
		{"nobody there", nil, library, "", rfid.ErrNoTag},
		{"no sectors", nil, ultralight, "ultralight", rfid.ErrUnsupported},
		{"as delivered", nil, plain, "plain library", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := lay(t, pn532.Options{Keys: c.keys}, nil, strings.Fields(c.lie)...)
				r := p.Reader.(rfid.CardMemory)
				for range 3 {
					got, err := r.ReadSector(c.uid, rfid.LibrarySector, []byte("before"))
					if !errors.Is(err, c.err) {
						t.Fatalf("got %v, want %v", err, c.err)
					}
					var e *rfid.Error
					if err != nil && (!errors.As(err, &e) || e.UID != c.uid || string(got) != "before") {
						t.Errorf("got %q, %v", got, err)
					}
					if err == nil && (len(got) != 6+rfid.SectorSize || c.uid == library && !bytes.HasPrefix(got[6:], want)) {
						t.Errorf("got % X", got)
					}
					if tags, err := p.Inventory(nil); err != nil || len(tags) != len(strings.Fields(c.lie)) {
						t.Errorf("then an inventory: got %s, %v", uids(tags), err)
					}
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		p := lay(t, pn532.Options{}, nil, "library")
		if _, err := p.Reader.(rfid.CardMemory).ReadSector(library, 32, nil); !errors.Is(err, rfid.ErrRange) {
			t.Errorf("sector 32: got %v, want %v", err, rfid.ErrRange)
		}
	})
}

// Reading sectors while everything goes wrong: the truth or an error.
func TestSectorStorm(t *testing.T) {
	library, _ := rfid.ParseUID("04010203040506")
	synctest.Test(t, func(t *testing.T) {
		const seed = 7
		t.Logf("seed %d", seed)
		rnd := rand.New(rand.NewPCG(seed, 0))
		p := lay(t, pn532.Options{}, sim.NewSchedule(seed, 0.05), "library", "plain")
		c, _ := p.Table.Chip(library)
		want, ok := c.Card[64:64+rfid.SectorSize], 0
		for n := range 10_000 {
			if rnd.IntN(4) == 0 {
				for _, c := range p.Table.Chips() {
					_ = p.Table.Set(c.Name, c.Name == "library" || c.Name == "plain")
				}
			}
			start := time.Now()
			got, err := p.Reader.(rfid.CardMemory).ReadSector(library, 1, nil)
			if took := time.Since(start); took > 10*time.Second {
				t.Fatalf("operation %d took %v", n, took)
			}
			if err == nil {
				ok++
				if !bytes.Equal(got, want) {
					t.Fatalf("operation %d: got % X, want % X", n, got, want)
				}
			}
		}
		if ok < 3000 {
			t.Errorf("sectors read: got %d of 10000", ok)
		}
	})
}

func TestProbe(t *testing.T) {
	rfidtest.Probe(t, driver(pn532.Options{}), pn532.Probe, "PN532, firmware 1.6", "feig", "3m", "rl866")
}
