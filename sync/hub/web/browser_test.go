package web

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/hub/store/storetest"
)

// seen are pages as people come by them, of a small library.
var seen = []string{"/", "/stations", "/stations/house-0001", "/stations/house-0001/manage", "/stations/house-0001/manage?preview=1&words-fi=Kirjasto+k%C3%A4y+torstaina", "/stations/house-0001/log", "/add-station", "/decisions", "/loans?station=house-0001", "/items", "/items?q=talvi", "/figures", "/figures?period=month&step=day&station=house-0001",
	"/account", "/account/tokens", "/accounts", "/trail", "/nothing"}

// TestInABrowser looks at every page with Debian's Chromium: in three languages,
// light and dark, on a desk and on a phone. packaging/pages-test/look.js says what is
// a fault. PICTURES names a folder for pictures of them.
func TestInABrowser(t *testing.T) {
	const tools = "../../../build/pages-test"
	if _, err := os.Stat(filepath.Join(tools, "node_modules")); err != nil {
		if os.Getenv("REAL") != "" {
			t.Fatal("no browser's driver in build/pages-test: make build/pages-test/node_modules")
		}
		t.Skip("no browser's driver in build/pages-test; REAL=1 makes that a failure")
	}
	if os.Getenv("REAL") == "" && os.Getenv("PICTURES") == "" {
		t.Skip("slow; REAL=1 runs it")
	}
	place, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.OpenSQLite(filepath.Join(t.TempDir(), "hub.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	size := storetest.Size{Stations: 12, Events: 6000, Items: 600}
	if err := size.Fill(t.Context(), s, now); err != nil {
		t.Fatal(err)
	}
	for name, detail := range map[string]string{"fault-reader": "", store.ConditionNewer: ""} {
		if err := s.Raise(t.Context(), "house-0001", store.Condition{Name: name, Detail: detail, Since: now.Add(-3 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	h, err := New(Settings{Source: busy{s}, Restock: s, Accounts: s, Local: true, Enrol: func(context.Context, circ.StationID, bool) (Enrolment, error) { return Enrolment{}, nil },
		Place: place, ILS: "koha", Propose: propose, Now: func() time.Time { return now },
		Watch: func(ctx context.Context) <-chan circ.StationID { return make(chan circ.StationID) }})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	defer server.Close()
	list := filepath.Join(t.TempDir(), "paths.json")
	text, err := json.Marshal(seen)
	if err == nil {
		err = os.WriteFile(list, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	modules, err := filepath.Abs(filepath.Join(tools, "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	look := exec.CommandContext(ctx, "node", "../../../packaging/pages-test/look.js", server.URL, list, os.Getenv("PICTURES"))
	look.Env = append(os.Environ(), "NODE_PATH="+modules)
	said, err := look.CombinedOutput()
	if err != nil {
		t.Errorf("%v:\n%s", err, said)
		return
	}
	t.Logf("%s", said)
}

// busy is a store where decisions wait.
type busy struct{ store.Store }

func (b busy) Decisions(ctx context.Context, ils string, limit int) ([]store.Posting, error) {
	all, err := source{}.Decisions(ctx, ils, limit)
	for i := range all {
		all[i].Station, all[i].Title, all[i].Route = "house-0001", "Talvi järvellä", ""
	}
	return all, err
}

func (b busy) PostingsNow(ctx context.Context, ils string) (map[store.PostingState]int, int, error) {
	return source{}.PostingsNow(ctx, ils)
}
