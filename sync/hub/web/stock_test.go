package web

import (
	"net/url"
	"strings"
	"testing"

	"coldstation/sync/hub/store"
)

// TestRecall: an item is asked for in the name of who asks, and only by a librarian of
// where it is.
func TestRecall(t *testing.T) {
	var asked []store.Recall
	o := newPeople(t, Settings{Source: source{recalled: func(all ...store.Recall) error { asked = append(asked, all...); return nil }}})
	for who, want := range map[string]int{"librarian-maple": 303, "librarian-birch": 403, "viewer": 403} {
		asked = nil
		r := post(o.h, "/items/1/recall", url.Values{"for": {" A hold "}}, "Cookie", o.session(who, now, now))
		if r.StatusCode != want || len(asked) > 1 || (len(asked) == 1) != (want == 303) {
			t.Errorf("%s: %d, asked for %+v, want %d", who, r.StatusCode, asked, want)
		}
		if len(asked) == 1 && (asked[0].By != who || asked[0].For != "A hold" || asked[0].At.IsZero()) {
			t.Errorf("%s asked for %+v", who, asked[0])
		}
	}
	deeds, err := o.store.Trail(t.Context(), store.TrailQuery{What: "recall", Limit: 10})
	if err != nil || len(deeds) != 1 || deeds[0].About != "1" {
		t.Errorf("the trail says %+v, %v", deeds, err)
	}
	if text := get(o.h, "/items/1", "Cookie", o.session("viewer-maple", now, now)).text; strings.Contains(text, "/recall") {
		t.Error("the page offers what it will refuse")
	}
}
