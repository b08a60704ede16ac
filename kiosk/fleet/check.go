package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/ledger"
	"coldstation/sync/wire"
)

// Hub is a library's side, as an independent reader sees it.
type Hub interface {
	// Log is a station's events, ledger by ledger in the order of their numbers.
	Log(ctx context.Context, station circ.StationID) ([]Kept, error)
	// Loans are the items on loan at a station.
	Loans(ctx context.Context, station circ.StationID) ([]circ.ItemID, error)
}

// Kept is an event at the hub. One that does not show Raw is told by its kind and
// its item.
type Kept struct {
	Ledger uuid.UUID
	Seq    uint64
	Kind   string
	Item   circ.ItemID
	Chain  wire.Chain
	Raw    []byte
}

// archive is a hub's files.
type archive struct{ store.Store }

func (a archive) Log(ctx context.Context, station circ.StationID) (all []Kept, err error) {
	err = a.Store.Log(ctx, station, func(k store.Kept) error {
		all = append(all, Kept{k.Ledger, k.Seq, k.Kind, k.Item, k.Chain, k.Raw})
		return nil
	})
	return all, err
}

func (a archive) Loans(ctx context.Context, station circ.StationID) (all []circ.ItemID, err error) {
	loans, err := a.Store.Loans(ctx, station)
	for _, l := range loans {
		all = append(all, l.Item)
	}
	return all, err
}

// check compares what every station wrote with what the hub has.
func (f *fleet) check(ctx context.Context) (s Summary, err error) {
	s = Summary{Stations: f.Stations, Seed: f.Seed}
	hub := f.Hub
	if hub == nil {
		files, err := f.library.files()
		if err != nil {
			return s, err
		}
		defer files.Close()
		hub = archive{files}
		for _, name := range f.names {
			station, e := files.Station(ctx, name)
			err = errors.Join(err, e)
			for _, c := range station.Conditions {
				err = errors.Join(err, fmt.Errorf("%s: the hub finds it %s %s", name, c.Name, c.Detail))
			}
		}
		if err != nil {
			return s, err
		}
	}
	for n, name := range f.names {
		if e := f.compare(ctx, &s, hub, n); e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", name, e))
		}
	}
	return s, err
}

// compare counts one station in.
func (f *fleet) compare(ctx context.Context, s *Summary, hub Hub, n int) error {
	log, err := ledger.Open(ledgerFile(f.folder(n)), ledger.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer log.Close()
	report, err := log.Verify()
	if err != nil {
		return err
	}
	kept, err := hub.Log(ctx, f.names[n])
	if err != nil {
		return err
	}
	own, err := written(log)
	if err != nil {
		return err
	}
	count(s, own, kept, log.ID())

	var faults []error
	complain := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if report.Hub != report.Last {
		complain("the hub acknowledged %d of %d events", report.Hub, report.Last)
	}
	if end := len(kept) - 1; end >= 0 && kept[end].Raw != nil && kept[end].Chain != report.Chain {
		complain("the running hashes differ after %d events", report.Last)
	}
	if proof := f.proofs[n]; proof.Seq > 0 {
		if chain, err := log.Chain(proof.Seq); err != nil || !bytes.Equal(chain[:], proof.Chain) {
			complain("event %d is not what it was when a visit ended: %v", proof.Seq, err)
		}
	}
	here, err := log.OpenLoans()
	if err != nil {
		return err
	}
	var station []circ.ItemID
	for _, l := range here {
		station = append(station, l.Item)
	}
	library, err := hub.Loans(ctx, f.names[n])
	if err != nil {
		return err
	}
	want := fold(own)
	for who, got := range map[string][]circ.ItemID{"the station": station, "the hub": library} {
		if slices.Sort(got); !slices.Equal(got, want) {
			complain("on loan are by the events %v, as %s has it %v", want, who, got)
		}
	}
	return errors.Join(faults...)
}

// entry is an event in a station's ledger.
type entry struct {
	Kept
	body circ.EventBody
}

// written is all of a ledger, as it stands there.
func written(log *ledger.Ledger) (all []entry, err error) {
	for {
		next := uint64(len(all)) + 1
		raw, chain, err := log.Read(next, wire.MaxEvents, wire.MaxBytes)
		if err != nil || len(raw) == 0 {
			return all, err
		}
		for i, one := range raw {
			event, err := wire.ParseEvent(one, nil)
			if err != nil {
				return all, err
			}
			e := entry{Kept{Ledger: log.ID(), Seq: next + uint64(i), Raw: one}, event.Body}
			e.Kind, e.Item = about(event.Body)
			all = append(all, e)
		}
		all[len(all)-1].Chain = chain
	}
}

// count compares two logs event by event. Of what is not in its place it tells
// whether it is elsewhere, missing, or there once too often.
func count(s *Summary, own []entry, kept []Kept, id uuid.UUID) {
	s.Events += uint64(len(own))
	placed := make(map[uint64]bool)
	spare := make(map[string]int) // at the hub and not in its place
	for _, k := range kept {
		if i := k.Seq - 1; k.Ledger == id && i < uint64(len(own)) && !placed[k.Seq] && k.key() == own[i].like(k).key() {
			placed[k.Seq] = true
			s.Delivered++
		} else {
			spare[k.key()]++
		}
	}
	for _, e := range own {
		if placed[e.Seq] {
			continue
		}
		key := e.key()
		if len(kept) > 0 {
			key = e.like(kept[0]).key()
		}
		if spare[key] == 0 {
			s.Lost++
			continue
		}
		spare[key]--
		s.Delivered++
		s.OutOfOrder++
	}
	for _, more := range spare {
		s.Duplicated += uint64(more)
	}
}

// like is k with as much as other shows.
func (k Kept) like(other Kept) Kept {
	if other.Raw == nil {
		k.Raw = nil
	}
	return k
}

func (k Kept) key() string {
	if k.Raw == nil {
		return k.Kind + " " + string(k.Item)
	}
	return string(k.Raw)
}

// about is an event's kind and its item, as a hub shows them.
func about(body circ.EventBody) (string, circ.ItemID) {
	switch b := body.(type) {
	case circ.CheckedOut:
		return "CheckedOut", b.Item
	case circ.CheckedIn:
		return "CheckedIn", b.Item
	case circ.TagSecured:
		return "TagSecured", b.Item
	case circ.TagUnsecured:
		return "TagUnsecured", b.Item
	case circ.TagFailed:
		return "TagFailed", b.Item
	}
	_, kind, _ := bytes.Cut(fmt.Appendf(nil, "%T", body), []byte("."))
	return string(kind), ""
}

// fold is what is on loan after a station's events, reckoned in the plainest way:
// of the events of an item that were not undone the last one counts.
func fold(log []entry) []circ.ItemID {
	undone := make(map[uint64]bool)
	for _, e := range log {
		if u, is := e.body.(circ.Undone); is {
			undone[u.Seq] = true
		}
	}
	lent := make(map[circ.ItemID]bool)
	for _, e := range log {
		if undone[e.Seq] {
			continue
		}
		switch e.body.(type) {
		case circ.CheckedOut:
			lent[e.Item] = true
		case circ.CheckedIn:
			delete(lent, e.Item)
		}
	}
	var all []circ.ItemID
	for id := range lent {
		all = append(all, id)
	}
	slices.Sort(all)
	return all
}
