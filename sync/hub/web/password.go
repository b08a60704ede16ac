package web

import (
	"context"
	"crypto/rand"
	"strings"
	"unicode"
	"unicode/utf8"

	"coldstation/sync/secret"
)

// A password has twelve signs or more, of any kind, and is none that is tried
// first. Source: NIST SP 800-63B-4, 3.1.1.2, which asks for length and a list of
// common ones, and against rules of composition and regular changes.
const (
	passwordLeast = 12
	passwordMost  = 256 // signs: more is no safer, and only work
)

// common are the roots of passwords that are tried first; what is left of them
// without digits and signs, and twice or thrice over, is no better.
var common = strings.Fields(`password passwort salasana losenord lösenord motdepasse contrasena wachtwoord
	qwerty qwertyuiop qwertyuiopå asdfghjkl asdfghjklöä zxcvbnm qazwsxedc letmein letmeinplease welcome welcomehome tervetuloa välkommen
	iloveyou ilovemyfamily sunshine princess football jalkapallo basketball superman batman dragon monkey trustno
	admin administrator adminadmin root master changeme changethis default secret supersecret topsecret salainen
	library kirjasto kirjastonhoitaja bibliotek bibliotekarie librarian coldstation station hub bookshelf kirjahylly
	correcthorsebatterystaple abcdefghijkl abcdefghijklm abcdefghijklmnop abcdefghijklmnopqrstuvwxyz suomifinland perkele
	january february summer winter autumn spring kesäkesä talvitalvi`)

// passwordFault is what is wrong with a new password, as the key of a phrase; ""
// when nothing is.
func passwordFault(password, again, account, title string) string {
	switch signs := utf8.RuneCountInString(password); {
	case signs < passwordLeast:
		return "password.short"
	case signs > passwordMost:
		return "password.long"
	case tooPlain(password):
		return "password.common"
	}
	rest := letters(password)
	for _, own := range append(strings.Fields(title), account) {
		if own = letters(own); utf8.RuneCountInString(own) > 2 && utf8.RuneCountInString(strings.ReplaceAll(rest, own, "")) < 4 {
			return "password.own"
		}
	}
	if password != again {
		return "password.differs"
	}
	return ""
}

func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}

// tooPlain reports whether a password is one that is tried first: few signs over and
// over, a row of the alphabet or the keyboard, or a common word with decoration.
func tooPlain(password string) bool {
	lower := strings.ToLower(password)
	kinds, steps := make(map[rune]bool), 0
	var last rune
	for _, r := range lower {
		if kinds[r] = true; r-last == 1 || last-r == 1 {
			steps++
		}
		last = r
	}
	if len(kinds) < 5 || steps >= utf8.RuneCountInString(lower)*3/4 {
		return true
	}
	rest := letters(lower)
	for _, word := range common {
		if strings.Contains(rest, word) && utf8.RuneCountInString(strings.ReplaceAll(rest, word, "")) < 4 {
			return true
		}
	}
	return false
}

// hashPassword is what the store keeps of a password.
func (s *site) hashPassword(ctx context.Context, password string) (string, error) {
	done, err := s.reckon(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	return secret.Hash(password, rand.Text()), nil
}

// nobodys is a password's hash that opens nothing: a name that nobody has takes as
// long to refuse as any.
var nobodys = secret.Hash(rand.Text(), rand.Text())

// opens reports whether a password is an account's.
func (s *site) opens(ctx context.Context, password, hash string) (bool, error) {
	done, err := s.reckon(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	if hash == "" {
		_, err := secret.Check(password, nobodys)
		return false, err
	}
	return secret.Check(password, hash)
}

// reckon waits for its turn: a hash takes much memory, and few are made at once.
func (s *site) reckon(ctx context.Context) (done func(), err error) {
	select {
	case s.reckoning <- struct{}{}:
		return func() { <-s.reckoning }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
