package phrase

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"coldstation/kiosk/flow"
)

// Words are one language. They do not change and serve any goroutine.
type Words struct {
	tag    string
	lang   language.Tag
	shown  map[string]string // by key and key[form]
	spoken map[string]string
	days   []string
	months []string
	nth    []string // days of a month, as they are said
}

// Book is the words of all languages by their tags.
type Book map[string]*Words

// Load reads every words file of a folder. A file that lacks a key of
// flow.Keys, or has a line that cannot be understood, is an error that names
// the line.
func Load(folder fs.FS) (Book, error) {
	files, err := fs.Glob(folder, "*.txt")
	if err != nil {
		return nil, fmt.Errorf("load words: %w", err)
	}
	book := Book{}
	for _, file := range files {
		text, err := fs.ReadFile(folder, file)
		if err != nil {
			return nil, fmt.Errorf("load words: %w", err)
		}
		tag := strings.TrimSuffix(path.Base(file), ".txt")
		if book[tag], err = Parse(tag, text); err != nil {
			return nil, fmt.Errorf("load words of %s: %w", file, err)
		}
	}
	return book, nil
}

// line is "key = text", "key[form] = text" or either with >.
var line = regexp.MustCompile(`^([a-z][a-z.-]*(?:\[([a-z]+)\])?)\s*([=>])\s*(\S.*)$`)

var (
	brace   = regexp.MustCompile(`\{[^}]*\}?`)
	braces  = []string{"{name}", "{title}", "{n}", "{of}", "{day}"}
	plurals = []string{"other", "zero", "one", "two", "few", "many"} // by plural.Form
)

// Parse reads the words file of the language tag.
func Parse(tag string, text []byte) (*Words, error) {
	lang, err := language.Parse(tag)
	if err != nil {
		return nil, fmt.Errorf("language %q: %w", tag, err)
	}
	w := &Words{tag: tag, lang: lang, shown: map[string]string{}, spoken: map[string]string{}}
	scan := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; scan.Scan(); n++ {
		s := strings.TrimSpace(scan.Text())
		if s == "" || s[0] == '#' {
			continue
		}
		if err := w.add(s); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := scan.Err(); err != nil {
		return nil, err
	}
	for key, list := range map[string]*[]string{"language.days": &w.days, "language.months": &w.months, "language.ordinals": &w.nth} {
		*list = strings.Fields(w.shown[key])
	}
	if len(w.days) != 7 || len(w.months) != 12 || len(w.nth) != 31 {
		return nil, fmt.Errorf("%d weekdays, %d months and %d ordinals", len(w.days), len(w.months), len(w.nth))
	}
	for _, key := range append([]string{"language.name", "language.voice", "language.date", "language.title"}, flow.Keys...) {
		if !w.has(key) {
			return nil, fmt.Errorf("no words for %s", key)
		}
	}
	return w, nil
}

func (w *Words) add(s string) error {
	parts := line.FindStringSubmatch(s)
	if parts == nil {
		return fmt.Errorf("%q is not key = text", s)
	}
	key, form, sign, text := parts[1], parts[2], parts[3], parts[4]
	if form != "" && form != "untitled" && form != "nameless" && !slices.Contains(plurals, form) {
		return fmt.Errorf("%s: no such form", key)
	}
	if !strings.HasPrefix(key, "language.") {
		for _, b := range brace.FindAllString(text, -1) {
			if !slices.Contains(braces, b) {
				return fmt.Errorf("%s: nothing stands in %s", key, b)
			}
		}
	}
	into := w.shown
	if sign == ">" {
		into = w.spoken
	}
	if _, twice := into[key]; twice {
		return fmt.Errorf("%s stands there twice", key)
	}
	into[key] = text
	return nil
}

// has reports whether the key has words whatever it is asked with: a plain
// form, or the plural form that every language falls back to.
func (w *Words) has(key string) bool {
	_, plain := w.shown[key]
	_, other := w.shown[key+"[other]"]
	return plain || other
}

// Tag is the language's BCP 47 tag.
func (w *Words) Tag() string { return w.tag }

// Name is the language's name in itself.
func (w *Words) Name() string { return w.shown["language.name"] }

// Voice is the name of its voice in espeak-ng.
func (w *Words) Voice() string { return w.shown["language.voice"] }

// Show is p as it is shown. A key without words shows itself.
func (w *Words) Show(p flow.Phrase) string { return w.fill(w.form(p), p, w.shown["language.title"]) }

// Say is p as it is said.
func (w *Words) Say(p flow.Phrase) string { return w.fill(w.form(p), p, "") }

// form is the key of the words that suit what p has.
func (w *Words) form(p flow.Phrase) string {
	var forms []string
	if p.Title == "" {
		forms = append(forms, "untitled")
	}
	if p.Name == "" {
		forms = append(forms, "nameless")
	}
	cldr := plural.Cardinal.MatchPlural(w.lang, p.N, 0, 0, 0, 0)
	forms = append(forms, plurals[cldr], "other")
	for _, f := range forms {
		if key := p.Key + "[" + f + "]"; w.shown[key] != "" {
			return key
		}
	}
	return p.Key
}

// fill puts p into the words of key. A quote of "" asks for what is said.
func (w *Words) fill(key string, p flow.Phrase, quote string) string {
	text, found := w.shown[key]
	if said, differs := w.spoken[key]; differs && quote == "" {
		text = said
	}
	if !found {
		return key
	}
	title, day := p.Title, w.sayDate(p.Day)
	if quote != "" {
		title, day = strings.ReplaceAll(quote, "{title}", title), w.Date(p.Day)
	}
	return strings.NewReplacer("{name}", p.Name, "{title}", title, "{n}", strconv.Itoa(p.N), "{of}", strconv.Itoa(p.Of), "{day}", day).Replace(text)
}

// Date is a day in words, in the day's own place: weekday, number and month.
func (w *Words) Date(day time.Time) string {
	return w.date(w.shown["language.date"], strconv.Itoa(day.Day()), day)
}

// sayDate is a day as it is said: a voice makes a plain number of "14.".
func (w *Words) sayDate(day time.Time) string {
	format, differs := w.spoken["language.date"]
	if !differs {
		format = w.shown["language.date"]
	}
	return w.date(format, w.nth[day.Day()-1], day)
}

func (w *Words) date(format, number string, day time.Time) string {
	return strings.NewReplacer(
		"{weekday}", w.days[day.Weekday()],
		"{day}", number,
		"{month}", w.months[day.Month()-1],
	).Replace(format)
}
