// Package koc makes Koha's offline circulation files, for a library that brings loans
// and returns into Koha by hand.
//
//	Version=1.0 TAB Generator=… TAB GeneratorVersion=…
//	2026-11-24 14:05:09 TAB issue TAB CARD TAB BARCODE
//	2026-11-24 14:06:10 TAB return TAB BARCODE
//
// in the time of the library, in UTF-8, each line ended by LF. Payments are not
// written: a station takes none.
//
// What Koha does with such a file decides what is written. Its offline_circ/
// process_koc.pl takes only the day of each time. An issue of an item that is on loan
// to the same card renews it, so a renewal is an issue. An issue of an item that is on
// loan to another, since the same or a later day, is passed over in silence: so a
// return stands before each issue of an item that, by what was written before or by
// what the station knew, is still with another. An unknown card or barcode ends the
// run with everything after it undone: so both are looked up before, and a row with
// either is left out, with all later rows of the same item, and listed.
//
// Source: Koha, offline_circ/process_koc.pl and enqueue_koc.pl.
package koc

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// Row is one line of a file.
type Row struct {
	At   time.Time
	Card circ.PatronID // zero: it is a return
	Item circ.ItemID
}

// Write writes a file with the times of a place.
func Write(w io.Writer, version string, rows []Row, zone *time.Location) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "Version=1.0\tGenerator=coldstation\tGeneratorVersion=%s\n", version)
	for _, r := range rows {
		at := r.At.In(zone).Format(time.DateTime)
		if r.Card.IsZero() {
			fmt.Fprintf(out, "%s\treturn\t%s\n", at, r.Item)
		} else {
			fmt.Fprintf(out, "%s\tissue\t%s\t%s\n", at, r.Card.Plaintext(), r.Item)
		}
	}
	return out.Flush()
}

// Asked is what a file is to hold. What is zero does not matter.
type Asked struct {
	From, To time.Time // To is not in it
	Stations []circ.StationID
	Patrons  map[circ.PatronID]bool // known ones
	Items    map[circ.ItemID]bool
	With     func(circ.ItemID) (circ.PatronID, bool) // with whom the item is by what was written before, and whether anything was
}

// Apart is a posting that is not written, and why.
type Apart struct {
	store.Posting
	Why string
}

// Plan sorts postings, in the order they happened, into those to be written, as they
// are to be kept then, and those left out.
func Plan(all []store.Posting, asked Asked) (written []store.Posting, apart []Apart) {
	with := make(map[circ.ItemID]circ.PatronID)
	held := make(map[circ.ItemID]bool)
	for _, p := range all {
		switch {
		case held[p.Item]:
			apart = append(apart, Apart{p, "an earlier one of the same item is not in the file yet"})
			continue
		case !asked.wants(p):
			held[p.Item] = true
			continue
		}
		if why := asked.wrong(p); why != "" {
			held[p.Item] = true
			apart = append(apart, Apart{p, why})
			continue
		}
		before, known := with[p.Item]
		if !known {
			if before, known = asked.With(p.Item); !known {
				before = p.WasWith
			}
		}
		p.Step, p.Acted = store.StepMain, p.Act()
		switch card := Card(p); p.Acted {
		case store.PostLend:
			if !before.IsZero() && before != card {
				p.Step = store.StepReturn
			}
			with[p.Item] = card
		case store.PostTakeBack:
			with[p.Item] = circ.PatronID{}
		}
		written = append(written, p)
	}
	return written, apart
}

// Card is whose loan a posting makes or goes on with.
func Card(p store.Posting) circ.PatronID {
	if p.Op == store.PostUndo {
		return p.UndoesOf
	}
	return p.Patron
}

func (a Asked) wants(p store.Posting) bool {
	for _, station := range a.Stations {
		if station == p.Station {
			return a.within(p)
		}
	}
	return len(a.Stations) == 0 && a.within(p)
}

func (a Asked) within(p store.Posting) bool {
	return (a.From.IsZero() || !p.At.Before(a.From)) && (a.To.IsZero() || p.At.Before(a.To))
}

// wrong is why a posting cannot be written; "" when it can.
func (a Asked) wrong(p store.Posting) string {
	const breaks = "\t\r\n"
	switch card := Card(p); {
	case !a.Items[p.Item]:
		return "the barcode is not in the collection"
	case strings.ContainsAny(string(p.Item), breaks):
		return "the barcode has a tab or a line's end in it"
	case p.Act() != store.PostLend && p.Act() != store.PostRenew:
		return ""
	case card.IsZero():
		return "whose card it was is not known"
	case !a.Patrons[card]:
		return "the card is not in the collection"
	case strings.ContainsAny(card.Plaintext(), breaks):
		return "the card has a tab or a line's end in it"
	}
	return ""
}

// Rows are the lines of what was written, in order. An undone renewal has none: Koha
// cannot take one back.
func Rows(written []store.Posting) (rows []Row) {
	for _, p := range written {
		if p.Step == store.StepReturn {
			rows = append(rows, Row{p.At, circ.PatronID{}, p.Item})
		}
		switch p.Acted {
		case store.PostLend, store.PostRenew:
			rows = append(rows, Row{p.At, Card(p), p.Item})
		case store.PostTakeBack:
			rows = append(rows, Row{p.At, circ.PatronID{}, p.Item})
		}
	}
	return rows
}
