package store_test

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"coldstation/sync/hub/store"
	"coldstation/sync/hub/store/storetest"
	"coldstation/sync/identity"
)

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) (store.Store, func() store.Store) {
		path := filepath.Join(t.TempDir(), "hub? #1.db") // a path is not a URL
		open := func() store.Store {
			s, err := store.OpenSQLite(path)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		return open(), open
	})
}

func TestNotOurs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	if err := os.WriteFile(path, []byte("this is a letter to a friend, not a database"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := store.OpenSQLite(path); err == nil {
		s.Close()
		t.Error("a letter was opened as a store")
	}
	if text, _ := os.ReadFile(path); len(text) != 44 {
		t.Errorf("the letter has %d bytes now", len(text))
	}
}

func TestNewerDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	s, err := store.OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`INSERT INTO migrations (number, at) VALUES (2000, 0)`); err != nil {
		t.Fatal(err)
	}
	if s, err := store.OpenSQLite(path); !errors.Is(err, store.ErrNewer) {
		t.Errorf("a database of a newer version: %v, %v, want ErrNewer", s, err)
	}
}

// TestOlderDatabase: what an earlier version wrote is taken along.
func TestOlderDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	first, err := os.ReadFile("migrations/0001_begin.sql")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{string(first),
		`CREATE TABLE migrations (number BIGINT NOT NULL PRIMARY KEY, at BIGINT NOT NULL)`,
		`INSERT INTO migrations (number, at) VALUES (1, 0)`,
		`INSERT INTO stations (id, shard, signing, password, enrolled, heard, stream, told, taken) VALUES ('maple-house', 1, x'01', x'02', 3, 4000, 's', 5, 2)`,
		`INSERT INTO stations (id, shard, signing, password, enrolled, heard, stream, told, taken) VALUES ('birch-house', 1, x'01', x'02', 3, 4000, 's', 5, 5)`} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	db.Close()
	s, err := store.OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all, err := s.Stations(t.Context())
	if err != nil || len(all) != 2 || !all[0].PendingSince.IsZero() || all[1].PendingSince.UnixMilli() != 4000 || all[1].Pending() != 3 {
		t.Errorf("stations %+v, %v, want both, and maple-house waiting since it was heard", all, err)
	}
	if e, err := s.Enrolled(t.Context(), "maple-house"); err != nil || e.Revoked || len(e.Password) != 1 {
		t.Errorf("enrolled %+v, %v, want as before", e, err)
	}
}

// TestDurable: a commit is flushed, which a power cut needs and a test of
// behaviour cannot see.
func TestDurable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	s, err := store.OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range []string{path, path + "-wal"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v, want it to be its owner's alone", name, info, err)
		}
	}
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		if err := store.Writer(s).QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, %v, want %s", pragma, got, err, want)
		}
	}
}

// TestDamagedWhileOpen: what is damaged only once the store is open is said to be that
// by whatever reads it, and by what writes.
func TestDamagedWhileOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	for range 2 { // the second time there is no log to read instead
		s, err := store.OpenSQLite(path)
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	s, err := store.OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	for at := int64(0); at < info.Size(); at += 4096 {
		if _, err := file.WriteAt(bytes.Repeat([]byte{0xA5}, 4096), at); err != nil {
			t.Fatal(err)
		}
	}
	for what, do := range map[string]func() error{
		"stations": func() error { _, err := s.Stations(t.Context()); return err },
		"log":      func() error { return s.Log(t.Context(), "maple-house", func(store.Kept) error { return nil }) },
		"loans":    func() error { _, err := s.Loans(t.Context(), "maple-house"); return err },
		"enrol": func() error {
			return s.Enrol(t.Context(), identity.Enrolled{Station: "maple-house", Signing: make([]byte, 32)}, storetest.Start)
		},
		"find": func() error { _, err := s.Find(t.Context(), "maple-house", told().ID, storetest.Start); return err },
	} {
		if err := do(); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: %v, want %v", what, err, store.ErrDamaged)
		}
	}
}
