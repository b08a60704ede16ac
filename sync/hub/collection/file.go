package collection

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"coldstation/sync/circ"
)

// File is what one file holds; all but one of its parts are nil.
type File struct {
	Items    []circ.Item
	Patrons  []circ.Patron
	Policies []circ.Policy
	Proxies  []circ.Proxy
}

// Read reads a file of any kind: MARCXML when it begins as XML does, else CSV,
// whose heading tells the kind by the column that only that kind has.
func Read(text []byte) (f File, err error) {
	if bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(text, mark)), []byte("<")) {
		f.Items, err = ReadMARC(bytes.NewReader(text))
		return f, err
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
	return f, fmt.Errorf("row %d, column 1: %q names none of the files that are known here; the first column is barcode for items, card for patrons, policy for policies, proxy for authorisations", lines.row, names[0])
}

// kinds are told apart by a column, those first whose column the later ones lack.
var kinds = []struct {
	first string
	read  func(*File, io.Reader) error
}{
	{"barcode", func(f *File, r io.Reader) (err error) { f.Items, err = ReadItems(r); return err }},
	{"card", func(f *File, r io.Reader) (err error) { f.Patrons, err = ReadPatrons(r); return err }},
	{"proxy", func(f *File, r io.Reader) (err error) { f.Proxies, err = ReadProxies(r); return err }},
	{"policy", func(f *File, r io.Reader) (err error) { f.Policies, err = ReadPolicies(r); return err }},
}

const tooLong = "it is %d bytes long, at most %d fit; shorten it"

// mark is the byte order mark that spreadsheets begin a file with.
var mark = []byte("\ufeff")

// rows are the rows of a CSV file, counted as a spreadsheet counts them: empty
// lines too, and a cell with line breaks once.
type rows struct {
	*csv.Reader
	row, line int // of the last row read; the line is its last
}

// open finds out what separates the cells and reads the heading, which is the
// first row that is not empty. Whichever of comma, semicolon and tab stands most
// often in it separates.
func (t table) open(text []byte) (*rows, []string, error) {
	text = bytes.TrimPrefix(text, mark)
	if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		return nil, nil, errors.New("the file is not UTF-8: save it again as CSV UTF-8")
	}
	if !bytes.Contains(text, []byte("\n")) { // lines as old spreadsheets of the Macintosh end them
		text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
	}
	heading, _, _ := bytes.Cut(bytes.TrimLeft(text, " \r\n"), []byte("\n"))
	r := &rows{Reader: csv.NewReader(bytes.NewReader(text))}
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

// next is the next row in which anything stands.
func (r *rows) next() ([]string, error) {
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
