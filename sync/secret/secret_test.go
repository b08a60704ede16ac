package secret

import (
	"errors"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	hash := Hash("2580", "helmi")
	for number, want := range map[string]bool{"2580": true, "2581": false, "": false, "25800": false} {
		if got, err := Check(number, hash); got != want || err != nil {
			t.Errorf("%s: got %v, %v, want %v", number, got, err, want)
		}
	}
	if Hash("2580", "veikko") == hash {
		t.Error("two people's hashes of one number are the same")
	}
}

// TestVector: another program made this one (the reference implementation's
// argon2 command: echo -n 2580 | argon2 coldstationsalt1 -id -t 2 -k 19456 -p 1 -l 32).
func TestVector(t *testing.T) {
	const hash = "$argon2id$v=19$m=19456,t=2,p=1$Y29sZHN0YXRpb25zYWx0MQ$dBsoePWnoSRcP6VGXT/FxVTjMMv5vtuWQ/LUCpMW2+8"
	if got, err := Check("2580", hash); !got || err != nil {
		t.Errorf("got %v, %v, want that it fits", got, err)
	}
}

func TestMalformed(t *testing.T) {
	good := Hash("2580", "helmi")
	for name, hash := range map[string]string{
		"nothing":         "",
		"another kind":    strings.Replace(good, "argon2id", "argon2i", 1),
		"another version": strings.Replace(good, "v=19", "v=16", 1),
		"all the memory":  strings.Replace(good, "m=19456", "m=4194304", 1),
		"for ever":        strings.Replace(good, "t=2", "t=4000000", 1),
		"no passes":       strings.Replace(good, "t=2", "t=0", 1),
		"padded":          good + "=",
		"cut":             good[:len(good)-4],
		"two numbers":     strings.Replace(good, "p=1", "p=1,p=1", 1),
	} {
		if _, err := Check("2580", hash); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want %v", name, err, ErrMalformed)
		}
	}
}
