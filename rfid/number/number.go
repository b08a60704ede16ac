package number

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// Kind is whose number it is.
type Kind uint8

// Kinds.
const (
	Patron Kind = iota + 1
	Item
)

var kinds = []string{"nobody", "patron", "item"}

func (k Kind) String() string { return kinds[k] }

// From is where a number was read.
type From uint8

// Places. A rule may be for Any; a number always comes from one of the others.
const (
	Any  From = iota
	Line      // typed by a scanner or a card reader
	Tag       // written inside a tag or a card
	Chip      // a chip's own number, as rfid.UID prints it
)

var places = []string{"any", "line", "tag", "chip"}

func (f From) String() string { return places[f] }

// ParseFrom reads a place's name.
func ParseFrom(s string) (From, error) {
	for f, name := range places {
		if s == name {
			return From(f), nil
		}
	}
	return Any, fmt.Errorf("%q is none of line, tag, chip and any", s)
}

// Number is a number as the library system writes it.
type Number struct {
	Kind Kind
	ID   string
}

// Rule is one line of rules.
type Rule struct {
	Line    int // where it stands, from 1
	Kind    Kind
	From    From
	pattern *regexp.Regexp
	steps   []step
	text    string
}

// String is the rule as it was written.
func (r Rule) String() string { return r.text }

// Longest is the most characters of a text that is looked at.
const Longest = 256

var (
	errFrom    = errors.New("is for another reader")
	errPattern = errors.New("the pattern does not match")
	errNothing = errors.New("nothing is left")
)

// Try applies the rule to a text; the error says why it does not fit. told, if
// not nil, hears of every step that succeeds and what it leaves.
func (r Rule) Try(from From, text string, told func(step, left string)) (id string, err error) {
	switch {
	case r.From != Any && r.From != from:
		return "", errFrom
	case len(text) > Longest || !r.pattern.MatchString(text):
		return "", errPattern
	}
	for _, s := range r.steps {
		if text, err = s.do(text); err != nil {
			return "", fmt.Errorf("%s: %w", s.text, err)
		}
		if told != nil {
			told(s.text, text)
		}
	}
	if text == "" {
		return "", errNothing
	}
	return text, nil
}

// Rules are a library's rules, in order.
type Rules []Rule

// Parse reads rules as the package comment describes them. All lines that are
// wrong are in the error.
func Parse(text string) (Rules, error) {
	var rules Rules
	var wrong []error
	n := 0
	for line := range strings.Lines(text) {
		n++
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		r, err := parseRule(words)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("rules, line %d: %w", n, err))
			continue
		}
		r.Line = n
		rules = append(rules, r)
	}
	return rules, errors.Join(wrong...)
}

func parseRule(words []string) (r Rule, err error) {
	if len(words) < 3 {
		return r, errors.New("want patron or item, where from, and a pattern")
	}
	switch words[0] {
	case "patron":
		r.Kind = Patron
	case "item":
		r.Kind = Item
	default:
		return r, fmt.Errorf("%q is neither patron nor item", words[0])
	}
	if r.From, err = ParseFrom(words[1]); err != nil {
		return r, err
	}
	if _, err := regexp.Compile(words[2]); err != nil { // alone, so that a ) does not escape the group below
		return r, err
	}
	if r.pattern, err = regexp.Compile(`\A(?:` + words[2] + `)\z`); err != nil {
		return r, err
	}
	for _, word := range words[3:] {
		s, err := parseStep(word)
		if err != nil {
			return r, err
		}
		r.steps = append(r.steps, s)
	}
	r.text = strings.Join(words, " ")
	return r, nil
}

// Find is what the first rule that fits makes of a text; ok is false if none does.
func (rules Rules) Find(from From, text string) (n Number, ok bool) {
	for _, r := range rules {
		if id, err := r.Try(from, text, nil); err == nil {
			return Number{r.Kind, id}, true
		}
	}
	return Number{}, false
}

// Explain writes what Find does and why, for somebody who tries the rules with an
// example.
func (rules Rules) Explain(w io.Writer, from From, text string) {
	fmt.Fprintf(w, "%s, read as %s\n", text, from)
	for _, r := range rules {
		fmt.Fprintf(w, "line %d: %s\n", r.Line, r)
		id, err := r.Try(from, text, func(step, left string) { fmt.Fprintf(w, "    %-14s %s\n", step, left) })
		if err == nil {
			fmt.Fprintf(w, "    fits: %s %s\n", r.Kind, id)
			return
		}
		fmt.Fprintf(w, "    no: %v\n", err)
	}
	fmt.Fprintln(w, "no rule fits: nobody's number")
}
