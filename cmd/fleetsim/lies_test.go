package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"coldstation/cmd/internal/stage"
)

// TestLies: a hub of which an event is lost, doubled or out of its place is found out,
// by the whole program, and so is one that leaves a station out.
func TestLies(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s := &stage.Stage{Dir: t.TempDir(), Bin: bin}
	defer s.Close()
	library, err := s.Library(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		lie  func([]map[string]any) []map[string]any
		want map[string]float64 // besides what is as it should be
	}{
		"truth":   {func(all []map[string]any) []map[string]any { return all }, nil},
		"lost":    {func(all []map[string]any) []map[string]any { return all[1:] }, map[string]float64{"lost": 1}},
		"doubled": {func(all []map[string]any) []map[string]any { return append(all, all[0]) }, map[string]float64{"duplicated": 1}},
		"swapped": {func(all []map[string]any) []map[string]any {
			for i := 1; i < len(all); i++ {
				if a, b := all[i-1], all[i]; a["kind"] != b["kind"] {
					a["seq"], b["seq"] = b["seq"], a["seq"]
					return all
				}
			}
			t.Error("no two events to swap")
			return all
		}, map[string]float64{"out_of_order": 2}},
		"silent": {func([]map[string]any) []map[string]any { return nil }, map[string]float64{"lost": -1}},
	} {
		t.Run(name, func(t *testing.T) {
			identities := t.TempDir()
			if _, err := s.Run("hub", "station", "add", "--data", "hub", "--broker", "mqtt://"+library.MQTT, "--out", filepath.Join(identities, name+".station"), name); err != nil {
				t.Fatal(err)
			}
			liar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var answer any
				if r.URL.Path == "/api/events" {
					var all []map[string]any
					if err := stage.Get(library.Web+r.URL.String(), &all); err != nil {
						t.Error(err)
					}
					answer = all
					if len(all) > 0 {
						answer = c.lie(all)
					}
				} else if err := stage.Get(library.Web+r.URL.String(), &answer); err != nil {
					t.Error(err)
				}
				if err := json.NewEncoder(w).Encode(answer); err != nil {
					t.Error(err)
				}
			}))
			defer liar.Close()
			line, well, log := run(t, "--visits", "3", "--seed", "9", "--hub", liar.URL, "--broker", "mqtt://"+library.MQTT, "--broker-qos", "0", "--identities", identities)
			for _, figure := range []string{"lost", "duplicated", "out_of_order"} {
				want := c.want[figure]
				if want < 0 {
					want = line["events"]
				}
				if line[figure] != want {
					t.Errorf("%s is %v, want %v", figure, line[figure], want)
				}
			}
			if well != (c.want == nil) || t.Failed() {
				t.Errorf("ended well: %v; %v; the log:\n%s", well, line, log)
			}
		})
	}
}
