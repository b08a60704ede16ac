package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coldstation/sync/hub/koha/kohatest"
)

// TestILSLearn learns from a Koha by the settings of a file.
func TestILSLearn(t *testing.T) {
	s := kohatest.New(kohatest.Newer)
	s.Fill(5)
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key := write("key", kohatest.Secret+"\n")
	text := "name koha\nurl " + s.Serve(t) + "\nkey-id " + kohatest.ID + "\nkey-secret-file " + key + "\nstation koivikko STN\nlearn-rules STN\nlearn-rate 1000\ntype-marks BK=audio\n"
	learned := func(ils, text string) (string, error) {
		var out bytes.Buffer
		err := ilsLearn(t.Context(), &out, []string{"--data", filepath.Join(folder, "data"), "--ils", ils, "--ils-config", write("ils", text)})
		return out.String(), err
	}
	for _, want := range []string{"Everything was looked at. New or changed: 2 patrons, 5 items, 3 policies", "What changed since the last time was looked at. New or changed: 0 patrons, 0 items"} {
		if said, err := learned("koha", text+"learn STN\n"); err != nil || !strings.Contains(said, want) {
			t.Errorf("got %q, %v, want %q", said, err, want)
		}
	}
	var b bytes.Buffer
	kept, _, err := open(filepath.Join(folder, "data"))
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	sheet, err := exporting{store: kept}.sheet(t.Context(), "items")
	if err != nil || sheet.WriteCSV(&b) != nil || !strings.Contains(b.String(), "30100001,Kirja 1,Väinö Linna,2009,,,audio,1,koivikko") {
		t.Errorf("items %v\n%s", err, b.String())
	}
	for what, bad := range map[string][2]string{
		"no library": {"koha", text}, "not Koha": {"sip2", text + "learn STN\n"}, "no such library": {"koha", text + "learn OAK\n"},
		"no mark": {"koha", text + "learn STN\ntype-marks LP=huge\n"}, "no key": {"koha", "learn STN\n"},
	} {
		if said, err := learned(bad[0], bad[1]); err == nil {
			t.Errorf("%s: %q", what, said)
		}
	}
}
