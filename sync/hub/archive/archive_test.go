package archive_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"coldstation/sync/hub/archive"
)

func packed(t testing.TB) []byte {
	folder := t.TempDir()
	for name, content := range map[string]string{"library.json": "keys", "hub.db": "events"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var to bytes.Buffer
	if err := archive.Write(&to, folder, []string{"library.json", "hub.db"}, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	return to.Bytes()
}

func TestRoundTrip(t *testing.T) {
	to := t.TempDir()
	names, err := archive.Extract(bytes.NewReader(packed(t)), to)
	if err != nil || !slices.Equal(names, []string{"library.json", "hub.db"}) {
		t.Fatalf("%v, %v", names, err)
	}
	got, err := os.ReadFile(filepath.Join(to, "hub.db"))
	info, statErr := os.Stat(filepath.Join(to, "hub.db"))
	if err != nil || statErr != nil || string(got) != "events" || info.Mode().Perm() != 0o600 {
		t.Errorf("%q %v, %v, %v", got, info.Mode(), err, statErr)
	}
}

// Any byte that was changed, and any end that is missing, is found before a file
// is written.
func TestDamaged(t *testing.T) {
	whole := packed(t)
	refused := func(what string, at int, content []byte) {
		t.Helper()
		to := t.TempDir()
		_, err := archive.Extract(bytes.NewReader(content), to)
		if !errors.Is(err, archive.ErrDamaged) && !errors.Is(err, archive.ErrForeign) && !errors.Is(err, archive.ErrNewer) {
			t.Errorf("%s at %d: %v, want it refused", what, at, err)
		}
		if left, err := os.ReadDir(to); err != nil || len(left) > 0 {
			t.Errorf("%s at %d: %v written, %v", what, at, left, err)
		}
	}
	for at := range whole {
		other := bytes.Clone(whole)
		other[at] ^= 1
		refused("a bit", at, other)
		refused("the end", at, whole[:at])
	}
	newer := bytes.Replace(whole, []byte("backup 1"), []byte("backup 2"), 1)
	if _, err := archive.Extract(bytes.NewReader(newer), t.TempDir()); !errors.Is(err, archive.ErrNewer) {
		t.Errorf("version 2: %v, want ErrNewer", err)
	}
}
