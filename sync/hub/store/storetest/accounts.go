package storetest

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"coldstation/sync/hub/store"
)

var (
	chief  = store.Account{Name: "maija", Title: "Maija", Password: "hash of hers", Made: Start, Grants: []store.Grant{{Role: store.Administrator}}}
	helper = store.Account{Name: "kalle", Title: "Kalle", Made: Start, Grants: []store.Grant{{Role: store.Librarian, Station: "birch-house"}, {Role: store.Viewer, Station: "maple-house"}}}
	away   = store.Account{Name: "aino", Subject: "https://login.example 7", Made: Start, Grants: []store.Grant{{Role: store.Administrator}}}
)

func (p *place) people() {
	p.t.Helper()
	for _, a := range []store.Account{chief, helper, away} {
		p.ok(p.AddAccount(p.t.Context(), a))
	}
}

// is checks which error came, and says of what.
func is(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %+v, want %+v", what, got, want)
	}
}

// accounts: somebody who signs in here always remains to see to the others.
func accounts(t *testing.T, p *place) {
	ctx := t.Context()
	if any, err := p.AnyAccount(ctx); any || err != nil {
		t.Errorf("an account in an empty store: %v, %v", any, err)
	}
	p.people()
	p.restart()
	if any, err := p.AnyAccount(ctx); !any || err != nil {
		t.Errorf("no account among three: %v, %v", any, err)
	}
	all, err := p.Accounts(ctx)
	p.ok(err)
	equal(t, "accounts", all, []store.Account{away, helper, chief})
	one, err := p.AccountOf(ctx, away.Subject)
	p.ok(err)
	equal(t, "who is known elsewhere", one, away)
	_, err = p.AccountOf(ctx, "")
	is(t, "no subject", err, store.ErrNoAccount)
	_, err = p.Account(ctx, "nobody")
	is(t, "no account", err, store.ErrNoAccount)
	is(t, "the same name", p.AddAccount(ctx, store.Account{Name: "maija"}), store.ErrKnownAccount)
	is(t, "the same subject", p.AddAccount(ctx, store.Account{Name: "other", Subject: away.Subject}), store.ErrKnownAccount)

	viewer := []store.Grant{{Role: store.Viewer}}
	is(t, "roles of nobody", p.SetGrants(ctx, "nobody", viewer), store.ErrNoAccount)
	is(t, "removing nobody", p.RemoveAccount(ctx, "nobody"), store.ErrNoAccount)
	is(t, "the last administrator made a viewer", p.SetGrants(ctx, "maija", viewer), store.ErrLastAdministrator)
	is(t, "the last administrator removed", p.RemoveAccount(ctx, "maija"), store.ErrLastAdministrator)
	p.ok(p.SetGrants(ctx, "maija", chief.Grants))
	p.ok(p.SetGrants(ctx, "aino", nil)) // who signs in elsewhere does not count
	p.ok(p.SetGrants(ctx, "kalle", chief.Grants))
	p.ok(p.RemoveAccount(ctx, "maija"))
	one, err = p.Account(ctx, "kalle")
	p.ok(err)
	equal(t, "new roles", one.Grants, chief.Grants)
}

