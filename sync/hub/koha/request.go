package koha

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// call is one request before it is made.
type call struct {
	method string
	name   string // the path as errors say it, with {id}
	path   string // below /api/v1
	query  url.Values
	embed  string // x-koha-embed
	accept string // application/json when empty
	body   any    // JSON
	form   url.Values
}

func (c call) request() string { return c.method + " " + c.name }

// safe calls change nothing and may be repeated at will.
func (c call) safe() bool { return c.method == http.MethodGet }

type answer struct {
	header http.Header
	body   []byte
}

// do makes a call until it succeeds, fails for good, or has been tried often
// enough. One that changes something is repeated only when it certainly was not
// carried out.
func (a *API) do(ctx context.Context, c call) (answer, error) {
	renewed := false
	for attempt := 0; ; attempt++ {
		ans, err := a.try(ctx, c, &renewed)
		if err == nil {
			return ans, nil
		}
		wait := err.RetryAfter + backOff(attempt)
		if !err.temporary || err.Maybe || attempt+1 >= a.set.Attempts || err.RetryAfter > a.set.Patience || ctx.Err() != nil {
			return answer{}, err
		}
		if err.RetryAfter > 0 {
			a.pace.hold(err.RetryAfter)
		}
		if stopped := rest(ctx, wait); stopped != nil {
			err.Err, err.temporary = stopped, false
			return answer{}, err
		}
	}
}

// try is one attempt, and a second one when only the token was too old.
func (a *API) try(ctx context.Context, c call, renewed *bool) (answer, *Error) {
	for {
		if err := a.pace.wait(ctx); err != nil {
			return answer{}, &Error{Request: c.request(), Err: err}
		}
		bearer, err := a.token.get(ctx)
		if err != nil {
			if e, is := errors.AsType[*Error](err); is {
				return answer{}, e
			}
			return answer{}, &Error{Request: c.request(), Err: err}
		}
		ans, failed := a.once(ctx, c, bearer)
		if failed == nil || failed.Status != http.StatusUnauthorized || *renewed {
			return ans, failed
		}
		*renewed = true
		a.token.drop(bearer)
	}
}

// once is one exchange. The whole answer is read, to its limit; JSON is whole or
// is an error.
func (a *API) once(ctx context.Context, c call, bearer string) (answer, *Error) {
	limited, cancel := context.WithTimeout(ctx, a.set.Timeout)
	defer cancel()
	var sent atomic.Bool
	trace := &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }}
	broken := func(err error) *Error {
		e := &Error{Request: c.request(), Maybe: sent.Load() && !c.safe(), temporary: true, Err: plain(err)}
		switch _, distrusted := errors.AsType[*tls.CertificateVerificationError](err); {
		case ctx.Err() != nil:
			e.Err, e.temporary = ctx.Err(), false
		case limited.Err() != nil:
			e.Err = ErrSilent
		case distrusted:
			e.temporary = false
		}
		return e
	}
	req, err := a.build(httptrace.WithClientTrace(limited, trace), c, bearer)
	if err != nil {
		return answer{}, &Error{Request: c.request(), Err: err}
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return answer{}, broken(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, a.set.MaxBody+1))
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		failed := refusal(c.request(), resp.StatusCode, resp.Header, body, time.Now())
		// A proxy that lost Koha does not know what Koha did.
		failed.Maybe = resp.StatusCode >= 500 && !c.safe()
		return answer{}, failed
	}
	switch {
	case err != nil:
		return answer{}, broken(err)
	case int64(len(body)) > a.set.MaxBody:
		return answer{}, &Error{Request: c.request(), Status: resp.StatusCode, Maybe: !c.safe(), Err: ErrTooLarge}
	case len(body) > 0 && !json.Valid(body) || len(body) == 0 && c.safe():
		return answer{}, &Error{Request: c.request(), Status: resp.StatusCode, Maybe: !c.safe(), temporary: true, Err: ErrAnswer}
	}
	return answer{resp.Header, body}, nil
}

func (a *API) build(ctx context.Context, c call, bearer string) (*http.Request, error) {
	to := a.base + c.path
	if len(c.query) > 0 {
		to += "?" + c.query.Encode()
	}
	var body io.Reader
	kind := "application/json"
	switch {
	case c.form != nil:
		body, kind = strings.NewReader(c.form.Encode()), "application/x-www-form-urlencoded"
	case c.body != nil:
		text, err := json.Marshal(c.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, c.method, to, body)
	if err != nil {
		return nil, plain(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", kind)
	}
	accept := c.accept
	or(&accept, "application/json")
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", "coldstation")
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	if c.embed != "" {
		req.Header.Set("x-koha-embed", c.embed)
	}
	return req, nil
}

// plain is err without what it may quote: a URL with a card number in it, or bytes
// of an answer.
func plain(err error) error {
	if e, is := errors.AsType[*net.OpError](err); is {
		return e
	}
	if e, is := errors.AsType[*tls.CertificateVerificationError](err); is {
		return e
	}
	for _, known := range []error{io.ErrUnexpectedEOF, io.EOF, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return known
		}
	}
	return errors.New("connection or answer broken")
}

// get asks for one object.
func get[T any](ctx context.Context, a *API, c call, read func(*row) T) (T, error) {
	c.method = http.MethodGet
	return ask(ctx, a, c, read)
}

// ask makes a call whose answer is one object.
func ask[T any](ctx context.Context, a *API, c call, read func(*row) T) (T, error) {
	ans, err := a.do(ctx, c)
	if err != nil {
		return *new(T), err
	}
	value, err := decode(ans.body, a.set.Zone, read)
	if err != nil { // of a call that changes something: it was done all the same
		return value, &Error{Request: c.request(), Status: http.StatusOK, Maybe: !c.safe(), Err: err}
	}
	return value, nil
}
