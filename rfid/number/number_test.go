package number

import (
	"strings"
	"testing"
)

func TestChecks(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"luhn", "3023400051786", "1"},
		{"luhn", "3319100010586", "4"},
		{"luhn", "3123400001006", "4"},
		{"luhn", "3555500001234", "6"}, // a page gives 9, and is wrong
		{"luhn", "0", "0"},
		{"ean13", "978030640615", "7"},
		{"isbn10", "030640615", "2"},
		{"isbn10", "080442957", "X"},
		{"mod43", "CODE39", "W"},
		{"mod43", "12 A.B/C+D%", "W"},
		{"luhn", "12a", ""}, {"luhn", "", ""}, {"ean13", "97803064061", ""}, {"isbn10", "03064061X", ""}, {"mod43", "code", ""}, {"mod43", "", ""},
	} {
		got, err := checks[c.name](c.text)
		if c.want == "" {
			if err == nil {
				t.Errorf("%s of %q: got %c, want none", c.name, c.text, got)
			}
		} else if err != nil || string(got) != c.want {
			t.Errorf("%s of %q: got %c, %v, want %s", c.name, c.text, got, err, c.want)
		} else if !Checked(c.name, c.text+c.want) || Checked(c.name, c.text+"?") || Checked("crc", c.text+c.want) {
			t.Errorf("%s: %s and %s do not belong together, or another does", c.name, c.text, c.want)
		}
	}
}

func TestSteps(t *testing.T) {
	const card, em, long = "A1B2C3D4", "62E3086CED", "04112233445566"
	for _, c := range []struct{ steps, text, want string }{ // want "": refused
		{"", "167N01010101", "167N01010101"},
		{"check=luhn", "30234000517861", "30234000517861"},
		{"check=luhn", "30234000517862", ""},
		{"check=luhn", "35555000012349", ""},
		{"check=luhn cut=1", "30234000517861", "3023400051786"},
		{"check=luhn", "1", ""},
		{"add=luhn", "3023400051786", "30234000517861"},
		{"check=ean13", "9780306406157", "9780306406157"},
		{"check=isbn10", "080442957X", "080442957X"},
		{"upper check=isbn10 cut=1 before=978 add=ean13", "030640615x", ""},
		{"check=isbn10 cut=1 before=978 add=ean13", "0306406152", "9780306406157"},
		{"check=mod43 cut=1", "CODE39W", "CODE39"},
		{"prefix=P", "P123", "123"}, {"prefix=P", "123", ""}, {"prefix=P", "P", ""},
		{"suffix=-X", "123-X", "123"}, {"suffix=-X", "123", ""},
		{"first=4", "123456", "1234"}, {"first=4", "123", ""},
		{"last=4", "123456", "3456"}, {"last=4", "123", ""},
		{"drop=2", "1234", "34"}, {"drop=4", "1234", ""},
		{"cut=2", "1234", "12"}, {"cut=4", "1234", ""},
		{"first=2", "äöå", "äö"},
		{"pad=6", "123", "000123"}, {"pad=2", "123", "123"},
		{"trim", "00120", "120"}, {"trim", "000", "0"},
		{"upper", "aBä1", "ABä1"}, {"lower", "aBÄ1", "abÄ1"},
		{"plain", "04:11 22-33.44", "0411223344"},
		{"reversed", card, "D4C3B2A1"}, {"reversed", em, "ED6C08E362"}, {"reversed", "A1B", ""}, {"reversed", "XY", ""},
		{"decimal", card, "2712847316"}, {"decimal", em, "424715775213"}, {"decimal", long, "1144738493519206"}, {"decimal", "P1", ""},
		{"reversed decimal", card, "3569595041"}, {"reversed decimal", em, "1019719770978"}, {"reversed decimal", long, "28804199028494596"},
		{"last=8 decimal pad=10", em, "3808980205"}, {"last=8 decimal pad=10", long, "0860116326"},
		{"last=8 reversed decimal", em, "3983280355"}, {"reversed last=8 decimal", em, "1812521826"},
		{"last=6 decimal pad=8", card, "11715540"}, {"last=6 decimal pad=8", em, "00552173"},
		{"facility", card, "17850132"}, {"facility", em, "00827885"}, {"facility", long, "06821862"}, {"facility", "A1B2", ""},
		{"hex", "2712847316", "A1B2C3D4"}, {"hex", "552173", "086CED"}, {"hex", "0", "00"}, {"hex", "A1", ""},
		{"hex pad=10", "552173", "0000086CED"},
		{"decimal", "00", "0"},
	} {
		rules, err := Parse("item line .* " + c.steps)
		if err != nil {
			t.Errorf("%s: %v", c.steps, err)
			continue
		}
		got, ok := rules.Find(Line, c.text)
		if ok != (c.want != "") || got.ID != c.want {
			t.Errorf("%s: %s: got %q, %v, want %q", c.steps, c.text, got.ID, ok, c.want)
		}
	}
}

