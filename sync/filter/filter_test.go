package filter

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"strings"
	"testing"

	"coldstation/sync/circ"
)

// cards are n numbers as libraries give them out, one after the other.
func cards(from, n int) []circ.PatronID {
	all := make([]circ.PatronID, n)
	for i := range all {
		all[i] = circ.NewPatronID(fmt.Sprintf("2%013d", from+i))
	}
	return all
}

func build(t testing.TB, cards []circ.PatronID) (*Filter, []byte) {
	t.Helper()
	raw, err := Build(cards)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return f, raw
}

// measure is how many bytes a card takes, and the share of other cards that are
// taken for one of the set.
func measure(t testing.TB, n int) (bytesPerCard, mistaken float64) {
	t.Helper()
	f, raw := build(t, cards(0, n))
	for i, card := range cards(0, n) {
		if !f.Has(card) {
			t.Fatalf("card %d of %d is not found", i, n)
		}
	}
	const others = 300_000
	found := 0
	for _, card := range cards(10_000_000, others) {
		if f.Has(card) {
			found++
		}
	}
	return float64(len(raw)) / float64(n), float64(found) / others
}

// TestFigures: what the package comment says of size and mistakes, at a whole
// network's cards.
func TestFigures(t *testing.T) {
	for _, tt := range []struct {
		cards           int
		bytes, mistaken float64
	}{{500_000, 1.3, 0.005}, {20_000, 1.3, 0.005}, {1_000, 1.6, 0.005}} {
		size, mistaken := measure(t, tt.cards)
		t.Logf("%d cards: %.3f bytes a card, %.3f %% mistaken", tt.cards, size, 100*mistaken)
		if size > tt.bytes || mistaken > tt.mistaken || mistaken == 0 {
			t.Errorf("%d cards: %.3f bytes a card, %.3f %% mistaken, want at most %.1f and %.1f %%", tt.cards, size, 100*mistaken, tt.bytes, 100*tt.mistaken)
		}
	}
}

func TestSmall(t *testing.T) {
	for n := range 40 {
		f, _ := build(t, cards(0, n))
		for _, card := range cards(0, n) {
			if !f.Has(card) {
				t.Errorf("of %d cards one is not found", n)
			}
		}
		if f.Len() != n || f.Has(circ.PatronID{}) {
			t.Errorf("of %d cards: %d, has no card at all: %v", n, f.Len(), f.Has(circ.PatronID{}))
		}
	}
	f, _ := build(t, nil)
	if f.Has(cards(0, 1)[0]) {
		t.Error("the empty set has a card")
	}
	double, _ := build(t, append(cards(0, 1000), cards(0, 1000)...))
	for _, card := range cards(0, 1000) {
		if !double.Has(card) {
			t.Error("a card that came twice is not found")
		}
	}
}

// TestNothingInCommon: no number stands in a filter, and two filters of the same
// cards have no more in common than by chance.
func TestNothingInCommon(t *testing.T) {
	all := cards(0, 10_000)
	_, a := build(t, all)
	_, b := build(t, all)
	same := 0
	for i := head; i < min(len(a), len(b)); i++ {
		if a[i] == b[i] && a[i] != 0 { // 0: what no card needs
			same++
		}
	}
	if most := len(a) / 256 * 2; same > most {
		t.Errorf("%d of %d bytes are the same, want at most %d", same, len(a), most)
	}
	for _, card := range all {
		if bytes.Contains(a, []byte(card.Plaintext())) {
			t.Fatal("a number stands in the filter")
		}
	}
}

// TestGolden: a filter that was built once is read for ever.
func TestGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/v1/three.hex")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, card := range cards(0, 3) {
		if !f.Has(card) {
			t.Errorf("a card is not found")
		}
	}
	found := 0
	for _, card := range cards(10_000, 1000) {
		if f.Has(card) {
			found++
		}
	}
	if f.Len() != 3 || found > 20 {
		t.Errorf("%d cards, and %d of 1000 others", f.Len(), found)
	}
}

// resum makes the checksum fit again.
func resum(raw []byte) []byte {
	body := raw[:len(raw)-tail]
	return binary.LittleEndian.AppendUint32(bytes.Clone(body), crc32.Checksum(body, table))
}

func TestHostile(t *testing.T) {
	_, good := build(t, cards(0, 100))
	with := func(at int, v uint32) []byte {
		raw := bytes.Clone(good)
		binary.LittleEndian.PutUint32(raw[at:], v)
		return resum(raw)
	}
	flipped := bytes.Clone(good)
	flipped[60] ^= 1
	newer := bytes.Clone(good)
	newer[len(magic)] = 2
	for name, tt := range map[string]struct {
		raw  []byte
		want error
	}{
		"nothing":                {nil, ErrMalformed},
		"something else":         {bytes.Repeat([]byte("x"), 100), ErrMalformed},
		"cut off":                {good[:len(good)-9], ErrMalformed},
		"a bit of it is another": {flipped, ErrMalformed},
		"a newer version":        {newer, ErrNewer},
		"too many prints":        {resum(append(bytes.Clone(good), 0, 0)), ErrMalformed},
		"no cards and prints":    {with(head-4, 0), ErrMalformed},
		"a segment of nothing":   {with(head+8, 0), ErrMalformed},
		"a segment of 3":         {with(head+8, 3), ErrMalformed},
		"a segment of all":       {with(head+8, 1<<31), ErrMalformed},
		"a span of nothing":      {with(head+12, 0), ErrMalformed},
		"a span beyond":          {with(head+12, 1<<31), ErrMalformed},
	} {
		if _, err := Parse(tt.raw); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, n := range []int{0, 1, 100} {
		_, raw := build(f, cards(0, n))
		f.Add(raw[:len(raw)-tail])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		set, err := Parse(resum(append(body, 0, 0, 0, 0)))
		if err != nil {
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrNewer) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		for _, card := range cards(0, 100) { // whatever is asked lies within
			set.Has(card)
		}
	})
}

// BenchmarkFilter is a filter of 500 000 cards: bytes a card, and how many of other
// cards are taken for one, in percent; goals 1.3 and 0.5. The third figure is what
// asking costs.
func BenchmarkFilter(b *testing.B) {
	const n = 500_000
	size, mistaken := measure(b, n)
	f, _ := build(b, cards(0, n))
	others := cards(10_000_000, 1000)
	i := 0
	for b.Loop() {
		f.Has(others[i%len(others)])
		i++
	}
	fmt.Printf("\nratio filter-bytes %.3f\n", size)
	fmt.Printf("ratio filter-mistaken-percent %.3f\n", 100*mistaken)
	b.ReportMetric(size, "bytes/card")
	b.ReportMetric(100*mistaken, "%mistaken")
}
