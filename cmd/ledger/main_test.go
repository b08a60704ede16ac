package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/identity"
	"coldstation/sync/ledger"
	"coldstation/sync/wire"
)

// written is a ledger with one visit in it.
func written(t *testing.T) string {
	t.Helper()
	library, err := identity.NewLibrary()
	if err != nil {
		t.Fatal(err)
	}
	key, err := library.SealingKey()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, err := ledger.Open(path, ledger.Options{Station: "maple-house", Key: make([]byte, 32), Sealer: &wire.Sealer{Key: key.PublicKey()}, Journal: true})
	if err != nil {
		t.Fatal(err)
	}
	anna := circ.NewPatronID("20000000000017")
	stamp := circ.Stamp{Wall: time.UnixMilli(1795530000123), Clock: circ.ClockNTP, Boot: uuid.New(), Uptime: time.Minute}
	_, err = l.Append(stamp, []circ.PatronID{anna},
		circ.Started{Version: "test", Session: 1},
		circ.CheckedOut{Visit: 1, Item: "1620154429", Patron: l.Ref(anna), By: l.Ref(anna), Due: time.Unix(1798149540, 0)})
	if err := errors.Join(err, l.SetMark(ledger.Hub, 1), l.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestVerify(t *testing.T) {
	path := written(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run([]string{"verify", filepath.Dir(path)}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"maple-house", "events    3", "unsent    2", "the same, in 1 files", "in order"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("verify says\n%s, want %q in it", out.String(), want)
		}
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("looking changed the file, %v", err)
	}
}

// A journal that does not agree is named, and nothing is touched.
func TestVerifyAgainstTheJournal(t *testing.T) {
	path := written(t)
	journal := path + ".journal-000001"
	raw, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	raw[bytes.Index(raw, []byte("1620154429"))] ^= 1
	if err := os.WriteFile(journal, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run([]string{"verify", path}, &out); !errors.Is(err, errJournal) || !strings.Contains(out.String(), "journal   the journal ends at event 0, the ledger at 3") {
		t.Errorf("%v, and it says\n%s", err, out.String())
	}
	if after, err := os.ReadFile(journal); err != nil || !bytes.Equal(after, raw) {
		t.Errorf("looking changed the journal, %v", err)
	}
}

func TestRescue(t *testing.T) {
	path := written(t)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"damaged": make([]byte, 20000), "in order": whole, "gone": nil} {
		t.Run(name, func(t *testing.T) {
			err := os.WriteFile(path, content, 0o600)
			if content == nil {
				err = os.Remove(path)
			}
			if err != nil {
				t.Fatal(err)
			}
			to := filepath.Join(t.TempDir(), "new")
			var out bytes.Buffer
			if err := run([]string{"rescue", path, to}, &out); err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"saved     3 events", "as it was", "missing   nothing"} {
				if !strings.Contains(out.String(), want) {
					t.Errorf("rescue says\n%s, want %q in it", out.String(), want)
				}
			}
			if after, err := os.ReadFile(path); content != nil && (err != nil || !bytes.Equal(after, content)) {
				t.Errorf("the damaged file was touched, %v", err)
			}
			out.Reset()
			if err := run([]string{"verify", to}, &out); err != nil || !strings.Contains(out.String(), "events    4") { // and the fault
				t.Errorf("the new one: %v\n%s", err, out.String())
			}
			if err := run([]string{"rescue", path, to}, &out); !errors.Is(err, os.ErrExist) {
				t.Errorf("over a file that is there: %v", err)
			}
		})
	}
	if err := run([]string{"rescue", path + "x", filepath.Join(t.TempDir(), "new")}, &bytes.Buffer{}); !errors.Is(err, ledger.ErrNothing) {
		t.Errorf("nothing at all: %v, want %v", err, ledger.ErrNothing)
	}
}

func TestExport(t *testing.T) {
	var out bytes.Buffer
	if err := run([]string{"export", written(t)}, &out); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "20000000000017") {
		t.Error("the export names a patron")
	}
	var kinds []string
	for text := range strings.Lines(out.String()) {
		var n line
		if err := json.Unmarshal([]byte(text), &n); err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, n.Kind)
		if n.Kind == "CheckedOut" && (n.Seq != 3 || n.Body["item"] != "1620154429" || n.Body["due"] != "2026-12-24T21:59:00Z" || n.Clock != "ntp") {
			t.Errorf("the loan reads %s", text)
		}
	}
	if got, want := strings.Join(kinds, " "), "PatronMet Started CheckedOut"; got != want {
		t.Errorf("kinds %s, want %s", got, want)
	}
}

func TestWhatIsNotALedger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "letter")
	if err := os.WriteFile(path, []byte("Dear Sir or Madam"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]struct {
		args []string
		want error
	}{
		"a letter":   {[]string{"verify", path}, ledger.ErrForeign},
		"no file":    {[]string{"export", path + "x"}, os.ErrNotExist},
		"no command": {[]string{"repair", path}, errUsage},
		"no new one": {[]string{"rescue", path}, errUsage},
		"nothing":    {nil, errUsage},
	} {
		if err := run(try.args, &bytes.Buffer{}); !errors.Is(err, try.want) {
			t.Errorf("%s: %v, want %v", name, err, try.want)
		}
	}
	if _, err := os.Stat(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("looking made a file: %v", err)
	}
}
