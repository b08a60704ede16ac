package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coldstation/sync/hub/sip2/sip2test"
)

// TestILSCheck asks a library system over TCP, and wants nothing changed there.
func TestILSCheck(t *testing.T) {
	q, err := sip2test.Named("koha24")
	if err != nil {
		t.Fatal(err)
	}
	s := sip2test.New(q)
	s.AddPatron(sip2test.Patron{Card: "999A1", Name: "Helmi"})
	s.AddItem(sip2test.Item{Barcode: "1", Title: "Is"})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go s.Serve(l)
	defer s.HangUp()
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	password := write("password", "secret\n")
	file := write("ils", "# the library's own\nsystem koha24\naddress "+l.Addr().String()+"\naccount station\npassword-file "+password+
		"\ninstitution main\nstation maple-house MAPLE station "+password+"\nstation birch-house BIRCH\nlists yes\n")
	check := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := ilsCheck(t.Context(), &out, append([]string{"--ils", "sip2", "--ils-config", file, "--station", "maple-house"}, args...))
		return out.String(), err
	}
	said, err := check("999A1", "1")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"version 2.00", "knows the card, and lends", `"Is", not on loan`, "whatever the card's state", "account of its own", "Nothing was changed"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	if said, err := check("999A9", "9"); err != nil || !strings.Contains(said, "does not know the card") || !strings.Contains(said, "does not know the item") {
		t.Errorf("of strangers it says %v\n%s", err, said)
	}
	if h := s.History(); len(h) != 0 {
		t.Errorf("it did %v", h)
	}
	for what, text := range map[string]string{
		"a word that is no setting": "speed 9600", "a system nobody knows": "system voyager\naddress a:1", "an ability in other words": "address a:1\nno-block maybe",
		"no address": "name x", "no password file": "address a:1\npassword-file /nowhere", "a station by halves": "station maple-house", "another none": "name none\naddress a:1",
	} {
		file := write("bad", text)
		s := ilsSettings{kind: "sip2", file: file}
		if _, err := s.open(nil); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v, want an error that names the file", what, err)
		}
	}
	file = write("wrong", "address "+l.Addr().String()+"\naccount station\n")
	if _, err := check("999A1", "1"); err == nil || !strings.Contains(err.Error(), "refuses the account") {
		t.Errorf("a wrong password: %v", err)
	}
}

func TestILSPost(t *testing.T) {
	folder := t.TempDir()
	var out bytes.Buffer
	if err := ilsPost(t.Context(), &out, []string{"--data", folder, "--dry-run"}); err != nil || !strings.Contains(out.String(), "0 wait") {
		t.Errorf("%v\n%s", err, out.String())
	}
	if err := ilsPost(t.Context(), &out, []string{"--data", folder}); err == nil {
		t.Error("it posted without being asked not to")
	}
}
