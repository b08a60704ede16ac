package web

import (
	"errors"
	"net/http"
)

// errClosed is a wish to change something where nobody can be told from anybody.
var errClosed = errors.New("nothing can be changed from here")

// write is a form that changes something. Until people sign in, that is for
// those at the hub's own machine alone: Settings.Writes says that only they reach
// the pages, and what came by way of a proxy is from somewhere else. The answer
// is where to look next.
func (s *site) write(change func(*http.Request) (string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.mayWrite(r) {
			s.refuse(w, r, errClosed)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 256<<10)
		if err := r.ParseForm(); err != nil {
			s.refuse(w, r, errAsked)
			return
		}
		next, err := change(r)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		http.Redirect(w, r, next, http.StatusSeeOther)
	}
}

func (s *site) refuse(w http.ResponseWriter, r *http.Request, err error) {
	s.page(func(*http.Request, *words) (string, any, error) { return "", nil, err })(w, r)
}

func (s *site) mayWrite(r *http.Request) bool {
	if !s.Writes {
		return false
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "Via"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	return true
}
