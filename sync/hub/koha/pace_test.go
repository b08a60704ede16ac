package koha_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"coldstation/sync/hub/koha"
	"coldstation/sync/hub/koha/kohatest"
)

// bubble runs test with an API over pipes, in time that passes at once.
func bubble(t *testing.T, s *kohatest.System, change func(*koha.Settings), test func(t *testing.T, a *koha.API)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		set := koha.Settings{URL: "http://localhost", ID: kohatest.ID, Secret: kohatest.Secret, Dial: s.Pipe(t), Zone: zone, PerPage: 10}
		if change != nil {
			change(&set)
		}
		a, err := koha.New(set)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		test(t, a)
	})
}

// TestPace: after the burst, five requests a second and no more, however many ask.
func TestPace(t *testing.T) {
	bubble(t, library(kohatest.Newer, 1), nil, func(t *testing.T, a *koha.API) {
		var all sync.WaitGroup
		begun := time.Now()
		var took []time.Duration
		var mu sync.Mutex
		for range 30 {
			all.Go(func() {
				if _, err := a.Item(t.Context(), 1); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				took = append(took, time.Since(begun))
			})
		}
		all.Wait()
		slices.Sort(took)
		equal(t, "the tenth came after", took[9], 0)
		equal(t, "the eleventh came after", took[10], 200*time.Millisecond)
		equal(t, "the last came after", took[29], 4*time.Second)
		time.Sleep(time.Hour) // a long rest earns one burst and not more
		begun = time.Now()
		for range 15 {
			if _, err := a.Item(t.Context(), 1); err != nil {
				t.Error(err)
			}
		}
		equal(t, "after a rest, 15 took", time.Since(begun), time.Second)
	})
}

