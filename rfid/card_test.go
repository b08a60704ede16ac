package rfid

import (
	"fmt"
	"strings"
	"testing"
)

func TestKeys(t *testing.T) {
	for text, want := range map[string]Key{
		"A:A0A1A2A3A4A5": DefaultKeys[1],
		"d3f7d3f7d3f7":   DefaultKeys[2],
		"B:010203040506": {B: true, Secret: [6]byte{1, 2, 3, 4, 5, 6}},
	} {
		if got, err := ParseKey(text); err != nil || got != want {
			t.Errorf("%s: got %v, %v", text, got.Secret, err)
		}
	}
	for _, bad := range []string{"", "A:", "C:010203040506", "0102030405", "01020304050607", "A:01020304050G"} {
		if _, err := ParseKey(bad); err == nil || bad != "" && len(bad) > 4 && strings.Contains(err.Error(), bad) {
			t.Errorf("%q: got %v", bad, err)
		}
	}
	k := DefaultKeys[1]
	for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%s", "%d"} {
		if got := fmt.Sprintf(verb, k); got != "key A" {
			t.Errorf("%s: got %q, want no secret", verb, got)
		}
	}
	for sak, want := range map[byte]bool{0x00: false, 0x08: true, 0x18: true, 0x20: false, 0x28: true, 0x09: true} {
		if got := Classic(sak); got != want {
			t.Errorf("SAK %02X: got %v, want %v", sak, got, want)
		}
	}
}
