package iso28560

import (
	"fmt"
	"strings"
	"testing"
)

func TestSets(t *testing.T) {
	for _, c := range []struct {
		name, labels string // item[@owner][:part/parts]…
		want         string // item: seen of parts, missing, tags; …
	}{
		{"nothing", "", ""},
		{"one book", "a:1/1", "a 1 of 1 [] [0]"},
		{"a book that states no parts", "a", "a 1 of 1 [] [0]"},
		{"two books", "b:1/1 a:1/1", "b 1 of 1 [] [0]; a 1 of 1 [] [1]"},
		{"two of three discs", "a:3/3 a:1/3", "a 2 of 3 [2] [0 1]"},
		{"all three, among others", "a:3/3 b:1/1 a:1/3 a:2/3", "a 3 of 3 [] [0 2 3]; b 1 of 1 [] [1]"},
		{"a part with two tags", "a:1/2 a:1/2", "a 1 of 2 [2] [0 1]"},
		{"tags that disagree", "a:1/2 a:3/3", "a 2 of 3 [2] [0 1]"},
		{"a part that does not say which", "a:0/3 a:1/3", "a 2 of 3 [3] [0 1]"},
		{"more of these than parts", "a:0/2 a:0/2 a:0/2", "a 2 of 2 [] [0 1 2]"},
		{"bytes swapped", "a:3/1 a:3/2", "a 2 of 3 [3] [0 1]"},
		{"part without parts", "a:2/0", "a 1 of 2 [1] [0]"},
		{"same number, other owner", "a@FI-He:1/2 a@FI-Em:2/2", "a 1 of 2 [2] [0]; a 1 of 2 [1] [1]"},
		{"owner on one part only", "a:1/2 a@FI-Em:2/2", "a 2 of 2 [] [0 1]"},
		{"no item", ":1/2 a:1/1", "a 1 of 1 [] [1]"},
		{"255 parts", "a:255/255", "a 1 of 255 254 missing [0]"},
	} {
		var labels []Label
		for _, text := range strings.Fields(c.labels) {
			var l Label
			name, parts, _ := strings.Cut(text, ":")
			l.Item, l.ISIL, _ = strings.Cut(name, "@")
			fmt.Sscanf(parts, "%d/%d", &l.Part, &l.Parts)
			labels = append(labels, l)
		}
		var got []string
		for _, s := range Sets(labels) {
			missing := fmt.Sprint(s.Missing())
			if len(missing) > 40 {
				missing = fmt.Sprintf("%d missing", len(s.Missing()))
			}
			if s.Complete() != (len(s.Missing()) == 0) {
				t.Errorf("%s: %v is complete and misses %v", c.name, s, s.Missing())
			}
			got = append(got, fmt.Sprintf("%s %v %s %v", s.Item, s, missing, s.Tags))
		}
		if got := strings.Join(got, "; "); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
