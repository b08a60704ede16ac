package storetest

import (
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/identity"
)

// enrolment: nobody's keys are replaced by mistake, a code works once, and what
// is revoked stays so until new keys are given.
func enrolment(t *testing.T, p *place) {
	ctx := t.Context()
	first := identity.Enrolled{Station: "maple-house", Password: []byte("new"), Signing: make([]byte, 32)}
	if err := p.Enrol(ctx, first, Start); !errors.Is(err, store.ErrKnown) {
		t.Errorf("enrolling a known station: %v, want ErrKnown", err)
	}
	if e, err := p.Enrolled(ctx, "maple-house"); err != nil || string(e.Password) != "hash of maple-house" {
		t.Errorf("its keys are %+v, %v, want the old ones", e, err)
	}
	for what, err := range map[string]error{
		"keys":     p.Rekey(ctx, identity.Enrolled{Station: "nowhere"}, Start),
		"a title":  p.SetTitle(ctx, "nowhere", "Nowhere"),
		"revoking": p.Revoke(ctx, "nowhere", Start),
		"a code":   p.Offer(ctx, store.Code{ID: []byte{1}, Station: "nowhere", Secret: []byte{1}, Expires: Start}),
	} {
		if !errors.Is(err, store.ErrNoStation) {
			t.Errorf("%s for an unknown station: %v, want ErrNoStation", what, err)
		}
	}
	p.ok(p.SetTitle(ctx, "maple-house", "Maple House, 2nd floor"))

	day := Start.AddDate(0, 0, 1)
	p.ok(p.Offer(ctx, store.Code{ID: []byte{1}, Station: "maple-house", Secret: []byte("lost"), Expires: day}))
	p.ok(p.Offer(ctx, store.Code{ID: []byte{2}, Station: "maple-house", Secret: []byte("secret"), Expires: day}))
	p.restart()
	if _, err := p.Code(ctx, []byte{1}); !errors.Is(err, store.ErrNoCode) {
		t.Errorf("a code that another replaced: %v, want ErrNoCode", err)
	}
	if c, err := p.Code(ctx, []byte{2}); err != nil || c.Station != "maple-house" || string(c.Secret) != "secret" || !c.Expires.Equal(day) || c.Used {
		t.Errorf("the code is %+v, %v", c, err)
	}
	serial := func(n int64) store.Certificate {
		return store.Certificate{Serial: big.NewInt(n), Station: "maple-house", Expires: Start.AddDate(1, 0, int(n))}
	}
	p.ok(p.Issue(ctx, serial(7)))
	if err := p.Redeem(ctx, []byte{2}, first, serial(8), day); !errors.Is(err, store.ErrNoCode) {
		t.Errorf("an expired code: %v, want ErrNoCode", err)
	}
	if err := p.Redeem(ctx, []byte{2}, identity.Enrolled{Station: "birch-house"}, serial(8), Start); !errors.Is(err, store.ErrNoCode) {
		t.Errorf("another station's code: %v, want ErrNoCode", err)
	}
	p.ok(p.Redeem(ctx, []byte{2}, first, serial(8), Start))
	if err := p.Redeem(ctx, []byte{2}, first, serial(9), Start); !errors.Is(err, store.ErrNoCode) {
		t.Errorf("a code used twice: %v, want ErrNoCode", err)
	}
	if s, err := p.Station(ctx, "maple-house"); err != nil || !s.Expires.Equal(serial(8).Expires) {
		t.Errorf("its certificate is good until %v, %v, want %v", s.Expires, err, serial(8).Expires)
	}
	if c, err := p.Code(ctx, []byte{2}); err != nil || len(c.Secret) != 0 || !c.Used {
		t.Errorf("a used code is %+v, %v, want no secret", c, err)
	}
	revoked := func(at time.Time) (all []int64) {
		list, err := p.Revoked(ctx, at)
		p.ok(err)
		for _, c := range list {
			all = append(all, c.Serial.Int64())
		}
		return all
	}
	if got := revoked(Start); len(got) != 1 || got[0] != 7 { // what the old keys had
		t.Errorf("revoked: %v, want 7", got)
	}

	p.ok(p.Offer(ctx, store.Code{ID: []byte{3}, Station: "maple-house", Secret: []byte("secret"), Expires: day}))
	p.ok(p.Revoke(ctx, "maple-house", Start.Add(time.Hour)))
	p.restart()
	if c, err := p.Code(ctx, []byte{3}); err != nil || !c.Used {
		t.Errorf("a code of a revoked station is %+v, %v, want it used up", c, err)
	}
	all, err := p.AllEnrolled(ctx)
	if err != nil || len(all) != 2 || all[0].Revoked || !all[1].Revoked {
		t.Errorf("enrolled: %+v, %v, want maple-house revoked and birch-house not", all, err)
	}
	if s, err := p.Station(ctx, "maple-house"); err != nil || !s.Revoked.Equal(Start.Add(time.Hour)) || s.Title != "Maple House, 2nd floor" {
		t.Errorf("the station is %+v, %v", s, err)
	}
	if got := revoked(Start); len(got) != 2 || got[1] != 8 {
		t.Errorf("revoked: %v, want 7 and 8", got)
	}
	if got := revoked(Start.AddDate(1, 0, 7)); len(got) != 1 {
		t.Errorf("revoked a year on: %v, want 8 alone", got)
	}
	p.ok(p.Rekey(ctx, first, Start))
	if e, err := p.Enrolled(ctx, "maple-house"); err != nil || e.Revoked || string(e.Password) != "new" {
		t.Errorf("with new keys it is %+v, %v, want it back", e, err)
	}

	p.ok(p.SetFact(ctx, "place", "here"))
	p.ok(p.SetFact(ctx, "place", "there"))
	p.restart()
	for name, want := range map[string]string{"place": "there", "time": ""} {
		if got, err := p.Fact(ctx, name); err != nil || got != want {
			t.Errorf("fact %s: %q, %v, want %q", name, got, err, want)
		}
	}
}

