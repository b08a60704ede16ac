package fleet

import (
	"encoding/binary"
	"fmt"

	"coldstation/rfid"
	"coldstation/rfid/iso28560"
	"coldstation/rfid/sim"
	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// Each station has a shelf of its own and beside it a book that the library has
// not told of and one of another library. The same people come to all stations,
// and to each one stranger.
const (
	shelf     = 6
	untold    = shelf
	foreign   = shelf + 1
	stock     = shelf + 2
	people    = 6
	stranger  = people
	owner     = "FI-Fleet"
	elsewhere = "SE-Elsewhere"
)

func itemID(station, n int) circ.ItemID { return circ.ItemID(fmt.Sprintf("%05d%02d", station, n)) }

func cardName(n int) string { return fmt.Sprintf("card %d", n) }

// cardUID is a card's chip. Only strangers are another person at each station.
func cardUID(station, n int) rfid.UID {
	if n != stranger {
		station = 0
	}
	b := binary.BigEndian.AppendUint32([]byte{0x04}, uint32(station))
	return rfid.MakeUID(append(b, byte(n), 0x80))
}

func patronID(n int) circ.PatronID { return circ.NewPatronID(fmt.Sprintf("FLEET-%d", n)) }

// collection is what the library tells all stations. The last of the people is
// blocked, and the first may act for the second.
func collection(stations []circ.StationID) (c store.Collection) {
	c.Policies = []circ.Policy{{ID: "adult", LoanDays: 28, Limit: 3, Renewals: 5}}
	for n := range people {
		c.Patrons = append(c.Patrons, circ.Patron{ID: patronID(n), FirstName: fmt.Sprint("Person ", n), Policy: "adult",
			Language: "en", Blocked: n == people-1, Cards: []string{cardUID(0, n).String()}})
	}
	c.Patrons[2].Picture = "boat" // agreed to be recognised without a card
	c.Proxies = []circ.Proxy{{ID: "fleet", Principal: patronID(1), Agent: patronID(0), Scopes: circ.MayBorrow | circ.MayRenew | circ.MayCollect, From: founded}}
	for s, name := range stations {
		for n := range shelf {
			c.Items = append(c.Items, circ.Item{ID: itemID(s, n), Title: fmt.Sprint("Book ", n, " of ", name), Author: "The Fleet", Language: "en", Home: name})
		}
	}
	return c
}

// table is what lies beside a station's pad. Tags of lent items are unsecured.
func table(station int, lent func(circ.ItemID) bool) (*sim.Table, error) {
	t := sim.NewTable()
	for n := range people + 1 {
		chip := sim.Chip{Name: cardName(n), Tag: rfid.Tag{UID: cardUID(station, n), Kind: rfid.ISO14443A}}
		if err := t.Add(chip); err != nil {
			return nil, err
		}
	}
	for n := range stock {
		id := itemID(station, n)
		label := iso28560.Label{Item: string(id), ISIL: owner, Parts: 1, Part: 1, Usage: iso28560.Circulation}
		if n == foreign {
			label.ISIL = elsewhere
		}
		memory, err := iso28560.EncodePart3(label, iso28560.Layout{Block: 4, Room: 112})
		if err != nil {
			return nil, err
		}
		uid := binary.BigEndian.AppendUint16([]byte{0xE0, 0x04, 0x01, 0x50, 0, byte(n)}, uint16(station))
		chip := sim.Chip{Name: string(id), Memory: memory, AFI: rfid.InLibrary,
			Tag: rfid.Tag{UID: rfid.MakeUID(uid), Kind: rfid.ISO15693, DSFID: 0x3E}}
		if lent(id) {
			chip.AFI = rfid.OnLoan
		}
		if err := t.Add(chip); err != nil {
			return nil, err
		}
	}
	return t, nil
}
