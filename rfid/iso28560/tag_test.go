package iso28560

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// golden reads testdata/v1/name.hex: comments, then the memory.
func golden(t testing.TB, name string) []byte {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", "v1", name+".hex"))
	if err != nil {
		t.Fatal(err)
	}
	var mem []byte
	for line := range strings.Lines(string(file)) {
		if !strings.HasPrefix(line, "#") {
			mem = append(mem, unhex(t, line)...)
		}
	}
	return mem
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func names(t testing.TB) (all []string) {
	t.Helper()
	files, err := filepath.Glob("testdata/v1/*.hex")
	if err != nil || len(files) < 18 {
		t.Fatalf("golden files: %d, %v", len(files), err)
	}
	for _, f := range files {
		all = append(all, strings.TrimSuffix(filepath.Base(f), ".hex"))
	}
	return all
}

func TestGolden(t *testing.T) {
	for _, name := range names(t) {
		t.Run(name, func(t *testing.T) {
			mem := golden(t, name)
			want, err := os.ReadFile(filepath.Join("testdata", "v1", name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(Describe(mem, NoDSFID))
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.TrimSpace(string(want)); string(got) != want {
				t.Errorf("Describe\n got %s\nwant %s", got, want)
			}
			tag, err := Decode(mem, NoDSFID)
			if got := tag.Encode(); !bytes.Equal(got, mem) {
				t.Errorf("Encode\n got % X\nwant % X", got, mem)
			}
			wantErr := map[Format]error{Unknown: ErrUnknown}[tag.Format]
			if tag.Check == Bad {
				wantErr = ErrCRC
			}
			if !errors.Is(err, wantErr) {
				t.Errorf("Decode error = %v, want %v", err, wantErr)
			}
		})
	}
}

// A DSFID that says something else, or nothing, changes nothing.
func TestDSFIDIsAHint(t *testing.T) {
	for _, name := range names(t) {
		mem := golden(t, name)
		want := Describe(mem, NoDSFID)
		wantJSON, _ := json.Marshal(want)
		for _, dsfid := range []int{0x00, DSFIDPart2, DSFIDPart3, 0xFF} {
			if got, _ := json.Marshal(Describe(mem, dsfid)); !bytes.Equal(got, wantJSON) {
				t.Errorf("%s with DSFID %02X\n got %s\nwant %s", name, dsfid, got, wantJSON)
			}
		}
	}
}

// Decode owns what it returns: the reader's buffer may be used again.
func TestDecodeKeepsNothing(t *testing.T) {
	for _, name := range names(t) {
		mem := golden(t, name)
		want := bytes.Clone(mem)
		tag, _ := Decode(mem, NoDSFID)
		clear(mem)
		if got := tag.Encode(); !bytes.Equal(got, want) {
			t.Errorf("%s: Encode after the buffer was cleared = % X, want % X", name, got, want)
		}
	}
}

func TestMayOverwrite(t *testing.T) {
	for f := Unknown; f <= Legacy3M; f++ {
		if got, want := f.MayOverwrite(), f != Unknown && f != NDEF; got != want {
			t.Errorf("%v.MayOverwrite() = %v, want %v", f, got, want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, mem := range map[string][]byte{
		"nothing read":                {},
		"one block":                   unhex(t, "11 01 01 31"),
		"more than any tag":           bytes.Repeat([]byte{0x11}, MaxMemory+1),
		"part 3, other version":       append(unhex(t, "22 01 01"), golden(t, "annex-b1")[3:]...),
		"part 2, one digit":           unhex(t, "11 01 09 00"),
		"part 2, PII not first":       unhex(t, "02 01 D0 11 05 1C BE 99 1A 14 00"),
		"part 2, PII cut off":         unhex(t, "11 05 1C BE"),
		"part 2, junk behind":         unhex(t, "11 05 1C BE 99 1A 14 30 31 32"),
		"part 2, item and leavings":   unhex(t, "11 05 1C BE 99 1A 14 00 00 52 55 42"),
		"part 2, OID twice, no index": unhex(t, "11 01 63 05 01 10 05 01 20 00"),
		"part 2, bad fill":            unhex(t, "21 02 12 F3 00 00"),
		"part 2, length of 128":       append(unhex(t, "61 80"), bytes.Repeat([]byte{0xC4}, 128)...),
		"part 2, control in PII":      unhex(t, "61 03 41 07 42 00"),
		"part 2, reserved OID":        unhex(t, "11 05 1C BE 99 1A 14 1F 7F 01 31 00"),
		"3M, barcode with rubbish":    append(unhex(t, "04 11 00 01"), bytes.Repeat([]byte{0x31, 0}, 8)...),
	} {
		tag, err := Decode(mem, NoDSFID)
		if !errors.Is(err, ErrUnknown) || tag.Format != Unknown || tag.Item != "" {
			t.Errorf("%s: format %v, item %q, error %v; want unknown", name, tag.Format, tag.Item, err)
		}
		if got := tag.Encode(); !bytes.Equal(got, mem) {
			t.Errorf("%s: Encode = % X, want % X", name, got, mem)
		}
	}
}

// One wrong bit anywhere in a basic block never makes another trusted item. In the
// two bytes that a short block has not, it may leave the right one.
func TestDamagedPart3IsNeverTrusted(t *testing.T) {
	for _, name := range []string{"annex-b1", "part3-32", "part3-reversed", "part3-swapped-21"} {
		mem := golden(t, name)
		right, _ := Decode(mem, NoDSFID)
		for i := range min(len(mem), First) {
			for bit := range 8 {
				mem[i] ^= 1 << bit
				tag, err := Decode(mem, NoDSFID)
				if err == nil && (i < shortLen || tag.Item != right.Item) {
					t.Errorf("%s, bit %d of byte %d turned: %v %q trusted", name, bit, i, tag.Format, tag.Item)
				}
				if got := tag.Encode(); !bytes.Equal(got, mem) {
					t.Errorf("%s, bit %d of byte %d turned: Encode = % X, want % X", name, bit, i, got, mem)
				}
				mem[i] ^= 1 << bit
			}
		}
	}
}

// A damaged tag is still called part 3 when one text field has suffered.
func TestDamagedPart3IsRecognised(t *testing.T) {
	for _, at := range []int{3, 8, 12, 19, 20, 21, 28} {
		mem := golden(t, "annex-b1")
		mem[at] ^= 0xFF
		tag, err := Decode(mem, NoDSFID)
		if tag.Format != Part3 || tag.Check != Bad || !errors.Is(err, ErrCRC) {
			t.Errorf("byte %d inverted: %v, check %d, error %v; want part 3 with a bad check", at, tag.Format, tag.Check, err)
		}
	}
}

// A station that reads only what Need asks for sees what a whole reading shows.
func TestNeed(t *testing.T) {
	for _, name := range names(t) {
		mem := golden(t, name)
		want, _ := Decode(mem, NoDSFID)
		read, rounds := 0, 0
		for ask := func() int { _, all := Need(mem[:read], NoDSFID); return all }; read < min(ask(), len(mem)); rounds++ {
			read = min((ask()+3)/4*4, len(mem))
		}
		got, _ := Decode(mem[:read], NoDSFID)
		if got.Label != want.Label || got.Format != want.Format {
			t.Errorf("%s from %d bytes: %v %+v, want %v %+v", name, read, got.Format, got.Label, want.Format, want.Label)
		}
		if rounds > 6 {
			t.Errorf("%s: %d rounds of reading", name, rounds)
		}
	}
	for _, tt := range []struct {
		name      string
		mem       []byte
		item, all int
	}{
		{"nothing yet", nil, First, First},
		{"part 3, nothing behind", golden(t, "annex-b1")[:First], 34, 35},
		{"part 3, a title block cut off", golden(t, "part3-title")[:First], 34, 34 + 25 + 1},
		{"part 2, whole", golden(t, "part2-example"), 8, 36},
		{"part 2, nothing behind", golden(t, "part2-helmet")[:First], 7, 19},
		{"part 2, identifier cut off", append(unhex(t, "61 32"), bytes.Repeat([]byte{'a'}, 34)...), 52, 52},
		{"empty", make([]byte, First), First, First},
	} {
		if item, all := Need(tt.mem, NoDSFID); item != tt.item || all != tt.all {
			t.Errorf("%s: Need = %d, %d; want %d, %d", tt.name, item, all, tt.item, tt.all)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, name := range names(f) {
		f.Add(golden(f, name), byte(0))
	}
	f.Fuzz(func(t *testing.T, mem []byte, dsfid byte) {
		tag, err := Decode(mem, int(dsfid))
		if got := tag.Encode(); !bytes.Equal(got, mem) {
			t.Fatalf("%v: Encode\n got % X\nwant % X", tag.Format, got, mem)
		}
		if (err != nil) != (tag.Format == Unknown || tag.Check == Bad) {
			t.Fatalf("%v, check %d, error %v", tag.Format, tag.Check, err)
		}
		if !graphic(tag.Item) || !graphic(tag.ISIL) || !graphic(tag.Title) {
			t.Fatalf("%v: label is not text: %+v", tag.Format, tag.Label)
		}
		item, all := Need(mem, int(dsfid))
		if item > all || all > max(len(mem), First)+386 {
			t.Fatalf("%v: Need = %d, %d of %d", tag.Format, item, all, len(mem))
		}
		if err == nil && tag.Item != "" {
			for _, encode := range []func(Label, Layout) ([]byte, error){EncodePart2, EncodePart3} {
				written, err := encode(tag.Label, Layout{Block: 4})
				if err != nil {
					continue // a label of one format need not fit the other
				}
				if again, err := Decode(written, NoDSFID); err != nil || again.Item != tag.Item {
					t.Fatalf("%q written again reads %q, %v", tag.Item, again.Item, err)
				}
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{"annex-b1", "part3-reversed", "part2-example", "unknown"} {
		mem := golden(b, name)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Decode(mem, NoDSFID)
			}
		})
	}
}

func TestShortAndBare(t *testing.T) {
	slix2 := make([]byte, 320)
	slix2[316] = 1
	written := bytes.Clone(slix2)
	written[315] = 1
	for _, tt := range []struct {
		name  string
		mem   []byte
		dsfid int
		want  Format
		note  string
	}{
		{"nothing was read", nil, NoDSFID, Unknown, "too little memory to tell what is on the tag"},
		{"a basic block cut inside its owner", golden(t, "annex-b1")[:28], DSFIDPart3, Unknown, "too little memory to tell what is on the tag"},
		{"the beginning of an empty tag", make([]byte, 4), NoDSFID, Empty, "nothing is written on the tag"},
		{"a SLIX2 that counts", slix2, NoDSFID, Empty, "nothing is written on the tag"},
		{"a SLIX2 with one byte written", written, NoDSFID, Unknown, "not a library tag that we know"},
		{"as long as text, under compaction 0 and nothing more", unhex(t, "01 04 41 42 31 32 00 00"), NoDSFID, Unknown, "too little memory to tell what is on the tag"},
	} {
		tag, err := Decode(tt.mem, tt.dsfid)
		if tag.Format != tt.want || tag.Note != tt.note || (err != nil) != (tt.want == Unknown) || tag.Item != "" {
			t.Errorf("%s: got %v %q %q, %v, want %v %q", tt.name, tag.Format, tag.Item, tag.Note, err, tt.want, tt.note)
		}
		if got := tag.Encode(); !bytes.Equal(got, tt.mem) {
			t.Errorf("%s: Encode = % X, want % X", tt.name, got, tt.mem)
		}
	}
}
