package collection

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"coldstation/sync/circ"
	"coldstation/sync/hub/marc"
)

// File is what one file holds. Only JSON holds more than one kind.
type File struct {
	Items    []circ.Item
	Patrons  []circ.Patron
	Policies []circ.Policy
	Proxies  []circ.Proxy
	Notes    []string // what somebody should know of how it was read; nobody's name
}

// Read reads a file of any kind: MARCXML when it begins as XML does, ISO 2709 when
// as that does, JSON, else CSV, whose heading tells the kind by the column that only
// that kind has. JSON is a list of records, or an object of such lists:
//
//	{"items": […], "patrons": […], "policies": […], "proxies": […]}
//
// whose fields are the columns of CSV. There, yes and no are true and false, and what
// CSV separates is a list.
func Read(text []byte, terms Terms) (f File, err error) {
	rest := bytes.TrimSpace(bytes.TrimPrefix(text, mark))
	switch {
	case marc.Binary(text), bytes.HasPrefix(rest, []byte("<")):
		f.Items, f.Notes, err = ReadMARC(bytes.NewReader(text), terms)
		return f, err
	case bytes.HasPrefix(rest, []byte("{")):
		return readLists(rest)
	}
	lines, names, err := table{first: "barcode, card, policy or proxy"}.open(text)
	if err != nil {
		return f, err
	}
	for i := range names {
		names[i] = plain(names[i])
	}
	for _, kind := range kinds {
		if slices.Contains(names, kind.first) {
			return f, kind.read(&f, bytes.NewReader(text))
		}
	}
	return f, fmt.Errorf("%s: %q names none of the files that are known here; the first %s is barcode for items, card for patrons, policy for policies, proxy for authorisations",
		lines.heading(0, names[0]), names[0], lines.cell)
}

type kind struct {
	name, first string
	read        func(*File, io.Reader) error
}

// kinds are told apart by a column, those first whose column the later ones lack.
var kinds = []kind{
	{"items", "barcode", func(f *File, r io.Reader) (err error) { f.Items, err = ReadItems(r); return err }},
	{"patrons", "card", func(f *File, r io.Reader) (err error) { f.Patrons, err = ReadPatrons(r); return err }},
	{"proxies", "proxy", func(f *File, r io.Reader) (err error) { f.Proxies, err = ReadProxies(r); return err }},
	{"policies", "policy", func(f *File, r io.Reader) (err error) { f.Policies, err = ReadPolicies(r); return err }},
}

// readLists reads an object of lists.
func readLists(text []byte) (f File, err error) {
	var lists map[string]json.RawMessage
	if err := json.Unmarshal(text, &lists); err != nil {
		return f, jsonFault(err)
	}
	var faults []error
	for name, list := range lists {
		i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
		if i < 0 {
			faults = append(faults, fmt.Errorf("there is no list %q; the lists are items, patrons, policies, proxies", name))
			continue
		}
		if string(list) == "[]" {
			continue
		}
		if err := kinds[i].read(&f, bytes.NewReader(list)); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
		}
	}
	if len(lists) == 0 {
		faults = append(faults, errors.New("the file has no list of items, patrons, policies or proxies in it; export it again"))
	}
	if err := gather(faults); err != nil {
		return File{}, err
	}
	return f, nil
}

func jsonFault(err error) error {
	if at, is := errors.AsType[*json.SyntaxError](err); is {
		return fmt.Errorf("byte %d: %w; export it again", at.Offset, err)
	}
	return errors.New("the file is neither a list of records nor an object of such lists; export it again")
}

const tooLong = "it is %d bytes long, at most %d fit; shorten it"

// mark is the byte order mark that spreadsheets begin a file with.
var mark = []byte("\ufeff")

// rows are the rows of a CSV file, counted as a spreadsheet counts them: empty
// lines too, and a cell with line breaks once. Or they are the records of a list in
// JSON.
type rows struct {
	*csv.Reader
	records    [][]string // of JSON, those that come
	name, cell string     // what one, and one of its cells, is called
	row, line  int        // of the last row read; the line is its last
}

