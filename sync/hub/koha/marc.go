package koha

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"regexp"
	"strings"

	"coldstation/sync/circ"
	"coldstation/sync/hub/collection"
)

// Record is a MARC 21 bibliographic record, as MARC-in-JSON carries it:
//
//	{"leader":"…","fields":[{"001":"2"},{"245":{"ind1":"1","ind2":"0","subfields":[{"a":"…"}]}}]}
//
// Koha leaves the item fields (952) out of it.
//
// Source: rossfsinger.com/blog/2010/09/a-proposal-to-serialize-marc-in-json.
type Record struct {
	XMLName xml.Name  `xml:"record"`
	Leader  string    `xml:"leader"`
	Control []control `xml:"controlfield"`
	Data    []data    `xml:"datafield"`
}

type control struct {
	Tag  string `xml:"tag,attr"`
	Text string `xml:",chardata"`
}

type data struct {
	Tag  string `xml:"tag,attr"`
	Ind1 string `xml:"ind1,attr"`
	Ind2 string `xml:"ind2,attr"`
	Subs []sub  `xml:"subfield"`
}

type sub struct {
	Code string `xml:"code,attr"`
	Text string `xml:",chardata"`
}

var tag = regexp.MustCompile(`^[0-9A-Z]{3}$`)

func readRecord(r *row) Record {
	record := Record{Leader: r.text("leader")}
	_, raw := r.find([]string{"fields"})
	var fields []map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		r.wrong("fields", "a list of MARC fields", raw)
		return record
	}
	for _, field := range fields {
		for name, raw := range field {
			if !tag.MatchString(name) {
				r.wrong("fields", "a MARC tag", raw)
				continue
			}
			var text string
			if json.Unmarshal(raw, &text) == nil {
				record.Control = append(record.Control, control{name, text})
				continue
			}
			one, err := decode(raw, r.zone, readData)
			if err != nil {
				r.wrong(name, "a MARC field", raw)
			}
			one.Tag = name
			record.Data = append(record.Data, one)
		}
	}
	return record
}

func readData(r *row) data {
	one := data{Ind1: r.text("ind1"), Ind2: r.text("ind2")}
	_, raw := r.find([]string{"subfields"})
	var subs []map[string]*string
	if raw != nil && json.Unmarshal(raw, &subs) != nil {
		r.wrong("subfields", "a list of subfields", raw)
	}
	for _, s := range subs {
		for code, text := range s {
			if text != nil {
				one.Subs = append(one.Subs, sub{code, *text})
			}
		}
	}
	return one
}

// describe reads the record as package collection reads the file of a library,
// with barcode as its one item. A file of a library is refused at its first fault,
// so that somebody mends it; a record fetched here cannot be sent back, so what
// would be refused is left out or cut first.
func (r Record) describe(barcode circ.ItemID) (circ.Item, error) {
	tidied := Record{Leader: r.Leader}
	for _, c := range r.Control {
		if c.Tag == "008" && len(c.Text) >= 38 && !code.MatchString(c.Text[35:38]) {
			c.Text = c.Text[:35] + "   " + c.Text[38:]
		}
		tidied.Control = append(tidied.Control, c)
	}
	titled := false
	for _, d := range r.Data {
		switch d.Tag {
		case "952", "852":
			continue
		case "245":
			titled = titled || strings.Trim(d.first("a"), " /:;,=.") != ""
		}
		d.Subs = tidy(d)
		tidied.Data = append(tidied.Data, d)
	}
	if !titled {
		return circ.Item{}, fmt.Errorf("the record has no title (245 subfield a)")
	}
	tidied.Data = append(tidied.Data, data{Tag: "952", Ind1: " ", Ind2: " ", Subs: []sub{{"p", string(barcode)}}})
	text, err := xml.Marshal(tidied)
	if err != nil {
		return circ.Item{}, err
	}
	items, err := collection.ReadMARC(bytes.NewReader(text))
	if err != nil {
		return circ.Item{}, err
	}
	if len(items) != 1 {
		return circ.Item{}, fmt.Errorf("the record describes %d items", len(items))
	}
	items[0].ID = barcode
	return items[0], nil
}

var code = regexp.MustCompile(`^([A-Za-z]{3}| {3}|\|{3})$`)

// tidy cuts what is longer than a station takes (a title is up to three
// subfields), and takes the first of languages run together as "finswe".
func tidy(d data) []sub {
	var subs []sub
	for _, s := range d.Subs {
		s.Text = clip(s.Text, circ.MaxText/4)
		if d.Tag == "041" && s.Code == "a" {
			if len(s.Text) > 3 && len(s.Text)%3 == 0 {
				s.Text = s.Text[:3]
			}
			if !code.MatchString(s.Text) {
				continue
			}
		}
		subs = append(subs, s)
	}
	return subs
}

func (d data) first(code string) string {
	for _, s := range d.Subs {
		if s.Code == code && s.Text != "" {
			return s.Text
		}
	}
	return ""
}
