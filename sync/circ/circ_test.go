package circ

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

const secret = "20000000000017"

func TestPatronIDNeverPrints(t *testing.T) {
	id := NewPatronID(secret)
	type hidden struct{ patron PatronID }
	values := map[string]any{
		"itself": id, "a pointer": &id, "a list": []PatronID{id}, "a key": map[PatronID]int{id: 1},
		"a patron": Patron{ID: id}, "an event": Event{Body: PatronMet{ID: id}}, "an unexported field": hidden{id},
		"a pointer to one": &hidden{id}, "a loan told": LoanPut{Patron: id}, "a proxy": &ProxyPut{Proxy{Principal: id, Agent: id}},
	}
	hexed := fmt.Sprintf("%x", secret)
	for name, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "% x", "%q", "%d", "%t", "%T", "%p", "%08.3f", "%c", "%U"} {
			got := fmt.Sprintf(verb, value)
			if lower := strings.ToLower(got); strings.Contains(got, secret) || strings.Contains(lower, hexed) || strings.Contains(strings.ReplaceAll(lower, " ", ""), hexed) {
				t.Errorf("%s by %s prints %s", name, verb, got)
			}
		}
		if text, err := json.Marshal(value); err == nil && bytes.Contains(text, []byte(secret)) {
			t.Errorf("%s as JSON is %s", name, text)
		}
		if err := fmt.Errorf("lend to %v: %w", value, errors.ErrUnsupported); strings.Contains(err.Error(), secret) {
			t.Errorf("%s in an error: %v", name, err)
		}
		for _, handler := range []func(*bytes.Buffer) slog.Handler{
			func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var log bytes.Buffer
			slog.New(handler(&log)).Info("met", "patron", value)
			if strings.Contains(log.String(), secret) {
				t.Errorf("%s in a log: %s", name, &log)
			}
		}
	}
	if got := id.String(); !strings.HasPrefix(got, "patron-") || len(got) != len("patron-")+8 {
		t.Errorf("prints as %s, want patron- and eight digits", got)
	}
}

func TestPatronIDIsAValue(t *testing.T) {
	a, b := NewPatronID(secret), NewPatronID(strings.Clone(secret))
	if a != b || !reflect.DeepEqual(a, b) || a.String() != b.String() || a.Plaintext() != secret {
		t.Errorf("%v and %v differ", a, b)
	}
	if other := NewPatronID("20000000000025"); a == other || a.String() == other.String() {
		t.Error("two people print alike")
	}
	nobody := NewPatronID("")
	if nobody != (PatronID{}) || !nobody.IsZero() || a.IsZero() || nobody.Plaintext() != "" || nobody.String() != "nobody" {
		t.Errorf("nobody is %v, %q", nobody, nobody.Plaintext())
	}
}

func TestRef(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	a := NewRef(key, NewPatronID(secret))
	switch {
	case a != NewRef(key, NewPatronID(secret)):
		t.Error("one person, two references")
	case a == NewRef(key, NewPatronID("20000000000025")):
		t.Error("two people, one reference")
	case a == NewRef(bytes.Repeat([]byte{8}, 32), NewPatronID(secret)):
		t.Error("two stations, one reference")
	case !NewRef(key, PatronID{}).IsZero() || a.IsZero():
		t.Error("nobody has a reference")
	}
	// By hand: HMAC-SHA-256 under 32 bytes of 7 over "patron", a zero byte and the number.
	if got, want := fmt.Sprintf("%x", a[:]), "9e1e6b2418e98df06f950af4859c5556"; got != want {
		t.Errorf("reference %s, want %s", got, want)
	}
}

func TestEventID(t *testing.T) {
	ledger := uuid.MustParse("d5f1a3c2-7e04-4b6b-9d6e-2f0a4c1b8e77")
	seen := map[uuid.UUID]uint64{}
	for _, seq := range []uint64{0, 1, 9, 10, 11, 101, 1<<64 - 1} {
		id := EventID(ledger, seq)
		if want := uuid.NewSHA1(ledger, []byte(fmt.Sprint(seq))); id != want || id.Version() != 5 {
			t.Errorf("event %d is %s, want %s", seq, id, want)
		}
		if before, twice := seen[id]; twice {
			t.Errorf("events %d and %d are both %s", before, seq, id)
		}
		seen[id] = seq
	}
}

