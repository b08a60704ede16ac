// Package hook tells other programs over HTTP what happened.
//
// A hook is a line of a file at the hub's machine:
//
//	NAME URL SECRET-FILE
//
// Pages name hooks and never addresses: nobody who has an account, or has stolen one,
// can have the hub call what only the hub reaches. For the same reason no redirect is
// followed. The address is https, or http at this machine alone.
//
// What is sent is a POST of JSON, signed as Standard Webhooks has it
// (standardwebhooks.com, "Signature scheme", symmetric):
//
//	webhook-id         the same at every try: who has seen it drops it
//	webhook-timestamp  seconds since 1970, of this try
//	webhook-signature  v1,BASE64 of HMAC-SHA256(secret, ID "." TIMESTAMP "." BODY)
//
// A receiver that answers 2xx has it. Any other answer, and none within 15 seconds, is
// tried again by whoever sends.
package hook

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Hook is where something is sent.
type Hook struct {
	Name   string
	URL    string
	Secret []byte
}

const (
	leastSecret = 24 // bytes, as Standard Webhooks asks for
	patience    = 15 * time.Second
)

// Read reads the file that names hooks; a secret's file may be beside it.
func Read(file string) (all []Hook, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if len(words) != 3 {
			return nil, fmt.Errorf("%s, line %d: it is NAME URL SECRET-FILE", file, n)
		}
		h := Hook{Name: words[0], URL: words[1]}
		if err := check(h.URL); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", file, n, err)
		}
		if slices.ContainsFunc(all, func(other Hook) bool { return other.Name == h.Name }) {
			return nil, fmt.Errorf("%s, line %d: there is a hook %s already", file, n, h.Name)
		}
		secret := words[2]
		if !filepath.IsAbs(secret) {
			secret = filepath.Join(filepath.Dir(file), secret)
		}
		if h.Secret, err = os.ReadFile(secret); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", file, n, err)
		}
		if h.Secret = bytes.TrimSpace(h.Secret); len(h.Secret) < leastSecret {
			return nil, fmt.Errorf("%s, line %d: a secret has %d signs or more", file, n, leastSecret)
		}
		all = append(all, h)
	}
	return all, lines.Err()
}

func check(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return fmt.Errorf("%q is no address", address)
	}
	ip, err := netip.ParseAddr(u.Hostname())
	here := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !here) {
		return fmt.Errorf("%s: it is https; http is for this machine alone", u.Redacted())
	}
	return nil
}

// Names are those of hooks.
func Names(all []Hook) (names []string) {
	for _, h := range all {
		names = append(names, h.Name)
	}
	return names
}

// Named is the hook of a name.
func Named(all []Hook, name string) (Hook, error) {
	for _, h := range all {
		if h.Name == name {
			return h, nil
		}
	}
	return Hook{}, fmt.Errorf("there is no hook %q any more", name)
}

// outside follows no redirect and sends nothing by a proxy of the environment.
var outside = &http.Client{
	Timeout:       patience,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: patience, ForceAttemptHTTP2: true},
}

// Send sends what is known by an id, once. The error names no address.
func (h Hook) Send(ctx context.Context, id string, body []byte, at time.Time) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address is not understood")
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "coldstation-hub")
	r.Header.Set("Webhook-Id", id)
	r.Header.Set("Webhook-Timestamp", stamp)
	r.Header.Set("Webhook-Signature", "v1,"+h.sign(id, stamp, body))
	answer, err := outside.Do(r)
	if err != nil {
		if about, is := errors.AsType[*url.Error](err); is {
			err = about.Err
		}
		return err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 4096) // so that the connection is used again
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("it answers %d", answer.StatusCode)
	}
	return nil
}

func (h Hook) sign(id, stamp string, body []byte) string {
	sum := hmac.New(sha256.New, h.Secret)
	fmt.Fprintf(sum, "%s.%s.", id, stamp)
	sum.Write(body)
	return base64.StdEncoding.EncodeToString(sum.Sum(nil))
}

// Wait is how long to wait after a number of tries: from half a minute to an hour.
func Wait(tries int) time.Duration {
	return min(30*time.Second<<min(max(0, tries), 10), time.Hour)
}
