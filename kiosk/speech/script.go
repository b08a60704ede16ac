package speech

import (
	"regexp"
	"strings"
	"unicode"

	"coldstation/kiosk/flow"
	"coldstation/kiosk/phrase"
)

// script is a view as it is said, sentence by sentence.
type script struct {
	words *phrase.Words
	view  flow.View
	aloud bool // names and titles too
}

// told are the states in which an item asks for something, and the large sentence
// that already says so.
var told = map[string]string{
	"fate.waiting":   "showcard",
	"fate.parts":     "parts",
	"fate.boxed":     "boxed",
	"fate.ask-staff": "askstaff",
	"fate.keep":      "keep",
	"fate.unread":    "unread",
	"fate.left":      "leftover",
	"fate.putback":   "putback",
}

// screen is what has changed; with all, everything that stands there.
func (s script) screen(all bool) []string {
	sentences := []string{s.say(s.view.Title)}
	for _, p := range s.view.Text {
		sentences = append(sentences, s.say(p))
	}
	for _, sign := range s.view.Signs {
		sentences = append(sentences, s.say(sign.Words))
	}
	sentences = append(sentences, s.choices()...)
	if all && s.view.Message != "" {
		sentences = append(sentences, s.view.Message)
	}
	if n := len(s.view.Lines); n > 1 {
		sentences = append(sentences, s.say(flow.Phrase{Key: "say.lines", N: n}))
	}
	// To choose among items one must have heard them all.
	all = all || s.view.Screen == flow.Undoing || s.view.Screen == flow.Listing
	for i, line := range s.view.Lines {
		if all || s.matters(line) {
			sentence := s.item(i) + ", " + s.say(line.Words)
			if line.Note.Key != "" {
				sentence += ", " + s.say(line.Note)
			}
			sentences = append(sentences, sentence)
		}
	}
	if all {
		sentences = append(sentences, s.buttons()...)
	}
	return sentences
}

// choices are what can be chosen, in one sentence each.
func (s script) choices() (sentences []string) {
	var names []string
	for _, choice := range s.view.Choices {
		names = append(names, s.say(choice.Words))
	}
	if len(names) > 0 {
		sentences = append(sentences, strings.Join(names, ", "))
	}
	for _, row := range s.view.Rows {
		var names []string
		for _, option := range row.Options {
			names = append(names, s.say(option.Words))
		}
		sentences = append(sentences, s.say(row.Words)+": "+strings.Join(names, ", "))
	}
	return sentences
}

// matters reports whether an item asks for something that the large sentence does
// not say.
func (s script) matters(line flow.Line) bool {
	headline, asks := told[line.Words.Key]
	title := s.view.Title
	return asks && (title.Key != headline || title.Title != "" && title.Title != line.Item.Title)
}

// item is its title, or its place when that may not be said.
func (s script) item(i int) string {
	return s.say(flow.Phrase{Key: "say.line", Title: s.view.Lines[i].Item.Title, N: i + 1})
}

// buttons are those of the items, and then all others in one sentence.
func (s script) buttons() (sentences []string) {
	for i, line := range s.view.Lines {
		if line.Button.Action != "" {
			sentences = append(sentences, s.item(i)+": "+s.say(flow.Phrase{Key: "say.buttons", N: 1})+" "+s.say(line.Button.Words))
		}
	}
	var names []string
	for _, b := range s.view.Buttons {
		names = append(names, s.say(b.Words))
	}
	if s.view.Back {
		names = append(names, s.say(flow.Phrase{Key: string(flow.Back)}))
	}
	if s.view.Help {
		names = append(names, s.say(flow.Phrase{Key: string(flow.Help)}))
	}
	if len(names) > 0 {
		sentences = append(sentences, s.say(flow.Phrase{Key: "say.buttons", N: len(names)})+": "+strings.Join(names, ", "))
	}
	return sentences
}

func (s script) say(p flow.Phrase) string {
	if !s.aloud {
		p.Name, p.Title = "", ""
	}
	return s.words.Say(p)
}

// number is a dot between digits: espeak-ng says "3.12." as "three point twelve".
var number = regexp.MustCompile(`(\d)\.(\d)`)

// text is what a program reads: a sentence a line, each with an end, and nothing
// in it that espeak-ng obeys instead of saying it: control characters, and
// phonemes between [[ and ]].
func text(sentences []string) string {
	var b strings.Builder
	for _, sentence := range sentences {
		sentence = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || strings.ContainsRune(`[]<>\`, r) {
				return ' '
			}
			return r
		}, number.ReplaceAllString(sentence, "$1 $2"))
		if sentence = strings.TrimSpace(sentence); sentence == "" {
			continue
		}
		b.WriteString(sentence)
		if !strings.HasSuffix(sentence, ".") && !strings.HasSuffix(sentence, "?") && !strings.HasSuffix(sentence, "!") {
			b.WriteByte('.')
		}
		b.WriteByte('\n')
	}
	return b.String()
}