// sessions end alone, together, and with what opened them.
func sessions(t *testing.T, p *place) {
	ctx := t.Context()
	p.people()
	begin := func(id, name string, at time.Time) store.Session {
		s := store.Session{Hash: []byte("hash " + id), ID: id, Account: name, Begun: at, Seen: at, Address: "203.0.113.7", Agent: "Browser/1"}
		p.ok(p.BeginSession(ctx, s))
		return s
	}
	is(t, "nobody's session", p.BeginSession(ctx, store.Session{Hash: []byte{1}, Account: "nobody"}), store.ErrNoAccount)
	first, second := begin("1", "maija", Start), begin("2", "maija", Start.Add(time.Minute))
	third := begin("3", "kalle", Start)
	p.restart()
	got, who, err := p.SessionOf(ctx, first.Hash)
	p.ok(err)
	equal(t, "a session", got, first)
	signed := chief
	signed.Signed = Start.Add(time.Minute)
	equal(t, "whose it is", who, signed)

	first.Seen = Start.Add(time.Hour)
	p.ok(p.SawSession(ctx, first.Hash, first.Seen))
	list := func() []store.Session {
		all, err := p.Sessions(ctx, "maija")
		p.ok(err)
		return all
	}
	equal(t, "the last used first", list(), []store.Session{first, second})
	is(t, "another's session", p.EndSession(ctx, "maija", third.ID), store.ErrNoSession)
	p.ok(p.EndSession(ctx, "maija", second.ID))
	_, _, err = p.SessionOf(ctx, second.Hash)
	is(t, "an ended session", err, store.ErrNoSession)
	begin("4", "maija", Start)
	p.ok(p.EndSessions(ctx, "maija", first.Hash))
	equal(t, "all but this one ended", list(), []store.Session{first})
	is(t, "nothing left to end", p.EndSessions(ctx, "maija", first.Hash), store.ErrNoSession)
	begin("5", "maija", Start)
	p.ok(p.SetPassword(ctx, "maija", "another", first.Hash))
	equal(t, "a new password ends the others", list(), []store.Session{first})
	p.ok(p.ForgetSessions(ctx, Start, Start.Add(time.Minute)))
	_, _, err = p.SessionOf(ctx, third.Hash)
	is(t, "one that nobody used", err, store.ErrNoSession)
	p.ok(p.ForgetSessions(ctx, Start.Add(time.Second), Start))
	equal(t, "one that is too old", list(), nil)
	is(t, "a password for nobody", p.SetPassword(ctx, "nobody", "x", nil), store.ErrNoAccount)
	last := begin("6", "kalle", Start)
	p.ok(p.RemoveAccount(ctx, "kalle"))
	_, _, err = p.SessionOf(ctx, last.Hash)
	is(t, "a session of who was removed", err, store.ErrNoSession)
}

// links open an account once, and shut whatever opened it before.
func links(t *testing.T, p *place) {
	ctx := t.Context()
	p.people()
	hour := Start.Add(time.Hour)
	session := store.Session{Hash: []byte("s"), ID: "s", Account: "maija", Begun: Start, Seen: Start}
	token := store.Token{Hash: []byte("t"), ID: "t", Account: "maija", Expires: hour}
	p.ok(p.BeginSession(ctx, session))
	p.ok(p.AddToken(ctx, token))
	offer := func(hash string) {
		p.ok(p.OfferLink(ctx, store.Link{Hash: []byte(hash), Account: "maija", Expires: hour}))
	}
	is(t, "a link for nobody", p.OfferLink(ctx, store.Link{Hash: []byte{1}, Account: "nobody"}), store.ErrNoAccount)
	offer("lost")
	offer("link")
	_, _, err := p.SessionOf(ctx, session.Hash)
	is(t, "a session from before", err, store.ErrNoSession)
	_, _, err = p.TokenOf(ctx, token.Hash, Start)
	is(t, "a token from before", err, store.ErrNoToken)
	if a, err := p.Account(ctx, "maija"); err != nil || a.Password != "" {
		t.Errorf("the old password still opens: %+v, %v", a, err)
	}
	_, err = p.LinkOf(ctx, []byte("lost"), Start)
	is(t, "a link that another replaced", err, store.ErrNoLink)
	_, err = p.LinkOf(ctx, []byte("link"), hour)
	is(t, "an expired link", err, store.ErrNoLink)
	_, err = p.UseLink(ctx, []byte("link"), "new", hour)
	is(t, "using an expired link", err, store.ErrNoLink)
	if a, err := p.LinkOf(ctx, []byte("link"), Start); err != nil || a.Name != "maija" {
		t.Errorf("whose the link is: %+v, %v", a, err)
	}
	if a, err := p.UseLink(ctx, []byte("link"), "new", Start); err != nil || a.Name != "maija" {
		t.Errorf("using the link: %+v, %v", a, err)
	}
	_, err = p.UseLink(ctx, []byte("link"), "newer", Start)
	is(t, "using it again", err, store.ErrNoLink)
	if a, err := p.Account(ctx, "maija"); err != nil || a.Password != "new" {
		t.Errorf("the password: %+v, %v", a, err)
	}
}

