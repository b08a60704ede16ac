package collection

import (
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"coldstation/assets"
	"coldstation/sync/circ"
)

func demo(t testing.TB, name string) io.Reader {
	t.Helper()
	file, err := assets.Demo.Open("demo/" + name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// The demo collection says the same thing twice, so each reader checks the other.
func TestDemoItems(t *testing.T) {
	marc, err := ReadMARC(demo(t, "collection.xml"))
	if err != nil {
		t.Fatal(err)
	}
	csv, err := ReadItems(demo(t, "items.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if len(marc) < 60 || len(marc) != len(csv) {
		t.Fatalf("read %d items from MARCXML and %d from CSV, want the same 60 or more", len(marc), len(csv))
	}
	languages := make(map[string]int)
	var all circ.Marks
	for i := range marc {
		if marc[i] != csv[i] {
			t.Errorf("item %d\nMARCXML %+v\n    CSV %+v", i+1, marc[i], csv[i])
		}
		languages[marc[i].Language]++
		all |= marc[i].Marks
	}
	if len(languages) != 3 || !all.Has(circ.LargePrint|circ.Audio|circ.EasyLanguage) {
		t.Errorf("languages %v and marks %b, want three of each", languages, all)
	}
	want := circ.Item{ID: "999N00001003", Title: "Sinuhe egyptiläinen", Author: "Mika Waltari", Year: 1945, Language: "fi", Subject: "history", Parts: 1, Home: "maple-house"}
	if marc[2] != want {
		t.Errorf("got %+v, want %+v", marc[2], want)
	}
}

func TestDemoPeople(t *testing.T) {
	patrons, err := ReadPatrons(demo(t, "patrons.csv"))
	if err != nil {
		t.Fatal(err)
	}
	policies, err := ReadPolicies(demo(t, "policies.csv"))
	if err != nil {
		t.Fatal(err)
	}
	proxies, err := ReadProxies(demo(t, "proxies.csv"))
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[circ.PatronID]bool)
	groups := make(map[string]bool)
	for _, p := range policies {
		groups[p.ID] = true
	}
	staff := 0
	for _, p := range patrons {
		known[p.ID] = true
		if !groups[p.Policy] {
			t.Errorf("%s is in group %q, which has no policy", p.FirstName, p.Policy)
		}
		if p.Staff {
			staff++
		}
	}
	if staff != 1 {
		t.Errorf("%d patrons are staff, want 1", staff)
	}
	for _, p := range proxies {
		if !known[p.Principal] || !known[p.Agent] {
			t.Errorf("proxy %s is between people the demo does not have", p.ID)
		}
	}
	if got, want := proxies[1].To, time.Date(2027, 2, 28, 23, 59, 59, 0, time.UTC); !got.Equal(want) || !proxies[1].Once {
		t.Errorf("proxy %+v, want one time and until %v", proxies[1], want)
	}
}

const (
	marcHead = `<record><leader>00000nam a2200000 i 4500</leader><controlfield tag="001">x1</controlfield>`
	marcItem = `<datafield tag="952"><subfield code="p">B1</subfield></datafield></record>`
	marcBody = `<datafield tag="245" ind1="1"><subfield code="a">Title</subfield></datafield>` + marcItem
)

func TestMARCFields(t *testing.T) {
	for _, tt := range []struct {
		name, record string
		want         circ.Item
	}{
		{"the least", marcHead + marcBody, circ.Item{Title: "Title"}},
		{"a prefix, as OAI-PMH gives it", `<m:record xmlns:m="http://www.loc.gov/MARC21/slim"><m:leader>00000nam a2200000 i 4500</m:leader><m:datafield tag="245"><m:subfield code="a">Title</m:subfield></m:datafield><m:datafield tag="852"><m:subfield code="b">maple-house</m:subfield><m:subfield code="p">B1</m:subfield></m:datafield></m:record>`,
			circ.Item{Title: "Title", Home: "maple-house"}},
		{"parts of a title", marcHead + `<datafield tag="245"><subfield code="a">Harry Potter.</subfield><subfield code="n">1,</subfield><subfield code="p">Viisasten kivi /</subfield></datafield>` + marcItem,
			circ.Item{Title: "Harry Potter. 1. Viisasten kivi"}},
		{"an initial keeps its full stop", marcHead + `<datafield tag="100" ind1="1"><subfield code="a">Jerome, Jerome K.,</subfield></datafield>` + marcBody, circ.Item{Title: "Title", Author: "Jerome K. Jerome"}},
		{"a forename is not turned", marcHead + `<datafield tag="100" ind1="0"><subfield code="a">Homeros, runoilija.</subfield></datafield>` + marcBody, circ.Item{Title: "Title", Author: "Homeros, runoilija"}},
		{"the year of 008, large print", marcHead + `<controlfield tag="008">261124s1999    fi      d           swe d</controlfield>` + marcBody, circ.Item{Title: "Title", Year: 1999, Language: "sv", Marks: circ.LargePrint}},
		{"260 before 008", marcHead + `<controlfield tag="008">261124s1999    fi                  swe d</controlfield><datafield tag="260"><subfield code="c">cop. 1987.</subfield></datafield>` + marcBody, circ.Item{Title: "Title", Year: 1987, Language: "sv"}},
		{"an audiobook of three discs", strings.Replace(marcHead, "nam", "nim", 1) + `<datafield tag="300"><subfield code="a">3 CD-äänilevyä (3 h 20 min)</subfield></datafield>` + marcBody, circ.Item{Title: "Title", Marks: circ.Audio, Parts: 3}},
		{"easy language by genre", marcHead + `<datafield tag="655"><subfield code="a">Selkokirjat.</subfield></datafield>` + marcBody, circ.Item{Title: "Title", Marks: circ.EasyLanguage}},
		{"a branch that is no station", marcHead + `<datafield tag="245"><subfield code="a">Title</subfield></datafield><datafield tag="952"><subfield code="a">PÄÄ/LAINA</subfield><subfield code="p">B1</subfield></datafield></record>`, circ.Item{Title: "Title"}},
	} {
		got, err := ReadMARC(strings.NewReader(tt.record))
		tt.want.ID, tt.want.Parts = "B1", max(tt.want.Parts, 1)
		if err != nil || !reflect.DeepEqual(got, []circ.Item{tt.want}) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", tt.name, got, err, tt.want)
		}
	}
}

func TestMARCFaults(t *testing.T) {
	for _, tt := range []struct{ name, file, want string }{
		{"not XML", "barcode,title", "no MARCXML record"},
		{"other XML", "<rss/>", "no MARCXML record"},
		{"cut off", marcHead, "record 1: XML syntax error"},
		{"no title", marcHead + marcItem, "record 1 (001 x1), field 245: subfield a, the title, is missing"},
		{"no item", marcHead + `<datafield tag="245"><subfield code="a">T</subfield></datafield></record>`, "record 1 (001 x1), field 952: it is missing"},
		{"no barcode", marcHead + `<datafield tag="245"><subfield code="a">T</subfield></datafield><datafield tag="952"/></record>`, "field 952: subfield p, the barcode, is missing"},
		{"the same barcode", "<collection>" + marcHead + marcBody + marcHead + marcBody + "</collection>", "record 2 (001 x1), field 952: barcode B1 is also in record 1"},
		{"a language that is none", marcHead + `<datafield tag="041"><subfield code="a">finswe</subfield></datafield>` + marcBody, `record 1 (001 x1), field 041: "finswe" is no language code`},
	} {
		items, err := ReadMARC(strings.NewReader(tt.file))
		if err == nil || !strings.Contains(err.Error(), tt.want) || items != nil {
			t.Errorf("%s: got %d items, %v, want none and %q", tt.name, len(items), err, tt.want)
		}
	}
}

func TestCSVFaults(t *testing.T) {
	items := func(s string) (int, error) { v, err := ReadItems(strings.NewReader(s)); return len(v), err }
	patrons := func(s string) (int, error) { v, err := ReadPatrons(strings.NewReader(s)); return len(v), err }
	policies := func(s string) (int, error) { v, err := ReadPolicies(strings.NewReader(s)); return len(v), err }
	proxies := func(s string) (int, error) { v, err := ReadProxies(strings.NewReader(s)); return len(v), err }
	for _, tt := range []struct {
		name string
		read func(string) (int, error)
		file string
		want string
	}{
		{"empty", items, "", "the file is empty"},
		{"Latin 1", items, "barcode,title\n1,\xc4\n", "save it again as CSV UTF-8"},
		{"an unknown column", items, "barcode,title,colour\n", `row 1: there is no column "colour"; the columns are barcode, title, author`},
		{"a column twice", items, "barcode,title,title\n", "row 1: column title stands there twice"},
		{"a column missing", items, "barcode\n", "row 1: column title is missing; add it"},
		{"a title missing", items, "barcode,title\n1,A\n2,\n", "row 3, column title: it is empty"},
		{"the same barcode", items, "barcode,title\n1,A\n1,B\n", "row 3, column barcode: the same as in row 2"},
		{"a cell too many", items, "barcode,title\n1,A,B\n", "row 2: 3 cells, but there are 2 columns"},
		{"a stray quotation mark", items, "barcode,title\n1,A\"B\"\n", "row 2: "},
		{"a bad year", items, "barcode,title,year\n1,A,196O\n", `row 2, column year: "196O" is no number from 0 to 2999`},
		{"a bad mark", items, "barcode,title,marks\n1,A,huge\n", `row 2, column marks: "huge" is no mark`},
		{"a bad home", items, "barcode,title,home\n1,A,Maple House\n", `row 2, column home: "Maple House" is no station's name`},
		{"a bad language", items, "barcode,title,language\n1,A,Finnish\n", `row 2, column language: "Finnish" is no language`},
		{"neither yes nor no", patrons, "card,policy,staff\n1,adult,perhaps\n", `row 2, column staff: "perhaps" is neither yes nor no`},
		{"no loan days", policies, "policy,loan_days\nadult,\n", "row 2, column loan_days: it is empty"},
		{"a bad scope", proxies, "proxy,principal,agent,scopes\np,1,2,everything\n", `row 2, column scopes: "everything" is no scope`},
		{"for oneself", proxies, "proxy,principal,agent,scopes\np,1,1,borrow\n", "row 2, column agent: nobody acts on behalf of themselves"},
		{"a bad date", proxies, "proxy,principal,agent,scopes,to\np,1,2,borrow,31.12.2026\n", `row 2, column to: "31.12.2026" is no date`},
		{"ends early", proxies, "proxy,principal,agent,scopes,from,to\np,1,2,borrow,2026-12-01,2026-11-01\n", "row 2, column to: it ends before it begins"},
		{"one bad row takes nothing", items, "barcode,title,year\n1,A,1954\n2,B,old\n3,C,1960\n", "row 3, column year"},
	} {
		n, err := tt.read(tt.file)
		if err == nil || !strings.Contains(err.Error(), tt.want) || n != 0 {
			t.Errorf("%s: got %d rows, %v, want none and %q", tt.name, n, err, tt.want)
		}
	}
}

func TestSpreadsheetCSV(t *testing.T) {
	got, err := ReadItems(strings.NewReader("\ufeffBarcode;Title;Marks\r\n1;\"A; B\";\"audio; large print\"\r\n"))
	want := []circ.Item{{ID: "1", Title: "A; B", Marks: circ.Audio | circ.LargePrint}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestManyFaultsAreFew(t *testing.T) {
	_, err := ReadItems(strings.NewReader("barcode,title\n" + strings.Repeat(",\n", 500)))
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 21 || !strings.HasSuffix(err.Error(), "more") {
		t.Errorf("%d lines, want 20 and a count:\n%v", lines, err)
	}
}

// FuzzMARC: items, each of which could be lent, or a fault, never both.
func FuzzMARC(f *testing.F) {
	f.Add([]byte(marcHead + marcBody))
	f.Add([]byte("<collection>" + marcHead + marcItem + "</collection>"))
	f.Fuzz(func(t *testing.T, file []byte) {
		items, err := ReadMARC(strings.NewReader(string(file)))
		if err != nil && items != nil {
			t.Fatalf("%d items and %v", len(items), err)
		}
		lendable(t, items)
	})
}

// FuzzCSV: the same for rows.
func FuzzCSV(f *testing.F) {
	f.Add("barcode,title,year\n1,A,1954\n")
	f.Add("barcode;title;marks\n1;A;audio\n")
	f.Fuzz(func(t *testing.T, file string) {
		items, err := ReadItems(strings.NewReader(file))
		if err != nil && items != nil {
			t.Fatalf("%d items and %v", len(items), err)
		}
		lendable(t, items)
		patrons, _ := ReadPatrons(strings.NewReader(file))
		for _, p := range patrons {
			if p.ID.IsZero() || p.Policy == "" {
				t.Fatalf("a patron without card or policy: %+v", p)
			}
		}
	})
}

func lendable(t *testing.T, items []circ.Item) {
	seen := make(map[circ.ItemID]bool)
	for _, item := range items {
		if item.ID == "" || item.Title == "" || seen[item.ID] || item.Home != "" && !item.Home.Valid() {
			t.Fatalf("not to be lent: %+v", item)
		}
		seen[item.ID] = true
	}
}
