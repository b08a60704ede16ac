package web

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestMask(t *testing.T) {
	for _, tt := range []struct {
		name    string
		numbers []int
		want    string
	}{
		{"none", nil, ""},
		{"all large", []int{5, 9, 100}, "5 9 100"},
		{"nobody is no secret", []int{0, 7, 0}, "0 7 0"},
		{"one small, and the next smallest", []int{3, 50, 9, 0}, "* 50 * 0"},
		{"small ones that hide each other", []int{3, 2, 9}, "* * 9"},
		{"small ones that hold too few together", []int{1, 1, 9, 30}, "* * * 30"},
		{"all small", []int{1, 2}, "* *"},
		{"a single one", []int{4}, "*"},
	} {
		got := ""
		for i, p := range mask(5, counted(5, tt.numbers...)) {
			if i > 0 {
				got += " "
			}
			got += p.text()
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestMaskCannotBeUndone: of many groups at random, no hidden one is what is left of
// their total, and no few people are.
func TestMaskCannotBeUndone(t *testing.T) {
	for seed := range 20_000 {
		n := uint32(seed)
		var numbers []int
		for range seed%9 + 1 {
			n = n*1664525 + 1013904223
			numbers = append(numbers, int(n>>24)%(seed%23+2))
		}
		total, seen, hidden := 0, 0, 0
		for _, p := range mask(5, counted(5, numbers...)) {
			total += p.n
			switch {
			case p.hidden && p.n > 0:
				hidden++
			default:
				seen += p.n
				if small(5, p.n) {
					t.Fatalf("%v: %d is shown", numbers, p.n)
				}
			}
		}
		if total >= 5 && hidden > 0 && (hidden == 1 || small(5, total-seen)) {
			t.Fatalf("%v: the hidden ones are %d, counted from the others", numbers, total-seen)
		}
	}
}

func TestPart(t *testing.T) {
	for _, tt := range []struct {
		whole, n int
		want     string
	}{{20, 10, "10"}, {20, 3, "*"}, {20, 17, "*"}, {20, 20, "20"}, {20, 0, "0"}, {4, 0, "*"}} {
		if got := part(5, counted(5, tt.whole)[0], tt.n).text(); got != tt.want {
			t.Errorf("%d of %d: %s, want %s", tt.n, tt.whole, got, tt.want)
		}
	}
}

func TestPeriods(t *testing.T) {
	place, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{Settings: Settings{Now: func() time.Time { return now }, Place: place}}
	for _, tt := range []struct{ asked, want string }{
		{"", "2026-10-01 00:00 to 2026-11-24 15:40, before 2026-07-01 00:00 to 2026-08-24 16:40, by month, 2"},
		{"period=month&from=2026-10-30", "2026-10-01 00:00 to 2026-11-01 00:00, before 2026-09-01 00:00 to 2026-10-01 00:00, by week, 5"},
		{"period=month&compare=year&from=2026-10-30&step=day", "2026-10-01 00:00 to 2026-11-01 00:00, before 2025-10-01 00:00 to 2025-11-01 00:00, by day, 31"},
		{"period=year&from=2025-02-28&step=day", "2025-01-01 00:00 to 2026-01-01 00:00, before 2024-01-01 00:00 to 2025-01-01 00:00, by month, 12"},
		{"period=free&from=2026-11-02&to=2026-11-08", "2026-11-02 00:00 to 2026-11-09 00:00, before 2026-10-26 00:00 to 2026-11-02 00:00, by week, 1"},
	} {
		asked, err := url.ParseQuery(tt.asked)
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.periodOf(asked)
		if err != nil {
			t.Errorf("%s: %v", tt.asked, err)
			continue
		}
		const form = "2006-01-02 15:04"
		got := fmt.Sprintf("%s to %s, before %s to %s, by %s, %d", p.From.Format(form), p.To.In(place).Format(form), p.before.From.Format(form), p.before.To.Format(form), p.Step, len(p.steps()))
		if got != tt.want {
			t.Errorf("%s:\n%s, want\n%s", tt.asked, got, tt.want)
		}
	}
	for _, asked := range []string{"period=x", "compare=x", "step=x", "from=x", "to=1", "period=free&from=2026-02-01&to=2026-01-01", "period=free&from=1000-01-01"} {
		query, err := url.ParseQuery(asked)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.periodOf(query); err == nil {
			t.Errorf("%s is understood", asked)
		}
	}
}

// TestFiguresHideTheSame: three people at one station are told of nowhere, and nor
// are the nine of the next smallest, from which they could be counted; on their
// stations' own pages neither.
func TestFiguresHideTheSame(t *testing.T) {
	h, _ := newSite(t, source{}, nil)
	want := map[string]string{"maple-house": "50", "birch-house": "*", "willow-house": "*", "": "61"}
	for _, station := range []string{"", "maple-house", "birch-house", "willow-house"} {
		var answer apiFigures
		if err := json.Unmarshal([]byte(get(h, "/api/figures?station="+station).text), &answer); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(get(h, "/figures.csv?station="+station).text)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		page := get(h, "/figures?station="+station).text
		shown := regexp.MustCompile(`Different cards</th><td data-label="Now">([^<]*)<`).FindStringSubmatch(page)
		if got := fmt.Sprint(number0(answer.Use.Cards), rows[1][9], shown[1]); got != fmt.Sprint(want[station], want[station], want[station]) {
			t.Errorf("cards at %q as JSON, CSV and HTML: %s, want %s", station, got, want[station])
		}
		if got := number0(answer.Steps[0].Cards); got != want[station] {
			t.Errorf("cards at %q in the first step: %s, want %s", station, got, want[station])
		}
		for _, l := range answer.Stations {
			if got := number0(l.Cards); got != want[string(l.Station)] || l.New != nil {
				t.Errorf("cards of %s: %s, %v for the first time, want %s", l.Station, got, l.New, want[string(l.Station)])
			}
		}
	}
	page := get(h, "/figures").text
	for _, row := range rowsOf(page, "birch-house", "willow-house") {
		if !strings.Contains(row, `data-label="Different cards">*<`) {
			t.Errorf("the page shows cards: %s", row)
		}
	}
	if !strings.Contains(page, "Fewer than 5 people") {
		t.Error("the page does not say what * is")
	}
	if rows := get(h, "/figures").text; !strings.Contains(rows, "Cards for the first time</th><td data-label=\"Now\">12</td><td data-label=\"Compared\">*<") {
		t.Error("38 of 40 cards are told of, and so two others")
	}
}

func number0(n *int) string {
	if n == nil {
		return "*"
	}
	return fmt.Sprint(*n)
}

// rowsOf are the rows of tables in which a word stands.
func rowsOf(page string, words ...string) (rows []string) {
	for _, row := range strings.Split(page, "<tr>") {
		for _, word := range words {
			if strings.Contains(row, `/stations/`+word+`"`) {
				rows = append(rows, row)
			}
		}
	}
	return rows
}
