package kohatest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// accepted are the plain parameters of a list, beside those of paging.
var accepted = map[string][]string{
	Patrons:   {"patron_id", "cardnumber", "library_id", "category_id", "userid", "updated_on"},
	Items:     {"external_id"},
	Checkouts: {"patron_id", "checked_in"},
	Holds:     {"hold_id", "patron_id", "biblio_id", "item_id", "pickup_library_id", "status"},
}

// allowed are all parameters of a list.
func (s *System) allowed(table string) []string {
	paging := []string{"_page", "_per_page", "_order_by", "_match"}
	if s.Release != Older {
		return append(append(paging, "q"), accepted[table]...)
	}
	switch table {
	case Checkouts: // the plainest of all
		return []string{"patron_id", "_page", "_per_page"}
	case Categories:
		return nil
	}
	return append(paging, accepted[table]...)
}

// list is a page of rows.
func (s *System) list(r *http.Request, table string, rows []Row) answer {
	query := r.URL.Query()
	allowed := s.allowed(table)
	for name := range query {
		if !slices.Contains(allowed, name) {
			return malformed("/query/"+name, "Malformed query string")
		}
	}
	for name := range query {
		if strings.HasPrefix(name, "_") || name == "q" || name == "checked_in" {
			continue
		}
		rows = slices.DeleteFunc(slices.Clone(rows), func(row Row) bool {
			have, want := strings.ToLower(word(row[name])), strings.ToLower(query.Get(name))
			if query.Get("_match") == "exact" {
				return have != want
			}
			return !strings.Contains(have, want)
		})
	}
	if q := query.Get("q"); q != "" {
		var filter map[string]any
		if json.Unmarshal([]byte(q), &filter) != nil {
			return malformed("/query/q", "Malformed query string")
		}
		var bad error
		rows = slices.DeleteFunc(slices.Clone(rows), func(row Row) bool {
			fits, err := match(row, filter)
			bad = cmp.Or(bad, err)
			return !fits
		})
		if bad != nil {
			return say(http.StatusBadRequest, Row{"error": bad.Error(), "error_code": "invalid_query"})
		}
	}
	if field := strings.TrimLeft(query.Get("_order_by"), "+ "); field != "" {
		rows = slices.Clone(rows)
		slices.SortStableFunc(rows, func(a, b Row) int { return compare(a[field], b[field]) })
	}
	page := max(number(query.Get("_page"), 1), 1)
	size := number(query.Get("_per_page"), s.PageSize)
	if s.Release == Older && query.Get("_per_page") == "" {
		return say(http.StatusOK, listed(rows)) // not paged at all
	}
	total := len(rows)
	if size > 0 {
		rows = rows[min((page-1)*size, total):min(page*size, total)]
	}
	a := say(http.StatusOK, listed(rows))
	a.header.Set("X-Total-Count", strconv.Itoa(total))
	a.header.Set("Link", links(r, page, size, total))
	return a
}

func listed(rows []Row) []Row {
	if rows == nil {
		return []Row{}
	}
	return rows
}

// links are as Koha builds them: absolute, from what the proxy told it.
func links(r *http.Request, page, size, total int) string {
	pages := 1
	if size > 0 {
		pages = (total + size - 1) / size
	}
	link := func(to int, rel string) string {
		query := r.URL.Query()
		query.Set("_page", strconv.Itoa(to))
		query.Set("_per_page", strconv.Itoa(size))
		return fmt.Sprintf("<http://koha-inner%s?%s>; rel=%q", r.URL.Path, query.Encode(), rel)
	}
	var all []string
	if page > 1 && pages > 1 {
		all = append(all, link(page-1, "prev"))
	}
	if page < pages {
		all = append(all, link(page+1, "next"))
	}
	return strings.Join(append(all, link(1, "first"), link(pages, "last")), ",")
}

func number(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return otherwise
}

// match is a filter of q, as far as it is needed: equality, comparisons and -in.
func match(row Row, filter map[string]any) (bool, error) {
	for field, want := range filter {
		have, found := row[field]
		if !found {
			return false, nil // the database has the field, the test left it out
		}
		conditions, is := want.(map[string]any)
		if !is {
			conditions = map[string]any{"=": want}
		}
		for operator, value := range conditions {
			if isTime(have) && !isTime(value) {
				return false, fmt.Errorf("Wrong parameter: %s", field) //nolint:staticcheck // Koha's words
			}
			order := compare(have, value)
			fits := false
			switch operator {
			case "=":
				fits = order == 0
			case ">":
				fits = order > 0
			case ">=":
				fits = order >= 0
			case "<":
				fits = order < 0
			case "<=":
				fits = order <= 0
			case "-in":
				list, _ := value.([]any)
				fits = slices.ContainsFunc(list, func(v any) bool { return compare(have, v) == 0 })
			default:
				return false, fmt.Errorf("Invalid operator in query: %s", operator) //nolint:staticcheck // Koha's words
			}
			if !fits {
				return false, nil
			}
		}
	}
	return true, nil
}

func isTime(value any) bool {
	s, is := value.(string)
	_, err := time.Parse(time.RFC3339, s)
	return is && err == nil
}

// compare orders as the database does: numbers by size, times by instant, texts
// without capitals.
func compare(a, b any) int {
	x, y := word(a), word(b)
	if s, err := time.Parse(time.RFC3339, x); err == nil {
		if t, err := time.Parse(time.RFC3339, y); err == nil {
			return s.Compare(t)
		}
	}
	if m, err := strconv.ParseFloat(x, 64); err == nil {
		if n, err := strconv.ParseFloat(y, 64); err == nil {
			return cmp.Compare(m, n)
		}
	}
	return cmp.Compare(strings.ToLower(x), strings.ToLower(y))
}
