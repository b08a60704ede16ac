package koha

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// token keeps one access token and renews it before it expires. Only one caller
// fetches at a time; the others wait for what it brings.
type token struct {
	fetch func(context.Context) (string, time.Duration, error)

	turn  chan struct{} // holds one: taken to read or write what follows
	value string
	until time.Time
}

func newToken(fetch func(context.Context) (string, time.Duration, error)) *token {
	t := &token{fetch: fetch, turn: make(chan struct{}, 1)}
	t.turn <- struct{}{}
	return t
}

// get is a token with some life left: at least a minute or a tenth of it.
func (t *token) get(ctx context.Context) (string, error) {
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case <-t.turn:
	}
	defer func() { t.turn <- struct{}{} }()
	if t.value != "" && time.Now().Before(t.until) {
		return t.value, nil
	}
	asked := time.Now()
	value, life, err := t.fetch(ctx)
	if err != nil {
		return "", err
	}
	t.value, t.until = value, asked.Add(life-min(time.Minute, life/10))
	return value, nil
}

// drop forgets value after Koha would not take it. Another caller may have a new
// one already, which stays.
func (t *token) drop(value string) {
	<-t.turn
	if t.value == value {
		t.value = ""
	}
	t.turn <- struct{}{}
}

// fetch asks for a token. Koha answers {access_token, expires_in: 3600, token_type:
// "Bearer"}; 403 access_denied to a wrong key; 400 "Unimplemented grant type" when
// RESTOAuth2ClientCredentials is off.
func (a *API) fetch(ctx context.Context) (string, time.Duration, error) {
	c := call{method: http.MethodPost, name: "/oauth/token", path: "/oauth/token", form: url.Values{
		"grant_type": {"client_credentials"}, "client_id": {a.set.ID}, "client_secret": {string(a.set.Secret)},
	}}
	ans, err := a.once(ctx, c, "")
	if err != nil {
		err.Maybe = false // a token more or less changes nothing
		if err.Status == http.StatusForbidden || err.Status == http.StatusBadRequest {
			err.Err = ErrCredentials
		}
		return "", 0, err
	}
	said, bad := decode(ans.body, a.set.Zone, func(r *row) (said struct {
		value, kind string
		life        int64
	}) {
		said.value, said.kind, said.life = r.text("access_token"), r.text("token_type"), r.number("expires_in")
		return said
	})
	if bad != nil || said.value == "" || strings.ContainsAny(said.value, " \r\n") || said.kind != "" && !strings.EqualFold(said.kind, "Bearer") {
		return "", 0, &Error{Request: c.request(), Status: http.StatusOK, Err: ErrAnswer}
	}
	if said.life <= 0 { // not said
		said.life = 600
	}
	return said.value, time.Duration(min(said.life, 24*3600)) * time.Second, nil
}
