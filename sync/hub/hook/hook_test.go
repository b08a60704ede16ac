package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/hub/store/storetest"
	"coldstation/sync/identity"
)

const secret = "a secret of thirty-two signs or so"

// receiver is a program that checks signatures, and does not answer at will.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	ids    []string
	status int
	bad    []string
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{status: http.StatusNoContent}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		sum := hmac.New(sha256.New, []byte(secret))
		sum.Write([]byte(q.Header.Get("webhook-id") + "." + q.Header.Get("webhook-timestamp") + "." + string(body)))
		r.mu.Lock()
		defer r.mu.Unlock()
		if want := "v1," + base64.StdEncoding.EncodeToString(sum.Sum(nil)); q.Header.Get("webhook-signature") != want {
			r.bad = append(r.bad, q.Header.Get("webhook-signature"))
		}
		if r.status/100 == 2 {
			r.bodies, r.ids = append(r.bodies, string(body)), append(r.ids, q.Header.Get("webhook-id"))
		}
		if r.status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answers(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *receiver) got() ([]string, []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.bodies), slices.Clone(r.ids)
}

func TestRead(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	write("secret", secret+"\n")
	write("short", "short")
	all, err := Read(write("hooks", "# programs\nchat https://chat.library.example/in secret\n\nlocal http://127.0.0.1:9/x "+filepath.Join(folder, "secret")+" # here\n"))
	if err != nil || strings.Join(Names(all), " ") != "chat local" || string(all[0].Secret) != secret {
		t.Fatalf("%+v, %v", all, err)
	}
	for name, line := range map[string]string{
		"in the clear beyond this machine": "x http://chat.library.example/in secret",
		"no address":                       "x chat secret",
		"a file":                           "x file:///etc/passwd secret",
		"a password in the address":        "x https://maija:secret@chat.example/ secret",
		"too few words":                    "x https://chat.library.example/in",
		"a secret that is easily guessed":  "x https://chat.library.example/in short",
		"no secret":                        "x https://chat.library.example/in nothing",
		"twice":                            "x https://a.example/ secret\nx https://b.example/ secret",
	} {
		if all, err := Read(write("hooks", line)); err == nil {
			t.Errorf("%s: read as %+v", name, all)
		}
	}
}

func TestSend(t *testing.T) {
	r := newReceiver(t)
	h := Hook{"chat", r.URL, []byte(secret)}
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	if err := h.Send(t.Context(), "id-1", []byte(`{"a":1}`), at); err != nil {
		t.Fatal(err)
	}
	if bodies, ids := r.got(); len(bodies) != 1 || bodies[0] != `{"a":1}` || ids[0] != "id-1" || len(r.bad) > 0 {
		t.Errorf("received %v as %v, wrongly signed: %v", bodies, ids, r.bad)
	}
	for _, status := range []int{302, 400, 410, 500} {
		r.answers(status)
		if err := h.Send(t.Context(), "id-2", nil, at); err == nil || strings.Contains(err.Error(), r.URL) {
			t.Errorf("an answer of %d: %v; a failure that names no address is wanted", status, err)
		}
	}
	r.Close()
	if err := h.Send(t.Context(), "id-3", nil, at); err == nil || strings.Contains(err.Error(), "http://") {
		t.Errorf("nobody there: %v", err)
	}
	for tries, want := range map[int]time.Duration{0: 30 * time.Second, 1: time.Minute, 6: 32 * time.Minute, 7: time.Hour, 1000: time.Hour} {
		if got := Wait(tries); got != want {
			t.Errorf("after %d tries: %v, want %v", tries, got, want)
		}
	}
}

// TestForward: a subscriber who does not answer for a while gets every event in the
// end, each ledger's in order, without any card.
func TestForward(t *testing.T) {
	ctx := t.Context()
	s, err := store.OpenSQLite(filepath.Join(t.TempDir(), "hub.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ok(s.Enrol(ctx, identity.Enrolled{Station: "maple-house", Password: []byte("x"), Signing: make([]byte, 32)}, storetest.Start))
	card := circ.NewPatronID("2940001234567")
	patron := circ.Ref{1}
	l := storetest.NewLog("maple-house").Add(circ.PatronMet{Ref: patron, ID: card})
	for n := range 249 {
		l.Add(circ.CheckedOut{Item: circ.ItemID(fmt.Sprint(n)), Patron: patron})
	}
	take := func() {
		t.Helper()
		_, err := s.Find(ctx, l.Station, l.ID, storetest.Start)
		ok(err)
		_, err = s.TakeIn(ctx, l.All())
		ok(err)
	}
	r := newReceiver(t)
	ok(s.Subscribe(ctx, store.Subscription{ID: "one", Hook: "figures", Kinds: []string{"CheckedOut"}, Made: storetest.Start}))
	take()
	now := storetest.Start
	f := &Forwarder{Source: s, Hooks: []Hook{{"figures", r.URL, []byte(secret)}}, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}
	once := func() (more bool) {
		t.Helper()
		more, err := f.Once(ctx)
		ok(err)
		return more
	}
	once()
	r.answers(500)
	once()
	subscriptions, err := s.Subscriptions(ctx)
	ok(err)
	if n := subscriptions[0]; n.Failing.IsZero() || n.Why != "it answers 500" {
		t.Errorf("a subscriber who answers 500: %+v", n)
	}
	r.answers(200)
	if once() {
		t.Error("it is tried again at once")
	}
	now = now.Add(time.Minute)
	f = &Forwarder{Source: s, Hooks: f.Hooks, Now: f.Now, Log: f.Log} // a restart
	for once() {
	}
	bodies, ids := r.got()
	seq, events := uint64(1), 0
	for _, body := range bodies {
		if strings.Contains(body, card.Plaintext()) || strings.Contains(body, "patron") {
			t.Errorf("it tells of a patron: %s", body)
		}
		var got told
		ok(json.Unmarshal([]byte(body), &got))
		for _, e := range got.Events {
			seq++
			events++
			if e.Seq != seq || e.ID != circ.EventID(l.ID, seq).String() || e.Kind != "CheckedOut" || got.Station != "maple-house" {
				t.Fatalf("at %d: %+v", seq, e)
			}
		}
	}
	if events != 249 || len(bodies) != 3 || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != 3 || len(r.bad) > 0 {
		t.Errorf("%d events in %d messages, ids %v, wrongly signed %v", events, len(bodies), ids, r.bad)
	}
	subscriptions, err = s.Subscriptions(ctx)
	ok(err)
	if n := subscriptions[0]; !n.Failing.IsZero() {
		t.Errorf("a subscriber who answers again: %+v", n)
	}
	f.Hooks = nil
	l.Add(circ.CheckedOut{Item: "new"})
	take()
	once()
	subscriptions, err = s.Subscriptions(ctx)
	ok(err)
	if n := subscriptions[0]; !strings.Contains(n.Why, "no hook") {
		t.Errorf("a hook that is gone: %+v", n)
	}
}
