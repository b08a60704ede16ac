package koha

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Error is a request that failed.
//
// Temporary tells whether the same request may succeed later; those that change
// nothing were then already tried [Settings.Attempts] times. When Maybe is set, a
// request that changes something may have been carried out: ask before it is made
// again, since a second POST /checkouts for the same patron would renew.
type Error struct {
	Request    string        // as "GET /patrons/{id}": never what stood in it
	Status     int           // of the answer; 0: there was none
	Code       string        // error_code, as "ITEM_NOT_FOUND"
	Reasons    []string      // blockers as "TOO_MANY"; permissions that are missing; parameters as "/query/q"
	Text       string        // Koha's own words; they may name a patron, so they are not in Error()
	RetryAfter time.Duration // what Koha asked for; 0: nothing
	Maybe      bool
	Err        error // why: one of those below, or of the network, or of the context

	temporary bool
}

// What an [Error] may wrap.
var (
	ErrCredentials = errors.New("koha: API key not accepted")
	ErrForbidden   = errors.New("koha: permission missing")
	ErrNotFound    = errors.New("koha: not found")
	ErrRefused     = errors.New("koha: refused")                          // by the rules of the library: Reasons, Text
	ErrAnswer      = errors.New("koha: answer makes no sense")            // whole
	ErrRecord      = errors.New("koha: record makes no sense")            // one row of a list; the walk goes on
	ErrTooLarge    = errors.New("koha: answer too large")                 // see Settings.MaxBody
	ErrPaging      = errors.New("koha: list cannot be walked to its end") // it may be in part
	ErrSilent      = errors.New("koha: no answer in time")
)

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Request)
	if e.Status != 0 {
		fmt.Fprintf(&b, ": %d %s", e.Status, http.StatusText(e.Status))
	}
	for i, word := range append([]string{e.Code}, e.Reasons...) {
		if word != "" && (i == 0 || word != e.Code) {
			b.WriteString(": " + word)
		}
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.Maybe {
		b.WriteString(": it may have been done")
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the same request may succeed later.
func (e *Error) Temporary() bool { return e.temporary }

// Temporary reports whether what failed with err may succeed later.
func Temporary(err error) bool {
	e, is := errors.AsType[*Error](err)
	return is && e.temporary
}

// refusal is the error of an answer whose status is not a success.
//
// The bodies that Koha was seen to send:
//
//	{"error":"Patron not found","error_code":"PATRON_NOT_FOUND"}
//	{"error":"Checkout not authorized (TOO_MANY DEBT)"}
//	{"error":"Authorization failure. …","required_permissions":{"borrowers":"list_borrowers"}}
//	{"errors":[{"message":"Malformed query string","path":"/query/q"}],"status":400}
//	[{"message":"Malformed query string","path":"/query/q"}]
//
// and whatever a proxy in front of it says.
func refusal(request string, status int, header http.Header, body []byte, now time.Time) *Error {
	e := &Error{Request: request, Status: status, RetryAfter: retryAfter(header, now)}
	var said struct {
		Error       any             `json:"error"`
		Code        any             `json:"error_code"`
		Permissions json.RawMessage `json:"required_permissions"`
		Errors      []fault         `json:"errors"`
	}
	if json.Unmarshal(body, &said) != nil {
		said.Errors = nil
		_ = json.Unmarshal(body, &said.Errors) // the bare list, or nothing
	}
	e.Text, _ = said.Error.(string)
	if code, _ := said.Code.(string); word.MatchString(code) {
		e.Code = code
	}
	missing := permissions(said.Permissions)
	e.Reasons = append(blockers(e.Text), missing...)
	for _, f := range said.Errors {
		if e.Text == "" {
			e.Text = f.Message
		}
		if place.MatchString(f.Path) {
			e.Reasons = append(e.Reasons, f.Path)
		}
	}
	switch {
	case status == http.StatusUnauthorized:
		e.Err = ErrCredentials
	case status == http.StatusForbidden && missing != nil:
		e.Err = ErrForbidden
	case status == http.StatusNotFound:
		e.Err = ErrNotFound
	case status == http.StatusForbidden, status == http.StatusConflict, status == http.StatusPreconditionFailed:
		e.Err = ErrRefused
	case status == http.StatusTooManyRequests, status >= 500 && status != http.StatusNotImplemented:
		e.temporary = true
	}
	return e
}

type fault struct {
	Message string `json:"message"`
	Path    string `json:"path"`
}

var (
	word  = regexp.MustCompile(`^[A-Za-z][A-Za-z_]{0,63}$`)
	place = regexp.MustCompile(`^/(query|body|header)/[a-z_-]{1,40}$`)
	paren = regexp.MustCompile(`\(([A-Za-z_ ]{1,500})\)$`)
)

// blockers are the words in "Checkout not authorized (TOO_MANY DEBT)", and in
// "Renewal not authorized (too_many)". Of the first kind only capitals: the others
// are names of fields about the patron who has the item.
func blockers(text string) (words []string) {
	found := paren.FindStringSubmatch(text)
	if found == nil {
		return nil
	}
	words = strings.Fields(found[1])
	if strings.HasPrefix(text, "Renewal") {
		return words
	}
	return slices.DeleteFunc(words, func(w string) bool { return w != strings.ToUpper(w) })
}

// permissions are "borrowers: list_borrowers" and the like, from an object, a list
// of alternatives, or a string.
func permissions(raw json.RawMessage) (names []string) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		for _, one := range list[:min(len(list), 8)] {
			names = append(names, flat(one)...)
		}
		return names
	}
	return flat(raw)
}

func flat(raw json.RawMessage) (names []string) {
	var name string
	if json.Unmarshal(raw, &name) == nil && word.MatchString(name) {
		return []string{name}
	}
	var groups map[string]any
	if json.Unmarshal(raw, &groups) != nil {
		return nil
	}
	for group, detail := range groups {
		if !word.MatchString(group) {
			continue
		}
		if detail, _ := detail.(string); word.MatchString(detail) {
			group += ": " + detail
		}
		names = append(names, group)
	}
	slices.Sort(names)
	return names
}
