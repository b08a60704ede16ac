package web

import (
	"context"
	"crypto/sha256"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
)

// visitor is who asks for a page. The zero one is nobody.
type visitor struct {
	name    string // as decisions and the trail name them
	title   string // what people call them
	machine bool   // at the hub's own machine, while nobody has an account
	grants  []store.Grant
	session store.Session // zero: none
	scopes  []string      // of a token
	address string
	about   []string // what the trail says of this request
}

// atHub is who is at the hub's own machine, as decisions and the trail name them.
const atHub = "at the hub"

// may reports whether the visitor has a role at a station, or ("") in the whole
// library.
func (v *visitor) may(least store.Role, station circ.StationID) bool {
	return slices.ContainsFunc(v.grants, func(g store.Grant) bool {
		return (g.Station == "" || g.Station == station) && g.Role.Includes(least)
	})
}

// somewhere reports whether the visitor has a role at some station at least.
func (v *visitor) somewhere(least store.Role) bool {
	return slices.ContainsFunc(v.grants, func(g store.Grant) bool { return g.Role.Includes(least) })
}

// visitor finds out who asks: by a token where one opens something, else by a
// session, else by being at the hub's own machine while nobody has an account.
func (s *site) visitor(r *http.Request, scope string) (*visitor, error) {
	v := &visitor{address: s.address(r)}
	if shown, is := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); is && scope != "" {
		return v, s.byToken(r.Context(), v, shown)
	}
	if cookie, err := r.Cookie(s.cookieName(r)); err == nil {
		switch known, err := s.bySession(r, v, cookie.Value); {
		case err != nil:
			return v, err
		case known:
			return v, nil
		}
	}
	if !s.Local || proxied(r) || s.Elsewhere != nil {
		return v, nil
	}
	some, err := s.Accounts.AnyAccount(r.Context())
	if err == nil && !some {
		v.name, v.machine, v.grants = atHub, true, []store.Grant{{Role: store.Administrator}}
	}
	return v, err
}

// sometimes is how often it is noted that a session or token is used.
const sometimes = time.Minute

func (s *site) byToken(ctx context.Context, v *visitor, shown string) error {
	now := s.Now()
	token, account, err := s.Accounts.TokenOf(ctx, hashOf(shown), now)
	if errors.Is(err, store.ErrNoToken) {
		return nil
	}
	if err != nil {
		return err
	}
	v.name, v.title, v.grants, v.scopes = account.Name, account.Title, account.Grants, token.Scopes
	if now.Sub(token.Used) < sometimes {
		return nil
	}
	return s.Accounts.UsedToken(ctx, token.Hash, now)
}

func (s *site) bySession(r *http.Request, v *visitor, shown string) (bool, error) {
	now := s.Now()
	session, account, err := s.Accounts.SessionOf(r.Context(), hashOf(shown))
	switch {
	case errors.Is(err, store.ErrNoSession):
		return false, nil
	case err != nil:
		return false, err
	case now.Sub(session.Begun) >= s.Longest, now.Sub(session.Seen) >= s.Idle:
		return false, nil
	}
	v.name, v.title, v.grants, v.session = account.Name, account.Title, account.Grants, session
	// A page that keeps itself fresh is not somebody who is there.
	if r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Dest") == "empty" || now.Sub(session.Seen) < sometimes {
		return true, nil
	}
	return true, s.Accounts.SawSession(r.Context(), session.Hash, now)
}

// hashOf is what the store keeps of a secret that is long and random.
func hashOf(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// proxied reports whether a request came by way of a proxy, and so from anywhere.
func proxied(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "Via"} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return false
}

// behindProxy reports whether a proxy of our own machine stands before the pages:
// then what it says last is true.
func (s *site) behindProxy(r *http.Request) bool {
	return len(s.Hosts) > 0 && loopback(peer(r))
}

func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func loopback(address string) bool {
	ip, err := netip.ParseAddr(address)
	return err == nil && ip.IsLoopback()
}

// address is where a request comes from.
func (s *site) address(r *http.Request) string {
	if s.behindProxy(r) {
		said := r.Header.Values("X-Forwarded-For")
		if len(said) > 0 {
			all := strings.Split(said[len(said)-1], ",")
			if ip, err := netip.ParseAddr(strings.TrimSpace(all[len(all)-1])); err == nil {
				return ip.String()
			}
		}
	}
	return peer(r)
}

// secure reports whether the browser speaks TLS with us, or with our proxy.
func (s *site) secure(r *http.Request) bool {
	return r.TLS != nil || s.behindProxy(r) && r.Header.Get("X-Forwarded-Proto") == "https" || s.URL != "" && strings.TrimSuffix(s.URL, "/") == "https://"+r.Host
}

type visitorKey struct{}

// asking is who asks, as admit found out.
func asking(r *http.Request) *visitor {
	if v, is := r.Context().Value(visitorKey{}).(*visitor); is {
		return v
	}
	return &visitor{}
}

func withVisitor(r *http.Request, v *visitor) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), visitorKey{}, v))
}
