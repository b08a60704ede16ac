package collection

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"coldstation/assets"
	"coldstation/sync/circ"
	"coldstation/sync/secret"
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
	marc, _, err := ReadMARC(demo(t, "collection.xml"), Terms{})
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
		got, _, err := ReadMARC(strings.NewReader(tt.record), Terms{})
		tt.want.ID, tt.want.Parts = "B1", max(tt.want.Parts, 1)
		if err != nil || !reflect.DeepEqual(got, []circ.Item{tt.want}) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", tt.name, got, err, tt.want)
		}
	}
}

func TestMARCFaults(t *testing.T) {
	for _, tt := range []struct{ name, file, want string }{
		{"not XML", "barcode,title", "no MARC record"},
		{"other XML", "<rss/>", "no MARC record"},
		{"cut off", marcHead, "record 1: XML syntax error"},
		{"no title", marcHead + marcItem, "record 1 (001 x1), field 245: subfield a, the title, is missing"},
		{"no item", marcHead + `<datafield tag="245"><subfield code="a">T</subfield></datafield></record>`, "not one of 1 records has an item with a barcode in field 952, subfield p"},
		{"no barcode", marcHead + `<datafield tag="245"><subfield code="a">T</subfield></datafield><datafield tag="952"/></record>`, "not one of 1 records has an item with a barcode"},
		{"a long barcode", marcHead + `<datafield tag="245"><subfield code="a">T</subfield></datafield><datafield tag="952"><subfield code="p">` + strings.Repeat("1", 256) + `</subfield></datafield></record>`, "field 952: subfield p, the barcode: it is 256 bytes long"},
		{"a long title", marcHead + `<datafield tag="245"><subfield code="a">` + strings.Repeat("T", 1001) + `</subfield></datafield>` + marcItem, "field 245: it is 1001 bytes long"},
		{"the same barcode", "<collection>" + marcHead + marcBody + marcHead + marcBody + "</collection>", "record 2 (001 x1), field 952: barcode B1 is also in record 1"},
		{"a language that is none", marcHead + `<datafield tag="041"><subfield code="a">suomi</subfield></datafield>` + marcBody, `record 1 (001 x1), field 041: "suomi" is no language code`},
	} {
		items, _, err := ReadMARC(strings.NewReader(tt.file), Terms{})
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
		{"an unknown column", items, "barcode,title,colour\n", `row 1, column 3: there is no column "colour"; the columns are barcode, title, author`},
		{"a column twice", items, "barcode,title,title\n", "row 1, column 3: column title stands there twice"},
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
		{"a long barcode", items, "barcode,title\n" + strings.Repeat("1", 256) + ",A\n", "row 2, column barcode: it is 256 bytes long, at most 255 fit; shorten it"},
		{"a long title", items, "barcode,title\n1," + strings.Repeat("ä", 501) + "\n", "row 2, column title: it is 1002 bytes long"},
		{"a long card", patrons, "card,policy\n" + strings.Repeat("1", 128) + ",adult\n", "row 2, column card: it is 128 bytes long, at most 127"},
		{"a long second card", patrons, "card,policy,cards\n1,adult,2;" + strings.Repeat("3", 128) + "\n", "row 2, column cards: it is 128 bytes long"},
		{"a long policy", policies, "policy,loan_days\n" + strings.Repeat("p", 256) + ",28\n", "row 2, column policy: it is 256 bytes long"},
		{"a long agent", proxies, "proxy,principal,agent,scopes\np,1," + strings.Repeat("2", 128) + ",borrow\n", "row 2, column agent: it is 128 bytes long"},
		{"rows count empty lines and broken cells", items, "\n\nbarcode,title\n\n1,\"A\nB\"\n2,\n", "row 6, column title: it is empty"},
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

// TestRead: one look tells what a file is and how its cells are separated, and a
// file that cannot be taken says where and what to do, with nothing taken.
func TestRead(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		want       string // "2 items", or the fault
	}{
		{"commas", "barcode,title\n1,A\n2,B\n", "2 items"},
		{"semicolons", "barcode;title\n1;A, B\n", "1 items"},
		{"tabs", "barcode\ttitle\n1\tA; B, C\n", "1 items"},
		{"tabs in patrons", "card\tpolicy\tcards\n1\tadult\t2;3\n", "1 patrons"},
		{"line ends of Windows", "barcode,title\r\n1,A\r\n", "1 items"},
		{"line ends of old", "barcode,title\r1,A\r", "1 items"},
		{"a byte order mark", "\ufeffbarcode,title\n1,A\n", "1 items"},
		{"a mark before quotation marks", "\ufeff\"barcode\";\"title\"\n1;A\n", "1 items"},
		{"an empty first line", "\nbarcode,title\n1,A\n", "1 items"},
		{"an empty first line of Windows", "\r\nbarcode,title\r\n1,A\r\n", "1 items"},
		{"a first row of empty cells", ";;\nbarcode;title;year\n1;A;1954\n", "1 items"},
		{"empty rows at the end", "barcode,title\n1,A\n,\n\n", "1 items"},
		{"the key not first", "title,barcode\nA,1\n", "1 items"},
		{"patrons", "card,policy\n1,adult\n", "1 patrons"},
		{"policies", "policy,loan_days\nadult,28\n", "1 policies"},
		{"proxies", "proxy,principal,agent,scopes\np,1,2,borrow\n", "1 proxies"},
		{"MARCXML after a mark", "\ufeff\n<collection>" + marcHead + marcBody + "</collection>", "1 items"},
		{"JSON", `[{"barcode":"1","title":"A","year":1954,"marks":["audio","large print"]},{"barcode":"2","title":"B"}]`, "2 items"},
		{"JSON of all kinds, of which one is empty", `{"patrons":[{"card":"1","policy":"adult","staff":true,"cards":["2","3"]}],"items":[]}`, "1 patrons"},
		{"JSON after a mark", "\ufeff [{\"policy\":\"adult\",\"loan_days\":28}]", "1 policies"},
		{"JSON, cut off", `[{"barcode":"1"`, "the file is neither a list of records nor"},
		{"JSON of something else", `"isbn"`, "row 1, column 1"},
		{"JSON with an unknown list", `{"books":[]}`, `there is no list "books"; the lists are items, patrons`},
		{"JSON with an unknown field", `[{"barcode":"1","title":"A","colour":"red"}]`, `field colour: there is no field "colour"; the fields are barcode, title`},
		{"JSON with a field missing", `{"items":[{"barcode":"1"}]}`, "items: every record: field title is missing; add it"},
		{"JSON with a bad value", `[{"barcode":"1","title":"A"},{"barcode":"2","title":"B","year":"old"}]`, `record 2, field year: "old" is no number`},
		{"JSON with a bad shape", `[{"barcode":"1","title":{"main":"A"}}]`, "record 1, field title: it is neither a text"},
		{"JSON with the same twice", `[{"barcode":"1","title":"A"},{"barcode":"1","title":"B"}]`, "record 2, field barcode: the same as in record 1"},
		{"empty JSON", `[]`, "record 1: there is none"},
		{"ISO 2709", "00090nam a22000491a 4500245001000000952000800010\x1e10\x1faTitle\x1e  \x1fpB1\x1e\x1d", "1 items"},
		{"empty", "", "row 1: the file is empty; its first row names the columns"},
		{"a mark alone", "\ufeff", "row 1: the file is empty"},
		{"lines alone", "\n\r\n \n", "the file is empty"},
		{"only a heading", "barcode,title\n", "row 2: there is none; the file has a heading and nothing under it: export it again"},
		{"only a heading, unended", "barcode;title", "row 2: there is none"},
		{"of no kind", "isbn,name\n1,A\n", `row 1, column 1: "isbn" names none of the files that are known here; the first column is barcode for items`},
		{"a wrong column", "\nbarcode,title,colour\n1,A,red\n", `row 2, column 3: there is no column "colour"; the columns are barcode, title`},
		{"UTF-16", "\xff\xfeb\x00a\x00", "save it again as CSV UTF-8"},
		{"UTF-16 without a mark", "b\x00a\x00", "save it again as CSV UTF-8"},
		{"one bad row of three", "barcode,title\n1,A\n2,\n3,C\n", "row 3, column title: it is empty"},
	} {
		f, err := Read([]byte(tt.file), Terms{})
		var got []string
		for name, n := range map[string]int{"items": len(f.Items), "patrons": len(f.Patrons), "policies": len(f.Policies), "proxies": len(f.Proxies)} {
			if n > 0 {
				got = append(got, fmt.Sprint(n, " ", name))
			}
		}
		if err != nil {
			got = append(got, err.Error())
		}
		if len(got) != 1 || !strings.HasPrefix(got[0], tt.want) && !(err != nil && strings.Contains(got[0], tt.want)) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestManyFaultsAreFew(t *testing.T) {
	_, err := ReadItems(strings.NewReader("barcode,title\n" + strings.Repeat(",A\n", 500)))
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 21 || !strings.HasSuffix(err.Error(), "more") {
		t.Errorf("%d lines, want 20 and a count:\n%v", lines, err)
	}
}

// FuzzMARC: items, each of which could be lent, or a fault, never both.
func FuzzMARC(f *testing.F) {
	f.Add([]byte(marcHead + marcBody))
	f.Add([]byte("<collection>" + marcHead + marcItem + "</collection>"))
	f.Fuzz(func(t *testing.T, file []byte) {
		items, _, err := ReadMARC(strings.NewReader(string(file)), Terms{})
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
	f.Add("\n\ncard\tpolicy\n")
	f.Fuzz(func(t *testing.T, file string) {
		items, err := ReadItems(strings.NewReader(file))
		if err != nil && items != nil {
			t.Fatalf("%d items and %v", len(items), err)
		}
		lendable(t, items)
		if f, err := Read([]byte(file), Terms{}); err != nil && len(f.Items)+len(f.Patrons)+len(f.Policies)+len(f.Proxies) > 0 {
			t.Fatalf("part of a file and %v", err)
		}
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

func TestRecognised(t *testing.T) {
	text := "card,policy,picture,recalls,secret_number\n1,adult,boat,yes,2580\n2,adult,,,\n"
	patrons, err := ReadPatrons(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if p := patrons[0]; p.Picture != "boat" || !p.Recalls || patrons[1].Secret != "" {
		t.Errorf("got %+v", patrons)
	}
	if right, err := secret.Check("2580", patrons[0].Secret); !right || err != nil {
		t.Errorf("the number does not fit its hash: %v", err)
	}
	again, err := ReadPatrons(strings.NewReader(text))
	if err != nil || again[0].Secret != patrons[0].Secret {
		t.Errorf("brought in again, the hash is another: %v", err)
	}
	for _, number := range []string{"123", "123456789", "12a4"} {
		_, err := ReadPatrons(strings.NewReader("card,policy,secret_number\n1,adult," + number + "\n"))
		if err == nil || !strings.Contains(err.Error(), "row 2, column secret_number") || strings.Contains(err.Error(), number) {
			t.Errorf("%s: got %v, want the row, the column and not the number", number, err)
		}
	}
}
