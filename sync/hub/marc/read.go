package marc

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
)

// ErrNone is a file that has no record at all.
var ErrNone = errors.New("the file has no MARC record: export the collection as MARCXML or as MARC 21 (ISO 2709)")

// Read yields the records of a file, which tells by itself whether it is MARCXML
// or ISO 2709. An error stands in the place of its record; after one in MARCXML,
// which cannot be told into records any more, there are no others. An error that
// is ErrNone is about the whole file.
func Read(text []byte) iter.Seq2[Record, error] {
	if Binary(text) {
		return readBinary(text)
	}
	return readXML(text)
}

func readXML(text []byte) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		read := xml.NewDecoder(bytes.NewReader(text))
		read.CharsetReader = func(name string, r io.Reader) (io.Reader, error) {
			switch strings.ToLower(name) {
			case "iso-8859-1", "latin1", "windows-1252":
				return charmap.Windows1252.NewDecoder().Reader(r), nil
			case "us-ascii", "ascii":
				return r, nil
			}
			return nil, fmt.Errorf("characters in %q: export it in UTF-8", name)
		}
		met := false
		for {
			token, err := read.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				yield(Record{}, err)
				return
			}
			start, is := token.(xml.StartElement)
			if !is {
				continue
			}
			met = met || start.Name.Local == "collection" || start.Name.Local == "record"
			if start.Name.Local != "record" {
				continue
			}
			var r Record
			if err := read.DecodeElement(&r, &start); err != nil {
				yield(Record{}, err)
				return
			}
			r.compose()
			if !yield(r, nil) {
				return
			}
		}
		if !met {
			yield(Record{}, ErrNone)
		}
	}
}

// compose brings all texts into NFC.
func (r *Record) compose() {
	for i := range r.Control {
		r.Control[i].Text = norm.NFC.String(r.Control[i].Text)
	}
	for _, f := range r.Data {
		for i := range f.Subs {
			f.Subs[i].Text = norm.NFC.String(f.Subs[i].Text)
		}
	}
}
