package sim

import (
	"testing"
	"time"
)

func TestEM4100Speaks(t *testing.T) {
	table := read(t, `{"cards": [{"name": "a", "uid": "14008EC793"}, {"name": "b", "uid": "62E3086CED"}, {"name": "c", "uid": "A1B2C3D4", "on": true}]}`)
	rdm, id12 := NewEM4100(table), NewID12(table)
	now := time.Now()
	for _, c := range []struct {
		put, lift string
		after     time.Duration
		rdm, id12 string
	}{
		{"", "", 0, "", ""},
		{"a", "", 70 * time.Millisecond, "\x0214008EC793CE\x03", "\x0214008EC793CE\r\n\x03"},
		{"", "", 10 * time.Millisecond, "", ""},
		{"b", "", 65 * time.Millisecond, "\x0214008EC793CE\x03", ""}, // the first holds the field
		{"", "a", 65 * time.Millisecond, "\x0262E3086CED08\x03", "\x0262E3086CED08\r\n\x03"},
		{"", "", 65 * time.Millisecond, "\x0262E3086CED08\x03", ""},
		{"", "b", 65 * time.Millisecond, "", ""},
		{"b", "", 65 * time.Millisecond, "\x0262E3086CED08\x03", "\x0262E3086CED08\r\n\x03"},
	} {
		if c.put != "" {
			_ = table.Put(c.put)
		}
		if c.lift != "" {
			_ = table.Lift(c.lift)
		}
		now = now.Add(c.after)
		got, next := rdm.Speak(nil, now)
		once, _ := id12.Speak(nil, now)
		if string(got) != c.rdm || string(once) != c.id12 || !next.After(now) {
			t.Errorf("%+v: got %q and %q, next in %v", c, got, once, next.Sub(now))
		}
	}
	if out, _ := rdm.Answer(nil, []byte("hello"), Moment{}); rdm.Frame([]byte("hello")) != 5 || len(out) > 0 {
		t.Errorf("asked: got % X, want silence", out)
	}
}
