package hub_test

import (
	"encoding/json"
	"strings"
	"testing"

	"coldstation/assets"
	"coldstation/sync/hub"
	"coldstation/sync/hub/ils"
	"coldstation/sync/hub/store"
)

// TestPropose: for every rule there is something to be done first, and what comes of
// each thing is one sentence, in every language of the pages.
func TestPropose(t *testing.T) {
	first := map[ils.Rule]store.Action{
		ils.RouteItem: store.Leave, ils.ItemLost: store.Retry, ils.ClaimsReturned: store.Retry, ils.ItemNotFound: store.Retry,
		ils.CardNotFound: store.Retry, ils.CardRefused: store.Retry, ils.OpenCirculation: store.Return, ils.TooManyRenewals: store.Leave,
		ils.Superseded: store.Leave, ils.NotOnLoan: store.Leave, ils.OrderUnsure: store.Leave, ils.NoAnswer: store.Accept, ils.OtherRule: store.Retry,
	}
	for _, language := range []string{"en", "sv", "fi"} {
		raw, err := assets.Pages.ReadFile("pages/" + language + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var phrases map[string]any // some have forms
		if err := json.Unmarshal(raw, &phrases); err != nil {
			t.Fatal(err)
		}
		says := func(key string) string {
			words, _ := phrases[key].(string)
			return words
		}
		for rule, want := range first {
			p := store.Posting{Rule: string(rule)}
			proposals := hub.Propose(p)
			if proposals[0].Action != want {
				t.Errorf("%s: first %s, want %s", rule, proposals[0].Action, want)
			}
			if says("rule."+string(rule)) == "" && rule != ils.OtherRule {
				t.Errorf("%s: nothing says what %q is", language, rule)
			}
			for _, o := range proposals {
				means := says("means." + string(rule) + "." + string(o.Action))
				if means == "" {
					means = says("means." + string(o.Action))
				}
				for what, words := range map[string]string{"our own words": o.Means, language: means} {
					if !strings.HasSuffix(words, ".") {
						t.Errorf("%s, %s: %s says %q, want a sentence", rule, o.Action, what, words)
					}
				}
				if says("action."+string(o.Action)) == "" {
					t.Errorf("%s: no word for %s", language, o.Action)
				}
			}
			p.Later = true // then it cannot be sent any more
			for _, o := range hub.Propose(p) {
				if o.Action == store.Retry || o.Action == store.Return {
					t.Errorf("%s: %s of what another has followed", rule, o.Action)
				}
			}
		}
	}
}
