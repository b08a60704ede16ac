package marc

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"coldstation/sync/circ"
)

// iso is a record in ISO 2709; off is added to each length in its directory.
func iso(leader9 string, off int, fields ...string) string {
	var directory, data strings.Builder
	for i := 0; i < len(fields); i += 2 {
		fmt.Fprintf(&directory, "%s%04d%05d", fields[i], min(len(fields[i+1])+1+off, 9999), data.Len())
		data.WriteString(fields[i+1] + "\x1e")
	}
	base := leaderLen + directory.Len() + 1
	return fmt.Sprintf("%05dnam %s22%05d i 4500%s\x1e%s\x1d", min(base+data.Len()+1, 99999), leader9, base, directory.String(), data.String())
}

func read(t testing.TB, text string) (all []Record, faults []error) {
	t.Helper()
	for r, err := range Read([]byte(text)) {
		if err != nil {
			faults = append(faults, err)
			continue
		}
		all = append(all, r)
	}
	return all, faults
}

// TestBinary: what real files have where the standard has something else.
func TestBinary(t *testing.T) {
	title := func(text string) []string { return []string{"001", "7", "245", "10\x1fa" + text + "\x1fc" + text} }
	good := iso("a", 0, title("Täällä")...)
	for _, tt := range []struct {
		name, file string
		want       []string // titles, or what is wrong
		notes      int
	}{
		{"two records", good + good, []string{"Täällä", "Täällä"}, 0},
		{"line ends between", "\ufeff" + good + "\r\n" + good + "\r\n\x1a", []string{"Täällä", "Täällä"}, 0},
		{"no end of record", strings.TrimSuffix(good, "\x1d") + "\n" + strings.TrimSuffix(good, "\x1d"), []string{"Täällä", "Täällä"}, 0},
		{"no end of file", strings.TrimSuffix(good, "\x1e\x1d"), []string{"Täällä"}, 0},
		{"lengths too small", iso("a", -1, title("Täällä")...) + good, []string{"Täällä", "Täällä"}, 0},
		{"lengths too large", iso("a", 900, title("Täällä")...), []string{"Täällä"}, 0},
		{"no length of the record", "00000" + good[5:], []string{"Täällä"}, 0},
		{"a record too long for its length", iso("a", 0, "245", "10\x1faLong", "500", "  \x1fa"+strings.Repeat("x", 120000)), []string{"Long"}, 0},
		{"no base address", good[:12] + "00000" + good[17:], []string{"Täällä"}, 0},
		{"fields out of order", strings.Replace(strings.Replace(iso("a", 0, "001", "7", "245", "10\x1faTitle"), "001000200000", "245001000002", 1), "245001000002245001000002", "245001000002001000200000", 1), []string{"Title"}, 0},
		{"UTF-8 that says MARC-8", iso(" ", 0, title("Täällä")...), []string{"Täällä"}, 1},
		{"MARC-8", iso(" ", 0, title("T\xe8a\xe8all\xe8a")...), []string{"Täällä"}, 0},
		{"MARC-8 that says UTF-8", iso("a", 0, title("T\xe8a\xe8all\xe8a")...), []string{"Täällä"}, 1},
		{"Latin-1 that says MARC-8", iso(" ", 0, title("T\xe4\xe4ll\xe4")...), []string{"Täällä"}, 1},
		{"Latin-1 that says UTF-8", iso("a", 0, title("T\xe4\xe4ll\xe4")...), []string{"Täällä"}, 1},
		{"one field in UTF-8, one in MARC-8", iso(" ", 0, "245", "10\x1faTäällä", "100", "1 \x1faLinna, V\xe8ain\xe8o"), []string{"Täällä"}, 1},
		{"UTF-8 cut within a character", iso("a", 0, "245", "10\x1faTäällä \xc3"), []string{"Täällä \uFFFD"}, 1},
		{"NFD", iso("a", 0, title(norm.NFD.String("Täällä"))...), []string{"Täällä"}, 0},
		{"Cyrillic, and Latin again", iso(" ", 0, title("\x1b(NmOSKWA\x1b(B = Moskova")...), []string{"Москва = Moskova"}, 0},
		{"Chinese", iso(" ", 0, title("\x1b$1\x21\x30\x21\x21\x30\x34\x1b(B!")...), []string{"一中!"}, 0},
		{"a character that no table has", iso(" ", 0, title("T\xffv\xe8a\xe8a")...), []string{"T\uFFFDvää"}, 1},
		{"no indicators", iso("a", 0, "245", "\x1faTitle"), []string{"Title"}, 0},
		{"a field with nothing in it", iso("a", 0, "245", "10\x1faTitle", "500", ""), []string{"Title"}, 0},
		{"a directory that is cut", strings.Replace(good, "001000200000", "0010002", 1) + good, []string{"directory is damaged", "Täällä"}, 0},
		{"a directory that does not fit", strings.Replace(good, "245", "2450099", 1)[:leaderLen+12] + "245009900000500001000000" + good[leaderLen+24:], []string{"directory does not fit"}, 0},
		{"cut in the leader", good + "00090nam", []string{"Täällä", "cut off in its leader"}, 0},
	} {
		all, faults := read(t, tt.file)
		var got []string
		notes := 0
		for i, r := range all {
			item, _ := r.Describe()
			got = append(got, item.Title)
			if i == 0 {
				notes = len(r.Notes)
			}
		}
		for _, err := range faults {
			got = append(got, err.Error())
		}
		for _, want := range tt.want {
			i := slices.IndexFunc(got, func(s string) bool { return s == want || strings.Contains(s, want) && strings.Contains(s, "; export") })
			if i < 0 {
				t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
				break
			}
			got = slices.Delete(slices.Clone(got), i, i+1)
		}
		if len(all)+len(faults) != len(tt.want) {
			t.Errorf("%s: got %d records and %v, want %d", tt.name, len(all), faults, len(tt.want))
		}
		if notes != tt.notes {
			t.Errorf("%s: got notes %q, want %d", tt.name, all[0].Notes, tt.notes)
		}
	}
}

