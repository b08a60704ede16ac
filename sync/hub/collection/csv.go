package collection

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/secret"
)

// ReadItems reads items, one a row:
//
//	barcode, title [, author, year, language, subject, marks, parts, home]
//
// marks are any of "large print", "audio" and "easy language", separated by ';'.
func ReadItems(r io.Reader) ([]circ.Item, error) {
	var items []circ.Item
	t := table{first: "barcode", needs: []string{"title"}, may: []string{"author", "year", "language", "subject", "marks", "parts", "home"}}
	err := t.read(r, func(row *row) {
		item := circ.Item{
			ID:       circ.ItemID(row.must("barcode", circ.MaxItemID)),
			Title:    row.must("title", circ.MaxText),
			Author:   row.text("author", circ.MaxText),
			Year:     row.number("year", 0, 2999),
			Language: row.language("language"),
			Subject:  row.text("subject", circ.MaxText),
			Parts:    row.number("parts", 0, 255),
			Home:     row.station("home"),
		}
		var err error
		if item.Marks, err = ParseMarks(row.cell("marks")); err != nil {
			row.fault("marks", "%v", err)
		}
		items = append(items, item)
	})
	if err != nil {
		return nil, err
	}
	return items, nil
}

// ReadPatrons reads patrons, one a row:
//
//	card, policy [, first_name, staff, blocked, language, cards, picture, recalls, secret_number, station]
//
// station is where a person belongs, "" for none; others come to know them when they
// borrow there.
// picture names a picture by which a person agreed to be recognised without a card;
// recalls says that they want to be told what they have had before; secret_number is
// 4 to 8 digits, of which only a hash is kept. cards are further identifiers of the same person, separated by ';': chip
// numbers of cards that hold nothing else, wristbands, key tags.
func ReadPatrons(r io.Reader) ([]circ.Patron, error) {
	var patrons []circ.Patron
	t := table{first: "card", needs: []string{"policy"}, may: []string{"first_name", "staff", "blocked", "language", "cards", "picture", "recalls", "secret_number", "station"}}
	err := t.read(r, func(row *row) {
		cards := row.list("cards", ";")
		for _, card := range cards {
			if len(card) > circ.MaxPatronID {
				row.fault("cards", tooLong, len(card), circ.MaxPatronID)
			}
		}
		patrons = append(patrons, circ.Patron{
			ID:        row.card("card"),
			FirstName: row.text("first_name", circ.MaxText),
			Policy:    row.must("policy", circ.MaxKey),
			Staff:     row.yes("staff"),
			Blocked:   row.yes("blocked"),
			Language:  row.language("language"),
			Cards:     cards,
			Picture:   row.text("picture", circ.MaxKey),
			Recalls:   row.yes("recalls"),
			Secret:    row.secret("secret_number", row.cell("card")),
			Home:      row.station("station"),
		})
	})
	if err != nil {
		return nil, err
	}
	return patrons, nil
}

// ReadPolicies reads policies, one a row:
//
//	policy, loan_days [, limit, renewals, fee_free, overdue_ok]
//
// loan_days 0 is "as long as you like", limit 0 is "as many as you like".
func ReadPolicies(r io.Reader) ([]circ.Policy, error) {
	var policies []circ.Policy
	t := table{first: "policy", needs: []string{"loan_days"}, may: []string{"limit", "renewals", "fee_free", "overdue_ok"}}
	err := t.read(r, func(row *row) {
		row.must("loan_days", circ.MaxKey)
		policies = append(policies, circ.Policy{
			ID:        row.must("policy", circ.MaxKey),
			LoanDays:  row.number("loan_days", 0, 3650),
			Limit:     row.number("limit", 0, 9999),
			Renewals:  row.number("renewals", 0, 9999),
			FeeFree:   row.yes("fee_free"),
			OverdueOK: row.yes("overdue_ok"),
		})
	})
	if err != nil {
		return nil, err
	}
	return policies, nil
}

