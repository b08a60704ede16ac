package web

import (
	"errors"
	"net/http"

	"coldstation/sync/hub/store"
)

// errClosed is a wish that takes a role which the visitor has not.
var errClosed = errors.New("your role does not allow this")

const formSize = 256 << 10

// form is one that changes something. The answer is where to look next.
func (s *site) form(change func(*http.Request) (string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, formSize)
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

// visitor finds out who asks. Until people sign in, whoever is at the hub's own
// machine may do everything, and others look: what came by way of a proxy is from
// somewhere else.
func (s *site) visitor(r *http.Request) *visitor {
	if s.Writes && !proxied(r) {
		return &visitor{name: "at the hub", machine: true, grants: []store.Grant{{Role: store.Administrator}}}
	}
	return &visitor{grants: []store.Grant{{Role: store.Viewer}}}
}

func proxied(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "Via"} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return false
}
