package web

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"coldstation/sync/hub/store"
)

// errGone is a link that was used, has expired, or never was.
var errGone = errors.New("no such link")

// AccountName is a name to sign in by, as it is kept: small letters, digits and
// . _ - @ +, at most 64; false when it is none.
func AccountName(text string) (string, bool) {
	name := strings.ToLower(strings.TrimSpace(text))
	for _, r := range name {
		if !unicode.IsLower(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-@+", r) {
			return "", false
		}
	}
	return name, name != "" && name != "." && name != ".." && utf8.RuneCountInString(name) <= 64
}

// LinkLife is how long somebody has to choose a password.
const LinkLife = 48 * time.Hour

// NewLink is a one-time link for an account: the path of the page where a password
// is chosen, and what the store keeps of it.
func NewLink(account string, now time.Time) (path string, l store.Link) {
	code := rand.Text()
	return "/welcome/" + code, store.Link{Hash: hashOf(code), Account: account, Expires: now.Add(LinkLife)}
}

// cookieName is the session's cookie. Over TLS the browser itself sees to it that
// nobody else set it: __Host- (draft-ietf-httpbis-rfc6265bis, 4.1.3.2).
func (s *site) cookieName(r *http.Request) string {
	if s.secure(r) {
		return "__Host-session"
	}
	return "session"
}

func (s *site) setCookie(w http.ResponseWriter, r *http.Request, name, value string, life time.Duration) {
	seconds := int(life / time.Second)
	if value == "" {
		seconds = -1
	}
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: seconds, HttpOnly: true, Secure: s.secure(r), SameSite: http.SameSiteLaxMode})
}

// begin signs somebody in: always with a new session, so that one that was planted
// in the browser before opens nothing.
func (s *site) begin(w http.ResponseWriter, r *http.Request, account store.Account) error {
	if err := s.end(r); err != nil {
		return err
	}
	now, shown := s.Now(), rand.Text()
	agent := strings.ToValidUTF8(r.UserAgent(), "")
	session := store.Session{Hash: hashOf(shown), ID: uuid.NewString(), Account: account.Name, Begun: now, Seen: now, Address: asking(r).address, Agent: agent[:min(200, len(agent))]}
	if err := s.Accounts.BeginSession(r.Context(), session); err != nil {
		return err
	}
	s.setCookie(w, r, s.cookieName(r), shown, s.Longest)
	asking(r).name = account.Name // for the trail
	return nil
}

// end ends the session that a request shows, if any.
func (s *site) end(r *http.Request) error {
	session := asking(r).session
	if session.ID == "" {
		return nil
	}
	err := s.Accounts.EndSession(r.Context(), session.Account, session.ID)
	if errors.Is(err, store.ErrNoSession) {
		return nil
	}
	return err
}

type signInPage struct {
	frame
	Elsewhere string // what it is called; "" there is none
	Next      string
	Trouble   string
	First     bool // nobody has an account yet
	Out       bool // they just left
}

// troubles are why signing in elsewhere did not end here.
var troubles = []string{"elsewhere", "role", "taken", "late"}

func (s *site) signInPage(r *http.Request, w *words) (string, any, error) {
	page := signInPage{frame: s.frame(r, w, "sign-in"), Next: r.FormValue("next"), Out: r.URL.Query().Get("out") != ""}
	if !ours(page.Next) {
		page.Next = ""
	}
	if s.Elsewhere != nil {
		page.Elsewhere = s.Elsewhere.Title
	}
	if trouble := r.URL.Query().Get("trouble"); slices.Contains(troubles, trouble) {
		page.Trouble = w.T("trouble." + trouble)
	}
	any, err := s.Accounts.AnyAccount(r.Context())
	page.First = !any && s.Elsewhere == nil
	return "sign-in", page, err
}

func (s *site) signIn(w http.ResponseWriter, r *http.Request) (string, error) {
	ctx, v := r.Context(), asking(r)
	name, _ := AccountName(r.PostForm.Get("name"))
	password := r.PostForm.Get("password")
	if strings.TrimSpace(r.PostForm.Get("name")) == "" {
		return "", complaint{"name": "signin.noname"}
	}
	if s.tries.take(name, v.address, s.Now()) > 0 {
		return "", complaint{"password": "signin.wait"}
	}
	account, err := s.Accounts.Account(ctx, name)
	if err != nil && !errors.Is(err, store.ErrNoAccount) {
		return "", err
	}
	right, err := s.opens(ctx, password, account.Password)
	if err != nil {
		return "", err
	}
	if !right {
		s.note(r, "sign-in-failed", account.Name) // never what was typed: it may be the password
		return "", complaint{"password": "signin.wrong"}
	}
	s.tries.right(name, v.address, s.Now())
	if err := s.begin(w, r, account); err != nil {
		return "", err
	}
	if next := r.PostForm.Get("next"); ours(next) {
		return next, nil
	}
	return "/", nil
}

func (s *site) signOut(w http.ResponseWriter, r *http.Request) (string, error) {
	s.setCookie(w, r, s.cookieName(r), "", 0)
	return "/sign-in?out=1", s.end(r)
}

type welcomePage struct {
	frame
	Name, Code string
}

func (s *site) welcomePage(r *http.Request, w *words) (string, any, error) {
	code := r.PathValue("code")
	account, err := s.linkOf(r.Context(), code)
	return "welcome", welcomePage{s.frame(r, w, "welcome"), account.Name, code}, err
}

func (s *site) linkOf(ctx context.Context, code string) (store.Account, error) {
	account, err := s.Accounts.LinkOf(ctx, hashOf(code), s.Now())
	if errors.Is(err, store.ErrNoLink) {
		err = errGone
	}
	return account, err
}

// welcome gives an account the password that its holder chose, and signs them in.
func (s *site) welcome(w http.ResponseWriter, r *http.Request) (string, error) {
	ctx, code := r.Context(), r.PathValue("code")
	account, err := s.linkOf(ctx, code)
	if err != nil {
		return "", err
	}
	hash, err := s.chosen(r, account)
	if err != nil {
		return "", err
	}
	account, err = s.Accounts.UseLink(ctx, hashOf(code), hash, s.Now())
	if errors.Is(err, store.ErrNoLink) {
		return "", errGone
	}
	if err != nil {
		return "", err
	}
	return "/", s.begin(w, r, account)
}

// chosen is the hash of a form's new password.
func (s *site) chosen(r *http.Request, account store.Account) (string, error) {
	password := r.PostForm.Get("new")
	switch fault := passwordFault(password, r.PostForm.Get("again"), account.Name, account.Title); fault {
	case "":
	case "password.differs":
		return "", complaint{"again": fault}
	default:
		return "", complaint{"new": fault}
	}
	return s.hashPassword(r.Context(), password)
}

// note adds to the trail what the visitor did, one line for each thing.
func (s *site) note(r *http.Request, what string, about ...string) {
	v := asking(r)
	if len(about) == 0 {
		about = []string{""}
	}
	for _, one := range about {
		err := s.Accounts.Note(context.WithoutCancel(r.Context()), store.Deed{At: s.Now(), Who: v.name, Address: v.address, What: what, About: one})
		if err != nil {
			s.Log.Error("note what was done", "what", what, "err", err)
		}
	}
}

// base is the pages' own address, as others reach them.
func (s *site) base(r *http.Request) string {
	if s.URL != "" {
		return strings.TrimSuffix(s.URL, "/")
	}
	scheme := "http"
	if s.secure(r) {
		scheme = "https"
	}
	return (&url.URL{Scheme: scheme, Host: r.Host}).String()
}
