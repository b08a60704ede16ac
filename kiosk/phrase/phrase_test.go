package phrase

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"coldstation/assets"
	"coldstation/kiosk/flow"
)

func book(t testing.TB) Book {
	t.Helper()
	folder, err := fs.Sub(assets.Words, "words")
	if err != nil {
		t.Fatal(err)
	}
	b, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"fi", "sv", "en", "fi-simple"} {
		if b[tag] == nil {
			t.Fatalf("there is no %s", tag)
		}
	}
	return b
}

func TestDates(t *testing.T) {
	day := time.Date(2026, 12, 14, 23, 59, 0, 0, time.UTC)
	want := map[string]string{
		"fi": "maanantai 14. joulukuuta", "fi-simple": "maanantai 14. joulukuuta",
		"sv": "måndag 14 december", "en": "Monday 14 December",
	}
	b := book(t)
	for tag, want := range want {
		if got := b[tag].Date(day); got != want {
			t.Errorf("%s: got %q, want %q", tag, got, want)
		}
	}
	// The day is that of its own place.
	helsinki := time.FixedZone("EET", 2*60*60)
	if got, want := b["fi"].Date(time.Date(2026, 5, 31, 0, 30, 0, 0, helsinki)), "sunnuntai 31. toukokuuta"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestForms(t *testing.T) {
	b := book(t)
	day := time.Date(2026, 12, 14, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		tag    string
		phrase flow.Phrase
		shown  string
		said   string
	}{
		{"fi", flow.Phrase{Key: "borrowed", Title: "Sinuhe"}, "Lainasit kirjan ”Sinuhe”", "Lainasit kirjan Sinuhe"},
		{"fi", flow.Phrase{Key: "borrowed"}, "Lainasit tämän kirjan", "Lainasit tämän kirjan"},
		{"sv", flow.Phrase{Key: "borrowed", Title: "Is"}, "Du har lånat ”Is”", "Du har lånat Is"},
		{"en", flow.Phrase{Key: "returned", Title: "Emma"}, "Thank you, “Emma” is back", "Thank you, Emma is back"},
		{"en", flow.Phrase{Key: "hello", Name: "Mary"}, "Hello, Mary", "Hello, Mary"},
		{"en", flow.Phrase{Key: "hello"}, "Hello", "Hello"},
		{"fi", flow.Phrase{Key: "due.weeks", N: 1}, "Laina-aika on noin viikko.", "Laina-aika on noin viikko."},
		{"fi", flow.Phrase{Key: "due.weeks", N: 4}, "Laina-aika on noin 4 viikkoa.", "Laina-aika on noin 4 viikkoa."},
		{"sv", flow.Phrase{Key: "leftover", N: 1}, "Här ligger en bok kvar", "Här ligger en bok kvar"},
		{"sv", flow.Phrase{Key: "leftover", N: 2}, "Här ligger böcker kvar", "Här ligger böcker kvar"},
		{"fi", flow.Phrase{Key: "due.day", Day: day}, "Palautuspäivä on maanantai 14. joulukuuta.", "Palautuspäivä on maanantai neljästoista joulukuuta."},
		{"sv", flow.Phrase{Key: "fate.due.day", Day: day}, "Senast måndag 14 december", "Senast måndag den fjortonde december"},
		{"en", flow.Phrase{Key: "fate.due.day", Day: day}, "Bring back by Monday 14 December", "Bring back by Monday the fourteenth of December"},
		// A title is never read as a template.
		{"en", flow.Phrase{Key: "borrowed", Title: "{name} {n}"}, "You have borrowed “{name} {n}”", "You have borrowed {name} {n}"},
		{"en", flow.Phrase{Key: "no.such"}, "no.such", "no.such"},
	}
	for _, test := range tests {
		if got := b[test.tag].Show(test.phrase); got != test.shown {
			t.Errorf("%s shows %q, want %q", test.tag, got, test.shown)
		}
		if got := b[test.tag].Say(test.phrase); got != test.said {
			t.Errorf("%s says %q, want %q", test.tag, got, test.said)
		}
	}
}

// TestAnyLanguage: a language with other plurals is a file and nothing else.
func TestAnyLanguage(t *testing.T) {
	english, err := fs.ReadFile(assets.Words, "words/en.txt")
	if err != nil {
		t.Fatal(err)
	}
	text := string(english) + "\nui.books[one] = {n} книга\nui.books[few] = {n} книги\nui.books[many] = {n} книг\nui.books[other] = {n} книги\n"
	text += "welcome > Said otherwise.\n"
	ru, err := Parse("ru", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{1: "1 книга", 3: "3 книги", 5: "5 книг", 21: "21 книга"} {
		if got := ru.Show(flow.Phrase{Key: "ui.books", N: n}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got, want := ru.Say(flow.Phrase{Key: "welcome"}), "Said otherwise."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBadWords(t *testing.T) {
	english, err := fs.ReadFile(assets.Words, "words/en.txt")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ text, want string }{
		"a missing key":    {strings.Replace(string(english), "\nkeep.how =", "\nkeep.hew =", 1), "no words for keep.how"},
		"a missing day":    {strings.Replace(string(english), "Sunday ", "", 1), "6 weekdays"},
		"a missing number": {strings.Replace(string(english), " twenty-first", "", 1), "30 ordinals"},
		"an unknown brace": {string(english) + "\na = {titel}\n", "nothing stands in {titel}"},
		"an open brace":    {string(english) + "\na = {title\n", "nothing stands in {title"},
		"an unknown form":  {string(english) + "\na[dual] = b\n", "no such form"},
		"no sign":          {string(english) + "\nHello there\n", "is not key = text"},
		"no text":          {string(english) + "\na =\n", "is not key = text"},
		"a key twice":      {string(english) + "\nwelcome = Hi\n", "welcome stands there twice"},
	}
	for name, test := range tests {
		_, err := Load(fstest.MapFS{"en.txt": {Data: []byte(test.text)}})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q in it", name, err, test.want)
		}
	}
	if _, err := Load(fstest.MapFS{"not a tag.txt": {Data: english}}); err == nil {
		t.Error("a file that is no language was read")
	}
}

// TestSameEverywhere: every language has the keys of the first, and what stands
// in braces.
func TestSameEverywhere(t *testing.T) {
	b := book(t)
	// The braces of all forms of a key, as bits in the order of braces.
	keys := func(w *Words) map[string]uint {
		all := map[string]uint{}
		for key, text := range w.shown {
			if plain, _, _ := strings.Cut(key, "["); !strings.HasPrefix(key, "language.") {
				all[plain] |= 0
				for _, found := range brace.FindAllString(text, -1) {
					all[plain] |= 1 << slices.Index(braces, found)
				}
			}
		}
		return all
	}
	first := keys(b["fi"])
	for tag, w := range b {
		other := keys(w)
		for key, found := range first {
			if has, is := other[key]; !is || has != found {
				t.Errorf("%s of %s has braces %b, and of fi %b", key, tag, other[key], found)
			}
			delete(other, key)
		}
		for key := range other {
			t.Errorf("%s stands in %s and not in fi", key, tag)
		}
	}
}

// TestNoUnusedKeys: every key of the words is one of a view, or is written out in
// the sources of what draws or prints.
func TestNoUnusedKeys(t *testing.T) {
	used := map[string]bool{}
	for _, key := range flow.Keys {
		used[key] = true
	}
	for _, folder := range []string{"../ui", "../receipt", "../speech", "."} {
		sources, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, source := range sources {
			if strings.HasSuffix(source, "_test.go") {
				continue
			}
			text, err := os.ReadFile(source)
			if err != nil {
				t.Fatal(err)
			}
			file, err := parser.ParseFile(token.NewFileSet(), source, text, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					if s, err := strconv.Unquote(lit.Value); err == nil {
						used[s] = true
					}
				}
				return true
			})
		}
	}
	for key := range book(t)["fi"].shown {
		plain, _, _ := strings.Cut(key, "[")
		if !used[plain] {
			t.Errorf("nothing uses %s", plain)
		}
	}
}

// each calls f with every text of every language.
func each(t *testing.T, f func(tag, key, text string)) {
	for tag, w := range book(t) {
		for _, texts := range []map[string]string{w.shown, w.spoken} {
			for key, text := range texts {
				if !strings.HasPrefix(key, "language.") {
					f(tag, key, text)
				}
			}
		}
	}
}

// technical are words about machines and scoldings, which no resident reads.
var technical = regexp.MustCompile(`(?i)\b(` + strings.Join([]string{
	"error", "failed", "failure", "invalid", "tag", "chip", "rfid", "uid", "scan", "scanner", "reader", "barcode", "server", "network", "offline", "online",
	"database", "sync", "system", "device", "session", "timeout", "transaction", "item", "patron",
	"scanned", "scanning", "password", "log", "login", "logout", "click", "menu", "loading", "printer", "user", "save", "saved", "overdue", "fine", "fee", "pin", "id",
	"virhe\\w*", "epäonnistu\\w*", "virheelli\\w*", "tunniste\\w*", "siru\\w*", "lukija\\w*", "viivakoodi\\w*", "palvelin\\w*", "verk\\w*", "yhtey\\w*", "tietokan\\w*",
	"järjestelm\\w*", "laite\\w*", "istun\\w*", "aikakatkais\\w*", "nide\\w*", "asiakas\\w*", "käyttäjä\\w*", "tallen\\w*", "myöhäs\\w*", "maksu\\w*", "sakko\\w*",
	"skann\\w*", "salasana\\w*", "kirjaudu\\w*", "kirjautu\\w*", "klikk\\w*", "lataa\\w*", "lataus\\w*", "tulostin\\w*", "tulostime\\w*", "valik\\w*", "näppäi\\w*",
	"skanna\\w*", "lösenord\\w*", "logga\\w*", "klicka\\w*", "ladda\\w*", "meny\\w*", "skrivare\\w*",
	"fel\\w*", "misslyck\\w*", "ogiltig\\w*", "tagg\\w*", "chipp\\w*", "läsare\\w*", "streckkod\\w*", "nätverk\\w*", "uppkoppling\\w*", "databas\\w*",
	"systeme?t?", "enhet\\w*", "exemplar\\w*", "användar\\w*", "spara\\w*", "försen\\w*", "avgift\\w*", "böter",
}, "|") + `)\b`)

func TestPlainLanguage(t *testing.T) {
	each(t, func(tag, key, text string) {
		if word := technical.FindString(text); word != "" {
			t.Errorf("%s of %s says %q", key, tag, word)
		}
		if strings.ContainsAny(text, "!…;()/&") {
			t.Errorf("%s of %s has a sign that nobody speaks: %s", key, tag, text)
		}
		if i := strings.Index(text, "."); i >= 0 && i < len(text)-1 && text[i+1] != ' ' {
			t.Errorf("%s of %s has an abbreviation: %s", key, tag, text)
		}
		if strings.TrimSpace(text) != text || strings.Contains(text, "  ") {
			t.Errorf("%s of %s has loose spaces: %q", key, tag, text)
		}
	})
}

func TestShortSentences(t *testing.T) {
	each(t, func(tag, key, text string) {
		limit := 18
		if tag == "fi-simple" {
			limit = 12
		}
		// A date is four words and a number of weeks one.
		text = strings.ReplaceAll(text, "{day}", "maanantai neljästoista joulukuuta")
		for _, sentence := range strings.FieldsFunc(text, func(r rune) bool { return r == '.' || r == '?' }) {
			if n := len(strings.Fields(sentence)); n > limit {
				t.Errorf("%s of %s has a sentence of %d words: %s", key, tag, n, sentence)
			}
		}
		if len(strings.Fields(text)) > 24 {
			t.Errorf("%s of %s is too much at once: %s", key, tag, text)
		}
	})
}

// FuzzParse: read, or refuse and say why.
func FuzzParse(f *testing.F) {
	for _, tag := range []string{"fi", "en"} {
		text, err := fs.ReadFile(assets.Words, "words/"+tag+".txt")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("welcome > ["))
	f.Fuzz(func(t *testing.T, text []byte) {
		w, err := Parse("fi", text)
		if err != nil {
			return
		}
		for _, key := range flow.Keys {
			if w.Show(flow.Phrase{Key: key}) == "" {
				t.Errorf("%s shows nothing", key)
			}
		}
	})
}
