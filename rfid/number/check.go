package number

import (
	"errors"
	"fmt"
	"strings"
)

// errForm is a text that the check digit is not made for.
var errForm = errors.New("not of the form that has this check digit")

// checks compute the check digit that belongs behind a text.
var checks = map[string]func(string) (byte, error){
	"luhn": luhn, "mod43": mod43, "ean13": ean13, "isbn10": isbn10,
}

const digits = "0123456789"

// numeric tells whether s is digits, n of them unless n is 0.
func numeric(s string, n int) bool {
	return s != "" && strings.Trim(s, digits) == "" && (n == 0 || len(s) == n)
}

func luhn(s string) (byte, error) {
	if !numeric(s, 0) {
		return 0, errForm
	}
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 0 { // the digit next to the check digit is doubled
			d *= 2
		}
		sum += d/10 + d%10
	}
	return digits[(10-sum%10)%10], nil
}

func ean13(s string) (byte, error) {
	if !numeric(s, 12) {
		return 0, errForm
	}
	sum := 0
	for i := range len(s) {
		sum += int(s[i]-'0') * (1 + i%2*2)
	}
	return digits[(10-sum%10)%10], nil
}

func isbn10(s string) (byte, error) {
	if !numeric(s, 9) {
		return 0, errForm
	}
	sum := 0
	for i := range len(s) {
		sum += int(s[i]-'0') * (10 - i)
	}
	return (digits + "X")[(11-sum%11)%11], nil
}

const code39 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. $/+%"

func mod43(s string) (byte, error) {
	sum := 0
	for i := range len(s) {
		v := strings.IndexByte(code39, s[i])
		if v < 0 {
			return 0, errForm
		}
		sum += v
	}
	if s == "" {
		return 0, errForm
	}
	return code39[sum%len(code39)], nil
}

// Checked tells whether the last character of s is the check digit of that name.
func Checked(name, s string) bool {
	digit, ok := checks[name]
	return ok && verify(s, digit) == nil
}

// verify wants the check digit behind the rest of s to be its last character.
func verify(s string, digit func(string) (byte, error)) error {
	if len(s) < 2 {
		return errShort
	}
	want, err := digit(s[:len(s)-1])
	if got := s[len(s)-1]; err == nil && got != want {
		return fmt.Errorf("the check digit is %c and should be %c", got, want)
	}
	return err
}