const library = `
# a library's rules
patron  line  2\d{13}           check=luhn
patron  line  P\d{7}            prefix=P pad=14      # the old cards
item    any   \d{3}N\d{8}
item    any   3\d{13}|\d{10}
patron  chip  [0-9A-F]{8}       reversed decimal pad=10
`

func TestRules(t *testing.T) {
	rules, err := Parse(library)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from From
		text string
		want Number
	}{
		{Line, "21234000010062", Number{}}, // wrong check digit
		{Line, "21234000010066", Number{Patron, "21234000010066"}},
		{Tag, "21234000010066", Number{}},
		{Line, "P0012345", Number{Patron, "00000000012345"}},
		{Line, "XP0012345", Number{}},
		{Line, "167N01010101", Number{Item, "167N01010101"}},
		{Tag, "167N01010101", Number{Item, "167N01010101"}},
		{Tag, "167N010101011", Number{}},
		{Line, "1620154429", Number{Item, "1620154429"}},
		{Line, "30234000517861", Number{Item, "30234000517861"}},
		{Line, "30234000517861\n", Number{}},
		{Chip, "A1B2C3D4", Number{Patron, "3569595041"}},
		{Chip, "04112233445566", Number{}},
		{Line, "", Number{}},
	} {
		if got, ok := rules.Find(c.from, c.text); got != c.want || ok != (c.want != Number{}) {
			t.Errorf("%v %q: got %v, %v, want %v", c.from, c.text, got, ok, c.want)
		}
	}
	if got, ok := rules.Find(Line, strings.Repeat("1", 1000)); ok {
		t.Errorf("a long text: got %v", got)
	}
}

func TestExplain(t *testing.T) {
	rules, _ := Parse(library)
	for _, c := range []struct {
		from       From
		text, want string
	}{
		{Line, "P0012345", `P0012345, read as line
line 3: patron line 2\d{13} check=luhn
    no: the pattern does not match
line 4: patron line P\d{7} prefix=P pad=14
    prefix=P       0012345
    pad=14         00000000012345
    fits: patron 00000000012345
`},
		{Tag, "21234000010062", `21234000010062, read as tag
line 3: patron line 2\d{13} check=luhn
    no: is for another reader
line 4: patron line P\d{7} prefix=P pad=14
    no: is for another reader
line 5: item any \d{3}N\d{8}
    no: the pattern does not match
line 6: item any 3\d{13}|\d{10}
    no: the pattern does not match
line 7: patron chip [0-9A-F]{8} reversed decimal pad=10
    no: is for another reader
no rule fits: nobody's number
`},
	} {
		var got strings.Builder
		rules.Explain(&got, c.from, c.text)
		if got.String() != c.want {
			t.Errorf("got\n%swant\n%s", got.String(), c.want)
		}
	}
	var got strings.Builder
	if rules.Explain(&got, Line, "21234000010062"); !strings.Contains(got.String(), "no: check=luhn: the check digit is 2 and should be 6\n") {
		t.Errorf("a wrong digit: got\n%s", got.String())
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"patron line":                        "line 1: want patron or item",
		"\nuser line .*":                     `line 2: "user" is neither`,
		"patron wire .*":                     `"wire" is none of`,
		"item line (":                        "missing closing",
		"item line a)(b":                     "unexpected )",
		"item line .* dance":                 "step dance: no such step; there are decimal facility hex lower plain reversed trim upper before=TEXT prefix=TEXT suffix=TEXT cut=N drop=N first=N last=N pad=N check=ean13|isbn10|luhn|mod43 add=ean13|isbn10|luhn|mod43",
		"item line .* check=crc":             "step check=crc: no such step",
		"item line .* upper=1":               "step upper=1: no such step",
		"item line .* prefix=":               "step prefix=: no such step",
		"item line .* pad=0":                 "want pad=N with N from 1 to 64",
		"item line .* pad=99999999":          "want pad=N",
		"item line .* cut=x":                 "want cut=N",
		"item line .* cut":                   "want cut=N",
		"item line .*\nitem x .*\nitem line": "line 3: want patron or item",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// Whatever the rules and the text, there is an answer, and it is the same twice.
func FuzzRules(f *testing.F) {
	for _, rule := range strings.Split(library, "\n") {
		f.Add(rule, "21234000010066")
	}
	f.Add("item line .* reversed decimal hex trim facility", "A1B2C3D4")
	f.Add("item line .* first=1 last=1 drop=1 cut=1 pad=64 add=mod43 add=luhn", "ä\xff")
	f.Fuzz(func(t *testing.T, text, number string) {
		rules, err := Parse(text)
		if err != nil {
			return
		}
		for _, r := range rules {
			again, err := Parse(r.String())
			if err != nil || len(again) != 1 {
				t.Fatalf("%q: reads %d rules, %v, when written again", r, len(again), err)
			}
			got, err1 := r.Try(Line, number, nil)
			want, err2 := again[0].Try(Line, number, nil)
			if got != want || (err1 == nil) != (err2 == nil) || err1 == nil && got == "" {
				t.Errorf("%q: %q: got %q, %v, then %q, %v", r, number, got, err1, want, err2)
			}
		}
	})
}
