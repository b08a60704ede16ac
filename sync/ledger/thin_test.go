package ledger

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestThin: however often something is set aside, the first and the latest stay, and
// nobody else's.
func TestThin(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	put := func(name string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stranger := "other.db" + aside(time.Unix(0, 0))
	put(stranger)
	put("ledger.db")
	said := 0
	for n := range 20 {
		if thin(path) != "" {
			said++
		}
		stamp := aside(time.Date(2026, 11, 1+n, 0, 0, 0, 0, time.UTC))
		put("ledger.db" + stamp)
		put("ledger.db.journal-1" + stamp)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	want := []string{"ledger.db", stranger}
	for _, day := range []int{1, 17, 18, 19, 20} {
		for _, name := range []string{"ledger.db", "ledger.db.journal-1"} {
			want = append(want, fmt.Sprintf("%s.damaged-202611%02dT000000.000Z", name, day))
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("there are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if said != 15 {
		t.Errorf("it told %d times that it removed something, want 15", said)
	}
}
