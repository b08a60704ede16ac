package collection

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"coldstation/sync/circ"
)

// Sheet is a table to be written. Its values are texts, whole numbers, truths and
// lists of texts; an empty one stands for nothing. What is written of items,
// patrons, policies and proxies reads back as the same, but for secret numbers, of
// which only a hash is kept.
type Sheet struct {
	Name    string
	Columns []string
	Rows    [][]any
}

// WriteCSV writes the sheet. A text that a spreadsheet would calculate gets an
// apostrophe before it, which reading takes off again.
func (s Sheet) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(s.Columns); err != nil {
		return err
	}
	cells := make([]string, len(s.Columns))
	for _, row := range s.Rows {
		for i, value := range row {
			cells[i] = cellText(value)
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func cellText(value any) string {
	switch v := value.(type) {
	case bool:
		if v {
			return "yes"
		}
		return ""
	case []string:
		value = strings.Join(v, ";")
	}
	text := fmt.Sprint(value)
	if _, number := value.(int); !number && formula(strings.TrimLeft(text, "'")) {
		return "'" + text
	}
	return text
}

// WriteJSON writes the sheet as an object of one list, whose records leave out what
// is nothing.
func (s Sheet) WriteJSON(w io.Writer) error {
	var b bytes.Buffer
	text := func(value any) {
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		_ = e.Encode(value) // texts, numbers, truths and lists of texts
		b.Truncate(b.Len() - 1)
	}
	fmt.Fprintf(&b, "{%q: [", s.Name)
	for i, row := range s.Rows {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n{")
		first := true
		for j, value := range row {
			if list, is := value.([]string); value == "" || value == false || is && len(list) == 0 {
				continue
			}
			if !first {
				b.WriteString(", ")
			}
			first = false
			text(s.Columns[j])
			b.WriteString(": ")
			text(value)
		}
		b.WriteByte('}')
	}
	b.WriteString("\n]}\n")
	_, err := b.WriteTo(w)
	return err
}

// some is a number of which 0 says nothing.
func some(n int) any {
	if n == 0 {
		return ""
	}
	return n
}

// words are the names of the bits that are set.
func words[B ~uint8](bits B, names []string) (all []string) {
	for i, name := range names {
		if bits>>i&1 == 1 {
			all = append(all, name)
		}
	}
	return all
}

// Items is a sheet that ReadItems reads.
func Items(items []circ.Item) Sheet {
	s := Sheet{Name: "items", Columns: []string{"barcode", "title", "author", "year", "language", "subject", "marks", "parts", "home"}}
	for _, i := range items {
		s.Rows = append(s.Rows, []any{string(i.ID), i.Title, i.Author, some(i.Year), i.Language, i.Subject, words(i.Marks, markNames), some(i.Parts), string(i.Home)})
	}
	return s
}

// Patrons is a sheet that ReadPatrons reads. It is personal data.
func Patrons(patrons []circ.Patron) Sheet {
	s := Sheet{Name: "patrons", Columns: []string{"card", "first_name", "policy", "staff", "blocked", "language", "cards", "picture", "recalls", "station"}}
	for _, p := range patrons {
		s.Rows = append(s.Rows, []any{p.ID.Plaintext(), p.FirstName, p.Policy, p.Staff, p.Blocked, p.Language, p.Cards, p.Picture, p.Recalls, string(p.Home)})
	}
	return s
}

// Policies is a sheet that ReadPolicies reads.
func Policies(policies []circ.Policy) Sheet {
	s := Sheet{Name: "policies", Columns: []string{"policy", "loan_days", "limit", "renewals", "fee_free", "overdue_ok"}}
	for _, p := range policies {
		s.Rows = append(s.Rows, []any{p.ID, p.LoanDays, p.Limit, p.Renewals, p.FeeFree, p.OverdueOK})
	}
	return s
}

// Proxies is a sheet that ReadProxies reads. It is personal data.
func Proxies(proxies []circ.Proxy) Sheet {
	s := Sheet{Name: "proxies", Columns: []string{"proxy", "principal", "agent", "scopes", "once", "from", "to"}}
	day := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.DateOnly)
	}
	for _, p := range proxies {
		s.Rows = append(s.Rows, []any{p.ID, p.Principal.Plaintext(), p.Agent.Plaintext(), words(p.Scopes, scopeNames), p.Once, day(p.From), day(p.To)})
	}
	return s
}