// ReadProxies reads authorisations, one a row:
//
//	proxy, principal, agent, scopes [, once, from, to]
//
// principal and agent are card numbers; scopes are any of borrow, renew,
// collect, see-loans and see-history, separated by spaces; dates are written
// 2026-11-24 and count in UTC, to the end of the day.
func ReadProxies(r io.Reader) ([]circ.Proxy, error) {
	var proxies []circ.Proxy
	t := table{first: "proxy", needs: []string{"principal", "agent", "scopes"}, may: []string{"once", "from", "to"}}
	err := t.read(r, func(row *row) {
		proxy := circ.Proxy{
			ID:        row.must("proxy", circ.MaxKey),
			Principal: row.card("principal"),
			Agent:     row.card("agent"),
			Once:      row.yes("once"),
			From:      row.date("from"),
			To:        row.date("to"),
		}
		if !proxy.To.IsZero() {
			proxy.To = proxy.To.Add(24*time.Hour - time.Second)
			if proxy.To.Before(proxy.From) {
				row.fault("to", "it ends before it begins; write a later date, or nothing for until further notice")
			}
		}
		if proxy.Principal == proxy.Agent {
			row.fault("agent", "nobody acts on behalf of themselves; write the other person's card")
		}
		row.must("scopes", circ.MaxText)
		for _, scope := range row.list("scopes", " ;") {
			i := slices.Index(scopeNames, scope)
			if i < 0 {
				row.fault("scopes", "%q is no scope; write borrow, renew, collect, see-loans or see-history, separated by spaces", scope)
			}
			proxy.Scopes |= 1 << max(i, 0)
		}
		proxies = append(proxies, proxy)
	})
	if err != nil {
		return nil, err
	}
	return proxies, nil
}

// scopeNames are the words for scopes, and markNames those for marks, bit by bit.
var (
	scopeNames = []string{"borrow", "renew", "collect", "see-loans", "see-history"}
	markNames  = []string{"large print", "audio", "easy language"}
)

// ParseMarks reads marks by their words, separated by ';'.
func ParseMarks(text string) (m circ.Marks, err error) {
	for word := range strings.SplitSeq(text, ";") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		i := slices.Index(markNames, word)
		if i < 0 {
			return 0, fmt.Errorf("%q is no mark; write large print, audio or easy language, separated by ';'", word)
		}
		m |= 1 << i
	}
	return m, nil
}

// table is what a file of one kind looks like. Values of the first column tell
// its rows apart.
type table struct {
	first string
	needs []string
	may   []string
}

// row is one row being read; faults gather in it.
type row struct {
	*rows
	column map[string]int
	cells  []string
	faults *[]error
}

// read calls take for each row and answers all faults of the file joined. Rows
// whose cells are all empty are passed over, as a spreadsheet leaves them.
func (t table) read(r io.Reader, take func(*row)) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	lines, names, err := t.open(text)
	if err != nil {
		return err
	}
	column, err := t.columns(lines, names)
	if err != nil {
		return err
	}
	var faults []error
	seen := make(map[string]int)
	for {
		cells, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("row %d: %w; a cell with a quotation mark is written with the mark doubled and the cell in marks", lines.row, err))
			break // what follows cannot be told into rows
		}
		if len(cells) != len(names) {
			faults = append(faults, fmt.Errorf("row %d: %d cells, but there are %d columns; put a cell that contains %q in quotation marks", lines.row, len(cells), len(names), lines.Comma))
			continue
		}
		row := &row{lines, column, cells, &faults}
		key := row.cell(t.first)
		if before := seen[key]; before != 0 && key != "" {
			row.fault(t.first, "the same as in %s %d; remove one of the two", lines.name, before)
		}
		seen[key] = lines.row
		take(row)
	}
	if len(seen) == 0 && len(faults) == 0 {
		return fmt.Errorf("%s: there is none; the file has a heading and nothing under it: export it again", lines.place())
	}
	return gather(faults)
}

// columns finds the columns in the heading.
func (t table) columns(in *rows, names []string) (map[string]int, error) {
	known := append(append([]string{t.first}, t.needs...), t.may...)
	column := make(map[string]int)
	var faults []error
	for i, name := range names {
		name = plain(name)
		switch _, twice := column[name]; {
		case !slices.Contains(known, name):
			faults = append(faults, fmt.Errorf("%s: there is no %s %q; the %[2]ss are %[4]s", in.heading(i, name), in.cell, name, strings.Join(known, ", ")))
		case twice:
			faults = append(faults, fmt.Errorf("%s: %s %s stands there twice; remove one", in.heading(i, name), in.cell, name))
		}
		column[name] = i
	}
	for _, name := range known[:1+len(t.needs)] {
		if _, found := column[name]; !found {
			faults = append(faults, fmt.Errorf("%s: %s %s is missing; add it", in.place(), in.cell, name))
		}
	}
	return column, gather(faults)
}

