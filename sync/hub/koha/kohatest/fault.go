package kohatest

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Kind of fault.
type Kind int

// The faults.
const (
	None      Kind = iota // nothing but Before
	Expired               // every token is too old
	Forbidden             // a permission is missing
	TooMany               // 429, and Retry-After when After is set
	Broken                // 500 in Koha's words
	Down                  // 503 in the words of a proxy
	Slow                  // answered after Delay
	Cut                   // acted on; half of the answer, and the connection is closed
	Half                  // acted on; half of the answer, as if it were all
	Hung                  // acted on; half of the answer, and then nothing
	Lost                  // acted on; the connection is closed instead
	Huge                  // Size bytes of a list that does not end before
	Other                 // Status, Header and Body instead
)

// Fault is something that goes wrong once.
type Fault struct {
	Kind   Kind
	On     string // how the request begins, as "GET /items"; "" for any
	Pass   int    // requests of that kind that go well before
	Before func() // done first: the library changes
	After  string // Retry-After
	Delay  time.Duration
	Size   int64
	Status int
	Header http.Header
	Body   string
}

// Fail plans faults. Each waits for its request and is then used up; of those that
// wait for the same one, the first comes first.
func (s *System) Fail(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// next is the fault for a request.
func (s *System) next(request string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.faults {
		f := s.faults[i]
		if !strings.HasPrefix(request, f.On) {
			continue
		}
		if f.Pass > 0 {
			s.faults[i].Pass--
			continue
		}
		s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
		return f
	}
	return Fault{}
}

// early is what keeps a request from being acted on.
func (f Fault) early(w http.ResponseWriter, r *http.Request) bool {
	switch f.Kind {
	case TooMany:
		if f.After != "" {
			w.Header().Set("Retry-After", f.After)
		}
		refuse(http.StatusTooManyRequests, "Too many requests").write(w)
	case Broken:
		say(http.StatusInternalServerError, Row{"error": "Something went wrong, check Koha logs for details.", "error_code": "internal_server_error"}).write(w)
	case Down:
		if f.After != "" {
			w.Header().Set("Retry-After", f.After)
		}
		http.Error(w, "<html><body><h1>503 Service Unavailable</h1></body></html>", http.StatusServiceUnavailable)
	case Slow:
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
			return false
		case <-r.Context().Done():
		}
	case Huge:
		f.flood(w)
	case Other:
		for name, values := range f.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(f.Status)
		_, _ = w.Write([]byte(f.Body))
	default:
		return false
	}
	return true
}

// flood sends a list of Size bytes, without its length.
func (f Fault) flood(w http.ResponseWriter) {
	block := bytes.Repeat([]byte(" "), 64<<10)
	block[0] = '['
	for sent := int64(0); sent < f.Size; sent += int64(len(block)) {
		if _, err := w.Write(block); err != nil {
			return // whoever reads has had enough
		}
		block[0] = ' '
	}
	_, _ = w.Write([]byte("]"))
}

// late is what happens to an answer.
func (f Fault) late(w http.ResponseWriter, r *http.Request, a answer) bool {
	half := a
	half.body = a.body[:len(a.body)/2]
	switch f.Kind {
	case Cut:
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
		half.write(w)
	case Half:
		half.write(w)
		return true
	case Hung:
		half.write(w)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	case Lost:
	default:
		return false
	}
	panic(http.ErrAbortHandler) // closes the connection
}