// place is the last row read, in words.
func (r *rows) place() string {
	if r.row == 0 {
		return "every " + r.name
	}
	return fmt.Sprintf("%s %d", r.name, r.row)
}

// heading is the place of the ith name.
func (r *rows) heading(i int, name string) string {
	if r.Reader == nil {
		return r.cell + " " + name
	}
	return fmt.Sprintf("%s, %s %d", r.place(), r.cell, i+1)
}

// open finds out what separates the cells and reads the heading, which is the
// first row that is not empty. Whichever of comma, semicolon and tab stands most
// often in it separates.
func (t table) open(text []byte) (*rows, []string, error) {
	text = bytes.TrimPrefix(text, mark)
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		return openJSON(text)
	}
	if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		return nil, nil, errors.New("the file is not UTF-8: save it again as CSV UTF-8")
	}
	if !bytes.Contains(text, []byte("\n")) { // lines as old spreadsheets of the Macintosh end them
		text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
	}
	heading, _, _ := bytes.Cut(bytes.TrimLeft(text, " \r\n"), []byte("\n"))
	r := &rows{Reader: csv.NewReader(bytes.NewReader(text)), name: "row", cell: "column"}
	r.FieldsPerRecord = -1
	for _, comma := range ";\t" {
		if bytes.Count(heading, []byte(string(comma))) > bytes.Count(heading, []byte(string(r.Comma))) {
			r.Comma = comma
		}
	}
	names, err := r.next()
	if errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("row 1: the file is empty; its first row names the columns, beginning with %s", t.first)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("row %d: %w", r.row, err)
	}
	return r, names, nil
}

// openJSON makes the cells that CSV would have of a list of records.
func openJSON(text []byte) (*rows, []string, error) {
	var list []map[string]any
	read := json.NewDecoder(bytes.NewReader(text))
	read.UseNumber()
	if err := read.Decode(&list); err != nil {
		return nil, nil, jsonFault(err)
	}
	if read.More() {
		return nil, nil, errors.New("something follows the list; export it again")
	}
	var names []string
	var faults []error
	r := &rows{name: "record", cell: "field"}
	for _, record := range list {
		for _, name := range slices.Sorted(maps.Keys(record)) {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	for i, record := range list {
		cells := make([]string, len(names))
		for at, name := range names {
			cell, good := cellOf(record[name])
			if !good {
				faults = append(faults, fmt.Errorf("record %d, field %s: it is neither a text, a number, true, false nor a list of texts without ';'", i+1, name))
			}
			cells[at] = cell
		}
		r.records = append(r.records, cells)
	}
	if len(names) == 0 {
		faults = append(faults, errors.New("record 1: there is none; export it again"))
	}
	return r, names, gather(faults)
}

func cellOf(value any) (string, bool) {
	switch v := value.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		if v {
			return "yes", true
		}
		return "no", true
	case []any:
		texts := make([]string, len(v))
		for i := range v {
			text, is := v[i].(string)
			if !is || strings.Contains(text, ";") {
				return "", false
			}
			texts[i] = text
		}
		return strings.Join(texts, ";"), true
	}
	return "", false
}

// next is the next row in which anything stands.
func (r *rows) next() ([]string, error) {
	if r.Reader == nil {
		r.row++
		if len(r.records) == 0 {
			return nil, io.EOF
		}
		cells := r.records[0]
		r.records = r.records[1:]
		return cells, nil
	}
	for {
		cells, err := r.Read()
		if err != nil {
			r.row++
			return nil, err
		}
		first, _ := r.FieldPos(0)
		last, _ := r.FieldPos(len(cells) - 1)
		r.row += first - r.line // 1, and the empty lines that the reader passed over
		r.line = last + strings.Count(cells[len(cells)-1], "\n")
		if slices.ContainsFunc(cells, func(cell string) bool { return strings.TrimSpace(cell) != "" }) {
			return cells, nil
		}
	}
}

// plain is a column's name as it is compared.
func plain(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
