package setting_test

import (
	"errors"
	"strings"
	"testing"

	"coldstation/sync/setting"
)

// TestTable: every setting's usual value is one that may be set, and no name stands
// there twice.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range setting.Table {
		if seen[s.Name] || s.Name == "" {
			t.Errorf("%q stands there twice, or has no name", s.Name)
		}
		seen[s.Name] = true
		if err := setting.CheckOne(s.Name, s.Usual); err != nil {
			t.Errorf("the usual value is wrong: %v", err)
		}
	}
}

// TestCheck: each thing that can be wrong is told apart and said.
func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name, value string
		why         setting.Why
		says        string // "": it is right
	}{
		{"languages", "sv, fi", 0, ""},
		{"languages", "fi", 0, ""},
		{"languages", "", setting.Empty, "at least one of"},
		{"languages", "fi,se", setting.NoOption, `"se" is none of en, fi`},
		{"languages", "fi,fi", setting.Twice, "twice"},
		{"tiles", "open", 0, ""},
		{"tiles", "Open", setting.NoOption, "none, staff, open"},
		{"house", "yes", setting.NoOption, "off, on"},
		{"linger", "20s", 0, ""},
		{"linger", "20", setting.NoTime, "90s or 2m"},
		{"linger", "1s", setting.OutOfSpan, "between 6s and 1m0s"},
		{"linger", "2m", setting.OutOfSpan, "between 6s and 1m0s"},
		{"clear", "19s", setting.OutOfSpan, "between 20s"},
		{"reader", "/dev/null", setting.Unknown, "no such setting"},
	} {
		t.Run(tt.name+" "+tt.value, func(t *testing.T) {
			err := setting.CheckOne(tt.name, tt.value)
			if tt.says == "" {
				if err != nil {
					t.Errorf("got %v, want nothing wrong", err)
				}
				return
			}
			var wrong *setting.Wrong
			if !errors.As(err, &wrong) || wrong.Why != tt.why || wrong.Setting.Name != tt.name || wrong.Value != tt.value {
				t.Fatalf("got %+v, want %d", err, tt.why)
			}
			if !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %q, want %q in it", err, tt.says)
			}
		})
	}
	err := setting.Check(map[string]string{"tiles": "all", "house": "on", "reader": "x"})
	if err == nil || !strings.Contains(err.Error(), "tiles") || !strings.Contains(err.Error(), "reader") || strings.Contains(err.Error(), "house") {
		t.Errorf("of three values got %v, want the two wrong ones", err)
	}
}
