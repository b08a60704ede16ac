package store_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"coldstation/sync/hub/store"
	"coldstation/sync/hub/store/storetest"
)

// TestRestoredOpensNothing: what was signed out or revoked after a backup stays so
// when it is restored.
func TestRestoredOpensNothing(t *testing.T) {
	s, err := store.OpenSQLite(filepath.Join(t.TempDir(), "hub.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, at, later := t.Context(), storetest.Start, storetest.Start.Add(time.Hour)
	err = errors.Join(
		s.AddAccount(ctx, store.Account{Name: "maija"}),
		s.OfferLink(ctx, store.Link{Hash: []byte("link"), Account: "maija", Expires: later}),
		s.BeginSession(ctx, store.Session{Hash: []byte("session"), Account: "maija", Begun: at, Seen: at}),
		s.AddToken(ctx, store.Token{Hash: []byte("token"), Account: "maija", Expires: later}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Restored(ctx, s); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.SessionOf(ctx, []byte("session")); !errors.Is(err, store.ErrNoSession) {
		t.Errorf("a session: %v", err)
	}
	if _, _, err := s.TokenOf(ctx, []byte("token"), at); !errors.Is(err, store.ErrNoToken) {
		t.Errorf("a token: %v", err)
	}
	if _, err := s.LinkOf(ctx, []byte("link"), at); !errors.Is(err, store.ErrNoLink) {
		t.Errorf("a link: %v", err)
	}
	if _, err := s.Account(ctx, "maija"); err != nil {
		t.Errorf("the account: %v", err)
	}
}
