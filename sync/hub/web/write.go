package web

import (
	"context"
	"errors"
	"net/http"
)

// What a page answers to who may not have it.
var (
	errClosed = errors.New("your role does not allow this")
	errNobody = errors.New("sign in, or show a token")
)

const formSize = 256 << 10

// gather makes a page: its template's name and content.
type gather = func(*http.Request, *words) (string, any, error)

// complaint is what must be changed in a form: the key of a phrase by the field's
// name. Nothing was done.
type complaint map[string]string

func (complaint) Error() string { return "the form is not right" }

// form is one that changes something and says where to look next. When that is
// wrong, the page that it stands on comes again with what was typed.
func (s *site) form(change func(http.ResponseWriter, *http.Request) (string, error), again gather) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		next := ""
		err := parsed(w, r)
		if err == nil {
			next, err = change(w, r)
		}
		if err != nil {
			s.amiss(w, r, err, again)
			return
		}
		http.Redirect(w, r, next, http.StatusSeeOther)
	}
}

// reveal is a form whose answer shows something once.
func (s *site) reveal(change, again gather) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name, content := "", any(nil)
		err := parsed(w, r)
		if err == nil {
			name, content, err = change(r, s.tongues.of(r))
		}
		if err != nil {
			s.amiss(w, r, err, again)
			return
		}
		s.page(func(*http.Request, *words) (string, any, error) { return name, content, nil })(w, r)
	}
}

func parsed(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, formSize)
	if r.ParseForm() != nil {
		return errAsked
	}
	return nil
}

type complaintKey struct{}

func (s *site) amiss(w http.ResponseWriter, r *http.Request, err error, again gather) {
	if about, is := errors.AsType[complaint](err); is && again != nil {
		s.page(again)(w, r.WithContext(context.WithValue(r.Context(), complaintKey{}, about)))
		return
	}
	s.refuse(w, r, err)
}

// complaints are what was wrong with the form that a page answers to.
func complaints(r *http.Request) complaint {
	about, _ := r.Context().Value(complaintKey{}).(complaint)
	return about
}
