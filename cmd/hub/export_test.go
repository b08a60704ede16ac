package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/hub/store/storetest"
	"coldstation/sync/identity"
)

// TestExportKoc: over several files nothing is missing and nothing twice; a file can
// be had once more as it was; what Koha would stumble over waits until it is known.
func TestExportKoc(t *testing.T) {
	folder := t.TempDir()
	s, _, err := open(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	ctx := t.Context()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ok(s.Enrol(ctx, identity.Enrolled{Station: "maple-house", Password: []byte("hash"), Signing: make([]byte, 32)}, storetest.Start))
	people := store.Collection{Items: []circ.Item{{ID: "1", Title: "One"}, {ID: "2", Title: "Two"}}, Patrons: []circ.Patron{{ID: circ.NewPatronID("A"), Policy: "adult"}}}
	_, err = s.Import(ctx, people)
	ok(err)
	a, b := circ.Ref{1}, circ.Ref{2}
	log := storetest.NewLog("maple-house").Written(circ.PatronMet{Ref: a, ID: circ.NewPatronID("A")}, circ.PatronMet{Ref: b, ID: circ.NewPatronID("B")},
		circ.CheckedOut{Item: "1", Patron: a}, circ.CheckedOut{Item: "2", Patron: b}, circ.CheckedOut{Item: "2", Patron: a, From: b}, circ.Undone{Seq: 3})
	_, err = s.Find(ctx, log.Station, log.ID, storetest.Start)
	ok(err)
	taken := func(from, to uint64) {
		t.Helper()
		_, err := s.TakeIn(ctx, log.Batch(from, to))
		ok(err)
	}
	file := func(name string, change func(*exporting)) (string, string) {
		t.Helper()
		e := exporting{store: s, out: filepath.Join(folder, name), zone: "UTC"}
		if change != nil {
			change(&e)
		}
		var said bytes.Buffer
		ok(e.koc(ctx, &said))
		text, _ := os.ReadFile(e.out) // there is none when nothing is to be written
		rows := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")[1:]
		for i := range rows {
			if _, rest, found := strings.Cut(rows[i], "\t"); found {
				rows[i] = strings.ReplaceAll(rest, "\t", " ")
			}
		}
		apart, _ := os.ReadFile(e.out + ".apart.csv")
		return strings.Join(rows, ", "), string(apart)
	}
	for _, step := range []struct {
		name   string
		do     func()
		change func(*exporting)
		want   string
		apart  int // lines, the head left out
	}{
		{"first", func() { taken(1, 5) }, nil, "issue A 1", 2},
		{"nothing-new", func() {}, nil, "", 2},
		{"the-card-is-known", func() {
			_, err := s.Import(ctx, store.Collection{Patrons: []circ.Patron{{ID: circ.NewPatronID("B"), Policy: "adult"}}})
			ok(err)
		}, nil, "issue B 2, return 2, issue A 2", 0},
		{"undone-after-it-was-written", func() { taken(6, 6) }, nil, "return 1", 0},
		{"first-again", func() {}, func(e *exporting) { e.again = 1 }, "issue A 1", 0},
		{"second-again", func() {}, func(e *exporting) { e.again = 2 }, "issue B 2, return 2, issue A 2", 0},
		{"nothing-left", func() {}, nil, "", 0},
	} {
		step.do()
		got, apart := file(step.name, step.change)
		if lines := max(strings.Count(apart, "\n")-1, 0); got != step.want || lines != step.apart {
			t.Errorf("%s: got %q and apart\n%s\nwant %q and %d apart", step.name, got, apart, step.want, step.apart)
		}
	}
	var said bytes.Buffer
	for name, e := range map[string]exporting{
		"an unknown file":    {store: s, out: filepath.Join(folder, "x"), zone: "UTC", again: 9},
		"no file":            {store: s, zone: "UTC"},
		"an unknown station": {store: s, out: filepath.Join(folder, "x"), zone: "UTC", stations: []circ.StationID{"oak"}},
		"a day that is none": {store: s, out: filepath.Join(folder, "x"), zone: "UTC", from: "24.11."},
	} {
		if err := e.koc(ctx, &said); err == nil {
			t.Errorf("%s: %s", name, said.String())
		}
	}
	if info, err := os.Stat(filepath.Join(folder, "first")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
}

func TestExportSheets(t *testing.T) {
	folder := t.TempDir()
	if err := demo(t.Context(), []string{"--data", folder}); err != nil {
		t.Fatal(err)
	}
	s, _, err := open(folder)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	err = s.Enrol(ctx, identity.Enrolled{Station: "maple-house", Password: []byte("hash"), Signing: make([]byte, 32)}, storetest.Start)
	if err != nil {
		t.Fatal(err)
	}
	log := storetest.NewLog("maple-house").Written(circ.PatronMet{Ref: circ.Ref{1}, ID: circ.NewPatronID("999A00000101")}, circ.CheckedOut{Item: "999N00001001", Patron: circ.Ref{1}})
	if _, err := s.Find(ctx, log.Station, log.ID, storetest.Start); err != nil {
		t.Fatal(err)
	}
	if _, err := s.TakeIn(ctx, log.All()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"csv", "json"} {
		var files []string
		for what, want := range map[string]string{"items": "Tuntematon sotilas", "patrons": "Helmi", "policies": "adult", "proxies": "borrow", "loans": "999N00001001", "events": "CheckedOut"} {
			path := filepath.Join(folder, what+"."+format)
			if err := export(ctx, []string{what, "--data", folder, "--format", format, "--out", path}); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(text), want) {
				t.Errorf("%s: %v, no %q in\n%.300s", path, err, want, text)
			}
			if what == "loans" || what == "events" {
				if strings.Contains(string(text), "999A") {
					t.Errorf("%s names somebody", path)
				}
			} else {
				files = append(files, path)
			}
		}
		// What was written is what is there: bringing it in changes nothing but secret numbers.
		other := t.TempDir()
		if err := importFiles(ctx, append([]string{"--data", other}, files...)); err != nil {
			t.Errorf("%s: %v", format, err)
		}
	}
	for _, args := range [][]string{{}, {"books"}, {"items", "--format", "xml"}, {"loans", "--station", "oak"}} {
		if err := export(ctx, append(args, "--data", folder)); err == nil {
			t.Errorf("%q: done", args)
		}
	}
}