// TestMARC8: the code tables' own examples and each way of choosing a set.
func TestMARC8(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"accents before their letter", "\xe1a\xe2e\xe3o\xe4n\xe8u\xeaA\xf0c", "àéôñüÅç"},
		{"two accents", "\xe3\xe2a", "ấ"},
		{"letters of their own", "\xa5\xb5\xa2\xb2\xa4\xb4\xc7", "ÆæØøÞþß"},
		{"a ligature in halves", "\xebt\xecsar", "t͡sar"},
		{"an accent without a letter", "e\xe2", "e \u0301"},
		{"superscript and subscript", "m\x1bp2\x1bs, H\x1bb2\x1bsO", "m², H₂O"},
		{"a Greek symbol", "\x1bga\x1bs-", "α-"},
		{"Greek", "\x1b(S\x41\x42\x1b(B", "ΑΒ"},
		{"Greek with an accent", "\x1b(S\x22a\x1b(B", "ά"},
		{"Hebrew", "\x1b(2\x60\x61\x1b(B", "אב"},
		{"Arabic", "\x1b(3\x47\x48\x1b(B", "اب"},
		{"Cyrillic above", "\x1b)N\xed\x1b)!E", "М"},
		{"Cyrillic by the other escape", "\x1b,Nm\x1b,B", "М"},
		{"EACC", "\x1b$1\x21\x30\x21\x1b(B", "一"},
		{"EACC by the long escape", "\x1b$,1\x21\x30\x21\x1b(B", "一"},
		{"EACC, cut", "\x1b$1\x21\x30", "\uFFFD\uFFFD"},
		{"marks for sorting", "\x88The \x89Hobbit", "The Hobbit"},
		{"an escape that is none", "a\x1b", "a"},
	} {
		if got, _, _ := decode([]byte(tt.text)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestMARC8Tables: each character of each table is what YAZ makes of it.
func TestMARC8Tables(t *testing.T) {
	yaz, err := exec.LookPath("yaz-marcdump")
	if err != nil && os.Getenv("REAL") == "" {
		t.Skip("yaz-marcdump (Debian: yaz) is not here")
	}
	var codes []string
	for line := range strings.Lines(tables) {
		name, _, found := strings.Cut(line, "\t")
		var r row
		if n, err := fmt.Sscanf(name, "%02x", &r[0]); !found || n != 1 || err != nil {
			t.Fatalf("line %q", line)
		}
		if len(name) == 6 {
			if _, err := fmt.Sscanf(name[2:], "%02x%02x", &r[1], &r[2]); err != nil {
				t.Fatal(err)
			}
		}
		for i, want := range rows()[r] {
			if want == ' ' || i == 0 {
				continue
			}
			code := string([]byte{byte(i) + ' '})
			begin := "\x1b(" + string([]byte{r[0]})
			switch set(r[0]) {
			case eacc:
				begin, code = "\x1b$1", string(r[1:])+code
			case ansel:
				begin, code = "", string([]byte{byte(i) + ' ' | 0x80})
			case greekSymbols, subscripts, superscripts:
				begin = "\x1b" + string([]byte{r[0]})
			}
			text := begin + code + "\x1b(Ba"
			if set(r[0]) == greekSymbols || set(r[0]) == subscripts || set(r[0]) == superscripts {
				text = begin + code + "\x1bsa"
			}
			codes = append(codes, text)
		}
	}
	var file strings.Builder
	for some := range slices.Chunk(codes, 200) {
		var fields []string
		for _, code := range some {
			fields = append(fields, "500", "  \x1fa"+code)
		}
		file.WriteString(iso(" ", 0, fields...))
	}
	path := filepath.Join(t.TempDir(), "tables.mrc")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(yaz, "-f", "marc-8", "-t", "utf-8", "-o", "marcxml", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	texts := func(text string) (all []string) {
		records, faults := read(t, text)
		if faults != nil {
			t.Fatal(faults)
		}
		for _, r := range records {
			for _, f := range r.All("500") {
				all = append(all, f.Subs[0].Text)
			}
		}
		return all
	}
	ours, theirs := texts(file.String()), texts(string(out))
	if len(theirs) != len(ours) {
		t.Fatalf("%d characters, YAZ has %d", len(ours), len(theirs))
	}
	newer := []string{"…a", "“a", "™a", "a\u0670"} // than YAZ 5.34
	for i := range ours {
		if norm.NFC.String(theirs[i]) != ours[i] && !slices.Contains(newer, ours[i]) {
			t.Errorf("%d: %q, YAZ %q", i, ours[i], theirs[i])
		}
	}
}

func TestDescribe(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fields []string
		want   circ.Item
	}{
		{"a subtitle", []string{"245", "10\x1faSata vuotta :\x1fbrunoja /\x1fcV. Linna."}, circ.Item{Title: "Sata vuotta: runoja"}},
		{"a parallel title", []string{"245", "10\x1faMuumi =\x1fbMumin /\x1fcT. Jansson."}, circ.Item{Title: "Muumi"}},
		{"parts", []string{"245", "10\x1faHarry Potter.\x1fn1,\x1fpViisasten kivi /\x1fcRowling"}, circ.Item{Title: "Harry Potter. 1. Viisasten kivi"}},
		{"a body as the author", []string{"245", "10\x1faOpas", "110", "2 \x1faTampereen kaupunki."}, circ.Item{Title: "Opas", Author: "Tampereen kaupunki"}},
		{"the first of others", []string{"245", "10\x1faOpas", "700", "1 \x1faJansson, Tove,\x1fekirjoittaja"}, circ.Item{Title: "Opas", Author: "Tove Jansson"}},
		{"large print by 007", []string{"007", "tb", "245", "10\x1faIs"}, circ.Item{Title: "Is", Marks: circ.LargePrint}},
		{"audio by a second 007", []string{"007", "ta", "007", "sd fsngnnmmned", "245", "10\x1faIs"}, circ.Item{Title: "Is", Marks: circ.Audio}},
		{"languages run together", []string{"041", "0 \x1fafinswe", "245", "10\x1faIs"}, circ.Item{Title: "Is", Language: "fi"}},
		{"a language nobody filled in", []string{"008", "261124s1999    fi ||||||||||||||||||||||||||", "245", "10\x1faIs"}, circ.Item{Title: "Is", Year: 1999}},
	} {
		all, faults := read(t, iso("a", 0, tt.fields...))
		if len(all) != 1 || faults != nil {
			t.Fatalf("%s: %v", tt.name, faults)
		}
		tt.want.Parts = 1
		if got, wrong := all[0].Describe(); got != tt.want || wrong != nil {
			t.Errorf("%s: got %+v, %v, want %+v", tt.name, got, wrong, tt.want)
		}
	}
}

func TestXML(t *testing.T) {
	latin := "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><collection><record><leader>x</leader><datafield tag=\"245\"><subfield code=\"a\">T\xe4\xe4ll\xe4</subfield></datafield></record></collection>"
	all, faults := read(t, latin)
	if len(all) != 1 || faults != nil || all[0].first("245", "a") != "Täällä" {
		t.Errorf("Latin-1: got %v, %v", all, faults)
	}
	if _, faults = read(t, "<rss/>"); len(faults) != 1 || !errors.Is(faults[0], ErrNone) {
		t.Errorf("no record: got %v, want ErrNone", faults)
	}
	if _, faults = read(t, `<?xml version="1.0" encoding="EBCDIC-FI"?><collection/>`); len(faults) != 1 || !strings.Contains(faults[0].Error(), "export it in UTF-8") {
		t.Errorf("EBCDIC: got %v", faults)
	}
}

func TestJSON(t *testing.T) {
	var got Record
	err := got.UnmarshalJSON([]byte(`{"leader":"l","fields":[{"001":"2"},{"245":{"ind1":"1","ind2":null,"subfields":[{"a":"T"},{"b":null}]}}]}`))
	want := Record{Leader: "l", Control: []Control{{"001", "2"}}, Data: []Field{{"245", "1", "", []Subfield{{"a", "T"}}}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, text := range []string{`{}`, `[]`, `{"fields":[{"2":"x"}]}`, `{"fields":[{"245":7}]}`} {
		if err := got.UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("%s: taken", text)
		}
	}
}

func FuzzBinary(f *testing.F) {
	f.Add([]byte(iso("a", 0, "001", "7", "245", "10\x1faTäällä")))
	f.Add([]byte(iso(" ", 3, "245", "10\x1faT\xe8a\x1b$1\x21\x30\x21\x1b(B", "041", "0 \x1fafin")))
	f.Add([]byte(iso(" ", -1, "245", "10\x1faT\xe4\xe4") + "\r\n" + iso("a", 0, "952", "  \x1fpB1")))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<16 {
			t.Skip()
		}
		n := 0
		for r, err := range readBinary(text) {
			if n++; n > len(text)+1 {
				t.Fatal("more records than bytes")
			}
			if err != nil {
				continue
			}
			for _, field := range r.Data {
				for _, s := range field.Subs {
					if !utf8.ValidString(s.Text) || !norm.NFC.IsNormalString(s.Text) {
						t.Errorf("%q is not UTF-8 in NFC", s.Text)
					}
				}
			}
			item, _ := r.Describe()
			item.ID = "1"
			if err := circ.CheckNotice(circ.ItemPut{Item: item}); err != nil && item.Title != "" {
				t.Errorf("%+v: %v", item, err)
			}
		}
	})
}
