package web

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// TestOnePerson: what is known of one is shown, saved and forgotten, by the number of a
// card in a form; the trail says of whom and never of which item.
func TestOnePerson(t *testing.T) {
	o := newPeople(t, Settings{})
	cookie := o.session("administrator", now, now)
	_, err := o.store.Import(t.Context(), store.Collection{Policies: []circ.Policy{{ID: "resident"}},
		Patrons: []circ.Patron{{ID: circ.NewPatronID(card), FirstName: "Helmi" + hostile, Policy: "resident", Picture: "boat", Language: "fi", Cards: []string{"wristband-7"}}},
		Proxies: []circ.Proxy{{ID: "paper-1", Principal: circ.NewPatronID(card), Agent: circ.NewPatronID("another"), Scopes: circ.MayBorrow, From: now}}})
	o.ok(err)
	ask := func(what string, form ...string) reply {
		t.Helper()
		values := url.Values{}
		for i := 0; i < len(form); i += 2 {
			values.Set(form[i], form[i+1])
		}
		return post(o.h, "/privacy/"+what, values, "Cookie", cookie)
	}
	for _, wrong := range []string{"", "nobody", strings.Repeat("9", 5000)} {
		if r := ask("show", "card", wrong); r.StatusCode != 422 {
			t.Errorf("nobody's number: %d", r.StatusCode)
		}
	}
	for _, lang := range []string{"en", "fi", "sv"} {
		r := post(o.h, "/privacy/show", url.Values{"card": {"wristband-7"}}, "Cookie", cookie, "Accept-Language", lang)
		if r.StatusCode != 200 || !strings.Contains(r.text, card) || !strings.Contains(r.text, "Helmi") || !strings.Contains(r.text, "paper-1") {
			t.Errorf("shown: %d", r.StatusCode)
		}
		checkPage(t, "/privacy/show "+lang, lang, r.text)
	}
	var saved savedPerson
	r := ask("export", "card", card)
	if err := json.Unmarshal([]byte(r.text), &saved); err != nil || saved.ID != card || len(saved.Cards) != 1 || len(saved.Proxies) != 1 || !strings.HasPrefix(r.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("saved: %v, %s", err, r.text)
	}
	if r := ask("erase", "card", card, "again", "another"); r.StatusCode != 422 || !strings.Contains(r.text, "not the same") {
		t.Errorf("forgotten without the number once more: %d", r.StatusCode)
	}
	if r := ask("erase", "card", card, "again", card); r.StatusCode != 200 || strings.Contains(r.text, card) || strings.Contains(r.text, "Helmi") {
		t.Errorf("forgotten: %d, or the page still names them", r.StatusCode)
	}
	if r := ask("show", "card", card); r.StatusCode != 422 {
		t.Errorf("shown after that: %d", r.StatusCode)
	}
	trail, err := o.store.Trail(t.Context(), store.TrailQuery{Limit: 100})
	o.ok(err)
	var deeds []string
	for _, d := range trail {
		deeds = append(deeds, d.What+" "+d.About)
	}
	want := []string{"person-erase " + card, "person-export " + card, "person-read " + card, "person-read " + card, "person-read " + card}
	if strings.Join(deeds, "\n") != strings.Join(want, "\n") {
		t.Errorf("the trail says %q, want %q", deeds, want)
	}
}
