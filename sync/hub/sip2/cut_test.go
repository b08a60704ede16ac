package sip2_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/sync/hub/sip2"
	"coldstation/sync/hub/sip2/sip2test"
)

// change is one request that changes something, by its conversation.
type change struct {
	name   string
	before func(*testing.T, *sip2.Conn)
	do     func(context.Context, *sip2.Conn) (item string, err error)
}

var changes = []change{
	{"checkout", nil, func(ctx context.Context, c *sip2.Conn) (string, error) {
		r, err := c.Checkout(ctx, checkout("p1", "i1"))
		return r.Item, err
	}},
	{"checkin", lend, func(ctx context.Context, c *sip2.Conn) (string, error) {
		r, err := c.Checkin(ctx, checkin("i1"))
		return r.Item, err
	}},
	{"renew", lend, func(ctx context.Context, c *sip2.Conn) (string, error) {
		r, err := c.Renew(ctx, renewal("p1", "i1"))
		return r.Item, err
	}},
}

func lend(t *testing.T, c *sip2.Conn) {
	if _, err := c.Checkout(t.Context(), checkout("p1", "i1")); err != nil {
		t.Fatal(err)
	}
}

// judge holds what was said of a change against what was done.
func judge(t *testing.T, what string, done int, err error) {
	t.Helper()
	outcome := sip2.OutcomeOf(err)
	wrong := done > 1
	switch outcome {
	case sip2.Done:
		wrong = done != 1
	case sip2.NotSent, sip2.Refused, sip2.Unread:
		wrong = done != 0
	}
	if wrong {
		t.Errorf("%s: done %d times and told %s: %v", what, done, outcome, err)
	}
}

// TestCutEverywhere drops the connection at every byte of a conversation, in
// either direction, and then asks again as the package says one should.
func TestCutEverywhere(t *testing.T) {
	for _, name := range systems {
		for _, ch := range changes {
			t.Run(name+"/"+ch.name, func(t *testing.T) {
				seen := make(map[sip2.Outcome]int)
				for _, incoming := range []bool{true, false} {
					for at, whole := 0, false; !whole; at++ {
						if at > 1000 {
							t.Fatal("the conversation does not end")
						}
						synctest.Test(t, func(t *testing.T) {
							s := library(t, name)
							s.Cut(-1, -1)
							setup := sip2.New(sip2.Settings{Dial: s.Dial}, station)
							defer setup.Close()
							if ch.before == nil {
								_, err := setup.Status(t.Context(), sip2.StatusRequest{})
								if err != nil {
									t.Fatal(err)
								}
							} else {
								ch.before(t, setup)
							}
							before := len(s.History())
							if incoming {
								s.Cut(at, -1)
							} else {
								s.Cut(-1, at)
							}
							c := sip2.New(sip2.Settings{Dial: s.Dial, Timeout: time.Second}, station)
							defer c.Close()
							_, err := ch.do(t.Context(), c)
							synctest.Wait() // what was cut may still be acted on
							done := len(s.History()) - before
							judge(t, fmt.Sprintf("cut at %d, incoming %t", at, incoming), done, err)
							outcome := sip2.OutcomeOf(err)
							seen[outcome]++
							whole = outcome == sip2.Done
							if outcome == sip2.Unknown {
								// A question on a new connection tells which.
								known, err := c.Item(t.Context(), sip2.ItemRequest{Item: "i1"})
								lent := known.Circulation == sip2.CirculationCharged
								if want := len(s.Loans()) == 1; err != nil || lent != want {
									t.Errorf("asked afterwards: got lent %t, %v, want %t", lent, err, want)
								}
							}
						})
					}
				}
				if seen[sip2.Unknown] < 50 || seen[sip2.NotSent] < 20 || seen[sip2.Done] != 2 {
					t.Errorf("got %v: the cuts missed something", seen)
				}
			})
		}
	}
}

