package koha

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"coldstation/sync/circ"
	"coldstation/sync/hub/marc"
)

// fuzz: whatever comes is read or refused as a record that makes no sense, in words
// of this package; and what is read is fit for a station.
func fuzz[T any](f *testing.F, files string, read func(*row) T, fit func(*testing.T, T)) {
	f.Helper()
	names, err := fs.Glob(os.DirFS("testdata/v1"), files)
	if err != nil || len(names) == 0 {
		f.Fatalf("%s: %v, %v", files, names, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(path.Join("testdata/v1", name))
		if err != nil {
			f.Fatal(err)
		}
		var rows []json.RawMessage
		if json.Unmarshal(text, &rows) != nil {
			rows = []json.RawMessage{text}
		}
		for _, raw := range rows {
			f.Add([]byte(raw))
			// As another version would say it: numbers and booleans as texts.
			var fields map[string]json.RawMessage
			if json.Unmarshal(raw, &fields) != nil {
				f.Fatalf("%s is no object", name)
			}
			for field, value := range fields {
				if c := value[0]; c == '-' || c >= '0' && c <= '9' || c == 't' || c == 'f' {
					fields[field] = json.RawMessage(`"` + string(value) + `"`)
				}
			}
			loose, err := json.Marshal(fields)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(loose)
			if _, err := decode(loose, time.UTC, read); err != nil {
				f.Errorf("%s with texts for numbers: %v", name, err)
			}
		}
	}
	for _, text := range []string{``, `null`, `[]`, `{}`, `{"a":`, `{"patron_id":1e308}`, strings.Repeat(`{"a":`, 100)} {
		f.Add([]byte(text))
	}
	zone := time.FixedZone("", 2*3600)
	f.Fuzz(func(t *testing.T, raw []byte) {
		value, err := decode(raw, zone, read)
		if err == nil {
			fit(t, value)
			return
		}
		if !errors.Is(err, ErrRecord) {
			t.Errorf("got %v, want a record that makes no sense", err)
		}
		if words := err.Error(); len(words) > 200 || !utf8.ValidString(words) {
			t.Errorf("the error quotes: %q", words)
		}
	})
}

func notice(t *testing.T, body circ.NoticeBody) {
	t.Helper()
	if err := circ.CheckNotice(body); err != nil {
		t.Errorf("a station would not take it: %v", err)
	}
}

func dated(t *testing.T, times ...time.Time) {
	t.Helper()
	for _, at := range times {
		if at.Year() < 1 || at.Year() > 9999 {
			t.Errorf("the year %d", at.Year())
		}
	}
}

func FuzzPatron(f *testing.F) {
	fuzz(f, "patrons-*.json", readPatron, func(t *testing.T, p Patron) {
		dated(t, p.Expires, p.Debarred, p.Changed)
		if c := p.Circ(time.Now(), nil); !c.ID.IsZero() {
			notice(t, circ.PatronPut{Patron: c})
		}
	})
}

func FuzzItem(f *testing.F) {
	record, err := decode([]byte(`{"leader":"","fields":[{"245":{"ind1":"1","ind2":"0","subfields":[{"a":"A title"}]}}]}`), time.UTC, readRecord)
	if err != nil {
		f.Fatal(err)
	}
	fuzz(f, "items-*.json", readItem, func(t *testing.T, i Item) {
		dated(t, i.CheckedOut, i.Seen, i.Changed)
		if item, err := new(API).Circ(i, record); err == nil {
			notice(t, circ.ItemPut{Item: item})
		} else if !errors.Is(err, ErrRecord) {
			t.Error(err)
		}
	})
}

func FuzzRecord(f *testing.F) {
	fuzz(f, "marc-*.json", readRecord, func(t *testing.T, r marc.Record) {
		item, _ := r.Describe()
		item.ID = "30100000901"
		notice(t, circ.ItemPut{Item: item})
	})
}

func FuzzBiblio(f *testing.F) {
	fuzz(f, "biblio-*.json", readBiblio, func(t *testing.T, b Biblio) { dated(t, b.Changed) })
}

func FuzzCheckout(f *testing.F) {
	fuzz(f, "checkouts-*.json", readCheckout, func(t *testing.T, c Checkout) {
		loan := c.Loan("i1", circ.Ref{})
		notice(t, circ.LoanPut{Item: loan.Item, Patron: circ.NewPatronID("p1"), At: loan.At, Due: loan.Due})
	})
}

func FuzzAvailability(f *testing.F) {
	fuzz(f, "availability-*.json", readAvailability, func(t *testing.T, v Availability) {
		for _, w := range append(append(v.Blockers, v.Confirms...), v.Warnings...) {
			if w != strings.ToUpper(w) {
				t.Errorf("%q is no word of Koha's", w)
			}
		}
	})
}

func FuzzRenewable(f *testing.F) {
	fuzz(f, "renewable-*.json", readRenewable, func(*testing.T, Renewable) {})
}

func FuzzHold(f *testing.F) {
	fuzz(f, "holds-*.json", readHold, func(t *testing.T, h Hold) { dated(t, h.Placed, h.Waiting, h.Expires, h.Changed) })
}

func FuzzLibrary(f *testing.F) {
	fuzz(f, "libraries-*.json", readLibrary, func(*testing.T, Library) {})
}

func FuzzCategory(f *testing.F) {
	fuzz(f, "categories-*.json", readCategory, func(*testing.T, Category) {})
}

func FuzzTransferLimit(f *testing.F) {
	fuzz(f, "limits-*.json", readTransferLimit, func(*testing.T, TransferLimit) {})
}

func FuzzRules(f *testing.F) {
	fuzz(f, "rules-object.json", readRules, func(t *testing.T, r Rules) {
		if p, lends := r.Policy("ERI"); lends {
			notice(t, circ.PolicyPut{Policy: p})
			dated(t, p.Due(time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)))
			if p.LoanDays <= 0 || r.Limited && p.Limit <= 0 || p.Renewals < 0 {
				t.Errorf("%+v became %+v", r, p)
			}
		}
	})
}

// FuzzError: whatever Koha or a proxy says, an error of it names nothing of it but
// words that look like Koha's own.
func FuzzError(f *testing.F) {
	names, err := fs.Glob(os.DirFS("testdata/v1"), "error-*.json")
	if err != nil || len(names) == 0 {
		f.Fatal(names, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(path.Join("testdata/v1", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(403, text)
	}
	f.Add(503, []byte("<html>"))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := refusal("GET /patrons", status, nil, body, time.Now())
		for _, reason := range append(e.Reasons, e.Code) {
			if strings.ContainsAny(reason, "0123456789@.\n") || len(reason) > 140 {
				t.Errorf("%q is no word of Koha's", reason)
			}
		}
		if !utf8.ValidString(e.Error()) || strings.ContainsAny(e.Error(), "\n\r") {
			t.Errorf("%q is no line", e.Error())
		}
	})
}