// waiting: how long a station has taken nothing of what it was told.
func waiting(t *testing.T, p *place) {
	since := func() time.Time {
		s, err := p.Station(t.Context(), "maple-house")
		p.ok(err)
		return s.PendingSince
	}
	stream := uuid.New()
	p.ok(p.NewStream(t.Context(), "maple-house", stream))
	if !since().IsZero() {
		t.Errorf("an empty stream waits since %v", since())
	}
	words := map[string]string{"en": "Hello"}
	before := time.Now().Truncate(time.Millisecond)
	p.ok(p.Tell(t.Context(), "maple-house", circ.MessagePut{ID: "m", Words: words}, circ.MessagePut{ID: "n", Words: words}))
	began := since()
	if began.Before(before) || began.After(time.Now()) {
		t.Errorf("two notices wait since %v, want since they were told, after %v", began, before)
	}
	for time.Now().Truncate(time.Millisecond).Equal(began.Local()) { // a clock of milliseconds
	}
	p.ok(p.Tell(t.Context(), "maple-house", circ.MessagePut{ID: "o", Words: words}))
	p.ok(p.NewStream(t.Context(), "maple-house", uuid.New())) // it did not take the first
	if !since().Equal(began) {
		t.Errorf("they wait since %v, want since the first was told, %v", since(), began)
	}
	s, err := p.Station(t.Context(), "maple-house")
	p.ok(err)
	p.draw("maple-house")
	p.ok(p.NoticesTaken(t.Context(), "maple-house", s.Stream, 1, false))
	if !since().After(began) {
		t.Errorf("the rest waits since %v, want since something was taken, after %v", since(), began)
	}
	p.ok(p.NoticesTaken(t.Context(), "maple-house", s.Stream, s.Told, false))
	if !since().IsZero() {
		t.Errorf("all taken, waits since %v", since())
	}
}