func (r *row) fault(column, format string, args ...any) {
	*r.faults = append(*r.faults, fmt.Errorf("%s, %s %s: %s", r.place(), r.rows.cell, column, fmt.Sprintf(format, args...)))
}

func (r *row) cell(column string) string {
	i, found := r.column[column]
	if !found {
		return ""
	}
	cell := strings.TrimSpace(r.cells[i])
	if plain, quoted := strings.CutPrefix(cell, "'"); quoted && r.Reader != nil && formula(strings.TrimLeft(plain, "'")) {
		return plain // as it was written by WriteCSV
	}
	return cell
}

// text is a cell of at most limit bytes.
func (r *row) text(column string, limit int) string {
	cell := r.cell(column)
	if len(cell) > limit {
		r.fault(column, tooLong, len(cell), limit)
	}
	return cell
}

// must is a cell of 1 to limit bytes.
func (r *row) must(column string, limit int) string {
	cell := r.text(column, limit)
	if cell == "" {
		r.fault(column, "it is empty; every row needs it")
	}
	return cell
}

// card is a cell with the identifier of a patron.
func (r *row) card(column string) circ.PatronID {
	return circ.NewPatronID(r.must(column, circ.MaxPatronID))
}

// secret is the hash of a cell with a secret number, and nothing of an empty one.
func (r *row) secret(column, whose string) string {
	const shortest, longest = 4, 8 // as the number pad takes them
	cell := r.cell(column)
	if cell == "" {
		return ""
	}
	if len(cell) < shortest || len(cell) > longest || strings.Trim(cell, "0123456789") != "" {
		r.fault(column, "it is not of %d to %d digits", shortest, longest) // which is nobody's business
		return ""
	}
	return secret.Hash(cell, whose)
}

// station is a cell with a station's name, or nothing.
func (r *row) station(column string) circ.StationID {
	id := circ.StationID(r.cell(column))
	if id != "" && !id.Valid() {
		r.fault(column, "%q is no station's name; write 1 to 32 of a-z, 0-9 and '-', or nothing", id)
	}
	return id
}

// list are the parts of a cell, between any of the separators.
func (r *row) list(column, separators string) []string {
	var all []string
	for part := range strings.FieldsFuncSeq(r.cell(column), func(c rune) bool { return strings.ContainsRune(separators, c) }) {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

func (r *row) number(column string, low, high int) int {
	cell := r.cell(column)
	if cell == "" {
		return 0
	}
	n, err := strconv.Atoi(cell)
	if err != nil || n < low || n > high {
		r.fault(column, "%q is no number from %d to %d", cell, low, high)
	}
	return n
}

func (r *row) yes(column string) bool {
	switch cell := strings.ToLower(r.cell(column)); cell {
	case "yes", "true", "1":
		return true
	case "", "no", "false", "0":
		return false
	default:
		r.fault(column, "%q is neither yes nor no", cell)
		return false
	}
}

func (r *row) language(column string) string {
	cell := r.cell(column)
	if !isLanguage(cell) {
		r.fault(column, "%q is no language; write two letters as in ISO 639-1: fi, sv, en", cell)
	}
	return cell
}

func (r *row) date(column string) time.Time {
	cell := r.cell(column)
	if cell == "" {
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, cell)
	if err != nil {
		r.fault(column, "%q is no date; write it as 2026-11-24", cell)
	}
	return day
}

func isLanguage(s string) bool {
	return s == "" || len(s) == 2 && 'a' <= s[0] && s[0] <= 'z' && 'a' <= s[1] && s[1] <= 'z'
}

// gather joins faults; of very many it gives the first few and their number.
func gather(faults []error) error {
	const few = 20
	if len(faults) > few {
		faults = append(faults[:few:few], fmt.Errorf("and %d more", len(faults)-few))
	}
	return errors.Join(faults...)
}

// formula reports whether a spreadsheet would calculate a cell instead of showing
// it.
func formula(cell string) bool { return cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) }
