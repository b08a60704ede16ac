package marc

import "strings"

// Record is a bibliographic record.
type Record struct {
	Leader  string    `xml:"leader"`
	Control []Control `xml:"controlfield"`
	Data    []Field   `xml:"datafield"`
	Notes   []string  `xml:"-"` // how it was read otherwise than it says
}

// Control is a field without subfields: 001 to 009.
type Control struct {
	Tag  string `xml:"tag,attr"`
	Text string `xml:",chardata"`
}

// Field is a field with subfields.
type Field struct {
	Tag  string     `xml:"tag,attr"`
	Ind1 string     `xml:"ind1,attr"`
	Ind2 string     `xml:"ind2,attr"`
	Subs []Subfield `xml:"subfield"`
}

// Subfield is one letter's part of a field.
type Subfield struct {
	Code string `xml:"code,attr"`
	Text string `xml:",chardata"`
}

// Deleted reports whether the record only says that it is gone.
func (r Record) Deleted() bool { return slice(r.Leader, 5, 6) == "d" }

// Number is the record's own, 001; "" when it has none.
func (r Record) Number() string { return strings.TrimSpace(r.control("001")) }

// control is the first field with that tag.
func (r Record) control(tag string) string {
	for _, c := range r.Control {
		if c.Tag == tag {
			return c.Text
		}
	}
	return ""
}

// All are the fields with that tag.
func (r Record) All(tag string) (fields []Field) {
	for _, f := range r.Data {
		if f.Tag == tag {
			fields = append(fields, f)
		}
	}
	return fields
}

// first is the first subfield of that code that has a text.
func (r Record) first(tag, code string) string {
	for _, f := range r.All(tag) {
		if text := f.Sub(code); text != "" {
			return text
		}
	}
	return ""
}

// has reports whether a field contains one of the words, in any case.
func (r Record) has(tag, code string, words ...string) bool {
	for _, f := range r.All(tag) {
		for _, s := range f.Subs {
			for _, word := range words {
				if s.Code == code && strings.Contains(strings.ToLower(s.Text), word) {
					return true
				}
			}
		}
	}
	return false
}

// Sub is the first subfield of that code, its blanks made single.
func (f Field) Sub(code string) string {
	for _, s := range f.Subs {
		if s.Code == code {
			return strings.Join(strings.Fields(s.Text), " ")
		}
	}
	return ""
}

// slice is s[from:to] by bytes, as far as s has them: fixed fields are ASCII.
func slice(s string, from, to int) string {
	if from >= len(s) {
		return ""
	}
	return s[from:min(to, len(s))]
}
