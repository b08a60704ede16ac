// Package setting is the table of what a library may set of its stations from afar,
// and the one judge of it: the hub asks it before it sends settings, and the station
// before it puts them into force. What one of them refuses, so does the other, unless
// their versions differ; then the station's word counts.
//
// A setting has the name of the kiosk's flag. What the table does not hold (which
// reader there is, what the gate listens for) is the affair of who stands before the
// machine, and so is what the station's own settings name as --fixed.
package setting

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"coldstation/assets"
)

// Setting is one of the table.
type Setting struct {
	Name    string
	Kind    Kind
	Options []string      // of Choice and List; never written through
	Least   time.Duration // of Span
	Most    time.Duration
	Usual   string // what holds where nobody has set anything
}

// Kind is what a setting's value looks like.
type Kind uint8

// The kinds of settings.
const (
	Choice Kind = iota // one of Options
	List               // some of Options, by commas, in an order that matters; one at least
	Span               // a time.Duration as Go writes it: 90s, 2m; from Least to Most
)

// On and Off are the options of a Choice that says yes or no.
const (
	On  = "on"
	Off = "off"
)

// Table is what may be set, in the order in which a form shows it.
//
// The shortest times are those of EN 301 549 and WCAG 2.2, 2.2.1: whoever is asked
// whether they are still there has 20 s to answer.
var Table = []Setting{
	{Name: "languages", Kind: List, Options: languages(), Usual: "fi,sv,en,fi-simple"},
	{Name: "text-size", Options: []string{"normal", "large", "largest"}},
	{Name: "contrast", Options: []string{"calm", "strong"}},
	{Name: "speech-volume", Options: []string{"silent", "softer", "usual", "louder", "loudest"}, Usual: "usual"},
	{Name: "speech-pace", Options: []string{"usual", "slow"}},
	{Name: "speech-names", Options: []string{"never", "headphones", "always"}, Usual: "headphones"},
	{Name: "tiles", Options: []string{"none", "staff", "open"}},
	{Name: "secret-numbers", Options: []string{Off, On}},
	{Name: "house", Options: []string{Off, On}},
	{Name: "unknown-cards", Options: []string{"lend", "staff"}},
	{Name: "blocked-cards", Options: []string{"lend", "staff"}},
	{Name: "linger", Kind: Span, Least: 6 * time.Second, Most: time.Minute, Usual: "12s"},
	{Name: "gather", Kind: Span, Least: 30 * time.Second, Most: 10 * time.Minute, Usual: "1m30s"},
	{Name: "undo", Kind: Span, Least: 30 * time.Second, Most: 10 * time.Minute, Usual: "2m0s"},
	{Name: "ask", Kind: Span, Least: time.Minute, Most: 10 * time.Minute, Usual: "1m30s"},
	{Name: "clear", Kind: Span, Least: 20 * time.Second, Most: 5 * time.Minute, Usual: "30s"},
}

func init() {
	for i := range Table {
		if s := &Table[i]; s.Usual == "" {
			s.Usual = s.Options[0]
		}
	}
}

// languages are those that there are words of.
func languages() (tags []string) {
	files, err := fs.Glob(assets.Words, "words/*.txt")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for _, file := range files {
		tags = append(tags, strings.TrimSuffix(path.Base(file), ".txt"))
	}
	return tags
}

// Find is the setting of a name.
func Find(name string) (Setting, bool) {
	i := slices.IndexFunc(Table, func(s Setting) bool { return s.Name == name })
	if i < 0 {
		return Setting{}, false
	}
	return Table[i], true
}

// Wrong is a value that cannot be. Its text is English; a page in another language
// makes its own from what is wrong.
type Wrong struct {
	Setting Setting // only its Name when Why is Unknown
	Value   string
	Why     Why
	Part    string // of a List: the value among others
}

// Why is what is wrong with a value.
type Why uint8

// What can be wrong with a value.
const (
	Unknown   Why = iota // there is no such setting
	NoOption             // it is none of the options
	Twice                // it stands in the list twice
	Empty                // the list holds nothing
	NoTime               // it is no length of time
	OutOfSpan            // it is shorter than Least or longer than Most
)

func (w *Wrong) Error() string {
	name, options := w.Setting.Name, strings.Join(w.Setting.Options, ", ")
	switch w.Why {
	case NoOption:
		return fmt.Sprintf("%s: %q is none of %s", name, w.Part, options)
	case Twice:
		return fmt.Sprintf("%s: %q stands there twice", name, w.Part)
	case Empty:
		return fmt.Sprintf("%s: name at least one of %s", name, options)
	case NoTime:
		return fmt.Sprintf("%s: %q is no length of time; write it as 90s or 2m", name, w.Value)
	case OutOfSpan:
		return fmt.Sprintf("%s: %s is not between %s and %s", name, w.Value, w.Setting.Least, w.Setting.Most)
	}
	return fmt.Sprintf("%s: there is no such setting", name)
}

// Check judges all values, by name. The error joins a *Wrong for each that cannot be,
// in the order of their names; a single one makes them all unusable.
func Check(values map[string]string) error {
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if err := check(name, values[name]); err != nil {
			wrong = append(wrong, err)
		}
	}
	return errors.Join(wrong...)
}

// CheckOne judges one value, as Check does.
func CheckOne(name, value string) error {
	return Check(map[string]string{name: value})
}

func check(name, value string) error {
	s, known := Find(name)
	if !known {
		return &Wrong{Setting: Setting{Name: name}, Value: value}
	}
	wrong := func(why Why, part string) error { return &Wrong{s, value, why, part} }
	switch s.Kind {
	case Choice:
		if !slices.Contains(s.Options, value) {
			return wrong(NoOption, value)
		}
	case List:
		parts := Split(value)
		if len(parts) == 0 {
			return wrong(Empty, "")
		}
		for i, part := range parts {
			switch {
			case !slices.Contains(s.Options, part):
				return wrong(NoOption, part)
			case slices.Contains(parts[:i], part):
				return wrong(Twice, part)
			}
		}
	case Span:
		span, err := time.ParseDuration(value)
		if err != nil {
			return wrong(NoTime, "")
		}
		if span < s.Least || span > s.Most {
			return wrong(OutOfSpan, "")
		}
	}
	return nil
}

// Split is a List's value in its parts.
func Split(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
}