func tokens(t *testing.T, p *place) {
	ctx := t.Context()
	p.people()
	day := Start.AddDate(0, 0, 1)
	token := store.Token{Hash: []byte("hash"), ID: "1", Account: "kalle", Title: "The council's figures", Scopes: []string{"loans", "stations"}, Made: Start, Expires: day}
	is(t, "nobody's token", p.AddToken(ctx, store.Token{Hash: []byte{1}, Account: "nobody"}), store.ErrNoAccount)
	p.ok(p.AddToken(ctx, token))
	token.Used = Start.Add(time.Hour)
	p.ok(p.UsedToken(ctx, token.Hash, token.Used))
	p.restart()
	got, who, err := p.TokenOf(ctx, token.Hash, Start)
	p.ok(err)
	equal(t, "a token", got, token)
	equal(t, "whose it is", who, helper)
	_, _, err = p.TokenOf(ctx, token.Hash, day)
	is(t, "an expired token", err, store.ErrNoToken)
	all, err := p.Tokens(ctx, "kalle")
	p.ok(err)
	equal(t, "tokens", all, []store.Token{token})
	is(t, "another's token", p.RemoveToken(ctx, "maija", "1"), store.ErrNoToken)
	p.ok(p.RemoveToken(ctx, "kalle", "1"))
	_, _, err = p.TokenOf(ctx, token.Hash, Start)
	is(t, "a revoked token", err, store.ErrNoToken)
}

func trail(t *testing.T, p *place) {
	ctx := t.Context()
	deeds := []store.Deed{
		{Place: 1, At: Start, Who: "maija", Address: "203.0.113.7", What: "sign-in"},
		{Place: 2, At: Start.Add(time.Hour), Who: "Kalle", Address: "198.51.100.1", What: "decide", About: "100%_sure"},
		{Place: 3, At: Start.Add(2 * time.Hour), Who: "maija", Address: "203.0.113.7", What: "account", About: "kalle"},
	}
	for _, d := range deeds {
		p.ok(p.Note(ctx, d))
	}
	p.restart()
	for _, tt := range []struct {
		name string
		q    store.TrailQuery
		want []int64
	}{
		{"all", store.TrailQuery{}, []int64{3, 2, 1}},
		{"from", store.TrailQuery{From: Start.Add(time.Hour)}, []int64{3, 2}},
		{"to", store.TrailQuery{To: Start.Add(time.Hour)}, []int64{1}},
		{"what", store.TrailQuery{What: "decide"}, []int64{2}},
		{"who or about", store.TrailQuery{Find: "kalle"}, []int64{3, 2}},
		{"an address", store.TrailQuery{Find: "203.0"}, []int64{3, 1}},
		{"signs that mean something to a database", store.TrailQuery{Find: "%_"}, []int64{2}},
		{"the next page", store.TrailQuery{Before: 3, Limit: 1}, []int64{2}},
	} {
		if tt.q.Limit == 0 {
			tt.q.Limit = 10
		}
		found, err := p.Trail(ctx, tt.q)
		p.ok(err)
		var got []int64
		for _, d := range found {
			got = append(got, d.Place)
			equal(t, tt.name, d, deeds[d.Place-1])
		}
		equal(t, tt.name, got, tt.want)
	}
	p.ok(p.ForgetTrail(ctx, Start.Add(time.Hour)))
	left, err := p.Trail(ctx, store.TrailQuery{Limit: 10})
	p.ok(err)
	equal(t, "what is left", len(left), 2)
}
