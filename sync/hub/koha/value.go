package koha

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// row is one object of an answer. Each reader takes names in the order of
// preference, since versions differ, and the first that is there and not null
// counts. The first value of a wrong kind is kept as the error, which names the
// field and not the value.
type row struct {
	fields map[string]json.RawMessage
	zone   *time.Location
	err    error
}

// decode reads one object. Its error is ErrRecord.
func decode[T any](raw []byte, zone *time.Location, read func(*row) T) (T, error) {
	r := row{zone: zone}
	if json.Unmarshal(raw, &r.fields) != nil || r.fields == nil {
		return *new(T), fmt.Errorf("%w: an object is wanted and %s came", ErrRecord, kind(raw))
	}
	value := read(&r)
	if r.err != nil {
		return *new(T), r.err
	}
	return value, nil
}

func (r *row) find(names []string) (string, json.RawMessage) {
	for _, name := range names {
		if raw, found := r.fields[name]; found && string(raw) != "null" {
			return name, raw
		}
	}
	return "", nil
}

func (r *row) wrong(name, want string, raw json.RawMessage) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s: %s is wanted and %s came", ErrRecord, name, want, kind(raw))
	}
}

// kind is what a value is, without telling it.
func kind(raw []byte) string {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0:
		return "nothing"
	case raw[0] == '{':
		return "an object"
	case raw[0] == '[':
		return "a list"
	case raw[0] == '"':
		return "another text"
	case raw[0] == 't' || raw[0] == 'f':
		return "a boolean"
	case raw[0] == 'n':
		return "null"
	}
	return "another number"
}

// text is a string; a number stands for itself.
func (r *row) text(names ...string) string {
	name, raw := r.find(names)
	if raw == nil {
		return ""
	}
	var s string
	switch {
	case json.Unmarshal(raw, &s) == nil:
		return s
	case json.Unmarshal(raw, new(float64)) == nil:
		return string(raw)
	}
	r.wrong(name, "a text", raw)
	return ""
}

// number is a whole number: 12, "12", 12.0, "12.00". Empty is 0.
func (r *row) number(names ...string) int64 {
	n, _ := r.maybe(names...)
	return n
}

// maybe is a number, and whether it was there.
func (r *row) maybe(names ...string) (int64, bool) {
	name, raw := r.find(names)
	if raw == nil {
		return 0, false
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		s = string(raw)
	}
	if s = strings.TrimSpace(s); s == "" {
		return 0, false
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int64(f), true
	}
	r.wrong(name, "a whole number", raw)
	return 0, false
}

// flag is a boolean, or a number that is not 0, or either as a text.
func (r *row) flag(names ...string) bool {
	name, raw := r.find(names)
	if raw == nil {
		return false
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		s = string(raw)
	}
	switch s {
	case "true", "yes":
		return true
	case "false", "no", "":
		return false
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return f != 0
	}
	r.wrong(name, "a boolean", raw)
	return false
}

// layouts in which Koha was seen, or is read, to write times.
var layouts = []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly}

// moment is a time or a date; a date is its first instant in Koha's zone. The zero
// date of MySQL is no date.
func (r *row) moment(names ...string) time.Time {
	name, raw := r.find(names)
	if raw == nil {
		return time.Time{}
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		if s == "" || strings.HasPrefix(s, "0000-00-00") {
			return time.Time{}
		}
		for _, layout := range layouts {
			at, err := time.ParseInLocation(layout, s, r.zone)
			if at = at.In(r.zone); err == nil && at.Year() >= 1 && at.Year() <= 9999 {
				return at
			}
		}
	}
	r.wrong(name, "a date or time", raw)
	return time.Time{}
}

// words are the names in an object, or in a list of texts; in capitals only, since
// the others carry data about a patron. Perl may write an empty object as [].
func (r *row) words(name string) (words []string) {
	_, raw := r.find([]string{name})
	if raw == nil {
		return nil
	}
	var set map[string]json.RawMessage
	var list []string
	switch {
	case json.Unmarshal(raw, &set) == nil:
		for w := range set {
			list = append(list, w)
		}
	case json.Unmarshal(raw, &list) == nil:
	default:
		r.wrong(name, "an object", raw)
		return nil
	}
	for _, w := range list {
		if word.MatchString(w) && w == strings.ToUpper(w) {
			words = append(words, w)
		}
	}
	return words
}

// clip makes a text fit for a screen and for most bytes: control characters become
// blanks, and what is too long is cut between characters.
func clip(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	s = strings.TrimSpace(s)
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}
