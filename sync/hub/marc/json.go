package marc

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"golang.org/x/text/unicode/norm"
)

// tag is what a field may be called.
var tag = regexp.MustCompile(`^[0-9A-Z]{3}$`)

// UnmarshalJSON reads MARC-in-JSON:
//
//	{"leader":"…","fields":[{"001":"2"},{"245":{"ind1":"1","ind2":"0","subfields":[{"a":"…"}]}}]}
func (r *Record) UnmarshalJSON(text []byte) error {
	var all struct {
		Leader string                       `json:"leader"`
		Fields []map[string]json.RawMessage `json:"fields"`
	}
	if json.Unmarshal(text, &all) != nil || all.Fields == nil {
		return errors.New("it has no list of MARC fields")
	}
	*r = Record{Leader: all.Leader}
	for _, field := range all.Fields {
		for name, raw := range field {
			if !tag.MatchString(name) {
				return errors.New("a name in it is no MARC tag")
			}
			var text string
			if json.Unmarshal(raw, &text) == nil {
				r.Control = append(r.Control, Control{name, norm.NFC.String(text)})
				continue
			}
			f := Field{Tag: name}
			if err := f.read(raw); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			r.Data = append(r.Data, f)
		}
	}
	return nil
}

func (f *Field) read(raw []byte) error {
	var field struct {
		Ind1, Ind2 string
		Subfields  []map[string]*string
	}
	if json.Unmarshal(raw, &field) != nil {
		return errors.New("it is no MARC field")
	}
	f.Ind1, f.Ind2 = field.Ind1, field.Ind2
	for _, sub := range field.Subfields {
		for code, text := range sub {
			if text != nil {
				f.Subs = append(f.Subs, Subfield{code, norm.NFC.String(*text)})
			}
		}
	}
	return nil
}
