package koc

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

var helsinki = time.FixedZone("EET", 2*3600)

// at is a moment of the 24th of November, in the library's time.
func at(hour, minute int) time.Time { return time.Date(2026, 11, 24, hour, minute, 9, 0, helsinki) }

func post(op store.PostingOp, item circ.ItemID, card string, hour, minute int) store.Posting {
	return store.Posting{PostingKey: store.PostingKey{Station: "maple-house"}, Op: op, Item: item, Patron: circ.NewPatronID(card), At: at(hour, minute).UTC()}
}

func lend(item circ.ItemID, card string, hour, minute int) store.Posting {
	return post(store.PostLend, item, card, hour, minute)
}

func asked() Asked {
	return Asked{
		Patrons: map[circ.PatronID]bool{circ.NewPatronID("A"): true, circ.NewPatronID("B"): true},
		Items:   map[circ.ItemID]bool{"1": true, "2": true, "3": true},
		With:    func(circ.ItemID) (circ.PatronID, bool) { return circ.PatronID{}, false },
	}
}

// lines are the rows of a file, without its head and the day.
func lines(t *testing.T, written []store.Posting) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, "0.1", Rows(written), helsinki); err != nil {
		t.Fatal(err)
	}
	_, rows, _ := strings.Cut(b.String(), "\n")
	rows = strings.ReplaceAll(strings.TrimSuffix(rows, "\n"), "\t", " ")
	return strings.ReplaceAll(strings.ReplaceAll(rows, "2026-11-24 ", ""), "\n", " | ")
}

func TestPlan(t *testing.T) {
	back := func(item circ.ItemID, hour, minute int) store.Posting {
		return post(store.PostTakeBack, item, "A", hour, minute)
	}
	undone := func(of store.PostingOp) store.Posting {
		p := post(store.PostUndo, "1", "", 10, 2)
		p.Undoes, p.UndoesOf = of, circ.NewPatronID("A")
		return p
	}
	seen := lend("1", "B", 10, 0)
	seen.WasWith = circ.NewPatronID("A")
	elsewhere := lend("1", "A", 9, 0)
	elsewhere.Station = "birch-house"
	for _, tt := range []struct {
		name  string
		all   []store.Posting
		asked func(*Asked)
		want  string
		apart string // item and the reason's last word
	}{
		{"a loan and its return", []store.Posting{lend("1", "A", 9, 0), back("1", 10, 0)}, nil, "09:00:09 issue A 1 | 10:00:09 return 1", ""},
		{"a renewal", []store.Posting{lend("1", "A", 9, 0), post(store.PostRenew, "1", "A", 10, 0)}, nil, "09:00:09 issue A 1 | 10:00:09 issue A 1", ""},
		{"from hand to hand", []store.Posting{lend("1", "A", 9, 0), lend("1", "B", 10, 0)}, nil, "09:00:09 issue A 1 | 10:00:09 return 1 | 10:00:09 issue B 1", ""},
		{"as the station knew", []store.Posting{seen}, nil, "10:00:09 return 1 | 10:00:09 issue B 1", ""},
		{"as an earlier file has it", []store.Posting{lend("1", "B", 10, 0)},
			func(a *Asked) {
				a.With = func(circ.ItemID) (circ.PatronID, bool) { return circ.NewPatronID("A"), true }
			}, "10:00:09 return 1 | 10:00:09 issue B 1", ""},
		{"returned in an earlier file, whatever the station knew", []store.Posting{seen},
			func(a *Asked) { a.With = func(circ.ItemID) (circ.PatronID, bool) { return circ.PatronID{}, true } }, "10:00:09 issue B 1", ""},
		{"a loan undone after it was written", []store.Posting{undone(store.PostLend)}, nil, "10:02:09 return 1", ""},
		{"a return undone", []store.Posting{undone(store.PostTakeBack)}, nil, "10:02:09 issue A 1", ""},
		{"a renewal undone", []store.Posting{undone(store.PostRenew)}, nil, "", ""},
		{"an unknown card", []store.Posting{lend("1", "X", 9, 0), back("1", 10, 0), lend("2", "A", 10, 1)}, nil, "10:01:09 issue A 2", "1 collection, 1 yet"},
		{"an unknown barcode", []store.Posting{lend("9", "A", 9, 0), lend("2", "A", 10, 1)}, nil, "10:01:09 issue A 2", "9 collection"},
		{"nobody knows who", []store.Posting{lend("1", "", 9, 0)}, nil, "", "1 known"},
		{"a return needs no card", []store.Posting{post(store.PostTakeBack, "1", "X", 9, 0)}, nil, "09:00:09 return 1", ""},
		{"a tab in a card", []store.Posting{lend("1", "A\tB", 9, 0)}, func(a *Asked) { a.Patrons[circ.NewPatronID("A\tB")] = true }, "", "1 it"},
		{"one station, and what hangs on another", []store.Posting{elsewhere, lend("2", "A", 9, 1), back("1", 10, 0)},
			func(a *Asked) { a.Stations = []circ.StationID{"maple-house"} }, "09:01:09 issue A 2", "1 yet"},
		{"until", []store.Posting{lend("1", "A", 9, 0), back("1", 10, 0)}, func(a *Asked) { a.To = at(10, 0) }, "09:00:09 issue A 1", ""},
		{"from", []store.Posting{lend("2", "A", 9, 0), lend("1", "A", 10, 0)}, func(a *Asked) { a.From = at(10, 0) }, "10:00:09 issue A 1", ""},
	} {
		a := asked()
		if tt.asked != nil {
			tt.asked(&a)
		}
		written, apart := Plan(tt.all, a)
		var why []string
		for _, p := range apart {
			why = append(why, string(p.Item)+p.Why[strings.LastIndex(p.Why, " "):])
		}
		if got := lines(t, written); got != tt.want || strings.Join(why, ", ") != tt.apart {
			t.Errorf("%s: got %q, apart %q\nwant %q, apart %q", tt.name, got, why, tt.want, tt.apart)
		}
	}
}

// TestGolden: the file as Koha reads it.
func TestGolden(t *testing.T) {
	written, _ := Plan([]store.Posting{lend("1", "A", 9, 0), lend("2", "A", 9, 1), lend("1", "B", 13, 30), post(store.PostTakeBack, "2", "A", 23, 59), post(store.PostRenew, "1", "B", 23, 59)}, asked())
	var b bytes.Buffer
	if err := Write(&b, "0.1", Rows(written), helsinki); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/v1/day.koc")
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
