package koha

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// list is what is asked for: rows of T at path.
type list[T any] struct {
	path  string
	name  string // the path as errors say it; path when empty
	id    string // the field that tells rows apart
	text  bool   // the id is a text; else it is a number that grows
	way   way    // in which it is asked for at first
	embed string
	after int64                // a number: those that come after it, where the way is by key
	fixed url.Values           // parameters in every way of asking
	plain map[string]string    // equal fields that Koha also takes as plain parameters
	equal map[string]any       // further equal fields, for q
	since map[string]time.Time // fields not before, for q
	read  func(*row) T
	keep  func(T) bool // the same filters, checked here
}

// way is how a list is asked for. See the package comment.
type way int

const (
	byKey way = iota
	ordered
	numbered
	bare
)

// parameters that each way adds to the next plainer one: those whose refusal
// lowers it.
var parameters = [...][]string{
	byKey:    {"q", "_order_by", "_match", "_page", "_per_page"},
	ordered:  {"_order_by", "_match", "_page", "_per_page"},
	numbered: {"_page", "_per_page"},
	bare:     nil,
}

func (l list[T]) call(w way, perPage int, page int, last int64, zone *time.Location) call {
	c := call{method: http.MethodGet, name: l.name, path: l.path, embed: l.embed, query: maps.Clone(l.fixed)}
	if c.query == nil {
		c.query = make(url.Values)
	}
	if w == bare {
		return c
	}
	c.query.Set("_page", strconv.Itoa(page))
	c.query.Set("_per_page", strconv.Itoa(perPage))
	if w == byKey {
		q := maps.Clone(l.equal)
		if q == nil {
			q = make(map[string]any)
		}
		for field, value := range l.plain {
			q[field] = value
		}
		for field, at := range l.since {
			q[field] = map[string]string{">=": at.In(zone).Format(time.RFC3339)}
		}
		q[l.id] = map[string]int64{">": last} // from the first page on, so that Koha refuses it there
		var text strings.Builder
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(false)
		_ = e.Encode(q) // texts, numbers and maps of them
		c.query.Set("q", strings.TrimSpace(text.String()))
	} else {
		for field, value := range l.plain {
			c.query.Set(field, value)
		}
	}
	if w != numbered {
		c.query.Set("_order_by", l.id)
	}
	if w == ordered && len(l.plain) > 0 {
		c.query.Set("_match", "exact")
	}
	return c
}

// refused reports whether Koha does not know one of the parameters of w.
func refused(err error, w way) bool {
	e, is := errors.AsType[*Error](err)
	return is && e.Status == http.StatusBadRequest && slices.ContainsFunc(e.Reasons, func(reason string) bool {
		return slices.Contains(parameters[w], strings.TrimPrefix(reason, "/query/"))
	})
}

// pages walks a list in one way.
type pages struct {
	way
	number int             // of the page that comes next, from 1
	last   int64           // the greatest id met, by key
	seen   map[string]bool // ids met, otherwise
	pass   int
	total  int // X-Total-Count of the page before; -1: unknown
	begun  int // the same of the first page
	met    int // rows
	idle   int // pages one after the other that brought nothing new
}

func start(w way) pages {
	return pages{way: w, number: 1, seen: make(map[string]bool), total: -1, begun: -1}
}

// fresh takes note of a row, and reports whether it was met before.
func (p *pages) fresh(id string) bool {
	if p.way == byKey {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil || n <= p.last {
			return false
		}
		p.last = n
		return true
	}
	known := p.seen[id]
	p.seen[id] = true
	return !known
}

// endless is more rows than any library has.
const endless = 20_000_000

