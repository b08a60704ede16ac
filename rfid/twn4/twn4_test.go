package twn4_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/rfidtest"
	"coldstation/rfid/sim"
	"coldstation/rfid/twn4"
)

// variants are the formats a reader may be set to, and Auto on each.
var variants = []struct {
	format      twn4.Format
	binary, crc bool
}{
	{twn4.ASCII, false, false}, {twn4.ASCIIWithCRC, false, true}, {twn4.Binary, true, false}, {twn4.BinaryWithCRC, true, true},
	{twn4.Auto, false, false}, {twn4.Auto, false, true}, {twn4.Auto, true, false}, {twn4.Auto, true, true},
}

func driver(o twn4.Options, binary, crc bool) rfidtest.Driver {
	return rfidtest.Driver{Protocol: "twn4", New: func(p rfid.Port) rfid.Reader { return twn4.New(p, o) }, Limit: 2 * time.Second, Most: 1,
		Tune: func(d sim.Device) { d.(*sim.TWN4).Binary, d.(*sim.TWN4).CRC = binary, crc }}
}

// reader hides WriteAFI, which can only say that it cannot.
type reader struct{ *twn4.Reader }

func (reader) WriteAFI() {}

func each(t *testing.T, f func(t *testing.T, d rfidtest.Driver)) {
	for _, v := range variants {
		d := driver(twn4.Options{Format: v.format}, v.binary, v.crc)
		d.New = func(p rfid.Port) rfid.Reader { return reader{twn4.New(p, twn4.Options{Format: v.format})} }
		t.Run(fmt.Sprintf("%v, binary %v, CRC %v", v.format, v.binary, v.crc), func(t *testing.T) { f(t, d) })
	}
}

func TestReader(t *testing.T) { each(t, rfidtest.Run) }

func TestStorm(t *testing.T) {
	each(t, func(t *testing.T, d rfidtest.Driver) {
		operations := 10_000
		if strings.Contains(t.Name(), "auto") {
			operations = 2_000
		}
		rfidtest.Storm(t, d, 1, operations)
	})
}

const table = `{"cards": [{"name": "plain", "uid": "A1B2C3D4"}, {"name": "seven", "uid": "04A1B2C3D4E5F6"}, {"name": "em", "uid": "14008EC793"},
  {"name": "library", "uid": "04010203040506", "key_a": "A0A1A2A3A4A5", "sector1": "61083230303030303031"}],
 "items": [{"name": "book", "uid": "E004015012345678", "afi": "07", "dsfid": "3E", "memory": "11010131", "locked": [3]}]}`

func lay(t *testing.T, o twn4.Options, tune func(*sim.TWN4), names ...string) (*twn4.Reader, *sim.Table) {
	t.Helper()
	chips, err := sim.ReadTable(strings.NewReader(table))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := chips.Put(name); err != nil {
			t.Fatal(err)
		}
	}
	d := driver(o, false, false)
	d.Tune = func(d sim.Device) {
		if tune != nil {
			tune(d.(*sim.TWN4))
		}
	}
	return rfidtest.Lay(t, d, chips, nil).Reader.(*twn4.Reader), chips
}