// TestRetryAfter: nobody asks again before Koha wants to be asked.
func TestRetryAfter(t *testing.T) {
	for name, test := range map[string]struct {
		after func() string
		want  time.Duration
	}{
		"seconds":  {func() string { return "30" }, 30 * time.Second},
		"date":     {func() string { return time.Now().Add(45 * time.Second).UTC().Format(http.TimeFormat) }, 44 * time.Second},
		"nothing":  {func() string { return "" }, 0},
		"the past": {func() string { return "Fri, 01 Jan 1999 15:04:05 GMT" }, 0},
	} {
		for what, kind := range map[string]kohatest.Kind{"429": kohatest.TooMany, "503": kohatest.Down} {
			t.Run(name+" "+what, func(t *testing.T) {
				s := library(kohatest.Newer, 1)
				bubble(t, s, nil, func(t *testing.T, a *koha.API) {
					s.Fail(kohatest.Fault{Kind: kind, On: "GET /items", After: test.after()})
					begun := time.Now()
					if _, err := a.Item(t.Context(), 1); err != nil {
						t.Error(err)
					}
					if took := time.Since(begun); took < test.want || took > test.want+3*time.Second {
						t.Errorf("got an answer after %v, want %v and a little", took, test.want)
					}
				})
			})
		}
	}
	t.Run("others wait too", func(t *testing.T) {
		s := library(kohatest.Newer, 1)
		bubble(t, s, nil, func(t *testing.T, a *koha.API) {
			s.Fail(kohatest.Fault{Kind: kohatest.TooMany, On: "GET /items", After: "30"})
			var first sync.WaitGroup
			first.Go(func() {
				if _, err := a.Item(t.Context(), 1); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
			begun := time.Now()
			if _, err := a.Patron(t.Context(), 5); err != nil {
				t.Error(err)
			}
			if took := time.Since(begun); took < 30*time.Second {
				t.Errorf("another request went after %v, want 30s", took)
			}
			first.Wait()
		})
	})
	t.Run("longer than patience", func(t *testing.T) {
		s := library(kohatest.Newer, 1)
		bubble(t, s, nil, func(t *testing.T, a *koha.API) {
			s.Fail(kohatest.Fault{Kind: kohatest.Down, On: "GET /items", After: "3600"})
			begun := time.Now()
			_, err := a.Item(t.Context(), 1)
			e, is := errors.AsType[*koha.Error](err)
			if !is || !e.Temporary() || e.RetryAfter != time.Hour || time.Since(begun) != 0 {
				t.Errorf("got %v after %v, want to be told at once to come back in an hour", err, time.Since(begun))
			}
		})
	})
	t.Run("cancelled meanwhile", func(t *testing.T) {
		s := library(kohatest.Newer, 1)
		bubble(t, s, nil, func(t *testing.T, a *koha.API) {
			s.Fail(kohatest.Fault{Kind: kohatest.TooMany, On: "GET /items", After: "60"})
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			begun := time.Now()
			if _, err := a.Item(ctx, 1); !errors.Is(err, context.DeadlineExceeded) || koha.Temporary(err) {
				t.Errorf("got %v, want the caller's time to be over", err)
			}
			equal(t, "after", time.Since(begun), 5*time.Second)
		})
	})
}

// TestGivesUp: four attempts, further and further apart, and no two callers in
// step.
func TestGivesUp(t *testing.T) {
	s := library(kohatest.Newer, 1)
	bubble(t, s, nil, func(t *testing.T, a *koha.API) {
		var waits []time.Duration
		for range 20 {
			for range 4 {
				s.Fail(kohatest.Fault{Kind: kohatest.Broken, On: "GET /items"})
			}
			begun := time.Now()
			_, err := a.Item(t.Context(), 1)
			if e, is := errors.AsType[*koha.Error](err); !is || !e.Temporary() || e.Status != 500 {
				t.Fatalf("got %v, want 500, temporary", err)
			}
			waits = append(waits, time.Since(begun))
		}
		if most := slices.Max(waits); most > 3500*time.Millisecond+time.Second {
			t.Errorf("gave up after %v, want 3.5s at most", most)
		}
		slices.Sort(waits)
		if spread := len(slices.Compact(waits)); spread < 15 {
			t.Errorf("20 callers gave up at %d different times", spread)
		}
		equal(t, "it goes well again", second(a.Item(t.Context(), 1)), nil)
	})
}

// TestTokenLife: a token is fetched once for many, and anew before it expires.
func TestTokenLife(t *testing.T) {
	s := library(kohatest.Newer, 1)
	bubble(t, s, nil, func(t *testing.T, a *koha.API) {
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { equal(t, "at first", second(a.Item(t.Context(), 1)), nil) })
		}
		all.Wait()
		equal(t, "tokens for ten at once", s.Grants(), 1)
		time.Sleep(58 * time.Minute)
		equal(t, "after 58 min", second(a.Item(t.Context(), 1)), nil)
		equal(t, "tokens", s.Grants(), 1)
		time.Sleep(90 * time.Second)
		equal(t, "half a minute before it expires", second(a.Item(t.Context(), 1)), nil)
		equal(t, "tokens", s.Grants(), 2)
		equal(t, "answers 401", s.Refusals(), 0)
		// While a token is fetched, others wait for it, and no longer than they want to.
		time.Sleep(time.Hour)
		s.Fail(kohatest.Fault{Kind: kohatest.Slow, On: "POST /oauth/token", Delay: 20 * time.Second})
		all.Go(func() { equal(t, "after 20 s", second(a.Item(t.Context(), 1)), nil) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := a.Item(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting for the token: got %v, want the caller's time to be over", err)
		}
		all.Wait()
	})
}

// TestSilence: a request that is not answered, or only in part, ends in time.
func TestSilence(t *testing.T) {
	for name, kind := range map[string]kohatest.Kind{"slow": kohatest.Slow, "hung": kohatest.Hung} {
		t.Run(name, func(t *testing.T) {
			s := library(kohatest.Newer, 1)
			bubble(t, s, func(set *koha.Settings) { set.Attempts = 2 }, func(t *testing.T, a *koha.API) {
				f := kohatest.Fault{Kind: kind, On: "GET /items", Delay: time.Hour}
				s.Fail(f)
				begun := time.Now()
				equal(t, "the second time", second(a.Item(t.Context(), 1)), nil)
				if took := time.Since(begun); took < time.Minute || took > time.Minute+time.Second {
					t.Errorf("took %v, want a minute and a little", took)
				}
				s.Fail(f, f)
				if _, err := a.Item(t.Context(), 1); !errors.Is(err, koha.ErrSilent) || !koha.Temporary(err) {
					t.Errorf("twice: got %v, want no answer in time", err)
				}
			})
		})
	}
}
