package alert

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// Voice is how letters are worded.
type Voice struct {
	// Say is a phrase of the pages in a language, with its arguments; a key that has
	// none is answered itself.
	Say   func(language, key string, args ...any) string
	Place *time.Location
	URL   string // of the pages; "" for no links
}

// message is what a hook is told.
type message struct {
	Type   string      `json:"type"` // alert.begun, alert.over, alert.test
	At     time.Time   `json:"at"`
	Rule   named       `json:"rule"`
	Alerts []toldAlert `json:"alerts"`
}

type named struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

type toldAlert struct {
	ID        string         `json:"id"`
	Station   circ.StationID `json:"station,omitempty"`
	Title     string         `json:"title,omitempty"`
	Condition string         `json:"condition"`
	What      string         `json:"what"`
	Do        string         `json:"do,omitempty"`
	Since     time.Time      `json:"since"`
	Ended     *time.Time     `json:"ended,omitempty"`
}

// sentences say what a condition is and what to do, in the words of the pages.
func (v Voice) sentences(language, condition string) (what, do string) {
	key := "condition." + condition
	detail := ""
	switch {
	case condition == Away, condition == Decisions:
		key = "alert.of." + condition
	case v.Say(language, key) == key:
		detail, key = strings.TrimPrefix(condition, store.FaultPrefix), "condition."
	}
	do = v.Say(language, key+".do")
	if do == key+".do" {
		do = ""
	}
	return v.Say(language, key, detail), do
}

// compose is the letters that tell what Step decided. titles are the stations'.
func (v Voice) compose(t Told, titles map[circ.StationID]string, at time.Time) []store.Letter {
	language := t.Rule.Language
	m := message{Type: "alert.begun", At: at.UTC(), Rule: named{t.Rule.ID, t.Rule.Title}}
	if t.Over {
		m.Type = "alert.over"
	}
	var text strings.Builder
	for _, a := range t.Alerts {
		what, do := v.sentences(language, a.Condition)
		one := toldAlert{ID: a.ID, Station: a.Station, Title: titles[a.Station], Condition: a.Condition, What: what, Do: do, Since: a.Since.UTC()}
		place := one.Title
		if place == "" {
			place = string(a.Station)
		}
		if place == "" {
			place = v.Say(language, "alert.library")
		}
		since := v.Say(language, "alert.since", v.when(language, a.Since))
		if t.Over {
			one.Ended = &at
			since, one.Do = v.Say(language, "alert.lasted", v.when(language, a.Since), v.when(language, at)), ""
		}
		for _, line := range []string{place, what, one.Do, since} {
			if line != "" {
				text.WriteString(line + "\n")
			}
		}
		if v.URL != "" && a.Station != "" {
			text.WriteString(strings.TrimSuffix(v.URL, "/") + "/stations/" + string(a.Station) + "\n")
		}
		text.WriteString("\n")
		m.Alerts = append(m.Alerts, one)
	}
	subject := v.subject(t, m)
	v.end(&text, t.Rule)
	return letters(t.Rule, m, subject, text.String(), t.After)
}

// subject is one line: of one alert what it is, of several how many.
func (v Voice) subject(t Told, m message) string {
	language, key := t.Rule.Language, "alert.subject"
	if t.Over {
		key = "alert.over"
	}
	if len(m.Alerts) > 1 {
		return v.Say(language, key+".many", strconv.Itoa(len(m.Alerts)))
	}
	one := m.Alerts[0]
	place := one.Title
	if place == "" {
		place = string(one.Station)
	}
	if place == "" {
		place = v.Say(language, "alert.library")
	}
	return v.Say(language, key, place, one.What)
}

func (v Voice) end(text *strings.Builder, rule store.AlertRule) {
	text.WriteString("-- \n" + v.Say(rule.Language, "alert.rule.of", rule.Title) + "\n")
	if v.URL != "" {
		text.WriteString(strings.TrimSuffix(v.URL, "/") + "/alerts\n")
	}
}

func (v Voice) when(language string, t time.Time) string {
	return t.In(v.Place).Format("2006-01-02 " + v.Say(language, "hhmm"))
}

// Try is the letters that try out where a rule sends, to be sent at once.
func (v Voice) Try(rule store.AlertRule, at time.Time) []store.Letter {
	var text strings.Builder
	text.WriteString(v.Say(rule.Language, "alert.try.text") + "\n\n")
	v.end(&text, rule)
	m := message{"alert.test", at.UTC(), named{rule.ID, rule.Title}, []toldAlert{}}
	return letters(rule, m, v.Say(rule.Language, "alert.try.subject"), text.String(), at)
}

// letters are one for each address, and one for the hook.
func letters(rule store.AlertRule, m message, subject, text string, after time.Time) (all []store.Letter) {
	letter := func(way store.Way, target, body string) {
		all = append(all, store.Letter{ID: uuid.NewString(), Rule: rule.ID, Way: way, Target: target, Subject: subject, Body: body, Made: m.At, Again: after})
	}
	for _, address := range rule.Mail {
		letter(store.ByMail, address, text)
	}
	if rule.Hook != "" {
		body, _ := json.Marshal(m) // of texts and times, which never fails
		letter(store.ByHook, rule.Hook, string(body))
	}
	return all
}
