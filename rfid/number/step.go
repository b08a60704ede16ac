package number

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// step is one change to a number.
type step struct {
	text string // as in the rule
	do   func(string) (string, error)
}

var (
	errHex     = errors.New("not whole bytes in hexadecimal")
	errDecimal = errors.New("not a decimal number")
	errShort   = errors.New("too short")
)

// plain are the steps without an argument.
var plain = map[string]func(string) (string, error){
	"upper": func(s string) (string, error) { return strings.Map(upper, s), nil },
	"lower": func(s string) (string, error) { return strings.Map(lower, s), nil },
	"plain": func(s string) (string, error) {
		return strings.NewReplacer(" ", "", "-", "", ":", "", ".", "").Replace(s), nil
	},
	"trim": func(s string) (string, error) {
		if s == "" {
			return s, nil
		}
		return strings.TrimLeft(s[:len(s)-1], "0") + s[len(s)-1:], nil
	},
	"reversed": func(s string) (string, error) {
		b, err := bytes(s)
		slices.Reverse(b)
		return fmt.Sprintf("%X", b), err
	},
	"decimal": func(s string) (string, error) {
		b, err := bytes(s)
		return new(big.Int).SetBytes(b).String(), err
	},
	"hex": func(s string) (string, error) {
		if !numeric(s, 0) {
			return "", errDecimal
		}
		n, _ := new(big.Int).SetString(s, 10)
		return fmt.Sprintf("%X", append(n.Bytes(), make([]byte, max(0, 1-len(n.Bytes())))...)), nil
	},
	"facility": func(s string) (string, error) {
		b, err := bytes(s)
		if err != nil {
			return "", err
		}
		if len(b) < 3 {
			return "", errShort
		}
		b = b[len(b)-3:]
		return fmt.Sprintf("%03d%05d", b[0], int(b[1])<<8|int(b[2])), nil
	},
}

// texts are the steps with a text.
var texts = map[string]func(s, text string) (string, error){
	"prefix": func(s, text string) (string, error) {
		rest, found := strings.CutPrefix(s, text)
		if !found {
			return "", fmt.Errorf("does not begin with %s", text)
		}
		return rest, nil
	},
	"suffix": func(s, text string) (string, error) {
		rest, found := strings.CutSuffix(s, text)
		if !found {
			return "", fmt.Errorf("does not end with %s", text)
		}
		return rest, nil
	},
	"before": func(s, text string) (string, error) { return text + s, nil },
}

// counts are the steps with a number of characters, 1 to 64.
var counts = map[string]func(r []rune, n int) ([]rune, error){
	"first": func(r []rune, n int) ([]rune, error) { return r[:min(n, len(r))], long(r, n) },
	"last":  func(r []rune, n int) ([]rune, error) { return r[max(0, len(r)-n):], long(r, n) },
	"drop":  func(r []rune, n int) ([]rune, error) { return r[min(n, len(r)):], long(r, n+1) },
	"cut":   func(r []rune, n int) ([]rune, error) { return r[:max(0, len(r)-n)], long(r, n+1) },
	"pad": func(r []rune, n int) ([]rune, error) {
		return append([]rune(strings.Repeat("0", max(0, n-len(r)))), r...), nil
	},
}

func long(r []rune, n int) error {
	if len(r) < n {
		return errShort
	}
	return nil
}

func upper(r rune) rune {
	if 'a' <= r && r <= 'z' {
		r -= 'a' - 'A'
	}
	return r
}

func lower(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		r += 'a' - 'A'
	}
	return r
}

func bytes(s string) ([]byte, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) == 0 {
		return nil, errHex
	}
	return b, nil
}

// parseStep reads one step of a rule.
func parseStep(text string) (step, error) {
	name, arg, has := strings.Cut(text, "=")
	if do, ok := plain[name]; ok && !has {
		return step{text, do}, nil
	}
	if do, ok := texts[name]; ok && arg != "" {
		return step{text, func(s string) (string, error) { return do(s, arg) }}, nil
	}
	if do, ok := counts[name]; ok {
		n, err := strconv.Atoi(arg)
		if err != nil || n < 1 || n > 64 {
			return step{}, fmt.Errorf("step %s: want %s=N with N from 1 to 64", text, name)
		}
		return step{text, func(s string) (string, error) {
			r, err := do([]rune(s), n)
			return string(r), err
		}}, nil
	}
	digit, ok := checks[arg]
	switch {
	case ok && name == "check":
		return step{text, func(s string) (string, error) { return s, verify(s, digit) }}, nil
	case ok && name == "add":
		return step{text, func(s string) (string, error) {
			c, err := digit(s)
			return s + string(rune(c)), err
		}}, nil
	}
	return step{}, fmt.Errorf("step %s: no such step; there are %s", text, Steps())
}

// Steps lists the steps for people: "decimal hex … check=luhn … pad=N".
func Steps() string {
	list := slices.Sorted(maps.Keys(plain))
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		list = append(list, name+"=TEXT")
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, name+"=N")
	}
	names := strings.Join(slices.Sorted(maps.Keys(checks)), "|")
	return strings.Join(append(list, "check="+names, "add="+names), " ")
}