func TestKinds(t *testing.T) {
	for name, want := range map[string]string{"plain": "ISO14443A A1B2C3D4", "seven": "ISO14443A 04A1B2C3D4E5F6", "em": "EM4100 14008EC793",
		"book": "ISO15693 E004015012345678"} {
		synctest.Test(t, func(t *testing.T) {
			r, _ := lay(t, twn4.Options{}, nil, name)
			tags, err := r.Inventory(nil)
			if err != nil || len(tags) != 1 || fmt.Sprint(tags[0].Kind, " ", tags[0].UID) != want {
				t.Errorf("%s: got %v, %v, want %s", name, tags, err, want)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		r, _ := lay(t, twn4.Options{HF: 1}, nil, "em", "book", "plain")
		if tags, err := r.Inventory(nil); err != nil || len(tags) != 1 || tags[0].Kind != rfid.ISO14443A {
			t.Errorf("only MIFARE: got %v, %v", tags, err)
		}
	})
}

func TestMemory(t *testing.T) {
	for _, fromOne := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r, chips := lay(t, twn4.Options{}, func(s *sim.TWN4) { s.FromOne = fromOne }, "book")
			uid, _ := rfid.ParseUID("E004015012345678")
			info, memory, err := rfid.ReadMemory(r, uid, 0, nil)
			if c, _ := chips.Chip(uid); err != nil || !bytes.Equal(memory, c.Memory) || info.Blocks != 28 || info.AFI != 7 || info.DSFID != 0x3E {
				t.Errorf("got %+v, % X, %v", info, memory, err)
			}
			if err := r.WriteBlocks(uid, 3, 4, []byte{1, 2, 3, 4}); !errors.Is(err, rfid.ErrLocked) {
				t.Errorf("locked: got %v, want %v", err, rfid.ErrLocked)
			}
			if err := r.WriteBlocks(uid, 4, 8, make([]byte, 8)); !errors.Is(err, rfid.ErrRange) {
				t.Errorf("wrong block size: got %v, want %v", err, rfid.ErrRange)
			}
			if _, err := r.ReadBlocks(uid, 28, 1, nil); !errors.Is(err, rfid.ErrRange) {
				t.Errorf("past the end: got %v, want %v", err, rfid.ErrRange)
			}
			if err := r.WriteAFI(uid, rfid.OnLoan); !errors.Is(err, rfid.ErrUnsupported) || rfid.Cure(err) != rfid.GiveUp {
				t.Errorf("AFI: got %v, want %v", err, rfid.ErrUnsupported)
			}
			card, _ := rfid.ParseUID("A1B2C3D4")
			_, _ = chips.Lift("book"), chips.Put("plain")
			if _, err := r.Info(card); !errors.Is(err, rfid.ErrUnsupported) {
				t.Errorf("a card's blocks: got %v, want %v", err, rfid.ErrUnsupported)
			}
			if _, err := r.Info(uid); !errors.Is(err, rfid.ErrNoTag) {
				t.Errorf("another lies there: got %v, want %v", err, rfid.ErrNoTag)
			}
		})
	}
}

func TestSector(t *testing.T) {
	library, _ := rfid.ParseUID("04010203040506")
	seven, _ := rfid.ParseUID("04A1B2C3D4E5F6")
	wrong, _ := rfid.ParseKey("A:010203040506")
	for _, c := range []struct {
		name string
		keys []rfid.Key
		uid  rfid.UID
		lie  string
		err  error
	}{
		{"default keys", nil, library, "library", nil},
		{"wrong key", []rfid.Key{wrong}, library, "library", rfid.ErrKey},
		{"gone", nil, library, "plain", rfid.ErrNoTag},
		{"no sectors", nil, seven, "seven", rfid.ErrKey},
	} {
		synctest.Test(t, func(t *testing.T) {
			r, _ := lay(t, twn4.Options{Keys: c.keys}, nil, c.lie)
			got, err := r.ReadSector(c.uid, rfid.LibrarySector, nil)
			if !errors.Is(err, c.err) || err == nil && !bytes.HasPrefix(got, []byte("a\x0820000001")) {
				t.Errorf("%s: got % X, %v, want %v", c.name, got, err, c.err)
			}
		})
	}
}

func TestSignals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := lay(t, twn4.Options{}, nil)
		if err := r.Beep(50, 2400, 100*time.Millisecond); err != nil {
			t.Error(err)
		}
		if err := r.Light(twn4.Green); err != nil {
			t.Error(err)
		}
		if err := r.Beep(101, 2400, 0); !errors.Is(err, rfid.ErrRange) {
			t.Errorf("got %v, want %v", err, rfid.ErrRange)
		}
	})
}

func TestProbe(t *testing.T) {
	for _, v := range variants[:4] {
		rfidtest.Probe(t, driver(twn4.Options{}, v.binary, v.crc), twn4.Probe, "TWN4/B1.64/CCF4.51/PRS1.04, "+v.format.String(), "feig", "3m")
	}
}
