package hub

import (
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/ils"
	"coldstation/sync/hub/store"
)

// TestJudge: what is done about an item that somebody else has at the library system,
// by how old that loan is and how sure the station's time.
func TestJudge(t *testing.T) {
	anna, eino := circ.NewPatronID("1"), circ.NewPatronID("2")
	for name, tt := range map[string]struct {
		late     bool
		since    time.Duration // of their loan, after the event; 0: not told
		age, err time.Duration // of the event
		with     circ.PatronID // as the station knew
		asked    bool
		expected bool
		want     verdict
		rule     ils.Rule
	}{
		"their loan is older":                             {since: -time.Hour, age: 48 * time.Hour, want: sendReturn},
		"theirs is younger":                               {since: time.Hour, age: 48 * time.Hour, want: settle, rule: ils.Superseded},
		"theirs may be younger, the time is not sure":     {since: -time.Hour, age: 48 * time.Hour, err: 3 * time.Hour, want: settle, rule: ils.OpenCirculation},
		"theirs may be older, the time is not sure":       {since: time.Hour, age: 48 * time.Hour, err: 3 * time.Hour, want: settle, rule: ils.OpenCirculation},
		"theirs is older all the same":                    {since: -4 * time.Hour, age: 48 * time.Hour, err: 3 * time.Hour, want: sendReturn},
		"not told, and seen today":                        {age: 23 * time.Hour, want: sendReturn},
		"not told, and seen today or before":              {age: 23 * time.Hour, err: 3 * time.Hour, want: settle, rule: ils.OpenCirculation},
		"not told, and seen before":                       {age: 25 * time.Hour, want: settle, rule: ils.OpenCirculation},
		"not told, and the station knew whose it was":     {age: 25 * time.Hour, with: eino, want: askWas},
		"and it is theirs":                                {age: 25 * time.Hour, with: eino, asked: true, expected: true, want: sendReturn},
		"and it is not":                                   {age: 25 * time.Hour, with: eino, asked: true, want: settle, rule: ils.OpenCirculation},
		"younger, by a system that keeps its time":        {since: time.Hour, age: 48 * time.Hour, with: eino, want: settle, rule: ils.Superseded},
		"younger, by one that has the time it was posted": {late: true, since: time.Hour, age: 48 * time.Hour, with: eino, want: askWas},
		"and that was ours":                               {late: true, since: time.Hour, age: 48 * time.Hour, with: eino, asked: true, expected: true, want: sendReturn},
		"and that was not ours":                           {late: true, since: time.Hour, age: 48 * time.Hour, with: eino, asked: true, want: settle, rule: ils.Superseded},
	} {
		t.Run(name, func(t *testing.T) {
			s := newPosts(PostRules{Late: tt.late})
			p := &store.Posting{Op: store.PostLend, Item: "1", Patron: anna, WasWith: tt.with, At: began, Err: tt.err}
			st := ils.Standing{Known: true, With: ils.Another, Card: ils.CardGood}
			if tt.since != 0 {
				st.Since = began.Add(tt.since)
			}
			got := s.judge(p, st, tt.asked, tt.expected, began.Add(tt.age))
			if got != tt.want || p.Rule != string(tt.rule) {
				t.Errorf("verdict %d, rule %q; want %d, %q", got, p.Rule, tt.want, tt.rule)
			}
		})
	}
}
