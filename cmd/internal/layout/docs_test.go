package layout

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestOutcomes: every test that docs/delivery.md names is there, since a promise
// whose test was renamed is one that nobody keeps.
func TestOutcomes(t *testing.T) {
	page, err := os.ReadFile("../../../docs/delivery.md")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	for _, folder := range []string{"../../../sync", "../../../cmd", "../../../kiosk"} {
		err := filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			content, err := os.ReadFile(path)
			tests.Write(content)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	names := regexp.MustCompile("`(Test[A-Z]\\w*)`").FindAllSubmatch(page, -1)
	if len(names) < 20 {
		t.Fatalf("only %d tests are named", len(names))
	}
	for _, name := range names {
		if !strings.Contains(tests.String(), "func "+string(name[1])+"(") {
			t.Errorf("%s is named and not there", name[1])
		}
	}
}