func TestStationIDValid(t *testing.T) {
	for id, want := range map[StationID]bool{
		"a": true, "maple-house": true, "9": true, "a--b": true, StationID(strings.Repeat("x", 32)): true,
		"": false, StationID(strings.Repeat("x", 33)): false, "-a": false, "a-": false, "-": false, "A": false, "a b": false,
		"a/b": false, "a+": false, "#": false, "a.b": false, "a_b": false, "ä": false, "a\x00": false, "a\n": false, "$sys": false, "\xff": false,
	} {
		if got := id.Valid(); got != want {
			t.Errorf("%q valid: %v, want %v", id, got, want)
		}
	}
}

func TestPolicyDue(t *testing.T) {
	place := func(name string) *time.Location {
		l, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	helsinki, auckland, saoPaulo := place("Europe/Helsinki"), place("Pacific/Auckland"), place("America/Sao_Paulo")
	for _, try := range []struct {
		name string
		days int
		at   time.Time
		want string
	}{
		{"an ordinary day", 28, time.Date(2026, 11, 24, 15, 4, 5, 6, helsinki), "2026-12-22T23:59:00+02:00"},
		{"just before midnight", 1, time.Date(2026, 11, 24, 23, 59, 59, 0, helsinki), "2026-11-25T23:59:00+02:00"},
		{"just after midnight", 1, time.Date(2026, 11, 25, 0, 0, 0, 0, helsinki), "2026-11-26T23:59:00+02:00"},
		{"into summer", 28, time.Date(2026, 3, 10, 12, 0, 0, 0, helsinki), "2026-04-07T23:59:00+03:00"},
		{"on the day of 23 hours", 28, time.Date(2026, 3, 1, 12, 0, 0, 0, helsinki), "2026-03-29T23:59:00+03:00"},
		{"out of summer", 28, time.Date(2026, 10, 10, 12, 0, 0, 0, helsinki), "2026-11-07T23:59:00+02:00"},
		{"on the day of 25 hours", 1, time.Date(2026, 10, 24, 12, 0, 0, 0, helsinki), "2026-10-25T23:59:00+02:00"},
		{"in the hour that comes twice", 1, time.Date(2026, 10, 25, 3, 30, 0, 0, helsinki), "2026-10-26T23:59:00+02:00"},
		{"over a leap day", 1, time.Date(2028, 2, 28, 12, 0, 0, 0, helsinki), "2028-02-29T23:59:00+02:00"},
		{"over the year", 28, time.Date(2026, 12, 20, 12, 0, 0, 0, helsinki), "2027-01-17T23:59:00+02:00"},
		{"the other side of the world", 14, time.Date(2026, 9, 20, 12, 0, 0, 0, auckland), "2026-10-04T23:59:00+13:00"},
		{"where midnight was once left out", 1, time.Date(2018, 11, 2, 12, 0, 0, 0, saoPaulo), "2018-11-03T23:59:00-03:00"},
		{"the same moment seen from UTC", 28, time.Date(2026, 11, 24, 23, 30, 0, 0, time.UTC), "2026-12-22T23:59:00Z"},
		{"a computer that wakes up in 1970", 28, time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), "1970-01-29T23:59:00Z"},
	} {
		if got := (Policy{LoanDays: try.days}).Due(try.at).Format(time.RFC3339); got != try.want {
			t.Errorf("%s: due %s, want %s", try.name, got, try.want)
		}
	}
	if got := (Policy{}).Due(time.Now()); !got.IsZero() {
		t.Errorf("as long as you like: due %s, want never", got)
	}
}

func TestMarks(t *testing.T) {
	both := LargePrint | Audio
	if !both.Has(Audio) || !both.Has(both) || both.Has(EasyLanguage) || LargePrint.Has(both) || !both.Has(0) {
		t.Errorf("marks %b do not say what they have", both)
	}
}
