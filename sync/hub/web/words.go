package web

import (
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"

	"coldstation/assets"
)

// words are the phrases of one language, by key. {0} and {1} stand for what
// completes a phrase.
type words struct {
	code     string
	phrases  map[string]string
	weekdays []string
	months   []string
}

// tongues are the languages of the pages, English first: it is what a reader
// gets who asked for none of them.
type tongues struct {
	all   []*words
	match language.Matcher
}

func readTongues(pages embed.FS) (tongues, error) {
	var t tongues
	files, err := fs.Glob(pages, "pages/*.json")
	if err != nil {
		return t, err
	}
	for _, name := range files {
		text, err := pages.ReadFile(name)
		if err != nil {
			return t, err
		}
		w := &words{code: strings.TrimSuffix(path.Base(name), ".json")}
		if err := json.Unmarshal(text, &w.phrases); err != nil {
			return t, fmt.Errorf("read %s: %w", name, err)
		}
		w.weekdays, w.months = strings.Fields(w.phrases["weekdays"]), strings.Fields(w.phrases["months"])
		if len(w.weekdays) != 7 || len(w.months) != 12 {
			return t, fmt.Errorf("read %s: %d weekdays and %d months", name, len(w.weekdays), len(w.months))
		}
		t.all = append(t.all, w)
	}
	slices.SortFunc(t.all, func(a, b *words) int {
		return cmp.Or(cmp.Compare(bool01(b.code == "en"), bool01(a.code == "en")), cmp.Compare(a.code, b.code))
	})
	tags := make([]language.Tag, len(t.all))
	for i, w := range t.all {
		if tags[i], err = language.Parse(w.code); err != nil {
			return t, fmt.Errorf("language %s: %w", w.code, err)
		}
	}
	t.match = language.NewMatcher(tags)
	return t, nil
}

func bool01(b bool) int {
	if b {
		return 1
	}
	return 0
}

// of is the reader's language: what the address says, else what they chose
// before, else what their browser asks for.
func (t tongues) of(r *http.Request) *words {
	chosen := r.URL.Query().Get("lang")
	if chosen == "" {
		if cookie, err := r.Cookie("lang"); err == nil {
			chosen = cookie.Value
		}
	}
	if w := t.named(chosen); w != nil {
		return w
	}
	tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil {
		tags = nil
	}
	_, i, _ := t.match.Match(tags...)
	return t.all[i]
}

func (t tongues) named(code string) *words {
	for _, w := range t.all {
		if w.code == code {
			return w
		}
	}
	return nil
}

// T is a phrase. A key without one shows itself, and fails a test.
func (w *words) T(key string, args ...any) string {
	text, found := w.phrases[key]
	if !found {
		return key
	}
	for i, arg := range args {
		text = strings.ReplaceAll(text, "{"+strconv.Itoa(i)+"}", fmt.Sprint(arg))
	}
	return text
}

// or is the phrase of the first key that has one.
func (w *words) or(keys ...string) string {
	for _, key := range keys {
		if _, found := w.phrases[key]; found {
			return key
		}
	}
	return keys[len(keys)-1]
}

// N is a phrase for a number of things.
func (w *words) N(key string, n any, args ...any) string {
	number := fmt.Sprint(n)
	if number == "1" {
		return w.T(key+".one", append([]any{number}, args...)...)
	}
	return w.T(key+".other", append([]any{number}, args...)...)
}

// Day is "Tuesday 24 November 2026".
func (w *words) Day(t time.Time) string {
	return w.T("day", w.weekdays[t.Weekday()], t.Day(), w.months[t.Month()-1], t.Year())
}

// Clock is a day and a time of day.
func (w *words) Clock(t time.Time) string { return w.T("clock", w.Day(t), t.Format(w.T("hhmm"))) }

// age is how long ago t was, in the largest whole unit.
func (w *words) age(now, t time.Time) string {
	switch d := now.Sub(t); {
	case d < time.Minute:
		return w.T("age.now")
	case d < time.Hour:
		return w.N("age.minute", int(d/time.Minute))
	case d < 24*time.Hour:
		return w.N("age.hour", int(d/time.Hour))
	default:
		return w.N("age.day", int(d/(24*time.Hour)))
	}
}

// Phrases are the pages' words for what is said elsewhere: a phrase of a language, with
// its arguments; a key without one shows itself. A language nobody knows is English.
func Phrases() (func(language, key string, args ...any) string, error) {
	t, err := readTongues(assets.Pages)
	if err != nil {
		return nil, err
	}
	return func(language, key string, args ...any) string {
		w := t.named(language)
		if w == nil {
			w = t.all[0]
		}
		return w.T(key, args...)
	}, nil
}
