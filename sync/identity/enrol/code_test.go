package enrol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestCode(t *testing.T) {
	const place = "hub.library.example:8884"
	seen := make(map[string]bool)
	for range 1000 {
		c, err := NewCode(strings.ToUpper(place))
		if err != nil {
			t.Fatal(err)
		}
		text := c.Text()
		if code, at, _ := strings.Cut(text, "@"); at != place || len(code) != 23 || strings.ContainsAny(code, "ILOUilou") || seen[code] {
			t.Fatalf("code %s", text)
		} else {
			seen[code] = true
		}
		for _, typed := range []string{text, strings.ToLower(text), "  " + text + "\r\n", strings.ReplaceAll(text, "-", ""), strings.ReplaceAll(text, "-", " "),
			strings.NewReplacer("1", "l", "0", "o").Replace(text[:23]) + "@" + place, strings.TrimSuffix(text, ":8884")} {
			got, err := Parse(typed)
			if err != nil || !bytes.Equal(got.ID(), c.ID()) || !bytes.Equal(got.Key(), c.Key()) || got.Place() != place {
				t.Fatalf("typed %q: %v, place %q", typed, err, got.Place())
			}
		}
		if shown := fmt.Sprintf("%v %s %+v %#v", c, c, c, c); strings.Contains(shown, text[:5]) {
			t.Fatalf("printing shows the code: %s", shown)
		}
		if bytes.Contains(c.Key(), c.secret[:]) || bytes.Contains(c.ID(), c.secret[:]) {
			t.Fatal("what the hub keeps shows the secret")
		}
	}
}

// TestMistyped: every slip of one sign, and every two neighbours exchanged, is
// noticed, but for one in a million.
func TestMistyped(t *testing.T) {
	c, err := NewCode("hub.example:8884")
	if err != nil {
		t.Fatal(err)
	}
	text := c.Text()
	tries, passed := 0, 0
	try := func(typed string) {
		tries++
		if _, err := Parse(typed); err == nil {
			passed++
		} else if !errors.Is(err, ErrMistyped) {
			t.Fatalf("%s: %v, want ErrMistyped", typed, err)
		}
	}
	for i := range text {
		for _, other := range alphabet + ".abcx" {
			if !strings.EqualFold(string(other), text[i:i+1]) && text[i] != '-' {
				try(text[:i] + string(other) + text[i+1:])
			}
		}
		if i > 0 && text[i] != text[i-1] && text[i] != '-' && text[i-1] != '-' {
			try(text[:i-1] + text[i:i+1] + text[i-1:i] + text[i+1:])
		}
		try(text[:i] + text[i+1:])
	}
	tries -= strings.Count(text, "-") // to leave out a dash is no slip
	passed -= strings.Count(text, "-")
	if tries < 1000 || passed > 1 {
		t.Errorf("%d of %d slips were not noticed", passed, tries)
	}
	for _, typed := range []string{"", "@", "@hub:8884", text[:23], text[:23] + "@", text + "@x", text[:23] + "@http://hub", text[:10] + "@hub.example:8884"} {
		if _, err := Parse(typed); !errors.Is(err, ErrMistyped) {
			t.Errorf("%q: %v, want ErrMistyped", typed, err)
		}
	}
	for _, place := range []string{"", "hub", "hub:", ":"} {
		if _, err := NewCode(place); err == nil {
			t.Errorf("a code for %q", place)
		}
	}
}

func FuzzParse(f *testing.F) {
	c, err := NewCode("hub.example:8884")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c.Text())
	f.Add("8KQ2M-9XPFD-W3HTA-6RNBE@[::1]:8884")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(c.Text())
		if err != nil || again != c {
			t.Fatalf("%q reads as %s, which reads as %v, %v", text, c.Text(), again, err)
		}
	})
}

func TestRead(t *testing.T) {
	var q Question
	for name, line := range map[string]string{
		"nothing": "", "no end": `{"request":"AA=="}`, "no JSON": "hello\n",
		"too long": `{"request":"` + strings.Repeat("A", maxLine) + "\"}\n",
	} {
		if err := Read(strings.NewReader(line), &q); err == nil {
			t.Errorf("%s: read %+v", name, q)
		}
	}
	var out bytes.Buffer
	if err := Write(&out, Question{Request: []byte{1}}); err != nil {
		t.Fatal(err)
	}
	if err := Read(&out, &q); err != nil || len(q.Request) != 1 {
		t.Errorf("read back %+v, %v", q, err)
	}
	for _, reason := range []Reason{Unknown, Expired, Used, Limited, Revoked, Strange, Failed, "full moon"} {
		text, err := json.Marshal(Answer{Refused: reason})
		if err != nil || !strings.Contains(string(text), string(reason)) {
			t.Errorf("%s: %s, %v", reason, text, err)
		}
		if said := (&Refusal{reason}).Error(); len(said) < 40 {
			t.Errorf("%s is explained by %q", reason, said)
		}
	}
}
