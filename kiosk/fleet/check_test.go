package fleet

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"coldstation/sync/circ"
)

var (
	ours   = uuid.UUID{1}
	theirs = uuid.UUID{2}
)

func own(letters string) (all []entry) {
	for i, l := range letters {
		all = append(all, entry{Kept: Kept{Ledger: ours, Seq: uint64(i) + 1, Kind: "CheckedOut", Item: circ.ItemID(l), Raw: []byte(string(l))}})
	}
	return all
}

func at(id uuid.UUID, letters string) (all []Kept) {
	for _, e := range own(letters) {
		e.Ledger = id
		all = append(all, e.Kept)
	}
	return all
}

func TestCount(t *testing.T) {
	gap := at(ours, "abc")
	gap = append(gap[:1], gap[2])
	for _, c := range []struct {
		name                         string
		own                          string
		kept                         []Kept
		delivered, lost, dup, astray uint64
	}{
		{"the same", "abc", at(ours, "abc"), 3, 0, 0, 0},
		{"equal events", "aaa", at(ours, "aaa"), 3, 0, 0, 0},
		{"nothing", "ab", nil, 0, 2, 0, 0},
		{"the end is missing", "abc", at(ours, "ab"), 2, 1, 0, 0},
		{"one is missing", "abc", gap, 2, 1, 0, 0},
		{"one is there twice", "abc", at(ours, "abcc"), 3, 0, 1, 0},
		{"the first is there twice", "abc", at(ours, "aabc"), 3, 0, 1, 2},
		{"two have changed places", "abc", at(ours, "acb"), 3, 0, 0, 2},
		{"another event", "abc", at(ours, "abx"), 2, 1, 1, 0},
		{"more than there is", "a", at(ours, "ab"), 1, 0, 1, 0},
		{"in another ledger too", "ab", append(at(ours, "ab"), at(theirs, "ab")...), 2, 0, 2, 0},
		{"a place taken twice", "a", append(at(ours, "a"), at(ours, "a")...), 1, 0, 1, 0},
	} {
		for _, shown := range []bool{true, false} {
			kept := slices.Clone(c.kept)
			if !shown {
				for i := range kept {
					kept[i].Raw = nil
				}
			}
			var got Summary
			count(&got, own(c.own), kept, ours)
			want := Summary{Events: uint64(len(c.own)), Delivered: c.delivered, Lost: c.lost, Duplicated: c.dup, OutOfOrder: c.astray}
			if got != want {
				t.Errorf("%s, bytes shown %v: %+v, want %+v", c.name, shown, got, want)
			}
			if got.Sound() != (c.lost+c.dup+c.astray == 0) {
				t.Errorf("%s: sound %v", c.name, got.Sound())
			}
		}
	}
}

func TestFold(t *testing.T) {
	story := []circ.EventBody{
		circ.CheckedOut{Item: "a"}, circ.CheckedOut{Item: "b"}, circ.CheckedIn{Item: "a"}, circ.CheckedOut{Item: "c"},
		circ.Undone{Seq: 4}, circ.CheckedIn{Item: "b"}, circ.Undone{Seq: 6}, circ.TagFailed{Item: "d"},
	}
	var log []entry
	for i, body := range story {
		e := entry{Kept: Kept{Seq: uint64(i) + 1}, body: body}
		e.Kind, e.Item = about(body)
		log = append(log, e)
	}
	for n, want := range map[int]string{0: "[]", 1: "[a]", 2: "[a b]", 3: "[b]", 4: "[b c]", 5: "[b]", 6: "[]", 8: "[b]"} {
		if got := fmt.Sprint(fold(log[:n])); got != want {
			t.Errorf("after %d events %s, want %s", n, got, want)
		}
	}
}

// liar is a hub that has something else than was written.
type liar struct {
	Hub
	log   func([]Kept) []Kept
	loans func([]circ.ItemID) []circ.ItemID
}

func (l liar) Log(ctx context.Context, station circ.StationID) ([]Kept, error) {
	all, err := l.Hub.Log(ctx, station)
	if l.log != nil {
		all = l.log(all)
	}
	return all, err
}

func (l liar) Loans(ctx context.Context, station circ.StationID) ([]circ.ItemID, error) {
	all, err := l.Hub.Loans(ctx, station)
	if l.loans != nil {
		all = l.loans(all)
	}
	return all, err
}

// A fleet that did well is compared once more, with hubs and with proofs that are
// not as they should be.
func TestCompare(t *testing.T) {
	o := Options{Stations: 1, Visits: 5, Seed: 4, Folder: t.TempDir()}
	good, err := Run(t.Context(), o)
	if err != nil || !good.Sound() || good.Events == 0 {
		t.Fatalf("%+v, %v", good, err)
	}
	files, err := (&library{folder: filepath.Join(o.Folder, "hub")}).files()
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	hub := archive{files}
	for _, c := range []struct {
		name  string
		hub   Hub
		proof word
		sound bool // as to events
		says  string
	}{
		{"as it was", hub, word{}, true, ""},
		{"an event less", liar{Hub: hub, log: func(k []Kept) []Kept { return k[:len(k)-1] }}, word{}, false, "running hashes differ"},
		{"an event twice", liar{Hub: hub, log: func(k []Kept) []Kept { return append(k, k[0]) }}, word{}, false, "running hashes differ"},
		{"another order", liar{Hub: hub, log: func(k []Kept) []Kept {
			k[1].Seq, k[2].Seq = k[2].Seq, k[1].Seq
			return k
		}}, word{}, false, ""},
		{"another hash", liar{Hub: hub, log: func(k []Kept) []Kept { k[len(k)-1].Chain[0]++; return k }}, word{}, true, "running hashes differ"},
		{"another loan", liar{Hub: hub, loans: func(all []circ.ItemID) []circ.ItemID { return append(all, "x") }}, word{}, true, "on loan"},
		{"what was said is gone", hub, word{Seq: good.Events + 1}, true, "is not what it was"},
		{"what was said is other", hub, word{Seq: 1, Chain: make([]byte, 32)}, true, "is not what it was"},
	} {
		f := &fleet{Options: o, names: []circ.StationID{"fleet-000"}, proofs: []word{c.proof}}
		var s Summary
		err := f.compare(t.Context(), &s, c.hub, 0)
		if s.Sound() != c.sound || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %+v, %v; want sound %v and %q", c.name, s, err, c.sound, c.says)
		}
	}
}
