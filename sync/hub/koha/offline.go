package koha

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"coldstation/sync/circ"
)

// Offline is Koha's service for circulation that happened without it, which is
// no part of the REST API:
//
//	POST /cgi-bin/koha/offline_circ/service.pl
//	userid password branchcode nocookie=1 pending=false
//	action=issue|return timestamp barcode cardnumber
//
// The timestamp is "YYYY-MM-DD HH:MM:SS" in UTC. The answer is one line of text,
// with 200 also for failures:
//
//	Success.  Added.  Item not issued.  Item not found.  Barcode not found.
//	Borrower not found.
//
// and 401 to a wrong password. It alone keeps the time of a loan: issued three
// days ago, the loan is three days old and due by the rules from that day. A
// patron who is restricted is lent to; an item on loan to another is returned from
// them at that time first; a repeated issue renews. A return only ends the loan:
// no hold is captured and no transfer made. All this was seen on 19.06.
type Offline struct {
	api      *API
	to       string
	userid   string
	password Secret
}

// NewOffline is the service beside an API's address, spoken to by a librarian's
// account of its own.
func NewOffline(a *API, userid string, password Secret) *Offline {
	return &Offline{a, strings.TrimSuffix(a.base, "/api/v1") + "/cgi-bin/koha/offline_circ/service.pl", userid, password}
}

// Issue is a loan that was made at a time. It is sent once, and the answer comes
// also with ErrRefused.
func (o *Offline) Issue(ctx context.Context, branch string, at time.Time, barcode circ.ItemID, card circ.PatronID) (words []string, err error) {
	if card.IsZero() || barcode == "" {
		return nil, &Error{Request: offlineRequest, Err: ErrNotFound}
	}
	return o.send(ctx, branch, at, url.Values{"action": {"issue"}, "barcode": {string(barcode)}, "cardnumber": {card.Plaintext()}})
}

// Return is a return at a time, as Issue.
func (o *Offline) Return(ctx context.Context, branch string, at time.Time, barcode circ.ItemID) (words []string, err error) {
	if barcode == "" {
		return nil, &Error{Request: offlineRequest, Err: ErrNotFound}
	}
	return o.send(ctx, branch, at, url.Values{"action": {"return"}, "barcode": {string(barcode)}})
}

const offlineRequest = "POST /offline_circ/service.pl"

func (o *Offline) send(ctx context.Context, branch string, at time.Time, form url.Values) ([]string, error) {
	fail := func(err error, temporary, maybe bool) ([]string, error) {
		return nil, &Error{Request: offlineRequest, Err: plain(err), temporary: temporary, Maybe: maybe}
	}
	if err := o.api.pace.wait(ctx); err != nil {
		return fail(err, true, false)
	}
	for name, value := range map[string]string{"userid": o.userid, "password": string(o.password), "branchcode": branch,
		"nocookie": "1", "pending": "false", "timestamp": at.UTC().Format(time.DateTime)} {
		form.Set(name, value)
	}
	var sent atomic.Bool
	limited, cancel := context.WithTimeout(ctx, o.api.set.Timeout)
	defer cancel()
	limited = httptrace.WithClientTrace(limited, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	req, err := http.NewRequestWithContext(limited, http.MethodPost, o.to, strings.NewReader(form.Encode()))
	if err != nil {
		return fail(err, false, false)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", "coldstation")
	resp, err := o.api.http.Do(req)
	if err != nil {
		return fail(err, true, sent.Load())
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	switch said := strings.TrimSpace(string(body)); {
	case resp.StatusCode == http.StatusUnauthorized:
		return nil, &Error{Request: offlineRequest, Status: resp.StatusCode, Err: ErrCredentials}
	case resp.StatusCode != http.StatusOK: // of a proxy that lost Koha nobody knows
		return nil, &Error{Request: offlineRequest, Status: resp.StatusCode, temporary: true, Maybe: resp.StatusCode >= 500}
	case err != nil:
		return fail(err, true, true)
	case said == "Success.":
		return []string{said}, nil
	case said == "" || len(said) > 200 || strings.Contains(said, "<"): // a page: a login form, a proxy
		return nil, &Error{Request: offlineRequest, Status: resp.StatusCode, Maybe: true, Err: ErrAnswer}
	default:
		return []string{said}, &Error{Request: offlineRequest, Status: resp.StatusCode, Err: ErrRefused, Text: said}
	}
}
