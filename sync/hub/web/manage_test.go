package web

import (
	"context"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// TestTold: each form has the station told what it says, and what cannot be is told
// nobody.
func TestTold(t *testing.T) {
	settings := url.Values{"house": {"on"}, "undo": {"90"}, "languages": {"sv, fi"}, "tiles": {""}}
	for _, tt := range []struct {
		name, path string
		form       url.Values
		status     int
		says       string // in the page, or where it goes on to
		want       circ.NoticeBody
	}{
		{"restart", "restart", nil, 303, "done=station-restart", circ.Command{Name: circ.Restart}},
		{"a count", "census", nil, 303, "done=station-census", circ.Command{Name: circ.Census}},
		{"a message", "message", url.Values{"words-fi": {" Hei \n vaan "}, "words-sv": {"Hej"}}, 303, "done=message", circ.MessagePut{ID: "desk", Words: map[string]string{"fi": "Hei vaan", "sv": "Hej"}}},
		{"a message taken down", "message", url.Values{"down": {"1"}, "words-fi": {"x"}}, 303, "done=message-down", circ.MessagePut{ID: "desk"}},
		{"no words", "message", url.Values{"words-fi": {" "}}, 422, "Write at least one line", nil},
		{"too many", "message", url.Values{"words-fi": {strings.Repeat("ä", 161)}}, 422, "At most 160", nil},
		{"settings", "settings", settings, 303, "done=settings", circ.SettingsPut{Version: 4, Values: map[string]string{"house": "on", "undo": "90s", "languages": "sv,fi"}}},
		{"a wrong time", "settings", url.Values{"undo": {"5"}, "ask": {"x"}}, 422, "Stay within the limits", nil},
		{"a wrong language", "settings", url.Values{"languages": {"fi,xx"}}, 422, "Choose only from", nil},
		{"turned away, not sure", "revoke", nil, 422, "Tick the box first", nil},
		{"turned away", "revoke", url.Values{"sure": {"1"}}, 303, "done=revoke", nil},
		{"no such command", "burn", nil, 404, "", nil},
	} {
		var got circ.NoticeBody
		h, _ := newSite(t, source{told: func(id circ.StationID, bodies ...circ.NoticeBody) error {
			if id != "maple-house" || len(bodies) != 1 || got != nil {
				t.Errorf("%s: told %s %+v", tt.name, id, bodies)
			}
			got = bodies[0]
			return nil
		}}, nil)
		r := post(h, "/stations/maple-house/"+tt.path, tt.form)
		if c, is := got.(circ.Command); is {
			if c.ID == "" {
				t.Errorf("%s: a command that may be carried out twice", tt.name)
			}
			got = circ.Command{Name: c.Name}
		}
		if r.StatusCode != tt.status && (tt.status != 404 || r.StatusCode != 405) || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %d, told %+v, want %d, %+v", tt.name, r.StatusCode, got, tt.status, tt.want)
		}
		if !strings.Contains(r.text+r.Header.Get("Location"), tt.says) {
			t.Errorf("%s: it does not say %q", tt.name, tt.says)
		}
	}
	h, _ := newSite(t, source{told: func(circ.StationID, ...circ.NoticeBody) error { return store.ErrNoStream }}, nil)
	if r := post(h, "/stations/maple-house/restart", nil); r.Header.Get("Location") != "/stations/maple-house/manage?trouble=nostream" {
		t.Errorf("a station that never connected: %d to %q", r.StatusCode, r.Header.Get("Location"))
	}
}

// TestEnrolmentCode: a code is shown once with its picture; whoever has keys keeps
// them until somebody is sure; and the trail says who made it, not what it is.
func TestEnrolmentCode(t *testing.T) {
	const code = "CS-ABCDEFGH"
	h, s, _ := newOffice(t, Settings{Source: source{}, Enrol: func(_ context.Context, id circ.StationID, replace bool) (Enrolment, error) {
		switch {
		case id == "maple-house" && !replace:
			return Enrolment{}, ErrKeys
		case id == "birch-house" && !replace:
			return Enrolment{}, ErrNoPlace
		}
		return Enrolment{Code: code, Expires: now.Add(48 * time.Hour), Fingerprint: "AB CD"}, nil
	}})
	for _, tt := range []struct {
		name, path string
		form       url.Values
		status     int
		says       string
	}{
		{"it has keys", "/stations/maple-house/code", nil, 422, "A machine is this station already"},
		{"it may be replaced", "/stations/maple-house/code", url.Values{"sure": {"1"}}, 200, "kiosk enrol " + code},
		{"nobody knows where", "/stations/birch-house/code", nil, 422, "start the hub with --names"},
		{"a new one of no name", "/add-station", url.Values{"id": {"Über"}}, 422, "Use 1 to 32"},
		{"a new one that is known", "/add-station", url.Values{"id": {"willow-house"}}, 422, "exists already"},
	} {
		r := post(h, tt.path, tt.form)
		if r.StatusCode != tt.status || !strings.Contains(r.text, tt.says) {
			t.Errorf("%s: %d, or it does not say %q", tt.name, r.StatusCode, tt.says)
		}
		if tt.status == 200 && (!strings.Contains(r.text, `class="qr"`) || !strings.Contains(r.text, "AB CD")) {
			t.Errorf("%s: no picture, or no fingerprint", tt.name)
		}
		checkPage(t, tt.name, "en", r.text)
	}
	deeds, err := s.Trail(t.Context(), store.TrailQuery{What: "code", Limit: 10})
	if err != nil || len(deeds) != 1 || deeds[0].About != "maple-house" {
		t.Errorf("the trail says %+v, %v", deeds, err)
	}
}