// next decides, after a page with rows rows of which fresh were new, whether the
// walk goes on, and with which page.
func (p *pages) next(header http.Header, rows, fresh, perPage int) (bool, error) {
	total, err := strconv.Atoi(header.Get("X-Total-Count"))
	if err != nil || total < 0 {
		total = -1
	}
	shrunk := total >= 0 && total < p.total
	if p.begun < 0 {
		p.begun = total
	}
	p.total = total
	p.met += fresh
	if p.idle++; fresh > 0 {
		p.idle = 0
	}
	links := header.Values("Link")
	more := rows >= perPage
	switch {
	case p.way == byKey && total >= 0:
		more = total > rows && rows > 0
	case len(links) > 0:
		more = strings.Contains(strings.Join(links, ","), `rel="next"`) && rows > 0
	}
	switch {
	case p.begun >= 0 && p.met > 2*p.begun+10*perPage, p.met > endless:
		return false, fmt.Errorf("%w: it grows faster than it can be read", ErrPaging)
	case p.way == bare:
		if total > rows {
			return false, fmt.Errorf("%w: %d of %d rows came and there is no way to ask for the others", ErrPaging, rows, total)
		}
		return false, nil
	case p.way == byKey && more && fresh == 0, p.idle > 3:
		return false, fmt.Errorf("%w: a page brought nothing new", ErrPaging)
	case p.way == byKey:
		return more, nil
	case shrunk && p.number > 1:
		p.number--
		return true, nil
	case more:
		p.number++
		return true, nil
	case total > len(p.seen) && p.pass < 2:
		p.pass, p.number, p.idle = p.pass+1, 1, 0
		return true, nil
	case total > len(p.seen):
		return false, fmt.Errorf("%w: %d of %d rows were met", ErrPaging, len(p.seen), total)
	}
	return false, nil
}

// walk yields the rows of a list. An error that is ErrRecord is about one row and
// the walk goes on; any other ends it.
func walk[T any](ctx context.Context, a *API, l list[T]) iter.Seq2[T, error] {
	or(&l.name, l.path)
	return func(yield func(T, error) bool) {
		var none T
		p := start(max(l.way, a.way(l.name)))
		p.last = l.after
		for {
			c := l.call(p.way, a.set.PerPage, p.number, p.last, a.set.Zone)
			ans, err := a.do(ctx, c)
			if p.way < bare && p.met == 0 && refused(err, p.way) {
				p = start(p.way + 1)
				a.lower(l.name, p.way)
				continue
			}
			fail := func(err error) { yield(none, &Error{Request: c.request(), Err: err}) }
			if err != nil {
				yield(none, err)
				return
			}
			var rows []json.RawMessage
			if json.Unmarshal(ans.body, &rows) != nil {
				fail(fmt.Errorf("%w: a list is wanted and %s came", ErrAnswer, kind(ans.body)))
				return
			}
			fresh := 0
			for i, raw := range rows {
				id, bad := decode(raw, a.set.Zone, func(r *row) string {
					if l.text {
						return r.text(l.id)
					}
					return strconv.FormatInt(r.number(l.id), 10)
				})
				if bad == nil && !p.fresh(id) {
					continue
				}
				value := none
				if bad == nil {
					fresh++
					value, bad = decode(raw, a.set.Zone, l.read)
				}
				if bad != nil {
					if !yield(none, &Error{Request: c.request(), Err: fmt.Errorf("row %d of page: %w", i+1, bad)}) {
						return
					}
					continue
				}
				if l.keep(value) && !yield(value, nil) {
					return
				}
			}
			more, err := p.next(ans.header, len(rows), fresh, a.set.PerPage)
			if err != nil {
				fail(err)
				return
			}
			if !more {
				return
			}
		}
	}
}

// way is how a list is asked for, as far as is known; the name keeps the numbers
// out of the map.
func (a *API) way(name string) way {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ways[name]
}

func (a *API) lower(name string, w way) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ways[name] = max(a.ways[name], w)
}

// only is the single row that a walk yields first; ErrNotFound when it yields none.
func only[T any](request string, rows iter.Seq2[T, error]) (T, error) {
	for row, err := range rows {
		return row, err
	}
	return *new(T), &Error{Request: request, Err: ErrNotFound}
}

// since is the time that a question about changes begins at.
func (a *API) since(field string, at time.Time) map[string]time.Time {
	if at.IsZero() {
		return nil
	}
	return map[string]time.Time{field: at.Add(-a.set.Overlap).Truncate(time.Second)}
}

// changed checks the same on a row. One that does not say when it changed may have.
func (a *API) changed(row, since time.Time) bool {
	return since.IsZero() || row.IsZero() || !row.Before(since.Add(-a.set.Overlap).Truncate(time.Second))
}