// TestFaults: each fault at the change itself, in every system.
func TestFaults(t *testing.T) {
	type fault struct {
		name  string
		fault sip2test.Fault
		want  sip2.Outcome
	}
	faults := []fault{
		{"hang up before", sip2test.Fault{Kind: sip2test.HangUpBefore}, sip2.Unknown},
		{"hang up after", sip2test.Fault{Kind: sip2test.HangUpAfter}, sip2.Unknown},
		{"late", sip2test.Fault{Kind: sip2test.Late, Delay: time.Minute}, sip2.Unknown},
		{"in time", sip2test.Fault{Kind: sip2test.Late, Delay: 29 * time.Second}, sip2.Done},
		{"garbage", sip2test.Fault{Kind: sip2test.Garbage, Line: "\x00\xff\x1b[2J nonsense\r"}, sip2.Done},
		{"garbage without an end", sip2test.Fault{Kind: sip2test.Garbage, Line: "1"}, sip2.Unknown},
		{"too much garbage", sip2test.Fault{Kind: sip2test.Garbage, Line: string(make([]byte, sip2.MaxLine+1))}, sip2.Unknown},
		{"another reply", sip2test.Fault{Kind: sip2test.Garbage, Line: "941\r"}, sip2.Unknown},
		{"fee paid", sip2test.Fault{Kind: sip2test.Garbage, Line: "38Y\r"}, sip2.Done},
		{"fields missing", sip2test.Fault{Kind: sip2test.Missing, Fields: []string{"AO", "AA", "AB", "AJ", "AH"}}, sip2.Done},
		{"check missing", sip2test.Fault{Kind: sip2test.Missing, Fields: []string{"AY"}}, sip2.Done},
		{"wrong checksum", sip2test.Fault{Kind: sip2test.WrongSum}, sip2.Done},
		{"ask again", sip2test.Fault{Kind: sip2test.AskAgain}, sip2.Unread},
	}
	for _, name := range systems {
		for _, ch := range changes {
			for _, f := range faults {
				t.Run(name+"/"+ch.name+"/"+f.name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						s := library(t, name)
						c := sip2.New(sip2.Settings{Dial: s.Dial}, station)
						defer c.Close()
						if ch.before != nil {
							ch.before(t, c)
						}
						before := len(s.History())
						f.fault.On = map[string]sip2.Code{"checkout": "11", "checkin": "09", "renew": "29"}[ch.name]
						s.Fail(f.fault)
						_, err := ch.do(t.Context(), c)
						time.Sleep(2 * time.Minute) // of the bubble: a late reply has come
						judge(t, f.name, len(s.History())-before, err)
						if got := sip2.OutcomeOf(err); got != f.want {
							t.Errorf("got %s, %v, want %s", got, err, f.want)
						}
						// The conversation goes on, and is not confused by what was left over.
						if r, err := c.Item(t.Context(), sip2.ItemRequest{Item: "i2"}); err != nil || r.Item != "i2" {
							t.Errorf("next request: got %q, %v", r.Item, err)
						}
						if _, err := c.Checkout(t.Context(), checkout("p1", "i3")); err != nil {
							t.Errorf("next change: %v", err)
						}
					})
				})
			}
		}
	}
}

// A system that asks again for what it has done is not believed to the point of
// doing it twice.
func TestAskAgainIsNoExcuse(t *testing.T) {
	s := library(t, "koha")
	c := sip2.New(sip2.Settings{Dial: s.Dial}, station)
	defer c.Close()
	s.Fail(sip2test.Fault{Kind: sip2test.AskAgainAfter, On: "11"})
	_, err := c.Checkout(t.Context(), checkout("p1", "i1"))
	if got := sip2.OutcomeOf(err); got != sip2.Unread || !errors.Is(err, sip2.ErrAgain) {
		t.Errorf("got %s, %v", got, err)
	}
	if got := s.Loans(); len(got) != 1 || got[0].Renewals != 0 {
		t.Errorf("got %+v, want one loan, not renewed", got)
	}
	// A question is asked again, as often as was set.
	s.Fail(sip2test.Fault{Kind: sip2test.AskAgain, On: "17"}, sip2test.Fault{Kind: sip2test.AskAgain, On: "17"})
	if r, err := c.Item(t.Context(), sip2.ItemRequest{Item: "i1"}); err != nil || r.Circulation != sip2.CirculationCharged {
		t.Errorf("got %+v, %v", r, err)
	}
	for range 3 {
		s.Fail(sip2test.Fault{Kind: sip2test.AskAgain, On: "17"})
	}
	if _, err := c.Item(t.Context(), sip2.ItemRequest{Item: "i1"}); sip2.OutcomeOf(err) != sip2.Unread {
		t.Errorf("got %v, want %s", err, sip2.Unread)
	}
}

// A reply about another item confirms nothing.
func TestAnotherItem(t *testing.T) {
	s := library(t, "koha")
	c := sip2.New(sip2.Settings{Dial: s.Dial, Checks: sip2.ChecksOff}, station)
	defer c.Close()
	s.Fail(sip2test.Fault{Kind: sip2test.Garbage, On: "11", Line: "121NUY20261124    120000AOmain|AAp1|ABi2|AJT|AH20261222    235900|\r"})
	_, err := c.Checkout(t.Context(), checkout("p1", "i1"))
	if sip2.OutcomeOf(err) != sip2.Unknown || !errors.Is(err, sip2.ErrStray) {
		t.Errorf("got %v, want %s", err, sip2.Unknown)
	}
}
